// Host names by a plain reading of the rules, for comparison with names.cpp: every client that a
// profile leaves possible is asked one by one. Also random names that come close. Deliberately not
// done here: being quick.
#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "emulator/device/words.h"
#include "emulator/judge/names.h"
#include "tests/judge/setting.h"

namespace handset::reference {

using device::CnRule;
using device::CnWhich;
using device::EmbeddedNul;
using device::IpRule;
using device::NameRules;
using device::SanRule;
using device::TrailingDot;
using device::Wildcard;
using judge::Match;
using judge::NameMatch;
using Keys = std::vector<std::string>;
using namespace std::string_literals;

struct Names {
    std::vector<std::string> cn;
    std::vector<std::string> dns;
    std::vector<Bytes> ip;
    bool uri = false;  // has one
};

// A certificate that was never octets: for thousands of names, and for names that none can hold.
inline x509::Certificate bearing(const Names& names) {
    x509::Certificate certificate;
    for (const std::string& text : names.cn) {
        x509::AttributeTypeAndValue attribute;
        attribute.type = *x509::oid_from_name("commonName");
        attribute.text = text;
        certificate.subject.rdns.push_back({attribute});
    }
    x509::GeneralNames san;
    const auto add = [&](x509::GeneralNameType type, Bytes value) {
        x509::GeneralName name;
        name.type = type;
        name.value = std::move(value);
        san.names.push_back(std::move(name));
    };
    for (const std::string& text : names.dns)
        add(x509::GeneralNameType::dns_name, to_bytes(view_of(text)));
    for (const Bytes& octets : names.ip)
        add(x509::GeneralNameType::ip_address, octets);
    if (names.uri) {
        add(x509::GeneralNameType::uniform_resource_identifier,
            to_bytes(view_of("https://www.example.test/"s)));
    }
    if (!san.names.empty()) {
        x509::Extension extension;
        extension.id = *x509::oid_from_name("subjectAltName");
        extension.value = std::move(san);
        certificate.extensions.push_back(std::move(extension));
    }
    return certificate;
}

// One client with a way for every rule, written down without the shortcuts of the judge.
struct Client {
    SanRule san{};
    CnRule cn{};
    CnWhich cn_which{};
    Wildcard san_wildcard{};
    Wildcard cn_wildcard{};
    std::size_t min_labels = 0;
    bool public_suffix = false;
    bool a_label = false;
    IpRule ip{};
    bool case_sensitive = false;
    TrailingDot dot{};
    EmbeddedNul nul{};
};

using Labels = std::vector<std::string>;
inline Labels labels_of(const std::string& name) {
    Labels labels{""};
    for (const char c : name) {
        if (c == '.') {
            labels.emplace_back();
        } else {
            labels.back() += c;
        }
    }
    return labels;
}
inline std::string lowered(std::string text) {
    for (char& c : text) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return text;
}
inline bool stars(const std::string& pattern, const std::string& text) {
    if (pattern.empty()) return text.empty();
    if (pattern[0] != '*') {
        return !text.empty() && text[0] == pattern[0] && stars(pattern.substr(1), text.substr(1));
    }
    for (std::size_t i = 0; i <= text.size(); ++i) {
        if (stars(pattern.substr(1), text.substr(i))) return true;
    }
    return false;
}
inline bool same_behind_first(const Labels& a, const Labels& b) {
    return a.size() >= 2 && a.size() == b.size() &&
           std::equal(a.begin() + 1, a.end(), b.begin() + 1);
}

// The host's labels that the '*' of the name matches, or nullopt.
inline std::optional<Labels> labels_matched(const std::string& name, const std::string& host,
                                            Wildcard wildcard) {
    const Labels n = labels_of(name);
    const Labels h = labels_of(host);
    const bool one_star = std::ranges::count(name, '*') == 1;
    const bool whole = one_star && n[0] == "*" && n.size() >= 2;
    switch (wildcard) {
        case Wildcard::none:
            return std::nullopt;
        case Wildcard::label_or_bare:
            if (whole && Labels(n.begin() + 1, n.end()) == h) return Labels{};
            [[fallthrough]];
        case Wildcard::leftmost_label:
            if (!whole || h[0].empty() || !same_behind_first(n, h)) return std::nullopt;
            return Labels{h[0]};
        case Wildcard::partial_label:
            if (!one_star || n[0].find('*') == std::string::npos || !same_behind_first(n, h) ||
                !stars(n[0], h[0]) || (n[0] == "*" && h[0].empty())) {
                return std::nullopt;
            }
            return Labels{h[0]};
        case Wildcard::each_label:
            if (h.size() != n.size()) return std::nullopt;
            [[fallthrough]];
        case Wildcard::any_label: {
            if (h.size() < n.size()) return std::nullopt;
            const std::size_t more = h.size() - n.size();
            Labels matched(h.begin(), h.begin() + static_cast<std::ptrdiff_t>(more));
            for (std::size_t i = 0; i < n.size(); ++i) {
                if (!stars(n[i], h[more + i])) return std::nullopt;
                if (n[i].find('*') != std::string::npos) matched.push_back(h[more + i]);
            }
            return matched;
        }
        case Wildcard::suffix: {
            if (!one_star || name[0] != '*' || host.size() < name.size() ||
                host.substr(host.size() - name.size() + 1) != name.substr(1)) {
                return std::nullopt;
            }
            Labels matched;
            std::size_t begin = 0;
            for (const std::string& label : h) {
                if (begin < host.size() - name.size() + 1) matched.push_back(label);
                begin += label.size() + 1;
            }
            return matched;
        }
    }
    return std::nullopt;
}

inline bool bears(const Client& client, std::string name, std::string host, Wildcard wildcard) {
    if (const std::size_t nul = name.find('\0'); nul != std::string::npos) {
        if (client.nul == EmbeddedNul::whole) return false;
        name.resize(nul);
    }
    const auto drop_dot = [](std::string& text) {
        if (!text.empty() && text.back() == '.') text.pop_back();
    };
    if (client.dot == TrailingDot::ignored) drop_dot(name);
    if (client.dot != TrailingDot::counts) drop_dot(host);
    if (name.empty() || host.empty()) return false;
    if (!client.case_sensitive) {
        name = lowered(name);
        host = lowered(host);
    }
    if (name == host) return true;
    if (name.find('*') == std::string::npos) return false;
    const auto matched = labels_matched(name, host, wildcard);
    if (!matched) return false;
    if (!client.a_label && std::ranges::any_of(*matched, [](const std::string& label) {
            return lowered(label).starts_with("xn--");
        })) {
        return false;
    }
    Labels right = labels_of(lowered(name.substr(name.rfind('*'))));
    right.erase(right.begin());
    while (!right.empty() && right.front().empty())
        right.erase(right.begin());
    while (!right.empty() && right.back().empty())
        right.pop_back();
    const auto count =
        std::ranges::count_if(right, [](const auto& label) { return !label.empty(); });
    if (static_cast<std::size_t>(count) < client.min_labels) return false;
    // Of what random_name() makes.
    const bool is_public =
        right.size() < 2 || right == Labels{"co", "uk"} || right == Labels{"com", "co"};
    return client.public_suffix || !is_public;
}

inline const std::map<std::string, Bytes> addresses{
    {"192.0.2.1", {192, 0, 2, 1}},
    {"2001:db8::1", {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}},
    {"2001:DB8::1", {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}};

inline bool accepts(const Client& client, const Names& names, const std::string& host) {
    const auto address = addresses.find(host);
    const bool is_address = address != addresses.end();
    if (is_address) {
        if (client.ip == IpRule::never) return false;
        const bool ipv4_alone =
            client.ip == IpRule::ipv4_address || client.ip == IpRule::ipv4_address_or_text;
        if (client.ip != IpRule::text && !(ipv4_alone && address->second.size() != 4) &&
            std::ranges::find(names.ip, address->second) != names.ip.end()) {
            return true;
        }
    }
    std::vector<std::string> dns = names.dns;
    if (client.san == SanRule::none) dns.clear();
    if (client.san == SanRule::first && dns.size() > 1) dns.resize(1);
    std::vector<std::string> cn = names.cn;
    if (client.cn_which == CnWhich::first && cn.size() > 1) cn.resize(1);
    if (client.cn_which == CnWhich::last && cn.size() > 1) cn = {cn.back()};
    if (client.cn_which == CnWhich::only && cn.size() > 1) cn.clear();
    const bool sees_san = client.san != SanRule::none;
    const bool host_named = !dns.empty() || (is_address && !names.ip.empty());
    const bool form_named = is_address ? !names.ip.empty() : !dns.empty();
    if (client.cn == CnRule::never || (client.cn == CnRule::if_no_san && host_named) ||
        (client.cn == CnRule::if_no_san_of_form && form_named) ||
        (client.cn == CnRule::if_no_identifier && (host_named || (sees_san && names.uri))) ||
        (client.cn == CnRule::if_no_san_extension &&
         (host_named || (sees_san && (names.uri || !names.dns.empty() || !names.ip.empty()))))) {
        cn.clear();
    }
    if (is_address && client.ip != IpRule::any && client.ip != IpRule::text &&
        client.ip != IpRule::ipv4_address_or_text) {
        if (client.ip != IpRule::ip_address_or_dns_name) dns.clear();
        if (client.ip != IpRule::ip_address_or_cn) cn.clear();
    }
    const auto any_of = [&](const std::vector<std::string>& list, Wildcard wildcard) {
        return std::ranges::any_of(list, [&](const std::string& name) {
            return bears(client, name, host, is_address ? Wildcard::none : wildcard);
        });
    };
    return any_of(dns, client.san_wildcard) || any_of(cn, client.cn_wildcard);
}

// Every client that the profile leaves possible, asked one by one.
class Clients {
public:
    explicit Clients(const NameRules& rules)
        : san_(values(rules.san)),
          cn_(values(rules.cn)),
          cn_which_(values(rules.cn_which)),
          san_wildcard_(values(rules.san_wildcard)),
          cn_wildcard_(values(rules.cn_wildcard)),
          min_labels_(values(rules.wildcard_min_labels, {0, 2})),
          public_suffix_(values(rules.public_suffix_wildcard, {false, true})),
          a_label_(values(rules.wildcard_matches_a_label, {false, true})),
          ip_(values(rules.ip)),
          case_sensitive_(values(rules.case_sensitive, {false, true})),
          dot_(values(rules.trailing_dot_ignored)),
          nul_(values(rules.embedded_nul)) {}

    NameMatch ask(const Names& names, const std::string& host) const {
        std::size_t count = 1;
        for (const auto& key : keys())
            count *= key.second;
        std::vector<Answer> answers;
        for (std::size_t number = 0; number < count; ++number) {
            const Client client = make(number);
            const bool blind = client.san == SanRule::none && client.cn == CnRule::never;
            answers.push_back(blind                          ? Answer::no_client
                              : accepts(client, names, host) ? Answer::yes
                                                             : Answer::no);
        }
        NameMatch match;
        const bool some_yes = std::ranges::find(answers, Answer::yes) != answers.end();
        const bool some_no = std::ranges::find(answers, Answer::no) != answers.end();
        if (some_yes) match.match = some_no ? Match::undetermined : Match::yes;
        if (match.match == Match::undetermined) match.open_rules = open_rules(answers);
        return match;
    }

private:
    enum class Answer { no, yes, no_client };

    // In the order of NameRules, with the number of ways each has left.
    std::vector<std::pair<const char*, std::size_t>> keys() const {
        return {{"names.san", san_.size()},
                {"names.cn", cn_.size()},
                {"names.cn_which", cn_which_.size()},
                {"names.san_wildcard", san_wildcard_.size()},
                {"names.cn_wildcard", cn_wildcard_.size()},
                {"names.wildcard_min_labels", min_labels_.size()},
                {"names.public_suffix_wildcard", public_suffix_.size()},
                {"names.wildcard_matches_a_label", a_label_.size()},
                {"names.ip", ip_.size()},
                {"names.case_sensitive", case_sensitive_.size()},
                {"names.trailing_dot_ignored", dot_.size()},
                {"names.embedded_nul", nul_.size()}};
    }
    // The digits of the number choose; the first key's is the lowest.
    Client make(std::size_t number) const {
        Client client;
        const auto take = [&](const auto& list, auto& value) {
            value = list[number % list.size()];
            number /= list.size();
        };
        take(san_, client.san);
        take(cn_, client.cn);
        take(cn_which_, client.cn_which);
        take(san_wildcard_, client.san_wildcard);
        take(cn_wildcard_, client.cn_wildcard);
        take(min_labels_, client.min_labels);
        take(public_suffix_, client.public_suffix);
        take(a_label_, client.a_label);
        take(ip_, client.ip);
        take(case_sensitive_, client.case_sensitive);
        take(dot_, client.dot);
        take(nul_, client.nul);
        return client;
    }
    // Keys for which two clients that differ in nothing else disagree.
    Keys open_rules(const std::vector<Answer>& answers) const {
        Keys open;
        std::size_t stride = 1;
        for (const auto& key : keys()) {
            const std::size_t size = key.second;
            const auto disagrees = [&](std::size_t i) {
                const std::size_t digit = i / stride % size;
                for (std::size_t other = digit + 1; other < size; ++other) {
                    const Answer a = answers[i];
                    const Answer b = answers[i + (other - digit) * stride];
                    if (a != b && a != Answer::no_client && b != Answer::no_client) return true;
                }
                return false;
            };
            bool differs = false;
            for (std::size_t i = 0; i < answers.size() && !differs; ++i)
                differs = disagrees(i);
            if (differs) open.emplace_back(key.first);
            stride *= size;
        }
        return open;
    }

    template <typename T>
    static std::vector<T> values(const device::Stated<T>& rule, std::vector<T> all) {
        if (rule && rule->grade != device::Grade::assumed) return {rule->value};
        return all;
    }
    template <typename T>
    static std::vector<T> values(const device::Stated<T>& rule) {
        std::vector<T> all;
        for (const auto& word : device::words<T>)
            all.push_back(word.value);
        return values(rule, all);
    }

    std::vector<SanRule> san_;
    std::vector<CnRule> cn_;
    std::vector<CnWhich> cn_which_;
    std::vector<Wildcard> san_wildcard_;
    std::vector<Wildcard> cn_wildcard_;
    std::vector<std::size_t> min_labels_;
    std::vector<bool> public_suffix_;
    std::vector<bool> a_label_;
    std::vector<IpRule> ip_;
    std::vector<bool> case_sensitive_;
    std::vector<TrailingDot> dot_;
    std::vector<EmbeddedNul> nul_;
};

class Dice {
public:
    explicit Dice(unsigned seed) : engine_(seed) {}
    // Not std::uniform_int_distribution, whose numbers are the library's.
    std::size_t below(std::size_t bound) { return engine_() % bound; }
    bool one_in(std::size_t count) { return below(count) == 0; }
    template <typename List>
    auto pick(const List& list) {
        return list[below(std::size(list))];
    }

private:
    std::mt19937 engine_;
};

inline std::string random_host(Dice& dice) {
    if (dice.one_in(8)) return dice.pick(std::array{"192.0.2.1"s, "2001:db8::1"s, "2001:DB8::1"s});
    static const std::array labels{"a"s, "mail"s, "xn--a"s, "XN--b"s, "co"s, "uk"s, "com"s};
    std::string host;
    const std::size_t count = 1 + dice.below(4);
    for (std::size_t i = 0; i < count; ++i)
        host += (i > 0 ? "." : "") + dice.pick(labels);
    if (dice.one_in(12)) host = "." + host;
    if (dice.one_in(6)) host += ".";
    if (dice.one_in(4)) host[0] = static_cast<char>(std::toupper(host[0]));
    return host;
}

// Mostly something that could pass for the host.
inline std::string random_name(Dice& dice, const std::string& host) {
    std::string name = dice.one_in(4) ? random_host(dice) : host;
    const std::size_t dot = std::min(name.find('.'), name.size());
    switch (dice.below(9)) {
        case 0:
        case 1:
        case 2:
            name = "*" + name.substr(dot);
            break;
        case 3:
            name = "*." + name;
            break;
        case 4:
            name = name.substr(0, dice.below(dot + 1)) + "*" + name.substr(dot);
            break;
        case 5:
            name.insert(dice.below(name.size() + 1), "*");
            break;
        case 6:
            name = "*" + name.substr(dice.below(name.size() + 1));
            break;
        default:
            break;
    }
    if (dice.one_in(10)) name.insert(dice.below(name.size() + 1), "*");
    if (dice.one_in(5)) name += '.';
    if (dice.one_in(8)) name = lowered(name);
    if (dice.one_in(8)) name += "\0.x"s;
    return name;
}

// Each rule stated, stated as an assumption, or silent.
inline NameRules random_rules(Dice& dice, std::size_t silence) {
    NameRules rules;
    const auto put = [&](auto& rule, auto value) {
        if (!dice.one_in(silence)) rule = forge::stated(value);
        if (dice.one_in(20)) rule = forge::stated(value, device::Grade::assumed);
    };
    const auto word = [&]<typename E>(E) { return dice.pick(device::words<E>).value; };
    put(rules.san, word(SanRule{}));
    put(rules.cn, word(CnRule{}));
    put(rules.cn_which, word(CnWhich{}));
    put(rules.san_wildcard, word(Wildcard{}));
    put(rules.cn_wildcard, word(Wildcard{}));
    put(rules.wildcard_min_labels, dice.below(4));
    put(rules.public_suffix_wildcard, dice.one_in(2));
    put(rules.wildcard_matches_a_label, dice.one_in(2));
    put(rules.ip, word(IpRule{}));
    put(rules.case_sensitive, dice.one_in(2));
    put(rules.trailing_dot_ignored, word(TrailingDot{}));
    put(rules.embedded_nul, word(EmbeddedNul{}));
    return rules;
}

inline Names random_names(Dice& dice, const std::string& host) {
    Names names;
    for (auto* list : {&names.cn, &names.dns}) {
        const std::size_t count = dice.below(3);
        for (std::size_t i = 0; i < count; ++i)
            list->push_back(random_name(dice, host));
    }
    if (dice.one_in(3)) {
        names.ip.push_back(dice.one_in(2) ? Bytes{10, 0, 0, 1} : addresses.begin()->second);
    }
    names.uri = dice.one_in(4);
    return names;
}

inline std::string show(const Names& names, const std::string& host) {
    std::string text = "host " + host;
    for (const std::string& name : names.cn)
        text += ", CN " + printable(name);
    for (const std::string& name : names.dns)
        text += ", dNSName " + printable(name);
    for (const Bytes& octets : names.ip)
        text += ", iPAddress " + to_hex(octets);
    if (names.uri) text += ", a URI";
    return text;
}

}  // namespace handset::reference
