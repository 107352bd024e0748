// A sticky reader over octets in network byte order. After the first fault every read yields zero
// or an empty view, so a decoder reads like the RFC's struct and asks `failed()` once, at the end.
//
//   Reader in(bytes, "ServerHello");
//   hello.version = in.u16("server_version");
//   hello.random = to_bytes(in.take(32, "random"));
//   Reader ids = in.vector8("session_id");
//   in.expect_end();
//   if (in.failed()) return in.error();
//
// Offsets count from `base_offset`, so that an error in a nested vector names its place in the
// whole.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "handshake/base/bytes.h"
#include "handshake/base/error.h"

namespace handset {

class Reader {
public:
    explicit Reader(ByteView bytes, std::string_view name = {}, std::size_t base_offset = 0);

    std::uint8_t u8(std::string_view field);
    std::uint16_t u16(std::string_view field);
    std::uint32_t u24(std::string_view field);
    std::uint32_t u32(std::string_view field);
    ByteView take(std::size_t length_bytes, std::string_view field);
    ByteView rest();

    // opaque field<0..2^8-1> and its longer sisters: a reader over the contents. Faults inside it
    // are faults of the parent too (they share one error).
    Reader vector8(std::string_view field);
    Reader vector16(std::string_view field);
    Reader vector24(std::string_view field);

    // Records a fault at the current offset, or at `offset` (absolute), unless there is one
    // already.
    void fail(std::string_view field, std::string_view reason);
    void fail_at(std::size_t offset, std::string_view field, std::string_view reason);
    // A fault when octets are left.
    void expect_end();

    bool empty() const { return failed() || position_ == bytes_.size(); }
    bool failed() const { return shared_->failed; }
    std::size_t remaining() const { return failed() ? 0 : bytes_.size() - position_; }
    // Absolute, from the start of the outermost object.
    std::size_t offset() const { return base_offset_ + position_; }
    const DecodeError& error() const { return shared_->error; }

private:
    struct Shared {
        bool failed = false;
        DecodeError error;
    };
    Reader(ByteView bytes, std::string name, std::size_t base_offset,
           std::shared_ptr<Shared> shared);
    Reader vector(std::size_t length_octets, std::string_view field);
    std::uint64_t number(std::size_t octets, std::string_view field);
    std::string path(std::string_view field) const;

    ByteView bytes_;
    std::string name_;
    std::size_t base_offset_ = 0;
    std::size_t position_ = 0;
    std::shared_ptr<Shared> shared_;
};

}  // namespace handset
