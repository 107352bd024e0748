#include "emulator/lab/exchange.h"

#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <random>

#include "handshake/crypto/digest.h"
#include "handshake/session/client.h"
#include "handshake/wire/server_messages.h"
#include "handshake/wire/v2_client_hello.h"
#include "tests/lab/scripted.h"
#include "tests/support/client_records.h"

using namespace handset;
using lab::End;
using lab::Exchange;
using lab::Reached;
using test::all_output;
using test::exchange_of;
using test::old_hello;
using test::record;
using test::shown;
using test::suite;
using wire::AlertDescription;
using wire::AlertLevel;
using wire::ContentType;
using wire::HandshakeType;
using wire::ProtocolVersion;
using Kind = wire::Continuation::Kind;

namespace {

int any_random(void*, unsigned char* to, std::size_t length) {
    static std::mt19937 generator;
    for (std::size_t i = 0; i < length; ++i)
        to[i] = static_cast<unsigned char>(generator());
    return 0;
}

// mbed TLS's own client, fed from memory: it finishes, asks, and reads the answer. Neither chain
// nor name is its business.
class Client {
public:
    explicit Client(ProtocolVersion version, std::optional<wire::CipherSuite> only = std::nullopt) {
        mbedtls_ssl_init(&ssl_);
        mbedtls_ssl_config_init(&config_);
        REQUIRE(mbedtls_ssl_config_defaults(&config_, MBEDTLS_SSL_IS_CLIENT,
                                            MBEDTLS_SSL_TRANSPORT_STREAM,
                                            MBEDTLS_SSL_PRESET_DEFAULT) == 0);
        mbedtls_ssl_conf_rng(&config_, any_random, nullptr);
        mbedtls_ssl_conf_authmode(&config_, MBEDTLS_SSL_VERIFY_NONE);
        mbedtls_ssl_conf_min_version(&config_, 3, 1);
        mbedtls_ssl_conf_max_version(&config_, 3, static_cast<int>(version) & 0xff);
        mbedtls_ssl_conf_arc4_support(&config_, MBEDTLS_SSL_ARC4_ENABLED);
        mbedtls_ssl_conf_dhm_min_bitlen(&config_, 512);
        if (only) {
            suites_[0] = static_cast<int>(*only);
            mbedtls_ssl_conf_ciphersuites(&config_, suites_);
        }
        REQUIRE(mbedtls_ssl_setup(&ssl_, &config_) == 0);
        REQUIRE(mbedtls_ssl_set_hostname(&ssl_, "mail.example.test") == 0);
        mbedtls_ssl_set_bio(
            &ssl_, this,
            [](void* self, const unsigned char* from, std::size_t length) {
                append(static_cast<Client*>(self)->output_, ByteView(from, length));
                return static_cast<int>(length);
            },
            [](void* self, unsigned char* to, std::size_t length) {
                Bytes& input = static_cast<Client*>(self)->input_;
                if (input.empty()) return MBEDTLS_ERR_SSL_WANT_READ;
                const std::size_t taken = std::min(length, input.size());
                std::memcpy(to, input.data(), taken);
                input.erase(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(taken));
                return static_cast<int>(taken);
            },
            nullptr);
    }
    ~Client() {
        mbedtls_ssl_free(&ssl_);
        mbedtls_ssl_config_free(&config_);
    }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    Bytes answer(ByteView octets) {
        append(input_, octets);
        if (status_ == MBEDTLS_ERR_SSL_WANT_READ && !is_over()) {
            status_ = mbedtls_ssl_handshake(&ssl_);
            if (status_ == 0) {
                const std::string_view request = "GET / HTTP/1.0\r\n\r\n";
                for (std::size_t sent = 0; sent < request.size();) {  // TLS 1.0 splits (BEAST)
                    const int length = mbedtls_ssl_write(
                        &ssl_, reinterpret_cast<const unsigned char*>(request.data()) + sent,
                        request.size() - sent);
                    REQUIRE(length > 0);
                    sent += static_cast<std::size_t>(length);
                }
            }
        }
        if (is_over()) {
            unsigned char some[512];
            while ((status_ = mbedtls_ssl_read(&ssl_, some, sizeof some)) > 0)
                append(response_, ByteView(some, static_cast<std::size_t>(status_)));
        }
        return std::exchange(output_, {});
    }
    bool is_over() const { return ssl_.state == MBEDTLS_SSL_HANDSHAKE_OVER; }
    int status() const { return status_; }
    std::string response() const { return to_text(response_); }

private:
    mbedtls_ssl_context ssl_;
    mbedtls_ssl_config config_;
    int suites_[2] = {0, 0};
    Bytes input_;
    Bytes output_;
    Bytes response_;
    int status_ = MBEDTLS_ERR_SSL_WANT_READ;
};

void feed(Exchange& exchange, ByteView octets, std::size_t piece = 1 << 20) {
    for (std::size_t at = 0; at < octets.size(); at += piece)
        exchange.receive(octets.subspan(at, std::min(piece, octets.size() - at)));
}

// Until neither side has anything to say.
void play(Client& client, Exchange& exchange, std::size_t piece = 1 << 20) {
    Bytes from_server;
    for (int turn = 0; turn < 20; ++turn) {
        const Bytes from_client = client.answer(from_server);
        feed(exchange, from_client, piece);
        from_server = all_output(exchange);
        if (from_client.empty() && from_server.empty()) return;
    }
    FAIL("there is no end to it");
}

// The whole handshake by a client of ours; its last word is close_notify.
lab::Observation played(const lab::Shown& shows, Bytes hello, std::size_t piece = 1 << 20) {
    Exchange exchange = exchange_of(shows);
    session::Client client(std::move(hello));
    for (int turn = 0; turn < 10; ++turn) {
        const Bytes octets = client.take_output();
        feed(exchange, octets, piece);
        const Bytes answer = all_output(exchange);
        client.receive(answer);
        if (client.flight_over()) client.proceed();
        if (octets.empty() && answer.empty()) break;
    }
    exchange.ended(End::closed);
    lab::Observation seen = exchange.observation();
    seen.flight.continuation = client.flight().continuation;  // as the client saw it
    return seen;
}

const wire::HandshakeMessage* find(const std::vector<wire::HandshakeMessage>& messages,
                                   HandshakeType type) {
    const auto found = std::ranges::find(messages, type, &wire::HandshakeMessage::type);
    return found == messages.end() ? nullptr : &*found;
}
std::vector<wire::HandshakeMessage> messages_of(ByteView flight) {
    wire::RecordStream stream;
    stream.feed(flight);
    std::vector<wire::HandshakeMessage> messages;
    while (auto event = stream.next()) {
        if (event->kind == wire::StreamEvent::Kind::handshake) {
            messages.push_back(std::move(event->message));
        }
    }
    return messages;
}

// A client that holds the keys and can say anything under them. RSA key exchange, TLS 1.0.
class Intimate {
public:
    explicit Intimate(const lab::Shown& shows, lab::ExchangeLimits limits = {})
        : exchange(exchange_of(shows, limits)) {
        const Bytes hello = old_hello();
        exchange.receive(hello);
        all_output(exchange);
        REQUIRE(exchange.observation().reached == Reached::flight);
        transcript_ = to_bytes(ByteView(hello).subspan(wire::record_header_length));
        const auto messages = messages_of(exchange.observation().flight.bytes);
        for (const auto& message : messages)
            append(transcript_, wire::encode(message));
        Bytes premaster(48, 9);
        premaster[0] = 3;
        premaster[1] = 1;
        const auto server_hello =
            wire::decode_server_hello(find(messages, HandshakeType::server_hello)->body);
        REQUIRE(server_hello.has_value());
        records.emplace(ProtocolVersion::tls_1_0, server_hello->cipher_suite, premaster,
                        Bytes(32, 0xc1), server_hello->random);
        const Bytes key_exchange = wire::encode(wire::HandshakeMessage{
            HandshakeType::client_key_exchange,
            Writer().vector16(encrypted(premaster, shows.key)).take(), 0, 1, true});
        append(transcript_, key_exchange);
        exchange.receive(record(ContentType::handshake, key_exchange));
        exchange.receive(record(ContentType::change_cipher_spec, Bytes{1}));
        REQUIRE(exchange.observation().reached == Reached::client_key_exchange);
    }

    Bytes finished() const {
        Bytes hash = crypto::digest(crypto::HashAlgorithm::md5, transcript_).value();
        append(hash, crypto::digest(crypto::HashAlgorithm::sha1, transcript_).value());
        return wire::encode(wire::HandshakeMessage{
            HandshakeType::finished, records->verify_data("client finished", hash), 0, 1, true});
    }
    void say(ContentType type, ByteView plaintext) {
        exchange.receive(records->seal(type, plaintext));
    }
    void alert(AlertDescription description, AlertLevel level = AlertLevel::fatal) {
        say(ContentType::alert, wire::encode(wire::Alert{level, description}));
    }
    // The alert that the server sent under its keys, behind what else it sent.
    std::optional<wire::Alert> answer() {
        from_server_.feed(all_output(exchange));
        std::optional<wire::Alert> alert;
        while (const auto event = from_server_.next()) {
            if (event->kind == wire::StreamEvent::Kind::alert) alert = event->alert;
            if (event->kind != wire::StreamEvent::Kind::other) continue;
            const auto plaintext = records->open(event->record);
            REQUIRE(plaintext);
            if (event->record.type == ContentType::alert) {
                alert = wire::decode_alert(*plaintext).value();
            }
        }
        return alert;
    }
    const lab::Observation& seen() const { return exchange.observation(); }

    Exchange exchange;
    std::optional<test::ClientRecords> records;

private:
    static Bytes encrypted(ByteView secret, const std::filesystem::path& key_file) {
        mbedtls_pk_context key;
        mbedtls_pk_init(&key);
        REQUIRE(mbedtls_pk_parse_keyfile(&key, key_file.c_str(), nullptr) == 0);
        Bytes out(1024);
        std::size_t length = 0;
        REQUIRE(mbedtls_pk_encrypt(&key, secret.data(), secret.size(), out.data(), &length,
                                   out.size(), any_random, nullptr) == 0);
        mbedtls_pk_free(&key);
        out.resize(length);
        return out;
    }

    Bytes transcript_;
    wire::RecordStream from_server_;
};

forge::Server continued(Kind kind) {
    forge::Server server;
    server.continuation.kind = kind;
    if (kind == Kind::alert) {
        server.continuation.alert = {AlertLevel::fatal, AlertDescription::decrypt_error};
    }
    return server;
}

}  // namespace

TEST_CASE("mbed TLS's client sends its request under every cipher, key exchange and version") {
    const lab::Shown rsa = shown();
    const lab::Shown ec = shown({}, "ec256");
    struct Row {
        const lab::Shown& shows;
        ProtocolVersion version;
        int suite;
    };
    std::vector<Row> rows;
    for (const auto version :
         {ProtocolVersion::tls_1_0, ProtocolVersion::tls_1_1, ProtocolVersion::tls_1_2}) {
        // RSA, DHE and ECDHE with RC4, 3DES and AES.
        for (const int suite : {0x0004, 0x0005, 0x000a, 0x002f, 0x0035, 0x0016, 0x0033, 0x0039,
                                0xc011, 0xc012, 0xc013, 0xc014}) {
            rows.push_back({rsa, version, suite});
        }
        for (const int suite : {0xc007, 0xc008, 0xc009, 0xc00a})
            rows.push_back({ec, version, suite});
    }
    for (const int suite : {0x003c, 0x003d, 0x009c, 0x009d, 0x0067, 0x006b, 0x009e, 0x009f, 0xc027,
                            0xc028, 0xc02f, 0xc030}) {
        rows.push_back({rsa, ProtocolVersion::tls_1_2, suite});
    }
    for (const int suite : {0xc023, 0xc024, 0xc02b, 0xc02c})
        rows.push_back({ec, ProtocolVersion::tls_1_2, suite});

    for (const Row& row : rows) {
        const auto name = static_cast<wire::CipherSuite>(row.suite);
        CAPTURE(wire::name_of(row.version), wire::name_of(name));
        Exchange exchange = exchange_of(row.shows);
        Client client(row.version, name);
        play(client, exchange);
        const lab::Observation& seen = exchange.observation();
        CHECK(seen.detail == "");
        CHECK(seen.reached == Reached::request);
        CHECK(seen.can_finish);
        CHECK(seen.flight_sent_whole);
        CHECK(seen.cipher_suite == name);
        CHECK(seen.version == row.version);
        CHECK(seen.case_id == "test/scripted");
        CHECK(seen.sni == "mail.example.test");
        CHECK(lab::accepted(seen) == true);
        CHECK(exchange.wish() == Exchange::Wish::close);
        CHECK(client.response().starts_with("HTTP/1.0 200 OK\r\n"));
        CHECK(client.response().ends_with("\r\n\r\nhandset lab: test/scripted\n"));
        CHECK(client.status() == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
    }
}

TEST_CASE("a client with everything on offer gets what both sides play best") {
    const lab::Shown shows = shown();
    for (const auto& [version, name] :
         {std::pair{ProtocolVersion::tls_1_0, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"},
          std::pair{ProtocolVersion::tls_1_2, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"}}) {
        Exchange exchange = exchange_of(shows);
        Client client(version);
        play(client, exchange);
        CHECK(exchange.observation().reached == Reached::request);
        CHECK(wire::name_of(*exchange.observation().cipher_suite) == name);
    }
}

TEST_CASE("a client of ours finishes, in TLS and in SSLv2 framing") {
    const lab::Shown shows = shown();
    for (const auto version :
         {ProtocolVersion::tls_1_0, ProtocolVersion::tls_1_1, ProtocolVersion::tls_1_2}) {
        CAPTURE(wire::name_of(version));
        wire::V2ClientHello v2;
        v2.version = version;
        v2.cipher_specs = {0x010080, 0x00002f, 0x000004};
        for (const std::size_t challenge : {16U, 32U}) {
            v2.challenge = Bytes(challenge, 0x77);
            const lab::Observation seen = played(shows, wire::encode(v2), 5);
            CHECK(seen.flight.continuation == wire::Continuation{Kind::finished, {}, ""});
            CHECK(seen.reached == Reached::finished);
            CHECK(seen.flight.client_hello == wire::encode(v2));
            CHECK(seen.version == version);
            CHECK(seen.alerts ==
                  std::vector<lab::ClientAlert>{
                      {{AlertLevel::warning, AlertDescription::close_notify}, true}});
        }
        const lab::Observation seen = played(shows, old_hello(version), 5);
        CHECK(seen.flight.continuation.kind == Kind::finished);
        CHECK(seen.reached == Reached::finished);
        CHECK(seen.flight.client_hello == old_hello(version));
        CHECK(seen.sni == "");
    }
}

TEST_CASE("key shares of a script are used, and made-up ones are owned up to") {
    for (const std::size_t bits : {512U, 768U, 1000U, 1024U, 2048U}) {
        CAPTURE(bits);
        forge::Server server;
        server.dh_bits = bits;
        const lab::Observation seen =
            played(shown(server), forge::client_hello("mail.example.test"));
        CHECK(seen.flight.continuation.kind == Kind::finished);
        CHECK(seen.reached == Reached::finished);
        const auto messages = messages_of(seen.flight.bytes);
        const auto exchange = wire::decode_server_key_exchange(
            find(messages, HandshakeType::server_key_exchange)->body,
            wire::find_cipher_suite(*seen.cipher_suite)->key_exchange, *seen.version);
        REQUIRE(exchange.has_value());
        const auto& params = std::get<wire::DhParams>(exchange->params);
        CHECK(params.dh_p.size() == (bits + 7) / 8);
    }
    for (const char* name : {"secp256r1", "secp384r1", "secp521r1"}) {
        CAPTURE(name);
        forge::Server server;
        server.group = wire::named_group_from_name(name);
        CHECK(played(shown(server), forge::client_hello("mail.example.test")).reached ==
              Reached::finished);
    }
    forge::Server made_up;
    made_up.group = wire::named_group_from_name("secp256r1");
    made_up.point = Bytes(65, 4);
    forge::Server deflating;
    deflating.compression = wire::CompressionMethod::deflate;
    forge::Server unknown;
    unknown.cipher_suite = suite("TLS_RSA_WITH_DES_CBC_SHA");
    forge::Server newer;
    newer.version = ProtocolVersion::tls_1_3;
    for (const auto& server : {made_up, deflating, unknown, newer}) {
        const lab::Shown shows = shown(server);
        Exchange exchange = exchange_of(shows);
        exchange.receive(forge::client_hello("mail.example.test"));
        CHECK(exchange.observation().reached == Reached::flight);
        CHECK(exchange.observation().flight_sent_whole);
        CHECK_FALSE(exchange.observation().can_finish);
        all_output(exchange);
        // One that goes on all the same is told, and the log says it.
        exchange.receive(record(ContentType::handshake, wire::encode(wire::HandshakeMessage{
                                                            HandshakeType::client_key_exchange,
                                                            Bytes(130, 0), 0, 1, true})));
        CHECK(exchange.observation().reached == Reached::client_key_exchange);
        CHECK(exchange.observation().detail.find("no key for this flight") != std::string::npos);
        CHECK(exchange.wish() == Exchange::Wish::close);
        CHECK(lab::accepted(exchange.observation()) == true);
    }
}

TEST_CASE("what the server does after the client's Finished is the script's") {
    struct Row {
        Kind kind;
        Kind seen_by_client;
        End end;
        Exchange::Wish wish;
    };
    for (const Row& row : {Row{Kind::none, Kind::finished, End::closed, Exchange::Wish::read},
                           Row{Kind::alert, Kind::alert, End::server, Exchange::Wish::close},
                           Row{Kind::closed, Kind::none, End::server, Exchange::Wish::close},
                           Row{Kind::timeout, Kind::none, End::closed, Exchange::Wish::read},
                           Row{Kind::failed, Kind::failed, End::closed, Exchange::Wish::read}}) {
        CAPTURE(static_cast<int>(row.kind));
        const lab::Observation seen = played(shown(continued(row.kind)), old_hello());
        CHECK(seen.flight.continuation.kind == row.seen_by_client);
        if (row.kind == Kind::alert) {
            CHECK(seen.flight.continuation.alert ==
                  wire::Alert{AlertLevel::fatal, AlertDescription::decrypt_error});
        }
        CHECK(seen.reached == Reached::finished);
        CHECK(seen.end == row.end);
        // Whoever reads a wrong Finished says so: under the keys.
        const bool complained = std::ranges::any_of(seen.alerts, [](const lab::ClientAlert& alert) {
            return alert.encrypted && alert.alert.level == AlertLevel::fatal;
        });
        CHECK(complained == (row.kind == Kind::failed));
    }
    // What it wishes then, before the client has closed.
    for (const Kind kind : {Kind::alert, Kind::closed}) {
        Intimate client(shown(continued(kind)));
        client.say(ContentType::handshake, client.finished());
        CHECK(client.exchange.wish() == Exchange::Wish::close);
        CHECK(client.seen().reached == Reached::finished);
        // The client's last words count.
        client.alert(AlertDescription::internal_error);
        CHECK(client.seen().alerts ==
              std::vector<lab::ClientAlert>{
                  {{AlertLevel::fatal, AlertDescription::internal_error}, true}});
    }
}

TEST_CASE("a flight may go out in any records and pieces") {
    forge::Server split, tiny, together, empty, pieces;
    split.split = 512;
    tiny.split = 1;
    together.together = true;
    empty.empty_record = true;
    pieces.piece = 100;
    pieces.pause_ms = 7;
    for (const auto& server : {split, tiny, together, empty, pieces}) {
        const lab::Shown shows = shown(server);
        CHECK(played(shows, old_hello()).reached == Reached::finished);
        // mbed TLS takes messages in one record each, and no empty ones.
        if (server.split > 0 || server.empty_record) continue;
        Exchange exchange = exchange_of(shows);
        Client client(ProtocolVersion::tls_1_2);
        play(client, exchange, 3);
        CHECK(exchange.observation().reached == Reached::request);
        CHECK(lab::accepted(exchange.observation()) == true);
    }
    const lab::Shown shows = shown(pieces);
    Exchange exchange = exchange_of(shows);
    exchange.receive(old_hello());
    Bytes all;
    while (const auto output = exchange.next_output()) {
        CHECK(output->pause == std::chrono::milliseconds(7));
        CHECK(output->octets.size() <= 100);
        append(all, output->octets);
    }
    CHECK(all == exchange.observation().flight.bytes);
}

TEST_CASE("a client that is asked for a certificate may have none") {
    forge::Server server;
    server.messages = {{HandshakeType::server_hello, {}},
                       {HandshakeType::certificate, {}},
                       {HandshakeType::certificate_request, {}},
                       {HandshakeType::server_hello_done, {}}};
    server.authorities = 3;
    for (const auto version : {ProtocolVersion::tls_1_0, ProtocolVersion::tls_1_2}) {
        const lab::Shown shows = shown(server);
        CHECK(played(shows, old_hello(version)).reached == Reached::finished);
        Exchange exchange = exchange_of(shows);
        Client client(version);
        play(client, exchange);
        CHECK(exchange.observation().reached == Reached::request);
        // The script lists no ServerKeyExchange, so the suite is one without.
        CHECK(wire::find_cipher_suite(*exchange.observation().cipher_suite)->key_exchange ==
              wire::KeyExchange::rsa);
    }
}

TEST_CASE("a session ticket that was agreed on is owed, and sent without contents") {
    forge::Server server;
    server.extensions.push_back({wire::ExtensionType::session_ticket, {}, 0});
    const lab::Shown shows = shown(server);
    // mbed TLS offers the extension and insists on the message.
    Exchange exchange = exchange_of(shows);
    Client client(ProtocolVersion::tls_1_2);
    play(client, exchange);
    CHECK(exchange.observation().reached == Reached::request);
    // Who did not offer it is not sent one: the extension alone is the fault.
    CHECK(played(shows, old_hello()).flight.bytes.size() > 0);
    Intimate other(shows);
    other.say(ContentType::handshake, other.finished());
    CHECK(messages_of(all_output(other.exchange)).empty());
}

TEST_CASE("extensions that would change the keys are not pretended to be played") {
    using wire::ExtensionType;
    for (const auto type :
         {ExtensionType::extended_master_secret, ExtensionType::encrypt_then_mac}) {
        forge::Server server;
        server.extensions.push_back({type, {}, 0});
        const lab::Shown shows = shown(server);
        forge::Offered offered;
        offered.extensions.push_back({type, {}, 0});
        Exchange agreed = exchange_of(shows);
        agreed.receive(forge::client_hello("mail.example.test", offered));
        CHECK_FALSE(agreed.observation().can_finish);
        Exchange unsolicited = exchange_of(shows);
        unsolicited.receive(forge::client_hello("mail.example.test"));
        CHECK(unsolicited.observation().can_finish);
    }
}

TEST_CASE("an alert in place of the flight, and endings by the script") {
    forge::Server alert, closed, reset, silent, raw;
    alert.alert = AlertDescription::handshake_failure;
    closed.messages.emplace();
    closed.ending = wire::Ending::closed;
    reset.ending = wire::Ending::reset;
    silent.messages.emplace();
    silent.ending = wire::Ending::timeout;
    raw.raw = to_bytes(view_of("HTTP/1.1 400 Bad Request\r\n"));
    struct Row {
        const forge::Server& server;
        Exchange::Wish wish;
        End end;
    };
    for (const Row& row : {Row{alert, Exchange::Wish::close, End::server},
                           Row{closed, Exchange::Wish::close, End::server},
                           Row{reset, Exchange::Wish::reset, End::server},
                           Row{silent, Exchange::Wish::read, End::closed},
                           Row{raw, Exchange::Wish::read, End::closed}}) {
        const lab::Shown shows = shown(row.server);
        Exchange exchange = exchange_of(shows);
        exchange.receive(old_hello());
        CHECK(all_output(exchange) == exchange.observation().flight.bytes);
        CHECK(exchange.wish() == row.wish);
        CHECK_FALSE((exchange.observation().can_finish && row.end == End::server &&
                     row.wish == Exchange::Wish::close));
        exchange.receive(record(ContentType::alert, Bytes{2, 40}));
        CHECK(exchange.observation().alerts.size() == 1);
        exchange.ended(End::closed);
        CHECK(exchange.observation().end == row.end);
        CHECK(lab::accepted(exchange.observation()) == false);
    }
    const lab::Shown shows = shown(alert);
    Exchange exchange = exchange_of(shows);
    exchange.receive(old_hello());
    CHECK(to_hex(all_output(exchange)) == "15030100020228");
}

TEST_CASE("alerts are recorded, in the clear and under the keys") {
    const lab::Shown shows = shown();
    for (const std::size_t piece : {std::size_t{1}, std::size_t{1} << 20}) {
        Exchange exchange = exchange_of(shows);
        Bytes octets = old_hello();
        append(octets, record(ContentType::alert, Bytes{1, 90, 2, 42}));
        feed(exchange, octets, piece);
        exchange.ended(End::reset);
        const lab::Observation& seen = exchange.observation();
        CHECK(seen.reached == Reached::flight);
        CHECK(seen.end == End::reset);
        REQUIRE(seen.alerts.size() == 2);
        CHECK(seen.alerts[0] ==
              lab::ClientAlert{{AlertLevel::warning, AlertDescription::user_canceled}, false});
        CHECK(seen.stopped_with() == &seen.alerts[0]);
        CHECK(seen.alerts[1] ==
              lab::ClientAlert{{AlertLevel::fatal, AlertDescription::bad_certificate}, false});
        CHECK(lab::accepted(seen) == false);
    }
    // Instead of a Finished, right behind ChangeCipherSpec.
    Intimate client(shows);
    client.alert(AlertDescription::close_notify, AlertLevel::warning);
    CHECK(client.seen().stopped_with() == nullptr);
    CHECK(lab::accepted(client.seen()) == std::nullopt);
    client.alert(AlertDescription::certificate_unknown);
    REQUIRE(client.seen().alerts.size() == 2);
    CHECK(client.seen().alerts[1].encrypted);
    CHECK(client.seen().stopped_with()->alert.description == AlertDescription::certificate_unknown);
    CHECK(client.seen().reached == Reached::client_key_exchange);
    CHECK(lab::accepted(client.seen()) == false);
}

TEST_CASE("a request counts from a client that has finished, and from no other") {
    const lab::Shown shows = shown();
    {
        Intimate client(shows);
        client.say(ContentType::application_data, view_of("GET /"));
        CHECK(client.seen().reached == Reached::client_key_exchange);
        CHECK(client.answer() ==
              wire::Alert{AlertLevel::fatal, AlertDescription::unexpected_message});
        CHECK(client.exchange.wish() == Exchange::Wish::close);
    }
    {
        Intimate client(shows);
        client.say(ContentType::handshake, client.finished());
        CHECK(client.seen().reached == Reached::finished);
        CHECK(client.answer() == std::nullopt);
        // An empty record is no request: TLS 1.0 clients send one against BEAST.
        client.say(ContentType::application_data, {});
        CHECK(client.seen().reached == Reached::finished);
        client.say(ContentType::application_data, view_of("G"));
        CHECK(client.seen().reached == Reached::request);
        CHECK(client.answer() == wire::Alert{AlertLevel::warning, AlertDescription::close_notify});
        client.say(ContentType::application_data, view_of("ET / HTTP/1.0\r\n\r\n"));
        CHECK(all_output(client.exchange).empty());  // one answer
        CHECK(client.seen().end == End::closed);
    }
    {
        // A False Start against a server that stays silent.
        Intimate client(shown(continued(Kind::timeout)));
        client.say(ContentType::handshake, client.finished());
        client.say(ContentType::application_data, view_of("GET /"));
        CHECK(client.seen().reached == Reached::request);
        CHECK(all_output(client.exchange).empty());
    }
}

TEST_CASE("a Finished is its whole message") {
    const lab::Shown shows = shown();
    const Bytes finished = Intimate(shows).finished();
    REQUIRE(finished.size() == 16);
    for (std::size_t at = 0; at < finished.size(); ++at) {
        CAPTURE(at);
        Intimate client(shows);
        Bytes changed = client.finished();
        changed[at] ^= 1;
        client.say(ContentType::handshake, changed);
        CHECK(client.seen().reached == Reached::client_key_exchange);
        CHECK(client.answer() == wire::Alert{AlertLevel::fatal, AlertDescription::decrypt_error});
    }
    {
        Intimate client(shows);  // in three records
        const Bytes whole = client.finished();
        for (const auto& [from, length] :
             {std::pair{0U, 3U}, std::pair{3U, 10U}, std::pair{13U, 3U}})
            client.say(ContentType::handshake, ByteView(whole).subspan(from, length));
        CHECK(client.seen().reached == Reached::finished);
    }
    {
        Intimate client(shows);  // and more behind it
        Bytes longer = client.finished();
        longer.push_back(0);
        client.say(ContentType::handshake, longer);
        CHECK(client.seen().reached == Reached::client_key_exchange);
    }
    {
        Intimate client(shows);  // a renegotiation is not answered
        client.say(ContentType::handshake, client.finished());
        all_output(client.exchange);
        client.say(ContentType::handshake, Bytes{1, 0, 0, 0});
        CHECK(client.seen().reached == Reached::finished);
        CHECK(all_output(client.exchange).empty());
    }
}

TEST_CASE("after its own Finished the server complains under its keys") {
    Intimate client(shown());
    client.say(ContentType::handshake, client.finished());
    CHECK(client.answer() == std::nullopt);
    client.exchange.receive(record(ContentType::application_data, Bytes(64, 7)));
    CHECK(client.answer() == wire::Alert{AlertLevel::fatal, AlertDescription::bad_record_mac});
    CHECK(client.seen().reached == Reached::finished);
    CHECK(client.exchange.wish() == Exchange::Wish::close);
}

TEST_CASE("what is no ClientHello is answered with an alert and a reason") {
    const lab::Shown shows = shown();
    struct Row {
        Bytes octets;
        std::string_view detail;
    };
    const Bytes hello = old_hello();
    Bytes broken = hello;
    broken[9 + 2 + 32] = 0xff;  // the session identifier's length
    for (const Row& row :
         {Row{to_bytes(view_of("GET / HTTP/1.0\r\n\r\n")), "a plain HTTP request"},
          Row{Bytes(100, 0), "unknown content type"}, Row{Bytes(5, 0xff), "unknown content type"},
          Row{record(ContentType::alert, Bytes{2, 40}), "an alert in place of a ClientHello"},
          Row{record(ContentType::alert, Bytes{2}), "not a number of alerts"},
          Row{record(ContentType::handshake, Bytes{2, 0, 0, 0}), "not a ClientHello"},
          Row{record(ContentType::change_cipher_spec, Bytes{1}), "not a ClientHello"},
          Row{record(ContentType::application_data, Bytes{1}), "not a ClientHello"},
          Row{broken, "session_id"}, Row{Bytes{0x80, 0x0b, 1, 3, 1, 0, 2, 0, 0, 0, 0, 0, 0}, ""}}) {
        CAPTURE(to_hex(row.octets));
        for (const std::size_t piece : {std::size_t{1}, std::size_t{100}}) {
            Exchange exchange = exchange_of(shows);
            feed(exchange, row.octets, piece);
            const lab::Observation& seen = exchange.observation();
            CHECK(seen.detail.find(row.detail) != std::string::npos);
            CHECK_FALSE(seen.detail.empty());
            CHECK(seen.reached == Reached::nothing);
            CHECK(seen.case_id.empty());
            CHECK(exchange.wish() == Exchange::Wish::close);
            CHECK(to_hex(all_output(exchange)) == "15030100020232");  // decode_error
            CHECK(lab::accepted(seen) == std::nullopt);
        }
    }
    // What is cut short is waited for.
    for (std::size_t length = 0; length < hello.size(); ++length) {
        Exchange exchange = exchange_of(shows);
        exchange.receive(ByteView(hello).first(length));
        CHECK_FALSE(exchange.next_output());
        CHECK(exchange.wish() == Exchange::Wish::read);
        exchange.ended(End::timeout);
        CHECK(exchange.observation().reached == Reached::nothing);
        CHECK(exchange.observation().end == End::timeout);
    }
}

TEST_CASE("a client that the case cannot be shown to is told so") {
    forge::Server dhe;
    dhe.dh_bits = 1024;
    struct Row {
        lab::Shown shows;
        Bytes hello;
        std::string_view detail;
    };
    for (const Row& row :
         {Row{shown(), old_hello(ProtocolVersion::ssl_3_0), "SSL 3.0"},
          Row{shown(), old_hello(ProtocolVersion::tls_1_0, {}), "no suite"},
          Row{shown(), old_hello(ProtocolVersion::tls_1_0, {suite("TLS_RSA_WITH_DES_CBC_SHA")}),
              "no suite"},
          Row{shown({}, "ec256"), old_hello(), "ECDHE_ECDSA"},
          Row{shown(dhe), old_hello(), "DHE"}}) {
        Exchange exchange = exchange_of(row.shows);
        exchange.receive(row.hello);
        CHECK(exchange.observation().reached == Reached::hello);
        CHECK(exchange.observation().detail.find(row.detail) != std::string::npos);
        CHECK(to_hex(all_output(exchange)).starts_with("1503"));
        CHECK(lab::accepted(exchange.observation()) == std::nullopt);
    }
    Exchange nobody([](const std::string&) { return nullptr; });
    nobody.receive(forge::client_hello("unknown.example.test"));
    CHECK(nobody.observation().reached == Reached::hello);
    CHECK(nobody.observation().sni == "unknown.example.test");
    CHECK(to_hex(all_output(nobody)) == "15030100020270");  // unrecognized_name
}

TEST_CASE("trouble of ours ends the connection, not the program") {
    lab::Shown no_key = shown();
    no_key.key = test::keys_folder() / "missing.pem";
    Exchange first = exchange_of(no_key);
    first.receive(old_hello());
    CHECK(to_hex(all_output(first)) == "15030100020250");  // internal_error
    CHECK(first.observation().detail.find("missing.pem") != std::string::npos);
    // Thrown by somebody else.
    Exchange second(
        [](const std::string&) -> const lab::Shown* { throw std::runtime_error("no idea"); });
    second.receive(old_hello());
    CHECK(to_hex(all_output(second)) == "15030100020250");
    CHECK(second.observation().detail == "no idea");
    CHECK(second.wish() == Exchange::Wish::close);
    second.receive(old_hello());
    CHECK(all_output(second).empty());
}

TEST_CASE("limits hold against clients that do not stop") {
    const lab::Shown shows = shown();
    const auto at_limit = [](const Exchange& exchange) {
        return exchange.observation().end == End::limit && exchange.wish() == Exchange::Wish::close;
    };
    SECTION("a hello in records of one octet each") {
        Exchange exchange = exchange_of(shows);
        Bytes octets;
        const Bytes hello = wire::encode(
            wire::HandshakeMessage{HandshakeType::client_hello, Bytes(30'000, 0), 0, 1, true});
        for (const std::uint8_t octet : hello)
            append(octets, record(ContentType::handshake, Bytes{octet}));
        feed(exchange, octets, 6);
        CHECK(at_limit(exchange));
        CHECK(exchange.observation().reached == Reached::nothing);
    }
    SECTION("an SSLv2 hello that never comes to its end") {
        Exchange exchange = exchange_of(shows, {1000, 2000, 10});
        exchange.receive(Bytes{0xff, 0xff, 1, 3, 1});
        for (int i = 0; i < 200; ++i)
            exchange.receive(Bytes(5, 0));
        CHECK(at_limit(exchange));
    }
    SECTION("a hello that fits no record") {
        wire::ClientHello hello;
        hello.client_version = ProtocolVersion::tls_1_0;
        hello.random = Bytes(32, 1);
        hello.cipher_suites = {suite("TLS_RSA_WITH_AES_128_CBC_SHA")};
        hello.compression_methods = {wire::CompressionMethod::null};
        hello.extensions = {{wire::ExtensionType{21}, Bytes(20'000, 0), 0}};
        const Bytes message = wire::encode(
            wire::HandshakeMessage{HandshakeType::client_hello, wire::encode(hello), 0, 1, true});
        Exchange exchange = exchange_of(shows);
        exchange.receive(record(ContentType::handshake, ByteView(message).first(16'384)));
        exchange.receive(record(ContentType::handshake, ByteView(message).subspan(16'384)));
        CHECK(at_limit(exchange));
        CHECK(exchange.observation().flight.client_hello.empty());
    }
    SECTION("alerts") {
        Exchange exchange = exchange_of(shows);
        exchange.receive(old_hello());
        Bytes many;
        for (int i = 0; i < 8000; ++i)
            append(many, Bytes{1, 90});
        exchange.receive(record(ContentType::alert, many));
        CHECK(at_limit(exchange));
        exchange.receive(record(ContentType::alert, many));
        CHECK(exchange.observation().alerts.size() == 100);
    }
    SECTION("handshake messages without end") {
        Exchange exchange = exchange_of(shows);
        exchange.receive(old_hello());
        const Bytes some = record(ContentType::handshake, Bytes(16'384, 0));
        for (int i = 0; i < 40; ++i)
            exchange.receive(some);
        CHECK(at_limit(exchange));
    }
    SECTION("a message that is never whole") {
        Exchange exchange = exchange_of(shows);
        exchange.receive(old_hello());
        Bytes start{16, 0xff, 0xff, 0xff};
        start.resize(16'384);
        for (int i = 0; i < 40; ++i)
            exchange.receive(record(ContentType::handshake, start));
        CHECK(at_limit(exchange));
    }
    SECTION("application data") {
        Intimate client(shows);
        client.say(ContentType::handshake, client.finished());
        for (int i = 0; i < 40; ++i)
            client.say(ContentType::application_data, Bytes(16'000, 'x'));
        CHECK(at_limit(client.exchange));
        CHECK(client.seen().reached == Reached::request);
        CHECK(all_output(client.exchange).size() < 1000);
        CHECK(lab::accepted(client.seen()) == true);
    }
    SECTION("octets under no keys") {
        Exchange exchange = exchange_of(shows);
        exchange.receive(old_hello());
        exchange.receive(record(ContentType::change_cipher_spec, Bytes{1}));
        for (int i = 0; i < 40; ++i)
            exchange.receive(record(ContentType::application_data, Bytes(16'000, 'x')));
        CHECK(at_limit(exchange));
        CHECK(exchange.observation().reached == Reached::flight);
    }
}

TEST_CASE("key exchanges that are none are refused with decrypt_error") {
    forge::Server dhe, ecdhe;
    dhe.dh_bits = 512;
    ecdhe.group = wire::named_group_from_name("secp256r1");
    const Bytes hello = forge::client_hello("mail.example.test");
    for (const auto& [server, own_hello] :
         {std::pair{forge::Server{}, old_hello()}, std::pair{ecdhe, hello}}) {
        const lab::Shown shows = shown(server);
        for (const Bytes& body :
             {Bytes{}, Bytes{0}, Bytes{0, 0}, Bytes{0xff, 0xff}, Bytes(300, 0), Bytes(66, 4)}) {
            CAPTURE(to_hex(body));
            Exchange exchange = exchange_of(shows);
            exchange.receive(own_hello);
            all_output(exchange);
            exchange.receive(record(ContentType::handshake,
                                    wire::encode(wire::HandshakeMessage{
                                        HandshakeType::client_key_exchange, body, 0, 1, true})));
            CHECK(exchange.observation().reached == Reached::client_key_exchange);
            CHECK(to_hex(all_output(exchange)).ends_with("00020233"));
            CHECK(exchange.wish() == Exchange::Wish::close);
        }
    }
    // In a group any number is one; what comes of it opens nothing.
    const lab::Shown shows = shown(dhe);
    for (const Bytes& body : {Bytes{}, Bytes{0, 0}, Bytes{0, 1, 0}, Bytes{0, 1, 1}}) {
        Exchange exchange = exchange_of(shows);
        exchange.receive(hello);
        all_output(exchange);
        exchange.receive(record(ContentType::handshake,
                                wire::encode(wire::HandshakeMessage{
                                    HandshakeType::client_key_exchange, body, 0, 1, true})));
        exchange.receive(record(ContentType::change_cipher_spec, Bytes{1}));
        exchange.receive(record(ContentType::handshake, Bytes(64, 1)));
        CHECK(exchange.observation().reached == Reached::client_key_exchange);
        CHECK(to_hex(all_output(exchange)).ends_with("00020214"));  // bad_record_mac
    }
}
