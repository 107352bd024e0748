#include "emulator/forge/forge.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <fstream>
#include <mutex>
#include <tuple>

#include "handshake/crypto/digest.h"
#include "handshake/x509/der.h"

namespace handset::forge {

namespace {

namespace id {
constexpr std::uint8_t boolean = 0x01, integer = 0x02, bit_string = 0x03, octet_string = 0x04,
                       null = 0x05, object_identifier = 0x06, utf8_string = 0x0c,
                       printable_string = 0x13, ia5_string = 0x16, utc_time = 0x17,
                       generalized_time = 0x18, sequence = 0x30, set = 0x31;
constexpr std::uint8_t constructed = 0x20;
}  // namespace id

Bytes length_octets(std::size_t length, LengthForm form) {
    if (form == LengthForm::indefinite) return {0x80};
    Bytes digits;
    for (std::size_t rest = length; rest != 0; rest >>= 8) {
        digits.insert(digits.begin(), static_cast<std::uint8_t>(rest));
    }
    if (length < 0x80) {
        if (form == LengthForm::minimal) return {static_cast<std::uint8_t>(length)};
        return {0x81, static_cast<std::uint8_t>(length)};
    }
    if (form == LengthForm::longer) digits.insert(digits.begin(), 0);
    digits.insert(digits.begin(), static_cast<std::uint8_t>(0x80 | digits.size()));
    return digits;
}

}  // namespace

Bytes encode(const Node& node) {
    Bytes contents = node.content;
    for (const Node& child : node.children)
        append(contents, encode(child));
    Bytes out;
    // A node without identifier stands for octets that are no element.
    if (node.identifier == 0 && node.name.empty()) return contents;
    out.push_back(node.identifier);
    append(out, length_octets(contents.size(), node.length));
    append(out, contents);
    if (node.length == LengthForm::indefinite) append(out, Bytes{0, 0});
    return out;
}

// --- paths --------------------------------------------------------------------------------------

namespace {

// A child by its parent; the root has none.
struct Place {
    Node* parent = nullptr;
    std::size_t index = 0;
    Node& node(Node& root) const { return parent ? parent->children[index] : root; }
};

std::optional<Place> find_below(Node& from, std::string_view name) {
    std::deque<Node*> level{&from};
    while (!level.empty()) {
        Node& parent = *level.front();
        level.pop_front();
        for (std::size_t i = 0; i < parent.children.size(); ++i) {
            if (parent.children[i].name == name) return Place{&parent, i};
        }
        for (Node& child : parent.children)
            level.push_back(&child);
    }
    return std::nullopt;
}

std::vector<std::string> segments_of(std::string_view path) {
    std::vector<std::string> segments;
    std::string segment;
    const auto flush = [&] {
        if (!segment.empty()) segments.push_back(std::exchange(segment, ""));
    };
    for (const char c : path) {
        if (c == '.' || c == '[') flush();
        if (c != '.') segment.push_back(c);
    }
    flush();
    return segments;
}

Place locate(Node& root, std::string_view path) {
    Place place;
    for (const std::string& segment : segments_of(path)) {
        Node& here = place.node(root);
        if (segment.front() == '[') {
            const std::size_t index = std::stoul(segment.substr(1));
            if (index >= here.children.size()) {
                throw ForgeError(fmt::format("{}: no {} in '{}', which has {} children", path,
                                             segment, here.name, here.children.size()));
            }
            place = {&here, index};
        } else {
            const auto found = find_below(here, segment);
            if (!found) {
                throw ForgeError(
                    fmt::format("{}: nothing below '{}' is called {}", path, here.name, segment));
            }
            place = *found;
        }
    }
    return place;
}

// X.690 8.23.3: segments of a character string are OCTET STRINGs; those of the sister types are
// what they are themselves.
void make_constructed(Node& node, std::string_view path) {
    if (!node.children.empty()) {
        throw ForgeError(fmt::format("{}: is no primitive string", path));
    }
    const std::uint8_t segment =
        node.identifier == id::bit_string ? id::bit_string : id::octet_string;
    node.children.push_back({"segment", segment, std::exchange(node.content, {}), {}, {}});
    node.identifier |= id::constructed;
}

}  // namespace

Node& find(Node& root, std::string_view path) {
    return locate(root, path).node(root);
}

void apply(Node& root, const Operation& operation) {
    const Place place = locate(root, operation.at);
    Node& node = place.node(root);
    if (operation.content) {
        node.content = *operation.content;
        node.children.clear();
    }
    if (operation.identifier) node.identifier = *operation.identifier;
    if (operation.constructed) make_constructed(node, operation.at);
    if (!operation.append.empty()) node.children.push_back({"", 0, operation.append, {}, {}});
    if (operation.length) node.length = *operation.length;
    if (operation.after.empty() && !operation.duplicate && !operation.remove) return;
    if (!place.parent) throw ForgeError("the certificate itself has no neighbours");
    auto& siblings = place.parent->children;
    const auto at = siblings.begin() + static_cast<std::ptrdiff_t>(place.index);
    if (operation.remove) {
        siblings.erase(at);
    } else if (operation.duplicate) {
        siblings.insert(at, Node(*at));
    } else {
        siblings.insert(at + 1, Node{"", 0, operation.after, {}, {}});
    }
}

// --- keys ---------------------------------------------------------------------------------------

const crypto::PrivateKey& load_key(const std::filesystem::path& file) {
    static std::mutex mutex;
    static std::map<std::string, crypto::PrivateKey> loaded;
    const std::lock_guard lock(mutex);
    const auto known = loaded.find(file.string());
    if (known != loaded.end()) return known->second;
    std::ifstream in(file);
    const std::string pem{std::istreambuf_iterator<char>(in), {}};
    try {
        return loaded.emplace(file.string(), crypto::PrivateKey(pem)).first->second;
    } catch (const std::runtime_error& error) {
        throw ForgeError(fmt::format("{}: {}", file.string(), error.what()));
    }
}

crypto::HashAlgorithm digest_of(std::string_view algorithm) {
    using crypto::HashAlgorithm;
    static constexpr std::pair<std::string_view, HashAlgorithm> rows[] = {
        {"md2", HashAlgorithm::md2},       {"md4", HashAlgorithm::md4},
        {"md5", HashAlgorithm::md5},       {"sha1", HashAlgorithm::sha1},
        {"SHA1", HashAlgorithm::sha1},     {"sha384", HashAlgorithm::sha384},
        {"SHA384", HashAlgorithm::sha384}, {"sha512", HashAlgorithm::sha512},
        {"SHA512", HashAlgorithm::sha512}};
    for (const auto& [word, hash] : rows) {
        if (algorithm.find(word) != std::string_view::npos) return hash;
    }
    return HashAlgorithm::sha256;
}

// Most certificates of a run of tests are the correct ones again; a signature takes longer than all
// the rest of them.
Bytes sign(const std::filesystem::path& key_file, std::string_view algorithm, ByteView octets) {
    static std::map<std::tuple<std::string, std::string, Bytes>, Bytes> made;
    std::tuple key(key_file.string(), std::string(algorithm), to_bytes(octets));
    const auto known = made.find(key);
    if (known != made.end()) return known->second;
    Bytes signature;
    try {
        signature = load_key(key_file).sign(digest_of(algorithm), octets);
    } catch (const ForgeError&) {
        throw;
    } catch (const std::runtime_error& error) {
        throw ForgeError(fmt::format("{}: {}", algorithm, error.what()));
    }
    made.emplace(std::move(key), signature);
    return signature;
}

// --- certificates -------------------------------------------------------------------------------

namespace {

Node leaf_node(std::string name, std::uint8_t identifier, Bytes content) {
    return {std::move(name), identifier, std::move(content), {}, {}};
}
Node parent_node(std::string name, std::uint8_t identifier, std::vector<Node> children) {
    return {std::move(name), identifier, {}, std::move(children), {}};
}

Node oid_node(std::string name, std::string_view oid) {
    const auto known = x509::oid_from_name(oid);
    if (!known) throw ForgeError(fmt::format("{} is no object identifier", oid));
    return leaf_node(std::move(name), id::object_identifier, to_bytes(known->der));
}

Node algorithm_node(std::string name, std::string_view algorithm) {
    Node node = parent_node(std::move(name), id::sequence, {oid_node("algorithm", algorithm)});
    // RFC 3279 2.2.1 asks for NULL, RFC 5758 3.2 for nothing.
    if (algorithm.find("RSA") != std::string_view::npos) {
        node.children.push_back(leaf_node("parameters", id::null, {}));
    }
    return node;
}

Node attribute_node(std::string_view text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) {
        throw ForgeError(fmt::format("{} is no attribute like CN=host", text));
    }
    const auto oid = x509::oid_from_name(text.substr(0, equals));
    if (!oid) throw ForgeError(fmt::format("{}: no such attribute", text));
    const std::string name = x509::oid_name(*oid);
    const std::uint8_t type = name == "countryName"    ? id::printable_string
                              : name == "emailAddress" ? id::ia5_string
                                                       : id::utf8_string;
    return parent_node(name, id::sequence,
                       {leaf_node("type", id::object_identifier, to_bytes(oid->der)),
                        leaf_node("value", type, to_bytes(view_of(text.substr(equals + 1))))});
}

Node name_node(std::string name, const std::vector<std::string>& attributes) {
    Node node = parent_node(std::move(name), id::sequence, {});
    for (const std::string& rdn : attributes) {
        Node set = parent_node("rdn", id::set, {});
        for (std::size_t begin = 0; begin <= rdn.size();) {
            const std::size_t end = std::min(rdn.find('+', begin), rdn.size());
            set.children.push_back(
                attribute_node(std::string_view(rdn).substr(begin, end - begin)));
            begin = end + 1;
        }
        node.children.push_back(std::move(set));
    }
    return node;
}

Node time_node(std::string name, std::string_view text) {
    const bool utc = text.starts_with("utc:");
    if (!utc && !text.starts_with("gen:")) {
        throw ForgeError(fmt::format("{}: {} begins neither with utc: nor with gen:", name, text));
    }
    return leaf_node(std::move(name), utc ? id::utc_time : id::generalized_time,
                     to_bytes(view_of(text.substr(4))));
}

Node extension_node(std::string_view extension, Critical critical, Node value) {
    const auto oid = x509::oid_from_name(extension);
    if (!oid) throw ForgeError(fmt::format("no extension is called {}", extension));
    Node node = parent_node(x509::oid_name(*oid), id::sequence,
                            {leaf_node("extnID", id::object_identifier, to_bytes(oid->der))});
    if (critical != Critical::absent) {
        const std::uint8_t octet = critical == Critical::ff ? 0xff : critical == Critical::one;
        node.children.push_back(leaf_node("critical", id::boolean, {octet}));
    }
    node.children.push_back(parent_node("extnValue", id::octet_string, {std::move(value)}));
    return node;
}

Node general_name_node(std::string_view text) {
    const std::size_t colon = text.find(':');
    const std::string_view kind = text.substr(0, colon);
    const std::string_view value = colon == std::string_view::npos ? "" : text.substr(colon + 1);
    if (kind == "email") return leaf_node("rfc822Name", 0x81, to_bytes(view_of(value)));
    if (kind == "dns") return leaf_node("dNSName", 0x82, to_bytes(view_of(value)));
    if (kind == "uri") {
        return leaf_node("uniformResourceIdentifier", 0x86, to_bytes(view_of(value)));
    }
    if (kind == "ip") {
        if (const auto octets = from_hex(value)) return leaf_node("iPAddress", 0x87, *octets);
    }
    if (kind == "dir") {
        std::vector<std::string> attributes;
        for (std::size_t begin = 0; begin < value.size();) {
            const std::size_t end = std::min(value.find('/', begin), value.size());
            attributes.emplace_back(value.substr(begin, end - begin));
            begin = end + 1;
        }
        return parent_node("directoryName", 0xa4, {name_node("name", attributes)});
    }
    throw ForgeError(fmt::format("{} is no name like dns:host", text));
}

Node general_names_node(std::string name, std::uint8_t identifier,
                        const std::vector<std::string>& names) {
    Node node = parent_node(std::move(name), identifier, {});
    for (const std::string& text : names)
        node.children.push_back(general_name_node(text));
    return node;
}

// DER's named bit list: without the zeros at its end.
Node key_usage_node(const std::vector<std::string>& words) {
    static constexpr std::string_view names[] = {
        "digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement",
        "keyCertSign",      "cRLSign",        "encipherOnly",    "decipherOnly"};
    Bytes octets(2);
    std::size_t count = 0;
    for (const std::string& word : words) {
        const auto* found = std::ranges::find(names, word);
        if (found == std::end(names)) throw ForgeError(fmt::format("keyUsage has no {}", word));
        const auto bit = static_cast<std::size_t>(found - std::begin(names));
        octets[bit / 8] |= static_cast<std::uint8_t>(0x80 >> (bit % 8));
        count = std::max(count, bit + 1);
    }
    Bytes content{static_cast<std::uint8_t>((8 - count % 8) % 8)};
    content.insert(content.end(), octets.begin(),
                   octets.begin() + static_cast<std::ptrdiff_t>((count + 7) / 8));
    return leaf_node("bits", id::bit_string, std::move(content));
}

Node number_node(std::string name, std::uint8_t identifier, unsigned number) {
    return leaf_node(std::move(name), identifier, {static_cast<std::uint8_t>(number & 0x7f)});
}

Node subtrees_node(std::string name, std::uint8_t identifier,
                   const std::vector<std::string>& bases) {
    Node node = parent_node(std::move(name), identifier, {});
    for (const std::string& base : bases)
        node.children.push_back(parent_node("subtree", id::sequence, {general_name_node(base)}));
    return node;
}

Node policies_node(const std::vector<std::string>& policies) {
    Node node = parent_node("policies", id::sequence, {});
    for (const std::string& policy : policies) {
        node.children.push_back(
            parent_node("policy", id::sequence, {oid_node("policyIdentifier", policy)}));
    }
    return node;
}

Node mappings_node(const std::vector<std::string>& mappings) {
    Node node = parent_node("mappings", id::sequence, {});
    for (const std::string& mapping : mappings) {
        const std::size_t equals = mapping.find('=');
        if (equals == std::string::npos) {
            throw ForgeError(fmt::format("{} is no mapping like 1.2.3=1.2.4", mapping));
        }
        node.children.push_back(
            parent_node("mapping", id::sequence,
                        {oid_node("issuerDomainPolicy", mapping.substr(0, equals)),
                         oid_node("subjectDomainPolicy", mapping.substr(equals + 1))}));
    }
    return node;
}

const Recipe& recipe_of(const Recipes& recipes, const std::string& name) {
    const auto found = recipes.find(name);
    if (found == recipes.end()) throw ForgeError(fmt::format("no certificate is called {}", name));
    return found->second;
}

// RFC 5280 4.2.1.2 (1): SHA-1 of the subjectPublicKey's octets.
Bytes key_identifier(const Node& spki) {
    const Node& bits = spki.children.back();
    Bytes octets;
    for (const Node& child : bits.children)
        append(octets, encode(child));
    append(octets, ByteView(bits.content).subspan(1));
    return crypto::digest(crypto::HashAlgorithm::sha1, octets).value();
}

// mbed TLS's own SubjectPublicKeyInfo, taken apart so that its parts have names.
Node cut(ByteView& octets, std::string name) {
    std::size_t length = octets[1];
    std::size_t header = 2;
    if (length >= 0x80) {
        const std::size_t digits = length & 0x7f;
        length = 0;
        for (std::size_t i = 0; i < digits; ++i)
            length = length << 8 | octets[header++];
    }
    Node node = leaf_node(std::move(name), octets[0], to_bytes(octets.subspan(header, length)));
    octets = octets.subspan(header + length);
    return node;
}
void open(Node& node, std::size_t skip, const std::vector<std::string>& names) {
    const Bytes contents = node.content;
    ByteView rest = ByteView(contents).subspan(skip);
    node.content.resize(skip);
    for (const std::string& name : names) {
        if (!rest.empty()) node.children.push_back(cut(rest, name));
    }
}
Node make_spki_node(const crypto::PrivateKey& key) {
    const Bytes der = key.public_key();
    ByteView view = der;
    Node spki = cut(view, "subjectPublicKeyInfo");
    open(spki, 0, {"algorithm", "subjectPublicKey"});
    open(spki.children[0], 0, {"algorithm", "parameters"});
    if (key.is_rsa()) {
        open(spki.children[1], 1, {"RSAPublicKey"});
        open(spki.children[1].children[0], 0, {"modulus", "publicExponent"});
    }
    return spki;
}

std::filesystem::path key_file(const std::filesystem::path& keys, const std::string& name) {
    return keys / (name + ".pem");
}

const Node& spki_node(const std::filesystem::path& file) {
    static std::map<std::string, Node> made;
    const auto known = made.find(file.string());
    if (known != made.end()) return known->second;
    return made.emplace(file.string(), make_spki_node(load_key(file))).first->second;
}

Node extensions_node(const Recipe& recipe, const Bytes& own_id, const Bytes& issuer_id) {
    std::vector<Node> list;
    const auto add = [&](const std::string& name, Critical usual, Node value) {
        const auto stated = recipe.critical.find(name);
        list.push_back(extension_node(
            name, stated == recipe.critical.end() ? usual : stated->second, std::move(value)));
    };
    Node constraints = parent_node("basicConstraints", id::sequence, {});
    if (recipe.ca) constraints.children.push_back(leaf_node("cA", id::boolean, {0xff}));
    if (recipe.path_len) {
        constraints.children.push_back(leaf_node("pathLenConstraint", id::integer,
                                                 {static_cast<std::uint8_t>(*recipe.path_len)}));
    }
    add("basicConstraints", Critical::ff, std::move(constraints));
    const std::vector<std::string> usage = recipe.usage.value_or(
        recipe.ca ? std::vector<std::string>{"keyCertSign", "cRLSign"}
                  : std::vector<std::string>{"digitalSignature", "keyEncipherment"});
    if (!usage.empty()) add("keyUsage", Critical::ff, key_usage_node(usage));
    if (!recipe.purposes.empty()) {
        Node purposes = parent_node("keyPurposes", id::sequence, {});
        for (const std::string& purpose : recipe.purposes)
            purposes.children.push_back(oid_node(purpose, purpose));
        add("extKeyUsage", Critical::absent, std::move(purposes));
    }
    add("subjectKeyIdentifier", Critical::absent,
        leaf_node("keyIdentifier", id::octet_string, own_id));
    add("authorityKeyIdentifier", Critical::absent,
        parent_node("value", id::sequence, {leaf_node("keyIdentifier", 0x80, issuer_id)}));
    if (!recipe.names.empty()) {
        add("subjectAltName", Critical::absent,
            general_names_node("names", id::sequence, recipe.names));
    }
    if (!recipe.permitted.empty() || !recipe.excluded.empty()) {
        Node constraints_on_names = parent_node("subtrees", id::sequence, {});
        if (!recipe.permitted.empty()) {
            constraints_on_names.children.push_back(
                subtrees_node("permittedSubtrees", 0xa0, recipe.permitted));
        }
        if (!recipe.excluded.empty()) {
            constraints_on_names.children.push_back(
                subtrees_node("excludedSubtrees", 0xa1, recipe.excluded));
        }
        add("nameConstraints", Critical::ff, std::move(constraints_on_names));
    }
    if (!recipe.policies.empty())
        add("certificatePolicies", Critical::absent, policies_node(recipe.policies));
    if (!recipe.mappings.empty())
        add("policyMappings", Critical::ff, mappings_node(recipe.mappings));
    if (recipe.require_explicit_policy || recipe.inhibit_policy_mapping) {
        Node limits = parent_node("limits", id::sequence, {});
        if (const auto& number = recipe.require_explicit_policy)
            limits.children.push_back(number_node("requireExplicitPolicy", 0x80, *number));
        if (const auto& number = recipe.inhibit_policy_mapping)
            limits.children.push_back(number_node("inhibitPolicyMapping", 0x81, *number));
        add("policyConstraints", Critical::ff, std::move(limits));
    }
    if (const auto& number = recipe.inhibit_any_policy)
        add("inhibitAnyPolicy", Critical::ff, number_node("skipCerts", id::integer, *number));
    if (!recipe.ca_issuers.empty()) {
        add("authorityInfoAccess", Critical::absent,
            parent_node("accesses", id::sequence,
                        {parent_node("access", id::sequence,
                                     {oid_node("accessMethod", "caIssuers"),
                                      general_name_node("uri:" + recipe.ca_issuers)})}));
    }
    for (const AddedExtension& added : recipe.extensions) {
        list.push_back(extension_node(added.id, added.critical, Node{"", 0, added.value, {}, {}}));
    }
    Node wrapper = parent_node("extensions", 0xa3, {});
    wrapper.children.push_back(parent_node("list", id::sequence, std::move(list)));
    return wrapper;
}

}  // namespace

Recipes correct_recipes() {
    Recipe root;
    root.subject = {"C=DE", "O=Example Trust", "CN=Example Root CA"};
    root.issued_by = "root";
    root.key = "rsa2048-root";
    root.serial = {0x01};
    root.ca = true;

    Recipe intermediate = root;
    intermediate.subject = {"C=DE", "O=Example Trust", "CN=Example Issuing CA"};
    intermediate.key = "rsa2048-intermediate";
    intermediate.serial = {0x10, 0x02};
    intermediate.path_len = 0;

    Recipe leaf = intermediate;
    leaf.subject = {"C=DE", "O=Example", "CN=mail.example.test"};
    leaf.issued_by = "intermediate";
    leaf.key = "rsa2048-leaf";
    leaf.serial = {0x20, 0x03, 0x5a};
    leaf.ca = false;
    leaf.path_len.reset();
    leaf.names = {"dns:mail.example.test", "dns:autodiscover.example.test"};
    leaf.purposes = {"serverAuth", "clientAuth"};

    Recipe other = intermediate;
    other.subject.back() = "CN=Example Other CA";
    other.key = "rsa2048-other";
    other.serial = {0x10, 0x04};

    Recipe unrelated = leaf;
    unrelated.subject = {"C=DE", "O=Other Example", "CN=www.other.example"};
    unrelated.issued_by = "unrelated";
    unrelated.key = "rsa2048-other";
    unrelated.names = {"dns:www.other.example"};

    Recipe foreign = root;
    foreign.subject = {"C=US", "O=Foreign Trust", "CN=Foreign Root CA"};
    foreign.issued_by = "foreign-root";
    foreign.key = "rsa2048-other";

    Recipe cross = root;
    cross.issued_by = "foreign-root";
    cross.serial = {0x05};

    return {{"root", root},           {"intermediate", intermediate},
            {"leaf", leaf},           {"other-intermediate", other},
            {"unrelated", unrelated}, {"foreign-root", foreign},
            {"cross-root", cross}};
}

Bytes make_name(const std::vector<std::string>& attributes) {
    return encode(name_node("name", attributes));
}

Node make_tree(const Recipes& recipes, const std::string& name, const std::filesystem::path& keys) {
    const Recipe& recipe = recipe_of(recipes, name);
    const Recipe& issuer = recipe_of(recipes, recipe.issued_by);
    Node spki = spki_node(key_file(keys, recipe.key));
    const Bytes own_id = key_identifier(spki);
    const Bytes issuer_id = key_identifier(spki_node(key_file(keys, issuer.key)));
    Node tbs = parent_node("tbsCertificate", id::sequence,
                           {leaf_node("serialNumber", id::integer, recipe.serial),
                            algorithm_node("signature", recipe.inner_algorithm),
                            name_node("issuer", recipe.issuer.value_or(issuer.subject)),
                            parent_node("validity", id::sequence,
                                        {time_node("notBefore", recipe.not_before),
                                         time_node("notAfter", recipe.not_after)}),
                            name_node("subject", recipe.subject), std::move(spki)});
    if (recipe.version > 1) {
        tbs.children.insert(
            tbs.children.begin(),
            parent_node("version", 0xa0, {number_node("number", id::integer, recipe.version - 1)}));
    }
    if (recipe.version > 2) tbs.children.push_back(extensions_node(recipe, own_id, issuer_id));
    Node root =
        parent_node("Certificate", id::sequence,
                    {std::move(tbs), algorithm_node("signatureAlgorithm", recipe.outer_algorithm),
                     leaf_node("signatureValue", id::bit_string, {0})});
    for (const Operation& operation : recipe.before_signing)
        apply(root, operation);
    return root;
}

namespace {

template <typename Sign>
Bytes make_signed(const Recipes& recipes, const std::string& name,
                  const std::filesystem::path& keys, Sign sign_octets) {
    const Recipe& recipe = recipe_of(recipes, name);
    try {
        Node root = make_tree(recipes, name, keys);
        const std::string signer =
            recipe.signed_with.value_or(recipe_of(recipes, recipe.issued_by).key);
        Bytes value{0};
        append(value, sign_octets(key_file(keys, signer), recipe.outer_algorithm,
                                  encode(find(root, "tbsCertificate"))));
        find(root, "signatureValue").content = std::move(value);
        for (const Operation& operation : recipe.after_signing)
            apply(root, operation);
        return encode(root);
    } catch (const ForgeError& error) {
        throw ForgeError(fmt::format("certificate {}: {}", name, error.what()));
    }
}

// What a signature depends on.
Bytes digest_in_place(const std::filesystem::path& key_file, std::string_view algorithm,
                      ByteView octets) {
    Bytes all = to_bytes(
        view_of(fmt::format("{} {} ", key_file.string(), static_cast<int>(digest_of(algorithm)))));
    append(all, octets);
    return crypto::digest(crypto::HashAlgorithm::sha256, all).value();
}

}  // namespace

Bytes make_certificate(const Recipes& recipes, const std::string& name,
                       const std::filesystem::path& keys) {
    return make_signed(recipes, name, keys, sign);
}

Bytes outline_certificate(const Recipes& recipes, const std::string& name,
                          const std::filesystem::path& keys) {
    return make_signed(recipes, name, keys, digest_in_place);
}

}  // namespace handset::forge
