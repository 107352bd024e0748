// Measures reading and judging, beside OpenSSL's libcrypto on the same certificates in the same
// run. Prints figures and asserts nothing: speed is compared by eye, never by a test. Usage:
// bench_judge [SECONDS PER LINE], default 1.
//
// One certificate is one flight here: a leaf that the given root has issued, so that a verdict
// needs one decoding, one reading by all rules, and one signature.
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>

#include "tests/support/judged.h"

using namespace handset;

namespace {

constexpr std::size_t distinct = 256;

struct Line {
    double per_second = 0;
    double microseconds() const { return 1e6 / per_second; }
};

// Runs `one(i)` for about `seconds`.
Line measure(double seconds, const std::function<void(std::size_t)>& one) {
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
    return {static_cast<double>(done) / elapsed};
}

void print(std::string_view what, Line line) {
    fmt::print("{:<62} {:>10.0f} /s {:>9.2f} us\n", what, line.per_second, line.microseconds());
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

}  // namespace

int main(int argc, char** argv) {
    const double seconds = argc > 1 ? std::atof(argv[1]) : 1.0;
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
    const auto judged = [&](std::size_t i) {
        const judge::Verdict verdict = judge::judge(strict.device, strict.store, read(i), question);
        if (verdict.outcome != judge::Outcome::connects) stop("the strict reader refuses");
    };
    const OpenSsl openssl(root, std::chrono::system_clock::to_time_t(question.at));
    fmt::print("one certificate of {} octets, RSA 2048, SHA-256; {} of them; one core\n\n",
               leaves.front().size(), distinct);

    print("decoded", measure(seconds, [&](std::size_t i) {
              if (!x509::decode_certificate(leaves[i])) stop("does not decode");
          }));
    print("  libcrypto: d2i_X509", measure(seconds, [&](std::size_t i) { parse(leaves[i]); }));
    print("decoded and read by all rules", measure(seconds, [&](std::size_t i) {
              if (read(i).chain.size() != 1) stop("is not read");
          }));
    const Line verified = measure(seconds, judged);
    judge::SignatureCache cache;
    question.signatures = &cache;
    const Line cached = measure(seconds, judged);
    print("decoded, read, judged by strict, signatures cached", cached);
    print("decoded, read, judged by strict, one RSA 2048 verification", verified);
    const Line theirs = measure(seconds, [&](std::size_t i) { openssl.verify(leaves[i]); });
    print("  libcrypto: d2i_X509, X509_verify_cert with host name", theirs);
    fmt::print("ratio to libcrypto, one verification each: {:.2f}\n\n",
               verified.per_second / theirs.per_second);

    // One chain against every profile, as `handset check` does it.
    forge::Case chain;
    const wire::Flight flight = forge::make_flight(chain, forge::keys_folder());
    const std::vector<std::string> ids = profile_ids();
    std::vector<const forge::Shipped*> devices;
    for (const std::string& id : ids)
        devices.push_back(&forge::shipped(id));
    const auto all = [&](std::size_t) {
        const rules::Evidence evidence = rules::read(flight);
        for (const forge::Shipped* device : devices)
            judge::judge(device->device, device->store, evidence, question);
    };
    const double count = static_cast<double>(devices.size());
    const Line warm = measure(seconds, all);
    print(fmt::format("verdicts on one chain of {} against all {} profiles, warm",
                      flight.certificates.size(), devices.size()),
          {warm.per_second * count});
    question.signatures = nullptr;
    const Line cold = measure(seconds, all);
    print("the same, nothing cached", {cold.per_second * count});
    return 0;
}
