// The first octet picks the message, the second the version and the suite's key exchange; the rest
// is the body. What decodes encodes to the same octets, what does not names a field.
#include <cstdlib>

#include "handshake/wire/server_messages.h"

using namespace handset;
using namespace handset::wire;

namespace {

template <typename Value, typename Encode>
void check(const Result<Value>& value, ByteView body, Encode encode_value) {
    if (value) {
        if (!equal(encode_value(*value), body)) std::abort();
    } else if (value.error().field.empty() || value.error().offset > body.size()) {
        std::abort();
    }
}

template <typename Value>
void check(const Result<Value>& value, ByteView body) {
    check(value, body, [](const Value& message) { return encode(message); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const auto version = static_cast<ProtocolVersion>(0x0300 + data[1] % 4);
    const auto key_exchange = static_cast<KeyExchange>(data[1] / 4 % 22);
    const ByteView body(data + 2, size - 2);
    switch (data[0] % 7) {
        case 0: {
            const auto hello = decode_server_hello(body);
            check(hello, body);
            if (hello) (void)selected_version(*hello);
            break;
        }
        case 1:
            check(decode_certificate_message(body), body);
            break;
        case 2:
            check(decode_server_key_exchange(body, key_exchange, version), body,
                  [version](const ServerKeyExchange& message) { return encode(message, version); });
            break;
        case 3:
            check(decode_certificate_request(body, version), body);
            break;
        case 4:
            check(decode_new_session_ticket(body), body);
            break;
        case 5:
            check(decode_certificate_status(body), body);
            break;
        default:
            check(decode_alert(body), body);
    }
    return 0;
}
