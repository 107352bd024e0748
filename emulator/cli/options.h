// Options that several commands share, and how a command reads its arguments.
#pragma once

#include <boost/program_options.hpp>
#include <functional>
#include <iostream>
#include <optional>

#include "emulator/cli/cli.h"
#include "emulator/cli/library.h"
#include "emulator/judge/judge.h"
#include "emulator/report/report.h"

namespace handset::cli {

namespace po = boost::program_options;

// Parses into `options` plus one list of positional words. Prints help (usage, options, examples)
// and returns nullopt when --help was asked for. Throws UsageError for anything it does not know,
// naming the nearest option.
struct CommandText {
    std::string_view usage;     // "handset check CHAIN… [options]"
    std::string_view about;     // one paragraph
    std::string_view examples;  // lines
};
struct Parsed {
    po::variables_map values;
    std::vector<std::string> words;
};
std::optional<Parsed> parse(const std::vector<std::string>& arguments,
                            const po::options_description& options, const CommandText& text,
                            const Streams& streams);

// --device --host --msstd --at --install-root --roots --store-password --aia --known-roots
po::options_description question_options();
// --format -o --explain --strict --color --quiet
po::options_description output_options();

struct Asked {
    judge::Question question;
    std::vector<std::string> device_patterns;
};
// What was passed over in stores of roots goes to `notes`, a line each, unless --quiet is given.
Asked read_question(const po::variables_map& values, std::ostream& notes = std::cerr);

// Writes the report as the output options say and returns the exit status.
int write_report(const report::Report& report, const po::variables_map& values,
                 const Streams& streams);
bool use_color(const po::variables_map& values, const Streams& streams);

// Runs `write` on the file that -o names, or on standard output. A file appears whole or not at
// all.
void with_output(const po::variables_map& values, const Streams& streams,
                 const std::function<void(std::ostream&)>& write);

// --format -o --color of the commands that list catalogs.
po::options_description listing_options();
bool wants_json(const po::variables_map& values);
report::Style style_of(const po::variables_map& values, const Streams& streams);

judge::Verdict judge_with(Library& library, const device::Device& device,
                          const handset::rules::Evidence& evidence,
                          const judge::Question& question);

}  // namespace handset::cli
