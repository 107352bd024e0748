#include "handshake/crypto/pkcs12.h"

#include <catch2/catch.hpp>

#include "handshake/crypto/rc2.h"
#include "tests/support/process.h"

using namespace handset;
using crypto::decode_pkcs12_certificates;

namespace {

// A key and a certificate, and containers made of them.
struct Maker {
    test::TempDir folder;
    Bytes certificate;

    Maker() {
        test::run({"openssl", "req", "-x509", "-nodes", "-subj", "/CN=t", "-newkey", "rsa:1024",
                   "-keyout", (folder / "k.pem").string(), "-out", (folder / "c.pem").string()});
        test::run({"openssl", "x509", "-in", (folder / "c.pem").string(), "-outform", "DER", "-out",
                   (folder / "c.der").string()});
        certificate = test::read_file(folder / "c.der");
    }
    Bytes container(const std::vector<std::string>& options, const std::string& password) const {
        std::vector<std::string> command{"openssl",
                                         "pkcs12",
                                         "-export",
                                         "-inkey",
                                         (folder / "k.pem").string(),
                                         "-in",
                                         (folder / "c.pem").string(),
                                         "-out",
                                         (folder / "c.p12").string(),
                                         "-passout",
                                         "pass:" + password};
        command.insert(command.end(), options.begin(), options.end());
        test::run(command);
        return test::read_file(folder / "c.p12");
    }
};

}  // namespace

TEST_CASE("RC2 deciphers what RFC 2268 section 5 enciphers") {
    const struct {
        const char* key;
        unsigned bits;
        const char* plain;
        const char* cipher;
    } vectors[] = {
        {"0000000000000000", 63, "0000000000000000", "ebb773f993278eff"},
        {"ffffffffffffffff", 64, "ffffffffffffffff", "278b27e42e2f0d49"},
        {"3000000000000000", 64, "1000000000000001", "30649edf9be7d2c2"},
        {"88bca90e90875a7f0f79c384627bafb2", 128, "0000000000000000", "2269552ab0f85ca6"},
    };
    for (const auto& vector : vectors) {
        // CBC: with an IV of plaintext XOR padding the block comes out as padding alone.
        Bytes iv = *from_hex(vector.plain);
        for (auto& octet : iv)
            octet ^= 8;
        CHECK(crypto::rc2_cbc_decrypt(*from_hex(vector.key), vector.bits, iv,
                                      *from_hex(vector.cipher)) == Bytes{});
        iv[7] ^= 1;
        CHECK_FALSE(crypto::rc2_cbc_decrypt(*from_hex(vector.key), vector.bits, iv,
                                            *from_hex(vector.cipher)));
    }
    CHECK_FALSE(crypto::rc2_cbc_decrypt({}, 64, Bytes(8), Bytes(8)));
    CHECK_FALSE(crypto::rc2_cbc_decrypt(Bytes(8), 64, Bytes(8), Bytes(9)));
    CHECK_FALSE(crypto::rc2_cbc_decrypt(Bytes(8), 64, Bytes(7), Bytes(8)));
}

TEST_CASE("containers of today and of old open with their password only") {
    const Maker maker;
    const std::vector<std::string> kinds[] = {
        {},
        {"-legacy"},  // RC2-40 around the certificate, SHA-1
        {"-legacy", "-certpbe", "PBE-SHA1-3DES"},
        {"-legacy", "-certpbe", "PBE-SHA1-2DES"},
        {"-legacy", "-certpbe", "PBE-SHA1-RC2-128"},
        {"-legacy", "-certpbe", "PBE-SHA1-RC4-128"},
        {"-certpbe", "AES-128-CBC", "-macalg", "sha512"},
        {"-certpbe", "AES-192-CBC", "-macalg", "sha384"},
        {"-certpbe", "DES-EDE3-CBC", "-macalg", "sha1"},
        {"-certpbe", "NONE"},
        {"-nomac", "-certpbe", "AES-256-CBC"},
        {"-nomac", "-legacy", "-certpbe", "PBE-SHA1-RC2-40"},
    };
    for (const auto& kind : kinds) {
        CAPTURE(kind);
        for (const std::string password : {"", "secret", "p\xc3\xa4ss w\xf0\x9f\x94\x91rd",
                                           "a password of far more than thirty-one characters"}) {
            CAPTURE(password);
            const Bytes container = maker.container(kind, password);
            const auto certificates = decode_pkcs12_certificates(container, password);
            REQUIRE(certificates.has_value());
            CHECK(*certificates == std::vector<Bytes>{maker.certificate});
            const auto wrong = decode_pkcs12_certificates(container, password + "x");
            REQUIRE_FALSE(wrong.has_value());
            CHECK(wrong.error().reason.find("password") != std::string::npos);
        }
    }
}

TEST_CASE("a container that needs a password says so") {
    const Maker maker;
    const Bytes container = maker.container({}, "secret");
    CHECK(decode_pkcs12_certificates(container, "").error().reason == "a password is needed");
    CHECK(decode_pkcs12_certificates(container, "wrong").error().reason == "the password is wrong");
    CHECK(decode_pkcs12_certificates(container, "secret", 2000).error().field == "iterations");
}

TEST_CASE("a key alone is no fault, but no certificate either") {
    const Maker maker;
    const Bytes container = maker.container({"-nocerts"}, "secret");
    const auto certificates = decode_pkcs12_certificates(container, "secret");
    REQUIRE(certificates.has_value());
    CHECK(certificates->empty());
}

TEST_CASE("damaged containers are errors, at every length") {
    const Maker maker;
    const Bytes container = maker.container({"-certpbe", "NONE", "-nomac"}, "");
    for (std::size_t length = 0; length < container.size(); ++length) {
        CHECK_FALSE(decode_pkcs12_certificates(ByteView(container).first(length), "").has_value());
    }
}
