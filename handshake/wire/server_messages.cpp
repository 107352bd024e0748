#include "handshake/wire/server_messages.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <bit>
#include <stdexcept>

namespace handset::wire {

namespace {

constexpr std::size_t random_length = 32;

// SHA-256 of "HelloRetryRequest" (RFC 8446 4.1.3).
constexpr auto hello_retry_request_random =
    std::to_array<std::uint8_t>({0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
                                 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
                                 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c});

// ECCurveType and ECBasisType (RFC 4492 5.4).
constexpr std::uint8_t explicit_prime = 1;
constexpr std::uint8_t explicit_char2 = 2;
constexpr std::uint8_t named_curve = 3;
constexpr std::uint8_t ec_basis_trinomial = 1;
constexpr std::uint8_t ec_basis_pentanomial = 2;

bool has_signature_algorithm(ProtocolVersion version) {
    return version >= ProtocolVersion::tls_1_2;
}

DhParams read_dh_params(Reader& in) {
    DhParams params;
    params.dh_p = to_bytes(in.vector16("dh_p").rest());
    params.dh_g = to_bytes(in.vector16("dh_g").rest());
    params.dh_ys = to_bytes(in.vector16("dh_Ys").rest());
    return params;
}

RsaParams read_rsa_params(Reader& in) {
    RsaParams params;
    params.rsa_modulus = to_bytes(in.vector16("rsa_modulus").rest());
    params.rsa_exponent = to_bytes(in.vector16("rsa_exponent").rest());
    return params;
}

// Steps over what follows curve_type in an explicit curve.
void skip_explicit_curve(Reader& in, std::uint8_t curve_type) {
    if (curve_type == explicit_prime) {
        in.vector8("prime_p");
    } else {
        in.u16("m");
        const std::size_t basis_offset = in.offset();
        const std::uint8_t basis = in.u8("basis");
        if (basis == ec_basis_trinomial) {
            in.vector8("k");
        } else if (basis == ec_basis_pentanomial) {
            in.vector8("k1");
            in.vector8("k2");
            in.vector8("k3");
        } else {
            in.fail_at(basis_offset, "basis", fmt::format("unknown ECBasisType {}", basis));
        }
    }
    in.vector8("curve.a");
    in.vector8("curve.b");
    in.vector8("base");
    in.vector8("order");
    in.vector8("cofactor");
}

EcdhParams read_ecdh_params(Reader& in, ByteView body) {
    EcdhParams params;
    const std::size_t curve_type_offset = in.offset();
    params.curve_type = in.u8("curve_type");
    const std::size_t curve_offset = in.offset();
    switch (params.curve_type) {
        case named_curve:
            params.named_curve = static_cast<NamedGroup>(in.u16("namedcurve"));
            break;
        case explicit_prime:
        case explicit_char2:
            skip_explicit_curve(in, params.curve_type);
            params.explicit_curve =
                to_bytes(body.subspan(curve_offset, in.offset() - curve_offset));
            break;
        default:
            in.fail_at(curve_type_offset, "curve_type",
                       fmt::format("unknown ECCurveType {}", params.curve_type));
    }
    params.public_point = to_bytes(in.vector8("public").rest());
    return params;
}

void write_params(Writer& out, const DhParams& params) {
    out.vector16(params.dh_p).vector16(params.dh_g).vector16(params.dh_ys);
}

void write_params(Writer& out, const RsaParams& params) {
    out.vector16(params.rsa_modulus).vector16(params.rsa_exponent);
}

void write_params(Writer& out, const EcdhParams& params) {
    out.u8(params.curve_type);
    if (params.curve_type == named_curve) {
        out.u16(static_cast<std::uint16_t>(params.named_curve));
    } else {
        out.put(params.explicit_curve);
    }
    out.vector8(params.public_point);
}

// Why a suite's ServerKeyExchange is not read; empty when it is.
std::string_view refusal(KeyExchange key_exchange) {
    switch (key_exchange) {
        case KeyExchange::psk:
            return "not supported: psk";
        case KeyExchange::krb5:
            return "not supported: krb5";
        case KeyExchange::srp:
            return "not supported: srp";
        case KeyExchange::gost:
            return "not supported: gost";
        case KeyExchange::fortezza:
            return "not supported: fortezza";
        case KeyExchange::eccpwd:
            return "not supported: eccpwd";
        case KeyExchange::other:
            return "not supported: a suite of unknown layout";
        case KeyExchange::null:
        case KeyExchange::dh_dss:
        case KeyExchange::dh_rsa:
        case KeyExchange::ecdh_ecdsa:
        case KeyExchange::ecdh_rsa:
        case KeyExchange::tls13:
        case KeyExchange::signalling:
            return "the negotiated cipher suite has no ServerKeyExchange";
        default:
            return {};
    }
}

}  // namespace

Bytes encode(const ServerHello& hello) {
    if (hello.random.size() != random_length) {
        throw std::length_error("ServerHello.random is not 32 octets");
    }
    Writer out;
    out.u16(static_cast<std::uint16_t>(hello.server_version));
    out.put(hello.random);
    out.vector8(hello.session_id);
    out.u16(static_cast<std::uint16_t>(hello.cipher_suite));
    out.u8(static_cast<std::uint8_t>(hello.compression_method));
    if (hello.extensions) write_extensions(out, *hello.extensions);
    return out.take();
}

Result<ServerHello> decode_server_hello(ByteView body) {
    Reader in(body, "ServerHello");
    ServerHello hello;
    hello.server_version = static_cast<ProtocolVersion>(in.u16("server_version"));
    hello.random = to_bytes(in.take(random_length, "random"));
    hello.session_id = to_bytes(in.vector8("session_id").rest());
    hello.cipher_suite = static_cast<CipherSuite>(in.u16("cipher_suite"));
    hello.compression_method = static_cast<CompressionMethod>(in.u8("compression_method"));
    if (!in.empty()) hello.extensions = read_extensions(in);
    in.expect_end();
    if (in.failed()) return in.error();
    return hello;
}

ProtocolVersion selected_version(const ServerHello& hello) {
    if (const auto* extension =
            find_extension(hello.extensions, ExtensionType::supported_versions)) {
        if (const auto version = decode_selected_version(extension->data)) return *version;
    }
    return hello.server_version;
}

bool is_hello_retry_request(const ServerHello& hello) {
    return equal(hello.random, hello_retry_request_random);
}

Bytes encode(const CertificateMessage& message) {
    Writer list;
    for (const Bytes& certificate : message.certificate_list)
        list.vector24(certificate);
    Writer out;
    out.vector24(list.bytes());
    return out.take();
}

Result<CertificateMessage> decode_certificate_message(ByteView body) {
    Reader in(body, "Certificate");
    CertificateMessage message;
    Reader list = in.vector24("certificate_list");
    while (!list.empty()) {
        Reader certificate = list.vector24("ASN.1Cert");
        message.offsets.push_back(certificate.offset());
        message.certificate_list.push_back(to_bytes(certificate.rest()));
    }
    in.expect_end();
    if (in.failed()) return in.error();
    return message;
}

std::size_t DhParams::p_bits() const {
    const auto first = std::ranges::find_if(dh_p, [](std::uint8_t octet) { return octet != 0; });
    if (first == dh_p.end()) return 0;
    const auto octets_after = static_cast<std::size_t>(dh_p.end() - first - 1);
    return octets_after * 8 + static_cast<std::size_t>(std::bit_width(*first));
}

Bytes encode(const ServerKeyExchange& message, ProtocolVersion version) {
    Writer out;
    std::visit([&](const auto& params) { write_params(out, params); }, message.params);
    if (message.is_signed) {
        if (has_signature_algorithm(version)) {
            if (!message.algorithm) {
                throw std::invalid_argument("ServerKeyExchange needs a signature algorithm");
            }
            out.u16(static_cast<std::uint16_t>(*message.algorithm));
        }
        out.vector16(message.signature);
    }
    return out.take();
}

Result<ServerKeyExchange> decode_server_key_exchange(ByteView body, KeyExchange key_exchange,
                                                     ProtocolVersion version) {
    Reader in(body, "ServerKeyExchange");
    ServerKeyExchange message;
    switch (key_exchange) {
        case KeyExchange::dhe_dss:
        case KeyExchange::dhe_rsa:
        case KeyExchange::dh_anon:
            message.params = read_dh_params(in);
            break;
        case KeyExchange::ecdhe_ecdsa:
        case KeyExchange::ecdhe_rsa:
        case KeyExchange::ecdh_anon:
            message.params = read_ecdh_params(in, body);
            break;
        // A server that sends export parameters to a client that asked for none is worth reading.
        case KeyExchange::rsa:
        case KeyExchange::rsa_export:
            message.params = read_rsa_params(in);
            break;
        default:
            in.fail("", refusal(key_exchange));
    }
    if (!in.failed()) message.signed_params = to_bytes(body.first(in.offset()));
    message.is_signed =
        key_exchange != KeyExchange::dh_anon && key_exchange != KeyExchange::ecdh_anon;
    if (message.is_signed) {
        if (has_signature_algorithm(version)) {
            message.algorithm = static_cast<SignatureScheme>(in.u16("algorithm"));
        }
        message.signature = to_bytes(in.vector16("signature").rest());
    }
    in.expect_end();
    if (in.failed()) return in.error();
    return message;
}

Bytes encode(const CertificateRequest& message) {
    Writer out;
    out.vector8(message.certificate_types);
    if (message.supported_signature_algorithms) {
        out.put(encode_signature_algorithms(*message.supported_signature_algorithms));
    }
    Writer authorities;
    for (const Bytes& name : message.certificate_authorities)
        authorities.vector16(name);
    out.vector16(authorities.bytes());
    return out.take();
}

Result<CertificateRequest> decode_certificate_request(ByteView body, ProtocolVersion version) {
    Reader in(body, "CertificateRequest");
    CertificateRequest message;
    message.certificate_types = to_bytes(in.vector8("certificate_types").rest());
    if (has_signature_algorithm(version)) {
        std::vector<SignatureScheme> schemes;
        Reader list = in.vector16("supported_signature_algorithms");
        while (!list.empty()) {
            schemes.push_back(static_cast<SignatureScheme>(list.u16("signature_algorithm")));
        }
        message.supported_signature_algorithms = std::move(schemes);
    }
    Reader authorities = in.vector16("certificate_authorities");
    while (!authorities.empty()) {
        message.certificate_authorities.push_back(
            to_bytes(authorities.vector16("DistinguishedName").rest()));
    }
    in.expect_end();
    if (in.failed()) return in.error();
    return message;
}

Bytes encode(const NewSessionTicket& message) {
    Writer out;
    out.u32(message.ticket_lifetime_hint).vector16(message.ticket);
    return out.take();
}

Result<NewSessionTicket> decode_new_session_ticket(ByteView body) {
    Reader in(body, "NewSessionTicket");
    NewSessionTicket message;
    message.ticket_lifetime_hint = in.u32("ticket_lifetime_hint");
    message.ticket = to_bytes(in.vector16("ticket").rest());
    in.expect_end();
    if (in.failed()) return in.error();
    return message;
}

Bytes encode(const CertificateStatus& message) {
    Writer out;
    out.u8(message.status_type).vector24(message.response);
    return out.take();
}

Result<CertificateStatus> decode_certificate_status(ByteView body) {
    Reader in(body, "CertificateStatus");
    CertificateStatus message;
    message.status_type = in.u8("status_type");
    message.response = to_bytes(in.vector24("response").rest());
    in.expect_end();
    if (in.failed()) return in.error();
    return message;
}

Result<std::monostate> decode_empty(ByteView body, std::string_view name) {
    Reader in(body, name);
    in.expect_end();
    if (in.failed()) return in.error();
    return std::monostate{};
}

}  // namespace handset::wire
