#include "emulator/report/root_listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <ostream>

#include "emulator/report/rows.h"

namespace handset::report {

namespace {

namespace json = boost::json;

// More columns than these no terminal has.
constexpr std::size_t most_columns = 8;

std::ptrdiff_t count_of(const RootKnown& root, device::Known answer) {
    return std::ranges::count(root.by_device, answer);
}

std::string text_or(const std::string& text, const char* instead) {
    return text.empty() ? instead : text;
}

void write_root(std::size_t number, const RootKnown& root, std::ostream& out) {
    const device::StoreEntry& entry = root.found.root;
    out << printable_utf8(fmt::format("{}. {}", number, entry.subject)) << '\n'
        << fmt::format("   valid {} to {}, SHA-256 {}\n", text_or(entry.not_before, "?"),
                       text_or(entry.not_after, "?"), to_hex(entry.sha256));
    if (!entry.sha1.empty()) out << fmt::format("   SHA-1 {}\n", to_hex(entry.sha1));
    out << fmt::format(
        "   devices: {} yes, {} no, {} open; stores: {}\n", count_of(root, device::Known::yes),
        count_of(root, device::Known::no), count_of(root, device::Known::open),
        root.found.stores.empty() ? "none" : fmt::format("{}", fmt::join(root.found.stores, ", ")));
}

json::value text_or_null(const std::string& text) {
    if (text.empty()) return nullptr;
    return json::string(printable_utf8(text));
}

json::array ids_with(const std::vector<device::Device>& devices, const RootKnown& root,
                     device::Known answer) {
    json::array ids;
    for (std::size_t i = 0; i < devices.size(); ++i) {
        if (root.by_device[i] == answer) ids.emplace_back(devices[i].id);
    }
    return ids;
}

}  // namespace

void write_roots_table(const DeviceList& list, const std::vector<RootKnown>& roots,
                       const Style& style, std::ostream& out) {
    for (std::size_t i = 0; i < roots.size(); ++i)
        write_root(i + 1, roots[i], out);
    out << '\n';
    if (roots.size() > most_columns) {
        out << fmt::format(
            "{} roots; name more of the subject, or a fingerprint, to see {} or "
            "fewer device by device\n",
            roots.size(), most_columns);
        return;
    }
    std::vector<Row> rows{{"DEVICE", "STORE"}};
    for (std::size_t i = 0; i < roots.size(); ++i)
        rows.front().push_back(roots.size() == 1 ? "KNOWN" : fmt::format("{}.", i + 1));
    for (std::size_t i = 0; i < list.devices.size(); ++i) {
        Row row{list.devices[i].id, list.devices[i].trust.store_id.value_or("?")};
        for (const RootKnown& root : roots)
            row.emplace_back(word_of(root.by_device[i]));
        rows.push_back(std::move(row));
    }
    write_rows(std::move(rows), style, out);
    out << '\n'
        << counted(list)
        << "\nopen: the profile names no store, or one that is only part of the truth\n";
}

void write_roots_json(const DeviceList& listed, const std::vector<RootKnown>& roots,
                      std::ostream& out) {
    json::array list;
    for (const RootKnown& root : roots) {
        const device::StoreEntry& entry = root.found.root;
        list.push_back(
            {{"subject", printable_utf8(entry.subject)},
             {"sha256", to_hex(entry.sha256)},
             {"sha1", text_or_null(to_hex(entry.sha1))},
             {"not_before", text_or_null(entry.not_before)},
             {"not_after", text_or_null(entry.not_after)},
             {"stores", json::array(root.found.stores.begin(), root.found.stores.end())},
             {"known",
              json::object{{"yes", ids_with(listed.devices, root, device::Known::yes)},
                           {"no", ids_with(listed.devices, root, device::Known::no)},
                           {"open", ids_with(listed.devices, root, device::Known::open)}}}});
    }
    json::object document{{"schema", 1}, {"roots", std::move(list)}};
    if (listed.by_support) {
        document["silent"] = json::array(listed.silent.begin(), listed.silent.end());
    }
    out << json::serialize(document) << '\n';
}

}  // namespace handset::report
