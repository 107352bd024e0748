#include "emulator/judge/names.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <set>

#include "emulator/device/words.h"
#include "tests/judge/names_reference.h"

using namespace handset;
using namespace handset::judge;
using namespace std::string_literals;
using device::CnRule;
using device::CnWhich;
using device::EmbeddedNul;
using device::IpRule;
using device::MsstdRule;
using device::NameRules;
using device::SanRule;
using device::TrailingDot;
using device::Wildcard;
using forge::stated;
using reference::bearing;
using reference::Names;

namespace {

// A certificate as it is read from octets.
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
    rules.wildcard_min_labels = stated(std::size_t{2});
    rules.public_suffix_wildcard = stated(false);
    rules.wildcard_matches_a_label = stated(false);
    rules.ip = stated(IpRule::ip_address);
    rules.case_sensitive = stated(false);
    rules.trailing_dot_ignored = stated(TrailingDot::ignored);
    rules.embedded_nul = stated(EmbeddedNul::whole);
    return rules;
}

// all_stated() but for the fine rules.
NameRules coarse_stated() {
    const NameRules all = all_stated();
    NameRules rules;
    rules.san = all.san;
    rules.cn = all.cn;
    rules.cn_which = all.cn_which;
    rules.san_wildcard = all.san_wildcard;
    rules.cn_wildcard = all.cn_wildcard;
    rules.ip = all.ip;
    return rules;
}

Match expected(bool yes) {
    return yes ? Match::yes : Match::no;
}

// One name, as dNSName or as the common name alone.
Match match_one(const std::string& name, std::string_view host, const NameRules& rules,
                bool in_san = true) {
    return match_host(in_san ? bearing({{"cn"}, {name}, {}}) : bearing({{name}, {}, {}}), host,
                      rules);
}

using Keys = std::vector<std::string>;

}  // namespace

// --- wildcards ----------------------------------------------------------------------------------

TEST_CASE("a pattern matches by the device's wildcard rule") {
    struct Row {
        const char* pattern;
        const char* host;
        bool none, leftmost, any_label, suffix, partial, bare;
    };
    constexpr bool T = true;
    constexpr bool F = false;
    const Row rows[] = {
        {"mail.example.test", "mail.example.test", T, T, T, T, T, T},
        {"MAIL.Example.TEST", "mail.eXample.test", T, T, T, T, T, T},
        {"mail.example.test", "www.example.test", F, F, F, F, F, F},
        {"mail.example.test", "a.mail.example.test", F, F, F, F, F, F},
        {"*.example.test", "mail.example.test", F, T, T, T, T, T},
        {"*.EXAMPLE.test", "mail.example.TEST", F, T, T, T, T, T},
        {"*.example.test", "a.mail.example.test", F, F, T, T, F, F},
        {"*.example.test", "example.test", F, F, F, F, F, T},
        {"*.example.test", ".example.test", F, F, T, F, F, F},
        {"*.example.test", "mail.example.test.evil", F, F, F, F, F, F},
        {"*.example.test", "mailexample.test", F, F, F, F, F, F},
        {"*.example.test", "mail.example.tes", F, F, F, F, F, F},
        {"m*.example.test", "mail.example.test", F, F, T, F, T, F},
        {"m*l.example.test", "mail.example.test", F, F, T, F, T, F},
        {"*l.example.test", "mail.example.test", F, F, T, T, T, F},
        {"mail*.example.test", "mail.example.test", F, F, T, F, T, F},
        {"mail*.example.test", "mail7.example.test", F, F, T, F, T, F},
        {"mail*.example.test", "mai.example.test", F, F, F, F, F, F},
        {"mail*.example.test", "a.mail7.example.test", F, F, T, F, F, F},
        {"m*i*l.example.test", "mail.example.test", F, F, T, F, F, F},
        {"**.example.test", "mail.example.test", F, F, T, F, F, F},
        {"ma*al.example.test", "mal.example.test", F, F, F, F, F, F},
        {"*.*.test", "mail.example.test", F, F, T, F, F, F},
        {"*.ex*.test", "mail.example.test", F, F, T, F, F, F},
        {"*.*.test", "a.*.test", F, F, T, F, F, F},
        {"*.*.test", "*.test", F, F, F, F, F, F},
        {"mail.*.test", "mail.example.test", F, F, T, F, F, F},
        {"m.*.test", "a.*.test", F, F, F, F, F, F},
        {"mail.*.test", "mail.a.b.test", F, F, F, F, F, F},
        {"mail.example.*", "mail.example.test", F, F, T, F, F, F},
        {"*", "mail", F, F, T, T, F, F},
        {"*", "mail.example.test", F, F, T, T, F, F},
        {"*.", "mail.", F, T, T, T, T, T},
        {"*.test", "example.test", F, T, T, T, T, T},
        {"*example.test", "mail.example.test", F, F, T, T, F, F},
        {"*example.test", "myexample.test", F, F, T, T, T, F},
        {"*.example.test", "*.example.test", T, T, T, T, T, T},
        {"m*.example.test", "m*.example.test", T, T, T, T, T, T},
        {"", "mail.example.test", F, F, F, F, F, F},
        {"*", "", F, F, F, F, F, F},
        {"", "", F, F, F, F, F, F},
    };
    for (const Row& row : rows) {
        CAPTURE(row.pattern, row.host);
        CHECK(matches_pattern(row.pattern, row.host, Wildcard::none) == row.none);
        CHECK(matches_pattern(row.pattern, row.host, Wildcard::leftmost_label) == row.leftmost);
        CHECK(matches_pattern(row.pattern, row.host, Wildcard::any_label) == row.any_label);
        CHECK(matches_pattern(row.pattern, row.host, Wildcard::suffix) == row.suffix);
        CHECK(matches_pattern(row.pattern, row.host, Wildcard::partial_label) == row.partial);
        CHECK(matches_pattern(row.pattern, row.host, Wildcard::label_or_bare) == row.bare);
    }
}

TEST_CASE("wildcards in SAN and common name have a rule each") {
    const auto in_san = with_names({"CN=x"}, {"dns:*.example.test"});
    const auto in_cn = with_names({"CN=*.example.test"}, {});
    NameRules rules = all_stated();
    rules.cn_wildcard = stated(Wildcard::none);
    CHECK(match_host(in_san, "mail.example.test", rules) == Match::yes);
    CHECK(match_host(in_cn, "mail.example.test", rules) == Match::no);
    rules.cn_wildcard = stated(Wildcard::suffix);
    CHECK(match_host(in_san, "a.mail.example.test", rules) == Match::no);
    CHECK(match_host(in_cn, "a.mail.example.test", rules) == Match::yes);
}

TEST_CASE("a wildcard needs as many labels on its right as the device wants") {
    struct Row {
        const char* name;
        const char* host;
        Wildcard wildcard;
        std::size_t labels;  // right of the '*'
    };
    const Row rows[] = {
        {"*.example.test", "mail.example.test", Wildcard::leftmost_label, 2},
        {"*.test", "example.test", Wildcard::leftmost_label, 1},
        {"*.mail.example.test", "a.mail.example.test", Wildcard::leftmost_label, 3},
        {"*.example.test", "example.test", Wildcard::label_or_bare, 2},
        {"m*.example.test", "mail.example.test", Wildcard::partial_label, 2},
        {"*", "mail.example.test", Wildcard::suffix, 0},
        {"*example.test", "mail.example.test", Wildcard::suffix, 1},
        {"mail.*.test", "mail.example.test", Wildcard::any_label, 1},
        {"*.*.test", "mail.example.test", Wildcard::any_label, 1},
        {"*.test.", "example.test.", Wildcard::leftmost_label, 1},
    };
    for (const Row& row : rows) {
        NameRules rules = all_stated();
        rules.san_wildcard = stated(row.wildcard);
        rules.public_suffix_wildcard = stated(true);
        for (const bool ignored : {false, true}) {
            rules.trailing_dot_ignored =
                stated(ignored ? TrailingDot::ignored : TrailingDot::counts);
            for (std::size_t wanted = 0; wanted < 5; ++wanted) {
                CAPTURE(row.name, row.host, ignored, wanted);
                rules.wildcard_min_labels = stated(wanted);
                CHECK(match_one(row.name, row.host, rules) == expected(row.labels >= wanted));
            }
            rules.wildcard_min_labels.reset();
            CAPTURE(row.name, row.host);
            CHECK(match_one(row.name, row.host, rules) ==
                  (row.labels >= 2 ? Match::yes : Match::undetermined));
        }
    }
    // A name without '*' has none to its right and needs none.
    NameRules rules = all_stated();
    rules.wildcard_min_labels = stated(std::size_t{9});
    CHECK(match_one("mail", "mail", rules) == Match::yes);
    CHECK(match_one("mail", "mail", coarse_stated()) == Match::yes);
}

TEST_CASE("a wildcard below a public suffix matches where the device does not mind") {
    NameRules minds = all_stated();
    minds.wildcard_min_labels = stated(std::size_t{0});
    NameRules careless = minds;
    careless.public_suffix_wildcard = stated(true);
    NameRules silent = minds;
    silent.public_suffix_wildcard.reset();
    struct Row {
        const char* name;
        const char* host;
        bool public_suffix;
    };
    const Row rows[] = {
        {"*.co.uk", "example.co.uk", true},
        {"*.CO.Uk", "example.co.uk", true},
        {"*.co.uk.", "example.co.uk", true},
        {"*.com", "example.com", true},
        {"*.test", "example.test", true},                       // unknown to the list
        {"*.xn--p1ai", "example.xn--p1ai", true},               // in A-labels
        {"*.x.kawasaki.jp", "a.x.kawasaki.jp", true},           // by a wildcard of the list
        {"*.city.kawasaki.jp", "www.city.kawasaki.jp", false},  // an exception from it
        {"*.example.co.uk", "mail.example.co.uk", false},
        {"*.example.com", "mail.example.com", false},
        {"*.appspot.com", "example.appspot.com", false},  // of the list's private section
    };
    for (const Row& row : rows) {
        for (const bool in_san : {true, false}) {
            CAPTURE(row.name, in_san);
            CHECK(match_one(row.name, row.host, minds, in_san) == expected(!row.public_suffix));
            CHECK(match_one(row.name, row.host, careless, in_san) == Match::yes);
            CHECK(match_one(row.name, row.host, silent, in_san) ==
                  (row.public_suffix ? Match::undetermined : Match::yes));
        }
    }
    CHECK(match_one("co.uk", "co.uk", minds) == Match::yes);
    // The bare form as well: "*.co.uk" for the host co.uk.
    minds.san_wildcard = stated(Wildcard::label_or_bare);
    CHECK(match_one("*.co.uk", "co.uk", minds) == Match::no);
    careless.san_wildcard = minds.san_wildcard;
    CHECK(match_one("*.co.uk", "co.uk", careless) == Match::yes);
    // All there is.
    minds.san_wildcard = stated(Wildcard::suffix);
    CHECK(match_one("*", "mail.example.test", minds) == Match::no);
    careless.san_wildcard = minds.san_wildcard;
    CHECK(match_one("*", "mail.example.test", careless) == Match::yes);
}

TEST_CASE("whether a wildcard stands for an A-label is the device's affair") {
    struct Row {
        const char* name;
        const char* host;
        Wildcard wildcard;
        bool a_label;
    };
    const Row rows[] = {
        {"*.example.test", "xn--bcher-kva.example.test", Wildcard::leftmost_label, true},
        {"*.example.test", "XN--bcher-kva.example.test", Wildcard::leftmost_label, true},
        {"*.example.test", "xn-bcher.example.test", Wildcard::leftmost_label, false},
        {"*.example.test", "axn--b.example.test", Wildcard::leftmost_label, false},
        {"*.xn--bcher-kva.test", "mail.xn--bcher-kva.test", Wildcard::leftmost_label, false},
        {"*.xn--bcher-kva.test", "xn--bcher-kva.test", Wildcard::label_or_bare, false},
        {"*.example.test", "xn--bcher-kva.example.test", Wildcard::label_or_bare, true},
        {"xn--*.example.test", "xn--bcher-kva.example.test", Wildcard::partial_label, true},
        {"x*.example.test", "xn--bcher-kva.example.test", Wildcard::partial_label, true},
        {"m*.example.test", "mail.example.test", Wildcard::partial_label, false},
        {"*.example.test", "xn--bcher-kva.mail.example.test", Wildcard::any_label, true},
        {"*.mail.example.test", "xn--bcher-kva.a.mail.example.test", Wildcard::any_label, true},
        {"*.xn--bcher-kva.test", "mail.xn--bcher-kva.test", Wildcard::any_label, false},
        {"*.example.test", "mail.xn--bcher-kva.example.test", Wildcard::suffix, true},
        {"*kva.example.test", "xn--bcher-kva.example.test", Wildcard::suffix, true},
        {"*.xn--bcher-kva.test", "a.mail.xn--bcher-kva.test", Wildcard::suffix, false},
        {"*xn--bcher-kva.test", "mail.xn--bcher-kva.test", Wildcard::suffix, false},
    };
    for (const Row& row : rows) {
        CAPTURE(row.name, row.host);
        NameRules rules = all_stated();
        rules.wildcard_min_labels = stated(std::size_t{0});
        rules.public_suffix_wildcard = stated(true);
        rules.san_wildcard = stated(row.wildcard);
        CHECK(match_one(row.name, row.host, rules) == expected(!row.a_label));
        rules.wildcard_matches_a_label = stated(true);
        CHECK(match_one(row.name, row.host, rules) == Match::yes);
        rules.wildcard_matches_a_label.reset();
        CHECK(match_one(row.name, row.host, rules) ==
              (row.a_label ? Match::undetermined : Match::yes));
    }
}

// --- which names count --------------------------------------------------------------------------

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
        {SanRule::none, CnRule::never, false, false, false, false},
    };
    for (const Row& row : rows) {
        CAPTURE(static_cast<int>(row.san), static_cast<int>(row.cn));
        NameRules rules = all_stated();
        rules.san = stated(row.san);
        rules.cn = stated(row.cn);
        CHECK(match_host(certificate, "one.example.test", rules) == expected(row.one));
        CHECK(match_host(certificate, "two.example.test", rules) == expected(row.two));
        CHECK(match_host(certificate, "cn.example.test", rules) == expected(row.in_cn));
        CHECK(match_host(without_san, "cn.example.test", rules) == expected(row.in_lone_cn));
        CHECK(match_host(certificate, "three.example.test", rules) == Match::no);
    }
}

TEST_CASE("a subjectAltName without dNSName leaves the common name in force") {
    const auto certificate = with_names(
        {"CN=cn.example.test"}, {"email:postmaster@example.test", "uri:https://x/", "ip:c0000201"});
    CHECK(match_host(certificate, "cn.example.test", all_stated()) == Match::yes);
    // Mailboxes and URIs bear no host.
    CHECK(match_host(certificate, "example.test", all_stated()) == Match::no);
    CHECK(match_host(certificate, "x", all_stated()) == Match::no);
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
    CHECK_FALSE(found(CnWhich::any, "example.test"));
}

TEST_CASE("a certificate without any name bears no host") {
    CHECK(match_host(with_names({"C=DE"}, {}), "mail.example.test", all_stated()) == Match::no);
    CHECK(match_host(with_names({"C=DE"}, {}), "mail.example.test", {}) == Match::no);
    CHECK(match_host(bearing({{""}, {""}, {}}), "", {}) == Match::no);
    CHECK(match_host(bearing({{"*"}, {"*"}, {}}), "", {}) == Match::no);
}

// --- letters, dots, NULs ------------------------------------------------------------------------

TEST_CASE("case counts for few devices") {
    NameRules caseless = all_stated();
    NameRules sensitive = all_stated();
    sensitive.case_sensitive = stated(true);
    NameRules silent = all_stated();
    silent.case_sensitive.reset();
    struct Row {
        const char* name;
        const char* host;
        bool same_case;
    };
    for (const Row& row : {Row{"mail.example.test", "mail.example.test", true},
                           Row{"Mail.Example.Test", "Mail.Example.Test", true},
                           Row{"*.Example.test", "MAIL.Example.test", true},
                           Row{"MAIL.example.test", "mail.example.test", false},
                           Row{"mail.example.test", "mail.EXAMPLE.test", false},
                           Row{"*.Example.test", "mail.example.test", false}}) {
        CAPTURE(row.name, row.host);
        CHECK(match_one(row.name, row.host, caseless) == Match::yes);
        CHECK(match_one(row.name, row.host, sensitive) == expected(row.same_case));
        CHECK(match_one(row.name, row.host, sensitive, false) == expected(row.same_case));
        CHECK(match_one(row.name, row.host, silent) ==
              (row.same_case ? Match::yes : Match::undetermined));
    }
    // Letters beyond ASCII have no case here.
    CHECK(match_one("\xc3\x9c.test", "\xc3\xbc.test", caseless) == Match::no);
}

TEST_CASE("a dot at the end counts or is ignored, in the host and in the name") {
    NameRules ignoring = all_stated();
    NameRules literal = all_stated();
    literal.trailing_dot_ignored = stated(TrailingDot::counts);
    NameRules in_host = all_stated();
    in_host.trailing_dot_ignored = stated(TrailingDot::ignored_in_host);
    NameRules silent = all_stated();
    silent.trailing_dot_ignored.reset();
    struct Row {
        const char* name;
        const char* host;
        bool by_ignoring, literally, by_host;
    };
    for (const Row& row : {Row{"mail.example.test", "mail.example.test", true, true, true},
                           Row{"mail.example.test", "mail.example.test.", true, false, true},
                           Row{"mail.example.test.", "mail.example.test", true, false, false},
                           Row{"mail.example.test.", "mail.example.test.", true, true, false},
                           Row{"*.example.test", "mail.example.test.", true, false, true},
                           Row{"*.example.test.", "mail.example.test", true, false, false},
                           Row{"*.example.test.", "mail.example.test.", true, true, false},
                           Row{"mail.example.test..", "mail.example.test", false, false, false},
                           Row{"mail.example.test", "mail.example.test..", false, false, false},
                           Row{".mail.example.test", "mail.example.test", false, false, false}}) {
        CAPTURE(row.name, row.host);
        CHECK(match_one(row.name, row.host, ignoring) == expected(row.by_ignoring));
        CHECK(match_one(row.name, row.host, literal) == expected(row.literally));
        CHECK(match_one(row.name, row.host, literal, false) == expected(row.literally));
        CHECK(match_one(row.name, row.host, in_host) == expected(row.by_host));
        const bool agree = row.by_ignoring == row.literally && row.literally == row.by_host;
        CHECK(match_one(row.name, row.host, silent) ==
              (agree ? expected(row.literally) : Match::undetermined));
    }
}

TEST_CASE("a NUL ends a name for those who read C strings") {
    const std::string evil = "mail.example.test\0.attacker.example"s;
    const auto in_san = with_names({"CN=x"}, {"dns:" + evil});
    const auto in_cn = with_names({"CN=" + evil}, {});
    REQUIRE(std::get<x509::GeneralNames>(x509::find_extension(in_san, "subjectAltName")->value)
                .names[0]
                .value.size() == evil.size());
    NameRules whole = all_stated();
    NameRules truncating = all_stated();
    truncating.embedded_nul = stated(EmbeddedNul::truncates);
    NameRules silent = all_stated();
    silent.embedded_nul.reset();
    for (const auto& certificate : {in_san, in_cn}) {
        CHECK(match_host(certificate, "mail.example.test", whole) == Match::no);
        CHECK(match_host(certificate, "mail.example.test", truncating) == Match::yes);
        CHECK(match_host(certificate, "mail.example.test", silent) == Match::undetermined);
        for (const NameRules& rules : {whole, truncating, silent}) {
            CHECK(match_host(certificate, "attacker.example", rules) == Match::no);
            CHECK(match_host(certificate, "www.attacker.example", rules) == Match::no);
        }
    }
    // With a wildcard, with a dot, and with nothing in front of it.
    CHECK(match_one("*.example.test\0.x"s, "mail.example.test", truncating) == Match::yes);
    CHECK(match_one("*.example.test\0.x"s, "mail.example.test", whole) == Match::no);
    CHECK(match_one("mail.example.test.\0.x"s, "mail.example.test", truncating) == Match::yes);
    CHECK(match_one("\0mail.example.test"s, "mail.example.test", truncating) == Match::no);
    CHECK(match_one("mail.example.test\0"s, "mail.example.test", whole) == Match::no);
    CHECK(match_one("mail.example.test\0"s, "mail.example.test", truncating) == Match::yes);
}

TEST_CASE("ordinary names are decided though the fine rules are silent") {
    const NameRules rules = coarse_stated();
    CHECK(match_one("mail.example.test", "mail.example.test", rules) == Match::yes);
    CHECK(match_one("*.example.com", "mail.example.com", rules) == Match::yes);
    CHECK(match_one("*.example.co.uk", "mail.example.co.uk", rules) == Match::yes);
    CHECK(match_one("*.example.com", "mail.example.org", rules) == Match::no);
    CHECK(match_one("mail.example.test", "mail.example.com", rules) == Match::no);
    CHECK(match_one("mail.example.test", "mail.example.test", rules, false) == Match::yes);
    CHECK(match_host(with_names({"CN=x"}, {"ip:c0000207"}), "192.0.2.7", rules) == Match::yes);
}

// --- addresses ----------------------------------------------------------------------------------

TEST_CASE("an address is looked for where the device's rule says") {
    const Bytes v4{192, 0, 2, 1};
    Bytes v6 = *parse_ip_literal("2001:db8::1");
    const Bytes other{192, 0, 2, 99};
    struct Row {
        IpRule rule;
        bool in_ip, in_ipv6, in_cn, in_dns;
    };
    const Row rows[] = {
        {IpRule::never, false, false, false, false},
        {IpRule::ip_address, true, true, false, false},
        {IpRule::ip_address_or_cn, true, true, true, false},
        {IpRule::ip_address_or_dns_name, true, true, false, true},
        {IpRule::text, false, false, true, true},
        {IpRule::any, true, true, true, true},
        {IpRule::ipv4_address, true, false, false, false},
        {IpRule::ipv4_address_or_text, true, false, true, true},
    };
    CHECK(std::size(rows) == device::words<IpRule>.size());
    for (const Row& row : rows) {
        CAPTURE(static_cast<int>(row.rule));
        NameRules rules = all_stated();
        rules.ip = stated(row.rule);
        const auto match = [&](Names names, const char* host) {
            return match_host(bearing(names), host, rules);
        };
        CHECK(match({{"x"}, {}, {other, v4}}, "192.0.2.1") == expected(row.in_ip));
        CHECK(match({{"x"}, {}, {v6}}, "2001:db8::1") == expected(row.in_ipv6));
        CHECK(match({{"192.0.2.1"}, {}, {}}, "192.0.2.1") == expected(row.in_cn));
        CHECK(match({{"2001:db8::1"}, {}, {}}, "2001:DB8::1") == expected(row.in_cn));
        CHECK(match({{"x"}, {"192.0.2.1"}, {}}, "192.0.2.1") == expected(row.in_dns));
        CHECK(match({{"x"}, {"a", "2001:db8::1"}, {}}, "2001:db8::1") == expected(row.in_dns));
        // Another address, and names that only look like it.
        CHECK(match({{"192.0.2.1"}, {}, {v4}}, "192.0.2.2") == Match::no);
        CHECK(match({{"192.0.2.11"}, {}, {v6}}, "192.0.2.1") == Match::no);
        CHECK(match({{"*.0.2.1"}, {}, {}}, "192.0.2.1") == Match::no);
        CHECK(match({{"x"}, {"*.0.2.1"}, {}}, "192.0.2.1") == Match::no);
        // Never for a name, even one that begins like an address.
        CHECK(match({{"x"}, {}, {v4}}, "192.0.2.1.example.test") == Match::no);
    }
}

TEST_CASE("addresses in text count as far as the rules for SAN and common name let them") {
    const Bytes other{192, 0, 2, 99};
    NameRules rules = all_stated();
    rules.ip = stated(IpRule::any);
    const auto match = [&](Names names) { return match_host(bearing(names), "192.0.2.1", rules); };
    const std::string address = "192.0.2.1";

    rules.cn = stated(CnRule::if_no_san);
    CHECK(match({{address}, {}, {}}) == Match::yes);
    CHECK(match({{address}, {"x"}, {}}) == Match::no);
    CHECK(match({{address}, {}, {other}}) == Match::no);
    rules.cn = stated(CnRule::always);
    CHECK(match({{address}, {"x"}, {other}}) == Match::yes);
    rules.cn = stated(CnRule::never);
    CHECK(match({{address}, {}, {}}) == Match::no);

    rules.cn = stated(CnRule::always);
    CHECK(match({{address, "x"}, {}, {}}) == Match::yes);
    CHECK(match({{"x", address}, {}, {}}) == Match::no);
    rules.cn_which = stated(CnWhich::last);
    CHECK(match({{"x", address}, {}, {}}) == Match::yes);

    CHECK(match({{"x"}, {"y", address}, {}}) == Match::yes);
    rules.san = stated(SanRule::first);
    CHECK(match({{"x"}, {"y", address}, {}}) == Match::no);
    CHECK(match({{"x"}, {address, "y"}, {}}) == Match::yes);
    rules.san = stated(SanRule::none);
    CHECK(match({{"x"}, {address}, {}}) == Match::no);
}

TEST_CASE("an iPAddress is compared by its octets, an address in text by its letters") {
    const auto certificate =
        with_names({"CN=192.0.2.1"}, {"ip:c0000207", "ip:20010db8000000000000000000000001"});
    NameRules rules = all_stated();
    CHECK(match_host(certificate, "192.0.2.7", rules) == Match::yes);
    for (const char* spelling : {"2001:db8::1", "2001:0DB8:0:0:0:0:0:1", "2001:db8:0::0.0.0.1"})
        CHECK(match_host(certificate, spelling, rules) == Match::yes);
    CHECK(match_host(certificate, "192.0.2.1", rules) == Match::no);
    CHECK(match_host(certificate, "::ffff:192.0.2.7", rules) == Match::no);

    rules.ip = stated(IpRule::any);
    const auto match = [&](const std::string& text, const char* host) {
        return match_one(text, host, rules);
    };
    CHECK(match("2001:db8::1", "2001:DB8::1") == Match::yes);
    CHECK(match("2001:db8::1", "2001:db8:0:0:0:0:0:1") == Match::no);
    CHECK(match("192.0.2.1.", "192.0.2.1") == Match::yes);
    CHECK(match("192.0.2.1\0.attacker.example"s, "192.0.2.1") == Match::no);
    rules.embedded_nul = stated(EmbeddedNul::truncates);
    CHECK(match("192.0.2.1\0.attacker.example"s, "192.0.2.1") == Match::yes);
    rules.case_sensitive = stated(true);
    CHECK(match("2001:db8::1", "2001:DB8::1") == Match::no);
}

TEST_CASE("only literals are addresses") {
    CHECK(parse_ip_literal("192.0.2.7") == Bytes{192, 0, 2, 7});
    CHECK(parse_ip_literal("::1")->size() == 16);
    for (const std::string& text :
         {""s, "mail.example.test"s, "192.0.2"s, "192.0.2.256"s, "192.0.2.1."s, "3221225985"s,
          "[::1]"s, "fe80::1%lo"s, "192.0.2.1\0"s, "192.0.2.1\0.example.test"s}) {
        CAPTURE(text);
        CHECK_FALSE(parse_ip_literal(text));
    }
}

// --- names beyond ASCII -------------------------------------------------------------------------

TEST_CASE("a host in U-labels is looked up by its A-labels") {
    CHECK(to_a_labels("b\xc3\xbc"
                      "cher.example") == "xn--bcher-kva.example");
    CHECK(to_a_labels("B\xc3\x9c"
                      "CHER.example") == "xn--bcher-kva.example");
    CHECK(to_a_labels("b\xc3\xbc"
                      "cher.example.") == "xn--bcher-kva.example.");
    CHECK(to_a_labels("stra\xc3\x9f"
                      "e.example") == "xn--strae-oqa.example");
    // u and a combining diaeresis
    CHECK(to_a_labels("bu\xcc\x88"
                      "cher.example") == "xn--bcher-kva.example");
    CHECK(to_a_labels("\xe6\x97\xa5\xe6\x9c\xac.example") == "xn--wgv71a.example");
    for (const std::string& as_it_is :
         {""s, "MAIL.example.test"s, "a..b"s, "-a_.test"s, "xn--bcher-kva.example"s,
          "\xff.example"s, "\xc3.example"s, "-\xc3\xbc.example"s, "\xc3\xbc\0.example"s,
          std::string(70, 'a') + "\xc3\xbc.example"}) {
        CAPTURE(as_it_is);
        CHECK(to_a_labels(as_it_is) == as_it_is);
    }
    std::string many;
    while (many.size() < 100'000)
        many += "\xc3\xbc";
    CHECK(to_a_labels(many) == many);

    const auto certificate = with_names({"CN=x"}, {"dns:xn--bcher-kva.example"});
    CHECK(match_host(certificate,
                     "b\xc3\xbc"
                     "cher.example",
                     all_stated()) == Match::yes);
    CHECK(match_host(certificate,
                     "B\xc3\x9c"
                     "CHER.example",
                     all_stated()) == Match::yes);
    CHECK(match_host(certificate,
                     "b\xc3\xb6"
                     "cher.example",
                     all_stated()) == Match::no);
    CHECK(match_host(certificate, "xn--bcher-kva.example", all_stated()) == Match::yes);
    NameRules rules = all_stated();
    CHECK(match_one("*.example.test",
                    "b\xc3\xbc"
                    "cher.example.test",
                    rules) == Match::no);
    rules.wildcard_matches_a_label = stated(true);
    CHECK(match_one("*.example.test",
                    "b\xc3\xbc"
                    "cher.example.test",
                    rules) == Match::yes);
}

TEST_CASE("a name in raw UTF-8 is its octets and nothing else") {
    const std::string raw =
        "b\xc3\xbc"
        "cher.example";
    for (const bool in_san : {true, false}) {
        CHECK(match_one(raw, raw, all_stated(), in_san) == Match::no);
        CHECK(match_one(raw, "xn--bcher-kva.example", all_stated(), in_san) == Match::no);
        CHECK(match_one(raw, "xn--bcher-kva.example", {}, in_san) == Match::no);
    }
    // What cannot be converted is compared as it is.
    CHECK(match_one("b\xfc"
                    "cher.example",
                    "b\xfc"
                    "cher.example",
                    all_stated()) == Match::yes);
}

// --- silence ------------------------------------------------------------------------------------

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

TEST_CASE("what was found, and which silence leaves it open") {
    const auto certificate = with_names(
        {"CN=cn.example.test"}, {"dns:one.example.test", "dns:*.example.test", "ip:c0000207"});
    const NameRules silent;
    CHECK(compare_host(certificate, "three.example.org", silent) == NameMatch{});
    CHECK(compare_host(certificate, "one.example.test", all_stated()) ==
          NameMatch{Match::yes, "dNSName one.example.test", {}});
    CHECK(compare_host(certificate, "two.example.test", all_stated()) ==
          NameMatch{Match::yes, "dNSName *.example.test", {}});
    CHECK(compare_host(certificate, "192.0.2.7", all_stated()) ==
          NameMatch{Match::yes, "iPAddress 192.0.2.7", {}});
    CHECK(compare_host(certificate, "192.0.2.7", silent) ==
          NameMatch{Match::undetermined, "iPAddress 192.0.2.7", {"names.ip"}});

    NameRules rules = all_stated();
    rules.san.reset();
    CHECK(compare_host(certificate, "two.example.test", rules) ==
          NameMatch{Match::undetermined, "dNSName *.example.test", {"names.san"}});
    rules.san_wildcard.reset();
    CHECK(compare_host(certificate, "two.example.test", rules) ==
          NameMatch{
              Match::undetermined, "dNSName *.example.test", {"names.san", "names.san_wildcard"}});
    // With the common name beside it, either silence can turn the answer.
    rules.san_wildcard = stated(Wildcard::none);
    rules.cn.reset();
    CHECK(compare_host(certificate, "cn.example.test", rules) ==
          NameMatch{Match::undetermined, "CN cn.example.test", {"names.san", "names.cn"}});

    NameRules fine = coarse_stated();
    const auto open = [&](const std::string& name, const char* host) {
        return compare_host(bearing({{"x"}, {name}, {}}), host, fine).open_rules;
    };
    CHECK(open("mail.example.test", "mail.example.test").empty());
    CHECK(open("MAIL.example.test", "mail.example.test") == Keys{"names.case_sensitive"});
    CHECK(open("mail.example.test.", "mail.example.test") == Keys{"names.trailing_dot_ignored"});
    CHECK(open("mail.example.test\0x"s, "mail.example.test") == Keys{"names.embedded_nul"});
    CHECK(open("*.co.uk", "example.co.uk") == Keys{"names.public_suffix_wildcard"});
    CHECK(open("*.com", "example.com") ==
          Keys{"names.wildcard_min_labels", "names.public_suffix_wildcard"});
    CHECK(open("*.example.com", "xn--a.example.com") == Keys{"names.wildcard_matches_a_label"});
    fine.cn_wildcard.reset();
    fine.san_wildcard.reset();
    CHECK(open("*.example.com", "mail.example.com") == Keys{"names.san_wildcard"});
    fine.cn = stated(CnRule::always);
    fine.cn_which.reset();
    fine.san = stated(SanRule::none);
    CHECK(compare_host(bearing({{"*.example.com", "x"}, {"*.example.com"}, {}}), "mail.example.com",
                       fine) == NameMatch{Match::undetermined,
                                          "CN *.example.com",
                                          {"names.cn_which", "names.cn_wildcard"}});
}

TEST_CASE("what was found is printable and not endless") {
    const std::string bell = "\x07*.example.test";
    NameRules rules = all_stated();
    rules.san_wildcard = stated(Wildcard::any_label);
    rules.wildcard_matches_a_label = stated(true);
    const std::string host =
        "\x07"
        "a.example.test";
    const NameMatch match = compare_host(bearing({{"x"}, {bell}, {}}), host, rules);
    CHECK(match.match == Match::yes);
    CHECK(match.matched_by == "dNSName \\x07*.example.test");
    const std::string long_name(10'000, 'a');
    CHECK(compare_host(bearing({{"x"}, {long_name}, {}}), long_name, rules).matched_by.size() <
          400);
}

// --- against a plain reading of the rules -------------------------------------------------------

TEST_CASE("names match exactly when every possible client says so") {
    struct Round {
        unsigned seed;
        std::size_t silence;  // one rule in so many says nothing
        int samples;
    };
    const auto [seed, silence, samples] =
        GENERATE(Round{1, 1000, 8'000}, Round{2, 4, 1'500}, Round{3, 2, 60}, Round{4, 1, 1});
    CAPTURE(seed);
    reference::Dice dice(seed);
    std::map<Match, int> seen;
    std::set<std::string> open;
    for (int i = 0; i < samples; ++i) {
        const std::string host = reference::random_host(dice);
        const Names names = reference::random_names(dice, host);
        const NameRules rules = reference::random_rules(dice, silence);
        NameMatch want = reference::Clients(rules).ask(names, host);
        const NameMatch got = compare_host(bearing(names), host, rules);
        INFO(reference::show(names, host));
        CHECK(got.matched_by.empty() == (want.match == Match::no));
        want.matched_by = got.matched_by;
        CHECK(got.open_rules == want.open_rules);
        REQUIRE(got == want);
        ++seen[got.match];
        open.insert(got.open_rules.begin(), got.open_rules.end());
    }
    // The samples are worth something.
    if (silence == 1000) CHECK(seen[Match::yes] > samples / 8);
    if (silence == 1000) CHECK(seen[Match::no] > samples / 8);
    if (silence == 4) {
        CHECK(seen[Match::undetermined] > samples / 8);
        CHECK(open.size() == 12);
    }
}

// --- hostile names ------------------------------------------------------------------------------

TEST_CASE("many asterisks do not make matching slow") {
    std::string pattern;
    for (int i = 0; i < 5'000; ++i)
        pattern += "a*";
    const std::string host(100'000, 'a');
    CHECK_FALSE(matches_pattern(pattern + "b", host, Wildcard::any_label));
    CHECK_FALSE(matches_pattern(pattern + "ba", host, Wildcard::any_label));
    CHECK_FALSE(matches_pattern(pattern + "b*", host, Wildcard::any_label));
    CHECK(matches_pattern(pattern, host, Wildcard::any_label));
    // Pieces that nearly fit everywhere.
    const std::string piece = std::string(5'000, 'a') + "b";
    CHECK_FALSE(matches_pattern("*" + piece + "*" + piece + "*", host, Wildcard::any_label));
    CHECK(matches_pattern(std::string(100'000, '*') + ".test", "a.test", Wildcard::any_label));
    CHECK_FALSE(matches_pattern(std::string(100'000, '*') + ".test", "a.test", Wildcard::suffix));
}

TEST_CASE("thousands of names by a silent profile do not make matching slow") {
    Names names{{"cn.example.test"}, {}, {}};
    for (int i = 0; i < 5'000; ++i) {
        names.dns.push_back("h" + std::to_string(i) + ".example.test");
        names.dns.push_back("*.h" + std::to_string(i) + ".example.test");
    }
    const auto certificate = bearing(names);
    CHECK(match_host(certificate, "h4999.example.test", {}) == Match::undetermined);
    CHECK(match_host(certificate, "a.h4999.example.test", {}) == Match::undetermined);
    CHECK(match_host(certificate, "h5000.example.test", {}) == Match::no);
    CHECK(match_host(certificate, "h4999.example.test", all_stated()) == Match::yes);
    CHECK(match_host(certificate, "h5000.example.test", all_stated()) == Match::no);
    // All of them match, by half a dozen rules.
    const auto equal = bearing({{}, std::vector<std::string>(10'000, "*.EXAMPLE.test."), {}});
    CHECK(match_host(equal, "mail.example.test", {}) == Match::undetermined);
    const auto stars = bearing({{}, std::vector<std::string>(10'000, "*A*a*.*\0.x"s), {}});
    CHECK(match_host(stars, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.test", {}) ==
          Match::undetermined);
}

TEST_CASE("a name of any length is compared") {
    const std::string dots(10'000, '.');
    std::string labels;
    for (int i = 0; i < 5'000; ++i)
        labels += "a.";
    for (const std::string& name :
         {dots, labels, std::string(10'000, 'a'), "*" + dots, "*." + labels,
          std::string(10'000, '\0'), std::string(10'000, '\xff'), std::string(10'000, '*')}) {
        CAPTURE(name.substr(0, 10));
        const auto certificate = bearing({{name}, {name}, {}});
        const bool all = name.find_first_not_of('*') == std::string::npos;
        CHECK(match_host(certificate, "mail.example.test", {}) ==
              (all ? Match::undetermined : Match::no));
        const bool has_nul = name[0] == '\0';
        CHECK((match_host(certificate, name, {}) != Match::no) == !has_nul);
        const bool stands_for_more = name[0] == '*' && (all || name[1] == '.');
        CHECK((match_host(certificate, "b" + name.substr(1), {}) != Match::no) == stands_for_more);
        CHECK(list_names(certificate).size() < 1'000);
    }
}

// --- msstd --------------------------------------------------------------------------------------

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
        CHECK(match_principal(certificate, "", rules) == Match::no);
    }
    CHECK(match_principal(certificate, "autodiscover.example.test", cn) == Match::no);
    CHECK(match_principal(certificate, "autodiscover.example.test", either) == Match::yes);

    CHECK(compare_principal(certificate, "mail.example.test", cn).matched_by ==
          "CN mail.example.test");
    CHECK(compare_principal(certificate, "autodiscover.example.test", either).matched_by ==
          "dNSName autodiscover.example.test");
    CHECK(compare_principal(certificate, "POST@example.test", cn).matched_by ==
          "emailAddress post@example.test");
    CHECK(compare_principal(certificate, "office@example.test", cn).matched_by ==
          "rfc822Name office@example.test");
    CHECK(compare_principal(certificate, "www.example.test", {}) == NameMatch{});
    CHECK(compare_principal(certificate, "autodiscover.example.test", {}) ==
          NameMatch{Match::undetermined, "dNSName autodiscover.example.test", {"names.msstd"}});
}

TEST_CASE("the empty principal is nobody's") {
    CHECK(match_principal(bearing({{""}, {""}, {}}), "", {}) == Match::no);
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
    CHECK(compare_principal(certificate, "last.example.test", rules).open_rules ==
          Keys{"names.cn_which"});
    rules.cn_which = stated(CnWhich::first);
    CHECK(match_principal(certificate, "last.example.test", rules) == Match::no);
    CHECK(match_principal(certificate, "first.example.test", rules) == Match::yes);
}

// --- for the user -------------------------------------------------------------------------------

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
