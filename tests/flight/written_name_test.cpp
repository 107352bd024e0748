#include "emulator/flight/written_name.h"

#include <catch2/catch.hpp>

using namespace handset;
using flight::begins_name;
using flight::rfc4514_of;

TEST_CASE("names as Windows and Java write them") {
    const struct {
        const char* written;
        const char* rfc4514;
    } names[] = {
        {"CN=Microsoft Root Certificate Authority, DC=microsoft, DC=com",
         "CN=Microsoft Root Certificate Authority,DC=microsoft,DC=com"},
        {"E=a@b.example, S=Bavaria, SERIALNUMBER=7, C=DE",
         "emailAddress=a@b.example,ST=Bavaria,serialNumber=7,C=DE"},
        {"EMAILADDRESS=a@b.example, ST=Bavaria, STREET=Main",
         "emailAddress=a@b.example,ST=Bavaria,"
         "STREET=Main"},
        {"O=\"Contoso, Inc.\", C=US", "O=Contoso\\, Inc.,C=US"},
        {"O=Contoso, Inc., C=US", "O=Contoso\\, Inc.,C=US"},
        {"O=\"Contoso \"\"R\"\" Ltd.\"", "O=Contoso \\\"R\\\" Ltd."},  // Windows
        {"O=\"Contoso \\\"R\\\" Ltd.\"", "O=Contoso \\\"R\\\" Ltd."},  // Java
        {"CN=a + OU=b, C=US", "CN=a+OU=b,C=US"},
        {"OID.2.5.4.3=a, 2.5.4.6=US", "CN=a,C=US"},
        {"cn=a,c=US", "CN=a,C=US"},
        {"CN=\xc3\x9c"
         "ber, C=DE",
         "CN=\xc3\x9c"
         "ber,C=DE"},
        {"CN=", "CN="},
        {"  CN=a  ", "CN=a"},
        {"CN=a=b, C=US", "CN=a=b,C=US"},
        // No name, or none that is understood: as it stands.
        {"", ""},
        {"EMPTY", "EMPTY"},
        {"WHAT=a, CN=b", "WHAT=a, CN=b"},
        {"CN=\"open, C=US", "CN=\"open, C=US"},
        {"CN=\"a\" b, C=US", "CN=\"a\" b, C=US"},
        {"WHAT=\x1b[31m", "WHAT=\\x1b[31m"},
    };
    for (const auto& name : names)
        CHECK(rfc4514_of(name.written) == name.rfc4514);
}

TEST_CASE("where a name begins") {
    CHECK(begins_name("CN=a"));
    CHECK(begins_name("OID.1.2=a"));
    CHECK_FALSE(begins_name("Key Container = x"));
    CHECK_FALSE(begins_name("=a"));
    CHECK_FALSE(begins_name("a"));
    CHECK_FALSE(begins_name(""));
    CHECK_FALSE(begins_name(std::string(100, 'A') + "="));
}

TEST_CASE("a name of any length takes its time only") {
    std::string commas = "CN=" + std::string(8000, ',');
    CHECK(rfc4514_of(commas).size() > 8000);
    CHECK(rfc4514_of("CN=" + std::string(1 << 20, 'a')).size() <= 8192);
    std::string many = "CN=a";
    while (many.size() < 8000)
        many += "+CN=a";
    CHECK(rfc4514_of(many) == many);
}
