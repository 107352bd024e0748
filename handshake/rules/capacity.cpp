// Rules on sizes that some clients cannot hold. The limits are the devices'; none is the
// standard's.
#include <fmt/format.h>

#include "handshake/rules/tables.h"

namespace handset::rules {

namespace {

using wire::AlertDescription;

void find_certificate_count(const Evidence& evidence, Findings& findings) {
    if (evidence.certificates_sent <= evidence.chain.size()) return;
    findings.in_stream(0, {}, "certificate_list",
                       fmt::format("{} certificates; the first {} were read",
                                   evidence.certificates_sent, evidence.chain.size()));
}

void find_flight_length(const Evidence& evidence, Findings& findings) {
    if (evidence.ending != wire::Ending::limit) return;
    findings.in_stream(0, {}, "handshake", evidence.ending_detail);
}

// RFC 5246 6.2.1: the most that one record holds.
constexpr std::size_t max_plaintext_length = 16384;

void find_ca_list(const Evidence& evidence, Findings& findings) {
    if (!evidence.certificate_request) return;
    const auto& names = evidence.certificate_request->certificate_authorities;
    std::size_t length = 0;
    for (const Bytes& name : names)
        length += 2 + name.size();
    if (length <= max_plaintext_length) return;
    const MessageSeen* message = find_message(evidence, wire::HandshakeType::certificate_request);
    findings.in_stream(
        message ? message->offset : 0, {}, "certificate_request.certificate_authorities",
        fmt::format("{} names of {} octets, more than one record holds", names.size(), length));
}

constexpr std::string_view shorten =
    "Make the chain shorter: leave the root out (`cat leaf.pem intermediate.pem > chain.pem`), and "
    "have a certificate issued with fewer names and a key of 2,048 bits.";
constexpr std::string_view ask_for_fewer =
    "Name fewer CAs: nginx `ssl_client_certificate one-ca.pem;`, Apache `SSLCADNRequestFile "
    "one-ca.pem`, Dovecot `ssl_ca = <one-ca.pem`; Schannel sends none after `reg add "
    "HKLM\\SYSTEM\\CurrentControlSet\\Control\\SecurityProviders\\SCHANNEL /v "
    "SendTrustedIssuerList /t REG_DWORD /d 0`.";

constexpr Rule table[] = {
    {"capacity-message-too-long", Area::capacity, Level::must, Step::certificate_message,
     "A handshake message fits the client's buffer.", "RFC 5246 7.4",
     AlertDescription::illegal_parameter, shorten, nullptr},
    {"capacity-record-too-long", Area::capacity, Level::must, Step::server_hello,
     "A record fits the client's buffer.", "RFC 5246 6.2.1", AlertDescription::record_overflow,
     shorten, nullptr},
    {"capacity-certificate-count", Area::capacity, Level::must, Step::certificate_message,
     "A certificate_list holds what leads from the server's certificate to a root.",
     "RFC 5246 7.4.2", AlertDescription::bad_certificate,
     "Write the chain file anew instead of appending to it: `cat leaf.pem intermediate.pem > "
     "chain.pem`.",
     find_certificate_count},
    {"capacity-chain-bytes", Area::capacity, Level::must, Step::certificate_message,
     "The certificates together are not longer than the client can hold.", "RFC 5246 7.4.2",
     AlertDescription::bad_certificate, shorten, nullptr},
    {"capacity-chain-certificates", Area::capacity, Level::must, Step::certificate_message,
     "The certificate_list has no more certificates than the client can hold.", "RFC 5246 7.4.2",
     AlertDescription::bad_certificate,
     "Send the server's certificate and the intermediates it needs, nothing else: `cat leaf.pem "
     "intermediate.pem > chain.pem`; if that is too much, use a CA nearer to its root.",
     nullptr},
    {"capacity-certificate-bytes", Area::capacity, Level::must, Step::encoding,
     "A certificate is not longer than the client can hold.", "RFC 5280 4.1",
     AlertDescription::bad_certificate,
     "Have a certificate issued with fewer names and a key of 2,048 bits: `openssl req -new "
     "-newkey rsa:2048 -nodes -keyout key.pem -subj /CN=mail.example.com -addext "
     "subjectAltName=DNS:mail.example.com -out request.pem`.",
     nullptr},
    {"capacity-san-names", Area::capacity, Level::must, Step::encoding,
     "subjectAltName has no more names than the client can hold.", "RFC 5280 4.2.1.6",
     AlertDescription::bad_certificate,
     "Spread the names over several certificates, one for each host that devices reach; on "
     "Exchange 2007 `New-ExchangeCertificate -GenerateRequest -Path c:\\request.req -SubjectName "
     "\"CN=mail.contoso.com\" -DomainName mail.contoso.com,autodiscover.contoso.com`.",
     nullptr},
    {"capacity-year", Area::capacity, Level::must, Step::validity,
     "A certificate ends in a year that the client can hold.", "RFC 5280 4.1.2.5",
     AlertDescription::bad_certificate,
     "Have the certificate issued with an earlier end: `openssl x509 -req -days 3650 ...`.",
     nullptr},
    {"capacity-path-depth", Area::capacity, Level::must, Step::path_length,
     "A path has no more certificates than the client follows.", "RFC 5280 6.1",
     AlertDescription::unknown_ca,
     "Use a CA nearer to its root, or send the chain that leads to the older, shorter root: "
     "`openssl verify -show_chain -CAfile root.pem -untrusted intermediate.pem leaf.pem` shows "
     "what there is.",
     nullptr},
    {"capacity-ca-list", Area::capacity, Level::should, Step::key_exchange,
     "A CertificateRequest fits one record: certificate_authorities has at most 16,384 octets.",
     "RFC 5246 6.2.1, 7.4.4", AlertDescription::illegal_parameter, ask_for_fewer, find_ca_list},
    {"capacity-certificate-request-bytes", Area::capacity, Level::must, Step::key_exchange,
     "The CertificateRequest is not longer than the client can hold.", "RFC 5246 7.4.4",
     AlertDescription::illegal_parameter, ask_for_fewer, nullptr},
    {"capacity-flight-length", Area::capacity, Level::must, Step::certificate_message,
     "A server's flight ends within what any client would read.", "RFC 5246 7.3",
     AlertDescription::internal_error,
     "Look at what the server sends, for a flight of this length is no handshake: `openssl "
     "s_client -connect HOST:PORT -msg`.",
     find_flight_length},
    {"capacity-oid-arcs", Area::capacity, Level::must, Step::encoding,
     "Object identifiers have no more arcs than the client can hold.", "RFC 5280 4.2.1.4",
     AlertDescription::unexpected_message,
     "Leave the extension with the long identifier out of the certificate: a Microsoft CA writes "
     "one into certificatePolicies when the template has an issuance policy, and into the template "
     "extension, which `certutil -setreg policy\\DisableExtensionList +1.3.6.1.4.1.311.21.7` "
     "suppresses.",
     nullptr},
};

}  // namespace

std::span<const Rule> capacity_rules() {
    return table;
}

}  // namespace handset::rules
