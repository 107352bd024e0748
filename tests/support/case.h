// One case of the catalog: a fault put into the correct chain or flight, and what must come of it.
// tests/cases/<area>/<rule-id>.yaml; every key is listed here. Deliberately not done here: running
// it. Every fault of a file is one ForgeError that names file, line and key.
//
//   rule: certificate-serial-negative
//   about: one sentence, how this happens in the field
//   certificates:             # by the names of forge::correct_recipes(), or new ones with `like`
//     leaf:
//       like, issued_by, key, signed_with, path_len: NAME or number
//       subject, issuer: [C=DE, O=Example, CN=host]
//       serial: HEX
//       not_before, not_after: utc:200101000000Z | gen:20200101000000Z
//       signature: ALGORITHM   # both, or inner_algorithm, outer_algorithm
//       ca: true
//       names: [dns:HOST, ip:HEX, email:ADDRESS, uri:URI]
//       purposes: [serverAuth]
//       critical: {EXTENSION: absent | ff | 01 | 00}
//       extensions: [{id: NAME, critical: ff, value: HEX}]
//       nodes:                 # before signing; after_signing: the same afterwards
//         - {at: PATH, content: HEX, text: TEXT, tag: HEX, constructed: true, append: HEX,
//            after: HEX, length: long | indefinite, duplicate: true, remove: true}
//   chain: [leaf, intermediate]
//   repeat_last: 200          # the last certificate of the chain that many times more
//   server: {}                # a flight on the wire instead of files; keys of forge::Server
//   question: {host, at, msstd, install_root: [NAME], roots: [NAME] | none}
//   device: strict            # id of a shipped profile, or:
//   profile: |                # sections of a profile; head and client_hello are supplied
//   also: [RULE]              # further findings that the fault brings along
//   expect: {certificate: 0, field: PATH, bytes: HEX, outcome: fails, alert: NAME,
//            decided_by: RULE, count: 2}
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/forge.h"

namespace handset::forge {

struct CaseQuestion {
    std::string host = "mail.example.test";
    std::string at = "2025-06-01T00:00:00Z";
    std::string msstd;
    std::vector<std::string> install_root;
    std::optional<std::vector<std::string>> roots{{"root"}};  // nullopt: the device's own store
};

struct Expectation {
    std::optional<std::size_t> certificate;
    std::string field;
    std::optional<Bytes> bytes;
    std::string outcome;
    std::string alert;       // empty: not looked at
    std::string decided_by;  // rule of the decisive reason; empty: the case's own
    std::size_t count = 1;   // how often the reader finds it; the first one is looked at
};

struct Case {
    std::filesystem::path file;
    std::string rule;
    std::string about;
    Recipes recipes = correct_recipes();
    std::vector<std::string> chain{"leaf", "intermediate"};
    std::size_t repeat_last = 0;
    std::optional<Server> server;
    CaseQuestion question;
    std::string device = "strict";
    std::string profile;  // text of a whole profile, empty: a shipped one
    std::vector<std::string> also;
    Expectation expect;
};

Case load_case(const std::filesystem::path& file);
// All cases below the folder, by path.
std::vector<std::filesystem::path> find_cases(const std::filesystem::path& folder);

// The flight of a case, octet for octet; the folder of the keys stands beside this file.
wire::Flight make_flight(const Case& from, const std::filesystem::path& keys);
// The same device and frame with nothing wrong in it: correct chain, usual question.
Case without_fault(const Case& from);

}  // namespace handset::forge
