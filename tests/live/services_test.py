"""handset probe against nginx, Dovecot and Postfix, with their own TLS set-up and STARTTLS."""
import unittest

from support.certificates import Authority, bundle
from support.program import AT, HOST, ProgramTest
from support.servers import start_dovecot, start_nginx, start_postfix

NOKIA = "nokia-m4e-symbian-9.2"  # sends no server_name
VISTA = "outlook-2007-windows-vista-sp1"  # sends it
OTHER = "www.contoso.com"


class ServiceTest(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.authority = Authority(cls.folder / "certificates")
        cls.leaf = cls.authority.server("leaf")
        cls.chain = bundle(cls.folder / "chain.pem", cls.leaf, cls.authority.intermediate)

    def arguments(self, port, *devices):
        chosen = [part for device in devices for part in ("--device", device)]
        return ["probe", f"127.0.0.1:{port}", "--host", HOST, "--at", AT, "--install-root",
                self.authority.installed, *chosen]

    def expect_no_starttls(self, port, protocol):
        arguments = self.arguments(port, NOKIA) + ["--starttls", protocol]
        [verdict] = self.verdicts(*arguments).values()
        self.expect(verdict, "fails", "connect", None, "handshake-server-closed")
        [reason] = verdict["reasons"]
        self.assertRegex(reason["detail"], r"\A[^\n]*STARTTLS[^\n]*\Z")
        shown = self.handset(*arguments)
        self.assertEqual(3, shown.status, shown)
        self.assertIn("STARTTLS", shown.out, shown)


class NginxTest(ServiceTest):
    def test_server_name_chooses_the_certificate(self):
        other = self.authority.server("other", host=OTHER, key="rsa2048-other")
        other_chain = bundle(self.folder / "other.pem", other, self.authority.intermediate)
        server, [port] = start_nginx(
            self.folder / "nginx",
            [(OTHER, other_chain, other.key), (HOST, self.chain, self.leaf.key)])
        self.addCleanup(server.stop)

        verdicts = self.verdicts(*self.arguments(port, NOKIA, VISTA))
        self.expect(verdicts[NOKIA], "fails", "certificate", ("sent", 47), "name-host-mismatch")
        [reason] = [r for r in verdicts[NOKIA]["reasons"] if r["effect"] == "decides"]
        self.assertIn(OTHER, reason["detail"])
        self.expect(verdicts[VISTA], "connects", "application")
        server.wait_for("alert illegal parameter")

        # The default one is right for those who ask for nothing and want it.
        swapped = self.arguments(port, NOKIA, VISTA)
        swapped[swapped.index(HOST)] = OTHER
        verdicts = self.verdicts(*swapped)
        self.expect(verdicts[NOKIA], "connects", "finished")
        self.expect(verdicts[VISTA], "connects", "application")

        # --sni says one name and --host another: Vista is shown what it asked for.
        verdicts = self.verdicts(*self.arguments(port, VISTA), "--sni", OTHER)
        self.expect(verdicts[VISTA], "fails", "certificate", None, "name-host-mismatch")
        self.assertEqual("16", verdicts[VISTA]["code"])


class DovecotTest(ServiceTest):
    def test_mail(self):
        server, (imap, imaps, pop3) = start_dovecot(self.folder / "dovecot", self.chain,
                                                    self.leaf.key)
        self.addCleanup(server.stop)
        finished = 0
        for port, options in ((imap, ["--starttls", "imap"]), (imaps, []),
                              (pop3, ["--starttls", "pop3"])):
            with self.subTest(options or "imaps"):
                verdicts = self.verdicts(*self.arguments(port, NOKIA, VISTA), *options)
                self.expect(verdicts[NOKIA], "connects", "finished")
                self.expect(verdicts[VISTA], "connects", "application")
                finished += 2
                # Dovecot says "TLS" where the handshake was done, "TLS handshaking" where not.
                server.wait_for(r"-login: Info: .*, TLS, session=", count=finished)
        # A mail port that begins in the clear, probed as if it began with TLS.
        verdicts = self.verdicts(*self.arguments(imap, NOKIA))
        self.expect(verdicts[NOKIA], "fails", "server-hello", None, "handshake-not-tls")
        # And the other way round: no greeting comes on imaps.
        run = self.verdicts(*self.arguments(imaps, NOKIA), "--starttls", "imap", "--timeout", "1")
        self.assertEqual("connect", run[NOKIA]["stage"])


class PostfixTest(ServiceTest):
    def test_mail(self):
        server, (with_tls, without_tls) = start_postfix(self.folder / "postfix", self.chain,
                                                        self.leaf.key)
        self.addCleanup(server.stop)
        verdicts = self.verdicts(*self.arguments(with_tls, NOKIA, VISTA), "--starttls", "smtp")
        self.expect(verdicts[NOKIA], "connects", "finished")
        self.expect(verdicts[VISTA], "connects", "application")
        server.wait_for(r"TLS connection established from .*: TLSv1 with cipher AES256-SHA")
        server.wait_for(r"TLS connection established from .*: TLSv1 with cipher ", count=2)
        self.expect_no_starttls(without_tls, "smtp")
        # An SMTP greeting where TLS is expected.
        verdicts = self.verdicts(*self.arguments(with_tls, NOKIA))
        self.expect(verdicts[NOKIA], "fails", "server-hello", None, "handshake-not-tls")


if __name__ == "__main__":
    unittest.main()
