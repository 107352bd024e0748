#include "emulator/forge/case.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <fstream>
#include <functional>

namespace handset::forge {

namespace {

// A value with its place, for messages.
class Value {
public:
    Value(YAML::Node node, std::string key, const std::filesystem::path& file)
        : node_(std::move(node)), key_(std::move(key)), file_(&file) {}

    [[noreturn]] void refuse(std::string_view what) const {
        throw ForgeError(fmt::format("{}:{}: {}: {}", file_->string(), node_.Mark().line + 1,
                                     key_.empty() ? "case" : key_, what));
    }
    std::string text() const {
        if (!node_.IsScalar()) refuse("is no text");
        return node_.Scalar();
    }
    std::size_t number() const {
        const std::string digits = text();
        if (digits.empty() || digits.size() > 9 ||
            !std::ranges::all_of(digits, [](char c) { return c >= '0' && c <= '9'; })) {
            refuse("is no number");
        }
        return std::stoul(digits);
    }
    Bytes hex() const {
        const auto octets = from_hex(text());
        if (!octets) refuse("is no list of octets in hexadecimal");
        return *octets;
    }
    bool flag() const {
        const std::string word = text();
        if (word != "true" && word != "false") refuse("is neither true nor false");
        return word == "true";
    }
    std::vector<Value> items() const {
        if (!node_.IsSequence()) refuse("is no list");
        std::vector<Value> values;
        for (std::size_t i = 0; i < node_.size(); ++i) {
            values.emplace_back(node_[i], fmt::format("{}[{}]", key_, i), *file_);
        }
        return values;
    }
    std::vector<std::string> texts() const {
        std::vector<std::string> list;
        for (const Value& item : items())
            list.push_back(item.text());
        return list;
    }
    bool is_map() const { return node_.IsMap(); }
    bool is(std::string_view word) const { return node_.IsScalar() && node_.Scalar() == word; }
    // Key and value, in the order of the file.
    std::vector<std::pair<std::string, Value>> entries() const {
        if (!node_.IsMap()) refuse("is no map");
        std::vector<std::pair<std::string, Value>> list;
        for (const auto& entry : node_) {
            const std::string key = entry.first.Scalar();
            list.emplace_back(key,
                              Value(entry.second, key_.empty() ? key : key_ + "." + key, *file_));
        }
        return list;
    }
    // The word of a table; refuses others by listing them.
    template <typename T, std::size_t n>
    T word(const std::pair<std::string_view, T> (&table)[n]) const {
        const std::string wanted = text();
        std::string known;
        for (const auto& [name, value] : table) {
            if (name == wanted) return value;
            known += fmt::format(" {}", name);
        }
        refuse(fmt::format("'{}' is none of:{}", wanted, known));
    }
    template <typename T>
    T named(std::optional<T> (*find)(std::string_view)) const {
        const auto found = find(text());
        if (!found) refuse(fmt::format("the registry has no {}", text()));
        return *found;
    }

private:
    YAML::Node node_;
    std::string key_;
    const std::filesystem::path* file_;
};

// A map whose keys are all known.
using Readers = std::map<std::string_view, std::function<void(const Value&)>>;
void read_map(const Value& map, const Readers& readers) {
    for (const auto& [key, value] : map.entries()) {
        const auto reader = readers.find(key);
        if (reader == readers.end()) value.refuse("unknown key");
        reader->second(value);
    }
}

constexpr std::pair<std::string_view, Critical> critical_words[] = {{"absent", Critical::absent},
                                                                    {"ff", Critical::ff},
                                                                    {"01", Critical::one},
                                                                    {"00", Critical::zero}};
constexpr std::pair<std::string_view, LengthForm> length_words[] = {
    {"long", LengthForm::longer}, {"indefinite", LengthForm::indefinite}};
constexpr std::pair<std::string_view, wire::Ending> ending_words[] = {
    {"ongoing", wire::Ending::ongoing}, {"server_hello_done", wire::Ending::server_hello_done},
    {"alert", wire::Ending::alert},     {"closed", wire::Ending::closed},
    {"reset", wire::Ending::reset},     {"timeout", wire::Ending::timeout},
    {"limit", wire::Ending::limit},     {"undecodable", wire::Ending::undecodable}};
constexpr std::pair<std::string_view, wire::Continuation::Kind> continuation_words[] = {
    {"none", wire::Continuation::Kind::none},
    {"finished", wire::Continuation::Kind::finished},
    {"alert", wire::Continuation::Kind::alert},
    {"closed", wire::Continuation::Kind::closed},
    {"timeout", wire::Continuation::Kind::timeout},
    {"unplayable", wire::Continuation::Kind::unplayable},
    {"failed", wire::Continuation::Kind::failed}};
constexpr std::pair<std::string_view, wire::HandshakeType> message_words[] = {
    {"hello_request", wire::HandshakeType::hello_request},
    {"server_hello", wire::HandshakeType::server_hello},
    {"certificate", wire::HandshakeType::certificate},
    {"server_key_exchange", wire::HandshakeType::server_key_exchange},
    {"certificate_request", wire::HandshakeType::certificate_request},
    {"certificate_status", wire::HandshakeType::certificate_status},
    {"server_hello_done", wire::HandshakeType::server_hello_done},
    {"finished", wire::HandshakeType::finished}};
constexpr std::pair<std::string_view, bool> format_words[] = {
    {"der", true}, {"pem", true}, {"pkcs7", true}, {"pkcs12", true}};
constexpr std::pair<std::string_view, bool> contents_words[] = {{"complete", true},
                                                                {"partial", false}};
constexpr std::pair<std::string_view, KnownBy> known_by_words[] = {{"sha256", KnownBy::sha256},
                                                                   {"sha1", KnownBy::sha1},
                                                                   {"key", KnownBy::key},
                                                                   {"name", KnownBy::name}};
constexpr std::pair<std::string_view, bool> outcome_words[] = {
    {"connects", true}, {"asks", true}, {"fails", true}, {"unknown", true}};
constexpr std::pair<std::string_view, bool> stage_words[] = {
    {"resolve", true},      {"connect", true},  {"server-hello", true}, {"certificate", true},
    {"key-exchange", true}, {"finished", true}, {"application", true}};
constexpr std::pair<std::string_view, wire::CompressionMethod> compression_words[] = {
    {"null", wire::CompressionMethod::null}, {"deflate", wire::CompressionMethod::deflate}};

// Assigns what a reader of one value yields: into(member, &Value::text).
template <typename Target, typename T>
std::function<void(const Value&)> into(Target& target, T (Value::*read)() const) {
    return [&target, read](const Value& value) { target = (value.*read)(); };
}

// One of the words of a table, kept as it stands.
template <std::size_t n>
std::function<void(const Value&)> word_into(std::string& target,
                                            const std::pair<std::string_view, bool> (&table)[n]) {
    return [&target, &table](const Value& value) {
        value.word(table);
        target = value.text();
    };
}

std::function<void(const Value&)> small_into(std::optional<unsigned>& target) {
    return [&target](const Value& value) {
        if (value.number() > 127) value.refuse("is larger than 127");
        target = static_cast<unsigned>(value.number());
    };
}

Operation read_operation(const Value& value) {
    Operation operation;
    read_map(
        value,
        {{"at", into(operation.at, &Value::text)},
         {"content", into(operation.content, &Value::hex)},
         {"text", [&](const Value& text) { operation.content = to_bytes(view_of(text.text())); }},
         {"tag",
          [&](const Value& tag) {
              const Bytes octets = tag.hex();
              if (octets.size() != 1) tag.refuse("is not one octet");
              operation.identifier = octets.front();
          }},
         {"constructed", into(operation.constructed, &Value::flag)},
         {"append", into(operation.append, &Value::hex)},
         {"after", into(operation.after, &Value::hex)},
         {"length", [&](const Value& form) { operation.length = form.word(length_words); }},
         {"duplicate", into(operation.duplicate, &Value::flag)},
         {"remove", into(operation.remove, &Value::flag)}});
    return operation;
}

std::vector<Operation> read_operations(const Value& value) {
    std::vector<Operation> operations;
    for (const Value& item : value.items())
        operations.push_back(read_operation(item));
    return operations;
}

AddedExtension read_extension(const Value& value) {
    AddedExtension extension;
    read_map(value, {{"id", into(extension.id, &Value::text)},
                     {"critical",
                      [&](const Value& word) { extension.critical = word.word(critical_words); }},
                     {"value", into(extension.value, &Value::hex)}});
    return extension;
}

void read_recipe(const Value& value, Recipe& recipe, const Recipes& recipes) {
    read_map(value,
             {{"like",
               [&](const Value& name) {
                   const auto found = recipes.find(name.text());
                   if (found == recipes.end()) name.refuse("no certificate is called so");
                   recipe = found->second;
               }},
              {"version",
               [&](const Value& number) {
                   if (number.number() < 1 || number.number() > 3) number.refuse("is not 1 to 3");
                   recipe.version = static_cast<unsigned>(number.number());
               }},
              {"subject", into(recipe.subject, &Value::texts)},
              {"issued_by", into(recipe.issued_by, &Value::text)},
              {"issuer", into(recipe.issuer, &Value::texts)},
              {"key", into(recipe.key, &Value::text)},
              {"signed_with", into(recipe.signed_with, &Value::text)},
              {"serial", into(recipe.serial, &Value::hex)},
              {"not_before", into(recipe.not_before, &Value::text)},
              {"not_after", into(recipe.not_after, &Value::text)},
              {"signature",
               [&](const Value& name) {
                   recipe.inner_algorithm = recipe.outer_algorithm = name.text();
               }},
              {"inner_algorithm", into(recipe.inner_algorithm, &Value::text)},
              {"outer_algorithm", into(recipe.outer_algorithm, &Value::text)},
              {"ca", into(recipe.ca, &Value::flag)},
              {"path_len",
               [&](const Value& length) {
                   recipe.path_len.reset();
                   if (length.text() != "none") {
                       recipe.path_len = static_cast<unsigned>(length.number());
                   }
               }},
              {"usage", into(recipe.usage, &Value::texts)},
              {"names", into(recipe.names, &Value::texts)},
              {"purposes", into(recipe.purposes, &Value::texts)},
              {"permitted", into(recipe.permitted, &Value::texts)},
              {"excluded", into(recipe.excluded, &Value::texts)},
              {"policies", into(recipe.policies, &Value::texts)},
              {"mappings", into(recipe.mappings, &Value::texts)},
              {"require_explicit_policy", small_into(recipe.require_explicit_policy)},
              {"inhibit_policy_mapping", small_into(recipe.inhibit_policy_mapping)},
              {"inhibit_any_policy", small_into(recipe.inhibit_any_policy)},
              {"ca_issuers", into(recipe.ca_issuers, &Value::text)},
              {"critical",
               [&](const Value& map) {
                   for (const auto& [name, word] : map.entries())
                       recipe.critical[name] = word.word(critical_words);
               }},
              {"extensions",
               [&](const Value& list) {
                   for (const Value& item : list.items())
                       recipe.extensions.push_back(read_extension(item));
               }},
              {"nodes", [&](const Value& list) { recipe.before_signing = read_operations(list); }},
              {"after_signing",
               [&](const Value& list) { recipe.after_signing = read_operations(list); }}});
}

ScriptedMessage read_message(const Value& value) {
    ScriptedMessage message;
    if (!value.is_map()) {
        message.type = value.word(message_words);
        return message;
    }
    read_map(value, {{"type", [&](const Value& word) { message.type = word.word(message_words); }},
                     {"body", into(message.body, &Value::hex)}});
    return message;
}

wire::Extension read_hello_extension(const Value& value) {
    wire::Extension extension;
    read_map(
        value,
        {{"type",
          [&](const Value& name) { extension.type = name.named(wire::extension_type_from_name); }},
         {"data", into(extension.data, &Value::hex)}});
    return extension;
}

std::vector<wire::Extension> read_hello_extensions(const Value& value) {
    std::vector<wire::Extension> extensions;
    for (const Value& item : value.items())
        extensions.push_back(read_hello_extension(item));
    return extensions;
}

Offered read_offered(const Value& value) {
    Offered offered;
    read_map(value, {{"extensions",
                      [&](const Value& list) { offered.extensions = read_hello_extensions(list); }},
                     {"without", [&](const Value& list) {
                          for (const Value& item : list.items())
                              offered.without.push_back(item.named(wire::extension_type_from_name));
                      }}});
    return offered;
}

wire::Continuation read_continuation(const Value& value) {
    wire::Continuation continuation;
    read_map(
        value,
        {{"kind", [&](const Value& word) { continuation.kind = word.word(continuation_words); }},
         {"alert",
          [&](const Value& name) {
              continuation.alert = wire::Alert{wire::AlertLevel::fatal,
                                               name.named(wire::alert_description_from_name)};
          }},
         {"detail", into(continuation.detail, &Value::text)}});
    return continuation;
}

Server read_server(const Value& value) {
    Server server;
    const auto alert_into = [](std::optional<wire::AlertDescription>& target) {
        return [&target](const Value& name) {
            target = name.named(wire::alert_description_from_name);
        };
    };
    read_map(
        value,
        {{"version",
          [&](const Value& name) {
              server.version = name.named(wire::protocol_version_from_name);
          }},
         {"record_version",
          [&](const Value& name) {
              server.record_version = name.named(wire::protocol_version_from_name);
          }},
         {"cipher_suite",
          [&](const Value& name) {
              server.cipher_suite = name.named(wire::cipher_suite_from_name);
          }},
         {"compression",
          [&](const Value& word) { server.compression = word.word(compression_words); }},
         {"session_id", into(server.session_id, &Value::hex)},
         {"offered", [&](const Value& map) { server.offered = read_offered(map); }},
         {"renegotiation_info",
          [&](const Value& info) {
              server.renegotiation_info.reset();
              if (!info.is("none")) server.renegotiation_info = info.hex();
          }},
         {"extensions",
          [&](const Value& list) { server.extensions = read_hello_extensions(list); }},
         {"dh_bits", into(server.dh_bits, &Value::number)},
         {"dh_p", into(server.dh_p, &Value::hex)},
         {"dh_g", into(server.dh_g, &Value::hex)},
         {"dh_ys", into(server.dh_ys, &Value::hex)},
         {"group",
          [&](const Value& name) { server.group = name.named(wire::named_group_from_name); }},
         {"point", into(server.point, &Value::hex)},
         {"signature_scheme",
          [&](const Value& name) {
              server.signature_scheme = name.named(wire::signature_scheme_from_name);
          }},
         {"certificate_types", into(server.certificate_types, &Value::hex)},
         {"authorities", into(server.authorities, &Value::number)},
         {"empty_record", into(server.empty_record, &Value::flag)},
         {"messages",
          [&](const Value& list) {
              server.messages.emplace();
              for (const Value& item : list.items())
                  server.messages->push_back(read_message(item));
          }},
         {"together", into(server.together, &Value::flag)},
         {"split", into(server.split, &Value::number)},
         {"warning", alert_into(server.warning)},
         {"alert", alert_into(server.alert)},
         {"ending", [&](const Value& word) { server.ending = word.word(ending_words); }},
         {"ending_detail", into(server.ending_detail, &Value::text)},
         {"continuation", [&](const Value& map) { server.continuation = read_continuation(map); }},
         {"raw", into(server.raw, &Value::hex)},
         {"piece", into(server.piece, &Value::number)},
         {"pause_ms", into(server.pause_ms, &Value::number)}});
    return server;
}

CaseQuestion read_question(const Value& value) {
    CaseQuestion question;
    read_map(value, {{"host", into(question.host, &Value::text)},
                     {"at", into(question.at, &Value::text)},
                     {"msstd", into(question.msstd, &Value::text)},
                     {"install_root", into(question.install_root, &Value::texts)},
                     {"installed_format", word_into(question.installed_format, format_words)},
                     {"aia", into(question.aia, &Value::texts)},
                     {"known_roots", into(question.known_roots, &Value::texts)},
                     {"roots", [&](const Value& roots) {
                          question.roots.reset();
                          if (!roots.is("none")) question.roots = roots.texts();
                      }}});
    return question;
}

CaseStore read_store(const Value& value) {
    CaseStore store;
    read_map(value,
             {{"contents", [&](const Value& word) { store.complete = word.word(contents_words); }},
              {"by", [&](const Value& word) { store.by = word.word(known_by_words); }},
              {"members", into(store.members, &Value::texts)},
              {"absent", into(store.absent, &Value::texts)}});
    return store;
}

Expectation read_expectation(const Value& value) {
    Expectation expect;
    read_map(value, {{"found", into(expect.found, &Value::flag)},
                     {"certificate", into(expect.certificate, &Value::number)},
                     {"field", into(expect.field, &Value::text)},
                     {"bytes", into(expect.bytes, &Value::hex)},
                     {"count", into(expect.count, &Value::number)},
                     {"outcome", word_into(expect.outcome, outcome_words)},
                     {"stage", word_into(expect.stage, stage_words)},
                     {"alert", into(expect.alert, &Value::text)},
                     {"decided_by", into(expect.decided_by, &Value::text)},
                     {"later", into(expect.later, &Value::texts)},
                     {"closes_silently", into(expect.closes_silently, &Value::flag)},
                     {"answers", into(expect.answers, &Value::texts)}});
    if (expect.outcome.empty()) value.refuse("has no outcome");
    return expect;
}

// A key that would never be looked at says something that nobody checks.
void check_expectation(const Value& root, const Case& read) {
    const Expectation& expect = read.expect;
    const bool looks_for_rule = !read.rule.empty() && expect.found;
    if (read.rule.empty() && !read.also.empty()) {
        root.refuse("of no rule: its findings are not looked at, so 'also' says nothing");
    }
    if (!looks_for_rule && (expect.certificate || !expect.field.empty() || expect.bytes)) {
        root.refuse("expects no finding, so it has no place");
    }
    if (!looks_for_rule && expect.outcome != "connects" && expect.decided_by.empty()) {
        root.refuse("does not say what decides");
    }
    if (read.store && (read.profile.empty() || read.question.roots)) {
        root.refuse("has a store that is not looked at: it wants a profile, and roots: none");
    }
}

Case read_case(const Value& root, const std::filesystem::path& file) {
    Case read;
    read.file = file;
    bool of_rule = false;
    bool expected = false;
    read_map(root,
             {{"rule",
               [&](const Value& rule) {
                   of_rule = true;
                   if (!rule.is("none")) read.rule = rule.text();
               }},
              {"about", into(read.about, &Value::text)},
              {"certificates",
               [&](const Value& map) {
                   for (const auto& [name, recipe] : map.entries())
                       read_recipe(recipe, read.recipes[name], correct_recipes());
               }},
              {"chain", into(read.chain, &Value::texts)},
              {"repeat_last", into(read.repeat_last, &Value::number)},
              {"server", [&](const Value& map) { read.server = read_server(map); }},
              {"question", [&](const Value& map) { read.question = read_question(map); }},
              {"device", into(read.device, &Value::text)},
              {"profile",
               [&](const Value& text) { read.profile = std::string(profile_head) + text.text(); }},
              {"store", [&](const Value& map) { read.store = read_store(map); }},
              {"also", into(read.also, &Value::texts)},
              {"control", into(read.has_control, &Value::flag)},
              {"expect", [&](const Value& map) {
                   read.expect = read_expectation(map);
                   expected = true;
               }}});
    if (!of_rule || read.about.empty() || !expected) {
        root.refuse("has no rule, no about or no expect");
    }
    check_expectation(root, read);
    read.has_control = read.has_control && !read.rule.empty() && read.expect.found;
    return read;
}

}  // namespace

Case load_case(const std::filesystem::path& file) {
    try {
        return read_case(Value(YAML::LoadFile(file.string()), "", file), file);
    } catch (const YAML::Exception& error) {
        throw ForgeError(fmt::format("{}:{}: {}", file.string(), error.mark.line + 1, error.msg));
    }
}

std::vector<std::filesystem::path> find_cases(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        if (entry.path().extension() == ".yaml") files.push_back(entry.path());
    }
    std::ranges::sort(files);
    return files;
}

std::string rule_of_name(const std::filesystem::path& file) {
    const std::string stem = file.stem().string();
    return stem.substr(0, stem.find("--"));
}

wire::Flight make_flight(const Case& from, const std::filesystem::path& keys) {
    try {
        std::vector<Bytes> chain;
        for (const std::string& name : from.chain)
            chain.push_back(make_certificate(from.recipes, name, keys));
        for (std::size_t i = 0; i < from.repeat_last && !chain.empty(); ++i)
            chain.push_back(chain.back());
        if (!from.server) return make_files(chain);
        const auto leaf = from.recipes.find(from.chain.empty() ? "leaf" : from.chain.front());
        return make_flight(*from.server, chain, keys / (leaf->second.key + ".pem"));
    } catch (const ForgeError& error) {
        throw ForgeError(fmt::format("{}: {}", from.file.string(), error.what()));
    }
}

Case without_fault(const Case& from) {
    Case control;
    control.file = from.file;
    control.rule = from.rule;
    control.about = from.about;
    control.device = from.device;
    control.profile = from.profile;
    if (from.store) control.store.emplace();
    if (from.server) control.server.emplace();
    return control;
}

}  // namespace handset::forge
