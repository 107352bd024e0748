#include <fmt/format.h>

#include <algorithm>
#include <ostream>
#include <random>

#include "emulator/cli/options.h"
#include "emulator/flight/hello.h"
#include "emulator/flight/live.h"

namespace handset::cli {

namespace {

constexpr std::size_t parallel_connections = 8;

Bytes random_octets(std::size_t count) {
    std::random_device device;
    Bytes octets(count);
    for (std::uint8_t& octet : octets)
        octet = static_cast<std::uint8_t>(device());
    return octets;
}

flight::Starttls starttls_from(const po::variables_map& values) {
    if (values.count("starttls") == 0) return flight::Starttls::none;
    const std::string name = values["starttls"].as<std::string>();
    if (name == "smtp") return flight::Starttls::smtp;
    if (name == "imap") return flight::Starttls::imap;
    if (name == "pop3") return flight::Starttls::pop3;
    throw UsageError(
        fmt::format("--starttls takes smtp, imap or pop3, not '{}'", printable_utf8(name)));
}

flight::Deadlines deadlines_from(const po::variables_map& values) {
    const unsigned seconds = values["timeout"].as<unsigned>();
    if (seconds < 1 || seconds > 600) throw UsageError("--timeout takes 1 to 600 seconds");
    flight::Deadlines deadlines;
    deadlines.resolve = deadlines.connect = deadlines.step = std::chrono::seconds(seconds);
    deadlines.attempt = std::chrono::seconds(3 * seconds);
    return deadlines;
}

// What the device does on the wire after what it has seen: the verdict so far, turned into an
// action.
flight::Decision decide(const judge::Verdict& verdict) {
    const bool stops_in_handshake =
        verdict.outcome == judge::Outcome::fails && verdict.stage <= judge::Stage::key_exchange;
    if (!stops_in_handshake) return {};
    flight::Decision decision{flight::Decision::Kind::refuse, std::nullopt};
    if (verdict.alert && verdict.alert->direction == judge::Direction::sent) {
        decision.alert = verdict.alert->alert;
    }
    return decision;
}

judge::Verdict not_reached(const device::Device& device, const flight::Answer& answer) {
    judge::Verdict verdict;
    verdict.device = device.id;
    verdict.name = device.name;
    verdict.outcome = judge::Outcome::fails;
    verdict.grade = device::Grade::captured;
    verdict.stage = answer.reached == flight::Reached::no_address ? judge::Stage::resolve
                                                                  : judge::Stage::connect;
    judge::Reason reason;
    reason.effect = judge::Effect::decides;
    reason.finding.rule = "handshake-server-closed";
    reason.finding.detail = answer.trouble;
    if (const auto* rule = handset::rules::find_rule(reason.finding.rule)) {
        reason.demand = rule->demand;
        reason.citation = rule->citation;
    }
    verdict.reasons.push_back(std::move(reason));
    return verdict;
}

// One device's attempts: the one that is made next or was made last, and those before it.
struct Play {
    const device::Device* device = nullptr;
    const device::ClientHello* hello = nullptr;
    Bytes sent;
    flight::Answer answer;
    std::vector<judge::EarlierAttempt> earlier;
};

std::vector<Play*> all_of(std::vector<Play>& plays) {
    std::vector<Play*> all;
    for (Play& play : plays)
        all.push_back(&play);
    return all;
}

// How the server ended an attempt without having chosen anything, if it did.
std::optional<device::RetryAfter> ended_before_hello(const handset::rules::Evidence& evidence) {
    if (evidence.server_hello) return std::nullopt;
    if (evidence.fatal_alert) return device::RetryAfter::alert;
    switch (evidence.ending) {
        case wire::Ending::closed:
        case wire::Ending::reset:
            return device::RetryAfter::close;
        case wire::Ending::timeout:
            return device::RetryAfter::silence;
        default:
            return std::nullopt;
    }
}

std::string how_it_ended(const handset::rules::Evidence& evidence, device::RetryAfter how) {
    if (how == device::RetryAfter::alert) {
        return fmt::format("the server sent {}", wire::name_of(evidence.fatal_alert->description));
    }
    return how == device::RetryAfter::close ? "the server closed the connection"
                                            : "the server said nothing";
}

// Those that make another attempt, prepared for it.
std::vector<Play*> falling_back(std::vector<Play>& plays) {
    std::vector<Play*> next;
    for (Play& play : plays) {
        const std::size_t made = play.earlier.size();
        if (play.answer.reached != flight::Reached::yes || made >= play.device->fallbacks.size()) {
            continue;
        }
        const device::Fallback& fallback = play.device->fallbacks[made];
        const handset::rules::Evidence evidence = handset::rules::read(play.answer.flight);
        const auto how = ended_before_hello(evidence);
        if (!how || std::ranges::find(fallback.after, *how) == fallback.after.end() ||
            fallback.hello.grade == device::Grade::assumed) {
            continue;
        }
        play.earlier.push_back(
            {play.sent, flight::ja3_of(play.sent), how_it_ended(evidence, *how)});
        play.hello = &fallback.hello;
        next.push_back(&play);
    }
    return next;
}

}  // namespace

int probe(const std::vector<std::string>& arguments, const Streams& streams) {
    po::options_description live("Connection");
    live.add_options()("starttls", po::value<std::string>()->value_name("PROTOCOL"),
                       "smtp | imap | pop3: begin in the clear and upgrade")(
        "sni", po::value<std::string>()->value_name("NAME"),
        "server_name for devices that send one (default: the host)")(
        "timeout", po::value<unsigned>()->default_value(10)->value_name("SECONDS"),
        "for each step; a whole attempt takes three times as long at most");
    po::options_description options;
    options.add(live).add(question_options()).add(output_options());
    const auto parsed =
        parse(arguments, options,
              {"handset probe HOST[:PORT] [options]",
               "Plays each device against a live server: its exact ClientHello, its reading of the "
               "answer,\n"
               "and where it would stop, its alert; otherwise the handshake through Finished. The "
               "port is\n"
               "443, or the usual one of --starttls.",
               "  handset probe mail.contoso.com\n"
               "  handset probe mail.contoso.com:993 --device 'nokia-*' --explain\n"
               "  handset probe mail.contoso.com --starttls smtp\n"
               "  handset probe 127.0.0.1:8443 --host mail.contoso.com --install-root root.cer\n"
               "  handset probe mail.contoso.com --roots certutil-store-root.txt\n"
               "  handset probe [::1]:8443 --host mail.contoso.com --format json\n"},
              streams);
    if (!parsed) return 0;
    if (parsed->words.size() != 1) {
        throw UsageError("give one server; try: handset probe mail.contoso.com:443");
    }
    Asked asked = read_question(parsed->values);
    const flight::Target target =
        flight::parse_target(parsed->words.front(), starttls_from(parsed->values));
    if (asked.question.host.empty()) asked.question.host = target.host;
    judge::SignatureCache signatures;
    asked.question.signatures = &signatures;
    const flight::Deadlines deadlines = deadlines_from(parsed->values);
    const std::string server_name = parsed->values.count("sni") > 0
                                        ? parsed->values["sni"].as<std::string>()
                                        : asked.question.host;
    Library library(home());
    const std::vector<device::Device> devices = library.find(asked.device_patterns);

    std::vector<Play> plays;
    for (const device::Device& device : devices) {
        library.store_of(device);  // a bad store is said before anything is sent
        plays.push_back({&device, &device.client_hello, {}, {}, {}});
    }
    const bool progress =
        streams.err_is_terminal && parsed->values.count("quiet") == 0 && devices.size() > 1;
    for (std::vector<Play*> round = all_of(plays); !round.empty(); round = falling_back(plays)) {
        std::vector<flight::Attempt> attempts;
        for (Play* play : round) {
            const flight::HelloInput input{server_name, asked.question.at, random_octets(64), {}};
            play->sent = flight::make_hello(*play->hello, input);
            attempts.push_back({play->sent, [&, play](const wire::Flight& so_far) {
                                    return decide(judge_with(library, *play->device,
                                                             handset::rules::read(so_far),
                                                             asked.question));
                                }});
        }
        const std::vector<flight::Answer> answers =
            flight::probe(target, attempts, deadlines, parallel_connections, [&](std::size_t done) {
                if (!progress) return;
                streams.err << fmt::format("\r{} of {} devices", done, round.size());
                if (done == round.size()) streams.err << "\r\x1b[K";
                streams.err.flush();
            });
        for (std::size_t i = 0; i < round.size(); ++i)
            round[i]->answer = answers[i];
    }

    report::Report report;
    report.version = HANDSET_VERSION;
    report.target = flight::to_string(target);
    report.host = asked.question.host;
    report.at = asked.question.at;
    for (Play& play : plays) {
        report::Entry entry;
        if (play.answer.reached != flight::Reached::yes) {
            entry.verdict = not_reached(*play.device, play.answer);
        } else {
            const handset::rules::Evidence evidence = handset::rules::read(play.answer.flight);
            entry.verdict = judge_with(library, *play.device, evidence, asked.question);
            for (const auto& certificate : evidence.chain) {
                entry.certificates.push_back(certificate.der);
            }
            entry.stream = play.answer.flight.bytes;
        }
        entry.verdict.hello = play.sent;
        entry.verdict.ja3 = flight::ja3_of(play.sent);
        entry.verdict.earlier = std::move(play.earlier);
        report.entries.push_back(std::move(entry));
    }
    return write_report(report, parsed->values, streams);
}

}  // namespace handset::cli
