#include "emulator/device/profile_text.h"

#include <catch2/catch.hpp>
#include <functional>
#include <random>
#include <set>

#include "emulator/device/load.h"
#include "emulator/device/statements.h"
#include "emulator/device/words.h"
#include "handshake/rules/rule.h"
#include "handshake/wire/extensions.h"

using namespace handset;
using namespace handset::device;

namespace {

const std::filesystem::path profiles = std::filesystem::path(HANDSET_SOURCE_DIR) / "profiles";

Device loaded(const std::string& text, const std::string& id) {
    return parse_device(text, id + ".yaml");
}

// Octets of which YAML or the loader could make something else. All of them are one line of UTF-8.
const std::vector<std::string> odd_texts = {
    "yes", "No", "on", "OFF", "y", "true", "null", "Null", "NULL", "~", "0x10", "1.0", "-7547",
    "+1", ".5", ".inf", "1e3", "2007-04-11", "012", "1_000", "12:30:45", "=", "<<",
    // what has a meaning to YAML
    "a: b", "a:", ":a", "a #b", "#a", "a#b", "- a", "-", "---", "...", "--- a", "? a", "?",
    "%YAML 1.2", "%", "@a", "`a`", "&a", "*a", "!a", "!!str a", "|", ">", ">-", "[a, b]", "{a: b}",
    "a, b", "]", "}", "a]", "{is: any, source: x}",
    // quotation marks, backslashes and blanks
    "\"", "'", "\"a\"", "'a'", "it's", "say \"no\"", "it's \"no\"", "a\\b", "\\n", "\\", "a\\",
    "'\\'", "\\\"", " a", "a ", "  a  b  ", "a  b", "(a)", "a (b)", "+a", "_a", " ", "   ",
    // beyond ASCII
    "caf\xc3\xa9", "\xd0\x94\xd0\xb0", "\xe2\x82\xac 5", "\xf0\x9f\x93\xb1", "\xc2\x80", "\xc2\x85",
    "a\xc2\x9f", "\xc2\xa0", "a\xe2\x80\xa8 b", "\xe2\x80\xa9", "\xef\xbb\xbf", "\xef\xbf\xbe",
    "\xef\xbf\xbf", "\xef\xbf\xbd", "'\xe2\x80\xa8\""};

// --- devices made up --------------------------------------------------------------------------

// Makes devices that load: every source and response is used, every list within the format's
// bounds. Its choices depend on the seed alone.
class Maker {
public:
    // `density` of 4: how many of four statements are made; 4 makes all there are.
    explicit Maker(std::uint32_t seed, unsigned density = 2) : random_(seed), density_(density) {}
    Device make();

private:
    std::size_t below(std::size_t end) { return random_() % end; }
    bool wanted() { return below(4) < density_; }
    template <typename T>
    const T& one_of(const std::vector<T>& choices) {
        return choices[below(choices.size())];
    }

    void value(bool& out) { out = below(2) == 0; }
    void value(std::size_t& out) { out = 2 + below(199); }
    void value(Range& out) {
        if (density_ == 4 || below(2) == 0) out.min = below(2048);
        if (density_ == 4 || below(2) == 0) out.max = 2048 + below(100000);
    }
    void value(x509::Oid& out) {
        static const std::vector<std::string> names = {
            "sha1WithRSAEncryption",       "keyUsage", "2.5", "1.2", "1.2.826.0.1.1796587.1.1.1.1",
            "2.999.18446744073709551615.3"};
        out = *x509::oid_from_name(one_of(names));
    }
    template <typename E>
    requires std::is_enum_v<E>
    void value(E& out) {
        if constexpr (words<E>.size() != 0) {
            out = words<E>[below(words<E>.size())].value;
        } else {
            // Numbers with a name are few; unknown ones and GREASE are most of the others.
            const std::size_t known = below(3);
            const auto number = known == 0   ? 0x0a0a + 0x1010 * below(16)
                                : known == 1 ? below(80)
                                             : below(0x10000);
            out = static_cast<E>(number);
        }
    }
    template <typename T>
    void value(std::vector<T>& out) {
        out.resize(1 + below(density_ == 4 ? 20 : 6));
        for (T& item : out)
            value(item);
    }
    template <typename T>
    void state(Stated<T>& stated) {
        if (!wanted()) return;
        stated.emplace();
        value(stated->value);
        ascribe(*stated);
    }
    void state_names(Stated<std::vector<std::string>>& stated, std::vector<std::string> names) {
        if (!wanted()) return;
        stated.emplace();
        stated->value = std::move(names);
        ascribe(*stated);
    }
    template <typename T>
    void ascribe(T& statement) {
        auto source = device_.sources.begin();
        std::advance(source, below(device_.sources.size()));
        statement.source = source->first;
        statement.grade = source->second.grade;
        used_.insert(source->first);
    }

    std::string text();
    Bytes octets(std::size_t length);
    HelloExtension extension(wire::ExtensionType type);
    ClientHello hello(Framing framing);
    Order order();
    Response response();
    Tolerance tolerance();
    void rules();

    std::mt19937 random_;
    unsigned density_;
    Device device_;
    std::set<std::string> used_;
};

std::string Maker::text() {
    std::string out = one_of(odd_texts);
    for (std::size_t more = below(3); more > 0; --more)
        out += one_of(odd_texts);
    return out;
}

Bytes Maker::octets(std::size_t length) {
    Bytes out(length);
    for (std::uint8_t& octet : out)
        octet = static_cast<std::uint8_t>(below(256));
    return out;
}

HelloExtension Maker::extension(wire::ExtensionType type) {
    using wire::ExtensionType;
    if (type == ExtensionType::server_name) return {type, {}};
    switch (below(4)) {
        case 0:
            return {type, {}};
        case 1:
            return {type, octets(below(200))};
        default:
            break;
    }
    if (type == ExtensionType::supported_groups) {
        std::vector<wire::NamedGroup> groups;
        value(groups);
        return {type, wire::encode_supported_groups(groups)};
    }
    if (type == ExtensionType::signature_algorithms) {
        std::vector<wire::SignatureScheme> schemes;
        value(schemes);
        return {type, wire::encode_signature_algorithms(schemes)};
    }
    if (type == ExtensionType::ec_point_formats) {
        return {type, wire::encode_ec_point_formats(octets(below(20)))};
    }
    if (type == ExtensionType::application_layer_protocol_negotiation) {
        std::vector<std::string> protocols = {"h2", "http/1.1", text(), "\x0a\x0a"};
        protocols.resize(1 + below(4));
        return {type, wire::encode_alpn(protocols)};
    }
    return {type, octets(4)};
}

ClientHello Maker::hello(Framing framing) {
    ClientHello hello;
    hello.framing = framing;
    value(hello.client_version);
    if (wanted()) hello.session_id_length = below(33);
    if (framing == Framing::sslv2) {
        for (std::size_t i = 0; i < 1 + below(20); ++i) {
            hello.cipher_specs.push_back(static_cast<std::uint32_t>(below(2) == 0 ? below(0x1000000)
                                                                    : below(2) == 0 ? below(0x10000)
                                                                                    : 0x010080));
        }
        if (wanted()) hello.challenge_length = 16 + below(16);
    } else {
        value(hello.record_version);
        if (wanted()) hello.random = RandomKind::clock_prefixed;
        value(hello.cipher_suites);
        using Method = wire::CompressionMethod;
        hello.compression_methods = {Method::deflate, Method::lzs, Method::null};
        hello.compression_methods.resize(1 + below(3));
        if (wanted()) {
            std::vector<wire::ExtensionType> types;
            value(types);
            if (wanted()) {
                for (const unsigned known : {0u, 5u, 10u, 11u, 13u, 16u, 21u, 23u, 35u, 65281u}) {
                    types.push_back(static_cast<wire::ExtensionType>(known));
                }
            }
            std::set<wire::ExtensionType> seen;
            hello.extensions.emplace();
            for (const auto type : types) {
                if (!seen.insert(type).second) continue;
                hello.extensions->push_back(extension(type));
                if (type != wire::ExtensionType::server_name) continue;
                hello.server_name =
                    below(2) == 0 ? ServerNameRule::host_and_ip : ServerNameRule::host;
            }
        }
    }
    if (wanted()) hello.ja3 = to_hex(octets(16));
    ascribe(hello);
    return hello;
}

Order Maker::order() {
    Order order;
    std::vector<std::size_t> steps(rules::step_count);
    for (std::size_t i = 0; i < steps.size(); ++i) {
        std::swap(steps[i] = i, steps[below(i + 1)]);
    }
    order.rank.resize(steps.size());
    for (std::size_t i = 0; i < steps.size(); ++i)
        order.rank[steps[i]] = i;
    if (wanted()) {
        const std::size_t first = below(steps.size());
        const std::size_t length = 1 + below(steps.size() - first);
        for (std::size_t i = first; i < first + length; ++i) {
            order.per_certificate.push_back(static_cast<rules::Step>(steps[i]));
        }
    }
    value(order.certificates);
    if (density_ == 4) order.certificates = CertificateOrder::anchor_first;
    ascribe(order);
    return order;
}

Response Maker::response() {
    Response response;
    switch (below(4)) {
        case 0:
            break;
        case 1:
            response.alert_stated = true;
            break;
        case 2:
            response.alert_stated = true;
            response.alert_as_standard = true;
            break;
        default:
            response.alert_stated = true;
            response.alert = static_cast<wire::AlertDescription>(below(256));
    }
    if (wanted()) response.shows = text();
    if (wanted()) response.log = text();
    if (wanted()) response.code = text();
    if (wanted()) {
        response.answers.push_back({text(), Consequence::connects, {}});
        response.answers.push_back({text(), Consequence::fails, {}});
        response.answers.push_back(
            {text(), Consequence::fails, static_cast<wire::AlertDescription>(below(256))});
    }
    ascribe(response);
    return response;
}

Tolerance Maker::tolerance() {
    Tolerance tolerance;
    value(tolerance.action);
    if (tolerance.action != Action::accept) {
        auto response = device_.responses.begin();
        std::advance(response, below(device_.responses.size()));
        tolerance.response = response->first;
    }
    ascribe(tolerance);
    return tolerance;
}

void Maker::rules() {
    state(device_.server_hello.versions);
    state(device_.server_hello.max_record_bytes);
    state(device_.server_hello.max_message_bytes);
    state(device_.server_hello.max_chain_bytes);
    state(device_.server_hello.max_chain_certificates);
    state(device_.server_hello.max_certificate_message_bytes);
    state(device_.server_hello.max_certificate_request_bytes);
    state(device_.key_exchange.dh_bits);
    state(device_.key_exchange.dh_bits_multiple);
    state(device_.key_exchange.groups);
    state_names(device_.key_exchange.hashes,
                {"md5", "sha1", "sha224", "sha256", "sha384", "sha512"});
    state(device_.certificate.rsa_bits);
    state_names(device_.certificate.key_types, {"ed25519", "ec", "dsa", "rsa"});
    state(device_.certificate.signature_algorithms);
    state(device_.certificate.critical_extensions);
    state(device_.certificate.max_oid_arcs);
    state(device_.certificate.max_certificate_bytes);
    state(device_.certificate.max_san_names);
    state(device_.certificate.max_exponent_bits);
    state(device_.certificate.curves);
    state(device_.certificate.max_year);
    state(device_.path.order);
    state(device_.path.sent_self_signed);
    state(device_.path.anchors);
    state(device_.path.issuers);
    state(device_.path.alternatives);
    state(device_.path.key_identifiers);
    state(device_.path.prefers_in_date);
    state(device_.path.name_chaining);
    state(device_.path.aia);
    state(device_.path.max_certificates);
    state(device_.validation.dates);
    state(device_.validation.basic_constraints);
    state(device_.validation.path_len_constraint);
    state(device_.validation.self_issued_exempt);
    state(device_.validation.leaf_ca_counts);
    state(device_.validation.ca_key_usage);
    state(device_.validation.leaf_key_usage);
    state(device_.validation.extended_key_usage);
    state(device_.validation.ca_extended_key_usage);
    state(device_.validation.v1_ca);
    state(device_.validation.anchor_constraints);
    state(device_.validation.name_constraints);
    state(device_.validation.name_constraints_on_cn);
    state(device_.validation.name_constraints_on_email);
    state(device_.validation.name_constraints_on_cas);
    state(device_.validation.name_constraints_on_self_issued);
    state(device_.validation.dns_constraints_by_label);
    state(device_.validation.dns_constraints_hold_more);
    state(device_.validation.wildcards_may_be_excluded);
    state(device_.validation.local_part_case_counts);
    state(device_.validation.host_constraints_hold_below);
    state(device_.validation.ipv6_constraints);
    state(device_.validation.ip_constraints_by_family);
    state(device_.validation.policies);
    state(device_.validation.max_validity_days);
    state(device_.names.checked);
    state(device_.names.san);
    state(device_.names.cn);
    state(device_.names.cn_which);
    state(device_.names.san_wildcard);
    state(device_.names.cn_wildcard);
    state(device_.names.wildcard_min_labels);
    state(device_.names.public_suffix_wildcard);
    state(device_.names.wildcard_matches_a_label);
    state(device_.names.ip);
    state(device_.names.case_sensitive);
    state(device_.names.trailing_dot_ignored);
    state(device_.names.embedded_nul);
    state(device_.names.msstd);
    state(device_.trust.users_install_roots);
    state(device_.trust.root_formats);
    state(device_.trust.user_roots);
    if (wanted()) {
        device_.trust.store_id = below(2) == 0 ? "windows-xp" : "null";
        ascribe(device_.trust);
    }
    // Lists that may be empty.
    if (device_.validation.name_constraints && below(3) == 0) {
        device_.validation.name_constraints->value.clear();
    }
    if (device_.certificate.critical_extensions && below(3) == 0) {
        device_.certificate.critical_extensions->value.clear();
    }
}

Device Maker::make() {
    device_ = Device{};
    used_.clear();
    device_.id = "made-up";
    device_.name = text();
    device_.vendor = text();
    device_.family = text();
    value(device_.kind);
    device_.released = one_of<std::string>({"2007", "2007-04", "2007-04-11"});
    value(device_.status);
    device_.by_default = !wanted();
    while (wanted() && device_.notes.size() < 3)
        device_.notes.push_back(text());
    for (const char* id : {"capture", "1.0", "null", "yes", "-", "---", "0x10", "rfc5246"}) {
        if (!wanted() && !device_.sources.empty()) continue;
        Source& source = device_.sources[id];
        value(source.grade);
        source.what = text();
        source.where = text();
        source.retrieved = "2026-11-21";
    }
    for (const char* id : {"standard", "none", "no", "2.5", "..."}) {
        if (wanted()) device_.responses[id] = response();
    }

    const bool v2 = density_ != 4 && below(4) == 0;
    device_.client_hello = hello(v2 ? Framing::sslv2 : Framing::tls);
    while (wanted() && device_.fallbacks.size() < 8) {
        Fallback fallback;
        value(fallback.after);
        fallback.hello = hello(device_.fallbacks.size() % 2 == 0 ? Framing::sslv2 : Framing::tls);
        device_.fallbacks.push_back(std::move(fallback));
    }
    rules();
    if (wanted()) device_.order = order();
    for (const rules::Rule& rule : rules::catalog()) {
        if (!wanted()) continue;
        if (!device_.responses.empty()) device_.tolerances.emplace(rule.id, tolerance());
        device_.remedies.emplace(rule.id, text());
    }
    if (wanted() && !device_.responses.empty()) device_.otherwise = tolerance();

    std::set<std::string> answered;
    for (const auto& [rule, tolerance] : device_.tolerances)
        answered.insert(tolerance.response);
    if (device_.otherwise) answered.insert(device_.otherwise->response);
    std::erase_if(device_.responses, [&](const auto& item) { return !answered.count(item.first); });
    used_.clear();
    for (const StatementText& statement : statements(device_))
        used_.insert(statement.source);
    for (const auto& [id, response] : device_.responses)
        used_.insert(response.source);
    std::erase_if(device_.sources, [&](const auto& item) { return !used_.count(item.first); });
    return device_;
}

Device full_device() {
    return Maker(1, 4).make();
}

// A device of a few statements, for texts that are compared as a whole.
Device small_device() {
    Device device;
    device.id = "small";
    device.name = "Small 1.0";
    device.vendor = "Nobody";
    device.family = "Tests";
    device.kind = Kind::mail_client;
    device.released = "2007-04";
    device.sources["capture"] = {Grade::captured, "a hello", "captures/x", "2020-01-01"};
    device.client_hello.record_version = wire::ProtocolVersion::tls_1_0;
    device.client_hello.client_version = wire::ProtocolVersion::tls_1_2;
    device.client_hello.cipher_suites = {wire::CipherSuite{0x0a0a}, wire::CipherSuite{0x002f}};
    device.client_hello.compression_methods = {wire::CompressionMethod::null};
    device.client_hello.source = "capture";
    device.client_hello.grade = Grade::captured;
    return device;
}

// The lines of the text from `section:` to the next line that is not indented.
std::string part_of(const std::string& text, const std::string& section) {
    const std::string all = "\n" + text + "\n!";
    const auto first = all.find("\n" + section + ":");
    if (first == std::string::npos) return {};
    auto last = first + 1;
    do {
        last = all.find('\n', last + 1);
    } while (all[last + 1] == ' ');
    return all.substr(first, last - first);
}

std::string refusal(const Device& device) {
    try {
        profile_text(device);
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "";
}

}  // namespace

TEST_CASE("a profile as a careful person writes it") {
    Device device = small_device();
    device.sources["maker"] = {Grade::documented, "It says \"no\".", "https://example.com",
                               "2020-01-02"};
    device.notes = {"Nothing else is known."};
    device.client_hello.extensions = {
        {wire::ExtensionType::server_name, {}},
        {wire::ExtensionType::renegotiation_info, {0}},
        {wire::ExtensionType{0x1a1a}, {}},
        {wire::ExtensionType::supported_groups, *from_hex("0004001d0a0a")},
        {wire::ExtensionType::application_layer_protocol_negotiation, *from_hex("000302"
                                                                                "6832")},
        {wire::ExtensionType::key_share, Bytes(50, 0xab)}};
    device.client_hello.server_name = ServerNameRule::host;
    const auto stated = [](auto value, const char* source, Grade grade) {
        return Statement<decltype(value)>{std::move(value), source, grade};
    };
    device.certificate.rsa_bits = stated(Range{1024, {}}, "maker", Grade::documented);
    std::vector<x509::Oid> known;
    for (const char* name :
         {"basicConstraints", "keyUsage", "extKeyUsage", "subjectAltName", "nameConstraints",
          "certificatePolicies", "policyConstraints", "policyMappings"}) {
        known.push_back(*x509::oid_from_name(name));
    }
    device.certificate.critical_extensions = stated(known, "maker", Grade::documented);
    device.certificate.max_oid_arcs = stated(std::size_t{15}, "capture", Grade::captured);
    device.names.san = stated(SanRule::any, "capture", Grade::captured);
    device.names.cn = stated(CnRule::if_no_san, "maker", Grade::documented);
    device.names.case_sensitive = stated(false, "maker", Grade::documented);
    device.responses["bad-certificate"] = {wire::AlertDescription::bad_certificate,
                                           true,
                                           false,
                                           "It says \"no\".",
                                           "",
                                           "-7542",
                                           {{"Yes", Consequence::connects, {}}},
                                           "capture",
                                           Grade::captured};
    device.tolerances["name-host-mismatch"] = {Action::ask, "bad-certificate", "capture",
                                               Grade::captured};
    device.tolerances["chain-wrong-order"] = {Action::accept, "", "maker", Grade::documented};

    const std::string text = profile_text(device, {{"names.cn", "section 3.1"},
                                                   {"certificate.critical_extensions", "all"},
                                                   {"names.ip", "not stated"}});
    CHECK(text == R"(# yaml-language-server: $schema=profile.schema.json
format: 1
name: Small 1.0
vendor: Nobody
family: Tests
kind: mail-client
released: 2007-04
status: draft
notes:
  - "Nothing else is known."
sources:
  capture:
    grade: captured
    what: "a hello"
    where: "captures/x"
    retrieved: 2020-01-01
  maker:
    grade: documented
    what: 'It says "no".'
    where: "https://example.com"
    retrieved: 2020-01-02

client_hello:
  source: capture
  framing: tls
  record_version: TLS 1.0
  client_version: TLS 1.2
  cipher_suites:
    - 0x0a0a
    - TLS_RSA_WITH_AES_128_CBC_SHA
  compression_methods: [null]
  extensions:
    - server_name
    - renegotiation_info: "00"
    - 0x1a1a
    - supported_groups: [x25519, 0x0a0a]
    - application_layer_protocol_negotiation: [h2]
    - key_share:
        "abababababababababababababababababababababababababababababababababababababababab
         abababababababababab"
  server_name: host

certificate:
  source: maker
  rsa_bits: {min: 1024}
  critical_extensions: [  # all
    basicConstraints, keyUsage, extKeyUsage, subjectAltName, nameConstraints, certificatePolicies,
    policyConstraints, policyMappings
  ]
  max_oid_arcs: {is: 15, source: capture}

names:
  source: maker
  san: {is: any, source: capture}
  cn: if-no-san  # section 3.1
  case_sensitive: false

responses:
  bad-certificate:
    source: capture
    alert: bad_certificate
    shows: 'It says "no".'
    code: "-7542"
    answers:
      - {answer: "Yes", then: connects}

tolerances:
  chain-wrong-order: {action: accept, source: maker}
  name-host-mismatch: {action: ask, response: bad-certificate, source: capture}
)");
    CHECK(loaded(text, "small") == device);
}

TEST_CASE("every shipped profile survives") {
    std::size_t count = 0;
    for (const auto& file : find_profiles(profiles)) {
        INFO(file);
        ++count;
        const Device device = load_device(file);
        const std::string text = profile_text(device);
        CHECK(loaded(text, device.id) == device);
    }
    CHECK(count >= 8);
}

TEST_CASE("a device that states everything") {
    const Device device = full_device();
    const std::string text = profile_text(device);
    CHECK(loaded(text, device.id) == device);

    for (const std::string& known : known_keys()) {
        const auto dot = known.find('.');
        const std::string section = known.substr(0, dot);
        const std::string key = known.substr(dot + 1);
        if (section == "store" || section == "entry" || section == "group") continue;
        INFO(known);
        std::string part = section == "profile"   ? "\n" + text
                           : section == "answers" ? part_of(text, "responses")
                           : section == "client_hello"
                               ? part_of(text, "client_hello") + part_of(text, "fallbacks")
                               : part_of(text, section);
        const bool is_there = section == "profile"
                                  ? part.find("\n" + key + ":") != std::string::npos
                                  : part.find(" " + key + ": ") != std::string::npos ||
                                        part.find(" " + key + ":\n") != std::string::npos ||
                                        part.find("{" + key + ": ") != std::string::npos;
        CHECK(is_there);
    }
}

TEST_CASE("random devices survive") {
    for (std::uint32_t seed = 0; seed < 300; ++seed) {
        INFO("seed " << seed);
        const Device device = Maker(seed, 1 + seed % 3).make();
        REQUIRE(loaded(profile_text(device), device.id) == device);
    }
}

TEST_CASE("every odd text survives in every place") {
    for (const std::string& odd : odd_texts) {
        INFO(printable(odd));
        Device device = small_device();
        device.name = device.vendor = device.family = odd;
        device.notes = {odd, odd + odd};
        device.sources["capture"].what = device.sources["capture"].where = odd;
        Response response;
        response.shows = response.log = response.code = odd;
        response.answers = {{odd, Consequence::fails, wire::AlertDescription::unknown_ca}};
        response.source = "capture";
        response.grade = Grade::captured;
        device.responses["r"] = response;
        device.otherwise = {Action::ask, "r", "capture", Grade::captured};
        device.remedies["chain-wrong-order"] = odd;
        device.client_hello.extensions = {
            {wire::ExtensionType::application_layer_protocol_negotiation,
             wire::encode_alpn({odd, "h2"})}};
        CHECK(loaded(profile_text(device), "small") == device);
    }
}

TEST_CASE("every number survives, with a name or without") {
    Device device = small_device();
    Statement<std::vector<wire::NamedGroup>> groups{{}, "capture", Grade::captured};
    Statement<std::vector<wire::ProtocolVersion>> versions{{}, "capture", Grade::captured};
    for (std::uint32_t number = 0; number < 0x10000; ++number) {
        groups.value.push_back(static_cast<wire::NamedGroup>(number));
        versions.value.push_back(static_cast<wire::ProtocolVersion>(number));
    }
    device.key_exchange.groups = groups;
    device.server_hello.versions = versions;
    CHECK(loaded(profile_text(device), "small") == device);

    // A hello holds some 7,900 suites, 3,900 extensions, 5,200 cipher specs.
    device = small_device();
    for (std::uint32_t first = 0; first < 0x10000; first += 0x1e00) {
        device.client_hello.cipher_suites.clear();
        for (std::uint32_t number = first; number < std::min(first + 0x1e00, 0x10000u); ++number) {
            device.client_hello.cipher_suites.push_back(static_cast<wire::CipherSuite>(number));
        }
        INFO(first);
        CHECK(loaded(profile_text(device), "small") == device);
    }
    device = small_device();
    std::vector<wire::SignatureScheme> schemes;
    for (std::uint32_t number = 0; number < 0x1000; ++number) {
        schemes.push_back(static_cast<wire::SignatureScheme>(number));
    }
    device.client_hello.extensions = {
        {wire::ExtensionType::signature_algorithms, wire::encode_signature_algorithms(schemes)}};
    for (std::uint32_t type = 1; type < 0x10000; type = type < 0x100 ? type + 1 : type + 0x55) {
        if (type != static_cast<unsigned>(wire::ExtensionType::signature_algorithms)) {
            device.client_hello.extensions->push_back({static_cast<wire::ExtensionType>(type), {}});
        }
    }
    CHECK(loaded(profile_text(device), "small") == device);

    Device v2 = small_device();
    v2.client_hello = ClientHello{};
    v2.client_hello.framing = Framing::sslv2;
    v2.client_hello.client_version = wire::ProtocolVersion::ssl_3_0;
    v2.client_hello.source = "capture";
    v2.client_hello.grade = Grade::captured;
    for (std::uint32_t spec = 0; spec < 0x1000000; spec += spec < 0x200 ? 1 : 0x1f31) {
        v2.client_hello.cipher_specs.push_back(spec);
    }
    for (std::uint32_t spec = 0x010080; spec <= 0x0800ff; spec += 0x010000) {
        v2.client_hello.cipher_specs.push_back(spec);
    }
    CHECK(loaded(profile_text(v2), "small") == v2);

    for (unsigned alert = 0; alert < 0x100; ++alert) {
        device = small_device();
        device.responses["r"].alert = static_cast<wire::AlertDescription>(alert);
        device.responses["r"].alert_stated = true;
        device.responses["r"].source = "capture";
        device.responses["r"].grade = Grade::captured;
        device.otherwise = {Action::refuse, "r", "capture", Grade::captured};
        INFO(alert);
        CHECK(loaded(profile_text(device), "small") == device);
    }
}

TEST_CASE("hellos at the edges of the format") {
    const auto survives = [](const std::function<void(ClientHello&)>& change) {
        Device device = small_device();
        change(device.client_hello);
        return loaded(profile_text(device), "small") == device;
    };
    using Type = wire::ExtensionType;
    CHECK(survives([](ClientHello& hello) { hello.extensions.emplace(); }));
    CHECK(survives([](ClientHello& hello) {
        hello.session_id_length = 32;
        hello.random = RandomKind::clock_prefixed;
        hello.ja3 = "00000000000000000000000000000000";
    }));
    // Contents that are missing, empty, cut, or have octets behind them.
    for (const Type type :
         {Type::supported_groups, Type::ec_point_formats, Type::signature_algorithms,
          Type::status_request, Type::application_layer_protocol_negotiation,
          Type::renegotiation_info, Type::key_share, Type{0xfafa}}) {
        for (const char* contents :
             {"", "00", "0000", "0003", "0002001d", "0002001d00", "0003001d00", "0100",
              "0000000"
              "1",
              "000302683200", "000100", "00020100"}) {
            INFO(wire::name_of(type) << " " << contents);
            CHECK(survives([&](ClientHello& hello) {
                hello.extensions = {{type, *from_hex(contents)}};
            }));
        }
    }
    for (std::size_t length = 0; length < 300; length += 7) {
        CHECK(survives([&](ClientHello& hello) {
            hello.extensions = {{Type::padding, Bytes(length)}};
        }));
    }
}

TEST_CASE("comments stand behind their statements and change nothing") {
    const Device device = full_device();
    const std::string bare = profile_text(device);
    const auto lines = [](const std::string& text) {
        return std::count(text.begin(), text.end(), '\n');
    };
    const std::vector<std::string> odd_comments = {
        "seen twice", "a\nformat: 2", "a\r\nb", "\x1b[31mred",      std::string("a\0b", 3),
        "# a",        "\"",           "a: {b",  "a\xc2\x85name: x", "a\xe2\x80\xa8name: x",
        "\xff\xfe",   "\xef\xbb\xbf", "\t",     "caf\xc3\xa9"};
    for (const std::string& odd : odd_comments) {
        INFO(printable(odd));
        std::map<std::string, std::string> comments;
        for (const StatementText& statement : statements(device))
            comments[statement.key] = odd;
        const std::string text = profile_text(device, comments);
        CHECK(loaded(text, device.id) == device);
        CHECK(lines(text) == lines(bare));
        CHECK(text.find('\x1b') == std::string::npos);
        CHECK(text.find("\xe2\x80\xa8name") == std::string::npos);
        CHECK(text.find("\xc2\x85name") == std::string::npos);
    }

    std::map<std::string, std::string> comments;
    for (const StatementText& statement : statements(device))
        comments[statement.key] = "about " + statement.key;
    const std::string text = profile_text(device, comments);
    for (const auto& [key, comment] : comments) {
        INFO(key);
        const auto at = text.find("  # " + comment + "\n");
        REQUIRE(at != std::string::npos);
        const auto start = text.rfind('\n', at) + 1;
        const std::string name = key.substr(key.find('.') + 1);
        CHECK(text.substr(start, at - start).find(name + ":") != std::string::npos);
    }
}

TEST_CASE("long lists are folded") {
    const std::string text = profile_text(full_device());
    std::size_t begin = 0;
    std::size_t folded = 0;
    for (std::size_t end = 0; (end = text.find('\n', begin)) != std::string::npos;
         begin = end + 1) {
        const std::string line = text.substr(begin, end - begin);
        const bool is_text = line.find_first_of("\"'{") != std::string::npos;
        INFO(line);
        if (!is_text) CHECK(line.size() <= 100);
        if (line.empty()) continue;
        if (line.back() == ',') ++folded;
        CHECK(line.back() != ' ');
    }
    CHECK(folded > 3);

    Device device = small_device();
    device.client_hello.extensions.emplace();
    for (std::size_t length = 0; length < 100; ++length) {
        device.client_hello.extensions->push_back(
            {static_cast<wire::ExtensionType>(0xe000 + length), Bytes(length, 0x0a)});
    }
    const std::string hello = part_of(profile_text(device), "client_hello");
    for (std::size_t at = 0, end = 0; (end = hello.find('\n', at)) != std::string::npos;
         at = end + 1) {
        CHECK(end - at <= 100);
    }
}

TEST_CASE("what the format cannot say is refused in one line") {
    CHECK(refusal(small_device()).empty());
    const auto refused = [](const std::function<void(Device&)>& change) {
        Device device = small_device();
        change(device);
        const std::string why = refusal(device);
        CHECK(why.find('\n') == std::string::npos);
        return why;
    };
    using Catch::Contains;
    const auto stated = [](auto value) {
        return Statement<decltype(value)>{std::move(value), "capture", Grade::captured};
    };
    for (const char* text : {"", "a\nb", "a\nformat: 2", "\x1b[31m", "a\tb", "\x7f"}) {
        CHECK_THAT(refused([&](Device& device) { device.name = text; }), Contains("'name'"));
        CHECK_THAT(refused([&](Device& device) { device.notes = {text}; }), Contains("'notes'"));
    }
    CHECK_THAT(refused([](Device& device) { device.vendor = "\xff"; }), Contains("UTF-8"));
    CHECK_THAT(refused([](Device& device) { device.released = "2007\nnotes: []"; }),
               Contains("'released'"));
    CHECK_THAT(refused([](Device& device) { device.sources["other"] = device.sources["capture"]; }),
               Contains("'other' is not used"));
    CHECK_THAT(refused([](Device& device) { device.sources["Up"] = device.sources["capture"]; }),
               Contains("small letters"));
    CHECK_THAT(refused([&](Device& device) {
                   device.names.san = stated(SanRule::any);
                   device.client_hello.source = "gone";
               }),
               Contains("'gone'"));
    CHECK_THAT(refused([](Device& device) { device.client_hello.grade = Grade::assumed; }),
               Contains("client_hello"));
    CHECK_THAT(refused([&](Device& device) {
                   device.names.san = stated(SanRule::any);
                   device.names.san->grade = Grade::reported;
               }),
               Contains("names"));
    CHECK_THAT(refused([&](Device& device) {
                   device.server_hello.max_chain_bytes = stated(std::size_t{1000000000});
               }),
               Contains("'max_chain_bytes'"));
    CHECK_THAT(refused([&](Device& device) {
                   device.server_hello.versions = stated(std::vector<wire::ProtocolVersion>{});
               }),
               Contains("'versions'"));
    CHECK_THAT(refused([&](Device& device) {
                   device.key_exchange.hashes = stated(std::vector<std::string>{"x: y\nz"});
               }),
               Contains("'hashes'"));
    CHECK_THAT(refused([](Device& device) { device.remedies["no-such-rule"] = "none"; }),
               Contains("no-such-rule"));
    CHECK_THAT(refused([](Device& device) { device.client_hello.cipher_suites.clear(); }),
               Contains("'cipher_suites'"));
    CHECK_THAT(refused([](Device& device) {
                   device.client_hello.compression_methods = {wire::CompressionMethod{0x55}};
               }),
               Contains("'0x55'"));
    CHECK_THAT(refused([](Device& device) {
                   device.client_hello.extensions = {{wire::ExtensionType::padding, {}},
                                                     {wire::ExtensionType::padding, {}}};
               }),
               Contains("twice"));
    CHECK_THAT(refused([](Device& device) {
                   device.client_hello.extensions = {{wire::ExtensionType::server_name, {1}}};
                   device.client_hello.server_name = ServerNameRule::host;
               }),
               Contains("server_name"));
    CHECK_THAT(refused([](Device& device) { device.client_hello.challenge_length = 16; }),
               Contains("client_hello"));
    CHECK_THAT(refused([](Device& device) {
                   device.order.emplace();
                   device.order->source = "capture";
                   device.order->grade = Grade::captured;
               }),
               Contains("'steps'"));
    CHECK_THAT(refused([](Device& device) {
                   device.order.emplace();
                   device.order->rank.assign(40, 1);
                   device.order->source = "capture";
                   device.order->grade = Grade::captured;
               }),
               Contains("order"));
    CHECK_THAT(refused([](Device& device) {
                   device.otherwise = {Action::accept, "r", "capture", Grade::captured};
               }),
               Contains("'r'"));
    CHECK_THAT(refused([](Device& device) {
                   device.otherwise = {Action::refuse, "", "capture", Grade::captured};
               }),
               Contains("'response'"));
}
