#include "emulator/lab/expectation.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "emulator/lab/plan.h"
#include "emulator/lab/prediction.h"
#include "emulator/lab/relatives.h"

namespace handset::lab {

namespace {

// What two cases have in common. Chosen by trying: of 13 clients, each was predicted from the
// others.
constexpr double among_known = 0.5;
constexpr double among_relatives = 2;
constexpr double same_rule = 0.2;
constexpr double same_area = 0.05;
constexpr double own = 0.3;
constexpr double noise = 0.02;

constexpr std::size_t relatives_asked = 300;

// "extension/extension-san-critical" -> "extension"
std::string area_of(const std::string& subject) {
    return subject.substr(0, subject.find('-'));
}

// By device: 1 accepts, -1 refuses, 0 not known.
std::vector<double> answers(const std::vector<device::Device>& devices, const Example& example) {
    std::vector<double> row;
    for (const device::Device& device : devices) {
        const auto accepted =
            accepts(judge::judge(device, nullptr, example.evidence, example.question));
        row.push_back(!accepted ? 0 : *accepted ? 1 : -1);
    }
    return row;
}

double sum(const std::vector<double>& row) {
    return std::accumulate(row.begin(), row.end(), 0.0);
}
double mean_product(const std::vector<double>& a, const std::vector<double>& b) {
    if (a.empty()) return 0;
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0) / static_cast<double>(a.size());
}
std::vector<double> less(std::vector<double> row, double mean) {
    for (double& value : row)
        value -= mean;
    return row;
}

}  // namespace

Expectation::Expectation(const std::vector<Example>& cases,
                         const std::vector<device::Device>& known)
    : answered_(cases.size(), false) {
    const std::vector<device::Device> children = relatives(known, relatives_asked);
    std::vector<std::string> subjects;
    // By case: what the known devices say, this less its mean, and the same of their relatives.
    std::vector<std::vector<double>> said, apart, apart_of_relatives;
    for (const Example& example : cases) {
        subjects.push_back(subject_of(example.case_id));
        said.push_back(answers(known, example));
        mean_.push_back(sum(said.back()) / static_cast<double>(known.size() + 1));
        apart.push_back(less(said.back(), mean_.back()));
        std::vector<double> row = answers(children, example);
        const double mean = row.empty() ? 0 : sum(row) / static_cast<double>(row.size());
        apart_of_relatives.push_back(less(std::move(row), mean));
    }
    covariance_.resize(cases.size());
    for (std::size_t i = 0; i < cases.size(); ++i) {
        for (std::size_t j = 0; j < cases.size(); ++j) {
            double common =
                among_known * mean_product(apart[i], apart[j]) +
                among_relatives * mean_product(apart_of_relatives[i], apart_of_relatives[j]);
            // Cases of a rule that others tell apart say little about each other.
            if (subjects[i] == subjects[j]) {
                common += same_rule * std::max(mean_product(said[i], said[j]), 0.0);
            }
            if (area_of(subjects[i]) == area_of(subjects[j])) common += same_area;
            if (i == j) common += own;
            covariance_[i].push_back(common);
        }
    }
}

void Expectation::answer(std::size_t place, bool accepted) {
    if (answered_[place]) return;
    answered_[place] = true;
    const std::vector<double> common = covariance_[place];
    const double variance = common[place] + noise;
    const double surprise = (accepted ? 1 : -1) - mean_[place];
    for (std::size_t i = 0; i < mean_.size(); ++i) {
        const double share = common[i] / variance;
        mean_[i] += share * surprise;
        for (std::size_t j = 0; j < mean_.size(); ++j)
            covariance_[i][j] -= share * common[j];
    }
}

double Expectation::of(std::size_t place) const {
    return std::clamp(mean_[place], -1.0, 1.0);
}

std::vector<Expected> Expectation::expected(const std::vector<Example>& cases) const {
    std::vector<Expected> result;
    for (std::size_t i = 0; i < cases.size(); ++i) {
        if (answered_[i]) continue;
        Expected one{cases[i], std::abs(of(i))};
        one.example.accepted = of(i) > 0;
        one.example.alert.reset();
        if (one.weight > 0) result.push_back(std::move(one));
    }
    return result;
}

std::optional<std::size_t> Expectation::most_telling(
    const std::vector<std::size_t>& open, const std::function<double(std::size_t)>& weight) const {
    std::optional<std::size_t> best;
    double most = -1;
    for (const std::size_t i : open) {
        double worth = covariance_[i][i] * covariance_[i][i];
        for (std::size_t j = 0; j < mean_.size(); ++j) {
            if (answered_[j] || j == i) continue;
            const double doubt = 1 - of(j) * of(j);
            worth += doubt * covariance_[i][j] * covariance_[i][j];
        }
        worth *= (weight ? weight(i) : 1) / (covariance_[i][i] + noise);
        if (worth > most) {
            most = worth;
            best = i;
        }
    }
    return best;
}

}  // namespace handset::lab
