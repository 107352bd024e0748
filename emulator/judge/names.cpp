#include "emulator/judge/names.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <idn2.h>
#include <libpsl.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "emulator/device/words.h"

namespace handset::judge {

namespace {

using device::CnRule;
using device::CnWhich;
using device::EmbeddedNul;
using device::IpRule;
using device::MsstdRule;
using device::SanRule;
using device::TrailingDot;
using device::Wildcard;

// --- text ---------------------------------------------------------------------------------------

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

std::string fold(std::string_view text) {
    std::string folded(text);
    std::ranges::transform(folded, folded.begin(), lower);
    return folded;
}

bool equal_folded(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, lower, lower);
}

bool has(std::string_view text, char c) {
    return text.find(c) != std::string_view::npos;
}

bool is_a_label(std::string_view label) {
    return equal_folded(label.substr(0, 4), "xn--");
}

// Takes the last label off; nullopt remains when it was the only one.
std::string_view take_last_label(std::optional<std::string_view>& name) {
    const std::size_t dot = name->rfind('.');
    const std::string_view label = name->substr(dot + 1);
    if (dot == std::string_view::npos) {
        name.reset();
    } else {
        name->remove_suffix(name->size() - dot);
    }
    return label;
}

// --- wildcards ----------------------------------------------------------------------------------

// '*' stands for any octets, none included. Linear, however many there are.
bool glob(std::string_view pattern, std::string_view text) {
    const std::size_t first = pattern.find('*');
    if (first == std::string_view::npos) return pattern == text;
    const std::size_t last = pattern.rfind('*');
    const std::string_view head = pattern.substr(0, first);
    const std::string_view tail = pattern.substr(last + 1);
    if (text.size() < head.size() + tail.size() || !text.starts_with(head) ||
        !text.ends_with(tail)) {
        return false;
    }
    text = text.substr(head.size(), text.size() - head.size() - tail.size());
    pattern = pattern.substr(first, last - first);
    while (!pattern.empty()) {
        pattern.remove_prefix(1);  // the '*'
        const std::string_view piece = pattern.substr(0, pattern.find('*'));
        pattern.remove_prefix(piece.size());
        // std::string_view::find is not linear.
        const void* found = memmem(text.data(), text.size(), piece.data(), piece.size());
        if (found == nullptr) return false;
        text.remove_prefix(static_cast<std::size_t>(static_cast<const char*>(found) - text.data()) +
                           piece.size());
    }
    return true;
}

// What the '*' of a name stood for.
enum class Hit {
    none,  // it does not match
    labels,
    a_label  // an A-label among them
};
Hit hit_if(bool matched, std::string_view label) {
    if (!matched) return Hit::none;
    return is_a_label(label) ? Hit::a_label : Hit::labels;
}

Hit hit_leftmost_label(std::string_view name, std::string_view host) {
    const std::size_t dot = std::min(host.find('.'), host.size());
    return hit_if(name.starts_with("*.") && !has(name.substr(1), '*') && dot > 0 &&
                      host.substr(dot) == name.substr(1),
                  host.substr(0, dot));
}

Hit hit_label_or_bare(std::string_view name, std::string_view host) {
    if (name.starts_with("*.") && !has(name.substr(1), '*') && name.substr(2) == host) {
        return Hit::labels;
    }
    return hit_leftmost_label(name, host);
}

Hit hit_partial_label(std::string_view name, std::string_view host) {
    const std::size_t star = name.find('*');
    const std::size_t name_dot = name.find('.');
    const std::size_t host_dot = host.find('.');
    if (name_dot == std::string_view::npos || host_dot == std::string_view::npos ||
        name.rfind('*') != star || name.substr(name_dot) != host.substr(host_dot)) {
        return Hit::none;
    }
    const std::string_view label = host.substr(0, host_dot);
    const bool whole = star == 0 && name_dot == 1;
    return hit_if(whole ? !label.empty() : glob(name.substr(0, name_dot), label), label);
}

// Label by label from the right; labels of the host left over on the left match too.
Hit hit_any_label(std::string_view name, std::string_view host) {
    bool a_label = false;
    std::optional<std::string_view> name_left = name;
    std::optional<std::string_view> host_left = host;
    while (name_left) {
        if (!host_left) return Hit::none;
        const std::string_view pattern = take_last_label(name_left);
        const std::string_view label = take_last_label(host_left);
        if (!glob(pattern, label)) return Hit::none;
        if (has(pattern, '*') && is_a_label(label)) a_label = true;
    }
    while (host_left) {
        if (is_a_label(take_last_label(host_left))) a_label = true;
    }
    return a_label ? Hit::a_label : Hit::labels;
}

bool have_as_many_labels(std::string_view a, std::string_view b) {
    return std::ranges::count(a, '.') == std::ranges::count(b, '.');
}

Hit hit_suffix(std::string_view name, std::string_view host) {
    if (!name.starts_with('*') || has(name.substr(1), '*') || host.size() < name.size() ||
        !host.ends_with(name.substr(1))) {
        return Hit::none;
    }
    const std::size_t stood_for = host.size() - (name.size() - 1);
    for (std::size_t begin = 0; begin < stood_for;) {
        if (is_a_label(host.substr(begin))) return Hit::a_label;
        const std::size_t dot = host.find('.', begin);
        if (dot == std::string_view::npos) break;
        begin = dot + 1;
    }
    return Hit::labels;
}

// `name` holds a '*'. Octets are compared as they are.
Hit hit(std::string_view name, std::string_view host, Wildcard wildcard) {
    switch (wildcard) {
        case Wildcard::none:
            return Hit::none;
        case Wildcard::leftmost_label:
            return hit_leftmost_label(name, host);
        case Wildcard::any_label:
            return hit_any_label(name, host);
        case Wildcard::each_label:
            return have_as_many_labels(name, host) ? hit(name, host, Wildcard::any_label)
                                                   : Hit::none;
        case Wildcard::suffix:
            return hit_suffix(name, host);
        case Wildcard::partial_label:
            return hit_partial_label(name, host);
        case Wildcard::label_or_bare:
            return hit_label_or_bare(name, host);
    }
    return Hit::none;
}

std::string_view right_of_wildcard(std::string_view name) {
    const std::size_t dot = name.find('.', name.rfind('*'));
    return dot == std::string_view::npos ? std::string_view{} : name.substr(dot + 1);
}

std::size_t count_labels(std::string_view name) {
    std::size_t count = 0;
    for (std::optional<std::string_view> left = name; left;) {
        if (!take_last_label(left).empty()) ++count;
    }
    return count;
}

// In small letters, as the list is.
bool is_public_suffix(std::string_view name) {
    while (name.starts_with('.'))
        name.remove_prefix(1);
    while (name.ends_with('.'))
        name.remove_suffix(1);
    if (name.empty()) return true;  // the root
    return psl_is_public_suffix2(psl_builtin(), std::string(name).c_str(), PSL_TYPE_ICANN) != 0;
}

// --- ways to handle the fine rules --------------------------------------------------------------

// Rules with two ways each, so that all their combinations fit into one word: bit i stands for the
// way that is lenient in rule f where bit f of i is set. A set of ways is a word.
using Ways = std::uint64_t;
enum Fine : std::size_t {
    fewer_labels,       // the lower demand of wildcard_min_labels
    on_public_suffix,   // public_suffix_wildcard
    for_a_label,        // wildcard_matches_a_label
    in_any_case,        // not case_sensitive
    dot_ignored,        // trailing_dot_ignored
    nul_ends_the_name,  // embedded_nul truncates
    fine_count
};
constexpr Ways all_ways = ~Ways{0};
static_assert(std::size_t{1} << fine_count == 64);

// Distance between a lenient way and the one that differs in `rule` alone.
constexpr std::size_t distance(std::size_t rule) {
    return std::size_t{1} << rule;
}
constexpr Ways lenient(std::size_t rule) {
    const Ways pair = (Ways{1} << distance(rule)) + 1;  // all_ways is a multiple of it
    return all_ways / pair << distance(rule);
}
static_assert(lenient(fewer_labels) == 0xaaaaaaaaaaaaaaaa);
static_assert(lenient(nul_ends_the_name) == 0xffffffff00000000);

constexpr std::size_t wildcard_count = device::words<Wildcard>.size();
// Ways by which a name bears the host, by wildcard rule.
using WaysByWildcard = std::array<Ways, wildcard_count>;
Ways& at(WaysByWildcard& ways, Wildcard wildcard) {
    return ways[static_cast<std::size_t>(wildcard)];
}

template <typename T>
const T* stated(const device::Stated<T>& rule) {
    return rule && rule->grade != device::Grade::assumed ? &rule->value : nullptr;
}

// The fine rules of a profile.
struct FineRules {
    explicit FineRules(const device::NameRules& rules) {
        if (const auto* labels = stated(rules.wildcard_min_labels)) min_labels = {*labels, *labels};
        keep(fewer_labels, stated(rules.wildcard_min_labels), true);
        const auto keep_flag = [&](Fine rule, const bool* value, bool is_lenient) {
            keep(rule, value, value && *value == is_lenient);
        };
        keep_flag(on_public_suffix, stated(rules.public_suffix_wildcard), true);
        keep_flag(for_a_label, stated(rules.wildcard_matches_a_label), true);
        keep_flag(in_any_case, stated(rules.case_sensitive), false);
        const auto* dot = stated(rules.trailing_dot_ignored);
        keep(dot_ignored, dot, dot && *dot == TrailingDot::ignored);
        const auto* nul = stated(rules.embedded_nul);
        keep(nul_ends_the_name, nul, nul && *nul == EmbeddedNul::truncates);
    }

    Ways possible = all_ways;
    struct {
        std::size_t lower = 0;
        std::size_t higher = 2;
    } min_labels;

private:
    void keep(Fine rule, const void* is_stated, bool is_lenient) {
        if (is_stated) possible &= is_lenient ? lenient(rule) : ~lenient(rule);
    }
};

// --- one host against one name ------------------------------------------------------------------

class Host {
public:
    explicit Host(std::string_view text) : text_(text), folded_(fold(text)) {}

    // All ways at once, for what they have in common is most of the work.
    WaysByWildcard ways_of(std::string_view name, const FineRules& rules) const {
        WaysByWildcard ways{};
        Ways open = all_ways;
        if (const std::size_t nul = name.find('\0'); nul != std::string_view::npos) {
            // An octet that no host has, unless the name ends there.
            name = name.substr(0, nul);
            open = lenient(nul_ends_the_name);
        }
        if (name.ends_with('.') || text_.ends_with('.')) {
            compare(name, text_, folded_, open & ~lenient(dot_ignored), rules, ways);
            open &= lenient(dot_ignored);
        }
        compare(without_dot(name), without_dot(text_), without_dot(folded_), open, rules, ways);
        return ways;
    }

private:
    static std::string_view without_dot(std::string_view name) {
        if (name.ends_with('.')) name.remove_suffix(1);
        return name;
    }

    static void compare(std::string_view name, std::string_view text, std::string_view folded,
                        Ways open, const FineRules& rules, WaysByWildcard& ways) {
        if (name.empty() || text.empty()) return;
        if (equal_folded(name, folded)) {
            const Ways same = name == text ? open : open & lenient(in_any_case);
            for (Ways& way : ways)
                way |= same;
        }
        if (!has(name, '*')) return;
        const std::string folded_name = fold(name);
        std::optional<Ways> by_right;  // known once some rule matches
        for (const auto& word : device::words<Wildcard>) {
            const Hit found = hit(folded_name, folded, word.value);
            if (found == Hit::none) continue;
            if (!by_right) by_right = ways_by_right(folded_name, rules);
            Ways matching = open & *by_right;
            if (found == Hit::a_label) matching &= lenient(for_a_label);
            if (hit(name, text, word.value) == Hit::none) matching &= lenient(in_any_case);
            at(ways, word.value) |= matching;
        }
    }

    // Ways that do not mind what is right of the '*'.
    static Ways ways_by_right(std::string_view name, const FineRules& rules) {
        Ways ways = all_ways;
        const std::string_view right = right_of_wildcard(name);
        const std::size_t labels = count_labels(right);
        if (labels < rules.min_labels.lower) ways &= ~lenient(fewer_labels);
        if (labels < rules.min_labels.higher) ways &= lenient(fewer_labels);
        if (is_public_suffix(right)) ways &= lenient(on_public_suffix);
        return ways;
    }

    std::string text_;
    std::string folded_;
};

// --- the names of a certificate -----------------------------------------------------------------

struct NameSeen {
    std::string_view kind;  // "dNSName"
    std::string_view text;  // within the certificate
};

// Long names are for eyes only to their beginning.
std::string shorten(std::string text) {
    static constexpr std::size_t max_shown = 300;  // a DNS name has at most 253 octets
    if (text.size() <= max_shown) return text;
    text.resize(max_shown);
    return text + "...";
}
std::string shown(const NameSeen& name) {
    return shorten(fmt::format("{} {}", name.kind, printable(name.text)));
}

struct Names {
    std::vector<NameSeen> dns;                 // dNSNames in order
    std::vector<const x509::GeneralName*> ip;  // iPAddresses in order
    std::vector<NameSeen> cn;                  // common names in order
    std::vector<NameSeen> email;               // rfc822Names and emailAddress attributes
    bool has_san = false;                      // a subjectAltName that is not empty
    bool has_other_identifier = false;         // a URI or otherName
};

Names names_of(const x509::Certificate& certificate) {
    Names names;
    names.has_san = x509::find_extension(certificate, "subjectAltName") != nullptr;
    if (const auto* san = x509::find_value<x509::GeneralNames>(certificate, "subjectAltName")) {
        if (san->names.empty()) names.has_san = false;
        for (const x509::GeneralName& name : san->names) {
            const NameSeen seen{x509::general_name_type_name(name.type), text_view(name.value)};
            if (name.type == x509::GeneralNameType::dns_name) names.dns.push_back(seen);
            if (name.type == x509::GeneralNameType::ip_address) names.ip.push_back(&name);
            if (name.type == x509::GeneralNameType::rfc822_name) names.email.push_back(seen);
            if (name.type == x509::GeneralNameType::uniform_resource_identifier ||
                name.type == x509::GeneralNameType::other_name) {
                names.has_other_identifier = true;
            }
        }
    }
    const auto collect = [&](std::string_view type, std::string_view kind,
                             std::vector<NameSeen>& into) {
        for (const auto* attribute :
             x509::find_attributes(certificate.subject, *x509::oid_from_name(type))) {
            into.push_back({kind, attribute->text});
        }
    };
    collect("commonName", "CN", names.cn);
    collect("emailAddress", "emailAddress", names.email);
    return names;
}

std::span<const NameSeen> chosen_cn(const Names& names, CnWhich which) {
    const std::span<const NameSeen> all = names.cn;
    if (all.empty() || which == CnWhich::any) return all;
    if (which == CnWhich::only) return all.size() == 1 ? all : all.first(0);
    return which == CnWhich::first ? all.first(1) : all.last(1);
}

// --- policies -----------------------------------------------------------------------------------

// The value a profile states, or every value there is.
template <typename T>
std::vector<T> values(const device::Stated<T>& rule) {
    if (const T* value = stated(rule)) return {*value};
    std::vector<T> all;
    for (const device::Word<T>& word : device::words<T>)
        all.push_back(word.value);
    return all;
}

struct Policy {
    SanRule san;
    CnRule cn;
    CnWhich cn_which;
    Wildcard san_wildcard;
    Wildcard cn_wildcard;
    IpRule ip;
};

// Every policy that a profile leaves possible, but for the fine rules.
struct Policies {
    Policies(const device::NameRules& rules, bool is_address)
        : san(values(rules.san)),
          cn(values(rules.cn)),
          cn_which(values(rules.cn_which)),
          san_wildcard(is_address ? std::vector{Wildcard::none} : values(rules.san_wildcard)),
          cn_wildcard(is_address ? std::vector{Wildcard::none} : values(rules.cn_wildcard)),
          ip(is_address ? values(rules.ip) : std::vector{IpRule::never}) {}

    static constexpr std::array<std::string_view, 6> keys{"names.san",         "names.cn",
                                                          "names.cn_which",    "names.san_wildcard",
                                                          "names.cn_wildcard", "names.ip"};
    // How many values each of the keys can have.
    std::array<std::size_t, 6> sizes() const {
        return {san.size(),          cn.size(),          cn_which.size(),
                san_wildcard.size(), cn_wildcard.size(), ip.size()};
    }
    std::size_t count() const {
        std::size_t product = 1;
        for (const std::size_t size : sizes())
            product *= size;
        return product;
    }
    // The first key's value changes fastest.
    Policy policy(std::size_t number) const {
        const auto take = [&](const auto& list) {
            const auto value = list[number % list.size()];
            number /= list.size();
            return value;
        };
        Policy policy{};
        policy.san = take(san);
        policy.cn = take(cn);
        policy.cn_which = take(cn_which);
        policy.san_wildcard = take(san_wildcard);
        policy.cn_wildcard = take(cn_wildcard);
        policy.ip = take(ip);
        return policy;
    }

    std::vector<SanRule> san;
    std::vector<CnRule> cn;
    std::vector<CnWhich> cn_which;
    std::vector<Wildcard> san_wildcard;
    std::vector<Wildcard> cn_wildcard;
    std::vector<IpRule> ip;
};

// Without the dot at its end, where that is taken off before anything is compared.
std::string_view as_compared(std::string_view host, const device::NameRules& rules) {
    const auto* dot = stated(rules.trailing_dot_ignored);
    if (dot && *dot == TrailingDot::ignored_in_host && host.ends_with('.')) host.remove_suffix(1);
    return host;
}

// One host against all names of a certificate. Each name is compared once, whatever the policies.
class Comparison {
public:
    Comparison(const x509::Certificate& certificate, std::string_view host,
               const device::NameRules& rules)
        : names_(names_of(certificate)),
          host_(to_a_labels(as_compared(host, rules))),
          address_(parse_ip_literal(host)),
          fine_(rules),
          policies_(rules, address_.has_value()) {
        if (address_) {
            const auto found = std::ranges::find_if(
                names_.ip, [&](const auto* name) { return name->value == *address_; });
            if (found != names_.ip.end()) ip_address_ = *found;
        }
        if (!names_.dns.empty() && includes(policies_.san, SanRule::first)) {
            first_san_ = host_.ways_of(names_.dns.front().text, fine_);
        }
        if (includes(policies_.san, SanRule::any)) any_san_ = ways_of_any(names_.dns);
        if (policies_.cn != std::vector{CnRule::never}) {
            for (const CnWhich which : policies_.cn_which)
                cn_[index(which)] = ways_of_any(chosen_cn(names_, which));
        }
    }

    // One word for each policy: the fine ways that match. nullopt: there is no such client.
    using Table = std::vector<std::optional<Ways>>;
    Table table() const {
        Table table(policies_.count());
        for (std::size_t i = 0; i < table.size(); ++i) {
            const Policy policy = policies_.policy(i);
            if (policy.san == SanRule::none && policy.cn == CnRule::never) continue;
            table[i] = matching(policy);
        }
        return table;
    }

    NameMatch match(const Table& table) const {
        Ways any_yes = 0;
        Ways any_no = 0;
        for (const auto& ways : table) {
            if (!ways) continue;
            any_yes |= *ways & fine_.possible;
            any_no |= ~*ways & fine_.possible;
        }
        NameMatch match;
        if (any_yes == 0) return match;
        match.match = any_no == 0 ? Match::yes : Match::undetermined;
        match.matched_by = first_match();
        if (match.match == Match::undetermined) match.open_rules = open_rules(table);
        return match;
    }

    // Whether some client that is silent on the dot at the end differs from one of another
    // comparison, in whose ways that dot counts.
    bool dot_tells_apart(const Table& own, const Table& other) const {
        const Ways without = fine_.possible & ~lenient(dot_ignored);
        const Ways with = (fine_.possible & lenient(dot_ignored)) >> distance(dot_ignored);
        for (std::size_t i = 0; i < own.size(); ++i) {
            if (!own[i] || !other[i]) continue;
            if (((*own[i] ^ *other[i]) & without) != 0) return true;
            if ((((*own[i] >> distance(dot_ignored)) ^ *other[i]) & with) != 0) return true;
        }
        return false;
    }

private:
    template <typename E>
    static std::size_t index(E value) {
        return static_cast<std::size_t>(value);
    }
    template <typename E>
    static bool includes(const std::vector<E>& list, E value) {
        return std::ranges::find(list, value) != list.end();
    }

    WaysByWildcard ways_of_any(std::span<const NameSeen> names) const {
        WaysByWildcard any{};
        for (const NameSeen& name : names) {
            const WaysByWildcard ways = host_.ways_of(name.text, fine_);
            for (std::size_t i = 0; i < ways.size(); ++i)
                any[i] |= ways[i];
        }
        return any;
    }

    bool has_san(SanRule san) const { return san != SanRule::none && !names_.dns.empty(); }
    bool cn_counts(SanRule san, CnRule cn) const {
        const bool blind_to_san = san == SanRule::none;
        const bool no_name_of_host = !has_san(san) && (!address_ || names_.ip.empty());
        switch (cn) {
            case CnRule::never:
                return false;
            case CnRule::if_no_san:
                return no_name_of_host;
            case CnRule::if_no_san_of_form:
                return address_ ? names_.ip.empty() : !has_san(san);
            case CnRule::if_no_identifier:
                return no_name_of_host && (blind_to_san || !names_.has_other_identifier);
            case CnRule::if_no_san_extension:
                return no_name_of_host && (blind_to_san || !names_.has_san);
            case CnRule::always:
                return true;
        }
        return false;
    }
    static bool address_in_dns(IpRule ip) {
        return ip == IpRule::ip_address_or_dns_name || ip == IpRule::text || ip == IpRule::any ||
               ip == IpRule::ipv4_address_or_text;
    }
    static bool address_in_cn(IpRule ip) {
        return ip == IpRule::ip_address_or_cn || ip == IpRule::text || ip == IpRule::any ||
               ip == IpRule::ipv4_address_or_text;
    }
    // Whether an iPAddress of the host's own octets bears it.
    bool entry_counts(IpRule ip) const {
        if (ip == IpRule::never || ip == IpRule::text) return false;
        const bool ipv4_alone = ip == IpRule::ipv4_address || ip == IpRule::ipv4_address_or_text;
        return !ipv4_alone || address_->size() == 4;
    }

    Ways matching(const Policy& policy) const {
        if (address_ && policy.ip == IpRule::never) return 0;
        if (ip_address_ && entry_counts(policy.ip)) return all_ways;
        Ways ways = 0;
        if (has_san(policy.san) && (!address_ || address_in_dns(policy.ip))) {
            const auto& san = policy.san == SanRule::first ? first_san_ : any_san_;
            ways |= san[index(policy.san_wildcard)];
        }
        if (cn_counts(policy.san, policy.cn) && (!address_ || address_in_cn(policy.ip))) {
            ways |= cn_[index(policy.cn_which)][index(policy.cn_wildcard)];
        }
        return ways;
    }

    // For when some policy matches: if no dNSName does, the common name counts.
    std::string first_match() const {
        const auto counts_as_entry = [this](IpRule ip) { return entry_counts(ip); };
        if (ip_address_ && std::ranges::any_of(policies_.ip, counts_as_entry)) {
            return shorten(x509::to_string(*ip_address_));
        }
        const auto bears = [&](const NameSeen& name, const std::vector<Wildcard>& wildcards) {
            const WaysByWildcard ways = host_.ways_of(name.text, fine_);
            return std::ranges::any_of(wildcards, [&](Wildcard wildcard) {
                return (ways[index(wildcard)] & fine_.possible) != 0;
            });
        };
        if (!address_ || std::ranges::any_of(policies_.ip, address_in_dns)) {
            std::span<const NameSeen> counting = names_.dns;
            if (!includes(policies_.san, SanRule::any)) {
                const std::size_t first = includes(policies_.san, SanRule::first) ? 1 : 0;
                counting = counting.first(std::min(first, counting.size()));
            }
            for (const NameSeen& name : counting) {
                if (bears(name, policies_.san_wildcard)) return shown(name);
            }
        }
        for (std::size_t i = 0; i < names_.cn.size(); ++i) {
            const bool counts =
                includes(policies_.cn_which, CnWhich::any) ||
                (i == 0 && includes(policies_.cn_which, CnWhich::first)) ||
                (i + 1 == names_.cn.size() && includes(policies_.cn_which, CnWhich::last)) ||
                (names_.cn.size() == 1 && includes(policies_.cn_which, CnWhich::only));
            if (counts && bears(names_.cn[i], policies_.cn_wildcard)) return shown(names_.cn[i]);
        }
        return "";
    }

    // Rules for which two clients exist that differ in nothing else and disagree.
    std::vector<std::string> open_rules(const Table& table) const {
        std::vector<std::string> open;
        std::size_t stride = 1;
        const auto sizes = policies_.sizes();
        for (std::size_t key = 0; key < sizes.size(); ++key) {
            bool differs = false;
            for (std::size_t i = 0; i < table.size() && !differs; ++i) {
                if (i / stride % sizes[key] != 0) continue;
                Ways some = 0;
                Ways all = all_ways;
                for (std::size_t value = 0; value < sizes[key]; ++value) {
                    const auto& ways = table[i + value * stride];
                    some |= ways.value_or(0);
                    all &= ways.value_or(all_ways);
                }
                differs = (some & ~all & fine_.possible) != 0;
            }
            if (differs) open.emplace_back(Policies::keys[key]);
            stride *= sizes[key];
        }
        static constexpr std::array<std::string_view, fine_count> fine_keys{
            "names.wildcard_min_labels",      "names.public_suffix_wildcard",
            "names.wildcard_matches_a_label", "names.case_sensitive",
            "names.trailing_dot_ignored",     "names.embedded_nul"};
        for (std::size_t rule = 0; rule < fine_count; ++rule) {
            const Ways both = fine_.possible & (fine_.possible >> distance(rule)) & ~lenient(rule);
            const bool differs = std::ranges::any_of(table, [&](const auto& ways) {
                return ways && ((*ways ^ (*ways >> distance(rule))) & both) != 0;
            });
            if (differs) open.emplace_back(fine_keys[rule]);
        }
        return open;
    }

    Names names_;
    Host host_;
    std::optional<Bytes> address_;
    FineRules fine_;
    Policies policies_;
    const x509::GeneralName* ip_address_ = nullptr;  // the iPAddress that is the host
    WaysByWildcard first_san_{};
    WaysByWildcard any_san_{};
    std::array<WaysByWildcard, device::words<CnWhich>.size()> cn_{};
};

// In the order of NameRules.
constexpr std::array<std::string_view, 12> all_keys{"names.san",
                                                    "names.cn",
                                                    "names.cn_which",
                                                    "names.san_wildcard",
                                                    "names.cn_wildcard",
                                                    "names.wildcard_min_labels",
                                                    "names.public_suffix_wildcard",
                                                    "names.wildcard_matches_a_label",
                                                    "names.ip",
                                                    "names.case_sensitive",
                                                    "names.trailing_dot_ignored",
                                                    "names.embedded_nul"};

// What is true of all clients of two lots, which may differ in the dot.
NameMatch merged(const NameMatch& a, const NameMatch& b, bool by_dot) {
    NameMatch match;
    match.match = a.match == b.match ? a.match : Match::undetermined;
    match.matched_by = a.matched_by.empty() ? b.matched_by : a.matched_by;
    if (match.match != Match::undetermined) return match;
    const auto opens = [](const NameMatch& of, std::string_view key) {
        return std::ranges::find(of.open_rules, key) != of.open_rules.end();
    };
    for (const std::string_view key : all_keys) {
        if (opens(a, key) || opens(b, key) || (by_dot && key == "names.trailing_dot_ignored")) {
            match.open_rules.emplace_back(key);
        }
    }
    return match;
}

}  // namespace

NameMatch compare_host(const x509::Certificate& certificate, std::string_view host,
                       const device::NameRules& rules) {
    const Comparison comparison(certificate, host, rules);
    const Comparison::Table table = comparison.table();
    if (stated(rules.trailing_dot_ignored) || !host.ends_with('.')) return comparison.match(table);
    // The third way, which no bit stands for.
    device::NameRules rules_in_host = rules;
    rules_in_host.trailing_dot_ignored = {TrailingDot::ignored_in_host, "",
                                          device::Grade::captured};
    const Comparison in_host(certificate, host, rules_in_host);
    const Comparison::Table table_in_host = in_host.table();
    return merged(comparison.match(table), in_host.match(table_in_host),
                  comparison.dot_tells_apart(table, table_in_host));
}

Match match_host(const x509::Certificate& certificate, std::string_view host,
                 const device::NameRules& rules) {
    return compare_host(certificate, host, rules).match;
}

NameMatch compare_principal(const x509::Certificate& certificate, std::string_view principal,
                            const device::NameRules& rules) {
    const Names names = names_of(certificate);
    const auto find_in = [&](std::span<const NameSeen> list) -> const NameSeen* {
        const auto found = std::ranges::find_if(list, [&](const NameSeen& name) {
            return !name.text.empty() && equal_folded(name.text, principal);
        });
        return found == list.end() ? nullptr : &*found;
    };
    if (has(principal, '@')) {
        const NameSeen* found = find_in(names.email);
        return found ? NameMatch{Match::yes, shown(*found), {}} : NameMatch{};
    }
    const NameSeen* in_san = find_in(names.dns);
    const auto matches = [&](MsstdRule rule, CnWhich which) {
        return find_in(chosen_cn(names, which)) || (rule == MsstdRule::cn_or_san && in_san);
    };
    const std::vector<MsstdRule> rule_values = values(rules.msstd);
    std::vector<CnWhich> which_values = values(rules.cn_which);
    // No client that compares principals is known to want a single one.
    if (which_values.size() > 1) std::erase(which_values, CnWhich::only);
    NameMatch match;
    bool any_no = false;
    const NameSeen* matched = nullptr;
    for (const MsstdRule rule : rule_values) {
        for (const CnWhich which : which_values) {
            if (!matches(rule, which)) {
                any_no = true;
            } else if (!matched) {
                matched = rule == MsstdRule::cn_or_san && in_san ? in_san
                                                                 : find_in(chosen_cn(names, which));
            }
        }
    }
    if (!matched) return {};
    match.match = any_no ? Match::undetermined : Match::yes;
    match.matched_by = shown(*matched);
    const auto differ = [](const auto& list, const auto& is_match) {
        return std::ranges::any_of(list, is_match) && !std::ranges::all_of(list, is_match);
    };
    if (std::ranges::any_of(rule_values, [&](MsstdRule rule) {
            return differ(which_values, [&](CnWhich which) { return matches(rule, which); });
        })) {
        match.open_rules.emplace_back("names.cn_which");
    }
    if (std::ranges::any_of(which_values, [&](CnWhich which) {
            return differ(rule_values, [&](MsstdRule rule) { return matches(rule, which); });
        })) {
        match.open_rules.emplace_back("names.msstd");
    }
    return match;
}

Match match_principal(const x509::Certificate& certificate, std::string_view principal,
                      const device::NameRules& rules) {
    return compare_principal(certificate, principal, rules).match;
}

std::string list_names(const x509::Certificate& certificate) {
    static constexpr std::size_t max_listed = 12;
    std::vector<std::string> listed;
    std::size_t count = 0;
    const auto add = [&](const auto& text) {
        if (++count <= max_listed) listed.push_back(text());
    };
    for (const NameSeen& name : names_of(certificate).cn)
        add([&] { return shown(name); });
    if (const auto* san = x509::find_value<x509::GeneralNames>(certificate, "subjectAltName")) {
        for (const x509::GeneralName& name : san->names)
            add([&] { return shorten(x509::to_string(name)); });
    }
    if (listed.empty()) return "no name at all";
    std::string text = fmt::format("{}", fmt::join(listed, ", "));
    if (count > max_listed) text += fmt::format(" and {} more", count - max_listed);
    return text;
}

bool matches_pattern(std::string_view pattern, std::string_view host, Wildcard wildcard) {
    if (pattern.empty() || host.empty()) return false;
    if (equal_folded(pattern, host)) return true;
    return has(pattern, '*') && hit(fold(pattern), fold(host), wildcard) != Hit::none;
}

std::optional<Bytes> parse_ip_literal(std::string_view text) {
    if (has(text, '\0')) return std::nullopt;
    const std::string zero_terminated(text);
    Bytes octets(4);
    if (inet_pton(AF_INET, zero_terminated.c_str(), octets.data()) == 1) return octets;
    octets.resize(16);
    if (inet_pton(AF_INET6, zero_terminated.c_str(), octets.data()) == 1) return octets;
    return std::nullopt;
}

std::string to_a_labels(std::string_view host) {
    // 253 octets in A-labels are fewer characters, of four octets at most.
    static constexpr std::size_t max_octets = 1012;
    const bool is_ascii =
        std::ranges::all_of(host, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    std::string as_it_is(host);
    if (is_ascii || host.size() > max_octets || has(host, '\0')) return as_it_is;
    char* converted = nullptr;
    if (idn2_to_ascii_8z(as_it_is.c_str(), &converted, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) !=
        IDN2_OK) {
        return as_it_is;
    }
    std::string a_labels(converted);
    idn2_free(converted);
    return a_labels;
}

}  // namespace handset::judge
