#include "emulator/lab/serve.h"

#include <fmt/format.h>

#include <boost/asio.hpp>
#include <set>
#include <stdexcept>

namespace handset::lab {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

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

private:
    void arm(asio::steady_timer& timer, std::chrono::milliseconds after) {
        timer.expires_after(after);
        timer.async_wait([self = shared_from_this()](error_code error) {
            if (error || self->finished_) return;
            self->exchange_.ended(End::timeout);
            self->finish();
        });
    }

    void read() {
        arm(silence_, closing_ ? options_.linger : options_.step);
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
        served_.chunks.push_back({now(), true, to_bytes(octets)});
        exchange_.receive(octets);
        write();
        if (!finished_) read();
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
        served_.chunks.push_back({now(), false, output_});
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
            : acceptor(context), choose(std::move(chosen_by)) {}
        tcp::acceptor acceptor;
        Exchange::Choose choose;
        std::uint16_t port = 0;
        bool accepting = false;
    };

    void accept(Listener& listener);
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
};

void Server::State::accept(Listener& listener) {
    if (stopping || listener.accepting || connections.size() >= options.max_connections) return;
    listener.accepting = true;
    listener.acceptor.async_accept([this, &listener](error_code error, tcp::socket socket) {
        listener.accepting = false;
        if (stopping) return;
        if (!error) {
            const auto connection = std::make_shared<Connection>(
                options, std::move(socket), listener.port, listener.choose,
                [this](const auto& over, const Served& served) { forget(over, served); });
            connections.insert(connection);
            connection->start();
        }
        accept(listener);
    });
}

void Server::State::forget(const std::shared_ptr<Connection>& connection, const Served& served) {
    connections.erase(connection);
    on_served(served);
    accept_all();
}

void Server::State::stop() {
    if (stopping) return;
    stopping = true;
    error_code ignored;
    signals.cancel(ignored);
    for (const auto& listener : listeners)
        listener->acceptor.close(ignored);
    const auto open = connections;
    for (const auto& connection : open)
        connection->finish();
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
    auto listener = std::make_unique<State::Listener>(state_->context, std::move(choose));
    tcp::acceptor& acceptor = listener->acceptor;
    const tcp::endpoint endpoint(address, port);
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
        throw std::runtime_error(fmt::format("cannot listen on {} port {}: {}",
                                             state_->options.address, port, error.message()));
    }
    listener->port = acceptor.local_endpoint().port();
    state_->listeners.push_back(std::move(listener));
    return state_->listeners.back()->port;
}

void Server::run() {
    state_->signals.add(SIGINT);
    state_->signals.add(SIGTERM);
    state_->signals.async_wait([this](error_code error, int) {
        if (!error) state_->stop();
    });
    state_->accept_all();
    state_->context.run();
}

void Server::stop() {
    asio::post(state_->context, [state = state_] { state->stop(); });
}

}  // namespace handset::lab
