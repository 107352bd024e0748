// The strict reader as a table: one row per rule, one table per area, one catalog over all.
// A row with a check is decided by the octets alone; a row without one needs to know the device,
// its clock or the host name, and the judge raises it (emulator/judge).
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "handshake/rules/evidence.h"
#include "handshake/wire/registry.h"

namespace handset::rules {

enum class Area {
    encoding,
    certificate,
    extension,
    key,
    name,
    chain,
    negotiation,
    handshake,
    capacity
};

// Whether a reader without laxity must stop at it (RFC 2119 MUST), or may go on: SHOULD, what is
// asked of CAs and no part of validation (RFC 5280 6.1), or a lawful thing that is known to break
// devices.
enum class Level { must, should };

// When a client notices, in the order of most clients; a profile's `order` may differ.
enum class Step {
    server_hello,
    certificate_message,
    encoding,
    path,
    path_length,
    critical_extensions,
    signature,
    validity,
    policies,
    name_constraints,
    key_usage,
    basic_constraints,
    names,
    extended_key_usage,
    key_exchange,
    finished,
    application
};
inline constexpr std::size_t step_count = 17;

struct Rule;
// Collects findings of one rule, the first max_findings of them; fills in the octets from the
// evidence.
inline constexpr std::size_t max_findings = 1000;
class Findings {
public:
    Findings(const Evidence& evidence, std::string_view rule, std::vector<Finding>& out)
        : evidence_(&evidence), rule_(rule), out_(&out) {}
    // At a place of certificate `number`.
    void at(std::size_t number, x509::Place place, std::string field, std::string detail);
    // At `offset` of the server's stream, or nowhere in it (length 0).
    void in_stream(std::size_t offset, ByteView bytes, std::string field, std::string detail);

private:
    const Evidence* evidence_;
    std::string_view rule_;
    std::vector<Finding>* out_;
    std::size_t count_ = 0;
};

struct Rule {
    std::string_view id;  // "<area>-<fault>", never reused
    Area area{};
    Level level{};
    Step step{};
    std::string_view demand;         // what the standard asks for, one sentence
    std::string_view citation;       // "RFC 5280 4.1.2.2"
    wire::AlertDescription alert{};  // the one the TLS standard foresees for such a refusal
    std::string_view remedy;         // what the server's administrator does about it
    void (*check)(const Evidence& evidence,
                  Findings& findings) = nullptr;  // nullptr: judged per device
};

// All rows, table by table.
std::span<const Rule> catalog();
const Rule* find_rule(std::string_view id);

std::string_view area_name(Area area);     // "certificate"
std::string_view level_name(Level level);  // "must"
std::string_view step_name(Step step);     // "critical_extensions"
std::optional<Step> step_from_name(std::string_view name);

}  // namespace handset::rules
