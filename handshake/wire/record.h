// TLS records and the handshake messages inside them (RFC 5246 6.2.1, 7.4; SSLv2 server records are
// recognised, not decoded). Offsets are those of the octet stream the records were cut from.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "handshake/base/bytes.h"
#include "handshake/base/error.h"
#include "handshake/wire/registry.h"

namespace handset::wire {

struct Record {
    ContentType type{};
    ProtocolVersion version{};
    Bytes fragment;
    std::size_t offset = 0;  // of the record header in the stream
    friend bool operator==(const Record&, const Record&) = default;
};

inline constexpr std::size_t record_header_length = 5;
// 2^14 + 2048: the most that TLSCiphertext.length may say (RFC 5246 6.2.3).
inline constexpr std::size_t max_record_length = 16384 + 2048;

Bytes encode(const Record& record);
// Exactly one record: octets behind it are a fault. Any content type and version is kept.
Result<Record> decode_record(ByteView bytes);

// What a stream that does not begin like TLS looks like: "plain HTTP", "an SMTP or FTP greeting",
// "an SSLv2 ERROR message"... Empty when nothing known fits. The first five octets decide where
// they can, so that the answer for a growing stream does not change.
std::string guess_protocol(ByteView bytes);

// Cuts a growing stream into records and joins handshake messages over them.
struct HandshakeMessage {
    HandshakeType type{};
    Bytes body;                 // without the four-octet header
    std::size_t offset = 0;     // stream offset of the record header in which the message begins
    std::size_t records = 1;    // how many records the message is spread over
    bool starts_record = true;  // false: an earlier message shares its first record
    friend bool operator==(const HandshakeMessage&, const HandshakeMessage&) = default;
};
Bytes encode(const HandshakeMessage& message);  // header and body, no record

struct StreamLimits {
    std::size_t max_record_length = wire::max_record_length;
    std::size_t max_message_length = 0xffffff;
    std::size_t max_records = 100000;
};

struct Alert {
    AlertLevel level{};
    AlertDescription description{};
    friend bool operator==(const Alert&, const Alert&) = default;
};
Bytes encode(const Alert& alert);
Result<Alert> decode_alert(ByteView fragment);

// One thing the peer said, in order.
struct StreamEvent {
    enum class Kind { handshake, alert, change_cipher_spec, other } kind{};
    HandshakeMessage message;  // handshake
    Alert alert;               // alert
    Record record;  // change_cipher_spec, other; after change_cipher_spec everything is `other`
    ProtocolVersion record_version{};
    std::size_t offset = 0;  // stream offset of the record the event begins in
    friend bool operator==(const StreamEvent&, const StreamEvent&) = default;
};

// Feed octets as they come; take events as they complete, in the order of the stream. After
// change_cipher_spec records are encrypted and come out as `other`. A fault keeps the events before
// it; what is fed after it is ignored.
class RecordStream {
public:
    explicit RecordStream(StreamLimits limits = {});
    // The octets of complete and incomplete records; a fault sticks.
    void feed(ByteView bytes);
    // The next complete event, or nullopt: nothing complete yet, or failed().
    std::optional<StreamEvent> next();
    bool failed() const { return error_.has_value(); }
    const DecodeError& error() const { return *error_; }
    // Octets fed that belong to no complete event (a record or message cut short; the headers of
    // the records that a message is spread over are not counted).
    std::size_t pending() const;
    // The handshake message that has begun and not ended, with the length its header announces.
    // nullopt when there is none, or fewer than four octets of it.
    struct Unfinished {
        HandshakeType type{};
        std::size_t length = 0;
        std::size_t offset = 0;  // stream offset of the record it begins in
    };
    std::optional<Unfinished> unfinished() const;

private:
    void fail(std::string_view field, std::string reason, std::size_t offset);
    void cut_records();
    bool check_header(ByteView header, std::size_t offset);
    void take_record(Record record);
    void take_handshake(const Record& record);
    void take_alerts(const Record& record);
    StreamLimits limits_;
    Bytes buffer_;                   // octets of an incomplete record
    std::size_t buffer_offset_ = 0;  // stream offset of buffer_.front()
    std::size_t record_count_ = 0;
    Bytes message_;  // octets of an incomplete handshake message
    std::size_t message_offset_ = 0;
    std::size_t message_records_ = 0;
    bool message_starts_record_ = true;
    ProtocolVersion message_version_{};
    bool encrypted_ = false;
    std::vector<StreamEvent> ready_;
    std::size_t ready_position_ = 0;
    std::optional<DecodeError> error_;
};

}  // namespace handset::wire
