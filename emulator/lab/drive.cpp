#include "emulator/lab/drive.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "emulator/lab/pem.h"

namespace handset::lab {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr auto poll_interval = std::chrono::milliseconds(20);
// For the end of a connection whose client has ended already.
constexpr auto connection_end = std::chrono::seconds(5);
constexpr std::size_t max_error_text = 300;

// A folder that goes when its owner goes.
class TemporaryFolder {
public:
    TemporaryFolder() {
        std::string pattern = (fs::temp_directory_path() / "handset-learn-XXXXXX").string();
        if (mkdtemp(pattern.data()) == nullptr) {
            throw std::runtime_error("no temporary folder could be made");
        }
        path_ = pattern;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        fs::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    const fs::path& path() const { return path_; }

private:
    fs::path path_;
};

// For /bin/sh, whatever stands in it.
std::string quoted(std::string_view text) {
    std::string out = "'";
    for (const char c : text)
        out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

void fill_in(std::string& command, std::string_view place, std::string_view value) {
    const std::string by = quoted(value);
    for (std::size_t at = command.find(place); at != std::string::npos;
         at = command.find(place, at + by.size())) {
        command.replace(at, place.size(), by);
    }
}

// The last line that says anything.
std::string last_line(const fs::path& file) {
    std::ifstream in(file);
    std::string line;
    std::string last;
    while (std::getline(in, line)) {
        if (!line.empty()) last = line.substr(0, max_error_text);
    }
    return printable_utf8(last);
}

struct CommandEnd {
    std::optional<bool> accepted;  // nullopt: it had to be ended, or died
    std::string error;
};

}  // namespace

struct Driver::State {
    explicit State(DriveOptions with)
        : options(std::move(with)),
          server(options.serve, [this](const Served& served) { take(served); }) {
        port = server.listen(options.port, [this](const std::string&) { return current.load(); });
        thread = std::thread([this] {
            server.run();
            const std::lock_guard lock(mutex);
            ended = true;
            changed.notify_all();
        });
    }
    ~State() {
        server.stop();
        thread.join();
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    void take(const Served& served) {
        const std::lock_guard lock(mutex);
        arrived.push_back(served);
        changed.notify_all();
    }

    // The connection of this case that got farthest; later ones first among equals.
    std::optional<Served> best_of(const Shown& shown) {
        std::optional<Served> best;
        for (const Served& served : arrived) {
            const Observation& seen = served.entry.observation;
            if (seen.case_id != shown.id) continue;
            if (!best || seen.reached >= best->entry.observation.reached) best = served;
        }
        return best;
    }

    std::optional<Served> wait_for_connection(const Shown& shown) {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return ended || best_of(shown); });
        return best_of(shown);
    }

    CommandEnd run_command(const Shown& shown) {
        const fs::path roots = folder.path() / "roots.pem";
        const fs::path output = folder.path() / "output";
        std::ofstream(roots) << to_pem(shown.roots);
        std::string command = options.command;
        fill_in(command, "{host}", options.serve.address);
        fill_in(command, "{port}", std::to_string(port));
        fill_in(command, "{name}", shown.host);
        fill_in(command, "{roots}", roots.string());
        const pid_t pid = start(command, output);
        const auto deadline = Clock::now() + options.command_deadline;
        int status = 0;
        while (waitpid(pid, &status, WNOHANG) == 0) {
            if (Clock::now() > deadline || interrupted()) {
                kill(-pid, SIGKILL);
                waitpid(pid, &status, 0);
                return {std::nullopt, "the client had to be ended"};
            }
            std::this_thread::sleep_for(poll_interval);
        }
        kill(-pid, SIGKILL);  // what it has left behind
        if (!WIFEXITED(status)) return {std::nullopt, "the client died"};
        // The shell's own: not found, not executable.
        if (WEXITSTATUS(status) == 126 || WEXITSTATUS(status) == 127) {
            throw std::runtime_error(fmt::format("--drive: {}", last_line(output)));
        }
        const bool accepted = WEXITSTATUS(status) == 0;
        return {accepted, accepted ? "" : last_line(output)};
    }

    // In a process group of its own, so that all of it can be ended.
    static pid_t start(const std::string& command, const fs::path& output) {
        posix_spawn_file_actions_t files;
        posix_spawn_file_actions_init(&files);
        posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_addopen(&files, 1, output.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                         0600);
        posix_spawn_file_actions_adddup2(&files, 1, 2);
        posix_spawnattr_t attributes;
        posix_spawnattr_init(&attributes);
        posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
        std::string shell = "/bin/sh";
        std::string option = "-c";
        std::string text = command;
        char* arguments[] = {shell.data(), option.data(), text.data(), nullptr};
        pid_t pid = 0;
        const int error = posix_spawn(&pid, shell.c_str(), &files, &attributes, arguments, environ);
        posix_spawn_file_actions_destroy(&files);
        posix_spawnattr_destroy(&attributes);
        if (error != 0) throw std::runtime_error("--drive: the command could not be started");
        return pid;
    }

    std::optional<Served> drive(const Shown& shown) {
        const CommandEnd end = run_command(shown);
        std::unique_lock lock(mutex);
        changed.wait_for(lock, connection_end, [&] { return ended || best_of(shown); });
        std::optional<Served> served = best_of(shown);
        if (served) {
            served->entry.observation.client_accepted = end.accepted;
            served->entry.observation.client_error = end.error;
        }
        return served;
    }

    bool interrupted() {
        const std::lock_guard lock(mutex);
        return ended;
    }

    DriveOptions options;
    TemporaryFolder folder;
    std::atomic<const Shown*> current{nullptr};
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<Served> arrived;  // since the case was asked
    bool ended = false;
    std::uint16_t port = 0;
    Server server;
    std::thread thread;
};

Driver::Driver(DriveOptions options) : state_(std::make_unique<State>(std::move(options))) {}
Driver::~Driver() = default;

std::uint16_t Driver::port() const {
    return state_->port;
}

std::optional<Served> Driver::ask(const Shown& shown) {
    {
        const std::lock_guard lock(state_->mutex);
        state_->arrived.clear();
    }
    state_->current = &shown;
    return state_->options.command.empty() ? state_->wait_for_connection(shown)
                                           : state_->drive(shown);
}

bool Driver::interrupted() const {
    return state_->interrupted();
}

}  // namespace handset::lab
