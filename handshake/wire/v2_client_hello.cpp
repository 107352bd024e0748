#include "handshake/wire/v2_client_hello.h"

#include <fmt/format.h>
#include <algorithm>
#include <stdexcept>

#include "handshake/base/reader.h"
#include "handshake/base/writer.h"

namespace handset::wire {

namespace {

constexpr std::uint8_t msg_client_hello = 1;
constexpr std::size_t random_length = 32;
constexpr std::size_t max_length = 0x7fff;
// msg_type, version and the three lengths.
constexpr std::size_t fixed_length = 9;

std::uint16_t length_field(std::size_t length) {
    if (length > max_length) throw std::length_error("V2ClientHello is longer than 32767 octets");
    return static_cast<std::uint16_t>(length);
}

}  // namespace

Bytes encode(const V2ClientHello& hello) {
    const std::size_t specs_length = hello.cipher_specs.size() * 3;
    const std::size_t length =
        fixed_length + specs_length + hello.session_id.size() + hello.challenge.size();
    Writer out;
    out.u16(length_field(length) | 0x8000);
    out.u8(msg_client_hello);
    out.u16(static_cast<std::uint16_t>(hello.version));
    out.u16(length_field(specs_length));
    out.u16(length_field(hello.session_id.size()));
    out.u16(length_field(hello.challenge.size()));
    for (const std::uint32_t spec : hello.cipher_specs) {
        if (spec > 0xffffff) throw std::length_error("a cipher spec has three octets");
        out.u24(spec);
    }
    out.put(hello.session_id);
    out.put(hello.challenge);
    return out.take();
}

Result<V2ClientHello> decode_v2_client_hello(ByteView record) {
    Reader in(record, "V2ClientHello");
    const std::uint16_t msg_length = in.u16("msg_length");
    if ((msg_length & 0x8000) == 0) {
        in.fail_at(0, "msg_length",
                   "the top bit is not set: a record with padding or none of SSLv2");
    }
    const ByteView message = in.take(msg_length & 0x7fff, "msg_length");
    in.expect_end();
    if (in.failed()) return in.error();

    Reader body(message, "V2ClientHello", 2);
    V2ClientHello hello;
    if (body.u8("msg_type") != msg_client_hello) {
        body.fail_at(2, "msg_type", "not a CLIENT-HELLO");
    }
    hello.version = static_cast<ProtocolVersion>(body.u16("version"));
    const std::size_t specs_offset = body.offset();
    const std::uint16_t specs_length = body.u16("cipher_spec_length");
    const std::uint16_t session_id_length = body.u16("session_id_length");
    const std::uint16_t challenge_length = body.u16("challenge_length");
    if (specs_length % 3 != 0) {
        body.fail_at(specs_offset, "cipher_spec_length",
                     fmt::format("{} is no multiple of 3", specs_length));
    }
    const ByteView specs = body.take(specs_length, "cipher_specs");
    for (std::size_t i = 0; i + 3 <= specs.size(); i += 3) {
        hello.cipher_specs.push_back(static_cast<std::uint32_t>(specs[i]) << 16 |
                                     static_cast<std::uint32_t>(specs[i + 1]) << 8 | specs[i + 2]);
    }
    hello.session_id = to_bytes(body.take(session_id_length, "session_id"));
    hello.challenge = to_bytes(body.take(challenge_length, "challenge"));
    body.expect_end();
    if (body.failed()) return body.error();
    return hello;
}

Bytes random_of(const V2ClientHello& hello) {
    Bytes random(random_length, 0);
    const std::size_t length = std::min(hello.challenge.size(), random_length);
    std::copy_n(hello.challenge.rbegin(), length, random.rbegin());
    return random;
}

bool looks_like_v2_client_hello(ByteView bytes) {
    if (bytes.size() < 5 || (bytes[0] & 0x80) == 0) return false;
    const std::size_t length = static_cast<std::size_t>(bytes[0] & 0x7f) << 8 | bytes[1];
    const bool version_is_known = bytes[3] == 3 || (bytes[3] == 0 && bytes[4] == 2);
    return length >= fixed_length && bytes[2] == msg_client_hello && version_is_known;
}

}  // namespace handset::wire
