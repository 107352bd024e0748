// Certification paths from the server's certificates to an anchor, by a device's policy.
#pragma once

#include <optional>
#include <vector>

#include "emulator/device/device.h"
#include "emulator/judge/judge.h"
#include "handshake/rules/evidence.h"

namespace handset::judge {

// One certificate of a path. `number` is its place in the server's list; nullopt for an anchor that
// the server did not send.
struct PathCertificate {
    const x509::Certificate* certificate = nullptr;
    std::optional<std::size_t> number;
};

enum class Trust {
    trusted,      // the path ends in an anchor the device holds
    missing,      // it ends in a self-issued certificate that the device does not hold
    no_issuer,    // it ends in a certificate whose issuer is nowhere
    undetermined  // what the device holds is not known well enough
};

// Borrows: its certificates point into the evidence and the question it was built from.
struct Path {
    std::vector<PathCertificate>
        certificates;  // leaf first; with the anchor where its certificate is known
    Trust trust = Trust::no_issuer;
    // The last of `certificates` is the anchor. False when the anchor is known by the store's entry
    // only, or when there is none.
    bool anchor_known = false;
    std::string anchor_detail;      // "DST Root CA X3, by fingerprint", for eyes
    bool budget_exhausted = false;  // look-alike certificates made the search too long
};

// The best path: one that is trusted before one that may be, before one that is not; longer before
// shorter. Bounded by a step budget whatever the server sends.
Path build_path(const rules::Evidence& evidence, const device::Device& device,
                const device::Store* store, const Question& question);

}  // namespace handset::judge
