#include "emulator/judge/name_objections.h"

#include <fmt/format.h>

#include <algorithm>

#include "emulator/judge/names.h"

namespace handset::judge {

namespace {

using device::NameRules;
using x509::Certificate;

// Calls visit(statement) for every rule that has a part in comparing names.
template <typename Rules, typename Visit>
void for_each_rule(Rules& rules, Visit visit) {
    visit(rules.san);
    visit(rules.cn);
    visit(rules.cn_which);
    visit(rules.san_wildcard);
    visit(rules.cn_wildcard);
    visit(rules.wildcard_min_labels);
    visit(rules.public_suffix_wildcard);
    visit(rules.wildcard_matches_a_label);
    visit(rules.ip);
    visit(rules.case_sensitive);
    visit(rules.trailing_dot_ignored);
    visit(rules.embedded_nul);
    visit(rules.msstd);
}

// The statement that an answer rests on.
struct Rest {
    device::Grade grade = device::Grade::captured;
    std::string source;  // of the weakest; empty when the answer rests on none
};

// Which statement is the weakest of those that could turn the answer: without it, `compare` would
// have none. Where all are of one grade there is nothing to find out.
template <typename Compare>
Rest weakest(const NameRules& rules, Compare compare) {
    Rest strongest{device::Grade::assumed, ""};
    Rest weakest;
    for_each_rule(rules, [&](const auto& stated) {
        if (Objector::is_silent(stated)) return;
        if (strongest.source.empty() || stated->grade > strongest.grade) {
            strongest = {stated->grade, stated->source};
        }
        weakest.grade = std::min(weakest.grade, stated->grade);
    });
    if (strongest.source.empty()) return {};
    if (weakest.grade == strongest.grade) return strongest;
    Rest rest;
    NameRules without = rules;
    for_each_rule(without, [&](auto& stated) {
        if (Objector::is_silent(stated)) return;
        auto kept = std::exchange(stated, std::nullopt);
        const bool turns = compare(without).match == Match::undetermined;
        if (turns && (rest.source.empty() || kept->grade < rest.grade)) {
            rest = {kept->grade, kept->source};
        }
        stated = std::move(kept);
    });
    return rest.source.empty() ? strongest : rest;
}

// Where the user would look for the name: subjectAltName, or else the subject.
x509::Place names_place(const Certificate& read, std::string& field) {
    for (std::size_t i = 0; i < read.extensions.size(); ++i) {
        if (x509::known_oid_name(read.extensions[i].id) != "subjectAltName") continue;
        field = fmt::format("tbsCertificate.extensions[{}].extnValue", i);
        return read.extensions[i].value_place;
    }
    field = "tbsCertificate.subject";
    return read.subject.place;
}

std::string open_text(const NameMatch& match, std::string_view wanted) {
    return fmt::format("whether {} is \"{}\" depends on {}, of which the profile says nothing",
                       match.matched_by, printable(wanted), fmt::join(match.open_rules, " and "));
}

void host_name(Objector& out, const Question& question, const Path& path) {
    if (question.host.empty()) return;
    const NameRules& names = out.device.names;
    const auto* checked = out.said(names.checked);
    if (checked && !*checked) return;
    const Certificate& read = *path.certificates[0].certificate;
    const NameMatch match = compare_host(read, question.host, names);
    const Rest rest = weakest(
        names, [&](const NameRules& rules) { return compare_host(read, question.host, rules); });
    if (match.match == Match::yes) {
        out.consulted = std::min(out.consulted, rest.grade);
        return;
    }
    std::string field = "tbsCertificate.subject";
    const bool looks_at_san =
        Objector::is_silent(names.san) || names.san->value != device::SanRule::none;
    const x509::Place place = looks_at_san ? names_place(read, field) : read.subject.place;
    std::string detail =
        match.match == Match::undetermined
            ? open_text(match, question.host)
            : fmt::format("\"{}\" is none of: {}{}", printable(question.host), list_names(read),
                          looks_at_san ? "" : " (the device looks at the common name only)");
    // That the device compares names at all is what its tolerance of a mismatch says.
    Objection& objection =
        out.object(finding_at(path, 0, "name-host-mismatch", place, field, std::move(detail)));
    objection.path_position = 0;
    objection.undecided = match.match == Match::undetermined;
    if (objection.undecided || rest.source.empty()) return;
    objection.grade = rest.grade;
    objection.source = rest.source;
}

void principal(Objector& out, const Question& question, const Path& path) {
    const NameRules& names = out.device.names;
    if (Objector::is_silent(names.msstd) || question.msstd == "none") return;
    std::string_view wanted = question.msstd;
    if (wanted.empty()) {
        wanted = question.host;
    } else if (wanted.starts_with("msstd:")) {
        wanted.remove_prefix(6);
    }
    if (wanted.empty()) return;
    const Certificate& read = *path.certificates[0].certificate;
    out.said(names.msstd);
    const NameMatch match = compare_principal(read, wanted, names);
    if (match.match == Match::yes) return;
    const bool cn_only = names.msstd->value == device::MsstdRule::cn;
    Objection& objection = out.object(
        finding_at(
            path, 0, "name-msstd-mismatch", read.subject.place, "tbsCertificate.subject",
            match.match == Match::undetermined
                ? open_text(match, wanted)
                : fmt::format("msstd:{} is none of: {}{}", printable(wanted), list_names(read),
                              cn_only ? " (only the common name is compared)" : "")),
        names.msstd);
    objection.path_position = 0;
    objection.undecided = match.match == Match::undetermined;
}

}  // namespace

void check_names(Objector& out, const Question& question, const Path& path) {
    if (path.certificates.empty()) return;  // the leaf could not be decoded
    host_name(out, question, path);
    principal(out, question, path);
}

}  // namespace handset::judge
