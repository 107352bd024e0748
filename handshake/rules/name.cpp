// Rules on the names a certificate carries. Whether one of them is the host is the judge's
// question.
#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "handshake/rules/tables.h"

namespace handset::rules {

namespace {

using wire::AlertDescription;
using x509::Certificate;
using x509::GeneralName;
using x509::GeneralNameType;

std::string name_field(std::size_t extension, std::size_t name) {
    return fmt::format("tbsCertificate.extensions[{}].extnValue.names[{}]", extension, name);
}

// Calls visit(number, field, name) for every subjectAltName entry of one type.
template <typename Visit>
void for_each_san(const Evidence& evidence, GeneralNameType type, Visit visit) {
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        for (std::size_t i = 0; i < certificate.extensions.size(); ++i) {
            const x509::Extension& extension = certificate.extensions[i];
            const auto* san = std::get_if<x509::GeneralNames>(&extension.value);
            if (!san || x509::known_oid_name(extension.id) != "subjectAltName") continue;
            for (std::size_t j = 0; j < san->names.size(); ++j) {
                if (san->names[j].type == type) visit(number, name_field(i, j), san->names[j]);
            }
        }
    });
}

// One fault of dNSName each; true when the name has it.
using DnsFault = bool (*)(std::string_view name);

bool has_underscore(std::string_view name) {
    return name.find('_') != std::string_view::npos;
}

bool has_space(std::string_view name) {
    return name.find(' ') != std::string_view::npos;
}

bool has_trailing_dot(std::string_view name) {
    return name.size() > 1 && name.back() == '.';
}

bool has_empty_label(std::string_view name) {
    return name.empty() || name.front() == '.' || name.find("..") != std::string_view::npos;
}

bool has_long_label(std::string_view name) {
    std::size_t length = 0;
    for (const char c : name) {
        length = c == '.' ? 0 : length + 1;
        if (length > 63) return true;
    }
    return name.size() > 254;
}

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool has_bad_character(std::string_view name) {
    return std::ranges::any_of(name, [](char c) {
        const bool letter = is_letter(c);
        const bool has_rule_of_its_own = c == '_' || c == ' ' || c == '\0';
        return !letter && !(c >= '0' && c <= '9') && c != '-' && c != '.' && c != '*' &&
               !has_rule_of_its_own;
    });
}

template <DnsFault fault>
void find_dns(const Evidence& evidence, Findings& findings) {
    for_each_san(evidence, GeneralNameType::dns_name,
                 [&](std::size_t number, const std::string& field, const GeneralName& name) {
                     const std::string text = to_text(name.value);
                     if (!fault(text)) return;
                     findings.at(number, name.value_place, field,
                                 fmt::format("dNSName \"{}\"", printable(text)));
                 });
}

void find_ip_length(const Evidence& evidence, Findings& findings) {
    for_each_san(evidence, GeneralNameType::ip_address,
                 [&](std::size_t number, const std::string& field, const GeneralName& name) {
                     const std::size_t octets = name.value.size();
                     if (octets == 4 || octets == 16) return;
                     findings.at(number, name.value_place, field,
                                 fmt::format("iPAddress of {} octets", octets));
                 });
}

void find_email_malformed(const Evidence& evidence, Findings& findings) {
    for_each_san(evidence, GeneralNameType::rfc822_name,
                 [&](std::size_t number, const std::string& field, const GeneralName& name) {
                     const std::string text = to_text(name.value);
                     const std::size_t at = text.rfind('@');
                     if (at != std::string::npos && at > 0 && at + 1 < text.size()) return;
                     findings.at(number, name.value_place, field,
                                 fmt::format("rfc822Name \"{}\"", printable(text)));
                 });
}

// Octets of an IPv4 or IPv6 address as text, or nullopt.
std::optional<Bytes> ip_literal(const std::string& text) {
    if (text.find('\0') != std::string::npos) return std::nullopt;
    Bytes octets(4);
    if (inet_pton(AF_INET, text.c_str(), octets.data()) == 1) return octets;
    octets.resize(16);
    if (inet_pton(AF_INET6, text.c_str(), octets.data()) == 1) return octets;
    return std::nullopt;
}

bool is_ip_literal(std::string_view name) {
    return ip_literal(std::string(name)).has_value();
}

// RFC 6125 6.4.3: the one place where clients agree on what '*' stands for.
bool has_stray_wildcard(std::string_view name) {
    if (name.starts_with('*') && (name.size() == 1 || name[1] == '.')) name.remove_prefix(1);
    return name.find('*') != std::string_view::npos;
}

// "*", "*.com"
bool is_wildcard_of_top_level(std::string_view name) {
    if (name.ends_with('.')) name.remove_suffix(1);
    if (name == "*") return true;
    return name.starts_with("*.") && name.find('.', 2) == std::string_view::npos;
}

// --- uniformResourceIdentifier ------------------------------------------------------------------

bool is_scheme(std::string_view text) {
    return !text.empty() && is_letter(text.front()) && std::ranges::all_of(text, [](char c) {
        return is_letter(c) || (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
    });
}

// RFC 3986 2: what may not stand in a URI but as %XX.
bool has_character_to_escape(std::string_view uri) {
    constexpr std::string_view never = "\"<>\\^`{|}";
    return std::ranges::any_of(uri, [&](char c) {
        return c <= ' ' || c >= 0x7f || never.find(c) != std::string_view::npos;
    });
}

// Of an authority (RFC 3986 3.2): without user information and port.
std::string_view host_of(std::string_view authority) {
    if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos)
        authority.remove_prefix(at + 1);
    if (authority.starts_with('[')) return authority.substr(0, authority.find(']') + 1);
    return authority.substr(0, authority.find(':'));
}

// A fully qualified domain name has at least two labels.
bool is_whole_host(std::string_view host) {
    if (host.starts_with('[')) {
        return host.ends_with(']') && is_ip_literal(host.substr(1, host.size() - 2));
    }
    const std::size_t dot = host.find('.');
    return dot != std::string_view::npos && dot > 0 && dot + 1 < host.size();
}

// What RFC 5280 4.2.1.6 finds wrong with a URI; empty when nothing is.
std::string_view uri_fault(std::string_view uri) {
    const std::size_t colon = uri.find(':');
    if (colon == std::string_view::npos || !is_scheme(uri.substr(0, colon)))
        return "is relative: it has no scheme";
    std::string_view rest = uri.substr(colon + 1);
    if (rest.empty()) return "has nothing behind its scheme";
    if (has_character_to_escape(uri)) return "has a character that is to be escaped";
    if (!rest.starts_with("//")) return "";
    rest.remove_prefix(2);
    if (!is_whole_host(host_of(rest.substr(0, rest.find_first_of("/?#")))))
        return "has no fully qualified domain name or address as its host";
    return "";
}

void find_uri_malformed(const Evidence& evidence, Findings& findings) {
    for_each_san(
        evidence, GeneralNameType::uniform_resource_identifier,
        [&](std::size_t number, const std::string& field, const GeneralName& name) {
            const std::string text = to_text(name.value);
            if (text.find('\0') != std::string::npos) return;  // name-uri-nul
            const std::string_view fault = uri_fault(text);
            if (fault.empty()) return;
            findings.at(number, name.value_place, field,
                        fmt::format("uniformResourceIdentifier \"{}\" {}", printable(text), fault));
        });
}

const x509::GeneralNames* find_san(const Certificate& certificate) {
    return x509::find_value<x509::GeneralNames>(certificate, "subjectAltName");
}

// --- common names -------------------------------------------------------------------------------

std::vector<const x509::AttributeTypeAndValue*> common_names(const Certificate& certificate) {
    static const x509::Oid common_name = x509::oid_from_name("commonName").value();
    return x509::find_attributes(certificate.subject, common_name);
}

constexpr std::string_view cn_field = "tbsCertificate.subject.commonName";

void find_nul_in_san(const Evidence& evidence, GeneralNameType type, Findings& findings) {
    for_each_san(evidence, type,
                 [&](std::size_t number, const std::string& field, const GeneralName& name) {
                     if (std::ranges::find(name.value, 0) == name.value.end()) return;
                     findings.at(number, name.value_place, field,
                                 fmt::format("{} \"{}\"", x509::general_name_type_name(type),
                                             printable(name.value)));
                 });
}

void find_uri_nul(const Evidence& evidence, Findings& findings) {
    find_nul_in_san(evidence, GeneralNameType::uniform_resource_identifier, findings);
}

void find_embedded_nul(const Evidence& evidence, Findings& findings) {
    find_nul_in_san(evidence, GeneralNameType::rfc822_name, findings);
    find_nul_in_san(evidence, GeneralNameType::dns_name, findings);
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        for (const x509::AttributeTypeAndValue* cn : common_names(certificate)) {
            if (cn->text.find('\0') == std::string::npos) continue;
            findings.at(number, cn->value_place, std::string(cn_field),
                        fmt::format("common name \"{}\"", printable(cn->text)));
        }
    });
}

// The wildcards of a host name in the server's common name; where it is no host name, '*' is but a
// character.
template <DnsFault fault>
void find_wildcard(const Evidence& evidence, Findings& findings) {
    find_dns<fault>(evidence, findings);
    const Certificate* leaf = leaf_of(evidence);
    if (!leaf) return;
    for (const x509::AttributeTypeAndValue* cn : common_names(*leaf)) {
        if (!fault(cn->text) || has_space(cn->text)) continue;
        findings.at(0, cn->value_place, std::string(cn_field),
                    fmt::format("common name \"{}\"", printable(cn->text)));
    }
}

bool has_address(const x509::GeneralNames& san, const Bytes& octets) {
    return std::ranges::any_of(san.names, [&](const GeneralName& name) {
        return name.type == GeneralNameType::ip_address && name.value == octets;
    });
}

void find_ip_in_cn(const Evidence& evidence, Findings& findings) {
    const Certificate* leaf = leaf_of(evidence);
    if (!leaf) return;
    const x509::GeneralNames* san = find_san(*leaf);
    for (const x509::AttributeTypeAndValue* cn : common_names(*leaf)) {
        const auto octets = ip_literal(cn->text);
        if (!octets || (san && has_address(*san, *octets))) continue;
        findings.at(0, cn->value_place, std::string(cn_field),
                    fmt::format("common name \"{}\", which is no iPAddress of subjectAltName",
                                printable(cn->text)));
    }
}

void find_san_missing(const Evidence& evidence, Findings& findings) {
    const Certificate* leaf = leaf_of(evidence);
    if (!leaf || x509::find_extension(*leaf, "subjectAltName")) return;
    findings.at(0, {leaf->extensions_place.offset, 0}, "tbsCertificate.extensions",
                "there is no subjectAltName; clients of today ignore the common name");
}

char as_written(char c) {
    return c;
}
char caseless(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

// Whether the text is a dNSName of subjectAltName, compared character by character as `as` has it.
bool has_dns_name(const x509::GeneralNames& san, std::string_view text, char (*as)(char)) {
    return std::ranges::any_of(san.names, [&](const GeneralName& name) {
        return name.type == GeneralNameType::dns_name &&
               std::ranges::equal(text, name.value, {}, as,
                                  [&](std::uint8_t octet) { return as(static_cast<char>(octet)); });
    });
}

// A host name that is no dNSName of subjectAltName in whatever case.
bool is_foreign_host(const std::string& text, const x509::GeneralNames& san) {
    return text.find('.') != std::string::npos && !has_dns_name(san, text, caseless) &&
           !is_ip_literal(text);
}

void find_cn_not_in_san(const Evidence& evidence, Findings& findings) {
    const Certificate* leaf = leaf_of(evidence);
    const x509::GeneralNames* san = leaf ? find_san(*leaf) : nullptr;
    if (!san) return;
    for (const x509::AttributeTypeAndValue* cn : common_names(*leaf)) {
        if (!is_foreign_host(cn->text, *san)) continue;
        findings.at(0, cn->value_place, std::string(cn_field),
                    fmt::format("common name \"{}\" is none of the subjectAltName's dNSNames",
                                printable(cn->text)));
    }
}

// How an address is to be written (RFC 3986 3.2.2, RFC 5952 4); inet_ntop keeps to it.
std::string canonical_ip(const Bytes& octets) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = octets.size() == 4 ? AF_INET : AF_INET6;
    return inet_ntop(family, octets.data(), text.data(), text.size()) ? text.data() : "";
}

void find_cn_not_a_copy(const Evidence& evidence, Findings& findings) {
    const Certificate* leaf = leaf_of(evidence);
    const x509::GeneralNames* san = leaf ? find_san(*leaf) : nullptr;
    if (!san) return;
    for (const x509::AttributeTypeAndValue* cn : common_names(*leaf)) {
        if (has_dns_name(*san, cn->text, as_written)) continue;
        // What is in subjectAltName in no spelling is name-ip-in-cn's and name-cn-not-in-san's.
        if (const auto octets = ip_literal(cn->text)) {
            if (!has_address(*san, *octets) || cn->text == canonical_ip(*octets)) continue;
        } else if (is_foreign_host(cn->text, *san)) {
            continue;
        }
        findings.at(0, cn->value_place, std::string(cn_field),
                    fmt::format("common name \"{}\" is no copy of a name of subjectAltName",
                                printable(cn->text)));
    }
}

void find_empty_subject(const Evidence& evidence, Findings& findings) {
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        if (!certificate.subject.empty()) return;
        const x509::Extension* san = x509::find_extension(certificate, "subjectAltName");
        if (san && san->critical) return;
        findings.at(number, certificate.subject.place, "tbsCertificate.subject",
                    san ? "the subject is empty and subjectAltName is not critical"
                        : "the subject is empty and there is no subjectAltName");
    });
}

constexpr std::string_view rename_host =
    "Give the server a name of letters, digits and hyphens in DNS, and have the certificate issued "
    "for it: `openssl req -new -key key.pem -subj /CN=mail.example.com -addext "
    "subjectAltName=DNS:mail.example.com -out request.pem`.";
constexpr std::string_view ask_for_names =
    "Have the certificate issued for the name that devices are configured with: `openssl req -new "
    "-key key.pem -subj /CN=mail.example.com -addext "
    "subjectAltName=DNS:mail.example.com,DNS:autodiscover.example.com -out request.pem`, on "
    "Exchange 2007 `New-ExchangeCertificate -GenerateRequest -Path c:\\request.req -SubjectName "
    "\"CN=mail.contoso.com\" -DomainName mail.contoso.com,autodiscover.contoso.com`.";
constexpr std::string_view name_each_host =
    "Have the certificate issued with every host by its name, or with `*` as the whole first label "
    "of a domain of your own: `subjectAltName = DNS:mail.example.com, DNS:*.example.com`.";
constexpr std::string_view write_addresses =
    "Have the certificate issued with the address as an address: `subjectAltName = IP:192.0.2.1`; "
    "better, configure devices with a host name.";

constexpr Rule dns_row(std::string_view id, std::string_view demand,
                       void (*check)(const Evidence&, Findings&)) {
    return {id,
            Area::name,
            Level::must,
            Step::encoding,
            demand,
            "RFC 5280 4.2.1.6, RFC 1034 3.5",
            AlertDescription::bad_certificate,
            rename_host,
            check};
}

constexpr Rule table[] = {
    {"name-host-mismatch", Area::name, Level::must, Step::names,
     "A name of the certificate is the host the client was told to reach.", "RFC 2818 3.1",
     AlertDescription::bad_certificate, ask_for_names, nullptr},
    {"name-msstd-mismatch", Area::name, Level::must, Step::application,
     "The certificate bears the principal name that the RPC proxy must prove (msstd).",
     "learn.microsoft.com/windows/win32/rpc/principal-names", AlertDescription::bad_certificate,
     "Make the principal equal to the certificate's common name: `Set-OutlookProvider EXPR "
     "-CertPrincipalName \"msstd:mail.contoso.com\"` (clients read it at their next "
     "Autodiscover).",
     nullptr},
    {"name-san-missing", Area::name, Level::should, Step::names,
     "Server names stand in subjectAltName.", "RFC 6125 6.4.4, CA/Browser Forum BR 7.1.2.7.12",
     AlertDescription::bad_certificate, ask_for_names, find_san_missing},
    {"name-cn-not-in-san", Area::name, Level::should, Step::names,
     "A host name in the common name stands in subjectAltName too.", "CA/Browser Forum BR 7.1.4.3",
     AlertDescription::bad_certificate,
     "Add the common name to subjectAltName, for clients that find one ignore the common name: "
     "`openssl req -new -key key.pem -subj /CN=mail.example.com -addext "
     "subjectAltName=DNS:mail.example.com -out request.pem`.",
     find_cn_not_in_san},
    {"name-cn-not-a-copy", Area::name, Level::should, Step::names,
     "The common name is a dNSName of subjectAltName letter by letter, or one of its addresses in "
     "the usual form.",
     "CA/Browser Forum BR 7.1.4.3, RFC 5952 4", AlertDescription::bad_certificate,
     "Have the certificate issued with the same text twice: `openssl req -new -key key.pem -subj "
     "/CN=mail.example.com -addext subjectAltName=DNS:mail.example.com -out request.pem`; or with "
     "no common name.",
     find_cn_not_a_copy},
    {"name-subject-empty-san-not-critical", Area::name, Level::must, Step::names,
     "With an empty subject, subjectAltName is present and critical.", "RFC 5280 4.1.2.6, 4.2.1.6",
     AlertDescription::bad_certificate,
     "Have the certificate issued with a subject: `openssl req -new -key key.pem -subj "
     "/CN=mail.example.com -out request.pem`; or with `subjectAltName = critical, "
     "DNS:mail.example.com`.",
     find_empty_subject},
    {"name-embedded-nul", Area::name, Level::must, Step::encoding,
     "No name of a host or mailbox contains a NUL octet, at which some readers would end it.",
     "RFC 5280 4.2.1.6, RFC 1034 3.5", AlertDescription::bad_certificate, ask_for_names,
     find_embedded_nul},
    dns_row("name-dns-underscore", "A dNSName holds letters, digits and hyphens only.",
            find_dns<has_underscore>),
    dns_row("name-dns-space", "A dNSName holds letters, digits and hyphens only.",
            find_dns<has_space>),
    dns_row("name-dns-trailing-dot", "A dNSName does not end in a dot.",
            find_dns<has_trailing_dot>),
    dns_row("name-dns-empty-label", "A dNSName is not empty and has no empty label.",
            find_dns<has_empty_label>),
    dns_row("name-dns-label-too-long", "A label has at most 63 octets.", find_dns<has_long_label>),
    dns_row("name-dns-bad-character", "A dNSName holds letters, digits and hyphens only.",
            find_dns<has_bad_character>),
    {"name-wildcard-not-leftmost", Area::name, Level::should, Step::names,
     "A wildcard is the whole leftmost label.", "RFC 6125 6.4.3", AlertDescription::bad_certificate,
     name_each_host, find_wildcard<has_stray_wildcard>},
    {"name-wildcard-top-level", Area::name, Level::should, Step::names,
     "A wildcard stands in front of a domain below the top level.", "CA/Browser Forum BR 3.2.2.6",
     AlertDescription::bad_certificate, name_each_host, find_wildcard<is_wildcard_of_top_level>},
    {"name-ip-in-dns-name", Area::name, Level::should, Step::names,
     "An address is an iPAddress, not a dNSName.", "RFC 5280 4.2.1.6, RFC 2818 3.1",
     AlertDescription::bad_certificate, write_addresses, find_dns<is_ip_literal>},
    {"name-ip-in-cn", Area::name, Level::should, Step::names,
     "An address that the common name gives is an iPAddress of subjectAltName too.",
     "RFC 2818 3.1, CA/Browser Forum BR 7.1.4.3", AlertDescription::bad_certificate,
     write_addresses, find_ip_in_cn},
    {"name-ip-length", Area::name, Level::must, Step::encoding, "An iPAddress has 4 or 16 octets.",
     "RFC 5280 4.2.1.6", AlertDescription::bad_certificate, write_addresses, find_ip_length},
    {"name-email-malformed", Area::name, Level::must, Step::encoding,
     "An rfc822Name is a mailbox, local part and domain.", "RFC 5280 4.2.1.6",
     AlertDescription::bad_certificate,
     "Have the certificate issued again without the entry, or with a whole mail address: "
     "`subjectAltName = DNS:mail.example.com, email:postmaster@example.com`.",
     find_email_malformed},
    {"name-uri-nul", Area::name, Level::must, Step::encoding,
     "A uniformResourceIdentifier contains no NUL octet.", "RFC 5280 4.2.1.6, RFC 3986 2",
     AlertDescription::bad_certificate,
     "Have the certificate issued again without the entry, or with a whole URI: `subjectAltName = "
     "DNS:mail.example.com, URI:https://mail.example.com/`.",
     find_uri_nul},
    {"name-uri-malformed", Area::name, Level::must, Step::encoding,
     "A uniformResourceIdentifier is absolute, follows the URI syntax and names a whole host.",
     "RFC 5280 4.2.1.6", AlertDescription::bad_certificate,
     "Have the certificate issued again without the entry, or with a whole URI: `subjectAltName = "
     "DNS:mail.example.com, URI:https://mail.example.com/`.",
     find_uri_malformed},
};

}  // namespace

std::span<const Rule> name_rules() {
    return table;
}

}  // namespace handset::rules
