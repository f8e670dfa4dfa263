"""``disent compare``: models side by side, and which differences are real."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from disent_plugins.cli import show, state
from disent_plugins.errors import UsageError, suggestion

if TYPE_CHECKING:
    from disent_plugins.studies.comparison import Cell, Column, Comparison


class Format(StrEnum):
    """How a comparison is printed."""

    table = "table"
    md = "md"
    csv = "csv"
    latex = "latex"
    json = "json"


class By(StrEnum):
    """What a table is made for."""

    data = "data"
    value = "value"


def compare(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(help="Run folders, folders of runs such as a sweep's, or comparisons as JSON (default: runs)."),
    ] = None,
    values: Annotated[
        str | None,
        typer.Option(help="Columns: values such as content/mean/strong, or metrics; comma-separated."),
    ] = None,
    groups: Annotated[str | None, typer.Option(help="Columns: all values of these groups of metrics.")] = None,
    sort: Annotated[str | None, typer.Option(help="Rows by this column, the best first (default: as named).")] = None,
    data: Annotated[str | None, typer.Option(help="Only this data set.")] = None,
    by: Annotated[By, typer.Option(help="A table for every data set, or for every value.")] = By.data,
    format: Annotated[Format, typer.Option(help="table, md, csv, latex or json.")] = Format.table,
    force: Annotated[
        bool, typer.Option("--force", help="Put together, and mark, what was measured in different ways.")
    ] = False,
) -> None:
    """Compare measured runs: a table for every data set, seeds together, the best marked where it is really better."""
    from disent_plugins.studies.comparison import by_value, sorted_by

    found = _comparisons(runs or [], _words(values), _words(groups), force)
    if data is not None:
        kept = [one for one in found if data in (one.data, one.data.partition(" ")[0])]
        if not kept:
            raise UsageError(f"No run is of data set '{data}'.", suggestion(data, [one.data for one in found]))
        found = kept
    if sort is not None:
        found = [sorted_by(one, sort) for one in found]
    _print(by_value(found) if by is By.value else found, format)


def _words(text: str | None) -> list[str]:
    return [word.strip() for word in (text or "").split(",") if word.strip()]


def _comparisons(paths: list[Path], values: list[str], groups: list[str], force: bool) -> list[Comparison]:
    from disent_plugins.files import read_json
    from disent_plugins.measuring.kept import find_runs
    from disent_plugins.measuring.results import JSON
    from disent_plugins.studies.compare import compare as compare_runs
    from disent_plugins.studies.comparison import from_plain

    kept, folders = [], []
    for path in paths:
        if path.name == JSON and (path.parent / "config.json").is_file():
            folders.append(path.parent)
        elif path.is_file():
            parts = read_json(path)
            kept += [from_plain(part, str(path)) for part in (parts if isinstance(parts, list) else [parts])]
        else:
            folders.append(path)
    if kept and (values or groups):
        raise UsageError("--values and --groups choose among what runs hold.", "A kept comparison has its columns.")
    found = compare_runs(find_runs(folders), values=values, groups=groups, force=force) if folders or not kept else []
    return [*kept, *found]


def _print(found: list[Comparison], format: Format) -> None:
    from disent_plugins.studies import comparison_words as words

    if format is Format.json:
        state.print_json([one.plain for one in found])
    elif format is Format.csv:
        state.out.print(words.comma_separated(found), markup=False, soft_wrap=True, end="", highlight=False)
    elif format is Format.table:
        for one in found:
            _show(one)
    else:
        write = words.markdown if format is Format.md else words.latex
        for one in found:
            if format is Format.md and len(found) > 1:
                state.out.print(f"## {one.data}\n", markup=False, highlight=False)
            state.out.print(write(one), markup=False, soft_wrap=True, highlight=False)


def _show(comparison: Comparison) -> None:
    """On a terminal; columns that do not fit stand in a second table below."""
    from rich.text import Text

    from disent_plugins.studies import comparison_words as words

    def cell(one: Cell, column: Column, told: bool) -> str:
        if one.value is None:
            return words.NONE
        return words.spread(one.value, column.unit) + (f" {words.rank(one)}" if told and one.rank is not None else "")

    head, *rest = words.lines(comparison, cell)
    best = {(number + 2, place + 2) for number, row in enumerate(comparison.rows)
            for place, one in enumerate(row.cells) if one.best}  # fmt: skip
    widths = [max(len(line[place]) for line in [head, *rest]) + 2 for place in range(len(head))]
    for start, end in _blocks(widths, state.out.width):
        places = [0, 1, *range(start, end)]
        made = show.table(comparison.data, [head[place] for place in places], [])
        for column in made.columns[2:]:
            column.justify, column.no_wrap = "right", True
        for number, line in enumerate(rest):
            control = number < 2 or number >= 2 + len(comparison.rows)
            style = "dim" if control else ""
            made.add_row(*(
                Text(line[place], style="bold" if (number, place) in best else style) for place in places
            ))  # fmt: skip
        state.out.print(made)
        state.out.print()
    for note in words.legend(comparison):
        state.say(note)


def _blocks(widths: list[int], room: int) -> list[tuple[int, int]]:
    """First and last column, beside the names and seeds, of tables that fit."""
    blocks, start, used = [], 2, sum(widths[:2])
    for place in range(2, len(widths)):
        if place > start and used + widths[place] > room:
            blocks.append((start, place))
            start, used = place, sum(widths[:2])
        used += widths[place]
    return [*blocks, (start, len(widths))]
