// profiles/groups/<id>.yaml, key by key.

#include "emulator/device/group.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>

#include "emulator/device/tree.h"

namespace handset::device {

namespace {

// A pattern and its place in the file.
struct Placed {
    std::string pattern;
    const Node* at = nullptr;
};
struct Read {
    Group group;
    std::vector<Placed> devices;
    std::vector<Placed> except;
};

std::optional<Placed> placed(Reading& in, const Value& value) {
    auto pattern = text(in, value);
    if (!pattern) return std::nullopt;
    return Placed{std::move(*pattern), value.node};
}

template <auto Member>
void group_text(Reading& in, const Value& value, Read& target) {
    if (auto read = text(in, value)) target.group.*Member = std::move(*read);
}

constexpr ListOf patterns{"ids or patterns of devices"};

constexpr Row<Read> group_rows[] = {
    {{"format", true}, format_number<Read>},
    {{"name", true}, group_text<&Group::name>},
    {{"about", true}, group_text<&Group::about>},
    {{"devices", true}, field<&Read::devices, list<patterns, placed>>},
    {{"except"}, field<&Read::except, list<patterns, placed>>},
};

bool matches_any(const std::vector<std::string>& candidates, const std::string& id) {
    return std::any_of(candidates.begin(), candidates.end(),
                       [&](const std::string& pattern) { return matches(pattern, id); });
}

// Writes down which of the patterns find none of `ids`.
void check_patterns(Reading& in, const std::vector<Placed>& listed,
                    const std::vector<std::string>& ids, std::string_view among) {
    const std::vector<std::string_view> names(ids.begin(), ids.end());
    for (const Placed& each : listed) {
        const bool finds = std::any_of(ids.begin(), ids.end(), [&](const std::string& id) {
            return matches(each.pattern, id);
        });
        if (finds) continue;
        in.problem(*each.at, fmt::format("no device {} is called {}{}", among,
                                         in_quotes(each.pattern), nearest(each.pattern, names)));
    }
}

std::vector<std::string> patterns_of(const std::vector<Placed>& listed) {
    std::vector<std::string> result;
    for (const Placed& each : listed)
        result.push_back(each.pattern);
    return result;
}

}  // namespace

bool matches(const std::string& pattern, const std::string& id) {
    return fnmatch(pattern.c_str(), id.c_str(), 0) == 0;
}

bool is_pattern(std::string_view word) {
    return word.find_first_of("*?[") != std::string_view::npos;
}

std::vector<std::string> members(const Group& group, const std::vector<std::string>& ids) {
    std::vector<std::string> found;
    for (const std::string& id : ids) {
        if (matches_any(group.devices, id) && !matches_any(group.except, id)) found.push_back(id);
    }
    return found;
}

Group read_group(const Node& root, const std::string& file, std::string id,
                 const std::vector<std::string>& device_ids) {
    Reading in(file);
    Read read;
    read.group.id = std::move(id);
    read_map(in, Value{"group", &root}, "group", group_rows, read);
    if (std::find(device_ids.begin(), device_ids.end(), read.group.id) != device_ids.end()) {
        in.problem(root, fmt::format("{} is a device already; give the file another name",
                                     in_quotes(read.group.id)));
    }
    check_patterns(in, read.devices, device_ids, "among the profiles");
    read.group.devices = patterns_of(read.devices);
    const std::vector<std::string> chosen = members(read.group, device_ids);
    check_patterns(in, read.except, chosen, "that 'devices' finds");
    read.group.except = patterns_of(read.except);
    if (!chosen.empty() && members(read.group, device_ids).empty()) {
        in.problem(root, "'except' leaves no device of the group");
    }
    in.throw_if_problems();
    return std::move(read.group);
}

void append_group_keys(std::vector<std::string>& out) {
    append_keys(out, "group", group_rows);
}

}  // namespace handset::device
