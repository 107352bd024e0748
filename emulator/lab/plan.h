// Which case to show next to a client that is being learned: the one whose outcome settles most of
// what is still open.
#pragma once

#include "emulator/lab/learn.h"

namespace handset::lab {

// Learned anew after so many answers; in between the plan goes by what is known.
inline constexpr std::size_t answers_between = 8;

// What a case is about, mostly a rule: "extension/extension-san-critical--two" is about
// "extension-san-critical".
std::string subject_of(const std::string& case_id);

// A case as this client would be shown it, before it is: no connection is made. nullopt where
// nothing can be shown to it.
std::optional<Example> rehearse(const Shown& shown, ByteView client_hello, Time clock);

// The place in `open` of the next one to ask; nullopt when it is empty. `so_far` says what is
// known, `asked` what has been asked.
std::optional<std::size_t> most_telling(const device::Device& so_far,
                                        const std::vector<Example>& open,
                                        const std::vector<Example>& asked);

}  // namespace handset::lab
