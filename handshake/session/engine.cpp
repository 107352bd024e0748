// Written against mbed TLS 2.28 as Debian builds it. Its own client would send its own hello and
// refuse flights that some devices accept, so it is entered in the middle: the ServerHello is given
// to it in a plain form, the other messages of the flight are read here and only their results put
// where it looks for them, and the hash of the handshake is fed with the octets that really went
// over the wire. From ClientKeyExchange on it works alone.
#include "handshake/session/engine.h"

#include <fmt/format.h>
#include <mbedtls/dhm.h>
#include <mbedtls/ecdh.h>
#include <mbedtls/error.h>
#include <mbedtls/pk.h>
#include <mbedtls/platform.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ciphersuites.h>
#include <mbedtls/ssl_internal.h>
#include <mbedtls/version.h>

#include <algorithm>
#include <cstring>
#include <exception>
#include <random>

#include "handshake/crypto/digest.h"
#include "handshake/crypto/signature.h"
#include "handshake/wire/server_messages.h"

static_assert(MBEDTLS_VERSION_MAJOR == 2 && MBEDTLS_VERSION_MINOR == 28,
              "handshake/session leans on the internals of mbed TLS 2.28");

namespace handset::session {
namespace {

using Kind = wire::Continuation::Kind;
using wire::ExtensionType;
using wire::HandshakeType;

constexpr std::size_t min_dh_bits = 512;
constexpr std::size_t max_dh_bits = MBEDTLS_MPI_MAX_BITS;

// Thrown and caught inside this file only.
struct Stop {
    Kind kind;
    std::string detail;
};
[[noreturn]] void unplayable(std::string detail) {
    throw Stop{Kind::unplayable, std::move(detail)};
}
[[noreturn]] void failed(std::string detail) {
    throw Stop{Kind::failed, std::move(detail)};
}

std::string describe_error(int status) {
    char text[128] = {};
    mbedtls_strerror(status, text, sizeof text);
    return fmt::format("mbed TLS: {} (-0x{:04x})", text, static_cast<unsigned>(-status));
}

int draw_random(void*, unsigned char* to, std::size_t length) {
    try {
        std::random_device device;
        for (std::size_t i = 0; i < length; ++i)
            to[i] = static_cast<unsigned char>(device());
        return 0;
    } catch (const std::exception&) {
        return MBEDTLS_ERR_SSL_HW_ACCEL_FAILED;
    }
}

constexpr int accepted_hashes[] = {MBEDTLS_MD_SHA512, MBEDTLS_MD_SHA384, MBEDTLS_MD_SHA256,
                                   MBEDTLS_MD_SHA224, MBEDTLS_MD_SHA1,   MBEDTLS_MD_MD5,
                                   MBEDTLS_MD_NONE};

// The AlgorithmIdentifier of a signature in TLS 1.2 (RFC 5246 7.4.1.4.1, RFC 8446 4.2.3).
struct SignedWith {
    std::string_view oid;
    Bytes parameters;  // an element, or empty
};

// RSASSA-PSS-params with one SHA-2 algorithm for everything (RFC 4055 3.1). `last_arc` is that of
// 2.16.840.1.101.3.4.2.x.
Bytes pss_parameters(int last_arc, int salt_length) {
    const std::string hash = fmt::format("300d06096086480165030402{:02x}0500", last_arc);
    return *from_hex(fmt::format("3034a00f{0}a11c301a06092a864886f70d010108{0}a2030201{1:02x}",
                                 hash, salt_length));
}

SignedWith signed_with(wire::SignatureScheme scheme) {
    switch (static_cast<std::uint16_t>(scheme)) {
        case 0x0101:
            return {"1.2.840.113549.1.1.4", {}};
        case 0x0201:
            return {"1.2.840.113549.1.1.5", {}};
        case 0x0301:
            return {"1.2.840.113549.1.1.14", {}};
        case 0x0401:
            return {"1.2.840.113549.1.1.11", {}};
        case 0x0501:
            return {"1.2.840.113549.1.1.12", {}};
        case 0x0601:
            return {"1.2.840.113549.1.1.13", {}};
        case 0x0203:
            return {"1.2.840.10045.4.1", {}};
        case 0x0303:
            return {"1.2.840.10045.4.3.1", {}};
        case 0x0403:
            return {"1.2.840.10045.4.3.2", {}};
        case 0x0503:
            return {"1.2.840.10045.4.3.3", {}};
        case 0x0603:
            return {"1.2.840.10045.4.3.4", {}};
        case 0x0804:
        case 0x0809:
            return {"1.2.840.113549.1.1.10", pss_parameters(1, 32)};
        case 0x0805:
        case 0x080a:
            return {"1.2.840.113549.1.1.10", pss_parameters(2, 48)};
        case 0x0806:
        case 0x080b:
            return {"1.2.840.113549.1.1.10", pss_parameters(3, 64)};
        default:
            return {};
    }
}

}  // namespace

struct Engine::State {
    mbedtls_ssl_context ssl;
    mbedtls_ssl_config config;
    mbedtls_pk_context peer_key;
    int suites[2] = {0, 0};
    Bytes input;  // octets of the server that mbed TLS has not taken yet
    std::size_t input_position = 0;
    Bytes output;
    wire::Continuation outcome;
    bool sent_all = false;  // our Finished is out: what goes wrong now is the server's doing

    State() {
        mbedtls_ssl_init(&ssl);
        mbedtls_ssl_config_init(&config);
        mbedtls_pk_init(&peer_key);
    }
    ~State() {
        mbedtls_ssl_free(&ssl);
        mbedtls_ssl_config_free(&config);
        mbedtls_pk_free(&peer_key);
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    void begin(const SentHello& hello, const std::vector<wire::HandshakeMessage>& flight);
    void set_up(const SentHello& hello, const wire::ServerHello& server_hello);
    void give_server_hello(const SentHello& hello, const wire::ServerHello& server_hello);
    void take_certificate(ByteView subject_public_key_info);
    void take_key_exchange(ByteView body, ByteView subject_public_key_info);
    void verify(const wire::ServerKeyExchange& message, ByteView subject_public_key_info);
    void hash(const wire::HandshakeMessage& message);
    void step_quietly();
    void go_on();
    void stop(int status);
    void set(Kind kind, std::string detail, std::optional<wire::Alert> alert = std::nullopt);

    wire::ProtocolVersion version{};
    const wire::CipherSuiteInfo* suite = nullptr;
};

void Engine::State::set(Kind kind, std::string detail, std::optional<wire::Alert> alert) {
    std::string note = std::move(outcome.detail);
    outcome = {kind, alert, std::move(detail)};
    if (kind == Kind::finished) outcome.detail = std::move(note);
}

void Engine::State::hash(const wire::HandshakeMessage& message) {
    const Bytes octets = wire::encode(message);
    ssl.handshake->update_checksum(&ssl, octets.data(), octets.size());
}

void Engine::State::set_up(const SentHello& hello, const wire::ServerHello& server_hello) {
    version = wire::selected_version(server_hello);
    if (version < wire::ProtocolVersion::tls_1_0 || version > wire::ProtocolVersion::tls_1_2) {
        unplayable(fmt::format("mbed TLS lacks {}", wire::name_of(version)));
    }
    if (version > hello.client_version) {
        failed(fmt::format("{} was not offered", wire::name_of(version)));
    }
    const int code = static_cast<int>(server_hello.cipher_suite);
    const mbedtls_ssl_ciphersuite_t* known = mbedtls_ssl_ciphersuite_from_id(code);
    suite = wire::find_cipher_suite(server_hello.cipher_suite);
    const int minor = static_cast<int>(version) & 0xff;
    if (known == nullptr || suite == nullptr || mbedtls_ssl_ciphersuite_uses_psk(known) != 0 ||
        mbedtls_ssl_ciphersuite_uses_srv_cert(known) == 0) {
        unplayable(fmt::format("mbed TLS lacks {}", wire::name_of(server_hello.cipher_suite)));
    }
    if (known->min_minor_ver > minor || known->max_minor_ver < minor) {
        unplayable(fmt::format("mbed TLS lacks {} in {}", wire::name_of(server_hello.cipher_suite),
                               wire::name_of(version)));
    }
    if (server_hello.compression_method != wire::CompressionMethod::null) {
        unplayable(fmt::format("mbed TLS lacks compression {}",
                               wire::name_of(server_hello.compression_method)));
    }
    // These would have the client send messages of their own before Finished.
    constexpr auto channel_id = static_cast<ExtensionType>(30032);
    for (const ExtensionType type : {ExtensionType::next_protocol_negotiation, channel_id}) {
        if (wire::find_extension(server_hello.extensions, type) != nullptr &&
            wire::find_extension(hello.extensions, type) != nullptr) {
            unplayable(fmt::format("mbed TLS lacks {}", wire::name_of(type)));
        }
    }

    if (mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                    MBEDTLS_SSL_PRESET_DEFAULT) != 0) {
        unplayable("mbed TLS cannot be set up");
    }
    const auto offered = [&](ExtensionType type) {
        return wire::find_extension(hello.extensions, type) != nullptr;
    };
    mbedtls_ssl_conf_rng(&config, draw_random, nullptr);
    mbedtls_ssl_conf_authmode(&config, MBEDTLS_SSL_VERIFY_NONE);
    mbedtls_ssl_conf_min_version(&config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_1);
    // The premaster secret repeats this one (RFC 5246 7.4.7.1), so it is exactly what was offered.
    mbedtls_ssl_conf_max_version(&config, static_cast<int>(hello.client_version) >> 8,
                                 static_cast<int>(hello.client_version) & 0xff);
    suites[0] = code;
    mbedtls_ssl_conf_ciphersuites(&config, suites);
    mbedtls_ssl_conf_arc4_support(&config, MBEDTLS_SSL_ARC4_ENABLED);
    mbedtls_ssl_conf_curves(&config, mbedtls_ecp_grp_id_list());
    mbedtls_ssl_conf_sig_hashes(&config, accepted_hashes);
    mbedtls_ssl_conf_dhm_min_bitlen(&config, min_dh_bits);
    mbedtls_ssl_conf_extended_master_secret(&config, offered(ExtensionType::extended_master_secret)
                                                         ? MBEDTLS_SSL_EXTENDED_MS_ENABLED
                                                         : MBEDTLS_SSL_EXTENDED_MS_DISABLED);
    mbedtls_ssl_conf_encrypt_then_mac(&config, offered(ExtensionType::encrypt_then_mac)
                                                   ? MBEDTLS_SSL_ETM_ENABLED
                                                   : MBEDTLS_SSL_ETM_DISABLED);
    mbedtls_ssl_conf_session_tickets(&config, offered(ExtensionType::session_ticket)
                                                  ? MBEDTLS_SSL_SESSION_TICKETS_ENABLED
                                                  : MBEDTLS_SSL_SESSION_TICKETS_DISABLED);
    mbedtls_ssl_conf_legacy_renegotiation(&config, MBEDTLS_SSL_LEGACY_NO_RENEGOTIATION);
    if (mbedtls_ssl_setup(&ssl, &config) != 0) unplayable("mbed TLS cannot be set up");

    const auto receive_from_input = [](void* self, unsigned char* to, std::size_t length) {
        auto& state = *static_cast<State*>(self);
        const std::size_t left = state.input.size() - state.input_position;
        if (left == 0) return MBEDTLS_ERR_SSL_WANT_READ;
        const std::size_t taken = std::min(left, length);
        std::memcpy(to, state.input.data() + state.input_position, taken);
        state.input_position += taken;
        return static_cast<int>(taken);
    };
    const auto send_to_output = [](void* self, const unsigned char* from, std::size_t length) {
        append(static_cast<State*>(self)->output, ByteView(from, length));
        return static_cast<int>(length);
    };
    mbedtls_ssl_set_bio(&ssl, this, send_to_output, receive_from_input, nullptr);
}

// mbed TLS sets itself up by reading a ServerHello. It gets one with only those extensions that
// change the computation: it would refuse others that devices pass over. The hash of the handshake
// is then begun anew, with the octets as they were.
void Engine::State::give_server_hello(const SentHello& hello,
                                      const wire::ServerHello& server_hello) {
    std::copy(hello.random.begin(), hello.random.end(), ssl.handshake->randbytes);
    ssl.major_ver = MBEDTLS_SSL_MAJOR_VERSION_3;
    ssl.minor_ver = static_cast<int>(version) & 0xff;
    ssl.state = MBEDTLS_SSL_SERVER_HELLO;

    wire::ServerHello plain = server_hello;
    plain.extensions.reset();
    plain.session_id.resize(std::min<std::size_t>(plain.session_id.size(), 32));
    wire::Extensions kept;
    for (const ExtensionType type :
         {ExtensionType::extended_master_secret, ExtensionType::encrypt_then_mac,
          ExtensionType::session_ticket}) {
        if (wire::find_extension(server_hello.extensions, type) != nullptr &&
            wire::find_extension(hello.extensions, type) != nullptr) {
            kept.push_back({type, {}, 0});
        }
    }
    if (!kept.empty()) plain.extensions = std::move(kept);
    wire::HandshakeMessage message;
    message.type = HandshakeType::server_hello;
    message.body = wire::encode(plain);
    input =
        wire::encode(wire::Record{wire::ContentType::handshake, version, wire::encode(message), 0});
    input_position = 0;
    step_quietly();
    if (ssl.state != MBEDTLS_SSL_SERVER_CERTIFICATE) unplayable("mbed TLS refuses the ServerHello");
    input.clear();
    input_position = 0;

    mbedtls_ssl_reset_checksum(&ssl);
    ssl.handshake->update_checksum(&ssl, hello.transcript.data(), hello.transcript.size());
}

// A step over what was made ready here: nothing is sent for it, not even an alert.
void Engine::State::step_quietly() {
    const std::size_t sent = output.size();
    const int status = mbedtls_ssl_handshake_step(&ssl);
    output.resize(sent);
    if (status != 0) unplayable(describe_error(status));
}

// Only RSA and static ECDH key exchange need the key afterwards.
void Engine::State::take_certificate(ByteView subject_public_key_info) {
    auto* certificate = static_cast<mbedtls_x509_crt*>(mbedtls_calloc(1, sizeof(mbedtls_x509_crt)));
    if (certificate == nullptr) unplayable("mbed TLS has no memory left");
    mbedtls_x509_crt_init(certificate);
    ssl.session_negotiate->peer_cert = certificate;
    Bytes copy = to_bytes(subject_public_key_info);
    unsigned char* position = copy.data();
    const int status =
        mbedtls_pk_parse_subpubkey(&position, copy.data() + copy.size(), &certificate->pk);
    if (status != 0) {
        unplayable(fmt::format("the server's public key: {}", describe_error(status)));
    }
    ssl.state = MBEDTLS_SSL_SERVER_KEY_EXCHANGE;
    step_quietly();
}

void Engine::State::take_key_exchange(ByteView body, ByteView subject_public_key_info) {
    const auto message = wire::decode_server_key_exchange(body, suite->key_exchange, version);
    if (!message) failed(to_string(message.error()));
    Bytes params = message->signed_params;
    unsigned char* position = params.data();
    unsigned char* const end = params.data() + params.size();
    if (const auto* dh = std::get_if<wire::DhParams>(&message->params)) {
        const std::size_t bits = dh->p_bits();
        if (bits < min_dh_bits || bits > max_dh_bits) {
            unplayable(
                fmt::format("a Diffie-Hellman prime of {} bits; the limits here are {} and {}",
                            bits, min_dh_bits, max_dh_bits));
        }
        const int status = mbedtls_dhm_read_params(&ssl.handshake->dhm_ctx, &position, end);
        // What it refuses a client may take: the rules on the values say what is wrong with them.
        if (status != 0) {
            unplayable(fmt::format("Diffie-Hellman values: {}", describe_error(status)));
        }
    } else if (const auto* ecdh = std::get_if<wire::EcdhParams>(&message->params)) {
        if (ecdh->curve_type != 3) unplayable("mbed TLS lacks explicit curves");
        if (mbedtls_ecp_curve_info_from_tls_id(static_cast<std::uint16_t>(ecdh->named_curve)) ==
            nullptr) {
            unplayable(fmt::format("mbed TLS lacks {}", wire::name_of(ecdh->named_curve)));
        }
        const unsigned char* from = position;
        const int status = mbedtls_ecdh_read_params(&ssl.handshake->ecdh_ctx, &from, end);
        if (status != 0) unplayable(fmt::format("the server's point: {}", describe_error(status)));
    } else {
        failed("a ServerKeyExchange in a suite without one");
    }
    verify(*message, subject_public_key_info);
}

void Engine::State::verify(const wire::ServerKeyExchange& message,
                           ByteView subject_public_key_info) {
    Bytes tbs(ssl.handshake->randbytes, ssl.handshake->randbytes + 64);
    append(tbs, message.signed_params);

    const bool ecdsa = suite->key_exchange == wire::KeyExchange::ecdhe_ecdsa;
    crypto::SignatureResult result;
    if (version == wire::ProtocolVersion::tls_1_2) {
        const wire::SignatureScheme scheme = message.algorithm.value_or(wire::SignatureScheme{});
        const SignedWith algorithm = signed_with(scheme);
        if (algorithm.oid.empty()) {
            result.detail = fmt::format("signed with {}", wire::name_of(scheme));
        } else {
            result = crypto::verify_signature(tbs, algorithm.oid,
                                              algorithm.parameters.empty()
                                                  ? std::nullopt
                                                  : std::optional<ByteView>(algorithm.parameters),
                                              message.signature, subject_public_key_info);
        }
    } else if (ecdsa) {  // RFC 4492 5.4
        result = crypto::verify_signature(tbs, "1.2.840.10045.4.1", std::nullopt, message.signature,
                                          subject_public_key_info);
    } else {  // RFC 4346 7.4.3: MD5 and SHA-1 side by side, without a DigestInfo
        const auto md5 = crypto::digest(crypto::HashAlgorithm::md5, tbs);
        const auto sha1 = crypto::digest(crypto::HashAlgorithm::sha1, tbs);
        Bytes copy = to_bytes(subject_public_key_info);
        unsigned char* position = copy.data();
        if (!md5 || !sha1 ||
            mbedtls_pk_parse_subpubkey(&position, copy.data() + copy.size(), &peer_key) != 0) {
            result.detail = "the public key cannot be used";
        } else if (mbedtls_pk_can_do(&peer_key, MBEDTLS_PK_RSA) == 0) {
            result = {crypto::SignatureCheck::bad, "the key is no RSA key"};
        } else {
            Bytes both = *md5;
            append(both, *sha1);
            const int status =
                mbedtls_pk_verify(&peer_key, MBEDTLS_MD_NONE, both.data(), both.size(),
                                  message.signature.data(), message.signature.size());
            result.check = status == 0 ? crypto::SignatureCheck::good : crypto::SignatureCheck::bad;
            if (status != 0) result.detail = describe_error(status);
        }
    }
    if (result.check == crypto::SignatureCheck::bad) {
        output = wire::encode(
            wire::Record{wire::ContentType::alert, version,
                         wire::encode(wire::Alert{wire::AlertLevel::fatal,
                                                  wire::AlertDescription::decrypt_error}),
                         0});
        failed(
            fmt::format("the server's signature over ServerKeyExchange is bad: {}", result.detail));
    }
    if (result.check == crypto::SignatureCheck::not_checkable) {
        outcome.detail =
            fmt::format("the signature over ServerKeyExchange was not checked: {}", result.detail);
    }
}

void Engine::State::begin(const SentHello& hello,
                          const std::vector<wire::HandshakeMessage>& flight) {
    // The order of RFC 5246 7.3 and RFC 6066 8; HelloRequest may come at any time and counts for
    // nothing (RFC 5246 7.4.1.1).
    constexpr HandshakeType order[] = {
        HandshakeType::server_hello,        HandshakeType::certificate,
        HandshakeType::certificate_status,  HandshakeType::server_key_exchange,
        HandshakeType::certificate_request, HandshakeType::server_hello_done};
    const wire::HandshakeMessage* messages[std::size(order)] = {};
    std::vector<const wire::HandshakeMessage*> hashed;
    std::size_t next = 0;
    for (const wire::HandshakeMessage& message : flight) {
        if (message.type == HandshakeType::hello_request) continue;
        const auto* place = std::find(std::begin(order) + next, std::end(order), message.type);
        if (place == std::end(order)) {
            failed(fmt::format("{} where it may not stand", wire::name_of(message.type)));
        }
        const auto index = static_cast<std::size_t>(place - std::begin(order));
        messages[index] = &message;
        hashed.push_back(&message);
        next = index + 1;
    }
    const auto* const hello_message = messages[0];
    if (hello_message == nullptr) failed("no ServerHello");
    const auto server_hello = wire::decode_server_hello(hello_message->body);
    if (!server_hello) failed(to_string(server_hello.error()));

    set_up(hello, *server_hello);
    give_server_hello(hello, *server_hello);

    if (messages[1] == nullptr) failed("no Certificate");
    const auto certificates = wire::decode_certificate_message(messages[1]->body);
    if (!certificates) failed(to_string(certificates.error()));
    if (certificates->certificate_list.empty())
        failed("a Certificate message without certificates");
    const Bytes& leaf = certificates->certificate_list.front();
    const auto key = crypto::find_subject_public_key_info(leaf);
    if (!key) unplayable("the public key of the server's certificate cannot be found");

    const wire::KeyExchange exchange = suite->key_exchange;
    const bool ephemeral = exchange == wire::KeyExchange::dhe_rsa ||
                           exchange == wire::KeyExchange::ecdhe_rsa ||
                           exchange == wire::KeyExchange::ecdhe_ecdsa;
    if (ephemeral) {
        if (messages[3] == nullptr) failed("no ServerKeyExchange");
        take_key_exchange(messages[3]->body, *key);
    } else {
        if (messages[3] != nullptr) failed("a ServerKeyExchange in a suite without one");
        take_certificate(*key);
    }
    for (const wire::HandshakeMessage* message : hashed)
        hash(*message);
    ssl.client_auth = messages[4] != nullptr ? 1 : 0;
    ssl.state = MBEDTLS_SSL_CLIENT_CERTIFICATE;
    go_on();
}

void Engine::State::go_on() {
    while (outcome.kind == Kind::none && ssl.state != MBEDTLS_SSL_HANDSHAKE_OVER) {
        const int status = mbedtls_ssl_handshake_step(&ssl);
        sent_all = sent_all || ssl.state > MBEDTLS_SSL_CLIENT_FINISHED;
        if (status == MBEDTLS_ERR_SSL_WANT_READ) break;
        if (status != 0) return stop(status);
    }
    if (outcome.kind == Kind::none && ssl.state == MBEDTLS_SSL_HANDSHAKE_OVER) {
        mbedtls_ssl_close_notify(&ssl);
        set(Kind::finished, {});
    }
    input.erase(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(input_position));
    input_position = 0;
}

void Engine::State::stop(int status) {
    switch (status) {
        case MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE:
            return set(Kind::alert, {},
                       wire::Alert{static_cast<wire::AlertLevel>(ssl.in_msg[0]),
                                   static_cast<wire::AlertDescription>(ssl.in_msg[1])});
        case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
            return set(
                Kind::alert, {},
                wire::Alert{wire::AlertLevel::warning, wire::AlertDescription::close_notify});
        case MBEDTLS_ERR_SSL_BAD_HS_FINISHED:
            return set(Kind::failed, "the server's Finished does not verify");
        case MBEDTLS_ERR_SSL_INVALID_MAC:
            return set(Kind::failed, "the MAC of a record does not verify");
        default:
            set(sent_all ? Kind::failed : Kind::unplayable, describe_error(status));
    }
}

Engine::Engine(const SentHello& hello, const std::vector<wire::HandshakeMessage>& flight)
    : state_(std::make_unique<State>()) {
    try {
        state_->begin(hello, flight);
    } catch (Stop& stop) {
        state_->set(stop.kind, std::move(stop.detail));
    }
}

Engine::~Engine() = default;

void Engine::receive(ByteView bytes) {
    if (state_->outcome.kind != Kind::none) return;
    append(state_->input, bytes);
    state_->go_on();
}

Bytes Engine::take_output() {
    return std::exchange(state_->output, {});
}

const wire::Continuation& Engine::outcome() const {
    return state_->outcome;
}

}  // namespace handset::session
