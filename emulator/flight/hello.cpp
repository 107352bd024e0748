#include "emulator/flight/hello.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <stdexcept>

#include "handshake/base/reader.h"
#include "handshake/base/writer.h"
#include "handshake/crypto/digest.h"
#include "handshake/wire/client_hello.h"
#include "handshake/wire/v2_client_hello.h"

namespace handset::flight {
namespace {

constexpr std::size_t random_length = 32;
constexpr std::size_t handshake_header_length = 4;

bool is_ip_literal(const std::string& host) {
    in6_addr address{};
    return ::inet_pton(AF_INET, host.c_str(), &address) == 1 ||
           ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

// As many octets as wanted: those after `skip`, then digests of all, so that none is sent twice.
Bytes draw(const Bytes& random, std::size_t skip, std::size_t length) {
    Bytes out;
    if (random.size() > skip) {
        out.assign(random.begin() + static_cast<std::ptrdiff_t>(skip), random.end());
    }
    Bytes block = random;
    while (out.size() < length) {
        block = *crypto::digest(crypto::HashAlgorithm::sha256, block);
        append(out, block);
    }
    out.resize(length);
    return out;
}

Bytes session_id_of(const device::ClientHello& hello, const HelloInput& input) {
    if (input.session_id.empty()) return draw(input.random, random_length, hello.session_id_length);
    Bytes out = input.session_id;
    out.resize(std::min(out.size(), hello.session_id_length));
    return out;
}

// RFC 6066 3: without the trailing dot.
std::string sent_name(std::string host) {
    if (!host.empty() && host.back() == '.') host.pop_back();
    return host;
}

bool sends_server_name(device::ServerNameRule rule, const std::string& host) {
    switch (rule) {
        case device::ServerNameRule::none:
            return false;
        case device::ServerNameRule::host:
            return !host.empty() && !is_ip_literal(host);
        case device::ServerNameRule::host_and_ip:
            return !host.empty();
    }
    return false;
}

[[noreturn]] void refuse(const std::string& why) {
    throw std::invalid_argument("not a ClientHello: " + why);
}

device::ClientHello v2_hello_from(ByteView record) {
    const auto v2 = wire::decode_v2_client_hello(record);
    if (!v2) refuse(to_string(v2.error()));
    device::ClientHello hello;
    hello.framing = device::Framing::sslv2;
    hello.client_version = v2->version;
    hello.cipher_specs = v2->cipher_specs;
    hello.session_id_length = v2->session_id.size();
    hello.challenge_length = v2->challenge.size();
    return hello;
}

// The body of the ClientHello that fills the record.
ByteView body_of(const wire::Record& record) {
    if (record.type != wire::ContentType::handshake) {
        refuse(fmt::format("a record of type {}", wire::name_of(record.type)));
    }
    Reader in(record.fragment, "Handshake");
    const auto type = static_cast<wire::HandshakeType>(in.u8("msg_type"));
    const std::size_t length = in.u24("length");
    if (in.failed()) refuse(to_string(in.error()));
    if (type != wire::HandshakeType::client_hello) {
        refuse(fmt::format("a message of type {}", wire::name_of(type)));
    }
    const ByteView body = in.rest();
    if (body.size() != length) {
        refuse(fmt::format("a message of {} octets, of which the record holds {}", length,
                           body.size()));
    }
    return body;
}

}  // namespace

Bytes make_hello(const device::ClientHello& hello, const HelloInput& input) {
    if (input.random.size() < random_length) {
        throw std::invalid_argument("make_hello: fewer than 32 octets of random");
    }
    if (hello.framing == device::Framing::sslv2) {
        wire::V2ClientHello v2;
        v2.version = hello.client_version;
        v2.cipher_specs = hello.cipher_specs;
        v2.session_id = session_id_of(hello, input);
        v2.challenge = draw(input.random, 0, hello.challenge_length);
        return wire::encode(v2);
    }

    wire::ClientHello out;
    out.client_version = hello.client_version;
    out.random = draw(input.random, 0, random_length);
    if (hello.random == device::RandomKind::clock_prefixed) {
        Writer clock;
        clock.u32(static_cast<std::uint32_t>(input.clock.time_since_epoch().count()));
        std::copy(clock.bytes().begin(), clock.bytes().end(), out.random.begin());
    }
    out.session_id = session_id_of(hello, input);
    out.cipher_suites = hello.cipher_suites;
    out.compression_methods = hello.compression_methods;
    if (hello.extensions) {
        const std::string host = sent_name(input.server_name);
        out.extensions.emplace();
        for (const device::HelloExtension& extension : *hello.extensions) {
            if (extension.type != wire::ExtensionType::server_name) {
                out.extensions->push_back({extension.type, extension.data, 0});
            } else if (sends_server_name(hello.server_name, host)) {
                out.extensions->push_back({extension.type, wire::encode_server_name(host), 0});
            }
        }
    }
    return wire::encode_record(out, hello.record_version);
}

device::ClientHello hello_from(ByteView record) {
    if (wire::looks_like_v2_client_hello(record)) return v2_hello_from(record);
    const auto framed = wire::decode_record(record);
    if (!framed) refuse(to_string(framed.error()));
    const auto decoded = wire::decode_client_hello(body_of(*framed));
    if (!decoded) refuse(to_string(decoded.error()));

    device::ClientHello hello;
    hello.record_version = framed->version;
    hello.client_version = decoded->client_version;
    hello.session_id_length = decoded->session_id.size();
    hello.cipher_suites = decoded->cipher_suites;
    hello.compression_methods = decoded->compression_methods;
    if (decoded->extensions) {
        hello.extensions.emplace();
        for (const wire::Extension& extension : *decoded->extensions) {
            const bool is_server_name = extension.type == wire::ExtensionType::server_name;
            if (is_server_name) hello.server_name = device::ServerNameRule::host;
            hello.extensions->push_back(
                {extension.type, is_server_name ? Bytes{} : extension.data});
        }
    }
    hello.ja3 = ja3_of(record);
    return hello;
}

std::string ja3_of(ByteView hello_record) {
    if (wire::looks_like_v2_client_hello(hello_record)) return {};
    const auto record = wire::decode_record(hello_record);
    if (!record || record->fragment.size() < handshake_header_length) return {};
    const auto hello =
        wire::decode_client_hello(ByteView(record->fragment).subspan(handshake_header_length));
    if (!hello) return {};
    const auto md5 = crypto::digest(crypto::HashAlgorithm::md5, view_of(wire::ja3_text(*hello)));
    return md5 ? to_hex(*md5) : std::string{};
}

}  // namespace handset::flight
