#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

#include "emulator/forge/case.h"
#include "handshake/rules/rule.h"

using namespace handset;
using rules::Rule;

namespace {

bool is_kebab_case(std::string_view id) {
    return !id.empty() && id.front() != '-' && id.back() != '-' &&
           id.find("--") == std::string_view::npos && std::ranges::all_of(id, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
           });
}

}  // namespace

TEST_CASE("every rule of the catalog is whole") {
    CHECK(rules::catalog().size() >= 140);
    for (const Rule& rule : rules::catalog()) {
        CAPTURE(rule.id);
        CHECK(is_kebab_case(rule.id));
        CHECK(rule.id.starts_with(std::string(rules::area_name(rule.area)) + "-"));
        CHECK_FALSE(rule.demand.empty());
        CHECK(rule.demand.ends_with('.'));
        CHECK_FALSE(rule.citation.empty());
        CHECK_FALSE(rule.remedy.empty());
        CHECK(rules::find_rule(rule.id) == &rule);
    }
}

TEST_CASE("ids of rules are unique") {
    std::set<std::string_view> ids;
    for (const Rule& rule : rules::catalog()) {
        CAPTURE(rule.id);
        CHECK(ids.insert(rule.id).second);
    }
    CHECK(rules::find_rule("certificate-of-no-rule") == nullptr);
}

TEST_CASE("every step has a name, and the name leads back") {
    for (std::size_t i = 0; i < rules::step_count; ++i) {
        const auto step = static_cast<rules::Step>(i);
        CHECK(rules::step_from_name(rules::step_name(step)) == step);
    }
    CHECK_FALSE(rules::step_from_name("no_step"));
}

TEST_CASE("every rule has a case file, and every case file a rule or none") {
    std::set<std::string> with_case;
    for (const auto& file :
         forge::find_cases(std::filesystem::path(HANDSET_SOURCE_DIR) / "cases")) {
        CAPTURE(file.stem());
        const forge::Case from = forge::load_case(file);
        const std::string promised = forge::rule_of_name(file);
        if (from.rule.empty()) {
            CHECK(rules::find_rule(promised) == nullptr);
            continue;
        }
        CHECK(from.rule == promised);
        const Rule* rule = rules::find_rule(from.rule);
        REQUIRE(rule != nullptr);
        CHECK(file.parent_path().filename() == rules::area_name(rule->area));
        for (const std::string& id : from.also) {
            CAPTURE(id);
            CHECK(rules::find_rule(id));
        }
        if (file.stem() != promised) continue;
        CHECK(from.expect.found);
        with_case.insert(from.rule);
    }
    for (const Rule& rule : rules::catalog()) {
        CAPTURE(rule.id);
        CHECK(with_case.contains(std::string(rule.id)));
    }
}

// Commands, settings and options of this program stand in backticks.
TEST_CASE("every rule says what to do, with the command where there is one") {
    // There is nothing to be done, or a person has to do it by hand.
    const std::set<std::string_view> without_command{"handshake-not-played", "chain-root-setting"};
    for (const Rule& rule : rules::catalog()) {
        CAPTURE(rule.id);
        CHECK(rule.remedy.size() > 20);
        CHECK(rule.remedy.ends_with('.'));
        CHECK(std::ranges::count(rule.remedy, '`') % 2 == 0);
        CHECK(rule.remedy.find("``") == std::string_view::npos);
        CHECK(std::ranges::all_of(rule.remedy, [](char c) { return c >= ' ' && c <= '~'; }));
        const bool has_command = rule.remedy.find('`') != std::string_view::npos;
        CHECK(has_command != without_command.contains(rule.id));
    }
    for (const std::string_view id : without_command) {
        CAPTURE(id);
        const Rule* rule = rules::find_rule(id);
        REQUIRE(rule);
        CHECK(rule->level == rules::Level::should);
    }
}
