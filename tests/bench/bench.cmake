# Figures, no tests: built with the tests, run by hand. tests/bench/README.md says how.
find_package(OpenSSL REQUIRED COMPONENTS Crypto)
add_executable(bench_judge bench/bench_main.cpp)
target_link_libraries(bench_judge PRIVATE handset_judge handset_forge OpenSSL::Crypto)
target_compile_definitions(bench_judge PRIVATE HANDSET_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
