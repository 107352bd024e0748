#include "handshake/base/error.h"

#include <fmt/format.h>

namespace handset {

std::string to_string(const DecodeError& error) {
    if (error.field.empty()) return fmt::format("{} (offset {})", error.reason, error.offset);
    return fmt::format("{}: {} (offset {})", error.field, error.reason, error.offset);
}

void throw_exception_from_error(const DecodeError& error, const boost::source_location&) {
    throw std::runtime_error(to_string(error));
}

}  // namespace handset
