"""`handset lab`: real clients are shown a case and get as far as they should."""
import contextlib
import json
import re
import signal
import socket
import subprocess
import unittest

from support.certificates import openssl, tool
from support.lab import APPLICATION_DATA, CORRECT, Lab, hello, run_client, s_client
from support.program import ProgramTest
from support.servers import DEADLINE, Process


class LabTest(ProgramTest):
    def expect_request(self, lab, client, **values):
        """One connection more that got as far as a request, and the client read the answer."""
        self.seen = getattr(self, "seen", 0) + 1
        entry = lab.wait_for(self.seen)[-1]
        self.assertEqual("request", entry["reached"], (entry, client.stderr))
        self.assertIs(True, entry["accepted"], entry)
        self.assertIn(f"handset lab: {entry['case']}".encode(), client.stdout)
        for key, value in values.items():
            self.assertEqual(value, entry[key], entry)

    def test_openssl_in_every_version_and_cipher(self):
        lab = Lab(self, "--only", CORRECT)
        modern = ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "AES128-SHA256", "AES256-SHA256",
                  "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384",
                  "ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES256-SHA384",
                  "DHE-RSA-AES128-GCM-SHA256", "DHE-RSA-AES256-GCM-SHA384",
                  "DHE-RSA-AES128-SHA256", "DHE-RSA-AES256-SHA256")
        every = ("AES128-SHA", "AES256-SHA", "ECDHE-RSA-AES128-SHA", "ECDHE-RSA-AES256-SHA",
                 "DHE-RSA-AES128-SHA", "DHE-RSA-AES256-SHA")
        for version, name, suites in (("-tls1", "TLS 1.0", every), ("-tls1_1", "TLS 1.1", every),
                                      ("-tls1_2", "TLS 1.2", every + modern)):
            for suite in suites:
                with self.subTest(version=name, suite=suite):
                    client = s_client(lab, version, "-cipher", suite + ":@SECLEVEL=0")
                    self.expect_request(lab, client, version=name, case=CORRECT)
            with self.subTest(version=name, suite="all of them"):
                self.expect_request(lab, s_client(lab, version), version=name)
        with self.subTest("as it is shipped, and TLS 1.3 on offer"):
            client = run_client(tool("openssl", "openssl"), "s_client", "-connect",
                                f"127.0.0.1:{lab.port}", "-quiet", "-ign_eof",
                                text=b"GET / HTTP/1.0\r\n\r\n")
            self.expect_request(lab, client, version="TLS 1.2")
        lab.stop()

    def test_a_chain_that_is_trusted_or_not(self):
        lab = Lab(self, "--only", CORRECT)
        exported = self.folder / "exported"
        self.handset("lab", "--only", CORRECT, "--export", exported)
        roots = exported / CORRECT / "roots.pem"
        host = "mail.example.test"
        strict = ("-verify_return_error", "-verify_hostname", host, "-servername", host)
        self.expect_request(lab, s_client(lab, "-tls1_2", *strict, "-CAfile", roots), sni=host,
                            alerts=[{"level": "warning", "code": 0, "name": "close_notify",
                                     "encrypted": True}])
        refused = s_client(lab, "-tls1_2", *strict, "-no-CAfile", "-no-CApath")
        self.assertNotEqual(0, refused.returncode)
        entry = lab.wait_for(2)[-1]
        self.assertEqual(("flight", False), (entry["reached"], entry["accepted"]))
        self.assertEqual(["unknown_ca"], [alert["name"] for alert in entry["alerts"]])
        lab.stop()

    def test_gnutls_and_curl(self):
        lab = Lab(self, "--only", CORRECT)
        exported = self.folder / "exported-for-curl"
        self.handset("lab", "--only", CORRECT, "--export", exported)
        roots, host = exported / CORRECT / "roots.pem", "mail.example.test"
        for version, name in (("VERS-TLS1.0", "TLS 1.0"), ("VERS-TLS1.1", "TLS 1.1"),
                              ("VERS-TLS1.2", "TLS 1.2")):
            for key_exchange in ("RSA", "ECDHE-RSA", "DHE-RSA"):
                for cipher in ("AES-128-CBC", "AES-256-CBC", "3DES-CBC", "ARCFOUR-128"):
                    with self.subTest(version=name, key_exchange=key_exchange, cipher=cipher):
                        if (key_exchange, cipher) == ("DHE-RSA", "ARCFOUR-128"):
                            continue  # there is no such suite
                        client = run_client(
                            tool("gnutls-cli", "gnutls-bin"), "--priority",
                            f"NORMAL:-VERS-ALL:+{version}:-KX-ALL:+{key_exchange}:-CIPHER-ALL:"
                            f"+{cipher}:+SHA1:%VERIFY_ALLOW_SIGN_WITH_SHA1", "--x509cafile", roots,
                            "--verify-hostname", host, "--sni-hostname", host, "-p", lab.port,
                            "127.0.0.1", text=b"GET / HTTP/1.0\r\n\r\n")
                        self.expect_request(lab, client, version=name, sni=host)
        client = run_client(tool("curl", "curl"), "--silent", "--cacert", roots, "--resolve",
                            f"{host}:{lab.port}:127.0.0.1", f"https://{host}:{lab.port}/")
        self.assertEqual(f"handset lab: {CORRECT}\n".encode(), client.stdout, client.stderr)
        self.expect_request(lab, client, sni=host)
        lab.stop()

    def test_the_name_tells_the_case(self):
        lab = Lab(self, "--by", "sni", "--domain", "lab.test", "--only", CORRECT, "--only",
                  "name/*")
        self.assertGreater(len(lab.cases), 5)
        self.assertEqual(1, len({case["port"] for case in lab.cases}))
        hosts = [case for case in lab.cases if not re.fullmatch(r"[0-9.:]*|.*[^-a-z0-9.].*",
                                                                case["host"])]
        self.assertGreater(len(hosts), 5)
        for case in hosts[:12]:
            with self.subTest(case["case"]):
                client = s_client(lab, "-tls1_2", "-servername", case["host"])
                self.expect_request(lab, client, case=case["case"], sni=case["host"])
        for options in (("-servername", "nobody.example"), ("-noservername",)):
            s_client(lab, "-tls1_2", *options)
            self.seen += 1
            entry = lab.wait_for(self.seen)[-1]
            self.assertEqual(("hello", "", None),
                             (entry["reached"], entry["case"], entry["accepted"]))
        lab.stop(signal.SIGTERM)

    def test_a_capture_of_each_case(self):
        captures = self.folder / "captures"
        lab = Lab(self, "--only", CORRECT, "--pcap", captures)
        self.expect_request(lab, s_client(lab, "-tls1_2", "-servername", "mail.example.test"))
        lab.stop()
        read = subprocess.run(
            [tool("tshark", "tshark"), "-n", "-r", captures / f"{CORRECT}.pcapng", "-d",
             f"tcp.port=={lab.port},tls", "-o", "tcp.desegment_tcp_streams:TRUE", "-Y", "tls", "-T",
             "fields", "-E", "separator=;", "-e", "tls.handshake.type", "-e",
             "tls.handshake.extensions_server_name", "-e", "tls.record.content_type"],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=True)
        rows = [row.split(";") for row in read.stdout.decode().splitlines()]
        types = ",".join(row[0] for row in rows).split(",")
        for wanted in ("1", "2", "11", "12", "14", "16"):
            self.assertIn(wanted, types, rows)
        self.assertEqual("mail.example.test", rows[0][1])
        self.assertIn(str(APPLICATION_DATA), ",".join(row[2] for row in rows).split(","))
        trouble = subprocess.run(
            [tool("tshark", "tshark"), "-n", "-r", captures / f"{CORRECT}.pcapng", "-d",
             f"tcp.port=={lab.port},tls", "-Y", "_ws.malformed || tcp.analysis.flags"],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=True)
        self.assertEqual(b"", trouble.stdout)

    def test_list_only_and_export(self):
        listed = json.loads(self.handset("lab", "--list", "--format", "json").out)
        cases = listed["cases"] if isinstance(listed, dict) else listed
        self.assertGreater(len(cases), 300)
        of = {case["case"]: case for case in cases}
        chain = of["capacity/capacity-certificate-bytes"]
        self.assertEqual(("capacity-certificate-bytes",
                          ["capacity-certificate-bytes", "key-rsa-large"]),
                         (chain["rule"], chain["rules"]))
        self.assertRegex(self.handset("lab", "--list").out,
                         r"capacity/capacity-certificate-bytes  .*\[also key-rsa-large\]\n")
        few = self.handset("lab", "--list", "--only", "name/*")
        self.assertIn("name/", few.out)
        self.assertNotIn("certificate/", few.out)
        exported = self.folder / "for-s_server"
        self.handset("lab", "--only", CORRECT, "--export", exported)
        folder = exported / CORRECT
        verified = openssl("verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname",
                           "mail.example.test", "-CAfile", folder / "roots.pem", "-untrusted",
                           folder / "chain.pem", folder / "chain.pem")
        self.assertIn(b"OK", verified.stdout)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        server = Process([tool("openssl", "openssl"), "s_server", "-accept", f"127.0.0.1:{port}",
                          "-cert", folder / "chain.pem", "-cert_chain", folder / "chain.pem",
                          "-key", folder / "key.pem", "-www"])
        self.addCleanup(server.stop)
        server.wait_for("^ACCEPT")
        client = run_client(tool("curl", "curl"), "--silent", "--show-error", "--cacert",
                            folder / "roots.pem", "--resolve",
                            f"mail.example.test:{port}:127.0.0.1",
                            f"https://mail.example.test:{port}/")
        self.assertEqual(0, client.returncode, client.stderr)

    def test_only_makes_the_same_cases(self):
        def listed(*options):
            return json.loads(self.handset("lab", "--list", "--format", "json", *options).out)["cases"]

        every = listed()
        self.assertEqual([case for case in every if case["case"].startswith("chain/")],
                         listed("--only", "chain/*"))
        # What is another's twin on the wire is found under that one's name, and by it alone.
        ids = {case["case"] for case in every}
        twins = {twin: case for case in every for twin in case["stands_for"]}
        self.assertGreater(len(twins), 100)
        self.assertFalse(ids & set(twins))
        self.assertIn("chain/chain-root-unused", twins)
        self.assertEqual([twins["chain/chain-root-unused"]],
                         listed("--only", "chain/chain-root-unused"))
        exported = {}
        for name, options in (("few", ("--only", "chain/chain-root-u*", "--only", CORRECT)),
                              ("all", ())):
            folder = self.folder / name
            self.handset("lab", "--export", folder, *options)
            exported[name] = {file.relative_to(folder): file.read_bytes()
                              for file in folder.glob("*/*/*.pem")}
        self.assertEqual({CORRECT, twins["chain/chain-root-unused"]["case"]},
                         {str(file.parent) for file in exported["few"]})
        for file, octets in exported["few"].items():
            self.assertEqual(exported["all"][file], octets, file)

    def test_signals_end_it_with_a_complete_log(self):
        for how in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(how), contextlib.ExitStack() as open_ones:
                lab = Lab(self, "--only", CORRECT, "--timeout", 60)
                silent = open_ones.enter_context(lab.connect())
                shown = open_ones.enter_context(lab.connect())
                shown.sendall(hello())
                self.assertTrue(shown.recv(5))
                s_client(lab, "-tls1_2")
                lab.wait_for(1)
                entries = lab.stop(how)
                self.assertEqual(["request", "nothing", "flight"],
                                 [entries[0]["reached"], *sorted(
                                     (entry["reached"] for entry in entries[1:]), reverse=True)])
                self.assertEqual({"stopped"}, {entry["end"] for entry in entries[1:]})
                self.assertEqual({None}, {entry["accepted"] for entry in entries[1:]})
                self.assertEqual(b"", silent.recv(1))

    def test_it_ends_after_so_many(self):
        lab = Lab(self, "--only", CORRECT, "--connections", 2)
        for _ in range(2):
            s_client(lab, "-tls1_2")
        self.assertEqual(0, lab.process.wait(DEADLINE), lab.said())
        self.assertEqual(2, len(lab.entries()))

    def test_wrong_use_is_one_line(self):
        busy = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(busy.close)
        port = busy.getsockname()[1]
        for options, words in (
                (("--only", "no-such-case"), ("no-such-case",)),
                (("--at", "yesterday"), ("--at",)), (("--timeout", "0"), ("--timeout",)),
                (("--by", "moon", "--only", CORRECT), ("--by",)),
                (("--port", "65536", "--only", CORRECT), ("--port",)),
                (("--port", "x"), ("port",)), (("word",), ("word",)), (("--moon",), ("moon",)),
                (("--device", "no-such-device"), ("no-such-device",)),
                (("--only", CORRECT, "--port", str(port)), (port, "in use")),
                (("--only", CORRECT, "--address", "moon"), ("moon",)),
                (("--judge", self.folder / "missing.jsonl"), ("missing.jsonl",)),
                (("--only", CORRECT, "-o", self.folder / "none/log"), ("none/log",))):
            with self.subTest(options):
                self.expect_trouble(self.handset("lab", *options, deadline=30), *words)


if __name__ == "__main__":
    unittest.main()
