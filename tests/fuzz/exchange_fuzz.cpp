// What a hostile client says to the lab, in arbitrary pieces, under several scripts. The first
// octet chooses the script, the second how the rest is used: as the client's octets from the start,
// or as changes to what a client of ours says that plays the whole handshake. Properties: nothing
// is thrown, everything is bounded, a request needs a Finished, the log's line can be read back,
// and what is seen does not depend on how the octets were cut into pieces.
#include <cstdlib>

#include "emulator/lab/exchange.h"
#include "handshake/session/client.h"
#include "handshake/wire/client_hello.h"

using namespace handset;

namespace {

void demand(bool truth) {
    if (!truth) std::abort();
}

template <typename Change>
lab::Shown variant(std::string id, Change change) {
    const std::filesystem::path keys = std::filesystem::path(HANDSET_SOURCE_DIR) / "cases/keys";
    lab::Shown shown;
    shown.id = std::move(id);
    shown.host = "mail.example.test";
    forge::Recipes recipes = forge::correct_recipes();
    recipes.at("leaf").key = "rsa1024";  // the fastest
    for (const char* name : {"leaf", "intermediate"})
        shown.chain.push_back(forge::make_certificate(recipes, name, keys));
    shown.key = keys / (recipes.at("leaf").key + ".pem");
    change(shown.server);
    return shown;
}

const std::vector<lab::Shown>& scripts() {
    using Kind = wire::Continuation::Kind;
    const auto after_finished = [](Kind kind) {
        return [kind](forge::Server& server) {
            server.continuation = {kind, std::nullopt, ""};
            if (kind == Kind::alert) {
                server.continuation.alert = {wire::AlertLevel::fatal,
                                             wire::AlertDescription::decrypt_error};
            }
        };
    };
    static const std::vector<lab::Shown> all = [&] {
        std::vector<lab::Shown> made;
        made.push_back(variant("correct", [](forge::Server&) {}));
        made.push_back(variant("rsa", [](forge::Server& server) {
            server.cipher_suite = wire::cipher_suite_from_name("TLS_RSA_WITH_AES_128_CBC_SHA");
        }));
        made.push_back(variant("dhe", [](forge::Server& server) { server.dh_bits = 512; }));
        made.push_back(variant("curve", [](forge::Server& server) {
            server.group = wire::named_group_from_name("x25519");
        }));
        made.push_back(variant("request", [](forge::Server& server) {
            using enum wire::HandshakeType;
            server.messages = {{server_hello, {}},
                               {certificate, {}},
                               {certificate_request, {}},
                               {server_hello_done, {}}};
            server.split = 100;
        }));
        made.push_back(variant("pieces", [](forge::Server& server) { server.piece = 50; }));
        made.push_back(variant("alert", [](forge::Server& server) {
            server.alert = wire::AlertDescription::handshake_failure;
        }));
        made.push_back(variant("raw", [](forge::Server& server) {
            server.raw = to_bytes(view_of("HTTP/1.1 400 Bad Request\r\n"));
        }));
        made.push_back(
            variant("reset", [](forge::Server& server) { server.ending = wire::Ending::reset; }));
        for (const Kind kind : {Kind::alert, Kind::closed, Kind::timeout, Kind::failed})
            made.push_back(variant("continuation", after_finished(kind)));
        return made;
    }();
    return all;
}

constexpr std::size_t max_input = 60'000;
constexpr std::size_t whole = max_input;

struct Talk {
    lab::Exchange exchange;
    std::size_t fed = 0;
    Bytes said{};

    explicit Talk(const lab::Shown& shown)
        : exchange([&shown](const std::string&) { return &shown; }) {}

    void feed(ByteView octets, std::size_t piece) {
        for (std::size_t at = 0; at < octets.size(); at += piece) {
            const ByteView part = octets.subspan(at, std::min(piece, octets.size() - at));
            exchange.receive(part);
            fed += part.size();
        }
        while (const auto output = exchange.next_output())
            append(said, output->octets);
    }
    const lab::Observation& end() {
        exchange.ended(lab::End::closed);
        const lab::Observation& seen = exchange.observation();
        demand(!exchange.next_output());
        demand(seen.octets_received == fed);
        demand(seen.alerts.size() <= lab::ExchangeLimits{}.max_alerts);
        demand(said.size() <= seen.flight.bytes.size() + 1024);
        demand(seen.reached >= lab::Reached::hello || seen.case_id.empty());
        demand(seen.reached < lab::Reached::client_key_exchange || seen.flight_sent_whole);
        lab::Entry entry;
        entry.observation = seen;
        const std::string line = lab::to_json(entry);
        demand(line.find('\n') == std::string::npos);
        demand(lab::to_json(lab::from_json(line)) == line);
        return seen;
    }
};

void speak(const lab::Shown& shown, ByteView octets) {
    Talk together(shown);
    together.feed(octets, whole);
    Talk apart(shown);
    apart.feed(octets, 1 + octets.size() / 50);
    const lab::Observation& a = together.end();
    const lab::Observation& b = apart.end();
    // Nobody in this direction knows the server's keys.
    demand(a.reached < lab::Reached::finished);
    demand(a.reached == b.reached && a.end == b.end && a.alerts == b.alerts && a.sni == b.sni &&
           a.flight.client_hello == b.flight.client_hello);
}

const Bytes& hello() {
    static const Bytes octets = forge::client_hello("mail.example.test");
    return octets;
}

// Each change is four octets: the place, and what is done there.
Bytes changed(Bytes octets, ByteView& changes) {
    const std::size_t count = changes.empty() ? 0 : changes.front() % 4;
    if (!changes.empty()) changes = changes.subspan(1);
    for (std::size_t i = 0; i < count && changes.size() >= 4 && !octets.empty(); ++i) {
        const std::size_t at = (std::size_t{changes[0]} << 8 | changes[1]) % octets.size();
        const auto place = octets.begin() + static_cast<std::ptrdiff_t>(at);
        switch (changes[2] % 4) {
            case 0:
                *place = static_cast<std::uint8_t>(*place ^ changes[3]);
                break;
            case 1:
                octets.insert(place, changes[3], 0x15);
                break;
            case 2:
                octets.resize(at);
                break;
            default: {
                const Bytes again(place, octets.end());
                append(octets, again);
            }
        }
        changes = changes.subspan(4);
    }
    return octets;
}

void play(const lab::Shown& shown, std::size_t piece, ByteView changes) {
    session::Client client(hello());
    Talk talk(shown);
    bool proceeded = false;
    bool untouched = true;
    for (int turn = 0; turn < 4; ++turn) {
        const Bytes own = client.take_output();
        const Bytes octets = changed(own, changes);
        untouched = untouched && octets == own;
        talk.feed(octets, piece);
        client.receive(std::exchange(talk.said, {}));
        if (client.flight_over() && !proceeded) {
            proceeded = true;
            client.proceed();
        }
    }
    talk.feed(changes, piece);
    const lab::Observation& seen = talk.end();
    demand(seen.reached < lab::Reached::request);  // a client of ours asks for nothing
    if (untouched && seen.can_finish && proceeded && !shown.server.ending) {
        demand(seen.reached == lab::Reached::finished);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2 || size > max_input) return 0;
    const lab::Shown& shown = scripts()[data[0] % scripts().size()];
    const ByteView rest = ByteView(data, size).subspan(2);
    if (data[1] < 0x80) {
        speak(shown, rest);
    } else {
        play(shown, data[1] == 0x80 ? whole : data[1] & 0x7fU, rest);
    }
    return 0;
}
