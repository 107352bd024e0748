// Runs cases: what the strict reader finds, and what the judge makes of it. The format stands
// in emulator/forge/case.h.
#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

#include "handshake/crypto/digest.h"
#include "tests/support/judged.h"
#include "tests/support/process.h"

using namespace handset;
using forge::Case;
using forge::Judged;
using judge::Effect;
using rules::Finding;

namespace {

// Every section begins its test anew, so the list is made once.
const std::vector<std::filesystem::path>& case_files() {
    static const std::vector<std::filesystem::path> files =
        forge::find_cases(forge::source_folder() / "cases");
    return files;
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
    const bool of_anchor = !finding.certificate && finding.field.starts_with("tbsCertificate");
    const bool has_place = finding.certificate || (finding.offset > 0 && !of_anchor);
    if (has_place) CHECK(to_hex(finding.bytes) == to_hex(octets_at(judged, finding)));
    if (from.expect.bytes) CHECK(to_hex(finding.bytes) == to_hex(*from.expect.bytes));
}

// Exactly the rule and what the case says it brings along, at exactly the place.
void check_findings(const Case& from, const Judged& judged) {
    const bool expects_rule = rules::find_rule(from.rule)->check != nullptr && from.expect.found;
    std::set<std::string> expected(from.also.begin(), from.also.end());
    if (expects_rule) expected.insert(from.rule);
    std::set<std::string> found;
    std::size_t times = 0;
    for (const Finding& finding : judged.evidence.findings) {
        found.insert(finding.rule);
        if (finding.rule != from.rule) continue;
        if (++times == 1 && from.expect.found) check_finding(from, judged, finding);
    }
    CHECK(found == expected);
    if (expects_rule) CHECK(times == from.expect.count);
}

void check_reason(const Case& from, const Judged& judged) {
    const judge::Reason* reason = forge::find_reason(judged.verdict, from.rule);
    if (!from.expect.found) {
        CHECK(reason == nullptr);
        return;
    }
    REQUIRE(reason);
    check_finding(from, judged, reason->finding);
    CHECK_FALSE(reason->demand.empty());
    CHECK_FALSE(reason->remedies.empty());
    if (from.device != "strict" || !from.profile.empty()) return;
    // What the strict reader need not refuse, `strict` refuses where it says so.
    const auto& tolerances = forge::shipped("strict").device.tolerances;
    if (rules::find_rule(from.rule)->level == rules::Level::must ||
        tolerances.contains(from.rule)) {
        CHECK(from.expect.outcome == "fails");
        CHECK((reason->effect == Effect::decides || reason->effect == Effect::later));
    } else {
        CHECK(reason->effect == Effect::noted);
    }
}

void check_verdict(const Case& from, const judge::Verdict& verdict) {
    CHECK(judge::outcome_name(verdict.outcome) == from.expect.outcome);
    const judge::Reason* decisive = judge::decisive_reason(verdict);
    CHECK((decisive == nullptr) == (verdict.outcome == judge::Outcome::connects));
    if (decisive) {
        CHECK(decisive->finding.rule ==
              (from.expect.decided_by.empty() ? from.rule : from.expect.decided_by));
    }
    if (!from.expect.stage.empty()) CHECK(judge::stage_name(verdict.stage) == from.expect.stage);
    if (from.expect.alert == "none") {
        CHECK_FALSE(verdict.alert);
    } else if (!from.expect.alert.empty()) {
        REQUIRE(verdict.alert);
        CHECK(wire::name_of(verdict.alert->alert.description) == from.expect.alert);
    }
}

void check_control(const Case& control) {
    const Judged judged = forge::judge_case(control);
    CHECK(judged.evidence.findings.empty());
    CHECK(forge::find_reason(judged.verdict, control.rule) == nullptr);
    if (control.profile.empty()) CHECK(judged.verdict.outcome == judge::Outcome::connects);
}

}  // namespace

TEST_CASE("every case comes out as it says") {
    for (const auto& file : case_files()) {
        DYNAMIC_SECTION(file.stem().string()) {
            const Case from = forge::load_case(file);
            const Judged judged = forge::judge_case(from);
            if (!from.rule.empty()) {
                REQUIRE(rules::find_rule(from.rule));
                check_findings(from, judged);
                check_reason(from, judged);
            }
            check_verdict(from, judged.verdict);
        }
    }
}

TEST_CASE("no case finds its fault where there is none") {
    for (const auto& file : case_files()) {
        DYNAMIC_SECTION(file.stem().string()) {
            const Case from = forge::load_case(file);
            if (from.has_control) check_control(forge::without_fault(from));
        }
    }
}

TEST_CASE("the Baseline Requirements refuse what they name, and the correct chain not") {
    Case correct;
    correct.device = "strict-br";
    CHECK(forge::judge_case(correct).verdict.outcome == judge::Outcome::connects);
    const auto& tolerances = forge::shipped("strict-br").device.tolerances;
    std::set<std::string> refused;
    for (const auto& file : case_files()) {
        Case from = forge::load_case(file);
        const auto named = tolerances.find(from.rule);
        if (named == tolerances.end() || named->second.action != device::Action::refuse) continue;
        if (from.device != "strict" || !from.profile.empty() || !from.expect.found) continue;
        CAPTURE(file.stem());
        from.device = "strict-br";
        const Judged judged = forge::judge_case(from);
        const judge::Reason* reason = forge::find_reason(judged.verdict, from.rule);
        REQUIRE(reason);
        CHECK((reason->effect == Effect::decides || reason->effect == Effect::later));
        refused.insert(from.rule);
    }
    // Every refusal is of a rule with a case that shows it.
    for (const auto& [rule, tolerance] : tolerances) {
        CAPTURE(rule);
        CHECK((refused.contains(rule) || tolerance.action == device::Action::accept));
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
    SECTION("on the wire with an ephemeral key on a curve") {
        correct.server.emplace().group = wire::named_group_from_name("secp256r1");
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
        const auto decoded = x509::decode_certificate(der);
        REQUIRE(decoded.has_value());
        CHECK(decoded->observations.empty());
        CHECK(decoded->serial_number.value == recipe.serial);
        CHECK(x509::is_self_issued(*decoded) == (recipe.issued_by == name));
    }
}

// Digests as they came out when this was written.
TEST_CASE("forged signatures are the same everywhere") {
    forge::Recipes recipes = forge::correct_recipes();
    const auto digest = [&] {
        const Bytes der = forge::make_certificate(recipes, "leaf", forge::keys_folder());
        return to_hex(crypto::digest(crypto::HashAlgorithm::sha256, der).value());
    };
    SECTION("RSA") {
        CHECK(digest() == "40f0171de1b86f12dd889258b42c1bf1e31d308e7350a54b022cb02fdc9157ee");
    }
    SECTION("ECDSA") {
        recipes["leaf"].signed_with = "ec256";
        recipes["leaf"].inner_algorithm = recipes["leaf"].outer_algorithm = "ecdsa-with-SHA256";
        CHECK(digest() == "5c19d57322e5a6ad6afd774adfef4ce8642d2c06ca93fa6ccb83df99aff89389");
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
    CHECK(trouble(head + "certificates: {leaf: {version: 4}}\n")
              .starts_with(":4: certificates.leaf.version: "));
    CHECK(trouble(head + "server: {alert: no_such_alert}\n").starts_with(":4: server.alert: "));
    CHECK(trouble(head + "server: {ending: never}\n").find("none of: ongoing") !=
          std::string::npos);
    CHECK(trouble(head + "question: {installed_format: zip}\n").find("none of: der") !=
          std::string::npos);
    CHECK(trouble("rule: [\n").find(":2") == 0);
    CHECK(trouble("rule: x\nabout: y\nexpect: {outcome: perhaps}\n").find("none of: connects") !=
          std::string::npos);
    CHECK(trouble("rule: x\nabout: y\nexpect: {outcome: fails, stage: somewhere}\n")
              .starts_with(":3: expect.stage: "));
}

TEST_CASE("a case of no rule, or at its boundary, expects no finding and names what decides") {
    const test::TempDir folder;
    const auto load = [&](std::string_view text) {
        test::write_file(folder / "x--y.yaml", text);
        return forge::load_case(folder / "x--y.yaml");
    };
    const Case none = load("rule: none\nabout: y\nexpect: {outcome: connects}\n");
    CHECK(none.rule.empty());
    CHECK_FALSE(none.has_control);
    const Case boundary = load("rule: x\nabout: y\nexpect: {found: false, outcome: connects}\n");
    CHECK_FALSE(boundary.expect.found);
    CHECK_FALSE(boundary.has_control);
    const Case variant = load("rule: x\nabout: y\ncontrol: false\nexpect: {outcome: fails}\n");
    CHECK_FALSE(variant.has_control);
    CHECK(load("rule: x\nabout: y\nexpect: {outcome: fails}\n").has_control);
    for (const char* expect :
         {"rule: none\nexpect: {outcome: fails}", "rule: x\nexpect: {found: false, outcome: fails}",
          "rule: none\nexpect: {outcome: connects, field: a}",
          "rule: none\nalso: [z]\nexpect: {outcome: connects}",
          "rule: x\nexpect: {found: false, outcome: connects, certificate: 0}"}) {
        CAPTURE(expect);
        CHECK_THROWS_AS(load(std::string(expect) + "\nabout: y\n"), forge::ForgeError);
    }
}

TEST_CASE("a file's name says which rule it is of") {
    CHECK(forge::rule_of_name("cases/key/key-dh-small.yaml") == "key-dh-small");
    CHECK(forge::rule_of_name("cases/key/key-dh-small--1023-bits.yaml") == "key-dh-small");
}

TEST_CASE("forged extensions are read as they were meant") {
    forge::Recipes recipes = forge::correct_recipes();
    forge::Recipe& recipe = recipes["intermediate"];
    recipe.usage = {"digitalSignature", "keyCertSign", "decipherOnly"};
    recipe.permitted = {"dns:example.test", "dir:C=DE/O=Example"};
    recipe.excluded = {"ip:0a000000ff000000"};
    recipe.policies = {"2.23.140.1.2.1", "anyPolicy"};
    recipe.mappings = {"1.2.3=1.2.4"};
    recipe.require_explicit_policy = 0;
    recipe.inhibit_policy_mapping = 2;
    recipe.inhibit_any_policy = 1;
    recipe.ca_issuers = "http://pki.example.test/root.cer";
    const auto read = x509::decode_certificate(
        forge::make_certificate(recipes, "intermediate", forge::keys_folder()));
    REQUIRE(read.has_value());
    CHECK(read->observations.empty());
    const auto* usage = x509::find_value<x509::KeyUsage>(*read, "keyUsage");
    REQUIRE(usage);
    CHECK(usage->bits == (x509::KeyUsage::digital_signature | x509::KeyUsage::key_cert_sign |
                          x509::KeyUsage::decipher_only));
    const auto* names = x509::find_value<x509::NameConstraints>(*read, "nameConstraints");
    REQUIRE(names);
    REQUIRE(names->permitted.size() == 2);
    CHECK(names->permitted[1].base.directory_name);
    CHECK(names->excluded.size() == 1);
    const auto* policies =
        x509::find_value<x509::CertificatePolicies>(*read, "certificatePolicies");
    REQUIRE(policies);
    CHECK(policies->policies.size() == 2);
    const auto* mappings = x509::find_value<x509::PolicyMappings>(*read, "policyMappings");
    REQUIRE(mappings);
    CHECK(mappings->mappings.at(0).subject_domain_policy.dotted() == "1.2.4");
    const auto* limits = x509::find_value<x509::PolicyConstraints>(*read, "policyConstraints");
    REQUIRE(limits);
    CHECK(limits->require_explicit_policy->small() == 0);
    CHECK(limits->inhibit_policy_mapping->small() == 2);
    const auto* any = x509::find_value<x509::InhibitAnyPolicy>(*read, "inhibitAnyPolicy");
    REQUIRE(any);
    CHECK(any->skip_certs.small() == 1);
    const auto* access = x509::find_value<x509::AuthorityInfoAccess>(*read, "authorityInfoAccess");
    REQUIRE(access);
    CHECK(x509::to_string(access->accesses.at(0).location).find("root.cer") != std::string::npos);
}

TEST_CASE("a forged certificate below version 3 has no extensions") {
    forge::Recipes recipes = forge::correct_recipes();
    for (const unsigned version : {1U, 2U}) {
        recipes["root"].version = version;
        const auto read = x509::decode_certificate(
            forge::make_certificate(recipes, "root", forge::keys_folder()));
        REQUIRE(read.has_value());
        CHECK(read->version == static_cast<int>(version));
        CHECK_FALSE(read->extensions_present);
        CHECK(read->observations.empty());
    }
}
