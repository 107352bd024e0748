#include "emulator/report/listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <ostream>

#include "emulator/device/statements.h"

namespace handset::report {

namespace {

namespace json = boost::json;

// Left-aligned columns, two spaces apart; the last one runs free. Profiles may be anybody's, so
// every cell is made printable.
void write_rows(std::vector<std::vector<std::string>> rows, const Style& style, std::ostream& out) {
    for (auto& row : rows) {
        for (std::string& cell : row)
            cell = printable_utf8(cell);
    }
    std::vector<std::size_t> widths;
    for (const auto& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], row[i].size());
    }
    for (std::size_t r = 0; r < rows.size(); ++r) {
        std::string line;
        for (std::size_t i = 0; i < rows[r].size(); ++i) {
            line += i + 1 == rows[r].size() ? rows[r][i]
                                            : fmt::format("{:<{}}  ", rows[r][i], widths[i]);
        }
        if (r == 0 && style.color) line = fmt::format("\x1b[1m{}\x1b[0m", line);
        out << line << '\n';
    }
}

std::string versions_text(const device::Device& device) {
    const auto& stated = device.server_hello.versions;
    if (!stated || stated->value.empty()) return "?";
    const auto [low, high] = std::ranges::minmax(stated->value);
    return low == high ? wire::name_of(low)
                       : fmt::format("{}-{}", wire::name_of(low), wire::name_of(high));
}

std::string sni_text(const device::Device& device) {
    return device.client_hello.server_name == device::ServerNameRule::none ? "no" : "yes";
}

std::string san_text(const device::Device& device) {
    if (!device.names.san) return "?";
    switch (device.names.san->value) {
        case device::SanRule::none:
            return "no";
        case device::SanRule::first:
            return "first";
        case device::SanRule::any:
            return "yes";
    }
    return "?";
}

std::string sha256_text(const device::Device& device) {
    if (!device.certificate.signature_algorithms) return "?";
    const auto& known = device.certificate.signature_algorithms->value;
    const auto sha256 = x509::oid_from_name("sha256WithRSAEncryption");
    return std::ranges::find(known, *sha256) != known.end() ? "yes" : "no";
}

// The weakest grade a device's statements have, and how many have the strongest.
std::string grades_text(const device::Device& device) {
    std::vector<std::string> parts;
    const auto counts = device::count_grades(device);
    for (auto grade = counts.rbegin(); grade != counts.rend(); ++grade) {
        parts.push_back(fmt::format("{} {}", grade->second, device::grade_name(grade->first)));
    }
    return fmt::format("{}", fmt::join(parts, ", "));
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

}  // namespace

void write_devices_table(const std::vector<device::Device>& devices, const Style& style,
                         std::ostream& out) {
    std::vector<std::vector<std::string>> rows{
        {"DEVICE", "RELEASED", "KIND", "VERSIONS", "SNI", "SAN", "SHA-256", "STORE", "EVIDENCE"}};
    for (const device::Device& device : devices) {
        rows.push_back({device.id, device.released, std::string(kind_name(device.kind)),
                        versions_text(device), sni_text(device), san_text(device),
                        sha256_text(device), device.trust.store_id.value_or("?"),
                        grades_text(device)});
    }
    write_rows(rows, style, out);
    out << fmt::format("\n{} device{}; ? is what a profile does not say\n", devices.size(),
                       devices.size() == 1 ? "" : "s");
}

void write_device(const device::Device& device, const Style& style, std::ostream& out) {
    out << fmt::format("{}\n{}, {}, {}, released {}, {}\n", device.id, device.name, device.vendor,
                       kind_name(device.kind), device.released, status_name(device.status));
    for (const std::string& note : device.notes)
        out << fmt::format("note: {}\n", note);
    out << '\n';
    std::vector<std::vector<std::string>> rows{{"STATEMENT", "GRADE", "SOURCE", "VALUE"}};
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

void write_devices_json(const std::vector<device::Device>& devices, std::ostream& out) {
    json::array list;
    for (const device::Device& device : devices) {
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
        list.push_back({{"id", device.id},
                        {"name", device.name},
                        {"vendor", device.vendor},
                        {"family", device.family},
                        {"kind", device::kind_name(device.kind)},
                        {"released", device.released},
                        {"status", device::status_name(device.status)},
                        {"store", text_or_null(device.trust.store_id.value_or(""))},
                        {"server_name", sni_text(device) == "yes"},
                        {"grades", std::move(grades)},
                        {"statements", std::move(statements)}});
    }
    out << json::serialize(json::object{{"schema", 1}, {"devices", std::move(list)}}) << '\n';
}

void write_rules_table(std::span<const rules::Rule> rules, const Style& style, std::ostream& out) {
    std::vector<std::vector<std::string>> rows{{"RULE", "LEVEL", "CITATION", "DEMAND"}};
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
    std::vector<std::vector<std::string>> rows{{"REFUSED BY", "ALERT", "USER READS"}};
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
