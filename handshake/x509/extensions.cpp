// Extension values: RFC 5280 4.2, RFC 6962 3.3, and those of Netscape and Microsoft.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "handshake/base/reader.h"
#include "handshake/x509/grammar.h"

namespace handset::x509 {
namespace {

// Every reader below stands before the one element of extnValue.

// Entered, or empty after a fault.
std::optional<DerReader> take_sequence(DerReader& in, Field field) {
    const auto sequence = in.expect(tag::sequence, field);
    if (!sequence) return std::nullopt;
    return in.enter(*sequence, field);
}

ExtensionValue read_general_names(DerReader& in) {
    GeneralNames out;
    if (auto names = take_sequence(in, {})) out.names = take_general_names(*names, "names");
    return out;
}

ExtensionValue read_basic_constraints(DerReader& in) {
    BasicConstraints out;
    auto body = take_sequence(in, {});
    if (!body) return out;
    if (const auto ahead = body->peek(); ahead && ahead->is_universal(tag::boolean)) {
        if (const auto element = body->next("cA")) {
            out.ca = boolean_of(*body, *element, "cA");
            if (!out.ca)
                body->observe(Oddity::default_spelt_out, "cA", element->place,
                              hex_detail(element->encoding));
        }
    }
    if (const auto ahead = body->peek(); ahead && ahead->is_universal(tag::integer))
        out.path_len_constraint = take_integer(*body, "pathLenConstraint", Sign::not_negative);
    body->expect_end();
    return out;
}

std::uint16_t read_named_bits(DerReader& in) {
    const auto element = in.expect(tag::bit_string, {});
    return element ? named_bits_of(in, *element, {}) : std::uint16_t{0};
}

ExtensionValue read_key_usage(DerReader& in) {
    return KeyUsage{read_named_bits(in)};
}

ExtensionValue read_netscape_cert_type(DerReader& in) {
    return NetscapeCertType{static_cast<std::uint8_t>(read_named_bits(in) & 0xff)};
}

ExtensionValue read_extended_key_usage(DerReader& in) {
    ExtendedKeyUsage out;
    if (auto body = take_sequence(in, {})) {
        each(*body, "keyPurposes", Emptiness::observed,
             [&](Field field) { out.key_purposes.push_back(take_oid(*body, field)); });
    }
    return out;
}

ExtensionValue read_authority_key_identifier(DerReader& in) {
    AuthorityKeyIdentifier out;
    auto body = take_sequence(in, {});
    if (!body) return out;
    const auto parts = take_tagged(
        *body, 0, {"keyIdentifier", "authorityCertIssuer", "authorityCertSerialNumber"});
    if (parts[0]) out.key_identifier = octets_of(*body, *parts[0], "keyIdentifier");
    if (parts[1]) {
        DerReader names = body->enter(*parts[1], "authorityCertIssuer");
        out.authority_cert_issuer = take_general_names(names, {});
    }
    if (parts[2])
        out.authority_cert_serial_number =
            integer_of(*body, *parts[2], "authorityCertSerialNumber", Sign::not_negative);
    return out;
}

ExtensionValue read_subject_key_identifier(DerReader& in) {
    const auto element = in.expect(tag::octet_string, {});
    if (!element) return {};
    return SubjectKeyIdentifier{octets_of(in, *element, {})};
}

// A string of one of the types that the module names; another one is observed, and read as what it
// is.
StringValue take_string(DerReader& in, std::initializer_list<std::uint32_t> due, Field field) {
    const auto ahead = in.peek();
    const auto* type = std::ranges::find_if(
        due, [&ahead](std::uint32_t number) { return ahead && ahead->is_universal(number); });
    const auto element = in.expect(type == due.end() ? *due.begin() : *type, field);
    if (!element) return {};
    const bool is_text = element->tag != tag::octet_string && element->tag != tag::utc_time &&
                         element->tag != tag::generalized_time;
    return string_of(in, *element, is_text ? element->tag : *due.begin(), field);
}

// UserNotice ::= SEQUENCE { noticeRef SEQUENCE OPTIONAL, explicitText DisplayText OPTIONAL }
std::string take_user_notice(DerReader& in, Field field) {
    auto notice = take_sequence(in, field);
    if (!notice) return {};
    if (const auto ahead = notice->peek(); ahead && ahead->is_universal(tag::sequence))
        notice->next("noticeRef");
    std::string text;
    if (!notice->empty())
        text =
            take_string(*notice,
                        {tag::utf8_string, tag::bmp_string, tag::visible_string, tag::ia5_string},
                        "explicitText")
                .text;
    notice->expect_end();
    return text;
}

PolicyQualifier take_policy_qualifier(DerReader& in, Field field) {
    PolicyQualifier out;
    auto body = take_sequence(in, field);
    if (!body) return out;
    out.id = take_oid(*body, "policyQualifierId");
    const auto ahead = body->peek();
    if (ahead) out.qualifier = to_bytes(ahead->encoding);
    const std::string_view id = known_oid_name(out.id);
    if (id == "cps") {
        out.text = take_string(*body, {tag::ia5_string}, "qualifier").text;
    } else if (id == "unotice") {
        out.text = take_user_notice(*body, "qualifier");
    } else {
        if (body->empty()) body->fail("qualifier", "qualifier is missing");
        body->next("qualifier");
    }
    body->expect_end();
    return out;
}

ExtensionValue read_certificate_policies(DerReader& in) {
    CertificatePolicies out;
    auto body = take_sequence(in, {});
    if (!body) return out;
    each(*body, "policies", Emptiness::observed, [&](Field field) {
        PolicyInformation& information = out.policies.emplace_back();
        const auto sequence = body->expect(tag::sequence, field);
        if (!sequence) return;
        information.place = sequence->place;
        DerReader policy = body->enter(*sequence, field);
        information.policy = take_oid(policy, "policyIdentifier");
        if (const auto ahead = policy.peek(); ahead && ahead->is_universal(tag::sequence)) {
            if (auto qualifiers = take_sequence(policy, "policyQualifiers")) {
                each(*qualifiers, {}, Emptiness::observed, [&](Field entry) {
                    information.qualifiers.push_back(take_policy_qualifier(*qualifiers, entry));
                });
            }
        }
        policy.expect_end();
    });
    return out;
}

ExtensionValue read_policy_mappings(DerReader& in) {
    PolicyMappings out;
    auto body = take_sequence(in, {});
    if (!body) return out;
    each(*body, "mappings", Emptiness::observed, [&](Field field) {
        auto entry = take_sequence(*body, field);
        if (!entry) return;
        PolicyMappings::Mapping& mapping = out.mappings.emplace_back();
        mapping.issuer_domain_policy = take_oid(*entry, "issuerDomainPolicy");
        mapping.subject_domain_policy = take_oid(*entry, "subjectDomainPolicy");
        entry->expect_end();
    });
    return out;
}

// RFC 5280 4.2.1.11 and 4.2.1.10: all components are OPTIONAL, yet one must be there.
void observe_empty(DerReader& body) {
    if (!body.failed() && body.octets().empty())
        body.observe(Oddity::empty_sequence, {}, body.place());
}

ExtensionValue read_policy_constraints(DerReader& in) {
    PolicyConstraints out;
    auto body = take_sequence(in, {});
    if (!body) return out;
    observe_empty(*body);
    const auto parts = take_tagged(*body, 0, {"requireExplicitPolicy", "inhibitPolicyMapping"});
    if (parts[0])
        out.require_explicit_policy =
            integer_of(*body, *parts[0], "requireExplicitPolicy", Sign::not_negative);
    if (parts[1])
        out.inhibit_policy_mapping =
            integer_of(*body, *parts[1], "inhibitPolicyMapping", Sign::not_negative);
    return out;
}

std::vector<NameConstraints::Subtree> take_subtrees(DerReader& in) {
    std::vector<NameConstraints::Subtree> subtrees;
    each(in, {}, Emptiness::observed, [&](Field field) {
        auto body = take_sequence(in, field);
        if (!body) return;
        NameConstraints::Subtree& subtree = subtrees.emplace_back();
        subtree.base = take_general_name(*body, "base");
        const auto parts = take_tagged(*body, 0, {"minimum", "maximum"});
        if (parts[0]) {
            subtree.minimum = integer_of(*body, *parts[0], "minimum", Sign::not_negative);
            if (subtree.minimum->zero())
                body->observe(Oddity::default_spelt_out, "minimum", parts[0]->place,
                              hex_detail(parts[0]->encoding));
        }
        if (parts[1]) subtree.maximum = integer_of(*body, *parts[1], "maximum", Sign::not_negative);
    });
    return subtrees;
}

ExtensionValue read_name_constraints(DerReader& in) {
    NameConstraints out;
    auto body = take_sequence(in, {});
    if (!body) return out;
    observe_empty(*body);
    const auto parts = take_tagged(*body, 0, {"permittedSubtrees", "excludedSubtrees"});
    if (parts[0]) {
        DerReader subtrees = body->enter(*parts[0], "permittedSubtrees");
        out.permitted = take_subtrees(subtrees);
    }
    if (parts[1]) {
        DerReader subtrees = body->enter(*parts[1], "excludedSubtrees");
        out.excluded = take_subtrees(subtrees);
    }
    return out;
}

ExtensionValue read_inhibit_any_policy(DerReader& in) {
    return InhibitAnyPolicy{take_integer(in, {}, Sign::not_negative)};
}

CrlDistributionPoints::Point take_distribution_point(DerReader& in, Field field) {
    CrlDistributionPoints::Point point;
    auto body = take_sequence(in, field);
    if (!body) return point;
    const auto parts = take_tagged(*body, 0, {"distributionPoint", "reasons", "cRLIssuer"});
    if (parts[0]) {  // EXPLICIT, as DistributionPointName is a CHOICE
        DerReader choice = body->enter(*parts[0], "distributionPoint");
        const auto ahead = choice.peek();
        if (ahead && ahead->is_context(0)) {
            if (const auto full_name = choice.next("fullName")) {
                DerReader names = choice.enter(*full_name, "fullName");
                point.full_name = take_general_names(names, {});
            }
        } else if (ahead && ahead->is_context(1)) {
            point.relative_name = true;
            choice.next("nameRelativeToCRLIssuer");
        } else {
            choice.fail({}, "neither fullName nor nameRelativeToCRLIssuer");
        }
        choice.expect_end();
    }
    if (parts[1]) point.reasons = named_bits_of(*body, *parts[1], "reasons");
    if (parts[2]) {
        DerReader names = body->enter(*parts[2], "cRLIssuer");
        point.crl_issuer = take_general_names(names, {});
    }
    return point;
}

ExtensionValue read_crl_distribution_points(DerReader& in) {
    CrlDistributionPoints out;
    if (auto body = take_sequence(in, {})) {
        each(*body, "points", Emptiness::observed,
             [&](Field field) { out.points.push_back(take_distribution_point(*body, field)); });
    }
    return out;
}

ExtensionValue read_info_access(DerReader& in) {
    AuthorityInfoAccess out;
    auto body = take_sequence(in, {});
    if (!body) return out;
    each(*body, "accesses", Emptiness::observed, [&](Field field) {
        auto entry = take_sequence(*body, field);
        if (!entry) return;
        AuthorityInfoAccess::Access& access = out.accesses.emplace_back();
        access.method = take_oid(*entry, "accessMethod");
        access.location = take_general_name(*entry, "accessLocation");
        entry->expect_end();
    });
    return out;
}

ExtensionValue read_signed_certificate_timestamps(DerReader& in) {
    SignedCertificateTimestamps out;
    const auto element = in.expect(tag::octet_string, {});
    if (!element) return out;
    const DerReader string = in.enter_string(*element, {});
    Reader tls(string.octets(), "");
    Reader list = tls.vector16("sct_list");
    tls.expect_end();
    for (std::size_t index = 0; !list.empty(); ++index) {
        if (index == max_list_entries) {
            list.fail("sct_list", fmt::format("more than {} entries", max_list_entries));
            break;
        }
        Reader entry = list.vector16(fmt::format("scts[{}]", index));
        SignedCertificateTimestamps::Sct& sct = out.scts.emplace_back();
        sct.version = entry.u8("sct_version");
        sct.log_id = to_bytes(entry.take(32, "id"));
        const std::uint64_t high = entry.u32("timestamp");
        sct.timestamp_ms = high << 32 | entry.u32("timestamp");
        sct.extensions = to_bytes(entry.vector16("extensions").rest());
        sct.signature_algorithm = entry.u16("algorithm");
        sct.signature = to_bytes(entry.vector16("signature").rest());
        entry.expect_end();
    }
    if (tls.failed()) {
        const DecodeError& error = tls.error();
        const std::size_t position = std::min(error.offset, string.octets().size());
        in.fail_at(string.place_of(position, position).offset, std::string_view(error.field),
                   error.reason);
    }
    return out;
}

ExtensionValue read_netscape_string(DerReader& in) {
    return Comment{take_string(in, {tag::ia5_string}, {}).text};
}

ExtensionValue read_enrol_certtype(DerReader& in) {
    return Comment{take_string(in, {tag::bmp_string}, {}).text};
}

ExtensionValue read_certificate_template(DerReader& in) {
    CertificateTemplate out;
    auto body = take_sequence(in, {});
    if (!body) return out;
    out.template_id = take_oid(*body, "templateID");
    if (!body->empty())
        out.major_version = take_integer(*body, "templateMajorVersion", Sign::not_negative);
    if (!body->empty())
        out.minor_version = take_integer(*body, "templateMinorVersion", Sign::not_negative);
    body->expect_end();
    return out;
}

struct KnownExtension {
    std::string_view name;
    ExtensionValue (*read)(DerReader& in);
};

constexpr KnownExtension known_extensions[] = {
    {"subjectAltName", read_general_names},
    {"issuerAltName", read_general_names},
    {"basicConstraints", read_basic_constraints},
    {"keyUsage", read_key_usage},
    {"extKeyUsage", read_extended_key_usage},
    {"authorityKeyIdentifier", read_authority_key_identifier},
    {"subjectKeyIdentifier", read_subject_key_identifier},
    {"certificatePolicies", read_certificate_policies},
    {"applicationCertPolicies", read_certificate_policies},
    {"policyMappings", read_policy_mappings},
    {"policyConstraints", read_policy_constraints},
    {"nameConstraints", read_name_constraints},
    {"inhibitAnyPolicy", read_inhibit_any_policy},
    {"cRLDistributionPoints", read_crl_distribution_points},
    {"freshestCRL", read_crl_distribution_points},
    {"authorityInfoAccess", read_info_access},
    {"subjectInfoAccess", read_info_access},
    {"signedCertificateTimestampList", read_signed_certificate_timestamps},
    {"netscapeCertType", read_netscape_cert_type},
    {"netscapeBaseUrl", read_netscape_string},
    {"netscapeRevocationUrl", read_netscape_string},
    {"netscapeCaRevocationUrl", read_netscape_string},
    {"netscapeCertRenewalUrl", read_netscape_string},
    {"netscapeCaPolicyUrl", read_netscape_string},
    {"netscapeSslServerName", read_netscape_string},
    {"netscapeComment", read_netscape_string},
    {"enrolCerttype", read_enrol_certtype},
    {"certificateTemplate", read_certificate_template},
};

void read_value(DerReader value, Extension& extension) {
    const std::string_view name = known_oid_name(extension.id);
    const auto* known = std::ranges::find(known_extensions, name, &KnownExtension::name);
    if (value.failed() || known == std::end(known_extensions)) return;
    ExtensionValue decoded = known->read(value);
    value.expect_end();
    extension.decode_error = value.take_error();
    if (!extension.decode_error) extension.value = std::move(decoded);
}

void take_critical(DerReader& body, Extension& extension) {
    const auto ahead = body.peek();
    extension.critical_place = {body.offset(), 0};
    if (!ahead || !(ahead->is_universal(tag::boolean) || ahead->is_universal(tag::integer) ||
                    ahead->is_universal(tag::enumerated)))
        return;
    const auto element = body.next("critical");
    if (!element) return;
    if (!element->is_universal(tag::boolean))
        body.observe(Oddity::unexpected_tag, "critical", element->place,
                     hex_detail(element->encoding));
    extension.critical = boolean_of(body, *element, "critical");
    extension.critical_place = element->place;
    if (extension.critical) {
        const bool is_ff = element->contents.size() == 1 && element->contents.front() == 0xff;
        extension.critical_encoding =
            is_ff ? CriticalEncoding::true_ff : CriticalEncoding::true_other;
    } else {
        extension.critical_encoding = CriticalEncoding::explicit_false;
        body.observe(Oddity::default_spelt_out, "critical", element->place,
                     hex_detail(element->encoding));
    }
}

Extension take_extension(DerReader& in, Field field) {
    Extension extension;
    const auto sequence = in.expect(tag::sequence, field);
    if (!sequence) return extension;
    extension.place = sequence->place;
    DerReader body = in.enter(*sequence, field);
    extension.id = take_oid(body, "extnID");
    take_critical(body, extension);
    const auto element = body.expect(tag::octet_string, "extnValue");
    if (!element) return extension;
    const DerReader value = body.enter_string(*element, "extnValue");
    extension.raw_value = to_bytes(value.octets());
    extension.value_place = element->contents_place;
    body.expect_end();
    read_value(value, extension);
    return extension;
}

void observe_repeated(DerReader& list, const std::vector<Extension>& extensions) {
    std::vector<std::size_t> by_id(extensions.size());
    std::iota(by_id.begin(), by_id.end(), std::size_t{0});
    std::ranges::stable_sort(
        by_id, [&](std::size_t a, std::size_t b) { return extensions[a].id < extensions[b].id; });
    std::size_t first = 0;
    for (std::size_t i = 1; i < by_id.size(); ++i) {
        const Extension& extension = extensions[by_id[i]];
        if (extension.id != extensions[by_id[first]].id) {
            first = i;
            continue;
        }
        list.observe(
            Oddity::duplicate_field, {"", by_id[i]}, extension.place,
            fmt::format("{}, first at extensions[{}]", oid_name(extension.id), by_id[first]));
    }
}

}  // namespace

bool ExtendedKeyUsage::has(std::string_view name_or_dotted) const {
    if (const Oid* purpose = find_oid(name_or_dotted)) {
        return std::ranges::find(key_purposes, *purpose) != key_purposes.end();
    }
    const auto purpose = oid_from_dotted(name_or_dotted);
    return purpose && std::ranges::find(key_purposes, *purpose) != key_purposes.end();
}

std::vector<Extension> take_extensions(DerReader& in, Field field) {
    std::vector<Extension> extensions;
    auto body = take_sequence(in, field);
    if (!body) return extensions;
    each(*body, {}, Emptiness::observed, [&](Field entry) {
        if (extensions.size() == max_extensions)
            return body->fail(entry, fmt::format("more than {} extensions", max_extensions));
        extensions.push_back(take_extension(*body, entry));
    });
    observe_repeated(*body, extensions);
    return extensions;
}

}  // namespace handset::x509
