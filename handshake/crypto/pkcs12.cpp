#include "handshake/crypto/pkcs12.h"

#include <fmt/format.h>
#include <mbedtls/cipher.h>
#include <mbedtls/md.h>
#include <mbedtls/pkcs5.h>

#include <optional>

#include "handshake/crypto/ber.h"
#include "handshake/crypto/rc2.h"

namespace handset::crypto {
namespace {

constexpr int max_nesting = 4;

// Thrown and caught inside this file only.
struct Fault {
    std::string field;
    std::string reason;
};
[[noreturn]] void fault(std::string field, std::string reason) {
    throw Fault{std::move(field), std::move(reason)};
}

BerElement need(std::optional<BerElement> element, const char* field) {
    if (!element) fault(field, "cut short or damaged");
    return *element;
}
Bytes need_octets(const BerElement& element, const char* field,
                  std::optional<std::uint8_t> implicit_context = std::nullopt) {
    auto octets = octet_string_of(element, implicit_context);
    if (!octets) fault(field, "no OCTET STRING");
    return std::move(*octets);
}
std::uint32_t need_number(const BerElement& element, const char* field) {
    const auto number = small_integer_of(element);
    if (!number) fault(field, "a number out of range");
    return *number;
}

struct Prf {
    std::string_view hash_oid;
    std::string_view hmac_oid;  // RFC 8018 B.1.2
    mbedtls_md_type_t md;
    std::size_t block_length;
};
constexpr Prf prfs[] = {
    {"1.3.14.3.2.26", "1.2.840.113549.2.7", MBEDTLS_MD_SHA1, 64},
    {"1.2.840.113549.2.5", "1.2.840.113549.2.6", MBEDTLS_MD_MD5, 64},
    {"2.16.840.1.101.3.4.2.4", "1.2.840.113549.2.8", MBEDTLS_MD_SHA224, 64},
    {"2.16.840.1.101.3.4.2.1", "1.2.840.113549.2.9", MBEDTLS_MD_SHA256, 64},
    {"2.16.840.1.101.3.4.2.2", "1.2.840.113549.2.10", MBEDTLS_MD_SHA384, 128},
    {"2.16.840.1.101.3.4.2.3", "1.2.840.113549.2.11", MBEDTLS_MD_SHA512, 128},
};

}  // namespace

Bytes utf16_password(std::string_view utf8) {
    Bytes out;
    const auto put = [&](std::uint32_t unit) {
        out.push_back(static_cast<std::uint8_t>(unit >> 8));
        out.push_back(static_cast<std::uint8_t>(unit));
    };
    for (std::size_t i = 0; i < utf8.size();) {
        const auto lead = static_cast<std::uint8_t>(utf8[i]);
        const std::size_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
        std::uint32_t code = more == 0 ? lead : lead & (0x3fU >> more);
        bool good = i + more < utf8.size();
        for (std::size_t k = 1; good && k <= more; ++k) {
            const auto octet = static_cast<std::uint8_t>(utf8[i + k]);
            good = (octet & 0xc0) == 0x80;
            code = code << 6 | (octet & 0x3fU);
        }
        if (!good) code = lead;
        i += good ? more + 1 : 1;
        if (code > 0xffff) {
            code -= 0x10000;
            put(0xd800 | (code >> 10 & 0x3ff));
            put(0xdc00 | (code & 0x3ff));
        } else {
            put(code);
        }
    }
    return out;
}

namespace {

// RFC 7292 B.1: with two zero octets behind.
Bytes bmp_password(std::string_view utf8) {
    Bytes out = utf16_password(utf8);
    append(out, Bytes(2));
    return out;
}

Bytes repeat_to_blocks(ByteView octets, std::size_t block) {
    Bytes out;
    if (octets.empty()) return out;
    const std::size_t length = (octets.size() + block - 1) / block * block;
    for (std::size_t i = 0; i < length; ++i)
        out.push_back(octets[i % octets.size()]);
    return out;
}

enum class Purpose : std::uint8_t { key = 1, iv = 2, mac = 3 };

// RFC 7292 B.2.
Bytes derive(const Prf& prf, Purpose purpose, ByteView password, ByteView salt,
             std::uint32_t iterations, std::size_t length) {
    const mbedtls_md_info_t* info = mbedtls_md_info_from_type(prf.md);
    if (info == nullptr) fault("macData", "a digest that mbed TLS lacks");
    const std::size_t v = prf.block_length;
    Bytes input = repeat_to_blocks(salt, v);
    append(input, repeat_to_blocks(password, v));
    Bytes out;
    while (out.size() < length) {
        Bytes a(v, static_cast<std::uint8_t>(purpose));
        append(a, input);
        for (std::uint32_t i = 0; i < iterations; ++i) {
            std::uint8_t hash[MBEDTLS_MD_MAX_SIZE];
            if (mbedtls_md(info, a.data(), a.size(), hash) != 0) fault("macData", "digest");
            a.assign(hash, hash + mbedtls_md_get_size(info));
        }
        append(out, a);
        const Bytes b = repeat_to_blocks(a, v);
        for (std::size_t block = 0; block < input.size(); block += v) {
            unsigned carry = 1;
            for (std::size_t i = v; i-- > 0;) {
                carry += input[block + i] + unsigned{b[i]};
                input[block + i] = static_cast<std::uint8_t>(carry);
                carry >>= 8;
            }
        }
    }
    out.resize(length);
    return out;
}

// Attributes of a bag that say what its certificate is for.
struct Marks {
    bool trusted = false;  // Java's trustedKeyUsage
    bool of_key = false;   // localKeyID
};

Marks marks_of(std::optional<BerElement> attributes) {
    Marks marks;
    if (!attributes) return marks;
    BerReader set(attributes->contents);
    while (const auto attribute = set.next_if(ber::sequence)) {
        BerReader fields(attribute->contents);
        const auto type = fields.next();
        const std::string oid = type ? dotted_oid_of(*type) : "";
        if (oid == "2.16.840.1.113894.746875.1.1") marks.trusted = true;
        if (oid == "1.2.840.113549.1.9.21") marks.of_key = true;
    }
    return marks;
}

class Container {
public:
    Container(std::string_view password, std::uint32_t max_iterations)
        : password_(password), iterations_left_(max_iterations) {
        bmp_ = bmp_password(password);
    }

    void read(ByteView octets);
    std::vector<StoredCertificate> take();

private:
    void check_mac(const BerElement& mac_data, ByteView authenticated_safe);
    void read_content_info(const BerElement& content_info);
    void read_safe_contents(ByteView octets, int nesting);
    void read_cert_bag(ByteView value, Marks marks);
    Bytes decrypt(const BerElement& algorithm, ByteView ciphertext);
    Bytes decrypt_pbes2(ByteView parameters, ByteView ciphertext);
    void spend(std::uint32_t iterations);

    std::string_view password_;
    Bytes bmp_;  // for the derivations of PKCS #12 itself
    std::uint32_t iterations_left_;
    std::vector<StoredCertificate> certificates_;
    bool marked_ = false;  // some certificate is marked as trusted
};

void Container::spend(std::uint32_t iterations) {
    if (iterations == 0) fault("iterations", "no iterations");
    if (iterations > iterations_left_) {
        fault("iterations", "asks for more key derivation than is done here");
    }
    iterations_left_ -= iterations;
}

void Container::read(ByteView octets) {
    BerReader outer(octets);
    BerReader pfx(need(outer.expect(ber::sequence), "PFX").contents);
    need(pfx.expect(ber::integer), "PFX.version");
    BerReader content(need(pfx.expect(ber::sequence), "PFX.authSafe").contents);
    const std::string type = dotted_oid_of(need(content.next(), "PFX.authSafe.contentType"));
    if (type == "1.2.840.113549.1.7.2") {
        fault("PFX.authSafe", "protected by a signature instead of a password");
    }
    if (type != "1.2.840.113549.1.7.1") fault("PFX.authSafe", "neither data nor signedData");
    BerReader explicit_content(need(content.expect(ber::context_0), "PFX.authSafe").contents);
    const Bytes safe =
        need_octets(need(explicit_content.next(), "PFX.authSafe.content"), "PFX.authSafe.content");
    if (const auto mac_data = pfx.next_if(ber::sequence)) check_mac(*mac_data, safe);

    BerReader safe_outer(safe);
    BerReader infos(need(safe_outer.expect(ber::sequence), "AuthenticatedSafe").contents);
    while (!infos.empty())
        read_content_info(need(infos.expect(ber::sequence), "ContentInfo"));
    if (infos.failed()) fault("AuthenticatedSafe", "cut short or damaged");
}

void Container::check_mac(const BerElement& mac_data, ByteView authenticated_safe) {
    BerReader fields(mac_data.contents);
    BerReader digest_info(need(fields.expect(ber::sequence), "macData.mac").contents);
    BerReader algorithm(need(digest_info.expect(ber::sequence), "macData.mac").contents);
    const std::string oid = dotted_oid_of(need(algorithm.next(), "macData.mac.digestAlgorithm"));
    const Bytes expected =
        need_octets(need(digest_info.next(), "macData.mac.digest"), "macData.mac.digest");
    const Bytes salt = need_octets(need(fields.next(), "macData.macSalt"), "macData.macSalt");
    std::uint32_t iterations = 1;
    if (const auto number = fields.next_if(ber::integer)) {
        iterations = need_number(*number, "macData.iterations");
    }
    const Prf* prf = nullptr;
    for (const Prf& row : prfs) {
        if (row.hash_oid == oid) prf = &row;
    }
    // RFC 9579 puts a MAC of another kind here. What it would have told, the ciphers below tell
    // too.
    if (prf == nullptr) return;

    const mbedtls_md_info_t* info = mbedtls_md_info_from_type(prf->md);
    if (info == nullptr) return;
    const auto matches = [&](ByteView password) {
        spend(iterations);
        const Bytes key =
            derive(*prf, Purpose::mac, password, salt, iterations, mbedtls_md_get_size(info));
        Bytes mac(mbedtls_md_get_size(info));
        return mbedtls_md_hmac(info, key.data(), key.size(), authenticated_safe.data(),
                               authenticated_safe.size(), mac.data()) == 0 &&
               mac == expected;
    };
    if (matches(bmp_)) return;
    // Some programs write no password as no octets at all.
    if (password_.empty() && matches({})) {
        bmp_.clear();
        return;
    }
    fault("macData", password_.empty() ? "a password is needed" : "the password is wrong");
}

void Container::read_content_info(const BerElement& content_info) {
    BerReader fields(content_info.contents);
    const std::string type = dotted_oid_of(need(fields.next(), "contentType"));
    const auto content = fields.next_if(ber::context_0);
    if (type == "1.2.840.113549.1.7.1") {
        if (!content) return;
        BerReader value(content->contents);
        read_safe_contents(need_octets(need(value.next(), "content"), "content"), 0);
    } else if (type == "1.2.840.113549.1.7.6") {
        BerReader outer(need(content, "encryptedData").contents);
        BerReader data(need(outer.expect(ber::sequence), "encryptedData").contents);
        need(data.expect(ber::integer), "encryptedData.version");
        BerReader info(need(data.expect(ber::sequence), "encryptedContentInfo").contents);
        need(info.expect(ber::object_identifier), "encryptedContentInfo.contentType");
        const BerElement algorithm = need(info.expect(ber::sequence), "contentEncryptionAlgorithm");
        const Bytes ciphertext =
            need_octets(need(info.next(), "encryptedContent"), "encryptedContent", std::uint8_t{0});
        const Bytes plain = decrypt(algorithm, ciphertext);
        // One wrong key in 256 leaves good padding.
        BerReader probe(plain);
        if (!probe.expect(ber::sequence)) {
            fault("encryptedContent", "does not decrypt: wrong password or damaged");
        }
        read_safe_contents(plain, 0);
    }
    // envelopedData is for recipients with a private key; its certificates stay closed.
}

void Container::read_safe_contents(ByteView octets, int nesting) {
    if (nesting > max_nesting) fault("SafeContents", "nested too deeply");
    BerReader outer(octets);
    BerReader bags(need(outer.expect(ber::sequence), "SafeContents").contents);
    while (!bags.empty()) {
        BerReader bag(need(bags.expect(ber::sequence), "SafeBag").contents);
        const std::string id = dotted_oid_of(need(bag.next(), "SafeBag.bagId"));
        const BerElement value = need(bag.expect(ber::context_0), "SafeBag.bagValue");
        if (id == "1.2.840.113549.1.12.10.1.3") {
            read_cert_bag(value.contents, marks_of(bag.next_if(ber::set)));
        }
        if (id == "1.2.840.113549.1.12.10.1.6") read_safe_contents(value.contents, nesting + 1);
    }
    if (bags.failed()) fault("SafeContents", "cut short or damaged");
}

void Container::read_cert_bag(ByteView value, Marks marks) {
    BerReader outer(value);
    BerReader bag(need(outer.expect(ber::sequence), "CertBag").contents);
    const std::string id = dotted_oid_of(need(bag.next(), "CertBag.certId"));
    if (id != "1.2.840.113549.1.9.22.1") return;  // sdsiCertificate
    BerReader content(need(bag.expect(ber::context_0), "CertBag.certValue").contents);
    certificates_.push_back(
        {need_octets(need(content.next(), "CertBag.certValue"), "CertBag.certValue"),
         marks.trusted || marks.of_key});
    marked_ = marked_ || marks.trusted;
}

std::vector<StoredCertificate> Container::take() {
    for (StoredCertificate& certificate : certificates_)
        certificate.anchor = certificate.anchor || !marked_;
    return std::move(certificates_);
}

Bytes decrypt_with(mbedtls_cipher_type_t type, ByteView key, ByteView iv, ByteView ciphertext) {
    struct Context {
        Context() { mbedtls_cipher_init(&value); }
        ~Context() { mbedtls_cipher_free(&value); }
        Context(const Context&) = delete;
        Context& operator=(const Context&) = delete;
        mbedtls_cipher_context_t value{};
    } context;
    const mbedtls_cipher_info_t* info = mbedtls_cipher_info_from_type(type);
    Bytes out(ciphertext.size() + MBEDTLS_MAX_BLOCK_LENGTH);
    std::size_t length = 0;
    if (info == nullptr || mbedtls_cipher_setup(&context.value, info) != 0 ||
        mbedtls_cipher_setkey(&context.value, key.data(), static_cast<int>(key.size() * 8),
                              MBEDTLS_DECRYPT) != 0) {
        fault("contentEncryptionAlgorithm", "a cipher that mbed TLS lacks");
    }
    if (iv.size() != static_cast<std::size_t>(mbedtls_cipher_get_iv_size(&context.value)) ||
        mbedtls_cipher_crypt(&context.value, iv.data(), iv.size(), ciphertext.data(),
                             ciphertext.size(), out.data(), &length) != 0) {
        fault("encryptedContent", "does not decrypt: wrong password or damaged");
    }
    out.resize(length);
    return out;
}

Bytes Container::decrypt(const BerElement& algorithm, ByteView ciphertext) {
    BerReader fields(algorithm.contents);
    const std::string oid = dotted_oid_of(need(fields.next(), "contentEncryptionAlgorithm"));
    const BerElement parameters = need(fields.next(), "contentEncryptionAlgorithm.parameters");
    if (oid == "1.2.840.113549.1.5.13") return decrypt_pbes2(parameters.contents, ciphertext);

    // RFC 7292 appendix C.
    struct Scheme {
        std::string_view oid;
        mbedtls_cipher_type_t cipher;  // NONE: RC2
        std::size_t key_length;
        std::size_t iv_length;
    };
    constexpr Scheme schemes[] = {
        {"1.2.840.113549.1.12.1.1", MBEDTLS_CIPHER_ARC4_128, 16, 0},
        {"1.2.840.113549.1.12.1.3", MBEDTLS_CIPHER_DES_EDE3_CBC, 24, 8},
        {"1.2.840.113549.1.12.1.4", MBEDTLS_CIPHER_DES_EDE_CBC, 16, 8},
        {"1.2.840.113549.1.12.1.5", MBEDTLS_CIPHER_NONE, 16, 8},
        {"1.2.840.113549.1.12.1.6", MBEDTLS_CIPHER_NONE, 5, 8},
    };
    const Scheme* scheme = nullptr;
    for (const Scheme& row : schemes) {
        if (row.oid == oid) scheme = &row;
    }
    if (scheme == nullptr) {
        fault("contentEncryptionAlgorithm", fmt::format("encrypted with {}, which is not read here",
                                                        oid.empty() ? "an unknown cipher" : oid));
    }
    BerReader pbe(parameters.contents);
    const Bytes salt = need_octets(need(pbe.next(), "salt"), "salt");
    const std::uint32_t iterations = need_number(need(pbe.next(), "iterations"), "iterations");
    const Prf& sha1 = prfs[0];
    spend(iterations);
    const Bytes key = derive(sha1, Purpose::key, bmp_, salt, iterations, scheme->key_length);
    Bytes iv;
    if (scheme->iv_length > 0) {
        spend(iterations);
        iv = derive(sha1, Purpose::iv, bmp_, salt, iterations, scheme->iv_length);
    }
    if (scheme->cipher != MBEDTLS_CIPHER_NONE) {
        return decrypt_with(scheme->cipher, key, iv, ciphertext);
    }
    auto plain =
        rc2_cbc_decrypt(key, static_cast<unsigned>(scheme->key_length * 8), iv, ciphertext);
    if (!plain) fault("encryptedContent", "does not decrypt: wrong password or damaged");
    return std::move(*plain);
}

// RFC 8018 A.4.
Bytes Container::decrypt_pbes2(ByteView parameters, ByteView ciphertext) {
    BerReader fields(parameters);
    BerReader derivation(need(fields.expect(ber::sequence), "keyDerivationFunc").contents);
    BerReader scheme(need(fields.expect(ber::sequence), "encryptionScheme").contents);
    if (dotted_oid_of(need(derivation.next(), "keyDerivationFunc")) != "1.2.840.113549.1.5.12") {
        fault("keyDerivationFunc", "not PBKDF2");
    }
    BerReader pbkdf2(need(derivation.expect(ber::sequence), "PBKDF2-params").contents);
    const Bytes salt = need_octets(need(pbkdf2.next(), "salt"), "salt");
    const std::uint32_t iterations =
        need_number(need(pbkdf2.next(), "iterationCount"), "iterationCount");
    pbkdf2.next_if(ber::integer);  // keyLength, which the cipher fixes
    const Prf* prf = &prfs[0];
    if (const auto algorithm = pbkdf2.next_if(ber::sequence)) {
        BerReader identifier(algorithm->contents);
        const std::string oid = dotted_oid_of(need(identifier.next(), "prf"));
        prf = nullptr;
        for (const Prf& row : prfs) {
            if (row.hmac_oid == oid) prf = &row;
        }
        if (prf == nullptr) fault("prf", fmt::format("an unknown function {}", oid));
    }

    struct Cipher {
        std::string_view oid;
        mbedtls_cipher_type_t type;
        std::size_t key_length;
    };
    constexpr Cipher ciphers[] = {
        {"2.16.840.1.101.3.4.1.2", MBEDTLS_CIPHER_AES_128_CBC, 16},
        {"2.16.840.1.101.3.4.1.22", MBEDTLS_CIPHER_AES_192_CBC, 24},
        {"2.16.840.1.101.3.4.1.42", MBEDTLS_CIPHER_AES_256_CBC, 32},
        {"1.2.840.113549.3.7", MBEDTLS_CIPHER_DES_EDE3_CBC, 24},
    };
    const std::string oid = dotted_oid_of(need(scheme.next(), "encryptionScheme"));
    const Cipher* cipher = nullptr;
    for (const Cipher& row : ciphers) {
        if (row.oid == oid) cipher = &row;
    }
    if (cipher == nullptr) {
        fault("encryptionScheme", fmt::format("encrypted with {}, which is not read here",
                                              oid.empty() ? "an unknown cipher" : oid));
    }
    const Bytes iv = need_octets(need(scheme.next(), "iv"), "iv");
    spend(iterations);

    struct Context {
        Context() { mbedtls_md_init(&value); }
        ~Context() { mbedtls_md_free(&value); }
        Context(const Context&) = delete;
        Context& operator=(const Context&) = delete;
        mbedtls_md_context_t value{};
    } context;
    Bytes key(cipher->key_length);
    const ByteView password = view_of(password_);
    if (mbedtls_md_setup(&context.value, mbedtls_md_info_from_type(prf->md), 1) != 0 ||
        mbedtls_pkcs5_pbkdf2_hmac(&context.value, password.data(), password.size(), salt.data(),
                                  salt.size(), iterations, static_cast<std::uint32_t>(key.size()),
                                  key.data()) != 0) {
        fault("keyDerivationFunc", "PBKDF2 with a digest that mbed TLS lacks");
    }
    return decrypt_with(cipher->type, key, iv, ciphertext);
}

}  // namespace

Result<std::vector<StoredCertificate>> decode_pkcs12_store(ByteView container,
                                                           std::string_view password,
                                                           std::uint32_t max_iterations) {
    try {
        Container reader(password, max_iterations);
        reader.read(container);
        return reader.take();
    } catch (const Fault& stop) {
        return DecodeError{stop.reason, stop.field, 0};
    }
}

Result<std::vector<Bytes>> decode_pkcs12_certificates(ByteView container, std::string_view password,
                                                      std::uint32_t max_iterations) {
    auto stored = decode_pkcs12_store(container, password, max_iterations);
    if (!stored) return stored.error();
    std::vector<Bytes> out;
    for (StoredCertificate& certificate : *stored)
        out.push_back(std::move(certificate.der));
    return out;
}

Bytes pkcs12_mac_key(std::string_view password, ByteView salt, std::uint32_t iterations,
                     std::size_t length_bytes) {
    try {
        return derive(prfs[0], Purpose::mac, password.empty() ? Bytes{} : bmp_password(password),
                      salt, iterations, length_bytes);
    } catch (const Fault&) {
        return {};
    }
}

}  // namespace handset::crypto
