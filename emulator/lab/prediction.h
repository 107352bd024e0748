// What the judge says of a client that was shown a case: the other half of the comparison.
#pragma once

#include "emulator/judge/judge.h"
#include "emulator/lab/library.h"
#include "emulator/lab/observation.h"

namespace handset::lab {

// The flight of a connection as a client of ours would have recorded it. Throws
// std::invalid_argument when there was no hello to play it to.
wire::Flight flight_of(const Observation& observation, const Shown& shown);

// What is asked of the judge: the name the client went to, the roots it was given, its clock.
judge::Question question_of(const Shown& shown, Time at);

// A verdict as one of the two words that reality has; nullopt for `asks` and `unknown`.
std::optional<bool> accepts(const judge::Verdict& verdict);

}  // namespace handset::lab
