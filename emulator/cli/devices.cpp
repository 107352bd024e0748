#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <ostream>
#include <set>

#include "emulator/cli/options.h"
#include "emulator/device/filter.h"
#include "emulator/device/roots.h"
#include "emulator/report/comparison.h"
#include "emulator/report/listing.h"
#include "emulator/report/root_listing.h"
#include "handshake/base/nearest.h"

namespace handset::cli {

namespace {

using device::Device;
using device::Known;

constexpr std::size_t most_compared = 4;
constexpr std::size_t width_of_comparisons = 160;  // where no terminal says another

po::options_description narrowing_options() {
    po::options_description options("Which devices");
    options.add_options()("family", po::value<std::string>()->value_name("TEXT|GLOB"),
                          "of a family with this in its name, or that fits the pattern")(
        "kind", po::value<std::string>()->value_name("KIND"),
        "mail-client | browser | os | library | embedded | server")(
        "released", po::value<std::string>()->value_name("A..B"),
        "released then: 2007..2010, 2007-04.., ..2008, 2007")(
        "supports", po::value<std::vector<std::string>>()->value_name("FEATURE"),
        "known to support sni | san | sha256 | ecdsa | wildcard | tls1.2; may be repeated");
    po::options_description asked("What of them");
    asked.add_options()("roots", po::value<std::string>()->value_name("FINGERPRINT|SUBJECT"),
                        "whether they know the roots with this SHA-256 or SHA-1, or with this in "
                        "their subject")("all", "two to four devices: what they agree in, too")(
        "groups", "the groups of devices instead");
    options.add(asked);
    return options;
}

template <typename E>
E choice_of(const char* option, const std::string& word) {
    if (const auto found = device::from_word<E>(word)) return *found;
    std::vector<std::string> known;
    for (const auto& each : device::words<E>)
        known.emplace_back(each.name);
    throw UsageError(fmt::format("--{} '{}' is none of {}{}", option, printable_utf8(word),
                                 fmt::join(known, ", "), did_you_mean(word, known)));
}

std::optional<std::string> text_of(const po::variables_map& values, const char* option) {
    if (values.count(option) == 0) return std::nullopt;
    return values[option].as<std::string>();
}

// What the options ask for, read before any profile is.
struct Wanted {
    std::optional<std::string> family;
    std::optional<device::Kind> kind;
    std::optional<device::Span> released;
    std::vector<device::Feature> features;
    std::optional<std::string> roots_as_given;
    std::optional<device::RootWanted> roots;
};

Wanted read_wanted(const po::variables_map& values) {
    Wanted wanted;
    wanted.family = text_of(values, "family");
    if (const auto word = text_of(values, "kind")) {
        wanted.kind = choice_of<device::Kind>("kind", *word);
    }
    if (const auto text = text_of(values, "released")) {
        wanted.released = device::span_from(*text);
        if (!wanted.released) {
            throw UsageError(
                fmt::format("--released '{}' is no span of time; write 2007..2010, "
                            "2007-04.., ..2008-06-30 or 2007",
                            printable_utf8(*text)));
        }
    }
    if (values.count("supports") > 0) {
        for (const std::string& word : values["supports"].as<std::vector<std::string>>())
            wanted.features.push_back(choice_of<device::Feature>("supports", word));
    }
    wanted.roots_as_given = text_of(values, "roots");
    if (wanted.roots_as_given) {
        try {
            wanted.roots = device::root_wanted(*wanted.roots_as_given);
        } catch (const std::invalid_argument& why) {
            throw UsageError(fmt::format("--roots '{}': {}", printable_utf8(*wanted.roots_as_given),
                                         why.what()));
        }
    }
    return wanted;
}

void keep_family(std::vector<Device>& devices, const std::string& family) {
    std::set<std::string> families;
    for (const Device& device : devices)
        families.insert(device.family);
    std::erase_if(devices, [&](const Device& device) { return !is_of_family(device, family); });
    if (!devices.empty()) return;
    throw UsageError(fmt::format(
        "no family fits --family '{}'{}; 'handset devices' shows the family of each device",
        printable_utf8(family), did_you_mean(family, {families.begin(), families.end()})));
}

// Leaves the devices that the options ask for. Those that are silent on what they are to support,
// and might, go by id into the list.
void narrow(report::DeviceList& list, const Wanted& wanted) {
    if (wanted.family) keep_family(list.devices, *wanted.family);
    list.by_support = !wanted.features.empty();
    std::erase_if(list.devices, [&](const Device& device) {
        if (wanted.kind && device.kind != *wanted.kind) return true;
        if (wanted.released && !released_within(device, *wanted.released)) return true;
        const auto answers = [&](Known answer) {
            return std::ranges::any_of(wanted.features, [&](device::Feature feature) {
                return device::supports(device, feature) == answer;
            });
        };
        if (answers(Known::no)) return true;
        if (!answers(Known::open)) return false;
        list.silent.push_back(device.id);
        return true;
    });
}

// Two to four devices by their names, and nothing else asked of them.
bool is_comparison(const Parsed& parsed, const Library& library) {
    const std::vector<std::string> ids = library.device_ids();
    for (const char* const option : {"family", "kind", "released", "supports", "roots"}) {
        if (parsed.values.count(option) > 0) return false;
    }
    return parsed.words.size() >= 2 && parsed.words.size() <= most_compared &&
           std::ranges::all_of(parsed.words, [&](const std::string& word) {
               return is_profile_file(word) || std::ranges::binary_search(ids, word);
           });
}

std::vector<Device> find_each(const Library& library, const std::vector<std::string>& words) {
    std::vector<Device> devices;
    for (const std::string& word : words)
        devices.push_back(library.find({word}).front());
    return devices;
}

std::map<std::string, report::StoreSize> store_sizes(Library& library,
                                                     const std::vector<Device>& devices) {
    library.load_stores_of(devices);
    std::map<std::string, report::StoreSize> sizes;
    for (const Device& device : devices) {
        if (const device::Store* const store = library.store_of(device)) {
            sizes[store->id] = {store->members.size(), store->complete};
        }
    }
    return sizes;
}

std::vector<report::RootKnown> find_roots(const Wanted& wanted, Library& library,
                                          const std::vector<Device>& devices) {
    const std::vector<const device::Store*> stores = library.all_stores();
    std::vector<report::RootKnown> roots;
    for (device::RootFound& found : device::find_roots(*wanted.roots, stores))
        roots.push_back({std::move(found), {}});
    if (roots.empty()) {
        throw UsageError(fmt::format(
            "--roots '{}': none of the {} stores lists such a root; give part of its subject as "
            "RFC 4514 writes it ('CN=DST Root CA X3'), or judge its certificate with 'handset "
            "check'",
            printable_utf8(*wanted.roots_as_given), stores.size()));
    }
    for (report::RootKnown& root : roots) {
        for (const Device& device : devices) {
            root.by_device.push_back(
                device::knows_root(device, library.store_of(device), root.found.root));
        }
    }
    return roots;
}

std::vector<report::GroupListed> list_groups(const Library& library) {
    const std::vector<std::string> ids = library.device_ids();
    std::vector<report::GroupListed> listed;
    for (device::Group& group : library.groups()) {
        std::vector<std::string> found = device::members(group, ids);
        listed.push_back({std::move(group), std::move(found)});
    }
    return listed;
}

void write_groups(const Parsed& parsed, const Library& library, const report::Style& style,
                  const Streams& streams) {
    if (!parsed.words.empty()) throw UsageError("--groups takes no device; see --help");
    const std::vector<report::GroupListed> groups = list_groups(library);
    with_output(parsed.values, streams, [&](std::ostream& out) {
        if (wants_json(parsed.values)) {
            report::write_groups_json(groups, out);
        } else {
            report::write_groups_table(groups, style, out);
        }
    });
}

void write_comparison(const Parsed& parsed, const Library& library, const report::Style& style,
                      const Streams& streams) {
    const std::vector<Device> devices = find_each(library, parsed.words);
    const auto shown =
        parsed.values.count("all") > 0 ? report::Shown::everything : report::Shown::differences;
    with_output(parsed.values, streams, [&](std::ostream& out) {
        if (wants_json(parsed.values)) {
            report::write_comparison_json(devices, shown, out);
        } else {
            report::write_comparison(devices, shown, style, out);
        }
    });
}

void write_list(const Parsed& parsed, const Wanted& wanted, Library& library,
                const report::Style& style, const Streams& streams) {
    report::DeviceList list;
    list.devices =
        library.find(parsed.words.empty() ? std::vector<std::string>{"*"} : parsed.words);
    const bool is_one = parsed.words.size() == 1 && list.devices.size() == 1;
    narrow(list, wanted);
    const bool as_json = wants_json(parsed.values);
    if (wanted.roots) {
        const std::vector<report::RootKnown> roots = find_roots(wanted, library, list.devices);
        with_output(parsed.values, streams, [&](std::ostream& out) {
            if (as_json) {
                report::write_roots_json(list, roots, out);
            } else {
                report::write_roots_table(list, roots, style, out);
            }
        });
        return;
    }
    const bool shows_one = is_one && list.devices.size() == 1 && !as_json;
    if (!shows_one) list.stores = store_sizes(library, list.devices);
    with_output(parsed.values, streams, [&](std::ostream& out) {
        if (as_json) {
            report::write_devices_json(list, out);
        } else if (shows_one) {
            report::write_device(list.devices.front(), style, out);
        } else {
            report::write_devices_table(list, style, out);
        }
    });
}

}  // namespace

int devices(const std::vector<std::string>& arguments, const Streams& streams) {
    po::options_description options = narrowing_options();
    options.add(listing_options());
    const auto parsed =
        parse(arguments, options,
              {"handset devices [ID|GLOB|GROUP…] [options]",
               "Lists the devices; with one id, every statement of its profile, the grade of its\n"
               "evidence and its source; with two to four, what their profiles differ in.",
               "  handset devices\n"
               "  handset devices 'outlook-*'\n"
               "  handset devices --released ..2009 --supports wildcard --supports sha256\n"
               "  handset devices --groups\n"
               "  handset devices phones-2007 --roots 'GlobalSign Root CA'\n"
               "  handset devices nokia-m4e-symbian-9.2\n"
               "  handset devices nokia-m4e-symbian-9.2 nokia-m4e-symbian-9.4\n"
               "  handset devices --format json\n"},
              streams);
    if (!parsed) return 0;
    // Wrong use is refused before anything is read.
    wants_json(parsed->values);
    const Wanted wanted = read_wanted(parsed->values);
    report::Style style = style_of(parsed->values, streams);
    // A file or a pipe has no width to keep to.
    const bool on_terminal = streams.out_is_terminal && parsed->values.count("output") == 0;
    Library library(home());
    const bool compares = is_comparison(*parsed, library);
    if (parsed->values.count("all") > 0 && !compares) {
        throw UsageError("--all is for two to four devices, each by its id; see --help");
    }
    if (parsed->values.count("groups") > 0) {
        write_groups(*parsed, library, style, streams);
    } else if (compares) {
        if (!on_terminal) style.width = width_of_comparisons;
        write_comparison(*parsed, library, style, streams);
    } else {
        if (!on_terminal) style.width = std::numeric_limits<std::size_t>::max();
        write_list(*parsed, wanted, library, style, streams);
    }
    return 0;
}

}  // namespace handset::cli
