// BER/DER elements with their place in the outermost object. Reads BER, prefers DER, repairs
// nothing: every departure from DER is written down as an Observation and reading goes on. Only
// bytes that cannot be cut into elements (length past the end, tag missing) are a DecodeError.
#pragma once

#include <boost/container/small_vector.hpp>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "handshake/base/bytes.h"
#include "handshake/base/error.h"

namespace handset::x509 {

// Octets [offset, offset + length) of the outermost object (the certificate, not the file).
struct Place {
    std::size_t offset = 0;
    std::size_t length = 0;
    friend bool operator==(const Place&, const Place&) = default;
};

// An OBJECT IDENTIFIER. Compared by its content octets; arcs that do not fit 64 bits keep their
// octets.
struct Oid {
    boost::container::small_vector<std::uint8_t, 16> der;  // content octets, as encoded

    Oid() = default;
    explicit Oid(ByteView octets) : der(octets.begin(), octets.end()) {}
    // "2.5.29.17". Arcs of more than 32 octets, and a last arc that is cut, appear as their octets
    // in hexadecimal: "1.2.0xff".
    std::string dotted() const;
    std::size_t arc_count() const;
    friend bool operator==(const Oid& a, const Oid& b) { return a.der == b.der; }
    friend bool operator<(const Oid& a, const Oid& b) { return a.der < b.der; }
};
// nullopt for text that is not an OID.
std::optional<Oid> oid_from_dotted(std::string_view text);
// The name the standards use ("subjectAltName", "sha1WithRSAEncryption", "commonName"), or the
// dotted form where no name is known.
std::string oid_name(const Oid& oid);
// The same without the dotted form: empty where no name is known.
std::string_view known_oid_name(const Oid& oid);
// The reverse, for profiles and cases: a name of that table or a dotted OID.
std::optional<Oid> oid_from_name(std::string_view name_or_dotted);
// nullptr for a name that the table does not have. The OID lives as long as the program.
const Oid* find_oid(std::string_view name);

// What departs from DER (X.690 section 10 and 11) or from RFC 5280's profile of a type, yet is
// readable. An Observation's place is the whole element, but for non_minimal_length and
// indefinite_length the length octets, for string_bad_character and utf8_invalid the first such
// character, for trailing_data the octets left over.
enum class Oddity {
    non_minimal_length,        // X.690 10.1
    indefinite_length,         // X.690 10.1
    constructed_string,        // X.690 10.2
    boolean_not_ff,            // X.690 11.1: TRUE written as another octet than 0xff
    default_spelt_out,         // X.690 11.5: a DEFAULT value that is present
    integer_not_minimal,       // X.690 8.3.2
    oid_not_minimal,           // X.690 8.19.2
    set_not_sorted,            // X.690 11.6
    bit_string_padding_set,    // X.690 11.2.1: unused bits that are not zero
    named_bits_trailing_zero,  // X.690 11.2.2
    time_not_der,              // X.690 11.7, 11.8: no seconds, an offset instead of Z, fractions
    time_wrong_type,           // RFC 5280 4.1.2.5: UTCTime from 2050 on, GeneralizedTime before
    time_unreadable,           // no such date, or other characters than digits
    string_bad_character,      // octets that the string type does not allow
    empty_sequence,            // SIZE (1..MAX) broken
    trailing_data,             // octets after the last component of a SEQUENCE, or after the object
    unexpected_tag,            // another tag than the module asks for where reading can go on
    duplicate_field,           // a component that came before
    negative_integer,          // where the module asks for a non-negative one
    utf8_invalid               // octets of a UTF8String that are no character
};
std::string_view oddity_name(Oddity oddity);

struct Observation {
    Oddity oddity{};
    std::string field;  // "tbsCertificate.extensions[2].critical"
    Place place;
    std::string detail;  // "0x01"
    friend bool operator==(const Observation&, const Observation&) = default;
};

enum class TagClass : std::uint8_t { universal = 0, application = 1, context = 2, private_use = 3 };

// One element. `contents` of an indefinite-length element excludes its end-of-contents octets;
// `place` and `encoding` include them.
struct Element {
    TagClass tag_class = TagClass::universal;
    bool constructed = false;
    std::uint32_t tag = 0;
    Place place;           // header and contents
    Place contents_place;  // contents alone
    ByteView contents;
    ByteView encoding;  // header and contents

    bool is_universal(std::uint32_t number) const {
        return tag_class == TagClass::universal && tag == number;
    }
    bool is_context(std::uint32_t number) const {
        return tag_class == TagClass::context && tag == number;
    }
};

// What a component is called in messages: "notAfter", "names[3]", "[2]". The text is borrowed for
// as long as readers that were entered with it.
struct Field {
    static constexpr std::size_t no_index = static_cast<std::size_t>(-1);
    std::string_view name;
    std::size_t index = no_index;

    Field() = default;
    Field(std::string_view text) : name(text) {}  // NOLINT: a Field is its text
    Field(const char* text) : name(text) {}       // NOLINT
    Field(std::string_view list, std::size_t entry) : name(list), index(entry) {}
};

// Walks the elements of one level. Sticky like Reader: after a fault, next() yields nullopt, in
// this reader and in all that were entered from it (they share one error).
// Depth is limited to 32 levels by the callers' grammar; an indefinite-length element is searched
// for its end with the same limit. A family of readers yields 100,000 elements and writes down
// 10,000 observations at most; more is a fault.
class DerReader {
public:
    DerReader(ByteView bytes, std::size_t base_offset, std::string field,
              std::vector<Observation>& observations);

    bool empty() const { return failed() || position_ == bytes_.size(); }
    bool failed() const { return shared_->error.has_value(); }
    const DecodeError& error() const { return *shared_->error; }
    std::size_t offset() const { return absolute(position_); }

    // The next element, whatever its tag; nullopt at the end or after a fault.
    std::optional<Element> next(Field field);
    // The next element without taking it.
    std::optional<Element> peek() const;
    // The next element, which the module demands to have this universal tag. A sister type with the
    // same contents (SET for SEQUENCE, another string type) is an observation, any other tag and
    // the end are a fault. SEQUENCE and SET are constructed, strings and times may be, others are
    // not.
    std::optional<Element> expect(std::uint32_t universal_tag, Field field);

    // A reader over the contents of a constructed element that this reader or one entered from it
    // has yielded; a primitive one is a fault. `within` names the level below the field, where
    // there is one: "base" and "directoryName".
    DerReader enter(const Element& element, Field field, Field within = {});
    // A reader over the octets of a string, whatever its tag. Segments of a constructed one are
    // joined; places still are those in the outermost object.
    DerReader enter_string(const Element& element, Field field);
    // The same for a BIT STRING: without the unused-bits octet, which is returned in `unused_bits`.
    DerReader enter_bit_string(const Element& element, Field field, unsigned& unused_bits);

    // All octets of this level, and the place of some of them.
    ByteView octets() const { return bytes_; }
    Place place_of(std::size_t begin, std::size_t end) const;
    // Of the element that was entered.
    Place place() const { return place_; }

    // Octets that are left are an observation (trailing_data); within a constructed element they
    // still have to be elements.
    void expect_end(Field field = {});
    void observe(Oddity oddity, Field field, Place place, std::string detail = {});
    void fail(Field field, std::string_view reason);
    // `offset` is absolute.
    void fail_at(std::size_t offset, Field field, std::string_view reason);
    // The fault, which is forgotten: for a part that may be unreadable without spoiling the rest.
    std::optional<DecodeError> take_error();
    // "tbsCertificate.validity" and "notAfter" give "tbsCertificate.validity.notAfter"; "[2]" is
    // appended as it stands.
    std::string path(Field field) const;

private:
    // Where a joined string's octets come from: from `joined` on they stand at `absolute`.
    struct Segment {
        std::size_t joined = 0;
        std::size_t absolute = 0;
    };
    struct Joined {
        Bytes octets;
        std::vector<Segment> segments;
        unsigned unused_bits = 0;
    };
    // Fields of the readers that were entered, each with the one it stands in. Text is made of
    // them only where there is something to say.
    struct Step {
        std::size_t parent = 0;
        Field field;
    };
    struct Shared {
        std::string root;  // the field of step 0
        std::vector<Step> steps;
        std::vector<Observation>* observations = nullptr;
        std::optional<DecodeError> error;
        std::list<Joined> joined;
        std::size_t elements_left = 0;
    };
    enum class StringKind { octets, bits };

    DerReader(const DerReader& parent, ByteView bytes, Place place, Field field);
    void add_step(Field field);
    std::string path_of(std::size_t step) const;
    struct Found;
    Element element_of(const Found& found) const;
    DerReader enter_joined(const Element& element, Field field, StringKind kind,
                           unsigned& unused_bits);
    void join(const Element& element, StringKind kind, unsigned depth, Joined& out);
    ByteView bits_of(const Element& element, Field field, unsigned& unused_bits);
    std::size_t absolute(std::size_t position) const;

    ByteView bytes_;
    const std::vector<Segment>* segments_ = nullptr;  // nullptr: one piece
    std::size_t base_offset_;  // absolute, or within the joined octets where there are segments
    std::size_t position_ = 0;
    Place place_;
    bool within_constructed_ = false;
    std::size_t step_ = 0;
    std::shared_ptr<Shared> shared_;
};

// Universal tag numbers (X.680 8.4).
namespace tag {
inline constexpr std::uint32_t boolean = 1, integer = 2, bit_string = 3, octet_string = 4, null = 5,
                               object_identifier = 6, enumerated = 10, utf8_string = 12,
                               sequence = 16, set = 17, numeric_string = 18, printable_string = 19,
                               teletex_string = 20, ia5_string = 22, utc_time = 23,
                               generalized_time = 24, visible_string = 26, universal_string = 28,
                               bmp_string = 30;
}  // namespace tag

}  // namespace handset::x509
