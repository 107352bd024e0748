#include "handshake/session/protection.h"

#include <catch2/catch.hpp>

#include "handshake/crypto/digest.h"
#include "tests/support/client_records.h"

using namespace handset;
using session::Protection;
using session::Side;
using test::ClientRecords;
using wire::ContentType;
using wire::ProtocolVersion;

namespace {

Bytes counted(std::size_t length) {
    Bytes octets(length);
    for (std::size_t i = 0; i < length; ++i)
        octets[i] = static_cast<std::uint8_t>(i);
    return octets;
}
Bytes premaster() {
    Bytes secret{3, 1};
    append(secret, counted(46));
    return secret;
}
const Bytes client_random(32, 0xc1);
const Bytes server_random(32, 0x5e);

wire::CipherSuite suite(std::string_view name) {
    const auto found = wire::cipher_suite_from_name(name);
    REQUIRE(found);
    return *found;
}

struct Row {
    ProtocolVersion version;
    std::string_view suite;
};
// Every cipher in every version that has it.
std::vector<Row> rows() {
    std::vector<Row> all;
    for (const auto version :
         {ProtocolVersion::tls_1_0, ProtocolVersion::tls_1_1, ProtocolVersion::tls_1_2}) {
        for (const std::string_view name :
             {"TLS_RSA_WITH_RC4_128_MD5", "TLS_RSA_WITH_RC4_128_SHA",
              "TLS_RSA_WITH_3DES_EDE_CBC_SHA", "TLS_RSA_WITH_AES_128_CBC_SHA",
              "TLS_RSA_WITH_AES_256_CBC_SHA"}) {
            all.push_back({version, name});
        }
    }
    for (const std::string_view name :
         {"TLS_RSA_WITH_AES_128_CBC_SHA256", "TLS_RSA_WITH_AES_256_CBC_SHA256",
          "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", "TLS_RSA_WITH_AES_128_GCM_SHA256",
          "TLS_RSA_WITH_AES_256_GCM_SHA384"}) {
        all.push_back({ProtocolVersion::tls_1_2, name});
    }
    return all;
}

struct Both {
    explicit Both(const Row& row)
        : server(row.version, suite(row.suite), premaster(), client_random, server_random),
          client(row.version, suite(row.suite), premaster(), client_random, server_random) {}
    std::optional<Bytes> open(ByteView record) {
        return server.open(wire::decode_record(record).value());
    }
    Protection server;
    ClientRecords client;
};

}  // namespace

TEST_CASE("what one side seals the other opens, in every cipher and version") {
    for (const Row& row : rows()) {
        CAPTURE(row.suite, wire::name_of(row.version));
        Both both(row);
        for (const std::size_t length : {12U, 0U, 1U, 15U, 16U, 17U, 255U, 16384U, 3U}) {
            CAPTURE(length);
            const Bytes plaintext = counted(length);
            const auto type = length == 12 ? ContentType::handshake : ContentType::application_data;
            CHECK(both.open(both.client.seal(type, plaintext)) == plaintext);
            const auto sealed = wire::decode_record(both.server.seal(type, plaintext));
            REQUIRE(sealed.has_value());
            CHECK(sealed->type == type);
            CHECK(sealed->version == row.version);
            CHECK(both.client.open(*sealed) == plaintext);
        }
    }
}

TEST_CASE("Finished is computed as openssl computes it") {
    // openssl kdf -keylen 48 -kdfopt digest:D -kdfopt hexsecret:PREMASTER -kdfopt hexseed:SEED
    // TLS1-PRF, and again with 12 octets for the label "client finished" or "server finished".
    struct Known {
        ProtocolVersion version;
        std::string_view suite;
        std::string_view client;
        std::string_view server;
    };
    for (const Known& known :
         {Known{ProtocolVersion::tls_1_0, "TLS_RSA_WITH_RC4_128_MD5", "866a17670743c62758804352",
                "eab9f4669f99aba3b6f32c4d"},
          Known{ProtocolVersion::tls_1_1, "TLS_RSA_WITH_AES_128_CBC_SHA",
                "866a17670743c62758804352", "eab9f4669f99aba3b6f32c4d"},
          Known{ProtocolVersion::tls_1_2, "TLS_RSA_WITH_AES_128_CBC_SHA",
                "f56efb88f99d82c823ad7e2d", "f5ebd53848b00ff0f810e514"},
          Known{ProtocolVersion::tls_1_2, "TLS_RSA_WITH_AES_256_CBC_SHA256",
                "f56efb88f99d82c823ad7e2d", "f5ebd53848b00ff0f810e514"},
          Known{ProtocolVersion::tls_1_2, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
                "76da5a1b41888b4857b66e93", "ce72c2480b0c9d79113fd09e"},
          Known{ProtocolVersion::tls_1_2, "TLS_RSA_WITH_AES_256_GCM_SHA384",
                "76da5a1b41888b4857b66e93", "ce72c2480b0c9d79113fd09e"}}) {
        CAPTURE(known.suite, wire::name_of(known.version));
        const Protection protection(known.version, suite(known.suite), premaster(), client_random,
                                    server_random);
        const ByteView transcript = view_of("transcript");
        CHECK(to_hex(protection.verify_data(Side::client, transcript)) == known.client);
        CHECK(to_hex(protection.verify_data(Side::server, transcript)) == known.server);
    }
}

TEST_CASE("a record that was changed on the way does not open") {
    for (const Row& row : rows()) {
        CAPTURE(row.suite, wire::name_of(row.version));
        const Bytes record = Both(row).client.seal(ContentType::application_data, counted(40));
        REQUIRE(Both(row).open(record) == counted(40));
        for (std::size_t at = wire::record_header_length; at < record.size(); ++at) {
            CAPTURE(at);
            Bytes changed = record;
            changed[at] ^= 0x40;
            CHECK_FALSE(Both(row).open(changed));
        }
        // The header is protected as well.
        Bytes alert = record;
        alert[0] = static_cast<std::uint8_t>(ContentType::alert);
        CHECK_FALSE(Both(row).open(alert));
        // And so is the order of records.
        Both both(row);
        const Bytes first = both.client.seal(ContentType::application_data, counted(40));
        const Bytes second = both.client.seal(ContentType::application_data, counted(40));
        CHECK(both.open(first));
        CHECK_FALSE(both.open(first));
        CHECK_FALSE(Both(row).open(second));
    }
}

TEST_CASE("records of any length are refused without an exception") {
    for (const Row& row : rows()) {
        CAPTURE(row.suite, wire::name_of(row.version));
        Both both(row);
        for (std::size_t length = 0; length < 120; ++length) {
            CAPTURE(length);
            CHECK_FALSE(both.server.open(
                wire::Record{ContentType::handshake, row.version, counted(length), 0}));
        }
        CHECK_FALSE(both.server.open(wire::Record{ContentType::application_data, row.version,
                                                  counted(wire::max_record_length), 0}));
    }
}

TEST_CASE("padding is looked at octet for octet") {
    for (const Row& row : {Row{ProtocolVersion::tls_1_0, "TLS_RSA_WITH_3DES_EDE_CBC_SHA"},
                           Row{ProtocolVersion::tls_1_1, "TLS_RSA_WITH_AES_128_CBC_SHA"},
                           Row{ProtocolVersion::tls_1_2, "TLS_RSA_WITH_AES_256_CBC_SHA256"}}) {
        CAPTURE(row.suite);
        const auto type = ContentType::application_data;
        const std::size_t block = row.suite.find("3DES") == std::string_view::npos ? 16 : 8;
        const auto padded = [&](Both& both, std::size_t blocks) {
            const Bytes plaintext = counted(4);
            Bytes inner = plaintext;
            append(inner, both.client.mac_of_next(type, plaintext));
            const std::size_t padding = block * blocks - inner.size() % block;
            inner.resize(inner.size() + padding, static_cast<std::uint8_t>(padding - 1));
            return inner;
        };
        // More than one block of it is lawful (RFC 5246 6.2.3.2).
        for (const std::size_t blocks : {1U, 3U, 15U}) {
            Both both(row);
            CHECK(both.open(both.client.encrypted(type, padded(both, blocks))) == counted(4));
        }
        for (const std::size_t back : {2U, 3U}) {
            Both both(row);
            Bytes inner = padded(both, 2);
            inner[inner.size() - back] ^= 1;
            CHECK_FALSE(both.open(both.client.encrypted(type, inner)));
        }
        // As long as the record and longer; so long that too little is left for the MAC.
        for (const std::uint8_t length : {std::uint8_t{0xff}, std::uint8_t{4 * 16 - 1}}) {
            Both both(row);
            CHECK_FALSE(both.open(both.client.encrypted(type, Bytes(4 * 16, length))));
        }
        Both both(row);
        CHECK_FALSE(both.open(both.client.encrypted(type, Bytes(block, 0))));
    }
}

TEST_CASE("any premaster secret will do, and none is known to anybody else") {
    for (const std::size_t length : {0U, 1U, 20U, 48U, 66U, 256U, 1024U}) {
        CAPTURE(length);
        const auto version = length % 2 == 0 ? ProtocolVersion::tls_1_0 : ProtocolVersion::tls_1_2;
        const auto name = suite("TLS_RSA_WITH_AES_128_CBC_SHA");
        const Bytes secret = counted(length);
        Protection server(version, name, secret, client_random, server_random);
        ClientRecords client(version, name, secret, client_random, server_random);
        ClientRecords stranger(version, name, Bytes(48, 1), client_random, server_random);
        const auto open = [&](const Bytes& record) {
            return server.open(wire::decode_record(record).value());
        };
        CHECK(open(client.seal(ContentType::alert, counted(2))) == counted(2));
        CHECK_FALSE(open(stranger.seal(ContentType::alert, counted(2))));
    }
}

TEST_CASE("suites that are not known are said to be so") {
    for (const char* name : {"TLS_RSA_WITH_NULL_SHA", "TLS_RSA_WITH_DES_CBC_SHA",
                             "TLS_RSA_EXPORT_WITH_RC4_40_MD5", "TLS_AES_128_GCM_SHA256"}) {
        CAPTURE(name);
        CHECK_FALSE(session::can_protect(suite(name)));
        CHECK_THROWS_AS(Protection(ProtocolVersion::tls_1_0, suite(name), premaster(),
                                   client_random, server_random),
                        std::invalid_argument);
    }
    CHECK_FALSE(session::can_protect(wire::CipherSuite{0x1234}));
    for (const Row& row : rows())
        CHECK(session::can_protect(suite(row.suite)));
}
