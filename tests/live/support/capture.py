"""What went over the loopback interface: recorded by tcpdump, read back by tshark."""
import json
import os
import re
import socket
import subprocess
import threading

from support.certificates import tool
from support.servers import DEADLINE, Process


class Capture(Process):
    """Records a port until stop(). The file is whole up to the last wait_until_seen()."""

    def __init__(self, file, port):
        self.file, self.port = file, port
        # tcpdump gives up root before it opens a file, so the shell opens it.
        super().__init__(["sh", "-c", 'file=$1; shift; exec "$@" >"$file"', "sh", file,
                          tool("tcpdump", "tcpdump"), "-i", "lo", "-n", "-U", "--immediate-mode",
                          # Slots of 64 KiB in 32 MiB: the default is eight slots.
                          "-s", "65535", "-B", "32768", "-w", "-", f"tcp port {port}"])
        try:
            self.wait_for(r"listening on lo")
        except AssertionError as error:
            self.stop()
            raise AssertionError(f"tcpdump cannot record (root may, others need cap_net_raw): "
                                 f"{error}") from None

    def wait_until_seen(self):
        """Sends a mark of our own and waits for it: all that went before is then in the file."""
        mark = b"end of this capture " + os.urandom(8).hex().encode()
        with socket.create_connection(("127.0.0.1", self.port), DEADLINE) as connection:
            connection.sendall(mark)
            pause = threading.Event()
            for _ in range(DEADLINE * 50):
                if mark in self.file.read_bytes():
                    return
                pause.wait(0.02)
        raise AssertionError(f"tcpdump wrote nothing for {DEADLINE} s:\n{self.output()}")

    def stop(self):
        super().stop()
        lost = re.search(r"(\d+) packets? dropped by kernel", self.output())
        if lost and lost[1] != "0":
            raise AssertionError(f"tcpdump lost packets:\n{self.output()}")

    def client_hellos(self, *fields):
        """tshark's fields of each ClientHello, in the order of the connections: a dict each, every
        value a list. `tcp.payload` is always among them."""
        names = ["tcp.payload", *fields]
        options = [part for name in names for part in ("-e", name)]
        done = subprocess.run(
            [tool("tshark", "tshark"), "-n", "-r", self.file, "-d", f"tcp.port=={self.port},tls",
             "-Y", f"tls.handshake.type==1 && tcp.dstport=={self.port}", "-T", "json", *options],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
            env={**os.environ, "LC_ALL": "C.UTF-8", "TZ": "UTC"})
        if done.returncode != 0:
            raise AssertionError(f"tshark: {done.stderr.decode(errors='replace')}")
        packets = json.loads(done.stdout or b"[]")
        return [packet["_source"]["layers"] for packet in packets]
