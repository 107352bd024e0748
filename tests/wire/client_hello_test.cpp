#include "handshake/wire/client_hello.h"

#include <catch2/catch.hpp>
#include <stdexcept>

#include "tests/wire/samples.h"

using namespace handset;
using namespace handset::wire;

namespace {

ClientHello hello_of(const samples::Hello& sample) {
    const auto bytes = from_hex(sample.hex);
    REQUIRE(bytes.has_value());
    RecordStream stream;
    stream.feed(*bytes);
    const auto event = stream.next();
    REQUIRE(event.has_value());
    REQUIRE(event->message.type == HandshakeType::client_hello);
    CHECK(stream.pending() == 0);
    const auto hello = decode_client_hello(event->message.body);
    REQUIRE(hello.has_value());
    return *hello;
}

const samples::Hello& sample_of(std::string_view client) {
    for (const samples::Hello& sample : samples::client_hellos) {
        if (sample.client == client) return sample;
    }
    FAIL("no sample of that client");
    return samples::client_hellos.front();
}

DecodeError error_of(std::string_view hex) {
    const auto hello = decode_client_hello(*from_hex(hex));
    REQUIRE_FALSE(hello.has_value());
    return hello.error();
}

const std::string version_and_random =
    "0301000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

}  // namespace

TEST_CASE("real hellos keep every field") {
    for (const samples::Hello& sample : samples::client_hellos) {
        CAPTURE(sample.client);
        const ClientHello hello = hello_of(sample);
        CHECK(ja3_text(hello) == sample.ja3_text);
        CHECK(hello.random.size() == 32);
        const auto record = decode_record(*from_hex(sample.hex));
        REQUIRE(record.has_value());
        CHECK(to_hex(encode_record(hello, record->version)) == sample.hex);
    }
}

TEST_CASE("Android 4.0.4 field by field") {
    const ClientHello hello = hello_of(sample_of("Android 4.0.4"));
    CHECK(hello.client_version == ProtocolVersion::tls_1_0);
    CHECK(hello.session_id.empty());
    CHECK(hello.cipher_suites.size() == 28);
    CHECK(name_of(hello.cipher_suites.front()) == "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA");
    CHECK(hello.compression_methods ==
          std::vector{CompressionMethod::deflate, CompressionMethod::null});
    REQUIRE(hello.extensions);
    REQUIRE(hello.extensions->size() == 5);
    CHECK(hello.extensions->front().offset == 98);
    const Extension* name = find_extension(hello.extensions, ExtensionType::server_name);
    REQUIRE(name);
    CHECK(decode_server_name(name->data).value() == std::vector<std::string>{"www.ssllabs.com"});
    CHECK(find_extension(hello.extensions, ExtensionType::next_protocol_negotiation));
    CHECK_FALSE(find_extension(hello.extensions, ExtensionType::signature_algorithms));
}

TEST_CASE("no extensions and no extension are different hellos") {
    CHECK_FALSE(hello_of(sample_of("Symbian OS CSecureSocket")).extensions);
    const std::string until_extensions = version_and_random + "00 0002 0004 01 00";
    const auto absent = decode_client_hello(*from_hex(until_extensions));
    const auto empty = decode_client_hello(*from_hex(until_extensions + "0000"));
    REQUIRE(absent.has_value());
    REQUIRE(empty.has_value());
    CHECK_FALSE(absent->extensions);
    REQUIRE(empty->extensions);
    CHECK(empty->extensions->empty());
    CHECK(*absent != *empty);
}

TEST_CASE("what cannot be encoded again is refused where it stands") {
    CHECK(error_of(version_and_random + "00 0003 000400 01 00") ==
          DecodeError{"needs 2 octets, 1 left", "ClientHello.cipher_suites.cipher_suite", 39});
    CHECK(error_of(version_and_random + "00 0002 0004 01 00 0003 000000").field ==
          "ClientHello.extensions.extension_data");
    CHECK(error_of(version_and_random + "00 0002 0004 01 00 0000 00").reason ==
          "1 octets too many");
    CHECK(error_of(version_and_random + "00 0002 0004 01 00 00").field == "ClientHello.extensions");
    CHECK(error_of("0301").field == "ClientHello.random");
}

TEST_CASE("odd hellos stay readable") {
    // A session id of 33 octets, the same extension twice.
    const std::string id = "21" + std::string(66, 'a');
    const auto hello = decode_client_hello(
        *from_hex(version_and_random + id + "0002 0004 00 0008 0023 0000 0023 0000"));
    REQUIRE(hello.has_value());
    CHECK(hello->session_id.size() == 33);
    CHECK(hello->compression_methods.empty());
    CHECK(hello->extensions->size() == 2);
    CHECK(hello->extensions->at(0) == hello->extensions->at(1));
    CHECK(hello->extensions->at(0).offset != hello->extensions->at(1).offset);
}

TEST_CASE("our own impossible hellos throw") {
    ClientHello hello;
    CHECK_THROWS_AS(encode(hello), std::length_error);
    hello.random = Bytes(32, 0);
    CHECK(encode(hello).size() == 38);
    hello.session_id = Bytes(256, 0);
    CHECK_THROWS_AS(encode(hello), std::length_error);
}

TEST_CASE("JA3 leaves GREASE out and takes unreadable contents as empty") {
    ClientHello hello;
    hello.client_version = ProtocolVersion::tls_1_2;
    hello.cipher_suites = {static_cast<CipherSuite>(0x2a2a), static_cast<CipherSuite>(5)};
    hello.extensions = Extensions{
        {static_cast<ExtensionType>(0xfafa), {}},
        {ExtensionType::supported_groups,
         encode_supported_groups({static_cast<NamedGroup>(0x3a3a), static_cast<NamedGroup>(23)})},
        {ExtensionType::ec_point_formats, Bytes{7, 0}},
    };
    CHECK(ja3_text(hello) == "771,5,10-11,23,");
}
