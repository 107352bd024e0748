// Rules on extensions as such: which, how often, critical or not.
#include <fmt/format.h>
#include <algorithm>

#include "handshake/rules/tables.h"

namespace handset::rules {

namespace {

using wire::AlertDescription;
using x509::Certificate;
using x509::Extension;

std::string critical_field(std::size_t index) {
    return fmt::format("tbsCertificate.extensions[{}].critical", index);
}

void find_duplicate(const Evidence& evidence, Findings& findings) {
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        const auto& extensions = certificate.extensions;
        for (std::size_t i = 1; i < extensions.size(); ++i) {
            const auto earlier = std::find_if(
                extensions.begin(), extensions.begin() + static_cast<std::ptrdiff_t>(i),
                [&](const Extension& other) { return other.id == extensions[i].id; });
            if (earlier == extensions.begin() + static_cast<std::ptrdiff_t>(i)) continue;
            findings.at(
                number, extensions[i].place, fmt::format("tbsCertificate.extensions[{}]", i),
                fmt::format("{} came already as extensions[{}]", x509::oid_name(extensions[i].id),
                            earlier - extensions.begin()));
        }
    });
}

void find_undecodable(const Evidence& evidence, Findings& findings) {
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        for (const Extension& extension : certificate.extensions) {
            if (!extension.decode_error) continue;
            const std::size_t end = extension.value_place.offset + extension.value_place.length;
            const std::size_t offset = std::min(extension.decode_error->offset, end);
            findings.at(number, {offset, end - offset}, extension.decode_error->field,
                        fmt::format("{}: {}", x509::oid_name(extension.id),
                                    extension.decode_error->reason));
        }
    });
}

void find_without_v3(const Evidence& evidence, Findings& findings) {
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        if (!certificate.extensions_present || certificate.version >= 3) return;
        findings.at(number, certificate.extensions_place, "tbsCertificate.extensions",
                    fmt::format("a v{} certificate carries extensions", certificate.version));
    });
}

// RFC 5280: AKI 4.2.1.1, SKI 4.2.1.2, AIA 4.2.2.1 and SIA 4.2.2.2 MUST be non-critical.
void find_critical_forbidden(const Evidence& evidence, Findings& findings) {
    static constexpr std::string_view never_critical[] = {
        "authorityKeyIdentifier", "subjectKeyIdentifier", "authorityInfoAccess",
        "subjectInfoAccess"};
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        for (std::size_t i = 0; i < certificate.extensions.size(); ++i) {
            const Extension& extension = certificate.extensions[i];
            const std::string name = x509::oid_name(extension.id);
            if (!extension.critical ||
                std::ranges::find(never_critical, name) == std::end(never_critical)) {
                continue;
            }
            findings.at(number, extension.critical_place, critical_field(i),
                        fmt::format("{} is marked critical", name));
        }
    });
}

void find_san_critical(const Evidence& evidence, Findings& findings) {
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        if (certificate.subject.empty()) return;  // must be critical then
        for (std::size_t i = 0; i < certificate.extensions.size(); ++i) {
            const Extension& extension = certificate.extensions[i];
            if (!extension.critical || x509::oid_name(extension.id) != "subjectAltName") continue;
            findings.at(number, extension.critical_place, critical_field(i),
                        "subjectAltName is marked critical although the subject has a name");
        }
    });
}

constexpr Rule table[] = {
    {"extension-duplicate", Area::extension, Level::must, Step::encoding,
     "An extension appears once.", "RFC 5280 4.2", AlertDescription::bad_certificate,
     "Have the certificate issued again with each extension once; a request and a CA template that "
     "both carry subjectAltName are the usual cause.",
     find_duplicate},
    {"extension-undecodable", Area::extension, Level::must, Step::encoding,
     "An extension's value has the structure its definition asks for.", "RFC 5280 4.2",
     AlertDescription::bad_certificate, "Have the certificate issued again.", find_undecodable},
    {"extension-without-v3", Area::extension, Level::must, Step::encoding,
     "A certificate with extensions is v3.", "RFC 5280 4.1.2.9", AlertDescription::bad_certificate,
     "Have the certificate issued again as v3.", find_without_v3},
    {"extension-critical-unknown", Area::extension, Level::must, Step::critical_extensions,
     "A critical extension that the client does not know ends the validation.", "RFC 5280 4.2",
     AlertDescription::unsupported_certificate,
     "Have the certificate issued again with the extension non-critical or absent.", nullptr},
    {"extension-critical-forbidden", Area::extension, Level::must, Step::critical_extensions,
     "Key identifiers and information access are never critical.",
     "RFC 5280 4.2.1.1, 4.2.1.2, 4.2.2.1, 4.2.2.2", AlertDescription::bad_certificate,
     "Have the certificate issued again with the extension non-critical.", find_critical_forbidden},
    {"extension-san-critical", Area::extension, Level::should, Step::critical_extensions,
     "subjectAltName should be non-critical when the subject has a name.", "RFC 5280 4.2.1.6",
     AlertDescription::unsupported_certificate,
     "Have the names added at the CA instead of in the request, so that the extension is not "
     "critical: certreq -submit -attrib \"SAN:dns=mail.contoso.com&dns=autodiscover.contoso.com\" "
     "request.req (the CA needs certutil -setreg policy\\EditFlags "
     "+EDITF_ATTRIBUTESUBJECTALTNAME2; "
     "mind who may enrol while it is set).",
     find_san_critical},
    {"extension-eku-lacks-server-auth", Area::extension, Level::must, Step::extended_key_usage,
     "extKeyUsage, where present, lists id-kp-serverAuth.", "RFC 5280 4.2.1.12",
     AlertDescription::unsupported_certificate,
     "Have the certificate issued for server authentication (1.3.6.1.5.5.7.3.1).", nullptr},
};

}  // namespace

std::span<const Rule> extension_rules() {
    return table;
}

}  // namespace handset::rules
