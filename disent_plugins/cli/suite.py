"""The table of ``disent metrics all``: everything that is known of a run, of several, or of anybody's codes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from disent_plugins.cli import show, state

if TYPE_CHECKING:
    from disent_plugins.measuring.suite import Entry

BAR = 12
COLUMNS = ("", "value  ", "chance", "to ceiling", "ceiling", "N")
_LONGEST_UNIT = 4
"""Units such as nats and dB stand in the table; longer ones are words, for which the JSON document is the place."""


def show_entries(entries: Sequence[Entry]) -> None:
    """Print the suite on stdout, a block for each group: values with chance level, ceiling and interval."""
    lines = [
        (entry.group, _cells(entry.name, name, value))
        for entry in entries
        if entry.result is not None
        for name, value in entry.result.values.items()
    ]
    widths = show.widths_for(COLUMNS, [cells for _, cells in lines], state.out.width)
    for group in dict.fromkeys(entry.group for entry in entries):
        rows = [cells for of, cells in lines if of == group]
        if rows:
            made = show.values_table(group, COLUMNS, widths)
            for row in rows:
                made.add_row(*row)
            show.print_values(made)
            state.out.print()
    for entry in entries:
        for note in entry.result.notes if entry.result is not None else ():
            state.out.print(Text(f"  {entry.name}: {note}", style="dim"))
    pictures = [path for entry in entries if entry.result is not None for path in entry.result.artifacts.values()]
    for path in pictures:
        if path.suffix == ".png":
            state.out.print(Text(f"  picture: {show.shorten(path)}"), soft_wrap=True)
    for reason, names in _reasons(entries).items():
        state.err.print(Text(f"left out: {', '.join(names)}: {reason}", style="dim"))
    if lines:
        state.say("█ up to the lower end of the 95 % interval, ▓ the interval; · what is missing to the ceiling.")


def _reasons(entries: Sequence[Entry]) -> dict[str, list[str]]:
    """Why metrics were left out, and which for the same reason."""
    found: dict[str, list[str]] = {}
    for entry in entries:
        if entry.result is None:
            found.setdefault(entry.left_out.replace(f"Metric '{entry.name}' ", "it "), []).append(entry.name)
    return found


def _cells(metric: str, name: str, value: Any) -> list[Text]:
    """One line. The arrow says which way is better; colour only repeats it."""
    own = metric.rsplit(":", 1)[-1]
    label = name if name == own or name.startswith(f"{own}/") else f"{metric} {name}"
    unit = f", {value.unit}" if len(value.unit) <= _LONGEST_UNIT else ""
    shown = Text(label)
    shown.append(unit, style="dim")
    return [
        shown,
        Text(show.directed(value.value, value.better), style="bold"),
        Text(show.number(value.floor)),
        Text(interval_bar(value), style=_colour(value)),
        Text(show.number(value.ceiling)),
        Text(f"{value.n:,}" if value.n else ""),
    ]


def interval_bar(value: Any) -> str:
    """The value and its interval between chance (left end) and ceiling (right end).

    >>> from disent_plugins.contracts import Value
    >>> interval_bar(Value(0.5, "accuracy", floor=0.0, ceiling=1.0, low=0.4, high=0.6))
    '█████▓▓·····'
    """
    if value.normalised is None:
        return ""

    def cell(number: float) -> int:
        share = (number - value.floor) / (value.ceiling - value.floor)
        return round(BAR * min(max(share, 0.0), 1.0))

    low, high = value.value if value.low is None else value.low, value.value if value.high is None else value.high
    first, last = sorted((cell(low), cell(high)))
    return "█" * first + "▓" * (last - first) + "·" * (BAR - last)


def _colour(value: Any) -> str:
    if value.normalised is None or not value.better:
        return ""
    good = value.normalised if value.better == "up" or value.floor > value.ceiling else 1 - value.normalised
    return "green" if good > 0.8 else "yellow" if good > 0.4 else "red"
