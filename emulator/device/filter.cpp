#include "emulator/device/filter.h"

#include <algorithm>

#include "emulator/device/group.h"
#include "handshake/base/time.h"

namespace handset::device {

namespace {

template <typename T>
const T* known(const Stated<T>& stated) {
    return stated && stated->grade != Grade::assumed ? &stated->value : nullptr;
}

Known yes_if(bool condition) {
    return condition ? Known::yes : Known::no;
}

template <typename T>
Known lists(const Stated<std::vector<T>>& stated, const T& value) {
    const auto* const values = known(stated);
    return values ? yes_if(std::ranges::find(*values, value) != values->end()) : Known::open;
}

bool compares_no_name(const Device& device) {
    const bool* const checked = known(device.names.checked);
    return checked && !*checked;
}

bool is_ecdsa_suite(wire::CipherSuite suite) {
    const wire::CipherSuiteInfo* const info = wire::find_cipher_suite(suite);
    return info && (info->key_exchange == wire::KeyExchange::ecdh_ecdsa ||
                    info->key_exchange == wire::KeyExchange::ecdhe_ecdsa ||
                    info->key_exchange == wire::KeyExchange::tls13);
}

// In SSLv2 framing the suites of TLS are those of three octets that begin with zero.
bool offers_ecdsa(const ClientHello& hello) {
    return std::ranges::any_of(hello.cipher_suites, is_ecdsa_suite) ||
           std::ranges::any_of(hello.cipher_specs, [](std::uint32_t spec) {
               return spec <= 0xffff &&
                      is_ecdsa_suite(wire::CipherSuite{static_cast<std::uint16_t>(spec)});
           });
}

Known supports_ecdsa(const Device& device) {
    const ClientHello& hello = device.client_hello;
    if (hello.grade != Grade::assumed && !offers_ecdsa(hello)) return Known::no;
    return lists(device.certificate.key_types, std::string("ec"));
}

Known supports_san(const Device& device) {
    if (compares_no_name(device)) return Known::yes;
    const SanRule* const rule = known(device.names.san);
    return rule ? yes_if(*rule != SanRule::none) : Known::open;
}

// Of a place where a name can stand: whether a wildcard counts there.
Known wildcard_counts(bool place_counts, const Stated<Wildcard>& stated) {
    if (!place_counts) return Known::no;
    const Wildcard* const rule = known(stated);
    return rule ? yes_if(*rule != Wildcard::none) : Known::open;
}

Known supports_wildcard(const Device& device) {
    if (compares_no_name(device)) return Known::yes;
    const NameRules& names = device.names;
    const SanRule* const san_rule = known(names.san);
    const CnRule* const cn_rule = known(names.cn);
    const Known san = wildcard_counts(!san_rule || *san_rule != SanRule::none, names.san_wildcard);
    const Known cn = wildcard_counts(!cn_rule || *cn_rule != CnRule::never, names.cn_wildcard);
    if ((san == Known::yes && san_rule) || (cn == Known::yes && cn_rule)) return Known::yes;
    return san == Known::no && cn == Known::no ? Known::no : Known::open;
}

// A hello of an earlier version asks for no TLS 1.2, whatever else is silent.
Known supports_tls_1_2(const Device& device) {
    const ClientHello& hello = device.client_hello;
    if (hello.grade != Grade::assumed && hello.client_version < wire::ProtocolVersion::tls_1_2) {
        return Known::no;
    }
    return lists(device.server_hello.versions, wire::ProtocolVersion::tls_1_2);
}

// The days that "2007" or "2007-04" may stand for; nullopt for what is no date.
std::optional<Span> days_of(std::string_view text) {
    const auto exists = [](const std::string& day) {
        return day.size() == 10 && parse_rfc3339(day).has_value();
    };
    if (text.size() != 4 && text.size() != 7 && text.size() != 10) return std::nullopt;
    const std::string first = std::string(text) + std::string("0000-01-01").substr(text.size());
    if (!exists(first)) return std::nullopt;
    if (text.size() == 4) return Span{first, std::string(text) + "-12-31"};
    if (text.size() == 10) return Span{first, first};
    for (const char* const day : {"-31", "-30", "-29"}) {
        if (exists(std::string(text) + day)) return Span{first, std::string(text) + day};
    }
    return Span{first, std::string(text) + "-28"};
}

}  // namespace

Known supports(const Device& device, Feature feature) {
    switch (feature) {
        case Feature::sni:
            if (device.client_hello.grade == Grade::assumed) return Known::open;
            return yes_if(device.client_hello.server_name != ServerNameRule::none);
        case Feature::san:
            return supports_san(device);
        case Feature::sha256:
            return lists(device.certificate.signature_algorithms,
                         *x509::oid_from_name("sha256WithRSAEncryption"));
        case Feature::ecdsa:
            return supports_ecdsa(device);
        case Feature::wildcard:
            return supports_wildcard(device);
        case Feature::tls_1_2:
            return supports_tls_1_2(device);
    }
    return Known::open;
}

std::optional<Span> span_from(std::string_view text) {
    const auto dots = text.find("..");
    if (dots == std::string_view::npos) return days_of(text);
    const std::string_view from = text.substr(0, dots);
    const std::string_view to = text.substr(dots + 2);
    if (from.empty() && to.empty()) return std::nullopt;
    Span span{"0000-01-01", "9999-12-31"};
    if (!from.empty()) {
        const auto days = days_of(from);
        if (!days) return std::nullopt;
        span.first = days->first;
    }
    if (!to.empty()) {
        const auto days = days_of(to);
        if (!days) return std::nullopt;
        span.last = days->last;
    }
    return span.first <= span.last ? std::optional(span) : std::nullopt;
}

bool released_within(const Device& device, const Span& span) {
    const auto days = days_of(device.released);
    return days && days->first <= span.last && span.first <= days->last;
}

bool is_of_family(const Device& device, std::string_view wanted) {
    const std::string family = in_small_letters(device.family);
    const std::string small = in_small_letters(wanted);
    return is_pattern(small) ? matches(small, family) : family.find(small) != std::string::npos;
}

std::string in_small_letters(std::string_view text) {
    std::string small(text);
    for (char& c : small) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return small;
}

}  // namespace handset::device
