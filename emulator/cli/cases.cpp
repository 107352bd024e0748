#include "emulator/cli/cases.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>

#include "emulator/cli/options.h"
#include "handshake/base/nearest.h"

namespace handset::cli {

std::vector<lab::Outline> select_cases(std::vector<lab::Outline> cases,
                                       const std::vector<std::string>& patterns) {
    if (patterns.empty()) return cases;
    const auto fits = [](const std::string& pattern) {
        return [&pattern](const std::string& id) {
            return fnmatch(pattern.c_str(), id.c_str(), 0) == 0;
        };
    };
    std::vector<bool> wanted(cases.size());
    for (const std::string& pattern : patterns) {
        const bool is_own = std::ranges::any_of(
            cases, fits(pattern),
            [](const lab::Outline& one) -> const std::string& { return one.shown.id; });
        bool any = false;
        std::vector<std::string> ids;
        for (std::size_t i = 0; i < cases.size(); ++i) {
            const lab::Outline& one = cases[i];
            ids.push_back(one.shown.id);
            ids.insert(ids.end(), one.stands_for.begin(), one.stands_for.end());
            const bool chosen = is_own ? fits(pattern)(one.shown.id)
                                       : std::ranges::any_of(one.stands_for, fits(pattern));
            if (chosen) wanted[i] = any = true;
        }
        if (any) continue;
        throw UsageError(fmt::format("no case matches '{}'{}; 'handset lab --list' lists them",
                                     printable_utf8(pattern), did_you_mean(pattern, ids)));
    }
    std::vector<lab::Outline> selected;
    for (std::size_t i = 0; i < cases.size(); ++i) {
        if (wanted[i]) selected.push_back(std::move(cases[i]));
    }
    return selected;
}

}  // namespace handset::cli
