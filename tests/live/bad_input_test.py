"""Files, profiles and command lines that are wrong: one line that says what to do, status 2."""
import os
import unittest

from support.certificates import Authority, openssl
from support.program import AT, HOME, HOST, MIB, ProgramTest

PROFILE = (HOME / "profiles/nokia-m4e-symbian-9.2.yaml")


class FileTest(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.authority = Authority(cls.folder / "certificates")
        cls.leaf = cls.authority.server("leaf")
        cls.der = openssl("x509", "-in", cls.leaf.file, "-outform", "DER").stdout

    def file(self, name, octets):
        path = self.folder / name
        path.write_bytes(octets)
        return path

    def check(self, *arguments):
        return self.handset("check", *arguments, "--at", AT, "--device", "strict", deadline=15)

    def test_what_holds_no_certificate(self):
        key = self.leaf.key
        request = self.folder / "request.pem"
        openssl("req", "-new", "-config", "/dev/null", "-key", key, "-subj", "/CN=x",
                "-out", request)
        crl = self.folder / "crl.pem"
        (self.folder / "index.txt").touch()
        (self.folder / "crl.cnf").write_text(
            f"[ca]\ndefault_ca = x\n[x]\ndatabase = {self.folder}/index.txt\ndefault_md = sha256\n"
            "default_crl_days = 30\n")
        openssl("ca", "-gencrl", "-config", self.folder / "crl.cnf", "-out", crl,
                "-cert", self.authority.root.file, "-keyfile", self.authority.root.key)
        der = {}
        for name, arguments in (("key", ("pkey", "-in", key)), ("request", ("req", "-in", request)),
                                ("crl", ("crl", "-in", crl))):
            der[name] = self.file(f"{name}.der", openssl(*arguments, "-outform", "DER").stdout)
        folder = self.folder / "folder"
        folder.mkdir()
        pem = self.leaf.file.read_bytes()
        for file, word in (
                (key, "private key"), (der["key"], "private key"),
                (request, "certificate request"), (der["request"], "certificate request"),
                (crl, "revocation list"), (der["crl"], "revocation list"),
                (self.file("empty.pem", b""), "empty"),
                (self.file("blank.pem", b" \n\n"), ""),
                (self.file("garbage", bytes(range(256)) * 40), ""),
                (self.file("zeros", bytes(4096)), ""),
                (self.file("text.txt", b"Dear all,\nthe certificate is attached.\n"), ""),
                (self.file("cut.pem", pem[:400]), "cut short"),
                (self.file("bad-base64.pem", pem.replace(b"M", b"!", 1)), "line 2"),
                (folder, ""), (self.folder / "absent.pem", "no such file"), ("", "")):
            with self.subTest(file=str(file)):
                run = self.check(file)
                self.expect_trouble(run, os.fspath(file), word)
                # Also where a root is asked for.
                for option in ("--install-root", "--roots"):
                    self.expect_trouble(self.check(self.leaf.file, option, file), word)

    def test_good_file_beside_a_bad_one(self):
        self.expect_trouble(self.check(self.leaf.file, self.folder / "absent.pem"), "absent.pem")

    def test_truncated_certificate(self):
        """Not trouble of ours but a finding: the octets may well be what a server sends."""
        for length in (2, 100, len(self.der) // 2, len(self.der) - 1):
            with self.subTest(length):
                cut = self.file(f"cut-{length}.cer", self.der[:length])
                run = self.check(cut, "--format", "json")
                if run.status == 2:  # too little to tell what it was
                    self.assertLess(length, 10)
                    self.expect_trouble(run, cut)
                    continue
                [verdict] = self.verdicts("check", cut, "--at", AT, "--device", "strict").values()
                self.assertEqual("fails", verdict["outcome"])
                self.assertIn("encoding-certificate-undecodable",
                              [reason["rule"] for reason in verdict["reasons"]])

    def test_huge_sparse_file(self):
        huge = self.folder / "huge.pem"
        with open(huge, "wb") as file:
            file.truncate(1024 * MIB)
        run = self.check(huge)
        self.expect_trouble(run, huge, "16.0 MiB")
        small = self.check(self.folder / "absent.pem")
        self.assertLess(run.peak_bytes, small.peak_bytes + 64 * MIB)

    def test_fifo(self):
        """Nobody writes into it: it must not be waited for."""
        fifo = self.folder / "fifo"
        os.mkfifo(fifo)
        self.expect_trouble(self.check(fifo), fifo)

    def test_endless_device(self):
        self.expect_trouble(self.check("/dev/zero"), "/dev/zero")

    def test_unreadable_file(self):
        secret = self.file("secret.pem", self.leaf.file.read_bytes())
        secret.chmod(0)
        run = self.check(secret)
        if os.access(secret, os.R_OK):  # root reads everything
            self.assertIn(run.status, (0, 1), run)
        else:
            self.expect_trouble(run, secret)

    def test_name_with_control_characters(self):
        """They do not reach the terminal."""
        run = self.check(self.folder / "red\x1b[31m\nline.pem")
        self.expect_trouble(run)
        self.assertNotIn("\x1b", run.err)


class ProfileTest(ProgramTest):
    """A fault in a profile is named with file, line and column."""

    def broken(self, name, old, new):
        text = PROFILE.read_text("utf-8")
        self.assertEqual(1, text.count(old), f"{old!r} in {PROFILE}")
        line = text[:text.index(old)].count("\n") + 1
        path = self.folder / f"{name}.yaml"
        path.write_text(text.replace(old, new), "utf-8")
        return path, line

    def expect_place(self, path, line, column, *words):
        place = f"{path}:{line}:{column}: "
        lint = self.handset("lint", path)
        self.assertEqual((2, ""), (lint.status, lint.out), lint)
        self.assertEqual(1, lint.err.count("\n"), lint)
        self.assertTrue(lint.err.startswith(place), f"expected {place}\n{lint}")
        for word in words:
            self.assertIn(word, lint.err)
        # Where the profile is used it is the same line with the program's name before it.
        used = self.handset("check", HOME / "captures/m4e-exchange-2007/plain-san.pem",
                            "--device", path)
        self.expect_trouble(used, lint.err.strip())

    def test_unknown_key(self):
        path, line = self.broken("unknown-key", "  max_oid_arcs: 15\n", "  max_oid_arc: 15\n")
        self.expect_place(path, line, 3, "max_oid_arc", "max_oid_arcs")

    def test_wrong_type(self):
        path, line = self.broken("wrong-type", "  max_oid_arcs: 15\n", "  max_oid_arcs: many\n")
        self.expect_place(path, line, 17, "max_oid_arcs", "number")

    def test_unknown_source(self):
        path, line = self.broken(
            "unknown-source", "  san: {is: any, source: digicert}\n",
            "  san: {is: any, source: nobody}  # digicert: source of nothing now\n")
        lint = self.handset("lint", path)
        self.assertEqual(2, lint.status, lint)
        self.assertRegex(lint.err, rf"(?m)^{path}:{line}:\d+: .*nobody")

    def test_missing_source(self):
        path, line = self.broken("missing-source", "path:\n  source: pkix\n", "path:\n")
        lines = "|".join(str(line + below) for below in range(6))
        lint = self.handset("lint", path)
        self.assertEqual((2, ""), (lint.status, lint.out), lint)
        for one in lint.err.splitlines():
            self.assertRegex(one, rf"^{path}:({lines}):\d+: .*source")

    def test_every_fault_is_named(self):
        text = PROFILE.read_text("utf-8")
        path = self.folder / "two-faults.yaml"
        path.write_text(text.replace("  max_oid_arcs: 15\n", "  max_oid_arcs: many\n")
                        .replace("kind: mail-client\n", "kind: fax\n"))
        lint = self.handset("lint", path)
        self.assertEqual(2, lint.status, lint)
        self.assertEqual(2, lint.err.count("\n"), lint)
        self.assertIn("'kind'", lint.err)
        self.assertIn("'max_oid_arcs'", lint.err)

    def test_not_yaml_at_all(self):
        for name, octets in (("binary", bytes(range(256))), ("tab", b"format: 1\n\tname: x\n"),
                             ("open", b"format: [1\n"), ("empty", b""), ("list", b"- 1\n"),
                             ("deep", b"[" * 100000), ("nul", b"format: 1\nname: a\0b\n")):
            with self.subTest(name):
                path = self.folder / f"{name}.yaml"
                path.write_bytes(octets)
                lint = self.handset("lint", path, deadline=20)
                self.assertEqual((2, ""), (lint.status, lint.out), lint)
                for line in lint.err.splitlines():
                    self.assertRegex(line, rf"^{path}(:\d+:\d+)?: .")
                self.assertTrue(lint.err, lint)

    def test_absent(self):
        run = self.handset("lint", self.folder / "absent.yaml")
        self.assertEqual(2, run.status, run)
        self.assertRegex(run.err, r"\A[^\n]*absent\.yaml[^\n]*\n\Z")

    def test_shipped_ones_are_good(self):
        run = self.handset("lint")
        self.assertEqual((0, ""), (run.status, run.err), run)
        expected = len(list((HOME / "profiles").glob("*.yaml"))) + len(
            list((HOME / "profiles/stores").glob("*.yaml"))) + len(
                list((HOME / "profiles/groups").glob("*.yaml")))
        self.assertEqual(expected, len(run.out.splitlines()), run)


class CommandLineTest(ProgramTest):
    CHAIN = HOME / "captures/m4e-exchange-2007/plain-san.pem"

    def test_wrong_use(self):
        check = ("check", self.CHAIN)
        for arguments, words in (
                (("chek",), ("chek", "check")),
                (("teapot",), ("teapot", "--help")),
                (("check",), ("no certificate file",)),
                ((*check, "--hots", HOST), ("--hots", "--host")),
                ((*check, "--at", "yesterday"), ("--at", "yesterday", "2007-09-02")),
                ((*check, "--at", "2007-02-30"), ("--at",)),
                ((*check, "--at", "2007-09-02T25:00:00Z"), ("--at",)),
                ((*check, "--at", ""), ("--at",)),
                ((*check, "--at"), ("--at",)),
                ((*check, "--msstd", "mail.contoso.com"), ("--msstd", "msstd:")),
                ((*check, "--device", "nokia-m4e-symbian-9.5"), ("9.5", "nokia-m4e-symbian-9.")),
                ((*check, "--device", "outlook-2007-windows-vsta-sp1"),
                 ("outlook-2007-windows-vista-sp1",)),
                ((*check, "--device", "./absent.yaml"), ("absent.yaml",)),
                ((*check, "--format", "xml"), ("xml",)),
                ((*check, "--color", "maybe"), ("--color",)),
                (("devices", "nokya*"), ("nokya",)),
                (("devices", "--format", "yaml"), ("--format",)),
                (("rules", "extension-san-critcal"), ("extension-san-critical",)),
                (("probe",), ("server",)),
                (("probe", "a", "b"), ("server",)),
                (("probe", "https://mail.contoso.com/"), ("https://mail.contoso.com/",)),
                (("probe", "127.0.0.1:0"), ("0",)),
                (("probe", "127.0.0.1:65536"), ("65536",)),
                (("probe", "127.0.0.1:x"), ("x",)),
                (("probe", ""), ()),
                (("probe", "127.0.0.1:1", "--starttls", "ftp"), ("ftp",)),
                (("probe", "127.0.0.1:1", "--timeout", "0"), ("--timeout",)),
                (("probe", "127.0.0.1:1", "--timeout", "-1"), ("timeout",)),
                (("probe", "127.0.0.1:1", "--timeout", "soon"), ("timeout",))):
            with self.subTest(arguments=arguments):
                self.expect_trouble(self.handset(*arguments, deadline=15), *words)

    def test_no_command(self):
        run = self.handset()
        self.assertEqual((2, ""), (run.status, run.out), run)
        self.assertIn("Usage:", run.err)

    def test_home_without_profiles(self):
        run = self.handset("devices", environment={"HANDSET_HOME": str(self.folder)})
        self.expect_trouble(run, self.folder, "HANDSET_HOME")

    def test_output_that_cannot_be_written(self):
        check = ("check", self.CHAIN, "--at", AT)
        missing = self.folder / "missing" / "verdicts.json"
        for command in (check, ("devices",), ("rules",)):
            with self.subTest(command):
                self.expect_trouble(self.handset(*command, "-o", missing), missing)
                self.expect_trouble(self.handset(*command, "-o", "/dev/full"), "/dev/full")
                self.expect_trouble(self.handset(*command, "-o", self.folder), self.folder)
        self.assertFalse(missing.parent.exists())
        self.assertEqual([], list(self.folder.glob("*.part")))

    def test_standard_output_that_is_full(self):
        for arguments in (("check", self.CHAIN, "--at", AT),
                          ("check", self.CHAIN, "--at", AT, "--format", "json"), ("devices",),
                          ("rules", "--format", "json"), ("lint",), ("--help",), ("--version",),
                          ("check", "--help")):
            with self.subTest(arguments=arguments), open("/dev/full", "wb") as full:
                run = self.handset(*arguments, stdout=full)
                self.expect_trouble(run, "standard output")

    def test_output_file_is_replaced_whole(self):
        file = self.folder / "verdicts.json"
        file.write_text("old")
        run = self.handset("check", self.CHAIN, "--at", AT, "--format", "json", "-o", file)
        self.assertIn(run.status, (0, 1), run)
        self.assertEqual(("", ""), (run.out, run.err), run)
        run.out = file.read_text("utf-8")
        self.json_of(run)
        self.assertEqual([], list(self.folder.glob("*.part")))
        # A failed run leaves it.
        failed = self.handset("check", self.folder / "absent.pem", "-o", file)
        self.assertEqual(2, failed.status)
        self.assertEqual(run.out, file.read_text("utf-8"))


if __name__ == "__main__":
    unittest.main()
