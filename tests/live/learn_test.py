"""handset learn against a client that is really there: openssl s_client, started for each case."""
import json
import os
import pathlib
import shlex
import signal
import subprocess
import tempfile
import time
import unittest

HOME = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("HANDSET_PROGRAM", str(HOME / "build/release/handset"))
CLIENT = ("echo Q | openssl s_client -connect {host}:{port} -servername {name} "
          "-verify_hostname {name} -verify_return_error -CAfile {roots}")


def handset(*arguments, timeout=220):
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=timeout,
                          env=dict(os.environ, HANDSET_HOME=str(HOME)), check=False)


class LearnTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="handset-learn-test-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def learn(self, *arguments):
        return handset("learn", "--lab", "--timeout", "3", "--log", str(self.folder / "log.jsonl"),
                       "-o", str(self.folder / "client.yaml"), *arguments)

    def test_learns_asks_what_is_open_and_goes_on(self):
        done = self.learn("--drive", CLIENT, "--max", "12")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [json.loads(line) for line in (self.folder / "log.jsonl").read_text().splitlines()]
        self.assertEqual(len(lines), 12)
        self.assertEqual(lines[0]["case"], "outcome/correct-chain")
        self.assertTrue(lines[0]["client"]["accepted"])
        self.assertEqual(len({line["case"] for line in lines}), 12, "no case is asked twice")
        self.assertIn("of at most 12", done.stderr)
        profile = (self.folder / "client.yaml").read_text()
        lint = handset("lint", str(self.folder / "client.yaml"))
        self.assertEqual(lint.returncode, 0, lint.stdout + lint.stderr)

        again = self.learn("--drive", CLIENT, "--max", "16")
        self.assertEqual(again.returncode, 0, again.stderr)
        more = [json.loads(line) for line in (self.folder / "log.jsonl").read_text().splitlines()]
        self.assertEqual([line["case"] for line in more[:12]], [line["case"] for line in lines])
        self.assertEqual(len({line["case"] for line in more}), 16)
        self.assertNotEqual((self.folder / "client.yaml").read_text(), profile)
        self.assertIn("extensions:", profile)
        self.assertIn("grade: captured", profile)

        # What it learned is what it predicts, of the very same client.
        checked = handset("lab", "--judge", str(self.folder / "log.jsonl"), "--device",
                          str(self.folder / "client.yaml"))
        self.assertEqual(checked.returncode, 0, checked.stderr)
        judged = [json.loads(line) for line in checked.stdout.splitlines()]
        agree = sum(line["predictions"][0]["accepted"] == line["accepted"] for line in judged)
        self.assertGreaterEqual(agree, 15, checked.stdout)

    def test_foresees_one_half_from_the_other(self):
        done = self.learn("--drive", CLIENT, "--max", "16", "--like", "gnutls-3.7",
                          "--like", "go-1.19", "--only", "extension/*")
        self.assertEqual(done.returncode, 0, done.stderr)
        profile = (self.folder / "client.yaml").read_text()
        self.assertIn("grade: inferred", profile)
        lint = handset("lint", str(self.folder / "client.yaml"))
        self.assertEqual(lint.returncode, 0, lint.stdout + lint.stderr)

        log = str(self.folder / "log.jsonl")
        asked = [json.loads(line)["case"] for line in pathlib.Path(log).read_text().splitlines()]
        self.assertEqual(16, len(asked))
        self.assertEqual({"outcome/correct-chain"},
                         {case for case in asked if not case.startswith("extension/")})
        told = handset("learn", "--log", log, "--hold-out", "1", "--max", "8", "--like",
                       "gnutls-3.7", "--format", "json")
        self.assertEqual(told.returncode, 0, told.stderr)
        result = json.loads(told.stdout)
        self.assertLessEqual(result["asked"], 8)
        self.assertGreater(result["asked"], 0)
        self.assertGreater(result["cases"], 0)
        self.assertEqual(result["agree"] + len(result["wrong"]), result["cases"])
        self.assertLessEqual(result["unseen_agree"], result["unseen"])
        again = handset("learn", "--log", log, "--hold-out", "1", "--max", "8", "--like",
                        "gnutls-3.7", "--format", "json")
        self.assertEqual(again.stdout, told.stdout)
        table = handset("learn", "--log", log, "--hold-out", "1", "--max", "8", "--like", "gnutls-3.7")
        self.assertTrue(table.stdout.startswith(
            f"{result['agree']} of {result['cases']} held-out cases"), table.stdout)
        wrong_use = handset("learn", "--log", log, "--hold-out", "1", "--format", "xml")
        self.assertEqual(wrong_use.returncode, 2)
        self.assertIn("--format takes table or json", wrong_use.stderr)

    def test_survives_a_client_that_hangs_or_crashes(self):
        # One case in three hangs, one kills itself, one connects.
        script = self.folder / "client.sh"
        script.write_text(f"""n=$(cat {shlex.quote(str(self.folder))}/n 2>/dev/null || echo 0)
echo $((n + 1)) > {shlex.quote(str(self.folder))}/n
openssl s_client -connect "$1:$2" -servername "$3" -CAfile "$4" </dev/null
case $((n % 3)) in 1) sleep 60;; 2) kill -SEGV $$;; esac
""")
        done = self.learn("--drive", f"sh {shlex.quote(str(script))} {{host}} {{port}} {{name}} "
                                     "{roots}", "--max", "4")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [json.loads(line) for line in (self.folder / "log.jsonl").read_text().splitlines()]
        self.assertEqual(len(lines), 4)
        self.assertIn("the client had to be ended", [line["client"]["error"] for line in lines
                                                     if "client" in line])

    def test_a_client_that_never_connects_is_said_in_one_line(self):
        done = self.learn("--drive", "true {host} {port}", "--max", "4")
        self.assertEqual(done.returncode, 2)
        self.assertIn("did not connect", done.stderr)
        self.assertNotIn("terminate", done.stderr)

    def test_an_interrupted_run_keeps_what_it_has(self):
        process = subprocess.Popen(
            [PROGRAM, "learn", "--lab", "--timeout", "3", "--log", str(self.folder / "log.jsonl"),
             "-o", str(self.folder / "client.yaml"), "--drive", CLIENT],
            env=dict(os.environ, HANDSET_HOME=str(HOME)), stderr=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        try:
            log = self.folder / "log.jsonl"
            deadline = time.monotonic() + 120
            while not (log.exists() and len(log.read_text().splitlines()) >= 3):
                self.assertLess(time.monotonic(), deadline, "nothing was asked")
                self.assertIsNone(process.poll())
                time.sleep(0.1)
            process.send_signal(signal.SIGINT)
            _, told = process.communicate(timeout=120)
        finally:
            if process.poll() is None:
                process.kill()
                process.communicate()
        self.assertEqual(process.returncode, 0, told)
        self.assertGreaterEqual(len(log.read_text().splitlines()), 3)
        self.assertTrue((self.folder / "client.yaml").exists())

    def test_wrong_use_is_one_line(self):
        for arguments in (["learn"], ["learn", "--log", "/nonexistent"], ["learn", "--lab", "x"],
                          ["learn", "--lab", "--port", "70000"]):
            with self.subTest(arguments=arguments):
                done = handset(*arguments)
                self.assertEqual(done.returncode, 2)
                self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)


if __name__ == "__main__":
    unittest.main()
