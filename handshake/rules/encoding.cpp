// Rules on the encoding itself: BER where DER is asked for, and types filled in wrongly.
#include <algorithm>
#include <array>

#include "handshake/rules/tables.h"

namespace handset::rules {

namespace {

using wire::AlertDescription;
using x509::Oddity;

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

// Real clients tell faults within the value of an extension, which they may not look into, from
// those in the rest of a certificate.
enum class Where { in_extension, in_key, elsewhere };
bool is_within(x509::Place inner, x509::Place outer) {
    return inner.offset >= outer.offset && inner.offset < outer.offset + outer.length;
}
const x509::Extension* extension_at(const x509::Certificate& certificate, x509::Place place) {
    const auto found = std::ranges::find_if(
        certificate.extensions,
        [&](const x509::Extension& extension) { return is_within(place, extension.value_place); });
    return found == certificate.extensions.end() ? nullptr : &*found;
}
Where where_is(const x509::Certificate& certificate, x509::Place place) {
    if (is_within(place, certificate.subject_public_key_info.place)) return Where::in_key;
    return extension_at(certificate, place) ? Where::in_extension : Where::elsewhere;
}

template <Oddity oddity, typename Wanted>
void find_oddity_where(const Evidence& evidence, Findings& findings, Wanted wanted) {
    for_each_certificate(evidence, [&](std::size_t number, const x509::Certificate& certificate) {
        for (const x509::Observation& seen : certificate.observations) {
            if (seen.oddity != oddity || !wanted(certificate, seen)) continue;
            findings.at(number, seen.place, seen.field, detail_of(seen));
        }
    });
}
template <Oddity oddity, Where where>
void find_oddity_in(const Evidence& evidence, Findings& findings) {
    find_oddity_where<oddity>(evidence, findings, [](const auto& certificate, const auto& seen) {
        return where_is(certificate, seen.place) == where;
    });
}
template <Oddity oddity, Where where>
void find_oddity_not_in(const Evidence& evidence, Findings& findings) {
    find_oddity_where<oddity>(evidence, findings, [](const auto& certificate, const auto& seen) {
        return where_is(certificate, seen.place) != where;
    });
}

bool is_in_policies(const x509::Certificate& certificate, const x509::Observation& seen) {
    const x509::Extension* extension = extension_at(certificate, seen.place);
    return extension && x509::known_oid_name(extension->id) == "certificatePolicies";
}
void find_policy_oid_not_minimal(const Evidence& evidence, Findings& findings) {
    find_oddity_where<Oddity::oid_not_minimal>(evidence, findings, is_in_policies);
}
void find_oid_not_minimal(const Evidence& evidence, Findings& findings) {
    find_oddity_where<Oddity::oid_not_minimal>(evidence, findings,
                                               [](const auto& certificate, const auto& seen) {
                                                   return !is_in_policies(certificate, seen);
                                               });
}

bool has_offset(const x509::Certificate&, const x509::Observation& seen) {
    return seen.detail.find_first_of("+-") != std::string::npos;
}
void find_time_offset(const Evidence& evidence, Findings& findings) {
    find_oddity_where<Oddity::time_not_der>(evidence, findings, has_offset);
}
void find_time_not_der(const Evidence& evidence, Findings& findings) {
    find_oddity_where<Oddity::time_not_der>(
        evidence, findings,
        [](const auto& certificate, const auto& seen) { return !has_offset(certificate, seen); });
}

// Of a time's digits, from the month on: whether nothing is wrong but that the month has no such
// day.
bool is_day_too_many(std::string_view from_month) {
    static constexpr std::array<unsigned, 12> days{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const auto number_at = [&](std::size_t at) {
        return static_cast<unsigned>((from_month[at] - '0') * 10 + (from_month[at + 1] - '0'));
    };
    const unsigned month = number_at(0);
    const unsigned day = number_at(2);
    if (month < 1 || month > 12 || day > 31 || number_at(4) > 23 || number_at(6) > 59) return false;
    return day > days.at(month - 1);
}

bool is_day_missing(const x509::Certificate&, const x509::Observation& seen) {
    const std::size_t digits =
        std::min(seen.detail.find_first_not_of("0123456789"), seen.detail.size());
    const std::size_t year = digits >= 14 ? 4 : 2;
    return digits >= year + 8 && is_day_too_many(std::string_view(seen.detail).substr(year));
}
void find_day_too_many(const Evidence& evidence, Findings& findings) {
    find_oddity_where<Oddity::time_unreadable>(evidence, findings, is_day_missing);
}
void find_time_unreadable(const Evidence& evidence, Findings& findings) {
    find_oddity_where<Oddity::time_unreadable>(evidence, findings,
                                               [](const auto& certificate, const auto& seen) {
                                                   return !is_day_missing(certificate, seen);
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

// RFC 5280 4.2.1.10 and 4.2.1.11 give an empty nameConstraints or policyConstraints a demand of its
// own: extension-name-constraints-empty, extension-policy-constraints-empty. So has subjectAltName
// here: extension-san-empty.
void find_sequence_empty(const Evidence& evidence, Findings& findings) {
    const auto is_whole_constraint = [](const x509::Certificate& certificate, x509::Place place) {
        return std::ranges::any_of(certificate.extensions, [&](const x509::Extension& extension) {
            return extension.value_place.offset == place.offset &&
                   (x509::known_oid_name(extension.id) == "subjectAltName" ||
                    std::holds_alternative<x509::NameConstraints>(extension.value) ||
                    std::holds_alternative<x509::PolicyConstraints>(extension.value));
        });
    };
    for_each_certificate(evidence, [&](std::size_t number, const x509::Certificate& certificate) {
        for (const x509::Observation& seen : certificate.observations) {
            if (seen.oddity != Oddity::empty_sequence) continue;
            if (is_whole_constraint(certificate, seen.place)) continue;
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

constexpr std::string_view reissue =
    "Have the certificate issued again by software that writes DER, as OpenSSL does: `openssl x509 "
    "-req -in request.pem -CA ca.pem -CAkey ca.key -days 365 -extfile leaf.ext -out leaf.pem`.";
constexpr std::string_view reissue_key_usage =
    "Have the certificate issued again with keyUsage written by name: `keyUsage = critical, "
    "digitalSignature, keyEncipherment` in OpenSSL's -extfile.";
constexpr std::string_view reissue_dates =
    "Have the certificate issued again with whole dates: `openssl ca -startdate 20250101000000Z "
    "-enddate 20260101000000Z -in request.pem -out leaf.pem`.";

constexpr Rule row(std::string_view id, std::string_view demand, std::string_view citation,
                   void (*check)(const Evidence&, Findings&), std::string_view remedy = reissue) {
    return {id,
            Area::encoding,
            Level::must,
            Step::encoding,
            demand,
            citation,
            AlertDescription::bad_certificate,
            remedy,
            check};
}

constexpr Rule table[] = {
    row("encoding-certificate-undecodable", "A certificate is a DER-encoded Certificate structure.",
        "RFC 5280 4.1", find_undecodable,
        "See where it breaks: `openssl asn1parse -i -in leaf.pem`. Install the file as the CA "
        "delivered it; if that is broken too, have the certificate issued again."),
    row("encoding-length-not-minimal", "Lengths are written in the fewest octets.", "X.690 10.1",
        find_oddity<Oddity::non_minimal_length>),
    row("encoding-length-indefinite", "Lengths are definite.", "X.690 10.1",
        find_oddity_not_in<Oddity::indefinite_length, Where::in_extension>),
    row("encoding-extension-length-indefinite", "Lengths in an extension's value are definite.",
        "X.690 10.1, RFC 5280 4.2", find_oddity_in<Oddity::indefinite_length, Where::in_extension>),
    row("encoding-string-constructed", "Strings are primitive.", "X.690 10.2",
        find_oddity_not_in<Oddity::constructed_string, Where::in_extension>),
    row("encoding-extension-string-constructed", "Strings in an extension's value are primitive.",
        "X.690 10.2, RFC 5280 4.2",
        find_oddity_in<Oddity::constructed_string, Where::in_extension>),
    row("encoding-boolean-not-ff", "TRUE is written 0xFF.", "X.690 11.1",
        find_oddity<Oddity::boolean_not_ff>),
    row("encoding-default-spelt-out", "A component that equals its DEFAULT is left out.",
        "X.690 11.5", find_oddity<Oddity::default_spelt_out>),
    row("encoding-integer-not-minimal", "An INTEGER has no superfluous leading octet.",
        "X.690 8.3.2", find_oddity_not_in<Oddity::integer_not_minimal, Where::in_key>),
    row("encoding-key-integer-not-minimal",
        "An INTEGER of a public key has no superfluous leading octet.", "X.690 8.3.2",
        find_oddity_in<Oddity::integer_not_minimal, Where::in_key>),
    row("encoding-oid-not-minimal", "An object identifier's arcs have no leading 0x80 octet.",
        "X.690 8.19.2", find_oid_not_minimal),
    row("encoding-policy-oid-not-minimal", "A policy's arcs have no leading 0x80 octet.",
        "X.690 8.19.2", find_policy_oid_not_minimal),
    row("encoding-set-not-sorted", "The elements of a SET OF stand in ascending order.",
        "X.690 11.6", find_oddity<Oddity::set_not_sorted>,
        "Ask for a name with one attribute in each of its parts: `openssl req -new -key key.pem "
        "-subj \"/C=DE/O=Example/CN=mail.example.com\" -out request.pem`; have the certificate "
        "issued again for it."),
    row("encoding-bit-string-padding", "The unused bits of a BIT STRING are zero.", "X.690 11.2.1",
        find_oddity<Oddity::bit_string_padding_set>, reissue_key_usage),
    row("encoding-named-bits-trailing-zero", "A named bit list ends with a bit that is set.",
        "X.690 11.2.2", find_oddity<Oddity::named_bits_trailing_zero>, reissue_key_usage),
    row("encoding-time-not-der", "Times have seconds and carry no fraction.", "RFC 5280 4.1.2.5",
        find_time_not_der, reissue_dates),
    row("encoding-time-offset", "Times end in Z.", "RFC 5280 4.1.2.5", find_time_offset,
        reissue_dates),
    row("encoding-time-unreadable", "A time has a month, a day and a time of day in figures.",
        "RFC 5280 4.1.2.5", find_time_unreadable, reissue_dates),
    row("encoding-time-no-such-day", "A time names a day that its month has.", "RFC 5280 4.1.2.5",
        find_day_too_many, reissue_dates),
    row("encoding-string-bad-character", "A string holds only characters of its type.", "X.680 41",
        find_oddity<Oddity::string_bad_character>,
        "Have the certificate issued again with the names as UTF8String: `string_mask = utf8only` "
        "in the CA's and the request's OpenSSL configuration, `openssl req -new -utf8 -key key.pem "
        "-subj \"/O=Example/CN=mail.example.com\" -out request.pem`."),
    row("encoding-utf8-invalid", "A UTF8String holds UTF-8.", "RFC 3629 3",
        find_oddity<Oddity::utf8_invalid>,
        "Have the certificate issued again with the names in UTF-8: `openssl req -new -utf8 -key "
        "key.pem -subj \"/O=Example/CN=mail.example.com\" -out request.pem`."),
    row("encoding-sequence-empty", "A SEQUENCE SIZE (1..MAX) has at least one element.",
        "RFC 5280 4.1, 4.2.1.6", find_sequence_empty,
        "Have the certificate issued again without the empty extension, or with something in it: "
        "`subjectAltName = DNS:mail.example.com`."),
    row("encoding-trailing-data", "Nothing follows the last component of a structure.", "X.690 8.9",
        find_oddity_not_in<Oddity::trailing_data, Where::in_extension>,
        "Octets behind the certificate are cut off by `openssl x509 -inform DER -in leaf.cer -out "
        "leaf.pem`; for octets inside it, have it issued again."),
    row("encoding-extension-trailing-data",
        "Nothing follows the structure in an extension's value.", "X.690 8.9, RFC 5280 4.2",
        find_oddity_in<Oddity::trailing_data, Where::in_extension>),
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
