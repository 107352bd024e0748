#include "emulator/flight/text.h"

#include <algorithm>

namespace handset::flight {

std::string_view trim(std::string_view text) {
    constexpr std::string_view blank = " \t\r\n\v\f";
    const std::size_t first = text.find_first_not_of(blank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

bool is_text(ByteView octets) {
    for (const std::uint8_t octet : octets.first(std::min<std::size_t>(octets.size(), 1024))) {
        if (octet < 0x20 && octet != '\n' && octet != '\r' && octet != '\t' && octet != '\f') {
            return false;
        }
    }
    return true;
}

bool is_utf16(ByteView octets) {
    return octets.size() >= 2 &&
           ((octets[0] == 0xff && octets[1] == 0xfe) || (octets[0] == 0xfe && octets[1] == 0xff));
}

namespace {

void append_utf8(std::string& out, char32_t code) {
    const auto put = [&out](char32_t octet) { out.push_back(static_cast<char>(octet)); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xc0 | code >> 6);
        put(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        put(0xe0 | code >> 12);
        put(0x80 | (code >> 6 & 0x3f));
        put(0x80 | (code & 0x3f));
    } else {
        put(0xf0 | code >> 18);
        put(0x80 | (code >> 12 & 0x3f));
        put(0x80 | (code >> 6 & 0x3f));
        put(0x80 | (code & 0x3f));
    }
}

std::string utf8_of_utf16(ByteView octets) {
    const bool little = octets[0] == 0xff;
    const auto unit = [&](std::size_t i) {
        return static_cast<char32_t>(octets[little ? i + 1 : i] << 8 | octets[little ? i : i + 1]);
    };
    std::string out;
    for (std::size_t i = 2; i + 1 < octets.size(); i += 2) {
        char32_t code = unit(i);
        if (code >= 0xd800 && code <= 0xdfff) {
            const char32_t low = i + 3 < octets.size() ? unit(i + 2) : 0;
            if (code < 0xdc00 && low >= 0xdc00 && low <= 0xdfff) {
                code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
                i += 2;
            } else {
                code = 0xfffd;
            }
        }
        append_utf8(out, code);
    }
    return out;
}

}  // namespace

std::string text_of(ByteView octets) {
    if (is_utf16(octets)) return utf8_of_utf16(octets);
    constexpr std::uint8_t mark[] = {0xef, 0xbb, 0xbf};
    if (octets.size() >= 3 && equal(octets.first(3), mark)) octets = octets.subspan(3);
    return to_text(octets);
}

bool Lines::next() {
    if (position_ >= text_.size()) return false;
    const std::size_t end = std::min(text_.find_first_of("\r\n", position_), text_.size());
    whole_ = text_.substr(position_, end - position_);
    line_ = trim(whole_);
    position_ = end + 1;
    if (end + 1 < text_.size() && text_[end] == '\r' && text_[end + 1] == '\n') ++position_;
    ++number_;
    return true;
}

}  // namespace handset::flight
