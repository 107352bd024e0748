#include "handshake/base/reader.h"

#include <fmt/format.h>

namespace handset {

Reader::Reader(ByteView bytes, std::string_view name, std::size_t base_offset)
    : Reader(bytes, std::string(name), base_offset, std::make_shared<Shared>()) {}

Reader::Reader(ByteView bytes, std::string name, std::size_t base_offset,
               std::shared_ptr<Shared> shared)
    : bytes_(bytes),
      name_(std::move(name)),
      base_offset_(base_offset),
      shared_(std::move(shared)) {}

std::string Reader::path(std::string_view field) const {
    if (name_.empty()) return std::string(field);
    if (field.empty()) return name_;
    return fmt::format("{}.{}", name_, field);
}

std::uint64_t Reader::number(std::size_t octets, std::string_view field) {
    std::uint64_t value = 0;
    for (const std::uint8_t octet : take(octets, field))
        value = value << 8 | octet;
    return value;
}

std::uint8_t Reader::u8(std::string_view field) {
    return static_cast<std::uint8_t>(number(1, field));
}

std::uint16_t Reader::u16(std::string_view field) {
    return static_cast<std::uint16_t>(number(2, field));
}

std::uint32_t Reader::u24(std::string_view field) {
    return static_cast<std::uint32_t>(number(3, field));
}

std::uint32_t Reader::u32(std::string_view field) {
    return static_cast<std::uint32_t>(number(4, field));
}

ByteView Reader::take(std::size_t length_bytes, std::string_view field) {
    if (failed()) return {};
    if (length_bytes > bytes_.size() - position_) {
        fail(field,
             fmt::format("needs {} octets, {} left", length_bytes, bytes_.size() - position_));
        return {};
    }
    const ByteView taken = bytes_.subspan(position_, length_bytes);
    position_ += length_bytes;
    return taken;
}

ByteView Reader::rest() {
    return take(remaining(), "");
}

Reader Reader::vector(std::size_t length_octets, std::string_view field) {
    const auto length = static_cast<std::size_t>(number(length_octets, field));
    const std::size_t start = offset();
    const ByteView contents = take(length, field);
    return Reader(contents, path(field), start, shared_);
}

Reader Reader::vector8(std::string_view field) {
    return vector(1, field);
}

Reader Reader::vector16(std::string_view field) {
    return vector(2, field);
}

Reader Reader::vector24(std::string_view field) {
    return vector(3, field);
}

void Reader::fail(std::string_view field, std::string_view reason) {
    fail_at(offset(), field, reason);
}

void Reader::fail_at(std::size_t offset, std::string_view field, std::string_view reason) {
    if (failed()) return;
    shared_->failed = true;
    shared_->error = {std::string(reason), path(field), offset};
}

void Reader::expect_end() {
    if (!empty()) fail("", fmt::format("{} octets too many", remaining()));
}

}  // namespace handset
