#include "emulator/device/compare.h"

#include <catch2/catch.hpp>

#include "emulator/device/load.h"

using namespace handset;
using namespace handset::device;

namespace {

const std::filesystem::path profiles = std::filesystem::path(HANDSET_SOURCE_DIR) / "profiles";

std::string profile(const std::string& more, const std::string& suites = "0x0005, 0x000a") {
    return "format: 1\nname: X\nvendor: X\nfamily: X\nkind: library\nreleased: 2007\nstatus: "
           "draft\n"
           "sources:\n  s: {grade: reported, what: w, where: w, retrieved: 2020-01-01}\n"
           "client_hello:\n  source: s\n  framing: tls\n  record_version: TLS 1.0\n"
           "  client_version: TLS 1.0\n  cipher_suites: [" +
           suites + "]\n  compression_methods: [null]\n" + more;
}

std::vector<ComparedStatement> compared(const std::string& a, const std::string& b) {
    const std::vector<Device> devices = {parse_device(a, "a.yaml"), parse_device(b, "b.yaml")};
    return compare(devices);
}

std::vector<std::string> differing(const std::vector<ComparedStatement>& statements) {
    std::vector<std::string> keys;
    for (const ComparedStatement& statement : statements) {
        if (statement.differs) keys.push_back(statement.key);
    }
    return keys;
}

}  // namespace

TEST_CASE("equal profiles differ in nothing") {
    const std::string same = profile("names: {source: s, checked: true}\n");
    const auto statements = compared(same, same);
    CHECK(differing(statements).empty());
    CHECK(statements.back().key == "names.checked");
    CHECK(statements.back().by_device[0]->value == "yes");
    CHECK(statements.back().by_device[1]->grade == Grade::reported);
}

TEST_CASE("hellos differ in their parts, silence differs from a statement") {
    const auto statements =
        compared(profile("names: {source: s, checked: true, cn: always}\n", "0x0005, 0x000a"),
                 profile("certificate: {source: s, rsa_bits: any}\n"
                         "names: {source: s, checked: false}\n",
                         "0x000a, 0x0005"));
    CHECK(differing(statements) == std::vector<std::string>{"client_hello.cipher_suites",
                                                            "certificate.rsa_bits", "names.checked",
                                                            "names.cn"});
    const ComparedStatement& cn = statements.back();
    REQUIRE(cn.by_device.size() == 2);
    CHECK(cn.by_device[0]->value == "always");
    CHECK_FALSE(cn.by_device[1].has_value());
}

TEST_CASE("responses are compared by what is seen of them, not by their ids") {
    const auto refusing = [](const std::string& id, const std::string& code) {
        return profile("responses:\n  " + id +
                       ": {source: s, alert: bad_certificate, code: " + code +
                       "}\ntolerances:\n  extension-san-critical: {source: s, action: "
                       "refuse, response: " +
                       id + "}\n");
    };
    CHECK(differing(compared(refusing("one", "'-1'"), refusing("two", "'-1'"))).empty());
    const auto statements = compared(refusing("one", "'-1'"), refusing("one", "'-2'"));
    CHECK(differing(statements) == std::vector<std::string>{"tolerances.extension-san-critical"});
    CHECK(statements.back().by_device[1]->value == "refuse, alert bad_certificate, code -2");
}

TEST_CASE("the order of noticing, with its loop in brackets") {
    const auto ordered = [](const std::string& steps) {
        return profile("order: {source: s, steps: " + steps + "}\n");
    };
    const auto statements =
        compared(ordered("[path, [validity, signature]]"), ordered("[path, validity, signature]"));
    CHECK(differing(statements) == std::vector<std::string>{"order.steps"});
    const auto steps = std::find_if(statements.begin(), statements.end(),
                                    [](const auto& each) { return each.key == "order.steps"; });
    CHECK(steps->by_device[0]->value.substr(0, 28) == "path, [validity, signature],");
    CHECK(steps->by_device[1]->value.substr(0, 26) == "path, validity, signature,");
}

TEST_CASE("every shipped profile differs from itself in nothing, and loses no statement") {
    std::size_t count = 0;
    for (const auto& file : find_profiles(profiles)) {
        INFO(file);
        const Device device = load_device(file);
        const std::vector<Device> twice = {device, device};
        const auto compared_with_itself = compare(twice);
        CHECK(differing(compared_with_itself).empty());
        // A hello, an order and fallbacks become several statements each.
        CHECK(compared_with_itself.size() >= statements(device).size());
        ++count;
    }
    CHECK(count >= 200);
}
