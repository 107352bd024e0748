// What a client will do with cases that it was not shown: as known devices do that did like it with
// those that it was shown, and as it does itself with cases of the same rule. Plain regression over
// cases (a Gaussian process); it knows nothing of what a profile says.
#pragma once

#include <functional>

#include "emulator/lab/learn.h"

namespace handset::lab {

class Expectation {
public:
    // Cases are named by their places in `cases`; what `accepted` says there is not looked at.
    Expectation(const std::vector<Example>& cases, const std::vector<device::Device>& known);

    void answer(std::size_t place, bool accepted);
    // From -1, surely refused, to 1, surely accepted.
    double of(std::size_t place) const;
    // The one of `open` whose answer says most about those that have none; nullopt when it is
    // empty. `weight` (may be empty) of a case counts as much as what it says.
    std::optional<std::size_t> most_telling(
        const std::vector<std::size_t>& open,
        const std::function<double(std::size_t)>& weight = {}) const;

    // What is expected of those that have no answer, for learn(): the surer, the more it counts.
    std::vector<Expected> expected(const std::vector<Example>& cases) const;

private:
    std::vector<double> mean_;
    std::vector<std::vector<double>> covariance_;
    std::vector<bool> answered_;
};

}  // namespace handset::lab
