// The nameConstraints extension applied to a certificate below it (RFC 5280 4.2.1.10, 6.1.3 (b)
// and (c)). Deliberately not done here: which certificates of a path are held to it.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "handshake/x509/certificate.h"

namespace handset::x509 {

struct NameViolation {
    enum class Kind {
        not_permitted,  // permitted subtrees of the name's form, and the name is in none of them
        excluded,       // the name is in an excluded subtree
        // A subtree of a form that the reader does not apply, and a name of that form; or a subtree
        // with minimum or maximum, or a base that names nothing.
        not_applicable
    };
    Kind kind = Kind::not_permitted;
    Place place;         // of the name within the constrained certificate
    std::string field;   // "tbsCertificate.extensions[5].extnValue[1]", "tbsCertificate.subject"
    std::string detail;  // "dNSName mail.example.com is not within example.org"; for eyes
};

struct NameConstraintScope {
    // Forms whose subtrees are applied.
    std::span<const GeneralNameType> forms;
    // dNSName subtrees hold common names that look like host names, where the certificate has no
    // dNSName.
    bool on_cn = false;
};

// The first name of `certificate` that `constraints` forbids: subjectAltName in order, then the
// subject (as a directoryName; its emailAddress attributes as rfc822Names where there is no
// rfc822Name in subjectAltName). Work is bounded: nullopt is never given for want of steps; a
// certificate whose names times subtrees exceed max_comparisons is not_applicable.
inline constexpr std::size_t max_comparisons = 1'000'000;
std::optional<NameViolation> find_violation(const NameConstraints& constraints,
                                            const Certificate& certificate,
                                            const NameConstraintScope& scope);

}  // namespace handset::x509
