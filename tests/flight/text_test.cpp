#include "emulator/flight/text.h"

#include <catch2/catch.hpp>

using namespace handset;
using flight::Lines;
using flight::text_of;

TEST_CASE("text of every system is UTF-8 afterwards") {
    CHECK(text_of(view_of("abc")) == "abc");
    CHECK(text_of(*from_hex("efbbbf 61")) == "a");
    CHECK(text_of(*from_hex("fffe 6100 dc00 ac20 3dd8 00de")) ==
          "a\xc3\x9c\xe2\x82\xac\xf0\x9f\x98\x80");
    CHECK(text_of(*from_hex("feff 0061 00dc 20ac d83d de00")) ==
          "a\xc3\x9c\xe2\x82\xac\xf0\x9f\x98\x80");
    // Halves of a pair, and half a unit.
    CHECK(text_of(*from_hex("feff d83d 0061")) ==
          "\xef\xbf\xbd"
          "a");
    CHECK(text_of(*from_hex("feff de00 d83d")) == "\xef\xbf\xbd\xef\xbf\xbd");
    CHECK(text_of(*from_hex("feff 0061 00")) == "a");
    CHECK(text_of(*from_hex("fffe")).empty());
    CHECK(text_of({}).empty());
    CHECK(text_of(*from_hex("82ff")) == "\x82\xff");
}

TEST_CASE("lines end as they do anywhere") {
    std::vector<std::string> seen;
    std::vector<std::string> whole;
    Lines lines("a\r\n  b \nc\rd\n\r\n\ne");
    while (lines.next()) {
        seen.emplace_back(lines.line());
        whole.emplace_back(lines.whole());
    }
    CHECK(seen == std::vector<std::string>{"a", "b", "c", "d", "", "", "e"});
    CHECK(whole[1] == "  b ");
    CHECK(lines.number() == 7);
    CHECK_FALSE(Lines("").next());
}

TEST_CASE("what counts as text") {
    CHECK(flight::is_text(view_of("a\tb\r\n\f\xe4\xff")));
    CHECK_FALSE(flight::is_text(*from_hex("6100")));
    CHECK_FALSE(flight::is_text(view_of("\x1b[31m")));
    CHECK(flight::is_utf16(*from_hex("fffe")));
    CHECK_FALSE(flight::is_utf16(*from_hex("ff")));
}
