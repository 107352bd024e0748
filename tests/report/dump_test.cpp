#include <catch2/catch.hpp>

#include "emulator/report/report.h"

using namespace handset;
using handset::report::annotated_dump;
using handset::report::Style;

namespace {

Bytes counting(std::size_t count) {
    Bytes octets(count);
    for (std::size_t i = 0; i < count; ++i)
        octets[i] = static_cast<std::uint8_t>(i);
    return octets;
}

}  // namespace

TEST_CASE("a dump marks the octets in question, with a row of surroundings") {
    CHECK(annotated_dump(counting(64), 0x16, 3, "critical", Style{}) ==
          "00000000  00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f  |................|\n"
          "00000010  10 11 12 13 14 15 16 17  18 19 1a 1b 1c 1d 1e 1f  |................|\n"
          "                            ^^^^^^^^^ critical\n"
          "00000020  20 21 22 23 24 25 26 27  28 29 2a 2b 2c 2d 2e 2f  | !\"#$%&'()*+,-./|\n");
}

TEST_CASE("a dump at the edges of the octets") {
    CHECK(annotated_dump(counting(3), 0, 1, "", Style{}) ==
          "00000000  00 01 02                                          |...|\n"
          "          ^^\n");
    CHECK(annotated_dump(counting(3), 2, 100, "", Style{}) ==
          "00000000  00 01 02                                          |...|\n"
          "                ^^\n");
    CHECK(annotated_dump(counting(3), 4, 1, "", Style{}).empty());
    CHECK(annotated_dump({}, 0, 0, "", Style{}).empty());
}

TEST_CASE("a long range is cut, and said to be") {
    const std::string dump = annotated_dump(counting(255), 20, 200, "long", Style{});
    CHECK(std::count(dump.begin(), dump.end(), '\n') <= 17);
    CHECK(dump.find("... 200 octets in all\n") != std::string::npos);
}

TEST_CASE("colour goes around the marked octets alone") {
    const std::string dump = annotated_dump(counting(16), 1, 1, "", Style{false, true, 100});
    CHECK(dump.find("00 \x1b[1;31m01\x1b[0m 02") != std::string::npos);
}
