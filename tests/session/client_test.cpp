#include "handshake/session/client.h"

#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ticket.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <random>

#include "handshake/base/writer.h"
#include "handshake/wire/client_hello.h"
#include "handshake/wire/server_messages.h"
#include "handshake/wire/v2_client_hello.h"
#include "tests/support/process.h"

using namespace handset;
using session::Client;
using wire::Ending;
using wire::ProtocolVersion;
using Kind = wire::Continuation::Kind;

namespace {

int any_random(void*, unsigned char* to, std::size_t length) {
    static std::mt19937 generator;
    for (std::size_t i = 0; i < length; ++i)
        to[i] = static_cast<unsigned char>(generator());
    return 0;
}

struct KeyPair {
    mbedtls_x509_crt certificate;
    mbedtls_pk_context key;

    explicit KeyPair(std::vector<std::string> key_options) {
        mbedtls_x509_crt_init(&certificate);
        mbedtls_pk_init(&key);
        const test::TempDir folder;
        const std::string file = (folder / "c.pem").string();
        const std::string key_file = (folder / "k.pem").string();
        std::vector<std::string> command{"openssl", "req",  "-x509", "-nodes",  "-subj",
                                         "/CN=t",   "-out", file,    "-keyout", key_file};
        command.insert(command.end(), key_options.begin(), key_options.end());
        test::run(command);
        REQUIRE(mbedtls_x509_crt_parse_file(&certificate, file.c_str()) == 0);
        REQUIRE(mbedtls_pk_parse_keyfile(&key, key_file.c_str(), nullptr) == 0);
    }
    ~KeyPair() {
        mbedtls_x509_crt_free(&certificate);
        mbedtls_pk_free(&key);
    }
    KeyPair(const KeyPair&) = delete;
    KeyPair& operator=(const KeyPair&) = delete;
};

KeyPair& rsa() {
    static KeyPair pair({"-newkey", "rsa:1024"});
    return pair;
}
KeyPair& ec() {
    static KeyPair pair({"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"});
    return pair;
}

struct ServerOptions {
    ProtocolVersion version = ProtocolVersion::tls_1_0;
    std::uint16_t suite = 0x002f;
    bool use_ec_key = false;
    bool ask_for_certificate = false;
    bool tickets = false;
    const char** alpn = nullptr;
};

// mbed TLS's own server, fed from memory.
class Server {
public:
    explicit Server(const ServerOptions& options) : suites_{options.suite, 0} {
        mbedtls_ssl_init(&ssl_);
        mbedtls_ssl_config_init(&config_);
        mbedtls_ssl_ticket_init(&tickets_);
        REQUIRE(mbedtls_ssl_config_defaults(&config_, MBEDTLS_SSL_IS_SERVER,
                                            MBEDTLS_SSL_TRANSPORT_STREAM,
                                            MBEDTLS_SSL_PRESET_DEFAULT) == 0);
        KeyPair& pair = options.use_ec_key ? ec() : rsa();
        const int minor = static_cast<int>(options.version) & 0xff;
        static const int hashes[] = {MBEDTLS_MD_SHA256, MBEDTLS_MD_SHA1, MBEDTLS_MD_NONE};
        mbedtls_ssl_conf_rng(&config_, any_random, nullptr);
        mbedtls_ssl_conf_min_version(&config_, 3, 1);
        mbedtls_ssl_conf_max_version(&config_, 3, minor);
        mbedtls_ssl_conf_ciphersuites(&config_, suites_);
        mbedtls_ssl_conf_arc4_support(&config_, MBEDTLS_SSL_ARC4_ENABLED);
        mbedtls_ssl_conf_sig_hashes(&config_, hashes);
        mbedtls_ssl_conf_authmode(&config_, options.ask_for_certificate
                                                ? MBEDTLS_SSL_VERIFY_OPTIONAL
                                                : MBEDTLS_SSL_VERIFY_NONE);
        if (options.tickets) {
            REQUIRE(mbedtls_ssl_ticket_setup(&tickets_, any_random, nullptr,
                                             MBEDTLS_CIPHER_AES_256_GCM, 3600) == 0);
            mbedtls_ssl_conf_session_tickets_cb(&config_, mbedtls_ssl_ticket_write,
                                                mbedtls_ssl_ticket_parse, &tickets_);
        }
        if (options.alpn) REQUIRE(mbedtls_ssl_conf_alpn_protocols(&config_, options.alpn) == 0);
        REQUIRE(mbedtls_ssl_conf_own_cert(&config_, &pair.certificate, &pair.key) == 0);
        REQUIRE(mbedtls_ssl_setup(&ssl_, &config_) == 0);
        mbedtls_ssl_set_bio(
            &ssl_, this,
            [](void* self, const unsigned char* from, std::size_t length) {
                append(static_cast<Server*>(self)->output_, ByteView(from, length));
                return static_cast<int>(length);
            },
            [](void* self, unsigned char* to, std::size_t length) {
                Bytes& input = static_cast<Server*>(self)->input_;
                if (input.empty()) return MBEDTLS_ERR_SSL_WANT_READ;
                const std::size_t taken = std::min(length, input.size());
                std::memcpy(to, input.data(), taken);
                input.erase(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(taken));
                return static_cast<int>(taken);
            },
            nullptr);
    }
    ~Server() {
        mbedtls_ssl_free(&ssl_);
        mbedtls_ssl_config_free(&config_);
        mbedtls_ssl_ticket_free(&tickets_);
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // What it answers to these octets.
    Bytes answer(ByteView octets) {
        append(input_, octets);
        if (status_ == 0 || status_ == MBEDTLS_ERR_SSL_WANT_READ) {
            status_ =
                over() ? mbedtls_ssl_read(&ssl_, &application_, 1) : mbedtls_ssl_handshake(&ssl_);
            if (status_ == 0 && over()) status_ = mbedtls_ssl_read(&ssl_, &application_, 1);
        }
        return std::exchange(output_, {});
    }
    bool over() const { return ssl_.state == MBEDTLS_SSL_HANDSHAKE_OVER; }
    int status() const { return status_; }

private:
    mbedtls_ssl_context ssl_;
    mbedtls_ssl_config config_;
    mbedtls_ssl_ticket_context tickets_;
    int suites_[2];
    Bytes input_;
    Bytes output_;
    int status_ = 0;
    unsigned char application_ = 0;
};

wire::ClientHello hello_for(ProtocolVersion version, std::uint16_t suite) {
    wire::ClientHello hello;
    hello.client_version = version;
    hello.random = Bytes(32, 0x5a);
    hello.cipher_suites = {wire::CipherSuite{suite}};
    hello.compression_methods = {wire::CompressionMethod::null};
    if (suite >= 0xc000) {  // mbed TLS's server wants these for elliptic curves
        hello.extensions = {
            {wire::ExtensionType::supported_groups,
             wire::encode_supported_groups({wire::NamedGroup{23}, wire::NamedGroup{29}}), 0},
            {wire::ExtensionType::ec_point_formats, wire::encode_ec_point_formats({0}), 0}};
    }
    return hello;
}

wire::Extensions modern_extensions() {
    using wire::ExtensionType;
    return {
        {ExtensionType::renegotiation_info, {0}, 0},
        {ExtensionType::supported_groups,
         wire::encode_supported_groups({wire::NamedGroup{23}, wire::NamedGroup{29}}), 0},
        {ExtensionType::ec_point_formats, wire::encode_ec_point_formats({0}), 0},
        {ExtensionType::signature_algorithms,
         wire::encode_signature_algorithms(
             {wire::SignatureScheme{0x0403}, wire::SignatureScheme{0x0401},
              wire::SignatureScheme{0x0201}, wire::SignatureScheme{0x0203}}),
         0},
        {ExtensionType::application_layer_protocol_negotiation, wire::encode_alpn({"http/1.1"}), 0},
        {ExtensionType::encrypt_then_mac, {}, 0},
        {ExtensionType::extended_master_secret, {}, 0},
        {ExtensionType::session_ticket, {}, 0}};
}

Bytes record_of(const wire::ClientHello& hello) {
    return wire::encode_record(hello, ProtocolVersion::tls_1_0);
}

void give(Client& client, ByteView octets, std::size_t piece) {
    for (std::size_t at = 0; at < octets.size(); at += piece) {
        client.receive(octets.subspan(at, std::min(piece, octets.size() - at)));
    }
}

// Plays both sides to the end; the flight passes through `change`.
void play(Client& client, Server& server, std::size_t piece = 1 << 20,
          const std::function<Bytes(Bytes)>& change = {}) {
    Bytes flight = server.answer(client.take_output());
    if (change) flight = change(std::move(flight));
    give(client, flight, piece);
    if (client.flight_over()) client.proceed();
    for (int round = 0; round < 10 && !client.done(); ++round) {
        give(client, server.answer(client.take_output()), piece);
    }
    server.answer(client.take_output());
}

// The handshake octets of plaintext records, without the records.
Bytes handshake_octets(ByteView records) {
    Bytes out;
    while (!records.empty()) {
        const std::size_t length = std::size_t{records[3]} << 8 | records[4];
        append(out, records.subspan(5, length));
        records = records.subspan(5 + length);
    }
    return out;
}
Bytes frame(ByteView handshake, ProtocolVersion version, std::size_t fragment) {
    Bytes out;
    for (std::size_t at = 0; at < handshake.size(); at += fragment) {
        const ByteView part = handshake.subspan(at, std::min(fragment, handshake.size() - at));
        append(out, wire::encode(
                        wire::Record{wire::ContentType::handshake, version, to_bytes(part), 0}));
    }
    return out;
}
Bytes message(wire::HandshakeType type, ByteView body) {
    wire::HandshakeMessage out;
    out.type = type;
    out.body = to_bytes(body);
    return wire::encode(out);
}
Bytes alert_record(wire::AlertLevel level, wire::AlertDescription description) {
    return wire::encode(wire::Record{wire::ContentType::alert, ProtocolVersion::tls_1_0,
                                     wire::encode(wire::Alert{level, description}), 0});
}

wire::ServerHello server_hello(ProtocolVersion version, std::uint16_t suite) {
    wire::ServerHello hello;
    hello.server_version = version;
    hello.random = Bytes(32, 1);
    hello.cipher_suite = wire::CipherSuite{suite};
    return hello;
}

// A flight of ServerHello and ServerHelloDone alone.
Bytes bare_flight(ProtocolVersion version, std::uint16_t suite) {
    Bytes octets =
        message(wire::HandshakeType::server_hello, wire::encode(server_hello(version, suite)));
    append(octets, message(wire::HandshakeType::server_hello_done, {}));
    return frame(octets, version, 1 << 14);
}

}  // namespace

TEST_CASE("handshakes finish in every version and key exchange that mbed TLS has") {
    struct Row {
        ProtocolVersion version;
        std::uint16_t suite;
        bool ec = false;
    };
    std::vector<Row> rows;
    for (const auto version :
         {ProtocolVersion::tls_1_0, ProtocolVersion::tls_1_1, ProtocolVersion::tls_1_2}) {
        // RC4-MD5, RC4, 3DES, AES of RSA; 3DES and AES of DHE; RC4, 3DES and AES of ECDHE.
        for (const int suite : {0x0004, 0x0005, 0x000a, 0x002f, 0x0035, 0x0016, 0x0033, 0x0039,
                                0xc011, 0xc012, 0xc013}) {
            rows.push_back({version, static_cast<std::uint16_t>(suite)});
        }
        // ECDHE_ECDSA and static ECDH_ECDSA.
        rows.push_back({version, 0xc009, true});
        rows.push_back({version, 0xc004, true});
    }
    for (const int suite : {0x003d, 0x009c, 0x009d, 0x009e, 0xc027, 0xc02f, 0xcca8}) {
        rows.push_back({ProtocolVersion::tls_1_2, static_cast<std::uint16_t>(suite)});
    }
    rows.push_back({ProtocolVersion::tls_1_2, 0xc02b, true});

    for (const Row& row : rows) {
        CAPTURE(wire::name_of(row.version), wire::name_of(wire::CipherSuite{row.suite}));
        Server server({row.version, row.suite, row.ec});
        Client client(record_of(hello_for(row.version, row.suite)));
        play(client, server);
        CHECK(client.flight().ending == Ending::server_hello_done);
        CHECK(client.flight().continuation.detail == "");
        CHECK(client.flight().continuation.kind == Kind::finished);
        CHECK(client.done());
        CHECK(server.over());
        CHECK(server.status() == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
    }
}

TEST_CASE("the extensions that change the computation are honoured when both sides have them") {
    const char* protocols[] = {"http/1.1", nullptr};
    for (const auto version : {ProtocolVersion::tls_1_0, ProtocolVersion::tls_1_2}) {
        for (const std::uint16_t suite : {std::uint16_t{0x002f}, std::uint16_t{0xc013}}) {
            ServerOptions options{version, suite};
            options.tickets = true;
            options.alpn = protocols;
            Server server(options);
            auto hello = hello_for(version, suite);
            hello.extensions = modern_extensions();
            Client client(record_of(hello));
            play(client, server);
            CHECK(client.flight().continuation == wire::Continuation{Kind::finished, {}, ""});
            CHECK(server.status() == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY);
        }
    }
}

TEST_CASE("a server that asks for a certificate gets an empty one") {
    for (const auto version : {ProtocolVersion::tls_1_0, ProtocolVersion::tls_1_2}) {
        ServerOptions options{version, 0x0035};
        options.ask_for_certificate = true;
        Server server(options);
        Client client(record_of(hello_for(version, 0x0035)));
        play(client, server);
        CHECK(client.flight().continuation.kind == Kind::finished);
        CHECK(server.over());
    }
}

TEST_CASE("the server may cut its octets into records and pieces as it likes") {
    const auto version = ProtocolVersion::tls_1_1;
    for (const std::size_t fragment : {1U, 7U, 100U, 16384U}) {
        for (const std::size_t piece : {1U, 13U, 1U << 20}) {
            CAPTURE(fragment, piece);
            Server server({version, 0x0033});
            Client client(record_of(hello_for(version, 0x0033)));
            Bytes sent;
            play(client, server, piece, [&](const Bytes& flight) {
                return sent = frame(handshake_octets(flight), version, fragment);
            });
            CHECK(client.flight().continuation.kind == Kind::finished);
            // Byte for byte, and not an octet of what came after.
            CHECK(client.flight().bytes == sent);
            CHECK(client.messages_seen() == 4);
        }
    }
}

TEST_CASE("a certificate that mbed TLS would refuse is no obstacle") {
    mbedtls_x509_crt& certificate = rsa().certificate;
    const Bytes before(certificate.raw.p, certificate.raw.p + certificate.raw.len);
    // version: v3 becomes v255.
    const Bytes version_3 = *from_hex("a003020102");
    auto* const place = std::search(certificate.raw.p, certificate.raw.p + certificate.raw.len,
                                    version_3.begin(), version_3.end());
    REQUIRE(place != certificate.raw.p + certificate.raw.len);
    place[4] = 0x7e;
    mbedtls_x509_crt refused;
    mbedtls_x509_crt_init(&refused);
    CHECK(mbedtls_x509_crt_parse_der(&refused, certificate.raw.p, certificate.raw.len) != 0);
    mbedtls_x509_crt_free(&refused);

    Server server({ProtocolVersion::tls_1_0, 0x002f});
    Client client(record_of(hello_for(ProtocolVersion::tls_1_0, 0x002f)));
    play(client, server);
    CHECK(client.flight().continuation.kind == Kind::finished);
    std::copy(before.begin(), before.end(), certificate.raw.p);
}

TEST_CASE("a bad signature over ServerKeyExchange is told from a lacking engine") {
    for (const auto version : {ProtocolVersion::tls_1_0, ProtocolVersion::tls_1_2}) {
        for (const bool use_ec_key : {false, true}) {
            const std::uint16_t suite = use_ec_key ? 0xc009 : 0xc013;
            Server server({version, suite, use_ec_key});
            Client client(record_of(hello_for(version, suite)));
            play(client, server, 1 << 20, [&](const Bytes& flight) {
                Bytes octets = handshake_octets(flight);
                REQUIRE(octets.size() > 100);
                octets[octets.size() - 4 - 3] ^= 1;  // before ServerHelloDone
                return frame(octets, version, 1 << 14);
            });
            CHECK(client.flight().continuation.kind == Kind::failed);
            CHECK(client.flight().continuation.detail.find("signature over ServerKeyExchange") !=
                  std::string::npos);
            // The server heard why.
            CHECK(server.status() == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE);
        }
    }
}

TEST_CASE("what the engine lacks is named") {
    const struct {
        ProtocolVersion version;
        std::uint16_t suite;
        const char* detail;
    } rows[] = {
        {ProtocolVersion::tls_1_0, 0x0003, "mbed TLS lacks TLS_RSA_EXPORT_WITH_RC4_40_MD5"},
        {ProtocolVersion::tls_1_0, 0x0009, "mbed TLS lacks TLS_RSA_WITH_DES_CBC_SHA"},
        {ProtocolVersion::tls_1_0, 0x0032, "mbed TLS lacks TLS_DHE_DSS_WITH_AES_128_CBC_SHA"},
        {ProtocolVersion::tls_1_0, 0x008c, "mbed TLS lacks TLS_PSK_WITH_AES_128_CBC_SHA"},
        {ProtocolVersion::tls_1_0, 0x009c,
         "mbed TLS lacks TLS_RSA_WITH_AES_128_GCM_SHA256 in TLS 1.0"},
        {ProtocolVersion::ssl_3_0, 0x0005, "mbed TLS lacks SSL 3.0"},
    };
    for (const auto& row : rows) {
        Client client(record_of(hello_for(row.version, row.suite)));
        client.receive(bare_flight(row.version, row.suite));
        REQUIRE(client.flight().ending == Ending::server_hello_done);
        CHECK_FALSE(client.done());
        client.proceed();
        CHECK(client.flight().continuation.kind == Kind::unplayable);
        CHECK(client.flight().continuation.detail == row.detail);
        CHECK(client.done());
    }
}

TEST_CASE("flights that no client could finish fail with a reason") {
    const auto outcome = [](Bytes flight) {
        Client client(record_of(hello_for(ProtocolVersion::tls_1_0, 0x002f)));
        client.receive(flight);
        REQUIRE(client.flight().ending == Ending::server_hello_done);
        client.proceed();
        CHECK(client.done());
        return client.flight().continuation;
    };
    CHECK(outcome(bare_flight(ProtocolVersion::tls_1_0, 0x002f)).kind == Kind::failed);
    CHECK(outcome(bare_flight(ProtocolVersion::tls_1_2, 0x002f)).detail ==
          "TLS 1.2 was not offered");
    CHECK(outcome(frame(message(wire::HandshakeType::server_hello_done, {}),
                        ProtocolVersion::tls_1_0, 100))
              .detail == "no ServerHello");
    Bytes twice = handshake_octets(bare_flight(ProtocolVersion::tls_1_0, 0x002f));
    Bytes swapped(twice.end() - 4, twice.end());
    twice.insert(twice.begin(), twice.begin(), twice.end() - 4);
    CHECK(outcome(frame(twice, ProtocolVersion::tls_1_0, 100)).kind == Kind::failed);
}

TEST_CASE("the server's answer after the flight is the outcome") {
    const auto start = [](Client& client, Server& server) {
        client.receive(server.answer(client.take_output()));
        REQUIRE(client.flight().ending == Ending::server_hello_done);
        client.proceed();
        REQUIRE_FALSE(client.take_output().empty());
        REQUIRE_FALSE(client.done());
    };
    Server server({});
    Client client(record_of(hello_for(ProtocolVersion::tls_1_0, 0x002f)));
    start(client, server);
    const auto before = client.flight();
    SECTION("an alert") {
        client.receive(
            alert_record(wire::AlertLevel::fatal, wire::AlertDescription::handshake_failure));
        CHECK(client.flight().continuation ==
              wire::Continuation{
                  Kind::alert,
                  wire::Alert{wire::AlertLevel::fatal, wire::AlertDescription::handshake_failure},
                  ""});
    }
    SECTION("close_notify") {
        client.receive(
            alert_record(wire::AlertLevel::warning, wire::AlertDescription::close_notify));
        CHECK(client.flight().continuation.kind == Kind::alert);
    }
    SECTION("the end of the stream") {
        client.transport_ended(Ending::reset, "connection reset");
        CHECK(client.flight().continuation ==
              wire::Continuation{Kind::closed, std::nullopt, "connection reset"});
    }
    SECTION("silence") {
        client.transport_ended(Ending::timeout, "10 s of silence");
        CHECK(client.flight().continuation.kind == Kind::timeout);
    }
    SECTION("rubbish") {
        client.receive(view_of("HTTP/1.0 400 Bad Request\r\n"));
        CHECK(client.flight().continuation.kind == Kind::failed);
    }
    SECTION("warnings without end") {
        const Bytes warning =
            alert_record(wire::AlertLevel::warning, wire::AlertDescription::unrecognized_name);
        for (int i = 0; i < 1'000'000 && !client.done(); ++i)
            client.receive(warning);
        CHECK(client.flight().continuation.kind == Kind::failed);
    }
    CHECK(client.done());
    CHECK(client.flight().bytes == before.bytes);
    CHECK(client.flight().ending == Ending::server_hello_done);
}

TEST_CASE("refuse queues the alert in the version of the connection") {
    Server server({});
    Client client(record_of(hello_for(ProtocolVersion::tls_1_2, 0x002f)));
    SECTION("before the server has spoken") {
        client.take_output();
        client.refuse(wire::Alert{wire::AlertLevel::fatal, wire::AlertDescription::user_canceled});
        CHECK(to_hex(client.take_output()) == "1503010002025a");
    }
    SECTION("after the flight") {
        const Bytes flight = server.answer(client.take_output());
        client.receive(flight);
        client.refuse(wire::Alert{wire::AlertLevel::fatal, wire::AlertDescription::unknown_ca});
        const Bytes out = client.take_output();
        CHECK(to_hex(out) == "15030100020230");
        server.answer(out);
        CHECK(server.status() == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE);
    }
    SECTION("in the middle of it") {
        const Bytes flight = server.answer(client.take_output());
        client.receive(ByteView(flight).first(flight.size() - 1));
        CHECK(client.messages_seen() == 2);
        client.refuse(std::nullopt);
        CHECK(client.take_output().empty());
        CHECK(client.flight().ending == Ending::ongoing);
    }
    CHECK(client.done());
    CHECK(client.flight().continuation.kind == Kind::none);
    client.proceed();
    client.receive(Bytes{1, 2, 3});
    CHECK(client.take_output().empty());
}

TEST_CASE("how a flight can end") {
    Client client(record_of(hello_for(ProtocolVersion::tls_1_0, 0x002f)));
    const auto ending = [&](ByteView octets) {
        give(client, octets, 3);
        CHECK(client.flight().continuation.kind == Kind::none);
        return client.flight().ending;
    };
    SECTION("a fatal alert") {
        CHECK(ending(alert_record(wire::AlertLevel::fatal,
                                  wire::AlertDescription::handshake_failure)) == Ending::alert);
        CHECK(client.messages_seen() == 1);
        CHECK(client.done());
    }
    SECTION("close_notify") {
        CHECK(ending(alert_record(wire::AlertLevel::warning,
                                  wire::AlertDescription::close_notify)) == Ending::alert);
    }
    SECTION("a warning is no end") {
        CHECK(ending(alert_record(wire::AlertLevel::warning,
                                  wire::AlertDescription::unrecognized_name)) == Ending::ongoing);
        CHECK(client.messages_seen() == 1);
        CHECK_FALSE(client.done());
    }
    SECTION("HTTP") {
        CHECK(ending(view_of("HTTP/1.1 400 Bad Request\r\n\r\n")) == Ending::undecodable);
        CHECK_FALSE(client.flight().ending_detail.empty());
        CHECK(client.done());
    }
    SECTION("an SSLv2 server") {
        CHECK(ending(*from_hex("800b0400010002000000030010")) == Ending::undecodable);
        CHECK(client.flight().ending_detail.find("SSLv2") != std::string::npos);
    }
    SECTION("ChangeCipherSpec") {
        CHECK(ending(*from_hex("140301000101")) == Ending::undecodable);
    }
    SECTION("application data") {
        CHECK(ending(*from_hex("170301000101")) == Ending::undecodable);
    }
    SECTION("end of stream in the middle") {
        CHECK(ending(*from_hex("1603010100")) == Ending::ongoing);
        client.transport_ended(Ending::closed, "");
        CHECK(client.flight().ending == Ending::closed);
        CHECK(client.flight().bytes.size() == 5);
        CHECK(client.done());
    }
    SECTION("TLS 1.3") {
        auto hello = server_hello(ProtocolVersion::tls_1_2, 0x1301);
        hello.extensions = wire::Extensions{{wire::ExtensionType::supported_versions, {3, 4}, 0}};
        CHECK(ending(frame(message(wire::HandshakeType::server_hello, wire::encode(hello)),
                           ProtocolVersion::tls_1_2, 1 << 14)) == Ending::server_hello_done);
        CHECK(client.flight().ending_detail.find("TLS 1.3") != std::string::npos);
        client.receive(*from_hex("140303000101170303000101"));
        client.proceed();
        CHECK(client.flight().continuation ==
              wire::Continuation{Kind::unplayable, std::nullopt, "mbed TLS lacks TLS 1.3"});
        CHECK(client.done());
    }
}

TEST_CASE("limits hold against servers that do not stop") {
    const Bytes hello = record_of(hello_for(ProtocolVersion::tls_1_0, 0x002f));
    SECTION("a message longer than the limit is refused at its header") {
        Client client(hello, {1 << 20, 1000});
        client.receive(*from_hex("16030100040b0003e9"));
        CHECK(client.flight().ending == Ending::limit);
        CHECK(client.flight().bytes.size() == 9);
    }
    SECTION("octets without end") {
        Client client(hello, {5000, 4000});
        Bytes octets = *from_hex("1603012000");
        octets.resize(100000);
        give(client, octets, 977);
        CHECK(client.flight().ending == Ending::limit);
        CHECK(client.flight().bytes.size() == 5000);
    }
    SECTION("messages without end") {
        Client client(hello);
        const Bytes empty =
            frame(message(wire::HandshakeType::hello_request, {}), ProtocolVersion::tls_1_0, 100);
        for (int i = 0; i < 2000; ++i)
            client.receive(empty);
        CHECK(client.flight().ending == Ending::limit);
        CHECK(client.messages_seen() == session::ClientLimits{}.max_messages);
    }
    SECTION("a flight of exactly the limit is whole") {
        const Bytes flight = bare_flight(ProtocolVersion::tls_1_0, 0x002f);
        Client client(hello, {flight.size(), 4000});
        client.receive(flight);
        CHECK(client.flight().ending == Ending::server_hello_done);
    }
    SECTION("octets after the flight are not hoarded") {
        Client client(hello, {100, 4000});
        client.receive(bare_flight(ProtocolVersion::tls_1_0, 0x002f));
        for (int i = 0; i < 100; ++i)
            client.receive(Bytes(100));
        CHECK_FALSE(client.done());
        client.proceed();
        CHECK(client.done());
    }
}

TEST_CASE("a hello must be one whole record") {
    const Bytes good = record_of(hello_for(ProtocolVersion::tls_1_0, 0x002f));
    CHECK(Client(good).take_output() == good);
    for (std::size_t length = 0; length < good.size(); ++length) {
        CHECK_THROWS_AS(
            Client(Bytes(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length))),
            std::invalid_argument);
    }
    Bytes longer = good;
    longer.push_back(0);
    CHECK_THROWS_AS(Client(longer), std::invalid_argument);

    wire::V2ClientHello v2;
    v2.version = ProtocolVersion::tls_1_0;
    v2.cipher_specs = {0x00002f};
    v2.challenge = Bytes(16, 7);
    CHECK(Client(wire::encode(v2)).take_output() == wire::encode(v2));
}
