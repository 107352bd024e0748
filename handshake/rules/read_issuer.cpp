#include "handshake/rules/read_issuer.h"

#include "handshake/rules/roles.h"
#include "handshake/rules/rule.h"

namespace handset::rules {

namespace {

bool concerns(const Rule& rule, IssuerIs role) {
    if (role == IssuerIs::anchor) return rule.area == Area::extension || rule.area == Area::key;
    // That a root need not be sent, and the like, is no matter of one that was not.
    return rule.area != Area::chain;
}

// Whether the certificate calls its issuer's key as the issuer does, or not at all.
bool same_key_identifier(const x509::Certificate& below, const x509::Certificate& issuer) {
    const auto* authority =
        x509::find_value<x509::AuthorityKeyIdentifier>(below, "authorityKeyIdentifier");
    const auto* subject =
        x509::find_value<x509::SubjectKeyIdentifier>(issuer, "subjectKeyIdentifier");
    return !authority || !authority->key_identifier || !subject ||
           *authority->key_identifier == subject->key_identifier;
}

}  // namespace

std::vector<Finding> read_issuer(const x509::Certificate& below, const x509::Certificate& issuer,
                                 IssuerIs role) {
    Evidence evidence;
    evidence.certificate_message_seen = true;
    for (const x509::Certificate* certificate : {&below, &issuer}) {
        // They outlive the evidence, which owns neither.
        const std::shared_ptr<const x509::Certificate> borrowed(std::shared_ptr<void>(),
                                                                certificate);
        evidence.chain.push_back({certificate->raw, borrowed, std::nullopt, 0});
    }
    evidence.certificates_sent = evidence.chain.size();
    assign_roles(evidence.chain);
    // What an anchor issued tells nothing more of the anchor's own extensions and key.
    if (role == IssuerIs::anchor && same_key_identifier(below, issuer)) {
        evidence.chain.front().certificate.reset();
    }
    std::vector<Finding> found;
    for (const Rule& rule : catalog()) {
        if (!rule.check || !concerns(rule, role)) continue;
        Findings findings(evidence, rule.id, found);
        rule.check(evidence, findings);
    }
    std::erase_if(found, [](const Finding& finding) { return finding.certificate != 1; });
    return found;
}

}  // namespace handset::rules
