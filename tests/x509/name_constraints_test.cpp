#include "handshake/x509/name_constraints.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <random>

#include "tests/x509/der_builder.h"

namespace handset::x509 {
namespace {

using build::attribute;
using build::context;
using build::context_constructed;
using build::hex;
using build::join;
using build::oid;
using build::seq;
using build::set;
using build::text;
using build::tlv;
using Kind = NameViolation::Kind;
using Names = std::vector<std::string>;

constexpr std::array all_forms{GeneralNameType::dns_name, GeneralNameType::rfc822_name,
                               GeneralNameType::uniform_resource_identifier,
                               GeneralNameType::ip_address, GeneralNameType::directory_name};

// "C=US/O=Contoso+OU=Mail", most general first. A value is a UTF8String, or a PrintableString when
// it begins with "p:".
Bytes distinguished_name(std::string_view written) {
    Bytes rdns;
    Bytes attributes;
    while (!written.empty()) {
        const std::size_t end = written.find_first_of("/+");
        const std::string_view pair = written.substr(0, end);
        const std::size_t equals = pair.find('=');
        std::string_view value = pair.substr(equals + 1);
        unsigned string_tag = 0x0c;
        if (value.starts_with("p:")) {
            string_tag = 0x13;
            value.remove_prefix(2);
        }
        append(attributes, attribute(pair.substr(0, equals), string_tag, text(value)));
        if (end == std::string_view::npos || written[end] == '/') {
            append(rdns, tlv(0x31, attributes));
            attributes.clear();
        }
        written.remove_prefix(end == std::string_view::npos ? written.size() : end + 1);
    }
    return tlv(0x30, rdns);
}

// "dns:example.com", "email:", "uri:", "ip:c0000201" (hexadecimal), "dn:C=US/O=Contoso",
// "id:1.2.3", "other:1.2.3", "x400:", "edi:".
Bytes general_name(std::string_view written) {
    const std::size_t colon = written.find(':');
    const std::string_view form = written.substr(0, colon);
    const std::string_view value = written.substr(colon + 1);
    if (form == "email") return context(1, text(value));
    if (form == "dns") return context(2, text(value));
    if (form == "uri") return context(6, text(value));
    if (form == "ip") return context(7, hex(value));
    if (form == "dn") return context_constructed(4, distinguished_name(value));
    if (form == "id") return context(8, to_bytes(oid_from_dotted(value).value().der));
    if (form == "other")
        return context_constructed(
            0, join({oid(value), context_constructed(0, tlv(0x0c, text("x")))}));
    if (form == "x400") return context_constructed(3, seq({}));
    if (form == "edi") return context_constructed(5, context_constructed(1, tlv(0x0c, text("x"))));
    FAIL("no such form: " << written);
    return {};
}

Bytes general_names(const Names& names) {
    Bytes out;
    for (const std::string& name : names)
        append(out, general_name(name));
    return out;
}

Certificate certificate(const Names& names, std::string_view subject = "") {
    build::CertificateParts parts;
    parts.subject = distinguished_name(subject);
    if (!names.empty())
        parts.extensions = build::extension("subjectAltName", tlv(0x30, general_names(names)));
    return build::decode(parts);
}

Bytes subtree(std::string_view base, const Bytes& minimum_and_maximum = {}) {
    return seq({general_name(base), minimum_and_maximum});
}

// Of the contents of a NameConstraints.
NameConstraints decoded(const Bytes& contents) {
    build::CertificateParts parts;
    parts.extensions = build::extension("nameConstraints", tlv(0x30, contents));
    const Certificate ca = build::decode(parts);
    const auto* constraints = find_value<NameConstraints>(ca, "nameConstraints");
    REQUIRE(constraints);
    return *constraints;
}

NameConstraints constraints(const Names& permitted, const Names& excluded) {
    Bytes contents;
    const auto add = [&contents](unsigned number, const Names& bases) {
        if (bases.empty()) return;
        Bytes subtrees;
        for (const std::string& base : bases)
            append(subtrees, subtree(base));
        append(contents, context_constructed(number, subtrees));
    };
    add(0, permitted);
    add(1, excluded);
    return decoded(contents);
}

std::optional<NameViolation> violation(const NameConstraints& constraints,
                                       const Certificate& certificate) {
    return find_violation(constraints, certificate, {all_forms});
}

std::optional<Kind> kind(const NameConstraints& constraints, const Certificate& certificate) {
    const auto found = violation(constraints, certificate);
    if (!found) return std::nullopt;
    CHECK_FALSE(found->detail.empty());
    CHECK(found->detail == printable_utf8(found->detail));
    return found->kind;
}

struct Row {
    std::string base;
    std::string name;
    bool within;
};

// Permitted: not within is a violation. Excluded: within is one.
void check(const Row& row) {
    CAPTURE(row.base, row.name);
    const Certificate held = certificate({row.name});
    CHECK(kind(constraints({row.base}, {}), held) ==
          (row.within ? std::nullopt : std::optional(Kind::not_permitted)));
    CHECK(kind(constraints({}, {row.base}), held) ==
          (row.within ? std::optional(Kind::excluded) : std::nullopt));
}

TEST_CASE("dNSName subtrees hold a domain and what is below it, label by label") {
    const Row rows[] = {
        {"dns:example.com", "dns:example.com", true},
        {"dns:example.com", "dns:www.example.com", true},
        {"dns:example.com", "dns:a.b.c.example.com", true},
        {"dns:example.com", "dns:notexample.com", false},
        {"dns:example.com", "dns:not-example.com", false},
        {"dns:example.com", "dns:example.com.org", false},
        {"dns:example.com", "dns:example.org", false},
        {"dns:example.com", "dns:com", false},
        {"dns:example.com", "dns:xample.com", false},
        {"dns:example.com", "dns:EXAMPLE.com", true},
        {"dns:Example.COM", "dns:www.eXample.com", true},
        {"dns:www.example.com", "dns:example.com", false},
        {"dns:www.example.com", "dns:www.example.com", true},
        {"dns:host.www.example.com", "dns:www.example.com", false},
        {"dns:com", "dns:example.com", true},
        {"dns:com", "dns:com", true},
        {"dns:com", "dns:xcom", false},
        {"dns:localhost", "dns:localhost", true},
        {"dns:_msdcs.example.com", "dns:gc._msdcs.example.com", true},
        {"dns:xn--bcher-kva.example", "dns:www.XN--bcher-kva.example", true},
        // Empty: every name.
        {"dns:", "dns:example.com", true},
        {"dns:", "dns:localhost", true},
        // Leading dot: below the domain alone.
        {"dns:.example.com", "dns:www.example.com", true},
        {"dns:.example.com", "dns:a.b.example.com", true},
        {"dns:.example.com", "dns:example.com", false},
        {"dns:.example.com", "dns:notexample.com", false},
        {"dns:.com", "dns:com", false},
        {"dns:.com", "dns:example.com", true},
    };
    for (const Row& row : rows)
        check(row);
}

TEST_CASE("rfc822Name subtrees are a mailbox, a host, or the hosts below a domain") {
    const Row rows[] = {
        {"email:user@example.com", "email:user@example.com", true},
        {"email:user@example.com", "email:user@EXAMPLE.com", true},
        {"email:user@example.com", "email:USER@example.com", false},
        {"email:user@example.com", "email:other@example.com", false},
        {"email:user@example.com", "email:user@mail.example.com", false},
        {"email:user@example.com", "email:xuser@example.com", false},
        {"email:example.com", "email:user@example.com", true},
        {"email:EXAMPLE.com", "email:user@example.COM", true},
        {"email:example.com", "email:user@mail.example.com", false},
        {"email:example.com", "email:user@notexample.com", false},
        {"email:.example.com", "email:user@mail.example.com", true},
        {"email:.example.com", "email:user@a.mail.example.com", true},
        {"email:.example.com", "email:user@example.com", false},
        {"email:.example.com", "email:user@notexample.com", false},
        {"email:", "email:user@example.com", true},
        // '*' is an atom's character like any other.
        {"email:*@example.com", "email:*@example.com", true},
        {"email:*@example.com", "email:user@example.com", false},
        // A quoted Local-part.
        {"email:example.com", "email:\"a@b\"@example.com", true},
        {"email:\"a@b\"@example.com", "email:\"a@b\"@example.com", true},
        {"email:b", "email:\"a@b\"@example.com", false},
    };
    for (const Row& row : rows)
        check(row);
}

TEST_CASE("uniformResourceIdentifier subtrees are a host or the hosts below a domain") {
    const Row rows[] = {
        {"uri:example.com", "uri:http://example.com/", true},
        {"uri:example.com", "uri:http://example.com", true},
        {"uri:example.com", "uri:HTTP://EXAMPLE.COM/x", true},
        {"uri:Example.com", "uri:https://example.com:8443/x", true},
        {"uri:example.com", "uri:https://example.com:/x", true},
        {"uri:example.com", "uri:http://user:secret@example.com/", true},
        {"uri:example.com", "uri:http://example.com?query", true},
        {"uri:example.com", "uri:http://example.com#fragment", true},
        {"uri:example.com", "uri:ldap://example.com/cn=x", true},
        {"uri:example.com", "uri:http://www.example.com/", false},
        {"uri:example.com", "uri:http://notexample.com/", false},
        {"uri:example.com", "uri:http://other.test/@example.com", false},
        {"uri:example.com", "uri:http://other.test?@example.com", false},
        {"uri:example.com", "uri:http://other.test#@example.com", false},
        {"uri:example.com", "uri:http://example.com@other.test/", false},
        {"uri:.example.com", "uri:http://www.example.com/", true},
        {"uri:.example.com", "uri:http://a.b.example.com/", true},
        {"uri:.example.com", "uri:http://example.com/", false},
        {"uri:.example.com", "uri:http://notexample.com/", false},
    };
    for (const Row& row : rows)
        check(row);
}

TEST_CASE("iPAddress subtrees are an address and a mask") {
    const std::string v6 = "20010db8000000000000000000000000";
    const std::string v6_mask = "ffffffff000000000000000000000000";
    const Row rows[] = {
        {"ip:c0000200ffffff00", "ip:c0000200", true},  // 192.0.2.0/24
        {"ip:c0000200ffffff00", "ip:c00002ff", true},
        {"ip:c0000200ffffff00", "ip:c0000300", false},
        {"ip:c0000200ffffff00", "ip:c00001ff", false},
        {"ip:c000024dffffff00", "ip:c0000201", true},  // bits behind the mask do not count
        {"ip:c0000201ffffffff", "ip:c0000201", true},
        {"ip:c0000201ffffffff", "ip:c0000202", false},
        {"ip:c0000200fffffffe", "ip:c0000201", true},  // a mask that ends within an octet
        {"ip:c0000200fffffffe", "ip:c0000202", false},
        {"ip:0000000080000000", "ip:7fffffff", true},
        {"ip:0000000080000000", "ip:80000000", false},
        {"ip:0000000000000000", "ip:ffffffff", true},
        {"ip:" + v6 + v6_mask, "ip:20010db8ffffffffffffffffffffffff", true},
        {"ip:" + v6 + v6_mask, "ip:20010db9000000000000000000000000", false},
        {"ip:" + v6 + std::string(32, 'f'), "ip:" + v6, true},
        {"ip:" + std::string(64, '0'), "ip:" + v6, true},
        // Families stay apart, also where one address is written in the other.
        {"ip:0000000000000000", "ip:" + v6, false},
        {"ip:" + std::string(64, '0'), "ip:c0000201", false},
        {"ip:c0000200ffffff00", "ip:00000000000000000000ffffc0000201", false},
    };
    for (const Row& row : rows)
        check(row);
}

TEST_CASE("directoryName subtrees are RDNs in front, compared without case, space and type") {
    const Row rows[] = {
        {"dn:C=US/O=Contoso", "dn:C=US/O=Contoso", true},
        {"dn:C=US/O=Contoso", "dn:C=US/O=Contoso/CN=x", true},
        {"dn:C=US/O=Contoso", "dn:C=US/O=Contoso/OU=a/CN=x", true},
        {"dn:C=US/O=Contoso", "dn:C=US", false},
        {"dn:C=US/O=Contoso", "dn:C=DE/O=Contoso/CN=x", false},
        {"dn:C=US/O=Contoso", "dn:O=Contoso/C=US", false},
        {"dn:C=US/O=Contoso", "dn:CN=x/C=US/O=Contoso", false},
        {"dn:C=US/O=Contoso", "dn:C=US/O=Contoso Ltd", false},
        {"dn:C=US/O=Contoso", "dn:C=US/OU=Contoso", false},
        {"dn:C=US/O=Contoso", "dn:C=us/O=CONTOSO/CN=x", true},
        {"dn:C=US/O=Contoso", "dn:C=US/O=p:Contoso/CN=x", true},
        {"dn:C=US/O=Con toso", "dn:C=US/O=  Con   toso ", true},
        {"dn:C=US/O=Con toso", "dn:C=US/O=Contoso", false},
        {"dn:C=US/O=Contoso+OU=a", "dn:C=US/OU=a+O=Contoso/CN=x", true},
        {"dn:C=US/O=Contoso", "dn:C=US/O=Contoso+OU=a", false},
        {"dn:C=US/O=Contoso+OU=a", "dn:C=US/O=Contoso", false},
        {"dn:", "dn:C=US", true},
        {"dn:C=US", "dn:", false},
    };
    for (const Row& row : rows)
        check(row);
}

TEST_CASE("a wildcard is permitted when all its names are, and excluded when any is") {
    struct Wildcard {
        std::string base;
        std::string name;
        bool permitted;
        bool excluded;
    };
    const Wildcard rows[] = {
        {"dns:example.com", "dns:*.example.com", true, true},
        {"dns:example.com", "dns:*.www.example.com", true, true},
        {"dns:www.example.com", "dns:*.example.com", false, true},
        {"dns:a.www.example.com", "dns:*.example.com", false, false},  // one label
        {"dns:WWW.example.com", "dns:*.EXAMPLE.com", false, true},
        {"dns:example.org", "dns:*.example.com", false, false},
        {"dns:ample.com", "dns:*.example.com", false, false},
        {"dns:.example.com", "dns:*.example.com", true, true},
        {"dns:.www.example.com", "dns:*.example.com", false, false},
        {"dns:.www.example.com", "dns:*.www.example.com", true, true},
        {"dns:com", "dns:*.com", true, true},
        {"dns:example.com", "dns:*.com", false, true},
        {"dns:.example.com", "dns:*.com", false, false},
        {"dns:com", "dns:*", false, true},
        {"dns:example.com", "dns:*", false, false},
        {"dns:", "dns:*", true, true},
        {"dns:", "dns:*.example.com", true, true},
        // '*' within a label.
        {"dns:www.example.com", "dns:w*.example.com", false, true},
        {"dns:www.example.com", "dns:*w.example.com", false, true},
        {"dns:www.example.com", "dns:*l.example.com", false, false},
        {"dns:www.example.com", "dns:w*w.example.com", false, true},
        {"dns:ww.example.com", "dns:ww*w.example.com", false, false},
        {"dns:mail.example.com", "dns:w*.example.com", false, false},
        {"dns:www.example.com", "dns:www*.example.com", false, true},
        {"dns:www.example.com", "dns:*w*.example.com", false, true},
        {"dns:example.com", "dns:w*.example.com", true, true},
        // '*' in another place.
        {"dns:example.com", "dns:www.*.com", false, true},
        {"dns:example.org", "dns:www.*.com", false, false},
        {"dns:example.com", "dns:www.example.*", false, true},
        {"dns:a.example.com", "dns:www.example.*", false, false},
        {"dns:www.a.example.com", "dns:www.*.example.com", false, true},
        {"dns:a.www.a.example.com", "dns:www.*.example.com", false, false},
        {"dns:mail.a.example.com", "dns:www.*.example.com", false, false},
        {"dns:.a.example.com", "dns:www.*.example.com", false, true},
        {"dns:.www.a.example.com", "dns:www.*.example.com", false, false},
        // '*' in several labels.
        {"dns:a.b.example.com", "dns:*.*.example.com", false, true},
        {"dns:example.com", "dns:*.*.example.com", true, true},
        {"dns:example.org", "dns:*.*.example.com", false, false},
    };
    for (const Wildcard& row : rows) {
        CAPTURE(row.base, row.name);
        const Certificate held = certificate({row.name});
        CHECK(kind(constraints({row.base}, {}), held) ==
              (row.permitted ? std::nullopt : std::optional(Kind::not_permitted)));
        CHECK(kind(constraints({}, {row.base}), held) ==
              (row.excluded ? std::optional(Kind::excluded) : std::nullopt));
    }
}

TEST_CASE("a name that is none of its form is not permitted, whichever constraints there are") {
    const std::string nul(1, '\0');
    const std::pair<std::string, Names> rows[] = {
        {"dns:example.com",
         {"dns:", "dns:.", "dns:.example.com", "dns:www..example.com", "dns:www.example.com.",
          "dns:foo bar.example.com", "dns:other.test" + nul + ".example.com",
          "dns:www\xc3\xbc.example.com"}},
        {"email:example.com",
         {"email:", "email:example.com", "email:user@", "email:@example.com",
          "email:a@b@example.com", "email:user@.example.com", "email:user@example.com.",
          "email:User <user@example.com>", "email:a b@example.com", "email:\"@example.com",
          "email:us" + nul + "er@example.com"}},
        {"uri:example.com",
         {"uri:", "uri:example.com", "uri://example.com/", "uri:http:example.com",
          "uri:urn:example.com:x", "uri:mailto:user@example.com", "uri:http:///x", "uri:http://",
          "uri:http://192.0.2.1/", "uri:http://[2001:db8::1]/", "uri:http://[2001:db8::1]:80/",
          "uri:http://1/", "uri:http://example.com:80a/", "uri:http://example.com./",
          "uri:http://ex%61mple.com/", "uri:http://exam ple.com/",
          "uri:http://other.test\\@example.com/", "uri:http://a@b@example.com/",
          "uri:://example.com/"}},
        {"ip:c0000200ffffff00",
         {"ip:", "ip:c00002", "ip:c000020100", "ip:c0000200ffffff00",
          "ip:20010db80000000000000000000000"}},
    };
    for (const auto& [base, names] : rows) {
        for (const std::string& name : names) {
            CAPTURE(base, name);
            CHECK(kind(constraints({base}, {}), certificate({name})) == Kind::not_permitted);
            CHECK(kind(constraints({}, {base}), certificate({name})) == Kind::not_permitted);
            // Constraints on another form leave it alone.
            const std::string other = base.starts_with("dn") ? "ip:c0000200ffffff00" : "dns:a.test";
            CHECK(kind(constraints({other}, {}), certificate({name})) == std::nullopt);
        }
    }
}

TEST_CASE("a base that names nothing holds nothing") {
    const std::pair<std::string, Names> rows[] = {
        {"dns:www.example.com",
         {"dns:.", "dns:*", "dns:*.example.com", "dns:..example.com", "dns:example..com",
          "dns:example.com.", "dns:exam ple.com", "dns:http://example.com", "dns:@example.com"}},
        {"email:user@example.com",
         {"email:.", "email:@example.com", "email:user@", "email:a@b@example.com",
          "email:*.example.com", "email:exam ple.com", "email:example.com."}},
        {"uri:http://example.com/",
         {"uri:", "uri:.", "uri:http://example.com", "uri:example.com/", "uri:example.com:80",
          "uri:192.0.2.1", "uri:[2001:db8::1]", "uri:*.example.com"}},
        {"ip:c0000201",
         {"ip:", "ip:c0000201", "ip:c0000200ffffff", "ip:20010db8000000000000000000000000"}},
    };
    for (const auto& [name, bases] : rows) {
        for (const std::string& base : bases) {
            CAPTURE(base, name);
            CHECK_FALSE(names_something(constraints({base}, {}).permitted.at(0).base));
            CHECK(kind(constraints({base}, {}), certificate({name})) == Kind::not_permitted);
            CHECK(kind(constraints({}, {base}), certificate({name})) == std::nullopt);
            const std::string other = name.starts_with("ip:") ? "dns:a.test" : "ip:c0000201";
            CHECK(kind(constraints({base}, {base}), certificate({other})) == std::nullopt);
        }
    }
}

TEST_CASE("a mask with holes is applied bit by bit") {
    const std::pair<const char*, bool> rows[] = {{"ip:c0000200ff00ff00", true},
                                                 {"ip:c0000200fffffffd", false},
                                                 {"ip:c000020000fffffe", true},
                                                 {"ip:c000020000ffffff", false}};
    for (const auto& [base, within] : rows) {
        CAPTURE(base);
        const Certificate held = certificate({"ip:c0000201"});
        CHECK(names_something(constraints({base}, {}).permitted.at(0).base));
        CHECK(kind(constraints({base}, {}), held) ==
              (within ? std::nullopt : std::optional(Kind::not_permitted)));
        CHECK(kind(constraints({}, {base}), held) ==
              (within ? std::optional(Kind::excluded) : std::nullopt));
    }
}

TEST_CASE("minimum and maximum are not looked at") {
    for (const char* octets :
         {"", "800100", "800101", "8001ff", "80020100", "810100", "810101", "800100810105"}) {
        CAPTURE(octets);
        const Bytes tree = subtree("dns:example.com", hex(octets));
        const NameConstraints permitted = decoded(context_constructed(0, tree));
        const NameConstraints excluded = decoded(context_constructed(1, tree));
        const Certificate inside = certificate({"dns:www.example.com"});
        CHECK(kind(permitted, inside) == std::nullopt);
        CHECK(kind(excluded, inside) == Kind::excluded);
        CHECK(kind(permitted, certificate({"dns:other.test"})) == Kind::not_permitted);
        CHECK(kind(permitted, certificate({"ip:c0000201"})) == std::nullopt);
    }
}

TEST_CASE("forms without a meaning are not applicable to names of that form") {
    const Names forms{"other:1.2.3", "x400:", "edi:"};
    // Not even when the caller asks for them.
    std::vector<GeneralNameType> everything;
    for (int form = 0; form <= 8; ++form)
        everything.push_back(static_cast<GeneralNameType>(form));
    for (const std::string& base : forms) {
        for (const std::string& name : forms) {
            CAPTURE(base, name);
            for (const auto& held :
                 {constraints({base}, {}), constraints({}, {base}), constraints({base}, {base})}) {
                const auto found = find_violation(held, certificate({name}), {everything});
                REQUIRE(found.has_value() == (base == name));
                if (!found) continue;
                CHECK(found->kind == Kind::not_applicable);
                CHECK(found->detail.ends_with("constraints of this form are not applied"));
            }
        }
    }
}

TEST_CASE("a registered identifier is held by itself alone") {
    const std::array forms{GeneralNameType::registered_id};
    const NameConstraints permitted = constraints({"id:1.2.3"}, {});
    CHECK(find_violation(permitted, certificate({"id:1.2.3"}), {forms}) == std::nullopt);
    const auto longer = find_violation(permitted, certificate({"id:1.2.3.4"}), {forms});
    REQUIRE(longer);
    CHECK(longer->kind == Kind::not_permitted);
    const auto excluded =
        find_violation(constraints({}, {"id:1.2.3"}), certificate({"id:1.2.3"}), {forms});
    REQUIRE(excluded);
    CHECK(excluded->kind == Kind::excluded);
}

TEST_CASE("octets instead of labels, where a reader compares them") {
    const std::array forms{GeneralNameType::dns_name};
    NameConstraintScope scope{forms};
    const NameConstraints permitted = constraints({"dns:ample.com"}, {});
    CHECK(find_violation(permitted, certificate({"dns:www.example.com"}), scope));
    scope.dns_by_label = false;
    CHECK(find_violation(permitted, certificate({"dns:www.example.com"}), scope) == std::nullopt);
    CHECK(find_violation(permitted, certificate({"dns:www.example.org"}), scope));
}

TEST_CASE("names of other forms, where a reader takes them for hosts") {
    const std::array forms{GeneralNameType::dns_name};
    NameConstraintScope scope{forms};
    const NameConstraints permitted = constraints({"dns:example.com"}, {});
    for (const char* name : {"ip:c0000201", "uri:http://example.org/", "other:1.2.3"}) {
        CAPTURE(name);
        scope.dns_holds_more = false;
        CHECK(find_violation(permitted, certificate({name}), scope) == std::nullopt);
        scope.dns_holds_more = true;
        const auto found = find_violation(permitted, certificate({name}), scope);
        REQUIRE(found);
        CHECK(found->kind == Kind::not_permitted);
        CHECK(found->field == "tbsCertificate.extensions[0].extnValue.names[0]");
    }
    CHECK(find_violation(permitted, certificate({"id:1.2.3"}), scope) == std::nullopt);
}

TEST_CASE("IPv6 networks that a reader does not know are of a form that it does not apply") {
    const std::array forms{GeneralNameType::ip_address};
    NameConstraintScope scope{forms};
    const std::string network =
        "ip:20010db8000000000000000000000000ffffffff000000000000000000000000";
    const NameConstraints both = constraints({"ip:0a000000ff000000", network}, {});
    CHECK_FALSE(forms_not_applied(both, scope).other);
    scope.ipv6_applied = false;
    CHECK(forms_not_applied(both, scope).other);
    CHECK_FALSE(forms_not_applied(both, scope).usual);
    CHECK_FALSE(forms_not_applied(constraints({"ip:0a000000ff000000"}, {}), scope).other);
    CHECK(forms_not_applied(constraints({}, {"dns:example.com"}), scope).usual);
    CHECK(forms_not_applied(constraints({}, {"id:1.2.3"}), scope).other);
    const auto found = find_violation(constraints({network}, {}),
                                      certificate({"ip:20010db8000000000000000000000001"}), scope);
    REQUIRE(found);
    CHECK(found->kind == Kind::not_applicable);
}

TEST_CASE("only the forms of the scope are applied") {
    const std::tuple<GeneralNameType, std::string, std::string> rows[] = {
        {GeneralNameType::dns_name, "dns:example.com", "dns:www.example.com"},
        {GeneralNameType::rfc822_name, "email:example.com", "email:user@example.com"},
        {GeneralNameType::uniform_resource_identifier, "uri:example.com",
         "uri:http://example.com/"},
        {GeneralNameType::ip_address, "ip:c0000200ffffff00", "ip:c0000201"},
        {GeneralNameType::directory_name, "dn:C=US", "dn:C=US/CN=x"},
        {GeneralNameType::registered_id, "id:1.2.3", "id:1.2.3"},
    };
    for (const auto& [form, base, name] : rows) {
        CAPTURE(base);
        std::vector<GeneralNameType> others(all_forms.begin(), all_forms.end());
        std::erase(others, form);
        const std::array own{form};
        const NameConstraints permitted = constraints({base}, {});
        CHECK(find_violation(permitted, certificate({name}), {own}) == std::nullopt);
        const auto found = find_violation(permitted, certificate({name}), {others});
        REQUIRE(found);
        CHECK(found->kind == Kind::not_applicable);
        CHECK(find_violation(permitted, certificate({"other:1.2.3"}), {others}) == std::nullopt);
    }
}

TEST_CASE("permitted subtrees of a form are alternatives, and excluded ones win") {
    const NameConstraints two = constraints({"dns:example.com", "dns:example.org"}, {});
    CHECK(kind(two, certificate({"dns:a.example.com", "dns:a.example.org"})) == std::nullopt);
    CHECK(kind(two, certificate({"dns:a.example.com", "dns:a.test"})) == Kind::not_permitted);

    const NameConstraints both = constraints({"dns:example.com"}, {"dns:secret.example.com"});
    CHECK(kind(both, certificate({"dns:www.example.com"})) == std::nullopt);
    CHECK(kind(both, certificate({"dns:secret.example.com"})) == Kind::excluded);
    CHECK(kind(both, certificate({"dns:a.secret.example.com"})) == Kind::excluded);
    CHECK(kind(both, certificate({"dns:example.org"})) == Kind::not_permitted);
    CHECK(kind(both, certificate({"dns:*.example.com"})) == Kind::excluded);

    const NameConstraints same = constraints({"dns:example.com"}, {"dns:example.com"});
    CHECK(kind(same, certificate({"dns:example.com"})) == Kind::excluded);
}

TEST_CASE("constraints on one form say nothing about another") {
    const Names names{"dns:www.example.com",
                      "email:user@example.com",
                      "uri:http://example.com/",
                      "ip:c0000201",
                      "dn:C=US",
                      "id:1.2.3"};
    const Names foreign_bases{"dns:other.test",      "email:other.test", "uri:other.test",
                              "ip:0a000000ff000000", "dn:C=DE",          "id:1.2.4"};
    for (std::size_t base = 0; base < foreign_bases.size(); ++base) {
        for (std::size_t name = 0; name < names.size(); ++name) {
            CAPTURE(foreign_bases[base], names[name]);
            const bool forbidden = kind(constraints({foreign_bases[base]}, {}),
                                        certificate({names[name]})) != std::nullopt;
            CHECK(forbidden == (base == name));
        }
    }
    // A server that is known by a host name and an address is held to both.
    const NameConstraints both = constraints({"dns:example.com", "ip:c0000200ffffff00"}, {});
    CHECK(kind(both, certificate({"dns:www.example.com", "ip:c0000201"})) == std::nullopt);
    CHECK(kind(both, certificate({"dns:www.example.com", "ip:0a000001"})) == Kind::not_permitted);
    CHECK(kind(both, certificate({"dns:other.test", "ip:c0000201"})) == Kind::not_permitted);
}

TEST_CASE("a forbidden name is found before one that cannot be judged") {
    const NameConstraints held = constraints({"dns:example.com", "id:1.2.3"}, {"email:a@b.test"});
    const auto found =
        violation(held, certificate({"id:1.2.3", "dns:www.example.com", "dns:other.test"}));
    REQUIRE(found);
    CHECK(found->kind == Kind::not_permitted);
    CHECK(found->field == "tbsCertificate.extensions[0].extnValue.names[2]");

    const auto open = violation(held, certificate({"dns:www.example.com", "id:1.2.3", "id:1.2.4"}));
    REQUIRE(open);
    CHECK(open->kind == Kind::not_applicable);
    CHECK(open->field == "tbsCertificate.extensions[0].extnValue.names[1]");

    // One subtree that names nothing beside one that the name is in.
    const NameConstraints beside = constraints({"dns:example.com", "dns:*.other.test"}, {});
    CHECK(kind(beside, certificate({"dns:www.example.com"})) == std::nullopt);
    CHECK(kind(beside, certificate({"dns:www.other.test"})) == Kind::not_permitted);
}

TEST_CASE("the subject is a directoryName, unless it is empty") {
    const NameConstraints permitted = constraints({"dn:C=US/O=Contoso"}, {});
    CHECK(kind(permitted, certificate({}, "C=US/O=Contoso/CN=x")) == std::nullopt);
    CHECK(kind(permitted, certificate({}, "C=US/O=Other")) == Kind::not_permitted);
    CHECK(kind(permitted, certificate({"dns:a.test"}, "")) == std::nullopt);
    CHECK(kind(permitted, certificate({"dn:C=US/O=Contoso/CN=x"}, "C=US/O=Other")) ==
          Kind::not_permitted);
    CHECK(kind(permitted, certificate({"dn:C=US/O=Other"}, "C=US/O=Contoso")) ==
          Kind::not_permitted);
    CHECK(kind(permitted, certificate({"dn:C=US/O=Contoso"}, "C=US/O=Contoso")) == std::nullopt);

    const NameConstraints excluded = constraints({}, {"dn:C=US/O=Contoso"});
    CHECK(kind(excluded, certificate({}, "C=US/O=Contoso/CN=x")) == Kind::excluded);
    CHECK(kind(excluded, certificate({}, "C=US/O=Other")) == std::nullopt);
    // An empty base excludes every subject that there is.
    CHECK(kind(constraints({}, {"dn:"}), certificate({}, "CN=x")) == Kind::excluded);
    CHECK(kind(constraints({}, {"dn:"}), certificate({"dns:a.test"}, "")) == std::nullopt);
}

TEST_CASE("emailAddress attributes count where there is no subjectAltName") {
    const NameConstraints permitted = constraints({"email:example.com"}, {});
    CHECK(kind(permitted, certificate({}, "CN=x/emailAddress=user@example.com")) == std::nullopt);
    CHECK(kind(permitted, certificate({}, "CN=x/emailAddress=user@other.test")) ==
          Kind::not_permitted);
    CHECK(kind(permitted,
               certificate({}, "emailAddress=a@example.com/emailAddress=user@other.test")) ==
          Kind::not_permitted);
    CHECK(kind(permitted, certificate({"dns:a.test"}, "CN=x/emailAddress=user@other.test")) ==
          std::nullopt);
    CHECK(kind(permitted, certificate({"email:user@example.com"},
                                      "CN=x/emailAddress=user@other.test")) == std::nullopt);
    CHECK(kind(constraints({}, {"email:other.test"}),
               certificate({}, "CN=x/emailAddress=user@other.test")) == Kind::excluded);
    CHECK(kind(constraints({"dns:example.com"}, {}),
               certificate({}, "CN=x/emailAddress=user@other.test")) == std::nullopt);
}

TEST_CASE("when emailAddress attributes count is for the scope to say") {
    using enum EmailAddressesHeld;
    const NameConstraints permitted = constraints({"email:example.com"}, {});
    const std::string subject = "CN=x/emailAddress=user@other.test";
    const Certificate alone = certificate({}, subject);
    const Certificate beside_host = certificate({"dns:a.test"}, subject);
    const Certificate beside_mailbox = certificate({"email:user@example.com"}, subject);
    struct Held {
        EmailAddressesHeld when;
        bool alone, beside_host, beside_mailbox;
    };
    for (const Held& row :
         {Held{never, false, false, false}, Held{if_no_san, true, false, false},
          Held{if_no_rfc822_name, true, true, false}, Held{always, true, true, true}}) {
        NameConstraintScope scope{all_forms};
        scope.on_email = row.when;
        CAPTURE(static_cast<int>(row.when));
        CHECK(find_violation(permitted, alone, scope).has_value() == row.alone);
        CHECK(find_violation(permitted, beside_host, scope).has_value() == row.beside_host);
        CHECK(find_violation(permitted, beside_mailbox, scope).has_value() == row.beside_mailbox);
    }
}

TEST_CASE("a scope may be laxer than RFC 5280") {
    const auto forbids = [](const NameConstraints& held, const char* name,
                            const NameConstraintScope& scope) {
        return find_violation(held, certificate({name}), scope).has_value();
    };
    const NameConstraintScope strict{all_forms};

    NameConstraintScope scope = strict;
    scope.wildcards_stand_for_names = false;
    const NameConstraints secret = constraints({}, {"dns:secret.example.com"});
    CHECK(forbids(secret, "dns:*.example.com", strict));
    CHECK_FALSE(forbids(secret, "dns:*.example.com", scope));
    CHECK(forbids(secret, "dns:*.secret.example.com", scope));
    CHECK(forbids(constraints({"dns:www.example.com"}, {}), "dns:*.example.com", scope));

    scope = strict;
    scope.local_part_case_counts = false;
    const NameConstraints mailbox = constraints({"email:User@example.com"}, {});
    CHECK(forbids(mailbox, "email:uSER@example.com", strict));
    CHECK_FALSE(forbids(mailbox, "email:uSER@example.com", scope));
    CHECK(forbids(mailbox, "email:other@example.com", scope));

    scope = strict;
    scope.hosts_hold_those_below = true;
    for (const auto& [base, name] : {std::pair{"email:example.com", "email:user@mail.example.com"},
                                     std::pair{"uri:example.com", "uri:http://www.example.com/"}}) {
        CAPTURE(base);
        CHECK(forbids(constraints({base}, {}), name, strict));
        CHECK_FALSE(forbids(constraints({base}, {}), name, scope));
        CHECK(forbids(constraints({}, {base}), name, scope));
    }
    CHECK(forbids(constraints({"email:.example.com"}, {}), "email:user@example.com", scope));

    scope = strict;
    scope.ip_families_apart = true;
    const NameConstraints v4 = constraints({"ip:0a000000ff000000"}, {});
    const char* v6_address = "ip:20010db8000000000000000000000001";
    CHECK(forbids(v4, v6_address, strict));
    CHECK_FALSE(forbids(v4, v6_address, scope));
    CHECK(forbids(v4, "ip:c0000201", scope));
}

TEST_CASE("a scope may be of one list alone") {
    const NameConstraints both = constraints({"dns:example.com"}, {"dns:secret.example.com"});
    NameConstraintScope permitted{all_forms};
    permitted.excluded = false;
    NameConstraintScope excluded{all_forms};
    excluded.permitted = false;
    const Certificate secret = certificate({"dns:secret.example.com"});
    const Certificate other = certificate({"dns:other.test"});
    CHECK(find_violation(both, secret, permitted) == std::nullopt);
    CHECK(find_violation(both, secret, excluded)->kind == Kind::excluded);
    CHECK(find_violation(both, other, permitted)->kind == Kind::not_permitted);
    CHECK(find_violation(both, other, excluded) == std::nullopt);
}

TEST_CASE("a common name that looks like a host name counts where the scope says so") {
    struct Cn {
        std::string subject;
        bool looks_like_host;
    };
    const Cn rows[] = {
        {"CN=www.other.test", true},     {"CN=*.other.test", true},     {"CN=w*.other.test", true},
        {"CN=my_host.other.test", true}, {"CN=192.0.2.1.test", true},   {"CN=Jane Doe", false},
        {"CN=localhost", false},         {"CN=192.0.2.1", false},       {"CN=Contoso Ltd.", false},
        {"CN=a..test", false},           {"CN=www.other.test.", false}, {"CN=", false},
        {"O=www.other.test", false},
    };
    const NameConstraints permitted = constraints({"dns:example.com"}, {});
    for (const Cn& row : rows) {
        CAPTURE(row.subject);
        const Certificate held = certificate({"ip:c0000201"}, row.subject);
        CHECK(find_violation(permitted, held, {all_forms, false}) == std::nullopt);
        const auto found = find_violation(permitted, held, {all_forms, true});
        REQUIRE(found.has_value() == row.looks_like_host);
        if (found) CHECK(found->field == "tbsCertificate.subject.commonName");
    }
    const NameConstraintScope with_cn{all_forms, true};
    // Where a dNSName is, no client looks at the common name.
    CHECK(find_violation(permitted, certificate({"dns:www.example.com"}, "CN=www.other.test"),
                         with_cn) == std::nullopt);
    CHECK(find_violation(permitted, certificate({}, "CN=www.example.com"), with_cn) ==
          std::nullopt);
    CHECK(
        find_violation(permitted, certificate({}, "CN=a.example.com/CN=www.other.test"), with_cn));
    CHECK(find_violation(constraints({}, {"dns:www.example.com"}),
                         certificate({}, "CN=*.example.com"), with_cn));
    // Constraints on addresses are not for common names.
    CHECK(find_violation(constraints({"ip:c0000200ffffff00"}, {}), certificate({}, "CN=10.0.0.1"),
                         with_cn) == std::nullopt);
}

TEST_CASE("a violation points at the octets of the name") {
    const NameConstraints held =
        constraints({"dns:example.com", "dn:C=US", "email:example.com"}, {});
    const auto octets = [](const Certificate& from, const NameViolation& at) {
        return to_text(from.at(at.place));
    };

    const Certificate san = certificate({"dns:www.example.com", "dns:other.test"}, "C=US");
    auto found = violation(held, san);
    REQUIRE(found);
    CHECK(found->field == "tbsCertificate.extensions[0].extnValue.names[1]");
    CHECK(octets(san, *found) == "other.test");
    CHECK(found->detail == "dNSName other.test is not within dNSName example.com");

    const Certificate subject = certificate({"dns:www.example.com"}, "C=DE/O=Contoso");
    found = violation(held, subject);
    REQUIRE(found);
    CHECK(found->field == "tbsCertificate.subject");
    CHECK(equal(subject.at(found->place), subject.subject.raw));
    CHECK(found->detail == "subject O=Contoso,C=DE is not within directoryName C=US");

    const Certificate email = certificate({}, "C=US/emailAddress=user@other.test");
    found = violation(held, email);
    REQUIRE(found);
    CHECK(found->field == "tbsCertificate.subject.emailAddress");
    CHECK(octets(email, *found) == "user@other.test");
    CHECK(found->detail == "emailAddress user@other.test is not within rfc822Name example.com");

    const Certificate cn = certificate({}, "C=US/CN=www.other.test");
    found = find_violation(constraints({}, {"dns:other.test"}), cn, {all_forms, true});
    REQUIRE(found);
    CHECK(found->field == "tbsCertificate.subject.commonName");
    CHECK(octets(cn, *found) == "www.other.test");
    CHECK(found->detail == "commonName www.other.test is within the excluded dNSName other.test");

    const Names three{"dns:a.test", "dns:b.test", "dns:c.test"};
    CHECK(violation(constraints(three, {}), certificate({"dns:d.test"}))->detail ==
          "dNSName d.test is not within dNSName a.test, nor within 2 other permitted subtrees");
    CHECK(violation(constraints({"id:1.2.3"}, {}), certificate({"id:1.2.4"}))->detail ==
          "registeredID 1.2.4 cannot be held to the constraint registeredID 1.2.3: constraints of "
          "this form are not applied");
    CHECK(violation(constraints({}, {"uri:a.test"}), certificate({"uri:urn:a.test"}))->detail ==
          "uniformResourceIdentifier urn:a.test cannot be compared with the constraints on "
          "uniformResourceIdentifier");
}

TEST_CASE("every subjectAltName counts, and one that cannot be read is not applicable") {
    build::CertificateParts parts;
    parts.subject = distinguished_name("");
    const auto san = [](const Names& names) {
        return build::extension("subjectAltName", tlv(0x30, general_names(names)));
    };
    const NameConstraints held = constraints({"dns:example.com"}, {});
    parts.extensions = join({san({"dns:www.example.com"}), san({"dns:other.test"})});
    const auto second = violation(held, build::decode(parts));
    REQUIRE(second);
    CHECK(second->field == "tbsCertificate.extensions[1].extnValue.names[0]");

    parts.extensions = build::extension("subjectAltName", hex("3003 8205 61"));
    const Certificate unreadable = build::decode(parts);
    REQUIRE(unreadable.extensions.at(0).decode_error);
    const auto found = violation(held, unreadable);
    REQUIRE(found);
    CHECK(found->kind == Kind::not_applicable);
    CHECK(found->field == "tbsCertificate.extensions[0].extnValue");
    CHECK(equal(unreadable.at(found->place), hex("3003 8205 61")));
    CHECK(violation(NameConstraints{}, unreadable) == std::nullopt);

    // issuerAltName is not constrained.
    parts.extensions = build::extension("issuerAltName", tlv(0x30, general_name("dns:other.test")));
    CHECK(violation(held, build::decode(parts)) == std::nullopt);
}

TEST_CASE("no constraints forbid nothing") {
    const Certificate held =
        certificate({"dns:a.test", "dns:..", "ip:00", "uri:x", "email:x", "id:1.2.3"}, "C=US");
    CHECK(violation(NameConstraints{}, held) == std::nullopt);
    CHECK(violation(decoded({}), held) == std::nullopt);
    CHECK(violation(decoded(context_constructed(0, {})), held) == std::nullopt);
    CHECK(violation(decoded(context_constructed(1, {})), held) == std::nullopt);
    CHECK(violation(constraints({"dns:a.test"}, {}), certificate({})) == std::nullopt);
}

// --- limits -------------------------------------------------------------------------------------

Names numbered(std::string_view form, std::size_t count) {
    Names names;
    for (std::size_t i = 0; i < count; ++i)
        names.push_back(fmt::format("{}:n{}.example.com", form, i));
    return names;
}

TEST_CASE("too many names times subtrees are not applicable, and no name slips through") {
    const Names bases = numbered("dns", 1'000);
    Names names = numbered("dns", 1'000);
    static_assert(max_comparisons == 1'000'000);
    CHECK(kind(constraints(bases, {}), certificate(names)) == std::nullopt);
    names.back() = "dns:other.test";
    CHECK(kind(constraints(bases, {}), certificate(names)) == Kind::not_permitted);
    names.emplace_back("dns:n0.example.com");
    const auto found = violation(constraints(bases, {}), certificate(names));
    REQUIRE(found);
    CHECK(found->kind == Kind::not_applicable);
    CHECK(found->field == "tbsCertificate.extensions[0].extnValue");
    CHECK(found->detail == "1001 names and 1000 constraints are too many to compare");

    std::string subject = "CN=x";
    for (int i = 0; i < 1'001; ++i)
        subject += fmt::format("/emailAddress=u{}@example.com", i);
    const auto of_subject = violation(constraints(bases, {}), certificate({}, subject));
    REQUIRE(of_subject);
    CHECK(of_subject->kind == Kind::not_applicable);
    CHECK(of_subject->field == "tbsCertificate.subject");
}

TEST_CASE("names as long as a certificate allows are compared in one go") {
    std::string label(250'000, 'a');
    const Certificate stars = certificate({"dns:" + std::string(250'000, '*')});
    CHECK(kind(constraints({}, {"dns:" + label}), stars) == Kind::excluded);
    std::string dots;
    for (int i = 0; i < 100'000; ++i)
        dots += "*.";
    const Certificate labels = certificate({"dns:" + dots + "a"});
    std::string domain;
    for (int i = 0; i < 100'000; ++i)
        domain += "b.";
    CHECK(kind(constraints({}, {"dns:" + domain + "a"}), labels) == Kind::excluded);
    CHECK(kind(constraints({}, {"dns:" + domain + "c"}), labels) == std::nullopt);
}

TEST_CASE("whatever stands in names and bases, there is an answer fit for a screen") {
    std::mt19937 random(20'090'901);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same every time
    const std::string alphabet =
        std::string(".@*:/\\[]%?#\"-_ aA1") + std::string(1, '\0') + "\x7f\xc3\x1b";
    const std::array<std::string_view, 4> forms{"dns:", "email:", "uri:", "uri:http://"};
    const auto name = [&] {
        std::string written(forms.at(random() % forms.size()));
        for (std::size_t length = random() % 8; length > 0; --length)
            written += alphabet.at(random() % alphabet.size());
        return written;
    };
    std::size_t violations = 0;
    for (int i = 0; i < 1'000; ++i) {
        const NameConstraints held = constraints({name(), name()}, {name()});
        const Certificate below = certificate({name(), name()}, "CN=x");
        for (const bool on_cn : {false, true}) {
            const auto found = find_violation(held, below, {all_forms, on_cn});
            if (!found) continue;
            ++violations;
            REQUIRE(found->detail == printable_utf8(found->detail));
            REQUIRE(found->place.offset + found->place.length <= below.raw.size());
        }
    }
    CHECK(violations > 400);
    CHECK(violations < 2'000);
}

}  // namespace
}  // namespace handset::x509
