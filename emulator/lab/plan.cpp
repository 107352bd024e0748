#include "emulator/lab/plan.h"

#include <algorithm>
#include <map>

#include "emulator/lab/exchange.h"
#include "emulator/lab/prediction.h"

namespace handset::lab {

namespace {

std::vector<std::string> open_rules(const device::Device& device, const Example& example) {
    std::vector<std::string> open;
    const judge::Verdict verdict =
        judge::judge(device, nullptr, example.evidence, example.question);
    for (const judge::Reason& reason : verdict.reasons) {
        if (reason.effect == judge::Effect::undecided) open.emplace_back(reason.finding.rule);
    }
    std::ranges::sort(open);
    open.erase(std::unique(open.begin(), open.end()), open.end());
    return open;
}

}  // namespace

std::string subject_of(const std::string& case_id) {
    const std::string name = case_id.substr(case_id.rfind('/') + 1);
    return name.substr(0, name.find("--"));
}

std::optional<Example> rehearse(const Shown& shown, ByteView client_hello, Time clock) {
    Exchange exchange([&shown](const std::string&) { return &shown; });
    exchange.receive(client_hello);
    const Observation& seen = exchange.observation();
    if (seen.reached < Reached::flight) return std::nullopt;
    Example example;
    example.case_id = shown.id;
    example.evidence = rules::read(flight_of(seen, shown));
    example.question = question_of(shown, clock);
    return example;
}

std::optional<std::size_t> most_telling(const device::Device& so_far,
                                        const std::vector<Example>& open,
                                        const std::vector<Example>& asked) {
    if (open.empty()) return std::nullopt;
    std::vector<std::vector<std::string>> rules;
    std::map<std::string, double> cases_with;  // that hang on a rule which is open
    for (const Example& example : open) {
        rules.push_back(open_rules(so_far, example));
        for (const std::string& rule : rules.back())
            ++cases_with[rule];
    }
    std::map<std::string, double> asked_of;
    for (const Example& example : asked)
        ++asked_of[subject_of(example.case_id)];
    std::size_t best = 0;
    double most = -1;
    for (std::size_t i = 0; i < open.size(); ++i) {
        // A refusal with several rules open does not say which it was.
        double worth = 0;
        for (const std::string& rule : rules[i])
            worth += cases_with[rule] / static_cast<double>(rules[i].size());
        // Among equals, what has been asked least: an answer that is predicted may be wrong.
        worth += 1 / (2 + asked_of[subject_of(open[i].case_id)]);
        if (worth > most) {
            most = worth;
            best = i;
        }
    }
    return best;
}

}  // namespace handset::lab
