// A small walker over BER elements (X.690 section 8) for containers: keys, PKCS #7, PKCS #12.
// Indefinite lengths are read. It judges nothing and keeps no offsets; certificates are read by
// handshake/x509, which does.
#pragma once

#include <optional>
#include <string>

#include "handshake/base/bytes.h"

namespace handset::crypto {

struct BerElement {
    std::uint8_t tag = 0;  // identifier octet: class, constructed bit and number below 31
    ByteView contents;     // without the end-of-contents octets of an indefinite length
    ByteView encoding;     // all of it
};

// Identifier octets.
namespace ber {
inline constexpr std::uint8_t integer = 0x02, bit_string = 0x03, octet_string = 0x04, null = 0x05,
                              object_identifier = 0x06, sequence = 0x30, set = 0x31,
                              context_0 = 0xa0, context_3 = 0xa3;
}  // namespace ber

// Sticky like Reader: after the first fault every call yields nullopt. Numbers of 31 and more
// (multi-octet identifiers) are a fault. Views point into the octets given.
class BerReader {
public:
    explicit BerReader(ByteView octets) : octets_(octets) {}
    // The next element; nullopt at the end or after a fault.
    std::optional<BerElement> next();
    // The next element if it has this identifier octet; otherwise nothing is taken.
    std::optional<BerElement> next_if(std::uint8_t tag);
    // The next element, whose identifier octet must be this: any other is a fault.
    std::optional<BerElement> expect(std::uint8_t tag);
    bool failed() const { return failed_; }
    bool empty() const { return failed_ || octets_.empty(); }

private:
    ByteView octets_;
    bool failed_ = false;
};

// The octets of an OCTET STRING, primitive or constructed (X.690 8.7.3, one level); nullopt when
// the element is neither. `implicit_context` names the context tag that stands for the type, if
// one does.
std::optional<Bytes> octet_string_of(const BerElement& element,
                                     std::optional<std::uint8_t> implicit_context = std::nullopt);
// Non-negative and below 2^31, else nullopt.
std::optional<std::uint32_t> small_integer_of(const BerElement& element);
// "1.2.840.113549.1.1.1"; empty when the contents are no OBJECT IDENTIFIER.
std::string dotted_oid_of(const BerElement& element);

}  // namespace handset::crypto
