"""JSON output against emulator/report/schema.json, and that equal questions have equal answers."""
import base64
import copy
import json
import subprocess
import sys
import unittest

import jsonschema

from support.lab import CORRECT, Lab, s_client
from support.program import AT, HOME, HOST, ProgramTest, all_devices, schema_validator

STORY = HOME / "captures/m4e-exchange-2007"
CHECK = ("check", STORY / "critical-san.pem", "--host", HOST, "--at", AT, "--install-root",
         STORY / "root.cer")


class JsonTest(ProgramTest):
    def test_check(self):
        verdicts = self.verdicts(*CHECK)
        self.assertEqual(all_devices(), list(verdicts))
        for verdict in verdicts.values():
            self.assertIsNone(verdict["hello"], "nothing is sent")
            self.assertIsNone(verdict["negotiated"])
            for reason in verdict["reasons"]:
                if reason["certificate"] is not None:
                    self.assertTrue(reason["citation"], reason)
        document = json.loads(self.handset(*CHECK, "--format", "json").out)
        self.assertEqual((AT, HOST), (document["at"], document["host"]))

    def test_without_a_name(self):
        document = self.json_of(self.handset("check", STORY / "plain-san.pem", "--at", AT,
                                             "--format", "json"))
        self.assertIsNone(document["host"])

    def test_offsets_point_into_the_certificate(self):
        """What the report says stands at an offset does stand there."""
        text = (STORY / "critical-san.pem").read_text()
        der = base64.b64decode("".join(line for line in text.splitlines() if "-----" not in line))
        reasons = self.verdicts(*CHECK)["nokia-m4e-symbian-9.2"]["reasons"]
        located = [r for r in reasons if r["certificate"] == 0 and r["bytes"]]
        self.assertTrue(located)
        for reason in located:
            octets = bytes.fromhex(reason["bytes"])
            self.assertEqual(octets, der[reason["offset"]:][:len(octets)], reason)

    def test_devices(self):
        document = self.json_of(self.handset("devices", "--format", "json"))
        self.assertEqual(all_devices(by_default=False),
                         [device["id"] for device in document["devices"]])
        for device in document["devices"]:
            self.assertEqual(sum(device["grades"].values()), len(device["statements"]))
        one = self.json_of(self.handset("devices", "nokia-*-9.2", "--format", "json"))
        self.assertEqual(["nokia-m4e-symbian-9.2"], [device["id"] for device in one["devices"]])

    def test_rules(self):
        document = self.json_of(self.handset("rules", "--format", "json"))
        rules = {rule["id"]: rule for rule in document["rules"]}
        self.assertEqual(len(rules), len(document["rules"]))
        self.assertGreater(len(rules), 50)
        for rule in rules.values():
            self.assertLessEqual(set(rule["refused_by"]), set(all_devices(by_default=False)))
        self.assertIn("nokia-m4e-symbian-9.2", rules["extension-san-critical"]["refused_by"])
        self.assertNotIn("nokia-m4e-symbian-9.4", rules["extension-san-critical"]["refused_by"])
        one = self.json_of(self.handset("rules", "extension-san-critical", "--format", "json"))
        self.assertEqual([rules["extension-san-critical"]], one["rules"])

    def test_verdicts_name_rules_of_the_catalog(self):
        document = self.json_of(self.handset("rules", "--format", "json"))
        known = {rule["id"] for rule in document["rules"]}
        for verdict in self.verdicts(*CHECK).values():
            self.assertLessEqual({reason["rule"] for reason in verdict["reasons"]}, known)

    def test_schema_refuses_what_is_wrong(self):
        """The schema is no rubber stamp."""
        document = self.json_of(self.handset(*CHECK, "--format", "json"))
        for break_it in (
                lambda d: d.pop("at"), lambda d: d.update(extra=1), lambda d: d.update(schema=2),
                lambda d: d["verdicts"][0].update(outcome="perhaps"),
                lambda d: d["verdicts"][0].update(stage="lunch"),
                lambda d: d["verdicts"][0]["reasons"][0].update(bytes="0"),
                lambda d: d["verdicts"][0].pop("negotiated")):
            broken = copy.deepcopy(document)
            break_it(broken)
            with self.assertRaises(jsonschema.ValidationError):
                schema_validator().validate(broken)


class LabJsonTest(ProgramTest):
    CRITICAL_SAN = "extension/extension-san-critical"
    EXPIRED = "certificate/certificate-expired--dates-of-none"

    def accepted(self, document, part):
        """The whole schema takes it for the same as the part does."""
        for validator in (schema_validator(part), schema_validator()):
            validator.validate(document)
        return document

    def refused(self, document, part, *changes):
        for change in changes:
            broken = copy.deepcopy(document)
            change(broken)
            for validator in (schema_validator(part), schema_validator()):
                with self.assertRaises(jsonschema.ValidationError):
                    validator.validate(broken)

    def test_list(self):
        listed = self.accepted(
            self.json_of(self.handset("lab", "--list", "--format", "json"), "lab_cases"),
            "lab_cases")
        catalog = self.json_of(self.handset("rules", "--format", "json"), "rules")
        known = {rule["id"] for rule in catalog["rules"]}
        for case in listed["cases"]:
            self.assertLessEqual({*case["rules"], case["rule"] or "name-san-missing"}, known)
        self.refused(listed, "lab_cases", lambda d: d["cases"][0].pop("rules"),
                     lambda d: d["cases"][0].update(rule="Not a rule"),
                     lambda d: d["cases"][0].update(stands_for="x/y"),
                     lambda d: d["cases"][0].update(port=1))

    def test_lines_of_the_log(self):
        lab = Lab(self, "--only", CORRECT, "--only", self.EXPIRED, "--device",
                  "nokia-m4e-symbian-9.2", "--device", "strict")
        ports = self.accepted(json.loads(lab.ports_file.read_text()), "lab_ports")
        self.refused(ports, "lab_ports", lambda d: d.pop("address"),
                     lambda d: d["cases"][0].update(port=0))
        for port in (lab.port_of(CORRECT), lab.port_of(self.EXPIRED)):
            s_client(lab, "-tls1_2", port=port)
        lab.wait_for(2)
        s_client(lab, "-tls1_2", "-verify_return_error", "-no-CAfile", "-no-CApath")
        lab.wait_for(3)
        with lab.connect() as silent:
            silent.sendall(b"\x16\3\1")
        lab.wait_for(4)
        lab.stop()
        lines = self.lines_of(lab.log.read_text("utf-8"))
        for line in lines:
            self.accepted(line, "lab_line")
        self.assertEqual(["request", "request", "flight", "nothing"],
                         [line["reached"] for line in lines])
        self.assertEqual([True, True, False, None], [line["accepted"] for line in lines])
        self.assertEqual(["unknown_ca"], [alert["name"] for alert in lines[2]["alerts"]])
        self.assertNotIn("predictions", lines[3])
        nokia, strict = lines[1]["predictions"]
        self.assertEqual(("nokia-m4e-symbian-9.2", "fails", False),
                         tuple(nokia[key] for key in ("device", "outcome", "accepted")))
        self.assertEqual(("strict", "fails", False, "certificate_expired", "certificate-expired"),
                         tuple(strict[key] for key in ("device", "outcome", "accepted", "alert",
                                                       "decided_by")))
        self.assertEqual(("connects", True, None), tuple(
            lines[0]["predictions"][1][key] for key in ("outcome", "accepted", "alert")))
        self.refused(lines[1], "lab_line", lambda d: d.pop("reached"), lambda d: d.update(end="x"),
                     lambda d: d.update(extra=1), lambda d: d.update(flight="0"),
                     lambda d: d.update(at=d["clock"]), lambda d: d["alerts"].append("x"),
                     lambda d: d["predictions"][0].update(outcome="perhaps"),
                     lambda d: d["predictions"].clear())
        judged = self.handset("lab", "--judge", lab.log, "--device", "strict")
        self.assertEqual([["strict"], ["strict"], ["strict"], []],
                         [[one["device"] for one in line.get("predictions", [])]
                          for line in self.lines_of(judged.out)])

    def test_lines_of_learn(self):
        log = self.folder / "learn.jsonl"
        run = self.handset(
            "learn", "--lab", "--timeout", "5", "--max", "1", "--log", log, "-o",
            self.folder / "learned.yaml", "--drive",
            "echo Q | openssl s_client -connect {host}:{port} -servername {name} "
            "-verify_return_error -CAfile {roots}")
        self.assertEqual(0, run.status, run)
        [line] = self.lines_of(log.read_text("utf-8"))
        self.assertEqual({"accepted": True, "error": ""}, line["client"])
        self.refused(line, "lab_line", lambda d: d["client"].pop("error"))

    def test_fidelity(self):
        """OpenSSL, held against its own profile and then against another device's."""
        observations, written = self.folder / "observations", self.folder / "fidelity.json"

        def compare(*options):
            run = subprocess.run(
                [sys.executable, "-B", HOME / "tests/fidelity/fidelity.py", "--clients", "openssl",
                 "--observations", observations, "--drivers", self.folder / "drivers", "--json",
                 written, *options], capture_output=True, text=True, timeout=120, check=False)
            self.assertIn(run.returncode, (0, 1), run.stderr)
            [row] = self.accepted(json.loads(written.read_text("utf-8")), "fidelity")["clients"]
            return row

        row = compare("--only", CORRECT, "--only", self.CRITICAL_SAN, "--only",
                      self.EXPIRED)
        self.assertEqual((3, 0), (row["cases"], row["not_shown"]))
        self.assertEqual({"outcome", "extension", "certificate"}, set(row["areas"]))
        self.lines_of((observations / "openssl.jsonl").read_text("utf-8"))
        # A device without SHA-256 agrees where OpenSSL refuses for another reason.
        about = observations / "openssl.json"
        about.write_text(about.read_text("utf-8").replace(row["profile"], "nokia-m4e-symbian-9.2"))
        row = compare("--again")
        self.assertEqual((3, 1, 1, 0), tuple(row[key] for key in ("cases", "agree", "alert_cases",
                                                                  "alert_agree")))
        self.assertEqual({(CORRECT, True, None), (self.CRITICAL_SAN, True, None)},
                         {(told["case"], told["accepted"], told["alert"])
                          for told in row["disagreements"]})
        [told] = row["alert_disagreements"]
        self.assertEqual((self.EXPIRED, "certificate_expired"), (told["case"], told["alert"]))
        self.assertNotIn(told["predicted_alert"], (None, told["alert"]))
        self.refused({"schema": 1, "clients": [row]}, "fidelity", lambda d: d.pop("schema"),
                     lambda d: d["clients"][0].update(agree=-1),
                     lambda d: d["clients"][0]["disagreements"][0].pop("error"))


class DeterminismTest(ProgramTest):
    def test_twice_the_same(self):
        for command in (CHECK, ("devices",), ("rules",)):
            for form in ("json", "table"):
                with self.subTest(command[0], form=form):
                    first, second = (self.handset(*command, "--format", form) for _ in range(2))
                    self.assertTrue(first.out)
                    self.assertEqual(first.out, second.out)
        first, second = (self.handset(*CHECK, "--explain") for _ in range(2))
        self.assertEqual(first.out, second.out)

    def test_order_of_the_options_does_not_matter(self):
        devices = all_devices()[:3]
        forwards = [part for device in devices for part in ("--device", device)]
        backwards = [part for device in reversed(devices) for part in ("--device", device)]
        first, second = (self.handset(*CHECK, *chosen, "--format", "json")
                         for chosen in (forwards, backwards))
        self.assertEqual(first.out, second.out)

    def test_strict_counts_unknown_as_failing(self):
        """The root is not given, so that Nokia's verdict is unknown."""
        unknown = ("check", STORY / "plain-san.pem", "--host", HOST, "--at", AT, "--device",
                   "nokia-m4e-symbian-9.2")
        [verdict] = self.verdicts(*unknown).values()
        self.assertEqual("unknown", verdict["outcome"])
        self.assertEqual(0, self.handset(*unknown).status)
        self.assertEqual(1, self.handset(*unknown, "--strict").status)


if __name__ == "__main__":
    unittest.main()
