// A device's statements as a flat list of texts, each with its evidence: for listing and counting.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "emulator/device/device.h"

namespace handset::device {

struct StatementText {
    std::string key;    // "names.san", "tolerances.extension-san-critical"
    std::string value;  // "any", "refuse: illegal_parameter"
    Grade grade = Grade::assumed;
    std::string source;  // id
};
// In the order of the profile format. Silence is left out.
std::vector<StatementText> statements(const Device& device);
// How many statements have each grade; grades without any are left out.
std::map<Grade, std::size_t> count_grades(const Device& device);

}  // namespace handset::device
