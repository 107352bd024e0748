// A profile for its author: all that is wrong with it, and what is most likely wrong although it
// loads, because statements of it cannot be true together. Nothing else depends on the latter.
#pragma once

#include <span>

#include "emulator/device/load.h"

namespace handset::device {

struct Inspection {
    std::vector<Problem> faults;    // the profile cannot be used
    std::vector<Problem> warnings;  // by line and column; none where there are faults
};

// `stores` are the ids that a profile can name. A file that cannot be read is a fault.
Inspection inspect_device(const std::filesystem::path& file, std::span<const std::string> stores);
Inspection inspect_store(const std::filesystem::path& file);
// The same, from text; `file` is only for messages.
Inspection inspect_device(std::string_view text, const std::filesystem::path& file,
                          std::span<const std::string> stores);

}  // namespace handset::device
