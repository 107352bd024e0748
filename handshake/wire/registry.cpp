#include "handshake/wire/registry.h"

#include <fmt/format.h>
#include <algorithm>
#include <charconv>

#include "handshake/wire/registry_tables.h"

namespace handset::wire {

namespace {

using tables::NumberName;
using Names = std::span<const NumberName>;

std::string hexadecimal(std::uint32_t number, int digits) {
    return fmt::format("0x{:0{}x}", number, digits);
}

std::string name_or_number(Names names, std::uint32_t number, int digits) {
    const auto row = std::ranges::lower_bound(names, number, {}, &NumberName::code);
    if (row != names.end() && row->code == number) return std::string(row->name);
    return hexadecimal(number, digits);
}

// "0x" and one to six digits.
std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t greatest) {
    if (!text.starts_with("0x") || text.size() < 3 || text.size() > 8) return std::nullopt;
    std::uint32_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data() + 2, end, number, 16);
    if (error != std::errc() || stop != end || number > greatest) return std::nullopt;
    return number;
}

template <typename Rows>
std::optional<std::uint32_t> code_of(const Rows& rows, std::string_view name) {
    for (const auto& row : rows) {
        if (row.name == name) return row.code;
    }
    return std::nullopt;
}

template <typename Enum>
std::optional<Enum> from_name(Names names, Names aliases, std::string_view name) {
    auto code = code_of(names, name);
    if (!code) code = code_of(aliases, name);
    if (!code) code = parse_number(name, std::underlying_type_t<Enum>(-1));
    if (!code) return std::nullopt;
    return static_cast<Enum>(*code);
}

template <typename Enum>
std::uint32_t number_of(Enum value) {
    return static_cast<std::uint32_t>(value);
}

}  // namespace

std::span<const CipherSuiteInfo> cipher_suites() {
    return tables::cipher_suites;
}

const CipherSuiteInfo* find_cipher_suite(CipherSuite suite) {
    const auto rows = tables::cipher_suites;
    const auto code = static_cast<std::uint16_t>(suite);
    const auto row = std::ranges::lower_bound(rows, code, {}, &CipherSuiteInfo::code);
    return row != rows.end() && row->code == code ? &*row : nullptr;
}

std::string name_of(ProtocolVersion version) {
    return name_or_number(tables::protocol_versions, number_of(version), 4);
}

std::string name_of(ContentType type) {
    return name_or_number(tables::content_types, number_of(type), 2);
}

std::string name_of(HandshakeType type) {
    return name_or_number(tables::handshake_types, number_of(type), 2);
}

std::string name_of(AlertLevel level) {
    switch (level) {
        case AlertLevel::warning:
            return "warning";
        case AlertLevel::fatal:
            return "fatal";
    }
    return hexadecimal(number_of(level), 2);
}

std::string name_of(AlertDescription description) {
    return name_or_number(tables::alert_descriptions, number_of(description), 2);
}

std::string name_of(CipherSuite suite) {
    if (const CipherSuiteInfo* info = find_cipher_suite(suite)) return std::string(info->name);
    return hexadecimal(number_of(suite), 4);
}

std::string name_of(ExtensionType type) {
    return name_or_number(tables::extension_types, number_of(type), 4);
}

std::string name_of(NamedGroup group) {
    return name_or_number(tables::named_groups, number_of(group), 4);
}

std::string name_of(SignatureScheme scheme) {
    return name_or_number(tables::signature_schemes, number_of(scheme), 4);
}

std::string name_of(CompressionMethod method) {
    return name_or_number(tables::compression_methods, number_of(method), 2);
}

std::string v2_cipher_kind_name(std::uint32_t kind) {
    if (kind <= 0xffff) {
        if (const auto* info = find_cipher_suite(static_cast<CipherSuite>(kind))) {
            return std::string(info->name);
        }
    }
    return name_or_number(tables::v2_cipher_kinds, kind, 6);
}

std::optional<CipherSuite> cipher_suite_from_name(std::string_view name) {
    auto code = code_of(tables::cipher_suites, name);
    if (!code) code = code_of(tables::cipher_suite_aliases, name);
    // SSL 3.0 and JSSE write SSL_ where TLS writes TLS_.
    if (!code && name.starts_with("SSL_")) {
        code = code_of(tables::cipher_suites, fmt::format("TLS_{}", name.substr(4)));
    }
    if (!code) code = parse_number(name, 0xffff);
    if (!code) return std::nullopt;
    return static_cast<CipherSuite>(*code);
}

std::optional<ExtensionType> extension_type_from_name(std::string_view name) {
    return from_name<ExtensionType>(tables::extension_types, tables::extension_type_aliases, name);
}

std::optional<NamedGroup> named_group_from_name(std::string_view name) {
    return from_name<NamedGroup>(tables::named_groups, tables::named_group_aliases, name);
}

std::optional<SignatureScheme> signature_scheme_from_name(std::string_view name) {
    return from_name<SignatureScheme>(tables::signature_schemes, tables::signature_scheme_aliases,
                                      name);
}

std::optional<AlertDescription> alert_description_from_name(std::string_view name) {
    constexpr std::string_view retired = "_RESERVED";
    if (name.ends_with(retired)) name.remove_suffix(retired.size());
    return from_name<AlertDescription>(tables::alert_descriptions, {}, name);
}

std::optional<ProtocolVersion> protocol_version_from_name(std::string_view name) {
    return from_name<ProtocolVersion>(tables::protocol_versions, tables::protocol_version_aliases,
                                      name);
}

std::optional<std::uint32_t> v2_cipher_kind_from_name(std::string_view name) {
    if (const auto code = code_of(tables::v2_cipher_kinds, name)) return code;
    if (const auto number = parse_number(name, 0xffffff)) return number;
    if (const auto suite = cipher_suite_from_name(name)) return number_of(*suite);
    return std::nullopt;
}

bool is_grease(std::uint16_t value) {
    return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

}  // namespace handset::wire
