#include "handshake/crypto/digest.h"

#include <mbedtls/md.h>

namespace handset::crypto {
namespace {

mbedtls_md_type_t md_type(HashAlgorithm algorithm) {
    switch (algorithm) {
        case HashAlgorithm::md2:
            return MBEDTLS_MD_MD2;
        case HashAlgorithm::md4:
            return MBEDTLS_MD_MD4;
        case HashAlgorithm::md5:
            return MBEDTLS_MD_MD5;
        case HashAlgorithm::sha1:
            return MBEDTLS_MD_SHA1;
        case HashAlgorithm::sha224:
            return MBEDTLS_MD_SHA224;
        case HashAlgorithm::sha256:
            return MBEDTLS_MD_SHA256;
        case HashAlgorithm::sha384:
            return MBEDTLS_MD_SHA384;
        case HashAlgorithm::sha512:
            return MBEDTLS_MD_SHA512;
    }
    return MBEDTLS_MD_NONE;
}

}  // namespace

std::string_view hash_name(HashAlgorithm algorithm) {
    switch (algorithm) {
        case HashAlgorithm::md2:
            return "MD2";
        case HashAlgorithm::md4:
            return "MD4";
        case HashAlgorithm::md5:
            return "MD5";
        case HashAlgorithm::sha1:
            return "SHA-1";
        case HashAlgorithm::sha224:
            return "SHA-224";
        case HashAlgorithm::sha256:
            return "SHA-256";
        case HashAlgorithm::sha384:
            return "SHA-384";
        case HashAlgorithm::sha512:
            return "SHA-512";
    }
    return "unknown";
}

std::optional<Bytes> digest(HashAlgorithm algorithm, ByteView octets) {
    const mbedtls_md_info_t* info = mbedtls_md_info_from_type(md_type(algorithm));
    if (info == nullptr) return std::nullopt;
    Bytes out(mbedtls_md_get_size(info));
    if (mbedtls_md(info, octets.data(), octets.size(), out.data()) != 0) return std::nullopt;
    return out;
}

}  // namespace handset::crypto
