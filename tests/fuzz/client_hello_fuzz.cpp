// ClientHello bodies and SSLv2-framed hellos: what decodes encodes to the same octets.
#include <cstdlib>

#include "handshake/wire/client_hello.h"
#include "handshake/wire/v2_client_hello.h"

using namespace handset;
using namespace handset::wire;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView bytes(data, size);
    if (const auto hello = decode_client_hello(bytes)) {
        if (!equal(encode(*hello), bytes)) std::abort();
        if (ja3_text(*hello).empty()) std::abort();
        if (hello->extensions) {
            for (const Extension& extension : *hello->extensions) {
                if (const auto groups = decode_supported_groups(extension.data)) {
                    if (encode_supported_groups(*groups) != extension.data) std::abort();
                }
                if (const auto schemes = decode_signature_algorithms(extension.data)) {
                    if (encode_signature_algorithms(*schemes) != extension.data) std::abort();
                }
                if (const auto formats = decode_ec_point_formats(extension.data)) {
                    if (encode_ec_point_formats(*formats) != extension.data) std::abort();
                }
                if (const auto protocols = decode_alpn(extension.data)) {
                    if (encode_alpn(*protocols) != extension.data) std::abort();
                }
                (void)decode_server_name(extension.data);
                (void)decode_supported_versions(extension.data);
            }
        }
    }
    const auto v2 = decode_v2_client_hello(bytes);
    if (v2 && !equal(encode(*v2), bytes)) std::abort();
    if (v2 && random_of(*v2).size() != 32) std::abort();
    (void)looks_like_v2_client_hello(bytes);
    return 0;
}
