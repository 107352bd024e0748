// Certificates to be found by their subject. Built once, asked for every link of every path.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "handshake/x509/certificate.h"

namespace handset::judge {

class CertificateSet {
public:
    CertificateSet() = default;
    CertificateSet(std::vector<x509::Certificate> certificates) {  // NOLINT: a set is its members
        for (x509::Certificate& certificate : certificates)
            push_back(std::move(certificate));
    }
    // Pointers that were given out before are void.
    void push_back(x509::Certificate certificate) {
        by_subject_[certificate.subject.folded].push_back(certificates_.size());
        certificates_.push_back(std::move(certificate));
    }

    std::size_t size() const { return certificates_.size(); }
    bool empty() const { return certificates_.empty(); }
    const x509::Certificate& front() const { return certificates_.front(); }
    auto begin() const { return certificates_.begin(); }
    auto end() const { return certificates_.end(); }

    // Those of this subject by RFC 5280 7.1 (x509::same_folded), in order.
    std::vector<const x509::Certificate*> with_subject(const x509::Name& subject) const {
        std::vector<const x509::Certificate*> found;
        if (certificates_.empty()) return found;
        const auto places = by_subject_.find(subject.folded);
        if (places == by_subject_.end()) return found;
        for (const std::size_t place : places->second)
            found.push_back(&certificates_[place]);
        return found;
    }

private:
    std::vector<x509::Certificate> certificates_;
    std::unordered_map<std::string, std::vector<std::size_t>> by_subject_;
};

}  // namespace handset::judge
