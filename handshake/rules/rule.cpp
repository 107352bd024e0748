#include "handshake/rules/rule.h"

#include <algorithm>
#include <array>
#include <boost/unordered/unordered_flat_map.hpp>

#include "handshake/rules/tables.h"

namespace handset::rules {

void Findings::at(std::size_t number, x509::Place place, std::string field, std::string detail) {
    if (++count_ > max_findings) return;
    const ByteView der = evidence_->chain.at(number).der;
    Finding finding{std::string(rule_), number, std::move(field), place.offset,
                    place.length,       {},     std::move(detail)};
    if (place.offset <= der.size()) {
        const std::size_t shown =
            std::min({place.length, der.size() - place.offset, max_finding_bytes});
        finding.bytes = to_bytes(der.subspan(place.offset, shown));
    }
    out_->push_back(std::move(finding));
}

void Findings::in_stream(std::size_t offset, ByteView bytes, std::string field,
                         std::string detail) {
    if (++count_ > max_findings) return;
    out_->push_back({std::string(rule_), std::nullopt, std::move(field), offset, bytes.size(),
                     to_bytes(bytes.first(std::min(bytes.size(), max_finding_bytes))),
                     std::move(detail)});
}

namespace {

std::vector<Rule> join_tables() {
    std::vector<Rule> rows;
    for (const auto table :
         {encoding_rules(), certificate_rules(), extension_rules(), key_rules(), name_rules(),
          chain_rules(), negotiation_rules(), handshake_rules(), capacity_rules()}) {
        rows.insert(rows.end(), table.begin(), table.end());
    }
    return rows;
}

constexpr std::array<std::string_view, 9> area_names{"encoding",    "certificate", "extension",
                                                     "key",         "name",        "chain",
                                                     "negotiation", "handshake",   "capacity"};
constexpr std::array<std::string_view, step_count> step_names{
    "server_hello", "certificate_message", "encoding",     "path",
    "path_length",  "critical_extensions", "signature",    "validity",
    "policies",     "name_constraints",    "key_usage",    "basic_constraints",
    "names",        "extended_key_usage",  "key_exchange", "finished",
    "application"};

}  // namespace

std::span<const Rule> catalog() {
    static const std::vector<Rule> rows = join_tables();
    return rows;
}

const Rule* find_rule(std::string_view id) {
    static const boost::unordered_flat_map<std::string_view, const Rule*> by_id = [] {
        boost::unordered_flat_map<std::string_view, const Rule*> rows;
        for (const Rule& row : catalog())
            rows.emplace(row.id, &row);
        return rows;
    }();
    const auto row = by_id.find(id);
    return row == by_id.end() ? nullptr : row->second;
}

std::string_view area_name(Area area) {
    return area_names.at(static_cast<std::size_t>(area));
}

std::string_view level_name(Level level) {
    return level == Level::must ? "must" : "should";
}

std::string_view step_name(Step step) {
    return step_names.at(static_cast<std::size_t>(step));
}

std::optional<Step> step_from_name(std::string_view name) {
    const auto found = std::ranges::find(step_names, name);
    if (found == step_names.end()) return std::nullopt;
    return static_cast<Step>(found - step_names.begin());
}

}  // namespace handset::rules
