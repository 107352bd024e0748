// The octets of a device's ClientHello, ready for the wire, and the statements that captured octets
// make.
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

// The reverse: what the octets of one ClientHello record say, in TLS or SSLv2 framing. make_hello
// of it differs from the record in nothing but random, session id and the name in server_name. What
// one record cannot show is left as it is: `random` is `random`; `server_name` is `host` where the
// extension is there, and `none` also for a device that leaves it out because it was given an IP
// address; contents that change from hello to hello (GREASE, key_share) are those of this one.
// `source` and `grade` are the caller's. Throws std::invalid_argument, one line, for what is no
// ClientHello, or not the whole of one in one record.
device::ClientHello hello_from(ByteView record);

// MD5 of wire::ja3_text, lower-case hex. For SSLv2 framing there is no JA3: empty.
std::string ja3_of(ByteView hello_record);

}  // namespace handset::flight
