#include "emulator/lab/library.h"

#include <fmt/format.h>

#include <algorithm>

#include "handshake/crypto/digest.h"

namespace handset::lab {

namespace {

using std::chrono::seconds;

constexpr std::string_view usual_domain = "example.test";

std::optional<unsigned> number(std::string_view digits) {
    unsigned value = 0;
    for (const char c : digits) {
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + static_cast<unsigned>(c - '0');
    }
    return value;
}

// "utc:200101000000Z" or "gen:20200101000000Z"; nullopt for what is written otherwise.
std::optional<Time> time_of(std::string_view text) {
    const bool utc = text.starts_with("utc:");
    const std::size_t digits = utc ? 12 : 14;
    if ((!utc && !text.starts_with("gen:")) || text.size() != 4 + digits + 1 ||
        text.back() != 'Z') {
        return std::nullopt;
    }
    std::string_view rest = text.substr(4);
    const auto take = [&](std::size_t length) {
        const auto value = number(rest.substr(0, length));
        rest = rest.substr(length);
        return value;
    };
    auto year = take(utc ? 2 : 4);
    const auto month = take(2), day = take(2), hour = take(2), minute = take(2), second = take(2);
    if (!year || !month || !day || !hour || !minute || !second) return std::nullopt;
    if (utc) *year += *year < 50 ? 2000 : 1900;  // RFC 5280 4.1.2.5.1
    return make_time(static_cast<int>(*year), *month, *day, *hour, *minute, *second);
}

std::string written_like(std::string_view text, Time time) {
    std::string digits;  // "20200101000000"
    for (const char c : to_rfc3339(time)) {
        if (c >= '0' && c <= '9') digits.push_back(c);
    }
    return text.starts_with("utc:") ? fmt::format("utc:{}Z", digits.substr(2))
                                    : fmt::format("gen:{}Z", digits);
}

std::string moved(const std::string& text, seconds by) {
    const auto time = time_of(text);
    if (!time) return text;
    static const Time first = *make_time(1950, 1, 1, 0, 0, 0);
    static const Time last = *make_time(2049, 12, 31, 23, 59, 59);
    const Time there = *time + by;
    const auto in_utc_years = [&](Time at) { return at >= first && at <= last; };
    return in_utc_years(*time) && in_utc_years(there) ? written_like(text, there) : text;
}

void replace_all(std::string& text, std::string_view what, std::string_view by) {
    for (std::size_t at = text.find(what); at != std::string::npos;
         at = text.find(what, at + by.size())) {
        text.replace(at, what.size(), by);
    }
}

std::string id_of(const std::filesystem::path& file, const std::filesystem::path& folder) {
    return std::filesystem::relative(file, folder).replace_extension().generic_string();
}

// mbed TLS lacks what would have to follow; nothing can be shown of it.
bool can_be_shown(const forge::Case& from) {
    return !from.server || from.server->continuation.kind != wire::Continuation::Kind::unplayable;
}

void move_to_domain(forge::Case& from, std::string_view domain) {
    replace_all(from.question.host, usual_domain, domain);
    for (auto& [name, recipe] : from.recipes) {
        for (auto* texts : {&recipe.subject, &recipe.names, &recipe.permitted, &recipe.excluded}) {
            for (std::string& text : *texts)
                replace_all(text, usual_domain, domain);
        }
    }
}

// Whether a client of the lab can be shown what the case says of its frame.
bool can_be_set_up(const forge::Case& from) {
    // Which roots a client holds is never open.
    const forge::CaseQuestion& question = from.question;
    if (!question.roots && question.install_root.empty() && !from.store) return false;
    if (!from.server) return true;
    // A client that offers less is shown another flight, and every flight comes to an end.
    return from.server->offered.without.empty() && from.server->ending != wire::Ending::limit;
}

// At the boundary of its own rule a case does not show it.
std::vector<std::string> rules_of(const forge::Case& from) {
    if (!can_be_set_up(from)) return {};
    std::vector<std::string> rules;
    if (!from.rule.empty() && from.expect.found) rules.push_back(from.rule);
    rules.insert(rules.end(), from.also.begin(), from.also.end());
    return rules;
}

void add_missing(std::vector<std::string>& to, const std::vector<std::string>& from) {
    for (const std::string& one : from) {
        if (std::ranges::find(to, one) == to.end()) to.push_back(one);
    }
}

Shown without_octets(const forge::Case& from, const std::string& id,
                     const std::filesystem::path& keys) {
    Shown shown;
    shown.id = id;
    shown.rule = from.rule;
    shown.rules = rules_of(from);
    shown.about = from.about;
    shown.host = from.question.host;
    const auto leaf = from.recipes.find(from.chain.empty() ? "leaf" : from.chain.front());
    // Else fill_in_octets() says that no certificate is called so.
    if (leaf != from.recipes.end()) shown.key = keys / (leaf->second.key + ".pem");
    if (from.server) shown.server = *from.server;
    shown.server.offered = {};  // the client that is really there offers what it offers
    return shown;
}

using MakeCertificate = decltype(&forge::make_certificate);

void fill_in_octets(Shown& shown, const forge::Case& from, const std::filesystem::path& keys,
                    MakeCertificate certificate) {
    try {
        for (const std::string& name : from.chain)
            shown.chain.push_back(certificate(from.recipes, name, keys));
        for (std::size_t i = 0; i < from.repeat_last && !shown.chain.empty(); ++i)
            shown.chain.push_back(shown.chain.back());
        std::vector<std::string> roots =
            from.question.roots.value_or(std::vector<std::string>{"root"});
        roots.insert(roots.end(), from.question.install_root.begin(),
                     from.question.install_root.end());
        for (const std::string& name : roots)
            shown.roots.push_back(certificate(from.recipes, name, keys));
    } catch (const forge::ForgeError& error) {
        throw forge::ForgeError(fmt::format("{}: {}", from.file.string(), error.what()));
    }
}

bool same_on_the_wire(const Shown& a, const Shown& b) {
    return a.host == b.host && a.chain == b.chain && a.roots == b.roots && a.key == b.key &&
           a.server == b.server;
}

void move_dates(forge::Case& from, Time at) {
    const auto clock = parse_rfc3339(from.question.at);
    if (!clock)
        throw forge::ForgeError(fmt::format("{}: question.at is no time", from.file.string()));
    for (auto& [name, recipe] : from.recipes) {
        recipe.not_before = moved(recipe.not_before, at - *clock);
        recipe.not_after = moved(recipe.not_after, at - *clock);
    }
}

// All cases that can be shown, the correct one first. Chain and roots tell them apart, but are no
// certificates: nothing is signed yet.
std::vector<Outline> read_all(const std::filesystem::path& folder, Time at) {
    std::vector<Outline> all;
    for (const auto& file : forge::find_cases(folder)) {
        Outline one;
        one.from = forge::load_case(file);
        if (!can_be_shown(one.from)) continue;
        move_dates(one.from, at);
        one.keys = folder / "keys";
        one.shown = without_octets(one.from, id_of(file, folder), one.keys);
        fill_in_octets(one.shown, one.from, one.keys, forge::outline_certificate);
        all.insert(one.shown.id == correct_case ? all.begin() : all.end(), std::move(one));
    }
    return all;
}

}  // namespace

std::vector<Outline> outline_cases(const std::filesystem::path& folder, Time at,
                                   std::string_view domain) {
    std::vector<Outline> different;
    for (Outline& one : read_all(folder, at)) {
        const auto same = std::ranges::find_if(different, [&](const Outline& other) {
            return same_on_the_wire(one.shown, other.shown);
        });
        if (same == different.end()) {
            different.push_back(std::move(one));
        } else {
            add_missing(same->shown.rules, one.shown.rules);
            same->stands_for.push_back(one.shown.id);
        }
    }
    for (Outline& one : different) {
        one.shown.chain.clear();
        one.shown.roots.clear();
        if (domain.empty()) continue;
        move_to_domain(one.from, virtual_host(one.shown, domain));
        one.shown.host = one.from.question.host;
    }
    return different;
}

Shown make_case(const Outline& outline) {
    Shown shown = outline.shown;
    fill_in_octets(shown, outline.from, outline.keys, forge::make_certificate);
    return shown;
}

std::vector<Shown> load_cases(const std::filesystem::path& folder, Time at) {
    std::vector<Shown> all;
    for (const Outline& outline : outline_cases(folder, at))
        all.push_back(make_case(outline));
    return all;
}

std::string virtual_host(const Shown& shown, std::string_view domain) {
    std::string label;
    for (const char c : shown.id) {
        const bool kept = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (kept) {
            label.push_back(c);
        } else if (!label.empty() && label.back() != '-') {
            label.push_back('-');
        }
    }
    while (label.ends_with('-'))
        label.pop_back();
    constexpr std::size_t longest_label = 63;  // RFC 1035 2.3.4
    if (label.size() > longest_label) {
        // What tells one from the other may be at the end.
        const auto digest = crypto::digest(crypto::HashAlgorithm::sha1, view_of(shown.id));
        const std::string mark = "-" + to_hex(digest.value()).substr(0, 8);
        label.resize(longest_label - mark.size());
        label += mark;
    }
    return fmt::format("{}.{}", label, domain);
}

}  // namespace handset::lab
