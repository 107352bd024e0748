#include <fmt/format.h>
#include <fnmatch.h>

#include "emulator/cli/options.h"
#include "emulator/report/listing.h"
#include "handshake/base/nearest.h"

namespace handset::cli {

namespace {

std::vector<handset::rules::Rule> find_rules(const std::vector<std::string>& patterns) {
    const auto catalog = handset::rules::catalog();
    if (patterns.empty()) return {catalog.begin(), catalog.end()};
    std::vector<handset::rules::Rule> found;
    for (const std::string& pattern : patterns) {
        const std::size_t before = found.size();
        for (const handset::rules::Rule& rule : catalog) {
            if (fnmatch(pattern.c_str(), std::string(rule.id).c_str(), 0) == 0) {
                found.push_back(rule);
            }
        }
        if (found.size() > before) continue;
        std::vector<std::string> ids;
        for (const handset::rules::Rule& rule : catalog)
            ids.emplace_back(rule.id);
        throw UsageError(fmt::format("no rule matches '{}'{}; 'handset rules' lists them",
                                     printable_utf8(pattern), did_you_mean(pattern, ids)));
    }
    return found;
}

}  // namespace

int rules(const std::vector<std::string>& arguments, const Streams& streams) {
    const po::options_description options = listing_options();
    const auto parsed = parse(
        arguments, options,
        {"handset rules [ID|GLOB…] [options]",
         "Lists the rules of the strict reader; with one id, its demand, citation and remedy, and\n"
         "which devices refuse it with which words.",
         "  handset rules\n"
         "  handset rules 'name-*'\n"
         "  handset rules extension-san-critical\n"
         "  handset rules --format json\n"},
        streams);
    if (!parsed) return 0;
    const bool as_json = wants_json(parsed->values);
    const report::Style style = style_of(parsed->values, streams);
    const std::vector<handset::rules::Rule> found = find_rules(parsed->words);
    const Library library(home());
    const std::vector<device::Device> devices = library.find({"*"});
    with_output(parsed->values, streams, [&](std::ostream& out) {
        if (as_json) {
            report::write_rules_json(found, devices, out);
        } else if (parsed->words.size() == 1 && found.size() == 1) {
            report::write_rule(found.front(), devices, style, out);
        } else {
            report::write_rules_table(found, style, out);
        }
    });
    return 0;
}

}  // namespace handset::cli
