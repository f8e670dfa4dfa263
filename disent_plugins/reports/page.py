"""The report: one HTML file of one run or of several, at most two megabytes, that needs nothing else."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from disent_plugins.measuring.kept import KeptRun
from disent_plugins.reports.curves import LEGEND, curves_of, curves_together
from disent_plugins.reports.facts import (
    duration,
    facts_of,
    machine_of,
    machine_words,
    name_of,
    settings_of,
    title_of,
    training_words,
)
from disent_plugins.reports.html import fill, named
from disent_plugins.reports.over_runs import cells_have_no_run, overall
from disent_plugins.reports.pictures import Picture, base_of, embed, pictures_of
from disent_plugins.reports.quality import SEVERITIES, findings, together
from disent_plugins.reports.rows import by_group, rows_of, table, text, texts

if TYPE_CHECKING:
    from disent_plugins.studies.comparison import Comparison

MOST = 2_000_000
"""Bytes of a report."""

_FOLDS, _PICTURES = 900_000, 500_000
"""Bytes of what is said of single runs among many, at the most, and of their pictures, where there are so many."""

_GRID = "swap-grid"
_FIRST = (_GRID, "interpolation", "samples", "swap", "leakage")
"""Metrics whose pictures come first."""


def report(runs: Sequence[KeptRun], comparisons: Sequence[Comparison] = (), refused: str = "") -> str:
    """The report of a run, or of several, as HTML.

    Args:
        runs: One at least.
        comparisons: Of several runs: their tables, one for each data set (``studies.compare``).
        refused: Why there is none.
    """
    return _fitting(*(_of_runs(runs, comparisons, refused) if len(runs) > 1 else _of_run(runs[0])))


def _fitting(template: str, context: dict[str, Any], pictures: Sequence[Picture], missing: Sequence[str]) -> str:
    """The page with as many pictures as fit."""
    dated = {**context, "date": time.strftime("%Y-%m-%d")}
    bare = fill(template, **dated, pictures=[], missing=missing)
    shown, left_out = embed(pictures, MOST - _size(bare) - _ROUND * (len(pictures) + 1))
    return str(fill(template, **dated, pictures=shown, missing=[*missing, *left_out]))


_ROUND = 500
"""Bytes of the page that stand around a picture, or in its place."""


def _of_run(run: KeptRun) -> tuple[str, dict[str, Any], list[Picture], list[str]]:
    charts, constant = curves_of(run)
    pictures, missing = pictures_of(run)
    order = {metric: place for place, metric in enumerate(_FIRST)}
    pictures.sort(key=lambda picture: order.get(base_of(picture.metric), len(order)))
    groups, notes = by_group(rows_of(run.documents)), _notes(run)
    sections = [("quality", "Quality"), ("values", "Values"), ("curves", "Learning curves"), ("pictures", "Pictures")]
    there = {"quality": True, "values": groups, "curves": charts, "pictures": pictures or missing}
    context = {
        "title": title_of(run),
        "facts": list(facts_of(run)),
        "sections": [(id, name) for id, name in sections if there[id]] + [("settings", "Settings")],
        "findings": findings(run),
        "groups": groups,
        "notes": notes,
        "charts": charts,
        "constant": ", ".join(constant),
        "legend": LEGEND,
        "tables": [("Settings of the run", list(settings_of(run))), ("Machine and libraries", list(machine_of(run)))],
    }
    return "run.html.j2", context, pictures, missing


def _notes(run: KeptRun) -> dict[str, list[tuple[str, str]]]:
    """Group to (metric, note)."""
    found: dict[str, list[tuple[str, str]]] = {}
    for metric, document in run.documents.items():
        for note in texts(document, "notes"):
            found.setdefault(text(document, "group") or "other", []).append((metric, note))
    return found


def _of_runs(
    runs: Sequence[KeptRun], comparisons: Sequence[Comparison], refused: str
) -> tuple[str, dict[str, Any], list[Picture], list[str]]:
    datasets = list(dict.fromkeys(run.dataset for run in runs))
    models = list(dict.fromkeys(run.model for run in runs))
    curves = [(data, *curves_together([run for run in runs if run.dataset == data])) for data in datasets]
    grids: list[Picture] = []
    missing: list[str] = []
    for run in sorted(runs, key=lambda run: (datasets.index(run.dataset), run.seed or 0, models.index(run.model))):
        found, lost = pictures_of(run, {_GRID})
        grids += found[:1]
        missing += lost
    named_models = models[0] if len(models) == 1 else f"{len(models)} models"
    context = {
        "title": f"{len(runs)} runs of {named_models} on {named(datasets)}",
        "count": len(runs),
        "facts": _facts(runs, models),
        "sections": [
            *([("comparison", "Comparison")] if comparisons else []),
            ("quality", "Quality"),
            *([("curves", "Learning curves")] if any(charts for _, _, charts in curves) else []),
            *([("pictures", "Swap grids")] if grids or missing else []),
            ("runs", "Each run"),
        ],
        "comparisons": comparisons,
        "findings": sorted(
            [*((one, []) for one in (*cells_have_no_run(runs), *overall(comparisons, refused))), *together(runs)],
            key=lambda found: SEVERITIES.index(found[0].severity),
        ),
        "curves": [one for one in curves if one[2]],
        "grids_words": _grids_words(runs),
        "folds": [],
        "left_out": [],
    }
    bare = _size(fill("runs.html.j2", **context, date="", pictures=[], missing=missing))
    context["folds"], context["left_out"] = _folds(runs, min(_FOLDS, MOST - _PICTURES - bare))
    return "runs.html.j2", context, grids, missing


def _facts(runs: Sequence[KeptRun], models: Sequence[str]) -> list[tuple[str, str]]:
    seeds = sorted({run.seed for run in runs if run.seed is not None})
    machines = dict.fromkeys(machine_words(run.environment) or "not recorded" for run in runs)
    return [
        ("models", ", ".join(models)),
        ("seeds", ", ".join(map(str, seeds)) or "not recorded"),
        ("training", f"{duration(sum(run.seconds for run in runs))} in all"),
        ("machine" if len(machines) == 1 else "machines", "; ".join(machines)),
    ]


def _size(html: str) -> int:
    return len(html.encode(errors="backslashreplace"))


def _folds(runs: Sequence[KeptRun], room: int) -> tuple[list[Any], list[str]]:
    """What is said of each run, for as many as ``room`` bytes hold, and in words which are left out."""
    folds: list[Any] = []
    size = 0
    for number, run in enumerate(runs):
        fold = fill(
            "fold.html.j2",
            title=title_of(run),
            words=f"{name_of(run)}: {training_words(run)}",
            facts=list(facts_of(run)),
            groups=by_group(rows_of(run.documents)),
            settings=list(settings_of(run)),
        )
        size += _size(fold)
        if size > room:
            names = [name_of(left) for left in runs[number:]]
            return folds, [
                f"The tables of {len(names)} runs were left out to keep this file small: {', '.join(names)}. "
                "A report of one of them has all of it: disent report RUN"
            ]
        folds.append(fold)
    return folds, []


def _grids_words(runs: Sequence[KeptRun]) -> str:
    """Whether the grids are of the same test images, which the metric chooses by data set and seed."""
    seeds = {
        (run.dataset, table(document, "settings").get("seed"))
        for run in runs
        for name, document in run.documents.items()
        if base_of(name) == _GRID
    }
    if len(seeds) <= 1:
        return "All grids are of the same test images."
    return (
        "A grid's test images are chosen by the data set and the seed, and these differ: only grids of the same data "
        "set and seed, which stand side by side, are of the same images."
    )
