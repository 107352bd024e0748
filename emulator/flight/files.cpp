#include "emulator/flight/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "emulator/flight/text.h"
#include "handshake/crypto/ber.h"
#include "handshake/crypto/pkcs12.h"

namespace handset::flight {
namespace {

using crypto::BerElement;
using crypto::BerReader;
using device::RootFormat;
namespace ber = crypto::ber;

constexpr std::string_view want = "give the certificate file";

[[noreturn]] void refuse(const std::string& name, std::string_view what) {
    throw FileError(fmt::format("{}: {}", printable(name), what));
}

// The file can be read, and holds nothing of what is looked for.
[[noreturn]] void refuse_empty(const std::string& name, std::string_view what) {
    throw NoCertificates(fmt::format("{}: {}", printable(name), what));
}

// --- what a DER object is, by its outermost elements --------------------------------------------

enum class ObjectKind {
    certificate,
    pkcs7,
    pkcs12,
    private_key,
    public_key,
    request,
    revocation_list,
    unknown
};

// The contents of the SEQUENCE at the front as far as they are there: a certificate cut short is
// still one, and the strict reader says where it ends.
std::optional<ByteView> sequence_contents(ByteView octets) {
    if (octets.size() < 2 || octets[0] != ber::sequence) return std::nullopt;
    const std::size_t count = octets[1] > 0x80 ? octets[1] & 0x7fU : 0;
    if (count > 8 || octets.size() < 2 + count) return std::nullopt;
    return octets.subspan(2 + count);
}

// The first identifier octets of a level, 0 where there are no more.
std::array<std::uint8_t, 5> first_tags(ByteView contents) {
    std::array<std::uint8_t, 5> tags{};
    BerReader in(contents);
    for (std::uint8_t& tag : tags) {
        const auto element = in.next();
        if (!element) break;
        tag = element->tag;
    }
    return tags;
}

ObjectKind kind_of(ByteView octets) {
    const auto outer = sequence_contents(octets);
    if (!outer || outer->empty()) return ObjectKind::unknown;
    const auto outer_tags = first_tags(*outer);
    switch (outer->front()) {
        case ber::object_identifier:
            return ObjectKind::pkcs7;
        case ber::integer: {
            BerReader in(*outer);
            const auto version = in.next();
            if (version && crypto::small_integer_of(*version) == 3U &&
                outer_tags[1] == ber::sequence) {
                return ObjectKind::pkcs12;
            }
            // PKCS #1, PKCS #8 and SEC 1; an RSA public key alone has two INTEGERs.
            if (outer_tags[1] == ber::integer && outer_tags[2] == 0) return ObjectKind::public_key;
            return ObjectKind::private_key;
        }
        case ber::sequence:
            break;
        default:
            return ObjectKind::unknown;
    }
    const auto inner = sequence_contents(*outer);
    if (!inner) return ObjectKind::certificate;
    const auto tags = first_tags(*inner);
    if (tags[0] == ber::object_identifier) {
        if (outer_tags[1] == ber::bit_string) return ObjectKind::public_key;
        if (outer_tags[1] == ber::octet_string) return ObjectKind::private_key;
        return ObjectKind::unknown;
    }
    constexpr std::uint8_t utc_time = 0x17, generalized_time = 0x18;
    const auto is_time = [](std::uint8_t tag) {
        return tag == utc_time || tag == generalized_time;
    };
    // TBSCertList: [version] signature issuer thisUpdate
    const std::size_t skip = tags[0] == ber::integer ? 1 : 0;
    if (tags[skip] == ber::sequence && tags[skip + 1] == ber::sequence && is_time(tags[skip + 2])) {
        return ObjectKind::revocation_list;
    }
    // CertificationRequestInfo: version subject subjectPKInfo attributes
    if (tags[0] == ber::integer && tags[1] == ber::sequence && tags[2] == ber::sequence &&
        (tags[3] == ber::context_0 || (tags[3] == 0 && outer_tags[1] == ber::sequence))) {
        return ObjectKind::request;
    }
    return ObjectKind::certificate;
}

std::string_view description(ObjectKind kind) {
    switch (kind) {
        case ObjectKind::private_key:
            return "a private key";
        case ObjectKind::public_key:
            return "a public key";
        case ObjectKind::request:
            return "a certificate request";
        case ObjectKind::revocation_list:
            return "a certificate revocation list";
        case ObjectKind::pkcs7:
            return "PKCS #7";
        case ObjectKind::pkcs12:
            return "PKCS #12";
        case ObjectKind::certificate:
            return "a certificate";
        case ObjectKind::unknown:
            break;
    }
    return "something else";
}

// --- containers ---------------------------------------------------------------------------------

// ContentInfo with SignedData (RFC 2315 9.1, RFC 5652 5.1). Certificates of other kinds than
// X.509's are passed over.
std::vector<Bytes> decode_pkcs7(ByteView octets, const std::string& name) {
    const auto need = [&](std::optional<BerElement> element) {
        if (!element) refuse(name, "PKCS #7 that is cut short or damaged");
        return *element;
    };
    BerReader outer(octets);
    BerReader content_info(need(outer.expect(ber::sequence)).contents);
    const std::string type = crypto::dotted_oid_of(need(content_info.next()));
    if (type != "1.2.840.113549.1.7.2") {
        refuse_empty(name,
                     fmt::format("PKCS #7 that is not SignedData but {}: it holds no certificates",
                                 type.empty() ? "unreadable" : type));
    }
    BerReader explicit_content(need(content_info.expect(ber::context_0)).contents);
    BerReader signed_data(need(explicit_content.expect(ber::sequence)).contents);
    need(signed_data.expect(ber::integer));  // version
    need(signed_data.expect(ber::set));      // digestAlgorithms
    BerReader signed_content(need(signed_data.expect(ber::sequence)).contents);
    // szOID_CTL of wincrypt.h: authroot.stl and its like. The certificates beside it are
    // Microsoft's own.
    const auto content_type = signed_content.next();
    if (content_type && crypto::dotted_oid_of(*content_type) == "1.3.6.1.4.1.311.10.1") {
        refuse(
            name,
            "Microsoft's certificate trust list (.stl), which names roots and holds none; make a "
            "store of them on Windows: certutil -generateSSTFromWU roots.sst");
    }
    std::vector<Bytes> out;
    if (const auto certificates = signed_data.next_if(ber::context_0)) {
        BerReader set(certificates->contents);
        while (!set.empty()) {
            const BerElement element = need(set.next());
            if (element.tag == ber::sequence) out.push_back(to_bytes(element.encoding));
        }
        if (set.failed()) need(std::nullopt);
    }
    if (signed_data.failed()) need(std::nullopt);
    if (out.empty()) refuse_empty(name, fmt::format("PKCS #7 without certificates; {}", want));
    return out;
}

std::vector<Bytes> decode_pkcs12(ByteView octets, const std::string& name,
                                 const std::string& password) {
    auto certificates = crypto::decode_pkcs12_certificates(octets, password);
    if (!certificates) {
        refuse(name, fmt::format("PKCS #12: {} ({})", certificates.error().reason,
                                 certificates.error().field));
    }
    if (certificates->empty()) {
        refuse_empty(name, fmt::format("PKCS #12 without certificates; {}", want));
    }
    return std::move(*certificates);
}

CertificateFile decode_der(ByteView octets, const std::string& name, const std::string& password) {
    const ObjectKind kind = kind_of(octets);
    switch (kind) {
        case ObjectKind::certificate:
            return {RootFormat::der, {to_bytes(octets)}};
        case ObjectKind::pkcs7:
            return {RootFormat::pkcs7, decode_pkcs7(octets, name)};
        case ObjectKind::pkcs12:
            return {RootFormat::pkcs12, decode_pkcs12(octets, name, password)};
        case ObjectKind::unknown:
            refuse_empty(name, fmt::format("DER, but no certificate; {}", want));
        default:
            refuse_empty(name,
                         fmt::format("holds {}, no certificate; {}", description(kind), want));
    }
}

// --- PEM ----------------------------------------------------------------------------------------

constexpr std::string_view begin_mark = "-----BEGIN ";
constexpr std::string_view end_mark = "-----END ";

int base64_digit(char character) {
    if (character >= 'A' && character <= 'Z') return character - 'A';
    if (character >= 'a' && character <= 'z') return character - 'a' + 26;
    if (character >= '0' && character <= '9') return character - '0' + 52;
    if (character == '+') return 62;
    if (character == '/') return 63;
    return -1;
}

// Line by line, so that a fault has a line.
class Base64 {
public:
    // What is wrong with this line, or empty.
    std::string take(std::string_view line) {
        for (const char character : line) {
            if (character == ' ' || character == '\t') continue;
            if (character == '=') {
                ++padding_;
                if (padding_ > 2) return "bad base64: too many '='";
                continue;
            }
            const int digit = base64_digit(character);
            if (digit < 0) {
                return fmt::format("bad base64: character '{}'",
                                   printable(std::string_view(&character, 1)));
            }
            if (padding_ > 0) return "bad base64: more after '='";
            bits_ = bits_ << 6 | static_cast<std::uint32_t>(digit);
            if (++digits_ % 4 == 0) {
                for (const int shift : {16, 8, 0})
                    push(bits_ >> shift);
                bits_ = 0;
            }
        }
        return {};
    }
    // Padding that is missing is not held against anybody.
    std::string finish() {
        const std::size_t over = digits_ % 4;
        if (over == 1 || (padding_ > 0 && over + padding_ != 4)) {
            return "bad base64: its length is wrong, something is missing";
        }
        if (over >= 2) push(bits_ >> (over == 2 ? 4 : 10));
        if (over == 3) push(bits_ >> 2);
        return {};
    }
    Bytes octets;

private:
    void push(std::uint32_t value) { octets.push_back(static_cast<std::uint8_t>(value)); }
    std::uint32_t bits_ = 0;
    std::size_t digits_ = 0;
    std::size_t padding_ = 0;
};

enum class LabelKind { certificate, trusted_certificate, pkcs7, other };

struct Label {
    std::string_view text;
    LabelKind kind;
    std::string_view holds;  // for messages
};
// RFC 7468, OpenSSL's older labels, and Netscape's.
constexpr Label labels[] = {
    {"CERTIFICATE", LabelKind::certificate, "a certificate"},
    {"X509 CERTIFICATE", LabelKind::certificate, "a certificate"},
    {"X.509 CERTIFICATE", LabelKind::certificate, "a certificate"},
    {"TRUSTED CERTIFICATE", LabelKind::trusted_certificate, "a certificate"},
    {"PKCS7", LabelKind::pkcs7, "PKCS #7"},
    {"PKCS #7 SIGNED DATA", LabelKind::pkcs7, "PKCS #7"},
    {"CMS", LabelKind::pkcs7, "CMS"},
    {"CERTIFICATE REQUEST", LabelKind::other, "a certificate request"},
    {"NEW CERTIFICATE REQUEST", LabelKind::other, "a certificate request"},
    {"X509 CRL", LabelKind::other, "a certificate revocation list"},
    {"PUBLIC KEY", LabelKind::other, "a public key"},
    {"RSA PUBLIC KEY", LabelKind::other, "a public key"},
    {"DH PARAMETERS", LabelKind::other, "Diffie-Hellman parameters"},
    {"EC PARAMETERS", LabelKind::other, "curve parameters"},
};

Label label_of(std::string_view text) {
    for (const Label& label : labels) {
        if (label.text == text) return label;
    }
    if (text.ends_with("PRIVATE KEY")) return {text, LabelKind::other, "a private key"};
    return {text, LabelKind::other, {}};
}

CertificateFile decode_pem(std::string_view text, const std::string& name,
                           const std::string& password) {
    CertificateFile out;
    std::string other;  // the first thing that is no certificate
    Lines lines(text);
    const auto refuse_line = [&](std::size_t number, const std::string& what) {
        refuse(name, fmt::format("line {}: {}", number, what));
    };
    while (lines.next()) {
        const std::size_t begin_at = lines.line().find(begin_mark);
        if (begin_at == std::string_view::npos) continue;
        const std::size_t begin_line = lines.number();
        std::string_view rest = lines.line().substr(begin_at + begin_mark.size());
        const std::size_t dashes = rest.find("-----");
        if (dashes == std::string_view::npos) {
            refuse_line(begin_line, "a BEGIN line without its last dashes");
        }
        const std::string_view label_text = rest.substr(0, dashes);
        const Label label = label_of(label_text);
        Base64 base64;
        bool ended = false;
        bool header = false;  // RFC 1421 headers, up to an empty line
        while (!ended && lines.next()) {
            const std::string_view line = lines.line();
            if (line.starts_with(end_mark)) {
                const std::string_view end_rest = line.substr(end_mark.size());
                const std::string_view end_label = end_rest.substr(0, end_rest.find("-----"));
                if (end_label != label_text) {
                    refuse_line(lines.number(), fmt::format("END {} closes BEGIN {} of line {}",
                                                            printable(end_label),
                                                            printable(label_text), begin_line));
                }
                ended = true;
            } else if (line.starts_with(begin_mark)) {
                refuse_line(lines.number(), fmt::format("BEGIN before END {} of line {}",
                                                        printable(label_text), begin_line));
            } else if (label.kind != LabelKind::other) {
                if (line.find(':') != std::string_view::npos && base64.octets.empty()) {
                    header = true;
                } else if (header) {
                    header = !line.empty();
                } else if (const std::string fault = base64.take(line); !fault.empty()) {
                    refuse_line(lines.number(), fault);
                }
            }
        }
        if (!ended) {
            refuse_line(begin_line, fmt::format("BEGIN {} without END: the file is cut short",
                                                printable(label_text)));
        }
        if (label.kind == LabelKind::other) {
            if (other.empty()) {
                other = label.holds.empty() ? printable(label_text) : std::string(label.holds);
            }
            continue;
        }
        if (const std::string fault = base64.finish(); !fault.empty()) {
            refuse_line(lines.number(), fault);
        }
        if (base64.octets.empty()) {
            refuse_line(begin_line, fmt::format("an empty {}", printable(label_text)));
        }
        const std::string place = fmt::format("{}: line {}", name, begin_line);
        const auto add = [&](RootFormat format, std::vector<Bytes> certificates) {
            if (out.certificates.empty()) out.format = format;
            for (Bytes& certificate : certificates)
                out.certificates.push_back(std::move(certificate));
        };
        if (label.kind == LabelKind::trusted_certificate) {
            BerReader in(base64.octets);  // OpenSSL's trust settings follow the certificate
            const auto certificate = in.next();
            add(RootFormat::pem, {certificate ? to_bytes(certificate->encoding) : base64.octets});
        } else if (label.kind == LabelKind::pkcs7 || kind_of(base64.octets) == ObjectKind::pkcs7) {
            add(RootFormat::pkcs7, decode_pkcs7(base64.octets, place));
        } else if (kind_of(base64.octets) == ObjectKind::pkcs12) {
            add(RootFormat::pkcs12, decode_pkcs12(base64.octets, place, password));
        } else {
            add(RootFormat::pem, {std::move(base64.octets)});
        }
    }
    if (out.certificates.empty()) {
        refuse_empty(name, fmt::format("holds {}, no certificate; {}", other, want));
    }
    return out;
}

std::string size_text(std::uintmax_t bytes) {
    return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
}

// Closes on every way out.
class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    int number() const { return number_; }

private:
    int number_;
};

void check_status(const struct stat& status, const std::string& name) {
    if (S_ISDIR(status.st_mode)) refuse(name, fmt::format("is a directory; {}", want));
    if (!S_ISREG(status.st_mode)) {
        refuse(name, fmt::format("is no regular file (a pipe or a device); {}", want));
    }
    if (static_cast<std::uintmax_t>(status.st_size) > max_file_bytes) {
        refuse(name, fmt::format("{} is too large for certificates; the limit is {}",
                                 size_text(static_cast<std::uintmax_t>(status.st_size)),
                                 size_text(max_file_bytes)));
    }
}

}  // namespace

Bytes read_file(const std::filesystem::path& file) {
    const std::string name = file.string();
    const auto refuse_errno = [&] {
        refuse(name, errno == ENOENT ? "no such file"
                                     : "cannot be read: " + std::generic_category().message(errno));
    };
    // Asked before it is opened, for opening a pipe or a device can do things; and again after.
    struct stat status {};
    if (::stat(name.c_str(), &status) != 0) refuse_errno();
    check_status(status, name);
    const Descriptor descriptor(::open(name.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (descriptor.number() < 0 || ::fstat(descriptor.number(), &status) != 0) refuse_errno();
    check_status(status, name);

    Bytes out(static_cast<std::size_t>(status.st_size));
    std::size_t position = 0;
    while (position < out.size()) {
        const ssize_t got =
            ::read(descriptor.number(), out.data() + position, out.size() - position);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) refuse_errno();
        if (got == 0) break;
        position += static_cast<std::size_t>(got);
    }
    out.resize(position);
    return out;
}

bool is_pkcs12(ByteView octets) {
    return kind_of(octets) == ObjectKind::pkcs12;
}

bool is_pem(ByteView octets) {
    // Text may begin with a digit: '0' is the identifier octet of a SEQUENCE.
    if (!octets.empty() && octets[0] == ber::sequence && !is_text(octets)) return false;
    return text_of(octets).find(begin_mark) != std::string::npos;
}

CertificateFile decode_certificate_file(ByteView octets, const std::string& name,
                                        const std::string& pkcs12_password) {
    if (octets.empty()) refuse_empty(name, fmt::format("the file is empty; {}", want));
    if (octets.size() > max_file_bytes) {
        refuse(name, fmt::format("{} is too large for certificates", size_text(octets.size())));
    }
    if (is_pem(octets)) return decode_pem(text_of(octets), name, pkcs12_password);
    if (octets[0] == ber::sequence) return decode_der(octets, name, pkcs12_password);
    if (is_utf16(octets) || is_text(octets)) {
        refuse_empty(name, fmt::format("text without -----BEGIN CERTIFICATE-----; {}", want));
    }
    refuse_empty(name, fmt::format("neither PEM nor DER; {}", want));
}

std::vector<Bytes> decode_certificates(ByteView octets, const std::string& name,
                                       const std::string& pkcs12_password) {
    return decode_certificate_file(octets, name, pkcs12_password).certificates;
}

CertificateFile load_certificate_file(const std::filesystem::path& file,
                                      const std::string& pkcs12_password) {
    return decode_certificate_file(read_file(file), file.string(), pkcs12_password);
}

std::vector<Bytes> load_certificates(const std::filesystem::path& file,
                                     const std::string& pkcs12_password) {
    return load_certificate_file(file, pkcs12_password).certificates;
}

wire::Flight flight_of(const std::vector<std::filesystem::path>& files,
                       const std::string& pkcs12_password) {
    wire::Flight flight;
    flight.origin = wire::Flight::Origin::files;
    flight.ending = wire::Ending::server_hello_done;
    for (const std::filesystem::path& file : files) {
        for (Bytes& certificate : load_certificates(file, pkcs12_password)) {
            flight.certificates.push_back(std::move(certificate));
        }
    }
    return flight;
}

}  // namespace handset::flight
