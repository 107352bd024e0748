// A device as the text of a profile (profiles/README.md): what load.h reads, written the way a
// person writes it. It adds nothing and leaves nothing out; blank lines, folding and comments are
// all that a profile written by hand may have beyond it.
#pragma once

#include <map>
#include <string>

#include "emulator/device/device.h"

namespace handset::device {

// YAML that loads as exactly this device; its id is not in the text, but the file's name. Where the
// statements of a section rest on several sources, the most frequent one becomes the section's.
//
// `comments` goes by the keys of statements.h ("names.san", "tolerances.extension-san-critical",
// "client_hello"): each text stands behind its statement as one line, with control characters made
// harmless. A key that the device does not state is passed over.
//
// Throws std::invalid_argument, one line, for a device that the format cannot say: sources or
// responses that nothing names, another grade than the source's, texts of several lines, an
// extension listed twice, numbers beyond the format's limits.
std::string profile_text(const Device& device,
                         const std::map<std::string, std::string>& comments = {});

}  // namespace handset::device
