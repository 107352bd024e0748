// Child processes and scratch folders for tests. A child is ended by its own id when its object
// goes; nothing here waits for time to pass, only for output, and at most for a deadline.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "handshake/base/bytes.h"

namespace handset::test {

// A folder that is removed with its contents.
class TempDir {
public:
    TempDir() {
        std::string name = (std::filesystem::temp_directory_path() / "handset-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
        path_ = name;
    }
    ~TempDir() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
    const std::filesystem::path& path() const { return path_; }

private:
    std::filesystem::path path_;
};

inline void write_file(const std::filesystem::path& file, ByteView octets) {
    std::ofstream out(file, std::ios::binary);
    out.write(reinterpret_cast<const char*>(octets.data()),
              static_cast<std::streamsize>(octets.size()));
    if (!out.flush()) throw std::runtime_error("cannot write " + file.string());
}
inline void write_file(const std::filesystem::path& file, std::string_view text) {
    write_file(file, view_of(text));
}
inline Bytes read_file(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) throw std::runtime_error("cannot read " + file.string());
    return Bytes(std::istreambuf_iterator<char>(in), {});
}

// A running program; stdout and stderr arrive in one stream, stdin is held open and silent.
class Process {
public:
    explicit Process(std::vector<std::string> arguments) {
        int output[2];
        int input[2];
        if (::pipe2(output, O_CLOEXEC) != 0 || ::pipe2(input, O_CLOEXEC) != 0) {
            throw std::runtime_error("pipe2");
        }
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, input[0], 0);
        posix_spawn_file_actions_adddup2(&actions, output[1], 1);
        posix_spawn_file_actions_adddup2(&actions, output[1], 2);
        std::vector<char*> argv;
        for (std::string& argument : arguments)
            argv.push_back(argument.data());
        argv.push_back(nullptr);
        const int failed = ::posix_spawnp(&pid_, argv[0], &actions, nullptr, argv.data(), environ);
        posix_spawn_file_actions_destroy(&actions);
        ::close(output[1]);
        ::close(input[0]);
        output_ = output[0];
        input_ = input[1];
        if (failed != 0) {
            pid_ = -1;
            release();
            throw std::runtime_error("cannot start " + arguments[0]);
        }
    }
    ~Process() { release(); }
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    // Reads until the output holds `text`; false at its end or after `limit`.
    bool read_until(std::string_view text,
                    std::chrono::milliseconds limit = std::chrono::seconds(60)) {
        const auto end = std::chrono::steady_clock::now() + limit;
        while (seen_.find(text) == std::string::npos) {
            const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
                end - std::chrono::steady_clock::now());
            pollfd wait{output_, POLLIN, 0};
            if (left.count() <= 0 || ::poll(&wait, 1, static_cast<int>(left.count())) <= 0) {
                return false;
            }
            char buffer[4096];
            const ssize_t got = ::read(output_, buffer, sizeof buffer);
            if (got <= 0) return false;
            seen_.append(buffer, static_cast<std::size_t>(got));
        }
        return true;
    }
    void close_input() {
        if (input_ >= 0) ::close(input_);
        input_ = -1;
    }
    // Exit status after its output has ended; -1 when it ended by a signal.
    int wait() {
        close_input();
        while (read_until(std::string_view("\0\0never", 7))) {
        }
        int status = 0;
        ::waitpid(pid_, &status, 0);
        pid_ = -1;
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }
    const std::string& output() const { return seen_; }

private:
    void release() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            ::waitpid(pid_, nullptr, 0);
        }
        close_input();
        if (output_ >= 0) ::close(output_);
    }
    pid_t pid_ = -1;
    int output_ = -1;
    int input_ = -1;
    std::string seen_;
};

// Runs a program to its end; throws with its output when the status is not 0.
inline std::string run(const std::vector<std::string>& arguments) {
    Process process(arguments);
    const int status = process.wait();
    if (status != 0) throw std::runtime_error(arguments[0] + " failed: " + process.output());
    return process.output();
}

}  // namespace handset::test
