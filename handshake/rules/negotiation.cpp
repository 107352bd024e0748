// Rules on what the server chose from the client's offer.
#include <fmt/format.h>

#include <algorithm>

#include "handshake/rules/tables.h"

namespace handset::rules {

namespace {

using wire::AlertDescription;
using wire::ExtensionType;

constexpr std::uint16_t empty_renegotiation_info_scsv = 0x00ff;

// Stream offset of a field of ServerHello. The message is taken to begin in one piece, which holds
// for every server that does not split its ServerHello over records.
std::size_t body_offset(const Evidence& evidence) {
    return evidence.server_hello_offset + wire::record_header_length + 4;
}

Bytes two_octets(std::uint16_t value) {
    return {static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
}

void find_version_not_offered(const Evidence& evidence, Findings& findings) {
    if (!evidence.offer || !evidence.server_hello) return;
    const wire::ProtocolVersion chosen = wire::selected_version(*evidence.server_hello);
    bool offered = chosen <= evidence.offer->version;
    if (const auto* versions =
            wire::find_extension(evidence.offer->extensions, ExtensionType::supported_versions)) {
        const auto list = wire::decode_supported_versions(versions->data);
        offered = list && std::ranges::find(*list, chosen) != list->end();
    }
    if (offered) return;
    findings.in_stream(
        body_offset(evidence),
        two_octets(static_cast<std::uint16_t>(evidence.server_hello->server_version)),
        "server_hello.server_version",
        fmt::format("the server chose {}, the client offered up to {}", wire::name_of(chosen),
                    wire::name_of(evidence.offer->version)));
}

void find_suite_not_offered(const Evidence& evidence, Findings& findings) {
    if (!evidence.offer || !evidence.server_hello) return;
    const wire::CipherSuite chosen = evidence.server_hello->cipher_suite;
    const auto& offered = evidence.offer->cipher_suites;
    if (std::ranges::find(offered, chosen) != offered.end()) return;
    findings.in_stream(body_offset(evidence) + 35 + evidence.server_hello->session_id.size(),
                       two_octets(static_cast<std::uint16_t>(chosen)), "server_hello.cipher_suite",
                       fmt::format("{} was not offered", wire::name_of(chosen)));
}

void find_compression_not_offered(const Evidence& evidence, Findings& findings) {
    if (!evidence.offer || !evidence.server_hello) return;
    const wire::CompressionMethod chosen = evidence.server_hello->compression_method;
    const auto& offered = evidence.offer->compression_methods;
    if (std::ranges::find(offered, chosen) != offered.end()) return;
    const Bytes octet{static_cast<std::uint8_t>(chosen)};
    findings.in_stream(body_offset(evidence) + 37 + evidence.server_hello->session_id.size(), octet,
                       "server_hello.compression_method",
                       fmt::format("{} was not offered", wire::name_of(chosen)));
}

// Of extensions that no registry knows, or of the others.
void find_unsolicited(const Evidence& evidence, Findings& findings, bool unknown) {
    if (!evidence.offer || !evidence.server_hello || !evidence.server_hello->extensions) return;
    const auto& suites = evidence.offer->cipher_suites;
    const bool scsv =
        std::ranges::find(suites, static_cast<wire::CipherSuite>(empty_renegotiation_info_scsv)) !=
        suites.end();
    const auto& extensions = *evidence.server_hello->extensions;
    for (std::size_t i = 0; i < extensions.size(); ++i) {
        const wire::Extension& extension = extensions[i];
        if (wire::find_extension(evidence.offer->extensions, extension.type)) continue;
        if (extension.type == ExtensionType::renegotiation_info && scsv) continue;
        if (wire::name_of(extension.type).starts_with("0x") != unknown) continue;
        findings.in_stream(
            body_offset(evidence) + extension.offset,
            two_octets(static_cast<std::uint16_t>(extension.type)),
            fmt::format("server_hello.extensions[{}]", i),
            fmt::format("{} was not in the ClientHello", wire::name_of(extension.type)));
    }
}

void find_extension_unsolicited(const Evidence& evidence, Findings& findings) {
    find_unsolicited(evidence, findings, false);
}
void find_extension_unknown(const Evidence& evidence, Findings& findings) {
    find_unsolicited(evidence, findings, true);
}

void find_session_id_too_long(const Evidence& evidence, Findings& findings) {
    if (!evidence.server_hello || evidence.server_hello->session_id.size() <= 32) return;
    findings.in_stream(body_offset(evidence) + 35, evidence.server_hello->session_id,
                       "server_hello.session_id",
                       fmt::format("{} octets", evidence.server_hello->session_id.size()));
}

// The extension in the ServerHello, with its index; nullptr when there is none.
const wire::Extension* find_answer(const Evidence& evidence, ExtensionType type,
                                   std::size_t& index) {
    if (!evidence.server_hello || !evidence.server_hello->extensions) return nullptr;
    const auto& extensions = *evidence.server_hello->extensions;
    const auto found = std::ranges::find(extensions, type, &wire::Extension::type);
    if (found == extensions.end()) return nullptr;
    index = static_cast<std::size_t>(found - extensions.begin());
    return &*found;
}

// At the contents of an extension of the ServerHello.
void report_answer(const Evidence& evidence, Findings& findings, const wire::Extension& extension,
                   std::size_t index, std::string detail) {
    findings.in_stream(body_offset(evidence) + extension.offset + 4, extension.data,
                       fmt::format("server_hello.extensions[{}]", index), std::move(detail));
}

void find_renegotiation_info_invalid(const Evidence& evidence, Findings& findings) {
    std::size_t index = 0;
    const auto* answer = find_answer(evidence, ExtensionType::renegotiation_info, index);
    if (!answer || answer->data == Bytes{0}) return;
    report_answer(evidence, findings, *answer, index,
                  "renegotiated_connection is not empty, as if this were a renegotiation");
}

void find_renegotiation_info_missing(const Evidence& evidence, Findings& findings) {
    if (!evidence.offer || !evidence.server_hello) return;
    if (wire::selected_version(*evidence.server_hello) >= wire::ProtocolVersion::tls_1_3) return;
    const auto& suites = evidence.offer->cipher_suites;
    const auto scsv = static_cast<wire::CipherSuite>(empty_renegotiation_info_scsv);
    const bool offered =
        std::ranges::find(suites, scsv) != suites.end() ||
        wire::find_extension(evidence.offer->extensions, ExtensionType::renegotiation_info);
    std::size_t index = 0;
    if (!offered || find_answer(evidence, ExtensionType::renegotiation_info, index)) return;
    findings.in_stream(body_offset(evidence), {}, "server_hello.extensions",
                       "no renegotiation_info: the server knows no secure renegotiation");
}

void find_session_ticket(const Evidence& evidence, Findings& findings) {
    std::size_t index = 0;
    const auto* answer = find_answer(evidence, ExtensionType::session_ticket, index);
    if (!answer) return;
    findings.in_stream(body_offset(evidence) + answer->offset,
                       two_octets(static_cast<std::uint16_t>(answer->type)),
                       fmt::format("server_hello.extensions[{}]", index),
                       "a NewSessionTicket message will follow");
}

void find_point_format_missing(const Evidence& evidence, Findings& findings) {
    std::size_t index = 0;
    const auto* answer = find_answer(evidence, ExtensionType::ec_point_formats, index);
    if (!answer) return;
    const auto formats = wire::decode_ec_point_formats(answer->data);
    if (formats && std::ranges::find(*formats, std::uint8_t{0}) != formats->end()) return;
    report_answer(evidence, findings, *answer, index, "uncompressed is not among the formats");
}

// RFC 4492 4: without the extension the server is free to choose.
void find_group_not_offered(const Evidence& evidence, Findings& findings) {
    if (!evidence.offer || !evidence.server_key_exchange) return;
    const auto* ecdh = std::get_if<wire::EcdhParams>(&evidence.server_key_exchange->params);
    const auto* extension =
        wire::find_extension(evidence.offer->extensions, ExtensionType::supported_groups);
    const MessageSeen* message = find_message(evidence, wire::HandshakeType::server_key_exchange);
    if (!ecdh || !extension || !message) return;
    const auto offered = wire::decode_supported_groups(extension->data);
    if (!offered) return;
    // Explicit curves are offered as a whole, by kind: 0xff01 prime, 0xff02 characteristic two.
    const bool named = ecdh->curve_type == 3;
    const wire::NamedGroup chosen =
        named ? ecdh->named_curve : static_cast<wire::NamedGroup>(0xff00 + ecdh->curve_type);
    if (std::ranges::find(*offered, chosen) != offered->end()) return;
    const Bytes octets =
        named ? two_octets(static_cast<std::uint16_t>(chosen)) : Bytes{ecdh->curve_type};
    findings.in_stream(message->body_offset + (named ? 1 : 0), octets,
                       named ? "server_key_exchange.namedcurve" : "server_key_exchange.curve_type",
                       named ? fmt::format("{} was not offered", wire::name_of(chosen))
                             : "explicit curves were not offered");
}

// RFC 5246 7.4.1.4.1: who sends no signature_algorithms has offered SHA-1.
bool is_scheme_offered(const Offer& offer, wire::SignatureScheme chosen) {
    const auto* extension =
        wire::find_extension(offer.extensions, ExtensionType::signature_algorithms);
    if (!extension) return static_cast<std::uint16_t>(chosen) >> 8 == 0x02;
    const auto offered = wire::decode_signature_algorithms(extension->data);
    return !offered || std::ranges::find(*offered, chosen) != offered->end();
}

void find_signature_scheme_not_offered(const Evidence& evidence, Findings& findings) {
    if (!evidence.offer || !evidence.server_key_exchange) return;
    const wire::ServerKeyExchange& exchange = *evidence.server_key_exchange;
    const MessageSeen* message = find_message(evidence, wire::HandshakeType::server_key_exchange);
    if (!exchange.algorithm || !message) return;
    if (is_scheme_offered(*evidence.offer, *exchange.algorithm)) return;
    findings.in_stream(message->body_offset + exchange.signed_params.size(),
                       two_octets(static_cast<std::uint16_t>(*exchange.algorithm)),
                       "server_key_exchange.algorithm",
                       fmt::format("{} was not offered", wire::name_of(*exchange.algorithm)));
}

constexpr std::string_view mend_server =
    "The server's TLS library is at fault, or something in front of it rewrites the handshake: "
    "compare what `openssl s_client -connect HOST:PORT -msg` shows from inside and from outside, "
    "and update the one that differs.";

constexpr Rule table[] = {
    {"negotiation-version-not-offered", Area::negotiation, Level::must, Step::server_hello,
     "The server chooses a version the client offered.", "RFC 5246 7.4.1.3",
     AlertDescription::protocol_version, mend_server, find_version_not_offered},
    {"negotiation-version-unsupported", Area::negotiation, Level::must, Step::server_hello,
     "The client supports the version the server chose.", "RFC 5246 E.1",
     AlertDescription::protocol_version,
     "Enable a version these devices speak: nginx `ssl_protocols TLSv1 TLSv1.1 TLSv1.2;`, Apache "
     "`SSLProtocol all`, Postfix `smtpd_tls_protocols = >=TLSv1`, Dovecot `ssl_min_protocol = "
     "TLSv1` (OpenSSL 3 wants `@SECLEVEL=0` among the ciphers as well); Schannel `reg add "
     "\"HKLM\\SYSTEM\\CurrentControlSet\\Control\\SecurityProviders\\SCHANNEL\\Protocols\\TLS "
     "1.0\\Server\" /v Enabled /t REG_DWORD /d 1`.",
     nullptr},
    {"negotiation-suite-not-offered", Area::negotiation, Level::must, Step::server_hello,
     "The server chooses a suite from the client's list.", "RFC 5246 7.4.1.3",
     AlertDescription::illegal_parameter, mend_server, find_suite_not_offered},
    {"negotiation-compression-not-offered", Area::negotiation, Level::must, Step::server_hello,
     "The server chooses a compression method from the client's list.", "RFC 5246 7.4.1.3",
     AlertDescription::illegal_parameter, mend_server, find_compression_not_offered},
    {"negotiation-extension-unsolicited", Area::negotiation, Level::must, Step::server_hello,
     "The server answers only extensions that the client sent.", "RFC 5246 7.4.1.4",
     AlertDescription::unsupported_extension, mend_server, find_extension_unsolicited},
    {"negotiation-extension-unknown", Area::negotiation, Level::must, Step::server_hello,
     "The server answers no extension that nobody knows and the client did not send.",
     "RFC 5246 7.4.1.4", AlertDescription::unsupported_extension, mend_server,
     find_extension_unknown},
    {"negotiation-session-id-too-long", Area::negotiation, Level::must, Step::server_hello,
     "A session_id has at most 32 octets.", "RFC 5246 7.4.1.3", AlertDescription::illegal_parameter,
     mend_server, find_session_id_too_long},
    {"negotiation-renegotiation-info-invalid", Area::negotiation, Level::must, Step::server_hello,
     "In the first handshake of a connection renegotiated_connection is empty.", "RFC 5746 3.4",
     AlertDescription::handshake_failure, mend_server, find_renegotiation_info_invalid},
    {"negotiation-renegotiation-info-missing", Area::negotiation, Level::should, Step::server_hello,
     "The server answers a client that offers secure renegotiation.", "RFC 5746 3.4, 4.1",
     AlertDescription::handshake_failure,
     "Update the server's TLS library: OpenSSL 0.9.8m and Windows with KB980436 know secure "
     "renegotiation; `openssl s_client -connect HOST:PORT` says whether it is supported.",
     find_renegotiation_info_missing},
    {"negotiation-session-ticket", Area::negotiation, Level::should, Step::server_hello,
     "A server may answer session_ticket, and then sends a NewSessionTicket message.",
     "RFC 5077 3.2, 3.3", AlertDescription::unexpected_message,
     "Switch tickets off for clients that stumble over them: nginx `ssl_session_tickets off;`, "
     "Apache `SSLSessionTickets off`, Postfix `tls_ssl_options = NO_TICKET`, Dovecot `ssl_options "
     "= no_ticket`.",
     find_session_ticket},
    {"negotiation-point-format-missing", Area::negotiation, Level::must, Step::server_hello,
     "ec_point_formats contains uncompressed.", "RFC 4492 5.2", AlertDescription::illegal_parameter,
     mend_server, find_point_format_missing},
    {"negotiation-group-not-offered", Area::negotiation, Level::must, Step::key_exchange,
     "The server chooses a curve from the client's supported_groups.", "RFC 4492 4, 5.1",
     AlertDescription::illegal_parameter,
     "Let the server choose by the client's list instead of one curve for all: nginx "
     "`ssl_ecdh_curve auto;`, Postfix `smtpd_tls_eecdh_grade = auto`, Dovecot an empty "
     "`ssl_curve_list`; a server that still does not is to be updated.",
     find_group_not_offered},
    {"negotiation-signature-scheme-not-offered", Area::negotiation, Level::must, Step::key_exchange,
     "The key exchange is signed with a pair of the client's signature_algorithms.",
     "RFC 5246 7.4.3, 7.4.1.4.1", AlertDescription::illegal_parameter, mend_server,
     find_signature_scheme_not_offered},
};

}  // namespace

std::span<const Rule> negotiation_rules() {
    return table;
}

}  // namespace handset::rules
