#include "emulator/lab/prediction.h"

#include <catch2/catch.hpp>

#include "emulator/device/load.h"
#include "tests/lab/scripted.h"

using namespace handset;

namespace {

const Time today = *parse_rfc3339("2026-11-21T00:00:00Z");

lab::Observation shown_to_us(const lab::Shown& shown) {
    lab::Exchange exchange = test::exchange_of(shown);
    exchange.receive(forge::client_hello(shown.host));
    REQUIRE(exchange.observation().reached == lab::Reached::flight);
    return exchange.observation();
}

}  // namespace

TEST_CASE("the flight of a connection is what a client would have recorded") {
    const lab::Shown shown = test::shown();
    const lab::Observation seen = shown_to_us(shown);
    const wire::Flight flight = lab::flight_of(seen, shown);
    CHECK(flight.bytes == seen.flight.bytes);
    CHECK(flight.client_hello == seen.flight.client_hello);
    CHECK(flight.ending == wire::Ending::server_hello_done);
    CHECK(flight.continuation.kind == wire::Continuation::Kind::none);
    CHECK_THROWS_AS(lab::flight_of(lab::Observation{}, shown), std::invalid_argument);
}

TEST_CASE("the script has its word where the octets have none") {
    forge::Server silent, closed, alert, later;
    silent.messages.emplace();
    closed.messages.emplace();
    closed.ending = wire::Ending::closed;
    alert.alert = wire::AlertDescription::handshake_failure;
    later.continuation = {
        wire::Continuation::Kind::alert,
        wire::Alert{wire::AlertLevel::fatal, wire::AlertDescription::decrypt_error}, ""};
    for (const auto& [server, ending] :
         {std::pair{silent, wire::Ending::timeout}, std::pair{closed, wire::Ending::closed},
          std::pair{alert, wire::Ending::alert},
          std::pair{later, wire::Ending::server_hello_done}}) {
        const lab::Shown shown = test::shown(server);
        const wire::Flight flight = lab::flight_of(shown_to_us(shown), shown);
        CHECK(flight.ending == ending);
        CHECK(flight.continuation == shown.server.continuation);
    }
}

TEST_CASE("any hello that was shown something can be predicted for") {
    // The longest that the exchange takes, and the shortest.
    wire::ClientHello hello;
    hello.client_version = wire::ProtocolVersion::tls_1_0;
    hello.random = Bytes(32, 1);
    hello.cipher_suites = {test::suite("TLS_RSA_WITH_AES_128_CBC_SHA")};
    hello.compression_methods = {wire::CompressionMethod::null};
    const lab::Shown shown = test::shown();
    for (const std::size_t padding : {0U, 16'000U, 16'334U, 16'335U, 16'336U, 20'000U, 40'000U}) {
        CAPTURE(padding);
        hello.extensions.reset();
        if (padding > 0) {
            hello.extensions = {{wire::ExtensionType{21}, Bytes(padding, 0), 0}};
        }
        const Bytes message = wire::encode(wire::HandshakeMessage{wire::HandshakeType::client_hello,
                                                                  wire::encode(hello), 0, 1, true});
        lab::Exchange exchange = test::exchange_of(shown);
        for (std::size_t at = 0; at < message.size(); at += 10'000) {
            exchange.receive(test::record(
                wire::ContentType::handshake,
                ByteView(message).subspan(at, std::min<std::size_t>(10'000, message.size() - at))));
        }
        const lab::Observation& seen = exchange.observation();
        CHECK((seen.reached == lab::Reached::flight) == (message.size() <= 16'384));
        if (seen.reached != lab::Reached::flight) continue;
        CHECK(lab::flight_of(seen, shown).ending == wire::Ending::server_hello_done);
    }
}

TEST_CASE("the question is the case's: its host, its roots, the client's clock") {
    const lab::Shown shown = test::shown();
    const judge::Question question = lab::question_of(shown, today);
    CHECK(question.host == "mail.example.test");
    CHECK(question.at == today);
    REQUIRE(question.roots);
    REQUIRE(question.roots->size() == 1);
    CHECK(question.roots->front().raw == shown.roots.front());
}

TEST_CASE("outcomes are put in reality's two words") {
    judge::Verdict verdict;
    verdict.outcome = judge::Outcome::connects;
    CHECK(lab::accepts(verdict) == true);
    verdict.outcome = judge::Outcome::fails;
    CHECK(lab::accepts(verdict) == false);
    for (const auto outcome : {judge::Outcome::asks, judge::Outcome::unknown}) {
        verdict.outcome = outcome;
        CHECK(lab::accepts(verdict) == std::nullopt);
    }
}
