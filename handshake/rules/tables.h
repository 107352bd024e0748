// The tables of the catalog, one per area. Internal to handshake/rules.
#pragma once

#include "handshake/rules/rule.h"

namespace handset::rules {

std::span<const Rule> encoding_rules();
std::span<const Rule> certificate_rules();
std::span<const Rule> extension_rules();
std::span<const Rule> key_rules();
std::span<const Rule> name_rules();
std::span<const Rule> chain_rules();
std::span<const Rule> negotiation_rules();
std::span<const Rule> handshake_rules();
std::span<const Rule> capacity_rules();

// Calls visit(number, certificate) for every certificate of the chain that could be decoded.
template <typename Visit>
void for_each_certificate(const Evidence& evidence, Visit visit) {
    for (std::size_t number = 0; number < evidence.chain.size(); ++number) {
        if (evidence.chain[number].certificate) visit(number, *evidence.chain[number].certificate);
    }
}

}  // namespace handset::rules
