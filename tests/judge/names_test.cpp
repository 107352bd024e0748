#include "emulator/judge/names.h"

#include <catch2/catch.hpp>

#include "tests/judge/setting.h"

using namespace handset;
using namespace handset::judge;
using device::CnRule;
using device::CnWhich;
using device::IpRule;
using device::MsstdRule;
using device::NameRules;
using device::SanRule;
using device::Wildcard;
using forge::stated;

namespace {

x509::Certificate with_names(std::vector<std::string> subject, std::vector<std::string> names) {
    forge::Chain chain;
    chain.recipes["leaf"].subject = std::move(subject);
    chain.recipes["leaf"].names = std::move(names);
    return chain.certificate("leaf");
}

NameRules all_stated() {
    NameRules rules;
    rules.san = stated(SanRule::any);
    rules.cn = stated(CnRule::if_no_san);
    rules.cn_which = stated(CnWhich::first);
    rules.san_wildcard = stated(Wildcard::leftmost_label);
    rules.cn_wildcard = stated(Wildcard::leftmost_label);
    rules.ip = stated(IpRule::ip_address);
    return rules;
}

}  // namespace

TEST_CASE("a pattern matches by the device's wildcard rule") {
    struct Row {
        const char* pattern;
        const char* host;
        bool none, leftmost, any_label, suffix;
    };
    const Row rows[] = {
        {"mail.example.test", "mail.example.test", true, true, true, true},
        {"MAIL.Example.TEST", "mail.eXample.test", true, true, true, true},
        {"mail.example.test", "www.example.test", false, false, false, false},
        {"*.example.test", "mail.example.test", false, true, true, true},
        {"*.EXAMPLE.test", "mail.example.TEST", false, true, true, true},
        {"*.example.test", "a.mail.example.test", false, false, true, true},
        {"*.example.test", "example.test", false, false, false, false},
        {"*.example.test", ".example.test", false, false, true, false},
        {"*.example.test", "mail.example.test.evil", false, false, false, false},
        {"m*.example.test", "mail.example.test", false, false, true, false},
        {"m*l.example.test", "mail.example.test", false, false, true, false},
        {"*.*.test", "mail.example.test", false, false, true, false},
        {"mail.*.test", "mail.example.test", false, false, true, false},
        {"mail.*.test", "mail.a.b.test", false, false, false, false},
        {"*", "mail", false, false, true, true},
        {"*example.test", "mail.example.test", false, false, true, true},
        {"*.example.test", "*.example.test", true, true, true, true},
        {"", "mail.example.test", false, false, false, false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.pattern, row.host);
        CHECK(matches_pattern(row.pattern, row.host, Wildcard::none) == row.none);
        CHECK(matches_pattern(row.pattern, row.host, Wildcard::leftmost_label) == row.leftmost);
        CHECK(matches_pattern(row.pattern, row.host, Wildcard::any_label) == row.any_label);
        CHECK(matches_pattern(row.pattern, row.host, Wildcard::suffix) == row.suffix);
    }
}

TEST_CASE("many asterisks do not make matching slow") {
    std::string pattern;
    for (int i = 0; i < 60; ++i)
        pattern += "a*";
    const std::string host(2000, 'a');
    CHECK_FALSE(matches_pattern(pattern + "b", host, Wildcard::any_label));
    CHECK(matches_pattern(pattern, host, Wildcard::any_label));
}

TEST_CASE("which names count hangs on the rules for SAN and common name") {
    const auto certificate = with_names({"C=DE", "CN=cn.example.test"},
                                        {"dns:one.example.test", "dns:two.example.test"});
    const auto without_san = with_names({"C=DE", "CN=cn.example.test"}, {});
    struct Row {
        SanRule san;
        CnRule cn;
        bool one, two, in_cn, in_lone_cn;  // which host is found
    };
    const Row rows[] = {
        {SanRule::any, CnRule::never, true, true, false, false},
        {SanRule::any, CnRule::if_no_san, true, true, false, true},
        {SanRule::any, CnRule::always, true, true, true, true},
        {SanRule::first, CnRule::never, true, false, false, false},
        {SanRule::first, CnRule::if_no_san, true, false, false, true},
        {SanRule::first, CnRule::always, true, false, true, true},
        {SanRule::none, CnRule::if_no_san, false, false, true, true},
        {SanRule::none, CnRule::always, false, false, true, true},
    };
    const auto expected = [](bool yes) { return yes ? Match::yes : Match::no; };
    for (const Row& row : rows) {
        CAPTURE(static_cast<int>(row.san), static_cast<int>(row.cn));
        NameRules rules = all_stated();
        rules.san = stated(row.san);
        rules.cn = stated(row.cn);
        CHECK(match_host(certificate, "one.example.test", rules) == expected(row.one));
        CHECK(match_host(certificate, "two.example.test", rules) == expected(row.two));
        CHECK(match_host(certificate, "cn.example.test", rules) == expected(row.in_cn));
        CHECK(match_host(without_san, "cn.example.test", rules) == expected(row.in_lone_cn));
    }
}

TEST_CASE("a subjectAltName without dNSName leaves the common name in force") {
    const auto certificate =
        with_names({"CN=cn.example.test"}, {"email:postmaster@example.test", "uri:https://x/"});
    CHECK(match_host(certificate, "cn.example.test", all_stated()) == Match::yes);
}

TEST_CASE("of several common names the device looks at one, or at all") {
    const auto certificate = with_names({"CN=first.example.test", "CN=last.example.test"}, {});
    NameRules rules = all_stated();
    const auto found = [&](CnWhich which, const char* host) {
        rules.cn_which = stated(which);
        return match_host(certificate, host, rules) == Match::yes;
    };
    CHECK(found(CnWhich::first, "first.example.test"));
    CHECK_FALSE(found(CnWhich::first, "last.example.test"));
    CHECK_FALSE(found(CnWhich::last, "first.example.test"));
    CHECK(found(CnWhich::last, "last.example.test"));
    CHECK(found(CnWhich::any, "first.example.test"));
    CHECK(found(CnWhich::any, "last.example.test"));
}

TEST_CASE("wildcards in SAN and common name have a rule each") {
    const auto in_san = with_names({"CN=x"}, {"dns:*.example.test"});
    const auto in_cn = with_names({"CN=*.example.test"}, {});
    NameRules rules = all_stated();
    rules.cn_wildcard = stated(Wildcard::none);
    CHECK(match_host(in_san, "mail.example.test", rules) == Match::yes);
    CHECK(match_host(in_cn, "mail.example.test", rules) == Match::no);
}

TEST_CASE("an address is compared by its octets") {
    const auto with_address =
        with_names({"CN=192.0.2.1"}, {"ip:c0000207", "ip:20010db8000000000000000000000001"});
    const auto with_text = with_names({"CN=192.0.2.1"}, {"dns:192.0.2.1"});
    NameRules rules = all_stated();
    CHECK(match_host(with_address, "192.0.2.7", rules) == Match::yes);
    CHECK(match_host(with_address, "2001:db8::1", rules) == Match::yes);
    CHECK(match_host(with_address, "2001:0DB8:0:0:0:0:0:1", rules) == Match::yes);
    CHECK(match_host(with_address, "192.0.2.1", rules) == Match::no);
    CHECK(match_host(with_text, "192.0.2.1", rules) == Match::no);
    rules.ip = stated(IpRule::ip_address_or_cn);
    CHECK(match_host(with_address, "192.0.2.1", rules) == Match::yes);
    rules.ip = stated(IpRule::never);
    CHECK(match_host(with_address, "192.0.2.7", rules) == Match::no);

    CHECK(parse_ip_literal("192.0.2.7") == Bytes{192, 0, 2, 7});
    CHECK(parse_ip_literal("::1")->size() == 16);
    for (const char* text :
         {"", "mail.example.test", "192.0.2", "192.0.2.256", "[::1]", "fe80::1%lo"})
        CHECK_FALSE(parse_ip_literal(text));
}

TEST_CASE("a silent profile is undetermined only where its alternatives disagree") {
    const auto certificate =
        with_names({"CN=one.example.test"}, {"dns:one.example.test", "dns:two.example.test"});
    const auto wildcard = with_names({"CN=*.example.test"}, {"dns:*.example.test"});
    const NameRules silent;
    CHECK(match_host(certificate, "one.example.test", silent) == Match::yes);
    CHECK(match_host(certificate, "two.example.test", silent) == Match::undetermined);
    CHECK(match_host(certificate, "three.example.test", silent) == Match::no);
    CHECK(match_host(wildcard, "mail.example.test", silent) == Match::undetermined);
    CHECK(match_host(wildcard, "mail.example.org", silent) == Match::no);

    NameRules rules;
    rules.san = stated(SanRule::any);
    CHECK(match_host(certificate, "two.example.test", rules) == Match::yes);
    // An assumption is no statement.
    rules.san = stated(SanRule::any, device::Grade::assumed);
    CHECK(match_host(certificate, "two.example.test", rules) == Match::undetermined);
}

TEST_CASE("thousands of names by a silent profile do not make matching slow") {
    std::vector<std::string> names;
    for (int i = 0; i < 5000; ++i)
        names.push_back("dns:h" + std::to_string(i) + ".example.test");
    const auto certificate = with_names({"CN=cn.example.test"}, names);
    CHECK(match_host(certificate, "h4999.example.test", {}) == Match::undetermined);
    CHECK(match_host(certificate, "h5000.example.test", {}) == Match::no);
}

TEST_CASE("a principal is compared with common name, SAN or mailbox") {
    const auto certificate = with_names(
        {"CN=mail.example.test", "emailAddress=post@example.test"},
        {"dns:mail.example.test", "dns:autodiscover.example.test", "email:office@example.test"});
    NameRules cn;
    cn.msstd = stated(MsstdRule::cn);
    NameRules either;
    either.msstd = stated(MsstdRule::cn_or_san);
    for (const NameRules& rules : {cn, either}) {
        CHECK(match_principal(certificate, "mail.example.test", rules) == Match::yes);
        CHECK(match_principal(certificate, "MAIL.example.TEST", rules) == Match::yes);
        CHECK(match_principal(certificate, "www.example.test", rules) == Match::no);
        CHECK(match_principal(certificate, "post@example.test", rules) == Match::yes);
        CHECK(match_principal(certificate, "office@example.test", rules) == Match::yes);
        CHECK(match_principal(certificate, "other@example.test", rules) == Match::no);
    }
    CHECK(match_principal(certificate, "autodiscover.example.test", cn) == Match::no);
    CHECK(match_principal(certificate, "autodiscover.example.test", either) == Match::yes);
}

TEST_CASE("a principal expands no wildcards, but may be one") {
    const auto certificate = with_names({"CN=*.example.test"}, {"dns:*.example.test"});
    NameRules rules;
    rules.msstd = stated(MsstdRule::cn_or_san);
    CHECK(match_principal(certificate, "mail.example.test", rules) == Match::no);
    CHECK(match_principal(certificate, "*.example.test", rules) == Match::yes);
}

TEST_CASE("which of several common names a principal is compared with may be open") {
    const auto certificate = with_names({"CN=first.example.test", "CN=last.example.test"}, {});
    NameRules rules;
    rules.msstd = stated(MsstdRule::cn);
    CHECK(match_principal(certificate, "last.example.test", rules) == Match::undetermined);
    rules.cn_which = stated(CnWhich::first);
    CHECK(match_principal(certificate, "last.example.test", rules) == Match::no);
    CHECK(match_principal(certificate, "first.example.test", rules) == Match::yes);
}

TEST_CASE("names are listed for the user, printable and not endlessly") {
    CHECK(list_names(with_names({"CN=mail.example.test"}, {"dns:mail.example.test"})) ==
          "CN mail.example.test, dNSName mail.example.test");
    CHECK(list_names(with_names({"C=DE"}, {})) == "no name at all");
    CHECK(list_names(with_names({"CN=a\x1b[31m"}, {})).find('\x1b') == std::string::npos);
    std::vector<std::string> many;
    for (int i = 0; i < 40; ++i)
        many.push_back("dns:h" + std::to_string(i) + ".example.test");
    const std::string listed = list_names(with_names({"CN=mail.example.test"}, many));
    CHECK(listed.ends_with("and 29 more"));
    CHECK(listed.find("h10.") != std::string::npos);
    CHECK(listed.find("h11.") == std::string::npos);
}
