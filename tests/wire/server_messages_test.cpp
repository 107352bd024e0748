#include "handshake/wire/server_messages.h"

#include <catch2/catch.hpp>
#include <stdexcept>

#include "tests/wire/samples.h"

using namespace handset;
using namespace handset::wire;

namespace {

Bytes octets(std::string_view hex) {
    return *from_hex(hex);
}

Bytes body_of(HandshakeType type) {
    RecordStream stream;
    stream.feed(octets(samples::server_flight));
    while (const auto event = stream.next()) {
        if (event->message.type == type) return event->message.body;
    }
    FAIL("the flight lacks " << name_of(type));
    return {};
}

DecodeError key_exchange_error(std::string_view hex, KeyExchange key_exchange) {
    const auto message =
        decode_server_key_exchange(octets(hex), key_exchange, ProtocolVersion::tls_1_0);
    REQUIRE_FALSE(message.has_value());
    return message.error();
}

}  // namespace

TEST_CASE("a real TLS 1.2 flight message by message") {
    const auto hello = decode_server_hello(body_of(HandshakeType::server_hello));
    REQUIRE(hello.has_value());
    CHECK(hello->server_version == ProtocolVersion::tls_1_2);
    CHECK(selected_version(*hello) == ProtocolVersion::tls_1_2);
    CHECK_FALSE(is_hello_retry_request(*hello));
    CHECK(name_of(hello->cipher_suite) == "TLS_DHE_RSA_WITH_AES_128_CBC_SHA");
    CHECK(hello->compression_method == CompressionMethod::null);
    REQUIRE(hello->extensions);
    CHECK(hello->extensions->size() == 1);

    const Bytes certificate_body = body_of(HandshakeType::certificate);
    const auto certificate = decode_certificate_message(certificate_body);
    REQUIRE(certificate.has_value());
    REQUIRE(certificate->certificate_list.size() == 1);
    REQUIRE(certificate->offsets == std::vector<std::size_t>{6});
    CHECK(certificate->certificate_list[0] == to_bytes(ByteView(certificate_body).subspan(6)));

    const auto key = decode_server_key_exchange(body_of(HandshakeType::server_key_exchange),
                                                KeyExchange::dhe_rsa, ProtocolVersion::tls_1_2);
    REQUIRE(key.has_value());
    const auto* params = std::get_if<DhParams>(&key->params);
    REQUIRE(params);
    CHECK(params->p_bits() == 1024);
    CHECK(params->dh_g == Bytes{2});
    CHECK(key->is_signed);
    CHECK(key->algorithm);
    CHECK(key->signature.size() == 128);
    // p, g and Ys with their lengths.
    CHECK(key->signed_params.size() ==
          6 + params->dh_p.size() + params->dh_g.size() + params->dh_ys.size());

    const auto request = decode_certificate_request(body_of(HandshakeType::certificate_request),
                                                    ProtocolVersion::tls_1_2);
    REQUIRE(request.has_value());
    CHECK(request->certificate_types == std::vector<std::uint8_t>{1, 2, 64});
    REQUIRE(request->supported_signature_algorithms);
    CHECK(name_of(request->supported_signature_algorithms->front()) == "ecdsa_secp256r1_sha256");
    CHECK(request->certificate_authorities.size() == 1);

    CHECK(decode_empty(body_of(HandshakeType::server_hello_done), "ServerHelloDone").has_value());
}

TEST_CASE("supported_versions decides, where it can be read") {
    ServerHello hello;
    hello.server_version = ProtocolVersion::tls_1_2;
    hello.random = octets("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c");
    CHECK(is_hello_retry_request(hello));
    hello.extensions = Extensions{{ExtensionType::supported_versions, {3, 4}}};
    CHECK(selected_version(hello) == ProtocolVersion::tls_1_3);
    hello.extensions = Extensions{{ExtensionType::supported_versions, {3}}};
    CHECK(selected_version(hello) == ProtocolVersion::tls_1_2);
    hello.random.pop_back();
    CHECK_THROWS_AS(encode(hello), std::length_error);
}

TEST_CASE("several certificates keep their places") {
    const auto message = decode_certificate_message(octets("00000a 000002 3000 000002 3001"));
    REQUIRE(message.has_value());
    CHECK(message->certificate_list == std::vector<Bytes>{{0x30, 0}, {0x30, 1}});
    CHECK(message->offsets == std::vector<std::size_t>{6, 11});
    const auto cut = decode_certificate_message(octets("00000a 000002 3000 000003 3001"));
    REQUIRE_FALSE(cut.has_value());
    CHECK(cut.error() ==
          DecodeError{"needs 3 octets, 2 left", "Certificate.certificate_list.ASN.1Cert", 11});
}

TEST_CASE("the size of a Diffie-Hellman prime counts from its first one bit") {
    DhParams params;
    CHECK(params.p_bits() == 0);
    params.dh_p = {0, 0};
    CHECK(params.p_bits() == 0);
    params.dh_p = {0, 1, 0};
    CHECK(params.p_bits() == 9);
    params.dh_p = Bytes(128, 0xff);
    CHECK(params.p_bits() == 1024);
    params.dh_p.front() = 0x7f;
    CHECK(params.p_bits() == 1023);
}

TEST_CASE("ServerKeyExchange follows suite and version") {
    const Bytes anonymous = octets("0001 17 0001 05 0001 08");
    const auto dh_anon =
        decode_server_key_exchange(anonymous, KeyExchange::dh_anon, ProtocolVersion::tls_1_2);
    REQUIRE(dh_anon.has_value());
    CHECK_FALSE(dh_anon->is_signed);
    CHECK_FALSE(dh_anon->algorithm);
    CHECK(dh_anon->signed_params == anonymous);

    const auto ecdhe = decode_server_key_exchange(octets("03 0017 01 04 0001 ee"),
                                                  KeyExchange::ecdhe_rsa, ProtocolVersion::tls_1_1);
    REQUIRE(ecdhe.has_value());
    const auto& curve = std::get<EcdhParams>(ecdhe->params);
    CHECK(name_of(curve.named_curve) == "secp256r1");
    CHECK(curve.public_point == Bytes{4});
    CHECK(to_hex(ecdhe->signed_params) == "0300170104");
    CHECK(ecdhe->signature == Bytes{0xee});

    const auto explicit_prime =
        decode_server_key_exchange(octets("01 0117 0101 0102 020405 0113 0101 01 04 0000"),
                                   KeyExchange::ecdhe_ecdsa, ProtocolVersion::tls_1_0);
    REQUIRE(explicit_prime.has_value());
    CHECK(to_hex(std::get<EcdhParams>(explicit_prime->params).explicit_curve) ==
          "01170101010202040501130101");

    // Export parameters are read also where the suite has none: some clients take them.
    for (const KeyExchange rsa : {KeyExchange::rsa, KeyExchange::rsa_export}) {
        const auto message = decode_server_key_exchange(octets("0002 c1c3 0001 03 0001 dd"), rsa,
                                                        ProtocolVersion::ssl_3_0);
        REQUIRE(message.has_value());
        CHECK(std::get<RsaParams>(message->params).rsa_modulus == octets("c1c3"));
    }
    // The same octets under TLS 1.2 miss the algorithm.
    CHECK_FALSE(decode_server_key_exchange(octets("0002 c1c3 0001 03 0001 dd"), KeyExchange::rsa,
                                           ProtocolVersion::tls_1_2)
                    .has_value());
    ServerKeyExchange incomplete;
    CHECK_THROWS_AS(encode(incomplete, ProtocolVersion::tls_1_2), std::invalid_argument);
}

TEST_CASE("ServerKeyExchange of a suite without a known layout says so") {
    CHECK(key_exchange_error("0000", KeyExchange::psk) ==
          DecodeError{"not supported: psk", "ServerKeyExchange", 0});
    for (const CipherSuiteInfo& suite : cipher_suites()) {
        const auto message =
            decode_server_key_exchange({}, suite.key_exchange, ProtocolVersion::tls_1_2);
        REQUIRE_FALSE(message.has_value());
        CHECK_FALSE(message.error().reason.empty());
        CHECK_FALSE(message.error().field.empty());
    }
    CHECK(key_exchange_error("04 0017 01 04 0000", KeyExchange::ecdhe_rsa).reason ==
          "unknown ECCurveType 4");
    CHECK(key_exchange_error("02 00a3 03", KeyExchange::ecdhe_rsa) ==
          DecodeError{"unknown ECBasisType 3", "ServerKeyExchange.basis", 3});
}

TEST_CASE("CertificateRequest, NewSessionTicket, CertificateStatus") {
    const auto old = decode_certificate_request(octets("01 01 0000"), ProtocolVersion::tls_1_0);
    REQUIRE(old.has_value());
    CHECK_FALSE(old->supported_signature_algorithms);
    const auto odd =
        decode_certificate_request(octets("01 01 0003 040102 0000"), ProtocolVersion::tls_1_2);
    REQUIRE_FALSE(odd.has_value());
    CHECK(odd.error().offset == 6);

    const auto ticket = decode_new_session_ticket(octets("0000012c 0002 abcd"));
    REQUIRE(ticket.has_value());
    CHECK(ticket->ticket_lifetime_hint == 300);
    CHECK(ticket->ticket == octets("abcd"));

    const auto status = decode_certificate_status(octets("01 000002 3000"));
    REQUIRE(status.has_value());
    CHECK(status->response == octets("3000"));
    CHECK(encode(*status) == octets("01 000002 3000"));
}

TEST_CASE("a message that ought to be empty") {
    CHECK(decode_empty({}, "ServerHelloDone").has_value());
    const auto full = decode_empty(octets("00"), "ServerHelloDone");
    REQUIRE_FALSE(full.has_value());
    CHECK(full.error() == DecodeError{"1 octets too many", "ServerHelloDone", 0});
}
