"""Holds handset's predictions against real clients.

Every client connects to every case of `handset lab`; what it does is compared with what the profile
of that client predicts. Prints the table of agreement, and each disagreement. `--again` predicts for
the observations that are in DIR, without any client. `--readme` publishes what came out. Exit status 0: the aims below are met. With
--quick the aims are for the whole only; there it is 0 when nothing disagrees that known.json does not
list, after a second try.

--hold-out SEEDS: a profile is learned anew from one half of each client's cases, with at most 150
connections and the profiles of the clients of other libraries to go by, and predicts the other half.
A seed chooses the halves; of several, all predictions count together, so that no lucky one decides.
"""
import argparse
import collections
import concurrent.futures
import json
import pathlib
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import agreement  # noqa: E402
import clients as real  # noqa: E402
import observe  # noqa: E402
import show  # noqa: E402

AIM_ALL = 0.99
AIM_EACH = 0.97
AIM_ALERTS = 0.95
AIM_HELD_OUT = 0.95
AIM_HELD_OUT_CLIENTS = 6
QUICK_STEP = 7  # every seventh case
KNOWN = HERE / "known.json"


def seeds(text):
    chosen = [int(word) for word in text.split(",")]
    if len(set(chosen)) != len(chosen) or min(chosen) < 0:
        raise argparse.ArgumentTypeError("numbers from 0, each once, separated by commas")
    return chosen


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clients", help="ids, separated by commas (default: all)")
    parser.add_argument("--only", action="append", default=[], metavar="GLOB", help="cases")
    parser.add_argument("--quick", action="store_true",
                        help=f"every {QUICK_STEP}th case only")
    parser.add_argument("--observations", metavar="DIR", type=pathlib.Path,
                        default=observe.ROOT / "build/fidelity/observations",
                        help="where observations are kept (default: build/fidelity/observations)")
    parser.add_argument("--drivers", metavar="DIR", type=pathlib.Path,
                        default=observe.ROOT / "build/fidelity/drivers",
                        help="where drivers are built (default: build/fidelity/drivers)")
    parser.add_argument("--again", action="store_true", help="predict anew, without clients")
    parser.add_argument("--jobs", type=int, default=2, help="clients at the same time (default: 2)")
    parser.add_argument("--write-known", action="store_true",
                        help="keep the disagreements in tests/fidelity/known.json")
    parser.add_argument("--hold-out", metavar="SEEDS", type=seeds,
                        help="learn from one half of the cases, predict the other, for each of these "
                        "seeds (4,5,6); takes minutes")
    parser.add_argument("--json", metavar="FILE", type=pathlib.Path)
    parser.add_argument("--page", metavar="FILE", type=pathlib.Path)
    parser.add_argument("--picture", metavar="FILE", type=pathlib.Path)
    parser.add_argument("--readme", metavar="FILE", type=pathlib.Path,
                        help="write the table into FILE, and agreement.json, known.json and "
                        "agreement.svg of tests/fidelity; of all clients and cases only")
    arguments = parser.parse_args()
    if arguments.readme and (arguments.clients or arguments.only or arguments.quick):
        parser.error("--readme is of all clients and cases: no --clients, --only or --quick")
    return arguments


def quick_cases():
    cases = json.loads(observe.run_handset("lab", "--list", "--format", "json"))["cases"]
    return [case["case"] for case in cases[::QUICK_STEP]]


def progress(text):
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def watch(client, arguments, only):
    """Observations of one client, kept in a file; or why there are none."""
    missing = client.available()
    if missing:
        return missing
    with client:
        client.build(arguments.drivers)
        version = client.version()
        observations = observe.observe(client, only, progress)
    observe.keep(arguments.observations, client, version, observations)
    return None


def compare(run):
    """One client's row: counts, by area, and what disagrees."""
    observations = observe.predict(run["observations"], run["profile"])
    areas = collections.defaultdict(lambda: [0, 0])
    row = {"client": run["client"], "profile": run["profile"], "version": run["version"],
           "date": run["date"], "cases": 0, "agree": 0, "alert_cases": 0, "alert_agree": 0,
           "not_shown": len(run["not_shown"]), "wrong_connects": 0, "disagreements": [], "alert_disagreements": []}
    for observation in observations:
        prediction = observation.get("prediction")
        if prediction is None:
            continue
        reality = observe.truth(observation)
        alert = observe.sent_alert(observation)
        area = observation["case"].split("/")[0]
        row["cases"] += 1
        areas[area][1] += 1
        told = {"case": observation["case"], "predicted": prediction["outcome"],
                "decided_by": prediction["decided_by"], "detail": prediction["detail"],
                "accepted": reality, "alert": alert, "predicted_alert": prediction["alert"],
                "error": observation["client"]["error"]}
        if reality is not None and prediction["accepted"] == reality:
            row["agree"] += 1
            areas[area][0] += 1
        else:
            row["disagreements"].append(told)
            row["wrong_connects"] += prediction["accepted"] is True
        if reality is False and alert is not None:
            row["alert_cases"] += 1
            if prediction["alert"] == alert:
                row["alert_agree"] += 1
            else:
                row["alert_disagreements"].append(told)
    row["areas"] = {area: {"agree": agree, "cases": cases}
                    for area, (agree, cases) in sorted(areas.items())}
    return row


def hold_out(client, folder, seed):
    """What `handset learn` foresees of one half of a client's cases, having seen the other."""
    like = [word for profile in real.profiles_of_others(client) for word in ("--like", profile)]
    return json.loads(observe.run_handset(
        "learn", "--log", folder / f"{client.id}.jsonl", "--hold-out", seed, "--format", "json",
        *like))


def together(results):
    """Of several seeds: counts are added up, and the cases told that came out wrong, how often."""
    wrong = collections.Counter(case for result in results for case in result["wrong"])
    return {
        "asked": max(result["asked"] for result in results),
        **{key: sum(result[key] for result in results)
           for key in ("cases", "agree", "unseen", "unseen_agree")},
        "wrong": dict(wrong.most_common()),
        "seeds": [{key: result[key] for key in ("seed", "cases", "agree")} for result in results],
    }


def hold_out_all(rows, arguments):
    """Adds "held_out" to each row."""
    chosen = real.clients([row["client"] for row in rows])
    with concurrent.futures.ThreadPoolExecutor(max(1, arguments.jobs)) as pool:
        waiting = [[pool.submit(hold_out, client, arguments.observations, seed)
                    for seed in arguments.hold_out] for client in chosen]
        for row, results in zip(rows, waiting):
            row["held_out"] = together([result.result() for result in results])
            progress(f"{row['client']}: held out")
    progress("")


def held_out_missed(rows):
    foreseen = sum(row["held_out"]["agree"] >= AIM_HELD_OUT * row["held_out"]["cases"] > 0
                   for row in rows)
    if foreseen < min(AIM_HELD_OUT_CLIENTS, len(rows)):
        return [f"held-out cases are foreseen to {AIM_HELD_OUT:.0%} of {foreseen} clients only, "
                f"not of {min(AIM_HELD_OUT_CLIENTS, len(rows))}"]
    return []


def aims_missed(rows):
    missed = []
    cases = sum(row["cases"] for row in rows)
    if cases == 0:
        return ["nothing was compared"]
    if sum(row["agree"] for row in rows) < AIM_ALL * cases:
        missed.append(f"agreement of all is below {AIM_ALL:.0%}")
    alert_cases = sum(row["alert_cases"] for row in rows)
    if sum(row["alert_agree"] for row in rows) < AIM_ALERTS * alert_cases:
        missed.append(f"alerts agree in less than {AIM_ALERTS:.0%}")
    for row in rows:
        if row["agree"] < AIM_EACH * row["cases"]:
            missed.append(f"{row['client']} is below {AIM_EACH:.0%}")
        if row["wrong_connects"]:
            missed.append(f"{row['client']}: {row['wrong_connects']} wrong 'connects'")
    return missed


def known_disagreements():
    return {client: set(cases) for client, cases in json.loads(KNOWN.read_text()).items()}


def unlisted(rows):
    """(client, cases) that disagree and are not listed."""
    known = known_disagreements()
    for row in rows:
        new = sorted({told["case"] for told in row["disagreements"]}
                     - known.get(row["client"], set()))
        if new:
            yield row["client"], new


def try_again(rows, arguments):
    """What still disagrees and is not listed: a loaded machine may have kept a client waiting."""
    for name, cases in list(unlisted(rows)):
        client = real.clients([name])[0]
        with client:
            client.build(arguments.drivers)
            run = {"client": name, "profile": client.profile, "version": client.version(),
                   "date": "", "not_shown": [], "observations": observe.observe(client, cases)}
        for _, still in unlisted([compare(run)]):
            for case in still:
                yield f"{name}: {case} disagrees and is not in known.json"


def main():
    arguments = read_arguments()
    ids = arguments.clients.split(",") if arguments.clients else None
    chosen = real.clients(ids)
    only = quick_cases() if arguments.quick else arguments.only
    if not arguments.again:
        with concurrent.futures.ThreadPoolExecutor(max(1, arguments.jobs)) as pool:
            waiting = {pool.submit(watch, client, arguments, only): client for client in chosen}
            for done in concurrent.futures.as_completed(waiting):
                missing = done.result()
                if missing:
                    print(f"{waiting[done].id}: left out: {missing}", file=sys.stderr)
        progress("")
    rows = []
    for client in chosen:
        run = observe.kept(arguments.observations, client)
        if run is None:
            continue
        try:
            rows.append(compare(run))
        except observe.HandsetError as error:
            print(f"{client.id}: left out: {error}", file=sys.stderr)
    if arguments.hold_out is not None:
        hold_out_all(rows, arguments)
    print(show.table(rows))
    print(show.disagreements(rows))
    if arguments.hold_out is not None:
        print(show.held_out(rows))
    if arguments.json:
        arguments.json.write_text(agreement.as_json({"schema": 1, "clients": rows}))
    if arguments.page:
        arguments.page.write_text(show.page(rows))
    if arguments.picture:
        arguments.picture.write_text(show.picture(rows))
    if arguments.write_known:
        KNOWN.write_text(agreement.as_json(agreement.known(rows)))
    if arguments.readme:
        try:
            agreement.publish(rows, [client.id for client in chosen], arguments.readme)
        except (agreement.NotPublished, OSError) as error:
            sys.exit(f"{arguments.readme}: not written: {error}")
    missed = list(try_again(rows, arguments)) if arguments.quick else aims_missed(rows)
    if arguments.hold_out is not None:
        missed += held_out_missed(rows)
    if not rows:
        missed.append("nothing was compared")
    for line in missed:
        print(f"missed: {line}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
