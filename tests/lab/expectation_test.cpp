#include "emulator/lab/expectation.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <set>

#include "emulator/device/load.h"
#include "emulator/forge/script.h"
#include "emulator/lab/plan.h"
#include "emulator/lab/relatives.h"

using namespace handset;

namespace {

const Time clock_of_tests = *parse_rfc3339("2025-06-01T00:00:00Z");

lab::Example rehearsed(const std::string& id) {
    static const std::vector<lab::Shown> cases =
        lab::load_cases(std::filesystem::path(HANDSET_SOURCE_DIR) / "cases", clock_of_tests);
    const auto found = std::ranges::find(cases, id, &lab::Shown::id);
    REQUIRE(found != cases.end());
    auto example = lab::rehearse(*found, forge::client_hello("mail.example.test"), clock_of_tests);
    REQUIRE(example);
    return std::move(*example);
}

device::Device strict_client() {
    return device::load_device(std::filesystem::path(HANDSET_SOURCE_DIR) / "profiles" /
                               "strict.yaml");
}

// The same but for the rules that some cases are about.
device::Device lax_client(const std::vector<lab::Example>& cases) {
    device::Device device = strict_client();
    for (const lab::Example& example : cases) {
        device.tolerances[lab::subject_of(example.case_id)] = {device::Action::accept, "", "test",
                                                               device::Grade::captured};
    }
    return device;
}

}  // namespace

TEST_CASE("a client is expected to go on as those known devices do that did alike") {
    const std::vector<lab::Example> cases{rehearsed("encoding/encoding-boolean-not-ff"),
                                          rehearsed("encoding/encoding-integer-not-minimal"),
                                          rehearsed("certificate/certificate-serial-negative")};
    const std::vector<device::Device> known{lax_client(cases), strict_client()};
    lab::Expectation undecided(cases, known);
    CHECK(std::abs(undecided.of(2)) < 0.01);  // one and one

    lab::Expectation accepts(cases, known);
    accepts.answer(0, true);
    CHECK(accepts.of(1) > 0.3);
    CHECK(accepts.of(2) > 0.3);
    lab::Expectation refuses(cases, known);
    refuses.answer(0, false);
    CHECK(refuses.of(1) < -0.3);
    CHECK(refuses.of(2) < -0.3);
    refuses.answer(1, false);
    CHECK(refuses.of(2) < -0.5);
    const double before = refuses.of(2);
    refuses.answer(1, true);  // answered already
    CHECK(refuses.of(2) == before);
}

TEST_CASE("what known devices part on is asked first") {
    const std::vector<lab::Example> cases{rehearsed("outcome/correct-chain"),
                                          rehearsed("encoding/encoding-boolean-not-ff")};
    const std::vector<device::Device> known{strict_client(), lax_client({cases.back()})};
    const lab::Expectation expectation(cases, known);
    CHECK(expectation.of(0) > 0.5);
    CHECK(expectation.most_telling({0, 1}) == 1);
    CHECK(expectation.most_telling({0}) == 0);
    CHECK_FALSE(expectation.most_telling({}));
}

TEST_CASE("without any known device nothing but the client itself speaks") {
    const std::vector<lab::Example> cases{rehearsed("outcome/correct-chain"),
                                          rehearsed("encoding/encoding-boolean-not-ff")};
    lab::Expectation expectation(cases, {});
    CHECK(expectation.of(0) == 0);
    expectation.answer(1, false);
    CHECK(expectation.of(1) < 0);
    CHECK(expectation.of(0) == 0);
    CHECK(lab::Expectation({}, {}).most_telling({}) == std::nullopt);
}

TEST_CASE("what was answered is expected no more, and the rest by how sure it is") {
    const std::vector<lab::Example> cases{rehearsed("encoding/encoding-boolean-not-ff"),
                                          rehearsed("encoding/encoding-integer-not-minimal"),
                                          rehearsed("outcome/correct-chain")};
    lab::Expectation expectation(cases, {lax_client(cases), strict_client()});
    expectation.answer(0, false);
    const std::vector<lab::Expected> expected = expectation.expected(cases);
    REQUIRE(expected.size() == 2);
    CHECK(expected[0].example.case_id == cases[1].case_id);
    CHECK_FALSE(expected[0].example.accepted);
    CHECK(expected[1].example.accepted);
    CHECK(expected[1].weight > expected[0].weight);
}

TEST_CASE("relatives mix what the known devices state, and always alike") {
    const std::vector<lab::Example> cases{rehearsed("encoding/encoding-boolean-not-ff"),
                                          rehearsed("encoding/encoding-integer-not-minimal")};
    const std::vector<device::Device> known{lax_client(cases), strict_client()};
    const std::vector<device::Device> children = lab::relatives(known, 40);
    REQUIRE(children.size() == 40);
    CHECK(children == lab::relatives(known, 40));
    // Each of the two tolerances comes from one or the other parent: all four combinations occur.
    std::set<std::pair<bool, bool>> seen;
    bool changed = false;
    for (const device::Device& child : children) {
        seen.insert({child.tolerances.contains("encoding-boolean-not-ff"),
                     child.tolerances.contains("encoding-integer-not-minimal")});
        changed = changed || !(child.names == known[0].names || child.names == known[1].names);
    }
    CHECK(seen.size() == 4);
    CHECK(changed);
    CHECK(lab::relatives({}, 40).empty());
}
