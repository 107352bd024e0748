#include <fmt/format.h>

#include <filesystem>
#include <ostream>

#include "emulator/cli/options.h"

namespace handset::cli {

namespace {

// A store stands in a folder called stores, a group in one called groups beside the profiles;
// everything else is a device profile.
std::vector<device::Problem> problems_of(const std::filesystem::path& file) {
    try {
        const std::filesystem::path folder = std::filesystem::absolute(file).parent_path();
        if (folder.filename() == "stores") {
            device::load_store(file);
        } else if (folder.filename() == "groups") {
            device::load_group(file, device::ids_of(device::find_profiles(folder.parent_path())));
        } else {
            device::load_device(file);
        }
    } catch (const device::ProfileError& error) {
        return error.problems();
    }
    return {};
}

}  // namespace

int lint(const std::vector<std::string>& arguments, const Streams& streams) {
    po::options_description options("Output");
    options.add_options()("quiet,q", "say nothing of files without fault");
    const auto parsed =
        parse(arguments, options,
              {"handset lint [PROFILE…] [options]",
               "Checks device profiles, stores in a folder called stores/, and groups in groups/.\n"
               "Every fault is one line that begins with file:line:column. "
               "Without a file: all that ship.",
               "  handset lint my-phone.yaml\n"
               "  handset lint\n"},
              streams);
    if (!parsed) return 0;
    std::vector<std::filesystem::path> files(parsed->words.begin(), parsed->words.end());
    if (files.empty()) {
        const Library library(home());
        files = device::find_profiles(library.profiles());
        for (const auto& store : device::find_profiles(library.profiles() / "stores")) {
            files.push_back(store);
        }
        for (const auto& group : device::find_groups(library.profiles())) {
            files.push_back(group);
        }
    }
    std::size_t faults = 0;
    for (const std::filesystem::path& file : files) {
        const std::vector<device::Problem> problems = problems_of(file);
        for (const device::Problem& problem : problems) {
            streams.err << printable_utf8(to_string(problem)) << '\n';
        }
        faults += problems.size();
        if (problems.empty() && parsed->values.count("quiet") == 0) {
            streams.out << fmt::format("{}: good\n", file.string());
        }
    }
    return faults == 0 ? 0 : status_trouble;
}

}  // namespace handset::cli
