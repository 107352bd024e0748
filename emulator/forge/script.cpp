#include "emulator/forge/script.h"

#include <fmt/format.h>

#include <algorithm>

#include "handshake/base/writer.h"
#include "handshake/wire/client_hello.h"

namespace handset::forge {

namespace {

using wire::CipherSuite;
using wire::HandshakeType;
using wire::ProtocolVersion;

CipherSuite suite(std::string_view name) {
    const auto found = wire::cipher_suite_from_name(name);
    if (!found) throw ForgeError(fmt::format("no cipher suite is called {}", name));
    return *found;
}

wire::SignatureScheme scheme(std::string_view name) {
    return wire::signature_scheme_from_name(name).value();
}

Bytes counted(std::size_t length, std::uint8_t first) {
    Bytes octets(length);
    for (std::uint8_t& octet : octets)
        octet = first++;
    return octets;
}

class FlightWriter {
public:
    FlightWriter(const Server& server, const std::vector<Bytes>& chain,
                 const crypto::PrivateKey& key, const Randoms& randoms)
        : server_(server),
          chain_(chain),
          key_(key),
          randoms_(randoms),
          version_(server.version.value_or(ProtocolVersion::tls_1_2)) {
        dhe_ = server.dh_bits > 0 || !server.dh_p.empty();
        ecdhe_ = server.group.has_value();
    }

    Bytes write() {
        if (server_.raw) return *server_.raw;
        if (server_.warning) alert(wire::AlertLevel::warning, *server_.warning);
        Bytes all;
        bool first = true;
        for (const ScriptedMessage& message : messages()) {
            const Bytes octets = wire::encode(wire::HandshakeMessage{
                message.type, message.body ? *message.body : usual_body(message.type), 0, 1, true});
            if (server_.together) {
                append(all, octets);
            } else {
                record(wire::ContentType::handshake, octets);
                if (std::exchange(first, false) && server_.empty_record) {
                    append(out_, wire::encode(
                                     wire::Record{wire::ContentType::handshake, version_, {}, 0}));
                }
            }
        }
        if (!all.empty()) record(wire::ContentType::handshake, all);
        if (server_.alert) alert(wire::AlertLevel::fatal, *server_.alert);
        return std::move(out_);
    }

private:
    std::vector<ScriptedMessage> messages() const {
        if (server_.messages) return *server_.messages;
        if (server_.alert) return {};
        std::vector<ScriptedMessage> usual{{HandshakeType::server_hello, std::nullopt},
                                           {HandshakeType::certificate, std::nullopt}};
        if (dhe_ || ecdhe_) usual.push_back({HandshakeType::server_key_exchange, std::nullopt});
        usual.push_back({HandshakeType::server_hello_done, std::nullopt});
        return usual;
    }

    Bytes usual_body(HandshakeType type) const {
        switch (type) {
            case HandshakeType::server_hello:
                return wire::encode(server_hello());
            case HandshakeType::certificate:
                return wire::encode(wire::CertificateMessage{chain_, {}});
            case HandshakeType::server_key_exchange:
                return wire::encode(server_key_exchange(), version_);
            case HandshakeType::certificate_request: {
                wire::CertificateRequest request;
                request.certificate_types = server_.certificate_types;
                request.certificate_authorities.assign(
                    server_.authorities,
                    make_name({"C=DE", "O=Example Trust", "CN=Example Root CA"}));
                if (version_ >= ProtocolVersion::tls_1_2) {
                    request.supported_signature_algorithms = {
                        wire::signature_scheme_from_name("rsa_pkcs1_sha256").value()};
                }
                return wire::encode(request);
            }
            default:
                return {};
        }
    }

    wire::ServerHello server_hello() const {
        wire::ServerHello hello;
        hello.server_version = version_;
        hello.random = randoms_.server;
        hello.session_id = server_.session_id;
        hello.cipher_suite =
            server_.cipher_suite.value_or(suite(ecdhe_ ? "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
                                                : dhe_ ? "TLS_DHE_RSA_WITH_AES_128_CBC_SHA"
                                                       : "TLS_RSA_WITH_AES_128_CBC_SHA"));
        hello.compression_method = server_.compression;
        wire::Extensions extensions = server_.extensions;
        if (const auto& info = server_.renegotiation_info) {
            extensions.insert(extensions.begin(),
                              {wire::ExtensionType::renegotiation_info, *info, 0});
        }
        // A block without extensions is nothing that a client without them would be sent.
        if (!extensions.empty()) hello.extensions = std::move(extensions);
        return hello;
    }

    // Not prime, but as long as asked for; nobody takes part in the exchange.
    wire::DhParams dh_params() const {
        wire::DhParams params;
        params.dh_p = server_.dh_p;
        if (params.dh_p.empty()) {
            params.dh_p.assign((server_.dh_bits + 7) / 8, 0xff);
            if (server_.dh_bits % 8 != 0) {
                params.dh_p.front() = static_cast<std::uint8_t>((1U << (server_.dh_bits % 8)) - 1);
            }
        }
        params.dh_g = server_.dh_g;
        params.dh_ys = server_.dh_ys.value_or(counted(params.dh_p.size(), 1));
        return params;
    }

    wire::EcdhParams ecdh_params() const {
        wire::EcdhParams params;
        params.named_curve = *server_.group;
        if (server_.point) {
            params.public_point = *server_.point;
            return params;
        }
        const std::string name = wire::name_of(*server_.group);
        const std::size_t field = name == "secp256r1"   ? 32
                                  : name == "secp384r1" ? 48
                                  : name == "secp521r1" ? 66
                                                        : 0;
        if (field == 0) throw ForgeError(fmt::format("group {} needs a point", name));
        params.public_point = counted(1 + 2 * field, 4);
        return params;
    }

    wire::ServerKeyExchange server_key_exchange() const {
        wire::ServerKeyExchange message;
        if (ecdhe_) {
            wire::EcdhParams params = ecdh_params();
            message.signed_params = Writer()
                                        .u8(params.curve_type)
                                        .u16(static_cast<std::uint16_t>(params.named_curve))
                                        .vector8(params.public_point)
                                        .take();
            message.params = std::move(params);
        } else {
            wire::DhParams params = dh_params();
            message.signed_params =
                Writer().vector16(params.dh_p).vector16(params.dh_g).vector16(params.dh_ys).take();
            message.params = std::move(params);
        }
        Bytes signed_octets = randoms_.client;
        append(signed_octets, randoms_.server);
        append(signed_octets, message.signed_params);
        if (version_ >= ProtocolVersion::tls_1_2) {
            message.algorithm = server_.signature_scheme.value_or(
                scheme(key_.is_rsa() ? "rsa_pkcs1_sha256" : "ecdsa_secp256r1_sha256"));
            message.signature =
                key_.sign(digest_of(wire::name_of(*message.algorithm)), signed_octets);
        } else {
            message.signature = key_.sign_tls_1_0(signed_octets);
        }
        return message;
    }

    void alert(wire::AlertLevel level, wire::AlertDescription description) {
        record(wire::ContentType::alert, wire::encode(wire::Alert{level, description}));
    }

    void record(wire::ContentType type, ByteView octets) {
        const std::size_t most = server_.split > 0 ? server_.split : std::size_t{1} << 14;
        for (std::size_t begin = 0; begin < octets.size(); begin += most) {
            const std::size_t length = std::min(most, octets.size() - begin);
            append(out_, wire::encode(wire::Record{type, server_.record_version.value_or(version_),
                                                   to_bytes(octets.subspan(begin, length)), 0}));
        }
    }

    const Server& server_;
    const std::vector<Bytes>& chain_;
    const crypto::PrivateKey& key_;
    const Randoms& randoms_;
    ProtocolVersion version_;
    bool dhe_ = false;
    bool ecdhe_ = false;
    Bytes out_;
};

wire::Ending ending_of(const Server& server) {
    if (server.ending) return *server.ending;
    if (server.alert) return wire::Ending::alert;
    return server.raw ? wire::Ending::undecodable : wire::Ending::server_hello_done;
}

}  // namespace

Bytes client_hello(const std::string& host, const Offered& offered) {
    using wire::ExtensionType;
    wire::ClientHello hello;
    hello.client_version = ProtocolVersion::tls_1_2;
    hello.random = counted(32, 0);
    for (const char* name :
         {"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_DHE_RSA_WITH_AES_128_CBC_SHA",
          "TLS_RSA_WITH_AES_128_GCM_SHA256", "TLS_RSA_WITH_AES_128_CBC_SHA"}) {
        hello.cipher_suites.push_back(suite(name));
    }
    hello.compression_methods = {wire::CompressionMethod::null};
    wire::Extensions& extensions = hello.extensions.emplace();
    if (!host.empty()) {
        extensions.push_back({ExtensionType::server_name, wire::encode_server_name(host), 0});
    }
    extensions.push_back({ExtensionType::renegotiation_info, {0}, 0});
    std::vector<wire::NamedGroup> groups;
    for (const char* name : {"secp256r1", "secp384r1", "secp521r1"})
        groups.push_back(wire::named_group_from_name(name).value());
    extensions.push_back({ExtensionType::supported_groups, wire::encode_supported_groups(groups)});
    extensions.push_back({ExtensionType::ec_point_formats, wire::encode_ec_point_formats({0})});
    std::vector<wire::SignatureScheme> schemes;
    for (const char* name : {"rsa_pkcs1_sha256", "rsa_pkcs1_sha384", "rsa_pkcs1_sha1"})
        schemes.push_back(wire::signature_scheme_from_name(name).value());
    extensions.push_back(
        {ExtensionType::signature_algorithms, wire::encode_signature_algorithms(schemes)});
    for (const wire::Extension& own : offered.extensions) {
        const auto usual = std::ranges::find(extensions, own.type, &wire::Extension::type);
        if (usual == extensions.end()) {
            extensions.push_back(own);
        } else {
            *usual = own;
        }
    }
    std::erase_if(extensions, [&](const wire::Extension& extension) {
        return std::ranges::find(offered.without, extension.type) != offered.without.end();
    });
    return wire::encode_record(hello, ProtocolVersion::tls_1_0);
}

Bytes write_flight(const Server& server, const std::vector<Bytes>& chain,
                   const crypto::PrivateKey& key, const Randoms& randoms) {
    try {
        return FlightWriter(server, chain, key, randoms).write();
    } catch (const ForgeError&) {
        throw;
    } catch (const std::exception& error) {
        throw ForgeError(error.what());
    }
}

wire::Flight make_flight(const Server& server, const std::vector<Bytes>& chain,
                         const std::filesystem::path& key_file) {
    wire::Flight flight;
    flight.origin = wire::Flight::Origin::wire;
    flight.client_hello = client_hello("mail.example.test", server.offered);
    // ClientHello.random: see client_hello().
    flight.bytes =
        write_flight(server, chain, load_key(key_file), {counted(32, 0), counted(32, 0x40)});
    flight.ending = ending_of(server);
    flight.ending_detail = server.ending_detail;
    flight.continuation = server.continuation;
    return flight;
}

wire::Flight make_files(const std::vector<Bytes>& chain) {
    wire::Flight flight;
    flight.origin = wire::Flight::Origin::files;
    flight.certificates = chain;
    flight.ending = wire::Ending::server_hello_done;
    return flight;
}

}  // namespace handset::forge
