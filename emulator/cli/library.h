// The shipped profiles, stores and groups, found beside the program.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "emulator/device/load.h"

namespace handset::cli {

// Profiles by id, stores loaded when a profile names them.
class Library {
public:
    // `home` holds profiles/. Throws UsageError when it does not.
    explicit Library(const std::filesystem::path& home);

    // Devices whose id matches one of the globs ("nokia-*"), in the order of ids; for no globs all
    // that are asked by default.
    // A pattern may also be the id of a group, or a path to a profile file ("./mine.yaml"). Throws
    // UsageError for a pattern that matches nothing, naming the nearest id, and
    // device::ProfileError for a bad profile or group.
    std::vector<device::Device> find(const std::vector<std::string>& patterns) const;

    // All groups, in the order of ids.
    std::vector<device::Group> groups() const;
    // Ids of all profiles, in order.
    std::vector<std::string> device_ids() const;

    // Loads the stores that these devices name, several at a time. Nothing but time hangs on it.
    void load_stores_of(const std::vector<device::Device>& devices);
    // Every store there is, in the order of ids.
    std::vector<const device::Store*> all_stores();
    // The store a device names, or nullptr for none. Loaded once.
    const device::Store* store_of(const device::Device& device);

    const std::filesystem::path& profiles() const { return profiles_; }

private:
    void load_stores(const std::vector<std::string>& ids);

    std::filesystem::path profiles_;
    std::map<std::string, std::unique_ptr<device::Store>> stores_;
};

// Whether a word where a device is expected names a file of its own, and no id or pattern.
bool is_profile_file(const std::string& word);

// $HANDSET_HOME, or the folder the program was built from.
std::filesystem::path home();

}  // namespace handset::cli
