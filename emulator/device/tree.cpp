#include "emulator/device/tree.h"

#include <fmt/format.h>

#include <algorithm>

#include "handshake/base/nearest.h"
#include "handshake/base/time.h"

namespace handset::device {

namespace {

bool is_date(std::string_view text) {
    return text.size() == 10 && parse_rfc3339(text).has_value();
}

constexpr std::size_t longest_word = 64;

constexpr std::size_t max_number_digits = 9;
constexpr std::size_t max_number = 999999999;

}  // namespace

std::string in_quotes(std::string_view word) {
    std::string result = "'" + printable(word.substr(0, longest_word));
    return result + (word.size() > longest_word ? "...'" : "'");
}

std::string nearest(std::string_view word, std::span<const std::string_view> candidates) {
    const std::string_view best = find_nearest(word, candidates);
    if (!best.empty()) return "; did you mean " + in_quotes(best) + "?";
    if (candidates.empty() || candidates.size() > 24) return {};
    std::string all = "; known here: ";
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        if (i != 0) all += ", ";
        all += printable(candidates[i]);
    }
    return all;
}

const Node* find_key(const Node& map, std::string_view name) {
    if (map.kind != Node::Kind::map) return nullptr;
    for (std::size_t i = 0; i + 1 < map.items.size(); i += 2) {
        if (map.items[i].kind == Node::Kind::scalar && map.items[i].text == name) {
            return &map.items[i + 1];
        }
    }
    return nullptr;
}

void Ids::define(const Node& id) {
    ids_.emplace(id.text, Use{&id, false});
}

std::optional<std::string> Ids::use(Reading& in, const Value& value) {
    auto id = text(in, value);
    if (!id) return std::nullopt;
    const auto found = ids_.find(*id);
    if (found == ids_.end()) {
        std::vector<std::string_view> names;
        for (const auto& [name, use] : ids_)
            names.push_back(name);
        in.problem(*value.node, fmt::format("{} {} is not in '{}'{}", what_, in_quotes(*id),
                                            section_, nearest(*id, names)));
        return std::nullopt;
    }
    found->second.used = true;
    return id;
}

void Ids::report_unused(Reading& in) const {
    for (const auto& [name, use] : ids_) {
        if (use.used) continue;
        in.problem(*use.id, fmt::format("{} {} is not used; remove it", what_, in_quotes(name)));
    }
}

void Reading::problem(const Node& at, std::string message) {
    if (problems_.size() == max_problems) {
        ++more_;
        return;
    }
    problems_.push_back({file_, at.line, at.column, std::move(message)});
}

void Reading::must_be(const Value& value, std::string_view what) {
    problem(*value.node, fmt::format("{} must be {}", in_quotes(value.key), what));
}

void Reading::throw_if_problems() {
    if (problems_.empty()) return;
    std::stable_sort(problems_.begin(), problems_.end(), [](const Problem& a, const Problem& b) {
        return std::pair(a.line, a.column) < std::pair(b.line, b.column);
    });
    if (more_ != 0) problems_.push_back({file_, 0, 0, fmt::format("{} more problems", more_)});
    throw ProfileError(std::move(problems_));
}

std::vector<Entry> Reading::entries(const Value& value) {
    std::vector<Entry> result;
    const Node& map = *value.node;
    if (map.kind != Node::Kind::map) {
        must_be(value, "a map of keys");
        return result;
    }
    std::map<std::string_view, const Node*> seen;
    for (std::size_t i = 0; i + 1 < map.items.size(); i += 2) {
        const Node& key = map.items[i];
        if (key.kind != Node::Kind::scalar || key.text.empty()) {
            problem(key, "a key must be a plain word");
            continue;
        }
        const auto [first, is_new] = seen.emplace(key.text, &key);
        if (!is_new) {
            problem(key, fmt::format("duplicate key {}, first in line {}", in_quotes(key.text),
                                     first->second->line));
            continue;
        }
        result.push_back({&key, &map.items[i + 1]});
    }
    return result;
}

std::optional<std::vector<const Node*>> Reading::match(const Value& value,
                                                       std::span<const Key> keys) {
    const std::vector<Entry> all = entries(value);
    if (value.node->kind != Node::Kind::map) return std::nullopt;
    std::vector<const Node*> found(keys.size(), nullptr);
    for (const Entry& entry : all) {
        const auto key = std::find_if(keys.begin(), keys.end(), [&](const Key& candidate) {
            return candidate.name == entry.key->text;
        });
        if (key != keys.end()) {
            found[static_cast<std::size_t>(key - keys.begin())] = entry.value;
            continue;
        }
        std::vector<std::string_view> names;
        for (const Key& candidate : keys)
            names.push_back(candidate.name);
        problem(*entry.key, fmt::format("unknown key {}{}", in_quotes(entry.key->text),
                                        nearest(entry.key->text, names)));
    }
    for (std::size_t i = 0; i < keys.size(); ++i) {
        if (!keys[i].required || found[i] != nullptr) continue;
        problem(*value.node,
                fmt::format("missing key {} in {}", in_quotes(keys[i].name), in_quotes(value.key)));
    }
    return found;
}

// --- the format, told ---------------------------------------------------------------------------

void Reading::tell(Schema schema) {
    told_ = std::move(schema);
}

Schema Reading::told_by(const std::function<void()>& reader) {
    Schema outer = std::exchange(told_, {});
    reader();
    Schema told = std::exchange(told_, std::move(outer));
    if (told.empty() || !problems_.empty()) throw std::logic_error("a reader tells nothing");
    return told;
}

void Reading::tell_defined(std::string_view name, const std::function<void()>& reader) {
    Schema& definitions = format_->definitions;
    if (!definitions.contains(name)) definitions[name] = told_by(reader);
    tell({{"$ref", fmt::format("#/definitions/{}", name)}});
}

void Reading::tell_beside(std::string_view name, boost::json::array schemas) {
    format_->definitions.at(name).as_object()["allOf"] = std::move(schemas);
}

void Reading::tell_keys(std::string_view section, std::span<const Key> keys,
                        const std::function<void(std::size_t)>& reader) {
    tell_defined(section, [&] {
        Schema properties;
        boost::json::array required;
        for (std::size_t i = 0; i < keys.size(); ++i) {
            Schema property = told_by([&] { reader(i); });
            const auto text = format_->texts.find(fmt::format("{}.{}", section, keys[i].name));
            if (text != format_->texts.end()) property["description"] = text->second;
            properties[keys[i].name] = std::move(property);
            if (keys[i].required) required.emplace_back(keys[i].name);
        }
        Schema map{{"type", "object"}, {"additionalProperties", false}};
        if (!required.empty()) map["required"] = std::move(required);
        map["properties"] = std::move(properties);
        tell(std::move(map));
    });
}

Value nothing(std::string_view key) {
    static const Node node;
    return {key, &node};
}

Schema one_of(std::span<const std::string_view> words) {
    boost::json::array values;
    for (const std::string_view word : words) {
        if (word == "true" || word == "false") {
            values.emplace_back(word == "true");
        } else if (word == "null") {
            values.emplace_back(nullptr);
        } else {
            values.emplace_back(word);
        }
    }
    return {{"enum", std::move(values)}};
}

Schema any_of(std::vector<Schema> schemas) {
    boost::json::array all;
    for (Schema& schema : schemas)
        all.push_back(std::move(schema));
    return {{"anyOf", std::move(all)}};
}

Schema list_of(Schema items, bool may_be_empty) {
    Schema list{{"type", "array"}, {"items", std::move(items)}};
    if (!may_be_empty) list["minItems"] = 1;
    return list;
}

Schema when(std::string_view key, std::string_view word, Schema then) {
    // Without "required" it would hold where the key is absent, too.
    return {{"if", {{"required", {key}}, {"properties", {{key, {{"const", word}}}}}}},
            {"then", std::move(then)}};
}

Schema text_like(std::string_view pattern) {
    return {{"type", "string"}, {"pattern", pattern}};
}

Schema whole_number(std::size_t min, std::size_t max) {
    return {{"type", "integer"}, {"minimum", min}, {"maximum", max}};
}

// --- readers of one value -----------------------------------------------------------------------

std::optional<std::string_view> word(Reading& in, const Value& value,
                                     std::span<const std::string_view> words) {
    if (in.telling()) {
        in.tell(one_of(words));
        return std::nullopt;
    }
    const Node& node = *value.node;
    if (node.kind == Node::Kind::scalar) {
        const auto found = std::ranges::find(words, node.text);
        if (found != words.end()) return *found;
    }
    std::string demand = fmt::format("one of {}", fmt::join(words, ", "));
    const std::string_view near = find_nearest(node.text, words);
    if (!near.empty()) demand += fmt::format("; did you mean {}?", in_quotes(near));
    in.must_be(value, demand);
    return std::nullopt;
}

std::optional<std::string> text(Reading& in, const Value& value) {
    if (in.telling()) {
        // YAML makes other things of "7" and "true", the loader does not.
        in.tell_defined("text", [&] {
            in.tell({{"type", {"string", "number", "boolean"}}, {"minLength", 1}});
        });
        return std::nullopt;
    }
    const Node& node = *value.node;
    if (node.kind != Node::Kind::scalar || node.text.empty()) {
        in.must_be(value, "text");
        return std::nullopt;
    }
    const bool has_control = std::any_of(node.text.begin(), node.text.end(), [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    });
    if (has_control) {
        in.must_be(value, "text in one line, without control characters");
        return std::nullopt;
    }
    return node.text;
}

std::optional<std::string> date(Reading& in, const Value& value) {
    if (in.telling()) {
        in.tell(text_like("^[0-9]{4}-[0-9]{2}-[0-9]{2}$"));
        return std::nullopt;
    }
    if (value.node->kind == Node::Kind::scalar && is_date(value.node->text)) {
        return value.node->text;
    }
    in.must_be(value, "a date like 2007-04-11");
    return std::nullopt;
}

std::optional<std::string> partial_date(Reading& in, const Value& value) {
    if (in.telling()) {
        in.tell(
            any_of({whole_number(1000, 9999), text_like("^[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?$")}));
        return std::nullopt;
    }
    const std::string& text = value.node->text;
    static constexpr std::string_view rest = "0000-01-01";
    if (value.node->kind == Node::Kind::scalar &&
        (text.size() == 4 || text.size() == 7 || text.size() == 10) &&
        is_date(text + std::string(rest.substr(text.size())))) {
        return text;
    }
    in.must_be(value, "a date like 2007, 2007-04 or 2007-04-11");
    return std::nullopt;
}

std::optional<bool> flag(Reading& in, const Value& value) {
    if (in.telling()) {
        in.tell({{"type", "boolean"}});
        return std::nullopt;
    }
    if (value.node->kind == Node::Kind::scalar) {
        if (value.node->text == "true") return true;
        if (value.node->text == "false") return false;
    }
    in.must_be(value, "true or false");
    return std::nullopt;
}

std::optional<std::size_t> number(Reading& in, const Value& value) {
    if (in.telling()) {
        in.tell(whole_number(0, max_number));
        return std::nullopt;
    }
    const std::string& text = value.node->text;
    const bool digits =
        value.node->kind == Node::Kind::scalar && !text.empty() &&
        text.size() <= max_number_digits &&
        std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (digits) return std::stoul(text);
    in.must_be(value, "a whole number");
    return std::nullopt;
}

std::optional<Bytes> hex(Reading& in, const Value& value) {
    if (in.telling()) {
        in.tell(text_like("^([ :]*[0-9A-Fa-f]{2})*[ :]*$"));
        return std::nullopt;
    }
    if (value.node->kind == Node::Kind::scalar) {
        if (auto bytes = from_hex(value.node->text)) return bytes;
    }
    in.must_be(value, "hexadecimal digits");
    return std::nullopt;
}

}  // namespace handset::device
