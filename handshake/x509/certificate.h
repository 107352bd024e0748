// An X.509 certificate with every field of RFC 5280, its place and its octets as written.
// Guarantees: `raw` is the input; every Place lies within it; nothing is normalised. A Place is
// that of the whole element, header included, unless a comment says otherwise; that of an absent
// field has length 0. Octets of a string in constructed encoding are its segments joined.
// Deliberately not done here: judging (rules/), signatures (crypto/), path building
// (emulator/judge).
#pragma once

#include <array>
#include <variant>

#include "handshake/base/time.h"
#include "handshake/x509/name.h"

namespace handset::x509 {

struct Integer {
    Bytes value;  // two's complement content octets as encoded
    Place place;  // header and contents
    bool negative() const { return !value.empty() && (value.front() & 0x80) != 0; }
    bool zero() const;
    // nullopt when it does not fit.
    std::optional<std::int64_t> small() const;
    friend bool operator==(const Integer&, const Integer&) = default;
};

struct AlgorithmIdentifier {
    Oid algorithm;
    std::optional<Bytes> parameters;  // whole element; absent is not NULL (0500)
    Bytes raw;
    Place place;
    Place parameters_place;
    friend bool operator==(const AlgorithmIdentifier&, const AlgorithmIdentifier&) = default;
};

enum class TimeType { utc_time, generalized_time };
struct TimeField {
    // nullopt when the text names no point in time: no such date, or a time without a zone.
    std::optional<Time> value;
    TimeType type = TimeType::utc_time;
    std::string text;  // as written
    Place place;
    friend bool operator==(const TimeField&, const TimeField&) = default;
};
struct Validity {
    TimeField not_before;
    TimeField not_after;
    Place place;
    friend bool operator==(const Validity&, const Validity&) = default;
};

struct RsaPublicKey {
    Integer modulus;
    Integer public_exponent;
    std::size_t bits = 0;  // of the modulus
    friend bool operator==(const RsaPublicKey&, const RsaPublicKey&) = default;
};
struct DsaPublicKey {
    Integer y;
    std::optional<std::array<Integer, 3>> p_q_g;  // absent: inherited
    std::size_t bits = 0;                         // of p
    friend bool operator==(const DsaPublicKey&, const DsaPublicKey&) = default;
};
struct EcPublicKey {
    std::optional<Oid> named_curve;  // nullopt: explicit or implicit parameters
    bool explicit_parameters = false;
    Bytes point;
    std::size_t bits = 0;  // of the field, where the curve is known or spelt out; else 0
    friend bool operator==(const EcPublicKey&, const EcPublicKey&) = default;
};
struct EdPublicKey {  // Ed25519, Ed448, X25519, X448
    Bytes key;
    friend bool operator==(const EdPublicKey&, const EdPublicKey&) = default;
};
struct SubjectPublicKeyInfo {
    AlgorithmIdentifier algorithm;
    Bytes subject_public_key;  // BIT STRING contents without the unused-bits octet
    // monostate: an algorithm we do not know, or key octets that do not fit it
    std::variant<std::monostate, RsaPublicKey, DsaPublicKey, EcPublicKey, EdPublicKey> key;
    Bytes raw;
    Place place;
    Place key_place;
    friend bool operator==(const SubjectPublicKeyInfo&, const SubjectPublicKeyInfo&) = default;
};
// "RSA 2048", "EC secp256r1", "Ed25519", "DSA 1024", or the algorithm's name.
std::string to_string(const SubjectPublicKeyInfo& key);

// --- extensions ---------------------------------------------------------------------------------

struct GeneralNames {  // subjectAltName, issuerAltName
    std::vector<GeneralName> names;
    friend bool operator==(const GeneralNames&, const GeneralNames&) = default;
};
struct BasicConstraints {
    bool ca = false;
    std::optional<Integer> path_len_constraint;
    friend bool operator==(const BasicConstraints&, const BasicConstraints&) = default;
};
struct KeyUsage {
    std::uint16_t bits = 0;  // bit i of the BIT STRING is 1 << i
    enum Bit : std::uint16_t {
        digital_signature = 1 << 0,
        content_commitment = 1 << 1,
        key_encipherment = 1 << 2,
        data_encipherment = 1 << 3,
        key_agreement = 1 << 4,
        key_cert_sign = 1 << 5,
        crl_sign = 1 << 6,
        encipher_only = 1 << 7,
        decipher_only = 1 << 8
    };
    bool has(Bit bit) const { return (bits & bit) != 0; }
    friend bool operator==(const KeyUsage&, const KeyUsage&) = default;
};
struct ExtendedKeyUsage {
    std::vector<Oid> key_purposes;
    bool has(std::string_view name_or_dotted) const;
    friend bool operator==(const ExtendedKeyUsage&, const ExtendedKeyUsage&) = default;
};
struct AuthorityKeyIdentifier {
    std::optional<Bytes> key_identifier;
    std::vector<GeneralName> authority_cert_issuer;
    std::optional<Integer> authority_cert_serial_number;
    friend bool operator==(const AuthorityKeyIdentifier&, const AuthorityKeyIdentifier&) = default;
};
struct SubjectKeyIdentifier {
    Bytes key_identifier;
    friend bool operator==(const SubjectKeyIdentifier&, const SubjectKeyIdentifier&) = default;
};
struct PolicyQualifier {
    Oid id;
    Bytes qualifier;   // whole element
    std::string text;  // cPSuri or explicitText where it is one of those, else empty
    friend bool operator==(const PolicyQualifier&, const PolicyQualifier&) = default;
};
struct PolicyInformation {
    Oid policy;
    std::vector<PolicyQualifier> qualifiers;
    Place place;
    friend bool operator==(const PolicyInformation&, const PolicyInformation&) = default;
};
struct CertificatePolicies {  // certificatePolicies and Microsoft's application policies
    std::vector<PolicyInformation> policies;
    friend bool operator==(const CertificatePolicies&, const CertificatePolicies&) = default;
};
struct PolicyMappings {
    struct Mapping {
        Oid issuer_domain_policy;
        Oid subject_domain_policy;
        friend bool operator==(const Mapping&, const Mapping&) = default;
    };
    std::vector<Mapping> mappings;
    friend bool operator==(const PolicyMappings&, const PolicyMappings&) = default;
};
struct PolicyConstraints {
    std::optional<Integer> require_explicit_policy;
    std::optional<Integer> inhibit_policy_mapping;
    friend bool operator==(const PolicyConstraints&, const PolicyConstraints&) = default;
};
struct NameConstraints {
    struct Subtree {
        GeneralName base;  // iPAddress: address and mask, 8 or 32 octets
        std::optional<Integer> minimum;
        std::optional<Integer> maximum;
        friend bool operator==(const Subtree&, const Subtree&) = default;
    };
    std::vector<Subtree> permitted;
    std::vector<Subtree> excluded;
    friend bool operator==(const NameConstraints&, const NameConstraints&) = default;
};
struct InhibitAnyPolicy {
    Integer skip_certs;
    friend bool operator==(const InhibitAnyPolicy&, const InhibitAnyPolicy&) = default;
};
struct CrlDistributionPoints {
    struct Point {
        std::vector<GeneralName> full_name;
        bool relative_name = false;  // nameRelativeToCRLIssuer is present
        std::optional<std::uint16_t> reasons;
        std::vector<GeneralName> crl_issuer;
        friend bool operator==(const Point&, const Point&) = default;
    };
    std::vector<Point> points;
    friend bool operator==(const CrlDistributionPoints&, const CrlDistributionPoints&) = default;
};
struct AuthorityInfoAccess {  // also subjectInfoAccess
    struct Access {
        Oid method;
        GeneralName location;
        friend bool operator==(const Access&, const Access&) = default;
    };
    std::vector<Access> accesses;
    friend bool operator==(const AuthorityInfoAccess&, const AuthorityInfoAccess&) = default;
};
struct SignedCertificateTimestamps {  // RFC 6962 3.3
    struct Sct {
        std::uint8_t version = 0;
        Bytes log_id;  // 32 octets
        std::uint64_t timestamp_ms = 0;
        Bytes extensions;
        std::uint16_t signature_algorithm = 0;
        Bytes signature;
        friend bool operator==(const Sct&, const Sct&) = default;
    };
    std::vector<Sct> scts;
    friend bool operator==(const SignedCertificateTimestamps&,
                           const SignedCertificateTimestamps&) = default;
};
struct NetscapeCertType {
    std::uint8_t bits = 0;  // bit i of the BIT STRING is 1 << i: 0 SSL client, 1 SSL server, ...
    friend bool operator==(const NetscapeCertType&, const NetscapeCertType&) = default;
};
struct Comment {  // netscape-comment, and Microsoft's enrolCerttype (template name, BMPString)
    std::string text;
    friend bool operator==(const Comment&, const Comment&) = default;
};
struct CertificateTemplate {  // 1.3.6.1.4.1.311.21.7
    Oid template_id;
    std::optional<Integer> major_version;
    std::optional<Integer> minor_version;
    friend bool operator==(const CertificateTemplate&, const CertificateTemplate&) = default;
};

// monostate: an extension we do not know, or one whose value could not be read (see decode_error).
using ExtensionValue =
    std::variant<std::monostate, GeneralNames, BasicConstraints, KeyUsage, ExtendedKeyUsage,
                 AuthorityKeyIdentifier, SubjectKeyIdentifier, CertificatePolicies, PolicyMappings,
                 PolicyConstraints, NameConstraints, InhibitAnyPolicy, CrlDistributionPoints,
                 AuthorityInfoAccess, SignedCertificateTimestamps, NetscapeCertType, Comment,
                 CertificateTemplate>;

enum class CriticalEncoding { absent, explicit_false, true_ff, true_other };

struct Extension {
    Oid id;
    bool critical = false;
    CriticalEncoding critical_encoding = CriticalEncoding::absent;
    ExtensionValue value;
    std::optional<DecodeError> decode_error;  // of the value; offset within the certificate
    Bytes raw_value;                          // contents of extnValue
    Place place;                              // the Extension
    Place critical_place;                     // the BOOLEAN; length 0 when absent
    Place value_place;                        // contents of extnValue
    friend bool operator==(const Extension&, const Extension&) = default;
};

struct Certificate {
    Bytes raw;
    Place tbs_place;  // tbsCertificate: what the signature covers
    int version = 1;  // 1, 2, 3, or the written number + 1 when it is another
    bool version_present = false;
    Place version_place;
    Integer serial_number;
    AlgorithmIdentifier signature;  // inner, tbsCertificate.signature
    Name issuer;
    Validity validity;
    Name subject;
    SubjectPublicKeyInfo subject_public_key_info;
    std::optional<Bytes> issuer_unique_id;  // BIT STRING contents without the unused-bits octet
    std::optional<Bytes> subject_unique_id;
    Place issuer_unique_id_place;
    Place subject_unique_id_place;
    bool extensions_present = false;
    Place extensions_place;
    std::vector<Extension> extensions;
    AlgorithmIdentifier signature_algorithm;  // outer
    Bytes signature_value;                    // BIT STRING contents without the unused-bits octet
    Place signature_value_place;
    std::vector<Observation> observations;  // in order of offset

    ByteView tbs() const { return ByteView(raw).subspan(tbs_place.offset, tbs_place.length); }
    ByteView at(Place place) const { return ByteView(raw).subspan(place.offset, place.length); }
    friend bool operator==(const Certificate&, const Certificate&) = default;
};

// Trailing octets after the certificate are an observation, not an error. Work is bounded: 1,000
// extensions, 10,000 names in one list (within an extension: its decode_error), 1 MiB of
// certificate, and the limits of DerReader; more is a DecodeError.
Result<Certificate> decode_certificate(ByteView der);

// The first extension with this id, or nullptr.
const Extension* find_extension(const Certificate& certificate, std::string_view name_or_dotted);
// Its decoded value, or nullptr when it is absent or unreadable.
template <typename T>
const T* find_value(const Certificate& certificate, std::string_view name_or_dotted) {
    const Extension* extension = find_extension(certificate, name_or_dotted);
    return extension ? std::get_if<T>(&extension->value) : nullptr;
}
// issuer and subject hold the same octets. Says nothing about the signature.
bool is_self_issued(const Certificate& certificate);
// basicConstraints says so of it.
bool is_ca(const Certificate& certificate);
// "serial 1a2b, CN=mail.contoso.com" for messages; printable whatever the octets are.
std::string describe(const Certificate& certificate);

}  // namespace handset::x509
