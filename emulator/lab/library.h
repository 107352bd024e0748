// The lab's cases, made ready to be shown: what cases/**/*.yaml says of certificates and of the
// server's flight. What a case expects of a device of its own is not looked at; cases that put the
// same things on the wire are shown once.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "emulator/forge/case.h"
#include "handshake/base/time.h"

namespace handset::lab {

struct Shown {
    std::string id;    // path below the folder of cases, without its ending
    std::string rule;  // that the case is about; empty: of none
    // What is found where this is shown: by the octets alone, or by a device that the rule is
    // about. Those of all cases that put the same things on the wire.
    std::vector<std::string> rules;
    std::string about;
    std::string host;           // the name under which the client is to reach the server
    std::vector<Bytes> chain;   // as sent
    std::vector<Bytes> roots;   // what the client is to trust
    std::filesystem::path key;  // of the first certificate
    forge::Server server;
};

// The case without any fault.
inline constexpr std::string_view correct_case = "outcome/correct-chain";

// A case whose certificates are not made yet: each takes a signature.
struct Outline {
    Shown shown;  // without chain and roots
    // Ids of the cases that put the same on the wire, for which this one stands.
    std::vector<std::string> stands_for;
    forge::Case from;
    std::filesystem::path keys;
};

// Cases of `folder`: the correct one first, the others in the order of their paths. Which case
// stands for others, the first of them, hangs on all of the folder, and so never on which ones are
// made. `at` takes the place of the clock for which a case is written: its dates move along, but
// for those that would leave the years of UTCTime. With a `domain` each is for its virtual host:
// the names of its certificates and the name to be asked for end in `<label>.<domain>` instead of
// `example.test`. Throws forge::ForgeError for a case that cannot be read or made.
std::vector<Outline> outline_cases(const std::filesystem::path& folder, Time at,
                                   std::string_view domain = {});
Shown make_case(const Outline& outline);
// All cases, made.
std::vector<Shown> load_cases(const std::filesystem::path& folder, Time at);

// Name of the virtual host of a case below `domain`: letters, digits and hyphens of its id.
std::string virtual_host(const Shown& shown, std::string_view domain);

}  // namespace handset::lab
