"""Results as tables that people read: every value between its chance level and its ceiling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from disent_plugins.cli import state

BAR = 20


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A plain table; cells are text, never markup."""
    made = Table(title=title, title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        made.add_row(*[Text(str(cell)) for cell in row])
    return made


def show_result(document: Mapping[str, Any]) -> None:
    """Print a metric's document on stdout: values with reference points, notes, files."""
    if document["values"]:
        state.out.print(_values(document))
    for note in document["notes"]:
        state.out.print(Text(f"  note: {note}", style="dim"))
    for name, path in document["artifacts"].items():
        state.out.print(Text(f"  {name}: {shorten(path)}"), soft_wrap=True)


def shorten(path: str | Path) -> str:
    """A path relative to here where it lies below, as it is otherwise."""
    path = Path(path)
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _values(document: Mapping[str, Any]) -> Table:
    shown = Table(
        title=document["metric"],
        title_justify="left",
        title_style="bold",
        header_style="bold",
        box=None,
        pad_edge=False,
    )
    for column in ("", "value", "95 % interval", "chance", "ceiling", "chance to ceiling", "N", "unit"):
        shown.add_column(column, justify="right" if column in ("value", "chance", "ceiling", "N") else "left")
    for name, value in document["values"].items():
        reference = document["reference"][name]
        low, high = reference["low"], reference["high"]
        shown.add_row(
            Text(name),
            Text(_number(value), style="bold"),
            Text(f"{_number(low)} to {_number(high)}" if low is not None else ""),
            Text(_number(reference["floor"])),
            Text(_number(reference["ceiling"])),
            Text(_bar(value, reference["floor"], reference["ceiling"])),
            Text(f"{reference['n']:,}" if reference["n"] else ""),
            Text(reference["unit"]),
        )
    return shown


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.3f}" if abs(value) < 100 else f"{value:,.1f}"


def _bar(value: float, floor: float | None, ceiling: float | None) -> str:
    """Where the value lies between chance (left) and ceiling (right)."""
    if floor is None or ceiling is None or floor == ceiling:
        return ""
    filled = round(BAR * min(max((value - floor) / (ceiling - floor), 0.0), 1.0))
    return "█" * filled + "·" * (BAR - filled)
