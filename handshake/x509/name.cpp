#include "handshake/x509/name.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "handshake/x509/grammar.h"

namespace handset::x509 {
namespace {

constexpr char32_t replacement = 0xfffd;

void append_utf8(std::string& out, char32_t c) {
    const auto put = [&out](char32_t octet) { out.push_back(static_cast<char>(octet)); };
    if (c < 0x80) {
        put(c);
    } else if (c < 0x800) {
        put(0xc0 | (c >> 6));
        put(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        put(0xe0 | (c >> 12));
        put(0x80 | ((c >> 6) & 0x3f));
        put(0x80 | (c & 0x3f));
    } else {
        put(0xf0 | (c >> 18));
        put(0x80 | ((c >> 12) & 0x3f));
        put(0x80 | ((c >> 6) & 0x3f));
        put(0x80 | (c & 0x3f));
    }
}

struct Character {
    char32_t code = replacement;
    std::size_t length = 1;  // octets
    bool allowed = false;    // by the string type
};

bool is_surrogate(char32_t c) {
    return c >= 0xd800 && c <= 0xdfff;
}

// RFC 3629: shortest form only, no surrogates, up to U+10FFFF.
Character utf8_at(ByteView octets) {
    const std::uint8_t first = octets[0];
    if (first < 0x80) return {first, 1, true};
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || octets.size() < length) return {};
    char32_t code = first & (0xffU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
        if ((octets[i] & 0xc0) != 0x80) return {};
        code = code << 6 | (octets[i] & 0x3fU);
    }
    static constexpr std::array<char32_t, 5> smallest{0, 0, 0x80, 0x800, 0x10000};
    if (code < smallest[length] || code > 0x10ffff || is_surrogate(code)) return {};
    return {code, length, true};
}

// UTF-16BE, as Microsoft fills BMPStrings; the type itself has no surrogates.
Character bmp_at(ByteView octets) {
    if (octets.size() < 2) return {};
    const auto unit = [octets](std::size_t i) {
        return static_cast<char32_t>(octets[i] << 8 | octets[i + 1]);
    };
    const char32_t high = unit(0);
    if (!is_surrogate(high)) return {high, 2, true};
    if (high < 0xdc00 && octets.size() >= 4) {
        const char32_t low = unit(2);
        if (low >= 0xdc00 && low <= 0xdfff)
            return {0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00), 4, false};
    }
    return {replacement, 2, false};
}

Character universal_at(ByteView octets) {
    if (octets.size() < 4) return {replacement, octets.size(), false};
    const char32_t code = static_cast<char32_t>(octets[0]) << 24 |
                          static_cast<char32_t>(octets[1]) << 16 |
                          static_cast<char32_t>(octets[2]) << 8 | octets[3];
    if (code > 0x10ffff || is_surrogate(code)) return {replacement, 4, false};
    return {code, 4, true};
}

bool is_digit(std::uint8_t octet) {
    return octet >= '0' && octet <= '9';
}

bool is_printable_string_character(std::uint8_t octet) {
    const bool letter = (octet >= 'a' && octet <= 'z') || (octet >= 'A' && octet <= 'Z');
    return letter || is_digit(octet) ||
           (octet != 0 && std::string_view(" '()+,-./:=?").find(static_cast<char>(octet)) !=
                              std::string_view::npos);
}

Character character_at(std::uint32_t string_type, ByteView octets) {
    const std::uint8_t first = octets[0];
    const auto ascii = [first](bool allowed) {
        return first < 0x80 ? Character{first, 1, allowed} : Character{};
    };
    switch (string_type) {
        case tag::utf8_string:
            return utf8_at(octets);
        case tag::bmp_string:
            return bmp_at(octets);
        case tag::universal_string:
            return universal_at(octets);
        case tag::teletex_string:
            return {first, 1, true};
        case tag::numeric_string:
            return ascii(is_digit(first) || first == ' ');
        case tag::printable_string:
            return ascii(is_printable_string_character(first));
        case tag::visible_string:
            return ascii(first >= 0x20 && first < 0x7f);
        default:
            return ascii(true);
    }
}

bool is_character_string(std::uint32_t number) {
    switch (number) {
        case tag::utf8_string:
        case tag::numeric_string:
        case tag::printable_string:
        case tag::teletex_string:
        case tag::ia5_string:
        case tag::visible_string:
        case tag::universal_string:
        case tag::bmp_string:
            return true;
        default:
            return false;
    }
}

// Control characters, and those that reorder or break lines on a screen.
bool is_unsafe(char32_t c) {
    return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x061c || (c >= 0x200b && c <= 0x200f) ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) || c == 0xfeff;
}

std::string escaped(std::string_view text) {
    const ByteView octets = view_of(text);
    std::string out;
    for (std::size_t i = 0; i < octets.size();) {
        const Character c = utf8_at(octets.subspan(i));
        const bool at_edge = i == 0 || i + 1 == octets.size();
        if (!c.allowed || is_unsafe(c.code)) {
            for (std::size_t j = 0; j < c.length; ++j)
                out += fmt::format("\\{:02X}", octets[i + j]);
        } else {
            const bool special =
                c.code < 0x80 && std::string_view("\"+,;<>\\").find(static_cast<char>(c.code)) !=
                                     std::string_view::npos;
            if (special || (c.code == ' ' && at_edge) || (c.code == '#' && i == 0))
                out.push_back('\\');
            out += text.substr(i, c.length);
        }
        i += c.length;
    }
    return out;
}

// RFC 4514 section 3 gives the short ones; other registered types go by their name.
std::string attribute_keyword(const Oid& type) {
    struct Keyword {
        std::string_view name;
        std::string_view keyword;
    };
    static constexpr Keyword keywords[] = {{"commonName", "CN"},
                                           {"localityName", "L"},
                                           {"stateOrProvinceName", "ST"},
                                           {"organizationName", "O"},
                                           {"organizationalUnitName", "OU"},
                                           {"countryName", "C"},
                                           {"streetAddress", "STREET"},
                                           {"domainComponent", "DC"},
                                           {"userId", "UID"}};
    const std::string_view name = known_oid_name(type);
    for (const Keyword& row : keywords)
        if (row.name == name) return std::string(row.keyword);
    return name.empty() ? type.dotted() : std::string(name);
}

// X.690 8.1: for the hexadecimal form, RFC 4514 2.4.
std::string hex_element(std::uint32_t string_type, ByteView contents) {
    Bytes out{static_cast<std::uint8_t>(string_type)};
    const std::size_t length = contents.size();
    if (length < 0x80) {
        out.push_back(static_cast<std::uint8_t>(length));
    } else {
        Bytes octets;
        for (std::size_t rest = length; rest != 0; rest >>= 8)
            octets.push_back(static_cast<std::uint8_t>(rest));
        out.push_back(static_cast<std::uint8_t>(0x80 | octets.size()));
        out.insert(out.end(), octets.rbegin(), octets.rend());
    }
    append(out, contents);
    return "#" + to_hex(out);
}

std::string attribute_text(const AttributeTypeAndValue& attribute) {
    const std::string keyword = attribute_keyword(attribute.type);
    if (!is_character_string(attribute.string_type) && attribute.text.starts_with('#'))
        return keyword + "=#" + escaped(std::string_view(attribute.text).substr(1));
    if (keyword.empty() || is_digit(static_cast<std::uint8_t>(keyword.front())))
        return keyword + '=' + hex_element(attribute.string_type, attribute.value);
    return keyword + '=' + escaped(attribute.text);
}

// RFC 5280 7.1 with ASCII case and white space only; text that could not be converted counts by
// its octets.
void append_folded(std::string& key, const AttributeTypeAndValue& attribute) {
    const auto is_space = [](char c) { return c == ' ' || (c >= '\t' && c <= '\r'); };
    key.append(attribute.type.der.begin(), attribute.type.der.end());
    key.push_back('\0');
    if (!is_character_string(attribute.string_type) ||
        attribute.text.find("\xef\xbf\xbd") != std::string::npos) {
        key += fmt::format("{}#", attribute.string_type) + to_hex(attribute.value);
        return;
    }
    bool pending_space = false;
    bool begun = false;
    for (const char c : attribute.text) {
        if (is_space(c)) {
            pending_space = begun;
            continue;
        }
        if (pending_space) key.push_back(' ');
        pending_space = false;
        begun = true;
        key.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
    }
}

// The length in front, so that no text of one attribute can look like two.
void append_with_length(std::string& key, std::string_view attribute) {
    key += std::to_string(attribute.size());
    key.push_back(':');
    key += attribute;
}

AttributeTypeAndValue take_attribute(DerReader& in, Field field) {
    AttributeTypeAndValue attribute;
    const auto sequence = in.expect(tag::sequence, field);
    if (!sequence) return attribute;
    attribute.place = sequence->place;
    DerReader body = in.enter(*sequence, field);
    attribute.type = take_oid(body, "type");
    if (body.empty()) {
        body.fail("value", "value is missing");
        return attribute;
    }
    const auto value = body.next("value");
    if (!value) return attribute;
    if (value->tag_class == TagClass::universal) attribute.string_type = value->tag;
    if (is_character_string(attribute.string_type)) {
        StringValue string = string_of(body, *value, attribute.string_type, "value");
        attribute.value = std::move(string.value);
        attribute.text = std::move(string.text);
    } else {
        attribute.value = to_bytes(value->contents);
        attribute.text = "#" + to_hex(value->encoding);
        if (attribute.string_type == 0)
            body.observe(Oddity::unexpected_tag, "value", value->place,
                         hex_detail(value->encoding));
    }
    attribute.value_place = value->contents_place;
    body.expect_end();
    return attribute;
}

std::string address_text(ByteView octets) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = octets.size() == 4 ? AF_INET : AF_INET6;
    inet_ntop(family, octets.data(), text.data(), static_cast<socklen_t>(text.size()));
    return text.data();
}

std::string ip_address_text(ByteView octets) {
    const std::size_t size = octets.size();
    if (size == 4 || size == 16) return address_text(octets);
    if (size == 8 || size == 32)  // RFC 5280 4.2.1.10: address and mask
        return address_text(octets.first(size / 2)) + '/' + address_text(octets.last(size / 2));
    return hex_detail(octets);
}

}  // namespace

// --- decoding -----------------------------------------------------------------------------------

StringValue string_of(DerReader& in, const Element& element, std::uint32_t universal_tag,
                      Field field) {
    const DerReader string = in.enter_string(element, field);
    const ByteView octets = string.octets();
    StringValue out{to_bytes(octets), {}, element.contents_place};
    bool seen_bad = false;
    for (std::size_t i = 0; i < octets.size();) {
        const Character c = character_at(universal_tag, octets.subspan(i));
        append_utf8(out.text, c.code);
        if (!c.allowed && !seen_bad) {
            seen_bad = true;
            constexpr std::uint32_t utf8_string = 12;
            in.observe(
                universal_tag == utf8_string ? Oddity::utf8_invalid : Oddity::string_bad_character,
                field, string.place_of(i, i + c.length), hex_detail(octets.subspan(i, c.length)));
        }
        i += c.length;
    }
    return out;
}

Name take_name(DerReader& in, Field field) {
    Name name;
    const auto sequence = in.expect(tag::sequence, field);
    if (!sequence) return name;
    name.raw = to_bytes(sequence->encoding);
    name.place = sequence->place;
    DerReader rdns = in.enter(*sequence, field);
    each(rdns, "rdnSequence", Emptiness::allowed, [&](Field rdn_field) {
        RelativeDistinguishedName& rdn = name.rdns.emplace_back();
        const auto set = rdns.expect(tag::set, rdn_field);
        if (!set) return;
        DerReader attributes = rdns.enter(*set, rdn_field);
        ByteView previous;
        bool sorted = true;
        each(attributes, "", Emptiness::observed, [&](Field attribute_field) {
            if (const auto ahead = attributes.peek()) {
                if (std::ranges::lexicographical_compare(ahead->encoding, previous)) sorted = false;
                previous = ahead->encoding;
            }
            rdn.push_back(take_attribute(attributes, attribute_field));
        });
        if (!sorted) rdns.observe(Oddity::set_not_sorted, rdn_field, set->place);
    });
    name.folded = fold(name.rdns);
    return name;
}

GeneralName take_general_name(DerReader& in, Field field) {
    GeneralName name;
    const std::size_t begin = in.offset();
    const auto element = in.next(field);
    if (!element) {
        in.fail_at(begin, field, "GeneralName is missing");
        return name;
    }
    if (element->tag_class != TagClass::context || element->tag > 8) {
        in.fail_at(begin, field, "not a GeneralName");
        return name;
    }
    name.type = static_cast<GeneralNameType>(element->tag);
    name.place = element->place;
    name.value_place = element->contents_place;
    name.value = to_bytes(element->contents);
    switch (name.type) {
        case GeneralNameType::rfc822_name:
        case GeneralNameType::dns_name:
        case GeneralNameType::uniform_resource_identifier:
            name.value = string_of(in, *element, tag::ia5_string, field).value;
            break;
        case GeneralNameType::ip_address:
            name.value = octets_of(in, *element, field);
            break;
        case GeneralNameType::registered_id:
            oid_of(in, *element, field);
            break;
        case GeneralNameType::directory_name: {  // EXPLICIT, as Name is a CHOICE
            DerReader body = in.enter(*element, field, "directoryName");
            name.directory_name = take_name(body, {});
            body.expect_end();
            break;
        }
        case GeneralNameType::other_name: {
            DerReader body = in.enter(*element, field, "otherName");
            name.other_name_type = take_oid(body, "type-id");
            if (body.empty()) body.fail("value", "value is missing");
            body.next("value");
            body.expect_end();
            break;
        }
        case GeneralNameType::x400_address:
        case GeneralNameType::edi_party_name:
            break;
    }
    return name;
}

std::vector<GeneralName> take_general_names(DerReader& in, std::string_view list) {
    std::vector<GeneralName> names;
    each(in, list, Emptiness::observed,
         [&](Field field) { names.push_back(take_general_name(in, field)); });
    return names;
}

// --- names --------------------------------------------------------------------------------------

std::string to_string(const Name& name) {
    std::string text;
    for (auto rdn = name.rdns.rbegin(); rdn != name.rdns.rend(); ++rdn) {
        if (rdn != name.rdns.rbegin()) text.push_back(',');
        for (std::size_t i = 0; i < rdn->size(); ++i) {
            if (i > 0) text.push_back('+');
            text += attribute_text((*rdn)[i]);
        }
    }
    return text;
}

std::vector<const AttributeTypeAndValue*> find_attributes(const Name& name, const Oid& type) {
    std::vector<const AttributeTypeAndValue*> found;
    for (const RelativeDistinguishedName& rdn : name.rdns)
        for (const AttributeTypeAndValue& attribute : rdn)
            if (attribute.type == type) found.push_back(&attribute);
    return found;
}

bool same_binary(const Name& a, const Name& b) {
    return a.raw == b.raw;
}

bool same_folded(const Name& a, const Name& b) {
    return a.folded == b.folded;
}

std::string_view folded_key(const Name& name) {
    return name.folded;
}

std::string fold(const std::vector<RelativeDistinguishedName>& rdns) {
    std::string key;
    std::string attribute;
    for (const RelativeDistinguishedName& rdn : rdns) {
        key += std::to_string(rdn.size());
        key.push_back(',');
        if (rdn.size() == 1) {
            attribute.clear();
            append_folded(attribute, rdn.front());
            append_with_length(key, attribute);
            continue;
        }
        std::vector<std::string> attributes(rdn.size());
        for (std::size_t i = 0; i < rdn.size(); ++i)
            append_folded(attributes[i], rdn[i]);
        std::ranges::sort(attributes);
        for (const std::string& one : attributes)
            append_with_length(key, one);
    }
    return key;
}

std::string_view general_name_type_name(GeneralNameType type) {
    switch (type) {
        case GeneralNameType::other_name:
            return "otherName";
        case GeneralNameType::rfc822_name:
            return "rfc822Name";
        case GeneralNameType::dns_name:
            return "dNSName";
        case GeneralNameType::x400_address:
            return "x400Address";
        case GeneralNameType::directory_name:
            return "directoryName";
        case GeneralNameType::edi_party_name:
            return "ediPartyName";
        case GeneralNameType::uniform_resource_identifier:
            return "uniformResourceIdentifier";
        case GeneralNameType::ip_address:
            return "iPAddress";
        case GeneralNameType::registered_id:
            return "registeredID";
    }
    return "unknown";
}

std::string to_string(const GeneralName& name) {
    std::string value;
    switch (name.type) {
        case GeneralNameType::rfc822_name:
        case GeneralNameType::dns_name:
        case GeneralNameType::uniform_resource_identifier:
            value = printable(name.value);
            break;
        case GeneralNameType::ip_address:
            value = ip_address_text(name.value);
            break;
        case GeneralNameType::registered_id:
            value = Oid(name.value).dotted();
            break;
        case GeneralNameType::directory_name:
            value = name.directory_name ? to_string(*name.directory_name) : hex_detail(name.value);
            break;
        case GeneralNameType::other_name:
            if (name.other_name_type) value = oid_name(*name.other_name_type) + ' ';
            value += hex_detail(name.value);
            break;
        case GeneralNameType::x400_address:
        case GeneralNameType::edi_party_name:
            value = hex_detail(name.value);
            break;
    }
    return fmt::format("{} {}", general_name_type_name(name.type), value);
}

}  // namespace handset::x509
