// What a device trusts: its store, what its user has installed, or what the question puts in their
// place. Internal to the judge.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "emulator/judge/path.h"

namespace handset::judge {

class Anchors {
public:
    Anchors(const device::Device& device, const device::Store* store, const Question& question);
    ~Anchors();

    struct Answer {
        Trust trust = Trust::missing;
        std::string detail;  // for eyes
        bool needs_setting = false;
        std::optional<UnusableRoot> unusable = std::nullopt;
    };
    // Whether this certificate is an anchor: by key and name, or by fingerprint.
    Answer holds(const x509::Certificate& certificate) const;
    // Whether the issuer of this certificate is an anchor whose certificate is nowhere at hand: by
    // subject, and by key identifier where both sides have one. An anchor that is among `at_hand`
    // or the known roots is no answer here: its key is there to be tried.
    Answer holds_issuer_of(const x509::Certificate& certificate,
                           const std::vector<const x509::Certificate*>& at_hand) const;
    // Anchors of that name whose certificates are at hand.
    std::vector<const x509::Certificate*> with_subject(const x509::Name& subject) const;

private:
    class Fingerprints;  // digests of one certificate
    const Fingerprints& fingerprints_of(const x509::Certificate& certificate) const;
    bool lists(const x509::Certificate& certificate,
               const std::vector<device::StoreEntry>& entries) const;

    struct Installed {
        const x509::Certificate* certificate = nullptr;
        std::optional<UnusableRoot> unusable;
    };

    const Question& question_;
    const device::Store* store_ = nullptr;
    std::vector<Installed> installed_;
    bool needs_setting_ = false;
    bool complete_ = false;
    // Of those that were asked for: a search comes to the same certificate many times.
    mutable std::unordered_map<const x509::Certificate*, Fingerprints> fingerprints_;
};

}  // namespace handset::judge
