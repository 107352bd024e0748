// The shipped profiles and stores, found beside the program.
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
    // A pattern may also be a path to a profile file ("./mine.yaml"). Throws UsageError for a
    // pattern that matches nothing, naming the nearest id, and device::ProfileError for a bad
    // profile.
    std::vector<device::Device> find(const std::vector<std::string>& patterns) const;

    // The store a device names, or nullptr for none. Loaded once.
    const device::Store* store_of(const device::Device& device);

    const std::filesystem::path& profiles() const { return profiles_; }

private:
    std::filesystem::path profiles_;
    std::map<std::string, std::unique_ptr<device::Store>> stores_;
};

// $HANDSET_HOME, or the folder the program was built from.
std::filesystem::path home();

}  // namespace handset::cli
