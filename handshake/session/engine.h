// mbed TLS behind glass: everything that leans on its internals is in engine.cpp. Takes a flight
// that was recorded up to ServerHelloDone and plays the rest of the handshake. It neither reads
// certificates (but for the first one's public key) nor judges what the server chose.
#pragma once

#include <memory>
#include <vector>

#include "handshake/wire/client_hello.h"
#include "handshake/wire/flight.h"

namespace handset::session {

// What the server has seen of the client's hello.
struct SentHello {
    wire::ProtocolVersion client_version{};
    Bytes random;  // 32 octets, as both sides compute with it
    std::optional<wire::Extensions> extensions;
    Bytes transcript;  // the octets that enter the hash of the handshake
};

class Engine {
public:
    // Begins at once: afterwards there is output to send, or an outcome. `flight` ends with
    // ServerHelloDone.
    Engine(const SentHello& hello, const std::vector<wire::HandshakeMessage>& flight);
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    void receive(ByteView bytes);
    Bytes take_output();
    // Kind::none while the handshake goes on.
    const wire::Continuation& outcome() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace handset::session
