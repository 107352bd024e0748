// Lists of roots as text, which hold fingerprints and no certificates:
//   certutil -store [-v] [-user] Root          Windows, in any display language
//   Get-ChildItem Cert:\LocalMachine\Root      PowerShell, Format-List or as a table
//   keytool -list [-v]                         Java, in any display language
// Nothing is read by the words of one language but what these programs never translate. Sources:
// the programs' output as Microsoft's and Oracle's documentation shows it.
#pragma once

#include <string_view>
#include <vector>

#include "emulator/device/store.h"

namespace handset::flight {

struct RootList {
    std::string_view program;  // "certutil -store"; empty: the text is no such list
    // With SHA-1 or SHA-256 or both. Subjects as x509::to_string writes them, and dates, where the
    // list has them; dates are those of the machine's time zone, and are left out where the list
    // does not show which number is the month.
    std::vector<device::StoreEntry> entries;
    // Entries whose only fingerprint is MD5's, as Java 6 wrote them.
    std::size_t md5_only = 0;
    bool too_long = false;  // more than max_listed_roots; `entries` holds the first of them
};

inline constexpr std::size_t max_listed_roots = 200'000;

// `text` is what text_of() makes of a file.
RootList read_root_list(std::string_view text);

}  // namespace handset::flight
