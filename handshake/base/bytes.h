// Octets: owning, viewed, and as hexadecimal text.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace handset {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

// Lower-case digits without separators: "0101ff".
std::string to_hex(ByteView bytes);
// Accepts upper and lower case; white space and ':' between octets are skipped. nullopt when a
// digit is missing or another character stands in the text.
std::optional<Bytes> from_hex(std::string_view text);

Bytes to_bytes(ByteView view);
ByteView view_of(std::string_view text);
// The octets as characters, one to one; not necessarily UTF-8.
std::string to_text(ByteView bytes);
std::string_view text_view(ByteView bytes);
// For eyes: printable ASCII as it stands, every other octet as \xNN, so that nothing an attacker
// wrote reaches a terminal as a control sequence.
std::string printable(ByteView bytes);
std::string printable(std::string_view text);

// Well-formed UTF-8 (RFC 3629) as it stands, control characters (C0, DEL, C1) and ill-formed octets
// as \xNN: for text that goes into a terminal or a JSON string.
std::string printable_utf8(std::string_view text);

bool equal(ByteView a, ByteView b);
void append(Bytes& out, ByteView more);

}  // namespace handset
