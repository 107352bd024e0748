#include "handshake/crypto/private_key.h"

#include <catch2/catch.hpp>

#include "handshake/crypto/signature.h"
#include "tests/support/process.h"

using namespace handset;
using crypto::HashAlgorithm;
using crypto::PrivateKey;
using crypto::SignatureCheck;

namespace {

std::string file(const std::string& name) {
    return std::string(HANDSET_SOURCE_DIR) + "/cases/keys/" + name + ".pem";
}
PrivateKey key(const std::string& name) {
    return PrivateKey(to_text(test::read_file(file(name))));
}

const ByteView text = view_of("what is signed");
// A BIT STRING's NULL, as RSA's parameters have it.
const Bytes null{5, 0};

SignatureCheck check(const PrivateKey& signer, std::string_view oid, ByteView signature) {
    const bool rsa = signer.is_rsa();
    return crypto::verify_signature(text, oid, rsa ? std::optional<ByteView>(null) : std::nullopt,
                                    signature, signer.public_key())
        .check;
}

}  // namespace

TEST_CASE("a public key is the one that openssl writes") {
    for (const char* name : {"rsa1024", "rsa2048-leaf", "rsa4096", "ec256"}) {
        CAPTURE(name);
        const test::TempDir folder;
        const std::string out = (folder / "public.der").string();
        test::run(
            {"openssl", "pkey", "-in", file(name), "-pubout", "-outform", "DER", "-out", out});
        CHECK(key(name).public_key() == test::read_file(out));
        CHECK(key(name).is_rsa() == std::string_view(name).starts_with("rsa"));
    }
}

TEST_CASE("what is signed verifies, and twice signed is the same") {
    struct Row {
        HashAlgorithm hash;
        std::string_view rsa;
        std::string_view ecdsa;
    };
    for (const Row& row :
         {Row{HashAlgorithm::md2, "1.2.840.113549.1.1.2", ""},
          Row{HashAlgorithm::md4, "1.2.840.113549.1.1.3", ""},
          Row{HashAlgorithm::md5, "1.2.840.113549.1.1.4", "none"},
          Row{HashAlgorithm::sha1, "1.2.840.113549.1.1.5", "1.2.840.10045.4.1"},
          Row{HashAlgorithm::sha224, "1.2.840.113549.1.1.14", "1.2.840.10045.4.3.1"},
          Row{HashAlgorithm::sha256, "1.2.840.113549.1.1.11", "1.2.840.10045.4.3.2"},
          Row{HashAlgorithm::sha384, "1.2.840.113549.1.1.12", "1.2.840.10045.4.3.3"},
          Row{HashAlgorithm::sha512, "1.2.840.113549.1.1.13", "1.2.840.10045.4.3.4"}}) {
        CAPTURE(crypto::hash_name(row.hash));
        for (const char* name : {"rsa1024", "ec256"}) {
            CAPTURE(name);
            const PrivateKey signer = key(name);
            const std::string_view oid = signer.is_rsa() ? row.rsa : row.ecdsa;
            if (oid.empty()) {
                CHECK_THROWS_AS(signer.sign(row.hash, text), std::runtime_error);
                continue;
            }
            if (oid == "none") continue;
            Bytes signature = signer.sign(row.hash, text);
            CHECK(signature == signer.sign(row.hash, text));
            CHECK(signature == key(name).sign(row.hash, text));
            CHECK(check(signer, oid, signature) == SignatureCheck::good);
            signature.back() ^= 1;
            CHECK(check(signer, oid, signature) == SignatureCheck::bad);
        }
    }
}

TEST_CASE("TLS 1.0 signs MD5 and SHA-1 one behind the other, and SHA-1 alone with ECDSA") {
    const PrivateKey rsa = key("rsa1024");
    const test::TempDir folder;
    const std::string signature = (folder / "signature").string();
    const std::string hashes = (folder / "hashes").string();
    test::write_file(signature, rsa.sign_tls_1_0(text));
    // Without a DigestInfo around it.
    test::run({"openssl", "pkeyutl", "-verifyrecover", "-inkey", file("rsa1024"), "-in", signature,
               "-out", hashes, "-pkeyopt", "rsa_padding_mode:pkcs1"});
    Bytes expected = crypto::digest(HashAlgorithm::md5, text).value();
    append(expected, crypto::digest(HashAlgorithm::sha1, text).value());
    CHECK(test::read_file(hashes) == expected);

    const PrivateKey ec = key("ec256");
    CHECK(check(ec, "1.2.840.10045.4.1", ec.sign_tls_1_0(text)) == SignatureCheck::good);
}

TEST_CASE("what openssl encrypts is decrypted, and nothing else") {
    const PrivateKey rsa = key("rsa2048-leaf");
    const test::TempDir folder;
    const std::string plain = (folder / "plain").string();
    const std::string encrypted = (folder / "encrypted").string();
    for (const std::size_t length : {0U, 1U, 48U, 245U}) {
        CAPTURE(length);
        const Bytes secret(length, 0x2a);
        test::write_file(plain, secret);
        test::run({"openssl", "pkeyutl", "-encrypt", "-inkey", file("rsa2048-leaf"), "-in", plain,
                   "-out", encrypted, "-pkeyopt", "rsa_padding_mode:pkcs1"});
        const Bytes octets = test::read_file(encrypted);
        CHECK(rsa.decrypt(octets) == secret);
        CHECK_FALSE(key("rsa2048-other").decrypt(octets));
        CHECK_FALSE(rsa.decrypt(ByteView(octets).first(255)));
    }
    for (const Bytes& octets :
         {Bytes{}, Bytes(1), Bytes(256, 0), Bytes(256, 0xff), Bytes(257, 1), Bytes(65535, 7)}) {
        CAPTURE(octets.size());
        CHECK_FALSE(rsa.decrypt(octets));
    }
    CHECK_FALSE(key("ec256").decrypt(Bytes(256, 7)));
}

TEST_CASE("what is no private key is one line of complaint") {
    const std::string good = to_text(test::read_file(file("rsa1024")));
    const std::string cut = good.substr(0, good.size() / 2);
    for (const std::string& bad :
         {std::string(), std::string("no key"), cut, std::string("-----BEGIN PRIVATE KEY-----\n"),
          std::string(100, '\0'), std::string(1 << 16, 'A')}) {
        CAPTURE(bad.substr(0, 40));
        try {
            const PrivateKey made(bad);
            FAIL("is a key");
        } catch (const std::runtime_error& error) {
            CHECK(std::string(error.what()).find('\n') == std::string::npos);
            CHECK(std::string(error.what()).starts_with("private key: "));
        }
    }
}
