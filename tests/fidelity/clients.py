"""Real TLS clients, stacks as Debian 12 ships them, behind one call: connect(port, name, roots).

A client connects to 127.0.0.1, asks for `name`, trusts exactly the PEM certificates of a file, and
says whether it accepted the server: handshake complete, chain and name verified. Every one is set
up as its own manual would have it for HTTPS; nothing is loosened. This file knows neither the
servers nor what they are expected to do.

    with clients(["go"])[0] as client:
        client.build(folder)
        outcome = client.connect(4433, "mail.example.test", "roots.pem")

Some are programs that make one connection each; the others are drivers (drivers/<id>/) around a
library, which read a case a line and are started anew when a server has killed or stalled them;
Chromium is a browser that stays open. All of it ends when the `with` block does.
"""
import ctypes
import dataclasses
import fcntl
import hashlib
import ipaddress
import json
import os
import pathlib
import re
import select
import selectors
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import uuid

DEADLINE = 10  # seconds a client has for one connection; drivers give up after five by themselves
BUILD_DEADLINE = 300
START_DEADLINE = 30  # of a browser
KEPT_OUTPUT_BYTES = 256 * 1024
ERROR_CHARACTERS = 600
REQUEST = b"GET / HTTP/1.0\r\n\r\n"
DRIVERS = pathlib.Path(__file__).resolve().parent / "drivers"
ROOT = DRIVERS.parents[2]
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"

# In the environment of every process that is started here, so that one left behind can be found.
MARK = f"HANDSET_FIDELITY={uuid.uuid4().hex}"


@dataclasses.dataclass(frozen=True)
class Outcome:
    accepted: bool | None  # None: hung or crashed, so that it never said
    error: str  # in the client's own words, one line; empty when accepted


ACCEPTED = Outcome(True, "")


def one_line(text):
    """Printable, on one line and of bounded length, whatever a server sent."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= ERROR_CHARACTERS else line[:ERROR_CHARACTERS] + "..."


def refused(*texts):
    """The first text that says anything."""
    return Outcome(False, next(filter(None, map(one_line, texts)), "no word of explanation"))


def is_ip_address(name):
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def find_program(name):
    return shutil.which(name, path=PATH)


def certificates_of(roots):
    """The PEM blocks of a file, one by one."""
    text = pathlib.Path(roots).read_text("latin-1")
    return re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", text, re.DOTALL)


def end_group(pid):
    """Kills the process group of a child that was started in a session of its own."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


@dataclasses.dataclass(frozen=True)
class Finished:
    status: int | None  # None: killed after the deadline
    out: str
    err: str


def run(arguments, environment, request=b"", deadline=DEADLINE):
    """Runs a program to its end, at most until the deadline. Keeps the beginning of its output."""
    child = subprocess.Popen(
        [os.fspath(argument) for argument in arguments], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, env=environment)
    until = time.monotonic() + deadline
    kept = {child.stdout: bytearray(), child.stderr: bytearray()}
    status = None
    try:
        try:
            child.stdin.write(request)
            child.stdin.close()
        except BrokenPipeError:
            pass
        with selectors.DefaultSelector() as selector:
            for stream in kept:
                selector.register(stream, selectors.EVENT_READ)
            while selector.get_map() and (left := until - time.monotonic()) > 0:
                for key, _ in selector.select(left):
                    some = os.read(key.fd, 65536)
                    if not some:
                        selector.unregister(key.fileobj)
                    buffer = kept[key.fileobj]
                    buffer += some[:KEPT_OUTPUT_BYTES - len(buffer)]
        try:
            status = child.wait(max(0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            pass
    finally:
        end_group(child.pid)
        child.wait()
        child.stdout.close()
        child.stderr.close()
    return Finished(status, *(buffer.decode("utf-8", "replace") for buffer in kept.values()))


class Client:
    """A stack. `needs` says which file or program comes from which Debian package."""

    id = ""
    profile = ""  # handset's profile of this stack
    library = ""  # id of the client whose TLS library this one uses; empty: its own
    needs = {}

    def __init__(self):
        self._temporary = None

    def __enter__(self):
        self._temporary = tempfile.TemporaryDirectory(prefix=f"handset-fidelity-{self.id}-")
        return self

    def __exit__(self, *_):
        self.close()
        self._temporary.cleanup()
        self._temporary = None

    @property
    def packages(self):
        return sorted(set(self.needs.values()))

    @property
    def folder(self):
        """What this client may write to: its home, empty at first."""
        return pathlib.Path(self._temporary.name)

    def environment(self):
        """Nothing of the caller's: no configuration, proxies, or roots of his."""
        name, value = MARK.split("=")
        return {"PATH": PATH, "HOME": str(self.folder), "TMPDIR": str(self.folder),
                "LC_ALL": "C.UTF-8", name: value}

    def available(self):
        """None, or why this client cannot run here."""
        for file, package in self.needs.items():
            if not (os.path.exists(file) if file.startswith("/") else find_program(file)):
                return f"{file} is missing: apt-get install {package}"
        return None

    def version(self):
        """As the program or library itself tells."""
        raise NotImplementedError

    def build(self, folder):
        """Compiles what has to be compiled into `folder`, unless it is there and up to date."""

    def connect(self, port, name, roots):
        """`roots`: path of a PEM file, `name`: host name or IP address."""
        if not name.isascii() or not name.isprintable() or " " in name:
            raise ValueError(f"not a name to connect to: {name!r}")
        return self._connect(port, name, pathlib.Path(roots))

    def _connect(self, port, name, roots):
        raise NotImplementedError

    def close(self):
        """Ends what is still running."""

    def _first_line(self, *arguments):
        """Of a program's output, for version()."""
        done = run(arguments, self.environment())
        lines = (done.out + done.err).splitlines()
        if done.status != 0 or not lines:
            raise RuntimeError(f"{arguments[0]} does not tell its version: {done}")
        return lines[0]


# ---------------------------------------------------------------- one process for each connection


class Program(Client):
    """A program that makes one connection and ends."""

    program = ""

    def _run(self, arguments, request=b""):
        return run([find_program(self.program), *map(str, arguments)], self.environment(), request)

    def _judge(self, done, accepted, *error):
        if done.status is None:
            # What it said before it was stopped still counts: some wait for the server to close.
            return ACCEPTED if accepted else Outcome(None, f"hung for {DEADLINE} s")
        if done.status < 0:
            return Outcome(None, one_line(f"killed by signal {-done.status}: {done.err}"))
        return ACCEPTED if accepted else refused(*error, f"exit status {done.status}")


class Openssl(Program):
    """s_client goes on after a failed verification unless told to stop."""

    id, profile, program = "openssl", "openssl-3.0", "openssl"
    needs = {"openssl": "openssl"}

    def version(self):
        return self._first_line("openssl", "version").split()[1]

    def _connect(self, port, name, roots):
        expected = (["-verify_ip", name, "-noservername"] if is_ip_address(name)
                    else ["-verify_hostname", name, "-servername", name])
        done = self._run(["s_client", "-brief", "-connect", f"127.0.0.1:{port}", "-CAfile", roots,
                          "-no-CApath", "-no-CAstore", "-verify_return_error", *expected], REQUEST)
        # Standard output is what the server wrote.
        accepted = (re.search(r"^CONNECTION ESTABLISHED$", done.err, re.MULTILINE)
                    and re.search(r"^Verification: OK$", done.err, re.MULTILINE))
        errors = [line for line in done.err.splitlines() if "error" in line]
        return self._judge(done, accepted, "; ".join(errors), done.err)


class Gnutls(Program):
    id, profile, program = "gnutls", "gnutls-3.7", "gnutls-cli"
    needs = {"gnutls-cli": "gnutls-bin"}

    def version(self):
        return self._first_line("gnutls-cli", "--version").split()[-1]

    def _connect(self, port, name, roots):
        sni = ["--disable-sni"] if is_ip_address(name) else ["--sni-hostname", name]
        done = self._run(["--port", port, "--x509cafile", roots, "--verify-hostname", name, *sni,
                          "127.0.0.1"], REQUEST)
        accepted = re.search(r"^- Handshake was completed$", done.out, re.MULTILINE)
        errors = [line for line in (done.out + done.err).splitlines()
                  if re.match(r"\*\*\*|- Status: The certificate is NOT|Error|Could not", line)]
        return self._judge(done, accepted, "; ".join(errors), done.err)


class NssDatabases:
    """Certificate databases with the roots of a file in them, made once for each set."""

    def __init__(self, folder, environment):
        self._folder, self._environment = folder, environment

    def find(self, roots):
        """The folder of the database, or the Outcome of roots that NSS does not take."""
        try:
            certificates = certificates_of(roots)
        except OSError as error:
            return refused(f"roots: {error}")
        if not certificates:
            return refused("roots: no certificate in them")
        key = hashlib.sha256("".join(certificates).encode()).hexdigest()[:16]
        home = self._folder / key
        database = home / ".pki/nssdb"  # where Chromium looks
        if not database.exists():
            made = self._make(database, certificates)
            if made.status != 0:
                shutil.rmtree(home, ignore_errors=True)
                return refused(f"roots: {made.err} {made.out}")
        return home

    def _make(self, database, certificates):
        database.mkdir(parents=True)
        common = [find_program("certutil"), "-d", f"sql:{database}"]
        done = run([*common, "-N", "--empty-password"], self._environment)
        for number, pem in enumerate(certificates):
            if done.status == 0:
                done = run([*common, "-A", "-a", "-n", f"root-{number}", "-t", "C,,"],
                           self._environment, pem.encode() + b"\n")
        return done


class Nss(Program):
    id, profile, program = "nss", "nss-3.87", "tstclnt"
    needs = {"tstclnt": "libnss3-tools", "certutil": "libnss3-tools",
             "/usr/lib/x86_64-linux-gnu/libnss3.so": "libnss3"}

    def version(self):
        tell = ctypes.CDLL("libnss3.so").NSS_GetVersion
        tell.restype = ctypes.c_char_p
        return tell().decode().split()[0]

    def _connect(self, port, name, roots):
        home = NssDatabases(self.folder, self.environment()).find(roots)
        if isinstance(home, Outcome):
            return home
        # -a is the name for server_name and for verification alike; NSS keeps addresses out of
        # server_name by itself. -V and -O are the defaults of the library, which the program
        # changes: its versions, and verification before the client goes on.
        done = self._run(["-h", "127.0.0.1", "-p", port, "-a", name, "-d",
                          f"sql:{home}/.pki/nssdb", "-V", "tls1.2:tls1.3", "-O", "-Q"])
        errors = re.findall(r"tstclnt: (.*(?:\n(?!tstclnt).+)*)", done.err)
        return self._judge(done, done.status == 0, "; ".join(errors), done.err)


class Curl(Program):
    id, profile, program = "curl", "curl-7.88", "curl"
    library = "openssl"
    needs = {"curl": "curl"}

    def version(self):
        return self._first_line("curl", "--version").split()[1]

    def _connect(self, port, name, roots):
        # Debian's roots in /etc/ssl/certs would be trusted beside those of --cacert.
        no_folder = self.folder / "no-roots"
        no_folder.mkdir(exist_ok=True)
        shown = f"[{name}]" if ":" in name else name
        done = self._run(["-q", "--silent", "--show-error", "--connect-timeout", 5, "--max-time",
                          8, "--noproxy", "*", "--output", "/dev/null", "--cacert", roots,
                          "--capath", no_folder, "--connect-to", f"::127.0.0.1:{port}",
                          "--write-out", "%{time_appconnect}", f"https://{shown}:{port}/"])
        # The time until TLS was done, verification included; 0 when it never was.
        return self._judge(done, re.fullmatch(r"(?!0\.0+$)\d+\.\d+", done.out), done.err)


class ConnectProxy:
    """A proxy for one CONNECT, whatever name it asks for: wget can be led to a port of 127.0.0.1 in
    no other way. The octets of TLS pass as they are."""

    def __init__(self, port):
        self._target = port
        self._until = time.monotonic() + DEADLINE
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._wake, self._stop = os.pipe()
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self._stop)
        self._thread.join()
        os.close(self._wake)
        self._listener.close()

    def _ready(self, *sockets):
        """Those that can be read; none at the deadline or when the proxy is stopped."""
        left = max(0, self._until - time.monotonic())
        ready, _, _ = select.select([self._wake, *sockets], [], [], left)
        return [] if self._wake in ready else ready

    def _serve(self):
        try:
            if not self._ready(self._listener):
                return
            client, _ = self._listener.accept()
            with client:
                client.settimeout(DEADLINE)
                request = b""
                while b"\r\n\r\n" not in request:
                    some = client.recv(4096) if self._ready(client) else b""
                    if not some or len(request) > 8192:
                        return
                    request += some
                with socket.create_connection(("127.0.0.1", self._target), DEADLINE) as server:
                    client.sendall(b"HTTP/1.0 200 Connection established\r\n\r\n")
                    self._pass_on({client: server, server: client})
        except OSError:
            pass  # either end has had enough; the client says what it made of that

    def _pass_on(self, peers):
        reading = list(peers)
        while reading and (ready := self._ready(*reading)):
            for one in ready:
                some = one.recv(65536)
                if some:
                    peers[one].sendall(some)
                else:
                    reading.remove(one)
                    peers[one].shutdown(socket.SHUT_WR)


class Wget(Program):
    """It verifies only after the handshake, so that a server never sees an alert of it."""

    id, profile, program = "wget", "wget-1.21", "wget"
    library = "gnutls"
    needs = {"wget": "wget"}

    def version(self):
        return self._first_line("wget", "--version").split()[2]

    def _connect(self, port, name, roots):
        # Without a folder of its own, GnuTLS' list of roots would be trusted, too.
        no_folder = self.folder / "no-roots"
        no_folder.mkdir(exist_ok=True)
        shown = f"[{name}]" if ":" in name else name
        with ConnectProxy(port) as proxy:
            done = self._run(["--no-config", "--no-hsts", "--tries=1", "--timeout=5",
                              "--max-redirect=0", "--output-document=/dev/null",
                              f"--ca-certificate={roots}", f"--ca-directory={no_folder}",
                              "-e", "use_proxy=yes", "-e",
                              f"https_proxy=http://127.0.0.1:{proxy.port}/",
                              f"https://{shown}:{port}/"])
        # Said right after the certificate was checked.
        accepted = re.search(r"^(Proxy|HTTP) request sent, awaiting response", done.err,
                             re.MULTILINE)
        errors = [line for line in done.err.splitlines()
                  if not re.match(r"--|Connecting to|Loaded CA|\s*$|To connect to", line)]
        return self._judge(done, accepted, "; ".join(errors), done.err)


# ---------------------------------------------------------------- drivers that stay


class Driver(Client):
    """A program of drivers/<id>: a case is a line, and so is the answer."""

    def __init__(self):
        super().__init__()
        self._build_folder = None
        self._child = None
        self._errors = None
        self._last_errors = ""

    def sources(self):
        return sorted(file for file in (DRIVERS / self.id).iterdir() if file.is_file())

    def product(self):
        """Path of what build() makes, within the build folder."""
        return self._build_folder / self.id

    def compile_command(self):
        raise NotImplementedError

    def run_command(self, *options):
        return [self.product(), *options]

    def build(self, folder):
        self._build_folder = pathlib.Path(folder).resolve()
        self._build_folder.mkdir(parents=True, exist_ok=True)
        command = [str(part) for part in self.compile_command()]
        stamp = self._build_folder / f"{self.id}.stamp"
        current = hashlib.sha256(repr(command).encode())
        for source in self.sources():
            current.update(source.read_bytes())
        if (stamp.exists() and self.product().exists()
                and stamp.read_text() == current.hexdigest()):
            return
        done = run(command, self.environment(), deadline=BUILD_DEADLINE)
        if done.status != 0:
            raise RuntimeError(f"{self.id}: {' '.join(command)}\n{done.out}{done.err}")
        stamp.write_text(current.hexdigest())

    def version(self):
        return self._first_line(*self.run_command("--version"))

    def _connect(self, port, name, roots):
        if "\t" in str(roots) or "\n" in str(roots):
            raise ValueError(f"not a path for a driver: {roots}")
        if self._child and self._child.poll() is not None:
            self.close()  # it died of the case before, after its answer
        if not self._child:
            self._start()
        try:
            self._child.stdin.write(f"{port}\t{name}\t{roots.resolve()}\n".encode())
        except BrokenPipeError:
            pass  # it ends; what it said last is read below
        answer = self._read_line()
        if answer == "accepted":
            return ACCEPTED
        if answer and answer.startswith("refused\t"):
            return refused(answer.removeprefix("refused\t"))
        hung = answer is None
        self.close()
        if hung:
            return Outcome(None, f"hung for {DEADLINE} s")
        return Outcome(None, one_line(f"crashed: {answer} {self._last_errors}"))

    def _start(self):
        if not self._build_folder:
            raise RuntimeError(f"{self.id}: build() comes before connect()")
        self._errors = tempfile.TemporaryFile()
        self._child = subprocess.Popen(
            [os.fspath(part) for part in self.run_command()], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=self._errors, bufsize=0, start_new_session=True,
            env=self.environment(), cwd=self.folder)

    def _read_line(self):
        """None at the deadline; what there was when the driver has ended."""
        line = bytearray()
        until = time.monotonic() + DEADLINE
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([self._child.stdout], [], [],
                                        max(0, until - time.monotonic()))
            if not ready:
                return None
            some = os.read(self._child.stdout.fileno(), 65536)
            if not some or len(line) > KEPT_OUTPUT_BYTES:
                break
            line += some
        return line.decode("utf-8", "replace").rstrip("\n")

    def close(self):
        if not self._child:
            return
        try:
            self._child.stdin.close()  # the end of its input is its word to end
            self._child.wait(0.5)
        except (OSError, subprocess.TimeoutExpired):
            pass
        end_group(self._child.pid)
        status = self._child.wait()
        self._child.stdout.close()
        self._errors.seek(0)
        self._last_errors = (f"status {status} "
                             + self._errors.read(KEPT_OUTPUT_BYTES).decode("utf-8", "replace"))
        self._errors.close()
        self._child = None


class CompiledDriver(Driver):
    """In C or C++."""

    libraries = ()

    def sources(self):
        return [*super().sources(), DRIVERS / "lines.h"]

    def compile_command(self):
        return ["/usr/bin/gcc", "-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-I", ROOT,
                "-o", self.product(), DRIVERS / self.id / "main.c", *self.libraries]


class Mbedtls(CompiledDriver):
    id, profile = "mbedtls", "mbedtls-2.28"
    needs = {"/usr/bin/gcc": "gcc", "/usr/include/mbedtls/ssl.h": "libmbedtls-dev"}
    libraries = ("-lmbedtls", "-lmbedx509", "-lmbedcrypto")


class Bearssl(CompiledDriver):
    id, profile = "bearssl", "bearssl-0.6"
    needs = {"/usr/bin/gcc": "gcc", "/usr/include/bearssl.h": "libbearssl-dev"}
    libraries = ("-lbearssl",)

    def version(self):
        """Of the package: the library has no call that tells."""
        return self._first_line("dpkg-query", "-W", "-f", "${Version}\\n", "libbearssl-dev")


class Wolfssl(CompiledDriver):
    id, profile = "wolfssl", "wolfssl-5.5"
    needs = {"/usr/bin/gcc": "gcc", "/usr/include/wolfssl/ssl.h": "libwolfssl-dev"}
    libraries = ("-lwolfssl",)


class Botan(CompiledDriver):
    id, profile = "botan", "botan-2.19"
    needs = {"/usr/bin/g++": "g++", "/usr/include/botan-2/botan/tls_client.h": "libbotan-2-dev"}

    def compile_command(self):
        return ["/usr/bin/g++", "-std=c++20", "-O1", "-Wall", "-Wextra", "-Werror", "-I", ROOT,
                "-isystem", "/usr/include/botan-2", "-o", self.product(),
                DRIVERS / self.id / "main.cpp", "-lbotan-2"]


class Go(Driver):
    id, profile = "go", "go-1.19"
    needs = {"/usr/lib/go-1.19/bin/go": "golang-1.19-go"}

    def environment(self):
        cache = {"GOCACHE": str(self._build_folder / "go-cache")} if self._build_folder else {}
        return {**super().environment(), "GOFLAGS": "", "GOPROXY": "off", **cache}

    def compile_command(self):
        return ["/usr/lib/go-1.19/bin/go", "build", "-o", self.product(),
                DRIVERS / self.id / "main.go"]


class Java(Driver):
    id, profile = "java", "java-17"
    needs = {"/usr/lib/jvm/java-17-openjdk-amd64/bin/javac": "openjdk-17-jdk-headless"}
    _programs = pathlib.Path("/usr/lib/jvm/java-17-openjdk-amd64/bin")

    def product(self):
        return self._build_folder / "FidelityClient.class"

    def compile_command(self):
        return [self._programs / "javac", "-Xlint:all", "-Werror", "-d", self._build_folder,
                DRIVERS / self.id / "FidelityClient.java"]

    def run_command(self, *options):
        return [self._programs / "java", "-Xmx256m", "-XX:-UsePerfData", "-cp",
                self._build_folder, "FidelityClient", *options]


class Erlang(Driver):
    id, profile = "erlang", "erlang-25"
    needs = {"/usr/bin/erl": "erlang-base", "/usr/bin/erlc": "erlang-base"}
    _applications = {"ssl": "erlang-ssl", "public_key": "erlang-public-key",
                     "crypto": "erlang-crypto", "asn1": "erlang-asn1"}

    @property
    def packages(self):
        return sorted({*super().packages, *self._applications.values()})

    def available(self):
        for application, package in self._applications.items():
            if not any(pathlib.Path("/usr/lib/erlang/lib").glob(f"{application}-[0-9]*")):
                return f"Erlang's {application} is missing: apt-get install {package}"
        return super().available()

    def product(self):
        return self._build_folder / "fidelity_client.beam"

    def compile_command(self):
        return ["/usr/bin/erlc", "-Werror", "-o", self._build_folder,
                DRIVERS / self.id / "fidelity_client.erl"]

    def run_command(self, *options):
        # Without the logger's notices, which would come between the answers.
        entry = "version" if "--version" in options else "main"
        return ["/usr/bin/erl", "-noshell", "-kernel", "logger_level", "none", "-pa",
                self._build_folder, "-s", "fidelity_client", entry]


# ---------------------------------------------------------------- a browser


class BrowserError(Exception):
    """It has ended, or does not answer."""


class Browser:
    """Chromium without a window, driven by the DevTools protocol: JSON texts that end with a zero
    octet, over a pair of pipes that it finds at its descriptors 3 and 4."""

    # Nothing but what a test asks for goes out, and every name leads to this machine.
    FLAGS = ("--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--no-first-run",
             "--no-default-browser-check", "--disable-background-networking",
             "--disable-component-update", "--disable-default-apps", "--disable-sync",
             "--disable-extensions", "--disable-breakpad", "--disable-crash-reporter",
             "--disable-domain-reliability", "--disable-client-side-phishing-detection",
             "--disable-field-trial-config", "--disable-gpu", "--disable-dev-shm-usage",
             "--disable-quic", "--no-pings", "--no-proxy-server", "--metrics-recording-only",
             "--password-store=basic", "--no-service-autorun", "--dns-prefetch-disable",
             "--host-resolver-rules=MAP * 127.0.0.1",
             "--disable-features=OptimizationHints,MediaRouter,Translate,NetworkPrediction,"
             "CertificateTransparencyComponentUpdater,DialMediaRouteProvider")

    def __init__(self, program, home, environment):
        commands, self._to = os.pipe()
        self._from, answers = os.pipe()
        # Out of the way of 3 and 4, which are given away one after the other.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (commands, answers)]
        try:
            self._pid = os.posix_spawn(
                program, [program, *self.FLAGS, f"--user-data-dir={home}/profile"],
                {**environment, "HOME": str(home)}, setsid=True,
                file_actions=[(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
                              (os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0),
                              (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0),
                              (os.POSIX_SPAWN_DUP2, ends[0], 3),
                              (os.POSIX_SPAWN_DUP2, ends[1], 4)])
        finally:
            for end in (commands, answers, *ends):
                os.close(end)
        os.set_blocking(self._from, False)
        self._received = bytearray()
        self._last_id = 0

    def call(self, method, parameters=None, session=None, deadline=DEADLINE, events=None):
        """The result of a command. Events that come before it are added to `events`."""
        self._last_id += 1
        message = {"id": self._last_id, "method": method, "params": parameters or {}}
        if session:
            message["sessionId"] = session
        try:
            os.write(self._to, json.dumps(message).encode() + b"\0")
        except OSError as error:
            raise BrowserError(f"crashed: {error}") from None
        until = time.monotonic() + deadline
        while True:
            answer = json.loads(self._read_text(until))
            if answer.get("id") == self._last_id:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error'].get('message')}")
                return answer["result"]
            if events is not None and "method" in answer:
                events.append(answer)

    def _read_text(self, until):
        while (end := self._received.find(0)) < 0:
            ready, _, _ = select.select([self._from], [], [], max(0, until - time.monotonic()))
            if not ready:
                raise TimeoutError
            some = os.read(self._from, 1 << 20)
            if not some:
                raise BrowserError("crashed")
            self._received += some
        text = bytes(self._received[:end])
        del self._received[:end + 1]
        return text

    def close(self):
        try:
            self.call("Browser.close", deadline=3)
        except (BrowserError, TimeoutError):
            pass
        os.close(self._to)
        until = time.monotonic() + 3
        while time.monotonic() < until and not os.waitid(
                os.P_PID, self._pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            select.select([self._from], [], [], 0.05)
            try:
                if not os.read(self._from, 1 << 16):
                    break
            except BlockingIOError:
                pass
        os.close(self._from)
        end_group(self._pid)
        os.waitpid(self._pid, 0)


class Chromium(Client):
    """A browser for each set of roots, a context of its own for each connection: contexts share
    neither sessions nor sockets nor what was decided about a certificate."""

    id, profile = "chromium", "chromium-156"
    needs = {"/usr/lib/chromium/chromium": "chromium", "certutil": "libnss3-tools"}
    program = "/usr/lib/chromium/chromium"  # not the script, which adds flags and extensions
    MAX_BROWSERS = 2
    OF_TLS = re.compile(r"net::ERR_(CERT|SSL|BAD_SSL|ECH)_")
    # The server went away, or did not speak HTTP, but in a connection that stood.
    AFTER_TLS = re.compile(r"net::ERR_(EMPTY_RESPONSE|INVALID_HTTP_RESPONSE|HTTP_|HTTP2_|"
                           r"RESPONSE_HEADERS_|INVALID_REDIRECT|ABORTED|SOCKET_NOT_CONNECTED)")

    def __init__(self):
        super().__init__()
        self._browsers = {}  # by home, the one used last at the end

    def version(self):
        return self._first_line(self.program, "--version").split()[1]

    def _connect(self, port, name, roots):
        home = NssDatabases(self.folder, self.environment()).find(roots)
        if isinstance(home, Outcome):
            return home
        shown = f"[{name}]" if ":" in name else name
        try:
            return self._navigate(self._browser(home), f"https://{shown}:{port}/")
        except TimeoutError:
            self._end(home)
            return Outcome(None, f"hung for {DEADLINE} s")
        except BrowserError as error:
            self._end(home)
            return Outcome(None, one_line(str(error)))

    def _browser(self, home):
        browser = self._browsers.pop(home, None)
        if browser:
            self._browsers[home] = browser
            return browser
        while len(self._browsers) >= self.MAX_BROWSERS:
            self._end(next(iter(self._browsers)))
        browser = self._browsers[home] = Browser(self.program, home, self.environment())
        browser.call("Browser.getVersion", deadline=START_DEADLINE)
        return browser

    def _navigate(self, browser, url):
        context = browser.call("Target.createBrowserContext")["browserContextId"]
        target = browser.call("Target.createTarget", {
            "url": "about:blank", "browserContextId": context})["targetId"]
        session = browser.call("Target.attachToTarget", {
            "targetId": target, "flatten": True})["sessionId"]
        browser.call("Network.enable", session=session)
        events = []
        try:
            error = browser.call("Page.navigate", {"url": url}, session, events=events).get(
                "errorText", "")
        except TimeoutError:
            error = None
        # Events come by another way than results do: this call's time is theirs.
        browser.call("Target.disposeBrowserContext", {"browserContextId": context}, events=events)
        return self._judge(error, any(event["method"] == "Network.requestWillBeSentExtraInfo"
                                      for event in events))

    def _judge(self, error, has_sent_request):
        """`error` as Chromium names it: "" when the page has loaded, None when nothing came of it.
        A request goes out only when the certificate was accepted."""
        if error is None:
            return ACCEPTED if has_sent_request else Outcome(None, f"hung for {DEADLINE} s")
        if not error or self.AFTER_TLS.match(error):
            return ACCEPTED
        if has_sent_request and not self.OF_TLS.match(error):
            return ACCEPTED
        return refused(error)

    def _end(self, home):
        self._browsers.pop(home).close()

    def close(self):
        for home in list(self._browsers):
            self._end(home)


ALL = (Openssl, Gnutls, Nss, Java, Go, Mbedtls, Bearssl, Wolfssl, Botan, Erlang, Curl, Wget,
       Chromium)


def clients(ids=None):
    """Those named, in that order; all without `ids`. None is started yet: see Client.__enter__."""
    known = {kind.id: kind for kind in ALL}
    unknown = sorted(set(ids or ()) - set(known))
    if unknown:
        raise ValueError(f"no such client: {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[client_id]() for client_id in (known if ids is None else ids)]


def profiles_of_others(client):
    """Profiles of all clients but those that use the same TLS library."""
    return [kind.profile for kind in ALL
            if (kind.library or kind.id) != (client.library or client.id)]
