// Columns of text, and the short words that fit into them. Profiles may be anybody's, so every cell
// is made printable.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "emulator/device/device.h"
#include "emulator/report/report.h"

namespace handset::report {

using Row = std::vector<std::string>;

// Left-aligned columns, two spaces apart; the first row is the heading, the last column runs free.
void write_rows(std::vector<Row> rows, const Style& style, std::ostream& out);
// The same, but that no column is wider than its limit: what is longer goes on in the next line. A
// limit for each column.
void write_wrapped_rows(std::vector<Row> rows, const std::vector<std::size_t>& limits,
                        const Style& style, std::ostream& out);

// Columns that UTF-8 takes on a terminal, a character each.
std::size_t columns_of(std::string_view text);
// At most `limit` columns, the last an ellipsis where something is cut off.
std::string cut_to(std::string_view text, std::size_t limit);

// "cap", "src", "doc", "rep", "inf", "asm"
std::string_view short_grade(device::Grade grade);
// What these stand for, in a line for those who read a table.
std::string short_grades_legend();
// The weakest grade of a device's statements, and the one that most of them have: "inf/src".
std::string grades_in_short(const device::Device& device);

}  // namespace handset::report
