// The catalogs: devices, groups and rules, as tables and as JSON.
#pragma once

#include <iosfwd>
#include <map>
#include <vector>

#include "emulator/device/device.h"
#include "emulator/device/group.h"
#include "emulator/report/report.h"
#include "handshake/rules/rule.h"

namespace handset::report {

struct StoreSize {
    std::size_t roots = 0;
    bool complete = true;
};
struct DeviceList {
    std::vector<device::Device> devices;
    std::map<std::string, StoreSize> stores;  // by id: all that the devices name
    // Whether only devices were asked for that are known to support something, and ids of those
    // left out because their profiles do not say.
    bool by_support = false;
    std::vector<std::string> silent;
};
// "12 devices; 3 more do not say whether they support what was asked for"
std::string counted(const DeviceList& list);
// `style.width` decides how much room the families get.
void write_devices_table(const DeviceList& list, const Style& style, std::ostream& out);
// One device with every statement, its grade and its source.
void write_device(const device::Device& device, const Style& style, std::ostream& out);
void write_devices_json(const DeviceList& list, std::ostream& out);

// A group with the ids of its devices.
struct GroupListed {
    device::Group group;
    std::vector<std::string> devices;
};
void write_groups_table(const std::vector<GroupListed>& groups, const Style& style,
                        std::ostream& out);
void write_groups_json(const std::vector<GroupListed>& groups, std::ostream& out);

void write_rules_table(std::span<const rules::Rule> rules, const Style& style, std::ostream& out);
// One rule: demand, citation, remedy, and which devices refuse it with which words.
void write_rule(const rules::Rule& rule, const std::vector<device::Device>& devices,
                const Style& style, std::ostream& out);
void write_rules_json(std::span<const rules::Rule> rules,
                      const std::vector<device::Device>& devices, std::ostream& out);

}  // namespace handset::report
