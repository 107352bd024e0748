#include "handshake/rules/roles.h"

#include <unordered_map>
#include <unordered_set>

#include "handshake/rules/tables.h"

namespace handset::rules {

namespace {

using BySubject = std::unordered_map<std::string_view, std::vector<std::size_t>>;

// The leaf, and what is reachable from it.
void mark_paths(std::vector<ChainEntry>& chain, BySubject by_subject) {
    std::vector<std::size_t> to_visit{0};
    while (!to_visit.empty()) {
        ChainEntry& entry = chain[to_visit.back()];
        to_visit.pop_back();
        entry.role.on_path = true;
        if (!entry.certificate) continue;
        // Every issuer is taken once, so its entry can go.
        const auto issuers = by_subject.extract(x509::folded_key(entry.certificate->issuer));
        if (!issuers) continue;
        to_visit.insert(to_visit.end(), issuers.mapped().begin(), issuers.mapped().end());
    }
}

}  // namespace

void assign_roles(std::vector<ChainEntry>& chain) {
    if (chain.empty()) return;
    std::unordered_set<std::string_view> seen;
    std::unordered_set<std::string_view> issuers;
    BySubject by_subject;
    for (std::size_t i = 0; i < chain.size(); ++i) {
        ChainEntry& entry = chain[i];
        entry.role.duplicate = !seen.insert(text_view(entry.der)).second;
        if (!entry.certificate) continue;
        const x509::Certificate& certificate = *entry.certificate;
        if (i > 0 && !entry.role.duplicate)
            by_subject[x509::folded_key(certificate.subject)].push_back(i);
        if (!x509::is_self_issued(certificate))
            issuers.insert(x509::folded_key(certificate.issuer));
    }
    for (std::size_t i = 0; i < chain.size(); ++i) {
        if (!chain[i].certificate) continue;
        const x509::Certificate& certificate = *chain[i].certificate;
        chain[i].role.certifying = (i > 0 && is_ca(certificate)) ||
                                   issuers.contains(x509::folded_key(certificate.subject));
    }
    mark_paths(chain, std::move(by_subject));
}

}  // namespace handset::rules
