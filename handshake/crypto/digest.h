// Message digests over octets in memory. No HMAC, no streaming: what the strict reader, JA3 and
// fingerprints need. mbed TLS computes them.
#pragma once

#include <optional>
#include <string_view>

#include "handshake/base/bytes.h"

namespace handset::crypto {

enum class HashAlgorithm { md2, md4, md5, sha1, sha224, sha256, sha384, sha512 };

// "MD5", "SHA-1", "SHA-256"
std::string_view hash_name(HashAlgorithm algorithm);
// nullopt where the installed mbed TLS was built without the algorithm (MD2 and MD4 often).
std::optional<Bytes> digest(HashAlgorithm algorithm, ByteView octets);

}  // namespace handset::crypto
