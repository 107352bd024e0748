// The rows behind registry.h, ascending by number; aliases in no order. Only registry.cpp reads
// them.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "handshake/wire/registry.h"

namespace handset::wire::tables {

struct NumberName {
    std::uint32_t code = 0;
    std::string_view name;
};

extern const std::span<const CipherSuiteInfo> cipher_suites;
extern const std::span<const NumberName> cipher_suite_aliases;
extern const std::span<const NumberName> content_types;
extern const std::span<const NumberName> handshake_types;
extern const std::span<const NumberName> alert_descriptions;
extern const std::span<const NumberName> compression_methods;
extern const std::span<const NumberName> extension_types;
extern const std::span<const NumberName> extension_type_aliases;
extern const std::span<const NumberName> named_groups;
extern const std::span<const NumberName> named_group_aliases;
extern const std::span<const NumberName> signature_schemes;
extern const std::span<const NumberName> signature_scheme_aliases;
extern const std::span<const NumberName> v2_cipher_kinds;
extern const std::span<const NumberName> protocol_versions;
extern const std::span<const NumberName> protocol_version_aliases;

}  // namespace handset::wire::tables
