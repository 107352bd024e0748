#include "emulator/lab/learn.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "emulator/device/statements.h"
#include "emulator/lab/prediction.h"

namespace handset::lab {

namespace {

using device::Device;
using device::Stated;

// Worth of an example: the outcome first, then the alert; a wrong `connects` is the worst answer.
constexpr double outcome_worth = 1;
constexpr double alert_worth = 0.3;
// At first it counts little, lest the search stay where it began.
constexpr double wrong_connects_at_first = -0.5;
constexpr double wrong_connects_worth = -2.5;
// Of a refusal that a tolerance alone would explain: a statement may be right that needs one.
constexpr double learnable_worth = 1.2;
constexpr double least_gain = 1e-6;
constexpr int max_rounds = 12;
constexpr std::size_t max_cases_told = 3;

struct Judged {
    double worth = 0;
    bool agrees = false;
    std::vector<std::string> rules;  // that the verdict speaks of
};

// --- what may be stated -------------------------------------------------------------------------

using Change = std::function<void(Device&)>;
struct Knob {
    std::string key;   // of device::statements()
    std::string rule;  // of a tolerance; empty: of a section
    std::function<std::vector<Change>(const Device&)> changes;
    Change silence;
    // Takes over what the other states and this one does not, ascribed to a source.
    std::function<void(Device& to, const Device& from, const std::string& source)> fill;
    // Ascribes what is stated to a source, as captured.
    std::function<void(Device& of, const std::string& source)> ascribe;
};

template <typename T>
using Member = std::function<Stated<T>&(Device&)>;

class Knobs {
public:
    Knobs(const Device& start, const std::string& source) : source_(source) {
        negotiated(start);
        certificates();
        paths();
        validation();
        names();
    }
    std::vector<Knob> list;

private:
    template <typename T>
    static void set_origin(Knob& knob, const Member<T>& member) {
        knob.fill = [member](Device& to, const Device& from, const std::string& source) {
            Stated<T>& here = member(to);
            const Stated<T>& there = member(const_cast<Device&>(from));  // read only
            if (!here && there) {
                here = device::Statement<T>{there->value, source, device::Grade::inferred};
            }
        };
        knob.ascribe = [member](Device& of, const std::string& source) {
            Stated<T>& here = member(of);
            if (!here) return;
            here->source = source;
            here->grade = device::Grade::captured;
        };
    }
    template <typename T>
    Stated<T> stated(T value) const {
        return device::Statement<T>{std::move(value), source_, device::Grade::captured};
    }

    // One value out of several.
    template <typename T>
    void one_of(std::string key, Member<T> member, std::vector<T> values) {
        Knob knob;
        knob.key = std::move(key);
        knob.silence = [member](Device& of) { member(of).reset(); };
        set_origin(knob, member);
        knob.changes = [this, member, values](const Device& now) {
            std::vector<Change> changes;
            const Stated<T>& current = member(const_cast<Device&>(now));  // read only
            for (const T& value : values) {
                if (current && current->value == value) continue;
                changes.push_back(
                    [this, member, value](Device& of) { member(of) = stated(value); });
            }
            return changes;
        };
        list.push_back(std::move(knob));
    }

    // A list, item by item: each is put in or left out.
    template <typename T>
    void some_of(std::string key, Member<std::vector<T>> member, std::vector<T> items,
                 bool may_be_empty = false) {
        Knob knob;
        knob.key = std::move(key);
        knob.silence = [member](Device& of) { member(of).reset(); };
        set_origin(knob, member);
        knob.changes = [this, member, items, may_be_empty](const Device& now) {
            std::vector<Change> changes;
            const Stated<std::vector<T>>& current = member(const_cast<Device&>(now));
            const std::vector<T> kept = current ? current->value : std::vector<T>();
            const auto put = [&](std::vector<T> value) {
                if (value.empty() && !may_be_empty) return;
                changes.push_back(
                    [this, member, value](Device& of) { member(of) = stated(value); });
            };
            for (const T& item : items) {
                std::vector<T> other = kept;
                if (std::erase(other, item) == 0) other.push_back(item);
                put(std::move(other));
            }
            if (!kept.empty()) put({});
            put(items);
            return changes;
        };
        list.push_back(std::move(knob));
    }

    void negotiated(const Device& start) {
        using wire::ProtocolVersion;
        using Versions = std::vector<ProtocolVersion>;
        const auto t10 = ProtocolVersion::tls_1_0, t11 = ProtocolVersion::tls_1_1,
                   t12 = ProtocolVersion::tls_1_2;
        one_of<Versions>("server_hello.versions",
                         [](Device & of) -> auto& { return of.server_hello.versions; },
                         {{t12}, {t11, t12}, {t10, t11, t12}, {t10}});
        const auto size = [&](std::string key, auto member, std::vector<std::size_t> values) {
            one_of<std::size_t>(std::move(key), member, std::move(values));
        };
        size("server_hello.max_record_bytes",
             [](Device & of) -> auto& { return of.server_hello.max_record_bytes; },
             {16384, 17408, 18432});
        size("server_hello.max_message_bytes",
             [](Device & of) -> auto& { return of.server_hello.max_message_bytes; },
             {16384, 32768, 65536, 102400, 131072});
        size("server_hello.max_chain_bytes",
             [](Device & of) -> auto& { return of.server_hello.max_chain_bytes; },
             {4096, 8192, 16384, 65536});
        size("server_hello.max_chain_certificates",
             [](Device & of) -> auto& { return of.server_hello.max_chain_certificates; },
             {4, 8, 9, 10, 11, 16, 32, 64, 100});
        size("server_hello.max_certificate_request_bytes",
             [](Device & of) -> auto& { return of.server_hello.max_certificate_request_bytes; },
             {4096, 8192, 16384, 32768, 65536});
        std::vector<device::Range> dh;
        for (const std::size_t min : {0, 512, 768, 1023, 1024, 1536, 2048}) {
            for (const std::size_t max : {0, 2048, 3072, 4096, 8192}) {
                device::Range range;
                if (min > 0) range.min = min;
                if (max > 0) range.max = max;
                dh.push_back(range);
            }
        }
        one_of<device::Range>(
            "key_exchange.dh_bits", [](Device & of) -> auto& { return of.key_exchange.dh_bits; },
            dh);
        size("key_exchange.dh_bits_multiple",
             [](Device & of) -> auto& { return of.key_exchange.dh_bits_multiple; }, {8, 64});
        some_of<wire::NamedGroup>(
            "key_exchange.groups", [](Device & of) -> auto& { return of.key_exchange.groups; },
            groups_of(start.client_hello));
        some_of<std::string>("key_exchange.hashes",
                             [](Device & of) -> auto& { return of.key_exchange.hashes; },
                             {"md5", "sha1", "sha224", "sha256", "sha384", "sha512"});
    }

    static std::vector<wire::NamedGroup> groups_of(const device::ClientHello& hello) {
        if (hello.extensions) {
            for (const device::HelloExtension& extension : *hello.extensions) {
                if (extension.type != wire::ExtensionType::supported_groups) continue;
                const auto groups = wire::decode_supported_groups(extension.data);
                if (groups) return *groups;
            }
        }
        return {};
    }

    static std::vector<x509::Oid> oids(std::initializer_list<std::string_view> names) {
        std::vector<x509::Oid> found;
        for (const std::string_view name : names) {
            if (const auto oid = x509::oid_from_name(name)) found.push_back(*oid);
        }
        return found;
    }

    void certificates() {
        std::vector<device::Range> ranges;
        for (const std::size_t min : {0, 512, 1000, 1023, 1024, 2000, 2048}) {
            for (const std::size_t max : {0, 2048, 4095, 4096, 8192}) {
                device::Range range;
                if (min > 0) range.min = min;
                if (max > 0) range.max = max;
                ranges.push_back(range);
            }
        }
        one_of<device::Range>(
            "certificate.rsa_bits", [](Device & of) -> auto& { return of.certificate.rsa_bits; },
            ranges);
        some_of<std::string>("certificate.key_types",
                             [](Device & of) -> auto& { return of.certificate.key_types; },
                             {"rsa", "dsa", "ec", "ed25519"});
        some_of<x509::Oid>(
            "certificate.signature_algorithms",
            [](Device & of) -> auto& { return of.certificate.signature_algorithms; },
            oids({"md2WithRSAEncryption", "md4WithRSAEncryption", "md5WithRSAEncryption",
                  "sha1WithRSAEncryption", "sha224WithRSAEncryption", "sha256WithRSAEncryption",
                  "sha384WithRSAEncryption", "sha512WithRSAEncryption", "id-RSASSA-PSS",
                  "ecdsa-with-SHA1", "ecdsa-with-SHA224", "ecdsa-with-SHA256", "ecdsa-with-SHA384",
                  "ecdsa-with-SHA512", "id-Ed25519"}));
        some_of<x509::Oid>(
            "certificate.critical_extensions",
            [](Device & of) -> auto& { return of.certificate.critical_extensions; },
            oids({"keyUsage", "certificatePolicies", "subjectAltName", "basicConstraints",
                  "nameConstraints", "policyConstraints", "extKeyUsage", "inhibitAnyPolicy",
                  "policyMappings", "authorityKeyIdentifier", "subjectKeyIdentifier",
                  "issuerAltName", "cRLDistributionPoints", "authorityInfoAccess", "freshestCRL",
                  "subjectDirectoryAttributes", "privateKeyUsagePeriod", "netscapeCertType"}));
        one_of<std::size_t>("certificate.max_oid_arcs",
                            [](Device & of) -> auto& { return of.certificate.max_oid_arcs; },
                            {10, 15, 16, 20, 32});
        one_of<std::size_t>("certificate.max_certificate_bytes", [](Device & of) -> auto& {
            return of.certificate.max_certificate_bytes;
        },
                            {2048, 4096, 8192, 16384});
        one_of<std::size_t>("certificate.max_san_names",
                            [](Device & of) -> auto& { return of.certificate.max_san_names; },
                            {1, 10, 32, 64, 100, 128});
        one_of<std::size_t>("certificate.max_exponent_bits",
                            [](Device & of) -> auto& { return of.certificate.max_exponent_bits; },
                            {17, 31, 32, 33, 64, 256});
        std::vector<wire::NamedGroup> curves;
        for (const char* name :
             {"secp192r1", "secp224r1", "secp256r1", "secp384r1", "secp521r1", "secp256k1",
              "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1"}) {
            if (const auto group = wire::named_group_from_name(name)) curves.push_back(*group);
        }
        some_of<wire::NamedGroup>(
            "certificate.curves", [](Device & of) -> auto& { return of.certificate.curves; },
            curves);
    }

    void flag(std::string key, Member<bool> member) {
        one_of<bool>(std::move(key), std::move(member), {true, false});
    }

    void paths() {
        using namespace device;
        order();
        one_of<SentSelfSigned>("path.sent_self_signed",
                               [](Device & of) -> auto& { return of.path.sent_self_signed; },
                               {SentSelfSigned::used, SentSelfSigned::dropped});
        one_of<AnchorKind>("path.anchors", [](Device & of) -> auto& { return of.path.anchors; },
                           {AnchorKind::any, AnchorKind::self_signed});
        one_of<IssuersFrom>("path.issuers", [](Device & of) -> auto& { return of.path.issuers; },
                            {IssuersFrom::sent_first, IssuersFrom::stored_first});
        alternatives();
        one_of<KeyIdentifiers>(
            "path.key_identifiers", [](Device & of) -> auto& { return of.path.key_identifiers; },
            {KeyIdentifiers::ignored, KeyIdentifiers::preferred, KeyIdentifiers::required});
        one_of<NameChaining>(
            "path.name_chaining", [](Device & of) -> auto& { return of.path.name_chaining; },
            {NameChaining::binary, NameChaining::caseless, NameChaining::normalized});
        one_of<AiaRule>("path.aia", [](Device & of) -> auto& { return of.path.aia; },
                        {AiaRule::never, AiaRule::fetched});
        one_of<std::size_t>("path.max_certificates",
                            [](Device & of) -> auto& { return of.path.max_certificates; },
                            {3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 16, 21});
    }

    // Where the order counts, what is sent out of order meets rules of its own.
    void order() {
        using namespace device;
        one_of<PathOrder>("path.order", [](Device & of) -> auto& { return of.path.order; },
                          {PathOrder::any, PathOrder::forward, PathOrder::as_sent});
        const auto alone = list.back().changes;
        list.back().changes = [this, alone](const Device& now) {
            std::vector<Change> changes = alone(now);
            changes.push_back([this](Device& of) {
                of.path.order = stated(PathOrder::as_sent);
                for (const char* rule :
                     {"chain-extra-certificate", "chain-duplicate-certificate"}) {
                    of.tolerances[rule] = {Action::accept, "", source_, Grade::captured};
                }
            });
            return changes;
        };
    }

    // Which issuer comes first shows only together with what happens to the others.
    void alternatives() {
        using namespace device;
        const std::vector<Alternatives> values{Alternatives::none, Alternatives::until_trusted,
                                               Alternatives::until_signed,
                                               Alternatives::until_valid};
        one_of<Alternatives>(
            "path.alternatives", [](Device & of) -> auto& { return of.path.alternatives; }, values);
        const auto alone = list.back().changes;
        list.back().changes = [this, alone, values](const Device& now) {
            std::vector<Change> changes = alone(now);
            for (const Alternatives value : values) {
                for (const IssuersFrom from :
                     {IssuersFrom::sent_first, IssuersFrom::stored_first}) {
                    for (const KeyIdentifiers ids :
                         {KeyIdentifiers::ignored, KeyIdentifiers::preferred,
                          KeyIdentifiers::required}) {
                        changes.push_back([this, value, from, ids](Device& of) {
                            of.path.alternatives = stated(value);
                            of.path.issuers = stated(from);
                            of.path.key_identifiers = stated(ids);
                        });
                    }
                }
            }
            return changes;
        };
    }

    void validation() {
        using namespace device;
        some_of<DatesOf>(
            "validation.dates", [](Device & of) -> auto& { return of.validation.dates; },
            {DatesOf::leaf, DatesOf::intermediates, DatesOf::anchor}, true);
        flag(
            "validation.basic_constraints",
            [](Device & of) -> auto& { return of.validation.basic_constraints; });
        flag(
            "validation.path_len_constraint",
            [](Device & of) -> auto& { return of.validation.path_len_constraint; });
        flag(
            "validation.self_issued_exempt",
            [](Device & of) -> auto& { return of.validation.self_issued_exempt; });
        flag(
            "validation.ca_key_usage",
            [](Device & of) -> auto& { return of.validation.ca_key_usage; });
        flag(
            "validation.leaf_key_usage",
            [](Device & of) -> auto& { return of.validation.leaf_key_usage; });
        const std::vector<ExtendedKeyUsageRule> purposes{
            ExtendedKeyUsageRule::server_auth_or_any,
            ExtendedKeyUsageRule::server_auth,
            ExtendedKeyUsageRule::server_auth_or_sgc,
            ExtendedKeyUsageRule::server_auth_or_ns_sgc,
            ExtendedKeyUsageRule::server_auth_any_or_sgc,
            ExtendedKeyUsageRule::ignored};
        one_of<ExtendedKeyUsageRule>(
            "validation.extended_key_usage",
            [](Device & of) -> auto& { return of.validation.extended_key_usage; }, purposes);
        one_of<ExtendedKeyUsageRule>(
            "validation.ca_extended_key_usage",
            [](Device & of) -> auto& { return of.validation.ca_extended_key_usage; }, purposes);
        one_of<V1Ca>("validation.v1_ca", [](Device & of) -> auto& { return of.validation.v1_ca; },
                     {V1Ca::refused, V1Ca::anchor, V1Ca::accepted});
        flag(
            "validation.anchor_constraints",
            [](Device & of) -> auto& { return of.validation.anchor_constraints; });
        some_of<ConstraintForm>(
            "validation.name_constraints",
            [](Device & of) -> auto& { return of.validation.name_constraints; },
            {ConstraintForm::dns_name, ConstraintForm::rfc822_name, ConstraintForm::uri,
             ConstraintForm::ip_address, ConstraintForm::directory_name},
            true);
        passing_over_other_forms();
        flag(
            "validation.name_constraints_on_cn",
            [](Device & of) -> auto& { return of.validation.name_constraints_on_cn; });
        one_of<x509::EmailAddressesHeld>(
            "validation.name_constraints_on_email",
            [](Device & of) -> auto& { return of.validation.name_constraints_on_email; },
            {x509::EmailAddressesHeld::never, x509::EmailAddressesHeld::if_no_san,
             x509::EmailAddressesHeld::if_no_rfc822_name, x509::EmailAddressesHeld::always});
        flag(
            "validation.name_constraints_on_cas",
            [](Device & of) -> auto& { return of.validation.name_constraints_on_cas; });
        flag(
            "validation.wildcards_may_be_excluded",
            [](Device & of) -> auto& { return of.validation.wildcards_may_be_excluded; });
        flag(
            "validation.local_part_case_counts",
            [](Device & of) -> auto& { return of.validation.local_part_case_counts; });
        flag(
            "validation.host_constraints_hold_below",
            [](Device & of) -> auto& { return of.validation.host_constraints_hold_below; });
        flag(
            "validation.ip_constraints_by_family",
            [](Device & of) -> auto& { return of.validation.ip_constraints_by_family; });
        policies();
        one_of<std::size_t>("validation.max_validity_days",
                            [](Device & of) -> auto& { return of.validation.max_validity_days; },
                            {398, 825, 1188, 3650});
    }

    // Which forms of names are constrained, and that names of all others are passed over, at once.
    void passing_over_other_forms() {
        const auto alone = list.back().changes;
        list.back().changes = [this, alone](const Device& now) {
            std::vector<Change> changes = alone(now);
            const std::size_t count = changes.size();
            for (std::size_t i = 0; i < count; ++i) {
                changes.push_back([this, change = changes[i]](Device& of) {
                    change(of);
                    for (const char* rule : {"chain-name-constraint-unsupported",
                                             "chain-name-exclusion-unsupported"}) {
                        of.tolerances[rule] = {device::Action::accept, "", source_,
                                               device::Grade::captured};
                    }
                });
            }
            return changes;
        };
    }

    // Who processes policies knows their extensions when they are critical: both or neither.
    void policies() {
        flag(
            "validation.policies", [](Device & of) -> auto& { return of.validation.policies; });
        const auto alone = list.back().changes;
        list.back().changes = [this, alone](const Device& now) {
            std::vector<Change> changes = alone(now);
            const auto& known = now.certificate.critical_extensions;
            std::vector<x509::Oid> all = known ? known->value : std::vector<x509::Oid>();
            std::vector<x509::Oid> none = all;
            for (const x509::Oid& oid : oids({"certificatePolicies", "policyConstraints",
                                              "policyMappings", "inhibitAnyPolicy"})) {
                if (std::ranges::find(all, oid) == all.end()) all.push_back(oid);
                std::erase(none, oid);
            }
            changes.push_back([this, none](Device& of) {
                of.validation.policies = stated(false);
                of.certificate.critical_extensions = stated(none);
            });
            for (const bool processed : {true, false}) {
                changes.push_back([this, all, processed](Device& of) {
                    of.validation.policies = stated(processed);
                    of.certificate.critical_extensions = stated(all);
                });
            }
            return changes;
        };
    }

    void names() {
        using namespace device;
        flag(
            "names.checked", [](Device & of) -> auto& { return of.names.checked; });
        one_of<SanRule>("names.san", [](Device & of) -> auto& { return of.names.san; },
                        {SanRule::any, SanRule::first, SanRule::none});
        one_of<CnRule>("names.cn", [](Device & of) -> auto& { return of.names.cn; },
                       {CnRule::if_no_san, CnRule::if_no_identifier, CnRule::if_no_san_extension,
                        CnRule::never, CnRule::always});
        one_of<CnWhich>("names.cn_which", [](Device & of) -> auto& { return of.names.cn_which; },
                        {CnWhich::last, CnWhich::first, CnWhich::any, CnWhich::only});
        const std::vector<Wildcard> wildcards{Wildcard::leftmost_label, Wildcard::none,
                                              Wildcard::any_label,      Wildcard::suffix,
                                              Wildcard::partial_label,  Wildcard::label_or_bare,
                                              Wildcard::each_label};
        one_of<Wildcard>(
            "names.san_wildcard", [](Device & of) -> auto& { return of.names.san_wildcard; },
            wildcards);
        one_of<Wildcard>(
            "names.cn_wildcard", [](Device & of) -> auto& { return of.names.cn_wildcard; },
            wildcards);
        one_of<std::size_t>("names.wildcard_min_labels",
                            [](Device & of) -> auto& { return of.names.wildcard_min_labels; },
                            {1, 2, 3});
        flag(
            "names.public_suffix_wildcard",
            [](Device & of) -> auto& { return of.names.public_suffix_wildcard; });
        flag(
            "names.wildcard_matches_a_label",
            [](Device & of) -> auto& { return of.names.wildcard_matches_a_label; });
        one_of<IpRule>("names.ip", [](Device & of) -> auto& { return of.names.ip; },
                       {IpRule::ip_address, IpRule::never, IpRule::ip_address_or_cn,
                        IpRule::ip_address_or_dns_name, IpRule::text, IpRule::any});
        flag(
            "names.case_sensitive", [](Device & of) -> auto& { return of.names.case_sensitive; });
        one_of<TrailingDot>(
            "names.trailing_dot_ignored",
            [](Device & of) -> auto& { return of.names.trailing_dot_ignored; },
            {TrailingDot::counts, TrailingDot::ignored_in_host, TrailingDot::ignored});
        one_of<EmbeddedNul>("names.embedded_nul",
                            [](Device & of) -> auto& { return of.names.embedded_nul; },
                            {EmbeddedNul::whole, EmbeddedNul::truncates});
    }

    std::string source_;
};

// --- tolerances ---------------------------------------------------------------------------------

// One response for each way to stop: that was seen, or that another device has (inferred).
std::string response_for(Device& of, const std::optional<wire::AlertDescription>& alert,
                         const std::string& source, device::Grade grade = device::Grade::captured) {
    std::string id = alert ? wire::name_of(*alert) : "no-alert";
    std::ranges::replace(id, '_', '-');
    if (grade == device::Grade::inferred) id = source + "-" + id;
    device::Response response;
    response.alert = alert;
    response.alert_stated = true;
    response.source = source;
    response.grade = grade;
    of.responses.emplace(id, response);
    return id;
}

// --- the search ---------------------------------------------------------------------------------

class Search {
public:
    Search(Device start, const std::vector<Example>& examples, std::string source,
           const std::function<void(const std::string&)>& progress)
        : device_(std::move(start)),
          examples_(examples),
          source_(std::move(source)),
          progress_(progress),
          knobs_(device_, source_) {}

    Lesson run() {
        hopeful_ = true;
        climb();
        hopeful_ = false;
        climb();
        cautious_ = true;
        climb();
        Lesson lesson;
        silence(lesson);
        drop_unused_responses();
        drop_unused_sources();
        for (std::size_t i = 0; i < examples_.size(); ++i) {
            const Agreement agrees = agreement(device_, examples_[i]);
            if (!agrees.outcome) lesson.not_explained.push_back(examples_[i].case_id);
            if (!examples_[i].accepted && examples_[i].alert) {
                ++lesson.alerts;
                lesson.alerts_agree += agrees.alert;
            }
        }
        lesson.device = device_;
        return lesson;
    }

private:
    void climb() {
        judge_all();
        for (int round = 1; round <= max_rounds; ++round) {
            const double before = total();
            tolerances();
            for (const Knob& knob : knobs_.list) {
                if (improve(knob)) tell(round);
            }
            if (total() < before + least_gain && !repair()) break;
        }
    }

    void tell(int round) const {
        if (!progress_) return;
        const auto agree = std::ranges::count_if(judged_, &Judged::agrees);
        progress_(fmt::format("round {}: {} of {} cases explained", round, agree, judged_.size()));
    }

    Judged judge(const Device& with, std::size_t index) {
        const Example& example = examples_[index];
        const judge::Verdict verdict =
            handset::judge::judge(with, nullptr, example.evidence, example.question);
        Judged judged;
        const auto accepts = lab::accepts(verdict);
        if (accepts == example.accepted) {
            judged.worth = outcome_worth;
            judged.agrees = true;
            if (!example.accepted) {
                std::optional<wire::AlertDescription> sent;
                if (verdict.alert && verdict.alert->direction == judge::Direction::sent) {
                    sent = verdict.alert->alert.description;
                }
                if (sent == example.alert) {
                    judged.worth += alert_worth;
                } else {
                    judged.agrees = false;
                }
            }
        } else if (accepts == true) {
            judged.worth = cautious_ ? wrong_connects_worth : wrong_connects_at_first;
        } else if (hopeful_ && !example.accepted && waits_for_tolerance(with, verdict)) {
            judged.worth = learnable_worth;
        }
        for (const judge::Reason& reason : verdict.reasons)
            judged.rules.emplace_back(reason.finding.rule);
        return judged;
    }

    // Undecided only because no tolerance for the rule was learned yet.
    static bool waits_for_tolerance(const Device& with, const judge::Verdict& verdict) {
        const judge::Reason* reason = judge::decisive_reason(verdict);
        return reason && verdict.outcome == judge::Outcome::unknown &&
               !with.tolerances.contains(reason->finding.rule);
    }

    void judge_all() {
        judged_.clear();
        for (std::size_t i = 0; i < examples_.size(); ++i)
            judged_.push_back(judge(device_, i));
    }
    double total() const {
        double sum = 0;
        for (const Judged& judged : judged_)
            sum += judged.worth;
        return sum;
    }

    // What a change gains on examples of a rule, or on all for an empty one; -1 for nothing.
    double gain_of(const Device& changed, std::string_view rule) {
        const auto concerned = [&](std::size_t i) {
            return rule.empty() ||
                   std::ranges::find(judged_[i].rules, rule) != judged_[i].rules.end();
        };
        double gain = 0;
        for (std::size_t i = 0; i < examples_.size(); ++i) {
            if (!judged_[i].agrees && concerned(i)) {
                gain += judge(changed, i).worth - judged_[i].worth;
            }
        }
        if (gain < least_gain) return -1;
        for (std::size_t i = 0; i < examples_.size(); ++i) {
            if (judged_[i].agrees && concerned(i)) {
                gain += judge(changed, i).worth - judged_[i].worth;
            }
            if (gain < least_gain) return -1;
        }
        return gain;
    }

    bool improve(const Knob& knob) {
        Device best;
        double best_gain = 0;
        for (const Change& change : knob.changes(device_)) {
            Device changed = device_;
            change(changed);
            const double gain = gain_of(changed, knob.rule);
            if (gain > best_gain + least_gain) {
                best_gain = gain;
                best = std::move(changed);
            }
        }
        if (best_gain <= 0) return false;
        device_ = std::move(best);
        judge_all();
        return true;
    }

    // A tolerance that was learned before the right statement stands in its way: both change at
    // once. Looked for where a tolerance decides a case wrongly.
    bool repair() {
        Device best;
        double best_gain = 0;
        for (std::size_t i = 0; i < examples_.size(); ++i) {
            if (judged_[i].worth >= outcome_worth) continue;
            for (const std::string& rule : judged_[i].rules) {
                Device without = device_;
                if (without.tolerances.erase(rule) == 0) continue;
                for (const Knob& knob : knobs_.list) {
                    for (const Change& change : knob.changes(without)) {
                        Device changed = without;
                        change(changed);
                        if (judge(changed, i).worth < outcome_worth) continue;
                        const double gain = gain_of(changed, "");
                        if (gain <= best_gain + least_gain) continue;
                        best_gain = gain;
                        best = std::move(changed);
                    }
                }
            }
        }
        if (best_gain <= 0) return false;
        device_ = std::move(best);
        judge_all();
        return true;
    }

    Knob tolerance_knob(const std::string& rule) {
        Knob knob;
        knob.key = "tolerances." + rule;
        knob.rule = rule;
        knob.silence = [rule](Device& of) { of.tolerances.erase(rule); };
        knob.ascribe = [rule](Device& of, const std::string& source) {
            device::Tolerance& tolerance = of.tolerances.at(rule);
            tolerance.source = source;
            tolerance.grade = device::Grade::captured;
        };
        knob.changes = [this, rule](const Device&) {
            std::vector<Change> changes;
            changes.push_back([this, rule](Device& of) {
                of.tolerances[rule] = {device::Action::accept, "", source_,
                                       device::Grade::captured};
            });
            std::set<std::optional<wire::AlertDescription>> alerts;
            for (std::size_t i = 0; i < examples_.size(); ++i) {
                if (examples_[i].accepted) continue;
                if (std::ranges::find(judged_[i].rules, rule) == judged_[i].rules.end()) continue;
                alerts.insert(examples_[i].alert);
            }
            for (const auto& alert : alerts) {
                changes.push_back([this, rule, alert](Device& of) {
                    const std::string response = response_for(of, alert, source_);
                    of.tolerances[rule] = {device::Action::refuse, response, source_,
                                           device::Grade::captured};
                });
            }
            return changes;
        };
        return knob;
    }

    std::set<std::string> rules_met() const {
        std::set<std::string> met;
        for (const Judged& judged : judged_)
            met.insert(judged.rules.begin(), judged.rules.end());
        return met;
    }

    void tolerances() {
        for (const std::string& rule : rules_met())
            improve(tolerance_knob(rule));
    }

    // Takes back what no case speaks for, and notes the cases that speak for the rest.
    void silence(Lesson& lesson) {
        std::vector<Knob> all = knobs_.list;
        std::vector<std::string> rules;
        for (const auto& [rule, tolerance] : device_.tolerances)
            rules.push_back(rule);
        for (const std::string& rule : rules)
            all.push_back(tolerance_knob(rule));
        for (const Knob& knob : all) {
            Device without = device_;
            knob.silence(without);
            if (without == device_) continue;
            std::vector<std::string> lost;
            double loss = 0;
            for (std::size_t i = 0; i < examples_.size(); ++i) {
                const double difference = judged_[i].worth - judge(without, i).worth;
                loss += difference;
                if (difference > least_gain) lost.push_back(examples_[i].case_id);
            }
            if (loss <= least_gain) {
                if (is_inferred(knob.key)) continue;  // the nearest device's word for it
                device_ = std::move(without);
                judge_all();
                continue;
            }
            knob.ascribe(device_, source_);
            if (lost.size() > max_cases_told) lost.resize(max_cases_told);
            lesson.shown_by[knob.key] = std::move(lost);
        }
    }

    bool is_inferred(std::string_view key) const {
        const auto all = device::statements(device_);
        const auto found = std::ranges::find(all, key, &device::StatementText::key);
        return found != all.end() && found->grade == device::Grade::inferred;
    }

    void drop_unused_sources() {
        std::set<std::string> used{source_};
        for (const device::StatementText& statement : device::statements(device_))
            used.insert(statement.source);
        for (const auto& [id, response] : device_.responses)
            used.insert(response.source);
        std::erase_if(device_.sources,
                      [&](const auto& source) { return !used.contains(source.first); });
    }

    void drop_unused_responses() {
        std::set<std::string> used;
        for (const auto& [rule, tolerance] : device_.tolerances)
            used.insert(tolerance.response);
        std::erase_if(device_.responses,
                      [&](const auto& response) { return !used.contains(response.first); });
    }

    Device device_;
    const std::vector<Example>& examples_;
    std::string source_;
    const std::function<void(const std::string&)>& progress_;
    Knobs knobs_;
    std::vector<Judged> judged_;
    // A refusal that waits for a tolerance counts nearly as explained: at first, so that no
    // statement is passed over that needs one; not at the end.
    bool hopeful_ = true;
    bool cautious_ = false;
};

// What most clients do, as a place to begin: statements that no case speaks for go again.
void begin_with_usual(Device& start, const std::string& source) {
    const auto state = [&](auto& stated, auto value) {
        using Value = typename std::remove_reference_t<decltype(stated)>::value_type;
        if (!stated) stated = Value{std::move(value), source, device::Grade::captured};
    };
    using namespace device;
    const auto oid_list = [](std::initializer_list<std::string_view> names) {
        std::vector<x509::Oid> list;
        for (const std::string_view name : names) {
            if (const auto oid = x509::oid_from_name(name)) list.push_back(*oid);
        }
        return list;
    };
    const auto curve_list = [](std::initializer_list<std::string_view> names) {
        std::vector<wire::NamedGroup> list;
        for (const std::string_view name : names) {
            if (const auto group = wire::named_group_from_name(name)) list.push_back(*group);
        }
        return list;
    };
    state(start.server_hello.versions,
          std::vector<wire::ProtocolVersion>{wire::ProtocolVersion::tls_1_2});
    state(start.key_exchange.dh_bits, Range{1024, std::nullopt});
    state(start.certificate.rsa_bits, Range{1024, std::nullopt});
    state(start.certificate.key_types, std::vector<std::string>{"rsa", "ec"});
    state(start.certificate.signature_algorithms,
          oid_list({"sha256WithRSAEncryption", "sha384WithRSAEncryption", "sha512WithRSAEncryption",
                    "ecdsa-with-SHA256", "ecdsa-with-SHA384", "ecdsa-with-SHA512"}));
    state(start.certificate.critical_extensions,
          oid_list({"keyUsage", "subjectAltName", "basicConstraints", "nameConstraints",
                    "extKeyUsage", "certificatePolicies", "policyConstraints", "policyMappings",
                    "inhibitAnyPolicy", "subjectKeyIdentifier", "netscapeCertType"}));
    state(start.certificate.curves, curve_list({"secp256r1", "secp384r1", "secp521r1"}));
    state(start.path.order, PathOrder::any);
    state(start.path.anchors, AnchorKind::any);
    state(start.path.issuers, IssuersFrom::sent_first);
    state(start.path.alternatives, Alternatives::until_valid);
    state(start.path.key_identifiers, KeyIdentifiers::ignored);
    state(start.path.name_chaining, NameChaining::binary);
    state(start.path.aia, AiaRule::never);
    state(start.validation.dates,
          std::vector<DatesOf>{DatesOf::leaf, DatesOf::intermediates, DatesOf::anchor});
    state(start.validation.basic_constraints, true);
    state(start.validation.path_len_constraint, true);
    state(start.validation.ca_key_usage, true);
    state(start.validation.leaf_key_usage, false);
    state(start.validation.extended_key_usage, ExtendedKeyUsageRule::server_auth_or_any);
    state(start.validation.ca_extended_key_usage, ExtendedKeyUsageRule::ignored);
    state(start.validation.v1_ca, V1Ca::anchor);
    state(start.validation.anchor_constraints, false);
    state(start.validation.name_constraints,
          std::vector<ConstraintForm>{ConstraintForm::dns_name, ConstraintForm::ip_address});
    state(start.validation.name_constraints_on_cn, false);
    state(start.validation.name_constraints_on_email, x509::EmailAddressesHeld::always);
    state(start.validation.name_constraints_on_cas, true);
    state(start.validation.wildcards_may_be_excluded, false);
    state(start.validation.local_part_case_counts, true);
    state(start.validation.host_constraints_hold_below, false);
    state(start.validation.ip_constraints_by_family, false);
    state(start.validation.self_issued_exempt, true);
    state(start.validation.policies, false);
    state(start.names.checked, true);
    state(start.names.san, SanRule::any);
    state(start.names.cn, CnRule::if_no_san);
    state(start.names.cn_which, CnWhich::last);
    state(start.names.san_wildcard, Wildcard::leftmost_label);
    state(start.names.cn_wildcard, Wildcard::leftmost_label);
    state(start.names.wildcard_min_labels, std::size_t{1});
    state(start.names.public_suffix_wildcard, true);
    state(start.names.wildcard_matches_a_label, true);
    state(start.names.ip, IpRule::ip_address);
    state(start.names.case_sensitive, false);
    state(start.names.trailing_dot_ignored, TrailingDot::counts);
    state(start.names.embedded_nul, EmbeddedNul::whole);
}

constexpr std::string_view nearest_source = "nearest";

// What the others state, those first that predict most of the examples.
void fill_from_nearest(Device& start, const std::vector<Example>& examples,
                       const std::vector<Device>& known, const std::string& source) {
    if (known.empty() || examples.empty()) return;
    std::vector<std::pair<std::size_t, const Device*>> ranked;
    for (const Device& other : known) {
        const auto agree = std::ranges::count_if(
            examples, [&](const Example& example) { return agreement(other, example).outcome; });
        ranked.emplace_back(static_cast<std::size_t>(agree), &other);
    }
    std::ranges::stable_sort(ranked, std::greater(), [](const auto& one) { return one.first; });
    const std::string id(nearest_source);
    start.sources[id] = {
        device::Grade::inferred,
        fmt::format("As {} does it, whose profile predicts {} of {} cases.",
                    ranked.front().second->name, ranked.front().first, examples.size()),
        fmt::format("profiles/{}.yaml", ranked.front().second->id),
        start.sources.at(source).retrieved};
    const Knobs knobs(start, source);
    for (const auto& [agree, other] : ranked) {
        for (const Knob& knob : knobs.list)
            knob.fill(start, *other, id);
        for (const auto& [rule, tolerance] : other->tolerances) {
            if (start.tolerances.contains(rule)) continue;
            device::Tolerance taken{tolerance.action, "", id, device::Grade::inferred};
            const auto response = other->responses.find(tolerance.response);
            if (response != other->responses.end()) {
                taken.response =
                    response_for(start, response->second.alert, id, device::Grade::inferred);
            }
            start.tolerances.emplace(rule, std::move(taken));
        }
    }
}

}  // namespace

Agreement agreement(const Device& device, const Example& example) {
    const judge::Verdict verdict =
        handset::judge::judge(device, nullptr, example.evidence, example.question);
    Agreement result;
    result.outcome = accepts(verdict) == example.accepted;
    std::optional<wire::AlertDescription> sent;
    if (verdict.alert && verdict.alert->direction == judge::Direction::sent) {
        sent = verdict.alert->alert.description;
    }
    result.alert = result.outcome && sent == example.alert;
    return result;
}

std::vector<Example> examples_of(const std::vector<Entry>& log, const std::vector<Shown>& cases) {
    std::map<std::string, const Entry*> farthest;
    for (const Entry& entry : log) {
        const Observation& seen = entry.observation;
        if (seen.reached < Reached::flight) continue;
        const Entry*& known = farthest[seen.case_id];
        if (!known || seen.reached >= known->observation.reached) known = &entry;
    }
    std::vector<Example> examples;
    for (const Shown& shown : cases) {
        const auto entry = farthest.find(shown.id);
        if (entry == farthest.end()) continue;
        const Observation& seen = entry->second->observation;
        const auto verdict = accepted(seen);
        if (!verdict) continue;
        Example example;
        example.case_id = shown.id;
        example.evidence = rules::read(flight_of(seen, shown));
        example.question = question_of(shown, entry->second->clock);
        example.accepted = *verdict;
        if (const ClientAlert* alert = seen.stopped_with()) {
            example.alert = alert->alert.description;
        }
        examples.push_back(std::move(example));
    }
    return examples;
}

Lesson learn(Device start, const std::vector<Example>& examples, const std::string& source,
             const std::vector<Device>& known,
             const std::function<void(const std::string&)>& progress) {
    fill_from_nearest(start, examples, known, source);
    begin_with_usual(start, source);
    return Search(std::move(start), examples, source, progress).run();
}

}  // namespace handset::lab
