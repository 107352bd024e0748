#include "handshake/wire/v2_client_hello.h"

#include <catch2/catch.hpp>
#include <stdexcept>

#include "tests/wire/samples.h"

using namespace handset;
using namespace handset::wire;

namespace {

DecodeError error_of(std::string_view hex) {
    const auto hello = decode_v2_client_hello(*from_hex(hex));
    REQUIRE_FALSE(hello.has_value());
    return hello.error();
}

}  // namespace

TEST_CASE("real SSLv2-framed hellos") {
    const auto ie6 = decode_v2_client_hello(*from_hex(samples::v2_client_hellos.at(0).hex));
    REQUIRE(ie6.has_value());
    CHECK(ie6->version == ProtocolVersion::ssl_3_0);
    CHECK(ie6->cipher_specs.size() == 18);
    CHECK(v2_cipher_kind_name(ie6->cipher_specs.front()) == "TLS_RSA_WITH_RC4_128_MD5");
    CHECK(ie6->session_id.empty());
    CHECK(ie6->challenge.size() == 16);

    const auto java6 = decode_v2_client_hello(*from_hex(samples::v2_client_hellos.at(1).hex));
    REQUIRE(java6.has_value());
    CHECK(java6->version == ProtocolVersion::tls_1_0);
    CHECK(java6->cipher_specs.size() == 20);
}

TEST_CASE("the random is the challenge, right-aligned") {
    V2ClientHello hello;
    CHECK(random_of(hello) == Bytes(32, 0));
    hello.challenge = {1, 2, 3};
    CHECK(to_hex(random_of(hello)) == std::string(58, '0') + "010203");
    hello.challenge = Bytes(32, 7);
    CHECK(random_of(hello) == Bytes(32, 7));
    hello.challenge.insert(hello.challenge.begin(), 9);
    CHECK(random_of(hello) == Bytes(32, 7));
}

TEST_CASE("refusals of the SSLv2 framing name the field") {
    CHECK(error_of("000c 00 01").field == "V2ClientHello.msg_length");
    CHECK(error_of("8003 01 0301") ==
          DecodeError{"needs 2 octets, 0 left", "V2ClientHello.cipher_spec_length", 5});
    CHECK(error_of("800d 01 0301 0004 0000 0000 01008001") ==
          DecodeError{"4 is no multiple of 3", "V2ClientHello.cipher_spec_length", 5});
    CHECK(error_of("8009 02 0301 0000 0000 0000") ==
          DecodeError{"not a CLIENT-HELLO", "V2ClientHello.msg_type", 2});
    CHECK(error_of("800a 01 0301 0000 0000 0000 00").reason == "1 octets too many");
    CHECK(error_of("8009 01 0301 0000 0000 0010").field == "V2ClientHello.challenge");
}

TEST_CASE("an SSLv2 hello that no record can hold throws") {
    V2ClientHello hello;
    hello.challenge = Bytes(32767 - 9, 0);
    const auto again = decode_v2_client_hello(encode(hello));
    REQUIRE(again.has_value());
    CHECK(*again == hello);
    hello.challenge.push_back(0);
    CHECK_THROWS_AS(encode(hello), std::length_error);
    hello.challenge.clear();
    hello.cipher_specs = {0x1000000};
    CHECK_THROWS_AS(encode(hello), std::length_error);
}

TEST_CASE("SSLv2 framing is told from TLS framing") {
    for (const samples::Hello& sample : samples::v2_client_hellos) {
        CHECK(looks_like_v2_client_hello(*from_hex(sample.hex)));
    }
    for (const samples::Hello& sample : samples::client_hellos) {
        CHECK_FALSE(looks_like_v2_client_hello(*from_hex(sample.hex)));
    }
    CHECK(looks_like_v2_client_hello(*from_hex("802e010002")));
    CHECK_FALSE(looks_like_v2_client_hello(*from_hex("802e01")));
    CHECK_FALSE(looks_like_v2_client_hello(*from_hex("8008010301")));
    CHECK_FALSE(looks_like_v2_client_hello(*from_hex("802e040301")));
    CHECK_FALSE(looks_like_v2_client_hello({}));
}
