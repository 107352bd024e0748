// Certificates as PEM text (RFC 7468).
#pragma once

#include <string>
#include <vector>

#include "handshake/base/bytes.h"

namespace handset::lab {

std::string to_pem(const std::vector<Bytes>& certificates);

}  // namespace handset::lab
