#include "emulator/lab/observation.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <set>

using namespace handset;
using lab::End;
using lab::Entry;
using lab::Observation;
using lab::Reached;

namespace json = boost::json;

namespace {

Entry full_entry() {
    Entry entry;
    entry.at = *parse_rfc3339("2026-11-21T10:00:00Z") + std::chrono::milliseconds(7);
    entry.clock = *parse_rfc3339("2007-09-02T12:00:00Z");
    entry.cases_for = *parse_rfc3339("2026-11-21T00:00:00Z");
    entry.peer = "[::1]:40000";
    entry.port = 65535;
    Observation& seen = entry.observation;
    seen.case_id = "name/name-mismatch";
    seen.sni = "mail.example.test";
    seen.reached = Reached::finished;
    seen.end = End::reset;
    seen.alerts = {
        {{wire::AlertLevel::warning, wire::AlertDescription::close_notify}, false},
        {{wire::AlertLevel::fatal, wire::AlertDescription::bad_certificate}, true},
        {{static_cast<wire::AlertLevel>(0), static_cast<wire::AlertDescription>(200)}, true}};
    seen.version = wire::ProtocolVersion::tls_1_0;
    seen.cipher_suite = wire::CipherSuite{0x1234};
    seen.flight_sent_whole = true;
    seen.can_finish = true;
    seen.detail = "for eyes";
    seen.octets_received = 70'000;
    seen.flight.client_hello = {0x16, 3, 1, 0, 0};
    seen.flight.bytes = {0x15, 3, 1, 0, 2, 2, 40};
    return entry;
}

void check_same(const Entry& a, const Entry& b) {
    CHECK(a.at == b.at);
    CHECK(a.clock == b.clock);
    CHECK(a.cases_for == b.cases_for);
    CHECK(a.peer == b.peer);
    CHECK(a.port == b.port);
    const Observation &one = a.observation, &other = b.observation;
    CHECK(one.case_id == other.case_id);
    CHECK(one.sni == other.sni);
    CHECK(one.reached == other.reached);
    CHECK(one.end == other.end);
    CHECK(one.alerts == other.alerts);
    CHECK(one.version == other.version);
    CHECK(one.cipher_suite == other.cipher_suite);
    CHECK(one.flight_sent_whole == other.flight_sent_whole);
    CHECK(one.can_finish == other.can_finish);
    CHECK(one.detail == other.detail);
    CHECK(one.octets_received == other.octets_received);
    CHECK(one.flight.client_hello == other.flight.client_hello);
    CHECK(one.flight.bytes == other.flight.bytes);
}

std::string complaint(const std::string& line) {
    try {
        lab::from_json(line);
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "none";
}

}  // namespace

TEST_CASE("a line of the log is read back as it was") {
    check_same(lab::from_json(lab::to_json(full_entry())), full_entry());
    check_same(lab::from_json(lab::to_json(Entry{})), Entry{});
    for (const Reached reached :
         {Reached::nothing, Reached::hello, Reached::flight, Reached::client_key_exchange,
          Reached::finished, Reached::request}) {
        for (const End end :
             {End::closed, End::reset, End::timeout, End::server, End::limit, End::stopped}) {
            Entry entry = full_entry();
            entry.observation.reached = reached;
            entry.observation.end = end;
            check_same(lab::from_json(lab::to_json(entry)), entry);
        }
    }
}

TEST_CASE("a line is one line of JSON, whatever a client said") {
    Entry entry = full_entry();
    entry.observation.detail = "a\nb\xff\x1b[31m";
    const std::string line = lab::to_json(entry);
    CHECK(line.find('\n') == std::string::npos);
    CHECK(line.find('\x1b') == std::string::npos);
    const json::object object = json::parse(line).as_object();
    CHECK(object.at("schema") == 1);
    CHECK(object.at("at") == "2026-11-21T10:00:00.007Z");
    CHECK(object.at("reached") == "finished");
    CHECK(object.at("accepted") == false);
    CHECK(object.at("detail") == "a\\x0ab\\xff\\x1b[31m");
    CHECK(object.at("alerts").as_array().at(1).as_object().at("name") == "bad_certificate");
    CHECK(object.at("cipher_suite") == "0x1234");
    CHECK(object.at("flight") == "15030100020228");
}

TEST_CASE("what somebody else wrote is read or refused in one line") {
    const std::string good = lab::to_json(full_entry());
    for (const std::string& bad :
         {std::string(), std::string("{"), std::string("[]"), std::string("null"),
          std::string("{}"), std::string("\xff\xfe"), std::string(100'000, '['), good + "x",
          good + "\n" + good, std::string("{\"at\":1}")}) {
        const std::string what = complaint(bad);
        CAPTURE(bad.substr(0, 50), what);
        CHECK(what.starts_with("no line of the lab: "));
        CHECK(what.find('\n') == std::string::npos);
    }
    // Every key missing, and of another type.
    const json::object object = json::parse(good).as_object();
    const std::set<std::string> not_read{"schema", "accepted", "flight_sent_whole"};
    for (const auto& pair : object) {
        const std::string key(pair.key());
        CAPTURE(key);
        json::object changed = object;
        changed.erase(key);
        if (!not_read.contains(key)) {
            CHECK(complaint(json::serialize(changed)) ==
                  "no line of the lab: " + key + ": is missing");
        } else {
            CHECK(complaint(json::serialize(changed)) == "none");
        }
        if (key == "schema" || key == "accepted") continue;
        for (const json::value& other : {json::value(json::object{}), json::value(1.5)}) {
            changed[key] = other;
            if (key == "version" || key == "cipher_suite") continue;  // null there, by any name
            CHECK(complaint(json::serialize(changed)).starts_with("no line of the lab: " + key));
        }
    }
    const auto with = [&](const std::string& key, const json::value& value) {
        json::object changed = object;
        changed[key] = value;
        return complaint(json::serialize(changed));
    };
    CHECK(with("port", 65536) == "no line of the lab: port: is no such number");
    CHECK(with("port", -1) == "no line of the lab: port: is no such number");
    CHECK(with("received", 1e30) == "no line of the lab: received: is no such number");
    CHECK(with("reached", "moon") == "no line of the lab: reached: an unknown word");
    CHECK(with("end", "") == "no line of the lab: end: an unknown word");
    CHECK(with("hello", "1") == "no line of the lab: hello: is not hexadecimal");
    CHECK(with("flight", "xx") == "no line of the lab: flight: is not hexadecimal");
    CHECK(with("at", "2026-13-01T00:00:00Z") == "no line of the lab: at: is no time");
    CHECK(with("at", "0000-01-01T00:00:00+23:59") == "no line of the lab: at: is no time");
    CHECK(with("alerts", json::array{1}) == "no line of the lab: alerts: is no list of objects");
    CHECK(with("alerts", json::array{json::object{{"code", 256}}})
              .starts_with("no line of the lab: code"));
    CHECK(with("alerts",
               json::array{json::object{{"code", 1}, {"level", "loud"}, {"encrypted", false}}}) ==
          "no line of the lab: level: an unknown word");
}

TEST_CASE("what a client made of a case, as far as a server can see") {
    const auto accepted = [](Reached reached, std::vector<lab::ClientAlert> alerts,
                             End end = End::closed) {
        Observation seen;
        seen.reached = reached;
        seen.alerts = std::move(alerts);
        seen.end = end;
        seen.can_finish = true;
        return lab::accepted(seen);
    };
    const lab::ClientAlert goodbye{
        {wire::AlertLevel::warning, wire::AlertDescription::close_notify}, true};
    const lab::ClientAlert refusal{{wire::AlertLevel::fatal, wire::AlertDescription::unknown_ca},
                                   false};
    CHECK(accepted(Reached::nothing, {}) == std::nullopt);
    CHECK(accepted(Reached::hello, {refusal}) == std::nullopt);
    CHECK(accepted(Reached::flight, {}) == false);
    CHECK(accepted(Reached::flight, {refusal}) == false);
    CHECK(accepted(Reached::client_key_exchange, {}) == std::nullopt);
    CHECK(accepted(Reached::client_key_exchange, {goodbye}) == std::nullopt);
    CHECK(accepted(Reached::finished, {goodbye, refusal}) == false);
    CHECK(accepted(Reached::finished, {goodbye}) == std::nullopt);
    CHECK(accepted(Reached::request, {goodbye}) == true);
    // It went on where the server could not: it had accepted what it was shown.
    Observation gone_on;
    gone_on.reached = Reached::client_key_exchange;
    CHECK(lab::accepted(gone_on) == true);
    // Its own word, where somebody asked it.
    for (const bool word : {true, false}) {
        Observation asked;
        asked.can_finish = true;
        asked.client_accepted = word;
        CHECK(lab::accepted(asked) == std::nullopt);  // it was shown nothing
        asked.reached = Reached::finished;
        CHECK(lab::accepted(asked) == word);
    }
    // It may have been about to go on.
    CHECK(accepted(Reached::flight, {}, End::stopped) == std::nullopt);
    CHECK(accepted(Reached::flight, {refusal}, End::stopped) == false);
}
