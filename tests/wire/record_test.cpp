#include "handshake/wire/record.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/wire/samples.h"

using namespace handset;
using namespace handset::wire;

namespace {

Bytes octets(std::string_view hex) {
    return *from_hex(hex);
}

Bytes record_of(ContentType type, ByteView fragment) {
    Record record;
    record.type = type;
    record.version = ProtocolVersion::tls_1_0;
    record.fragment = to_bytes(fragment);
    return encode(record);
}

Bytes handshake_record(ByteView fragment) {
    return record_of(ContentType::handshake, fragment);
}

std::vector<StreamEvent> drain(RecordStream& stream) {
    std::vector<StreamEvent> events;
    while (auto event = stream.next())
        events.push_back(std::move(*event));
    return events;
}

std::vector<StreamEvent> events_of(ByteView bytes) {
    RecordStream stream;
    stream.feed(bytes);
    auto events = drain(stream);
    CHECK_FALSE(stream.failed());
    return events;
}

DecodeError error_of(ByteView bytes, StreamLimits limits = {}) {
    RecordStream whole(limits);
    whole.feed(bytes);
    REQUIRE(whole.failed());
    RecordStream by_octet(limits);
    for (std::size_t i = 0; i < bytes.size(); ++i)
        by_octet.feed(bytes.subspan(i, 1));
    REQUIRE(by_octet.failed());
    CHECK(by_octet.error() == whole.error());
    CHECK(drain(by_octet) == drain(whole));
    return whole.error();
}

// ServerHello without extensions (38 octets of body), then ServerHelloDone.
const Bytes two_messages = octets("02000026 0301" + std::string(64, 'a') + "00 0035 00 0e000000");

}  // namespace

TEST_CASE("a flight comes out the same for every way to cut it into feeds") {
    const Bytes flight = octets(samples::server_flight);
    const std::vector<StreamEvent> events = events_of(flight);
    REQUIRE(events.size() == 5);
    CHECK(events[0].message.type == HandshakeType::server_hello);
    CHECK(events[0].record_version == ProtocolVersion::tls_1_2);
    CHECK(events[1].offset == 53);
    CHECK(events[4].message.type == HandshakeType::server_hello_done);
    CHECK(events[4].message.body.empty());
    for (std::size_t cut = 0; cut <= flight.size(); ++cut) {
        RecordStream stream;
        stream.feed(ByteView(flight).first(cut));
        auto seen = drain(stream);
        CHECK(stream.pending() <= cut);
        stream.feed(ByteView(flight).subspan(cut));
        for (StreamEvent& event : drain(stream))
            seen.push_back(std::move(event));
        if (seen != events) FAIL("cut at " << cut);
        CHECK(stream.pending() == 0);
    }
    RecordStream stream;
    std::vector<StreamEvent> seen;
    for (const std::uint8_t octet : flight) {
        stream.feed(Bytes{octet});
        for (StreamEvent& event : drain(stream))
            seen.push_back(std::move(event));
    }
    CHECK(seen == events);
}

TEST_CASE("messages come out the same for every way to cut them into records") {
    const ByteView octets_of_both = two_messages;
    for (std::size_t cut = 1; cut < two_messages.size(); ++cut) {
        CAPTURE(cut);
        Bytes stream = handshake_record(octets_of_both.first(cut));
        append(stream, handshake_record(octets_of_both.subspan(cut)));
        const auto events = events_of(stream);
        REQUIRE(events.size() == 2);
        const HandshakeMessage& hello = events[0].message;
        const HandshakeMessage& done = events[1].message;
        CHECK(hello.type == HandshakeType::server_hello);
        CHECK(hello.body == to_bytes(octets_of_both.subspan(4, 38)));
        CHECK(hello.offset == 0);
        CHECK(hello.starts_record);
        CHECK(hello.records == (cut < 42 ? 2 : 1));
        CHECK(done.type == HandshakeType::server_hello_done);
        CHECK(done.starts_record == (cut == 42));
        CHECK(done.records == (cut > 42 ? 2 : 1));
        CHECK(done.offset == (cut > 42 ? 0 : 5 + cut));
        CHECK(events[1].offset == done.offset);
        Bytes again = encode(hello);
        append(again, encode(done));
        CHECK(again == two_messages);
    }
}

TEST_CASE("one octet a record, and empty records between") {
    Bytes stream;
    for (const std::uint8_t octet : two_messages) {
        append(stream, handshake_record(Bytes{octet}));
        append(stream, handshake_record({}));
    }
    const auto events = events_of(stream);
    REQUIRE(events.size() == 2);
    CHECK(events[0].message.records == 42);
    CHECK(events[1].message.records == 4);
    CHECK(events[1].message.offset == 42 * 11);
    CHECK(events[1].message.starts_record);
}

TEST_CASE("what is cut short stays pending") {
    RecordStream stream;
    CHECK(stream.pending() == 0);
    stream.feed(octets("160301"));
    CHECK(stream.pending() == 3);
    stream.feed(octets("0006 0e000000 0b00"));
    CHECK(drain(stream).size() == 1);
    CHECK(stream.pending() == 2);
    CHECK_FALSE(stream.failed());
}

TEST_CASE("alerts between messages are events") {
    Bytes stream = handshake_record(ByteView(two_messages).first(42));
    append(stream, record_of(ContentType::alert, octets("0170")));
    append(stream, handshake_record(ByteView(two_messages).subspan(42)));
    append(stream, record_of(ContentType::alert, octets("01000228")));
    const auto events = events_of(stream);
    REQUIRE(events.size() == 5);
    CHECK(events[1].kind == StreamEvent::Kind::alert);
    CHECK(events[1].alert == Alert{AlertLevel::warning, AlertDescription::unrecognized_name});
    CHECK(events[1].offset == 47);
    CHECK(events[2].message.type == HandshakeType::server_hello_done);
    CHECK(events[3].alert == Alert{AlertLevel::warning, AlertDescription::close_notify});
    CHECK(events[4].alert == Alert{AlertLevel::fatal, AlertDescription::handshake_failure});
}

TEST_CASE("another record inside a split message is a fault") {
    for (const ContentType type : {ContentType::alert, ContentType::change_cipher_spec,
                                   ContentType::application_data, ContentType::heartbeat}) {
        CAPTURE(name_of(type));
        Bytes stream = handshake_record(octets("0e000000"));
        append(stream, handshake_record(ByteView(two_messages).first(20)));
        append(stream, record_of(type, octets("0100")));
        const DecodeError error = error_of(stream);
        CHECK(error.offset == 9 + 25);
        CHECK(error.field == "record.type");
        CHECK(error.reason == name_of(type) + " record in the middle of a handshake message");
    }
}

TEST_CASE("events before a fault are kept, octets after it ignored") {
    Bytes bytes = handshake_record(two_messages);
    append(bytes, octets("ff"));
    append(bytes, octets("03010000"));
    RecordStream stream;
    stream.feed(bytes);
    CHECK(stream.failed());
    CHECK(stream.error() == DecodeError{"unknown content type 0xff", "record.type", 51});
    stream.feed(handshake_record(two_messages));
    CHECK(drain(stream).size() == 2);
    CHECK(stream.next() == std::nullopt);
    CHECK(stream.error().offset == 51);
}

TEST_CASE("after change_cipher_spec records are opaque") {
    Bytes stream = record_of(ContentType::change_cipher_spec, octets("01"));
    append(stream, handshake_record(octets("ffffffffff")));
    append(stream, record_of(ContentType::alert, octets("112233")));
    const auto events = events_of(stream);
    REQUIRE(events.size() == 3);
    CHECK(events[0].kind == StreamEvent::Kind::change_cipher_spec);
    CHECK(events[0].record.fragment == octets("01"));
    CHECK(events[1].kind == StreamEvent::Kind::other);
    CHECK(events[1].record.type == ContentType::handshake);
    CHECK(events[1].offset == 6);
    CHECK(events[2].record.fragment == octets("112233"));
}

TEST_CASE("limits") {
    Bytes longest = octets("1703014800");
    longest.resize(5 + 18432);
    CHECK(events_of(longest).size() == 1);
    CHECK(error_of(octets("1603014801")) ==
          DecodeError{"record length 18433 exceeds 18432", "record.length", 3});

    StreamLimits limits;
    limits.max_records = 3;
    Bytes empty_records;
    for (int i = 0; i < 4; ++i)
        append(empty_records, handshake_record({}));
    CHECK(error_of(empty_records, limits) == DecodeError{"more than 3 records", "record", 15});

    limits = {};
    limits.max_message_length = 100;
    Bytes stream = handshake_record(octets("0e000000"));
    append(stream, handshake_record(octets("0b000065")));
    CHECK(error_of(stream, limits) ==
          DecodeError{"message length 101 exceeds 100", "handshake.length", 9});
    RecordStream fine(limits);
    fine.feed(handshake_record(octets("0b000064")));
    CHECK_FALSE(fine.failed());
    CHECK(fine.pending() == 4);
}

TEST_CASE("an alert record of half an alert is a fault") {
    CHECK(error_of(record_of(ContentType::alert, octets("02"))).field == "Alert");
    CHECK(error_of(record_of(ContentType::alert, {})).offset == 0);
    CHECK(error_of(record_of(ContentType::alert, octets("022802"))).field == "Alert");
}

TEST_CASE("what is no TLS is named") {
    const auto guess = [](std::string_view text) { return guess_protocol(view_of(text)); };
    CHECK(guess("HTTP/1.1 400 Bad Request\r\n") == "plain HTTP");
    CHECK(guess("220 mail.example.com ESMTP\r\n") == "an SMTP or FTP greeting");
    CHECK(guess("* OK IMAP4rev1 ready\r\n") == "an IMAP greeting");
    CHECK(guess("+OK POP3 ready\r\n") == "a POP3 greeting");
    CHECK(guess("SSH-2.0-OpenSSH_4.3\r\n") == "SSH");
    CHECK(guess("<html>") == "an HTML page without HTTP");
    CHECK(guess("What?").empty());
    CHECK(guess("").empty());
    CHECK(guess_protocol(octets("8003000001")) == "an SSLv2 ERROR message");
    CHECK(guess_protocol(octets("842b0400010002")) == "an SSLv2 SERVER-HELLO");
    CHECK(guess_protocol(octets("802e010301")) == "an SSLv2 CLIENT-HELLO");
    CHECK(guess_protocol(octets("030000130ed00000")) == "RDP");
    CHECK(guess_protocol(octets(samples::server_flight)).empty());

    CHECK(error_of(view_of("HTTP/1.1 400 Bad Request")) ==
          DecodeError{"not TLS: this looks like plain HTTP", "record.type", 0});
    CHECK(error_of(octets("8003000001")).reason ==
          "not TLS: this looks like an SSLv2 ERROR message");
    CHECK(error_of(view_of("What?")).reason == "unknown content type 0x57");

    // Fewer octets than a record header decide nothing.
    RecordStream stream;
    stream.feed(view_of("HTTP"));
    CHECK_FALSE(stream.failed());
    CHECK(stream.pending() == 4);
}

TEST_CASE("one record alone") {
    const auto record = decode_record(octets("4003ff0002abcd"));
    REQUIRE(record.has_value());
    CHECK(name_of(record->type) == "0x40");
    CHECK(name_of(record->version) == "0x03ff");
    CHECK(record->fragment == octets("abcd"));
    Bytes too_long = octets("1603014801");
    too_long.resize(5 + 18433);
    const auto refused = decode_record(too_long);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error() == DecodeError{"record length 18433 exceeds 18432", "record.length", 3});
}

TEST_CASE("a long message in many small feeds") {
    // 1 MB in records of 100 octets, one octet at a time: a quadratic reader would not come back.
    const std::size_t length = 1'000'000;
    Bytes message = octets("0b0f4240");
    message.resize(4 + length, 0x5a);
    RecordStream stream;
    for (std::size_t i = 0; i < message.size(); i += 100) {
        const std::size_t size = std::min<std::size_t>(100, message.size() - i);
        for (const std::uint8_t octet : handshake_record(ByteView(message).subspan(i, size))) {
            stream.feed({&octet, 1});
        }
    }
    const auto events = drain(stream);
    REQUIRE(events.size() == 1);
    CHECK(events[0].message.body.size() == length);
    CHECK(events[0].message.records == (length + 4 + 99) / 100);
}

TEST_CASE("a message that has begun tells its announced length") {
    RecordStream stream;
    CHECK_FALSE(stream.unfinished());
    stream.feed(
        *from_hex("160301000b"
                  "02000002aabb"
                  "0bffffff00"));
    REQUIRE(stream.next());
    REQUIRE(stream.unfinished());
    CHECK(stream.unfinished()->type == HandshakeType::certificate);
    CHECK(stream.unfinished()->length == 0xffffff);
    CHECK(stream.unfinished()->offset == 0);
    RecordStream whole;
    whole.feed(*from_hex("160301000602000002aabb"));
    CHECK_FALSE(whole.unfinished());
}
