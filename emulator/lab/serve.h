// The lab on the network: listens, plays an Exchange with every client, hands over what it saw.
// Asio stays in serve.cpp. Nothing a client does stops it: connections, octets and time are
// bounded. More clients than `max_connections` wait in the kernel's queue. Raises the process's
// soft limit of open files as far as that needs and the hard one allows.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "emulator/lab/exchange.h"

namespace handset::lab {

struct ServeOptions {
    std::string address = "127.0.0.1";
    std::chrono::milliseconds step{10'000};        // of silence
    std::chrono::milliseconds connection{60'000};  // of one connection, dribbling included
    std::chrono::milliseconds linger{2'000};       // for the client's close after the server's
    std::size_t max_connections = 256;
    ExchangeLimits limits;
    bool keep_chunks = true;  // whether Served holds what was said, for a capture
};

// Octets as they were handed to the socket or taken from it. What the client sends beyond
// ExchangeLimits::max_received_bytes is in none.
struct Chunk {
    std::chrono::sys_time<std::chrono::microseconds> at{};
    bool from_client = false;
    Bytes octets;
};
// One connection, over.
struct Served {
    Entry entry;
    std::string client_address;
    std::uint16_t client_port = 0;
    std::string server_address;
    std::chrono::sys_time<std::chrono::microseconds> opened{};
    std::chrono::sys_time<std::chrono::microseconds> over{};
    std::vector<Chunk> chunks;
};

class Server {
public:
    using OnServed = std::function<void(const Served&)>;
    Server(ServeOptions options, OnServed on_served);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // The port that is listened on; 0 lets the kernel choose. Throws std::runtime_error, one line,
    // when it cannot. From here on SIGINT and SIGTERM are kept for run().
    std::uint16_t listen(std::uint16_t port, Exchange::Choose choose);
    // Serves until stop(), SIGINT or SIGTERM; connections that are open then are handed over as
    // they stand. What OnServed throws ends it in the same way, and is thrown here.
    void run();
    // May be called from OnServed.
    void stop();

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace handset::lab
