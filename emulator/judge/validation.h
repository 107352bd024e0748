// What a device validates on a path: algorithms, keys, signatures, dates, constraints and usages of
// its certificates. Internal to the judge.
#pragma once

#include "emulator/judge/objector.h"

namespace handset::judge {

void validate_path(Objector& out, const rules::Evidence& evidence, const Question& question,
                   SignatureCache& signatures, const Path& path);

}  // namespace handset::judge
