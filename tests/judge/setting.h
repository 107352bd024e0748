// Devices and chains for the judge's tests, put together from values. Deliberately not done here:
// profiles in YAML (tests/support/judged.h loads the shipped ones).
#pragma once

#include "tests/support/judged.h"

namespace handset::forge {

template <typename T>
device::Stated<T> stated(T value, device::Grade grade = device::Grade::documented) {
    return device::Statement<T>{std::move(value), "test", grade};
}

inline device::Tolerance refuse(device::Grade grade = device::Grade::documented) {
    return {device::Action::refuse, "refused", "test", grade};
}
inline device::Tolerance accept(device::Grade grade = device::Grade::documented) {
    return {device::Action::accept, "", "test", grade};
}
inline device::Tolerance ask(device::Grade grade = device::Grade::documented) {
    return {device::Action::ask, "asked", "test", grade};
}

// Knows the algorithm of the correct chain and nothing else.
inline device::Device plain_device() {
    device::Device device;
    device.id = "plain";
    device.sources["test"] = {device::Grade::documented, "A test says so.", "tests", "2026-11-21"};
    device.certificate.signature_algorithms =
        stated(std::vector{x509::oid_from_name("sha256WithRSAEncryption").value(),
                           x509::oid_from_name("sha1WithRSAEncryption").value()});
    device.responses["refused"].alert = wire::AlertDescription::bad_certificate;
    device.responses["refused"].alert_stated = true;
    device.responses["asked"].shows = "Continue?";
    return device;
}
// The same, without laxity where it is silent.
inline device::Device strict_device() {
    device::Device device = plain_device();
    device.otherwise = refuse();
    return device;
}

struct Chain {
    Recipes recipes = correct_recipes();

    x509::Certificate certificate(const std::string& name) const { return decoded(der(name)); }
    Bytes der(const std::string& name) const {
        return make_certificate(recipes, name, keys_folder());
    }
    rules::Evidence files(const std::vector<std::string>& names) const {
        std::vector<Bytes> chain;
        for (const std::string& name : names)
            chain.push_back(der(name));
        return rules::read(make_files(chain));
    }
    wire::Flight flight(const std::vector<std::string>& names, const Server& server = {}) const {
        std::vector<Bytes> chain;
        for (const std::string& name : names)
            chain.push_back(der(name));
        return make_flight(server, chain, keys_folder() / (recipes.at(names.front()).key + ".pem"));
    }
};

inline judge::Question usual_question(const Chain& chain = {}) {
    judge::Question question;
    question.host = "mail.example.test";
    question.at = parse_rfc3339("2025-06-01T00:00:00Z").value();
    question.roots.emplace().push_back(chain.certificate("root"));
    return question;
}

inline std::vector<std::string> rules_of(const judge::Verdict& verdict) {
    std::vector<std::string> ids;
    for (const judge::Reason& reason : verdict.reasons)
        ids.push_back(reason.finding.rule);
    return ids;
}

}  // namespace handset::forge
