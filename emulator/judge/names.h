// Whether a certificate bears a name, by a device's rules.
#pragma once

#include <string_view>

#include "emulator/device/device.h"
#include "handshake/x509/certificate.h"

namespace handset::judge {

enum class Match { yes, no, undetermined };

// The host (or IP literal) the device was configured with. Where the profile is silent on a rule,
// every way that rule is known to be handled is tried: `undetermined` when they disagree.
Match match_host(const x509::Certificate& certificate, std::string_view host,
                 const device::NameRules& rules);

// RPC over HTTP's mutual authentication: `principal` is what follows "msstd:". With '@' in it the
// email name is compared, else common name and, by rule, subjectAltName; no wildcards are expanded.
// Source: learn.microsoft.com/windows/win32/rpc/principal-names
Match match_principal(const x509::Certificate& certificate, std::string_view principal,
                      const device::NameRules& rules);

// The names that were there to be compared, for the user: "dNSName a, dNSName b, CN c".
std::string list_names(const x509::Certificate& certificate);

// Pattern against host, both in any case. Public for its tests.
bool matches_pattern(std::string_view pattern, std::string_view host, device::Wildcard wildcard);

// Octets of an IPv4 or IPv6 literal (no brackets, no zone), or nullopt.
std::optional<Bytes> parse_ip_literal(std::string_view text);

}  // namespace handset::judge
