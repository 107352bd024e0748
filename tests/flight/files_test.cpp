#include "emulator/flight/files.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "tests/support/process.h"

using namespace handset;
using flight::decode_certificates;
using flight::FileError;
using flight::load_certificates;

namespace {

// A chain of two and everything else openssl writes, made once.
struct Samples {
    test::TempDir folder;
    Bytes leaf;
    Bytes ca;

    Samples() {
        const auto at = [&](const char* name) { return (folder / name).string(); };
        test::run({"openssl", "req", "-x509", "-nodes", "-subj", "/CN=ca", "-newkey", "rsa:1024",
                   "-keyout", at("ca.key"), "-out", at("ca.pem")});
        test::run({"openssl", "req", "-nodes", "-subj", "/CN=leaf", "-newkey", "rsa:1024",
                   "-keyout", at("leaf.key"), "-out", at("leaf.csr")});
        test::run({"openssl", "x509", "-req", "-in", at("leaf.csr"), "-CA", at("ca.pem"), "-CAkey",
                   at("ca.key"), "-set_serial", "1", "-out", at("leaf.pem")});
        for (const char* name : {"leaf", "ca"}) {
            test::run({"openssl", "x509", "-in", at(name) + ".pem", "-outform", "DER", "-out",
                       at(name) + ".der"});
        }
        leaf = test::read_file(folder / "leaf.der");
        ca = test::read_file(folder / "ca.der");
    }
    std::string path(const char* name) const { return (folder / name).string(); }
    std::string text(const char* name) const { return to_text(test::read_file(folder / name)); }
    // Runs openssl, whose last two arguments become -out NAME, and reads NAME back.
    Bytes make(std::vector<std::string> command, const char* name) const {
        command.insert(command.begin(), "openssl");
        command.insert(command.end(), {"-out", path(name)});
        test::run(command);
        return test::read_file(folder / name);
    }
};
const Samples& samples() {
    static const Samples made;
    return made;
}

std::vector<Bytes> decode(std::string_view text) {
    return decode_certificates(view_of(text), "x");
}

std::string fault(ByteView octets, const std::string& password = "") {
    try {
        decode_certificates(octets, "x", password);
    } catch (const FileError& error) {
        return error.what();
    }
    return "no error";
}
std::string fault(std::string_view text) {
    return fault(view_of(text));
}
std::string load_fault(const std::filesystem::path& file) {
    try {
        load_certificates(file);
    } catch (const FileError& error) {
        const std::string message = error.what();
        REQUIRE(message.starts_with(file.string() + ": "));
        return message.substr(file.string().size() + 2);
    }
    return "no error";
}

}  // namespace

TEST_CASE("PEM, with whatever stands between") {
    const Samples& s = samples();
    const std::vector<Bytes> both{s.leaf, s.ca};
    const std::string chain = s.text("leaf.pem") + s.text("ca.pem");
    CHECK(decode(chain) == both);
    CHECK(decode("subject=/CN=leaf\nBag Attributes\n    friendlyName: x\n" + s.text("leaf.pem") +
                 "\nissuer: y\n" + s.text("ca.pem") + "trailer") == both);
    CHECK(decode(s.text("leaf.key") + chain) == both);
    CHECK(decode("0 is no SEQUENCE here\n" + chain) == both);
    CHECK(decode("\xef\xbb\xbf" + chain) == both);

    std::string crlf;
    for (const char c : chain)
        crlf += c == '\n' ? "\r\n" : std::string(1, c);
    CHECK(decode(crlf) == both);
    std::string utf16 = "\xff\xfe";
    for (const char c : crlf)
        utf16 += {c, '\0'};
    CHECK(decode(utf16) == both);
    std::string old_mac = chain;
    std::replace(old_mac.begin(), old_mac.end(), '\n', '\r');
    CHECK(decode(old_mac) == both);

    std::string renamed = chain;
    for (std::size_t at = 0; (at = renamed.find("CERTIFICATE", at)) != std::string::npos;
         at += 16) {
        renamed.insert(at, "X509 ");
    }
    CHECK(decode(renamed) == both);
    const auto trusted = s.make(
        {"x509", "-in", s.path("leaf.pem"), "-addtrust", "serverAuth", "-trustout"}, "trusted.pem");
    CHECK(to_text(trusted).find("TRUSTED") != std::string::npos);
    CHECK(decode(to_text(trusted)) == std::vector<Bytes>{s.leaf});
}

TEST_CASE("DER, PKCS #7 and PKCS #12") {
    const Samples& s = samples();
    const std::vector<Bytes> both{s.leaf, s.ca};
    CHECK(decode_certificates(s.leaf, "x") == std::vector<Bytes>{s.leaf});

    const auto pkcs7 = [&](const char* form) {
        return s.make({"crl2pkcs7", "-nocrl", "-certfile", s.path("leaf.pem"), "-certfile",
                       s.path("ca.pem"), "-outform", form},
                      "c.p7b");
    };
    CHECK(decode_certificates(pkcs7("DER"), "x") == both);
    CHECK(decode_certificates(pkcs7("PEM"), "x") == both);
    const Bytes cms =
        s.make({"cms", "-sign", "-signer", s.path("leaf.pem"), "-inkey", s.path("leaf.key"),
                "-certfile", s.path("ca.pem"), "-in", s.path("leaf.csr"), "-outform", "PEM"},
               "c.cms");
    const auto signers = decode_certificates(cms, "x");
    CHECK(signers.size() == 2);

    const auto pkcs12 = [&](const std::string& password) {
        return s.make({"pkcs12", "-export", "-in", s.path("leaf.pem"), "-inkey", s.path("leaf.key"),
                       "-certfile", s.path("ca.pem"), "-passout", "pass:" + password},
                      "c.p12");
    };
    CHECK(decode_certificates(pkcs12(""), "x") == both);
    const Bytes secret = pkcs12("secret");
    CHECK(decode_certificates(secret, "x", "secret") == both);
    CHECK(fault(secret) == "x: PKCS #12: a password is needed (macData)");
    CHECK(fault(secret, "guess") == "x: PKCS #12: the password is wrong (macData)");
}

TEST_CASE("malformed certificates pass through for the strict reader") {
    const Samples& s = samples();
    for (std::size_t length = 8; length < s.leaf.size(); length += 13) {
        const ByteView cut = ByteView(s.leaf).first(length);
        CHECK(decode_certificates(cut, "x") == std::vector<Bytes>{to_bytes(cut)});
    }
    Bytes longer = s.leaf;
    append(longer, Bytes(3, 0));
    CHECK(decode_certificates(longer, "x") == std::vector<Bytes>{longer});
    Bytes odd = s.leaf;
    odd[4 + 4 + 4] = 0x7e;  // the version
    CHECK(decode_certificates(odd, "x") == std::vector<Bytes>{odd});
}

TEST_CASE("every other content is called by its name") {
    const Samples& s = samples();
    const auto holds = [](const std::string& what) {
        return "x: holds " + what + ", no certificate; give the certificate file";
    };
    CHECK(fault("") == "x: the file is empty; give the certificate file");
    CHECK(fault(s.text("leaf.key")) == holds("a private key"));
    CHECK(fault(s.text("leaf.csr")) == holds("a certificate request"));
    CHECK(fault("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n") ==
          holds("a certificate revocation list"));
    CHECK(fault("-----BEGIN FRUIT-----\n!\n-----END FRUIT-----\n") == holds("FRUIT"));
    CHECK(fault("hello\n") ==
          "x: text without -----BEGIN CERTIFICATE-----; give the certificate file");
    CHECK(fault(Bytes{0x7f, 'E', 'L', 'F', 1, 2}) ==
          "x: neither PEM nor DER; give the certificate file");
    CHECK(fault(Bytes{0x30, 0x03, 0x0c, 0x01, 'x'}) ==
          "x: DER, but no certificate; give the certificate file");

    const auto der = [&](std::vector<std::string> command, const char* name) {
        command.insert(command.end(), {"-outform", "DER"});
        return fault(s.make(command, name));
    };
    CHECK(der({"req", "-in", s.path("leaf.csr")}, "d") == holds("a certificate request"));
    CHECK(der({"rsa", "-in", s.path("leaf.key"), "-traditional"}, "d") == holds("a private key"));
    CHECK(der({"rsa", "-in", s.path("leaf.key"), "-pubout"}, "d") == holds("a public key"));
    CHECK(der({"rsa", "-in", s.path("leaf.key"), "-RSAPublicKey_out"}, "d") ==
          holds("a public key"));
    CHECK(der({"pkcs8", "-topk8", "-nocrypt", "-in", s.path("leaf.key")}, "d") ==
          holds("a private key"));
    CHECK(der({"pkcs8", "-topk8", "-passout", "pass:x", "-in", s.path("leaf.key")}, "d") ==
          holds("a private key"));
    CHECK(der({"ecparam", "-name", "prime256v1", "-genkey", "-noout"}, "d") ==
          holds("a private key"));
    test::write_file(s.folder / "ca.cnf", "[ca]\ndefault_ca=d\n[d]\ndatabase=" + s.path("index") +
                                              "\ndefault_md=sha1\ndefault_crl_days=1\n");
    test::write_file(s.folder / "index", "");
    const Bytes crl = s.make({"ca", "-gencrl", "-config", s.path("ca.cnf"), "-cert",
                              s.path("ca.pem"), "-keyfile", s.path("ca.key")},
                             "crl.pem");
    CHECK(fault(crl) == holds("a certificate revocation list"));
    CHECK(der({"crl", "-in", s.path("crl.pem")}, "d") == holds("a certificate revocation list"));
    CHECK(der({"cms", "-encrypt", "-in", s.path("leaf.csr"), "-recip", s.path("leaf.pem")}, "d")
              .find("holds no certificates") != std::string::npos);
}

TEST_CASE("faults in PEM have a line") {
    const std::string begin = "note\n-----BEGIN CERTIFICATE-----\n";
    const std::string end = "-----END CERTIFICATE-----\n";
    CHECK(fault(begin + "MIIB\nMI!B\n" + end) == "x: line 4: bad base64: character '!'");
    CHECK(fault(begin + "MI\x1b[2JB\n" + end).find('\x1b') == std::string::npos);
    CHECK(fault(begin + "MIIB=\nMIIB\n" + end) == "x: line 4: bad base64: more after '='");
    CHECK(fault(begin + "M===\n" + end) == "x: line 3: bad base64: too many '='");
    CHECK(fault(begin + "MIIBM\n" + end) ==
          "x: line 4: bad base64: its length is wrong, something is missing");
    CHECK(fault(begin + end) == "x: line 2: an empty CERTIFICATE");
    CHECK(fault(begin + "MIIB\n") ==
          "x: line 2: BEGIN CERTIFICATE without END: the file is cut short");
    CHECK(fault(begin + "MIIB\n-----END X509 CRL-----\n") ==
          "x: line 4: END X509 CRL closes BEGIN CERTIFICATE of line 2");
    CHECK(fault("-----BEGIN CERTIFICATE-----\nMIIB\n-----BEGIN CERTIFICATE-----\n") ==
          "x: line 3: BEGIN before END CERTIFICATE of line 1");
    CHECK(fault("-----BEGIN CERTIFICATE\nMIIB\n") ==
          "x: line 1: a BEGIN line without its last dashes");
}

TEST_CASE("files that are none, or too large, are not read") {
    const test::TempDir folder;
    CHECK(load_fault(folder / "absent") == "no such file");
    CHECK(load_fault(folder.path()) == "is a directory; give the certificate file");
    REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
    CHECK(load_fault(folder / "fifo") ==
          "is no regular file (a pipe or a device); give the certificate file");
    CHECK(load_fault("/dev/zero") ==
          "is no regular file (a pipe or a device); give the certificate file");
    test::write_file(folder / "empty", "");
    CHECK(load_fault(folder / "empty") == "the file is empty; give the certificate file");
    test::write_file(folder / "sparse", "");
    std::filesystem::resize_file(folder / "sparse", std::uintmax_t{1} << 30);
    CHECK(load_fault(folder / "sparse") ==
          "1024.0 MiB is too large for certificates; the limit is 16.0 MiB");
    std::filesystem::create_symlink("loop", folder / "loop");
    CHECK(load_fault(folder / "loop").find("cannot be read") == 0);
}

TEST_CASE("a flight of files keeps their order") {
    const Samples& s = samples();
    const wire::Flight flight = flight::flight_of({s.path("ca.der"), s.path("leaf.pem")});
    CHECK(flight.origin == wire::Flight::Origin::files);
    CHECK(flight.certificates == std::vector<Bytes>{s.ca, s.leaf});
    CHECK(flight.bytes.empty());
}
