"""`handset devices` over the profiles, stores and groups that ship, against what their YAML says."""
import fnmatch
import functools
import shutil
import unittest

import yaml

from support.profiles import write_profile
from support.program import AT, HOME, HOST, ProgramTest, all_devices

CHAIN = HOME / "captures/m4e-exchange-2007/critical-san.pem"
DST_ROOT_X3 = "0687260331a72403d909f105e69bcf0d32e1bd2493ffc6d9206d11bcd6770739"


@functools.lru_cache(maxsize=None)
def profile(device):
    return yaml.load((HOME / f"profiles/{device}.yaml").read_text("utf-8"), yaml.CBaseLoader)


@functools.lru_cache(maxsize=None)
def store(name):
    return yaml.load((HOME / f"profiles/stores/{name}.yaml").read_text("utf-8"), yaml.CBaseLoader)


def everybody():
    return all_devices(by_default=False)


def with_grade(device, section, key):
    """A statement's value and grade; None and None for silence."""
    said = profile(device).get(section, {})
    if key not in said:
        return None, None
    value, source = said[key], said.get("source")
    if isinstance(value, dict) and "is" in value:
        value, source = value["is"], value.get("source", source)
    return value, profile(device)["sources"][source]["grade"]


def stated(device, section, key):
    """A statement's value; None for silence, which a guess is, too."""
    value, grade = with_grade(device, section, key)
    return None if grade == "assumed" else value


def store_of(device):
    return with_grade(device, "trust", "store")[0]


def group(name):
    listed = yaml.safe_load((HOME / f"profiles/groups/{name}.yaml").read_text("utf-8"))

    def fits(device, patterns):
        return any(fnmatch.fnmatchcase(device, pattern) for pattern in patterns)
    return [device for device in everybody() if fits(device, listed["devices"])
            and not fits(device, listed.get("except", []))]


class DevicesTest(ProgramTest):
    def listed(self, *arguments):
        document = self.json_of(self.handset("devices", *arguments, "--format", "json"), "devices")
        return [device["id"] for device in document["devices"]]


class ListTest(DevicesTest):
    def test_table(self):
        run = self.handset("devices")
        lines = run.out.splitlines()
        self.assertEqual("DEVICE", lines[0].split()[0])
        count = len(everybody())
        self.assertEqual(everybody(), [line.split()[0] for line in lines[1:count + 1]])
        self.assertIn(f"\n{count} devices\n", run.out)
        self.assertLessEqual(max(map(len, lines[:count + 1])), 160)

    def test_sizes_of_stores(self):
        document = self.json_of(self.handset("devices", "--format", "json"), "devices")
        for device in document["devices"]:
            if device["store"] is None:
                self.assertIsNone(device["store_size"])
                continue
            held = store(device["store"])
            self.assertEqual({"roots": len(held["members"]),
                              "complete": held["contents"] == "complete"}, device["store_size"])

    def test_stores_are_not_read_in_vain(self):
        """One device, or two side by side, are shown although no store can be loaded."""
        shutil.copytree(HOME / "profiles", self.folder / "profiles")
        for file in (self.folder / "profiles/stores").glob("*.yaml"):
            file.write_text("no store\n")
        home = {"HANDSET_HOME": str(self.folder)}
        for words in (["ie-8-windows-xp"], ["ie-8-windows-xp", "java-7u25"]):
            run = self.handset("devices", *words, environment=home)
            self.assertEqual((0, ""), (run.status, run.err), run)
        self.assertEqual(2, self.handset("devices", environment=home).status)


class FilterTest(DevicesTest):
    def test_family_and_kind(self):
        outlook = [d for d in everybody() if "outlook" in profile(d)["family"].lower()]
        self.assertGreater(len(outlook), 5)
        self.assertEqual(outlook, self.listed("--family", "OUTLOOK"))
        self.assertEqual([d for d in everybody() if profile(d)["family"].startswith("Android ")],
                         self.listed("--family", "android *"))
        self.assertEqual([d for d in everybody() if profile(d)["kind"] == "embedded"],
                         self.listed("--kind", "embedded"))

    def test_released(self):
        def year(device):
            return int(profile(device)["released"][:4])
        self.assertEqual([d for d in everybody() if 2007 <= year(d) <= 2010],
                         self.listed("--released", "2007..2010"))
        self.assertEqual([d for d in everybody() if year(d) <= 2008],
                         self.listed("--released", "..2008"))
        since = self.listed("--released", "2007-04..")
        self.assertNotIn("outlook-2007-windows-vista", since, "of January")
        self.assertIn("symbian-9.2-email", since, "of 2007, nobody knows when")

    def test_supports(self):
        """Each feature against the statement that it hangs on."""
        for feature, section, key, wanted in (
                ("sha256", "certificate", "signature_algorithms", "sha256WithRSAEncryption"),
                ("tls1.2", "server_hello", "versions", "TLS 1.2")):
            with self.subTest(feature):
                found = self.listed("--supports", feature)
                self.assertGreater(len(found), 20)
                for device in found:
                    self.assertIn(wanted, stated(device, section, key), device)
        sni = [d for d in everybody()
               if (stated(d, "client_hello", "server_name") or "none") != "none"]
        self.assertEqual(sni, self.listed("--supports", "sni"))

    def test_the_silent_are_counted(self):
        arguments = ("devices", "--supports", "sha256", "--kind", "embedded")
        document = self.json_of(self.handset(*arguments, "--format", "json"), "devices")
        embedded = [d for d in everybody() if profile(d)["kind"] == "embedded"]
        silent = [d for d in embedded
                  if stated(d, "certificate", "signature_algorithms") is None]
        self.assertTrue(silent)
        self.assertEqual(silent, document["silent"])
        self.assertIn(f"{len(document['devices'])} devices; {len(silent)} more do not say",
                      self.handset(*arguments).out)

    def test_together(self):
        both = self.listed("--supports", "sni", "--supports", "sha256", "--kind", "browser",
                           "--released", "2010..2013")
        self.assertTrue(both)
        parts = [self.listed(*part) for part in (
            ("--supports", "sni"), ("--supports", "sha256"), ("--kind", "browser"),
            ("--released", "2010..2013"))]
        self.assertEqual(sorted(functools.reduce(set.intersection, map(set, parts))), both)

    def test_wrong_use(self):
        for arguments, words in (
                (("--family", "androyd"), ("androyd", "handset devices")),
                (("--kind", "libary"), ("libary", "library")),
                (("--released", "2010..2007"), ("2010..2007", "2007-04..")),
                (("--supports", "sha-256"), ("sha-256", "sha256")),
                (("--roots", "no such root"), ("no such root", "subject")),
                (("--roots", "06:87:26:03:31:a7:24:03:d9:09"), ("10 octets", "SHA-256")),
                (("--roots", ""), ("--roots", "subject")),
                (("--all",), ("--all", "two to four")),
                (("--groups", "strict"), ("--groups",)),
                (("phones-2008",), ("phones-2008", "phones-2007", "--groups"))):
            with self.subTest(arguments):
                self.expect_trouble(self.handset("devices", *arguments), *words)


class RootsTest(DevicesTest):
    def roots(self, wanted, *arguments):
        run = self.handset("devices", "--roots", wanted, *arguments, "--format", "json")
        return self.json_of(run, "roots")["roots"]

    def test_by_fingerprint(self):
        colons = ":".join(DST_ROOT_X3[i:i + 2] for i in range(0, 64, 2)).upper()
        for wanted in (DST_ROOT_X3, colons):
            [root] = self.roots(wanted)
            self.assertEqual("2021-09-30", root["not_after"])
        known = root["known"]
        self.assertEqual(everybody(), sorted(known["yes"] + known["no"] + known["open"]))
        for device in known["yes"]:
            self.assertIn(store_of(device), root["stores"])
        for device in known["no"]:
            self.assertNotIn(store_of(device), root["stores"])
        for device in known["open"]:
            if stated(device, "trust", "store") is not None:
                self.assertEqual("partial", store(store_of(device))["contents"], device)
        self.assertIn("android-2.2-https", known["no"])
        self.assertIn("android-2.3-https", known["yes"])
        self.assertIn("symbian-9.2-email", known["open"])

    def test_by_subject(self):
        isrg = self.roots("cn=isrg root", "android-*", "ios-*")
        self.assertIn("CN=ISRG Root X1,O=Internet Security Research Group,C=US",
                      [root["subject"] for root in isrg])
        for root in isrg:
            self.assertIn("isrg root", root["subject"].lower())
            self.assertFalse(set(root["known"]["yes"]) & set(group("android-before-7.1.1")))

    def test_with_filters(self):
        """Who is silent on what was asked for is named here, too."""
        arguments = ("devices", "--kind", "embedded", "--supports", "sha256", "--roots",
                     DST_ROOT_X3)
        document = self.json_of(self.handset(*arguments, "--format", "json"), "roots")
        self.assertTrue(document["silent"])
        [root] = document["roots"]
        asked = [device for known in root["known"].values() for device in known]
        self.assertEqual(self.listed(*arguments[1:-2]), sorted(asked))
        self.assertIn(f"\n{len(asked)} devices; {len(document['silent'])} more do not say",
                      self.handset(*arguments).out)

    def test_tables(self):
        one = self.handset("devices", "ios-old", "--roots", DST_ROOT_X3).out
        self.assertIn("valid 2000-09-30 to 2021-09-30", one)
        self.assertIn(f"\n{len(group('ios-old'))} devices", one)
        many = self.handset("devices", "--roots", "CN=").out
        self.assertIn("to see 8 or fewer device by device", many)
        self.assertNotIn("\nDEVICE", many)


class ComparisonTest(DevicesTest):
    PAIR = ("nokia-m4e-symbian-9.2", "nokia-m4e-symbian-9.4")

    def compared(self, *arguments):
        run = self.handset("devices", *arguments, "--format", "json")
        return self.json_of(run, "comparison")

    def test_differences(self):
        document = self.compared(*self.PAIR)
        self.assertEqual(list(self.PAIR), document["compared"])
        rows = {row["key"]: row for row in document["statements"]}
        refused, accepted = rows["tolerances.extension-san-critical"]["values"]
        self.assertTrue(refused["value"].startswith("refuse, alert illegal_parameter"))
        self.assertEqual("accept", accepted["value"])
        self.assertTrue(all(row["differs"] for row in rows.values()))
        backwards = self.compared(*reversed(self.PAIR))
        self.assertEqual([row["values"][::-1] for row in document["statements"]],
                         [row["values"] for row in backwards["statements"]])

    def test_all(self):
        few, everything = self.compared(*self.PAIR), self.compared(*self.PAIR, "--all")
        self.assertEqual(few["statements"],
                         [row for row in everything["statements"] if row["differs"]])
        self.assertGreater(len(everything["statements"]), len(few["statements"]))
        self.assertEqual([], self.compared(self.PAIR[0], self.PAIR[0])["statements"])

    def test_four_and_a_file(self):
        mine = write_profile(self.folder, "mine", "names:\n  source: test\n  checked: false\n")
        document = self.compared("strict", "java-7u25", "ie-8-windows-xp", str(mine))
        self.assertEqual(["strict", "java-7u25", "ie-8-windows-xp", "mine"], document["compared"])
        table = self.handset("devices", "strict", "java-7u25", "ie-8-windows-xp", mine).out
        self.assertIn("mine: mine; library, released 2008, draft, doc/doc", table)
        self.assertLessEqual(max(map(len, table.splitlines()[5:-3])), 160)

    def test_five_or_patterns_are_a_list(self):
        five = everybody()[:5]
        self.assertEqual(five, self.listed(*five))
        self.assertIn("strict", self.listed("nokia-*", "strict"))


class GroupsTest(DevicesTest):
    def test_groups(self):
        document = self.json_of(self.handset("devices", "--groups", "--format", "json"), "groups")
        files = sorted(file.stem for file in (HOME / "profiles/groups").glob("*.yaml"))
        self.assertEqual(files, [each["id"] for each in document["groups"]])
        for each in document["groups"]:
            self.assertEqual(group(each["id"]), each["devices"])
            self.assertEqual(each["devices"], self.listed(each["id"]))
        table = self.handset("devices", "--groups").out
        self.assertIn(f"\n{len(files)} groups;", table)

    def test_wherever_a_device_is_named(self):
        verdicts = self.verdicts("check", CHAIN, "--host", HOST, "--at", AT, "--device",
                                 "phones-2007", "--device", "strict")
        self.assertEqual(sorted([*group("phones-2007"), "strict"]), list(verdicts))

    def test_lint(self):
        run = self.handset("lint")
        self.assertEqual((0, ""), (run.status, run.err), run)
        self.assertIn("groups/phones-2007.yaml: good", run.out)
        folder = self.folder / "profiles"
        (folder / "groups").mkdir(parents=True)
        write_profile(folder, "mine", "")
        wrong = folder / "groups/all.yaml"
        wrong.write_text('format: 1\nname: A\nabout: A\ndevices: ["mine", "yours-*"]\n', "utf-8")
        run = self.handset("lint", wrong)
        self.assertEqual(2, run.status, run)
        self.assertIn("all.yaml:4:19: no device among the profiles is called 'yours-*'", run.err)
        self.expect_trouble(self.handset("devices", "all",
                                         environment={"HANDSET_HOME": str(self.folder)}),
                            "all.yaml:4:19", "yours-*")


if __name__ == "__main__":
    unittest.main()
