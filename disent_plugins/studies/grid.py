"""A grid of runs: axes from a TOML file and from flags, and the cells that they span, each one checked."""

from __future__ import annotations

import itertools
import re
import tomllib
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod
from pathlib import Path
from typing import Any

from disent_plugins.errors import UsageError, shown, suggestion
from disent_plugins.files import read_bytes
from disent_plugins.options import describe
from disent_plugins.registry.host import Registry
from disent_plugins.studies.cell import Cell, make_cell, settings_hash
from disent_plugins.training import session
from disent_plugins.training.settings import SETTING_NAMES, RunSettings

TABLES = ("options", "data_options")
PLAIN = tuple(name for name in SETTING_NAMES if name not in TABLES)
MOST = 10_000
"""Cells of a grid: more are a slip."""

_OWN = {"models": "model", "datasets": "data"}
"""Tables of what holds for one model or data set only, and the axis whose values their names are."""

_TOP = (*PLAIN, *TABLES, *_OWN, "name", "measure")


@dataclass(frozen=True)
class Axis:
    """A setting and its values: one, or a list of them.

    Attributes:
        given: As it was given.
        typed: On the command line, where a comma parts values.
    """

    given: Any
    typed: bool = False

    def values(self, key: str, where: str, *, of_lists: bool) -> list[Any]:
        """The values, ``of_lists`` where a single one is a list already, as milestones are.

        Raises:
            UsageError: There is none, or a range of seeds is none.
        """
        given = self.given
        if key == "seed" and isinstance(given, str) and ":" in given:
            return self._range(given, where)
        if of_lists:
            nested = isinstance(given, list) and any(isinstance(part, list) for part in given)
            found = given if nested else [given]
        elif self.typed:
            found = [part.strip() for part in given.split(",") if part.strip()]
        else:
            found = given if isinstance(given, list) else [given]
        if not found:
            raise UsageError(f"The axis '{key}' of {where} is empty.", "A grid without values of it has no cells.",
                             "Give it a value, or leave it out.")  # fmt: skip
        return found

    @staticmethod
    def _range(text: str, where: str) -> list[int]:
        found = re.fullmatch(r"\s*(\d{1,10})\s*:\s*(\d{1,10})\s*", text)
        seeds = range(int(found[1]), int(found[2])) if found else range(0)
        if not seeds or len(seeds) > MOST:
            raise UsageError(
                f"The seeds '{shown(text, str)}' of {where} are no range.",
                f"A range is START:STOP, without STOP, of at most {MOST:,} seeds: 0:5 means 0, 1, 2, 3, 4.",
            )
        return list(seeds)


Layer = Mapping[str, Axis]
"""Setting to its axis; ``options.k`` is the model option k, ``data_options.size`` an option of the data set."""


@dataclass(frozen=True)
class Grid:
    """What is to be run.

    Attributes:
        name: The sweep's; empty if the file does not say.
        where: The file, or the command line, for messages.
        common: Axes of all cells.
        own: ``models`` and ``datasets`` to what holds for one of them, by its name.
        measure: As ``disent run --measure`` takes it.
    """

    name: str
    where: str
    common: Layer = field(default_factory=dict)
    own: Mapping[str, Mapping[str, Layer]] = field(default_factory=dict)
    measure: str = "all"

    def with_flags(self, flags: Layer) -> Grid:
        """The grid with axes from the command line, which go before those of the file."""
        own = {kind: {name: {key: axis for key, axis in layer.items() if key not in flags}
                      for name, layer in layers.items()} for kind, layers in self.own.items()}  # fmt: skip
        return replace(self, common={**self.common, **flags}, own=own)


@dataclass(frozen=True)
class Planned:
    """A cell of a grid, and what tells it from the others, in words."""

    cell: Cell
    label: str

    @property
    def name(self) -> str:
        return self.cell.folder.path.name


def read_grid(path: Path) -> Grid:
    """A grid from a TOML file.

    Raises:
        UsageError: It is missing, no TOML, or has an unknown key.
    """
    try:
        content = tomllib.loads(read_bytes(path).decode())
    except FileNotFoundError as error:
        raise UsageError(f"There is no grid {path}.", "", "Its keys are in docs/sweeps.md.") from error
    except (OSError, ValueError, RecursionError) as error:
        twice = "A key stands twice: put the values of an axis into one list." if "overwrite" in str(error) else ""
        raise UsageError(f"The grid {path} cannot be read.", f"{error}.", twice) from error
    where = str(path)
    _refuse_unknown(content, _TOP, where)
    own = {}
    for kind in _OWN:
        layers = _table(content, kind, where)
        own[kind] = {name: _layer(_table(layers, name, where), f"[{kind}.{name}] in {where}") for name in layers}
    common = {key: value for key, value in content.items() if key in (*PLAIN, *TABLES)}
    name = content.get("name", "")
    if not isinstance(name, str):
        raise UsageError(f"The name in {where} is no text.", hint='For example: name = "digits"')
    return Grid(name, where, _layer(common, where, axes=("model", "data")), own, _measure(content, where))


def _measure(content: Mapping[str, Any], where: str) -> str:
    table = _table(content, "measure", where)
    _refuse_unknown(table, ("metrics",), f"[measure] in {where}")
    found = table.get("metrics", "all")
    names = [found] if isinstance(found, str) else found
    if not isinstance(names, list) or not names or not all(isinstance(name, str) and name for name in names):
        raise UsageError(
            f"'metrics' below [measure] in {where} names no metrics.", hint='It is "all", "none" or a list: ["probe"]'
        )
    return ",".join(names)


def _layer(table: Mapping[str, Any], where: str, axes: Sequence[str] = ()) -> dict[str, Axis]:
    """The axes of a table of settings; ``model`` and ``data`` only where they are among ``axes``."""
    _refuse_unknown(table, [key for key in (*PLAIN, *TABLES) if key in axes or key not in ("model", "data")], where)
    found = {key: Axis(value) for key, value in table.items() if key in PLAIN}
    for name in TABLES:
        found |= {f"{name}.{key}": Axis(value) for key, value in _table(table, name, where).items()}
    return found


def _table(content: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    found = content.get(key, {})
    if not isinstance(found, dict):
        raise UsageError(f"'{key}' in {where} is not a table.", hint=f"Write it below a line [{key}].")
    return found


def _refuse_unknown(table: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    for key in table:
        if key not in known:
            raise UsageError(f"Unknown key '{key}' in {where}.", suggestion(key, known))


def plan(registry: Registry, grid: Grid, place: Path) -> list[Planned]:
    """The cells of a grid, in the order of its models, data sets and other axes, the seed last; equal ones once.

    Args:
        registry: All plugins.
        grid: The grid.
        place: The folder of their runs.

    Raises:
        UsageError: A name that there is not, an empty axis, or a cell that cannot be, which is named.
        PluginFailure: A model of a plugin cannot be made.
    """
    names = {kind: grid.common.get(axis, Axis(default)).values(axis, grid.where, of_lists=False)
             for kind, axis, default in (("models", "model", "gmvae"), ("datasets", "data", "digits"))}  # fmt: skip
    for kind, layers in grid.own.items():
        for name in layers:
            if name not in names[kind]:
                raise UsageError(
                    f"[{kind}.{name}] in {grid.where} is of no cell.", suggestion(name, map(str, names[kind])),
                    f"Name it in the axis '{_OWN[kind]}', or leave the table out.",
                )  # fmt: skip
    found: dict[str, Planned] = {}
    checked: set[str] = set()
    for model, data in itertools.product(map(str, names["models"]), map(str, names["datasets"])):
        for label, given in _combinations(registry, grid, model, data):
            try:
                cell = make_cell(registry, place, model, data, given)
                alike = settings_hash(replace(cell.settings, seed=0))  # nothing that is checked depends on the seed
                if alike not in checked:
                    session.check(cell.parts, cell.settings)
                    checked.add(alike)
            except UsageError as error:
                raise UsageError(f"The cell {label} cannot be: {error.what}", error.why, error.hint) from error
            planned = Planned(cell, label)
            found.setdefault(planned.name, planned)
    return list(found.values())


def _combinations(registry: Registry, grid: Grid, model: str, data: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The settings of the cells of one model and data set, each with what it is called."""
    layer = {**grid.common, **grid.own.get("datasets", {}).get(data, {}), **grid.own.get("models", {}).get(model, {})}
    axes = {}
    configs = {
        "": RunSettings,
        "options": registry.load(*registry.models.find(model)).Config,
        "data_options": getattr(registry.load(*registry.datasets.find(data)), "Config", None),
    }
    for key in sorted((key for key in layer if key not in ("model", "data")), key=lambda key: key == "seed"):
        table, _, name = key.rpartition(".")
        options = {option.name: option for option in describe(configs[table])} if configs[table] else {}
        if table == "options" and name not in options:
            raise UsageError(
                f"The cell {model} on {data} cannot be: unknown option '{name}' for model '{model}'.",
                suggestion(name, options),
                "An option that only some models have stands in a grid's file, below [models.NAME.options].",
            )
        of_lists = name in options and typing.get_origin(options[name].type) in (tuple, list)
        axes[key] = layer[key].values(key, grid.where, of_lists=of_lists)
    if prod(map(len, axes.values())) > MOST:
        raise UsageError(f"The grid of {grid.where} has more than {MOST:,} cells.", hint="Leave some values out.")
    for values in itertools.product(*axes.values()):
        chosen = dict(zip(axes, values, strict=True))
        given: dict[str, Any] = {name: {} for name in TABLES}
        for key, value in chosen.items():
            table, _, name = key.rpartition(".")
            (given[table] if table else given)[name] = value
        varying = [
            f"{key.rpartition('.')[2]}={shown(value, str)}" for key, value in chosen.items() if len(axes[key]) > 1
        ]
        yield ", ".join([f"{model} on {data}", *varying]), given
