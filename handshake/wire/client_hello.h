// ClientHello in TLS framing (RFC 5246 7.4.1.2; SSL 3.0 to TLS 1.3) and in SSLv2 framing
// (RFC 5246 E.2). decode and encode are inverses, octet for octet.
#pragma once

#include "handshake/wire/extensions.h"
#include "handshake/wire/record.h"

namespace handset::wire {

struct ClientHello {
    ProtocolVersion client_version{};
    Bytes random;  // 32 octets
    Bytes session_id;
    std::vector<CipherSuite> cipher_suites;
    std::vector<CompressionMethod> compression_methods;
    std::optional<Extensions> extensions;  // nullopt: the message ends after compression_methods
    friend bool operator==(const ClientHello&, const ClientHello&) = default;
};
Bytes encode(const ClientHello& hello);  // body, without handshake header
Result<ClientHello> decode_client_hello(ByteView body);
// The hello in one handshake message in one record.
Bytes encode_record(const ClientHello& hello, ProtocolVersion record_version);

// Fields of the JA3 fingerprint and its MD5 input; GREASE left out. The digest is taken by the
// caller (handshake/crypto).
std::string ja3_text(const ClientHello& hello);

}  // namespace handset::wire
