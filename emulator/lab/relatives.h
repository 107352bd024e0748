// Devices that could be: known ones recombined, statement by statement, and a few statements
// changed at random. Cases that come out alike on most of them hang on the same statement, which
// the known devices alone are too few to tell.
#pragma once

#include <vector>

#include "emulator/device/device.h"

namespace handset::lab {

// Always the same for the same known devices; none without any.
std::vector<device::Device> relatives(const std::vector<device::Device>& known, std::size_t count);

}  // namespace handset::lab
