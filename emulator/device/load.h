// Profiles, stores and groups from YAML. The only door for yaml-cpp. Every fault is one
// ProfileError whose text begins with file:line:column and says what to do; unknown keys, wrong
// types, statements without a source and sources without a grade are faults.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <vector>

#include "emulator/device/device.h"
#include "emulator/device/group.h"

namespace handset::device {

struct Problem {
    std::string file;
    std::size_t line = 0;    // from 1; 0: the file as a whole
    std::size_t column = 0;  // from 1
    std::string message;
};
std::string to_string(const Problem& problem);  // "profiles/x.yaml:12:5: unknown key ..."

class ProfileError : public std::runtime_error {
public:
    explicit ProfileError(std::vector<Problem> problems);
    const std::vector<Problem>& problems() const { return problems_; }

private:
    std::vector<Problem> problems_;
};

// Throws ProfileError with every problem found. Files over 4 MiB are refused.
Device load_device(const std::filesystem::path& file);
Store load_store(const std::filesystem::path& file);
// `device_ids`: of all profiles; each id and pattern of the group has to find one.
Group load_group(const std::filesystem::path& file, const std::vector<std::string>& device_ids);

// The same, from text; `file` is only for messages, and its stem is the id.
Device parse_device(std::string_view text, const std::filesystem::path& file);
Store parse_store(std::string_view text, const std::filesystem::path& file);
Group parse_group(std::string_view text, const std::filesystem::path& file,
                  const std::vector<std::string>& device_ids);

// All *.yaml directly in the folder, by id.
std::vector<std::filesystem::path> find_profiles(const std::filesystem::path& folder);
// Those of `folder`/groups; none where there is no such folder.
std::vector<std::filesystem::path> find_groups(const std::filesystem::path& folder);
// What files are called without their ending.
std::vector<std::string> ids_of(const std::vector<std::filesystem::path>& files);

// Every key that the format has, as "section.key": "client_hello.cipher_suites"; "profile",
// "store" and "group" stand for the top level of a file, "entry" for one root of a store.
std::vector<std::string> known_keys();

}  // namespace handset::device
