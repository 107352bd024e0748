// What of a profile can be learned: each statement with the values that are tried for it. A new key
// of the format that cases can show is one call in knobs.cpp.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "emulator/device/device.h"

namespace handset::lab {

// A known device, and how much its word counts.
struct Voter {
    const device::Device* device = nullptr;
    double weight = 0;
};

using Change = std::function<void(device::Device&)>;
struct Knob {
    std::string key;   // of device::statements()
    std::string rule;  // of a tolerance; empty: of a section
    std::function<std::vector<Change>(const device::Device&)> changes;
    Change silence;
    // States, where nothing is stated, what most of the voters do, as inferred from a source.
    std::function<void(device::Device& to, const std::vector<Voter>& voters,
                       const std::string& source)>
        vote;
    // Ascribes what is stated to a source.
    std::function<void(device::Device& of, const std::string& source, device::Grade grade)> ascribe;
};

// All sections; what is stated is ascribed to `source`, as captured. Curves are those that the
// hello of `start` offers.
std::shared_ptr<const std::vector<Knob>> knobs(const device::Device& start,
                                               const std::string& source);

// The id of the response of `of` that stops with this alert (nullopt: without one); it is added
// where there was none. One that was inferred is kept apart from one that was seen.
std::string response_for(device::Device& of, const std::optional<wire::AlertDescription>& alert,
                         const std::string& source, device::Grade grade = device::Grade::captured);

}  // namespace handset::lab
