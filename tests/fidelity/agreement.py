"""What is published of a comparison: the table in README.md, and beside it agreement.json, known.json
and agreement.svg. All four are written at once, so that they say the same; agreement_test.py looks.
"""
import json
import pathlib

import observe
import show

HERE = pathlib.Path(__file__).resolve().parent
BEGIN = "<!-- agreement: tests/fidelity/run --readme README.md writes this -->"
END = "<!-- end of agreement -->"
COUNTS = ("cases", "agree", "alert_cases", "alert_agree", "not_shown", "wrong_connects")


class NotPublished(Exception):
    """Why; one line."""


def summary(rows):
    """The rows without the single disagreements."""
    keys = ("client", "profile", "version", "date", *COUNTS, "areas")
    return {"schema": 1, "clients": [{key: row[key] for key in keys} for row in rows]}


def known(rows):
    """The cases that disagree, by client."""
    return {row["client"]: sorted(told["case"] for told in row["disagreements"]) for row in rows}


def as_json(value):
    return json.dumps(value, indent=1) + "\n"


def part(count, whole):
    return f"{count:,} of {whole:,} ({show.share(count, whole)})" if whole else "-"


def cell(text):
    return text.replace("|", "\\|").replace("\n", " ")


def block(rows):
    """What stands between the markers: the sums in words, and a line for each client."""
    sums = {key: sum(row[key] for row in rows) for key in COUNTS}
    dates = sorted({row["date"] for row in rows})
    least = min(rows, key=lambda row: row["agree"] / row["cases"])
    lines = [
        f"{f'On {dates[0]}' if len(dates) == 1 else f'From {dates[0]} to {dates[-1]}'}: accept or "
        f"refuse as predicted in {sums['agree']:,} of {sums['cases']:,} cases "
        f"({show.share(sums['agree'], sums['cases'])}), the same alert in",
        f"{part(sums['alert_agree'], sums['alert_cases'])}; {sums['wrong_connects']:,} times "
        "`connects` was predicted of a client that refuses.",
        f"{least['client']} is the least understood ({show.share(least['agree'], least['cases'])}).",
        "", "| client | version | profile | agree | alerts | date |", "|---|---|---|---|---|---|"]
    for row in rows:
        cells = [row["client"], row["version"], f"`{row['profile']}`",
                 part(row["agree"], row["cases"]), part(row["alert_agree"], row["alert_cases"]),
                 row["date"]]
        lines.append("| " + " | ".join(map(cell, cells)) + " |")
    lines.append(f"| all | | | {part(sums['agree'], sums['cases'])} | "
                 f"{part(sums['alert_agree'], sums['alert_cases'])} | |")
    return "\n".join(lines) + "\n"


def put_in(text, rows):
    """The text with a new block between its markers."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise NotPublished(f"the table goes between one line '{BEGIN}' and one '{END}'")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n{block(rows)}{END}{after}"


def refuse_parts(rows, ids):
    """Raises unless the rows are of all clients, and every client was to be shown the same."""
    missing = sorted(set(ids) - {row["client"] for row in rows})
    if missing:
        raise NotPublished(f"nothing was compared of {', '.join(missing)}")
    asked = {row["cases"] + row["not_shown"] for row in rows}
    if len(asked) != 1 or not all(row["cases"] for row in rows):
        numbers = ", ".join(f"{row['client']} {row['cases'] + row['not_shown']}" for row in rows)
        raise NotPublished(f"the clients were not asked the same number of cases: {numbers}")


def publish(rows, ids, readme, folder=HERE):
    refuse_parts(rows, ids)
    text = put_in(readme.read_text(encoding="utf-8"), rows)  # raises before anything is written
    observe.write_whole(readme, text)
    observe.write_whole(folder / "agreement.json", as_json(summary(rows)))
    observe.write_whole(folder / "known.json", as_json(known(rows)))
    observe.write_whole(folder / "agreement.svg", show.picture(rows))
