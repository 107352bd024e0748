// What a device does about one objection. Internal to the judge.
#pragma once

#include "emulator/judge/objector.h"
#include "emulator/judge/verdict.h"
#include "handshake/rules/rule.h"

namespace handset::judge {

// These end a handshake whatever the client thinks of it.
bool is_servers_own_end(std::string_view rule);

struct Reaction {
    Effect effect = Effect::noted;
    const device::Tolerance* tolerance = nullptr;  // nullptr: the profile makes no statement
};
Reaction react_to(const Objection& objection, const rules::Rule& rule,
                  const device::Device& device);

// Whether the device goes on in spite of all of them.
bool all_accepted(const std::vector<Objection>& objections, const device::Device& device);

}  // namespace handset::judge
