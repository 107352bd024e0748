// Checks one signature with one public key: what certificates need. Knows no certificate, trust or
// key usage. A signature that cannot be checked here (an algorithm mbed TLS lacks, a key beyond our
// limits) is `not_checkable`, never `bad`.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "handshake/base/bytes.h"

namespace handset::crypto {

enum class SignatureCheck { good, bad, not_checkable };

struct SignatureResult {
    SignatureCheck check = SignatureCheck::not_checkable;
    std::string detail;  // why not good, or what is odd about a good one; for eyes
    friend bool operator==(const SignatureResult&, const SignatureResult&) = default;
};

// `tbs` is what was signed. `signature_algorithm` and `parameters` are those of the
// AlgorithmIdentifier (`parameters` as a whole element; needed for RSASSA-PSS only). `signature` is
// the BIT STRING's contents without the unused-bits octet.
//
// RSASSA-PKCS1-v1_5 (RFC 8017 8.2.2) with MD2 to SHA-512; a DigestInfo without the NULL is good and
// said in the detail. RSASSA-PSS (RFC 4055 3.1). ECDSA (RFC 5758 3.2) over the named curves of mbed
// TLS. Work is bounded: RSA moduli over 8,192 bits (mbed TLS's own limit), exponents over 256 bits
// and DSA, Ed25519, Ed448 and GOST signatures are not_checkable.
SignatureResult verify_signature(ByteView tbs, std::string_view signature_algorithm,
                                 std::optional<ByteView> parameters, ByteView signature,
                                 ByteView subject_public_key_info);

// The SubjectPublicKeyInfo inside a certificate's octets, found by position and without judging
// anything on the way; nullopt when the octets cannot be walked that far.
std::optional<ByteView> find_subject_public_key_info(ByteView certificate);

}  // namespace handset::crypto
