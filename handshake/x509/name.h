// Distinguished names and general names (RFC 5280 4.1.2.4, 4.2.1.6).
#pragma once

#include <string>
#include <vector>

#include "handshake/x509/der.h"

namespace handset::x509 {

struct AttributeTypeAndValue {
    Oid type;
    std::uint32_t string_type = 0;  // universal tag number of the value; 0 when it is not universal
    Bytes value;                    // content octets as encoded
    std::string text;               // UTF-8; octets that cannot be converted appear as U+FFFD
    Place place;                    // the AttributeTypeAndValue
    Place value_place;              // content octets of the value
    friend bool operator==(const AttributeTypeAndValue&, const AttributeTypeAndValue&) = default;
};

using RelativeDistinguishedName = std::vector<AttributeTypeAndValue>;

struct Name {
    std::vector<RelativeDistinguishedName> rdns;  // as encoded: most general first, as a rule
    Bytes raw;                                    // the whole SEQUENCE
    Place place;
    std::string folded;  // fold(rdns); decoding fills it in
    bool empty() const { return rdns.empty(); }
    friend bool operator==(const Name&, const Name&) = default;
};

// RFC 4514 order and escaping (last RDN first): "CN=mail.contoso.com,O=Contoso,C=US".
std::string to_string(const Name& name);
// All values of one attribute type in order of appearance (commonName:
// oid_from_name("commonName")).
std::vector<const AttributeTypeAndValue*> find_attributes(const Name& name, const Oid& type);
// Same octets.
bool same_binary(const Name& a, const Name& b);
// RFC 5280 7.1: attribute by attribute, string types ignored, case folded (ASCII), white space
// folded.
bool same_folded(const Name& a, const Name& b);
// Equal for two names exactly when same_folded() holds for them: for looking names up. A view of
// Name::folded.
std::string_view folded_key(const Name& name);
std::string fold(const std::vector<RelativeDistinguishedName>& rdns);

// GeneralName (RFC 5280 4.2.1.6). The number is the context tag.
enum class GeneralNameType : std::uint8_t {
    other_name = 0,
    rfc822_name = 1,
    dns_name = 2,
    x400_address = 3,
    directory_name = 4,
    edi_party_name = 5,
    uniform_resource_identifier = 6,
    ip_address = 7,
    registered_id = 8
};
std::string_view general_name_type_name(GeneralNameType type);  // "dNSName"

struct GeneralName {
    GeneralNameType type{};
    Bytes value;  // content octets as encoded (directoryName: the Name's encoding)
    std::optional<Name> directory_name;
    std::optional<Oid> other_name_type;  // otherName's type-id
    Place place;                         // header and contents
    Place value_place;                   // contents
    friend bool operator==(const GeneralName&, const GeneralName&) = default;
};
// "dNSName mail.contoso.com", "iPAddress 192.0.2.1", printable whatever the octets are.
std::string to_string(const GeneralName& name);

}  // namespace handset::x509
