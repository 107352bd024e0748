// Objections to certificates that were sent and are on no path: most clients look at none of them,
// some verify all that they are sent. Internal to the judge.
#pragma once

#include "emulator/judge/anchors.h"
#include "emulator/judge/objector.h"

namespace handset::judge {

// All of them are of rules that only a tolerance makes a reason to stop.
void check_beside_path(Objector& out, const rules::Evidence& evidence, const Path& path,
                       const Anchors& anchors, Time at);

}  // namespace handset::judge
