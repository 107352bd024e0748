// What one server said to one client hello up to ServerHelloDone (or its alert, or silence), octet
// for octet. The one thing that live servers, certificate files and captures all become.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "handshake/base/bytes.h"
#include "handshake/wire/record.h"

namespace handset::wire {

enum class Ending {
    ongoing,  // more may come: the judge must not hold missing messages against the server
    server_hello_done,  // the flight is whole
    alert,              // the server sent a fatal alert (or close_notify)
    closed,             // end of stream in the middle
    reset,              // connection reset
    timeout,            // a deadline of ours ran out
    limit,              // a size limit of ours was reached
    undecodable         // octets that are no TLS record or handshake message
};

// What came of the rest of the handshake, where the client went on after the flight.
struct Continuation {
    enum class Kind {
        none,      // not tried
        finished,  // both Finished messages were good
        alert,     // the server sent an alert instead
        closed,    // the server closed
        timeout,
        unplayable,  // the TLS engine lacks the version, suite or group; `detail` says which
        failed  // what the server sent cannot be gone on with: a signature or Finished that does
                // not verify, a message out of order; `detail` says which
    } kind = Kind::none;
    std::optional<Alert> alert;
    std::string detail;
    friend bool operator==(const Continuation&, const Continuation&) = default;
};

struct Flight {
    enum class Origin { wire, files } origin = Origin::wire;
    Bytes client_hello;               // as sent, framing included; empty for files
    Bytes bytes;                      // wire: every octet the server sent, from the first on
    std::vector<Bytes> certificates;  // files: DER, in the order given
    Ending ending = Ending::ongoing;
    std::string ending_detail;  // for eyes: what was wrong with the octets, which deadline
    Continuation continuation;
    friend bool operator==(const Flight&, const Flight&) = default;
};

}  // namespace handset::wire
