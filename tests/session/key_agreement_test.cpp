#include "handshake/session/key_agreement.h"

#include <mbedtls/bignum.h>

#include <catch2/catch.hpp>

using namespace handset;
using session::KeyAgreement;

namespace {

wire::NamedGroup curve(std::string_view name) {
    const auto found = wire::named_group_from_name(name);
    REQUIRE(found);
    return *found;
}

bool is_prime(ByteView octets) {
    mbedtls_mpi number;
    mbedtls_mpi_init(&number);
    REQUIRE(mbedtls_mpi_read_binary(&number, octets.data(), octets.size()) == 0);
    const auto any_random = [](void* state, unsigned char* to, std::size_t length) {
        auto& counter = *static_cast<unsigned*>(state);
        for (std::size_t i = 0; i < length; ++i)
            to[i] = static_cast<unsigned char>((counter = counter * 1664525 + 1013904223) >> 24);
        return 0;
    };
    unsigned counter = 7;
    const int status = mbedtls_mpi_is_prime_ext(&number, 20, any_random, &counter);
    mbedtls_mpi_free(&number);
    return status == 0;
}

std::size_t bits_of(ByteView octets) {
    std::size_t bits = octets.size() * 8;
    for (std::uint8_t mask = 0x80; mask != 0 && (octets.front() & mask) == 0; mask >>= 1)
        --bits;
    return bits;
}

}  // namespace

TEST_CASE("both sides of a curve come to the same secret, of the length of its field") {
    for (const auto& [name, point, secret] :
         {std::tuple{"secp192r1", 49U, 24U}, std::tuple{"secp224r1", 57U, 28U},
          std::tuple{"secp256r1", 65U, 32U}, std::tuple{"secp384r1", 97U, 48U},
          std::tuple{"secp521r1", 133U, 66U}, std::tuple{"secp256k1", 65U, 32U},
          std::tuple{"brainpoolP256r1", 65U, 32U}, std::tuple{"x25519", 32U, 32U}}) {
        CAPTURE(name);
        const auto server = KeyAgreement::on_curve(curve(name));
        const auto client = KeyAgreement::on_curve(curve(name));
        REQUIRE(server);
        REQUIRE(client);
        CHECK(server->public_value().size() == point);
        CHECK(server->public_value() != client->public_value());
        const auto shared = server->premaster_secret(client->public_value());
        REQUIRE(shared);
        CHECK(shared->size() == secret);
        CHECK(shared == client->premaster_secret(server->public_value()));
    }
}

TEST_CASE("curves that are not at hand are none") {
    CHECK_FALSE(KeyAgreement::on_curve(curve("sect163k1")));
    CHECK_FALSE(KeyAgreement::on_curve(wire::NamedGroup{0x1234}));
}

TEST_CASE("what is no point of the curve gives no secret") {
    const auto server = KeyAgreement::on_curve(curve("secp256r1"));
    REQUIRE(server);
    const auto other = KeyAgreement::on_curve(curve("secp256r1"));
    Bytes changed = other->public_value();
    changed.back() ^= 1;
    Bytes long_one = other->public_value();
    long_one.push_back(0);
    const Bytes short_one = to_bytes(ByteView(other->public_value()).first(64));
    for (const Bytes& point :
         {Bytes{}, Bytes{0}, Bytes{4}, Bytes(65, 0), Bytes(65, 0xff), Bytes(255, 4), changed,
          long_one, short_one, KeyAgreement::on_curve(curve("secp384r1"))->public_value()}) {
        CAPTURE(to_hex(point));
        CHECK_FALSE(server->premaster_secret(point));
    }
    const auto montgomery = KeyAgreement::on_curve(curve("x25519"));
    REQUIRE(montgomery);
    // Of low order (RFC 7748 6.1): the secret would be zero whoever computes it.
    Bytes one(32, 0);
    one[0] = 1;
    for (const Bytes& point : {Bytes{}, Bytes(31, 9), Bytes(33, 9), Bytes(32, 0), one}) {
        CAPTURE(to_hex(point));
        CHECK_FALSE(montgomery->premaster_secret(point));
    }
}

TEST_CASE("both sides of a group come to the same secret, without zeros in front") {
    for (const std::size_t bits : {512U, 1024U, 2048U}) {
        CAPTURE(bits);
        const auto prime = session::dh_prime(bits);
        REQUIRE(prime);
        const auto server = KeyAgreement::with_group(*prime, Bytes{2});
        const auto client = KeyAgreement::with_group(*prime, Bytes{2});
        REQUIRE(server);
        REQUIRE(client);
        CHECK(server->public_value().size() == prime->size());
        const auto shared = server->premaster_secret(client->public_value());
        REQUIRE(shared);
        CHECK(shared == client->premaster_secret(server->public_value()));
        CHECK(shared->front() != 0);
    }
}

TEST_CASE("a group is computed with as it stands") {
    // 23, a textbook's prime: of its 22 values one is 1, and small ones show the zeros in front.
    const auto tiny = KeyAgreement::with_group(Bytes{0, 23}, Bytes{5});
    REQUIRE(tiny);
    CHECK(tiny->public_value().size() == 2);
    CHECK(tiny->public_value().front() == 0);
    CHECK(tiny->premaster_secret(Bytes{1}) == Bytes{1});
    CHECK(tiny->premaster_secret(Bytes{0, 0, 1}) == Bytes{1});
    // Values outside of the group: 0 leaves nothing, one above the prime is reduced.
    CHECK(tiny->premaster_secret(Bytes{}) == Bytes{});
    CHECK(tiny->premaster_secret(Bytes{0}) == Bytes{});
    CHECK(tiny->premaster_secret(Bytes{24}) == Bytes{1});
    CHECK_FALSE(tiny->premaster_secret(Bytes(1025, 1)));
    // Not prime, the generator 1, as broken servers have it.
    const auto composite = KeyAgreement::with_group(Bytes(128, 0xff), Bytes{1});
    REQUIRE(composite);
    CHECK(composite->premaster_secret(Bytes{1}) == Bytes{1});
}

TEST_CASE("what cannot be computed with is no group") {
    CHECK_FALSE(KeyAgreement::with_group({}, Bytes{2}));
    CHECK_FALSE(KeyAgreement::with_group(Bytes{0}, Bytes{2}));
    CHECK_FALSE(KeyAgreement::with_group(Bytes{0x80}, Bytes{2}));      // even
    CHECK_FALSE(KeyAgreement::with_group(Bytes(1025, 1), Bytes{2}));   // too long
    CHECK_FALSE(KeyAgreement::with_group(Bytes{23}, Bytes(1025, 1)));  // too long
    const Bytes longest(1024, 0xff);
    const auto group = KeyAgreement::with_group(longest, Bytes{2});
    REQUIRE(group);
    CHECK(group->public_value().size() == 1024);
}

TEST_CASE("primes have the length asked for, are prime and stay the same") {
    for (const std::size_t bits :
         {16U, 17U, 512U, 768U, 1000U, 1023U, 1024U, 2048U, 3072U, 4096U}) {
        CAPTURE(bits);
        const auto prime = session::dh_prime(bits);
        REQUIRE(prime);
        CHECK(prime->size() == (bits + 7) / 8);
        CHECK(bits_of(*prime) == bits);
        CHECK(is_prime(*prime));
        CHECK(session::dh_prime(bits) == prime);
    }
    // RFC 3526 3
    CHECK(to_hex(*session::dh_prime(2048)).starts_with("ffffffffffffffffc90fdaa22168c234c4c6628b"));
    for (const std::size_t bits : {0U, 1U, 15U, 2049U, 4097U, 8192U})
        CHECK_FALSE(session::dh_prime(bits));
}
