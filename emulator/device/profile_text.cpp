#include "emulator/device/profile_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "emulator/device/load.h"
#include "emulator/device/schema.h"
#include "emulator/device/words.h"
#include "handshake/wire/extensions.h"

namespace handset::device {

namespace {

constexpr std::size_t line_width = 100;
constexpr std::size_t indent_width = 2;
constexpr std::size_t hex_digits_of_a_line = 80;

// --- scalars ------------------------------------------------------------------------------------

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// Octets of the control or separator character at the front that YAML may take for the end of a
// line or refuses unless it is escaped, and its number; 0 for all others.
struct Unprintable {
    std::size_t length = 0;
    unsigned number = 0;
};
Unprintable unprintable_at(std::string_view text) {
    const auto octet = [&](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
    };
    if (octet(0) < 0x20 || octet(0) == 0x7f) return {1, octet(0)};
    if (octet(0) == 0xc2 && octet(1) >= 0x80 && octet(1) < 0xa0) return {2, octet(1)};
    // U+2028 and U+2029 end a line, U+FEFF is the byte order mark, U+FFFE and U+FFFF are none.
    static constexpr std::pair<std::string_view, unsigned> others[] = {
        {"\xe2\x80\xa8", 0x2028}, {"\xe2\x80\xa9", 0x2029}, {"\xef\xbb\xbf", 0xfeff},
        {"\xef\xbf\xbe", 0xfffe}, {"\xef\xbf\xbf", 0xffff},
    };
    for (const auto& [octets, number] : others) {
        if (text.substr(0, octets.size()) == octets) return {octets.size(), number};
    }
    return {};
}

// The text with such characters as \uNNNN; `also` are escaped by a backslash.
std::string escaped(std::string_view text, std::string_view also = {}) {
    std::string out;
    while (!text.empty()) {
        const Unprintable found = unprintable_at(text);
        if (found.length != 0) {
            out += fmt::format("\\u{:04x}", found.number);
            text.remove_prefix(found.length);
            continue;
        }
        if (also.find(text.front()) != std::string_view::npos) out.push_back('\\');
        out.push_back(text.front());
        text.remove_prefix(1);
    }
    return out;
}

std::string quote(std::string_view text) {
    const bool has_special = text.find_first_of("\"\\") != std::string_view::npos;
    const bool has_apostrophe = text.find('\'') != std::string_view::npos;
    if (has_special && !has_apostrophe && escaped(text) == text) return fmt::format("'{}'", text);
    return fmt::format("\"{}\"", escaped(text, "\"\\"));
}

// Whether it stands without quotes in any place, lists in brackets included.
bool can_be_plain(std::string_view text) {
    if (text.empty() || text.back() == ' ') return false;
    if (!is_letter(text.front()) && !is_digit(text.front())) return false;
    return std::all_of(text.begin(), text.end(), [](char c) {
        return is_letter(c) || is_digit(c) || c == ' ' ||
               std::string_view("._/()+-").find(c) != std::string_view::npos;
    });
}

// Whether some reader of YAML takes it for something else than text: `yes`, `1.0`, `null`.
bool reads_as_other_type(std::string_view text) {
    if (!is_letter(text.front())) return true;
    std::string lower(text);
    for (char& c : lower) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    for (const std::string_view word :
         {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}) {
        if (lower == word) return true;
    }
    return false;
}

// Names of standards, dates, numbers.
std::string word(std::string_view text) {
    return can_be_plain(text) ? std::string(text) : quote(text);
}
// Ids and short texts, whose words are anybody's.
std::string short_text(std::string_view text) {
    return can_be_plain(text) && !reads_as_other_type(text) ? std::string(text) : quote(text);
}

std::string word(bool value) {
    return value ? "true" : "false";
}
std::string word(std::size_t value) {
    return std::to_string(value);
}
std::string word(const std::string& value) {
    return word(std::string_view(value));
}
std::string word(const Range& range) {
    if (!range.min && !range.max) return "any";
    if (!range.max) return fmt::format("{{min: {}}}", *range.min);
    if (!range.min) return fmt::format("{{max: {}}}", *range.max);
    return fmt::format("{{min: {}, max: {}}}", *range.min, *range.max);
}
std::string word(const x509::Oid& oid) {
    return word(x509::oid_name(oid));
}
// The format's own spelling: small letters for the methods of RFC 3749.
std::string word(wire::CompressionMethod method) {
    switch (method) {
        case wire::CompressionMethod::null:
            return "null";
        case wire::CompressionMethod::deflate:
            return "deflate";
        default:
            return wire::name_of(method);
    }
}
template <typename E>
requires std::is_enum_v<E> std::string word(E value) {
    if constexpr (words<E>.size() == 0) {
        return word(wire::name_of(value));
    } else {
        return std::string(word_of(value));
    }
}

// --- lines --------------------------------------------------------------------------------------

using Items = std::vector<std::string>;

std::string in_brackets(const Items& items) {
    return fmt::format("[{}]", fmt::join(items, ", "));
}

template <typename T>
Items words_of(const std::vector<T>& values) {
    Items items;
    for (const T& value : values)
        items.push_back(word(value));
    return items;
}

// What stands behind a key: one word, or a list of them.
struct Written {
    Items items;
    bool is_list = false;
    std::string in_one_line() const { return is_list ? in_brackets(items) : items.front(); }
};
template <typename T>
Written written(const T& value) {
    return {{word(value)}, false};
}
template <typename T>
Written written(const std::vector<T>& values) {
    return {words_of(values), true};
}

struct StatementLine {
    std::string_view key;
    Written value;
    std::string source;
};

// The statements of one section that has a `source`.
struct Section {
    std::string_view name;
    std::vector<StatementLine> lines;

    template <typename T>
    void add(std::string_view key, const Stated<T>& stated) {
        if (stated) lines.push_back({key, written(stated->value), stated->source});
    }
    // The first of them where several are as frequent.
    std::string most_frequent_source() const {
        std::map<std::string_view, std::size_t> uses;
        for (const StatementLine& line : lines)
            ++uses[line.source];
        const auto found = std::max_element(lines.begin(), lines.end(),
                                            [&](const StatementLine& a, const StatementLine& b) {
                                                return uses[a.source] < uses[b.source];
                                            });
        return found->source;
    }
};

class ProfileText {
public:
    explicit ProfileText(const std::map<std::string, std::string>& comments)
        : comments_(comments) {}
    std::string write(const Device& device);

private:
    // `start` is what stands before a key: blanks, blanks and "- ", or the end of the line before.
    void line(std::string_view start, std::string_view text, std::string_view comment = {});
    // `key: [...]`, or without a key the list alone; folded where it is too long.
    void list(std::string_view start, std::string_view key, const Items& items,
              std::string_view comment = {});
    // One item a line.
    void tall_list(std::string_view start, std::string_view key, const Items& items);
    // `key: "0a0b"`, folded where it is too long.
    void hex(std::string_view start, std::string_view key, ByteView octets);
    std::string comment_of(const std::string& key) const;

    void head(const Device& device);
    void sources(const Device& device);
    void hello(const std::string& start, const ClientHello& hello);
    void extension(const std::string& start, const HelloExtension& extension);
    void fallbacks(const std::vector<Fallback>& fallbacks);
    void section(const Section& section);
    void order(const Order& order);
    void responses(const Device& device);
    void tolerances(const Device& device);
    void remedies(const Device& device);

    const std::map<std::string, std::string>& comments_;
    std::string out_;
};

void ProfileText::line(std::string_view start, std::string_view text, std::string_view comment) {
    out_ += start;
    out_ += text;
    if (!comment.empty()) {
        out_ += "  # ";
        out_ += comment;
    }
    out_.push_back('\n');
}

void ProfileText::list(std::string_view start, std::string_view key, const Items& items,
                       std::string_view comment) {
    const std::string head = key.empty() ? std::string() : fmt::format("{}: ", key);
    const std::string one_line = head + in_brackets(items);
    if (start.size() + one_line.size() <= line_width || items.empty()) {
        line(start, one_line, comment);
        return;
    }
    line(start, head + "[", comment);
    const std::string blanks(start.size() + indent_width, ' ');
    std::string row;
    for (std::size_t i = 0; i < items.size(); ++i) {
        const std::string item = items[i] + (i + 1 < items.size() ? "," : "");
        if (!row.empty() && blanks.size() + row.size() + 1 + item.size() > line_width) {
            line(blanks, row);
            row.clear();
        }
        if (!row.empty()) row.push_back(' ');
        row += item;
    }
    line(blanks, row);
    line(std::string(start.size(), ' '), "]");
}

void ProfileText::tall_list(std::string_view start, std::string_view key, const Items& items) {
    if (items.empty()) return list(start, key, items);
    line(start, fmt::format("{}:", key));
    const std::string item_start = std::string(start.size() + indent_width, ' ') + "- ";
    for (const std::string& item : items)
        line(item_start, item);
}

void ProfileText::hex(std::string_view start, std::string_view key, ByteView octets) {
    const std::string digits = to_hex(octets);
    const std::string one_line = fmt::format("{}: \"{}\"", key, digits);
    if (start.size() + one_line.size() <= line_width) {
        line(start, one_line);
        return;
    }
    line(start, fmt::format("{}:", key));
    const std::string blanks(start.size() + indent_width, ' ');
    for (std::size_t at = 0; at < digits.size(); at += hex_digits_of_a_line) {
        const bool first = at == 0;
        const bool last = at + hex_digits_of_a_line >= digits.size();
        line(blanks, fmt::format("{}{}{}", first ? "\"" : " ",
                                 digits.substr(at, hex_digits_of_a_line), last ? "\"" : ""));
    }
}

std::string ProfileText::comment_of(const std::string& key) const {
    const auto found = comments_.find(key);
    if (found == comments_.end()) return {};
    std::string text = found->second;
    for (char& c : text) {
        if (c == '\n' || c == '\r' || c == '\t') c = ' ';
    }
    return escaped(printable_utf8(text));
}

// --- the parts of a profile ---------------------------------------------------------------------

void ProfileText::head(const Device& device) {
    line("", std::string(profile_schema_line));
    line("", "format: 1");
    line("", "name: " + short_text(device.name));
    line("", "vendor: " + short_text(device.vendor));
    line("", "family: " + short_text(device.family));
    line("", "kind: " + word(device.kind));
    line("", "released: " + word(device.released));
    line("", "status: " + word(device.status));
    if (!device.by_default) line("", "by_default: false");
    if (device.notes.empty()) return;
    line("", "notes:");
    for (const std::string& note : device.notes)
        line("  - ", quote(note));
}

void ProfileText::sources(const Device& device) {
    line("", "sources:");
    for (const auto& [id, source] : device.sources) {
        line("  ", short_text(id) + ":");
        line("    ", "grade: " + word(source.grade));
        line("    ", "what: " + quote(source.what));
        line("    ", "where: " + quote(source.where));
        line("    ", "retrieved: " + word(source.retrieved));
    }
}

// The list that the contents are, where they are one in due form.
std::optional<Items> contents_as_list(const HelloExtension& extension) {
    const auto if_same = [&](const auto& read, auto encode, auto write) -> std::optional<Items> {
        if (!read || read->empty() || encode(*read) != extension.data) return std::nullopt;
        Items items;
        for (const auto& value : *read)
            items.push_back(write(value));
        return items;
    };
    const auto named = [](auto value) { return word(value); };
    switch (extension.type) {
        case wire::ExtensionType::supported_groups:
            return if_same(wire::decode_supported_groups(extension.data),
                           wire::encode_supported_groups, named);
        case wire::ExtensionType::signature_algorithms:
            return if_same(wire::decode_signature_algorithms(extension.data),
                           wire::encode_signature_algorithms, named);
        case wire::ExtensionType::ec_point_formats:
            return if_same(wire::decode_ec_point_formats(extension.data),
                           wire::encode_ec_point_formats,
                           [](std::uint8_t value) { return word(std::size_t{value}); });
        case wire::ExtensionType::application_layer_protocol_negotiation: {
            const auto protocols = wire::decode_alpn(extension.data);
            const bool texts =
                protocols &&
                std::all_of(protocols->begin(), protocols->end(), [](const std::string& protocol) {
                    return !protocol.empty() && printable(protocol) == protocol;
                });
            if (!texts) return std::nullopt;
            return if_same(protocols, wire::encode_alpn, short_text);
        }
        default:
            return std::nullopt;
    }
}

void ProfileText::extension(const std::string& start, const HelloExtension& extension) {
    const std::string name = word(extension.type);
    if (const auto items = contents_as_list(extension)) return list(start, name, *items);
    // Of the extensions that have contents the format wants to see them, and be they empty.
    const bool empty = extension.data.empty();
    switch (extension.type) {
        case wire::ExtensionType::supported_groups:
        case wire::ExtensionType::ec_point_formats:
        case wire::ExtensionType::signature_algorithms:
        case wire::ExtensionType::application_layer_protocol_negotiation:
        case wire::ExtensionType::status_request:
        case wire::ExtensionType::renegotiation_info:
            return hex(start, name, extension.data);
        default:
            return empty ? line(start, name) : hex(start, name, extension.data);
    }
}

void ProfileText::hello(const std::string& start, const ClientHello& hello) {
    const ClientHello defaults;
    const bool tls = hello.framing == Framing::tls;
    line(start, "source: " + short_text(hello.source));
    line(start, "framing: " + word(hello.framing));
    if (tls) line(start, "record_version: " + word(hello.record_version));
    line(start, "client_version: " + word(hello.client_version));
    if (hello.random != defaults.random) line(start, "random: " + word(hello.random));
    if (hello.session_id_length != defaults.session_id_length) {
        line(start, "session_id_length: " + word(hello.session_id_length));
    }
    if (tls) {
        tall_list(start, "cipher_suites", words_of(hello.cipher_suites));
        list(start, "compression_methods", words_of(hello.compression_methods));
    } else {
        Items specs;
        for (const std::uint32_t spec : hello.cipher_specs)
            specs.push_back(word(wire::v2_cipher_kind_name(spec)));
        tall_list(start, "cipher_specs", specs);
        if (hello.challenge_length != defaults.challenge_length) {
            line(start, "challenge_length: " + word(hello.challenge_length));
        }
    }
    if (hello.extensions && hello.extensions->empty()) line(start, "extensions: []");
    if (hello.extensions && !hello.extensions->empty()) {
        line(start, "extensions:");
        for (const HelloExtension& item : *hello.extensions)
            extension(start + "  - ", item);
    }
    if (hello.server_name != defaults.server_name) {
        line(start, "server_name: " + word(hello.server_name));
    }
    if (!hello.ja3.empty()) line(start, "ja3: " + word(hello.ja3));
}

void ProfileText::fallbacks(const std::vector<Fallback>& fallbacks) {
    if (fallbacks.empty()) return;
    line("\n", "fallbacks:", comment_of("fallbacks"));
    for (const Fallback& fallback : fallbacks) {
        list("  - ", "after", words_of(fallback.after));
        line("    ", "hello:");
        hello("      ", fallback.hello);
    }
}

void ProfileText::section(const Section& section) {
    if (section.lines.empty()) return;
    const std::string source = section.most_frequent_source();
    line("\n", fmt::format("{}:", section.name));
    line("  ", "source: " + short_text(source));
    for (const auto& [key, value, own_source] : section.lines) {
        const std::string comment = comment_of(fmt::format("{}.{}", section.name, key));
        if (own_source == source) {
            if (value.is_list) {
                list("  ", key, value.items, comment);
            } else {
                line("  ", fmt::format("{}: {}", key, value.items.front()), comment);
            }
            continue;
        }
        const std::string one_line = fmt::format("{}: {{is: {}, source: {}}}", key,
                                                 value.in_one_line(), short_text(own_source));
        if (indent_width + one_line.size() <= line_width || !value.is_list) {
            line("  ", one_line, comment);
            continue;
        }
        line("  ", fmt::format("{}:", key), comment);
        list("    ", "is", value.items);
        line("    ", "source: " + short_text(own_source));
    }
}

void ProfileText::order(const Order& order) {
    std::vector<rules::Step> steps;
    for (std::size_t i = 0; i < std::min(order.rank.size(), rules::step_count); ++i) {
        steps.push_back(static_cast<rules::Step>(i));
    }
    std::stable_sort(steps.begin(), steps.end(), [&](rules::Step a, rules::Step b) {
        return order.rank[static_cast<std::size_t>(a)] < order.rank[static_cast<std::size_t>(b)];
    });
    const auto& loop = order.per_certificate;
    const auto in_loop = [&](rules::Step step) {
        return std::find(loop.begin(), loop.end(), step) != loop.end();
    };
    line("\n", "order:", comment_of("order"));
    line("  ", "source: " + short_text(order.source));
    if (order.certificates != Order{}.certificates) {
        line("  ", "certificates: " + word(order.certificates));
    }
    line("  ", "steps:");
    for (std::size_t i = 0; i < steps.size();) {
        if (!in_loop(steps[i])) {
            line("    - ", rules::step_name(steps[i++]));
            continue;
        }
        Items together;
        for (; i < steps.size() && in_loop(steps[i]); ++i) {
            together.emplace_back(rules::step_name(steps[i]));
        }
        list("    - ", {}, together);
    }
}

void ProfileText::responses(const Device& device) {
    if (device.responses.empty()) return;
    line("\n", "responses:");
    for (const auto& [id, response] : device.responses) {
        line("  ", short_text(id) + ":");
        line("    ", "source: " + short_text(response.source));
        if (response.alert_as_standard) {
            line("    ", "alert: standard");
        } else if (response.alert) {
            line("    ", "alert: " + word(*response.alert));
        } else if (response.alert_stated) {
            line("    ", "alert: none");
        }
        if (!response.shows.empty()) line("    ", "shows: " + quote(response.shows));
        if (!response.log.empty()) line("    ", "log: " + short_text(response.log));
        if (!response.code.empty()) line("    ", "code: " + short_text(response.code));
        if (response.answers.empty()) continue;
        line("    ", "answers:");
        for (const Answer& answer : response.answers) {
            line("      - ", fmt::format("{{answer: {}, then: {}{}}}", short_text(answer.answer),
                                         word(answer.then),
                                         answer.alert ? ", alert: " + word(*answer.alert) : ""));
        }
    }
}

std::string in_braces(const Tolerance& tolerance) {
    return fmt::format(
        "{{action: {}{}, source: {}}}", word(tolerance.action),
        tolerance.response.empty() ? "" : ", response: " + short_text(tolerance.response),
        short_text(tolerance.source));
}

void ProfileText::tolerances(const Device& device) {
    if (!device.tolerances.empty()) line("\n", "tolerances:");
    for (const auto& [rule, tolerance] : device.tolerances) {
        line("  ", fmt::format("{}: {}", short_text(rule), in_braces(tolerance)),
             comment_of("tolerances." + rule));
    }
    if (device.otherwise) {
        line("\n", "otherwise: " + in_braces(*device.otherwise), comment_of("otherwise"));
    }
}

void ProfileText::remedies(const Device& device) {
    if (device.remedies.empty()) return;
    line("\n", "remedies:");
    for (const auto& [rule, remedy] : device.remedies)
        line("  ", fmt::format("{}: {}", short_text(rule), quote(remedy)));
}

// --- the sections with a source -----------------------------------------------------------------

Section section_of(const ServerHelloRules& rules) {
    Section section{"server_hello", {}};
    section.add("versions", rules.versions);
    section.add("max_record_bytes", rules.max_record_bytes);
    section.add("max_message_bytes", rules.max_message_bytes);
    section.add("max_chain_bytes", rules.max_chain_bytes);
    section.add("max_chain_certificates", rules.max_chain_certificates);
    section.add("max_certificate_message_bytes", rules.max_certificate_message_bytes);
    section.add("max_certificate_request_bytes", rules.max_certificate_request_bytes);
    return section;
}
Section section_of(const KeyExchangeRules& rules) {
    Section section{"key_exchange", {}};
    section.add("dh_bits", rules.dh_bits);
    section.add("dh_bits_multiple", rules.dh_bits_multiple);
    section.add("groups", rules.groups);
    section.add("hashes", rules.hashes);
    return section;
}
Section section_of(const CertificateRules& rules) {
    Section section{"certificate", {}};
    section.add("rsa_bits", rules.rsa_bits);
    section.add("key_types", rules.key_types);
    section.add("signature_algorithms", rules.signature_algorithms);
    section.add("critical_extensions", rules.critical_extensions);
    section.add("max_oid_arcs", rules.max_oid_arcs);
    section.add("max_certificate_bytes", rules.max_certificate_bytes);
    section.add("max_san_names", rules.max_san_names);
    section.add("max_exponent_bits", rules.max_exponent_bits);
    section.add("curves", rules.curves);
    section.add("max_year", rules.max_year);
    return section;
}
Section section_of(const PathRules& rules) {
    Section section{"path", {}};
    section.add("order", rules.order);
    section.add("sent_self_signed", rules.sent_self_signed);
    section.add("anchors", rules.anchors);
    section.add("issuers", rules.issuers);
    section.add("alternatives", rules.alternatives);
    section.add("key_identifiers", rules.key_identifiers);
    section.add("prefers_in_date", rules.prefers_in_date);
    section.add("name_chaining", rules.name_chaining);
    section.add("aia", rules.aia);
    section.add("max_certificates", rules.max_certificates);
    return section;
}
Section section_of(const ValidationRules& rules) {
    Section section{"validation", {}};
    section.add("dates", rules.dates);
    section.add("basic_constraints", rules.basic_constraints);
    section.add("path_len_constraint", rules.path_len_constraint);
    section.add("self_issued_exempt", rules.self_issued_exempt);
    section.add("leaf_ca_counts", rules.leaf_ca_counts);
    section.add("ca_key_usage", rules.ca_key_usage);
    section.add("leaf_key_usage", rules.leaf_key_usage);
    section.add("extended_key_usage", rules.extended_key_usage);
    section.add("ca_extended_key_usage", rules.ca_extended_key_usage);
    section.add("v1_ca", rules.v1_ca);
    section.add("anchor_constraints", rules.anchor_constraints);
    section.add("name_constraints", rules.name_constraints);
    section.add("name_constraints_on_cn", rules.name_constraints_on_cn);
    section.add("name_constraints_on_email", rules.name_constraints_on_email);
    section.add("name_constraints_on_cas", rules.name_constraints_on_cas);
    section.add("name_constraints_on_self_issued", rules.name_constraints_on_self_issued);
    section.add("dns_constraints_by_label", rules.dns_constraints_by_label);
    section.add("dns_constraints_hold_more", rules.dns_constraints_hold_more);
    section.add("wildcards_may_be_excluded", rules.wildcards_may_be_excluded);
    section.add("local_part_case_counts", rules.local_part_case_counts);
    section.add("host_constraints_hold_below", rules.host_constraints_hold_below);
    section.add("ipv6_constraints", rules.ipv6_constraints);
    section.add("ip_constraints_by_family", rules.ip_constraints_by_family);
    section.add("policies", rules.policies);
    section.add("max_validity_days", rules.max_validity_days);
    return section;
}
Section section_of(const NameRules& rules) {
    Section section{"names", {}};
    section.add("checked", rules.checked);
    section.add("san", rules.san);
    section.add("cn", rules.cn);
    section.add("cn_which", rules.cn_which);
    section.add("san_wildcard", rules.san_wildcard);
    section.add("cn_wildcard", rules.cn_wildcard);
    section.add("wildcard_min_labels", rules.wildcard_min_labels);
    section.add("public_suffix_wildcard", rules.public_suffix_wildcard);
    section.add("wildcard_matches_a_label", rules.wildcard_matches_a_label);
    section.add("ip", rules.ip);
    section.add("case_sensitive", rules.case_sensitive);
    section.add("trailing_dot_ignored", rules.trailing_dot_ignored);
    section.add("embedded_nul", rules.embedded_nul);
    section.add("msstd", rules.msstd);
    return section;
}
Section section_of(const TrustRules& rules) {
    Section section{"trust", {}};
    if (rules.store_id) {
        section.lines.push_back({"store", {{short_text(*rules.store_id)}, false}, rules.source});
    }
    section.add("users_install_roots", rules.users_install_roots);
    section.add("root_formats", rules.root_formats);
    section.add("user_roots", rules.user_roots);
    return section;
}

std::string ProfileText::write(const Device& device) {
    head(device);
    sources(device);
    line("\n", "client_hello:", comment_of("client_hello"));
    hello("  ", device.client_hello);
    fallbacks(device.fallbacks);
    section(section_of(device.server_hello));
    section(section_of(device.key_exchange));
    section(section_of(device.certificate));
    section(section_of(device.path));
    section(section_of(device.validation));
    section(section_of(device.names));
    section(section_of(device.trust));
    if (device.order) order(*device.order);
    responses(device);
    tolerances(device);
    remedies(device);
    return std::move(out_);
}

// --- what the format cannot say -----------------------------------------------------------------

// The first part in which the devices differ.
std::string_view difference(const Device& a, const Device& b) {
    if (a.sources != b.sources) return "sources";
    if (a.client_hello != b.client_hello) return "client_hello";
    if (a.fallbacks != b.fallbacks) return "fallbacks";
    if (a.server_hello != b.server_hello) return "server_hello";
    if (a.key_exchange != b.key_exchange) return "key_exchange";
    if (a.certificate != b.certificate) return "certificate";
    if (a.path != b.path) return "path";
    if (a.validation != b.validation) return "validation";
    if (a.names != b.names) return "names";
    if (a.trust != b.trust) return "trust";
    if (a.order != b.order) return "order";
    if (a.responses != b.responses) return "responses";
    if (a.tolerances != b.tolerances) return "tolerances";
    if (a.otherwise != b.otherwise) return "otherwise";
    return "the head of the profile";
}

[[noreturn]] void refuse(const std::string& why) {
    throw std::invalid_argument("cannot be written as a profile: " + why);
}

}  // namespace

std::string profile_text(const Device& device, const std::map<std::string, std::string>& comments) {
    std::string text = ProfileText(comments).write(device);
    Device loaded;
    try {
        loaded = parse_device(text, "profile.yaml");
    } catch (const ProfileError& error) {
        refuse(error.problems().front().message);
    }
    loaded.id = device.id;
    if (loaded != device) {
        refuse(fmt::format("the format has no words for what {} says", difference(loaded, device)));
    }
    return text;
}

}  // namespace handset::device
