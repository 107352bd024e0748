#include "emulator/judge/judge.h"

#include <algorithm>
#include <tuple>

#include "emulator/judge/objections.h"
#include "emulator/judge/reaction.h"

namespace handset::judge {

namespace {

using device::Device;
using device::Grade;
using device::Tolerance;
using rules::Evidence;
using rules::Rule;
using rules::Step;

// An objection with what the device does about it.
struct Weighed {
    Objection objection;
    const Rule* rule = nullptr;
    Effect effect = Effect::noted;
    const Tolerance* tolerance = nullptr;  // nullptr: the profile makes no statement
};

// Sorting key: the device's order of noticing.
class OrderOfNoticing {
public:
    OrderOfNoticing(const Device& device, std::size_t path_length)
        : order_(device.order ? &*device.order : nullptr), path_length_(path_length) {
        if (!order_) return;
        for (const Step step : order_->per_certificate) {
            loop_rank_ = std::min(loop_rank_, rank(step));
        }
    }

    std::tuple<std::size_t, std::size_t, std::size_t, std::size_t> key(
        const Weighed& reaction) const {
        const Step step = reaction.rule->step;
        // What was not sent has no number; it stands behind what it issued.
        const std::size_t number = reaction.objection.finding.certificate.value_or(
            reaction.objection.path_position.value_or(0));
        const std::size_t offset = reaction.objection.finding.offset;
        if (!order_ || !in_loop(step)) return {rank(step), number, 0, offset};
        std::size_t position = reaction.objection.path_position.value_or(0);
        if (order_->certificates == device::CertificateOrder::anchor_first) {
            position = path_length_ - std::min(position, path_length_);
        }
        return {loop_rank_, position, rank(step), offset};
    }

private:
    std::size_t rank(Step step) const {
        const auto index = static_cast<std::size_t>(step);
        return order_ ? order_->rank.at(index) : index;
    }
    bool in_loop(Step step) const {
        return order_ &&
               std::ranges::find(order_->per_certificate, step) != order_->per_certificate.end();
    }

    const device::Order* order_;
    std::size_t path_length_;
    std::size_t loop_rank_ = rules::step_count;
};

Stage stage_of(Step step) {
    if (step <= Step::server_hello) return Stage::server_hello;
    if (step <= Step::extended_key_usage) return Stage::certificate;
    if (step == Step::key_exchange) return Stage::key_exchange;
    if (step == Step::finished) return Stage::finished;
    return Stage::application;
}

// How far a flight that nobody objects to was followed.
Stage stage_reached(const Evidence& evidence, bool principal_checked) {
    if (evidence.origin == wire::Flight::Origin::files) return Stage::certificate;
    if (evidence.continuation.kind == wire::Continuation::Kind::finished) {
        return principal_checked ? Stage::application : Stage::finished;
    }
    return evidence.server_hello ? Stage::key_exchange : Stage::server_hello;
}

// The stage at which the server itself ended the handshake, by what it had said before.
Stage stage_of_servers_end(const Evidence& evidence, const Rule& rule) {
    if (rule.step == Step::finished) return Stage::finished;
    if (rule.step == Step::key_exchange) return Stage::key_exchange;
    if (evidence.messages.empty()) return Stage::server_hello;
    return evidence.certificate_message_seen ? Stage::key_exchange : Stage::certificate;
}

std::string text_of(const Device& device, const std::string& source) {
    const auto found = device.sources.find(source);
    if (found == device.sources.end()) return "";
    return found->second.what + " (" + found->second.where + ")";
}

Reason reason_of(const Weighed& reaction, const Device& device) {
    Reason reason;
    reason.finding = reaction.objection.finding;
    reason.effect = reaction.effect;
    reason.demand = reaction.rule->demand;
    reason.citation = reaction.rule->citation;
    if (reaction.tolerance) {
        reason.source = text_of(device, reaction.tolerance->source);
        reason.grade = reaction.tolerance->grade;
    } else if (reaction.objection.grade) {
        reason.source = text_of(device, reaction.objection.source);
    }
    if (reaction.objection.grade && reason.grade) {
        reason.grade = std::min(*reason.grade, *reaction.objection.grade);
    }
    const auto own = device.remedies.find(reason.finding.rule);
    if (own != device.remedies.end()) reason.remedies.push_back(own->second);
    if (!reaction.rule->remedy.empty()) reason.remedies.emplace_back(reaction.rule->remedy);
    return reason;
}

void respond(Verdict& verdict, const Weighed& reaction, const Device& device) {
    if (!reaction.tolerance) return;
    const auto found = device.responses.find(reaction.tolerance->response);
    if (found == device.responses.end()) return;
    const device::Response& response = found->second;
    verdict.shows = response.shows;
    verdict.log = response.log;
    verdict.code = response.code;
    if (reaction.effect == Effect::asks) verdict.answers = response.answers;
    if (reaction.effect != Effect::decides) return;  // a question is no alert
    verdict.closes_silently =
        response.alert_stated && !response.alert && !response.alert_as_standard;
    std::optional<wire::AlertDescription> description = response.alert;
    if (response.alert_as_standard) description = reaction.rule->alert;
    if (description) {
        verdict.alert = AlertSeen{Direction::sent, {wire::AlertLevel::fatal, *description}};
    }
}

}  // namespace

Verdict judge(const Device& device, const device::Store* store, const Evidence& evidence,
              const Question& question) {
    Objections objections = collect_objections(device, store, evidence, question);
    std::vector<Weighed> reactions;
    for (Objection& objection : objections.list) {
        const Rule* rule = rules::find_rule(objection.finding.rule);
        if (!rule) continue;
        const Reaction reaction = react_to(objection, *rule, device);
        reactions.push_back({std::move(objection), rule, reaction.effect, reaction.tolerance});
    }
    const OrderOfNoticing order(device, objections.path.certificates.size());
    std::ranges::stable_sort(reactions, {}, [&](const Weighed& reaction) {
        return std::tuple(reaction.effect == Effect::noted, order.key(reaction));
    });

    Verdict verdict;
    verdict.device = device.id;
    verdict.name = device.name;
    if (evidence.server_hello) {
        verdict.negotiated = Negotiated{wire::selected_version(*evidence.server_hello),
                                        evidence.server_hello->cipher_suite};
    }
    const bool principal_checked = device.names.msstd && question.msstd != "none";
    verdict.stage = stage_reached(evidence, principal_checked);
    verdict.outcome = Outcome::connects;
    verdict.grade = objections.consulted;
    const Weighed* decider = nullptr;
    for (Weighed& reaction : reactions) {
        if (reaction.effect != Effect::decides) continue;
        if (decider) {
            reaction.effect = Effect::later;
        } else {
            decider = &reaction;
            verdict.outcome = Outcome::fails;
        }
    }
    const auto first_with = [&](Effect effect) -> const Weighed* {
        const auto found = std::ranges::find(reactions, effect, &Weighed::effect);
        return found == reactions.end() ? nullptr : &*found;
    };
    if (!decider) {
        if ((decider = first_with(Effect::undecided))) {
            verdict.outcome = Outcome::unknown;
        } else if ((decider = first_with(Effect::asks))) {
            verdict.outcome = Outcome::asks;
        }
    }
    for (const Weighed& reaction : reactions) {
        verdict.reasons.push_back(reason_of(reaction, device));
    }
    if (!decider) {
        // What the profile says the device overlooks is what the answer rests on.
        for (const Weighed& reaction : reactions) {
            if (!reaction.tolerance) continue;
            verdict.grade = std::min(verdict.grade, reaction.tolerance->grade);
        }
        return verdict;
    }

    verdict.stage = is_servers_own_end(decider->rule->id)
                        ? stage_of_servers_end(evidence, *decider->rule)
                        : stage_of(decider->rule->step);
    if (verdict.outcome == Outcome::unknown) {
        verdict.grade = Grade::assumed;
    } else if (is_servers_own_end(decider->rule->id)) {
        verdict.grade = Grade::captured;  // the server's own doing, seen here
        respond(verdict, *decider, device);
        if (decider->rule->id == "handshake-server-alert" && !evidence.alerts.empty()) {
            verdict.alert = AlertSeen{Direction::received, evidence.alerts.back()};
        } else if (decider->rule->id == "handshake-finish-refused" && evidence.continuation.alert) {
            verdict.alert = AlertSeen{Direction::received, *evidence.continuation.alert};
        }
    } else if (decider->tolerance) {
        verdict.grade = decider->tolerance->grade;
        if (decider->objection.grade) {
            verdict.grade = std::min(verdict.grade, *decider->objection.grade);
        }
        respond(verdict, *decider, device);
    }
    return verdict;
}

}  // namespace handset::judge
