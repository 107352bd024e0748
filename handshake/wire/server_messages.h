// What a server says up to ServerHelloDone (RFC 5246 7.4, RFC 4492 5.4, RFC 5077 3.3, RFC 6066 8),
// for SSL 3.0 to TLS 1.2, and of TLS 1.3 the ServerHello. Bodies without the handshake header;
// offsets in errors and in the structures count from the start of the body.
#pragma once

#include <variant>

#include "handshake/wire/extensions.h"
#include "handshake/wire/record.h"

namespace handset::wire {

struct ServerHello {
    ProtocolVersion server_version{};  // as written; TLS 1.3 writes TLS 1.2, see selected_version
    Bytes random;                      // 32 octets
    Bytes session_id;
    CipherSuite cipher_suite{};
    CompressionMethod compression_method{};
    std::optional<Extensions> extensions;
    friend bool operator==(const ServerHello&, const ServerHello&) = default;
};
Bytes encode(const ServerHello& hello);
Result<ServerHello> decode_server_hello(ByteView body);
// supported_versions when it is there, else server_version.
ProtocolVersion selected_version(const ServerHello& hello);
bool is_hello_retry_request(const ServerHello& hello);

struct CertificateMessage {
    std::vector<Bytes> certificate_list;  // DER as sent, leaf first if the server is right
    std::vector<std::size_t> offsets;     // of each certificate in the body
    friend bool operator==(const CertificateMessage& a, const CertificateMessage& b) {
        return a.certificate_list == b.certificate_list;
    }
};
Bytes encode(const CertificateMessage& message);
Result<CertificateMessage> decode_certificate_message(ByteView body);

struct DhParams {
    Bytes dh_p;
    Bytes dh_g;
    Bytes dh_ys;
    std::size_t p_bits() const;
    friend bool operator==(const DhParams&, const DhParams&) = default;
};
struct EcdhParams {
    std::uint8_t curve_type = 3;  // 3: named_curve
    NamedGroup named_curve{};     // when curve_type is 3
    Bytes explicit_curve;         // the octets of ECParameters after curve_type otherwise
    Bytes public_point;
    friend bool operator==(const EcdhParams&, const EcdhParams&) = default;
};
struct RsaParams {  // export suites
    Bytes rsa_modulus;
    Bytes rsa_exponent;
    friend bool operator==(const RsaParams&, const RsaParams&) = default;
};
struct ServerKeyExchange {
    std::variant<DhParams, EcdhParams, RsaParams> params;
    Bytes signed_params;    // the octets the signature covers besides the randoms
    bool is_signed = true;  // false: anonymous
    std::optional<SignatureScheme> algorithm;  // TLS 1.2 only
    Bytes signature;
    friend bool operator==(const ServerKeyExchange&, const ServerKeyExchange&) = default;
};
// The layout hangs on the negotiated suite and version.
Bytes encode(const ServerKeyExchange& message, ProtocolVersion version);
Result<ServerKeyExchange> decode_server_key_exchange(ByteView body, KeyExchange key_exchange,
                                                     ProtocolVersion version);

struct CertificateRequest {
    std::vector<std::uint8_t> certificate_types;
    std::optional<std::vector<SignatureScheme>> supported_signature_algorithms;  // TLS 1.2
    std::vector<Bytes> certificate_authorities;                                  // DER names
    friend bool operator==(const CertificateRequest&, const CertificateRequest&) = default;
};
Bytes encode(const CertificateRequest& message);
Result<CertificateRequest> decode_certificate_request(ByteView body, ProtocolVersion version);

struct NewSessionTicket {
    std::uint32_t ticket_lifetime_hint = 0;
    Bytes ticket;
    friend bool operator==(const NewSessionTicket&, const NewSessionTicket&) = default;
};
Bytes encode(const NewSessionTicket& message);
Result<NewSessionTicket> decode_new_session_ticket(ByteView body);

struct CertificateStatus {
    std::uint8_t status_type = 1;  // ocsp
    Bytes response;
    friend bool operator==(const CertificateStatus&, const CertificateStatus&) = default;
};
Bytes encode(const CertificateStatus& message);
Result<CertificateStatus> decode_certificate_status(ByteView body);

// ServerHelloDone and HelloRequest are empty.
Result<std::monostate> decode_empty(ByteView body, std::string_view name);

}  // namespace handset::wire
