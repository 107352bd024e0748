// Rules on messages, records and the way a flight ends.
#include <fmt/format.h>

#include <algorithm>

#include "handshake/rules/tables.h"

namespace handset::rules {

namespace {

using wire::AlertDescription;
using wire::Continuation;
using wire::Ending;
using wire::HandshakeType;

void find_record_version(const Evidence& evidence, Findings& findings) {
    if (!evidence.server_hello) return;
    const wire::ProtocolVersion version = evidence.server_hello->server_version;
    if (wire::selected_version(*evidence.server_hello) != version) return;  // TLS 1.3
    for (const MessageSeen& message : evidence.messages) {
        if (message.record_version == version) continue;
        const auto written = static_cast<std::uint16_t>(message.record_version);
        const Bytes octets{static_cast<std::uint8_t>(written >> 8),
                           static_cast<std::uint8_t>(written)};
        findings.in_stream(
            message.offset + 1, octets, "record.version",
            fmt::format("record says {}, ServerHello {}", wire::name_of(message.record_version),
                        wire::name_of(version)));
        return;
    }
}

void find_certificate_split(const Evidence& evidence, Findings& findings) {
    for (const MessageSeen& message : evidence.messages) {
        if (message.type != HandshakeType::certificate || message.records < 2) continue;
        findings.in_stream(
            message.offset, {}, "certificate",
            fmt::format("the Certificate message of {} octets is spread over {} records",
                        message.length, message.records));
    }
}

void find_message_undecodable(const Evidence& evidence, Findings& findings) {
    if (!evidence.message_error) return;
    findings.in_stream(
        evidence.message_error->offset, {}, evidence.message_error->field,
        fmt::format(
            "{}: {}",
            evidence.message_error_type ? wire::name_of(*evidence.message_error_type) : "message",
            evidence.message_error->reason));
}

// Place of a message in the order of RFC 5246 7.3; -1 for one that has none in this flight.
int place_in_flight(HandshakeType type) {
    switch (type) {
        case HandshakeType::server_hello:
            return 0;
        case HandshakeType::supplemental_data:
            return 1;
        case HandshakeType::certificate:
            return 2;
        case HandshakeType::certificate_status:
            return 3;
        case HandshakeType::server_key_exchange:
            return 4;
        case HandshakeType::certificate_request:
            return 5;
        case HandshakeType::server_hello_done:
            return 6;
        default:
            return -1;
    }
}

bool needs_certificate(wire::KeyExchange key_exchange) {
    using enum wire::KeyExchange;
    switch (key_exchange) {
        case rsa:
        case rsa_export:
        case dh_dss:
        case dh_rsa:
        case dhe_dss:
        case dhe_rsa:
        case ecdh_ecdsa:
        case ecdh_rsa:
        case ecdhe_ecdsa:
        case ecdhe_rsa:
            return true;
        default:
            return false;
    }
}

bool needs_server_key_exchange(wire::KeyExchange key_exchange) {
    using enum wire::KeyExchange;
    switch (key_exchange) {
        case dhe_dss:
        case dhe_rsa:
        case dh_anon:
        case ecdhe_ecdsa:
        case ecdhe_rsa:
        case ecdh_anon:
            return true;
        default:
            return false;
    }
}

// The message that the suite asks for and that has not come when ServerHelloDone does (RFC 5246
// 7.4.2, 7.4.3); nullopt when none is missing.
std::optional<HandshakeType> missing_message(const Evidence& evidence) {
    if (!evidence.server_hello) return std::nullopt;
    const wire::CipherSuiteInfo* suite =
        wire::find_cipher_suite(evidence.server_hello->cipher_suite);
    if (!suite) return std::nullopt;
    const auto came = [&](HandshakeType type) {
        return std::ranges::find(evidence.messages, type, &MessageSeen::type) !=
               evidence.messages.end();
    };
    if (needs_certificate(suite->key_exchange) && !came(HandshakeType::certificate)) {
        return HandshakeType::certificate;
    }
    if (needs_server_key_exchange(suite->key_exchange) &&
        !came(HandshakeType::server_key_exchange)) {
        return HandshakeType::server_key_exchange;
    }
    return std::nullopt;
}

void find_unexpected_message(const Evidence& evidence, Findings& findings) {
    int previous = -1;
    for (const MessageSeen& message : evidence.messages) {
        if (message.type == HandshakeType::hello_request) continue;  // may come at any time
        const int place = place_in_flight(message.type);
        if (place <= previous || (previous < 0 && place != 0)) {
            findings.in_stream(message.offset, {}, "handshake.msg_type",
                               fmt::format("{} out of place", wire::name_of(message.type)));
            return;
        }
        if (message.type == HandshakeType::server_hello_done) {
            if (const auto missing = missing_message(evidence)) {
                findings.in_stream(message.offset, {}, "handshake.msg_type",
                                   fmt::format("{} where {} is due", wire::name_of(message.type),
                                               wire::name_of(*missing)));
            }
        }
        previous = place;
    }
}

template <typename Wanted>
void find_warning(const Evidence& evidence, Findings& findings, Wanted wanted) {
    for (const wire::Alert& alert : evidence.alerts) {
        if (alert.level != wire::AlertLevel::warning) continue;
        if (!wanted(alert.description)) continue;
        findings.in_stream(0, wire::encode(alert), "alert",
                           fmt::format("warning {}", wire::name_of(alert.description)));
    }
}

void find_warning_alert(const Evidence& evidence, Findings& findings) {
    find_warning(evidence, findings, [](AlertDescription description) {
        return description != AlertDescription::unrecognized_name &&
               description != AlertDescription::user_canceled &&
               description != AlertDescription::no_renegotiation;
    });
}

template <AlertDescription description>
void find_warning_of(const Evidence& evidence, Findings& findings) {
    find_warning(evidence, findings, [](AlertDescription seen) { return seen == description; });
}

void find_shared_record(const Evidence& evidence, Findings& findings) {
    for (const MessageSeen& message : evidence.messages) {
        if (message.starts_record) continue;
        findings.in_stream(message.offset, {}, "record",
                           fmt::format("{} begins in a record in which another message ends",
                                       wire::name_of(message.type)));
        return;
    }
}

void find_record_empty(const Evidence& evidence, Findings& findings) {
    if (!evidence.empty_record) return;
    findings.in_stream(*evidence.empty_record + 3, Bytes{0, 0}, "record.length",
                       "a record without contents");
}

void find_certificate_requested(const Evidence& evidence, Findings& findings) {
    const MessageSeen* message = find_message(evidence, HandshakeType::certificate_request);
    if (!message) return;
    const std::size_t names = evidence.certificate_request
                                  ? evidence.certificate_request->certificate_authorities.size()
                                  : 0;
    findings.in_stream(
        message->offset, {}, "certificate_request",
        fmt::format("the server asks for the client's certificate and names {} CAs", names));
}

void find_certificate_types_empty(const Evidence& evidence, Findings& findings) {
    const MessageSeen* message = find_message(evidence, HandshakeType::certificate_request);
    if (!message || !evidence.certificate_request) return;
    if (!evidence.certificate_request->certificate_types.empty()) return;
    findings.in_stream(message->body_offset, Bytes{0}, "certificate_request.certificate_types",
                       "certificate_types is empty");
}

void find_server_alert(const Evidence& evidence, Findings& findings) {
    const bool closing = evidence.ending == Ending::alert && !evidence.fatal_alert;
    if (!evidence.fatal_alert && !closing) return;
    const wire::Alert alert = evidence.fatal_alert      ? *evidence.fatal_alert
                              : evidence.alerts.empty() ? wire::Alert{}
                                                        : evidence.alerts.back();
    findings.in_stream(0, wire::encode(alert), "alert",
                       fmt::format("the server sent {} {}", wire::name_of(alert.level),
                                   wire::name_of(alert.description)));
}

void find_server_closed(const Evidence& evidence, Findings& findings) {
    if (evidence.ending != Ending::closed && evidence.ending != Ending::reset) return;
    const char* where =
        evidence.messages.empty() ? "before it said anything" : "in the middle of its flight";
    findings.in_stream(0, {}, "",
                       fmt::format("the server {} the connection {}",
                                   evidence.ending == Ending::reset ? "reset" : "closed", where));
}

void find_server_silent(const Evidence& evidence, Findings& findings) {
    if (evidence.ending != Ending::timeout) return;
    findings.in_stream(0, {}, "",
                       evidence.ending_detail.empty()
                           ? "the server did not finish its flight in time"
                           : evidence.ending_detail);
}

void find_not_tls(const Evidence& evidence, Findings& findings) {
    if (evidence.ending != Ending::undecodable) return;
    findings.in_stream(0, {}, "record", evidence.ending_detail);
}

void find_finish_refused(const Evidence& evidence, Findings& findings) {
    const Continuation& continuation = evidence.continuation;
    switch (continuation.kind) {
        case Continuation::Kind::alert:
            findings.in_stream(
                0, wire::encode(continuation.alert.value_or(wire::Alert{})), "alert",
                fmt::format("after ClientKeyExchange the server sent {} {}",
                            wire::name_of(continuation.alert.value_or(wire::Alert{}).level),
                            wire::name_of(continuation.alert.value_or(wire::Alert{}).description)));
            return;
        case Continuation::Kind::closed:
            findings.in_stream(0, {}, "", "the server closed instead of sending Finished");
            return;
        case Continuation::Kind::timeout:
            findings.in_stream(0, {}, "", "the server did not send Finished in time");
            return;
        default:
            return;
    }
}

void find_key_exchange_invalid(const Evidence& evidence, Findings& findings) {
    if (evidence.continuation.kind != Continuation::Kind::failed) return;
    findings.in_stream(0, {}, "server_key_exchange",
                       fmt::format("the rest of the handshake does not compute: {}",
                                   evidence.continuation.detail));
}

void find_not_played(const Evidence& evidence, Findings& findings) {
    if (evidence.continuation.kind != Continuation::Kind::unplayable) return;
    findings.in_stream(0, {}, "finished",
                       fmt::format("the handshake was followed to ServerHelloDone only: {}",
                                   evidence.continuation.detail));
}

constexpr std::string_view look_at_server =
    "Look at the server's log for this connection: nginx `error_log /var/log/nginx/error.log "
    "debug;`, Postfix `smtpd_tls_loglevel = 2`, Dovecot `verbose_ssl = yes`, Schannel `reg add "
    "HKLM\\SYSTEM\\CurrentControlSet\\Control\\SecurityProviders\\SCHANNEL /v EventLogging /t "
    "REG_DWORD /d 7`.";
constexpr std::string_view look_at_wire =
    "The server's TLS library is at fault, or something in front of it: compare what `openssl "
    "s_client -connect HOST:PORT -msg` shows from inside and from outside, and update the one that "
    "differs.";

constexpr Rule table[] = {
    {"handshake-record-version-mismatch", Area::handshake, Level::must, Step::server_hello,
     "Records bear the negotiated version.", "RFC 5246 6.2.1, E.1",
     AlertDescription::protocol_version, look_at_wire, find_record_version},
    {"handshake-record-empty", Area::handshake, Level::must, Step::server_hello,
     "Records of handshake messages and alerts have contents.", "RFC 5246 6.2.1",
     AlertDescription::unexpected_message, look_at_wire, find_record_empty},
    {"handshake-messages-share-record", Area::handshake, Level::should, Step::server_hello,
     "Several handshake messages may share a record.", "RFC 5246 6.2.1",
     AlertDescription::unexpected_message,
     "Schannel writes its flight so and has no setting for it; for clients that expect a record a "
     "message, put a server in front that writes one, such as nginx with `proxy_pass "
     "https://mail.example.com;`.",
     find_shared_record},
    {"handshake-certificate-split", Area::handshake, Level::should, Step::certificate_message,
     "A handshake message may be spread over several records.", "RFC 5246 6.2.1",
     AlertDescription::unexpected_message,
     "Send fewer or smaller certificates, `cat leaf.pem intermediate.pem > chain.pem`, and let the "
     "server write full records.",
     find_certificate_split},
    {"handshake-message-undecodable", Area::handshake, Level::must, Step::certificate_message,
     "Every message has the structure of its type.", "RFC 5246 7.4", AlertDescription::decode_error,
     look_at_wire, find_message_undecodable},
    {"handshake-unexpected-message", Area::handshake, Level::must, Step::certificate_message,
     "Messages come in the order of the protocol.", "RFC 5246 7.3",
     AlertDescription::unexpected_message, look_at_wire, find_unexpected_message},
    {"handshake-certificate-requested", Area::handshake, Level::should, Step::key_exchange,
     "A server may ask for the client's certificate.", "RFC 5246 7.4.4",
     AlertDescription::handshake_failure,
     "Do not ask where passwords do: nginx `ssl_verify_client off;`, Apache `SSLVerifyClient "
     "none`, "
     "Postfix `smtpd_tls_ask_ccert = no`, Dovecot `ssl_verify_client_cert = no`, IIS `appcmd set "
     "config \"Default Web Site/Microsoft-Server-ActiveSync\" /section:access /sslFlags:Ssl "
     "/commit:apphost`.",
     find_certificate_requested},
    {"handshake-certificate-request-types-empty", Area::handshake, Level::must, Step::key_exchange,
     "A CertificateRequest names at least one type of certificate.", "RFC 5246 7.4.4",
     AlertDescription::decode_error,
     "Update the server's TLS library, or do not ask for a certificate: nginx `ssl_verify_client "
     "off;`, Postfix `smtpd_tls_ask_ccert = no`, Dovecot `ssl_verify_client_cert = no`.",
     find_certificate_types_empty},
    {"handshake-warning-alert", Area::handshake, Level::should, Step::server_hello,
     "A warning alert lets the handshake go on.", "RFC 5246 7.2.2",
     AlertDescription::handshake_failure, look_at_server, find_warning_alert},
    {"handshake-warning-user-canceled", Area::handshake, Level::should, Step::server_hello,
     "user_canceled is followed by close_notify.", "RFC 5246 7.2.2",
     AlertDescription::handshake_failure, look_at_server,
     find_warning_of<AlertDescription::user_canceled>},
    {"handshake-warning-no-renegotiation", Area::handshake, Level::should, Step::server_hello,
     "no_renegotiation answers a client that asks for a new handshake, and is not sent in the "
     "first "
     "one.",
     "RFC 5246 7.2.2", AlertDescription::handshake_failure, look_at_server,
     find_warning_of<AlertDescription::no_renegotiation>},
    {"handshake-unrecognized-name", Area::handshake, Level::should, Step::server_hello,
     "A server does not send the warning unrecognized_name: it goes on in silence, or ends with a "
     "fatal alert.",
     "RFC 6066 3", AlertDescription::unrecognized_name,
     "Give the server a virtual host for the name the client sends: nginx `server_name "
     "mail.example.com;`, Apache `ServerAlias mail.example.com`.",
     find_warning_of<AlertDescription::unrecognized_name>},
    {"handshake-server-alert", Area::handshake, Level::must, Step::server_hello,
     "The server goes on with the handshake.", "RFC 5246 7.2", AlertDescription::close_notify,
     "Enable a version and a suite that the device offers (`handset devices ID` lists them): nginx "
     "`ssl_protocols TLSv1 TLSv1.1 TLSv1.2;` and `ssl_ciphers ALL:!aNULL:@SECLEVEL=0;`, Postfix "
     "`smtpd_tls_protocols = >=TLSv1` and `smtpd_tls_ciphers = low`, Dovecot `ssl_min_protocol = "
     "TLSv1` and `ssl_cipher_list = ALL:!aNULL:@SECLEVEL=0`.",
     find_server_alert},
    {"handshake-server-closed", Area::handshake, Level::must, Step::server_hello,
     "The server goes on with the handshake.", "RFC 5246 7.2.1", AlertDescription::close_notify,
     look_at_server, find_server_closed},
    {"handshake-server-silent", Area::handshake, Level::must, Step::server_hello,
     "The server answers.", "RFC 5246 7.3", AlertDescription::close_notify, look_at_server,
     find_server_silent},
    {"handshake-not-tls", Area::handshake, Level::must, Step::server_hello,
     "The server answers with TLS records.", "RFC 5246 6.2.1", AlertDescription::unexpected_message,
     "Check the port; for mail ports that begin in the clear say `--starttls smtp`, `imap` or "
     "`pop3`.",
     find_not_tls},
    {"handshake-key-exchange-invalid", Area::handshake, Level::must, Step::key_exchange,
     "Signatures, key exchange values and Finished verify.", "RFC 5246 7.4.3, 7.4.9",
     AlertDescription::decrypt_error,
     "See whether the key is the certificate's: `openssl pkey -in key.pem -pubout` and `openssl "
     "x509 -in leaf.pem -noout -pubkey` print the same. If it is, the server's TLS library is at "
     "fault.",
     find_key_exchange_invalid},
    {"handshake-finish-refused", Area::handshake, Level::must, Step::finished,
     "The server completes the handshake.", "RFC 5246 7.4.9", AlertDescription::close_notify,
     look_at_server, find_finish_refused},
    {"handshake-not-played", Area::handshake, Level::should, Step::finished,
     "The handshake is followed through Finished.", "RFC 5246 7.4.9",
     AlertDescription::close_notify, "Nothing to do on the server.", find_not_played},
};

}  // namespace

std::span<const Rule> handshake_rules() {
    return table;
}

}  // namespace handset::rules
