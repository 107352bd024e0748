#include "handshake/base/time.h"

#include <catch2/catch.hpp>

using namespace handset;

TEST_CASE("RFC 3339") {
    CHECK(to_rfc3339(*parse_rfc3339("2007-09-02")) == "2007-09-02T00:00:00Z");
    CHECK(to_rfc3339(*parse_rfc3339("2007-09-02T23:59:60Z")) == "2007-09-02T23:59:59Z");
    CHECK(to_rfc3339(*parse_rfc3339("2007-09-02T01:30:00+02:00")) == "2007-09-01T23:30:00Z");
    CHECK(to_rfc3339(*parse_rfc3339("2007-09-02t01:30:00.125-00:30")) == "2007-09-02T02:00:00Z");
    CHECK(to_rfc3339(*parse_rfc3339("0000-01-01")) == "0000-01-01T00:00:00Z");
    CHECK(to_rfc3339(*parse_rfc3339("9999-12-31T23:59:59Z")) == "9999-12-31T23:59:59Z");
    CHECK(parse_rfc3339("2000-02-29"));
    for (const char* text :
         {"", "2007", "2007-9-2", "2007-13-01", "2007-02-29", "1900-02-29", "2007-09-02T",
          "2007-09-02T24:00:00Z", "2007-09-02T10:00:00", "2007-09-02T10:00:00+2",
          "2007-09-02T10:00:00.Z", "2007-09-02Z", "2007-09-02T10:00:00Zx", "-007-09-02"}) {
        INFO(text);
        CHECK_FALSE(parse_rfc3339(text));
    }
}

TEST_CASE("dates") {
    CHECK(to_date(*make_time(2049, 12, 31, 23, 59, 59)) == "2049-12-31");
    CHECK_FALSE(make_time(2023, 2, 29, 0, 0, 0));
    CHECK_FALSE(make_time(2023, 1, 1, 0, 60, 0));
    CHECK(make_time(1970, 1, 1, 0, 0, 1)->time_since_epoch().count() == 1);
}
