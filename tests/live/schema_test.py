"""The schemas for editors: that they are the program's own, and what they take and refuse."""
import functools
import json
import re
import unittest

import jsonschema
import yaml

from support.program import HOME, ProgramTest

PROFILES = HOME / "profiles"
FILES = {"profile": sorted(PROFILES.glob("*.yaml")),
         "store": sorted((PROFILES / "stores").glob("*.yaml"))}
FIRST_LINES = {"profile": "# yaml-language-server: $schema=profile.schema.json",
               "store": "# yaml-language-server: $schema=../store.schema.json"}


class CoreLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """Reads plain words as YAML 1.2's core schema does, hence as editors do: a date is text."""

    yaml_implicit_resolvers = {}


for tag, pattern, first in (
        ("null", r"null|Null|NULL|~|", "nN~"), ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
        ("int", r"[-+]?[0-9]+|0x[0-9a-fA-F]+", "-+0123456789"),
        ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789")):
    CoreLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"),
                                     list(first) + ([""] if tag == "null" else []))
CoreLoader.add_constructor("tag:yaml.org,2002:int", lambda loader, node: int(
    node.value, 16 if node.value.startswith("0x") else 10))


def with_text_keys(value):
    """JSON's objects have no other keys."""
    if isinstance(value, dict):
        return {str(key): with_text_keys(inner) for key, inner in value.items()}
    return [with_text_keys(inner) for inner in value] if isinstance(value, list) else value


def document(text):
    return with_text_keys(yaml.load(text, CoreLoader))


@functools.lru_cache(maxsize=None)
def validator(kind):
    schema = json.loads((PROFILES / f"{kind}.schema.json").read_text("utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    return jsonschema.Draft7Validator(schema)


class SchemaTest(ProgramTest):
    def test_committed_ones_are_the_programs(self):
        for kind in FILES:
            with self.subTest(kind):
                file = PROFILES / f"{kind}.schema.json"
                run = self.handset("lint", "--schema", kind)
                self.assertEqual((0, ""), (run.status, run.err), run)
                self.assertEqual(
                    run.out.splitlines(), file.read_text("utf-8").splitlines(),
                    f"the format has changed: handset lint --schema {kind} > {file}")

    def test_every_key_is_explained(self):
        for kind in FILES:
            for section, told in validator(kind).schema["definitions"].items():
                if section in ("extension", "range"):
                    continue
                for key, about in told.get("properties", {}).items():
                    self.assertTrue(about.get("description"), f"{section}.{key}")

    def test_shipped_files_are_valid(self):
        for kind, files in FILES.items():
            self.assertGreater(len(files), 50)
            for file in files:
                text = file.read_text("utf-8")
                with self.subTest(file.name):
                    self.assertEqual(FIRST_LINES[kind], text.partition("\n")[0],
                                     "the first line names the schema")
                    error = jsonschema.exceptions.best_match(
                        validator(kind).iter_errors(document(text)))
                    self.assertIsNone(error, error and f"{error.json_path}: {error.message[:300]}")

    def test_wrong_use(self):
        self.expect_trouble(self.handset("lint", "--schema", "device"), "device", "profile")
        self.expect_trouble(self.handset("lint", "--schema", "store", "x.yaml"), "--schema")


class FaultTest(ProgramTest):
    """What the schema refuses, lint refuses as well, and the other way round."""

    def judged(self, kind, text):
        folder = self.folder / "stores" if kind == "store" else self.folder
        folder.mkdir(exist_ok=True)
        file = folder / "changed.yaml"
        file.write_text(text, "utf-8")
        run = self.handset("lint", "--quiet", file)
        return run.status == 0, validator(kind).is_valid(document(text)), run

    def changed(self, file, kind, old, new):
        text = file.read_text("utf-8")
        self.assertIn(old, text)
        return self.judged(kind, text.replace(old, new, 1))

    def test_profile(self):
        file = PROFILES / "nokia-m4e-symbian-9.2.yaml"
        for old, new in (
                ("  max_oid_arcs: 15\n", "  max_oid_arc: 15\n"),
                ("  max_oid_arcs: 15\n", "  max_oid_arcs: many\n"),
                ("  max_oid_arcs: 15\n", "  max_oid_arcs: -1\n"),
                ("  max_oid_arcs: 15\n", "  max_oid_arcs: {is: 15}\n"),
                ("kind: mail-client\n", "kind: fax\n"), ("kind: mail-client\n", ""),
                ("kind: mail-client\n", "kind: [mail-client]\n"),
                ("format: 1\n", "format: 2\n"),
                ("TLS_RSA_WITH_AES_256_CBC_SHA\n", "TLS_RSA_WITH_AES_257_CBC_SHA\n"),
                ("client_version: TLS 1.0\n", "client_version: TLS 1\n"),
                ("  record_version: TLS 1.0\n", ""),
                ("  framing: tls\n", "  framing: tls\n  challenge_length: 16\n"),
                ("  framing: tls\n", "  framing: tls\n  session_id_length: 33\n"),
                ("  framing: tls\n", "  framing: sslv2\n"),
                ("  framing: tls\n", "  framing: tls\n  extensions: [server-name]\n"),
                ("  framing: tls\n", "  framing: tls\n  extensions: [supported_groups]\n"),
                ("  framing: tls\n", "  framing: tls\n  extensions: [padding: [1]]\n"),
                ("san: {is: any, source: digicert}", "san: {is: some, source: digicert}"),
                ("san: {is: any, source: digicert}", "san: {is: any, source: [digicert]}"),
                ("  extension-san-critical:", "  extension-san-criticle:"),
                ("alert: illegal_parameter", "alert: illegal_paramter"),
                ("action: refuse", "action: reject"), ("action: refuse", "action: accept")):
            with self.subTest(new.strip() or f"without {old.strip()}"):
                loads, valid, run = self.changed(file, "profile", old, new)
                self.assertEqual((False, False), (loads, valid), run)
        for old, new in (
                ("kind: mail-client\n", "kind: browser\n"),
                ("  framing: tls\n", "  framing: tls\n  extensions: []\n"),
                ("  framing: tls\n", "  framing: tls\n  extensions:\n"
                 "    - 0x3374\n    - 0x3375: \"00\"\n    - supported_groups: [secp256r1, 0x0a0a]\n"
                 "    - ec_point_formats: \"0100\"\n"),
                ("TLS_RSA_WITH_AES_256_CBC_SHA\n", "0xfafa\n"),
                ("released: ", "by_default: false\nreleased: ")):
            with self.subTest(new.strip()):
                loads, valid, run = self.changed(file, "profile", old, new)
                self.assertEqual((True, True), (loads, valid), run)

    def test_store(self):
        file = PROFILES / "stores/android-1.0.yaml"
        sha256 = re.search("sha256: ([0-9a-f]{64})", file.read_text("utf-8"))[1]
        for old, new in ((sha256, sha256[:-1]), (sha256, "[]"), ("members:", "member:"),
                         ("contents: complete", "contents: all"), ("date: 2008-", "date: 208-"),
                         ("subject:", "Subject:"), ("format: 1\n", "")):
            with self.subTest(new):
                loads, valid, run = self.changed(file, "store", old, new)
                self.assertEqual((False, False), (loads, valid), run)


if __name__ == "__main__":
    unittest.main()
