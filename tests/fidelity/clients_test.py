"""The clients of clients.py against openssl s_server and servers that misbehave.

clients_test.py [-v] [GoTest…]. A client whose packages are missing is skipped, with the reason.
"""
import concurrent.futures
import datetime
import pathlib
import re
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "live")]

import clients as fidelity  # noqa: E402
from support.certificates import CA_USE, SERVER_USE, Authority  # noqa: E402
from support.servers import Misbehaving, OpensslServer  # noqa: E402

NAME = "mail.example.test"
ADDRESS = "192.0.2.1"  # RFC 5737; every client connects to 127.0.0.1
YEAR = datetime.datetime.now(datetime.timezone.utc).year
# These have no notion of addresses: they compare them with names and put them into server_name.
KNOW_NO_ADDRESSES = {"mbedtls", "bearssl"}
# RFC 6066 section 3 keeps addresses out of server_name.
SEND_ADDRESSES = KNOW_NO_ADDRESSES | {"botan"}


class TodaysAuthority(Authority):
    """Like its base, but valid now."""

    def __init__(self, folder, name, root_key):
        self.folder, self.digest = folder, "sha256"
        self.folder.mkdir()
        self.root = self.issue("root", f"/O=Example/CN={name} Root", root_key, None, CA_USE,
                               years=(YEAR - 1, YEAR + 2))
        self.intermediate = self.issue("intermediate", f"/O=Example/CN={name} Issuing CA",
                                       "rsa2048-intermediate", self.root, CA_USE,
                                       years=(YEAR - 1, YEAR + 2))

    def leaf(self, name, san=f"DNS:{NAME}", years=(YEAR, YEAR + 1)):
        return self.issue(name, f"/O=Example/CN={NAME}", "rsa2048-leaf", self.intermediate,
                          (*SERVER_USE, f"subjectAltName={san}"), years=years)


class Scene:
    """What all tests share: certificates, servers, and the folder that drivers are built in."""

    def __init__(self):
        self._temporary = tempfile.TemporaryDirectory(prefix="handset-fidelity-test-")
        self.folder = pathlib.Path(self._temporary.name).resolve()
        self.build_folder = self.folder / "build"
        self._servers = []
        self.hellos = []  # what GarbageServer received, the newest last
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self):
        authority = TodaysAuthority(self.folder / "ours", "Our", "rsa2048-root")
        stranger = TodaysAuthority(self.folder / "strange", "Strange", "rsa2048-other")
        self.roots, self.strange_roots = authority.root.file, stranger.root.file
        self.broken_roots = self.folder / "broken.pem"
        self.broken_roots.write_text(
            "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n")
        self.right = self._serve(authority, authority.leaf("right"))
        self.expired = self._serve(
            authority, authority.leaf("expired", years=(YEAR - 2, YEAR - 1)))
        self.address = self._serve(authority, authority.leaf("address", san=f"IP:{ADDRESS}"))
        self.garbage = self._misbehave(self._send_garbage)
        self.closing = self._misbehave(lambda connection, stopped: None)
        self.silent = self._misbehave(lambda connection, stopped: stopped.wait(60))

    def _serve(self, authority, leaf):
        server = OpensslServer(leaf, "-tls1_2", "-www", chain=authority.intermediate.file)
        self._servers.append(server)
        return server

    def _misbehave(self, behave):
        server = Misbehaving(behave)
        self._servers.append(server)
        return server

    def _send_garbage(self, connection, _):
        self.hellos.append(connection.recv(65536))
        connection.sendall(b"\xff\x00 this is no TLS \x7f\r\n" * 50)

    def stop(self):
        for server in self._servers:
            server.stop()
        self._temporary.cleanup()


scene = None


def setUpModule():
    global scene
    scene = Scene()
    unittest.addModuleCleanup(scene.stop)
    unittest.addModuleCleanup(expect_no_process_left)


def marked_processes():
    """Command lines of the processes, however far removed, that clients.py has started."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if fidelity.MARK.encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            pass  # it has ended meanwhile, or is another user's
    return found


def expect_no_process_left():
    left = marked_processes()
    if left:
        raise AssertionError(f"still running: {left}")


class ClientTests:
    """What every client has to do; a class below for each."""

    kind = None

    @classmethod
    def setUpClass(cls):
        client = cls.kind()
        reason = client.available()
        if reason:
            raise unittest.SkipTest(reason)
        cls.client = cls.enterClassContext(client)
        cls.client.build(scene.build_folder)

    def connect(self, server, name=NAME, roots=None):
        return self.client.connect(server.port, name, roots or scene.roots)

    def expect_refused(self, outcome, text=r"\w"):
        self.assertIs(False, outcome.accepted, outcome)
        self.assertRegex(outcome.error, text)
        self.assertNotRegex(outcome.error, r"[\x00-\x1f]")

    def test_version(self):
        version = self.client.version()
        expected = self.client.profile.removeprefix(f"{self.client.id}-")
        if self.client.id == "chromium":  # Debian replaces it by every new one
            self.assertRegex(version, r"\A\d+\.")
        else:
            self.assertRegex(version, rf"\A{re.escape(expected)}\b")

    def test_accepts_correct_chain(self):
        self.assertEqual(fidelity.ACCEPTED, self.connect(scene.right))

    def test_refuses_wrong_name(self):
        self.expect_refused(self.connect(scene.right, "other.example.test"))

    def test_refuses_untrusted_root(self):
        self.expect_refused(self.connect(scene.right, roots=scene.strange_roots))

    def test_refuses_expired_leaf(self):
        self.expect_refused(self.connect(scene.expired))

    def test_refuses_garbage_and_sends_name(self):
        scene.hellos.clear()
        self.expect_refused(self.connect(scene.garbage))
        self.assertTrue(scene.hellos)
        for hello in scene.hellos:  # some try again
            self.assertEqual(b"\x16\x03", hello[:2])
            self.assertIn(NAME.encode(), hello)

    def test_refuses_close(self):
        self.expect_refused(self.connect(scene.closing))
        self.assertEqual(fidelity.ACCEPTED, self.connect(scene.right), "after that")

    def test_address(self):
        knows = self.client.id not in KNOW_NO_ADDRESSES
        self.assertIs(knows, self.connect(scene.address, ADDRESS).accepted)
        self.expect_refused(self.connect(scene.address, "192.0.2.2"))
        self.expect_refused(self.connect(scene.right, ADDRESS))
        scene.hellos.clear()
        self.expect_refused(self.connect(scene.garbage, ADDRESS))
        sends = self.client.id in SEND_ADDRESSES
        self.assertEqual({sends}, {ADDRESS.encode() in hello for hello in scene.hellos})

    def test_roots_that_cannot_be_loaded(self):
        for roots in (scene.broken_roots, scene.folder / "missing.pem"):
            outcome = self.connect(scene.right, roots=roots)
            prefix = "roots: " if isinstance(self.client, fidelity.Driver) else ""
            self.expect_refused(outcome, prefix + r".*\w")

    def test_roots_are_those_of_the_case(self):
        """Neither what was trusted before nor a session of before counts."""
        for roots, accepted in ((scene.roots, True), (scene.strange_roots, False)) * 2:
            self.assertIs(accepted, self.connect(scene.right, roots=roots).accepted)

    def test_name_that_would_be_two_cases(self):
        with self.assertRaises(ValueError):
            self.connect(scene.right, "a\tb\n1")


for one_kind in fidelity.ALL:
    class_name = f"{one_kind.id.capitalize()}Test"
    globals()[class_name] = type(class_name, (ClientTests, unittest.TestCase),
                                 {"kind": one_kind, "__module__": __name__})


class AllTest(unittest.TestCase):
    def test_choice(self):
        self.assertEqual(13, len({client.id for client in fidelity.clients()}))
        self.assertEqual(["go", "nss"], [c.id for c in fidelity.clients(["go", "nss"])])
        with self.assertRaisesRegex(ValueError, "no such client: lynx"):
            fidelity.clients(["go", "lynx"])

    def test_silent_server(self):
        """All at once, as each takes its time to lose patience. No one may stay behind then."""
        present = [client for client in fidelity.clients() if not client.available()]
        self.assertTrue(present, "no client is installed")

        def connect(client):
            with client:
                client.build(scene.build_folder)
                outcome = client.connect(scene.silent.port, NAME, scene.roots)
                again = client.connect(scene.right.port, NAME, scene.roots)
                alive = isinstance(client, (fidelity.Driver, fidelity.Chromium))
                return outcome, again, not alive or bool(marked_processes())

        with concurrent.futures.ThreadPoolExecutor(len(present)) as pool:
            results = list(pool.map(connect, present))
        for client, (outcome, again, was_seen) in zip(present, results):
            with self.subTest(client.id):
                self.assertIn(outcome.accepted, (False, None))
                self.assertRegex(outcome.error, r"\w")
                self.assertEqual(fidelity.ACCEPTED, again)
                self.assertTrue(was_seen, "marked_processes() sees nothing")

    def test_driver_that_dies(self):
        """A crash is no answer, and the next case is served again."""
        driver = fidelity.clients(["mbedtls"])[0]
        if driver.available():
            self.skipTest(driver.available())
        with driver:
            driver.build(scene.build_folder)
            driver.run_command = lambda *_: ["/bin/sh", "-c", "echo oops >&2; exit 7"]
            outcome = driver.connect(scene.right.port, NAME, scene.roots)
            self.assertIsNone(outcome.accepted)
            self.assertRegex(outcome.error, "crashed: .*status 7 oops")
            del driver.run_command
            self.assertEqual(fidelity.ACCEPTED,
                             driver.connect(scene.right.port, NAME, scene.roots))

    def test_driver_that_dies_after_its_answer(self):
        driver = fidelity.clients(["mbedtls"])[0]
        if driver.available():
            self.skipTest(driver.available())
        with driver:
            driver.build(scene.build_folder)
            driver.run_command = lambda *_: ["/bin/sh", "-c", "read line; echo accepted"]
            for _ in range(2):
                self.assertEqual(fidelity.ACCEPTED, driver.connect(1, NAME, scene.roots))
                driver._child.wait(fidelity.DEADLINE)

    def test_nothing_is_built_twice(self):
        driver = fidelity.clients(["bearssl"])[0]
        if driver.available():
            self.skipTest(driver.available())
        with driver:
            driver.build(scene.build_folder)
            before = driver.product().stat().st_mtime_ns
            driver.build(scene.build_folder)
            self.assertEqual(before, driver.product().stat().st_mtime_ns)


if __name__ == "__main__":
    unittest.main()
