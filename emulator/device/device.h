// A device as plain values: what profiles/<id>.yaml says, nothing computed. An absent statement is
// silence, and silence is never a prediction (the judge says `unknown`).
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "emulator/device/store.h"
#include "handshake/rules/rule.h"
#include "handshake/wire/registry.h"
#include "handshake/x509/der.h"
#include "handshake/x509/name_constraints.h"

namespace handset::device {

// How a statement is known, weakest first.
enum class Grade { assumed, inferred, reported, documented, source_code, captured };
std::string_view grade_name(Grade grade);  // "source-code"
std::optional<Grade> grade_from_name(std::string_view name);

struct Source {
    Grade grade = Grade::assumed;
    std::string what;       // what it says, in own words
    std::string where;      // repository+path+commit, URL, or capture
    std::string retrieved;  // YYYY-MM-DD
    friend bool operator==(const Source&, const Source&) = default;
};

// A value with its evidence. `source` is an id of Device::sources.
template <typename T>
struct Statement {
    T value{};
    std::string source;
    Grade grade = Grade::assumed;
    friend bool operator==(const Statement&, const Statement&) = default;
};
template <typename T>
using Stated = std::optional<Statement<T>>;

enum class Kind { mail_client, browser, os, library, embedded, server };
std::string_view kind_name(Kind kind);  // "mail-client"
enum class Status { draft, reviewed };
std::string_view status_name(Status status);

struct Range {
    std::optional<std::size_t> min;
    std::optional<std::size_t> max;
    friend bool operator==(const Range&, const Range&) = default;
};

// --- client_hello -------------------------------------------------------------------------------
enum class Framing { tls, sslv2 };
enum class RandomKind { random, clock_prefixed };  // clock_prefixed: four octets of Unix time first
enum class ServerNameRule { none, host, host_and_ip };

// Contents as sent, but server_name, whose contents are the host of the connection.
struct HelloExtension {
    wire::ExtensionType type{};
    Bytes data;
    friend bool operator==(const HelloExtension&, const HelloExtension&) = default;
};
struct ClientHello {
    Framing framing = Framing::tls;
    wire::ProtocolVersion record_version{};  // TLS framing only
    wire::ProtocolVersion client_version{};
    RandomKind random = RandomKind::random;
    std::size_t session_id_length = 0;
    std::vector<wire::CipherSuite> cipher_suites;  // TLS framing
    std::vector<std::uint32_t> cipher_specs;       // SSLv2 framing
    std::size_t challenge_length = 32;             // SSLv2 framing
    std::vector<wire::CompressionMethod> compression_methods;
    std::optional<std::vector<HelloExtension>> extensions;  // nullopt: no extensions block
    ServerNameRule server_name = ServerNameRule::none;
    std::string ja3;  // of the hello with SNI as `server_name` says; empty: not stated
    std::string source;
    Grade grade = Grade::assumed;
    friend bool operator==(const ClientHello&, const ClientHello&) = default;
};

// How the server ended an attempt that the device tries again, with another hello, on a new
// connection.
enum class RetryAfter { alert, close, silence };
struct Fallback {
    std::vector<RetryAfter> after;  // before a ServerHello came
    ClientHello hello;
    friend bool operator==(const Fallback&, const Fallback&) = default;
};

// --- what it accepts ----------------------------------------------------------------------------
struct ServerHelloRules {
    Stated<std::vector<wire::ProtocolVersion>> versions;
    Stated<std::size_t> max_record_bytes;
    Stated<std::size_t> max_message_bytes;       // of one handshake message
    Stated<std::size_t> max_chain_bytes;         // of all certificates together
    Stated<std::size_t> max_chain_certificates;  // in the Certificate message
    // These two, where they are stated, stand in place of max_message_bytes.
    Stated<std::size_t> max_certificate_message_bytes;
    Stated<std::size_t> max_certificate_request_bytes;
    friend bool operator==(const ServerHelloRules&, const ServerHelloRules&) = default;
};
struct KeyExchangeRules {
    Stated<Range> dh_bits;
    Stated<std::size_t> dh_bits_multiple;          // dh_bits must divide by it: 64 in Java 6 and 7
    Stated<std::vector<wire::NamedGroup>> groups;  // of ECDHE
    Stated<std::vector<std::string>> hashes;  // of the signature over ServerKeyExchange: "sha1"
    friend bool operator==(const KeyExchangeRules&, const KeyExchangeRules&) = default;
};
struct CertificateRules {
    Stated<Range> rsa_bits;
    Stated<std::vector<std::string>> key_types;  // "rsa", "dsa", "ec", "ed25519"
    Stated<std::vector<x509::Oid>> signature_algorithms;
    Stated<std::vector<x509::Oid>> critical_extensions;  // known, hence accepted when critical
    Stated<std::size_t> max_oid_arcs;
    Stated<std::size_t> max_certificate_bytes;
    Stated<std::size_t> max_san_names;             // names in subjectAltName that it can hold
    Stated<std::size_t> max_exponent_bits;         // of an RSA public exponent
    Stated<std::vector<wire::NamedGroup>> curves;  // of EC keys in certificates
    Stated<std::size_t> max_year;                  // of a validity's end that it can hold
    friend bool operator==(const CertificateRules&, const CertificateRules&) = default;
};

// Of the certificates in the message.
enum class PathOrder {
    as_sent,  // each is issued by the next
    forward,  // each is issued by one behind it
    any
};
enum class SentSelfSigned { used, dropped };
enum class AnchorKind { self_signed, any };
// Where the issuer of a certificate is looked for first.
enum class IssuersFrom { sent_first, stored_first };
// What happens when the first issuer that fits by name leads nowhere.
enum class Alternatives {
    none,           // the first candidate or nothing
    until_trusted,  // others are tried until an anchor is reached; then the path is validated
    until_signed,   // the same, and one whose key did not make the signature is none
    until_valid     // others are tried until a path validates
};
// authorityKeyIdentifier against subjectKeyIdentifier when an issuer is chosen.
enum class KeyIdentifiers {
    ignored,
    preferred,  // a candidate that matches is tried first
    required    // one that does not match is none
};
// How an issuer's name is compared with a subject.
enum class NameChaining {
    binary,      // octet by octet
    characters,  // strings of any type by their characters
    caseless,    // strings of any type by their characters, ASCII letters in any case
    normalized   // RFC 5280 7.1: characters, in any case, runs of spaces as one
};
enum class AiaRule { never, fetched };  // issuers from authorityInfoAccess
struct PathRules {
    Stated<PathOrder> order;
    Stated<SentSelfSigned> sent_self_signed;
    Stated<AnchorKind> anchors;
    Stated<IssuersFrom> issuers;
    Stated<Alternatives> alternatives;
    Stated<KeyIdentifiers> key_identifiers;
    Stated<bool> prefers_in_date;  // of issuers in one place those first that are in date
    Stated<NameChaining> name_chaining;
    Stated<AiaRule> aia;
    Stated<std::size_t> max_certificates;  // of a path, leaf and anchor included
    friend bool operator==(const PathRules&, const PathRules&) = default;
};

enum class DatesOf { leaf, intermediates, anchor };
// Purposes each of which is enough, where extKeyUsage is present; sgc: those of server gated
// cryptography, msSGC and nsSGC, ns_sgc: the latter alone.
enum class ExtendedKeyUsageRule {
    ignored,
    server_auth,
    server_auth_or_any,
    server_auth_or_sgc,
    server_auth_or_ns_sgc,
    server_auth_any_or_sgc
};
enum class V1Ca { refused, anchor, accepted };  // whether a CA may be a version 1 certificate
// Forms of name constraints that are kept; one of another form in a critical extension is an
// objection of its own.
enum class ConstraintForm { dns_name, rfc822_name, uri, ip_address, directory_name, registered_id };
// What the keyUsage of the server's certificate, if present, has to allow.
enum class LeafKeyUsageRule {
    ignored,
    by_suite,         // what the cipher suite does with the key: RFC 5246 7.4.2
    key_encipherment  // of an RSA key, whatever the suite
};
// What of its own certificate an anchor is held to.
enum class AnchorConstraint {
    form,  // what the strict reader finds in its extensions
    basic_constraints,
    path_length,
    key_usage,
    extended_key_usage,
    name_constraints,
    policies,
    critical_extensions,
    key,
    signature_algorithm  // of its own signature
};
struct ValidationRules {
    Stated<std::vector<DatesOf>> dates;  // whose validity counts
    Stated<bool> basic_constraints;      // intermediates need cA TRUE
    Stated<bool> path_len_constraint;
    Stated<bool> self_issued_exempt;  // of path lengths and name constraints: CAs, not the leaf
    Stated<bool> leaf_ca_counts;      // in path lengths, where the server's certificate is a CA's
    Stated<bool> ca_key_usage;        // keyUsage of a CA, if present, needs keyCertSign
    Stated<LeafKeyUsageRule> leaf_key_usage;
    Stated<ExtendedKeyUsageRule> extended_key_usage;     // of the leaf, if the extension is present
    Stated<ExtendedKeyUsageRule> ca_extended_key_usage;  // of a CA, if present
    Stated<V1Ca> v1_ca;
    Stated<std::vector<AnchorConstraint>> anchor_constraints;  // empty: an anchor is name and key
    Stated<std::vector<ConstraintForm>> name_constraints;      // empty: not looked at
    Stated<bool> name_constraints_on_cn;  // dNSName constraints hold a common name, too
    Stated<x509::EmailAddressesHeld> name_constraints_on_email;  // in the subject
    Stated<bool> name_constraints_on_cas;  // names of intermediates are held to them, too
    // Those of self-issued CAs; where it is silent, self_issued_exempt speaks for both.
    Stated<bool> name_constraints_on_self_issued;
    Stated<bool> dns_constraints_by_label;     // false: "ample.test" holds mail.example.test, too
    Stated<bool> dns_constraints_hold_more;    // URIs, addresses and otherNames, by their octets
    Stated<bool> wildcards_may_be_excluded;    // false: '*' is a label like any other
    Stated<bool> local_part_case_counts;       // in constraints on rfc822Names
    Stated<bool> host_constraints_hold_below;  // those on rfc822Names and URIs
    Stated<bool> ipv6_constraints;             // false: those on IPv6 networks are not kept
    Stated<bool> ip_constraints_by_family;     // permitted IPv4 networks permit every IPv6 address
    Stated<bool> policies;                     // RFC 5280 6.1: policy tree, mapping, inhibition
    Stated<std::size_t> max_validity_days;     // of the leaf
    friend bool operator==(const ValidationRules&, const ValidationRules&) = default;
};

enum class SanRule { none, first, any };
enum class CnRule {
    never,
    if_no_san,            // where no dNSName is, and for an address no iPAddress either
    if_no_san_of_form,    // for a host where no dNSName is, for an address where no iPAddress is
    if_no_identifier,     // nor a URI or otherName (SRVName): RFC 6125 6.4.4
    if_no_san_extension,  // where there is no subjectAltName, or one without any name
    always
};
enum class CnWhich {
    first,
    last,
    any,
    only  // where there are several, none counts
};
enum class Wildcard {
    none,
    leftmost_label,  // "*.b.c" matches "a.b.c" only
    any_label,       // '*' anywhere in any label, and more labels on the left
    suffix,          // leading '*' stands for any octets: "*.b.c" matches "x.a.b.c"
    each_label,      // '*' anywhere in any label, as many labels
    partial_label,   // one '*' anywhere in the leftmost label: "mail*.b.c"
    label_or_bare    // leftmost_label, and "*.b.c" matches "b.c"
};
enum class IpRule {
    never,
    ip_address,
    ip_address_or_cn,
    ip_address_or_dns_name,  // dNSName "192.0.2.1"
    text,                    // dNSName or common name, and no iPAddress
    any,                     // all three
    ipv4_address,            // iPAddress, of IPv4 alone
    ipv4_address_or_text     // the same, or text
};
// The dot at the end of a name.
enum class TrailingDot {
    counts,
    ignored,          // that of the host and that of a name in the certificate
    ignored_in_host,  // that of the host alone
};
enum class EmbeddedNul {
    whole,     // an octet like any other: never matches
    truncates  // the name ends there
};
enum class MsstdRule { cn, cn_or_san };  // what RPC over HTTP compares the principal with
struct NameRules {
    Stated<bool> checked;  // false: the device compares no name at all
    Stated<SanRule> san;
    Stated<CnRule> cn;
    Stated<CnWhich> cn_which;
    Stated<Wildcard> san_wildcard;
    Stated<Wildcard> cn_wildcard;
    Stated<std::size_t> wildcard_min_labels;  // right of the '*': 2 refuses "*.com"
    Stated<bool> public_suffix_wildcard;      // "*.co.uk" matches
    Stated<bool> wildcard_matches_a_label;    // '*' stands for "xn--..." as well
    Stated<IpRule> ip;
    Stated<bool> case_sensitive;
    Stated<TrailingDot> trailing_dot_ignored;
    Stated<EmbeddedNul> embedded_nul;
    Stated<MsstdRule> msstd;  // only devices that do mutual authentication by principal name
    friend bool operator==(const NameRules&, const NameRules&) = default;
};

enum class RootFormat { der, pem, pkcs7, pkcs12 };
enum class UserRoots {
    used,           // as soon as they are installed
    after_setting,  // once the user has ticked a use for them
    unused          // not by this application
};
struct TrustRules {
    // nullptr: the profile names no store, so every anchor is unknown. `strict` has none either and
    // trusts what --roots and --install-root give.
    std::optional<std::string> store_id;
    std::string source;
    Grade grade = Grade::assumed;
    Stated<bool> users_install_roots;
    Stated<std::vector<RootFormat>> root_formats;  // of the file a user installs from
    Stated<UserRoots> user_roots;
    friend bool operator==(const TrustRules&, const TrustRules&) = default;
};

// --- order and reactions ------------------------------------------------------------------------
enum class CertificateOrder { leaf_first, anchor_first };
struct Order {
    // Rank of each step, indexed by rules::Step: the order in which the device would stop.
    std::vector<std::size_t> rank;
    // Steps done certificate by certificate, in one loop: each certificate all of them, then the
    // next.
    std::vector<rules::Step> per_certificate;
    CertificateOrder certificates = CertificateOrder::leaf_first;
    std::string source;
    Grade grade = Grade::assumed;
    friend bool operator==(const Order&, const Order&) = default;
};

enum class Action { accept, ask, refuse };
// What the user can answer to a question, and what comes of it.
enum class Consequence { connects, fails };
struct Answer {
    std::string answer;  // the button's text
    Consequence then = Consequence::fails;
    std::optional<wire::AlertDescription> alert;  // that goes out; nullopt: none
    friend bool operator==(const Answer&, const Answer&) = default;
};
// How a refusal or a question looks from outside.
struct Response {
    std::optional<wire::AlertDescription> alert;  // nullopt: closes without an alert, or asks
    bool alert_stated = false;                    // false: nothing is known about the alert
    bool alert_as_standard = false;               // the alert of the rule's row (strict)
    std::string shows;                            // what the user reads
    std::string log;                              // what a log says
    std::string code;                             // "-7547", "0x80072F0D"
    std::vector<Answer> answers;                  // to a question
    std::string source;
    Grade grade = Grade::assumed;
    friend bool operator==(const Response&, const Response&) = default;
};
struct Tolerance {
    Action action = Action::accept;
    std::string response;  // an id of Device::responses; empty for accept
    std::string source;
    Grade grade = Grade::assumed;
    friend bool operator==(const Tolerance&, const Tolerance&) = default;
};

struct Device {
    std::string id;  // file name without .yaml
    std::string name;
    std::string vendor;
    std::string family;
    Kind kind = Kind::library;
    std::string released;  // "2007", "2007-04", "2007-04-11"
    Status status = Status::draft;
    bool by_default = true;          // false: asked only where it is named
    std::vector<std::string> notes;  // what stays open, for readers
    std::map<std::string, Source> sources;
    ClientHello client_hello;
    std::vector<Fallback> fallbacks;  // in the order in which they are tried
    ServerHelloRules server_hello;
    KeyExchangeRules key_exchange;
    CertificateRules certificate;
    PathRules path;
    ValidationRules validation;
    NameRules names;
    TrustRules trust;
    std::optional<Order> order;
    std::map<std::string, Response> responses;
    std::map<std::string, Tolerance, std::less<>> tolerances;  // by rule id
    std::optional<Tolerance> otherwise;  // for rules of level must that `tolerances` does not name
    std::map<std::string, std::string> remedies;  // by rule id
    friend bool operator==(const Device&, const Device&) = default;
};

}  // namespace handset::device
