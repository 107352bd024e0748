#include "handshake/crypto/keystore.h"

#include <catch2/catch.hpp>

#include "handshake/base/writer.h"
#include "handshake/crypto/digest.h"
#include "handshake/crypto/serialized_store.h"

using namespace handset;
using crypto::decode_keystore;
using crypto::KeystoreKind;
using crypto::StoredCertificate;

// Stores of real programs are read in tests/flight/roots_test.cpp; here they are made octet by
// octet, so that what those programs do not write can be shown, too.
namespace {

const Bytes first{0x30, 1, 2, 3};
const Bytes second{0x30, 4, 5};

void put_utf(Writer& out, std::string_view text) {
    out.vector16(view_of(text));
}
void put_sized(Writer& out, ByteView octets) {
    out.u32(static_cast<std::uint32_t>(octets.size())).put(octets);
}
void put_certificate(Writer& out, ByteView der, bool typed) {
    if (typed) put_utf(out, "X.509");
    put_sized(out, der);
}
void begin_entry(Writer& out, std::uint32_t tag, std::string_view alias) {
    out.u32(tag);
    put_utf(out, alias);
    out.put(Bytes(8));
}

// A trusted certificate, and a private key with a chain of two.
Bytes jks(std::uint32_t magic, std::uint32_t version, const std::string& utf16_password) {
    Writer out;
    const bool typed = version == 2;
    out.u32(magic).u32(version).u32(2);
    begin_entry(out, 2, "trusted");
    put_certificate(out, first, typed);
    begin_entry(out, 1, "key");
    put_sized(out, Bytes(50, 0xee));
    out.u32(2);
    put_certificate(out, second, typed);
    put_certificate(out, Bytes{0x30, 9}, typed);
    Bytes hashed = to_bytes(view_of(utf16_password + "Mighty Aphrodite"));
    append(hashed, out.bytes());
    out.put(*crypto::digest(crypto::HashAlgorithm::sha1, hashed));
    return out.take();
}

const std::string changeit("\0c\0h\0a\0n\0g\0e\0i\0t", 16);
const std::vector<StoredCertificate> expected{
    {first, true}, {second, true}, {Bytes{0x30, 9}, false}};

}  // namespace

TEST_CASE("JKS and JCEKS of both versions") {
    for (const std::uint32_t version : {1U, 2U}) {
        for (const auto& [magic, kind] : {std::pair(0xfeedfeedU, KeystoreKind::jks),
                                          std::pair(0xcecececeU, KeystoreKind::jceks)}) {
            const Bytes store = jks(magic, version, changeit);
            CHECK(crypto::keystore_kind_of(store) == kind);
            const auto read = decode_keystore(store, "changeit");
            REQUIRE(read.has_value());
            CHECK(*read == expected);
            for (const char* wrong : {"", "Changeit", "changei", "changeit "}) {
                const auto refused = decode_keystore(store, wrong);
                REQUIRE_FALSE(refused.has_value());
                CHECK(refused.error().field == "password");
            }
        }
    }
    const auto later = decode_keystore(jks(0xfeedfeed, 3, changeit), "changeit");
    REQUIRE_FALSE(later.has_value());
    CHECK(to_string(later.error()).find("JKS.version: 3 is unknown") == 0);
}

TEST_CASE("a password is UTF-16 whatever its characters") {
    const Bytes store = jks(0xfeedfeed, 2, std::string("\0p\0\xe4\x20\xac\xd8\x3d\xde\x00", 10));
    CHECK(decode_keystore(store, "p\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80").has_value());
    CHECK_FALSE(decode_keystore(store, "p").has_value());
    CHECK(decode_keystore(jks(0xfeedfeed, 2, ""), "").has_value());
}

TEST_CASE("a store that was changed or cut short is none") {
    const Bytes store = jks(0xfeedfeed, 2, changeit);
    for (std::size_t length = 0; length < store.size(); ++length) {
        const auto read = decode_keystore(ByteView(store).first(length), "changeit");
        REQUIRE_FALSE(read.has_value());
        CHECK(read.error().field != "password");
    }
    for (std::size_t at = 4; at < store.size(); ++at) {
        Bytes changed = store;
        changed[at] ^= 0x10;
        CHECK_FALSE(decode_keystore(changed, "changeit").has_value());
    }
    Bytes longer = store;  // Java does not look behind the digest
    append(longer, first);
    CHECK(decode_keystore(longer, "changeit").has_value());
}

TEST_CASE("numbers that promise more than there is cost nothing") {
    Writer many;
    many.u32(0xfeedfeed).u32(2).u32(0xffffffff);
    CHECK_FALSE(decode_keystore(many.bytes(), "").has_value());
    Writer chain;
    chain.u32(0xfeedfeed).u32(2).u32(1);
    begin_entry(chain, 1, "key");
    chain.u32(0).u32(0xffffffff);
    CHECK_FALSE(decode_keystore(chain.bytes(), "").has_value());
    Writer large;
    large.u32(0xfeedfeed).u32(2).u32(1);
    begin_entry(large, 1, "key");
    large.u32(0xfffffff0).put(Bytes(100));
    CHECK_FALSE(decode_keystore(large.bytes(), "").has_value());
}

TEST_CASE("what has no key store's front is none") {
    CHECK_FALSE(crypto::keystore_kind_of({}));
    CHECK_FALSE(crypto::keystore_kind_of(Bytes{0xfe, 0xed}));
    CHECK_FALSE(crypto::keystore_kind_of(Bytes(4096)));
    CHECK_FALSE(crypto::keystore_kind_of(*from_hex("00000000 43455254 00000000")));
    const auto bks = [](std::uint32_t version, std::uint32_t salt, std::uint32_t iterations) {
        Writer out;
        out.u32(version).u32(salt).put(Bytes(20)).u32(iterations).u8(0).put(Bytes(20));
        return crypto::keystore_kind_of(out.bytes());
    };
    CHECK(bks(1, 20, 1024) == KeystoreKind::bks);
    CHECK(bks(2, 20, 2047) == KeystoreKind::bks);
    CHECK_FALSE(bks(3, 20, 1024));
    CHECK_FALSE(bks(1, 2000, 1024));
    CHECK_FALSE(bks(1, 20, 100'000'000));
}

namespace {

void put_little(Bytes& out, std::uint32_t value) {
    for (const int shift : {0, 8, 16, 24})
        out.push_back(static_cast<std::uint8_t>(value >> shift));
}
// [MS-OSHARED] 2.3.2.5: number, encoding (1: ASN.1), length, value.
void put_element(Bytes& out, std::uint32_t id, ByteView value) {
    put_little(out, id);
    put_little(out, id == 0 ? 0 : 1);
    put_little(out, static_cast<std::uint32_t>(value.size()));
    append(out, value);
}

}  // namespace

TEST_CASE("a serialized store by [MS-OSHARED] 2.3.9.1") {
    Bytes store = *from_hex("00000000 43455254");
    put_element(store, 11, view_of(std::string_view("R\0o\0o\0t\0\0\0", 10)));  // friendly name
    put_element(store, 3, Bytes(20, 0xab));                                     // SHA-1
    put_element(store, 32, first);
    put_element(store, 33, Bytes{0x30, 7});  // a revocation list
    put_element(store, 34, Bytes{0x30, 8});  // a trust list
    put_element(store, 32, second);
    const Bytes without_end = store;
    put_element(store, 0, {});
    CHECK(crypto::is_serialized_store(store));
    const auto read = crypto::decode_serialized_store(store);
    REQUIRE(read.has_value());
    CHECK(*read == std::vector<Bytes>{first, second});
    CHECK(crypto::decode_serialized_store(*from_hex("0000000043455254 000000000000000000000000"))
              .value()
              .empty());

    for (std::size_t length = 0; length < store.size(); ++length) {
        CHECK_FALSE(crypto::decode_serialized_store(ByteView(store).first(length)).has_value());
    }
    CHECK_FALSE(crypto::decode_serialized_store(without_end).has_value());
    Bytes huge = *from_hex("00000000 43455254");
    put_little(huge, 32);
    put_little(huge, 1);
    put_little(huge, 0xffffffff);
    const auto refused = crypto::decode_serialized_store(huge);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().field == "SST.value");
    CHECK_FALSE(crypto::is_serialized_store(*from_hex("01000000 43455254")));
}
