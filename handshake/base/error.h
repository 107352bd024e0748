// Bytes that cannot be decoded at all. Odd but readable values are never an error: they are kept
// and become findings (handshake/rules). Trouble of ours (files, sockets, YAML) is
// std::runtime_error.
#pragma once

#include <boost/system/result.hpp>
#include <cstddef>
#include <stdexcept>
#include <string>

namespace handset {

struct DecodeError {
    std::string reason;      // what is wrong, without a full stop: "length runs past the end"
    std::string field;       // path in the standard's words: "tbsCertificate.validity.notBefore"
    std::size_t offset = 0;  // octets from the start of the outermost object that was decoded

    friend bool operator==(const DecodeError&, const DecodeError&) = default;
};

// "tbsCertificate.validity: length runs past the end (offset 120)"
std::string to_string(const DecodeError& error);

template <typename T>
using Result = boost::system::result<T, DecodeError>;

// Result<T>::value() on an error throws this; code that has not asked has_value() is at fault.
[[noreturn]] void throw_exception_from_error(const DecodeError& error,
                                             const boost::source_location& where);

}  // namespace handset
