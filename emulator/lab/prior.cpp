#include "emulator/lab/prior.h"

#include <fmt/format.h>

#include <algorithm>

#include "emulator/lab/knobs.h"

namespace handset::lab {

using device::Device;

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
    state(start.validation.leaf_key_usage, LeafKeyUsageRule::ignored);
    state(start.validation.extended_key_usage, ExtendedKeyUsageRule::server_auth_or_any);
    state(start.validation.ca_extended_key_usage, ExtendedKeyUsageRule::ignored);
    state(start.validation.v1_ca, V1Ca::anchor);
    state(start.validation.anchor_constraints, std::vector<AnchorConstraint>{});
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

namespace {

constexpr std::string_view nearest_source = "nearest";

}  // namespace

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
    const auto knobs_of_start = knobs(start, source);
    for (const auto& [agree, other] : ranked) {
        for (const Knob& knob : *knobs_of_start)
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

}  // namespace handset::lab
