// Whatever a server sends, every device comes to a verdict, and to a reason when it does not
// connect. The first octet says in which form: its lowest two bits 0 files, 1 files with their root
// given, 2 the octets as they stand on the wire, 3 a flight around the certificates. With bit 2
// set, `choices_length` octets follow that say what each certificate is (sent, installed, listed in
// the store, ...), what is asked, and what one device does; without it all shipped devices are
// asked the same. A certificate is two octets of length and as many octets as there are.
#include <algorithm>
#include <cstdlib>
#include <initializer_list>

#include "emulator/device/load.h"
#include "emulator/judge/judge.h"
#include "handshake/crypto/digest.h"
#include "handshake/wire/client_hello.h"

using namespace handset;

namespace {

constexpr std::size_t choices_length = 64;
constexpr std::size_t max_certificates = 8;

void demand(bool truth) {
    if (!truth) std::abort();
}

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
    while (octets.size() >= 2 && certificates.size() < max_certificates) {
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

wire::Flight flight_of(unsigned form, ByteView octets, const std::vector<Bytes>& certificates) {
    wire::Flight flight;
    flight.ending = wire::Ending::server_hello_done;
    if (form < 2) {
        flight.origin = wire::Flight::Origin::files;
        flight.certificates = certificates;
        return flight;
    }
    flight.client_hello = client_hello();
    flight.bytes = form == 2 ? to_bytes(octets) : flight_around(certificates);
    return flight;
}

rules::Evidence read(const wire::Flight& flight) {
    rules::Evidence evidence = rules::read(flight);
    for (const rules::Finding& finding : evidence.findings) {
        demand(rules::find_rule(finding.rule) != nullptr);
        if (!finding.certificate) continue;
        const Bytes& der = evidence.chain.at(*finding.certificate).der;
        demand(finding.offset <= der.size() && finding.length <= der.size() - finding.offset);
    }
    return evidence;
}

bool is_whole(const rules::Evidence& evidence) {
    if (evidence.origin == wire::Flight::Origin::files) return true;
    return std::ranges::any_of(evidence.messages, [](const rules::MessageSeen& message) {
        return message.type == wire::HandshakeType::server_hello_done;
    });
}

void check(const judge::Verdict& verdict) {
    const bool connects = verdict.outcome == judge::Outcome::connects;
    demand((judge::decisive_reason(verdict) == nullptr) == connects);
    for (const judge::Reason& reason : verdict.reasons)
        demand(reason.finding.detail == printable_utf8(reason.finding.detail));
}

void demand_same(const judge::Verdict& a, const judge::Verdict& b) {
    demand(a.outcome == b.outcome && a.stage == b.stage && a.alert == b.alert);
    demand(a.grade == b.grade && a.shows == b.shows && a.code == b.code && a.answers == b.answers);
    demand(std::ranges::equal(a.reasons, b.reasons, [](const auto& one, const auto& other) {
        return one.effect == other.effect && one.finding == other.finding;
    }));
}

// --- out of the input ---------------------------------------------------------------------------

class Choices {
public:
    explicit Choices(ByteView octets) : octets_(octets) {}
    unsigned next() { return at_ < octets_.size() ? octets_[at_++] : 0; }
    bool yes() { return (next() & 1) != 0; }
    template <typename T>
    T one_of(std::initializer_list<T> values) {
        return values.begin()[next() % values.size()];
    }
    // 0 leaves the statement as it is, 1 takes it away.
    template <typename T>
    void draw(device::Stated<T>& statement, std::initializer_list<T> values) {
        const unsigned octet = next();
        if (octet == 0) return;
        statement.reset();
        if (octet == 1) return;
        const device::Grade grade =
            octet < 0xf0 ? device::Grade::documented : device::Grade::assumed;
        statement =
            device::Statement<T>{values.begin()[(octet - 2) % values.size()], "fuzz", grade};
    }

private:
    ByteView octets_;
    std::size_t at_ = 0;
};

void draw_path(Choices& choices, device::PathRules& path) {
    using namespace device;
    choices.draw(path.order, {PathOrder::as_sent, PathOrder::forward, PathOrder::any});
    choices.draw(path.sent_self_signed, {SentSelfSigned::used, SentSelfSigned::dropped});
    choices.draw(path.anchors, {AnchorKind::self_signed, AnchorKind::any});
    choices.draw(path.issuers, {IssuersFrom::sent_first, IssuersFrom::stored_first});
    choices.draw(path.alternatives, {Alternatives::none, Alternatives::until_trusted,
                                     Alternatives::until_signed, Alternatives::until_valid});
    choices.draw(path.key_identifiers,
                 {KeyIdentifiers::ignored, KeyIdentifiers::preferred, KeyIdentifiers::required});
    choices.draw(path.name_chaining, {NameChaining::binary, NameChaining::characters,
                                      NameChaining::caseless, NameChaining::normalized});
    choices.draw(path.prefers_in_date, {true, false});
    choices.draw(path.aia, {AiaRule::never, AiaRule::fetched});
    choices.draw<std::size_t>(path.max_certificates, {0, 1, 2, 3, 9});
}

void draw_validation(Choices& choices, device::ValidationRules& validation) {
    using namespace device;
    using Dates = std::vector<DatesOf>;
    using Forms = std::vector<ConstraintForm>;
    choices.draw<Dates>(validation.dates,
                        {{},
                         {DatesOf::leaf},
                         {DatesOf::leaf, DatesOf::intermediates},
                         {DatesOf::leaf, DatesOf::intermediates, DatesOf::anchor}});
    choices.draw(validation.basic_constraints, {true, false});
    choices.draw(validation.path_len_constraint, {true, false});
    choices.draw(validation.ca_key_usage, {true, false});
    choices.draw(validation.leaf_key_usage, {LeafKeyUsageRule::ignored, LeafKeyUsageRule::by_suite,
                                             LeafKeyUsageRule::key_encipherment});
    choices.draw(validation.leaf_ca_counts, {true, false});
    for (auto* rule : {&validation.extended_key_usage, &validation.ca_extended_key_usage}) {
        choices.draw(*rule, {ExtendedKeyUsageRule::ignored, ExtendedKeyUsageRule::server_auth,
                             ExtendedKeyUsageRule::server_auth_or_any,
                             ExtendedKeyUsageRule::server_auth_or_sgc,
                             ExtendedKeyUsageRule::server_auth_or_ns_sgc,
                             ExtendedKeyUsageRule::server_auth_any_or_sgc});
    }
    choices.draw(validation.v1_ca, {V1Ca::refused, V1Ca::anchor, V1Ca::accepted});
    using Held = std::vector<AnchorConstraint>;
    choices.draw(validation.anchor_constraints,
                 {Held{},
                  {AnchorConstraint::form, AnchorConstraint::basic_constraints,
                   AnchorConstraint::path_length, AnchorConstraint::key_usage,
                   AnchorConstraint::extended_key_usage, AnchorConstraint::name_constraints,
                   AnchorConstraint::policies, AnchorConstraint::critical_extensions,
                   AnchorConstraint::key, AnchorConstraint::signature_algorithm},
                  {AnchorConstraint::name_constraints, AnchorConstraint::policies}});
    choices.draw<Forms>(validation.name_constraints,
                        {{},
                         {ConstraintForm::dns_name},
                         {ConstraintForm::dns_name, ConstraintForm::rfc822_name,
                          ConstraintForm::uri, ConstraintForm::ip_address,
                          ConstraintForm::directory_name, ConstraintForm::registered_id}});
    choices.draw(validation.name_constraints_on_cn, {true, false});
    choices.draw(validation.name_constraints_on_email,
                 {x509::EmailAddressesHeld::never, x509::EmailAddressesHeld::if_no_san,
                  x509::EmailAddressesHeld::if_no_rfc822_name, x509::EmailAddressesHeld::always});
    choices.draw(validation.name_constraints_on_cas, {true, false});
    choices.draw(validation.name_constraints_on_self_issued, {true, false});
    choices.draw(validation.dns_constraints_by_label, {true, false});
    choices.draw(validation.dns_constraints_hold_more, {true, false});
    choices.draw(validation.ipv6_constraints, {true, false});
    choices.draw(validation.wildcards_may_be_excluded, {true, false});
    choices.draw(validation.local_part_case_counts, {true, false});
    choices.draw(validation.host_constraints_hold_below, {true, false});
    choices.draw(validation.ip_constraints_by_family, {true, false});
    choices.draw(validation.self_issued_exempt, {true, false});
    choices.draw(validation.policies, {true, false});
    choices.draw<std::size_t>(validation.max_validity_days, {0, 398, 825, 36500});
}

void draw_names(Choices& choices, device::NameRules& names) {
    using namespace device;
    const auto wildcards = {Wildcard::none,      Wildcard::leftmost_label, Wildcard::any_label,
                            Wildcard::suffix,    Wildcard::partial_label,  Wildcard::label_or_bare,
                            Wildcard::each_label};
    choices.draw(names.checked, {true, false});
    choices.draw(names.san, {SanRule::none, SanRule::first, SanRule::any});
    choices.draw(names.cn, {CnRule::never, CnRule::if_no_san, CnRule::if_no_san_of_form,
                            CnRule::if_no_identifier, CnRule::if_no_san_extension, CnRule::always});
    choices.draw(names.cn_which, {CnWhich::first, CnWhich::last, CnWhich::any, CnWhich::only});
    choices.draw(names.san_wildcard, wildcards);
    choices.draw(names.cn_wildcard, wildcards);
    choices.draw<std::size_t>(names.wildcard_min_labels, {0, 1, 2, 3});
    choices.draw(names.public_suffix_wildcard, {true, false});
    choices.draw(names.wildcard_matches_a_label, {true, false});
    choices.draw(names.ip, {IpRule::never, IpRule::ip_address, IpRule::ip_address_or_cn,
                            IpRule::ip_address_or_dns_name, IpRule::text, IpRule::any,
                            IpRule::ipv4_address, IpRule::ipv4_address_or_text});
    choices.draw(names.case_sensitive, {true, false});
    choices.draw(names.trailing_dot_ignored,
                 {TrailingDot::counts, TrailingDot::ignored, TrailingDot::ignored_in_host});
    choices.draw(names.embedded_nul, {EmbeddedNul::whole, EmbeddedNul::truncates});
    choices.draw(names.msstd, {MsstdRule::cn, MsstdRule::cn_or_san});
}

void draw_trust(Choices& choices, device::TrustRules& trust) {
    using namespace device;
    using Formats = std::vector<RootFormat>;
    choices.draw(trust.users_install_roots, {true, false});
    choices.draw<Formats>(trust.root_formats, {{}, {RootFormat::der}, {RootFormat::pkcs12}});
    choices.draw(trust.user_roots, {UserRoots::used, UserRoots::after_setting, UserRoots::unused});
}

// 0 is the strict client, whatever other profiles there are.
const Profile& chosen(unsigned octet, const std::vector<Profile>& profiles) {
    if (octet != 0) return profiles[octet % profiles.size()];
    const auto strict = std::ranges::find_if(
        profiles, [](const Profile& profile) { return profile.device.id == "strict"; });
    demand(strict != profiles.end());
    return *strict;
}

// What a certificate is to the question; several of them at once.
enum Role : unsigned {
    not_sent = 0x01,
    of_aia = 0x02,
    known_root = 0x04,
    installed = 0x08,
    given = 0x10,
    listed_by_fingerprint = 0x20,
    listed_by_key = 0x40,
    listed_by_name = 0x80
};

device::StoreEntry entry_of(const x509::Certificate& certificate, unsigned roles) {
    device::StoreEntry entry;
    if ((roles & listed_by_fingerprint) != 0) {
        entry.sha256 = *crypto::digest(crypto::HashAlgorithm::sha256, certificate.raw);
    }
    if ((roles & listed_by_key) != 0) {
        entry.spki_sha256 =
            *crypto::digest(crypto::HashAlgorithm::sha256, certificate.subject_public_key_info.raw);
    }
    if ((roles & listed_by_name) != 0) entry.subject = x509::to_string(certificate.subject);
    return entry;
}

void judge_as_chosen(unsigned form, ByteView octets, const std::vector<Profile>& profiles) {
    Choices choices(octets.first(std::min(octets.size(), choices_length)));
    octets = octets.subspan(std::min(octets.size(), choices_length));
    const Profile& like = chosen(choices.next(), profiles);
    device::Device device = like.device;
    std::optional<device::Store> store = like.store;

    judge::Question question;
    question.host = choices.one_of({"mail.example.test", "192.0.2.1", "", "MAIL.example.test",
                                    "m\xc3\xa4il.example.test", "2001:db8::1", "example.test",
                                    "a.mail.example.test", "mail.example.test.", "*.test", "."});
    question.msstd = choices.one_of({"", "msstd:mail.example.test", "msstd:", "none"});
    question.at = *parse_rfc3339(
        choices.one_of({"2025-06-01T00:00:00Z", "1970-01-01T00:00:00Z", "2049-12-31T23:59:59Z"}));
    // Where the listed roots stand: given by the user, or in a store of the device.
    const unsigned place = choices.next() % 4;
    device::Store listed;
    listed.id = listed.name = listed.source = "fuzz";
    listed.complete = place == 2;
    std::vector<x509::Certificate> roots, aia, known;
    std::vector<Bytes> sent;
    const std::vector<Bytes> all = form == 2 ? std::vector<Bytes>{} : cut(octets);
    for (std::size_t i = 0; i < max_certificates; ++i) {
        const unsigned roles = choices.next();
        if (i >= all.size()) continue;
        if ((roles & not_sent) == 0) sent.push_back(all[i]);
        const auto decoded = x509::decode_certificate(all[i]);
        if (!decoded) continue;
        if ((roles & of_aia) != 0) aia.push_back(*decoded);
        if ((roles & known_root) != 0) known.push_back(*decoded);
        if ((roles & installed) != 0) {
            question.installed_roots.push_back({*decoded, device::RootFormat::der});
        }
        if ((roles & given) != 0) roots.push_back(*decoded);
        if (roles >= listed_by_fingerprint) {
            const bool is_absent = place == 3 && i % 2 == 1;
            (is_absent ? listed.absent : listed.members).push_back(entry_of(*decoded, roles));
        }
    }
    if (place == 1) {
        if (!listed.members.empty()) question.listed_roots = listed;
        question.roots = roots;
    } else if (place != 0) {
        store = listed;
    }
    question.aia = aia;
    question.known_roots = known;

    draw_path(choices, device.path);
    draw_validation(choices, device.validation);
    draw_names(choices, device.names);
    draw_trust(choices, device.trust);

    const rules::Evidence evidence = read(flight_of(form, octets, sent));
    const device::Store* const its_store = store ? &*store : nullptr;
    const judge::Verdict verdict = judge::judge(device, its_store, evidence, question);
    check(verdict);

    judge::Question remembering = question;
    judge::SignatureCache signatures;
    remembering.signatures = &signatures;
    for (int i = 0; i < 2; ++i)
        demand_same(judge::judge(device, its_store, evidence, remembering), verdict);
    // The strict client, given no root, lets no flight pass.
    const bool nothing_to_trust =
        place == 1 && !question.listed_roots && roots.empty() && question.installed_roots.empty();
    if (nothing_to_trust && device.otherwise && is_whole(evidence)) {
        demand(verdict.outcome != judge::Outcome::connects &&
               verdict.outcome != judge::Outcome::asks);
    }
    // Known roots are keys for fingerprints and nothing else.
    if (!question.listed_roots && (question.roots || !store)) {
        judge::Question without = question;
        without.known_roots = {};
        demand_same(judge::judge(device, its_store, evidence, without), verdict);
    }
    // Who fetches nothing is not helped by what could be fetched.
    if (const auto& fetches = device.path.aia; fetches &&
                                               fetches->grade != device::Grade::assumed &&
                                               fetches->value == device::AiaRule::never) {
        judge::Question without = question;
        without.aia = {};
        demand_same(judge::judge(device, its_store, evidence, without), verdict);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const std::vector<Profile> profiles = load_profiles();
    if (size < 2) return 0;
    const unsigned form = data[0] & 3U;
    const ByteView octets(data + 1, size - 1);
    if ((data[0] & 4U) != 0) {
        judge_as_chosen(form, octets, profiles);
        return 0;
    }
    const rules::Evidence evidence = read(flight_of(form, octets, cut(octets)));
    judge::Question question;
    question.host = "mail.example.test";
    question.at = *parse_rfc3339("2025-06-01T00:00:00Z");
    if (form == 1 && !evidence.chain.empty() && evidence.chain.back().certificate) {
        question.roots.emplace().push_back(*evidence.chain.back().certificate);
    }
    for (const Profile& profile : profiles) {
        check(judge::judge(profile.device, profile.store ? &*profile.store : nullptr, evidence,
                           question));
    }
    return 0;
}
