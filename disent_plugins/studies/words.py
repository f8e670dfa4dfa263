"""An item's document as a table for people: Markdown and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

_CSV = (
    "item", "budget", "run", "data", "metric", "value", "seeds", "measured", "low", "high", "floor", "ceiling", "n",
    "unit", "paper", "tolerance", "goal", "than", "verdict", "why",
)  # fmt: skip


Written = Callable[[Mapping[str, Any]], str]
"""A value of a document's row, ``found``, in letters."""


def values_table(document: Mapping[str, Any], written: Written) -> tuple[list[str], list[list[str]]]:
    """Heads and lines of the table of values: metric, value, a column for each run, chance level, ceiling."""
    runs = [name for name, run in document["runs"].items() if not run["missing"]]
    found = {(row["run"], row["metric"], row["value"]): row["found"] for row in document["rows"] if row["found"]}
    names = list(dict.fromkeys((metric, value) for _, metric, value in found))
    lines = []
    for metric, value in sorted(names, key=lambda name: [metric for metric, _ in names].index(name[0])):
        of = [found.get((run, metric, value)) for run in runs]
        points = [_points([one[end] for one in of if one]) for end in ("floor", "ceiling")]
        arrow = {"up": " ↑", "down": " ↓"}.get(next(one for one in of if one)["better"], "")
        lines.append([metric, f"{value}{arrow}", *(written(one) if one else "–" for one in of), *points])
    return ["metric", "value", *runs, "chance", "ceiling"], lines


def _points(values: Sequence[float | None]) -> str:
    """A reference point of several runs; of a classifier that is judged anew it may differ."""
    known = sorted({number(value) for value in values if value is not None})
    return known[0] if len(known) == 1 else f"{known[0]} to {known[-1]}" if known else ""


def with_interval(found: Mapping[str, Any]) -> str:
    """Value and 95 % interval: ``0.955 (0.951 to 0.959)``."""
    ends = f" ({number(found['low'])} to {number(found['high'])})" if found["low"] is not None else ""
    return f"{number(found['value'])}{ends}"


def with_half_width(found: Mapping[str, Any]) -> str:
    """Value and the larger side of its 95 % interval: ``0.955 ±0.004``."""
    if found["low"] is None:
        return number(found["value"])
    return f"{number(found['value'])} ±{number(max(found['high'] - found['value'], found['value'] - found['low']))}"


def verdicts(document: Mapping[str, Any]) -> list[list[str]]:
    """A line for each value of which something is expected, as ``VERDICT_HEADS``."""
    return [
        [
            row["run"],
            f"{row['metric']} {row['value']}",
            with_interval(row["found"]) if row["found"] else "–",
            _expected(row["expected"], row["found"] or {}),
            row["verdict"] + (f": {row['why']}" if row["why"] else ""),
        ]
        for row in document["rows"]
        if row["expected"]
    ]


VERDICT_HEADS = ("run", "value", "measured", "expected", "verdict")


def _expected(expected: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    if expected.get("paper") is not None:
        return f"{number(expected['paper'])} (paper)"
    if expected.get("goal") is not None:
        return f"{'≤' if found.get('better') == 'down' else '≥'} {number(expected['goal'])}"
    if expected.get("than") is not None:
        instead = f" {expected['instead']}" if expected.get("instead") else ""
        return f"better than {expected['than']}{instead}"
    return ""


def number(value: float | None) -> str:
    """Three digits behind the point, one for numbers of ten and more; nothing for None."""
    if value is None:
        return ""
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"


def markdown(document: Mapping[str, Any]) -> str:
    """A page of one item."""
    lines = [f"# {document['title']}", "", head(document), ""]
    lines += [f"- {line}" for line in (*run_lines(document), *document["readings"])]
    return "\n".join([*lines, *tables(document)]) + "\n"


def head(document: Mapping[str, Any]) -> str:
    """How a document was made."""
    words = document["budget_words"]
    return f"{words[:1].upper()}{words[1:]}, {document['date']}: `{document['command']}`."


def tables(document: Mapping[str, Any]) -> list[str]:
    """The verdicts, the values and the figure of an item as lines of Markdown."""
    lines: list[str] = []
    if document["rows"]:
        lines += ["", *markdown_table(VERDICT_HEADS, verdicts(document))] if verdicts(document) else []
        lines += ["", NOTE, "", *markdown_table(*values_table(document, with_interval))]
    if document["figure"]:
        lines += ["", f"![{document['title']}]({document['figure']})"]
    return lines


NOTE = (
    "In brackets: the 95 % interval, of the mean over seeds from three seeds on, of two their range, otherwise of one "
    "run over its test images. Values without a verdict have no number in the paper."
)


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return ["| " + " | ".join(row) + " |" for row in (heads, ["---"] * len(heads), *cells)]


def run_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """What every row is of: a line for each run."""
    for name, run in document["runs"].items():
        stands = f", in place of {run['stands_in_for']}" if run["stands_in_for"] else ""
        if run["missing"]:
            yield f"{name}: not measured. {run['missing']}"
            continue
        first = run["seeds"][0]
        settings = first["settings"]
        minutes = " + ".join(f"{seed['seconds'] / 60:.1f}" for seed in run["seeds"])
        seeds = ", ".join(str(seed["settings"]["seed"]) for seed in run["seeds"])
        days = " and ".join(dict.fromkeys(seed["date"] for seed in run["seeds"]))
        more = f" of {run['seeds_asked_for']} that were asked for" if len(run["seeds"]) < run["seeds_asked_for"] else ""
        unlike = f"; unlike the paper's, {', '.join(run['unlike_paper'])}" if run["unlike_paper"] else ""
        yield (
            f"{name}: `{run['model']}` on {run['data']}{stands}, {first['epochs']} epochs of batches of "
            f"{settings['batch_size']}, {first['precision']}, seeds "
            f"{seeds}{more}; trained until {days} in {minutes} minutes on {first['machine']}{unlike}"
        )


def comma_separated(document: Mapping[str, Any]) -> str:
    """The rows as CSV, a line for each."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _CSV, lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    for row in document["rows"]:
        found, expected = row["found"] or {}, row["expected"] or {}
        run = document["runs"][row["run"]]
        points = {key: found.get(key) for key in ("low", "high", "floor", "ceiling", "n", "unit")}
        asked = {key: expected.get(key) for key in ("paper", "tolerance", "goal", "than")}
        writer.writerow({**document, **run, **asked, **points, **row, "measured": found.get("value")})
    return text.getvalue()
