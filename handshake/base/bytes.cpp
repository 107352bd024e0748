#include "handshake/base/bytes.h"

#include <fmt/format.h>
#include <algorithm>

namespace handset {

std::string to_hex(ByteView bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text;
    text.reserve(bytes.size() * 2);
    for (const std::uint8_t octet : bytes) {
        text.push_back(digits[octet >> 4]);
        text.push_back(digits[octet & 15]);
    }
    return text;
}

namespace {

int digit_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

}  // namespace

std::optional<Bytes> from_hex(std::string_view text) {
    Bytes bytes;
    int high = -1;
    for (const char c : text) {
        if (high < 0 && (c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == ':')) continue;
        const int value = digit_value(c);
        if (value < 0) return std::nullopt;
        if (high < 0) {
            high = value;
        } else {
            bytes.push_back(static_cast<std::uint8_t>(high * 16 + value));
            high = -1;
        }
    }
    if (high >= 0) return std::nullopt;
    return bytes;
}

Bytes to_bytes(ByteView view) {
    return {view.begin(), view.end()};
}

ByteView view_of(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string to_text(ByteView bytes) {
    return {bytes.begin(), bytes.end()};
}

std::string_view text_view(ByteView bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string printable(ByteView bytes) {
    std::string text;
    for (const std::uint8_t octet : bytes) {
        if (octet >= 0x20 && octet < 0x7f && octet != '\\') {
            text.push_back(static_cast<char>(octet));
        } else {
            text += fmt::format("\\x{:02x}", octet);
        }
    }
    return text;
}

std::string printable(std::string_view text) {
    return printable(view_of(text));
}

namespace {

// Octets of the well-formed UTF-8 character at the front, or 0.
std::size_t utf8_length(ByteView text) {
    const std::uint8_t first = text[0];
    const std::size_t length = first < 0x80   ? 1
                               : first < 0xc2 ? 0
                               : first < 0xe0 ? 2
                               : first < 0xf0 ? 3
                               : first < 0xf5 ? 4
                                              : 0;
    if (length == 0 || length > text.size()) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((text[i] & 0xc0) != 0x80) return 0;
    }
    const std::uint8_t second = length > 1 ? text[1] : 0;
    const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
    const bool surrogate = first == 0xed && second >= 0xa0;
    const bool beyond = first == 0xf4 && second >= 0x90;
    return overlong || surrogate || beyond ? 0 : length;
}

}  // namespace

std::string printable_utf8(std::string_view text) {
    ByteView rest = view_of(text);
    std::string out;
    while (!rest.empty()) {
        const std::size_t length = utf8_length(rest);
        const bool c0 = length == 1 && (rest[0] < 0x20 || rest[0] == 0x7f);
        const bool c1 = length == 2 && rest[0] == 0xc2 && rest[1] < 0xa0;
        if (length == 0 || c0 || c1) {
            const std::size_t escaped = length == 0 ? 1 : length;
            for (const std::uint8_t octet : rest.first(escaped)) {
                out += fmt::format("\\x{:02x}", octet);
            }
            rest = rest.subspan(escaped);
        } else {
            out.append(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(length));
            rest = rest.subspan(length);
        }
    }
    return out;
}

bool equal(ByteView a, ByteView b) {
    return std::ranges::equal(a, b);
}

void append(Bytes& out, ByteView more) {
    out.insert(out.end(), more.begin(), more.end());
}

}  // namespace handset
