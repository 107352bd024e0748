// Certificate policies over a path (RFC 5280 6.1): the policy tree with mapping, anyPolicy and its
// inhibition, and requireExplicitPolicy. Kept as a graph with at most one node a policy and depth
// (RFC 9618), so that mappings cannot make it grow exponentially.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "handshake/x509/certificate.h"

namespace handset::x509 {

struct PolicySettings {
    std::vector<Oid> user_initial_policies;  // empty: any-policy
    bool explicit_policy = false;            // initial-explicit-policy
    bool inhibit_mapping = false;            // initial-policy-mapping-inhibit
    bool inhibit_any_policy = false;         // initial-any-policy-inhibit
};

struct PolicyResult {
    bool valid = true;
    // Where it failed, as an index of the path given; of no meaning when valid.
    std::size_t position = 0;
    Place place;         // within that certificate: the extension that failed, or of length 0
    std::string field;   // "tbsCertificate.extensions[3].extnValue"
    std::string detail;  // "an explicit policy is required and none is left"; for eyes
    std::vector<Oid> policies;  // user-constrained policy set; anyPolicy stands for any
};

// `path`: leaf first, without the anchor; not empty, no nullptr. Self-issued certificates do not
// count down, as RFC 5280 has it (but for the leaf).
PolicyResult process_policies(std::span<const Certificate* const> path,
                              const PolicySettings& settings);

}  // namespace handset::x509
