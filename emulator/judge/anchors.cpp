#include "emulator/judge/anchors.h"

#include <fmt/format.h>

#include <algorithm>

#include "emulator/device/words.h"
#include "handshake/crypto/digest.h"

namespace handset::judge {

namespace {

using device::Grade;
using x509::Certificate;

Bytes hash(crypto::HashAlgorithm algorithm, ByteView octets) {
    return crypto::digest(algorithm, octets).value_or(Bytes{});
}

bool same_key_and_name(const Certificate& a, const Certificate& b) {
    return a.subject_public_key_info.raw == b.subject_public_key_info.raw &&
           x509::same_folded(a.subject, b.subject);
}

template <typename T>
const T* known(const device::Stated<T>& stated) {
    return stated && stated->grade != Grade::assumed ? &stated->value : nullptr;
}

// Why a root that was installed does not serve, if it does not.
std::optional<UnusableRoot> why_unusable(const InstalledRoot& root,
                                         const device::TrustRules& rules) {
    if (const auto* can = known(rules.users_install_roots); can && !*can) {
        return UnusableRoot{"chain-root-unused", "users of this device cannot install roots"};
    }
    if (const auto* use = known(rules.user_roots); use && *use == device::UserRoots::unused) {
        return UnusableRoot{"chain-root-unused",
                            "this application does not look at roots that users install"};
    }
    if (const auto* formats = known(rules.root_formats);
        formats && std::ranges::find(*formats, root.format) == formats->end()) {
        return UnusableRoot{"chain-root-format",
                            fmt::format("the root's file is {}, which the device does not install",
                                        device::word_of(root.format))};
    }
    return std::nullopt;
}

}  // namespace

class Anchors::Fingerprints {
public:
    explicit Fingerprints(const Certificate& certificate)
        : sha256_(hash(crypto::HashAlgorithm::sha256, certificate.raw)),
          sha1_(hash(crypto::HashAlgorithm::sha1, certificate.raw)),
          key_(hash(crypto::HashAlgorithm::sha256, certificate.subject_public_key_info.raw)) {}

    bool match(const device::StoreEntry& entry) const {
        return (!entry.sha256.empty() && entry.sha256 == sha256_) ||
               (!entry.sha1.empty() && entry.sha1 == sha1_) ||
               (!entry.spki_sha256.empty() && entry.spki_sha256 == key_);
    }

private:
    Bytes sha256_;
    Bytes sha1_;
    Bytes key_;
};

Anchors::Anchors(const device::Device& device, const device::Store* store, const Question& question)
    : question_(question) {
    const bool replaced = question.roots || question.listed_roots;
    if (question.listed_roots) {
        store_ = &*question.listed_roots;
    } else if (!replaced) {
        store_ = store;
    }
    for (const InstalledRoot& root : question.installed_roots) {
        installed_.push_back({&root.certificate, why_unusable(root, device.trust)});
    }
    const auto* use = known(device.trust.user_roots);
    needs_setting_ = use && *use == device::UserRoots::after_setting;
    // A device that takes nothing for granted and names no store trusts nothing.
    const bool trusts_nothing_else = device.otherwise && !device.trust.store_id;
    complete_ = replaced || trusts_nothing_else ||
                (store_ != nullptr && store_->complete && device.trust.grade != Grade::assumed);
}

Anchors::~Anchors() = default;

const Anchors::Fingerprints& Anchors::fingerprints_of(const Certificate& certificate) const {
    return fingerprints_.try_emplace(&certificate, certificate).first->second;
}

bool Anchors::lists(const Certificate& certificate,
                    const std::vector<device::StoreEntry>& entries) const {
    if (entries.empty()) return false;
    const Fingerprints& fingerprints = fingerprints_of(certificate);
    return std::ranges::any_of(
        entries, [&](const device::StoreEntry& entry) { return fingerprints.match(entry); });
}

Anchors::Answer Anchors::holds(const Certificate& certificate) const {
    if (question_.roots) {
        for (const Certificate* root : question_.roots->with_subject(certificate.subject)) {
            if (root->subject_public_key_info.raw == certificate.subject_public_key_info.raw) {
                return {Trust::trusted, fmt::format("{} was given", x509::describe(certificate))};
            }
        }
    }
    std::optional<UnusableRoot> unusable;
    for (const Installed& root : installed_) {
        if (!same_key_and_name(*root.certificate, certificate)) continue;
        if (!root.unusable) {
            return {Trust::trusted, fmt::format("{} was installed", x509::describe(certificate)),
                    needs_setting_};
        }
        unusable = root.unusable;
    }
    if (store_) {
        if (lists(certificate, store_->members)) {
            return {Trust::trusted,
                    fmt::format("{} is in store {}", x509::describe(certificate), store_->id)};
        }
        if (lists(certificate, store_->absent)) {
            return {Trust::missing,
                    fmt::format("{} is known to be missing from store {}",
                                x509::describe(certificate), store_->id),
                    false, unusable};
        }
    }
    return {complete_ ? Trust::missing : Trust::undetermined, "", false, unusable};
}

Anchors::Answer Anchors::holds_issuer_of(const Certificate& certificate,
                                         const std::vector<const Certificate*>& at_hand) const {
    std::optional<UnusableRoot> unusable;
    for (const Installed& root : installed_) {
        if (root.unusable && x509::same_folded(root.certificate->subject, certificate.issuer)) {
            unusable = root.unusable;
        }
    }
    if (store_) {
        const std::string issuer = x509::to_string(certificate.issuer);
        const auto* aki =
            x509::find_value<x509::AuthorityKeyIdentifier>(certificate, "authorityKeyIdentifier");
        const auto is_at_hand = [&](const device::StoreEntry& entry) {
            const auto is_entry = [&](const Certificate* root) {
                return x509::same_folded(root->subject, certificate.issuer) &&
                       fingerprints_of(*root).match(entry);
            };
            return std::ranges::any_of(at_hand, is_entry) ||
                   std::ranges::any_of(question_.known_roots.with_subject(certificate.issuer),
                                       is_entry);
        };
        const auto is_it = [&](const device::StoreEntry& entry) {
            return entry.subject == issuer && (entry.ski.empty() || !aki || !aki->key_identifier ||
                                               *aki->key_identifier == entry.ski);
        };
        if (std::ranges::any_of(store_->members, [&](const device::StoreEntry& entry) {
                return is_it(entry) && !is_at_hand(entry);
            })) {
            return {Trust::trusted,
                    fmt::format("{} is in store {}, known by its name; its key is not at hand",
                                printable(issuer), store_->id)};
        }
        if (std::ranges::any_of(store_->absent, is_it)) {
            return {Trust::missing,
                    fmt::format("{} is known to be missing from store {}", printable(issuer),
                                store_->id),
                    false, unusable};
        }
    }
    return {complete_ ? Trust::no_issuer : Trust::undetermined, "", false, unusable};
}

std::vector<const Certificate*> Anchors::with_subject(const x509::Name& subject) const {
    std::vector<const Certificate*> found;
    if (question_.roots) found = question_.roots->with_subject(subject);
    for (const Installed& root : installed_) {
        if (!root.unusable && x509::same_folded(root.certificate->subject, subject)) {
            found.push_back(root.certificate);
        }
    }
    if (store_) {
        for (const Certificate* root : question_.known_roots.with_subject(subject)) {
            if (lists(*root, store_->members)) found.push_back(root);
        }
    }
    return found;
}

}  // namespace handset::judge
