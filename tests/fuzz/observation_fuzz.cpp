// Lines of a lab's log that somebody else wrote. What is no such line is one line of complaint;
// what is can be written again, and is the same from then on.
#include <cstdlib>
#include <stdexcept>

#include "emulator/lab/observation.h"

using namespace handset;

namespace {

void demand(bool truth) {
    if (!truth) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    lab::Entry entry;
    try {
        entry = lab::from_json(std::string_view(reinterpret_cast<const char*>(data), size));
    } catch (const std::runtime_error& error) {
        const std::string what = error.what();
        demand(!what.empty() && what.size() < 200 && what.find('\n') == std::string::npos);
        return 0;
    }
    const std::string line = lab::to_json(entry);
    demand(line.find('\n') == std::string::npos);
    demand(lab::to_json(lab::from_json(line)) == line);
    return 0;
}
