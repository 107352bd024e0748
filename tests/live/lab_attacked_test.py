"""`handset lab` under attack: hostile clients neither stop it nor make it grow."""
import contextlib
import os
import pathlib
import resource
import socket
import struct
import subprocess
import threading
import time
import unittest

from support.certificates import tool
from support.lab import (ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, CORRECT, HANDSHAKE, PATIENCE,
                         Lab, hello, record, s_client)
from support.program import MIB, ProgramTest, is_sanitized

TIMEOUT = 2  # seconds of silence that the lab grants


def memory_bound():
    """VmHWM that no client may make the lab exceed: the cases themselves, and 256 connections with
    at most 256 KiB of the client's octets and one flight each."""
    return (1000 if is_sanitized() else 250) * MIB


class HostileClientsTest(ProgramTest):
    """While and after clients misbehave, a normal one is served in time."""

    def lab(self, *options):
        lab = Lab(self, "--timeout", TIMEOUT, *(options or ("--only", CORRECT)))
        self.quiet = lab.peak()
        return lab

    def expect_service(self, lab):
        began = time.monotonic()
        client = s_client(lab, "-tls1_2", port=self.port_of_correct(lab))
        self.assertIn(f"handset lab: {CORRECT}".encode(), client.stdout, client.stderr)
        self.assertLess(time.monotonic() - began, PATIENCE)

    def port_of_correct(self, lab):
        return lab.port_of(CORRECT)

    def expect_bounded(self, lab):
        peak = lab.peak()
        entries = lab.stop()
        self.assertLess(peak, memory_bound(), f"{peak} octets, {self.quiet} at rest")
        print(f"{self._testMethodName}: {peak // MIB} MiB ({self.quiet // MIB} at rest), "
              f"{len(entries)} connections", flush=True)
        return entries

    def while_clients(self, lab, count, behave):
        """`behave(connection)` in so many threads; what the network says to them is theirs."""
        def client():
            with contextlib.suppress(OSError), lab.connect() as connection:
                behave(connection)

        threads = [threading.Thread(target=client, daemon=True) for _ in range(count)]
        for thread in threads:
            thread.start()
        self.expect_service(lab)
        for thread in threads:
            thread.join(60)
            self.assertFalse(thread.is_alive(), "a client is still being listened to")
        self.expect_service(lab)

    def test_garbage(self):
        lab = self.lab()
        octets = [os.urandom(5000), b"GET / HTTP/1.0\r\n\r\n", bytes(5000), b"\xff" * 5000,
                  record(HANDSHAKE, b"\1\xff\xff\xff" + bytes(4000)), record(ALERT, b"\2\x28"),
                  record(HANDSHAKE, b""), hello() + os.urandom(500), b"\x80\x2e\1\3\1" + bytes(50)]

        def behave(connection):
            connection.sendall(octets.pop() if octets else os.urandom(100))
            while connection.recv(4096):
                pass

        self.while_clients(lab, 40, behave)
        entries = self.expect_bounded(lab)
        self.assertEqual(42, len(entries))

    def test_half_open_connections(self):
        lab = self.lab()
        with contextlib.ExitStack() as open_ones:
            for number in range(400):
                connection = open_ones.enter_context(lab.connect())
                if number % 2:
                    connection.sendall(hello()[:20])
            self.expect_service(lab)
            lab.wait_for(401, deadline=60)
        self.expect_service(lab)
        entries = self.expect_bounded(lab)
        self.assertEqual(400, sum(entry["reached"] == "nothing" for entry in entries))
        self.assertEqual({"timeout"},
                         {entry["end"] for entry in entries if entry["reached"] == "nothing"})

    def test_a_thousand_at_once(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < 2048:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(2048, hard), hard))
            self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        lab = self.lab()
        with contextlib.ExitStack() as open_ones:
            clients = [open_ones.enter_context(lab.connect()) for _ in range(1000)]
            for client in clients:
                client.sendall(hello())
            for client in clients:
                self.assertEqual(b"\x16\3\1", client.recv(3), "a client was shown nothing")
                client.close()
        entries = lab.wait_for(1000, deadline=60)
        self.assertEqual({"flight"}, {entry["reached"] for entry in entries})
        self.expect_service(lab)
        self.expect_bounded(lab)

    def test_few_descriptors(self):
        """With all cases there are more ports than descriptors to spare: the soft limit is raised,
        and under a hard one the lab waits instead of spinning."""
        lab = Lab(self, "--timeout", TIMEOUT,
                  wrapper=(tool("prlimit", "util-linux"), "--nofile=256:4096"))
        self.assertGreater(len(lab.cases), 300)
        self.expect_service(lab)
        lab.stop()
        lab = Lab(self, "--timeout", TIMEOUT, "--only", CORRECT,
                  wrapper=(tool("prlimit", "util-linux"), "--nofile=40:40"))
        with contextlib.ExitStack() as open_ones:
            for _ in range(100):
                open_ones.enter_context(lab.connect())
            before = cpu_seconds(lab)
            lab.wait_for(20)
            self.assertLess(cpu_seconds(lab) - before, TIMEOUT / 2)
            self.expect_service(lab)
        lab.stop()

    def test_readers_that_never_read(self):
        """200 certificates for each, more than the sockets hold."""
        many = "capacity/capacity-certificate-count"
        lab = self.lab("--only", CORRECT, "--only", "capacity/*")
        port = max(((case["port"], case["case"]) for case in lab.cases
                    if case["case"].startswith(many)), default=(None, None))[0]
        self.assertIsNotNone(port, [case["case"] for case in lab.cases])
        with contextlib.ExitStack() as open_ones:
            for _ in range(150):
                connection = open_ones.enter_context(socket.socket())
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
                connection.connect(("127.0.0.1", port))
                connection.sendall(hello())
            self.expect_service(lab)
            lab.wait_for(151, deadline=60)
        self.expect_service(lab)
        self.expect_bounded(lab)

    def test_dribbling(self):
        lab = self.lab()
        stop = threading.Event()

        def behave(connection):
            for octet in hello() * 1000:
                connection.sendall(bytes([octet]))
                if stop.wait(0.2):
                    return

        threading.Timer(8, stop.set).start()
        self.while_clients(lab, 100, behave)
        self.expect_bounded(lab)

    def test_a_hello_in_records_of_one_octet(self):
        lab = self.lab()
        octets = b"".join(record(HANDSHAKE, bytes([octet]))
                          for octet in b"\1\0\xff\xf0" + bytes(65000))

        def behave(connection):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for at in range(0, len(octets), 6):
                connection.sendall(octets[at:at + 6])
            while connection.recv(4096):
                pass

        self.while_clients(lab, 20, behave)
        entries = self.expect_bounded(lab)
        self.assertEqual(20, sum(entry["end"] == "limit" for entry in entries))

    def flood(self, lab, first, some):
        def behave(connection):
            connection.sendall(first)
            sent = 0
            while sent < 1024 * MIB:
                connection.sendall(some)
                sent += len(some)
            self.fail("nobody stopped the flood")

        self.while_clients(lab, 20, behave)
        return self.expect_bounded(lab)

    def test_a_flood_of_alerts(self):
        entries = self.flood(self.lab(), hello(), record(ALERT, b"\1\x5a" * 8000))
        self.assertLessEqual(max(len(entry["alerts"]) for entry in entries), 100)

    def test_a_flood_of_handshake_fragments(self):
        self.flood(self.lab(), hello(), record(HANDSHAKE, b"\x10\xff\xff\xff" + bytes(16000)))

    def test_a_flood_of_handshake_messages(self):
        self.flood(self.lab(), hello(), record(HANDSHAKE, bytes(16000)))

    def test_a_flood_of_application_data(self):
        self.flood(self.lab(), hello() + record(CHANGE_CIPHER_SPEC, b"\1"),
                   record(APPLICATION_DATA, bytes(16000)))

    def test_a_flood_in_place_of_a_hello(self):
        self.flood(self.lab(), b"", record(HANDSHAKE, b""))

    def test_a_flood_after_the_request(self):
        """Under the keys: openssl sends on, whatever it is answered."""
        lab = self.lab()
        done = subprocess.run(
            ["sh", "-c", f"yes | head -c 100000000 | {tool('openssl', 'openssl')} s_client -connect "
             f"127.0.0.1:{lab.port} -tls1_2 -quiet >/dev/null 2>&1"], timeout=60, check=False)
        self.assertIsNotNone(done.returncode)
        self.expect_service(lab)
        entries = self.expect_bounded(lab)
        self.assertEqual("request", entries[0]["reached"])
        self.assertLess(entries[0]["received"], MIB)

    def test_hostile_hellos_with_predictions(self):
        """A hello as long as can be, in two records: to be judged like any other, or refused."""
        lab = self.lab("--only", CORRECT, "--device", "strict")
        for padding in (0, 1000, 16000, 16300, 17000, 20000, 40000):
            body = (b"\x03\x01" + bytes(32) + b"\0" + b"\0\4" + b"\0\x2f\0\x0a" + b"\1\0" +
                    struct.pack(">HHH", padding + 4, 21, padding) + bytes(padding))
            message = b"\1" + struct.pack(">I", len(body))[1:] + body
            with lab.connect() as connection:
                connection.sendall(b"".join(record(HANDSHAKE, message[at:at + 16000])
                                            for at in range(0, len(message), 16000)))
                connection.recv(5)
        entries = lab.wait_for(7)
        self.assertEqual({"flight", "nothing"}, {entry["reached"] for entry in entries})
        self.expect_service(lab)
        lab.stop()


def cpu_seconds(lab):
    fields = pathlib.Path(f"/proc/{lab.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    unittest.main()
