"""What the paper shows, read from ``paper.toml``: items with their runs, metrics, panels and expectations."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from disent_plugins.errors import UsageError, suggestion
from disent_plugins.studies.verdict import Expectation
from disent_plugins.training.settings import layered

ALL = "all"


@dataclass(frozen=True)
class PaperRun:
    """A run behind an item: its name there, model, data set, and settings beyond the recipe."""

    name: str
    model: str
    data: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Item:
    """A table or a figure of the paper.

    Attributes:
        name: ``table1``, ``fig1``, ...
        title: What it shows.
        runs: The runs behind it.
        measure: Metric to its options.
        expect: What is expected of the values.
        panels: (run, picture) from left to right; empty for a table.
        seeds: Seeds of each run, unless told otherwise.
        readings: How what the paper leaves open was read.
    """

    name: str
    title: str
    runs: Sequence[PaperRun]
    measure: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    expect: Sequence[Expectation] = ()
    panels: Sequence[tuple[str, str]] = ()
    seeds: int = 1
    readings: Sequence[str] = ()

    @property
    def metrics(self) -> dict[str, Mapping[str, Any]]:
        """Metrics and pictures."""
        return {**self.measure, **{picture: {} for _, picture in self.panels}}


@dataclass(frozen=True)
class Budget:
    """How the recipes are scaled.

    Attributes:
        name: ``paper``, ``cpu`` or ``quick``.
        words: What to call it.
        quick: Whether its numbers say nothing of the paper's, and other data may stand in.
        seeds: Seeds of each run, if not as many as the items say.
        table: Data set, or ``any``, to settings that go on top of the recipe.
    """

    name: str
    words: str
    quick: bool
    seeds: int | None
    table: Mapping[str, Mapping[str, Any]]

    def settings(self, data: str) -> dict[str, Any]:
        """What goes on top of the recipes for a data set; ``options`` is a table in it."""
        return layered([self.table.get("any", {}), self.table.get(data, {})])


@cache
def _table() -> Mapping[str, Any]:
    return tomllib.loads(files("disent_plugins.studies").joinpath("paper.toml").read_text(encoding="utf-8"))


def item_names() -> list[str]:
    """The names of the items, in the paper's order."""
    return list(_table()["items"])


def budget_names() -> list[str]:
    """The names of the budgets."""
    return list(_table()["budgets"])


def stand_in(data: str) -> str:
    """The data set that a quick reproduction takes where ``data`` is not prepared; itself where there is none."""
    found: str = _table()["stand_ins"].get(data, data)
    return found


def items(name: str) -> list[Item]:
    """The item of that name, or all of them.

    Raises:
        UsageError: There is none.
    """
    names = item_names()
    if name not in (*names, ALL):
        raise UsageError(f"The paper has no '{name}' to reproduce.", suggestion(name, [*names, ALL]))
    return [_item(one, _table()["items"][one]) for one in (names if name == ALL else [name])]


def budget(name: str) -> Budget:
    """The budget of that name.

    Raises:
        UsageError: There is none.
    """
    known = _table()["budgets"]
    if name not in known:
        raise UsageError(f"There is no budget '{name}'.", suggestion(name, known))
    found = dict(known[name])
    return Budget(name, found.pop("words"), found.pop("quick", False), found.pop("seeds", None), found)


def _item(name: str, found: Mapping[str, Any]) -> Item:
    rest = {key: value for key, value in found.items() if key not in ("runs", "expect", "panels")}
    return Item(
        name=name,
        runs=[PaperRun(**run) for run in found["runs"]],
        expect=[one for line in found.get("expect", ()) for one in _expectations(line)],
        panels=[(run, picture) for run, picture in found.get("panels", ())],
        **rest,
    )


def _expectations(line: Mapping[str, Any]) -> Iterator[Expectation]:
    """One for each value that the line names."""
    rest = {key: value for key, value in line.items() if key != "values"}
    for value in expanded(line["values"]):
        yield Expectation(value=value, **rest)


def expanded(text: str) -> list[str]:
    """
    >>> expanded("style/{sample,mean}/paper")
    ['style/sample/paper', 'style/mean/paper']
    """
    before, words, after = re.fullmatch(r"([^{]*)(?:\{([^}]*)\})?(.*)", text).groups()  # type: ignore[union-attr]
    return [text] if words is None else [f"{before}{word}{after}" for word in words.split(",")]
