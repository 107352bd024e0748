"""Devices that try again with another hello: what goes out, after what, and what is said of it."""
import hashlib
import socket
import struct
import textwrap
import threading
import unittest

from support.capture import Capture
from support.certificates import Authority
from support.profiles import hello, write_profile
from support.program import AT, HOST, ProgramTest
from support.servers import Misbehaving, OpensslServer

HANDSHAKE_FAILURE, PROTOCOL_VERSION, UNKNOWN_CA = 40, 70, 48
AES_128, AES_256 = "TLS_RSA_WITH_AES_128_CBC_SHA", "TLS_RSA_WITH_AES_256_CBC_SHA"
ECDHE = "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"
NUMBER = {AES_128: "0x002f", AES_256: "0x0035", ECDHE: "0xc013"}
VERSION = {"TLS 1.0": "0x0301", "TLS 1.1": "0x0302", "TLS 1.2": "0x0303"}

# What the devices here do apart from their hellos: all that is right is fine, nothing else is.
REST = """\
certificate:
  source: test
  signature_algorithms: [sha256WithRSAEncryption]
server_hello:
  source: test
  versions: [TLS 1.0, TLS 1.1, TLS 1.2]
responses:
  refused: {source: test, alert: standard}
otherwise: {action: refuse, response: refused, source: test}
"""


def fallbacks(*attempts):
    """`attempts`: ("alert, close", keys of the hello) each."""
    text = "fallbacks:\n"
    for after, keys in attempts:
        text += f"  - after: [{after}]\n    hello:\n" + textwrap.indent(keys, " " * 6)
    return text


# --- how a server ends a connection before it has chosen anything -------------------------------

def alerts(description):
    def end(connection, _):
        connection.sendall(bytes([21, 3, 1, 0, 2, 2, description]))
    return end


def closes(_, __):
    pass


def resets(connection, _):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def stays_silent(connection, _):
    while connection.recv(4096):
        pass


def read_hello(connection):
    """The first record, or whatever comes with SSLv2's framing."""
    head = connection.recv(5, socket.MSG_WAITALL)
    length = int.from_bytes(head[3:5], "big") if head[:1] == b"\x16" else (
        (int.from_bytes(head[:2], "big") & 0x7FFF) - 3)
    return head + connection.recv(length, socket.MSG_WAITALL)


def relay(connection, port):
    with socket.create_connection(("127.0.0.1", port)) as server:
        def back():
            try:
                while some := server.recv(65536):
                    connection.sendall(some)
                connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass
        answering = threading.Thread(target=back, daemon=True)
        answering.start()
        while some := connection.recv(65536):
            server.sendall(some)
        server.shutdown(socket.SHUT_WR)
        answering.join()


class Moody(Misbehaving):
    """Ends its first connections one way each, then is a plain way to another port."""

    def __init__(self, ends, port):
        ends, lock = iter(ends), threading.Lock()
        self.hellos = []

        def behave(connection, stopped):
            with lock:
                end = next(ends, None)
            if end is None:
                relay(connection, port)
            else:
                self.hellos.append(read_hello(connection))
                end(connection, stopped)
        super().__init__(behave)


class FallbackTest(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.authority = Authority(cls.folder / "certificates", digest="sha256")
        cls.leaf = cls.authority.server("leaf")

    def device(self, name, first, *attempts, rest=REST):
        profile = write_profile(self.folder, name,
                                (fallbacks(*attempts) if attempts else "") + rest, first)
        lint = self.handset("lint", profile)
        self.assertEqual((0, ""), (lint.status, lint.err), lint)
        return profile

    def serve(self, *options):
        server = OpensslServer(self.leaf, *options, chain=self.authority.intermediate.file)
        self.addCleanup(server.stop)
        return server

    def moody(self, server, *ends):
        found = Moody(ends, server.port)
        self.addCleanup(found.stop)
        return found

    def arguments(self, server, device, *options, trusted=None):
        return ("probe", server.target, "--host", HOST, "--at", AT, "--roots",
                trusted or self.authority.root.file, "--device", device, *options)

    def probe(self, server, device, *options, trusted=None):
        arguments = self.arguments(server, device, *options, trusted=trusted)
        [verdict] = self.verdicts(*arguments).values()
        return verdict

    def record(self, server, device, *options, trusted=None):
        """Verdict, and tshark's reading of every hello that went over the wire."""
        capture = Capture(self.folder / f"{server.port}.pcap", server.port)
        self.addCleanup(capture.stop)
        verdict = self.probe(server, device, *options, trusted=trusted)
        capture.wait_until_seen()
        capture.stop()
        return verdict, capture.client_hellos(
            "tls.handshake.version", "tls.record.version", "tls.handshake.ciphersuite",
            "tls.handshake.extension.type", "tls.handshake.extensions_server_name",
            "tls.handshake.ja3", "tls.handshake.ja3_full")

    def expect_hello(self, seen, said, version, suites, record_version="TLS 1.0", extensions=()):
        """`seen` by tshark is what the report says was sent, and what the profile states."""
        self.assertEqual([said["hex"]], seen["tcp.payload"])
        self.assertEqual([VERSION[version]], seen["tls.handshake.version"])
        self.assertEqual([VERSION[record_version]], seen["tls.record.version"])
        self.assertEqual([NUMBER[suite] for suite in suites], seen["tls.handshake.ciphersuite"])
        self.assertEqual(list(extensions), seen.get("tls.handshake.extension.type", []))
        self.assertEqual([said["ja3"]], seen["tls.handshake.ja3"])
        self.assertEqual(hashlib.md5(seen["tls.handshake.ja3_full"][0].encode()).hexdigest(),
                         said["ja3"])

    def ends_of(self, verdict):
        return [attempt["ended"] for attempt in verdict["earlier_attempts"]]


class RealServerTest(FallbackTest):
    """openssl s_server itself refuses the first hello."""

    def test_version_refused(self):
        server = self.serve("-tls1_2")
        more = "extensions:\n  - server_name\n  - extended_master_secret\nserver_name: host"
        device = self.device(
            "newer", hello("TLS 1.0", [AES_128, AES_256]),
            ("alert", hello("TLS 1.2", [AES_256, AES_128], more=more)))
        verdict, hellos = self.record(server, device)
        self.expect(verdict, "connects", "finished")
        self.assertEqual({"version": "TLS 1.2", "cipher_suite": AES_256}, verdict["negotiated"])
        self.assertEqual(["the server sent protocol_version"], self.ends_of(verdict))
        self.assertEqual(2, len(hellos))
        self.expect_hello(hellos[0], verdict["earlier_attempts"][0], "TLS 1.0",
                          [AES_128, AES_256])
        self.expect_hello(hellos[1], verdict["hello"], "TLS 1.2", [AES_256, AES_128],
                          extensions=["0", "23"])
        self.assertEqual([HOST], hellos[1]["tls.handshake.extensions_server_name"])
        server.wait_for(r"^CIPHER is AES256-SHA")
        server.wait_for(r">>> .*Alert.*fatal protocol_version")
        shown = self.handset(*self.arguments(server, device))
        self.assertEqual(0, shown.status, shown)
        self.assertIn("at attempt 2, the one before: the server sent protocol_version",
                      " ".join(shown.out.split()))

    def test_suites_refused_and_older_version_taken(self):
        """Downwards, as browsers did: no suite in common, then a smaller hello that has one."""
        server = self.serve("-tls1", "-cipher", "AES256-SHA:@SECLEVEL=0")
        device = self.device(
            "older", hello("TLS 1.2", [AES_128], record_version="TLS 1.0"),
            ("close", hello("TLS 1.1", [AES_128], record_version="TLS 1.1")),
            ("alert", hello("TLS 1.0", [AES_256])))
        # Attempts are made in order: the first of them asks for a close, which does not come.
        verdict = self.probe(server, device)
        self.expect(verdict, "fails", "server-hello", ("received", HANDSHAKE_FAILURE),
                    "handshake-server-alert")
        self.assertEqual([], verdict["earlier_attempts"])
        device = self.device(
            "older-still", hello("TLS 1.2", [AES_128]),
            ("close, alert", hello("TLS 1.1", [AES_128], record_version="TLS 1.1")),
            ("alert", hello("TLS 1.0", [AES_256])))
        verdict, hellos = self.record(server, device)
        self.expect(verdict, "connects", "finished")
        self.assertEqual({"version": "TLS 1.0", "cipher_suite": AES_256}, verdict["negotiated"])
        self.assertEqual(["the server sent handshake_failure"] * 2, self.ends_of(verdict))
        first, second = verdict["earlier_attempts"]
        self.assertEqual(3, len(hellos))
        self.expect_hello(hellos[0], first, "TLS 1.2", [AES_128])
        self.expect_hello(hellos[1], second, "TLS 1.1", [AES_128], record_version="TLS 1.1")
        self.expect_hello(hellos[2], verdict["hello"], "TLS 1.0", [AES_256])
        server.wait_for(r"^CIPHER is AES256-SHA")

    def test_random_octets_are_new(self):
        server = self.serve("-tls1_2")
        device = self.device("again", hello("TLS 1.0"), ("alert", hello("TLS 1.0")))
        verdict = self.probe(server, device)
        [before] = verdict["earlier_attempts"]
        self.assertEqual(before["ja3"], verdict["hello"]["ja3"])
        self.assertNotEqual(before["hex"], verdict["hello"]["hex"])

    def test_every_attempt_refused(self):
        server = self.serve("-tls1_2")
        device = self.device("stubborn", hello("TLS 1.1"), ("alert", hello("TLS 1.0")))
        verdict = self.probe(server, device)
        self.expect(verdict, "fails", "server-hello", ("received", PROTOCOL_VERSION),
                    "handshake-server-alert")
        self.assertEqual(["the server sent protocol_version"], self.ends_of(verdict))
        shown = self.handset(*self.arguments(server, device))
        self.assertIn("attempt 2; the one before: the server sent protocol_version",
                      " ".join(shown.out.split()))

    def test_no_need_to_try_again(self):
        server = self.serve("-tls1_2")
        device = self.device("content", hello("TLS 1.2"),
                             ("alert, close, silence", hello("TLS 1.0")))
        verdict, hellos = self.record(server, device)
        self.expect(verdict, "connects", "finished")
        self.assertEqual([], verdict["earlier_attempts"])
        self.assertEqual(1, len(hellos))

    def test_own_refusal_is_no_reason(self):
        """The device refuses the certificate: that is its last word."""
        server = self.serve("-tls1_2")
        device = self.device("strict-one", hello("TLS 1.2"),
                             ("alert, close, silence", hello("TLS 1.2")))
        other = self.authority.issue("other-root", "/CN=Other Root CA", "rsa2048-other", None,
                                     ("basicConstraints=critical,CA:TRUE",), years=(2007, 2027))
        verdict, hellos = self.record(server, device, trusted=other.file)
        self.expect(verdict, "fails", "certificate", ("sent", UNKNOWN_CA),
                    "chain-intermediate-missing")
        self.assertEqual(1, len(hellos))
        self.assertEqual([], verdict["earlier_attempts"])
        server.wait_for(r"<<< .*Alert.*fatal unknown_ca")

    def test_several_devices_at_once(self):
        """Each has its own attempts; nobody's is lost or another's."""
        server = self.serve("-tls1_2")
        devices = []
        for number in range(12):
            attempts = [("alert", hello("TLS 1.1", [ECDHE] * (n + 1))) for n in range(number % 3)]
            attempts.append(("alert", hello("TLS 1.2", [AES_128, ECDHE][:1 + number % 2])))
            devices.append(self.device(f"many-{number}", hello("TLS 1.0"), *attempts))
        chosen = [part for device in devices[1:] for part in ("--device", device)]
        verdicts = self.verdicts(*self.arguments(server, devices[0], *chosen))
        self.assertEqual(12, len(verdicts))
        hellos = set()
        for number in range(12):
            verdict = verdicts[f"many-{number}"]
            self.expect(verdict, "connects", "finished")
            self.assertEqual(1 + number % 3, len(verdict["earlier_attempts"]))
            for sent in (*verdict["earlier_attempts"], verdict["hello"]):
                hellos.add(sent["hex"])
        self.assertEqual(12 + 12 + 12, len(hellos))


class EndingsTest(FallbackTest):
    """A server that is not itself at the first connection, then openssl s_server."""

    SAID = {"alert": "the server sent internal_error",
            "close": "the server closed the connection", "silence": "the server said nothing"}
    ENDS = (("alert", alerts(80)), ("close", closes), ("close", resets),
            ("silence", stays_silent))
    WAIT = ("--timeout", "1")

    def test_after_each(self):
        server = self.serve("-tls1_2")
        for after, end in self.ENDS:
            with self.subTest(after, end=end):
                moody = self.moody(server, end)
                device = self.device(f"after-{after}", hello("TLS 1.2", [AES_128, AES_256]),
                                     (after, hello("TLS 1.2", [AES_256])))
                verdict, hellos = self.record(moody, device, *self.WAIT)
                self.expect(verdict, "connects", "finished")
                self.assertEqual(AES_256, verdict["negotiated"]["cipher_suite"])
                self.assertEqual([self.SAID[after]], self.ends_of(verdict))
                self.assertEqual(2, len(hellos))
                [before] = verdict["earlier_attempts"]
                self.expect_hello(hellos[0], before, "TLS 1.2", [AES_128, AES_256])
                self.expect_hello(hellos[1], verdict["hello"], "TLS 1.2", [AES_256])
                self.assertEqual([before["hex"]], [octets.hex() for octets in moody.hellos])

    def test_not_after_the_others(self):
        server = self.serve("-tls1_2")
        decided = {"alert": "handshake-server-alert", "close": "handshake-server-closed",
                   "silence": "handshake-server-silent"}
        for after, end in self.ENDS:
            with self.subTest(after, end=end):
                moody = self.moody(server, end)
                others = ", ".join(way for way in decided if way != after)
                device = self.device(f"not-after-{after}", hello("TLS 1.2"),
                                     (others, hello("TLS 1.2")))
                verdict = self.probe(moody, device, *self.WAIT)
                self.expect(verdict, "fails", "server-hello",
                            ("received", 80) if after == "alert" else None, decided[after])
                self.assertEqual([], verdict["earlier_attempts"])
                self.assertEqual(1, len(moody.hellos))

    def test_without_fallbacks(self):
        server = self.serve("-tls1_2")
        moody = self.moody(server, closes)
        verdict = self.probe(moody, self.device("once", hello("TLS 1.2")))
        self.expect(verdict, "fails", "server-hello", None, "handshake-server-closed")
        self.assertEqual([], verdict["earlier_attempts"])

    def test_different_ends_in_a_row(self):
        server = self.serve("-tls1")
        moody = self.moody(server, closes, alerts(PROTOCOL_VERSION), resets)
        device = self.device(
            "patient", hello("TLS 1.2"),
            ("close", hello("TLS 1.2", [ECDHE, AES_128])),
            ("alert, close", hello("TLS 1.1", record_version="TLS 1.1")),
            ("close", hello("TLS 1.0", [AES_128])))
        verdict = self.probe(moody, device)
        self.expect(verdict, "connects", "finished")
        self.assertEqual("TLS 1.0", verdict["negotiated"]["version"])
        self.assertEqual(["the server closed the connection", "the server sent protocol_version",
                          "the server closed the connection"], self.ends_of(verdict))
        self.assertEqual([attempt["hex"] for attempt in verdict["earlier_attempts"]],
                         [octets.hex() for octets in moody.hellos])

    def test_sslv2_framing_first(self):
        """As clients of the 1990s: a hello for everybody, then one without SSL 2.0 about it."""
        server = self.serve("-tls1")
        moody = self.moody(server, closes)
        first = ("source: test\nframing: sslv2\nclient_version: TLS 1.0\n"
                 f"cipher_specs: [{AES_128}, SSL_CK_RC4_128_WITH_MD5]\nchallenge_length: 16\n")
        device = self.device("framed", first, ("close", hello("TLS 1.0")))
        verdict = self.probe(moody, device)
        self.expect(verdict, "connects", "finished")
        [before] = verdict["earlier_attempts"]
        self.assertIsNone(before["ja3"], "JA3 knows no such hello")
        self.assertEqual(before["hex"], moody.hellos[0].hex())
        self.assertEqual("80", before["hex"][:2])
        self.assertEqual("16", verdict["hello"]["hex"][:2])

    def test_after_a_server_hello_it_is_too_late(self):
        """A ServerHello, then a close: no other hello would have been answered otherwise."""
        chosen = bytes.fromhex("160303002a020000260303") + bytes(32) + bytes.fromhex("00002f00")

        def says_hello_and_closes(connection, _):
            connection.sendall(chosen)

        server = self.serve("-tls1_2")
        moody = self.moody(server, says_hello_and_closes)
        device = self.device("late", hello("TLS 1.2"),
                             ("alert, close, silence", hello("TLS 1.2")))
        verdict = self.probe(moody, device)
        self.expect(verdict, "fails", "certificate", None, "handshake-server-closed")
        self.assertEqual([], verdict["earlier_attempts"])
        self.assertEqual(1, len(moody.hellos))

    def test_assumed_fallback_is_none(self):
        """What is merely assumed is no statement."""
        server = self.serve("-tls1_2")
        moody = self.moody(server, closes)
        profile = self.device("assuming", hello("TLS 1.2"), ("close", hello("TLS 1.2")))
        text = profile.read_text()
        head, fallback = text.split("fallbacks:\n")
        guess = ("  guess:\n    grade: assumed\n    what: \"A guess.\"\n"
                 "    where: \"https://example.test/\"\n    retrieved: 2026-11-21\n")
        profile.write_text(head.replace("client_hello:\n", guess + "client_hello:\n", 1)
                           + "fallbacks:\n" + fallback.replace("source: test", "source: guess", 1))
        verdict = self.probe(moody, profile)
        self.expect(verdict, "fails", "server-hello", None, "handshake-server-closed")
        self.assertEqual([], verdict["earlier_attempts"])

    def test_nobody_there(self):
        """Where nothing listens there is nothing to try again."""
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            device = self.device("nobody", hello("TLS 1.2"),
                                 ("alert, close, silence", hello("TLS 1.2")))
            run = self.handset("probe", f"127.0.0.1:{bound.getsockname()[1]}", "--host", HOST,
                               "--at", AT, "--device", device, "--format", "json")
            self.assertEqual(3, run.status, run)
            [verdict] = self.json_of(run)["verdicts"]
            self.assertEqual("connect", verdict["stage"])
            self.assertEqual([], verdict["earlier_attempts"])


if __name__ == "__main__":
    unittest.main()
