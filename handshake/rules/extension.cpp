// Rules on extensions: which, how often, critical or not, and what their values may say.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "handshake/crypto/signature.h"
#include "handshake/rules/tables.h"
#include "handshake/x509/name_constraints.h"

namespace handset::rules {

namespace {

using wire::AlertDescription;
using x509::Certificate;
using x509::Extension;

std::string critical_field(std::size_t index) {
    return fmt::format("tbsCertificate.extensions[{}].critical", index);
}

std::string value_field(std::size_t index, std::string_view below = "") {
    return fmt::format("tbsCertificate.extensions[{}].extnValue{}{}", index,
                       below.empty() || below.front() == '[' ? "" : ".", below);
}

const Extension& extension_of(const Evidence& evidence, std::size_t number, std::size_t index) {
    return evidence.chain[number].certificate->extensions[index];
}

// --- extensions as such -------------------------------------------------------------------------

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

// RFC 5280: AKI 4.2.1.1, SKI 4.2.1.2, subjectDirectoryAttributes 4.2.1.8, freshestCRL 4.2.1.15, AIA
// 4.2.2.1 and SIA 4.2.2.2 MUST be non-critical.
void find_critical_forbidden(const Evidence& evidence, Findings& findings) {
    static constexpr std::string_view never_critical[] = {
        "authorityKeyIdentifier",     "subjectKeyIdentifier",
        "subjectDirectoryAttributes", "freshestCRL",
        "authorityInfoAccess",        "subjectInfoAccess"};
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        for (std::size_t i = 0; i < certificate.extensions.size(); ++i) {
            const Extension& extension = certificate.extensions[i];
            if (!extension.critical) continue;
            const std::string_view name = x509::known_oid_name(extension.id);
            if (std::ranges::find(never_critical, name) == std::end(never_critical)) continue;
            findings.at(number, extension.critical_place, critical_field(i),
                        fmt::format("{} is marked critical", name));
        }
    });
}

// Extensions that must be critical wherever they stand.
template <typename T>
void find_not_critical(const Evidence& evidence, Findings& findings, std::string_view name) {
    for_each_value<T>(evidence, name, [&](std::size_t number, std::size_t index, const T&) {
        const Extension& extension = extension_of(evidence, number, index);
        if (extension.critical) return;
        findings.at(number, extension.place, critical_field(index),
                    fmt::format("{} is not critical", name));
    });
}

void find_san_critical(const Evidence& evidence, Findings& findings) {
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        if (certificate.subject.empty()) return;  // must be critical then
        for (std::size_t i = 0; i < certificate.extensions.size(); ++i) {
            const Extension& extension = certificate.extensions[i];
            if (!extension.critical || x509::known_oid_name(extension.id) != "subjectAltName")
                continue;
            findings.at(number, extension.critical_place, critical_field(i),
                        "subjectAltName is marked critical although the subject has a name");
        }
    });
}

bool has_usual_name(const x509::GeneralNames& names) {
    using enum x509::GeneralNameType;
    return std::ranges::any_of(names.names, [](const x509::GeneralName& name) {
        return name.type == dns_name || name.type == ip_address || name.type == rfc822_name ||
               name.type == uniform_resource_identifier;
    });
}

void find_san_empty(const Evidence& evidence, Findings& findings) {
    for_each_value<x509::GeneralNames>(
        evidence, "subjectAltName",
        [&](std::size_t number, std::size_t index, const x509::GeneralNames& names) {
            if (!names.names.empty()) return;
            findings.at(number, extension_of(evidence, number, index).value_place,
                        value_field(index, "names"), "no name at all");
        });
}

void find_san_critical_unusable(const Evidence& evidence, Findings& findings) {
    for_each_value<x509::GeneralNames>(
        evidence, "subjectAltName",
        [&](std::size_t number, std::size_t index, const x509::GeneralNames& names) {
            const Extension& extension = extension_of(evidence, number, index);
            if (!extension.critical || has_usual_name(names)) return;
            findings.at(number, extension.value_place, value_field(index),
                        "subjectAltName is critical and has no name that clients know");
        });
}

// The first extension whose value is a T, for types that one extension alone has.
template <typename T>
const Extension* extension_with(const Certificate& certificate) {
    const auto found = std::ranges::find_if(certificate.extensions, [](const Extension& extension) {
        return std::holds_alternative<T>(extension.value);
    });
    return found == certificate.extensions.end() ? nullptr : &*found;
}

template <typename T>
const T* value_with(const Certificate& certificate) {
    const Extension* extension = extension_with<T>(certificate);
    return extension ? std::get_if<T>(&extension->value) : nullptr;
}

std::size_t index_of(const Certificate& certificate, const Extension& extension) {
    return static_cast<std::size_t>(&extension - certificate.extensions.data());
}

// --- key identifiers, basicConstraints and keyUsage ---------------------------------------------

// A certificate below v3 has no place for extensions, so none is missing.
bool can_have_extensions(const Certificate& certificate) {
    return certificate.version >= 3 || certificate.extensions_present;
}

void report_missing(Findings& findings, std::size_t number, const Certificate& certificate,
                    std::string detail) {
    findings.at(number, {certificate.extensions_place.offset, 0}, "tbsCertificate.extensions",
                std::move(detail));
}

void find_aki_missing(const Evidence& evidence, Findings& findings) {
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        if (x509::is_self_issued(certificate) || !can_have_extensions(certificate)) return;
        const Extension* extension = x509::find_extension(certificate, "authorityKeyIdentifier");
        if (!extension) {
            report_missing(findings, number, certificate, "there is no authorityKeyIdentifier");
            return;
        }
        const auto* value = std::get_if<x509::AuthorityKeyIdentifier>(&extension->value);
        if (!value || value->key_identifier) return;
        const auto index = static_cast<std::size_t>(extension - certificate.extensions.data());
        findings.at(number, extension->value_place, value_field(index),
                    "authorityKeyIdentifier has no keyIdentifier");
    });
}

void find_aki_issuer_serial(const Evidence& evidence, Findings& findings) {
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        const Extension* extension = extension_with<x509::AuthorityKeyIdentifier>(certificate);
        if (!extension) return;
        const auto& value = std::get<x509::AuthorityKeyIdentifier>(extension->value);
        if (value.authority_cert_issuer.empty() && !value.authority_cert_serial_number) return;
        findings.at(number, extension->value_place, value_field(index_of(certificate, *extension)),
                    "authorityCertIssuer or authorityCertSerialNumber is present");
    });
}

void find_aki_incomplete(const Evidence& evidence, Findings& findings) {
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        const Extension* extension = extension_with<x509::AuthorityKeyIdentifier>(certificate);
        if (!extension) return;
        const auto& value = std::get<x509::AuthorityKeyIdentifier>(extension->value);
        const bool has_issuer = !value.authority_cert_issuer.empty();
        if (has_issuer == value.authority_cert_serial_number.has_value()) return;
        findings.at(number, extension->value_place, value_field(index_of(certificate, *extension)),
                    has_issuer ? "authorityCertIssuer without authorityCertSerialNumber"
                               : "authorityCertSerialNumber without authorityCertIssuer");
    });
}

// The key identifiers that `certificate` gives of its issuer's key and `issuer` of its own; false
// where they agree or one of them gives none.
bool key_identifiers_differ(const Certificate& certificate, const Certificate& issuer) {
    const auto* aki = value_with<x509::AuthorityKeyIdentifier>(certificate);
    if (!aki || !aki->key_identifier) return false;
    const auto* ski = value_with<x509::SubjectKeyIdentifier>(issuer);
    return ski && ski->key_identifier != *aki->key_identifier;
}

// By its word: signed with its own key. One that a CA issued to itself for a new key (RFC 5280
// 3.2) bears the same name twice as well, and two key identifiers.
bool is_root(const Certificate& certificate) {
    return x509::is_self_issued(certificate) && is_ca(certificate) &&
           !key_identifiers_differ(certificate, certificate);
}

bool verifies(const Certificate& certificate, const Certificate& issuer) {
    const x509::AlgorithmIdentifier& algorithm = certificate.signature_algorithm;
    std::optional<ByteView> parameters;
    if (algorithm.parameters) parameters = *algorithm.parameters;
    return crypto::verify_signature(certificate.tbs(), algorithm.algorithm.dotted(), parameters,
                                    certificate.signature_value, issuer.subject_public_key_info.raw)
               .check == crypto::SignatureCheck::good;
}

// An issuer's key identifier beside the one in what it issued. A name may have several keys, each
// with an identifier of its own, so the signature has to tell whose this is. It is verified for the
// first few that differ: a list may hold many.
class KeyIdentifiersCompared {
public:
    explicit KeyIdentifiersCompared(Findings& findings) : findings_(findings) {}

    void look(std::size_t number, const Certificate& issued, const Certificate& issuer,
              std::string_view called_by) {
        if (!key_identifiers_differ(issued, issuer) || checks_left_ == 0) return;
        if (!x509::same_binary(issued.issuer, issuer.subject)) return;
        --checks_left_;
        if (!verifies(issued, issuer)) return;
        const Extension& extension = *extension_with<x509::SubjectKeyIdentifier>(issuer);
        const ByteView id = *value_with<x509::AuthorityKeyIdentifier>(issued)->key_identifier;
        findings_.at(number, extension.value_place, value_field(index_of(issuer, extension)),
                     fmt::format("{} calls the key {}", called_by,
                                 to_hex(id.first(std::min<std::size_t>(id.size(), 32)))));
    }

private:
    Findings& findings_;
    std::size_t checks_left_ = 8;
};

void find_key_identifier_mismatch(const Evidence& evidence, Findings& findings) {
    KeyIdentifiersCompared compared(findings);
    const Certificate* below = nullptr;
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        if (below && below->raw != certificate.raw) {
            compared.look(number, *below, certificate, "the certificate that it issued");
        }
        below = &certificate;
    });
}

void find_root_aki_mismatch(const Evidence& evidence, Findings& findings) {
    KeyIdentifiersCompared compared(findings);
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        if (number == 0) return;
        compared.look(number, certificate, certificate, "its own authorityKeyIdentifier");
    });
}

void find_root_aki_incomplete(const Evidence& evidence, Findings& findings) {
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        const Extension* extension = extension_with<x509::AuthorityKeyIdentifier>(certificate);
        if (!extension || !is_root(certificate)) return;
        if (std::get<x509::AuthorityKeyIdentifier>(extension->value).key_identifier) return;
        findings.at(number, extension->value_place, value_field(index_of(certificate, *extension)),
                    "authorityKeyIdentifier of a root has no keyIdentifier");
    });
}

void find_ski_missing(const Evidence& evidence, Findings& findings) {
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        if (!evidence.chain[number].role.certifying && !is_ca(certificate)) return;
        if (!can_have_extensions(certificate)) return;
        if (x509::find_extension(certificate, "subjectKeyIdentifier")) return;
        report_missing(findings, number, certificate,
                       "a CA's certificate without subjectKeyIdentifier");
    });
}

void find_basic_constraints_not_critical(const Evidence& evidence, Findings& findings) {
    for_each_value<x509::BasicConstraints>(
        evidence, "basicConstraints",
        [&](std::size_t number, std::size_t index, const x509::BasicConstraints& constraints) {
            const Extension& extension = extension_of(evidence, number, index);
            if (!evidence.chain[number].role.certifying || !constraints.ca || extension.critical)
                return;
            findings.at(number, extension.place, critical_field(index),
                        "basicConstraints of a CA is not critical");
        });
}

void find_key_usage_missing(const Evidence& evidence, Findings& findings) {
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        if (!evidence.chain[number].role.certifying || !can_have_extensions(certificate)) return;
        if (x509::find_extension(certificate, "keyUsage")) return;
        report_missing(findings, number, certificate, "a CA's certificate without keyUsage");
    });
}

void find_key_usage_empty(const Evidence& evidence, Findings& findings) {
    for_each_value<x509::KeyUsage>(
        evidence, "keyUsage",
        [&](std::size_t number, std::size_t index, const x509::KeyUsage& usage) {
            if (usage.bits != 0) return;
            findings.at(number, extension_of(evidence, number, index).value_place,
                        value_field(index), "no bit of keyUsage is set");
        });
}

void find_key_cert_sign_without_ca(const Evidence& evidence, Findings& findings) {
    for_each_value<x509::KeyUsage>(
        evidence, "keyUsage",
        [&](std::size_t number, std::size_t index, const x509::KeyUsage& usage) {
            if (!usage.has(x509::KeyUsage::key_cert_sign)) return;
            if (is_ca(*evidence.chain[number].certificate)) return;
            findings.at(number, extension_of(evidence, number, index).value_place,
                        value_field(index), "keyCertSign is set and cA is not TRUE");
        });
}

// Calls visit(number, index, constraints, pathLenConstraint) where there is one.
template <typename Visit>
void for_each_path_len(const Evidence& evidence, Visit visit) {
    for_each_value<x509::BasicConstraints>(
        evidence, "basicConstraints",
        [&](std::size_t number, std::size_t index, const x509::BasicConstraints& constraints) {
            if (const auto& length = constraints.path_len_constraint)
                visit(number, index, constraints, *length);
        });
}

void find_path_len_without_ca(const Evidence& evidence, Findings& findings) {
    for_each_path_len(
        evidence, [&](std::size_t number, std::size_t index,
                      const x509::BasicConstraints& constraints, const x509::Integer& length) {
            const auto* usage =
                x509::find_value<x509::KeyUsage>(*evidence.chain[number].certificate, "keyUsage");
            const bool can_sign = !usage || usage->has(x509::KeyUsage::key_cert_sign);
            if (constraints.ca && can_sign) return;
            findings.at(number, length.place, value_field(index, "pathLenConstraint"),
                        constraints.ca ? "pathLenConstraint without keyCertSign"
                                       : "pathLenConstraint without cA TRUE");
        });
}

void find_path_len_negative(const Evidence& evidence, Findings& findings) {
    for_each_path_len(evidence, [&](std::size_t number, std::size_t index,
                                    const x509::BasicConstraints&, const x509::Integer& length) {
        if (!length.negative()) return;
        findings.at(number, length.place, value_field(index, "pathLenConstraint"),
                    "pathLenConstraint is negative");
    });
}

// --- nameConstraints ----------------------------------------------------------------------------

using x509::NameConstraints;

void find_name_constraints_in_leaf(const Evidence& evidence, Findings& findings) {
    for_each_value<NameConstraints>(
        evidence, "nameConstraints",
        [&](std::size_t number, std::size_t index, const NameConstraints&) {
            if (is_ca(*evidence.chain[number].certificate)) return;
            findings.at(number, extension_of(evidence, number, index).place,
                        fmt::format("tbsCertificate.extensions[{}]", index),
                        "nameConstraints in the certificate of no CA");
        });
}

// Calls visit(number, field, subtree) for every subtree, with its field.
template <typename Visit>
void for_each_subtree(const Evidence& evidence, Visit visit) {
    for_each_value<NameConstraints>(
        evidence, "nameConstraints",
        [&](std::size_t number, std::size_t index, const NameConstraints& constraints) {
            const auto look = [&](const std::vector<NameConstraints::Subtree>& subtrees,
                                  std::string_view list) {
                for (std::size_t i = 0; i < subtrees.size(); ++i) {
                    visit(number, value_field(index, fmt::format("{}[{}]", list, i)), subtrees[i]);
                }
            };
            look(constraints.permitted, "permittedSubtrees");
            look(constraints.excluded, "excludedSubtrees");
        });
}

// Ones first, then zeros (RFC 4632).
bool is_prefix_mask(ByteView mask) {
    bool ended = false;
    for (const std::uint8_t octet : mask) {
        for (unsigned bit = 0x80; bit != 0; bit >>= 1) {
            const bool is_set = (octet & bit) != 0;
            if (is_set && ended) return false;
            ended = !is_set;
        }
    }
    return true;
}

std::string base_text(const x509::GeneralName& base) {
    static constexpr std::size_t max_shown = 32;
    return to_hex(ByteView(base.value).first(std::min(base.value.size(), max_shown)));
}

void find_name_constraints_empty(const Evidence& evidence, Findings& findings) {
    for_each_value<NameConstraints>(
        evidence, "nameConstraints",
        [&](std::size_t number, std::size_t index, const NameConstraints& constraints) {
            if (!constraints.permitted.empty() || !constraints.excluded.empty()) return;
            findings.at(number, extension_of(evidence, number, index).value_place,
                        value_field(index), "nameConstraints constrains nothing");
        });
}

void find_name_constraints_minimum(const Evidence& evidence, Findings& findings) {
    for_each_subtree(evidence, [&](std::size_t number, const std::string& field,
                                   const NameConstraints::Subtree& subtree) {
        if (!subtree.minimum || subtree.minimum->zero()) return;
        findings.at(number, subtree.minimum->place, field + ".minimum", "minimum is not 0");
    });
}

void find_name_constraints_maximum(const Evidence& evidence, Findings& findings) {
    for_each_subtree(evidence, [&](std::size_t number, const std::string& field,
                                   const NameConstraints::Subtree& subtree) {
        if (!subtree.maximum) return;
        findings.at(number, subtree.maximum->place, field + ".maximum", "maximum is present");
    });
}

void find_name_constraints_malformed(const Evidence& evidence, Findings& findings) {
    for_each_subtree(evidence, [&](std::size_t number, const std::string& field,
                                   const NameConstraints::Subtree& subtree) {
        const x509::GeneralName& base = subtree.base;
        if (base.type != x509::GeneralNameType::ip_address || x509::names_something(base)) return;
        findings.at(
            number, base.value_place, field + ".base",
            fmt::format("iPAddress {} is no address with a mask behind it", base_text(base)));
    });
}

void find_name_constraints_mask(const Evidence& evidence, Findings& findings) {
    for_each_subtree(evidence, [&](std::size_t number, const std::string& field,
                                   const NameConstraints::Subtree& subtree) {
        const x509::GeneralName& base = subtree.base;
        if (base.type != x509::GeneralNameType::ip_address || !x509::names_something(base)) return;
        if (is_prefix_mask(ByteView(base.value).subspan(base.value.size() / 2))) return;
        findings.at(number, base.value_place, field + ".base",
                    fmt::format("the mask of iPAddress {} has holes", base_text(base)));
    });
}

void find_name_constraints_base(const Evidence& evidence, Findings& findings) {
    for_each_subtree(evidence, [&](std::size_t number, const std::string& field,
                                   const NameConstraints::Subtree& subtree) {
        using enum x509::GeneralNameType;
        const x509::GeneralName& base = subtree.base;
        const bool is_text = base.type == dns_name || base.type == rfc822_name;
        if (!is_text || x509::names_something(base)) return;
        findings.at(number, base.value_place, field + ".base",
                    fmt::format("{} \"{}\" names nothing", x509::general_name_type_name(base.type),
                                printable(to_text(base.value))));
    });
}

void find_name_constraints_uri_base(const Evidence& evidence, Findings& findings) {
    for_each_subtree(evidence, [&](std::size_t number, const std::string& field,
                                   const NameConstraints::Subtree& subtree) {
        const x509::GeneralName& base = subtree.base;
        if (base.type != x509::GeneralNameType::uniform_resource_identifier ||
            x509::names_something(base)) {
            return;
        }
        findings.at(number, base.value_place, field + ".base",
                    fmt::format("uniformResourceIdentifier \"{}\" names nothing",
                                printable(to_text(base.value))));
    });
}

void find_name_constraints_dns_form(const Evidence& evidence, Findings& findings) {
    for_each_subtree(evidence, [&](std::size_t number, const std::string& field,
                                   const NameConstraints::Subtree& subtree) {
        if (subtree.base.type != x509::GeneralNameType::dns_name) return;
        const std::string text = to_text(subtree.base.value);
        if (!text.starts_with('.') || !x509::names_something(subtree.base)) return;
        findings.at(number, subtree.base.value_place, field + ".base",
                    fmt::format("dNSName \"{}\"", printable(text)));
    });
}

bool is_excluded(std::string_view field) {
    return field.find("excludedSubtrees") != std::string_view::npos;
}

void find_name_constraints_other_name(const Evidence& evidence, Findings& findings) {
    for_each_subtree(evidence, [&](std::size_t number, const std::string& field,
                                   const NameConstraints::Subtree& subtree) {
        if (subtree.base.type != x509::GeneralNameType::other_name || is_excluded(field)) return;
        findings.at(number, subtree.base.value_place, field + ".base", "otherName is constrained");
    });
}

void find_name_constraints_other_name_excluded(const Evidence& evidence, Findings& findings) {
    for_each_subtree(evidence, [&](std::size_t number, const std::string& field,
                                   const NameConstraints::Subtree& subtree) {
        if (subtree.base.type != x509::GeneralNameType::other_name || !is_excluded(field)) return;
        findings.at(number, subtree.base.value_place, field + ".base", "otherName is excluded");
    });
}

void find_name_constraints_registered_id(const Evidence& evidence, Findings& findings) {
    for_each_subtree(evidence, [&](std::size_t number, const std::string& field,
                                   const NameConstraints::Subtree& subtree) {
        if (subtree.base.type != x509::GeneralNameType::registered_id) return;
        findings.at(number, subtree.base.value_place, field + ".base",
                    "registeredID is constrained");
    });
}

void find_name_constraints_form_discouraged(const Evidence& evidence, Findings& findings) {
    for_each_subtree(evidence, [&](std::size_t number, const std::string& field,
                                   const NameConstraints::Subtree& subtree) {
        using enum x509::GeneralNameType;
        const x509::GeneralNameType form = subtree.base.type;
        if (form != x400_address && form != edi_party_name) return;
        findings.at(number, subtree.base.value_place, field + ".base",
                    fmt::format("{} is constrained", x509::general_name_type_name(form)));
    });
}

// --- policies -----------------------------------------------------------------------------------

void find_policy_duplicate(const Evidence& evidence, Findings& findings) {
    for_each_value<x509::CertificatePolicies>(
        evidence, "certificatePolicies",
        [&](std::size_t number, std::size_t index, const x509::CertificatePolicies& value) {
            std::set<x509::Oid> seen;
            for (std::size_t i = 0; i < value.policies.size(); ++i) {
                const x509::PolicyInformation& information = value.policies[i];
                if (seen.insert(information.policy).second) continue;
                findings.at(number, information.place,
                            value_field(index, fmt::format("policies[{}]", i)),
                            fmt::format("{} came before", x509::oid_name(information.policy)));
            }
        });
}

void find_policy_mapping_any(const Evidence& evidence, Findings& findings) {
    static const x509::Oid any_policy = x509::oid_from_name("anyPolicy").value();
    for_each_value<x509::PolicyMappings>(
        evidence, "policyMappings",
        [&](std::size_t number, std::size_t index, const x509::PolicyMappings& value) {
            for (std::size_t i = 0; i < value.mappings.size(); ++i) {
                const x509::PolicyMappings::Mapping& mapping = value.mappings[i];
                const bool from = mapping.issuer_domain_policy == any_policy;
                if (!from && mapping.subject_domain_policy != any_policy) continue;
                findings.at(
                    number, extension_of(evidence, number, index).value_place,
                    value_field(index, fmt::format("mappings[{}]", i)),
                    from ? "a policy is mapped from anyPolicy" : "a policy is mapped to anyPolicy");
            }
        });
}

void find_policy_constraints_empty(const Evidence& evidence, Findings& findings) {
    for_each_value<x509::PolicyConstraints>(
        evidence, "policyConstraints",
        [&](std::size_t number, std::size_t index, const x509::PolicyConstraints& value) {
            if (value.require_explicit_policy || value.inhibit_policy_mapping) return;
            findings.at(number, extension_of(evidence, number, index).value_place,
                        value_field(index), "policyConstraints constrains nothing");
        });
}

// --- extKeyUsage and CRLs -----------------------------------------------------------------------

void find_eku_missing(const Evidence& evidence, Findings& findings) {
    const Certificate* leaf = leaf_of(evidence);
    if (!leaf || !can_have_extensions(*leaf) || x509::find_extension(*leaf, "extKeyUsage")) return;
    report_missing(findings, 0, *leaf, "the server's certificate has no extKeyUsage");
}

void find_eku_any(const Evidence& evidence, Findings& findings) {
    for_each_value<x509::ExtendedKeyUsage>(
        evidence, "extKeyUsage",
        [&](std::size_t number, std::size_t index, const x509::ExtendedKeyUsage& usage) {
            if (number != 0 || !usage.has("anyExtendedKeyUsage")) return;
            findings.at(number, extension_of(evidence, number, index).value_place,
                        value_field(index),
                        usage.has("serverAuth") ? "anyExtendedKeyUsage beside serverAuth"
                                                : "anyExtendedKeyUsage in place of serverAuth");
        });
}

void find_eku_critical(const Evidence& evidence, Findings& findings) {
    const Certificate* leaf = leaf_of(evidence);
    const Extension* extension = leaf ? extension_with<x509::ExtendedKeyUsage>(*leaf) : nullptr;
    if (!extension || !extension->critical) return;
    findings.at(0, extension->critical_place, critical_field(index_of(*leaf, *extension)),
                "extKeyUsage of the server's certificate is marked critical");
}

void find_root_eku(const Evidence& evidence, Findings& findings) {
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        const Extension* extension = extension_with<x509::ExtendedKeyUsage>(certificate);
        // The server's own certificate has uses, whoever signed it.
        if (number == 0 || !extension || !is_root(certificate)) return;
        findings.at(number, extension->place,
                    fmt::format("tbsCertificate.extensions[{}]", index_of(certificate, *extension)),
                    "a root with extKeyUsage");
    });
}

void find_crl_point_empty(const Evidence& evidence, Findings& findings) {
    for (const std::string_view name : {"cRLDistributionPoints", "freshestCRL"}) {
        for_each_value<x509::CrlDistributionPoints>(
            evidence, name,
            [&](std::size_t number, std::size_t index, const x509::CrlDistributionPoints& value) {
                for (std::size_t i = 0; i < value.points.size(); ++i) {
                    const x509::CrlDistributionPoints::Point& point = value.points[i];
                    if (!point.full_name.empty() || point.relative_name ||
                        !point.crl_issuer.empty()) {
                        continue;
                    }
                    findings.at(number, extension_of(evidence, number, index).value_place,
                                value_field(index, fmt::format("points[{}]", i)),
                                point.reasons ? "a distribution point with reasons only"
                                              : "a distribution point that names nothing");
                }
            });
    }
}

constexpr std::string_view issue_ca_anew =
    "Renew the CA's certificate with these lines in ca.ext: `basicConstraints = critical, "
    "CA:TRUE`, "
    "`keyUsage = critical, keyCertSign, cRLSign`, `subjectKeyIdentifier = hash`, "
    "`authorityKeyIdentifier = keyid`; then `openssl x509 -req -in ca-request.pem -CA root.pem "
    "-CAkey root.key -extfile ca.ext -out ca.pem`.";

constexpr Rule row(std::string_view id, Level level, Step step, std::string_view demand,
                   std::string_view citation, std::string_view remedy,
                   void (*check)(const Evidence&, Findings&)) {
    return {id,
            Area::extension,
            level,
            step,
            demand,
            citation,
            AlertDescription::bad_certificate,
            remedy,
            check};
}

constexpr Rule table[] = {
    row("extension-duplicate", Level::must, Step::encoding, "An extension appears once.",
        "RFC 5280 4.2",
        "A request and a CA's template that both carry subjectAltName are the usual cause; take it "
        "from one of them: `openssl x509 -req -copy_extensions none -extfile leaf.ext -in "
        "request.pem -CA ca.pem -CAkey ca.key -out leaf.pem`.",
        find_duplicate),
    row("extension-undecodable", Level::must, Step::encoding,
        "An extension's value has the structure its definition asks for.", "RFC 5280 4.2",
        "`openssl x509 -noout -text -in leaf.pem` shows which extension is only octets; have the "
        "certificate issued again with the extension written by name, as in `subjectKeyIdentifier "
        "= hash`, not as DER.",
        find_undecodable),
    row("extension-without-v3", Level::must, Step::encoding, "A certificate with extensions is v3.",
        "RFC 5280 4.1.2.9",
        "Have the certificate issued again as v3: `openssl x509 -req -in request.pem -CA ca.pem "
        "-CAkey ca.key -extfile leaf.ext -out leaf.pem` writes v3 where leaf.ext holds an "
        "extension.",
        find_without_v3),
    {"extension-critical-unknown", Area::extension, Level::must, Step::critical_extensions,
     "A critical extension that the client does not know ends the validation.", "RFC 5280 4.2",
     AlertDescription::unsupported_certificate,
     "Have the certificate issued again with the extension not critical: without the word in "
     "OpenSSL's -extfile (`extendedKeyUsage = serverAuth`), unticked under Extensions in a "
     "Microsoft CA's template.",
     nullptr},
    row("extension-critical-forbidden", Level::must, Step::critical_extensions,
        "Key identifiers, information access, freshestCRL and subjectDirectoryAttributes are never "
        "critical.",
        "RFC 5280 4.2.1.1, 4.2.1.2, 4.2.1.8, 4.2.1.15, 4.2.2.1, 4.2.2.2",
        "Have the certificate issued again without the word critical in front of the value: "
        "`subjectKeyIdentifier = hash`, `authorityKeyIdentifier = keyid`, `authorityInfoAccess = "
        "caIssuers;URI:http://pki.example.com/ca.cer`.",
        find_critical_forbidden),
    {"extension-san-critical", Area::extension, Level::should, Step::critical_extensions,
     "subjectAltName should be non-critical when the subject has a name.",
     "RFC 5280 4.2.1.6, CA/Browser Forum BR 7.1.2.7.12", AlertDescription::unsupported_certificate,
     "Have the names added at the CA instead of in the request, so that the extension is not "
     "critical: `certreq -submit -attrib "
     "\"SAN:dns=mail.contoso.com&dns=autodiscover.contoso.com\" request.req`. The CA needs "
     "`certutil -setreg policy\\EditFlags +EDITF_ATTRIBUTESUBJECTALTNAME2` and a restart of "
     "certsvc; mind who may enrol while it is set.",
     find_san_critical},
    row("extension-san-empty", Level::must, Step::encoding, "subjectAltName holds a name.",
        "RFC 5280 4.2.1.6",
        "Have the certificate issued again with the server's names: `subjectAltName = "
        "DNS:mail.example.com`.",
        find_san_empty),
    row("extension-san-critical-unusable", Level::should, Step::critical_extensions,
        "A critical subjectAltName has a dNSName, iPAddress, rfc822Name or URI, which clients "
        "know.",
        "RFC 5280 4.2.1.6",
        "Have the certificate issued again with the server's names: `subjectAltName = "
        "DNS:mail.example.com`.",
        find_san_critical_unusable),

    row("extension-aki-missing", Level::should, Step::path,
        "Every certificate but a self-signed one has authorityKeyIdentifier with keyIdentifier.",
        "RFC 5280 4.2.1.1",
        "Have the certificate issued again with `authorityKeyIdentifier = keyid` in the CA's "
        "extensions, which wants subjectKeyIdentifier in the CA's own certificate.",
        find_aki_missing),
    row("extension-aki-issuer-serial", Level::should, Step::path,
        "authorityKeyIdentifier names the issuer's key, and not its issuer and serial number.",
        "CA/Browser Forum BR 7.1.2.1.3, 7.1.2.11.1",
        "Have the certificate issued again with `authorityKeyIdentifier = keyid`, without the word "
        "issuer: clients that compare the serial number lose the path when the CA's certificate is "
        "renewed.",
        find_aki_issuer_serial),
    row("extension-aki-incomplete", Level::should, Step::path,
        "authorityKeyIdentifier has both authorityCertIssuer and authorityCertSerialNumber, or "
        "neither.",
        "RFC 5280 4.2.1.1",
        "Have the certificate issued again with `authorityKeyIdentifier = keyid`, without the word "
        "issuer.",
        find_aki_incomplete),
    // Not in Step::path: a certificate beside the path may say what it likes.
    row("extension-key-identifier-mismatch", Level::should, Step::signature,
        "A CA's subjectKeyIdentifier is the key identifier in what it issues.",
        "RFC 5280 4.2.1.2, CA/Browser Forum BR 7.1.2.11.1",
        "`openssl x509 -noout -text -in ca.pem` shows the CA's identifier. Have its certificates "
        "issued anew with `authorityKeyIdentifier = keyid`, which OpenSSL takes from there.",
        find_key_identifier_mismatch),
    row("extension-root-aki-mismatch", Level::should, Step::signature,
        "A root's authorityKeyIdentifier, where there is one, is its subjectKeyIdentifier.",
        "RFC 5280 4.2.1.1, 4.2.1.2",
        "Renew the root with `subjectKeyIdentifier = hash` in front of `authorityKeyIdentifier = "
        "keyid:always`, or leave it out of the server's chain file.",
        find_root_aki_mismatch),
    row("extension-root-aki-incomplete", Level::should, Step::path,
        "A root's authorityKeyIdentifier, where there is one, has keyIdentifier.",
        "CA/Browser Forum BR 7.1.2.1.3",
        "Renew the root with `subjectKeyIdentifier = hash` in front of `authorityKeyIdentifier = "
        "keyid:always`, or without the latter.",
        find_root_aki_incomplete),
    row("extension-ski-missing", Level::should, Step::path,
        "A CA's certificate has subjectKeyIdentifier.", "RFC 5280 4.2.1.2", issue_ca_anew,
        find_ski_missing),
    row("extension-basic-constraints-not-critical", Level::should, Step::basic_constraints,
        "basicConstraints of a CA that signs certificates is critical.", "RFC 5280 4.2.1.9",
        issue_ca_anew, find_basic_constraints_not_critical),
    row("extension-key-usage-missing", Level::should, Step::key_usage,
        "A certificate whose key verifies other certificates has keyUsage.", "RFC 5280 4.2.1.3",
        issue_ca_anew, find_key_usage_missing),
    row("extension-key-usage-empty", Level::must, Step::key_usage,
        "keyUsage has at least one bit set.", "RFC 5280 4.2.1.3",
        "Have the certificate issued again with `keyUsage = critical, digitalSignature, "
        "keyEncipherment`, or without keyUsage.",
        find_key_usage_empty),
    {"extension-key-usage-unfit", Area::extension, Level::must, Step::key_usage,
     "keyUsage, where present, allows what the cipher suite does with the key.",
     "RFC 5246 7.4.2, RFC 5280 4.2.1.3", AlertDescription::unsupported_certificate,
     "Have the certificate issued again with `keyUsage = critical, digitalSignature, "
     "keyEncipherment`, or leave the suites that do not fit out: nginx `ssl_ciphers "
     "HIGH:!aNULL:!kRSA;` where keyEncipherment is missing, `ssl_ciphers kRSA;` where "
     "digitalSignature is.",
     nullptr},
    row("extension-key-cert-sign-without-ca", Level::should, Step::key_usage,
        "keyCertSign is set in certificates with cA TRUE only.", "RFC 5280 4.2.1.3, 4.2.1.9",
        "Have a server's certificate issued again with `keyUsage = critical, digitalSignature, "
        "keyEncipherment`, a CA's with `basicConstraints = critical, CA:TRUE`.",
        find_key_cert_sign_without_ca),
    row("extension-path-len-without-ca", Level::must, Step::path_length,
        "pathLenConstraint comes with cA TRUE and, where keyUsage is present, keyCertSign.",
        "RFC 5280 4.2.1.9",
        "Have the certificate issued again: a server's with `basicConstraints = CA:FALSE`, a CA's "
        "with `basicConstraints = critical, CA:TRUE, pathlen:0` and `keyUsage = critical, "
        "keyCertSign, cRLSign`.",
        find_path_len_without_ca),
    row("extension-path-len-negative", Level::must, Step::encoding,
        "pathLenConstraint is 0 or more.", "RFC 5280 4.2.1.9",
        "Renew the CA's certificate with `basicConstraints = critical, CA:TRUE, pathlen:0`, or "
        "without pathlen for no limit.",
        find_path_len_negative),

    row("extension-name-constraints-not-critical", Level::should, Step::name_constraints,
        "nameConstraints is critical.", "RFC 5280 4.2.1.10",
        "Renew the CA's certificate with `nameConstraints = critical, "
        "permitted;DNS:example.com`; where devices do not know the extension, without it.",
        [](const Evidence& evidence, Findings& findings) {
            find_not_critical<NameConstraints>(evidence, findings, "nameConstraints");
        }),
    row("extension-name-constraints-in-leaf", Level::should, Step::name_constraints,
        "nameConstraints stands in CA certificates only.", "RFC 5280 4.2.1.10",
        "Have the certificate issued again with an -extfile of its own, in which there is no "
        "nameConstraints: `openssl x509 -req -extfile leaf.ext -in request.pem -CA ca.pem -CAkey "
        "ca.key -out leaf.pem`.",
        find_name_constraints_in_leaf),
    row("extension-name-constraints-empty", Level::must, Step::encoding,
        "nameConstraints has a subtree.", "RFC 5280 4.2.1.10",
        "Renew the CA's certificate with a subtree, `nameConstraints = critical, "
        "permitted;DNS:example.com`, or without nameConstraints.",
        find_name_constraints_empty),
    row("extension-name-constraints-minimum", Level::must, Step::encoding,
        "The minimum of a subtree in nameConstraints is 0.", "RFC 5280 4.2.1.10",
        "Renew the CA's certificate with subtrees like this, in which there is no minimum: "
        "`nameConstraints = critical, permitted;DNS:example.com`.",
        find_name_constraints_minimum),
    row("extension-name-constraints-maximum", Level::must, Step::encoding,
        "A subtree in nameConstraints has no maximum.", "RFC 5280 4.2.1.10",
        "Renew the CA's certificate with subtrees like this, in which there is no maximum: "
        "`nameConstraints = critical, permitted;DNS:example.com`.",
        find_name_constraints_maximum),
    row("extension-name-constraints-malformed", Level::must, Step::encoding,
        "An iPAddress in nameConstraints is an address with a mask.", "RFC 5280 4.2.1.10",
        "Renew the CA's certificate with subtrees like this: `nameConstraints = critical, "
        "excluded;IP:10.0.0.0/255.0.0.0`.",
        find_name_constraints_malformed),
    row("extension-name-constraints-mask", Level::must, Step::encoding,
        "The mask of an iPAddress in nameConstraints is ones, then zeros.",
        "RFC 5280 4.2.1.10, RFC 4632 5.1",
        "Renew the CA's certificate with a mask like this: `nameConstraints = critical, "
        "excluded;IP:10.0.0.0/255.0.0.0`.",
        find_name_constraints_mask),
    row("extension-name-constraints-base", Level::must, Step::name_constraints,
        "The base of a dNSName or rfc822Name subtree is a host, a domain or a mailbox.",
        "RFC 5280 4.2.1.10",
        "Renew the CA's certificate with the bare domain, which its hosts are part of: "
        "`nameConstraints = critical, permitted;DNS:example.com`.",
        find_name_constraints_base),
    row("extension-name-constraints-uri-base", Level::must, Step::name_constraints,
        "The base of a uniformResourceIdentifier subtree is a host or a domain.",
        "RFC 5280 4.2.1.10",
        "Renew the CA's certificate with the host of the URI alone: `nameConstraints = critical, "
        "permitted;URI:.example.com`.",
        find_name_constraints_uri_base),
    row("extension-name-constraints-dns-form", Level::should, Step::name_constraints,
        "A dNSName in nameConstraints is a domain name without a leading dot.", "RFC 5280 4.2.1.10",
        "Renew the CA's certificate with the bare domain, which its hosts are part of: "
        "`nameConstraints = critical, permitted;DNS:example.com`.",
        find_name_constraints_dns_form),
    row("extension-name-constraints-other-name", Level::should, Step::name_constraints,
        "nameConstraints permits names of forms to which RFC 5280 gives a meaning, and otherName "
        "is none.",
        "RFC 5280 4.2.1.10",
        "Renew the CA's certificate with constraints on host names alone: `nameConstraints = "
        "critical, permitted;DNS:example.com`.",
        find_name_constraints_other_name),
    row("extension-name-constraints-other-name-excluded", Level::should, Step::name_constraints,
        "nameConstraints excludes names of forms to which RFC 5280 gives a meaning, and otherName "
        "is none.",
        "RFC 5280 4.2.1.10",
        "Renew the CA's certificate with constraints on host names alone: `nameConstraints = "
        "critical, permitted;DNS:example.com`.",
        find_name_constraints_other_name_excluded),
    row("extension-name-constraints-registered-id", Level::should, Step::name_constraints,
        "nameConstraints constrains no registeredID.", "RFC 5280 4.2.1.10",
        "Renew the CA's certificate with constraints on host names alone: `nameConstraints = "
        "critical, permitted;DNS:example.com`.",
        find_name_constraints_registered_id),
    row("extension-name-constraints-form-discouraged", Level::should, Step::name_constraints,
        "nameConstraints constrains no x400Address or ediPartyName.", "RFC 5280 4.2.1.10",
        "Renew the CA's certificate with constraints on host names alone: `nameConstraints = "
        "critical, permitted;DNS:example.com`.",
        find_name_constraints_form_discouraged),

    row("extension-policy-duplicate", Level::must, Step::policies,
        "A policy appears once in certificatePolicies.", "RFC 5280 4.2.1.4",
        "Have the certificate issued again with each policy once: `certificatePolicies = "
        "2.23.140.1.2.1`.",
        find_policy_duplicate),
    row("extension-policy-mapping-any", Level::must, Step::policies,
        "Policies are mapped neither to nor from anyPolicy.", "RFC 5280 4.2.1.5",
        "Renew the cross-certificate with mappings between named policies only: `policyMappings = "
        "1.3.6.1.4.1.99999.1:1.3.6.1.4.1.99999.2` in OpenSSL's -extfile.",
        find_policy_mapping_any),
    row("extension-policy-constraints-empty", Level::must, Step::policies,
        "policyConstraints has at least one of its two fields.", "RFC 5280 4.2.1.11",
        "Renew the CA's certificate without policyConstraints, or with `policyConstraints = "
        "critical, requireExplicitPolicy:0`.",
        find_policy_constraints_empty),
    row("extension-policy-constraints-not-critical", Level::should, Step::policies,
        "policyConstraints is critical.", "RFC 5280 4.2.1.11",
        "Renew the CA's certificate with `policyConstraints = critical, requireExplicitPolicy:0`; "
        "where devices do not know the extension, without it.",
        [](const Evidence& evidence, Findings& findings) {
            find_not_critical<x509::PolicyConstraints>(evidence, findings, "policyConstraints");
        }),
    row("extension-inhibit-any-policy-not-critical", Level::should, Step::policies,
        "inhibitAnyPolicy is critical.", "RFC 5280 4.2.1.14",
        "Renew the CA's certificate with `inhibitAnyPolicy = critical, 0`; where devices do not "
        "know the extension, without it.",
        [](const Evidence& evidence, Findings& findings) {
            find_not_critical<x509::InhibitAnyPolicy>(evidence, findings, "inhibitAnyPolicy");
        }),

    {"extension-eku-lacks-server-auth", Area::extension, Level::must, Step::extended_key_usage,
     "extKeyUsage, where present, lists id-kp-serverAuth.", "RFC 5280 4.2.1.12",
     AlertDescription::unsupported_certificate,
     "Have the certificate issued again with `extendedKeyUsage = serverAuth`; from a Microsoft CA "
     "by `certreq -submit -attrib \"CertificateTemplate:WebServer\" request.req`.",
     nullptr},
    {"extension-eku-missing", Area::extension, Level::should, Step::extended_key_usage,
     "The server's certificate lists id-kp-serverAuth in extKeyUsage.",
     "CA/Browser Forum BR 7.1.2.7.6, 7.1.2.7.10", AlertDescription::unsupported_certificate,
     "Add it when the certificate is issued next: `openssl req -new -key key.pem -subj "
     "/CN=mail.example.com -addext extendedKeyUsage=serverAuth -out request.pem`.",
     find_eku_missing},
    {"extension-eku-any", Area::extension, Level::should, Step::extended_key_usage,
     "The server's certificate lists id-kp-serverAuth itself, not anyExtendedKeyUsage.",
     "RFC 5280 4.2.1.12, CA/Browser Forum BR 7.1.2.7.10", AlertDescription::unsupported_certificate,
     "Have the certificate issued again with `extendedKeyUsage = serverAuth`.", find_eku_any},
    {"extension-eku-critical", Area::extension, Level::should, Step::extended_key_usage,
     "extKeyUsage of the server's certificate is not critical.", "CA/Browser Forum BR 7.1.2.7.6",
     AlertDescription::unsupported_certificate,
     "Have the certificate issued again without the word critical: `extendedKeyUsage = "
     "serverAuth`.",
     find_eku_critical},
    {"extension-root-eku", Area::extension, Level::should, Step::extended_key_usage,
     "A root has no extKeyUsage.", "CA/Browser Forum BR 7.1.2.1.2",
     AlertDescription::unsupported_certificate,
     "Renew the root without the line `extendedKeyUsage`; what its certificates are for is said in "
     "them, and in the stores that hold the root.",
     find_root_eku},
    row("extension-crl-distribution-point-empty", Level::should, Step::encoding,
        "A distribution point names a place or a CRL issuer, not reasons alone.",
        "RFC 5280 4.2.1.13",
        "Have the certificate issued again with `crlDistributionPoints = "
        "URI:http://pki.example.com/ca.crl`, or without the extension.",
        find_crl_point_empty),
};

}  // namespace

std::span<const Rule> extension_rules() {
    return table;
}

}  // namespace handset::rules
