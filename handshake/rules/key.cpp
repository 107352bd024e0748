// Rules on public keys, in certificates and in ServerKeyExchange.
#include <fmt/format.h>

#include <algorithm>

#include "handshake/rules/tables.h"

namespace handset::rules {

namespace {

using wire::AlertDescription;
using x509::Certificate;

constexpr std::string_view spki_field = "tbsCertificate.subjectPublicKeyInfo";

void find_exponent(const Evidence& evidence, Findings& findings) {
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        const auto* rsa = std::get_if<x509::RsaPublicKey>(&certificate.subject_public_key_info.key);
        if (!rsa) return;
        const auto exponent = rsa->public_exponent.small();
        const bool negative = rsa->public_exponent.negative();
        if (!negative && (!exponent || *exponent >= 3)) return;
        findings.at(number, rsa->public_exponent.place,
                    fmt::format("{}.subjectPublicKey.publicExponent", spki_field),
                    exponent ? fmt::format("publicExponent is {}", *exponent)
                             : "publicExponent is negative");
    });
}

void find_exponent_even(const Evidence& evidence, Findings& findings) {
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        const auto* rsa = std::get_if<x509::RsaPublicKey>(&certificate.subject_public_key_info.key);
        if (!rsa || rsa->public_exponent.value.empty()) return;
        if ((rsa->public_exponent.value.back() & 1) != 0) return;
        findings.at(number, rsa->public_exponent.place,
                    fmt::format("{}.subjectPublicKey.publicExponent", spki_field),
                    "publicExponent is even, so that nothing can be decrypted");
    });
}

void find_parameters_not_null(const Evidence& evidence, Findings& findings) {
    static const Bytes null_element{0x05, 0x00};
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        const x509::AlgorithmIdentifier& algorithm = certificate.subject_public_key_info.algorithm;
        if (x509::known_oid_name(algorithm.algorithm) != "rsaEncryption") return;
        if (!algorithm.parameters || algorithm.parameters == null_element) return;
        findings.at(number, algorithm.parameters_place,
                    fmt::format("{}.algorithm.parameters", spki_field),
                    "parameters of rsaEncryption are not NULL");
    });
}

void find_parameters_absent(const Evidence& evidence, Findings& findings) {
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        const x509::AlgorithmIdentifier& algorithm = certificate.subject_public_key_info.algorithm;
        if (x509::known_oid_name(algorithm.algorithm) != "rsaEncryption" || algorithm.parameters) {
            return;
        }
        findings.at(number, algorithm.place, fmt::format("{}.algorithm.parameters", spki_field),
                    "parameters of rsaEncryption are absent");
    });
}

void find_explicit_parameters(const Evidence& evidence, Findings& findings) {
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        const auto* ec = std::get_if<x509::EcPublicKey>(&certificate.subject_public_key_info.key);
        if (!ec || ec->named_curve) return;
        const x509::AlgorithmIdentifier& algorithm = certificate.subject_public_key_info.algorithm;
        findings.at(number, algorithm.parameters_place,
                    fmt::format("{}.algorithm.parameters", spki_field),
                    ec->explicit_parameters ? "the curve is spelt out instead of named"
                                            : "the curve is not named");
    });
}

void find_modulus_even(const Evidence& evidence, Findings& findings) {
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        const auto* rsa = std::get_if<x509::RsaPublicKey>(&certificate.subject_public_key_info.key);
        if (!rsa || rsa->modulus.value.empty() || (rsa->modulus.value.back() & 1) != 0) return;
        findings.at(number, rsa->modulus.place,
                    fmt::format("{}.subjectPublicKey.modulus", spki_field),
                    "the modulus is even, so it is no product of two odd primes");
    });
}

void find_bits_not_octets(const Evidence& evidence, Findings& findings) {
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        const auto* rsa = std::get_if<x509::RsaPublicKey>(&certificate.subject_public_key_info.key);
        if (!rsa || rsa->bits % 8 == 0) return;
        findings.at(number, rsa->modulus.place,
                    fmt::format("{}.subjectPublicKey.modulus", spki_field),
                    fmt::format("the modulus has {} bits", rsa->bits));
    });
}

// --- points of elliptic curves ------------------------------------------------------------------

// RFC 5480 2.2, X9.62 4.3.6.
enum class Point { uncompressed, compressed, invalid };

// `field_octets`: of the curve's field; 0 where it is not known.
Point kind_of(ByteView point, std::size_t field_octets) {
    if (point.empty()) return Point::invalid;
    const bool compressed = point[0] == 2 || point[0] == 3;
    if (!compressed && point[0] != 4) return Point::invalid;
    const std::size_t coordinates = compressed ? 1 : 2;
    if (field_octets != 0 && point.size() != 1 + coordinates * field_octets) return Point::invalid;
    return compressed ? Point::compressed : Point::uncompressed;
}

std::string describe_point(ByteView point, std::size_t field_octets) {
    if (point.empty()) return "a point of no octets";
    return fmt::format(
        "a point of {} octets with format octet {:02x}{}", point.size(), point[0],
        field_octets == 0 ? "" : fmt::format(" on a curve over {} octets", field_octets));
}

void find_points(const Evidence& evidence, Findings& findings, Point kind) {
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        const x509::SubjectPublicKeyInfo& spki = certificate.subject_public_key_info;
        const auto* ec = std::get_if<x509::EcPublicKey>(&spki.key);
        if (!ec) return;
        const std::size_t field_octets = (ec->bits + 7) / 8;
        if (kind_of(ec->point, field_octets) != kind) return;
        findings.at(number, spki.key_place, fmt::format("{}.subjectPublicKey", spki_field),
                    describe_point(ec->point, field_octets));
    });
}

void find_point_invalid(const Evidence& evidence, Findings& findings) {
    find_points(evidence, findings, Point::invalid);
}

void find_point_compressed(const Evidence& evidence, Findings& findings) {
    find_points(evidence, findings, Point::compressed);
}

// --- ServerKeyExchange --------------------------------------------------------------------------

// A number without its leading zeros; numbers so written compare by length, then octet by octet.
ByteView without_zeros(ByteView number) {
    while (!number.empty() && number.front() == 0)
        number = number.subspan(1);
    return number;
}

bool is_less(ByteView a, ByteView b) {
    if (a.size() != b.size()) return a.size() < b.size();
    return std::ranges::lexicographical_compare(a, b);
}

void find_dh_prime_even(const Evidence& evidence, Findings& findings) {
    if (!evidence.server_key_exchange) return;
    const auto* dh = std::get_if<wire::DhParams>(&evidence.server_key_exchange->params);
    const MessageSeen* message = find_message(evidence, wire::HandshakeType::server_key_exchange);
    if (!dh || !message) return;
    if (!dh->dh_p.empty() && (dh->dh_p.back() & 1) != 0) return;
    // Behind the two octets of its length.
    findings.in_stream(message->body_offset + 2, dh->dh_p, "server_key_exchange.dh_p",
                       "dh_p is even, so it is no prime");
}

void find_dh_public_invalid(const Evidence& evidence, Findings& findings) {
    if (!evidence.server_key_exchange) return;
    const auto* dh = std::get_if<wire::DhParams>(&evidence.server_key_exchange->params);
    const MessageSeen* message = find_message(evidence, wire::HandshakeType::server_key_exchange);
    if (!dh || !message) return;
    // Behind the two octets of each one's length.
    const std::size_t p_offset = message->body_offset + 2;
    const std::size_t g_offset = p_offset + dh->dh_p.size() + 2;
    const std::size_t ys_offset = g_offset + dh->dh_g.size() + 2;
    const ByteView p = without_zeros(dh->dh_p);
    if (p.empty() || (p.back() & 1) == 0) return;  // no prime, see find_dh_prime_even()
    const Bytes one{1};
    if (!is_less(one, without_zeros(dh->dh_g))) {
        findings.in_stream(g_offset, dh->dh_g, "server_key_exchange.dh_g", "dh_g is 0 or 1");
    }
    Bytes last = to_bytes(p);  // p - 1, and p is odd
    --last.back();
    const ByteView ys = without_zeros(dh->dh_ys);
    if (!is_less(one, ys)) {
        findings.in_stream(ys_offset, dh->dh_ys, "server_key_exchange.dh_Ys", "dh_Ys is 0 or 1");
    } else if (!is_less(ys, without_zeros(last))) {
        findings.in_stream(ys_offset, dh->dh_ys, "server_key_exchange.dh_Ys",
                           "dh_Ys is not less than dh_p - 1");
    }
}

// Octets of the field of a curve of RFC 4492 5.1.1 or RFC 7027; 0 for any other.
std::size_t field_octets_of(wire::NamedGroup group) {
    static constexpr std::uint16_t bits[] = {163, 163, 163, 193, 193, 233, 233, 239, 283, 283,
                                             409, 409, 571, 571, 160, 160, 160, 192, 192, 224,
                                             224, 256, 256, 384, 521, 256, 384, 512};
    const auto number = static_cast<std::size_t>(group);
    if (number == 0 || number > std::size(bits)) return 0;
    return (bits[number - 1] + std::size_t{7}) / 8;
}

// RFC 4492 5.1.2: uncompressed alone, where the client has not said more.
bool offers_compressed_points(const Evidence& evidence) {
    if (!evidence.offer) return true;
    const auto* extension =
        wire::find_extension(evidence.offer->extensions, wire::ExtensionType::ec_point_formats);
    if (!extension) return false;
    const auto formats = wire::decode_ec_point_formats(extension->data);
    return formats &&
           std::ranges::any_of(*formats, [](std::uint8_t format) { return format != 0; });
}

// The server's ECDH key, and where it stands in the stream; nullptr where there is none.
struct EcdhSeen {
    const wire::EcdhParams* params = nullptr;
    std::size_t offset = 0;

    bool named() const { return params->curve_type == 3; }
    bool montgomery() const {  // X25519 and X448, which have no format octet (RFC 8422)
        const auto group = static_cast<std::uint16_t>(params->named_curve);
        return named() && (group == 29 || group == 30);
    }
    std::size_t field_octets() const { return named() ? field_octets_of(params->named_curve) : 0; }
};
EcdhSeen find_ecdh(const Evidence& evidence) {
    EcdhSeen seen;
    if (!evidence.server_key_exchange) return seen;
    const MessageSeen* message = find_message(evidence, wire::HandshakeType::server_key_exchange);
    if (!message) return seen;
    seen.params = std::get_if<wire::EcdhParams>(&evidence.server_key_exchange->params);
    if (!seen.params) return seen;
    const std::size_t curve = seen.named() ? 2 : seen.params->explicit_curve.size();
    seen.offset = message->body_offset + 1 + curve + 1;
    return seen;
}

void find_ecdh_public_invalid(const Evidence& evidence, Findings& findings) {
    const EcdhSeen seen = find_ecdh(evidence);
    if (!seen.params) return;
    const ByteView point = seen.params->public_point;
    const auto raise = [&](std::string detail) {
        findings.in_stream(seen.offset, point, "server_key_exchange.public", std::move(detail));
    };
    const auto group = static_cast<std::uint16_t>(seen.params->named_curve);
    if (seen.montgomery()) {
        const std::size_t due = group == 29 ? 32 : 56;
        if (point.size() == due) return;
        raise(
            fmt::format("{} octets for {}", point.size(), wire::name_of(seen.params->named_curve)));
    } else if (kind_of(point, seen.field_octets()) == Point::invalid) {
        raise(describe_point(point, seen.field_octets()));
    }
}

void find_ecdh_point_format(const Evidence& evidence, Findings& findings) {
    const EcdhSeen seen = find_ecdh(evidence);
    if (!seen.params || seen.montgomery() || offers_compressed_points(evidence)) return;
    const ByteView point = seen.params->public_point;
    if (kind_of(point, seen.field_octets()) != Point::compressed) return;
    findings.in_stream(seen.offset, point, "server_key_exchange.public",
                       "a compressed point, which the client has not offered to read");
}

constexpr std::string_view new_key =
    "Have the certificate issued for a new key: `openssl req -new -newkey rsa:2048 -nodes -keyout "
    "key.pem -subj /CN=mail.example.com -addext subjectAltName=DNS:mail.example.com -out "
    "request.pem`; on Exchange 2007 `New-ExchangeCertificate -GenerateRequest -KeySize 2048 -Path "
    "c:\\request.req -SubjectName \"CN=mail.contoso.com\" -DomainName mail.contoso.com`.";
constexpr std::string_view usual_exponent =
    "Have the certificate issued for a key with the usual exponent: `openssl genpkey -algorithm "
    "RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:65537 -out key.pem`.";
constexpr std::string_view usual_curve =
    "Have the certificate issued for an RSA key (`openssl genrsa -out key.pem 2048`), or for one "
    "on "
    "the curve that most devices know: `openssl ecparam -name prime256v1 -param_enc named_curve "
    "-genkey -noout -out key.pem`.";
constexpr std::string_view look_at_wire =
    "The server's TLS library is at fault, or something in front of it: compare what `openssl "
    "s_client -connect HOST:PORT -msg` shows from inside and from outside, and update the one that "
    "differs.";

constexpr Rule table[] = {
    {"key-rsa-small", Area::key, Level::must, Step::signature,
     "RSA keys have the length that the client asks for, 2048 bits by today's rule.",
     "NIST SP 800-131A 3", AlertDescription::insufficient_security, new_key, nullptr},
    {"key-rsa-large", Area::key, Level::must, Step::signature,
     "RSA keys are not longer than the client can hold.", "RFC 5246 7.4.2",
     AlertDescription::unsupported_certificate, new_key, nullptr},
    {"key-rsa-exponent", Area::key, Level::must, Step::encoding,
     "The RSA public exponent is at least 3.", "RFC 8017 3.1", AlertDescription::bad_certificate,
     usual_exponent, find_exponent},
    {"key-rsa-exponent-even", Area::key, Level::must, Step::encoding,
     "The RSA public exponent is odd.", "RFC 8017 3.1", AlertDescription::bad_certificate,
     usual_exponent, find_exponent_even},
    {"key-rsa-exponent-large", Area::key, Level::must, Step::signature,
     "The RSA public exponent is not longer than the client can hold.", "RFC 8017 3.1",
     AlertDescription::unsupported_certificate, usual_exponent, nullptr},
    {"key-rsa-modulus-even", Area::key, Level::must, Step::encoding,
     "The RSA modulus is a product of odd primes.", "RFC 8017 3.1",
     AlertDescription::bad_certificate, new_key, find_modulus_even},
    {"key-rsa-bits-not-octets", Area::key, Level::should, Step::signature,
     "The bits of an RSA modulus fill whole octets.", "CA/Browser Forum BR 6.1.5",
     AlertDescription::bad_certificate, new_key, find_bits_not_octets},
    {"key-rsa-parameters-not-null", Area::key, Level::must, Step::encoding,
     "The parameters of rsaEncryption are NULL.", "RFC 3279 2.3.1",
     AlertDescription::bad_certificate,
     "Have the certificate issued again by software that writes the NULL, as OpenSSL does: "
     "`openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -extfile leaf.ext -out "
     "leaf.pem`.",
     find_parameters_not_null},
    {"key-rsa-parameters-absent", Area::key, Level::must, Step::encoding,
     "The parameters of rsaEncryption are NULL.", "RFC 3279 2.3.1",
     AlertDescription::bad_certificate,
     "Have the certificate issued again by software that writes the NULL, as OpenSSL does: "
     "`openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -extfile leaf.ext -out "
     "leaf.pem`.",
     find_parameters_absent},
    {"key-ec-explicit-parameters", Area::key, Level::must, Step::encoding,
     "Elliptic curves are named.", "RFC 5480 2.1.1", AlertDescription::unsupported_certificate,
     "Have the certificate issued for a key on a named curve: `openssl ecparam -name prime256v1 "
     "-param_enc named_curve -genkey -noout -out key.pem`.",
     find_explicit_parameters},
    {"key-ec-point-invalid", Area::key, Level::must, Step::encoding,
     "An EC key is a point of the length of its curve, compressed or uncompressed.", "RFC 5480 2.2",
     AlertDescription::bad_certificate, usual_curve, find_point_invalid},
    {"key-ec-point-compressed", Area::key, Level::should, Step::encoding,
     "An EC key is written as an uncompressed point, which every client can read.", "RFC 5480 2.2",
     AlertDescription::unsupported_certificate,
     "Have the certificate issued for the key in its long form: `openssl ec -in key.pem "
     "-conv_form uncompressed -out key-uncompressed.pem`.",
     find_point_compressed},
    {"key-type-unsupported", Area::key, Level::must, Step::signature,
     "The certificate's key is of a type the client knows.", "RFC 5246 7.4.2",
     AlertDescription::unsupported_certificate,
     "Give these devices an RSA certificate; servers can hold one beside an ECDSA one: nginx with "
     "two pairs of `ssl_certificate` and `ssl_certificate_key`, Postfix `smtpd_tls_cert_file` and "
     "`smtpd_tls_eccert_file`, Dovecot `ssl_cert` and `ssl_alt_cert`.",
     nullptr},
    {"key-curve-unsupported", Area::key, Level::must, Step::signature,
     "An EC key lies on a curve that the client knows.", "RFC 4492 5.3",
     AlertDescription::unsupported_certificate, usual_curve, nullptr},
    {"key-dh-small", Area::key, Level::must, Step::key_exchange,
     "Diffie-Hellman groups have the length that the client asks for, 1024 bits at the least.",
     "RFC 7525 4.3", AlertDescription::insufficient_security,
     "Make a longer group with `openssl dhparam -out dh.pem 2048`: nginx `ssl_dhparam dh.pem;`, "
     "Apache `SSLOpenSSLConfCmd DHParameters dh.pem`, Postfix `smtpd_tls_dh1024_param_file = "
     "dh.pem`, Dovecot `ssl_dh = <dh.pem`; Schannel takes it from ServerMinKeyBitLength.",
     nullptr},
    {"key-dh-large", Area::key, Level::must, Step::key_exchange,
     "Diffie-Hellman groups are not longer than the client can hold.", "RFC 5246 7.4.3",
     AlertDescription::handshake_failure,
     "For these devices leave DHE suites out: nginx `ssl_ciphers HIGH:!aNULL:!kDHE;`, Apache "
     "`SSLCipherSuite HIGH:!aNULL:!kDHE`, Postfix `smtpd_tls_exclude_ciphers = kDHE`, Dovecot "
     "`ssl_cipher_list = HIGH:!aNULL:!kDHE`; or make a group of the length they hold: `openssl "
     "dhparam -out dh.pem 1024`.",
     nullptr},
    {"key-dh-shape", Area::key, Level::must, Step::key_exchange,
     "A Diffie-Hellman prime has a length that the client can use, in some a multiple of 64 bits.",
     "RFC 5246 7.4.3", AlertDescription::handshake_failure,
     "Make a group of 1,024 or 2,048 bits, whichever the devices hold: `openssl dhparam -out "
     "dh.pem 1024`; or leave DHE suites out: nginx `ssl_ciphers HIGH:!aNULL:!kDHE;`.",
     nullptr},
    {"key-dh-prime-even", Area::key, Level::must, Step::key_exchange, "dh_p is a prime, hence odd.",
     "RFC 5246 8.1.2, RFC 7919 3", AlertDescription::handshake_failure,
     "Look at the server's group with `openssl dhparam -in dh.pem -check -noout`, and make a new "
     "one: `openssl dhparam -out dh.pem 2048`.",
     find_dh_prime_even},
    {"key-dh-public-invalid", Area::key, Level::must, Step::key_exchange,
     "dh_g is greater than 1, and 1 < dh_Ys < dh_p - 1.", "RFC 7919 5.1",
     AlertDescription::handshake_failure,
     "Look at the server's group with `openssl dhparam -in dh.pem -check -noout`, and make a new "
     "one: `openssl dhparam -out dh.pem 2048`. If the group is good, the server's TLS library is "
     "at fault.",
     find_dh_public_invalid},
    {"key-ecdh-public-invalid", Area::key, Level::must, Step::key_exchange,
     "The server's ECDH key is a point of the length of its curve.", "RFC 4492 5.4",
     AlertDescription::illegal_parameter, look_at_wire, find_ecdh_public_invalid},
    {"key-ecdh-point-format", Area::key, Level::must, Step::key_exchange,
     "The server's ECDH key is written in a format that the client has offered to read.",
     "RFC 4492 5.1.2, 5.4", AlertDescription::illegal_parameter, look_at_wire,
     find_ecdh_point_format},
    {"key-exchange-group-unsupported", Area::key, Level::must, Step::key_exchange,
     "The group of the key exchange is one that the client knows.", "RFC 4492 5.4",
     AlertDescription::handshake_failure,
     "Offer the curves that most devices know: nginx `ssl_ecdh_curve prime256v1:secp384r1;`, "
     "Apache `SSLOpenSSLConfCmd Curves prime256v1:secp384r1`, Postfix `tls_eecdh_auto_curves = "
     "prime256v1 secp384r1`, Dovecot `ssl_curve_list = P-256:P-384`.",
     nullptr},
    {"key-exchange-hash-unsupported", Area::key, Level::must, Step::key_exchange,
     "The key exchange is signed with a hash that the client knows.", "RFC 5246 7.4.3",
     AlertDescription::handshake_failure,
     "Choose the hash, nginx `ssl_conf_command SignatureAlgorithms RSA+SHA256:RSA+SHA1;`, Apache "
     "`SSLOpenSSLConfCmd SignatureAlgorithms RSA+SHA256:RSA+SHA1`; or use suites that sign "
     "nothing: `ssl_ciphers kRSA;`.",
     nullptr},
};

}  // namespace

std::span<const Rule> key_rules() {
    return table;
}

}  // namespace handset::rules
