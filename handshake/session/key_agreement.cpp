#include "handshake/session/key_agreement.h"

#include <mbedtls/bignum.h>
#include <mbedtls/dhm.h>
#include <mbedtls/ecdh.h>
#include <mbedtls/ecp.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <random>

namespace handset::session {
namespace {

constexpr std::size_t max_modulus_bytes = 1024;
constexpr std::size_t max_searched_bits = 2048;  // a tenth of a second; 4096 takes a quarter minute

int draw_random(void*, unsigned char* to, std::size_t length) {
    try {
        std::random_device device;
        for (std::size_t i = 0; i < length; ++i)
            to[i] = static_cast<unsigned char>(device());
        return 0;
    } catch (const std::exception&) {
        return MBEDTLS_ERR_ECP_RANDOM_FAILED;
    }
}

// A number of mbed TLS that frees itself.
struct Number {
    Number() { mbedtls_mpi_init(&value); }
    ~Number() { mbedtls_mpi_free(&value); }
    Number(const Number&) = delete;
    Number& operator=(const Number&) = delete;

    bool read(ByteView octets) {
        return mbedtls_mpi_read_binary(&value, octets.data(), octets.size()) == 0;
    }
    Bytes write(std::size_t length) const {
        Bytes octets(length);
        if (mbedtls_mpi_write_binary(&value, octets.data(), octets.size()) != 0) return {};
        return octets;
    }
    std::size_t size() const { return mbedtls_mpi_size(&value); }

    mbedtls_mpi value;
};

// Deterministic octets to draw primes from, so that a length has one prime.
int draw_counted(void* counter, unsigned char* to, std::size_t length) {
    auto& generator = *static_cast<std::mt19937*>(counter);
    for (std::size_t i = 0; i < length; ++i)
        to[i] = static_cast<unsigned char>(generator());
    return 0;
}

constexpr std::uint8_t rfc3526_2048[] = MBEDTLS_DHM_RFC3526_MODP_2048_P_BIN;
constexpr std::uint8_t rfc3526_3072[] = MBEDTLS_DHM_RFC3526_MODP_3072_P_BIN;
constexpr std::uint8_t rfc3526_4096[] = MBEDTLS_DHM_RFC3526_MODP_4096_P_BIN;

std::optional<Bytes> search_prime(std::size_t bits) {
    std::mt19937 generator(static_cast<unsigned>(bits));
    Number prime;
    if (mbedtls_mpi_gen_prime(&prime.value, bits, 0, draw_counted, &generator) != 0) {
        return std::nullopt;
    }
    return prime.write((bits + 7) / 8);
}

}  // namespace

struct KeyAgreement::State {
    bool curve = false;
    mbedtls_ecp_group group;
    Number secret;
    Number modulus;
    Bytes public_value;

    State() { mbedtls_ecp_group_init(&group); }
    ~State() { mbedtls_ecp_group_free(&group); }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    std::optional<Bytes> on_curve_with(ByteView clients_value) {
        mbedtls_ecp_point point;
        mbedtls_ecp_point_init(&point);
        Number shared;
        int status = mbedtls_ecp_point_read_binary(&group, &point, clients_value.data(),
                                                   clients_value.size());
        if (status == 0) status = mbedtls_ecp_check_pubkey(&group, &point);
        if (status == 0) {
            status = mbedtls_ecdh_compute_shared(&group, &shared.value, &point, &secret.value,
                                                 draw_random, nullptr);
        }
        mbedtls_ecp_point_free(&point);
        if (status != 0) return std::nullopt;
        const std::size_t length = (group.pbits + 7) / 8;
        if (mbedtls_ecp_get_type(&group) != MBEDTLS_ECP_TYPE_MONTGOMERY) {
            return shared.write(length);
        }
        Bytes octets(length);
        if (mbedtls_mpi_write_binary_le(&shared.value, octets.data(), octets.size()) != 0) {
            return std::nullopt;
        }
        return octets;
    }

    std::optional<Bytes> in_group_with(ByteView clients_value) {
        if (clients_value.size() > max_modulus_bytes) return std::nullopt;
        Number theirs;
        Number shared;
        if (!theirs.read(clients_value) ||
            mbedtls_mpi_exp_mod(&shared.value, &theirs.value, &secret.value, &modulus.value,
                                nullptr) != 0) {
            return std::nullopt;
        }
        return shared.write(shared.size());  // RFC 5246 8.1.2: without zeros in front
    }
};

KeyAgreement::KeyAgreement() : state_(std::make_unique<State>()) {}
KeyAgreement::~KeyAgreement() = default;
KeyAgreement::KeyAgreement(KeyAgreement&&) noexcept = default;
KeyAgreement& KeyAgreement::operator=(KeyAgreement&&) noexcept = default;

std::optional<KeyAgreement> KeyAgreement::on_curve(wire::NamedGroup group) {
    const mbedtls_ecp_curve_info* info =
        mbedtls_ecp_curve_info_from_tls_id(static_cast<std::uint16_t>(group));
    if (info == nullptr) return std::nullopt;
    KeyAgreement made;
    State& state = *made.state_;
    state.curve = true;
    mbedtls_ecp_point point;
    mbedtls_ecp_point_init(&point);
    Bytes octets(2 * MBEDTLS_ECP_MAX_BYTES + 1);
    std::size_t length = 0;
    int status = mbedtls_ecp_group_load(&state.group, info->grp_id);
    if (status == 0) {
        status = mbedtls_ecp_gen_keypair(&state.group, &state.secret.value, &point, draw_random,
                                         nullptr);
    }
    if (status == 0) {
        status = mbedtls_ecp_point_write_binary(&state.group, &point, MBEDTLS_ECP_PF_UNCOMPRESSED,
                                                &length, octets.data(), octets.size());
    }
    mbedtls_ecp_point_free(&point);
    if (status != 0) return std::nullopt;
    octets.resize(length);
    state.public_value = std::move(octets);
    return made;
}

std::optional<KeyAgreement> KeyAgreement::with_group(ByteView dh_p, ByteView dh_g) {
    if (dh_p.empty() || dh_p.size() > max_modulus_bytes || dh_g.size() > max_modulus_bytes) {
        return std::nullopt;
    }
    KeyAgreement made;
    State& state = *made.state_;
    Number generator;
    Number own;
    Bytes secret(std::min<std::size_t>(dh_p.size(), 32));
    // mbed TLS refuses an even modulus.
    if (draw_random(nullptr, secret.data(), secret.size()) != 0 || !state.secret.read(secret) ||
        !state.modulus.read(dh_p) || !generator.read(dh_g) ||
        mbedtls_mpi_exp_mod(&own.value, &generator.value, &state.secret.value, &state.modulus.value,
                            nullptr) != 0) {
        return std::nullopt;
    }
    state.public_value = own.write(dh_p.size());
    return made;
}

const Bytes& KeyAgreement::public_value() const {
    return state_->public_value;
}

std::optional<Bytes> KeyAgreement::premaster_secret(ByteView clients_value) const {
    return state_->curve ? state_->on_curve_with(clients_value)
                         : state_->in_group_with(clients_value);
}

std::optional<Bytes> dh_prime(std::size_t bits) {
    if (bits == 2048) return to_bytes(rfc3526_2048);
    if (bits == 3072) return to_bytes(rfc3526_3072);
    if (bits == 4096) return to_bytes(rfc3526_4096);
    if (bits < 16 || bits > max_searched_bits) return std::nullopt;
    static std::mutex mutex;
    static std::map<std::size_t, std::optional<Bytes>> known;
    const std::lock_guard lock(mutex);
    const auto found = known.find(bits);
    if (found != known.end()) return found->second;
    return known[bits] = search_prime(bits);
}

}  // namespace handset::session
