#include "emulator/device/roots.h"

#include <catch2/catch.hpp>

using namespace handset;
using namespace handset::device;

namespace {

StoreEntry root(std::uint8_t number, std::string subject) {
    StoreEntry entry;
    entry.sha256 = Bytes(32, number);
    entry.subject = std::move(subject);
    return entry;
}

Store store(std::string id, std::vector<StoreEntry> members, bool complete = true) {
    Store made;
    made.id = std::move(id);
    made.complete = complete;
    made.members = std::move(members);
    return made;
}

Device with_store(Grade grade = Grade::documented) {
    Device device;
    device.trust.store_id = "a";
    device.trust.grade = grade;
    return device;
}

std::vector<std::string> subjects(const std::vector<RootFound>& roots) {
    std::vector<std::string> result;
    for (const RootFound& each : roots)
        result.push_back(each.root.subject);
    return result;
}

}  // namespace

TEST_CASE("a fingerprint or part of a subject") {
    CHECK(root_wanted(std::string(64, 'A')) == RootWanted(RootFingerprint{Bytes(32, 0xaa)}));
    CHECK(root_wanted(std::string(40, 'b')) == RootWanted(RootFingerprint{Bytes(20, 0xbb)}));
    std::string colons = "0a";
    for (int i = 1; i < 32; ++i)
        colons += i % 2 == 0 ? ":0A" : " 0a";
    CHECK(root_wanted(colons) == RootWanted(RootFingerprint{Bytes(32, 0x0a)}));
    CHECK(root_wanted("GlobalSign Root") == RootWanted(RootSubject{"globalsign root"}));
    CHECK(root_wanted("CAFE") == RootWanted(RootSubject{"cafe"}));
    CHECK_THROWS_AS(root_wanted(""), std::invalid_argument);
    CHECK_THROWS_AS(root_wanted(": :"), std::invalid_argument);
    CHECK_THROWS_WITH(root_wanted(std::string(62, '0')),
                      "a fingerprint of 31 octets; SHA-1 has 20, SHA-256 32");
}

TEST_CASE("roots of several stores, each once") {
    StoreEntry more = root(1, "CN=Alpha,O=Some CA");
    more.sha1 = Bytes(20, 9);
    more.not_after = "2020-01-01";
    const Store a = store("a", {root(1, "CN=Alpha,O=Some CA"), root(2, "CN=Gamma")});
    Store b = store("b", {root(3, "CN=beta,O=SOME ca"), more}, false);
    b.absent = {root(2, "CN=Gamma")};
    const std::vector<const Store*> stores = {&a, &b};

    const auto some = find_roots(root_wanted("some CA"), stores);
    CHECK(subjects(some) == std::vector<std::string>{"CN=Alpha,O=Some CA", "CN=beta,O=SOME ca"});
    CHECK(some[0].stores == std::vector<std::string>{"a", "b"});
    CHECK(some[0].root == more);
    CHECK(some[1].stores == std::vector<std::string>{"b"});

    const auto gamma = find_roots(RootFingerprint{Bytes(32, 2)}, stores);
    REQUIRE(gamma.size() == 1);
    CHECK(gamma[0].stores == std::vector<std::string>{"a"});
    CHECK(find_roots(RootFingerprint{Bytes(20, 9)}, stores).size() == 1);
    CHECK(find_roots(RootFingerprint{Bytes(32, 7)}, stores).empty());
    CHECK(find_roots(root_wanted("delta"), stores).empty());
}

TEST_CASE("which device knows a root") {
    const StoreEntry alpha = root(1, "CN=Alpha");
    const StoreEntry beta = root(2, "CN=Beta");
    const Store whole = store("a", {alpha});
    CHECK(knows_root(with_store(), &whole, alpha) == Known::yes);
    CHECK(knows_root(with_store(), &whole, beta) == Known::no);
    // A guess is silence about what is not there.
    CHECK(knows_root(with_store(Grade::assumed), &whole, beta) == Known::open);

    Store part = store("a", {alpha}, false);
    CHECK(knows_root(with_store(), &part, beta) == Known::open);
    part.absent = {beta};
    CHECK(knows_root(with_store(), &part, beta) == Known::no);

    CHECK(knows_root(Device{}, nullptr, alpha) == Known::open);
    Device strict;
    strict.otherwise = Tolerance{Action::refuse, "all", "here", Grade::documented};
    CHECK(knows_root(strict, nullptr, alpha) == Known::no);

    // Issued again with the same key.
    StoreEntry again = root(3, "CN=Alpha");
    again.spki_sha256 = Bytes(32, 5);
    CHECK(knows_root(with_store(), &whole, again) == Known::no);
    Store with_key = whole;
    with_key.members[0].spki_sha256 = Bytes(32, 5);
    CHECK(knows_root(with_store(), &with_key, again) == Known::yes);
}
