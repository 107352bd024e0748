// The format of profiles and stores as JSON Schema (draft-07), for editors that complete and check
// as one types. It comes from the tables that the loader reads by. It does not say everything:
// that a source is defined and used, that keys agree with each other, and names of a standard in
// older spellings, which the loader takes.
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace handset::device {

// What is said about a key in its table in profiles/README.md, by "section.key".
using KeyTexts = std::map<std::string, std::string>;
KeyTexts read_key_texts(std::string_view readme);

// What profiles/profile.schema.json and profiles/store.schema.json hold.
std::string profile_schema(const KeyTexts& texts);
std::string store_schema(const KeyTexts& texts);

// The first lines of a profile and of a store, by which editors find it.
inline constexpr std::string_view profile_schema_line =
    "# yaml-language-server: $schema=profile.schema.json";
inline constexpr std::string_view store_schema_line =
    "# yaml-language-server: $schema=../store.schema.json";

}  // namespace handset::device
