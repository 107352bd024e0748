#include "emulator/judge/objector.h"

namespace handset::judge {

rules::Finding finding_at(const Path& path, std::size_t position, std::string_view rule,
                          x509::Place place, std::string field, std::string detail) {
    const PathCertificate& on_path = path.certificates[position];
    rules::Finding finding{std::string(rule), on_path.number, std::move(field),
                           place.offset,      place.length,   {},
                           std::move(detail)};
    if (!on_path.number) {
        finding.detail += on_path.fetched ? " (fetched by AIA)" : " (the trust anchor)";
    }
    const ByteView der = on_path.certificate->raw;
    if (place.offset <= der.size()) {
        finding.bytes = to_bytes(der.subspan(
            place.offset,
            std::min({place.length, der.size() - place.offset, rules::max_finding_bytes})));
    }
    return finding;
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
