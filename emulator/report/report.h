// Verdicts for people and for programs. One format, one file; `formats()` is the list that
// --format, its help and the tests read.
#pragma once

#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "emulator/judge/verdict.h"
#include "handshake/base/time.h"

namespace handset::report {

struct Entry {
    judge::Verdict verdict;
    // What the reasons' offsets point into, for --explain.
    std::vector<Bytes> certificates;  // DER as sent
    Bytes stream;                     // the server's octets; empty for files
};

struct Report {
    std::string version;
    std::string target;  // "mail.contoso.com:443", or the files
    std::string host;    // the name that was compared; empty: names were not judged
    Time at{};
    std::vector<Entry> entries;  // in the order of the devices' ids
};

struct Style {
    bool explain = false;
    bool color = false;
    std::size_t width = 100;  // columns; at least 60 are used
};

struct Format {
    std::string_view name;
    std::string_view summary;
    void (*write)(const Report& report, const Style& style, std::ostream& out);
};
std::span<const Format> formats();
const Format* find_format(std::string_view name);

void write_table(const Report& report, const Style& style, std::ostream& out);
void write_json(const Report& report, const Style& style, std::ostream& out);

// The octets around [offset, offset + length) as hexadecimal rows, the range marked, `note` under
// it. Offsets are those of `octets`. At most `max_rows` rows of the range are shown.
std::string annotated_dump(ByteView octets, std::size_t offset, std::size_t length,
                           std::string_view note, const Style& style);

// 0, 1: DESIGN's exit status for these verdicts. `strict` counts `unknown` as failing.
int exit_status(const Report& report, bool strict);

}  // namespace handset::report
