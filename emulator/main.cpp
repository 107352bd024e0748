#include <sys/ioctl.h>
#include <unistd.h>

#include <iostream>
#include <string>
#include <vector>

#include "emulator/cli/cli.h"

int main(int argc, char** argv) {
    handset::cli::Streams streams{std::cout, std::cerr, isatty(STDOUT_FILENO) == 1,
                                  isatty(STDERR_FILENO) == 1};
    winsize size{};
    if (streams.out_is_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 &&
        size.ws_col > 0) {
        streams.width = size.ws_col;
    }
    return handset::cli::run({argv + 1, argv + argc}, streams);
}
