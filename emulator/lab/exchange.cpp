#include "emulator/lab/exchange.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <random>

#include "handshake/base/reader.h"
#include "handshake/base/writer.h"
#include "handshake/crypto/signature.h"
#include "handshake/session/key_agreement.h"
#include "handshake/session/protection.h"
#include "handshake/wire/client_hello.h"
#include "handshake/wire/v2_client_hello.h"

namespace handset::lab {

namespace {

using wire::ExtensionType;
using wire::HandshakeType;
using wire::KeyExchange;
using wire::ProtocolVersion;

constexpr std::size_t usual_dh_bits = 2048;
constexpr std::uint16_t renegotiation_scsv = 0x00ff;
constexpr std::size_t max_fragment = std::size_t{1} << 14;  // RFC 5246 6.2.1

// What the client offers, whatever the framing of its hello.
struct Offer {
    ProtocolVersion version{};
    Bytes random;
    std::vector<wire::CipherSuite> suites;
    std::optional<wire::Extensions> extensions;

    bool has(wire::CipherSuite suite) const {
        return std::ranges::find(suites, suite) != suites.end();
    }
    bool renegotiation_info() const {
        return has(static_cast<wire::CipherSuite>(renegotiation_scsv)) ||
               wire::find_extension(extensions, ExtensionType::renegotiation_info);
    }
    std::string server_name() const {
        const auto* extension = wire::find_extension(extensions, ExtensionType::server_name);
        if (!extension) return "";
        const auto names = wire::decode_server_name(extension->data);
        return names && !names->empty() ? names->front() : "";
    }
    std::optional<std::vector<wire::NamedGroup>> groups() const {
        const auto* extension = wire::find_extension(extensions, ExtensionType::supported_groups);
        if (!extension) return std::nullopt;
        const auto groups = wire::decode_supported_groups(extension->data);
        return groups ? std::optional(*groups) : std::nullopt;
    }
    std::optional<std::vector<wire::SignatureScheme>> schemes() const {
        const auto* extension =
            wire::find_extension(extensions, ExtensionType::signature_algorithms);
        if (!extension) return std::nullopt;
        const auto schemes = wire::decode_signature_algorithms(extension->data);
        return schemes ? std::optional(*schemes) : std::nullopt;
    }
};

Offer offer_of(const wire::ClientHello& hello) {
    return {hello.client_version, hello.random, hello.cipher_suites, hello.extensions};
}
Offer offer_of(const wire::V2ClientHello& hello) {
    Offer offer{hello.version, wire::random_of(hello), {}, std::nullopt};
    for (const std::uint32_t spec : hello.cipher_specs) {
        if (spec <= 0xffff) offer.suites.push_back(static_cast<wire::CipherSuite>(spec));
    }
    return offer;
}

// Ciphers in the order in which they are taken; those of TLS 1.2 first.
constexpr std::string_view ciphers[] = {
    "AES_128_GCM_SHA256", "AES_256_GCM_SHA384", "AES_128_CBC_SHA",    "AES_256_CBC_SHA",
    "AES_128_CBC_SHA256", "AES_256_CBC_SHA256", "AES_256_CBC_SHA384", "3DES_EDE_CBC_SHA",
    "RC4_128_SHA",        "RC4_128_MD5"};
bool is_of_tls_1_2(std::string_view cipher) {
    return cipher.ends_with("SHA256") || cipher.ends_with("SHA384");
}

// The first suite of a key exchange that both sides can play.
std::optional<wire::CipherSuite> find_suite(const Offer& offer, ProtocolVersion version,
                                            std::string_view key_exchange) {
    for (const std::string_view cipher : ciphers) {
        if (is_of_tls_1_2(cipher) && version < ProtocolVersion::tls_1_2) continue;
        const auto suite =
            wire::cipher_suite_from_name(fmt::format("TLS_{}_WITH_{}", key_exchange, cipher));
        if (suite && offer.has(*suite) && session::can_protect(*suite)) return suite;
    }
    return std::nullopt;
}

constexpr std::string_view curves[] = {"secp256r1", "secp384r1", "secp521r1", "x25519",
                                       "secp224r1", "secp192r1", "secp256k1", "brainpoolP256r1"};
constexpr std::string_view rsa_schemes[] = {"rsa_pkcs1_sha256", "rsa_pkcs1_sha384",
                                            "rsa_pkcs1_sha512", "rsa_pkcs1_sha1"};
constexpr std::string_view ecdsa_schemes[] = {"ecdsa_secp256r1_sha256", "ecdsa_secp384r1_sha384",
                                              "ecdsa_secp521r1_sha512", "ecdsa_sha1"};

// Thrown and caught inside this file: the case cannot be shown to this client.
struct CannotShow {
    std::string why;
};

// The script with everything filled in that it leaves open.
struct Answer {
    forge::Server server;
    KeyExchange key_exchange = KeyExchange::other;
    std::optional<session::KeyAgreement> agreement;
    bool can_finish = true;
    bool new_session_ticket = false;  // is owed to the client (RFC 5077 3.2)
};

Bytes all_ones(std::size_t bits) {
    Bytes octets((bits + 7) / 8, 0xff);
    if (bits % 8 != 0) octets.front() = static_cast<std::uint8_t>((1U << (bits % 8)) - 1);
    return octets;
}

class Answering {
public:
    Answering(const Shown& shown, const Offer& offer, const crypto::PrivateKey& key)
        : script_(shown.server), offer_(offer), key_(key) {
        const auto in_certificate = shown.chain.empty()
                                        ? std::nullopt
                                        : crypto::find_subject_public_key_info(shown.chain.front());
        has_own_key_ = in_certificate && equal(*in_certificate, key.public_key());
    }

    Answer answer() {
        Answer answer;
        answer.server = script_;
        forge::Server& server = answer.server;
        if (script_.raw) {
            answer.can_finish = false;
            return answer;
        }
        if (!server.version) {
            server.version = std::min(offer_.version, ProtocolVersion::tls_1_2);
            if (*server.version < ProtocolVersion::tls_1_0) {
                throw CannotShow{fmt::format("the client offers {}", name_of(offer_.version))};
            }
        }
        // An alert in place of everything needs no suite.
        if (script_.alert && !script_.messages) {
            answer.can_finish = false;
            return answer;
        }
        // What every server answers is no fault, as long as the client asked.
        if (server.renegotiation_info == Bytes{0} && !offer_.renegotiation_info()) {
            server.renegotiation_info.reset();
        }
        if (!server.cipher_suite) server.cipher_suite = choose_suite();
        const auto* info = wire::find_cipher_suite(*server.cipher_suite);
        if (info) answer.key_exchange = info->key_exchange;
        answer.can_finish = session::can_protect(*server.cipher_suite) &&
                            *server.version >= ProtocolVersion::tls_1_0 &&
                            *server.version <= ProtocolVersion::tls_1_2 &&
                            server.compression == wire::CompressionMethod::null &&
                            !is_agreed(ExtensionType::extended_master_secret) &&
                            !is_agreed(ExtensionType::encrypt_then_mac);
        answer.new_session_ticket = is_agreed(ExtensionType::session_ticket);
        switch (answer.key_exchange) {
            case KeyExchange::ecdhe_rsa:
            case KeyExchange::ecdhe_ecdsa:
                agree_on_curve(answer);
                break;
            case KeyExchange::dhe_rsa:
                agree_in_group(answer);
                break;
            case KeyExchange::rsa:
                answer.can_finish = answer.can_finish && key_.is_rsa() && has_own_key_;
                break;
            default:
                answer.can_finish = false;
        }
        return answer;
    }

private:
    // Whether both sides name it in their hellos.
    bool is_agreed(ExtensionType type) const {
        return wire::find_extension(offer_.extensions, type) &&
               std::ranges::find(script_.extensions, type, &wire::Extension::type) !=
                   script_.extensions.end();
    }

    // Its messages are listed, and ServerKeyExchange is not one of them.
    bool lists_no_key_exchange() const {
        return script_.messages && !script_.messages->empty() &&
               std::ranges::find(*script_.messages, HandshakeType::server_key_exchange,
                                 &forge::ScriptedMessage::type) == script_.messages->end();
    }

    wire::CipherSuite choose_suite() const {
        std::vector<std::string_view> exchanges{"ECDHE_ECDSA"};
        if (key_.is_rsa()) exchanges = {"ECDHE_RSA", "RSA", "DHE_RSA"};
        // With another key in the certificate nothing signed verifies; RSA alone asks for no
        // signature, so that the client gets to see what is odd about the key.
        if (key_.is_rsa() && !has_own_key_) exchanges = {"RSA", "ECDHE_RSA", "DHE_RSA"};
        const bool dhe = script_.dh_bits > 0 || !script_.dh_p.empty();
        if (key_.is_rsa() && lists_no_key_exchange()) {
            exchanges = {"RSA"};
        } else if (dhe) {
            exchanges = {"DHE_RSA"};
        } else if (script_.group) {
            exchanges = {key_.is_rsa() ? "ECDHE_RSA" : "ECDHE_ECDSA"};
        }
        for (const std::string_view exchange : exchanges) {
            if (exchange.starts_with("ECDHE") && !script_.group && !common_curve()) continue;
            if (const auto suite = find_suite(offer_, *version(), exchange)) return *suite;
        }
        throw CannotShow{fmt::format("the client offers no suite with {} that can be played here",
                                     exchanges.front())};
    }
    std::optional<ProtocolVersion> version() const {
        return script_.version.value_or(std::min(offer_.version, ProtocolVersion::tls_1_2));
    }

    std::optional<wire::NamedGroup> common_curve() const {
        const auto offered = offer_.groups();
        for (const std::string_view name : curves) {
            const auto curve = wire::named_group_from_name(name);
            if (!curve) continue;
            if (!offered) return curve;  // RFC 8422 4: any will do
            if (std::ranges::find(*offered, *curve) != offered->end()) return curve;
        }
        return std::nullopt;
    }

    void choose_scheme(forge::Server& server) const {
        if (server.signature_scheme || *server.version < ProtocolVersion::tls_1_2) return;
        const auto offered = offer_.schemes();
        const std::span<const std::string_view> known =
            key_.is_rsa() ? std::span(rsa_schemes) : std::span(ecdsa_schemes);
        for (const std::string_view name : known) {
            const auto scheme = wire::signature_scheme_from_name(name);
            if (!scheme) continue;
            if (offered && std::ranges::find(*offered, *scheme) != offered->end()) {
                server.signature_scheme = scheme;
                return;
            }
        }
        // RFC 5246 7.4.1.4.1: who says nothing takes SHA-1.
        server.signature_scheme =
            wire::signature_scheme_from_name(offered ? known.front() : known.back());
    }

    void agree_on_curve(Answer& answer) const {
        forge::Server& server = answer.server;
        choose_scheme(server);
        if (!server.group) server.group = common_curve();
        if (!server.group) throw CannotShow{"the client offers no curve that is known here"};
        answer_point_formats(server);
        if (server.point) {
            answer.can_finish = false;
            return;
        }
        answer.agreement = session::KeyAgreement::on_curve(*server.group);
        if (!answer.agreement) {
            throw CannotShow{fmt::format("{} is not at hand", wire::name_of(*server.group))};
        }
        server.point = answer.agreement->public_value();
    }

    // RFC 8422 5.2: what every server of the field answers to a client that offers formats.
    void answer_point_formats(forge::Server& server) const {
        const auto type = ExtensionType::ec_point_formats;
        const bool scripted = std::ranges::find(server.extensions, type, &wire::Extension::type) !=
                              server.extensions.end();
        if (scripted || !wire::find_extension(offer_.extensions, type)) return;
        server.extensions.push_back({type, wire::encode_ec_point_formats({0}), 0});
    }

    void agree_in_group(Answer& answer) const {
        forge::Server& server = answer.server;
        choose_scheme(server);
        if (server.dh_p.empty()) {
            const std::size_t bits = server.dh_bits == 0 ? usual_dh_bits : server.dh_bits;
            // A search for a longer prime takes too long; what looks like one does as well.
            server.dh_p = session::dh_prime(bits).value_or(all_ones(bits));
        }
        if (server.dh_ys) {
            answer.can_finish = false;
            return;
        }
        answer.agreement = session::KeyAgreement::with_group(server.dh_p, server.dh_g);
        if (answer.agreement) {
            server.dh_ys = answer.agreement->public_value();
        } else {
            answer.can_finish = false;
        }
    }

    const forge::Server& script_;
    const Offer& offer_;
    const crypto::PrivateKey& key_;
    bool has_own_key_ = false;  // the certificate's key is the server's
};

Bytes random_octets(std::size_t length) {
    std::random_device device;
    Bytes octets(length);
    std::ranges::generate(octets, [&] { return static_cast<std::uint8_t>(device()); });
    return octets;
}

Bytes plain_record(ProtocolVersion version, wire::ContentType type, Bytes fragment) {
    return wire::encode(wire::Record{type, version, std::move(fragment), 0});
}
Bytes encoded(HandshakeType type, Bytes body) {
    return wire::encode(wire::HandshakeMessage{type, std::move(body), 0, 1, true});
}
Bytes finished_message(Bytes verify_data) {
    return encoded(HandshakeType::finished, std::move(verify_data));
}
Bytes alert_record(ProtocolVersion version, wire::AlertDescription description) {
    return plain_record(version, wire::ContentType::alert,
                        wire::encode(wire::Alert{wire::AlertLevel::fatal, description}));
}

}  // namespace

struct Exchange::State {
    Choose choose;
    ExchangeLimits limits;
    Observation seen;
    std::deque<Output> output;
    Wish wish = Wish::read;
    bool over = false;  // nothing the client says counts any more

    Bytes before_hello;  // octets whose framing is not known yet, or of an SSLv2 hello
    bool is_tls = false;
    bool hello_seen = false;
    wire::RecordStream stream;
    const Shown* shown = nullptr;
    const crypto::PrivateKey* key = nullptr;
    Answer answer;
    forge::Randoms randoms;
    Bytes transcript;
    std::optional<session::Protection> protection;
    bool sealing = false;       // what the server says is protected
    Bytes protected_handshake;  // of the client, not whole yet

    void finish(Wish how) {
        wish = how;
        over = true;
    }
    void give_up(wire::AlertDescription description, std::string why) {
        seen.detail = std::move(why);
        seen.end = End::server;
        finish(Wish::close);
        const wire::Alert alert{wire::AlertLevel::fatal, description};
        const auto version = answer.server.version.value_or(ProtocolVersion::tls_1_0);
        output.push_back({sealing ? protection->seal(wire::ContentType::alert, wire::encode(alert))
                                  : alert_record(version, description),
                          {}});
    }
    void reach_limit(std::string what) {
        seen.end = End::limit;
        seen.detail = std::move(what);
        finish(Wish::close);
    }
    void take_alert(const wire::Alert& alert, bool encrypted) {
        if (seen.alerts.size() < limits.max_alerts) {
            seen.alerts.push_back({alert, encrypted});
        } else if (!over) {
            reach_limit("the client sent too many alerts");
        }
    }

    void receive(ByteView octets) {
        if (over) {
            if (seen.octets_received <= limits.max_received_bytes) stream.feed(octets);
        } else {
            receive_first_words(octets);
        }
        if (over) take_last_words();
    }
    void receive_first_words(ByteView octets) {
        if (seen.octets_received > limits.max_received_bytes) {
            return reach_limit("the client sent too much");
        }
        if (hello_seen) {
            stream.feed(octets);
        } else {
            take_hello_octets(octets);
        }
        if (hello_seen && !over) take_events();
    }
    // The alert of a client that refused what the server has said before it closed.
    void take_last_words() {
        if (!hello_seen) return;
        while (const auto event = stream.next()) {
            if (event->kind == wire::StreamEvent::Kind::alert) take_alert(event->alert, false);
            if (event->kind == wire::StreamEvent::Kind::other) take_last_record(event->record);
        }
    }
    void take_last_record(const wire::Record& record) {
        if (!protection) return;
        const auto plaintext = protection->open(record);
        if (!plaintext || record.type != wire::ContentType::alert) return;
        if (const auto alert = wire::decode_alert(*plaintext)) take_alert(*alert, true);
    }

    // --- hello ---------------------------------------------------------------------------------
    void take_hello_octets(ByteView octets) {
        if (seen.octets_received > limits.max_hello_bytes) {
            return reach_limit("what should be a ClientHello is too long");
        }
        if (!is_tls) {
            append(before_hello, octets);
            if (before_hello.size() < wire::record_header_length) return;
            if (wire::looks_like_v2_client_hello(before_hello)) return take_v2_hello();
            is_tls = true;
            octets = before_hello;
        }
        stream.feed(octets);
        take_tls_hello();
    }

    void take_v2_hello() {
        const std::size_t length =
            2 + ((std::size_t{before_hello[0]} & 0x7f) << 8 | before_hello[1]);
        if (before_hello.size() < length) return;
        const ByteView record = ByteView(before_hello).first(length);
        const auto hello = wire::decode_v2_client_hello(record);
        if (!hello) return no_hello(to_string(hello.error()));
        seen.flight.client_hello = to_bytes(record);
        transcript = to_bytes(record.subspan(2));
        hello_seen = true;
        const Bytes rest = to_bytes(ByteView(before_hello).subspan(length));
        greet(offer_of(*hello));
        stream.feed(rest);
    }

    void take_tls_hello() {
        const auto event = stream.next();
        if (!event) {
            if (stream.failed()) no_hello(to_string(stream.error()));
            return;
        }
        if (event->kind == wire::StreamEvent::Kind::alert) {
            take_alert(event->alert, false);
            return no_hello("an alert in place of a ClientHello");
        }
        if (event->kind != wire::StreamEvent::Kind::handshake ||
            event->message.type != HandshakeType::client_hello) {
            return no_hello("not a ClientHello");
        }
        const auto hello = wire::decode_client_hello(event->message.body);
        if (!hello) return no_hello(to_string(hello.error()));
        // A hello in several records is kept as one; nothing but the framing is lost.
        const Bytes message = wire::encode(event->message);
        if (message.size() > max_fragment) {
            return reach_limit(fmt::format("a ClientHello of {} octets", message.size()));
        }
        seen.flight.client_hello = wire::encode(
            wire::Record{wire::ContentType::handshake, event->record_version, message, 0});
        transcript = message;
        hello_seen = true;
        greet(offer_of(*hello));
    }

    void no_hello(std::string why) {
        give_up(wire::AlertDescription::decode_error, std::move(why));
    }

    // --- the flight ------------------------------------------------------------------------------
    void greet(const Offer& offer) {
        seen.reached = Reached::hello;
        seen.sni = printable(offer.server_name());
        shown = choose(offer.server_name());
        if (!shown) {
            return give_up(wire::AlertDescription::unrecognized_name,
                           "no case belongs to the name that was asked for");
        }
        seen.case_id = shown->id;
        try {
            key = &forge::load_key(shown->key);
            answer = Answering(*shown, offer, *key).answer();
            randoms = {offer.random, random_octets(32)};
            seen.flight.bytes = forge::write_flight(answer.server, shown->chain, *key, randoms);
        } catch (const CannotShow& error) {
            return give_up(wire::AlertDescription::handshake_failure, error.why);
        } catch (const forge::ForgeError& error) {
            return give_up(wire::AlertDescription::internal_error, error.what());
        }
        seen.version = answer.server.version;
        seen.cipher_suite = answer.server.cipher_suite;
        seen.reached = Reached::flight;
        seen.can_finish = answer.can_finish;
        send_in_pieces(seen.flight.bytes);
        read_own_flight();
        end_by_script();
    }

    void send_in_pieces(ByteView octets) {
        const forge::Server& script = answer.server;
        const std::size_t most = script.piece > 0 ? script.piece : octets.size();
        const std::chrono::milliseconds pause(script.pause_ms);
        while (!octets.empty()) {
            const std::size_t length = std::min(most, octets.size());
            output.push_back({to_bytes(octets.first(length)), pause});
            octets = octets.subspan(length);
        }
    }

    // What a client that reads on hashes, and whether it has all it needs.
    void read_own_flight() {
        wire::RecordStream own;
        own.feed(seen.flight.bytes);
        bool done = false;
        while (const auto event = own.next()) {
            if (event->kind != wire::StreamEvent::Kind::handshake) continue;
            append(transcript, wire::encode(event->message));
            done = done || event->message.type == HandshakeType::server_hello_done;
        }
        seen.flight_sent_whole = done;
        seen.can_finish = seen.can_finish && done && !own.failed();
    }

    void end_by_script() {
        if (!answer.server.ending) {
            if (answer.server.alert) {
                seen.end = End::server;
                finish(Wish::close);
            }
            return;
        }
        switch (*answer.server.ending) {
            case wire::Ending::closed:
                seen.end = End::server;
                return finish(Wish::close);
            case wire::Ending::reset:
                seen.end = End::server;
                return finish(Wish::reset);
            default:
                return;  // it stays silent
        }
    }

    // --- the client's flight ---------------------------------------------------------------------
    void take_events() {
        while (!over) {
            const auto event = stream.next();
            if (!event) break;
            take(*event);
        }
        if (stream.failed() && !over) {
            reach_limit("the client's octets: " + to_string(stream.error()));
        }
    }

    void take(const wire::StreamEvent& event) {
        using Kind = wire::StreamEvent::Kind;
        switch (event.kind) {
            case Kind::alert:
                return take_alert(event.alert, false);
            case Kind::handshake:
                return take_message(event.message);
            case Kind::change_cipher_spec:
                return;  // what follows is protected
            case Kind::other:
                return take_protected(event.record);
        }
    }

    void take_message(const wire::HandshakeMessage& message) {
        if (message.type == HandshakeType::client_key_exchange) {
            seen.reached = std::max(seen.reached, Reached::client_key_exchange);
            if (!seen.can_finish) {
                return give_up(wire::AlertDescription::internal_error,
                               "the client went on; the server has no key for this flight");
            }
            const auto secret = premaster_secret(message.body);
            if (!secret) {
                return give_up(wire::AlertDescription::decrypt_error,
                               "the client's key exchange cannot be read");
            }
            protection.emplace(*seen.version, *seen.cipher_suite, *secret, randoms.client,
                               randoms.server);
        }
        append(transcript, wire::encode(message));
    }

    std::optional<Bytes> premaster_secret(ByteView body) {
        Reader in(body, "ClientKeyExchange");
        switch (answer.key_exchange) {
            case KeyExchange::rsa: {
                const Bytes encrypted = to_bytes(in.vector16("encrypted_pre_master_secret").rest());
                const auto secret = key->decrypt(encrypted);
                return secret && secret->size() == 48 ? secret : std::nullopt;
            }
            case KeyExchange::dhe_rsa:
                return answer.agreement->premaster_secret(in.vector16("dh_Yc").rest());
            default:
                return answer.agreement->premaster_secret(in.vector8("ecdh_Yc").rest());
        }
    }

    void take_protected(const wire::Record& record) {
        if (!protection) return;
        const auto plaintext = protection->open(record);
        if (!plaintext) {
            return give_up(wire::AlertDescription::bad_record_mac,
                           "the client's record does not open with the keys of the handshake");
        }
        switch (record.type) {
            case wire::ContentType::alert:
                if (const auto alert = wire::decode_alert(*plaintext)) take_alert(*alert, true);
                return;
            case wire::ContentType::handshake:
                return take_finished(*plaintext);
            case wire::ContentType::application_data:
                if (seen.reached < Reached::finished) {
                    return give_up(wire::AlertDescription::unexpected_message,
                                   "application data in front of the client's Finished");
                }
                if (!plaintext->empty()) take_request();
                return;
            default:
                return;
        }
    }

    void take_finished(ByteView plaintext) {
        if (seen.reached >= Reached::finished) return;  // a renegotiation is not answered
        append(protected_handshake, plaintext);
        const Bytes expected =
            finished_message(protection->verify_data(session::Side::client, transcript));
        if (protected_handshake.size() < expected.size()) return;
        if (protected_handshake != expected) {
            return give_up(wire::AlertDescription::decrypt_error,
                           "the client's Finished does not verify");
        }
        seen.reached = Reached::finished;
        append(transcript, protected_handshake);
        protected_handshake.clear();
        answer_finished();
    }

    void answer_finished() {
        using Kind = wire::Continuation::Kind;
        const wire::Continuation& script = answer.server.continuation;
        seen.flight.continuation = script;
        const ProtocolVersion version = *seen.version;
        if (script.kind == Kind::alert && script.alert) {
            output.push_back({alert_record(version, script.alert->description), {}});
        }
        if (script.kind == Kind::alert || script.kind == Kind::closed) {
            seen.end = End::server;
            return finish(Wish::close);
        }
        if (script.kind == Kind::timeout) return;
        Bytes octets;
        if (answer.new_session_ticket) {
            // Without a ticket in it (RFC 5077 3.3).
            const Bytes message =
                encoded(HandshakeType::new_session_ticket, Writer().u32(0).u16(0).take());
            octets = plain_record(version, wire::ContentType::handshake, message);
            append(transcript, message);
        }
        append(octets, plain_record(version, wire::ContentType::change_cipher_spec, {1}));
        Bytes verify_data = protection->verify_data(session::Side::server, transcript);
        if (script.kind == Kind::failed) verify_data.front() ^= 1;
        append(octets, protection->seal(wire::ContentType::handshake,
                                        finished_message(std::move(verify_data))));
        sealing = true;
        output.push_back({std::move(octets), {}});
    }

    void take_request() {
        if (seen.reached == Reached::request) return;
        seen.reached = Reached::request;
        if (!sealing) return;  // a False Start (RFC 7918), and the script's server stays silent
        const std::string text = fmt::format("handset lab: {}\n", shown->id);
        const std::string response = fmt::format(
            "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n"
            "Connection: close\r\n\r\n{}",
            text.size(), text);
        Bytes octets = protection->seal(wire::ContentType::application_data, view_of(response));
        append(octets,
               protection->seal(wire::ContentType::alert,
                                wire::encode(wire::Alert{wire::AlertLevel::warning,
                                                         wire::AlertDescription::close_notify})));
        output.push_back({std::move(octets), {}});
        wish = Wish::close;  // what the client still says is read until it closes
    }
};

Exchange::Exchange(Choose choose, ExchangeLimits limits) : state_(std::make_unique<State>()) {
    state_->choose = std::move(choose);
    state_->limits = limits;
}
Exchange::~Exchange() = default;
Exchange::Exchange(Exchange&&) noexcept = default;
Exchange& Exchange::operator=(Exchange&&) noexcept = default;

void Exchange::receive(ByteView octets) {
    state_->seen.octets_received += octets.size();
    try {
        state_->receive(octets);
    } catch (const std::exception& error) {
        // Trouble of ours, for example with mbed TLS: this connection's, not the server's.
        if (state_->over) return;
        state_->sealing = false;
        state_->give_up(wire::AlertDescription::internal_error, error.what());
    }
}

void Exchange::ended(End how) {
    if (!state_->over) state_->seen.end = how;
    state_->over = true;
}

std::optional<Exchange::Output> Exchange::next_output() {
    if (state_->output.empty()) return std::nullopt;
    Output next = std::move(state_->output.front());
    state_->output.pop_front();
    return next;
}

Exchange::Wish Exchange::wish() const {
    return state_->wish;
}

const Observation& Exchange::observation() const {
    return state_->seen;
}

}  // namespace handset::lab
