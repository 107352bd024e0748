#include "handshake/crypto/ber.h"

#include <catch2/catch.hpp>

using namespace handset;
using namespace handset::crypto;

namespace {
Bytes hex(std::string_view text) {
    return *from_hex(text);
}
}  // namespace

TEST_CASE("BerReader cuts elements of definite and indefinite length") {
    const Bytes octets = hex("0201053080 0201010401ff30800000 0000 0500");
    BerReader in(octets);
    const auto number = in.expect(ber::integer);
    REQUIRE(number);
    CHECK(small_integer_of(*number) == 5U);
    const auto sequence = in.expect(ber::sequence);
    REQUIRE(sequence);
    CHECK(to_hex(sequence->contents) == "0201010401ff30800000");
    CHECK(sequence->encoding.size() == 14);
    CHECK_FALSE(in.next_if(ber::integer));
    CHECK(in.next_if(ber::null));
    CHECK(in.empty());
    CHECK_FALSE(in.failed());
    CHECK_FALSE(in.next());
    CHECK_FALSE(in.failed());
}

TEST_CASE("BerReader fails for good on lengths past the end") {
    for (const char* text : {"3005010203", "30", "3080020101", "3085ffffffffff00", "1f8101ff00",
                             "0480aabb0000", "30ff00"}) {
        CAPTURE(text);
        const Bytes octets = hex(text);
        BerReader in(octets);
        CHECK_FALSE(in.next());
        CHECK(in.failed());
        CHECK_FALSE(in.next());
        CHECK(in.empty());
    }
}

TEST_CASE("indefinite lengths nested without end are a fault, not a hang") {
    Bytes octets;
    for (int i = 0; i < 200000; ++i)
        append(octets, hex("3080"));
    BerReader in(octets);
    CHECK_FALSE(in.next());
    CHECK(in.failed());
}

TEST_CASE("octet strings may be constructed") {
    const Bytes octets = hex("2480 0402aabb 0401cc 0000 a003040105 8001ee");
    BerReader in(octets);
    CHECK(octet_string_of(*in.next()) == hex("aabbcc"));
    const auto implicit_constructed = in.next();
    CHECK(octet_string_of(*implicit_constructed, std::uint8_t{0}) == hex("05"));
    CHECK(octet_string_of(*implicit_constructed) == std::nullopt);
    CHECK(octet_string_of(*in.next(), std::uint8_t{0}) == hex("ee"));
}

TEST_CASE("object identifiers are written in dots") {
    const auto dotted = [](std::string_view text) {
        const Bytes octets = hex(text);
        BerReader in(octets);
        return dotted_oid_of(*in.next());
    };
    CHECK(dotted("06092a864886f70d010101") == "1.2.840.113549.1.1.1");
    CHECK(dotted("0603551d11") == "2.5.29.17");
    CHECK(dotted("0603883703") == "2.999.3");
    CHECK(dotted("060188").empty());
    CHECK(dotted("0600").empty());
    CHECK(dotted("020101").empty());
    CHECK(dotted("060bffffffffffffffffffff7f").empty());
}
