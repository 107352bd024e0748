// What a device objects to in the names of the server's certificate: the host, and Outlook's proxy
// principal. Internal to the judge; names.h compares.
#pragma once

#include "emulator/judge/objector.h"

namespace handset::judge {

void check_names(Objector& out, const Question& question, const Path& path);

}  // namespace handset::judge
