// One case: a chain or flight with a fault in it, or without, and what must come of it. Every key
// is listed here. Deliberately not done here: running it (tests/rules/cases_test.cpp). Every fault
// of a file is one ForgeError that names file, line and key.
//
// cases/<area>/<rule-id>.yaml            the rule's first case; every rule has one
// cases/<area>/<rule-id>--<variant>.yaml another one, of the same rule
// cases/<folder>/<name>.yaml             with `rule: none`: of no rule; what is looked at is
//                                              outcome, stage, alert and decided_by alone
//
//   rule: certificate-serial-negative | none
//   about: one sentence, how this happens in the field
//   certificates:             # by the names of forge::correct_recipes(), or new ones with `like`
//     leaf:
//       like, issued_by, key, signed_with, path_len: NAME or number
//       version: 1 | 2 | 3     # below 3 without extensions
//       subject, issuer: [C=DE, O=Example, CN=host]
//       serial: HEX
//       not_before, not_after: utc:200101000000Z | gen:20200101000000Z
//       signature: ALGORITHM   # both, or inner_algorithm, outer_algorithm
//       ca: true
//       usage: [digitalSignature, keyEncipherment]   # [] is no keyUsage
//       names: [dns:HOST, ip:HEX, email:ADDRESS, uri:URI, dir:C=DE/O=Example]
//       purposes: [serverAuth]
//       permitted, excluded: [dns:DOMAIN, ip:HEX with mask, ...]   # nameConstraints
//       policies: [OID]; mappings: [OID=OID]
//       require_explicit_policy, inhibit_policy_mapping, inhibit_any_policy: number
//       ca_issuers: URI        # authorityInfoAccess
//       critical: {EXTENSION: absent | ff | 01 | 00}
//       extensions: [{id: NAME, critical: ff, value: HEX}]
//       nodes:                 # before signing; after_signing: the same afterwards
//         - {at: PATH, content: HEX, text: TEXT, tag: HEX, constructed: true, append: HEX,
//            after: HEX, length: long | indefinite, duplicate: true, remove: true}
//   chain: [leaf, intermediate]
//   repeat_last: 200          # the last certificate of the chain that many times more
//   server: {}                # a flight on the wire instead of files; keys of forge::Server, and
//                             # offered: {extensions: [{type, data}], without: [TYPE]} of the
//                             client
//   question: {host, at, msstd, install_root: [NAME], installed_format: pem | der | pkcs7 | pkcs12,
//              roots: [NAME] | none, aia: [NAME], known_roots: [NAME]}
//   device: strict            # id of a shipped profile, or:
//   profile: |                # sections of a profile; head and client_hello are supplied
//   store: {contents: complete | partial, by: sha256 | sha1 | key | name,
//           members: [NAME], absent: [NAME]}   # in place of the one that the profile names
//   also: [RULE]              # further findings of the strict reader
//   control: false            # the correct chain has the finding as well, or another outcome
//   expect: {found: true, certificate: 0, field: PATH, bytes: HEX, count: 2, outcome: fails,
//            stage: certificate, alert: NAME | none, decided_by: RULE, later: [RULE],
//            closes_silently: true, answers: [TEXT]}
//
// expect.found: false is the boundary at which the rule has no finding yet; nothing is said of its
// place then. expect.decided_by is the case's own rule unless it says otherwise; where the rule is
// not found or there is none, it must be given unless the device connects. expect.later lists, in
// the device's order, what it would have stopped at as well.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "emulator/forge/script.h"

namespace handset::forge {

// What every inline profile begins with.
inline constexpr std::string_view profile_head = R"(format: 1
name: A device of a test
vendor: Example
family: Test
kind: library
released: 2008
status: draft
sources:
  test: {grade: documented, what: "A test says so.", where: "tests", retrieved: 2026-11-21}
client_hello:
  source: test
  framing: tls
  record_version: TLS 1.0
  client_version: TLS 1.2
  cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]
  compression_methods: [null]
)";

struct CaseQuestion {
    std::string host = "mail.example.test";
    std::string at = "2025-06-01T00:00:00Z";
    std::string msstd;
    std::vector<std::string> install_root;
    std::string installed_format = "der";
    std::optional<std::vector<std::string>> roots{{"root"}};  // nullopt: the device's own store
    std::vector<std::string> aia;
    std::vector<std::string> known_roots;
};

// What the device's store knows of its roots: one kind of fingerprint, or the name alone.
enum class KnownBy { sha256, sha1, key, name };
struct CaseStore {
    bool complete = true;
    KnownBy by = KnownBy::sha256;
    std::vector<std::string> members;
    std::vector<std::string> absent;
};

struct Expectation {
    bool found = true;
    std::optional<std::size_t> certificate;
    std::string field;
    std::optional<Bytes> bytes;
    std::size_t count = 1;  // how often the reader finds it; the first one is looked at
    std::string outcome;
    std::string stage;       // empty: not looked at
    std::string alert;       // empty: not looked at; "none": none goes out
    std::string decided_by;  // rule of the decisive reason; empty: the case's own
    std::optional<std::vector<std::string>> later;    // nullopt: not looked at
    std::optional<bool> closes_silently;              // nullopt: not looked at
    std::optional<std::vector<std::string>> answers;  // nullopt: not looked at
};

struct Case {
    std::filesystem::path file;
    std::string rule;  // empty: of no rule
    std::string about;
    Recipes recipes = correct_recipes();
    std::vector<std::string> chain{"leaf", "intermediate"};
    std::size_t repeat_last = 0;
    std::optional<Server> server;
    CaseQuestion question;
    std::string device = "strict";
    std::string profile;  // text of a whole profile, empty: a shipped one
    std::optional<CaseStore> store;
    std::vector<std::string> also;
    bool has_control = true;  // without_fault() is to be judged as well
    Expectation expect;
};

Case load_case(const std::filesystem::path& file);
// All cases below the folder, by path.
std::vector<std::filesystem::path> find_cases(const std::filesystem::path& folder);

// The flight of a case, octet for octet; `keys` is cases/keys.
wire::Flight make_flight(const Case& from, const std::filesystem::path& keys);
// The rule that a file's name promises: what stands in front of "--", or all of it.
std::string rule_of_name(const std::filesystem::path& file);
// The same device and frame with nothing wrong in it: correct chain, usual question.
Case without_fault(const Case& from);

}  // namespace handset::forge
