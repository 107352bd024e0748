"""The runner's part of holding cases out: whose profiles are used, what is shown, what is aimed at."""
import argparse
import json
import pathlib
import sys
import unittest
from unittest import mock

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import clients as real  # noqa: E402
import fidelity  # noqa: E402
import observe  # noqa: E402
import show  # noqa: E402


def row(agree, cases=200, unseen=20, unseen_agree=10):
    return {"client": "go", "profile": "go-1.19", "version": "1", "date": "2026-01-01", "cases": 400,
            "agree": 400, "alert_cases": 1, "alert_agree": 1, "not_shown": 0, "areas": {},
            "disagreements": [], "alert_disagreements": [],
            "held_out": {"asked": 150, "cases": cases, "agree": agree, "unseen": unseen,
                         "unseen_agree": unseen_agree, "wrong": {"key/key-<odd>": 2},
                         "seeds": [{"seed": 7, "cases": cases, "agree": agree}]}}


class HeldOutTest(unittest.TestCase):
    def test_clients_of_the_same_library_are_no_help(self):
        others = {client.id: real.profiles_of_others(client) for client in real.clients()}
        self.assertEqual({client: len(profiles) for client, profiles in others.items()},
                         {client.id: 11 if client.id in ("openssl", "curl", "gnutls", "wget") else 12
                          for client in real.clients()})
        for one, other in (("openssl", "curl"), ("gnutls", "wget")):
            for client in (one, other):
                for profile in others[client]:
                    self.assertFalse(profile.startswith((f"{one}-", f"{other}-")), client)

    def test_asks_handset_for_each_client(self):
        calls = []

        def answer(*words):
            calls.append(words)
            seed = words[4]
            return json.dumps({"seed": seed, "asked": 150, "cases": 2, "agree": seed - 7, "unseen": 1,
                               "unseen_agree": 0, "wrong": ["a"] if seed == 8 else ["a", "b"]})

        rows = [dict(row(0), client=client) for client in ("curl", "go")]
        arguments = argparse.Namespace(jobs=1, hold_out=[7, 8], observations=pathlib.Path("kept"))
        with mock.patch.object(observe, "run_handset", answer):
            fidelity.hold_out_all(rows, arguments)
        for held_out in (row["held_out"] for row in rows):
            self.assertEqual((1, 4, 2), tuple(held_out[key] for key in ("agree", "cases", "unseen")))
            self.assertEqual({"a": 2, "b": 1}, held_out["wrong"])
            self.assertEqual([7, 8], [one["seed"] for one in held_out["seeds"]])
        self.assertEqual([7, 8, 7, 8], [call[4] for call in calls])
        calls = calls[::2]
        self.assertEqual(calls[0][:4],
                         ("learn", "--log", pathlib.Path("kept/curl.jsonl"), "--hold-out"))
        self.assertIn("go-1.19", calls[0])
        self.assertNotIn("openssl-3.0", calls[0])
        self.assertIn("openssl-3.0", calls[1])
        self.assertNotIn("go-1.19", calls[1])

    def test_seeds(self):
        self.assertEqual([4, 5, 0], fidelity.seeds("4,5,0"))
        for text in ("4,4", "-1"):
            with self.assertRaises(argparse.ArgumentTypeError):
                fidelity.seeds(text)

    def test_aim(self):
        self.assertEqual(fidelity.held_out_missed([row(190)] * 6 + [row(100)] * 7), [])
        missed = fidelity.held_out_missed([row(190)] * 5 + [row(189)] * 8)
        self.assertEqual(len(missed), 1)
        self.assertIn("95% of 5 clients only", missed[0])
        self.assertEqual(fidelity.held_out_missed([row(190)]), [])
        self.assertEqual(len(fidelity.held_out_missed([row(189)])), 1)
        self.assertEqual(len(fidelity.held_out_missed([row(0, cases=0)])), 1)

    def test_is_shown_with_its_reservation(self):
        text = show.held_out([row(190)])
        for part in ("190/200 95.0 %", "180/180 100.0 %", "10/20 50.0 %", "150", "go-1.19",
                     "learned from all of these cases"):
            self.assertIn(part, text)
        page = show.page([row(190)])
        for part in ("190/200 95.0 %", "key/key-&lt;odd&gt; (2)", "by seed (7)", "learned from all of these cases"):
            self.assertIn(part, page)
        plain = row(190)
        del plain["held_out"]
        self.assertNotIn("Held out", show.page([plain]))


if __name__ == "__main__":
    unittest.main()
