// Sweeps: devices that answer every rule alike, over the flights of all case files. A case says
// what comes of one flight on one device; here stands what must hold for all of them.
#include <fmt/format.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>
#include <regex>
#include <set>

#include "tests/support/judged.h"
#include "tests/support/process.h"

using namespace handset;
using device::Action;
using device::Device;
using forge::Case;
using judge::Effect;
using judge::Outcome;
using judge::Reason;
using judge::Verdict;
using rules::Finding;
using rules::Level;
using rules::Rule;

namespace {

// --- flights -----------------------------------------------------------------------------------

struct Flown {
    Case from;
    wire::Flight flight;
    rules::Evidence evidence;
    judge::Question question;
};

// Forged and read once, and signatures remembered.
const std::vector<Flown>& flown() {
    static judge::SignatureCache signatures;
    static const std::vector<Flown> all = [] {
        std::vector<Flown> made;
        for (const auto& file : forge::find_cases(forge::source_folder() / "cases")) {
            Flown one;
            one.from = forge::load_case(file);
            one.flight = forge::make_flight(one.from, forge::keys_folder());
            one.evidence = rules::read(one.flight);
            one.question = forge::question_of(one.from);
            one.question.signatures = &signatures;
            made.push_back(std::move(one));
        }
        return made;
    }();
    return all;
}

void for_each_flight(const std::function<void(const Flown&)>& look) {
    REQUIRE(flown().size() > 400);
    for (const Flown& one : flown()) {
        CAPTURE(one.from.file.stem().string());
        look(one);
    }
}

Verdict judge_by(const Device& device, const Flown& one) {
    return judge::judge(device, nullptr, one.evidence, one.question);
}

// --- devices -----------------------------------------------------------------------------------

// Without this one, next to every flight is unknown for its SHA-256 alone.
constexpr std::string_view knows_sha256 =
    "certificate:\n  source: test\n"
    "  signature_algorithms: [sha1WithRSAEncryption, sha256WithRSAEncryption]\n";
constexpr std::string_view one_response = "responses:\n  all: {source: test, alert: standard}\n";

Device parse(const std::string& sections) {
    return device::parse_device(std::string(forge::profile_head) + sections, "sweep.yaml");
}

// A line of `tolerances` for each rule.
std::string for_every_rule(const std::function<std::string(const Rule&)>& tolerance) {
    std::string text = "tolerances:\n";
    for (const Rule& rule : rules::catalog())
        text += fmt::format("  {}: {{{}, source: test}}\n", rule.id, tolerance(rule));
    return text;
}

const Device& silent_device() {
    static const Device device = parse(std::string(knows_sha256));
    return device;
}
const Device& accepting_device() {
    static const Device device = parse(
        std::string(knows_sha256) + for_every_rule([](const Rule&) { return "action: accept"; }));
    return device;
}
const Device& refusing_device() {
    static const Device device =
        parse(std::string(knows_sha256) + std::string(one_response) +
              for_every_rule([](const Rule&) { return "action: refuse, response: all"; }));
    return device;
}

// --- what is looked at -------------------------------------------------------------------------

// RFC 5246 7.2: whoever ended the handshake was the server, so no device can overlook it.
bool is_servers_own_end(std::string_view rule) {
    static const std::set<std::string_view> ends{
        "handshake-server-alert", "handshake-server-closed",  "handshake-server-silent",
        "handshake-not-tls",      "handshake-finish-refused", "handshake-key-exchange-invalid"};
    return ends.contains(rule);
}

bool finds(const Flown& one, const std::function<bool(const Finding&)>& wanted) {
    return std::ranges::any_of(one.evidence.findings, wanted);
}

const Rule& rule_of(const Reason& reason) {
    const Rule* rule = rules::find_rule(reason.finding.rule);
    REQUIRE(rule);
    return *rule;
}

// As `strict` says for the rule, or else as it does about all that the standards demand.
bool strict_refuses(const Rule& rule) {
    const auto& tolerances = forge::shipped("strict").device.tolerances;
    const auto stated = tolerances.find(rule.id);
    if (stated != tolerances.end()) return stated->second.action == Action::refuse;
    return rule.level == Level::must;
}

std::string told(const Verdict& verdict) {
    std::string text = fmt::format("{} at {}", judge::outcome_name(verdict.outcome),
                                   judge::stage_name(verdict.stage));
    if (verdict.alert) text += " " + wire::name_of(verdict.alert->alert.description);
    for (const Reason& reason : verdict.reasons) {
        text += fmt::format(
            "\n{} {} {} {}: {}", judge::effect_name(reason.effect), reason.finding.rule,
            reason.finding.certificate ? std::to_string(*reason.finding.certificate) : "-",
            reason.finding.field, reason.finding.detail);
    }
    return text;
}

// What is true of any verdict, whatever device and flight.
void check_whole(const Verdict& verdict) {
    const auto count = [&](Effect effect) {
        return std::ranges::count(verdict.reasons, effect, &Reason::effect);
    };
    const auto decides = count(Effect::decides);
    CHECK(decides == (verdict.outcome == Outcome::fails ? 1 : 0));
    if (decides == 0) CHECK(count(Effect::later) == 0);
    if (verdict.outcome == Outcome::unknown) CHECK(count(Effect::undecided) > 0);
    if (verdict.outcome == Outcome::asks) {
        CHECK(count(Effect::undecided) == 0);
        CHECK(count(Effect::asks) > 0);
    } else {
        CHECK(verdict.answers.empty());
    }
    if (verdict.outcome == Outcome::connects) {
        CHECK(count(Effect::noted) == static_cast<std::ptrdiff_t>(verdict.reasons.size()));
    }
    if (verdict.outcome != Outcome::fails) CHECK_FALSE(verdict.alert);
    CHECK(std::ranges::is_partitioned(
        verdict.reasons, [](const Reason& reason) { return reason.effect != Effect::noted; }));
    const Reason* decisive = judge::decisive_reason(verdict);
    REQUIRE((decisive == nullptr) == (verdict.outcome == Outcome::connects));
    if (verdict.closes_silently) CHECK_FALSE(verdict.alert);
    for (const Reason& reason : verdict.reasons) {
        CHECK_FALSE(reason.demand.empty());
        CHECK_FALSE(reason.citation.empty());
        CHECK_FALSE(reason.remedies.empty());
        CHECK_FALSE(reason.finding.detail.empty());
    }
}

}  // namespace

// --- the table ---------------------------------------------------------------------------------

TEST_CASE("every rule cites a section of a document") {
    // "RFC 5280 6.1.3 (b), (c), RFC 2818 3.1": documents with sections, and more of their sections.
    const std::string section =
        R"(((\d+|[A-Z])(\.\d+)*|Appendix [A-Z](\.\d+)?)( (\([a-z]\)(\(\d\))?))*)";
    const std::string document =
        R"((RFC [1-9]\d{3}|X\.6[89]0|NIST SP 800-131A|CA/Browser Forum BR))";
    const std::string reference = document + " " + section;
    const std::regex whole(reference + "(, (" + reference + "|" + section + R"(|\([a-z]\)))*)");
    // Where a maker alone decided.
    const std::regex of_a_maker(
        R"((developer\.android|support\.apple|learn\.microsoft)\.com/[a-z0-9/-]+)");
    for (const Rule& rule : rules::catalog()) {
        CAPTURE(rule.id, rule.citation);
        const std::string citation(rule.citation);
        CHECK((std::regex_match(citation, whole) || std::regex_match(citation, of_a_maker)));
    }
}

// A reader may have to stop at one way of missing a demand and not at another.
TEST_CASE("rules that make one demand stand in one area, step and document, with one alert") {
    std::map<std::string_view, const Rule*> by_demand;
    for (const Rule& rule : rules::catalog()) {
        const auto [known, is_new] = by_demand.emplace(rule.demand, &rule);
        if (is_new) continue;
        CAPTURE(rule.id, known->second->id);
        CHECK(rule.area == known->second->area);
        CHECK(rule.step == known->second->step);
        const auto document = [](const Rule& of) { return of.citation.substr(0, 8); };
        CHECK(document(rule) == document(*known->second));
        CHECK(rule.alert == known->second->alert);
    }
}

// The judge raises what no octets decide; the rest is the reader's, and its findings are all of
// rows that have a check.
TEST_CASE("what the reader finds is of rules that octets decide") {
    std::set<std::string> found;
    for_each_flight([&](const Flown& one) {
        for (const Finding& finding : one.evidence.findings) {
            const Rule* rule = rules::find_rule(finding.rule);
            REQUIRE(rule);
            CHECK(rule->check != nullptr);
            found.insert(finding.rule);
        }
    });
    for (const Rule& rule : rules::catalog()) {
        CAPTURE(rule.id);
        CHECK((rule.check != nullptr) == found.contains(std::string(rule.id)));
    }
}

// --- devices that answer every rule alike ------------------------------------------------------

TEST_CASE("the strict device fails where it refuses a finding, and connects where it does not") {
    const Device& strict = forge::shipped("strict").device;
    for_each_flight([&](const Flown& one) {
        const Verdict verdict = judge_by(strict, one);
        CAPTURE(told(verdict));
        check_whole(verdict);
        const bool refused = std::ranges::any_of(
            verdict.reasons, [](const Reason& reason) { return strict_refuses(rule_of(reason)); });
        CHECK(verdict.outcome == (refused ? Outcome::fails : Outcome::connects));
        for (const Reason& reason : verdict.reasons)
            CHECK((reason.effect != Effect::noted) == strict_refuses(rule_of(reason)));
        // It overlooks nothing of the server's own certificate, but criticality that it can read.
        for (const Finding& finding : one.evidence.findings) {
            if (finding.certificate.value_or(0) != 0) continue;
            if (finding.rule == "extension-critical-forbidden") continue;
            CAPTURE(finding.rule);
            CHECK(forge::find_reason(verdict, finding.rule));
        }
    });
}

TEST_CASE("a device that accepts whatever it is known to meet fails by the server alone") {
    const std::set<std::string_view> open{"chain-anchor-undetermined", "chain-search-exhausted",
                                          "key-type-unsupported"};
    Device resolute = accepting_device();
    resolute.otherwise = device::Tolerance{Action::accept, "", "test", device::Grade::documented};
    for_each_flight([&](const Flown& one) {
        const bool ended =
            finds(one, [](const Finding& finding) { return is_servers_own_end(finding.rule); });
        const Verdict verdict = judge_by(accepting_device(), one);
        CAPTURE(told(verdict));
        check_whole(verdict);
        CHECK((verdict.outcome == Outcome::fails) == ended);
        CHECK(verdict.outcome != Outcome::asks);
        // What it does about a thing says nothing of whether it meets it: no section tells.
        for (const Reason& reason : verdict.reasons) {
            if (open.contains(reason.finding.rule)) CHECK(reason.effect == Effect::undecided);
        }
        // With an answer to what is open as well, no demand of a standard is left to doubt.
        const Verdict resolved = judge_by(resolute, one);
        CAPTURE(told(resolved));
        check_whole(resolved);
        CHECK((resolved.outcome == Outcome::fails) == ended);
        for (const Reason& reason : resolved.reasons) {
            if (reason.effect == Effect::undecided) CHECK(rule_of(reason).level == Level::should);
        }
    });
}

TEST_CASE("a device that refuses whatever is found never connects where anything is") {
    for_each_flight([&](const Flown& one) {
        const Verdict verdict = judge_by(refusing_device(), one);
        CAPTURE(told(verdict));
        check_whole(verdict);
        CHECK((verdict.outcome == Outcome::connects) == verdict.reasons.empty());
        CHECK(verdict.outcome != Outcome::asks);
        // Whatever was said of the flight as a whole or of the server's certificate counts.
        if (finds(one, [](const Finding& finding) { return finding.certificate.value_or(0) == 0; }))
            CHECK(verdict.outcome == Outcome::fails);
    });
}

TEST_CASE("a silent device connects nowhere where a demand decides for the strict one") {
    // That it has switched other versions off, and holds anchors to what it asks of others, strict
    // says of itself: no standard does.
    const Device& strict = forge::shipped("strict").device;
    for_each_flight([&](const Flown& one) {
        const Verdict by_strict = judge_by(strict, one);
        const Verdict by_silent = judge_by(silent_device(), one);
        CAPTURE(told(by_strict), told(by_silent));
        check_whole(by_silent);
        const bool ended =
            finds(one, [](const Finding& finding) { return is_servers_own_end(finding.rule); });
        CHECK((by_silent.outcome == Outcome::fails) == ended);
        CHECK(by_silent.outcome != Outcome::asks);
        const Reason* decisive = judge::decisive_reason(by_strict);
        if (!decisive || rule_of(*decisive).level != Level::must) return;
        const Finding& finding = decisive->finding;
        const bool of_anchor = !finding.certificate && finding.field.starts_with("tbsCertificate");
        if (finding.rule == "negotiation-version-unsupported" || of_anchor) return;
        CHECK(by_silent.outcome != Outcome::connects);
    });
}

TEST_CASE("the alert that goes out is that of the response for the deciding rule") {
    // One response a rule, the known alerts in turn.
    std::vector<wire::AlertDescription> alerts;
    for (int number = 0; number < 256; ++number) {
        const auto description = static_cast<wire::AlertDescription>(number);
        if (wire::alert_description_from_name(wire::name_of(description)) == description &&
            !wire::name_of(description).starts_with("0x")) {
            alerts.push_back(description);
        }
    }
    REQUIRE(alerts.size() > 20);
    std::map<std::string_view, wire::AlertDescription> alert_of;
    std::string responses = "responses:\n";
    for (const Rule& rule : rules::catalog()) {
        const wire::AlertDescription alert = alerts[alert_of.size() % alerts.size()];
        alert_of.emplace(rule.id, alert);
        responses += fmt::format("  for-{}: {{source: test, alert: {}, code: \"{}\"}}\n", rule.id,
                                 wire::name_of(alert), rule.id);
    }
    const Device device =
        parse(std::string(knows_sha256) + responses + for_every_rule([](const Rule& rule) {
                  return fmt::format("action: refuse, response: for-{}", rule.id);
              }));
    std::set<wire::AlertDescription> seen;
    for_each_flight([&](const Flown& one) {
        const Verdict verdict = judge_by(device, one);
        if (verdict.outcome != Outcome::fails) return;
        CAPTURE(told(verdict));
        const std::string& decider = judge::decisive_reason(verdict)->finding.rule;
        REQUIRE(verdict.alert);
        // What the server said last stands above what the device may still have answered.
        if (verdict.alert->direction == judge::Direction::received) {
            CHECK(is_servers_own_end(decider));
            return;
        }
        CHECK(verdict.alert->direction == judge::Direction::sent);
        CHECK(verdict.alert->alert.level == wire::AlertLevel::fatal);
        CHECK(verdict.alert->alert.description == alert_of.at(decider));
        CHECK(verdict.code == decider);
        seen.insert(verdict.alert->alert.description);
    });
    CHECK(seen.size() == alerts.size());
}

// --- one tolerance more ------------------------------------------------------------------------

// The device of a case, with its rule answered one way and no answer for what is open.
TEST_CASE("every rule does what the tolerance for it says") {
    std::size_t trials = 0;
    for_each_flight([&](const Flown& one) {
        const Case& from = one.from;
        if (from.rule.empty() || !from.expect.found || is_servers_own_end(from.rule)) return;
        Device device = from.profile.empty() ? forge::shipped(from.device).device
                                             : device::parse_device(from.profile, "sweep.yaml");
        const std::optional<device::Store> own =
            from.store ? std::optional(forge::store_of(from)) : std::nullopt;
        const device::Store* store = own ? &*own : forge::shipped_store(device);
        device.otherwise.reset();
        device.responses["sweep"].alert = wire::AlertDescription::certificate_unknown;
        std::vector<std::vector<Effect>> effects;
        for (const Action action : {Action::accept, Action::ask, Action::refuse}) {
            device.tolerances[from.rule] = {action, "sweep", "test", device::Grade::documented};
            const Verdict verdict = judge::judge(device, store, one.evidence, one.question);
            check_whole(verdict);
            const Reason* decisive = judge::decisive_reason(verdict);
            if (action == Action::refuse && decisive && decisive->finding.rule == from.rule &&
                verdict.outcome == Outcome::fails) {
                REQUIRE(verdict.alert);
                CHECK(verdict.alert->alert.description ==
                      wire::AlertDescription::certificate_unknown);
            }
            auto& of_rule = effects.emplace_back();
            for (const Reason& reason : verdict.reasons) {
                if (reason.finding.rule == from.rule) of_rule.push_back(reason.effect);
            }
        }
        // A search for a valid path may go past what it refuses, never past what it accepts.
        const auto& [accepted, asked, refused] = std::tie(effects[0], effects[1], effects[2]);
        const auto all = [](const std::vector<Effect>& list, std::initializer_list<Effect> any) {
            return std::ranges::all_of(
                list, [&](Effect effect) { return std::ranges::find(any, effect) != any.end(); });
        };
        if (accepted.empty() || all(accepted, {Effect::undecided})) return;
        ++trials;
        CHECK(all(accepted, {Effect::noted}));
        CHECK(all(asked, {Effect::asks}));
        CHECK(all(refused, {Effect::decides, Effect::later}));
        CHECK(refused.size() <= accepted.size());
    });
    CHECK(trials > 150);
}

// --- what must make no difference --------------------------------------------------------------

TEST_CASE("the order of noticing says who decides, and never what comes of it") {
    std::vector<device::Order> orders;
    for (const bool loop : {false, true}) {
        device::Order order;
        for (std::size_t step = 0; step < rules::step_count; ++step) {
            order.rank.push_back(rules::step_count - 1 - step);
            if (loop) order.per_certificate.push_back(static_cast<rules::Step>(step));
        }
        order.certificates =
            loop ? device::CertificateOrder::anchor_first : device::CertificateOrder::leaf_first;
        orders.push_back(std::move(order));
    }
    std::size_t other_deciders = 0;
    for (const Device* plain : {&forge::shipped("strict").device, &silent_device()}) {
        for_each_flight([&](const Flown& one) {
            const Verdict usual = judge_by(*plain, one);
            const Reason* usual_decider = judge::decisive_reason(usual);
            for (const device::Order& order : orders) {
                Device ordered = *plain;
                ordered.order = order;
                const Verdict verdict = judge_by(ordered, one);
                CHECK(verdict.outcome == usual.outcome);
                CHECK(verdict.reasons.size() == usual.reasons.size());
                const Reason* decider = judge::decisive_reason(verdict);
                if (decider && decider->finding.rule != usual_decider->finding.rule)
                    ++other_deciders;
            }
        });
    }
    CHECK(other_deciders > 20);
}

TEST_CASE("remembered signatures change no verdict") {
    judge::SignatureCache signatures;
    const Device& strict = forge::shipped("strict").device;
    for_each_flight([&](const Flown& one) {
        judge::Question question = one.question;
        question.signatures = nullptr;
        const std::string without = told(judge::judge(strict, nullptr, one.evidence, question));
        question.signatures = &signatures;
        for (const char* time : {"first", "second"}) {
            CAPTURE(time);
            CHECK(told(judge::judge(strict, nullptr, one.evidence, question)) == without);
        }
    });
}

namespace {

rules::Evidence read_files(const std::vector<Bytes>& chain) {
    return rules::read(forge::make_files(chain));
}

// Sorts what it is sent and goes on looking until a path is valid.
const Device& sorting_device() {
    static const Device device =
        parse(std::string(knows_sha256) + std::string(one_response) +
              "path: {source: test, order: any, alternatives: until-valid, aia: never,\n"
              "       name_chaining: normalized, key_identifiers: ignored}\n"
              "otherwise: {action: refuse, response: all, source: test}\n");
    return device;
}

}  // namespace

TEST_CASE("a device that sorts overlooks the order of the list, and nothing else") {
    const std::set<std::string_view> of_the_order{"chain-wrong-order", "chain-extra-certificate",
                                                  "chain-duplicate-certificate"};
    for_each_flight([&](const Flown& one) {
        const Verdict verdict = judge_by(sorting_device(), one);
        CAPTURE(told(verdict));
        check_whole(verdict);
        for (const std::string_view rule : of_the_order)
            CHECK_FALSE(forge::find_reason(verdict, rule));
        for (const Finding& finding : one.evidence.findings) {
            const Rule* rule = rules::find_rule(finding.rule);
            if (rule->level != Level::must || of_the_order.contains(rule->id)) continue;
            if (finding.certificate.value_or(0) == 0) CHECK(verdict.outcome == Outcome::fails);
        }
    });
}

TEST_CASE("a device that sorts does not mind the order of issuers") {
    std::size_t permuted = 0;
    for_each_flight([&](const Flown& one) {
        std::vector<Bytes> chain = one.flight.certificates;
        if (chain.size() < 3 || one.from.repeat_last > 0) return;
        const auto judged = [&] {
            return judge::judge(sorting_device(), nullptr, read_files(chain), one.question);
        };
        const Verdict as_sent = judged();
        CAPTURE(told(as_sent));
        std::ranges::sort(chain.begin() + 1, chain.end());
        const bool few = chain.size() <= 4;
        do {
            const Verdict verdict = judged();
            CAPTURE(told(verdict));
            CHECK(verdict.outcome == as_sent.outcome);
            ++permuted;
        } while (few && std::ranges::next_permutation(chain.begin() + 1, chain.end()).found);
    });
    CHECK(permuted > 50);
}

TEST_CASE("a device that sorts does not mind what is on no path") {
    // Faults that show in closer looks at a certificate than decoding it.
    forge::Recipes recipes = forge::correct_recipes();
    recipes["unrelated"].not_after = "utc:190101000000Z";
    recipes["unrelated"].critical["subjectKeyIdentifier"] = forge::Critical::ff;
    recipes["unrelated"].inner_algorithm = recipes["unrelated"].outer_algorithm =
        "sha512WithRSAEncryption";
    const Bytes stranger = forge::make_certificate(recipes, "unrelated", forge::keys_folder());
    std::size_t compared = 0;
    for_each_flight([&](const Flown& one) {
        std::vector<Bytes> chain = one.flight.certificates;
        if (chain.empty() || one.from.repeat_last > 0) return;
        const rules::Evidence before = read_files(chain);
        chain.push_back(stranger);
        const Verdict with =
            judge::judge(sorting_device(), nullptr, read_files(chain), one.question);
        const Verdict without = judge::judge(sorting_device(), nullptr, before, one.question);
        CAPTURE(told(with), told(without));
        CHECK(with.outcome == without.outcome);
        const Reason* decisive = judge::decisive_reason(without);
        if (decisive) CHECK(judge::decisive_reason(with)->finding.rule == decisive->finding.rule);
        ++compared;
    });
    CHECK(compared > 250);
}

// --- what cases say beside their outcome -------------------------------------------------------

TEST_CASE("what a case says comes later, is said or is asked comes so") {
    std::size_t later = 0;
    for_each_flight([&](const Flown& one) {
        const forge::Expectation& expect = one.from.expect;
        if (!expect.later && !expect.closes_silently && !expect.answers) return;
        const Verdict verdict = forge::judge_case(one.from).verdict;
        CAPTURE(told(verdict));
        if (expect.later) {
            std::vector<std::string> rules_later;
            for (const Reason& reason : verdict.reasons) {
                if (reason.effect == Effect::later) rules_later.push_back(reason.finding.rule);
            }
            CHECK(rules_later == *expect.later);
            ++later;
        }
        if (expect.closes_silently) CHECK(verdict.closes_silently == *expect.closes_silently);
        if (!expect.answers) return;
        std::vector<std::string> answers;
        for (const device::Answer& answer : verdict.answers)
            answers.push_back(answer.answer);
        CHECK(answers == *expect.answers);
    });
    CHECK(later > 5);
}

TEST_CASE("a case's store is refused where nobody would look at it") {
    const test::TempDir folder;
    const auto trouble = [&](std::string_view rest) -> std::string {
        const auto file = folder / "x.yaml";
        test::write_file(file,
                         "rule: none\nabout: y\nexpect: {outcome: connects}\n" + std::string(rest));
        try {
            forge::load_case(file);
        } catch (const forge::ForgeError& error) {
            return error.what();
        }
        return "";
    };
    const std::string profile = "profile: |\n  path: {source: test, order: any}\n";
    CHECK(trouble(profile + "store: {members: [root]}\nquestion: {roots: none}\n").empty());
    for (const std::string& text :
         {profile + "store: {members: [root]}\n",
          std::string("store: {members: [root]}\nquestion: {roots: none}\n")}) {
        CAPTURE(text);
        CHECK(trouble(text).find("store") != std::string::npos);
    }
    CHECK(
        trouble(profile + "store: {by: md5}\nquestion: {roots: none}\n").find("none of: sha256") !=
        std::string::npos);
}

TEST_CASE("every shipped device comes to a whole verdict on every flight") {
    for (const auto& entry :
         std::filesystem::directory_iterator(forge::source_folder() / "profiles")) {
        if (entry.path().extension() != ".yaml") continue;
        const forge::Shipped& shipped = forge::shipped(entry.path().stem().string());
        CAPTURE(shipped.device.id);
        for_each_flight([&](const Flown& one) {
            const Verdict verdict =
                judge::judge(shipped.device, shipped.store, one.evidence, one.question);
            CAPTURE(told(verdict));
            check_whole(verdict);
            CHECK(verdict.device == shipped.device.id);
        });
    }
}
