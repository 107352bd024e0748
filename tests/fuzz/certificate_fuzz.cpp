// Whatever octets come: a certificate that decodes has all its places within the input, decodes to
// the same values again, and prints without control characters.
#include <cstdio>
#include <cstdlib>
#include <string>

#include "handshake/x509/certificate.h"
#include "tests/x509/places.h"

namespace {

void demand(bool holds, const std::string& what) {
    if (holds) return;
    std::fprintf(stderr, "does not hold: %s\n", what.c_str());
    std::abort();
}

// UTF-8 without C0, DEL and C1.
bool is_printable_utf8(const std::string& text) {
    for (std::size_t i = 0; i < text.size();) {
        const auto first = static_cast<unsigned char>(text[i]);
        if (first < 0x20 || first == 0x7f) return false;
        const std::size_t length = first < 0x80   ? 1
                                   : first < 0xc2 ? 0
                                   : first < 0xe0 ? 2
                                   : first < 0xf0 ? 3
                                   : first < 0xf5 ? 4
                                                  : 0;
        if (length == 0 || length > text.size() - i) return false;
        for (std::size_t j = 1; j < length; ++j)
            if ((static_cast<unsigned char>(text[i + j]) & 0xc0) != 0x80) return false;
        if (first == 0xc2 && static_cast<unsigned char>(text[i + 1]) < 0xa0) return false;
        i += length;
    }
    return true;
}

void demand_printable(const std::string& text) {
    demand(is_printable_utf8(text), "printable: " + handset::printable(text));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace handset;
    using namespace handset::x509;
    const auto decoded = decode_certificate({data, size});
    if (decoded.has_error()) {
        demand(!decoded.error().field.empty(), "an error names its field");
        demand(decoded.error().offset <= size, "an error lies within the input");
        demand_printable(decoded.error().reason + decoded.error().field);
        return 0;
    }
    const Certificate& certificate = *decoded;
    demand(equal(certificate.raw, {data, size}), "raw is the input");
    for (const std::string& fault : misplaced(certificate))
        demand(false, fault);

    demand_printable(describe(certificate));
    demand_printable(to_string(certificate.subject));
    demand_printable(to_string(certificate.issuer));
    demand_printable(to_string(certificate.subject_public_key_info));
    for (const Extension& extension : certificate.extensions) {
        demand_printable(oid_name(extension.id));
        if (extension.decode_error) demand_printable(to_string(*extension.decode_error));
        if (const auto* names = std::get_if<GeneralNames>(&extension.value))
            for (const GeneralName& name : names->names)
                demand_printable(to_string(name));
    }
    for (const Observation& observation : certificate.observations)
        demand_printable(observation.field + observation.detail);
    demand(same_folded(certificate.subject, certificate.subject), "a name equals itself");

    const auto again = decode_certificate(certificate.raw);
    demand(again.has_value() && *again == certificate, "decoding again gives the same");
    return 0;
}
