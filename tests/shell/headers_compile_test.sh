#!/usr/bin/env bash
# Every header of handshake/ and emulator/ compiles alone, and twice in one file. CXX: the compiler.
set -u
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/../.." || exit 1
export CXX=${CXX:-g++}

mapfile -d '' headers < <(find handshake emulator -name '*.h' -print0 | sort -z)
if ((${#headers[@]} == 0)); then
    echo "no header found"
    exit 1
fi
printf '%s\0' "${headers[@]}" |
    xargs -0 -P2 -n1 bash -c '
        printf "#include \"%s\"\n#include \"%s\"\n" "$1" "$1" |
            $CXX -std=c++20 -fsyntax-only -I. -x c++ - && exit
        echo "does not compile alone: $1"
        exit 1
    ' bash || exit 1
echo "${#headers[@]} headers compile alone"
