#include "handshake/x509/policies.h"

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <list>
#include <map>
#include <random>
#include <set>
#include <sstream>

#include "tests/x509/der_builder.h"

namespace handset::x509 {
namespace {

using build::context;
using build::hex;
using build::join;
using build::oid;
using build::seq;
using build::tlv;

// A path is written from the anchor's side, certificates apart by '|':
//   A B      policies of its certificatePolicies, '*' for anyPolicy
//   none     no certificatePolicies (else the extension is there, if need be without a policy)
//   A>B      policyMappings, issuer's domain to subject's
//   e0 m0    requireExplicitPolicy and inhibitPolicyMapping of its policyConstraints
//   i0       inhibitAnyPolicy
//   self     self-issued
struct Written {
    std::optional<std::vector<char>> policies;
    std::vector<std::pair<char, char>> mappings;
    std::optional<int> require_explicit_policy;
    std::optional<int> inhibit_policy_mapping;
    std::optional<int> inhibit_any_policy;
    bool self_issued = false;
};

Written written_certificate(const std::string& text) {
    Written out;
    out.policies.emplace();
    std::istringstream words(text);
    for (std::string word; words >> word;) {
        if (word == "none") {
            out.policies.reset();
        } else if (word == "self") {
            out.self_issued = true;
        } else if (word.size() == 1) {
            out.policies->push_back(word[0]);
        } else if (word[1] == '>') {
            out.mappings.emplace_back(word.at(0), word.at(2));
        } else {
            const int number = std::stoi(word.substr(1));
            if (word[0] == 'e') out.require_explicit_policy = number;
            if (word[0] == 'm') out.inhibit_policy_mapping = number;
            if (word[0] == 'i') out.inhibit_any_policy = number;
        }
    }
    return out;
}

// Anchor's side first.
std::vector<Written> written_path(const std::string& text) {
    std::vector<Written> path;
    std::istringstream certificates(text);
    for (std::string certificate; std::getline(certificates, certificate, '|');)
        path.push_back(written_certificate(certificate));
    return path;
}

std::string dotted(char policy) {
    return policy == '*' ? "anyPolicy" : fmt::format("1.2.3.{}", policy - 'A');
}

Bytes integer(int value) {
    return Bytes{static_cast<std::uint8_t>(value)};
}

Certificate built(const Written& written, std::size_t number) {
    build::CertificateParts parts;
    parts.issuer = build::common_name(fmt::format("CA {}", number));
    parts.subject =
        written.self_issued ? parts.issuer : build::common_name(fmt::format("CA {}", number + 1));
    if (written.policies) {
        Bytes policies;
        for (const char policy : *written.policies)
            append(policies, seq({oid(dotted(policy))}));
        append(parts.extensions, build::extension("certificatePolicies", tlv(0x30, policies)));
    }
    if (!written.mappings.empty()) {
        Bytes mappings;
        for (const auto& [from, to] : written.mappings)
            append(mappings, seq({oid(dotted(from)), oid(dotted(to))}));
        append(parts.extensions, build::extension("policyMappings", tlv(0x30, mappings)));
    }
    if (written.require_explicit_policy || written.inhibit_policy_mapping) {
        Bytes contents;
        if (written.require_explicit_policy)
            append(contents, context(0, integer(*written.require_explicit_policy)));
        if (written.inhibit_policy_mapping)
            append(contents, context(1, integer(*written.inhibit_policy_mapping)));
        append(parts.extensions, build::extension("policyConstraints", tlv(0x30, contents)));
    }
    if (written.inhibit_any_policy)
        append(parts.extensions, build::extension("inhibitAnyPolicy",
                                                  tlv(0x02, integer(*written.inhibit_any_policy))));
    return build::decode(parts);
}

// Leaf first.
std::vector<Certificate> built_path(const std::vector<Written>& written) {
    std::vector<Certificate> path;
    for (std::size_t i = 0; i < written.size(); ++i)
        path.insert(path.begin(), built(written[i], i));
    return path;
}

// "e": initial-explicit-policy, "m": initial-policy-mapping-inhibit, "i":
// initial-any-policy-inhibit, "A": one of user-initial-policy-set.
PolicySettings written_settings(const std::string& text) {
    PolicySettings settings;
    std::istringstream words(text);
    for (std::string word; words >> word;) {
        if (word == "e")
            settings.explicit_policy = true;
        else if (word == "m")
            settings.inhibit_mapping = true;
        else if (word == "i")
            settings.inhibit_any_policy = true;
        else
            settings.user_initial_policies.push_back(oid_from_name(dotted(word.at(0))).value());
    }
    return settings;
}

PolicyResult process(const std::vector<Certificate>& path, const PolicySettings& settings = {}) {
    std::vector<const Certificate*> borrowed;
    for (const Certificate& certificate : path)
        borrowed.push_back(&certificate);
    return process_policies(borrowed, settings);
}

// "valid: A B", "valid:", or "fails at 0", counted from the leaf.
std::string outcome(const PolicyResult& result) {
    if (!result.valid) {
        CHECK_FALSE(result.detail.empty());
        CHECK_FALSE(result.field.empty());
        CHECK(result.policies.empty());
        return fmt::format("fails at {}", result.position);
    }
    std::string text = "valid:";
    for (char policy = 'A'; policy <= 'Z'; ++policy) {
        const Oid id = oid_from_name(dotted(policy)).value();
        if (std::ranges::find(result.policies, id) != result.policies.end())
            text += fmt::format(" {}", policy);
    }
    const Oid any = oid_from_name("anyPolicy").value();
    if (std::ranges::find(result.policies, any) != result.policies.end()) text += " *";
    return text;
}

struct Row {
    std::string path;
    std::string settings;
    std::string expected;
};

void check(const Row& row) {
    CAPTURE(row.path, row.settings);
    CHECK(outcome(process(built_path(written_path(row.path)), written_settings(row.settings))) ==
          row.expected);
}

// The topics of NIST PKITS 4.8 to 4.12, in paths of our own.

TEST_CASE("a policy is valid when every certificate has it") {
    const Row rows[] = {
        {"A|A|A", "", "valid: A"},
        {"A|A|A", "e", "valid: A"},
        {"A|A|A", "e A", "valid: A"},
        {"A|A|A", "e B", "fails at 0"},
        {"A|A|A", "e A B", "valid: A"},
        {"A|A|A", "e *", "valid: A"},
        {"A|A|A", "e B *", "valid: A"},
        {"A|A|A", "B", "valid:"},  // nobody requires one
        {"A B|A B|A B", "e", "valid: A B"},
        {"A B|A B|A B", "e B", "valid: B"},
        {"A B|A|A", "e", "valid: A"},
        {"A|A B|A B C", "e", "valid: A"},
        {"A B|B C|C D", "", "valid:"},
        {"A B|B C|C D", "e", "fails at 0"},
        {"A|B|A", "e", "fails at 1"},
        {"A|A|B", "", "valid:"},
        {"A|A|B", "e", "fails at 0"},
        {"none|none|none", "", "valid:"},
        {"none|none|none", "e", "fails at 2"},
        {"none|A|A", "e", "fails at 2"},
        {"A|none|A", "e", "fails at 1"},
        {"A|A|none", "e", "fails at 0"},
        {"A|A|none", "", "valid:"},
        {"|A|A", "", "valid:"},  // an extension without a policy
        {"|A|A", "e", "fails at 2"},
        {"A", "e", "valid: A"},
        {"none", "", "valid:"},
        {"none", "e", "fails at 0"},
        {"A A|A A", "e", "valid: A"},  // stands there twice
    };
    for (const Row& row : rows)
        check(row);
}

TEST_CASE("anyPolicy stands for every policy") {
    const Row rows[] = {
        {"*|*|*", "e", "valid: *"},         {"*|*|*", "e A B", "valid: A B"},
        {"*|A|A", "e", "valid: A"},         {"A|*|A", "e", "valid: A"},
        {"A|A|*", "e", "valid: A"},         {"A|*|*", "e", "valid: A"},
        {"A|*|B", "e", "fails at 0"},       {"A *|A *|B", "e", "valid: B"},
        {"A *|*|A", "e", "valid: A"},       {"* A|* A|* A", "e", "valid: A *"},
        {"* A|* A|* A", "e B", "valid: B"}, {"* A|* A|* A", "e A C", "valid: A C"},
        {"A B|*|A B C", "e", "valid: A B"},
    };
    for (const Row& row : rows)
        check(row);
}

TEST_CASE("requireExplicitPolicy holds after so many certificates") {
    const Row rows[] = {
        {"A e10|A|A|A|none", "", "valid:"},
        {"A e4|A|A|A|none", "", "fails at 0"},
        {"A e5|A|A|A|none", "", "valid:"},
        {"A e0|A|A", "", "valid: A"},
        {"A e0|none|A", "", "fails at 1"},
        {"A e1|none|A", "", "fails at 0"},
        {"A e2|none|A", "", "fails at 0"},  // the leaf counts it down to 0
        {"A e3|none|A", "", "valid:"},
        {"A e7|A e2|none|none|none", "", "fails at 0"},
        {"A e1|A e7|none|none", "", "fails at 1"},
        {"none|none|none e0", "", "fails at 0"},  // on the leaf, 0 alone counts
        {"none|none|none e1", "", "valid:"},
        {"A|A|A e0", "", "valid: A"},
        {"A|A|A e0", "B", "fails at 0"},
        {"none e0", "", "fails at 0"},
        {"A e0|A", "", "valid: A"},
        // Self-issued certificates do not count, but for the leaf.
        {"A e2|none self|none self|none", "", "valid:"},
        {"A e1|none self|none self|none", "", "fails at 0"},
        {"A e2|none self|none|none self", "", "fails at 0"},
        {"A e1|none self|none|none", "", "fails at 0"},
    };
    for (const Row& row : rows)
        check(row);
}

TEST_CASE("policyMappings lead from the issuer's policy to the subject's") {
    const Row rows[] = {
        {"A A>B|B", "e", "valid: A"},
        {"A A>B|B", "e A", "valid: A"},
        {"A A>B|B", "e B", "fails at 0"},
        {"A A>B|A", "e", "fails at 0"},
        {"A A>B|A", "", "valid:"},
        {"A A>B|B", "e m", "fails at 0"},
        {"A A>B|A", "e m", "fails at 0"},  // the mapped policy goes
        {"A A>B A>C|C", "e", "valid: A"},
        {"A A>B A>C|B C", "e", "valid: A"},
        {"A A>A|A", "e", "valid: A"},
        {"A B A>C B>C|C", "e", "valid: A B"},
        {"A B A>C B>C|C", "e B", "valid: B"},
        {"A B A>B B>A|A", "e", "valid: B"},
        {"A B A>B B>A|A B", "e A", "valid: A"},
        {"A B A>C|B C", "e", "valid: A B"},
        {"A A>B|B B>C|C", "e", "valid: A"},
        {"A A>B|B B>C|B", "e", "fails at 0"},
        {"A A>B|* B>C|C", "e", "valid: A"},
        {"A B>C|C", "e", "fails at 0"},  // of a policy that is not there
        {"A B>C|A", "e", "valid: A"},
        {"none A>B|B", "e", "fails at 1"},
        // Of a policy that is there as anyPolicy.
        {"* A>B|B", "e", "valid: A"},
        {"* A>B|B C", "e", "valid: A C"},
        {"* A>B|A", "e", "valid: A"},  // anyPolicy still stands for A of the leaf's domain
        {"* A>B|*", "e", "valid: A *"},
        {"* A>B|B", "e B", "fails at 0"},
        {"A|* A>B|B", "e", "valid: A"},
        // anyPolicy itself cannot be mapped.
        {"A *>A|A", "", "fails at 1"},
        {"A A>*|A", "", "fails at 1"},
        {"A|A A>B A>*|B", "", "fails at 1"},
        {"none *>A|A", "", "fails at 1"},
        {"* *>*|*", "", "fails at 1"},
        {"A|A *>A", "e", "valid: A"},  // on the leaf nothing is mapped
    };
    for (const Row& row : rows)
        check(row);
}

TEST_CASE("inhibitPolicyMapping ends mapping after so many certificates") {
    const Row rows[] = {
        {"A m0|A A>B|B", "e", "fails at 0"},
        {"A m0|A A>B|A", "e", "fails at 0"},
        {"A m1|A A>B|B", "e", "valid: A"},
        {"A m1|A A>B|B B>C|C", "e", "fails at 0"},
        {"A m2|A A>B|B B>C|C", "e", "valid: A"},
        {"A m5|A m0|A A>B|B", "e", "fails at 0"},
        {"A m0|A m5|A A>B|B", "e", "fails at 0"},
        {"A B m0|A B A>C|B", "e", "valid: B"},
        {"A m0 A>B|B", "e", "valid: A"},  // its own mapping is older than it
        {"A m1|A self|A A>B|B", "e", "valid: A"},
        {"A m1|A self|A|A A>B|B", "e", "fails at 0"},
        {"A m0|A self A>B|B", "e", "fails at 0"},
        {"* m0|* A>B|A", "e", "valid: A"},  // no node of A to be removed
    };
    for (const Row& row : rows)
        check(row);
}

TEST_CASE("inhibitAnyPolicy ends anyPolicy after so many certificates") {
    const Row rows[] = {
        {"A i0|*", "e", "fails at 0"},
        {"A i0|A", "e", "valid: A"},
        {"A i0|A *", "e", "valid: A"},
        {"* i0|A", "e", "valid: A"},  // its own anyPolicy is older than it
        {"* i0|*", "e", "fails at 0"},
        {"A i1|*|*", "e", "fails at 0"},
        {"A i1|*|A", "e", "valid: A"},
        {"A i5|A i0|*", "e", "fails at 0"},
        {"A i0|A i5|*", "e", "fails at 0"},
        {"A|A|*", "e i", "fails at 0"},
        {"*|A|A", "e i", "fails at 2"},
        {"A i100|*|*", "e", "valid: A"},
        // Self-issued certificates may use it, but for the leaf.
        {"A i0|* self|A", "e", "valid: A"},
        {"A i0|* self", "e", "fails at 0"},
        {"A i1|A self|*|A", "e", "valid: A"},
        {"A i1|A self|*|*", "e", "fails at 0"},
        {"A i0|* self|*", "e", "fails at 0"},
    };
    for (const Row& row : rows)
        check(row);
}

// --- places -------------------------------------------------------------------------------------

TEST_CASE("a failure points at the extension") {
    const auto path = built_path(written_path("A e0|B|B"));
    const PolicyResult result = process(path);
    REQUIRE_FALSE(result.valid);
    CHECK(result.position == 1);
    CHECK(result.field == "tbsCertificate.extensions[0].extnValue");
    CHECK(to_hex(path[1].at(result.place)) == to_hex(seq({seq({oid("1.2.3.1")})})));
    CHECK(result.detail == "an explicit policy is required and none is left");

    const auto absent = built_path(written_path("A e0|none|A"));
    const PolicyResult at_nothing = process(absent);
    REQUIRE_FALSE(at_nothing.valid);
    CHECK(at_nothing.field == "tbsCertificate.extensions");
    CHECK(at_nothing.place == Place{absent[1].extensions_place.offset, 0});

    const auto mapped = built_path(written_path("A A>*|A"));
    const PolicyResult at_mapping = process(mapped);
    REQUIRE_FALSE(at_mapping.valid);
    CHECK(at_mapping.position == 1);
    CHECK(at_mapping.field == "tbsCertificate.extensions[1].extnValue");
    CHECK(at_mapping.detail == "anyPolicy is mapped");

    const PolicyResult not_asked_for = process(path, written_settings("e C"));
    CHECK(not_asked_for.position == 1);
    const PolicyResult none_of_them =
        process(built_path(written_path("A|A")), written_settings("e C"));
    CHECK(none_of_them.position == 0);
    CHECK(none_of_them.detail ==
          "an explicit policy is required and none of those that are left was asked for");
}

// A path of two; `extension` stands in the CA or in the leaf.
PolicyResult with_extension(std::string_view id, const Bytes& value, bool on_leaf) {
    build::CertificateParts parts;
    parts.issuer = build::common_name("Root");
    parts.subject = build::common_name("CA");
    const Bytes policies = build::extension("certificatePolicies", seq({seq({oid("1.2.3.0")})}));
    const Bytes more = build::extension(id, value);
    parts.extensions = on_leaf ? policies : join({more, policies});
    const Certificate ca = build::decode(parts);
    parts.issuer = parts.subject;
    parts.subject = build::common_name("leaf");
    parts.extensions = on_leaf ? join({more, policies}) : policies;
    return process({build::decode(parts), ca}, written_settings("e"));
}

TEST_CASE("an extension that cannot be read or has a negative number fails, wherever it stands") {
    const std::pair<std::string_view, Bytes> bad[] = {
        {"certificatePolicies", hex("0500")},
        {"certificatePolicies", hex("3005 3003 0605 2a")},
        {"policyMappings", hex("3003 020100")},
        {"policyMappings", seq({seq({oid("1.2.3")})})},
        {"policyConstraints", hex("0500")},
        {"policyConstraints", hex("3003 8001ff")},
        {"policyConstraints", hex("3003 8101ff")},
        {"inhibitAnyPolicy", hex("3000")},
        {"inhibitAnyPolicy", hex("0201ff")},
    };
    for (const auto& [id, value] : bad) {
        CAPTURE(id, to_hex(value));
        for (const bool on_leaf : {true, false}) {
            const PolicyResult result = with_extension(id, value, on_leaf);
            CHECK_FALSE(result.valid);
            CHECK(result.position == (on_leaf ? 0 : 1));
            CHECK(result.field == "tbsCertificate.extensions[0].extnValue");
            CHECK(result.detail.starts_with(id));
        }
    }
}

TEST_CASE("an extension that says nothing, or a number beyond every path, changes nothing") {
    const std::pair<std::string_view, Bytes> harmless[] = {
        {"policyMappings", seq({})},
        {"policyConstraints", seq({})},
        {"policyConstraints", seq({context(0, hex("7fffffffffffffff"))})},
        {"policyConstraints", seq({context(0, hex("00ffffffffffffffffffffffff"))})},
        {"policyConstraints", seq({context(1, hex("00ffffffffffffffffffffffff"))})},
        {"inhibitAnyPolicy", tlv(0x02, hex("00ffffffffffffffffffffffff"))},
    };
    for (const auto& [id, value] : harmless) {
        CAPTURE(id, to_hex(value));
        CHECK(outcome(with_extension(id, value, false)) == "valid: A");
        CHECK(outcome(with_extension(id, value, true)) == "valid: A");
    }
}

// --- against RFC 5280 to the letter -------------------------------------------------------------

// The tree of RFC 5280 6.1.2 to 6.1.5, step by step, which may grow without bounds.
struct TreeNode {
    char policy = '*';
    std::set<char> expected{'*'};
    TreeNode* parent = nullptr;
    std::list<TreeNode> children;
};

class Tree {
public:
    std::optional<std::list<TreeNode>> root{std::in_place, 1};

    std::vector<TreeNode*> at(std::size_t depth) {
        std::vector<TreeNode*> nodes;
        if (root) collect(root->front(), depth, nodes);
        return nodes;
    }
    static void add(TreeNode& parent, char policy, std::set<char> expected) {
        parent.children.push_back({policy, std::move(expected), &parent, {}});
    }
    static void remove(TreeNode& node) {
        node.parent->children.remove_if([&](const TreeNode& child) { return &child == &node; });
    }
    // Nodes above `depth` without children go.
    void prune(std::size_t depth) {
        for (std::size_t d = depth; d-- > 0;) {
            for (TreeNode* node : at(d)) {
                if (!node->children.empty()) continue;
                if (node->parent)
                    remove(*node);
                else
                    root.reset();
            }
        }
    }

private:
    static void collect(TreeNode& node, std::size_t depth, std::vector<TreeNode*>& nodes) {
        if (depth == 0) return nodes.push_back(&node);
        for (TreeNode& child : node.children)
            collect(child, depth - 1, nodes);
    }
};

std::string by_the_letter(const std::vector<Written>& path, const PolicySettings& settings,
                          std::set<char> user_policies) {
    const int n = static_cast<int>(path.size());
    Tree tree;
    int explicit_policy = settings.explicit_policy ? 0 : n + 1;
    int policy_mapping = settings.inhibit_mapping ? 0 : n + 1;
    int inhibit_any_policy = settings.inhibit_any_policy ? 0 : n + 1;
    if (user_policies.empty()) user_policies = {'*'};
    for (int i = 1; i <= n; ++i) {
        const Written& read = path[static_cast<std::size_t>(i - 1)];
        const auto depth = static_cast<std::size_t>(i);
        const std::string failure = fmt::format("fails at {}", n - i);
        if (read.policies && tree.root) {  // 6.1.3 (d)
            const auto parents = tree.at(depth - 1);
            for (const char policy : *read.policies) {
                if (policy == '*') continue;
                bool matched = false;  // (1) (i)
                for (TreeNode* parent : parents) {
                    if (!parent->expected.contains(policy)) continue;
                    Tree::add(*parent, policy, {policy});
                    matched = true;
                }
                for (TreeNode* parent : parents)  // (1) (ii)
                    if (!matched && parent->policy == '*') Tree::add(*parent, policy, {policy});
            }
            if (std::ranges::count(*read.policies, '*') > 0 &&
                (inhibit_any_policy > 0 || (i < n && read.self_issued))) {  // (2)
                for (TreeNode* parent : parents) {
                    for (const char policy : parent->expected) {
                        const bool has_child = std::ranges::any_of(
                            parent->children,
                            [policy](const TreeNode& child) { return child.policy == policy; });
                        if (!has_child) Tree::add(*parent, policy, {policy});
                    }
                }
            }
            tree.prune(depth);  // (3)
        }
        if (!read.policies) tree.root.reset();                   // (e)
        if (explicit_policy == 0 && !tree.root) return failure;  // (f)
        if (i == n) break;
        std::map<char, std::set<char>> mappings;
        for (const auto& [from, to] : read.mappings) {  // 6.1.4 (a)
            if (from == '*' || to == '*') return failure;
            mappings[from].insert(to);
        }
        for (const auto& [from, to] : mappings) {  // (b)
            bool found = false;
            std::vector<TreeNode*> any_parents;
            for (TreeNode* node : tree.at(depth)) {
                if (node->policy == '*') any_parents.push_back(node->parent);
                if (node->policy != from) continue;
                found = true;
                if (policy_mapping > 0)
                    node->expected = to;
                else
                    Tree::remove(*node);
            }
            for (TreeNode* parent : any_parents)
                if (policy_mapping > 0 && !found) Tree::add(*parent, from, to);
            if (policy_mapping == 0) tree.prune(depth);
        }
        if (!read.self_issued) {  // (h)
            explicit_policy = std::max(0, explicit_policy - 1);
            policy_mapping = std::max(0, policy_mapping - 1);
            inhibit_any_policy = std::max(0, inhibit_any_policy - 1);
        }
        // (i), (j)
        explicit_policy = std::min(explicit_policy, read.require_explicit_policy.value_or(n + 1));
        policy_mapping = std::min(policy_mapping, read.inhibit_policy_mapping.value_or(n + 1));
        inhibit_any_policy = std::min(inhibit_any_policy, read.inhibit_any_policy.value_or(n + 1));
    }
    explicit_policy = std::max(0, explicit_policy - 1);                 // 6.1.5 (a)
    if (path.back().require_explicit_policy == 0) explicit_policy = 0;  // (b)
    std::set<char> policies;                                            // (g)
    for (std::size_t depth = 1; depth <= path.size(); ++depth) {
        for (const TreeNode* node : tree.at(depth)) {
            if (node->parent->policy != '*') continue;
            if (node->policy != '*' || depth == path.size()) policies.insert(node->policy);
        }
    }
    if (!user_policies.contains('*')) {
        const bool any = policies.contains('*');
        std::erase_if(policies, [&](char policy) { return !user_policies.contains(policy); });
        if (any) policies.insert(user_policies.begin(), user_policies.end());
    }
    if (explicit_policy == 0 && policies.empty()) return "fails at 0";
    std::string text = "valid:";
    const bool any = policies.erase('*') > 0;
    for (const char policy : policies)
        text += fmt::format(" {}", policy);
    return any ? text + " *" : text;
}

TEST_CASE("the graph answers as the tree of RFC 5280 does") {
    std::mt19937 random(5'280);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same every time
    const auto below = [&random](unsigned count) {
        return static_cast<unsigned>(random() % count);
    };
    const auto one_in = [&below](unsigned count) { return below(count) == 0; };
    const auto policy = [&below] { return static_cast<char>('A' + below(4)); };
    std::map<std::string, std::size_t> answers;
    for (int round = 0; round < 1'500; ++round) {
        std::vector<Written> path(1 + below(5));
        for (Written& certificate : path) {
            certificate.self_issued = one_in(5);
            if (!one_in(12)) certificate.policies.emplace();
            for (unsigned i = below(4); certificate.policies && i > 0; --i) {
                const char next = one_in(3) ? '*' : policy();
                if (std::ranges::count(*certificate.policies, next) == 0)
                    certificate.policies->push_back(next);
            }
            for (unsigned i = one_in(3) ? 1 + below(3) : 0; i > 0; --i)
                certificate.mappings.emplace_back(policy(), one_in(40) ? '*' : policy());
            const auto number = [&] {
                return one_in(6) ? std::optional<int>(below(3)) : std::nullopt;
            };
            certificate.require_explicit_policy = number();
            certificate.inhibit_policy_mapping = number();
            certificate.inhibit_any_policy = number();
        }
        PolicySettings settings;
        settings.explicit_policy = one_in(2);
        settings.inhibit_mapping = one_in(6);
        settings.inhibit_any_policy = one_in(6);
        std::set<char> user_policies;
        for (unsigned i = one_in(2) ? 1 + below(2) : 0; i > 0; --i) {
            user_policies.insert(policy());
        }
        for (const char wanted : user_policies)
            settings.user_initial_policies.push_back(oid_from_name(dotted(wanted)).value());
        const std::string expected = by_the_letter(path, settings, user_policies);
        const std::string found = outcome(process(built_path(path), settings));
        CAPTURE(round);
        REQUIRE(found == expected);
        ++answers[expected.substr(0, 5) == "valid" ? "valid" : expected];
    }
    CHECK(answers["valid"] > 400);
    CHECK(answers["fails at 0"] > 200);
    CHECK(answers["fails at 1"] > 50);
}

// --- limits -------------------------------------------------------------------------------------

Oid numbered(std::size_t number) {
    return oid_from_dotted(fmt::format("1.2.3.{}", number)).value();
}

Extension extension(std::string_view id, ExtensionValue value) {
    Extension out;
    out.id = oid_from_name(id).value();
    out.value = std::move(value);
    return out;
}

CertificatePolicies policies_from_to(std::size_t begin, std::size_t end) {
    CertificatePolicies out;
    for (std::size_t i = begin; i < end; ++i)
        out.policies.push_back({numbered(i), {}, {}});
    return out;
}

TEST_CASE("a graph that grows too large makes the path invalid") {
    Certificate each;
    each.subject.raw = hex("01");
    each.issuer.raw = hex("02");
    each.extensions = {extension("certificatePolicies", policies_from_to(0, 10'000))};
    std::vector<const Certificate*> path(200, &each);
    const PolicyResult result = process_policies(path, {});
    CHECK_FALSE(result.valid);
    // Each certificate has a node and an edge for each policy; the first hangs on anyPolicy.
    CHECK(result.position == 200 - (1 + max_policy_nodes / 20'000));
    CHECK(result.detail.find("100000 nodes") != std::string::npos);

    path.resize(5);
    CHECK(process_policies(path, {}).policies.size() == 10'000);
}

TEST_CASE("mappings of every policy to every policy stay within bounds") {
    // The tree of RFC 5280 would have 10 to the power of the depth nodes.
    PolicyMappings mappings;
    for (std::size_t from = 0; from < 10; ++from)
        for (std::size_t to = 0; to < 10; ++to)
            mappings.mappings.push_back({numbered(from), numbered(to)});
    Certificate each;
    each.subject.raw = hex("01");
    each.issuer.raw = hex("02");
    each.extensions = {extension("certificatePolicies", policies_from_to(0, 10)),
                       extension("policyMappings", mappings)};
    std::vector<const Certificate*> path(200, &each);
    const PolicyResult result = process_policies(path, {});
    CHECK(result.valid);
    CHECK(result.policies.size() == 10);
}

TEST_CASE("mappings of policies that are nowhere cost no nodes") {
    PolicyMappings mappings;
    for (std::size_t i = 0; i < 10'000; ++i)
        mappings.mappings.push_back({numbered(i), numbered(i)});
    Certificate each;
    each.subject.raw = hex("01");
    each.issuer.raw = hex("02");
    each.extensions = {extension("certificatePolicies", policies_from_to(20'000, 20'001)),
                       extension("policyMappings", mappings)};
    const std::vector<const Certificate*> path(200, &each);
    const PolicyResult result = process_policies(path, {});
    CHECK(result.valid);
    CHECK(result.policies == std::vector{numbered(20'000)});
}

}  // namespace
}  // namespace handset::x509
