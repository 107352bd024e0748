// The SSLv2-framed CLIENT-HELLO that clients of the time sent to reach SSL 3.0 and TLS servers
// alike (RFC 5246 E.2). Two-octet record header, no padding.
#pragma once

#include <vector>

#include "handshake/base/bytes.h"
#include "handshake/base/error.h"
#include "handshake/wire/registry.h"

namespace handset::wire {

struct V2ClientHello {
    ProtocolVersion version{};
    std::vector<std::uint32_t>
        cipher_specs;  // three octets each: 0x010080, or 0x00 and a TLS suite
    Bytes session_id;
    Bytes challenge;  // 16 to 32 octets in practice; any length up to 65,535 is kept
    friend bool operator==(const V2ClientHello&, const V2ClientHello&) = default;
};
Bytes encode(const V2ClientHello& hello);  // with the two-octet header
Result<V2ClientHello> decode_v2_client_hello(ByteView record);
// ClientHello.random as the server computes with it: the challenge, right-aligned, zeros in front.
Bytes random_of(const V2ClientHello& hello);
// Whether octets begin like such a record and not like a TLS one.
bool looks_like_v2_client_hello(ByteView bytes);

}  // namespace handset::wire
