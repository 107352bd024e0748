#include "handshake/base/nearest.h"

#include <fmt/format.h>

#include <algorithm>

namespace handset {

namespace {

// Levenshtein's distance.
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j)
        row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t above = row[j];
            row[j] = std::min({above + 1, row[j - 1] + 1,
                               diagonal + static_cast<std::size_t>(a[i - 1] != b[j - 1])});
            diagonal = above;
        }
    }
    return row[b.size()];
}

constexpr std::size_t longest_word = 64;
constexpr std::size_t shortest_part = 3;  // of a candidate, to count as what was meant

}  // namespace

std::string_view find_nearest(std::string_view word, std::span<const std::string_view> candidates) {
    std::string_view best;
    if (word.empty() || word.size() > longest_word) return best;
    std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
    for (const std::string_view candidate : candidates) {
        const bool part =
            word.size() >= shortest_part && candidate.find(word) != std::string_view::npos;
        const std::size_t d = std::min(distance(word, candidate), part ? 2 : candidate.size() + 64);
        if (d < best_distance) {
            best = candidate;
            best_distance = d;
        }
    }
    return best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
    const std::vector<std::string_view> views(candidates.begin(), candidates.end());
    const std::string_view near = find_nearest(word, views);
    return near.empty() ? "" : fmt::format(", did you mean '{}'?", near);
}

}  // namespace handset
