// Judges the test cases of C2SP/x509-limbo, format 1, from standard input; writes its results
// format to standard output. README.md beside this file says what is mapped to what. What a case
// expects is not read here: compare.py looks at that.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <iostream>
#include <stdexcept>

#include "emulator/cli/library.h"
#include "emulator/flight/files.h"
#include "emulator/judge/judge.h"

namespace {

namespace json = boost::json;
using namespace handset;

constexpr std::size_t max_input = std::size_t{64} << 20;

// Wrong use or bad input; one line.
class Trouble : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct PeerName {
    std::string kind;
    std::string value;
};
struct Testcase {
    std::string id;
    std::string where;  // "testcases[3]", for messages
    std::string validation_kind;
    std::vector<std::string> trusted_certs;
    std::vector<std::string> untrusted_intermediates;
    std::string peer_certificate;
    std::optional<std::string> validation_time;
    std::vector<std::string> signature_algorithms;
    std::vector<std::string> key_usage;
    std::vector<std::string> extended_key_usage;
    std::optional<PeerName> expected_peer_name;
    std::vector<std::string> crls;
    std::optional<std::size_t> max_chain_depth;
};

// --- the format ---------------------------------------------------------------------------------
// One JSON object and where it stands.
class Object {
public:
    Object(const json::value& value, std::string where) : where_(std::move(where)) {
        if (!value.is_object()) throw Trouble(fmt::format("{}: must be an object", where_));
        object_ = &value.get_object();
    }

    // nullptr where the key is absent or null.
    const json::value* find(std::string_view key) const {
        const json::value* value = object_->if_contains(key);
        return value && !value->is_null() ? value : nullptr;
    }
    std::string at(std::string_view key) const { return fmt::format("{}.{}", where_, key); }

    std::optional<std::string> optional_text(std::string_view key) const {
        const json::value* value = find(key);
        if (!value) return std::nullopt;
        return text_of(*value, at(key));
    }
    std::string text(std::string_view key) const {
        auto read = optional_text(key);
        if (!read) throw Trouble(fmt::format("{}: is missing", at(key)));
        return std::move(*read);
    }
    // Empty where the key is absent.
    std::vector<std::string> texts(std::string_view key) const {
        std::vector<std::string> read;
        const json::value* value = find(key);
        if (!value) return read;
        if (!value->is_array()) throw Trouble(fmt::format("{}: must be a list", at(key)));
        for (const json::value& item : value->get_array())
            read.push_back(text_of(item, at(key)));
        return read;
    }
    std::optional<std::size_t> count(std::string_view key) const {
        const json::value* value = find(key);
        if (!value) return std::nullopt;
        json::error_code error;
        const auto read = value->to_number<std::size_t>(error);
        if (error) throw Trouble(fmt::format("{}: must be a whole number from 0", at(key)));
        return read;
    }

private:
    static std::string text_of(const json::value& value, const std::string& where) {
        if (!value.is_string()) throw Trouble(fmt::format("{}: must be a string", where));
        return std::string(value.get_string());
    }

    const json::object* object_ = nullptr;
    std::string where_;
};

Testcase read_testcase(const json::value& value, std::string where) {
    const Object object(value, where);
    Testcase testcase;
    testcase.id = object.text("id");
    testcase.where = std::move(where);
    testcase.validation_kind = object.text("validation_kind");
    testcase.trusted_certs = object.texts("trusted_certs");
    testcase.untrusted_intermediates = object.texts("untrusted_intermediates");
    testcase.peer_certificate = object.text("peer_certificate");
    testcase.validation_time = object.optional_text("validation_time");
    testcase.signature_algorithms = object.texts("signature_algorithms");
    testcase.key_usage = object.texts("key_usage");
    testcase.extended_key_usage = object.texts("extended_key_usage");
    if (const json::value* name = object.find("expected_peer_name")) {
        const Object peer(*name, object.at("expected_peer_name"));
        testcase.expected_peer_name = {peer.text("kind"), peer.text("value")};
    }
    testcase.crls = object.texts("crls");
    testcase.max_chain_depth = object.count("max_chain_depth");
    return testcase;
}

// Short values take many times the room of their text.
class BoundedMemory : public json::memory_resource {
    void* do_allocate(std::size_t size, std::size_t /*alignment*/) override {
        if (size > left_) throw Trouble("the JSON holds too many values for 512 MiB of memory");
        left_ -= size;
        return ::operator new(size);
    }
    void do_deallocate(void* memory, std::size_t size, std::size_t /*alignment*/) override {
        left_ += size;
        ::operator delete(memory);
    }
    bool do_is_equal(const json::memory_resource& other) const noexcept override {
        return this == &other;
    }
    std::size_t left_ = std::size_t{512} << 20;
};

std::vector<Testcase> read_suite(std::string_view text) {
    BoundedMemory memory;
    json::parser parser(&memory);
    parser.reset(&memory);
    json::error_code error;
    parser.write(text, error);
    if (error) throw Trouble(fmt::format("standard input is no JSON: {}", error.message()));
    const json::value document = parser.release();
    const Object top(document, "suite");
    if (top.count("version") != std::size_t{1}) {
        throw Trouble("suite.version: must be 1, the only version that is understood");
    }
    const json::value* list = top.find("testcases");
    if (!list || !list->is_array()) throw Trouble("suite.testcases: must be a list");
    std::vector<Testcase> suite;
    for (const json::value& value : list->get_array())
        suite.push_back(read_testcase(value, fmt::format("testcases[{}]", suite.size())));
    return suite;
}

// --- judging ------------------------------------------------------------------------------------
// Why handset has no answer to this case; empty when it has.
std::string reason_to_skip(const Testcase& testcase) {
    // The kind is that of the peer: SERVER is a server's certificate, seen by a client.
    if (testcase.validation_kind != "SERVER") return "handset judges servers' certificates only";
    if (!testcase.crls.empty()) return "revocation lists are not read";
    if (!testcase.signature_algorithms.empty())
        return "signature_algorithms: the device has its own";
    for (const std::string& usage : testcase.key_usage) {
        if (usage != "digitalSignature") {
            return "key_usage: follows from the key exchange, which certificates alone do not tell";
        }
    }
    for (const std::string& usage : testcase.extended_key_usage) {
        if (usage != "serverAuth") return "extended_key_usage: a server's is serverAuth";
    }
    if (const auto& name = testcase.expected_peer_name) {
        if (name->kind != "DNS" && name->kind != "IP") {
            return "expected_peer_name: a server has a DNS name or an IP address";
        }
        if (name->value.empty()) return "expected_peer_name: no device asks for an empty name";
    }
    return "";
}

// What the PEM text of one certificate holds; the certificate itself may be malformed.
Bytes der_of(const std::string& pem, const std::string& where) {
    std::vector<Bytes> found = flight::decode_certificates(view_of(pem), where);
    if (found.size() != 1) {
        throw Trouble(fmt::format("{}: holds {} certificates, must be one", where, found.size()));
    }
    return std::move(found.front());
}

// The certificates in the suite's order, which means nothing there; see for_suite().
wire::Flight flight_of(const Testcase& testcase) {
    wire::Flight flight;
    flight.origin = wire::Flight::Origin::files;
    flight.ending = wire::Ending::server_hello_done;
    flight.certificates.push_back(
        der_of(testcase.peer_certificate, testcase.where + ".peer_certificate"));
    for (const std::string& pem : testcase.untrusted_intermediates) {
        flight.certificates.push_back(der_of(pem, testcase.where + ".untrusted_intermediates"));
    }
    return flight;
}

device::Device for_suite(device::Device device, const Testcase& testcase) {
    const auto by_suite = [](auto value) {
        return device::Statement<decltype(value)>{value, "limbo", device::Grade::documented};
    };
    device.path.order = by_suite(device::PathOrder::any);
    if (const auto depth = testcase.max_chain_depth) {
        // The suite counts what stands between leaf and anchor.
        constexpr std::size_t more_than_any_path = 1000;
        device.path.max_certificates = by_suite(std::min(*depth, more_than_any_path) + 2);
    }
    return device;
}

struct Result {
    std::string_view actual_result;
    std::string context;
};

Result run(const Testcase& testcase, const device::Device& device, const device::Store* store) {
    if (std::string reason = reason_to_skip(testcase); !reason.empty()) {
        return {"SKIPPED", std::move(reason)};
    }
    judge::Question question;
    question.at = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    if (testcase.validation_time) {
        const auto at = parse_rfc3339(*testcase.validation_time);
        if (!at) throw Trouble(testcase.where + ".validation_time: must be a time by RFC 3339");
        question.at = *at;
    }
    if (testcase.expected_peer_name) question.host = testcase.expected_peer_name->value;
    std::string notes;
    question.roots.emplace();
    for (const std::string& pem : testcase.trusted_certs) {
        auto root = x509::decode_certificate(der_of(pem, testcase.where + ".trusted_certs"));
        if (root) {
            question.roots->push_back(std::move(*root));
        } else {
            notes += fmt::format("; a trusted certificate cannot be decoded: {}",
                                 to_string(root.error()));
        }
    }
    const rules::Evidence evidence = rules::read(flight_of(testcase));
    const judge::Verdict verdict =
        judge::judge(for_suite(device, testcase), store, evidence, question);
    if (verdict.outcome == judge::Outcome::connects) return {"SUCCESS", ""};
    std::string context;
    if (verdict.outcome != judge::Outcome::fails) {
        context = fmt::format("{}: ", judge::outcome_name(verdict.outcome));
    }
    if (const judge::Reason* reason = judge::decisive_reason(verdict)) {
        context += fmt::format("{}: {}", reason->finding.rule, reason->finding.detail);
    }
    return {"FAILURE", printable_utf8(context + notes)};
}

// --- the program --------------------------------------------------------------------------------
std::string read_input() {
    std::string text;
    std::vector<char> part(1 << 16);
    do {
        std::cin.read(part.data(), static_cast<std::streamsize>(part.size()));
        text.append(part.data(), static_cast<std::size_t>(std::cin.gcount()));
        if (text.size() > max_input) throw Trouble("standard input is longer than 64 MiB");
    } while (std::cin);
    return text;
}

// Who answers a case. The suite's names beginning "webpki::" stand for the CA/Browser Forum's
// Baseline Requirements on top of RFC 5280.
class Panel {
public:
    explicit Panel(const std::vector<std::string>& arguments) : library_(cli::home()) {
        if (arguments.empty()) {
            seat("strict");
            seat("strict-br");
        } else if (arguments.size() == 2 && arguments[0] == "--device") {
            seat(arguments[1]);
        } else {
            throw Trouble("usage: limbo_harness [--device ID|FILE] <limbo.json >results.json");
        }
    }
    const device::Device& device_for(const Testcase& testcase) const {
        return testcase.id.starts_with("webpki::") ? devices_.back() : devices_.front();
    }
    const device::Store* store_of(const device::Device& device) {
        return library_.store_of(device);
    }

private:
    void seat(const std::string& id) {
        const std::vector<device::Device> found = library_.find({id});
        if (found.size() != 1) throw Trouble("--device: must name one device, not several");
        devices_.push_back(found.front());
    }

    cli::Library library_;
    std::vector<device::Device> devices_;
};

void run_suite(const std::vector<std::string>& arguments) {
    Panel panel(arguments);
    json::array results;
    for (const Testcase& testcase : read_suite(read_input())) {
        const device::Device& device = panel.device_for(testcase);
        const Result result = run(testcase, device, panel.store_of(device));
        json::object entry{{"id", testcase.id}, {"actual_result", result.actual_result}};
        entry["context"] =
            result.context.empty() ? json::value(nullptr) : json::value(result.context);
        results.push_back(std::move(entry));
    }
    std::cout << json::object{{"version", 1}, {"harness", "handset"}, {"results", results}} << '\n';
    std::cout.flush();
    if (!std::cout) throw Trouble("standard output could not be written");
}

}  // namespace

int main(int argc, char** argv) {
    try {
        run_suite({argv + 1, argv + argc});
        return 0;
    } catch (const std::bad_alloc&) {
        std::cerr << "limbo_harness: out of memory\n";
    } catch (const std::exception& error) {
        std::cerr << "limbo_harness: " << printable_utf8(error.what()) << '\n';
    }
    return 2;
}
