// What the tests of the lab share: a correct chain to be shown under a script, and the octets of an
// exchange without a network.
#pragma once

#include "emulator/lab/exchange.h"
#include "handshake/wire/client_hello.h"

namespace handset::test {

inline std::filesystem::path keys_folder() {
    return std::filesystem::path(HANDSET_SOURCE_DIR) / "cases/keys";
}

inline lab::Shown shown(forge::Server server = {}, const std::string& key = "rsa2048-leaf") {
    forge::Recipes recipes = forge::correct_recipes();
    recipes.at("leaf").key = key;
    lab::Shown made;
    made.id = "test/scripted";
    made.host = "mail.example.test";
    for (const char* name : {"leaf", "intermediate"})
        made.chain.push_back(forge::make_certificate(recipes, name, keys_folder()));
    made.roots.push_back(forge::make_certificate(recipes, "root", keys_folder()));
    made.key = keys_folder() / (key + ".pem");
    made.server = std::move(server);
    return made;
}

inline lab::Exchange exchange_of(const lab::Shown& shows, lab::ExchangeLimits limits = {}) {
    return lab::Exchange([&shows](const std::string&) { return &shows; }, limits);
}

inline Bytes all_output(lab::Exchange& exchange) {
    Bytes all;
    while (const auto output = exchange.next_output())
        append(all, output->octets);
    return all;
}

inline wire::CipherSuite suite(std::string_view name) {
    return wire::cipher_suite_from_name(name).value();
}

inline Bytes record(wire::ContentType type, ByteView fragment,
                    wire::ProtocolVersion version = wire::ProtocolVersion::tls_1_0) {
    return wire::encode(wire::Record{type, version, to_bytes(fragment), 0});
}

// Without extensions, as clients had it before there were any.
inline Bytes old_hello(wire::ProtocolVersion version = wire::ProtocolVersion::tls_1_0,
                       std::vector<wire::CipherSuite> suites = {
                           suite("TLS_RSA_WITH_AES_128_CBC_SHA"),
                           suite("TLS_RSA_WITH_RC4_128_MD5")}) {
    wire::ClientHello hello;
    hello.client_version = version;
    hello.random = Bytes(32, 0xc1);
    hello.cipher_suites = std::move(suites);
    hello.compression_methods = {wire::CompressionMethod::null};
    return wire::encode_record(hello, wire::ProtocolVersion::tls_1_0);
}

}  // namespace handset::test
