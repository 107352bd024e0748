#include "emulator/lab/library.h"

#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "emulator/judge/judge.h"
#include "emulator/lab/prediction.h"
#include "handshake/rules/rule.h"
#include "handshake/session/client.h"
#include "handshake/wire/server_messages.h"
#include "handshake/wire/v2_client_hello.h"
#include "handshake/x509/certificate.h"
#include "tests/lab/scripted.h"
#include "tests/support/process.h"

using namespace handset;
using lab::Shown;
using wire::HandshakeType;

namespace {

const std::filesystem::path folder = std::filesystem::path(HANDSET_SOURCE_DIR) / "cases";
const Time today = *parse_rfc3339("2026-11-21T00:00:00Z");

const std::vector<Shown>& all_cases() {
    static const std::vector<Shown> all = lab::load_cases(folder, today);
    return all;
}

x509::Certificate leaf_of(const Shown& shown) {
    const auto decoded = x509::decode_certificate(shown.chain.at(0));
    REQUIRE(decoded.has_value());
    return *decoded;
}

const Shown& case_of(const std::vector<Shown>& all, std::string_view id) {
    const auto found = std::ranges::find(all, id, &Shown::id);
    REQUIRE(found != all.end());
    return *found;
}

// A folder with one case in it, and the keys.
class OneCase {
public:
    explicit OneCase(const std::string& text) {
        std::filesystem::create_directories(folder_ / "area");
        std::filesystem::create_symlink(folder / "keys", folder_ / "keys");
        test::write_file(folder_ / "area/handshake-not-tls.yaml", text);
    }
    const std::filesystem::path& path() const { return folder_.path(); }

private:
    test::TempDir folder_;
};

// RSA, DHE, ECDHE and ECDSA.
Bytes hello_of_everybody() {
    const Bytes usual = forge::client_hello("mail.example.test");
    auto hello = wire::decode_client_hello(
        ByteView(usual).subspan(wire::record_header_length + std::size_t{4}));
    REQUIRE(hello.has_value());
    hello->cipher_suites.push_back(test::suite("TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"));
    return wire::encode_record(*hello, wire::ProtocolVersion::tls_1_0);
}

Bytes hello_with_tickets() {
    forge::Offered offered;
    offered.extensions.push_back({wire::ExtensionType::session_ticket, {}, 0});
    return forge::client_hello("mail.example.test", offered);
}

// The script with what the exchange filled in, read back from what it sent.
forge::Server filled_in(const Shown& shown, const lab::Observation& seen, forge::Randoms& randoms) {
    forge::Server server = shown.server;
    wire::RecordStream stream;
    stream.feed(seen.flight.bytes);
    server.version = seen.version;
    server.cipher_suite = seen.cipher_suite;
    while (const auto event = stream.next()) {
        if (event->kind != wire::StreamEvent::Kind::handshake) continue;
        const auto& message = event->message;
        if (message.type == HandshakeType::server_hello) {
            const auto hello = wire::decode_server_hello(message.body);
            if (!hello) continue;
            randoms.server = hello->random;
            // What every server answers besides: the points' formats.
            server.extensions.clear();
            for (const auto& extension : hello->extensions.value_or(wire::Extensions{})) {
                if (extension.type != wire::ExtensionType::renegotiation_info) {
                    server.extensions.push_back({extension.type, extension.data, 0});
                }
            }
        }
        if (message.type == HandshakeType::server_key_exchange) {
            const auto* suite = wire::find_cipher_suite(*seen.cipher_suite);
            const auto exchange =
                wire::decode_server_key_exchange(message.body, suite->key_exchange, *seen.version);
            if (!exchange) continue;
            server.signature_scheme = exchange->algorithm;
            if (const auto* dh = std::get_if<wire::DhParams>(&exchange->params)) {
                server.dh_p = dh->dh_p;
                server.dh_ys = dh->dh_ys;
            }
            if (const auto* ecdh = std::get_if<wire::EcdhParams>(&exchange->params)) {
                server.group = ecdh->named_curve;
                server.point = ecdh->public_point;
            }
        }
    }
    return server;
}

}  // namespace

TEST_CASE("every case is shown to a client, octet for octet as its script says") {
    std::size_t shown_whole = 0;
    const Bytes hello = hello_of_everybody();
    for (const Shown& shown : all_cases()) {
        CAPTURE(shown.id);
        lab::Exchange exchange = test::exchange_of(shown);
        exchange.receive(hello);
        const lab::Observation& seen = exchange.observation();
        CHECK(seen.detail == "");
        REQUIRE(seen.reached == lab::Reached::flight);
        CHECK(seen.flight.client_hello == hello);
        CHECK(test::all_output(exchange) == seen.flight.bytes);
        shown_whole += seen.flight_sent_whole ? 1 : 0;
        forge::Randoms randoms{Bytes(32), Bytes(32, 0)};
        for (std::size_t i = 0; i < 32; ++i)
            randoms.client[i] = static_cast<std::uint8_t>(i);  // of forge::client_hello()
        const forge::Server server = filled_in(shown, seen, randoms);
        CHECK(seen.flight.bytes ==
              forge::write_flight(server, shown.chain, forge::load_key(shown.key), randoms));
    }
    CHECK(all_cases().size() > 300);
    CHECK(shown_whole > all_cases().size() * 9 / 10);
}

TEST_CASE("every rule is listed by a case that shows it, but for what no lab can show") {
    const std::map<std::string_view, std::string_view> reasons{
        {"capacity-flight-length", "the lab's flights come to an end"},
        {"handshake-not-played", "what mbed TLS cannot play, the lab cannot either"},
        {"chain-anchor-undetermined",
         "it says that nobody knows a device's roots; a client of the lab knows its own"}};
    std::set<std::string> listed;
    for (const Shown& shown : all_cases()) {
        CAPTURE(shown.id);
        CHECK(std::set(shown.rules.begin(), shown.rules.end()).size() == shown.rules.size());
        listed.insert(shown.rules.begin(), shown.rules.end());
    }
    for (const rules::Rule& rule : rules::catalog()) {
        CAPTURE(rule.id);
        CHECK(listed.erase(std::string(rule.id)) == (reasons.contains(rule.id) ? 0 : 1));
    }
    for (const auto& [rule, reason] : reasons) {
        CAPTURE(rule, reason);
        CHECK(rules::find_rule(rule));
    }
    CHECK(listed.empty());  // all are rules
}

TEST_CASE("a case lists the rules of all that put the same on the wire") {
    using Rules = std::vector<std::string>;
    // Of one case: its own rule, and what that brings along.
    CHECK(case_of(all_cases(), "certificate/certificate-serial-negative").rules ==
          Rules{"certificate-serial-negative"});
    CHECK(case_of(all_cases(), "capacity/capacity-certificate-bytes").rules ==
          Rules{"capacity-certificate-bytes", "key-rsa-large"});
    // Of another one, which is not shown by itself.
    const auto lists = [](std::string_view id, std::string_view rule) {
        return std::ranges::count(case_of(all_cases(), id).rules, rule) == 1;
    };
    CHECK(lists("chain/chain-aia-used--never", "chain-intermediate-missing"));
    CHECK(lists("extension/extension-eku-lacks-server-auth--absent", "extension-eku-missing"));
    // At the boundary nothing is found, and without a rule there is none to list.
    const Shown& boundary = case_of(all_cases(), "key/key-dh-large--just-fits");
    CHECK(boundary.rule == "key-dh-large");
    CHECK(boundary.rules.empty());
    CHECK_FALSE(lists(lab::correct_case, "chain-anchor-missing"));
}

TEST_CASE("what the octets decide of a case's rules is found in what a client was shown") {
    std::size_t found_some = 0;
    for (const Shown& shown : all_cases()) {
        CAPTURE(shown.id);
        std::set<std::string_view> found;
        for (const Bytes& hello : {hello_of_everybody(), hello_with_tickets()}) {
            lab::Exchange exchange = test::exchange_of(shown);
            exchange.receive(hello);
            const auto evidence = rules::read(lab::flight_of(exchange.observation(), shown));
            for (const rules::Finding& finding : evidence.findings)
                found.insert(rules::find_rule(finding.rule)->id);
        }
        for (const std::string& rule : shown.rules) {
            CAPTURE(rule);
            if (rules::find_rule(rule)->check == nullptr) continue;
            CHECK(found.contains(rule));
            ++found_some;
        }
    }
    CHECK(found_some > 100);
}

TEST_CASE("every case is survived by clients of other times") {
    wire::V2ClientHello v2;
    v2.version = wire::ProtocolVersion::tls_1_0;
    v2.cipher_specs = {0x010080, 0x00002f, 0x000004};
    v2.challenge = Bytes(16, 1);
    std::size_t shown_to_old = 0;
    for (const Shown& shown : all_cases()) {
        CAPTURE(shown.id);
        for (const Bytes& hello : {test::old_hello(), wire::encode(v2)}) {
            lab::Exchange exchange = test::exchange_of(shown);
            exchange.receive(hello);
            const lab::Observation& seen = exchange.observation();
            CHECK(seen.reached >= lab::Reached::hello);
            // Only what such a client cannot be shown is not: it offers RSA and nothing else.
            if (seen.reached == lab::Reached::hello) {
                CHECK(seen.detail.starts_with("the client offers no suite with "));
            } else {
                ++shown_to_old;
            }
        }
    }
    CHECK(shown_to_old > all_cases().size());
}

TEST_CASE("cases have ids and virtual hosts of their own, in labels that DNS takes") {
    std::set<std::string> ids;
    std::set<std::string> hosts;
    for (const Shown& shown : all_cases()) {
        CAPTURE(shown.id);
        CHECK(ids.insert(shown.id).second);
        const std::string host = lab::virtual_host(shown, "lab.test");
        CAPTURE(host);
        CHECK(hosts.insert(host).second);
        REQUIRE(host.ends_with(".lab.test"));
        const std::string label = host.substr(0, host.size() - std::string(".lab.test").size());
        CHECK(!label.empty());
        CHECK(label.size() <= 63);
        CHECK(label.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") ==
              std::string::npos);
        CHECK_FALSE((label.starts_with('-') || label.ends_with('-')));
        CHECK(std::filesystem::exists(shown.key));
        CHECK_FALSE(shown.about.empty());
    }
    // Long ids and strange ones.
    Shown one, other;
    one.id = std::string(70, 'a') + "/x";
    other.id = std::string(70, 'a') + "/y";
    CHECK(lab::virtual_host(one, "lab.test") != lab::virtual_host(other, "lab.test"));
    CHECK(lab::virtual_host(one, "lab.test") == lab::virtual_host(one, "lab.test"));
    CHECK(lab::virtual_host(one, "lab.test").find('.') <= 63);
    one.id = "name/name-ip--v6";
    CHECK(lab::virtual_host(one, "lab.test") == "name-name-ip-v6.lab.test");
}

TEST_CASE("the same time, the same octets; another time, other dates") {
    const std::vector<Shown> again = lab::load_cases(folder, today);
    REQUIRE(again.size() == all_cases().size());
    const std::vector<Shown> then = lab::load_cases(folder, *parse_rfc3339("2007-09-02T00:00:00Z"));
    std::size_t moved = 0;
    for (std::size_t i = 0; i < again.size(); ++i) {
        CAPTURE(again[i].id);
        CHECK(again[i].chain == all_cases()[i].chain);
        CHECK(again[i].roots == all_cases()[i].roots);
        CHECK(again[i].server == all_cases()[i].server);
    }
    for (const Shown& shown : then) {
        const auto now = std::ranges::find(all_cases(), shown.id, &Shown::id);
        moved += now != all_cases().end() && now->chain != shown.chain ? 1 : 0;
    }
    CHECK(moved > all_cases().size() * 9 / 10);
}

TEST_CASE("dates move with the clock, but never out of the years of UTCTime") {
    const OneCase one(R"(rule: handshake-not-tls
about: Dates of all kinds.
certificates:
  leaf: {not_before: "utc:250101000000Z", not_after: "gen:20260601120000Z"}
  intermediate: {not_before: "utc:500101000000Z", not_after: "utc:491231235959Z"}
question: {at: "2025-06-01T00:00:00Z"}
expect: {found: false, outcome: connects}
)");
    const auto dates = [&](const char* at) {
        const std::vector<Shown> made = lab::load_cases(one.path(), *parse_rfc3339(at));
        REQUIRE(made.size() == 1);
        const auto intermediate = x509::decode_certificate(made[0].chain.at(1));
        REQUIRE(intermediate.has_value());
        const x509::Certificate leaf = leaf_of(made[0]);
        return std::array{to_rfc3339(leaf.validity.not_before.value.value()),
                          to_rfc3339(leaf.validity.not_after.value.value()),
                          to_rfc3339(intermediate->validity.not_before.value.value()),
                          to_rfc3339(intermediate->validity.not_after.value.value())};
    };
    using Dates = std::array<std::string, 4>;
    CHECK(dates("2025-06-01T00:00:00Z") == Dates{"2025-01-01T00:00:00Z", "2026-06-01T12:00:00Z",
                                                 "1950-01-01T00:00:00Z", "2049-12-31T23:59:59Z"});
    // One day on: what stood at the last second stays there.
    CHECK(dates("2025-06-02T00:00:00Z") == Dates{"2025-01-02T00:00:00Z", "2026-06-02T12:00:00Z",
                                                 "1950-01-02T00:00:00Z", "2049-12-31T23:59:59Z"});
    CHECK(dates("2025-05-31T00:00:00Z") == Dates{"2024-12-31T00:00:00Z", "2026-05-31T12:00:00Z",
                                                 "1950-01-01T00:00:00Z", "2049-12-30T23:59:59Z"});
    // So far that nothing could be moved.
    CHECK(dates("2225-06-01T00:00:00Z") == dates("2025-06-01T00:00:00Z"));
    CHECK(dates("0001-01-01T00:00:00Z") == dates("2025-06-01T00:00:00Z"));
}

TEST_CASE("a case whose octets are another's is shown once, what cannot be played never") {
    std::set<std::string> files;
    for (const auto& file : forge::find_cases(folder))
        files.insert(std::filesystem::relative(file, folder).replace_extension().generic_string());
    for (const Shown& shown : all_cases()) {
        CHECK(files.contains(shown.id));
        CHECK(shown.server.continuation.kind != wire::Continuation::Kind::unplayable);
        CHECK(shown.server.offered == forge::Offered{});
    }
    CHECK(files.size() > all_cases().size());
    for (std::size_t i = 0; i < all_cases().size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            const Shown &a = all_cases()[i], &b = all_cases()[j];
            const bool same = a.chain == b.chain && a.host == b.host && a.server == b.server &&
                              a.roots == b.roots && a.key == b.key;
            if (same) FAIL(a.id << " is " << b.id);
        }
    }
}

TEST_CASE("a case stands for those with its octets, and for no other") {
    std::set<std::string> others;
    for (const auto& file : forge::find_cases(folder)) {
        if (forge::load_case(file).server.value_or(forge::Server{}).continuation.kind !=
            wire::Continuation::Kind::unplayable) {
            others.insert(
                std::filesystem::relative(file, folder).replace_extension().generic_string());
        }
    }
    std::size_t compared = 0;
    for (const lab::Outline& outline : lab::outline_cases(folder, today)) {
        CAPTURE(outline.shown.id);
        CHECK(outline.shown.chain.empty());
        CHECK(others.erase(outline.shown.id) == 1);
        const Shown made = lab::make_case(outline);
        CHECK(made.chain == case_of(all_cases(), made.id).chain);
        for (const std::string& id : outline.stands_for) {
            CAPTURE(id);
            CHECK(others.erase(id) == 1);
            // Made without the first one beside it.
            const OneCase alone(to_text(test::read_file(folder / (id + ".yaml"))));
            const std::vector<Shown> twin = lab::load_cases(alone.path(), today);
            REQUIRE(twin.size() == 1);
            CHECK(twin[0].host == made.host);
            CHECK(twin[0].chain == made.chain);
            CHECK(twin[0].roots == made.roots);
            CHECK(twin[0].key.filename() == made.key.filename());
            CHECK(twin[0].server == made.server);
            ++compared;
        }
    }
    CHECK(others.empty());
    CHECK(compared > 100);
}

TEST_CASE("faults of a folder of cases name the file") {
    const auto complaint = [](const std::string& text) {
        const OneCase one(text);
        try {
            lab::load_cases(one.path(), today);
        } catch (const forge::ForgeError& error) {
            return std::string(error.what());
        }
        return std::string("none");
    };
    const std::string head = "rule: handshake-not-tls\nabout: A.\n";
    const std::string end = "expect: {found: false, outcome: connects}\n";
    CHECK(complaint(head + end) == "none");
    CHECK(complaint("[").find("handshake-not-tls.yaml") != std::string::npos);
    CHECK(complaint(head + "question: {at: yesterday}\n" + end).find("handshake-not-tls.yaml") !=
          std::string::npos);
    CHECK(complaint(head + "chain: [nobody]\n" + end).find("handshake-not-tls.yaml") !=
          std::string::npos);
    CHECK(complaint(head + "certificates: {leaf: {key: missing}}\n" + end)
              .find("handshake-not-tls.yaml") != std::string::npos);
}

TEST_CASE("virtual hosts: names and certificates end in the case's own domain") {
    std::vector<Shown> named;
    for (const lab::Outline& outline : lab::outline_cases(folder, today, "lab.test"))
        named.push_back(lab::make_case(outline));
    CHECK(named.size() == all_cases().size());
    std::set<std::string> hosts;
    for (const Shown& shown : named) {
        CAPTURE(shown.id);
        const Shown& usual = case_of(all_cases(), shown.id);
        CHECK(shown.rule == usual.rule);
        CHECK(shown.rules == usual.rules);
        CHECK(shown.chain.size() == usual.chain.size());
        if (usual.host.find("example.test") == std::string::npos) continue;
        CHECK(shown.host.find("example.test") == std::string::npos);
        CHECK(shown.host.find(".lab.test") != std::string::npos);
        CHECK(hosts.insert(shown.host).second);
    }
    CHECK(hosts.size() > named.size() * 9 / 10);
    const Shown& plain = case_of(named, "certificate/certificate-serial-negative");
    CHECK(plain.host == "mail.certificate-certificate-serial-negative.lab.test");
    const x509::Certificate leaf = leaf_of(plain);
    CHECK(to_text(leaf.raw).find("mail.certificate-certificate-serial-negative.lab.test") !=
          std::string::npos);
    CHECK(to_text(leaf.raw).find("example.test") == std::string::npos);
}
