"""Writes the profiles of the real clients anew, out of kept observations.

make_profiles.py [--observations DIR] [CLIENT...]

Each is what `handset learn` makes of the client's log, with a head of its own.
"""
import argparse
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import clients as real  # noqa: E402
import observe  # noqa: E402

# id: (name, vendor, kind, released, notes)
HEADS = {
    "openssl": ("OpenSSL 3.0, openssl s_client", "OpenSSL", "library", "2021-09",
                ["With -verify_return_error and -verify_hostname; security level 2, as Debian has it."]),
    "gnutls": ("GnuTLS 3.7, gnutls-cli", "GnuTLS", "library", "2020-12", []),
    "nss": ("NSS 3.87, tstclnt", "Mozilla", "library", "2023-01",
            ["With -O, so that it verifies before its Finished; TLS 1.2 and 1.3, NSS's default."]),
    "java": ("OpenJDK 17, SunJSSE", "OpenJDK", "library", "2021-09",
             ["With the endpoint identification of HTTPS."]),
    "go": ("Go 1.19, crypto/tls", "Go", "library", "2022-08", []),
    "mbedtls": ("mbed TLS 2.28", "Mbed TLS", "library", "2021-12", []),
    "bearssl": ("BearSSL 0.6, x509_minimal", "BearSSL", "library", "2018-08",
                ["It sends no alert when it refuses a certificate: it just closes."]),
    "wolfssl": ("wolfSSL 5.5", "wolfSSL", "library", "2022-08",
                ["After a ServerHello without any extension it derives other keys than the server "
             "(seen on 2026-11-21); one that answers ec_point_formats mends it."]),
    "botan": ("Botan 2.19", "Botan", "library", "2022-01",
              ["Revocation information is not required of the server, against the default policy."]),
    "erlang": ("Erlang/OTP 25, ssl", "Ericsson", "library", "2022-05", []),
    "curl": ("curl 7.88 with OpenSSL 3.0", "curl", "library", "2023-02",
             ["It compares names after the handshake, and sends no alert about them."]),
    "wget": ("GNU Wget 1.21 with GnuTLS 3.7", "GNU", "library", "2022-02",
             ["It verifies certificates after the handshake, and sends no alert about them."]),
    "chromium": ("Chromium 156, its own verifier", "Chromium", "browser", "2026",
                 ["It draws the order of its extensions by lot, and GREASE values: those here are of "
                  "one connection."]),
}


def profile_of(client, folder):
    """The text of one client's profile; None without observations."""
    run = observe.kept(folder, client)
    if run is None:
        return None
    name, vendor, kind, released, notes = HEADS[client.id]
    version = run["version"]
    text = observe.run_handset(
        "learn", "--log", folder / f"{client.id}.jsonl", "--quiet", "--name", name, "--vendor",
        vendor, "--family", "Libraries of today", "--released", released, "--where",
        f"tests/fidelity/run, Debian 12, {version}, {run['date']}")
    lines = text.splitlines()
    place = next(i for i, line in enumerate(lines) if line.startswith("kind: "))
    lines[place] = f"kind: {kind}"
    place = next(i for i, line in enumerate(lines) if line.startswith("status: "))
    head = ["by_default: false  # no legacy device, but one that can be asked: see tests/fidelity"]
    if notes:
        head += ["notes:", *(f'  - "{note}"' for note in notes)]
    lines[place + 1:place + 1] = head
    # Behind the first line, by which editors find the schema.
    lines[1:1] = [
        "# Learned by `handset learn` from what the client did with the lab's cases; those named",
        "# behind a statement show it. Made by tests/fidelity/make_profiles.py."]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("clients", nargs="*", help="ids (default: all)")
    parser.add_argument("--observations", type=pathlib.Path,
                        default=observe.ROOT / "build/fidelity/observations")
    arguments = parser.parse_args()
    for client in real.clients(arguments.clients or None):
        text = profile_of(client, arguments.observations)
        if text is None:
            print(f"{client.id}: nothing was observed", file=sys.stderr)
            continue
        observe.write_whole(observe.ROOT / "profiles" / f"{client.profile}.yaml", text)
        print(f"profiles/{client.profile}.yaml")


if __name__ == "__main__":
    main()
