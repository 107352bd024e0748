#include <catch2/catch.hpp>

#include <boost/json.hpp>
#include <sstream>

#include "emulator/report/report.h"

using namespace handset;
using namespace handset::report;
using namespace handset::judge;

namespace {

Entry failing() {
    Entry entry;
    Verdict& verdict = entry.verdict;
    verdict.device = "old-phone";
    verdict.name = "An old phone";
    verdict.outcome = Outcome::fails;
    verdict.stage = Stage::certificate;
    verdict.alert = AlertSeen{Direction::sent,
                              {wire::AlertLevel::fatal, wire::AlertDescription::illegal_parameter}};
    verdict.shows = "A field was out of range";
    verdict.code = "-7547";
    verdict.grade = device::Grade::inferred;
    Reason reason;
    reason.effect = Effect::decides;
    reason.finding = {"extension-san-critical",
                      0,
                      "tbsCertificate.extensions[2].critical",
                      20,
                      3,
                      {0x01, 0x01, 0xff},
                      "subjectAltName is marked critical"};
    reason.demand = "subjectAltName should be non-critical.";
    reason.citation = "RFC 5280 4.2.1.6";
    reason.source = "history of the module (an address)";
    reason.grade = device::Grade::inferred;
    reason.remedies = {"Issue it again."};
    verdict.reasons.push_back(reason);
    entry.certificates.push_back(Bytes(64, 0x01));
    return entry;
}

Entry connecting() {
    Entry entry;
    entry.verdict.device = "a-desktop";
    entry.verdict.outcome = Outcome::connects;
    entry.verdict.stage = Stage::finished;
    entry.verdict.negotiated =
        Negotiated{wire::ProtocolVersion::tls_1_0, wire::CipherSuite{0x0035}};
    return entry;
}

Report report_of(std::vector<Entry> entries) {
    Report report;
    report.version = "0.1.0";
    report.target = "mail.contoso.com:443";
    report.host = "mail.contoso.com";
    report.at = *parse_rfc3339("2007-09-02");
    report.entries = std::move(entries);
    return report;
}

std::string table(const Report& report, const Style& style) {
    std::ostringstream out;
    write_table(report, style, out);
    return out.str();
}

}  // namespace

TEST_CASE("the table shows the worst first, aligned, with a summary") {
    CHECK(table(report_of({connecting(), failing()}), Style{}) ==
          "DEVICE     VERDICT   WHY\n"
          "old-phone  fails     subjectAltName is marked critical\n"
          "                     certificate 0, tbsCertificate.extensions[2].critical, offset 20; "
          "sends alert 47\n"
          "                     illegal_parameter; evidence: inferred\n"
          "                     user reads: \"A field was out of range\" (-7547)\n"
          "a-desktop  connects  TLS 1.0, TLS_RSA_WITH_AES_256_CBC_SHA; handshake finished\n"
          "\n"
          "2 devices: 1 fails, 1 connects; mail.contoso.com:443 at 2007-09-02T00:00:00Z; "
          "configured for mail.contoso.com\n");
}

TEST_CASE("--explain adds octets, demand, source and remedy") {
    const std::string text = table(report_of({failing()}), Style{true, false, 100});
    for (const char* part :
         {"extension-san-critical [decides]",
          "demand: subjectAltName should be non-critical. [RFC 5280 4.2.1.6]",
          "known:  history of the module (an address) [inferred]", "remedy: Issue it again.",
          "00000010  01 01 01 01", "^^^^^^^^ critical"}) {
        INFO(part << "\n" << text);
        CHECK(text.find(part) != std::string::npos);
    }
}

TEST_CASE("nothing from a certificate or a profile reaches the terminal as a control sequence") {
    Entry entry = failing();
    entry.verdict.reasons[0].finding.detail = "\x1b]0;owned\x07";
    entry.verdict.shows =
        "\x9b"
        "31m";
    const std::string text = table(report_of({entry}), Style{true, false, 100});
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find('\x07') == std::string::npos);
    CHECK(text.find('\x9b') == std::string::npos);
    CHECK(text.find("\\x1b]0;owned\\x07") != std::string::npos);
}

TEST_CASE("without a host the summary says that names were not compared") {
    Report report = report_of({connecting()});
    report.host.clear();
    CHECK(table(report, Style{}).find("names were not compared (give --host NAME)") !=
          std::string::npos);
}

TEST_CASE("exit status") {
    Entry unknown = connecting();
    unknown.verdict.outcome = Outcome::unknown;
    Entry asks = connecting();
    asks.verdict.outcome = Outcome::asks;
    Entry unreachable = failing();
    unreachable.verdict.stage = Stage::connect;
    CHECK(exit_status(report_of({connecting()}), true) == 0);
    CHECK(exit_status(report_of({connecting(), failing()}), false) == 1);
    CHECK(exit_status(report_of({asks}), false) == 1);
    CHECK(exit_status(report_of({unknown}), false) == 0);
    CHECK(exit_status(report_of({unknown}), true) == 1);
    CHECK(exit_status(report_of({failing(), unreachable}), false) == 3);
}

TEST_CASE("JSON holds the keys of the contract") {
    std::ostringstream out;
    write_json(report_of({failing()}), Style{}, out);
    const auto root = boost::json::parse(out.str()).as_object();
    CHECK(root.at("schema") == 1);
    CHECK(root.at("tool") == "handset");
    CHECK(root.at("at") == "2007-09-02T00:00:00Z");
    const auto& verdict = root.at("verdicts").at(0).as_object();
    CHECK(verdict.at("outcome") == "fails");
    CHECK(verdict.at("stage") == "certificate");
    CHECK(verdict.at("alert") ==
          boost::json::parse(R"({"direction":"sent","level":"fatal","code":47,
                                                        "name":"illegal_parameter"})"));
    CHECK(verdict.at("hello").is_null());
    const auto& reason = verdict.at("reasons").at(0).as_object();
    CHECK(reason.at("bytes") == "0101ff");
    CHECK(reason.at("offset") == 20);
    CHECK(reason.at("certificate") == 0);
    CHECK(reason.at("remedies").at(0) == "Issue it again.");
}

TEST_CASE("octets that are no UTF-8 still make valid JSON") {
    Entry entry = failing();
    entry.verdict.reasons[0].finding.detail = "\xff\xfe\"\n";
    std::ostringstream out;
    write_json(report_of({entry}), Style{}, out);
    const auto root = boost::json::parse(out.str());
    CHECK(root.at("verdicts").at(0).at("reasons").at(0).at("detail") == "\\xff\\xfe\"\\x0a");
}

TEST_CASE("every format has a name, a summary and a writer") {
    REQUIRE(formats().size() >= 2);
    for (const Format& format : formats()) {
        CHECK_FALSE(format.summary.empty());
        CHECK(find_format(format.name) == &format);
        std::ostringstream out;
        format.write(report_of({connecting()}), Style{}, out);
        CHECK_FALSE(out.str().empty());
    }
    CHECK(find_format("xml") == nullptr);
}

TEST_CASE("a handshake that was not played to its end says so") {
    Entry entry = connecting();
    entry.verdict.stage = Stage::key_exchange;
    Reason reason;
    reason.finding.rule = "handshake-not-played";
    reason.finding.detail = "the handshake was followed to ServerHelloDone only: mbed TLS lacks X";
    entry.verdict.reasons.push_back(reason);
    const std::string text = table(report_of({entry}), Style{});
    CHECK(text.find("handshake finished") == std::string::npos);
    CHECK(text.find("followed to ServerHelloDone only: mbed TLS lacks X") != std::string::npos);
}
