// Certificates for tests and for the lab: a correct chain for mail.example.test, and any fault put
// into it before or after it is signed. Deterministic: the same recipe gives the same octets.
// Deliberately not done here: flights (script.h), reading YAML (case.h), judging what was made, and
// keeping a recipe from being nonsense; only what cannot be carried out is a ForgeError. For one
// thread.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "handshake/base/bytes.h"
#include "handshake/crypto/private_key.h"

namespace handset::forge {

// One line: what cannot be made, and which key or path of the recipe is at fault.
class ForgeError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// --- trees of elements --------------------------------------------------------------------------

enum class LengthForm { minimal, longer, indefinite };  // longer: one octet more than it needs

// One BER element. `content` stands in front of the children: all of a primitive element, the
// unused-bits octet of a BIT STRING that holds elements.
struct Node {
    std::string name;  // in the reader's words: "serialNumber", "subjectAltName", "dNSName"
    std::uint8_t identifier = 0;
    Bytes content;
    std::vector<Node> children;
    LengthForm length = LengthForm::minimal;
};
Bytes encode(const Node& node);

// What happens to one node, in the order of the members.
struct Operation {
    std::string at;                          // path, see find()
    std::optional<Bytes> content;            // in place of contents and children
    std::optional<std::uint8_t> identifier;  // the tag's octet
    bool constructed = false;                // a string in one segment
    Bytes append;                            // octets behind the last child
    Bytes after;                             // octets behind the node, in its parent
    std::optional<LengthForm> length;
    bool duplicate = false;  // the node stands twice
    bool remove = false;
};

// "tbsCertificate.validity.notAfter", "tbsCertificate.extensions[2].critical": every segment names
// the nearest node below (level by level), so that levels may be left out; [n] is the n-th child.
// Empty: the root. Throws ForgeError for a path that leads nowhere.
Node& find(Node& root, std::string_view path);
void apply(Node& root, const Operation& operation);

// --- certificates -------------------------------------------------------------------------------

enum class Critical { absent, ff, one, zero };  // zero: FALSE spelt out

struct AddedExtension {
    std::string id;  // name or dotted
    Critical critical = Critical::absent;
    Bytes value;  // contents of extnValue
};

struct Recipe {
    unsigned version = 3;                            // 1 and 2 leave the extensions out
    std::vector<std::string> subject;                // "CN=mail.example.test"; '+' joins one RDN
    std::string issued_by;                           // name of another recipe, or of itself
    std::optional<std::vector<std::string>> issuer;  // in place of issued_by's subject
    std::string key;                                 // file in the folder of keys, without .pem
    std::optional<std::string> signed_with;          // in place of issued_by's key
    Bytes serial;
    std::string not_before = "utc:200101000000Z";  // or "gen:20200101000000Z"
    std::string not_after = "utc:300101000000Z";
    std::string inner_algorithm = "sha256WithRSAEncryption";  // tbsCertificate.signature
    std::string outer_algorithm = "sha256WithRSAEncryption";  // signatureAlgorithm
    bool ca = false;
    std::optional<unsigned> path_len;
    // "digitalSignature"; nullopt: what fits `ca`; empty: no keyUsage.
    std::optional<std::vector<std::string>> usage;
    // SAN: "dns:", "ip:" (hex), "email:", "uri:", "dir:C=DE/O=Example"; none: no SAN
    std::vector<std::string> names;
    std::vector<std::string> purposes;  // none: no extKeyUsage
    // nameConstraints, written like names; "ip:" with the mask behind the address.
    std::vector<std::string> permitted;
    std::vector<std::string> excluded;
    std::vector<std::string> policies;  // certificatePolicies
    std::vector<std::string> mappings;  // policyMappings, "1.2.3=1.2.4"
    std::optional<unsigned> require_explicit_policy;
    std::optional<unsigned> inhibit_policy_mapping;
    std::optional<unsigned> inhibit_any_policy;
    std::string ca_issuers;  // URI in authorityInfoAccess; empty: no such extension
    std::map<std::string, Critical> critical;  // by name of the extension, in place of its default
    std::vector<AddedExtension> extensions;    // behind the usual ones
    std::vector<Operation> before_signing;
    std::vector<Operation> after_signing;
};
using Recipes = std::map<std::string, Recipe>;

// root -> intermediate -> leaf for mail.example.test and autodiscover.example.test; beside them
// other-intermediate (below the same root), unrelated (self-signed, for another host), and
// cross-root (the root's name and key, issued by foreign-root).
Recipes correct_recipes();

// The DER of one certificate of `recipes`. `keys` is the folder of the PEM files.
Bytes make_certificate(const Recipes& recipes, const std::string& name,
                       const std::filesystem::path& keys);
// The same with a digest in place of the signature, which takes most of the time: for two recipes
// equal if and only if what make_certificate() makes is.
Bytes outline_certificate(const Recipes& recipes, const std::string& name,
                          const std::filesystem::path& keys);
// The tree before it is signed, with the faults of `before_signing`.
Node make_tree(const Recipes& recipes, const std::string& name, const std::filesystem::path& keys);

// DER of a Name: {"C=DE", "CN=Example Root CA"}.
Bytes make_name(const std::vector<std::string>& attributes);

// The key of a PEM file, read once. May be called by several threads.
const crypto::PrivateKey& load_key(const std::filesystem::path& file);
// The digest in an algorithm's name; SHA-256 where the name has none.
crypto::HashAlgorithm digest_of(std::string_view algorithm);
// With the digest of the algorithm's name. Remembers every
// signature: for certificates, not for what changes with each connection.
Bytes sign(const std::filesystem::path& key_file, std::string_view algorithm, ByteView octets);

}  // namespace handset::forge
