// The client's half of what handset::session::Protection does, for tests alone: written on mbed
// TLS's primitives and on the RFCs, without a line of the code that it tests. It can also protect
// what no honest client would send.
#pragma once

#include <mbedtls/arc4.h>
#include <mbedtls/cipher.h>
#include <mbedtls/md.h>
#include <mbedtls/ssl.h>

#include <optional>
#include <stdexcept>
#include <string>

#include "handshake/base/writer.h"
#include "handshake/wire/record.h"

namespace handset::test {

class ClientRecords {
public:
    ClientRecords(wire::ProtocolVersion version, wire::CipherSuite suite, ByteView premaster_secret,
                  ByteView client_random, ByteView server_random)
        : version_(version), name_(wire::name_of(suite)) {
        gcm_ = has("_GCM_");
        rc4_ = has("_RC4_");
        block_ = has("3DES") ? 8 : 16;
        const std::size_t key_length = has("3DES") ? 24 : has("_256_") ? 32 : 16;
        cipher_ = has("3DES")    ? MBEDTLS_CIPHER_DES_EDE3_CBC
                  : has("_256_") ? (gcm_ ? MBEDTLS_CIPHER_AES_256_GCM : MBEDTLS_CIPHER_AES_256_CBC)
                                 : (gcm_ ? MBEDTLS_CIPHER_AES_128_GCM : MBEDTLS_CIPHER_AES_128_CBC);
        const std::string_view name(name_);
        digest_ = name.ends_with("MD5")      ? MBEDTLS_MD_MD5
                  : name.ends_with("SHA256") ? MBEDTLS_MD_SHA256
                  : name.ends_with("SHA384") ? MBEDTLS_MD_SHA384
                                             : MBEDTLS_MD_SHA1;
        mac_length_ = gcm_ ? 0 : mbedtls_md_get_size(mbedtls_md_info_from_type(digest_));
        Bytes seed = to_bytes(client_random);
        append(seed, server_random);
        master_secret_ = prf(premaster_secret, "master secret", seed, 48);
        seed = to_bytes(server_random);
        append(seed, client_random);
        const std::size_t iv_length = gcm_                                                  ? 4
                                      : !rc4_ && version_ == wire::ProtocolVersion::tls_1_0 ? block_
                                                                                            : 0;
        const Bytes keys =
            prf(master_secret_, "key expansion", seed, 2 * (mac_length_ + key_length + iv_length));
        std::size_t at = 0;
        for (Bytes Half::*part : {&Half::mac_key, &Half::key, &Half::iv}) {
            const std::size_t length = part == &Half::mac_key ? mac_length_
                                       : part == &Half::key   ? key_length
                                                              : iv_length;
            for (Half* half : {&own_, &theirs_}) {
                half->*part = to_bytes(ByteView(keys).subspan(at, length));
                at += length;
            }
        }
        for (Half* half : {&own_, &theirs_}) {
            mbedtls_arc4_init(&half->stream);
            mbedtls_arc4_setup(&half->stream, half->key.data(),
                               static_cast<unsigned>(half->key.size()));
        }
    }

    // `hash` is that of the transcript: MD5 and SHA-1 one behind the other before TLS 1.2.
    Bytes verify_data(const char* label, ByteView hash) const {
        return prf(master_secret_, label, hash, 12);
    }

    // One whole record, as an honest client writes it.
    Bytes seal(wire::ContentType type, ByteView plaintext) {
        if (gcm_) return seal_gcm(type, plaintext);
        Bytes inner = to_bytes(plaintext);
        append(inner, mac(own_, type, plaintext));
        if (!rc4_) {
            const std::size_t padding = block_ - inner.size() % block_;
            inner.insert(inner.end(), padding, static_cast<std::uint8_t>(padding - 1));
        }
        return encrypted(type, inner);
    }
    // The record's number stays: a next record is as if this had not been.
    Bytes mac_of_next(wire::ContentType type, ByteView plaintext) const {
        return mac(own_, type, plaintext);
    }
    // With MAC and padding in `inner` as the test wants them; not for GCM.
    Bytes encrypted(wire::ContentType type, ByteView inner) {
        Bytes fragment;
        if (rc4_) {
            fragment.resize(inner.size());
            mbedtls_arc4_crypt(&own_.stream, inner.size(), inner.data(), fragment.data());
        } else {
            const bool chained = version_ == wire::ProtocolVersion::tls_1_0;
            const Bytes iv = chained ? own_.iv : Bytes(block_, 0x1f);
            const Bytes out = cbc(own_, iv, inner, MBEDTLS_ENCRYPT);
            if (!chained) fragment = iv;
            append(fragment, out);
            if (chained) own_.iv = to_bytes(ByteView(out).last(block_));
        }
        ++own_.sequence;
        return wire::encode(wire::Record{type, version_, fragment, 0});
    }

    // The contents of the server's next record; nullopt when anything about it is wrong.
    std::optional<Bytes> open(const wire::Record& record) {
        if (gcm_) return open_gcm(record);
        Bytes inner;
        ByteView fragment = record.fragment;
        if (rc4_) {
            inner.resize(fragment.size());
            mbedtls_arc4_crypt(&theirs_.stream, fragment.size(), fragment.data(), inner.data());
        } else {
            Bytes iv = theirs_.iv;
            if (version_ != wire::ProtocolVersion::tls_1_0) {
                iv = to_bytes(fragment.first(block_));
                fragment = fragment.subspan(block_);
            }
            inner = cbc(theirs_, iv, fragment, MBEDTLS_DECRYPT);
            theirs_.iv = to_bytes(fragment.last(block_));
            const std::size_t padding = inner.back() + std::size_t{1};
            if (padding > inner.size()) return std::nullopt;
            for (const std::uint8_t octet : ByteView(inner).last(padding)) {
                if (octet != inner.back()) return std::nullopt;
            }
            inner.resize(inner.size() - padding);
        }
        if (inner.size() < mac_length_) return std::nullopt;
        const Bytes seen = to_bytes(ByteView(inner).last(mac_length_));
        inner.resize(inner.size() - mac_length_);
        if (seen != mac(theirs_, record.type, inner)) return std::nullopt;
        ++theirs_.sequence;
        return inner;
    }

private:
    struct Half {
        Bytes mac_key;
        Bytes key;
        Bytes iv;
        std::uint64_t sequence = 0;
        mbedtls_arc4_context stream;
    };

    bool has(std::string_view part) const { return name_.find(part) != std::string::npos; }
    static void must(int status) {
        if (status != 0) throw std::runtime_error("mbed TLS: " + std::to_string(status));
    }

    Bytes prf(ByteView secret, const char* label, ByteView seed, std::size_t length) const {
        const auto kind = version_ < wire::ProtocolVersion::tls_1_2 ? MBEDTLS_SSL_TLS_PRF_TLS1
                          : digest_ == MBEDTLS_MD_SHA384            ? MBEDTLS_SSL_TLS_PRF_SHA384
                                                                    : MBEDTLS_SSL_TLS_PRF_SHA256;
        Bytes out(length);
        must(mbedtls_ssl_tls_prf(kind, secret.data(), secret.size(), label, seed.data(),
                                 seed.size(), out.data(), out.size()));
        return out;
    }
    // RFC 5246 6.2.3.1 and 6.2.3.3.
    Bytes header(const Half& half, wire::ContentType type, std::size_t length) const {
        return Writer()
            .u32(static_cast<std::uint32_t>(half.sequence >> 32))
            .u32(static_cast<std::uint32_t>(half.sequence))
            .u8(static_cast<std::uint8_t>(type))
            .u16(static_cast<std::uint16_t>(version_))
            .u16(static_cast<std::uint16_t>(length))
            .take();
    }
    Bytes mac(const Half& half, wire::ContentType type, ByteView plaintext) const {
        Bytes input = header(half, type, plaintext.size());
        append(input, plaintext);
        Bytes out(mac_length_);
        must(mbedtls_md_hmac(mbedtls_md_info_from_type(digest_), half.mac_key.data(),
                             half.mac_key.size(), input.data(), input.size(), out.data()));
        return out;
    }
    auto with_cipher(const Half& half, mbedtls_operation_t operation, auto use) const {
        struct Context : mbedtls_cipher_context_t {
            Context() { mbedtls_cipher_init(this); }
            ~Context() { mbedtls_cipher_free(this); }
        } context;
        must(mbedtls_cipher_setup(&context, mbedtls_cipher_info_from_type(cipher_)));
        must(mbedtls_cipher_setkey(&context, half.key.data(), static_cast<int>(half.key.size() * 8),
                                   operation));
        return use(context);
    }
    Bytes cbc(const Half& half, ByteView iv, ByteView in, mbedtls_operation_t operation) const {
        return with_cipher(half, operation, [&](mbedtls_cipher_context_t& context) {
            must(mbedtls_cipher_set_padding_mode(&context, MBEDTLS_PADDING_NONE));
            Bytes out(in.size() + block_);
            std::size_t length = 0;
            must(mbedtls_cipher_crypt(&context, iv.data(), iv.size(), in.data(), in.size(),
                                      out.data(), &length));
            out.resize(length);
            return out;
        });
    }
    // RFC 5288 3; the explicit nonce is nobody's business but the sender's.
    Bytes seal_gcm(wire::ContentType type, ByteView plaintext) {
        const Bytes nonce_explicit =
            Writer().u32(0xfeedface).u32(static_cast<std::uint32_t>(own_.sequence)).take();
        Bytes nonce = own_.iv;
        append(nonce, nonce_explicit);
        const Bytes additional = header(own_, type, plaintext.size());
        const Bytes out =
            with_cipher(own_, MBEDTLS_ENCRYPT, [&](mbedtls_cipher_context_t& context) {
                Bytes sealed(plaintext.size() + 16);
                std::size_t length = 0;
                must(mbedtls_cipher_auth_encrypt_ext(
                    &context, nonce.data(), nonce.size(), additional.data(), additional.size(),
                    plaintext.data(), plaintext.size(), sealed.data(), sealed.size(), &length, 16));
                return sealed;
            });
        ++own_.sequence;
        Bytes fragment = nonce_explicit;
        append(fragment, out);
        return wire::encode(wire::Record{type, version_, fragment, 0});
    }
    std::optional<Bytes> open_gcm(const wire::Record& record) {
        const ByteView fragment = record.fragment;
        if (fragment.size() < 24) return std::nullopt;
        Bytes nonce = theirs_.iv;
        append(nonce, fragment.first(8));
        const ByteView in = fragment.subspan(8);
        const Bytes additional = header(theirs_, record.type, in.size() - 16);
        Bytes out(in.size());
        std::size_t length = 0;
        const int status =
            with_cipher(theirs_, MBEDTLS_DECRYPT, [&](mbedtls_cipher_context_t& context) {
                return mbedtls_cipher_auth_decrypt_ext(
                    &context, nonce.data(), nonce.size(), additional.data(), additional.size(),
                    in.data(), in.size(), out.data(), out.size(), &length, 16);
            });
        if (status != 0) return std::nullopt;
        ++theirs_.sequence;
        out.resize(length);
        return out;
    }
    wire::ProtocolVersion version_;
    std::string name_;
    bool gcm_ = false;
    bool rc4_ = false;
    std::size_t block_ = 16;
    std::size_t mac_length_ = 0;
    mbedtls_cipher_type_t cipher_{};
    mbedtls_md_type_t digest_{};
    Bytes master_secret_;
    Half own_;
    Half theirs_;
};

}  // namespace handset::test
