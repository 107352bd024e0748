#include "emulator/lab/learn.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>

#include "emulator/device/load.h"
#include "emulator/device/statements.h"
#include "emulator/forge/case.h"
#include "emulator/forge/script.h"
#include "emulator/lab/expectation.h"
#include "emulator/lab/plan.h"
#include "emulator/lab/prediction.h"

using namespace handset;

namespace {

const Time clock_of_tests = *parse_rfc3339("2025-06-01T00:00:00Z");

const std::vector<lab::Shown>& cases() {
    static const std::vector<lab::Shown> all =
        lab::load_cases(std::filesystem::path(HANDSET_SOURCE_DIR) / "cases", clock_of_tests);
    return all;
}

// Cases of some areas as a client with the hello of the tests would be shown them; all of them take
// too long with sanitizers.
const std::vector<lab::Example>& rehearsed() {
    static const std::vector<lab::Example> all = [] {
        std::vector<lab::Example> examples;
        static judge::SignatureCache signatures;
        const Bytes hello = forge::client_hello("mail.example.test");
        for (const lab::Shown& shown : cases()) {
            const std::string area = shown.id.substr(0, shown.id.find('/'));
            if (area != "name" && area != "certificate" && area != "outcome" &&
                !shown.id.starts_with("extension/extension-d") &&
                !shown.id.starts_with("chain/chain-name-constraint-violated--dns") &&
                !shown.id.starts_with("key/key-rsa")) {
                continue;
            }
            if (auto example = lab::rehearse(shown, hello, clock_of_tests)) {
                example->question.signatures = &signatures;
                examples.push_back(std::move(*example));
            }
        }
        return examples;
    }();
    return all;
}

device::Device parse(const std::string& sections) {
    return device::parse_device(std::string(forge::profile_head) + sections, "test.yaml");
}

// What a device would do with each case, where its profile says so.
std::vector<lab::Example> done_by(const device::Device& device) {
    std::vector<lab::Example> examples;
    for (lab::Example example : rehearsed()) {
        const judge::Verdict verdict =
            judge::judge(device, nullptr, example.evidence, example.question);
        const auto accepts = lab::accepts(verdict);
        if (!accepts) continue;
        example.accepted = *accepts;
        if (verdict.alert && verdict.alert->direction == judge::Direction::sent) {
            example.alert = verdict.alert->alert.description;
        }
        examples.push_back(std::move(example));
    }
    return examples;
}

// A strict one with habits of its own.
device::Device odd_client() {
    device::Device device =
        device::load_device(std::filesystem::path(HANDSET_SOURCE_DIR) / "profiles" / "strict.yaml");
    device.names.cn->value = device::CnRule::always;
    device.names.san_wildcard->value = device::Wildcard::partial_label;
    device.validation.name_constraints->value.clear();
    device.certificate.rsa_bits = device::Statement<device::Range>{
        device::Range{1024, 3072}, "rfc5246", device::Grade::documented};
    device.responses["own"] = device::Response{wire::AlertDescription::internal_error,
                                               true,
                                               false,
                                               "",
                                               "",
                                               "",
                                               {},
                                               "rfc5246",
                                               device::Grade::documented};
    device.tolerances["extension-duplicate"] = {device::Action::refuse, "own", "rfc5246",
                                                device::Grade::documented};
    device.tolerances["certificate-expired"] = {device::Action::accept, "", "rfc5246",
                                                device::Grade::documented};
    return device;
}

std::vector<lab::Expected> expected(const std::vector<lab::Example>& asked,
                                    const std::vector<lab::Example>& others,
                                    const std::vector<device::Device>& known) {
    std::vector<lab::Example> all = asked;
    all.insert(all.end(), others.begin(), others.end());
    lab::Expectation expectation(all, known);
    for (std::size_t i = 0; i < asked.size(); ++i)
        expectation.answer(i, asked[i].accepted);
    return expectation.expected(all);
}

}  // namespace

TEST_CASE("what a client does is explained by the profile that is learned from it") {
    const std::vector<lab::Example> examples = done_by(odd_client());
    REQUIRE(examples.size() > 100);
    device::Device start = parse("");
    const lab::Lesson lesson = lab::learn(start, examples, "test");
    CAPTURE(lesson.not_explained);
    CHECK(lesson.not_explained.size() <= examples.size() / 100);
    CHECK(lesson.alerts > 30);
    CHECK(lesson.alerts_agree >= lesson.alerts * 95 / 100);

    // Its habits are found again, and the cases that show them are named.
    REQUIRE(lesson.device.names.san_wildcard);
    CHECK(lesson.device.names.san_wildcard->value == device::Wildcard::partial_label);
    CHECK_FALSE(lesson.shown_by.at("names.san_wildcard").empty());
    REQUIRE(lesson.device.certificate.rsa_bits);
    CHECK(lesson.device.certificate.rsa_bits->value.max.value_or(9999) < 4096);
    REQUIRE(lesson.device.tolerances.contains("certificate-expired"));
    CHECK(lesson.device.tolerances.at("certificate-expired").action == device::Action::accept);
    const device::Tolerance& duplicate = lesson.device.tolerances.at("extension-duplicate");
    CHECK(lesson.device.responses.at(duplicate.response).alert ==
          wire::AlertDescription::internal_error);
    for (const device::StatementText& statement : device::statements(lesson.device)) {
        if (statement.key == "client_hello") continue;
        CAPTURE(statement.key);
        CHECK(statement.grade == device::Grade::captured);
        CHECK(lesson.shown_by.contains(statement.key));
    }
}

TEST_CASE("what no case speaks for stays silent") {
    // Only names were asked about.
    std::vector<lab::Example> examples = done_by(odd_client());
    std::erase_if(examples, [](const lab::Example& example) {
        return !example.case_id.starts_with("name/") && !example.case_id.starts_with("outcome/");
    });
    REQUIRE(examples.size() > 40);
    const lab::Lesson lesson = lab::learn(parse(""), examples, "test");
    CHECK(lesson.device.names.san);
    CHECK_FALSE(lesson.device.names.msstd);
    CHECK_FALSE(lesson.device.validation.policies);
    CHECK_FALSE(lesson.device.path.aia);
    CHECK_FALSE(lesson.device.key_exchange.dh_bits);
    CHECK_FALSE(lesson.device.tolerances.contains("extension-duplicate"));
}

TEST_CASE("nothing is learned from nothing") {
    const lab::Lesson lesson = lab::learn(parse(""), {}, "test");
    CHECK(lesson.not_explained.empty());
    CHECK(lesson.device.tolerances.empty());
    CHECK(device::statements(lesson.device).size() == 1);  // the hello
}

TEST_CASE("a case without anything to show is not rehearsed") {
    // RC4 alone and TLS 1.0: nothing for a case that wants DHE.
    wire::ClientHello hello;
    hello.client_version = wire::ProtocolVersion::tls_1_0;
    hello.random = Bytes(32, 7);
    hello.cipher_suites = {wire::cipher_suite_from_name("TLS_RSA_WITH_RC4_128_SHA").value()};
    hello.compression_methods = {wire::CompressionMethod::null};
    const Bytes record = wire::encode_record(hello, wire::ProtocolVersion::tls_1_0);
    const auto find = [](std::string_view id) {
        return *std::ranges::find(cases(), id, &lab::Shown::id);
    };
    CHECK_FALSE(lab::rehearse(find("key/key-dh-large"), record, clock_of_tests));
    CHECK(lab::rehearse(find("outcome/correct-chain"), record, clock_of_tests));
    CHECK_FALSE(lab::rehearse(find("outcome/correct-chain"), Bytes{1, 2, 3}, clock_of_tests));
}

TEST_CASE("the next case is one that settles something") {
    const device::Device silent = parse("");
    CHECK_FALSE(lab::most_telling(silent, {}, {}));
    const std::vector<lab::Example>& open = rehearsed();
    const auto next = lab::most_telling(silent, open, {});
    REQUIRE(next);
    const judge::Verdict verdict =
        judge::judge(silent, nullptr, open[*next].evidence, open[*next].question);
    CHECK(verdict.outcome == judge::Outcome::unknown);

    // Where everything is known, what was asked least comes first.
    const device::Device known =
        device::load_device(std::filesystem::path(HANDSET_SOURCE_DIR) / "profiles" / "strict.yaml");
    std::vector<lab::Example> two;
    for (const lab::Example& example : open) {
        if (example.case_id == "name/name-host-mismatch--case-ignored" ||
            example.case_id == "certificate/certificate-serial-negative") {
            two.push_back(example);
        }
    }
    REQUIRE(two.size() == 2);
    lab::Example asked = two.front();
    asked.case_id = "certificate/certificate-serial-negative";
    const auto rare = lab::most_telling(known, two, {asked, asked});
    REQUIRE(rare);
    CHECK(two[*rare].case_id == "name/name-host-mismatch--case-ignored");
}

namespace {

// Knows every rule that the cases are about, and minds none of those that are merely discouraged.
device::Device strict_client() {
    return device::load_device(std::filesystem::path(HANDSET_SOURCE_DIR) / "profiles" /
                               "strict.yaml");
}

std::vector<lab::Example> only_names(std::vector<lab::Example> examples, bool names) {
    std::erase_if(examples, [&](const lab::Example& example) {
        return example.case_id.starts_with("name/") != names;
    });
    return examples;
}

std::size_t predicted(const device::Device& device, const std::vector<lab::Example>& examples) {
    return static_cast<std::size_t>(std::ranges::count_if(
        examples,
        [&](const lab::Example& example) { return lab::agreement(device, example).outcome; }));
}

}  // namespace

TEST_CASE("where no case speaks, known devices that do alike are followed, as inferred") {
    // Three that agree on nothing but names: one client is like the second of them.
    device::Device careless = parse("");
    for (const lab::Example& example : rehearsed()) {
        for (const judge::Reason& reason :
             judge::judge(careless, nullptr, example.evidence, example.question).reasons) {
            careless.tolerances[std::string(reason.finding.rule)] = {
                device::Action::accept, "", "test", device::Grade::captured};
        }
    }
    const std::vector<device::Device> known{careless, odd_client(), careless};
    const std::vector<lab::Example> all = done_by(odd_client());
    const std::vector<lab::Example> asked = only_names(all, true);
    const std::vector<lab::Example> others = only_names(all, false);
    REQUIRE(asked.size() > 40);
    REQUIRE(others.size() > 40);

    const lab::Lesson alone = lab::learn(parse(""), asked, "test");
    const lab::Lesson beside =
        lab::learn(parse(""), asked, "test", known, expected(asked, others, known));
    CHECK(predicted(alone.device, others) < others.size() / 2);
    CHECK(predicted(beside.device, others) > others.size() * 9 / 10);
    CHECK(beside.not_explained.size() <= alone.not_explained.size());

    // What only they say is not taken for seen.
    REQUIRE(beside.device.tolerances.contains("extension-duplicate"));
    const device::Tolerance& duplicate = beside.device.tolerances.at("extension-duplicate");
    CHECK(duplicate.action == device::Action::refuse);
    CHECK(duplicate.grade == device::Grade::inferred);
    CHECK(beside.device.sources.at(duplicate.source).grade == device::Grade::inferred);
    CHECK(beside.device.responses.at(duplicate.response).alert ==
          wire::AlertDescription::internal_error);
    CHECK_FALSE(beside.shown_by.contains("tolerances.extension-duplicate"));
    REQUIRE(beside.device.names.san_wildcard);
    CHECK(beside.device.names.san_wildcard->grade == device::Grade::captured);
}

TEST_CASE("what is expected of a case never outweighs what was seen") {
    // All that is known does otherwise.
    const std::vector<lab::Example> all = done_by(odd_client());
    const std::vector<lab::Example> asked = only_names(all, true);
    const std::vector<device::Device> known{strict_client(), strict_client()};
    const lab::Lesson lesson =
        lab::learn(parse(""), asked, "test", known, expected(asked, only_names(all, false), known));
    REQUIRE(lesson.device.names.san_wildcard);
    CHECK(lesson.device.names.san_wildcard->value == device::Wildcard::partial_label);
    CHECK(lesson.not_explained.size() <= asked.size() / 50);
}
