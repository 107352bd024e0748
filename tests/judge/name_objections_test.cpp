#include <catch2/catch.hpp>

#include "tests/judge/setting.h"

using namespace handset;
using device::Grade;
using forge::stated;

namespace {

judge::Verdict verdict_of(const device::Device& device, const forge::Chain& chain,
                          const std::string& host) {
    forge::Case usual;
    usual.question.host = host;
    return judge::judge(device, nullptr, chain.files({"leaf", "intermediate"}),
                        forge::question_of(usual));
}

device::Device comparing_device(Grade grade) {
    device::Device device = forge::plain_device();
    device.certificate.signature_algorithms->grade = Grade::captured;
    device.names.checked = stated(true, Grade::captured);
    device.names.san = stated(device::SanRule::any, grade);
    device.names.cn = stated(device::CnRule::never, grade);
    device.names.case_sensitive = stated(false, grade);
    device.names.trailing_dot_ignored = stated(device::TrailingDot::counts, grade);
    device.tolerances["name-host-mismatch"] = forge::refuse(Grade::captured);
    return device;
}

}  // namespace

TEST_CASE("a mismatch that hangs on a silent rule names the rule") {
    forge::Chain chain;
    chain.recipes["leaf"].names = {"dns:*.example.test"};
    const device::Device device = comparing_device(Grade::captured);
    const judge::Verdict verdict = verdict_of(device, chain, "mail.example.test");
    CHECK(verdict.outcome == judge::Outcome::unknown);
    const judge::Reason* reason = forge::find_reason(verdict, "name-host-mismatch");
    REQUIRE(reason);
    CHECK(reason->effect == judge::Effect::undecided);
    CHECK(reason->finding.detail ==
          "whether dNSName *.example.test is \"mail.example.test\" depends on "
          "names.san_wildcard, of which the profile says nothing");
}

TEST_CASE("only rules that can turn the answer count for its grade") {
    const forge::Chain chain;
    device::Device device = comparing_device(Grade::captured);
    SECTION("a match by subjectAltName does not rest on what is done with addresses") {
        device.names.ip = stated(device::IpRule::never, Grade::inferred);
        CHECK(verdict_of(device, chain, "mail.example.test").grade == Grade::captured);
    }
    SECTION("a match by the second name rests on the rule for subjectAltName") {
        device.names.san->grade = Grade::reported;
        // The first dNSName matches, whether the device looks at all of them or not.
        CHECK(verdict_of(device, chain, "mail.example.test").grade == Grade::captured);
        CHECK(verdict_of(device, chain, "autodiscover.example.test").grade == Grade::reported);
    }
    SECTION("a mismatch of case rests on the rule about case") {
        device.names.case_sensitive = stated(true, Grade::inferred);
        device.names.san->source = "other";
        const judge::Verdict verdict = verdict_of(device, chain, "MAIL.example.test");
        CHECK(verdict.outcome == judge::Outcome::fails);
        CHECK(verdict.grade == Grade::inferred);
        CHECK(verdict_of(device, chain, "elsewhere.example.test").grade == Grade::captured);
    }
}

TEST_CASE("a host with a dot at its end is compared by the device's rule") {
    const forge::Chain chain;
    device::Device device = comparing_device(Grade::captured);
    CHECK(verdict_of(device, chain, "mail.example.test.").outcome == judge::Outcome::fails);
    device.names.trailing_dot_ignored = stated(device::TrailingDot::ignored);
    CHECK(verdict_of(device, chain, "mail.example.test.").outcome == judge::Outcome::connects);
    device.names.trailing_dot_ignored.reset();
    CHECK(verdict_of(device, chain, "mail.example.test.").outcome == judge::Outcome::unknown);
}
