#include "handshake/x509/der.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

#include "handshake/x509/grammar.h"

namespace handset::x509 {
namespace {

constexpr unsigned max_depth = 32;
constexpr std::size_t max_elements = 100'000;
constexpr std::size_t max_observations = 10'000;

// What one header says; positions are indices into the octets at hand.
struct Header {
    TagClass tag_class = TagClass::universal;
    bool constructed = false;
    std::uint32_t tag = 0;
    bool tag_not_minimal = false;
    std::size_t length_begin = 0;
    std::size_t contents_begin = 0;
    bool length_not_minimal = false;
    bool indefinite = false;
    std::size_t length = 0;  // 0 where it is indefinite
};

struct Fault {
    std::string_view reason;  // empty: none
    std::size_t position = 0;
};

Fault read_header(ByteView bytes, std::size_t begin, Header& out) {
    constexpr std::string_view cut_tag = "tag is cut off";
    constexpr std::string_view cut_length = "length is cut off";
    std::size_t position = begin;
    const auto fault = [begin](std::string_view reason) { return Fault{reason, begin}; };
    if (position >= bytes.size()) return fault(cut_tag);
    const std::uint8_t first = bytes[position++];
    out.tag_class = static_cast<TagClass>(first >> 6);
    out.constructed = (first & 0x20) != 0;
    out.tag = first & 0x1fU;
    if (out.tag == 0x1f) {
        out.tag = 0;
        const std::size_t tag_begin = position;
        std::uint8_t octet = 0x80;
        while ((octet & 0x80) != 0) {
            if (position >= bytes.size()) return fault(cut_tag);
            octet = bytes[position++];
            if (out.tag > (std::numeric_limits<std::uint32_t>::max() >> 7))
                return fault("tag number does not fit 32 bits");
            out.tag = (out.tag << 7) | (octet & 0x7fU);
        }
        out.tag_not_minimal = out.tag < 0x1f || bytes[tag_begin] == 0x80;
    }
    out.length_begin = position;
    if (position >= bytes.size()) return fault(cut_length);
    const std::uint8_t initial = bytes[position++];
    if (initial < 0x80) {
        out.length = initial;
    } else if (initial == 0x80) {
        if (!out.constructed) return fault("indefinite length of a primitive element");
        out.indefinite = true;
    } else if (initial == 0xff) {
        return fault("length octet 0xff is reserved");
    } else {
        const std::size_t octets = initial & 0x7fU;
        if (octets > bytes.size() - position) return fault(cut_length);
        out.length_not_minimal = bytes[position] == 0;
        for (std::size_t i = 0; i < octets; ++i) {
            if (out.length > (std::numeric_limits<std::size_t>::max() >> 8))
                return fault("length runs past the end");
            out.length = (out.length << 8) | bytes[position++];
        }
        if (out.length < 0x80) out.length_not_minimal = true;
    }
    out.contents_begin = position;
    if (out.length > bytes.size() - position) return fault("length runs past the end");
    return {};
}

// Where the end-of-contents octets of an indefinite-length element stand. One pass: elements of
// definite length are stepped over, and open ones are merely counted.
Fault find_end_of_contents(ByteView bytes, std::size_t begin, std::size_t& end) {
    std::size_t position = begin;
    unsigned depth = 1;
    while (true) {
        if (position >= bytes.size()) return {"end-of-contents octets are missing", begin};
        Header header;
        if (const Fault fault = read_header(bytes, position, header); !fault.reason.empty())
            return fault;
        const bool end_of_contents = bytes[position] == 0 && bytes[position + 1] == 0;
        if (end_of_contents) {
            if (--depth == 0) {
                end = position;
                return {};
            }
        } else if (header.indefinite && ++depth > max_depth) {
            return {"indefinite lengths are nested more than 32 levels deep", position};
        }
        position = header.contents_begin + header.length;
    }
}

std::string_view universal_name(std::uint32_t number) {
    static constexpr std::array<std::string_view, 31> names{"end-of-contents",
                                                            "BOOLEAN",
                                                            "INTEGER",
                                                            "BIT STRING",
                                                            "OCTET STRING",
                                                            "NULL",
                                                            "OBJECT IDENTIFIER",
                                                            "ObjectDescriptor",
                                                            "EXTERNAL",
                                                            "REAL",
                                                            "ENUMERATED",
                                                            "EMBEDDED PDV",
                                                            "UTF8String",
                                                            "RELATIVE-OID",
                                                            "TIME",
                                                            "",
                                                            "SEQUENCE",
                                                            "SET",
                                                            "NumericString",
                                                            "PrintableString",
                                                            "TeletexString",
                                                            "VideotexString",
                                                            "IA5String",
                                                            "UTCTime",
                                                            "GeneralizedTime",
                                                            "GraphicString",
                                                            "VisibleString",
                                                            "GeneralString",
                                                            "UniversalString",
                                                            "CHARACTER STRING",
                                                            "BMPString"};
    return number < names.size() ? names[number] : std::string_view{};
}

std::string tag_text(const Element& element) {
    if (element.tag_class == TagClass::universal && !universal_name(element.tag).empty())
        return std::string(universal_name(element.tag));
    static constexpr std::array<std::string_view, 4> classes{"UNIVERSAL ", "APPLICATION ", "",
                                                             "PRIVATE "};
    return fmt::format("[{}{}]", classes[static_cast<std::size_t>(element.tag_class)], element.tag);
}

bool is_text_or_octets(std::uint32_t number) {
    switch (number) {
        case tag::octet_string:
        case tag::utf8_string:
        case tag::numeric_string:
        case tag::printable_string:
        case tag::teletex_string:
        case tag::ia5_string:
        case tag::visible_string:
        case tag::universal_string:
        case tag::bmp_string:
        case tag::utc_time:
        case tag::generalized_time:
            return true;
        default:
            return false;
    }
}

bool is_string(std::uint32_t number) {
    return is_text_or_octets(number) || number == tag::bit_string;
}

// Types whose contents are laid out alike, so that one may be read as the other.
bool are_sisters(std::uint32_t a, std::uint32_t b) {
    if (a == b) return true;
    const auto either = [a, b](std::uint32_t x, std::uint32_t y) {
        return (a == x && b == y) || (a == y && b == x);
    };
    return either(tag::sequence, tag::set) || either(tag::integer, tag::enumerated) ||
           (is_text_or_octets(a) && is_text_or_octets(b));
}

}  // namespace

std::string_view oddity_name(Oddity oddity) {
    switch (oddity) {
        case Oddity::non_minimal_length:
            return "non-minimal-length";
        case Oddity::indefinite_length:
            return "indefinite-length";
        case Oddity::constructed_string:
            return "constructed-string";
        case Oddity::boolean_not_ff:
            return "boolean-not-ff";
        case Oddity::default_spelt_out:
            return "default-spelt-out";
        case Oddity::integer_not_minimal:
            return "integer-not-minimal";
        case Oddity::oid_not_minimal:
            return "oid-not-minimal";
        case Oddity::set_not_sorted:
            return "set-not-sorted";
        case Oddity::bit_string_padding_set:
            return "bit-string-padding-set";
        case Oddity::named_bits_trailing_zero:
            return "named-bits-trailing-zero";
        case Oddity::time_not_der:
            return "time-not-der";
        case Oddity::time_wrong_type:
            return "time-wrong-type";
        case Oddity::time_unreadable:
            return "time-unreadable";
        case Oddity::string_bad_character:
            return "string-bad-character";
        case Oddity::utf8_invalid:
            return "utf8-invalid";
        case Oddity::empty_sequence:
            return "empty-sequence";
        case Oddity::trailing_data:
            return "trailing-data";
        case Oddity::unexpected_tag:
            return "unexpected-tag";
        case Oddity::duplicate_field:
            return "duplicate-field";
        case Oddity::negative_integer:
            return "negative-integer";
    }
    return "unknown";
}

// --- DerReader ----------------------------------------------------------------------------------

DerReader::DerReader(ByteView bytes, std::size_t base_offset, std::string field,
                     std::vector<Observation>& observations)
    : bytes_(bytes),
      base_offset_(base_offset),
      place_{base_offset, bytes.size()},
      shared_(std::make_shared<Shared>()) {
    shared_->root = std::move(field);
    shared_->steps.emplace_back();
    shared_->observations = &observations;
    shared_->elements_left = max_elements;
}

DerReader::DerReader(const DerReader& parent, ByteView bytes, Place place, Field field)
    : bytes_(bytes),
      segments_(parent.segments_),
      base_offset_(parent.base_offset_),
      place_(place),
      step_(parent.step_),
      shared_(parent.shared_) {
    add_step(field);
    if (!bytes.empty())
        base_offset_ += static_cast<std::size_t>(bytes.data() - parent.bytes_.data());
    else if (segments_ == nullptr)
        base_offset_ = place.offset + place.length;
}

std::size_t DerReader::absolute(std::size_t position) const {
    const std::size_t at = base_offset_ + position;
    if (segments_ == nullptr) return at;
    const auto after = std::ranges::upper_bound(*segments_, at, {}, &Segment::joined);
    const Segment& segment = *std::prev(after);  // the first begins at 0
    return segment.absolute + (at - segment.joined);
}

Place DerReader::place_of(std::size_t begin, std::size_t end) const {
    const std::size_t first = absolute(begin);
    if (end <= begin) return {first, 0};
    return {first, absolute(end - 1) + 1 - first};
}

namespace {

void append_field(std::string& path, Field field) {
    if (!path.empty() && !field.name.empty() && field.name.front() != '[') path += '.';
    path += field.name;
    if (field.index != Field::no_index) path += fmt::format("[{}]", field.index);
}

}  // namespace

void DerReader::add_step(Field field) {
    if (field.name.empty() && field.index == Field::no_index) return;
    shared_->steps.push_back({step_, field});
    step_ = shared_->steps.size() - 1;
}

std::string DerReader::path_of(std::size_t step) const {
    if (step == 0) return shared_->root;
    std::string path = path_of(shared_->steps[step].parent);
    append_field(path, shared_->steps[step].field);
    return path;
}

std::string DerReader::path(Field field) const {
    std::string path = path_of(step_);
    append_field(path, field);
    return path;
}

void DerReader::fail_at(std::size_t offset, Field field, std::string_view reason) {
    if (!failed()) shared_->error = DecodeError{std::string(reason), path(field), offset};
}

void DerReader::fail(Field field, std::string_view reason) {
    fail_at(offset(), field, reason);
}

std::optional<DecodeError> DerReader::take_error() {
    return std::exchange(shared_->error, std::nullopt);
}

void DerReader::observe(Oddity oddity, Field field, Place place, std::string detail) {
    if (failed()) return;
    if (shared_->observations->size() >= max_observations)
        return fail_at(place.offset, field,
                       fmt::format("more than {} departures from DER", max_observations));
    shared_->observations->push_back({oddity, path(field), place, std::move(detail)});
}

// One element as it was found; positions are indices into the octets at hand.
struct DerReader::Found {
    Header header;
    std::size_t begin = 0;
    std::size_t contents_end = 0;
    std::size_t end = 0;

    Fault read(ByteView bytes, std::size_t position) {
        begin = position;
        if (const Fault fault = read_header(bytes, position, header); !fault.reason.empty())
            return fault;
        contents_end = header.contents_begin + header.length;
        end = contents_end;
        if (!header.indefinite) return {};
        const Fault fault = find_end_of_contents(bytes, header.contents_begin, contents_end);
        end = contents_end + 2;
        return fault;
    }
};

Element DerReader::element_of(const Found& found) const {
    const Header& header = found.header;
    Element element;
    element.tag_class = header.tag_class;
    element.constructed = header.constructed;
    element.tag = header.tag;
    element.place = place_of(found.begin, found.end);
    element.contents_place = place_of(header.contents_begin, found.contents_end);
    element.contents =
        bytes_.subspan(header.contents_begin, found.contents_end - header.contents_begin);
    element.encoding = bytes_.subspan(found.begin, found.end - found.begin);
    return element;
}

std::optional<Element> DerReader::peek() const {
    if (empty()) return std::nullopt;
    Found found;
    if (!found.read(bytes_, position_).reason.empty()) return std::nullopt;
    return element_of(found);
}

std::optional<Element> DerReader::next(Field field) {
    if (empty()) return std::nullopt;
    if (shared_->elements_left == 0) {
        fail(field, fmt::format("more than {} elements", max_elements));
        return std::nullopt;
    }
    Found found;
    if (const Fault fault = found.read(bytes_, position_); !fault.reason.empty()) {
        fail_at(absolute(fault.position), field, fault.reason);
        return std::nullopt;
    }
    const Element element = element_of(found);
    const Header& header = found.header;
    if (header.tag_not_minimal)
        observe(Oddity::unexpected_tag, field, element.place, "tag number is not minimal");
    if (header.length_not_minimal || header.indefinite) {
        const Place length = place_of(header.length_begin, header.contents_begin);
        if (header.length_not_minimal) {
            observe(Oddity::non_minimal_length, field, length,
                    hex_detail(bytes_.subspan(header.length_begin,
                                              header.contents_begin - header.length_begin)));
        }
        if (header.indefinite) observe(Oddity::indefinite_length, field, length);
    }
    --shared_->elements_left;
    position_ = found.end;
    return element;
}

std::optional<Element> DerReader::expect(std::uint32_t universal_tag, Field field) {
    if (failed()) return std::nullopt;
    const std::size_t begin = offset();
    const auto element = next(field);
    if (!element) {
        fail_at(begin, field, fmt::format("{} is missing", universal_name(universal_tag)));
        return std::nullopt;
    }
    const std::string_view due = universal_name(universal_tag);
    if (element->tag_class != TagClass::universal || !are_sisters(element->tag, universal_tag)) {
        fail_at(begin, field, fmt::format("{} where {} is due", tag_text(*element), due));
        return std::nullopt;
    }
    const bool is_list = universal_tag == tag::sequence || universal_tag == tag::set;
    if (is_list && !element->constructed) {
        fail_at(begin, field, fmt::format("{} is primitive", due));
        return std::nullopt;
    }
    if (!is_list && element->constructed && !is_string(universal_tag)) {
        fail_at(begin, field, fmt::format("{} is constructed", due));
        return std::nullopt;
    }
    if (element->tag != universal_tag)
        observe(Oddity::unexpected_tag, field, element->place,
                fmt::format("{} for {}", tag_text(*element), due));
    return element;
}

DerReader DerReader::enter(const Element& element, Field field, Field within) {
    DerReader reader(*this, element.contents, element.place, field);
    reader.add_step(within);
    if (!element.constructed)
        reader.fail_at(element.place.offset, {}, "primitive encoding of a constructed type");
    reader.within_constructed_ = true;
    return reader;
}

DerReader DerReader::enter_string(const Element& element, Field field) {
    if (!element.constructed) return DerReader(*this, element.contents, element.place, field);
    unsigned unused_bits = 0;
    return enter_joined(element, field, StringKind::octets, unused_bits);
}

DerReader DerReader::enter_bit_string(const Element& element, Field field, unsigned& unused_bits) {
    if (!element.constructed)
        return DerReader(*this, bits_of(element, field, unused_bits), element.place, field);
    return enter_joined(element, field, StringKind::bits, unused_bits);
}

DerReader DerReader::enter_joined(const Element& element, Field field, StringKind kind,
                                  unsigned& unused_bits) {
    observe(Oddity::constructed_string, field, element.place);
    Joined& joined = shared_->joined.emplace_back();
    joined.segments.push_back({0, element.contents_place.offset});
    DerReader inner(*this, element.contents, element.place, field);
    inner.join(element, kind, 1, joined);
    unused_bits = joined.unused_bits;
    DerReader reader(*this, {}, element.place, field);
    reader.bytes_ = joined.octets;
    reader.segments_ = &joined.segments;
    reader.base_offset_ = 0;
    return reader;
}

// Appends the segments in this reader to `out`.
void DerReader::join(const Element& element, StringKind kind, unsigned depth, Joined& out) {
    while (const auto segment = next({})) {
        const bool fits =
            kind == StringKind::bits
                ? segment->is_universal(tag::bit_string)
                : segment->is_universal(tag::octet_string) ||
                      (segment->tag_class == TagClass::universal &&
                       element.tag_class == TagClass::universal && segment->tag == element.tag) ||
                      (segment->tag_class == TagClass::universal &&
                       element.tag_class != TagClass::universal && is_text_or_octets(segment->tag));
        if (!fits)
            observe(Oddity::unexpected_tag, {}, segment->place,
                    fmt::format("{} as a segment of a string", tag_text(*segment)));
        if (segment->constructed) {
            if (depth == max_depth)
                return fail_at(segment->place.offset, {}, "string is nested more than 32 levels");
            DerReader(*this, segment->contents, segment->place, Field())
                .join(*segment, kind, depth + 1, out);
            continue;
        }
        const ByteView octets =
            kind == StringKind::bits ? bits_of(*segment, {}, out.unused_bits) : segment->contents;
        if (octets.empty()) continue;
        // Within another joined string the octets may come from several pieces themselves.
        const auto begin = static_cast<std::size_t>(octets.data() - bytes_.data());
        out.segments.push_back({out.octets.size(), absolute(begin)});
        if (segments_ != nullptr) {
            const std::size_t first = base_offset_ + begin;
            auto piece = std::ranges::upper_bound(*segments_, first, {}, &Segment::joined);
            for (; piece != segments_->end() && piece->joined < first + octets.size(); ++piece)
                out.segments.push_back(
                    {out.octets.size() + (piece->joined - first), piece->absolute});
        }
        append(out.octets, octets);
    }
}

ByteView DerReader::bits_of(const Element& element, Field field, unsigned& unused_bits) {
    unused_bits = 0;
    if (element.contents.empty()) {
        observe(Oddity::bit_string_padding_set, field, element.place, "no unused-bits octet");
        return {};
    }
    const std::uint8_t unused = element.contents.front();
    const ByteView octets = element.contents.subspan(1);
    if (unused > 7 || (unused > 0 && octets.empty())) {
        observe(Oddity::bit_string_padding_set, field, element.place,
                fmt::format("{} unused bits in {} octets", unused, octets.size()));
    } else {
        unused_bits = unused;
        if (unused > 0 && (octets.back() & ((1U << unused) - 1)) != 0)
            observe(Oddity::bit_string_padding_set, field, element.place,
                    fmt::format("{} unused bits in 0x{:02x}", unused, octets.back()));
    }
    return octets;
}

void DerReader::expect_end(Field field) {
    if (empty()) return;
    observe(Oddity::trailing_data, field, place_of(position_, bytes_.size()),
            hex_detail(bytes_.subspan(position_)));
    while (within_constructed_ && next(field)) {
    }
    position_ = bytes_.size();
}

// --- primitive types ----------------------------------------------------------------------------

std::string hex_detail(ByteView octets) {
    constexpr std::size_t shown = 16;
    if (octets.size() <= shown) return "0x" + to_hex(octets);
    return fmt::format("0x{}... ({} octets)", to_hex(octets.first(shown)), octets.size());
}

std::size_t bit_length(ByteView octets) {
    const auto first = std::ranges::find_if(octets, [](std::uint8_t octet) { return octet != 0; });
    if (first == octets.end()) return 0;
    const auto left = static_cast<std::size_t>(octets.end() - first);
    return left * 8 - static_cast<std::size_t>(std::countl_zero(*first));
}

namespace {

bool is_primitive(DerReader& in, const Element& element, Field field) {
    if (!element.constructed) return true;
    in.fail_at(element.place.offset, field, "constructed encoding of a primitive type");
    return false;
}

}  // namespace

Integer integer_of(DerReader& in, const Element& element, Field field, Sign sign) {
    if (!is_primitive(in, element, field)) return {};
    Integer integer{to_bytes(element.contents), element.place};
    const Bytes& value = integer.value;
    if (value.empty()) {
        in.observe(Oddity::integer_not_minimal, field, element.place, "no octets");
    } else if (value.size() > 1 && ((value[0] == 0 && (value[1] & 0x80) == 0) ||
                                    (value[0] == 0xff && (value[1] & 0x80) != 0))) {
        in.observe(Oddity::integer_not_minimal, field, element.place, hex_detail(value));
    }
    if (sign == Sign::not_negative && integer.negative())
        in.observe(Oddity::negative_integer, field, element.place, hex_detail(value));
    return integer;
}

Integer take_integer(DerReader& in, Field field, Sign sign) {
    const auto element = in.expect(tag::integer, field);
    return element ? integer_of(in, *element, field, sign) : Integer{};
}

bool boolean_of(DerReader& in, const Element& element, Field field) {
    if (!is_primitive(in, element, field)) return false;
    const bool value =
        std::ranges::any_of(element.contents, [](std::uint8_t octet) { return octet != 0; });
    if (element.contents.size() != 1 || (value && element.contents.front() != 0xff))
        in.observe(Oddity::boolean_not_ff, field, element.place, hex_detail(element.contents));
    return value;
}

Oid oid_of(DerReader& in, const Element& element, Field field) {
    if (!is_primitive(in, element, field)) return {};
    Oid oid(element.contents);
    bool at_arc_begin = true;
    bool minimal = !oid.der.empty();
    for (const std::uint8_t octet : oid.der) {
        if (at_arc_begin && octet == 0x80) minimal = false;
        at_arc_begin = (octet & 0x80) == 0;
    }
    if (!minimal || !at_arc_begin)
        in.observe(Oddity::oid_not_minimal, field, element.place, hex_detail(oid.der));
    return oid;
}

Oid take_oid(DerReader& in, Field field) {
    const auto element = in.expect(tag::object_identifier, field);
    return element ? oid_of(in, *element, field) : Oid{};
}

Bytes octets_of(DerReader& in, const Element& element, Field field) {
    return to_bytes(in.enter_string(element, field).octets());
}

Bytes bits_of(DerReader& in, const Element& element, Field field) {
    unsigned unused_bits = 0;
    return to_bytes(in.enter_bit_string(element, field, unused_bits).octets());
}

std::uint16_t named_bits_of(DerReader& in, const Element& element, Field field) {
    unsigned unused_bits = 0;
    const DerReader string = in.enter_bit_string(element, field, unused_bits);
    const ByteView octets = string.octets();
    if (octets.empty()) return 0;
    const std::size_t count = octets.size() * 8 - unused_bits;
    const auto bit = [octets](std::size_t i) { return ((octets[i / 8] >> (7 - i % 8)) & 1U) != 0; };
    if (!bit(count - 1))
        in.observe(Oddity::named_bits_trailing_zero, field, element.place,
                   hex_detail(element.contents));
    unsigned bits = 0;
    for (std::size_t i = 0; i < std::min<std::size_t>(count, 16); ++i)
        if (bit(i)) bits |= 1U << i;
    return static_cast<std::uint16_t>(bits);
}

std::vector<std::optional<Element>> take_tagged(DerReader& in, std::uint32_t first_tag,
                                                std::initializer_list<std::string_view> names) {
    std::vector<std::optional<Element>> found(names.size());
    std::vector<Element> unknown;  // since the last component that belongs here
    std::uint32_t highest = first_tag;
    while (const auto ahead = in.peek()) {
        const bool known = ahead->tag_class == TagClass::context && ahead->tag >= first_tag &&
                           ahead->tag - first_tag < names.size();
        const std::size_t index = known ? ahead->tag - first_tag : 0;
        const Field field = known ? Field(*(names.begin() + index)) : Field();
        auto element = in.next(field);
        if (!element) break;
        if (!known) {
            unknown.push_back(*element);
            continue;
        }
        for (const Element& other : std::exchange(unknown, {}))
            in.observe(Oddity::unexpected_tag, {}, other.place, tag_text(other));
        if (found[index]) {
            in.observe(Oddity::duplicate_field, field, element->place, tag_text(*element));
            continue;
        }
        if (element->tag < highest)
            in.observe(Oddity::unexpected_tag, field, element->place,
                       fmt::format("[{}] after [{}]", element->tag, highest));
        highest = std::max(highest, element->tag);
        found[index] = element;
    }
    in.next({});  // turns a header that cannot be read into the fault it is
    if (!unknown.empty()) {
        const std::size_t begin = unknown.front().place.offset;
        const std::size_t end = unknown.back().place.offset + unknown.back().place.length;
        in.observe(Oddity::trailing_data, {}, {begin, end - begin},
                   hex_detail(unknown.front().encoding));
    }
    return found;
}

}  // namespace handset::x509
