#include "emulator/lab/prior.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

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

constexpr std::string_view vote_source = "vote";

// Chosen by trying: of 13 clients, each was learned with the others as known devices.
constexpr double steepness = 20;

// How much each known device's word counts: steeply more, the more examples it predicts.
std::vector<Voter> voters_of(const std::vector<Example>& examples,
                             const std::vector<Device>& known) {
    std::vector<Voter> voters;
    for (const Device& device : known) {
        const auto agree = std::ranges::count_if(
            examples, [&](const Example& example) { return agreement(device, example).outcome; });
        const double share =
            (static_cast<double>(agree) + 1) / (static_cast<double>(examples.size()) + 2);
        voters.push_back({&device, std::pow(share, steepness)});
    }
    return voters;
}

// What a device does about a rule; nullptr: it does not say.
const device::Tolerance* tolerance_of(const Device& device, const rules::Rule& rule) {
    const auto stated = device.tolerances.find(rule.id);
    const device::Tolerance* found = nullptr;
    if (stated != device.tolerances.end()) {
        found = &stated->second;
    } else if (device.otherwise && rule.level == rules::Level::must) {
        found = &*device.otherwise;
    }
    return found && found->grade != device::Grade::assumed ? found : nullptr;
}

// The way in which most of those that refuse do so.
std::string favourite_response(const rules::Rule& rule, const std::vector<Voter>& voters,
                               Device& start, const std::string& source) {
    std::map<std::optional<wire::AlertDescription>, double> alerts;
    for (const auto& [device, weight] : voters) {
        const device::Tolerance* tolerance = tolerance_of(*device, rule);
        if (!tolerance || tolerance->action != device::Action::refuse) continue;
        const auto found = device->responses.find(tolerance->response);
        if (found == device->responses.end()) continue;
        const device::Response& response = found->second;
        if (response.alert_as_standard) {
            alerts[rule.alert] += weight;
        } else if (response.alert_stated) {
            alerts[response.alert] += weight;
        }
    }
    const auto most =
        std::ranges::max_element(alerts, {}, [](const auto& one) { return one.second; });
    if (most != alerts.end()) {
        return response_for(start, most->first, source, device::Grade::inferred);
    }
    const std::string id = source + "-unknown-alert";
    device::Response unknown;
    unknown.source = source;
    unknown.grade = device::Grade::inferred;
    start.responses.emplace(id, unknown);
    return id;
}

// What most voters do about a rule; nullopt: nothing, as most need no tolerance for it.
std::optional<device::Tolerance> favourite(const rules::Rule& rule,
                                           const std::vector<Voter>& voters, Device& start,
                                           const std::string& source) {
    double accept = 0, refuse = 0, silent = 0;
    for (const auto& [device, weight] : voters) {
        const device::Tolerance* tolerance = tolerance_of(*device, rule);
        // Without a word, what is merely discouraged is accepted.
        if (!tolerance && rule.level == rules::Level::should) silent += weight;
        if (tolerance && tolerance->action == device::Action::accept) accept += weight;
        if (tolerance && tolerance->action == device::Action::refuse) refuse += weight;
    }
    using device::Action, device::Grade, device::Tolerance;
    if (refuse > accept + silent) {
        return Tolerance{Action::refuse, favourite_response(rule, voters, start, source), source,
                         Grade::inferred};
    }
    if (accept > 0) return Tolerance{Action::accept, "", source, Grade::inferred};
    return std::nullopt;
}

}  // namespace

void fill_from_vote(Device& start, const std::vector<Example>& examples,
                    const std::vector<Device>& known, const std::string& source) {
    if (known.empty() || examples.empty()) return;
    const std::vector<Voter> voters = voters_of(examples, known);
    const std::string id(vote_source);
    start.sources[id] = {
        device::Grade::inferred,
        fmt::format(
            "As most of {} known devices do it, those more that do as this one does in {} cases.",
            known.size(), examples.size()),
        "profiles/", start.sources.at(source).retrieved};
    const auto all = knobs(start, source);
    for (const Knob& knob : *all)
        knob.vote(start, voters, id);
    for (const rules::Rule& rule : rules::catalog()) {
        const std::string rule_id(rule.id);
        if (start.tolerances.contains(rule_id)) continue;
        if (auto taken = favourite(rule, voters, start, id)) {
            start.tolerances.emplace(rule_id, std::move(*taken));
        }
    }
}

}  // namespace handset::lab
