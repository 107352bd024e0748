// Appends numbers in network byte order and length-prefixed vectors: the inverse of Reader.
#pragma once

#include <cstddef>

#include "handshake/base/bytes.h"

namespace handset {

class Writer {
public:
    Writer& u8(std::uint8_t value);
    Writer& u16(std::uint16_t value);
    Writer& u24(std::uint32_t value);
    Writer& u32(std::uint32_t value);
    Writer& put(ByteView bytes);
    // The contents with their length in front. Throws std::length_error when the length does not
    // fit: our own values are at fault then, never received bytes.
    Writer& vector8(ByteView contents);
    Writer& vector16(ByteView contents);
    Writer& vector24(ByteView contents);

    const Bytes& bytes() const { return bytes_; }
    Bytes take() { return std::move(bytes_); }
    std::size_t size() const { return bytes_.size(); }

private:
    Bytes bytes_;
};

}  // namespace handset
