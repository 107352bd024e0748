// The JSON of ARCHITECTURE.md, "schema": 1. Keys are only ever added; emulator/report/schema.json
// says the same in JSON Schema.
#include <boost/json.hpp>
#include <ostream>

#include "emulator/device/words.h"
#include "emulator/report/report.h"

namespace handset::report {

namespace {

namespace json = boost::json;

json::value text_or_null(std::string_view text) {
    if (text.empty()) return nullptr;
    return json::string(printable_utf8(text));
}

json::object alert_object(const judge::AlertSeen& alert) {
    return {{"direction", alert.direction == judge::Direction::sent ? "sent" : "received"},
            {"level", wire::name_of(alert.alert.level)},
            {"code", static_cast<int>(alert.alert.description)},
            {"name", wire::name_of(alert.alert.description)}};
}

json::object reason_object(const judge::Reason& reason) {
    json::object object;
    const rules::Finding& finding = reason.finding;
    object["rule"] = finding.rule;
    object["effect"] = judge::effect_name(reason.effect);
    object["certificate"] =
        finding.certificate ? json::value(*finding.certificate) : json::value(nullptr);
    object["field"] = printable_utf8(finding.field);
    object["offset"] = finding.offset;
    object["length"] = finding.length;
    object["bytes"] = to_hex(finding.bytes);
    object["detail"] = printable_utf8(finding.detail);
    object["demand"] = reason.demand;
    object["citation"] = reason.citation;
    object["source"] = text_or_null(reason.source);
    object["grade"] =
        reason.grade ? json::value(device::grade_name(*reason.grade)) : json::value(nullptr);
    json::array remedies;
    for (const std::string& remedy : reason.remedies)
        remedies.emplace_back(remedy);
    object["remedies"] = std::move(remedies);
    return object;
}

json::object verdict_object(const judge::Verdict& verdict) {
    json::object object;
    object["device"] = verdict.device;
    object["name"] = verdict.name;
    object["outcome"] = judge::outcome_name(verdict.outcome);
    object["stage"] = judge::stage_name(verdict.stage);
    object["alert"] = verdict.alert ? json::value(alert_object(*verdict.alert)) : nullptr;
    object["closes_silently"] = verdict.closes_silently;
    object["shows"] = text_or_null(verdict.shows);
    object["log"] = text_or_null(verdict.log);
    object["code"] = text_or_null(verdict.code);
    json::array answers;
    for (const device::Answer& answer : verdict.answers) {
        json::object one{{"answer", answer.answer}, {"then", device::word_of(answer.then)}};
        one["alert"] = answer.alert ? json::value(wire::name_of(*answer.alert)) : nullptr;
        answers.push_back(std::move(one));
    }
    object["answers"] = std::move(answers);
    object["grade"] = device::grade_name(verdict.grade);
    if (verdict.negotiated) {
        object["negotiated"] = {{"version", wire::name_of(verdict.negotiated->version)},
                                {"cipher_suite", wire::name_of(verdict.negotiated->cipher_suite)}};
    } else {
        object["negotiated"] = nullptr;
    }
    json::array reasons;
    for (const judge::Reason& reason : verdict.reasons)
        reasons.push_back(reason_object(reason));
    object["reasons"] = std::move(reasons);
    if (verdict.hello.empty()) {
        object["hello"] = nullptr;
    } else {
        object["hello"] = {{"ja3", text_or_null(verdict.ja3)}, {"hex", to_hex(verdict.hello)}};
    }
    json::array earlier;
    for (const judge::EarlierAttempt& attempt : verdict.earlier) {
        earlier.push_back(json::object{{"ended", printable_utf8(attempt.ended)},
                                       {"ja3", text_or_null(attempt.ja3)},
                                       {"hex", to_hex(attempt.hello)}});
    }
    object["earlier_attempts"] = std::move(earlier);
    return object;
}

}  // namespace

void write_json(const Report& report, const Style&, std::ostream& out) {
    json::array verdicts;
    for (const Entry& entry : report.entries)
        verdicts.push_back(verdict_object(entry.verdict));
    const json::object root{{"schema", 1},
                            {"tool", "handset"},
                            {"version", report.version},
                            {"target", printable_utf8(report.target)},
                            {"host", text_or_null(report.host)},
                            {"at", to_rfc3339(report.at)},
                            {"verdicts", std::move(verdicts)}};
    out << json::serialize(root) << '\n';
}

}  // namespace handset::report
