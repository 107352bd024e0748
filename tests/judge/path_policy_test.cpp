// The policies of profiles' section `path`, one by one, on chains where they make a difference.
#include <catch2/catch.hpp>

#include "handshake/crypto/digest.h"
#include "tests/judge/setting.h"

using namespace handset;
using namespace handset::judge;
using device::AiaRule;
using device::Alternatives;
using device::AnchorKind;
using device::IssuersFrom;
using device::KeyIdentifiers;
using device::NameChaining;
using device::PathOrder;
using forge::Chain;
using forge::stated;

namespace {

// A client that refuses all that the standard refuses, and whose path policy is the test's.
device::Device with(device::PathRules rules) {
    device::Device device = forge::strict_device();
    device.path = std::move(rules);
    if (!device.path.order) device.path.order = stated(PathOrder::any);
    device.validation.dates = stated(std::vector{
        device::DatesOf::leaf, device::DatesOf::intermediates, device::DatesOf::anchor});
    return device;
}
device::PathRules alternatives(Alternatives value) {
    device::PathRules rules;
    rules.alternatives = stated(value);
    return rules;
}

// As of September 2021: the server sends the new root as its old cross-certificate, whose issuer
// has expired; the new root itself is in the store.
struct CrossSign {
    Chain chain;
    Question question = forge::usual_question(chain);
    rules::Evidence evidence;
    CrossSign() {
        chain.recipes["foreign-root"].not_after = "utc:240101000000Z";
        question.roots.emplace().push_back(chain.certificate("root"));
        question.roots->push_back(chain.certificate("foreign-root"));
        evidence = chain.files({"leaf", "intermediate", "cross-root"});
    }
    Verdict verdict(device::PathRules rules) const {
        return judge::judge(with(std::move(rules)), nullptr, evidence, question);
    }
};

// Two CA certificates of one name and different keys; the server sends the wrong one first.
struct TwoKeys {
    Chain chain;
    Question question = forge::usual_question(chain);
    rules::Evidence evidence;
    TwoKeys() {
        chain.recipes["impostor"] = chain.recipes["intermediate"];
        chain.recipes["impostor"].key = "rsa2048-other";
        chain.recipes["impostor"].serial = {0x77};
        evidence = chain.files({"leaf", "impostor", "intermediate"});
    }
    Verdict verdict(device::PathRules rules) const {
        return judge::judge(with(std::move(rules)), nullptr, evidence, question);
    }
};

std::string decider(const Verdict& verdict) {
    const Reason* reason = decisive_reason(verdict);
    return reason ? reason->finding.rule : "";
}

}  // namespace

TEST_CASE("an expired cross-sign stops those who look among the sent certificates first") {
    const CrossSign cross;
    device::PathRules rules = alternatives(Alternatives::none);
    rules.issuers = stated(IssuersFrom::sent_first);
    CHECK(decider(cross.verdict(rules)) == "certificate-expired");
    rules.issuers = stated(IssuersFrom::stored_first);
    CHECK(cross.verdict(rules).outcome == Outcome::connects);
}

TEST_CASE("how many alternatives are tried decides over an expired cross-sign") {
    const CrossSign cross;
    CHECK(decider(cross.verdict(alternatives(Alternatives::none))) == "certificate-expired");
    // The expired anchor is an anchor: nothing else is looked for.
    CHECK(decider(cross.verdict(alternatives(Alternatives::until_trusted))) ==
          "certificate-expired");
    const Verdict valid = cross.verdict(alternatives(Alternatives::until_valid));
    CHECK(valid.outcome == Outcome::connects);
    CHECK(forge::rules_of(valid) == std::vector<std::string>{"chain-other-path-needed"});
    CHECK(valid.reasons.front().effect == Effect::noted);
}

TEST_CASE("a cross-sign without its issuer needs more than the first candidate") {
    Chain chain;
    const Question question = forge::usual_question(chain);
    const auto evidence = chain.files({"leaf", "intermediate", "cross-root"});
    const auto verdict = [&](Alternatives value) {
        return judge::judge(with(alternatives(value)), nullptr, evidence, question);
    };
    CHECK(decider(verdict(Alternatives::none)) == "chain-intermediate-missing");
    CHECK(verdict(Alternatives::until_trusted).outcome == Outcome::connects);
    CHECK(verdict(Alternatives::until_valid).outcome == Outcome::connects);
}

TEST_CASE("a profile that is silent on alternatives leaves open what hangs on them") {
    const CrossSign cross;
    device::Device device = with({});
    device.otherwise.reset();
    device.tolerances["certificate-expired"] = forge::refuse();
    const Verdict verdict = judge::judge(device, nullptr, cross.evidence, cross.question);
    CHECK(verdict.outcome == Outcome::unknown);
    CHECK(decider(verdict) == "chain-other-path-needed");
    // Where every way leads to the same end, nothing is open.
    Question root_only = cross.question;
    root_only.roots.emplace().push_back(cross.chain.certificate("root"));
    device.tolerances["chain-extra-certificate"] = forge::accept();
    const Verdict plain =
        judge::judge(device, nullptr, cross.chain.files({"leaf", "intermediate"}), root_only);
    CHECK(plain.outcome == Outcome::connects);
}

TEST_CASE("key identifiers tell two CAs of one name apart") {
    TwoKeys two;
    device::PathRules rules = alternatives(Alternatives::none);
    rules.key_identifiers = stated(KeyIdentifiers::ignored);
    CHECK(decider(two.verdict(rules)) == "certificate-signature-invalid");
    for (const KeyIdentifiers use : {KeyIdentifiers::preferred, KeyIdentifiers::required}) {
        rules.key_identifiers = stated(use);
        CHECK(two.verdict(rules).outcome == Outcome::connects);
    }
    // Only the wrong one is there: preferred takes it, required finds none.
    two.evidence = two.chain.files({"leaf", "impostor"});
    rules.key_identifiers = stated(KeyIdentifiers::preferred);
    CHECK(decider(two.verdict(rules)) == "certificate-signature-invalid");
    rules.key_identifiers = stated(KeyIdentifiers::required);
    CHECK(decider(two.verdict(rules)) == "chain-intermediate-missing");
}

TEST_CASE("a path that validates is found behind one whose signature does not") {
    const TwoKeys two;
    CHECK(two.verdict(alternatives(Alternatives::until_valid)).outcome == Outcome::connects);
    CHECK(decider(two.verdict(alternatives(Alternatives::until_trusted))) ==
          "certificate-signature-invalid");
}

TEST_CASE("names of issuers are compared by rule") {
    Chain chain;
    const auto verdict = [&](NameChaining by) {
        device::PathRules rules = alternatives(Alternatives::until_trusted);
        rules.name_chaining = stated(by);
        return judge::judge(with(rules), nullptr, chain.files({"leaf", "intermediate"}),
                            forge::usual_question(chain));
    };
    // The leaf names its issuer in capitals.
    const std::vector<std::string> subject = chain.recipes["intermediate"].subject;
    std::vector<std::string> shouted = subject;
    for (char& c : shouted.back())
        c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    chain.recipes["leaf"].issuer = shouted;
    CHECK(decider(verdict(NameChaining::binary)) == "chain-intermediate-missing");
    CHECK(verdict(NameChaining::caseless).outcome == Outcome::connects);
    CHECK(verdict(NameChaining::normalized).outcome == Outcome::connects);
    // With two spaces where the issuer has one.
    std::vector<std::string> spaced = subject;
    const std::size_t space = spaced.back().find(' ');
    REQUIRE(space != std::string::npos);
    spaced.back().insert(space, " ");
    chain.recipes["leaf"].issuer = spaced;
    CHECK(decider(verdict(NameChaining::binary)) == "chain-intermediate-missing");
    CHECK(decider(verdict(NameChaining::caseless)) == "chain-intermediate-missing");
    CHECK(verdict(NameChaining::normalized).outcome == Outcome::connects);
}

TEST_CASE("a silent profile leaves open whether two spellings are one name") {
    Chain chain;
    std::vector<std::string> spelling = chain.recipes["intermediate"].subject;
    for (char& c : spelling.back())
        c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    chain.recipes["leaf"].issuer = spelling;
    device::Device device = with(alternatives(Alternatives::until_trusted));
    device.otherwise.reset();
    const Verdict verdict = judge::judge(device, nullptr, chain.files({"leaf", "intermediate"}),
                                         forge::usual_question(chain));
    CHECK(verdict.outcome == Outcome::unknown);
    CHECK(decider(verdict) == "chain-name-spelling");
}

TEST_CASE("a missing issuer is fetched by those who fetch") {
    const Chain chain;
    Question question = forge::usual_question(chain);
    question.aia.push_back(chain.certificate("intermediate"));
    const auto evidence = chain.files({"leaf"});
    device::PathRules rules = alternatives(Alternatives::until_trusted);
    rules.aia = stated(AiaRule::never);
    CHECK(decider(judge::judge(with(rules), nullptr, evidence, question)) ==
          "chain-intermediate-missing");
    rules.aia = stated(AiaRule::fetched);
    const Verdict fetched = judge::judge(with(rules), nullptr, evidence, question);
    CHECK(fetched.outcome == Outcome::connects);
    CHECK(forge::rules_of(fetched) == std::vector<std::string>{"chain-aia-used"});
    // Nothing to be fetched: the same as never.
    CHECK(decider(judge::judge(with(rules), nullptr, evidence, forge::usual_question(chain))) ==
          "chain-intermediate-missing");
    // Silence: open, whatever the tolerance for a missing issuer says.
    rules.aia.reset();
    device::Device silent = with(rules);
    silent.otherwise.reset();
    const Verdict open = judge::judge(silent, nullptr, evidence, question);
    CHECK(open.outcome == Outcome::unknown);
}

TEST_CASE("a fetched issuer is held to what an issuer is held to") {
    Chain chain;
    chain.recipes["intermediate"].not_after = "utc:240101000000Z";
    Question question = forge::usual_question(chain);
    question.aia.push_back(chain.certificate("intermediate"));
    device::PathRules rules = alternatives(Alternatives::until_trusted);
    rules.aia = stated(AiaRule::fetched);
    const Verdict verdict = judge::judge(with(rules), nullptr, chain.files({"leaf"}), question);
    CHECK(decider(verdict) == "certificate-expired");
    CHECK_FALSE(decisive_reason(verdict)->finding.certificate);
}

TEST_CASE("a path may be too long for a device") {
    const Chain chain;
    device::PathRules rules = alternatives(Alternatives::until_trusted);
    const auto verdict = [&](std::size_t most) {
        rules.max_certificates = stated(most);
        return judge::judge(with(rules), nullptr, chain.files({"leaf", "intermediate"}),
                            forge::usual_question(chain));
    };
    CHECK(verdict(3).outcome == Outcome::connects);
    CHECK(decider(verdict(2)) == "capacity-path-depth");
}

TEST_CASE("an anchor known by fingerprint has its key from a list of public roots") {
    const Chain chain;
    device::Store store;
    store.id = "test";
    device::StoreEntry& entry = store.members.emplace_back();
    entry.subject = x509::to_string(chain.certificate("root").subject);
    entry.sha256 =
        crypto::digest(crypto::HashAlgorithm::sha256, chain.certificate("root").raw).value();
    device::Device device = with(alternatives(Alternatives::until_trusted));
    device.trust.store_id = "test";
    device.trust.grade = device::Grade::documented;
    Question question = forge::usual_question(chain);
    question.roots.reset();
    const auto evidence = chain.files({"leaf", "intermediate"});
    // Nothing to verify the last signature with: said, and not passed over.
    device.otherwise.reset();
    const Verdict unchecked = judge::judge(device, &store, evidence, question);
    CHECK(forge::find_reason(unchecked, "certificate-signature-unchecked"));
    question.known_roots.push_back(chain.certificate("root"));
    const Verdict checked = judge::judge(device, &store, evidence, question);
    CHECK(checked.outcome == Outcome::connects);
    CHECK_FALSE(forge::find_reason(checked, "certificate-signature-unchecked"));
    // A known root is not a trusted one.
    store.members.clear();
    const Verdict untrusted = judge::judge(device, &store, evidence, question);
    CHECK(decider(untrusted) == "chain-intermediate-missing");
}

TEST_CASE("a root that cannot be installed or is not looked at does not help") {
    const Chain chain;
    Question question = forge::usual_question(chain);
    question.roots.reset();
    question.installed_roots.push_back({chain.certificate("root"), device::RootFormat::pem});
    device::Store store;
    store.id = "empty";
    device::Device device = with(alternatives(Alternatives::until_trusted));
    device.otherwise.reset();
    device.trust.store_id = "empty";
    device.trust.grade = device::Grade::documented;
    device.tolerances["chain-anchor-missing"] = forge::refuse();
    device.tolerances["chain-intermediate-missing"] = forge::refuse();
    const auto verdict = [&] {
        return judge::judge(device, &store, chain.files({"leaf", "intermediate"}), question);
    };
    CHECK(verdict().outcome == Outcome::connects);
    SECTION("its file has a format that the device does not install") {
        device.trust.root_formats = stated(std::vector{device::RootFormat::der});
        CHECK(verdict().outcome == Outcome::fails);
        CHECK(forge::find_reason(verdict(), "chain-root-format"));
        question.installed_roots.front().format = device::RootFormat::der;
        CHECK(verdict().outcome == Outcome::connects);
    }
    SECTION("the application does not look at it") {
        device.trust.user_roots = stated(device::UserRoots::unused);
        CHECK(verdict().outcome == Outcome::fails);
        CHECK(forge::find_reason(verdict(), "chain-root-unused"));
    }
    SECTION("a use must be ticked for it") {
        device.trust.user_roots = stated(device::UserRoots::after_setting);
        CHECK(verdict().outcome == Outcome::connects);
        REQUIRE(forge::find_reason(verdict(), "chain-root-setting"));
        CHECK(forge::find_reason(verdict(), "chain-root-setting")->effect == Effect::noted);
    }
}

TEST_CASE("roots known by fingerprint alone may stand in for a store") {
    const Chain chain;
    Question question = forge::usual_question(chain);
    question.roots.reset();
    device::Store& listed = question.listed_roots.emplace();
    listed.id = "certutil.txt";
    device::StoreEntry& entry = listed.members.emplace_back();
    entry.sha1 = crypto::digest(crypto::HashAlgorithm::sha1, chain.certificate("root").raw).value();
    const device::Device device = with(alternatives(Alternatives::until_trusted));
    const auto evidence = chain.files({"leaf", "intermediate", "root"});
    CHECK(judge::judge(device, nullptr, evidence, question).outcome == Outcome::connects);
    entry.sha1.front() = static_cast<std::uint8_t>(entry.sha1.front() ^ 1);
    CHECK(decider(judge::judge(device, nullptr, evidence, question)) == "chain-anchor-missing");
}

TEST_CASE("signatures that are remembered change no verdict") {
    Chain chain;
    SignatureCache cache;
    Question plain = forge::usual_question(chain);
    Question remembering = plain;
    remembering.signatures = &cache;
    const device::Device device = with(alternatives(Alternatives::until_valid));
    for (const bool broken : {false, true}) {
        if (broken) {
            forge::Operation flip;
            flip.at = "signatureValue";
            Bytes zeros(257, 0);
            flip.content = zeros;
            chain.recipes["leaf"].after_signing = {flip};
        }
        const auto evidence = chain.files({"leaf", "intermediate"});
        for (int i = 0; i < 3; ++i) {
            const Verdict a = judge::judge(device, nullptr, evidence, plain);
            const Verdict b = judge::judge(device, nullptr, evidence, remembering);
            CHECK(a.outcome == b.outcome);
            CHECK(forge::rules_of(a) == forge::rules_of(b));
            CHECK((decider(a) == "certificate-signature-invalid") == broken);
        }
    }
}
