// Flights from live servers: TCP, STARTTLS, and one handshake per attempt, all under deadlines.
// Asio stays in live.cpp. Says nothing about devices: what to send and when to stop comes from the
// caller.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "handshake/wire/flight.h"

namespace handset::flight {

enum class Starttls { none, smtp, imap, pop3 };

struct Target {
    std::string host;  // name or address, without brackets
    std::uint16_t port = 443;
    Starttls starttls = Starttls::none;
};
// "host", "host:port", "[::1]:port", "::1". Throws std::invalid_argument with a sentence for the
// user.
Target parse_target(std::string_view text, Starttls starttls);
// "[::1]:443", "mail.contoso.com:443"
std::string to_string(const Target& target);

struct Deadlines {
    std::chrono::milliseconds resolve{10'000};
    std::chrono::milliseconds connect{10'000};
    std::chrono::milliseconds step{10'000};  // of silence in any step
    std::chrono::milliseconds attempt{
        30'000};  // of one attempt from connect to close, dribbling included
};

// What the device does after what it has seen so far.
struct Decision {
    enum class Kind { go_on, refuse } kind = Kind::go_on;
    std::optional<wire::Alert> alert;  // refuse: nullopt closes silently
};
// Called whenever a handshake message or alert is complete, and when the flight is over. Pure.
using Decide = std::function<Decision(const wire::Flight& so_far)>;

struct Attempt {
    Bytes hello;
    Decide decide;
};

enum class Reached { no_address, no_connection, no_starttls, yes };
struct Answer {
    Reached reached = Reached::no_address;
    std::string
        trouble;  // one line when not reached: "connection refused", "server offers no STARTTLS"
    wire::Flight flight;  // meaningful when reached
};

// One connection per attempt, at most `parallel` at a time, answers in the order of the attempts.
// The name is resolved once. Never throws for what the network does. `progress` (may be empty) is
// called after each attempt with the number done.
std::vector<Answer> probe(const Target& target, const std::vector<Attempt>& attempts,
                          const Deadlines& deadlines, std::size_t parallel,
                          const std::function<void(std::size_t)>& progress);

}  // namespace handset::flight
