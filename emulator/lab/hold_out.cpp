#include "emulator/lab/hold_out.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <random>
#include <set>

#include "emulator/lab/expectation.h"
#include "emulator/lab/plan.h"

namespace handset::lab {

Halves halves(std::vector<Example> examples, unsigned seed) {
    std::map<std::string, std::vector<Example>> by_rule;
    for (Example& example : examples)
        by_rule[subject_of(example.case_id)].push_back(std::move(example));
    std::mt19937 generator(seed);
    Halves result;
    for (auto& [rule, cases] : by_rule) {
        // Not std::shuffle: what it does is the library's choice.
        for (std::size_t i = cases.size(); i > 1; --i)
            std::swap(cases[i - 1], cases[generator() % i]);
        const std::size_t larger_half = (cases.size() + 1) / 2;
        const std::size_t learned = cases.size() == 1 ? generator() % 2 : larger_half;
        for (std::size_t i = 0; i < cases.size(); ++i)
            (i < learned ? result.learned_from : result.held_out).push_back(std::move(cases[i]));
    }
    return result;
}

namespace {

// How much more the first case of a rule counts than the next: what other clients do about a rule
// says less than what this one does.
constexpr double new_rule_counts = 2;

struct Asked {
    std::vector<Example> examples;
    std::vector<Expected> expected;  // of the others
};

// By what is learned from the answers so far.
Asked ask_alone(const device::Device& start, std::vector<Example> open, std::size_t most,
                const std::string& source) {
    Asked asked;
    device::Device so_far = start;
    while (asked.examples.size() < most) {
        const auto next = most_telling(so_far, open, asked.examples);
        if (!next) break;
        asked.examples.push_back(std::move(open[*next]));
        open.erase(open.begin() + static_cast<std::ptrdiff_t>(*next));
        if (asked.examples.size() % answers_between == 0) {
            so_far = learn_quickly(start, asked.examples, source).device;
        }
    }
    return asked;
}

// By what known devices do. Of the other half it sees the flights, as the lab has them, and no
// answer.
Asked ask_beside_known(const Halves& both, std::size_t most,
                       const std::vector<device::Device>& known) {
    std::vector<Example> all = both.learned_from;
    all.insert(all.end(), both.held_out.begin(), both.held_out.end());
    Expectation expectation(all, known);
    std::vector<std::size_t> open(both.learned_from.size());
    std::iota(open.begin(), open.end(), 0);
    Asked asked;
    std::map<std::string, std::size_t> cases_of;
    for (const Example& example : all)
        ++cases_of[subject_of(example.case_id)];
    std::set<std::string> seen;
    while (asked.examples.size() < most) {
        const auto next = expectation.most_telling(open, [&](std::size_t i) {
            const std::string rule = subject_of(all[i].case_id);
            return cases_of[rule] > 1 && !seen.contains(rule) ? new_rule_counts : 1;
        });
        if (!next) break;
        seen.insert(subject_of(all[*next].case_id));
        expectation.answer(*next, all[*next].accepted);
        std::erase(open, *next);
        asked.examples.push_back(all[*next]);
    }
    asked.expected = expectation.expected(all);
    return asked;
}

}  // namespace

HeldOut hold_out(const device::Device& start, const std::vector<Example>& examples, unsigned seed,
                 std::size_t most, const std::string& source,
                 const std::vector<device::Device>& known) {
    Halves both = halves(examples, seed);
    const auto [asked, expected] =
        known.empty() ? ask_alone(start, std::move(both.learned_from), most, source)
                      : ask_beside_known(both, most, known);
    Lesson lesson = learn(start, asked, source, known, expected);
    const std::vector<Example>& other = both.held_out;
    std::set<std::string> seen;
    for (const Example& example : asked)
        seen.insert(subject_of(example.case_id));
    HeldOut result;
    result.asked = asked.size();
    result.cases = other.size();
    for (const Example& example : other) {
        const bool agrees = agreement(lesson.device, example).outcome;
        result.agree += agrees;
        if (!seen.contains(subject_of(example.case_id))) {
            ++result.unseen;
            result.unseen_agree += agrees;
        }
        if (!agrees) result.wrong.push_back(example.case_id);
    }
    result.device = std::move(lesson.device);
    return result;
}

}  // namespace handset::lab
