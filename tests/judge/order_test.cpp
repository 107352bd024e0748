// The order in which a device notices, and what its statements weigh.
#include <catch2/catch.hpp>

#include "tests/judge/setting.h"

using namespace handset;
using namespace handset::judge;
using device::CertificateOrder;
using device::Device;
using device::Grade;
using forge::Chain;
using forge::stated;
using rules::Step;

namespace {

device::Order order_of(const std::vector<Step>& first) {
    device::Order order;
    order.source = "test";
    order.grade = Grade::documented;
    std::vector<Step> all = first;
    for (std::size_t i = 0; i < rules::step_count; ++i) {
        const auto step = static_cast<Step>(i);
        if (std::ranges::find(first, step) == first.end()) all.push_back(step);
    }
    order.rank.resize(rules::step_count);
    for (std::size_t i = 0; i < all.size(); ++i)
        order.rank[static_cast<std::size_t>(all[i])] = i;
    return order;
}

Verdict judge_files(const Device& device, const Chain& chain,
                    const std::vector<std::string>& names = {"leaf", "intermediate"}) {
    return judge::judge(device, nullptr, chain.files(names), forge::usual_question(chain));
}

void sign_with_sha1(forge::Recipe& recipe) {
    recipe.inner_algorithm = recipe.outer_algorithm = "sha1WithRSAEncryption";
}

// An expired leaf below an intermediate that may not issue.
Chain two_faults() {
    Chain chain;
    chain.recipes["leaf"].not_after = "utc:240101000000Z";
    forge::Operation usage;
    usage.at = "keyUsage.bits";
    usage.content = Bytes{0x05, 0xa0};
    chain.recipes["intermediate"].before_signing = {usage};
    chain.recipes["intermediate"].path_len.reset();  // has no place beside such a keyUsage
    return chain;
}

}  // namespace

TEST_CASE("the device's order decides which of two faults it names") {
    const Chain chain = two_faults();
    Device device = forge::strict_device();
    CHECK(decisive_reason(judge_files(device, chain))->finding.rule == "certificate-expired");
    device.order = order_of({Step::key_usage});
    const Verdict verdict = judge_files(device, chain);
    CHECK(verdict.reasons.at(0).finding.rule == "chain-issuer-key-usage");
    CHECK(verdict.reasons.at(0).effect == Effect::decides);
    CHECK(verdict.reasons.at(1).finding.rule == "certificate-expired");
    CHECK(verdict.reasons.at(1).effect == Effect::later);
}

TEST_CASE("a loop over the certificates goes leaf first or anchor first") {
    const Chain chain = two_faults();
    Device device = forge::strict_device();
    device.order = order_of({Step::validity, Step::key_usage});
    device.order->per_certificate = {Step::validity, Step::key_usage};
    CHECK(decisive_reason(judge_files(device, chain))->finding.rule == "certificate-expired");
    device.order->certificates = CertificateOrder::anchor_first;
    CHECK(decisive_reason(judge_files(device, chain))->finding.rule == "chain-issuer-key-usage");
}

TEST_CASE("within a loop each certificate has all its steps before the next") {
    Chain chain = two_faults();
    chain.recipes["intermediate"].not_after = "utc:240101000000Z";
    Device device = forge::strict_device();
    device.order = order_of({Step::key_usage, Step::validity});
    device.order->per_certificate = {Step::key_usage, Step::validity};
    device.order->certificates = CertificateOrder::anchor_first;
    using Ids = std::vector<std::string>;
    const Verdict verdict = judge_files(device, chain);
    CHECK(forge::rules_of(verdict) ==
          Ids{"chain-issuer-key-usage", "certificate-expired", "certificate-expired"});
    CHECK(verdict.reasons[1].finding.certificate == 1);
    CHECK(verdict.reasons[2].finding.certificate == 0);
}

TEST_CASE("notes stand behind everything that has an effect") {
    Chain chain;
    chain.recipes["leaf"].critical["subjectAltName"] = forge::Critical::ff;
    chain.recipes["leaf"].not_after = "utc:240101000000Z";
    Device device = forge::strict_device();
    device.certificate.critical_extensions = stated(std::vector{
        x509::oid_from_name("subjectAltName").value(),
        x509::oid_from_name("basicConstraints").value(), x509::oid_from_name("keyUsage").value()});
    using Ids = std::vector<std::string>;
    CHECK(forge::rules_of(judge_files(device, chain)) ==
          Ids{"certificate-expired", "extension-san-critical"});
}

TEST_CASE("a silent profile makes a must unknown and a should a note") {
    Chain chain;
    chain.recipes["leaf"].serial = {0x80, 0x01};  // must: negative
    sign_with_sha1(chain.recipes["leaf"]);
    Device device = forge::plain_device();
    Verdict verdict = judge_files(device, chain);
    CHECK(verdict.outcome == Outcome::unknown);
    CHECK(verdict.grade == Grade::assumed);
    CHECK_FALSE(verdict.alert);
    CHECK(decisive_reason(verdict)->finding.rule == "certificate-serial-negative");
    CHECK(forge::find_reason(verdict, "certificate-signature-sha1")->effect == Effect::noted);

    SECTION("accepting it lets the device connect") {
        device.tolerances["certificate-serial-negative"] = forge::accept();
        verdict = judge_files(device, chain);
        CHECK(verdict.outcome == Outcome::connects);
        CHECK(forge::find_reason(verdict, "certificate-serial-negative")->effect == Effect::noted);
    }
    SECTION("refusing it ends the handshake") {
        device.tolerances["certificate-serial-negative"] = forge::refuse();
        verdict = judge_files(device, chain);
        CHECK(verdict.outcome == Outcome::fails);
        REQUIRE(verdict.alert);
        CHECK(verdict.alert->direction == Direction::sent);
        CHECK(verdict.alert->alert ==
              wire::Alert{wire::AlertLevel::fatal, wire::AlertDescription::bad_certificate});
    }
    SECTION("asking about it asks, without an alert") {
        device.tolerances["certificate-serial-negative"] = forge::ask();
        verdict = judge_files(device, chain);
        CHECK(verdict.outcome == Outcome::asks);
        CHECK(verdict.shows == "Continue?");
        CHECK_FALSE(verdict.alert);
    }
    SECTION("an assumed reaction counts as none") {
        device.tolerances["certificate-serial-negative"] = forge::accept(Grade::assumed);
        CHECK(judge_files(device, chain).outcome == Outcome::unknown);
        device.tolerances["certificate-serial-negative"] = forge::refuse(Grade::assumed);
        CHECK(judge_files(device, chain).outcome == Outcome::unknown);
    }
    SECTION("otherwise speaks for every must without a statement of its own") {
        device.otherwise = forge::refuse();
        verdict = judge_files(device, chain);
        CHECK(verdict.outcome == Outcome::fails);
        CHECK(forge::find_reason(verdict, "certificate-signature-sha1")->effect == Effect::noted);
        device.otherwise = forge::accept();
        CHECK(judge_files(device, chain).outcome == Outcome::connects);
        device.otherwise = forge::refuse(Grade::assumed);
        CHECK(judge_files(device, chain).outcome == Outcome::unknown);
    }
    SECTION("a statement of its own beats otherwise") {
        device.otherwise = forge::refuse();
        device.tolerances["certificate-serial-negative"] = forge::accept();
        CHECK(judge_files(device, chain).outcome == Outcome::connects);
    }
}

TEST_CASE("a refusal weighs more than a doubt, a doubt more than a question") {
    Chain chain;
    chain.recipes["leaf"].serial = {0x80, 0x01};
    chain.recipes["leaf"].not_after = "utc:240101000000Z";
    chain.recipes["leaf"].purposes = {"clientAuth"};
    Device device = forge::plain_device();
    device.validation.dates = stated(std::vector{device::DatesOf::leaf});
    device.validation.extended_key_usage = stated(device::ExtendedKeyUsageRule::server_auth);
    device.tolerances["extension-eku-lacks-server-auth"] = forge::ask();
    device.tolerances["certificate-expired"] = forge::ask();
    CHECK(judge_files(device, chain).outcome == Outcome::unknown);
    device.tolerances["certificate-serial-negative"] = forge::ask();
    CHECK(judge_files(device, chain).outcome == Outcome::asks);
    device.tolerances["extension-eku-lacks-server-auth"] = forge::refuse();
    const Verdict verdict = judge_files(device, chain);
    CHECK(verdict.outcome == Outcome::fails);
    CHECK(decisive_reason(verdict)->finding.rule == "extension-eku-lacks-server-auth");
}

TEST_CASE("the grade of a verdict is that of the weakest statement it rests on") {
    Chain chain;
    Device device = forge::plain_device();
    device.certificate.signature_algorithms->grade = Grade::captured;
    SECTION("connecting rests on every section that was asked") {
        CHECK(judge_files(device, chain).grade == Grade::captured);
        device.validation.dates = stated(std::vector{device::DatesOf::leaf}, Grade::reported);
        CHECK(judge_files(device, chain).grade == Grade::reported);
        device.names.san = stated(device::SanRule::any, Grade::inferred);
        CHECK(judge_files(device, chain).grade == Grade::inferred);
    }
    SECTION("connecting rests on what the device overlooks, too") {
        chain.recipes["leaf"].serial = {0x80, 0x01};
        device.tolerances["certificate-serial-negative"] = forge::accept(Grade::inferred);
        CHECK(judge_files(device, chain).grade == Grade::inferred);
    }
    SECTION("failing rests on the section that objects and on the reaction") {
        chain.recipes["leaf"].not_after = "utc:240101000000Z";
        device.validation.dates = stated(std::vector{device::DatesOf::leaf}, Grade::source_code);
        device.tolerances["certificate-expired"] = forge::refuse(Grade::documented);
        CHECK(judge_files(device, chain).grade == Grade::documented);
        device.tolerances["certificate-expired"] = forge::refuse(Grade::captured);
        CHECK(judge_files(device, chain).grade == Grade::source_code);
        CHECK(decisive_reason(judge_files(device, chain))->grade == Grade::source_code);
    }
    SECTION("an assumed section is silence") {
        sign_with_sha1(chain.recipes["leaf"]);
        device.certificate.signature_algorithms->grade = Grade::assumed;
        CHECK(judge_files(device, chain).outcome == Outcome::unknown);
    }
}
