// Octets of a server into Client::receive and, once the flight is whole, on into the rest of the
// handshake. Properties: everything ends, within the limits, and the flight does not depend on how
// the octets were cut into pieces.
#include <cstdlib>

#include "handshake/session/client.h"

using namespace handset;

namespace {

void demand(bool truth) {
    if (!truth) std::abort();
}

// TLS 1.2, with suites of every key exchange, extended_master_secret and session_ticket.
const Bytes& hello() {
    static const Bytes octets = *from_hex(
        "16030100650100006103035a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a00"
        "000e002f00050033c013c009c004c02f0100002a000a000600040017001d000b00020100000d000a00080403"
        "0401020108040017000000230000001600 00");
    return octets;
}

constexpr session::ClientLimits limits{1 << 16, 1 << 15, 200};

session::Client run(ByteView bytes, std::size_t piece) {
    session::Client client(hello(), limits);
    demand(client.take_output() == hello());
    bool proceeded = false;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        client.receive(bytes.subspan(at, std::min(piece, bytes.size() - at)));
        if (client.flight_over() && !proceeded) {
            proceeded = true;
            client.proceed();
        }
        demand(client.take_output().size() < (1 << 16));
    }
    client.transport_ended(wire::Ending::closed, "");
    demand(client.done());
    demand(client.flight_over());
    demand(client.flight().bytes.size() <= limits.max_flight_bytes);
    demand(client.messages_seen() <= limits.max_messages);
    if (client.flight().ending != wire::Ending::server_hello_done) {
        demand(client.flight().continuation.kind == wire::Continuation::Kind::none);
    }
    return client;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > (1 << 17)) return 0;
    const ByteView bytes(data, size);
    const session::Client whole = run(bytes, 1 << 17);
    const session::Client pieces = run(bytes, 7);
    demand(whole.flight().ending == pieces.flight().ending);
    demand(whole.flight().bytes == pieces.flight().bytes);
    demand(whole.messages_seen() == pieces.messages_seen());
    return 0;
}
