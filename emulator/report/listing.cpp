#include "emulator/report/listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <ostream>

#include "emulator/device/filter.h"
#include "emulator/device/statements.h"
#include "emulator/report/rows.h"

namespace handset::report {

namespace {

namespace json = boost::json;

// "TLS 1.0" as "1.0", for columns.
std::string short_version(wire::ProtocolVersion version) {
    std::string name = wire::name_of(version);
    if (name.starts_with("TLS ")) return name.substr(4);
    if (name.starts_with("SSL ")) return "SSL" + name.substr(4, 1);
    return name;
}

std::string versions_text(const device::Device& device) {
    const auto& stated = device.server_hello.versions;
    if (!stated || stated->value.empty()) return "?";
    const auto [low, high] = std::ranges::minmax(stated->value);
    return low == high ? short_version(low)
                       : fmt::format("{}-{}", short_version(low), short_version(high));
}

std::string rsa_bits_text(const device::Device& device) {
    if (!device.certificate.rsa_bits) return "?";
    const device::Range& range = device.certificate.rsa_bits->value;
    if (!range.min && !range.max) return "any";
    return fmt::format("{}..{}", range.min ? std::to_string(*range.min) : "",
                       range.max ? std::to_string(*range.max) : "");
}

std::string support_text(const device::Device& device, device::Feature feature) {
    const device::Known known = device::supports(device, feature);
    return known == device::Known::open ? "?" : std::string(device::word_of(known));
}

std::string san_text(const device::Device& device) {
    const auto& checked = device.names.checked;
    if (checked && !checked->value && checked->grade != device::Grade::assumed) return "any";
    const auto& san = device.names.san;
    if (san && san->value == device::SanRule::first) return "first";
    return support_text(device, device::Feature::san);
}

std::string roots_text(const device::Device& device, const DeviceList& list) {
    if (!device.trust.store_id) return "?";
    const auto store = list.stores.find(*device.trust.store_id);
    if (store == list.stores.end()) return "?";
    return fmt::format("{}{}", store->second.roots, store->second.complete ? "" : "+");
}

bool refuses(const device::Device& device, const rules::Rule& rule) {
    const auto stated = device.tolerances.find(std::string(rule.id));
    if (stated != device.tolerances.end()) {
        return stated->second.action == device::Action::refuse;
    }
    return rule.level == rules::Level::must && device.otherwise &&
           device.otherwise->action == device::Action::refuse;
}

const device::Response* response_to(const device::Device& device, const rules::Rule& rule) {
    const auto stated = device.tolerances.find(std::string(rule.id));
    const device::Tolerance* tolerance = stated != device.tolerances.end() ? &stated->second
                                         : device.otherwise                ? &*device.otherwise
                                                                           : nullptr;
    if (!tolerance) return nullptr;
    const auto response = device.responses.find(tolerance->response);
    return response == device.responses.end() ? nullptr : &response->second;
}

json::value text_or_null(const std::string& text) {
    if (text.empty()) return nullptr;
    return json::string(printable_utf8(text));
}

json::value size_or_null(const device::Device& device, const DeviceList& list) {
    if (!device.trust.store_id) return nullptr;
    const auto store = list.stores.find(*device.trust.store_id);
    if (store == list.stores.end()) return nullptr;
    return {{"roots", store->second.roots}, {"complete", store->second.complete}};
}

constexpr std::size_t month_columns = 7;  // "2007-04"
constexpr std::size_t narrowest_family = 12;

// The one column that can be cut without taking anything away: ids say the same.
void cut_families(std::vector<Row>& rows, std::size_t width) {
    constexpr std::size_t family = 1;
    std::vector<std::size_t> widths(rows.front().size());
    for (const Row& row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], columns_of(row[i]));
    }
    std::size_t others = 2 * (widths.size() - 1);
    for (std::size_t i = 0; i < widths.size(); ++i)
        others += i == family ? 0 : widths[i];
    const std::size_t room = width > others + narrowest_family ? width - others : narrowest_family;
    for (Row& row : rows)
        row[family] = cut_to(row[family], room);
}

}  // namespace

std::string counted(const DeviceList& list) {
    std::string text =
        fmt::format("{} device{}", list.devices.size(), list.devices.size() == 1 ? "" : "s");
    if (list.by_support) {
        text += fmt::format("; {} more do not say whether they support what was asked for",
                            list.silent.size());
    }
    return text;
}

void write_devices_table(const DeviceList& list, const Style& style, std::ostream& out) {
    std::vector<Row> rows{{"DEVICE", "FAMILY", "RELEASED", "VERSIONS", "RSA BITS", "SNI", "SAN",
                           "SHA-2", "ROOTS", "GRADE"}};
    for (const device::Device& device : list.devices) {
        rows.push_back({device.id, device.family, device.released.substr(0, month_columns),
                        versions_text(device), rsa_bits_text(device),
                        support_text(device, device::Feature::sni), san_text(device),
                        support_text(device, device::Feature::sha256), roots_text(device, list),
                        grades_in_short(device)});
    }
    cut_families(rows, style.width);
    write_rows(std::move(rows), style, out);
    out << '\n'
        << counted(list)
        << "\n?: what a profile does not say; SAN any: compares no name; ROOTS +: there may be "
           "more\nGRADE: the weakest, and that of most statements: "
        << short_grades_legend() << '\n';
}

void write_device(const device::Device& device, const Style& style, std::ostream& out) {
    out << fmt::format("{}\n{}, {}, {}, released {}, {}\n", device.id, device.name, device.vendor,
                       kind_name(device.kind), device.released, status_name(device.status));
    for (const std::string& note : device.notes)
        out << fmt::format("note: {}\n", note);
    out << '\n';
    std::vector<Row> rows{{"STATEMENT", "GRADE", "SOURCE", "VALUE"}};
    for (const device::StatementText& statement : device::statements(device)) {
        rows.push_back({statement.key, std::string(grade_name(statement.grade)), statement.source,
                        statement.value});
    }
    write_rows(rows, style, out);
    out << "\nSources:\n";
    for (const auto& [id, source] : device.sources) {
        out << fmt::format("  {} [{}] {}\n      {} (retrieved {})\n", id, grade_name(source.grade),
                           source.what, source.where, source.retrieved);
    }
}

void write_devices_json(const DeviceList& listed, std::ostream& out) {
    json::array list;
    for (const device::Device& device : listed.devices) {
        json::object grades;
        for (const auto& [grade, count] : device::count_grades(device)) {
            grades[device::grade_name(grade)] = count;
        }
        json::array statements;
        for (const device::StatementText& statement : device::statements(device)) {
            statements.push_back({{"key", statement.key},
                                  {"value", statement.value},
                                  {"grade", device::grade_name(statement.grade)},
                                  {"source", statement.source}});
        }
        list.push_back(
            {{"id", device.id},
             {"name", device.name},
             {"vendor", device.vendor},
             {"family", device.family},
             {"kind", device::kind_name(device.kind)},
             {"released", device.released},
             {"status", device::status_name(device.status)},
             {"store", text_or_null(device.trust.store_id.value_or(""))},
             {"store_size", size_or_null(device, listed)},
             {"server_name", device.client_hello.server_name != device::ServerNameRule::none},
             {"grades", std::move(grades)},
             {"statements", std::move(statements)}});
    }
    json::object document{{"schema", 1}, {"devices", std::move(list)}};
    if (listed.by_support) {
        document["silent"] = json::array(listed.silent.begin(), listed.silent.end());
    }
    out << json::serialize(document) << '\n';
}

void write_groups_table(const std::vector<GroupListed>& groups, const Style& style,
                        std::ostream& out) {
    std::vector<Row> rows{{"GROUP", "DEVICES", "ABOUT"}};
    for (const GroupListed& listed : groups) {
        rows.push_back({listed.group.id, std::to_string(listed.devices.size()),
                        fmt::format("{}: {}", listed.group.name, listed.group.about)});
    }
    write_rows(std::move(rows), style, out);
    out << fmt::format("\n{} group{}; 'handset devices GROUP' lists the devices of one\n",
                       groups.size(), groups.size() == 1 ? "" : "s");
}

void write_groups_json(const std::vector<GroupListed>& groups, std::ostream& out) {
    json::array list;
    for (const GroupListed& listed : groups) {
        list.push_back({{"id", listed.group.id},
                        {"name", printable_utf8(listed.group.name)},
                        {"about", printable_utf8(listed.group.about)},
                        {"devices", json::array(listed.devices.begin(), listed.devices.end())}});
    }
    out << json::serialize(json::object{{"schema", 1}, {"groups", std::move(list)}}) << '\n';
}

void write_rules_table(std::span<const rules::Rule> rules, const Style& style, std::ostream& out) {
    std::vector<Row> rows{{"RULE", "LEVEL", "CITATION", "DEMAND"}};
    for (const rules::Rule& rule : rules) {
        rows.push_back({std::string(rule.id), std::string(level_name(rule.level)),
                        std::string(rule.citation), std::string(rule.demand)});
    }
    write_rows(rows, style, out);
    out << fmt::format("\n{} rules\n", rules.size());
}

void write_rule(const rules::Rule& rule, const std::vector<device::Device>& devices,
                const Style& style, std::ostream& out) {
    out << fmt::format("{}\n  demand:   {}\n  citation: {}\n  level:    {}\n  remedy:   {}\n\n",
                       rule.id, rule.demand, rule.citation, level_name(rule.level), rule.remedy);
    std::vector<Row> rows{{"REFUSED BY", "ALERT", "USER READS"}};
    for (const device::Device& device : devices) {
        if (!refuses(device, rule)) continue;
        const device::Response* response = response_to(device, rule);
        std::string alert = "?";
        if (response && response->alert) alert = wire::name_of(*response->alert);
        if (response && response->alert_as_standard) alert = wire::name_of(rule.alert);
        if (response && response->alert_stated && !response->alert &&
            !response->alert_as_standard) {
            alert = "none";
        }
        rows.push_back({device.id, alert, response ? response->shows : ""});
    }
    if (rows.size() == 1) {
        out << "No shipped profile says that its device refuses this.\n";
    } else {
        write_rows(rows, style, out);
    }
}

void write_rules_json(std::span<const rules::Rule> rules,
                      const std::vector<device::Device>& devices, std::ostream& out) {
    json::array list;
    for (const rules::Rule& rule : rules) {
        json::array refused_by;
        for (const device::Device& device : devices) {
            if (refuses(device, rule)) refused_by.emplace_back(device.id);
        }
        list.push_back({{"id", rule.id},
                        {"area", area_name(rule.area)},
                        {"level", level_name(rule.level)},
                        {"step", step_name(rule.step)},
                        {"demand", rule.demand},
                        {"citation", rule.citation},
                        {"remedy", rule.remedy},
                        {"refused_by", std::move(refused_by)}});
    }
    out << json::serialize(json::object{{"schema", 1}, {"rules", std::move(list)}}) << '\n';
}

}  // namespace handset::report
