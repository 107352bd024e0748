// Hand-built DER for the x509 tests: elements, and a sound certificate of which a test replaces the
// part it is about. Deliberately not done here: checking anything; a wrong recipe yields wrong
// octets.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "handshake/base/bytes.h"
#include "handshake/x509/certificate.h"

namespace handset::x509::build {

inline Bytes hex(std::string_view text) {
    return from_hex(text).value();
}

inline Bytes text(std::string_view characters) {
    return to_bytes(view_of(characters));
}

inline Bytes join(std::initializer_list<Bytes> parts) {
    Bytes out;
    for (const Bytes& part : parts)
        append(out, part);
    return out;
}

inline Bytes tlv(unsigned identifier, const Bytes& contents) {
    Bytes out{static_cast<std::uint8_t>(identifier)};
    const std::size_t size = contents.size();
    if (size >= 0x10000) {
        append(out, hex("83"));
        out.push_back(static_cast<std::uint8_t>(size >> 16));
    } else if (size >= 0x100) {
        append(out, hex("82"));
    } else if (size >= 0x80) {
        append(out, hex("81"));
    }
    if (size >= 0x100) out.push_back(static_cast<std::uint8_t>(size >> 8));
    out.push_back(static_cast<std::uint8_t>(size));
    append(out, contents);
    return out;
}

inline Bytes seq(std::initializer_list<Bytes> parts) {
    return tlv(0x30, join(parts));
}
inline Bytes set(std::initializer_list<Bytes> parts) {
    return tlv(0x31, join(parts));
}
inline Bytes context(unsigned number, const Bytes& contents) {
    return tlv(0x80 | number, contents);
}
inline Bytes context_constructed(unsigned number, const Bytes& contents) {
    return tlv(0xa0 | number, contents);
}
inline Bytes oid(std::string_view name_or_dotted) {
    return tlv(0x06, to_bytes(oid_from_name(name_or_dotted).value().der));
}
inline Bytes attribute(std::string_view type, unsigned string_tag, const Bytes& value) {
    return seq({oid(type), tlv(string_tag, value)});
}
inline Bytes common_name(std::string_view value) {
    return seq({set({attribute("commonName", 0x0c, text(value))})});
}
inline Bytes algorithm(std::string_view name, const Bytes& parameters = hex("0500")) {
    return seq({oid(name), parameters});
}
inline Bytes bit_string(const Bytes& octets) {
    return tlv(0x03, join({hex("00"), octets}));
}
inline Bytes rsa_key(const Bytes& modulus, const Bytes& exponent = hex("0203010001")) {
    return seq({algorithm("rsaEncryption"), bit_string(seq({modulus, exponent}))});
}
inline Bytes extension(std::string_view id, const Bytes& value, const Bytes& critical = {}) {
    return seq({oid(id), critical, tlv(0x04, value)});
}

struct CertificateParts {
    Bytes version = hex("a003020102");
    Bytes serial_number = hex("0202 1a2b");
    Bytes signature = algorithm("sha256WithRSAEncryption");
    Bytes issuer = common_name("Root");
    Bytes not_before = tlv(0x17, text("240102030405Z"));
    Bytes not_after = tlv(0x17, text("491231235959Z"));
    Bytes after_not_after;
    Bytes subject = common_name("mail.contoso.com");
    Bytes public_key = rsa_key(tlv(0x02, Bytes(64, 0x75)));
    Bytes unique_ids;
    Bytes extensions;             // the entries; none: no field
    Bytes raw_extensions;         // instead: the whole field
    Bytes after_tbs_certificate;  // within tbsCertificate, after its last field
    Bytes signature_algorithm = algorithm("sha256WithRSAEncryption");
    Bytes signature_value = bit_string(hex("0102030405060708"));
    Bytes after_signature_value;
    Bytes after_certificate;
};

inline Bytes build(const CertificateParts& parts) {
    const Bytes extensions = parts.extensions.empty()
                                 ? parts.raw_extensions
                                 : context_constructed(3, tlv(0x30, parts.extensions));
    const Bytes validity = seq({parts.not_before, parts.not_after, parts.after_not_after});
    const Bytes tbs = seq({parts.version, parts.serial_number, parts.signature, parts.issuer,
                           validity, parts.subject, parts.public_key, parts.unique_ids, extensions,
                           parts.after_tbs_certificate});
    return join(
        {seq({tbs, parts.signature_algorithm, parts.signature_value, parts.after_signature_value}),
         parts.after_certificate});
}

inline Certificate decode(const CertificateParts& parts) {
    return decode_certificate(build(parts)).value();
}

}  // namespace handset::x509::build
