// The strict reader on an issuer that the server did not send: what it would have found, had it
// been sent behind the certificate below it.
#pragma once

#include <vector>

#include "handshake/rules/finding.h"
#include "handshake/x509/certificate.h"

namespace handset::rules {

// An anchor's extensions and key alone: the rest of it was weighed by whoever chose to trust it.
enum class IssuerIs { intermediate, anchor };

// Findings on `issuer` alone; their certificate number is of no meaning.
std::vector<Finding> read_issuer(const x509::Certificate& below, const x509::Certificate& issuer,
                                 IssuerIs role);

}  // namespace handset::rules
