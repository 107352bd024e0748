#include "emulator/device/statements.h"

#include <fmt/format.h>

#include "emulator/device/words.h"

namespace handset::device {

namespace {

std::string text_of(bool value) {
    return value ? "yes" : "no";
}
std::string text_of(std::size_t value) {
    return std::to_string(value);
}
std::string text_of(const std::string& value) {
    return value;
}
std::string text_of(const Range& range) {
    if (!range.min && !range.max) return "any";
    return fmt::format("{}..{}", range.min ? std::to_string(*range.min) : "",
                       range.max ? std::to_string(*range.max) : "");
}
std::string text_of(wire::ProtocolVersion value) {
    return wire::name_of(value);
}
std::string text_of(wire::NamedGroup value) {
    return wire::name_of(value);
}
std::string text_of(const x509::Oid& value) {
    return x509::oid_name(value);
}
template <typename E>
requires std::is_enum_v<E> std::string text_of(E value) {
    return std::string(word_of(value));
}
template <typename T>
std::string text_of(const std::vector<T>& values) {
    std::vector<std::string> texts;
    for (const T& value : values)
        texts.push_back(text_of(value));
    return fmt::format("{}", fmt::join(texts, ", "));
}

class Lister {
public:
    template <typename T>
    void add(std::string_view key, const Stated<T>& stated) {
        if (stated)
            list.push_back(
                {std::string(key), text_of(stated->value), stated->grade, stated->source});
    }
    void add(std::string_view key, const ClientHello& hello) {
        const bool tls = hello.framing == Framing::tls;
        list.push_back({std::string(key),
                        fmt::format("{}, {} cipher suites",
                                    tls ? wire::name_of(hello.client_version) : "SSLv2 framing",
                                    tls ? hello.cipher_suites.size() : hello.cipher_specs.size()),
                        hello.grade, hello.source});
    }
    std::vector<StatementText> list;
};

}  // namespace

std::vector<StatementText> statements(const Device& device) {
    Lister out;
    out.add("client_hello", device.client_hello);
    for (const Fallback& fallback : device.fallbacks)
        out.add("fallbacks", fallback.hello);
    out.add("server_hello.versions", device.server_hello.versions);
    out.add("server_hello.max_record_bytes", device.server_hello.max_record_bytes);
    out.add("server_hello.max_message_bytes", device.server_hello.max_message_bytes);
    out.add("server_hello.max_chain_bytes", device.server_hello.max_chain_bytes);
    out.add("server_hello.max_chain_certificates", device.server_hello.max_chain_certificates);
    out.add("server_hello.max_certificate_message_bytes",
            device.server_hello.max_certificate_message_bytes);
    out.add("server_hello.max_certificate_request_bytes",
            device.server_hello.max_certificate_request_bytes);
    out.add("key_exchange.dh_bits", device.key_exchange.dh_bits);
    out.add("key_exchange.dh_bits_multiple", device.key_exchange.dh_bits_multiple);
    out.add("key_exchange.groups", device.key_exchange.groups);
    out.add("key_exchange.hashes", device.key_exchange.hashes);
    out.add("certificate.rsa_bits", device.certificate.rsa_bits);
    out.add("certificate.key_types", device.certificate.key_types);
    out.add("certificate.signature_algorithms", device.certificate.signature_algorithms);
    out.add("certificate.critical_extensions", device.certificate.critical_extensions);
    out.add("certificate.max_oid_arcs", device.certificate.max_oid_arcs);
    out.add("certificate.max_certificate_bytes", device.certificate.max_certificate_bytes);
    out.add("certificate.max_san_names", device.certificate.max_san_names);
    out.add("certificate.max_exponent_bits", device.certificate.max_exponent_bits);
    out.add("certificate.curves", device.certificate.curves);
    out.add("certificate.max_year", device.certificate.max_year);
    out.add("path.order", device.path.order);
    out.add("path.sent_self_signed", device.path.sent_self_signed);
    out.add("path.anchors", device.path.anchors);
    out.add("path.issuers", device.path.issuers);
    out.add("path.alternatives", device.path.alternatives);
    out.add("path.key_identifiers", device.path.key_identifiers);
    out.add("path.prefers_in_date", device.path.prefers_in_date);
    out.add("path.name_chaining", device.path.name_chaining);
    out.add("path.aia", device.path.aia);
    out.add("path.max_certificates", device.path.max_certificates);
    out.add("validation.dates", device.validation.dates);
    out.add("validation.basic_constraints", device.validation.basic_constraints);
    out.add("validation.path_len_constraint", device.validation.path_len_constraint);
    out.add("validation.self_issued_exempt", device.validation.self_issued_exempt);
    out.add("validation.leaf_ca_counts", device.validation.leaf_ca_counts);
    out.add("validation.ca_key_usage", device.validation.ca_key_usage);
    out.add("validation.leaf_key_usage", device.validation.leaf_key_usage);
    out.add("validation.extended_key_usage", device.validation.extended_key_usage);
    out.add("validation.ca_extended_key_usage", device.validation.ca_extended_key_usage);
    out.add("validation.v1_ca", device.validation.v1_ca);
    out.add("validation.anchor_constraints", device.validation.anchor_constraints);
    out.add("validation.name_constraints", device.validation.name_constraints);
    out.add("validation.name_constraints_on_cn", device.validation.name_constraints_on_cn);
    out.add("validation.name_constraints_on_email", device.validation.name_constraints_on_email);
    out.add("validation.name_constraints_on_cas", device.validation.name_constraints_on_cas);
    out.add("validation.name_constraints_on_self_issued",
            device.validation.name_constraints_on_self_issued);
    out.add("validation.dns_constraints_by_label", device.validation.dns_constraints_by_label);
    out.add("validation.dns_constraints_hold_more", device.validation.dns_constraints_hold_more);
    out.add("validation.wildcards_may_be_excluded", device.validation.wildcards_may_be_excluded);
    out.add("validation.local_part_case_counts", device.validation.local_part_case_counts);
    out.add("validation.host_constraints_hold_below",
            device.validation.host_constraints_hold_below);
    out.add("validation.ipv6_constraints", device.validation.ipv6_constraints);
    out.add("validation.ip_constraints_by_family", device.validation.ip_constraints_by_family);
    out.add("validation.policies", device.validation.policies);
    out.add("validation.max_validity_days", device.validation.max_validity_days);
    out.add("names.checked", device.names.checked);
    out.add("names.san", device.names.san);
    out.add("names.cn", device.names.cn);
    out.add("names.cn_which", device.names.cn_which);
    out.add("names.san_wildcard", device.names.san_wildcard);
    out.add("names.cn_wildcard", device.names.cn_wildcard);
    out.add("names.wildcard_min_labels", device.names.wildcard_min_labels);
    out.add("names.public_suffix_wildcard", device.names.public_suffix_wildcard);
    out.add("names.wildcard_matches_a_label", device.names.wildcard_matches_a_label);
    out.add("names.ip", device.names.ip);
    out.add("names.case_sensitive", device.names.case_sensitive);
    out.add("names.trailing_dot_ignored", device.names.trailing_dot_ignored);
    out.add("names.embedded_nul", device.names.embedded_nul);
    out.add("names.msstd", device.names.msstd);
    if (device.trust.store_id) {
        out.list.push_back(
            {"trust.store", *device.trust.store_id, device.trust.grade, device.trust.source});
    }
    out.add("trust.users_install_roots", device.trust.users_install_roots);
    out.add("trust.root_formats", device.trust.root_formats);
    out.add("trust.user_roots", device.trust.user_roots);
    if (device.order) {
        out.list.push_back({"order", std::string(word_of(device.order->certificates)),
                            device.order->grade, device.order->source});
    }
    for (const auto& [rule, tolerance] : device.tolerances) {
        std::string value(word_of(tolerance.action));
        const auto response = device.responses.find(tolerance.response);
        if (response != device.responses.end()) {
            value += fmt::format(": {}", tolerance.response);
            if (response->second.alert) {
                value += fmt::format(", alert {}", wire::name_of(*response->second.alert));
            }
        }
        out.list.push_back({fmt::format("tolerances.{}", rule), std::move(value), tolerance.grade,
                            tolerance.source});
    }
    if (device.otherwise) {
        out.list.push_back({"otherwise", std::string(word_of(device.otherwise->action)),
                            device.otherwise->grade, device.otherwise->source});
    }
    return std::move(out.list);
}

std::map<Grade, std::size_t> count_grades(const Device& device) {
    std::map<Grade, std::size_t> counts;
    for (const StatementText& statement : statements(device))
        ++counts[statement.grade];
    return counts;
}

}  // namespace handset::device
