// profiles/stores/<id>.yaml, key by key.

#include "emulator/device/store.h"

#include <fmt/format.h>

#include "emulator/device/tree.h"

namespace handset::device {

namespace {

constexpr Row<StoreEntry> entry_rows[] = {
    {{"sha256", true}, field<&StoreEntry::sha256, hex_of<32>>},
    {{"sha1"}, field<&StoreEntry::sha1, hex_of<20>>},
    {{"spki_sha256"}, field<&StoreEntry::spki_sha256, hex_of<32>>},
    {{"ski"}, field<&StoreEntry::ski, hex>},
    {{"subject", true}, field<&StoreEntry::subject, text>},
    {{"not_before"}, field<&StoreEntry::not_before, date>},
    {{"not_after"}, field<&StoreEntry::not_after, date>},
};

std::optional<StoreEntry> entry(Reading& in, const Value& value) {
    StoreEntry read;
    read_map(in, Value{"entry", value.node}, "entry", entry_rows, read);
    return read;
}

constexpr ListOf roots{"roots", true};

std::optional<bool> is_complete(Reading& in, const Value& value) {
    static constexpr std::string_view words[] = {"complete", "partial"};
    const auto found = word(in, value, words);
    return found ? std::optional(*found == "complete") : std::nullopt;
}

constexpr Row<Store> store_rows[] = {
    {{"format", true}, format_number<Store>},
    {{"name", true}, field<&Store::name, text>},
    {{"source", true}, field<&Store::source, text>},
    {{"date", true}, field<&Store::date, date>},
    {{"contents", true}, field<&Store::complete, is_complete>},
    {{"members", true}, field<&Store::members, list<roots, entry>>},
    {{"absent"}, field<&Store::absent, list<roots, entry>>},
};

}  // namespace

Store read_store(const Node& root, const std::string& file, std::string id) {
    Reading in(file);
    Store store;
    store.id = std::move(id);
    read_map(in, Value{"store", &root}, "store", store_rows, store);
    if (store.complete && !store.absent.empty()) {
        in.problem(root, "'absent' belongs to 'contents: partial': a complete list needs none");
    }
    std::set<Bytes> seen;
    for (const auto* entries : {&store.members, &store.absent}) {
        for (const StoreEntry& listed : *entries) {
            if (!listed.sha256.empty() && !seen.insert(listed.sha256).second) {
                in.problem(root, fmt::format("the root {} is listed twice", to_hex(listed.sha256)));
            }
        }
    }
    in.throw_if_problems();
    return store;
}

void tell_store(Reading& in) {
    Store store;
    read_map(in, nothing("store"), "store", store_rows, store);
}

void append_store_keys(std::vector<std::string>& out) {
    append_keys(out, "store", store_rows);
    append_keys(out, "entry", entry_rows);
}

}  // namespace handset::device
