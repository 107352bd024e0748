// Botan: the default verification of its Callbacks (path and host name), and the default policy but
// for one statement.
#include <botan/auto_rng.h>
#include <botan/certstor.h>
#include <botan/data_src.h>
#include <botan/pkix_types.h>
#include <botan/tls_client.h>
#include <botan/version.h>

#include <fstream>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/fidelity/drivers/lines.h"

namespace {

class Socket {
public:
    explicit Socket(int port) : descriptor_(connect_to_port(port)) {
        if (descriptor_ < 0) throw std::runtime_error(std::string("connect: ") + strerror(errno));
    }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    ~Socket() { close(descriptor_); }

    int descriptor() const { return descriptor_; }

    void send_all(const std::uint8_t* data, std::size_t size) {
        while (size > 0) {
            const auto sent = ::send(descriptor_, data, size, MSG_NOSIGNAL);
            if (sent <= 0) throw std::runtime_error(std::string("send: ") + strerror(errno));
            data += sent;
            size -= static_cast<std::size_t>(sent);
        }
    }

    // Octets received; 0 at the end of the stream.
    std::size_t receive(std::vector<std::uint8_t>& to) {
        const auto got = ::recv(descriptor_, to.data(), to.size(), 0);
        if (got < 0) throw std::runtime_error(std::string("receive: ") + strerror(errno));
        return static_cast<std::size_t>(got);
    }

private:
    int descriptor_;
};

// By default a certificate is refused when there is neither a CRL nor an OCSP response about it. A
// client of servers that have no such thing, as here, has to say so.
class Policy : public Botan::TLS::Policy {
public:
    bool require_cert_revocation_info() const override { return false; }
};

class Callbacks : public Botan::TLS::Callbacks {
public:
    explicit Callbacks(Socket& socket) : socket_(socket) {}

    void tls_emit_data(const std::uint8_t data[], std::size_t size) override {
        socket_.send_all(data, size);
    }
    void tls_record_received(std::uint64_t, const std::uint8_t[], std::size_t size) override {
        received_bytes += size;
    }
    void tls_alert(Botan::TLS::Alert alert) override { last_alert = alert.type_string(); }
    bool tls_session_established(const Botan::TLS::Session&) override { return false; }

    std::size_t received_bytes = 0;
    std::string last_alert = "none";

private:
    Socket& socket_;
};

class Credentials : public Botan::Credentials_Manager {
public:
    explicit Credentials(Botan::Certificate_Store& roots) : roots_(roots) {}

    std::vector<Botan::Certificate_Store*> trusted_certificate_authorities(
        const std::string&, const std::string&) override {
        return {&roots_};
    }

private:
    Botan::Certificate_Store& roots_;
};

Botan::Certificate_Store_In_Memory load_roots(const char* path) try {
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const std::string begin = "-----BEGIN CERTIFICATE-----";
    Botan::Certificate_Store_In_Memory roots;
    for (auto at = text.find(begin); at != text.npos; at = text.find(begin, at + 1)) {
        Botan::DataSource_Memory source(text.substr(at));
        roots.add_certificate(Botan::X509_Certificate(source));
    }
    if (roots.all_subjects().empty()) throw std::runtime_error("no certificate in them");
    return roots;
} catch (const std::exception& error) {
    throw std::runtime_error(std::string("roots: ") + error.what());
}

void read_answer(Botan::TLS::Client& client, Socket& socket, const Callbacks& callbacks) try {
    std::vector<std::uint8_t> octets(4096);
    const double until = answer_deadline();
    client.send(std::string(http_request));
    while (!client.is_closed() && callbacks.received_bytes < MAX_ANSWER_BYTES &&
           limit_waiting_until(socket.descriptor(), until)) {
        const std::size_t got = socket.receive(octets);
        if (got == 0) break;
        client.received_data(octets.data(), got);
    }
    client.close();
} catch (const std::exception&) {
    // What becomes of the application data is no longer the question.
}

// Returns when the server was accepted, throws when not.
void run_case(const Case& the_case, Botan::RandomNumberGenerator& random) {
    auto roots = load_roots(the_case.roots);
    Credentials credentials(roots);
    Socket socket(the_case.port);
    Callbacks callbacks(socket);
    Botan::TLS::Session_Manager_Noop sessions;
    const Policy policy;
    const Botan::TLS::Server_Information server(the_case.name,
                                                static_cast<std::uint16_t>(the_case.port));
    Botan::TLS::Client client(callbacks, sessions, credentials, policy, random, server);
    std::vector<std::uint8_t> octets(4096);
    while (!client.is_active()) {
        const std::size_t got = client.is_closed() ? 0 : socket.receive(octets);
        if (got == 0)
            throw std::runtime_error("ended before the handshake was complete; last alert: " +
                                     callbacks.last_alert);
        client.received_data(octets.data(), got);
    }
    read_answer(client, socket, callbacks);
}

}  // namespace

int main(int count, char** arguments) {
    if (count > 1 && std::string(arguments[1]) == "--version") {
        std::cout << Botan::short_version_string() << '\n';
        return 0;
    }
    Botan::AutoSeeded_RNG random;
    static Case the_case;
    while (read_case(&the_case)) {
        try {
            run_case(the_case, random);
            answer_accepted();
        } catch (const std::exception& error) {
            answer_refused("", error.what());
        }
    }
}
