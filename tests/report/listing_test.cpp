#include "emulator/report/listing.h"

#include <catch2/catch.hpp>

#include <sstream>

#include "emulator/report/rows.h"

using namespace handset;
using namespace handset::report;

namespace {

device::Device phone() {
    device::Device device;
    device.id = "a-phone";
    device.family = "Phones with a long name";
    device.released = "2007-04-11";
    device.client_hello.grade = device::Grade::captured;
    device.client_hello.source = "here";
    device.trust.store_id = "few";
    device.trust.grade = device::Grade::inferred;
    device.names.checked = device::Statement<bool>{true, "here", device::Grade::captured};
    device.names.san = {device::SanRule::first, "here", device::Grade::captured};
    device.certificate.rsa_bits = {device::Range{512, 4096}, "here", device::Grade::captured};
    return device;
}

std::string table_of(const DeviceList& list, std::size_t width = 160) {
    Style style;
    style.width = width;
    std::ostringstream out;
    write_devices_table(list, style, out);
    return out.str();
}

std::string wrapped_rows(std::vector<Row> rows, const std::vector<std::size_t>& limits) {
    std::ostringstream out;
    write_wrapped_rows(std::move(rows), limits, Style{}, out);
    return out.str();
}

}  // namespace

TEST_CASE("a device in one line") {
    const DeviceList list{{phone()}, {{"few", {7, false}}}, false, {}};
    CHECK(
        table_of(list).find("a-phone  Phones with a long name  2007-04   ?         512..4096  no   "
                            "first  ?      7+     inf/cap\n") != std::string::npos);
    CHECK(table_of(list).find("\n1 device\n") != std::string::npos);
    // Where there is no room the family gives way.
    CHECK(table_of(list, 60).find("a-phone  Phones with…  2007-04 ") != std::string::npos);
}

TEST_CASE("the silent are counted where support was asked for") {
    DeviceList list{{phone()}, {}, true, {"one", "two"}};
    CHECK(table_of(list).find("\n1 device; 2 more do not say ") != std::string::npos);
    list.silent.clear();
    CHECK(table_of(list).find("; 0 more do not say ") != std::string::npos);
}

TEST_CASE("cells are wrapped at spaces, else behind hyphens, else anywhere") {
    CHECK(wrapped_rows({{"a", "b"}, {"one two three", "x"}}, {7, 5}) ==
          "a        b\n"
          "one two  x\n"
          "three\n");
    CHECK(wrapped_rows({{"left-handed", "abcdefgh"}}, {6, 3}) ==
          "left-   abc\n"
          "handed  def\n"
          "        gh\n");
    // A character may take several octets, and is never cut.
    CHECK(wrapped_rows({{"äöüß", "x"}}, {2, 1}) == "äö  x\nüß\n");
    CHECK(wrapped_rows({{"a\x1b[2J", "x"}}, {20, 1}) == "a\\x1b[2J  x\n");
    CHECK(cut_to("äöüß", 4) == "äöüß");
    CHECK(cut_to("äöüßx", 4) == "äöü…");
}

TEST_CASE("grades in short: the weakest, and the most frequent") {
    device::Device device = phone();
    CHECK(grades_in_short(device) == "inf/cap");
    device.names.checked->grade = device::Grade::reported;
    device.names.san->grade = device::Grade::reported;
    // Two and two: the weaker.
    CHECK(grades_in_short(device) == "inf/rep");
    for (const auto grade : {device::Grade::assumed, device::Grade::captured}) {
        CHECK(short_grades_legend().find(std::string(short_grade(grade)) + " " +
                                         std::string(device::grade_name(grade))) !=
              std::string::npos);
    }
}
