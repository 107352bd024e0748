#include "emulator/judge/judge.h"

#include <catch2/catch.hpp>

#include <fmt/format.h>

#include "tests/judge/setting.h"

using namespace handset;
using namespace handset::judge;
using device::Grade;
using forge::Chain;
using forge::Shipped;
using forge::shipped;
using forge::stated;

namespace {

const char* const all_devices[] = {
    "strict",
    "nokia-m4e-symbian-9.1",
    "nokia-m4e-symbian-9.2",
    "nokia-m4e-symbian-9.4",
    "outlook-2007-windows-xp",
    "outlook-2007-windows-vista-sp1",
    "exchange-2010-federation",
};

Verdict judge_by(const std::string& id, const rules::Evidence& evidence, const Question& question) {
    const Shipped& device = shipped(id);
    return judge::judge(device.device, device.store, evidence, question);
}

// What devices of 2007 can verify.
Chain sha1_chain() {
    Chain chain;
    for (auto& [name, recipe] : chain.recipes)
        recipe.inner_algorithm = recipe.outer_algorithm = "sha1WithRSAEncryption";
    return chain;
}

// As a user installs the root, beside whatever store the device has.
Question with_installed_root(const Chain& chain) {
    Question question = forge::usual_question(chain);
    for (const auto& root : *question.roots)
        question.installed_roots.push_back({root});
    question.roots.reset();
    return question;
}

rules::Evidence read_flight(wire::Flight flight, wire::Ending ending, std::size_t octets) {
    flight.ending = ending;
    flight.bytes.resize(octets);
    return rules::read(flight);
}

}  // namespace

// --- the shipped profiles ------------------------------------------------------------------------

TEST_CASE("a critical subjectAltName stops the older phones and not the newer one") {
    Chain chain = sha1_chain();
    chain.recipes["leaf"].critical["subjectAltName"] = forge::Critical::ff;
    const auto evidence = chain.files({"leaf", "intermediate"});
    for (const Question& question : {forge::usual_question(chain), with_installed_root(chain)}) {
        const Verdict v91 = judge_by("nokia-m4e-symbian-9.1", evidence, question);
        CHECK(v91.outcome == Outcome::fails);
        CHECK(v91.alert->alert.description == wire::AlertDescription::illegal_parameter);

        const Verdict v92 = judge_by("nokia-m4e-symbian-9.2", evidence, question);
        CHECK(v92.outcome == Outcome::fails);
        CHECK(v92.stage == Stage::certificate);
        REQUIRE(v92.alert);
        CHECK(v92.alert->direction == Direction::sent);
        CHECK(v92.alert->alert.description == wire::AlertDescription::illegal_parameter);
        CHECK(v92.code == "-7547");
        CHECK(v92.shows ==
              "A field in the handshake was out of range or inconsistent with other fields");
        const Reason* decisive = decisive_reason(v92);
        REQUIRE(decisive);
        CHECK(decisive->finding.rule == "extension-san-critical");
        CHECK(to_hex(decisive->finding.bytes) == "0101ff");
        CHECK(decisive->remedies.size() == 2);  // the profile's own, then the rule's

        const Verdict v94 = judge_by("nokia-m4e-symbian-9.4", evidence, question);
        CHECK(v94.outcome == Outcome::connects);
        CHECK(forge::find_reason(v94, "extension-san-critical")->effect == Effect::noted);
    }
}

TEST_CASE("with subjectAltName not critical all the phones connect") {
    const Chain chain = sha1_chain();
    const auto evidence = chain.files({"leaf", "intermediate"});
    for (const char* id :
         {"nokia-m4e-symbian-9.1", "nokia-m4e-symbian-9.2", "nokia-m4e-symbian-9.4"}) {
        CAPTURE(id);
        const Verdict verdict = judge_by(id, evidence, with_installed_root(chain));
        CHECK(verdict.outcome == Outcome::connects);
        CHECK(verdict.grade < Grade::documented);
        Question no_root = with_installed_root(chain);
        no_root.installed_roots.clear();
        CHECK(judge_by(id, evidence, no_root).outcome == Outcome::unknown);
    }
}

TEST_CASE("the oldest phone reads the common name only") {
    const Chain chain = sha1_chain();
    const auto evidence = chain.files({"leaf", "intermediate"});
    Question question = with_installed_root(chain);
    question.host = "autodiscover.example.test";
    const Verdict v91 = judge_by("nokia-m4e-symbian-9.1", evidence, question);
    CHECK(v91.outcome == Outcome::fails);
    CHECK(decisive_reason(v91)->finding.rule == "name-host-mismatch");
    CHECK(judge_by("nokia-m4e-symbian-9.2", evidence, question).outcome == Outcome::connects);
}

TEST_CASE("a phone of 2007 does not verify SHA-256") {
    const Chain chain;
    const Verdict verdict = judge_by("nokia-m4e-symbian-9.2", chain.files({"leaf", "intermediate"}),
                                     with_installed_root(chain));
    CHECK(verdict.outcome == Outcome::fails);
    const Reason* decisive = decisive_reason(verdict);
    CHECK(decisive->finding.rule == "certificate-signature-algorithm-unsupported");
    // Anchor first: the intermediate is looked at before the leaf.
    CHECK(decisive->finding.certificate == 1);
}

TEST_CASE("the principal stands in the common name for XP, in subjectAltName too for Vista") {
    const Chain chain = sha1_chain();
    const auto evidence = chain.files({"leaf", "intermediate"});
    Question question = forge::usual_question(chain);
    const auto outcome = [&](const char* id) { return judge_by(id, evidence, question).outcome; };
    const char* const xp = "outlook-2007-windows-xp";
    const char* const vista = "outlook-2007-windows-vista-sp1";
    SECTION("unsaid, it is the host") {
        CHECK(outcome(xp) == Outcome::connects);
        CHECK(outcome(vista) == Outcome::connects);
        question.host = "autodiscover.example.test";
        CHECK(outcome(xp) == Outcome::fails);
        CHECK(outcome(vista) == Outcome::connects);
    }
    SECTION("in subjectAltName alone") {
        question.msstd = "msstd:autodiscover.example.test";
        const Verdict verdict = judge_by(xp, evidence, question);
        CHECK(verdict.outcome == Outcome::fails);
        CHECK(verdict.stage == Stage::application);
        CHECK(verdict.code == "5");
        CHECK_FALSE(verdict.alert);
        CHECK(decisive_reason(verdict)->finding.rule == "name-msstd-mismatch");
        CHECK(outcome(vista) == Outcome::connects);
    }
    SECTION("nowhere") {
        question.msstd = "msstd:www.example.test";
        CHECK(outcome(xp) == Outcome::fails);
        CHECK(outcome(vista) == Outcome::fails);
    }
    SECTION("switched off") {
        question.host = "autodiscover.example.test";
        question.msstd = "none";
        CHECK(outcome(xp) == Outcome::connects);
    }
}

TEST_CASE("a principal that may or may not be compared makes the verdict unknown") {
    Chain chain;
    chain.recipes["leaf"].subject = {"CN=mail.example.test", "CN=last.example.test"};
    device::Device device = forge::plain_device();
    device.names.san = stated(device::SanRule::any);
    device.names.msstd = stated(device::MsstdRule::cn);
    Question question = forge::usual_question(chain);
    question.msstd = "msstd:last.example.test";
    const Verdict verdict =
        judge::judge(device, nullptr, chain.files({"leaf", "intermediate"}), question);
    CHECK(verdict.outcome == Outcome::unknown);
    CHECK(decisive_reason(verdict)->finding.rule == "name-msstd-mismatch");
}

TEST_CASE("a server without root updates lacks Baltimore CyberTrust Root") {
    // The root as it is named; its own key identifier stands in the certificate below it.
    Chain chain;
    forge::Recipe& root = chain.recipes["baltimore"];
    root = chain.recipes["root"];
    root.subject = {"C=IE", "O=Baltimore", "OU=CyberTrust", "CN=Baltimore CyberTrust Root"};
    root.issued_by = "baltimore";
    chain.recipes["intermediate"].issued_by = "baltimore";
    forge::Operation key_identifier;
    key_identifier.at = "authorityKeyIdentifier.keyIdentifier";
    key_identifier.content = from_hex("e59d5930824758ccacfa085436867b3ab5044df0");
    chain.recipes["intermediate"].before_signing = {key_identifier};
    const auto evidence = chain.files({"leaf", "intermediate"});
    Question question = forge::usual_question(chain);
    question.roots.reset();

    const Verdict verdict = judge_by("exchange-2010-federation", evidence, question);
    CHECK(verdict.outcome == Outcome::fails);
    CHECK(decisive_reason(verdict)->finding.rule == "chain-anchor-missing");
    CHECK(verdict.shows.find("trust relationship") != std::string::npos);
    CHECK(verdict.grade == Grade::inferred);
    // Where the list of roots is Microsoft's own, it is there.
    CHECK(judge_by("outlook-2007-windows-vista-sp1", evidence, question).outcome ==
          Outcome::connects);
    // Another root of which nothing is known.
    Chain unknown;
    question = forge::usual_question(unknown);
    question.roots.reset();
    const auto below_unknown = unknown.files({"leaf", "intermediate"});
    CHECK(judge_by("exchange-2010-federation", below_unknown, question).outcome ==
          Outcome::unknown);
    CHECK(judge_by("outlook-2007-windows-vista-sp1", below_unknown, question).outcome ==
          Outcome::unknown);  // its profile is silent on an intermediate that is not sent
}

// --- flights ------------------------------------------------------------------------------------

TEST_CASE("a flight that is still going on is blamed for nothing that is missing") {
    const Chain chain;
    const Question question = forge::usual_question(chain);
    forge::Server server;
    server.dh_bits = 2048;
    const wire::Flight whole = chain.flight({"leaf", "intermediate"}, server);
    for (std::size_t octets = 0; octets <= whole.bytes.size(); octets += 61) {
        CAPTURE(octets);
        const auto evidence = read_flight(whole, wire::Ending::ongoing, octets);
        const Verdict verdict = judge_by("strict", evidence, question);
        CHECK(verdict.outcome == Outcome::connects);
        CHECK(verdict.reasons.empty());
    }
}

TEST_CASE("a flight that ends early is") {
    const Chain chain;
    const wire::Flight whole = chain.flight({"leaf", "intermediate"});
    for (const wire::Ending ending : {wire::Ending::closed, wire::Ending::reset,
                                      wire::Ending::timeout, wire::Ending::undecodable}) {
        const Verdict verdict =
            judge_by("strict", read_flight(whole, ending, whole.bytes.size() / 2),
                     forge::usual_question(chain));
        CHECK(verdict.outcome == Outcome::fails);
        CHECK(verdict.grade == Grade::captured);
        CHECK_FALSE(verdict.alert);
    }
}

TEST_CASE("a fault counts as soon as it has been sent") {
    Chain chain;
    chain.recipes["leaf"].not_after = "utc:240101000000Z";
    const wire::Flight whole = chain.flight({"leaf", "intermediate"});
    // All but ServerHelloDone: a record of nine octets.
    const auto evidence = read_flight(whole, wire::Ending::ongoing, whole.bytes.size() - 9);
    const Verdict verdict = judge_by("strict", evidence, forge::usual_question(chain));
    CHECK(verdict.outcome == Outcome::fails);
    CHECK(decisive_reason(verdict)->finding.rule == "certificate-expired");
}

TEST_CASE("ServerHelloDone comes after the messages that the suite asks for") {
    using enum wire::HandshakeType;
    const Chain chain;
    forge::Server server;
    const auto verdict_on = [&](std::vector<forge::ScriptedMessage> messages) {
        server.messages = std::move(messages);
        return judge_by("strict", rules::read(chain.flight({"leaf", "intermediate"}, server)),
                        forge::usual_question(chain));
    };
    const auto unexpected = [](const Verdict& verdict) {
        const Reason* decisive = decisive_reason(verdict);
        return decisive && decisive->finding.rule == "handshake-unexpected-message";
    };
    CHECK_FALSE(
        unexpected(verdict_on({{server_hello, {}}, {certificate, {}}, {server_hello_done, {}}})));
    CHECK(unexpected(verdict_on({{server_hello, {}}, {server_hello_done, {}}})));
    server.dh_bits = 2048;
    CHECK(unexpected(verdict_on({{server_hello, {}}, {certificate, {}}, {server_hello_done, {}}})));
    CHECK(verdict_on({{server_hello, {}},
                      {certificate, {}},
                      {server_key_exchange, {}},
                      {server_hello_done, {}}})
              .outcome == Outcome::connects);
}

TEST_CASE("offsets are exact when all messages share one record") {
    const Chain chain;
    forge::Server server;
    server.together = true;
    server.dh_bits = 768;
    const wire::Flight flight = chain.flight({"leaf", "intermediate"}, server);
    const auto evidence = rules::read(flight);
    for (const rules::ChainEntry& entry : evidence.chain) {
        CHECK(equal(ByteView(flight.bytes).subspan(entry.stream_offset, entry.der.size()),
                    entry.der));
    }
    const Verdict verdict = judge_by("strict", evidence, forge::usual_question(chain));
    const Reason* small = forge::find_reason(verdict, "key-dh-small");
    REQUIRE(small);
    CHECK(small->finding.length == 96);
    CHECK(equal(ByteView(flight.bytes).subspan(small->finding.offset, small->finding.bytes.size()),
                small->finding.bytes));
    CHECK(flight.bytes[small->finding.offset - 1] == 96);
}

TEST_CASE("how far a flight was followed is said") {
    const Chain chain;
    const Question question = forge::usual_question(chain);
    forge::Server server;
    const auto judged = [&] {
        return judge_by("strict", rules::read(chain.flight({"leaf", "intermediate"}, server)),
                        question);
    };
    CHECK(judge_by("strict", chain.files({"leaf", "intermediate"}), question).stage ==
          Stage::certificate);
    CHECK(judged().stage == Stage::key_exchange);
    server.continuation.kind = wire::Continuation::Kind::finished;
    CHECK(judged().stage == Stage::finished);
    CHECK(judged().negotiated->version == wire::ProtocolVersion::tls_1_2);
    server.continuation.kind = wire::Continuation::Kind::closed;
    CHECK(judged().outcome == Outcome::fails);
    CHECK(judged().stage == Stage::finished);
    server.alert = wire::AlertDescription::protocol_version;
    const Verdict refused = judged();
    CHECK(refused.stage == Stage::server_hello);
    CHECK(refused.alert->direction == Direction::received);
    CHECK(refused.alert->alert.description == wire::AlertDescription::protocol_version);
}

TEST_CASE("a silent close is said to be one") {
    Chain chain;
    chain.recipes["leaf"].serial = {0x80, 0x01};
    device::Device device = forge::plain_device();
    device.tolerances["certificate-serial-negative"] = forge::refuse();
    const auto judged = [&] {
        return judge::judge(device, nullptr, chain.files({"leaf", "intermediate"}),
                            forge::usual_question(chain));
    };
    CHECK_FALSE(judged().closes_silently);
    device.responses["refused"].alert.reset();
    CHECK(judged().closes_silently);
    CHECK_FALSE(judged().alert);
    device.responses["refused"].alert_stated = false;
    CHECK_FALSE(judged().closes_silently);
}

// --- in general ---------------------------------------------------------------------------------

TEST_CASE("a certificate beside the path is decoded, and not looked at closer") {
    Chain chain;
    device::Device device = forge::strict_device();
    device.path.order = stated(device::PathOrder::any);
    forge::Recipe& beside = chain.recipes["other-intermediate"];
    beside.not_before = "utc:300101000000Z";
    beside.not_after = "utc:200101000000Z";
    const auto judged = [&] {
        return judge::judge(device, nullptr,
                            chain.files({"leaf", "intermediate", "other-intermediate"}),
                            forge::usual_question(chain));
    };
    CHECK(judged().outcome == Outcome::connects);
    beside.serial = {0x80, 0x01};
    CHECK(decisive_reason(judged())->finding.rule == "certificate-serial-negative");
}

TEST_CASE("the anchor's dates count where the profile says so") {
    Chain chain;
    chain.recipes["root"].not_after = "utc:240101000000Z";
    device::Device device = forge::plain_device();
    const auto outcome = [&] {
        return judge::judge(device, nullptr, chain.files({"leaf", "intermediate"}),
                            forge::usual_question(chain))
            .outcome;
    };
    CHECK(outcome() == Outcome::unknown);
    using device::DatesOf;
    device.validation.dates = stated(std::vector{DatesOf::leaf, DatesOf::intermediates});
    CHECK(outcome() == Outcome::connects);
    device.validation.dates = stated(std::vector{DatesOf::anchor});
    device.tolerances["certificate-expired"] = forge::refuse();
    CHECK(outcome() == Outcome::fails);
}

TEST_CASE("names are not judged without a host, nor where the device compares none") {
    const Chain chain;
    device::Device device = forge::strict_device();
    const auto evidence = chain.files({"leaf", "intermediate"});
    Question question = forge::usual_question(chain);
    question.host = "www.other.example";
    CHECK(judge::judge(device, nullptr, evidence, question).outcome == Outcome::fails);
    device.names.checked = stated(false);
    CHECK(judge::judge(device, nullptr, evidence, question).outcome == Outcome::connects);
    device.names.checked.reset();
    question.host.clear();
    CHECK(judge::judge(device, nullptr, evidence, question).outcome == Outcome::connects);
}

TEST_CASE("the same inputs give the same verdict, and no verdict is without a reason") {
    Chain chain;
    chain.recipes["leaf"].critical["subjectAltName"] = forge::Critical::ff;
    chain.recipes["leaf"].serial = {0x80, 0x01};
    chain.recipes["intermediate"].critical["keyUsage"] = forge::Critical::one;
    const std::vector<std::vector<std::string>> lists{{"leaf", "intermediate"},
                                                      {"leaf"},
                                                      {"unrelated"},
                                                      {"intermediate", "leaf", "root"},
                                                      {"leaf", "intermediate", "cross-root"}};
    for (const auto& names : lists) {
        for (const auto& evidence : {chain.files(names), rules::read(chain.flight(names))}) {
            for (const char* id : all_devices) {
                CAPTURE(id);
                const Question question = with_installed_root(chain);
                const Verdict first = judge_by(id, evidence, question);
                const Verdict second = judge_by(id, evidence, question);
                CHECK(first.outcome == second.outcome);
                CHECK(first.grade == second.grade);
                CHECK(first.alert == second.alert);
                REQUIRE(first.reasons.size() == second.reasons.size());
                for (std::size_t i = 0; i < first.reasons.size(); ++i) {
                    CHECK(first.reasons[i].finding == second.reasons[i].finding);
                    CHECK(first.reasons[i].effect == second.reasons[i].effect);
                }
                CHECK((decisive_reason(first) != nullptr) == (first.outcome != Outcome::connects));
                CHECK(first.device == id);
            }
        }
    }
}

TEST_CASE("every outcome, stage and effect has a name") {
    CHECK(outcome_name(Outcome::unknown) == "unknown");
    CHECK(stage_name(Stage::server_hello) == "server-hello");
    CHECK(stage_name(Stage::application) == "application");
    CHECK(effect_name(Effect::noted) == "noted");
}
