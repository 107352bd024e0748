#include "emulator/judge/path.h"

#include <fmt/format.h>

#include <algorithm>

#include "emulator/judge/anchors.h"

namespace handset::judge {

namespace {

using device::AiaRule;
using device::Alternatives;
using device::AnchorKind;
using device::IssuersFrom;
using device::KeyIdentifiers;
using device::NameChaining;
using device::PathOrder;
using device::SentSelfSigned;
using x509::Certificate;

constexpr std::size_t max_path_length = rules::max_chain_length + 2;
constexpr std::size_t step_budget = 2000;
// Of certificates that were looked at as issuers of others, over all steps.
constexpr std::size_t candidate_budget = 100'000;
// Of signatures tried in search of a path, in units of one RSA 2048 verification.
constexpr std::size_t signature_budget = 300;

template <typename T>
T known(const device::Stated<T>& stated, T otherwise) {
    return stated && stated->grade != device::Grade::assumed ? stated->value : otherwise;
}

// Characters of any string type, white space included; ASCII letters in any case, if so asked.
bool same_characters(const x509::Name& a, const x509::Name& b, bool any_case) {
    const auto same_text = [any_case](std::string_view x, std::string_view y) {
        const auto fold = [any_case](char c) {
            return any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
        };
        return std::ranges::equal(x, y, {}, fold, fold);
    };
    return std::ranges::equal(a.rdns, b.rdns, [&](const auto& x, const auto& y) {
        return std::ranges::equal(x, y, [&](const auto& left, const auto& right) {
            return left.type == right.type && same_text(left.text, right.text);
        });
    });
}

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

// Roughly what a verification with this key costs, RSA 2048 being 1.
std::size_t signature_cost(const x509::SubjectPublicKeyInfo& key) {
    if (const auto* rsa = std::get_if<x509::RsaPublicKey>(&key.key)) {
        return 1 + rsa->bits * rsa->bits / (2048 * 2048);
    }
    return 50;
}

enum class KeyIds { match, silent, mismatch };
// authorityKeyIdentifier of a certificate against subjectKeyIdentifier of a possible issuer.
KeyIds compare_key_identifiers(const Certificate& certificate, const Certificate& issuer) {
    const auto* authority =
        x509::find_value<x509::AuthorityKeyIdentifier>(certificate, "authorityKeyIdentifier");
    if (!authority) return KeyIds::silent;
    const auto* subject =
        x509::find_value<x509::SubjectKeyIdentifier>(issuer, "subjectKeyIdentifier");
    KeyIds result = KeyIds::silent;
    if (authority->key_identifier && subject) {
        if (*authority->key_identifier != subject->key_identifier) return KeyIds::mismatch;
        result = KeyIds::match;
    }
    if (authority->authority_cert_serial_number) {
        if (authority->authority_cert_serial_number->value != issuer.serial_number.value) {
            return KeyIds::mismatch;
        }
        result = KeyIds::match;
    }
    return result;
}

struct Policy {
    PathOrder order = PathOrder::any;
    AnchorKind anchors = AnchorKind::self_signed;
    IssuersFrom issuers = IssuersFrom::sent_first;
    KeyIdentifiers key_identifiers = KeyIdentifiers::ignored;
    NameChaining chaining = NameChaining::normalized;
    AiaRule aia = AiaRule::never;
    bool drop_self_signed = false;
    bool prefers_in_date = false;
};

Policy policy_of(const device::PathRules& rules) {
    Policy policy;
    policy.order = known(rules.order, policy.order);
    policy.anchors = known(rules.anchors, policy.anchors);
    policy.issuers = known(rules.issuers, policy.issuers);
    policy.key_identifiers = known(rules.key_identifiers, policy.key_identifiers);
    policy.chaining = known(rules.name_chaining, policy.chaining);
    policy.aia = known(rules.aia, policy.aia);
    policy.prefers_in_date = known(rules.prefers_in_date, policy.prefers_in_date);
    policy.drop_self_signed =
        known(rules.sent_self_signed, SentSelfSigned::used) == SentSelfSigned::dropped;
    return policy;
}

// One search through the candidates, depth first.
class Search {
public:
    Search(const rules::Evidence& evidence, const Policy& policy, const Anchors& anchors,
           const Question& question, SignatureCache& signatures, Alternatives alternatives,
           const Validates& validates)
        : policy_(policy),
          anchors_(anchors),
          question_(question),
          signatures_(signatures),
          alternatives_(alternatives),
          validates_(validates) {
        for (std::size_t i = 0; i < evidence.chain.size(); ++i) {
            if (!evidence.chain[i].certificate) continue;
            const Certificate& read = *evidence.chain[i].certificate;
            const bool dropped = i > 0 && policy.drop_self_signed && x509::is_self_issued(read);
            sent_.push_back({{&read, i}, dropped});
        }
    }

    Path run() {
        if (sent_.empty() || sent_.front().place.number != 0) return best_;
        std::vector<PathCertificate> path{sent_.front().place};
        extend(path);
        best_.budget_exhausted = out_of_steps() || signature_steps_ > signature_budget;
        return best_;
    }
    bool found_valid() const { return done_; }

private:
    struct Sent {
        PathCertificate place;
        bool dropped = false;
    };
    struct Candidate {
        PathCertificate place;
        bool is_anchor = false;
        bool dropped = false;  // shows which anchor would have to be in the store
        KeyIds key_ids = KeyIds::silent;
    };

    bool out_of_steps() const {
        return steps_ > step_budget || candidates_seen_ > candidate_budget;
    }

    void consider(const std::vector<PathCertificate>& certificates, const Anchors::Answer& answer,
                  bool anchor_known) {
        const bool better =
            best_.certificates.empty() || rank(answer.trust) > rank(best_.trust) ||
            (rank(answer.trust) == rank(best_.trust) && answer.trust != Trust::trusted &&
             certificates.size() > best_.certificates.size());
        const bool trusted = answer.trust == Trust::trusted;
        if (!better && !(trusted && alternatives_ == Alternatives::until_valid)) return;
        Path path;
        path.certificates = certificates;
        path.trust = answer.trust;
        path.anchor_known = anchor_known;
        path.anchor_detail = answer.detail;
        path.anchor_needs_setting = answer.needs_setting;
        path.unusable_root = answer.unusable;
        if (trusted) {
            done_ = alternatives_ != Alternatives::until_valid || validates_(path);
        }
        if (better || done_) best_ = std::move(path);
    }

    bool in_path(const std::vector<PathCertificate>& path, const Certificate& certificate) const {
        return std::ranges::any_of(path, [&](const PathCertificate& on_path) {
            return on_path.certificate == &certificate ||
                   on_path.certificate->raw == certificate.raw;
        });
    }

    void extend(std::vector<PathCertificate>& path) {
        ++steps_;
        if (out_of_steps() || done_) return;
        const Certificate& last = *path.back().certificate;
        const bool self_issued = x509::is_self_issued(last);
        if (self_issued || policy_.anchors == AnchorKind::any) {
            const Anchors::Answer answer = anchors_.holds(last);
            if (answer.trust == Trust::trusted || self_issued) consider(path, answer, true);
            if (answer.trust == Trust::trusted || done_) return;
            // A self-issued certificate may be below another of its name: a key was changed.
            if (self_issued && !looks_at_signatures() && may_have_signed(last, last)) return;
        }
        bool extended = false;
        for (const Candidate& candidate : candidates(path)) {
            if (done_ || out_of_steps()) return;
            extended = true;
            path.push_back(candidate.place);
            if (candidate.is_anchor) {
                Anchors::Answer answer = anchors_.holds(*candidate.place.certificate);
                consider(path, answer, true);
            } else {
                extend(path);
            }
            path.pop_back();
            if (alternatives_ == Alternatives::none) return;
        }
        if (extended || self_issued) return;
        std::vector<const Certificate*> at_hand;
        for (const Sent& sent : sent_)
            at_hand.push_back(sent.place.certificate);
        consider(path, anchors_.holds_issuer_of(last, at_hand), false);
    }

    // Possible issuers of the path's last certificate, in the order in which they are tried.
    std::vector<Candidate> candidates(const std::vector<PathCertificate>& path) {
        if (path.size() >= max_path_length) return {};
        const Certificate& last = *path.back().certificate;
        std::vector<Candidate> sent;
        std::vector<Candidate> dropped;
        std::vector<Candidate> stored;
        std::vector<Candidate> fetched;
        const auto add = [&](std::vector<Candidate>& to, Candidate candidate) {
            const Certificate& issuer = *candidate.place.certificate;
            if (++candidates_seen_ > candidate_budget || in_path(path, issuer)) return;
            candidate.key_ids = compare_key_identifiers(last, issuer);
            if (policy_.key_identifiers == KeyIdentifiers::required &&
                candidate.key_ids == KeyIds::mismatch) {
                return;
            }
            if (looks_at_signatures() && !may_have_signed(last, issuer)) return;
            to.push_back(candidate);
        };
        for (std::size_t i = 0; i < sent_.size(); ++i) {
            const Sent& issuer = sent_[i];
            if (!issuer.dropped && !stands_right(i, path.back())) continue;
            if (!names_chain(last.issuer, issuer.place.certificate->subject, policy_.chaining)) {
                continue;
            }
            add(issuer.dropped ? dropped : sent, {issuer.place, false, issuer.dropped});
        }
        for (const Certificate* anchor : anchors_.with_subject(last.issuer)) {
            if (!names_chain(last.issuer, anchor->subject, policy_.chaining)) continue;
            if (policy_.anchors == AnchorKind::self_signed && !x509::is_self_issued(*anchor)) {
                continue;
            }
            add(stored, {{anchor, std::nullopt}, true});
        }
        if (policy_.aia == AiaRule::fetched) {
            for (const Certificate* issuer : question_.aia.with_subject(last.issuer)) {
                if (names_chain(last.issuer, issuer->subject, policy_.chaining)) {
                    add(fetched, {{issuer, std::nullopt, true}});
                }
            }
        }
        if (policy_.prefers_in_date) {
            for (auto* group : {&sent, &stored, &fetched, &dropped}) {
                std::ranges::stable_sort(*group, {}, [this](const Candidate& candidate) {
                    return is_out_of_date(*candidate.place.certificate);
                });
            }
        }
        std::vector<Candidate> all;
        const bool stored_first = policy_.issuers == IssuersFrom::stored_first;
        for (const auto* group :
             {stored_first ? &stored : &sent, stored_first ? &sent : &stored, &fetched, &dropped}) {
            all.insert(all.end(), group->begin(), group->end());
        }
        if (policy_.key_identifiers == KeyIdentifiers::preferred) {
            std::ranges::stable_sort(all, {}, &Candidate::key_ids);
        }
        return all;
    }

    // Whether the order lets `sent_[i]` be the issuer of `issued`.
    bool stands_right(std::size_t i, const PathCertificate& issued) const {
        switch (policy_.order) {
            case PathOrder::as_sent:
                return i > 0 && sent_[i - 1].place.number == issued.number;
            case PathOrder::forward:
                return sent_[i].place.number > issued.number;
            case PathOrder::any:
                break;
        }
        return true;
    }

    bool is_out_of_date(const Certificate& certificate) const {
        const auto& [not_before, not_after, place] = certificate.validity;
        return (not_after.value && question_.at > *not_after.value) ||
               (not_before.value && question_.at < *not_before.value);
    }

    bool looks_at_signatures() const {
        return alternatives_ == Alternatives::until_valid ||
               alternatives_ == Alternatives::until_signed;
    }
    bool may_have_signed(const Certificate& certificate, const Certificate& issuer) {
        if (signature_steps_ > signature_budget) return false;
        signature_steps_ += signature_cost(issuer.subject_public_key_info);
        return signatures_.verify(certificate, issuer).check != crypto::SignatureCheck::bad;
    }

    const Policy& policy_;
    const Anchors& anchors_;
    const Question& question_;
    SignatureCache& signatures_;
    Alternatives alternatives_;
    const Validates& validates_;
    std::vector<Sent> sent_;
    Path best_;
    bool done_ = false;
    std::size_t steps_ = 0;
    std::size_t candidates_seen_ = 0;
    std::size_t signature_steps_ = 0;
};

}  // namespace

bool names_chain(const x509::Name& issuer, const x509::Name& subject, NameChaining by) {
    if (x509::same_binary(issuer, subject)) return true;
    switch (by) {
        case NameChaining::binary:
            return false;
        case NameChaining::characters:
            return same_characters(issuer, subject, false);
        case NameChaining::caseless:
            return same_characters(issuer, subject, true);
        case NameChaining::normalized:
            return x509::same_folded(issuer, subject);
    }
    return false;
}

Path build_path(const rules::Evidence& evidence, const device::Device& device,
                const Anchors& anchors, const Question& question, SignatureCache& signatures,
                const Validates& validates) {
    const Policy policy = policy_of(device.path);
    const auto search = [&](Alternatives alternatives, bool* valid = nullptr) {
        Search one(evidence, policy, anchors, question, signatures, alternatives, validates);
        Path path = one.run();
        if (valid) *valid = one.found_valid();
        return path;
    };
    const auto& stated = device.path.alternatives;
    const bool silent = !stated || stated->grade == device::Grade::assumed;
    if (!silent && stated->value != Alternatives::until_valid) return search(stated->value);

    // The way of the first candidates is the usual one, and cheap.
    Path first = search(Alternatives::none);
    if (first.trust == Trust::trusted && validates(first)) return first;
    bool valid = false;
    Path other = search(Alternatives::until_valid, &valid);
    if (valid) {
        other.other_issuers_needed = true;
        return other;
    }
    // One whose signatures verify shows better what is wrong.
    if (other.trust == Trust::trusted) return other;
    Path trusted = search(Alternatives::until_trusted);
    trusted.budget_exhausted = trusted.budget_exhausted || other.budget_exhausted;
    return trusted;
}

}  // namespace handset::judge
