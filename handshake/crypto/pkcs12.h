// Certificates out of a PKCS #12 container (RFC 7292), as its password opens them. Private keys are
// passed over unread. Containers whose integrity rests on a signature instead of a password, and
// ciphers other than those of RFC 7292 appendix C and PBES2 with AES or triple DES, are an error.
#pragma once

#include <string_view>
#include <vector>

#include "handshake/base/bytes.h"
#include "handshake/base/error.h"

namespace handset::crypto {

// A certificate in a store of keys and certificates.
struct StoredCertificate {
    Bytes der;
    // Java's trust managers start from it: it stands there as a trusted certificate, or it is the
    // first one of a private key's chain. The rest of such a chain is no anchor.
    bool anchor = true;
    friend bool operator==(const StoredCertificate&, const StoredCertificate&) = default;
};

// DER certificates in the order of the container; there may be none. `password` is UTF-8. The MAC
// is checked first, so that a wrong password is called one. `max_iterations` bounds the work of all
// key derivations together, which the container asks for.
Result<std::vector<Bytes>> decode_pkcs12_certificates(ByteView container, std::string_view password,
                                                      std::uint32_t max_iterations = 5'000'000);

// The same, with what Java makes of them: it marks its trusted certificates with an attribute of
// its own (2.16.840.1.113894.746875.1.1). Where no certificate is marked, all are anchors.
Result<std::vector<StoredCertificate>> decode_pkcs12_store(
    ByteView container, std::string_view password, std::uint32_t max_iterations = 5'000'000);

// A password in UTF-16, big-endian, without zeros behind. Octets that are no UTF-8 stand for
// themselves.
Bytes utf16_password(std::string_view utf8);
// The key of a MAC by RFC 7292 B.2 with SHA-1, as Bouncy Castle's stores use it, too; without a
// password its two zero octets are left out. Empty when mbed TLS lacks SHA-1.
Bytes pkcs12_mac_key(std::string_view password, ByteView salt, std::uint32_t iterations,
                     std::size_t length_bytes);

}  // namespace handset::crypto
