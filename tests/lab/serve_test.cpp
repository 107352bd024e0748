#include "emulator/lab/serve.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <condition_variable>
#include <csignal>
#include <future>
#include <mutex>
#include <thread>

#include "handshake/session/client.h"
#include "tests/lab/scripted.h"

using namespace handset;
using namespace std::chrono_literals;
using lab::End;
using lab::Reached;
using lab::Served;

namespace {

// Nothing here takes as long; what does has failed.
constexpr int deadline_seconds = 60;

// A blocking socket with a deadline.
class Connection {
public:
    explicit Connection(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
        const timeval deadline{deadline_seconds, 0};
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
        ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof deadline);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connected_ =
            ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    }
    ~Connection() { ::close(socket_); }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    bool is_connected() const { return connected_; }
    // False once the other side is gone.
    bool say(ByteView octets) {
        while (!octets.empty()) {
            const auto sent = ::send(socket_, octets.data(), octets.size(), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            octets = octets.subspan(static_cast<std::size_t>(sent));
        }
        return true;
    }
    // What is there; empty at the end.
    Bytes hear() {
        Bytes some(4096);
        const auto length = ::recv(socket_, some.data(), some.size(), 0);
        some.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
        return some;
    }
    Bytes hear_to_the_end() {
        Bytes all;
        for (Bytes some = hear(); !some.empty(); some = hear())
            append(all, some);
        return all;
    }
    bool has_something() const {
        pollfd wait{socket_, POLLIN, 0};
        return ::poll(&wait, 1, 0) > 0;
    }
    void say_no_more() { ::shutdown(socket_, SHUT_WR); }

private:
    int socket_;
    bool connected_ = false;
};

// A server in a thread of its own.
class Running {
public:
    explicit Running(lab::ServeOptions options = {}, forge::Server script = {},
                     std::size_t ports = 1)
        : shown_(test::shown(std::move(script))),
          server_(options, [this](const Served& served) { take(served); }) {
        for (std::size_t i = 0; i < ports; ++i) {
            ports_.push_back(server_.listen(0, [this](const std::string&) { return &shown_; }));
        }
        thread_ = std::thread([this] { server_.run(); });
    }
    ~Running() { stop(); }

    std::uint16_t port(std::size_t index = 0) const { return ports_.at(index); }
    // The next connection that is over.
    Served next() {
        std::unique_lock lock(mutex_);
        const bool there = changed_.wait_for(lock, std::chrono::seconds(deadline_seconds),
                                             [&] { return read_ < served_.size(); });
        REQUIRE(there);
        return served_[read_++];
    }
    std::size_t count() {
        const std::lock_guard lock(mutex_);
        return served_.size();
    }
    void stop() {
        if (!thread_.joinable()) return;
        server_.stop();
        thread_.join();
    }

private:
    void take(const Served& served) {
        const std::lock_guard lock(mutex_);
        served_.push_back(served);
        changed_.notify_all();
    }

    lab::Shown shown_;
    lab::Server server_;
    std::vector<std::uint16_t> ports_;
    std::thread thread_;
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<Served> served_;
    std::size_t read_ = 0;
};

lab::ServeOptions hasty() {
    lab::ServeOptions options;
    options.step = 300ms;
    options.connection = 1s;
    options.linger = 300ms;
    return options;
}

// Up to its Finished and the server's.
bool finishes(std::uint16_t port) {
    Connection connection(port);
    session::Client client(test::old_hello());
    while (!client.done()) {
        if (!connection.say(client.take_output())) return false;
        const Bytes octets = connection.hear();
        if (octets.empty()) return false;
        client.receive(octets);
        if (client.flight_over()) client.proceed();
    }
    connection.say(client.take_output());
    return client.flight().continuation.kind == wire::Continuation::Kind::finished;
}

}  // namespace

TEST_CASE("a client is served, and everything that was said is handed over") {
    Running running;
    CHECK(finishes(running.port()));
    const Served served = running.next();
    CHECK(served.entry.observation.reached == Reached::finished);
    CHECK(served.entry.observation.case_id == "test/scripted");
    CHECK(served.entry.port == running.port());
    CHECK(served.entry.peer == "127.0.0.1:" + std::to_string(served.client_port));
    CHECK(served.client_address == "127.0.0.1");
    CHECK(served.server_address == "127.0.0.1");
    CHECK(served.opened <= served.over);
    Bytes from_client;
    for (const lab::Chunk& chunk : served.chunks) {
        CHECK(served.opened <= chunk.at);
        if (chunk.from_client) append(from_client, chunk.octets);
    }
    CHECK(from_client.size() == served.entry.observation.octets_received);
    CHECK(to_hex(from_client).starts_with(to_hex(test::old_hello())));
    REQUIRE(served.chunks.size() >= 4);
    CHECK(served.chunks[1].octets == served.entry.observation.flight.bytes);
}

TEST_CASE("chunks are kept only for who wants them") {
    lab::ServeOptions options = hasty();
    options.keep_chunks = false;
    Running running(options);
    CHECK(finishes(running.port()));
    CHECK(running.next().chunks.empty());
}

TEST_CASE("how a connection ends is told from one another") {
    Running running(hasty());
    {
        Connection connection(running.port());
        connection.say(test::old_hello());
        connection.hear();
        connection.say(test::record(wire::ContentType::alert, Bytes{2, 48}));
        connection.say_no_more();
        const Served served = running.next();
        CHECK(served.entry.observation.end == End::closed);
        REQUIRE(served.entry.observation.stopped_with());
        CHECK(served.entry.observation.stopped_with()->alert.description ==
              wire::AlertDescription::unknown_ca);
    }
    {
        const Connection silent(running.port());
        const Served served = running.next();
        CHECK(served.entry.observation.end == End::timeout);
        CHECK(served.entry.observation.reached == Reached::nothing);
    }
    {
        Connection connection(running.port());
        connection.say(view_of("GET / HTTP/1.0\r\n\r\n"));
        CHECK(to_hex(connection.hear_to_the_end()) == "15030100020232");
        CHECK(running.next().entry.observation.end == End::server);
    }
}

TEST_CASE("a dribbling client has its time and no more") {
    Running running(hasty());
    Connection connection(running.port());
    const Bytes hello = test::old_hello();
    const auto begun = std::chrono::steady_clock::now();
    while (running.count() == 0 &&
           std::chrono::steady_clock::now() - begun < std::chrono::seconds(deadline_seconds)) {
        connection.say(test::record(wire::ContentType::handshake, Bytes{1, 0, 0xff}));
        std::this_thread::sleep_for(20ms);  // this is the dribbling
    }
    const Served served = running.next();
    const bool ended =
        served.entry.observation.end == End::timeout || served.entry.observation.end == End::server;
    CHECK(ended);
    CHECK(served.over - served.opened < 30s);
}

TEST_CASE("a client that floods is cut off, and little of it is kept") {
    lab::ServeOptions options;
    options.limits.max_received_bytes = 100'000;
    Running running(options);
    for (const bool with_hello : {false, true}) {
        Connection connection(running.port());
        if (with_hello) connection.say(test::old_hello());
        const Bytes some = test::record(wire::ContentType::handshake, Bytes(16'000, 0));
        std::size_t said = 0;
        while (connection.say(some) && said < (std::size_t{1} << 30))
            said += some.size();
        CHECK(said < (std::size_t{1} << 30));
        const Served served = running.next();
        std::size_t kept = 0;
        for (const lab::Chunk& chunk : served.chunks)
            kept += chunk.octets.size();
        CHECK(kept < options.limits.max_received_bytes + 10'000);
    }
    CHECK(finishes(running.port()));
}

TEST_CASE("a client that never reads has its time and no more") {
    lab::ServeOptions options = hasty();
    forge::Server big;
    big.raw = Bytes(std::size_t{32} << 20, 0x16);  // more than any socket's buffers hold
    Running running(options, big);
    Connection connection(running.port());
    connection.say(test::old_hello());
    const Served served = running.next();
    CHECK(served.entry.observation.end == End::timeout);
}

TEST_CASE("no more connections than allowed, over however many ports; the others wait") {
    lab::ServeOptions options = hasty();
    options.step = 30s;
    options.connection = 30s;
    options.max_connections = 3;
    Running running(options, {}, 5);
    std::vector<std::unique_ptr<Connection>> open;
    for (std::size_t i = 0; i < 5; ++i) {
        open.push_back(std::make_unique<Connection>(running.port(i)));
        CHECK(open.back()->is_connected());  // the kernel's queue takes them all
        open.back()->say(test::old_hello());
    }
    // Three are answered, in whatever order, and each that goes makes room for one.
    const auto answered = [&] {
        std::size_t count = 0;
        for (const auto& connection : open)
            count += connection && connection->has_something() ? 1 : 0;
        return count;
    };
    const auto wait_for = [&](std::size_t count) {
        for (int i = 0; i < deadline_seconds * 100 && answered() < count; ++i)
            std::this_thread::sleep_for(10ms);
        return answered();
    };
    CHECK(wait_for(3) == 3);
    for (auto& connection : open) {
        if (!connection->has_something()) continue;
        connection.reset();
        break;
    }
    running.next();
    CHECK(wait_for(3) == 3);
    CHECK(running.count() == 1);
    open.clear();
    for (int i = 0; i < 4; ++i)
        running.next();
    CHECK(finishes(running.port()));
}

TEST_CASE("out of descriptors, the server goes on when there are some again") {
    Running running(hasty());
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    auto connection = std::make_unique<Connection>(running.port());
    REQUIRE(connection->is_connected());
    CHECK(connection->say(test::old_hello()));
    CHECK_FALSE(connection->hear().empty());
    Connection waiting(running.port());
    // The client's own descriptors exist already; the server cannot have another.
    rlimit none = before;
    none.rlim_cur = 3;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
    timespec cpu_before{}, cpu_after{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu_before);
    std::this_thread::sleep_for(500ms);  // meanwhile it must not spin
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu_after);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    const auto spent = std::chrono::seconds(cpu_after.tv_sec - cpu_before.tv_sec) +
                       std::chrono::nanoseconds(cpu_after.tv_nsec - cpu_before.tv_nsec);
    CHECK(spent < 250ms);
    CHECK(finishes(running.port()));
    running.stop();
}

TEST_CASE("connections that are open at the end are handed over as they stand") {
    Running running;
    Connection connection(running.port());
    connection.say(test::old_hello());
    CHECK_FALSE(connection.hear().empty());
    running.stop();
    const Served served = running.next();
    CHECK(served.entry.observation.reached == Reached::flight);
    CHECK(served.entry.observation.end == End::stopped);
    CHECK(lab::accepted(served.entry.observation) == std::nullopt);
    CHECK(running.count() == 1);
}

TEST_CASE("stop may be called from within, before and twice") {
    lab::Shown shown = test::shown();
    lab::Server* server = nullptr;
    std::size_t count = 0;
    lab::Server stopping({}, [&](const Served&) {
        ++count;
        server->stop();
        server->stop();
    });
    server = &stopping;
    const std::uint16_t port = stopping.listen(0, [&](const std::string&) { return &shown; });
    auto done = std::async(std::launch::async, [&] { stopping.run(); });
    { const Connection connection(port); }
    done.get();
    CHECK(count == 1);

    lab::Server stopped({}, [](const Served&) {});
    stopped.listen(0, [&](const std::string&) { return &shown; });
    stopped.stop();
    stopped.run();
    stopped.stop();

    lab::Server never_run({}, [](const Served&) {});
    never_run.listen(0, [&](const std::string&) { return &shown; });
    never_run.stop();
}

TEST_CASE("what the receiver of connections throws ends the server in good order") {
    lab::Shown shown = test::shown();
    lab::Server server({}, [](const Served&) { throw std::runtime_error("no room on the disk"); });
    const std::uint16_t port = server.listen(0, [&](const std::string&) { return &shown; });
    auto done = std::async(std::launch::async, [&] { server.run(); });
    const Connection open(port);
    { const Connection connection(port); }
    CHECK_THROWS_WITH(done.get(), "no room on the disk");
}

TEST_CASE("SIGINT and SIGTERM end it, from the moment it listens") {
    lab::Shown shown = test::shown();
    for (const int signal : {SIGINT, SIGTERM}) {
        lab::Server server({}, [](const Served&) {});
        server.listen(0, [&](const std::string&) { return &shown; });
        ::raise(signal);
        server.run();
    }
}

TEST_CASE("where it cannot listen it says so in one line") {
    lab::Shown shown = test::shown();
    const auto choose = [&](const std::string&) { return &shown; };
    const auto complaint = [&](const std::string& address, std::uint16_t port) {
        lab::ServeOptions options;
        options.address = address;
        lab::Server server(options, [](const Served&) {});
        try {
            server.listen(port, choose);
        } catch (const std::runtime_error& error) {
            return std::string(error.what());
        }
        return std::string("none");
    };
    lab::Server server({}, [](const Served&) {});
    const std::uint16_t taken = server.listen(0, choose);
    CHECK(complaint("127.0.0.1", taken) ==
          "cannot listen on 127.0.0.1 port " + std::to_string(taken) + ": Address already in use");
    CHECK(complaint("no\naddress", 0) == "no\\x0aaddress is no address to listen on");
    CHECK(complaint("192.0.2.1", 0).starts_with("cannot listen on 192.0.2.1 port 0: "));
}
