// Which of the lab's cases a command is about: its --only.
#pragma once

#include <string>
#include <vector>

#include "emulator/lab/library.h"

namespace handset::cli {

// The cases that `patterns` choose; without any, all. A pattern that is none's own id chooses the
// case that stands for one of that id. Throws UsageError where one chooses nothing.
std::vector<lab::Outline> select_cases(std::vector<lab::Outline> cases,
                                       const std::vector<std::string>& patterns);

}  // namespace handset::cli
