// What a server says, by a script: a correct flight, and any fault in it. Deterministic but for
// what the caller draws by lot. Deliberately not done here: answering a client that is really there
// (emulator/lab).
#pragma once

#include "emulator/forge/forge.h"
#include "handshake/wire/flight.h"
#include "handshake/wire/server_messages.h"

namespace handset::forge {

// What a client offers besides the usual.
struct Offered {
    std::vector<wire::Extension> extensions;   // in place of the usual one of the type, or behind
    std::vector<wire::ExtensionType> without;  // the usual ones that it does not send
    friend bool operator==(const Offered&, const Offered&) = default;
};
// A hello like that of a strict TLS 1.2 client: RSA, DHE and ECDHE suites, null compression, SNI,
// the groups and signature algorithms of everybody.
Bytes client_hello(const std::string& host, const Offered& offered = {});

struct ScriptedMessage {
    wire::HandshakeType type{};
    std::optional<Bytes> body;  // in place of the usual one
    friend bool operator==(const ScriptedMessage&, const ScriptedMessage&) = default;
};

struct Server {
    std::optional<wire::ProtocolVersion> version;         // else TLS 1.2
    std::optional<wire::ProtocolVersion> record_version;  // of all records; else `version`
    std::optional<wire::CipherSuite> cipher_suite;        // else one that fits the key exchange
    wire::CompressionMethod compression = wire::CompressionMethod::null;
    Bytes session_id;
    Offered offered;                                    // by the client
    std::optional<Bytes> renegotiation_info{Bytes{0}};  // nullopt: not answered
    std::vector<wire::Extension> extensions;            // behind renegotiation_info
    std::size_t dh_bits = 0;                            // DHE with a group of that length
    Bytes dh_p;                                         // DHE with this prime
    Bytes dh_g{2};
    std::optional<Bytes> dh_ys;             // else one of the length of dh_p
    std::optional<wire::NamedGroup> group;  // ECDHE on this curve
    std::optional<Bytes> point;             // of ECDHE; else an uncompressed one of its length
    std::optional<wire::SignatureScheme> signature_scheme;  // TLS 1.2; else one with SHA-256
    Bytes certificate_types{1};                             // of CertificateRequest
    std::size_t authorities = 0;                            // how many CAs it names
    // In place of server_hello, certificate, server_key_exchange (where the suite has one),
    // server_hello_done; an alert alone leaves all of them out.
    std::optional<std::vector<ScriptedMessage>> messages;
    bool together = false;      // all messages in one record, as Schannel writes them
    std::size_t split = 0;      // octets of a record's fragment at most; 0: a record per message
    bool empty_record = false;  // a record without contents behind the first one of handshake
    std::optional<wire::AlertDescription> warning;  // in front of everything
    std::optional<wire::AlertDescription> alert;    // fatal, behind everything
    std::optional<wire::Ending> ending;             // else what the octets say
    std::string ending_detail;
    wire::Continuation continuation;
    std::optional<Bytes> raw;  // in place of all octets
    std::size_t piece = 0;     // octets that go out at once; 0: all
    std::size_t pause_ms = 0;  // in front of each piece
    friend bool operator==(const Server&, const Server&) = default;
};

// 32 octets each, as both sides compute with them.
struct Randoms {
    Bytes client;
    Bytes server;
};
// The octets of the script. `key` signs ServerKeyExchange. Throws ForgeError.
Bytes write_flight(const Server& server, const std::vector<Bytes>& chain,
                   const crypto::PrivateKey& key, const Randoms& randoms);

// What goes into a test's evidence: the script played to client_hello().
wire::Flight make_flight(const Server& server, const std::vector<Bytes>& chain,
                         const std::filesystem::path& key_file);
// Certificate files in this order.
wire::Flight make_files(const std::vector<Bytes>& chain);

}  // namespace handset::forge
