"""Models side by side: their values over seeds, and which differences are real. Reads documents alone, no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from itertools import combinations
from pathlib import Path
from statistics import fmean, median

import numpy as np

from disent_plugins.contracts import Items, Value
from disent_plugins.errors import UsageError, suggestion
from disent_plugins.measuring.documents import value_of
from disent_plugins.measuring.items import ITEMS, read_items
from disent_plugins.measuring.kept import KeptRun
from disent_plugins.measuring.means import mean_value
from disent_plugins.studies.comparable import Runs, by_data, differing, document_of, rows_of
from disent_plugins.studies.comparison import Cell, Column, Comparison, Row
from disent_plugins.studies.difference import LEVEL, Difference, holm, of_intervals, on_items, over_seeds

DEFAULT = (
    ("probe", "content/mean/strong"), ("probe", "style/mean/strong"), ("probe", "style/sample/paper"),
    ("leakage", "leakage"), ("swap", "keeps-content"), ("swap", "takes-style"), ("exact-swap", "psnr"),
    ("retrieval", "precision-at-1"), ("reconstruction", "sse"), ("mig", "mig"), ("dci", "disentanglement"),
    ("probe", "style/kl"), ("probe", "style/active_units"),
)  # fmt: skip
"""Metric and value of the columns unless others are asked for; those that no run has are left out."""

FLOOR_MODEL = "vae"
"""The plain two-block model that every table should have."""

Pair = tuple[int, int]
"""Places of two rows."""


def compare(
    runs: Sequence[KeptRun], *, values: Sequence[str] = (), groups: Sequence[str] = (), force: bool = False
) -> list[Comparison]:
    """Compare measured runs, one table for every data set.

    Args:
        runs: Of any models and data sets.
        values: Columns: names of values, ``METRIC VALUE``, or of metrics for all of theirs; none for ``DEFAULT``.
        groups: Columns: all values of metrics of these groups.
        force: Put values together that were measured in different ways, and mark them.

    Raises:
        UsageError: Nothing was measured, no run has a value that was asked for, two runs are of the same settings and
            seed, or documents of a column differ in metric version, options or data.
    """
    made = []
    for data, those in by_data(runs).items():
        usable, notes = _usable(those)
        if usable:
            made.append(_compare(data, usable, notes, list(values), list(groups), force))
    if not made:
        raise UsageError(
            "There is nothing to compare.",
            "None of these runs is trained to its end and measured.",
            "Measure them with: disent metrics all RUN",
        )
    for name in (*values, *groups):
        if not any(name in (*_names(column), *_groups(runs, column)) for one in made for column in one.columns):
            known = {other for run in runs for of, value in _values(run) for other in (value, of, f"{of} {value}")}
            raise UsageError(f"No run has a value '{name}'.", suggestion(name, sorted(known)))
    return made


def _usable(runs: Sequence[KeptRun]) -> tuple[list[KeptRun], list[str]]:
    usable, notes = [], []
    for run in runs:
        if run.state == "begun":
            notes.append(f"Left out: {run.path.name}, which is trained for {run.done} of {run.planned} epochs.")
        elif not any(document_of(run, name) for name in run.documents):
            notes.append(f"Left out: {run.path.name}, which is not measured.")
        else:
            usable.append(run)
    return usable, notes


def _compare(
    data: str, runs: list[KeptRun], notes: list[str], values: list[str], groups: list[str], force: bool
) -> Comparison:
    rows = rows_of(runs)
    columns, cells = [], []
    different: dict[str, list[str]] = {}
    chosen = _chosen(runs, values, groups)
    names = [value for _, value in chosen]
    for metric, value in chosen:
        if metric not in different:
            different[metric] = differing(runs, metric)
        if different[metric] and not force:
            raise UsageError(
                f"These runs were not measured alike, so that their values of '{metric}' are not comparable.",
                "\n".join(f"  {line}" for line in different[metric]),
                "Measure them again with one version and the same options, or put them together with: --force",
            )
        column, made = _column(rows, metric, value, tuple(different[metric]))
        if names.count(value) > 1 and value != metric:
            column = replace(column, heading=f"{metric} {value}")
        columns.append(column)
        cells.append(made)
    table = tuple(
        Row(
            row.label,
            row.model,
            tuple(run.seed for run in row.runs),
            row.runs[0].planned,
            fmean(run.seconds for run in row.runs),
            tuple(of[place] for of in cells),
        )
        for place, row in enumerate(rows)
    )
    return Comparison(data, tuple(columns), table, (*notes, *_notes(rows, columns)))


def _values(run: KeptRun) -> list[tuple[str, str]]:
    return [
        (name, value) for name, found in run.documents.items() if document_of(run, name) for value in found["values"]
    ]


def _chosen(runs: Sequence[KeptRun], values: Sequence[str], groups: Sequence[str]) -> list[tuple[str, str]]:
    """Metric and value of the columns."""
    known = list(dict.fromkeys(pair for run in runs for pair in _values(run)))
    if not values and not groups:
        telling = [pair for pair in known if not all(_pointless(run, *pair) for run in runs)]
        return [pair for pair in DEFAULT if pair in telling] or telling[:12]
    found: list[tuple[str, str]] = []
    for name in values:
        exact = [(metric, value) for metric, value in known if name in (value, f"{metric} {value}")]
        found += exact or [pair for pair in known if pair[0] == name]
    of = {name: str(document.get("group")) for run in runs for name, document in run.documents.items()}
    found += [pair for pair in known if of[pair[0]] in groups]
    return list(dict.fromkeys(found))


def _pointless(run: KeptRun, metric: str, value: str) -> bool:
    """Whether a run has no such value, or chance is its ceiling, as where there is one factor only."""
    point = (document_of(run, metric) or {}).get("reference", {}).get(value)
    return point is None or (point.get("floor") is not None and point.get("floor") == point.get("ceiling"))


def _names(column: Column) -> tuple[str, ...]:
    return column.value, column.metric, f"{column.metric} {column.value}"


def _groups(runs: Sequence[KeptRun], column: Column) -> set[str]:
    return {str(run.documents[column.metric].get("group")) for run in runs if column.metric in run.documents}


def _column(rows: Sequence[Runs], metric: str, value: str, mixed: tuple[str, ...]) -> tuple[Column, list[Cell]]:
    """A column and its cells, ranked."""
    found = [_by_run(row, metric, value) for row in rows]
    every = [one for of in found for one in of.values()]
    first = every[0]
    cells = [_cell(row, of) for row, of in zip(rows, found, strict=True)]
    told = [place for place, cell in enumerate(cells) if cell.value is not None]
    differences = {
        (a, b): _difference(rows[a], found[a], rows[b], found[b], metric, value) for a, b in combinations(told, 2)
    }
    if first.better:
        real = dict(zip(differences, holm([one.p for one in differences.values()]), strict=True))
        cells = _ranked(cells, differences, real, 1 if first.better == "up" else -1)
    level = LEVEL / max(len(differences), 1)
    known = [one.detectable(level) for one in differences.values() if one.error]
    column = Column(
        metric,
        value,
        value,
        first.unit,
        first.better,
        _mean([one.floor for one in every]),
        _mean([one.ceiling for one in every]),
        median(known) if known else None,
        ", ".join(dict.fromkeys(_HOW[one.how] for one in differences.values())),
        mixed,
    )
    return column, cells


_HOW = {
    "seeds": "Welch's t over seeds",
    "items": "paired on the same test items",
    "intervals": "intervals, taken as independent",
}


def _by_run(row: Runs, metric: str, value: str) -> dict[int, Value]:
    """Place of a run in its row to its value."""
    found = {}
    for place, run in enumerate(row.runs):
        document = document_of(run, metric)
        if document is not None and value in document["values"]:
            found[place] = value_of(document, value)
    return found


def _cell(row: Runs, found: Mapping[int, Value]) -> Cell:
    singles = {str(row.runs[place].seed): one.value for place, one in found.items()}
    if len(found) < len(row.runs):
        return Cell(None, singles)
    known = list(found.values())
    return Cell(mean_value(known) if len(known) > 1 else known[0], singles)


def _difference(
    row: Runs, found: Mapping[int, Value], other: Runs, those: Mapping[int, Value], metric: str, value: str
) -> Difference:
    """Over seeds where both rows have several; otherwise of one run each, with the same seed where there is one."""
    if len(found) > 1 and len(those) > 1:
        return over_seeds([one.value for one in found.values()], [one.value for one in those.values()])
    seeds = {run.seed: place for place, run in enumerate(other.runs)}
    first, second = next(((place, seeds[run.seed]) for place, run in enumerate(row.runs) if run.seed in seeds), (0, 0))
    pair = _same_items(row.runs[first], other.runs[second], metric, value)
    if pair is not None:
        return on_items(*pair)
    ends = [(one.value, _or(one.low, one.value), _or(one.high, one.value)) for one in (found[first], those[second])]
    return of_intervals(*ends)


def _same_items(first: KeptRun, second: KeptRun, metric: str, value: str) -> tuple[np.ndarray, np.ndarray] | None:
    """The outcomes of both on the same items; None where they are not kept, or others."""
    parts = [_items(run, metric).get(value) for run in (first, second)]
    if parts[0] is None or parts[1] is None or not np.array_equal(parts[0].item, parts[1].item):
        return None
    return parts[0].outcome, parts[1].outcome


def _items(run: KeptRun, metric: str) -> Mapping[str, Items]:
    path = run.file((run.documents[metric].get("artifacts") or {}).get(ITEMS, ""))
    return _read(path, path.stat().st_mtime_ns) if path is not None else {}


@cache
def _read(path: Path, changed: int) -> Mapping[str, Items]:
    try:
        return read_items(path)
    except UsageError:  # lost outcomes cost the pairing, not the comparison
        return {}


def _ranked(
    cells: Sequence[Cell], differences: Mapping[Pair, Difference], real: Mapping[Pair, bool], sign: int
) -> list[Cell]:
    """The cells with the ranks that they may have; ``sign`` is 1 where more is better, otherwise -1.

    Best are the row whose value is best, if it is really better than any, and those that are not really worse than it
    and really better than another: a row that scatters too widely to be told from any is not among them.
    """
    better = dict.fromkeys((place for pair in differences for place in pair), 0)
    worse = dict(better)
    for (a, b), one in differences.items():
        if real[a, b]:
            winner, loser = (a, b) if one.mean * sign > 0 else (b, a)
            better[loser] += 1
            worse[winner] += 1
    values = {place: sign * cells[place].value.value for place in better}  # type: ignore[union-attr]  # all compared
    top = max(values, key=values.__getitem__, default=-1)
    beaten = {place for pair in differences if real[pair] and top in pair for place in pair} - {top}
    made = list(cells)
    for place in better:
        last, best = len(better) - worse[place], bool(beaten) and place not in beaten and worse[place] > 0
        made[place] = replace(cells[place], rank=1 + better[place], last=last, best=best)
    return made


def _notes(rows: Sequence[Runs], columns: Sequence[Column]) -> list[str]:
    notes = []
    if len(rows) > 1:
        notes.append(
            "Ranks are those that a row may have, by the rows that are really better or worse than it: Holm's "
            "procedure over all pairs of a column, so that in a column of equal models a difference is called real in "
            "at most 5 % of all cases."
        )
        if any("seeds" not in column.how and column.how for column in columns):
            notes.append(
                "Rows of one run are compared as trained networks: another seed may turn the order. Only several seeds "
                "say something of the methods."
            )
        if FLOOR_MODEL not in {row.model for row in rows}:
            notes.append(
                f"The plain two-block VAE, the floor to be surpassed, is not among these runs: --model {FLOOR_MODEL}."
            )
        budgets = {row.label: row.runs[0].planned for row in rows}
        if len(set(budgets.values())) > 1:
            told = ", ".join(f"{label} {epochs}" for label, epochs in budgets.items())
            notes.append(f"Trained for different numbers of epochs: {told}.")
    for column in columns:
        notes += [f"Put together all the same (--force): {line}." for line in column.mixed]
    return list(dict.fromkeys(notes))


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known and len(known) == len(values) else None


def _or(value: float | None, other: float) -> float:
    return other if value is None else value
