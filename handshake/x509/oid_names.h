// Every name that oid_from_name() knows, for messages and for lists of what may be written.
#pragma once

#include <string_view>
#include <vector>

namespace handset::x509 {

// In the order of the table; an object identifier that has several names is there under each.
std::vector<std::string_view> oid_names();

}  // namespace handset::x509
