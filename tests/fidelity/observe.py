"""Shows the lab's cases to real clients, and has handset predict what they would do.

An observation is one line of the lab's log with a key more: "client": {"accepted", "error"}, what the
client itself says. Observations are kept in files, so that predictions can be made again without
the clients.
"""
import contextlib
import datetime
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
LAB_START_SECONDS = 120
LAB_END_SECONDS = 20
SILENCE_SECONDS = 3  # after which the lab gives up on a silent client, and the cases are silent


def program():
    """The program under test: as tests/run says, else what ./handset has built."""
    named = os.environ.get("HANDSET_PROGRAM")
    return pathlib.Path(named) if named else ROOT / "build/release/handset"


class HandsetError(Exception):
    """In handset's own words."""


def run_handset(*arguments):
    environment = dict(os.environ, HANDSET_HOME=str(ROOT))
    done = subprocess.run([str(program()), *map(str, arguments)], env=environment,
                          capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        raise HandsetError(done.stderr.strip() or f"status {done.returncode}")
    return done.stdout


class Lab:
    """`handset lab` with its cases on ports of their own."""

    def __init__(self, only=()):
        self._only = [word for glob in only for word in ("--only", glob)]

    def __enter__(self):
        self._stack = contextlib.ExitStack()
        self.folder = pathlib.Path(
            self._stack.enter_context(tempfile.TemporaryDirectory(prefix="handset-lab-")))
        self.log = self.folder / "log.jsonl"
        run_handset("lab", "--export", self.folder / "cases", *self._only)
        ports = self.folder / "ports.json"
        self._process = subprocess.Popen(
            [str(program()), "lab", "--ports", str(ports), "-o", str(self.log), "--quiet",
             "--timeout", str(SILENCE_SECONDS), *self._only],
            env=dict(os.environ, HANDSET_HOME=str(ROOT)), stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE)
        self._stack.callback(self._end)
        deadline = time.monotonic() + LAB_START_SECONDS
        while not ports.exists():
            if self._process.poll() is not None:
                raise RuntimeError(f"handset lab: {self._process.stderr.read().decode().strip()}")
            if time.monotonic() > deadline:
                raise RuntimeError("handset lab did not start")
            time.sleep(0.05)
        self.cases = json.loads(ports.read_text())["cases"]
        return self

    def __exit__(self, *_):
        self._stack.close()

    def _end(self):
        if self._process.returncode is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(LAB_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stderr.close()

    def roots(self, case):
        return self.folder / "cases" / case / "roots.pem"

    def stop(self):
        """Ends the lab; every connection is in its log then, which is returned."""
        self._end()
        with open(self.log, encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]


def observe(client, only=(), progress=lambda text: None):
    """What `client` does with each case: a list of observations, one a case."""
    said = {}
    with Lab(only) as lab:
        for number, case in enumerate(lab.cases, 1):
            progress(f"{client.id}: {number} of {len(lab.cases)} {case['case']}")
            try:
                outcome = client.connect(case["port"], case["host"], lab.roots(case["case"]))
            except ValueError as error:  # a name that no URL can hold
                said[case["case"]] = {"accepted": None, "error": str(error)}
                continue
            said[case["case"]] = {"accepted": outcome.accepted, "error": outcome.error}
        connections = lab.stop()
        hosts = {case["case"]: case["host"] for case in lab.cases}
    # A client may try again; what it said last is about its last attempt that got anywhere.
    last = {}
    order = ("nothing", "hello", "flight", "client-key-exchange", "finished", "request")
    for connection in connections:
        known = last.get(connection["case"])
        if known is None or order.index(connection["reached"]) >= order.index(known["reached"]):
            last[connection["case"]] = connection
    observations = []
    for case, words in said.items():
        observation = dict(last.get(case, {"case": case, "reached": "nothing", "alerts": []}))
        observation["host"] = hosts[case]
        observation["client"] = words
        observations.append(observation)
    return observations


def keep(folder, client, version, observations):
    """FOLDER/<client>.jsonl, which `handset learn --log` reads too, and what goes with it."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / f"{client.id}.jsonl",
                "".join(json.dumps(o) + "\n" for o in observations if "hello" in o))
    write_whole(folder / f"{client.id}.json",
                json.dumps({"client": client.id, "profile": client.profile, "version": version,
                            "date": datetime.date.today().isoformat(),
                            "not_shown": [o["case"] for o in observations if not was_shown(o)]},
                           indent=1) + "\n")


def kept(folder, client):
    """What keep() has written, with "observations"; None when there is nothing."""
    about = folder / f"{client.id}.json"
    log = folder / f"{client.id}.jsonl"
    if not about.exists() or not log.exists():
        return None
    run = json.loads(about.read_text())
    with open(log, encoding="utf-8") as lines:
        run["observations"] = [json.loads(line) for line in lines]
    return run


def write_whole(file, text):
    beside = file.with_name(file.name + ".part")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, file)


def predict(observations, profile):
    """The same list with "prediction" in each that the lab could show."""
    shown = [o for o in observations if was_shown(o)]
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as log:
        for observation in shown:
            log.write(json.dumps(observation) + "\n")
        log.flush()
        judged = run_handset("lab", "--judge", log.name, "--device", profile)
    by_case = {}
    for line in judged.splitlines():
        entry = json.loads(line)
        by_case[entry["case"]] = entry["predictions"][0]
    return [dict(o, prediction=by_case.get(o["case"])) for o in observations]


def was_shown(observation):
    return observation["reached"] not in ("nothing", "hello")


def truth(observation):
    """Whether the client accepted; None when nobody can tell."""
    # The server had no key for this flight, so that no client can finish it: going on is accepting.
    if not observation["can_finish"] and observation["reached"] == "client-key-exchange":
        return True
    said = observation["client"]["accepted"]
    return observation["accepted"] if said is None else said


def sent_alert(observation):
    """Name of the alert with which the client stopped, or None."""
    for alert in observation["alerts"]:
        if alert["name"] != "close_notify":
            return alert["name"]
    return None
