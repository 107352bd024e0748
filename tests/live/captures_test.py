"""captures/*.yaml: each story's cases through the program; and the README's first command."""
import re
import shlex
import unittest

import yaml

from support.program import HOME, ProgramTest, decisive_rule

CAPTURES = HOME / "captures"


class CapturesTest(ProgramTest):
    def outcome(self, story, case):
        """Runs one case: what is expected of each device, and what the program said."""
        def told(key, otherwise):
            return case.get(key, story.get(key, otherwise))

        files = [CAPTURES / name for name in case["chain"]]
        roots = [part for name in told("install_root", [])
                 for part in ("--install-root", CAPTURES / name)]
        at = told("at", None)
        # PyYAML turns a plain timestamp into a date.
        at = at if isinstance(at, str) else at.strftime("%Y-%m-%dT%H:%M:%SZ")
        devices = [part for device in case["expect"] for part in ("--device", device)]
        host = told("host", None)
        verdicts = self.verdicts("check", *files, *(["--host", host] if host else []), "--at", at,
                                 *roots, *devices)
        self.assertEqual(sorted(case["expect"]), sorted(verdicts))
        for device, expected in case["expect"].items():
            self.assertLessEqual(set(expected), {"outcome", "stage", "alert", "reason", "code"})
            self.assertIn("outcome", expected)
            if expected["outcome"] != "connects":
                self.assertIn("reason", expected)
            verdict = verdicts[device]
            seen = {"outcome": verdict["outcome"], "stage": verdict["stage"],
                    "alert": verdict["alert"] and verdict["alert"]["code"],
                    "reason": decisive_rule(verdict), "code": verdict["code"]}
            yield device, expected, {key: seen[key] for key in expected}

    def test_cases(self):
        stories = sorted(CAPTURES.glob("*.yaml"))
        self.assertTrue(stories, f"no story in {CAPTURES}")
        for file in stories:
            story = yaml.safe_load(file.read_text("utf-8"))
            self.assertTrue(story["cases"], file)
            for number, case in enumerate(story["cases"]):
                self.assertTrue(case["expect"], file)
                for device, expected, seen in self.outcome(story, case):
                    with self.subTest(f"{file.name} case {number}: {case['shows']}", device=device):
                        self.assertEqual(expected, seen)


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
