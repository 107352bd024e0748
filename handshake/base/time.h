// Points in time as certificates and users write them: whole seconds, UTC, proleptic Gregorian,
// years 0 to 9999.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace handset {

using Time = std::chrono::sys_seconds;

// nullopt for a date or time of day that does not exist (a leap second, :60, counts as existing and
// is read as :59).
std::optional<Time> make_time(int year, unsigned month, unsigned day, unsigned hour,
                              unsigned minute, unsigned second);

// RFC 3339 with 'Z' or a numeric offset; a bare date means midnight UTC. Fractions are cut off.
std::optional<Time> parse_rfc3339(std::string_view text);
// "2007-09-02T00:00:00Z"
std::string to_rfc3339(Time time);
// "2007-09-02"
std::string to_date(Time time);

}  // namespace handset
