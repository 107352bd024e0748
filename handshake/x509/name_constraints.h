// The nameConstraints extension applied to a certificate below it (RFC 5280 4.2.1.10, 6.1.3 (b)
// and (c)). Deliberately not done here: which certificates of a path are held to it.
//
// Where RFC 5280 leaves room:
// - An empty base of dNSName or rfc822Name holds every name, as NSS and Go have it. An empty base
//   of uniformResourceIdentifier names nothing: RFC 5280 asks for a domain name.
// - A base that names nothing (see names_something) holds nothing, and a minimum or maximum is not
//   looked at: so those clients that take such certificates. That they are faults is for the strict
//   reader to say.
// - A dNSName base with a leading dot, which RFC 5280 does not know, holds the names below the
//   domain and not the domain itself, as OpenSSL, NSS and Go have it.
// - '*' in a dNSName stands for octets of one label (RFC 6125 6.4.3); where it stands in several
//   labels, which no document knows, for anything. Such a pattern is within a permitted subtree
//   when every name it stands for is, and within an excluded one when any is, but see
//   wildcards_stand_for_names.
// - IPv4 addresses are never within IPv6 subtrees, nor the other way round.
// - The Local-part of an rfc822Name is compared with its case (RFC 5280 7.5), all else without.
// - A name that is none of its form is not permitted where the form has subtrees at all, which RFC
//   5280 demands for URIs without a domain name: an rfc822Name without '@', a dNSName with an empty
//   label (a trailing dot makes one, RFC 1034 3.5), an iPAddress of 5 octets.
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
        not_applicable  // a subtree of a form that the reader does not apply, and a name of it
    };
    Kind kind = Kind::not_permitted;
    Place place;         // of the name's contents within the constrained certificate
    std::string field;   // "tbsCertificate.extensions[5].extnValue.names[1]",
                         // "tbsCertificate.subject", "tbsCertificate.subject.emailAddress"
    std::string detail;  // "dNSName mail.example.com is not within example.org"; for eyes
};

// When the emailAddress attributes of a subject are held to the constraints on rfc822Names.
enum class EmailAddressesHeld {
    never,
    if_no_san,          // RFC 5280 4.2.1.10: where there is no subjectAltName at all
    if_no_rfc822_name,  // where subjectAltName, if there is one, has no rfc822Name
    always
};

// The defaults are RFC 5280's.
struct NameConstraintScope {
    // Forms whose subtrees are applied. Those of otherName, x400Address and ediPartyName never are:
    // RFC 5280 gives them no meaning. Nor has it one for registeredID; X.509 (9.4.2.1) has: the
    // same identifier.
    std::span<const GeneralNameType> forms;
    // dNSName subtrees hold common names that look like host names (labels of letters, digits, '-',
    // '_' and '*', more than one, the last one not a number), where the certificate has no dNSName.
    bool on_cn = false;
    EmailAddressesHeld on_email = EmailAddressesHeld::if_no_san;
    // Whether a '*' may stand for an excluded name. Otherwise it is a label like any other.
    bool wildcards_stand_for_names = true;
    bool local_part_case_counts = true;  // in rfc822Names
    // A host as the base of an rfc822Name or URI holds the hosts below it, too.
    bool hosts_hold_those_below = false;
    // Permitted IPv4 networks say nothing about IPv6 addresses, nor the other way round.
    bool ip_families_apart = false;
    bool ipv6_applied = true;  // of subtrees of iPAddress
    // Otherwise a dNSName holds every name that ends in its octets.
    bool dns_by_label = true;
    // Constraints on dNSNames hold URIs, iPAddresses and otherNames as well, by their octets.
    bool dns_holds_more = false;
    // Which lists are looked at.
    bool permitted = true;
    bool excluded = true;
};

// Forms of the subtrees that the scope does not apply.
struct FormsNotApplied {
    bool usual = false;  // of those to which RFC 5280 gives a meaning
    bool other = false;  // the rest, and IPv6 networks that the scope leaves out
};
FormsNotApplied forms_not_applied(const NameConstraints& constraints,
                                  const NameConstraintScope& scope);

// Whether the base of a dNSName, rfc822Name, uniformResourceIdentifier, iPAddress or directoryName
// names anything. An iPAddress does by its length alone.
bool names_something(const GeneralName& base);

// The first name of `certificate` that `constraints` forbids, or else the first one to which they
// are not applicable: subjectAltName in order, then the subject (as a directoryName; its
// emailAddress attributes as rfc822Names, see on_email; its common names, see on_cn). A
// subjectAltName that could not be decoded is not_applicable. Work is bounded: nullopt is never
// given for want of steps; a certificate whose names times subtrees exceed max_comparisons is
// not_applicable.
inline constexpr std::size_t max_comparisons = 1'000'000;
std::optional<NameViolation> find_violation(const NameConstraints& constraints,
                                            const Certificate& certificate,
                                            const NameConstraintScope& scope);

}  // namespace handset::x509
