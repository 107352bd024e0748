#include "emulator/cli/cli.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "emulator/cli/library.h"
#include "emulator/device/load.h"
#include "handshake/base/nearest.h"

namespace handset::cli {

std::span<const Command> commands() {
    static constexpr Command list[] = {
        {"check", "CHAIN…", "judge certificate files, offline", check},
        {"probe", "HOST[:PORT]", "judge a live server", probe},
        {"lab", "", "show a real client prepared faults", lab},
        {"learn", "--lab", "write the profile of a real client", learn},
        {"devices", "[ID…]", "list the devices, or show one", devices},
        {"rules", "[ID…]", "list the rules, or show one", rules},
        {"lint", "PROFILE…", "check device profiles and stores", lint},
    };
    return list;
}

namespace {

void write_help(std::ostream& out) {
    out << "handset " HANDSET_VERSION
           ": will this legacy device complete a TLS handshake with this server,\n"
           "and if not, where does it stop, which alert does it send and what does its user "
           "read?\n\n"
           "Usage: handset COMMAND [arguments]\n\n";
    for (const Command& command : commands()) {
        out << fmt::format("  {:<8} {:<14} {}\n", command.name, command.arguments, command.summary);
    }
    out << "\n'handset COMMAND --help' tells its options, with examples.\n\n"
           "Exit status: 0 every device connects; 1 some device fails or asks (with --strict also\n"
           "unknown); 2 wrong use, bad profile or unreadable input; 3 a target could not be "
           "reached.\n";
}

int dispatch(const std::vector<std::string>& arguments, const Streams& streams) {
    if (arguments.empty()) {
        write_help(streams.err);
        return status_trouble;
    }
    const std::string& word = arguments.front();
    if (word == "--help" || word == "-h" || word == "help") {
        write_help(streams.out);
        return 0;
    }
    if (word == "--version" || word == "-V") {
        streams.out << "handset " HANDSET_VERSION "\n";
        return 0;
    }
    const auto command = std::ranges::find(commands(), std::string_view(word), &Command::name);
    if (command == commands().end()) {
        std::vector<std::string> names;
        for (const Command& known : commands())
            names.emplace_back(known.name);
        throw UsageError(fmt::format("unknown command '{}'{}; see 'handset --help'",
                                     printable_utf8(word), did_you_mean(word, names)));
    }
    return command->run({arguments.begin() + 1, arguments.end()}, streams);
}

}  // namespace

int run(const std::vector<std::string>& arguments, const Streams& streams) {
    try {
        const int status = dispatch(arguments, streams);
        streams.out.flush();
        if (!streams.out) throw std::runtime_error("standard output could not be written");
        return status;
    } catch (const device::ProfileError& error) {
        for (const device::Problem& problem : error.problems()) {
            streams.err << "handset: " << printable_utf8(to_string(problem)) << '\n';
        }
    } catch (const std::bad_alloc&) {
        streams.err << "handset: out of memory\n";
    } catch (const std::exception& error) {
        streams.err << "handset: " << printable_utf8(error.what()) << '\n';
    }
    return status_trouble;
}

}  // namespace handset::cli
