// Profiles side by side.
#pragma once

#include <iosfwd>
#include <span>

#include "emulator/device/compare.h"
#include "emulator/report/report.h"

namespace handset::report {

enum class Shown { differences, everything };

void write_comparison(std::span<const device::Device> devices, Shown shown, const Style& style,
                      std::ostream& out);
void write_comparison_json(std::span<const device::Device> devices, Shown shown, std::ostream& out);

}  // namespace handset::report
