// Certificates and server flights for tests: a correct chain for mail.example.test, and any fault
// put into it before or after it is signed. Deterministic: the same recipe gives the same octets.
// Deliberately not done here: reading YAML (case.h), judging what was made, and keeping a recipe
// from being nonsense; only what cannot be carried out is a ForgeError.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "handshake/base/bytes.h"
#include "handshake/wire/flight.h"
#include "handshake/wire/server_messages.h"

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
// The tree before it is signed, with the faults of `before_signing`.
Node make_tree(const Recipes& recipes, const std::string& name, const std::filesystem::path& keys);

// PKCS #1 v1.5 or ECDSA (RFC 6979), whichever the key is for, with the digest of the algorithm's
// name; SHA-256 where the name has none.
Bytes sign(const std::filesystem::path& key_file, std::string_view algorithm, ByteView octets);

// --- flights ------------------------------------------------------------------------------------

// What a client offers besides the usual.
struct Offered {
    std::vector<wire::Extension> extensions;   // in place of the usual one of the type, or behind
    std::vector<wire::ExtensionType> without;  // the usual ones that it does not send
};
// A hello like that of a strict TLS 1.2 client: RSA, DHE and ECDHE suites, null compression, SNI,
// the groups and signature algorithms of everybody.
Bytes client_hello(const std::string& host, const Offered& offered = {});

struct ScriptedMessage {
    wire::HandshakeType type{};
    std::optional<Bytes> body;  // in place of the usual one
};

struct Server {
    wire::ProtocolVersion version = wire::ProtocolVersion::tls_1_2;
    std::optional<wire::ProtocolVersion> record_version;  // of all records; else `version`
    std::optional<wire::CipherSuite> cipher_suite;        // else one that fits the key exchange
    wire::CompressionMethod compression = wire::CompressionMethod::null;
    Bytes session_id;
    Offered offered;                                    // by the client
    std::optional<Bytes> renegotiation_info{Bytes{0}};  // nullopt: not answered
    std::vector<wire::Extension> extensions;            // behind renegotiation_info
    std::size_t dh_bits = 0;                            // DHE with a group of that length
    Bytes dh_p;                                         // DHE with this prime
    Bytes dh_g{2};
    std::optional<Bytes> dh_ys;             // else one of the length of dh_p
    std::optional<wire::NamedGroup> group;  // ECDHE on this curve
    std::optional<Bytes> point;             // of ECDHE; else an uncompressed one of its length
    std::optional<wire::SignatureScheme> signature_scheme;  // TLS 1.2; else rsa_pkcs1_sha256
    Bytes certificate_types{1};                             // of CertificateRequest
    std::size_t authorities = 0;                            // how many CAs it names
    // In place of server_hello, certificate, server_key_exchange (where the suite has one),
    // server_hello_done; an alert alone leaves all of them out.
    std::optional<std::vector<ScriptedMessage>> messages;
    bool together = false;      // all messages in one record, as Schannel writes them
    std::size_t split = 0;      // octets of a record's fragment at most; 0: a record per message
    bool empty_record = false;  // a record without contents behind the first one of handshake
    std::optional<wire::AlertDescription> warning;  // in front of everything
    std::optional<wire::AlertDescription> alert;    // fatal, behind everything
    std::optional<wire::Ending> ending;             // else what the octets say
    std::string ending_detail;
    wire::Continuation continuation;
    std::optional<Bytes> raw;  // in place of all octets
};

// `key_file` signs ServerKeyExchange.
wire::Flight make_flight(const Server& server, const std::vector<Bytes>& chain,
                         const std::filesystem::path& key_file);
// Certificate files in this order.
wire::Flight make_files(const std::vector<Bytes>& chain);

}  // namespace handset::forge
