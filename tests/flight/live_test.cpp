#include "emulator/flight/live.h"

#include <poll.h>
#include <sys/socket.h>

#include <boost/asio.hpp>
#include <catch2/catch.hpp>
#include <mutex>
#include <thread>

#include "handshake/wire/client_hello.h"
#include "handshake/wire/v2_client_hello.h"
#include "tests/support/process.h"

using namespace handset;
using namespace handset::flight;
using namespace std::chrono_literals;
using boost::asio::ip::tcp;
using wire::Ending;
using wire::ProtocolVersion;
using Kind = wire::Continuation::Kind;

namespace {

Bytes hello_record(ProtocolVersion version, std::vector<std::uint16_t> suites) {
    wire::ClientHello hello;
    hello.client_version = version;
    hello.random = Bytes(32, 0x5a);
    for (const std::uint16_t suite : suites)
        hello.cipher_suites.push_back(wire::CipherSuite{suite});
    hello.compression_methods = {wire::CompressionMethod::null};
    using wire::ExtensionType;
    if (suites.front() >= 0xc000) {
        hello.extensions = {
            {ExtensionType::supported_groups, wire::encode_supported_groups({wire::NamedGroup{23}}),
             0},
            {ExtensionType::ec_point_formats, wire::encode_ec_point_formats({0}), 0},
            {ExtensionType::signature_algorithms,
             wire::encode_signature_algorithms(
                 {wire::SignatureScheme{0x0804}, wire::SignatureScheme{0x0403}}),
             0},
            {ExtensionType::status_request, {1, 0, 0, 0, 0}, 0},
            {ExtensionType::extended_master_secret, {}, 0},
            {ExtensionType::session_ticket, {}, 0}};
    }
    return wire::encode_record(hello, ProtocolVersion::tls_1_0);
}
Bytes old_hello() {
    return hello_record(ProtocolVersion::tls_1_0, {0x0035, 0x002f});
}

Deadlines short_deadlines() {
    return {5s, 5s, 5s, 20s};
}

Target local(std::uint16_t port, Starttls starttls = Starttls::none) {
    return {"127.0.0.1", port, starttls};
}

Answer probe_one(const Target& target, Bytes hello, const Deadlines& deadlines = short_deadlines(),
                 Decide decide = {}) {
    return probe(target, {{std::move(hello), std::move(decide)}}, deadlines, 1, {}).at(0);
}

// `openssl s_server` on a port of the kernel's choice.
class OpensslServer {
public:
    explicit OpensslServer(const std::vector<std::string>& key_options,
                           const std::vector<std::string>& server_options)
        : process_(command(key_options, server_options)) {
        const std::string mark = "ACCEPT 127.0.0.1:";
        REQUIRE(process_.read_until(mark));
        const std::size_t at = process_.output().find(mark);
        REQUIRE(process_.read_until("\n"));
        port_ = static_cast<std::uint16_t>(std::stoi(process_.output().substr(at + mark.size())));
    }
    std::uint16_t port() const { return port_; }
    bool prints(std::string_view text) { return process_.read_until(text); }

private:
    std::vector<std::string> command(const std::vector<std::string>& key_options,
                                     const std::vector<std::string>& server_options) {
        const std::string certificate = (folder_ / "c.pem").string();
        const std::string key = (folder_ / "k.pem").string();
        std::vector<std::string> make{"openssl", "req",  "-x509",     "-nodes",  "-subj",
                                      "/CN=t",   "-out", certificate, "-keyout", key};
        make.insert(make.end(), key_options.begin(), key_options.end());
        test::run(make);
        std::vector<std::string> serve{"openssl", "s_server",  "-accept", "127.0.0.1:0",
                                       "-cert",   certificate, "-key",    key};
        serve.insert(serve.end(), server_options.begin(), server_options.end());
        return serve;
    }
    test::TempDir folder_;
    test::Process process_;
    std::uint16_t port_ = 0;
};

// A server of the test's own: one thread for each connection.
class ScriptedServer {
public:
    using Script = std::function<void(tcp::socket&)>;

    explicit ScriptedServer(Script script)
        : acceptor_(context_, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)),
          script_(std::move(script)),
          port_(acceptor_.local_endpoint().port()),
          thread_([this] { accept(); }) {}
    ~ScriptedServer() {
        ::shutdown(acceptor_.native_handle(), SHUT_RDWR);
        thread_.join();
        for (std::thread& connection : connections_)
            connection.join();
    }
    ScriptedServer(const ScriptedServer&) = delete;
    ScriptedServer& operator=(const ScriptedServer&) = delete;
    std::uint16_t port() const { return port_; }

private:
    void accept() {
        while (true) {
            boost::system::error_code error;
            auto socket = std::make_shared<tcp::socket>(context_);
            acceptor_.accept(*socket, error);
            if (error) return;
            connections_.emplace_back([this, socket] {
                try {
                    script_(*socket);
                } catch (const boost::system::system_error&) {
                    // The client has gone; that is what some of them are here for.
                }
            });
        }
    }
    boost::asio::io_context context_;
    tcp::acceptor acceptor_;
    Script script_;
    std::uint16_t port_;
    std::vector<std::thread> connections_;
    std::thread thread_;
};

void send(tcp::socket& socket, std::string_view text) {
    boost::asio::write(socket, boost::asio::buffer(text));
}
void send(tcp::socket& socket, const Bytes& octets) {
    boost::asio::write(socket, boost::asio::buffer(octets));
}
// All that comes until the client closes.
Bytes drain(tcp::socket& socket) {
    Bytes out;
    std::array<std::uint8_t, 4096> buffer{};
    boost::system::error_code error;
    while (true) {
        const std::size_t got = socket.read_some(boost::asio::buffer(buffer), error);
        if (error) return out;
        append(out, ByteView(buffer).first(got));
    }
}
std::string read_line(tcp::socket& socket) {
    std::string line;
    char c = 0;
    while (c != '\n') {
        boost::asio::read(socket, boost::asio::buffer(&c, 1));
        line += c;
    }
    return line;
}

const Bytes& bare_flight() {
    // ServerHello with TLS_RSA_WITH_AES_128_CBC_SHA, Certificate without certificates,
    // ServerHelloDone.
    static const Bytes octets = *from_hex(
        "1603010038"
        "020000260301" +
        std::string(64, '1') +
        "00002f00"
        "0b000003000000"
        "0e0000000000000000");
    return octets;
}

}  // namespace

TEST_CASE("targets are read and written") {
    const auto read = [](std::string_view text, Starttls starttls = Starttls::none) {
        return to_string(parse_target(text, starttls));
    };
    CHECK(read("mail.contoso.com") == "mail.contoso.com:443");
    CHECK(read("mail.contoso.com:8443") == "mail.contoso.com:8443");
    CHECK(read("192.0.2.1:1") == "192.0.2.1:1");
    CHECK(read("::1") == "[::1]:443");
    CHECK(read("[::1]") == "[::1]:443");
    CHECK(read("[2001:db8::1]:993") == "[2001:db8::1]:993");
    CHECK(read("h", Starttls::smtp) == "h:25");
    CHECK(read("h", Starttls::imap) == "h:143");
    CHECK(read("h", Starttls::pop3) == "h:110");
    CHECK(read("h:587", Starttls::smtp) == "h:587");
    for (const char* text :
         {"", ":443", "h:", "h:0", "h:65536", "h:+1", "h:4x", "h:1:2", "[::1", "[::1]443", "[h]:1",
          "[::1]:", "https://h", "h/path", "a b", "h\n", "user@h"}) {
        CAPTURE(text);
        CHECK_THROWS_AS(parse_target(text, Starttls::none), std::invalid_argument);
    }
    try {
        parse_target("\x1b[2J", Starttls::none);
        FAIL("taken for a host");
    } catch (const std::invalid_argument& error) {
        CHECK(std::string(error.what()).find('\x1b') == std::string::npos);
    }
}

TEST_CASE("handshakes with OpenSSL finish") {
    const std::vector<std::string> rsa{"-newkey", "rsa:1024"};
    const std::vector<std::string> ec{"-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"};
    SECTION("TLS 1.0, RSA") {
        OpensslServer server(rsa, {"-tls1", "-cipher", "ALL:@SECLEVEL=0"});
        const Answer answer = probe_one(local(server.port()), old_hello());
        REQUIRE(answer.reached == Reached::yes);
        CHECK(answer.flight.client_hello == old_hello());
        CHECK(answer.flight.ending == Ending::server_hello_done);
        CHECK(answer.flight.continuation == wire::Continuation{Kind::finished, {}, ""});
        CHECK(server.prints("AES256-SHA"));
    }
    SECTION("TLS 1.0, an SSLv2-framed hello") {
        OpensslServer server(rsa, {"-tls1", "-cipher", "ALL:@SECLEVEL=0"});
        for (const std::size_t challenge_length : {16U, 32U}) {
            wire::V2ClientHello v2;
            v2.version = ProtocolVersion::tls_1_0;
            v2.cipher_specs = {0x010080, 0x000035, 0x00002f};
            v2.challenge = Bytes(challenge_length, 0x77);
            const Answer answer = probe_one(local(server.port()), wire::encode(v2));
            REQUIRE(answer.reached == Reached::yes);
            CHECK(answer.flight.ending == Ending::server_hello_done);
            CHECK(answer.flight.continuation.detail == "");
            CHECK(answer.flight.continuation.kind == Kind::finished);
        }
    }
    SECTION("TLS 1.0, DHE") {
        OpensslServer server(rsa, {"-tls1", "-cipher", "ALL:@SECLEVEL=0"});
        const Answer answer =
            probe_one(local(server.port()), hello_record(ProtocolVersion::tls_1_0, {0x0033}));
        CHECK(answer.flight.continuation.kind == Kind::finished);
    }
    SECTION("TLS 1.0, ECDSA") {
        OpensslServer server(ec, {"-tls1", "-cipher", "ALL:@SECLEVEL=0"});
        const Answer answer =
            probe_one(local(server.port()), hello_record(ProtocolVersion::tls_1_0, {0xc00a}));
        CHECK(answer.flight.continuation.kind == Kind::finished);
    }
    SECTION("TLS 1.2, RSA with an RSASSA-PSS signature and a session ticket") {
        OpensslServer server(rsa, {"-tls1_2", "-cipher", "ALL:@SECLEVEL=0"});
        const Answer answer =
            probe_one(local(server.port()), hello_record(ProtocolVersion::tls_1_2, {0xc02f}));
        CHECK(answer.flight.continuation == wire::Continuation{Kind::finished, {}, ""});
    }
    SECTION("TLS 1.2, ECDSA, and a certificate asked for") {
        OpensslServer server(ec, {"-tls1_2", "-verify", "1"});
        const Answer answer =
            probe_one(local(server.port()), hello_record(ProtocolVersion::tls_1_2, {0xc02b}));
        CHECK(answer.flight.continuation == wire::Continuation{Kind::finished, {}, ""});
    }
    SECTION("a server that shares no suite") {
        OpensslServer server(ec, {"-tls1_2"});
        const Answer answer =
            probe_one(local(server.port()), hello_record(ProtocolVersion::tls_1_2, {0x002f}));
        CHECK(answer.flight.ending == Ending::alert);
    }
}

TEST_CASE("a refused server hears the alert") {
    OpensslServer server({"-newkey", "rsa:1024"}, {"-tls1", "-cipher", "ALL:@SECLEVEL=0"});
    std::vector<Ending> seen;
    const Answer answer = probe_one(
        local(server.port()), old_hello(), short_deadlines(), [&](const wire::Flight& so_far) {
            seen.push_back(so_far.ending);
            Decision decision;
            if (so_far.ending == Ending::server_hello_done) {
                decision.kind = Decision::Kind::refuse;
                decision.alert =
                    wire::Alert{wire::AlertLevel::fatal, wire::AlertDescription::unknown_ca};
            }
            return decision;
        });
    CHECK(answer.reached == Reached::yes);
    CHECK(answer.flight.continuation.kind == Kind::none);
    CHECK_FALSE(seen.empty());
    CHECK(server.prints("unknown ca"));
}

TEST_CASE("alerts and silence of a refusing device arrive as they are") {
    for (const bool with_alert : {true, false}) {
        Bytes heard;
        {
            ScriptedServer server([&](tcp::socket& socket) {
                send(socket, bare_flight());
                heard = drain(socket);
            });
            probe_one(local(server.port()), old_hello(), short_deadlines(),
                      [&](const wire::Flight&) {
                          Decision decision{Decision::Kind::refuse, std::nullopt};
                          if (with_alert) {
                              decision.alert = wire::Alert{wire::AlertLevel::fatal,
                                                           wire::AlertDescription::unknown_ca};
                          }
                          return decision;
                      });
        }
        Bytes expected = old_hello();
        if (with_alert) append(expected, *from_hex("15030100020230"));
        CHECK(heard == expected);
    }
}

TEST_CASE("servers that are no TLS servers end the flight with a reason") {
    std::function<void(tcp::socket&)> script;
    Ending expected = Ending::undecodable;
    SECTION("closes at once") {
        script = [](tcp::socket& socket) {
            socket.shutdown(tcp::socket::shutdown_send);
            drain(socket);
        };
        expected = Ending::closed;
    }
    SECTION("closes after the hello") {
        script = [hello = old_hello()](tcp::socket& socket) {
            Bytes buffer(hello.size());
            boost::asio::read(socket, boost::asio::buffer(buffer));
        };
        expected = Ending::closed;
    }
    SECTION("resets") {
        script = [](tcp::socket& socket) {
            char c = 0;
            boost::asio::read(socket, boost::asio::buffer(&c, 1));
            socket.set_option(boost::asio::socket_base::linger(true, 0));
            socket.close();
        };
        expected = Ending::reset;
    }
    SECTION("plain HTTP") {
        script = [](tcp::socket& socket) {
            send(socket, "HTTP/1.0 400 Bad Request\r\n\r\n<html>");
            drain(socket);
        };
    }
    SECTION("garbage") {
        script = [](tcp::socket& socket) {
            send(socket, Bytes(300, 0xee));
            drain(socket);
        };
    }
    SECTION("warnings without end") {
        script = [](tcp::socket& socket) {
            const Bytes warning = *from_hex("15030100020170");
            while (true)
                send(socket, warning);
        };
        expected = Ending::limit;
    }
    SECTION("one message without end") {
        script = [](tcp::socket& socket) {
            // A Certificate of 256 KiB, and on and on.
            send(socket, *from_hex("16030140000b040000"));
            const Bytes filler(16380);
            const Bytes header = *from_hex("1603014000");
            send(socket, filler);
            while (true) {
                send(socket, header);
                send(socket, Bytes(16384, 0x2a));
            }
        };
        expected = Ending::limit;
    }
    SECTION("a certificate message of 16 MiB") {
        script = [](tcp::socket& socket) {
            send(socket, *from_hex("16030140000bffffff"));
            send(socket, Bytes(16380));
            drain(socket);
        };
        expected = Ending::limit;
    }
    ScriptedServer server(script);
    const Answer answer = probe_one(local(server.port()), old_hello());
    CHECK(answer.reached == Reached::yes);
    CHECK(answer.flight.ending == expected);
    CHECK_FALSE(answer.flight.ending_detail.empty());
}

TEST_CASE("deadlines end what servers do not") {
    SECTION("a silent server") {
        ScriptedServer server([](tcp::socket& socket) { drain(socket); });
        const Answer answer = probe_one(local(server.port()), old_hello(), {5s, 5s, 50ms, 20s});
        CHECK(answer.flight.ending == Ending::timeout);
        CHECK(answer.flight.ending_detail == "silence for more than 50 ms");
    }
    SECTION("one octet at a time") {
        ScriptedServer server([](tcp::socket& socket) {
            for (std::size_t i = 0;; ++i) {
                send(socket, Bytes{bare_flight()[i % bare_flight().size()]});
                pollfd gone{socket.native_handle(), POLLRDHUP, 0};
                if (::poll(&gone, 1, 20) > 0) return;
            }
        });
        const Answer answer = probe_one(local(server.port()), old_hello(), {5s, 5s, 5s, 300ms});
        CHECK(answer.flight.ending == Ending::timeout);
        CHECK(answer.flight.ending_detail == "the attempt took more than 300 ms");
        CHECK_FALSE(answer.flight.bytes.empty());
    }
    SECTION("silence after the flight") {
        OpensslServer server({"-newkey", "rsa:1024"}, {"-tls1", "-cipher", "ALL:@SECLEVEL=0"});
        // The server's flight comes from OpenSSL, its silence from a relay that stops there.
        ScriptedServer relay([&](tcp::socket& socket) {
            boost::asio::io_context context;
            tcp::socket behind(context);
            behind.connect({boost::asio::ip::address_v4::loopback(), server.port()});
            Bytes hello(old_hello().size());
            boost::asio::read(socket, boost::asio::buffer(hello));
            send(behind, hello);
            Bytes flight;
            const Bytes done = *from_hex("0e000000");
            while (flight.size() < 4 || !std::equal(done.begin(), done.end(), flight.end() - 4)) {
                Bytes piece(4096);
                piece.resize(behind.read_some(boost::asio::buffer(piece)));
                append(flight, piece);
            }
            send(socket, flight);
            drain(socket);
        });
        const Answer answer = probe_one(local(relay.port()), old_hello(), {5s, 5s, 500ms, 20s});
        CHECK(answer.flight.ending == Ending::server_hello_done);
        CHECK(answer.flight.continuation.kind == Kind::timeout);
    }
}

TEST_CASE("what cannot be reached says why") {
    boost::asio::io_context context;
    tcp::acceptor free_port(context, {boost::asio::ip::address_v4::loopback(), 0});
    const std::uint16_t port = free_port.local_endpoint().port();
    free_port.close();
    const Answer refused = probe_one(local(port), old_hello());
    CHECK(refused.reached == Reached::no_connection);
    CHECK(refused.trouble == "connection refused");

    std::vector<std::size_t> progress;
    const auto nowhere =
        probe({"no..such..host", 443, Starttls::none}, {{old_hello(), {}}, {old_hello(), {}}},
              short_deadlines(), 2, [&](std::size_t done) { progress.push_back(done); });
    REQUIRE(nowhere.size() == 2);
    CHECK(nowhere[1].reached == Reached::no_address);
    CHECK_FALSE(nowhere[1].trouble.empty());
    CHECK(progress == std::vector<std::size_t>{1, 2});

    CHECK(probe(local(port), {}, short_deadlines(), 2, {}).empty());
    CHECK_THROWS_AS(probe_one(local(port), Bytes{1, 2, 3}), std::invalid_argument);
}

TEST_CASE("many attempts come back in their order, not too many at once") {
    std::mutex mutex;
    int now = 0;
    int most = 0;
    ScriptedServer server([&](tcp::socket& socket) {
        {
            const std::lock_guard lock(mutex);
            most = std::max(most, ++now);
        }
        // The last octet of the hello picks the alert.
        Bytes hello(old_hello().size());
        boost::asio::read(socket, boost::asio::buffer(hello));
        {
            const std::lock_guard lock(mutex);
            --now;
        }
        send(socket, *from_hex("150301000202" + to_hex(Bytes{hello[15]})));
        drain(socket);
    });
    std::vector<Attempt> attempts;
    for (std::uint8_t i = 0; i < 30; ++i) {
        Bytes hello = old_hello();
        hello[15] = i;  // in the random
        attempts.push_back({hello, {}});
    }
    std::size_t done = 0;
    const auto answers = probe(local(server.port()), attempts, short_deadlines(), 4,
                               [&](std::size_t count) { CHECK(count == ++done); });
    REQUIRE(answers.size() == 30);
    for (std::size_t i = 0; i < answers.size(); ++i) {
        CHECK(answers[i].flight.bytes.back() == i);
        CHECK(answers[i].flight.ending == Ending::alert);
    }
    CHECK(done == 30);
    CHECK(most <= 4);
}

TEST_CASE("STARTTLS leads to the handshake") {
    std::vector<std::string> heard;
    std::vector<std::string> expected;
    Starttls kind = Starttls::smtp;
    std::function<void(tcp::socket&)> talk;
    SECTION("SMTP") {
        talk = [&](tcp::socket& socket) {
            send(socket, "220-mail.contoso.com\r\n220 ready\r\n");
            heard.push_back(read_line(socket));
            send(socket, "250-mail\r\n250-SIZE 1000\r\n250-starttls\r\n250 HELP\r\n");
            heard.push_back(read_line(socket));
            send(socket, "220 go ahead\r\n");
        };
        expected = {"EHLO localhost\r\n", "STARTTLS\r\n"};
    }
    SECTION("IMAP") {
        kind = Starttls::imap;
        talk = [&](tcp::socket& socket) {
            send(socket, "* OK [CAPABILITY IMAP4rev1] ready\r\n");
            heard.push_back(read_line(socket));
            send(socket, "* CAPABILITY IMAP4rev1\r\na1 ok begin\r\n");
        };
        expected = {"a1 STARTTLS\r\n"};
    }
    SECTION("POP3") {
        kind = Starttls::pop3;
        talk = [&](tcp::socket& socket) {
            send(socket, "+OK ready\n");
            heard.push_back(read_line(socket));
            send(socket, "+OK begin\n");
        };
        expected = {"STLS\r\n"};
    }
    Bytes hello(old_hello().size());
    {
        ScriptedServer server([&](tcp::socket& socket) {
            talk(socket);
            boost::asio::read(socket, boost::asio::buffer(hello));
            send(socket, *from_hex("15030100020228"));
            drain(socket);
        });
        const Answer answer = probe_one(local(server.port(), kind), old_hello());
        CHECK(answer.reached == Reached::yes);
        CHECK(answer.flight.ending == Ending::alert);
        CHECK(to_hex(answer.flight.bytes) == "15030100020228");
    }
    CHECK(hello == old_hello());
    CHECK(heard == expected);
}

TEST_CASE("servers without STARTTLS say so in one line") {
    struct Row {
        Starttls kind;
        std::vector<std::string> lines;
        const char* trouble;
    };
    const std::string endless(100000, 'x');
    const std::vector<Row> rows{
        {Starttls::smtp, {"554 no\r\n"}, "server does not greet with 220: 554 no"},
        {Starttls::smtp, {"220 x\r\n", "250 x\r\n"}, "server offers no STARTTLS"},
        {Starttls::smtp, {"220 x\r\n", "502 \x1b[2J\r\n"}, "server refuses EHLO: 502 \\x1b[2J"},
        {Starttls::smtp,
         {"220 x\r\n", "250-x\r\n250 STARTTLS\r\n", "454 later\r\n"},
         "server refuses STARTTLS: 454 later"},
        {Starttls::imap, {"* BYE full\r\n"}, "server does not greet with OK: * BYE full"},
        {Starttls::imap, {"* OK\r\n", "a1 BAD what\r\n"}, "server offers no STARTTLS: a1 BAD what"},
        {Starttls::pop3, {"+OK\r\n", "-ERR what\r\n"}, "server offers no STLS: -ERR what"},
        {Starttls::pop3, {endless}, "server talks without end instead of a greeting"},
        {Starttls::smtp, {}, "server closed before a greeting"},
    };
    for (const Row& row : rows) {
        ScriptedServer server([&](tcp::socket& socket) {
            for (std::size_t i = 0; i < row.lines.size(); ++i) {
                if (i > 0) read_line(socket);
                send(socket, row.lines[i]);
            }
            socket.shutdown(tcp::socket::shutdown_send);
            drain(socket);
        });
        const Answer answer = probe_one(local(server.port(), row.kind), old_hello());
        CHECK(answer.reached == Reached::no_starttls);
        CHECK(answer.trouble == row.trouble);
    }
    {
        ScriptedServer server([](tcp::socket& socket) {
            while (true)
                send(socket, "220-more\r\n");
        });
        CHECK(probe_one(local(server.port(), Starttls::smtp), old_hello()).trouble ==
              "server talks without end instead of a greeting");
    }
    {
        ScriptedServer server([](tcp::socket& socket) { drain(socket); });
        const Answer answer =
            probe_one(local(server.port(), Starttls::imap), old_hello(), {5s, 5s, 50ms, 20s});
        CHECK(answer.trouble == "a greeting did not come within 50 ms");
    }
}
