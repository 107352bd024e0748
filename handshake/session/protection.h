// What protects the records of one connection, seen from the server's side: keys out of a premaster
// secret, Finished, and records sealed and opened. TLS 1.0 to 1.2 with RC4, 3DES, AES in CBC and
// GCM mode (RFC 2246 5 and 6, RFC 4346 6.2.3, RFC 5246 5 and 6, RFC 5288). No compression, no
// extended_master_secret, no encrypt_then_mac.
#pragma once

#include <memory>
#include <optional>

#include "handshake/wire/record.h"

namespace handset::session {

// Whether Protection knows the suite's cipher and MAC.
bool can_protect(wire::CipherSuite suite);

enum class Side { client, server };

class Protection {
public:
    // `suite` is one that can_protect(). Throws std::invalid_argument when it is not, and
    // std::runtime_error when mbed TLS lacks an algorithm.
    Protection(wire::ProtocolVersion version, wire::CipherSuite suite, ByteView premaster_secret,
               ByteView client_random, ByteView server_random);
    ~Protection();
    Protection(Protection&&) noexcept;
    Protection& operator=(Protection&&) noexcept;

    // verify_data of a side's Finished; `transcript` is every handshake message before it.
    Bytes verify_data(Side side, ByteView transcript) const;
    // One whole record from the server.
    Bytes seal(wire::ContentType type, ByteView plaintext);
    // The contents of the client's next record; nullopt when it was not protected with these keys.
    std::optional<Bytes> open(const wire::Record& record);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace handset::session
