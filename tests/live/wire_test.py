"""The octets that the program sends, recorded by tcpdump and read by tshark."""
import hashlib
import json
import os
import struct
import unittest
from pathlib import Path

from support.capture import Capture
from support.certificates import Authority
from support.program import AT, HOST, ProgramTest, all_devices
from support.servers import OpensslServer

CAPTURED_HELLOS = Path(__file__).parent / "captured_hellos"
SYMBIAN_JA3 = "7feeb9809df536feaeed3028b2b066ea"

PROFILE = """\
format: 1
name: {name}
vendor: Example
family: Example
kind: library
released: 2001
status: draft
sources:
  testssl:
    grade: reported
    what: "Version and cipher specs of the hello."
    where: "github.com/testssl/testssl.sh@9fdf8028 etc/client-simulation.txt"
    retrieved: 2026-11-21
client_hello:
  source: testssl
  framing: sslv2
  client_version: {version}
  cipher_specs: [{specs}]
  challenge_length: {challenge_length}
"""

# Clients that framed their hello like SSL 2.0. Numbers from testssl.sh, as the profile says.
SSLV2_FRAMED = {
    "ie-6-windows-xp": ("SSL 3.0", 0x0300, 16, [
        0x000004, 0x000005, 0x00000A, 0x010080, 0x0700C0, 0x030080, 0x000009, 0x060040, 0x000064,
        0x000062, 0x000003, 0x000006, 0x020080, 0x040080, 0x000013, 0x000012, 0x000063, 0x0000FF]),
    "java-6u45": ("TLS 1.0", 0x0301, 32, [
        0x000004, 0x010080, 0x000005, 0x00002F, 0x000033, 0x000032, 0x00000A, 0x0700C0, 0x000016,
        0x000013, 0x000009, 0x060040, 0x000015, 0x000012, 0x000003, 0x020080, 0x000008, 0x000014,
        0x000011, 0x0000FF]),
}


def captured_hellos():
    """The lines of captured_hellos/*.jsonl: fields of a hello that was captured somewhere, and the
    profile that must send the same."""
    for file in sorted(CAPTURED_HELLOS.glob("*.jsonl")):
        for line in file.read_text().splitlines():
            yield json.loads(line)


def numbers(octets, size):
    return [octets[i:i + size].hex() for i in range(0, len(octets), size)]


def fields_of(record):
    """The fields of a ClientHello in its record (RFC 5246 7.4.1.2, E.2), as those files have them:
    the contents of server_name are "host"."""
    if record[0] & 0x80:
        version, specs, session, challenge = struct.unpack(">HHHH", record[3:11])
        assert len(record) == 11 + specs + session + challenge
        return {"framing": "sslv2", "client_version": f"{version:04x}",
                "cipher_suites": numbers(record[11:11 + specs], 3)}
    content_type, record_version, length = struct.unpack(">BHH", record[:5])
    assert content_type == 22 and length == len(record) - 5
    rest = record[9:]

    def take(size):
        nonlocal rest
        taken, rest = rest[:size], rest[size:]
        assert len(taken) == size
        return taken

    def vector(length_octets):
        return take(int.from_bytes(take(length_octets), "big"))

    fields = {"framing": "tls", "record_version": f"{record_version:04x}",
              "client_version": take(2).hex()}
    take(32)
    vector(1)
    fields["cipher_suites"] = numbers(vector(2), 2)
    fields["compression_methods"] = numbers(vector(1), 1)
    fields["extensions"] = None
    if rest:
        rest = vector(2)
        fields["extensions"] = []
        while rest:
            kind = take(2).hex()
            contents = vector(2).hex()
            fields["extensions"].append([kind, "host" if kind == "0000" else contents])
    return fields


def departures(captured, sent):
    """Where the sent fields differ from what was captured. What a record does not tell (null
    contents, a field that is not there) is not compared."""
    found = []
    for key in ("framing", "record_version", "client_version", "cipher_suites",
                "compression_methods"):
        if key in captured and captured[key] != sent.get(key):
            found.append((key, captured[key], sent.get(key)))
    if "extensions" in captured and captured["framing"] == "tls":
        here, there = captured["extensions"], sent["extensions"]
        if here is None or there is None:
            same = here == there
        else:
            same = len(here) == len(there) and all(
                a[0] == b[0] and a[1] in (None, b[1]) for a, b in zip(here, there))
        if not same:
            found.append(("extensions", here, there))
    return found


class WireTest(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.authority = Authority(cls.folder / "certificates")
        cls.leaf = cls.authority.server("leaf")

    def record(self, *devices, server_options=()):
        """Probes a server while tcpdump listens: verdicts, the capture, the server."""
        server = OpensslServer(self.leaf, *server_options, chain=self.authority.intermediate.file)
        self.addCleanup(server.stop)
        capture = Capture(self.folder / f"{server.port}.pcap", server.port)
        self.addCleanup(capture.stop)
        chosen = [part for device in devices for part in ("--device", device)]
        verdicts = self.verdicts("probe", server.target, "--host", HOST, "--at", AT,
                                 "--install-root", self.authority.installed, *chosen)
        capture.wait_until_seen()
        capture.stop()
        return verdicts, capture, server

    def hello_of(self, verdict, hellos):
        """The recorded ClientHello whose octets are the verdict's."""
        found = [h for h in hellos if h["tcp.payload"] == [verdict["hello"]["hex"]]]
        self.assertEqual(1, len(found), (verdict["hello"], hellos))
        return found[0]

    def test_hellos_of_all_devices(self):
        verdicts, capture, _ = self.record()
        self.assertEqual(all_devices(), sorted(verdicts))
        hellos = capture.client_hellos(
            "tls.handshake.ja3", "tls.handshake.ja3_full", "tls.handshake.extensions_server_name",
            "tls.record.version", "tls.handshake.random_time")
        self.assertEqual(len(verdicts), len(hellos), "one ClientHello from each device")
        for device, verdict in verdicts.items():
            with self.subTest(device):
                seen = self.hello_of(verdict, hellos)
                if verdict["hello"]["ja3"] is None:  # SSLv2 framing has none
                    self.assertNotIn("tls.handshake.ja3", seen)
                    continue
                self.assertEqual([verdict["hello"]["ja3"]], seen["tls.handshake.ja3"])
                text = seen["tls.handshake.ja3_full"][0].encode()
                self.assertEqual(verdict["hello"]["ja3"], hashlib.md5(text).hexdigest())
                name = seen.get("tls.handshake.extensions_server_name")
                self.assertIn(name, (None, [HOST]))
        for device in all_devices():
            if device.startswith("nokia-"):
                seen = self.hello_of(verdicts[device], hellos)
                self.assertEqual([SYMBIAN_JA3], seen["tls.handshake.ja3"])
                self.assertEqual(["0x0301"], seen["tls.record.version"])
                self.assertNotIn("tls.handshake.extensions_server_name", seen)
                # The device's clock stands in front of the random octets.
                self.assertRegex(seen["tls.handshake.random_time"][0], "^Sep  2, 2007 12:00:00")
        vista = self.hello_of(verdicts["outlook-2007-windows-vista-sp1"], hellos)
        self.assertEqual([HOST], vista["tls.handshake.extensions_server_name"])

    def test_captured_hellos(self):
        captured = list(captured_hellos())
        self.assertGreater(len(captured), 0)
        wanted = sorted({line["profile"] for line in captured})
        verdicts, _, _ = self.record(*wanted)
        exact = 0
        for line in captured:
            with self.subTest(line["profile"], captured=line["captured"]):
                sent = verdicts[line["profile"]]["hello"]
                self.assertEqual([], departures(line, fields_of(bytes.fromhex(sent["hex"]))))
                if "ja3" in line and line["framing"] == "tls":
                    self.assertEqual(line["ja3"], sent["ja3"])
                exact += line["tier"] == "octets"
        print(f"\nhellos equal to a capture: {exact} in every octet, "
              f"{len(captured) - exact} in all fields that it tells", flush=True)

    def test_departures_are_found(self):
        for line in captured_hellos():
            other = dict(line, cipher_suites=line["cipher_suites"][::-1] + ["0000"])
            self.assertEqual(["cipher_suites"],
                             [key for key, _, _ in departures(other, dict(line))])

    def test_random_octets_differ(self):
        first, _, _ = self.record("strict")
        second, _, _ = self.record("strict")
        self.assertNotEqual(first["strict"]["hello"]["hex"], second["strict"]["hello"]["hex"])
        self.assertEqual(first["strict"]["hello"]["ja3"], second["strict"]["hello"]["ja3"])

    def test_sslv2_framing(self):
        profiles = []
        for device, (version, _, challenge_length, specs) in SSLV2_FRAMED.items():
            profile = self.folder / f"{device}.yaml"
            profile.write_text(PROFILE.format(
                name=device, version=version, challenge_length=challenge_length,
                specs=", ".join(f"'0x{spec:06x}'" for spec in specs)))
            lint = self.handset("lint", profile)
            self.assertEqual((0, ""), (lint.status, lint.err), lint)
            # "./x.yaml" from its own folder, as a user would write it.
            profiles.append(os.path.join(".", profile.name))
        verdicts, capture, server = self.record(*profiles)
        self.assertEqual(sorted(SSLV2_FRAMED), sorted(verdicts))
        hellos = capture.client_hellos(
            "tls.handshake.version", "tls.handshake.cipherspec", "tls.handshake.challenge_length",
            "tls.handshake.session_id_length")
        self.assertEqual(len(verdicts), len(hellos))
        for device, (_, version, challenge_length, specs) in SSLV2_FRAMED.items():
            with self.subTest(device):
                seen = self.hello_of(verdicts[device], hellos)
                self.assertEqual([version], [int(v, 16) for v in seen["tls.handshake.version"]])
                self.assertEqual(specs, [int(s, 16) for s in seen["tls.handshake.cipherspec"]])
                self.assertEqual([str(challenge_length)], seen["tls.handshake.challenge_length"])
                self.assertIsNone(verdicts[device]["hello"]["ja3"], "JA3 knows no such hello")
        # OpenSSL still answers such a hello when it offers TLS; SSL 3.0 and suites as old as those
        # of Internet Explorer it has given up. The profiles say nothing of certificates, yet what
        # is unknown is followed to the end of the handshake.
        self.assertEqual("TLS_RSA_WITH_AES_128_CBC_SHA",
                         verdicts["java-6u45"]["negotiated"]["cipher_suite"])
        server.wait_for(r"^CIPHER is AES128-SHA")
        self.expect(verdicts["ie-6-windows-xp"], "fails", "server-hello", ("received", 40),
                    "handshake-server-alert")


if __name__ == "__main__":
    unittest.main()
