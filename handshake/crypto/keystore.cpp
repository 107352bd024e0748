#include "handshake/crypto/keystore.h"

#include <fmt/format.h>
#include <mbedtls/md.h>

#include "handshake/base/reader.h"
#include "handshake/crypto/digest.h"

namespace handset::crypto {
namespace {

constexpr std::uint32_t jks_magic = 0xfeedfeed;
constexpr std::uint32_t jceks_magic = 0xcececece;
constexpr std::size_t hash_bytes = 20;  // SHA-1
// Bouncy Castle writes 1,024 to 2,047.
constexpr std::uint32_t max_bks_iterations = 100'000;
constexpr std::size_t max_bks_salt_bytes = 64;

std::uint32_t u32_at(ByteView octets, std::size_t at) {
    if (octets.size() < at + 4) return 0;
    Reader in(octets.subspan(at, 4));
    return in.u32("");
}

DecodeError wrong_password() {
    return {"the password is wrong, or the store was changed", "password", 0};
}

// A field with a length of four octets in front.
ByteView take_sized(Reader& in, std::string_view field) {
    return in.take(in.u32(field), field);
}

// readUTF() of java.io.DataInput.
std::string take_utf(Reader& in, std::string_view field) {
    return to_text(in.vector16(field).rest());
}

class Collector {
public:
    // Those of other types than X.509 (there are hardly any) are passed over.
    void add(Reader& in, bool typed, bool anchor) {
        const std::string type = typed ? take_utf(in, "certificateType") : "X.509";
        const ByteView der = take_sized(in, "certificate");
        if (!in.failed() && (type == "X.509" || type == "X509") && !der.empty()) {
            certificates_.push_back({to_bytes(der), anchor});
        }
    }
    void add_chain(Reader& in, bool typed) {
        const std::uint32_t count = in.u32("chainLength");
        for (std::uint32_t i = 0; i < count && !in.failed(); ++i)
            add(in, typed, i == 0);
    }
    std::vector<StoredCertificate> take() { return std::move(certificates_); }

private:
    std::vector<StoredCertificate> certificates_;
};

Result<std::vector<StoredCertificate>> decode_jks(ByteView octets, KeystoreKind kind,
                                                  std::string_view password) {
    enum Tag : std::uint32_t { private_key = 1, trusted_certificate = 2, secret_key = 3 };
    Reader in(octets, keystore_name(kind));
    in.u32("magic");
    const std::uint32_t version = in.u32("version");
    if (version != 1 && version != 2) in.fail("version", fmt::format("{} is unknown", version));
    const bool typed = version == 2;
    const std::uint32_t count = in.u32("count");
    Collector out;
    for (std::uint32_t i = 0; i < count && !in.failed(); ++i) {
        const std::uint32_t tag = in.u32("tag");
        take_utf(in, "alias");
        in.take(8, "date");
        if (tag == private_key) {
            take_sized(in, "privateKey");
            out.add_chain(in, typed);
        } else if (tag == trusted_certificate) {
            out.add(in, typed, true);
        } else if (tag == secret_key && kind == KeystoreKind::jceks) {
            in.fail("secretKey", "a secret key, behind which nothing can be found");
        } else {
            in.fail("tag", fmt::format("{} is unknown", tag));
        }
    }
    const ByteView contents = in.failed() ? ByteView{} : octets.first(in.offset());
    const ByteView expected = in.take(hash_bytes, "digest");
    if (in.failed()) return in.error();

    Bytes hashed = utf16_password(password);
    append(hashed, view_of("Mighty Aphrodite"));
    append(hashed, contents);
    const auto hash = digest(HashAlgorithm::sha1, hashed);
    if (!hash || !equal(*hash, expected)) return wrong_password();
    return out.take();
}

Result<std::vector<StoredCertificate>> decode_bks(ByteView octets, std::string_view password) {
    enum Tag : std::uint8_t { end = 0, certificate = 1, key = 2, sealed = 4 };
    Reader in(octets, "BKS");
    const std::uint32_t version = in.u32("version");
    const ByteView salt = take_sized(in, "salt");
    const std::uint32_t iterations = in.u32("iterationCount");
    const std::size_t begin = in.offset();
    Collector out;
    for (std::uint8_t tag = in.u8("tag"); tag != end && !in.failed(); tag = in.u8("tag")) {
        // UBER of the same library has this header, too, and ciphertext behind it.
        if (tag > sealed) in.fail("tag", "no entry; damaged, or encrypted as a whole (UBER)");
        take_utf(in, "alias");
        in.take(8, "date");
        out.add_chain(in, true);
        switch (tag) {
            case certificate:
                out.add(in, true, true);
                break;
            case key:
                in.u8("keyType");
                take_utf(in, "keyFormat");
                take_utf(in, "keyAlgorithm");
                take_sized(in, "key");
                break;
            default:
                take_sized(in, "key");
        }
    }
    const ByteView contents = in.failed() ? ByteView{} : octets.subspan(begin, in.offset() - begin);
    const ByteView expected = in.take(hash_bytes, "mac");
    if (in.failed()) return in.error();

    // Before version 2 the number of octets was taken for one of bits.
    const std::size_t key_bytes = version == 2 ? hash_bytes : hash_bytes / 8;
    const Bytes mac_key = pkcs12_mac_key(password, salt, iterations, key_bytes);
    const mbedtls_md_info_t* sha1 = mbedtls_md_info_from_type(MBEDTLS_MD_SHA1);
    Bytes mac(hash_bytes);
    if (sha1 == nullptr || mac_key.empty() ||
        mbedtls_md_hmac(sha1, mac_key.data(), mac_key.size(), contents.data(), contents.size(),
                        mac.data()) != 0 ||
        !equal(mac, expected)) {
        return wrong_password();
    }
    return out.take();
}

}  // namespace

std::string_view keystore_name(KeystoreKind kind) {
    switch (kind) {
        case KeystoreKind::jks:
            return "JKS";
        case KeystoreKind::jceks:
            return "JCEKS";
        case KeystoreKind::bks:
            return "BKS";
    }
    return "";
}

std::optional<KeystoreKind> keystore_kind_of(ByteView octets) {
    if (u32_at(octets, 0) == jks_magic) return KeystoreKind::jks;
    if (u32_at(octets, 0) == jceks_magic) return KeystoreKind::jceks;
    const std::uint32_t salt_bytes = u32_at(octets, 4);
    if (octets.size() < 8 || u32_at(octets, 0) > 2 || salt_bytes == 0 ||
        salt_bytes > max_bks_salt_bytes || octets.size() < 12 + salt_bytes) {
        return std::nullopt;
    }
    const std::uint32_t iterations = u32_at(octets, 8 + salt_bytes);
    if (iterations == 0 || iterations > max_bks_iterations) return std::nullopt;
    return KeystoreKind::bks;
}

Result<std::vector<StoredCertificate>> decode_keystore(ByteView octets, std::string_view password) {
    const auto kind = keystore_kind_of(octets);
    if (!kind) return DecodeError{"no key store", "", 0};
    return *kind == KeystoreKind::bks ? decode_bks(octets, password)
                                      : decode_jks(octets, *kind, password);
}

}  // namespace handset::crypto
