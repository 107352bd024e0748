#include "emulator/device/inspect.h"

#include <fmt/format.h>

#include "emulator/device/tree.h"
#include "handshake/base/nearest.h"

namespace handset::device {

namespace {

using wire::ProtocolVersion;

class Smells {
public:
    Smells(const Device& device, const Node& root, std::string file)
        : device_(device), root_(root), file_(std::move(file)) {}

    void released_after_its_sources();
    void hellos_without_a_suite();
    void versions_beyond_the_hello();
    void sections_that_state_nothing();

    std::vector<Problem> take() {
        std::ranges::stable_sort(found_, [](const Problem& a, const Problem& b) {
            return std::pair(a.line, a.column) < std::pair(b.line, b.column);
        });
        return std::move(found_);
    }

private:
    void warn(const Node* at, std::string message) {
        const Node& node = at != nullptr ? *at : root_;
        found_.push_back({file_, node.line, node.column, std::move(message)});
    }
    // nullptr unless the file has it.
    const Node* node_of(std::string_view section, std::string_view key) const {
        const Node* map = find_key(root_, section);
        return map != nullptr ? find_key(*map, key) : nullptr;
    }
    void hello_without_a_suite(const ClientHello& hello, const Node* at);

    const Device& device_;
    const Node& root_;
    std::string file_;
    std::vector<Problem> found_;
};

// Nobody reads, records or reports what does not exist yet.
void Smells::released_after_its_sources() {
    std::string last;
    for (const auto& [id, source] : device_.sources)
        last = std::max(last, source.retrieved);
    // "2007" is before every day of 2007.
    if (device_.released.substr(0, last.size()) <= last.substr(0, device_.released.size())) return;
    warn(find_key(root_, "released"),
         fmt::format("released {}, after the last of its sources was retrieved ({})",
                     device_.released, last));
}

// The highest version that the hello offers.
ProtocolVersion offered(const ClientHello& hello) {
    if (hello.extensions) {
        for (const HelloExtension& extension : *hello.extensions) {
            if (extension.type == wire::ExtensionType::supported_versions) {
                return ProtocolVersion::tls_1_3;
            }
        }
    }
    return hello.client_version;
}

// The first version that has the suite. Suites with a PSK and CBC mode are for all versions,
// whatever their hash (RFC 5487 3, RFC 5489 3), and of unknown ones nothing is known.
ProtocolVersion first_version_of(wire::CipherSuite suite) {
    const wire::CipherSuiteInfo* info = wire::find_cipher_suite(suite);
    if (info == nullptr) return ProtocolVersion::ssl_3_0;
    if (info->key_exchange == wire::KeyExchange::tls13) return ProtocolVersion::tls_1_3;
    const auto has = [&](std::string_view part) {
        return info->name.find(part) != std::string_view::npos;
    };
    const bool is_aead = has("_GCM_") || has("_CCM") || has("_POLY1305_");
    const bool has_later_hash = has("_CBC_SHA256") || has("_CBC_SHA384");
    return is_aead || (has_later_hash && !has("_PSK_")) ? ProtocolVersion::tls_1_2
                                                        : ProtocolVersion::ssl_3_0;
}

void Smells::hello_without_a_suite(const ClientHello& hello, const Node* at) {
    if (hello.framing != Framing::tls) return;
    const ProtocolVersion highest = offered(hello);
    for (const wire::CipherSuite suite : hello.cipher_suites) {
        const wire::CipherSuiteInfo* info = wire::find_cipher_suite(suite);
        if (info != nullptr && info->key_exchange == wire::KeyExchange::signalling) continue;
        if (first_version_of(suite) <= highest) return;
    }
    warn(at, fmt::format("no suite of this hello exists in the versions it offers, {} at the most",
                         wire::name_of(highest)));
}

void Smells::hellos_without_a_suite() {
    hello_without_a_suite(device_.client_hello, node_of("client_hello", "cipher_suites"));
    const Node* list = find_key(root_, "fallbacks");
    for (std::size_t i = 0; i < device_.fallbacks.size(); ++i) {
        const Node* hello = find_key(list->items.at(i), "hello");
        hello_without_a_suite(device_.fallbacks[i].hello, find_key(*hello, "cipher_suites"));
    }
}

void Smells::versions_beyond_the_hello() {
    const auto& versions = device_.server_hello.versions;
    if (!versions) return;
    ProtocolVersion highest = offered(device_.client_hello);
    for (const Fallback& fallback : device_.fallbacks)
        highest = std::max(highest, offered(fallback.hello));
    if (std::ranges::min(versions->value) <= highest) return;
    warn(node_of("server_hello", "versions"),
         fmt::format("it accepts none of the versions that it offers, {} at the most",
                     wire::name_of(highest)));
}

void Smells::sections_that_state_nothing() {
    for (const std::string_view section :
         {"server_hello", "key_exchange", "certificate", "path", "validation", "names", "trust"}) {
        const Node* map = find_key(root_, section);
        const std::size_t key_and_value = 2;
        if (map == nullptr || map->items.size() > key_and_value) continue;
        if (map->items.empty() || find_key(*map, "source") != nullptr) {
            warn(map, fmt::format("'{}' states nothing; remove it", section));
        }
    }
}

std::optional<Problem> missing_store(const Device& device, const Node& root,
                                     const std::string& file, std::span<const std::string> stores) {
    const auto& store = device.trust.store_id;
    if (!store || std::ranges::find(stores, *store) != stores.end()) return std::nullopt;
    const Node* node = find_key(*find_key(root, "trust"), "store");
    if (const Node* is = find_key(*node, "is")) node = is;
    const std::vector<std::string> ids(stores.begin(), stores.end());
    return Problem{
        file, node->line, node->column,
        fmt::format("no store is called {}{}", in_quotes(*store), did_you_mean(*store, ids))};
}

}  // namespace

Inspection inspect_device(std::string_view text, const std::filesystem::path& file,
                          std::span<const std::string> stores) {
    try {
        const Device device = parse_device(text, file);
        const Node root = parse_tree(text, file.string());
        if (auto missing = missing_store(device, root, file.string(), stores)) {
            return {{std::move(*missing)}, {}};
        }
        Smells smells(device, root, file.string());
        smells.released_after_its_sources();
        smells.hellos_without_a_suite();
        smells.versions_beyond_the_hello();
        smells.sections_that_state_nothing();
        return {{}, smells.take()};
    } catch (const ProfileError& error) {
        return {error.problems(), {}};
    }
}

Inspection inspect_device(const std::filesystem::path& file, std::span<const std::string> stores) {
    try {
        return inspect_device(read_file(file), file, stores);
    } catch (const ProfileError& error) {
        return {error.problems(), {}};
    }
}

Inspection inspect_store(const std::filesystem::path& file) {
    try {
        load_store(file);
    } catch (const ProfileError& error) {
        return {error.problems(), {}};
    }
    return {};
}

}  // namespace handset::device
