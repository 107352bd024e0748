#include "emulator/judge/objections.h"

#include <fmt/format.h>

#include <algorithm>

#include "emulator/judge/anchors.h"
#include "emulator/judge/beside_path.h"
#include "emulator/judge/limits.h"
#include "emulator/judge/name_objections.h"
#include "emulator/judge/reaction.h"
#include "emulator/judge/validation.h"
#include "handshake/rules/read_issuer.h"

namespace handset::judge {

namespace {

using device::Grade;
using rules::Evidence;
using rules::Finding;
using rules::Step;
using x509::Certificate;

// Whether a section of the profile declares the finding fine.
bool settled_by_section(Objector& out, const rules::Rule& rule) {
    if (rule.id == "chain-wrong-order" || rule.id == "chain-extra-certificate" ||
        rule.id == "chain-duplicate-certificate") {
        const auto* order = out.said(out.device.path.order);
        return order && *order != device::PathOrder::as_sent;
    }
    if (rule.id == "extension-critical-forbidden") {
        // Known and accepted, or objected to as unknown: either way the list settles it.
        return out.said(out.device.certificate.critical_extensions) != nullptr;
    }
    return false;
}

enum class Scope { flight, path_only };
void strict_findings(Objector& out, const Evidence& evidence, const Path& path, Scope scope) {
    for (const Finding& finding : evidence.findings) {
        const rules::Rule* rule = rules::find_rule(finding.rule);
        if (!rule) continue;
        std::optional<std::size_t> position;
        if (finding.certificate) {
            const auto on_path =
                std::ranges::find(path.certificates, finding.certificate, &PathCertificate::number);
            if (on_path != path.certificates.end()) {
                position = static_cast<std::size_t>(on_path - path.certificates.begin());
            }
        }
        if (!position) {
            if (scope == Scope::path_only) continue;
            // Clients decode all they are sent, but look closer at the path alone.
            const bool decoding = rule->step == Step::encoding || rule->step == Step::path;
            if (finding.certificate && !decoding) continue;
        }
        if (settled_by_section(out, *rule)) continue;
        out.object(finding).path_position = position;
    }
}

// The strict reader on what the server did not send: an anchor that is held to its own extensions,
// and issuers that were fetched.
void unsent_findings(Objector& out, const Path& path) {
    const auto* held_to = out.said(out.device.validation.anchor_constraints);
    const bool anchor_counts =
        held_to && std::ranges::find(*held_to, device::AnchorConstraint::form) != held_to->end();
    for (std::size_t i = 1; i < path.certificates.size(); ++i) {
        const PathCertificate& on_path = path.certificates[i];
        if (on_path.number) continue;
        const bool anchor = path.anchor_known && i + 1 == path.certificates.size();
        if (anchor && !anchor_counts) continue;
        const auto role = anchor ? rules::IssuerIs::anchor : rules::IssuerIs::intermediate;
        for (Finding& finding : rules::read_issuer(*path.certificates[i - 1].certificate,
                                                   *on_path.certificate, role)) {
            const rules::Rule* rule = rules::find_rule(finding.rule);
            if (!rule || settled_by_section(out, *rule)) continue;
            finding.certificate.reset();
            finding.detail += anchor ? " (the trust anchor)" : " (fetched by AIA)";
            out.object(std::move(finding)).path_position = i;
        }
    }
}

void check_path(Objector& out, const Evidence& evidence, const Question& question,
                SignatureCache& signatures, const Path& path) {
    unsent_findings(out, path);
    validate_path(out, evidence, question, signatures, path);
}

class Collector {
public:
    Collector(const device::Device& device, const device::Store* store, const Evidence& evidence,
              const Question& question)
        : out_(device),
          evidence_(evidence),
          question_(question),
          signatures_(question.signatures ? *question.signatures : own_signatures_),
          anchors_(device, store, question) {
        if (!evidence.certificate_message_seen || evidence.chain.empty()) return;
        path_ = build_path(evidence, device, anchors_, question, signatures_,
                           [this](const Path& path) { return validates(path); });
    }

    Objections collect() {
        strict_findings(out_, evidence_, path_, Scope::flight);
        check_limits(out_, evidence_);
        if (!path_.certificates.empty()) {
            trust();
            check_beside_path(out_, evidence_, path_, anchors_, question_.at);
            if (!checked_ || !checked_->is_of(path_)) check(path_);
            out_.take(std::move(checked_->objector));
            check_names(out_, question_, path_);
        }
        return {std::move(out_.list), std::move(path_), out_.consulted};
    }

private:
    // What check_path() has to say of a path.
    struct Checked {
        std::vector<PathCertificate> certificates;
        Trust trust{};
        bool anchor_known = false;
        Objector objector;

        bool is_of(const Path& path) const {
            return certificates == path.certificates && trust == path.trust &&
                   anchor_known == path.anchor_known;
        }
    };
    void check(const Path& path) {
        checked_.emplace(
            Checked{path.certificates, path.trust, path.anchor_known, Objector(device())});
        check_path(checked_->objector, evidence_, question_, signatures_, path);
    }
    bool validates(const Path& path) {
        Objector trial(device());
        strict_findings(trial, evidence_, path, Scope::path_only);
        if (!all_accepted(trial.list, device())) return false;
        check(path);
        return all_accepted(checked_->objector.list, device());
    }

    const Certificate& certificate(std::size_t position) const {
        return *path_.certificates[position].certificate;
    }
    const device::Device& device() const { return out_.device; }

    // --- path and anchor
    // --------------------------------------------------------------------------
    Objection& object_to_end(std::string_view rule, std::string detail) {
        const std::size_t last = path_.certificates.size() - 1;
        Objection& objection =
            out_.object(finding_at(path_, last, rule, certificate(last).issuer.place,
                                   "tbsCertificate.issuer", std::move(detail)));
        objection.path_position = last;
        return objection;
    }

    void trust() {
        const device::TrustRules& rules = device().trust;
        if (rules.store_id && rules.grade != Grade::assumed) {
            out_.consulted = std::min(out_.consulted, rules.grade);
        }
        fetched();
        if (path_.other_issuers_needed) {
            out_.object(finding_at(path_, 0, "chain-other-path-needed", certificate(0).issuer.place,
                                   "tbsCertificate.issuer",
                                   "the issuers that come first lead to no path that is accepted"),
                        device().path.alternatives)
                .path_position = 0;
        }
        if (path_.trust == Trust::trusted && path_.anchor_known && path_.certificates.size() == 1) {
            object_to_end("chain-server-is-anchor",
                          "the device holds the server's own certificate, and nothing above it");
            if (!x509::is_self_issued(certificate(0))) {
                object_to_end("chain-server-pinned",
                              "the device holds the server's own certificate, which a CA issued");
            }
            if (!x509::is_ca(certificate(0))) {
                object_to_end("chain-server-anchor-not-ca",
                              "the server's own certificate is the anchor, and no CA's");
            }
        }
        if (path_.anchor_needs_setting) {
            object_to_end("chain-root-setting", path_.anchor_detail);
        }
        if (path_.budget_exhausted && path_.trust != Trust::trusted) {
            object_to_end("chain-search-exhausted",
                          "too many certificates bear the same names; the search was given up")
                .undecided = true;
        }
        const Certificate& end = certificate(path_.certificates.size() - 1);
        const auto because_of_store = [&](Objection& objection) {
            if (!rules.store_id) return;
            objection.grade = rules.grade;
            objection.source = rules.source;
        };
        // A root that was installed in vain says more than that there is none.
        if (const auto& root = path_.unusable_root; root && path_.trust != Trust::trusted) {
            Objection& objection = object_to_end(root->rule, root->detail);
            objection.acts_as = path_.trust == Trust::no_issuer ? "chain-intermediate-missing"
                                                                : "chain-anchor-missing";
            because_of_store(objection);
            if (path_.trust != Trust::undetermined) return;
        }
        switch (path_.trust) {
            case Trust::trusted:
                return;
            case Trust::missing:
                because_of_store(object_to_end(
                    "chain-anchor-missing",
                    path_.anchor_detail.empty()
                        ? fmt::format("the path ends in {}, which the device does not hold",
                                      x509::describe(end))
                        : path_.anchor_detail));
                break;
            case Trust::no_issuer:
                object_to_end("chain-intermediate-missing",
                              fmt::format("the issuer {} was not sent and the device does not "
                                          "hold it",
                                          printable(x509::to_string(end.issuer))));
                break;
            case Trust::undetermined:
                object_to_end("chain-anchor-undetermined",
                              fmt::format("it is not known whether the device holds {}",
                                          printable(x509::to_string(end.issuer))))
                    .undecided = true;
                break;
        }
    }

    void fetched() {
        for (std::size_t i = 1; i < path_.certificates.size(); ++i) {
            if (!path_.certificates[i].fetched) continue;
            const x509::Extension* access =
                x509::find_extension(certificate(i - 1), "authorityInfoAccess");
            const x509::Place place =
                access ? access->value_place : certificate(i - 1).issuer.place;
            out_.object(finding_at(path_, i - 1, "chain-aia-used", place,
                                   "tbsCertificate.extensions.authorityInfoAccess",
                                   fmt::format("{} was not sent", x509::describe(certificate(i)))))
                .path_position = i - 1;
        }
        const bool misses_issuer =
            path_.trust == Trust::no_issuer || path_.trust == Trust::undetermined;
        if (!misses_issuer || !Objector::is_silent(device().path.aia)) return;
        // What it might fetch is at hand; whether it does is open.
        const std::size_t last = path_.certificates.size() - 1;
        if (question_.aia.with_subject(certificate(last).issuer).empty()) return;
        object_to_end("chain-aia-used",
                      "the profile does not say whether the device fetches missing issuers")
            .undecided = true;
    }

    Objector out_;
    const Evidence& evidence_;
    const Question& question_;
    // Search and validation meet the same signatures.
    SignatureCache own_signatures_;
    SignatureCache& signatures_;
    Anchors anchors_;
    Path path_;
    std::optional<Checked> checked_;  // the path that was looked at last
};

}  // namespace

Objections collect_objections(const device::Device& device, const device::Store* store,
                              const Evidence& evidence, const Question& question) {
    return Collector(device, store, evidence, question).collect();
}

}  // namespace handset::judge
