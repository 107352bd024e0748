// Everything one device could object to in one flight: the strict reader's findings, less what the
// device's sections declare fine, plus what only the device's own policies can raise. Internal to
// the judge; how the device reacts is decided in judge.cpp.
#pragma once

#include <optional>
#include <vector>

#include "emulator/judge/judge.h"
#include "emulator/judge/path.h"

namespace handset::judge {

struct Objection {
    rules::Finding finding;
    // The profile says nothing of the thing in question, so whether the device objects is open.
    bool undecided = false;
    // Grade and source of the section's statement that raised it; nullopt for the standard's own.
    std::optional<device::Grade> grade;
    std::string source;
    // Place of the certificate on the path, leaf 0; nullopt for what concerns no certificate of it.
    std::optional<std::size_t> path_position;
};

struct Objections {
    std::vector<Objection> list;
    Path path;
    // Weakest grade of the statements that declared something fine; captured when none was needed.
    device::Grade consulted = device::Grade::captured;
};

Objections collect_objections(const device::Device& device, const device::Store* store,
                              const rules::Evidence& evidence, const Question& question);

}  // namespace handset::judge
