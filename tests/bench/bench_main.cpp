// Measures reading and judging, beside OpenSSL's libcrypto on the same certificates in the same
// run; then flights that were made to keep a path builder busy. Prints figures and asserts nothing:
// speed is compared by eye, never by a test. Usage: bench_judge [SECONDS PER LINE [TEXT]], default
// 1; with TEXT only the lines that contain it, and the graphs for "graphs".
//
// One certificate is one flight here: a leaf that the given root has issued, so that a verdict
// needs one decoding, one reading by all rules, and one signature.
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>

#include "tests/support/judged.h"

using namespace handset;

namespace {

constexpr std::size_t distinct = 256;

// What one line measures; `one` does it for the i-th certificate, `count` of them in one call.
struct Line {
    std::string what;
    std::function<void(std::size_t)> one;
    double count = 1;
};

// Calls a second, over about `seconds`.
double measure(double seconds, const std::function<void(std::size_t)>& one) {
    using Clock = std::chrono::steady_clock;
    for (std::size_t i = 0; i < distinct; ++i)
        one(i);  // warm
    const auto begin = Clock::now();
    std::size_t done = 0;
    double elapsed = 0;
    do {
        for (std::size_t i = 0; i < distinct; ++i)
            one(i);
        done += distinct;
        elapsed = std::chrono::duration<double>(Clock::now() - begin).count();
    } while (elapsed < seconds);
    return static_cast<double>(done) / elapsed;
}

void print(const Line& line, double seconds) {
    const double per_second = measure(seconds, line.one) * line.count;
    fmt::print("{:<62} {:>10.0f} /s {:>9.2f} us\n", line.what, per_second, 1e6 / per_second);
}
[[noreturn]] void stop(std::string_view why) {
    fmt::print(stderr, "bench_judge: {}\n", why);
    std::exit(2);
}

forge::Recipes recipes_of(std::size_t number) {
    forge::Recipes recipes = forge::correct_recipes();
    forge::Recipe& leaf = recipes["leaf"];
    leaf.issued_by = "root";
    leaf.serial = {0x10, static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number)};
    return recipes;
}

// --- OpenSSL ------------------------------------------------------------------------------------

using X509Ptr = std::unique_ptr<X509, decltype(&X509_free)>;
X509Ptr parse(const Bytes& der) {
    const unsigned char* at = der.data();
    X509Ptr read(d2i_X509(nullptr, &at, static_cast<long>(der.size())), X509_free);
    if (!read) stop("libcrypto does not read the certificate");
    return read;
}

class OpenSsl {
public:
    OpenSsl(const Bytes& root, std::time_t at)
        : store_(X509_STORE_new(), X509_STORE_free), root_(parse(root)) {
        X509_STORE_add_cert(store_.get(), root_.get());
        X509_VERIFY_PARAM* param = X509_STORE_get0_param(store_.get());
        X509_VERIFY_PARAM_set_time(param, at);
        X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
        X509_VERIFY_PARAM_set1_host(param, "mail.example.test", 0);
    }
    void verify(const Bytes& der) const {
        const X509Ptr leaf = parse(der);
        const std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> context(
            X509_STORE_CTX_new(), X509_STORE_CTX_free);
        X509_STORE_CTX_init(context.get(), store_.get(), leaf.get(), nullptr);
        if (X509_verify_cert(context.get()) != 1) {
            stop(X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get())));
        }
    }

private:
    std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)> store_;
    X509Ptr root_;
};

std::vector<std::string> profile_ids() {
    std::vector<std::string> ids;
    for (const auto& file :
         std::filesystem::directory_iterator(forge::source_folder() / "profiles")) {
        if (file.path().extension() == ".yaml") ids.push_back(file.path().stem().string());
    }
    std::ranges::sort(ids);
    return ids;
}

// --- hostile graphs -----------------------------------------------------------------------------

struct Graph {
    std::string what;
    wire::Flight flight;
    judge::Question question;
};

// All CAs bear one name and have one key, so that each seems to have issued each.
forge::Recipes look_alikes(std::size_t count) {
    forge::Recipes recipes = forge::correct_recipes();
    for (std::size_t i = 0; i < count; ++i) {
        forge::Recipe ca = recipes["intermediate"];
        ca.issued_by = "ca0";
        ca.serial = {0x20, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)};
        ca.path_len.reset();
        recipes[fmt::format("ca{}", i)] = ca;
    }
    recipes["leaf"].issued_by = "ca0";
    return recipes;
}

Bytes make(const forge::Recipes& recipes, const std::string& name) {
    return forge::make_certificate(recipes, name, forge::keys_folder());
}

std::vector<Graph> hostile_graphs() {
    const forge::Case usual;
    const judge::Question question = forge::question_of(usual);
    std::vector<Graph> graphs;
    {
        const forge::Recipes recipes = look_alikes(1000);
        std::vector<Bytes> sent{make(recipes, "leaf")};
        Graph fetched{"1,000 cross-signed by one another, from AIA", forge::make_files(sent),
                      question};
        for (std::size_t i = 0; i < 1000; ++i) {
            sent.push_back(make(recipes, fmt::format("ca{}", i)));
            fetched.question.aia.push_back(forge::decoded(sent.back()));
        }
        graphs.push_back(
            {"1,000 cross-signed by one another, sent", forge::make_files(sent), question});
        graphs.push_back(std::move(fetched));
    }
    {
        forge::Recipes recipes = forge::correct_recipes();
        recipes["intermediate"].issued_by = "intermediate";
        graphs.push_back({"an intermediate that issued itself, 100 times",
                          forge::make_files(std::vector<Bytes>{make(recipes, "leaf")}), question});
        for (std::size_t i = 0; i < 100; ++i) {
            recipes["intermediate"].serial = {0x21, static_cast<std::uint8_t>(i)};
            graphs.back().flight.certificates.push_back(make(recipes, "intermediate"));
        }
    }
    {
        forge::Recipes recipes = forge::correct_recipes();
        std::vector<Bytes> sent;
        std::string above = "root";
        for (std::size_t i = 0; i < 100; ++i) {
            forge::Recipe ca = recipes["intermediate"];
            ca.subject = {fmt::format("CN=CA {}", i)};
            ca.issued_by = above;
            ca.path_len.reset();
            above = fmt::format("ca{}", i);
            recipes[above] = ca;
            sent.insert(sent.begin(), make(recipes, above));
        }
        recipes["leaf"].issued_by = above;
        sent.insert(sent.begin(), make(recipes, "leaf"));
        graphs.push_back({"100 intermediates below a root", forge::make_files(sent), question});
    }
    return graphs;
}

double resident_mib() {
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    return static_cast<double>(used.ru_maxrss) / 1024;
}

// Each in a process of its own, so that its peak of memory is its own.
void print(const Graph& graph, const forge::Shipped& device, std::string_view path_rules) {
    std::fflush(stdout);
    const pid_t child = fork();
    if (child < 0) stop("cannot fork");
    if (child > 0) {
        int status = 0;
        waitpid(child, &status, 0);
        if (status != 0) stop("a hostile graph ended the judge");
        return;
    }
    const auto begin = std::chrono::steady_clock::now();
    const judge::Verdict verdict =
        judge::judge(device.device, device.store, rules::read(graph.flight), graph.question);
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
    fmt::print("{:<48} {:<12} {:>8.1f} ms peak {:>5.1f} MiB  {}\n", graph.what, path_rules,
               took.count(), resident_mib(), judge::outcome_name(verdict.outcome));
    std::fflush(stdout);
    _exit(0);
}

}  // namespace

int main(int argc, char** argv) {
    const double seconds = argc > 1 ? std::atof(argv[1]) : 1.0;
    const std::string_view only = argc > 2 ? argv[2] : "";
    std::vector<Bytes> leaves;
    for (std::size_t i = 0; i < distinct; ++i) {
        leaves.push_back(forge::make_certificate(recipes_of(i), "leaf", forge::keys_folder()));
    }
    const forge::Case usual;
    judge::Question question = forge::question_of(usual);
    const Bytes root = question.roots->front().raw;
    const forge::Shipped& strict = forge::shipped("strict");
    const auto read = [&](std::size_t i) {
        return rules::read(forge::make_files({leaves[i % distinct]}));
    };
    judge::SignatureCache cache;
    const auto judged = [&](judge::SignatureCache* signatures) {
        return [&, signatures](std::size_t i) {
            question.signatures = signatures;
            const judge::Verdict verdict =
                judge::judge(strict.device, strict.store, read(i), question);
            if (verdict.outcome != judge::Outcome::connects) stop("the strict reader refuses");
        };
    };
    const OpenSsl openssl(root, std::chrono::system_clock::to_time_t(question.at));

    // One chain against every profile, as `handset check` does it.
    forge::Case chain;
    const wire::Flight flight = forge::make_flight(chain, forge::keys_folder());
    const std::vector<std::string> ids = profile_ids();
    std::vector<const forge::Shipped*> devices;
    for (const std::string& id : ids)
        devices.push_back(&forge::shipped(id));
    const auto all = [&](judge::SignatureCache* signatures) {
        return [&, signatures](std::size_t) {
            question.signatures = signatures;
            const rules::Evidence evidence = rules::read(flight);
            for (const forge::Shipped* device : devices)
                judge::judge(device->device, device->store, evidence, question);
        };
    };
    const double count = static_cast<double>(devices.size());

    const std::vector<Line> lines{
        {"decoded",
         [&](std::size_t i) {
             if (!x509::decode_certificate(leaves[i])) stop("does not decode");
         }},
        {"  libcrypto: d2i_X509", [&](std::size_t i) { parse(leaves[i]); }},
        {"decoded and read by all rules",
         [&](std::size_t i) {
             if (read(i).chain.size() != 1) stop("is not read");
         }},
        {"decoded, read, judged by strict, signatures cached", judged(&cache)},
        {"decoded, read, judged by strict, one RSA 2048 verification", judged(nullptr)},
        {"  libcrypto: d2i_X509, X509_verify_cert with host name",
         [&](std::size_t i) { openssl.verify(leaves[i]); }},
        {fmt::format("verdicts on one chain of {} against all {} profiles, warm",
                     flight.certificates.size(), devices.size()),
         all(&cache), count},
        {"the same, nothing cached", all(nullptr), count},
    };
    fmt::print("one certificate of {} octets, RSA 2048, SHA-256; {} of them; one core\n\n",
               leaves.front().size(), distinct);
    for (const Line& line : lines) {
        if (line.what.find(only) != std::string::npos) print(line, seconds);
    }

    if (!only.empty() && only != "graphs") return 0;
    fmt::print("\nhostile graphs, each once, nothing cached\n\n");
    forge::Shipped fetching = strict;  // strict, but for what makes a path builder work hardest
    fetching.device.path.order->value = device::PathOrder::any;
    fetching.device.path.aia->value = device::AiaRule::fetched;
    for (const Graph& graph : hostile_graphs()) {
        print(graph, strict, "as sent");
        print(graph, fetching, "any, AIA");
    }
    return 0;
}
