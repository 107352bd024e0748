#include "emulator/lab/search.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "emulator/device/statements.h"
#include "emulator/lab/knobs.h"
#include "emulator/lab/prediction.h"

namespace handset::lab {

namespace {

using device::Device;

// Worth of an example: the outcome first, then the alert; a wrong `connects` is the worst answer.
constexpr double outcome_worth = 1;
constexpr double alert_worth = 0.3;
// At first it counts little, lest the search stay where it began.
constexpr double wrong_connects_at_first = -0.5;
constexpr double wrong_connects_worth = -2.5;
// Of a refusal that a tolerance alone would explain: a statement may be right that needs one.
constexpr double learnable_worth = 1.2;
constexpr double least_gain = 1e-6;
constexpr int max_rounds = 12;
constexpr std::size_t max_cases_told = 3;
constexpr std::size_t max_detours = 40;
// What is on none of the lists. Who accepts it, and who has all on the list, look the same.
constexpr std::string_view rules_of_lists[] = {"extension-critical-unknown",
                                               "certificate-signature-algorithm-unsupported",
                                               "key-type-unsupported",
                                               "key-curve-unsupported",
                                               "chain-name-constraint-unsupported",
                                               "chain-name-exclusion-unsupported"};
struct Judged {
    double worth = 0;
    bool agrees = false;
    std::vector<std::string> rules;  // that the verdict speaks of
};
class Search {
public:
    Search(Device start, const std::vector<Example>& examples,
           const std::vector<Expected>& expected, std::string source,
           const std::function<void(const std::string&)>& progress)
        : device_(std::move(start)),
          prior_(device_),
          examples_(examples),
          weights_(examples.size(), 1),
          asked_(examples.size()),
          source_(std::move(source)),
          progress_(progress),
          knobs_(knobs(device_, source_)) {
        for (const Expected& one : expected) {
            examples_.push_back(one.example);
            weights_.push_back(one.weight);
        }
    }

    Lesson run(Effort effort) {
        hopeful_ = true;
        climb();
        hopeful_ = false;
        climb();
        cautious_ = true;
        climb();
        if (effort == Effort::thorough) detours();
        Lesson lesson;
        silence(lesson);
        // Without what nothing speaks for there may be a way on.
        const double worth = total();
        if (effort == Effort::thorough) climb();
        if (total() > worth + least_gain) {
            lesson = {};
            silence(lesson);
        }
        drop_unused_responses();
        drop_unused_sources();
        for (std::size_t i = 0; i < asked_; ++i) {
            const Agreement agrees = agreement(device_, examples_[i]);
            if (!agrees.outcome) lesson.not_explained.push_back(examples_[i].case_id);
            if (!examples_[i].accepted && examples_[i].alert) {
                ++lesson.alerts;
                lesson.alerts_agree += agrees.alert;
            }
        }
        lesson.device = device_;
        return lesson;
    }

private:
    void climb() {
        judge_all();
        for (int round = 1; round <= max_rounds; ++round) {
            const double before = total();
            tolerances();
            for (const Knob& knob : *knobs_) {
                if (improve(knob)) tell(round);
            }
            if (total() < before + least_gain && !repair()) break;
        }
    }

    void tell(int round) const {
        if (!progress_) return;
        const auto agree = std::ranges::count_if(judged_, &Judged::agrees);
        progress_(fmt::format("round {}: {} of {} cases explained", round, agree, judged_.size()));
    }

    Judged judge(const Device& with, std::size_t index) {
        const Example& example = examples_[index];
        const judge::Verdict verdict =
            handset::judge::judge(with, nullptr, example.evidence, example.question);
        Judged judged;
        const auto accepts = lab::accepts(verdict);
        if (accepts == example.accepted) {
            judged.worth = outcome_worth;
            judged.agrees = true;
            if (!example.accepted) {
                std::optional<wire::AlertDescription> sent;
                if (verdict.alert && verdict.alert->direction == judge::Direction::sent) {
                    sent = verdict.alert->alert.description;
                }
                const bool alert_known = index < asked_;
                if (alert_known && sent == example.alert) judged.worth += alert_worth;
                if (alert_known && sent != example.alert) judged.agrees = false;
            }
        } else if (accepts == true) {
            judged.worth =
                cautious_ && index < asked_ ? wrong_connects_worth : wrong_connects_at_first;
        } else if (hopeful_ && !example.accepted && waits_for_tolerance(with, verdict)) {
            judged.worth = learnable_worth;
        }
        judged.worth *= weights_[index];
        for (const judge::Reason& reason : verdict.reasons)
            judged.rules.emplace_back(reason.finding.rule);
        return judged;
    }

    // Undecided only because no tolerance for the rule was learned yet.
    static bool waits_for_tolerance(const Device& with, const judge::Verdict& verdict) {
        const judge::Reason* reason = judge::decisive_reason(verdict);
        return reason && verdict.outcome == judge::Outcome::unknown &&
               !with.tolerances.contains(reason->finding.rule);
    }

    void judge_all() {
        judged_.clear();
        for (std::size_t i = 0; i < examples_.size(); ++i)
            judged_.push_back(judge(device_, i));
    }
    double total() const {
        double sum = 0;
        for (const Judged& judged : judged_)
            sum += judged.worth;
        return sum;
    }

    // What a change gains on examples of a rule, or on all for an empty one; -1 for nothing.
    double gain_of(const Device& changed, std::string_view rule) {
        const auto concerned = [&](std::size_t i) {
            return rule.empty() ||
                   std::ranges::find(judged_[i].rules, rule) != judged_[i].rules.end();
        };
        double gain = 0;
        for (std::size_t i = 0; i < examples_.size(); ++i) {
            if (!judged_[i].agrees && concerned(i)) {
                gain += judge(changed, i).worth - judged_[i].worth;
            }
        }
        if (gain < least_gain) return -1;
        for (std::size_t i = 0; i < examples_.size(); ++i) {
            if (judged_[i].agrees && concerned(i)) {
                gain += judge(changed, i).worth - judged_[i].worth;
            }
            if (gain < least_gain) return -1;
        }
        return gain;
    }

    bool improve(const Knob& knob) {
        Device best;
        double best_gain = 0;
        for (const Change& change : knob.changes(device_)) {
            Device changed = device_;
            change(changed);
            const double gain = gain_of(changed, knob.rule);
            if (gain > best_gain + least_gain) {
                best_gain = gain;
                best = std::move(changed);
            }
        }
        if (best_gain <= 0) return false;
        device_ = std::move(best);
        judge_all();
        return true;
    }

    // A tolerance that was learned before the right statement stands in its way: both change at
    // once. Looked for where a tolerance decides a case wrongly.
    bool repair() {
        Device best;
        double best_gain = 0;
        for (std::size_t i = 0; i < asked_; ++i) {
            if (judged_[i].worth >= outcome_worth) continue;
            for (const std::string& rule : judged_[i].rules) {
                Device without = device_;
                if (without.tolerances.erase(rule) == 0) continue;
                for (const Knob& knob : *knobs_) {
                    for (const Change& change : knob.changes(without)) {
                        Device changed = without;
                        change(changed);
                        if (judge(changed, i).worth < outcome_worth) continue;
                        const double gain = gain_of(changed, "");
                        if (gain <= best_gain + least_gain) continue;
                        best_gain = gain;
                        best = std::move(changed);
                    }
                }
            }
        }
        if (best_gain <= 0) return false;
        device_ = std::move(best);
        judge_all();
        return true;
    }

    // Where a tolerance hides what several statements together would explain: the search goes on
    // without it, and comes back when that was for nothing.
    void detours() {
        std::set<std::string> tried;
        for (const std::string_view rule : rules_of_lists)
            detour(std::string(rule), tried);
        for (std::size_t i = 0; i < asked_ && tried.size() < max_detours; ++i) {
            if (judged_[i].worth >= outcome_worth * weights_[i]) continue;
            const std::vector<std::string> rules = judged_[i].rules;
            for (const std::string& rule : rules) {
                if (detour(rule, tried)) break;
            }
        }
    }
    bool detour(const std::string& rule, std::set<std::string>& tried) {
        if (!device_.tolerances.contains(rule) || !tried.insert(rule).second) return false;
        const Device before = device_;
        const double worth = total();
        device_.tolerances.erase(rule);
        hopeful_ = true;
        judge_all();
        for (const Knob& knob : *knobs_)
            improve(knob);
        hopeful_ = false;
        climb();
        if (total() > worth + least_gain) return true;
        device_ = before;
        judge_all();
        return false;
    }

    Knob tolerance_knob(const std::string& rule) {
        Knob knob;
        knob.key = "tolerances." + rule;
        knob.rule = rule;
        knob.silence = [rule](Device& of) { of.tolerances.erase(rule); };
        knob.vote = [rule](Device& to, const std::vector<Voter>& voters, const std::string&) {
            const Voter& only = voters.front();
            const auto found = only.device->tolerances.find(rule);
            if (found != only.device->tolerances.end()) to.tolerances.insert(*found);
        };
        knob.ascribe = [rule](Device& of, const std::string& source, device::Grade grade) {
            device::Tolerance& tolerance = of.tolerances.at(rule);
            tolerance.source = source;
            tolerance.grade = grade;
        };
        knob.changes = [this, rule](const Device&) {
            std::vector<Change> changes;
            changes.push_back([this, rule](Device& of) {
                of.tolerances[rule] = {device::Action::accept, "", source_,
                                       device::Grade::captured};
            });
            std::set<std::optional<wire::AlertDescription>> alerts;
            for (std::size_t i = 0; i < asked_; ++i) {
                if (examples_[i].accepted) continue;
                if (std::ranges::find(judged_[i].rules, rule) == judged_[i].rules.end()) continue;
                alerts.insert(examples_[i].alert);
            }
            for (const auto& alert : alerts) {
                changes.push_back([this, rule, alert](Device& of) {
                    const std::string response = response_for(of, alert, source_);
                    of.tolerances[rule] = {device::Action::refuse, response, source_,
                                           device::Grade::captured};
                });
            }
            return changes;
        };
        return knob;
    }

    std::set<std::string> rules_met() const {
        std::set<std::string> met;
        for (const Judged& judged : judged_)
            met.insert(judged.rules.begin(), judged.rules.end());
        return met;
    }

    void tolerances() {
        for (const std::string& rule : rules_met())
            improve(tolerance_knob(rule));
    }

    // Takes back what no case speaks for, and notes the cases that speak for the rest.
    void silence(Lesson& lesson) {
        std::vector<Knob> all = *knobs_;
        std::vector<std::string> rules;
        for (const auto& [rule, tolerance] : device_.tolerances)
            rules.push_back(rule);
        for (const std::string& rule : rules)
            all.push_back(tolerance_knob(rule));
        for (const Knob& knob : all) {
            go_back(knob);
            Device without = device_;
            knob.silence(without);
            if (without == device_) continue;
            std::vector<std::size_t> lost;
            double loss = 0;
            for (std::size_t i = 0; i < asked_; ++i) {
                const double difference = judged_[i].worth - judge(without, i).worth;
                loss += difference;
                if (difference > least_gain) lost.push_back(i);
            }
            if (loss <= least_gain) {
                if (const auto before = inferred(prior_, knob.key)) {
                    // Known devices state it, and what is expected has changed it at most.
                    knob.ascribe(device_, before->source, device::Grade::inferred);
                    continue;
                }
                device_ = std::move(without);
                judge_all();
                continue;
            }
            knob.ascribe(device_, source_, device::Grade::captured);
            if (!knob.rule.empty()) own_response(knob.rule, lost);
            std::vector<std::string>& told = lesson.shown_by[knob.key];
            for (const std::size_t i : lost) {
                if (told.size() < max_cases_told) told.push_back(examples_[i].case_id);
            }
        }
    }

    // What was taken from known devices was seen of this one, too.
    void own_response(const std::string& rule, const std::vector<std::size_t>& cases) {
        device::Tolerance& tolerance = device_.tolerances.at(rule);
        const auto found = device_.responses.find(tolerance.response);
        if (found == device_.responses.end()) return;
        const device::Response& response = found->second;
        if (response.grade != device::Grade::inferred) return;
        const bool seen = std::ranges::any_of(cases, [&](std::size_t i) {
            return !examples_[i].accepted && examples_[i].alert == response.alert;
        });
        if (seen) tolerance.response = response_for(device_, response.alert, source_);
    }

    // To what known devices do, where no case demands otherwise.
    void go_back(const Knob& knob) {
        const auto before = inferred(prior_, knob.key);
        if (!before || inferred(device_, knob.key)) return;
        Device back = device_;
        knob.silence(back);
        knob.vote(back, {{&prior_, 1}}, before->source);
        double loss = 0;
        for (std::size_t i = 0; i < examples_.size(); ++i)
            loss += judged_[i].worth - judge(back, i).worth;
        if (loss > least_gain) return;
        device_ = std::move(back);
        judge_all();
    }

    static std::optional<device::StatementText> inferred(const Device& device,
                                                         std::string_view key) {
        const auto all = device::statements(device);
        const auto found = std::ranges::find(all, key, &device::StatementText::key);
        if (found == all.end() || found->grade != device::Grade::inferred) return std::nullopt;
        return *found;
    }

    void drop_unused_sources() {
        std::set<std::string> used{source_};
        for (const device::StatementText& statement : device::statements(device_))
            used.insert(statement.source);
        for (const auto& [id, response] : device_.responses)
            used.insert(response.source);
        std::erase_if(device_.sources,
                      [&](const auto& source) { return !used.contains(source.first); });
    }

    void drop_unused_responses() {
        std::set<std::string> used;
        for (const auto& [rule, tolerance] : device_.tolerances)
            used.insert(tolerance.response);
        std::erase_if(device_.responses,
                      [&](const auto& response) { return !used.contains(response.first); });
    }

    Device device_;
    const Device prior_;
    std::vector<Example> examples_;  // those that were asked first
    std::vector<double> weights_;
    std::size_t asked_ = 0;
    std::string source_;
    const std::function<void(const std::string&)>& progress_;
    std::shared_ptr<const std::vector<Knob>> knobs_;
    std::vector<Judged> judged_;
    // A refusal that waits for a tolerance counts nearly as explained: at first, so that no
    // statement is passed over that needs one; not at the end.
    bool hopeful_ = true;
    bool cautious_ = false;
};

}  // namespace

Lesson search(Device start, const std::vector<Example>& examples,
              const std::vector<Expected>& expected, const std::string& source, Effort effort,
              const std::function<void(const std::string&)>& progress) {
    return Search(std::move(start), examples, expected, source, progress).run(effort);
}

}  // namespace handset::lab
