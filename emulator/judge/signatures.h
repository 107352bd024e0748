// Remembers which certificate's signature verifies under which key, so that a chain that many
// devices look at is verified once. Keys are the certificates' octets themselves: equal octets have
// equal answers.
#pragma once

#include <memory>

#include "handshake/crypto/signature.h"
#include "handshake/x509/certificate.h"

namespace handset::judge {

class SignatureCache {
public:
    // Forgets everything once it holds `limit` pairs.
    explicit SignatureCache(std::size_t limit = 100'000);
    ~SignatureCache();
    SignatureCache(const SignatureCache&) = delete;
    SignatureCache& operator=(const SignatureCache&) = delete;

    // May be called from several threads.
    crypto::SignatureResult verify(const x509::Certificate& certificate,
                                   const x509::Certificate& issuer);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace handset::judge
