// What one client did when it was shown one case.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "handshake/base/time.h"
#include "handshake/wire/flight.h"

namespace handset::lab {

// How far the client went.
enum class Reached {
    nothing,              // not a whole ClientHello
    hello,                // and nothing the case asks for could be answered to it
    flight,               // it was shown the case
    client_key_exchange,  // it went on
    finished,             // its Finished verified
    request               // it sent application data
};
std::string_view reached_name(Reached reached);  // "client-key-exchange"

// What ended the connection.
enum class End {
    closed,   // by the client
    reset,    // by the client
    timeout,  // it said nothing for too long
    server,   // by the case's script, or because the server could not go on
    limit,    // the client sent more than is taken
    stopped   // the lab itself was ended
};
std::string_view end_name(End end);

struct ClientAlert {
    wire::Alert alert;
    bool encrypted = false;  // after its ChangeCipherSpec
    friend bool operator==(const ClientAlert&, const ClientAlert&) = default;
};

struct Observation {
    std::string case_id;
    std::string sni;  // empty: none was sent
    Reached reached = Reached::nothing;
    End end = End::closed;
    std::vector<ClientAlert> alerts;  // close_notify too
    wire::Flight flight;              // the client's hello, and what it was shown
    std::optional<wire::ProtocolVersion> version;
    std::optional<wire::CipherSuite> cipher_suite;
    bool flight_sent_whole = false;
    // Whether the server had what it takes to finish the handshake; with a made-up key share or
    // group there is none, and a client that goes on is told so by an alert.
    bool can_finish = false;
    // What the client itself says of the connection, where somebody asked it; and in which words.
    std::optional<bool> client_accepted;
    std::string client_error;
    std::string detail;  // for eyes: why nothing was shown, what could not be read
    std::size_t octets_received = 0;

    // The alert that says why it stopped: the first that is not close_notify.
    const ClientAlert* stopped_with() const;
};

// What the client made of the case: its own word where there is one. Else as far as the server can
// see: false when it stopped before ClientKeyExchange or gave up with an alert, true when it sent a
// request. A client that went on where the server could not has accepted the case. nullopt when it
// went on and then said nothing more, was shown nothing, or was cut off before it could say.
std::optional<bool> accepted(const Observation& observation);

// One line of the log.
struct Entry {
    std::chrono::sys_time<std::chrono::milliseconds> at{};
    Time clock{};      // of the client, as far as anybody knows
    Time cases_for{};  // for which the certificates were made, see load_cases()
    std::string peer;  // "127.0.0.1:40000"
    std::uint16_t port = 0;
    Observation observation;
};
// JSON without the line's end, as emulator/report/schema.json describes it. Keys are only ever
// added.
std::string to_json(const Entry& entry);
// Throws std::runtime_error, one line, for what is no such line.
Entry from_json(std::string_view line);

}  // namespace handset::lab
