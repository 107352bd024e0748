// Whether a certificate bears a name, by a device's rules (NameRules). Where the profile is silent
// on a rule, every way in which clients handle it is tried: `undetermined` when they disagree, and
// exactly then. Deliberately not done here: deciding whether names are compared at all
// (names.checked), and what comes of a mismatch.
//
// Taken for granted, for want of a rule in profiles:
// - Names are octets. Only ASCII letters have two cases; white space is not trimmed; the empty name
//   is nobody's. Of several subjectAltName extensions the first one counts.
// - Of subjectAltName only dNSName and iPAddress bear a host. No client is thought of that looks at
//   neither dNSName nor common name, unless the profile states it.
// - The rule `ip` says which fields can hold an address, `san` and `cn` whether dNSNames and the
//   common name count. For an address, CnRule::if_no_san (and if_no_identifier) wants neither
//   dNSName nor iPAddress: so
//   Chromium, Python and curl (NSS lets a dNSName stand beside it, curl of old an iPAddress).
// - An iPAddress is compared by its octets, so an IPv6 literal may be spelt in any way; an IPv4
//   address is not its IPv4-mapped one. A dNSName or common name is compared with the literal as
//   the device was configured with it, as text (curl, NSS, Chromium): "2001:db8::1" is not
//   "2001:db8:0:0:0:0:0:1" there. No '*' stands for a piece of an address.
// - A host with letters beyond ASCII is looked up, and compared, by its A-labels (UTS #46, not
//   transitional; the conversion lowers its letters). A host that has none stays as it is. A
//   dNSName in raw UTF-8 is compared as its octets and so bears no such host.
// - A name with '*' bears a host that is spelt the same, '*' included, by every rule.
// - '*' stands for one octet at least where it is a whole label (leftmost_label, label_or_bare,
//   partial_label) and in `suffix`. Beside other octets of a label, and anywhere in `any_label` and
//   `each_label`, it may stand for none: "mail*" matches "mail" (NSS, Symbian).
// - The labels right of the '*' are those behind the label with the last '*'; empty ones do not
//   count. Profiles that are silent on wildcard_min_labels demand none, or two.
// - A public suffix is one that registries hand names out below (the ICANN section of the Public
//   Suffix List), or a top-level domain unknown to the list; "appspot.com" is none (so Chromium).
//   The list is that of libpsl, which is younger than most devices.
// - '*' stands for an A-label when a label of the host that it matches, wholly or in part, begins
//   with "xn--" in any case.
// - One dot at the end is ignored or not, in both or in the host alone; "a.." has another.
// Sources: RFC 2818 3.1, RFC 6125 6.4, RFC 9525 6.3, RFC 5280 4.2.1.6.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "emulator/device/device.h"
#include "handshake/x509/certificate.h"

namespace handset::judge {

enum class Match { yes, no, undetermined };

struct NameMatch {
    Match match = Match::no;
    // The first name by which some way of handling the silent rules has a match, subjectAltName
    // first: "dNSName *.example.com"; printable. Empty for `no`.
    std::string matched_by;
    // Rules whose silence leaves it undetermined: "names.san_wildcard". Each of them can turn the
    // answer, the others being handled in some way. In the order of NameRules.
    std::vector<std::string> open_rules;
    friend bool operator==(const NameMatch&, const NameMatch&) = default;
};

// `host` is the name (or IP literal, without brackets) the device was configured with.
NameMatch compare_host(const x509::Certificate& certificate, std::string_view host,
                       const device::NameRules& rules);
Match match_host(const x509::Certificate& certificate, std::string_view host,
                 const device::NameRules& rules);

// RPC over HTTP's mutual authentication: `principal` is what follows "msstd:". With '@' in it the
// email name is compared, else common name and, by rule, subjectAltName; no wildcards are expanded.
// Of the rules, only `msstd` and `cn_which` count.
// Source: learn.microsoft.com/windows/win32/rpc/principal-names
NameMatch compare_principal(const x509::Certificate& certificate, std::string_view principal,
                            const device::NameRules& rules);
Match match_principal(const x509::Certificate& certificate, std::string_view principal,
                      const device::NameRules& rules);

// The names that were there to be compared, for the user: "dNSName a, dNSName b, CN c". At most a
// dozen of them, long ones cut short.
std::string list_names(const x509::Certificate& certificate);

// Pattern against host, both in any case; nothing but the wildcard rule counts. Public for its
// tests.
bool matches_pattern(std::string_view pattern, std::string_view host, device::Wildcard wildcard);

// Octets of an IPv4 or IPv6 literal (no brackets, no zone), or nullopt.
std::optional<Bytes> parse_ip_literal(std::string_view text);

// The host as it is looked up: U-labels (UTF-8) as A-labels. One in ASCII, and one that cannot be
// converted, stays as it is.
std::string to_a_labels(std::string_view host);

}  // namespace handset::judge
