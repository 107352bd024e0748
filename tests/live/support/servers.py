"""Servers that the tests start and stop: real ones, and sockets that misbehave.

They listen on loopback (but see GnutlsServer) on ports that the kernel chose. Each real one runs in
a session of its own and ends with its process group. Its output is read as it comes, so that tests
wait for a line of it, never for a while.
"""
import grp
import os
import pathlib
import pwd
import re
import signal
import socket
import subprocess
import threading
import time

from support.certificates import tool
from support.program import HOST

DEADLINE = 20  # seconds a server has for anything that a test waits for
# Everything that the installed OpenSSL still has.
ALL_CIPHERS = "ALL:@SECLEVEL=0"


class Process:
    """A child with its own process group, whose output can be waited for."""

    def __init__(self, arguments):
        self.arguments = [str(argument) for argument in arguments]
        self._child = subprocess.Popen(
            self.arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True,
            env={**os.environ, "OPENSSL_CONF": "/dev/null", "LC_ALL": "C"})
        self._output = bytearray()
        self._closed = False
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        while True:
            some = os.read(self._child.stdout.fileno(), 65536)
            with self._changed:
                self._output += some
                self._closed = not some
                self._changed.notify_all()
            if not some:
                return

    def output(self):
        with self._changed:
            return self._output.decode("utf-8", "replace")

    def wait_for(self, pattern, count=1, deadline=DEADLINE):
        """Waits until the output has `count` matches of the regular expression; the last one."""
        expression = re.compile(pattern, re.MULTILINE)

        def found():
            return list(expression.finditer(self._output.decode("utf-8", "replace")))

        with self._changed:
            self._changed.wait_for(lambda: len(found()) >= count or self._closed, deadline)
            matches = found()
        if len(matches) < count:
            state = "ended" if self._closed else f"silent for {deadline} s"
            raise AssertionError(f"{self.arguments[0]} {state}; waited for {count} of "
                                 f"{pattern!r}:\n{self.output()}")
        return matches[-1]

    def wait_for_port(self, port, deadline=DEADLINE):
        """Waits until the port accepts; False when the process ended before."""
        until = time.monotonic() + deadline
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return True
            with self._changed:
                if self._changed.wait_for(lambda: self._closed, 0.02):
                    return False
        raise AssertionError(f"{self.arguments[0]} does not listen on {port}:\n{self.output()}")

    def stop(self):
        """Ends the process group, gently first, and waits until all output is in."""
        for how, patience in ((signal.SIGTERM, 5), (signal.SIGKILL, 5)):
            try:
                os.killpg(self._child.pid, how)
            except ProcessLookupError:
                pass
            try:
                self._child.wait(patience)
                self._reader.join(patience)
            except subprocess.TimeoutExpired:
                continue
            if not self._reader.is_alive():
                break
        self._child.stdin.close()
        if not self._reader.is_alive():
            self._child.stdout.close()


def free_ports(count):
    """Ports that were free a moment ago. Someone may be faster: see start_on_ports."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def start_on_ports(count, start):
    """start(ports) -> Process, tried anew with other ports while one of them is taken."""
    for _ in range(5):
        ports = free_ports(count)
        process = start(ports)
        try:
            if all(process.wait_for_port(port) for port in ports):
                return process, ports
        except BaseException:
            process.stop()
            raise
        process.stop()
        if not re.search(r"in use", process.output(), re.IGNORECASE):
            break
    raise AssertionError(f"{process.arguments} ended:\n{process.output()}")


class OpensslServer(Process):
    """openssl s_server. It serves one connection after the other and shows each message (-msg)."""

    def __init__(self, certificate, *options, chain=None, address="127.0.0.1"):
        super().__init__([
            tool("openssl", "openssl"), "s_server", "-accept", f"{address}:0", "-msg",
            "-cert", certificate.file, "-key", certificate.key,
            *(["-cert_chain", chain] if chain else []), "-cipher", ALL_CIPHERS, *options])
        self.port = int(self.wait_for(r"^ACCEPT \S+:(\d+)$")[1])
        self.target = f"{address}:{self.port}"

    def finished_suites(self):
        """OpenSSL's names of the suites of the handshakes that it finished so far."""
        return re.findall(r"^CIPHER is (\S+)", self.output(), re.MULTILINE)


class GnutlsServer:
    """gnutls-serv, the only one here that still has RC4 and triple DES. It knows no option for an
    address: this one listens on every interface."""

    def __init__(self, chain, key, priority):
        self.process, (self.port,) = start_on_ports(1, lambda ports: Process([
            tool("gnutls-serv", "gnutls-bin"), "--port", ports[0], "--http", "--x509certfile",
            chain, "--x509keyfile", key, "--priority", priority]))
        self.target = f"127.0.0.1:{self.port}"

    def stop(self):
        self.process.stop()


def start_nginx(folder, servers):
    """`servers`: (name, chain, key) of each server block, the default one first."""
    folder.mkdir()

    def start(ports):
        blocks = "".join(
            f"server {{ listen 127.0.0.1:{ports[0]} ssl{' default_server' if not i else ''}; "
            f"server_name {name}; ssl_certificate {chain}; ssl_certificate_key {key};\n"
            "  return 204; }\n" for i, (name, chain, key) in enumerate(servers))
        temporary = "".join(f"{kind}_temp_path {folder}/{kind};\n"
                            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (folder / "nginx.conf").write_text(
            f"daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log stderr info;\n"
            "events { worker_connections 64; }\n"
            f"http {{\naccess_log off;\n{temporary}ssl_protocols TLSv1 TLSv1.1 TLSv1.2;\n"
            f"ssl_ciphers {ALL_CIPHERS};\n{blocks}}}\n")
        return Process([tool("nginx", "nginx-light"), "-p", folder, "-e", "stderr", "-c",
                        folder / "nginx.conf"])

    return start_on_ports(1, start)


def start_dovecot(folder, chain, key):
    """Ports in the order imap, imaps, pop3. No account can log in."""
    folder.mkdir(mode=0o755)
    tool("dovecot", "dovecot-imapd")
    for protocol in ("imap", "pop3"):
        if not pathlib.Path(f"/usr/lib/dovecot/{protocol}").exists():
            raise AssertionError(f"dovecot lacks {protocol}: apt-get install dovecot-{protocol}d")
    if os.geteuid() == 0:
        users = ""
    else:  # one account does everything, and nobody may chroot
        me = pwd.getpwuid(os.geteuid()).pw_name
        mine = grp.getgrgid(os.getegid()).gr_name
        users = (f"default_login_user = {me}\ndefault_internal_user = {me}\n"
                 f"default_internal_group = {mine}\n") + "".join(
            f"service {name} {{\n  chroot =\n}}\n"
            for name in ("anvil", "imap-login", "pop3-login", "stats"))

    def start(ports):
        (folder / "dovecot.conf").write_text(
            f"base_dir = {folder}/run\nstate_dir = {folder}/state\nlog_path = /dev/stderr\n"
            f"listen = 127.0.0.1\nprotocols = imap pop3\nssl = yes\nssl_cert = <{chain}\n"
            f"ssl_key = <{key}\nssl_min_protocol = TLSv1\nssl_cipher_list = {ALL_CIPHERS}\n"
            "passdb {\n  driver = static\n  args = nologin=y\n}\n"
            f"userdb {{\n  driver = static\n  args = uid=65534 gid=65534 home={folder}\n}}\n{users}"
            "service imap-login {\n"
            f"  inet_listener imap {{\n    port = {ports[0]}\n  }}\n"
            f"  inet_listener imaps {{\n    port = {ports[1]}\n    ssl = yes\n  }}\n}}\n"
            "service pop3-login {\n"
            f"  inet_listener pop3 {{\n    port = {ports[2]}\n  }}\n"
            "  inet_listener pop3s {\n    port = 0\n  }\n}\n")
        return Process([tool("dovecot", "dovecot-imapd"), "-F", "-c", folder / "dovecot.conf"])

    return start_on_ports(3, start)


class Postfix(Process):
    """Its master process leaves the process group, so that it is stopped by its own command."""

    def __init__(self, config):
        self._command = [tool("postfix", "postfix"), "-c", config]
        super().__init__([*self._command, "start-fg"])

    def stop(self):
        subprocess.run([*self._command, "stop"], stdin=subprocess.DEVNULL, capture_output=True,
                       timeout=DEADLINE, check=False)
        super().stop()


def start_postfix(folder, chain, key):
    """A Postfix of its own that takes no mail: one port with STARTTLS, one without."""
    if os.geteuid() != 0:
        raise AssertionError("Postfix starts only for root: run this test as root")
    tool("postfix", "postfix")
    for name in ("config", "queue", "data"):
        (folder / name).mkdir(parents=True)
    folder.chmod(0o755)
    user = pwd.getpwnam("postfix")
    os.chown(folder / "data", user.pw_uid, user.pw_gid)

    def start(ports):
        (folder / "config/main.cf").write_text(
            f"compatibility_level = 3.6\nqueue_directory = {folder}/queue\n"
            f"data_directory = {folder}/data\nmaillog_file = /dev/stdout\n"
            f"myhostname = {HOST}\n"
            "mydestination =\nlocal_transport = error:no mail here\nlocal_recipient_maps =\n"
            "alias_maps =\nalias_database =\nsmtpd_recipient_restrictions = reject\n"
            "inet_interfaces = 127.0.0.1\ninet_protocols = ipv4\n"
            "smtpd_peername_lookup = no\n"
            "smtpd_client_connection_count_limit = 0\nsmtpd_client_connection_rate_limit = 0\n"
            "smtpd_client_new_tls_session_rate_limit = 0\n"
            f"smtpd_tls_chain_files = {key}, {chain}\nsmtpd_tls_loglevel = 1\n"
            "smtpd_tls_protocols = >=TLSv1\nsmtpd_tls_ciphers = low\n"
            f"tls_low_cipherlist = {ALL_CIPHERS}\n")
        (folder / "config/master.cf").write_text(
            f"{ports[0]} inet n - n - - smtpd -o smtpd_tls_security_level=may\n"
            f"{ports[1]} inet n - n - - smtpd -o smtpd_tls_security_level=none\n"
            "tlsmgr unix - - n 1000? 1 tlsmgr\npostlog unix-dgram n - n - 1 postlogd\n"
            "rewrite unix - - n - - trivial-rewrite\nanvil unix - - n - 1 anvil\n"
            "cleanup unix n - n - 0 cleanup\n")
        return Postfix(folder / "config")

    return start_on_ports(2, start)


class Misbehaving:
    """A listening socket whose every connection is handed to behave(connection, stopped)."""

    def __init__(self, behave):
        self._behave = behave
        self.stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.target = f"127.0.0.1:{self.port}"
        self._threads = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection):
        with connection:
            connection.settimeout(DEADLINE)
            try:
                self._behave(connection, self.stopped)
            except OSError:
                pass  # the program has had enough

    def stop(self):
        if self.stopped.is_set():
            return
        self.stopped.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in (self._accepting, *self._threads):
            thread.join(DEADLINE)
