"""The harness and compare.py over cases of our own, in the suite's format."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "live"))
from support.certificates import SERVER_USE, Authority, openssl  # noqa: E402
from support.program import AT, HOME, HOST, MIB, ProgramTest  # noqa: E402

LIST_KEYS = ("trusted_certs", "untrusted_intermediates", "signature_algorithms", "key_usage",
             "extended_key_usage", "expected_peer_names", "features", "crls")
# A device that says next to nothing.
PROFILE = """
format: 1
name: Of this test
vendor: None
family: None
kind: library
released: 2007
status: draft
sources:
  here: {grade: documented, what: "Stated here.", where: "this test", retrieved: 2026-11-21}
client_hello:
  source: here
  framing: tls
  record_version: TLS 1.0
  client_version: TLS 1.0
  cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]
  compression_methods: [null]
validation: {source: here, dates: [leaf]}
"""
ASKING = PROFILE + """
otherwise: {source: here, action: accept}
responses:
  question: {source: here, shows: "Go on?"}
tolerances:
  certificate-expired: {source: here, action: ask, response: question}
"""


class HarnessTest(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.authority = Authority(cls.folder / "certificates", digest="sha256")
        cls.leaf = cls.authority.server("leaf")
        cls.lasting = cls.authority.issue(
            "lasting", f"/CN={HOST}", "rsa2048-leaf", cls.authority.root,
            (*SERVER_USE, f"subjectAltName=DNS:{HOST},IP:192.0.2.1,IP:2001:db8::1"),
            years=(2007, 2099))
        cls.other = Authority(cls.folder / "others", digest="sha256")

    def run_harness(self, octets, *arguments):
        options = "exitcode=99"
        done = subprocess.run(
            [os.environ["LIMBO_HARNESS"], *map(str, arguments)], input=octets, capture_output=True,
            env={**os.environ, "HANDSET_HOME": str(HOME), "ASAN_OPTIONS": options,
                 "UBSAN_OPTIONS": options}, timeout=120, check=False)
        self.assertIn(done.returncode, (0, 2), done)
        return done

    def case(self, id, **keys):
        """A chain that is right, but for `keys`."""
        case = {"id": id, "description": "", "validation_kind": "SERVER",
                **{key: [] for key in LIST_KEYS},
                "trusted_certs": [self.authority.root.file.read_text()],
                "untrusted_intermediates": [self.authority.intermediate.file.read_text()],
                "peer_certificate": self.leaf.file.read_text(), "peer_certificate_key": None,
                "validation_time": AT, "expected_result": "SUCCESS",
                "expected_peer_name": {"kind": "DNS", "value": HOST}, "max_chain_depth": None}
        case.update(keys)
        return case

    def results(self, *cases, device=None):
        """(result, context) of each case, in order."""
        suite = json.dumps({"version": 1, "testcases": cases}).encode()
        done = self.run_harness(suite, *(("--device", device) if device else ()))
        self.assertEqual((0, b""), (done.returncode, done.stderr))
        document = json.loads(done.stdout)
        self.assertEqual({"version", "harness", "results"}, set(document))
        self.assertEqual((1, "handset"), (document["version"], document["harness"]))
        for result in document["results"]:
            self.assertEqual({"id", "actual_result", "context"}, set(result))
        self.assertEqual([case["id"] for case in cases],
                         [result["id"] for result in document["results"]])
        return [(result["actual_result"], result["context"]) for result in document["results"]]

    def result(self, **keys):
        [result] = self.results(self.case("of-this-test", **keys))
        return result

    def expect_failure(self, begins, **keys):
        result, context = self.result(**keys)
        self.assertEqual("FAILURE", result, context)
        self.assertTrue(context.startswith(begins), context)
        return context


class JudgingTest(HarnessTest):
    def test_good_chain(self):
        self.assertEqual(("SUCCESS", None), self.result())

    def test_what_the_case_expects_is_not_looked_at(self):
        self.assertEqual(("SUCCESS", None), self.result(expected_result="FAILURE"))

    def test_intermediates_are_no_list(self):
        intermediate = self.authority.intermediate.file.read_text()
        decoy = self.other.server("decoy").file.read_text()
        self.assertEqual(("SUCCESS", None),
                         self.result(untrusted_intermediates=[decoy, intermediate, decoy]))

    def test_names(self):
        lasting = {"peer_certificate": self.lasting.file.read_text()}
        for kind, value, good in (
                ("DNS", HOST, True), ("IP", "192.0.2.1", True), ("IP", "2001:db8::1", True),
                ("DNS", "other." + HOST, False), ("IP", "192.0.2.2", False)):
            with self.subTest(value):
                keys = {**lasting, "expected_peer_name": {"kind": kind, "value": value}}
                if good:
                    self.assertEqual(("SUCCESS", None), self.result(**keys))
                else:
                    self.expect_failure("name-host-mismatch: ", **keys)
        self.assertEqual(("SUCCESS", None), self.result(expected_peer_name=None))

    def test_trust(self):
        self.expect_failure("chain-", trusted_certs=[self.other.root.file.read_text()],
                            untrusted_intermediates=[])
        self.expect_failure("chain-intermediate-missing: ", untrusted_intermediates=[])
        # An intermediate that is trusted needs no root.
        self.assertEqual(("SUCCESS", None), self.result(
            trusted_certs=[self.authority.intermediate.file.read_text()],
            untrusted_intermediates=[]))

    def test_time(self):
        self.expect_failure("certificate-expired: ", validation_time="2009-08-16T00:00:00+00:00")
        self.expect_failure("certificate-not-yet-valid: ",
                            validation_time="2007-08-14T23:59:59.999+00:00")
        # Now.
        self.expect_failure("certificate-expired: ", validation_time=None)
        self.assertEqual(("SUCCESS", None), self.result(
            validation_time=None, peer_certificate=self.lasting.file.read_text()))

    def test_skipped(self):
        for keys in ({"validation_kind": "CLIENT"}, {"crls": ["-----BEGIN X509 CRL-----"]},
                     {"signature_algorithms": ["RSA_WITH_SHA256"]}, {"key_usage": ["keyCertSign"]},
                     {"extended_key_usage": ["serverAuth", "clientAuth"]},
                     {"expected_peer_name": {"kind": "RFC822", "value": "a@example.com"}},
                     {"expected_peer_name": {"kind": "DNS", "value": ""}}):
            with self.subTest(**keys):
                result, context = self.result(**keys)
                self.assertEqual("SKIPPED", result)
                self.assertTrue(context)
        for keys in ({"key_usage": ["digitalSignature"]}, {"extended_key_usage": ["serverAuth"]},
                     {"features": ["has-crl", "pedantic-rfc5280"]}, {"max_chain_depth": 255}):
            with self.subTest(**keys):
                self.assertEqual(("SUCCESS", None), self.result(**keys))

    def test_who_answers(self):
        """By RFC 5280 a certificate needs no extKeyUsage, by the Baseline Requirements it does."""
        leaf = self.authority.issue("without-use", f"/CN={HOST}", "rsa2048-leaf",
                                    self.authority.intermediate, (f"subjectAltName=DNS:{HOST}",))
        cases = [self.case(id, peer_certificate=leaf.file.read_text())
                 for id in ("rfc5280::a", "webpki::a", "webpkix::a")]
        good, bad = ("SUCCESS", None), ("FAILURE", "extension-eku-missing: the server's certificate "
                                                   "has no extKeyUsage")
        self.assertEqual([good, bad, good], self.results(*cases))
        self.assertEqual([good] * 3, self.results(*cases, device="strict"))
        self.assertEqual([bad] * 3, self.results(*cases, device="strict-br"))

    def test_malformed_certificate(self):
        der = openssl("x509", "-in", self.leaf.file, "-outform", "DER").stdout
        cut = self.folder / "cut.der"
        cut.write_bytes(der[:-4] + bytes(4))
        damaged = openssl("x509", "-in", cut, "-inform", "DER").stdout.decode()
        self.expect_failure("certificate-signature-invalid: ", peer_certificate=damaged)
        # Shorter than its own header says, in the armour of a certificate.
        block = self.leaf.file.read_text().splitlines()
        short = "\n".join([*block[:3], block[-1], ""])
        self.expect_failure("encoding-certificate-undecodable: ", peer_certificate=short)
        context = self.expect_failure("chain-", trusted_certs=[short])
        self.assertIn("a trusted certificate cannot be decoded", context)
        self.assertEqual(("SUCCESS", None), self.result(
            trusted_certs=[short, self.authority.root.file.read_text()]))

    def test_unknown_and_asked(self):
        for name, text, begins in (
                ("silent.yaml", PROFILE, "unknown: certificate-"),
                ("asking.yaml", ASKING, "asks: certificate-expired: ")):
            profile = self.folder / name
            profile.write_text(text)
            expired = self.case("expired", validation_time="2010-01-01T00:00:00+00:00")
            [(result, context)] = self.results(expired, device=profile)
            self.assertEqual("FAILURE", result)
            self.assertTrue(context.startswith(begins), context)


class InputTest(HarnessTest):
    def expect_trouble(self, octets, *words, arguments=()):
        done = self.run_harness(octets, *arguments)
        self.assertEqual((2, b""), (done.returncode, done.stdout), done.stderr)
        self.assertRegex(done.stderr.decode(), r"\Alimbo_harness: [^\n]+\n\Z")
        for word in words:
            self.assertIn(word, done.stderr.decode())

    def suite(self, **keys):
        case = {**self.case("a"), **keys}
        return json.dumps({"version": 1, "testcases": [self.case("b"), {
            key: value for key, value in case.items() if value != "absent"}]}).encode()

    def test_what_is_no_suite(self):
        for octets, word in (
                (b"", "no JSON"), (b"{", "no JSON"), (b"{} {}", "no JSON"),
                (b"\xff\xfe", "no JSON"),
                (b"[" * 100000, "no JSON"), (b"[]", "must be an object"), (b"{}", "version"),
                (b'{"version": 2, "testcases": []}', "version"),
                (b'{"version": 1}', "testcases"), (b'{"version": 1, "testcases": {}}', "testcases"),
                (b'{"version": 1, "testcases": [1]}', "testcases[0]")):
            with self.subTest(octets[:40]):
                self.expect_trouble(octets, word)

    def test_bad_cases(self):
        key = self.leaf.key.read_text()
        for keys in ({"id": "absent"}, {"id": 1}, {"validation_kind": None},
                     {"peer_certificate": None}, {"peer_certificate": "garbage"},
                     {"peer_certificate": ""}, {"peer_certificate": key},
                     {"peer_certificate": 2 * self.leaf.file.read_text()},
                     {"trusted_certs": "text"}, {"trusted_certs": [1]}, {"trusted_certs": [key]},
                     {"untrusted_intermediates": ["\n"]}, {"validation_time": "yesterday"},
                     {"validation_time": 0}, {"expected_peer_name": "x"},
                     {"expected_peer_name": {"kind": "DNS"}}, {"max_chain_depth": -1},
                     {"max_chain_depth": 1.5}, {"max_chain_depth": "1"}):
            with self.subTest(**keys):
                [name] = keys
                self.expect_trouble(self.suite(**keys), "testcases[1]." + name)

    def test_too_much(self):
        self.expect_trouble(b" " * (64 * MIB + 1), "64 MiB")
        self.expect_trouble(b'{"version":1,"testcases":[' + b"0," * (20 * MIB) + b"0]}", "512 MiB")

    def test_wrong_use(self):
        for arguments, word in ((("--device",), "usage"), (("x",), "usage"),
                                (("--device", "nokia-*"), "one device"),
                                (("--device", "absent"), "absent"),
                                (("--device", "./absent.yaml"), "absent.yaml")):
            with self.subTest(arguments):
                self.expect_trouble(self.suite(), word, arguments=arguments)


class CompareTest(unittest.TestCase):
    """compare.py alone: what it reads is written here."""

    EXPECTED = {"a::one": "SUCCESS", "a::two": "FAILURE", "b::one": "FAILURE", "c::one": "SUCCESS"}
    SEEN = {"a::one": "SUCCESS", "a::two": "SUCCESS", "b::one": "FAILURE", "c::one": "SKIPPED"}

    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="handset-limbo-")
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)

    def compare(self, deviations, suite=None, results=None):
        suite = suite if suite is not None else json.dumps({"version": 1, "testcases": [
            {"id": id, "expected_result": result} for id, result in self.EXPECTED.items()]})
        results = results if results is not None else json.dumps({"version": 1, "results": [
            {"id": id, "actual_result": result, "context": "some-rule: why"}
            for id, result in self.SEEN.items()]})
        files = []
        for name, text in (("suite", suite), ("results", results), ("deviations", deviations)):
            files.append(self.folder / name)
            files[-1].write_text(text)
        done = subprocess.run([sys.executable, "-B", HERE / "compare.py", *files],
                              capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, done.stdout.splitlines(), done.stderr

    FIGURES = ["a: total 2, skipped 0, as expected 1 of 2 (50.0 %)",
               "b: total 1, skipped 0, as expected 1 of 1 (100.0 %)",
               "c: total 1, skipped 1, as expected 0 of 0 (-)",
               "total 4, skipped 1, as expected 2 of 3 (66.7 %)"]
    DEVIATION = "a::two FAILURE SUCCESS some-rule: why"

    def test_listed(self):
        for deviations in ("a::two: it may", "'a::*': it may", "'*::two': it may"):
            self.assertEqual((0, [*self.FIGURES, self.DEVIATION], ""), self.compare(deviations))

    def test_not_listed(self):
        self.assertEqual((1, [*self.FIGURES, self.DEVIATION,
                              "error: a::two: deviates and is not listed"], ""), self.compare(""))

    def test_no_longer(self):
        for stale in ("a::one", "c::one", "b::*", "gone"):
            status, lines, _ = self.compare(f"a::two: it may\n'{stale}': no more")
            self.assertEqual(
                (1, [f"error: {stale}: is listed, but nothing that it names deviates"]),
                (status, lines[len(self.FIGURES) + 1:]))

    def test_bad_input(self):
        row = '{"id": "a", "actual_result": "SUCCESS"}'
        for keys in ({"deviations": "[a]"}, {"deviations": "a: 1"}, {"deviations": "a: ''"},
                     {"deviations": "a: ["}, {"suite": "{"}, {"suite": "[]"},
                     {"suite": '{"version": 2, "testcases": []}'},
                     {"suite": '{"version": 1, "testcases": [{"id": "a"}]}'},
                     {"results": "[" * 100000},
                     {"results": f'{{"version": 1, "results": [{row}, {row}]}}'},
                     {"results": '{"version": 1, "results": []}'},
                     {"results": row.replace("SUCCESS", "HANG")}):
            with self.subTest(**keys):
                status, lines, error = self.compare(**{"deviations": "a::two: it may", **keys})
                self.assertEqual((2, []), (status, lines))
                self.assertRegex(error, r"\Acompare\.py: [^\n]+\n\Z")

    def test_our_own_list_can_be_read(self):
        listed = (HERE / "deviations.yaml").read_text("utf-8")
        status, lines, error = self.compare(listed)
        self.assertEqual((1, ""), (status, error))
        # None of its entries names anything here.
        self.assertIn("error: a::two: deviates and is not listed", lines)
        self.assertIn("error: webpki::san::leftmost-wildcard-san: is listed, but nothing that it "
                      "names deviates", lines)


if __name__ == "__main__":
    unittest.main()
