// The tables of the catalog, one per area. Internal to handshake/rules.
#pragma once

#include <algorithm>

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

// Calls visit(number, index, value) for every extension of this name (one of find_oid's) whose
// value is a T.
template <typename T, typename Visit>
void for_each_value(const Evidence& evidence, std::string_view name, Visit visit) {
    const x509::Oid* id = x509::find_oid(name);
    for_each_certificate(evidence, [&](std::size_t number, const x509::Certificate& certificate) {
        for (std::size_t i = 0; i < certificate.extensions.size(); ++i) {
            const x509::Extension& extension = certificate.extensions[i];
            const T* value = std::get_if<T>(&extension.value);
            if (value && extension.id == *id) visit(number, i, *value);
        }
    });
}

// The server's own certificate, or nullptr when there is none or it cannot be read.
inline const x509::Certificate* leaf_of(const Evidence& evidence) {
    if (evidence.chain.empty() || !evidence.chain.front().certificate) return nullptr;
    return &*evidence.chain.front().certificate;
}

// The first message of a type, or nullptr.
inline const MessageSeen* find_message(const Evidence& evidence, wire::HandshakeType type) {
    const auto found = std::ranges::find(evidence.messages, type, &MessageSeen::type);
    return found == evidence.messages.end() ? nullptr : &*found;
}

}  // namespace handset::rules
