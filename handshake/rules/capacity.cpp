// Rules on sizes that some clients cannot hold. The limits are the devices'; none is the
// standard's.
#include "handshake/rules/tables.h"

namespace handset::rules {

namespace {

using wire::AlertDescription;

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
