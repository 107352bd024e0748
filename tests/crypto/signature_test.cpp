#include "handshake/crypto/signature.h"

#include <mbedtls/pk.h>
#include <mbedtls/rsa.h>
#include <catch2/catch.hpp>

#include "handshake/crypto/ber.h"
#include "handshake/crypto/digest.h"
#include "tests/support/process.h"

using namespace handset;
using namespace handset::crypto;

namespace {

// The parts of a self-signed certificate that verify_signature wants.
struct Parts {
    Bytes tbs;
    std::string algorithm;
    std::optional<Bytes> parameters;
    Bytes signature;
    Bytes key;

    SignatureResult check() const {
        return verify_signature(tbs, algorithm,
                                parameters ? std::optional<ByteView>(*parameters) : std::nullopt,
                                signature, key);
    }
};

Parts parts_of(ByteView certificate) {
    Parts out;
    BerReader outer(certificate);
    const auto whole = outer.expect(ber::sequence);
    REQUIRE(whole);
    BerReader fields(whole->contents);
    out.tbs = to_bytes(fields.expect(ber::sequence)->encoding);
    BerReader identifier(fields.expect(ber::sequence)->contents);
    out.algorithm = dotted_oid_of(*identifier.next());
    if (const auto parameters = identifier.next()) out.parameters = to_bytes(parameters->encoding);
    out.signature = to_bytes(fields.expect(ber::bit_string)->contents.subspan(1));
    const auto key = find_subject_public_key_info(certificate);
    REQUIRE(key);
    out.key = to_bytes(*key);
    return out;
}

Parts self_signed(const test::TempDir& folder, std::vector<std::string> key_options,
                  std::vector<std::string> sign_options) {
    const std::string file = (folder / "c.der").string();
    std::vector<std::string> command{"openssl",  "req",   "-x509",   "-nodes",
                                     "-subj",    "/CN=t", "-out",    file,
                                     "-outform", "DER",   "-keyout", (folder / "k.pem").string()};
    command.insert(command.end(), key_options.begin(), key_options.end());
    command.insert(command.end(), sign_options.begin(), sign_options.end());
    test::run(command);
    return parts_of(test::read_file(file));
}

Bytes private_rsa_key(const test::TempDir& folder) {
    Bytes pem = test::read_file(folder / "k.pem");
    pem.push_back(0);
    return pem;
}

// PKCS #1 v1.5 over any octets, with the key in k.pem.
Bytes sign_raw(const test::TempDir& folder, ByteView digest_info) {
    const Bytes pem = private_rsa_key(folder);
    mbedtls_pk_context pk;
    mbedtls_pk_init(&pk);
    REQUIRE(mbedtls_pk_parse_key(&pk, pem.data(), pem.size(), nullptr, 0) == 0);
    Bytes out(mbedtls_pk_get_len(&pk));
    const auto zeros = [](void*, unsigned char* to, std::size_t length) {
        std::fill(to, to + length, std::uint8_t{1});
        return 0;
    };
    REQUIRE(mbedtls_rsa_pkcs1_sign(mbedtls_pk_rsa(pk), zeros, nullptr, MBEDTLS_RSA_PRIVATE,
                                   MBEDTLS_MD_NONE, static_cast<unsigned>(digest_info.size()),
                                   digest_info.data(), out.data()) == 0);
    mbedtls_pk_free(&pk);
    return out;
}

}  // namespace

TEST_CASE("signatures made by OpenSSL verify, and do not over other octets") {
    const test::TempDir folder;
    const struct {
        std::vector<std::string> key;
        std::vector<std::string> sign;
        const char* algorithm;
    } rows[] = {
        {{"-newkey", "rsa:1024"}, {"-md5"}, "1.2.840.113549.1.1.4"},
        {{"-newkey", "rsa:1024"}, {"-sha1"}, "1.2.840.113549.1.1.5"},
        {{"-newkey", "rsa:1024"}, {"-sha224"}, "1.2.840.113549.1.1.14"},
        {{"-newkey", "rsa:1024"}, {"-sha256"}, "1.2.840.113549.1.1.11"},
        {{"-newkey", "rsa:1024"}, {"-sha384"}, "1.2.840.113549.1.1.12"},
        {{"-newkey", "rsa:1024"}, {"-sha512"}, "1.2.840.113549.1.1.13"},
        {{"-newkey", "rsa:1024"},
         {"-sha256", "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"},
         "1.2.840.113549.1.1.10"},
        {{"-newkey", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:1024"},
         {"-sha1", "-sigopt", "rsa_pss_saltlen:7"},
         "1.2.840.113549.1.1.10"},
        {{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"}, {"-sha1"}, "1.2.840.10045.4.1"},
        {{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"},
         {"-sha256"},
         "1.2.840.10045.4.3.2"},
        {{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"},
         {"-sha384"},
         "1.2.840.10045.4.3.3"},
        {{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"},
         {"-sha512"},
         "1.2.840.10045.4.3.4"},
    };
    for (const auto& row : rows) {
        CAPTURE(row.algorithm, row.sign);
        Parts parts = self_signed(folder, row.key, row.sign);
        REQUIRE(parts.algorithm == row.algorithm);
        const SignatureResult result = parts.check();
        CHECK(result.detail.empty());
        CHECK(result.check == SignatureCheck::good);

        Parts other = parts;
        other.tbs.back() ^= 1;
        CHECK(other.check().check == SignatureCheck::bad);
        other = parts;
        other.signature[other.signature.size() / 2] ^= 1;
        CHECK(other.check().check == SignatureCheck::bad);
        other = parts;
        other.signature.pop_back();
        CHECK(other.check().check == SignatureCheck::bad);
        other = parts;
        other.signature.clear();
        CHECK(other.check().check == SignatureCheck::bad);
    }
}

TEST_CASE("a bad signature says what it is") {
    const test::TempDir folder;
    Parts parts = self_signed(folder, {"-newkey", "rsa:1024"}, {"-sha1"});
    Parts other = self_signed(folder, {"-newkey", "rsa:1024"}, {"-sha1"});

    std::swap(parts.key, other.key);
    CHECK(parts.check().detail.find("another key") != std::string::npos);
    std::swap(parts.key, other.key);
    parts.algorithm = "1.2.840.113549.1.1.11";
    CHECK(parts.check() ==
          SignatureResult{SignatureCheck::bad, "signed with the digest SHA-1, not with SHA-256"});
    parts.algorithm = "1.3.14.3.2.29";  // OIW's sha1WithRSA: the same computation
    CHECK(parts.check().check == SignatureCheck::good);
    parts.algorithm = "1.2.840.10045.4.1";
    CHECK(parts.check().check == SignatureCheck::bad);
}

TEST_CASE("algorithms and keys beyond what can be computed are not_checkable") {
    const test::TempDir folder;
    Parts parts = self_signed(folder, {"-newkey", "ed25519"}, {});
    CHECK(parts.check() ==
          SignatureResult{SignatureCheck::not_checkable, "Ed25519 is not checked here"});
    parts.algorithm = "1.2.3\x1b[2J";
    CHECK(parts.check().check == SignatureCheck::not_checkable);
    CHECK(parts.check().detail.find('\x1b') == std::string::npos);
    parts.algorithm = "1.2.840.10040.4.3";
    CHECK(parts.check().check == SignatureCheck::not_checkable);
    parts.algorithm = "1.2.840.113549.1.1.5";
    CHECK(parts.check().check == SignatureCheck::not_checkable);
    parts.key.clear();
    CHECK(parts.check().check == SignatureCheck::not_checkable);

    Parts ec = self_signed(folder, {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:sect163k1"},
                           {"-sha256"});
    CHECK(ec.check().check == SignatureCheck::not_checkable);
    Parts point =
        self_signed(folder, {"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"}, {"-sha256"});
    point.key.back() ^= 1;
    CHECK(point.check() ==
          SignatureResult{SignatureCheck::bad, "the public key is no point of its curve"});
}

namespace {
Bytes der(std::uint8_t tag, ByteView contents) {
    Bytes out{tag, 0x83, static_cast<std::uint8_t>(contents.size() >> 16),
              static_cast<std::uint8_t>(contents.size() >> 8),
              static_cast<std::uint8_t>(contents.size())};
    append(out, contents);
    return out;
}
Bytes concat(std::initializer_list<Bytes> parts) {
    Bytes out;
    for (const Bytes& part : parts)
        append(out, part);
    return out;
}
Bytes rsa_key(const Bytes& modulus, const Bytes& exponent) {
    Bytes bits = der(0x30, concat({der(0x02, modulus), der(0x02, exponent)}));
    bits.insert(bits.begin(), 0);
    return der(0x30, concat({*from_hex("300d06092a864886f70d0101010500"), der(0x03, bits)}));
}
}  // namespace

TEST_CASE("work on hostile RSA keys is bounded") {
    const Bytes tbs{1, 2, 3};
    const auto check = [&](const Bytes& modulus, const Bytes& exponent) {
        const Bytes signature(modulus.size(), 1);
        return verify_signature(tbs, "1.2.840.113549.1.1.5", {}, signature,
                                rsa_key(modulus, exponent));
    };
    CHECK(check(Bytes(2049, 0xff), {3}).check == SignatureCheck::not_checkable);
    CHECK(check(Bytes(1024, 0xff), Bytes(1024, 0x7f)).check == SignatureCheck::not_checkable);
    CHECK(check(Bytes(128, 0xfe), {3}).check == SignatureCheck::not_checkable);
    CHECK(check(Bytes(128, 0), {3}).check == SignatureCheck::not_checkable);
    CHECK(check(Bytes(128, 0xff), {0}).check == SignatureCheck::not_checkable);
    CHECK(check(Bytes(128, 0xff), {3}).check == SignatureCheck::bad);
}

TEST_CASE("what stands inside a PKCS #1 signature is read exactly") {
    const test::TempDir folder;
    Parts parts = self_signed(folder, {"-newkey", "rsa:1024"}, {"-sha1"});
    const Bytes hash = *digest(HashAlgorithm::sha1, parts.tbs);
    const auto with = [&](const Bytes& digest_info) {
        Parts other = parts;
        other.signature = sign_raw(folder, digest_info);
        return other.check();
    };
    CHECK(with(concat({*from_hex("3021300906052b0e03021a05000414"), hash})) ==
          SignatureResult{SignatureCheck::good, ""});
    CHECK(with(concat({*from_hex("301f300706052b0e03021a0414"), hash})) ==
          SignatureResult{SignatureCheck::good, "DigestInfo without the NULL parameters"});
    CHECK(with(concat({*from_hex("302130090605 2b0e03021a05000414"), hash, {0}})).check ==
          SignatureCheck::bad);
    CHECK(with(concat({*from_hex("308121300906052b0e03021a05000414"), hash})).check ==
          SignatureCheck::bad);
    CHECK(with(concat({*from_hex("3023300b06052b0e03021a0402abcd0414"), hash})).check ==
          SignatureCheck::bad);
    CHECK(with({0x30, 0x00}).check == SignatureCheck::bad);

    const auto md2 = digest(HashAlgorithm::md2, parts.tbs);
    Parts old = parts;
    old.algorithm = "1.2.840.113549.1.1.2";
    old.signature = sign_raw(folder, concat({*from_hex("3020300c06082a864886f70d020205000410"),
                                             md2 ? *md2 : Bytes(16)}));
    CHECK(old.check().check == (md2 ? SignatureCheck::good : SignatureCheck::not_checkable));
}

TEST_CASE("find_subject_public_key_info survives every truncation") {
    const test::TempDir folder;
    self_signed(folder, {"-newkey", "rsa:1024"}, {"-sha1"});
    const Bytes certificate = test::read_file(folder / "c.der");
    for (std::size_t length = 0; length < certificate.size(); ++length) {
        CHECK_FALSE(find_subject_public_key_info(ByteView(certificate).first(length)));
    }
    CHECK(find_subject_public_key_info(certificate));
}
