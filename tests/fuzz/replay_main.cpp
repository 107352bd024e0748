// Runs a fuzz target over its corpus in the ordinary test run: every file as it stands, cut short
// at up to 128 places and with single octets changed there. Says nothing new about inputs it has
// not got; the preset `fuzz` goes looking for those.
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int argc, char** argv) {
    std::size_t files = 0;
    std::size_t runs = 0;
    for (int i = 1; i < argc; ++i) {
        if (!std::filesystem::is_directory(argv[i])) continue;
        for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
            std::ifstream in(entry.path(), std::ios::binary);
            std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(in),
                                            std::istreambuf_iterator<char>()};
            ++files;
            LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
            ++runs;
            // Dense at the front, where the structure is; then ever wider steps, to bound the work.
            const std::size_t step = 1 + bytes.size() / 128;
            for (std::size_t at = 0; at < bytes.size(); at += step, runs += 3) {
                LLVMFuzzerTestOneInput(bytes.data(), at);
                for (const auto flip : {std::uint8_t{0x01}, std::uint8_t{0x80}}) {
                    bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ flip);
                    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
                    bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ flip);
                }
            }
        }
    }
    std::printf("%zu files, %zu runs\n", files, runs);
    return files == 0 ? 1 : 0;
}
