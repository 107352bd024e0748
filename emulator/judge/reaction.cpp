#include "emulator/judge/reaction.h"

#include <algorithm>

namespace handset::judge {

using device::Action;
using device::Grade;
using device::Tolerance;

bool is_servers_own_end(std::string_view rule) {
    return rule == "handshake-server-alert" || rule == "handshake-server-closed" ||
           rule == "handshake-server-silent" || rule == "handshake-not-tls" ||
           rule == "handshake-finish-refused" || rule == "handshake-key-exchange-invalid";
}

namespace {

const Tolerance* stated_for(std::string_view rule, const device::Device& device) {
    if (rule.empty()) return nullptr;
    const auto found = device.tolerances.find(rule);
    if (found == device.tolerances.end() || found->second.grade == Grade::assumed) return nullptr;
    return &found->second;
}

}  // namespace

Reaction react_to(const Objection& objection, const rules::Rule& rule,
                  const device::Device& device) {
    Reaction reaction;
    if (is_servers_own_end(rule.id)) {
        // How the device answers is the profile's; that it has failed is not.
        const Tolerance* stated = stated_for(rule.id, device);
        return {Effect::decides, stated && stated->action == Action::refuse ? stated : nullptr};
    }
    const bool open = objection.undecided || rule.id == "chain-anchor-undetermined" ||
                      rule.id == "chain-search-exhausted";
    const Tolerance* stated = stated_for(rule.id, device);
    if (!stated) stated = stated_for(objection.acts_as, device);
    if (stated && !open) {
        reaction.tolerance = stated;
    } else if (rule.level == rules::Level::must && device.otherwise &&
               device.otherwise->grade != Grade::assumed) {
        reaction.tolerance = &*device.otherwise;
    } else if (rule.level == rules::Level::must || open) {
        return {Effect::undecided};
    } else {
        return {Effect::noted};
    }
    switch (reaction.tolerance->action) {
        case Action::accept:
            reaction.effect = Effect::noted;
            break;
        case Action::ask:
            reaction.effect = Effect::asks;
            break;
        case Action::refuse:
            reaction.effect = Effect::decides;
            break;
    }
    return reaction;
}

bool all_accepted(const std::vector<Objection>& objections, const device::Device& device) {
    return std::ranges::all_of(objections, [&](const Objection& objection) {
        const rules::Rule* rule = rules::find_rule(objection.finding.rule);
        return !rule || react_to(objection, *rule, device).effect == Effect::noted;
    });
}

}  // namespace handset::judge
