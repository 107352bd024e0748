#include "handshake/rules/read_issuer.h"

#include "handshake/rules/rule.h"

namespace handset::rules {

std::vector<Finding> read_issuer(const x509::Certificate& below, const x509::Certificate& issuer) {
    Evidence evidence;
    evidence.certificate_message_seen = true;
    for (const x509::Certificate* certificate : {&below, &issuer}) {
        evidence.chain.push_back({certificate->raw, *certificate, std::nullopt, 0});
    }
    evidence.certificates_sent = evidence.chain.size();
    std::vector<Finding> found;
    for (const Rule& rule : catalog()) {
        // That a root need not be sent, and the like, is no matter of one that was not.
        if (!rule.check || rule.area == Area::chain) continue;
        Findings findings(evidence, rule.id, found);
        rule.check(evidence, findings);
    }
    std::erase_if(found, [](const Finding& finding) { return finding.certificate != 1; });
    return found;
}

}  // namespace handset::rules
