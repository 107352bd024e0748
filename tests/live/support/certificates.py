"""Certificates as the tests need them, made by openssl with the keys of cases/keys."""
import os
import pathlib
import shutil
import subprocess

from support.program import HOME, HOST

KEYS = HOME / "cases/keys"
SERVER_USE = ("keyUsage=critical,digitalSignature,keyEncipherment", "extendedKeyUsage=serverAuth")
CA_USE = ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign")


def tool(name, package):
    """Path of a program. One that is missing fails the test: nothing is skipped."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/bin:/bin")
    if not found:
        raise AssertionError(f"{name} is missing: apt-get install {package}")
    return found


def openssl(*arguments, check=True):
    """Runs openssl with no configuration but what the arguments name."""
    done = subprocess.run(
        [tool("openssl", "openssl"), *map(str, arguments)], stdin=subprocess.DEVNULL,
        capture_output=True, env={**os.environ, "OPENSSL_CONF": "/dev/null"}, timeout=60)
    if check and done.returncode != 0:
        raise AssertionError(f"openssl {arguments}: {done.stderr.decode(errors='replace')}")
    return done


class Certificate:
    def __init__(self, file, key):
        self.file, self.key = pathlib.Path(file), pathlib.Path(key)


class Authority:
    """Issues into a folder. Validity is 2007-08-15 to 2009-08-15 for what ends a path."""

    def __init__(self, folder, digest="sha1"):
        self.folder, self.digest = pathlib.Path(folder), digest
        self.folder.mkdir(parents=True, exist_ok=True)
        self.root = self.issue("root", "/DC=local/DC=contoso/CN=Contoso Root CA",
                               "rsa2048-root", None, CA_USE, years=(2007, 2027))
        self.installed = self.folder / "root.cer"  # DER, which every device installs
        openssl("x509", "-in", self.root.file, "-outform", "DER", "-out", self.installed)
        self.intermediate = self.issue(
            "intermediate", "/DC=local/DC=contoso/CN=Contoso Issuing CA", "rsa2048-intermediate",
            self.root, CA_USE, years=(2007, 2027))

    def server(self, name, host=HOST, key="rsa2048-leaf", issuer=None, san_critical=False):
        """A server's certificate for `host`, by default below the intermediate."""
        san = f"subjectAltName={'critical,' if san_critical else ''}DNS:{host}"
        return self.issue(name, f"/C=US/O=Contoso/CN={host}", key, issuer or self.intermediate,
                          (*SERVER_USE, san))

    def issue(self, name, subject, key, issuer, extensions, years=None):
        """openssl's ca command, for it alone takes dates. `issuer` None makes it self-signed."""
        made = Certificate(self.folder / f"{name}.pem", KEYS / f"{key}.pem")
        work = self.folder / f"{name}.ca"
        work.mkdir()
        (work / "index.txt").touch()
        (work / "ca.cnf").write_text(
            "[ca]\ndefault_ca = this\n[this]\n"
            f"database = {work}/index.txt\nnew_certs_dir = {work}\nrand_serial = yes\n"
            f"default_md = {self.digest}\npolicy = any\nunique_subject = no\n"
            "[any]\ncommonName = supplied\ncountryName = optional\norganizationName = optional\n"
            "domainComponent = optional\n[req]\ndistinguished_name = none\n[none]\n"
            "[made]\nsubjectKeyIdentifier = hash\n"
            + ("authorityKeyIdentifier = keyid\n" if issuer else "")
            + "".join(line.replace("=", " = ", 1) + "\n" for line in extensions))
        request = work / "request.pem"
        openssl("req", "-new", "-config", work / "ca.cnf", "-key", made.key, "-subj", subject,
                "-out", request)
        signer = (["-cert", issuer.file, "-keyfile", issuer.key] if issuer
                  else ["-selfsign", "-keyfile", made.key])
        if years:
            dates = f"{years[0]}0101000000Z", f"{years[1]}0101000000Z"
        else:
            dates = "20070815000000Z", "20090815000000Z"
        openssl("ca", "-batch", "-notext", "-preserveDN", "-config", work / "ca.cnf",
                "-extensions", "made", "-in", request, "-out", made.file,
                "-startdate", dates[0], "-enddate", dates[1], *signer)
        return made


def bundle(file, *certificates):
    """The certificates one after the other in one PEM file."""
    file.write_text("".join(certificate.file.read_text() for certificate in certificates))
    return file
