"""Runs the program under test and reads its JSON.

HANDSET_PROGRAM is the program, HANDSET_HOME the checkout. Every run is checked for what no run may
show: death by a signal, a message of a sanitizer, more time or memory than it was given.
"""
import functools
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import threading
import time
import unittest

import jsonschema
import yaml

HOME = pathlib.Path(os.environ.get("HANDSET_HOME") or pathlib.Path(__file__).parents[3])
MIB = 1 << 20
SANITIZER_STATUS = 99
HOST = "mail.contoso.com"
AT = "2007-09-02T12:00:00Z"


@functools.lru_cache(maxsize=None)
def program():
    named = os.environ.get("HANDSET_PROGRAM")
    if not named or not os.access(named, os.X_OK):
        raise AssertionError(f"HANDSET_PROGRAM={named!r} is no program; ctest sets it")
    return named


@functools.lru_cache(maxsize=None)
def is_sanitized():
    return b"__asan_init" in pathlib.Path(program()).read_bytes()


def memory_limit():
    """Octets that one run may need at most. The address sanitizer keeps what was freed."""
    return (700 if is_sanitized() else 160) * MIB


class Run:
    """What one run of the program left behind."""

    def __init__(self, arguments, status, out, err, seconds, peak_bytes):
        self.arguments, self.status, self.out, self.err = arguments, status, out, err
        self.seconds, self.peak_bytes = seconds, peak_bytes

    def __str__(self):
        shown = " ".join(str(argument) for argument in self.arguments)
        return f"handset {shown}\nstatus {self.status}\n{self.out[:6000]}\n{self.err[:3000]}"


class ProgramTest(unittest.TestCase):
    """A test with a folder of its own and the program at hand."""

    maxDiff = None

    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory(prefix="handset-live-")
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = pathlib.Path(temporary.name).resolve()
        cls.folder.chmod(0o755)  # servers that give up root still have to read here

    def handset(self, *arguments, deadline=60, stdout=None, cwd=None, environment=None):
        """Runs the program to its end; more than `deadline` seconds are a failure."""
        arguments = [os.fspath(argument) for argument in arguments]
        options = f"exitcode={SANITIZER_STATUS}"
        env = {
            **os.environ,
            "HANDSET_HOME": str(HOME),
            "ASAN_OPTIONS": options,
            "UBSAN_OPTIONS": options + ":print_stacktrace=1",
            **(environment or {}),
        }
        late = threading.Event()
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            began = time.monotonic()
            process = subprocess.Popen(
                [program(), *arguments], stdin=subprocess.DEVNULL, stdout=stdout or out,
                stderr=err, cwd=cwd or self.folder, env=env)

            def end():
                late.set()
                process.send_signal(signal.SIGKILL)

            timer = threading.Timer(deadline, end)
            timer.start()
            try:
                _, wait_status, usage = os.wait4(process.pid, 0)
            finally:
                timer.cancel()
                timer.join()
            process.returncode = os.waitstatus_to_exitcode(wait_status)
            seconds = time.monotonic() - began
            out.seek(0)
            err.seek(0)
            run = Run(arguments, process.returncode, out.read().decode("utf-8"),
                      err.read().decode("utf-8"), seconds, usage.ru_maxrss * 1024)
        self.assertFalse(late.is_set(), f"not done after {deadline} s: {run}")
        self.assertIn(run.status, (0, 1, 2, 3), run)
        for word in ("Sanitizer", "runtime error", "terminate called"):
            self.assertNotIn(word, run.err, run)
        self.assertLess(run.peak_bytes, memory_limit(), run)
        return run

    def json_of(self, run, part=None):
        """The run's standard output, validated against emulator/report/schema.json, or a part."""
        self.assertEqual("", run.err, run)
        try:
            document = json.loads(run.out)
        except ValueError as error:
            self.fail(f"no JSON ({error}): {run}")
        schema_validator(part).validate(document)
        return document

    def lines_of(self, text):
        """Lines of the lab's log, each validated."""
        lines = [json.loads(line) for line in text.splitlines()]
        for line in lines:
            schema_validator("lab_line").validate(line)
        return lines

    def verdicts(self, *arguments, **keywords):
        """Runs check or probe; verdicts by device. The exit status must agree with them."""
        run = self.handset(*arguments, "--format", "json", **keywords)
        document = self.json_of(run)
        found = {verdict["device"]: verdict for verdict in document["verdicts"]}
        self.assertEqual(len(found), len(document["verdicts"]), "a device twice")
        self.assertTrue(found, "no verdict")
        self.assertEqual(run.status, expected_status(found.values()), run)
        return found

    def expect(self, verdict, outcome, stage=None, alert=None, reason=None):
        """`alert` is ("sent" or "received", code), `reason` the rule that made the outcome."""
        shown = json.dumps(verdict, indent=1)
        self.assertEqual(outcome, verdict["outcome"], shown)
        if stage is not None:
            self.assertEqual(stage, verdict["stage"], shown)
        seen = verdict["alert"]
        self.assertEqual(alert, seen and (seen["direction"], seen["code"]), shown)
        self.assertEqual(reason, decisive_rule(verdict), shown)

    def expect_trouble(self, run, *words):
        """Status 2, nothing but one line on standard error that says every one of `words`."""
        self.assertEqual(2, run.status, run)
        self.assertEqual("", run.out, run)
        self.assertRegex(run.err, r"\Ahandset: [^\n]+\n\Z", run)
        for word in words:
            self.assertIn(str(word), run.err, run)


def expected_status(verdicts):
    """The exit status of section 5 of the design, without --strict."""
    verdicts = list(verdicts)
    if any(verdict["stage"] in ("resolve", "connect") for verdict in verdicts):
        return 3
    return int(any(verdict["outcome"] in ("fails", "asks") for verdict in verdicts))


def decisive_rule(verdict):
    """Rule of the first reason that made the outcome; None when the device connects."""
    effect = {"fails": "decides", "asks": "asks", "unknown": "undecided"}.get(verdict["outcome"])
    return next((r["rule"] for r in verdict["reasons"] if r["effect"] == effect), None)


@functools.lru_cache(maxsize=None)
def schema_validator(part=None):
    """For any output; `part`, a name of $defs, for that of one command."""
    schema = json.loads((HOME / "emulator/report/schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    if part is not None:
        del schema["oneOf"]
        schema["$ref"] = f"#/$defs/{part}"
    return jsonschema.Draft202012Validator(schema)


def all_devices(by_default=True):
    """Ids of the shipped profiles: those that a command asks when it names none, or all."""
    found = sorted(
        file.stem for file in (HOME / "profiles").glob("*.yaml")
        if not by_default or yaml.safe_load(file.read_text("utf-8")).get("by_default", True))
    if not found:
        raise AssertionError(f"no profile in {HOME}/profiles")
    return found
