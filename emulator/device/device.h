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

// --- what it accepts ----------------------------------------------------------------------------
struct ServerHelloRules {
    Stated<std::vector<wire::ProtocolVersion>> versions;
    Stated<std::size_t> max_record_bytes;
    Stated<std::size_t> max_message_bytes;  // of one handshake message
    friend bool operator==(const ServerHelloRules&, const ServerHelloRules&) = default;
};
struct KeyExchangeRules {
    Stated<Range> dh_bits;
    friend bool operator==(const KeyExchangeRules&, const KeyExchangeRules&) = default;
};
struct CertificateRules {
    Stated<Range> rsa_bits;
    Stated<std::vector<std::string>> key_types;  // "rsa", "dsa", "ec", "ed25519"
    Stated<std::vector<x509::Oid>> signature_algorithms;
    Stated<std::vector<x509::Oid>> critical_extensions;  // known, hence accepted when critical
    Stated<std::size_t> max_oid_arcs;
    friend bool operator==(const CertificateRules&, const CertificateRules&) = default;
};

enum class PathOrder { as_sent, any };
enum class SentSelfSigned { used, dropped };
enum class AnchorKind { self_signed, any };
struct PathRules {
    Stated<PathOrder> order;
    Stated<SentSelfSigned> sent_self_signed;
    Stated<AnchorKind> anchors;
    friend bool operator==(const PathRules&, const PathRules&) = default;
};

enum class DatesOf { leaf, intermediates, anchor };
enum class ExtendedKeyUsageRule {
    ignored,
    server_auth,
    server_auth_or_any,
    server_auth_any_or_sgc
};
struct ValidationRules {
    Stated<std::vector<DatesOf>> dates;  // whose validity counts
    Stated<bool> basic_constraints;      // intermediates need cA TRUE
    Stated<bool> path_len_constraint;
    Stated<bool> ca_key_usage;  // keyUsage of a CA, if present, needs keyCertSign
    Stated<ExtendedKeyUsageRule> extended_key_usage;  // of the leaf, if the extension is present
    friend bool operator==(const ValidationRules&, const ValidationRules&) = default;
};

enum class SanRule { none, first, any };
enum class CnRule { never, if_no_san, always };
enum class CnWhich { first, last, any };
enum class Wildcard {
    none,
    leftmost_label,  // "*.b.c" matches "a.b.c" only
    any_label,       // '*' anywhere in any label, and more labels on the left
    suffix           // leading '*' stands for any octets: "*.b.c" matches "x.a.b.c"
};
enum class IpRule { never, ip_address, ip_address_or_cn };
enum class MsstdRule { cn, cn_or_san };  // what RPC over HTTP compares the principal with
struct NameRules {
    Stated<bool> checked;  // false: the device compares no name at all
    Stated<SanRule> san;
    Stated<CnRule> cn;
    Stated<CnWhich> cn_which;
    Stated<Wildcard> san_wildcard;
    Stated<Wildcard> cn_wildcard;
    Stated<IpRule> ip;
    Stated<MsstdRule> msstd;  // only devices that do mutual authentication by principal name
    friend bool operator==(const NameRules&, const NameRules&) = default;
};

struct TrustRules {
    // nullptr: the profile names no store, so every anchor is unknown. `strict` has none either and
    // trusts what --roots and --install-root give.
    std::optional<std::string> store_id;
    std::string source;
    Grade grade = Grade::assumed;
    Stated<bool> users_install_roots;
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
// How a refusal or a question looks from outside.
struct Response {
    std::optional<wire::AlertDescription> alert;  // nullopt: closes without an alert, or asks
    bool alert_stated = false;                    // false: nothing is known about the alert
    bool alert_as_standard = false;               // the alert of the rule's row (strict)
    std::string shows;                            // what the user reads
    std::string log;                              // what a log says
    std::string code;                             // "-7547", "0x80072F0D"
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
    std::vector<std::string> notes;  // what stays open, for readers
    std::map<std::string, Source> sources;
    ClientHello client_hello;
    ServerHelloRules server_hello;
    KeyExchangeRules key_exchange;
    CertificateRules certificate;
    PathRules path;
    ValidationRules validation;
    NameRules names;
    TrustRules trust;
    std::optional<Order> order;
    std::map<std::string, Response> responses;
    std::map<std::string, Tolerance> tolerances;  // by rule id
    std::optional<Tolerance> otherwise;  // for rules of level must that `tolerances` does not name
    std::map<std::string, std::string> remedies;  // by rule id
    friend bool operator==(const Device&, const Device&) = default;
};

}  // namespace handset::device
