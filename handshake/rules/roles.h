// What the certificates of a list are to one another. Internal to handshake/rules.
#pragma once

#include <vector>

#include "handshake/rules/evidence.h"

namespace handset::rules {

// Fills in ChainEntry::role. Every certificate is looked at once, however long the list.
void assign_roles(std::vector<ChainEntry>& chain);

}  // namespace handset::rules
