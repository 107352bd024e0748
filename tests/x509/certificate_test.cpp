#include "handshake/x509/certificate.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/x509/der_builder.h"
#include "tests/x509/places.h"

namespace handset::x509 {
namespace {

using build::algorithm;
using build::attribute;
using build::bit_string;
using build::CertificateParts;
using build::context;
using build::context_constructed;
using build::extension;
using build::hex;
using build::join;
using build::oid;
using build::seq;
using build::set;
using build::text;
using build::tlv;

// clang 14 has no std::ranges::search with this library.
std::size_t find_octets(ByteView haystack, const Bytes& needle) {
    const auto found = std::search(haystack.begin(), haystack.end(), needle.begin(), needle.end());
    return found == haystack.end() ? std::string::npos
                                   : static_cast<std::size_t>(found - haystack.begin());
}

Time time(std::string_view rfc3339) {
    return parse_rfc3339(rfc3339).value();
}

void check_sound(const Certificate& certificate) {
    CHECK(misplaced(certificate).empty());
    for (const Extension& entry : certificate.extensions) {
        INFO(oid_name(entry.id));
        CHECK_FALSE(entry.decode_error);
    }
}

// --- hand-built
// -----------------------------------------------------------------------------------

TEST_CASE("every field of a certificate is read, with its place") {
    CertificateParts parts;
    parts.unique_ids = join({context(1, hex("00aa")), context(2, hex("04b0"))});
    parts.extensions = extension("keyUsage", hex("030205a0"), hex("0101ff"));
    const Bytes der = build::build(parts);
    const Certificate c = decode_certificate(der).value();
    check_sound(c);
    CHECK(c.raw == der);
    CHECK(c.observations.empty());

    CHECK(c.tbs_place.offset == 3);
    CHECK(equal(c.tbs(), c.at(c.tbs_place)));
    CHECK(c.tbs()[0] == 0x30);
    CHECK(c.version == 3);
    CHECK(c.version_present);
    CHECK(to_hex(c.at(c.version_place)) == "a003020102");
    CHECK(to_hex(c.serial_number.value) == "1a2b");
    CHECK(to_hex(c.at(c.serial_number.place)) == "02021a2b");
    CHECK(oid_name(c.signature.algorithm) == "sha256WithRSAEncryption");
    CHECK(c.signature.parameters == hex("0500"));
    CHECK(to_hex(c.at(c.signature.parameters_place)) == "0500");
    CHECK(equal(c.at(c.signature.place), c.signature.raw));
    CHECK(to_string(c.issuer) == "CN=Root");
    CHECK(c.validity.not_before.value == time("2024-01-02T03:04:05Z"));
    CHECK(c.validity.not_before.type == TimeType::utc_time);
    CHECK(c.validity.not_before.text == "240102030405Z");
    CHECK(to_hex(c.at(c.validity.not_before.place)) == "170d3234303130323033303430355a");
    CHECK(c.validity.not_after.value == time("2049-12-31T23:59:59Z"));
    CHECK(c.validity.place.length == 32);
    CHECK(to_string(c.subject) == "CN=mail.contoso.com");
    CHECK(equal(c.at(c.subject_public_key_info.place), parts.public_key));
    CHECK(equal(c.at(c.subject_public_key_info.key_place).subspan(3),
                c.subject_public_key_info.subject_public_key));
    const auto& rsa = std::get<RsaPublicKey>(c.subject_public_key_info.key);
    CHECK(rsa.bits == 511);
    CHECK(rsa.modulus.value == Bytes(64, 0x75));
    CHECK(rsa.public_exponent.small() == 65537);
    CHECK(to_hex(c.at(rsa.public_exponent.place)) == "0203010001");
    CHECK(to_string(c.subject_public_key_info) == "RSA 511");
    CHECK(c.issuer_unique_id == hex("aa"));
    CHECK(to_hex(c.at(c.issuer_unique_id_place)) == "810200aa");
    CHECK(c.subject_unique_id == hex("b0"));
    CHECK(to_hex(c.at(c.subject_unique_id_place)) == "820204b0");
    CHECK(c.extensions_present);
    CHECK(c.at(c.extensions_place)[0] == 0xa3);
    const Extension& usage = c.extensions.at(0);
    CHECK(oid_name(usage.id) == "keyUsage");
    CHECK(usage.critical);
    CHECK(usage.critical_encoding == CriticalEncoding::true_ff);
    CHECK(to_hex(c.at(usage.critical_place)) == "0101ff");
    CHECK(to_hex(c.at(usage.value_place)) == "030205a0");
    CHECK(usage.raw_value == hex("030205a0"));
    CHECK(std::get<KeyUsage>(usage.value).bits ==
          (KeyUsage::digital_signature | KeyUsage::key_encipherment));
    CHECK(oid_name(c.signature_algorithm.algorithm) == "sha256WithRSAEncryption");
    CHECK(c.signature_algorithm.place.offset > c.tbs_place.offset + c.tbs_place.length - 1);
    CHECK(c.signature_value == hex("0102030405060708"));
    CHECK(to_hex(c.at(c.signature_value_place)) == "0309000102030405060708");
    CHECK(describe(c) == "serial 1a2b, CN=mail.contoso.com");
    CHECK_FALSE(is_self_issued(c));
    parts.issuer = parts.subject;
    CHECK(is_self_issued(build::decode(parts)));
    parts.subject = seq({});
    CHECK(describe(build::decode(parts)) == "serial 1a2b, empty subject");
}

TEST_CASE("absent fields stay absent") {
    CertificateParts parts;
    parts.version = {};
    parts.signature = seq({oid("ecdsa-with-SHA256")});
    const Certificate c = build::decode(parts);
    CHECK(c.version == 1);
    CHECK_FALSE(c.version_present);
    CHECK(c.version_place == Place{});
    CHECK_FALSE(c.signature.parameters);
    CHECK(c.signature.parameters_place.length == 0);
    CHECK_FALSE(c.issuer_unique_id);
    CHECK_FALSE(c.extensions_present);
    CHECK(c.extensions.empty());
    CHECK(find_extension(c, "keyUsage") == nullptr);
    CHECK(find_extension(c, "noSuchName") == nullptr);
    CHECK(c.observations.empty());

    parts.extensions = extension("keyUsage", hex("030205a0"));
    const Certificate with = build::decode(parts);
    CHECK_FALSE(with.extensions.at(0).critical);
    CHECK(with.extensions[0].critical_encoding == CriticalEncoding::absent);
    CHECK(with.extensions[0].critical_place.length == 0);
    CHECK(find_value<KeyUsage>(with, "2.5.29.15") != nullptr);
    CHECK(find_value<BasicConstraints>(with, "keyUsage") == nullptr);
}

TEST_CASE("version is the written number plus one, whatever was written") {
    const auto version = [](std::string_view encoding) {
        CertificateParts parts;
        parts.version = hex(encoding);
        return build::decode(parts).version;
    };
    CHECK(version("a003020101") == 2);
    CHECK(version("a003020107") == 8);
    CHECK(version("a0030201ff") == 0);
    CHECK(version("a00a0208 7fffffffffffffff") == std::numeric_limits<int>::max());
    CHECK(version("a00b0209 7fffffffffffffff00") == std::numeric_limits<int>::max());
}

TEST_CASE("an Integer knows zero, its sign and small values") {
    const auto integer = [](std::string_view octets) { return Integer{hex(octets), {}}; };
    CHECK(integer("").zero());
    CHECK(integer("0000").zero());
    CHECK_FALSE(integer("0001").zero());
    CHECK(integer("80").negative());
    CHECK_FALSE(integer("0080").negative());
    CHECK(integer("").small() == 0);
    CHECK(integer("ff").small() == -1);
    CHECK(integer("0080").small() == 128);
    CHECK(integer("8000000000000000").small() == std::numeric_limits<std::int64_t>::min());
    CHECK(integer("00007fffffffffffffff").small() == std::numeric_limits<std::int64_t>::max());
    CHECK(integer("ffff8000000000000000").small() == std::numeric_limits<std::int64_t>::min());
    CHECK_FALSE(integer("008000000000000000").small());
    CHECK_FALSE(integer("ff7fffffffffffffff").small());
    CHECK_FALSE(integer("010000000000000000").small());
}

struct OddCase {
    std::string name;
    Oddity oddity{};
    std::string field;
    Bytes octets;  // the place begins where these stand first
    CertificateParts parts;
    std::string detail = "*";  // any

    // Of the element at the front of `octets`, where the place is one.
    std::size_t place_length() const {
        const bool is_element =
            oddity != Oddity::non_minimal_length && oddity != Oddity::trailing_data;
        return is_element ? octets.at(1) + std::size_t{2} : octets.size();
    }
};

CertificateParts with(Bytes CertificateParts::*member, Bytes value) {
    CertificateParts parts;
    parts.*member = std::move(value);
    return parts;
}

CertificateParts with_extension(std::string_view id, const Bytes& value) {
    return with(&CertificateParts::extensions, extension(id, value));
}

std::vector<OddCase> odd_cases() {
    using P = CertificateParts;
    const Bytes a = attribute("commonName", 0x0c, text("a"));
    const Bytes b = attribute("commonName", 0x0c, text("b"));
    const std::string ext = "tbsCertificate.extensions[0]";
    const std::string value = ext + ".extnValue";
    const auto utc = [](std::string_view t) { return tlv(0x17, text(t)); };
    const auto generalized = [](std::string_view t) { return tlv(0x18, text(t)); };
    const auto critical = [](std::string_view boolean) {
        return with(&P::extensions, extension("keyUsage", hex("030205a0"), hex(boolean)));
    };
    return {
        {"length", Oddity::non_minimal_length, "tbsCertificate.serialNumber", hex("8101"),
         with(&P::serial_number, hex("02810105")), "0x8101"},
        {"length in a name", Oddity::non_minimal_length,
         "tbsCertificate.subject.rdnSequence[0][0].value", hex("820001"),
         with(&P::subject, seq({set({seq({oid("commonName"), hex("0c82000161")})})}))},
        {"length in an extension", Oddity::non_minimal_length, value + ".names[0]", hex("8103"),
         with_extension("subjectAltName", seq({hex("8281 03 612e62")}))},
        {"length of an algorithm's parameters", Oddity::non_minimal_length,
         "signatureAlgorithm.parameters", hex("8100"),
         with(&P::signature_algorithm, algorithm("md5WithRSAEncryption", hex("058100")))},
        {"length in a key", Oddity::non_minimal_length,
         "tbsCertificate.subjectPublicKeyInfo.subjectPublicKey.publicExponent", hex("8103"),
         with(&P::public_key, build::rsa_key(hex("020111"), hex("028103010001")))},
        {"indefinite length", Oddity::indefinite_length, "tbsCertificate.issuer", hex("80 310b"),
         with(&P::issuer,
              join({hex("3080"), set({attribute("commonName", 0x0c, text("Ro"))}), hex("0000")}))},
        {"indefinite length in an extension", Oddity::indefinite_length, value, hex("80 0603 5504"),
         with_extension("extKeyUsage", hex("3080 0603550403 0000"))},
        {"boolean", Oddity::boolean_not_ff, ext + ".critical", hex("010101 0404"),
         critical("010101"), "0x01"},
        {"boolean of two octets", Oddity::boolean_not_ff, ext + ".critical", hex("0102ffff"),
         critical("0102ffff")},
        {"boolean in an extension", Oddity::boolean_not_ff, value + ".cA", hex("010101 300d"),
         with_extension("basicConstraints", hex("3003 010101"))},
        {"FALSE spelt out", Oddity::default_spelt_out, ext + ".critical", hex("010100"),
         critical("010100")},
        {"cA FALSE spelt out", Oddity::default_spelt_out, value + ".cA", hex("010100"),
         with_extension("basicConstraints", hex("3003 010100"))},
        {"v1 spelt out", Oddity::default_spelt_out, "tbsCertificate.version", hex("a003020100"),
         with(&P::version, hex("a003020100"))},
        {"minimum spelt out", Oddity::default_spelt_out, value + ".permittedSubtrees[0].minimum",
         hex("800100"),
         with_extension("nameConstraints", seq({context_constructed(
                                               0, seq({context(2, text("a")), hex("800100")}))}))},
        {"integer", Oddity::integer_not_minimal, "tbsCertificate.serialNumber", hex("02020005"),
         with(&P::serial_number, hex("02020005")), "0x0005"},
        {"integer without octets", Oddity::integer_not_minimal, "tbsCertificate.serialNumber",
         hex("0200 300d"), with(&P::serial_number, hex("0200"))},
        {"integer in an extension", Oddity::integer_not_minimal, value + ".pathLenConstraint",
         hex("02020001"), with_extension("basicConstraints", hex("3007 0101ff 02020001"))},
        {"integer of a key", Oddity::integer_not_minimal,
         "tbsCertificate.subjectPublicKeyInfo.subjectPublicKey.publicExponent", hex("020400010001"),
         with(&P::public_key, build::rsa_key(hex("020111"), hex("020400010001")))},
        {"OID", Oddity::oid_not_minimal, ext + ".extnID", hex("0604551d8011"),
         with(&P::extensions, seq({hex("0604551d8011"), hex("0400")}))},
        {"OID that is cut", Oddity::oid_not_minimal, "tbsCertificate.signature.algorithm",
         hex("06022a83"), with(&P::signature, seq({hex("06022a83")}))},
        {"OID without octets", Oddity::oid_not_minimal, value + ".keyPurposes[1]", hex("0600"),
         with_extension("extKeyUsage", seq({oid("serverAuth"), hex("0600")}))},
        {"set", Oddity::set_not_sorted, "tbsCertificate.subject.rdnSequence[0]", set({b, a}),
         with(&P::subject, seq({set({b, a})}))},
        {"set in a GeneralName", Oddity::set_not_sorted,
         value + ".names[0].directoryName.rdnSequence[0]", set({b, a}),
         with_extension("issuerAltName", seq({context_constructed(4, seq({set({b, a})}))}))},
        {"padding", Oddity::bit_string_padding_set, value, hex("030205a1"),
         with_extension("keyUsage", hex("030205a1"))},
        {"padding of a signature", Oddity::bit_string_padding_set, "signatureValue",
         hex("03020103"), with(&P::signature_value, hex("03020103"))},
        {"named bits", Oddity::named_bits_trailing_zero, value, hex("030200a0"),
         with_extension("keyUsage", hex("030200a0"))},
        {"named bits of Netscape", Oddity::named_bits_trailing_zero, value, hex("03020540"),
         with_extension("netscapeCertType", hex("03020540"))},
        {"reasons", Oddity::named_bits_trailing_zero, value + ".points[0].reasons", hex("81020060"),
         with_extension("cRLDistributionPoints", seq({seq({hex("81020060")})}))},
        {"UTCTime in 2050", Oddity::time_wrong_type, "tbsCertificate.validity.notAfter",
         generalized("20491231235959Z"), with(&P::not_after, generalized("20491231235959Z"))},
        {"no such date", Oddity::time_unreadable, "tbsCertificate.validity.notBefore",
         utc("230229000000Z"), with(&P::not_before, utc("230229000000Z")), "230229000000Z"},
        {"no date", Oddity::time_unreadable, "tbsCertificate.validity.notBefore",
         utc("2401020304\x1bZ"), with(&P::not_before, utc("2401020304\x1bZ")), "2401020304\\x1bZ"},
        {"no seconds", Oddity::time_not_der, "tbsCertificate.validity.notAfter", utc("2401020304Z"),
         with(&P::not_after, utc("2401020304Z"))},
        {"character", Oddity::string_bad_character, "tbsCertificate.issuer.rdnSequence[0][0].value",
         hex("2a62"), with(&P::issuer, seq({set({attribute("commonName", 0x13, text("a*b"))})})),
         "0x2a"},
        {"character in a GeneralName", Oddity::string_bad_character, value + ".names[0]",
         hex("fc 62"), with_extension("subjectAltName", seq({context(2, hex("61fc62"))}))},
        {"empty RDN", Oddity::empty_sequence, "tbsCertificate.subject.rdnSequence[0]", hex("3100"),
         with(&P::subject, seq({set({})}))},
        {"no extensions", Oddity::empty_sequence, "tbsCertificate.extensions", hex("3000 300d"),
         with(&P::raw_extensions, hex("a3023000"))},
        {"no names", Oddity::empty_sequence, value + ".names", hex("3000"),
         with_extension("subjectAltName", hex("3000"))},
        {"no purposes", Oddity::empty_sequence, value + ".keyPurposes", hex("3000"),
         with_extension("extKeyUsage", hex("3000"))},
        {"no constraints", Oddity::empty_sequence, value, hex("3000"),
         with_extension("policyConstraints", hex("3000"))},
        {"no subtrees", Oddity::empty_sequence, value + ".excludedSubtrees", hex("a100"),
         with_extension("nameConstraints", hex("3002 a100"))},
        {"after the certificate", Oddity::trailing_data, "Certificate", hex("deadbeef"),
         with(&P::after_certificate, hex("deadbeef")), "0xdeadbeef"},
        {"after the signature", Oddity::trailing_data, "Certificate", hex("0403deadbe"),
         with(&P::after_signature_value, hex("0403deadbe"))},
        {"after validity", Oddity::trailing_data, "tbsCertificate.validity", hex("0403deadbe"),
         with(&P::after_not_after, hex("0403deadbe"))},
        {"after the extensions", Oddity::trailing_data, "tbsCertificate", hex("0403deadbe 0500"),
         with(&P::after_tbs_certificate, hex("0403deadbe 0500"))},
        {"after an extension's value", Oddity::trailing_data, value, hex("cafe"),
         with_extension("basicConstraints", hex("3000 cafe"))},
        {"within an extension", Oddity::trailing_data, ext, hex("0402cafe"),
         with(&P::extensions, seq({oid("1.2.3"), hex("0400 0402cafe")}))},
        {"within an extension's value", Oddity::trailing_data, value, hex("0402cafe"),
         with_extension("basicConstraints", hex("3007 0101ff 0402cafe"))},
        {"after the parameters", Oddity::trailing_data, "tbsCertificate.signature", hex("0402cafe"),
         with(&P::signature, algorithm("md5WithRSAEncryption", hex("0500 0402cafe")))},
        {"SET for SEQUENCE", Oddity::unexpected_tag, "tbsCertificate.subject", hex("3100"),
         with(&P::subject, hex("3100")), "SET for SEQUENCE"},
        {"string type of a comment", Oddity::unexpected_tag, value, hex("0c0161"),
         with_extension("netscapeComment", hex("0c0161"))},
        {"INTEGER for critical", Oddity::unexpected_tag, ext + ".critical", hex("0201ff"),
         critical("0201ff")},
        {"another string type for a time", Oddity::unexpected_tag,
         "tbsCertificate.validity.notBefore", tlv(0x13, text("240102030405Z")),
         with(&P::not_before, tlv(0x13, text("240102030405Z")))},
        {"out of order", Oddity::unexpected_tag, "tbsCertificate.issuerUniqueID", hex("810200aa"),
         with(&P::unique_ids, hex("820200bb 810200aa")), "[1] after [2]"},
        {"no such component", Oddity::unexpected_tag, "tbsCertificate", hex("840200bb"),
         with(&P::unique_ids, hex("840200bb 820200aa")), "[4]"},
        {"component twice", Oddity::duplicate_field, "tbsCertificate.subjectUniqueID",
         hex("820200bb"), with(&P::unique_ids, hex("820200aa 820200bb"))},
        {"component of an extension twice", Oddity::duplicate_field, value + ".keyIdentifier",
         hex("8001bb"), with_extension("authorityKeyIdentifier", hex("3006 8001aa 8001bb"))},
        {"extension twice", Oddity::duplicate_field, "tbsCertificate.extensions[1]",
         extension("1.2.3", hex("0101ff")),
         with(&P::extensions,
              join({extension("1.2.3", hex("0500")), extension("1.2.3", hex("0101ff"))})),
         "1.2.3, first at extensions[0]"},
        {"negative serial", Oddity::negative_integer, "tbsCertificate.serialNumber",
         hex("02028001"), with(&P::serial_number, hex("02028001")), "0x8001"},
        {"negative version", Oddity::negative_integer, "tbsCertificate.version", hex("0201ff"),
         with(&P::version, hex("a0030201ff"))},
        {"negative modulus", Oddity::negative_integer,
         "tbsCertificate.subjectPublicKeyInfo.subjectPublicKey.modulus", hex("0202c001"),
         with(&P::public_key, build::rsa_key(hex("0202c001")))},
        {"negative pathLen", Oddity::negative_integer, value + ".pathLenConstraint", hex("0201ff"),
         with_extension("basicConstraints", hex("3006 0101ff 0201ff"))},
        {"negative skipCerts", Oddity::negative_integer, value, hex("0201fe"),
         with_extension("inhibitAnyPolicy", hex("0201fe"))},
        {"negative requireExplicitPolicy", Oddity::negative_integer,
         value + ".requireExplicitPolicy", hex("8001fe"),
         with_extension("policyConstraints", hex("3003 8001fe"))},
        {"constructed extnValue", Oddity::constructed_string, value, hex("2408 0403 030205 0401a0"),
         with(&P::extensions, seq({oid("keyUsage"), hex("2408 0403 030205 0401a0")}))},
        {"constructed dNSName", Oddity::constructed_string, value + ".names[0]",
         hex("a206 160161 160162"),
         with_extension("subjectAltName", seq({hex("a206 160161 160162")}))},
        {"constructed signature", Oddity::constructed_string, "signatureValue",
         hex("2308 030200aa 030200bb"), with(&P::signature_value, hex("2308 030200aa 030200bb"))},
        {"constructed time", Oddity::constructed_string, "tbsCertificate.validity.notBefore",
         tlv(0x37, join({tlv(0x04, text("240102")), tlv(0x17, text("030405Z"))})),
         with(&P::not_before,
              tlv(0x37, join({tlv(0x04, text("240102")), tlv(0x17, text("030405Z"))})))},
        {"constructed attribute value", Oddity::constructed_string,
         "tbsCertificate.subject.rdnSequence[0][0].value", hex("2c06 040161 0c0162"),
         with(&P::subject, seq({set({seq({oid("commonName"), hex("2c06 040161 0c0162")})})}))},
    };
}

TEST_CASE("each departure from DER is observed alone, at its field and place") {
    std::vector<bool> seen(static_cast<std::size_t>(Oddity::negative_integer) + 1);
    for (const OddCase& odd : odd_cases()) {
        INFO(odd.name);
        const auto decoded = decode_certificate(build::build(odd.parts));
        REQUIRE(decoded.has_value());
        check_sound(*decoded);
        REQUIRE(decoded->observations.size() == 1);
        const Observation& observation = decoded->observations[0];
        CHECK(observation.oddity == odd.oddity);
        CHECK(observation.field == odd.field);
        CHECK(observation.place.offset == find_octets(decoded->raw, odd.octets));
        // More octets than the place has are there to tell it from others.
        const bool is_one_octet =
            odd.oddity == Oddity::indefinite_length || odd.oddity == Oddity::string_bad_character;
        CHECK(observation.place.length == (is_one_octet ? 1 : odd.place_length()));
        if (odd.detail != "*") CHECK(observation.detail == odd.detail);
        seen[static_cast<std::size_t>(odd.oddity)] = true;
    }
    CHECK(std::ranges::count(seen, false) == 0);
}

TEST_CASE("odd values are read for what they say") {
    const auto decode = [](const CertificateParts& parts) { return build::decode(parts); };
    const auto with_critical = [&](std::string_view boolean) {
        return decode(with(&CertificateParts::extensions,
                           extension("keyUsage", hex("030205a0"), hex(boolean))))
            .extensions.at(0);
    };
    CHECK(with_critical("010101").critical);
    CHECK(with_critical("010101").critical_encoding == CriticalEncoding::true_other);
    CHECK(with_critical("010100").critical_encoding == CriticalEncoding::explicit_false);
    CHECK_FALSE(with_critical("010100").critical);

    // A constructed extnValue, and a value that is cut across its segments.
    const Certificate segments = decode(with(
        &CertificateParts::extensions, seq({oid("keyUsage"), hex("2408 0403 030205 0401a0")})));
    CHECK(segments.extensions.at(0).raw_value == hex("030205a0"));
    CHECK(find_value<KeyUsage>(segments, "keyUsage")->bits == 5);

    const Certificate twice = decode(with(&CertificateParts::unique_ids, hex("820200aa 820200bb")));
    CHECK(twice.subject_unique_id == hex("aa"));
    const Certificate swapped =
        decode(with(&CertificateParts::unique_ids, hex("820200bb 810200aa")));
    CHECK(swapped.issuer_unique_id == hex("aa"));
    CHECK(swapped.subject_unique_id == hex("bb"));

    // The non-minimal OID is not subjectAltName.
    const Certificate odd_oid = decode(
        with(&CertificateParts::extensions, seq({hex("0604551d8011"), tlv(0x04, hex("3000"))})));
    CHECK(find_extension(odd_oid, "subjectAltName") == nullptr);
    CHECK(odd_oid.extensions.at(0).value.index() == 0);

    const Certificate indefinite =
        decode_certificate(
            join({hex("3080"), to_bytes(ByteView(build::build({})).subspan(3)), hex("0000")}))
            .value();
    CHECK(to_string(indefinite.subject) == "CN=mail.contoso.com");
    REQUIRE(indefinite.observations.size() == 1);
    CHECK(indefinite.observations[0] ==
          Observation{Oddity::indefinite_length, "Certificate", {1, 1}, ""});
}

TEST_CASE("observations come in order of offset") {
    CertificateParts parts;
    parts.serial_number = hex("02020005");
    parts.extensions = join({extension("keyUsage", hex("030200a1"), hex("010101")),
                             extension("keyUsage", hex("030205a0"))});
    parts.unique_ids = hex("820200bb 810200aa");
    parts.after_certificate = hex("00");
    const Certificate c = build::decode(parts);
    REQUIRE(c.observations.size() == 5);
    CHECK(std::ranges::is_sorted(c.observations, {}, [](const Observation& observation) {
        return observation.place.offset;
    }));
    CHECK(c.observations.front().oddity == Oddity::integer_not_minimal);
    CHECK(c.observations.back().oddity == Oddity::trailing_data);
}

TEST_CASE("times are read in every BER form") {
    struct Row {
        unsigned tag;
        std::string_view text;
        std::string_view value;  // empty: none
        std::vector<Oddity> oddities;
    };
    using enum Oddity;
    const Row rows[] = {
        {0x17, "491231235959Z", "2049-12-31T23:59:59Z", {}},
        {0x17, "500101000000Z", "1950-01-01T00:00:00Z", {}},
        {0x17, "000229120000Z", "2000-02-29T12:00:00Z", {}},
        {0x17, "2401020304Z", "2024-01-02T03:04:00Z", {time_not_der}},
        {0x17, "240102030405+0130", "2024-01-02T01:34:05Z", {time_not_der}},
        {0x17, "2401020304-0800", "2024-01-02T11:04:00Z", {time_not_der}},
        {0x17, "491231235959-0100", "2050-01-01T00:59:59Z", {time_not_der, time_wrong_type}},
        {0x17, "240102030405.5Z", "2024-01-02T03:04:05Z", {time_not_der}},
        {0x17, "240102030405", "", {time_not_der}},
        {0x17, "240102030405+01", "", {time_unreadable}},
        {0x17, "240102030405+2400", "", {time_unreadable}},
        {0x17, "241302030405Z", "", {time_unreadable}},
        {0x17, "240102240000Z", "", {time_unreadable}},
        {0x17, "240102036005Z", "", {time_unreadable}},
        {0x17, "240102030405Z ", "", {time_unreadable}},
        {0x17, "24010203Z", "", {time_unreadable}},
        {0x17, "", "", {time_unreadable}},
        {0x17, "20240102030405Z", "", {time_unreadable}},
        {0x18, "20500101000000Z", "2050-01-01T00:00:00Z", {}},
        {0x18, "99991231235959Z", "9999-12-31T23:59:59Z", {}},
        {0x18, "20491231235959Z", "2049-12-31T23:59:59Z", {time_wrong_type}},
        {0x18, "205001010000Z", "2050-01-01T00:00:00Z", {time_not_der}},
        {0x18, "2050010112Z", "2050-01-01T12:00:00Z", {time_not_der}},
        {0x18, "2050010112.5Z", "2050-01-01T12:30:00Z", {time_not_der}},
        {0x18, "205001011200,25Z", "2050-01-01T12:00:15Z", {time_not_der}},
        {0x18, "20500101120000.999999999999999999999Z", "2050-01-01T12:00:00Z", {time_not_der}},
        {0x18, "20500101120000+02", "2050-01-01T10:00:00Z", {time_not_der}},
        {0x18, "20500101120000-0230", "2050-01-01T14:30:00Z", {time_not_der}},
        {0x18, "20500101000000", "", {time_not_der}},
        {0x18, "20500101000000.Z", "", {time_unreadable}},
        {0x18, "99991231235959-0001", "", {time_unreadable}},
        {0x18, "00000101000000+0001", "", {time_unreadable}},
        {0x18, "2050", "", {time_unreadable}},
    };
    for (const Row& row : rows) {
        INFO(row.text);
        CertificateParts parts;
        parts.not_after = tlv(row.tag, text(row.text));
        const Certificate c = build::decode(parts);
        const TimeField& field = c.validity.not_after;
        CHECK(field.text == row.text);
        CHECK((field.value ? to_rfc3339(*field.value) : "") == row.value);
        CHECK((field.type == TimeType::utc_time) == (row.tag == 0x17));
        std::vector<Oddity> oddities;
        for (const Observation& observation : c.observations) {
            CHECK(observation.field == "tbsCertificate.validity.notAfter");
            CHECK(observation.place == field.place);
            oddities.push_back(observation.oddity);
        }
        CHECK(oddities == row.oddities);
    }
    // Neither UTCTime nor GeneralizedTime: read by its length.
    CertificateParts parts;
    parts.not_after = tlv(0x13, text("20600102030405Z"));
    CHECK(build::decode(parts).validity.not_after.value == time("2060-01-02T03:04:05Z"));
}

TEST_CASE("keys that do not fit their algorithm leave the certificate readable") {
    const auto key_of = [](const Bytes& info) {
        CertificateParts parts;
        parts.public_key = info;
        const Certificate c = build::decode(parts);
        CHECK(misplaced(c).empty());
        return c.subject_public_key_info;
    };
    const auto unknown = key_of(seq({algorithm("1.2.3.4"), bit_string(hex("aa"))}));
    CHECK(unknown.key.index() == 0);
    CHECK(unknown.subject_public_key == hex("aa"));
    CHECK(to_string(unknown) == "1.2.3.4");
    const auto broken = key_of(seq({algorithm("rsaEncryption"), bit_string(hex("3003 0201"))}));
    CHECK(broken.key.index() == 0);
    CHECK(to_string(broken) == "rsaEncryption");
    CHECK(key_of(seq({algorithm("rsaEncryption"), bit_string({})})).key.index() == 0);
    CHECK(key_of(seq({algorithm("id-dsa", hex("3000")), bit_string(hex("020105"))})).key.index() ==
          0);
    CHECK(key_of(seq({seq({oid("Ed25519")}), bit_string(Bytes(31))})).key.index() == 0);

    const auto x25519 = key_of(seq({seq({oid("X25519")}), bit_string(Bytes(32, 9))}));
    CHECK(std::get<EdPublicKey>(x25519.key).key == Bytes(32, 9));
    CHECK(to_string(x25519) == "X25519");
    const auto inherited = key_of(seq({seq({oid("id-dsa")}), bit_string(hex("020105"))}));
    CHECK_FALSE(std::get<DsaPublicKey>(inherited.key).p_q_g);
    CHECK(to_string(inherited) == "DSA with inherited parameters");
    const auto implicit =
        key_of(seq({algorithm("id-ecPublicKey", hex("0500")), bit_string(hex("0400"))}));
    CHECK_FALSE(std::get<EcPublicKey>(implicit.key).named_curve);
    CHECK_FALSE(std::get<EcPublicKey>(implicit.key).explicit_parameters);
    const auto curve = [&](std::string_view name) {
        return std::get<EcPublicKey>(
                   key_of(seq({algorithm("id-ecPublicKey", oid(name)), bit_string(hex("04"))})).key)
            .bits;
    };
    CHECK(curve("secp521r1") == 521);
    CHECK(curve("brainpoolP384r1") == 384);
    CHECK(curve("prime239v1") == 239);
    CHECK(curve("c2pnb163v1") == 163);
    CHECK(curve("sect113r1") == 113);
    CHECK(curve("sha256") == 0);
    CHECK(curve("1.2.840.1") == 0);
    // A modulus without its leading zero still has its bits.
    const auto negative = std::get<RsaPublicKey>(key_of(build::rsa_key(hex("0202c001"))).key);
    CHECK(negative.modulus.negative());
    CHECK(negative.bits == 16);
}

TEST_CASE("a value that cannot be decoded spoils its extension alone") {
    struct Row {
        std::string_view id;
        std::string_view value;
        std::string_view field;  // under extnValue
        std::size_t at;          // in the value
    };
    static constexpr Row rows[] = {
        {"basicConstraints", "", "", 0},
        {"basicConstraints", "0101ff", "", 0},
        {"basicConstraints", "3005 0101ff 2200", ".pathLenConstraint", 5},
        {"basicConstraints", "3005 0101ff 0405", "", 5},
        {"basicConstraints", "3005 0101ff 0205", "", 5},
        {"keyUsage", "3000", "", 0},
        {"keyUsage", "0402 05a0", "", 0},
        {"extKeyUsage", "3002 0500", ".keyPurposes[0]", 2},
        {"subjectAltName", "3003 820261", ".names[0]", 2},
        {"authorityKeyIdentifier", "3003 8002aa", "", 2},
        {"subjectKeyIdentifier", "0302 00aa", "", 0},
        {"certificatePolicies", "3002 3000", ".policies[0].policyIdentifier", 4},
        {"policyMappings", "3006 3004 06022a03", ".mappings[0].subjectDomainPolicy", 8},
        {"policyConstraints", "3002 a000", ".requireExplicitPolicy", 2},
        {"nameConstraints", "3006 a004 3002 0500", ".permittedSubtrees[0].base", 6},
        {"inhibitAnyPolicy", "0500", "", 0},
        {"cRLDistributionPoints", "3006 3004 a002 a300", ".points[0].distributionPoint", 6},
        {"authorityInfoAccess", "3006 3004 06022a03", ".accesses[0].accessLocation", 8},
        {"signedCertificateTimestampList", "0404 0003 0001", ".sct_list", 4},
        {"netscapeCertType", "0500", "", 0},
        {"netscapeComment", "0500", "", 0},
        {"certificateTemplate", "3003 020101", ".templateID", 2},
    };
    for (const Row& row : rows) {
        INFO(row.id << " " << row.value);
        CertificateParts parts;
        parts.extensions = join({extension(row.id, hex(row.value)), extension("1.2.3", hex("00")),
                                 extension("keyUsage", hex("03020186"))});
        const Certificate c = build::decode(parts);
        CHECK(misplaced(c).empty());
        const Extension& odd = c.extensions.at(0);
        CHECK(odd.value.index() == 0);
        REQUIRE(odd.decode_error);
        CAPTURE(odd.decode_error->reason);
        CHECK(odd.decode_error->offset == odd.value_place.offset + row.at);
        CHECK(odd.decode_error->field ==
              "tbsCertificate.extensions[0].extnValue" + std::string(row.field));
        CHECK(odd.raw_value == hex(row.value));
        CHECK_FALSE(c.extensions.at(1).decode_error);
        CHECK(std::get<KeyUsage>(c.extensions.at(2).value).has(KeyUsage::digital_signature));
    }
}

TEST_CASE("what cannot be cut into the grammar is an error with field and offset") {
    const auto error_of = [](const CertificateParts& parts) {
        const auto decoded = decode_certificate(build::build(parts));
        REQUIRE(decoded.has_error());
        return decoded.error();
    };
    using P = CertificateParts;
    const DecodeError empty = decode_certificate({}).error();
    CHECK(empty == DecodeError{"SEQUENCE is missing", "Certificate", 0});
    CHECK(decode_certificate(hex("0500")).error().reason == "NULL where SEQUENCE is due");
    CHECK(decode_certificate(hex("3000")).error() ==
          DecodeError{"SEQUENCE is missing", "tbsCertificate", 2});
    const DecodeError serial = error_of(with(&P::serial_number, hex("040105")));
    CHECK(serial == DecodeError{"OCTET STRING where INTEGER is due", "tbsCertificate.serialNumber",
                                find_octets(build::build(with(&P::serial_number, hex("040105"))),
                                            hex("040105"))});
    CHECK(error_of(with(&P::version, hex("8003020102"))).field == "tbsCertificate.version");
    CHECK(error_of(with(&P::not_after, hex("0500"))).field == "tbsCertificate.validity.notAfter");
    CHECK(error_of(with(&P::not_after, {})).field == "tbsCertificate.validity.notAfter");
    CHECK(error_of(with(&P::subject, seq({set({seq({oid("commonName")})})}))).field ==
          "tbsCertificate.subject.rdnSequence[0][0].value");
    CHECK(error_of(with(&P::public_key, seq({algorithm("rsaEncryption")}))).field ==
          "tbsCertificate.subjectPublicKeyInfo.subjectPublicKey");
    CHECK(error_of(with(&P::extensions, seq({oid("keyUsage")}))).field ==
          "tbsCertificate.extensions[0].extnValue");
    CHECK(error_of(with(&P::signature_value, {})).field == "signatureValue");
    CHECK(error_of(with(&P::signature_algorithm, hex("3000"))).field ==
          "signatureAlgorithm.algorithm");
}

TEST_CASE("work is bounded") {
    const auto repeat = [](const Bytes& bytes, std::size_t count) {
        Bytes out;
        for (std::size_t i = 0; i < count; ++i)
            append(out, bytes);
        return out;
    };
    using P = CertificateParts;
    const auto with_extensions = [&](std::size_t count) {
        Bytes entries;
        for (std::size_t i = 0; i < count; ++i)
            append(entries, extension(fmt::format("1.2.3.{}", i), {}));
        return decode_certificate(build::build(with(&P::extensions, entries)));
    };
    CHECK(with_extensions(1'000).value().extensions.size() == 1'000);
    const auto too_many = with_extensions(1'001);
    REQUIRE(too_many.has_error());
    CHECK(too_many.error().field == "tbsCertificate.extensions[1000]");

    const auto with_names = [&](std::size_t count) {
        return build::decode(
            with_extension("subjectAltName", tlv(0x30, repeat(context(2, text("a.b")), count))));
    };
    const Certificate many = with_names(10'000);
    CHECK(find_value<GeneralNames>(many, "subjectAltName")->names.size() == 10'000);
    const Certificate more = with_names(10'001);
    REQUIRE(more.extensions.at(0).decode_error);
    CHECK(more.extensions[0].decode_error->reason == "more than 10000 entries");

    const auto large = [&](std::size_t size) {
        Bytes der = build::build({});
        der.resize(size);
        return decode_certificate(der);
    };
    CHECK(large(1 << 20).has_value());
    REQUIRE(large((1 << 20) + 1).has_error());
    CHECK(large((1 << 20) + 1).error().reason == "longer than 1 MiB");

    // Lists of many names in many extensions run out of elements, not of memory.
    Bytes entries;
    for (unsigned i = 0; i < 12; ++i)
        append(entries, extension("subjectAltName", tlv(0x30, repeat(hex("8200"), 9'999))));
    REQUIRE(decode_certificate(build::build(with(&P::extensions, entries))).has_error());

    // Indefinite lengths nested as deep as the search goes, side by side.
    Bytes nested;
    for (int i = 0; i < 31; ++i)
        append(nested, hex("3080"));
    append(nested, Bytes(62));
    const Certificate deep =
        build::decode(with_extension("extKeyUsage", tlv(0x30, repeat(nested, 1'000))));
    CHECK(deep.extensions.at(0).decode_error);
}

TEST_CASE("timestamps of RFC 6962 are read") {
    const Bytes log_id(32, 0x42);
    const Bytes sct = join({hex("00"), log_id, hex("0000018f00000001"), hex("0002abcd"),
                            hex("0403"), hex("0003 010203")});
    const auto prefixed = [](const Bytes& bytes) {
        return join({hex("00"), Bytes{static_cast<std::uint8_t>(bytes.size())}, bytes});
    };
    const Bytes list = prefixed(join({prefixed(sct), prefixed(sct)}));
    const Certificate c =
        build::decode(with_extension("signedCertificateTimestampList", tlv(0x04, list)));
    check_sound(c);
    const auto* scts = find_value<SignedCertificateTimestamps>(c, "1.3.6.1.4.1.11129.2.4.2");
    REQUIRE(scts);
    REQUIRE(scts->scts.size() == 2);
    CHECK(scts->scts[1].version == 0);
    CHECK(scts->scts[1].log_id == log_id);
    CHECK(scts->scts[1].timestamp_ms == 0x18f00000001);
    CHECK(scts->scts[1].extensions == hex("abcd"));
    CHECK(scts->scts[1].signature_algorithm == 0x0403);
    CHECK(scts->scts[1].signature == hex("010203"));
}

// --- against openssl ----------------------------------------------------------------------------

std::string output_of(const std::string& command) {
    std::FILE* pipe = popen((command + " 2>/dev/null").c_str(), "r");
    REQUIRE(pipe != nullptr);
    std::string output;
    char buffer[4096];
    while (const std::size_t size = std::fread(buffer, 1, sizeof buffer, pipe))
        output.append(buffer, size);
    INFO(command);
    REQUIRE(pclose(pipe) == 0);
    return output;
}

class Scratch {
public:
    Scratch() {
        std::string pattern = (std::filesystem::temp_directory_path() / "handset-XXXXXX").string();
        REQUIRE(mkdtemp(pattern.data()) != nullptr);
        directory_ = pattern;
    }
    ~Scratch() { std::filesystem::remove_all(directory_); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    std::string path(std::string_view name) const { return (directory_ / name).string(); }
    void write(std::string_view name, std::string_view contents) const {
        std::ofstream(path(name), std::ios::binary) << contents;
    }
    void openssl(const std::string& arguments) const {
        output_of(fmt::format("cd '{}' && openssl {}", directory_.string(), arguments));
    }
    Bytes read(std::string_view name) const {
        std::ifstream file(path(name), std::ios::binary);
        std::ostringstream contents;
        contents << file.rdbuf();
        return text(contents.str());
    }
    // A self-signed certificate as the configuration has it.
    Certificate request(std::string_view config, const std::string& arguments) const {
        write("request.cnf", config);
        openssl("req -x509 -config request.cnf -nodes -keyout key.pem -outform DER -out out.der " +
                arguments);
        return decode_certificate(read("out.der")).value();
    }

private:
    std::filesystem::path directory_;
};

Bytes from_pem(const std::string& pem) {
    static constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const std::size_t begin = pem.find("-----BEGIN CERTIFICATE-----");
    const std::size_t end = pem.find("-----END CERTIFICATE-----");
    REQUIRE(begin != std::string::npos);
    REQUIRE(end != std::string::npos);
    Bytes out;
    unsigned bits = 0;
    unsigned count = 0;
    for (const char c : pem.substr(begin + 27, end - begin - 27)) {
        const std::size_t digit = alphabet.find(c);
        if (digit == std::string_view::npos) continue;
        bits = bits << 6 | static_cast<unsigned>(digit);
        count += 6;
        if (count >= 8) {
            count -= 8;
            out.push_back(static_cast<std::uint8_t>(bits >> count));
        }
    }
    return out;
}

// "serial=1A" in the lines of an output; empty when there is no such line.
std::string line_after(const std::string& output, std::string_view start) {
    std::istringstream lines(output);
    for (std::string line; std::getline(lines, line);)
        if (line.starts_with(start)) return line.substr(start.size());
    return {};
}

// Where `openssl asn1parse` sees the contents of each extnValue.
std::vector<Place> extension_values(const std::string& asn1parse) {
    std::vector<Place> places;
    bool within = false;
    std::istringstream lines(asn1parse);
    for (std::string line; std::getline(lines, line);) {
        unsigned long offset = 0;
        unsigned long depth = 0;
        unsigned long header = 0;
        unsigned long length = 0;
        if (std::sscanf(line.c_str(), " %lu:d=%lu hl=%lu l= %lu", &offset, &depth, &header,
                        &length) != 4)
            continue;
        if (depth <= 2) within = depth == 2 && line.find("cont [ 3 ]") != std::string::npos;
        if (within && depth == 5 && line.find("OCTET STRING") != std::string::npos)
            places.push_back({offset + header, length});
    }
    return places;
}

void compare_with_openssl(const Certificate& c, const std::string& path, std::string_view form) {
    const std::string printed =
        output_of(fmt::format("openssl x509 -inform {} -in '{}' -noout -serial -startdate -enddate "
                              "-dateopt iso_8601 -subject -issuer -nameopt RFC2253,-esc_msb "
                              "-modulus -text",
                              form, path));
    std::string serial = to_hex(c.serial_number.value);
    while (serial.size() > 2 && serial.starts_with("00"))
        serial.erase(0, 2);
    std::ranges::transform(serial, serial.begin(),
                           [](char ch) { return static_cast<char>(std::toupper(ch)); });
    CHECK(line_after(printed, "serial=") == serial);
    REQUIRE(c.validity.not_before.value);
    REQUIRE(c.validity.not_after.value);
    const auto iso = [](Time value) {
        std::string out = to_rfc3339(value);
        out[10] = ' ';
        return out;
    };
    CHECK(line_after(printed, "notBefore=") == iso(*c.validity.not_before.value));
    CHECK(line_after(printed, "notAfter=") == iso(*c.validity.not_after.value));
    // openssl turns the order within a multi-valued RDN around, too.
    const auto is_single = [](const RelativeDistinguishedName& rdn) { return rdn.size() == 1; };
    if (std::ranges::all_of(c.subject.rdns, is_single))
        CHECK(line_after(printed, "subject=") == to_string(c.subject));
    if (std::ranges::all_of(c.issuer.rdns, is_single))
        CHECK(line_after(printed, "issuer=") == to_string(c.issuer));

    const SubjectPublicKeyInfo& info = c.subject_public_key_info;
    std::size_t bits = 0;
    if (const auto* rsa = std::get_if<RsaPublicKey>(&info.key)) {
        bits = rsa->bits;
        std::string modulus = to_hex(rsa->modulus.value);
        while (modulus.starts_with("00"))
            modulus.erase(0, 2);
        std::ranges::transform(modulus, modulus.begin(),
                               [](char ch) { return static_cast<char>(std::toupper(ch)); });
        CHECK(line_after(printed, "Modulus=") == modulus);
    } else if (const auto* ec = std::get_if<EcPublicKey>(&info.key)) {
        // openssl counts the bits of the order, which are fewer over a binary field.
        if (ec->bits != 233) bits = ec->bits;
    } else if (const auto* dsa = std::get_if<DsaPublicKey>(&info.key)) {
        bits = dsa->bits;
    }
    if (bits != 0)
        CHECK(printed.find(fmt::format("Public-Key: ({} bit)", bits)) != std::string::npos);
    CHECK(printed.find(fmt::format("Version: {} (", c.version)) != std::string::npos);

    const auto values = extension_values(
        output_of(fmt::format("openssl asn1parse -inform {} -in '{}'", form, path)));
    REQUIRE(values.size() == c.extensions.size());
    for (std::size_t i = 0; i < values.size(); ++i)
        CHECK(values[i] == c.extensions[i].value_place);
}

std::vector<std::filesystem::path> installed_certificates() {
    std::vector<std::filesystem::path> paths;
    std::error_code error;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator("/usr/share/ca-certificates", error))
        if (entry.path().extension() == ".crt") paths.push_back(entry.path());
    std::ranges::sort(paths);
    return paths;
}

std::string contents_of(const std::filesystem::path& path) {
    std::ostringstream contents;
    contents << std::ifstream(path, std::ios::binary).rdbuf();
    return contents.str();
}

TEST_CASE("the certificates of Debian's ca-certificates read as openssl reads them") {
    const auto paths = installed_certificates();
    REQUIRE(!paths.empty());  // needs the package ca-certificates
    for (const std::filesystem::path& path : paths) {
        INFO(path);
        const auto decoded = decode_certificate(from_pem(contents_of(path)));
        REQUIRE(decoded.has_value());
        check_sound(*decoded);
        CHECK(decoded->subject_public_key_info.key.index() != 0);
        CHECK(is_self_issued(*decoded));
        CHECK(same_folded(decoded->issuer, decoded->subject));
        compare_with_openssl(*decoded, path.string(), "PEM");
    }
}

constexpr std::string_view rich_config = R"(
[req]
distinguished_name = dn
x509_extensions = ext
prompt = no
string_mask = utf8only
utf8 = yes
[dn]
C = US
DC = com
O = "Contoso, Ltd."
OU = Mäil
CN = mail.contoso.com
+UID = web1
emailAddress = admin@contoso.com
[ext]
basicConstraints = critical,CA:TRUE,pathlen:3
keyUsage = critical,digitalSignature,keyEncipherment,keyCertSign,cRLSign,decipherOnly
extendedKeyUsage = serverAuth,clientAuth,msSGC,nsSGC,anyExtendedKeyUsage,1.3.6.1.4.1.311.20.2.2
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always,issuer:always
subjectAltName = @san
2.5.29.18 = ASN1:SEQUENCE:ian
certificatePolicies = 2.5.29.32.0,@policy
policyMappings = 1.2.3.4:1.2.3.5,1.2.3.6:1.2.3.7
policyConstraints = requireExplicitPolicy:3,inhibitPolicyMapping:0
nameConstraints = permitted;email:contoso.com,permitted;DNS:contoso.com,excluded;IP:192.168.0.0/255.255.0.0,excluded;IP:2001:db8::/ffff:ffff::
inhibitAnyPolicy = 2
crlDistributionPoints = point1,point2
freshestCRL = URI:http://crl.contoso.com/delta.crl
authorityInfoAccess = OCSP;URI:http://ocsp.contoso.com/,caIssuers;URI:http://contoso.com/ca.crt
subjectInfoAccess = caRepository;URI:http://contoso.com/repository
tlsfeature = status_request
nsCertType = client,server,sslCA
nsComment = "made for a test"
nsSslServerName = mail.contoso.com
1.3.6.1.4.1.311.20.2 = ASN1:BMP:WebServer
1.3.6.1.4.1.311.21.1 = ASN1:INTEGER:0
1.3.6.1.4.1.311.21.7 = ASN1:SEQUENCE:template
1.3.6.1.4.1.311.21.10 = ASN1:SEQUENCE:application_policies
2.5.29.16 = ASN1:SEQUENCE:private_key_usage_period
1.2.3.4.5.6 = DER:deadbeef
[san]
otherName = 1.3.6.1.4.1.311.20.2.3;UTF8:admin@contoso.com
email = admin@contoso.com
DNS.1 = mail.contoso.com
DNS.2 = *.contoso.com
dirName = dir
URI = https://mail.contoso.com/owa
IP.1 = 192.0.2.1
IP.2 = 2001:db8::1
RID = 1.2.3.4
[dir]
C = US
CN = directory
[ian]
x400 = IMPLICIT:3,SEQUENCE:nothing
edi = IMPLICIT:5,SEQUENCE:edi
[nothing]
[edi]
party = EXPLICIT:1,UTF8:party
[policy]
policyIdentifier = 1.2.3.4
CPS.1 = http://contoso.com/cps
userNotice.1 = @notice
[notice]
explicitText = UTF8:read mé
organization = Contoso
noticeNumbers = 1,2
[point1]
fullname = URI:http://crl.contoso.com/a.crl,URI:ldap:///CN=a
CRLissuer = dirName:dir
reasons = keyCompromise,CACompromise
[point2]
relativename = relative
[relative]
CN = relative
[template]
id = OID:1.3.6.1.4.1.311.21.8.1.2.3
major = INTEGER:100
minor = INTEGER:3
[application_policies]
first = SEQUENCE:application_policy
[application_policy]
id = OID:serverAuth
[private_key_usage_period]
notBefore = IMPLICIT:0,GENERALIZEDTIME:20240101000000Z
)";

TEST_CASE("a certificate with everything in it is read in full") {
    const Scratch scratch;
    const Certificate c =
        scratch.request(rich_config, "-newkey rsa:1024 -set_serial 0x1a2b -days 30");
    check_sound(c);
    for (const Observation& observation : c.observations)
        WARN(observation.field << ": " << oddity_name(observation.oddity));
    compare_with_openssl(c, scratch.path("out.der"), "DER");
    CHECK(to_string(c.subject) ==
          "emailAddress=admin@contoso.com,UID=web1+CN=mail.contoso.com,OU=Mäil,"
          "O=Contoso\\, Ltd.,DC=com,C=US");
    CHECK(c.subject.rdns.at(4).size() == 2);
    CHECK(to_string(c.subject_public_key_info) == "RSA 1024");
    CHECK(is_self_issued(c));

    const auto printed = [](const std::vector<GeneralName>& names) {
        std::vector<std::string> out;
        for (const GeneralName& name : names)
            out.push_back(to_string(name));
        return out;
    };
    using Strings = std::vector<std::string>;

    const auto* basic = find_value<BasicConstraints>(c, "basicConstraints");
    REQUIRE(basic);
    CHECK(basic->ca);
    CHECK(basic->path_len_constraint->small() == 3);
    CHECK(find_extension(c, "basicConstraints")->critical);

    const auto* usage = find_value<KeyUsage>(c, "keyUsage");
    REQUIRE(usage);
    CHECK(usage->bits == (KeyUsage::digital_signature | KeyUsage::key_encipherment |
                          KeyUsage::key_cert_sign | KeyUsage::crl_sign | KeyUsage::decipher_only));
    CHECK(usage->has(KeyUsage::decipher_only));
    CHECK_FALSE(usage->has(KeyUsage::encipher_only));

    const auto* purposes = find_value<ExtendedKeyUsage>(c, "extKeyUsage");
    REQUIRE(purposes);
    CHECK(purposes->key_purposes.size() == 6);
    for (const std::string_view name :
         {"serverAuth", "clientAuth", "msSGC", "nsSGC", "anyExtendedKeyUsage", "msSmartcardLogon"})
        CHECK(purposes->has(name));
    CHECK_FALSE(purposes->has("codeSigning"));
    CHECK_FALSE(purposes->has("noSuchName"));

    const auto* ski = find_value<SubjectKeyIdentifier>(c, "subjectKeyIdentifier");
    REQUIRE(ski);
    CHECK(ski->key_identifier.size() == 20);
    const auto* aki = find_value<AuthorityKeyIdentifier>(c, "authorityKeyIdentifier");
    REQUIRE(aki);
    CHECK(aki->key_identifier == ski->key_identifier);
    REQUIRE(aki->authority_cert_issuer.size() == 1);
    CHECK(aki->authority_cert_issuer[0].directory_name->raw == c.issuer.raw);
    CHECK(aki->authority_cert_serial_number->value == c.serial_number.value);

    const auto* alt = find_value<GeneralNames>(c, "subjectAltName");
    REQUIRE(alt);
    CHECK(printed(alt->names) == Strings{"otherName userPrincipalName "
                                         "0x060a2b060104018237140203a0130c11... (33 octets)",
                                         "rfc822Name admin@contoso.com", "dNSName mail.contoso.com",
                                         "dNSName *.contoso.com", "directoryName CN=directory,C=US",
                                         "uniformResourceIdentifier https://mail.contoso.com/owa",
                                         "iPAddress 192.0.2.1", "iPAddress 2001:db8::1",
                                         "registeredID 1.2.3.4"});
    const auto* issuer_alt = find_value<GeneralNames>(c, "issuerAltName");
    REQUIRE(issuer_alt);
    CHECK(printed(issuer_alt->names) ==
          Strings{"x400Address 0x", "ediPartyName 0xa1070c057061727479"});

    const auto* policies = find_value<CertificatePolicies>(c, "certificatePolicies");
    REQUIRE(policies);
    REQUIRE(policies->policies.size() == 2);
    CHECK(oid_name(policies->policies[0].policy) == "anyPolicy");
    CHECK(policies->policies[0].qualifiers.empty());
    CHECK(policies->policies[1].policy.dotted() == "1.2.3.4");
    REQUIRE(policies->policies[1].qualifiers.size() == 2);
    CHECK(policies->policies[1].qualifiers[0].text == "http://contoso.com/cps");
    CHECK(policies->policies[1].qualifiers[1].text == "read mé");
    CHECK(policies->policies[1].qualifiers[1].qualifier.front() == 0x30);

    const auto* mappings = find_value<PolicyMappings>(c, "policyMappings");
    REQUIRE(mappings);
    REQUIRE(mappings->mappings.size() == 2);
    CHECK(mappings->mappings[1].issuer_domain_policy.dotted() == "1.2.3.6");
    CHECK(mappings->mappings[1].subject_domain_policy.dotted() == "1.2.3.7");
    const auto* policy_constraints = find_value<PolicyConstraints>(c, "policyConstraints");
    REQUIRE(policy_constraints);
    CHECK(policy_constraints->require_explicit_policy->small() == 3);
    CHECK(policy_constraints->inhibit_policy_mapping->small() == 0);
    CHECK(find_value<InhibitAnyPolicy>(c, "inhibitAnyPolicy")->skip_certs.small() == 2);

    const auto* names = find_value<NameConstraints>(c, "nameConstraints");
    REQUIRE(names);
    REQUIRE(names->permitted.size() == 2);
    REQUIRE(names->excluded.size() == 2);
    CHECK(to_string(names->permitted[0].base) == "rfc822Name contoso.com");
    CHECK(to_string(names->permitted[1].base) == "dNSName contoso.com");
    CHECK(to_string(names->excluded[0].base) == "iPAddress 192.168.0.0/255.255.0.0");
    CHECK(to_string(names->excluded[1].base) == "iPAddress 2001:db8::/ffff:ffff::");
    CHECK_FALSE(names->permitted[0].minimum);

    const auto* points = find_value<CrlDistributionPoints>(c, "cRLDistributionPoints");
    REQUIRE(points);
    REQUIRE(points->points.size() == 2);
    CHECK(printed(points->points[0].full_name) ==
          Strings{"uniformResourceIdentifier http://crl.contoso.com/a.crl",
                  "uniformResourceIdentifier ldap:///CN=a"});
    CHECK(points->points[0].reasons == 0b110);
    CHECK(printed(points->points[0].crl_issuer) == Strings{"directoryName CN=directory,C=US"});
    CHECK_FALSE(points->points[0].relative_name);
    CHECK(points->points[1].relative_name);
    CHECK(points->points[1].full_name.empty());
    CHECK_FALSE(points->points[1].reasons);
    CHECK(find_value<CrlDistributionPoints>(c, "freshestCRL")->points.size() == 1);

    const auto* info = find_value<AuthorityInfoAccess>(c, "authorityInfoAccess");
    REQUIRE(info);
    REQUIRE(info->accesses.size() == 2);
    CHECK(oid_name(info->accesses[0].method) == "ocsp");
    CHECK(oid_name(info->accesses[1].method) == "caIssuers");
    CHECK(to_string(info->accesses[1].location) ==
          "uniformResourceIdentifier http://contoso.com/ca.crt");
    CHECK(find_value<AuthorityInfoAccess>(c, "subjectInfoAccess")->accesses.size() == 1);

    CHECK(find_value<NetscapeCertType>(c, "netscapeCertType")->bits == 0b100011);
    CHECK(find_value<Comment>(c, "netscapeComment")->text == "made for a test");
    CHECK(find_value<Comment>(c, "netscapeSslServerName")->text == "mail.contoso.com");
    CHECK(find_value<Comment>(c, "enrolCerttype")->text == "WebServer");
    const auto* microsoft = find_value<CertificateTemplate>(c, "certificateTemplate");
    REQUIRE(microsoft);
    CHECK(microsoft->template_id.dotted() == "1.3.6.1.4.1.311.21.8.1.2.3");
    CHECK(microsoft->major_version->small() == 100);
    CHECK(microsoft->minor_version->small() == 3);
    const auto* application = find_value<CertificatePolicies>(c, "applicationCertPolicies");
    REQUIRE(application);
    CHECK(oid_name(application->policies.at(0).policy) == "serverAuth");
    for (const std::string_view unread :
         {"tlsFeature", "privateKeyUsagePeriod", "cAVersion", "1.2.3.4.5.6"}) {
        INFO(unread);
        const Extension* entry = find_extension(c, unread);
        REQUIRE(entry);
        CHECK(entry->value.index() == 0);
        CHECK_FALSE(entry->raw_value.empty());
    }
    CHECK(find_extension(c, "1.2.3.4.5.6")->raw_value == hex("deadbeef"));
}

TEST_CASE("all string types that openssl writes become the same text") {
    const Scratch scratch;
    struct Row {
        std::string_view mask;
        std::uint32_t string_type;
    };
    static constexpr Row rows[] = {{"utf8only", tag::utf8_string},
                                   {"MASK:0x4", tag::teletex_string},
                                   {"MASK:0x800", tag::bmp_string}};
    std::vector<Name> names;
    for (const Row& row : rows) {
        INFO(row.mask);
        const Certificate c =
            scratch.request(fmt::format("[req]\ndistinguished_name = dn\nprompt = no\nutf8 = yes\n"
                                        "string_mask = {}\n[dn]\nO = Müller & Söhne\n",
                                        row.mask),
                            "-newkey ed25519");
        CHECK(c.subject.rdns.at(0).at(0).string_type == row.string_type);
        CHECK(c.subject.rdns[0][0].text == "Müller & Söhne");
        CHECK(c.observations.empty());
        compare_with_openssl(c, scratch.path("out.der"), "DER");
        names.push_back(c.subject);
    }
    for (const Name& name : names)
        CHECK(same_folded(name, names.front()));
    CHECK_FALSE(same_binary(names[0], names[1]));
}

TEST_CASE("keys of every kind that openssl makes are read") {
    const Scratch scratch;
    static constexpr std::string_view config =
        "[req]\ndistinguished_name = dn\nprompt = no\n[dn]\nCN = key\n";
    const auto key = [&](const std::string& arguments) {
        INFO(arguments);
        const Certificate c = scratch.request(config, arguments);
        check_sound(c);
        CHECK(c.observations.empty());
        compare_with_openssl(c, scratch.path("out.der"), "DER");
        return c.subject_public_key_info;
    };
    const auto named = key("-newkey ec -pkeyopt ec_paramgen_curve:P-384");
    CHECK(to_string(named) == "EC secp384r1");
    CHECK(std::get<EcPublicKey>(named.key).bits == 384);
    CHECK(std::get<EcPublicKey>(named.key).point.size() == 97);
    CHECK_FALSE(std::get<EcPublicKey>(named.key).explicit_parameters);
    CHECK(to_string(key("-newkey ec -pkeyopt ec_paramgen_curve:brainpoolP256r1")) ==
          "EC brainpoolP256r1");
    const auto prime =
        key("-newkey ec -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit");
    CHECK(to_string(prime) == "EC explicit 256");
    CHECK(std::get<EcPublicKey>(prime.key).explicit_parameters);
    CHECK_FALSE(std::get<EcPublicKey>(prime.key).named_curve);
    const auto binary =
        key("-newkey ec -pkeyopt ec_paramgen_curve:sect233k1 -pkeyopt ec_param_enc:explicit");
    CHECK(to_string(binary) == "EC explicit 233");
    CHECK(to_string(key("-newkey ed25519")) == "Ed25519");
    CHECK(to_string(key("-newkey ed448")) == "Ed448");
    const auto pss = key("-newkey rsa-pss -pkeyopt rsa_keygen_bits:1024");
    CHECK(oid_name(pss.algorithm.algorithm) == "id-RSASSA-PSS");
    CHECK(to_string(pss) == "RSA 1024");

    scratch.openssl(
        "genpkey -genparam -algorithm DSA -pkeyopt dsa_paramgen_bits:1024 "
        "-pkeyopt dsa_paramgen_q_bits:160 -out dsa.pem");
    const auto dsa = key("-newkey dsa:dsa.pem");
    CHECK(to_string(dsa) == "DSA 1024");
    const auto& p_q_g = std::get<DsaPublicKey>(dsa.key).p_q_g;
    REQUIRE(p_q_g);
    CHECK((*p_q_g)[1].value.size() == 21);
    CHECK_FALSE(std::get<DsaPublicKey>(dsa.key).y.zero());
}

// --- sweeps -------------------------------------------------------------------------------------

Bytes rich_certificate() {
    const Scratch scratch;
    return scratch.request(rich_config, "-newkey rsa:1024 -days 30").raw;
}

TEST_CASE("every prefix of a certificate is an error within it") {
    std::vector<Bytes> samples{build::build({}), rich_certificate()};
    const auto paths = installed_certificates();
    REQUIRE(paths.size() >= 3);
    for (const std::size_t i : {std::size_t{0}, paths.size() / 2, paths.size() - 1})
        samples.push_back(from_pem(contents_of(paths[i])));
    for (const Bytes& sample : samples) {
        REQUIRE(decode_certificate(sample).has_value());
        for (std::size_t size = 0; size < sample.size(); ++size) {
            const auto decoded = decode_certificate(ByteView(sample).first(size));
            if (!decoded.has_error() || decoded.error().field.empty() ||
                decoded.error().offset > size || decoded.error().reason.empty())
                FAIL("prefix of " << size << " octets");
        }
    }
}

TEST_CASE("a tbsCertificate that ends early names the field that is missing") {
    // The fields are cut off one after another, with all lengths above them right.
    const std::vector<Bytes> fields{
        hex("a003020102"),
        hex("020105"),
        algorithm("sha256WithRSAEncryption"),
        build::common_name("a"),
        seq({tlv(0x17, text("240102030405Z")), tlv(0x17, text("250102030405Z"))}),
        build::common_name("b")};
    static constexpr std::string_view missing[] = {
        "serialNumber", "serialNumber", "signature",           "issuer",
        "validity",     "subject",      "subjectPublicKeyInfo"};
    Bytes contents;
    for (std::size_t count = 0; count <= fields.size(); ++count) {
        const Bytes der = seq({tlv(0x30, contents)});
        const auto decoded = decode_certificate(der);
        REQUIRE(decoded.has_error());
        CHECK(decoded.error().field == "tbsCertificate." + std::string(missing[count]));
        CHECK(decoded.error().offset == der.size());
        if (count < fields.size()) append(contents, fields[count]);
    }
}

TEST_CASE("no octet set to anything breaks the reader, and places stay within the input") {
    Bytes der = rich_certificate();
    std::size_t decoded_count = 0;
    for (std::size_t i = 0; i < der.size(); ++i) {
        const std::uint8_t original = der[i];
        for (const unsigned mutated : {0x80U, 0xffU, original ^ 0x01U}) {
            der[i] = static_cast<std::uint8_t>(mutated);
            const auto decoded = decode_certificate(der);
            if (decoded.has_error()) {
                if (decoded.error().field.empty() || decoded.error().offset > der.size())
                    FAIL("octet " << i << " set to " << mutated);
                continue;
            }
            ++decoded_count;
            const auto faults = misplaced(*decoded);
            if (!faults.empty()) FAIL("octet " << i << " set to " << mutated << ": " << faults[0]);
        }
        der[i] = original;
    }
    CHECK(decoded_count > der.size());
}

}  // namespace
}  // namespace handset::x509
