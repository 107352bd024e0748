// A place where a flight departs from a standard, or uses something a device may not know. A fact,
// no opinion: what a device makes of it is the judge's business.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "handshake/base/bytes.h"

namespace handset::rules {

struct Finding {
    std::string rule;  // an id of the catalog
    // Number of the certificate in the message, leaf 0; nullopt for the handshake or a trust
    // anchor.
    std::optional<std::size_t> certificate;
    std::string field;       // "tbsCertificate.extensions[2].critical", "server_hello.cipher_suite"
    std::size_t offset = 0;  // in the certificate, or else in the server's octet stream
    std::size_t length = 0;  // octets; 0: the finding is about something that is not there
    Bytes bytes;             // the octets at the place, the first 64 of them
    std::string detail;      // what stands there, in words and printable: "serial number is -1"
    friend bool operator==(const Finding&, const Finding&) = default;
};

inline constexpr std::size_t max_finding_bytes = 64;

}  // namespace handset::rules
