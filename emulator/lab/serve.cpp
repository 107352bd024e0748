#include "emulator/lab/serve.h"

#include <fmt/format.h>

#include <sys/resource.h>

#include <boost/asio.hpp>
#include <exception>
#include <set>
#include <stdexcept>

namespace handset::lab {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr std::chrono::milliseconds pause_after_failed_accept{100};
constexpr std::size_t other_descriptors = 64;

// Failing that, connections wait until others are over.
void allow_descriptors(std::size_t count) {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= count) return;
    limit.rlim_cur = std::min<rlim_t>(count, limit.rlim_max);
    setrlimit(RLIMIT_NOFILE, &limit);
}

std::chrono::sys_time<std::chrono::microseconds> now() {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
}

class Connection : public std::enable_shared_from_this<Connection> {
public:
    using OnOver = std::function<void(const std::shared_ptr<Connection>&, const Served&)>;

    Connection(const ServeOptions& options, tcp::socket socket, std::uint16_t port,
               Exchange::Choose choose, OnOver on_over)
        : options_(options),
          on_over_(std::move(on_over)),
          socket_(std::move(socket)),
          silence_(socket_.get_executor()),
          deadline_(socket_.get_executor()),
          pause_(socket_.get_executor()),
          exchange_(std::move(choose), options.limits) {
        served_.opened = now();
        served_.entry.at = std::chrono::floor<std::chrono::milliseconds>(served_.opened);
        served_.entry.port = port;
        error_code ignored;
        const auto peer = socket_.remote_endpoint(ignored);
        const auto own = socket_.local_endpoint(ignored);
        served_.client_address = peer.address().to_string();
        served_.client_port = peer.port();
        served_.server_address = own.address().to_string();
        served_.entry.peer = peer.address().is_v6()
                                 ? fmt::format("[{}]:{}", served_.client_address, peer.port())
                                 : fmt::format("{}:{}", served_.client_address, peer.port());
        socket_.set_option(tcp::no_delay(true), ignored);
    }

    void start() {
        arm(deadline_, options_.connection);
        read();
    }

    void stop() {
        exchange_.ended(End::stopped);
        finish();
    }

private:
    // Hands over what was seen, once.
    void finish() {
        if (finished_) return;
        finished_ = true;
        silence_.cancel();
        deadline_.cancel();
        pause_.cancel();
        error_code ignored;
        socket_.close(ignored);
        served_.over = now();
        served_.entry.observation = exchange_.observation();
        on_over_(shared_from_this(), served_);
    }

    void arm(asio::steady_timer& timer, std::chrono::milliseconds after) {
        timer.expires_after(after);
        timer.async_wait([self = shared_from_this(), &timer](error_code error) {
            if (error || self->finished_) return;
            // It may have been armed anew while this call was waiting to be made.
            if (timer.expiry() > asio::steady_timer::clock_type::now()) return;
            self->exchange_.ended(End::timeout);
            self->finish();
        });
    }

    void read() {
        // Once the server has closed, the client has `linger` altogether.
        if (!closing_) arm(silence_, options_.step);
        socket_.async_read_some(asio::buffer(buffer_),
                                [self = shared_from_this()](error_code error, std::size_t length) {
                                    self->have_read(error, length);
                                });
    }

    void have_read(error_code error, std::size_t length) {
        if (finished_) return;
        if (error) {
            exchange_.ended(error == asio::error::eof ? End::closed : End::reset);
            client_ended_ = true;
            if (!writing_) finish();
            return;
        }
        const ByteView octets(buffer_.data(), length);
        exchange_.receive(octets);
        if (exchange_.observation().octets_received > options_.limits.max_received_bytes) {
            return finish();
        }
        keep(true, octets);
        write();
        if (!finished_) read();
    }

    void keep(bool from_client, ByteView octets) {
        if (options_.keep_chunks) {
            served_.chunks.push_back({now(), from_client, to_bytes(octets)});
        }
    }

    void write() {
        if (writing_ || finished_) return;
        auto output = exchange_.next_output();
        if (!output) return all_written();
        writing_ = true;
        output_ = std::move(output->octets);
        if (output->pause.count() == 0) return send();
        pause_.expires_after(output->pause);
        pause_.async_wait([self = shared_from_this()](error_code error) {
            if (!error && !self->finished_) self->send();
        });
    }

    void send() {
        keep(false, output_);
        asio::async_write(socket_, asio::buffer(output_),
                          [self = shared_from_this()](error_code error, std::size_t) {
                              self->writing_ = false;
                              if (self->finished_) return;
                              // A client that closed has nothing more to hear.
                              if (error || self->client_ended_) return self->finish_reading(error);
                              self->write();
                          });
    }

    void finish_reading(error_code error) {
        if (client_ended_) return finish();
        if (error) arm(silence_, options_.linger);  // its alert may be on the way
    }

    void all_written() {
        if (client_ended_) return finish();
        error_code ignored;
        switch (exchange_.wish()) {
            case Exchange::Wish::read:
                return;
            case Exchange::Wish::reset:
                socket_.set_option(asio::socket_base::linger(true, 0), ignored);
                return finish();
            case Exchange::Wish::close:
                if (closing_) return;
                closing_ = true;
                socket_.shutdown(tcp::socket::shutdown_send, ignored);
                arm(silence_, options_.linger);
                return;
        }
    }

    const ServeOptions& options_;
    OnOver on_over_;
    tcp::socket socket_;
    asio::steady_timer silence_;
    asio::steady_timer deadline_;
    asio::steady_timer pause_;
    Exchange exchange_;
    Served served_;
    Bytes output_;
    std::array<std::uint8_t, 16384> buffer_{};
    bool writing_ = false;
    bool closing_ = false;
    bool client_ended_ = false;
    bool finished_ = false;
};

}  // namespace

struct Server::State {
    State(ServeOptions with, OnServed tell)
        : options(std::move(with)), on_served(std::move(tell)), signals(context) {}

    struct Listener {
        Listener(asio::io_context& context, Exchange::Choose chosen_by)
            : acceptor(context), pause(context), choose(std::move(chosen_by)) {}
        tcp::acceptor acceptor;
        asio::steady_timer pause;  // after trouble
        Exchange::Choose choose;
        std::uint16_t port = 0;
        bool waiting = false;
    };

    bool has_room() const { return connections.size() < options.max_connections; }
    void accept(Listener& listener);
    void take_client(Listener& listener);
    void accept_later(Listener& listener);
    void accept_all() {
        for (const auto& listener : listeners)
            accept(*listener);
    }
    void forget(const std::shared_ptr<Connection>& connection, const Served& served);
    void stop();

    ServeOptions options;
    OnServed on_served;
    asio::io_context context;
    asio::signal_set signals;
    std::vector<std::unique_ptr<Listener>> listeners;
    std::set<std::shared_ptr<Connection>> connections;
    bool stopping = false;
    std::exception_ptr trouble;  // of on_served
};

// A client is waited for first and taken only if there is room then: many ports may have one at
// the same time.
void Server::State::accept(Listener& listener) {
    if (stopping || listener.waiting || !has_room()) return;
    listener.waiting = true;
    listener.acceptor.async_wait(tcp::acceptor::wait_read, [this, &listener](error_code error) {
        listener.waiting = false;
        if (stopping || !has_room()) return;
        if (error) return accept_later(listener);
        take_client(listener);
    });
}

void Server::State::take_client(Listener& listener) {
    error_code error;
    tcp::socket socket(context);
    listener.acceptor.accept(socket, error);
    // A client that is gone already is none. What fails otherwise, for want of descriptors say,
    // would fail again at once.
    const bool gone = error == asio::error::would_block || error == asio::error::connection_aborted;
    if (error && !gone) return accept_later(listener);
    if (!error) {
        const auto connection = std::make_shared<Connection>(
            options, std::move(socket), listener.port, listener.choose,
            [this](const auto& over, const Served& served) { forget(over, served); });
        connections.insert(connection);
        connection->start();
    }
    accept(listener);
}

void Server::State::accept_later(Listener& listener) {
    listener.waiting = true;
    listener.pause.expires_after(pause_after_failed_accept);
    listener.pause.async_wait([this, &listener](error_code) {
        listener.waiting = false;
        accept(listener);
    });
}

void Server::State::forget(const std::shared_ptr<Connection>& connection, const Served& served) {
    connections.erase(connection);
    try {
        if (!trouble) on_served(served);
    } catch (...) {
        trouble = std::current_exception();
        asio::post(context, [this] { stop(); });
    }
    accept_all();
}

void Server::State::stop() {
    if (stopping) return;
    stopping = true;
    error_code ignored;
    signals.cancel(ignored);
    for (const auto& listener : listeners) {
        listener->acceptor.close(ignored);
        listener->pause.cancel();
    }
    const auto open = connections;
    for (const auto& connection : open)
        connection->stop();
}

Server::Server(ServeOptions options, OnServed on_served)
    : state_(std::make_shared<State>(std::move(options), std::move(on_served))) {}
Server::~Server() = default;

std::uint16_t Server::listen(std::uint16_t port, Exchange::Choose choose) {
    error_code error;
    const auto address = asio::ip::make_address(state_->options.address, error);
    if (error) {
        throw std::runtime_error(
            fmt::format("{} is no address to listen on", printable(state_->options.address)));
    }
    if (state_->listeners.empty()) {
        state_->signals.add(SIGINT);
        state_->signals.add(SIGTERM);
    }
    allow_descriptors(state_->listeners.size() + 1 + state_->options.max_connections +
                      other_descriptors);
    auto listener = std::make_unique<State::Listener>(state_->context, std::move(choose));
    tcp::acceptor& acceptor = listener->acceptor;
    const tcp::endpoint endpoint(address, port);
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (!error) acceptor.non_blocking(true, error);
    if (error) {
        throw std::runtime_error(fmt::format("cannot listen on {} port {}: {}",
                                             state_->options.address, port, error.message()));
    }
    listener->port = acceptor.local_endpoint().port();
    state_->listeners.push_back(std::move(listener));
    return state_->listeners.back()->port;
}

void Server::run() {
    state_->signals.async_wait([this](error_code error, int) {
        if (!error) state_->stop();
    });
    state_->accept_all();
    state_->context.run();
    if (state_->trouble) std::rethrow_exception(state_->trouble);
}

void Server::stop() {
    asio::post(state_->context, [state = state_.get()] { state->stop(); });
}

}  // namespace handset::lab
