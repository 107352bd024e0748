#include "handshake/crypto/serialized_store.h"

#include "handshake/base/reader.h"

namespace handset::crypto {
namespace {

// Version 0 and "CERT".
constexpr std::uint8_t header[] = {0, 0, 0, 0, 'C', 'E', 'R', 'T'};

std::uint32_t u32_little_endian(Reader& in, std::string_view field) {
    const std::uint32_t value = in.u32(field);
    return value >> 24 | (value >> 8 & 0xff00) | (value << 8 & 0xff0000) | value << 24;
}

}  // namespace

bool is_serialized_store(ByteView octets) {
    return octets.size() >= sizeof header && equal(octets.first(sizeof header), header);
}

Result<std::vector<Bytes>> decode_serialized_store(ByteView octets) {
    constexpr std::uint32_t end_element = 0, certificate_element = 32;
    Reader in(octets, "SST");
    if (!equal(in.take(sizeof header, "header"), header)) in.fail("header", "no serialized store");
    std::vector<Bytes> certificates;
    while (!in.failed()) {
        // An element's number, encoding and length; properties stand in front of what they belong
        // to.
        const std::uint32_t id = u32_little_endian(in, "id");
        u32_little_endian(in, "encodingType");
        const std::uint32_t length = u32_little_endian(in, "length");
        if (id == end_element) break;
        const ByteView value = in.take(length, "value");
        if (id == certificate_element && !value.empty()) certificates.push_back(to_bytes(value));
    }
    if (in.failed()) return in.error();
    return certificates;
}

}  // namespace handset::crypto
