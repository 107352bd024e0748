// The command line: one table of commands, one file per command. run() is the whole program but for
// main(); it never throws and returns the exit status of ARCHITECTURE.md.
#pragma once

#include <iosfwd>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace handset::cli {

// Exit statuses.
inline constexpr int status_connects = 0;
inline constexpr int status_fails = 1;
inline constexpr int status_trouble = 2;      // wrong use, bad profile, unreadable input
inline constexpr int status_unreachable = 3;  // a target could not be reached

// Wrong use; the text ends in what to do.
class UsageError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct Streams {
    std::ostream& out;
    std::ostream& err;
    bool out_is_terminal = false;
    bool err_is_terminal = false;
    std::size_t width = 100;  // columns of the terminal
};

struct Command {
    std::string_view name;
    std::string_view arguments;  // "CHAIN…"
    std::string_view summary;
    int (*run)(const std::vector<std::string>& arguments, const Streams& streams);
};
std::span<const Command> commands();

// `arguments` without the program's name.
int run(const std::vector<std::string>& arguments, const Streams& streams);

// One function per command, each in its own file.
int check(const std::vector<std::string>& arguments, const Streams& streams);
int probe(const std::vector<std::string>& arguments, const Streams& streams);
int devices(const std::vector<std::string>& arguments, const Streams& streams);
int rules(const std::vector<std::string>& arguments, const Streams& streams);
int lab(const std::vector<std::string>& arguments, const Streams& streams);
int learn(const std::vector<std::string>& arguments, const Streams& streams);
int lint(const std::vector<std::string>& arguments, const Streams& streams);

}  // namespace handset::cli
