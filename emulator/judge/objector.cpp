#include "emulator/judge/objector.h"

namespace handset::judge {

rules::Finding finding_on(const PathCertificate& certificate, std::string_view rule,
                          x509::Place place, std::string field, std::string detail) {
    rules::Finding finding{std::string(rule), certificate.number, std::move(field),
                           place.offset,      place.length,       {},
                           std::move(detail)};
    if (!certificate.number) {
        finding.detail += certificate.fetched ? " (fetched by AIA)" : " (the trust anchor)";
    }
    const ByteView der = certificate.certificate->raw;
    if (place.offset <= der.size()) {
        finding.bytes = to_bytes(der.subspan(
            place.offset,
            std::min({place.length, der.size() - place.offset, rules::max_finding_bytes})));
    }
    return finding;
}

rules::Finding finding_at(const Path& path, std::size_t position, std::string_view rule,
                          x509::Place place, std::string field, std::string detail) {
    return finding_on(path.certificates[position], rule, place, std::move(field),
                      std::move(detail));
}

rules::Finding finding_in_stream(std::string_view rule, std::size_t offset, ByteView bytes,
                                 std::string field, std::string detail) {
    return {
        std::string(rule), std::nullopt,
        std::move(field),  offset,
        bytes.size(),      to_bytes(bytes.first(std::min(bytes.size(), rules::max_finding_bytes))),
        std::move(detail)};
}

}  // namespace handset::judge
