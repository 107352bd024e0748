// Rules on the encoding itself: BER where DER is asked for, and types filled in wrongly.
#include <algorithm>

#include "handshake/rules/tables.h"

namespace handset::rules {

namespace {

using wire::AlertDescription;
using x509::Oddity;

constexpr std::string_view reissue =
    "Have the certificate issued again by software that writes DER.";

std::string detail_of(const x509::Observation& seen) {
    if (!seen.detail.empty()) return seen.detail;
    std::string words(x509::oddity_name(seen.oddity));
    std::ranges::replace(words, '-', ' ');
    return words;
}

// One row per oddity the reader records.
template <Oddity oddity>
void find_oddity(const Evidence& evidence, Findings& findings) {
    for_each_certificate(evidence, [&](std::size_t number, const x509::Certificate& certificate) {
        for (const x509::Observation& seen : certificate.observations) {
            if (seen.oddity == oddity) findings.at(number, seen.place, seen.field, detail_of(seen));
        }
    });
}

// Whole extensions that come twice have a rule of their own, extension-duplicate.
void find_field_duplicate(const Evidence& evidence, Findings& findings) {
    for_each_certificate(evidence, [&](std::size_t number, const x509::Certificate& certificate) {
        for (const x509::Observation& seen : certificate.observations) {
            if (seen.oddity != Oddity::duplicate_field) continue;
            const bool is_extension =
                std::ranges::find(certificate.extensions, seen.place, &x509::Extension::place) !=
                certificate.extensions.end();
            if (is_extension) continue;
            findings.at(number, seen.place, seen.field, detail_of(seen));
        }
    });
}

void find_undecodable(const Evidence& evidence, Findings& findings) {
    for (std::size_t number = 0; number < evidence.chain.size(); ++number) {
        const ChainEntry& entry = evidence.chain[number];
        if (!entry.error) continue;
        const std::size_t left =
            entry.error->offset < entry.der.size() ? entry.der.size() - entry.error->offset : 0;
        findings.at(number, {entry.error->offset, std::min<std::size_t>(left, 16)},
                    entry.error->field, entry.error->reason);
    }
}

constexpr Rule row(std::string_view id, std::string_view demand, std::string_view citation,
                   void (*check)(const Evidence&, Findings&)) {
    return {id,
            Area::encoding,
            Level::must,
            Step::encoding,
            demand,
            citation,
            AlertDescription::bad_certificate,
            reissue,
            check};
}

constexpr Rule table[] = {
    row("encoding-certificate-undecodable", "A certificate is a DER-encoded Certificate structure.",
        "RFC 5280 4.1", find_undecodable),
    row("encoding-length-not-minimal", "Lengths are written in the fewest octets.", "X.690 10.1",
        find_oddity<Oddity::non_minimal_length>),
    row("encoding-length-indefinite", "Lengths are definite.", "X.690 10.1",
        find_oddity<Oddity::indefinite_length>),
    row("encoding-string-constructed", "Strings are primitive.", "X.690 10.2",
        find_oddity<Oddity::constructed_string>),
    row("encoding-boolean-not-ff", "TRUE is written 0xFF.", "X.690 11.1",
        find_oddity<Oddity::boolean_not_ff>),
    row("encoding-default-spelt-out", "A component that equals its DEFAULT is left out.",
        "X.690 11.5", find_oddity<Oddity::default_spelt_out>),
    row("encoding-integer-not-minimal", "An INTEGER has no superfluous leading octet.",
        "X.690 8.3.2", find_oddity<Oddity::integer_not_minimal>),
    row("encoding-oid-not-minimal", "An object identifier's arcs have no leading 0x80 octet.",
        "X.690 8.19.2", find_oddity<Oddity::oid_not_minimal>),
    row("encoding-set-not-sorted", "The elements of a SET OF stand in ascending order.",
        "X.690 11.6", find_oddity<Oddity::set_not_sorted>),
    row("encoding-bit-string-padding", "The unused bits of a BIT STRING are zero.", "X.690 11.2.1",
        find_oddity<Oddity::bit_string_padding_set>),
    row("encoding-named-bits-trailing-zero", "A named bit list ends with a bit that is set.",
        "X.690 11.2.2", find_oddity<Oddity::named_bits_trailing_zero>),
    row("encoding-time-not-der", "Times have seconds, end in Z and carry no fraction.",
        "RFC 5280 4.1.2.5", find_oddity<Oddity::time_not_der>),
    row("encoding-time-unreadable", "A time names a day and a time of day that exist.",
        "RFC 5280 4.1.2.5", find_oddity<Oddity::time_unreadable>),
    row("encoding-string-bad-character", "A string holds only characters of its type.", "X.680 41",
        find_oddity<Oddity::string_bad_character>),
    row("encoding-sequence-empty", "A SEQUENCE SIZE (1..MAX) has at least one element.",
        "RFC 5280 4.1, 4.2.1.6", find_oddity<Oddity::empty_sequence>),
    row("encoding-trailing-data", "Nothing follows the last component of a structure.", "X.690 8.9",
        find_oddity<Oddity::trailing_data>),
    row("encoding-unexpected-tag", "Every component has the tag of its type.",
        "RFC 5280 Appendix A", find_oddity<Oddity::unexpected_tag>),
    row("encoding-field-duplicate", "A component appears once.", "RFC 5280 Appendix A",
        find_field_duplicate),
};

}  // namespace

std::span<const Rule> encoding_rules() {
    return table;
}

}  // namespace handset::rules
