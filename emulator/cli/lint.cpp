#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <ostream>
#include <sstream>

#include "emulator/cli/options.h"
#include "emulator/device/inspect.h"
#include "emulator/device/schema.h"

namespace handset::cli {

namespace {

// A store stands in a folder called stores, a group in one called groups beside the profiles;
// everything else is a device profile.
device::Inspection inspect(const std::filesystem::path& file,
                           const std::vector<std::string>& stores) {
    const std::filesystem::path folder = std::filesystem::absolute(file).parent_path();
    if (folder.filename() == "stores") return device::inspect_store(file);
    if (folder.filename() != "groups") return device::inspect_device(file, stores);
    try {
        device::load_group(file, device::ids_of(device::find_profiles(folder.parent_path())));
    } catch (const device::ProfileError& error) {
        return {error.problems(), {}};
    }
    return {};
}

int print_schema(const std::string& of, const Streams& streams) {
    if (of != "profile" && of != "store") {
        throw UsageError(
            fmt::format("--schema {}: it is of a profile or of a store", printable_utf8(of)));
    }
    const std::filesystem::path file = Library(home()).profiles() / "README.md";
    std::ostringstream readme;
    readme << std::ifstream(file, std::ios::binary).rdbuf();
    if (readme.str().empty()) {
        throw UsageError(fmt::format("{}: cannot be read; it explains the keys", file.string()));
    }
    const device::KeyTexts texts = device::read_key_texts(readme.str());
    streams.out << (of == "profile" ? device::profile_schema(texts) : device::store_schema(texts));
    return 0;
}

}  // namespace

int lint(const std::vector<std::string>& arguments, const Streams& streams) {
    po::options_description options("Output");
    options.add_options()("quiet,q", "say nothing of files without fault")(
        "schema", po::value<std::string>()->value_name("profile|store"),
        "print the format as JSON Schema, for editors");
    const auto parsed = parse(
        arguments, options,
        {"handset lint [PROFILE…] [options]",
         "Checks device profiles, and stores in a folder called stores/. Every fault is one line "
         "that\n"
         "begins with file:line:column and names the word that may have been meant. What loads but "
         "can\n"
         "hardly be true is a warning and no failure. Without a file: all that ship.",
         "  handset lint my-phone.yaml\n"
         "  handset lint --quiet && echo all good\n"
         "  handset lint --schema profile > profile.schema.json   # for an editor, with this first "
         "line:\n"
         "                                 # yaml-language-server: $schema=profile.schema.json\n"},
        streams);
    if (!parsed) return 0;
    if (parsed->values.count("schema") != 0) {
        if (!parsed->words.empty()) throw UsageError("--schema takes no profile");
        return print_schema(parsed->values["schema"].as<std::string>(), streams);
    }
    const Library library(home());
    const auto shipped_stores = device::find_profiles(library.profiles() / "stores");
    std::vector<std::string> stores;
    for (const std::filesystem::path& store : shipped_stores)
        stores.push_back(store.stem().string());
    std::vector<std::filesystem::path> files(parsed->words.begin(), parsed->words.end());
    if (files.empty()) {
        files = device::find_profiles(library.profiles());
        files.insert(files.end(), shipped_stores.begin(), shipped_stores.end());
        for (const auto& group : device::find_groups(library.profiles())) {
            files.push_back(group);
        }
    }
    bool any_fault = false;
    for (const std::filesystem::path& file : files) {
        const device::Inspection found = inspect(file, stores);
        for (const device::Problem& fault : found.faults)
            streams.err << printable_utf8(to_string(fault)) << '\n';
        for (device::Problem warning : found.warnings) {
            warning.message.insert(0, "warning: ");
            streams.err << printable_utf8(to_string(warning)) << '\n';
        }
        any_fault = any_fault || !found.faults.empty();
        if (found.faults.empty() && found.warnings.empty() && parsed->values.count("quiet") == 0) {
            streams.out << fmt::format("{}: good\n", file.string());
        }
    }
    return any_fault ? status_trouble : 0;
}

}  // namespace handset::cli
