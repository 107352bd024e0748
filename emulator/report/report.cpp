#include "emulator/report/report.h"

#include <algorithm>

namespace handset::report {

std::span<const Format> formats() {
    static constexpr Format list[] = {
        {"table", "for eyes: device, verdict, why; worst first", write_table},
        {"json", "one object, schema 1", write_json},
    };
    return list;
}

const Format* find_format(std::string_view name) {
    const auto found = std::ranges::find(formats(), name, &Format::name);
    return found == formats().end() ? nullptr : &*found;
}

int exit_status(const Report& report, bool strict) {
    const bool unreachable = std::ranges::any_of(report.entries, [](const Entry& entry) {
        return entry.verdict.stage == judge::Stage::resolve ||
               entry.verdict.stage == judge::Stage::connect;
    });
    if (unreachable) return 3;
    const bool bad = std::ranges::any_of(report.entries, [&](const Entry& entry) {
        const judge::Outcome outcome = entry.verdict.outcome;
        return outcome == judge::Outcome::fails || outcome == judge::Outcome::asks ||
               (strict && outcome == judge::Outcome::unknown);
    });
    return bad ? 1 : 0;
}

}  // namespace handset::report
