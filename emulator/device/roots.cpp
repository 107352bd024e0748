#include "emulator/device/roots.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <stdexcept>

namespace handset::device {

namespace {

constexpr std::size_t sha1_octets = 20;
constexpr std::size_t sha256_octets = 32;
// Fewer hexadecimal digits than these may be a word: "CAFE".
constexpr std::size_t fewest_octets = 8;

bool fits(const RootWanted& wanted, const StoreEntry& entry) {
    if (const auto* const subject = std::get_if<RootSubject>(&wanted)) {
        return in_small_letters(entry.subject).find(subject->part) != std::string::npos;
    }
    const Bytes& octets = std::get<RootFingerprint>(wanted).octets;
    return octets == entry.sha256 || octets == entry.sha1;
}

void fill_in(Bytes& known, const Bytes& more) {
    if (known.empty()) known = more;
}
void fill_in(std::string& known, const std::string& more) {
    if (known.empty()) known = more;
}

// Stores say more or less of a root.
void merge(StoreEntry& known, const StoreEntry& more) {
    fill_in(known.sha256, more.sha256);
    fill_in(known.sha1, more.sha1);
    fill_in(known.spki_sha256, more.spki_sha256);
    fill_in(known.ski, more.ski);
    fill_in(known.subject, more.subject);
    fill_in(known.not_before, more.not_before);
    fill_in(known.not_after, more.not_after);
}

bool is_listed(const std::vector<StoreEntry>& entries, const StoreEntry& root) {
    const auto same = [](const Bytes& a, const Bytes& b) { return !a.empty() && a == b; };
    return std::ranges::any_of(entries, [&](const StoreEntry& entry) {
        return same(entry.sha256, root.sha256) || same(entry.sha1, root.sha1) ||
               same(entry.spki_sha256, root.spki_sha256);
    });
}

}  // namespace

RootWanted root_wanted(const std::string& text) {
    if (text.find_first_not_of(" :") == std::string::npos) {
        throw std::invalid_argument("give a fingerprint or part of a subject");
    }
    auto octets = from_hex(text);
    if (octets && (octets->size() == sha1_octets || octets->size() == sha256_octets)) {
        return RootFingerprint{std::move(*octets)};
    }
    if (octets && octets->size() >= fewest_octets) {
        throw std::invalid_argument(
            fmt::format("a fingerprint of {} octets; SHA-1 has {}, SHA-256 {}", octets->size(),
                        sha1_octets, sha256_octets));
    }
    return RootSubject{in_small_letters(text)};
}

std::vector<RootFound> find_roots(const RootWanted& wanted, std::span<const Store* const> stores) {
    std::map<Bytes, RootFound> by_fingerprint;
    for (const Store* const store : stores) {
        for (const auto* const entries : {&store->members, &store->absent}) {
            for (const StoreEntry& entry : *entries) {
                if (!fits(wanted, entry)) continue;
                RootFound& found = by_fingerprint[entry.sha256];
                merge(found.root, entry);
                if (entries == &store->members) found.stores.push_back(store->id);
            }
        }
    }
    std::vector<RootFound> roots;
    for (auto& [fingerprint, found] : by_fingerprint)
        roots.push_back(std::move(found));
    std::ranges::stable_sort(roots, {}, [](const RootFound& found) {
        return std::pair(in_small_letters(found.root.subject), found.root.not_before);
    });
    return roots;
}

Known knows_root(const Device& device, const Store* store, const StoreEntry& root) {
    // A device that takes nothing for granted and names no store trusts nothing.
    if (!store) return device.otherwise && !device.trust.store_id ? Known::no : Known::open;
    if (is_listed(store->members, root)) return Known::yes;
    if (is_listed(store->absent, root)) return Known::no;
    return store->complete && device.trust.grade != Grade::assumed ? Known::no : Known::open;
}

}  // namespace handset::device
