#include "handshake/crypto/ber.h"

#include <fmt/format.h>

namespace handset::crypto {
namespace {

constexpr std::uint8_t constructed = 0x20;
constexpr int max_depth = 32;

struct Header {
    std::uint8_t tag = 0;
    std::size_t length = 0;  // of the header
    std::size_t contents = 0;
    bool indefinite = false;
};

std::optional<Header> read_header(ByteView octets) {
    if (octets.size() < 2 || (octets[0] & 0x1f) == 0x1f) return std::nullopt;
    Header header{octets[0], 2, octets[1], false};
    if (octets[1] == 0x80) {
        if ((octets[0] & constructed) == 0) return std::nullopt;
        header.contents = 0;
        header.indefinite = true;
        return header;
    }
    if (octets[1] > 0x80) {
        const std::size_t count = octets[1] & 0x7fU;
        if (count > octets.size() - 2) return std::nullopt;
        std::size_t length = 0;
        for (std::size_t i = 0; i < count; ++i) {
            if (length > (std::size_t{1} << 48)) return std::nullopt;
            length = (length << 8) | octets[2 + i];
        }
        header.length += count;
        header.contents = length;
    }
    if (header.contents > octets.size() - header.length) return std::nullopt;
    return header;
}

// Length of the contents of an indefinite-length element, which begin at octets[0].
std::optional<std::size_t> find_end_of_contents(ByteView octets) {
    std::size_t position = 0;
    int depth = 1;
    while (position < octets.size()) {
        const ByteView rest = octets.subspan(position);
        if (rest.size() >= 2 && rest[0] == 0 && rest[1] == 0) {
            if (--depth == 0) return position;
            position += 2;
            continue;
        }
        const auto header = read_header(rest);
        if (!header) return std::nullopt;
        if (header->indefinite && ++depth > max_depth) return std::nullopt;
        position += header->length + header->contents;
    }
    return std::nullopt;
}

}  // namespace

std::optional<BerElement> BerReader::next() {
    if (empty()) return std::nullopt;
    const auto header = read_header(octets_);
    if (!header) {
        failed_ = true;
        return std::nullopt;
    }
    std::size_t contents = header->contents;
    std::size_t whole = header->length + contents;
    if (header->indefinite) {
        const auto end = find_end_of_contents(octets_.subspan(header->length));
        if (!end) {
            failed_ = true;
            return std::nullopt;
        }
        contents = *end;
        whole = header->length + contents + 2;
    }
    BerElement element{header->tag, octets_.subspan(header->length, contents),
                       octets_.first(whole)};
    octets_ = octets_.subspan(whole);
    return element;
}

std::optional<BerElement> BerReader::next_if(std::uint8_t tag) {
    if (empty() || octets_[0] != tag) return std::nullopt;
    return next();
}

std::optional<BerElement> BerReader::expect(std::uint8_t tag) {
    auto element = next_if(tag);
    if (!element) failed_ = true;
    return element;
}

std::optional<Bytes> octet_string_of(const BerElement& element,
                                     std::optional<std::uint8_t> implicit_context) {
    const auto primitive =
        implicit_context ? static_cast<std::uint8_t>(0x80 | *implicit_context) : ber::octet_string;
    if (element.tag == primitive) return to_bytes(element.contents);
    if (element.tag != (primitive | constructed)) return std::nullopt;
    Bytes out;
    BerReader parts(element.contents);
    while (const auto part = parts.expect(ber::octet_string)) {
        append(out, part->contents);
        if (parts.empty()) break;
    }
    if (parts.failed()) return std::nullopt;
    return out;
}

std::optional<std::uint32_t> small_integer_of(const BerElement& element) {
    ByteView octets = element.contents;
    if (element.tag != ber::integer || octets.empty() || (octets[0] & 0x80) != 0) {
        return std::nullopt;
    }
    while (octets.size() > 1 && octets[0] == 0)
        octets = octets.subspan(1);
    if (octets.size() > 4 || (octets.size() == 4 && octets[0] > 0x7f)) return std::nullopt;
    std::uint32_t value = 0;
    for (const std::uint8_t octet : octets)
        value = (value << 8) | octet;
    return value;
}

std::string dotted_oid_of(const BerElement& element) {
    if (element.tag != ber::object_identifier || element.contents.empty()) return {};
    std::string out;
    std::uint64_t arc = 0;
    bool inside = false;
    for (const std::uint8_t octet : element.contents) {
        if (arc > (std::uint64_t{1} << 56)) return {};
        arc = (arc << 7) | (octet & 0x7fU);
        inside = (octet & 0x80) != 0;
        if (inside) continue;
        if (out.empty()) {
            const std::uint64_t first = arc < 80 ? arc / 40 : 2;
            out = fmt::format("{}.{}", first, arc - first * 40);
        } else {
            out += fmt::format(".{}", arc);
        }
        arc = 0;
    }
    return inside ? std::string{} : out;
}

}  // namespace handset::crypto
