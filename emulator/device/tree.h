// What YAML is read through: a tree that knows its places, the problems found on the way, and rows
// that say which keys a map has. A reader yields nullopt after it has written down what is wrong,
// so that one pass finds every problem. The same readers tell what they take, so that the schema
// for editors (schema.h) cannot say anything else. Private to emulator/device; knows no key of the
// format and no yaml-cpp.
#pragma once

#include <boost/json.hpp>
#include <limits>
#include <set>
#include <span>

#include "emulator/device/load.h"
#include "emulator/device/words.h"

namespace handset::device {

struct Node {
    enum class Kind { null, scalar, list, map };
    Kind kind = Kind::null;
    std::string text;         // scalar as text; "null" where null is spelt out
    std::size_t line = 1;     // from 1
    std::size_t column = 1;   // from 1, in octets
    std::vector<Node> items;  // of a list; of a map: key, value, key, value
};

// The only document in `text`. Throws ProfileError for what is not YAML or not allowed in it:
// anchors, aliases, tags, several documents, depth, number of values, octets that are not UTF-8.
Node parse_tree(std::string_view text, const std::string& file);
// At most one octet more than parse_tree takes. Throws ProfileError.
std::string read_file(const std::filesystem::path& path);

// The value of a key of a map; nullptr where there is no such key, or no map.
const Node* find_key(const Node& map, std::string_view name);

// A node and what messages call it.
struct Value {
    std::string_view key;
    const Node* node = nullptr;
};
struct Entry {
    const Node* key = nullptr;
    const Node* value = nullptr;
};
struct Key {
    std::string_view name;
    bool required = false;
};

// JSON Schema of one value.
using Schema = boost::json::object;

// The format as its readers tell it.
struct Format {
    // "section.key": the text of profiles/README.md.
    const std::map<std::string, std::string>& texts;
    Schema definitions;  // of values that several keys have, and of each section
};

class Reading;

// Ids that one section defines and others name.
class Ids {
public:
    Ids(std::string_view what, std::string_view section) : what_(what), section_(section) {}
    void define(const Node& id);
    // The id, once it is known to be defined.
    std::optional<std::string> use(Reading& in, const Value& value);
    void report_unused(Reading& in) const;

private:
    struct Use {
        const Node* id = nullptr;
        bool used = false;
    };
    std::string_view what_;
    std::string_view section_;
    std::map<std::string, Use, std::less<>> ids_;
};

class Reading {
public:
    explicit Reading(std::string file) : file_(std::move(file)) {}
    // Reads nothing: every reader that is called tells what it takes.
    explicit Reading(Format& format) : format_(&format) {}
    Reading(const Reading&) = delete;
    Reading& operator=(const Reading&) = delete;

    void problem(const Node& at, std::string message);
    // "'cipher_suites' must be a list of cipher suite names"
    void must_be(const Value& value, std::string_view what);
    // By line and column. At most max_problems, and a last line that counts the others.
    void throw_if_problems();

    // Of a map with plain and different keys; empty after a problem.
    std::vector<Entry> entries(const Value& value);
    // One node per key, nullptr where it is absent. nullopt when `value` is no map.
    std::optional<std::vector<const Node*>> match(const Value& value, std::span<const Key> keys);

    // Whether readers are asked for what they take. If so, each calls one of the following once
    // and yields nullopt, without a look at its value.
    bool telling() const { return format_ != nullptr; }
    void tell(Schema schema);
    // What `reader` tells. Throws std::logic_error where that is nothing.
    Schema told_by(const std::function<void()>& reader);
    // What `reader` tells, written down once under `name`.
    void tell_defined(std::string_view name, const std::function<void()>& reader);
    // More that holds for the map under `name`: all of `schemas`.
    void tell_beside(std::string_view name, boost::json::array schemas);
    // A map with `keys`; `reader` is called with the number of each.
    void tell_keys(std::string_view section, std::span<const Key> keys,
                   const std::function<void(std::size_t)>& reader);

    Ids sources{"source", "sources"};
    Ids responses{"response", "responses"};
    // The `source` of the section that is being read, and whether the key is there at all: a source
    // that could not be read is one problem, not one for every statement.
    std::optional<std::string> section_source;
    bool section_source_stated = false;

    static constexpr std::size_t max_problems = 100;

private:
    std::string file_;
    std::vector<Problem> problems_;
    std::size_t more_ = 0;
    Format* format_ = nullptr;
    Schema told_;
};

// A value for readers that only tell.
Value nothing(std::string_view key);
// One of `words`: true, false and null stand for what YAML makes of them.
Schema one_of(std::span<const std::string_view> words);
Schema any_of(std::vector<Schema> schemas);
Schema list_of(Schema items, bool may_be_empty);
// Where `key` is `word`, `then` holds.
Schema when(std::string_view key, std::string_view word, Schema then);
Schema text_like(std::string_view pattern);
Schema whole_number(std::size_t min, std::size_t max);

// "; did you mean 'cipher_suites'?", or the choices when none is near.
std::string nearest(std::string_view word, std::span<const std::string_view> candidates);
// A quoted word of the file, cut when it is long, harmless on a terminal.
std::string in_quotes(std::string_view word);

template <typename T>
struct Row {
    Key key;
    void (*read)(Reading& in, const Value& value, T& target);
};
// `section` is the map's heading in profiles/README.md.
template <typename T, std::size_t N>
void read_map(Reading& in, const Value& value, std::string_view section, const Row<T> (&rows)[N],
              T& target) {
    std::vector<Key> keys;
    for (const Row<T>& row : rows)
        keys.push_back(row.key);
    if (in.telling()) {
        in.tell_keys(section, keys,
                     [&](std::size_t i) { rows[i].read(in, nothing(rows[i].key.name), target); });
        return;
    }
    const auto nodes = in.match(value, keys);
    if (!nodes) return;
    for (std::size_t i = 0; i < N; ++i) {
        if ((*nodes)[i] != nullptr) {
            rows[i].read(in, Value{rows[i].key.name, (*nodes)[i]}, target);
        }
    }
}

// --- readers of one value -----------------------------------------------------------------------

// Printable UTF-8, not empty.
std::optional<std::string> text(Reading& in, const Value& value);
std::optional<std::string> date(Reading& in, const Value& value);          // YYYY-MM-DD
std::optional<std::string> partial_date(Reading& in, const Value& value);  // or YYYY-MM, or YYYY
std::optional<bool> flag(Reading& in, const Value& value);                 // true, false
std::optional<std::size_t> number(Reading& in, const Value& value);
std::optional<Bytes> hex(Reading& in, const Value& value);

template <std::size_t Min, std::size_t Max>
std::optional<std::size_t> number_between(Reading& in, const Value& value) {
    if (in.telling()) {
        in.tell(whole_number(Min, Max));
        return std::nullopt;
    }
    const auto read = number(in, value);
    if (!read || (*read >= Min && *read <= Max)) return read;
    in.must_be(value, "between " + std::to_string(Min) + " and " + std::to_string(Max));
    return std::nullopt;
}

template <std::size_t Octets>
std::optional<Bytes> hex_of(Reading& in, const Value& value) {
    if (in.telling()) {
        in.tell(text_like("^[0-9A-Fa-f]{" + std::to_string(Octets * 2) + "}$"));
        return std::nullopt;
    }
    auto read = hex(in, value);
    if (!read || read->size() == Octets) return read;
    in.must_be(value, std::to_string(Octets * 2) + " hexadecimal digits");
    return std::nullopt;
}

// The one of `words` that the value is.
std::optional<std::string_view> word(Reading& in, const Value& value,
                                     std::span<const std::string_view> words);

template <typename E>
std::optional<E> choice(Reading& in, const Value& value) {
    std::vector<std::string_view> names;
    for (const Word<E>& word : words<E>)
        names.push_back(word.name);
    const auto found = word(in, value, names);
    return found ? from_word<E>(*found) : std::nullopt;
}

// A list; `Many` says of what, and whether it may be empty.
struct ListOf {
    const char* what;
    bool may_be_empty = false;
};
template <const ListOf& Many, auto Read>
auto list(Reading& in, const Value& value) {
    using T = typename decltype(Read(in, value))::value_type;
    std::optional<std::vector<T>> result;
    if (in.telling()) {
        in.tell(list_of(in.told_by([&] { Read(in, value); }), Many.may_be_empty));
        return result;
    }
    if (value.node->kind != Node::Kind::list) {
        in.must_be(value, std::string("a list of ") + Many.what);
        return result;
    }
    if (value.node->items.empty() && !Many.may_be_empty) {
        in.must_be(value, std::string("a list of at least one of the ") + Many.what);
        return result;
    }
    result.emplace();
    for (const Node& item : value.node->items) {
        if (auto read = Read(in, Value{value.key, &item})) result->push_back(std::move(*read));
    }
    return result;
}

// A row's reader: the value goes into a member of the target.
template <auto Member, auto Read, typename T>
void field(Reading& in, const Value& value, T& target) {
    if (auto read = Read(in, value)) target.*Member = std::move(*read);
}
// The format number that heads every file.
template <typename T>
void format_number(Reading& in, const Value& value, T&) {
    if (in.telling()) {
        in.tell({{"const", 1}});
        return;
    }
    if (value.node->kind != Node::Kind::scalar || value.node->text != "1") {
        in.must_be(value, "1, the only format that this version reads");
    }
}

// "section.key" of every row.
template <typename T, std::size_t N>
void append_keys(std::vector<std::string>& out, std::string_view section, const Row<T> (&rows)[N]) {
    for (const Row<T>& row : rows) {
        out.push_back(std::string(section) + '.' + std::string(row.key.name));
    }
}

// What load.cpp does with a tree; in profile.cpp, store.cpp and group.cpp.
// Each tells of the file as a whole.
void tell_device(Reading& in);
void tell_store(Reading& in);
Device read_device(const Node& root, const std::string& file, std::string id);
Store read_store(const Node& root, const std::string& file, std::string id);
Group read_group(const Node& root, const std::string& file, std::string id,
                 const std::vector<std::string>& device_ids);
void append_device_keys(std::vector<std::string>& out);
void append_store_keys(std::vector<std::string>& out);
void append_group_keys(std::vector<std::string>& out);

}  // namespace handset::device
