// From a case to a verdict: devices, stores, questions and certificates for tests that judge.
// Deliberately not done here: expecting anything.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "emulator/device/load.h"
#include "emulator/device/words.h"
#include "emulator/forge/case.h"
#include "emulator/judge/judge.h"
#include "handshake/crypto/digest.h"

namespace handset::forge {

inline std::filesystem::path source_folder() {
    return HANDSET_SOURCE_DIR;
}
inline std::filesystem::path keys_folder() {
    return source_folder() / "cases" / "keys";
}

// A profile as shipped, with its store (nullptr: it names none). Loaded once.
struct Shipped {
    device::Device device;
    const device::Store* store = nullptr;
};
inline const device::Store* shipped_store(const device::Device& device) {
    static std::map<std::string, device::Store> stores;
    if (!device.trust.store_id) return nullptr;
    const std::string& id = *device.trust.store_id;
    const auto known = stores.find(id);
    if (known != stores.end()) return &known->second;
    return &stores
                .emplace(id, device::load_store(source_folder() / "profiles" / "stores" /
                                                (id + ".yaml")))
                .first->second;
}
inline const Shipped& shipped(const std::string& id) {
    static std::map<std::string, Shipped> devices;
    const auto known = devices.find(id);
    if (known != devices.end()) return known->second;
    Shipped loaded{device::load_device(source_folder() / "profiles" / (id + ".yaml")), nullptr};
    loaded.store = shipped_store(loaded.device);
    return devices.emplace(id, std::move(loaded)).first->second;
}

inline x509::Certificate decoded(const Bytes& der) {
    return x509::decode_certificate(der).value();
}

inline judge::Question question_of(const Case& from) {
    judge::Question question;
    question.host = from.question.host;
    question.at = parse_rfc3339(from.question.at).value();
    question.msstd = from.question.msstd;
    const auto make = [&](const std::string& name) {
        return decoded(make_certificate(from.recipes, name, keys_folder()));
    };
    const auto format = device::from_word<device::RootFormat>(from.question.installed_format);
    for (const std::string& name : from.question.install_root)
        question.installed_roots.push_back({make(name), format.value()});
    for (const std::string& name : from.question.aia)
        question.aia.push_back(make(name));
    for (const std::string& name : from.question.known_roots)
        question.known_roots.push_back(make(name));
    if (from.question.roots) {
        question.roots.emplace();
        for (const std::string& name : *from.question.roots)
            question.roots->push_back(make(name));
    }
    return question;
}

inline device::StoreEntry entry_of(const Case& from, const std::string& name) {
    const x509::Certificate root = decoded(make_certificate(from.recipes, name, keys_folder()));
    const auto hash = [](crypto::HashAlgorithm algorithm, ByteView octets) {
        return crypto::digest(algorithm, octets).value();
    };
    device::StoreEntry entry;
    entry.subject = x509::to_string(root.subject);
    switch (from.store->by) {
        case KnownBy::sha256:
            entry.sha256 = hash(crypto::HashAlgorithm::sha256, root.raw);
            break;
        case KnownBy::sha1:
            entry.sha1 = hash(crypto::HashAlgorithm::sha1, root.raw);
            break;
        case KnownBy::key:
            entry.spki_sha256 =
                hash(crypto::HashAlgorithm::sha256, root.subject_public_key_info.raw);
            break;
        case KnownBy::name:
            break;
    }
    return entry;
}

inline device::Store store_of(const Case& from) {
    device::Store store;
    store.id = "test";
    store.complete = from.store->complete;
    for (const std::string& name : from.store->members)
        store.members.push_back(entry_of(from, name));
    for (const std::string& name : from.store->absent)
        store.absent.push_back(entry_of(from, name));
    return store;
}

struct Judged {
    wire::Flight flight;
    rules::Evidence evidence;
    judge::Verdict verdict;
};
inline Judged judge_case(const Case& from) {
    Judged judged;
    judged.flight = make_flight(from, keys_folder());
    judged.evidence = rules::read(judged.flight);
    const judge::Question question = question_of(from);
    if (from.profile.empty()) {
        const Shipped& device = shipped(from.device);
        judged.verdict = judge::judge(device.device, device.store, judged.evidence, question);
    } else {
        const device::Device device = device::parse_device(from.profile, "test.yaml");
        const std::optional<device::Store> own =
            from.store ? std::optional(store_of(from)) : std::nullopt;
        judged.verdict =
            judge::judge(device, own ? &*own : shipped_store(device), judged.evidence, question);
    }
    return judged;
}

inline const judge::Reason* find_reason(const judge::Verdict& verdict, std::string_view rule) {
    for (const judge::Reason& reason : verdict.reasons) {
        if (reason.finding.rule == rule) return &reason;
    }
    return nullptr;
}

}  // namespace handset::forge
