#include "handshake/rules/evidence.h"

#include "handshake/rules/roles.h"
#include "handshake/rules/rule.h"

namespace handset::rules {

namespace {

using wire::HandshakeType;

std::optional<Offer> read_offer(ByteView hello) {
    if (hello.empty()) return std::nullopt;
    if (wire::looks_like_v2_client_hello(hello)) {
        const auto decoded = wire::decode_v2_client_hello(hello);
        if (!decoded) return std::nullopt;
        Offer offer;
        offer.version = decoded->version;
        offer.sslv2_framing = true;
        offer.compression_methods = {wire::CompressionMethod::null};
        for (const std::uint32_t spec : decoded->cipher_specs) {
            if (spec <= 0xffff) {
                offer.cipher_suites.push_back(static_cast<wire::CipherSuite>(spec));
            }
        }
        return offer;
    }
    wire::RecordStream stream;
    stream.feed(hello);
    const auto event = stream.next();
    if (!event || event->message.type != HandshakeType::client_hello) return std::nullopt;
    const auto decoded = wire::decode_client_hello(event->message.body);
    if (!decoded) return std::nullopt;
    return Offer{decoded->client_version, decoded->cipher_suites, decoded->compression_methods,
                 decoded->extensions,     decoded->session_id,    false};
}

class FlightReader {
public:
    explicit FlightReader(Evidence& evidence) : evidence_(evidence) {}

    void read_stream(ByteView bytes) {
        wire::RecordStream stream;
        stream.feed(bytes);
        while (const auto event = stream.next()) {
            if (!read_event(*event)) return;
        }
        evidence_.unfinished_message = stream.unfinished();
    }

    // Lengths as the record headers say them, up to the first that runs past the end.
    void measure_records(ByteView bytes) {
        std::size_t offset = 0;
        while (bytes.size() - offset >= wire::record_header_length) {
            // Where it is no TLS, its lengths are none.
            if (bytes[offset] < 20 || bytes[offset] > 24 || bytes[offset + 1] != 3) return;
            const std::size_t length =
                static_cast<std::size_t>(bytes[offset + 3]) << 8 | bytes[offset + 4];
            if (length > evidence_.longest_record) {
                evidence_.longest_record = length;
                evidence_.longest_record_offset = offset;
            }
            if (length == 0 && bytes[offset] <= 22 && !evidence_.empty_record) {
                evidence_.empty_record = offset;
            }
            if (length > bytes.size() - offset - wire::record_header_length) return;
            offset += wire::record_header_length + length;
        }
    }

    void add_certificate(Bytes der, std::size_t stream_offset) {
        ++evidence_.certificates_sent;
        if (evidence_.chain.size() == max_chain_length) return;
        ChainEntry entry{std::move(der), nullptr, std::nullopt, stream_offset};
        auto decoded = x509::decode_certificate(entry.der);
        if (decoded) {
            entry.certificate = std::make_shared<x509::Certificate>(std::move(*decoded));
        } else {
            entry.error = decoded.error();
        }
        evidence_.chain.push_back(std::move(entry));
    }

private:
    // False: the flight is over, or nothing after this can be read.
    bool read_event(const wire::StreamEvent& event) {
        if (event.kind == wire::StreamEvent::Kind::alert) {
            evidence_.alerts.push_back(event.alert);
            if (event.alert.level == wire::AlertLevel::fatal) {
                evidence_.fatal_alert = event.alert;
                return false;
            }
            return true;
        }
        if (event.kind != wire::StreamEvent::Kind::handshake) return false;
        const wire::HandshakeMessage& message = event.message;
        const std::size_t begin =
            message.starts_record ? message.offset + wire::record_header_length : message_end_;
        body_offset_ = begin + 4;
        message_end_ =
            body_offset_ + message.body.size() + (message.records - 1) * wire::record_header_length;
        evidence_.messages.push_back({message.type, message.offset, message.body.size(),
                                      message.records, message.starts_record, event.record_version,
                                      body_offset_});
        switch (message.type) {
            case HandshakeType::server_hello: {
                auto decoded = wire::decode_server_hello(message.body);
                if (!decoded) return fail(message, decoded.error());
                evidence_.server_hello = std::move(*decoded);
                evidence_.server_hello_offset = message.offset;
                return true;
            }
            case HandshakeType::certificate: {
                const auto decoded = wire::decode_certificate_message(message.body);
                if (!decoded) return fail(message, decoded.error());
                evidence_.certificate_message_seen = true;
                for (std::size_t i = 0; i < decoded->certificate_list.size(); ++i) {
                    add_certificate(decoded->certificate_list[i],
                                    body_offset_ + decoded->offsets[i]);
                }
                return true;
            }
            case HandshakeType::server_key_exchange: {
                if (!evidence_.server_hello) return true;
                const wire::CipherSuiteInfo* suite =
                    wire::find_cipher_suite(evidence_.server_hello->cipher_suite);
                auto decoded = wire::decode_server_key_exchange(
                    message.body, suite ? suite->key_exchange : wire::KeyExchange::other,
                    evidence_.server_hello->server_version);
                if (!decoded) return fail(message, decoded.error());
                evidence_.server_key_exchange = std::move(*decoded);
                return true;
            }
            case HandshakeType::certificate_request: {
                if (!evidence_.server_hello) return true;
                auto decoded = wire::decode_certificate_request(
                    message.body, evidence_.server_hello->server_version);
                if (!decoded) return fail(message, decoded.error());
                evidence_.certificate_request = std::move(*decoded);
                return true;
            }
            case HandshakeType::server_hello_done:
                return false;
            default:
                return true;
        }
    }

    bool fail(const wire::HandshakeMessage& message, DecodeError error) {
        error.offset += body_offset_;
        evidence_.message_error = std::move(error);
        evidence_.message_error_type = message.type;
        return false;
    }

    Evidence& evidence_;
    std::size_t body_offset_ = 0;
    std::size_t message_end_ = 0;  // where a message begins that shares the record
};

}  // namespace

Evidence read(const wire::Flight& flight) {
    Evidence evidence;
    evidence.origin = flight.origin;
    evidence.ending = flight.ending;
    evidence.ending_detail = flight.ending_detail;
    evidence.continuation = flight.continuation;
    evidence.offer = read_offer(flight.client_hello);
    FlightReader reader(evidence);
    if (flight.origin == wire::Flight::Origin::files) {
        evidence.certificate_message_seen = true;
        for (const Bytes& der : flight.certificates)
            reader.add_certificate(der, 0);
    } else {
        reader.read_stream(flight.bytes);
        reader.measure_records(flight.bytes);
    }
    assign_roles(evidence.chain);
    std::vector<Finding> found;
    for (const Rule& rule : catalog()) {
        if (!rule.check) continue;
        Findings findings(evidence, rule.id, found);
        rule.check(evidence, findings);
    }
    evidence.findings = std::move(found);
    return evidence;
}

}  // namespace handset::rules
