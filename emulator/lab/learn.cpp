#include "emulator/lab/learn.h"

#include "emulator/lab/prediction.h"
#include "emulator/lab/prior.h"
#include "emulator/lab/search.h"

namespace handset::lab {

using device::Device;

Agreement agreement(const Device& device, const Example& example) {
    const judge::Verdict verdict =
        handset::judge::judge(device, nullptr, example.evidence, example.question);
    Agreement result;
    result.outcome = accepts(verdict) == example.accepted;
    std::optional<wire::AlertDescription> sent;
    if (verdict.alert && verdict.alert->direction == judge::Direction::sent) {
        sent = verdict.alert->alert.description;
    }
    result.alert = result.outcome && sent == example.alert;
    return result;
}

std::vector<Example> examples_of(const std::vector<Entry>& log, const std::vector<Shown>& cases) {
    std::map<std::string, const Entry*> farthest;
    for (const Entry& entry : log) {
        const Observation& seen = entry.observation;
        if (seen.reached < Reached::flight) continue;
        const Entry*& known = farthest[seen.case_id];
        if (!known || seen.reached >= known->observation.reached) known = &entry;
    }
    std::vector<Example> examples;
    for (const Shown& shown : cases) {
        const auto entry = farthest.find(shown.id);
        if (entry == farthest.end()) continue;
        const Observation& seen = entry->second->observation;
        const auto verdict = accepted(seen);
        if (!verdict) continue;
        Example example;
        example.case_id = shown.id;
        example.evidence = rules::read(flight_of(seen, shown));
        example.question = question_of(shown, entry->second->clock);
        example.accepted = *verdict;
        if (const ClientAlert* alert = seen.stopped_with()) {
            example.alert = alert->alert.description;
        }
        examples.push_back(std::move(example));
    }
    return examples;
}

Lesson learn(Device start, const std::vector<Example>& examples, const std::string& source,
             const std::vector<Device>& known, const std::vector<Expected>& expected,
             const std::function<void(const std::string&)>& progress) {
    fill_from_vote(start, examples, known, source);
    begin_with_usual(start, source);
    return search(std::move(start), examples, expected, source, Effort::thorough, progress);
}

Lesson learn_quickly(Device start, const std::vector<Example>& examples,
                     const std::string& source) {
    begin_with_usual(start, source);
    return search(std::move(start), examples, {}, source, Effort::quick, {});
}

}  // namespace handset::lab
