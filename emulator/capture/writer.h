// What went over TCP connections as a capture for Wireshark (pcapng, draft-ietf-opsawg-pcapng, link
// type LINKTYPE_RAW). Addresses, ports, times and the octets of the streams are as they were; the
// packets are not: handshake, sequence numbers, segments and acknowledgements are made up around
// what the sockets took and gave, as raw sockets are not permitted to everyone. The capture says so
// in the description of its interface.
// Deliberately not done here: recording, and limits; a capture takes a few times its octets of
// memory while it is made.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "handshake/base/bytes.h"

namespace handset::capture {

// From 1970 on, UTC.
using Instant = std::chrono::sys_time<std::chrono::microseconds>;

struct Endpoint {
    // IPv4 or IPv6 literal. A zone ("fe80::1%eth0") is left out; "::ffff:192.0.2.1" is written as
    // the IPv4 that such a connection runs over.
    std::string address;
    std::uint16_t port = 0;
};

enum class Side { client, server };

// As handed to or taken from the socket, of any size.
struct Chunk {
    Instant at;
    Side from = Side::client;
    Bytes octets;
};

enum class End { closed, reset };  // FIN, RST

struct Ended {
    Instant at;
    Side by = Side::client;
    End how = End::closed;
};

// A connection that came about; all else may be missing. Times that go back are moved up to the one
// before.
struct Conversation {
    Endpoint client;
    Endpoint server;
    Instant opened;
    std::vector<Chunk> chunks;  // in the order in which they went
    // None: still open at the end of the recording. A side's FIN goes behind its last chunk, and a
    // RST behind all chunks, whatever their times say; nothing follows a RST.
    std::vector<Ended> ended;
};

// Packets of all conversations by their times; where times are equal, in the order given.
// `comment` (UTF-8, empty for none) is for whoever opens the file. Throws std::invalid_argument for
// an address that is none, for two of different families, and for a time before 1970;
// std::length_error for a comment of more than 65,535 octets.
Bytes encode_capture(std::span<const Conversation> conversations, std::string_view comment);

// The same into a file, which is replaced. Throws std::runtime_error (one line, file named) when it
// cannot be written; what there is of it then may be cut short.
void write_capture(const std::filesystem::path& file, std::span<const Conversation> conversations,
                   std::string_view comment);

}  // namespace handset::capture
