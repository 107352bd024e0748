// Whatever a server sends, every shipped device comes to a verdict, and to a reason when it does
// not connect. The first octet says in which form: its lowest two bits 0 files, 1 files with their
// root given, 2 the octets as they stand on the wire, 3 a flight around the certificates. A
// certificate is two octets of length and as many octets as there are; at most four.
#include <cstdlib>

#include "emulator/device/load.h"
#include "emulator/judge/judge.h"
#include "handshake/wire/client_hello.h"

using namespace handset;

namespace {

struct Profile {
    device::Device device;
    std::optional<device::Store> store;
};

std::vector<Profile> load_profiles() {
    const std::filesystem::path folder = std::filesystem::path(HANDSET_SOURCE_DIR) / "profiles";
    std::vector<Profile> profiles;
    for (const auto& file : device::find_profiles(folder)) {
        Profile profile{device::load_device(file), std::nullopt};
        if (const auto& id = profile.device.trust.store_id) {
            profile.store = device::load_store(folder / "stores" / (*id + ".yaml"));
        }
        profiles.push_back(std::move(profile));
    }
    return profiles;
}

std::vector<Bytes> cut(ByteView octets) {
    std::vector<Bytes> certificates;
    while (octets.size() >= 2 && certificates.size() < 4) {
        const std::size_t said = static_cast<std::size_t>(octets[0]) << 8 | octets[1];
        octets = octets.subspan(2);
        const std::size_t length = std::min(said, octets.size());
        certificates.push_back(to_bytes(octets.first(length)));
        octets = octets.subspan(length);
    }
    return certificates;
}

wire::CipherSuite suite() {
    return wire::cipher_suite_from_name("TLS_RSA_WITH_AES_128_CBC_SHA").value();
}

Bytes client_hello() {
    wire::ClientHello hello;
    hello.client_version = wire::ProtocolVersion::tls_1_2;
    hello.random.resize(32);
    hello.cipher_suites = {suite()};
    hello.compression_methods = {wire::CompressionMethod::null};
    return wire::encode_record(hello, wire::ProtocolVersion::tls_1_0);
}

Bytes flight_around(const std::vector<Bytes>& certificates) {
    wire::ServerHello hello;
    hello.server_version = wire::ProtocolVersion::tls_1_2;
    hello.random.resize(32);
    hello.cipher_suite = suite();
    Bytes out;
    const auto say = [&out](wire::HandshakeType type, Bytes body) {
        const Bytes octets =
            wire::encode(wire::HandshakeMessage{type, std::move(body), 0, 1, true});
        for (std::size_t i = 0; i < octets.size(); i += 16384) {
            const ByteView fragment =
                ByteView(octets).subspan(i, std::min<std::size_t>(16384, octets.size() - i));
            append(out, wire::encode(wire::Record{wire::ContentType::handshake,
                                                  wire::ProtocolVersion::tls_1_2,
                                                  to_bytes(fragment), 0}));
        }
    };
    say(wire::HandshakeType::server_hello, wire::encode(hello));
    say(wire::HandshakeType::certificate, wire::encode(wire::CertificateMessage{certificates, {}}));
    say(wire::HandshakeType::server_hello_done, {});
    return out;
}

wire::Flight flight_of(unsigned form, ByteView octets) {
    wire::Flight flight;
    flight.ending = wire::Ending::server_hello_done;
    if (form < 2) {
        flight.origin = wire::Flight::Origin::files;
        flight.certificates = cut(octets);
        return flight;
    }
    flight.client_hello = client_hello();
    flight.bytes = form == 2 ? to_bytes(octets) : flight_around(cut(octets));
    return flight;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::vector<Profile> profiles = load_profiles();
    if (size < 2) return 0;
    const unsigned form = data[0] & 3U;
    const wire::Flight flight = flight_of(form, {data + 1, size - 1});
    const rules::Evidence evidence = rules::read(flight);
    for (const rules::Finding& finding : evidence.findings) {
        if (!rules::find_rule(finding.rule)) std::abort();
        if (!finding.certificate) continue;
        const Bytes& der = evidence.chain.at(*finding.certificate).der;
        if (finding.offset > der.size() || finding.length > der.size() - finding.offset) {
            std::abort();
        }
    }
    judge::Question question;
    question.host = "mail.example.test";
    question.at = *parse_rfc3339("2025-06-01T00:00:00Z");
    if (form == 1 && !evidence.chain.empty() && evidence.chain.back().certificate) {
        question.roots.emplace().push_back(*evidence.chain.back().certificate);
    }
    for (const Profile& profile : profiles) {
        const judge::Verdict verdict = judge::judge(
            profile.device, profile.store ? &*profile.store : nullptr, evidence, question);
        const bool connects = verdict.outcome == judge::Outcome::connects;
        if ((judge::decisive_reason(verdict) == nullptr) != connects) std::abort();
        for (const judge::Reason& reason : verdict.reasons) {
            if (reason.finding.detail != printable_utf8(reason.finding.detail)) std::abort();
        }
    }
    return 0;
}
