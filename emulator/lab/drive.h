// Asks one client case by case: serves, waits for its connection or starts it by a command, and
// keeps what it did. A client that hangs is ended, one that crashes is started again.
#pragma once

#include <atomic>
#include <functional>
#include <optional>

#include "emulator/lab/serve.h"

namespace handset::lab {

struct DriveOptions {
    ServeOptions serve;
    std::uint16_t port = 0;
    // Started by /bin/sh for each case, with {host}, {port}, {name} and {roots} (a PEM file)
    // filled in; exit status 0 says that it accepted. Empty: the client connects on its own.
    std::string command;
    std::chrono::seconds command_deadline{20};
};

class Driver {
public:
    // Listens at once. Throws std::runtime_error, one line.
    explicit Driver(DriveOptions options);
    ~Driver();
    Driver(const Driver&) = delete;
    Driver& operator=(const Driver&) = delete;

    std::uint16_t port() const;
    // What the client did with the case; nullopt when it did not connect, or when SIGINT or SIGTERM
    // came in the meantime. Without a command it waits until a client connects.
    std::optional<Served> ask(const Shown& shown);
    bool interrupted() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace handset::lab
