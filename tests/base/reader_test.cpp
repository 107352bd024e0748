#include "handshake/base/reader.h"

#include <catch2/catch.hpp>

#include "handshake/base/writer.h"

using handset::Bytes;
using handset::Reader;
using handset::Writer;

TEST_CASE("reads numbers and vectors in network byte order") {
    const Bytes bytes{0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x02, 0xaa, 0xbb};
    Reader in(bytes, "Hello");
    CHECK(in.u8("a") == 0x01);
    CHECK(in.u16("b") == 0x0203);
    CHECK(in.u24("c") == 0x040506);
    Reader inner = in.vector8("list");
    CHECK(inner.offset() == 7);
    CHECK(inner.u16("x") == 0xaabb);
    inner.expect_end();
    in.expect_end();
    CHECK_FALSE(in.failed());
}

TEST_CASE("the first fault sticks and names its place") {
    const Bytes bytes{0x00, 0x05, 0x01};
    Reader in(bytes, "Hello", 100);
    Reader inner = in.vector16("list");
    CHECK(inner.empty());
    CHECK(in.failed());
    CHECK(in.error().field == "Hello.list");
    CHECK(in.error().offset == 102);
    CHECK(in.error().reason == "needs 5 octets, 1 left");
    CHECK(in.u32("later") == 0);
    CHECK(in.remaining() == 0);
    CHECK(in.error().field == "Hello.list");
}

TEST_CASE("a fault in a nested vector is a fault of the whole") {
    const Bytes bytes{0x01, 0xff, 0x07};
    Reader in(bytes);
    Reader inner = in.vector8("list");
    inner.u16("entry");
    CHECK(in.failed());
    CHECK(in.error().field == "list.entry");
    CHECK(in.u8("next") == 0);
}

TEST_CASE("octets left over are a fault") {
    const Bytes bytes{0x01, 0x02};
    Reader in(bytes, "m");
    in.u8("a");
    in.expect_end();
    REQUIRE(in.failed());
    CHECK(in.error().reason == "1 octets too many");
    CHECK(in.error().offset == 1);
}

TEST_CASE("what Writer wrote, Reader reads") {
    const Bytes contents(300, 0x5a);
    Writer out;
    out.u8(1).u16(0x0203).u24(0x040506).u32(0x0708090a).vector16(contents).vector24(contents);
    Reader in(out.bytes());
    CHECK(in.u8("") == 1);
    CHECK(in.u16("") == 0x0203);
    CHECK(in.u24("") == 0x040506);
    CHECK(in.u32("") == 0x0708090a);
    CHECK(in.vector16("").rest().size() == 300);
    CHECK(handset::equal(in.vector24("").rest(), contents));
    in.expect_end();
    CHECK_FALSE(in.failed());
}

TEST_CASE("Writer refuses contents that its length field cannot say") {
    CHECK_THROWS_AS(Writer().vector8(Bytes(256)), std::length_error);
    CHECK(Writer().vector8(Bytes(255)).size() == 256);
    CHECK_THROWS_AS(Writer().vector16(Bytes(65536)), std::length_error);
}
