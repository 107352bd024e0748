"""The table in README.md, agreement.json, known.json and agreement.svg say the same, of cases and
profiles that there are. `tests/fidelity/run --readme README.md` writes all of them anew.
"""
import copy
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent / "live")]

import agreement  # noqa: E402
import clients as real  # noqa: E402
import show  # noqa: E402
from support.program import schema_validator  # noqa: E402

FILES = ("agreement.json", "known.json", "agreement.svg")
IDS = [client.id for client in real.clients(None)]


def published():
    """Rows as fidelity.py has them, out of what is in the repository."""
    summary = json.loads((HERE / "agreement.json").read_text(encoding="utf-8"))
    known = json.loads((HERE / "known.json").read_text(encoding="utf-8"))
    return [dict(row, disagreements=[{"case": case} for case in known[row["client"]]])
            for row in summary["clients"]]


class AgreementTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.rows = published()
        self.readme = (ROOT / "README.md").read_text(encoding="utf-8")

    def test_the_table_is_that_of_the_summary(self):
        self.assertEqual(self.readme, agreement.put_in(self.readme, self.rows))

    def test_the_picture_is_that_of_the_summary(self):
        self.assertEqual((HERE / "agreement.svg").read_text(encoding="utf-8"),
                         show.picture(self.rows))

    def test_as_many_disagreements_as_are_known(self):
        known = json.loads((HERE / "known.json").read_text(encoding="utf-8"))
        self.assertEqual({row["client"]: row["cases"] - row["agree"] for row in self.rows},
                         {client: len(set(cases)) for client, cases in known.items()})
        for cases in known.values():
            self.assertEqual(sorted(cases), cases)
            for case in cases:
                self.assertTrue((ROOT / "cases" / f"{case}.yaml").is_file(), case)

    def test_the_summary_is_of_all_clients_and_adds_up(self):
        summary = json.loads((HERE / "agreement.json").read_text(encoding="utf-8"))
        schema_validator("fidelity").validate(summary)
        self.assertEqual(IDS, [row["client"] for row in self.rows])
        agreement.refuse_parts(self.rows, IDS)
        for row, client in zip(self.rows, real.clients(None)):
            with self.subTest(row["client"]):
                self.assertEqual(client.profile, row["profile"])
                self.assertTrue((ROOT / "profiles" / f"{row['profile']}.yaml").is_file())
                self.assertLessEqual(row["agree"], row["cases"])
                self.assertLessEqual(row["alert_agree"], row["alert_cases"])
                self.assertLessEqual(row["wrong_connects"], row["cases"] - row["agree"])
                for key in ("agree", "cases"):
                    self.assertEqual(row[key], sum(area[key] for area in row["areas"].values()))

    def test_published_again_it_is_the_same(self):
        with tempfile.TemporaryDirectory(prefix="handset-agreement-test-") as name:
            folder = pathlib.Path(name)
            readme = folder / "README.md"
            readme.write_text(self.readme.replace(agreement.block(self.rows), "Something old.\n"),
                              encoding="utf-8")
            self.assertIn("Something old.", readme.read_text(encoding="utf-8"))
            agreement.publish(self.rows, IDS, readme, folder)
            self.assertEqual(self.readme, readme.read_text(encoding="utf-8"))
            for file in FILES:
                self.assertEqual((HERE / file).read_bytes(), (folder / file).read_bytes(), file)

    def test_another_number_is_another_table(self):
        for key in ("agree", "cases", "alert_agree", "alert_cases", "wrong_connects"):
            rows = copy.deepcopy(self.rows)
            rows[0][key] += 1
            self.assertNotEqual(self.readme, agreement.put_in(self.readme, rows), key)
        for key in ("version", "profile", "date", "client"):
            rows = copy.deepcopy(self.rows)
            rows[0][key] += "x"
            self.assertNotEqual(self.readme, agreement.put_in(self.readme, rows), key)

    def test_what_is_said_in_words(self):
        areas = {"chain": {"agree": 1, "cases": 1}}
        rows = [{"client": "one", "profile": "one-1", "version": "1|2", "date": "2026-01-02",
                 "cases": 1200, "agree": 1194, "alert_cases": 0, "alert_agree": 0, "not_shown": 0,
                 "wrong_connects": 1, "areas": areas},
                {"client": "two", "profile": "two-2", "version": "2", "date": "2026-01-01",
                 "cases": 1000, "agree": 990, "alert_cases": 8, "alert_agree": 4, "not_shown": 200,
                 "wrong_connects": 1, "areas": areas}]
        text = agreement.block(rows)
        for words in ("From 2026-01-01 to 2026-01-02: accept or refuse as predicted in 2,184 of "
                      "2,200 cases (99.3 %),", "4 of 8 (50.0 %); 2 times", "two is the least "
                      "understood (99.0 %)",
                      "| one | 1\\|2 | `one-1` | 1,194 of 1,200 (99.5 %) | - | 2026-01-02 |",
                      "| all | | | 2,184 of 2,200 (99.3 %) | 4 of 8 (50.0 %) | |"):
            self.assertIn(words, text)

    def test_a_part_is_not_published(self):
        fewer = copy.deepcopy(self.rows)
        fewer[3]["cases"] -= 1
        for rows, word in ((self.rows[1:], IDS[0]), (fewer, fewer[3]["client"]), ([], IDS[0])):
            with self.assertRaisesRegex(agreement.NotPublished, word):
                agreement.refuse_parts(rows, IDS)
        for text in ("", agreement.BEGIN, agreement.END + agreement.BEGIN, self.readme * 2):
            with self.assertRaises(agreement.NotPublished):
                agreement.put_in(text, self.rows)
        with tempfile.TemporaryDirectory(prefix="handset-agreement-test-") as name:
            readme = pathlib.Path(name) / "README.md"
            readme.write_text(self.readme, encoding="utf-8")
            for options in (("--quick",), ("--clients", "openssl"), ("--only", "x"),
                            ("--observations", name)):
                run = subprocess.run(
                    [sys.executable, "-B", HERE / "fidelity.py", "--again", "--readme", readme,
                     *options], capture_output=True, text=True, timeout=60, check=False,
                    env=dict(os.environ, HANDSET_HOME=str(ROOT)))
                self.assertIn(run.returncode, (1, 2), run)
                self.assertNotIn("Traceback", run.stderr)
                self.assertTrue(run.stderr, options)
            self.assertEqual(self.readme, readme.read_text(encoding="utf-8"))


if __name__ == "__main__":
    unittest.main()
