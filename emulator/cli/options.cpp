#include "emulator/cli/options.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "emulator/flight/roots.h"
#include "handshake/base/nearest.h"

namespace handset::cli {

namespace fs = std::filesystem;

std::optional<Parsed> parse(const std::vector<std::string>& arguments,
                            const po::options_description& options, const CommandText& text,
                            const Streams& streams) {
    po::options_description all;
    all.add(options);
    all.add_options()("help,h", "this text")("words", po::value<std::vector<std::string>>());
    po::positional_options_description positional;
    positional.add("words", -1);
    Parsed parsed;
    try {
        // No guessing: an abbreviation that means one option today may mean two tomorrow.
        const int style =
            po::command_line_style::unix_style & ~po::command_line_style::allow_guessing;
        po::store(po::command_line_parser(arguments)
                      .options(all)
                      .positional(positional)
                      .style(style)
                      .run(),
                  parsed.values);
        po::notify(parsed.values);
    } catch (const po::unknown_option& unknown) {
        std::vector<std::string> known{"--help"};
        for (const auto& option : options.options())
            known.push_back("--" + option->long_name());
        throw UsageError(fmt::format("unknown option {}{}; see --help",
                                     printable_utf8(unknown.get_option_name()),
                                     did_you_mean(unknown.get_option_name(), known)));
    } catch (const po::error& error) {
        throw UsageError(fmt::format("{}; see --help", printable_utf8(error.what())));
    }
    if (parsed.values.count("help") > 0) {
        std::ostringstream listed;
        listed << options;
        streams.out << "Usage: " << text.usage << "\n\n"
                    << text.about << "\n\n"
                    << listed.str() << "\nExamples:\n"
                    << text.examples;
        return std::nullopt;
    }
    if (parsed.values.count("words") > 0) {
        parsed.words = parsed.values["words"].as<std::vector<std::string>>();
    }
    return parsed;
}

po::options_description question_options() {
    po::options_description options("What is asked");
    options.add_options()("device", po::value<std::vector<std::string>>()->value_name("ID|GLOB"),
                          "a device, a pattern such as 'nokia-*', a group, or a profile file; may "
                          "be repeated (default: "
                          "all but those that ask to be named)")(
        "host", po::value<std::string>()->value_name("NAME"),
        "the name the device was configured with")(
        "at", po::value<std::string>()->value_name("RFC3339"),
        "the device's clock, 2007-09-02 or 2007-09-02T12:00:00Z (default: now)")(
        "msstd", po::value<std::string>()->value_name("STRING"),
        "Outlook's proxy principal, 'none' switches it off (default: msstd:<host>)")(
        "install-root", po::value<std::vector<std::string>>()->value_name("FILE"),
        "a root as a user installs it on the device; may be repeated")(
        "roots", po::value<std::vector<std::string>>()->value_name("FILE|DIR"),
        "trust these roots in place of the device's store: PEM, DER, PKCS #7, PKCS #12, a folder, "
        "Java's JKS, JCEKS and BKS, Microsoft's .sst, NSS's cert9.db, or what certutil -store, "
        "PowerShell's Format-List or keytool -list printed; may be repeated")(
        "store-password", po::value<std::string>()->value_name("WORD"),
        "opens stores that have one (without it: none, and 'changeit')")(
        "aia", po::value<std::vector<std::string>>()->value_name("FILE|DIR"),
        "certificates that authorityInfoAccess leads to, for devices that fetch them; may be "
        "repeated")(
        "known-roots", po::value<std::vector<std::string>>()->value_name("FILE|DIR"),
        "certificates of public roots, for the keys of roots known by fingerprint; none is trusted "
        "for it; 'none' for none (default: /etc/ssl/certs/ca-certificates.crt, if there)");
    return options;
}

po::options_description output_options() {
    po::options_description options("Output");
    std::string names;
    for (const report::Format& format : report::formats()) {
        names += fmt::format("{}{}", names.empty() ? "" : " | ", format.name);
    }
    options.add_options()("format",
                          po::value<std::string>()->default_value("table")->value_name("NAME"),
                          names.c_str())("output,o", po::value<std::string>()->value_name("FILE"),
                                         "write to FILE instead of standard output")(
        "explain", "bytes in their surroundings, citations, sources, remedies")(
        "strict", "count 'unknown' as failing (exit status 1)")(
        "color", po::value<std::string>()->default_value("auto")->value_name("WHEN"),
        "auto | always | never (NO_COLOR is honoured)")("quiet,q", "no progress on standard error");
    return options;
}

namespace {

// Today's roots of Debian and its like. Only keys are taken from it.
constexpr std::string_view default_known_roots = "/etc/ssl/certs/ca-certificates.crt";

std::vector<std::string> list_of(const po::variables_map& values, const char* name) {
    if (values.count(name) == 0) return {};
    return values[name].as<std::vector<std::string>>();
}

std::string text_of(const po::variables_map& values, const char* name) {
    return values.count(name) > 0 ? values[name].as<std::string>() : "";
}

std::vector<judge::InstalledRoot> read_installed_roots(const po::variables_map& values,
                                                       const std::string& password) {
    std::vector<judge::InstalledRoot> roots;
    for (const std::string& file : list_of(values, "install-root")) {
        const flight::CertificateFile loaded = flight::load_installed_root(file, password);
        for (const Bytes& der : loaded.certificates) {
            auto decoded = x509::decode_certificate(der);
            if (!decoded) {
                throw UsageError(fmt::format("{}: certificate cannot be decoded: {}",
                                             printable_utf8(file), to_string(decoded.error())));
            }
            roots.push_back({std::move(*decoded), loaded.format});
        }
    }
    return roots;
}

// In place of the device's store, where the user says so.
void read_roots(const po::variables_map& values, flight::Roots loaded, judge::Question& question) {
    if (!loaded.listed.empty()) {
        device::Store store;
        store.id = printable_utf8(fmt::format("{}", fmt::join(list_of(values, "roots"), ", ")));
        store.name = store.source = store.id;
        store.members = std::move(loaded.listed);
        question.listed_roots = std::move(store);
    }
    question.roots = std::move(loaded.certificates);
}

std::vector<x509::Certificate> read_known_roots(const po::variables_map& values,
                                                const std::string& password,
                                                const judge::Question& question) {
    const std::vector<std::string> places = list_of(values, "known-roots");
    if (places == std::vector<std::string>{"none"}) return {};
    if (!places.empty()) {
        return flight::load_roots(places, password, flight::Wanted::certificates).certificates;
    }
    // Whoever has only certificates to trust has their keys, too.
    if (question.roots && !question.listed_roots) return {};
    try {
        return flight::load_roots({std::string(default_known_roots)}, "",
                                  flight::Wanted::certificates)
            .certificates;
    } catch (const flight::FileError&) {
        return {};
    }
}

}  // namespace

Asked read_question(const po::variables_map& values, std::ostream& notes) {
    Asked asked;
    asked.device_patterns = list_of(values, "device");
    judge::Question& question = asked.question;
    question.host = text_of(values, "host");
    question.msstd = text_of(values, "msstd");
    if (!question.msstd.empty() && question.msstd != "none" &&
        !question.msstd.starts_with("msstd:")) {
        throw UsageError(fmt::format("--msstd '{}' must begin with 'msstd:' (or be 'none')",
                                     printable_utf8(question.msstd)));
    }
    const std::string at = text_of(values, "at");
    if (values.count("at") == 0) {
        question.at = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    } else if (const auto time = parse_rfc3339(at)) {
        question.at = *time;
    } else {
        throw UsageError(fmt::format(
            "--at '{}' is no date; write 2007-09-02 or 2007-09-02T12:00:00Z", printable_utf8(at)));
    }
    const std::string password = text_of(values, "store-password");
    question.installed_roots = read_installed_roots(values, password);
    if (values.count("roots") > 0) {
        flight::Roots loaded = flight::load_roots(list_of(values, "roots"), password);
        for (const std::string& note : loaded.notes) {
            if (values.count("quiet") == 0) notes << "handset: note: " << note << '\n';
        }
        read_roots(values, std::move(loaded), question);
    }
    question.aia =
        flight::load_roots(list_of(values, "aia"), password, flight::Wanted::certificates)
            .certificates;
    question.known_roots = read_known_roots(values, password, question);
    return asked;
}

bool use_color(const po::variables_map& values, const Streams& streams) {
    const std::string when = text_of(values, "color");
    if (when == "always") return true;
    if (when == "never") return false;
    if (when != "auto") throw UsageError("--color takes auto, always or never");
    const char* const no_color = std::getenv("NO_COLOR");
    const bool refused = no_color != nullptr && *no_color != '\0';
    return streams.out_is_terminal && !refused && values.count("output") == 0;
}

void with_output(const po::variables_map& values, const Streams& streams,
                 const std::function<void(std::ostream&)>& write) {
    if (values.count("output") == 0) {
        write(streams.out);
        streams.out.flush();
        if (!streams.out) throw std::runtime_error("standard output could not be written");
        return;
    }
    const fs::path file = values["output"].as<std::string>();
    std::error_code ignored;
    const bool special = fs::exists(file, ignored) && !fs::is_regular_file(file, ignored);
    // Written beside the file and renamed, so that a full disk leaves the old one.
    const fs::path beside = special ? file : fs::path(file.string() + ".part");
    {
        std::ofstream out(beside, std::ios::binary);
        write(out);
        out.flush();
        if (!out) {
            if (!special) fs::remove(beside, ignored);
            throw std::runtime_error(fmt::format("{}: could not be written", file.string()));
        }
    }
    if (!special) fs::rename(beside, file);
}

int write_report(const report::Report& report, const po::variables_map& values,
                 const Streams& streams) {
    const std::string name = text_of(values, "format");
    const report::Format* format = report::find_format(name);
    if (!format) {
        throw UsageError(fmt::format("unknown format '{}'; see --help", printable_utf8(name)));
    }
    report::Style style;
    style.explain = values.count("explain") > 0;
    style.color = use_color(values, streams);
    style.width = streams.width;
    with_output(values, streams, [&](std::ostream& out) { format->write(report, style, out); });
    return report::exit_status(report, values.count("strict") > 0);
}

po::options_description listing_options() {
    po::options_description options("Output");
    options.add_options()("format",
                          po::value<std::string>()->default_value("table")->value_name("NAME"),
                          "table | json")("output,o", po::value<std::string>()->value_name("FILE"),
                                          "write to FILE instead of standard output")(
        "color", po::value<std::string>()->default_value("auto")->value_name("WHEN"),
        "auto | always | never (NO_COLOR is honoured)");
    return options;
}

bool wants_json(const po::variables_map& values) {
    const std::string format = values["format"].as<std::string>();
    if (format != "table" && format != "json") {
        throw UsageError("--format takes table or json here");
    }
    return format == "json";
}

report::Style style_of(const po::variables_map& values, const Streams& streams) {
    report::Style style;
    style.color = use_color(values, streams);
    style.width = streams.width;
    return style;
}

judge::Verdict judge_with(Library& library, const device::Device& device,
                          const handset::rules::Evidence& evidence,
                          const judge::Question& question) {
    return judge::judge(device, library.store_of(device), evidence, question);
}

}  // namespace handset::cli
