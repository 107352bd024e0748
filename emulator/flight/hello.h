// The octets of a device's ClientHello, ready for the wire.
#pragma once

#include <string>

#include "emulator/device/device.h"
#include "handshake/base/time.h"

namespace handset::flight {

struct HelloInput {
    std::string server_name;  // host the device connects to; may be an IP literal
    Time clock;               // for clock-prefixed randoms
    Bytes random;      // 32 octets of entropy at least; the first ones serve as challenge too
    Bytes session_id;  // octets for devices that send one; taken from random when empty
};

// One record in the device's framing. Deterministic in its input. server_name is left out, as
// devices do, for IP literals unless the profile says `host_and_ip`, and always when `server_name`
// is empty; the extensions block stays (possibly empty) when the profile has one.
Bytes make_hello(const device::ClientHello& hello, const HelloInput& input);

// MD5 of wire::ja3_text, lower-case hex. For SSLv2 framing there is no JA3: empty.
std::string ja3_of(ByteView hello_record);

}  // namespace handset::flight
