#include "emulator/judge/path.h"
#include "emulator/judge/anchors.h"

#include <catch2/catch.hpp>

#include <fmt/format.h>

#include "handshake/crypto/digest.h"
#include "tests/judge/setting.h"

using namespace handset;
using namespace handset::judge;
using device::AnchorKind;
using device::Grade;
using device::PathOrder;
using device::SentSelfSigned;
using device::Store;
using device::StoreEntry;
using forge::Chain;
using forge::stated;

namespace {

Bytes sha256(ByteView octets) {
    return crypto::digest(crypto::HashAlgorithm::sha256, octets).value();
}

StoreEntry entry_of(const x509::Certificate& certificate) {
    StoreEntry entry;
    entry.sha256 = sha256(certificate.raw);
    entry.spki_sha256 = sha256(certificate.subject_public_key_info.raw);
    entry.ski = x509::find_value<x509::SubjectKeyIdentifier>(certificate, "subjectKeyIdentifier")
                    ->key_identifier;
    entry.subject = x509::to_string(certificate.subject);
    return entry;
}

device::Device with_order(PathOrder order) {
    device::Device device = forge::plain_device();
    device.path.order = stated(order);
    return device;
}
device::Device with_store() {
    device::Device device = with_order(PathOrder::any);
    device.trust.store_id = "test";
    device.trust.grade = Grade::documented;
    return device;
}
Question no_roots() {
    return {};
}

// Every path that reaches an anchor is taken to be valid.
Path path_of(const rules::Evidence& evidence, const device::Device& device, const Store* store,
             const Question& question) {
    SignatureCache signatures;
    const Anchors anchors(device, store, question);
    return build_path(evidence, device, anchors, question, signatures,
                      [](const Path&) { return true; });
}

std::vector<std::optional<std::size_t>> numbers_of(const Path& path) {
    std::vector<std::optional<std::size_t>> numbers;
    for (const PathCertificate& on_path : path.certificates)
        numbers.push_back(on_path.number);
    return numbers;
}
using Numbers = std::vector<std::optional<std::size_t>>;

}  // namespace

TEST_CASE("the path goes from the leaf to a given root") {
    const Chain chain;
    const Question question = forge::usual_question(chain);
    const auto evidence = chain.files({"leaf", "intermediate"});
    for (const PathOrder order : {PathOrder::any, PathOrder::as_sent}) {
        const Path path = path_of(evidence, with_order(order), nullptr, question);
        CHECK(path.trust == Trust::trusted);
        CHECK(path.anchor_known);
        CHECK(numbers_of(path) == Numbers{0, 1, std::nullopt});
    }
}

TEST_CASE("a chain out of order is put in order, or is not") {
    const Chain chain;
    const Question question = forge::usual_question(chain);
    const auto evidence = chain.files({"leaf", "root", "intermediate"});
    const Path any = path_of(evidence, with_order(PathOrder::any), nullptr, question);
    CHECK(any.trust == Trust::trusted);
    CHECK(any.certificates.size() == 3);
    CHECK(any.certificates[1].number == 2);
    const Path as_sent = path_of(evidence, with_order(PathOrder::as_sent), nullptr, question);
    CHECK(as_sent.trust != Trust::trusted);
    CHECK(numbers_of(as_sent) == Numbers{0});
}

TEST_CASE("the leaf comes first whatever the order, and unreadable ones are left out") {
    const Chain chain;
    const Question question = forge::usual_question(chain);
    const auto the_other_way_round = chain.files({"intermediate", "leaf"});
    const Path turned = path_of(the_other_way_round, with_order(PathOrder::any), nullptr, question);
    CHECK(turned.certificates.front().number == 0);
    CHECK(turned.certificates.front().certificate->subject.raw ==
          chain.certificate("intermediate").subject.raw);

    auto flight = forge::make_files({chain.der("leaf"), {0x30, 0x00}, chain.der("intermediate")});
    const Path around = path_of(rules::read(flight), with_order(PathOrder::any), nullptr, question);
    CHECK(around.trust == Trust::trusted);
    CHECK(numbers_of(around) == Numbers{0, 2, std::nullopt});

    flight.certificates.front() = {0x30, 0x00};
    const Path none = path_of(rules::read(flight), with_order(PathOrder::any), nullptr, question);
    CHECK(none.certificates.empty());
    CHECK(none.trust == Trust::no_issuer);
}

TEST_CASE("a missing intermediate leaves no issuer") {
    const Chain chain;
    const Path path = path_of(chain.files({"leaf"}), with_order(PathOrder::any), nullptr,
                              forge::usual_question(chain));
    CHECK(path.trust == Trust::no_issuer);
    CHECK_FALSE(path.anchor_known);
    CHECK(numbers_of(path) == Numbers{0});
}

TEST_CASE("what the store says of the sent root decides") {
    const Chain chain;
    const auto evidence = chain.files({"leaf", "intermediate", "root"});
    const StoreEntry root = entry_of(chain.certificate("root"));
    Store store;
    store.id = "test";
    const auto trust = [&](const Store* given) {
        return path_of(evidence, with_store(), given, no_roots()).trust;
    };
    SECTION("it is in the store") {
        store.members = {root};
        CHECK(trust(&store) == Trust::trusted);
    }
    SECTION("its key is in the store, in another certificate") {
        store.members = {root};
        store.members.front().sha256.assign(32, 7);
        CHECK(trust(&store) == Trust::trusted);
    }
    SECTION("a complete store lacks it") {
        CHECK(trust(&store) == Trust::missing);
    }
    SECTION("a partial store says nothing of it") {
        store.complete = false;
        CHECK(trust(&store) == Trust::undetermined);
    }
    SECTION("a partial store says it is absent") {
        store.complete = false;
        store.absent = {root};
        CHECK(trust(&store) == Trust::missing);
    }
    SECTION("there is no store") {
        CHECK(trust(nullptr) == Trust::undetermined);
    }
    SECTION("only an assumption names the store") {
        device::Device device = with_store();
        device.trust.grade = Grade::assumed;
        CHECK(path_of(evidence, device, &store, no_roots()).trust == Trust::undetermined);
    }
}

TEST_CASE("a root that was not sent is looked for by its name") {
    const Chain chain;
    const auto evidence = chain.files({"leaf", "intermediate"});
    StoreEntry root = entry_of(chain.certificate("root"));
    Store store;
    store.id = "test";
    const auto build = [&] { return path_of(evidence, with_store(), &store, no_roots()); };
    SECTION("it is in the store, its key is not at hand") {
        store.members = {root};
        const Path path = build();
        CHECK(path.trust == Trust::trusted);
        CHECK_FALSE(path.anchor_known);
        CHECK(numbers_of(path) == Numbers{0, 1});
    }
    SECTION("the store holds another key of that name") {
        root.ski.back() ^= 1;
        store.members = {root};
        CHECK(build().trust == Trust::no_issuer);
        store.complete = false;
        CHECK(build().trust == Trust::undetermined);
    }
    SECTION("the store says it is absent") {
        store.complete = false;
        store.absent = {root};
        CHECK(build().trust == Trust::missing);
    }
    SECTION("a complete store lacks it") {
        CHECK(build().trust == Trust::no_issuer);
    }
}

TEST_CASE("given roots replace the store, installed ones join it") {
    const Chain chain;
    const auto evidence = chain.files({"leaf", "intermediate"});
    Store store;
    store.id = "test";
    store.members = {entry_of(chain.certificate("root"))};
    device::Device device = with_store();
    Question question;
    SECTION("roots") {
        question.roots.emplace().push_back(chain.certificate("foreign-root"));
        CHECK(path_of(evidence, device, &store, question).trust == Trust::no_issuer);
    }
    SECTION("an installed root") {
        store.members.clear();
        question.installed_roots.push_back({chain.certificate("root")});
        CHECK(path_of(evidence, device, &store, question).trust == Trust::trusted);
        CHECK(path_of(evidence, device, &store, no_roots()).trust == Trust::no_issuer);
    }
    SECTION("an installed root where users cannot install any") {
        store.members.clear();
        question.installed_roots.push_back({chain.certificate("root")});
        device.trust.users_install_roots = stated(false);
        CHECK(path_of(evidence, device, &store, question).trust == Trust::no_issuer);
    }
    SECTION("an installed root beside an unknown store") {
        question.installed_roots.push_back({chain.certificate("root")});
        CHECK(path_of(evidence, forge::plain_device(), nullptr, question).trust == Trust::trusted);
        question.installed_roots.front() = {chain.certificate("foreign-root")};
        CHECK(path_of(evidence, forge::plain_device(), nullptr, question).trust ==
              Trust::undetermined);
    }
}

TEST_CASE("a device may take anchors that are not self-signed") {
    const Chain chain;
    const auto evidence = chain.files({"leaf", "intermediate"});
    Question question;
    question.roots.emplace().push_back(chain.certificate("intermediate"));
    device::Device device = with_order(PathOrder::any);
    device.path.anchors = stated(AnchorKind::any);
    const Path path = path_of(evidence, device, nullptr, question);
    CHECK(path.trust == Trust::trusted);
    CHECK(numbers_of(path) == Numbers{0, 1});
    CHECK(path.anchor_known);
    device.path.anchors = stated(AnchorKind::self_signed);
    CHECK(path_of(evidence, device, nullptr, question).trust == Trust::no_issuer);
}

TEST_CASE("a self-signed certificate that was sent may be dropped") {
    const Chain chain;
    device::Device device = with_order(PathOrder::any);
    device.path.sent_self_signed = stated(SentSelfSigned::dropped);
    const auto evidence = chain.files({"leaf", "intermediate", "root"});
    CHECK(path_of(evidence, device, nullptr, forge::usual_question(chain)).trust == Trust::trusted);
    // It shows which anchor is missing all the same.
    Question question;
    question.roots.emplace().push_back(chain.certificate("foreign-root"));
    const Path path = path_of(evidence, device, nullptr, question);
    CHECK(path.trust == Trust::missing);
    CHECK(path.certificates.back().number == 2);
    // A self-signed leaf is not dropped.
    const Path alone =
        path_of(chain.files({"unrelated"}), device, nullptr, forge::usual_question(chain));
    CHECK(alone.trust == Trust::missing);
    CHECK(numbers_of(alone) == Numbers{0});
}

TEST_CASE("a cross-signed root opens a second way") {
    const Chain chain;
    const auto evidence = chain.files({"leaf", "intermediate", "cross-root"});
    const device::Device device = with_order(PathOrder::any);
    Question question;
    question.roots.emplace().push_back(chain.certificate("foreign-root"));
    const Path over_cross = path_of(evidence, device, nullptr, question);
    CHECK(over_cross.trust == Trust::trusted);
    CHECK(numbers_of(over_cross) == Numbers{0, 1, 2, std::nullopt});
    // Backtracking: the other branch ends nowhere.
    const Path short_way = path_of(evidence, device, nullptr, forge::usual_question(chain));
    CHECK(short_way.trust == Trust::trusted);
}

TEST_CASE("certificates that issue each other do not make a loop") {
    Chain chain;
    chain.recipes["other-intermediate"].issued_by = "intermediate";
    chain.recipes["intermediate"].issued_by = "other-intermediate";
    const auto evidence = chain.files({"leaf", "intermediate", "other-intermediate"});
    const Path path =
        path_of(evidence, with_order(PathOrder::any), nullptr, forge::usual_question(chain));
    CHECK(path.trust == Trust::no_issuer);
    CHECK(path.certificates.size() == 3);
    CHECK_FALSE(path.budget_exhausted);
}

TEST_CASE("as many certificates as are read, in the worst order") {
    Chain chain;
    forge::Recipe& recipe = chain.recipes["link"];
    recipe = chain.recipes["intermediate"];
    recipe.subject = {"CN=0000"};
    recipe.issuer = {{"CN=0001"}};
    const Bytes original = chain.der("link");
    const x509::Certificate read = forge::decoded(original);
    const auto numbered = [&](int number) {
        Bytes copy = original;
        const auto write = [&](const x509::Name& name, int value) {
            const std::string digits = fmt::format("{:04}", value);
            std::ranges::copy(digits, copy.begin() + static_cast<std::ptrdiff_t>(
                                                         name.rdns[0][0].value_place.offset));
        };
        write(read.subject, number);
        write(read.issuer, number + 1);
        return copy;
    };
    std::vector<Bytes> sent{numbered(0)};
    for (int i = 199; i > 0; --i)
        sent.push_back(numbered(i));
    const auto evidence = rules::read(forge::make_files(sent));
    // All but the last one, of which nothing above is there, lie in front of what they issued.
    CHECK(std::ranges::count(evidence.findings, "chain-wrong-order", &rules::Finding::rule) == 199);
    const Path path =
        path_of(evidence, with_order(PathOrder::any), nullptr, forge::usual_question(chain));
    CHECK(path.trust != Trust::trusted);
    CHECK(path.certificates.size() == rules::max_chain_length);
}

TEST_CASE("hundreds of look-alike certificates stay within the budget") {
    Chain chain;
    // All bear one name as subject and issuer, so that each could have issued each.
    forge::Recipe& twin = chain.recipes["twin"];
    twin = chain.recipes["intermediate"];
    twin.subject = {"CN=Twin"};
    twin.issued_by = "twin";
    chain.recipes["leaf"].issued_by = "twin";
    // Another spelling, so that it is not taken for self-issued.
    forge::Operation spelling;
    spelling.at = "tbsCertificate.subject.commonName.value";
    spelling.identifier = 0x13;
    twin.before_signing = {spelling};
    std::vector<Bytes> sent{chain.der("leaf")};
    const Bytes original = chain.der("twin");
    const auto place = chain.certificate("twin").serial_number.place;
    for (int i = 0; i < 300; ++i) {
        Bytes copy = original;
        copy[place.offset + 2] = static_cast<std::uint8_t>(i / 100 + 1);
        copy[place.offset + 3] = static_cast<std::uint8_t>(i % 100);
        sent.push_back(std::move(copy));
    }
    const auto evidence = rules::read(forge::make_files(sent));
    const Path path =
        path_of(evidence, with_order(PathOrder::any), nullptr, forge::usual_question(chain));
    CHECK(path.trust == Trust::no_issuer);
    CHECK(path.budget_exhausted);
    CHECK(path.certificates.size() == rules::max_chain_length);
    const Verdict verdict =
        judge::judge(forge::strict_device(), nullptr, evidence, forge::usual_question(chain));
    CHECK(verdict.outcome == Outcome::fails);
}
