// One sweep over every message: decoding and encoding are inverses, what is cut short or too long
// is refused by name and offset, and no octet can be changed into something that does not survive.
#include "tests/wire/samples.h"

#include <catch2/catch.hpp>
#include <functional>
#include <string>

#include "handshake/wire/client_hello.h"
#include "handshake/wire/server_messages.h"
#include "handshake/wire/v2_client_hello.h"

using namespace handset;
using namespace handset::wire;

namespace {

struct Message {
    std::string name;
    Bytes bytes;
    std::function<Result<Bytes>(ByteView)> recode;  // encode(decode(x))
    // The length at which a message cut short is a whole one without extensions.
    std::optional<std::size_t> whole_at = std::nullopt;
};

Bytes octets(std::string_view hex) {
    const auto bytes = from_hex(hex);
    REQUIRE(bytes.has_value());
    return *bytes;
}

template <typename Value>
Result<Bytes> encoded(const Result<Value>& value) {
    if (!value) return value.error();
    return encode(*value);
}

std::function<Result<Bytes>(ByteView)> key_exchange(KeyExchange suite, ProtocolVersion version) {
    return [=](ByteView body) -> Result<Bytes> {
        const auto message = decode_server_key_exchange(body, suite, version);
        if (!message) return message.error();
        return encode(*message, version);
    };
}

std::function<Result<Bytes>(ByteView)> certificate_request(ProtocolVersion version) {
    return [=](ByteView body) { return encoded(decode_certificate_request(body, version)); };
}

Result<Bytes> client_hello(ByteView body) {
    return encoded(decode_client_hello(body));
}

Result<Bytes> server_hello(ByteView body) {
    return encoded(decode_server_hello(body));
}

std::optional<std::size_t> length_without_extensions(const ClientHello& hello) {
    if (!hello.extensions) return std::nullopt;
    ClientHello bare = hello;
    bare.extensions = std::nullopt;
    return encode(bare).size();
}

void add_client_hellos(std::vector<Message>& messages) {
    for (const samples::Hello& sample : samples::client_hellos) {
        const Bytes record = octets(sample.hex);
        const std::string client(sample.client);
        messages.push_back({client + ", record", record,
                            [](ByteView bytes) { return encoded(decode_record(bytes)); }});
        const Bytes body = to_bytes(ByteView(record).subspan(9));
        const auto hello = decode_client_hello(body);
        REQUIRE(hello.has_value());
        messages.push_back({client, body, client_hello, length_without_extensions(*hello)});
    }
    for (const samples::Hello& sample : samples::v2_client_hellos) {
        messages.push_back({std::string(sample.client), octets(sample.hex),
                            [](ByteView bytes) { return encoded(decode_v2_client_hello(bytes)); }});
    }
}

void add_server_flight(std::vector<Message>& messages) {
    RecordStream stream;
    stream.feed(octets(samples::server_flight));
    while (const auto event = stream.next()) {
        const Bytes& body = event->message.body;
        switch (event->message.type) {
            case HandshakeType::server_hello:
                messages.push_back({"ServerHello of the flight", body, server_hello, 38});
                break;
            case HandshakeType::certificate:
                messages.push_back({"Certificate of the flight", body, [](ByteView bytes) {
                                        return encoded(decode_certificate_message(bytes));
                                    }});
                break;
            case HandshakeType::server_key_exchange:
                messages.push_back({"ServerKeyExchange of the flight", body,
                                    key_exchange(KeyExchange::dhe_rsa, ProtocolVersion::tls_1_2)});
                break;
            case HandshakeType::certificate_request:
                messages.push_back({"CertificateRequest of the flight", body,
                                    certificate_request(ProtocolVersion::tls_1_2)});
                break;
            default:
                CHECK(event->message.type == HandshakeType::server_hello_done);
        }
    }
    CHECK_FALSE(stream.failed());
}

void add_by_hand(std::vector<Message>& messages) {
    const std::string random = "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100";
    messages.push_back(
        {"ServerHello, SSL 3.0", octets("0300" + random + "04 01020304 0005 00"), server_hello});
    messages.push_back({"ServerHello, empty extensions",
                        octets("0301" + random + "00 002f 01 0000"), server_hello, 38});
    messages.push_back({"ServerHello, TLS 1.3",
                        octets("0303" + random + "00 1301 00 0006 002b 0002 0304"), server_hello,
                        38});
    messages.push_back({"ClientHello without suites and methods",
                        octets("0301" + random + "00 0000 00"), client_hello});
    messages.push_back({"ClientHello, empty extensions",
                        octets("0301" + random + "00 0002 0004 01 00 0000"), client_hello, 41});

    const auto v10 = ProtocolVersion::tls_1_0;
    const auto v12 = ProtocolVersion::tls_1_2;
    const std::string dh = "0002 0b0b 0001 02 0002 0909";
    messages.push_back({"DHE_DSS, SSL 3.0", octets(dh + "0003 a1a2a3"),
                        key_exchange(KeyExchange::dhe_dss, ProtocolVersion::ssl_3_0)});
    messages.push_back(
        {"DHE_RSA, TLS 1.0", octets(dh + "0003 a1a2a3"), key_exchange(KeyExchange::dhe_rsa, v10)});
    messages.push_back({"DHE_RSA, TLS 1.2", octets(dh + "0201 0003 a1a2a3"),
                        key_exchange(KeyExchange::dhe_rsa, v12)});
    messages.push_back({"DH_anon, TLS 1.0", octets(dh), key_exchange(KeyExchange::dh_anon, v10)});
    messages.push_back({"DH_anon, TLS 1.2", octets(dh), key_exchange(KeyExchange::dh_anon, v12)});

    const std::string point = "03 04aabb";
    messages.push_back({"ECDHE_RSA, named curve, TLS 1.0", octets("03 0017" + point + "0002 b1b2"),
                        key_exchange(KeyExchange::ecdhe_rsa, v10)});
    messages.push_back({"ECDHE_ECDSA, named curve, TLS 1.2",
                        octets("03 0018" + point + "0503 0002 b1b2"),
                        key_exchange(KeyExchange::ecdhe_ecdsa, v12)});
    messages.push_back({"ECDHE_RSA, explicit prime",
                        octets("01 0117 0101 0102 020405 0113 0101" + point + "0002 b1b2"),
                        key_exchange(KeyExchange::ecdhe_rsa, v10)});
    messages.push_back({"ECDHE_RSA, explicit char2, trinomial",
                        octets("02 00a3 01 0107 0101 0102 020405 0113 0101" + point + "0002 b1b2"),
                        key_exchange(KeyExchange::ecdhe_rsa, v10)});
    messages.push_back(
        {"ECDHE_RSA, explicit char2, pentanomial",
         octets("02 00a3 02 0103 0106 0107 0101 0102 020405 0113 0101" + point + "0002 b1b2"),
         key_exchange(KeyExchange::ecdhe_rsa, v10)});
    messages.push_back(
        {"ECDH_anon", octets("03 0017" + point), key_exchange(KeyExchange::ecdh_anon, v10)});
    messages.push_back({"RSA_EXPORT", octets("0004 c1c2c3c5 0003 010001 0004 d1d2d3d4"),
                        key_exchange(KeyExchange::rsa_export, v10)});

    messages.push_back({"Certificate, empty list", octets("000000"),
                        [](ByteView body) { return encoded(decode_certificate_message(body)); }});
    messages.push_back({"CertificateRequest, TLS 1.0", octets("02 0102 0009 0002 3000 0003 300101"),
                        certificate_request(v10)});
    messages.push_back({"CertificateRequest, TLS 1.2", octets("01 01 0004 0401 0201 0000"),
                        certificate_request(v12)});
    messages.push_back({"NewSessionTicket", octets("0000012c 0003 e1e2e3"),
                        [](ByteView body) { return encoded(decode_new_session_ticket(body)); }});
    messages.push_back({"CertificateStatus", octets("01 000003 0a0103"),
                        [](ByteView body) { return encoded(decode_certificate_status(body)); }});
    messages.push_back(
        {"Alert", octets("0228"), [](ByteView body) { return encoded(decode_alert(body)); }});
}

const std::vector<Message>& messages() {
    static const std::vector<Message> all = [] {
        std::vector<Message> list;
        add_client_hellos(list);
        add_server_flight(list);
        add_by_hand(list);
        return list;
    }();
    return all;
}

}  // namespace

TEST_CASE("every message survives decoding and encoding") {
    for (const Message& message : messages()) {
        CAPTURE(message.name);
        const auto again = message.recode(message.bytes);
        REQUIRE(again.has_value());
        CHECK(to_hex(*again) == to_hex(message.bytes));
    }
}

TEST_CASE("a message cut short is refused with its field and offset") {
    for (const Message& message : messages()) {
        for (std::size_t length = 0; length < message.bytes.size(); ++length) {
            CAPTURE(message.name, length);
            const ByteView cut = ByteView(message.bytes).first(length);
            const auto again = message.recode(cut);
            if (length == message.whole_at) {
                REQUIRE(again.has_value());
                CHECK(equal(*again, cut));
                continue;
            }
            REQUIRE_FALSE(again.has_value());
            CHECK_FALSE(again.error().field.empty());
            CHECK_FALSE(again.error().reason.empty());
            CHECK(again.error().offset <= length);
        }
    }
}

TEST_CASE("one octet too many is refused") {
    for (const Message& message : messages()) {
        CAPTURE(message.name);
        Bytes longer = message.bytes;
        longer.push_back(0);
        const auto again = message.recode(longer);
        REQUIRE_FALSE(again.has_value());
        CHECK_FALSE(again.error().field.empty());
        CHECK(again.error().offset <= longer.size());
    }
}

TEST_CASE("a changed octet is refused or kept") {
    static constexpr std::uint8_t changes[] = {0x01, 0x02, 0x04, 0x08, 0x10, 0x20,
                                               0x40, 0x80, 0xff, 0x7f, 0x0f, 0x55};
    std::size_t decoded = 0;
    for (const Message& message : messages()) {
        Bytes changed = message.bytes;
        for (std::size_t i = 0; i < changed.size(); ++i) {
            for (const std::uint8_t change : changes) {
                changed[i] = message.bytes[i] ^ change;
                const auto again = message.recode(changed);
                if (again) {
                    ++decoded;
                    if (!equal(*again, changed)) {
                        FAIL(message.name << ", octet " << i << " ^ " << int{change} << ": "
                                          << to_hex(*again));
                    }
                } else if (again.error().field.empty() || again.error().offset > changed.size()) {
                    FAIL(message.name << ", octet " << i << " ^ " << int{change} << ": "
                                      << to_string(again.error()));
                }
            }
            changed[i] = message.bytes[i];
        }
    }
    CHECK(decoded > 10000);
}
