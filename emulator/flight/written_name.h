// Distinguished names as certutil, PowerShell and keytool write them.
#pragma once

#include <string>
#include <string_view>

namespace handset::flight {

// "KEYWORD=" stands at the front: what follows is a name. "CN=Contoso Root CA" is one,
// "Key Container = x" is none.
bool begins_name(std::string_view text);

// The name as x509::to_string writes it (RFC 4514), so that the two can be compared:
// `E=a@b, CN="Contoso, Inc.", C=US` becomes `emailAddress=a@b,CN=Contoso\, Inc.,C=US`. The order is
// kept: all of these programs begin with the end of the encoded name, as RFC 4514 does. Quotation
// marks are doubled (Windows) or escaped (Java) inside quotation marks. What cannot be read as a
// name comes back as it stands, printable.
std::string rfc4514_of(std::string_view written);

}  // namespace handset::flight
