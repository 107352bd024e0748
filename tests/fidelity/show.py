"""The comparison of predictions and reality as text, as a page, and as a picture."""
import html


def share(part, whole):
    return "-" if whole == 0 else f"{100 * part / whole:.1f} %"


def areas_of(rows):
    return sorted({area for row in rows for area in row["areas"]})


def table(rows):
    areas = areas_of(rows)
    head = ["client", "profile", "agree", "alerts", *areas]
    lines = [head]
    for row in rows:
        cells = [row["client"], row["profile"],
                 f"{row['agree']}/{row['cases']} {share(row['agree'], row['cases'])}",
                 f"{row['alert_agree']}/{row['alert_cases']} "
                 f"{share(row['alert_agree'], row['alert_cases'])}"]
        for area in areas:
            count = row["areas"].get(area)
            cells.append(f"{count['agree']}/{count['cases']}" if count else "-")
        lines.append(cells)
    sums = {key: sum(row[key] for row in rows)
            for key in ("agree", "cases", "alert_agree", "alert_cases")}
    total = ["all", "", f"{sums['agree']}/{sums['cases']} {share(sums['agree'], sums['cases'])}",
             f"{sums['alert_agree']}/{sums['alert_cases']} "
             f"{share(sums['alert_agree'], sums['alert_cases'])}"]
    for area in areas:
        agree = sum(row["areas"].get(area, {"agree": 0})["agree"] for row in rows)
        cases = sum(row["areas"].get(area, {"cases": 0})["cases"] for row in rows)
        total.append(f"{agree}/{cases}")
    lines.append(total)
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
                     for line in lines)


def word(accepted):
    return {True: "accepts", False: "refuses", None: "says nothing"}[accepted]


def disagreements(rows):
    lines = []
    for row in rows:
        for told in row["disagreements"]:
            lines.append(f"{row['client']}: {told['case']}: predicted {told['predicted']} "
                         f"({told['decided_by']}: {told['detail']}), {word(told['accepted'])}"
                         f" ({told['alert'] or 'no alert'}; {told['error']})")
        for told in row["alert_disagreements"]:
            lines.append(f"{row['client']}: {told['case']}: alert {told['alert']}, predicted "
                         f"{told['predicted_alert'] or 'none'} ({told['decided_by']})")
    return "\n".join(lines)


HELD_OUT_NOTE = ("Held out: a profile learned from one half of the cases, with the connections "
                 "given, predicts the other half. The profiles of the other clients, which it is "
                 "filled up from, have been learned from all of these cases, those held out "
                 "included; clients of the same library are left out.")


def held_out_cells(row):
    """Client, connections, agreement, and that where a case of the rule was asked and was not."""
    result = row["held_out"]
    parts = ((result["agree"], result["cases"]),
             (result["agree"] - result["unseen_agree"], result["cases"] - result["unseen"]),
             (result["unseen_agree"], result["unseen"]))
    by_seed = " ".join(share(one["agree"], one["cases"]).removesuffix(" %")
                       for one in result["seeds"])
    return [row["profile"], str(result["asked"]),
            *(f"{part}/{whole} {share(part, whole)}" for part, whole in parts), by_seed]


def held_out_head(rows):
    seeds = ", ".join(str(one["seed"]) for one in rows[0]["held_out"]["seeds"])
    return ["client", "connections", "held out", "rule asked", "rule not asked",
            f"percent by seed ({seeds})"]


def held_out(rows):
    lines = [held_out_head(rows), *map(held_out_cells, rows)]
    widths = [max(map(len, column)) for column in zip(*lines)]
    return "\n".join([HELD_OUT_NOTE, *(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip()
        for line in lines)])


def held_out_section(rows):
    """As HTML; empty when nothing was held out."""
    measured = [row for row in rows if "held_out" in row]
    if not measured:
        return ""
    body = [f"<h2>What is foreseen</h2><p>{html.escape(HELD_OUT_NOTE)}</p><table><tr>",
            *(f"<th>{cell}" for cell in held_out_head(measured)), "<th>wrong</tr>"]
    for row in measured:
        wrong = ", ".join(f"{case} ({times})" for case, times in row["held_out"]["wrong"].items())
        cells = [*held_out_cells(row), wrong]
        body.append("<tr>" + "".join(f"<td>{html.escape(cell)}" for cell in cells) + "</tr>")
    return "".join(body) + "</table>"


def colour(agree, cases):
    """White to red for what is wrong, from none to a tenth."""
    wrong = min(1.0, 10 * (cases - agree) / cases)
    return f"rgb(255,{round(255 - 150 * wrong)},{round(255 - 150 * wrong)})" if wrong else "#dff3e4"


def picture(rows):
    """Client by area as SVG."""
    areas = areas_of(rows)
    left, top, width, height = 150, 90, 62, 24
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" font-size="12" '
             f'width="{left + (len(areas) + 1) * width + 10}" '
             f'height="{top + len(rows) * height + 10}">',
             '<rect width="100%" height="100%" fill="white"/>']

    def cell(column, line, agree, cases, bold=False):
        x, y = left + column * width, top + line * height
        weight = ' font-weight="bold"' if bold else ""
        parts.append(f'<rect x="{x}" y="{y}" width="{width - 2}" height="{height - 2}" '
                     f'fill="{colour(agree, cases)}"/><text x="{x + width / 2 - 1}" y="{y + 15}" '
                     f'text-anchor="middle"{weight}>{agree}/{cases}</text>')

    for column, area in enumerate(["all", *areas]):
        x = left + column * width + width / 2
        parts.append(f'<text transform="translate({x},{top - 8}) rotate(-45)">{area}</text>')
    for line, row in enumerate(rows):
        parts.append(f'<text x="{left - 8}" y="{top + line * height + 15}" text-anchor="end">'
                     f'{html.escape(row["profile"])}</text>')
        cell(0, line, row["agree"], row["cases"], bold=True)
        for column, area in enumerate(areas, 1):
            count = row["areas"].get(area)
            if count:
                cell(column, line, count["agree"], count["cases"])
    parts.append("</svg>")
    return "\n".join(parts) + "\n"


def page(rows):
    body = [f"<h1>What was predicted, and what real clients do</h1>{picture(rows)}",
            "<table><tr><th>client<th>version<th>date<th>cases<th>agree<th>alerts agree<th>not "
            "shown</tr>"]
    for row in rows:
        body.append(
            f"<tr><td>{html.escape(row['profile'])}<td>{html.escape(row['version'])}"
            f"<td>{row['date']}<td>{row['cases']}<td>{share(row['agree'], row['cases'])}"
            f"<td>{share(row['alert_agree'], row['alert_cases'])} of {row['alert_cases']}"
            f"<td>{row['not_shown']}</tr>")
    body.append("</table>" + held_out_section(rows))
    body.append("<h2>Where they disagree</h2><table><tr><th>client<th>case<th>predicted"
                "<th>by<th>reality<th>alert<th>the client's words</tr>")
    for row in rows:
        for told in row["disagreements"] + row["alert_disagreements"]:
            cells = [row["profile"], told["case"],
                     f"{told['predicted']} {told['predicted_alert'] or ''}",
                     f"{told['decided_by'] or ''}: {told['detail'] or ''}", word(told["accepted"]),
                     told["alert"] or "", told["error"]]
            body.append("<tr>" + "".join(f"<td>{html.escape(cell)}" for cell in cells) + "</tr>")
    body.append("</table>")
    style = ("body{font:14px sans-serif;margin:2em}table{border-collapse:collapse}"
             "td,th{border:1px solid #ccc;padding:3px 6px;text-align:left;vertical-align:top}")
    return ("<!doctype html><meta charset=utf-8><title>handset: fidelity</title>"
            f"<style>{style}</style>{''.join(body)}\n")
