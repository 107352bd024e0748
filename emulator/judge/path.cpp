#include "emulator/judge/path.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "handshake/crypto/digest.h"

namespace handset::judge {

namespace {

using device::AnchorKind;
using device::PathOrder;
using device::SentSelfSigned;
using x509::Certificate;

constexpr std::size_t max_path_length = 16;
constexpr std::size_t step_budget = 2000;

Bytes sha256(ByteView octets) {
    return crypto::digest(crypto::HashAlgorithm::sha256, octets).value_or(Bytes{});
}

bool same_key_and_name(const Certificate& a, const Certificate& b) {
    return a.subject_public_key_info.raw == b.subject_public_key_info.raw &&
           x509::same_folded(a.subject, b.subject);
}

template <typename T>
T known(const device::Stated<T>& stated, T otherwise) {
    return stated && stated->grade != device::Grade::assumed ? stated->value : otherwise;
}

// What the device holds.
class Anchors {
public:
    Anchors(const device::Device& device, const device::Store* store, const Question& question)
        : store_(question.roots ? nullptr : store) {
        if (question.roots) {
            for (const Certificate& root : *question.roots)
                certificates_.push_back(&root);
        }
        if (known(device.trust.users_install_roots, true)) {
            for (const InstalledRoot& root : question.installed_roots)
                certificates_.push_back(&root.certificate);
        }
        // A device that takes nothing for granted and names no store trusts nothing.
        const bool trusts_nothing_else = device.otherwise && !device.trust.store_id;
        complete_ =
            question.roots.has_value() || trusts_nothing_else ||
            (store_ != nullptr && store_->complete && device.trust.grade != device::Grade::assumed);
    }

    const std::vector<const Certificate*>& certificates() const { return certificates_; }

    struct Answer {
        Trust trust = Trust::missing;
        std::string detail;
    };

    // Whether this very certificate is an anchor, by key and name or by fingerprint.
    Answer holds(const Certificate& certificate) const {
        for (const Certificate* anchor : certificates_) {
            if (same_key_and_name(*anchor, certificate)) {
                return {Trust::trusted, fmt::format("{} was given", x509::describe(certificate))};
            }
        }
        if (store_) {
            const Bytes fingerprint = sha256(certificate.raw);
            const Bytes key = sha256(certificate.subject_public_key_info.raw);
            const auto is_it = [&](const device::StoreEntry& entry) {
                return entry.sha256 == fingerprint ||
                       (!entry.spki_sha256.empty() && entry.spki_sha256 == key);
            };
            if (std::ranges::any_of(store_->members, is_it)) {
                return {Trust::trusted,
                        fmt::format("{} is in store {}", x509::describe(certificate), store_->id)};
            }
            if (std::ranges::any_of(store_->absent, is_it)) {
                return {Trust::missing, fmt::format("{} is known to be missing from store {}",
                                                    x509::describe(certificate), store_->id)};
            }
        }
        return {complete_ ? Trust::missing : Trust::undetermined, ""};
    }

    // Whether the issuer of this certificate is an anchor whose certificate is nowhere at hand: by
    // subject, and by key identifier where both sides have one.
    Answer holds_issuer_of(const Certificate& certificate) const {
        if (store_) {
            const std::string issuer = x509::to_string(certificate.issuer);
            const auto* aki = x509::find_value<x509::AuthorityKeyIdentifier>(
                certificate, "authorityKeyIdentifier");
            const auto is_it = [&](const device::StoreEntry& entry) {
                if (entry.subject != issuer) return false;
                return entry.ski.empty() || !aki || !aki->key_identifier ||
                       *aki->key_identifier == entry.ski;
            };
            if (std::ranges::any_of(store_->members, is_it)) {
                return {Trust::trusted,
                        fmt::format("{} is in store {}, known by its name; its key is not at hand",
                                    printable(issuer), store_->id)};
            }
            if (std::ranges::any_of(store_->absent, is_it)) {
                return {Trust::missing, fmt::format("{} is known to be missing from store {}",
                                                    printable(issuer), store_->id)};
            }
        }
        return {complete_ ? Trust::no_issuer : Trust::undetermined, ""};
    }

private:
    const device::Store* store_;
    std::vector<const Certificate*> certificates_;
    bool complete_ = false;
};

int rank(Trust trust) {
    switch (trust) {
        case Trust::trusted:
            return 3;
        case Trust::undetermined:
            return 2;
        case Trust::missing:
            return 1;
        case Trust::no_issuer:
            return 0;
    }
    return 0;
}

class Builder {
public:
    Builder(const rules::Evidence& evidence, const device::Device& device,
            const device::Store* store, const Question& question)
        : anchors_(device, store, question) {
        order_ = known(device.path.order, PathOrder::any);
        anchor_kind_ = known(device.path.anchors, AnchorKind::self_signed);
        const bool drop =
            known(device.path.sent_self_signed, SentSelfSigned::used) == SentSelfSigned::dropped;
        for (std::size_t i = 0; i < evidence.chain.size(); ++i) {
            if (!evidence.chain[i].certificate) continue;
            const Certificate& certificate = *evidence.chain[i].certificate;
            const bool dropped = i > 0 && drop && x509::is_self_issued(certificate);
            if (!dropped) sent_.push_back({&certificate, i});
            Issuers& issuers = by_subject_[x509::folded_key(certificate.subject)];
            (dropped ? issuers.dropped : issuers.sent).push_back({&certificate, i});
        }
        for (const Certificate* anchor : anchors_.certificates())
            by_subject_[x509::folded_key(anchor->subject)].anchors.push_back(anchor);
    }

    Path build() {
        if (sent_.empty() || sent_.front().number != 0) return best_;
        std::vector<PathCertificate> path{sent_.front()};
        extend(path);
        best_.budget_exhausted = steps_ > step_budget;
        return best_;
    }

private:
    // Certificates of one subject, in the order in which they are tried.
    struct Issuers {
        std::vector<PathCertificate> sent;
        std::vector<const Certificate*> anchors;
        std::vector<PathCertificate> dropped;
    };

    void consider(const std::vector<PathCertificate>& path, Trust trust, bool anchor_known,
                  std::string detail) {
        const bool better =
            best_.certificates.empty() || rank(trust) > rank(best_.trust) ||
            (rank(trust) == rank(best_.trust) && path.size() > best_.certificates.size());
        if (better) best_ = {path, trust, anchor_known, std::move(detail), false};
    }

    bool in_path(const std::vector<PathCertificate>& path, const Certificate& certificate) const {
        return std::ranges::any_of(path, [&](const PathCertificate& on_path) {
            return on_path.certificate->raw == certificate.raw;
        });
    }

    void extend(std::vector<PathCertificate>& path) {
        if (++steps_ > step_budget || best_.trust == Trust::trusted) return;
        const Certificate& last = *path.back().certificate;
        const bool self_issued = x509::is_self_issued(last);
        if (self_issued || anchor_kind_ == AnchorKind::any) {
            const Anchors::Answer answer = anchors_.holds(last);
            if (answer.trust == Trust::trusted || self_issued) {
                consider(path, answer.trust, true, answer.detail);
                if (answer.trust == Trust::trusted || self_issued) return;
            }
        }
        static const Issuers none;
        const auto found = by_subject_.find(x509::folded_key(last.issuer));
        const Issuers& issuers = found == by_subject_.end() ? none : found->second;
        bool extended = false;
        const auto try_issuer = [&](const PathCertificate& candidate) {
            if (path.size() >= max_path_length || steps_ > step_budget ||
                best_.trust == Trust::trusted || in_path(path, *candidate.certificate)) {
                return;
            }
            extended = true;
            path.push_back(candidate);
            extend(path);
            path.pop_back();
        };
        if (order_ == PathOrder::as_sent) {
            // The next one in the list or none.
            const auto here =
                std::ranges::find(sent_, path.back().number, &PathCertificate::number);
            if (here != sent_.end() && here + 1 != sent_.end() &&
                x509::same_folded(last.issuer, (here + 1)->certificate->subject)) {
                try_issuer(*(here + 1));
            }
        } else {
            for (const PathCertificate& candidate : issuers.sent)
                try_issuer(candidate);
        }
        for (const Certificate* anchor : issuers.anchors)
            try_anchor(path, *anchor, extended);
        // A dropped root still shows which anchor would have to be in the store.
        for (const PathCertificate& candidate : issuers.dropped)
            try_issuer(candidate);
        if (extended) return;
        const Anchors::Answer answer = anchors_.holds_issuer_of(last);
        consider(path, answer.trust, false, answer.detail);
    }

    void try_anchor(std::vector<PathCertificate>& path, const Certificate& anchor, bool& extended) {
        if (best_.trust == Trust::trusted || in_path(path, anchor) ||
            (anchor_kind_ == AnchorKind::self_signed && !x509::is_self_issued(anchor))) {
            return;
        }
        extended = true;
        path.push_back({&anchor, std::nullopt});
        consider(path, Trust::trusted, true, fmt::format("{} was given", x509::describe(anchor)));
        path.pop_back();
    }

    Anchors anchors_;
    PathOrder order_ = PathOrder::any;
    AnchorKind anchor_kind_ = AnchorKind::self_signed;
    std::vector<PathCertificate> sent_;
    std::map<std::string, Issuers> by_subject_;
    Path best_;
    std::size_t steps_ = 0;
};

}  // namespace

Path build_path(const rules::Evidence& evidence, const device::Device& device,
                const device::Store* store, const Question& question) {
    return Builder(evidence, device, store, question).build();
}

}  // namespace handset::judge
