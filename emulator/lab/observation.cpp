#include "emulator/lab/observation.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <stdexcept>

namespace handset::lab {

namespace {

namespace json = boost::json;

constexpr std::pair<Reached, std::string_view> reached_words[] = {
    {Reached::nothing, "nothing"},   {Reached::hello, "hello"},
    {Reached::flight, "flight"},     {Reached::client_key_exchange, "client-key-exchange"},
    {Reached::finished, "finished"}, {Reached::request, "request"}};
constexpr std::pair<End, std::string_view> end_words[] = {
    {End::closed, "closed"}, {End::reset, "reset"}, {End::timeout, "timeout"},
    {End::server, "server"}, {End::limit, "limit"}, {End::stopped, "stopped"}};

template <typename T, std::size_t n>
std::string_view word_of(const std::pair<T, std::string_view> (&words)[n], T value) {
    return std::ranges::find(words, value, &std::pair<T, std::string_view>::first)->second;
}

[[noreturn]] void refuse(std::string_view key, std::string_view what) {
    throw std::runtime_error(fmt::format("no line of the lab: {}: {}", key, what));
}
template <typename T, std::size_t n>
T value_of(const std::pair<T, std::string_view> (&words)[n], std::string_view key,
           std::string_view word) {
    const auto found = std::ranges::find(words, word, &std::pair<T, std::string_view>::second);
    if (found == std::end(words)) refuse(key, "an unknown word");
    return found->first;
}

std::string time_text(std::chrono::sys_time<std::chrono::milliseconds> at) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(at);
    std::string text = to_rfc3339(seconds);
    text.insert(text.size() - 1, fmt::format(".{:03}", (at - seconds).count()));
    return text;
}

template <typename Value>
json::value or_null(const std::optional<Value>& value, auto name) {
    return value ? json::value(name(*value)) : json::value(nullptr);
}

json::object alert_object(const ClientAlert& seen) {
    return {{"level", wire::name_of(seen.alert.level)},
            {"code", static_cast<unsigned>(seen.alert.description)},
            {"name", wire::name_of(seen.alert.description)},
            {"encrypted", seen.encrypted}};
}

const json::value& at(const json::object& object, std::string_view key) {
    const json::value* value = object.if_contains(key);
    if (!value) refuse(key, "is missing");
    return *value;
}
std::string text_at(const json::object& object, std::string_view key) {
    const json::value& value = at(object, key);
    if (!value.is_string()) refuse(key, "is no text");
    return std::string(value.get_string());
}
Bytes hex_at(const json::object& object, std::string_view key) {
    const auto octets = from_hex(text_at(object, key));
    if (!octets) refuse(key, "is not hexadecimal");
    return *octets;
}
Time time_at(const json::object& object, std::string_view key) {
    const auto time = parse_rfc3339(text_at(object, key));
    // An offset may lead out of the years that can be written.
    if (!time || !parse_rfc3339(to_rfc3339(*time))) refuse(key, "is no time");
    return *time;
}
// With the fraction as time_text() writes it.
std::chrono::sys_time<std::chrono::milliseconds> precise_time_at(const json::object& object,
                                                                 std::string_view key) {
    const Time seconds = time_at(object, key);
    const std::string text = text_at(object, key);
    int milliseconds = 0;
    const std::size_t point = text.find('.');
    for (std::size_t i = 1; i <= 3 && point != std::string::npos; ++i) {
        const char c = text[std::min(point + i, text.size() - 1)];
        if (c < '0' || c > '9') return seconds;  // a fraction of another kind
        milliseconds = milliseconds * 10 + (c - '0');
    }
    return seconds + std::chrono::milliseconds(milliseconds);
}
bool flag_at(const json::object& object, std::string_view key) {
    const json::value& value = at(object, key);
    if (!value.is_bool()) refuse(key, "is neither true nor false");
    return value.get_bool();
}
std::size_t number_at(const json::object& object, std::string_view key, std::size_t most) {
    const json::value& value = at(object, key);
    if (!value.is_int64() || value.get_int64() < 0 ||
        static_cast<std::size_t>(value.get_int64()) > most) {
        refuse(key, "is no such number");
    }
    return static_cast<std::size_t>(value.get_int64());
}

wire::AlertLevel level_at(const json::object& object, std::string_view key) {
    const std::string text = text_at(object, key);
    for (unsigned level = 0; level <= 0xff; ++level) {
        if (text == wire::name_of(static_cast<wire::AlertLevel>(level))) {
            return static_cast<wire::AlertLevel>(level);
        }
    }
    refuse(key, "an unknown word");
}

}  // namespace

std::string_view reached_name(Reached reached) {
    return word_of(reached_words, reached);
}
std::string_view end_name(End end) {
    return word_of(end_words, end);
}

const ClientAlert* Observation::stopped_with() const {
    const auto found = std::ranges::find_if(alerts, [](const ClientAlert& seen) {
        return seen.alert.description != wire::AlertDescription::close_notify;
    });
    return found == alerts.end() ? nullptr : &*found;
}

std::optional<bool> accepted(const Observation& observation) {
    if (observation.reached == Reached::client_key_exchange && !observation.can_finish) return true;
    if (observation.reached >= Reached::flight && observation.client_accepted) {
        return observation.client_accepted;
    }
    switch (observation.reached) {
        case Reached::nothing:
        case Reached::hello:
            return std::nullopt;
        case Reached::flight:
            if (observation.end == End::stopped && !observation.stopped_with()) return std::nullopt;
            return false;
        case Reached::client_key_exchange:
        case Reached::finished:
            if (observation.stopped_with()) return false;
            return std::nullopt;
        case Reached::request:
            return true;
    }
    return std::nullopt;
}

std::string to_json(const Entry& entry) {
    const Observation& seen = entry.observation;
    json::array alerts;
    for (const ClientAlert& alert : seen.alerts)
        alerts.emplace_back(alert_object(alert));
    const auto verdict = accepted(seen);
    json::object line{
        {"schema", 1},
        {"at", time_text(entry.at)},
        {"clock", to_rfc3339(entry.clock)},
        {"cases_for", to_rfc3339(entry.cases_for)},
        {"peer", entry.peer},
        {"port", entry.port},
        {"case", seen.case_id},
        {"sni", seen.sni},
        {"reached", reached_name(seen.reached)},
        {"end", end_name(seen.end)},
        {"accepted", verdict ? json::value(*verdict) : json::value(nullptr)},
        {"alerts", std::move(alerts)},
        {"version", or_null(seen.version, [](auto value) { return wire::name_of(value); })},
        {"cipher_suite",
         or_null(seen.cipher_suite, [](auto value) { return wire::name_of(value); })},
        {"flight_sent_whole", seen.flight_sent_whole},
        {"can_finish", seen.can_finish},
        {"detail", printable_utf8(seen.detail)},
        {"received", seen.octets_received},
        {"hello", to_hex(seen.flight.client_hello)},
        {"flight", to_hex(seen.flight.bytes)}};
    if (seen.client_accepted || !seen.client_error.empty()) {
        line["client"] = json::object{
            {"accepted", seen.client_accepted ? json::value(*seen.client_accepted) : nullptr},
            {"error", printable_utf8(seen.client_error)}};
    }
    return json::serialize(line);
}

Entry from_json(std::string_view line) {
    json::error_code error;
    const json::value value = json::parse(json::string_view(line.data(), line.size()), error);
    if (error || !value.is_object()) refuse("line", "is no JSON object");
    const json::object& object = value.get_object();
    Entry entry;
    entry.at = precise_time_at(object, "at");
    entry.clock = time_at(object, "clock");
    entry.cases_for = time_at(object, "cases_for");
    entry.peer = text_at(object, "peer");
    entry.port = static_cast<std::uint16_t>(number_at(object, "port", 65535));
    Observation& seen = entry.observation;
    seen.case_id = text_at(object, "case");
    seen.sni = text_at(object, "sni");
    seen.reached = value_of(reached_words, "reached", text_at(object, "reached"));
    seen.end = value_of(end_words, "end", text_at(object, "end"));
    const json::value& alerts = at(object, "alerts");
    if (!alerts.is_array()) refuse("alerts", "is no list");
    for (const json::value& item : alerts.get_array()) {
        if (!item.is_object()) refuse("alerts", "is no list of objects");
        const json::object& alert = item.get_object();
        const auto code = number_at(alert, "code", 255);
        seen.alerts.push_back(
            {{level_at(alert, "level"), static_cast<wire::AlertDescription>(code)},
             flag_at(alert, "encrypted")});
    }
    if (at(object, "version").is_string()) {
        seen.version = wire::protocol_version_from_name(text_at(object, "version"));
    }
    if (at(object, "cipher_suite").is_string()) {
        seen.cipher_suite = wire::cipher_suite_from_name(text_at(object, "cipher_suite"));
    }
    if (const json::value* client = object.if_contains("client")) {
        if (!client->is_object()) refuse("client", "is no object");
        if (at(client->get_object(), "accepted").is_bool()) {
            seen.client_accepted = flag_at(client->get_object(), "accepted");
        }
        seen.client_error = text_at(client->get_object(), "error");
    }
    if (object.contains("flight_sent_whole")) {
        seen.flight_sent_whole = flag_at(object, "flight_sent_whole");
    }
    seen.can_finish = flag_at(object, "can_finish");
    seen.detail = text_at(object, "detail");
    seen.octets_received = number_at(object, "received", std::size_t{1} << 40);
    seen.flight.client_hello = hex_at(object, "hello");
    seen.flight.bytes = hex_at(object, "flight");
    return entry;
}

}  // namespace handset::lab
