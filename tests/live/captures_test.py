"""captures/*.yaml (format: captures/README.md) through the program; and the README's first command."""
import fnmatch
import re
import shlex
import unittest

import yaml

from support.program import HOME, ProgramTest, decisive_rule

CAPTURES = HOME / "captures"


def told(story, case, key, otherwise=None):
    """What a case says, or else its story."""
    return case.get(key, story.get(key, otherwise))


def times(story, case):
    """The times a case is judged at, as the program takes them."""
    at = told(story, case, "at")
    # PyYAML turns a plain timestamp into a date.
    return [time if isinstance(time, str) else time.strftime("%Y-%m-%dT%H:%M:%SZ")
            for time in (at if isinstance(at, list) else [at])]


class CapturesTest(ProgramTest):
    def judge(self, story, case, at):
        """Verdicts by device; nothing of this machine takes part in them."""
        def files(key):
            return [CAPTURES / name for name in told(story, case, key, [])]

        options = [("--host", told(story, case, "host")), ("--msstd", told(story, case, "msstd")),
                   *(("--install-root", file) for file in files("install_root")),
                   *(("--roots", file) for file in files("roots")),
                   *(("--known-roots", file) for file in files("known_roots") or ["none"]),
                   *(("--device", pattern) for pattern in case["expect"])]
        return self.verdicts("check", *files("chain"), "--at", at,
                             *(part for option in options if option[1] for part in option))

    def matching(self, pattern, verdicts):
        found = fnmatch.filter(verdicts, pattern)
        self.assertTrue(found, f"{pattern} is no device that was asked")
        return found

    def check_expected(self, case, verdicts):
        for pattern, expected in case["expect"].items():
            self.assertLessEqual(set(expected), {"outcome", "stage", "alert", "reason", "code"})
            self.assertIn("outcome", expected)
            if expected["outcome"] != "connects":
                self.assertIn("reason", expected)
            for device in self.matching(pattern, verdicts):
                verdict = verdicts[device]
                seen = {"outcome": verdict["outcome"], "stage": verdict["stage"],
                        "alert": verdict["alert"] and verdict["alert"]["code"],
                        "reason": decisive_rule(verdict), "code": verdict["code"]}
                with self.subTest(device=device):
                    self.assertEqual(expected, {key: seen[key] for key in expected})

    def check_account(self, account, verdicts):
        """Where it is said to agree it does, and where a difference is explained there is one."""
        self.assertLessEqual(set(account), {"says", "source", "works", "agrees", "differs"})
        self.assertTrue(account["says"] and account["source"], account)
        outcomes = {device: verdict["outcome"] for device, verdict in verdicts.items()}
        differs = account.get("differs", {})
        for pattern in [*account.get("agrees", []), *differs]:
            same = pattern not in differs
            self.assertTrue(same or differs[pattern], f"{pattern} differs without a reason")
            for device in self.matching(pattern, verdicts):
                works = outcomes[device] == "connects"
                agrees = works == account["works"] and outcomes[device] != "unknown"
                with self.subTest(account["says"], device=device):
                    self.assertEqual(same, agrees, outcomes[device])

    def test_cases(self):
        stories = sorted(CAPTURES.glob("*.yaml"))
        self.assertTrue(stories, f"no story in {CAPTURES}")
        for file in stories:
            story = yaml.safe_load(file.read_text("utf-8"))
            self.assertTrue(story["cases"], file)
            for number, case in enumerate(story["cases"]):
                self.assertTrue(case["expect"], file)
                for at in times(story, case):
                    with self.subTest(f"{file.name} case {number}: {case['shows']}", at=at):
                        verdicts = self.judge(story, case, at)
                        self.check_expected(case, verdicts)
                        for account in case.get("accounts", []):
                            self.check_account(account, verdicts)


class ReadmeTest(ProgramTest):
    def test_first_command(self):
        """It is run as it stands there, but for the program: ./handset would build one."""
        text = (HOME / "README.md").read_text("utf-8")
        command = re.compile(r"^(?:\$ )?(\./handset check(?:.*\\\n)*.*)", re.M)
        commands = [line for block in re.findall(r"^```[^\n]*\n(.*?)^```", text, re.M | re.S)
                    for line in command.findall(block)]
        self.assertTrue(commands, "README.md shows no ./handset check")
        words = shlex.split(commands[0].replace("\\\n", " "), comments=True)
        self.assertEqual("./handset", words[0])
        run = self.handset(*words[1:], cwd=HOME)
        self.assertEqual((1, ""), (run.status, run.err), run)
        rows = [line for line in run.out.splitlines() if "Symbian OS 9.2" in line
                or "nokia-m4e-symbian-9.2" in line]
        self.assertTrue(rows, run)
        self.assertIn("fails", rows[0], run)


if __name__ == "__main__":
    unittest.main()
