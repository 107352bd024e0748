// Rules on the list of certificates as sent, and on the path that clients build from it.
#include <fmt/format.h>

#include "handshake/rules/tables.h"

namespace handset::rules {

namespace {

using wire::AlertDescription;

x509::Place whole(const ChainEntry& entry) {
    return {0, entry.der.size()};
}

std::string list_field(std::size_t number) {
    return fmt::format("certificate_list[{}]", number);
}

void find_empty(const Evidence& evidence, Findings& findings) {
    if (!evidence.certificate_message_seen || !evidence.chain.empty()) return;
    std::size_t offset = 0;
    for (const MessageSeen& message : evidence.messages) {
        if (message.type == wire::HandshakeType::certificate) offset = message.offset;
    }
    findings.in_stream(offset, {}, "certificate_list", "the server sent no certificate");
}

void find_wrong_order(const Evidence& evidence, Findings& findings) {
    const ChainEntry* previous = nullptr;
    for (std::size_t i = 0; i < evidence.chain.size(); ++i) {
        const ChainEntry& entry = evidence.chain[i];
        if (!entry.role.on_path || entry.role.duplicate || !entry.certificate) continue;
        if (previous &&
            !x509::same_folded(previous->certificate->issuer, entry.certificate->subject)) {
            findings.at(i, whole(entry), list_field(i),
                        fmt::format("{} did not issue the certificate in front of it",
                                    x509::describe(*entry.certificate)));
        }
        previous = &entry;
    }
}

void find_extra(const Evidence& evidence, Findings& findings) {
    // Who issued what a certificate that cannot be read stands for is not known.
    for (const ChainEntry& entry : evidence.chain) {
        if (!entry.certificate) return;
    }
    for (std::size_t i = 1; i < evidence.chain.size(); ++i) {
        const ChainEntry& entry = evidence.chain[i];
        if (entry.role.on_path || entry.role.duplicate || !entry.certificate) continue;
        findings.at(i, whole(entry), list_field(i),
                    fmt::format("{} is on no path from the server's certificate",
                                x509::describe(*entry.certificate)));
    }
}

void find_duplicate(const Evidence& evidence, Findings& findings) {
    for (std::size_t i = 1; i < evidence.chain.size(); ++i) {
        if (!evidence.chain[i].role.duplicate) continue;
        findings.at(i, whole(evidence.chain[i]), list_field(i),
                    "the same certificate was sent before");
    }
}

void find_self_signed_sent(const Evidence& evidence, Findings& findings) {
    for (std::size_t i = 1; i < evidence.chain.size(); ++i) {
        const ChainEntry& entry = evidence.chain[i];
        if (!entry.certificate || !x509::is_self_issued(*entry.certificate)) continue;
        findings.at(i, whole(entry), list_field(i),
                    fmt::format("{} is self-issued; clients that trust it hold it already",
                                x509::describe(*entry.certificate)));
    }
}

constexpr std::string_view send_in_order =
    "Put the server's certificate first, then each intermediate behind the one it issued, and "
    "nothing else: `cat leaf.pem intermediate.pem > chain.pem`; that file is nginx's "
    "`ssl_certificate`, Apache's `SSLCertificateFile`, Postfix's `smtpd_tls_cert_file`, Dovecot's "
    "`ssl_cert`.";
constexpr std::string_view add_intermediate =
    "Add the intermediate certificate to what the server sends: `cat leaf.pem intermediate.pem > "
    "chain.pem` for nginx, Apache, Postfix and Dovecot; `certutil -addstore CA intermediate.cer` "
    "for IIS and Exchange. If the issuer is a root of your own, install it on the device (here: "
    "`--install-root FILE`).";
constexpr std::string_view say_what_is_held =
    "Look at the device's list of roots, then say what it holds: `--install-root FILE` beside its "
    "own roots, `--roots FILE` in place of them.";

constexpr Rule table[] = {
    {"chain-empty", Area::chain, Level::must, Step::certificate_message,
     "The server's certificate_list is not empty.", "RFC 5246 7.4.2",
     AlertDescription::bad_certificate,
     "Give the server a certificate: nginx `ssl_certificate chain.pem;` and `ssl_certificate_key "
     "key.pem;`, Postfix `postconf -e smtpd_tls_cert_file=chain.pem smtpd_tls_key_file=key.pem`, "
     "Exchange `Enable-ExchangeCertificate -Thumbprint THUMBPRINT -Services IIS,SMTP,IMAP,POP`.",
     find_empty},
    {"chain-wrong-order", Area::chain, Level::must, Step::path,
     "Each certificate directly certifies the one in front of it.", "RFC 5246 7.4.2",
     AlertDescription::bad_certificate, send_in_order, find_wrong_order},
    {"chain-extra-certificate", Area::chain, Level::must, Step::path,
     "Each certificate directly certifies the one in front of it.", "RFC 5246 7.4.2",
     AlertDescription::bad_certificate, send_in_order, find_extra},
    {"chain-extra-critical-unknown", Area::chain, Level::should, Step::path,
     "A certificate that is on no path has no critical extension that the client does not know.",
     "RFC 5280 4.2", AlertDescription::bad_certificate, send_in_order, nullptr},
    {"chain-extra-untrusted", Area::chain, Level::should, Step::path,
     "A certificate that is on no path is a CA's, or its issuer stands behind it, or is an anchor.",
     "RFC 5246 7.4.2", AlertDescription::bad_certificate, send_in_order, nullptr},
    {"chain-root-sent-expired", Area::chain, Level::should, Step::path,
     "A root that is sent along is the one that is valid, where it has been renewed.",
     "RFC 5246 7.4.2", AlertDescription::certificate_expired,
     "Leave the root out of the server's chain file: `cat leaf.pem intermediate.pem > chain.pem`.",
     nullptr},
    {"chain-duplicate-certificate", Area::chain, Level::must, Step::path,
     "Each certificate directly certifies the one in front of it.", "RFC 5246 7.4.2",
     AlertDescription::bad_certificate, send_in_order, find_duplicate},
    {"chain-self-signed-sent", Area::chain, Level::should, Step::path,
     "The root may be left out of the certificate_list.", "RFC 5246 7.4.2",
     AlertDescription::bad_certificate,
     "Leave the root out of the server's chain file: `cat leaf.pem intermediate.pem > chain.pem`.",
     find_self_signed_sent},
    {"chain-server-is-anchor", Area::chain, Level::should, Step::path,
     "A trust anchor stands above the server's certificate and is not that certificate itself.",
     "RFC 5280 6.1", AlertDescription::unknown_ca,
     "Have the server's certificate issued by a CA, an own one will do (`openssl x509 -req -in "
     "request.pem -CA ca.pem -CAkey ca.key -extfile leaf.ext -out leaf.pem`), and install the "
     "CA's root on the devices in its place.",
     nullptr},
    {"chain-server-pinned", Area::chain, Level::should, Step::path,
     "A trust anchor is self-signed, or stands above the server's certificate.", "RFC 5280 6.1",
     AlertDescription::unknown_ca,
     "Install the root of the CA that issued the server's certificate on the devices, and not that "
     "certificate: `openssl x509 -in root.pem -outform DER -out root.cer`.",
     nullptr},
    {"chain-server-anchor-not-ca", Area::chain, Level::should, Step::path,
     "A trust anchor is the certificate of a CA.", "RFC 5280 4.2.1.9", AlertDescription::unknown_ca,
     "Have the server's certificate issued by a CA, an own one will do (`openssl x509 -req -in "
     "request.pem -CA ca.pem -CAkey ca.key -extfile leaf.ext -out leaf.pem`), and install the "
     "CA's root on the devices in its place.",
     nullptr},
    {"chain-intermediate-missing", Area::chain, Level::must, Step::path,
     "The server sends every certificate between its own and the root.", "RFC 5246 7.4.2",
     AlertDescription::unknown_ca, add_intermediate, nullptr},
    {"chain-aia-used", Area::chain, Level::should, Step::path,
     "The server sends every certificate between its own and the root, so that no client has to "
     "fetch one from authorityInfoAccess.",
     "RFC 5246 7.4.2, RFC 5280 4.2.2.1", AlertDescription::unknown_ca, add_intermediate, nullptr},
    {"chain-search-exhausted", Area::chain, Level::must, Step::path,
     "A path is found before the client gives the search up.", "RFC 5280 6.1",
     AlertDescription::unknown_ca,
     "Send the certificates of one path, not look-alikes of the same name: `cat leaf.pem "
     "intermediate.pem > chain.pem`.",
     nullptr},
    {"chain-other-path-needed", Area::chain, Level::should, Step::path,
     "The first issuers that fit lead to a path that is accepted.", "RFC 5280 6.1",
     AlertDescription::unknown_ca,
     "Send the intermediate of the path that old devices accept, and no look-alike of another: "
     "`openssl verify -show_chain -CAfile root.pem -untrusted intermediate.pem leaf.pem` shows "
     "where it leads.",
     nullptr},
    {"chain-name-spelling", Area::chain, Level::should, Step::path,
     "An issuer is written octet by octet as in the issuer's own certificate.",
     "RFC 5280 4.1.2.6 (a), 7.1", AlertDescription::unknown_ca,
     "Have the certificate issued again by software that copies the CA's subject, as OpenSSL "
     "does: `openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -extfile leaf.ext -out "
     "leaf.pem`.",
     nullptr},
    {"chain-anchor-missing", Area::chain, Level::must, Step::path,
     "The path ends in a trust anchor that the client holds.", "RFC 5280 6.1",
     AlertDescription::unknown_ca,
     "Install the root on the device, as a file it reads (`openssl x509 -in root.pem -outform DER "
     "-out root.cer`), or use a CA whose root the device holds.",
     nullptr},
    {"chain-anchor-undetermined", Area::chain, Level::must, Step::path,
     "The path ends in a trust anchor that the client holds.", "RFC 5280 6.1",
     AlertDescription::unknown_ca, say_what_is_held, nullptr},
    {"chain-root-format", Area::chain, Level::must, Step::path,
     "A root is installed from a file that the client reads.", "RFC 5280 6.1.1 (d)",
     AlertDescription::unknown_ca,
     "Install the root from a file of another format: DER `openssl x509 -in root.pem -outform DER "
     "-out root.cer`, PEM `openssl x509 -inform DER -in root.cer -out root.pem`, PKCS #7 `openssl "
     "crl2pkcs7 -nocrl -certfile root.pem -outform DER -out root.p7b`, PKCS #12 `openssl pkcs12 "
     "-export -nokeys -in root.pem -out root.p12`.",
     nullptr},
    {"chain-root-setting", Area::chain, Level::should, Step::path,
     "A root that a user installs is trusted for servers without a further setting.",
     "RFC 5280 6.1.1 (d)", AlertDescription::unknown_ca,
     "Tell the device's user to open the installed root in the device's certificate settings and "
     "to tick its use for the Internet.",
     nullptr},
    {"chain-root-unused", Area::chain, Level::must, Step::path,
     "The application uses the roots that a user installs.",
     "developer.android.com/privacy-and-security/security-config", AlertDescription::unknown_ca,
     "Use a CA whose root the device ships with; or, where the application is your own, let its "
     "network security configuration trust installed roots: `<certificates src=\"user\" />` in "
     "`<trust-anchors>`.",
     nullptr},
    {"chain-issuer-version", Area::chain, Level::must, Step::basic_constraints,
     "A CA's certificate is v3, so that it can say that it is one.", "RFC 5280 6.1.4 (k)",
     AlertDescription::bad_certificate,
     "Renew the CA's certificate as v3: `basicConstraints = critical, CA:TRUE` and `keyUsage = "
     "critical, keyCertSign, cRLSign` in ca.ext, then `openssl x509 -req -in ca-request.pem -CA "
     "root.pem -CAkey root.key -extfile ca.ext -out ca.pem`.",
     nullptr},
    {"chain-issuer-not-ca", Area::chain, Level::must, Step::basic_constraints,
     "An issuer's certificate has basicConstraints with cA TRUE.", "RFC 5280 6.1.4 (k)",
     AlertDescription::bad_certificate,
     "Have the server's certificate issued by a CA; one of your own needs `basicConstraints = "
     "critical, CA:TRUE` in its certificate.",
     nullptr},
    {"chain-issuer-key-usage", Area::chain, Level::must, Step::key_usage,
     "An issuer's keyUsage, where present, has keyCertSign.", "RFC 5280 6.1.4 (n)",
     AlertDescription::bad_certificate,
     "Renew the CA's certificate with `keyUsage = critical, keyCertSign, cRLSign`.", nullptr},
    {"chain-issuer-eku", Area::chain, Level::must, Step::extended_key_usage,
     "An issuer's extKeyUsage, where present, lists id-kp-serverAuth.", "RFC 5280 4.2.1.12",
     AlertDescription::unsupported_certificate,
     "Renew the CA's certificate without extendedKeyUsage, or with `extendedKeyUsage = serverAuth, "
     "clientAuth`.",
     nullptr},
    {"chain-name-constraint-violated", Area::chain, Level::must, Step::name_constraints,
     "Every name lies within the nameConstraints of the CAs above it.",
     "RFC 5280 4.2.1.10, 6.1.3 (b), (c)", AlertDescription::bad_certificate,
     "Have the certificate issued for names within the constraints only, or by a CA whose "
     "certificate allows them: `nameConstraints = critical, permitted;DNS:example.com`.",
     nullptr},
    {"chain-name-exclusion-unsupported", Area::chain, Level::must, Step::name_constraints,
     "The client applies the excludedSubtrees that concern a certificate's names.",
     "RFC 5280 4.2.1.10", AlertDescription::unsupported_certificate,
     "Renew the CA's certificate with constraints on host names alone, `nameConstraints = "
     "critical, excluded;DNS:example.com`, or without any.",
     nullptr},
    {"chain-name-constraint-form-not-kept", Area::chain, Level::should, Step::name_constraints,
     "nameConstraints that are critical constrain forms alone that the client applies, whether "
     "there are names of them or not.",
     "RFC 5280 4.2.1.10", AlertDescription::unsupported_certificate,
     "Renew the CA's certificate with constraints on host names alone, `nameConstraints = "
     "critical, permitted;DNS:example.com`, or without any.",
     nullptr},
    {"chain-name-constraint-form-unknown", Area::chain, Level::should, Step::name_constraints,
     "nameConstraints that are critical constrain forms alone to which RFC 5280 gives a meaning, "
     "and IPv6 networks only for clients that know them.",
     "RFC 5280 4.2.1.10", AlertDescription::unsupported_certificate,
     "Renew the CA's certificate with constraints on host names alone, `nameConstraints = "
     "critical, permitted;DNS:example.com`, or without any.",
     nullptr},
    {"chain-name-constraint-unsupported", Area::chain, Level::must, Step::name_constraints,
     "The client applies the permittedSubtrees that concern a certificate's names.",
     "RFC 5280 4.2.1.10", AlertDescription::unsupported_certificate,
     "Renew the CA's certificate with constraints on host names alone, `nameConstraints = "
     "critical, "
     "permitted;DNS:example.com`, or without any.",
     nullptr},
    {"chain-policy-required", Area::chain, Level::must, Step::policies,
     "Where a path requires an explicit policy, every certificate has an acceptable one.",
     "RFC 5280 6.1.3 (f), 6.1.5 (g)", AlertDescription::bad_certificate,
     "Have the certificate issued with the policy that the CAs above it have: `certificatePolicies "
     "= OID`; or renew the CA that asks for it, without `policyConstraints`.",
     nullptr},
    {"chain-path-too-long", Area::chain, Level::must, Step::path_length,
     "No more intermediates follow a CA than its pathLenConstraint allows.",
     "RFC 5280 6.1.4 (l), (m)", AlertDescription::bad_certificate,
     "Have the certificate issued by the CA that sets the limit, or renew that CA with a higher "
     "one: `basicConstraints = critical, CA:TRUE, pathlen:1`.",
     nullptr},
};

}  // namespace

std::span<const Rule> chain_rules() {
    return table;
}

}  // namespace handset::rules
