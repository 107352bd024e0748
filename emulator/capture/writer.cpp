#include "emulator/capture/writer.h"

#include <fmt/format.h>
#include <tins/ip.h>
#include <tins/ipv6.h>
#include <tins/rawpdu.h>
#include <tins/tcp.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <variant>

#include "handshake/base/writer.h"

namespace handset::capture {
namespace {

// --- packets ------------------------------------------------------------------------------------

using Address = std::variant<Tins::IPv4Address, Tins::IPv6Address>;

Address address_of(const Endpoint& endpoint) {
    constexpr std::string_view mapped = "::ffff:";
    std::string text = endpoint.address.substr(0, endpoint.address.find('%'));
    if (text.starts_with(mapped) && text.find('.') != std::string::npos) {
        text.erase(0, mapped.size());
    }
    try {
        if (text.find(':') != std::string::npos) return Tins::IPv6Address(text);
        const Tins::IPv4Address address(text);
        // libtins would send from an address of this machine in place of 0.0.0.0.
        if (address != Tins::IPv4Address()) return address;
    } catch (const Tins::invalid_address&) {
    }
    throw std::invalid_argument(
        fmt::format("'{}' is no address of a host", printable(endpoint.address)));
}

struct Packet {
    Instant at;
    Bytes octets;
};

// Plays both sides of one connection.
class Connection {
public:
    // The n-th connection of the capture.
    Connection(const Conversation& conversation, std::size_t n, std::vector<Packet>& packets)
        : client_{address_of(conversation.client), conversation.client.port,
                  initial_sequence_number(2 * n)},
          server_{address_of(conversation.server), conversation.server.port,
                  initial_sequence_number(2 * n + 1)},
          packets_(packets) {
        if (client_.address.index() != server_.address.index()) {
            throw std::invalid_argument(fmt::format("{} and {}: addresses of different families",
                                                    printable(conversation.client.address),
                                                    printable(conversation.server.address)));
        }
        // An Ethernet's 1500 less the headers (RFC 9293 3.7.1).
        segment_ = std::holds_alternative<Tins::IPv4Address>(client_.address) ? 1460 : 1440;
    }

    void open(Instant at) {
        go_to(at);
        send(Side::client, Tins::TCP::SYN);
        send(Side::server, Tins::TCP::SYN | Tins::TCP::ACK);
        send(Side::client, Tins::TCP::ACK);
    }

    void carry(const Chunk& chunk) {
        go_to(chunk.at);
        ByteView left = chunk.octets;
        for (bool even = false; !left.empty(); even = !even) {
            const ByteView now = left.first(std::min(left.size(), segment_));
            left = left.subspan(now.size());
            send(chunk.from, left.empty() ? Tins::TCP::PSH | Tins::TCP::ACK : Tins::TCP::ACK, now);
            // At least every second segment is acknowledged (RFC 9293 3.8.6.3).
            if (even || left.empty()) send(other(chunk.from), Tins::TCP::ACK);
        }
    }

    void end(const Ended& ended) {
        if (reset_) return;
        go_to(ended.at);
        if (ended.how == End::reset) {
            send(ended.by, Tins::TCP::RST | Tins::TCP::ACK);
            reset_ = true;
        } else if (!std::exchange(party(ended.by).finished, true)) {
            send(ended.by, Tins::TCP::FIN | Tins::TCP::ACK);
            send(other(ended.by), Tins::TCP::ACK);
        }
    }

private:
    struct Party {
        Address address;
        std::uint16_t port;
        std::uint32_t next;  // sequence number; all before it has arrived
        bool finished = false;
    };

    // A number of its own for every n: the factor is odd.
    static std::uint32_t initial_sequence_number(std::size_t n) {
        return static_cast<std::uint32_t>(n + 1) * 0x9e3779b1U;
    }

    static Side other(Side side) { return side == Side::client ? Side::server : Side::client; }
    Party& party(Side side) { return side == Side::client ? client_ : server_; }

    void go_to(Instant at) { now_ = std::max(now_, at); }

    void send(Side from, unsigned flags, ByteView payload = {}) {
        Party& sender = party(from);
        const Party& receiver = party(other(from));
        Tins::TCP tcp(receiver.port, sender.port);
        tcp.flags(static_cast<std::uint16_t>(flags));
        tcp.seq(sender.next);
        if ((flags & Tins::TCP::ACK) != 0) tcp.ack_seq(receiver.next);
        tcp.window(0xffff);
        if ((flags & Tins::TCP::SYN) != 0) tcp.mss(static_cast<std::uint16_t>(segment_));
        if (!payload.empty()) {
            tcp /= Tins::RawPDU(payload.data(), static_cast<std::uint32_t>(payload.size()));
        }
        packets_.push_back({now_, datagram(sender.address, receiver.address, tcp)});

        sender.next += static_cast<std::uint32_t>(payload.size());
        if ((flags & (Tins::TCP::SYN | Tins::TCP::FIN)) != 0) ++sender.next;
    }

    static Bytes datagram(const Address& source, const Address& destination, const Tins::TCP& tcp) {
        constexpr std::uint8_t hops = 64;
        if (const auto* address = std::get_if<Tins::IPv4Address>(&source)) {
            Tins::IP ip(std::get<Tins::IPv4Address>(destination), *address);
            ip.ttl(hops);
            ip.id(0);  // means nothing in what is never fragmented (RFC 6864 4.1)
            ip.flags(Tins::IP::DONT_FRAGMENT);
            return (ip / tcp).serialize();
        }
        Tins::IPv6 ip(std::get<Tins::IPv6Address>(destination),
                      std::get<Tins::IPv6Address>(source));
        ip.hop_limit(hops);
        return (ip / tcp).serialize();
    }

    Party client_;
    Party server_;
    std::vector<Packet>& packets_;
    std::size_t segment_ = 0;
    Instant now_ = Instant::min();
    bool reset_ = false;
};

// How many chunks go before this end.
std::size_t chunks_before(const Ended& ended, const std::vector<Chunk>& chunks) {
    if (ended.how == End::reset) return chunks.size();
    std::size_t count = chunks.size();
    while (count > 0 && chunks[count - 1].at > ended.at && chunks[count - 1].from != ended.by) {
        --count;
    }
    return count;
}

void add_packets(const Conversation& conversation, std::size_t n, std::vector<Packet>& packets) {
    std::vector<std::pair<std::size_t, Ended>> ends;
    for (const Ended& ended : conversation.ended) {
        ends.emplace_back(chunks_before(ended, conversation.chunks), ended);
    }
    std::stable_sort(ends.begin(), ends.end(), [](const auto& a, const auto& b) {
        return std::pair(a.first, a.second.at) < std::pair(b.first, b.second.at);
    });

    Connection connection(conversation, n, packets);
    connection.open(conversation.opened);
    auto end = ends.begin();
    for (std::size_t i = 0; i <= conversation.chunks.size(); ++i) {
        for (; end != ends.end() && end->first == i; ++end) {
            connection.end(end->second);
        }
        if (i < conversation.chunks.size()) connection.carry(conversation.chunks[i]);
    }
}

// --- pcapng -------------------------------------------------------------------------------------
// Big-endian throughout, which the byte-order magic of the section tells its readers.

namespace block {
constexpr std::uint32_t section_header = 0x0a0d0d0a;
constexpr std::uint32_t interface_description = 1;
constexpr std::uint32_t enhanced_packet = 6;
}  // namespace block

namespace option {
constexpr std::uint16_t end = 0;
constexpr std::uint16_t comment = 1;
constexpr std::uint16_t if_description = 3;
constexpr std::uint16_t shb_userappl = 4;
}  // namespace option

constexpr std::uint32_t byte_order_magic = 0x1a2b3c4d;
constexpr std::uint16_t linktype_raw = 101;

void pad_to_32_bits(Writer& out) {
    while (out.size() % 4 != 0) {
        out.u8(0);
    }
}

void put_option(Writer& out, std::uint16_t code, std::string_view value) {
    out.u16(code).vector16(view_of(value));
    pad_to_32_bits(out);
}

void put_end_of_options(Writer& out) {
    out.u16(option::end).u16(0);
}

void put_block(Writer& file, std::uint32_t type, ByteView body) {
    const auto length = static_cast<std::uint32_t>(12 + (body.size() + 3) / 4 * 4);
    file.u32(type).u32(length).put(body);
    pad_to_32_bits(file);
    file.u32(length);
}

void put_section_header(Writer& file, std::string_view comment) {
    constexpr std::uint32_t unspecified = 0xffffffff;
    Writer body;
    body.u32(byte_order_magic).u16(1).u16(0).u32(unspecified).u32(unspecified);
    if (!comment.empty()) put_option(body, option::comment, comment);
    put_option(body, option::shb_userappl, "handset");
    put_end_of_options(body);
    put_block(file, block::section_header, body.bytes());
}

void put_interface(Writer& file) {
    constexpr std::uint32_t no_limit = 0;
    Writer body;
    body.u16(linktype_raw).u16(0).u32(no_limit);
    put_option(body, option::if_description,
               "octets as the sockets took and gave them; TCP made up around them");
    put_end_of_options(body);
    put_block(file, block::interface_description, body.bytes());
}

// Times are in microseconds: what holds where an interface does not say otherwise.
void put_packet(Writer& file, const Packet& packet) {
    const std::int64_t since_1970 = packet.at.time_since_epoch().count();
    if (since_1970 < 0) throw std::invalid_argument("a capture holds no time before 1970");
    const auto at = static_cast<std::uint64_t>(since_1970);
    const auto length = static_cast<std::uint32_t>(packet.octets.size());
    Writer body;
    body.u32(0).u32(static_cast<std::uint32_t>(at >> 32U)).u32(static_cast<std::uint32_t>(at));
    body.u32(length).u32(length).put(packet.octets);
    put_block(file, block::enhanced_packet, body.bytes());
}

}  // namespace

Bytes encode_capture(std::span<const Conversation> conversations, std::string_view comment) {
    Writer file;
    put_section_header(file, comment);
    put_interface(file);
    std::vector<Packet> packets;
    for (std::size_t n = 0; n < conversations.size(); ++n) {
        add_packets(conversations[n], n, packets);
    }
    std::stable_sort(packets.begin(), packets.end(),
                     [](const Packet& a, const Packet& b) { return a.at < b.at; });
    for (const Packet& packet : packets) {
        put_packet(file, packet);
    }
    return file.take();
}

void write_capture(const std::filesystem::path& file, std::span<const Conversation> conversations,
                   std::string_view comment) {
    const Bytes octets = encode_capture(conversations, comment);
    errno = 0;
    std::ofstream out(file, std::ios::binary);
    out.write(reinterpret_cast<const char*>(octets.data()),
              static_cast<std::streamsize>(octets.size()));
    out.flush();
    if (!out) {
        throw std::runtime_error(fmt::format("{}: could not be written: {}",
                                             printable(file.string()),
                                             std::generic_category().message(errno)));
    }
}

}  // namespace handset::capture
