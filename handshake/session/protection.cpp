#include "handshake/session/protection.h"

#include <fmt/format.h>
#include <mbedtls/arc4.h>
#include <mbedtls/cipher.h>
#include <mbedtls/gcm.h>
#include <mbedtls/md.h>
#include <mbedtls/ssl.h>

#include <algorithm>
#include <array>
#include <random>
#include <stdexcept>

#include "handshake/base/writer.h"
#include "handshake/crypto/digest.h"

namespace handset::session {
namespace {

using crypto::HashAlgorithm;
using wire::ProtocolVersion;

enum class Mode { stream, cbc, gcm };
struct Algorithms {
    std::string_view name;  // of a suite, behind "_WITH_"
    Mode mode{};
    mbedtls_cipher_type_t cipher{};
    std::size_t key_length = 0;
    std::size_t block_length = 0;
    mbedtls_md_type_t mac{};
    std::size_t mac_length = 0;
    bool sha384_prf = false;  // in TLS 1.2
};
constexpr Algorithms table[] = {
    {"RC4_128_MD5", Mode::stream, MBEDTLS_CIPHER_ARC4_128, 16, 1, MBEDTLS_MD_MD5, 16},
    {"RC4_128_SHA", Mode::stream, MBEDTLS_CIPHER_ARC4_128, 16, 1, MBEDTLS_MD_SHA1, 20},
    {"3DES_EDE_CBC_SHA", Mode::cbc, MBEDTLS_CIPHER_DES_EDE3_CBC, 24, 8, MBEDTLS_MD_SHA1, 20},
    {"AES_128_CBC_SHA", Mode::cbc, MBEDTLS_CIPHER_AES_128_CBC, 16, 16, MBEDTLS_MD_SHA1, 20},
    {"AES_256_CBC_SHA", Mode::cbc, MBEDTLS_CIPHER_AES_256_CBC, 32, 16, MBEDTLS_MD_SHA1, 20},
    {"AES_128_CBC_SHA256", Mode::cbc, MBEDTLS_CIPHER_AES_128_CBC, 16, 16, MBEDTLS_MD_SHA256, 32},
    {"AES_256_CBC_SHA256", Mode::cbc, MBEDTLS_CIPHER_AES_256_CBC, 32, 16, MBEDTLS_MD_SHA256, 32},
    {"AES_256_CBC_SHA384", Mode::cbc, MBEDTLS_CIPHER_AES_256_CBC, 32, 16, MBEDTLS_MD_SHA384, 48,
     true},
    {"AES_128_GCM_SHA256", Mode::gcm, MBEDTLS_CIPHER_AES_128_GCM, 16, 16, MBEDTLS_MD_SHA256, 0},
    {"AES_256_GCM_SHA384", Mode::gcm, MBEDTLS_CIPHER_AES_256_GCM, 32, 16, MBEDTLS_MD_SHA384, 0,
     true},
};
constexpr std::size_t gcm_salt = 4;
constexpr std::size_t gcm_explicit = 8;
constexpr std::size_t gcm_tag = 16;

const Algorithms* algorithms_of(wire::CipherSuite suite) {
    const std::string name = wire::name_of(suite);
    const std::size_t with = name.find("_WITH_");
    if (with == std::string::npos) return nullptr;
    const auto found =
        std::ranges::find(table, std::string_view(name).substr(with + 6), &Algorithms::name);
    return found == std::end(table) ? nullptr : found;
}

void check(int status, std::string_view what) {
    if (status != 0)
        throw std::runtime_error(fmt::format("mbed TLS: {} failed ({})", what, status));
}

Bytes random_octets(std::size_t length) {
    std::random_device device;
    Bytes octets(length);
    std::ranges::generate(octets, [&] { return static_cast<std::uint8_t>(device()); });
    return octets;
}

// One direction's keys and its count of records.
struct Direction {
    Bytes mac_key;
    Bytes key;
    Bytes iv;  // CBC of TLS 1.0: of the next record; GCM: the salt
    std::uint64_t sequence = 0;
    mbedtls_arc4_context stream;
};

}  // namespace

bool can_protect(wire::CipherSuite suite) {
    return algorithms_of(suite) != nullptr;
}

struct Protection::State {
    ProtocolVersion version{};
    const Algorithms* algorithms = nullptr;
    Bytes master_secret;
    Direction client;
    Direction server;

    State() {
        mbedtls_arc4_init(&client.stream);
        mbedtls_arc4_init(&server.stream);
    }
    ~State() {
        mbedtls_arc4_free(&client.stream);
        mbedtls_arc4_free(&server.stream);
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    Bytes prf(ByteView secret, const char* label, ByteView seed, std::size_t length) const {
        const auto kind = version < ProtocolVersion::tls_1_2 ? MBEDTLS_SSL_TLS_PRF_TLS1
                          : algorithms->sha384_prf           ? MBEDTLS_SSL_TLS_PRF_SHA384
                                                             : MBEDTLS_SSL_TLS_PRF_SHA256;
        Bytes out(length);
        check(mbedtls_ssl_tls_prf(kind, secret.data(), secret.size(), label, seed.data(),
                                  seed.size(), out.data(), out.size()),
              "the PRF");
        return out;
    }

    void derive(ByteView premaster, ByteView client_random, ByteView server_random) {
        Bytes seed = to_bytes(client_random);
        append(seed, server_random);
        master_secret = prf(premaster, "master secret", seed, 48);
        seed = to_bytes(server_random);
        append(seed, client_random);
        const std::size_t iv_length =
            algorithms->mode == Mode::gcm ? gcm_salt
            : algorithms->mode == Mode::cbc && version == ProtocolVersion::tls_1_0
                ? algorithms->block_length
                : 0;
        const std::size_t each = algorithms->mac_length + algorithms->key_length + iv_length;
        const Bytes block = prf(master_secret, "key expansion", seed, 2 * each);
        ByteView rest = block;
        const auto take = [&](std::size_t length) {
            const Bytes part = to_bytes(rest.first(length));
            rest = rest.subspan(length);
            return part;
        };
        client.mac_key = take(algorithms->mac_length);
        server.mac_key = take(algorithms->mac_length);
        client.key = take(algorithms->key_length);
        server.key = take(algorithms->key_length);
        client.iv = take(iv_length);
        server.iv = take(iv_length);
        if (algorithms->mode != Mode::stream) return;
        for (Direction* direction : {&client, &server}) {
            mbedtls_arc4_setup(&direction->stream, direction->key.data(),
                               static_cast<unsigned>(direction->key.size()));
        }
    }

    // seq_num, type, version and length, as MAC and GCM take them.
    Bytes header(const Direction& of, wire::ContentType type, ProtocolVersion record_version,
                 std::size_t length) const {
        return Writer()
            .u32(static_cast<std::uint32_t>(of.sequence >> 32))
            .u32(static_cast<std::uint32_t>(of.sequence))
            .u8(static_cast<std::uint8_t>(type))
            .u16(static_cast<std::uint16_t>(record_version))
            .u16(static_cast<std::uint16_t>(length))
            .take();
    }

    Bytes mac(const Direction& of, wire::ContentType type, ProtocolVersion record_version,
              ByteView plaintext) const {
        Bytes input = header(of, type, record_version, plaintext.size());
        append(input, plaintext);
        Bytes out(algorithms->mac_length);
        check(mbedtls_md_hmac(mbedtls_md_info_from_type(algorithms->mac), of.mac_key.data(),
                              of.mac_key.size(), input.data(), input.size(), out.data()),
              "HMAC");
        return out;
    }

    Bytes cbc(const Direction& of, ByteView iv, ByteView in, mbedtls_operation_t operation) const {
        mbedtls_cipher_context_t context;
        mbedtls_cipher_init(&context);
        Bytes out(in.size() + algorithms->block_length);
        std::size_t length = 0;
        int status =
            mbedtls_cipher_setup(&context, mbedtls_cipher_info_from_type(algorithms->cipher));
        if (status == 0) {
            status = mbedtls_cipher_setkey(&context, of.key.data(),
                                           static_cast<int>(of.key.size() * 8), operation);
        }
        if (status == 0) {
            status = mbedtls_cipher_set_padding_mode(&context, MBEDTLS_PADDING_NONE);
        }
        if (status == 0) {
            status = mbedtls_cipher_crypt(&context, iv.data(), iv.size(), in.data(), in.size(),
                                          out.data(), &length);
        }
        mbedtls_cipher_free(&context);
        check(status, "CBC");
        out.resize(length);
        return out;
    }

    Bytes stream(Direction& of, ByteView in) const {
        Bytes out(in.size());
        check(mbedtls_arc4_crypt(&of.stream, in.size(), in.data(), out.data()), "RC4");
        return out;
    }

    // The nonce's explicit part is the record's number.
    Bytes gcm_seal(const Direction& of, wire::ContentType type, ByteView plaintext) const {
        const Bytes nonce_explicit = Writer()
                                         .u32(static_cast<std::uint32_t>(of.sequence >> 32))
                                         .u32(static_cast<std::uint32_t>(of.sequence))
                                         .take();
        Bytes nonce = of.iv;
        append(nonce, nonce_explicit);
        const Bytes additional = header(of, type, version, plaintext.size());
        Bytes out(plaintext.size());
        Bytes tag(gcm_tag);
        mbedtls_gcm_context context;
        mbedtls_gcm_init(&context);
        int status = mbedtls_gcm_setkey(&context, MBEDTLS_CIPHER_ID_AES, of.key.data(),
                                        static_cast<unsigned>(of.key.size() * 8));
        if (status == 0) {
            status = mbedtls_gcm_crypt_and_tag(&context, MBEDTLS_GCM_ENCRYPT, plaintext.size(),
                                               nonce.data(), nonce.size(), additional.data(),
                                               additional.size(), plaintext.data(), out.data(),
                                               tag.size(), tag.data());
        }
        mbedtls_gcm_free(&context);
        check(status, "GCM");
        Bytes fragment = nonce_explicit;
        append(fragment, out);
        append(fragment, tag);
        return fragment;
    }

    std::optional<Bytes> gcm_open(const Direction& of, const wire::Record& record) const {
        if (record.fragment.size() < gcm_explicit + gcm_tag) return std::nullopt;
        const ByteView fragment = record.fragment;
        Bytes nonce = of.iv;
        append(nonce, fragment.first(gcm_explicit));
        const ByteView in =
            fragment.subspan(gcm_explicit, fragment.size() - gcm_explicit - gcm_tag);
        const ByteView tag = fragment.last(gcm_tag);
        const Bytes additional = header(of, record.type, record.version, in.size());
        Bytes out(in.size());
        mbedtls_gcm_context context;
        mbedtls_gcm_init(&context);
        int status = mbedtls_gcm_setkey(&context, MBEDTLS_CIPHER_ID_AES, of.key.data(),
                                        static_cast<unsigned>(of.key.size() * 8));
        if (status == 0) {
            status = mbedtls_gcm_auth_decrypt(&context, in.size(), nonce.data(), nonce.size(),
                                              additional.data(), additional.size(), tag.data(),
                                              tag.size(), in.data(), out.data());
        }
        mbedtls_gcm_free(&context);
        if (status != 0) return std::nullopt;
        return out;
    }

    // Contents, MAC and for CBC the padding taken off.
    std::optional<Bytes> open_mac(Direction& of, const wire::Record& record,
                                  Bytes plaintext) const {
        if (algorithms->mode == Mode::cbc) {
            if (plaintext.empty()) return std::nullopt;
            const std::size_t padding = std::size_t{plaintext.back()} + 1;
            if (padding > plaintext.size()) return std::nullopt;
            const auto is_wrong = [&](std::uint8_t octet) { return octet != plaintext.back(); };
            if (std::ranges::any_of(ByteView(plaintext).last(padding), is_wrong)) {
                return std::nullopt;
            }
            plaintext.resize(plaintext.size() - padding);
        }
        if (plaintext.size() < algorithms->mac_length) return std::nullopt;
        const std::size_t length = plaintext.size() - algorithms->mac_length;
        const Bytes seen = to_bytes(ByteView(plaintext).subspan(length));
        plaintext.resize(length);
        if (seen != mac(of, record.type, record.version, plaintext)) return std::nullopt;
        return plaintext;
    }
};

Protection::Protection(ProtocolVersion version, wire::CipherSuite suite, ByteView premaster_secret,
                       ByteView client_random, ByteView server_random)
    : state_(std::make_unique<State>()) {
    state_->version = version;
    state_->algorithms = algorithms_of(suite);
    if (!state_->algorithms) {
        throw std::invalid_argument(fmt::format("{} is not known here", wire::name_of(suite)));
    }
    state_->derive(premaster_secret, client_random, server_random);
}
Protection::~Protection() = default;
Protection::Protection(Protection&&) noexcept = default;
Protection& Protection::operator=(Protection&&) noexcept = default;

Bytes Protection::verify_data(Side side, ByteView transcript) const {
    Bytes hash;
    if (state_->version < ProtocolVersion::tls_1_2) {
        hash = crypto::digest(HashAlgorithm::md5, transcript).value();
        append(hash, crypto::digest(HashAlgorithm::sha1, transcript).value());
    } else {
        hash = crypto::digest(
                   state_->algorithms->sha384_prf ? HashAlgorithm::sha384 : HashAlgorithm::sha256,
                   transcript)
                   .value();
    }
    return state_->prf(state_->master_secret,
                       side == Side::client ? "client finished" : "server finished", hash, 12);
}

Bytes Protection::seal(wire::ContentType type, ByteView plaintext) {
    Direction& of = state_->server;
    const Algorithms& algorithms = *state_->algorithms;
    Bytes fragment;
    if (algorithms.mode == Mode::gcm) {
        fragment = state_->gcm_seal(of, type, plaintext);
    } else {
        Bytes inner = to_bytes(plaintext);
        append(inner, state_->mac(of, type, state_->version, plaintext));
        if (algorithms.mode == Mode::stream) {
            fragment = state_->stream(of, inner);
        } else {
            const std::size_t block = algorithms.block_length;
            const std::size_t padding = block - inner.size() % block;  // with the length octet
            inner.resize(inner.size() + padding, static_cast<std::uint8_t>(padding - 1));
            const bool explicit_iv = state_->version > ProtocolVersion::tls_1_0;
            const Bytes iv = explicit_iv ? random_octets(block) : of.iv;
            const Bytes encrypted = state_->cbc(of, iv, inner, MBEDTLS_ENCRYPT);
            if (explicit_iv) fragment = iv;
            append(fragment, encrypted);
            if (!explicit_iv) of.iv = to_bytes(ByteView(encrypted).last(block));
        }
    }
    ++of.sequence;
    return wire::encode(wire::Record{type, state_->version, std::move(fragment), 0});
}

std::optional<Bytes> Protection::open(const wire::Record& record) {
    Direction& of = state_->client;
    const Algorithms& algorithms = *state_->algorithms;
    std::optional<Bytes> plaintext;
    if (algorithms.mode == Mode::gcm) {
        plaintext = state_->gcm_open(of, record);
    } else if (algorithms.mode == Mode::stream) {
        plaintext = state_->open_mac(of, record, state_->stream(of, record.fragment));
    } else {
        const std::size_t block = algorithms.block_length;
        ByteView encrypted = record.fragment;
        Bytes iv = of.iv;
        if (state_->version > ProtocolVersion::tls_1_0) {
            if (encrypted.size() < block) return std::nullopt;
            iv = to_bytes(encrypted.first(block));
            encrypted = encrypted.subspan(block);
        }
        if (encrypted.empty() || encrypted.size() % block != 0) return std::nullopt;
        plaintext = state_->open_mac(of, record, state_->cbc(of, iv, encrypted, MBEDTLS_DECRYPT));
        of.iv = to_bytes(encrypted.last(block));
    }
    ++of.sequence;
    return plaintext;
}

}  // namespace handset::session
