#include "handshake/wire/client_hello.h"

#include <fmt/format.h>
#include <stdexcept>

namespace handset::wire {

namespace {

constexpr std::size_t random_length = 32;

// The numbers of a JA3 field: decimal, '-' between, GREASE left out.
class Ja3Field {
public:
    template <typename Number>
    void add(Number number) {
        const auto value = static_cast<std::uint16_t>(number);
        if (is_grease(value)) return;
        if (!text_.empty()) text_.push_back('-');
        text_ += std::to_string(value);
    }
    const std::string& text() const { return text_; }

private:
    std::string text_;
};

}  // namespace

Bytes encode(const ClientHello& hello) {
    if (hello.random.size() != random_length) {
        throw std::length_error("ClientHello.random is not 32 octets");
    }
    Writer suites;
    for (const CipherSuite suite : hello.cipher_suites) {
        suites.u16(static_cast<std::uint16_t>(suite));
    }
    Writer methods;
    for (const CompressionMethod method : hello.compression_methods) {
        methods.u8(static_cast<std::uint8_t>(method));
    }
    Writer out;
    out.u16(static_cast<std::uint16_t>(hello.client_version));
    out.put(hello.random);
    out.vector8(hello.session_id);
    out.vector16(suites.bytes());
    out.vector8(methods.bytes());
    if (hello.extensions) write_extensions(out, *hello.extensions);
    return out.take();
}

Result<ClientHello> decode_client_hello(ByteView body) {
    Reader in(body, "ClientHello");
    ClientHello hello;
    hello.client_version = static_cast<ProtocolVersion>(in.u16("client_version"));
    hello.random = to_bytes(in.take(random_length, "random"));
    hello.session_id = to_bytes(in.vector8("session_id").rest());
    Reader suites = in.vector16("cipher_suites");
    while (!suites.empty()) {
        hello.cipher_suites.push_back(static_cast<CipherSuite>(suites.u16("cipher_suite")));
    }
    for (const std::uint8_t method : in.vector8("compression_methods").rest()) {
        hello.compression_methods.push_back(static_cast<CompressionMethod>(method));
    }
    if (!in.empty()) hello.extensions = read_extensions(in);
    in.expect_end();
    if (in.failed()) return in.error();
    return hello;
}

Bytes encode_record(const ClientHello& hello, ProtocolVersion record_version) {
    HandshakeMessage message;
    message.type = HandshakeType::client_hello;
    message.body = encode(hello);
    Record record;
    record.type = ContentType::handshake;
    record.version = record_version;
    record.fragment = encode(message);
    return encode(record);
}

std::string ja3_text(const ClientHello& hello) {
    Ja3Field suites;
    for (const CipherSuite suite : hello.cipher_suites)
        suites.add(suite);
    Ja3Field types;
    Ja3Field groups;
    Ja3Field formats;
    if (hello.extensions) {
        for (const Extension& extension : *hello.extensions)
            types.add(extension.type);
    }
    // Contents that cannot be read count as empty.
    if (const auto* extension = find_extension(hello.extensions, ExtensionType::supported_groups)) {
        if (const auto list = decode_supported_groups(extension->data)) {
            for (const NamedGroup group : *list)
                groups.add(group);
        }
    }
    if (const auto* extension = find_extension(hello.extensions, ExtensionType::ec_point_formats)) {
        if (const auto list = decode_ec_point_formats(extension->data)) {
            for (const std::uint8_t format : *list)
                formats.add(format);
        }
    }
    return fmt::format("{},{},{},{},{}", static_cast<std::uint16_t>(hello.client_version),
                       suites.text(), types.text(), groups.text(), formats.text());
}

}  // namespace handset::wire
