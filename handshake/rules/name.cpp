// Rules on the names a certificate carries. Whether one of them is the host is the judge's
// question.
#include <fmt/format.h>

#include <algorithm>

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
            if (!san || x509::oid_name(extension.id) != "subjectAltName") continue;
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

bool has_bad_character(std::string_view name) {
    return std::ranges::any_of(name, [](char c) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        const bool has_rule_of_its_own = c == '_' || c == ' ';
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

const x509::GeneralNames* san_of(const Certificate& certificate) {
    return x509::find_value<x509::GeneralNames>(certificate, "subjectAltName");
}

void find_san_missing(const Evidence& evidence, Findings& findings) {
    if (evidence.chain.empty() || !evidence.chain.front().certificate) return;
    const Certificate& leaf = *evidence.chain.front().certificate;
    if (x509::find_extension(leaf, "subjectAltName")) return;
    findings.at(0, {leaf.extensions_place.offset, 0}, "tbsCertificate.extensions",
                "there is no subjectAltName; clients of today ignore the common name");
}

void find_cn_not_in_san(const Evidence& evidence, Findings& findings) {
    if (evidence.chain.empty() || !evidence.chain.front().certificate) return;
    const Certificate& leaf = *evidence.chain.front().certificate;
    const x509::GeneralNames* san = san_of(leaf);
    if (!san) return;
    const auto names = x509::find_attributes(leaf.subject, *x509::oid_from_name("commonName"));
    for (const x509::AttributeTypeAndValue* cn : names) {
        const auto same = [&](const GeneralName& name) {
            const std::string text = to_text(name.value);
            return name.type == GeneralNameType::dns_name &&
                   std::ranges::equal(text, cn->text, [](char a, char b) {
                       const auto fold = [](char c) {
                           return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
                       };
                       return fold(a) == fold(b);
                   });
        };
        if (cn->text.find('.') == std::string::npos || std::ranges::any_of(san->names, same)) {
            continue;
        }
        findings.at(0, cn->value_place, "tbsCertificate.subject.commonName",
                    fmt::format("common name \"{}\" is none of the subjectAltName's dNSNames",
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
    "Have the certificate issued for a host name of letters, digits and hyphens, and give the "
    "server that name in DNS.";

constexpr Rule dns_row(std::string_view id, std::string_view demand, std::string_view citation,
                       void (*check)(const Evidence&, Findings&)) {
    return {id,
            Area::name,
            Level::must,
            Step::encoding,
            demand,
            citation,
            AlertDescription::bad_certificate,
            rename_host,
            check};
}

constexpr Rule table[] = {
    {"name-host-mismatch", Area::name, Level::must, Step::names,
     "A name of the certificate is the host the client was told to reach.", "RFC 2818 3.1",
     AlertDescription::bad_certificate,
     "Have the certificate issued for the name that devices are configured with, or configure the "
     "devices with a name of the certificate.",
     nullptr},
    {"name-msstd-mismatch", Area::name, Level::must, Step::application,
     "The certificate bears the principal name that the RPC proxy must prove (msstd).",
     "learn.microsoft.com/windows/win32/rpc/principal-names", AlertDescription::bad_certificate,
     "Make the principal equal to the certificate's common name: Set-OutlookProvider EXPR "
     "-CertPrincipalName:\"msstd:<common name>\" (clients read it at their next Autodiscover).",
     nullptr},
    {"name-san-missing", Area::name, Level::should, Step::names,
     "Server names stand in subjectAltName.", "RFC 6125 6.4.4", AlertDescription::bad_certificate,
     "Have the certificate issued with the host name in subjectAltName as well.", find_san_missing},
    {"name-cn-not-in-san", Area::name, Level::should, Step::names,
     "A host name in the common name stands in subjectAltName too.", "CA/Browser Forum BR 7.1.4.3",
     AlertDescription::bad_certificate,
     "Add the common name to subjectAltName: clients that find a subjectAltName ignore the common "
     "name.",
     find_cn_not_in_san},
    {"name-subject-empty-san-not-critical", Area::name, Level::must, Step::names,
     "With an empty subject, subjectAltName is present and critical.", "RFC 5280 4.1.2.6, 4.2.1.6",
     AlertDescription::bad_certificate,
     "Have the certificate issued with a subject, or with subjectAltName critical.",
     find_empty_subject},
    dns_row("name-dns-underscore", "A dNSName holds letters, digits and hyphens only.",
            "RFC 5280 4.2.1.6, RFC 1034 3.5", find_dns<has_underscore>),
    dns_row("name-dns-space", "A dNSName holds letters, digits and hyphens only.",
            "RFC 5280 4.2.1.6, RFC 1034 3.5", find_dns<has_space>),
    dns_row("name-dns-trailing-dot", "A dNSName does not end in a dot.",
            "RFC 5280 4.2.1.6, RFC 1034 3.5", find_dns<has_trailing_dot>),
    dns_row("name-dns-empty-label", "A dNSName is not empty and has no empty label.",
            "RFC 5280 4.2.1.6, RFC 1034 3.5", find_dns<has_empty_label>),
    dns_row("name-dns-label-too-long", "A label has at most 63 octets.",
            "RFC 5280 4.2.1.6, RFC 1034 3.5", find_dns<has_long_label>),
    dns_row("name-dns-bad-character", "A dNSName holds letters, digits and hyphens only.",
            "RFC 5280 4.2.1.6, RFC 1034 3.5", find_dns<has_bad_character>),
    {"name-ip-length", Area::name, Level::must, Step::encoding, "An iPAddress has 4 or 16 octets.",
     "RFC 5280 4.2.1.6", AlertDescription::bad_certificate,
     "Have the certificate issued again; the address is written as octets, not as text.",
     find_ip_length},
    {"name-email-malformed", Area::name, Level::must, Step::encoding,
     "An rfc822Name is a mailbox, local part and domain.", "RFC 5280 4.2.1.6",
     AlertDescription::bad_certificate,
     "Have the certificate issued again without the entry, or with a whole mail address.",
     find_email_malformed},
};

}  // namespace

std::span<const Rule> name_rules() {
    return table;
}

}  // namespace handset::rules
