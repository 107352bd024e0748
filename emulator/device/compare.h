// Profiles side by side, statement by statement. Hellos, fallbacks, the order of noticing and
// responses are taken apart, so that devices differ where they do and not in what profiles call
// things.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "emulator/device/statements.h"

namespace handset::device {

struct ComparedStatement {
    std::string key;
    std::vector<std::optional<StatementText>> by_device;  // nullopt: silence
    bool differs = false;                                 // in value; another grade is none
};
// In the order of the profile format; a statement that none of the devices makes is left out.
std::vector<ComparedStatement> compare(std::span<const Device> devices);

}  // namespace handset::device
