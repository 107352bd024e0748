#include "emulator/device/group.h"

#include <catch2/catch.hpp>

#include "emulator/device/load.h"

using namespace handset;
using namespace handset::device;

namespace {

const std::filesystem::path profiles = std::filesystem::path(HANDSET_SOURCE_DIR) / "profiles";

const std::vector<std::string> ids = {"phone-1", "phone-2", "phone-2-mail", "printer-1"};
const std::string head = "format: 1\nname: Phones\nabout: what rings\n";

std::string problems(const std::string& text, const char* file = "phones.yaml") {
    try {
        parse_group(text, file, ids);
    } catch (const ProfileError& error) {
        return error.what();
    }
    return "";
}

std::vector<std::string> members_of(const std::string& lists) {
    return members(parse_group(head + lists, "phones.yaml", ids), ids);
}

}  // namespace

TEST_CASE("a group has the devices it lists but for its exceptions") {
    const Group group =
        parse_group(head + "devices: [\"phone-*\"]\nexcept: [\"*-mail\"]\n", "phones.yaml", ids);
    CHECK(group == Group{"phones", "Phones", "what rings", {"phone-*"}, {"*-mail"}});
    CHECK(members(group, ids) == std::vector<std::string>{"phone-1", "phone-2"});
    CHECK(members_of("devices: [phone-2]\n") == std::vector<std::string>{"phone-2"});
    CHECK(members_of("devices: [printer-1, phone-1, \"phone-?\"]\n") ==
          std::vector<std::string>{"phone-1", "phone-2", "printer-1"});
    CHECK(members_of("devices: [\"phone-[13]\"]\n") == std::vector<std::string>{"phone-1"});
}

TEST_CASE("each fault of a group is named at its place") {
    CHECK(problems(head) == "phones.yaml:1:1: missing key 'devices' in 'group'");
    CHECK(problems(head + "devices: []\n") ==
          "phones.yaml:4:10: 'devices' must be a list of at least one of the ids or patterns of "
          "devices");
    CHECK(problems(head + "devices: phone-1\n") ==
          "phones.yaml:4:10: 'devices' must be a list of ids or patterns of devices");
    CHECK(problems(head + "devices: [phone-1, fone-2]\n") ==
          "phones.yaml:4:20: no device among the profiles is called 'fone-2'; did you mean "
          "'phone-2'?");
    CHECK(problems(head + "devices: [\"phone-1\"]\nexcept: [\"printer-*\"]\n") ==
          "phones.yaml:5:10: no device that 'devices' finds is called 'printer-*'; known here: "
          "phone-1");
    CHECK(problems(head + "devices: [\"phone-*\"]\nexcept: [\"*\"]\n") ==
          "phones.yaml:1:1: 'except' leaves no device of the group");
    CHECK(problems(head + "devices: [phone-1]\nexcpt: [phone-1]\n") ==
          "phones.yaml:5:1: unknown key 'excpt'; did you mean 'except'?");
    CHECK(problems(head + "devices: [phone-1]\n", "phone-1.yaml") ==
          "phone-1.yaml:1:1: 'phone-1' is a device already; give the file another name");
    // Every fault at once.
    const std::string several = problems("format: 2\nabout: x\ndevices: [none-1, none-2]\n");
    for (const char* const part :
         {"phones.yaml:1:9:", "missing key 'name'", "'none-1'", "'none-2'"})
        CHECK(several.find(part) != std::string::npos);
}

TEST_CASE("the shipped groups find devices, with every pattern") {
    const std::vector<std::string> shipped = ids_of(find_profiles(profiles));
    std::vector<std::string> found;
    for (const auto& file : find_groups(profiles)) {
        INFO(file);
        const Group group = load_group(file, shipped);
        CHECK_FALSE(members(group, shipped).empty());
        found.push_back(group.id);
    }
    for (const char* const id :
         {"phones-2007", "android-before-7.1.1", "windows-xp-era", "iot", "ios-old",
          "exchange-activesync-phones", "java-middleware", "printers-and-phones"}) {
        CHECK(std::find(found.begin(), found.end(), id) != found.end());
    }
    CHECK(find_groups(profiles / "stores").empty());
}
