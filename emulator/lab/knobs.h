// What of a profile can be learned: each statement with the values that are tried for it. A new key
// of the format that cases can show is one call in knobs.cpp.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "emulator/device/device.h"

namespace handset::lab {

using Change = std::function<void(device::Device&)>;
struct Knob {
    std::string key;   // of device::statements()
    std::string rule;  // of a tolerance; empty: of a section
    std::function<std::vector<Change>(const device::Device&)> changes;
    Change silence;
    // Takes over what the other states and this one does not, ascribed to a source.
    std::function<void(device::Device& to, const device::Device& from, const std::string& source)>
        fill;
    // Ascribes what is stated to a source, as captured.
    std::function<void(device::Device& of, const std::string& source)> ascribe;
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
