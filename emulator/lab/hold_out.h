// How well a client is known after a few questions: a profile is learned from one half of what was
// seen of it, and predicts the other half.
#pragma once

#include "emulator/lab/learn.h"

namespace handset::lab {

struct Halves {
    std::vector<Example> learned_from;
    std::vector<Example> held_out;
};
// Rule by rule, so that of each rule's cases one half is learned from, the larger one where the
// number is odd; `seed` says which, and where a rule has one case only, on which side it comes.
Halves halves(std::vector<Example> examples, unsigned seed);

struct HeldOut {
    std::size_t asked = 0;
    std::size_t cases = 0;
    std::size_t agree = 0;
    // Of these, those of a rule of which no case was asked.
    std::size_t unseen = 0;
    std::size_t unseen_agree = 0;
    std::vector<std::string> wrong;  // cases
    device::Device device;           // what was learned
};
// Asks at most `most` of one half, the most telling first, as the lab would have asked the client.
HeldOut hold_out(const device::Device& start, const std::vector<Example>& examples, unsigned seed,
                 std::size_t most, const std::string& source,
                 const std::vector<device::Device>& known);

}  // namespace handset::lab
