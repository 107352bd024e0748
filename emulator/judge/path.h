// Certification paths from the server's certificates to an anchor, by a device's policy.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "emulator/device/device.h"
#include "emulator/judge/judge.h"
#include "handshake/rules/evidence.h"

namespace handset::judge {

// One certificate of a path. `number` is its place in the server's list; nullopt for an anchor that
// the server did not send and for what came by authorityInfoAccess.
struct PathCertificate {
    const x509::Certificate* certificate = nullptr;
    std::optional<std::size_t> number;
    bool fetched = false;  // by authorityInfoAccess
    friend bool operator==(const PathCertificate&, const PathCertificate&) = default;
};

enum class Trust {
    trusted,      // the path ends in an anchor the device holds
    missing,      // it ends in a self-issued certificate that the device does not hold
    no_issuer,    // it ends in a certificate whose issuer is nowhere
    undetermined  // what the device holds is not known well enough
};

// A root that the user has installed and that does not help: which rule says why.
struct UnusableRoot {
    std::string_view rule;
    std::string detail;
};

// Borrows: its certificates point into the evidence and the question it was built from.
struct Path {
    std::vector<PathCertificate>
        certificates;  // leaf first; with the anchor where its certificate is known
    Trust trust = Trust::no_issuer;
    // The last of `certificates` is the anchor. False when the anchor is known by the store's entry
    // only, or when there is none.
    bool anchor_known = false;
    std::string anchor_detail;  // "DST Root CA X3, by fingerprint", for eyes
    // The anchor is one that the user has installed and must tick a use for.
    bool anchor_needs_setting = false;
    std::optional<UnusableRoot> unusable_root;  // instead of an anchor
    bool budget_exhausted = false;              // look-alike certificates made the search too long
    // The issuers that come first lead nowhere; others do, and this is their path.
    bool other_issuers_needed = false;
};

// Whether a path that reaches an anchor passes what the device validates.
using Validates = std::function<bool(const Path&)>;

// The path by the device's policy. Where there is none that is trusted: one that may be before one
// that is not, longer before shorter. Where the policy on alternatives is silent: the path that the
// first candidates make when it validates, else one that validates, else one that is trusted.
// Bounded by a step budget and a budget of signature checks, whatever the server sends.
class Anchors;
Path build_path(const rules::Evidence& evidence, const device::Device& device,
                const Anchors& anchors, const Question& question, SignatureCache& signatures,
                const Validates& validates);

// An issuer's name against a subject.
bool names_chain(const x509::Name& issuer, const x509::Name& subject, device::NameChaining by);

}  // namespace handset::judge
