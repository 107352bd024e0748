// What the judge says: outcome of one device on one flight, with its reasons in the device's order.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "emulator/device/device.h"
#include "handshake/rules/finding.h"
#include "handshake/wire/record.h"

namespace handset::judge {

enum class Outcome { connects, asks, fails, unknown };
enum class Stage {
    resolve,
    connect,
    server_hello,
    certificate,
    key_exchange,
    finished,
    application
};
std::string_view outcome_name(Outcome outcome);  // "connects"
std::string_view stage_name(Stage stage);        // "server-hello"

// What a reason did to the outcome.
enum class Effect {
    decides,    // the device stops here
    later,      // the device would stop here too, had it not stopped before
    asks,       // the device asks its user
    undecided,  // the profile is silent: this makes the verdict unknown
    noted       // no effect on this device; worth knowing
};
std::string_view effect_name(Effect effect);

struct Reason {
    rules::Finding finding;
    Effect effect = Effect::noted;
    std::string demand;
    std::string citation;
    std::string
        source;  // of the device statement: what it says and where it stands; empty if silent
    std::optional<device::Grade> grade;
    std::vector<std::string> remedies;
};

enum class Direction { sent, received };  // by the device
struct AlertSeen {
    Direction direction = Direction::sent;
    wire::Alert alert;
    friend bool operator==(const AlertSeen&, const AlertSeen&) = default;
};

struct Negotiated {
    wire::ProtocolVersion version{};
    wire::CipherSuite cipher_suite{};
    friend bool operator==(const Negotiated&, const Negotiated&) = default;
};

// An attempt that the server ended and that the device made again with another hello.
struct EarlierAttempt {
    Bytes hello;
    std::string ja3;
    std::string ended;  // "the server sent protocol_version", for eyes
    friend bool operator==(const EarlierAttempt&, const EarlierAttempt&) = default;
};

struct Verdict {
    std::string device;
    std::string name;
    Outcome outcome = Outcome::unknown;
    Stage stage = Stage::certificate;  // where it stopped, or how far it was followed
    std::optional<AlertSeen> alert;    // nullopt: none goes out, or none is known
    // The profile says that no alert goes out (a silent close), as against not saying anything.
    bool closes_silently = false;
    std::string shows;
    std::string log;
    std::string code;
    std::vector<device::Answer> answers;  // to the question in `shows`, for `asks`
    device::Grade grade = device::Grade::assumed;
    std::optional<Negotiated> negotiated;
    std::vector<Reason> reasons;  // in the device's order of noticing; notes last
    std::string ja3;
    Bytes hello;                          // as sent; empty for files
    std::vector<EarlierAttempt> earlier;  // in order; what is said above is of the last attempt
};

// The reason that made the outcome: the decider, or the first that asks or is undecided. nullptr
// when the device connects.
const Reason* decisive_reason(const Verdict& verdict);

}  // namespace handset::judge
