// Certificate policies over a path (RFC 5280 6.1): the policy tree with mapping, anyPolicy and its
// inhibition, and requireExplicitPolicy. Kept as a graph with at most one node a policy and depth
// (RFC 9618), so that mappings cannot make it grow exponentially. Deliberately not done here:
// qualifiers, and faults of the extensions that processing has no use for (a policy that stands
// there twice, an empty policyConstraints).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "handshake/x509/certificate.h"

namespace handset::x509 {

struct PolicySettings {
    std::vector<Oid> user_initial_policies;  // empty, or anyPolicy among them: any-policy
    bool explicit_policy = false;            // initial-explicit-policy
    bool inhibit_mapping = false;            // initial-policy-mapping-inhibit
    bool inhibit_any_policy = false;         // initial-any-policy-inhibit
};

struct PolicyResult {
    bool valid = true;
    // Where it failed, as an index of the path given; of no meaning when valid.
    std::size_t position = 0;
    // Contents of the extension that failed, within that certificate; of length 0 where the
    // extension that should have been there is absent.
    Place place;
    std::string field;   // "tbsCertificate.extensions[3].extnValue", "tbsCertificate.extensions"
    std::string detail;  // "an explicit policy is required and none is left"; for eyes
    // user-constrained policy set, sorted, in the terms of the anchor's domain; anyPolicy stands
    // for any. Empty when not valid, or when no policy is left and none is required.
    std::vector<Oid> policies;
};

// `path`: leaf first, without the anchor; not empty, no nullptr. Self-issued certificates do not
// count down, as RFC 5280 has it (but for the leaf). certificatePolicies, policyMappings,
// policyConstraints or inhibitAnyPolicy that could not be decoded or with a negative number,
// critical or not, make the path invalid: what its CA wanted cannot be known. So does a path whose
// graph has more than max_policy_nodes nodes and edges. Work is bounded by that and the size of the
// path.
inline constexpr std::size_t max_policy_nodes = 100'000;
PolicyResult process_policies(std::span<const Certificate* const> path,
                              const PolicySettings& settings);

}  // namespace handset::x509
