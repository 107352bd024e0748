#include "handshake/x509/der.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/x509/der_builder.h"

namespace handset::x509 {
namespace {

using build::hex;
using build::join;
using build::tlv;

struct Reading {
    std::vector<Observation> observations;
    Bytes bytes;
    DerReader in;

    explicit Reading(Bytes octets, std::size_t base_offset = 0)
        : bytes(std::move(octets)), in(bytes, base_offset, "whole", observations) {}
};

void check_fault(const Bytes& bytes, std::string_view reason, std::size_t offset = 0) {
    INFO(to_hex(bytes));
    Reading reading(bytes);
    CHECK_FALSE(reading.in.peek());
    CHECK_FALSE(reading.in.next("part"));
    REQUIRE(reading.in.failed());
    CHECK(reading.in.error() == DecodeError{std::string(reason), "whole.part", offset});
    CHECK_FALSE(reading.in.next("later"));
    CHECK(reading.in.empty());
    CHECK(reading.in.error().field == "whole.part");
}

TEST_CASE("elements come with their places in the outermost object") {
    Reading reading(hex("0201 05  a3 03 0101ff  5f 8148 02 abcd"), 100);
    CHECK(reading.in.peek()->is_universal(tag::integer));
    const auto integer = reading.in.next("first").value();
    CHECK(integer.is_universal(tag::integer));
    CHECK_FALSE(integer.constructed);
    CHECK(integer.place == Place{100, 3});
    CHECK(integer.contents_place == Place{102, 1});
    CHECK(to_hex(integer.contents) == "05");
    CHECK(to_hex(integer.encoding) == "020105");

    const auto outer = reading.in.next("second").value();
    CHECK(outer.is_context(3));
    CHECK(outer.constructed);
    CHECK(outer.place == Place{103, 5});
    DerReader inner = reading.in.enter(outer, "second");
    CHECK(inner.place() == outer.place);
    CHECK(inner.next("flag")->contents_place == Place{107, 1});
    CHECK(inner.empty());

    const auto high = reading.in.next("third").value();
    CHECK(high.tag_class == TagClass::application);
    CHECK(high.tag == 200);
    CHECK(high.place == Place{108, 6});
    CHECK(reading.in.empty());
    CHECK(reading.in.offset() == 114);
    CHECK_FALSE(reading.in.next("fourth"));
    CHECK_FALSE(reading.in.failed());
    CHECK(reading.observations.empty());
}

TEST_CASE("octets that cannot be cut into elements are a fault") {
    check_fault(hex("02"), "length is cut off");
    check_fault(hex("1f"), "tag is cut off");
    check_fault(hex("1f81"), "tag is cut off");
    check_fault(hex("1f ff ff ff ff ff 7f 00"), "tag number does not fit 32 bits");
    check_fault(hex("020205"), "length runs past the end");
    check_fault(hex("0282 01"), "length is cut off");
    check_fault(hex("02 89 010000000000000000"), "length runs past the end");
    check_fault(hex("02 88 ffffffffffffffff"), "length runs past the end");
    check_fault(hex("02ff"), "length octet 0xff is reserved");
    check_fault(hex("0480 0000"), "indefinite length of a primitive element");
    check_fault(hex("3080 0500"), "end-of-contents octets are missing", 2);
    check_fault(hex("3080 0505 0000"), "length runs past the end", 2);
}

TEST_CASE("a length in too many octets is read and observed at its octets") {
    Reading reading(join({hex("02 8101 05  02 820001 06  04 8180"), Bytes(0x80)}));
    CHECK(to_hex(reading.in.next("a")->contents) == "05");
    CHECK(to_hex(reading.in.next("b")->contents) == "06");
    CHECK(reading.in.next("c")->contents.size() == 0x80);
    CHECK(reading.observations ==
          std::vector<Observation>{{Oddity::non_minimal_length, "whole.a", {1, 2}, "0x8101"},
                                   {Oddity::non_minimal_length, "whole.b", {5, 3}, "0x820001"}});
}

TEST_CASE("an indefinite length ends at its own end-of-contents octets") {
    // The OCTET STRING holds 0000, the inner element ends before the outer one.
    Reading reading(hex("30 80  04 02 0000  a0 80 0500 0000  0101ff  0000  0500"), 10);
    const auto outer = reading.in.next("outer").value();
    CHECK(outer.place == Place{10, 17});
    CHECK(outer.contents_place == Place{12, 13});
    DerReader inner = reading.in.enter(outer, "outer");
    CHECK(to_hex(inner.next("octets")->contents) == "0000");
    CHECK(to_hex(inner.next("nested")->contents) == "0500");
    CHECK(inner.next("flag")->is_universal(tag::boolean));
    CHECK(inner.empty());
    CHECK(reading.in.next("null")->place == Place{27, 2});
    CHECK(reading.observations ==
          std::vector<Observation>{{Oddity::indefinite_length, "whole.outer", {11, 1}, ""},
                                   {Oddity::indefinite_length, "whole.outer.nested", {17, 1}, ""}});
}

TEST_CASE("indefinite lengths nest 32 levels deep, and hostile nesting stays cheap") {
    const auto nested = [](std::size_t levels) {
        Bytes bytes;
        for (std::size_t i = 0; i < levels; ++i)
            append(bytes, hex("3080"));
        append(bytes, Bytes(2 * levels));
        return bytes;
    };
    CHECK(Reading(nested(32)).in.next("part"));
    check_fault(nested(33), "indefinite lengths are nested more than 32 levels deep", 64);
    check_fault(nested(200'000), "indefinite lengths are nested more than 32 levels deep", 64);
}

TEST_CASE("tag numbers in the long form without need are observed") {
    Reading reading(hex("1f 02 01 05  1f 80 21 00"));
    CHECK(reading.in.next("a")->is_universal(tag::integer));
    CHECK(reading.in.next("b")->tag == 33);
    REQUIRE(reading.observations.size() == 2);
    CHECK(reading.observations[0].oddity == Oddity::unexpected_tag);
    CHECK(reading.observations[0].place == Place{0, 4});
    CHECK(reading.observations[1].place == Place{4, 4});
}

TEST_CASE("expect takes the type that is due, observes a sister, and faults on others") {
    {
        Reading reading(hex("3100  0a0105  0c0161"));
        CHECK(reading.in.expect(tag::sequence, "list"));
        CHECK(reading.in.expect(tag::integer, "number"));
        CHECK(reading.in.expect(tag::ia5_string, "text"));
        REQUIRE(reading.observations.size() == 3);
        CHECK(reading.observations[0] ==
              Observation{Oddity::unexpected_tag, "whole.list", {0, 2}, "SET for SEQUENCE"});
        CHECK(reading.observations[1].detail == "ENUMERATED for INTEGER");
        CHECK(reading.observations[2].detail == "UTF8String for IA5String");
    }
    const auto fault = [](const Bytes& bytes, std::uint32_t due) {
        Reading reading(bytes, 7);
        CHECK_FALSE(reading.in.expect(due, "part"));
        REQUIRE(reading.in.failed());
        CHECK(reading.in.error().field == "whole.part");
        CHECK(reading.in.error().offset == 7);
        return reading.in.error().reason;
    };
    CHECK(fault({}, tag::integer) == "INTEGER is missing");
    CHECK(fault(hex("0500"), tag::integer) == "NULL where INTEGER is due");
    CHECK(fault(hex("8100"), tag::integer) == "[1] where INTEGER is due");
    CHECK(fault(hex("1000"), tag::sequence) == "SEQUENCE is primitive");
    CHECK(fault(hex("2203020101"), tag::integer) == "INTEGER is constructed");
    CHECK(fault(hex("0400"), tag::bit_string) == "OCTET STRING where BIT STRING is due");
}

TEST_CASE("a reader of a primitive element is a fault of the whole family") {
    Reading reading(hex("8000"));
    const auto element = reading.in.next("part").value();
    DerReader inner = reading.in.enter(element, "part");
    CHECK(inner.failed());
    CHECK(reading.in.failed());
    CHECK(reading.in.take_error()->field == "whole.part");
    CHECK_FALSE(inner.failed());
}

TEST_CASE("segments of a constructed string are joined, with the places they came from") {
    Reading reading(hex("a0 0d  0401ab  2403 0401cd  0400  0401ef"), 50);
    const auto element = reading.in.next("id").value();
    const DerReader string = reading.in.enter_string(element, "id");
    CHECK(to_hex(string.octets()) == "abcdef");
    CHECK(string.place_of(0, 1) == Place{54, 1});
    CHECK(string.place_of(1, 2) == Place{59, 1});
    CHECK(string.place_of(2, 3) == Place{64, 1});
    CHECK(string.place_of(0, 3) == Place{54, 11});
    CHECK(reading.observations ==
          std::vector<Observation>{{Oddity::constructed_string, "whole.id", {50, 15}, ""}});
}

TEST_CASE("elements within a joined string have their places, through two layers") {
    // The joined octets are a constructed OCTET STRING themselves, cut within a segment's header.
    const Bytes inner = hex("24 06  0401aa  0401bb");
    const Bytes outer = tlv(0x24, join({tlv(0x04, Bytes(inner.begin(), inner.begin() + 3)),
                                        tlv(0x04, Bytes(inner.begin() + 3, inner.end()))}));
    REQUIRE(to_hex(outer) ==
            "240c"
            "0403"
            "240604"
            "0405"
            "01aa0401bb");
    Reading reading(outer);
    const auto element = reading.in.next("value").value();
    DerReader joined = reading.in.enter_string(element, "value");
    REQUIRE(equal(joined.octets(), inner));
    const auto second = joined.next("inner").value();
    CHECK(second.place == Place{4, 10});
    const DerReader contents = joined.enter_string(second, "inner");
    CHECK(to_hex(contents.octets()) == "aabb");
    CHECK(contents.place_of(0, 1) == Place{10, 1});
    CHECK(contents.place_of(1, 2) == Place{13, 1});
}

TEST_CASE("a constructed string nests 32 levels deep") {
    Bytes bytes = hex("0401aa");
    for (int i = 0; i < 32; ++i)
        bytes = tlv(0x24, bytes);
    {
        Reading reading(bytes);
        const auto element = reading.in.next("value").value();
        CHECK(to_hex(reading.in.enter_string(element, "value").octets()) == "aa");
    }
    Reading reading(tlv(0x24, bytes));
    const auto element = reading.in.next("value").value();
    CHECK(reading.in.enter_string(element, "value").failed());
    CHECK(reading.in.error().reason == "string is nested more than 32 levels");
}

TEST_CASE("a BIT STRING tells its unused bits; odd ones are observed") {
    const auto read = [](const Bytes& bytes, std::string_view octets, unsigned unused) {
        Reading reading(bytes);
        const auto element = reading.in.next("bits").value();
        unsigned unused_bits = 99;
        CHECK(to_hex(reading.in.enter_bit_string(element, "bits", unused_bits).octets()) == octets);
        CHECK(unused_bits == unused);
        CHECK_FALSE(reading.in.failed());
        return reading.observations;
    };
    CHECK(read(hex("0302 05a0"), "a0", 5).empty());
    CHECK(read(hex("0301 00"), "", 0).empty());
    const auto padded = read(hex("0302 05a1"), "a1", 5);
    REQUIRE(padded.size() == 1);
    CHECK(
        padded[0] ==
        Observation{Oddity::bit_string_padding_set, "whole.bits", {0, 4}, "5 unused bits in 0xa1"});
    CHECK(read(hex("0300"), "", 0).at(0).oddity == Oddity::bit_string_padding_set);
    CHECK(read(hex("0302 08a0"), "a0", 0).at(0).oddity == Oddity::bit_string_padding_set);
    CHECK(read(hex("0301 01"), "", 0).at(0).oddity == Oddity::bit_string_padding_set);
    const auto constructed = read(hex("2308 0302 00ab 0302 04c0"), "abc0", 4);
    REQUIRE(constructed.size() == 1);
    CHECK(constructed[0].oddity == Oddity::constructed_string);
}

TEST_CASE("what is left over is observed once") {
    Reading reading(hex("0500 0401ff"));
    CHECK(reading.in.next("null"));
    reading.in.expect_end("null");
    CHECK(reading.in.empty());
    CHECK(reading.observations ==
          std::vector<Observation>{{Oddity::trailing_data, "whole.null", {2, 3}, "0x0401ff"}});
}

TEST_CASE("a family of readers has a budget of elements and observations") {
    Reading reading(Bytes(2 * 100'001, 0));
    while (reading.in.next("part")) {
    }
    REQUIRE(reading.in.failed());
    CHECK(reading.in.error().reason == "more than 100000 elements");
    CHECK(reading.in.error().offset == 200'000);

    Bytes odd;
    for (int i = 0; i < 10'001; ++i)
        append(odd, hex("048100"));
    Reading much(std::move(odd));
    while (much.in.next("part")) {
    }
    CHECK(much.observations.size() == 10'000);
    REQUIRE(much.in.failed());
    CHECK(much.in.error().reason == "more than 10000 departures from DER");
}

TEST_CASE("every oddity has a name of its own") {
    std::vector<std::string> names;
    for (int i = 0; i <= static_cast<int>(Oddity::utf8_invalid); ++i)
        names.emplace_back(oddity_name(static_cast<Oddity>(i)));
    std::ranges::sort(names);
    CHECK(std::ranges::adjacent_find(names) == names.end());
    CHECK(std::ranges::find(names, "unknown") == names.end());
}

TEST_CASE("OIDs go from octets to dots and back") {
    const auto check = [](std::string_view octets, std::string_view dotted) {
        INFO(dotted);
        const Oid oid{hex(octets)};
        CHECK(oid.dotted() == dotted);
        CHECK(oid_from_dotted(dotted) == oid);
        CHECK(oid.arc_count() ==
              static_cast<std::size_t>(std::ranges::count(oid.dotted(), '.')) + 1);
    };
    check("551d11", "2.5.29.17");
    check("00", "0.0");
    check("27", "0.39");
    check("28", "1.0");
    check("4f", "1.39");
    check("50", "2.0");
    check("883703", "2.999.3");
    check("2a864886f70d01010b", "1.2.840.113549.1.1.11");
    check("2bffffffffffffffffff7f", "1.3.1180591620717411303423");
    // ITU-T X.667 6.5: the arc is a UUID, a number of 128 bits.
    check("6983f09da7ebcfdee0c7a1a7b2c0948cc8f9d776",
          "2.25.329800735698586629295641978511506172918");
}

TEST_CASE("what is no OID in dots is refused") {
    for (const std::string_view bad :
         {"", "1", "2.", ".2", "1..2", "3.1", "0.40", "1.40", "1.2.a", "1.2.-3", "1.02", " 1.2",
          "1.2 ", "2.5.29.17.", "commonname", "0x1.2"}) {
        INFO(bad);
        CHECK_FALSE(oid_from_dotted(bad));
    }
    CHECK_FALSE(oid_from_dotted("1.2." + std::string(1'000'000, '9')));
}

TEST_CASE("OID octets that break X.690 still print") {
    CHECK(Oid{}.dotted().empty());
    CHECK(Oid{}.arc_count() == 0);
    CHECK(Oid{hex("551d80")}.dotted() == "2.5.29.0x80");
    CHECK(Oid{hex("80")}.dotted() == "0x80");
    CHECK(Oid{hex("551d8011")}.dotted() == "2.5.29.17");
    CHECK(Oid{join({hex("55"), Bytes(40, 0x81), hex("00")})}.dotted().starts_with("2.5.0x8181"));
    for (const std::string_view octets : {"551d80", "80", "551d8011"}) {
        const Oid oid{hex(octets)};
        CHECK(oid.arc_count() ==
              static_cast<std::size_t>(std::ranges::count(oid.dotted(), '.')) + 1);
    }
}

TEST_CASE("names of the standards stand for OIDs, and only for their shortest octets") {
    struct Row {
        std::string_view name;
        std::string_view dotted;
    };
    static constexpr Row rows[] = {
        {"commonName", "2.5.4.3"},
        {"domainComponent", "0.9.2342.19200300.100.1.25"},
        {"emailAddress", "1.2.840.113549.1.9.1"},
        {"jurisdictionCountryName", "1.3.6.1.4.1.311.60.2.1.3"},
        {"subjectAltName", "2.5.29.17"},
        {"inhibitAnyPolicy", "2.5.29.54"},
        {"signedCertificateTimestampList", "1.3.6.1.4.1.11129.2.4.2"},
        {"precertificatePoison", "1.3.6.1.4.1.11129.2.4.3"},
        {"netscapeCertType", "2.16.840.1.113730.1.1"},
        {"enrolCerttype", "1.3.6.1.4.1.311.20.2"},
        {"certificateTemplate", "1.3.6.1.4.1.311.21.7"},
        {"applicationCertPolicies", "1.3.6.1.4.1.311.21.10"},
        {"tlsFeature", "1.3.6.1.5.5.7.1.24"},
        {"qcStatements", "1.3.6.1.5.5.7.1.3"},
        {"entrustVersInfo", "1.2.840.113533.7.65.0"},
        {"serverAuth", "1.3.6.1.5.5.7.3.1"},
        {"anyExtendedKeyUsage", "2.5.29.37.0"},
        {"msSGC", "1.3.6.1.4.1.311.10.3.3"},
        {"nsSGC", "2.16.840.1.113730.4.1"},
        {"msSmartcardLogon", "1.3.6.1.4.1.311.20.2.2"},
        {"md2WithRSAEncryption", "1.2.840.113549.1.1.2"},
        {"sha1WithRSAEncryption", "1.2.840.113549.1.1.5"},
        {"sha1WithRSASignature", "1.3.14.3.2.29"},
        {"dsaWithSHA1", "1.3.14.3.2.27"},
        {"id-RSASSA-PSS", "1.2.840.113549.1.1.10"},
        {"ecdsa-with-SHA384", "1.2.840.10045.4.3.3"},
        {"Ed25519", "1.3.101.112"},
        {"sha256", "2.16.840.1.101.3.4.2.1"},
        {"secp256r1", "1.2.840.10045.3.1.7"},
        {"brainpoolP384r1", "1.3.36.3.3.2.8.1.1.11"},
        {"sect283k1", "1.3.132.0.16"},
    };
    for (const Row& row : rows) {
        INFO(row.name);
        const auto oid = oid_from_name(row.name);
        REQUIRE(oid);
        CHECK(oid->dotted() == row.dotted);
        CHECK(oid_name(*oid) == row.name);
        CHECK(oid_from_name(row.dotted) == oid);
    }
    CHECK(oid_from_name("CN") == oid_from_name("commonName"));
    CHECK(oid_from_name("prime256v1") == oid_from_name("secp256r1"));
    CHECK_FALSE(oid_from_name("noSuchName"));
    CHECK(oid_name(*oid_from_dotted("1.2.3.4.5")) == "1.2.3.4.5");
    CHECK(oid_name(Oid{hex("551d8011")}) == "2.5.29.17");
}

}  // namespace
}  // namespace handset::x509
