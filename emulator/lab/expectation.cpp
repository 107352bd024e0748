#include "emulator/lab/expectation.h"

#include <algorithm>
#include <numeric>

#include "emulator/lab/plan.h"
#include "emulator/lab/prediction.h"

namespace handset::lab {

namespace {

// What two cases have in common, beside what known devices do with both. Chosen by trying: of 13
// clients, each was predicted from the others.
constexpr double same_rule = 0.4;
constexpr double same_area = 0.05;
constexpr double own = 0.3;
constexpr double noise = 0.02;

// "extension/extension-san-critical" -> "extension"
std::string area_of(const std::string& subject) {
    return subject.substr(0, subject.find('-'));
}

}  // namespace

Expectation::Expectation(const std::vector<Example>& cases,
                         const std::vector<device::Device>& known)
    : answered_(cases.size(), false) {
    const double voters = static_cast<double>(std::max<std::size_t>(known.size(), 1));
    // By case, then by known device: 1 accepts, -1 refuses, 0 not known.
    std::vector<std::vector<double>> said;
    std::vector<std::string> subjects;
    for (const Example& example : cases) {
        subjects.push_back(subject_of(example.case_id));
        std::vector<double> row;
        for (const device::Device& device : known) {
            const auto accepted =
                accepts(judge::judge(device, nullptr, example.evidence, example.question));
            row.push_back(!accepted ? 0 : *accepted ? 1 : -1);
        }
        mean_.push_back(std::accumulate(row.begin(), row.end(), 0.0) / (voters + 1));
        said.push_back(std::move(row));
    }
    for (std::size_t i = 0; i < cases.size(); ++i) {
        std::vector<double> row;
        for (std::size_t j = 0; j < cases.size(); ++j) {
            double common = 0;
            double alike = 0;
            for (std::size_t k = 0; k < known.size(); ++k) {
                common += (said[i][k] - mean_[i]) * (said[j][k] - mean_[j]) / voters;
                alike += said[i][k] * said[j][k] / voters;
            }
            // Cases of a rule that others tell apart say little about each other.
            if (subjects[i] == subjects[j]) common += same_rule * std::max(alike, 0.0);
            if (area_of(subjects[i]) == area_of(subjects[j])) common += same_area;
            if (i == j) common += own;
            row.push_back(common);
        }
        covariance_.push_back(std::move(row));
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
