#include "emulator/judge/verdict.h"

#include <array>

namespace handset::judge {

std::string_view outcome_name(Outcome outcome) {
    static constexpr std::array<std::string_view, 4> names{"connects", "asks", "fails", "unknown"};
    return names.at(static_cast<std::size_t>(outcome));
}

std::string_view stage_name(Stage stage) {
    static constexpr std::array<std::string_view, 7> names{
        "resolve",      "connect",  "server-hello", "certificate",
        "key-exchange", "finished", "application"};
    return names.at(static_cast<std::size_t>(stage));
}

std::string_view effect_name(Effect effect) {
    static constexpr std::array<std::string_view, 5> names{"decides", "later", "asks", "undecided",
                                                           "noted"};
    return names.at(static_cast<std::size_t>(effect));
}

const Reason* decisive_reason(const Verdict& verdict) {
    Effect wanted = Effect::noted;
    switch (verdict.outcome) {
        case Outcome::connects:
            return nullptr;
        case Outcome::fails:
            wanted = Effect::decides;
            break;
        case Outcome::asks:
            wanted = Effect::asks;
            break;
        case Outcome::unknown:
            wanted = Effect::undecided;
            break;
    }
    for (const Reason& reason : verdict.reasons) {
        if (reason.effect == wanted) return &reason;
    }
    return nullptr;
}

}  // namespace handset::judge
