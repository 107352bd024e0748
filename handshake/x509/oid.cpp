#include <fmt/format.h>

#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <string>

#include "handshake/x509/der.h"

namespace handset::x509 {
namespace {

struct Row {
    std::string_view dotted;
    std::string_view name;
};

// Names as the defining documents spell them. Where an OID stands twice, the first row names it
// and the others are names that oid_from_name() knows too.
constexpr Row table[] = {
    // Attribute types: X.520, RFC 4519, RFC 4524, RFC 2985, CA/Browser Forum EV guidelines
    {"2.5.4.3", "commonName"},
    {"2.5.4.3", "CN"},
    {"2.5.4.4", "surname"},
    {"2.5.4.4", "SN"},
    {"2.5.4.5", "serialNumber"},
    {"2.5.4.6", "countryName"},
    {"2.5.4.6", "C"},
    {"2.5.4.7", "localityName"},
    {"2.5.4.7", "L"},
    {"2.5.4.8", "stateOrProvinceName"},
    {"2.5.4.8", "ST"},
    {"2.5.4.9", "streetAddress"},
    {"2.5.4.9", "STREET"},
    {"2.5.4.10", "organizationName"},
    {"2.5.4.10", "O"},
    {"2.5.4.11", "organizationalUnitName"},
    {"2.5.4.11", "OU"},
    {"2.5.4.12", "title"},
    {"2.5.4.13", "description"},
    {"2.5.4.15", "businessCategory"},
    {"2.5.4.16", "postalAddress"},
    {"2.5.4.17", "postalCode"},
    {"2.5.4.18", "postOfficeBox"},
    {"2.5.4.20", "telephoneNumber"},
    {"2.5.4.41", "name"},
    {"2.5.4.42", "givenName"},
    {"2.5.4.42", "GN"},
    {"2.5.4.43", "initials"},
    {"2.5.4.44", "generationQualifier"},
    {"2.5.4.45", "x500UniqueIdentifier"},
    {"2.5.4.46", "dnQualifier"},
    {"2.5.4.51", "houseIdentifier"},
    {"2.5.4.65", "pseudonym"},
    {"2.5.4.72", "role"},
    {"2.5.4.97", "organizationIdentifier"},
    {"0.9.2342.19200300.100.1.1", "userId"},
    {"0.9.2342.19200300.100.1.1", "UID"},
    {"0.9.2342.19200300.100.1.3", "mail"},
    {"0.9.2342.19200300.100.1.25", "domainComponent"},
    {"0.9.2342.19200300.100.1.25", "DC"},
    {"1.2.840.113549.1.9.1", "emailAddress"},
    {"1.2.840.113549.1.9.2", "unstructuredName"},
    {"1.2.840.113549.1.9.7", "challengePassword"},
    {"1.2.840.113549.1.9.8", "unstructuredAddress"},
    {"1.2.840.113549.1.9.14", "extensionRequest"},
    {"1.2.840.113549.1.9.15", "smimeCapabilities"},
    {"1.3.6.1.4.1.311.60.2.1.1", "jurisdictionLocalityName"},
    {"1.3.6.1.4.1.311.60.2.1.2", "jurisdictionStateOrProvinceName"},
    {"1.3.6.1.4.1.311.60.2.1.3", "jurisdictionCountryName"},

    // Extensions: RFC 5280, RFC 3739, RFC 6962, RFC 7633, vendors
    {"2.5.29.9", "subjectDirectoryAttributes"},
    {"2.5.29.14", "subjectKeyIdentifier"},
    {"2.5.29.15", "keyUsage"},
    {"2.5.29.16", "privateKeyUsagePeriod"},
    {"2.5.29.17", "subjectAltName"},
    {"2.5.29.18", "issuerAltName"},
    {"2.5.29.19", "basicConstraints"},
    {"2.5.29.20", "cRLNumber"},
    {"2.5.29.21", "cRLReasons"},
    {"2.5.29.23", "holdInstructionCode"},
    {"2.5.29.24", "invalidityDate"},
    {"2.5.29.27", "deltaCRLIndicator"},
    {"2.5.29.28", "issuingDistributionPoint"},
    {"2.5.29.29", "certificateIssuer"},
    {"2.5.29.30", "nameConstraints"},
    {"2.5.29.31", "cRLDistributionPoints"},
    {"2.5.29.31", "crlDistributionPoints"},
    {"2.5.29.32", "certificatePolicies"},
    {"2.5.29.32.0", "anyPolicy"},
    {"2.5.29.33", "policyMappings"},
    {"2.5.29.35", "authorityKeyIdentifier"},
    {"2.5.29.36", "policyConstraints"},
    {"2.5.29.37", "extKeyUsage"},
    {"2.5.29.37", "extendedKeyUsage"},
    {"2.5.29.46", "freshestCRL"},
    {"2.5.29.54", "inhibitAnyPolicy"},
    {"2.5.29.1", "oldAuthorityKeyIdentifier"},
    {"2.5.29.2", "oldKeyAttributes"},
    {"2.5.29.3", "oldCertificatePolicies"},
    {"2.5.29.4", "oldKeyUsageRestriction"},
    {"2.5.29.7", "oldSubjectAltName"},
    {"2.5.29.10", "oldBasicConstraints"},
    {"1.3.6.1.5.5.7.1.1", "authorityInfoAccess"},
    {"1.3.6.1.5.5.7.1.2", "biometricInfo"},
    {"1.3.6.1.5.5.7.1.3", "qcStatements"},
    {"1.3.6.1.5.5.7.1.7", "ipAddrBlocks"},
    {"1.3.6.1.5.5.7.1.8", "autonomousSysIds"},
    {"1.3.6.1.5.5.7.1.11", "subjectInfoAccess"},
    {"1.3.6.1.5.5.7.1.12", "logotype"},
    {"1.3.6.1.5.5.7.1.14", "proxyCertInfo"},
    {"1.3.6.1.5.5.7.1.24", "tlsFeature"},
    {"1.3.6.1.5.5.7.48.1.5", "ocspNoCheck"},
    {"1.3.6.1.4.1.11129.2.4.2", "signedCertificateTimestampList"},
    {"1.3.6.1.4.1.11129.2.4.3", "precertificatePoison"},
    {"2.16.840.1.113730.1.1", "netscapeCertType"},
    {"2.16.840.1.113730.1.2", "netscapeBaseUrl"},
    {"2.16.840.1.113730.1.3", "netscapeRevocationUrl"},
    {"2.16.840.1.113730.1.4", "netscapeCaRevocationUrl"},
    {"2.16.840.1.113730.1.7", "netscapeCertRenewalUrl"},
    {"2.16.840.1.113730.1.8", "netscapeCaPolicyUrl"},
    {"2.16.840.1.113730.1.12", "netscapeSslServerName"},
    {"2.16.840.1.113730.1.13", "netscapeComment"},
    {"1.3.6.1.4.1.311.20.2", "enrolCerttype"},
    {"1.3.6.1.4.1.311.20.2", "szOID_ENROLL_CERTTYPE_EXTENSION"},
    {"1.3.6.1.4.1.311.21.1", "cAVersion"},
    {"1.3.6.1.4.1.311.21.1", "szOID_CERTSRV_CA_VERSION"},
    {"1.3.6.1.4.1.311.21.2", "previousCACertificateHash"},
    {"1.3.6.1.4.1.311.21.2", "szOID_CERTSRV_PREVIOUS_CERT_HASH"},
    {"1.3.6.1.4.1.311.21.7", "certificateTemplate"},
    {"1.3.6.1.4.1.311.21.7", "szOID_CERTIFICATE_TEMPLATE"},
    {"1.3.6.1.4.1.311.21.10", "applicationCertPolicies"},
    {"1.3.6.1.4.1.311.21.10", "szOID_APPLICATION_CERT_POLICIES"},
    {"1.3.6.1.4.1.311.21.11", "applicationPolicyMappings"},
    {"1.3.6.1.4.1.311.21.11", "szOID_APPLICATION_POLICY_MAPPINGS"},
    {"1.3.6.1.4.1.311.21.12", "applicationPolicyConstraints"},
    {"1.3.6.1.4.1.311.21.12", "szOID_APPLICATION_POLICY_CONSTRAINTS"},
    {"1.3.6.1.4.1.311.2.1.14", "szOID_CERT_EXTENSIONS"},
    {"1.3.6.1.4.1.311.13.2.3", "szOID_OS_VERSION"},
    {"1.3.6.1.4.1.311.25.2", "szOID_NTDS_CA_SECURITY_EXT"},
    {"1.2.840.113533.7.65.0", "entrustVersInfo"},

    // Access methods and policy qualifiers: RFC 5280 4.2.2.1, 4.2.1.4
    {"1.3.6.1.5.5.7.48.1", "ocsp"},
    {"1.3.6.1.5.5.7.48.2", "caIssuers"},
    {"1.3.6.1.5.5.7.48.5", "caRepository"},
    {"1.3.6.1.5.5.7.2.1", "cps"},
    {"1.3.6.1.5.5.7.2.2", "unotice"},
    {"2.23.140.1.1", "extended-validation"},
    {"2.23.140.1.2.1", "domain-validated"},
    {"2.23.140.1.2.2", "organization-validated"},
    {"2.23.140.1.2.3", "individual-validated"},

    // Other names: Microsoft, RFC 4120/4556, RFC 8398
    {"1.3.6.1.4.1.311.20.2.3", "userPrincipalName"},
    {"1.3.6.1.4.1.311.25.1", "ntdsReplication"},
    {"1.3.6.1.5.2.2", "krb5PrincipalName"},
    {"1.3.6.1.5.5.7.8.5", "xmppAddr"},
    {"1.3.6.1.5.5.7.8.7", "dnsSRV"},
    {"1.3.6.1.5.5.7.8.9", "smtpUTF8Mailbox"},

    // Key purposes
    {"2.5.29.37.0", "anyExtendedKeyUsage"},
    {"1.3.6.1.5.5.7.3.1", "serverAuth"},
    {"1.3.6.1.5.5.7.3.2", "clientAuth"},
    {"1.3.6.1.5.5.7.3.3", "codeSigning"},
    {"1.3.6.1.5.5.7.3.4", "emailProtection"},
    {"1.3.6.1.5.5.7.3.5", "ipsecEndSystem"},
    {"1.3.6.1.5.5.7.3.6", "ipsecTunnel"},
    {"1.3.6.1.5.5.7.3.7", "ipsecUser"},
    {"1.3.6.1.5.5.7.3.8", "timeStamping"},
    {"1.3.6.1.5.5.7.3.9", "OCSPSigning"},
    {"1.3.6.1.5.5.7.3.10", "dvcs"},
    {"1.3.6.1.5.5.7.3.13", "eapOverPPP"},
    {"1.3.6.1.5.5.7.3.14", "eapOverLAN"},
    {"1.3.6.1.5.5.7.3.17", "ipsecIKE"},
    {"1.3.6.1.5.5.7.3.21", "secureShellClient"},
    {"1.3.6.1.5.5.7.3.22", "secureShellServer"},
    {"1.3.6.1.5.5.8.2.2", "iKEIntermediate"},
    {"1.3.6.1.5.2.3.4", "pkInitKPClientAuth"},
    {"1.3.6.1.5.2.3.5", "pkInitKPKdc"},
    {"1.3.6.1.4.1.311.10.3.1", "msCTLSign"},
    {"1.3.6.1.4.1.311.10.3.3", "msSGC"},
    {"1.3.6.1.4.1.311.10.3.4", "msEFS"},
    {"1.3.6.1.4.1.311.10.3.4.1", "msEFSRecovery"},
    {"1.3.6.1.4.1.311.10.3.9", "msRootListSigner"},
    {"1.3.6.1.4.1.311.10.3.11", "msKeyRecovery"},
    {"1.3.6.1.4.1.311.10.3.12", "msDocumentSigning"},
    {"1.3.6.1.4.1.311.10.12.1", "msAnyApplicationPolicy"},
    {"1.3.6.1.4.1.311.2.1.21", "msCodeInd"},
    {"1.3.6.1.4.1.311.2.1.22", "msCodeCom"},
    {"1.3.6.1.4.1.311.20.2.1", "msEnrollmentAgent"},
    {"1.3.6.1.4.1.311.20.2.2", "msSmartcardLogon"},
    {"1.3.6.1.4.1.311.20.2.2", "smartcardLogon"},
    {"1.3.6.1.4.1.311.21.5", "msPrivateKeyArchival"},
    {"1.3.6.1.4.1.311.21.6", "msKeyRecoveryAgent"},
    {"1.3.6.1.4.1.311.21.19", "msDirectoryServiceEmailReplication"},
    {"2.16.840.1.113730.4.1", "nsSGC"},
    {"2.16.840.1.113733.1.8.1", "verisignSGC"},

    // Keys and signatures: RFC 3279, 4055, 5480, 5758, 8410, OIW, X.509
    {"1.2.840.113549.1.1.1", "rsaEncryption"},
    {"1.2.840.113549.1.1.2", "md2WithRSAEncryption"},
    {"1.2.840.113549.1.1.3", "md4WithRSAEncryption"},
    {"1.2.840.113549.1.1.4", "md5WithRSAEncryption"},
    {"1.2.840.113549.1.1.5", "sha1WithRSAEncryption"},
    {"1.2.840.113549.1.1.7", "id-RSAES-OAEP"},
    {"1.2.840.113549.1.1.8", "id-mgf1"},
    {"1.2.840.113549.1.1.10", "id-RSASSA-PSS"},
    {"1.2.840.113549.1.1.10", "RSASSA-PSS"},
    {"1.2.840.113549.1.1.11", "sha256WithRSAEncryption"},
    {"1.2.840.113549.1.1.12", "sha384WithRSAEncryption"},
    {"1.2.840.113549.1.1.13", "sha512WithRSAEncryption"},
    {"1.2.840.113549.1.1.14", "sha224WithRSAEncryption"},
    {"1.2.840.113549.1.1.15", "sha512-224WithRSAEncryption"},
    {"1.2.840.113549.1.1.16", "sha512-256WithRSAEncryption"},
    {"1.3.14.3.2.2", "md4WithRSA"},
    {"1.3.14.3.2.3", "md5WithRSA"},
    {"1.3.14.3.2.12", "dsa"},
    {"1.3.14.3.2.13", "dsaWithSHA"},
    {"1.3.14.3.2.15", "shaWithRSASignature"},
    {"1.3.14.3.2.27", "dsaWithSHA1"},
    {"1.3.14.3.2.29", "sha1WithRSASignature"},
    {"1.3.36.3.3.1.2", "rsaSignatureWithripemd160"},
    {"2.5.8.1.1", "id-ea-rsa"},
    {"1.2.840.10040.4.1", "id-dsa"},
    {"1.2.840.10040.4.3", "id-dsa-with-sha1"},
    {"1.2.840.10040.4.3", "dsa-with-sha1"},
    {"2.16.840.1.101.3.4.3.1", "id-dsa-with-sha224"},
    {"2.16.840.1.101.3.4.3.2", "id-dsa-with-sha256"},
    {"2.16.840.1.101.3.4.3.3", "id-dsa-with-sha384"},
    {"2.16.840.1.101.3.4.3.4", "id-dsa-with-sha512"},
    {"1.2.840.10046.2.1", "dhpublicnumber"},
    {"1.2.840.113549.1.3.1", "dhKeyAgreement"},
    {"1.2.840.10045.2.1", "id-ecPublicKey"},
    {"1.3.132.1.12", "id-ecDH"},
    {"1.3.132.1.13", "id-ecMQV"},
    {"1.2.840.10045.4.1", "ecdsa-with-SHA1"},
    {"1.2.840.10045.4.2", "ecdsa-with-Recommended"},
    {"1.2.840.10045.4.3", "ecdsa-with-Specified"},
    {"1.2.840.10045.4.3.1", "ecdsa-with-SHA224"},
    {"1.2.840.10045.4.3.2", "ecdsa-with-SHA256"},
    {"1.2.840.10045.4.3.3", "ecdsa-with-SHA384"},
    {"1.2.840.10045.4.3.4", "ecdsa-with-SHA512"},
    {"1.3.101.110", "X25519"},
    {"1.3.101.110", "id-X25519"},
    {"1.3.101.111", "X448"},
    {"1.3.101.111", "id-X448"},
    {"1.3.101.112", "Ed25519"},
    {"1.3.101.112", "id-Ed25519"},
    {"1.3.101.113", "Ed448"},
    {"1.3.101.113", "id-Ed448"},
    {"1.2.643.2.2.3", "id-GostR3411-94-with-GostR3410-2001"},
    {"1.2.643.2.2.19", "id-GostR3410-2001"},
    {"1.2.643.7.1.1.1.1", "id-tc26-gost3410-12-256"},
    {"1.2.643.7.1.1.1.2", "id-tc26-gost3410-12-512"},
    {"1.2.643.7.1.1.3.2", "id-tc26-signwithdigest-gost3410-12-256"},
    {"1.2.643.7.1.1.3.3", "id-tc26-signwithdigest-gost3410-12-512"},
    {"1.2.156.10197.1.501", "sm2-with-SM3"},

    // Hashes
    {"1.2.840.113549.2.2", "md2"},
    {"1.2.840.113549.2.4", "md4"},
    {"1.2.840.113549.2.5", "md5"},
    {"1.3.14.3.2.18", "sha"},
    {"1.3.14.3.2.26", "sha1"},
    {"1.3.14.3.2.26", "id-sha1"},
    {"1.3.36.3.2.1", "ripemd160"},
    {"2.16.840.1.101.3.4.2.1", "sha256"},
    {"2.16.840.1.101.3.4.2.1", "id-sha256"},
    {"2.16.840.1.101.3.4.2.2", "sha384"},
    {"2.16.840.1.101.3.4.2.2", "id-sha384"},
    {"2.16.840.1.101.3.4.2.3", "sha512"},
    {"2.16.840.1.101.3.4.2.3", "id-sha512"},
    {"2.16.840.1.101.3.4.2.4", "sha224"},
    {"2.16.840.1.101.3.4.2.4", "id-sha224"},
    {"2.16.840.1.101.3.4.2.5", "sha512-224"},
    {"2.16.840.1.101.3.4.2.6", "sha512-256"},
    {"2.16.840.1.101.3.4.2.7", "sha3-224"},
    {"2.16.840.1.101.3.4.2.8", "sha3-256"},
    {"2.16.840.1.101.3.4.2.9", "sha3-384"},
    {"2.16.840.1.101.3.4.2.10", "sha3-512"},

    // Fields and named curves: RFC 3279, RFC 5480, SEC 2, RFC 5639, GM/T 0003
    {"1.2.840.10045.1.1", "prime-field"},
    {"1.2.840.10045.1.2", "characteristic-two-field"},
    {"1.2.840.10045.3.1.1", "secp192r1"},
    {"1.2.840.10045.3.1.1", "prime192v1"},
    {"1.2.840.10045.3.1.2", "prime192v2"},
    {"1.2.840.10045.3.1.3", "prime192v3"},
    {"1.2.840.10045.3.1.4", "prime239v1"},
    {"1.2.840.10045.3.1.5", "prime239v2"},
    {"1.2.840.10045.3.1.6", "prime239v3"},
    {"1.2.840.10045.3.1.7", "secp256r1"},
    {"1.2.840.10045.3.1.7", "prime256v1"},
    {"1.2.840.10045.3.0.1", "c2pnb163v1"},
    {"1.2.840.10045.3.0.2", "c2pnb163v2"},
    {"1.2.840.10045.3.0.3", "c2pnb163v3"},
    {"1.2.840.10045.3.0.4", "c2pnb176w1"},
    {"1.2.840.10045.3.0.5", "c2tnb191v1"},
    {"1.2.840.10045.3.0.6", "c2tnb191v2"},
    {"1.2.840.10045.3.0.7", "c2tnb191v3"},
    {"1.2.840.10045.3.0.10", "c2pnb208w1"},
    {"1.2.840.10045.3.0.11", "c2tnb239v1"},
    {"1.2.840.10045.3.0.12", "c2tnb239v2"},
    {"1.2.840.10045.3.0.13", "c2tnb239v3"},
    {"1.2.840.10045.3.0.16", "c2pnb272w1"},
    {"1.2.840.10045.3.0.17", "c2pnb304w1"},
    {"1.2.840.10045.3.0.18", "c2tnb359v1"},
    {"1.2.840.10045.3.0.19", "c2pnb368w1"},
    {"1.2.840.10045.3.0.20", "c2tnb431r1"},
    {"1.3.132.0.1", "sect163k1"},
    {"1.3.132.0.2", "sect163r1"},
    {"1.3.132.0.3", "sect239k1"},
    {"1.3.132.0.4", "sect113r1"},
    {"1.3.132.0.5", "sect113r2"},
    {"1.3.132.0.6", "secp112r1"},
    {"1.3.132.0.7", "secp112r2"},
    {"1.3.132.0.8", "secp160r1"},
    {"1.3.132.0.9", "secp160k1"},
    {"1.3.132.0.10", "secp256k1"},
    {"1.3.132.0.15", "sect163r2"},
    {"1.3.132.0.16", "sect283k1"},
    {"1.3.132.0.17", "sect283r1"},
    {"1.3.132.0.22", "sect131r1"},
    {"1.3.132.0.23", "sect131r2"},
    {"1.3.132.0.24", "sect193r1"},
    {"1.3.132.0.25", "sect193r2"},
    {"1.3.132.0.26", "sect233k1"},
    {"1.3.132.0.27", "sect233r1"},
    {"1.3.132.0.28", "secp128r1"},
    {"1.3.132.0.29", "secp128r2"},
    {"1.3.132.0.30", "secp160r2"},
    {"1.3.132.0.31", "secp192k1"},
    {"1.3.132.0.32", "secp224k1"},
    {"1.3.132.0.33", "secp224r1"},
    {"1.3.132.0.34", "secp384r1"},
    {"1.3.132.0.35", "secp521r1"},
    {"1.3.132.0.36", "sect409k1"},
    {"1.3.132.0.37", "sect409r1"},
    {"1.3.132.0.38", "sect571k1"},
    {"1.3.132.0.39", "sect571r1"},
    {"1.3.36.3.3.2.8.1.1.1", "brainpoolP160r1"},
    {"1.3.36.3.3.2.8.1.1.2", "brainpoolP160t1"},
    {"1.3.36.3.3.2.8.1.1.3", "brainpoolP192r1"},
    {"1.3.36.3.3.2.8.1.1.4", "brainpoolP192t1"},
    {"1.3.36.3.3.2.8.1.1.5", "brainpoolP224r1"},
    {"1.3.36.3.3.2.8.1.1.6", "brainpoolP224t1"},
    {"1.3.36.3.3.2.8.1.1.7", "brainpoolP256r1"},
    {"1.3.36.3.3.2.8.1.1.8", "brainpoolP256t1"},
    {"1.3.36.3.3.2.8.1.1.9", "brainpoolP320r1"},
    {"1.3.36.3.3.2.8.1.1.10", "brainpoolP320t1"},
    {"1.3.36.3.3.2.8.1.1.11", "brainpoolP384r1"},
    {"1.3.36.3.3.2.8.1.1.12", "brainpoolP384t1"},
    {"1.3.36.3.3.2.8.1.1.13", "brainpoolP512r1"},
    {"1.3.36.3.3.2.8.1.1.14", "brainpoolP512t1"},
    {"1.2.156.10197.1.301", "sm2p256v1"},
};

constexpr std::size_t max_arc_octets = 32;
constexpr std::size_t max_arc_digits = 70;

// An unsigned number of any (small) size, least significant octet first.
using Number = std::vector<std::uint8_t>;

void multiply_add(Number& number, unsigned factor, unsigned summand) {
    unsigned carry = summand;
    for (std::uint8_t& octet : number) {
        carry += octet * factor;
        octet = static_cast<std::uint8_t>(carry);
        carry >>= 8;
    }
    for (; carry != 0; carry >>= 8)
        number.push_back(static_cast<std::uint8_t>(carry));
}

// The remainder; the quotient replaces the number.
unsigned divide(Number& number, unsigned divisor) {
    unsigned remainder = 0;
    for (auto octet = number.rbegin(); octet != number.rend(); ++octet) {
        remainder = remainder << 8 | *octet;
        *octet = static_cast<std::uint8_t>(remainder / divisor);
        remainder %= divisor;
    }
    while (!number.empty() && number.back() == 0)
        number.pop_back();
    return remainder;
}

void subtract(Number& number, unsigned subtrahend) {  // subtrahend <= number, < 256
    unsigned borrow = subtrahend;
    for (std::uint8_t& octet : number) {
        const unsigned before = octet;
        octet = static_cast<std::uint8_t>(before - borrow);
        borrow = before < borrow ? 1 : 0;
    }
    while (!number.empty() && number.back() == 0)
        number.pop_back();
}

std::string decimal(Number number) {
    std::string digits;
    do {
        digits.push_back(static_cast<char>('0' + divide(number, 10)));
    } while (!number.empty());
    std::ranges::reverse(digits);
    return digits;
}

bool is_below(const Number& number, unsigned limit) {
    return number.empty() || (number.size() == 1 && number.front() < limit);
}

std::optional<Number> number_from(std::string_view digits) {
    if (digits.empty() || digits.size() > max_arc_digits) return std::nullopt;
    if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
    Number number;
    for (const char digit : digits) {
        if (digit < '0' || digit > '9') return std::nullopt;
        multiply_add(number, 10, static_cast<unsigned>(digit - '0'));
    }
    return number;
}

void append_arc(Bytes& out, Number number) {
    Bytes groups;
    do {
        groups.push_back(static_cast<std::uint8_t>(divide(number, 128) | 0x80));
    } while (!number.empty());
    groups.front() &= 0x7f;
    out.insert(out.end(), groups.rbegin(), groups.rend());
}

struct Index {
    std::deque<Oid> oids;  // of the rows, in their order
    boost::unordered_flat_map<std::string_view, std::string_view> name_of;  // by content octets
    boost::unordered_flat_map<std::string_view, const Oid*> oid_of;
    Index() {
        for (const Row& row : table) {
            const Oid& oid = oids.emplace_back(oid_from_dotted(row.dotted).value());
            name_of.try_emplace(text_view(oid.der), row.name);
            oid_of.try_emplace(row.name, &oid);
        }
    }
};

const Index& index() {
    static const Index built;
    return built;
}

}  // namespace

std::string Oid::dotted() const {
    std::string text;
    std::size_t begin = 0;
    for (std::size_t i = 0; i < der.size(); ++i) {
        const bool last_octet = (der[i] & 0x80) == 0;
        if (!last_octet && i + 1 < der.size()) continue;
        const ByteView arc = ByteView(der).subspan(begin, i + 1 - begin);
        begin = i + 1;
        if (!text.empty()) text.push_back('.');
        if (!last_octet || arc.size() > max_arc_octets) {
            text += "0x" + to_hex(arc);
            continue;
        }
        Number number;
        for (const std::uint8_t octet : arc)
            multiply_add(number, 128, octet & 0x7fU);
        while (!number.empty() && number.back() == 0)
            number.pop_back();
        if (text.empty()) {  // X.690 8.19.4: the first two arcs share a subidentifier
            const unsigned root = is_below(number, 40) ? 0 : is_below(number, 80) ? 1 : 2;
            subtract(number, root * 40);
            text = fmt::format("{}.", root);
        }
        text += decimal(std::move(number));
    }
    return text;
}

std::size_t Oid::arc_count() const {
    if (der.empty()) return 0;
    const auto ends = std::ranges::count_if(der, [](std::uint8_t o) { return (o & 0x80) == 0; });
    const bool cut = (der.back() & 0x80) != 0;
    const auto first = std::ranges::find_if(der, [](std::uint8_t o) { return (o & 0x80) == 0; });
    const auto first_length = static_cast<std::size_t>(first - der.begin()) + 1;
    const bool first_is_two = first != der.end() && first_length <= max_arc_octets;
    return static_cast<std::size_t>(ends) + (cut ? 1 : 0) + (first_is_two ? 1 : 0);
}

std::optional<Oid> oid_from_dotted(std::string_view text) {
    Bytes octets;
    std::optional<unsigned> root;
    std::size_t arcs = 0;
    while (true) {
        const std::size_t dot = text.find('.');
        auto number = number_from(text.substr(0, dot));
        if (!number) return std::nullopt;
        if (++arcs == 1) {
            if (!is_below(*number, 3)) return std::nullopt;
            root = number->empty() ? 0U : number->front();
        } else {
            if (arcs == 2) {
                if (*root < 2 && !is_below(*number, 40)) return std::nullopt;
                multiply_add(*number, 1, *root * 40);
            }
            append_arc(octets, std::move(*number));
        }
        if (dot == std::string_view::npos) break;
        text.remove_prefix(dot + 1);
    }
    if (arcs < 2) return std::nullopt;
    return Oid(octets);
}

// Octets that are not minimal have the same dotted form as others, yet are another OID to a device
// that compares octets: they have no name.
std::string_view known_oid_name(const Oid& oid) {
    const auto found = index().name_of.find(text_view(oid.der));
    return found == index().name_of.end() ? std::string_view() : found->second;
}

std::string oid_name(const Oid& oid) {
    const std::string_view name = known_oid_name(oid);
    return name.empty() ? oid.dotted() : std::string(name);
}

const Oid* find_oid(std::string_view name) {
    const auto found = index().oid_of.find(name);
    return found == index().oid_of.end() ? nullptr : found->second;
}

std::optional<Oid> oid_from_name(std::string_view name_or_dotted) {
    if (const Oid* known = find_oid(name_or_dotted)) return *known;
    return oid_from_dotted(name_or_dotted);
}

std::vector<std::string_view> oid_names() {
    std::vector<std::string_view> names;
    for (const Row& row : table)
        names.push_back(row.name);
    return names;
}

}  // namespace handset::x509
