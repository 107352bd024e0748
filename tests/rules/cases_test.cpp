// Runs tests/cases/<area>/<rule-id>.yaml: what the strict reader finds, and what the judge makes of
// it.
#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

#include "tests/support/judged.h"
#include "tests/support/process.h"

using namespace handset;
using forge::Case;
using forge::Judged;
using judge::Effect;
using rules::Finding;

namespace {

std::vector<std::filesystem::path> case_files() {
    return forge::find_cases(forge::source_folder() / "tests" / "cases");
}

// The octets a finding points at, of the certificate or of the server's stream.
ByteView octets_at(const Judged& judged, const Finding& finding) {
    const ByteView whole = finding.certificate ? judged.evidence.chain.at(*finding.certificate).der
                                               : judged.flight.bytes;
    REQUIRE(finding.offset <= whole.size());
    REQUIRE(finding.length <= whole.size() - finding.offset);
    return whole.subspan(finding.offset, std::min(finding.length, rules::max_finding_bytes));
}

void check_finding(const Case& from, const Judged& judged, const Finding& finding) {
    CHECK(finding.certificate == from.expect.certificate);
    CHECK(finding.field == from.expect.field);
    CHECK_FALSE(finding.detail.empty());
    CHECK(finding.detail == printable_utf8(finding.detail));
    // What the server said at its end, and what an anchor holds, stands in no octets at hand.
    const bool has_place = finding.certificate || finding.offset > 0;
    if (has_place) CHECK(to_hex(finding.bytes) == to_hex(octets_at(judged, finding)));
    if (from.expect.bytes) CHECK(to_hex(finding.bytes) == to_hex(*from.expect.bytes));
}

// Exactly the rule and what the case says it brings along, at exactly the place.
void check_findings(const Case& from, const Judged& judged) {
    const bool is_static = rules::find_rule(from.rule)->check != nullptr;
    std::set<std::string> expected(from.also.begin(), from.also.end());
    if (is_static) expected.insert(from.rule);
    std::set<std::string> found;
    std::size_t times = 0;
    for (const Finding& finding : judged.evidence.findings) {
        found.insert(finding.rule);
        if (finding.rule != from.rule) continue;
        if (++times == 1) check_finding(from, judged, finding);
    }
    CHECK(found == expected);
    if (is_static) CHECK(times == from.expect.count);
}

void check_verdict(const Case& from, const Judged& judged) {
    const judge::Verdict& verdict = judged.verdict;
    CHECK(judge::outcome_name(verdict.outcome) == from.expect.outcome);
    const judge::Reason* reason = forge::find_reason(verdict, from.rule);
    REQUIRE(reason);
    check_finding(from, judged, reason->finding);
    CHECK_FALSE(reason->demand.empty());
    CHECK_FALSE(reason->remedies.empty());
    const rules::Rule& rule = *rules::find_rule(from.rule);
    if (from.device == "strict" && from.profile.empty()) {
        if (rule.level == rules::Level::must) {
            CHECK(from.expect.outcome == "fails");
            CHECK((reason->effect == Effect::decides || reason->effect == Effect::later));
        } else {
            CHECK(reason->effect == Effect::noted);
        }
    }
    const judge::Reason* decisive = judge::decisive_reason(verdict);
    CHECK((decisive == nullptr) == (verdict.outcome == judge::Outcome::connects));
    if (decisive) {
        CHECK(decisive->finding.rule ==
              (from.expect.decided_by.empty() ? from.rule : from.expect.decided_by));
    }
    if (!from.expect.alert.empty()) {
        REQUIRE(verdict.alert);
        CHECK(wire::name_of(verdict.alert->alert.description) == from.expect.alert);
    }
}

}  // namespace

TEST_CASE("every case finds its fault") {
    for (const auto& file : case_files()) {
        DYNAMIC_SECTION(file.stem().string()) {
            const Case from = forge::load_case(file);
            CHECK(from.rule == file.stem());
            const Judged judged = forge::judge_case(from);
            check_findings(from, judged);
            check_verdict(from, judged);
        }
    }
}

TEST_CASE("no case finds its fault where there is none") {
    for (const auto& file : case_files()) {
        DYNAMIC_SECTION(file.stem().string()) {
            const Case control = forge::without_fault(forge::load_case(file));
            const Judged judged = forge::judge_case(control);
            CHECK(judged.evidence.findings.empty());
            CHECK(forge::find_reason(judged.verdict, control.rule) == nullptr);
            if (control.profile.empty()) {
                CHECK(judged.verdict.outcome == judge::Outcome::connects);
            }
        }
    }
}

TEST_CASE("a strict device connects with the correct chain") {
    Case correct;
    SECTION("as files") {}
    SECTION("on the wire") {
        correct.server.emplace();
    }
    SECTION("on the wire with an ephemeral key") {
        correct.server.emplace().dh_bits = 2048;
    }
    SECTION("with every message of a flight") {
        using enum wire::HandshakeType;
        correct.server.emplace().dh_bits = 2048;
        correct.server->messages = {{server_hello, {}},
                                    {certificate, {}},
                                    {server_key_exchange, {}},
                                    {certificate_request, {}},
                                    {server_hello_done, {}}};
    }
    const Judged judged = forge::judge_case(correct);
    CHECK(judged.evidence.findings.empty());
    CHECK(judged.verdict.reasons.empty());
    CHECK(judged.verdict.outcome == judge::Outcome::connects);
    CHECK(judged.evidence.chain.size() == 2);
}

TEST_CASE("forged octets depend on their recipe alone") {
    const forge::Recipes recipes = forge::correct_recipes();
    for (const auto& [name, recipe] : recipes) {
        CAPTURE(name);
        const Bytes der = forge::make_certificate(recipes, name, forge::keys_folder());
        CHECK(forge::make_certificate(recipes, name, forge::keys_folder()) == der);
        const auto decoded = x509::decode_certificate(der);
        REQUIRE(decoded.has_value());
        CHECK(decoded->observations.empty());
        CHECK(decoded->serial_number.value == recipe.serial);
        CHECK(x509::is_self_issued(*decoded) == (recipe.issued_by == name));
    }
}

TEST_CASE("a recipe that cannot be carried out is said to be one") {
    forge::Recipes recipes = forge::correct_recipes();
    const auto trouble = [&] {
        try {
            forge::make_certificate(recipes, "leaf", forge::keys_folder());
        } catch (const forge::ForgeError& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    forge::Recipe& leaf = recipes["leaf"];
    SECTION("a path that leads nowhere") {
        leaf.before_signing.emplace_back().at = "tbsCertificate.serialNumbers";
        CHECK(trouble().find("serialNumbers") != std::string::npos);
        leaf.before_signing.front().at = "tbsCertificate.extensions[1]";
        CHECK(trouble().find("[1]") != std::string::npos);
    }
    SECTION("a certificate that is not there") {
        leaf.issued_by = "nobody";
        CHECK(trouble().find("nobody") != std::string::npos);
    }
    SECTION("a key that is not there") {
        leaf.key = "rsa31";
        CHECK(trouble().find("rsa31.pem") != std::string::npos);
    }
    SECTION("a name of no kind") {
        leaf.names = {"mail.example.test"};
        CHECK(trouble().find("mail.example.test") != std::string::npos);
    }
    SECTION("an attribute of no type") {
        leaf.subject = {"XY=mail"};
        CHECK(trouble().find("XY=mail") != std::string::npos);
    }
}

TEST_CASE("a case file's fault is named with file, line and key") {
    const test::TempDir folder;
    const auto trouble = [&](std::string_view text) {
        const auto file = folder / "x.yaml";
        test::write_file(file, text);
        try {
            forge::load_case(file);
        } catch (const forge::ForgeError& error) {
            const std::string line = error.what();
            CHECK(line.starts_with(file.string()));
            return line.substr(file.string().size());
        }
        return std::string();
    };
    const std::string head = "rule: x\nabout: y\nexpect: {outcome: fails}\n";
    CHECK(trouble(head).empty());
    CHECK(trouble("rule: x\n") == ":1: case: has no rule, no about or no expect");
    CHECK(trouble(head + "chian: [leaf]\n") == ":4: chian: unknown key");
    CHECK(trouble(head + "certificates: {leaf: {serial: 0g}}\n")
              .starts_with(":4: certificates.leaf.serial: "));
    CHECK(trouble(head + "server: {alert: no_such_alert}\n").starts_with(":4: server.alert: "));
    CHECK(trouble(head + "server: {ending: never}\n").find("none of: ongoing") !=
          std::string::npos);
    CHECK(trouble("rule: [\n").find(":2") == 0);
}
