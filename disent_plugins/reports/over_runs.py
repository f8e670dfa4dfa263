"""What a reader must know of several runs together: seeds that scatter, control rows out of place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from disent_plugins.measuring.kept import KeptRun
from disent_plugins.measuring.numbers import number
from disent_plugins.reports.quality import Finding, some
from disent_plugins.studies.ends import without_run

if TYPE_CHECKING:
    from disent_plugins.contracts import Value
    from disent_plugins.studies.comparison import Cell, Column, Comparison, Row

SCATTER = 0.25
"""Share of the distance from floor to ceiling by which seeds may differ."""

CONTROL = "vae"
"""The model that knows of no groups: its two blocks are alike, whatever it has learnt."""


def overall(comparisons: Iterable[Comparison], refused: str = "") -> list[Finding]:
    """What the checks find in comparisons, and why there is none."""
    return ([Finding("serious", "The runs are not compared", refused)] if refused else []) + [
        finding
        for comparison in comparisons
        for check in (control_is_the_best, values_lie_outside_their_controls, seeds_scatter)
        if (finding := check(comparison))
    ]


def cells_have_no_run(runs: Iterable[KeptRun]) -> list[Finding]:
    """Cells of the sweeps of some runs that failed before they had a folder."""
    lost = {name: why for sweep in {run.path.parent for run in runs} for name, why in without_run(sweep).items()}
    told = some(f"{name} ({why})" if why else name for name, why in sorted(lost.items()))
    return [Finding("serious", "Cells of the sweep have no run", f"They failed as they began: {told}.")] if lost else []


def control_is_the_best(comparison: Comparison) -> Finding | None:
    """The model without groups wins a column in which groups should help."""
    best = [column for row, column, cell, _ in _measured(comparison) if row.model == CONTROL and cell.best]
    if not best:
        return None
    detail = (
        f"The plain VAE, which sees no groups, is the best at {_headings(best)}. The other models gained nothing from "
        "their groups there; if one of these is about content and style, look for the cause before anything else."
    )
    return Finding("warning", f"On {comparison.data} a control is the best", detail)


def values_lie_outside_their_controls(comparison: Comparison) -> Finding | None:
    """Intervals that lie beyond the ceiling, or beyond a floor that they should not fall short of."""
    outside = [
        f"{row.label}: {column.heading} {number(value.value)}"
        for row, column, _, value in _measured(comparison)
        if _is_outside(value, column.better)
    ]
    if not outside:
        return None
    detail = f"Worse than chance or better than a perfect code, the whole interval too: {some(outside)}."
    return Finding("warning", f"On {comparison.data} values lie outside their control rows", detail)


def seeds_scatter(comparison: Comparison) -> Finding | None:
    """Seeds of one model that differ by much of the way from floor to ceiling."""
    wide = [
        f"{row.label}: {column.heading} {number(min(singles))} to {number(max(singles))}"
        for row, column, cell, value in _measured(comparison)
        if column.better and (singles := list(cell.singles.values())) and (distance := _distance(value))
        if max(singles) - min(singles) > SCATTER * distance
    ]
    if not wide:
        return None
    detail = (
        f"By more than {100 * SCATTER:.0f} % of the way from chance to ceiling: {some(wide)}. One seed says little."
    )
    return Finding("warning", f"On {comparison.data} seeds scatter", detail)


def _measured(comparison: Comparison) -> Iterator[tuple[Row, Column, Cell, Value]]:
    """What models scored: row, column, cell and its value."""
    for row in comparison.rows:
        for column, cell in zip(comparison.columns, row.cells, strict=True):
            if cell.value is not None:
                yield row, column, cell, cell.value


def _headings(columns: Iterable[Column]) -> str:
    return some(dict.fromkeys(column.heading for column in columns))


def _distance(value: Value) -> float:
    return 0.0 if value.floor is None or value.ceiling is None else abs(value.ceiling - value.floor)


def _is_outside(value: Value, better: str) -> bool:
    if value.low is None or value.high is None or value.floor is None or value.ceiling is None:
        return False
    rising = value.ceiling > value.floor
    beyond = value.low > value.ceiling if rising else value.high < value.ceiling
    short = value.high < value.floor if rising else value.low > value.floor
    return beyond or (short and better == ("up" if rising else "down"))
