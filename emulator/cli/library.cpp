#include "emulator/cli/library.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <future>
#include <set>
#include <thread>

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

namespace {

// What `load` makes of each file, in their order; several at a time, since hundreds of files take
// longer than anybody likes to wait. Throws what the first file in order makes it throw.
template <typename T>
std::vector<T> load_all(const std::vector<fs::path>& files, T (*load)(const fs::path&)) {
    constexpr std::size_t most_threads = 8;
    constexpr std::size_t fewest_files = 8;  // that a thread is worth
    const std::size_t threads =
        std::clamp<std::size_t>(std::thread::hardware_concurrency(), 1,
                                std::min(most_threads, files.size() / fewest_files + 1));
    std::vector<std::future<std::vector<T>>> parts;
    for (std::size_t part = 0; part < threads; ++part) {
        const std::size_t from = files.size() * part / threads;
        const std::size_t to = files.size() * (part + 1) / threads;
        const auto load_part = [&files, load, from, to] {
            std::vector<T> loaded;
            for (std::size_t i = from; i < to; ++i)
                loaded.push_back(load(files[i]));
            return loaded;
        };
        const auto policy = threads == 1 ? std::launch::deferred : std::launch::async;
        parts.push_back(std::async(policy, load_part));
    }
    std::vector<T> all;
    for (auto& part : parts)
        std::ranges::move(part.get(), std::back_inserter(all));
    return all;
}

[[noreturn]] void refuse_pattern(const std::string& pattern, std::vector<std::string> ids,
                                 const std::vector<fs::path>& group_files) {
    std::ranges::copy(device::ids_of(group_files), std::back_inserter(ids));
    throw UsageError(fmt::format(
        "no device or group matches '{}'{}; 'handset devices' lists devices, 'handset devices "
        "--groups' groups",
        printable_utf8(pattern), did_you_mean(pattern, ids)));
}

}  // namespace

std::vector<device::Device> Library::find(const std::vector<std::string>& patterns) const {
    const std::vector<fs::path> files = device::find_profiles(profiles_);
    const std::vector<std::string> ids = device::ids_of(files);
    const std::vector<fs::path> group_files = device::find_groups(profiles_);
    std::vector<bool> wanted(files.size(), patterns.empty());
    std::vector<device::Device> found;
    for (const std::string& pattern : patterns) {
        if (is_profile_file(pattern)) {
            found.push_back(device::load_device(pattern));
            continue;
        }
        const auto group = std::ranges::find(
            group_files, pattern, [](const fs::path& file) { return file.stem().string(); });
        std::vector<std::string> chosen;
        if (group != group_files.end()) {
            chosen = device::members(device::load_group(*group, ids), ids);
        } else {
            std::ranges::copy_if(ids, std::back_inserter(chosen), [&](const std::string& id) {
                return device::matches(pattern, id);
            });
        }
        if (chosen.empty()) refuse_pattern(pattern, ids, group_files);
        for (std::size_t i = 0; i < ids.size(); ++i) {
            if (std::ranges::binary_search(chosen, ids[i])) wanted[i] = true;
        }
    }
    std::vector<fs::path> chosen_files;
    for (std::size_t i = 0; i < files.size(); ++i) {
        if (wanted[i]) chosen_files.push_back(files[i]);
    }
    std::ranges::move(load_all(chosen_files, device::load_device), std::back_inserter(found));
    if (patterns.empty()) {
        std::erase_if(found, [](const device::Device& device) { return !device.by_default; });
    }
    std::ranges::stable_sort(found, {}, &device::Device::id);
    return found;
}

std::vector<device::Group> Library::groups() const {
    const std::vector<std::string> ids = device_ids();
    std::vector<device::Group> groups;
    for (const fs::path& file : device::find_groups(profiles_))
        groups.push_back(device::load_group(file, ids));
    return groups;
}

std::vector<std::string> Library::device_ids() const {
    return device::ids_of(device::find_profiles(profiles_));
}

void Library::load_stores(const std::vector<std::string>& ids) {
    std::vector<fs::path> files;
    for (const std::string& id : ids) {
        if (!stores_[id]) files.push_back(profiles_ / "stores" / (id + ".yaml"));
    }
    for (device::Store& store : load_all(files, device::load_store)) {
        auto& place = stores_[store.id];
        place = std::make_unique<device::Store>(std::move(store));
    }
}

void Library::load_stores_of(const std::vector<device::Device>& devices) {
    std::set<std::string> ids;
    for (const device::Device& device : devices) {
        if (device.trust.store_id) ids.insert(*device.trust.store_id);
    }
    load_stores({ids.begin(), ids.end()});
}

std::vector<const device::Store*> Library::all_stores() {
    const std::vector<std::string> ids =
        device::ids_of(device::find_profiles(profiles_ / "stores"));
    load_stores(ids);
    std::vector<const device::Store*> stores;
    for (const std::string& id : ids)
        stores.push_back(stores_[id].get());
    return stores;
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

bool is_profile_file(const std::string& word) {
    return word.find('/') != std::string::npos || word.ends_with(".yaml");
}

fs::path home() {
    const char* const set = std::getenv("HANDSET_HOME");
    return set != nullptr && *set != '\0' ? fs::path(set) : fs::path(HANDSET_BUILT_FROM);
}

}  // namespace handset::cli
