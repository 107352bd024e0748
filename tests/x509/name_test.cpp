#include "handshake/x509/name.h"

#include <algorithm>
#include <catch2/catch.hpp>

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

Certificate with_subject(const Bytes& subject) {
    build::CertificateParts parts;
    parts.subject = subject;
    return build::decode(parts);
}

Name name_of(const Bytes& subject) {
    return with_subject(subject).subject;
}

Name common_name_of(unsigned string_tag, const Bytes& value) {
    return name_of(seq({set({attribute("commonName", string_tag, value)})}));
}

std::string text_of(const Name& name) {
    return name.rdns.at(0).at(0).text;
}

TEST_CASE("an attribute keeps its octets, its string type and its places") {
    const Certificate certificate =
        with_subject(seq({set({attribute("countryName", 0x13, text("US"))}),
                          set({attribute("commonName", 0x0c, text("mail.contoso.com"))})}));
    const Name& name = certificate.subject;
    REQUIRE(name.rdns.size() == 2);
    CHECK(equal(certificate.at(name.place), name.raw));
    const AttributeTypeAndValue& country = name.rdns[0].at(0);
    CHECK(oid_name(country.type) == "countryName");
    CHECK(country.string_type == tag::printable_string);
    CHECK(to_text(country.value) == "US");
    CHECK(to_hex(certificate.at(country.place)) ==
          "300906035504061302"
          "5553");
    CHECK(to_hex(certificate.at(country.value_place)) == "5553");
    CHECK(country.place.offset == name.place.offset + 4);
    CHECK(certificate.observations.empty());
    CHECK_FALSE(name.empty());
    CHECK(name_of(seq({})).empty());
}

TEST_CASE("every string type becomes UTF-8") {
    CHECK(text_of(common_name_of(0x0c, hex("4dc3bc6c6c6572 e282ac f09f9882"))) == "Müller€😂");
    CHECK(text_of(common_name_of(0x13, text("Contoso (US), Ltd. +1/2:=?'-"))) ==
          "Contoso (US), Ltd. +1/2:=?'-");
    CHECK(text_of(common_name_of(0x14, hex("4dfc6c6c6572"))) == "Müller");
    CHECK(text_of(common_name_of(0x1e, hex("004d 00fc 20ac"))) == "Mü€");
    CHECK(text_of(common_name_of(0x1c, hex("0000004d 000000fc 0001f602"))) == "Mü😂");
    CHECK(text_of(common_name_of(0x16, text("a@b\r\n"))) == "a@b\r\n");
    CHECK(text_of(common_name_of(0x12, text("12 34"))) == "12 34");
    CHECK(text_of(common_name_of(0x1a, text("a~b"))) == "a~b");
    CHECK(text_of(common_name_of(0x0c, {})).empty());
}

TEST_CASE("octets that a string type does not allow are observed where the first one stands") {
    struct Row {
        unsigned string_tag;
        std::string_view octets;
        std::string_view text;
        std::size_t at;
        std::size_t length;
    };
    static constexpr Row rows[] = {
        {0x0c, "61 ff 62", "a\ufffdb", 1, 1},                  // not UTF-8
        {0x0c, "c0af", "\ufffd\ufffd", 0, 1},                  // longer than need be
        {0x0c, "61 eda080", "a\ufffd\ufffd\ufffd", 1, 1},      // surrogate
        {0x0c, "f4908080", "\ufffd\ufffd\ufffd\ufffd", 0, 1},  // beyond U+10FFFF
        {0x0c, "61 e282", "a\ufffd\ufffd", 1, 1},              // cut off
        {0x13, "61 2a 40", "a*@", 1, 1},
        {0x13, "61 00", std::string_view("a\0", 2), 1, 1},
        {0x13, "fc", "\ufffd", 0, 1},
        {0x16, "61 fc 62", "a\ufffdb", 1, 1},
        {0x12, "31 41", "1A", 1, 1},
        {0x1a, "61 0a", "a\n", 1, 1},
        {0x1e, "0061 00", "a\ufffd", 2, 1},
        {0x1e, "0061 d83dde02", "a😂", 2, 4},  // UTF-16, which the type is not
        {0x1e, "0061 de02", "a\ufffd", 2, 2},
        {0x1c, "00000061 00110000", "a\ufffd", 4, 4},
        {0x1c, "00000061 0000", "a\ufffd", 4, 2},
    };
    for (const Row& row : rows) {
        INFO(row.string_tag << " " << row.octets);
        const Certificate certificate =
            with_subject(seq({set({attribute("countryName", 0x13, text("US"))}),
                              set({attribute("commonName", row.string_tag, hex(row.octets))})}));
        const AttributeTypeAndValue& value = certificate.subject.rdns.at(1).at(0);
        CHECK(value.text == row.text);
        CHECK(value.value == hex(row.octets));
        REQUIRE(certificate.observations.size() == 1);
        const Observation& observation = certificate.observations[0];
        CHECK(observation.oddity == (row.string_tag == tag::utf8_string
                                         ? Oddity::utf8_invalid
                                         : Oddity::string_bad_character));
        CHECK(observation.field == "tbsCertificate.subject.rdnSequence[1][0].value");
        CHECK(observation.place == Place{value.value_place.offset + row.at, row.length});
        CHECK(observation.detail == "0x" + to_hex(certificate.at(observation.place)));
    }
}

TEST_CASE("a value that is no string is kept, and shown in hexadecimal") {
    const Name name = common_name_of(0x02, hex("0102"));
    CHECK(name.rdns.at(0).at(0).string_type == tag::integer);
    CHECK(text_of(name) == "#02020102");
    CHECK(to_string(name) == "CN=#02020102");

    const Certificate odd = with_subject(seq({set({seq({oid("commonName"), hex("8001aa")})})}));
    CHECK(odd.subject.rdns.at(0).at(0).string_type == 0);
    CHECK(to_hex(odd.subject.rdns.at(0).at(0).value) == "aa");
    REQUIRE(odd.observations.size() == 1);
    CHECK(odd.observations[0].oddity == Oddity::unexpected_tag);
    CHECK(odd.observations[0].field == "tbsCertificate.subject.rdnSequence[0][0].value");
    CHECK(to_hex(odd.at(odd.observations[0].place)) == "8001aa");
}

TEST_CASE("names print as RFC 4514 has it") {
    const auto dc = [](std::string_view value) {
        return set({attribute("domainComponent", 0x16, text(value))});
    };
    const auto cn = [](std::string_view value) {
        return attribute("commonName", 0x0c, text(value));
    };
    // The examples of RFC 4514 section 4.
    CHECK(to_string(name_of(
              seq({dc("net"), dc("example"), set({attribute("userId", 0x0c, text("jsmith"))})}))) ==
          "UID=jsmith,DC=example,DC=net");
    CHECK(to_string(name_of(seq({dc("net"), dc("example"),
                                 set({attribute("organizationalUnitName", 0x0c, text("Sales")),
                                      cn("J.  Smith")})}))) ==
          "OU=Sales+CN=J.  Smith,DC=example,DC=net");
    CHECK(to_string(name_of(seq({dc("net"), set({cn("James \"Jim\" Smith, III")})}))) ==
          "CN=James \\\"Jim\\\" Smith\\, III,DC=net");
    CHECK(to_string(name_of(seq({set({cn("Before\rAfter")})}))) == "CN=Before\\0DAfter");
    CHECK(to_string(name_of(seq({set({attribute("1.3.6.1.4.1.1466.0", 0x04, text("Hi"))})}))) ==
          "1.3.6.1.4.1.1466.0=#04024869");
    CHECK(to_string(name_of(seq({set({cn("Lučić")})}))) == "CN=Lučić");
    // Section 2.4: what is escaped where.
    CHECK(to_string(name_of(seq({set({cn(" #a# b ")})}))) == "CN=\\ #a# b\\ ");
    CHECK(to_string(name_of(seq({set({cn("#a")})}))) == "CN=\\#a");
    CHECK(to_string(name_of(seq({set({cn("+;<>\\=")})}))) == "CN=\\+\\;\\<\\>\\\\=");
    CHECK(to_string(name_of(seq({set({cn(std::string_view("a\0\x1b[31m", 7))})}))) ==
          "CN=a\\00\\1B[31m");
    CHECK(to_string(name_of(seq({set({cn("a\u0085\u202eb")})}))) == "CN=a\\C2\\85\\E2\\80\\AEb");
    // A type without a name: the value in hexadecimal, with its tag.
    CHECK(to_string(name_of(seq({set({attribute("1.2.3.4", 0x0c, text("ab"))})}))) ==
          "1.2.3.4=#0c026162");
    CHECK(to_string(name_of(seq({set({attribute("1.2.3.4", 0x0c, Bytes(200, 0x61))})})))
              .starts_with("1.2.3.4=#0c81c86161"));
    CHECK(to_string(name_of(seq({set({attribute("emailAddress", 0x16, text("a@b.c"))}),
                                 set({attribute("serialNumber", 0x13, text("1"))})}))) ==
          "serialNumber=1,emailAddress=a@b.c");
    CHECK(to_string(Name{}).empty());
}

TEST_CASE("attributes of one type are found in order of appearance") {
    const Name name = name_of(seq({set({attribute("organizationalUnitName", 0x0c, text("a"))}),
                                   set({attribute("commonName", 0x0c, text("x"))}),
                                   set({attribute("organizationalUnitName", 0x13, text("b"))})}));
    const auto units = find_attributes(name, *oid_from_name("organizationalUnitName"));
    REQUIRE(units.size() == 2);
    CHECK(units[0]->text == "a");
    CHECK(units[1]->text == "b");
    CHECK(find_attributes(name, *oid_from_name("countryName")).empty());
}

TEST_CASE("folded comparison ignores string type, case and white space, and nothing else") {
    const auto both = [](const Bytes& a, const Bytes& b) {
        const Name x = name_of(a);
        const Name y = name_of(b);
        CHECK(same_binary(x, y) == (a == b));
        CHECK(same_folded(x, y) == same_folded(y, x));
        return same_folded(x, y);
    };
    const auto cn = [](unsigned string_tag, std::string_view value) {
        return seq({set({attribute("commonName", string_tag, text(value))})});
    };
    CHECK(both(cn(0x0c, "Contoso Root"), cn(0x0c, "Contoso Root")));
    CHECK(both(cn(0x0c, "Contoso Root"), cn(0x13, "contoso ROOT")));
    CHECK(both(cn(0x0c, "  Contoso \t  Root "), cn(0x16, "Contoso Root")));
    CHECK(both(cn(0x0c, "Müller"),
               seq({set({attribute("commonName", 0x1e, hex("004d00fc006c006c00650072"))})})));
    CHECK_FALSE(both(cn(0x0c, "MÜLLER"), cn(0x0c, "müller")));
    CHECK_FALSE(both(cn(0x0c, "Contoso Root"), cn(0x0c, "ContosoRoot")));
    CHECK_FALSE(both(cn(0x0c, "a"), seq({set({attribute("organizationName", 0x0c, text("a"))})})));
    CHECK_FALSE(both(cn(0x0c, "a"), seq({})));
    // What cannot be converted counts by its octets.
    CHECK_FALSE(both(cn(0x0c, "a\xff"), cn(0x0c, "a\xfe")));
    CHECK(both(cn(0x0c, "a\xff"), cn(0x0c, "a\xff")));
    CHECK_FALSE(both(seq({set({attribute("commonName", 0x04, text("A"))})}),
                     seq({set({attribute("commonName", 0x04, text("a"))})})));

    // An RDN is a set; the sequence of RDNs is not.
    const Bytes a = attribute("commonName", 0x0c, text("a"));
    const Bytes b = attribute("commonName", 0x0c, text("B"));
    const Bytes lower_b = attribute("commonName", 0x0c, text("b"));
    CHECK(both(seq({set({a, b})}), seq({set({lower_b, a})})));
    CHECK_FALSE(both(seq({set({a, a})}), seq({set({a, b})})));
    CHECK_FALSE(both(seq({set({a}), set({b})}), seq({set({b}), set({a})})));
    CHECK_FALSE(both(seq({set({a, b})}), seq({set({a}), set({b})})));
}

GeneralName general_name_of(const Bytes& encoding) {
    build::CertificateParts parts;
    parts.extensions = build::extension("subjectAltName", seq({encoding}));
    const Certificate certificate = build::decode(parts);
    const auto* names = find_value<GeneralNames>(certificate, "subjectAltName");
    REQUIRE(names);
    REQUIRE(names->names.size() == 1);
    const GeneralName& name = names->names[0];
    CHECK(equal(certificate.at(name.place), encoding));
    if (!name.value.empty()) CHECK(equal(certificate.at(name.value_place), name.value));
    return name;
}

TEST_CASE("all kinds of GeneralName are read and printed") {
    const auto check = [](const Bytes& encoding, GeneralNameType type, std::string_view printed) {
        INFO(printed);
        const GeneralName name = general_name_of(encoding);
        CHECK(name.type == type);
        CHECK(to_string(name) == printed);
        CHECK(to_string(name).starts_with(general_name_type_name(type)));
    };
    check(context_constructed(
              0, join({oid("userPrincipalName"), context_constructed(0, tlv(0x0c, text("a@b")))})),
          GeneralNameType::other_name,
          "otherName userPrincipalName 0x060a2b060104018237140203a0050c03... (19 octets)");
    check(context(1, text("a@b.c")), GeneralNameType::rfc822_name, "rfc822Name a@b.c");
    check(context(2, text("mail.contoso.com")), GeneralNameType::dns_name,
          "dNSName mail.contoso.com");
    check(context(2, hex("61 00 1b 0a 5c")), GeneralNameType::dns_name,
          "dNSName a\\x00\\x1b\\x0a\\x5c");
    check(context_constructed(3, hex("3000")), GeneralNameType::x400_address, "x400Address 0x3000");
    check(context_constructed(4, build::common_name("a")), GeneralNameType::directory_name,
          "directoryName CN=a");
    check(context_constructed(5, context_constructed(1, tlv(0x0c, text("p")))),
          GeneralNameType::edi_party_name, "ediPartyName 0xa1030c0170");
    check(context(6, text("http://a/")), GeneralNameType::uniform_resource_identifier,
          "uniformResourceIdentifier http://a/");
    check(context(7, hex("c0000201")), GeneralNameType::ip_address, "iPAddress 192.0.2.1");
    check(context(7, hex("20010db8000000000000000000000001")), GeneralNameType::ip_address,
          "iPAddress 2001:db8::1");
    check(context(7, hex("c0a80000ffff0000")), GeneralNameType::ip_address,
          "iPAddress 192.168.0.0/255.255.0.0");
    check(context(7, hex("0102")), GeneralNameType::ip_address, "iPAddress 0x0102");
    check(context(7, {}), GeneralNameType::ip_address, "iPAddress 0x");
    check(context(8, hex("2a0304")), GeneralNameType::registered_id, "registeredID 1.2.3.4");
    CHECK(general_name_of(context_constructed(4, build::common_name("a"))).directory_name->raw ==
          build::common_name("a"));
    CHECK(general_name_of(
              context_constructed(0, join({oid("1.2.3"), context_constructed(0, hex("0500"))})))
              .other_name_type == oid_from_dotted("1.2.3"));
}

TEST_CASE("what is no GeneralName spoils the extension, not the certificate") {
    const auto error_of = [](const Bytes& encoding) {
        build::CertificateParts parts;
        parts.extensions =
            build::extension("subjectAltName", seq({context(2, text("a")), encoding}));
        const Certificate certificate = build::decode(parts);
        const Extension& extension = certificate.extensions.at(0);
        CHECK(extension.value.index() == 0);
        REQUIRE(extension.decode_error);
        const std::size_t second = extension.value_place.offset + 5;
        CHECK(extension.decode_error->offset >= second);
        return extension.decode_error->field + ": " + extension.decode_error->reason;
    };
    const std::string path = "tbsCertificate.extensions[0].extnValue.names[1]";
    CHECK(error_of(tlv(0x16, text("a"))) == path + ": not a GeneralName");
    CHECK(error_of(context(9, text("a"))) == path + ": not a GeneralName");
    CHECK(error_of(context(4, {})) ==
          path + ".directoryName: primitive encoding of a constructed type");
    CHECK(error_of(context_constructed(4, {})) == path + ".directoryName: SEQUENCE is missing");
    CHECK(error_of(context_constructed(0, oid("1.2.3"))) ==
          path + ".otherName.value: value is missing");
    CHECK(error_of(context_constructed(8, hex("2a03"))) ==
          path + ": constructed encoding of a primitive type");
}

}  // namespace
}  // namespace handset::x509
