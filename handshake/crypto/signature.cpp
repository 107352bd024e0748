#include "handshake/crypto/signature.h"

#include <fmt/format.h>
#include <mbedtls/bignum.h>
#include <mbedtls/md.h>
#include <mbedtls/pk.h>
#include <mbedtls/rsa.h>

#include "handshake/crypto/ber.h"
#include "handshake/crypto/digest.h"

namespace handset::crypto {
namespace {

constexpr std::size_t max_modulus_bits = MBEDTLS_MPI_MAX_BITS;
constexpr std::size_t max_exponent_bits = 256;

enum class Scheme { rsa_pkcs1, rsa_pss, ecdsa };

struct Algorithm {
    std::string_view oid;
    Scheme scheme;
    HashAlgorithm hash;
};
constexpr std::string_view rsassa_pss_oid = "1.2.840.113549.1.1.10";
// RFC 3279 2.2, RFC 4055 5, RFC 5758 3, and the OIW arc of ISO/IEC 14888-era certificates.
constexpr Algorithm algorithms[] = {
    {"1.2.840.113549.1.1.2", Scheme::rsa_pkcs1, HashAlgorithm::md2},
    {"1.2.840.113549.1.1.3", Scheme::rsa_pkcs1, HashAlgorithm::md4},
    {"1.2.840.113549.1.1.4", Scheme::rsa_pkcs1, HashAlgorithm::md5},
    {"1.2.840.113549.1.1.5", Scheme::rsa_pkcs1, HashAlgorithm::sha1},
    {"1.2.840.113549.1.1.11", Scheme::rsa_pkcs1, HashAlgorithm::sha256},
    {"1.2.840.113549.1.1.12", Scheme::rsa_pkcs1, HashAlgorithm::sha384},
    {"1.2.840.113549.1.1.13", Scheme::rsa_pkcs1, HashAlgorithm::sha512},
    {"1.2.840.113549.1.1.14", Scheme::rsa_pkcs1, HashAlgorithm::sha224},
    {"1.3.14.3.2.3", Scheme::rsa_pkcs1, HashAlgorithm::md5},
    {"1.3.14.3.2.29", Scheme::rsa_pkcs1, HashAlgorithm::sha1},
    {rsassa_pss_oid, Scheme::rsa_pss, HashAlgorithm::sha1},
    {"1.2.840.10045.4.1", Scheme::ecdsa, HashAlgorithm::sha1},
    {"1.2.840.10045.4.3.1", Scheme::ecdsa, HashAlgorithm::sha224},
    {"1.2.840.10045.4.3.2", Scheme::ecdsa, HashAlgorithm::sha256},
    {"1.2.840.10045.4.3.3", Scheme::ecdsa, HashAlgorithm::sha384},
    {"1.2.840.10045.4.3.4", Scheme::ecdsa, HashAlgorithm::sha512},
};

// Known by name only, for the detail.
struct Unsupported {
    std::string_view oid;
    std::string_view name;
};
constexpr Unsupported unsupported[] = {
    {"1.2.840.10040.4.3", "DSA with SHA-1"},
    {"1.3.14.3.2.13", "DSA with SHA-1"},
    {"1.3.14.3.2.27", "DSA with SHA-1"},
    {"2.16.840.1.101.3.4.3.1", "DSA with SHA-224"},
    {"2.16.840.1.101.3.4.3.2", "DSA with SHA-256"},
    {"1.3.14.3.2.15", "RSA with SHA-0"},
    {"1.3.101.112", "Ed25519"},
    {"1.3.101.113", "Ed448"},
    {"1.2.643.2.2.3", "GOST R 34.10-2001"},
    {"1.2.643.7.1.1.3.2", "GOST R 34.10-2012"},
    {"1.2.643.7.1.1.3.3", "GOST R 34.10-2012"},
};

struct Hash {
    std::string_view oid;
    HashAlgorithm algorithm;
    mbedtls_md_type_t md;
};
constexpr Hash hashes[] = {
    {"1.2.840.113549.2.2", HashAlgorithm::md2, MBEDTLS_MD_MD2},
    {"1.2.840.113549.2.4", HashAlgorithm::md4, MBEDTLS_MD_MD4},
    {"1.2.840.113549.2.5", HashAlgorithm::md5, MBEDTLS_MD_MD5},
    {"1.3.14.3.2.26", HashAlgorithm::sha1, MBEDTLS_MD_SHA1},
    {"2.16.840.1.101.3.4.2.4", HashAlgorithm::sha224, MBEDTLS_MD_SHA224},
    {"2.16.840.1.101.3.4.2.1", HashAlgorithm::sha256, MBEDTLS_MD_SHA256},
    {"2.16.840.1.101.3.4.2.2", HashAlgorithm::sha384, MBEDTLS_MD_SHA384},
    {"2.16.840.1.101.3.4.2.3", HashAlgorithm::sha512, MBEDTLS_MD_SHA512},
};

const Hash* find_hash(std::string_view oid) {
    for (const Hash& hash : hashes) {
        if (hash.oid == oid) return &hash;
    }
    return nullptr;
}

mbedtls_md_type_t md_of(HashAlgorithm algorithm) {
    for (const Hash& hash : hashes) {
        if (hash.algorithm == algorithm) return hash.md;
    }
    return MBEDTLS_MD_NONE;
}

SignatureResult good(std::string detail = {}) {
    return {SignatureCheck::good, std::move(detail)};
}
SignatureResult bad(std::string detail) {
    return {SignatureCheck::bad, std::move(detail)};
}
SignatureResult not_checkable(std::string detail) {
    return {SignatureCheck::not_checkable, std::move(detail)};
}

struct Mpi {
    Mpi() { mbedtls_mpi_init(&value); }
    ~Mpi() { mbedtls_mpi_free(&value); }
    Mpi(const Mpi&) = delete;
    Mpi& operator=(const Mpi&) = delete;
    mbedtls_mpi value{};
};
struct RsaContext {
    RsaContext() { mbedtls_rsa_init(&value, MBEDTLS_RSA_PKCS_V15, 0); }
    ~RsaContext() { mbedtls_rsa_free(&value); }
    RsaContext(const RsaContext&) = delete;
    RsaContext& operator=(const RsaContext&) = delete;
    mbedtls_rsa_context value{};
};
struct PkContext {
    PkContext() { mbedtls_pk_init(&value); }
    ~PkContext() { mbedtls_pk_free(&value); }
    PkContext(const PkContext&) = delete;
    PkContext& operator=(const PkContext&) = delete;
    mbedtls_pk_context value{};
};

enum class KeyType { rsa, ec, other };
struct PublicKey {
    KeyType type = KeyType::other;
    std::string oid;
    ByteView modulus;  // RSA; without leading zeros
    ByteView exponent;
};

std::size_t bit_length(ByteView number) {
    if (number.empty()) return 0;
    std::size_t bits = number.size() * 8;
    for (unsigned mask = 0x80; mask != 0 && (number[0] & mask) == 0; mask >>= 1)
        --bits;
    return bits;
}

// An INTEGER read as unsigned: moduli whose sign octet was forgotten are meant that way.
ByteView magnitude(const BerElement& integer) {
    ByteView octets = integer.contents;
    while (!octets.empty() && octets[0] == 0)
        octets = octets.subspan(1);
    return octets;
}

std::optional<PublicKey> read_public_key(ByteView subject_public_key_info) {
    BerReader outer(subject_public_key_info);
    const auto info = outer.expect(ber::sequence);
    if (!info) return std::nullopt;
    BerReader fields(info->contents);
    const auto algorithm = fields.expect(ber::sequence);
    const auto bits = fields.expect(ber::bit_string);
    if (!algorithm || !bits || bits->contents.empty()) return std::nullopt;
    BerReader identifier(algorithm->contents);
    const auto oid = identifier.expect(ber::object_identifier);
    if (!oid) return std::nullopt;

    PublicKey key;
    key.oid = dotted_oid_of(*oid);
    if (key.oid == "1.2.840.10045.2.1") key.type = KeyType::ec;
    // rsaEncryption, id-RSASSA-PSS, and X.500's rsa.
    if (key.oid == "1.2.840.113549.1.1.1" || key.oid == rsassa_pss_oid || key.oid == "2.5.8.1.1") {
        key.type = KeyType::rsa;
        BerReader key_reader(bits->contents.subspan(1));
        const auto rsa = key_reader.expect(ber::sequence);
        if (!rsa) return std::nullopt;
        BerReader numbers(rsa->contents);
        const auto modulus = numbers.expect(ber::integer);
        const auto exponent = numbers.expect(ber::integer);
        if (!modulus || !exponent) return std::nullopt;
        key.modulus = magnitude(*modulus);
        key.exponent = magnitude(*exponent);
    }
    return key;
}

// What speaks against computing with this RSA key, or empty.
std::string rsa_obstacle(const PublicKey& key) {
    const std::size_t modulus_bits = bit_length(key.modulus);
    const std::size_t exponent_bits = bit_length(key.exponent);
    if (modulus_bits > max_modulus_bits) {
        return fmt::format("RSA modulus of {} bits; the limit here is {}", modulus_bits,
                           max_modulus_bits);
    }
    if (exponent_bits > max_exponent_bits) {
        return fmt::format("RSA exponent of {} bits; the limit here is {}", exponent_bits,
                           max_exponent_bits);
    }
    if (modulus_bits < 64 || exponent_bits == 0 || (key.modulus.back() & 1) == 0) {
        return "the RSA modulus or exponent cannot be computed with";
    }
    return {};
}

// signature^e mod n, as long as the modulus; nullopt when the signature is not below the modulus.
std::optional<Bytes> rsa_public(const PublicKey& key, ByteView signature) {
    Mpi n;
    Mpi e;
    Mpi s;
    Mpi result;
    Bytes out(key.modulus.size());
    if (mbedtls_mpi_read_binary(&n.value, key.modulus.data(), key.modulus.size()) != 0 ||
        mbedtls_mpi_read_binary(&e.value, key.exponent.data(), key.exponent.size()) != 0 ||
        mbedtls_mpi_read_binary(&s.value, signature.data(), signature.size()) != 0 ||
        mbedtls_mpi_cmp_mpi(&s.value, &n.value) >= 0 ||
        mbedtls_mpi_exp_mod(&result.value, &s.value, &e.value, &n.value, nullptr) != 0 ||
        mbedtls_mpi_write_binary(&result.value, out.data(), out.size()) != 0) {
        return std::nullopt;
    }
    return out;
}

// The DigestInfo after EMSA-PKCS1-v1_5's padding (RFC 8017 9.2); empty when the padding is wrong.
ByteView unpad_pkcs1(ByteView encoded) {
    if (encoded.size() < 11 || encoded[0] != 0 || encoded[1] != 1) return {};
    std::size_t position = 2;
    while (position < encoded.size() && encoded[position] == 0xff)
        ++position;
    if (position < 10 || position == encoded.size() || encoded[position] != 0) return {};
    return encoded.subspan(position + 1);
}

SignatureResult check_digest_info(ByteView digest_info, HashAlgorithm expected, ByteView tbs) {
    BerReader outer(digest_info);
    const auto info = outer.expect(ber::sequence);
    if (!info || !outer.empty()) return bad("what was signed is no DigestInfo");
    BerReader fields(info->contents);
    const auto algorithm = fields.expect(ber::sequence);
    const auto value = fields.expect(ber::octet_string);
    if (!algorithm || !value || !fields.empty()) return bad("what was signed is no DigestInfo");
    BerReader identifier(algorithm->contents);
    const auto oid = identifier.expect(ber::object_identifier);
    if (!oid) return bad("what was signed is no DigestInfo");
    const bool has_null = identifier.next_if(ber::null).has_value();
    if (!identifier.empty()) return bad("DigestInfo with parameters");

    const std::string oid_text = dotted_oid_of(*oid);
    const Hash* hash = find_hash(oid_text);
    if (hash == nullptr || hash->algorithm != expected) {
        return bad(fmt::format("signed with the digest {}, not with {}",
                               hash != nullptr ? hash_name(hash->algorithm) : oid_text,
                               hash_name(expected)));
    }
    const auto computed = digest(expected, tbs);
    if (!computed) {
        return not_checkable(fmt::format("mbed TLS lacks the digest {}", hash_name(expected)));
    }
    if (!equal(value->contents, *computed)) return bad("the digest is another one");
    // Only one encoding of each form is taken: BER slack in here is how signatures were forged.
    const std::size_t shortest = 2 + 2 + oid->encoding.size() + 2 + computed->size();
    if (digest_info.size() != shortest + (has_null ? 2U : 0U)) return bad("DigestInfo is not DER");
    return good(has_null ? "" : "DigestInfo without the NULL parameters");
}

SignatureResult verify_rsa_pkcs1(ByteView tbs, HashAlgorithm hash, ByteView signature,
                                 const PublicKey& key) {
    if (signature.size() != key.modulus.size()) {
        return bad(fmt::format("the signature has {} octets, the modulus {}", signature.size(),
                               key.modulus.size()));
    }
    const auto encoded = rsa_public(key, signature);
    if (!encoded) return bad("made with another key: the signature is not below the modulus");
    const ByteView digest_info = unpad_pkcs1(*encoded);
    if (digest_info.empty()) return bad("made with another key: no PKCS #1 padding inside");
    return check_digest_info(digest_info, hash, tbs);
}

struct PssParameters {
    const Hash* hash = nullptr;
    const Hash* mgf_hash = nullptr;
    std::uint32_t salt_length = 20;
};

// AlgorithmIdentifier of a hash.
const Hash* read_hash(ByteView encoding) {
    BerReader outer(encoding);
    const auto sequence = outer.expect(ber::sequence);
    if (!sequence) return nullptr;
    BerReader fields(sequence->contents);
    const auto oid = fields.expect(ber::object_identifier);
    return oid ? find_hash(dotted_oid_of(*oid)) : nullptr;
}

// RFC 4055 3.1; absent fields have their defaults.
std::optional<PssParameters> read_pss_parameters(ByteView encoding) {
    PssParameters out;
    out.hash = out.mgf_hash = find_hash("1.3.14.3.2.26");
    BerReader outer(encoding);
    const auto sequence = outer.expect(ber::sequence);
    if (!sequence) return std::nullopt;
    BerReader fields(sequence->contents);
    if (const auto hash = fields.next_if(0xa0)) out.hash = read_hash(hash->contents);
    if (const auto mgf = fields.next_if(0xa1)) {
        BerReader mgf_outer(mgf->contents);
        const auto mgf_sequence = mgf_outer.expect(ber::sequence);
        if (!mgf_sequence) return std::nullopt;
        BerReader mgf_fields(mgf_sequence->contents);
        const auto oid = mgf_fields.expect(ber::object_identifier);
        const auto hash = mgf_fields.next();
        if (!oid || dotted_oid_of(*oid) != "1.2.840.113549.1.1.8" || !hash) return std::nullopt;
        out.mgf_hash = read_hash(hash->encoding);
    }
    if (const auto salt = fields.next_if(0xa2)) {
        BerReader number(salt->contents);
        const auto integer = number.expect(ber::integer);
        const auto value = integer ? small_integer_of(*integer) : std::nullopt;
        if (!value || *value > MBEDTLS_MPI_MAX_SIZE) return std::nullopt;
        out.salt_length = *value;
    }
    if (const auto trailer = fields.next_if(0xa3)) {
        BerReader number(trailer->contents);
        const auto integer = number.expect(ber::integer);
        if (!integer || small_integer_of(*integer) != 1U) return std::nullopt;
    }
    if (!fields.empty() || fields.failed() || out.hash == nullptr || out.mgf_hash == nullptr) {
        return std::nullopt;
    }
    return out;
}

SignatureResult verify_rsa_pss(ByteView tbs, std::optional<ByteView> parameters, ByteView signature,
                               const PublicKey& key) {
    const auto pss = parameters ? read_pss_parameters(*parameters) : std::nullopt;
    if (!pss) return not_checkable("parameters of RSASSA-PSS that cannot be used");
    const auto computed = digest(pss->hash->algorithm, tbs);
    if (!computed) {
        return not_checkable(
            fmt::format("mbed TLS lacks the digest {}", hash_name(pss->hash->algorithm)));
    }
    if (signature.size() != key.modulus.size()) {
        return bad(fmt::format("the signature has {} octets, the modulus {}", signature.size(),
                               key.modulus.size()));
    }
    RsaContext rsa;
    mbedtls_rsa_set_padding(&rsa.value, MBEDTLS_RSA_PKCS_V21, pss->hash->md);
    if (mbedtls_rsa_import_raw(&rsa.value, key.modulus.data(), key.modulus.size(), nullptr, 0,
                               nullptr, 0, nullptr, 0, key.exponent.data(),
                               key.exponent.size()) != 0 ||
        mbedtls_rsa_complete(&rsa.value) != 0 || mbedtls_rsa_check_pubkey(&rsa.value) != 0) {
        return not_checkable("mbed TLS refuses the RSA key");
    }
    const int status = mbedtls_rsa_rsassa_pss_verify_ext(
        &rsa.value, nullptr, nullptr, MBEDTLS_RSA_PUBLIC, pss->hash->md,
        static_cast<unsigned>(computed->size()), computed->data(), pss->mgf_hash->md,
        static_cast<int>(pss->salt_length), signature.data());
    return status == 0 ? good() : bad("RSASSA-PSS does not verify");
}

SignatureResult verify_ecdsa(ByteView tbs, HashAlgorithm hash, ByteView signature,
                             ByteView subject_public_key_info) {
    PkContext pk;
    Bytes copy = to_bytes(subject_public_key_info);
    unsigned char* position = copy.data();
    const int parsed = mbedtls_pk_parse_subpubkey(&position, copy.data() + copy.size(), &pk.value);
    if (parsed == MBEDTLS_ERR_ECP_INVALID_KEY) {
        return bad("the public key is no point of its curve");
    }
    if (parsed != 0) return not_checkable("a curve or an encoding of the key that mbed TLS lacks");
    if (mbedtls_pk_can_do(&pk.value, MBEDTLS_PK_ECDSA) == 0) {
        return not_checkable("a key that is not for ECDSA");
    }
    const auto computed = digest(hash, tbs);
    if (!computed) {
        return not_checkable(fmt::format("mbed TLS lacks the digest {}", hash_name(hash)));
    }
    const int status = mbedtls_pk_verify(&pk.value, md_of(hash), computed->data(), computed->size(),
                                         signature.data(), signature.size());
    return status == 0 ? good() : bad("ECDSA does not verify");
}

}  // namespace

SignatureResult verify_signature(ByteView tbs, std::string_view signature_algorithm,
                                 std::optional<ByteView> parameters, ByteView signature,
                                 ByteView subject_public_key_info) {
    const Algorithm* algorithm = nullptr;
    for (const Algorithm& row : algorithms) {
        if (row.oid == signature_algorithm) algorithm = &row;
    }
    if (algorithm == nullptr) {
        for (const Unsupported& row : unsupported) {
            if (row.oid == signature_algorithm) {
                return not_checkable(fmt::format("{} is not checked here", row.name));
            }
        }
        return not_checkable(
            fmt::format("unknown signature algorithm {}", printable(signature_algorithm)));
    }
    const auto key = read_public_key(subject_public_key_info);
    if (!key) return not_checkable("the public key cannot be read");
    if (key->type == KeyType::other) {
        return not_checkable(fmt::format("a public key of the type {}", key->oid));
    }
    const bool wants_ec = algorithm->scheme == Scheme::ecdsa;
    if (wants_ec != (key->type == KeyType::ec)) {
        return bad(wants_ec ? "an ECDSA signature, but an RSA key"
                            : "an RSA signature, but an EC key");
    }
    if (wants_ec) return verify_ecdsa(tbs, algorithm->hash, signature, subject_public_key_info);
    if (std::string obstacle = rsa_obstacle(*key); !obstacle.empty()) {
        return not_checkable(std::move(obstacle));
    }
    if (algorithm->scheme == Scheme::rsa_pss) {
        return verify_rsa_pss(tbs, parameters, signature, *key);
    }
    return verify_rsa_pkcs1(tbs, algorithm->hash, signature, *key);
}

std::optional<ByteView> find_subject_public_key_info(ByteView certificate) {
    BerReader outer(certificate);
    const auto whole = outer.expect(ber::sequence);
    if (!whole) return std::nullopt;
    BerReader parts(whole->contents);
    const auto tbs = parts.expect(ber::sequence);
    if (!tbs) return std::nullopt;
    BerReader fields(tbs->contents);
    fields.next_if(ber::context_0);  // version
    // serialNumber, signature, issuer, validity, subject
    for (int i = 0; i < 5; ++i) {
        if (!fields.next()) return std::nullopt;
    }
    const auto info = fields.expect(ber::sequence);
    if (!info) return std::nullopt;
    return info->encoding;
}

}  // namespace handset::crypto
