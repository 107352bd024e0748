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

void find_extension_unsolicited(const Evidence& evidence, Findings& findings) {
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
        findings.in_stream(
            body_offset(evidence) + extension.offset,
            two_octets(static_cast<std::uint16_t>(extension.type)),
            fmt::format("server_hello.extensions[{}]", i),
            fmt::format("{} was not in the ClientHello", wire::name_of(extension.type)));
    }
}

void find_session_id_too_long(const Evidence& evidence, Findings& findings) {
    if (!evidence.server_hello || evidence.server_hello->session_id.size() <= 32) return;
    findings.in_stream(body_offset(evidence) + 35, evidence.server_hello->session_id,
                       "server_hello.session_id",
                       fmt::format("{} octets", evidence.server_hello->session_id.size()));
}

constexpr std::string_view mend_server =
    "The server's TLS library is at fault, or something between client and server rewrites the "
    "handshake.";

constexpr Rule table[] = {
    {"negotiation-version-not-offered", Area::negotiation, Level::must, Step::server_hello,
     "The server chooses a version the client offered.", "RFC 5246 7.4.1.3",
     AlertDescription::protocol_version, mend_server, find_version_not_offered},
    {"negotiation-version-unsupported", Area::negotiation, Level::must, Step::server_hello,
     "The client supports the version the server chose.", "RFC 5246 E.1",
     AlertDescription::protocol_version,
     "Enable a version these devices speak (nginx: ssl_protocols).", nullptr},
    {"negotiation-suite-not-offered", Area::negotiation, Level::must, Step::server_hello,
     "The server chooses a suite from the client's list.", "RFC 5246 7.4.1.3",
     AlertDescription::illegal_parameter, mend_server, find_suite_not_offered},
    {"negotiation-compression-not-offered", Area::negotiation, Level::must, Step::server_hello,
     "The server chooses a compression method from the client's list.", "RFC 5246 7.4.1.3",
     AlertDescription::illegal_parameter, mend_server, find_compression_not_offered},
    {"negotiation-extension-unsolicited", Area::negotiation, Level::must, Step::server_hello,
     "The server answers only extensions that the client sent.", "RFC 5246 7.4.1.4",
     AlertDescription::unsupported_extension, mend_server, find_extension_unsolicited},
    {"negotiation-session-id-too-long", Area::negotiation, Level::must, Step::server_hello,
     "A session_id has at most 32 octets.", "RFC 5246 7.4.1.3", AlertDescription::illegal_parameter,
     mend_server, find_session_id_too_long},
};

}  // namespace

std::span<const Rule> negotiation_rules() {
    return table;
}

}  // namespace handset::rules
