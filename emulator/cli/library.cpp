#include "emulator/cli/library.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <cstdlib>

#include "emulator/cli/cli.h"
#include "handshake/base/nearest.h"

namespace handset::cli {

namespace fs = std::filesystem;

Library::Library(const fs::path& home) : profiles_(home / "profiles") {
    if (!fs::is_directory(profiles_)) {
        throw UsageError(fmt::format(
            "{}: no such folder; set HANDSET_HOME to the folder that holds handset's profiles/",
            profiles_.string()));
    }
}

std::vector<device::Device> Library::find(const std::vector<std::string>& patterns) const {
    const std::vector<fs::path> files = device::find_profiles(profiles_);
    std::vector<std::string> ids;
    ids.reserve(files.size());
    for (const fs::path& file : files)
        ids.push_back(file.stem().string());
    std::vector<bool> wanted(files.size(), patterns.empty());
    std::vector<device::Device> found;
    for (const std::string& pattern : patterns) {
        if (pattern.find('/') != std::string::npos || pattern.ends_with(".yaml")) {
            found.push_back(device::load_device(pattern));
            continue;
        }
        bool any = false;
        for (std::size_t i = 0; i < ids.size(); ++i) {
            if (fnmatch(pattern.c_str(), ids[i].c_str(), 0) != 0) continue;
            wanted[i] = true;
            any = true;
        }
        if (any) continue;
        throw UsageError(fmt::format("no device matches '{}'{}; 'handset devices' lists them",
                                     printable_utf8(pattern), did_you_mean(pattern, ids)));
    }
    for (std::size_t i = 0; i < files.size(); ++i) {
        if (wanted[i]) found.push_back(device::load_device(files[i]));
    }
    if (patterns.empty()) {
        std::erase_if(found, [](const device::Device& device) { return !device.by_default; });
    }
    std::ranges::stable_sort(found, {}, &device::Device::id);
    return found;
}

const device::Store* Library::store_of(const device::Device& device) {
    if (!device.trust.store_id) return nullptr;
    std::unique_ptr<device::Store>& store = stores_[*device.trust.store_id];
    if (!store) {
        const fs::path file = profiles_ / "stores" / (*device.trust.store_id + ".yaml");
        store = std::make_unique<device::Store>(device::load_store(file));
    }
    return store.get();
}

fs::path home() {
    const char* const set = std::getenv("HANDSET_HOME");
    return set != nullptr && *set != '\0' ? fs::path(set) : fs::path(HANDSET_BUILT_FROM);
}

}  // namespace handset::cli
