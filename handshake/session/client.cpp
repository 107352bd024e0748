#include "handshake/session/client.h"

#include <fmt/format.h>

#include <stdexcept>

#include "handshake/session/engine.h"
#include "handshake/wire/server_messages.h"
#include "handshake/wire/v2_client_hello.h"

namespace handset::session {
namespace {

using wire::Ending;
using Kind = wire::Continuation::Kind;

struct Hello {
    SentHello sent;
    wire::ProtocolVersion record_version{};  // for an alert before the server has chosen
};

Hello read_hello(ByteView octets) {
    Hello hello;
    if (wire::looks_like_v2_client_hello(octets)) {
        const auto v2 = wire::decode_v2_client_hello(octets);
        if (!v2) throw std::invalid_argument("ClientHello: " + to_string(v2.error()));
        hello.sent.client_version = v2->version;
        hello.sent.random = wire::random_of(*v2);
        hello.sent.transcript = to_bytes(octets.subspan(2));
        hello.record_version = v2->version;
        return hello;
    }
    const auto record = wire::decode_record(octets);
    if (!record) throw std::invalid_argument("ClientHello: " + to_string(record.error()));
    constexpr std::size_t header_length = 4;
    const ByteView fragment = record->fragment;
    if (record->type != wire::ContentType::handshake || fragment.size() < header_length ||
        fragment[0] != static_cast<std::uint8_t>(wire::HandshakeType::client_hello) ||
        fragment.size() - header_length !=
            (std::size_t{fragment[1]} << 16 | std::size_t{fragment[2]} << 8 | fragment[3])) {
        throw std::invalid_argument("ClientHello: not one handshake message in one record");
    }
    auto decoded = wire::decode_client_hello(fragment.subspan(header_length));
    if (!decoded) throw std::invalid_argument("ClientHello: " + to_string(decoded.error()));
    hello.sent.client_version = decoded->client_version;
    hello.sent.random = std::move(decoded->random);
    hello.sent.extensions = std::move(decoded->extensions);
    hello.sent.transcript = record->fragment;
    hello.record_version = record->version;
    return hello;
}

}  // namespace

struct Client::State {
    State(Bytes octets, ClientLimits client_limits)
        : limits(client_limits),
          hello(read_hello(octets)),
          stream(wire::StreamLimits{wire::max_record_length, client_limits.max_message_bytes,
                                    wire::StreamLimits{}.max_records}),
          output(octets) {
        flight.client_hello = std::move(octets);
    }

    void collect(ByteView& bytes);
    std::size_t left_of_record() const;
    void take_events();
    void take(wire::StreamEvent event);
    void end(Ending ending, std::string detail = {});
    void play(ByteView bytes);
    void finish() { done = true; }

    ClientLimits limits;
    Hello hello;
    wire::RecordStream stream;
    Bytes output;
    wire::Flight flight;
    std::vector<wire::HandshakeMessage> messages;
    std::size_t messages_seen = 0;
    std::optional<wire::ProtocolVersion> chosen_version;
    bool tls_1_3 = false;
    // Where in the current record the stream stands: the flight is cut at a record's end.
    std::size_t record_position = 0;
    std::size_t record_length = wire::record_header_length;
    Bytes later;  // octets after the flight, before proceed()
    std::size_t played_bytes = 0;
    std::unique_ptr<Engine> engine;
    bool done = false;
};

void Client::State::end(Ending ending, std::string detail) {
    flight.ending = ending;
    flight.ending_detail = std::move(detail);
    // After a whole flight the owner has a choice to make.
    if (ending != Ending::server_hello_done) done = true;
}

// Takes octets off the front of `bytes`, at most to the end of the current record.
void Client::State::collect(ByteView& bytes) {
    const std::size_t room = limits.max_flight_bytes - flight.bytes.size();
    const std::size_t taken = std::min({bytes.size(), record_length - record_position, room});
    if (taken == 0) {
        return end(Ending::limit, fmt::format("more than {} octets before ServerHelloDone",
                                              limits.max_flight_bytes));
    }
    const ByteView piece = bytes.first(taken);
    bytes = bytes.subspan(taken);
    append(flight.bytes, piece);
    record_position += taken;
    if (record_position == record_length && record_length == wire::record_header_length) {
        const ByteView header = ByteView(flight.bytes).last(wire::record_header_length);
        record_length += std::size_t{header[3]} << 8 | header[4];
    }
    if (record_position == record_length) {
        record_position = 0;
        record_length = wire::record_header_length;
    }
    stream.feed(piece);
    take_events();
}

void Client::State::take_events() {
    while (flight.ending == Ending::ongoing) {
        auto event = stream.next();
        if (!event) break;
        take(std::move(*event));
    }
    if (flight.ending == Ending::ongoing && stream.failed()) {
        const bool too_long = stream.error().field == "handshake.length";
        end(too_long ? Ending::limit : Ending::undecodable, to_string(stream.error()));
    }
}

void Client::State::take(wire::StreamEvent event) {
    switch (event.kind) {
        case wire::StreamEvent::Kind::alert:
            ++messages_seen;
            if (event.alert.level == wire::AlertLevel::fatal ||
                event.alert.description == wire::AlertDescription::close_notify) {
                end(Ending::alert);
            }
            break;
        case wire::StreamEvent::Kind::handshake: {
            ++messages_seen;
            if (event.message.type == wire::HandshakeType::server_hello) {
                if (const auto server_hello = wire::decode_server_hello(event.message.body)) {
                    const wire::ProtocolVersion version = wire::selected_version(*server_hello);
                    chosen_version = server_hello->server_version;
                    // Drafts of TLS 1.3 have numbers of their own, 0x7f00 and up.
                    tls_1_3 = version >= wire::ProtocolVersion::tls_1_3;
                    if (tls_1_3) {
                        end(Ending::server_hello_done,
                            wire::is_hello_retry_request(*server_hello)
                                ? "TLS 1.3: the server asks for another ClientHello"
                                : "TLS 1.3: what follows the ServerHello is encrypted");
                    }
                }
            }
            const bool over = event.message.type == wire::HandshakeType::server_hello_done;
            messages.push_back(std::move(event.message));
            if (over) end(Ending::server_hello_done);
            break;
        }
        case wire::StreamEvent::Kind::change_cipher_spec:
            end(Ending::undecodable, "ChangeCipherSpec before ServerHelloDone");
            break;
        case wire::StreamEvent::Kind::other:
            end(Ending::undecodable, fmt::format("a record of the type {} before ServerHelloDone",
                                                 wire::name_of(event.record.type)));
            break;
    }
    if (flight.ending == Ending::ongoing && messages_seen >= limits.max_messages) {
        end(Ending::limit, fmt::format("{} messages before ServerHelloDone", messages_seen));
    }
}

void Client::State::play(ByteView bytes) {
    played_bytes += bytes.size();
    engine->receive(bytes);
    append(output, engine->take_output());
    if (engine->outcome().kind != Kind::none) {
        flight.continuation = engine->outcome();
    } else if (played_bytes > limits.max_flight_bytes) {
        flight.continuation = {
            Kind::failed, std::nullopt,
            fmt::format("more than {} octets after ServerHelloDone", limits.max_flight_bytes)};
    }
    if (flight.continuation.kind != Kind::none) finish();
}

Client::Client(Bytes hello, ClientLimits limits)
    : state_(std::make_unique<State>(std::move(hello), limits)) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

Bytes Client::take_output() {
    return std::exchange(state_->output, {});
}

void Client::receive(ByteView bytes) {
    State& state = *state_;
    while (!state.done && !flight_over() && !bytes.empty())
        state.collect(bytes);
    if (state.done || bytes.empty()) return;
    if (state.engine) return state.play(bytes);
    const std::size_t room = state.limits.max_flight_bytes - state.later.size();
    append(state.later, bytes.first(std::min(room, bytes.size())));
}

void Client::transport_ended(wire::Ending how, std::string detail) {
    State& state = *state_;
    if (state.done) return;
    if (!flight_over()) return state.end(how, std::move(detail));
    if (state.engine) {
        state.flight.continuation = {how == Ending::timeout ? Kind::timeout : Kind::closed,
                                     std::nullopt, std::move(detail)};
    }
    state.finish();
}

const wire::Flight& Client::flight() const {
    return state_->flight;
}
std::size_t Client::messages_seen() const {
    return state_->messages_seen;
}
bool Client::done() const {
    return state_->done;
}

void Client::refuse(std::optional<wire::Alert> alert) {
    State& state = *state_;
    if (state.done) return;
    if (alert) {
        append(state.output,
               wire::encode(wire::Record{wire::ContentType::alert,
                                         state.chosen_version.value_or(state.hello.record_version),
                                         wire::encode(*alert), 0}));
    }
    state.finish();
}

void Client::proceed() {
    State& state = *state_;
    if (state.done || state.engine || state.flight.ending != Ending::server_hello_done) return;
    if (state.tls_1_3) {
        state.flight.continuation = {Kind::unplayable, std::nullopt, "mbed TLS lacks TLS 1.3"};
        return state.finish();
    }
    state.engine = std::make_unique<Engine>(state.hello.sent, state.messages);
    const Bytes later = std::exchange(state.later, {});
    state.play(later);
}

}  // namespace handset::session
