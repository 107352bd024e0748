// A private key that signs and decrypts: what a server needs that shows prepared certificates.
// RSASSA-PKCS1-v1_5, ECDSA (RFC 6979) and RSAES-PKCS1-v1_5; mbed TLS computes. What is signed twice
// has the same signature. May be used by several threads.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "handshake/base/bytes.h"
#include "handshake/crypto/digest.h"

namespace handset::crypto {

class PrivateKey {
public:
    // PEM, without a password. Throws std::runtime_error, as do all members, where mbed TLS cannot.
    explicit PrivateKey(std::string_view pem);
    ~PrivateKey();
    PrivateKey(PrivateKey&&) noexcept;
    PrivateKey& operator=(PrivateKey&&) noexcept;

    bool is_rsa() const;
    // SubjectPublicKeyInfo.
    Bytes public_key() const;
    // Over octets. MD2 and MD4, with which mbed TLS does not sign, are for RSA.
    Bytes sign(HashAlgorithm algorithm, ByteView octets) const;
    // What TLS 1.0 and 1.1 sign: MD5 and SHA-1 one behind the other with RSA (RFC 2246 4.7), SHA-1
    // with ECDSA (RFC 8422 5.4).
    Bytes sign_tls_1_0(ByteView octets) const;
    // nullopt where it does not decrypt; at most 1024 octets.
    std::optional<Bytes> decrypt(ByteView encrypted) const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace handset::crypto
