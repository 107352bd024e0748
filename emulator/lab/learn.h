// A profile out of what a client did with the lab's cases: the statements under which the judge
// predicts what was seen. A statement that no case speaks for stays silent. Pure; the same examples
// give the same profile.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "emulator/judge/judge.h"
#include "emulator/lab/library.h"
#include "emulator/lab/observation.h"
#include "handshake/rules/evidence.h"

namespace handset::lab {

// One case, and what the client did with it.
struct Example {
    std::string case_id;
    rules::Evidence evidence;
    judge::Question question;
    bool accepted = false;
    // With which it stopped; nullopt: it went without one.
    std::optional<wire::AlertDescription> alert;
};

// A case that was not asked, `accepted` as it is expected, and how much that counts: 1 as much as
// one that was.
struct Expected {
    Example example;
    double weight = 0;
};

struct Lesson {
    device::Device device;
    // By key of device::statements(): cases that come out otherwise without the statement.
    std::map<std::string, std::vector<std::string>> shown_by;
    std::vector<std::string> not_explained;  // cases that are predicted otherwise
    std::size_t alerts = 0;                  // cases in which the client sent one
    std::size_t alerts_agree = 0;
};

// `start` has the hello, the head, and the source `source` to which the statements are ascribed;
// what else it states is kept unless a case contradicts it. What no case speaks for is taken from
// `known`, by vote, as inferred from a source "vote"; without any it stays silent. What is
// `expected` of cases that were not asked keeps the search from going astray. `progress` (may be
// empty) is called with a word on what goes on.
Lesson learn(device::Device start, const std::vector<Example>& examples, const std::string& source,
             const std::vector<device::Device>& known = {},
             const std::vector<Expected>& expected = {},
             const std::function<void(const std::string&)>& progress = {});

// The same without known devices, and with less care: good enough to choose the next question.
Lesson learn_quickly(device::Device start, const std::vector<Example>& examples,
                     const std::string& source);

// The examples of a log, as far as they say what the client made of a case: of each case the
// connection that got farthest, the last of equals.
std::vector<Example> examples_of(const std::vector<Entry>& log, const std::vector<Shown>& cases);

// What the judge says of an example: agrees with what was seen, `unknown` does not.
struct Agreement {
    bool outcome = false;
    bool alert = false;
};
Agreement agreement(const device::Device& device, const Example& example);

}  // namespace handset::lab
