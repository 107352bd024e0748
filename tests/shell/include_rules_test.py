#!/usr/bin/env python3
"""Reads every #include under handshake/, emulator/ and tests/; names what the folder rule forbids.

include_rules_test.py [ROOT]       checks a checkout, by default the one this file is in
include_rules_test.py --self-test  checks that every kind of violation is reported

A folder that is not in the table is a violation, too: whoever adds one decides what it may include.
Text is read line by line, so an #include inside a comment counts.
"""
import contextlib
import pathlib
import re
import sys
import tempfile

HANDSHAKE = [f"handshake/{name}" for name in ("base", "wire", "crypto", "x509", "rules", "session")]

# Folder -> folders it may include, besides itself.
MAY_INCLUDE = {
    "handshake/base": [],
    "handshake/wire": ["handshake/base"],
    "handshake/crypto": ["handshake/base"],
    "handshake/x509": ["handshake/base"],
    "handshake/rules": ["handshake/base", "handshake/wire", "handshake/crypto", "handshake/x509"],
    "handshake/session": ["handshake/base", "handshake/wire", "handshake/crypto"],
    "emulator/device": HANDSHAKE,
    "emulator/forge": HANDSHAKE,
    "emulator/judge": HANDSHAKE + ["emulator/device"],
    "emulator/lab": HANDSHAKE + ["emulator/device", "emulator/judge", "emulator/forge"],
    "emulator/flight": HANDSHAKE + ["emulator/device"],
    "emulator/capture": ["handshake/base"],
    "emulator/report": HANDSHAKE + ["emulator/device", "emulator/judge"],
    "emulator/cli": HANDSHAKE
    + [
        "emulator/device",
        "emulator/judge",
        "emulator/flight",
        "emulator/report",
        "emulator/forge",
        "emulator/lab",
        "emulator/capture",
    ],
    "emulator": ["emulator/cli"],  # main.cpp
}

# Library -> how its headers begin, the files that may include them, and how to say so.
LIBRARIES = {
    "yaml-cpp": (r"yaml-cpp/", r"emulator/device/load\.cpp|emulator/forge/case\.cpp|tests/.*",
                 "emulator/device/load.cpp and emulator/forge/case.cpp"),
    "mbed TLS": (
        r"(mbedtls|psa)/",
        r"handshake/(crypto|session)/[^/]+\.cpp|tests/.*",
        "the .cpp files of handshake/crypto and handshake/session",
    ),
    "Program_options": (r"boost/program_options", r"emulator/cli/.*", "emulator/cli"),
    "Asio": (
        r"(boost/)?asio[./]",
        r"emulator/(flight|lab)/.*|tests/.*",
        "emulator/flight and emulator/lab",
    ),
    "libtins": (r"tins/", r"emulator/capture/[^/]+\.cpp|tests/.*",
                "the .cpp files of emulator/capture"),
    "Catch2": (r"catch2/", r"tests/.*", "tests"),
    "files and sockets": (
        r"(fstream|filesystem|iostream|netdb\.h|unistd\.h)$|(sys|netinet)/",
        r"emulator/.*|tests/.*",
        "emulator: handshake is pure",
    ),
}

SOURCES = {".h", ".hpp", ".hh", ".inc", ".ipp", ".c", ".cc", ".cpp", ".cxx"}
INCLUDE = re.compile(r"\s*#\s*(?:include|include_next|import)\b\s*(.*)")
NAMED = re.compile(r'(?:"([^"]*)"|<([^>]*)>)')


def faults_of(root, path, argument):
    """What is wrong with `#include argument` in the file `path` (from root)."""
    named = NAMED.match(argument)
    if not named:
        yield f"cannot tell what is included: {argument}"
        return
    target = named.group(1) if named.group(1) is not None else named.group(2)
    quoted = named.group(1) is not None

    for library, (begins, allowed, where) in LIBRARIES.items():
        if re.match(begins, target) and not re.fullmatch(allowed, path):
            yield f"{target}: {library} only in {where}"

    parts = target.split("/")
    if ".." in parts or "." in parts:
        yield f"{target}: relative; includes are written from the repository root"
        return
    ours = parts[0] in ("handshake", "emulator", "tests")
    if not ours:
        if quoted:
            yield f"{target}: not written from the repository root (or a library's: use <>)"
        return
    if not quoted:
        yield f"{target}: our own headers are included with quotation marks"
    if not (root / target).is_file():
        yield f"{target}: no such file"
    if path.startswith("tests/"):
        return
    folder, target_folder = path.rpartition("/")[0], target.rpartition("/")[0]
    if folder not in MAY_INCLUDE:
        yield f"{folder} has no row in the table of tests/shell/include_rules_test.py"
    elif target_folder != folder and target_folder not in MAY_INCLUDE[folder]:
        yield f"{target}: {folder} may not include {target_folder}"


def check(root):
    """All violations below root as "file:line: what", and the number of files read."""
    found, files = [], 0
    for top in ("handshake", "emulator", "tests"):
        for file in sorted((root / top).rglob("*")):
            if file.suffix not in SOURCES or not file.is_file():
                continue
            files += 1
            path = file.relative_to(root).as_posix()
            text = file.read_text(encoding="utf-8", errors="replace")
            for number, line in enumerate(text.split("\n"), 1):
                include = INCLUDE.match(line)
                if include:
                    for fault in faults_of(root, path, include.group(1).strip()):
                        found.append(f"{path}:{number}: {fault}")
    return found, files


# (including file, included, part of the report or None where it is allowed)
SAMPLES = [
    ("handshake/wire/a.h", '"handshake/base/x.h"', None),
    ("handshake/wire/a.h", '"handshake/wire/x.h"', None),
    ("handshake/rules/a.cpp", '"handshake/x509/x.h"', None),
    ("handshake/session/a.cpp", '"handshake/crypto/x.h"', None),
    ("emulator/device/a.h", '"handshake/session/x.h"', None),
    ("emulator/judge/a.cpp", '"emulator/device/x.h"', None),
    ("emulator/flight/a.cpp", '"handshake/rules/x.h"', None),
    ("emulator/report/a.cpp", '"emulator/judge/x.h"', None),
    ("emulator/cli/a.cpp", '"emulator/report/x.h"', None),
    ("emulator/main.cpp", '"emulator/cli/x.h"', None),
    ("tests/base/a_test.cpp", '"emulator/cli/x.h"', None),
    ("handshake/base/a.h", '"handshake/wire/x.h"', "handshake/base may not include handshake/wire"),
    ("handshake/wire/a.h", '"handshake/x509/x.h"', "may not include handshake/x509"),
    ("handshake/crypto/a.cpp", '"handshake/x509/x.h"', "may not include handshake/x509"),
    ("handshake/x509/a.cpp", '"handshake/crypto/x.h"', "may not include handshake/crypto"),
    ("handshake/rules/a.cpp", '"handshake/session/x.h"', "may not include handshake/session"),
    ("handshake/session/a.cpp", '"handshake/rules/x.h"', "may not include handshake/rules"),
    ("handshake/rules/a.h", '"emulator/device/x.h"', "may not include emulator/device"),
    ("emulator/device/a.h", '"emulator/judge/x.h"', "may not include emulator/judge"),
    ("emulator/judge/a.h", '"emulator/flight/x.h"', "may not include emulator/flight"),
    ("emulator/flight/a.h", '"emulator/judge/x.h"', "may not include emulator/judge"),
    ("emulator/report/a.h", '"emulator/flight/x.h"', "may not include emulator/flight"),
    ("emulator/report/a.h", '"emulator/cli/x.h"', "may not include emulator/cli"),
    ("emulator/cli/a.h", '"tests/base/x.h"', "may not include tests/base"),
    ("emulator/main.cpp", '"emulator/report/x.h"', "may not include emulator/report"),
    ("emulator/main.cpp", '"handshake/base/x.h"', "may not include handshake/base"),
    ("emulator/new/a.h", '"handshake/base/x.h"', "has no row in the table"),
    ("handshake/wire/a.h", '"../base/x.h"', "relative"),
    ("handshake/wire/a.h", '"./x.h"', "relative"),
    ("handshake/wire/a.h", '"handshake/wire/../base/x.h"', "relative"),
    ("tests/base/a_test.cpp", '"../../handshake/base/x.h"', "relative"),
    ("handshake/wire/a.h", '"x.h"', "not written from the repository root"),
    ("handshake/wire/a.h", '"base/x.h"', "not written from the repository root"),
    ("handshake/wire/a.h", "<handshake/base/x.h>", "with quotation marks"),
    ("handshake/wire/a.h", '"handshake/base/absent.h"', "no such file"),
    ("handshake/wire/a.h", "HEADER", "cannot tell"),
    ("handshake/wire/a.h", "<vector>", None),
    ("emulator/device/load.cpp", "<yaml-cpp/yaml.h>", None),
    ("tests/device/a_test.cpp", "<yaml-cpp/yaml.h>", None),
    ("emulator/device/store.cpp", "<yaml-cpp/yaml.h>", "yaml-cpp only in"),
    ("emulator/device/load.h", "<yaml-cpp/yaml.h>", "yaml-cpp only in"),
    ("emulator/cli/a.cpp", '"yaml-cpp/yaml.h"', "yaml-cpp only in"),
    ("handshake/crypto/a.cpp", "<mbedtls/md.h>", None),
    ("handshake/session/a.cpp", "<mbedtls/ssl.h>", None),
    ("tests/session/a_test.cpp", "<mbedtls/ssl.h>", None),
    ("handshake/crypto/a.h", "<mbedtls/md.h>", "mbed TLS only in"),
    ("handshake/session/a.h", "<mbedtls/ssl.h>", "mbed TLS only in"),
    ("handshake/x509/a.cpp", "<mbedtls/x509.h>", "mbed TLS only in"),
    ("emulator/flight/a.cpp", "<psa/crypto.h>", "mbed TLS only in"),
    ("emulator/cli/a.cpp", "<boost/program_options.hpp>", None),
    ("emulator/report/a.cpp", "<boost/program_options.hpp>", "Program_options only in"),
    ("emulator/cli/a.cpp", "<boost/json.hpp>", None),
    ("emulator/flight/a.cpp", "<boost/asio.hpp>", None),
    ("emulator/cli/a.cpp", "<boost/asio/io_context.hpp>", "Asio only in"),
    ("handshake/session/a.cpp", "<boost/asio.hpp>", "Asio only in"),
    ("emulator/capture/a.cpp", "<tins/tcp.h>", None),
    ("emulator/capture/a.h", "<tins/tcp.h>", "libtins only in"),
    ("emulator/flight/a.cpp", "<tins/tcp.h>", "libtins only in"),
    ("emulator/capture/a.cpp", '"handshake/base/x.h"', None),
    ("emulator/capture/a.cpp", '"handshake/wire/x.h"', "may not include handshake/wire"),
    ("handshake/base/a.cpp", "<catch2/catch.hpp>", "Catch2 only in"),
    ("handshake/base/a.cpp", "<fstream>", "handshake is pure"),
    ("handshake/session/a.cpp", "<sys/socket.h>", "handshake is pure"),
    ("emulator/flight/a.cpp", "<fstream>", None),
]


def self_test():
    wrong = []
    for path, included, expected in SAMPLES:
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for target in [*MAY_INCLUDE, "tests/base"]:
                (root / target).mkdir(parents=True, exist_ok=True)
                (root / target / "x.h").write_text("#pragma once\n", encoding="utf-8")
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(f"// first line\n  #  include {included} // why\n", "utf-8")
            found, files = check(root)
        asked = f"{path}: #include {included}"
        if files != len(MAY_INCLUDE) + 2:
            wrong.append(f"{asked}: {files} files were read")
        if expected is None and found:
            wrong.append(f"{asked}: is allowed, reported: {found}")
        if expected is not None and not (
            len(found) >= 1 and all(f.startswith(f"{path}:2: ") for f in found)
            and any(expected in f for f in found)
        ):
            wrong.append(f"{asked}: expected '{expected}', reported: {found}")
    with tempfile.TemporaryDirectory() as folder:
        if check(pathlib.Path(folder)) != ([], 0):
            wrong.append("an empty folder does not count as zero files")
        with contextlib.redirect_stdout(None):
            status = run(pathlib.Path(folder))
        if status == 0:
            wrong.append("an empty folder passes")

    # The table itself must have no cycle: take away what includes nothing that is left.
    left = dict(MAY_INCLUDE)
    while free := [name for name in left if not any(other in left for other in left[name])]:
        for name in free:
            del left[name]
    if left:
        wrong.append(f"the table has a cycle among {sorted(left)}")

    for line in wrong:
        print(f"self-test: {line}")
    print(f"self-test: {len(SAMPLES)} samples, {len(wrong)} wrong")
    return 1 if wrong else 0


def run(root):
    found, files = check(root)
    for line in found:
        print(line)
    if files == 0:
        print(f"{root}: no source file found")
    print(f"{files} files, {len(found)} forbidden includes")
    return 1 if found or files == 0 else 0


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        sys.exit(self_test())
    here = pathlib.Path(__file__).resolve().parents[2]
    sys.exit(run(pathlib.Path(sys.argv[1]) if sys.argv[1:] else here))
