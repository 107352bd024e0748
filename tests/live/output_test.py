"""JSON output against emulator/report/schema.json, and that equal questions have equal answers."""
import base64
import copy
import json
import unittest

import jsonschema

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
