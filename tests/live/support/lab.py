"""`handset lab` as a process of its own, and what clients say to it."""
import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import tempfile
import time

from support.certificates import tool
from support.program import HOME, SANITIZER_STATUS, program
from support.servers import ALL_CIPHERS, DEADLINE

# The first of the cases that put nothing wrong on the wire.
CORRECT = "outcome/correct-chain"
# Whoever waits for its turn while others misbehave waits at most as long as that.
PATIENCE = 30
HANDSHAKE, ALERT, CHANGE_CIPHER_SPEC, APPLICATION_DATA = 22, 21, 20, 23


def record(content_type, fragment):
    return bytes([content_type, 3, 1]) + struct.pack(">H", len(fragment)) + fragment


def hello():
    """TLS 1.0, RSA with AES and 3DES, no extensions."""
    body = b"\x03\x01" + bytes(32) + b"\0" + b"\0\4" + b"\0\x2f\0\x0a" + b"\1\0"
    return record(HANDSHAKE, b"\1" + struct.pack(">I", len(body))[1:] + body)


class Lab:
    """The lab in a process of its own, with its log and its ports."""

    def __init__(self, test, *options, wrapper=()):
        self.test = test
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=test.folder))
        self.log, self.ports_file = self.folder / "log.jsonl", self.folder / "ports.json"
        options_of_sanitizers = f"exitcode={SANITIZER_STATUS}"
        self.errors = open(self.folder / "errors", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [*wrapper, program(), "lab", "--ports", self.ports_file, "-o", self.log,
             *map(str, options)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.errors,
            env={**os.environ, "HANDSET_HOME": str(HOME), "ASAN_OPTIONS": options_of_sanitizers,
                 "UBSAN_OPTIONS": options_of_sanitizers + ":print_stacktrace=1"})
        test.addCleanup(self.kill)
        until = time.monotonic() + 60
        while not self.ports_file.exists():
            if self.process.poll() is not None or time.monotonic() > until:
                raise AssertionError(f"the lab did not start: {self.said()}")
            time.sleep(0.02)
        self.cases = json.loads(self.ports_file.read_text())["cases"]
        self.port = self.cases[0]["port"]

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.errors.close()

    def said(self):
        self.errors.seek(0)
        return self.errors.read()

    def port_of(self, case):
        return next(one["port"] for one in self.cases if one["case"] == case)

    def entries(self):
        text = self.log.read_text("utf-8") if self.log.exists() else ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def wait_for(self, count, deadline=DEADLINE):
        """The log, once it has as many lines."""
        until = time.monotonic() + deadline
        while len(self.entries()) < count:
            if time.monotonic() > until or self.process.poll() is not None:
                raise AssertionError(f"{len(self.entries())} of {count} lines: {self.said()}")
            time.sleep(0.02)
        return self.entries()

    def peak(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"^VmHWM:\s+(\d+) kB", status, re.MULTILINE)[1]) * 1024

    def stop(self, how=signal.SIGINT):
        """Ends it as a user would; the whole log."""
        self.process.send_signal(how)
        self.test.assertEqual(0, self.process.wait(DEADLINE), self.said())
        for word in ("Sanitizer", "runtime error", "terminate called"):
            self.test.assertNotIn(word, self.said())
        text = self.log.read_text("utf-8")
        self.test.assertTrue(text == "" or text.endswith("\n"), text[-200:])
        return self.entries()

    def connect(self, port=None):
        connection = socket.create_connection(("127.0.0.1", port or self.port), PATIENCE)
        connection.settimeout(PATIENCE)
        return connection


def run_client(*arguments, text=b""):
    return subprocess.run([str(argument) for argument in arguments], input=text,
                          capture_output=True, timeout=60,
                          env={**os.environ, "OPENSSL_CONF": "/dev/null", "LC_ALL": "C"})


def s_client(lab, *options, port=None):
    """OpenSSL's client with everything it has; asks for a page and reads to the end."""
    return run_client(tool("openssl", "openssl"), "s_client", "-connect",
                      f"127.0.0.1:{port or lab.port}", "-cipher", ALL_CIPHERS, "-legacy_server_connect",
                      "-quiet", "-ign_eof", *options, text=b"GET / HTTP/1.0\r\n\r\n")
