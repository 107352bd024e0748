#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <fstream>
#include <map>
#include <numeric>

#include "emulator/cli/cases.h"
#include "emulator/cli/options.h"
#include "emulator/device/profile_text.h"
#include "emulator/device/statements.h"
#include "emulator/flight/hello.h"
#include "emulator/lab/drive.h"
#include "emulator/lab/expectation.h"
#include "emulator/lab/hold_out.h"
#include "emulator/lab/plan.h"
#include "handshake/wire/client_hello.h"

namespace handset::cli {

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::string_view source_id = "lab";

Time now() {
    return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

std::string text_of(const po::variables_map& values, const char* option) {
    return values.count(option) == 0 ? "" : values[option].as<std::string>();
}

// --- the log ------------------------------------------------------------------------------------

std::vector<lab::Entry> read_log(const fs::path& file) {
    std::ifstream in(file);
    if (!in) throw std::runtime_error(fmt::format("{}: could not be read", file.string()));
    std::vector<lab::Entry> log;
    std::string line;
    for (std::size_t number = 1; std::getline(in, line); ++number) {
        if (line.empty()) continue;
        try {
            log.push_back(lab::from_json(line));
        } catch (const std::runtime_error& error) {
            throw std::runtime_error(fmt::format("{}:{}: {}", file.string(), number, error.what()));
        }
    }
    return log;
}

// The hello of the connection that was shown most, and when that was.
const lab::Entry* entry_with_hello(const std::vector<lab::Entry>& log) {
    const lab::Entry* found = nullptr;
    for (const lab::Entry& entry : log) {
        if (entry.observation.reached < lab::Reached::flight) continue;
        const bool by_name = !entry.observation.sni.empty();
        // One without SNI went to an address.
        if (!found || (by_name && found->observation.sni.empty())) found = &entry;
    }
    return found;
}

// Those of --only, and always the correct one.
std::vector<lab::Shown> cases_of(const po::variables_map& values, Time at) {
    std::vector<std::string> patterns;
    if (values.count("only") > 0) {
        patterns = values["only"].as<std::vector<std::string>>();
        patterns.emplace_back(lab::correct_case);
    }
    std::vector<lab::Shown> cases;
    for (const lab::Outline& outline :
         select_cases(lab::outline_cases(home() / "cases", at), patterns)) {
        cases.push_back(lab::make_case(outline));
    }
    return cases;
}

// --- the profile --------------------------------------------------------------------------------

device::Device start_from(const po::variables_map& values, const lab::Entry& seen,
                          std::size_t connections) {
    device::Device start;
    start.id = "learned";
    start.name = values["name"].as<std::string>();
    start.vendor = values["vendor"].as<std::string>();
    start.family = values["family"].as<std::string>();
    start.released = values["released"].as<std::string>();
    start.kind = device::Kind::library;
    const std::string date = to_date(std::chrono::floor<std::chrono::seconds>(seen.at));
    start.sources[std::string(source_id)] = {
        device::Grade::captured,
        fmt::format("What it did with {} prepared cases of handset lab.", connections),
        values.count("where") > 0 ? text_of(values, "where") : "handset learn --lab, " + date,
        date};
    start.client_hello = flight::hello_from(seen.observation.flight.client_hello);
    start.client_hello.source = source_id;
    start.client_hello.grade = device::Grade::captured;
    return start;
}

std::map<std::string, std::string> comments_of(const lab::Lesson& lesson) {
    std::map<std::string, std::string> comments;
    for (const auto& [key, cases] : lesson.shown_by)
        comments[key] = fmt::format("{}", fmt::join(cases, ", "));
    return comments;
}

void write_profile(const lab::Lesson& lesson, const po::variables_map& values,
                   const Streams& streams) {
    with_output(values, streams, [&](std::ostream& out) {
        out << device::profile_text(lesson.device, comments_of(lesson));
    });
}

void tell(const lab::Lesson& lesson, std::size_t examples, const Streams& streams) {
    streams.err << fmt::format(
        "{} statements from {} cases, of which {} do not fit{}\n",
        device::statements(lesson.device).size(), examples, lesson.not_explained.size(),
        lesson.not_explained.empty() ? ""
                                     : fmt::format(": {}", fmt::join(lesson.not_explained, ", ")));
}

// Those whose word counts where no case speaks.
std::vector<device::Device> known_devices(const po::variables_map& values) {
    if (values.count("like") == 0) return {};
    return Library(home()).find(values["like"].as<std::vector<std::string>>());
}

// What was not shown, as this client would have been shown it.
std::vector<lab::Example> not_asked(const std::vector<lab::Entry>& log,
                                    const std::vector<lab::Shown>& cases, const lab::Entry& seen,
                                    Time clock) {
    std::vector<lab::Example> examples;
    for (const lab::Shown& shown : cases) {
        const bool was_asked = std::ranges::any_of(
            log, [&](const lab::Entry& entry) { return entry.observation.case_id == shown.id; });
        if (was_asked) continue;
        if (auto example = lab::rehearse(shown, seen.observation.flight.client_hello, clock)) {
            examples.push_back(std::move(*example));
        }
    }
    return examples;
}

// --- held out -----------------------------------------------------------------------------------

void remember_signatures(std::vector<lab::Example>& examples, judge::SignatureCache& signatures) {
    for (lab::Example& example : examples)
        example.question.signatures = &signatures;
}

void write_held_out(const lab::HeldOut& result, unsigned seed, bool as_json, std::ostream& out) {
    if (as_json) {
        out << json::serialize(json::object{{"schema", 1},
                                            {"seed", seed},
                                            {"asked", result.asked},
                                            {"cases", result.cases},
                                            {"agree", result.agree},
                                            {"unseen", result.unseen},
                                            {"unseen_agree", result.unseen_agree},
                                            {"wrong", json::value_from(result.wrong)}})
            << '\n';
        return;
    }
    out << fmt::format("{} of {} held-out cases as predicted, after {} connections\n", result.agree,
                       result.cases, result.asked);
    out << fmt::format("  {} of {} where a case of the same rule was asked\n",
                       result.agree - result.unseen_agree, result.cases - result.unseen);
    out << fmt::format("  {} of {} where none was\n", result.unseen_agree, result.unseen);
    for (const std::string& id : result.wrong)
        out << fmt::format("  wrong: {}\n", id);
}

// --- live ---------------------------------------------------------------------------------------

class Session {
public:
    Session(const po::variables_map& values, const Streams& streams, Time clock)
        : values_(values),
          streams_(streams),
          cases_for_(std::chrono::floor<std::chrono::days>(clock)) {
        log_file_ = text_of(values, "log");
        if (!log_file_.empty() && fs::exists(log_file_)) log_ = read_log(log_file_);
        if (!log_.empty()) cases_for_ = log_.front().cases_for;
        cases_ = cases_of(values, cases_for_);
        most_ = values["max"].as<std::size_t>();
        known_devices_ = known_devices(values);
    }

    int run() {
        lab::DriveOptions options;
        options.serve.address = values_["address"].as<std::string>();
        options.serve.keep_chunks = false;
        options.port = static_cast<std::uint16_t>(values_["port"].as<unsigned>());
        options.command = text_of(values_, "drive");
        const unsigned seconds = values_["timeout"].as<unsigned>();
        if (seconds < 1 || seconds > 600) throw UsageError("--timeout takes 1 to 600 seconds");
        options.serve.step = std::chrono::seconds(seconds);
        options.command_deadline = std::chrono::seconds(2 * seconds);
        driven_ = !options.command.empty();
        leave_out_unreachable();
        lab::Driver driver(options);
        introduce(driver, options);
        ask_all(driver);
        return conclude();
    }

private:
    const lab::Shown* find(std::string_view id) const {
        const auto found = std::ranges::find(cases_, id, &lab::Shown::id);
        return found == cases_.end() ? nullptr : &*found;
    }

    // A client that connects on its own keeps the name it was given and the root it trusts.
    void leave_out_unreachable() {
        const lab::Shown* usual = find(lab::correct_case);
        if (!usual) throw std::runtime_error("the correct case is missing");
        if (driven_) return;
        const std::string host = usual->host;
        const std::vector<Bytes> roots = usual->roots;
        std::erase_if(cases_, [&](const lab::Shown& shown) {
            return shown.host != host || shown.roots != roots;
        });
    }

    void introduce(const lab::Driver& driver, const lab::DriveOptions& options) {
        if (driven_) return;
        const lab::Shown* usual = find(lab::correct_case);
        streams_.err << fmt::format(
            "handset learn: let the client connect to {} port {} as {}, again and again.\n"
            "It must trust the root that this writes: handset lab --export DIR --only '{}' "
            "--at {}\n",
            options.serve.address, driver.port(), usual->host, lab::correct_case,
            to_date(cases_for_));
    }

    void ask_all(lab::Driver& driver) {
        while (log_.empty() && !driver.interrupted())
            ask(driver, *find(lab::correct_case));
        // What known devices do takes no search: each answer counts at once.
        const std::size_t often = known_devices_.empty() ? lab::answers_between : 1;
        std::size_t since = often;
        while (!driver.interrupted() && log_.size() < most_) {
            if (since >= often || open_.empty()) {
                if (!prepare()) break;
                since = 0;
            }
            const auto next = next_of_open();
            if (!next) break;
            const std::string id = open_[*next].case_id;
            open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(*next));
            ask(driver, *find(id));
            ++since;
        }
    }

    std::optional<std::size_t> next_of_open() {
        if (known_devices_.empty()) return lab::most_telling(so_far_, open_, asked_);
        Foreseen& foreseen = foresee();
        std::vector<std::size_t> places;
        for (const lab::Example& example : open_)
            places.push_back(foreseen.place_of.at(example.case_id));
        const auto next = foreseen.expectation.most_telling(places);
        if (!next) return std::nullopt;
        return static_cast<std::size_t>(std::ranges::find(places, *next) - places.begin());
    }

    // What known devices let expect of this client, by what it has answered so far.
    struct Foreseen {
        std::vector<lab::Example> cases;
        lab::Expectation expectation;
        std::map<std::string, std::size_t> place_of;
    };
    Foreseen& foresee() {
        if (!foreseen_) {
            std::vector<lab::Example> all = asked_;
            all.insert(all.end(), open_.begin(), open_.end());
            lab::Expectation expectation(all, known_devices_);
            std::map<std::string, std::size_t> place_of;
            for (std::size_t i = 0; i < all.size(); ++i)
                place_of[all[i].case_id] = i;
            foreseen_.emplace(
                Foreseen{std::move(all), std::move(expectation), std::move(place_of)});
        }
        for (const lab::Example& example : asked_) {
            const auto place = foreseen_->place_of.find(example.case_id);
            if (place == foreseen_->place_of.end()) continue;
            foreseen_->expectation.answer(place->second, example.accepted);
        }
        return *foreseen_;
    }

    void ask(lab::Driver& driver, const lab::Shown& shown) {
        streams_.err << fmt::format("{} of at most {}: {}\n", log_.size() + 1, most_, shown.id);
        const auto served = driver.ask(shown);
        if (!served) {
            if (driver.interrupted()) return;
            if (++silent_ >= 3) {
                throw std::runtime_error(
                    "the client was started three times in a row and did not connect; look at the "
                    "command with --drive");
            }
            return;
        }
        silent_ = 0;
        lab::Entry entry = served->entry;
        entry.cases_for = cases_for_;
        entry.clock = std::chrono::floor<std::chrono::seconds>(entry.at);
        log_.push_back(entry);
        if (log_file_.empty()) return;
        std::ofstream out(log_file_, std::ios::app);
        out << lab::to_json(entry) << '\n';
        out.flush();
        if (!out) throw std::runtime_error(fmt::format("{}: could not be written", log_file_));
    }

    // Learns from what there is, and rehearses what was not asked. False when there is no hello.
    bool prepare() {
        const lab::Entry* seen = entry_with_hello(log_);
        if (!seen) return false;
        asked_ = lab::examples_of(log_, cases_);
        remember_signatures(asked_, signatures_);
        if (known_devices_.empty()) {
            so_far_ = lab::learn_quickly(start_from(values_, *seen, log_.size()), asked_,
                                         std::string(source_id))
                          .device;
        }
        open_ = not_asked(log_, cases_, *seen, now());
        remember_signatures(open_, signatures_);
        return true;
    }

    int conclude() {
        const lab::Entry* seen = entry_with_hello(log_);
        if (!seen) throw std::runtime_error("no client has connected; nothing was learned");
        std::vector<lab::Example> examples = lab::examples_of(log_, cases_);
        remember_signatures(examples, signatures_);
        const auto usual = std::ranges::find(examples, lab::correct_case, &lab::Example::case_id);
        if (usual != examples.end() && !usual->accepted) {
            streams_.err << "handset learn: the client refuses even the correct chain: look at its "
                            "clock, the name it asks for, and whether it trusts the root\n";
        }
        std::vector<lab::Expected> expected;
        if (!known_devices_.empty() && prepare()) {
            const Foreseen& foreseen = foresee();
            expected = foreseen.expectation.expected(foreseen.cases);
        }
        const lab::Lesson lesson = lab::learn(start_from(values_, *seen, log_.size()), examples,
                                              std::string(source_id), known_devices_, expected);
        tell(lesson, examples.size(), streams_);
        write_profile(lesson, values_, streams_);
        return 0;
    }

    const po::variables_map& values_;
    const Streams& streams_;
    Time cases_for_;
    std::vector<lab::Shown> cases_;
    std::size_t most_ = 0;
    bool driven_ = false;
    std::string log_file_;
    std::vector<lab::Entry> log_;
    judge::SignatureCache signatures_;
    std::vector<device::Device> known_devices_;
    device::Device so_far_;
    std::vector<lab::Example> asked_;
    std::vector<lab::Example> open_;
    std::optional<Foreseen> foreseen_;
    int silent_ = 0;
};

int learn_from_log(const po::variables_map& values, const Streams& streams) {
    const std::vector<lab::Entry> log = read_log(text_of(values, "log"));
    const lab::Entry* seen = entry_with_hello(log);
    if (!seen) throw std::runtime_error("the log holds no connection that was shown a case");
    const std::vector<lab::Shown> cases = cases_of(values, seen->cases_for);
    std::vector<lab::Example> examples = lab::examples_of(log, cases);
    judge::SignatureCache signatures;
    remember_signatures(examples, signatures);
    const device::Device start = start_from(values, *seen, log.size());
    const std::vector<device::Device> known = known_devices(values);
    if (values.count("hold-out") > 0) {
        const unsigned seed = values["hold-out"].as<unsigned>();
        const bool as_json = wants_json(values);
        const lab::HeldOut result = lab::hold_out(
            start, examples, seed, values["max"].as<std::size_t>(), std::string(source_id), known);
        with_output(values, streams,
                    [&](std::ostream& out) { write_held_out(result, seed, as_json, out); });
        return 0;
    }
    std::vector<lab::Expected> expected;
    if (!known.empty()) {
        std::vector<lab::Example> all = examples;
        std::ranges::move(not_asked(log, cases, *seen, seen->clock), std::back_inserter(all));
        remember_signatures(all, signatures);
        lab::Expectation expectation(all, known);
        for (std::size_t i = 0; i < examples.size(); ++i)
            expectation.answer(i, examples[i].accepted);
        expected = expectation.expected(all);
    }
    const lab::Lesson lesson = lab::learn(start, examples, std::string(source_id), known, expected);
    if (values.count("quiet") == 0) tell(lesson, examples.size(), streams);
    write_profile(lesson, values, streams);
    return 0;
}

}  // namespace

int learn(const std::vector<std::string>& arguments, const Streams& streams) {
    po::options_description source("What to learn from");
    source.add_options()("lab", "show cases to a client, the most telling first")(
        "log", po::value<std::string>()->value_name("FILE"),
        "with --lab: keep what was seen, and go on from what is there; without: a log of handset "
        "lab")("max", po::value<std::size_t>()->default_value(150)->value_name("N"),
               "connections at most")(
        "only", po::value<std::vector<std::string>>()->composing()->value_name("GLOB"),
        "these cases only, and the correct one; may be given again")(
        "like", po::value<std::vector<std::string>>()->composing()->value_name("ID|GLOB"),
        "take what no case speaks for from these devices, as inferred: from those most that do as "
        "this one does")("hold-out", po::value<unsigned>()->value_name("SEED"),
                         "no profile: learn from one half of the log and predict the other")(
        "format", po::value<std::string>()->default_value("table")->value_name("FORMAT"),
        "of --hold-out: table | json");
    po::options_description client("The client");
    client.add_options()(
        "drive", po::value<std::string>()->value_name("COMMAND"),
        "starts it once; {host} {port} {name} {roots} are filled in, status 0 says "
        "that it accepted. Without it the client connects on its own")(
        "address", po::value<std::string>()->default_value("127.0.0.1"), "address to listen on")(
        "port", po::value<unsigned>()->default_value(0)->value_name("N"), "port; 0: any")(
        "timeout", po::value<unsigned>()->default_value(10)->value_name("SECONDS"),
        "of silence, then the connection is closed");
    po::options_description profile("The profile");
    profile.add_options()("name", po::value<std::string>()->default_value("A client of the lab"),
                          "its name")("vendor", po::value<std::string>()->default_value("unknown"),
                                      "its vendor")(
        "family", po::value<std::string>()->default_value("Learned"), "its family")(
        "released", po::value<std::string>()->default_value("2026"), "its date")(
        "where", po::value<std::string>(), "of the source: program, version, machine")(
        "output,o", po::value<std::string>()->value_name("FILE"),
        "write the profile to FILE instead of standard output")("quiet",
                                                                "no word on standard error");
    po::options_description options;
    options.add(source).add(client).add(profile);
    const auto parsed = parse(
        arguments, options,
        {"handset learn --lab [options]\n       handset learn --log FILE [options]",
         "Writes the profile of a real client from what it does with prepared cases: each "
         "statement\n"
         "with the cases that speak for it. What was not tested stays silent.",
         "  handset learn --lab --address 192.0.2.7 --port 8443 --log phone.jsonl -o "
         "phone.yaml\n"
         "  handset learn --lab --drive 'curl -sS --cacert {roots} --resolve "
         "{name}:{port}:{host} https://{name}:{port}/' -o curl.yaml\n"
         "  handset learn --log phone.jsonl -o phone.yaml\n"
         "  handset learn --log phone.jsonl --only 'name/*' --only 'chain/*' -o names.yaml\n"},
        streams);
    if (!parsed) return 0;
    const po::variables_map& values = parsed->values;
    if (!parsed->words.empty()) {
        throw UsageError(fmt::format("'{}': learn takes options only, see --help",
                                     printable_utf8(parsed->words.front())));
    }
    if (values.count("lab") > 0) {
        if (values["port"].as<unsigned>() > 65535) throw UsageError("--port takes 0 to 65535");
        return Session(values, streams, now()).run();
    }
    if (values.count("log") == 0) {
        throw UsageError("give --lab to ask a client, or --log with what one did; see --help");
    }
    return learn_from_log(values, streams);
}

}  // namespace handset::cli
