"""handset probe against OpenSSL and GnuTLS: what each device says, and what the server saw."""
import re
import unittest

from support.certificates import Authority, bundle
from support.program import AT, HOST, ProgramTest, all_devices
from support.servers import GnutlsServer, OpensslServer

NOKIA_92 = "nokia-m4e-symbian-9.2"
NOKIA_94 = "nokia-m4e-symbian-9.4"
XP = "outlook-2007-windows-xp"
VISTA = "outlook-2007-windows-vista-sp1"
FEDERATION = "exchange-2010-federation"
STRICT = "strict"
HANDSHAKE_FAILURE, ILLEGAL_PARAMETER, UNKNOWN_CA, PROTOCOL_VERSION = 40, 47, 48, 70


class LiveTest(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.authority = Authority(cls.folder / "certificates")
        cls.leaf = cls.authority.server("leaf")
        cls.ec_leaf = cls.authority.server("ec-leaf", key="ec256")
        cls.intermediate = cls.authority.intermediate.file

    def serve(self, *arguments, kind=OpensslServer, **keywords):
        server = kind(*arguments, **keywords)
        self.addCleanup(server.stop)
        return server

    def probe(self, server, *devices, root="--install-root"):
        """`root` None: the device does not know the root of the server's certificate."""
        chosen = [part for device in devices for part in ("--device", device)]
        known = [root, self.authority.installed] if root else []
        return self.verdicts("probe", server.target, "--host", HOST, "--at", AT, *known, *chosen)

    def expect_finished(self, server, verdicts):
        """The server has finished a handshake with each device that connects, and with none that got
        no further than its ServerHello. Others look at the certificates after the handshake, or are
        played on because it is not known what they do."""
        connect = sum(verdict["outcome"] == "connects" for verdict in verdicts.values())
        stopped = sum((verdict["outcome"], verdict["stage"]) == ("fails", "server-hello")
                      for verdict in verdicts.values())
        server.wait_for(r"^CIPHER is ", count=connect)
        server.stop()
        finished = len(server.finished_suites())
        self.assertLessEqual(connect, finished, server.output())
        self.assertLessEqual(finished, len(verdicts) - stopped, server.output())


class Tls10Test(LiveTest):
    def test_rsa_with_intermediate(self):
        server = self.serve(self.leaf, "-tls1", chain=self.intermediate)
        verdicts = self.probe(server)
        self.assertEqual(all_devices(), sorted(verdicts))
        for device in (NOKIA_92, NOKIA_94):
            self.expect(verdicts[device], "connects", "finished")
            self.assertEqual({"version": "TLS 1.0", "cipher_suite": "TLS_RSA_WITH_AES_256_CBC_SHA"},
                             verdicts[device]["negotiated"])
        self.expect(verdicts[VISTA], "connects", "application")  # looks at its principal as well
        self.expect(verdicts[FEDERATION], "connects", "finished")
        # Nothing that XP offers is left in today's OpenSSL.
        self.expect(verdicts[XP], "fails", "server-hello", ("received", HANDSHAKE_FAILURE),
                    "handshake-server-alert")
        # It offers TLS 1.2 and takes nothing less.
        self.expect(verdicts[STRICT], "fails", "server-hello", ("sent", PROTOCOL_VERSION),
                    "negotiation-version-unsupported")
        server.wait_for(r"<<< .*Alert.*fatal protocol_version")
        self.expect_finished(server, verdicts)
        self.assertLessEqual({"AES256-SHA", "AES128-SHA"}, set(server.finished_suites()))

    def test_rsa_without_intermediate(self):
        server = self.serve(self.leaf, "-tls1")
        verdicts = self.probe(server, NOKIA_92, NOKIA_94, root="--roots")
        for verdict in verdicts.values():  # the phones ask about an issuer that they do not know
            self.expect(verdict, "asks", "certificate", None, "chain-intermediate-missing")
        # With the phones' own list beside it, which is not public, the issuer may be an anchor.
        verdicts = self.probe(server, NOKIA_92, VISTA)
        self.expect(verdicts[NOKIA_92], "unknown", "certificate", None, "chain-anchor-undetermined")
        # Windows may fetch it; the profile leaves that open.
        self.expect(verdicts[VISTA], "unknown", "certificate", None, "chain-intermediate-missing")
        # What is not known is played on.
        server.wait_for(r"^CIPHER is ", count=4)

    def test_root_not_installed(self):
        whole = bundle(self.folder / "whole.pem", self.authority.intermediate, self.authority.root)
        server = self.serve(self.leaf, "-tls1", chain=whole)
        verdicts = self.probe(server, NOKIA_92, VISTA, root=None)
        # Nokia's own list of roots is not public; that of Windows is.
        self.expect(verdicts[NOKIA_92], "unknown", "certificate", None, "chain-anchor-undetermined")
        self.expect(verdicts[VISTA], "fails", "certificate", None, "chain-anchor-missing")
        self.assertEqual("8", verdicts[VISTA]["code"])

    def test_ecdsa(self):
        server = self.serve(self.ec_leaf, "-tls1", chain=self.intermediate)
        verdicts = self.probe(server)
        for device in (NOKIA_92, NOKIA_94, XP):
            self.expect(verdicts[device], "fails", "server-hello", ("received", HANDSHAKE_FAILURE),
                        "handshake-server-alert")
            self.assertIsNone(verdicts[device]["negotiated"])
        self.expect(verdicts[VISTA], "connects", "application")
        self.expect(verdicts[FEDERATION], "connects", "finished")
        for device in (VISTA, FEDERATION):
            self.assertRegex(verdicts[device]["negotiated"]["cipher_suite"],
                             "^TLS_ECDHE_ECDSA_WITH_AES_")
        server.wait_for(r"^CIPHER is ECDHE-ECDSA-AES", count=2)

    def test_ipv6(self):
        server = self.serve(self.leaf, "-tls1", chain=self.intermediate, address="[::1]")
        self.expect(self.probe(server, NOKIA_92)[NOKIA_92], "connects", "finished")


class Tls12Test(LiveTest):
    def test_rsa_with_intermediate(self):
        server = self.serve(self.leaf, "-tls1_2", chain=self.intermediate)
        verdicts = self.probe(server)
        self.expect(verdicts[STRICT], "connects", "finished")
        self.assertEqual("TLS 1.2", verdicts[STRICT]["negotiated"]["version"])
        for device in (NOKIA_92, NOKIA_94, XP, VISTA, FEDERATION):
            self.expect(verdicts[device], "fails", "server-hello", ("received", PROTOCOL_VERSION),
                        "handshake-server-alert")
        server.wait_for(r"^CIPHER is ECDHE-RSA-AES", count=1)
        self.expect_finished(server, verdicts)

    def test_rsa_without_intermediate(self):
        server = self.serve(self.leaf, "-tls1_2")
        self.expect(self.probe(server, STRICT)[STRICT], "fails", "certificate",
                    ("sent", UNKNOWN_CA), "chain-intermediate-missing")
        server.wait_for(r"<<< TLS 1.2, .*Alert.*fatal unknown_ca")

    def test_ecdsa(self):
        server = self.serve(self.ec_leaf, "-tls1_2", chain=self.intermediate)
        verdicts = self.probe(server, STRICT)
        self.expect(verdicts[STRICT], "connects", "finished")
        self.assertRegex(verdicts[STRICT]["negotiated"]["cipher_suite"], "^TLS_ECDHE_ECDSA_")
        server.wait_for(r"^CIPHER is ECDHE-ECDSA-AES")

    def test_dhe(self):
        server = self.serve(self.leaf, "-tls1_2", "-cipher", "DHE:@SECLEVEL=0",
                            chain=self.intermediate)
        verdicts = self.probe(server, STRICT)
        self.expect(verdicts[STRICT], "connects", "finished")
        server.wait_for(r"^CIPHER is DHE-RSA-AES")

    def test_server_takes_every_version(self):
        server = self.serve(self.leaf, chain=self.intermediate)
        verdicts = self.probe(server, STRICT, NOKIA_92, VISTA)
        versions = {device: verdict["negotiated"]["version"]
                    for device, verdict in verdicts.items()}
        self.assertEqual({STRICT: "TLS 1.2", NOKIA_92: "TLS 1.0", VISTA: "TLS 1.0"}, versions)
        self.assertEqual({"connects"}, {verdict["outcome"] for verdict in verdicts.values()})

    def test_tls13_only(self):
        server = self.serve(self.leaf, "-tls1_3", chain=self.intermediate)
        verdicts = self.probe(server, STRICT, NOKIA_92)
        for verdict in verdicts.values():
            self.expect(verdict, "fails", "server-hello", ("received", PROTOCOL_VERSION),
                        "handshake-server-alert")


class AlertTest(LiveTest):
    """The story of captures/m4e-exchange-2007, seen by the server."""

    def test_critical_subject_alternative_name(self):
        # Below the root itself, as the internal CA of the story issued.
        critical = self.authority.server("critical", issuer=self.authority.root, san_critical=True)
        server = self.serve(critical, "-tls1")
        verdicts = self.probe(server, NOKIA_92, NOKIA_94)
        self.expect(verdicts[NOKIA_92], "fails", "certificate", ("sent", ILLEGAL_PARAMETER),
                    "extension-san-critical")
        self.assertEqual("A field in the handshake was out of range or inconsistent with other "
                         "fields", verdicts[NOKIA_92]["shows"])
        [reason] = [r for r in verdicts[NOKIA_92]["reasons"] if r["effect"] == "decides"]
        self.assertEqual(0, reason["certificate"])
        self.assertEqual("0101ff", reason["bytes"])  # BOOLEAN TRUE
        self.expect(verdicts[NOKIA_94], "connects", "finished")
        server.wait_for(r"^CIPHER is AES256-SHA")  # 9.4
        server.wait_for(r"<<< TLS 1.0, Alert \[length 0002\], fatal illegal_parameter\n\s+02 2f$")
        server.stop()
        self.assertEqual(["AES256-SHA"], server.finished_suites())
        self.assertEqual(1, len(re.findall("fatal illegal_parameter", server.output())))

    def test_plain_subject_alternative_name(self):
        plain = self.authority.server("plain", issuer=self.authority.root)
        server = self.serve(plain, "-tls1")
        self.expect(self.probe(server, NOKIA_92)[NOKIA_92], "connects", "finished")
        server.wait_for(r"^CIPHER is AES256-SHA")
        server.stop()
        self.assertNotIn("fatal", server.output())


class GnutlsTest(LiveTest):
    """Suites that OpenSSL has lost: RC4 and triple DES."""

    def test_old_suites(self):
        chain = bundle(self.folder / "chain.pem", self.leaf, self.authority.intermediate)
        for cipher, suite in (("ARCFOUR-128", "TLS_RSA_WITH_RC4_128_"),
                              ("3DES-CBC", "TLS_RSA_WITH_3DES_EDE_CBC_SHA")):
            with self.subTest(cipher):
                server = self.serve(
                    chain, self.leaf.key, "NORMAL:-VERS-ALL:+VERS-TLS1.0:-KX-ALL:+RSA:"
                    f"-CIPHER-ALL:+{cipher}:-MAC-ALL:+SHA1:+MD5", kind=GnutlsServer)
                verdicts = self.probe(server, XP, NOKIA_92)
                self.expect(verdicts[XP], "connects", "application")
                self.expect(verdicts[NOKIA_92], "connects", "finished")
                for verdict in verdicts.values():
                    self.assertEqual("TLS 1.0", verdict["negotiated"]["version"])
                    self.assertIn(suite, verdict["negotiated"]["cipher_suite"])
                # One connection that only asked whether the server was there yet.
                server.process.wait_for(r"Accepted connection", count=3)
                server.stop()
                self.assertEqual(1, server.process.output().count("Error in handshake"),
                                 server.process.output())


if __name__ == "__main__":
    unittest.main()
