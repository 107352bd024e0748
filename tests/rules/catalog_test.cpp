#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

#include "handshake/rules/rule.h"
#include "tests/support/case.h"

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
    CHECK(rules::catalog().size() >= 30);
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

TEST_CASE("every rule has a case file, and every case file a rule") {
    std::set<std::string> with_case;
    for (const auto& file :
         forge::find_cases(std::filesystem::path(HANDSET_SOURCE_DIR) / "tests" / "cases")) {
        const std::string id = file.stem().string();
        CAPTURE(id);
        const Rule* rule = rules::find_rule(id);
        CHECK(rule != nullptr);
        if (rule) CHECK(file.parent_path().filename() == rules::area_name(rule->area));
        with_case.insert(id);
    }
    for (const Rule& rule : rules::catalog()) {
        CAPTURE(rule.id);
        CHECK(with_case.contains(std::string(rule.id)));
    }
}
