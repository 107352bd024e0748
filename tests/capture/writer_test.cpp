// The captures are read back by Wireshark's own programs, which know nothing of the writer.
#include "emulator/capture/writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <sstream>

#include "tests/support/process.h"

using namespace handset;
using namespace handset::capture;
using namespace std::chrono_literals;

namespace {

constexpr Instant noon{std::chrono::sys_days{std::chrono::year{2007} / 9 / 2} + 12h};

constexpr unsigned fin = 0x01, syn = 0x02, rst = 0x04, psh = 0x08, ack = 0x10;

// Octets without a pattern, the same ones for the same seed.
Bytes noise(std::size_t count, std::uint32_t seed) {
    Bytes octets(count);
    for (std::uint8_t& octet : octets) {
        seed = seed * 1664525U + 1013904223U;
        octet = static_cast<std::uint8_t>(seed >> 24U);
    }
    return octets;
}

Conversation ipv4(std::uint16_t client_port = 40001) {
    return {{"192.0.2.7", client_port}, {"198.51.100.25", 4433}, noon, {}, {}};
}
Conversation ipv6() {
    return {{"2001:db8::7", 40002}, {"2001:db8:ffff::25", 4433}, noon, {}, {}};
}

// A program's standard output. tshark warns of root on the other one.
std::string output_of(std::vector<std::string> command) {
    command.insert(command.begin(), {"sh", "-c", "exec \"$@\" 2>/dev/null", "sh"});
    return test::run(command);
}

std::vector<std::string> split(const std::string& text, char separator) {
    std::vector<std::string> parts;
    std::istringstream in(text);
    for (std::string part; std::getline(in, part, separator);) {
        parts.push_back(part);
    }
    return parts;
}

using Row = std::map<std::string, std::string>;

// A row for each packet, with tshark's value of each field ("" where a packet has none).
std::vector<Row> fields_of(const std::filesystem::path& file,
                           const std::vector<std::string>& fields) {
    std::vector<std::string> command{"tshark", "-n",
                                     "-r",     file.string(),
                                     "-o",     "tcp.check_checksum:TRUE",
                                     "-o",     "ip.check_checksum:TRUE",
                                     "-T",     "fields"};
    for (const std::string& field : fields) {
        command.insert(command.end(), {"-e", field});
    }
    std::vector<Row> rows;
    for (const std::string& line : split(output_of(command), '\n')) {
        std::vector<std::string> values = split(line, '\t');
        values.resize(fields.size());
        Row row;
        for (std::size_t i = 0; i < fields.size(); ++i) {
            row[fields[i]] = values[i];
        }
        rows.push_back(row);
    }
    return rows;
}

// What Wireshark would colour, a text for each thing it finds; expert information
// below a warning, and that of a reset, is not among it.
std::vector<std::string> complaints(const std::filesystem::path& file) {
    const std::vector<Row> rows =
        fields_of(file, {"frame.number", "ip.version", "ip.checksum.status", "tcp.checksum.status",
                         "tcp.analysis.flags", "_ws.malformed", "tcp.flags.reset",
                         "_ws.expert.severity", "_ws.expert.message"});
    std::vector<std::string> found;
    for (Row row : rows) {
        const std::string at = row["frame.number"] + ": ";
        const bool is_ipv4 = row["ip.version"] == "4";
        if (is_ipv4 && row["ip.checksum.status"] != "1") found.push_back(at + "ip.checksum");
        if (row["tcp.checksum.status"] != "1") found.push_back(at + "tcp.checksum");
        if (!row["tcp.analysis.flags"].empty()) found.push_back(at + row["_ws.expert.message"]);
        if (!row["_ws.malformed"].empty()) found.push_back(at + "malformed");
        for (const std::string& severity : split(row["_ws.expert.severity"], ',')) {
            constexpr unsigned long warning = 0x600000;
            if (std::stoul(severity) >= warning && row["tcp.flags.reset"] != "1") {
                found.push_back(at + row["_ws.expert.message"]);
            }
        }
    }
    return found;
}

// What each side sent, as tshark puts the stream together, in turns.
std::vector<std::pair<Side, Bytes>> turns_of(const std::filesystem::path& file, unsigned stream) {
    std::vector<std::pair<Side, Bytes>> turns;
    const std::string text = output_of({"tshark", "-n", "-r", file.string(), "-q", "-z",
                                        fmt::format("follow,tcp,raw,{}", stream)});
    for (const std::string& line : split(text, '\n')) {
        const auto octets = from_hex(line);  // what the server sent is indented
        if (!octets || octets->empty()) continue;
        const Side from = line.front() == '\t' ? Side::server : Side::client;
        if (turns.empty() || turns.back().first != from) turns.emplace_back(from, Bytes{});
        append(turns.back().second, *octets);
    }
    return turns;
}

std::vector<std::pair<Side, Bytes>> turns_of(const Conversation& conversation) {
    std::vector<std::pair<Side, Bytes>> turns;
    for (const Chunk& chunk : conversation.chunks) {
        if (chunk.octets.empty()) continue;
        if (turns.empty() || turns.back().first != chunk.from)
            turns.emplace_back(chunk.from, Bytes{});
        append(turns.back().second, chunk.octets);
    }
    return turns;
}

// "client SYN", "server FIN ACK", "client PSH ACK 300": a line for each packet.
std::vector<std::string> course_of(const std::filesystem::path& file) {
    std::vector<std::string> lines;
    for (Row row : fields_of(file, {"tcp.dstport", "tcp.flags", "tcp.len"})) {
        std::string line = row["tcp.dstport"] == "4433" ? "client" : "server";
        const unsigned long flags = std::stoul(row["tcp.flags"], nullptr, 16);
        for (const auto& [bit, name] :
             {std::pair(fin, " FIN"), std::pair(syn, " SYN"), std::pair(rst, " RST"),
              std::pair(psh, " PSH"), std::pair(ack, " ACK")}) {
            if ((flags & bit) != 0) line += name;
        }
        if (row["tcp.len"] != "0") line += " " + row["tcp.len"];
        lines.push_back(line);
    }
    return lines;
}

std::string capinfos(const std::filesystem::path& file) {
    return output_of({"capinfos", file.string()});
}

// A capture in a folder that goes with it.
struct Written {
    test::TempDir folder;
    std::filesystem::path file = folder / "it.pcapng";

    explicit Written(const std::vector<Conversation>& conversations,
                     std::string_view comment = "") {
        write_capture(file, conversations, comment);
    }
};

using Lines = std::vector<std::string>;
const Lines opening{"client SYN", "server SYN ACK", "client ACK"};

Lines operator+(Lines a, const Lines& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

}  // namespace

TEST_CASE("a conversation comes back with its addresses, ports, times and octets") {
    for (Conversation conversation : {ipv4(), ipv6()}) {
        CAPTURE(conversation.client.address);
        conversation.chunks = {{noon + 1500us, Side::client, noise(300, 1)},
                               {noon + 40ms, Side::server, noise(100'000, 2)},
                               {noon + 41ms, Side::server, noise(1, 3)},
                               {noon + 50ms, Side::client, noise(1460, 4)},
                               {noon + 61ms, Side::client, noise(2921, 5)}};
        conversation.ended = {{noon + 2s, Side::client, End::closed},
                              {noon + 3s, Side::server, End::closed}};
        const Written written({conversation});

        CHECK(complaints(written.file) == Lines{});
        CHECK(turns_of(written.file, 0) == turns_of(conversation));

        const bool is_ipv4 = conversation.client.address.find(':') == std::string::npos;
        const std::string source = is_ipv4 ? "ip.src" : "ipv6.src";
        const std::string destination = is_ipv4 ? "ip.dst" : "ipv6.dst";
        const std::size_t longest = is_ipv4 ? 1460 : 1440;
        std::size_t longest_seen = 0;
        for (Row row : fields_of(written.file, {source, destination, "tcp.srcport", "tcp.dstport",
                                                "tcp.len", "frame.len"})) {
            const bool up = row["tcp.dstport"] == "4433";
            const Endpoint& from = up ? conversation.client : conversation.server;
            const Endpoint& to = up ? conversation.server : conversation.client;
            CHECK(row[source] == from.address);
            CHECK(row[destination] == to.address);
            CHECK(row["tcp.srcport"] == std::to_string(from.port));
            CHECK(row["tcp.dstport"] == std::to_string(to.port));
            CHECK(std::stoul(row["frame.len"]) <= 1500);
            longest_seen = std::max<std::size_t>(longest_seen, std::stoul(row["tcp.len"]));
        }
        CHECK(longest_seen == longest);

        const std::vector<Row> ends =
            fields_of(written.file, {"frame.time_epoch", "tcp.len", "tcp.flags.fin"});
        std::vector<std::string> times;
        for (Row row : ends) {
            if (row["tcp.len"] == "0" && row["tcp.flags.fin"] != "1") continue;
            if (times.empty() || times.back() != row["frame.time_epoch"])
                times.push_back(row["frame.time_epoch"]);
        }
        CHECK(times == Lines{"1188734400.001500000", "1188734400.040000000", "1188734400.041000000",
                             "1188734400.050000000", "1188734400.061000000", "1188734402.000000000",
                             "1188734403.000000000"});
        CHECK(ends.front().at("frame.time_epoch") == "1188734400.000000000");
    }
}

TEST_CASE("a chunk of 1 MiB is carried whole") {
    Conversation conversation = ipv4();
    conversation.chunks = {{noon, Side::server, noise(1U << 20U, 6)}};
    const Written written({conversation});
    CHECK(complaints(written.file) == Lines{});
    CHECK(turns_of(written.file, 0) == turns_of(conversation));
}

TEST_CASE("TLS is found in a capture of port 443") {
    Conversation conversation = ipv4();
    conversation.server.port = 443;
    conversation.chunks = {{noon, Side::server, *from_hex("15 0301 0002 022a")}};
    const Written written({conversation});
    CHECK(complaints(written.file) == Lines{});
    const std::vector<Row> rows = fields_of(written.file, {"tls.alert_message.desc"});
    REQUIRE(rows.size() == 5);
    CHECK(rows[3].at("tls.alert_message.desc") == "42");
}

TEST_CASE("the packets of every course") {
    Conversation conversation = ipv4();
    SECTION("nothing but a connection") {
        const Written written({conversation});
        CHECK(course_of(written.file) == opening);
        CHECK(complaints(written.file) == Lines{});
    }
    SECTION("a chunk without octets leaves no packet") {
        conversation.chunks = {{noon, Side::client, {}}};
        CHECK(course_of(Written({conversation}).file) == opening);
    }
    SECTION("every second segment is acknowledged, and the last") {
        conversation.chunks = {{noon, Side::client, noise(4 * 1460 + 1, 1)}};
        CHECK(course_of(Written({conversation}).file) ==
              opening + Lines{"client ACK 1460", "client ACK 1460", "server ACK", "client ACK 1460",
                              "client ACK 1460", "server ACK", "client PSH ACK 1", "server ACK"});
    }
    SECTION("the server closes while the client still sends") {
        conversation.chunks = {{noon + 1s, Side::server, noise(5, 1)},
                               {noon + 3s, Side::client, noise(6, 2)}};
        conversation.ended = {{noon + 4s, Side::client, End::closed},
                              {noon + 2s, Side::server, End::closed}};
        const Written written({conversation});
        CHECK(course_of(written.file) ==
              opening + Lines{"server PSH ACK 5", "client ACK", "server FIN ACK", "client ACK",
                              "client PSH ACK 6", "server ACK", "client FIN ACK", "server ACK"});
        CHECK(complaints(written.file) == Lines{});
        CHECK(turns_of(written.file, 0) == turns_of(conversation));
    }
    SECTION("a FIN goes behind its side's last chunk, and once") {
        conversation.chunks = {{noon + 3s, Side::client, noise(6, 2)}};
        conversation.ended = {{noon + 1s, Side::client, End::closed},
                              {noon + 4s, Side::client, End::closed}};
        const Written written({conversation});
        CHECK(course_of(written.file) ==
              opening + Lines{"client PSH ACK 6", "server ACK", "client FIN ACK", "server ACK"});
        CHECK(complaints(written.file) == Lines{});
    }
    SECTION("a reset ends it") {
        const Side by = GENERATE(Side::client, Side::server);
        conversation.chunks = {{noon + 2s, Side::client, noise(6, 2)}};
        conversation.ended = {{noon + 1s, by, End::reset},
                              {noon + 5s, Side::client, End::closed},
                              {noon + 6s, Side::server, End::reset}};
        const Written written({conversation});
        const std::string who = by == Side::client ? "client" : "server";
        CHECK(course_of(written.file) ==
              opening + Lines{"client PSH ACK 6", "server ACK", who + " RST ACK"});
        CHECK(complaints(written.file) == Lines{});
        CHECK(turns_of(written.file, 0) == turns_of(conversation));
    }
    SECTION("a FIN, and a reset for what came later") {
        conversation.chunks = {{noon + 2s, Side::client, noise(6, 2)}};
        conversation.ended = {{noon + 1s, Side::server, End::closed},
                              {noon + 2s, Side::server, End::reset}};
        const Written written({conversation});
        CHECK(course_of(written.file) == opening + Lines{"server FIN ACK", "client ACK",
                                                         "client PSH ACK 6", "server ACK",
                                                         "server RST ACK"});
        CHECK(complaints(written.file) == Lines{});
    }
}

TEST_CASE("conversations that ran at the same time are interleaved") {
    Conversation first = ipv4(40001);
    first.chunks = {{noon + 10ms, Side::client, noise(3000, 1)},
                    {noon + 30ms, Side::server, noise(4000, 2)},
                    {noon + 50ms, Side::client, noise(10, 3)}};
    first.ended = {{noon + 60ms, Side::server, End::reset}};
    Conversation second = ipv6();
    second.opened = noon + 5ms;
    second.chunks = {{noon + 20ms, Side::client, noise(2000, 4)},
                     {noon + 40ms, Side::server, noise(5000, 5)}};
    second.ended = {{noon + 45ms, Side::client, End::closed}};
    const Written written({second, first});

    CHECK(complaints(written.file) == Lines{});
    // tshark numbers the streams as they begin.
    CHECK(turns_of(written.file, 0) == turns_of(first));
    CHECK(turns_of(written.file, 1) == turns_of(second));

    std::vector<std::string> streams;
    std::vector<std::string> times;
    for (Row row : fields_of(written.file, {"tcp.stream", "frame.time_epoch"})) {
        if (streams.empty() || streams.back() != row["tcp.stream"])
            streams.push_back(row["tcp.stream"]);
        times.push_back(row["frame.time_epoch"]);
    }
    CHECK(streams == Lines{"0", "1", "0", "1", "0", "1", "0"});
    CHECK(std::is_sorted(times.begin(), times.end()));
}

TEST_CASE("a port used again is a stream of its own") {
    Conversation first = ipv4();
    first.chunks = {{noon, Side::client, noise(10, 1)}};
    first.ended = {{noon, Side::client, End::closed}, {noon, Side::server, End::closed}};
    Conversation second = first;
    second.opened = noon + 1s;
    second.chunks = {{noon + 1s, Side::client, noise(10, 2)}};
    const Written written({first, second});
    CHECK(turns_of(written.file, 0) == turns_of(first));
    CHECK(turns_of(written.file, 1) == turns_of(second));
}

TEST_CASE("times never go back") {
    Conversation conversation = ipv4();
    conversation.chunks = {{noon - 1s, Side::client, noise(1, 1)},
                           {noon + 2s, Side::client, noise(2, 2)},
                           {noon + 1s, Side::server, noise(3, 3)}};
    conversation.ended = {{noon - 5s, Side::client, End::closed}};
    const Written written({conversation});
    CHECK(turns_of(written.file, 0) == turns_of(conversation));
    std::vector<std::string> times;
    for (const Row& row : fields_of(written.file, {"frame.time_relative"})) {
        times.push_back(row.at("frame.time_relative").substr(0, 3));
    }
    CHECK(times.size() == 3 + 3 * 2 + 2);
    CHECK(std::count(times.begin(), times.end(), "0.0") == 3 + 2);
    CHECK(std::count(times.begin(), times.end(), "2.0") == 6);
}

TEST_CASE("an IPv6 zone is left out and a mapped address is IPv4") {
    Conversation conversation = ipv6();
    conversation.client.address = "fe80::1%eth0";
    conversation.server.address = "fe80::2%eth0";
    Conversation mapped = ipv4();
    mapped.client.address = "::ffff:192.0.2.7";
    const Written written({conversation, mapped});
    CHECK(complaints(written.file) == Lines{});
    const std::vector<Row> rows = fields_of(written.file, {"ipv6.src", "ip.src"});
    REQUIRE(rows.size() == 6);
    CHECK(rows[0] == Row{{"ipv6.src", "fe80::1"}, {"ip.src", ""}});
    CHECK(rows[3] == Row{{"ipv6.src", ""}, {"ip.src", "192.0.2.7"}});
}

TEST_CASE("the comment stands in the section header") {
    const std::string comment =
        GENERATE(as<std::string>{}, "a", "four", "Nokia → mail.example.test");
    const Written written({ipv4()}, comment);
    const std::string told = output_of({"capinfos", "-k", written.file.string()});
    CHECK(told.find("Capture comment:     " + comment + "\n") != std::string::npos);
}

TEST_CASE("no comment, and what else the capture says of itself") {
    const std::string told = capinfos(Written({ipv4()}).file);
    CHECK(told.find("Capture comment:") == std::string::npos);
    for (const char* line : {"File encapsulation:  Raw IP\n", "Capture application: handset\n",
                             "Number of packets:   3\n", "Strict time order:   True\n",
                             "Description = octets as the sockets took and gave them; TCP made up "
                             "around them\n",
                             "Time precision = microseconds (6)\n"}) {
        CAPTURE(line, told);
        CHECK(told.find(line) != std::string::npos);
    }
}

TEST_CASE("a capture of nothing can be opened") {
    const Written written(std::vector<Conversation>{}, "nobody called");
    CHECK(fields_of(written.file, {"frame.number"}).empty());
    CHECK(capinfos(written.file).find("nobody called") != std::string::npos);
}

TEST_CASE("what no capture can hold") {
    const auto encode = [](const Conversation& conversation, const std::string& comment = "") {
        return encode_capture(std::vector{conversation}, comment);
    };
    for (const char* address : {"", "localhost", "256.0.0.1", "0.0.0.0", "::ffff:0.0.0.0", "1.2.3",
                                "::1::", "[::1]", "%", "\n"}) {
        CAPTURE(address);
        Conversation conversation = ipv4();
        conversation.server.address = address;
        CHECK_THROWS_AS(encode(conversation), std::invalid_argument);
    }
    Conversation conversation = ipv4();
    conversation.server.address = "::1";
    CHECK_THROWS_WITH(encode(conversation), "192.0.2.7 and ::1: addresses of different families");

    conversation = ipv4();
    conversation.opened = Instant{-1us};
    CHECK_THROWS_AS(encode(conversation), std::invalid_argument);

    CHECK_NOTHROW(encode(ipv4(), std::string(65'535, 'x')));
    CHECK_THROWS_AS(encode(ipv4(), std::string(65'536, 'x')), std::length_error);
}

TEST_CASE("a capture that cannot be written") {
    const test::TempDir folder;
    const auto fault = [&](const std::filesystem::path& file) -> std::string {
        try {
            write_capture(file, std::vector{ipv4()}, "");
        } catch (const std::runtime_error& error) {
            return error.what();
        }
        return "written";
    };
    const std::string missing = (folder / "none/it.pcapng").string();
    CHECK(fault(missing) == missing + ": could not be written: No such file or directory");
    CHECK(fault(folder.path()) ==
          folder.path().string() + ": could not be written: Is a directory");
    CHECK(fault("/dev/full") == "/dev/full: could not be written: No space left on device");
    CHECK(fault(folder / "it.pcapng") == "written");
}

TEST_CASE("complaints are seen") {
    Conversation conversation = ipv4();
    conversation.chunks = {{noon, Side::client, noise(100, 1)},
                           {noon, Side::client, noise(100, 2)}};
    const Written written({conversation});
    Bytes octets = test::read_file(written.file);
    const auto at = std::search(octets.begin(), octets.end(), conversation.chunks[0].octets.begin(),
                                conversation.chunks[0].octets.end());
    REQUIRE(at != octets.end());
    SECTION("an octet of the stream is another") {
        at[0] ^= 1;
        test::write_file(written.file, octets);
        CHECK(complaints(written.file).front() == "4: tcp.checksum");
        CHECK(turns_of(written.file, 0) != turns_of(conversation));
    }
    SECTION("an address is another") {
        at[-28] ^= 1;  // of the IPv4 header's source address: TCP's pseudo-header has it, too
        test::write_file(written.file, octets);
        CHECK(complaints(written.file).front() == "4: ip.checksum");
    }
    SECTION("a sequence number is another") {
        at[-13] ^= 0x40;
        test::write_file(written.file, octets);
        CHECK(complaints(written.file).size() > 1);  // the next one does not fit it either
    }
}
