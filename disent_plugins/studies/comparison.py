"""A table of models, as data: what ``compare`` makes and words, reports and pages are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from disent_plugins.contracts import Value
from disent_plugins.errors import UsageError, suggestion
from disent_plugins.measuring.documents import plain
from disent_plugins.notebook import shown_by

SCHEMA = 1


@dataclass(frozen=True)
class Column:
    """A value of a comparison.

    Attributes:
        metric, value: Which: metric as its document is kept, and the name of its value.
        heading: Over the column.
        unit, better: Of the value.
        floor, ceiling: Means over all runs; None where a run has none.
        detectable: Smallest difference that would be found in four of five cases, at the first step of Holm's
            procedure; None where nothing was compared.
        how: How differences were judged, in words.
        mixed: In what documents differ, if they were put together all the same.
    """

    metric: str
    value: str
    heading: str
    unit: str
    better: str
    floor: float | None
    ceiling: float | None
    detectable: float | None = None
    how: str = ""
    mixed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cell:
    """A row's value in a column.

    Attributes:
        value: Of the one run, or the mean over seeds; None where a run lacks it.
        singles: Seed to that run's value.
        rank: The best rank that it may have: 1 + the number of rows that are really better; None where neither way is
            better.
        last: The worst: the number of rows that are not really worse, itself among them.
        best: Whether it is best or not really worse than the best, and really better than another row.
    """

    value: Value | None
    singles: Mapping[str, float]
    rank: int | None = None
    last: int | None = None
    best: bool = False


@dataclass(frozen=True)
class Row:
    """A model under one set of settings.

    Attributes:
        label: Model, and the settings that tell it from others of its kind.
        model: Registry name.
        seeds: Of its runs.
        epochs: That they were trained for.
        seconds: Of training, the mean over its runs.
        cells: In the order of the columns.
    """

    label: str
    model: str
    seeds: tuple[int | None, ...]
    epochs: int
    seconds: float
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Comparison:
    """Models on one data set.

    Attributes:
        data: The data set, or what else the columns have in common (``by_value``).
        columns, rows: The table.
        notes: What a reader of it must know.
    """

    data: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...]

    _repr_html_ = shown_by("disent_plugins.reports.fragments:comparison_html")

    def tells(self, column: int) -> bool:
        """Whether a column tells any row from another, so that ranks say something."""
        return any((row.cells[column].rank or 1) > 1 for row in self.rows)

    @property
    def plain(self) -> dict[str, Any]:
        """As JSON knows it; ``from_plain`` reads it again."""
        return {"schema": SCHEMA, "kind": KIND, **plain(asdict(self))}


KIND = "disent comparison"


def sorted_by(comparison: Comparison, name: str) -> Comparison:
    """The rows by a column, the best first, those without a value last; where neither way is better, the largest first.

    Raises:
        UsageError: There is no such column.
    """
    names = [column.heading for column in comparison.columns]
    known = {key: place for place, column in enumerate(comparison.columns) for key in (column.value, column.heading)}
    if name not in known:
        raise UsageError(f"There is no column '{name}'.", suggestion(name, names))
    place = known[name]
    sign = 1 if comparison.columns[place].better == "down" else -1

    def key(row: Row) -> tuple[bool, float]:
        value = row.cells[place].value
        return value is None, 0.0 if value is None else sign * value.value

    return replace(comparison, rows=tuple(sorted(comparison.rows, key=key)))


def by_value(comparisons: Sequence[Comparison]) -> list[Comparison]:
    """The same with a table for every value, whose columns are the data sets."""
    values = dict.fromkeys((column.metric, column.value) for one in comparisons for column in one.columns)
    labels = dict.fromkeys(row.label for one in comparisons for row in one.rows)
    made = []
    for value in values:
        columns: list[Column] = []
        cells: dict[str, list[Cell]] = {label: [] for label in labels}
        first: dict[str, Row] = {}
        for one in comparisons:
            place = next((i for i, column in enumerate(one.columns) if (column.metric, column.value) == value), None)
            if place is None:
                continue
            columns.append(replace(one.columns[place], heading=one.data))
            rows = {row.label: row for row in one.rows}
            first = {**rows, **first}
            for label, of in cells.items():
                of.append(rows[label].cells[place] if label in rows else Cell(None, {}))
        table = tuple(replace(row, cells=tuple(cells[label])) for label, row in first.items())
        title = columns[0].value if columns[0].value == columns[0].metric else " ".join(value)
        notes = dict.fromkeys(note for one in comparisons for note in one.notes)
        made.append(Comparison(title, tuple(columns), table, tuple(notes)))
    return made


def from_plain(found: Any, where: str) -> Comparison:
    """A comparison from its JSON.

    Args:
        found: The JSON.
        where: Where it is from, for messages.

    Raises:
        UsageError: It is none, or of another schema.
    """
    if not isinstance(found, dict) or found.get("kind") != KIND or found.get("schema") != SCHEMA:
        schema = f" of schema {SCHEMA}" if isinstance(found, dict) and found.get("kind") == KIND else ""
        raise UsageError(
            f"{where} holds no comparison{schema}.", hint="Make one with: disent compare RUNS --format json"
        )
    try:
        columns = tuple(Column(**{**column, "mixed": tuple(column["mixed"])}) for column in found["columns"])
        rows = tuple(
            Row(**{**row, "seeds": tuple(row["seeds"]), "cells": tuple(map(_cell, row["cells"]))})
            for row in found["rows"]
        )
        if any(len(row.cells) != len(columns) for row in rows):
            raise ValueError("rows and columns do not match")
        return Comparison(str(found["data"]), columns, rows, tuple(map(str, found["notes"])))
    except (KeyError, TypeError, ValueError) as error:
        why = f"{type(error).__name__}: {error}"
        raise UsageError(f"{where} holds a damaged comparison.", why, "Make it again: disent compare") from error


def _cell(found: Mapping[str, Any]) -> Cell:
    return Cell(**{**found, "value": None if found["value"] is None else Value(**found["value"])})
