// profiles/<id>.yaml, key by key: one table of rows per section.

#include "emulator/device/tree.h"

#include <fmt/format.h>
#include "handshake/rules/rule.h"
#include "handshake/wire/extensions.h"
#include "handshake/x509/oid_names.h"

namespace handset::device {

namespace {

// --- values with a name in a standard -----------------------------------------------------------

// Names of the numbers below `End` that have one.
template <typename E, std::uint32_t End>
std::vector<std::string> named_numbers() {
    std::vector<std::string> names;
    for (std::uint32_t i = 0; i < End; ++i) {
        std::string name = wire::name_of(static_cast<E>(i));
        if (name.substr(0, 2) != "0x") names.push_back(std::move(name));
    }
    return names;
}
std::vector<std::string> step_names() {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < rules::step_count; ++i) {
        names.emplace_back(rules::step_name(static_cast<rules::Step>(i)));
    }
    return names;
}
std::vector<std::string> rule_ids() {
    std::vector<std::string> names;
    for (const rules::Rule& rule : rules::catalog())
        names.emplace_back(rule.id);
    return names;
}
std::vector<std::string> names_of_oids() {
    const auto names = x509::oid_names();
    return {names.begin(), names.end()};
}
// SSLv2's kinds are 0xKK00BB with the bits of the key behind; 0x00SSSS are TLS suites.
std::vector<std::string> cipher_kind_names() {
    std::vector<std::string> names;
    for (std::uint32_t kind = 0; kind < 0x100; ++kind) {
        const std::uint32_t end = kind == 0 ? 0x10000 : 0x100;
        for (std::uint32_t rest = 0; rest < end; ++rest) {
            std::string name = wire::v2_cipher_kind_name(kind << 16 | rest);
            if (name.substr(0, 2) != "0x") names.push_back(std::move(name));
        }
    }
    return names;
}

void no_such(Reading& in, const Node& at, std::string_view what, std::string_view name,
             const std::vector<std::string>& names) {
    const std::vector<std::string_view> candidates(names.begin(), names.end());
    in.problem(
        at, fmt::format("no {} is called {}{}", what, in_quotes(name), nearest(name, candidates)));
}

template <typename T>
struct Registry {
    const char* one;
    std::optional<T> (*find)(std::string_view name);
    std::vector<std::string> (*names)();  // for suggestions, and for editors
    // What may stand in place of a name; not for suggestions.
    Schema (*other)() = nullptr;
};
// "0x1234", which YAML takes for a number.
template <std::size_t Greatest>
Schema code() {
    return whole_number(0, Greatest);
}
Schema dotted() {
    return text_like("^[0-9]+(\\.[0-9]+)+$");
}
constexpr Registry<wire::CipherSuite> cipher_suite{"cipher suite", wire::cipher_suite_from_name,
                                                   named_numbers<wire::CipherSuite, 0x10000>,
                                                   code<0xffff>};
constexpr Registry<wire::ExtensionType> extension_type{"extension", wire::extension_type_from_name,
                                                       named_numbers<wire::ExtensionType, 0x10000>,
                                                       code<0xffff>};
constexpr Registry<wire::NamedGroup> named_group{
    "group", wire::named_group_from_name, named_numbers<wire::NamedGroup, 0x10000>, code<0xffff>};
constexpr Registry<wire::SignatureScheme> signature_scheme{
    "signature scheme", wire::signature_scheme_from_name,
    named_numbers<wire::SignatureScheme, 0x10000>, code<0xffff>};
constexpr Registry<wire::AlertDescription> alert_description{
    "alert", wire::alert_description_from_name, named_numbers<wire::AlertDescription, 0x100>,
    code<0xff>};
constexpr Registry<wire::ProtocolVersion> protocol_version{
    "protocol version", wire::protocol_version_from_name,
    named_numbers<wire::ProtocolVersion, 0x400>, code<0xffff>};
constexpr Registry<rules::Step> step{"step", rules::step_from_name, step_names};
constexpr Registry<x509::Oid> oid{"object identifier", x509::oid_from_name, names_of_oids, dotted};
constexpr Registry<std::uint32_t> cipher_spec{"cipher spec", wire::v2_cipher_kind_from_name,
                                              cipher_kind_names, code<0xffffff>};
constexpr Registry<wire::CompressionMethod> compression_method{
    "compression method",
    [](std::string_view name) -> std::optional<wire::CompressionMethod> {
        for (const auto method : {wire::CompressionMethod::null, wire::CompressionMethod::deflate,
                                  wire::CompressionMethod::lzs}) {
            if (wire::name_of(method) == name) return method;
        }
        if (name == "null") return wire::CompressionMethod::null;
        if (name == "deflate") return wire::CompressionMethod::deflate;
        return std::nullopt;
    },
    [] {
        return std::vector<std::string>{"null", "deflate",
                                        wire::name_of(wire::CompressionMethod::lzs)};
    }};

// Not as a name: "#/definitions/cipher suite" is no URI.
std::string definition_name(std::string_view one) {
    std::string name(one);
    std::ranges::replace(name, ' ', '_');
    return name;
}
template <typename T>
void tell_registry(Reading& in, const Registry<T>& registry) {
    in.tell_defined(definition_name(registry.one), [&] {
        const auto names = registry.names();
        Schema named = one_of(std::vector<std::string_view>(names.begin(), names.end()));
        in.tell(registry.other ? any_of({std::move(named), registry.other()}) : std::move(named));
    });
}

template <const auto& Names>
auto named(Reading& in, const Value& value) -> decltype(Names.find({})) {
    if (in.telling()) {
        tell_registry(in, Names);
        return std::nullopt;
    }
    const Node& node = *value.node;
    if (node.kind == Node::Kind::list || node.kind == Node::Kind::map || node.text.empty()) {
        in.must_be(value, std::string("a name: ") + Names.one);
        return std::nullopt;
    }
    auto found = Names.find(node.text);
    if (!found) no_such(in, node, Names.one, node.text, Names.names());
    return found;
}

constexpr ListOf cipher_suite_names{"cipher suite names"};
constexpr ListOf cipher_spec_names{"cipher spec names"};
constexpr ListOf compression_names{"compression methods: null, deflate"};
constexpr ListOf group_names{"group names"};
constexpr ListOf scheme_names{"signature scheme names"};
constexpr ListOf point_formats{"numbers up to 255"};
constexpr ListOf protocol_names{"protocol names"};
constexpr ListOf extensions_list{"extensions", true};
constexpr ListOf version_names{"protocol versions"};
constexpr ListOf key_type_names{"key types"};
constexpr ListOf oid_names{"names or dotted object identifiers", true};
constexpr ListOf date_owners{"leaf, intermediates, anchor", true};
constexpr ListOf hash_names{"hash names"};
constexpr ListOf constraint_forms{"forms of names", true};
constexpr ListOf anchor_constraint_words{"what an anchor is held to", true};
constexpr ListOf root_formats{"der, pem, pkcs7, pkcs12"};
constexpr ListOf retries{"alert, close, silence"};
constexpr ListOf lines{"texts", true};

// --- ids and evidence ---------------------------------------------------------------------------

constexpr std::string_view id_pattern = "^[a-z0-9.-]+$";
void tell_id(Reading& in) {
    in.tell_defined("id", [&] { in.tell(text_like(id_pattern)); });
}
// A map by ids that the profile makes up.
void tell_by_id(Reading& in, const std::function<void()>& entry) {
    in.tell({{"type", "object"},
             {"propertyNames", {{"pattern", id_pattern}}},
             {"additionalProperties", in.told_by(entry)}});
}
bool check_id(Reading& in, const Node& key) {
    const bool plain = std::all_of(key.text.begin(), key.text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    });
    if (!plain) in.problem(key, "an id has small letters, digits, '-' and '.' only");
    return plain;
}

Grade grade_of(const Device& device, const std::string& source) {
    const auto found = device.sources.find(source);
    return found == device.sources.end() ? Grade::assumed : found->second.grade;
}

// Where a value stands and what it rests on: its own `{is: VALUE, source: ID}`, or the section's.
struct Given {
    Value value;
    std::string source;
    bool complete = false;
};
Given given(Reading& in, const Value& value) {
    static constexpr Key keys[] = {{"is", true}, {"source", true}};
    if (find_key(*value.node, "is") != nullptr) {
        const auto nodes = in.match(value, keys);
        Given result{{value.key, (*nodes)[0]}, {}, false};
        if ((*nodes)[1] != nullptr) {
            if (const auto id = in.sources.use(in, {"source", (*nodes)[1]})) {
                result.source = *id;
                result.complete = true;
            }
        }
        return result;
    }
    if (in.section_source) return {value, *in.section_source, true};
    if (!in.section_source_stated) {
        in.problem(*value.node,
                   fmt::format("{0} has no source: give the section a 'source', or write "
                               "'{1}: {{is: VALUE, source: ID}}'",
                               in_quotes(value.key), value.key));
    }
    return {value, {}, false};
}

// A statement of one of the sections with `source`.
void tell_stated(Reading& in, const std::function<void()>& reader) {
    const Schema bare = in.told_by(reader);
    const Schema source = in.told_by([&] { tell_id(in); });
    in.tell(any_of({bare,
                    {{"type", "object"},
                     {"additionalProperties", false},
                     {"required", {"is", "source"}},
                     {"properties", {{"is", bare}, {"source", source}}}}}));
}
template <auto Section, auto Member, auto Read>
void stated(Reading& in, const Value& value, Device& device) {
    if (in.telling()) {
        tell_stated(in, [&] { Read(in, value); });
        return;
    }
    const Given from = given(in, value);
    auto read = Read(in, from.value);
    if (!read || !from.complete) return;
    auto& statement = ((device.*Section).*Member).emplace();
    statement.value = std::move(*read);
    statement.source = from.source;
    statement.grade = grade_of(device, from.source);
}

void section_source(Reading& in, const Value& value, Device&) {
    if (in.telling()) {
        tell_id(in);
        return;
    }
    in.section_source_stated = true;
    in.section_source = in.sources.use(in, value);
}

constexpr Row<Device> source_of_section{{"source"}, section_source};

template <const auto& Rows>
void section(Reading& in, const Value& value, Device& device) {
    in.section_source.reset();
    in.section_source_stated = false;
    read_map(in, value, value.key, Rows, device);
}

std::optional<std::string> source_id(Reading& in, const Value& value) {
    if (in.telling()) {
        tell_id(in);
        return std::nullopt;
    }
    return in.sources.use(in, value);
}

// --- sources ------------------------------------------------------------------------------------

constexpr Row<Source> source_rows[] = {
    {{"grade", true}, field<&Source::grade, choice<Grade>>},
    {{"what", true}, field<&Source::what, text>},
    {{"where", true}, field<&Source::where, text>},
    {{"retrieved", true}, field<&Source::retrieved, date>},
};

void sources(Reading& in, const Value& value, Device& device) {
    if (in.telling()) {
        Source source;
        tell_by_id(in, [&] { read_map(in, value, "sources", source_rows, source); });
        return;
    }
    for (const Entry& entry : in.entries(value)) {
        if (!check_id(in, *entry.key)) continue;
        in.sources.define(*entry.key);
        read_map(in, Value{entry.key->text, entry.value}, "sources", source_rows,
                 device.sources[entry.key->text]);
    }
}

// --- client_hello -------------------------------------------------------------------------------

// The contents of the four extensions that can be written as lists.
std::optional<Bytes> listed_contents(Reading& in, const Value& value, wire::ExtensionType type) {
    const auto encoded = [](const auto& read, auto encode) {
        return read ? std::optional(encode(*read)) : std::nullopt;
    };
    switch (type) {
        case wire::ExtensionType::supported_groups:
            return encoded(list<group_names, named<named_group>>(in, value),
                           wire::encode_supported_groups);
        case wire::ExtensionType::signature_algorithms:
            return encoded(list<scheme_names, named<signature_scheme>>(in, value),
                           wire::encode_signature_algorithms);
        case wire::ExtensionType::ec_point_formats: {
            const auto formats = list<point_formats, number_between<0, 255>>(in, value);
            return encoded(formats, [](const std::vector<std::size_t>& numbers) {
                std::vector<std::uint8_t> octets;
                for (const std::size_t n : numbers) {
                    octets.push_back(static_cast<std::uint8_t>(n));
                }
                return wire::encode_ec_point_formats(octets);
            });
        }
        case wire::ExtensionType::application_layer_protocol_negotiation:
            return encoded(list<protocol_names, text>(in, value), wire::encode_alpn);
        default:
            in.must_be(value, "hexadecimal digits: it has no list form");
            return std::nullopt;
    }
}
bool has_list_form(wire::ExtensionType type) {
    return type == wire::ExtensionType::supported_groups ||
           type == wire::ExtensionType::signature_algorithms ||
           type == wire::ExtensionType::ec_point_formats ||
           type == wire::ExtensionType::application_layer_protocol_negotiation;
}

std::optional<Bytes> extension_contents(Reading& in, const Value& value, wire::ExtensionType type) {
    if (in.telling()) {
        Schema octets = in.told_by([&] { hex(in, value); });
        in.tell(has_list_form(type)
                    ? any_of({in.told_by([&] { listed_contents(in, value, type); }), octets})
                    : octets);
        return std::nullopt;
    }
    if (value.node->kind != Node::Kind::list) {
        if (value.node->kind == Node::Kind::scalar) return hex(in, value);
        in.must_be(value, "a list, or its contents in hexadecimal digits");
        return std::nullopt;
    }
    try {
        return listed_contents(in, value, type);
    } catch (const std::length_error&) {
        in.must_be(value, "shorter: its lengths do not fit");
        return std::nullopt;
    }
}

// Those of which an empty one would be malformed.
bool is_never_empty(wire::ExtensionType type) {
    switch (type) {
        case wire::ExtensionType::supported_groups:
        case wire::ExtensionType::ec_point_formats:
        case wire::ExtensionType::signature_algorithms:
        case wire::ExtensionType::application_layer_protocol_negotiation:
        case wire::ExtensionType::status_request:
        case wire::ExtensionType::renegotiation_info:
            return true;
        default:
            return false;
    }
}

void tell_extension(Reading& in) {
    std::vector<std::string> names = extension_type.names();
    Schema with_contents;
    for (const std::string& name : names) {
        const auto type = wire::extension_type_from_name(name);
        if (type == wire::ExtensionType::server_name) continue;
        with_contents[name] =
            in.told_by([&] { extension_contents(in, nothing("extensions"), *type); });
    }
    std::erase_if(names, [](const std::string& name) {
        return is_never_empty(*wire::extension_type_from_name(name));
    });
    const Schema octets = in.told_by([&] { hex(in, nothing("extensions")); });
    in.tell(any_of({one_of(std::vector<std::string_view>(names.begin(), names.end())),
                    extension_type.other(),
                    {{"type", "object"},
                     {"minProperties", 1},
                     {"maxProperties", 1},
                     {"additionalProperties", false},
                     {"properties", std::move(with_contents)},
                     {"patternProperties", {{"^(0x[0-9A-Fa-f]{1,4}|[0-9]+)$", octets}}}}}));
}

// `- NAME`, or `- NAME: contents`.
std::optional<HelloExtension> hello_extension(Reading& in, const Value& item) {
    if (in.telling()) {
        in.tell_defined("extension", [&] { tell_extension(in); });
        return std::nullopt;
    }
    const Node& node = *item.node;
    const bool has_contents = node.kind == Node::Kind::map && node.items.size() == 2;
    if (!has_contents && node.kind != Node::Kind::scalar) {
        in.problem(node, "an extension is '- NAME' or '- NAME: CONTENTS'");
        return std::nullopt;
    }
    const Node& name = has_contents ? node.items[0] : node;
    const auto type = named<extension_type>(in, {"extensions", &name});
    if (!type) return std::nullopt;
    HelloExtension extension{*type, {}};
    if (*type == wire::ExtensionType::server_name) {
        if (has_contents) {
            in.problem(node.items[1], "server_name has no contents here: they are the host");
            return std::nullopt;
        }
        return extension;
    }
    if (!has_contents && is_never_empty(*type)) {
        in.problem(name,
                   fmt::format("{} is never empty: write '- {}: CONTENTS'", name.text, name.text));
        return std::nullopt;
    }
    if (!has_contents) return extension;
    auto data = extension_contents(in, {name.text, &node.items[1]}, *type);
    if (!data) return std::nullopt;
    extension.data = std::move(*data);
    return extension;
}

void hello_extensions(Reading& in, const Value& value, ClientHello& hello) {
    auto extensions = list<extensions_list, hello_extension>(in, value);
    if (!extensions) return;
    std::set<wire::ExtensionType> seen;
    for (const HelloExtension& extension : *extensions) {
        if (!seen.insert(extension.type).second) {
            in.problem(*value.node, fmt::format("the extension {} is listed twice",
                                                wire::name_of(extension.type)));
        }
    }
    hello.extensions = std::move(*extensions);
}

std::optional<std::string> md5_digits(Reading& in, const Value& value) {
    const auto digest = hex_of<16>(in, value);
    return digest ? std::optional(to_hex(*digest)) : std::nullopt;
}

constexpr Row<ClientHello> client_hello_rows[] = {
    {{"source", true}, field<&ClientHello::source, source_id>},
    {{"framing", true}, field<&ClientHello::framing, choice<Framing>>},
    {{"record_version"}, field<&ClientHello::record_version, named<protocol_version>>},
    {{"client_version", true}, field<&ClientHello::client_version, named<protocol_version>>},
    {{"random"}, field<&ClientHello::random, choice<RandomKind>>},
    {{"session_id_length"}, field<&ClientHello::session_id_length, number_between<0, 32>>},
    {{"cipher_suites"},
     field<&ClientHello::cipher_suites, list<cipher_suite_names, named<cipher_suite>>>},
    {{"cipher_specs"},
     field<&ClientHello::cipher_specs, list<cipher_spec_names, named<cipher_spec>>>},
    {{"challenge_length"}, field<&ClientHello::challenge_length, number_between<16, 32>>},
    {{"compression_methods"},
     field<&ClientHello::compression_methods, list<compression_names, named<compression_method>>>},
    {{"extensions"}, hello_extensions},
    {{"server_name"}, field<&ClientHello::server_name, choice<ServerNameRule>>},
    {{"ja3"}, field<&ClientHello::ja3, md5_digits>},
};

// Keys that only one framing has.
struct KeyOfFraming {
    const char* key;
    Framing framing;
    bool required;
};
constexpr KeyOfFraming keys_of_framings[] = {
    {"record_version", Framing::tls, true},      {"random", Framing::tls, false},
    {"cipher_suites", Framing::tls, true},       {"compression_methods", Framing::tls, true},
    {"extensions", Framing::tls, false},         {"cipher_specs", Framing::sslv2, true},
    {"challenge_length", Framing::sslv2, false},
};
boost::json::array tell_framings() {
    boost::json::array framings;
    for (const Word<Framing>& framing : words<Framing>) {
        boost::json::array required;
        Schema absent;
        for (const KeyOfFraming& of : keys_of_framings) {
            if (of.framing != framing.value) absent[of.key] = false;
            if (of.framing == framing.value && of.required) required.emplace_back(of.key);
        }
        framings.push_back(
            when("framing", framing.name, {{"required", required}, {"properties", absent}}));
    }
    return framings;
}
void check_framing(Reading& in, const Value& value, const ClientHello& hello) {
    for (const KeyOfFraming& of : keys_of_framings) {
        const Node* node = find_key(*value.node, of.key);
        if (of.framing == hello.framing) {
            if (of.required && node == nullptr) {
                in.problem(*value.node,
                           fmt::format("missing key '{}' in 'client_hello': framing {} has it",
                                       of.key, word_of(hello.framing)));
            }
        } else if (node != nullptr) {
            in.problem(*node, fmt::format("'{}' does not exist in framing {}", of.key,
                                          word_of(hello.framing)));
        }
    }
}

void check_server_name(Reading& in, const Value& value, const ClientHello& hello) {
    const auto& list = hello.extensions;
    const bool listed =
        list && std::any_of(list->begin(), list->end(), [](const HelloExtension& extension) {
            return extension.type == wire::ExtensionType::server_name;
        });
    const Node* rule = find_key(*value.node, "server_name");
    const Node* at = rule != nullptr ? rule : find_key(*value.node, "extensions");
    if (at == nullptr) at = value.node;
    if (listed && hello.server_name == ServerNameRule::none) {
        in.problem(*at, "'extensions' lists server_name: say 'server_name: host' or host-and-ip");
    } else if (!listed && hello.server_name != ServerNameRule::none) {
        in.problem(*at, fmt::format("'server_name' is {}, but 'extensions' does not list it",
                                    word_of(hello.server_name)));
    }
}

// The longest host name, and the headers around it, must still fit one record (2^14 octets).
void check_length(Reading& in, const Value& value, const ClientHello& hello) {
    std::size_t length = 512 + hello.session_id_length + 2 * hello.cipher_suites.size() +
                         3 * hello.cipher_specs.size() + hello.compression_methods.size();
    if (hello.extensions) {
        for (const HelloExtension& extension : *hello.extensions) {
            length += 4 + extension.data.size();
        }
    }
    if (length > 16384 || hello.compression_methods.size() > 255) {
        in.problem(*value.node, "the hello does not fit one record");
    }
}

void hello(Reading& in, const Value& value, const Device& device, ClientHello& hello) {
    read_map(in, value, "client_hello", client_hello_rows, hello);
    if (in.telling()) {
        in.tell_beside("client_hello", tell_framings());
        return;
    }
    if (value.node->kind != Node::Kind::map) return;
    hello.grade = grade_of(device, hello.source);
    check_framing(in, value, hello);
    check_server_name(in, value, hello);
    check_length(in, value, hello);
}
void client_hello(Reading& in, const Value& value, Device& device) {
    hello(in, value, device, device.client_hello);
}

// A later attempt: when it is made, and its hello.
struct FallbackOf {
    Fallback fallback;
    const Device* device = nullptr;
};
void fallback_after(Reading& in, const Value& value, FallbackOf& target) {
    auto read = list<retries, choice<RetryAfter>>(in, value);
    if (read) target.fallback.after = std::move(*read);
}
void fallback_hello(Reading& in, const Value& value, FallbackOf& target) {
    hello(in, value, *target.device, target.fallback.hello);
}
constexpr Row<FallbackOf> fallback_rows[] = {
    {{"after", true}, fallback_after},
    {{"hello", true}, fallback_hello},
};
constexpr std::size_t max_fallbacks = 8;
void fallbacks(Reading& in, const Value& value, Device& device) {
    if (in.telling()) {
        FallbackOf target{{}, &device};
        Schema list = list_of(
            in.told_by([&] { read_map(in, value, "fallbacks", fallback_rows, target); }), false);
        list["maxItems"] = max_fallbacks;
        in.tell(std::move(list));
        return;
    }
    if (value.node->kind != Node::Kind::list || value.node->items.empty()) {
        in.must_be(value, "a list of later attempts: {after: [alert], hello: ...}");
        return;
    }
    if (value.node->items.size() > max_fallbacks) {
        in.must_be(value, fmt::format("a list of at most {} later attempts", max_fallbacks));
        return;
    }
    for (const Node& item : value.node->items) {
        FallbackOf target{{}, &device};
        read_map(in, Value{value.key, &item}, "fallbacks", fallback_rows, target);
        device.fallbacks.push_back(std::move(target.fallback));
    }
}

// --- what it accepts ----------------------------------------------------------------------------

constexpr Row<Range> range_rows[] = {
    {{"min"}, field<&Range::min, number>},
    {{"max"}, field<&Range::max, number>},
};
std::optional<Range> range(Reading& in, const Value& value) {
    if (in.telling()) {
        Range told;
        Schema bounds = in.told_by([&] { read_map(in, value, "range", range_rows, told); });
        in.tell(any_of({{{"const", "any"}}, std::move(bounds)}));
        return std::nullopt;
    }
    if (value.node->text == "any") return Range{};
    if (value.node->kind != Node::Kind::map || value.node->items.empty()) {
        in.must_be(value, "a range like {min: 1024, max: 4096}, or any");
        return std::nullopt;
    }
    Range read;
    read_map(in, value, "range", range_rows, read);
    if (read.min && read.max && *read.min > *read.max) {
        in.must_be(value, "a range whose min is not above its max");
        return std::nullopt;
    }
    return read;
}

template <const auto& Words>
std::optional<std::string> word_of_list(Reading& in, const Value& value) {
    const auto found = word(in, value, Words);
    return found ? std::optional<std::string>(*found) : std::nullopt;
}
constexpr std::string_view key_types[] = {"rsa", "dsa", "ec", "ed25519"};
constexpr std::string_view hashes[] = {"md5", "sha1", "sha224", "sha256", "sha384", "sha512"};

constexpr Row<Device> server_hello_rows[] = {
    source_of_section,
    {{"versions"},
     stated<&Device::server_hello, &ServerHelloRules::versions,
            list<version_names, named<protocol_version>>>},
    {{"max_record_bytes"},
     stated<&Device::server_hello, &ServerHelloRules::max_record_bytes, number>},
    {{"max_message_bytes"},
     stated<&Device::server_hello, &ServerHelloRules::max_message_bytes, number>},
    {{"max_chain_bytes"},
     stated<&Device::server_hello, &ServerHelloRules::max_chain_bytes, number>},
    {{"max_chain_certificates"},
     stated<&Device::server_hello, &ServerHelloRules::max_chain_certificates, number>},
    {{"max_certificate_message_bytes"},
     stated<&Device::server_hello, &ServerHelloRules::max_certificate_message_bytes, number>},
    {{"max_certificate_request_bytes"},
     stated<&Device::server_hello, &ServerHelloRules::max_certificate_request_bytes, number>},
};
constexpr Row<Device> key_exchange_rows[] = {
    source_of_section,
    {{"dh_bits"}, stated<&Device::key_exchange, &KeyExchangeRules::dh_bits, range>},
    {{"dh_bits_multiple"},
     stated<&Device::key_exchange, &KeyExchangeRules::dh_bits_multiple, number_between<2, 4096>>},
    {{"groups"},
     stated<&Device::key_exchange, &KeyExchangeRules::groups,
            list<group_names, named<named_group>>>},
    {{"hashes"},
     stated<&Device::key_exchange, &KeyExchangeRules::hashes,
            list<hash_names, word_of_list<hashes>>>},
};
constexpr Row<Device> certificate_rows[] = {
    source_of_section,
    {{"rsa_bits"}, stated<&Device::certificate, &CertificateRules::rsa_bits, range>},
    {{"key_types"},
     stated<&Device::certificate, &CertificateRules::key_types,
            list<key_type_names, word_of_list<key_types>>>},
    {{"signature_algorithms"},
     stated<&Device::certificate, &CertificateRules::signature_algorithms,
            list<oid_names, named<oid>>>},
    {{"critical_extensions"},
     stated<&Device::certificate, &CertificateRules::critical_extensions,
            list<oid_names, named<oid>>>},
    {{"max_oid_arcs"},
     stated<&Device::certificate, &CertificateRules::max_oid_arcs, number_between<2, 1000>>},
    {{"max_certificate_bytes"},
     stated<&Device::certificate, &CertificateRules::max_certificate_bytes, number>},
    {{"max_san_names"}, stated<&Device::certificate, &CertificateRules::max_san_names, number>},
    {{"max_exponent_bits"},
     stated<&Device::certificate, &CertificateRules::max_exponent_bits, number>},
    {{"max_year"},
     stated<&Device::certificate, &CertificateRules::max_year, number_between<1, 9999>>},
    {{"curves"},
     stated<&Device::certificate, &CertificateRules::curves,
            list<group_names, named<named_group>>>},
};
constexpr Row<Device> path_rows[] = {
    source_of_section,
    {{"order"}, stated<&Device::path, &PathRules::order, choice<PathOrder>>},
    {{"sent_self_signed"},
     stated<&Device::path, &PathRules::sent_self_signed, choice<SentSelfSigned>>},
    {{"anchors"}, stated<&Device::path, &PathRules::anchors, choice<AnchorKind>>},
    {{"issuers"}, stated<&Device::path, &PathRules::issuers, choice<IssuersFrom>>},
    {{"alternatives"}, stated<&Device::path, &PathRules::alternatives, choice<Alternatives>>},
    {{"key_identifiers"},
     stated<&Device::path, &PathRules::key_identifiers, choice<KeyIdentifiers>>},
    {{"prefers_in_date"}, stated<&Device::path, &PathRules::prefers_in_date, flag>},
    {{"name_chaining"}, stated<&Device::path, &PathRules::name_chaining, choice<NameChaining>>},
    {{"aia"}, stated<&Device::path, &PathRules::aia, choice<AiaRule>>},
    {{"max_certificates"},
     stated<&Device::path, &PathRules::max_certificates, number_between<1, 200>>},
};
constexpr Row<Device> validation_rows[] = {
    source_of_section,
    {{"dates"},
     stated<&Device::validation, &ValidationRules::dates, list<date_owners, choice<DatesOf>>>},
    {{"basic_constraints"}, stated<&Device::validation, &ValidationRules::basic_constraints, flag>},
    {{"path_len_constraint"},
     stated<&Device::validation, &ValidationRules::path_len_constraint, flag>},
    {{"self_issued_exempt"},
     stated<&Device::validation, &ValidationRules::self_issued_exempt, flag>},
    {{"leaf_ca_counts"}, stated<&Device::validation, &ValidationRules::leaf_ca_counts, flag>},
    {{"ca_key_usage"}, stated<&Device::validation, &ValidationRules::ca_key_usage, flag>},
    {{"leaf_key_usage"},
     stated<&Device::validation, &ValidationRules::leaf_key_usage, choice<LeafKeyUsageRule>>},
    {{"extended_key_usage"},
     stated<&Device::validation, &ValidationRules::extended_key_usage,
            choice<ExtendedKeyUsageRule>>},
    {{"ca_extended_key_usage"},
     stated<&Device::validation, &ValidationRules::ca_extended_key_usage,
            choice<ExtendedKeyUsageRule>>},
    {{"v1_ca"}, stated<&Device::validation, &ValidationRules::v1_ca, choice<V1Ca>>},
    {{"anchor_constraints"},
     stated<&Device::validation, &ValidationRules::anchor_constraints,
            list<anchor_constraint_words, choice<AnchorConstraint>>>},
    {{"name_constraints"},
     stated<&Device::validation, &ValidationRules::name_constraints,
            list<constraint_forms, choice<ConstraintForm>>>},
    {{"name_constraints_on_cn"},
     stated<&Device::validation, &ValidationRules::name_constraints_on_cn, flag>},
    {{"name_constraints_on_email"},
     stated<&Device::validation, &ValidationRules::name_constraints_on_email,
            choice<x509::EmailAddressesHeld>>},
    {{"name_constraints_on_cas"},
     stated<&Device::validation, &ValidationRules::name_constraints_on_cas, flag>},
    {{"name_constraints_on_self_issued"},
     stated<&Device::validation, &ValidationRules::name_constraints_on_self_issued, flag>},
    {{"dns_constraints_by_label"},
     stated<&Device::validation, &ValidationRules::dns_constraints_by_label, flag>},
    {{"dns_constraints_hold_more"},
     stated<&Device::validation, &ValidationRules::dns_constraints_hold_more, flag>},
    {{"wildcards_may_be_excluded"},
     stated<&Device::validation, &ValidationRules::wildcards_may_be_excluded, flag>},
    {{"local_part_case_counts"},
     stated<&Device::validation, &ValidationRules::local_part_case_counts, flag>},
    {{"host_constraints_hold_below"},
     stated<&Device::validation, &ValidationRules::host_constraints_hold_below, flag>},
    {{"ipv6_constraints"}, stated<&Device::validation, &ValidationRules::ipv6_constraints, flag>},
    {{"ip_constraints_by_family"},
     stated<&Device::validation, &ValidationRules::ip_constraints_by_family, flag>},
    {{"policies"}, stated<&Device::validation, &ValidationRules::policies, flag>},
    {{"max_validity_days"},
     stated<&Device::validation, &ValidationRules::max_validity_days, number>},
};
constexpr Row<Device> names_rows[] = {
    source_of_section,
    {{"checked"}, stated<&Device::names, &NameRules::checked, flag>},
    {{"san"}, stated<&Device::names, &NameRules::san, choice<SanRule>>},
    {{"cn"}, stated<&Device::names, &NameRules::cn, choice<CnRule>>},
    {{"cn_which"}, stated<&Device::names, &NameRules::cn_which, choice<CnWhich>>},
    {{"san_wildcard"}, stated<&Device::names, &NameRules::san_wildcard, choice<Wildcard>>},
    {{"cn_wildcard"}, stated<&Device::names, &NameRules::cn_wildcard, choice<Wildcard>>},
    {{"wildcard_min_labels"}, stated<&Device::names, &NameRules::wildcard_min_labels, number>},
    {{"public_suffix_wildcard"}, stated<&Device::names, &NameRules::public_suffix_wildcard, flag>},
    {{"wildcard_matches_a_label"},
     stated<&Device::names, &NameRules::wildcard_matches_a_label, flag>},
    {{"ip"}, stated<&Device::names, &NameRules::ip, choice<IpRule>>},
    {{"case_sensitive"}, stated<&Device::names, &NameRules::case_sensitive, flag>},
    {{"trailing_dot_ignored"},
     stated<&Device::names, &NameRules::trailing_dot_ignored, choice<TrailingDot>>},
    {{"embedded_nul"}, stated<&Device::names, &NameRules::embedded_nul, choice<EmbeddedNul>>},
    {{"msstd"}, stated<&Device::names, &NameRules::msstd, choice<MsstdRule>>},
};

void trust_store(Reading& in, const Value& value, Device& device) {
    if (in.telling()) {
        tell_stated(in, [&] { tell_id(in); });
        return;
    }
    const Given from = given(in, value);
    const auto id = text(in, from.value);
    if (!id || !check_id(in, *from.value.node) || !from.complete) return;
    device.trust.store_id = *id;
    device.trust.source = from.source;
    device.trust.grade = grade_of(device, from.source);
}
constexpr Row<Device> trust_rows[] = {
    source_of_section,
    {{"store"}, trust_store},
    {{"users_install_roots"}, stated<&Device::trust, &TrustRules::users_install_roots, flag>},
    {{"root_formats"},
     stated<&Device::trust, &TrustRules::root_formats, list<root_formats, choice<RootFormat>>>},
    {{"user_roots"}, stated<&Device::trust, &TrustRules::user_roots, choice<UserRoots>>},
};

// --- order and reactions ------------------------------------------------------------------------

// A step, or a list of steps: the loop over the certificates.
void order_steps(Reading& in, const Value& value, Order& order) {
    if (in.telling()) {
        const Schema one = in.told_by([&] { named<step>(in, value); });
        in.tell(list_of(any_of({one, list_of(one, true)}), false));
        return;
    }
    if (value.node->kind != Node::Kind::list || value.node->items.empty()) {
        in.must_be(value, "a list of steps");
        return;
    }
    std::vector<bool> seen(rules::step_count, false);
    std::vector<rules::Step> listed;
    const auto take = [&](const Node& node) {
        const auto read = named<step>(in, {"steps", &node});
        if (!read) return;
        const auto index = static_cast<std::size_t>(*read);
        if (seen[index]) in.problem(node, fmt::format("the step {} is listed twice", node.text));
        seen[index] = true;
        listed.push_back(*read);
    };
    for (const Node& item : value.node->items) {
        if (item.kind != Node::Kind::list) {
            take(item);
            continue;
        }
        if (!order.per_certificate.empty()) {
            in.problem(item, "a second loop; the certificates are gone through once");
            continue;
        }
        const std::size_t first = listed.size();
        for (const Node& inner : item.items)
            take(inner);
        order.per_certificate.assign(listed.begin() + static_cast<std::ptrdiff_t>(first),
                                     listed.end());
    }
    for (std::size_t i = 0; i < rules::step_count; ++i) {
        if (!seen[i]) listed.push_back(static_cast<rules::Step>(i));
    }
    order.rank.assign(rules::step_count, 0);
    for (std::size_t i = 0; i < listed.size(); ++i) {
        order.rank[static_cast<std::size_t>(listed[i])] = i;
    }
}
constexpr Row<Order> order_rows[] = {
    {{"source", true}, field<&Order::source, source_id>},
    {{"steps", true}, order_steps},
    {{"certificates"}, field<&Order::certificates, choice<CertificateOrder>>},
};
void order(Reading& in, const Value& value, Device& device) {
    Order read;
    read_map(in, value, "order", order_rows, read);
    if (in.telling()) return;
    read.grade = grade_of(device, read.source);
    device.order = std::move(read);
}

void response_alert(Reading& in, const Value& value, Response& response) {
    static constexpr std::string_view no_alert_of_its_own[] = {"none", "standard"};
    if (in.telling()) {
        in.tell(any_of({one_of(no_alert_of_its_own),
                        in.told_by([&] { named<alert_description>(in, value); })}));
        return;
    }
    response.alert_stated = true;
    const std::string& text = value.node->text;
    if (text == "none") return;
    response.alert_as_standard = text == "standard";
    if (!response.alert_as_standard) response.alert = named<alert_description>(in, value);
}
constexpr ListOf answers_list{"answers like {answer: Yes, then: connects}"};
constexpr Row<Answer> answer_rows[] = {
    {{"answer", true}, field<&Answer::answer, text>},
    {{"then", true}, field<&Answer::then, choice<Consequence>>},
    {{"alert"}, field<&Answer::alert, named<alert_description>>},
};
std::optional<Answer> answer(Reading& in, const Value& value) {
    Answer read;
    read_map(in, value, "answers", answer_rows, read);
    if (in.telling()) {
        in.tell_beside("answers", {when("then", word_of(Consequence::connects),
                                        {{"properties", {{"alert", false}}}})});
        return std::nullopt;
    }
    if (read.then == Consequence::connects && read.alert) {
        in.problem(*value.node, "'alert' has no place beside 'then: connects'");
    }
    return read;
}
constexpr Row<Response> response_rows[] = {
    {{"source", true}, field<&Response::source, source_id>},
    {{"alert"}, response_alert},
    {{"shows"}, field<&Response::shows, text>},
    {{"log"}, field<&Response::log, text>},
    {{"code"}, field<&Response::code, text>},
    {{"answers"}, field<&Response::answers, list<answers_list, answer>>},
};
void responses(Reading& in, const Value& value, Device& device) {
    if (in.telling()) {
        Response response;
        tell_by_id(in, [&] { read_map(in, value, "responses", response_rows, response); });
        return;
    }
    for (const Entry& entry : in.entries(value)) {
        if (!check_id(in, *entry.key)) continue;
        in.responses.define(*entry.key);
        Response& response = device.responses[entry.key->text];
        read_map(in, Value{entry.key->text, entry.value}, "responses", response_rows, response);
        response.grade = grade_of(device, response.source);
    }
}

std::optional<std::string> response_id(Reading& in, const Value& value) {
    if (in.telling()) {
        tell_id(in);
        return std::nullopt;
    }
    return in.responses.use(in, value);
}
constexpr Row<Tolerance> tolerance_rows[] = {
    {{"source", true}, field<&Tolerance::source, source_id>},
    {{"action", true}, field<&Tolerance::action, choice<Action>>},
    {{"response"}, field<&Tolerance::response, response_id>},
};
Tolerance tolerance(Reading& in, const Value& value, const Device& device) {
    Tolerance read;
    read_map(in, value, "tolerances", tolerance_rows, read);
    if (in.telling()) {
        boost::json::array actions;
        for (const Word<Action>& action : words<Action>) {
            actions.push_back(when("action", action.name,
                                   action.value == Action::accept
                                       ? Schema{{"properties", {{"response", false}}}}
                                       : Schema{{"required", {"response"}}}));
        }
        in.tell_beside("tolerances", std::move(actions));
        return read;
    }
    read.grade = grade_of(device, read.source);
    const Node* response = find_key(*value.node, "response");
    const Node* action = find_key(*value.node, "action");
    if (action == nullptr) return read;
    if (read.action == Action::accept && action->text == "accept" && response != nullptr) {
        in.problem(*response, "'response' has no place beside 'action: accept'");
    } else if (read.action != Action::accept && response == nullptr) {
        in.problem(*action, fmt::format("'action: {}' needs a 'response'", word_of(read.action)));
    }
    return read;
}
bool check_rule(Reading& in, const Node& key) {
    if (rules::catalog().empty() || rules::find_rule(key.text) != nullptr) return true;
    no_such(in, key, "rule", key.text, rule_ids());
    return false;
}
// A map by rule ids, each with what the standard asks for.
void tell_by_rule(Reading& in, const std::function<void()>& entry) {
    const Schema told = in.told_by(entry);
    Schema properties;
    for (const rules::Rule& rule : rules::catalog()) {
        Schema property = told;
        property["description"] = rule.demand;
        properties[rule.id] = std::move(property);
    }
    in.tell({{"type", "object"},
             {"additionalProperties", false},
             {"properties", std::move(properties)}});
}
void tolerances(Reading& in, const Value& value, Device& device) {
    if (in.telling()) {
        tell_by_rule(in, [&] { tolerance(in, value, device); });
        return;
    }
    for (const Entry& entry : in.entries(value)) {
        const bool known = check_rule(in, *entry.key);
        Tolerance read = tolerance(in, Value{entry.key->text, entry.value}, device);
        if (known) device.tolerances.emplace(entry.key->text, std::move(read));
    }
}
void otherwise(Reading& in, const Value& value, Device& device) {
    if (in.telling()) {
        tolerance(in, value, device);
        return;
    }
    device.otherwise = tolerance(in, value, device);
}
void remedies(Reading& in, const Value& value, Device& device) {
    if (in.telling()) {
        tell_by_rule(in, [&] { text(in, value); });
        return;
    }
    for (const Entry& entry : in.entries(value)) {
        const bool known = check_rule(in, *entry.key);
        const auto read = text(in, Value{entry.key->text, entry.value});
        if (known && read) device.remedies.emplace(entry.key->text, *read);
    }
}

// --- the file -----------------------------------------------------------------------------------

// In the order of reading: `sources` before everything that names one, `responses` before
// `tolerances`.
constexpr Row<Device> profile_rows[] = {
    {{"format", true}, format_number<Device>},
    {{"name", true}, field<&Device::name, text>},
    {{"vendor", true}, field<&Device::vendor, text>},
    {{"family", true}, field<&Device::family, text>},
    {{"kind", true}, field<&Device::kind, choice<Kind>>},
    {{"released", true}, field<&Device::released, partial_date>},
    {{"status", true}, field<&Device::status, choice<Status>>},
    {{"by_default"}, field<&Device::by_default, flag>},
    {{"notes"}, field<&Device::notes, list<lines, text>>},
    {{"sources", true}, sources},
    {{"client_hello", true}, client_hello},
    {{"fallbacks"}, fallbacks},
    {{"server_hello"}, section<server_hello_rows>},
    {{"key_exchange"}, section<key_exchange_rows>},
    {{"certificate"}, section<certificate_rows>},
    {{"path"}, section<path_rows>},
    {{"validation"}, section<validation_rows>},
    {{"names"}, section<names_rows>},
    {{"trust"}, section<trust_rows>},
    {{"order"}, order},
    {{"responses"}, responses},
    {{"tolerances"}, tolerances},
    {{"otherwise"}, otherwise},
    {{"remedies"}, remedies},
};

}  // namespace

Device read_device(const Node& root, const std::string& file, std::string id) {
    Reading in(file);
    Device device;
    device.id = std::move(id);
    read_map(in, Value{"profile", &root}, "profile", profile_rows, device);
    in.sources.report_unused(in);
    in.responses.report_unused(in);
    in.throw_if_problems();
    return device;
}

void tell_device(Reading& in) {
    Device device;
    read_map(in, nothing("profile"), "profile", profile_rows, device);
}

void append_device_keys(std::vector<std::string>& out) {
    append_keys(out, "profile", profile_rows);
    append_keys(out, "sources", source_rows);
    append_keys(out, "client_hello", client_hello_rows);
    append_keys(out, "fallbacks", fallback_rows);
    append_keys(out, "server_hello", server_hello_rows);
    append_keys(out, "key_exchange", key_exchange_rows);
    append_keys(out, "certificate", certificate_rows);
    append_keys(out, "path", path_rows);
    append_keys(out, "validation", validation_rows);
    append_keys(out, "names", names_rows);
    append_keys(out, "trust", trust_rows);
    append_keys(out, "order", order_rows);
    append_keys(out, "responses", response_rows);
    append_keys(out, "answers", answer_rows);
    append_keys(out, "tolerances", tolerance_rows);
}

}  // namespace handset::device
