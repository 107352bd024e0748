// RC2 in CBC mode (RFC 2268), decryption only: old PKCS #12 files need it and mbed TLS lacks it.
#pragma once

#include <optional>

#include "handshake/base/bytes.h"

namespace handset::crypto {

// The plaintext without its PKCS #7 padding; nullopt when the key (1 to 128 octets), the IV (8) or
// the ciphertext (a multiple of 8) has another length, or when the padding is wrong.
std::optional<Bytes> rc2_cbc_decrypt(ByteView key, unsigned effective_key_bits, ByteView iv,
                                     ByteView ciphertext);

}  // namespace handset::crypto
