"""A comparison in words: Markdown, CSV and LaTeX, for pages, spreadsheets and papers."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence

from disent_plugins.contracts import Value
from disent_plugins.printable import printable
from disent_plugins.studies.comparison import Cell, Column, Comparison, Row

ARROWS = {"up": "↑", "down": "↓", "": ""}
NONE = "–"
"""A value that was not measured in every run of a row."""


def number(value: float | None, unit: str = "") -> str:
    """A number with the digits that tables show: three decimals below 10, fewer above; counts as they are.

    >>> number(0.98213), number(12.345), number(1234.5), number(8.0, "dimensions"), number(None)
    ('0.982', '12.3', '1,234', '8', '')
    """
    if value is None:
        return ""
    if unit == "dimensions" and value == round(value):
        return f"{value:.0f}"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}" if abs(value) < 1000 else f"{value:,.0f}"


def spread(value: Value, unit: str) -> str:
    """The number and its interval: ``0.982 ± 0.004``, or its ends where it is not even about the number.

    >>> spread(Value(0.98, "accuracy", low=0.96, high=1.0), ""), spread(Value(0.98, "accuracy", low=0.9, high=1.0), "")
    ('0.980 ± 0.020', '0.980 (0.900 to 1.000)')
    """
    text = number(value.value, unit)
    if value.low is None or value.high is None:
        return text
    up, down = value.high - value.value, value.value - value.low
    if up == down == 0:
        return text
    if abs(up - down) <= 0.15 * max(up, down):  # resampled intervals are never quite even
        return f"{text} ± {number((up + down) / 2)}"
    return f"{text} ({number(value.low, unit)} to {number(value.high, unit)})"


def rank(cell: Cell) -> str:
    """The ranks that a row may have, as they stand behind a value; nothing where there is none.

    >>> rank(Cell(None, {}, rank=2, last=5)), rank(Cell(None, {}, rank=1, last=1)), rank(Cell(None, {}))
    ('2–5', '1', '')
    """
    if cell.rank is None:
        return ""
    return str(cell.rank) if cell.last in (None, cell.rank) else f"{cell.rank}–{cell.last}"


def heading(column: Column) -> str:
    """The heading with the arrow of what is better, and the unit where the name does not say it."""
    unit = f", {column.unit}" if column.unit in ("dB", "nats") else ""
    return _on_one_line(f"{column.heading}{unit} {ARROWS[column.better]}")


def _on_one_line(text: str) -> str:
    return printable(" ".join(text.split()))


def seeds(row: Row) -> str:
    """How many runs, and of which seed if it is one."""
    return f"seed {row.seeds[0]}" if len(row.seeds) == 1 else str(len(row.seeds))


def lines(comparison: Comparison, cell: Callable[[Cell, Column, bool], str]) -> list[list[str]]:
    """The table as text: heading, controls, a line for each row, the smallest detectable differences."""
    columns = comparison.columns
    made = [["model", "seeds", *map(heading, columns)]]
    made.append(["chance", "", *(number(column.floor, column.unit) for column in columns)])
    made.append(["ceiling", "", *(number(column.ceiling, column.unit) for column in columns)])
    for row in comparison.rows:
        cells = [cell(one, columns[place], comparison.tells(place)) for place, one in enumerate(row.cells)]
        made.append([_on_one_line(row.label), seeds(row), *cells])
    if any(column.detectable is not None for column in columns):
        made.append(["detectable difference", "", *(number(column.detectable) for column in columns)])
    return made


def legend(comparison: Comparison) -> list[str]:
    """Sentences below the table."""
    how = dict.fromkeys(column.how for column in comparison.columns if column.how)
    told = [f"Differences: {'; '.join(how)}."] if how else []
    if any(column.detectable is not None for column in comparison.columns):
        told.append(
            "Detectable difference: the smallest true one that would be found real, beside all others of its column, "
            "in four of five cases."
        )
    return [*comparison.notes, *told]


def markdown(comparison: Comparison) -> str:
    """A Markdown table; what is best is bold where it is really better than another."""

    def cell(one: Cell, column: Column, told: bool) -> str:
        if one.value is None:
            return NONE
        text = spread(one.value, column.unit)
        place = f" <sup>{rank(one)}</sup>" if told and one.rank is not None else ""
        return (f"**{text}**" if one.best else text) + place

    made = lines(comparison, cell)
    made[0] = [_escaped(text) for text in made[0]]
    for line in made[1:]:
        line[0] = _escaped(line[0])
    for line in made[1:3]:
        line[0] = f"*{line[0]}*"
    if len(made) > 3 + len(comparison.rows):
        made[-1][0] = f"*{made[-1][0]}*"
    made.insert(1, ["---"] * len(made[0]))
    table = "\n".join(f"| {' | '.join(line)} |" for line in made)
    return f"{table}\n\n" + "\n".join(f"- {_escaped(note)}" for note in legend(comparison)) + "\n"


def _escaped(text: str) -> str:
    """Markdown that does not break the table; names are anybody's."""
    return text.replace("|", "\\|").replace("`", "'").replace("<", "&lt;")


def comma_separated(comparisons: Sequence[Comparison]) -> str:
    """A line for every row and column, with all that is known of the value."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV)
    for comparison in comparisons:
        for row in comparison.rows:
            for column, cell in zip(comparison.columns, row.cells, strict=True):
                value = cell.value
                ends = (value.value, value.low, value.high, value.n) if value else (None,) * 4
                writer.writerow([
                    comparison.data, row.label, row.model, len(row.seeds), row.epochs, column.metric, column.value,
                    *ends, column.floor, column.ceiling, column.unit, column.better, cell.rank, cell.last, cell.best,
                    column.detectable, column.how,
                ])  # fmt: skip
    return text.getvalue()


CSV = (
    "data", "row", "model", "seeds", "epochs", "metric", "name", "value", "low", "high", "n", "floor", "ceiling",
    "unit", "better", "rank", "last", "best", "detectable", "how",
)  # fmt: skip


def latex(comparison: Comparison) -> str:
    """A ``tabular`` for a paper (booktabs); what is best is bold where it is really better than another."""

    def cell(one: Cell, column: Column, told: bool) -> str:
        if one.value is None:
            return "--"
        text = _tex(spread(one.value, column.unit)).replace("±", "$\\pm$")
        place = f"$^{{{rank(one)}}}$" if told and one.rank is not None else ""
        return (f"\\textbf{{{text}}}" if one.best else text) + place

    head, *rest = lines(comparison, lambda one, column, told: "")
    body = [[cell(one, comparison.columns[place], comparison.tells(place)) for place, one in enumerate(row.cells)]
            for row in comparison.rows]  # fmt: skip
    for line, cells in zip(rest[2:], body, strict=False):
        line[2:] = cells
    made = [[_tex(text) for text in head]]
    made += [[_tex(line[0]), _tex(line[1]), *line[2:]] for line in rest]
    shown = [" & ".join(line).replace("↑", "$\\uparrow$").replace("↓", "$\\downarrow$") + r" \\" for line in made]
    shown.insert(1, r"\midrule")
    shown.insert(4, r"\midrule")
    notes = [f"% {' '.join(note.split())}" for note in legend(comparison)]
    begin = [
        f"% {comparison.data}: \\usepackage{{booktabs}}",
        f"\\begin{{tabular}}{{ll{'r' * len(comparison.columns)}}}",
    ]
    return "\n".join([*begin, r"\toprule", *shown, r"\bottomrule", r"\end{tabular}", *notes]) + "\n"


_TEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip


def _tex(text: str) -> str:
    return "".join(_TEX.get(letter, letter) for letter in text)
