// The numbers of TLS and their names, spelt as IANA and the RFCs spell them, plus the pre-IANA ones
// that old clients send (SSLv2 CIPHER-KINDs, FORTEZZA, EXPORT1024, FIPS, NPN, channel_id, Firefox's
// padding drafts, heartbeat...). Enums are open: an unknown number is kept and prints as 0x1234.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace handset::wire {

enum class ProtocolVersion : std::uint16_t {
    ssl_2_0 = 0x0002,
    ssl_3_0 = 0x0300,
    tls_1_0 = 0x0301,
    tls_1_1 = 0x0302,
    tls_1_2 = 0x0303,
    tls_1_3 = 0x0304
};
enum class ContentType : std::uint8_t {
    change_cipher_spec = 20,
    alert = 21,
    handshake = 22,
    application_data = 23,
    heartbeat = 24
};
enum class HandshakeType : std::uint8_t {
    hello_request = 0,
    client_hello = 1,
    server_hello = 2,
    hello_verify_request = 3,
    new_session_ticket = 4,
    end_of_early_data = 5,
    encrypted_extensions = 8,
    certificate = 11,
    server_key_exchange = 12,
    certificate_request = 13,
    server_hello_done = 14,
    certificate_verify = 15,
    client_key_exchange = 16,
    finished = 20,
    certificate_url = 21,
    certificate_status = 22,
    supplemental_data = 23,
    key_update = 24,
    next_proto = 67,
    message_hash = 254
};
enum class AlertLevel : std::uint8_t { warning = 1, fatal = 2 };
enum class AlertDescription : std::uint8_t {
    close_notify = 0,
    unexpected_message = 10,
    bad_record_mac = 20,
    decryption_failed = 21,
    record_overflow = 22,
    decompression_failure = 30,
    handshake_failure = 40,
    no_certificate = 41,
    bad_certificate = 42,
    unsupported_certificate = 43,
    certificate_revoked = 44,
    certificate_expired = 45,
    certificate_unknown = 46,
    illegal_parameter = 47,
    unknown_ca = 48,
    access_denied = 49,
    decode_error = 50,
    decrypt_error = 51,
    export_restriction = 60,
    protocol_version = 70,
    insufficient_security = 71,
    internal_error = 80,
    inappropriate_fallback = 86,
    user_canceled = 90,
    no_renegotiation = 100,
    missing_extension = 109,
    unsupported_extension = 110,
    certificate_unobtainable = 111,
    unrecognized_name = 112,
    bad_certificate_status_response = 113,
    bad_certificate_hash_value = 114,
    unknown_psk_identity = 115,
    certificate_required = 116,
    no_application_protocol = 120,
    ech_required = 121
};
enum class CipherSuite : std::uint16_t {};
enum class ExtensionType : std::uint16_t {
    server_name = 0,
    max_fragment_length = 1,
    status_request = 5,
    supported_groups = 10,
    ec_point_formats = 11,
    signature_algorithms = 13,
    heartbeat = 15,
    application_layer_protocol_negotiation = 16,
    signed_certificate_timestamp = 18,
    padding = 21,
    encrypt_then_mac = 22,
    extended_master_secret = 23,
    session_ticket = 35,
    supported_versions = 43,
    key_share = 51,
    next_protocol_negotiation = 13172,
    renegotiation_info = 65281
};
enum class NamedGroup : std::uint16_t {};
enum class SignatureScheme : std::uint16_t {};
enum class CompressionMethod : std::uint8_t { null = 0, deflate = 1, lzs = 64 };

enum class KeyExchange {
    null,
    rsa,
    rsa_export,
    dh_dss,
    dh_rsa,
    dhe_dss,
    dhe_rsa,
    dh_anon,
    ecdh_ecdsa,
    ecdh_rsa,
    ecdhe_ecdsa,
    ecdhe_rsa,
    ecdh_anon,
    psk,
    krb5,
    srp,
    gost,
    fortezza,
    eccpwd,
    tls13,
    signalling,  // TLS_EMPTY_RENEGOTIATION_INFO_SCSV, TLS_FALLBACK_SCSV
    other
};

struct CipherSuiteInfo {
    std::uint16_t code = 0;
    std::string_view name;  // "TLS_RSA_WITH_AES_256_CBC_SHA"
    KeyExchange key_exchange = KeyExchange::other;
};
// Every assigned suite, ascending by code.
std::span<const CipherSuiteInfo> cipher_suites();
const CipherSuiteInfo* find_cipher_suite(CipherSuite suite);

// Names: exactly the registry's, or "0x1234" for a number without one.
std::string name_of(ProtocolVersion version);  // "TLS 1.0", "SSL 3.0", "0x0305"
std::string name_of(ContentType type);
std::string name_of(HandshakeType type);
std::string name_of(AlertLevel level);
std::string name_of(AlertDescription description);
std::string name_of(CipherSuite suite);
std::string name_of(ExtensionType type);
std::string name_of(NamedGroup group);
std::string name_of(SignatureScheme scheme);
std::string name_of(CompressionMethod method);
std::string v2_cipher_kind_name(
    std::uint32_t kind);  // "SSL_CK_RC4_128_WITH_MD5"; 0x0000xx: the TLS name

// The reverse; a number ("0x1234") is accepted too. Legacy spellings (SSL_RSA_..., elliptic_curves)
// are aliases.
std::optional<CipherSuite> cipher_suite_from_name(std::string_view name);
std::optional<ExtensionType> extension_type_from_name(std::string_view name);
std::optional<NamedGroup> named_group_from_name(std::string_view name);
std::optional<SignatureScheme> signature_scheme_from_name(std::string_view name);
std::optional<AlertDescription> alert_description_from_name(std::string_view name);
std::optional<ProtocolVersion> protocol_version_from_name(std::string_view name);  // "TLS 1.0"
std::optional<std::uint32_t> v2_cipher_kind_from_name(std::string_view name);

bool is_grease(std::uint16_t value);  // RFC 8701

}  // namespace handset::wire
