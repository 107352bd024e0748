// Rules on public keys, in certificates and in ServerKeyExchange.
#include <fmt/format.h>

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
        const bool odd =
            !rsa->public_exponent.value.empty() && (rsa->public_exponent.value.back() & 1) != 0;
        if (odd && !rsa->public_exponent.negative() && (!exponent || *exponent >= 3)) return;
        findings.at(number, rsa->public_exponent.place,
                    fmt::format("{}.subjectPublicKey.publicExponent", spki_field),
                    exponent ? fmt::format("publicExponent is {}", *exponent)
                             : "publicExponent is even or negative");
    });
}

void find_parameters_not_null(const Evidence& evidence, Findings& findings) {
    static const Bytes null_element{0x05, 0x00};
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        const x509::AlgorithmIdentifier& algorithm = certificate.subject_public_key_info.algorithm;
        if (x509::oid_name(algorithm.algorithm) != "rsaEncryption") return;
        if (algorithm.parameters == null_element) return;
        findings.at(number, algorithm.parameters ? algorithm.parameters_place : algorithm.place,
                    fmt::format("{}.algorithm.parameters", spki_field),
                    algorithm.parameters ? "parameters of rsaEncryption are not NULL"
                                         : "parameters of rsaEncryption are absent");
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

constexpr std::string_view new_key =
    "Have the certificate issued for a new key: openssl req -newkey "
    "rsa:2048 -nodes -keyout key.pem -out request.pem";

constexpr Rule table[] = {
    {"key-rsa-small", Area::key, Level::must, Step::signature,
     "RSA keys have the length that the client asks for, 2048 bits by today's rule.",
     "NIST SP 800-131A 3", AlertDescription::insufficient_security, new_key, nullptr},
    {"key-rsa-large", Area::key, Level::must, Step::signature,
     "RSA keys are not longer than the client can hold.", "RFC 5246 7.4.2",
     AlertDescription::unsupported_certificate, new_key, nullptr},
    {"key-rsa-exponent", Area::key, Level::must, Step::encoding,
     "The RSA public exponent is an odd number of at least 3.", "RFC 8017 3.1",
     AlertDescription::bad_certificate, new_key, find_exponent},
    {"key-rsa-parameters-not-null", Area::key, Level::must, Step::encoding,
     "The parameters of rsaEncryption are NULL.", "RFC 3279 2.3.1",
     AlertDescription::bad_certificate, "Have the certificate issued again.",
     find_parameters_not_null},
    {"key-ec-explicit-parameters", Area::key, Level::must, Step::encoding,
     "Elliptic curves are named.", "RFC 5480 2.1.1", AlertDescription::unsupported_certificate,
     "Make the key with a named curve: openssl ecparam -name prime256v1 -genkey -noout -out "
     "key.pem",
     find_explicit_parameters},
    {"key-type-unsupported", Area::key, Level::must, Step::signature,
     "The certificate's key is of a type the client knows.", "RFC 5246 7.4.2",
     AlertDescription::unsupported_certificate,
     "Give these devices an RSA certificate; servers can hold one beside an ECDSA one "
     "(nginx: two ssl_certificate lines).",
     nullptr},
    {"key-dh-small", Area::key, Level::must, Step::key_exchange,
     "Diffie-Hellman groups have the length that the client asks for, 1024 bits at the least.",
     "RFC 7525 4.3", AlertDescription::insufficient_security,
     "Set a longer group (nginx: ssl_dhparam; openssl dhparam 2048) or leave DHE suites out.",
     nullptr},
    {"key-dh-large", Area::key, Level::must, Step::key_exchange,
     "Diffie-Hellman groups are not longer than the client can hold.", "RFC 5246 7.4.3",
     AlertDescription::handshake_failure,
     "Offer these devices RSA or ECDHE key exchange, or a group of the length they hold.", nullptr},
};

}  // namespace

std::span<const Rule> key_rules() {
    return table;
}

}  // namespace handset::rules
