#include "emulator/lab/relatives.h"

#include <random>

#include "emulator/lab/knobs.h"
#include "handshake/rules/rule.h"

namespace handset::lab {

namespace {

using device::Device;

// Of a thousand statements, how many come from another parent, and how many from none.
constexpr unsigned from_the_other = 500;
constexpr unsigned from_none = 100;

// Not the distributions of <random>: what they make of a generator is the library's choice.
class Chance {
public:
    bool of(unsigned per_mille) { return generator_() % 1000 < per_mille; }
    template <typename T>
    const T& one_of(const std::vector<T>& list) {
        return list[generator_() % list.size()];
    }

private:
    std::mt19937 generator_;
};

void take_tolerance(Device& child, const Device& parent, const std::string& rule) {
    child.tolerances.erase(rule);
    const auto found = parent.tolerances.find(rule);
    if (found == parent.tolerances.end()) return;
    child.tolerances.insert(*found);
    const auto response = parent.responses.find(found->second.response);
    if (response != parent.responses.end()) child.responses.insert(*response);
}

}  // namespace

std::vector<Device> relatives(const std::vector<Device>& known, std::size_t count) {
    std::vector<Device> children;
    if (known.empty()) return children;
    Chance chance;
    const Device& eldest = known.front();
    const std::string source = eldest.sources.empty() ? "" : eldest.sources.begin()->first;
    const auto all = knobs(eldest, source);
    for (std::size_t i = 0; i < count; ++i) {
        Device child = known[i % known.size()];
        for (const Knob& knob : *all) {
            if (chance.of(from_the_other)) {
                knob.silence(child);
                knob.vote(child, {{&chance.one_of(known), 1}}, source);
            }
            if (!chance.of(from_none)) continue;
            const std::vector<Change> changes = knob.changes(child);
            if (!changes.empty()) chance.one_of(changes)(child);
        }
        for (const rules::Rule& rule : rules::catalog()) {
            if (!chance.of(from_the_other)) continue;
            take_tolerance(child, chance.one_of(known), std::string(rule.id));
        }
        children.push_back(std::move(child));
    }
    return children;
}

}  // namespace handset::lab
