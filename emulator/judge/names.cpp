#include "emulator/judge/names.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <span>

namespace handset::judge {

namespace {

using device::CnRule;
using device::CnWhich;
using device::IpRule;
using device::SanRule;
using device::Wildcard;

std::string fold(std::string_view text) {
    std::string folded(text);
    for (char& c : folded) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
    }
    return folded;
}

std::vector<std::string_view> labels_of(std::string_view name) {
    std::vector<std::string_view> labels;
    for (;;) {
        const std::size_t dot = name.find('.');
        labels.push_back(name.substr(0, dot));
        if (dot == std::string_view::npos) return labels;
        name.remove_prefix(dot + 1);
    }
}

// '*' stands for any octets of one label. Linear backtracking: only the last '*' is retried.
bool glob(std::string_view pattern, std::string_view text) {
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t star = std::string_view::npos;
    std::size_t retry = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            retry = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++retry;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*')
        ++p;
    return p == pattern.size();
}

struct Names {
    std::vector<std::string> dns;    // dNSNames in order
    std::vector<Bytes> ip;           // iPAddresses in order
    std::vector<std::string> cn;     // common names in order
    std::vector<std::string> email;  // emailAddress attributes and rfc822Names
};

Names names_of(const x509::Certificate& certificate) {
    Names names;
    if (const auto* san = x509::find_value<x509::GeneralNames>(certificate, "subjectAltName")) {
        for (const x509::GeneralName& name : san->names) {
            switch (name.type) {
                case x509::GeneralNameType::dns_name:
                    names.dns.push_back(to_text(name.value));
                    break;
                case x509::GeneralNameType::ip_address:
                    names.ip.push_back(name.value);
                    break;
                case x509::GeneralNameType::rfc822_name:
                    names.email.push_back(to_text(name.value));
                    break;
                default:
                    break;
            }
        }
    }
    const auto collect = [&](std::string_view type, std::vector<std::string>& into) {
        for (const auto* attribute :
             x509::find_attributes(certificate.subject, *x509::oid_from_name(type))) {
            into.push_back(attribute->text);
        }
    };
    collect("commonName", names.cn);
    collect("emailAddress", names.email);
    return names;
}

std::vector<std::string> chosen_cn(const std::vector<std::string>& cn, CnWhich which) {
    if (cn.empty() || which == CnWhich::any) return cn;
    return {which == CnWhich::first ? cn.front() : cn.back()};
}

struct Policy {
    SanRule san;
    CnRule cn;
    CnWhich cn_which;
    Wildcard san_wildcard;
    Wildcard cn_wildcard;
    IpRule ip;
};

// One host against one certificate's names, by any policy. What policies have in common is worked
// out once: a silent profile has more than a thousand of them, a certificate up to 10,000 names.
class Comparison {
public:
    Comparison(Names names, std::string_view host)
        : names_(std::move(names)), host_(host), address_(parse_ip_literal(host)) {
        has_address_ = address_ && std::ranges::find(names_.ip, *address_) != names_.ip.end();
    }

    bool matches(const Policy& policy) {
        if (address_) {
            if (policy.ip == IpRule::never) return false;
            if (has_address_) return true;
            const auto cn = chosen_cn(names_.cn, policy.cn_which);
            return policy.ip == IpRule::ip_address_or_cn &&
                   std::ranges::find(cn, host_) != cn.end();
        }
        const bool has_san = policy.san != SanRule::none && !names_.dns.empty();
        if (has_san && in_san(policy.san, policy.san_wildcard)) return true;
        if (policy.cn == CnRule::never || (policy.cn == CnRule::if_no_san && has_san)) return false;
        return in_cn(policy.cn_which, policy.cn_wildcard);
    }

private:
    template <typename Rule>
    using Known = std::map<std::pair<Rule, Wildcard>, bool>;

    bool in_san(SanRule rule, Wildcard wildcard) {
        const auto [known, is_new] = in_san_.try_emplace({rule, wildcard}, false);
        if (is_new) {
            const std::size_t count = rule == SanRule::first ? 1 : names_.dns.size();
            known->second = any_matches(std::span(names_.dns).first(count), wildcard);
        }
        return known->second;
    }
    bool in_cn(CnWhich which, Wildcard wildcard) {
        const auto [known, is_new] = in_cn_.try_emplace({which, wildcard}, false);
        if (is_new) known->second = any_matches(chosen_cn(names_.cn, which), wildcard);
        return known->second;
    }
    bool any_matches(std::span<const std::string> patterns, Wildcard wildcard) const {
        return std::ranges::any_of(patterns, [&](const std::string& pattern) {
            return matches_pattern(pattern, host_, wildcard);
        });
    }

    Names names_;
    std::string host_;
    std::optional<Bytes> address_;
    bool has_address_ = false;
    Known<SanRule> in_san_;
    Known<CnWhich> in_cn_;
};

// A statement's value alone when the profile makes it, else every value it could have.
template <typename T, std::size_t n>
std::vector<T> values(const device::Stated<T>& stated, const std::array<T, n>& all) {
    if (stated && stated->grade != device::Grade::assumed) return {stated->value};
    return {all.begin(), all.end()};
}

class Tally {
public:
    void add(bool yes) { (yes ? any_yes_ : any_no_) = true; }
    Match result() const {
        if (any_yes_ && any_no_) return Match::undetermined;
        return any_yes_ ? Match::yes : Match::no;
    }

private:
    bool any_yes_ = false;
    bool any_no_ = false;
};

}  // namespace

bool matches_pattern(std::string_view pattern, std::string_view host, Wildcard wildcard) {
    const std::string folded_pattern = fold(pattern);
    const std::string folded_host = fold(host);
    if (folded_pattern == folded_host) return true;
    if (folded_pattern.find('*') == std::string::npos) return false;
    switch (wildcard) {
        case Wildcard::none:
            return false;
        case Wildcard::leftmost_label: {
            if (!folded_pattern.starts_with("*.")) return false;
            const std::size_t dot = folded_host.find('.');
            return dot != std::string::npos && dot > 0 &&
                   std::string_view(folded_host).substr(dot) ==
                       std::string_view(folded_pattern).substr(1) &&
                   folded_pattern.find('*', 1) == std::string::npos;
        }
        case Wildcard::label_or_bare:
            return matches_pattern(pattern, host, Wildcard::leftmost_label) ||
                   (folded_pattern.starts_with("*.") && folded_pattern.substr(2) == folded_host);
        case Wildcard::partial_label: {
            const std::size_t pattern_dot = folded_pattern.find('.');
            const std::size_t host_dot = folded_host.find('.');
            return pattern_dot != std::string::npos && host_dot != std::string::npos &&
                   folded_pattern.substr(pattern_dot) == folded_host.substr(host_dot) &&
                   glob(folded_pattern.substr(0, pattern_dot), folded_host.substr(0, host_dot));
        }
        case Wildcard::any_label: {
            // Label by label from the right; labels of the host left over on the left match too.
            const auto pattern_labels = labels_of(folded_pattern);
            const auto host_labels = labels_of(folded_host);
            if (host_labels.size() < pattern_labels.size()) return false;
            for (std::size_t i = 1; i <= pattern_labels.size(); ++i) {
                if (!glob(pattern_labels[pattern_labels.size() - i],
                          host_labels[host_labels.size() - i])) {
                    return false;
                }
            }
            return true;
        }
        case Wildcard::suffix:
            return folded_pattern.front() == '*' &&
                   folded_pattern.find('*', 1) == std::string::npos &&
                   folded_host.size() > folded_pattern.size() - 1 &&
                   folded_host.ends_with(std::string_view(folded_pattern).substr(1));
    }
    return false;
}

Match match_host(const x509::Certificate& certificate, std::string_view host,
                 const device::NameRules& rules) {
    Comparison comparison(names_of(certificate), host);
    Tally tally;
    using enum SanRule;
    for (const SanRule san : values(rules.san, std::array{SanRule::none, first, any})) {
        for (const CnRule cn :
             values(rules.cn, std::array{CnRule::never, CnRule::if_no_san, CnRule::always})) {
            for (const CnWhich which :
                 values(rules.cn_which, std::array{CnWhich::first, CnWhich::last, CnWhich::any})) {
                for (const Wildcard san_wildcard : values(
                         rules.san_wildcard, std::array{Wildcard::none, Wildcard::leftmost_label,
                                                        Wildcard::any_label, Wildcard::suffix})) {
                    for (const Wildcard cn_wildcard :
                         values(rules.cn_wildcard,
                                std::array{Wildcard::none, Wildcard::leftmost_label,
                                           Wildcard::any_label, Wildcard::suffix})) {
                        for (const IpRule ip :
                             values(rules.ip, std::array{IpRule::never, IpRule::ip_address,
                                                         IpRule::ip_address_or_cn})) {
                            // A client that looks at neither is none.
                            if (san == SanRule::none && cn == CnRule::never) continue;
                            tally.add(comparison.matches(
                                {san, cn, which, san_wildcard, cn_wildcard, ip}));
                        }
                    }
                }
            }
        }
    }
    return tally.result();
}

Match match_principal(const x509::Certificate& certificate, std::string_view principal,
                      const device::NameRules& rules) {
    const Names names = names_of(certificate);
    const std::string wanted = fold(principal);
    const auto is_wanted = [&](const std::string& name) { return fold(name) == wanted; };
    if (principal.find('@') != std::string_view::npos) {
        return std::ranges::any_of(names.email, is_wanted) ? Match::yes : Match::no;
    }
    Tally tally;
    using device::MsstdRule;
    for (const MsstdRule rule :
         values(rules.msstd, std::array{MsstdRule::cn, MsstdRule::cn_or_san})) {
        for (const CnWhich which :
             values(rules.cn_which, std::array{CnWhich::first, CnWhich::last, CnWhich::any})) {
            const bool in_cn = std::ranges::any_of(chosen_cn(names.cn, which), is_wanted);
            const bool in_san =
                rule == MsstdRule::cn_or_san && std::ranges::any_of(names.dns, is_wanted);
            tally.add(in_cn || in_san);
        }
    }
    return tally.result();
}

std::string list_names(const x509::Certificate& certificate) {
    static constexpr std::size_t max_listed = 12;
    const Names names = names_of(certificate);
    std::vector<std::string> listed;
    for (const std::string& name : names.cn) {
        listed.push_back(fmt::format("CN {}", printable(name)));
    }
    if (const auto* san = x509::find_value<x509::GeneralNames>(certificate, "subjectAltName")) {
        for (const x509::GeneralName& name : san->names)
            listed.push_back(x509::to_string(name));
    }
    if (listed.empty()) return "no name at all";
    const std::size_t left_out = listed.size() > max_listed ? listed.size() - max_listed : 0;
    listed.resize(listed.size() - left_out);
    std::string text = fmt::format("{}", fmt::join(listed, ", "));
    if (left_out > 0) text += fmt::format(" and {} more", left_out);
    return text;
}

std::optional<Bytes> parse_ip_literal(std::string_view text) {
    const std::string zero_terminated(text);
    Bytes octets(4);
    if (inet_pton(AF_INET, zero_terminated.c_str(), octets.data()) == 1) return octets;
    octets.resize(16);
    if (inet_pton(AF_INET6, zero_terminated.c_str(), octets.data()) == 1) return octets;
    return std::nullopt;
}

}  // namespace handset::judge
