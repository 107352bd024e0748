#include "handshake/crypto/private_key.h"

#include <fmt/format.h>
#include <mbedtls/md.h>
#include <mbedtls/pk.h>

#include <array>
#include <mutex>
#include <stdexcept>

namespace handset::crypto {
namespace {

void must(int result, std::string_view what) {
    if (result < 0) {
        throw std::runtime_error(fmt::format("{}: mbed TLS says -0x{:04x}", what, -result));
    }
}

// RSA blinding and RFC 6979 want random numbers; what is signed does not depend on them.
int counted_octets(void* state, unsigned char* out, std::size_t length) {
    auto& counter = *static_cast<std::uint32_t*>(state);
    for (std::size_t i = 0; i < length; ++i)
        out[i] = static_cast<unsigned char>((counter = counter * 1664525 + 1013904223) >> 24);
    return 0;
}

mbedtls_md_type_t md_type(HashAlgorithm algorithm) {
    switch (algorithm) {
        case HashAlgorithm::md2:
        case HashAlgorithm::md4:
            return MBEDTLS_MD_NONE;
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

Bytes digest_or_throw(HashAlgorithm algorithm, ByteView octets) {
    const auto hash = digest(algorithm, octets);
    if (!hash) {
        throw std::runtime_error(
            fmt::format("{}: the digest is not at hand", hash_name(algorithm)));
    }
    return *hash;
}

}  // namespace

struct PrivateKey::State {
    State() { mbedtls_pk_init(&context); }
    ~State() { mbedtls_pk_free(&context); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    Bytes sign(mbedtls_md_type_t type, ByteView hash) {
        const std::lock_guard lock(mutex);
        std::array<std::uint8_t, MBEDTLS_PK_SIGNATURE_MAX_SIZE> signature{};
        std::size_t length = 0;
        std::uint32_t counter = 1;
        must(mbedtls_pk_sign(&context, type, hash.data(), hash.size(), signature.data(), &length,
                             counted_octets, &counter),
             "signing");
        return {signature.begin(), signature.begin() + static_cast<std::ptrdiff_t>(length)};
    }

    mbedtls_pk_context context;
    std::mutex mutex;  // RSA blinding changes the context
};

PrivateKey::PrivateKey(std::string_view pem) : state_(std::make_unique<State>()) {
    const std::string text(pem);  // mbed TLS wants the zero behind it
    must(
        mbedtls_pk_parse_key(&state_->context, reinterpret_cast<const unsigned char*>(text.c_str()),
                             text.size() + 1, nullptr, 0),
        "private key");
}
PrivateKey::~PrivateKey() = default;
PrivateKey::PrivateKey(PrivateKey&&) noexcept = default;
PrivateKey& PrivateKey::operator=(PrivateKey&&) noexcept = default;

bool PrivateKey::is_rsa() const {
    return mbedtls_pk_can_do(&state_->context, MBEDTLS_PK_RSA) != 0;
}

Bytes PrivateKey::public_key() const {
    std::array<std::uint8_t, 2048> buffer{};
    const int length = mbedtls_pk_write_pubkey_der(&state_->context, buffer.data(), buffer.size());
    must(length, "public key");
    return {buffer.end() - length, buffer.end()};
}

Bytes PrivateKey::sign(HashAlgorithm algorithm, ByteView octets) const {
    const Bytes hash = digest_or_throw(algorithm, octets);
    const mbedtls_md_type_t type = md_type(algorithm);
    if (type != MBEDTLS_MD_NONE) return state_->sign(type, hash);
    // DigestInfo by hand (RFC 8017 9.2).
    Bytes digest_info = from_hex("3020300c06082a864886f70d020205000410").value();
    if (algorithm == HashAlgorithm::md4) digest_info[13] = 4;
    append(digest_info, hash);
    return state_->sign(MBEDTLS_MD_NONE, digest_info);
}

Bytes PrivateKey::sign_tls_1_0(ByteView octets) const {
    const Bytes sha1 = digest_or_throw(HashAlgorithm::sha1, octets);
    if (!is_rsa()) return state_->sign(MBEDTLS_MD_SHA1, sha1);
    Bytes hashes = digest_or_throw(HashAlgorithm::md5, octets);
    append(hashes, sha1);
    return state_->sign(MBEDTLS_MD_NONE, hashes);
}

std::optional<Bytes> PrivateKey::decrypt(ByteView encrypted) const {
    Bytes out(1024);
    std::size_t length = 0;
    std::uint32_t counter = 1;
    const std::lock_guard lock(state_->mutex);
    if (mbedtls_pk_decrypt(&state_->context, encrypted.data(), encrypted.size(), out.data(),
                           &length, out.size(), counted_octets, &counter) != 0) {
        return std::nullopt;
    }
    out.resize(length);
    return out;
}

}  // namespace handset::crypto
