#include "emulator/lab/prediction.h"

#include "handshake/session/client.h"

namespace handset::lab {

wire::Flight flight_of(const Observation& observation, const Shown& shown) {
    session::Client client(observation.flight.client_hello);
    client.receive(observation.flight.bytes);
    if (client.flight().ending == wire::Ending::server_hello_done) client.proceed();
    wire::Flight flight = client.flight();
    // Of the rest of the handshake only this is seen from here: a signature that does not verify.
    if (flight.continuation.kind != wire::Continuation::Kind::failed) flight.continuation = {};
    if (flight.ending == wire::Ending::ongoing) {
        // The script's word for it; a server that says nothing more is silent.
        flight.ending = shown.server.ending.value_or(wire::Ending::timeout);
    }
    // What the server does after the client went on is part of the case.
    if (shown.server.continuation.kind != wire::Continuation::Kind::none) {
        flight.continuation = shown.server.continuation;
    }
    return flight;
}

judge::Question question_of(const Shown& shown, Time at) {
    judge::Question question;
    question.host = shown.host;
    question.at = at;
    std::vector<x509::Certificate> roots;
    for (const Bytes& root : shown.roots) {
        if (auto read = x509::decode_certificate(root)) roots.push_back(std::move(*read));
    }
    question.roots.emplace(std::move(roots));
    return question;
}

std::optional<bool> accepts(const judge::Verdict& verdict) {
    switch (verdict.outcome) {
        case judge::Outcome::connects:
            return true;
        case judge::Outcome::fails:
            return false;
        case judge::Outcome::asks:
        case judge::Outcome::unknown:
            return std::nullopt;
    }
    return std::nullopt;
}

}  // namespace handset::lab
