"""Devices that ask their user: the question, the answers, and what comes of each."""
import unittest

from support.certificates import Authority, bundle
from support.profiles import hello, write_profile
from support.program import AT, HOST, ProgramTest
from support.servers import OpensslServer

UNKNOWN_CA, BAD_CERTIFICATE = 48, 42
TEXT = "Security certificate presented by this server was not issued by a trusted authority."
ANSWERS = [{"answer": "Continue", "then": "connects", "alert": None},
           {"answer": "Always trust", "then": "connects", "alert": None},
           {"answer": "Exit", "then": "fails", "alert": "unknown_ca"}]

ASKS = f"""\
certificate: {{source: test, signature_algorithms: [sha256WithRSAEncryption]}}
server_hello: {{source: test, versions: [TLS 1.2]}}
names: {{source: test, checked: true, san: any, cn: if-no-san}}
validation: {{source: test, dates: [leaf], name_constraints: [], policies: false}}
responses:
  question:
    source: test
    shows: "{TEXT}"
    code: "-7548"
    answers:
      - {{answer: Continue, then: connects}}
      - {{answer: Always trust, then: connects}}
      - {{answer: Exit, then: fails, alert: unknown_ca}}
  expired:
    source: test
    shows: "Security certificate is out of date."
    answers:
      - {{answer: "OK", then: connects}}
  refused: {{source: test, alert: bad_certificate}}
tolerances:
  chain-anchor-missing: {{source: test, action: ask, response: question}}
  chain-intermediate-missing: {{source: test, action: ask, response: question}}
  certificate-expired: {{source: test, action: ask, response: expired}}
  name-host-mismatch: {{source: test, action: refuse, response: refused}}
"""
BLUNT = ASKS[:ASKS.index("    answers:")] + ASKS[ASKS.index("  expired:"):]


class AskTest(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.authority = Authority(cls.folder / "certificates", digest="sha256")
        cls.leaf = cls.authority.server("leaf")
        cls.other = cls.authority.issue(
            "other-root", "/CN=Other Root CA", "rsa2048-other", None,
            ("basicConstraints=critical,CA:TRUE",), years=(2007, 2027))
        cls.chain = bundle(cls.folder / "chain.pem", cls.leaf, cls.authority.intermediate,
                           cls.authority.root)
        cls.asks = write_profile(cls.folder, "asks", ASKS, hello("TLS 1.2"))

    def arguments(self, *options, device=None, at=AT, trusted=None, host=HOST):
        return ("check", self.chain, "--host", host, "--at", at, "--roots",
                trusted or self.other.file, "--device", device or self.asks, *options)

    def verdict(self, **keywords):
        [verdict] = self.verdicts(*self.arguments(**keywords)).values()
        return verdict

    def test_profile_is_sound(self):
        lint = self.handset("lint", self.asks)
        self.assertEqual((0, ""), (lint.status, lint.err), lint)

    def test_json(self):
        verdict = self.verdict()
        self.expect(verdict, "asks", "certificate", None, "chain-anchor-missing")
        self.assertEqual(ANSWERS, verdict["answers"])
        self.assertEqual((TEXT, "-7548"), (verdict["shows"], verdict["code"]))
        self.assertFalse(verdict["closes_silently"])
        self.assertEqual("documented", verdict["grade"])

    def test_table(self):
        run = self.handset(*self.arguments())
        self.assertEqual((1, ""), (run.status, run.err), run)
        text = " ".join(run.out.split())
        self.assertRegex(text, r"\basks\b")
        for words in (f'user reads: "{TEXT}" (-7548)', '"Continue": connects',
                      '"Always trust": connects', '"Exit": fails, alert unknown_ca'):
            self.assertIn(words, text)
        # In the order of the profile, behind the question.
        places = [text.index(f'"{one["answer"]}"') for one in ANSWERS]
        self.assertEqual(sorted(places), places)
        self.assertLess(text.index(TEXT), places[0])

    def test_no_question_no_answers(self):
        verdict = self.verdict(trusted=self.authority.root.file)
        self.expect(verdict, "connects", "certificate")
        self.assertEqual(([], None), (verdict["answers"], verdict["shows"]))
        run = self.handset(*self.arguments(trusted=self.authority.root.file))
        self.assertEqual(0, run.status, run)
        self.assertNotIn("Continue", run.out)

    def test_refusal_comes_before_a_question(self):
        """What the user would answer no longer matters."""
        verdict = self.verdict(host="www.contoso.com")
        self.expect(verdict, "fails", "certificate", ("sent", BAD_CERTIFICATE),
                    "name-host-mismatch")
        self.assertEqual([], verdict["answers"])
        asked = [r["rule"] for r in verdict["reasons"] if r["effect"] == "asks"]
        self.assertEqual(["chain-anchor-missing"], asked)

    def test_two_questions(self):
        """The first by the device's order is shown; the other stands among the reasons."""
        verdict = self.verdict(at="2015-01-01T00:00:00Z")
        self.expect(verdict, "asks", "certificate", None, "chain-anchor-missing")
        asked = [r["rule"] for r in verdict["reasons"] if r["effect"] == "asks"]
        self.assertEqual(["chain-anchor-missing", "certificate-expired"], asked)
        self.assertEqual(ANSWERS, verdict["answers"])
        verdict = self.verdict(at="2015-01-01T00:00:00Z", trusted=self.authority.root.file)
        self.expect(verdict, "asks", "certificate", None, "certificate-expired")
        self.assertEqual([{"answer": "OK", "then": "connects", "alert": None}],
                         verdict["answers"])

    def test_answers_not_known(self):
        blunt = write_profile(self.folder, "blunt", BLUNT, hello("TLS 1.2"))
        verdict = self.verdict(device=blunt)
        self.expect(verdict, "asks", "certificate", None, "chain-anchor-missing")
        self.assertEqual((TEXT, []), (verdict["shows"], verdict["answers"]))

    def test_silence_elsewhere(self):
        """With something open beside the question, nothing is foretold."""
        silent = write_profile(self.folder, "silent",
                               ASKS.replace("signature_algorithms: [sha256WithRSAEncryption]",
                                            "key_types: [rsa]"), hello("TLS 1.2"))
        verdict = self.verdict(device=silent)
        self.assertEqual("unknown", verdict["outcome"], verdict)
        self.assertEqual([], verdict["answers"])

    def test_live(self):
        """The handshake waits for nobody: it is played on, as after a yes."""
        server = OpensslServer(self.leaf, "-tls1_2", chain=self.authority.intermediate.file)
        self.addCleanup(server.stop)
        arguments = ("probe", server.target, "--host", HOST, "--at", AT, "--roots",
                     self.other.file, "--device", self.asks)
        [verdict] = self.verdicts(*arguments).values()
        self.expect(verdict, "asks", "certificate", None, "chain-intermediate-missing")
        self.assertEqual(ANSWERS, verdict["answers"])
        server.wait_for(r"^CIPHER is AES128-SHA")
        run = self.handset(*arguments)
        self.assertEqual((1, ""), (run.status, run.err), run)
        self.assertIn('"Exit": fails, alert unknown_ca', " ".join(run.out.split()))

    def test_lint_wants_sense(self):
        """Answers without a question, or with what is no end: file, line and column."""
        for name, old, new, word in (
                ("then", "then: fails,", "then: perhaps,", "connects, fails"),
                ("alert", "alert: unknown_ca}", "alert: unknown_cat}", "unknown_cat"),
                ("no-then", "{answer: Continue, then: connects}", "{answer: Continue}", "then")):
            with self.subTest(name):
                self.assertIn(old, ASKS)
                profile = write_profile(self.folder, f"bad-{name}", ASKS.replace(old, new),
                                        hello("TLS 1.2"))
                line = 1 + next(number for number, text in enumerate(
                    profile.read_text().splitlines()) if new in text)
                lint = self.handset("lint", profile)
                self.assertEqual((2, ""), (lint.status, lint.out), lint)
                self.assertRegex(lint.err, rf"\A{profile}:{line}:\d+: [^\n]*{word}")


if __name__ == "__main__":
    unittest.main()
