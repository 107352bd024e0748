#include "emulator/device/load.h"

#include <fmt/format.h>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <fstream>
#include <sstream>

#include "emulator/device/tree.h"

namespace handset::device {

namespace {

constexpr std::size_t max_file_bytes = std::size_t{4} << 20;
constexpr std::size_t max_depth = 16;
constexpr std::size_t max_nodes = 200000;

[[noreturn]] void refuse(const std::string& file, std::size_t line, std::size_t column,
                         std::string message) {
    throw ProfileError({Problem{file, line, column, std::move(message)}});
}

// Octets of the UTF-8 sequence at the front of `text`; 0 when it is none (RFC 3629).
std::size_t utf8_length(std::string_view text) {
    const auto octet = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char lead = octet(0);
    if (lead < 0x80) return 1;
    const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((octet(i) & 0xc0) != 0x80) return 0;
    }
    const unsigned char second = octet(1);
    const bool overlong_or_surrogate =
        (lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
        (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f);
    return overlong_or_surrogate ? 0 : length;
}

// What yaml-cpp would pass over or explain badly.
void check_octets(std::string_view text, const std::string& file) {
    std::size_t line = 1;
    std::size_t line_start = 0;
    bool indentation = true;
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t column = i - line_start + 1;
        const std::size_t length = utf8_length(text.substr(i));
        if (length == 0) refuse(file, line, column, "not UTF-8");
        const char c = text[i];
        if (c == '\t' && indentation) {
            refuse(file, line, column, "a tab in the indentation; YAML indents with spaces");
        }
        if ((c >= 0 && c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f) {
            refuse(file, line, column, "a control character");
        }
        indentation = c == '\n' || (indentation && c == ' ');
        i += length;
        if (c == '\n') {
            ++line;
            line_start = i;
        }
    }
}

// Builds the tree out of yaml-cpp's events. Every list and map is closed by yaml-cpp itself.
class TreeBuilder : public YAML::EventHandler {
public:
    TreeBuilder(std::string_view text, const std::string& file) : text_(text), file_(file) {}

    Node take() { return std::move(root_); }

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (documents_++ != 0) refuse_at(mark, "a second document; a file holds one");
    }
    void OnDocumentEnd() override {}
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        Node node = begin(mark, "?", anchor);
        const auto position = static_cast<std::size_t>(std::max(mark.pos, 0));
        if (position < text_.size() && text_.substr(position, 4) == "null") node.text = "null";
        add(std::move(node));
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { begin(mark, "?", 1); }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        Node node = begin(mark, tag, anchor);
        node.kind = Node::Kind::scalar;
        node.text = value;
        add(std::move(node));
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(mark, tag, anchor, Node::Kind::list);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(mark, tag, anchor, Node::Kind::map);
    }
    void OnMapEnd() override { close(); }

private:
    [[noreturn]] void refuse_at(const YAML::Mark& mark, std::string message) const {
        refuse(file_, static_cast<std::size_t>(mark.line) + 1,
               static_cast<std::size_t>(mark.column) + 1, std::move(message));
    }
    Node begin(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
        if (anchor != YAML::NullAnchor) {
            refuse_at(mark, "no anchors and aliases: a profile is readable alone");
        }
        if (tag != "?" && tag != "!" && !tag.empty()) refuse_at(mark, "no tags: write the value");
        if (++nodes_ > max_nodes) {
            refuse_at(mark, fmt::format("more than {} values", max_nodes));
        }
        Node node;
        node.line = static_cast<std::size_t>(mark.line) + 1;
        node.column = static_cast<std::size_t>(mark.column) + 1;
        return node;
    }
    void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
              Node::Kind kind) {
        if (open_.size() == max_depth) {
            refuse_at(mark, fmt::format("nested deeper than {} levels", max_depth));
        }
        open_.push_back(begin(mark, tag, anchor));
        open_.back().kind = kind;
    }
    void close() {
        Node node = std::move(open_.back());
        open_.pop_back();
        add(std::move(node));
    }
    void add(Node node) {
        if (open_.empty()) {
            root_ = std::move(node);
        } else {
            open_.back().items.push_back(std::move(node));
        }
    }

    std::string_view text_;
    const std::string& file_;
    Node root_;
    std::vector<Node> open_;
    std::size_t documents_ = 0;
    std::size_t nodes_ = 0;
};

// The file's stem, which becomes part of commands and reports.
std::string id_of(const std::filesystem::path& file) {
    std::string id = file.stem().string();
    const bool plain = !id.empty() && id.front() != '.' && id.front() != '-' &&
                       std::all_of(id.begin(), id.end(), [](char c) {
                           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                                  c == '.' || c == '_';
                       });
    if (!plain) {
        refuse(file.string(), 0, 0,
               "the file's name is the id: small letters, digits, '-', '.' and '_' only");
    }
    return id;
}

}  // namespace

std::string to_string(const Problem& problem) {
    const std::string file = printable(problem.file);
    if (problem.line == 0) return file + ": " + problem.message;
    return fmt::format("{}:{}:{}: {}", file, problem.line, problem.column, problem.message);
}

namespace {

std::string joined(const std::vector<Problem>& problems) {
    std::string lines;
    for (const Problem& problem : problems) {
        if (!lines.empty()) lines += '\n';
        lines += to_string(problem);
    }
    return lines;
}

}  // namespace

ProfileError::ProfileError(std::vector<Problem> problems)
    : std::runtime_error(joined(problems)), problems_(std::move(problems)) {}

Node parse_tree(std::string_view text, const std::string& file) {
    if (text.size() > max_file_bytes) refuse(file, 0, 0, "larger than 4 MiB");
    if (text.substr(0, 3) == "\xef\xbb\xbf") text.remove_prefix(3);
    check_octets(text, file);
    std::istringstream stream{std::string(text)};
    TreeBuilder builder(text, file);
    try {
        YAML::Parser parser(stream);
        if (!parser.HandleNextDocument(builder)) refuse(file, 0, 0, "the file is empty");
        while (parser.HandleNextDocument(builder)) {
        }
    } catch (const YAML::Exception& error) {
        std::string message = "not YAML: " + error.msg;
        if (error.msg == YAML::ErrorMsg::MAP_VALUE) message += "; text with ': ' needs quotes";
        if (error.mark.is_null()) refuse(file, 0, 0, std::move(message));
        refuse(file, static_cast<std::size_t>(error.mark.line) + 1,
               static_cast<std::size_t>(error.mark.column) + 1, std::move(message));
    }
    return builder.take();
}

std::string read_file(const std::filesystem::path& path) {
    const std::string name = path.string();
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) refuse(name, 0, 0, "is a folder, not a file");
    std::ifstream in(path, std::ios::binary);
    if (!in) refuse(name, 0, 0, "cannot be opened");
    std::string text(max_file_bytes + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (in.bad()) refuse(name, 0, 0, "cannot be read");
    text.resize(static_cast<std::size_t>(in.gcount()));
    return text;
}

Device parse_device(std::string_view text, const std::filesystem::path& file) {
    const std::string name = file.string();
    return read_device(parse_tree(text, name), name, id_of(file));
}

Store parse_store(std::string_view text, const std::filesystem::path& file) {
    const std::string name = file.string();
    return read_store(parse_tree(text, name), name, id_of(file));
}

Group parse_group(std::string_view text, const std::filesystem::path& file,
                  const std::vector<std::string>& device_ids) {
    const std::string name = file.string();
    return read_group(parse_tree(text, name), name, id_of(file), device_ids);
}

Device load_device(const std::filesystem::path& file) {
    return parse_device(read_file(file), file);
}

Store load_store(const std::filesystem::path& file) {
    return parse_store(read_file(file), file);
}

Group load_group(const std::filesystem::path& file, const std::vector<std::string>& device_ids) {
    return parse_group(read_file(file), file, device_ids);
}

std::vector<std::filesystem::path> find_profiles(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> files;
    std::error_code error;
    for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
         at.increment(error)) {
        if (at->path().extension() == ".yaml") files.push_back(at->path());
    }
    if (error) refuse(folder.string(), 0, 0, "cannot be listed: " + error.message());
    std::sort(files.begin(), files.end(),
              [](const auto& a, const auto& b) { return a.stem().string() < b.stem().string(); });
    return files;
}

std::vector<std::filesystem::path> find_groups(const std::filesystem::path& folder) {
    const std::filesystem::path groups = folder / "groups";
    std::error_code error;
    if (!std::filesystem::exists(groups, error) && !error) return {};
    return find_profiles(groups);
}

std::vector<std::string> ids_of(const std::vector<std::filesystem::path>& files) {
    std::vector<std::string> ids;
    ids.reserve(files.size());
    for (const std::filesystem::path& file : files)
        ids.push_back(file.stem().string());
    return ids;
}

std::vector<std::string> known_keys() {
    std::vector<std::string> keys;
    append_device_keys(keys);
    append_store_keys(keys);
    append_group_keys(keys);
    return keys;
}

}  // namespace handset::device
