#include "emulator/device/filter.h"

#include <catch2/catch.hpp>

using namespace handset;
using namespace handset::device;

namespace {

template <typename T>
Statement<T> stated(T value, Grade grade = Grade::documented) {
    return {std::move(value), "here", grade};
}

Device silent_device() {
    Device device;
    device.client_hello.grade = Grade::captured;
    device.client_hello.client_version = wire::ProtocolVersion::tls_1_2;
    device.client_hello.cipher_suites = {
        *wire::cipher_suite_from_name("TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA")};
    return device;
}

}  // namespace

TEST_CASE("spans of time") {
    CHECK(span_from("2007") == Span{"2007-01-01", "2007-12-31"});
    CHECK(span_from("2007..2010") == Span{"2007-01-01", "2010-12-31"});
    CHECK(span_from("2007-04..") == Span{"2007-04-01", "9999-12-31"});
    CHECK(span_from("..2008-02") == Span{"0000-01-01", "2008-02-29"});
    CHECK(span_from("2007-02-03..2007-02") == Span{"2007-02-03", "2007-02-28"});
    for (const char* const wrong : {"", "..", "2010..2009", "2007-13", "07", "2007-02-30..",
                                    "2007 ", "2007...2008", "..x", "20071", "-200"}) {
        INFO(wrong);
        CHECK_FALSE(span_from(wrong).has_value());
    }
}

TEST_CASE("a release is within a span that it may lie in") {
    Device device;
    const auto within = [&](const char* released, const char* span) {
        device.released = released;
        return released_within(device, *span_from(span));
    };
    CHECK(within("2007-04-11", "2007-04"));
    CHECK(within("2007-04-11", "2007-04-11..2007-04-11"));
    CHECK_FALSE(within("2007-04-11", "2007-04-12.."));
    CHECK_FALSE(within("2007-04-11", "..2007-04-10"));
    CHECK(within("2007", "2007-12-31.."));
    CHECK(within("2007", "..2007-01-01"));
    CHECK_FALSE(within("2007", "2008.."));
    CHECK_FALSE(within("2007-04", "..2007-03"));
}

TEST_CASE("families by part or pattern, in any case") {
    Device device;
    device.family = "Outlook Anywhere";
    CHECK(is_of_family(device, "outlook"));
    CHECK(is_of_family(device, "ANY"));
    CHECK(is_of_family(device, "outlook *"));
    CHECK(is_of_family(device, "OUTLOOK anywher[de]"));
    CHECK_FALSE(is_of_family(device, "outlook?"));
    CHECK_FALSE(is_of_family(device, "outlooks"));
}

TEST_CASE("silence supports nothing and refuses nothing") {
    const Device silent = silent_device();
    for (const auto& word : words<Feature>) {
        INFO(word.name);
        CHECK(supports(silent, word.value) ==
              (word.value == Feature::sni ? Known::no : Known::open));
    }
    Device guessed = silent;
    guessed.client_hello.grade = Grade::assumed;
    guessed.client_hello.server_name = ServerNameRule::host;
    guessed.client_hello.client_version = wire::ProtocolVersion::tls_1_0;
    guessed.names.checked = stated(false, Grade::assumed);
    guessed.names.san = stated(SanRule::any, Grade::assumed);
    guessed.certificate.signature_algorithms =
        stated(std::vector{*x509::oid_from_name("sha256WithRSAEncryption")}, Grade::assumed);
    for (const auto& word : words<Feature>) {
        INFO(word.name);
        CHECK(supports(guessed, word.value) == Known::open);
    }
}

TEST_CASE("what a profile says of support") {
    Device device = silent_device();
    device.client_hello.server_name = ServerNameRule::host;
    CHECK(supports(device, Feature::sni) == Known::yes);

    device.certificate.signature_algorithms =
        stated(std::vector{*x509::oid_from_name("sha1WithRSAEncryption")});
    CHECK(supports(device, Feature::sha256) == Known::no);
    device.certificate.signature_algorithms->value.push_back(
        *x509::oid_from_name("sha256WithRSAEncryption"));
    CHECK(supports(device, Feature::sha256) == Known::yes);

    device.server_hello.versions = stated(std::vector{wire::ProtocolVersion::tls_1_0});
    CHECK(supports(device, Feature::tls_1_2) == Known::no);
    device.server_hello.versions->value.push_back(wire::ProtocolVersion::tls_1_2);
    CHECK(supports(device, Feature::tls_1_2) == Known::yes);
    device.client_hello.client_version = wire::ProtocolVersion::tls_1_1;
    CHECK(supports(device, Feature::tls_1_2) == Known::no);

    device.certificate.key_types = stated(std::vector<std::string>{"rsa"});
    CHECK(supports(device, Feature::ecdsa) == Known::no);
    device.certificate.key_types->value.push_back("ec");
    CHECK(supports(device, Feature::ecdsa) == Known::yes);
    // No suite to use such a key with.
    device.client_hello.cipher_suites = {
        *wire::cipher_suite_from_name("TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA")};
    CHECK(supports(device, Feature::ecdsa) == Known::no);
}

TEST_CASE("names: where a wildcard counts, and devices that compare none") {
    Device device = silent_device();
    device.names.san = stated(SanRule::none);
    device.names.san_wildcard = stated(Wildcard::leftmost_label);
    CHECK(supports(device, Feature::san) == Known::no);
    CHECK(supports(device, Feature::wildcard) == Known::open);
    device.names.cn = stated(CnRule::never);
    CHECK(supports(device, Feature::wildcard) == Known::no);
    device.names.cn = stated(CnRule::if_no_san);
    device.names.cn_wildcard = stated(Wildcard::none);
    CHECK(supports(device, Feature::wildcard) == Known::no);
    device.names.cn_wildcard = stated(Wildcard::suffix);
    CHECK(supports(device, Feature::wildcard) == Known::yes);

    Device careless = silent_device();
    careless.names.checked = stated(false);
    CHECK(supports(careless, Feature::san) == Known::yes);
    CHECK(supports(careless, Feature::wildcard) == Known::yes);
}
