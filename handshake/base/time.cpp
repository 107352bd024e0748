#include "handshake/base/time.h"

#include <fmt/format.h>

namespace handset {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

std::optional<Time> make_time(int year, unsigned month, unsigned day, unsigned hour,
                              unsigned minute, unsigned second) {
    const std::chrono::year_month_day date{std::chrono::year{year}, std::chrono::month{month},
                                           std::chrono::day{day}};
    if (!date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
    if (second == 60) second = 59;
    return std::chrono::sys_days{date} + hours{hour} + minutes{minute} + seconds{second};
}

namespace {

// Takes exactly `digits` decimal digits off the front; nullopt when they are not there.
std::optional<unsigned> take_number(std::string_view& text, std::size_t digits) {
    if (text.size() < digits) return std::nullopt;
    unsigned value = 0;
    for (const char c : text.substr(0, digits)) {
        if (c < '0' || c > '9') return std::nullopt;
        value = value * 10 + static_cast<unsigned>(c - '0');
    }
    text.remove_prefix(digits);
    return value;
}

bool take_char(std::string_view& text, std::string_view any_of) {
    if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
    text.remove_prefix(1);
    return true;
}

}  // namespace

std::optional<Time> parse_rfc3339(std::string_view text) {
    const auto year = take_number(text, 4);
    if (!year || !take_char(text, "-")) return std::nullopt;
    const auto month = take_number(text, 2);
    if (!month || !take_char(text, "-")) return std::nullopt;
    const auto day = take_number(text, 2);
    if (!day) return std::nullopt;
    if (text.empty()) return make_time(static_cast<int>(*year), *month, *day, 0, 0, 0);
    if (!take_char(text, "Tt ")) return std::nullopt;
    const auto hour = take_number(text, 2);
    if (!hour || !take_char(text, ":")) return std::nullopt;
    const auto minute = take_number(text, 2);
    if (!minute || !take_char(text, ":")) return std::nullopt;
    const auto second = take_number(text, 2);
    if (!second) return std::nullopt;
    if (take_char(text, ".")) {
        if (!take_number(text, 1)) return std::nullopt;
        while (take_number(text, 1)) {
        }
    }
    const auto local = make_time(static_cast<int>(*year), *month, *day, *hour, *minute, *second);
    if (!local) return std::nullopt;
    if (text == "Z" || text == "z") return local;
    const bool east = text.starts_with('+');
    if (!take_char(text, "+-")) return std::nullopt;
    const auto offset_hours = take_number(text, 2);
    if (!offset_hours || *offset_hours > 23 || !take_char(text, ":")) return std::nullopt;
    const auto offset_minutes = take_number(text, 2);
    if (!offset_minutes || *offset_minutes > 59 || !text.empty()) return std::nullopt;
    const auto offset = hours{*offset_hours} + minutes{*offset_minutes};
    return east ? *local - offset : *local + offset;
}

std::string to_rfc3339(Time time) {
    const auto day = std::chrono::floor<days>(time);
    const std::chrono::hh_mm_ss clock{time - day};
    return fmt::format("{}T{:02}:{:02}:{:02}Z", to_date(time), clock.hours().count(),
                       clock.minutes().count(), clock.seconds().count());
}

std::string to_date(Time time) {
    const std::chrono::year_month_day date{std::chrono::floor<days>(time)};
    return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

}  // namespace handset
