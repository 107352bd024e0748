// Certificate files of any content: PEM, DER, PKCS #7, PKCS #12. Properties: certificates or one
// line for the user, never both nor neither; what comes out of a file is in it.
#include <cstdlib>

#include "emulator/flight/files.h"
#include "handshake/crypto/pkcs12.h"

using namespace handset;

namespace {
void demand(bool truth) {
    if (!truth) std::abort();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView bytes(data, size);
    // Key derivation takes as long as the file asks for; a little of it shows as much.
    (void)crypto::decode_pkcs12_certificates(bytes, "", 20);
    try {
        const auto certificates = flight::decode_certificates(bytes, "x");
        demand(!certificates.empty());
        std::size_t total = 0;
        for (const Bytes& certificate : certificates) {
            demand(!certificate.empty());
            total += certificate.size();
        }
        demand(total <= size);
    } catch (const flight::FileError& error) {
        const std::string line = error.what();
        demand(line.starts_with("x: ") && line.size() > 3);
        demand(line.find('\n') == std::string::npos && line.find('\x1b') == std::string::npos);
    }
    return 0;
}
