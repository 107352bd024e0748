// The server's side of one connection that shows one case, without sockets: octets in, octets out.
// TLS 1.0 to 1.2, SSLv2-framed hellos too. The case's script says what is wrong; what it leaves
// open fits the client: version, suite, curve, key share. Work and memory are bounded.
#pragma once

#include <functional>
#include <memory>

#include "emulator/lab/library.h"
#include "emulator/lab/observation.h"

namespace handset::lab {

struct ExchangeLimits {
    std::size_t max_hello_bytes = std::size_t{64} * 1024;  // with the headers of its records
    std::size_t max_received_bytes = std::size_t{256} * 1024;
    std::size_t max_alerts = 100;
};

class Exchange {
public:
    // The case for a client; nullptr when there is none. `server_name` is empty without SNI.
    using Choose = std::function<const Shown*(const std::string& server_name)>;
    explicit Exchange(Choose choose, ExchangeLimits limits = {});
    ~Exchange();
    Exchange(Exchange&&) noexcept;
    Exchange& operator=(Exchange&&) noexcept;

    // Trouble of ours, for example with mbed TLS, ends the connection like what a client does.
    void receive(ByteView octets);
    // The client closed or reset the connection, or stayed silent for too long.
    void ended(End how);

    struct Output {
        Bytes octets;
        std::chrono::milliseconds pause{};  // before they go out
    };
    // The next octets to put on the wire; nullopt when there are none.
    std::optional<Output> next_output();
    // What the server does once all output is out.
    enum class Wish { read, close, reset };
    Wish wish() const;

    const Observation& observation() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace handset::lab
