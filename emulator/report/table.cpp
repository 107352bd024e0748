// The table for eyes: aligned, coloured on a terminal, worst first, with a summary line.
#include <fmt/format.h>

#include <algorithm>
#include <ostream>
#include <sstream>

#include "emulator/device/words.h"
#include "emulator/report/report.h"

namespace handset::report {

namespace {

using judge::Effect;
using judge::Outcome;
using judge::Reason;
using judge::Verdict;

int badness(Outcome outcome) {
    switch (outcome) {
        case Outcome::fails:
            return 0;
        case Outcome::asks:
            return 1;
        case Outcome::unknown:
            return 2;
        case Outcome::connects:
            return 3;
    }
    return 3;
}

std::string_view color_of(Outcome outcome) {
    switch (outcome) {
        case Outcome::fails:
            return "\x1b[1;31m";
        case Outcome::asks:
            return "\x1b[1;33m";
        case Outcome::unknown:
            return "\x1b[1;35m";
        case Outcome::connects:
            return "\x1b[1;32m";
    }
    return "";
}

std::string paint(std::string_view text, std::string_view color, const Style& style) {
    if (!style.color) return std::string(text);
    return fmt::format("{}{}\x1b[0m", color, text);
}

// Characters, for alignment; good enough for names and messages, which are not set in wide scripts.
std::size_t columns_of(std::string_view utf8) {
    return static_cast<std::size_t>(std::ranges::count_if(
        utf8, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

// Lines of at most `width` columns, broken at spaces; a longer word stands alone.
std::vector<std::string> wrap(std::string_view text, std::size_t width) {
    std::vector<std::string> lines;
    std::string line;
    std::istringstream words{std::string(text)};
    for (std::string word; words >> word;) {
        if (!line.empty() && columns_of(line) + 1 + columns_of(word) > width) {
            lines.push_back(std::move(line));
            line.clear();
        }
        if (!line.empty()) line += ' ';
        line += word;
    }
    if (!line.empty()) lines.push_back(std::move(line));
    return lines;
}

std::string place_of(const rules::Finding& finding) {
    if (finding.certificate) {
        return fmt::format("certificate {}, {}, offset {}", *finding.certificate, finding.field,
                           finding.offset);
    }
    if (finding.field.empty() || finding.field == "alert") return "";
    return finding.length > 0 ? fmt::format("{}, offset {}", finding.field, finding.offset)
                              : finding.field;
}

std::string alert_text(const Verdict& verdict) {
    if (verdict.alert) {
        const bool sent = verdict.alert->direction == judge::Direction::sent;
        return fmt::format("{} alert {} {}", sent ? "sends" : "receives",
                           static_cast<int>(verdict.alert->alert.description),
                           wire::name_of(verdict.alert->alert.description));
    }
    if (verdict.closes_silently) return "closes without an alert";
    return "";
}

// The paragraphs of the last column.
std::vector<std::string> why(const Verdict& verdict) {
    std::vector<std::string> paragraphs;
    const Reason* reason = judge::decisive_reason(verdict);
    if (!reason) {
        std::string text = verdict.negotiated
                               ? fmt::format("{}, {}", wire::name_of(verdict.negotiated->version),
                                             wire::name_of(verdict.negotiated->cipher_suite))
                               : "the certificates are accepted";
        if (verdict.stage == judge::Stage::finished || verdict.stage == judge::Stage::application) {
            text += "; handshake finished";
        }
        if (!verdict.earlier.empty()) {
            text += fmt::format("; at attempt {}, the one before: {}", verdict.earlier.size() + 1,
                                verdict.earlier.back().ended);
        }
        paragraphs.push_back(std::move(text));
        const auto not_played =
            std::ranges::find(verdict.reasons, "handshake-not-played",
                              [](const Reason& noted) { return noted.finding.rule; });
        if (not_played != verdict.reasons.end()) paragraphs.push_back(not_played->finding.detail);
        return paragraphs;
    }
    paragraphs.push_back(reason->finding.detail);
    std::vector<std::string> facts;
    if (const std::string place = place_of(reason->finding); !place.empty()) {
        facts.push_back(place);
    }
    if (const std::string alert = alert_text(verdict); !alert.empty()) facts.push_back(alert);
    if (verdict.outcome != Outcome::unknown && !reason->source.empty()) {
        facts.push_back(fmt::format("evidence: {}", device::grade_name(verdict.grade)));
    }
    if (!facts.empty()) paragraphs.push_back(fmt::format("{}", fmt::join(facts, "; ")));
    if (!verdict.shows.empty()) {
        const std::string code = verdict.code.empty() ? "" : fmt::format(" ({})", verdict.code);
        paragraphs.push_back(fmt::format("user reads: \"{}\"{}", verdict.shows, code));
    }
    for (const device::Answer& answer : verdict.answers) {
        paragraphs.push_back(fmt::format(
            "  \"{}\": {}{}", answer.answer, device::word_of(answer.then),
            answer.alert ? fmt::format(", alert {}", wire::name_of(*answer.alert)) : ""));
    }
    if (!verdict.earlier.empty()) {
        const judge::EarlierAttempt& before = verdict.earlier.back();
        paragraphs.push_back(fmt::format("attempt {}; the one before: {}",
                                         verdict.earlier.size() + 1, before.ended));
    }
    if (verdict.outcome == Outcome::unknown) {
        const bool anchor = reason->finding.rule == "chain-anchor-undetermined";
        paragraphs.push_back(
            anchor ? "settle it with --install-root FILE or --roots FILE"
                   : fmt::format("the profile does not say what the device does here ({})",
                                 reason->finding.rule));
    }
    const auto others = std::ranges::count(verdict.reasons, Effect::later, &Reason::effect);
    if (others > 0) {
        paragraphs.push_back(fmt::format("and {} more reason{} to refuse; see --explain", others,
                                         others == 1 ? "" : "s"));
    }
    return paragraphs;
}

void write_paragraph(std::ostream& out, std::string_view indent, std::string_view text,
                     std::size_t width) {
    for (const std::string& line : wrap(text, width))
        out << indent << line << '\n';
}

// "label:  text", the text's further lines under its first.
void write_labelled(std::ostream& out, std::string_view indent, std::string_view label,
                    std::string_view text, std::size_t width) {
    constexpr std::size_t label_width = 8;
    std::string head = fmt::format("{}:", label);
    for (const std::string& line : wrap(text, width - label_width)) {
        out << indent << fmt::format("{:<{}}", head, label_width) << line << '\n';
        head.clear();
    }
}

std::string indented(std::string_view text, std::string_view indent) {
    std::string out;
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        out += indent;
        out += line;
        out += '\n';
    }
    return out;
}

void write_explanation(const Entry& entry, const Style& style, std::size_t width,
                       std::ostream& out) {
    for (const Reason& reason : entry.verdict.reasons) {
        const rules::Finding& finding = reason.finding;
        out << '\n'
            << "    " << paint(finding.rule, "\x1b[1m", style) << " ["
            << judge::effect_name(reason.effect) << "]\n";
        const std::string indent = "      ";
        const std::size_t room = width - indent.size();
        write_paragraph(out, indent, printable_utf8(finding.detail), room);
        if (const std::string place = place_of(finding); !place.empty()) {
            write_labelled(out, indent, "at", printable_utf8(place), room);
        }
        write_labelled(out, indent, "demand",
                       fmt::format("{} [{}]", reason.demand, reason.citation), room);
        if (!reason.source.empty()) {
            write_labelled(
                out, indent, "known",
                fmt::format("{} [{}]", printable_utf8(reason.source),
                            reason.grade ? device::grade_name(*reason.grade) : "no statement"),
                room);
        }
        for (const std::string& remedy : reason.remedies) {
            write_labelled(out, indent, "remedy", printable_utf8(remedy), room);
        }
        const bool in_certificate =
            finding.certificate && *finding.certificate < entry.certificates.size();
        const ByteView octets = in_certificate ? ByteView(entry.certificates[*finding.certificate])
                                               : ByteView(entry.stream);
        // A finding about an anchor points into no octets the server sent.
        const bool has_octets = in_certificate || (!finding.certificate && finding.length > 0 &&
                                                   finding.field.find("tbsCertificate") != 0);
        const bool whole = finding.offset == 0 && finding.length >= octets.size();
        if (has_octets && finding.length > 0 && !whole && !octets.empty()) {
            out << indented(
                annotated_dump(octets, finding.offset, finding.length,
                               finding.field.substr(finding.field.rfind('.') + 1), style),
                indent);
        }
    }
}

}  // namespace

void write_table(const Report& report, const Style& style, std::ostream& out) {
    std::vector<const Entry*> entries;
    for (const Entry& entry : report.entries)
        entries.push_back(&entry);
    std::ranges::stable_sort(entries, {},
                             [](const Entry* entry) { return badness(entry->verdict.outcome); });

    std::size_t id_width = std::string_view("DEVICE").size();
    for (const Entry* entry : entries) {
        id_width = std::max(id_width, columns_of(entry->verdict.device));
    }
    constexpr std::size_t outcome_width = 8;  // "connects"
    const std::size_t left = id_width + 2 + outcome_width + 2;
    const std::size_t width = std::max<std::size_t>({style.width, left + 40, 60});
    const std::string margin(left, ' ');

    out << paint(fmt::format("{:<{}}  {:<{}}  {}", "DEVICE", id_width, "VERDICT", outcome_width,
                             "WHY"),
                 "\x1b[1m", style)
        << '\n';
    std::size_t counts[4] = {};
    for (const Entry* entry : entries) {
        const Verdict& verdict = entry->verdict;
        ++counts[badness(verdict.outcome)];
        out << fmt::format("{:<{}}  ", verdict.device, id_width)
            << paint(fmt::format("{:<{}}", judge::outcome_name(verdict.outcome), outcome_width),
                     color_of(verdict.outcome), style)
            << "  ";
        bool first = true;
        for (const std::string& paragraph : why(verdict)) {
            for (const std::string& line : wrap(printable_utf8(paragraph), width - left)) {
                out << (first ? "" : margin) << line << '\n';
                first = false;
            }
        }
        if (style.explain) {
            write_explanation(*entry, style, width, out);
            out << '\n';
        }
    }
    std::vector<std::string> parts;
    static constexpr std::string_view singular[] = {"fails", "asks", "unknown", "connects"};
    static constexpr std::string_view plural[] = {"fail", "ask", "unknown", "connect"};
    for (std::size_t i = 0; i < 4; ++i) {
        if (counts[i] == 0) continue;
        const std::string text =
            fmt::format("{} {}", counts[i], counts[i] == 1 ? singular[i] : plural[i]);
        constexpr Outcome outcomes[] = {Outcome::fails, Outcome::asks, Outcome::unknown,
                                        Outcome::connects};
        parts.push_back(paint(text, color_of(outcomes[i]), style));
    }
    out << '\n'
        << fmt::format("{} device{}: {}; {} at {}{}\n", entries.size(),
                       entries.size() == 1 ? "" : "s", fmt::join(parts, ", "),
                       printable_utf8(report.target), to_rfc3339(report.at),
                       report.host.empty()
                           ? "; names were not compared (give --host NAME)"
                           : fmt::format("; configured for {}", printable_utf8(report.host)));
}

}  // namespace handset::report
