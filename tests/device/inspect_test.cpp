#include "emulator/device/inspect.h"

#include <catch2/catch.hpp>

#include "emulator/device/schema.h"

using namespace handset::device;

namespace {

const std::string small = R"(format: 1
name: Small
vendor: Nobody
family: Tests
kind: library
released: 2007-04
status: draft
sources:
  here: {grade: documented, what: all, where: nowhere, retrieved: 2020-06-15}
client_hello:
  source: here
  framing: tls
  record_version: TLS 1.0
  client_version: TLS 1.0
  cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]
  compression_methods: [null]
)";

std::string with(std::string text, std::string_view old, std::string_view replacement) {
    const auto at = text.find(old);
    REQUIRE(at != std::string::npos);
    return text.replace(at, old.size(), replacement);
}

std::string lines_of(const std::vector<Problem>& problems) {
    std::string lines;
    for (const Problem& problem : problems)
        lines += to_string(problem) + '\n';
    return lines;
}
const std::vector<std::string> stores = {"android-1.0", "windows-7"};

std::string warnings(const std::string& text) {
    const Inspection found = inspect_device(text, "x.yaml", stores);
    CHECK(lines_of(found.faults).empty());
    return lines_of(found.warnings);
}
std::string warnings_of_suites(const std::string& suites, const std::string& version = "TLS 1.0") {
    return warnings(with(with(small, "TLS_RSA_WITH_AES_128_CBC_SHA", suites),
                         "client_version: TLS 1.0", "client_version: " + version));
}

}  // namespace

TEST_CASE("a release that is later than everything that is told of it") {
    const auto released = [](const std::string& date) {
        return warnings(with(small, "released: 2007-04", "released: " + date));
    };
    for (const char* date : {"2007-04", "2019-12-31", "2020", "2020-06", "2020-06-15"}) {
        INFO(date);
        CHECK(released(date).empty());
    }
    CHECK(released("2021") ==
          "x.yaml:6:11: released 2021, after the last of its sources was retrieved (2020-06-15)\n");
    CHECK_FALSE(released("2020-07").empty());
    CHECK_FALSE(released("2020-06-16").empty());
}

TEST_CASE("a hello without a suite of its versions") {
    CHECK(warnings_of_suites("TLS_RSA_WITH_AES_128_GCM_SHA256, TLS_RSA_WITH_AES_128_CBC_SHA256, "
                             "TLS_EMPTY_RENEGOTIATION_INFO_SCSV") ==
          "x.yaml:15:18: no suite of this hello exists in the versions it offers, TLS 1.0 at the "
          "most\n");
    CHECK_FALSE(warnings_of_suites("TLS_AES_128_GCM_SHA256", "TLS 1.2").empty());
    CHECK(warnings_of_suites("TLS_RSA_WITH_AES_128_GCM_SHA256", "TLS 1.2").empty());
    for (const char* suite : {"TLS_RSA_WITH_AES_128_GCM_SHA256, TLS_RSA_WITH_RC4_128_MD5",
                              "TLS_PSK_WITH_AES_128_CBC_SHA256", "0xfafb"}) {
        INFO(suite);
        CHECK(warnings_of_suites(suite).empty());
    }
    const std::string tls_1_3 =
        with(with(small, "TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_AES_128_GCM_SHA256"),
             "client_version: TLS 1.0", "client_version: TLS 1.2");
    CHECK(warnings(tls_1_3 + "  extensions: [supported_versions: \"020304\"]\n").empty());

    CHECK(warnings(small +
                   "fallbacks:\n"
                   "  - after: [alert]\n"
                   "    hello: {source: here, framing: tls, record_version: SSL 3.0, "
                   "client_version: SSL 3.0, cipher_suites: [TLS_RSA_WITH_AES_128_GCM_SHA256], "
                   "compression_methods: [null]}\n")
              .starts_with("x.yaml:19:106: no suite of this hello exists"));
}

TEST_CASE("versions that are accepted and never offered, sections without a statement") {
    CHECK(warnings(small + "server_hello: {source: here, versions: [TLS 1.1, TLS 1.2]}\n") ==
          "x.yaml:17:40: it accepts none of the versions that it offers, TLS 1.0 at the most\n");
    CHECK(warnings(small + "server_hello: {source: here, versions: [TLS 1.1, SSL 3.0]}\n").empty());
    CHECK(warnings(small + "names: {source: here}\npath: {}\n") ==
          "x.yaml:17:8: 'names' states nothing; remove it\n"
          "x.yaml:18:7: 'path' states nothing; remove it\n");
    CHECK(warnings(small + "names: {cn: {is: never, source: here}}\n").empty());
}

TEST_CASE("a store that is not there is a fault") {
    const auto faults = [](const std::string& trust) {
        const Inspection found = inspect_device(small + trust, "x.yaml", stores);
        CHECK(found.warnings.empty());
        return lines_of(found.faults);
    };
    CHECK(faults("trust: {source: here, store: windows-7}\n").empty());
    CHECK(faults("trust: {source: here, store: windows-77}\n") ==
          "x.yaml:17:30: no store is called 'windows-77', did you mean 'windows-7'?\n");
    CHECK(faults("trust: {store: {is: solaris, source: here}}\n") ==
          "x.yaml:17:21: no store is called 'solaris'\n");
}

TEST_CASE("what does not load has its faults and nothing else") {
    const Inspection found = inspect_device(
        with(with(small, "released: 2007-04", "released: 2030"), "kind: ", "kind: a"), "x.yaml",
        stores);
    CHECK(found.warnings.empty());
    CHECK(lines_of(found.faults).starts_with("x.yaml:5:7: 'kind' must be one of"));
    CHECK(lines_of(found.faults).find("did you mean 'library'?") != std::string::npos);
    CHECK(inspect_device("/nowhere/x.yaml", stores).faults.size() == 1);
    CHECK(inspect_store("/nowhere/x.yaml").faults.size() == 1);
}

TEST_CASE("what the tables of profiles/README.md say") {
    const KeyTexts texts = read_key_texts(
        "# Profiles\n| `a` | of no section |\n"
        "## `names`\n\n| key | value |\n|---|---|\n"
        "| `san` | `none`; or `any` |\n| `broken`\n| `x` | |\n"
        "## Others\n| `b` | of none either |\n## `");
    CHECK(texts == KeyTexts{{"names.san", "`none`; or `any`"}});
}
