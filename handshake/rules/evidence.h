// Everything read out of a flight, with the strict reader's findings. Reading never refuses what a
// device might accept: what cannot be decoded at all is kept as a DecodeError beside its octets and
// becomes a finding like any other.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "handshake/rules/finding.h"
#include "handshake/wire/client_hello.h"
#include "handshake/wire/flight.h"
#include "handshake/wire/server_messages.h"
#include "handshake/wire/v2_client_hello.h"
#include "handshake/x509/certificate.h"

namespace handset::rules {

// What a certificate is to the others of the list, by names alone.
struct ChainRole {
    bool on_path = false;    // the leaf, or an issuer that is reachable from it
    bool duplicate = false;  // the same octets came before
    // Its key verifies a signature: it issued another one of the list, or says that it is a CA. Of
    // the server's own certificate the word alone does not count, for it stands where no signature
    // is verified with it.
    bool certifying = false;
};

// One certificate of the server's list, readable or not.
struct ChainEntry {
    Bytes der;
    std::shared_ptr<const x509::Certificate> certificate;  // may be nullptr
    std::optional<DecodeError> error;                      // set exactly when `certificate` is not
    std::size_t stream_offset = 0;  // where it begins in the server's octets; 0 for files
    ChainRole role = {};
};

// One handshake message of the flight, for limits on sizes and records.
struct MessageSeen {
    wire::HandshakeType type{};
    std::size_t offset = 0;  // stream offset of its first record
    std::size_t length = 0;  // of the body
    std::size_t records = 1;
    bool starts_record = true;
    wire::ProtocolVersion record_version{};
    // Stream offset of the body, exact when header and body begin in the same record.
    std::size_t body_offset = 0;
};

// What the client had offered; decoded from Flight::client_hello.
struct Offer {
    wire::ProtocolVersion version{};
    std::vector<wire::CipherSuite> cipher_suites;
    std::vector<wire::CompressionMethod> compression_methods;
    std::optional<wire::Extensions> extensions;
    Bytes session_id;
    bool sslv2_framing = false;
};

struct Evidence {
    wire::Flight::Origin origin = wire::Flight::Origin::files;
    wire::Ending ending = wire::Ending::ongoing;
    std::string ending_detail;
    wire::Continuation continuation;

    std::optional<Offer> offer;
    std::optional<wire::ServerHello> server_hello;
    std::size_t server_hello_offset = 0;    // stream offset of its record
    bool certificate_message_seen = false;  // files count as seen
    std::vector<ChainEntry> chain;          // as sent, the first max_chain_length of them
    std::size_t certificates_sent = 0;      // how many the message holds
    std::optional<wire::ServerKeyExchange> server_key_exchange;
    std::optional<wire::CertificateRequest> certificate_request;
    std::vector<MessageSeen> messages;
    // One that had begun when the octets ended; its length is the announced one.
    std::optional<wire::RecordStream::Unfinished> unfinished_message;
    std::size_t longest_record = 0;  // octets of the longest record's fragment
    std::size_t longest_record_offset = 0;
    // Stream offset of the first record of messages, alerts or ChangeCipherSpec without contents.
    std::optional<std::size_t> empty_record;
    std::vector<wire::Alert> alerts;         // of the server, in order
    std::optional<wire::Alert> fatal_alert;  // the one that ended the flight
    // A handshake message that could not be decoded; nothing after it was read.
    std::optional<DecodeError> message_error;
    std::optional<wire::HandshakeType> message_error_type;

    std::vector<Finding> findings;  // by rule table, then by place
};

// No chain is as long; a message of many tiny "certificates" would cost many times its size.
inline constexpr std::size_t max_chain_length = 200;

// Pure; bounded by the flight's size. Runs every rule of the catalog that needs no device.
Evidence read(const wire::Flight& flight);

}  // namespace handset::rules
