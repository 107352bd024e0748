#include "emulator/flight/live.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <charconv>
#include <future>
#include <stdexcept>
#include <thread>

#include "handshake/session/client.h"

namespace handset::flight {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;
using std::chrono::milliseconds;
using wire::Ending;

// After the last octets of ours: how long the server may take to close, so that what it has not
// read yet is not thrown away with a reset.
constexpr milliseconds linger{1000};
constexpr std::size_t max_line_bytes = 4096;
constexpr std::size_t max_lines = 100;
constexpr std::size_t max_addresses = 16;

std::string seconds_text(milliseconds duration) {
    if (duration.count() % 1000 == 0) return fmt::format("{} s", duration.count() / 1000);
    return fmt::format("{} ms", duration.count());
}

std::string describe_error(const error_code& error) {
    if (error == asio::error::connection_refused) return "connection refused";
    if (error == asio::error::host_unreachable) return "host unreachable";
    if (error == asio::error::network_unreachable) return "network unreachable";
    if (error == asio::error::connection_reset) return "connection reset";
    if (error == asio::error::timed_out) return "connection timed out";
    if (error == asio::error::host_not_found || error == asio::error::no_data) {
        return "no such host";
    }
    if (error == asio::error::host_not_found_try_again) return "the name server does not answer";
    return error.message();
}

struct Resolved {
    std::vector<tcp::endpoint> endpoints;
    std::string trouble;
};

// The system's resolver cannot be interrupted: past the deadline it is left to itself in its
// thread, which owns all it touches.
Resolved resolve(const Target& target, milliseconds deadline) {
    Resolved out;
    error_code error;
    const auto address = asio::ip::make_address(target.host, error);
    if (!error) {
        out.endpoints.emplace_back(address, target.port);
        return out;
    }
    auto answer = std::make_shared<std::promise<Resolved>>();
    auto future = answer->get_future();
    std::thread([answer, host = target.host, port = target.port] {
        Resolved found;
        try {
            asio::io_context context;
            error_code failure;
            const auto results =
                tcp::resolver(context).resolve(host, std::to_string(port), failure);
            if (failure) found.trouble = describe_error(failure);
            for (const auto& result : results) {
                if (found.endpoints.size() < max_addresses) {
                    found.endpoints.push_back(result.endpoint());
                }
            }
        } catch (const std::exception& failure) {
            found.trouble = failure.what();
        }
        answer->set_value(std::move(found));
    }).detach();
    if (future.wait_for(deadline) != std::future_status::ready) {
        out.trouble =
            fmt::format("no answer from the name server within {}", seconds_text(deadline));
        return out;
    }
    out = future.get();
    if (out.endpoints.empty() && out.trouble.empty()) out.trouble = "the name has no address";
    return out;
}

// --- STARTTLS -----------------------------------------------------------------------------------

bool starts_with_folded(std::string_view text, std::string_view prefix) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return text.size() >= prefix.size() &&
           std::equal(prefix.begin(), prefix.end(), text.begin(),
                      [&](char a, char b) { return lower(a) == lower(b); });
}

// The plain-text words before the hello, line by line (RFC 3207, RFC 9051 6.2.1, RFC 2595 4).
class StarttlsDialogue {
public:
    explicit StarttlsDialogue(Starttls kind)
        : kind_(kind), state_(kind == Starttls::none ? State::ready : State::greeting) {}

    bool ready() const { return state_ == State::ready; }
    bool failed() const { return !trouble_.empty(); }
    const std::string& trouble() const { return trouble_; }
    // What the dialogue is waiting for.
    std::string_view awaited() const {
        switch (state_) {
            case State::greeting:
                return "a greeting";
            case State::capabilities:
                return "an answer to EHLO";
            default:
                return kind_ == Starttls::pop3 ? "an answer to STLS" : "an answer to STARTTLS";
        }
    }
    // A line without its end; the answer to it, or empty.
    std::string take(std::string_view line) {
        switch (kind_) {
            case Starttls::smtp:
                return take_smtp(line);
            case Starttls::imap:
                return take_imap(line);
            case Starttls::pop3:
                return take_pop3(line);
            case Starttls::none:
                break;
        }
        return {};
    }

private:
    enum class State { greeting, capabilities, starttls, ready };

    std::string fail(std::string_view what, std::string_view line) {
        trouble_ = fmt::format("{}: {}", what, printable(line));
        return {};
    }
    std::string ask(State next, std::string_view line) {
        state_ = next;
        return std::string(line) + "\r\n";
    }

    std::string take_smtp(std::string_view line) {
        const std::string_view code = line.substr(0, 3);
        const bool last = line.size() < 4 || line[3] != '-';
        switch (state_) {
            case State::greeting:
                if (code != "220") return fail("server does not greet with 220", line);
                return last ? ask(State::capabilities, "EHLO localhost") : std::string{};
            case State::capabilities:
                if (code != "250") return fail("server refuses EHLO", line);
                if (line.size() >= 4 && starts_with_folded(line.substr(4), "STARTTLS")) {
                    offered_ = true;
                }
                if (!last) return {};
                if (!offered_) {
                    trouble_ = "server offers no STARTTLS";
                    return {};
                }
                return ask(State::starttls, "STARTTLS");
            case State::starttls:
                if (code != "220") return fail("server refuses STARTTLS", line);
                if (last) state_ = State::ready;
                return {};
            case State::ready:
                break;
        }
        return {};
    }
    std::string take_imap(std::string_view line) {
        if (state_ == State::greeting) {
            if (!starts_with_folded(line, "* OK")) {
                return fail("server does not greet with OK", line);
            }
            return ask(State::starttls, "a1 STARTTLS");
        }
        if (starts_with_folded(line, "* BYE")) return fail("server says BYE", line);
        if (!starts_with_folded(line, "a1 ")) return {};
        if (!starts_with_folded(line, "a1 OK")) return fail("server offers no STARTTLS", line);
        state_ = State::ready;
        return {};
    }
    std::string take_pop3(std::string_view line) {
        const bool good = starts_with_folded(line, "+OK");
        if (state_ == State::greeting) {
            return good ? ask(State::starttls, "STLS")
                        : fail("server does not greet with +OK", line);
        }
        if (!good) return fail("server offers no STLS", line);
        state_ = State::ready;
        return {};
    }

    Starttls kind_;
    State state_;
    bool offered_ = false;
    std::string trouble_;
};

// --- one attempt --------------------------------------------------------------------------------

// Where to connect, shared by the attempts: the address that last worked is tried first.
struct Addresses {
    std::vector<tcp::endpoint> endpoints;
    std::size_t good = 0;
};

class Connection : public std::enable_shared_from_this<Connection> {
public:
    using Done = std::function<void(Answer)>;

    Connection(asio::io_context& context, Addresses& addresses, Starttls starttls,
               const Deadlines& deadlines, const Attempt& attempt, Done done)
        : addresses_(addresses),
          deadlines_(deadlines),
          decide_(attempt.decide),
          done_(std::move(done)),
          client_(attempt.hello),
          dialogue_(starttls),
          socket_(context),
          step_timer_(context),
          attempt_timer_(context) {}

    void start() {
        attempt_timer_.expires_after(deadlines_.attempt);
        attempt_timer_.async_wait([self = shared_from_this()](const error_code& error) {
            if (!error) self->time_is_up(self->deadlines_.attempt, "the attempt took more than");
        });
        connect(0);
    }

private:
    enum class Phase { connecting, dialogue, handshake, closing, over };

    // Starts the clock of one step; a step that begins later stops it.
    void watch(milliseconds limit) {
        const std::size_t step = ++step_;
        step_timer_.expires_after(limit);
        step_timer_.async_wait([self = shared_from_this(), step, limit](const error_code& error) {
            if (!error && step == self->step_) self->time_is_up(limit, "silence for more than");
        });
    }

    void time_is_up(milliseconds limit, std::string_view what) {
        const std::string limit_text = seconds_text(limit);
        switch (phase_) {
            case Phase::connecting:
                return fail(Reached::no_connection,
                            fmt::format("no connection within {}", limit_text));
            case Phase::dialogue:
                return fail(Reached::no_starttls, fmt::format("{} did not come within {}",
                                                              dialogue_.awaited(), limit_text));
            case Phase::handshake:
                client_.transport_ended(Ending::timeout, fmt::format("{} {}", what, limit_text));
                return succeed();
            case Phase::closing:
                return succeed();
            case Phase::over:
                return;
        }
    }

    // `tried` addresses did not answer.
    void connect(std::size_t tried) {
        if (phase_ == Phase::over) return;
        const std::size_t index = (addresses_.good + tried) % addresses_.endpoints.size();
        error_code ignored;
        socket_.close(ignored);
        const std::size_t step = ++step_;
        const auto next = [self = shared_from_this(), tried](std::string trouble) {
            if (tried + 1 < self->addresses_.endpoints.size()) return self->connect(tried + 1);
            self->fail(Reached::no_connection, std::move(trouble));
        };
        step_timer_.expires_after(deadlines_.connect);
        step_timer_.async_wait([self = shared_from_this(), step, next](const error_code& error) {
            if (error || step != self->step_ || self->phase_ != Phase::connecting) return;
            next(fmt::format("no connection within {}", seconds_text(self->deadlines_.connect)));
        });
        socket_.async_connect(addresses_.endpoints[index], [self = shared_from_this(), step, next,
                                                            index](const error_code& error) {
            if (step != self->step_ || self->phase_ != Phase::connecting) return;
            if (error) return next(describe_error(error));
            self->addresses_.good = index;
            error_code no_matter;
            self->socket_.set_option(tcp::no_delay(true), no_matter);
            self->phase_ = Phase::dialogue;
            self->dialogue_.ready() ? self->begin_handshake() : self->read();
        });
    }

    void begin_handshake() {
        phase_ = Phase::handshake;
        write(client_.take_output());
    }

    void read() {
        if (phase_ == Phase::over) return;
        if (phase_ != Phase::closing) watch(deadlines_.step);
        socket_.async_read_some(
            asio::buffer(buffer_),
            [self = shared_from_this()](const error_code& error, std::size_t length) {
                if (self->phase_ == Phase::over) return;
                if (error) return self->stream_ended(error);
                self->received(ByteView(self->buffer_).first(length));
            });
    }

    void write(Bytes octets) {
        if (phase_ == Phase::over) return;
        wrote_ = !octets.empty();
        if (!wrote_) return written();
        watch(deadlines_.step);
        output_ = std::move(octets);
        // A server that has closed may have said why: an error here is left for reading to explain.
        asio::async_write(socket_, asio::buffer(output_),
                          [self = shared_from_this()](const error_code&, std::size_t) {
                              if (self->phase_ != Phase::over) self->written();
                          });
    }

    void written() {
        if (phase_ == Phase::handshake && client_.done()) return close();
        read();
    }

    void received(ByteView octets) {
        switch (phase_) {
            case Phase::dialogue:
                return received_text(octets);
            case Phase::handshake:
                client_.receive(octets);
                consult();
                return write(client_.take_output());
            case Phase::closing:
                return read();
            default:
                return;
        }
    }

    void received_text(ByteView octets) {
        text_ += to_text(octets);
        std::string answer;
        std::size_t end = 0;
        while ((end = text_.find('\n')) != std::string::npos) {
            std::string line = text_.substr(0, end);
            text_.erase(0, end + 1);
            if (!line.empty() && line.back() == '\r') line.pop_back();
            if (line.size() > max_line_bytes || ++lines_ > max_lines) return talks_too_much();
            answer += dialogue_.take(line);
            if (dialogue_.failed()) return fail(Reached::no_starttls, dialogue_.trouble());
            if (!dialogue_.ready()) continue;
            // Octets in the clear that would pass for the server's first words in TLS.
            if (!text_.empty()) {
                return fail(Reached::no_starttls,
                            "server sends octets behind its answer to STARTTLS, before TLS begins");
            }
            return begin_handshake();
        }
        if (text_.size() > max_line_bytes) return talks_too_much();
        write(to_bytes(view_of(answer)));
    }

    void talks_too_much() {
        fail(Reached::no_starttls,
             fmt::format("server talks without end instead of {}", dialogue_.awaited()));
    }

    // Asks what the device makes of the flight, when there is something new in it.
    void consult() {
        if (client_.done() || proceeded_) return;
        if (client_.messages_seen() == messages_judged_ && !client_.flight_over()) return;
        messages_judged_ = client_.messages_seen();
        const Decision decision = decide_ ? decide_(client_.flight()) : Decision{};
        if (decision.kind == Decision::Kind::refuse) {
            client_.refuse(decision.alert);
        } else if (client_.flight_over()) {
            proceeded_ = true;
            client_.proceed();
        }
    }

    void stream_ended(const error_code& error) {
        const bool closed = error == asio::error::eof;
        switch (phase_) {
            case Phase::dialogue:
                return fail(
                    Reached::no_starttls,
                    fmt::format("{} before {}", closed ? "server closed" : describe_error(error),
                                dialogue_.awaited()));
            case Phase::handshake:
                if (closed) {
                    client_.transport_ended(Ending::closed, "server closed the connection");
                } else {
                    client_.transport_ended(Ending::reset, describe_error(error));
                }
                return succeed();
            default:
                return succeed();
        }
    }

    // Nothing more is to be said. After last words the server gets time to read them; a device that
    // has none just closes.
    void close() {
        error_code error;
        if (wrote_) socket_.shutdown(tcp::socket::shutdown_send, error);
        if (!wrote_ || error) return succeed();
        phase_ = Phase::closing;
        watch(linger);
        read();
    }

    void fail(Reached reached, std::string trouble) {
        Answer answer;
        answer.reached = reached;
        answer.trouble = std::move(trouble);
        end(std::move(answer));
    }
    void succeed() {
        Answer answer;
        answer.reached = Reached::yes;
        answer.flight = client_.flight();
        end(std::move(answer));
    }
    void end(Answer answer) {
        if (phase_ == Phase::over) return;
        phase_ = Phase::over;
        error_code ignored;
        socket_.close(ignored);
        step_timer_.cancel();
        attempt_timer_.cancel();
        done_(std::move(answer));
    }

    Addresses& addresses_;
    const Deadlines& deadlines_;
    const Decide& decide_;
    Done done_;
    session::Client client_;
    StarttlsDialogue dialogue_;
    tcp::socket socket_;
    asio::steady_timer step_timer_;
    asio::steady_timer attempt_timer_;
    Phase phase_ = Phase::connecting;
    std::size_t step_ = 0;
    std::size_t messages_judged_ = 0;
    bool proceeded_ = false;
    std::string text_;  // of the dialogue: a line that has not ended
    std::size_t lines_ = 0;
    Bytes output_;
    bool wrote_ = false;  // the last write had octets
    std::array<std::uint8_t, 16384> buffer_{};
};

// --- all attempts -------------------------------------------------------------------------------

class Prober {
public:
    Prober(const Target& target, const std::vector<Attempt>& attempts, const Deadlines& deadlines,
           std::size_t parallel, const std::function<void(std::size_t)>& progress)
        : target_(target),
          attempts_(attempts),
          deadlines_(deadlines),
          parallel_(std::max<std::size_t>(parallel, 1)),
          progress_(progress),
          answers_(attempts.size()) {}

    std::vector<Answer> run() {
        if (attempts_.empty()) return {};
        Resolved resolved = resolve(target_, deadlines_.resolve);
        if (resolved.endpoints.empty()) {
            for (std::size_t i = 0; i < answers_.size(); ++i) {
                answers_[i].trouble = resolved.trouble;
                if (progress_) progress_(i + 1);
            }
            return std::move(answers_);
        }
        addresses_.endpoints = std::move(resolved.endpoints);
        for (std::size_t i = 0; i < std::min(parallel_, attempts_.size()); ++i)
            start_next();
        context_.run();
        return std::move(answers_);
    }

private:
    void start_next() {
        if (next_ == attempts_.size()) return;
        const std::size_t index = next_++;
        std::make_shared<Connection>(context_, addresses_, target_.starttls, deadlines_,
                                     attempts_[index],
                                     [this, index](Answer answer) {
                                         answers_[index] = std::move(answer);
                                         if (progress_) progress_(++finished_);
                                         asio::post(context_, [this] { start_next(); });
                                     })
            ->start();
    }

    const Target& target_;
    const std::vector<Attempt>& attempts_;
    const Deadlines& deadlines_;
    std::size_t parallel_;
    const std::function<void(std::size_t)>& progress_;
    asio::io_context context_;
    Addresses addresses_;
    std::vector<Answer> answers_;
    std::size_t next_ = 0;
    std::size_t finished_ = 0;
};

std::uint16_t default_port(Starttls starttls) {
    switch (starttls) {
        case Starttls::smtp:
            return 25;
        case Starttls::imap:
            return 143;
        case Starttls::pop3:
            return 110;
        case Starttls::none:
            break;
    }
    return 443;
}

std::uint16_t parse_port(std::string_view text) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size() || value == 0 ||
        value > 65535) {
        throw std::invalid_argument(
            fmt::format("port '{}' is no number from 1 to 65535", printable(text)));
    }
    return static_cast<std::uint16_t>(value);
}

bool is_ipv6(const std::string& text) {
    error_code error;
    asio::ip::make_address_v6(text, error);
    return !error;
}

}  // namespace

Target parse_target(std::string_view text, Starttls starttls) {
    Target target;
    target.starttls = starttls;
    target.port = default_port(starttls);
    const auto wrong = [&](std::string_view why) {
        throw std::invalid_argument(fmt::format("'{}': {}", printable(text), why));
    };
    if (text.empty()) throw std::invalid_argument("no host given; write HOST or HOST:PORT");
    if (text.find("://") != std::string_view::npos) wrong("a URL; write HOST or HOST:PORT");

    if (text.front() == '[') {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos) wrong("no ']' after the IPv6 address");
        target.host = text.substr(1, end - 1);
        if (!is_ipv6(target.host)) wrong("no IPv6 address between the brackets");
        const std::string_view rest = text.substr(end + 1);
        if (!rest.empty() && rest.front() != ':') wrong("write [ADDRESS]:PORT");
        if (!rest.empty()) target.port = parse_port(rest.substr(1));
        return target;
    }
    const std::size_t colon = text.find(':');
    if (colon != std::string_view::npos && colon != text.rfind(':')) {
        target.host = text;
        if (!is_ipv6(target.host)) wrong("neither HOST:PORT nor an IPv6 address");
        return target;
    }
    target.host = text.substr(0, colon);
    if (colon != std::string_view::npos) target.port = parse_port(text.substr(colon + 1));
    if (target.host.empty()) wrong("no host before the ':'");
    for (const char c : target.host) {
        const auto octet = static_cast<unsigned char>(c);
        if (octet <= ' ' || octet == 0x7f ||
            std::string_view("/@?#[]\\\"'<>").find(c) != std::string_view::npos) {
            wrong("no host name; write HOST or HOST:PORT");
        }
    }
    return target;
}

std::string to_string(const Target& target) {
    const bool brackets = target.host.find(':') != std::string::npos;
    return brackets ? fmt::format("[{}]:{}", target.host, target.port)
                    : fmt::format("{}:{}", target.host, target.port);
}

std::vector<Answer> probe(const Target& target, const std::vector<Attempt>& attempts,
                          const Deadlines& deadlines, std::size_t parallel,
                          const std::function<void(std::size_t)>& progress) {
    return Prober(target, attempts, deadlines, parallel, progress).run();
}

}  // namespace handset::flight
