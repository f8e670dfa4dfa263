"""The learning curves of one run, and of several together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from disent_plugins.measuring.kept import KeptRun
from disent_plugins.reports.charts import Chart, Series, chart, series
from disent_plugins.reports.html import COLORS, DASHES

_NO_LOSSES = {"epoch", "seconds", "images_per_second", "data_wait", "learning_rate"}
_VALIDATION = "validation/"
_TOGETHER, _ALL, _FEWEST = 60, 20_000, 8
"""Most points of a line among many, of all of them on one data set, and how many a line has all the same."""

LEGEND = (Series("training", (), 0), Series("validation", (), 1, 1))


def terms_of(run: KeptRun) -> list[str]:
    """The names of a run's losses, the total first; those of the validation images are not named twice."""
    names = dict.fromkeys(name.removeprefix(_VALIDATION) for record in run.epochs for name in record)
    return sorted((name for name in names if name not in _NO_LOSSES), key=lambda name: name != "total")


def curves_of(run: KeptRun) -> tuple[list[Chart], list[str]]:
    """A chart for every loss of a run, and in words those that never change."""
    charts, constant = [], []
    for name in terms_of(run):
        lines = [series(run.epochs, name, "training"), series(run.epochs, _VALIDATION + name, "validation", 1, 1)]
        levels = _levels(lines)
        if len(levels) == 1 and run.done > 1:
            constant.append(f"{name} {levels.pop():g}")
        elif drawn := chart(name, lines):
            charts.append(drawn)
    return charts, constant


def curves_together(runs: Sequence[KeptRun]) -> tuple[list[Series], list[Chart]]:
    """Of runs on one data set: a line's look for each model, and a chart for the total and each loss that models share.

    Losses that never change are left out.
    """
    models = list(dict.fromkeys(run.model for run in runs))
    looks = {model: Series(model, (), number % COLORS, number % DASHES) for number, model in enumerate(models)}
    having: dict[str, set[str]] = {}
    for run in runs:
        for name in terms_of(run):
            having.setdefault(name, set()).add(run.model)
    names = [name for name, of in having.items() if name == "total" or len(of) > 1 or len(models) == 1]
    most = max(_FEWEST, min(_TOGETHER, _ALL // max(1, len(runs) * len(names))))
    charts = []
    for name in sorted(names, key=lambda name: name != "total"):
        lines = [_judged(run, name, looks[run.model], most) for run in runs]
        drawn = chart(name, lines) if len(_levels(lines)) > 1 else None
        charts += [drawn] if drawn else []
    return list(looks.values()), charts


def _levels(lines: Iterable[Series]) -> set[float]:
    return {value for line in lines for _, value in line.points}


def _judged(run: KeptRun, name: str, look: Series, most: int) -> Series:
    """A loss on the validation images where there are any, otherwise on the training images."""
    on_validation = any(_VALIDATION + name in record for record in run.epochs)
    label = run.model if run.seed is None else f"{run.model}, seed {run.seed}"
    return series(run.epochs, (_VALIDATION if on_validation else "") + name, label, look.color, look.dash, most)
