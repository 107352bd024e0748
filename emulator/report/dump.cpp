#include <fmt/format.h>

#include <algorithm>

#include "emulator/report/report.h"

namespace handset::report {

namespace {

constexpr std::size_t row_length = 16;
constexpr std::size_t max_rows = 8;

// Column of octet i within a row, behind the eight digits of the offset.
std::size_t column(std::size_t index) {
    return 10 + index * 3 + (index >= row_length / 2 ? 1 : 0);
}

}  // namespace

std::string annotated_dump(ByteView octets, std::size_t offset, std::size_t length,
                           std::string_view note, const Style& style) {
    if (offset > octets.size()) return "";
    const std::size_t end = std::min(octets.size(), offset + length);
    // One row of surroundings on both sides.
    const std::size_t first_row = offset / row_length > 0 ? offset / row_length - 1 : 0;
    const std::size_t last_row = std::min((octets.size() + row_length - 1) / row_length,
                                          (std::max(end, offset + 1) - 1) / row_length + 2);
    const std::size_t marked_rows = last_row - first_row;
    const std::size_t shown = std::min(marked_rows, max_rows);
    const char* const on = style.color ? "\x1b[1;31m" : "";
    const char* const off = style.color ? "\x1b[0m" : "";
    std::string text;
    bool noted = false;
    for (std::size_t row = first_row; row < first_row + shown; ++row) {
        const std::size_t begin = row * row_length;
        const std::size_t stop = std::min(begin + row_length, octets.size());
        std::string digits;
        std::string characters;
        std::string marks;
        for (std::size_t i = begin; i < stop; ++i) {
            const bool marked = i >= offset && i < end;
            if (i - begin == row_length / 2) digits += ' ';
            digits += marked ? fmt::format("{}{:02x}{} ", on, octets[i], off)
                             : fmt::format("{:02x} ", octets[i]);
            const bool plain = octets[i] >= 0x20 && octets[i] < 0x7f;
            characters += plain ? static_cast<char>(octets[i]) : '.';
            if (marked) {
                const std::size_t at = column(i - begin);
                marks.resize(std::max(marks.size(), at), ' ');
                marks += "^^";
            }
        }
        const std::size_t width = column(row_length) - 10;
        const std::size_t used = column(stop - begin) - 10 - (stop - begin == row_length / 2);
        text += fmt::format("{:08x}  {}{} |{}|\n", begin, digits,
                            std::string(width > used ? width - used : 0, ' '), characters);
        if (marks.empty()) continue;
        // Join the marks of neighbouring octets: "^^ ^^" reads better as "^^^^^".
        for (std::size_t i = 1; i + 1 < marks.size(); ++i) {
            if (marks[i] == ' ' && marks[i - 1] == '^') {
                const std::size_t next = marks.find('^', i);
                if (next != std::string::npos && next - i <= 2) {
                    std::fill(marks.begin() + static_cast<std::ptrdiff_t>(i),
                              marks.begin() + static_cast<std::ptrdiff_t>(next), '^');
                }
            }
        }
        text += marks;
        if (!noted && !note.empty()) {
            text += fmt::format(" {}", note);
            noted = true;
        }
        text += '\n';
    }
    if (marked_rows > shown) {
        text += fmt::format("... {} octets in all\n", length);
    }
    return text;
}

}  // namespace handset::report
