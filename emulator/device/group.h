// Devices under one name: profiles/groups/<id>.yaml lists ids and patterns, and what they leave
// out. A group says nothing of a device; it only saves typing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace handset::device {

struct Group {
    std::string id;
    std::string name;
    std::string about;                 // what its devices have in common
    std::vector<std::string> devices;  // ids or patterns
    std::vector<std::string> except;   // the same, of those that `devices` finds
    friend bool operator==(const Group&, const Group&) = default;
};

// '*', '?' and '[a-c]' as in file names; anything else stands for itself.
bool matches(const std::string& pattern, const std::string& id);
bool is_pattern(std::string_view word);

// Of `ids` those that belong to the group, in their order.
std::vector<std::string> members(const Group& group, const std::vector<std::string>& ids);

}  // namespace handset::device
