#include "emulator/judge/objections.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "emulator/judge/names.h"
#include "handshake/crypto/signature.h"

namespace handset::judge {

namespace {

using device::Device;
using device::Grade;
using rules::Evidence;
using rules::Finding;
using x509::Certificate;

// Limits of today's standards, for profiles that state none: NIST SP 800-131A and RFC 7525 4.3.
constexpr std::size_t standard_min_rsa_bits = 2048;
constexpr std::size_t standard_min_dh_bits = 1024;

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

class Collector {
public:
    Collector(const Device& device, const device::Store* store, const Evidence& evidence,
              const Question& question)
        : device_(device), evidence_(evidence), question_(question) {
        if (evidence.certificate_message_seen && !evidence.chain.empty()) {
            out_.path = build_path(evidence, device, store, question);
        }
    }

    Objections collect() {
        strict_findings();
        sizes();
        server_hello();
        if (evidence_.certificate_message_seen && !evidence_.chain.empty()) {
            oid_arcs();
            path();
            const std::size_t count = out_.path.certificates.size();
            for (std::size_t i = 0; i < count; ++i) {
                const bool is_anchor = out_.path.anchor_known && i + 1 == count;
                // A self-signed server certificate is leaf and anchor at once.
                if (!is_anchor || i == 0) link(i);
                if (i > 0) issuer(i, is_anchor);
                dates(i, is_anchor && i > 0);
            }
            leaf();
        }
        key_exchange();
        return std::move(out_);
    }

private:
    // --- statements ---------------------------------------------------------------------------
    // The statement's value, counted as consulted; nullopt when the profile is silent. A statement
    // that is only assumed is silence.
    template <typename T>
    const T* said(const device::Stated<T>& stated) {
        if (!stated || stated->grade == Grade::assumed) return nullptr;
        out_.consulted = std::min(out_.consulted, stated->grade);
        return &stated->value;
    }
    template <typename T>
    static bool is_silent(const device::Stated<T>& stated) {
        return !stated || stated->grade == Grade::assumed;
    }

    Objection& object(Finding finding) {
        out_.list.push_back({std::move(finding), false, std::nullopt, "", std::nullopt});
        return out_.list.back();
    }
    template <typename T>
    Objection& object(Finding finding, const device::Stated<T>& because) {
        Objection& objection = object(std::move(finding));
        if (is_silent(because)) {
            objection.undecided = true;
        } else {
            objection.grade = because->grade;
            objection.source = because->source;
        }
        return objection;
    }

    // For demands that the standard makes of everybody: where the section is silent, the standard's
    // measure was taken, and the profile's tolerance for the rule says what the device does.
    template <typename T>
    Objection& object_by_standard(Finding finding, const device::Stated<T>& because) {
        Objection& objection = object(std::move(finding), because);
        objection.undecided = false;
        return objection;
    }

    Finding finding_at(std::string_view rule, std::size_t position, x509::Place place,
                       std::string field, std::string detail) const {
        const PathCertificate& on_path = out_.path.certificates[position];
        Finding finding{std::string(rule), on_path.number, std::move(field),
                        place.offset,      place.length,   {},
                        std::move(detail)};
        if (!on_path.number) finding.detail += " (the trust anchor)";
        const ByteView der = on_path.certificate->raw;
        if (place.offset <= der.size()) {
            finding.bytes = to_bytes(der.subspan(
                place.offset,
                std::min({place.length, der.size() - place.offset, rules::max_finding_bytes})));
        }
        return finding;
    }
    static Finding finding_of_handshake(std::string_view rule, std::size_t offset, ByteView bytes,
                                        std::string field, std::string detail) {
        return {std::string(rule),
                std::nullopt,
                std::move(field),
                offset,
                bytes.size(),
                to_bytes(bytes.first(std::min(bytes.size(), rules::max_finding_bytes))),
                std::move(detail)};
    }

    const Certificate& certificate(std::size_t position) const {
        return *out_.path.certificates[position].certificate;
    }

    // --- the strict reader's findings -----------------------------------------------------------
    // Whether a section of the profile declares the finding fine.
    bool settled_by_section(const rules::Rule& rule) {
        if (rule.id == "chain-wrong-order" || rule.id == "chain-extra-certificate" ||
            rule.id == "chain-duplicate-certificate") {
            const auto* order = said(device_.path.order);
            return order && *order == device::PathOrder::any;
        }
        if (rule.id == "extension-critical-forbidden") {
            // Known and accepted, or objected to as unknown: either way the list settles it.
            return said(device_.certificate.critical_extensions) != nullptr;
        }
        return false;
    }

    void strict_findings() {
        for (const Finding& finding : evidence_.findings) {
            const rules::Rule* rule = rules::find_rule(finding.rule);
            if (!rule) continue;
            std::optional<std::size_t> position;
            if (finding.certificate) {
                const auto& path = out_.path.certificates;
                const auto on_path =
                    std::ranges::find(path, finding.certificate, &PathCertificate::number);
                if (on_path != path.end()) {
                    position = static_cast<std::size_t>(on_path - path.begin());
                }
                // Clients decode all they are sent, but look closer at the path alone.
                const bool decoding =
                    rule->step == rules::Step::encoding || rule->step == rules::Step::path;
                if (!position && !decoding) continue;
            }
            if (settled_by_section(*rule)) continue;
            object(finding).path_position = position;
        }
    }

    // --- handshake ------------------------------------------------------------------------------
    void server_hello() {
        if (!evidence_.server_hello) return;
        const wire::ProtocolVersion version = wire::selected_version(*evidence_.server_hello);
        if (const auto* versions = said(device_.server_hello.versions);
            versions && std::ranges::find(*versions, version) == versions->end()) {
            const auto number = static_cast<std::uint16_t>(version);
            const Bytes octets{static_cast<std::uint8_t>(number >> 8),
                               static_cast<std::uint8_t>(number)};
            object(
                finding_of_handshake("negotiation-version-unsupported",
                                     evidence_.server_hello_offset + wire::record_header_length + 4,
                                     octets, "server_hello.server_version",
                                     fmt::format("the server chose {}", wire::name_of(version))),
                device_.server_hello.versions);
        }
    }

    // What does not fit is noticed before it is understood.
    void sizes() {
        if (const auto* limit = said(device_.server_hello.max_message_bytes)) {
            const auto look = [&](wire::HandshakeType type, std::size_t length,
                                  std::size_t offset) {
                if (length <= *limit) return;
                object(finding_of_handshake("capacity-message-too-long", offset, {},
                                            "handshake.length",
                                            fmt::format("{} of {} octets, the device holds {}",
                                                        wire::name_of(type), length, *limit)),
                       device_.server_hello.max_message_bytes);
            };
            for (const rules::MessageSeen& message : evidence_.messages)
                look(message.type, message.length, message.offset);
            if (const auto& begun = evidence_.unfinished_message)
                look(begun->type, begun->length, begun->offset);
        }
        if (const auto* limit = said(device_.server_hello.max_record_bytes);
            limit && evidence_.longest_record > *limit) {
            object(finding_of_handshake("capacity-record-too-long", evidence_.longest_record_offset,
                                        {}, "record.length",
                                        fmt::format("a record of {} octets, the device holds {}",
                                                    evidence_.longest_record, *limit)),
                   device_.server_hello.max_record_bytes);
        }
    }

    void key_exchange() {
        if (!evidence_.server_key_exchange) return;
        const auto* dh = std::get_if<wire::DhParams>(&evidence_.server_key_exchange->params);
        if (!dh) return;
        std::size_t offset = 0;
        for (const rules::MessageSeen& message : evidence_.messages) {
            if (message.type == wire::HandshakeType::server_key_exchange) {
                offset = message.body_offset + 2;  // behind the length of dh_p
            }
        }
        const auto* range = said(device_.key_exchange.dh_bits);
        const std::size_t bits = dh->p_bits();
        const std::size_t min = range ? range->min.value_or(0) : standard_min_dh_bits;
        if (bits < min) {
            object_by_standard(
                finding_of_handshake("key-dh-small", offset, dh->dh_p, "server_key_exchange.dh_p",
                                     fmt::format("{} bits, at least {} wanted", bits, min)),
                device_.key_exchange.dh_bits);
        } else if (range && range->max && bits > *range->max) {
            object(
                finding_of_handshake("key-dh-large", offset, dh->dh_p, "server_key_exchange.dh_p",
                                     fmt::format("{} bits, at most {} held", bits, *range->max)),
                device_.key_exchange.dh_bits);
        }
    }

    // --- certificates ---------------------------------------------------------------------------
    void oid_arcs() {
        const auto* limit = said(device_.certificate.max_oid_arcs);
        if (!limit) return;
        for (std::size_t number = 0; number < evidence_.chain.size(); ++number) {
            if (!evidence_.chain[number].certificate) continue;
            const Certificate& read = *evidence_.chain[number].certificate;
            const auto look = [&](const x509::Oid& oid, x509::Place place, std::string field) {
                if (oid.arc_count() <= *limit) return;
                Finding finding{"capacity-oid-arcs",
                                number,
                                std::move(field),
                                place.offset,
                                place.length,
                                to_bytes(read.at(place)),
                                fmt::format("{} has {} arcs, the device holds {}", oid.dotted(),
                                            oid.arc_count(), *limit)};
                finding.bytes.resize(std::min(finding.bytes.size(), rules::max_finding_bytes));
                object(std::move(finding), device_.certificate.max_oid_arcs);
            };
            for (std::size_t i = 0; i < read.extensions.size(); ++i) {
                const x509::Extension& extension = read.extensions[i];
                look(extension.id, extension.place,
                     fmt::format("tbsCertificate.extensions[{}].extnID", i));
                const auto* policies = std::get_if<x509::CertificatePolicies>(&extension.value);
                if (!policies || x509::oid_name(extension.id) != "certificatePolicies") continue;
                for (std::size_t j = 0; j < policies->policies.size(); ++j) {
                    look(policies->policies[j].policy, policies->policies[j].place,
                         fmt::format("tbsCertificate.extensions[{}].extnValue.policies[{}]", i, j));
                }
            }
        }
    }

    void path() {
        const Path& built = out_.path;
        if (built.certificates.empty()) return;  // the leaf could not be decoded
        if (device_.trust.store_id && device_.trust.grade != Grade::assumed) {
            out_.consulted = std::min(out_.consulted, device_.trust.grade);
        }
        const std::size_t last = built.certificates.size() - 1;
        const Certificate& end = certificate(last);
        const auto say = [&](std::string_view rule, std::string detail) -> Objection& {
            if (built.budget_exhausted) {
                detail += "; the search was given up: too many certificates bear the same names";
            }
            Objection& objection =
                object(finding_at(rule, last, end.issuer.place, "tbsCertificate.issuer", detail));
            objection.path_position = last;
            return objection;
        };
        switch (built.trust) {
            case Trust::trusted:
                return;
            case Trust::missing: {
                Objection& objection =
                    say("chain-anchor-missing",
                        built.anchor_detail.empty()
                            ? fmt::format("the path ends in {}, which the device does not hold",
                                          x509::describe(end))
                            : built.anchor_detail);
                if (device_.trust.store_id) {
                    objection.grade = device_.trust.grade;
                    objection.source = device_.trust.source;
                }
                return;
            }
            case Trust::no_issuer:
                say("chain-intermediate-missing",
                    fmt::format("the issuer {} was not sent and the device does not hold it",
                                printable(x509::to_string(end.issuer))));
                return;
            case Trust::undetermined:
                say("chain-anchor-undetermined",
                    fmt::format("it is not known whether the device holds {}",
                                printable(x509::to_string(end.issuer))))
                    .undecided = true;
                return;
        }
    }

    // A certificate of the path that is verified under the one above it.
    void link(std::size_t position) {
        signature_algorithm(position);
        critical_extensions(position);
        key(position);
        signature(position);
    }

    void signature_algorithm(std::size_t position) {
        const Certificate& read = certificate(position);
        if (position == 0 && x509::is_self_issued(read) && out_.path.certificates.size() == 1) {
            return;  // trusted or not, nobody verifies it
        }
        const std::string name = x509::oid_name(read.signature_algorithm.algorithm);
        const auto raise = [&](std::string_view rule, std::string detail) {
            object(finding_at(rule, position, read.signature_algorithm.place, "signatureAlgorithm",
                              std::move(detail)),
                   device_.certificate.signature_algorithms)
                .path_position = position;
        };
        if (const auto* known = said(device_.certificate.signature_algorithms)) {
            if (std::ranges::find(*known, read.signature_algorithm.algorithm) == known->end()) {
                raise("certificate-signature-algorithm-unsupported",
                      fmt::format("the device does not know {}", name));
            }
        } else if (is_weak_digest(name)) {
            object_by_standard(
                finding_at("certificate-signature-weak-digest", position,
                           read.signature_algorithm.place, "signatureAlgorithm", name),
                device_.certificate.signature_algorithms)
                .path_position = position;
        } else if (name != "sha1WithRSAEncryption") {
            raise("certificate-signature-algorithm-unsupported",
                  fmt::format("the profile does not say whether the device knows {}", name));
        }
    }

    void critical_extensions(std::size_t position) {
        const Certificate& read = certificate(position);
        const auto* known = said(device_.certificate.critical_extensions);
        for (std::size_t i = 0; i < read.extensions.size(); ++i) {
            const x509::Extension& extension = read.extensions[i];
            if (!extension.critical) continue;
            const std::string name = x509::oid_name(extension.id);
            if (known) {
                if (std::ranges::find(*known, extension.id) != known->end()) continue;
            } else if (name == "basicConstraints" || name == "keyUsage") {
                continue;  // every RFC 2459 client knows these two
            }
            object(finding_at(
                       "extension-critical-unknown", position, extension.critical_place,
                       fmt::format("tbsCertificate.extensions[{}].critical", i),
                       known ? fmt::format("the device does not know {}, which is critical", name)
                             : fmt::format("{} is critical and the profile does not say "
                                           "whether the device knows it",
                                           name)),
                   device_.certificate.critical_extensions)
                .path_position = position;
        }
    }

    void key(std::size_t position) {
        const x509::SubjectPublicKeyInfo& spki = certificate(position).subject_public_key_info;
        const std::string_view type = key_type(spki);
        const auto raise = [&](std::string_view rule, const auto& because, std::string detail) {
            Objection& objection = object(
                finding_at(rule, position, spki.place, std::string(spki_field), std::move(detail)),
                because);
            objection.path_position = position;
            return &objection;
        };
        if (const auto* types = said(device_.certificate.key_types)) {
            if (std::ranges::find(*types, type) == types->end()) {
                raise("key-type-unsupported", device_.certificate.key_types,
                      fmt::format("the key is {}", x509::to_string(spki)));
            }
        } else if (type != "rsa") {
            raise("key-type-unsupported", device_.certificate.key_types,
                  fmt::format("the key is {} and the profile does not say whether the device knows "
                              "the type",
                              x509::to_string(spki)));
        }
        const auto* rsa = std::get_if<x509::RsaPublicKey>(&spki.key);
        if (!rsa) return;
        const auto* range = said(device_.certificate.rsa_bits);
        const std::size_t min = range ? range->min.value_or(0) : standard_min_rsa_bits;
        if (rsa->bits < min) {
            raise("key-rsa-small", device_.certificate.rsa_bits,
                  fmt::format("{} bits, at least {} wanted", rsa->bits, min))
                ->undecided = false;  // the standard's measure, where the profile has none
        } else if (range && range->max && rsa->bits > *range->max) {
            raise("key-rsa-large", device_.certificate.rsa_bits,
                  fmt::format("{} bits, at most {} held", rsa->bits, *range->max));
        }
    }

    void signature(std::size_t position) {
        const Certificate& read = certificate(position);
        const bool last = position + 1 == out_.path.certificates.size();
        const bool self = last && x509::is_self_issued(read);
        const x509::Place place = read.signature_value_place;
        if (last && !self) {
            if (out_.path.trust == Trust::trusted && !out_.path.anchor_known) {
                unchecked(position, place, "the anchor's key is not at hand");
            }
            return;
        }
        if (self) return;  // an anchor's own signature protects nothing
        const Certificate& above = certificate(position + 1);
        std::optional<ByteView> parameters;
        if (read.signature_algorithm.parameters) parameters = *read.signature_algorithm.parameters;
        const crypto::SignatureResult result = crypto::verify_signature(
            read.tbs(), read.signature_algorithm.algorithm.dotted(), parameters,
            read.signature_value, above.subject_public_key_info.raw);
        if (result.check == crypto::SignatureCheck::bad) {
            object(finding_at("certificate-signature-invalid", position, place, "signatureValue",
                              result.detail.empty()
                                  ? "the signature does not verify under the issuer's key"
                                  : result.detail))
                .path_position = position;
        } else if (result.check == crypto::SignatureCheck::not_checkable) {
            unchecked(position, place, result.detail);
        }
    }

    void unchecked(std::size_t position, x509::Place place, std::string_view why) {
        object(finding_at("certificate-signature-unchecked", position, place, "signatureValue",
                          fmt::format("the signature was not checked: {}", why)))
            .path_position = position;
    }

    // A certificate of the path that has issued the one below it.
    void issuer(std::size_t position, bool is_anchor) {
        const Certificate& read = certificate(position);
        const auto* constraints =
            x509::find_value<x509::BasicConstraints>(read, "basicConstraints");
        const auto place_of = [&](std::string_view name) {
            const x509::Extension* extension = x509::find_extension(read, name);
            return extension ? extension->value_place
                             : x509::Place{read.extensions_place.offset, 0};
        };
        const auto* checked = said(device_.validation.basic_constraints);
        if (!is_anchor && (!checked || *checked) && !(constraints && constraints->ca)) {
            object_by_standard(
                finding_at("chain-issuer-not-ca", position, place_of("basicConstraints"),
                           "tbsCertificate.extensions.basicConstraints",
                           constraints ? "cA is FALSE" : "there is no basicConstraints"),
                device_.validation.basic_constraints)
                .path_position = position;
        }
        const auto* path_length = said(device_.validation.path_len_constraint);
        if (constraints && constraints->path_len_constraint && (!path_length || *path_length)) {
            // Intermediates between this certificate and the leaf; self-issued ones do not count.
            std::int64_t below = 0;
            for (std::size_t i = 1; i < position; ++i) {
                if (!x509::is_self_issued(certificate(i))) ++below;
            }
            const auto allowed = constraints->path_len_constraint->small();
            if (allowed && below > *allowed) {
                object_by_standard(
                    finding_at("chain-path-too-long", position, place_of("basicConstraints"),
                               "tbsCertificate.extensions.basicConstraints.pathLenConstraint",
                               fmt::format("{} intermediates follow, {} allowed", below, *allowed)),
                    device_.validation.path_len_constraint)
                    .path_position = position;
            }
        }
        const auto* usage = x509::find_value<x509::KeyUsage>(read, "keyUsage");
        const auto* usage_checked = said(device_.validation.ca_key_usage);
        if (usage && !usage->has(x509::KeyUsage::key_cert_sign) &&
            (!usage_checked || *usage_checked)) {
            object_by_standard(
                finding_at("chain-issuer-key-usage", position, place_of("keyUsage"),
                           "tbsCertificate.extensions.keyUsage", "keyCertSign is not set"),
                device_.validation.ca_key_usage)
                .path_position = position;
        }
    }

    void dates(std::size_t position, bool is_anchor) {
        const Certificate& read = certificate(position);
        const auto role = position == 0 ? device::DatesOf::leaf
                          : is_anchor   ? device::DatesOf::anchor
                                        : device::DatesOf::intermediates;
        const auto* whose = said(device_.validation.dates);
        if (whose && std::ranges::find(*whose, role) == whose->end()) return;
        const auto raise = [&](std::string_view rule, const x509::TimeField& field,
                               std::string_view name, std::string detail) {
            Objection& objection = object(
                finding_at(rule, position, field.place,
                           fmt::format("tbsCertificate.validity.{}", name), std::move(detail)));
            objection.path_position = position;
            if (whose) {
                objection.grade = device_.validation.dates->grade;
                objection.source = device_.validation.dates->source;
            } else {
                // RFC 5280 does not ask for the anchor's dates; what this device does is open.
                objection.undecided = is_anchor;
            }
        };
        const auto& [not_before, not_after, place] = read.validity;
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

    // --- the server's own certificate -----------------------------------------------------------
    void leaf() {
        if (out_.path.certificates.empty()) return;
        extended_key_usage();
        host_name();
        principal();
    }

    // Where the user would look for the name: subjectAltName, or else the subject.
    x509::Place names_place(const Certificate& read, std::string& field) const {
        for (std::size_t i = 0; i < read.extensions.size(); ++i) {
            if (x509::oid_name(read.extensions[i].id) != "subjectAltName") continue;
            field = fmt::format("tbsCertificate.extensions[{}].extnValue", i);
            return read.extensions[i].value_place;
        }
        field = "tbsCertificate.subject";
        return read.subject.place;
    }

    void host_name() {
        if (question_.host.empty()) return;
        const auto* checked = said(device_.names.checked);
        if (checked && !*checked) return;
        const Certificate& read = certificate(0);
        const Match match = match_host(read, question_.host, device_.names);
        if (match == Match::yes) {
            consult_names();
            return;
        }
        std::string field;
        const bool looks_at_san =
            is_silent(device_.names.san) || device_.names.san->value != device::SanRule::none;
        const x509::Place place = looks_at_san
                                      ? names_place(read, field)
                                      : (field = "tbsCertificate.subject", read.subject.place);
        Objection& objection = object(finding_at(
            "name-host-mismatch", 0, place, field,
            fmt::format("\"{}\" is none of: {}{}", printable(question_.host), list_names(read),
                        looks_at_san ? "" : " (the device looks at the common name only)")));
        objection.path_position = 0;
        objection.undecided = match == Match::undetermined;
        if (!is_silent(device_.names.san)) {
            objection.grade = device_.names.san->grade;
            objection.source = device_.names.san->source;
        }
    }

    void consult_names() {
        said(device_.names.san);
        said(device_.names.cn);
    }

    void principal() {
        if (is_silent(device_.names.msstd) || question_.msstd == "none") return;
        std::string_view wanted = question_.msstd;
        if (wanted.empty()) {
            wanted = question_.host;
        } else if (wanted.starts_with("msstd:")) {
            wanted.remove_prefix(6);
        }
        if (wanted.empty()) return;
        const Certificate& read = certificate(0);
        said(device_.names.msstd);
        const Match match = match_principal(read, wanted, device_.names);
        if (match == Match::yes) return;
        const bool cn_only = device_.names.msstd->value == device::MsstdRule::cn;
        Objection& objection = object(
            finding_at("name-msstd-mismatch", 0, read.subject.place, "tbsCertificate.subject",
                       fmt::format("msstd:{} is none of: {}{}", printable(wanted), list_names(read),
                                   cn_only ? " (only the common name is compared)" : "")),
            device_.names.msstd);
        objection.path_position = 0;
        objection.undecided = match == Match::undetermined;
    }

    void extended_key_usage() {
        using device::ExtendedKeyUsageRule;
        const Certificate& read = certificate(0);
        const auto* usage = x509::find_value<x509::ExtendedKeyUsage>(read, "extKeyUsage");
        if (!usage) return;
        const auto* stated = said(device_.validation.extended_key_usage);
        const ExtendedKeyUsageRule rule =
            stated ? *stated : ExtendedKeyUsageRule::server_auth_or_any;
        if (rule == ExtendedKeyUsageRule::ignored || usage->has("serverAuth")) return;
        const bool any = usage->has("anyExtendedKeyUsage");
        const bool sgc = usage->has("msSGC") || usage->has("nsSGC");
        if (any && rule != ExtendedKeyUsageRule::server_auth) return;
        if (sgc && rule == ExtendedKeyUsageRule::server_auth_any_or_sgc) return;
        const x509::Extension* extension = x509::find_extension(read, "extKeyUsage");
        std::vector<std::string> purposes;
        for (const x509::Oid& oid : usage->key_purposes)
            purposes.push_back(x509::oid_name(oid));
        object_by_standard(finding_at("extension-eku-lacks-server-auth", 0, extension->value_place,
                                      "tbsCertificate.extensions.extKeyUsage",
                                      fmt::format("only {}", fmt::join(purposes, ", "))),
                           device_.validation.extended_key_usage)
            .path_position = 0;
    }

    const Device& device_;
    const Evidence& evidence_;
    const Question& question_;
    Objections out_;
};

}  // namespace

Objections collect_objections(const device::Device& device, const device::Store* store,
                              const rules::Evidence& evidence, const Question& question) {
    return Collector(device, store, evidence, question).collect();
}

}  // namespace handset::judge
