#include "emulator/flight/hello.h"

#include <catch2/catch.hpp>
#include <numeric>

#include "emulator/device/load.h"
#include "emulator/device/profile_text.h"
#include "handshake/wire/client_hello.h"
#include "handshake/wire/v2_client_hello.h"
#include "tests/wire/samples.h"

using namespace handset;
using flight::hello_from;
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

// A client of TLS 1.3: GREASE, key_share, supported_versions, padding, a session id; no
// pre_shared_key.
const Bytes modern = *from_hex(
    "160301012d010001290303404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f20"
    "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f00141a1a130113021303c02b"
    "c02fcca9c013009c002f010000cc2a2a00000000001500130000106d61696c2e636f6e746f736f2e636f6d00"
    "170000ff01000100000a000a00083a3a001d00170018000b00020100002300000010000e000c026832086874"
    "74702f312e31000500050100000000000d001200100403080404010503080505010806060100120000003300"
    "2b00293a3a000100001d0020c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
    "002d00020101002b0007064a4a030403035a5a0001000015001000000000000000000000000000000000");
// Two suites, deflate and null.
const Bytes without_extensions = *from_hex(
    "16030000300100002c0301404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f00"
    "00040005000a020100");
const Bytes with_empty_extensions = *from_hex(
    "16030100320100002e0301404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f00"
    "00040005000a0201000000");
const Bytes in_v2_framing = *from_hex(
    "802e01030000150000001000000a0700c000003901008000000504008000feff404142434445464748494a4b4c4d4e"
    "4f");

// Every hello there is to try: records of clients, and those that the profiles make.
std::vector<Bytes> records() {
    std::vector<Bytes> all = {modern, without_extensions, with_empty_extensions, in_v2_framing};
    for (const auto& sample : wire::samples::client_hellos)
        all.push_back(*from_hex(sample.hex));
    for (const auto& sample : wire::samples::v2_client_hellos)
        all.push_back(*from_hex(sample.hex));
    for (const auto& file : device::find_profiles(std::string(HANDSET_SOURCE_DIR) + "/profiles")) {
        const device::Device device = device::load_device(file);
        all.push_back(make_hello(device.client_hello, input_for("mail.contoso.com")));
        for (const auto& fallback : device.fallbacks)
            all.push_back(make_hello(fallback.hello, input_for("mail.contoso.com")));
    }
    return all;
}

// Makes the hello again out of its statements, with the random, the session id and the name that
// the record has.
Bytes made_again(const Bytes& record) {
    HelloInput input = input_for("");
    if (wire::looks_like_v2_client_hello(record)) {
        const auto v2 = wire::decode_v2_client_hello(record).value();
        input.random = v2.challenge;
        input.random.resize(std::max<std::size_t>(32, input.random.size()));
        input.session_id = v2.session_id;
        return make_hello(hello_from(record), input);
    }
    const wire::ClientHello hello = decoded(record);
    input.random = hello.random;
    input.session_id = hello.session_id;
    if (const auto* name = wire::find_extension(hello.extensions, ExtensionType::server_name)) {
        input.server_name = wire::decode_server_name(name->data).value().at(0);
    }
    return make_hello(hello_from(record), input);
}

// What a hello says apart from random, session id and server_name's contents.
wire::ClientHello without_what_changes(wire::ClientHello hello) {
    hello.random.assign(32, 0);
    hello.session_id.assign(hello.session_id.size(), 0);
    if (!hello.extensions) return hello;
    for (wire::Extension& extension : *hello.extensions) {
        if (extension.type == ExtensionType::server_name) extension.data.clear();
    }
    return hello;
}

std::string refusal(ByteView record) {
    try {
        hello_from(record);
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "";
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

TEST_CASE("the statements of a captured hello") {
    const device::ClientHello hello = hello_from(modern);
    CHECK(hello.framing == device::Framing::tls);
    CHECK(hello.record_version == wire::ProtocolVersion::tls_1_0);
    CHECK(hello.client_version == wire::ProtocolVersion::tls_1_2);
    CHECK(hello.random == device::RandomKind::random);
    CHECK(hello.session_id_length == 32);
    REQUIRE(hello.cipher_suites.size() == 10);
    CHECK(hello.cipher_suites[0] == wire::CipherSuite{0x1a1a});
    CHECK(hello.cipher_suites[1] == wire::CipherSuite{0x1301});
    CHECK(hello.compression_methods == std::vector{wire::CompressionMethod::null});
    REQUIRE(hello.extensions);
    REQUIRE(hello.extensions->size() == 16);
    using Extension = device::HelloExtension;
    CHECK(hello.extensions->at(0) == Extension{ExtensionType{0x2a2a}, {}});
    CHECK(hello.extensions->at(1) == Extension{ExtensionType::server_name, {}});
    CHECK(hello.extensions->at(3) == Extension{ExtensionType::renegotiation_info, {0}});
    CHECK(hello.extensions->at(11).type == ExtensionType::key_share);
    CHECK(hello.extensions->at(11).data.size() == 43);
    CHECK(hello.extensions->at(15) == Extension{ExtensionType::padding, Bytes(16)});
    CHECK(hello.server_name == device::ServerNameRule::host);
    // MD5 of "771,4865-4866-4867-49195-49199-52393-49171-156-47,
    // 0-23-65281-10-11-35-16-5-13-18-51-45-43-21,29-23-24,0"
    CHECK(hello.ja3 == "935e65735df1a244bd957effb33b7d1f");
    CHECK(hello.source.empty());
    CHECK(hello.grade == device::Grade::assumed);

    const device::ClientHello bare = hello_from(without_extensions);
    CHECK(bare.record_version == wire::ProtocolVersion::ssl_3_0);
    CHECK(bare.session_id_length == 0);
    CHECK(bare.compression_methods ==
          std::vector{wire::CompressionMethod::deflate, wire::CompressionMethod::null});
    CHECK_FALSE(bare.extensions);
    CHECK(bare.server_name == device::ServerNameRule::none);
    const device::ClientHello empty = hello_from(with_empty_extensions);
    REQUIRE(empty.extensions);
    CHECK(empty.extensions->empty());

    const device::ClientHello v2 = hello_from(in_v2_framing);
    CHECK(v2.framing == device::Framing::sslv2);
    CHECK(v2.client_version == wire::ProtocolVersion::ssl_3_0);
    CHECK(v2.cipher_specs == std::vector<std::uint32_t>{0x00000a, 0x0700c0, 0x000039, 0x010080,
                                                        0x000005, 0x040080, 0x00feff});
    CHECK(v2.challenge_length == 16);
    CHECK(v2.session_id_length == 0);
    CHECK(v2.ja3.empty());
    CHECK_FALSE(v2.extensions);
}

TEST_CASE("what is made of a hello's statements is the hello, octet for octet") {
    for (const Bytes& record : records()) {
        INFO(to_hex(record));
        CHECK(to_hex(made_again(record)) == to_hex(record));
    }
}

TEST_CASE("another random, session id and name are all that differs") {
    for (const Bytes& record : {modern, *from_hex(wire::samples::client_hellos[1].hex)}) {
        const Bytes other = make_hello(hello_from(record), input_for("imap.fabrikam.com"));
        CHECK(other != record);
        CHECK(without_what_changes(decoded(other)) == without_what_changes(decoded(record)));
        CHECK(wire::decode_record(other)->version == wire::decode_record(record)->version);
        CHECK(ja3_of(other) == ja3_of(record));
    }
}

TEST_CASE("the statements of a profile's hello are the profile's") {
    std::size_t count = 0;
    const auto check = [&](device::ClientHello stated) {
        ++count;
        const Bytes record = make_hello(stated, input_for("mail.contoso.com"));
        const device::ClientHello read = hello_from(record);
        CHECK(read.ja3 == ja3_of(record));
        // What one record does not show.
        if (stated.ja3.empty()) stated.ja3 = read.ja3;
        stated.random = device::RandomKind::random;
        if (stated.server_name == device::ServerNameRule::host_and_ip) {
            stated.server_name = device::ServerNameRule::host;
        }
        stated.source.clear();
        stated.grade = device::Grade::assumed;
        CHECK(read == stated);
    };
    for (const auto& file : device::find_profiles(std::string(HANDSET_SOURCE_DIR) + "/profiles")) {
        INFO(file);
        const device::Device device = device::load_device(file);
        check(device.client_hello);
        for (const auto& fallback : device.fallbacks)
            check(fallback.hello);
    }
    CHECK(count >= 8);
}

TEST_CASE("a captured hello goes through a profile unchanged") {
    device::Device device;
    device.id = "captured";
    device.name = device.vendor = device.family = "Captured";
    device.released = "2020";
    device.sources["capture"] = {device::Grade::captured, "a hello", "a file", "2020-01-01"};
    for (const Bytes& record : records()) {
        device.client_hello = hello_from(record);
        device.client_hello.source = "capture";
        device.client_hello.grade = device::Grade::captured;
        INFO(to_hex(record));
        const auto read = device::parse_device(device::profile_text(device), "captured.yaml");
        CHECK(read == device);
    }
}

TEST_CASE("what is no ClientHello is refused in one line") {
    using Catch::StartsWith;
    const auto refused = [](std::string_view hex) {
        const std::string why = refusal(*from_hex(hex));
        CHECK_THAT(why, StartsWith("not a ClientHello: "));
        CHECK(why.find('\n') == std::string::npos);
        return why.substr(std::min<std::size_t>(why.size(), 19));
    };
    using Catch::Contains;
    refused("");
    refused("16");
    CHECK_THAT(refused("15030100020228"), Contains("record of type alert"));
    CHECK_THAT(refused("160301000402000000"), Contains("message of type server_hello"));
    CHECK_THAT(refused("1603010003010000"), Contains("length"));
    CHECK_THAT(refused("160301000401000001"), Contains("1 octets, of which the record holds 0"));
    refused("474554202f20485454502f312e310d0a0d0a");
    // A second message, a second record, a hello over two records.
    CHECK_THAT(refused(to_hex(without_extensions) + "00"), Contains("record"));
    CHECK_THAT(refused(to_hex(in_v2_framing) + "00"), Contains("V2ClientHello"));
    Bytes two = without_extensions;
    two[4] = static_cast<std::uint8_t>(two[4] + 4);
    append(two, *from_hex("00000000"));
    CHECK_THAT(refused(to_hex(two)), Contains("44 octets, of which the record holds 48"));

    for (const Bytes& record : records()) {
        for (std::size_t length = 0; length < record.size(); ++length) {
            INFO(length << " of " << to_hex(record));
            CHECK_FALSE(refusal(ByteView(record).first(length)).empty());
        }
    }
}

TEST_CASE("a spoilt hello is refused, or its statements make it") {
    std::size_t read = 0;
    for (const Bytes& record : {modern, with_empty_extensions}) {
        for (std::size_t i = 0; i < record.size() * 8; ++i) {
            Bytes spoilt = record;
            spoilt[i / 8] = static_cast<std::uint8_t>(spoilt[i / 8] ^ (1 << i % 8));
            if (!refusal(spoilt).empty()) continue;
            ++read;
            const auto hello = hello_from(spoilt);
            const Bytes again = make_hello(hello, input_for("mail.contoso.com"));
            INFO(to_hex(spoilt));
            REQUIRE_FALSE(wire::looks_like_v2_client_hello(spoilt));
            CHECK(without_what_changes(decoded(again)) == without_what_changes(decoded(spoilt)));
            CHECK(wire::decode_record(again)->version == wire::decode_record(spoilt)->version);
        }
    }
    CHECK(read > 1000);
}
