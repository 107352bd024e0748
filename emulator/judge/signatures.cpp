#include "emulator/judge/signatures.h"

#include <mutex>
#include <unordered_map>

namespace handset::judge {

namespace {

crypto::SignatureResult verify_certificate(const x509::Certificate& certificate,
                                           const x509::Certificate& issuer) {
    std::optional<ByteView> parameters;
    if (certificate.signature_algorithm.parameters) {
        parameters = *certificate.signature_algorithm.parameters;
    }
    return crypto::verify_signature(
        certificate.tbs(), certificate.signature_algorithm.algorithm.dotted(), parameters,
        certificate.signature_value, issuer.subject_public_key_info.raw);
}

}  // namespace

struct SignatureCache::State {
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>{}(text);
        }
    };
    // Certificate, then the issuer's SubjectPublicKeyInfo.
    using ByKey = std::unordered_map<std::string, crypto::SignatureResult, Hash, std::equal_to<>>;
    std::size_t limit = 0;
    std::size_t size = 0;
    std::mutex mutex;
    std::unordered_map<std::string, ByKey, Hash, std::equal_to<>> known;
};

SignatureCache::SignatureCache(std::size_t limit) : state_(std::make_unique<State>()) {
    state_->limit = limit;
}
SignatureCache::~SignatureCache() = default;

crypto::SignatureResult SignatureCache::verify(const x509::Certificate& certificate,
                                               const x509::Certificate& issuer) {
    const std::string_view signed_by_key = text_view(certificate.raw);
    const std::string_view key = text_view(issuer.subject_public_key_info.raw);
    {
        const std::lock_guard lock(state_->mutex);
        const auto found = state_->known.find(signed_by_key);
        if (found != state_->known.end()) {
            const auto result = found->second.find(key);
            if (result != found->second.end()) return result->second;
        }
    }
    crypto::SignatureResult result = verify_certificate(certificate, issuer);
    const std::lock_guard lock(state_->mutex);
    if (state_->size >= state_->limit) {
        state_->known.clear();
        state_->size = 0;
    }
    if (state_->known[std::string(signed_by_key)].emplace(std::string(key), result).second)
        ++state_->size;
    return result;
}

}  // namespace handset::judge
