// Text out of files as programs of many systems save it: line ends of every kind, UTF-8 with or
// without a byte order mark, UTF-16 with one. Knows nothing of what stands in it.
#pragma once

#include <string>
#include <string_view>

#include "handshake/base/bytes.h"

namespace handset::flight {

// Without blanks at its ends.
std::string_view trim(std::string_view text);

// No control characters but those of a text at its front. Octets of any 8-bit encoding count as
// text.
bool is_text(ByteView octets);
bool is_utf16(ByteView octets);  // by its byte order mark

// Without a byte order mark. UTF-16 becomes UTF-8, halves of surrogate pairs U+FFFD; every other
// octet stays what it is.
std::string text_of(ByteView octets);

// Lines of a text, numbered from 1. Ends at CR, LF or both.
class Lines {
public:
    explicit Lines(std::string_view text) : text_(text) {}
    bool next();
    std::string_view line() const { return line_; }    // trimmed
    std::string_view whole() const { return whole_; }  // as it stands
    std::size_t number() const { return number_; }

private:
    std::string_view text_;
    std::string_view whole_;
    std::string_view line_;
    std::size_t position_ = 0;
    std::size_t number_ = 0;
};

}  // namespace handset::flight
