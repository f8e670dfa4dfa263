"""Results as tables that people read: every value between its chance level and its ceiling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from disent_plugins.cli import state
from disent_plugins.options import OptionInfo

BAR = 10


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A plain table; cells are text, never markup."""
    made = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*[Text(str(cell)) for cell in row])
    return made


def options_table(title: str, options: Iterable[OptionInfo]) -> Table:
    """What ``--set`` takes."""
    rows = [[option.name, option.default, option.accepts, option.doc] for option in options]
    return table(f"{title} (--set name=value)", ["name", "default", "takes", "meaning"], rows)


def show_result(document: Mapping[str, Any]) -> None:
    """Print a metric's document on stdout: values with reference points, notes, files."""
    show_values(document)
    for name, path in document["artifacts"].items():
        state.out.print(Text(f"  {name}: {shorten(path)}"), soft_wrap=True)


def show_values(document: Mapping[str, Any]) -> None:
    """Print values with their reference points, and the notes."""
    if document["values"]:
        state.out.print(_values(document))
    for note in document["notes"]:
        state.out.print(Text(f"  note: {note}", style="dim"))


def shorten(path: str | Path) -> str:
    """A path relative to here where it lies below, as it is otherwise."""
    path = Path(path)
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _values(document: Mapping[str, Any]) -> Table:
    """The values, a block for each unit, in 80 columns."""
    shown = table(document["metric"], ["", "value  ", "95 %", "chance", "ceiling", "from chance", "N"], [])
    shown.padding = (0, 1, 0, 0)
    for number in (1, 3, 4, 6):
        shown.columns[number].justify = "right"
    for column in shown.columns:
        column.no_wrap = True
    units = dict.fromkeys(reference["unit"] for reference in document["reference"].values())
    for unit in units:
        shown.add_row(Text(unit, style="dim"))
        for name, value in document["values"].items():
            reference = document["reference"][name]
            if reference["unit"] == unit:
                shown.add_row(*_cells(name, value, reference))
    return shown


def _cells(name: str, value: float, reference: Mapping[str, Any]) -> list[Text]:
    low, high = reference["low"], reference["high"]
    wanted = {"up": " ↑", "down": " ↓"}.get(reference["better"], "  ")
    return [
        Text(f"  {name}"),
        Text(number(value) + wanted, style="bold"),
        Text(f"{number(low)}–{number(high)}" if low is not None else ""),
        Text(number(reference["floor"])),
        Text(number(reference["ceiling"])),
        Text(_bar(value, reference["floor"], reference["ceiling"])),
        Text(f"{reference['n']:,}" if reference["n"] else ""),
    ]


def number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.2f}" if abs(value) < 100 else f"{value:,.1f}"


def _bar(value: float, floor: float | None, ceiling: float | None) -> str:
    """Where the value lies between chance (left) and ceiling (right)."""
    if floor is None or ceiling is None or floor == ceiling:
        return ""
    filled = round(BAR * min(max((value - floor) / (ceiling - floor), 0.0), 1.0))
    return "█" * filled + "·" * (BAR - filled)
