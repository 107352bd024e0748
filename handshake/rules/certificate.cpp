// Rules on the fields of tbsCertificate that are no extension, no key and no name form, and on the
// certificate as a whole.
#include <fmt/format.h>

#include "handshake/rules/tables.h"

namespace handset::rules {

namespace {

using wire::AlertDescription;
using x509::Certificate;

void find_version_invalid(const Evidence& evidence, Findings& findings) {
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        if (certificate.version >= 1 && certificate.version <= 3) return;
        findings.at(number, certificate.version_place, "tbsCertificate.version",
                    fmt::format("version number {} means v{}, which does not exist",
                                certificate.version - 1, certificate.version));
    });
}

void find_leaf_below_v3(const Evidence& evidence, Findings& findings) {
    const Certificate* leaf = leaf_of(evidence);
    // One with extensions is extension-without-v3's.
    if (!leaf || leaf->version >= 3 || leaf->extensions_present) return;
    findings.at(0, leaf->version_place, "tbsCertificate.version",
                fmt::format("the server's own certificate is of version {}", leaf->version));
}

void find_serial_negative(const Evidence& evidence, Findings& findings) {
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        if (!certificate.serial_number.negative()) return;
        findings.at(number, certificate.serial_number.place, "tbsCertificate.serialNumber",
                    "the first bit is set, so the serial number is negative");
    });
}

void find_serial_zero(const Evidence& evidence, Findings& findings) {
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        if (!certificate.serial_number.zero()) return;
        findings.at(number, certificate.serial_number.place, "tbsCertificate.serialNumber",
                    "the serial number is 0");
    });
}

void find_serial_too_long(const Evidence& evidence, Findings& findings) {
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        const std::size_t octets = certificate.serial_number.value.size();
        if (octets <= 20) return;
        findings.at(number, certificate.serial_number.place, "tbsCertificate.serialNumber",
                    fmt::format("the serial number has {} octets", octets));
    });
}

void find_algorithm_mismatch(const Evidence& evidence, Findings& findings) {
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        const x509::AlgorithmIdentifier& outer = certificate.signature_algorithm;
        if (certificate.signature.algorithm == outer.algorithm) return;
        findings.at(
            number, outer.place, "signatureAlgorithm",
            fmt::format("{} here, {} in tbsCertificate.signature", x509::oid_name(outer.algorithm),
                        x509::oid_name(certificate.signature.algorithm)));
    });
}

void find_signature_parameters_mismatch(const Evidence& evidence, Findings& findings) {
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        const x509::AlgorithmIdentifier& outer = certificate.signature_algorithm;
        const x509::AlgorithmIdentifier& inner = certificate.signature;
        if (inner.algorithm != outer.algorithm || inner.raw == outer.raw) return;
        const auto describe = [](const std::optional<Bytes>& parameters) {
            if (!parameters) return std::string("no parameters");
            return fmt::format("parameters of {} octets", parameters->size());
        };
        findings.at(number, outer.place, "signatureAlgorithm",
                    fmt::format("{} with {} here, with {} in tbsCertificate.signature",
                                x509::oid_name(outer.algorithm), describe(outer.parameters),
                                describe(inner.parameters)));
    });
}

void find_sha1(const Evidence& evidence, Findings& findings) {
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        const std::string_view name =
            x509::known_oid_name(certificate.signature_algorithm.algorithm);
        const bool is_sha1 = name.find("sha1") != std::string_view::npos ||  // sha1WithRSA...
                             name.find("SHA1") != std::string_view::npos;    // ecdsa-with-SHA1
        if (!is_sha1 || x509::is_self_issued(certificate)) return;
        findings.at(number, certificate.signature_algorithm.place, "signatureAlgorithm",
                    std::string(name));
    });
}

void find_time_wrong_type(const Evidence& evidence, Findings& findings) {
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        for (const x509::Observation& seen : certificate.observations) {
            if (seen.oddity != x509::Oddity::time_wrong_type) continue;
            findings.at(number, seen.place, seen.field, seen.detail);
        }
    });
}

void find_validity_reversed(const Evidence& evidence, Findings& findings) {
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        const auto& [not_before, not_after, place] = certificate.validity;
        if (!not_before.value || !not_after.value || *not_before.value <= *not_after.value) return;
        findings.at(number, place, "tbsCertificate.validity",
                    fmt::format("notAfter {} lies before notBefore {}", to_date(*not_after.value),
                                to_date(*not_before.value)));
    });
}

void find_unique_id(const Evidence& evidence, Findings& findings) {
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        if (certificate.issuer_unique_id) {
            findings.at(number, certificate.issuer_unique_id_place, "tbsCertificate.issuerUniqueID",
                        "issuerUniqueID is present");
        }
        if (certificate.subject_unique_id) {
            findings.at(number, certificate.subject_unique_id_place,
                        "tbsCertificate.subjectUniqueID", "subjectUniqueID is present");
        }
    });
}

void find_issuer_empty(const Evidence& evidence, Findings& findings) {
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        if (!certificate.issuer.empty()) return;
        findings.at(number, certificate.issuer.place, "tbsCertificate.issuer",
                    "the issuer has no name");
    });
}

// Upper bounds of RFC 5280 Appendix A.1, in characters.
std::size_t upper_bound(std::string_view attribute) {
    struct Bound {
        std::string_view attribute;
        std::size_t characters;
    };
    static constexpr Bound bounds[] = {
        {"commonName", 64},   {"organizationName", 64}, {"organizationalUnitName", 64},
        {"title", 64},        {"localityName", 128},    {"stateOrProvinceName", 128},
        {"serialNumber", 64}, {"countryName", 2},       {"emailAddress", 255},
        {"pseudonym", 128},   {"surname", 32768},       {"givenName", 32768},
    };
    for (const Bound& bound : bounds) {
        if (bound.attribute == attribute) return bound.characters;
    }
    return 0;
}

std::size_t count_characters(std::string_view utf8) {
    std::size_t count = 0;
    for (const char c : utf8)
        count += (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    return count;
}

void find_attribute_too_long(const Evidence& evidence, Findings& findings) {
    for_each_certificate(evidence, [&](std::size_t number, const Certificate& certificate) {
        const auto look = [&](const x509::Name& name, std::string_view field) {
            for (std::size_t rdn = 0; rdn < name.rdns.size(); ++rdn) {
                for (std::size_t i = 0; i < name.rdns[rdn].size(); ++i) {
                    const x509::AttributeTypeAndValue& attribute = name.rdns[rdn][i];
                    const std::string_view type = x509::known_oid_name(attribute.type);
                    const std::size_t bound = upper_bound(type);
                    const std::size_t length = count_characters(attribute.text);
                    if (bound == 0 || length <= bound) continue;
                    findings.at(
                        number, attribute.value_place,
                        fmt::format("tbsCertificate.{}.rdnSequence[{}][{}].value", field, rdn, i),
                        fmt::format("{} has {} characters, {} are allowed", type, length, bound));
                }
            }
        };
        look(certificate.issuer, "issuer");
        look(certificate.subject, "subject");
    });
}

void find_leaf_is_ca(const Evidence& evidence, Findings& findings) {
    for_each_value<x509::BasicConstraints>(
        evidence, "basicConstraints",
        [&](std::size_t number, std::size_t index, const x509::BasicConstraints& constraints) {
            if (number != 0 || !constraints.ca) return;
            findings.at(number, evidence.chain[0].certificate->extensions[index].value_place,
                        fmt::format("tbsCertificate.extensions[{}].extnValue", index),
                        "the server's own certificate is a CA's");
        });
}

constexpr std::string_view new_serial =
    "Have the certificate issued again with a random serial number: `openssl x509 -req -set_serial "
    "0x$(openssl rand -hex 8) -in request.pem -CA ca.pem -CAkey ca.key -extfile leaf.ext -out "
    "leaf.pem`.";
constexpr std::string_view sign_with_sha256 =
    "Have the certificate issued again: `openssl x509 -req -sha256 -in request.pem -CA ca.pem "
    "-CAkey ca.key -extfile leaf.ext -out leaf.pem`; a Microsoft CA signs with SHA-256 after "
    "`certutil -setreg ca\\csp\\CNGHashAlgorithm SHA256` and a restart of certsvc. Devices that "
    "know nothing newer than SHA-1 need -sha1.";
constexpr std::string_view new_dates =
    "Have the certificate issued again: `openssl ca -startdate 20250101000000Z -enddate "
    "20260101000000Z -in request.pem -out leaf.pem`.";

constexpr Rule table[] = {
    {"certificate-version-invalid", Area::certificate, Level::must, Step::encoding,
     "The version is v1, v2 or v3.", "RFC 5280 4.1.2.1", AlertDescription::bad_certificate,
     "Have the certificate issued again as v3: `openssl x509 -req -in request.pem -CA ca.pem "
     "-CAkey ca.key -extfile leaf.ext -out leaf.pem`.",
     find_version_invalid},
    {"certificate-leaf-below-v3", Area::certificate, Level::should, Step::encoding,
     "The server's own certificate is of version 3.", "CA/Browser Forum BR 7.1.1",
     AlertDescription::bad_certificate,
     "Have the certificate issued again as v3, with its names in leaf.ext: `openssl x509 -req -in "
     "request.pem -CA ca.pem -CAkey ca.key -extfile leaf.ext -out leaf.pem`.",
     find_leaf_below_v3},
    {"certificate-serial-negative", Area::certificate, Level::must, Step::encoding,
     "The serial number is a positive integer.", "RFC 5280 4.1.2.2",
     AlertDescription::bad_certificate, new_serial, find_serial_negative},
    {"certificate-serial-zero", Area::certificate, Level::should, Step::encoding,
     "The serial number is a positive integer.", "RFC 5280 4.1.2.2",
     AlertDescription::bad_certificate, new_serial, find_serial_zero},
    {"certificate-serial-too-long", Area::certificate, Level::should, Step::encoding,
     "The serial number has at most 20 octets.", "RFC 5280 4.1.2.2",
     AlertDescription::bad_certificate, new_serial, find_serial_too_long},
    {"certificate-signature-algorithm-mismatch", Area::certificate, Level::must, Step::encoding,
     "signatureAlgorithm and tbsCertificate.signature are the same.", "RFC 5280 4.1.1.2",
     AlertDescription::bad_certificate,
     "The CA software wrote two different algorithms. Have the certificate issued again by one "
     "that writes the same twice: `openssl x509 -req -sha256 -in request.pem -CA ca.pem -CAkey "
     "ca.key -extfile leaf.ext -out leaf.pem`.",
     find_algorithm_mismatch},
    {"certificate-signature-parameters-mismatch", Area::certificate, Level::must, Step::encoding,
     "The parameters of signatureAlgorithm and of tbsCertificate.signature are the same.",
     "RFC 5280 4.1.1.2", AlertDescription::bad_certificate,
     "The CA software wrote one algorithm in two ways. Have the certificate issued again by one "
     "that writes the same twice: `openssl x509 -req -sha256 -in request.pem -CA ca.pem -CAkey "
     "ca.key -extfile leaf.ext -out leaf.pem`.",
     find_signature_parameters_mismatch},
    {"certificate-signature-weak-digest", Area::certificate, Level::must, Step::signature,
     "Signatures do not rest on MD2, MD4 or MD5.", "RFC 6151 2", AlertDescription::bad_certificate,
     sign_with_sha256, nullptr},
    {"certificate-signature-sha1", Area::certificate, Level::should, Step::signature,
     "Signatures should not rest on SHA-1.", "RFC 6194 3", AlertDescription::bad_certificate,
     sign_with_sha256, find_sha1},
    {"certificate-signature-algorithm-unsupported", Area::certificate, Level::must, Step::signature,
     "The client can verify the certificate's signature algorithm.", "RFC 5246 7.4.2",
     AlertDescription::unsupported_certificate,
     "Have the certificate, and every intermediate above it, issued with an algorithm the device "
     "knows; SHA-1 for devices before 2008: `openssl x509 -req -sha1 -in request.pem -CA ca.pem "
     "-CAkey ca.key -extfile leaf.ext -out leaf.pem`, on a Microsoft CA `certutil -setreg "
     "ca\\csp\\CNGHashAlgorithm SHA1`.",
     nullptr},
    {"certificate-signature-invalid", Area::certificate, Level::must, Step::signature,
     "The signature verifies under the issuer's public key.", "RFC 5280 6.1.3 (a)(1)",
     AlertDescription::bad_certificate,
     "Install the certificate as the CA delivered it, with the intermediate that signed it, not "
     "one of the same name; `openssl verify -CAfile root.pem -untrusted intermediate.pem "
     "leaf.pem` tells which fits.",
     nullptr},
    {"certificate-signature-unchecked", Area::certificate, Level::should, Step::signature,
     "The signature verifies under the issuer's public key.", "RFC 5280 6.1.3 (a)(1)",
     AlertDescription::bad_certificate,
     "Nothing to do on the server. Where the issuer's certificate is what is missing, give it "
     "here: `--install-root FILE` or `--roots FILE`.",
     nullptr},
    {"certificate-time-wrong-type", Area::certificate, Level::must, Step::encoding,
     "Dates through 2049 are UTCTime, later ones GeneralizedTime.", "RFC 5280 4.1.2.5",
     AlertDescription::bad_certificate, new_dates, find_time_wrong_type},
    {"certificate-validity-reversed", Area::certificate, Level::must, Step::validity,
     "notBefore lies before notAfter.", "RFC 5280 4.1.2.5", AlertDescription::bad_certificate,
     new_dates, find_validity_reversed},
    {"certificate-validity-too-long", Area::certificate, Level::must, Step::validity,
     "The certificate is not valid for longer than the client allows, as a rule 825 days.",
     "support.apple.com/103769", AlertDescription::bad_certificate,
     "Have the certificate issued again for a year: `openssl x509 -req -days 365 -in request.pem "
     "-CA ca.pem -CAkey ca.key -extfile leaf.ext -out leaf.pem`; a Microsoft CA keeps to `certutil "
     "-setreg ca\\ValidityPeriodUnits 1`.",
     nullptr},
    {"certificate-expired", Area::certificate, Level::must, Step::validity,
     "The present moment lies within the validity.", "RFC 5280 6.1.3 (a)(2)",
     AlertDescription::certificate_expired,
     "Renew the certificate: `openssl req -new -key key.pem -subj /CN=mail.example.com -addext "
     "subjectAltName=DNS:mail.example.com -out request.pem`, on Exchange 2007 "
     "`Get-ExchangeCertificate -Thumbprint THUMBPRINT | New-ExchangeCertificate` for one of its "
     "own. If it is still valid, set the device's clock.",
     nullptr},
    {"certificate-not-yet-valid", Area::certificate, Level::must, Step::validity,
     "The present moment lies within the validity.", "RFC 5280 6.1.3 (a)(2)",
     AlertDescription::certificate_expired,
     "Set the device's clock, and the CA's: `date -u` on Unix, `w32tm /resync` on Windows; else "
     "wait until the certificate is valid.",
     nullptr},
    {"certificate-leaf-is-ca", Area::certificate, Level::should, Step::basic_constraints,
     "The server's own certificate is not a CA's.", "CA/Browser Forum BR 7.1.2.7.8",
     AlertDescription::bad_certificate,
     "Make the server's certificate with cA FALSE: `openssl req -x509 -newkey rsa:2048 -nodes "
     "-keyout key.pem -days 365 -subj /CN=mail.example.com -addext "
     "subjectAltName=DNS:mail.example.com -addext basicConstraints=critical,CA:FALSE -out "
     "leaf.pem`, or have one issued by the CA.",
     find_leaf_is_ca},
    {"certificate-unique-id", Area::certificate, Level::should, Step::encoding,
     "CAs write no unique identifiers.", "RFC 5280 4.1.2.8", AlertDescription::bad_certificate,
     "Have the certificate issued again without unique identifiers; OpenSSL writes none: `openssl "
     "x509 -req -in request.pem -CA ca.pem -CAkey ca.key -extfile leaf.ext -out leaf.pem`.",
     find_unique_id},
    {"certificate-issuer-empty", Area::certificate, Level::must, Step::encoding,
     "The issuer has a non-empty distinguished name.", "RFC 5280 4.1.2.4",
     AlertDescription::bad_certificate,
     "Make a CA that has a name: `openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -days "
     "3650 -subj \"/C=DE/O=Example/CN=Example CA\" -addext keyUsage=critical,keyCertSign,cRLSign "
     "-out ca.pem`, and have the certificate issued by it.",
     find_issuer_empty},
    {"certificate-attribute-too-long", Area::certificate, Level::must, Step::encoding,
     "Attribute values keep within their upper bounds.", "RFC 5280 Appendix A.1",
     AlertDescription::bad_certificate,
     "Ask for a shorter name, with long host names in subjectAltName: `openssl req -new -key "
     "key.pem -subj /O=Example/CN=mail.example.com -addext subjectAltName=DNS:mail.example.com "
     "-out request.pem`.",
     find_attribute_too_long},
};

}  // namespace

std::span<const Rule> certificate_rules() {
    return table;
}

}  // namespace handset::rules
