// The catalogs: devices and rules, as tables and as JSON.
#pragma once

#include <iosfwd>
#include <vector>

#include "emulator/device/device.h"
#include "emulator/report/report.h"
#include "handshake/rules/rule.h"

namespace handset::report {

void write_devices_table(const std::vector<device::Device>& devices, const Style& style,
                         std::ostream& out);
// One device with every statement, its grade and its source.
void write_device(const device::Device& device, const Style& style, std::ostream& out);
void write_devices_json(const std::vector<device::Device>& devices, std::ostream& out);

void write_rules_table(std::span<const rules::Rule> rules, const Style& style, std::ostream& out);
// One rule: demand, citation, remedy, and which devices refuse it with which words.
void write_rule(const rules::Rule& rule, const std::vector<device::Device>& devices,
                const Style& style, std::ostream& out);
void write_rules_json(std::span<const rules::Rule> rules,
                      const std::vector<device::Device>& devices, std::ostream& out);

}  // namespace handset::report
