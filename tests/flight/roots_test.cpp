#include "emulator/flight/roots.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>

#include "emulator/flight/nss.h"
#include "handshake/crypto/digest.h"
#include "tests/support/process.h"

using namespace handset;
using flight::decode_roots;
using flight::FileError;
using flight::load_roots;
using flight::NoCertificates;
using flight::Roots;
using flight::Wanted;

namespace {

// Two roots and a certificate below the first one, and every store of them that real programs
// write.
class Samples {
public:
    Samples() {
        make_root("contoso", "/DC=local/O=Contoso, Ltd./CN=Contoso \"R\" Root \xc3\x9c");
        make_root("other", "/C=DE/O=Other/emailAddress=ca@other.example/CN=Other Root");
        openssl({"req", "-new", "-nodes", "-subj", "/CN=leaf", "-newkey", "ec:" + at("ec.pem"),
                 "-keyout", at("leaf.key"), "-out", at("leaf.csr")});
        openssl({"x509", "-req", "-in", at("leaf.csr"), "-CA", at("contoso.pem"), "-CAkey",
                 at("contoso.key"), "-set_serial", "7", "-out", at("leaf.pem")});
        openssl({"x509", "-in", at("leaf.pem"), "-outform", "DER", "-out", at("leaf.der")});
        test::write_file(folder / "both.pem", text("contoso.pem") + text("other.pem"));
        openssl({"pkcs12", "-export", "-inkey", at("leaf.key"), "-in", at("leaf.pem"), "-certfile",
                 at("contoso.pem"), "-passout", "pass:changeit", "-name", "key", "-out",
                 at("chain.p12")});
        contoso = test::read_file(folder / "contoso.der");
        other = test::read_file(folder / "other.der");
        leaf = test::read_file(folder / "leaf.der");
    }

    std::string at(const std::string& name) const { return (folder / name).string(); }
    std::string text(const std::string& name) const {
        return to_text(test::read_file(folder / name));
    }
    // Runs openssl, whose last two arguments become -out NAME, and says where it is.
    std::string make(std::vector<std::string> command, const std::string& name) const {
        command.insert(command.end(), {"-out", at(name)});
        openssl(std::move(command));
        return at(name);
    }
    static void openssl(std::vector<std::string> command) {
        command.insert(command.begin(), "openssl");
        test::run(command);
    }
    // What keytool prints. `type` is JKS, JCEKS, PKCS12, or one of Bouncy Castle's.
    static std::string keytool(std::vector<std::string> command, const std::string& type,
                               const std::string& password = "changeit") {
        command.insert(command.begin(), {"keytool", "-J-Dorg.bouncycastle.bks.enable_v1=true"});
        command.insert(command.end(), {"-storetype", type, "-storepass", password});
        if (type.starts_with("BKS") || type == "UBER" || type == "BCFKS") {
            command.insert(command.end(),
                           {"-providerclass", "org.bouncycastle.jce.provider.BouncyCastleProvider",
                            "-providerpath", "/usr/share/java/bcprov.jar"});
        }
        return test::run(command);
    }
    // A store with both roots trusted, and the leaf's key with its chain up to the first root.
    std::string java_store(const std::string& type) const {
        const std::string file = at("store." + type);
        if (std::filesystem::exists(file)) return file;
        for (const char* name : {"contoso", "other"}) {
            keytool({"-importcert", "-noprompt", "-alias", name, "-file",
                     at(std::string(name) + ".pem"), "-keystore", file},
                    type);
        }
        std::vector<std::string> import{"keytool",
                                        "-importkeystore",
                                        "-noprompt",
                                        "-srckeystore",
                                        at("chain.p12"),
                                        "-srcstorepass",
                                        "changeit",
                                        "-destkeystore",
                                        file,
                                        "-deststorepass",
                                        "changeit",
                                        "-deststoretype",
                                        type};
        import.insert(import.begin() + 1, "-J-Dorg.bouncycastle.bks.enable_v1=true");
        if (type.starts_with("BKS")) {
            import.insert(import.end(),
                          {"-providerclass", "org.bouncycastle.jce.provider.BouncyCastleProvider",
                           "-providerpath", "/usr/share/java/bcprov.jar"});
        }
        test::run(import);
        return file;
    }

    test::TempDir folder;
    Bytes contoso;
    Bytes other;
    Bytes leaf;

private:
    void make_root(const std::string& name, const std::string& subject) {
        if (!std::filesystem::exists(at("ec.pem"))) {
            openssl({"ecparam", "-name", "prime256v1", "-out", at("ec.pem")});
        }
        openssl({"req", "-x509", "-nodes", "-utf8", "-subj", subject, "-newkey",
                 "ec:" + at("ec.pem"), "-days", "3650", "-keyout", at(name + ".key"), "-out",
                 at(name + ".pem")});
        openssl({"x509", "-in", at(name + ".pem"), "-outform", "DER", "-out", at(name + ".der")});
    }
};
const Samples& samples() {
    static const Samples made;
    return made;
}

// The certificates' octets, in an order of their own.
std::vector<Bytes> set_of(std::vector<Bytes> certificates) {
    std::sort(certificates.begin(), certificates.end());
    return certificates;
}
std::vector<Bytes> set_of(const Roots& roots) {
    std::vector<Bytes> out;
    for (const auto& certificate : roots.certificates)
        out.push_back(certificate.raw);
    return set_of(std::move(out));
}

Bytes sha1(ByteView octets) {
    return *crypto::digest(crypto::HashAlgorithm::sha1, octets);
}
Bytes sha256(ByteView octets) {
    return *crypto::digest(crypto::HashAlgorithm::sha256, octets);
}

template <typename Load>
std::string fault_of(Load load) {
    try {
        load();
    } catch (const FileError& error) {
        const std::string line = error.what();
        CHECK(line.find('\n') == std::string::npos);
        CHECK(line.find('\x1b') == std::string::npos);
        return line;
    }
    return "no error";
}
std::string load_fault(const std::string& place, const std::string& password = "",
                       Wanted wanted = Wanted::anchors) {
    return fault_of([&] { load_roots({place}, password, wanted); });
}
std::string decode_fault(ByteView octets, const std::string& password = "") {
    return fault_of([&] { decode_roots(octets, "x", password); });
}

// Every octet sequence comes to an end as roots or as one line.
void survive_damage(const Bytes& store, std::size_t places = 200) {
    const std::size_t step = 1 + store.size() / places;
    for (std::size_t at = 0; at < store.size(); at += step) {
        decode_fault(ByteView(store).first(at), "changeit");
        Bytes changed = store;
        changed[at] ^= 0x81;
        decode_fault(changed, "changeit");
    }
}

Bytes utf16(std::string_view ascii) {
    Bytes out{0xff, 0xfe};
    for (const char c : ascii)
        append(out, Bytes{static_cast<std::uint8_t>(c), 0});
    return out;
}

std::string spaced_hex(ByteView octets) {
    std::string out;
    for (const std::uint8_t octet : octets)
        out += (out.empty() ? "" : " ") + to_hex(Bytes{octet});
    return out;
}

}  // namespace

TEST_CASE("certificates of openssl in every form") {
    const Samples& s = samples();
    const auto both = set_of(std::vector<Bytes>{s.contoso, s.other});
    CHECK(set_of(load_roots({s.at("both.pem")}, "")) == both);
    CHECK(set_of(load_roots({s.at("contoso.pem"), s.at("other.der")}, "")) == both);
    for (const char* form : {"PEM", "DER"}) {
        CHECK(set_of(load_roots(
                  {s.make({"crl2pkcs7", "-nocrl", "-certfile", s.at("both.pem"), "-outform", form},
                          "both.p7b")},
                  "")) == both);
    }
    const std::string trusted = s.make(
        {"x509", "-in", s.at("contoso.pem"), "-addtrust", "serverAuth", "-trustout"}, "t.pem");
    CHECK(set_of(load_roots({trusted, s.at("other.pem")}, "")) == both);
    for (const char* password : {"", "changeit", "se\xc3\xa7ret"}) {
        const std::string file = s.make({"pkcs12", "-export", "-nokeys", "-in", s.at("both.pem"),
                                         "-passout", std::string("pass:") + password},
                                        "both.p12");
        CHECK(set_of(load_roots({file}, password)) == both);
    }
    CHECK(load_fault(s.at("both.p12")) ==
          s.at("both.p12") +
              ": PKCS #12: neither 'changeit' nor an empty password opens it, or "
              "it was changed; give --store-password");
    CHECK(load_fault(s.at("both.p12"), "guess") ==
          s.at("both.p12") + ": PKCS #12: the password is wrong, or it was changed");
    const std::string no_mac =
        s.make({"pkcs12", "-export", "-nomac", "-certpbe", "AES-256-CBC", "-nokeys", "-in",
                s.at("both.pem"), "-passout", "pass:other"},
               "no-mac.p12");
    CHECK(set_of(load_roots({no_mac}, "other")) == both);
    CHECK(load_fault(no_mac).find("give --store-password") != std::string::npos);
}

TEST_CASE("each certificate appears once, in the order in which it was met") {
    const Samples& s = samples();
    const Roots roots = load_roots({s.at("other.pem"), s.at("both.pem"), s.at("contoso.der")}, "");
    REQUIRE(roots.certificates.size() == 2);
    CHECK(roots.certificates[0].raw == s.other);
    CHECK(roots.certificates[1].raw == s.contoso);
    CHECK(roots.listed.empty());
    CHECK(roots.notes.empty());
    CHECK(load_roots({}, "").empty());
}

TEST_CASE("a folder of certificates") {
    const Samples& s = samples();
    const test::TempDir folder;
    const std::string place = folder.path().string();
    CHECK(load_fault(place) ==
          place + ": none of its 0 files holds a certificate; subfolders are not looked into");
    // As Android keeps them: PEM with openssl's text behind it, by hash.
    const std::string described =
        test::run({"openssl", "x509", "-in", s.at("contoso.pem"), "-text", "-noout"});
    test::write_file(folder / "00673b5b.0", s.text("contoso.pem") + described);
    test::write_file(folder / "contoso.pem", s.text("contoso.pem"));
    test::write_file(folder / "other.crt", s.other);
    test::run({"openssl", "rehash", place});
    const auto both = set_of(std::vector<Bytes>{s.contoso, s.other});
    Roots roots = load_roots({place}, "");
    CHECK(set_of(roots) == both);
    CHECK(roots.notes.empty());

    test::write_file(folder / "README", "These are roots.\n");
    test::write_file(folder / "key.pem", s.text("contoso.key"));
    test::write_file(folder / "empty", "");
    std::filesystem::create_directory(folder / "old");
    test::write_file(folder / "old/leaf.pem", s.text("leaf.pem"));
    std::filesystem::create_symlink("old", folder / "also-old");
    roots = load_roots({place}, "");
    CHECK(set_of(roots) == both);
    CHECK(roots.notes ==
          std::vector<std::string>{place + ": 3 files without certificates were skipped"});

    std::filesystem::create_symlink("nowhere", folder / "dangling.pem");
    CHECK(load_fault(place) ==
          (folder / "dangling.pem").string() + ": a symbolic link that leads nowhere; remove it");
    std::filesystem::remove(folder / "dangling.pem");
    test::write_file(folder / "cut.pem", s.text("other.pem").substr(0, 200));
    CHECK(load_fault(place).find((folder / "cut.pem").string() + ": line 1: BEGIN") == 0);
    std::filesystem::remove(folder / "cut.pem");
    for (int i = 0; i < 10'000; ++i)
        std::filesystem::create_symlink("contoso.pem", folder / ("x" + std::to_string(i)));
    CHECK(load_fault(place) ==
          place + ": a folder with more than 10000 entries, too many for a store of roots");
}

TEST_CASE("stores of Java: what is trusted, and the first of a key's chain") {
    const Samples& s = samples();
    const auto anchors = set_of(std::vector<Bytes>{s.contoso, s.other, s.leaf});
    for (const char* type : {"JKS", "JCEKS", "PKCS12", "BKS", "BKS-V1"}) {
        INFO(type);
        const std::string file = s.java_store(type);
        CHECK(set_of(load_roots({file}, "")) == anchors);
        CHECK(set_of(load_roots({file}, "changeit")) == anchors);
        CHECK(set_of(load_roots({file}, "not-this-one")) == anchors);
        CHECK(set_of(load_roots({file}, "", Wanted::certificates)) == anchors);
        // Key derivation takes its time; tests/crypto/pkcs12_test.cpp does without.
        survive_damage(test::read_file(file), std::string_view(type) == "PKCS12" ? 8 : 100);
    }
    // As the JDK's own store is since Java 18: no MAC, no cipher.
    const std::string plain = s.at("plain.p12");
    test::run({"keytool", "-J-Dkeystore.pkcs12.macAlgorithm=NONE",
               "-J-Dkeystore.pkcs12.certProtectionAlgorithm=NONE", "-importcert", "-noprompt",
               "-alias", "a", "-file", s.at("other.pem"), "-keystore", plain, "-storetype",
               "PKCS12", "-storepass", "whatever"});
    CHECK(set_of(load_roots({plain}, "")) == std::vector<Bytes>{s.other});
}

TEST_CASE("the rest of a key's chain is no root") {
    const Samples& s = samples();
    for (const char* type : {"JKS", "PKCS12", "BKS"}) {
        INFO(type);
        const std::string file = s.at(std::string("rest.") + type);
        std::filesystem::copy_file(s.java_store(type), file);
        s.keytool({"-delete", "-alias", "contoso", "-keystore", file}, type);
        CHECK(set_of(load_roots({file}, "")) == set_of(std::vector<Bytes>{s.other, s.leaf}));
        CHECK(set_of(load_roots({file}, "", Wanted::certificates)) ==
              set_of(std::vector<Bytes>{s.contoso, s.other, s.leaf}));
    }
}

TEST_CASE("stores of Java with another password") {
    const Samples& s = samples();
    for (const char* type : {"JKS", "PKCS12", "BKS"}) {
        INFO(type);
        const std::string file = s.at(std::string("secret.") + type);
        s.keytool({"-importcert", "-noprompt", "-alias", "a", "-file", s.at("other.pem"),
                   "-keystore", file},
                  type, "geheim7");
        CHECK(set_of(load_roots({file}, "geheim7")) == std::vector<Bytes>{s.other});
        CHECK(load_fault(file).find("neither 'changeit' nor an empty password opens it") !=
              std::string::npos);
        CHECK(load_fault(file, "guess").find("the password is wrong") != std::string::npos);
    }
}

TEST_CASE("the JDK's own store and what keytool says of it agree, name by name") {
    const std::string store = "/etc/ssl/certs/java/cacerts";
    const Roots roots = load_roots({store}, "");
    REQUIRE(roots.certificates.size() > 100);
    const std::string listed =
        test::run({"keytool", "-J-Dfile.encoding=UTF-8", "-J-Dstdout.encoding=UTF-8",
                   "-J-Dsun.stdout.encoding=UTF-8", "-list", "-v", "-keystore", store, "-storepass",
                   "changeit"});
    const Roots list = decode_roots(view_of(listed), "x", "");
    CHECK(list.certificates.empty());
    CHECK(list.listed.size() == roots.certificates.size());
    std::map<Bytes, device::StoreEntry> by_hash;
    for (const auto& entry : list.listed)
        by_hash[entry.sha256] = entry;
    for (const auto& certificate : roots.certificates) {
        const auto found = by_hash.find(sha256(certificate.raw));
        REQUIRE(found != by_hash.end());
        CHECK(found->second.sha1 == sha1(certificate.raw));
        CHECK(found->second.subject == x509::to_string(certificate.subject));
        CHECK(found->second.not_before == to_date(*certificate.validity.not_before.value));
        CHECK(found->second.not_after == to_date(*certificate.validity.not_after.value));
    }
}

TEST_CASE("keytool -list in several languages") {
    const Samples& s = samples();
    const std::string store = s.java_store("JKS");
    const std::string utf8 = "-J-Dsun.stdout.encoding=UTF-8";
    for (const char* language : {"en", "de", "ja", "zh"}) {
        INFO(language);
        const std::string words = std::string("-J-Duser.language=") + language;
        const std::string brief = s.keytool({words, utf8, "-list", "-keystore", store}, "JKS");
        const Roots from_brief = decode_roots(view_of(brief), "x", "");
        REQUIRE(from_brief.listed.size() == 3);
        for (const Bytes& certificate : {s.contoso, s.other, s.leaf}) {
            CHECK(std::ranges::any_of(from_brief.listed, [&](const auto& entry) {
                return entry.sha256 == sha256(certificate);
            }));
        }
        const std::string verbose =
            s.keytool({words, utf8, "-list", "-v", "-keystore", store}, "JKS");
        const Roots from_verbose = decode_roots(view_of(verbose), "x", "");
        REQUIRE(from_verbose.listed.size() == 3);
        for (const auto& entry : from_verbose.listed) {
            CHECK(entry.sha1.size() == 20);
            CHECK(entry.not_after.size() == 10);
            if (entry.sha256 == sha256(s.contoso)) {
                CHECK(entry.subject ==
                      "CN=Contoso \\\"R\\\" Root \xc3\x9c,O=Contoso\\, Ltd.,DC=local");
            }
        }
        CHECK(std::ranges::count_if(from_verbose.listed, [&](const auto& entry) {
                  return entry.sha256 == sha256(s.leaf);
              }) == 1);
    }
    // -rfc prints the certificates themselves.
    const std::string rfc = s.keytool({"-list", "-rfc", "-keystore", store}, "JKS");
    CHECK(decode_roots(view_of(rfc), "x", "").certificates.size() == 3);
    // As the documentation of Java 6 shows it: MD5 alone.
    CHECK(decode_fault(view_of("duke, Mar 30, 2007, trustedCertEntry,\nCertificate fingerprint "
                               "(MD5): 09:FF:61:E6:45:1A:5F:8B:20:3A:F3:17:77:33:49:1F\n"))
              .find("MD5 fingerprints for 1 of its roots") != std::string::npos);
}

TEST_CASE("stores of Java that cannot be read say why") {
    const Samples& s = samples();
    const std::string jceks = s.at("secret-key.jceks");
    s.keytool({"-genseckey", "-alias", "a", "-keyalg", "AES", "-keysize", "128", "-keystore", jceks,
               "-keypass", "changeit"},
              "JCEKS");
    CHECK(load_fault(jceks).find("a secret key, behind which nothing can be found") !=
          std::string::npos);
    const std::string uber = s.at("store.uber");
    s.keytool(
        {"-importcert", "-noprompt", "-alias", "a", "-file", s.at("other.pem"), "-keystore", uber},
        "UBER");
    CHECK(load_fault(uber).find(uber + ": Java key store (BKS)") == 0);
}

// --- NSS ----------------------------------------------------------------------------------------

namespace {

// Runs NSS's certutil on a folder.
void nss(const std::string& folder, std::vector<std::string> command) {
    command.insert(command.begin(), "certutil");
    command.insert(command.end(), {"-d", folder});
    test::run(command);
}
void nss_add(const std::string& folder, const char* trust, const std::string& name) {
    nss(folder, {"-A", "-n", name, "-t", trust, "-i", samples().at(name + ".pem")});
}

// A database of our own making.
Bytes sqlite(const std::filesystem::path& file, const char* sql) {
    std::filesystem::remove(file);
    sqlite3* database = nullptr;
    REQUIRE(sqlite3_open(file.c_str(), &database) == SQLITE_OK);
    char* trouble = nullptr;
    const int status = sqlite3_exec(database, sql, nullptr, nullptr, &trouble);
    INFO((trouble ? trouble : ""));
    CHECK(status == SQLITE_OK);
    sqlite3_free(trouble);
    sqlite3_close(database);
    return test::read_file(file);
}

}  // namespace

TEST_CASE("NSS's database: what certutil marks with C for servers") {
    const Samples& s = samples();
    const test::TempDir folder;
    const std::string database = (folder / "cert9.db").string();
    const std::string sql = "sql:" + folder.path().string();
    nss(sql, {"-N", "--empty-password"});
    CHECK(load_fault(database) == database + ": NSS database without certificates");
    nss_add(sql, ",,", "leaf");
    CHECK(load_fault(database).find("none of 1 certificates is trusted") != std::string::npos);
    nss_add(sql, "C,,", "contoso");
    nss_add(sql, ",C,C", "other");  // for mail and code only
    for (const std::string& place : {database, sql, folder.path().string()}) {
        const Roots roots = load_roots({place}, "");
        CHECK(set_of(roots) == std::vector<Bytes>{s.contoso});
        REQUIRE(roots.notes.size() == 1);
        CHECK(roots.notes[0].find("1 trusted for servers, 2 not") != std::string::npos);
    }
    CHECK(load_roots({database}, "", Wanted::certificates).certificates.size() == 3);
    nss(sql, {"-M", "-n", "other", "-t", "CT,c,"});
    CHECK(set_of(load_roots({sql}, "")) == set_of(std::vector<Bytes>{s.contoso, s.other}));
    nss(sql, {"-M", "-n", "other", "-t", "p,,"});  // actively distrusted
    CHECK(set_of(load_roots({sql}, "")) == std::vector<Bytes>{s.contoso});
    CHECK(load_fault((folder / "key4.db").string()).find("no certificate database of NSS") !=
          std::string::npos);
    // Nothing of it was touched or left behind.
    CHECK(std::distance(std::filesystem::directory_iterator(folder.path()), {}) == 3);
    survive_damage(test::read_file(database));

    Bytes ahead = test::read_file(database);  // as after PRAGMA journal_mode=WAL
    ahead[18] = ahead[19] = 2;
    CHECK(set_of(decode_roots(ahead, "x", "")) == std::vector<Bytes>{s.contoso});
}

TEST_CASE("NSS's old database is refused, and the advice works") {
    const test::TempDir folder;
    const std::string place = folder.path().string();
    nss("dbm:" + place, {"-N", "--empty-password"});
    nss_add("dbm:" + place, "C,,", "contoso");
    const std::string message =
        (folder / "cert8.db").string() +
        ": NSS database of the old kind (Berkeley DB), which is not read here; convert its folder "
        "with: certutil -K -X -d sql:FOLDER, and give sql:FOLDER";
    CHECK(load_fault((folder / "cert8.db").string()) == message);
    CHECK(load_fault("dbm:" + place) == message);
    CHECK(load_fault(place) == message);
    try {
        nss("sql:" + place, {"-K", "-X"});
    } catch (const std::runtime_error&) {
        // There is no key to list, which it calls a failure.
    }
    CHECK(set_of(load_roots({"sql:" + place}, "")) == std::vector<Bytes>{samples().contoso});
}

TEST_CASE("hostile databases cost little and end in one line") {
    const test::TempDir folder;
    const auto made = [&](const char* sql) { return decode_fault(sqlite(folder / "db", sql)); };
    const std::string columns =
        "CREATE TABLE nssPublic (id, a0, a11, a81, a82, ace536358, "
        "ace5363b4);";
    CHECK(made("CREATE TABLE other (a)").find("no certificate database") != std::string::npos);
    CHECK(made("CREATE TABLE nssPublic (id, a0)").find("no certificate database") !=
          std::string::npos);
    CHECK(made(columns.c_str()) == "x: NSS database without certificates");
    // A value of 10 MiB.
    CHECK(
        made((columns + "INSERT INTO nssPublic (a0, a11) VALUES (x'00000001', zeroblob(10485760))")
                 .c_str())
            .find("cannot be read (string or blob too big)") != std::string::npos);
    // Values of other types, empty ones, and certificates that are none.
    CHECK(made((columns + "INSERT INTO nssPublic (a0, a11) VALUES (x'00000001', 7), "
                          "(x'00000001', 'text'), (x'00000001', x''), (x'00000001', NULL)")
                   .c_str()) == "x: NSS database without certificates");
    CHECK(made((columns + "INSERT INTO nssPublic (a0, a11) VALUES (x'00000001', x'3000')").c_str())
              .find("none of 1 certificates is trusted") != std::string::npos);
    // A view that would never end.
    CHECK(made("CREATE VIEW nssPublic AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 "
               "FROM c) SELECT n AS id, x'00000001' AS a0, x'30' AS a11, 0 AS a81, 0 AS a82, 0 AS "
               "ace536358, 0 AS ace5363b4 FROM c")
              .find("no certificate database") != std::string::npos);
    // More certificates than any.
    CHECK(made((columns + "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c WHERE n < "
                          "10001) INSERT INTO nssPublic (a0, a11) SELECT x'00000001', "
                          "x'3003020101' FROM c")
                   .c_str()) == "x: more certificates than any NSS database");
    CHECK(decode_fault(view_of(std::string_view("SQLite format 3\0 and no database", 33)))
              .find("x: NSS database that "
                    "cannot be read") == 0);
}

// --- Windows ------------------------------------------------------------------------------------

// No Windows here: written by hand after the output that learn.microsoft.com shows for certutil
// -store and Get-ChildItem Cert:, and after output in other languages that users published.
namespace {

std::string certutil_entry(int number, const std::string& subject, const Bytes& hash,
                           const std::string& dates) {
    return "================ Certificate " + std::to_string(number) +
           " ================\r\nSerial Number: 79ad16a14aa0a5ad4c7358f407132e65\r\nIssuer: " +
           subject + "\r\n" + dates + "Subject: " + subject +
           "\r\nCA Version: V0.0\r\nSignature matches Public Key\r\nRoot Certificate: Subject "
           "matches Issuer\r\nTemplate: \r\nCert Hash(sha1): " +
           spaced_hex(hash) +
           "\r\nNo key provider information\r\nCannot find the certificate and private key for "
           "decryption.\r\n\r\n";
}
const std::string us_dates = " NotBefore: 5/9/2001 7:19 PM\r\n NotAfter: 5/9/2021 7:28 PM\r\n";
const std::string end_mark = "CertUtil: -store command completed successfully.\r\n";

// Of a serialized store, after [MS-OSHARED] 2.3.2.5.
void append_element(Bytes& store, std::uint8_t id, ByteView value) {
    const std::size_t size = value.size();
    append(store,
           Bytes{id, 0, 0, 0, static_cast<std::uint8_t>(id == 0 ? 0 : 1), 0, 0, 0,
                 static_cast<std::uint8_t>(size), static_cast<std::uint8_t>(size >> 8),
                 static_cast<std::uint8_t>(size >> 16), static_cast<std::uint8_t>(size >> 24)});
    append(store, value);
}

}  // namespace

TEST_CASE("certutil -store Root") {
    const Bytes a(20, 0xa1);
    const Bytes b(20, 0xb2);
    const std::string dump =
        "Root \"Trusted Root Certification Authorities\"\r\n" +
        certutil_entry(0, "CN=Microsoft Root Certificate Authority, DC=microsoft, DC=com", a,
                       us_dates) +
        certutil_entry(1,
                       "E=ca@contoso.com, CN=\"Contoso \"\"R\"\", Inc.\", S=Washington, C=US + "
                       "OID.1.2.3.4=#0401AA",
                       b, " NotBefore: 12/31/1999 1:00 AM\r\n NotAfter: 1/2/2030 1:00 AM\r\n") +
        end_mark;
    for (const Bytes& octets :
         {to_bytes(view_of(dump)), to_bytes(view_of("\xef\xbb\xbf" + dump)), utf16(dump)}) {
        const Roots roots = decode_roots(octets, "x", "");
        CHECK(roots.certificates.empty());
        REQUIRE(roots.listed.size() == 2);
        CHECK(roots.listed[0].sha1 == a);
        CHECK(roots.listed[0].sha256.empty());
        CHECK(roots.listed[0].subject ==
              "CN=Microsoft Root Certificate Authority,DC=microsoft,DC=com");
        // The second entry shows that the month comes first.
        CHECK(roots.listed[0].not_before == "2001-05-09");
        CHECK(roots.listed[0].not_after == "2021-05-09");
        CHECK(roots.listed[1].sha1 == b);
        CHECK(roots.listed[1].subject.find("emailAddress=ca@contoso.com,CN=Contoso \\\"R\\\"\\, "
                                           "Inc.,ST=Washington,C=US+1.2.3.4=#") == 0);
        CHECK(roots.listed[1].not_before == "1999-12-31");
        CHECK(roots.listed[1].not_after == "2030-01-02");
    }
    CHECK(decode_fault(utf16(dump), "").find("no error") == 0);
    CHECK(fault_of([&] { decode_roots(view_of(dump), "x", "", Wanted::certificates); }) ==
          "x: a list of fingerprints (certutil -store), but certificates are needed here");
}

TEST_CASE("dates that may be read both ways are left out") {
    const Bytes hash(20, 1);
    const auto dates_of = [&](const std::string& from, const std::string& to) {
        const std::string dump = certutil_entry(
            0, "CN=a", hash, " NotBefore: " + from + "\r\n NotAfter: " + to + "\r\n");
        const Roots roots = decode_roots(view_of(dump), "x", "");
        REQUIRE(roots.listed.size() == 1);
        return roots.listed[0].not_before + " " + roots.listed[0].not_after;
    };
    CHECK(dates_of("5/9/2001 7:19 PM", "6/9/2021 7:28 PM") == " ");
    CHECK(dates_of("5/5/2001 7:19 PM", "6/9/2021 7:28 PM") == "2001-05-05 ");
    CHECK(dates_of("22/11/2013 6:20 PM", "1/02/2050 12:00 AM") == "2013-11-22 2050-02-01");
    CHECK(dates_of("09.05.2001 19:19", "9. 5. 2021 19:28") == "2001-05-09 2021-05-09");
    CHECK(dates_of("2001/05/09 19:19", "2021-05-09 19:28") == "2001-05-09 2021-05-09");
    CHECK(dates_of("09-05-2001 19:19", "2021. 05. 09. 19:28") == "2001-05-09 2021-05-09");
    CHECK(dates_of("22/11/2013 6:20 PM", "11/22/2013 6:20 PM") == " ");  // out of two lists
    CHECK(dates_of("31/02/2001 00:00", "09/05/2544 00:00") == " ");
    CHECK(dates_of("09.05.01 19:19", "99999999999999999999") == " ");
}

TEST_CASE("certutil in other languages, by the line of the hash") {
    const Bytes hash = *from_hex("245c97df7514e7cf2df8be72ae957b9e04741e85");
    const char* const dumps[] = {
        "Root \"Vertrauensw\xc3\xbcrdige Stammzertifizierungsstellen\"\n"
        "================ Zertifikat 0 ================\n"
        "Seriennummer: 1a2b\nAussteller: CN=R, O=\"Contoso, Inc.\"\n Nicht vor: 31.01.2026 01:00\n"
        " Nicht nach: 01.02.2027 01:00\nAntragsteller: CN=R, O=\"Contoso, Inc.\"\n"
        "Stammzertifikat: Antragsteller stimmt mit Aussteller \xc3\xbc"
        "berein\n"
        "Zertifikathash(sha1): 245c97df7514e7cf2df8be72ae957b9e04741e85\n"
        "Keine Schl\xc3\xbcsselanbieterinformationen\n",
        // Blanks in front of the colon, and no quotation marks around the comma.
        "================ Certificat 0 ================\n"
        "Num\xc3\xa9ro de s\xc3\xa9rie : 4a19\n\xc3\x89metteur: CN=R, O=Contoso, Inc.\n"
        " NotBefore : 31/01/2026 02:00\n NotAfter : 01/02/2027 01:59\n"
        "Objet: CN=R, O=Contoso, Inc.\nLa signature correspond \xc3\xa0 la cl\xc3\xa9 publique\n"
        "Hach. cert. (sha1)\xc2\xa0: 24 5c 97 df 75 14 e7 cf 2d f8 be 72 ae 95 7b 9e 04 74 1e "
        "85\nAucune information\n",
        // The same from cmd.exe in code page 850.
        "================ Certificat 0 ================\n"
        "Num\x82ro de s\x82rie : 4a19\n\x90metteur: CN=R, O=Contoso, Inc.\n"
        " NotBefore : 31/01/2026 02:00\n NotAfter : 01/02/2027 01:59\n"
        "Objet: CN=R, O=Contoso, Inc.\n"
        "Hach. cert. (sha1)\xff: 24 5c 97 df 75 14 e7 cf 2d f8 be 72 ae 95 7b 9e 04 74 1e 85\n",
        "================ \xe8\xa8\xbc\xe6\x98\x8e\xe6\x9b\xb8 0 ================\n"
        "\xe3\x82\xb7: 4a19\n\xe7\x99\xba: CN=R, O=\"Contoso, Inc.\"\n NotBefore: 2026/01/31 "
        "2:00\n NotAfter: 2027/02/01 1:59\n\xe3\x82\xb5: CN=R, O=\"Contoso, Inc.\"\n"
        "\xe8\xa8\xbc(sha1)\xef\xbc\x9a 245c97df7514e7cf2df8be72ae957b9e04741e85\n",
    };
    for (const char* dump : dumps) {
        INFO(dump);
        const Roots roots = decode_roots(view_of(dump), "x", "");
        REQUIRE(roots.listed.size() == 1);
        CHECK(roots.listed[0].sha1 == hash);
        CHECK(roots.listed[0].subject == "CN=R,O=Contoso\\, Inc.");
        CHECK(roots.listed[0].not_before == "2026-01-31");
        CHECK(roots.listed[0].not_after == "2027-02-01");
    }
}

TEST_CASE("certutil -v -store: hashes of names and keys are not the certificate's") {
    const std::string dump =
        "================ Certificate 0 ================\n"
        "X509 Certificate:\nVersion: 3\nSerial Number: 79ad\n    79ad\n\nSignature Algorithm:\n"
        "    Algorithm ObjectId: 1.2.840.113549.1.1.5 sha1RSA\n    Algorithm Parameters:\n"
        "    05 00\nIssuer:\n    CN=Issuing\n    DC=com\n"
        "  Name Hash(sha1): 1111111111111111111111111111111111111111\n"
        "  Name Hash(md5): 11111111111111111111111111111111\n\n"
        " NotBefore: 5/19/2001 7:19 PM\n NotAfter: 5/9/2021 7:28 PM\n\n"
        "Subject:\n    CN=Microsoft Root Certificate Authority\n    DC=microsoft\n    DC=com\n"
        "  Name Hash(sha1): 2222222222222222222222222222222222222222\n"
        "Public Key Length: 4096 bits\nPublic Key: UnusedBits = 0\n    0000  30 82 02 0a\n"
        "Certificate Extensions: 3\n    2.5.29.31: Flags = 0, Length = 5\n"
        "    CRL Distribution Points\n        Full Name:\n            URL=http://x/y.crl\n"
        "Key Id Hash(rfc-sha1): 3333333333333333333333333333333333333333\n"
        "Key Id Hash(sha1): 4444444444444444444444444444444444444444\n"
        "Key Id Hash(sha256):\n"
        "5555555555555555555555555555555555555555555555555555555555555555\n"
        "Cert Hash(md5): 66666666666666666666666666666666\n"
        "Cert Hash(sha1): 7777777777777777777777777777777777777777\n";
    const Roots older = decode_roots(view_of(dump), "x", "");
    REQUIRE(older.listed.size() == 1);
    CHECK(older.listed[0].sha1 == Bytes(20, 0x77));
    CHECK(older.listed[0].sha256.empty());
    CHECK(older.listed[0].subject == "CN=Microsoft Root Certificate Authority,DC=microsoft,DC=com");
    CHECK(older.listed[0].not_before == "2001-05-19");

    const std::string newer_dump =
        dump +
        "Cert Hash(sha256):\n8888888888888888888888888888888888888888888888888888888888888888\n"
        "Signature Hash: 9999999999999999999999999999999999999999\n\n"
        "  CERT_SHA1_HASH_PROP_ID(3):\n    7777777777777777777777777777777777777777\n";
    const Roots newer = decode_roots(view_of(newer_dump), "x", "");
    REQUIRE(newer.listed.size() == 1);
    CHECK(newer.listed[0].sha1 == Bytes(20, 0x77));
    CHECK(newer.listed[0].sha256 == Bytes(32, 0x88));
}

TEST_CASE("certutil: what is no certificate is not taken for one") {
    const std::string crl =
        "================ CRL 0 ================\nIssuer:\n    CN=Contoso\nThis Update: 5/9/2001\n"
        "CRL Hash(sha1): 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11\n";
    CHECK(decode_fault(view_of(crl)).find("no list of roots") != std::string::npos);
    const Roots roots = decode_roots(
        view_of(certutil_entry(0, "CN=a", Bytes(20, 2), us_dates) + crl +
                "================ CTL 1 ================\nSubject: CN=a\nIssuer: CN=a\n"
                "CTL Hash(sha1): 3333333333333333333333333333333333333333\n"),
        "x", "");
    REQUIRE(roots.listed.size() == 1);
    CHECK(roots.listed[0].sha1 == Bytes(20, 2));
    // A hash that is too short, too long or no hash.
    for (const char* hash : {"cd d4", "zz", "", "cdd4eeae6000ac7f40c3802c171e30148030c07200"}) {
        std::string dump = certutil_entry(0, "CN=a", Bytes(20, 2), us_dates);
        const std::string good = spaced_hex(Bytes(20, 2));
        dump.replace(dump.find(good), good.size(), hash);
        CHECK(decode_fault(view_of(dump)).find("no list of roots") != std::string::npos);
    }
}

TEST_CASE("Get-ChildItem Cert:\\LocalMachine\\Root") {
    const std::string list =
        "\r\n\r\nSubject      : CN=Microsoft Root Certificate Authority, DC=microsoft, DC=com\r\n"
        "Issuer       : CN=Microsoft Root Certificate Authority, DC=microsoft, DC=com\r\n"
        "Thumbprint   : CDD4EEAE6000AC7F40C3802C171E30148030C072\r\n"
        "FriendlyName : Microsoft Root Certificate Authority\r\n"
        "NotBefore    : 5/9/2001 7:19:22 PM\r\nNotAfter     : 5/9/2021 7:28:13 PM\r\n"
        "Extensions   : {System.Security.Cryptography.Oid, System.Security.Cryptography.Oid}\r\n"
        "\r\nSubject      : OU=Copyright (c) 1997 Microsoft Corp., OU=Microsoft Corporation, \r\n"
        "               CN=Microsoft Root Authority\r\n"
        "Issuer       : CN=Somebody else with a long name that goes on in the next line,\r\n"
        "               C=US\r\n"
        "Thumbprint   : A43489159A520F0D93D032CCAF37E7FE20A8B419\r\n"
        "NotBefore    : 1/10/1997 8:00:00 AM\r\nNotAfter     : 12/31/2020 8:00:00 AM\r\n\r\n\r\n";
    for (const Bytes& octets : {to_bytes(view_of(list)), utf16(list)}) {
        const Roots roots = decode_roots(octets, "x", "");
        REQUIRE(roots.listed.size() == 2);
        CHECK(roots.listed[0].sha1 == *from_hex("cdd4eeae6000ac7f40c3802c171e30148030c072"));
        CHECK(roots.listed[0].subject ==
              "CN=Microsoft Root Certificate Authority,DC=microsoft,DC=com");
        CHECK(roots.listed[0].not_before == "2001-05-09");
        CHECK(roots.listed[1].sha1 == *from_hex("a43489159a520f0d93d032ccaf37e7fe20a8b419"));
        CHECK(roots.listed[1].subject ==
              "OU=Copyright (c) 1997 Microsoft Corp.,OU=Microsoft Corporation,CN=Microsoft Root "
              "Authority");
        CHECK(roots.listed[1].not_before == "1997-01-10");
        CHECK(roots.listed[1].not_after == "2020-12-31");
    }
    // Without empty lines between, as some editors leave it.
    const Roots dense = decode_roots(view_of("Thumbprint : CDD4EEAE6000AC7F40C3802C171E30148030C072"
                                             "\nSubject : CN=a\nThumbprint : "
                                             "A43489159A520F0D93D032CCAF37E7FE20A8B419\nSubject : "
                                             "CN=b\n"),
                                     "x", "");
    REQUIRE(dense.listed.size() == 2);
    CHECK(dense.listed[0].subject == "CN=a");
    CHECK(dense.listed[1].subject == "CN=b");

    const std::string table =
        "\n\n   PSParentPath: Microsoft.PowerShell.Security\\Certificate::LocalMachine\\Root\n\n"
        "Thumbprint                                Subject\n"
        "----------                                -------\n"
        "CDD4EEAE6000AC7F40C3802C171E30148030C072  CN=Microsoft Root Certificate Authority, "
        "DC=micro...\nA43489159A520F0D93D032CCAF37E7FE20A8B419  CN=Microsoft Root Authority\n\n";
    const Roots rows = decode_roots(view_of(table), "x", "");
    REQUIRE(rows.listed.size() == 2);
    CHECK(rows.listed[1].sha1 == *from_hex("a43489159a520f0d93d032ccaf37e7fe20a8b419"));
    CHECK(rows.listed[0].subject.empty());
    // sha1sum's output is no such table.
    CHECK(decode_fault(view_of("cdd4eeae6000ac7f40c3802c171e30148030c072  a.pem\n"))
              .find("no list of roots") != std::string::npos);
}

TEST_CASE("a fingerprint gives way to the certificate itself") {
    const Samples& s = samples();
    test::write_file(s.folder / "dump.txt", certutil_entry(0, "CN=a", sha1(s.contoso), us_dates) +
                                                certutil_entry(1, "CN=b", Bytes(20, 9), us_dates) +
                                                certutil_entry(2, "CN=b", Bytes(20, 9), us_dates));
    const Roots roots = load_roots({s.at("dump.txt"), s.at("contoso.pem")}, "");
    CHECK(set_of(roots) == std::vector<Bytes>{s.contoso});
    REQUIRE(roots.listed.size() == 1);
    CHECK(roots.listed[0].sha1 == Bytes(20, 9));
}

TEST_CASE("a store of a hundred thousand fingerprints") {
    std::string dump;
    const auto add = [&dump](std::uint32_t number) {
        dump += fmt::format("=====C=====\nI: CN=a\nS: CN=a\n(sha1):{:040x}\n", number);
    };
    for (std::uint32_t i = 0; i < 100'000; ++i)
        add(i);
    // The same ones again are no more of them.
    for (std::uint32_t i = 0; i < 1'000; ++i)
        add(i);
    REQUIRE(dump.size() < 16 << 20);
    CHECK(decode_roots(view_of(dump), "x", "").listed.size() == 100'000);
}

TEST_CASE("a serialized store of Windows") {
    const Samples& s = samples();
    // Octet by octet after [MS-OSHARED] 2.3.9.1; see tests/crypto/keystore_test.cpp for the rest.
    Bytes store = *from_hex("00000000 43455254");
    append_element(store, 3, sha1(s.contoso));
    append_element(store, 32, s.contoso);
    append_element(store, 32, s.other);
    append_element(store, 32, s.contoso);
    append_element(store, 0, {});
    CHECK(set_of(decode_roots(store, "x", "")) == set_of(std::vector<Bytes>{s.contoso, s.other}));
    CHECK(decode_fault(ByteView(store).first(store.size() - 5))
              .find("x: serialized certificate store (.sst) that is cut short or damaged") == 0);
    CHECK(decode_fault(*from_hex("0000000043455254 000000000000000000000000")) ==
          "x: holds no certificate that is trusted; give a store of roots");
    survive_damage(store);
}

TEST_CASE("Microsoft's trust list is no store") {
    // SignedData over szOID_CTL, as authroot.stl begins.
    const Bytes list = *from_hex(
        "3028 06092a864886f70d010702 a01b 3019 020101 3100 3012 06092b0601040182370a01 a005 "
        "0403aabbcc");
    const std::string message = decode_fault(list);
    CHECK(message.find("x: Microsoft's certificate trust list (.stl)") == 0);
    CHECK(message.find("certutil -generateSSTFromWU") != std::string::npos);
}

TEST_CASE("certificates that cannot be decoded") {
    const Samples& s = samples();
    const Bytes odd = *from_hex("3009 3007 020101 3000 3000");
    CHECK(decode_fault(odd).find("x: certificate cannot be decoded: tbsCertificate") == 0);
    // Among others it is known by its fingerprints, for a server may send it.
    Bytes store = *from_hex("00000000 43455254");
    append_element(store, 32, s.other);
    append_element(store, 32, odd);
    append_element(store, 0, {});
    const Roots roots = decode_roots(store, "x", "");
    CHECK(set_of(roots) == std::vector<Bytes>{s.other});
    REQUIRE(roots.listed.size() == 1);
    CHECK(roots.listed[0].sha256 == sha256(odd));
    CHECK(roots.listed[0].sha1 == sha1(odd));
    REQUIRE(roots.notes.size() == 1);
    CHECK(roots.notes[0].find("x: 1 of 2 certificates cannot be decoded and are known by their "
                              "fingerprints only (number 2: tbsCertificate") == 0);
    const Roots skipped = decode_roots(store, "x", "", Wanted::certificates);
    CHECK(skipped.listed.empty());
    CHECK(skipped.certificates.size() == 1);
}

TEST_CASE("files that are too large, or too many") {
    const Samples& s = samples();
    const test::TempDir folder;
    const std::string file = (folder / "large.sst").string();
    Bytes store = *from_hex("00000000 43455254");
    append_element(store, 11, Bytes(15 << 20));  // a long friendly name
    append_element(store, 32, s.other);
    append_element(store, 0, {});
    test::write_file(file, store);
    CHECK(load_roots({file, file, file, file}, "").certificates.size() == 1);
    CHECK(fault_of([&] {
              load_roots({file, file, file, file, file}, "");
          }) == file + ": more than 64 MiB of roots in all");
    std::filesystem::resize_file(file, (16 << 20) + 1);
    CHECK(load_fault(file).find("16.0 MiB is too large for certificates") != std::string::npos);
    CHECK(load_fault(folder.path().string()).find(file) == 0);
    CHECK(load_fault("/dev/zero").find("is no regular file") != std::string::npos);
    CHECK(load_fault(s.at("absent")) == s.at("absent") + ": no such file");
    CHECK(load_fault("sql:" + s.at("absent")) == s.at("absent") + "/cert9.db: no such file");
}

TEST_CASE("more certificates than a store of roots has") {
    Bytes der = samples().other;
    // The serial number: behind two headers of four octets, the version, and its own header.
    const std::size_t serial = 4 + 4 + 5 + 2;
    REQUIRE(der[serial - 2] == 0x02);
    Bytes store = *from_hex("00000000 43455254");
    for (std::size_t i = 0; i <= 5000; ++i) {
        der[serial + 2] = static_cast<std::uint8_t>(i);
        der[serial + 3] = static_cast<std::uint8_t>(i >> 8);
        append_element(store, 32, der);
    }
    append_element(store, 0, {});
    CHECK(decode_fault(store) == "x: more than 5000 certificates, too many for roots");
}

TEST_CASE("a root as a user installs it keeps the format of its file") {
    const Samples& s = samples();
    const auto format_of = [&](const std::string& file, const std::string& password = "") {
        const flight::CertificateFile root = flight::load_installed_root(file, password);
        CHECK(root.certificates == std::vector<Bytes>{s.other});
        return root.format;
    };
    CHECK(format_of(s.at("other.pem")) == device::RootFormat::pem);
    CHECK(format_of(s.at("other.der")) == device::RootFormat::der);
    for (const char* form : {"PEM", "DER"}) {
        CHECK(format_of(
                  s.make({"crl2pkcs7", "-nocrl", "-certfile", s.at("other.pem"), "-outform", form},
                         "other.p7b")) == device::RootFormat::pkcs7);
    }
    const std::string pkcs12 =
        s.make({"pkcs12", "-export", "-nokeys", "-in", s.at("other.pem"), "-passout", "pass:word"},
               "other.p12");
    CHECK(format_of(pkcs12, "word") == device::RootFormat::pkcs12);
    CHECK(fault_of([&] {
              flight::load_installed_root(pkcs12, "");
          }).find("give --store-password") != std::string::npos);
    // Devices install certificates, no stores of a computer.
    CHECK(fault_of([&] {
              flight::load_installed_root(s.java_store("JKS"), "");
          }).find("neither PEM nor DER") != std::string::npos);
}
