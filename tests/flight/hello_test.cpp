#include "emulator/flight/hello.h"

#include <catch2/catch.hpp>
#include <numeric>

#include "emulator/device/load.h"
#include "handshake/wire/client_hello.h"
#include "handshake/wire/v2_client_hello.h"

using namespace handset;
using flight::HelloInput;
using flight::ja3_of;
using flight::make_hello;
using wire::ExtensionType;

namespace {

HelloInput input_for(std::string host) {
    HelloInput input;
    input.server_name = std::move(host);
    input.clock = *parse_rfc3339("2007-09-02T00:00:00Z");
    input.random.resize(48);
    std::iota(input.random.begin(), input.random.end(), std::uint8_t{0x10});
    return input;
}

device::ClientHello plain_hello() {
    device::ClientHello hello;
    hello.record_version = wire::ProtocolVersion::tls_1_0;
    hello.client_version = wire::ProtocolVersion::tls_1_0;
    hello.cipher_suites = {wire::CipherSuite{0x0005}, wire::CipherSuite{0x000a}};
    hello.compression_methods = {wire::CompressionMethod::null};
    return hello;
}

wire::ClientHello decoded(const Bytes& record) {
    return *wire::decode_client_hello(ByteView(wire::decode_record(record)->fragment).subspan(4));
}

}  // namespace

TEST_CASE("a hello without extensions, octet for octet") {
    auto hello = plain_hello();
    CHECK(to_hex(make_hello(hello, input_for("mail.contoso.com"))) ==
          "160301002f0100002b0301101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f00"
          "00040005000a0100");
    hello.random = device::RandomKind::clock_prefixed;
    CHECK(to_hex(decoded(make_hello(hello, input_for("x"))).random).substr(0, 16) ==
          "46d9fd0014151617");
}

TEST_CASE("session ids have the device's length") {
    auto hello = plain_hello();
    auto input = input_for("x");
    CHECK(decoded(make_hello(hello, input)).session_id.empty());
    hello.session_id_length = 32;
    const Bytes drawn = decoded(make_hello(hello, input)).session_id;
    CHECK(drawn.size() == 32);
    CHECK(to_hex(drawn).substr(0, 8) == "30313233");  // what the random left over
    CHECK(make_hello(hello, input) == make_hello(hello, input));
    input.session_id = Bytes(32, 7);
    CHECK(decoded(make_hello(hello, input)).session_id == Bytes(32, 7));
}

TEST_CASE("server_name goes out as the device does it") {
    auto hello = plain_hello();
    hello.extensions = {{ExtensionType::server_name, {}}, {ExtensionType::session_ticket, {1, 2}}};
    const auto names = [&](device::ServerNameRule rule, const std::string& host) {
        hello.server_name = rule;
        const auto out = decoded(make_hello(hello, input_for(host)));
        REQUIRE(out.extensions);
        CHECK(out.extensions->back() == wire::Extension{ExtensionType::session_ticket, {1, 2}, 0});
        const auto* extension = wire::find_extension(out.extensions, ExtensionType::server_name);
        return extension ? wire::decode_server_name(extension->data).value().at(0) : std::string{};
    };
    using Rule = device::ServerNameRule;
    CHECK(names(Rule::host, "mail.contoso.com") == "mail.contoso.com");
    CHECK(names(Rule::host, "mail.contoso.com.") == "mail.contoso.com");
    CHECK(names(Rule::host, "192.0.2.1") == "");
    CHECK(names(Rule::host, "2001:db8::1") == "");
    CHECK(names(Rule::host, "") == "");
    CHECK(names(Rule::none, "mail.contoso.com") == "");
    CHECK(names(Rule::host_and_ip, "192.0.2.1") == "192.0.2.1");
    CHECK(names(Rule::host_and_ip, "") == "");
}

TEST_CASE("an extensions block that becomes empty stays") {
    auto hello = plain_hello();
    hello.extensions = {{ExtensionType::server_name, {}}};
    hello.server_name = device::ServerNameRule::host;
    const auto out = decoded(make_hello(hello, input_for("192.0.2.1")));
    REQUIRE(out.extensions);
    CHECK(out.extensions->empty());
}

TEST_CASE("SSLv2 framing") {
    device::ClientHello hello;
    hello.framing = device::Framing::sslv2;
    hello.client_version = wire::ProtocolVersion::tls_1_0;
    hello.cipher_specs = {0x000005, 0x010080};
    hello.challenge_length = 16;
    const Bytes record = make_hello(hello, input_for("x"));
    CHECK(to_hex(record) ==
          "801f01030100060000001000000501008010111213141516"
          "1718191a1b1c1d1e1f");
    const auto v2 = wire::decode_v2_client_hello(record);
    REQUIRE(v2.has_value());
    CHECK(v2->cipher_specs == hello.cipher_specs);
    CHECK(ja3_of(record).empty());
}

TEST_CASE("too little random is refused") {
    auto input = input_for("x");
    input.random.resize(31);
    CHECK_THROWS_AS(make_hello(plain_hello(), input), std::invalid_argument);
}

TEST_CASE("JA3 is the MD5 of its text") {
    // MD5 of "769,5-10,,,"
    CHECK(ja3_of(make_hello(plain_hello(), input_for("x"))) == "6f48c2cf5284d77ff4710643719f2eaf");
    CHECK(ja3_of({}).empty());
    CHECK(ja3_of(Bytes(100, 0x16)).empty());
}

TEST_CASE("every profile that states a JA3 sends a hello with that JA3") {
    std::size_t stated = 0;
    for (const auto& file : device::find_profiles(std::string(HANDSET_SOURCE_DIR) + "/profiles")) {
        const device::Device device = device::load_device(file);
        if (device.client_hello.ja3.empty()) continue;
        INFO(device.id);
        ++stated;
        CHECK(ja3_of(make_hello(device.client_hello, input_for("mail.contoso.com"))) ==
              device.client_hello.ja3);
    }
    CHECK(stated >= 6);
}
