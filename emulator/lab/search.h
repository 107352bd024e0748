// The search for the statements under which the judge predicts what was seen: one is changed at a
// time while that explains more.
#pragma once

#include "emulator/lab/learn.h"

namespace handset::lab {

// From what `start` states. What no case speaks for is taken back, unless it is inferred.
Lesson search(device::Device start, const std::vector<Example>& examples, const std::string& source,
              const std::function<void(const std::string&)>& progress);

}  // namespace handset::lab
