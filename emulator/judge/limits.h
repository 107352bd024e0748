// What the handshake around the certificates asks of a device: versions, sizes, key exchange.
// Internal to the judge.
#pragma once

#include "emulator/judge/objector.h"

namespace handset::judge {

void check_limits(Objector& out, const rules::Evidence& evidence);

}  // namespace handset::judge
