#include "handshake/wire/registry.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>

using namespace handset::wire;

namespace {

// Every name that numbers of one kind have; each stands for one number and leads back to it.
template <typename Enum, typename FromName>
std::set<std::string> names_of(FromName from_name) {
    std::set<std::string> names;
    for (unsigned number = 0; number <= std::underlying_type_t<Enum>(-1); ++number) {
        const auto value = static_cast<Enum>(number);
        const std::string name = name_of(value);
        if (from_name(name) != value) FAIL(name << " does not lead back to " << number);
        if (name.starts_with("0x")) continue;
        if (!names.insert(name).second) FAIL(name << " stands for two numbers");
    }
    return names;
}

// The part of a suite's name that says the key exchange, for suites that have one.
std::string key_exchange_words(std::string_view name) {
    const auto with = name.find("_WITH_");
    return with == std::string_view::npos ? std::string() : std::string(name.substr(4, with - 4));
}

}  // namespace

TEST_CASE("the cipher suite table is ascending, without double names") {
    const auto suites = cipher_suites();
    CHECK(suites.size() > 380);
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < suites.size(); ++i) {
        CAPTURE(suites[i].name);
        CHECK(names.insert(suites[i].name).second);
        if (i > 0) CHECK(suites[i - 1].code < suites[i].code);
        CHECK(find_cipher_suite(static_cast<CipherSuite>(suites[i].code)) == &suites[i]);
        CHECK_FALSE(is_grease(suites[i].code));
    }
    CHECK(find_cipher_suite(static_cast<CipherSuite>(0x1234)) == nullptr);
    CHECK(find_cipher_suite(static_cast<CipherSuite>(0xffff)) == nullptr);
}

TEST_CASE("the key exchange of a suite is what its name says") {
    for (const CipherSuiteInfo& suite : cipher_suites()) {
        CAPTURE(suite.name);
        const std::string words = key_exchange_words(suite.name);
        const auto is = [&](KeyExchange expected) { CHECK(suite.key_exchange == expected); };
        if (suite.key_exchange == KeyExchange::tls13) continue;
        if (words.empty()) {
            CHECK((suite.key_exchange == KeyExchange::signalling ||
                   suite.key_exchange == KeyExchange::gost ||
                   suite.key_exchange == KeyExchange::other));
        } else if (words.find("PSK") != std::string::npos) {
            is(KeyExchange::psk);
        } else if (words.starts_with("RSA_EXPORT")) {
            is(KeyExchange::rsa_export);
        } else if (words.starts_with("RSA")) {
            is(KeyExchange::rsa);
        } else if (words.starts_with("DHE_RSA")) {
            is(KeyExchange::dhe_rsa);
        } else if (words.starts_with("DHE_DSS")) {
            is(KeyExchange::dhe_dss);
        } else if (words.starts_with("DH_RSA")) {
            is(KeyExchange::dh_rsa);
        } else if (words.starts_with("DH_DSS")) {
            is(KeyExchange::dh_dss);
        } else if (words.starts_with("DH_anon")) {
            is(KeyExchange::dh_anon);
        } else if (words == "ECDHE_RSA") {
            is(KeyExchange::ecdhe_rsa);
        } else if (words == "ECDHE_ECDSA") {
            is(KeyExchange::ecdhe_ecdsa);
        } else if (words == "ECDH_RSA") {
            is(KeyExchange::ecdh_rsa);
        } else if (words == "ECDH_ECDSA") {
            is(KeyExchange::ecdh_ecdsa);
        } else if (words == "ECDH_anon") {
            is(KeyExchange::ecdh_anon);
        } else if (words.starts_with("KRB5")) {
            is(KeyExchange::krb5);
        } else if (words.starts_with("SRP_SHA")) {
            is(KeyExchange::srp);
        } else if (words.starts_with("GOSTR")) {
            is(KeyExchange::gost);
        } else if (words == "FORTEZZA_KEA") {
            is(KeyExchange::fortezza);
        } else if (words == "ECCPWD") {
            is(KeyExchange::eccpwd);
        } else if (words == "NULL") {
            is(KeyExchange::null);
        } else {
            CHECK(words == "ECJPAKE");
            is(KeyExchange::other);
        }
    }
}

TEST_CASE("names lead to numbers and back, one to one") {
    CHECK(names_of<CipherSuite>(cipher_suite_from_name).size() == cipher_suites().size());
    CHECK(names_of<ExtensionType>(extension_type_from_name).size() > 65);
    CHECK(names_of<NamedGroup>(named_group_from_name).size() > 45);
    CHECK(names_of<SignatureScheme>(signature_scheme_from_name).size() > 40);
    CHECK(names_of<AlertDescription>(alert_description_from_name).size() > 34);
    CHECK(names_of<ProtocolVersion>(protocol_version_from_name).size() == 6);
}

TEST_CASE("the names of the standards") {
    CHECK(name_of(static_cast<CipherSuite>(0x0035)) == "TLS_RSA_WITH_AES_256_CBC_SHA");
    CHECK(name_of(static_cast<CipherSuite>(0x001d)) == "SSL_FORTEZZA_KEA_WITH_FORTEZZA_CBC_SHA");
    CHECK(name_of(static_cast<CipherSuite>(0x001e)) == "TLS_KRB5_WITH_DES_CBC_SHA");
    CHECK(name_of(static_cast<CipherSuite>(0x0062)) == "TLS_RSA_EXPORT1024_WITH_DES_CBC_SHA");
    CHECK(name_of(static_cast<CipherSuite>(0x00ff)) == "TLS_EMPTY_RENEGOTIATION_INFO_SCSV");
    CHECK(name_of(static_cast<CipherSuite>(0x1301)) == "TLS_AES_128_GCM_SHA256");
    CHECK(name_of(static_cast<CipherSuite>(0x5600)) == "TLS_FALLBACK_SCSV");
    CHECK(name_of(static_cast<CipherSuite>(0xfeff)) == "SSL_RSA_FIPS_WITH_3DES_EDE_CBC_SHA");
    CHECK(name_of(static_cast<CipherSuite>(0x0a0a)) == "0x0a0a");

    CHECK(name_of(ExtensionType::next_protocol_negotiation) == "next_protocol_negotiation");
    CHECK(name_of(ExtensionType::signed_certificate_timestamp) == "signed_certificate_timestamp");
    CHECK(name_of(static_cast<ExtensionType>(0x754f)) == "channel_id_old");
    CHECK(name_of(static_cast<ExtensionType>(0x7550)) == "channel_id");
    CHECK(name_of(static_cast<ExtensionType>(0x8b47)) == "padding_old");
    CHECK(name_of(static_cast<ExtensionType>(0x1234)) == "0x1234");

    CHECK(name_of(static_cast<NamedGroup>(23)) == "secp256r1");
    CHECK(name_of(static_cast<NamedGroup>(29)) == "x25519");
    CHECK(name_of(static_cast<NamedGroup>(256)) == "ffdhe2048");
    CHECK(name_of(static_cast<NamedGroup>(0xff01)) == "arbitrary_explicit_prime_curves");

    CHECK(name_of(static_cast<SignatureScheme>(0x0101)) == "md5_rsa");
    CHECK(name_of(static_cast<SignatureScheme>(0x0201)) == "rsa_pkcs1_sha1");
    CHECK(name_of(static_cast<SignatureScheme>(0x0302)) == "sha224_dsa");
    CHECK(name_of(static_cast<SignatureScheme>(0x0804)) == "rsa_pss_rsae_sha256");

    CHECK(name_of(ProtocolVersion::ssl_3_0) == "SSL 3.0");
    CHECK(name_of(static_cast<ProtocolVersion>(0x0305)) == "0x0305");
    CHECK(name_of(AlertDescription::no_certificate) == "no_certificate");
    CHECK(name_of(static_cast<AlertDescription>(255)) == "0xff");
    CHECK(name_of(AlertLevel::warning) == "warning");
    CHECK(name_of(static_cast<AlertLevel>(3)) == "0x03");
    CHECK(name_of(ContentType::change_cipher_spec) == "change_cipher_spec");
    CHECK(name_of(HandshakeType::server_key_exchange) == "server_key_exchange");
    CHECK(name_of(static_cast<HandshakeType>(99)) == "0x63");
    CHECK(name_of(CompressionMethod::deflate) == "DEFLATE");
}

TEST_CASE("other spellings and numbers are accepted") {
    const auto suite = [](unsigned code) { return static_cast<CipherSuite>(code); };
    CHECK(cipher_suite_from_name("SSL_RSA_WITH_RC4_128_MD5") == suite(0x0004));
    CHECK(cipher_suite_from_name("SSL_FORTEZZA_KEA_WITH_RC4_128_SHA") == suite(0x001e));
    CHECK(cipher_suite_from_name("SSL_RSA_FIPS_WITH_DES_CBC_SHA") == suite(0xfefe));
    CHECK(cipher_suite_from_name("0x0035") == suite(0x0035));
    CHECK(cipher_suite_from_name("0xC02F") == suite(0xc02f));
    CHECK(cipher_suite_from_name("0x10000") == std::nullopt);
    CHECK(cipher_suite_from_name("0x") == std::nullopt);
    CHECK(cipher_suite_from_name("0x-1") == std::nullopt);
    CHECK(cipher_suite_from_name("0x0g") == std::nullopt);
    CHECK(cipher_suite_from_name("53") == std::nullopt);
    CHECK(cipher_suite_from_name("") == std::nullopt);
    CHECK(cipher_suite_from_name("TLS_RSA_WITH_ROT13") == std::nullopt);
    CHECK(extension_type_from_name("elliptic_curves") == ExtensionType::supported_groups);
    CHECK(named_group_from_name("prime256v1") == static_cast<NamedGroup>(23));
    CHECK(signature_scheme_from_name("sha1_rsa") == static_cast<SignatureScheme>(0x0201));
    CHECK(alert_description_from_name("no_certificate_RESERVED") ==
          AlertDescription::no_certificate);
    CHECK(alert_description_from_name("0x28") == AlertDescription::handshake_failure);
    CHECK(alert_description_from_name("0x128") == std::nullopt);
    CHECK(protocol_version_from_name("TLSv1") == ProtocolVersion::tls_1_0);
}

TEST_CASE("SSLv2 cipher kinds") {
    CHECK(v2_cipher_kind_name(0x010080) == "SSL_CK_RC4_128_WITH_MD5");
    CHECK(v2_cipher_kind_name(0x0700c0) == "SSL_CK_DES_192_EDE3_CBC_WITH_MD5");
    CHECK(v2_cipher_kind_name(0x000004) == "TLS_RSA_WITH_RC4_128_MD5");
    CHECK(v2_cipher_kind_name(0x001234) == "0x001234");
    CHECK(v2_cipher_kind_name(0xabcdef) == "0xabcdef");
    for (const std::uint32_t kind : {0x010080u, 0x000004u, 0x001234u, 0xabcdefu}) {
        CHECK(v2_cipher_kind_from_name(v2_cipher_kind_name(kind)) == kind);
    }
    CHECK(v2_cipher_kind_from_name("SSL_CK_ROT13") == std::nullopt);
}

TEST_CASE("GREASE is the sixteen values of RFC 8701") {
    int count = 0;
    for (unsigned value = 0; value <= 0xffff; ++value) {
        count += is_grease(static_cast<std::uint16_t>(value)) ? 1 : 0;
    }
    CHECK(count == 16);
    CHECK(is_grease(0x0a0a));
    CHECK(is_grease(0xfafa));
    CHECK_FALSE(is_grease(0x0a1a));
    CHECK_FALSE(is_grease(0x1a0a));
}
