#include <fmt/format.h>

#include <boost/json.hpp>
#include <fstream>
#include <map>

#include "emulator/capture/writer.h"
#include "emulator/cli/cases.h"
#include "emulator/cli/options.h"
#include "emulator/lab/pem.h"
#include "emulator/lab/prediction.h"
#include "emulator/lab/serve.h"
#include "emulator/report/listing.h"
#include "handshake/base/nearest.h"

namespace handset::cli {

namespace {

namespace json = boost::json;
namespace fs = std::filesystem;

constexpr std::size_t max_line = std::size_t{16} << 20;

Time today() {
    return std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now());
}

std::string text_of(const po::variables_map& values, const char* option) {
    return values.count(option) == 0 ? "" : values[option].as<std::string>();
}

std::vector<std::string> texts_of(const po::variables_map& values, const char* option) {
    return values.count(option) == 0 ? std::vector<std::string>()
                                     : values[option].as<std::vector<std::string>>();
}

const std::string& id_of(const lab::Outline& outline) {
    return outline.shown.id;
}

void write_file(const fs::path& file, std::string_view text) {
    std::ofstream out(file, std::ios::binary);
    out << text;
    out.flush();
    if (!out) throw std::runtime_error(fmt::format("{}: could not be written", file.string()));
}

std::string read_file(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// What an id does not say already: "  [also name-san-missing]".
std::string further_rules(const lab::Shown& shown) {
    std::vector<std::string> further = shown.rules;
    std::erase(further, shown.rule);
    return further.empty() ? "" : fmt::format("  [also {}]", fmt::join(further, ", "));
}

json::array texts(const std::vector<std::string>& list) {
    return json::array(list.begin(), list.end());
}

// One line for each case.
void list(const std::vector<lab::Outline>& cases, bool as_json, std::ostream& out) {
    if (as_json) {
        json::array all;
        for (const lab::Outline& one : cases) {
            all.push_back(json::object{{"case", one.shown.id},
                                       {"stands_for", texts(one.stands_for)},
                                       {"rule", one.shown.rule},
                                       {"rules", texts(one.shown.rules)},
                                       {"host", one.shown.host},
                                       {"about", one.shown.about}});
        }
        out << json::serialize(json::object{{"schema", 1}, {"cases", std::move(all)}}) << '\n';
        return;
    }
    std::size_t longest = 0;
    for (const lab::Outline& one : cases)
        longest = std::max(longest, one.shown.id.size());
    for (const lab::Outline& one : cases) {
        out << fmt::format("{:<{}}  {}{}\n", one.shown.id, longest, one.shown.about,
                           further_rules(one.shown));
    }
    out << fmt::format("{} cases\n", cases.size());
}

// DIR/<case>/chain.pem, key.pem, roots.pem, for other servers.
void write_cases(const std::vector<lab::Shown>& cases, const fs::path& folder) {
    std::error_code error;
    for (const lab::Shown& shown : cases) {
        const fs::path own = folder / shown.id;
        fs::create_directories(own, error);
        if (error) {
            throw std::runtime_error(fmt::format("{}: {}", own.string(), error.message()));
        }
        write_file(own / "chain.pem", lab::to_pem(shown.chain));
        write_file(own / "roots.pem", lab::to_pem(shown.roots));
        write_file(own / "key.pem", read_file(shown.key));
    }
}

json::object prediction_of(const judge::Verdict& verdict) {
    const judge::Reason* reason = judge::decisive_reason(verdict);
    const auto accepts = lab::accepts(verdict);
    const bool sends = verdict.alert && verdict.alert->direction == judge::Direction::sent;
    return {{"device", verdict.device},
            {"outcome", judge::outcome_name(verdict.outcome)},
            {"stage", judge::stage_name(verdict.stage)},
            {"accepted", accepts ? json::value(*accepts) : json::value(nullptr)},
            {"alert", sends ? json::value(wire::name_of(verdict.alert->alert.description))
                            : json::value(nullptr)},
            {"closes_silently", verdict.closes_silently},
            {"decided_by",
             reason ? json::value(std::string(reason->finding.rule)) : json::value(nullptr)},
            {"detail",
             reason ? json::value(printable_utf8(reason->finding.detail)) : json::value(nullptr)}};
}

// Judges what one connection was shown, for every chosen device.
class Predicting {
public:
    explicit Predicting(const std::vector<std::string>& patterns) : library_(home()) {
        if (!patterns.empty()) devices_ = library_.find(patterns);
    }

    json::array predict(const lab::Entry& entry, const lab::Shown& shown) {
        json::array all;
        if (devices_.empty() || entry.observation.reached < lab::Reached::flight) return all;
        judge::Question question = lab::question_of(shown, entry.clock);
        question.signatures = &signatures_;
        const handset::rules::Evidence evidence =
            handset::rules::read(lab::flight_of(entry.observation, shown));
        for (const device::Device& device : devices_)
            all.emplace_back(prediction_of(judge_with(library_, device, evidence, question)));
        return all;
    }

private:
    Library library_;
    std::vector<device::Device> devices_;
    judge::SignatureCache signatures_;
};

std::string with_predictions(const std::string& line, json::array predictions) {
    if (predictions.empty()) return line;
    json::object object = json::parse(line).as_object();
    object["predictions"] = std::move(predictions);
    return json::serialize(object);
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

const lab::Shown* find_case(const std::vector<lab::Shown>& cases, std::string_view id) {
    const auto found = std::ranges::find(cases, id, &lab::Shown::id);
    return found == cases.end() ? nullptr : &*found;
}

// The log of an earlier run, judged anew; the lines keep what else they hold.
void judge_log(const fs::path& file, Predicting& predicting, std::ostream& out) {
    std::ifstream in(file);
    if (!in) throw std::runtime_error(fmt::format("{}: could not be read", file.string()));
    std::vector<lab::Outline> cases;
    std::map<std::string, lab::Shown> made;
    std::optional<Time> cases_for;
    std::string line;
    for (std::size_t number = 1; std::getline(in, line); ++number) {
        if (line.empty()) continue;
        try {
            if (line.size() > max_line) throw std::runtime_error("the line is too long");
            const lab::Entry entry = lab::from_json(line);
            if (cases_for != entry.cases_for) {
                cases_for = entry.cases_for;
                cases = lab::outline_cases(home() / "cases", entry.cases_for);
                made.clear();
            }
            const std::string& id = entry.observation.case_id;
            const auto outline = std::ranges::find(cases, id, id_of);
            json::array predictions;
            if (outline != cases.end()) {
                if (!made.contains(id)) made.emplace(id, lab::make_case(*outline));
                predictions = predicting.predict(entry, made.at(id));
            }
            out << with_predictions(line, std::move(predictions)) << '\n';
        } catch (const std::exception& error) {
            throw std::runtime_error(fmt::format("{}:{}: {}", file.string(), number, error.what()));
        }
    }
}

struct Serving {
    const std::vector<lab::Shown>& cases;
    Time cases_for{};
    std::optional<Time> clock;  // of the clients; else the time
    Predicting& predicting;
    const po::variables_map& values;
    const Streams& streams;
};

// {"case": port} for a program that drives clients; appears whole.
void write_ports(const fs::path& file, const std::vector<lab::Shown>& cases,
                 const std::vector<std::uint16_t>& ports, std::string_view address) {
    json::array all;
    for (std::size_t i = 0; i < cases.size(); ++i) {
        all.push_back(json::object{{"case", cases[i].id},
                                   {"rule", cases[i].rule},
                                   {"host", cases[i].host},
                                   {"port", ports[i]}});
    }
    const fs::path beside = file.string() + ".part";
    write_file(beside, json::serialize(json::object{
                           {"schema", 1}, {"address", address}, {"cases", std::move(all)}}) +
                           "\n");
    fs::rename(beside, file);
}

// The last connection of each case, as DIR/<case>.pcapng.
void write_pcap(const fs::path& folder, const lab::Served& served) {
    const lab::Observation& seen = served.entry.observation;
    if (seen.case_id.empty()) return;
    capture::Conversation conversation;
    conversation.client = {served.client_address, served.client_port};
    conversation.server = {served.server_address, served.entry.port};
    conversation.opened = served.opened;
    for (const lab::Chunk& chunk : served.chunks) {
        conversation.chunks.push_back(
            {chunk.at, chunk.from_client ? capture::Side::client : capture::Side::server,
             chunk.octets});
    }
    const bool by_client = seen.end == lab::End::closed || seen.end == lab::End::reset;
    conversation.ended.push_back(
        {served.over, by_client ? capture::Side::client : capture::Side::server,
         seen.end == lab::End::reset ? capture::End::reset : capture::End::closed});
    const fs::path file = folder / (seen.case_id + ".pcapng");
    fs::create_directories(file.parent_path());
    capture::write_capture(
        file, std::span(&conversation, 1),
        fmt::format("handset lab, case {}: what a client and the lab said; TCP is made up around "
                    "the octets",
                    seen.case_id));
}

std::uint16_t port_from(const po::variables_map& values) {
    const unsigned port = values["port"].as<unsigned>();
    if (port > 65535) throw UsageError("--port takes 0 to 65535");
    return static_cast<std::uint16_t>(port);
}

int serve(const Serving& serving, std::ostream& log) {
    lab::ServeOptions options;
    options.address = serving.values["address"].as<std::string>();
    const unsigned seconds = serving.values["timeout"].as<unsigned>();
    if (seconds < 1 || seconds > 600) throw UsageError("--timeout takes 1 to 600 seconds");
    options.step = std::chrono::seconds(seconds);
    options.connection = std::chrono::seconds(std::max(60U, 3 * seconds));
    const std::size_t wanted = serving.values["connections"].as<std::size_t>();
    options.keep_chunks = serving.values.count("pcap") > 0;
    std::size_t served_count = 0;
    lab::Server* running = nullptr;
    lab::Server server(options, [&](const lab::Served& served) {
        lab::Entry entry = served.entry;
        entry.cases_for = serving.cases_for;
        entry.clock = serving.clock.value_or(std::chrono::floor<std::chrono::seconds>(entry.at));
        std::string line = lab::to_json(entry);
        if (const lab::Shown* shown = find_case(serving.cases, entry.observation.case_id)) {
            try {
                line = with_predictions(line, serving.predicting.predict(entry, *shown));
            } catch (const std::exception& error) {  // the log goes on
                serving.streams.err << fmt::format("handset lab: {}: {}\n", shown->id,
                                                   printable_utf8(error.what()));
            }
        }
        log << line << '\n';
        log.flush();
        if (serving.values.count("pcap") > 0) {
            try {
                write_pcap(text_of(serving.values, "pcap"), served);
            } catch (const std::exception& error) {  // the log goes on
                serving.streams.err << fmt::format("handset lab: {}\n", error.what());
            }
        }
        if (++served_count == wanted && running) running->stop();
    });
    running = &server;
    const std::uint16_t first = port_from(serving.values);
    const std::string by = serving.values["by"].as<std::string>();
    std::vector<std::uint16_t> ports;
    if (by == "port" && first > 0 && first + serving.cases.size() - 1 > 65535) {
        throw UsageError(
            fmt::format("--port {} leaves no room for {} cases; the last port is 65535", first,
                        serving.cases.size()));
    }
    if (by == "port") {
        for (const lab::Shown& shown : serving.cases) {
            const auto port = static_cast<std::uint16_t>(first == 0 ? 0 : first + ports.size());
            ports.push_back(server.listen(port, [&shown](const std::string&) { return &shown; }));
        }
    } else if (by == "sni") {
        const std::uint16_t port = server.listen(first, [&](const std::string& name) {
            // RFC 6066 3: in any case.
            const auto found = std::ranges::find_if(serving.cases, [&](const lab::Shown& shown) {
                return std::ranges::equal(shown.host, name, {}, lower, lower);
            });
            return found == serving.cases.end() ? nullptr : &*found;
        });
        ports.assign(serving.cases.size(), port);
    } else {
        throw UsageError(fmt::format("--by takes port or sni, not '{}'", printable_utf8(by)));
    }
    if (serving.values.count("ports") > 0) {
        write_ports(text_of(serving.values, "ports"), serving.cases, ports, options.address);
    }
    if (serving.values.count("quiet") == 0) {
        const auto [lowest, highest] = std::ranges::minmax_element(ports);
        serving.streams.err << fmt::format(
            "handset lab: {} cases on {} port {}{}; Ctrl-C ends it\n", serving.cases.size(),
            options.address, *lowest, *lowest == *highest ? "" : fmt::format(" to {}", *highest));
        serving.streams.err.flush();
    }
    server.run();
    log.flush();
    if (!log) throw std::runtime_error("the log could not be written");
    return 0;
}

}  // namespace

int lab(const std::vector<std::string>& arguments, const Streams& streams) {
    po::options_description choice("Cases");
    choice.add_options()("list", "list the cases and exit")(
        "only", po::value<std::vector<std::string>>()->composing()->value_name("GLOB"),
        "these cases only; may be given again. A case that is another's twin on the wire is shown "
        "as "
        "that one")("at", po::value<std::string>()->value_name("TIME"),
                    "the client's clock; the certificates' dates lie around it (default: today)")(
        "export", po::value<std::string>()->value_name("DIR"),
        "write chain.pem, key.pem and roots.pem of each case and exit")(
        "judge", po::value<std::string>()->value_name("LOG"),
        "judge the connections of a log again, and exit")(
        "device", po::value<std::vector<std::string>>()->composing()->value_name("ID|GLOB|FILE"),
        "say beside each connection what is predicted for this device");
    po::options_description network("Network");
    network.add_options()("address", po::value<std::string>()->default_value("127.0.0.1"),
                          "address to listen on")(
        "port", po::value<unsigned>()->default_value(0)->value_name("N"),
        "the first case's port, the others behind it; 0: any")(
        "by", po::value<std::string>()->default_value("port")->value_name("WHAT"),
        "port: one for each case | sni: one for all, the name tells the case")(
        "domain", po::value<std::string>()->default_value("lab.test")->value_name("NAME"),
        "with --by sni: <case>.NAME")("ports", po::value<std::string>()->value_name("FILE"),
                                      "write which case is on which port, as JSON")(
        "timeout", po::value<unsigned>()->default_value(10)->value_name("SECONDS"),
        "of silence, then the connection is closed")(
        "connections", po::value<std::size_t>()->default_value(0)->value_name("N"),
        "end after so many (0: never)");
    po::options_description output("Output");
    output.add_options()(
        "format", po::value<std::string>()->default_value("table")->value_name("NAME"),
        "of --list: table | json")("pcap", po::value<std::string>()->value_name("DIR"),
                                   "write the last connection of each case as DIR/<case>.pcapng")(
        "output,o", po::value<std::string>()->value_name("FILE"),
        "append the log to FILE instead of standard output")("quiet", "no word on standard error");
    po::options_description options;
    options.add(choice).add(network).add(output);
    const auto parsed =
        parse(arguments, options,
              {"handset lab [options]",
               "A TLS server that shows each client one prepared fault: a certificate chain or a "
               "server's\n"
               "flight, octet for octet. It writes one line of JSON for each connection: how far "
               "the client\n"
               "went, and with which alert it stopped.",
               "  handset lab --list --only 'name/*'\n"
               "  handset lab --port 8400 --address 192.0.2.7 -o phone.jsonl\n"
               "  handset lab --by sni --domain lab.contoso.com --port 443\n"
               "  handset lab --device nokia-m4e-symbian-9.2 --only 'extension/*'\n"
               "  handset lab --export cases/ --at 2007-09-02\n"},
              streams);
    if (!parsed) return 0;
    const po::variables_map& values = parsed->values;
    if (!parsed->words.empty()) {
        throw UsageError(fmt::format("'{}': cases are chosen with --only",
                                     printable_utf8(parsed->words.front())));
    }
    std::optional<Time> at;
    if (values.count("at") > 0) {
        at = parse_rfc3339(text_of(values, "at"));
        if (!at) throw UsageError("--at takes a time like 2007-09-02T12:00:00Z");
    }
    Predicting predicting(texts_of(values, "device"));
    if (values.count("judge") > 0) {
        with_output(values, streams, [&](std::ostream& out) {
            judge_log(text_of(values, "judge"), predicting, out);
        });
        return 0;
    }
    const std::string by = values["by"].as<std::string>();
    const fs::path folder = home() / "cases";
    const Time clock = at.value_or(today());
    const bool named = by == "sni" && values.count("export") == 0;
    const std::vector<lab::Outline> outlines = select_cases(
        lab::outline_cases(folder, clock, named ? values["domain"].as<std::string>() : ""),
        texts_of(values, "only"));
    if (values.count("list") > 0) {
        const bool as_json = wants_json(values);
        with_output(values, streams, [&](std::ostream& out) { list(outlines, as_json, out); });
        return 0;
    }
    std::vector<lab::Shown> cases;
    for (const lab::Outline& outline : outlines)
        cases.push_back(lab::make_case(outline));
    if (values.count("export") > 0) {
        write_cases(cases, text_of(values, "export"));
        return 0;
    }
    const Serving serving{cases, clock, at, predicting, values, streams};
    if (values.count("output") == 0) return serve(serving, streams.out);
    std::ofstream log(text_of(values, "output"), std::ios::app);
    if (!log) {
        throw std::runtime_error(
            fmt::format("{}: could not be written", text_of(values, "output")));
    }
    return serve(serving, log);
}

}  // namespace handset::cli
