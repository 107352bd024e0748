#include "emulator/lab/knobs.h"

#include <algorithm>
#include <array>

#include "handshake/wire/extensions.h"

namespace handset::lab {

namespace {

using device::Device;
using device::Stated;

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
    static const Stated<T>& read(const Member<T>& member, const Device& of) {
        return member(const_cast<Device&>(of));  // which it leaves as it is
    }
    template <typename T>
    static void set_origin(Knob& knob, const Member<T>& member) {
        knob.ascribe = [member](Device& of, const std::string& source, device::Grade grade) {
            Stated<T>& here = member(of);
            if (!here) return;
            here->source = source;
            here->grade = grade;
        };
    }
    template <typename T>
    Stated<T> stated(T value) const {
        return device::Statement<T>{std::move(value), source_, device::Grade::captured};
    }

    // The value with most votes; nullopt: silence has more, where that counts.
    template <typename T>
    static std::optional<T> favourite(const Member<T>& member, const std::vector<Voter>& voters,
                                      bool silence_counts) {
        std::vector<std::pair<std::optional<T>, double>> count;
        for (const Voter& voter : voters) {
            const Stated<T>& said = read(member, *voter.device);
            if (!said && !silence_counts) continue;
            const auto value = said ? std::optional<T>(said->value) : std::nullopt;
            auto found = std::ranges::find(count, value, [](const auto& one) { return one.first; });
            if (found == count.end()) found = count.insert(count.end(), {value, 0});
            found->second += voter.weight;
        }
        const auto most =
            std::ranges::max_element(count, {}, [](const auto& one) { return one.second; });
        return most == count.end() ? std::nullopt : most->first;
    }

    // One value out of several.
    template <typename T>
    void one_of(std::string key, Member<T> member, std::vector<T> values) {
        Knob knob;
        knob.key = std::move(key);
        knob.silence = [member](Device& of) { member(of).reset(); };
        set_origin(knob, member);
        // Of a limit, silence says that there is none that was met.
        const bool is_limit = std::is_same_v<T, std::size_t>;
        knob.vote = [member](Device& to, const std::vector<Voter>& voters,
                             const std::string& source) {
            Stated<T>& here = member(to);
            if (here) return;
            if (auto value = favourite(member, voters, is_limit)) {
                here = device::Statement<T>{std::move(*value), source, device::Grade::inferred};
            }
        };
        knob.changes = [this, member, values](const Device& now) {
            std::vector<Change> changes;
            const Stated<T>& current = read(member, now);
            for (const T& value : values) {
                if (current && current->value == value) continue;
                changes.push_back(
                    [this, member, value](Device& of) { member(of) = stated(value); });
            }
            return changes;
        };
        list.push_back(std::move(knob));
    }

    // The items that are in the lists of more than half the votes.
    template <typename T>
    static std::optional<std::vector<T>> favourites(const Member<std::vector<T>>& member,
                                                    const std::vector<Voter>& voters) {
        double all = 0;
        std::vector<std::pair<T, double>> count;
        for (const Voter& voter : voters) {
            const Stated<std::vector<T>>& said = read(member, *voter.device);
            if (!said) continue;
            all += voter.weight;
            for (const T& item : said->value) {
                auto found =
                    std::ranges::find(count, item, [](const auto& one) { return one.first; });
                if (found == count.end()) found = count.insert(count.end(), {item, 0});
                found->second += voter.weight;
            }
        }
        if (all == 0) return std::nullopt;
        std::vector<T> items;
        for (const auto& [item, weight] : count) {
            if (2 * weight > all) items.push_back(item);
        }
        return items;
    }

    // A list, item by item: each is put in or left out.
    template <typename T>
    void some_of(std::string key, Member<std::vector<T>> member, std::vector<T> items,
                 bool may_be_empty = false) {
        Knob knob;
        knob.key = std::move(key);
        knob.silence = [member](Device& of) { member(of).reset(); };
        set_origin(knob, member);
        knob.vote = [member](Device& to, const std::vector<Voter>& voters,
                             const std::string& source) {
            Stated<std::vector<T>>& here = member(to);
            if (here) return;
            if (auto value = favourites(member, voters)) {
                here = device::Statement<std::vector<T>>{std::move(*value), source,
                                                         device::Grade::inferred};
            }
        };
        knob.changes = [this, member, items, may_be_empty](const Device& now) {
            std::vector<Change> changes;
            const Stated<std::vector<T>>& current = read(member, now);
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
            if (!current) {  // silence may stand for all of them
                for (const T& item : items) {
                    std::vector<T> others = items;
                    std::erase(others, item);
                    put(std::move(others));
                }
            }
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
             {4096, 8192, 16384, 32768, 65536, 131072});
        size("server_hello.max_certificate_message_bytes",
             [](Device & of) -> auto& { return of.server_hello.max_certificate_message_bytes; },
             {16384, 32768, 65536, 102400, 131072, 16777215});
        std::vector<device::Range> dh;
        for (const std::size_t min :
             std::initializer_list<std::size_t>{0, 512, 768, 1023, 1024, 1536, 2048}) {
            for (const std::size_t max :
                 std::initializer_list<std::size_t>{0, 2048, 3072, 4096, 8192}) {
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
        for (const std::size_t min :
             std::initializer_list<std::size_t>{0, 512, 1000, 1023, 1024, 2000, 2048}) {
            for (const std::size_t max :
                 std::initializer_list<std::size_t>{0, 2048, 4095, 4096, 8192}) {
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
        one_of<std::size_t>("certificate.max_year",
                            [](Device & of) -> auto& { return of.certificate.max_year; },
                            {2037, 2049, 2105, 2200, 2999, 9998});
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
        flag(
            "path.prefers_in_date", [](Device & of) -> auto& { return of.path.prefers_in_date; });
        one_of<NameChaining>("path.name_chaining",
                             [](Device & of) -> auto& { return of.path.name_chaining; },
                             {NameChaining::binary, NameChaining::characters,
                              NameChaining::caseless, NameChaining::normalized});
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
            "validation.leaf_ca_counts",
            [](Device & of) -> auto& { return of.validation.leaf_ca_counts; });
        flag(
            "validation.ca_key_usage",
            [](Device & of) -> auto& { return of.validation.ca_key_usage; });
        one_of<LeafKeyUsageRule>("validation.leaf_key_usage",
                                 [](Device & of) -> auto& { return of.validation.leaf_key_usage; },
                                 {LeafKeyUsageRule::ignored, LeafKeyUsageRule::by_suite,
                                  LeafKeyUsageRule::key_encipherment});
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
        some_of<AnchorConstraint>(
            "validation.anchor_constraints",
            [](Device & of) -> auto& { return of.validation.anchor_constraints; },
            {AnchorConstraint::form, AnchorConstraint::basic_constraints,
             AnchorConstraint::path_length, AnchorConstraint::key_usage,
             AnchorConstraint::extended_key_usage, AnchorConstraint::name_constraints,
             AnchorConstraint::policies, AnchorConstraint::critical_extensions,
             AnchorConstraint::key, AnchorConstraint::signature_algorithm},
            true);
        some_of<ConstraintForm>(
            "validation.name_constraints",
            [](Device & of) -> auto& { return of.validation.name_constraints; },
            {ConstraintForm::dns_name, ConstraintForm::rfc822_name, ConstraintForm::uri,
             ConstraintForm::ip_address, ConstraintForm::directory_name,
             ConstraintForm::registered_id},
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
            "validation.name_constraints_on_self_issued",
            [](Device & of) -> auto& { return of.validation.name_constraints_on_self_issued; });
        flag(
            "validation.dns_constraints_by_label",
            [](Device & of) -> auto& { return of.validation.dns_constraints_by_label; });
        flag(
            "validation.dns_constraints_hold_more",
            [](Device & of) -> auto& { return of.validation.dns_constraints_hold_more; });
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
            "validation.ipv6_constraints",
            [](Device & of) -> auto& { return of.validation.ipv6_constraints; });
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
            // One form at a time leads astray: all sets of those that are usual.
            using enum device::ConstraintForm;
            static constexpr std::array usual{dns_name, rfc822_name, uri, ip_address,
                                              directory_name};
            for (unsigned set = 1; set < 1U << usual.size(); ++set) {
                std::vector<device::ConstraintForm> forms;
                for (std::size_t i = 0; i < usual.size(); ++i) {
                    if ((set >> i & 1U) != 0) forms.push_back(usual.at(i));
                }
                changes.push_back(
                    [this, forms](Device& of) { of.validation.name_constraints = stated(forms); });
            }
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
                       {CnRule::if_no_san, CnRule::if_no_san_of_form, CnRule::if_no_identifier,
                        CnRule::if_no_san_extension, CnRule::never, CnRule::always});
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
                        IpRule::ip_address_or_dns_name, IpRule::text, IpRule::any,
                        IpRule::ipv4_address, IpRule::ipv4_address_or_text});
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

}  // namespace

std::shared_ptr<const std::vector<Knob>> knobs(const Device& start, const std::string& source) {
    const auto all = std::make_shared<Knobs>(start, source);
    return {all, &all->list};
}

std::string response_for(Device& of, const std::optional<wire::AlertDescription>& alert,
                         const std::string& source, device::Grade grade) {
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

}  // namespace handset::lab
