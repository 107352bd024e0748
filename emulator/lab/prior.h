// What is taken for granted of a client before anything was seen of it, as a place where the search
// begins.
#pragma once

#include "emulator/lab/learn.h"

namespace handset::lab {

// What most clients do. The search takes back what no case speaks for.
void begin_with_usual(device::Device& start, const std::string& source);

// What the others state, those first that predict most of the examples.
void fill_from_nearest(device::Device& start, const std::vector<Example>& examples,
                       const std::vector<device::Device>& known, const std::string& source);

}  // namespace handset::lab
