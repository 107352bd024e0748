"""Servers that misbehave: the verdict says so, in time and within bounds."""
import itertools
import socket
import unittest

from support.program import AT, HOST, MIB, ProgramTest
from support.servers import Misbehaving


def record(content_type, fragment):
    return bytes([content_type, 3, 1]) + len(fragment).to_bytes(2, "big") + fragment


def records(content_type, octets):
    """As many records as it takes."""
    return b"".join(record(content_type, octets[i:i + 16384])
                    for i in range(0, len(octets), 16384))


def message(handshake_type, body):
    return bytes([handshake_type]) + len(body).to_bytes(3, "big") + body


HANDSHAKE, ALERT = 22, 21
HELLO_REQUEST, SERVER_HELLO, CERTIFICATE, SERVER_HELLO_DONE = 0, 2, 11, 14
# TLS 1.0, no session, TLS_RSA_WITH_AES_128_CBC_SHA
HELLO = record(HANDSHAKE, message(
    SERVER_HELLO, b"\x03\x01" + bytes(32) + b"\x00" + b"\x00\x2f" + b"\x00"))


def wait_for_hello(connection):
    connection.recv(4096)


def says(*octets):
    """Answers the hello with these octets, then waits for the end."""
    def behave(connection, _):
        wait_for_hello(connection)
        for some in octets:
            connection.sendall(some)
        while connection.recv(4096):
            pass
    return behave


def greets(*lines, then=b""):
    """A dialogue in the clear: each line is sent, then one is read. At last `then`."""
    def behave(connection, _):
        for line in lines:
            connection.sendall(line)
            connection.recv(4096)
        connection.sendall(then)
        while connection.recv(4096):
            pass
    return behave


def endless(some):
    def behave(connection, stopped):
        wait_for_hello(connection)
        while not stopped.is_set():
            connection.sendall(some)
    return behave


def dribbles(octets):
    """One octet a second."""
    def behave(connection, stopped):
        wait_for_hello(connection)
        for octet in itertools.cycle(octets):
            connection.sendall(bytes([octet]))
            if stopped.wait(1):
                return
    return behave


class BadServerTest(ProgramTest):
    def probe(self, behave, *options, device="nokia-m4e-symbian-9.2", deadline=30):
        server = Misbehaving(behave)
        self.addCleanup(server.stop)
        verdicts = self.verdicts("probe", server.target, "--host", HOST, "--at", AT, "--device",
                                 device, "--timeout", "2", *options, deadline=deadline)
        server.stop()
        return verdicts[device]

    def test_answers_that_are_no_handshake(self):
        http = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
        for name, behave, reason in (
                ("closes at once", lambda connection, _: None, "handshake-server-closed"),
                ("closes after the hello", lambda connection, _: wait_for_hello(connection),
                 "handshake-server-closed"),
                ("closes in a record", lambda c, _: (wait_for_hello(c), c.sendall(HELLO[:20])),
                 "handshake-server-closed"),
                ("garbage", says(bytes(range(255, 0, -1)) * 20), "handshake-not-tls"),
                ("plain HTTP", says(http), "handshake-not-tls"),
                ("an SMTP greeting", greets(b"220 mail.contoso.com ESMTP\r\n"),
                 "handshake-not-tls"),
                ("endless garbage", endless(b"0123456789abcdef" * 4096), "handshake-not-tls"),
                ("endless zeros", endless(bytes(65536)), "handshake-not-tls"),
                ("empty records", endless(record(HANDSHAKE, b"") * 1000), "handshake-not-tls")):
            with self.subTest(name):
                verdict = self.probe(behave, deadline=15)
                self.expect(verdict, "fails", "server-hello", None, reason)

    def test_endless_flights(self):
        """Good TLS and no end of it: what a device makes of that, no profile says."""
        for name, some in (("hello requests of no octets", record(HANDSHAKE, bytes(16000))),
                           ("warnings", record(ALERT, b"\x01\x70") * 1000)):
            with self.subTest(name):
                verdict = self.probe(endless(some), deadline=15)
                self.expect(verdict, "unknown", "certificate", None, "capacity-flight-length")

    def test_an_endless_message(self):
        """The length that its header announces is more than the device holds."""
        verdict = self.probe(endless(record(HANDSHAKE, b"\x02\xff\xff\xff" * 4000)), deadline=15)
        self.expect(verdict, "fails", "certificate", ("sent", 47), "capacity-message-too-long")

    def test_silence(self):
        verdict = self.probe(says(), deadline=15)
        self.expect(verdict, "fails", "server-hello", None, "handshake-server-silent")
        verdict = self.probe(says(HELLO), deadline=15)
        self.assertEqual("handshake-server-silent", verdict["reasons"][0]["rule"])

    def test_one_octet_a_second(self):
        """Each comes within the deadline of a step; that of the attempt ends it."""
        verdict = self.probe(dribbles(HELLO), deadline=20)
        self.assertEqual("fails", verdict["outcome"])
        self.assertEqual("handshake-server-silent", verdict["reasons"][0]["rule"])

    def test_certificate_message_of_16_mib(self):
        body = (16 * MIB - 4).to_bytes(3, "big") + bytes(16 * MIB - 4)
        chain = records(HANDSHAKE, message(CERTIFICATE, body))
        done = record(HANDSHAKE, message(SERVER_HELLO_DONE, b""))
        verdict = self.probe(says(HELLO, chain, done))
        self.expect(verdict, "fails", "certificate", ("sent", 47), "capacity-message-too-long")

    def test_many_certificates(self):
        """Nonsense in great number: nothing but findings, and not for ever."""
        entries = b"".join((5).to_bytes(3, "big") + b"\x30\x03" + number.to_bytes(3, "big")
                           for number in range(60000))
        chain = records(HANDSHAKE, message(CERTIFICATE, len(entries).to_bytes(3, "big") + entries))
        done = record(HANDSHAKE, message(SERVER_HELLO_DONE, b""))
        verdict = self.probe(says(HELLO, chain, done), deadline=40)
        self.assertEqual("fails", verdict["outcome"])

    def test_starttls_dialogues(self):
        smtp = b"220 mail.contoso.com ESMTP\r\n"
        for name, protocol, behave in (
                ("SMTP without STARTTLS", "smtp", greets(smtp, b"250-mail\r\n250 SIZE 1\r\n")),
                ("SMTP refuses", "smtp", greets(smtp, b"250-mail\r\n250 STARTTLS\r\n",
                                                b"454 TLS not available\r\n")),
                ("SMTP turns away", "smtp", greets(b"554 no service\r\n")),
                ("IMAP without STARTTLS", "imap", greets(
                    b"* OK IMAP4rev1 ready\r\n", then=b"* still here\r\na1 BAD unknown\r\n")),
                ("POP3 without STLS", "pop3", greets(b"+OK ready\r\n", b"-ERR\r\n", b"-ERR\r\n")),
                ("no dialogue at all", "smtp", greets(HELLO)),
                ("closes at once", "imap", lambda connection, _: None),
                ("silence", "pop3", lambda connection, stopped: stopped.wait()),
                ("an endless line", "smtp", endless_greeting(b"220 " + b"x" * 65536)),
                ("endless lines", "smtp", endless_greeting(b"220-more\r\n" * 5000))):
            with self.subTest(name):
                verdict = self.probe(behave, "--starttls", protocol, deadline=15)
                self.expect(verdict, "fails", "connect", None, "handshake-server-closed")
                self.assertRegex(verdict["reasons"][0]["detail"], r"\A[^\n\x00-\x1f]{8,300}\Z")

    def test_octets_in_the_clear_before_tls(self):
        """A ServerHello behind the answer to STARTTLS, which anyone on the way could have put there."""
        behave = greets(b"220 mail.contoso.com ESMTP\r\n", b"250-mail\r\n250 STARTTLS\r\n",
                        then=b"220 go ahead\r\n" + HELLO)
        verdict = self.probe(behave, "--starttls", "smtp", deadline=15)
        self.expect(verdict, "fails", "connect", None, "handshake-server-closed")
        self.assertIn("before TLS begins", verdict["reasons"][0]["detail"])


def endless_greeting(some):
    def behave(connection, stopped):
        while not stopped.is_set():
            connection.sendall(some)
    return behave


class UnreachableTest(ProgramTest):
    def expect_unreachable(self, target, stage, *words):
        arguments = ("probe", target, "--host", HOST, "--at", AT, "--timeout", "5")
        verdicts = self.verdicts(*arguments, deadline=40)
        for verdict in verdicts.values():
            self.expect(verdict, "fails", stage, None, "handshake-server-closed")
            detail = verdict["reasons"][0]["detail"]
            self.assertRegex(detail, r"\A[^\n]+\Z")
            for word in words:
                self.assertIn(word, detail.lower())
        shown = self.handset(*arguments, deadline=40)
        self.assertEqual(3, shown.status, shown)
        for word in (target, *words):
            self.assertIn(word, shown.out.lower(), shown)

    def test_connection_refused(self):
        with socket.socket() as bound:  # bound, not listening: nobody else gets the port
            bound.bind(("127.0.0.1", 0))
            self.expect_unreachable(f"127.0.0.1:{bound.getsockname()[1]}", "connect", "refused")

    def test_name_that_does_not_resolve(self):
        # What is said of it differs with the network: no such host, or no name server.
        self.expect_unreachable("nohost.invalid:443", "resolve")


class Tls13Test(ProgramTest):
    def test_tls13_server_hello_to_an_old_client(self):
        """A ServerHello that selects TLS 1.3, which nobody offered."""
        hello = record(HANDSHAKE, message(
            SERVER_HELLO, b"\x03\x03" + bytes(32) + b"\x00" + b"\x13\x01" + b"\x00"
            + b"\x00\x06" + b"\x00\x2b\x00\x02\x03\x04"))
        server = Misbehaving(says(hello))
        self.addCleanup(server.stop)
        verdicts = self.verdicts("probe", server.target, "--host", HOST, "--at", AT, "--timeout",
                                 "2", deadline=30)
        for device, verdict in verdicts.items():
            with self.subTest(device):
                # A profile that does not speak of it leaves it open; nothing comes behind it.
                known = device in ("nokia-m4e-symbian-9.2", "outlook-2007-windows-xp", "strict")
                self.assertIn(verdict["outcome"], ("fails",) if known else ("fails", "unknown"))
                self.assertEqual("server-hello", verdict["stage"])
                self.assertEqual("TLS 1.3", verdict["negotiated"]["version"])


if __name__ == "__main__":
    unittest.main()
