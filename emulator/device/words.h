// The words that profiles, reports and the command line use for the values of device.h. One table
// per enumeration, in the order in which messages list them.
#pragma once

#include <array>

#include "emulator/device/device.h"

namespace handset::device {

template <typename E>
struct Word {
    std::string_view name;
    E value;
};
template <typename E>
inline constexpr std::array<Word<E>, 0> words{};

template <>
inline constexpr auto words<Grade> = std::to_array<Word<Grade>>({
    {"captured", Grade::captured},
    {"source-code", Grade::source_code},
    {"documented", Grade::documented},
    {"reported", Grade::reported},
    {"inferred", Grade::inferred},
    {"assumed", Grade::assumed},
});
template <>
inline constexpr auto words<Kind> = std::to_array<Word<Kind>>({
    {"mail-client", Kind::mail_client},
    {"browser", Kind::browser},
    {"os", Kind::os},
    {"library", Kind::library},
    {"embedded", Kind::embedded},
    {"server", Kind::server},
});
template <>
inline constexpr auto words<Status> = std::to_array<Word<Status>>({
    {"draft", Status::draft},
    {"reviewed", Status::reviewed},
});
template <>
inline constexpr auto words<Framing> = std::to_array<Word<Framing>>({
    {"tls", Framing::tls},
    {"sslv2", Framing::sslv2},
});
template <>
inline constexpr auto words<RandomKind> = std::to_array<Word<RandomKind>>({
    {"random", RandomKind::random},
    {"clock-prefixed", RandomKind::clock_prefixed},
});
template <>
inline constexpr auto words<ServerNameRule> = std::to_array<Word<ServerNameRule>>({
    {"none", ServerNameRule::none},
    {"host", ServerNameRule::host},
    {"host-and-ip", ServerNameRule::host_and_ip},
});
template <>
inline constexpr auto words<PathOrder> = std::to_array<Word<PathOrder>>({
    {"as-sent", PathOrder::as_sent},
    {"forward", PathOrder::forward},
    {"any", PathOrder::any},
});
template <>
inline constexpr auto words<SentSelfSigned> = std::to_array<Word<SentSelfSigned>>({
    {"used", SentSelfSigned::used},
    {"dropped", SentSelfSigned::dropped},
});
template <>
inline constexpr auto words<AnchorKind> = std::to_array<Word<AnchorKind>>({
    {"self-signed", AnchorKind::self_signed},
    {"any", AnchorKind::any},
});
template <>
inline constexpr auto words<DatesOf> = std::to_array<Word<DatesOf>>({
    {"leaf", DatesOf::leaf},
    {"intermediates", DatesOf::intermediates},
    {"anchor", DatesOf::anchor},
});
template <>
inline constexpr auto words<ExtendedKeyUsageRule> = std::to_array<Word<ExtendedKeyUsageRule>>({
    {"ignored", ExtendedKeyUsageRule::ignored},
    {"server-auth", ExtendedKeyUsageRule::server_auth},
    {"server-auth-or-any", ExtendedKeyUsageRule::server_auth_or_any},
    {"server-auth-or-sgc", ExtendedKeyUsageRule::server_auth_or_sgc},
    {"server-auth-or-ns-sgc", ExtendedKeyUsageRule::server_auth_or_ns_sgc},
    {"server-auth-any-or-sgc", ExtendedKeyUsageRule::server_auth_any_or_sgc},
});
template <>
inline constexpr auto words<SanRule> = std::to_array<Word<SanRule>>({
    {"none", SanRule::none},
    {"first", SanRule::first},
    {"any", SanRule::any},
});
template <>
inline constexpr auto words<CnRule> = std::to_array<Word<CnRule>>({
    {"never", CnRule::never},
    {"if-no-san", CnRule::if_no_san},
    {"if-no-san-of-form", CnRule::if_no_san_of_form},
    {"if-no-identifier", CnRule::if_no_identifier},
    {"if-no-san-extension", CnRule::if_no_san_extension},
    {"always", CnRule::always},
});
template <>
inline constexpr auto words<CnWhich> = std::to_array<Word<CnWhich>>({
    {"first", CnWhich::first},
    {"last", CnWhich::last},
    {"any", CnWhich::any},
    {"only", CnWhich::only},
});
template <>
inline constexpr auto words<Wildcard> = std::to_array<Word<Wildcard>>({
    {"none", Wildcard::none},
    {"leftmost-label", Wildcard::leftmost_label},
    {"any-label", Wildcard::any_label},
    {"suffix", Wildcard::suffix},
    {"each-label", Wildcard::each_label},
    {"partial-label", Wildcard::partial_label},
    {"label-or-bare", Wildcard::label_or_bare},
});
template <>
inline constexpr auto words<IpRule> = std::to_array<Word<IpRule>>({
    {"never", IpRule::never},
    {"ip-address", IpRule::ip_address},
    {"ip-address-or-cn", IpRule::ip_address_or_cn},
    {"ip-address-or-dns-name", IpRule::ip_address_or_dns_name},
    {"text", IpRule::text},
    {"any", IpRule::any},
    {"ipv4-address", IpRule::ipv4_address},
    {"ipv4-address-or-text", IpRule::ipv4_address_or_text},
});
// Older profiles state it as a flag.
template <>
inline constexpr auto words<TrailingDot> = std::to_array<Word<TrailingDot>>({
    {"false", TrailingDot::counts},
    {"true", TrailingDot::ignored},
    {"in-host", TrailingDot::ignored_in_host},
});
template <>
inline constexpr auto words<MsstdRule> = std::to_array<Word<MsstdRule>>({
    {"cn", MsstdRule::cn},
    {"cn-or-san", MsstdRule::cn_or_san},
});
template <>
inline constexpr auto words<CertificateOrder> = std::to_array<Word<CertificateOrder>>({
    {"leaf-first", CertificateOrder::leaf_first},
    {"anchor-first", CertificateOrder::anchor_first},
});
template <>
inline constexpr auto words<Action> = std::to_array<Word<Action>>({
    {"accept", Action::accept},
    {"ask", Action::ask},
    {"refuse", Action::refuse},
});

template <>
inline constexpr auto words<RetryAfter> = std::to_array<Word<RetryAfter>>({
    {"alert", RetryAfter::alert},
    {"close", RetryAfter::close},
    {"silence", RetryAfter::silence},
});
template <>
inline constexpr auto words<IssuersFrom> = std::to_array<Word<IssuersFrom>>({
    {"sent-first", IssuersFrom::sent_first},
    {"stored-first", IssuersFrom::stored_first},
});
template <>
inline constexpr auto words<Alternatives> = std::to_array<Word<Alternatives>>({
    {"none", Alternatives::none},
    {"until-trusted", Alternatives::until_trusted},
    {"until-signed", Alternatives::until_signed},
    {"until-valid", Alternatives::until_valid},
});
template <>
inline constexpr auto words<KeyIdentifiers> = std::to_array<Word<KeyIdentifiers>>({
    {"ignored", KeyIdentifiers::ignored},
    {"preferred", KeyIdentifiers::preferred},
    {"required", KeyIdentifiers::required},
});
template <>
inline constexpr auto words<NameChaining> = std::to_array<Word<NameChaining>>({
    {"binary", NameChaining::binary},
    {"characters", NameChaining::characters},
    {"caseless", NameChaining::caseless},
    {"normalized", NameChaining::normalized},
});
template <>
inline constexpr auto words<AiaRule> = std::to_array<Word<AiaRule>>({
    {"never", AiaRule::never},
    {"fetched", AiaRule::fetched},
});
template <>
inline constexpr auto words<V1Ca> = std::to_array<Word<V1Ca>>({
    {"refused", V1Ca::refused},
    {"anchor", V1Ca::anchor},
    {"accepted", V1Ca::accepted},
});
template <>
inline constexpr auto words<EmbeddedNul> = std::to_array<Word<EmbeddedNul>>({
    {"whole", EmbeddedNul::whole},
    {"truncates", EmbeddedNul::truncates},
});
template <>
inline constexpr auto words<RootFormat> = std::to_array<Word<RootFormat>>({
    {"der", RootFormat::der},
    {"pem", RootFormat::pem},
    {"pkcs7", RootFormat::pkcs7},
    {"pkcs12", RootFormat::pkcs12},
});
template <>
inline constexpr auto words<UserRoots> = std::to_array<Word<UserRoots>>({
    {"used", UserRoots::used},
    {"after-setting", UserRoots::after_setting},
    {"unused", UserRoots::unused},
});
template <>
inline constexpr auto words<Consequence> = std::to_array<Word<Consequence>>({
    {"connects", Consequence::connects},
    {"fails", Consequence::fails},
});
template <>
inline constexpr auto words<x509::EmailAddressesHeld> =
    std::to_array<Word<x509::EmailAddressesHeld>>({
        {"never", x509::EmailAddressesHeld::never},
        {"if-no-san", x509::EmailAddressesHeld::if_no_san},
        {"if-no-rfc822Name", x509::EmailAddressesHeld::if_no_rfc822_name},
        {"always", x509::EmailAddressesHeld::always},
    });
template <>
inline constexpr auto words<ConstraintForm> = std::to_array<Word<ConstraintForm>>({
    {"dNSName", ConstraintForm::dns_name},
    {"rfc822Name", ConstraintForm::rfc822_name},
    {"uniformResourceIdentifier", ConstraintForm::uri},
    {"iPAddress", ConstraintForm::ip_address},
    {"directoryName", ConstraintForm::directory_name},
    {"registeredID", ConstraintForm::registered_id},
});
// The first two were a flag once.
template <>
inline constexpr auto words<LeafKeyUsageRule> = std::to_array<Word<LeafKeyUsageRule>>({
    {"false", LeafKeyUsageRule::ignored},
    {"true", LeafKeyUsageRule::by_suite},
    {"key-encipherment", LeafKeyUsageRule::key_encipherment},
});
template <>
inline constexpr auto words<AnchorConstraint> = std::to_array<Word<AnchorConstraint>>({
    {"form", AnchorConstraint::form},
    {"basic-constraints", AnchorConstraint::basic_constraints},
    {"path-length", AnchorConstraint::path_length},
    {"key-usage", AnchorConstraint::key_usage},
    {"extended-key-usage", AnchorConstraint::extended_key_usage},
    {"name-constraints", AnchorConstraint::name_constraints},
    {"policies", AnchorConstraint::policies},
    {"critical-extensions", AnchorConstraint::critical_extensions},
    {"key", AnchorConstraint::key},
    {"signature-algorithm", AnchorConstraint::signature_algorithm},
});

// Empty for a value that has no word.
template <typename E>
constexpr std::string_view word_of(E value) {
    for (const Word<E>& word : words<E>) {
        if (word.value == value) return word.name;
    }
    return {};
}
template <typename E>
constexpr std::optional<E> from_word(std::string_view name) {
    for (const Word<E>& word : words<E>) {
        if (word.name == name) return word.value;
    }
    return std::nullopt;
}

}  // namespace handset::device
