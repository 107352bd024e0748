// What is taken for granted of a client before anything was seen of it, as a place where the search
// begins.
#pragma once

#include "emulator/lab/search.h"

namespace handset::lab {

// What most clients do. The search takes back what no case speaks for.
void begin_with_usual(device::Device& start, const std::string& source);

// What most of the known devices state, as inferred; the more examples one predicts, the more its
// word counts, and steeply so.
void fill_from_vote(device::Device& start, const std::vector<Example>& examples,
                    const std::vector<device::Device>& known, const std::string& source);

}  // namespace handset::lab
