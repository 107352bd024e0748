"""Profiles that a test makes up: it states what it is about, the rest is supplied here."""
import textwrap

SUITES = ("TLS_RSA_WITH_AES_128_CBC_SHA",)


def hello(version="TLS 1.2", suites=SUITES, record_version="TLS 1.0", more=""):
    """The keys of a ClientHello. `more`: further ones, a line each."""
    lines = ["source: test", "framing: tls", f"record_version: {record_version}",
             f"client_version: {version}", f"cipher_suites: [{', '.join(suites)}]",
             "compression_methods: [null]", *more.splitlines()]
    return "\n".join(lines) + "\n"


def write_profile(folder, name, sections, client_hello=None):
    """Writes folder/name.yaml and says where it is. `sections` is YAML; its source is `test`."""
    path = folder / f"{name}.yaml"
    path.write_text(
        f"format: 1\nname: {name}\nvendor: Example\nfamily: Example\nkind: library\n"
        "released: 2008\nstatus: draft\nsources:\n  test:\n    grade: documented\n"
        '    what: "Made up for a test."\n    where: "https://example.test/"\n'
        "    retrieved: 2026-11-21\nclient_hello:\n"
        + textwrap.indent(client_hello or hello(), "  ") + textwrap.dedent(sections), "utf-8")
    return path
