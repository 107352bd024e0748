// The server's half of a key exchange: DHE and ECDHE (RFC 5246 8.1, RFC 8422 5). mbed TLS
// computes. It judges no group: a prime that is none, or a value of 1, is computed with as it
// stands.
#pragma once

#include <memory>
#include <optional>

#include "handshake/base/bytes.h"
#include "handshake/wire/registry.h"

namespace handset::session {

// A fresh private value, and what goes with it.
class KeyAgreement {
public:
    // nullopt when mbed TLS lacks the curve.
    static std::optional<KeyAgreement> on_curve(wire::NamedGroup group);
    // nullopt when the numbers are none to compute with: an even modulus, one over 8192 bits.
    static std::optional<KeyAgreement> with_group(ByteView dh_p, ByteView dh_g);
    ~KeyAgreement();
    KeyAgreement(KeyAgreement&&) noexcept;
    KeyAgreement& operator=(KeyAgreement&&) noexcept;

    // dh_Ys or the point, as ServerKeyExchange holds it.
    const Bytes& public_value() const;
    // The premaster secret with the client's value; nullopt when it is none on the curve.
    std::optional<Bytes> premaster_secret(ByteView clients_value) const;

private:
    KeyAgreement();
    struct State;
    std::unique_ptr<State> state_;
};

// A prime of that many bits, the same one for the same length: those of RFC 3526 for 2048, 3072 and
// 4096 bits, others are searched, once. nullopt below 16 bits and for others above 2048.
std::optional<Bytes> dh_prime(std::size_t bits);

}  // namespace handset::session
