#include "handshake/base/bytes.h"

#include <catch2/catch.hpp>

using namespace handset;

TEST_CASE("hexadecimal text") {
    CHECK(to_hex(Bytes{0x01, 0xff, 0xa0}) == "01ffa0");
    CHECK(from_hex("01:ff A0\n") == Bytes{0x01, 0xff, 0xa0});
    CHECK(from_hex("") == Bytes{});
    CHECK_FALSE(from_hex("0"));
    CHECK_FALSE(from_hex("0g"));
    CHECK_FALSE(from_hex("0 1"));
}

TEST_CASE("octets for eyes hold no control sequence") {
    CHECK(printable("a\x1b[31m\\") == "a\\x1b[31m\\x5c");
    CHECK(printable_utf8("M\xc3\xbcller") == "M\xc3\xbcller");
    CHECK(printable_utf8("a\x1b[2J\x7f") == "a\\x1b[2J\\x7f");
    CHECK(printable_utf8("\xc2\x9b[2J") == "\\xc2\\x9b[2J");  // CSI as a C1 character
}

TEST_CASE("ill-formed UTF-8 is escaped octet by octet") {
    CHECK(printable_utf8("\xff") == "\\xff");
    CHECK(printable_utf8("\xc0\xaf") == "\\xc0\\xaf");           // overlong
    CHECK(printable_utf8("\xed\xa0\x80") == "\\xed\\xa0\\x80");  // surrogate
    CHECK(printable_utf8("\xf4\x90\x80\x80") == "\\xf4\\x90\\x80\\x80");
    CHECK(printable_utf8("\xe2\x82") == "\\xe2\\x82");  // cut short
    CHECK(printable_utf8("\xe2\x82\xac") == "\xe2\x82\xac");
    CHECK(printable_utf8("\xf0\x9f\x93\xb1") == "\xf0\x9f\x93\xb1");
}
