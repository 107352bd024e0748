#include "handshake/wire/extensions.h"

#include <catch2/catch.hpp>

using namespace handset;
using namespace handset::wire;

namespace {

Bytes octets(std::string_view hex) {
    return *from_hex(hex);
}

// Every truncation, and one octet more, is refused by name.
template <typename Decode>
void check_refusals(Decode decode, const Bytes& data) {
    REQUIRE(decode(data).has_value());
    for (std::size_t length = 0; length < data.size(); ++length) {
        CAPTURE(length);
        const auto value = decode(ByteView(data).first(length));
        REQUIRE_FALSE(value.has_value());
        CHECK_FALSE(value.error().field.empty());
        CHECK(value.error().offset <= length);
    }
    Bytes longer = data;
    longer.push_back(0);
    CHECK_FALSE(decode(longer).has_value());
}

}  // namespace

TEST_CASE("an extension block keeps order, doubles and offsets") {
    const Bytes block = octets("000d 0023 0000 ff01 0001 00 0023 0000");
    Reader in(block, "ServerHello", 38);
    const Extensions extensions = read_extensions(in);
    in.expect_end();
    REQUIRE_FALSE(in.failed());
    REQUIRE(extensions.size() == 3);
    CHECK(extensions[0].offset == 40);
    CHECK(extensions[1].offset == 44);
    CHECK(extensions[1].type == ExtensionType::renegotiation_info);
    CHECK(extensions[1].data == Bytes{0});
    CHECK(extensions[2] == extensions[0]);
    CHECK(find_extension(extensions, ExtensionType::session_ticket)->offset == 40);
    CHECK(find_extension(extensions, ExtensionType::heartbeat) == nullptr);
    CHECK(find_extension(std::nullopt, ExtensionType::heartbeat) == nullptr);

    Writer out;
    write_extensions(out, extensions);
    CHECK(out.bytes() == block);
}

TEST_CASE("server_name") {
    const Bytes data = octets("0010 00 000d 6d61696c2e746573742e636f6d");
    CHECK(encode_server_name("mail.test.com") == data);
    CHECK(decode_server_name(data).value() == std::vector<std::string>{"mail.test.com"});
    check_refusals(decode_server_name, data);
    // An unknown type is stepped over, a second name kept.
    CHECK(decode_server_name(octets("000c 05 0001 78 00 0001 61 00 0001 62")).value() ==
          std::vector<std::string>{"a", "b"});
    // A server's answer is empty and no list.
    CHECK_FALSE(decode_server_name({}).has_value());
}

TEST_CASE("lists of two-octet numbers") {
    const std::vector<NamedGroup> groups = {static_cast<NamedGroup>(23),
                                            static_cast<NamedGroup>(0xff01)};
    CHECK(to_hex(encode_supported_groups(groups)) == "00040017ff01");
    CHECK(decode_supported_groups(octets("00040017ff01")).value() == groups);
    check_refusals(decode_supported_groups, octets("00040017ff01"));
    const auto odd = decode_supported_groups(octets("0003001700"));
    REQUIRE_FALSE(odd.has_value());
    CHECK(odd.error() == DecodeError{"needs 2 octets, 1 left",
                                     "supported_groups.named_group_list.named_group", 4});

    const std::vector<SignatureScheme> schemes = {static_cast<SignatureScheme>(0x0401)};
    CHECK(to_hex(encode_signature_algorithms(schemes)) == "00020401");
    CHECK(decode_signature_algorithms(octets("00020401")).value() == schemes);
    check_refusals(decode_signature_algorithms, octets("00020401"));
    CHECK(decode_signature_algorithms(octets("0000")).value().empty());
}

TEST_CASE("ec_point_formats and application_layer_protocol_negotiation") {
    CHECK(to_hex(encode_ec_point_formats({0, 1, 2})) == "03000102");
    CHECK(decode_ec_point_formats(octets("03000102")).value() ==
          std::vector<std::uint8_t>{0, 1, 2});
    check_refusals(decode_ec_point_formats, octets("03000102"));

    const std::vector<std::string> protocols = {"h2", "http/1.1"};
    CHECK(to_hex(encode_alpn(protocols)) == "000c02683208687474702f312e31");
    CHECK(decode_alpn(encode_alpn(protocols)).value() == protocols);
    check_refusals(decode_alpn, encode_alpn(protocols));
}

TEST_CASE("supported_versions as a client and as a server sends it") {
    CHECK(decode_supported_versions(octets("0403040303")).value() ==
          std::vector{ProtocolVersion::tls_1_3, ProtocolVersion::tls_1_2});
    check_refusals(decode_supported_versions, octets("0403040303"));
    CHECK(decode_selected_version(octets("0304")).value() == ProtocolVersion::tls_1_3);
    check_refusals(decode_selected_version, octets("0304"));
}
