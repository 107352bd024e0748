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

std::optional<std::string> text(Reading& in, const Value& value) {
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
    if (value.node->kind == Node::Kind::scalar && is_date(value.node->text)) {
        return value.node->text;
    }
    in.must_be(value, "a date like 2007-04-11");
    return std::nullopt;
}

std::optional<std::string> partial_date(Reading& in, const Value& value) {
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
    if (value.node->kind == Node::Kind::scalar) {
        if (value.node->text == "true") return true;
        if (value.node->text == "false") return false;
    }
    in.must_be(value, "true or false");
    return std::nullopt;
}

std::optional<std::size_t> number(Reading& in, const Value& value) {
    const std::string& text = value.node->text;
    const bool digits =
        value.node->kind == Node::Kind::scalar && !text.empty() && text.size() <= 9 &&
        std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (digits) return std::stoul(text);
    in.must_be(value, "a whole number");
    return std::nullopt;
}

std::optional<Bytes> hex(Reading& in, const Value& value) {
    if (value.node->kind == Node::Kind::scalar) {
        if (auto bytes = from_hex(value.node->text)) return bytes;
    }
    in.must_be(value, "hexadecimal digits");
    return std::nullopt;
}

}  // namespace handset::device
