// Hello extensions: the list, and the contents of those that clients of the time send or servers
// answer. An absent block is not an empty one: messages hold std::optional<Extensions>.
#pragma once

#include <optional>
#include <vector>

#include "handshake/base/reader.h"
#include "handshake/base/writer.h"
#include "handshake/wire/registry.h"

namespace handset::wire {

struct Extension {
    ExtensionType type{};
    Bytes data;
    std::size_t offset = 0;  // of the type, from the start of the message body; not compared
    friend bool operator==(const Extension& a, const Extension& b) {
        return a.type == b.type && a.data == b.data;
    }
};
using Extensions = std::vector<Extension>;

// With the two-octet length in front.
void write_extensions(Writer& out, const Extensions& extensions);
Extensions read_extensions(Reader& in, std::string_view field = "extensions");
const Extension* find_extension(const std::optional<Extensions>& extensions, ExtensionType type);

// Contents. decode_x takes the extension's data as a client sends it unless the name says
// otherwise.
Bytes encode_server_name(std::string_view host_name);
Result<std::vector<std::string>> decode_server_name(ByteView data);  // host_name entries
Bytes encode_supported_groups(const std::vector<NamedGroup>& groups);
Result<std::vector<NamedGroup>> decode_supported_groups(ByteView data);
Bytes encode_ec_point_formats(const std::vector<std::uint8_t>& formats);
Result<std::vector<std::uint8_t>> decode_ec_point_formats(ByteView data);
Bytes encode_signature_algorithms(const std::vector<SignatureScheme>& schemes);
Result<std::vector<SignatureScheme>> decode_signature_algorithms(ByteView data);
Bytes encode_alpn(const std::vector<std::string>& protocols);
Result<std::vector<std::string>> decode_alpn(ByteView data);
// supported_versions in a ServerHello: selected_version (RFC 8446 4.2.1).
Result<ProtocolVersion> decode_selected_version(ByteView data);
Result<std::vector<ProtocolVersion>> decode_supported_versions(ByteView data);

}  // namespace handset::wire
