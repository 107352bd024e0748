#include "emulator/device/schema.h"

#include <fmt/format.h>

#include "emulator/device/tree.h"

namespace handset::device {

namespace {

namespace json = boost::json;

constexpr std::size_t widest_line = 100;

// As boost::json::serialize, with a blank behind ',' and ':'.
std::string in_one_line(const json::value& value) {
    std::vector<std::string> parts;
    if (const auto* object = value.if_object()) {
        for (const auto& [key, member] : *object)
            parts.push_back(json::serialize(key) + ": " + in_one_line(member));
        return fmt::format("{{{}}}", fmt::join(parts, ", "));
    }
    if (const auto* array = value.if_array()) {
        for (const json::value& item : *array)
            parts.push_back(in_one_line(item));
        return fmt::format("[{}]", fmt::join(parts, ", "));
    }
    return json::serialize(value);
}

// What fits one line in one line, everything else an item a line. `used` are the columns that are
// taken before the value and behind it.
void write(std::string& out, const json::value& value, std::size_t indent, std::size_t used) {
    const std::string line = in_one_line(value);
    if (value.is_primitive() || used + line.size() <= widest_line) {
        out += line;
        return;
    }
    const std::string blanks(indent + 2, ' ');
    bool first = true;
    const auto begin_item = [&](const std::string& key) {
        out += first ? "\n" : ",\n";
        out += blanks + key;
        first = false;
    };
    if (const auto* object = value.if_object()) {
        out += '{';
        for (const auto& [name, member] : *object) {
            const std::string key = json::serialize(name) + ": ";
            begin_item(key);
            write(out, member, indent + 2, indent + 2 + key.size() + 1);
        }
    } else {
        out += '[';
        for (const json::value& item : value.get_array()) {
            begin_item("");
            write(out, item, indent + 2, indent + 2 + 1);
        }
    }
    out += '\n' + std::string(indent, ' ') + (value.is_object() ? '}' : ']');
}

std::string schema_of(std::string_view title, const KeyTexts& texts, void (*tell)(Reading& in)) {
    Format format{texts, {}};
    Reading in(format);
    Schema schema{{"$schema", "http://json-schema.org/draft-07/schema#"}, {"title", title}};
    const Schema root = in.told_by([&] { tell(in); });
    schema["allOf"] = json::array{root};
    schema["definitions"] = std::move(format.definitions);
    std::string out;
    write(out, schema, 0, 0);
    return out + '\n';
}

}  // namespace

KeyTexts read_key_texts(std::string_view readme) {
    KeyTexts texts;
    std::string_view section;
    while (!readme.empty()) {
        const std::string_view line = readme.substr(0, readme.find('\n'));
        readme.remove_prefix(std::min(line.size() + 1, readme.size()));
        const std::size_t word = line.find('`') + 1;
        const std::size_t word_end = line.find('`', word);
        if (line.starts_with("## ")) {
            section = word == 0 ? "" : line.substr(word, word_end - word);
            continue;
        }
        const std::size_t text = line.find(" | ");
        if (section.empty() || !line.starts_with("| `") || text == line.npos ||
            !line.ends_with(" |") || text + 3 + 2 > line.size()) {
            continue;
        }
        texts[fmt::format("{}.{}", section, line.substr(word, word_end - word))] =
            line.substr(text + 3, line.size() - 2 - (text + 3));
    }
    return texts;
}

std::string profile_schema(const KeyTexts& texts) {
    return schema_of("handset: profile of a device", texts, tell_device);
}

std::string store_schema(const KeyTexts& texts) {
    return schema_of("handset: a platform's store of roots", texts, tell_store);
}

}  // namespace handset::device
