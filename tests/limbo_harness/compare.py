#!/usr/bin/env python3
"""Compares results of the harness with what the suite expects, and with the known deviations.

compare.py SUITE RESULTS [DEVIATIONS]   limbo.json, the harness's output, deviations.yaml

Figures are printed of all cases and of each namespace, which is what an id begins with (`rfc5280`).

DEVIATIONS (by default the file beside this one) says of an id or a glob (`rfc5280::nc::*`) why
handset answers otherwise. One that is not listed is an error, and so is an entry without one.
Exit status: 0 all deviations are listed, 1 they are not, 2 wrong use or input.
"""
import collections
import fnmatch
import json
import pathlib
import sys

import yaml

MAX_INPUT = 64 << 20
HERE = pathlib.Path(__file__).resolve().parent
Deviation = collections.namedtuple("Deviation", "id expected got context")


class Trouble(Exception):
    """One line that says what is wrong with which file."""


def read(file):
    try:
        with open(file, "rb") as stream:
            octets = stream.read(MAX_INPUT + 1)
    except OSError as error:
        raise Trouble(f"{file}: {error.strerror}") from error
    if len(octets) > MAX_INPUT:
        raise Trouble(f"{file}: is longer than 64 MiB")
    return octets


def read_rows(file, key, field, words):
    """What the format's list `key` says of each id: (`field`, context)."""
    try:
        document = json.loads(read(file))
    except (ValueError, RecursionError) as error:
        raise Trouble(f"{file}: is no JSON: {error}") from error
    rows = document.get(key) if isinstance(document, dict) else None
    if not isinstance(rows, list) or document.get("version") != 1:
        raise Trouble(f"{file}: must have version 1 and a list of {key}")
    found = {}
    for number, row in enumerate(rows):
        id = row.get("id") if isinstance(row, dict) else None
        if not isinstance(id, str) or row.get(field) not in words:
            raise Trouble(f"{file}: {key}[{number}] must have an id, and {field} one of "
                          + ", ".join(words))
        if id in found:
            raise Trouble(f"{file}: {key}[{number}].id: {id} is there twice")
        found[id] = row[field], row.get("context")
    return found


def read_deviations(file):
    try:
        listed = yaml.safe_load(read(file))
    except (yaml.YAMLError, RecursionError) as error:
        raise Trouble(f"{file}: is no YAML: {' '.join(str(error).split())}") from error
    listed = {} if listed is None else listed
    if not isinstance(listed, dict) or not all(
            isinstance(text, str) and text.strip() for row in listed.items() for text in row):
        raise Trouble(f"{file}: must say 'id or glob: reason' in every entry")
    return listed


def figures(expected_of, got_of):
    """How many of these ids are answered as expected."""
    judged = [id for id, got in got_of.items() if got != "SKIPPED"]
    right = sum(got_of[id] == expected_of[id] for id in judged)
    share = f"{100 * right / len(judged):.1f} %" if judged else "-"
    return (f"total {len(got_of)}, skipped {len(got_of) - len(judged)}, "
            f"as expected {right} of {len(judged)} ({share})")


def compare(suite, results, listed):
    """Prints the figures, the deviations and what is wrong; True where nothing is wrong."""
    if set(suite) != set(results):
        odd = sorted(set(suite) ^ set(results))
        raise Trouble(f"the results are not those of this suite: {odd[0]} is in one of them only")
    expected_of = {id: expected for id, (expected, _) in suite.items()}
    got_of = {id: got for id, (got, _) in results.items()}
    namespaces = collections.defaultdict(dict)
    for id, got in got_of.items():
        namespaces[id.split("::")[0]][id] = got
    for namespace, got in sorted(namespaces.items()):
        print(printable(f"{namespace}: {figures(expected_of, got)}"))
    print(figures(expected_of, got_of))
    deviations = [Deviation(id, expected_of[id], got, results[id][1] or "-")
                  for id, got in got_of.items() if got not in ("SKIPPED", expected_of[id])]
    for deviation in deviations:
        print(*(printable(part) for part in deviation))

    def matches(id, pattern):
        return fnmatch.fnmatchcase(id, pattern)

    wrong = [f"{d.id}: deviates and is not listed" for d in deviations
             if not any(matches(d.id, pattern) for pattern in listed)]
    wrong += [f"{pattern}: is listed, but nothing that it names deviates" for pattern in listed
              if not any(matches(d.id, pattern) for d in deviations)]
    for line in wrong:
        print("error:", printable(line))
    return not wrong


def printable(text):
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in str(text))


def main(arguments):
    if len(arguments) not in (2, 3):
        print("usage: compare.py SUITE RESULTS [DEVIATIONS]", file=sys.stderr)
        return 2
    try:
        suite = read_rows(arguments[0], "testcases", "expected_result", ("SUCCESS", "FAILURE"))
        results = read_rows(arguments[1], "results", "actual_result",
                            ("SUCCESS", "FAILURE", "SKIPPED"))
        listed = read_deviations(arguments[2] if len(arguments) == 3 else HERE / "deviations.yaml")
        return 0 if compare(suite, results, listed) else 1
    except Trouble as trouble:
        print(f"compare.py: {printable(trouble)}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
