#include "handshake/wire/extensions.h"

namespace handset::wire {

namespace {

template <typename Enum>
Bytes encode_u16_list(const std::vector<Enum>& values) {
    Writer list;
    for (const Enum value : values)
        list.u16(static_cast<std::uint16_t>(value));
    Writer out;
    out.vector16(list.bytes());
    return out.take();
}

// The rest of `list`, two octets each; an odd octet is a fault.
template <typename Enum>
std::vector<Enum> read_u16_list(Reader list, std::string_view element) {
    std::vector<Enum> values;
    while (!list.empty())
        values.push_back(static_cast<Enum>(list.u16(element)));
    return values;
}

template <typename Enum>
Result<std::vector<Enum>> decode_u16_list(ByteView data, std::string_view extension,
                                          std::string_view list, std::string_view element) {
    Reader in(data, extension);
    std::vector<Enum> values = read_u16_list<Enum>(in.vector16(list), element);
    in.expect_end();
    if (in.failed()) return in.error();
    return values;
}

}  // namespace

void write_extensions(Writer& out, const Extensions& extensions) {
    Writer block;
    for (const Extension& extension : extensions) {
        block.u16(static_cast<std::uint16_t>(extension.type)).vector16(extension.data);
    }
    out.vector16(block.bytes());
}

Extensions read_extensions(Reader& in, std::string_view field) {
    Extensions extensions;
    Reader block = in.vector16(field);
    while (!block.empty()) {
        Extension extension;
        extension.offset = block.offset();
        extension.type = static_cast<ExtensionType>(block.u16("extension_type"));
        extension.data = to_bytes(block.vector16("extension_data").rest());
        extensions.push_back(std::move(extension));
    }
    return extensions;
}

const Extension* find_extension(const std::optional<Extensions>& extensions, ExtensionType type) {
    if (!extensions) return nullptr;
    for (const Extension& extension : *extensions) {
        if (extension.type == type) return &extension;
    }
    return nullptr;
}

Bytes encode_server_name(std::string_view host_name) {
    Writer list;
    list.u8(0).vector16(view_of(host_name));
    Writer out;
    out.vector16(list.bytes());
    return out.take();
}

Result<std::vector<std::string>> decode_server_name(ByteView data) {
    Reader in(data, "server_name");
    std::vector<std::string> host_names;
    Reader list = in.vector16("server_name_list");
    while (!list.empty()) {
        const std::uint8_t name_type = list.u8("name_type");
        // RFC 6066 3 makes every future name begin with a length of two octets.
        const ByteView name = list.vector16("host_name").rest();
        if (name_type == 0) host_names.push_back(to_text(name));
    }
    in.expect_end();
    if (in.failed()) return in.error();
    return host_names;
}

Bytes encode_supported_groups(const std::vector<NamedGroup>& groups) {
    return encode_u16_list(groups);
}

Result<std::vector<NamedGroup>> decode_supported_groups(ByteView data) {
    return decode_u16_list<NamedGroup>(data, "supported_groups", "named_group_list", "named_group");
}

Bytes encode_ec_point_formats(const std::vector<std::uint8_t>& formats) {
    Writer out;
    out.vector8(formats);
    return out.take();
}

Result<std::vector<std::uint8_t>> decode_ec_point_formats(ByteView data) {
    Reader in(data, "ec_point_formats");
    std::vector<std::uint8_t> formats = to_bytes(in.vector8("ec_point_format_list").rest());
    in.expect_end();
    if (in.failed()) return in.error();
    return formats;
}

Bytes encode_signature_algorithms(const std::vector<SignatureScheme>& schemes) {
    return encode_u16_list(schemes);
}

Result<std::vector<SignatureScheme>> decode_signature_algorithms(ByteView data) {
    return decode_u16_list<SignatureScheme>(
        data, "signature_algorithms", "supported_signature_algorithms", "signature_algorithm");
}

Bytes encode_alpn(const std::vector<std::string>& protocols) {
    Writer list;
    for (const std::string& protocol : protocols)
        list.vector8(view_of(protocol));
    Writer out;
    out.vector16(list.bytes());
    return out.take();
}

Result<std::vector<std::string>> decode_alpn(ByteView data) {
    Reader in(data, "application_layer_protocol_negotiation");
    std::vector<std::string> protocols;
    Reader list = in.vector16("protocol_name_list");
    while (!list.empty())
        protocols.push_back(to_text(list.vector8("protocol_name").rest()));
    in.expect_end();
    if (in.failed()) return in.error();
    return protocols;
}

Result<ProtocolVersion> decode_selected_version(ByteView data) {
    Reader in(data, "supported_versions");
    const auto version = static_cast<ProtocolVersion>(in.u16("selected_version"));
    in.expect_end();
    if (in.failed()) return in.error();
    return version;
}

Result<std::vector<ProtocolVersion>> decode_supported_versions(ByteView data) {
    Reader in(data, "supported_versions");
    std::vector<ProtocolVersion> versions =
        read_u16_list<ProtocolVersion>(in.vector8("versions"), "version");
    in.expect_end();
    if (in.failed()) return in.error();
    return versions;
}

}  // namespace handset::wire
