// Everything one device could object to in one flight: the strict reader's findings, less what the
// device's sections declare fine, plus what only the device's own policies can raise. Internal to
// the judge; how the device reacts is decided in reaction.h.
#pragma once

#include "emulator/judge/objector.h"

namespace handset::judge {

struct Objections {
    std::vector<Objection> list;
    Path path;
    // Weakest grade of the statements that declared something fine; captured when none was needed.
    device::Grade consulted = device::Grade::captured;
};

Objections collect_objections(const device::Device& device, const device::Store* store,
                              const rules::Evidence& evidence, const Question& question);

}  // namespace handset::judge
