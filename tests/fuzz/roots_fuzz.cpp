// Stores of roots of any content: JKS, JCEKS, BKS, .sst, PKCS #12, NSS's SQLite, lists of
// fingerprints, and whatever else a file may hold. Properties: roots or one line for the user,
// never both nor neither; what is said to be in a store is in it, once; who trusts a certificate
// has it.
#include <algorithm>
#include <cstdlib>
#include <optional>
#include <set>

#include "emulator/flight/roots.h"
#include "handshake/crypto/digest.h"
#include "handshake/crypto/keystore.h"

using namespace handset;

namespace {
void demand(bool truth) {
    if (!truth) std::abort();
}

void demand_line(const std::string& line) {
    demand(line.starts_with("x: ") && line.size() > 3);
    demand(line.find('\n') == std::string::npos && line.find('\x1b') == std::string::npos);
}

void demand_entry(const device::StoreEntry& entry) {
    demand(!entry.sha1.empty() || !entry.sha256.empty());
    demand(entry.sha1.empty() || entry.sha1.size() == 20);
    demand(entry.sha256.empty() || entry.sha256.size() == 32);
    for (const std::string* date : {&entry.not_before, &entry.not_after})
        demand(date->empty() || date->size() == 10);
    demand(printable_utf8(entry.subject) == entry.subject);
}

void demand_in(const std::vector<crypto::StoredCertificate>& stored, std::size_t size) {
    std::size_t total = 0;
    for (const auto& certificate : stored)
        total += certificate.der.size();
    demand(total < size);
}

std::optional<flight::Roots> read(ByteView bytes, flight::Wanted wanted) {
    try {
        flight::Roots roots = flight::decode_roots(bytes, "x", "", wanted);
        demand(!roots.empty());
        std::set<Bytes> seen;
        for (const auto& certificate : roots.certificates)
            demand(seen.insert(certificate.raw).second);
        for (const device::StoreEntry& entry : roots.listed)
            demand_entry(entry);
        demand(roots.listed.empty() || wanted == flight::Wanted::anchors);
        for (const std::string& note : roots.notes)
            demand_line(note);
        return roots;
    } catch (const flight::FileError& error) {
        demand_line(error.what());
        return std::nullopt;
    }
}
// Everything about one store that is no PKCS #12.
void check(ByteView bytes) {
    const auto anchors = read(bytes, flight::Wanted::anchors);
    const auto all = read(bytes, flight::Wanted::certificates);
    if (!anchors || anchors->certificates.empty()) return;
    demand(all.has_value());
    for (const auto& anchor : anchors->certificates)
        demand(std::ranges::find(all->certificates, anchor.raw, &x509::Certificate::raw) !=
               all->certificates.end());
}

// A store of the JDK whose digest fits, so that what was changed in it is looked at.
Bytes with_right_digest(ByteView store) {
    Bytes out = to_bytes(store.first(store.size() - 20));
    Bytes hashed = crypto::utf16_password("changeit");
    append(hashed, view_of("Mighty Aphrodite"));
    append(hashed, out);
    append(out, *crypto::digest(crypto::HashAlgorithm::sha1, hashed));
    return out;
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView bytes(data, size);
    // Whatever is in a key store, its integrity aside, was in its octets.
    if (const auto stored = crypto::decode_keystore(bytes, "changeit")) demand_in(*stored, size);
    // Key derivation takes as long as a file asks for; a little of it shows as much.
    if (flight::is_pkcs12(bytes)) {
        const auto stored = crypto::decode_pkcs12_store(bytes, "changeit", 20);
        if (stored) demand_in(*stored, size);
        return 0;
    }
    check(bytes);
    const auto kind = crypto::keystore_kind_of(bytes);
    if (size > 20 && kind && *kind != crypto::KeystoreKind::bks) check(with_right_digest(bytes));
    return 0;
}
