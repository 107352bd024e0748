#include "handshake/x509/certificate.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <span>

#include "handshake/x509/grammar.h"

namespace handset::x509 {
namespace {

constexpr std::size_t max_certificate_bytes = 1 << 20;

// --- times --------------------------------------------------------------------------------------

// Digits off the front of a text.
class Digits {
public:
    explicit Digits(std::string_view text) : text_(text) {}

    bool has(std::size_t count) const {
        return text_.size() >= count && std::ranges::all_of(text_.substr(0, count), is_digit);
    }
    // 0 where they are not there, which `good()` tells.
    unsigned take(std::size_t count) {
        if (!has(count)) {
            good_ = false;
            return 0;
        }
        unsigned value = 0;
        for (const char c : text_.substr(0, count))
            value = value * 10 + static_cast<unsigned>(c - '0');
        text_.remove_prefix(count);
        return value;
    }
    char take_char(std::string_view any_of) {
        if (text_.empty() || any_of.find(text_.front()) == std::string_view::npos) return 0;
        const char c = text_.front();
        text_.remove_prefix(1);
        return c;
    }
    bool good() const { return good_; }
    bool empty() const { return text_.empty(); }

private:
    static bool is_digit(char c) { return c >= '0' && c <= '9'; }

    std::string_view text_;
    bool good_ = true;
};

struct ReadTime {
    std::optional<Time> value;
    bool unreadable = false;
    bool is_der = false;
};

// UTCTime YYMMDDhhmm[ss](Z|+hhmm|-hhmm), GeneralizedTime YYYYMMDDhh[mm[ss]][.f][Z|+hh[mm]|-hh[mm]].
// A time without a zone is local to nobody knows where: readable, yet no point in time.
ReadTime read_time(TimeType type, std::string_view text) {
    const ReadTime unreadable{std::nullopt, true, false};
    Digits in(text);
    const bool utc_time = type == TimeType::utc_time;
    unsigned year = in.take(utc_time ? 2 : 4);
    if (utc_time) year += year < 50 ? 2000 : 1900;  // RFC 5280 4.1.2.5.1
    const unsigned month = in.take(2);
    const unsigned day = in.take(2);
    const unsigned hour = in.take(2);
    const bool has_minutes = utc_time || in.has(2);
    const unsigned minute = has_minutes ? in.take(2) : 0;
    const bool has_seconds = has_minutes && in.has(2);
    const unsigned second = has_seconds ? in.take(2) : 0;
    bool is_der = has_seconds;
    std::chrono::seconds fraction{0};
    if (in.take_char(".,") != 0) {
        is_der = false;
        const std::uint64_t unit = has_seconds ? 1 : has_minutes ? 60 : 3600;
        std::uint64_t numerator = in.take(1);
        std::uint64_t denominator = 10;
        while (in.good() && in.has(1)) {
            const unsigned digit = in.take(1);
            if (denominator >= 1'000'000'000) continue;
            numerator = numerator * 10 + digit;
            denominator *= 10;
        }
        fraction = std::chrono::seconds(numerator * unit / denominator);
    }
    std::chrono::minutes offset{0};
    const char zone = in.take_char("Z+-");
    if (zone == '+' || zone == '-') {
        is_der = false;
        const unsigned hours = in.take(2);
        const unsigned minutes = utc_time || in.has(2) ? in.take(2) : 0;
        if (hours > 23 || minutes > 59) return unreadable;
        offset = std::chrono::hours{hours} + std::chrono::minutes{minutes};
        if (zone == '-') offset = -offset;
    }
    const auto local = make_time(static_cast<int>(year), month, day, hour, minute, second);
    if (!in.good() || !in.empty() || !local) return unreadable;
    if (zone == 0) return {std::nullopt, false, false};
    const Time value = *local + fraction - offset;
    static const Time first = *make_time(0, 1, 1, 0, 0, 0);
    static const Time last = *make_time(9999, 12, 31, 23, 59, 59);
    if (value < first || value > last) return unreadable;
    return {value, false, is_der};
}

TimeField take_time(DerReader& in, Field field) {
    TimeField time;
    const auto ahead = in.peek();
    // A Time is a CHOICE: what is neither is read as the one its length suggests.
    const bool generalized =
        ahead && (ahead->is_universal(tag::generalized_time) ||
                  (!ahead->is_universal(tag::utc_time) && ahead->contents.size() >= 15));
    time.type = generalized ? TimeType::generalized_time : TimeType::utc_time;
    const auto element = in.expect(generalized ? tag::generalized_time : tag::utc_time, field);
    if (!element) return time;
    time.place = element->place;
    time.text = to_text(in.enter_string(*element, field).octets());
    const ReadTime read = read_time(time.type, time.text);
    time.value = read.value;
    const auto observe = [&](Oddity oddity) {
        in.observe(oddity, field, element->place,
                   printable(std::string_view(time.text).substr(0, 64)));
    };
    if (read.unreadable)
        observe(Oddity::time_unreadable);
    else if (!read.is_der)
        observe(Oddity::time_not_der);
    if (read.value) {
        static const Time year_2050 = *make_time(2050, 1, 1, 0, 0, 0);
        if (generalized != (*read.value >= year_2050)) observe(Oddity::time_wrong_type);
    }
    return time;
}

// --- keys ---------------------------------------------------------------------------------------

// SEC 2, X9.62 and RFC 5639 name a curve by the bits of its field: "secp256r1", "c2pnb163v1".
std::size_t field_bits(const Oid& curve) {
    static constexpr std::string_view prefixes[] = {"secp",  "sect",  "brainpoolP", "prime",
                                                    "c2pnb", "c2tnb", "sm2p"};
    const std::string_view name = known_oid_name(curve);
    for (const std::string_view prefix : prefixes) {
        if (!name.starts_with(prefix)) continue;
        Digits digits(name.substr(prefix.size()));
        return digits.take(3);
    }
    return 0;
}

// ECParameters (RFC 3279 2.3.5): SEQUENCE { version, fieldID SEQUENCE { fieldType, ANY }, ... }.
std::size_t explicit_field_bits(DerReader parameters) {
    take_integer(parameters, "version", Sign::any);
    const auto field_id = parameters.expect(tag::sequence, "fieldID");
    if (!field_id) return 0;
    DerReader field = parameters.enter(*field_id, "fieldID");
    const std::string_view type = known_oid_name(take_oid(field, "fieldType"));
    if (type == "prime-field")
        return bit_length(take_integer(field, "parameters", Sign::not_negative).value);
    if (type != "characteristic-two-field") return 0;
    const auto characteristic_two = field.expect(tag::sequence, "parameters");
    if (!characteristic_two) return 0;
    DerReader binary = field.enter(*characteristic_two, "parameters");
    const auto m = take_integer(binary, "m", Sign::not_negative).small();
    return m && *m > 0 && *m < 10'000 ? static_cast<std::size_t>(*m) : 0;
}

RsaPublicKey take_rsa(DerReader& key) {
    RsaPublicKey rsa;
    const auto sequence = key.expect(tag::sequence, {});
    if (!sequence) return rsa;
    DerReader body = key.enter(*sequence, {});
    rsa.modulus = take_integer(body, "modulus", Sign::not_negative);
    rsa.public_exponent = take_integer(body, "publicExponent", Sign::not_negative);
    rsa.bits = bit_length(rsa.modulus.value);
    body.expect_end();
    key.expect_end();
    return rsa;
}

DsaPublicKey take_dsa(DerReader& info, const std::optional<Element>& parameters, DerReader& key) {
    DsaPublicKey dsa;
    if (parameters && !parameters->is_universal(tag::null)) {
        DerReader body = info.enter(*parameters, "algorithm.parameters");
        auto& p_q_g = dsa.p_q_g.emplace();
        p_q_g[0] = take_integer(body, "p", Sign::not_negative);
        p_q_g[1] = take_integer(body, "q", Sign::not_negative);
        p_q_g[2] = take_integer(body, "g", Sign::not_negative);
        body.expect_end();
        dsa.bits = bit_length(p_q_g[0].value);
    }
    dsa.y = take_integer(key, {}, Sign::not_negative);
    key.expect_end();
    return dsa;
}

EcPublicKey take_ec(DerReader& info, const std::optional<Element>& parameters, DerReader& key) {
    EcPublicKey ec;
    ec.point = to_bytes(key.octets());
    if (parameters && parameters->is_universal(tag::object_identifier)) {
        ec.named_curve = oid_of(info, *parameters, "algorithm.parameters");
        ec.bits = field_bits(*ec.named_curve);
    } else if (parameters && parameters->is_universal(tag::sequence)) {
        ec.explicit_parameters = true;
        ec.bits = explicit_field_bits(info.enter(*parameters, "algorithm.parameters"));
    }
    return ec;
}

bool ed_key_fits(std::string_view algorithm, std::size_t size) {
    if (algorithm == "Ed25519" || algorithm == "X25519") return size == 32;
    if (algorithm == "Ed448") return size == 57;
    return algorithm == "X448" && size == 56;
}

}  // namespace

AlgorithmIdentifier take_algorithm_identifier(DerReader& in, Field field,
                                              std::optional<Element>* parameters) {
    AlgorithmIdentifier identifier;
    const auto sequence = in.expect(tag::sequence, field);
    if (!sequence) return identifier;
    identifier.raw = to_bytes(sequence->encoding);
    identifier.place = sequence->place;
    DerReader body = in.enter(*sequence, field);
    identifier.algorithm = take_oid(body, "algorithm");
    identifier.parameters_place = body.place_of(body.octets().size(), body.octets().size());
    auto element = body.next("parameters");
    if (element) {
        identifier.parameters = to_bytes(element->encoding);
        identifier.parameters_place = element->place;
    }
    if (parameters != nullptr) *parameters = element;
    body.expect_end();
    return identifier;
}

SubjectPublicKeyInfo take_subject_public_key_info(DerReader& in, Field field) {
    SubjectPublicKeyInfo info;
    const auto sequence = in.expect(tag::sequence, field);
    if (!sequence) return info;
    info.raw = to_bytes(sequence->encoding);
    info.place = sequence->place;
    DerReader body = in.enter(*sequence, field);
    std::optional<Element> parameters;
    info.algorithm = take_algorithm_identifier(body, "algorithm", &parameters);
    const auto bits = body.expect(tag::bit_string, "subjectPublicKey");
    if (!bits) return info;
    info.key_place = bits->place;
    unsigned unused_bits = 0;
    DerReader key = body.enter_bit_string(*bits, "subjectPublicKey", unused_bits);
    info.subject_public_key = to_bytes(key.octets());
    body.expect_end();
    if (in.failed()) return info;

    const std::string_view name = known_oid_name(info.algorithm.algorithm);
    if (name == "rsaEncryption" || name == "id-RSASSA-PSS" || name == "id-RSAES-OAEP" ||
        name == "id-ea-rsa") {
        info.key = take_rsa(key);
    } else if (name == "id-dsa") {
        info.key = take_dsa(body, parameters, key);
    } else if (name == "id-ecPublicKey" || name == "id-ecDH" || name == "id-ecMQV") {
        info.key = take_ec(body, parameters, key);
    } else if (ed_key_fits(name, info.subject_public_key.size())) {
        info.key = EdPublicKey{info.subject_public_key};
    }
    if (in.take_error()) info.key = std::monostate{};
    return info;
}

// --- the certificate ----------------------------------------------------------------------------

namespace {

void take_version(DerReader& tbs, Certificate& out) {
    const auto ahead = tbs.peek();
    if (!ahead || !ahead->is_context(0)) return;
    const auto element = tbs.next("version");
    if (!element) return;
    out.version_present = true;
    out.version_place = element->place;
    DerReader body = tbs.enter(*element, "version");
    const Integer written = take_integer(body, {}, Sign::not_negative);
    body.expect_end();
    constexpr std::int64_t limit = std::numeric_limits<int>::max() - 1;
    const std::int64_t number = written.small().value_or(written.negative() ? -limit : limit);
    out.version = static_cast<int>(std::clamp(number, -limit, limit) + 1);
    if (out.version == 1)
        tbs.observe(Oddity::default_spelt_out, "version", element->place,
                    hex_detail(element->encoding));
}

void take_tbs_certificate(DerReader& in, Certificate& out) {
    const auto sequence = in.expect(tag::sequence, "tbsCertificate");
    if (!sequence) return;
    out.tbs_place = sequence->place;
    DerReader tbs = in.enter(*sequence, "tbsCertificate");
    take_version(tbs, out);
    out.serial_number = take_integer(tbs, "serialNumber", Sign::not_negative);
    out.signature = take_algorithm_identifier(tbs, "signature");
    out.issuer = take_name(tbs, "issuer");
    if (const auto validity = tbs.expect(tag::sequence, "validity")) {
        out.validity.place = validity->place;
        DerReader body = tbs.enter(*validity, "validity");
        out.validity.not_before = take_time(body, "notBefore");
        out.validity.not_after = take_time(body, "notAfter");
        body.expect_end();
    }
    out.subject = take_name(tbs, "subject");
    out.subject_public_key_info = take_subject_public_key_info(tbs, "subjectPublicKeyInfo");
    const auto rest = take_tagged(tbs, 1, {"issuerUniqueID", "subjectUniqueID", "extensions"});
    if (rest[0]) {
        out.issuer_unique_id = bits_of(tbs, *rest[0], "issuerUniqueID");
        out.issuer_unique_id_place = rest[0]->place;
    }
    if (rest[1]) {
        out.subject_unique_id = bits_of(tbs, *rest[1], "subjectUniqueID");
        out.subject_unique_id_place = rest[1]->place;
    }
    if (rest[2]) {
        out.extensions_present = true;
        out.extensions_place = rest[2]->place;
        DerReader body = tbs.enter(*rest[2], "extensions");
        out.extensions = take_extensions(body, {});
        body.expect_end();
    }
}

}  // namespace

Result<Certificate> decode_certificate(ByteView der) {
    if (der.size() > max_certificate_bytes)
        return DecodeError{"longer than 1 MiB", "Certificate", max_certificate_bytes};
    Certificate out;
    out.raw = to_bytes(der);
    DerReader in(out.raw, 0, "", out.observations);
    if (const auto sequence = in.expect(tag::sequence, "Certificate")) {
        DerReader body = in.enter(*sequence, {});
        take_tbs_certificate(body, out);
        out.signature_algorithm = take_algorithm_identifier(body, "signatureAlgorithm");
        if (const auto signature = body.expect(tag::bit_string, "signatureValue")) {
            out.signature_value = bits_of(body, *signature, "signatureValue");
            out.signature_value_place = signature->place;
        }
        body.expect_end("Certificate");
    }
    in.expect_end("Certificate");
    if (in.failed()) return in.error();
    std::ranges::stable_sort(out.observations, {}, [](const Observation& observation) {
        return observation.place.offset;
    });
    return out;
}

const Extension* find_extension(const Certificate& certificate, std::string_view name_or_dotted) {
    const Oid* id = find_oid(name_or_dotted);
    std::optional<Oid> dotted;
    if (id == nullptr && (dotted = oid_from_dotted(name_or_dotted))) id = &*dotted;
    if (id == nullptr) return nullptr;
    const auto found = std::ranges::find(certificate.extensions, *id, &Extension::id);
    return found == certificate.extensions.end() ? nullptr : &*found;
}

bool is_self_issued(const Certificate& certificate) {
    return same_binary(certificate.issuer, certificate.subject);
}

bool is_ca(const Certificate& certificate) {
    const auto* constraints = find_value<BasicConstraints>(certificate, "basicConstraints");
    return constraints && constraints->ca;
}

std::string describe(const Certificate& certificate) {
    return fmt::format(
        "serial {}, {}", to_hex(certificate.serial_number.value),
        certificate.subject.empty() ? "empty subject" : to_string(certificate.subject));
}

// --- values -------------------------------------------------------------------------------------

bool Integer::zero() const {
    return std::ranges::all_of(value, [](std::uint8_t octet) { return octet == 0; });
}

std::optional<std::int64_t> Integer::small() const {
    const std::uint8_t sign = negative() ? 0xff : 0;
    std::uint64_t bits = sign == 0 ? 0 : ~std::uint64_t{0};
    for (std::size_t i = 0; i < value.size(); ++i) {
        const bool overflows = value.size() - i > 8 && value[i] != sign;
        const bool sign_lost =
            value.size() - i == 8 && value.size() > 8 && ((value[i] ^ sign) & 0x80) != 0;
        if (overflows || sign_lost) return std::nullopt;
        bits = bits << 8 | value[i];
    }
    return static_cast<std::int64_t>(bits);
}

std::string to_string(const SubjectPublicKeyInfo& key) {
    if (const auto* rsa = std::get_if<RsaPublicKey>(&key.key))
        return fmt::format("RSA {}", rsa->bits);
    if (const auto* dsa = std::get_if<DsaPublicKey>(&key.key)) {
        if (!dsa->p_q_g) return "DSA with inherited parameters";
        return fmt::format("DSA {}", dsa->bits);
    }
    if (const auto* ec = std::get_if<EcPublicKey>(&key.key)) {
        if (ec->named_curve) return "EC " + oid_name(*ec->named_curve);
        if (ec->explicit_parameters) return fmt::format("EC explicit {}", ec->bits);
        return "EC with inherited parameters";
    }
    return oid_name(key.algorithm.algorithm);
}

}  // namespace handset::x509
