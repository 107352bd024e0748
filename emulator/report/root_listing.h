// Which devices know which roots.
#pragma once

#include <iosfwd>
#include <map>
#include <vector>

#include "emulator/device/roots.h"
#include "emulator/report/listing.h"

namespace handset::report {

// A root, and for each of the devices whether it is known there.
struct RootKnown {
    device::RootFound found;
    std::vector<device::Known> by_device;
};

// The devices of `list` are those of RootKnown::by_device. Of many roots the table shows counts
// alone.
void write_roots_table(const DeviceList& list, const std::vector<RootKnown>& roots,
                       const Style& style, std::ostream& out);
void write_roots_json(const DeviceList& list, const std::vector<RootKnown>& roots,
                      std::ostream& out);

}  // namespace handset::report
