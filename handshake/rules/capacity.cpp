// Rules on sizes that some clients cannot hold. The limits are the devices'; none is the
// standard's.
#include <fmt/format.h>

#include "handshake/rules/tables.h"

namespace handset::rules {

namespace {

using wire::AlertDescription;

void find_certificate_count(const Evidence& evidence, Findings& findings) {
    if (evidence.certificates_sent <= evidence.chain.size()) return;
    findings.in_stream(0, {}, "certificate_list",
                       fmt::format("{} certificates; the first {} were read",
                                   evidence.certificates_sent, evidence.chain.size()));
}

void find_flight_length(const Evidence& evidence, Findings& findings) {
    if (evidence.ending != wire::Ending::limit) return;
    findings.in_stream(0, {}, "handshake", evidence.ending_detail);
}

constexpr std::string_view shorten =
    "Shorten the chain: leave the root out, use fewer names, smaller keys or a CA with shorter "
    "certificates.";

constexpr Rule table[] = {
    {"capacity-message-too-long", Area::capacity, Level::must, Step::certificate_message,
     "A handshake message fits the client's buffer.", "RFC 5246 7.4",
     AlertDescription::illegal_parameter, shorten, nullptr},
    {"capacity-record-too-long", Area::capacity, Level::must, Step::server_hello,
     "A record fits the client's buffer.", "RFC 5246 6.2.1", AlertDescription::record_overflow,
     shorten, nullptr},
    {"capacity-certificate-count", Area::capacity, Level::must, Step::certificate_message,
     "A certificate_list holds what leads from the server's certificate to a root.",
     "RFC 5246 7.4.2", AlertDescription::bad_certificate, shorten, find_certificate_count},
    {"capacity-flight-length", Area::capacity, Level::must, Step::certificate_message,
     "A server's flight ends within what any client would read.", "RFC 5246 7.3",
     AlertDescription::internal_error,
     "Look at what the server sends: a flight of this length is no handshake.", find_flight_length},
    {"capacity-oid-arcs", Area::capacity, Level::must, Step::encoding,
     "Object identifiers have no more arcs than the client can hold.", "RFC 5280 4.2.1.4",
     AlertDescription::unexpected_message,
     "Leave the extension with the long identifier out of the certificate; a Microsoft CA writes "
     "one into certificatePolicies when the template has an issuance policy.",
     nullptr},
};

}  // namespace

std::span<const Rule> capacity_rules() {
    return table;
}

}  // namespace handset::rules
