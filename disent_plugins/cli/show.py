"""Results as tables that people read: every value between its chance level and its ceiling."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from disent_plugins.cli import state
from disent_plugins.measuring.numbers import number
from disent_plugins.options import OptionInfo

BAR = 10
NARROWEST = 12
"""Letters of a value's name that stand in a line at least."""

_COLUMNS = ("", "value  ", "95 %", "chance", "ceiling", "from chance", "N")
BARS = ("from chance", "to ceiling")
_RIGHT = ("value  ", "chance", "ceiling", "N")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A plain table; title and cells are text, never markup."""
    made = Table(
        title=Text(title), title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False
    )
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*[Text(str(cell)) for cell in row])
    return made


def piped() -> bool:
    """Whether another program reads stdout, and nobody said how wide it is to be."""
    return not state.out.is_terminal and "COLUMNS" not in os.environ


def print_listing(made: Table) -> None:
    """Print a table of which each row is one thing: piped, a row is one line, so that ``grep`` finds all of it."""
    if piped():
        made.width = state.out.measure(made, options=state.out.options.update(width=sys.maxsize)).maximum
    state.out.print(made, crop=False)


def options_table(title: str, options: Iterable[OptionInfo], flag: str = "--set") -> Table:
    """What ``flag`` takes."""
    rows = [[option.name, option.default, option.accepts, option.doc] for option in options]
    return table(f"{title} ({flag} name=value)", ["name", "default", "takes", "meaning"], rows)


def show_result(document: Mapping[str, Any]) -> None:
    """Print a metric's document on stdout: values with reference points, notes, files."""
    show_values(document)
    for name, path in document["artifacts"].items():
        state.out.print(Text(f"  {name}: {shorten(path)}"), soft_wrap=True)


def show_values(document: Mapping[str, Any]) -> None:
    """Print values with their reference points, and the notes."""
    if document["values"]:
        print_values(_values(document))
    for note in document.get("notes", ()):
        state.out.print(Text(f"  note: {note}", style="dim"))


def shorten(path: str | Path) -> str:
    """A path relative to here where it lies below, as it is otherwise."""
    path = Path(path)
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def values_table(title: str, columns: Sequence[str], widths: Sequence[int]) -> Table:
    """An empty table of values, its columns as wide as ``widths`` says."""
    made = table(title, columns, [])
    made.padding = (0, 1, 0, 0)
    for column, width in zip(made.columns, widths, strict=True):
        column.width = width
        column.justify = "right" if column.header in _RIGHT else "left"
    return made


def widths_for(columns: Sequence[str], lines: Iterable[Sequence[Text]], room: int) -> list[int]:
    """Of a table whose first column has names: they are broken where ``room`` is short, numbers never are."""
    headers = [Text(name) for name in columns]
    widths = [max(cell.cell_len for cell in column) for column in zip(headers, *lines, strict=True)]
    numbers = sum(widths[1:]) + len(widths) - 1
    return [max(min(widths[0], room - numbers), NARROWEST), *widths[1:]]


def print_values(made: Table) -> None:
    """Print a table of values; without its bars where there is no room for them."""
    needed = sum(column.width or 0 for column in made.columns) + len(made.columns) - 1
    if needed > state.out.width:
        made.columns = [column for column in made.columns if column.header not in BARS]
    state.out.print(made)


def _values(document: Mapping[str, Any]) -> Table:
    """The values, a block for each unit."""
    lines: dict[str, list[list[Text]]] = {}
    for name, value in document["values"].items():
        reference = document["reference"][name]
        lines.setdefault(reference["unit"], []).append(_cells(name, value, reference))
    every = [line for block in lines.values() for line in block]
    every += [[Text(unit), *[Text()] * (len(_COLUMNS) - 1)] for unit in lines]
    shown = values_table(document["metric"], _COLUMNS, widths_for(_COLUMNS, every, state.out.width))
    for unit, block in lines.items():
        shown.add_row(Text(unit, style="dim"))
        for line in block:
            shown.add_row(*line)
    return shown


def _cells(name: str, value: float, reference: Mapping[str, Any]) -> list[Text]:
    low, high, floor, ceiling, share, n = map(reference.get, ("low", "high", "floor", "ceiling", "normalised", "n"))
    return [
        Text(f"  {name}"),
        Text(directed(value, reference.get("better", "")), style="bold"),
        Text(f"{number(low)}–{number(high)}" if low is not None else ""),
        Text(number(floor)),
        Text(number(ceiling)),
        Text(_bar(share)),
        Text(f"{n:,}" if n else ""),
    ]


def directed(value: float, better: str) -> str:
    """The number, and an arrow that says which way is better."""
    return number(value) + {"up": " ↑", "down": " ↓"}.get(better, "  ")


def _bar(share: float | None) -> str:
    """Where the value lies between chance (left) and ceiling (right), as ``Value.normalised`` says."""
    if share is None:
        return ""
    filled = round(BAR * min(max(share, 0.0), 1.0))
    return "█" * filled + "·" * (BAR - filled)
