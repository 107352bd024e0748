// The search for the statements under which the judge predicts what was seen: one is changed at a
// time while that explains more.
#pragma once

#include "emulator/lab/learn.h"

namespace handset::lab {

// Whether detours are tried where one change at a time leads no further: several times the work.
enum class Effort { quick, thorough };

// From what `start` states. What no case speaks for is taken back, unless it is inferred.
Lesson search(device::Device start, const std::vector<Example>& examples,
              const std::vector<Expected>& expected, const std::string& source, Effort effort,
              const std::function<void(const std::string&)>& progress);

}  // namespace handset::lab
