#include "handshake/base/writer.h"

#include <stdexcept>

namespace handset {

namespace {

void check_length(std::size_t length, std::size_t limit) {
    if (length > limit) throw std::length_error("vector is longer than its length field can say");
}

}  // namespace

Writer& Writer::u8(std::uint8_t value) {
    bytes_.push_back(value);
    return *this;
}

Writer& Writer::u16(std::uint16_t value) {
    return u8(static_cast<std::uint8_t>(value >> 8)).u8(static_cast<std::uint8_t>(value));
}

Writer& Writer::u24(std::uint32_t value) {
    return u8(static_cast<std::uint8_t>(value >> 16)).u16(static_cast<std::uint16_t>(value));
}

Writer& Writer::u32(std::uint32_t value) {
    return u16(static_cast<std::uint16_t>(value >> 16)).u16(static_cast<std::uint16_t>(value));
}

Writer& Writer::put(ByteView bytes) {
    append(bytes_, bytes);
    return *this;
}

Writer& Writer::vector8(ByteView contents) {
    check_length(contents.size(), 0xff);
    return u8(static_cast<std::uint8_t>(contents.size())).put(contents);
}

Writer& Writer::vector16(ByteView contents) {
    check_length(contents.size(), 0xffff);
    return u16(static_cast<std::uint16_t>(contents.size())).put(contents);
}

Writer& Writer::vector24(ByteView contents) {
    check_length(contents.size(), 0xffffff);
    return u24(static_cast<std::uint32_t>(contents.size())).put(contents);
}

}  // namespace handset
