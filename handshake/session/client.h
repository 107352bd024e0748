// The client's side of one handshake, without sockets: octets in, octets out. It sends the hello it
// is given, collects the server's flight octet for octet, and waits for its owner to say whether
// the device would stop (refuse) or go on (proceed). Going on is mbed TLS's work: key exchange,
// Finished. It never looks at certificates to judge them; no peer verification is done here.
#pragma once

#include <memory>
#include <optional>

#include "handshake/wire/flight.h"

namespace handset::session {

struct ClientLimits {
    std::size_t max_flight_bytes = 1
                                   << 20;  // every octet the server may send before ServerHelloDone
    std::size_t max_message_bytes = std::size_t{512} * 1024;  // of one handshake message
    std::size_t max_messages = 1000;                          // handshake messages and alerts
};

class Client {
public:
    // `hello` is one whole record: TLS framing, or SSLv2 framing with its two-octet header. Throws
    // std::invalid_argument when it is neither.
    explicit Client(Bytes hello, ClientLimits limits = {});
    ~Client();
    Client(Client&&) noexcept;
    Client& operator=(Client&&) noexcept;

    // Octets to put on the wire now; empty when there are none. The hello comes first.
    Bytes take_output();
    // Octets the server sent, in any pieces. Ignored once done().
    void receive(ByteView bytes);
    // The transport ended: Ending::closed, reset or timeout.
    void transport_ended(wire::Ending how, std::string detail);

    // What the server has said so far. `ending` is `ongoing` until ServerHelloDone, a fatal alert,
    // a fault or the end of the transport. A TLS 1.3 ServerHello also ends it (as server_hello_done
    // with a detail: what follows is encrypted), for nothing more can be read.
    const wire::Flight& flight() const;
    // Handshake messages and alerts complete so far: ask the judge again when it grows.
    std::size_t messages_seen() const;
    bool flight_over() const { return flight().ending != wire::Ending::ongoing; }

    // The device stops here: queues the alert, or nothing (it just closes). Then done().
    void refuse(std::optional<wire::Alert> alert);
    // The device accepts the flight: only after server_hello_done. Plays the rest; its outcome
    // lands in flight().continuation. `unplayable` where mbed TLS lacks the version, suite or
    // group.
    void proceed();

    // Nothing more will be said: refused, finished, or ended. Output may still be waiting.
    bool done() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace handset::session
