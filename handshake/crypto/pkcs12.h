// Certificates out of a PKCS #12 container (RFC 7292), as its password opens them. Private keys are
// passed over unread. Containers whose integrity rests on a signature instead of a password, and
// ciphers other than those of RFC 7292 appendix C and PBES2 with AES or triple DES, are an error.
#pragma once

#include <string_view>
#include <vector>

#include "handshake/base/bytes.h"
#include "handshake/base/error.h"

namespace handset::crypto {

// DER certificates in the order of the container; there may be none. `password` is UTF-8. The MAC
// is checked first, so that a wrong password is called one. `max_iterations` bounds the work of all
// key derivations together, which the container asks for.
Result<std::vector<Bytes>> decode_pkcs12_certificates(ByteView container, std::string_view password,
                                                      std::uint32_t max_iterations = 5'000'000);

}  // namespace handset::crypto
