// What must hold for every decoded certificate, shared by the tests and the fuzz target.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "handshake/x509/certificate.h"

namespace handset::x509 {

// Collects what is wrong; nothing is, when `faults` stays empty.
class PlaceCheck {
public:
    explicit PlaceCheck(const Certificate& certificate) : certificate_(certificate) { check(); }
    const std::vector<std::string>& faults() const { return faults_; }

private:
    void within(const Place& place, std::string_view what) {
        if (place.offset > certificate_.raw.size() ||
            place.length > certificate_.raw.size() - place.offset)
            faults_.push_back(std::string(what) + " outside raw");
    }
    void octets(const Place& place, ByteView expected, std::string_view what) {
        within(place, what);
        if (faults_.empty() && !equal(certificate_.at(place), expected))
            faults_.push_back(std::string(what) + " differs from raw");
    }
    void check(const Integer& integer, std::string_view what) { within(integer.place, what); }
    void check(const std::optional<Integer>& integer, std::string_view what) {
        if (integer) check(*integer, what);
    }
    void check(const AlgorithmIdentifier& identifier, std::string_view what) {
        octets(identifier.place, identifier.raw, what);
        if (identifier.parameters)
            octets(identifier.parameters_place, *identifier.parameters, what);
        else
            within(identifier.parameters_place, what);
    }
    void check(const Name& name, std::string_view what) {
        within(name.place, what);
        for (const RelativeDistinguishedName& rdn : name.rdns) {
            for (const AttributeTypeAndValue& attribute : rdn) {
                within(attribute.place, what);
                within(attribute.value_place, what);
            }
        }
    }
    void check(const std::vector<GeneralName>& names, std::string_view what) {
        for (const GeneralName& name : names) {
            within(name.place, what);
            within(name.value_place, what);
            if (name.directory_name) check(*name.directory_name, what);
        }
    }
    void check(const std::vector<NameConstraints::Subtree>& subtrees) {
        for (const NameConstraints::Subtree& subtree : subtrees) {
            check(std::vector{subtree.base}, "subtree");
            check(subtree.minimum, "minimum");
            check(subtree.maximum, "maximum");
        }
    }
    void check(const Extension& extension) {
        within(extension.place, "extension");
        within(extension.critical_place, "critical");
        within(extension.value_place, "extnValue");
        if (extension.decode_error && extension.decode_error->offset > certificate_.raw.size())
            faults_.emplace_back("decode_error outside raw");
        if (extension.decode_error && extension.value.index() != 0)
            faults_.emplace_back("a value in spite of a decode_error");
        if (const auto* alt = std::get_if<GeneralNames>(&extension.value))
            check(alt->names, "names");
        if (const auto* basic = std::get_if<BasicConstraints>(&extension.value))
            check(basic->path_len_constraint, "pathLenConstraint");
        if (const auto* authority = std::get_if<AuthorityKeyIdentifier>(&extension.value)) {
            check(authority->authority_cert_issuer, "authorityCertIssuer");
            check(authority->authority_cert_serial_number, "authorityCertSerialNumber");
        }
        if (const auto* policies = std::get_if<CertificatePolicies>(&extension.value))
            for (const PolicyInformation& policy : policies->policies)
                within(policy.place, "policy");
        if (const auto* constraints = std::get_if<PolicyConstraints>(&extension.value)) {
            check(constraints->require_explicit_policy, "requireExplicitPolicy");
            check(constraints->inhibit_policy_mapping, "inhibitPolicyMapping");
        }
        if (const auto* constraints = std::get_if<NameConstraints>(&extension.value)) {
            check(constraints->permitted);
            check(constraints->excluded);
        }
        if (const auto* inhibit = std::get_if<InhibitAnyPolicy>(&extension.value))
            check(inhibit->skip_certs, "skipCerts");
        if (const auto* crl = std::get_if<CrlDistributionPoints>(&extension.value)) {
            for (const CrlDistributionPoints::Point& point : crl->points) {
                check(point.full_name, "fullName");
                check(point.crl_issuer, "cRLIssuer");
            }
        }
        if (const auto* info = std::get_if<AuthorityInfoAccess>(&extension.value))
            for (const AuthorityInfoAccess::Access& access : info->accesses)
                check(std::vector{access.location}, "accessLocation");
        if (const auto* msft = std::get_if<CertificateTemplate>(&extension.value)) {
            check(msft->major_version, "templateMajorVersion");
            check(msft->minor_version, "templateMinorVersion");
        }
    }
    void check() {
        const Certificate& c = certificate_;
        within(c.tbs_place, "tbsCertificate");
        within(c.version_place, "version");
        check(c.serial_number, "serialNumber");
        check(c.signature, "signature");
        check(c.issuer, "issuer");
        octets(c.issuer.place, c.issuer.raw, "issuer");
        within(c.validity.place, "validity");
        within(c.validity.not_before.place, "notBefore");
        within(c.validity.not_after.place, "notAfter");
        check(c.subject, "subject");
        octets(c.subject.place, c.subject.raw, "subject");
        const SubjectPublicKeyInfo& key = c.subject_public_key_info;
        octets(key.place, key.raw, "subjectPublicKeyInfo");
        check(key.algorithm, "subjectPublicKeyInfo.algorithm");
        within(key.key_place, "subjectPublicKey");
        if (const auto* rsa = std::get_if<RsaPublicKey>(&key.key)) {
            check(rsa->modulus, "modulus");
            check(rsa->public_exponent, "publicExponent");
        }
        if (const auto* dsa = std::get_if<DsaPublicKey>(&key.key)) {
            check(dsa->y, "y");
            if (dsa->p_q_g)
                for (const Integer& integer : *dsa->p_q_g)
                    check(integer, "p, q, g");
        }
        within(c.issuer_unique_id_place, "issuerUniqueID");
        within(c.subject_unique_id_place, "subjectUniqueID");
        within(c.extensions_place, "extensions");
        for (const Extension& extension : c.extensions)
            check(extension);
        check(c.signature_algorithm, "signatureAlgorithm");
        within(c.signature_value_place, "signatureValue");
        std::size_t previous = 0;
        for (const Observation& observation : c.observations) {
            within(observation.place, observation.field);
            if (observation.field.empty()) faults_.emplace_back("observation without a field");
            if (observation.place.offset < previous)
                faults_.push_back(observation.field + " out of order");
            previous = observation.place.offset;
        }
    }

    const Certificate& certificate_;
    std::vector<std::string> faults_;
};

inline std::vector<std::string> misplaced(const Certificate& certificate) {
    return PlaceCheck(certificate).faults();
}

}  // namespace handset::x509
