#include "emulator/report/comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <ostream>

#include "emulator/report/rows.h"

namespace handset::report {

namespace {

namespace json = boost::json;

constexpr std::size_t widest_key = 40;
constexpr std::size_t narrowest_value = 20;

std::string cell_of(const std::optional<device::StatementText>& statement) {
    if (!statement) return "?";
    return fmt::format("{} [{}]", statement->value.empty() ? "none" : statement->value,
                       short_grade(statement->grade));
}

bool is_shown(const device::ComparedStatement& statement, Shown shown) {
    return shown == Shown::everything || statement.differs;
}

}  // namespace

void write_comparison(std::span<const device::Device> devices, Shown shown, const Style& style,
                      std::ostream& out) {
    for (const device::Device& device : devices) {
        out << printable_utf8(fmt::format("{}: {}; {}, released {}, {}, {}", device.id, device.name,
                                          kind_name(device.kind), device.released,
                                          status_name(device.status), grades_in_short(device)))
            << '\n';
    }
    out << '\n';
    Row heading{"STATEMENT"};
    for (const device::Device& device : devices)
        heading.push_back(device.id);
    std::vector<Row> rows{std::move(heading)};
    const std::vector<device::ComparedStatement> compared = device::compare(devices);
    std::size_t key_width = rows.front().front().size();
    for (const device::ComparedStatement& statement : compared) {
        if (!is_shown(statement, shown)) continue;
        Row row{statement.key};
        for (const auto& stated : statement.by_device)
            row.push_back(cell_of(stated));
        key_width = std::max(key_width, statement.key.size());
        rows.push_back(std::move(row));
    }
    key_width = std::min(key_width, widest_key);
    const std::size_t gaps = 2 * devices.size();
    const std::size_t left = style.width > key_width + gaps ? style.width - key_width - gaps : 0;
    std::vector<std::size_t> limits(devices.size() + 1,
                                    std::max(left / devices.size(), narrowest_value));
    limits.front() = key_width;
    write_wrapped_rows(std::move(rows), limits, style, out);
    const auto differing = std::ranges::count(compared, true, &device::ComparedStatement::differs);
    out << fmt::format("\n{} of {} statements differ{}; ? is what a profile does not say\n",
                       differing, compared.size(),
                       shown == Shown::differences ? " (--all shows the others, too)" : "")
        << short_grades_legend() << '\n';
}

void write_comparison_json(std::span<const device::Device> devices, Shown shown,
                           std::ostream& out) {
    json::array ids;
    for (const device::Device& device : devices)
        ids.emplace_back(device.id);
    json::array list;
    for (const device::ComparedStatement& statement : device::compare(devices)) {
        if (!is_shown(statement, shown)) continue;
        json::array values;
        for (const auto& stated : statement.by_device) {
            if (!stated) {
                values.emplace_back(nullptr);
                continue;
            }
            values.push_back({{"value", printable_utf8(stated->value)},
                              {"grade", device::grade_name(stated->grade)},
                              {"source", stated->source}});
        }
        list.push_back({{"key", statement.key},
                        {"differs", statement.differs},
                        {"values", std::move(values)}});
    }
    out << json::serialize(json::object{
               {"schema", 1}, {"compared", std::move(ids)}, {"statements", std::move(list)}})
        << '\n';
}

}  // namespace handset::report
