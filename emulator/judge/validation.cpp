#include "emulator/judge/validation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "handshake/x509/name_constraints.h"
#include "handshake/x509/policies.h"

namespace handset::judge {

namespace {

using device::AnchorConstraint;
using device::ConstraintForm;
using device::DatesOf;
using device::ExtendedKeyUsageRule;
using device::LeafKeyUsageRule;
using device::V1Ca;
using rules::Evidence;
using x509::Certificate;

// NIST SP 800-131A, for profiles that state nothing.
constexpr std::size_t standard_min_rsa_bits = 2048;

constexpr std::string_view spki_field = "tbsCertificate.subjectPublicKeyInfo";

bool is_weak_digest(std::string_view signature_name) {
    return signature_name.starts_with("md2") || signature_name.starts_with("md4") ||
           signature_name.starts_with("md5");
}

std::string_view key_type(const x509::SubjectPublicKeyInfo& key) {
    if (std::holds_alternative<x509::RsaPublicKey>(key.key)) return "rsa";
    if (std::holds_alternative<x509::DsaPublicKey>(key.key)) return "dsa";
    if (std::holds_alternative<x509::EcPublicKey>(key.key)) return "ec";
    if (std::holds_alternative<x509::EdPublicKey>(key.key)) return "ed25519";
    return "unknown";
}

std::size_t bit_length(const x509::Integer& number) {
    std::size_t skipped = 0;
    while (skipped < number.value.size() && number.value[skipped] == 0)
        ++skipped;
    if (skipped == number.value.size()) return 0;
    std::size_t bits = (number.value.size() - skipped) * 8;
    for (std::uint8_t top = number.value[skipped]; (top & 0x80) == 0;
         top = static_cast<std::uint8_t>(top << 1)) {
        --bits;
    }
    return bits;
}

x509::GeneralNameType general_name_type(ConstraintForm form) {
    switch (form) {
        case ConstraintForm::dns_name:
            return x509::GeneralNameType::dns_name;
        case ConstraintForm::rfc822_name:
            return x509::GeneralNameType::rfc822_name;
        case ConstraintForm::uri:
            return x509::GeneralNameType::uniform_resource_identifier;
        case ConstraintForm::ip_address:
            return x509::GeneralNameType::ip_address;
        case ConstraintForm::directory_name:
            return x509::GeneralNameType::directory_name;
        case ConstraintForm::registered_id:
            return x509::GeneralNameType::registered_id;
    }
    return x509::GeneralNameType::dns_name;
}

class Validation {
public:
    Validation(Objector& out, const Evidence& evidence, const Question& question,
               SignatureCache& signatures, const Path& path)
        : out_(out),
          evidence_(evidence),
          question_(question),
          signatures_(signatures),
          path_(path),
          rules_(out.device) {}

    void run() {
        const std::size_t count = path_.certificates.size();
        for (std::size_t i = 0; i < count; ++i) {
            const bool anchor = is_anchor(i);
            // A self-signed server certificate is leaf and anchor at once.
            if (!anchor || i == 0) {
                signature_algorithm(i);
                critical_extensions(i);
                key(i);
                signature(i);
            }
            if (anchor && i > 0) {
                if (anchor_is_held(AnchorConstraint::signature_algorithm).value_or(false)) {
                    signature_algorithm(i);
                }
                if (anchor_is_held(AnchorConstraint::critical_extensions).value_or(false)) {
                    critical_extensions(i);
                }
                if (anchor_is_held(AnchorConstraint::key).value_or(false)) key(i);
            }
            if (i > 0) issuer(i);
            dates(i);
        }
        depth();
        name_constraints();
        policies();
        leaf_extended_key_usage();
        leaf_key_usage();
        leaf_validity_span();
    }

private:
    const Certificate& certificate(std::size_t position) const {
        return *path_.certificates[position].certificate;
    }
    bool is_anchor(std::size_t position) const {
        return path_.anchor_known && position + 1 == path_.certificates.size();
    }
    rules::Finding finding(std::string_view rule, std::size_t position, x509::Place place,
                           std::string field, std::string detail) const {
        return finding_at(path_, position, rule, place, std::move(field), std::move(detail));
    }
    // Place and field of an extension, or of the place where it would stand.
    static x509::Place place_of(const Certificate& read, std::string_view name) {
        const x509::Extension* extension = x509::find_extension(read, name);
        return extension ? extension->value_place : x509::Place{read.extensions_place.offset, 0};
    }
    static std::string field_of(std::string_view extension, std::string_view member = "") {
        return fmt::format("tbsCertificate.extensions.{}{}{}", extension, member.empty() ? "" : ".",
                           member);
    }

    // --- algorithms, keys, signatures ------------------------------------------------------------
    void signature_algorithm(std::size_t position) {
        const Certificate& read = certificate(position);
        if (position == 0 && x509::is_self_issued(read) && path_.certificates.size() == 1) {
            return;  // trusted or not, nobody verifies it
        }
        const auto& stated = rules_.certificate.signature_algorithms;
        const auto name = [&] { return x509::oid_name(read.signature_algorithm.algorithm); };
        const auto at = [&](std::string_view rule, std::string detail) {
            return finding(rule, position, read.signature_algorithm.place, "signatureAlgorithm",
                           std::move(detail));
        };
        if (const auto* known = out_.said(stated)) {
            if (std::ranges::find(*known, read.signature_algorithm.algorithm) != known->end()) {
                return;
            }
            out_.object(at("certificate-signature-algorithm-unsupported",
                           fmt::format("the device does not know {}", name())),
                        stated)
                .path_position = position;
        } else if (is_weak_digest(name())) {
            out_.object_by_standard(at("certificate-signature-weak-digest", name()), stated)
                .path_position = position;
        } else if (name() != "sha1WithRSAEncryption") {
            out_.object(
                    at("certificate-signature-algorithm-unsupported",
                       fmt::format("the profile does not say whether the device knows {}", name())),
                    stated)
                .path_position = position;
        }
    }

    void critical_extensions(std::size_t position) {
        const Certificate& read = certificate(position);
        const auto& stated = rules_.certificate.critical_extensions;
        const auto* known = out_.said(stated);
        for (std::size_t i = 0; i < read.extensions.size(); ++i) {
            const x509::Extension& extension = read.extensions[i];
            if (!extension.critical) continue;
            if (known && std::ranges::find(*known, extension.id) != known->end()) continue;
            const std::string name = x509::oid_name(extension.id);
            if (!known && (name == "basicConstraints" || name == "keyUsage")) {
                continue;  // every RFC 2459 client knows these two
            }
            out_.object(finding("extension-critical-unknown", position, extension.critical_place,
                                fmt::format("tbsCertificate.extensions[{}].critical", i),
                                known ? fmt::format(
                                            "the device does not know {}, which is critical", name)
                                      : fmt::format("{} is critical and the profile does not say "
                                                    "whether the device knows it",
                                                    name)),
                        stated)
                .path_position = position;
        }
    }

    void key(std::size_t position) {
        const x509::SubjectPublicKeyInfo& spki = certificate(position).subject_public_key_info;
        const std::string_view type = key_type(spki);
        const auto at = [&](std::string_view rule, std::string detail) {
            return finding(rule, position, spki.place, std::string(spki_field), std::move(detail));
        };
        const auto& types = rules_.certificate.key_types;
        if (const auto* known = out_.said(types)) {
            if (std::ranges::find(*known, type) == known->end()) {
                out_.object(at("key-type-unsupported",
                               fmt::format("the key is {}", x509::to_string(spki))),
                            types)
                    .path_position = position;
            }
        } else if (type != "rsa") {
            out_.object(at("key-type-unsupported",
                           fmt::format("the key is {} and the profile does not say whether the "
                                       "device knows the type",
                                       x509::to_string(spki))),
                        types)
                .path_position = position;
        }
        if (const auto* rsa = std::get_if<x509::RsaPublicKey>(&spki.key)) rsa_key(position, *rsa);
        if (const auto* ec = std::get_if<x509::EcPublicKey>(&spki.key)) ec_key(position, *ec);
    }

    void rsa_key(std::size_t position, const x509::RsaPublicKey& rsa) {
        const x509::Place place = certificate(position).subject_public_key_info.place;
        const auto at = [&](std::string_view rule, std::string detail) {
            return finding(rule, position, place, std::string(spki_field), std::move(detail));
        };
        const auto& stated = rules_.certificate.rsa_bits;
        const auto* range = out_.said(stated);
        const std::size_t min = range ? range->min.value_or(0) : standard_min_rsa_bits;
        if (rsa.bits < min) {
            // The standard's measure, where the profile has none.
            out_.object_by_standard(
                    at("key-rsa-small", fmt::format("{} bits, at least {} wanted", rsa.bits, min)),
                    stated)
                .path_position = position;
        } else if (range && range->max && rsa.bits > *range->max) {
            out_.object(at("key-rsa-large",
                           fmt::format("{} bits, at most {} held", rsa.bits, *range->max)),
                        stated)
                .path_position = position;
        }
        const auto& exponent = rules_.certificate.max_exponent_bits;
        const std::size_t bits = bit_length(rsa.public_exponent);
        if (const auto* limit = out_.said(exponent); limit && bits > *limit) {
            out_.object(at("key-rsa-exponent-large",
                           fmt::format("an exponent of {} bits, at most {} held", bits, *limit)),
                        exponent)
                .path_position = position;
        }
    }

    void ec_key(std::size_t position, const x509::EcPublicKey& ec) {
        if (!ec.named_curve) return;
        const std::string name = x509::oid_name(*ec.named_curve);
        // RFC 5480 2.1.1.1 and RFC 8422 5.1.1 name two curves differently.
        const std::string_view group = name == "prime256v1"   ? "secp256r1"
                                       : name == "prime192v1" ? "secp192r1"
                                                              : std::string_view(name);
        const auto& stated = rules_.certificate.curves;
        const auto* curves = out_.said(stated);
        if (curves) {
            const auto number = wire::named_group_from_name(group);
            if (number && std::ranges::find(*curves, *number) != curves->end()) return;
        } else if (group == "secp256r1" || group == "secp384r1") {
            return;  // who knows EC at all knows those of RFC 6460
        }
        out_.object(
                finding("key-curve-unsupported", position,
                        certificate(position).subject_public_key_info.place,
                        std::string(spki_field),
                        curves ? fmt::format("the device does not know the curve {}", group)
                               : fmt::format("the profile does not say whether the device knows "
                                             "the curve {}",
                                             group)),
                stated)
            .path_position = position;
    }

    void signature(std::size_t position) {
        const Certificate& read = certificate(position);
        const bool last = position + 1 == path_.certificates.size();
        const bool self = last && x509::is_self_issued(read);
        if (last && !self) {
            if (path_.trust == Trust::trusted && !path_.anchor_known) {
                unchecked(position, "the anchor's key is not at hand");
            }
            return;
        }
        if (self) return;  // an anchor's own signature protects nothing
        const Certificate& above = certificate(position + 1);
        const crypto::SignatureResult result = signatures_.verify(read, above);
        if (result.check == crypto::SignatureCheck::bad) {
            out_.object(finding("certificate-signature-invalid", position,
                                read.signature_value_place, "signatureValue",
                                result.detail.empty()
                                    ? "the signature does not verify under the issuer's key"
                                    : result.detail))
                .path_position = position;
        } else if (result.check == crypto::SignatureCheck::not_checkable) {
            unchecked(position, result.detail);
        }
    }

    void unchecked(std::size_t position, std::string_view why) {
        out_.object(finding("certificate-signature-unchecked", position,
                            certificate(position).signature_value_place, "signatureValue",
                            fmt::format("the signature was not checked: {}", why)))
            .path_position = position;
    }

    // --- issuers ---------------------------------------------------------------------------------

    // nullopt when the profile is silent.
    std::optional<bool> anchor_is_held(AnchorConstraint to) {
        const auto* stated = out_.said(rules_.validation.anchor_constraints);
        if (!stated) return std::nullopt;
        return std::ranges::find(*stated, to) != stated->end();
    }
    // Whether the certificate is held to it: every one but an anchor; that of a silent profile
    // where `silent` says so.
    bool is_held(std::size_t position, AnchorConstraint to, bool silent = true) {
        return !is_anchor(position) || anchor_is_held(to).value_or(silent);
    }

    // An objection to an issuer by a demand that the standard makes of all but anchors.
    template <typename T>
    Objection& object_to_issuer(rules::Finding found, std::size_t position,
                                const device::Stated<T>& because) {
        Objection& objection = out_.object_by_standard(std::move(found), because);
        objection.path_position = position;
        if (is_anchor(position)) {
            objection.undecided = Objector::is_silent(rules_.validation.anchor_constraints);
        }
        return objection;
    }

    void issuer(std::size_t position) {
        version(position);
        if (is_held(position, AnchorConstraint::basic_constraints, false)) {
            basic_constraints(position);
        }
        if (is_held(position, AnchorConstraint::path_length)) path_length(position);
        if (is_held(position, AnchorConstraint::key_usage)) ca_key_usage(position);
        if (is_held(position, AnchorConstraint::extended_key_usage)) {
            ca_extended_key_usage(position);
        }
        if (is_held(position, AnchorConstraint::form)) spelling(position);
    }

    void version(std::size_t position) {
        const Certificate& read = certificate(position);
        if (read.version >= 3) return;
        const auto& stated = rules_.validation.v1_ca;
        const auto* rule = out_.said(stated);
        const bool anchor = is_anchor(position);
        if (anchor && (!rule || *rule != V1Ca::refused)) return;
        if (rule && *rule == V1Ca::accepted) return;
        out_.object_by_standard(
                finding("chain-issuer-version", position, read.version_place,
                        "tbsCertificate.version",
                        fmt::format("a version {} certificate as a CA", read.version)),
                stated)
            .path_position = position;
    }

    void basic_constraints(std::size_t position) {
        const Certificate& read = certificate(position);
        if (read.version < 3) return;  // has none, see version()
        const auto& stated = rules_.validation.basic_constraints;
        const auto* checked = out_.said(stated);
        if (checked && !*checked) return;
        const auto* constraints =
            x509::find_value<x509::BasicConstraints>(read, "basicConstraints");
        if (constraints && constraints->ca) return;
        object_to_issuer(finding("chain-issuer-not-ca", position,
                                 place_of(read, "basicConstraints"), field_of("basicConstraints"),
                                 constraints ? "cA is FALSE" : "there is no basicConstraints"),
                         position, stated);
    }

    void path_length(std::size_t position) {
        const Certificate& read = certificate(position);
        const auto& stated = rules_.validation.path_len_constraint;
        const auto* checked = out_.said(stated);
        if (checked && !*checked) return;
        const auto* constraints =
            x509::find_value<x509::BasicConstraints>(read, "basicConstraints");
        if (!constraints || !constraints->path_len_constraint) return;
        // Intermediates between this certificate and the leaf.
        const auto* exempt = out_.said(rules_.validation.self_issued_exempt);
        std::int64_t below = 0;
        std::int64_t self_issued = 0;
        for (std::size_t i = 1; i < position; ++i) {
            ++(x509::is_self_issued(certificate(i)) ? self_issued : below);
        }
        const auto allowed = constraints->path_len_constraint->small();
        const auto* leaf_counts = out_.said(rules_.validation.leaf_ca_counts);
        const auto* leaf =
            x509::find_value<x509::BasicConstraints>(certificate(0), "basicConstraints");
        if (leaf_counts && *leaf_counts && leaf && leaf->ca) ++below;
        // A negative one is a fault of its own, and no number to count to.
        if (!allowed || *allowed < 0) return;
        const std::int64_t counted = exempt && *exempt ? below : below + self_issued;
        if (counted <= *allowed) return;
        Objection& objection = object_to_issuer(
            finding("chain-path-too-long", position, place_of(read, "basicConstraints"),
                    field_of("basicConstraints", "pathLenConstraint"),
                    fmt::format("{} intermediates follow, {} allowed", counted, *allowed)),
            position, stated);
        if (!exempt && below <= *allowed) objection.undecided = true;
    }

    void ca_key_usage(std::size_t position) {
        const Certificate& read = certificate(position);
        const auto* usage = x509::find_value<x509::KeyUsage>(read, "keyUsage");
        if (!usage || usage->has(x509::KeyUsage::key_cert_sign)) return;
        const auto& stated = rules_.validation.ca_key_usage;
        const auto* checked = out_.said(stated);
        if (checked && !*checked) return;
        object_to_issuer(finding("chain-issuer-key-usage", position, place_of(read, "keyUsage"),
                                 field_of("keyUsage"), "keyCertSign is not set"),
                         position, stated);
    }

    void ca_extended_key_usage(std::size_t position) {
        const Certificate& read = certificate(position);
        const auto* usage = x509::find_value<x509::ExtendedKeyUsage>(read, "extKeyUsage");
        if (!usage) return;
        const auto& stated = rules_.validation.ca_extended_key_usage;
        const auto* rule = out_.said(stated);
        if (allows_server(*usage, rule ? *rule : leaf_rule())) return;
        // RFC 5280 gives the extension no meaning in a CA, so silence leaves it open.
        Objection& objection = out_.object(
            finding("chain-issuer-eku", position, place_of(read, "extKeyUsage"),
                    field_of("extKeyUsage"), fmt::format("only {}", list_purposes(*usage))),
            stated);
        objection.path_position = position;
    }

    // Names that are one by RFC 5280 7.1 and not octet by octet.
    void spelling(std::size_t position) {
        const Certificate& below = certificate(position - 1);
        if (x509::same_binary(below.issuer, certificate(position).subject)) return;
        Objection& objection = out_.object(
            finding("chain-name-spelling", position - 1, below.issuer.place,
                    "tbsCertificate.issuer", "the issuer spells its own name differently"),
            rules_.path.name_chaining);
        objection.path_position = position - 1;
    }

    void depth() {
        const auto& stated = rules_.path.max_certificates;
        const auto* limit = out_.said(stated);
        const std::size_t count = path_.certificates.size() +
                                  (path_.trust == Trust::trusted && !path_.anchor_known ? 1 : 0);
        if (!limit || count <= *limit) return;
        const std::size_t last = path_.certificates.size() - 1;
        out_.object(finding("capacity-path-depth", last, certificate(last).subject.place,
                            "tbsCertificate.subject",
                            fmt::format("a path of {} certificates, the device follows {}", count,
                                        *limit)),
                    stated)
            .path_position = last;
    }

    // --- dates
    // ------------------------------------------------------------------------------------
    void dates(std::size_t position) {
        const Certificate& read = certificate(position);
        const bool anchor = is_anchor(position) && position > 0;
        const auto role = position == 0 ? DatesOf::leaf
                          : anchor      ? DatesOf::anchor
                                        : DatesOf::intermediates;
        const auto& stated = rules_.validation.dates;
        const auto* whose = out_.said(stated);
        if (whose && std::ranges::find(*whose, role) == whose->end()) return;
        const auto raise = [&](std::string_view rule, const x509::TimeField& field,
                               std::string_view name, std::string detail) {
            Objection& objection = out_.object_by_standard(
                finding(rule, position, field.place,
                        fmt::format("tbsCertificate.validity.{}", name), std::move(detail)),
                stated);
            objection.path_position = position;
            // RFC 5280 does not ask for the anchor's dates; what a silent device does is open.
            objection.undecided = !whose && anchor;
        };
        const auto& [not_before, not_after, place] = read.validity;
        year(position, not_after);
        if (not_after.value && question_.at > *not_after.value) {
            raise("certificate-expired", not_after, "notAfter",
                  fmt::format("valid until {}, the clock says {}", to_rfc3339(*not_after.value),
                              to_rfc3339(question_.at)));
        }
        if (not_before.value && question_.at < *not_before.value) {
            raise("certificate-not-yet-valid", not_before, "notBefore",
                  fmt::format("valid from {}, the clock says {}", to_rfc3339(*not_before.value),
                              to_rfc3339(question_.at)));
        }
    }

    void year(std::size_t position, const x509::TimeField& not_after) {
        const auto& stated = rules_.certificate.max_year;
        const auto* limit = out_.said(stated);
        if (!limit || !not_after.value) return;
        const std::chrono::year_month_day day(
            std::chrono::floor<std::chrono::days>(*not_after.value));
        const int year = static_cast<int>(day.year());
        if (year < 0 || static_cast<std::size_t>(year) <= *limit) return;
        out_.object(
                finding("capacity-year", position, not_after.place,
                        "tbsCertificate.validity.notAfter",
                        fmt::format("the year {}, the device holds none behind {}", year, *limit)),
                stated)
            .path_position = position;
    }

    void leaf_validity_span() {
        const auto& stated = rules_.validation.max_validity_days;
        const auto* limit = out_.said(stated);
        const auto& [not_before, not_after, place] = certificate(0).validity;
        if (!limit || !not_before.value || !not_after.value) return;
        const auto days =
            std::chrono::ceil<std::chrono::days>(*not_after.value - *not_before.value).count();
        if (days <= static_cast<std::int64_t>(*limit)) return;
        out_.object(finding("certificate-validity-too-long", 0, place, "tbsCertificate.validity",
                            fmt::format("{} days, the device takes {}", days, *limit)),
                    stated)
            .path_position = 0;
    }

    // --- constraints and policies
    // -----------------------------------------------------------------
    void name_constraints() {
        const auto* forms = out_.said(rules_.validation.name_constraints);
        if (forms && forms->empty()) return;
        std::vector<x509::GeneralNameType> types;
        using enum ConstraintForm;
        for (const ConstraintForm form :
             forms ? *forms : std::vector{dns_name, rfc822_name, uri, ip_address, directory_name}) {
            types.push_back(general_name_type(form));
        }
        for (std::size_t i = 1; i < path_.certificates.size(); ++i) {
            if (!x509::find_value<x509::NameConstraints>(certificate(i), "nameConstraints"))
                continue;
            if (!is_held(i, AnchorConstraint::name_constraints)) continue;
            const std::vector<x509::NameConstraintScope> scopes = constraint_scopes(types);
            if (forms) unknown_form(i, scopes.front());
            for (std::size_t below = 0; below < i; ++below)
                hold_to_constraints(i, below, scopes);
        }
    }

    // RFC 5280 4.2.1.10: a client that meets a form it does not know, in a critical extension,
    // processes it or refuses the certificate.
    void unknown_form(std::size_t position, const x509::NameConstraintScope& scope) {
        const Certificate& read = certificate(position);
        const x509::Extension* extension = x509::find_extension(read, "nameConstraints");
        const auto* constraints = x509::find_value<x509::NameConstraints>(read, "nameConstraints");
        if (!extension->critical) return;
        const auto object = [&](std::string_view rule, std::string detail) {
            out_.object(finding(rule, position, extension->value_place, field_of("nameConstraints"),
                                std::move(detail)),
                        rules_.validation.name_constraints)
                .path_position = position;
        };
        const x509::FormsNotApplied forms = x509::forms_not_applied(*constraints, scope);
        if (forms.usual) {
            object("chain-name-constraint-form-not-kept",
                   "a subtree of a form that the device does not keep");
        }
        if (forms.other) {
            object("chain-name-constraint-form-unknown",
                   "a subtree of a form that the device does not know");
        }
    }

    // The first one is what the profile states, and RFC 5280's where it is silent. The others
    // differ from it in one statement that it does not make.
    std::vector<x509::NameConstraintScope> constraint_scopes(
        const std::vector<x509::GeneralNameType>& forms) {
        const device::ValidationRules& stated = rules_.validation;
        std::vector<x509::NameConstraintScope> scopes(1);
        scopes[0].forms = forms;
        const auto* on_cn = out_.said(stated.name_constraints_on_cn);
        scopes[0].on_cn = on_cn && *on_cn;
        const auto take = [&](const auto& statement, auto member) {
            if (const auto* said = out_.said(statement)) scopes[0].*member = *said;
        };
        using Scope = x509::NameConstraintScope;
        take(stated.name_constraints_on_email, &Scope::on_email);
        take(stated.wildcards_may_be_excluded, &Scope::wildcards_stand_for_names);
        take(stated.local_part_case_counts, &Scope::local_part_case_counts);
        take(stated.host_constraints_hold_below, &Scope::hosts_hold_those_below);
        take(stated.ip_constraints_by_family, &Scope::ip_families_apart);
        take(stated.ipv6_constraints, &Scope::ipv6_applied);
        take(stated.dns_constraints_by_label, &Scope::dns_by_label);
        take(stated.dns_constraints_hold_more, &Scope::dns_holds_more);
        const auto vary = [&](const auto& statement, auto member, const auto& values) {
            if (!Objector::is_silent(statement)) return;
            for (const auto value : values) {
                if (value == scopes[0].*member) continue;
                scopes.push_back(scopes[0]);
                scopes.back().*member = value;
            }
        };
        constexpr std::array both{false, true};
        using enum x509::EmailAddressesHeld;
        vary(stated.name_constraints_on_email, &Scope::on_email, std::array{never, always});
        vary(stated.wildcards_may_be_excluded, &Scope::wildcards_stand_for_names, both);
        vary(stated.local_part_case_counts, &Scope::local_part_case_counts, both);
        vary(stated.host_constraints_hold_below, &Scope::hosts_hold_those_below, both);
        vary(stated.ip_constraints_by_family, &Scope::ip_families_apart, both);
        return scopes;
    }

    // The names of the certificate at `below` to the constraints of the one at `position`.
    void hold_to_constraints(std::size_t position, std::size_t below,
                             const std::vector<x509::NameConstraintScope>& scopes) {
        bool open =
            is_anchor(position) && Objector::is_silent(rules_.validation.anchor_constraints);
        if (below > 0) {
            const auto* on_cas = out_.said(rules_.validation.name_constraints_on_cas);
            if (on_cas && !*on_cas) return;
            open = open || !on_cas;
        }
        if (below > 0 && x509::is_self_issued(certificate(below))) {
            const auto* held = out_.said(rules_.validation.name_constraints_on_self_issued);
            const auto* exempt = held ? nullptr : out_.said(rules_.validation.self_issued_exempt);
            if ((held && !*held) || (exempt && *exempt)) return;
            open = open || (!held && !exempt);
        }
        const bool excluded = hold_to_list(position, below, scopes, List::excluded, open);
        if (!excluded) hold_to_list(position, below, scopes, List::permitted, open);
    }

    // Whether a violation, and no more than a doubt, was found.
    enum class List { permitted, excluded };
    bool hold_to_list(std::size_t position, std::size_t below,
                      const std::vector<x509::NameConstraintScope>& scopes, List list, bool open) {
        const auto* constraints =
            x509::find_value<x509::NameConstraints>(certificate(position), "nameConstraints");
        const auto find = [&](x509::NameConstraintScope scope) {
            scope.permitted = list == List::permitted;
            scope.excluded = list == List::excluded;
            return x509::find_violation(*constraints, certificate(below), scope);
        };
        const auto kind_of = [](const std::optional<x509::NameViolation>& violation) {
            return violation ? std::optional(violation->kind) : std::nullopt;
        };
        std::optional<x509::NameViolation> violation = find(scopes[0]);
        const auto kind = kind_of(violation);
        for (std::size_t i = 1; i < scopes.size(); ++i) {
            auto other = find(scopes[i]);
            if (kind_of(other) == kind) continue;
            open = true;
            if (!violation) violation = std::move(other);
        }
        if (!violation) return false;
        const bool in_doubt = violation->kind == x509::NameViolation::Kind::not_applicable;
        std::string_view rule = "chain-name-constraint-violated";
        if (in_doubt) {
            rule = list == List::permitted ? "chain-name-constraint-unsupported"
                                           : "chain-name-exclusion-unsupported";
        }
        Objection& objection = out_.object_by_standard(
            finding(rule, below, violation->place, violation->field,
                    fmt::format("{}, by nameConstraints of {}", violation->detail,
                                x509::describe(certificate(position)))),
            rules_.validation.name_constraints);
        objection.path_position = below;
        objection.undecided = open;
        return !in_doubt && !open;
    }

    // RFC 5937 3.2: an anchor that is held to its own policies sets what the path begins with.
    x509::PolicySettings policy_settings() {
        x509::PolicySettings settings;
        const std::size_t last = path_.certificates.size() - 1;
        if (last == 0 || !is_anchor(last) ||
            !anchor_is_held(AnchorConstraint::policies).value_or(false)) {
            return settings;
        }
        const Certificate& anchor = certificate(last);
        const auto is_zero = [](const std::optional<x509::Integer>& skipped) {
            return skipped && skipped->small() == 0;
        };
        if (const auto* constraints =
                x509::find_value<x509::PolicyConstraints>(anchor, "policyConstraints")) {
            settings.explicit_policy = is_zero(constraints->require_explicit_policy);
            settings.inhibit_mapping = is_zero(constraints->inhibit_policy_mapping);
        }
        if (const auto* policies =
                x509::find_value<x509::CertificatePolicies>(anchor, "certificatePolicies")) {
            for (const auto& policy : policies->policies)
                settings.user_initial_policies.push_back(policy.policy);
        }
        return settings;
    }

    void policies() {
        const auto& stated = rules_.validation.policies;
        const auto* processed = out_.said(stated);
        if (processed && !*processed) return;
        std::vector<const Certificate*> path;
        for (std::size_t i = 0; i < path_.certificates.size(); ++i) {
            if (i == 0 || !is_anchor(i)) path.push_back(&certificate(i));
        }
        const x509::PolicyResult result = x509::process_policies(path, policy_settings());
        if (result.valid) return;
        out_.object_by_standard(finding("chain-policy-required", result.position, result.place,
                                        result.field, result.detail),
                                stated)
            .path_position = result.position;
    }

    // --- the server's own certificate
    // -------------------------------------------------------------
    ExtendedKeyUsageRule leaf_rule() {
        const auto* stated = out_.said(rules_.validation.extended_key_usage);
        return stated ? *stated : ExtendedKeyUsageRule::server_auth_or_any;
    }
    static bool allows_server(const x509::ExtendedKeyUsage& usage, ExtendedKeyUsageRule rule) {
        using enum ExtendedKeyUsageRule;
        const bool any = rule == server_auth_or_any || rule == server_auth_any_or_sgc;
        const bool sgc = rule == server_auth_or_sgc || rule == server_auth_any_or_sgc;
        return rule == ignored || usage.has("serverAuth") ||
               (any && usage.has("anyExtendedKeyUsage")) || (sgc && usage.has("msSGC")) ||
               ((sgc || rule == server_auth_or_ns_sgc) && usage.has("nsSGC"));
    }
    static std::string list_purposes(const x509::ExtendedKeyUsage& usage) {
        std::vector<std::string> purposes;
        for (const x509::Oid& oid : usage.key_purposes)
            purposes.push_back(x509::oid_name(oid));
        return fmt::format("{}", fmt::join(purposes, ", "));
    }

    void leaf_extended_key_usage() {
        const Certificate& read = certificate(0);
        const auto* usage = x509::find_value<x509::ExtendedKeyUsage>(read, "extKeyUsage");
        if (!usage || allows_server(*usage, leaf_rule())) return;
        out_.object_by_standard(
                finding("extension-eku-lacks-server-auth", 0, place_of(read, "extKeyUsage"),
                        field_of("extKeyUsage"), fmt::format("only {}", list_purposes(*usage))),
                rules_.validation.extended_key_usage)
            .path_position = 0;
    }

    void leaf_key_usage() {
        const auto* usage = x509::find_value<x509::KeyUsage>(certificate(0), "keyUsage");
        if (!usage || usage->bits == 0) return;  // empty: a fault of its own
        const auto& stated = rules_.validation.leaf_key_usage;
        const auto* rule = out_.said(stated);
        switch (rule ? *rule : LeafKeyUsageRule::by_suite) {
            case LeafKeyUsageRule::ignored:
                return;
            case LeafKeyUsageRule::by_suite:
                return key_usage_by_suite(*usage);
            case LeafKeyUsageRule::key_encipherment:
                break;
        }
        const x509::SubjectPublicKeyInfo& spki = certificate(0).subject_public_key_info;
        if (key_type(spki) != "rsa" || usage->has(x509::KeyUsage::key_encipherment)) return;
        out_.object(finding("extension-key-usage-unfit", 0, place_of(certificate(0), "keyUsage"),
                            field_of("keyUsage"),
                            "keyEncipherment is not set, which the device wants of RSA keys"),
                    stated)
            .path_position = 0;
    }

    // RFC 5246 7.4.2: digitalSignature for ephemeral suites, keyEncipherment for RSA ones.
    void key_usage_by_suite(const x509::KeyUsage& usage) {
        if (!evidence_.server_hello) return;
        const auto* suite = wire::find_cipher_suite(evidence_.server_hello->cipher_suite);
        if (!suite) return;
        using enum wire::KeyExchange;
        const bool signs = suite->key_exchange == dhe_rsa || suite->key_exchange == dhe_dss ||
                           suite->key_exchange == ecdhe_rsa || suite->key_exchange == ecdhe_ecdsa;
        const bool enciphers = suite->key_exchange == rsa;
        const bool lacks = (signs && !usage.has(x509::KeyUsage::digital_signature)) ||
                           (enciphers && !usage.has(x509::KeyUsage::key_encipherment));
        if (!lacks) return;
        out_.object_by_standard(
                finding("extension-key-usage-unfit", 0, place_of(certificate(0), "keyUsage"),
                        field_of("keyUsage"),
                        fmt::format("{} is not set, which {} needs",
                                    signs ? "digitalSignature" : "keyEncipherment", suite->name)),
                rules_.validation.leaf_key_usage)
            .path_position = 0;
    }

    Objector& out_;
    const Evidence& evidence_;
    const Question& question_;
    SignatureCache& signatures_;
    const Path& path_;
    const device::Device& rules_;
};

}  // namespace

void validate_path(Objector& out, const Evidence& evidence, const Question& question,
                   SignatureCache& signatures, const Path& path) {
    if (path.certificates.empty()) return;  // the leaf could not be decoded
    Validation(out, evidence, question, signatures, path).run();
}

}  // namespace handset::judge
