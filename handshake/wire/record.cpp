#include "handshake/wire/record.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>

#include "handshake/base/reader.h"
#include "handshake/base/writer.h"

namespace handset::wire {

namespace {

constexpr std::size_t handshake_header_length = 4;

bool is_known(ContentType type) {
    return type >= ContentType::change_cipher_spec && type <= ContentType::heartbeat;
}

std::size_t length_of_record(ByteView header) {
    return static_cast<std::size_t>(header[3]) << 8 | header[4];
}

std::size_t length_of_message(ByteView header) {
    return static_cast<std::size_t>(header[1]) << 16 | static_cast<std::size_t>(header[2]) << 8 |
           header[3];
}

bool begins_with(ByteView bytes, std::string_view text) {
    return bytes.size() >= text.size() && equal(bytes.first(text.size()), view_of(text));
}

// draft-hickman-netscape-ssl-00 1.1: a two-octet header with the top bit set, then the message
// type. (The three-octet header with padding occurs only after encryption has begun.)
std::string guess_sslv2(ByteView bytes) {
    if (bytes.size() < 5 || (bytes[0] & 0x80) == 0) return {};
    const std::size_t length = static_cast<std::size_t>(bytes[0] & 0x7f) << 8 | bytes[1];
    if (bytes[2] == 0 && length == 3) return "an SSLv2 ERROR message";
    if (bytes[2] == 1 && length >= 9 && (bytes[3] == 0 || bytes[3] == 3)) {
        return "an SSLv2 CLIENT-HELLO";
    }
    if (bytes[2] == 4 && length >= 11 && bytes[3] <= 1 && bytes[4] <= 1) {
        return "an SSLv2 SERVER-HELLO";
    }
    return {};
}

}  // namespace

Bytes encode(const Record& record) {
    Writer out;
    out.u8(static_cast<std::uint8_t>(record.type));
    out.u16(static_cast<std::uint16_t>(record.version));
    out.vector16(record.fragment);
    return out.take();
}

Result<Record> decode_record(ByteView bytes) {
    Reader in(bytes, "record");
    Record record;
    record.type = static_cast<ContentType>(in.u8("type"));
    record.version = static_cast<ProtocolVersion>(in.u16("version"));
    const std::size_t length_offset = in.offset();
    record.fragment = to_bytes(in.vector16("fragment").rest());
    if (record.fragment.size() > max_record_length) {
        in.fail_at(
            length_offset, "length",
            fmt::format("record length {} exceeds {}", record.fragment.size(), max_record_length));
    }
    in.expect_end();
    if (in.failed()) return in.error();
    return record;
}

std::string guess_protocol(ByteView bytes) {
    struct Beginning {
        std::string_view text;
        std::string_view name;
    };
    // At most five octets each. A 220 greets in SMTP and in FTP, a 421 or 554 refuses.
    static constexpr auto beginnings = std::to_array<Beginning>({
        {"HTTP/", "plain HTTP"},
        {"GET /", "a plain HTTP request"},
        {"<html", "an HTML page without HTTP"},
        {"<HTML", "an HTML page without HTTP"},
        {"<!DOC", "an HTML page without HTTP"},
        {"<?xml", "XML (XMPP?)"},
        {"220 ", "an SMTP or FTP greeting"},
        {"220-", "an SMTP or FTP greeting"},
        {"421 ", "an SMTP or FTP refusal"},
        {"421-", "an SMTP or FTP refusal"},
        {"554 ", "an SMTP refusal"},
        {"554-", "an SMTP refusal"},
        {"200 ", "an NNTP greeting"},
        {"201 ", "an NNTP greeting"},
        {"* OK", "an IMAP greeting"},
        {"* PRE", "an IMAP greeting"},
        {"* BYE", "an IMAP refusal"},
        {"+OK", "a POP3 greeting"},
        {"-ERR", "a POP3 refusal"},
        {"SSH-", "SSH"},
        {"RFB 0", "VNC"},
        {"@RSYN", "rsync"},
    });
    for (const Beginning& beginning : beginnings) {
        if (begins_with(bytes, beginning.text)) return std::string(beginning.name);
    }
    // TPKT (RFC 1006) around X.224, whose length indicator leaves out itself and the TPKT header.
    if (bytes.size() >= 5 && bytes[0] == 3 && bytes[1] == 0 && bytes[2] == 0 &&
        bytes[3] == bytes[4] + 5) {
        return "RDP";
    }
    return guess_sslv2(bytes);
}

Bytes encode(const HandshakeMessage& message) {
    Writer out;
    out.u8(static_cast<std::uint8_t>(message.type));
    out.vector24(message.body);
    return out.take();
}

Bytes encode(const Alert& alert) {
    return {static_cast<std::uint8_t>(alert.level), static_cast<std::uint8_t>(alert.description)};
}

Result<Alert> decode_alert(ByteView fragment) {
    Reader in(fragment, "Alert");
    Alert alert;
    alert.level = static_cast<AlertLevel>(in.u8("level"));
    alert.description = static_cast<AlertDescription>(in.u8("description"));
    in.expect_end();
    if (in.failed()) return in.error();
    return alert;
}

RecordStream::RecordStream(StreamLimits limits) : limits_(limits) {}

void RecordStream::fail(std::string_view field, std::string reason, std::size_t offset) {
    if (!error_) error_ = DecodeError{std::move(reason), std::string(field), offset};
}

void RecordStream::feed(ByteView bytes) {
    if (failed()) return;
    append(buffer_, bytes);
    cut_records();
}

std::optional<StreamEvent> RecordStream::next() {
    if (ready_position_ == ready_.size()) return std::nullopt;
    StreamEvent event = std::move(ready_[ready_position_++]);
    // Taken events go in bulk, so that each is moved a bounded number of times.
    if (ready_position_ * 2 >= ready_.size()) {
        ready_.erase(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(ready_position_));
        ready_position_ = 0;
    }
    return event;
}

std::size_t RecordStream::pending() const {
    return buffer_.size() + message_.size();
}

std::optional<RecordStream::Unfinished> RecordStream::unfinished() const {
    if (message_.size() < 4) return std::nullopt;
    const std::size_t length =
        std::size_t{message_[1]} << 16 | std::size_t{message_[2]} << 8 | std::size_t{message_[3]};
    return Unfinished{static_cast<HandshakeType>(message_[0]), length, message_offset_};
}

void RecordStream::cut_records() {
    std::size_t position = 0;
    const auto octets_left = [&] { return buffer_.size() - position; };
    while (!failed() && octets_left() >= record_header_length) {
        const ByteView header = ByteView(buffer_).subspan(position, record_header_length);
        const std::size_t offset = buffer_offset_ + position;
        if (!check_header(header, offset)) break;
        const std::size_t length = length_of_record(header);
        if (octets_left() < record_header_length + length) break;
        Record record;
        record.type = static_cast<ContentType>(header[0]);
        record.version = static_cast<ProtocolVersion>(header[1] << 8 | header[2]);
        record.fragment =
            to_bytes(ByteView(buffer_).subspan(position + record_header_length, length));
        record.offset = offset;
        position += record_header_length + length;
        ++record_count_;
        take_record(std::move(record));
    }
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(position));
    buffer_offset_ += position;
}

// A header is judged before its fragment is waited for.
bool RecordStream::check_header(ByteView header, std::size_t offset) {
    if (!is_known(static_cast<ContentType>(header[0]))) {
        std::string reason = fmt::format("unknown content type 0x{:02x}", header[0]);
        if (record_count_ == 0) {
            const std::string guess = guess_protocol(header);
            if (!guess.empty()) reason = fmt::format("not TLS: this looks like {}", guess);
        }
        fail("record.type", std::move(reason), offset);
    } else if (length_of_record(header) > limits_.max_record_length) {
        fail("record.length",
             fmt::format("record length {} exceeds {}", length_of_record(header),
                         limits_.max_record_length),
             offset + 3);
    } else if (record_count_ >= limits_.max_records) {
        fail("record", fmt::format("more than {} records", limits_.max_records), offset);
    }
    return !failed();
}

void RecordStream::take_record(Record record) {
    if (!encrypted_ && record.type == ContentType::handshake) return take_handshake(record);
    if (!message_.empty()) {
        return fail(
            "record.type",
            fmt::format("{} record in the middle of a handshake message", name_of(record.type)),
            record.offset);
    }
    if (!encrypted_ && record.type == ContentType::alert) return take_alerts(record);
    StreamEvent event;
    event.kind = StreamEvent::Kind::other;
    if (!encrypted_ && record.type == ContentType::change_cipher_spec) {
        event.kind = StreamEvent::Kind::change_cipher_spec;
        encrypted_ = true;
    }
    event.record_version = record.version;
    event.offset = record.offset;
    event.record = std::move(record);
    ready_.push_back(std::move(event));
}

// message_ holds at most one incomplete message: whatever completes is taken out at once.
void RecordStream::take_handshake(const Record& record) {
    if (record.fragment.empty()) return;
    const std::size_t carried = message_.size();
    append(message_, record.fragment);
    if (carried > 0) ++message_records_;
    std::size_t position = 0;
    while (position < message_.size()) {
        if (position >= carried) {
            message_offset_ = record.offset;
            message_records_ = 1;
            message_starts_record_ = position == carried;
            message_version_ = record.version;
        }
        const ByteView rest = ByteView(message_).subspan(position);
        if (rest.size() < handshake_header_length) break;
        const std::size_t length = length_of_message(rest);
        if (length > limits_.max_message_length) {
            fail("handshake.length",
                 fmt::format("message length {} exceeds {}", length, limits_.max_message_length),
                 message_offset_);
            break;
        }
        if (rest.size() - handshake_header_length < length) break;
        StreamEvent event;
        event.kind = StreamEvent::Kind::handshake;
        event.message.type = static_cast<HandshakeType>(rest[0]);
        event.message.body = to_bytes(rest.subspan(handshake_header_length, length));
        event.message.offset = message_offset_;
        event.message.records = message_records_;
        event.message.starts_record = message_starts_record_;
        event.record_version = message_version_;
        event.offset = message_offset_;
        ready_.push_back(std::move(event));
        position += handshake_header_length + length;
    }
    message_.erase(message_.begin(), message_.begin() + static_cast<std::ptrdiff_t>(position));
}

// One record may carry several alerts (RFC 5246 6.2.1), never a part of one.
void RecordStream::take_alerts(const Record& record) {
    const ByteView fragment = record.fragment;
    if (fragment.empty() || fragment.size() % 2 != 0) {
        return fail("Alert", fmt::format("{} octets are not a number of alerts", fragment.size()),
                    record.offset);
    }
    for (std::size_t i = 0; i < fragment.size(); i += 2) {
        StreamEvent event;
        event.kind = StreamEvent::Kind::alert;
        event.alert = {static_cast<AlertLevel>(fragment[i]),
                       static_cast<AlertDescription>(fragment[i + 1])};
        event.record_version = record.version;
        event.offset = record.offset;
        ready_.push_back(std::move(event));
    }
}

}  // namespace handset::wire
