// The word a user may have meant, for messages.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace handset {

// The candidate with the fewest letters to change, or one that contains the word; empty when none
// is near. Words over 64 octets are near nothing.
std::string_view find_nearest(std::string_view word, std::span<const std::string_view> candidates);
// ", did you mean 'nokia-m4e-symbian-9.2'?", or empty.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace handset
