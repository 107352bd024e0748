#include "emulator/device/load.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <set>
#include <sstream>

#include "emulator/device/words.h"
#include "handshake/wire/client_hello.h"

using namespace handset;
using namespace handset::device;

namespace {

const std::filesystem::path profiles = std::filesystem::path(HANDSET_SOURCE_DIR) / "profiles";

// The smallest profile that loads; cases change single lines of it.
const std::string small = R"(format: 1
name: Small
vendor: Nobody
family: Tests
kind: library
released: 2007-04
status: draft
sources:
  here: {grade: documented, what: all, where: nowhere, retrieved: 2020-01-01}
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

// The problems, one line each; empty when the text loads.
template <typename Parse>
std::string problems_of(Parse parse, std::string_view text) {
    try {
        parse(text, "x.yaml");
    } catch (const ProfileError& error) {
        REQUIRE_FALSE(error.problems().empty());
        return error.what();
    }
    return "";
}
std::string problems(std::string_view text) {
    return problems_of(parse_device, text);
}
std::string store_problems(std::string_view text) {
    return problems_of(parse_store, text);
}

wire::ClientHello hello_of(const Device& device) {
    wire::ClientHello hello;
    hello.client_version = device.client_hello.client_version;
    hello.random = Bytes(32);
    hello.session_id = Bytes(device.client_hello.session_id_length);
    hello.cipher_suites = device.client_hello.cipher_suites;
    hello.compression_methods = device.client_hello.compression_methods;
    if (device.client_hello.extensions) {
        hello.extensions.emplace();
        for (const HelloExtension& extension : *device.client_hello.extensions) {
            hello.extensions->push_back({extension.type, extension.data, 0});
        }
    }
    return hello;
}

std::string read_text(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    REQUIRE(in);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

}  // namespace

TEST_CASE("every shipped profile and store loads") {
    std::set<std::string> stores;
    for (const auto& file : find_profiles(profiles / "stores")) {
        INFO(file);
        const Store store = load_store(file);
        CHECK(store.id == file.stem().string());
        // A complete store without a root says something, too: nothing is trusted.
        CHECK((store.complete || store.members.size() + store.absent.size() > 0));
        stores.insert(store.id);
    }
    CHECK(stores.count("windows-authroot-2013-10-03") == 1);

    std::set<std::string> ids;
    for (const auto& file : find_profiles(profiles)) {
        INFO(file);
        const Device device = load_device(file);
        ids.insert(device.id);
        CHECK(device.id == file.stem().string());
        CHECK_FALSE(device.sources.empty());
        if (device.trust.store_id) {
            CHECK(stores.count(*device.trust.store_id) == 1);
        }
        if (device.client_hello.framing == Framing::tls) {
            const Bytes body = wire::encode(hello_of(device));
            const auto decoded = wire::decode_client_hello(body);
            REQUIRE(decoded.has_value());
            CHECK(*decoded == hello_of(device));
        }
    }
    for (const char* id : {"strict", "nokia-m4e-symbian-9.1", "nokia-m4e-symbian-9.2",
                           "nokia-m4e-symbian-9.4", "outlook-2007-windows-xp",
                           "outlook-2007-windows-vista-sp1", "exchange-2010-federation"}) {
        CHECK(ids.count(id) == 1);
    }
}

TEST_CASE("what the profiles state about the first devices") {
    const Device nokia_91 = load_device(profiles / "nokia-m4e-symbian-9.1.yaml");
    const Device nokia_92 = load_device(profiles / "nokia-m4e-symbian-9.2.yaml");
    const Device nokia_94 = load_device(profiles / "nokia-m4e-symbian-9.4.yaml");
    for (const Device* nokia : {&nokia_91, &nokia_92, &nokia_94}) {
        INFO(nokia->id);
        CHECK(wire::ja3_text(hello_of(*nokia)) == "769,53-47-10-22-19-5-4-9-18-8-3-17-20,,,");
        CHECK(to_hex(wire::encode_record(hello_of(*nokia), nokia->client_hello.record_version))
                  .substr(0, 22) == "1603010045010000410301");
        CHECK_FALSE(nokia->client_hello.extensions.has_value());
        CHECK_FALSE(nokia->trust.store_id.has_value());
        CHECK(nokia->order->certificates == CertificateOrder::anchor_first);
        CHECK(nokia->certificate.rsa_bits->value == Range{});
        CHECK(nokia->certificate.max_oid_arcs->value == 15);
        const Response& response = nokia->responses.at("illegal-parameter");
        CHECK(response.alert == wire::AlertDescription::illegal_parameter);
        CHECK(response.alert_stated);
        CHECK(response.code == "-7547");
    }
    CHECK(nokia_91.names.san->value == SanRule::none);
    CHECK(nokia_91.names.cn->value == CnRule::always);
    CHECK(nokia_92.names.san->value == SanRule::any);
    CHECK(nokia_92.names.san->source == "digicert");
    CHECK(nokia_92.names.san->grade == Grade::reported);
    CHECK(nokia_92.names.cn->grade == Grade::inferred);
    CHECK(nokia_92.tolerances.at("extension-san-critical").action == Action::refuse);
    CHECK(nokia_92.tolerances.at("extension-san-critical").response == "illegal-parameter");
    CHECK(nokia_94.tolerances.at("extension-san-critical").action == Action::accept);

    const Device xp = load_device(profiles / "outlook-2007-windows-xp.yaml");
    CHECK(wire::ja3_text(hello_of(xp)) == "769,4-5-10-9-100-98-3-6-19-18-99,65281,,");
    CHECK(xp.client_hello.server_name == ServerNameRule::none);
    CHECK(xp.names.msstd->value == MsstdRule::cn);
    const Device vista = load_device(profiles / "outlook-2007-windows-vista-sp1.yaml");
    CHECK(wire::ja3_text(hello_of(vista)) ==
          "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-5-10-11-65281,23-24-25,0");
    CHECK(vista.names.msstd->value == MsstdRule::cn_or_san);

    const Device strict = load_device(profiles / "strict.yaml");
    REQUIRE(strict.otherwise.has_value());
    CHECK(strict.otherwise->action == Action::refuse);
    CHECK(strict.responses.at("standard").alert_as_standard);
    CHECK(strict.client_hello.server_name == ServerNameRule::host);
    for (const auto& [rule, tolerance] : strict.tolerances) {
        CAPTURE(rule);
        CHECK(tolerance.action == Action::refuse);
    }

    const Store server = load_store(profiles / "stores/windows-server-2008-r2-no-root-update.yaml");
    CHECK_FALSE(server.complete);
    CHECK(std::any_of(server.absent.begin(), server.absent.end(), [](const StoreEntry& root) {
        return root.subject == "CN=Baltimore CyberTrust Root,OU=CyberTrust,O=Baltimore,C=IE";
    }));
}

TEST_CASE("a small profile loads, and its defaults are silence") {
    const Device device = parse_device(small, "folder/small-1.0.yaml");
    CHECK(device.id == "small-1.0");
    CHECK(device.kind == Kind::library);
    CHECK(device.by_default);
    CHECK(device.released == "2007-04");
    CHECK(device.client_hello.grade == Grade::documented);
    CHECK(device.client_hello.random == RandomKind::random);
    CHECK_FALSE(device.client_hello.extensions.has_value());
    CHECK_FALSE(device.names.san.has_value());
    CHECK_FALSE(device.trust.store_id.has_value());
    CHECK_FALSE(device.order.has_value());
    CHECK_FALSE(device.otherwise.has_value());
    CHECK(device == parse_device("\xef\xbb\xbf" + small, "small-1.0.yaml"));
}

TEST_CASE("sources: the section's, or the key's own") {
    const std::string two = with(small, "client_hello:",
                                 "  own: {grade: reported, what: a, where: b, retrieved: "
                                 "2020-01-01}\nclient_hello:");
    const Device device = parse_device(two +
                                           "names:\n"
                                           "  source: here\n"
                                           "  san: any\n"
                                           "  cn: {is: never, source: own}\n"
                                           "key_exchange:\n"
                                           "  dh_bits: {is: {min: 1024}, source: own}\n"
                                           "certificate: {source: own, rsa_bits: any}\n",
                                       "x.yaml");
    CHECK(device.names.san == Statement<SanRule>{SanRule::any, "here", Grade::documented});
    CHECK(device.names.cn == Statement<CnRule>{CnRule::never, "own", Grade::reported});
    CHECK(device.key_exchange.dh_bits->value == Range{1024, std::nullopt});
    CHECK(device.certificate.rsa_bits->value == Range{});
}

TEST_CASE("extensions, by name, by list, by octets") {
    const Device device = parse_device(small + R"(  extensions:
    - server_name
    - extended_master_secret
    - supported_groups: [secp256r1, 0x0019]
    - ec_point_formats: [0, 1]
    - signature_algorithms: [rsa_pkcs1_sha1]
    - application_layer_protocol_negotiation: [imap]
    - status_request: "01 00 00 00 00"
    - 0x3374
  server_name: host-and-ip
)",
                                       "x.yaml");
    const auto& extensions = *device.client_hello.extensions;
    std::vector<std::string> seen;
    for (const HelloExtension& extension : extensions) {
        seen.push_back(std::to_string(static_cast<int>(extension.type)) + ":" +
                       to_hex(extension.data));
    }
    CHECK(seen == std::vector<std::string>{"0:", "23:", "10:000400170019", "11:020001",
                                           "13:00020201", "16:000504696d6170", "5:0100000000",
                                           "13172:"});
    CHECK(device.client_hello.server_name == ServerNameRule::host_and_ip);
    CHECK(parse_device(small + "  extensions: []\n", "x.yaml").client_hello.extensions->empty());
}

TEST_CASE("a hello in SSLv2 framing") {
    std::string text = with(small, "framing: tls\n  record_version: TLS 1.0", "framing: sslv2");
    text = with(text, "  cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]\n", "");
    text = with(text, "  compression_methods: [null]\n", "");
    const Device device = parse_device(
        text +
            "  cipher_specs: [TLS_RSA_WITH_RC4_128_MD5, SSL_CK_RC4_128_WITH_MD5, 0x030080]\n"
            "  challenge_length: 16\n",
        "x.yaml");
    CHECK(device.client_hello.cipher_specs ==
          std::vector<std::uint32_t>{0x000004, 0x010080, 0x030080});
    CHECK(device.client_hello.challenge_length == 16);
    CHECK(problems(text) ==
          "x.yaml:11:3: missing key 'cipher_specs' in 'client_hello': framing sslv2 has it");
    CHECK(problems(small + "  challenge_length: 16\n") ==
          "x.yaml:17:21: 'challenge_length' does not exist in framing tls");
}

TEST_CASE("the order of noticing") {
    const Device device = parse_device(small + R"(order:
  source: here
  certificates: anchor-first
  steps: [names, [validity, signature], server_hello]
)",
                                       "x.yaml");
    const Order& order = *device.order;
    CHECK(order.per_certificate ==
          std::vector<rules::Step>{rules::Step::validity, rules::Step::signature});
    const auto rank = [&](rules::Step step) {
        return order.rank.at(static_cast<std::size_t>(step));
    };
    CHECK(rank(rules::Step::names) == 0);
    CHECK(rank(rules::Step::validity) == 1);
    CHECK(rank(rules::Step::signature) == 2);
    CHECK(rank(rules::Step::server_hello) == 3);
    CHECK(rank(rules::Step::certificate_message) == 4);
    CHECK(rank(rules::Step::application) == rules::step_count - 1);
    CHECK(problems(small + "order: {source: here, steps: [names, [path], names, [encoding]]}\n") ==
          "x.yaml:17:46: the step names is listed twice\n"
          "x.yaml:17:53: a second loop; the certificates are gone through once");
    CHECK(problems(small + "order: {source: here, steps: [name]}\n") ==
          "x.yaml:17:31: no step is called 'name'; did you mean 'names'?");
}

TEST_CASE("responses and tolerances") {
    const Device device = parse_device(small + R"(responses:
  silent: {source: here, alert: none, shows: Sorry}
  unknown: {source: here, code: "-1"}
tolerances:
  certificate-expired: {action: ask, response: silent, source: here}
  chain-wrong-order: {action: accept, source: here}
otherwise: {action: refuse, response: unknown, source: here}
remedies:
  certificate-expired: "Renew it."
)",
                                       "x.yaml");
    CHECK(device.responses.at("silent").alert_stated);
    CHECK_FALSE(device.responses.at("silent").alert.has_value());
    CHECK_FALSE(device.responses.at("unknown").alert_stated);
    CHECK(device.tolerances.at("certificate-expired").action == Action::ask);
    CHECK(device.otherwise->response == "unknown");
    CHECK(device.remedies.at("certificate-expired") == "Renew it.");

    CHECK(
        problems(small + "tolerances:\n  certificate-expired: {action: refuse, source: here}\n") ==
        "x.yaml:18:33: 'action: refuse' needs a 'response'");
    CHECK(problems(small + "responses:\n  a: {source: here, alert: illegal_paramter}\n"
                           "otherwise: {action: refuse, response: a, source: here}\n") ==
          "x.yaml:18:28: no alert is called 'illegal_paramter'; did you mean 'illegal_parameter'?");
    CHECK(problems(small + "responses:\n  a: {source: here}\n") ==
          "x.yaml:18:3: response 'a' is not used; remove it");
    CHECK(problems(small + "otherwise: {action: refuse, response: b, source: here}\n") ==
          "x.yaml:17:39: response 'b' is not in 'responses'");
    CHECK(problems(small + "tolerances:\n  certificate-expird: {action: accept, source: here}\n") ==
          "x.yaml:18:3: no rule is called 'certificate-expird'; did you mean "
          "'certificate-expired'?");
    CHECK(problems(small + "responses:\n  a: {source: here}\n"
                           "otherwise: {action: accept, response: a, source: here}\n") ==
          "x.yaml:19:39: 'response' has no place beside 'action: accept'");
}

TEST_CASE("each fault is named at its place") {
    struct Case {
        std::string text;
        std::string expected;
    };
    const std::vector<Case> cases = {
        {with(small, "  cipher_suites: [", "  cypher_suites: ["),
         "x.yaml:11:3: missing key 'cipher_suites' in 'client_hello': framing tls has it\n"
         "x.yaml:15:3: unknown key 'cypher_suites'; did you mean 'cipher_suites'?"},
        {with(small, "[TLS_RSA_WITH_AES_128_CBC_SHA]", "TLS_RSA_WITH_AES_128_CBC_SHA"),
         "x.yaml:15:18: 'cipher_suites' must be a list of cipher suite names"},
        {with(small, "[TLS_RSA_WITH_AES_128_CBC_SHA]", "[TLS_RSA_WITH_AES_12_CBC_SHA]"),
         "x.yaml:15:19: no cipher suite is called 'TLS_RSA_WITH_AES_12_CBC_SHA'; did you mean "
         "'TLS_RSA_WITH_AES_128_CBC_SHA'?"},
        {with(small, "[TLS_RSA_WITH_AES_128_CBC_SHA]", "[]"),
         "x.yaml:15:18: 'cipher_suites' must be a list of at least one of the cipher suite names"},
        {with(small, "kind: library", "kind: phone"),
         "x.yaml:5:7: 'kind' must be one of mail-client, browser, os, library, embedded, server"},
        {with(small, "released: 2007-04", "released: 2007-13"),
         "x.yaml:6:11: 'released' must be a date like 2007, 2007-04 or 2007-04-11"},
        {with(small, "retrieved: 2020-01-01", "retrieved: 2020-02-30"),
         "x.yaml:9:67: 'retrieved' must be a date like 2007-04-11"},
        {with(small, "format: 1", "format: 2"),
         "x.yaml:1:9: 'format' must be 1, the only format that this version reads"},
        {with(small, "name: Small\n", ""), "x.yaml:1:1: missing key 'name' in 'profile'"},
        {with(small, "name: Small", "name: \"a\\x1b[2J\""),
         "x.yaml:2:7: 'name' must be text in one line, without control characters"},
        {with(small, "name: Small", "name: Small\nname: Other"),
         "x.yaml:3:1: duplicate key 'name', first in line 2"},
        {with(small, "  source: here\n", ""),
         "x.yaml:9:3: source 'here' is not used; remove it\n"
         "x.yaml:11:3: missing key 'source' in 'client_hello'"},
        {with(small, "source: here", "source: heer"),
         "x.yaml:9:3: source 'here' is not used; remove it\n"
         "x.yaml:11:11: source 'heer' is not in 'sources'; did you mean 'here'?"},
        {small + "names:\n  san: any\n",
         "x.yaml:18:8: 'san' has no source: give the section a 'source', or write 'san: {is: "
         "VALUE, source: ID}'"},
        {small + "names:\n  san: {is: any}\n", "x.yaml:18:8: missing key 'source' in 'san'"},
        {small + "names: {source: here, san: some}\n",
         "x.yaml:17:28: 'san' must be one of none, first, any; did you mean 'none'?"},
        {small + "names: {source: here, checked: yes}\n",
         "x.yaml:17:32: 'checked' must be true or false"},
        {small + "certificate: {source: here, key_types: [rsa, edd25519]}\n",
         "x.yaml:17:46: 'key_types' must be one of rsa, dsa, ec, ed25519; did you mean "
         "'ed25519'?"},
        {small + "names: any\n", "x.yaml:17:8: 'names' must be a map of keys"},
        {small + "certificate: {source: here, max_oid_arcs: 1e3}\n",
         "x.yaml:17:43: 'max_oid_arcs' must be a whole number"},
        {small + "certificate: {source: here, rsa_bits: 1024}\n",
         "x.yaml:17:39: 'rsa_bits' must be a range like {min: 1024, max: 4096}, or any"},
        {small + "certificate: {source: here, rsa_bits: {min: 2, max: 1}}\n",
         "x.yaml:17:39: 'rsa_bits' must be a range whose min is not above its max"},
        {small + "certificate: {source: here, critical_extensions: [subjectaltname]}\n",
         "x.yaml:17:51: no object identifier is called 'subjectaltname'; did you mean "
         "'subjectAltName'?"},
        {small + "  server_name: host\n",
         "x.yaml:17:16: 'server_name' is host, but 'extensions' does not list it"},
        {small + "  extensions: [server_name]\n",
         "x.yaml:17:15: 'extensions' lists server_name: say 'server_name: host' or host-and-ip"},
        {small + "  extensions: [supported_groups]\n",
         "x.yaml:17:16: supported_groups is never empty: write '- supported_groups: CONTENTS'"},
        {small + "  extensions: [session_ticket, session_ticket]\n",
         "x.yaml:17:15: the extension session_ticket is listed twice"},
        {small + "  extensions: [session_ticket: [1]]\n",
         "x.yaml:17:32: 'session_ticket' must be hexadecimal digits: it has no list form"},
        {small + "  session_id_length: 33\n",
         "x.yaml:17:22: 'session_id_length' must be between 0 and 32"},
        {small + "  ja3: 00\n", "x.yaml:17:8: 'ja3' must be 32 hexadecimal digits"},
        {small + "trust: {source: here, store: \"../a\"}\n",
         "x.yaml:17:30: an id has small letters, digits, '-' and '.' only"},
        {small + "? [a, b]\n: 1\n", "x.yaml:17:3: a key must be a plain word"},
    };
    for (const Case& c : cases) {
        INFO(c.text);
        CHECK(problems(c.text) == c.expected);
    }
}

TEST_CASE("what is not YAML, or more than a profile needs") {
    CHECK(problems("") == "x.yaml: the file is empty");
    CHECK(problems("# nothing\n") == "x.yaml: the file is empty");
    CHECK(problems("---\n...\n") == "x.yaml:2:1: 'profile' must be a map of keys");
    CHECK(problems("- a\n- b\n") == "x.yaml:1:1: 'profile' must be a map of keys");
    CHECK(problems("format: 1\nsources:\n\there: 1\n") ==
          "x.yaml:3:1: a tab in the indentation; YAML indents with spaces");
    CHECK(problems(std::string("format: 1\nname: a\0b\n", 19)) ==
          "x.yaml:2:8: a control character");
    CHECK(problems("format: 1\nname: \xc3\x28\n") == "x.yaml:2:7: not UTF-8");
    CHECK(problems("name: \xed\xa0\x80\n") == "x.yaml:1:7: not UTF-8");
    CHECK(problems("name: a: b\n") ==
          "x.yaml:1:8: not YAML: illegal map value; text with ': ' needs quotes");
    CHECK(problems("name: [a\n").find("x.yaml:2:1: not YAML: ") == 0);
    CHECK(problems(small + "---\n" + small) == "x.yaml:17:1: a second document; a file holds one");
    CHECK(problems("name: !!binary aaaa\n") == "x.yaml:1:7: no tags: write the value");
    CHECK(problems("a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n") ==
          "x.yaml:1:4: no anchors and aliases: a profile is readable alone");
    CHECK(problems("a: " + std::string(20, '[') + std::string(20, ']') + "\n") ==
          "x.yaml:1:19: nested deeper than 16 levels");
    CHECK(problems("a: " + std::string(100000, '[')).find("deeper than 16") != std::string::npos);
    CHECK(problems("a: [" + std::string(1000000, ',')) != "");
    CHECK(problems(std::string((4 << 20) + 1, ' ')) == "x.yaml: larger than 4 MiB");
    std::string many = "a: [";
    for (int i = 0; i < 250000; ++i)
        many += "1,";
    CHECK(problems(many + "]\n").find("more than 200000 values") != std::string::npos);
}

TEST_CASE("one reading finds every problem, up to a hundred") {
    std::string text = with(small, "kind: library", "kind: phone");
    text = with(text, "status: draft", "status: done");
    text += "names: {source: here, san: some, sam: any}\ntrust: []\nvalidaton: {}\n";
    CHECK(problems(text) ==
          "x.yaml:5:7: 'kind' must be one of mail-client, browser, os, library, embedded, server\n"
          "x.yaml:7:9: 'status' must be one of draft, reviewed\n"
          "x.yaml:17:28: 'san' must be one of none, first, any; did you mean 'none'?\n"
          "x.yaml:17:34: unknown key 'sam'; did you mean 'san'?\n"
          "x.yaml:18:8: 'trust' must be a map of keys\n"
          "x.yaml:19:1: unknown key 'validaton'; did you mean 'validation'?");

    std::string keys = small;
    for (int i = 0; i < 150; ++i)
        keys += "zzzzzz" + std::to_string(i) + ": 1\n";
    try {
        parse_device(keys, "x.yaml");
        FAIL("it loaded");
    } catch (const ProfileError& error) {
        REQUIRE(error.problems().size() == 101);
        CHECK(error.problems().back().message == "50 more problems");
    }
}

TEST_CASE("stores") {
    const std::string a(64, 'a');
    const std::string head = "format: 1\nname: S\nsource: s\ndate: 2007-01-09\ncontents: partial\n";
    const Store store = parse_store(head + "members:\n  - {sha256: " + a +
                                        ", ski: 0102, subject: \"CN=A,C=TR\", not_after: "
                                        "2020-01-01}\n",
                                    "s.yaml");
    CHECK_FALSE(store.complete);
    REQUIRE(store.members.size() == 1);
    CHECK(store.members[0].sha256 == Bytes(32, 0xaa));
    CHECK(store.members[0].ski == Bytes{1, 2});
    CHECK(store.members[0].spki_sha256.empty());
    CHECK(store.members[0].not_before.empty());

    CHECK(store_problems(head + "members: [{sha256: aa, subject: x}]\n") ==
          "x.yaml:6:20: 'sha256' must be 64 hexadecimal digits");
    CHECK(store_problems(head + "members: [{sha256: " + a + "}]\n") ==
          "x.yaml:6:11: missing key 'subject' in 'entry'");
    CHECK(store_problems(with(head, "partial", "complete") + "members: []\nabsent: [{sha256: " + a +
                         ", subject: x}]\n") ==
          "x.yaml:1:1: 'absent' belongs to 'contents: partial': a complete list needs none");
    CHECK(store_problems(head + "members: [{sha256: " + a +
                         ", subject: x}]\nabsent: [{sha256: " + a + ", subject: x}]\n") ==
          "x.yaml:1:1: the root " + a + " is listed twice");
    CHECK(store_problems(with(head, "partial", "some") + "members: []\n") ==
          "x.yaml:5:11: 'contents' must be one of complete, partial");
}

TEST_CASE("files that cannot be read are problems too") {
    const auto message = [](const std::filesystem::path& file) {
        try {
            load_device(file);
        } catch (const ProfileError& error) {
            return std::string(error.what());
        }
        return std::string();
    };
    CHECK(message("no/such.yaml") == "no/such.yaml: cannot be opened");
    CHECK(message(profiles) == profiles.string() + ": is a folder, not a file");
    CHECK(message("/dev/zero") == "/dev/zero: larger than 4 MiB");
    CHECK_THROWS_AS(find_profiles("no-such-folder"), ProfileError);
    CHECK_THROWS_AS(parse_device(small, "Bad Name.yaml"), ProfileError);
}

TEST_CASE("a cut or spoilt profile is refused in good order") {
    const std::string text = read_text(profiles / "nokia-m4e-symbian-9.2.yaml");
    for (std::size_t length = 0; length < text.size(); length += 61) {
        problems(std::string_view(text).substr(0, length));
    }
    for (std::size_t i = 0; i < text.size(); i += 149) {
        for (const char c : {'\n', ':', '[', '{', '"', '-', '&', '*', '#', '\xff'}) {
            std::string spoilt = text;
            spoilt[i] = c;
            problems(spoilt);
        }
    }
    SUCCEED("every fault was a ProfileError");
}

TEST_CASE("profiles/README.md names every key, and no other") {
    std::istringstream readme(read_text(profiles / "README.md"));
    std::set<std::string> documented;
    std::string section;
    for (std::string line; std::getline(readme, line);) {
        if (line.rfind("## ", 0) == 0) {
            const auto from = line.find('`');
            section =
                from == std::string::npos ? "" : line.substr(from + 1, line.rfind('`') - from - 1);
        } else if (!section.empty() && line.rfind("| `", 0) == 0) {
            documented.insert(section + '.' + line.substr(3, line.find('`', 3) - 3));
        }
    }
    const std::vector<std::string> known = known_keys();
    CHECK(documented == std::set<std::string>(known.begin(), known.end()));
    CHECK(std::set<std::string>(known.begin(), known.end()).size() == known.size());
}

TEST_CASE("words go both ways") {
    CHECK(grade_name(Grade::source_code) == "source-code");
    CHECK(grade_from_name("captured") == Grade::captured);
    CHECK_FALSE(grade_from_name("certain").has_value());
    CHECK(kind_name(Kind::mail_client) == "mail-client");
    CHECK(status_name(Status::reviewed) == "reviewed");
    for (const auto& word : words<ExtendedKeyUsageRule>) {
        CHECK(word_of(word.value) == word.name);
        CHECK(from_word<ExtendedKeyUsageRule>(word.name) == word.value);
    }
}
