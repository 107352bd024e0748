"""Roots out of the stores that real programs keep: openssl, keytool, Bouncy Castle, NSS."""
import functools
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

from support.certificates import CA_USE, Authority, bundle, openssl, tool
from support.profiles import write_profile
from support.program import AT, HOST, ProgramTest

STRICT = "strict"
UNKNOWN_CA = 48
BOUNCY_CASTLE = pathlib.Path("/usr/share/java/bcprov.jar")
PASSWORD = "changeit"


def run(*arguments):
    done = subprocess.run([os.fspath(a) for a in arguments], stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=120,
                          env={**os.environ, "LC_ALL": "C.UTF-8", "OPENSSL_CONF": "/dev/null"})
    if done.returncode != 0:
        raise AssertionError(f"{arguments}: {(done.stdout + done.stderr).decode(errors='replace')}")
    return done.stdout


def keytool(kind, store, password, *arguments):
    """Runs keytool on a store of the kind JKS, JCEKS, PKCS12, BKS or BKS-V1."""
    dest = "dest" if "-importkeystore" in arguments else ""
    options = [f"-{dest}storetype", kind, f"-{dest}keystore", store, f"-{dest}storepass", password]
    if kind.startswith("BKS"):
        if not BOUNCY_CASTLE.exists():
            raise AssertionError(f"{BOUNCY_CASTLE} is missing: apt-get install libbcprov-java")
        options += ["-providerclass", "org.bouncycastle.jce.provider.BouncyCastleProvider",
                    "-providerpath", BOUNCY_CASTLE]
    return run(tool("keytool", "openjdk-17-jre-headless"),
               "-J-Dorg.bouncycastle.bks.enable_v1=true", "-J-Dsun.stdout.encoding=UTF-8",
               *arguments, *options)


# --- one maker for each kind of store: make(path, password, certificates) -> path ----------------

def pem(path, _, certificates):
    return bundle(path, *certificates)


def folder(path, _, certificates):
    """One certificate a file, in PEM and in DER by turns, and files that are none."""
    path.mkdir()
    for number, certificate in enumerate(certificates):
        form = "DER" if number % 2 == 0 else "PEM"
        openssl("x509", "-in", certificate.file, "-outform", form, "-out", path / f"{number}.crt")
    (path / "README").write_text("The roots of this machine.\n")
    (path / "more").mkdir()
    return path


def pkcs7(form):
    def make(path, _, certificates):
        listed = [part for c in certificates for part in ("-certfile", c.file)]
        openssl("crl2pkcs7", "-nocrl", *listed, "-outform", form, "-out", path)
        return path
    return make


def pkcs12(*options):
    def make(path, password, certificates):
        together = bundle(path.with_suffix(".together"), *certificates)
        openssl("pkcs12", "-export", "-nokeys", *options, "-in", together, "-passout",
                f"pass:{password}", "-out", path)
        together.unlink()
        return path
    return make


def java(kind):
    def make(path, password, certificates):
        for certificate in certificates:
            add_root(kind, path, password, certificate)
        return path
    return make


def add_root(kind, store, password, certificate):
    keytool(kind, store, password, "-importcert", "-noprompt", "-alias", certificate.file.stem,
            "-file", certificate.file)


def nss(path, _, certificates, trust="C,,"):
    path.mkdir()
    certutil = tool("certutil", "libnss3-tools")
    run(certutil, "-N", "--empty-password", "-d", f"sql:{path}")
    for number, certificate in enumerate(certificates):
        run(certutil, "-A", "-d", f"sql:{path}", "-n", f"root{number}", "-t", trust, "-i",
            certificate.file)
    return path


def listing(*options):
    """What keytool prints of a JKS."""
    def make(path, password, certificates):
        store = scene().store("JKS", *certificates, password=password)
        path.write_bytes(keytool("JKS", store, password, "-list", *options))
        return path
    return make


# Those with the certificates themselves in them.
JAVA = {"JKS": "JKS", "JCEKS": "JCEKS", "PKCS #12 by keytool": "PKCS12", "BKS": "BKS",
        "BKS-V1": "BKS-V1"}
STORES = {
    "PEM": pem, "folder": folder, "PKCS #7 PEM": pkcs7("PEM"), "PKCS #7 DER": pkcs7("DER"),
    "PKCS #12": pkcs12(), "PKCS #12 legacy": pkcs12("-legacy"),
    "PKCS #12 without MAC": pkcs12("-nomac", "-certpbe", "NONE"), "NSS": nss,
    "keytool -list -rfc": listing("-rfc"), **{name: java(kind) for name, kind in JAVA.items()}}
LISTS = {"keytool -list": listing(), "keytool -list -v": listing("-v")}
WITH_PASSWORD = ("PKCS #12", "PKCS #12 legacy", "PKCS #12 by keytool", "JKS", "JCEKS", "BKS")


class Scene:
    """Certificates, and stores of them: Java takes its time, so that each is made once."""

    def __init__(self, folder_):
        self.folder = folder_
        self.authority = Authority(folder_ / "certificates", digest="sha256")
        self.root, self.intermediate = self.authority.root, self.authority.intermediate
        self.other = self.authority.issue(
            "other-root", "/C=DE/O=Other/CN=Other Root CA", "rsa2048-other", None, CA_USE,
            years=(2007, 2027))
        self.leaf = self.authority.server("leaf")
        self.chain = bundle(folder_ / "chain.pem", self.leaf, self.intermediate)
        self.whole = bundle(folder_ / "whole.pem", self.leaf, self.intermediate, self.root)
        self._stores = {}

    def store(self, name, *certificates, password=PASSWORD):
        """Not to be changed by a test."""
        key = (name, password, *(certificate.file for certificate in certificates))
        if key not in self._stores:
            path = self.folder / f"store-{len(self._stores)}"
            self._stores[key] = path
            kind = JAVA.get(name)
            if kind and len(certificates) > 1:  # the last one into a copy of the rest
                shutil.copy(self.store(name, *certificates[:-1], password=password), path)
                add_root(kind, path, password, certificates[-1])
            else:
                (STORES | LISTS)[name](path, password, certificates)
        return self._stores[key]


@functools.lru_cache(maxsize=None)
def scene():
    temporary = tempfile.TemporaryDirectory(prefix="handset-stores-")
    unittest.addModuleCleanup(temporary.cleanup)
    return Scene(pathlib.Path(temporary.name).resolve())


class StoresTest(ProgramTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.scene = scene()
        cls.authority, cls.root, cls.other = cls.scene.authority, cls.scene.root, cls.scene.other
        cls.leaf, cls.chain, cls.whole = cls.scene.leaf, cls.scene.chain, cls.scene.whole

    def path(self, name):
        """A place of its own for a file of a test."""
        path = self.folder / self.id().rpartition(".")[2] / re.sub(r"\W+", "-", name)
        path.parent.mkdir(exist_ok=True)
        self.assertFalse(path.exists(), path)
        return path

    def arguments(self, *options, chain=None, device=STRICT, host=HOST):
        return ("check", chain or self.chain, "--host", host, "--at", AT, "--device", device,
                "--quiet", *options)

    def verdict(self, *options, **keywords):
        [verdict] = self.verdicts(*self.arguments(*options, **keywords)).values()
        return verdict

    def expect_trusted(self, *options, **keywords):
        verdict = self.verdict(*options, **keywords)
        self.expect(verdict, "connects", "certificate")
        return verdict

    def expect_missing(self, *options, **keywords):
        verdict = self.verdict(*options, **keywords)
        self.expect(verdict, "fails", "certificate", ("sent", UNKNOWN_CA), "chain-anchor-missing")
        return verdict

    def effect_of(self, verdict, rule):
        return [reason["effect"] for reason in verdict["reasons"] if reason["rule"] == rule]


class FormatsTest(StoresTest):
    def test_every_store_with_and_without_the_root(self):
        for name in STORES:
            with self.subTest(name):
                both = self.scene.store(name, self.other, self.root)
                self.expect_trusted("--roots", both)
                other = self.scene.store(name, self.other)
                # The root is not sent, and there is nobody to ask for it.
                self.expect(self.verdict("--roots", other), "fails", "certificate",
                            ("sent", UNKNOWN_CA), "chain-intermediate-missing")
                self.expect_missing("--roots", other, chain=self.whole)
                self.expect_trusted("--roots", other, "--roots", both)

    def test_one_certificate_in_der(self):
        der = self.path("root.der")
        openssl("x509", "-in", self.root.file, "-outform", "DER", "-out", der)
        self.expect_trusted("--roots", der)
        self.expect_trusted("--install-root", der)

    def test_places_of_an_nss_database(self):
        database = nss(self.path("nss"), "", [self.root])
        before = {file: file.read_bytes() for file in database.iterdir()}
        for place in (database, f"sql:{database}", database / "cert9.db"):
            with self.subTest(place):
                self.expect_trusted("--roots", place)
        self.assertEqual(before, {file: file.read_bytes() for file in database.iterdir()})
        shown = self.handset("check", self.chain, "--host", HOST, "--at", AT, "--device", STRICT,
                             "--roots", database)
        self.assertEqual(0, shown.status, shown)
        self.assertRegex(shown.err,
                         r"\Ahandset: note: [^\n]*1 trusted for servers, 0 not[^\n]*\n\Z")

    def test_nss_trust(self):
        """Only what NSS trusts to issue for servers is a root."""
        for name, trust in (("none", ",,"), ("mail", ",C,"), ("distrusted", "p,,")):
            with self.subTest(trust):
                place = nss(self.path(name), "", [self.root], trust)
                self.expect_trouble(self.handset(*self.arguments("--roots", place)), place,
                                    "none of 1 certificates is trusted")
        place = nss(self.path("one of two"), "", [self.other])
        run(tool("certutil", "libnss3-tools"), "-A", "-d", f"sql:{place}", "-n", "ours", "-t",
            ",,", "-i", self.root.file)
        self.expect_missing("--roots", place, chain=self.whole)

    def test_chain_of_a_key_is_no_root(self):
        """Java trusts the first certificate of a key's chain, and none of the rest for it."""
        elsewhere = self.authority.server("elsewhere", host="www.contoso.com", key="rsa4096")
        above = bundle(self.path("above"), self.authority.intermediate, self.root)
        personal = self.path("server.p12")
        openssl("pkcs12", "-export", "-inkey", elsewhere.key, "-in", elsewhere.file, "-certfile",
                above, "-name", "server", "-passout", f"pass:{PASSWORD}", "-out", personal)
        for kind in ("JKS", "PKCS12", "BKS"):
            with self.subTest(kind):
                store = self.path(kind)
                name = "PKCS #12 by keytool" if kind == "PKCS12" else kind
                shutil.copy(self.scene.store(name, self.other), store)
                keytool(kind, store, PASSWORD, "-importkeystore", "-noprompt", "-srckeystore",
                        personal, "-srcstorepass", PASSWORD)
                self.expect_missing("--roots", store, chain=self.whole)
                self.expect_trusted("--roots", store, chain=elsewhere.file, host="www.contoso.com")

    def test_folder(self):
        place = folder(self.path("roots"), "", [self.root, self.other])
        shown = self.handset("check", self.chain, "--host", HOST, "--at", AT, "--device", STRICT,
                             "--roots", place)
        self.assertEqual(0, shown.status, shown)
        self.assertRegex(shown.err, r"\Ahandset: note: [^\n]*1 file without certificates[^\n]*\n\Z")
        # What lies deeper does not count.
        for file in place.glob("*.crt"):
            shutil.move(file, place / "more" / file.name)
        self.expect_trouble(self.handset(*self.arguments("--roots", place)), place, "subfolders")


class ListsTest(StoresTest):
    """Fingerprints and no certificates: the root's key must come from elsewhere."""

    def test_listed_root(self):
        for name in LISTS:
            with self.subTest(name):
                ours = self.scene.store(name, self.other, self.root)
                other = self.scene.store(name, self.other)
                known = ("--known-roots", self.root.file)
                self.expect_trusted("--roots", ours, chain=self.whole)
                self.expect_trusted("--roots", ours, *known)
                self.expect_missing("--roots", other, chain=self.whole)
                # A key that is known is no trust.
                self.expect_missing("--roots", other, *known, chain=self.whole)
                self.expect(self.verdict("--roots", other, *known), "fails", "certificate",
                            ("sent", UNKNOWN_CA), "chain-intermediate-missing")
                # A certificate beside the list.
                self.expect_trusted("--roots", other, "--roots", self.root.file)

    def test_key_of_a_listed_root_is_not_at_hand(self):
        """It is in the list by its name; that nobody has looked at its signature is said."""
        ours = self.scene.store("keytool -list -v", self.root)
        verdict = self.expect_trusted("--roots", ours, "--known-roots", "none")
        self.assertEqual(["noted"], self.effect_of(verdict, "certificate-signature-unchecked"))
        verdict = self.expect_trusted("--roots", ours, "--known-roots", self.root.file)
        self.assertEqual([], self.effect_of(verdict, "certificate-signature-unchecked"))
        # One of fingerprints alone names nobody.
        brief = self.scene.store("keytool -list", self.root)
        self.expect(self.verdict("--roots", brief, "--known-roots", "none"), "fails",
                    "certificate", ("sent", UNKNOWN_CA), "chain-intermediate-missing")

    def test_known_roots_in_every_store(self):
        ours = self.scene.store("keytool -list", self.root)
        for name in STORES:
            with self.subTest(name):
                known = self.scene.store(name, self.other, self.root)
                self.expect_trusted("--roots", ours, "--known-roots", known)

    def test_lists_where_certificates_are_needed(self):
        ours = self.scene.store("keytool -list -v", self.root)
        for option in ("--known-roots", "--aia"):
            with self.subTest(option):
                self.expect_trouble(self.handset(*self.arguments(option, ours)), ours,
                                    "list of fingerprints", "certificates are needed")
        self.expect_trouble(self.handset(*self.arguments("--install-root", ours)), ours)


class PasswordTest(StoresTest):
    def test_password(self):
        for name in WITH_PASSWORD:
            with self.subTest(name):
                store = self.scene.store(name, self.root, password="geheim7")
                self.expect_trusted("--roots", store, "--store-password", "geheim7")
                self.expect_trouble(self.handset(*self.arguments("--roots", store)), store,
                                    "give --store-password")
                self.expect_trouble(
                    self.handset(*self.arguments("--roots", store, "--store-password", "guess")),
                    store, "the password is wrong")

    def test_password_beyond_ascii(self):
        store = pkcs12()(self.path("p12"), "gehe\u00edm", [self.root])
        self.expect_trusted("--roots", store, "--store-password", "gehe\u00edm")
        self.expect_trouble(
            self.handset(*self.arguments("--roots", store, "--store-password", "geheim")), store)

    def test_password_for_one_of_several(self):
        """The others open with none or 'changeit', as they do without the option."""
        secret = self.scene.store("JKS", self.root, password="geheim7")
        usual = self.scene.store("BKS", self.other)
        self.expect_trusted("--roots", usual, "--roots", secret, "--roots", self.other.file,
                            "--store-password", "geheim7")

    def test_damage(self):
        """A store that was cut or changed: one line, never a crash."""
        for name in WITH_PASSWORD + ("NSS",):
            store = self.scene.store(name, self.root)
            file = store / "cert9.db" if store.is_dir() else store
            octets = file.read_bytes()
            cut = self.path(f"{name} cut")
            cut.write_bytes(octets[:len(octets) // 2])
            changed = bytearray(octets)
            changed[len(octets) // 2] ^= 0x40
            for damaged in (cut, self.path(f"{name} changed")):
                with self.subTest(damaged.name):
                    if damaged != cut:
                        damaged.write_bytes(changed)
                    outcome = self.handset(*self.arguments("--roots", damaged))
                    if outcome.status == 2:
                        self.expect_trouble(outcome, damaged)
                    else:  # NSS: the octet may be one that nobody reads
                        self.assertEqual(("NSS", 0), (name, outcome.status), outcome)


class AiaTest(StoresTest):
    FETCHES = """\
        certificate: {source: test, signature_algorithms: [sha256WithRSAEncryption]}
        path: {source: test, aia: fetched}
        responses:
          refused: {source: test, alert: standard}
        otherwise: {action: refuse, response: refused, source: test}
        """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.fetches = write_profile(cls.folder, "fetches", cls.FETCHES)
        cls.pointing = cls.authority.issue(
            "pointing", f"/C=US/O=Contoso/CN={HOST}", "rsa2048-leaf", cls.authority.intermediate,
            (f"subjectAltName=DNS:{HOST}",
             "authorityInfoAccess=caIssuers;URI:http://pki.contoso.com/ca.cer"))

    def test_intermediate_in_every_store(self):
        for name in STORES:
            if name in ("JCEKS", "PKCS #12 by keytool", "BKS-V1"):
                continue  # no different from JKS and BKS, and a second's worth of Java each
            with self.subTest(name):
                # Whatever it is trusted for: it need not be.
                store = self.scene.store(name, self.other, self.authority.intermediate)
                common = ("--roots", self.root.file, "--aia", store)
                verdict = self.expect_trusted(*common, chain=self.pointing.file,
                                              device=self.fetches)
                self.assertEqual(["noted"], self.effect_of(verdict, "chain-aia-used"))
                # One who does not fetch is not helped.
                self.expect(self.verdict(*common, chain=self.pointing.file), "fails",
                            "certificate", ("sent", UNKNOWN_CA), "chain-intermediate-missing")

    def test_nss_certificate_that_nobody_trusts(self):
        store = nss(self.path("nss"), "", [self.authority.intermediate], ",,")
        self.expect_trusted("--roots", self.root.file, "--aia", store, chain=self.pointing.file,
                            device=self.fetches)

    def test_nothing_to_fetch(self):
        for aia in ((), ("--aia", self.other.file)):
            with self.subTest(aia):
                self.expect(self.verdict("--roots", self.root.file, *aia, device=self.fetches,
                                         chain=self.pointing.file),
                            "fails", "certificate", ("sent", UNKNOWN_CA),
                            "chain-intermediate-missing")

    def test_what_was_fetched_is_not_trusted(self):
        verdict = self.verdict("--roots", self.other.file, "--aia", self.root.file, "--aia",
                               self.authority.intermediate.file, device=self.fetches,
                               chain=self.pointing.file)
        self.assertEqual("fails", verdict["outcome"], verdict)
        self.assertIn(verdict["alert"]["code"], (UNKNOWN_CA,))


class InstallRootTest(StoresTest):
    TRUST = """\
        certificate: {{source: test, signature_algorithms: [sha256WithRSAEncryption]}}
        trust: {{source: test, {trust}}}
        responses:
          refused: {{source: test, alert: standard}}
        otherwise: {{action: refuse, response: refused, source: test}}
        """

    def device(self, name, trust):
        return write_profile(self.folder, name, self.TRUST.format(trust=trust))

    def expect_useless(self, verdict, rule):
        """Why the root does not help, in place of there being none."""
        self.expect(verdict, "fails", "certificate", ("sent", UNKNOWN_CA), rule)
        self.assertEqual([], self.effect_of(verdict, "chain-intermediate-missing"))

    def files(self):
        """The root in each format that a device may install from."""
        der = self.path("root.der")
        openssl("x509", "-in", self.root.file, "-outform", "DER", "-out", der)
        return {"der": der, "pem": self.root.file,
                "pkcs7": pkcs7("DER")(self.path("root.p7b"), "", [self.root]),
                "pkcs12": pkcs12()(self.path("root.p12"), "geheim7", [self.root])}

    def test_formats(self):
        files = self.files()
        word = ("--store-password", "geheim7")
        for installs in files:
            device = self.device(f"installs-{installs}",
                                 f"users_install_roots: true, root_formats: [{installs}]")
            for form, file in files.items():
                with self.subTest(installs=installs, form=form):
                    verdict = self.verdict("--install-root", file, *word, device=device)
                    if form == installs:
                        self.expect(verdict, "connects", "certificate")
                    else:
                        self.expect_useless(verdict, "chain-root-format")
        run_ = self.handset(*self.arguments("--install-root", files["pkcs12"]))
        self.expect_trouble(run_, files["pkcs12"], "give --store-password")

    def test_use(self):
        root = ("--install-root", self.root.file)
        unused = self.device("unused", "users_install_roots: true, user_roots: unused")
        self.expect_useless(self.verdict(*root, device=unused), "chain-root-unused")
        cannot = self.device("cannot", "users_install_roots: false")
        self.expect_useless(self.verdict(*root, device=cannot), "chain-root-unused")
        setting = self.device("setting", "users_install_roots: true, user_roots: after-setting")
        verdict = self.verdict(*root, device=setting)
        self.expect(verdict, "connects", "certificate")
        self.assertEqual(["noted"], self.effect_of(verdict, "chain-root-setting"))
        used = self.device("used", "users_install_roots: true, user_roots: used")
        verdict = self.verdict(*root, device=used)
        self.expect(verdict, "connects", "certificate")
        self.assertEqual([], self.effect_of(verdict, "chain-root-setting"))

    def test_stores_are_no_files_to_install(self):
        for name in ("JKS", "BKS", "folder", "NSS"):
            with self.subTest(name):
                store = self.scene.store(name, self.root)
                self.expect_trouble(self.handset(*self.arguments("--install-root", store)), store)


if __name__ == "__main__":
    unittest.main()
