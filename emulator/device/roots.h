// Which stores hold a root, and so which devices know it. A root is asked for by fingerprint or by
// part of its subject; certificates play no part here.
#pragma once

#include <span>
#include <variant>

#include "emulator/device/filter.h"
#include "emulator/device/store.h"

namespace handset::device {

struct RootFingerprint {
    Bytes octets;  // SHA-1 or SHA-256, by length
    friend bool operator==(const RootFingerprint&, const RootFingerprint&) = default;
};
struct RootSubject {
    std::string part;  // in small letters
    friend bool operator==(const RootSubject&, const RootSubject&) = default;
};
using RootWanted = std::variant<RootFingerprint, RootSubject>;

// 40 or 64 hexadecimal digits, with ':' and spaces between them or not, are a fingerprint; anything
// else is part of a subject. Throws std::invalid_argument, one line, for nothing at all and for a
// fingerprint of another length.
RootWanted root_wanted(const std::string& text);

struct RootFound {
    StoreEntry root;                  // with what any store says of it
    std::vector<std::string> stores;  // ids of those that hold it, in the order given
};
// Every root that fits, members and absent ones, by subject.
std::vector<RootFound> find_roots(const RootWanted& wanted, std::span<const Store* const> stores);

// As the judge does: a certificate, or another with the same key. `store`: the one that the device
// names, or nullptr for none.
Known knows_root(const Device& device, const Store* store, const StoreEntry& root);

}  // namespace handset::device
