#include "emulator/judge/limits.h"

#include <fmt/format.h>

#include <algorithm>

namespace handset::judge {

namespace {

using rules::Evidence;
using wire::HandshakeType;
using x509::Certificate;

// RFC 7525 4.3, for profiles that state nothing.
constexpr std::size_t standard_min_dh_bits = 1024;

// What does not fit is noticed before it is understood.
void messages(Objector& out, const Evidence& evidence) {
    const auto& rules = out.device.server_hello;
    const auto look = [&](HandshakeType type, std::size_t length, std::size_t offset) {
        const auto hold_to = [&](const device::Stated<std::size_t>& stated) {
            const auto* limit = out.said(stated);
            if (!limit || length <= *limit) return;
            out.object(
                finding_in_stream("capacity-message-too-long", offset, {}, "handshake.length",
                                  fmt::format("{} of {} octets, the device holds {}",
                                              wire::name_of(type), length, *limit)),
                stated);
        };
        const bool has_own_limit = (type == HandshakeType::certificate &&
                                    !Objector::is_silent(rules.max_certificate_message_bytes)) ||
                                   (type == HandshakeType::certificate_request &&
                                    !Objector::is_silent(rules.max_certificate_request_bytes));
        if (!has_own_limit) hold_to(rules.max_message_bytes);
        if (type == HandshakeType::certificate) hold_to(rules.max_certificate_message_bytes);
        if (type != HandshakeType::certificate_request) return;
        if (const auto* limit = out.said(rules.max_certificate_request_bytes);
            limit && length > *limit) {
            out.object(finding_in_stream(
                           "capacity-certificate-request-bytes", offset, {}, "handshake.length",
                           fmt::format("CertificateRequest of {} octets, the device holds {}",
                                       length, *limit)),
                       rules.max_certificate_request_bytes);
        }
    };
    for (const rules::MessageSeen& message : evidence.messages)
        look(message.type, message.length, message.offset);
    if (const auto& begun = evidence.unfinished_message)
        look(begun->type, begun->length, begun->offset);
    if (const auto* limit = out.said(rules.max_record_bytes);
        limit && evidence.longest_record > *limit) {
        out.object(finding_in_stream("capacity-record-too-long", evidence.longest_record_offset, {},
                                     "record.length",
                                     fmt::format("a record of {} octets, the device holds {}",
                                                 evidence.longest_record, *limit)),
                   rules.max_record_bytes);
    }
}

void version(Objector& out, const Evidence& evidence) {
    if (!evidence.server_hello) return;
    const wire::ProtocolVersion chosen = wire::selected_version(*evidence.server_hello);
    const auto* versions = out.said(out.device.server_hello.versions);
    if (!versions || std::ranges::find(*versions, chosen) != versions->end()) return;
    const auto number = static_cast<std::uint16_t>(chosen);
    const Bytes octets{static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
    out.object(finding_in_stream("negotiation-version-unsupported",
                                 evidence.server_hello_offset + wire::record_header_length + 4,
                                 octets, "server_hello.server_version",
                                 fmt::format("the server chose {}", wire::name_of(chosen))),
               out.device.server_hello.versions);
}

// --- the Certificate message
// ----------------------------------------------------------------------

void chain_size(Objector& out, const Evidence& evidence) {
    const auto& rules = out.device.server_hello;
    std::size_t offset = 0;
    for (const rules::MessageSeen& message : evidence.messages) {
        if (message.type == HandshakeType::certificate) offset = message.offset;
    }
    if (const auto* limit = out.said(rules.max_chain_certificates);
        limit && evidence.certificates_sent > *limit) {
        out.object(finding_in_stream("capacity-chain-certificates", offset, {},
                                     "certificate.certificate_list",
                                     fmt::format("{} certificates, the device holds {}",
                                                 evidence.certificates_sent, *limit)),
                   rules.max_chain_certificates);
    }
    if (const auto* limit = out.said(rules.max_chain_bytes)) {
        std::size_t octets = 0;
        for (const rules::ChainEntry& entry : evidence.chain)
            octets += entry.der.size();
        if (octets > *limit) {
            out.object(finding_in_stream(
                           "capacity-chain-bytes", offset, {}, "certificate.certificate_list",
                           fmt::format("certificates of {} octets together, the device holds {}",
                                       octets, *limit)),
                       rules.max_chain_bytes);
        }
    }
}

rules::Finding finding_of(std::string_view rule, std::size_t number, const Certificate& read,
                          x509::Place place, std::string field, std::string detail) {
    rules::Finding finding{std::string(rule), number,       std::move(field),
                           place.offset,      place.length, to_bytes(read.at(place)),
                           std::move(detail)};
    finding.bytes.resize(std::min(finding.bytes.size(), rules::max_finding_bytes));
    return finding;
}

void oid_arcs(Objector& out, std::size_t number, const Certificate& read) {
    const auto* limit = out.said(out.device.certificate.max_oid_arcs);
    if (!limit) return;
    const auto look = [&](const x509::Oid& oid, x509::Place place, std::string field) {
        if (oid.arc_count() <= *limit) return;
        out.object(finding_of("capacity-oid-arcs", number, read, place, std::move(field),
                              fmt::format("{} has {} arcs, the device holds {}", oid.dotted(),
                                          oid.arc_count(), *limit)),
                   out.device.certificate.max_oid_arcs);
    };
    for (std::size_t i = 0; i < read.extensions.size(); ++i) {
        const x509::Extension& extension = read.extensions[i];
        look(extension.id, extension.place, fmt::format("tbsCertificate.extensions[{}].extnID", i));
        const auto* policies = std::get_if<x509::CertificatePolicies>(&extension.value);
        if (!policies || x509::oid_name(extension.id) != "certificatePolicies") continue;
        for (std::size_t j = 0; j < policies->policies.size(); ++j) {
            look(policies->policies[j].policy, policies->policies[j].place,
                 fmt::format("tbsCertificate.extensions[{}].extnValue.policies[{}]", i, j));
        }
    }
}

void san_names(Objector& out, std::size_t number, const Certificate& read) {
    const auto* limit = out.said(out.device.certificate.max_san_names);
    if (!limit) return;
    for (std::size_t i = 0; i < read.extensions.size(); ++i) {
        const x509::Extension& extension = read.extensions[i];
        const auto* names = std::get_if<x509::GeneralNames>(&extension.value);
        if (!names || x509::oid_name(extension.id) != "subjectAltName") continue;
        if (names->names.size() <= *limit) continue;
        out.object(
            finding_of("capacity-san-names", number, read, extension.value_place,
                       fmt::format("tbsCertificate.extensions[{}].extnValue", i),
                       fmt::format("{} names, the device holds {}", names->names.size(), *limit)),
            out.device.certificate.max_san_names);
    }
}

void certificates(Objector& out, const Evidence& evidence) {
    const auto* limit = out.said(out.device.certificate.max_certificate_bytes);
    for (std::size_t number = 0; number < evidence.chain.size(); ++number) {
        const rules::ChainEntry& entry = evidence.chain[number];
        if (limit && entry.der.size() > *limit) {
            rules::Finding finding =
                finding_in_stream("capacity-certificate-bytes", 0, entry.der, "certificate",
                                  fmt::format("a certificate of {} octets, the device holds {}",
                                              entry.der.size(), *limit));
            finding.certificate = number;
            out.object(std::move(finding), out.device.certificate.max_certificate_bytes);
        }
        if (!entry.certificate) continue;
        oid_arcs(out, number, *entry.certificate);
        san_names(out, number, *entry.certificate);
    }
}

// --- key exchange
// ---------------------------------------------------------------------------------

std::size_t key_exchange_offset(const Evidence& evidence) {
    for (const rules::MessageSeen& message : evidence.messages) {
        if (message.type == HandshakeType::server_key_exchange) return message.body_offset;
    }
    return 0;
}

// RFC 5246 7.4.1.4.1, RFC 8446 4.2.3; empty for a hash that is neither's.
std::string_view hash_of(wire::SignatureScheme scheme) {
    const auto number = static_cast<std::uint16_t>(scheme);
    std::size_t hash = number >> 8;
    if (hash == 8) {  // RSASSA-PSS, with a key of either kind
        const std::size_t low = number & 0xff;
        hash = low >= 9 ? low - 5 : low;
    }
    static constexpr std::string_view names[] = {"",       "md5",    "sha1",  "sha224",
                                                 "sha256", "sha384", "sha512"};
    return hash < std::size(names) ? names[hash] : "";
}

void diffie_hellman(Objector& out, const wire::DhParams& dh, std::size_t offset) {
    const auto& rules = out.device.key_exchange;
    const std::size_t bits = dh.p_bits();
    const auto finding = [&](std::string_view rule, std::string detail) {
        return finding_in_stream(rule, offset + 2, dh.dh_p, "server_key_exchange.dh_p",
                                 std::move(detail));
    };
    const auto* range = out.said(rules.dh_bits);
    const std::size_t min = range ? range->min.value_or(0) : standard_min_dh_bits;
    if (bits < min) {
        out.object_by_standard(
            finding("key-dh-small", fmt::format("{} bits, at least {} wanted", bits, min)),
            rules.dh_bits);
    } else if (range && range->max && bits > *range->max) {
        out.object(
            finding("key-dh-large", fmt::format("{} bits, at most {} held", bits, *range->max)),
            rules.dh_bits);
    }
    if (const auto* multiple = out.said(rules.dh_bits_multiple); multiple && bits % *multiple) {
        out.object(
            finding("key-dh-shape", fmt::format("{} bits are no multiple of {}", bits, *multiple)),
            rules.dh_bits_multiple);
    }
}

void key_exchange(Objector& out, const Evidence& evidence) {
    if (!evidence.server_key_exchange) return;
    const wire::ServerKeyExchange& seen = *evidence.server_key_exchange;
    const auto& rules = out.device.key_exchange;
    const std::size_t offset = key_exchange_offset(evidence);
    if (const auto* dh = std::get_if<wire::DhParams>(&seen.params)) {
        diffie_hellman(out, *dh, offset);
    }
    if (const auto* ec = std::get_if<wire::EcdhParams>(&seen.params)) {
        const auto* groups = out.said(rules.groups);
        if (groups && std::ranges::find(*groups, ec->named_curve) == groups->end()) {
            const auto number = static_cast<std::uint16_t>(ec->named_curve);
            const Bytes octets{static_cast<std::uint8_t>(number >> 8),
                               static_cast<std::uint8_t>(number)};
            out.object(finding_in_stream("key-exchange-group-unsupported", offset + 1, octets,
                                         "server_key_exchange.named_curve",
                                         fmt::format("the device does not know {}",
                                                     wire::name_of(ec->named_curve))),
                       rules.groups);
        }
    }
    const auto* hashes = out.said(rules.hashes);
    if (hashes && seen.algorithm) {
        const std::string_view hash = hash_of(*seen.algorithm);
        if (std::ranges::find(*hashes, hash) == hashes->end()) {
            out.object(finding_in_stream("key-exchange-hash-unsupported", offset, {},
                                         "server_key_exchange.signature_algorithm",
                                         fmt::format("the device does not verify {}",
                                                     wire::name_of(*seen.algorithm))),
                       rules.hashes);
        }
    }
}

}  // namespace

void check_limits(Objector& out, const Evidence& evidence) {
    messages(out, evidence);
    version(out, evidence);
    if (evidence.certificate_message_seen) {
        chain_size(out, evidence);
        certificates(out, evidence);
    }
    key_exchange(out, evidence);
}

}  // namespace handset::judge
