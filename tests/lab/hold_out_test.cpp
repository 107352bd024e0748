#include "emulator/lab/hold_out.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "emulator/device/load.h"
#include "emulator/forge/case.h"
#include "emulator/forge/script.h"
#include "emulator/lab/plan.h"
#include "emulator/lab/prediction.h"

using namespace handset;

namespace {

std::vector<lab::Example> examples_named(const std::vector<std::string>& ids) {
    std::vector<lab::Example> examples;
    for (const std::string& id : ids) {
        examples.emplace_back();
        examples.back().case_id = id;
    }
    return examples;
}

std::vector<std::string> ids_of(const std::vector<lab::Example>& examples) {
    std::vector<std::string> ids;
    for (const lab::Example& example : examples)
        ids.push_back(example.case_id);
    return ids;
}

std::map<std::string, std::size_t> count_rules(const std::vector<lab::Example>& examples) {
    std::map<std::string, std::size_t> count;
    for (const lab::Example& example : examples)
        ++count[lab::subject_of(example.case_id)];
    return count;
}

}  // namespace

TEST_CASE("of each rule's cases one half is held out") {
    std::vector<std::string> ids;
    for (const char* variant : {"", "--two", "--three", "--four", "--five"})
        ids.push_back(std::string("key/odd") + variant);
    for (const char* variant : {"", "--two", "--three", "--four"})
        ids.push_back(std::string("key/even") + variant);
    for (int i = 0; i < 40; ++i)
        ids.push_back("name/alone-" + std::to_string(i));
    std::set<std::vector<std::string>> different;
    for (unsigned seed = 1; seed <= 5; ++seed) {
        const lab::Halves both = lab::halves(examples_named(ids), seed);
        auto learned = count_rules(both.learned_from);
        auto held_out = count_rules(both.held_out);
        CHECK(learned["odd"] == 3);
        CHECK(held_out["odd"] == 2);
        CHECK(learned["even"] == 2);
        CHECK(held_out["even"] == 2);
        // The only case of a rule comes on either side.
        CHECK(both.held_out.size() > 4 + 8);
        CHECK(both.learned_from.size() > 5 + 8);
        std::vector<std::string> all = ids_of(both.learned_from);
        for (const std::string& id : ids_of(both.held_out))
            all.push_back(id);
        std::ranges::sort(all);
        std::vector<std::string> expected = ids;
        std::ranges::sort(expected);
        CHECK(all == expected);
        CHECK(ids_of(lab::halves(examples_named(ids), seed).held_out) == ids_of(both.held_out));
        different.insert(ids_of(both.held_out));
    }
    CHECK(different.size() == 5);
    CHECK(lab::halves({}, 1).held_out.empty());
}

TEST_CASE("what is held out is predicted without being asked") {
    const Time clock = *parse_rfc3339("2025-06-01T00:00:00Z");
    const std::filesystem::path home(HANDSET_SOURCE_DIR);
    const Bytes hello = forge::client_hello("mail.example.test");
    device::Device client = device::load_device(home / "profiles/strict.yaml");
    client.names.san_wildcard->value = device::Wildcard::partial_label;
    std::vector<lab::Example> examples;
    judge::SignatureCache signatures;
    for (const lab::Shown& shown : lab::load_cases(home / "cases", clock)) {
        if (!shown.id.starts_with("name/") && !shown.id.starts_with("encoding/")) continue;
        auto example = lab::rehearse(shown, hello, clock);
        if (!example) continue;
        example->question.signatures = &signatures;
        const auto accepts =
            lab::accepts(judge::judge(client, nullptr, example->evidence, example->question));
        if (!accepts) continue;
        example->accepted = *accepts;
        examples.push_back(std::move(*example));
    }
    REQUIRE(examples.size() > 60);
    device::Device start = device::parse_device(std::string(forge::profile_head), "test.yaml");
    const std::size_t held_out = lab::halves(examples, 1).held_out.size();

    const lab::HeldOut alone = lab::hold_out(start, examples, 1, 20, "test", {});
    CHECK(alone.asked == 20);
    CHECK(alone.cases == held_out);
    CHECK(alone.agree + alone.wrong.size() == alone.cases);
    CHECK(alone.unseen_agree <= alone.unseen);
    CHECK(alone.unseen > 0);

    // Beside a device that does nearly the same there is little left to ask.
    const lab::HeldOut beside = lab::hold_out(start, examples, 1, 20, "test",
                                              {device::load_device(home / "profiles/strict.yaml")});
    CHECK(beside.asked == 20);
    CHECK(beside.agree > alone.agree);
    CHECK(beside.agree >= beside.cases * 9 / 10);
    std::size_t agree = 0;
    for (const lab::Example& example : lab::halves(examples, 1).held_out)
        agree += lab::agreement(beside.device, example).outcome;
    CHECK(agree == beside.agree);
}
