// What a list of devices can be narrowed by: family, date, and what a server can use with them.
// Reads what a profile states and judges nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "emulator/device/device.h"
#include "emulator/device/words.h"

namespace handset::device {

// What a server may want to use.
enum class Feature {
    sni,       // its hello names the host
    san,       // it finds the host in subjectAltName
    sha256,    // a certificate signed with sha256WithRSAEncryption
    ecdsa,     // a certificate with an EC key
    wildcard,  // a name with '*'
    tls_1_2
};
template <>
inline constexpr auto words<Feature> = std::to_array<Word<Feature>>({
    {"sni", Feature::sni},
    {"san", Feature::san},
    {"sha256", Feature::sha256},
    {"ecdsa", Feature::ecdsa},
    {"wildcard", Feature::wildcard},
    {"tls1.2", Feature::tls_1_2},
});

// `open`: the profile is silent, which includes statements graded `assumed`.
enum class Known { yes, no, open };
template <>
inline constexpr auto words<Known> = std::to_array<Word<Known>>({
    {"yes", Known::yes},
    {"no", Known::no},
    {"open", Known::open},
});

// A device that compares no name takes any name.
Known supports(const Device& device, Feature feature);

// Days as YYYY-MM-DD, both included.
struct Span {
    std::string first;
    std::string last;
    friend bool operator==(const Span&, const Span&) = default;
};
// "2007..2010", "2007-04..", "..2008-06-30", "2007"; nullopt for anything else, dates that do not
// exist and spans that end before they begin.
std::optional<Span> span_from(std::string_view text);
// A release of which only the year or the month is known is within a span that it may lie in.
bool released_within(const Device& device, const Span& span);

// `wanted` is part of the family, or a pattern for all of it, in any case.
bool is_of_family(const Device& device, std::string_view wanted);

// ASCII letters as small ones.
std::string in_small_letters(std::string_view text);

}  // namespace handset::device
