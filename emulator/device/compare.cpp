#include "emulator/device/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "emulator/device/load.h"
#include "emulator/device/words.h"

namespace handset::device {

namespace {

using Texts = std::vector<StatementText>;

template <typename T>
std::string names_of(const std::vector<T>& values) {
    std::vector<std::string> names;
    for (const T& value : values)
        names.push_back(wire::name_of(value));
    return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

std::string text_of(const HelloExtension& extension) {
    const std::string name = wire::name_of(extension.type);
    return extension.data.empty() ? name : fmt::format("{} {}", name, to_hex(extension.data));
}

void add_hello(Texts& out, const std::string& prefix, const ClientHello& hello) {
    const auto add = [&](std::string_view key, std::string value) {
        out.push_back(
            {fmt::format("{}.{}", prefix, key), std::move(value), hello.grade, hello.source});
    };
    add("framing", std::string(word_of(hello.framing)));
    if (hello.framing == Framing::tls) {
        add("record_version", wire::name_of(hello.record_version));
        add("client_version", wire::name_of(hello.client_version));
        add("random", std::string(word_of(hello.random)));
        add("session_id_length", std::to_string(hello.session_id_length));
        add("cipher_suites", names_of(hello.cipher_suites));
        add("compression_methods", names_of(hello.compression_methods));
    } else {
        std::vector<std::string> specs;
        for (const std::uint32_t spec : hello.cipher_specs)
            specs.push_back(wire::v2_cipher_kind_name(spec));
        add("client_version", wire::name_of(hello.client_version));
        add("session_id_length", std::to_string(hello.session_id_length));
        add("cipher_specs", fmt::format("{}", fmt::join(specs, ", ")));
        add("challenge_length", std::to_string(hello.challenge_length));
    }
    if (hello.extensions) {
        std::vector<std::string> extensions;
        for (const HelloExtension& extension : *hello.extensions)
            extensions.push_back(text_of(extension));
        add("extensions",
            extensions.empty() ? "empty block" : fmt::format("{}", fmt::join(extensions, ", ")));
    } else {
        add("extensions", "no block");
    }
    add("server_name", std::string(word_of(hello.server_name)));
}

void add_fallbacks(Texts& out, const std::vector<Fallback>& fallbacks) {
    for (std::size_t i = 0; i < fallbacks.size(); ++i) {
        const std::string prefix = fmt::format("fallbacks.{}", i + 1);
        std::vector<std::string_view> after;
        for (const RetryAfter each : fallbacks[i].after)
            after.push_back(word_of(each));
        out.push_back({prefix + ".after", fmt::format("{}", fmt::join(after, ", ")),
                       fallbacks[i].hello.grade, fallbacks[i].hello.source});
        add_hello(out, prefix, fallbacks[i].hello);
    }
}

// Brackets around what is done certificate by certificate.
void add_order(Texts& out, const Order& order) {
    std::vector<std::size_t> steps(std::min(order.rank.size(), rules::step_count));
    for (std::size_t i = 0; i < steps.size(); ++i)
        steps[i] = i;
    std::ranges::stable_sort(steps, {}, [&](std::size_t step) { return order.rank[step]; });
    std::string text;
    bool in_loop = false;
    for (const std::size_t each : steps) {
        const auto step = static_cast<rules::Step>(each);
        const bool loops =
            std::ranges::find(order.per_certificate, step) != order.per_certificate.end();
        if (in_loop && !loops) text += ']';
        if (!text.empty()) text += ", ";
        if (!in_loop && loops) text += '[';
        text += rules::step_name(step);
        in_loop = loops;
    }
    if (in_loop) text += ']';
    out.push_back({"order.steps", std::move(text), order.grade, order.source});
    out.push_back({"order.certificates", std::string(word_of(order.certificates)), order.grade,
                   order.source});
}

std::string alert_text(const Response& response) {
    if (response.alert) return wire::name_of(*response.alert);
    if (response.alert_as_standard) return "standard";
    return response.alert_stated ? "none" : "";
}

// What is seen from outside, whatever the profile calls it.
std::string text_of(const Tolerance& tolerance, const Device& device) {
    std::string text(word_of(tolerance.action));
    const auto found = device.responses.find(tolerance.response);
    if (found == device.responses.end()) return text;
    const Response& response = found->second;
    if (const std::string alert = alert_text(response); !alert.empty()) text += ", alert " + alert;
    if (!response.shows.empty()) text += fmt::format(", shows \"{}\"", response.shows);
    if (!response.log.empty()) text += fmt::format(", log \"{}\"", response.log);
    if (!response.code.empty()) text += fmt::format(", code {}", response.code);
    for (const Answer& answer : response.answers) {
        text += fmt::format(", \"{}\": {}", answer.answer, word_of(answer.then));
        if (answer.alert) text += fmt::format(" with alert {}", wire::name_of(*answer.alert));
    }
    return text;
}

Texts taken_apart(const Device& device) {
    Texts out;
    add_hello(out, "client_hello", device.client_hello);
    add_fallbacks(out, device.fallbacks);
    for (StatementText& statement : statements(device)) {
        const bool is_taken_apart = statement.key == "client_hello" ||
                                    statement.key == "fallbacks" || statement.key == "order" ||
                                    statement.key == "otherwise" ||
                                    statement.key.starts_with("tolerances.");
        if (!is_taken_apart) out.push_back(std::move(statement));
    }
    if (device.order) add_order(out, *device.order);
    for (const auto& [rule, tolerance] : device.tolerances) {
        out.push_back(
            {"tolerances." + rule, text_of(tolerance, device), tolerance.grade, tolerance.source});
    }
    if (device.otherwise) {
        out.push_back({"otherwise", text_of(*device.otherwise, device), device.otherwise->grade,
                       device.otherwise->source});
    }
    return out;
}

// Where keys stand in the format: by section, then in it. What has no place of its own (the rules
// of tolerances) goes behind the rest of its section, by name.
class Places {
public:
    Places() {
        for (const std::string& key : known_keys()) {
            const std::size_t place = places_.size();
            places_.emplace(key, place);
            sections_.emplace(section_of(key), place);
        }
        // It has the keys of a tolerance, and none of its own.
        sections_["otherwise"] = std::numeric_limits<std::size_t>::max();
    }
    auto operator()(const ComparedStatement& statement) const {
        const auto section = sections_.find(section_of(statement.key));
        const auto place = places_.find(statement.key);
        constexpr auto last = std::numeric_limits<std::size_t>::max();
        return std::tuple(section == sections_.end() ? last : section->second,
                          place == places_.end() ? last : place->second, statement.key);
    }

private:
    static std::string section_of(const std::string& key) { return key.substr(0, key.find('.')); }
    std::map<std::string, std::size_t> places_;
    std::map<std::string, std::size_t> sections_;
};

}  // namespace

std::vector<ComparedStatement> compare(std::span<const Device> devices) {
    std::map<std::string, ComparedStatement> by_key;
    for (std::size_t i = 0; i < devices.size(); ++i) {
        for (StatementText& statement : taken_apart(devices[i])) {
            ComparedStatement& compared = by_key[statement.key];
            compared.key = statement.key;
            compared.by_device.resize(devices.size());
            compared.by_device[i] = std::move(statement);
        }
    }
    std::vector<ComparedStatement> result;
    for (auto& [key, compared] : by_key) {
        const auto& first = compared.by_device.front();
        compared.differs = std::ranges::any_of(compared.by_device, [&](const auto& other) {
            return other.has_value() != first.has_value() ||
                   (other && other->value != first->value);
        });
        result.push_back(std::move(compared));
    }
    std::ranges::sort(result, {}, Places());
    return result;
}

}  // namespace handset::device
