#include "emulator/report/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <ostream>

#include "emulator/device/statements.h"
#include "emulator/device/words.h"

namespace handset::report {

namespace {

bool continues(char octet) {
    return (static_cast<unsigned char>(octet) & 0xc0) == 0x80;
}

// Octets that the first `columns` characters take.
std::size_t octets_of(std::string_view text, std::size_t columns) {
    std::size_t i = 0;
    for (; i < text.size(); ++i) {
        if (continues(text[i])) continue;
        if (columns == 0) return i;
        --columns;
    }
    return i;
}

// Breaks at spaces, else behind a hyphen or the like, else anywhere.
std::vector<std::string> wrapped(std::string_view text, std::size_t limit) {
    std::vector<std::string> lines;
    while (columns_of(text) > limit) {
        const std::size_t most = octets_of(text, limit);
        std::size_t end = text.substr(0, most + 1).rfind(' ');
        if (end == std::string_view::npos || end == 0) {
            const std::size_t joint = text.substr(0, most).find_last_of("-_,.");
            end = joint == std::string_view::npos ? most : joint + 1;
        }
        lines.emplace_back(text.substr(0, end));
        text.remove_prefix(end);
        text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    }
    lines.emplace_back(text);
    return lines;
}

std::vector<std::size_t> widths_of(const std::vector<Row>& rows) {
    std::vector<std::size_t> widths;
    for (const Row& row : rows) {
        widths.resize(std::max(widths.size(), row.size()));
        for (std::size_t i = 0; i < row.size(); ++i)
            widths[i] = std::max(widths[i], columns_of(row[i]));
    }
    return widths;
}

void make_printable(std::vector<Row>& rows) {
    for (Row& row : rows) {
        for (std::string& cell : row)
            cell = printable_utf8(cell);
    }
}

void write_line(const Row& row, const std::vector<std::size_t>& widths, bool is_heading,
                const Style& style, std::ostream& out) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
        line += row[i];
        if (i + 1 < row.size()) line.append(widths[i] - columns_of(row[i]) + 2, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << (is_heading && style.color ? fmt::format("\x1b[1m{}\x1b[0m", line) : line) << '\n';
}

struct GradeInShort {
    device::Grade grade;
    std::string_view text;
};
constexpr GradeInShort grades_short[] = {
    {device::Grade::captured, "cap"},   {device::Grade::source_code, "src"},
    {device::Grade::documented, "doc"}, {device::Grade::reported, "rep"},
    {device::Grade::inferred, "inf"},   {device::Grade::assumed, "asm"},
};

}  // namespace

void write_rows(std::vector<Row> rows, const Style& style, std::ostream& out) {
    make_printable(rows);
    const std::vector<std::size_t> widths = widths_of(rows);
    for (const Row& row : rows)
        write_line(row, widths, &row == &rows.front(), style, out);
}

void write_wrapped_rows(std::vector<Row> rows, const std::vector<std::size_t>& limits,
                        const Style& style, std::ostream& out) {
    make_printable(rows);
    std::vector<std::size_t> widths = widths_of(rows);
    for (std::size_t i = 0; i < widths.size(); ++i)
        widths[i] = std::min(widths[i], limits[i]);
    for (const Row& row : rows) {
        std::vector<std::vector<std::string>> cells;
        std::size_t height = 0;
        for (std::size_t i = 0; i < row.size(); ++i) {
            cells.push_back(wrapped(row[i], std::max<std::size_t>(widths[i], 1)));
            height = std::max(height, cells.back().size());
        }
        for (std::size_t line = 0; line < height; ++line) {
            Row part;
            for (const auto& cell : cells)
                part.push_back(line < cell.size() ? cell[line] : "");
            write_line(part, widths, &row == &rows.front(), style, out);
        }
    }
}

std::size_t columns_of(std::string_view text) {
    return static_cast<std::size_t>(
        std::ranges::count_if(text, [](char octet) { return !continues(octet); }));
}

std::string cut_to(std::string_view text, std::size_t limit) {
    if (columns_of(text) <= limit) return std::string(text);
    return std::string(text.substr(0, octets_of(text, limit - 1))) + "…";
}

std::string_view short_grade(device::Grade grade) {
    return std::ranges::find(grades_short, grade, &GradeInShort::grade)->text;
}

std::string short_grades_legend() {
    std::string legend;
    for (const GradeInShort& each : grades_short) {
        legend += fmt::format("{}{} {}", legend.empty() ? "" : ", ", each.text,
                              device::grade_name(each.grade));
    }
    return legend;
}

std::string grades_in_short(const device::Device& device) {
    const auto counts = device::count_grades(device);
    if (counts.empty()) return "?";
    // Of two that are equally many the weaker one.
    const auto most =
        std::ranges::max_element(counts, {}, [](const auto& counted) { return counted.second; });
    return fmt::format("{}/{}", short_grade(counts.begin()->first), short_grade(most->first));
}

}  // namespace handset::report
