#include "emulator/judge/beside_path.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <unordered_set>

namespace handset::judge {

namespace {

using rules::Evidence;
using x509::Certificate;

class BesidePath {
public:
    BesidePath(Objector& out, const Evidence& evidence, const Path& path, const Anchors& anchors,
               Time at)
        : out_(out), evidence_(evidence), path_(path), anchors_(anchors), at_(at) {}

    void check() {
        std::unordered_set<std::string_view> cas_behind;  // their names
        for (std::size_t i = evidence_.chain.size(); i-- > 1;) {
            const auto& certificate = evidence_.chain[i].certificate;
            if (!certificate) continue;
            if (x509::is_ca(*certificate)) {
                cas_behind.insert(certificate->subject.folded);
            } else if (!is_on_path(i) && !cas_behind.contains(certificate->issuer.folded)) {
                untrusted(i, *certificate);
            }
            if (is_on_path(*certificate)) continue;
            critical_extensions(i, *certificate);
            expired_root(i, *certificate);
        }
    }

private:
    bool is_on_path(std::size_t number) const {
        return std::ranges::find(path_.certificates, number, &PathCertificate::number) !=
               path_.certificates.end();
    }
    // The same certificate may be sent twice.
    bool is_on_path(const Certificate& certificate) const {
        return std::ranges::any_of(path_.certificates, [&](const PathCertificate& on_path) {
            return on_path.certificate->raw == certificate.raw;
        });
    }
    void object(std::string_view rule, std::size_t number, x509::Place place, std::string field,
                std::string detail) {
        const Certificate& certificate = *evidence_.chain[number].certificate;
        out_.object(
            finding_on({&certificate, number}, rule, place, std::move(field), std::move(detail)));
    }

    void critical_extensions(std::size_t number, const Certificate& certificate) {
        const auto* known = out_.said(out_.device.certificate.critical_extensions);
        if (!known) return;
        for (std::size_t i = 0; i < certificate.extensions.size(); ++i) {
            const x509::Extension& extension = certificate.extensions[i];
            if (!extension.critical || std::ranges::find(*known, extension.id) != known->end()) {
                continue;
            }
            object("chain-extra-critical-unknown", number, extension.critical_place,
                   fmt::format("tbsCertificate.extensions[{}].critical", i),
                   fmt::format("the device does not know {}, which is critical",
                               x509::oid_name(extension.id)));
        }
    }

    void untrusted(std::size_t number, const Certificate& certificate) {
        if (!anchors_.with_subject(certificate.issuer).empty()) return;
        object("chain-extra-untrusted", number, certificate.subject.place, "tbsCertificate.subject",
               fmt::format("{} is no CA's, and its issuer does not stand behind it",
                           x509::describe(certificate)));
    }

    // The path's anchor, as it was before it was renewed.
    void expired_root(std::size_t number, const Certificate& certificate) {
        if (path_.trust != Trust::trusted || !path_.anchor_known) return;
        const Certificate& anchor = *path_.certificates.back().certificate;
        const x509::TimeField& not_after = certificate.validity.not_after;
        if (!not_after.value || at_ <= *not_after.value || !x509::is_self_issued(certificate) ||
            certificate.subject_public_key_info.raw != anchor.subject_public_key_info.raw ||
            !x509::same_folded(certificate.subject, anchor.subject)) {
            return;
        }
        object("chain-root-sent-expired", number, not_after.place,
               "tbsCertificate.validity.notAfter",
               fmt::format("{} has been renewed", x509::describe(certificate)));
    }

    Objector& out_;
    const Evidence& evidence_;
    const Path& path_;
    const Anchors& anchors_;
    Time at_;
};

}  // namespace

void check_beside_path(Objector& out, const Evidence& evidence, const Path& path,
                       const Anchors& anchors, Time at) {
    BesidePath(out, evidence, path, anchors, at).check();
}

}  // namespace handset::judge
