// Rules on the list of certificates as sent, and on the path that clients build from it.
#include <fmt/format.h>

#include <map>
#include <set>

#include <map>
#include <set>

#include "handshake/rules/tables.h"

namespace handset::rules {

namespace {

using wire::AlertDescription;

// Which role a certificate of the list has, by names alone.
struct Roles {
    std::vector<bool> on_path;    // the leaf, or an issuer reachable from it
    std::vector<bool> duplicate;  // the same octets came before
};

// A list may be as long as the server likes: every certificate is looked at once.
Roles roles_of(const Evidence& evidence) {
    const auto& chain = evidence.chain;
    Roles roles{std::vector<bool>(chain.size()), std::vector<bool>(chain.size())};
    std::set<Bytes> seen;
    std::map<std::string, std::vector<std::size_t>> by_subject;
    for (std::size_t i = 0; i < chain.size(); ++i) {
        roles.duplicate[i] = !seen.insert(chain[i].der).second;
        if (i > 0 && !roles.duplicate[i] && chain[i].certificate) {
            by_subject[x509::folded_key(chain[i].certificate->subject)].push_back(i);
        }
    }
    if (chain.empty()) return roles;
    roles.on_path[0] = true;
    std::vector<std::size_t> to_visit{0};
    while (!to_visit.empty()) {
        const std::size_t number = to_visit.back();
        to_visit.pop_back();
        if (!chain[number].certificate) continue;
        // Every issuer is taken once, so its entry can go.
        const auto issuers =
            by_subject.extract(x509::folded_key(chain[number].certificate->issuer));
        if (!issuers) continue;
        for (const std::size_t issuer : issuers.mapped()) {
            roles.on_path[issuer] = true;
            to_visit.push_back(issuer);
        }
    }
    return roles;
}

x509::Place whole(const ChainEntry& entry) {
    return {0, entry.der.size()};
}

std::string list_field(std::size_t number) {
    return fmt::format("certificate_list[{}]", number);
}

void find_empty(const Evidence& evidence, Findings& findings) {
    if (!evidence.certificate_message_seen || !evidence.chain.empty()) return;
    std::size_t offset = 0;
    for (const MessageSeen& message : evidence.messages) {
        if (message.type == wire::HandshakeType::certificate) offset = message.offset;
    }
    findings.in_stream(offset, {}, "certificate_list", "the server sent no certificate");
}

void find_wrong_order(const Evidence& evidence, Findings& findings) {
    const Roles roles = roles_of(evidence);
    const ChainEntry* previous = nullptr;
    for (std::size_t i = 0; i < evidence.chain.size(); ++i) {
        const ChainEntry& entry = evidence.chain[i];
        if (!roles.on_path[i] || roles.duplicate[i] || !entry.certificate) continue;
        if (previous &&
            !x509::same_folded(previous->certificate->issuer, entry.certificate->subject)) {
            findings.at(i, whole(entry), list_field(i),
                        fmt::format("{} did not issue the certificate in front of it",
                                    x509::describe(*entry.certificate)));
        }
        previous = &entry;
    }
}

void find_extra(const Evidence& evidence, Findings& findings) {
    // Who issued what a certificate that cannot be read stands for is not known.
    for (const ChainEntry& entry : evidence.chain) {
        if (!entry.certificate) return;
    }
    const Roles roles = roles_of(evidence);
    for (std::size_t i = 1; i < evidence.chain.size(); ++i) {
        const ChainEntry& entry = evidence.chain[i];
        if (roles.on_path[i] || roles.duplicate[i] || !entry.certificate) continue;
        findings.at(i, whole(entry), list_field(i),
                    fmt::format("{} is on no path from the server's certificate",
                                x509::describe(*entry.certificate)));
    }
}

void find_duplicate(const Evidence& evidence, Findings& findings) {
    const Roles roles = roles_of(evidence);
    for (std::size_t i = 1; i < evidence.chain.size(); ++i) {
        if (!roles.duplicate[i]) continue;
        findings.at(i, whole(evidence.chain[i]), list_field(i),
                    "the same certificate was sent before");
    }
}

void find_self_signed_sent(const Evidence& evidence, Findings& findings) {
    for (std::size_t i = 1; i < evidence.chain.size(); ++i) {
        const ChainEntry& entry = evidence.chain[i];
        if (!entry.certificate || !x509::is_self_issued(*entry.certificate)) continue;
        findings.at(i, whole(entry), list_field(i),
                    fmt::format("{} is self-issued; clients that trust it hold it already",
                                x509::describe(*entry.certificate)));
    }
}

constexpr std::string_view send_in_order =
    "Put the server's certificate first, then each intermediate behind the one it issued, and "
    "nothing else: cat leaf.pem intermediate.pem > chain.pem.";

constexpr Rule table[] = {
    {"chain-empty", Area::chain, Level::must, Step::certificate_message,
     "The server's certificate_list is not empty.", "RFC 5246 7.4.2",
     AlertDescription::bad_certificate, "Give the server a certificate.", find_empty},
    {"chain-wrong-order", Area::chain, Level::must, Step::path,
     "Each certificate directly certifies the one in front of it.", "RFC 5246 7.4.2",
     AlertDescription::bad_certificate, send_in_order, find_wrong_order},
    {"chain-extra-certificate", Area::chain, Level::must, Step::path,
     "Each certificate directly certifies the one in front of it.", "RFC 5246 7.4.2",
     AlertDescription::bad_certificate, send_in_order, find_extra},
    {"chain-duplicate-certificate", Area::chain, Level::must, Step::path,
     "Each certificate directly certifies the one in front of it.", "RFC 5246 7.4.2",
     AlertDescription::bad_certificate, send_in_order, find_duplicate},
    {"chain-self-signed-sent", Area::chain, Level::should, Step::path,
     "The root may be left out of the certificate_list.", "RFC 5246 7.4.2",
     AlertDescription::bad_certificate, "Leave the root out of the server's chain file.",
     find_self_signed_sent},
    {"chain-intermediate-missing", Area::chain, Level::must, Step::path,
     "The server sends every certificate between its own and the root.", "RFC 5246 7.4.2",
     AlertDescription::unknown_ca,
     "Add the intermediate certificate to the server's chain (nginx: append it to ssl_certificate; "
     "IIS and Exchange: import it into Intermediate Certification Authorities). If the issuer is a "
     "root of your own, install it on the device (here: --install-root FILE).",
     nullptr},
    {"chain-anchor-missing", Area::chain, Level::must, Step::path,
     "The path ends in a trust anchor that the client holds.", "RFC 5280 6.1",
     AlertDescription::unknown_ca,
     "Install the root on the device, or use a CA whose root the device holds.", nullptr},
    {"chain-anchor-undetermined", Area::chain, Level::must, Step::path,
     "The path ends in a trust anchor that the client holds.", "RFC 5280 6.1",
     AlertDescription::unknown_ca,
     "Look at the device's list of roots; then say --install-root FILE or --roots FILE.", nullptr},
    {"chain-issuer-not-ca", Area::chain, Level::must, Step::basic_constraints,
     "An issuer's certificate has basicConstraints with cA TRUE.", "RFC 5280 6.1.4 (k)",
     AlertDescription::bad_certificate,
     "Have the certificate issued by a CA certificate: basicConstraints critical, CA:TRUE.",
     nullptr},
    {"chain-issuer-key-usage", Area::chain, Level::must, Step::key_usage,
     "An issuer's keyUsage, where present, has keyCertSign.", "RFC 5280 6.1.4 (n)",
     AlertDescription::bad_certificate,
     "Have the CA certificate issued again with keyUsage keyCertSign.", nullptr},
    {"chain-path-too-long", Area::chain, Level::must, Step::path_length,
     "No more intermediates follow a CA than its pathLenConstraint allows.",
     "RFC 5280 6.1.4 (l), (m)", AlertDescription::bad_certificate,
     "Have the certificate issued by a CA nearer to the root.", nullptr},
};

}  // namespace

std::span<const Rule> chain_rules() {
    return table;
}

}  // namespace handset::rules
