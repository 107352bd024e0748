#include "handshake/base/nearest.h"

#include <catch2/catch.hpp>

using namespace handset;

TEST_CASE("the nearest word is the one with the fewest letters to change") {
    const std::vector<std::string> ids{"nokia-m4e-symbian-9.1", "nokia-m4e-symbian-9.2", "strict"};
    CHECK(did_you_mean("strct", ids) == ", did you mean 'strict'?");
    CHECK(did_you_mean("nokia-m4e-symbian-92", ids) == ", did you mean 'nokia-m4e-symbian-9.2'?");
    CHECK(did_you_mean("nokia", ids) == ", did you mean 'nokia-m4e-symbian-9.1'?");
    CHECK(did_you_mean("iphone", ids).empty());
    CHECK(did_you_mean("", ids).empty());
    CHECK(did_you_mean(std::string(1000, 'x'), ids).empty());
    CHECK(did_you_mean("strict", {}).empty());
}
