// What a device trusts: its store, what its user has installed, or what the question puts in their
// place. Internal to the judge.
#pragma once

#include <string>
#include <vector>

#include "emulator/judge/path.h"

namespace handset::judge {

class Anchors {
public:
    Anchors(const device::Device& device, const device::Store* store, const Question& question);

    struct Answer {
        Trust trust = Trust::missing;
        std::string detail;  // for eyes
        bool needs_setting = false;
        std::optional<UnusableRoot> unusable = std::nullopt;
    };
    // Whether this certificate is an anchor: by key and name, or by fingerprint.
    Answer holds(const x509::Certificate& certificate) const;
    // Whether the issuer of this certificate is an anchor whose certificate is nowhere at hand: by
    // subject, and by key identifier where both sides have one.
    Answer holds_issuer_of(const x509::Certificate& certificate) const;
    // Anchors of that name whose certificates are at hand.
    std::vector<const x509::Certificate*> with_subject(const x509::Name& subject) const;

private:
    struct Installed {
        const x509::Certificate* certificate = nullptr;
        std::optional<UnusableRoot> unusable;
    };
    bool lists(const x509::Certificate& certificate,
               const std::vector<device::StoreEntry>& entries) const;

    const Question& question_;
    const device::Store* store_ = nullptr;
    std::vector<Installed> installed_;
    bool needs_setting_ = false;
    bool complete_ = false;
};

}  // namespace handset::judge
