#include "emulator/lab/pem.h"

namespace handset::lab {

namespace {

std::string pem(ByteView der) {
    static constexpr char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text = "-----BEGIN CERTIFICATE-----\n";
    std::size_t column = 0;
    for (std::size_t i = 0; i < der.size(); i += 3) {
        std::uint32_t group = 0;
        for (std::size_t j = 0; j < 3; ++j)
            group = group << 8 | (i + j < der.size() ? der[i + j] : 0U);
        for (std::size_t j = 0; j < 4; ++j) {
            text += i + j > der.size() ? '=' : digits[(group >> (18 - 6 * j)) & 63];
        }
        if ((column += 4) == 64) {
            text += '\n';
            column = 0;
        }
    }
    if (column > 0) text += '\n';
    return text + "-----END CERTIFICATE-----\n";
}

}  // namespace

std::string to_pem(const std::vector<Bytes>& certificates) {
    std::string text;
    for (const Bytes& certificate : certificates)
        text += pem(certificate);
    return text;
}

}  // namespace handset::lab
