// Readers of the ASN.1 types that certificates and certificate requests are made of, on top of
// DerReader. Internal to handshake/x509. All are sticky: after a fault they return empty values,
// and the fault stands in the reader. Deliberately not done here: judging, and repairing anything.
#pragma once

#include <fmt/format.h>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "handshake/x509/certificate.h"
#include "handshake/x509/der.h"

namespace handset::x509 {

inline constexpr std::size_t max_extensions = 1'000;
inline constexpr std::size_t max_list_entries = 10'000;

enum class Sign { any, not_negative };
enum class Emptiness { allowed, observed };

// "0x01ff", cut after 16 octets.
std::string hex_detail(ByteView octets);
// Of the octets read as an unsigned number.
std::size_t bit_length(ByteView octets);

// The functions on an Element do not look at its tag, which may be implicit.
Integer integer_of(DerReader& in, const Element& element, Field field, Sign sign);
Integer take_integer(DerReader& in, Field field, Sign sign);
bool boolean_of(DerReader& in, const Element& element, Field field);
Oid oid_of(DerReader& in, const Element& element, Field field);
Oid take_oid(DerReader& in, Field field);
Bytes octets_of(DerReader& in, const Element& element, Field field);
Bytes bits_of(DerReader& in, const Element& element, Field field);
// Bit i is 1 << i; bits from 16 on are left out.
std::uint16_t named_bits_of(DerReader& in, const Element& element, Field field);

// The entries of a SEQUENCE OF or SET OF: `take` reads one, with its field "names[3]".
template <typename Take>
void each(DerReader& in, std::string_view list, Emptiness emptiness, Take&& take) {
    if (in.empty() && !in.failed() && emptiness == Emptiness::observed)
        in.observe(Oddity::empty_sequence, list, in.place());
    for (std::size_t index = 0; !in.empty(); ++index) {
        if (index == max_list_entries)
            return in.fail(list, fmt::format("more than {} entries", max_list_entries));
        take(Field(list, index));
    }
}

// The rest of a SEQUENCE whose components are all OPTIONAL and tagged first_tag, first_tag + 1,
// ...: one slot per name. Of a component that stands there twice, the first counts.
std::vector<std::optional<Element>> take_tagged(DerReader& in, std::uint32_t first_tag,
                                                std::initializer_list<std::string_view> names);

struct StringValue {
    Bytes value;
    std::string text;
    Place place;  // contents
};
// `universal_tag` says how to read the octets; text is "#" and the element in hexadecimal for a
// type that is no character string.
StringValue string_of(DerReader& in, const Element& element, std::uint32_t universal_tag,
                      Field field);

Name take_name(DerReader& in, Field field);
GeneralName take_general_name(DerReader& in, Field field);
// The entries of GeneralNames, whose SEQUENCE (or implicit tag) has been entered.
std::vector<GeneralName> take_general_names(DerReader& in, std::string_view list);

// `parameters`: the element of the parameters, where they are present.
AlgorithmIdentifier take_algorithm_identifier(DerReader& in, Field field,
                                              std::optional<Element>* parameters = nullptr);
SubjectPublicKeyInfo take_subject_public_key_info(DerReader& in, Field field);
// The Extensions SEQUENCE itself.
std::vector<Extension> take_extensions(DerReader& in, Field field);

}  // namespace handset::x509
