#include "handshake/x509/policies.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace handset::x509 {
namespace {

// Policies are borrowed from the path, whose OIDs may be long.
struct ByOctets {
    bool operator()(const Oid* a, const Oid* b) const { return *a < *b; }
};
using PolicySet = std::set<const Oid*, ByOctets>;
template <typename T>
using PolicyMap = std::map<const Oid*, T, ByOctets>;

const Oid& any_policy() {
    static const Oid id = oid_from_name("anyPolicy").value();
    return id;
}

// A node that is not anyPolicy. Those of anyPolicy hang on each other and on nothing else: a flag a
// depth says the same.
struct Node {
    const Oid* policy = nullptr;
    std::vector<std::size_t> parents;  // nodes of the depth above; none: its anyPolicy
};

// valid_policy_graph. Nodes without children are not pruned: only the deepest level is looked at
// until the end, and then those that lead to it are looked for.
class Graph {
public:
    // valid_policy_graph is NULL.
    bool empty() const { return level_.empty() && !level_has_any_; }
    std::size_t size() const { return size_; }
    bool has_any_policy() const { return level_has_any_; }

    // RFC 5280 6.1.3 (d), RFC 9618 5.3.
    void descend(const CertificatePolicies& policies, bool any_policy_counts) {
        PolicyMap<std::vector<std::size_t>> expected = expected_by_policy();
        const bool parent_has_any = level_has_any_;
        start_level();
        bool lists_any = false;
        for (const PolicyInformation& information : policies.policies) {
            const Oid& policy = information.policy;
            if (policy == any_policy()) {
                lists_any = true;
                continue;
            }
            const auto parents = expected.find(&policy);
            if (parents != expected.end())
                add(policy, std::move(parents->second));
            else if (parent_has_any)
                add(policy, {});
            if (is_full()) return;
        }
        if (!lists_any || !any_policy_counts) return;
        for (auto& [policy, parents] : expected) {
            add(*policy, std::move(parents));
            if (is_full()) return;
        }
        level_has_any_ = parent_has_any;
    }

    // RFC 5280 6.1.3 (e).
    void clear() { start_level(); }

    // RFC 5280 6.1.4 (b) (1). A policy that is not mapped stands for itself.
    void map(const PolicyMappings& mappings) {
        for (const PolicyMappings::Mapping& mapping : mappings.mappings) {
            const Oid& from = mapping.issuer_domain_policy;
            if (!level_.contains(&from)) {
                if (!level_has_any_) continue;
                add(from, {});
            }
            mapped_[&from].insert(&mapping.subject_domain_policy);
            ++size_;
            if (is_full()) return;
        }
    }

    // RFC 5280 6.1.4 (b) (2).
    void remove(const PolicyMappings& mappings) {
        for (const PolicyMappings::Mapping& mapping : mappings.mappings)
            level_.erase(&mapping.issuer_domain_policy);
    }

    bool is_full() const { return size_ > max_policy_nodes; }

    // authority_constrained_policy_set, RFC 9618 5.5 (g) (2) to (4): the nodes below anyPolicy that
    // lead to the deepest level.
    PolicySet authority_constrained() const {
        PolicySet set;
        std::vector<bool> leads(nodes_.size());
        for (const auto& [policy, number] : level_)
            leads[number] = true;
        for (std::size_t number = nodes_.size(); number-- > 0;) {
            if (!leads[number]) continue;
            const Node& node = nodes_[number];
            if (node.parents.empty()) set.insert(node.policy);
            for (const std::size_t parent : node.parents)
                leads[parent] = true;
        }
        if (level_has_any_) set.insert(&any_policy());
        return set;
    }

private:
    // Nodes of the deepest level by the policies of their expected_policy_set.
    PolicyMap<std::vector<std::size_t>> expected_by_policy() const {
        PolicyMap<std::vector<std::size_t>> expected;
        for (const auto& [policy, number] : level_) {
            const auto found = mapped_.find(policy);
            if (found == mapped_.end()) {
                expected[policy].push_back(number);
                continue;
            }
            for (const Oid* mapped : found->second)
                expected[mapped].push_back(number);
        }
        return expected;
    }

    void start_level() {
        level_.clear();
        mapped_.clear();
        level_has_any_ = false;
    }

    // Nothing where the policy has a node.
    void add(const Oid& policy, std::vector<std::size_t> parents) {
        if (!level_.try_emplace(&policy, nodes_.size()).second) return;
        size_ += 1 + parents.size();
        nodes_.push_back({&policy, std::move(parents)});
    }

    std::vector<Node> nodes_;  // parents in front of their children
    std::size_t size_ = 0;
    // The deepest level: its nodes, those whose expected_policy_set is not their own policy, and
    // whether it has a node of anyPolicy.
    PolicyMap<std::size_t> level_;
    PolicyMap<PolicySet> mapped_;
    bool level_has_any_ = true;
};

// The extensions of a certificate that have a say.
struct Policies {
    const Extension* certificate_policies = nullptr;
    const Extension* policy_mappings = nullptr;
    const Extension* policy_constraints = nullptr;
    const Extension* inhibit_any_policy = nullptr;
};

template <typename T>
const T* value_of(const Extension* extension) {
    return extension ? std::get_if<T>(&extension->value) : nullptr;
}

class Processor {
public:
    Processor(std::span<const Certificate* const> path, const PolicySettings& settings)
        : path_(path),
          settings_(settings),
          explicit_policy_(settings.explicit_policy ? 0 : path.size() + 1),
          policy_mapping_(settings.inhibit_mapping ? 0 : path.size() + 1),
          inhibit_any_policy_(settings.inhibit_any_policy ? 0 : path.size() + 1) {}

    PolicyResult process() {
        for (position_ = path_.size(); position_-- > 0;) {
            if (!take_extensions() || !process_certificate()) return std::move(result_);
            if (position_ > 0 && !prepare_for_next()) return std::move(result_);
        }
        position_ = 0;
        wrap_up();
        return std::move(result_);
    }

private:
    const Certificate& certificate() const { return *path_[position_]; }

    // At an extension, or where certificatePolicies should have been.
    bool fail(const Extension* extension, std::string detail) {
        result_.valid = false;
        result_.position = position_;
        result_.detail = std::move(detail);
        const Certificate& read = certificate();
        if (extension) {
            result_.place = extension->value_place;
            result_.field = fmt::format("tbsCertificate.extensions[{}].extnValue",
                                        extension - read.extensions.data());
        } else {
            result_.place = {read.extensions_place.offset, 0};
            result_.field = "tbsCertificate.extensions";
        }
        return false;
    }
    bool fail_for_want_of_policy(std::string detail) {
        return fail(extensions_.certificate_policies, std::move(detail));
    }
    bool fail_for_size(const Extension* extension) {
        return fail(extension,
                    fmt::format("the policies of the path make a graph of more than {} nodes and "
                                "edges",
                                max_policy_nodes));
    }

    // False where one cannot be read or has a negative number.
    bool take_extensions() {
        return take(extensions_.certificate_policies, "certificatePolicies") &&
               take(extensions_.policy_mappings, "policyMappings") &&
               take(extensions_.policy_constraints, "policyConstraints") &&
               take(extensions_.inhibit_any_policy, "inhibitAnyPolicy");
    }

    bool take(const Extension*& extension, std::string_view name) {
        extension = find_extension(certificate(), name);
        if (extension && extension->decode_error)
            return fail(extension, fmt::format("{} cannot be read: {}", name,
                                               extension->decode_error->reason));
        if (has_negative(extension))
            return fail(extension, fmt::format("{} has a negative number", name));
        return true;
    }

    static bool has_negative(const Extension* extension) {
        const auto negative = [](const std::optional<Integer>& number) {
            return number && number->negative();
        };
        if (const auto* constraints = value_of<PolicyConstraints>(extension))
            return negative(constraints->require_explicit_policy) ||
                   negative(constraints->inhibit_policy_mapping);
        const auto* inhibit = value_of<InhibitAnyPolicy>(extension);
        return inhibit && inhibit->skip_certs.negative();
    }

    // RFC 5280 6.1.3 (d) to (f).
    bool process_certificate() {
        const auto* policies = value_of<CertificatePolicies>(extensions_.certificate_policies);
        if (!policies) {
            graph_.clear();
        } else if (!graph_.empty()) {
            graph_.descend(*policies, inhibit_any_policy_ > 0 ||
                                          (position_ > 0 && is_self_issued(certificate())));
            if (graph_.is_full()) return fail_for_size(extensions_.certificate_policies);
        }
        if (explicit_policy_ == 0 && graph_.empty())
            return fail_for_want_of_policy("an explicit policy is required and none is left");
        return true;
    }

    // RFC 5280 6.1.4 (a), (b), (h) to (j).
    bool prepare_for_next() {
        if (const auto* mappings = value_of<PolicyMappings>(extensions_.policy_mappings)) {
            const auto is_any = [](const PolicyMappings::Mapping& mapping) {
                return mapping.issuer_domain_policy == any_policy() ||
                       mapping.subject_domain_policy == any_policy();
            };
            if (std::ranges::any_of(mappings->mappings, is_any))
                return fail(extensions_.policy_mappings, "anyPolicy is mapped");
            if (policy_mapping_ > 0)
                graph_.map(*mappings);
            else
                graph_.remove(*mappings);
            if (graph_.is_full()) return fail_for_size(extensions_.policy_mappings);
        }
        if (!is_self_issued(certificate())) {
            for (std::size_t* counter : {&explicit_policy_, &policy_mapping_, &inhibit_any_policy_})
                if (*counter > 0) --*counter;
        }
        if (const auto* constraints = value_of<PolicyConstraints>(extensions_.policy_constraints)) {
            lower(explicit_policy_, constraints->require_explicit_policy);
            lower(policy_mapping_, constraints->inhibit_policy_mapping);
        }
        if (const auto* inhibit = value_of<InhibitAnyPolicy>(extensions_.inhibit_any_policy))
            lower(inhibit_any_policy_, inhibit->skip_certs);
        return true;
    }

    static void lower(std::size_t& counter, const std::optional<Integer>& to) {
        const auto count = to ? to->small() : std::nullopt;  // one that does not fit never holds
        if (count && static_cast<std::uint64_t>(*count) < counter)
            counter = static_cast<std::size_t>(*count);
    }

    // RFC 5280 6.1.5 (a), (b) and (g), for the leaf.
    void wrap_up() {
        if (explicit_policy_ > 0) --explicit_policy_;
        if (const auto* constraints = value_of<PolicyConstraints>(extensions_.policy_constraints)) {
            if (constraints->require_explicit_policy &&
                constraints->require_explicit_policy->zero())
                explicit_policy_ = 0;
        }
        const PolicySet policies = user_constrained();
        if (policies.empty() && explicit_policy_ == 0) {
            fail_for_want_of_policy(graph_.empty()
                                        ? "an explicit policy is required and none is left"
                                        : "an explicit policy is required and none of those that "
                                          "are left was asked for");
            return;
        }
        for (const Oid* policy : policies)
            result_.policies.push_back(*policy);
    }

    // user_constrained_policy_set, RFC 9618 5.5 (g) (5) and (6).
    PolicySet user_constrained() const {
        if (graph_.empty()) return {};
        PolicySet authority = graph_.authority_constrained();
        PolicySet asked_for;
        for (const Oid& policy : settings_.user_initial_policies)
            asked_for.insert(&policy);
        if (asked_for.empty() || asked_for.contains(&any_policy())) return authority;
        if (authority.contains(&any_policy())) return asked_for;
        PolicySet both;
        for (const Oid* policy : asked_for)
            if (authority.contains(policy)) both.insert(policy);
        return both;
    }

    std::span<const Certificate* const> path_;
    const PolicySettings& settings_;
    Graph graph_;
    // Non-self-issued certificates that may follow before each of them holds.
    std::size_t explicit_policy_;
    std::size_t policy_mapping_;
    std::size_t inhibit_any_policy_;
    std::size_t position_ = 0;
    Policies extensions_;  // of the certificate at position_
    PolicyResult result_;
};

}  // namespace

PolicyResult process_policies(std::span<const Certificate* const> path,
                              const PolicySettings& settings) {
    return Processor(path, settings).process();
}

}  // namespace handset::x509
