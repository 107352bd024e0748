// A set of trust anchors as a platform shipped it: profiles/stores/<id>.yaml. Fingerprints are
// facts; certificates are not kept.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "handshake/base/bytes.h"

namespace handset::device {

struct StoreEntry {
    Bytes sha256;            // of the certificate, 32 octets; empty only in imported lists
    Bytes sha1;              // of the certificate, 20 octets; empty where not known
    Bytes spki_sha256;       // of its SubjectPublicKeyInfo; empty where not known
    Bytes ski;               // subjectKeyIdentifier; empty where it has none or is not known
    std::string subject;     // RFC 4514
    std::string not_before;  // YYYY-MM-DD; empty where not known
    std::string not_after;
    friend bool operator==(const StoreEntry&, const StoreEntry&) = default;
};

struct Store {
    std::string id;
    std::string name;
    std::string source;  // where the list stands
    std::string date;    // YYYY-MM-DD of the list
    // false: the list is only part of the truth; a root that is neither in `members` nor in
    // `absent` may or may not be there.
    bool complete = true;
    std::vector<StoreEntry> members;
    std::vector<StoreEntry> absent;  // known not to be there (partial stores)
    friend bool operator==(const Store&, const Store&) = default;
};

}  // namespace handset::device
