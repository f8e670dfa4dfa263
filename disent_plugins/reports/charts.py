"""Curves over epochs: where their lines and axes go. The templates draw them as SVG, in the colours of the page."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from disent_plugins.measuring.kept import finite

WIDTH, HEIGHT = 340, 180
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 10, 26
POINTS = 120
"""Most points of a line; of longer ones some epochs are skipped."""

RATIO = 10
"""Ratio of the largest to the smallest value of a chart from which on its axis is logarithmic."""


@dataclass(frozen=True)
class Series:
    """Numbers over epochs.

    Attributes:
        label: What they are.
        points: (epoch, value), ascending epochs; finite.
        color, dash: Numbers of a colour and of a pattern of the page.
    """

    label: str
    points: Sequence[tuple[float, float]]
    color: int = 0
    dash: int = 0


@dataclass(frozen=True)
class Line:
    """A line of a chart; ``path`` is the ``d`` of an SVG path."""

    label: str
    path: str
    color: int
    dash: int


@dataclass(frozen=True)
class Tick:
    """A place on an axis, in units of the drawing, and its number."""

    at: float
    label: str


@dataclass(frozen=True)
class Chart:
    """Curves with their axes; ``words`` says what they show."""

    title: str
    words: str
    lines: Sequence[Line]
    x: Sequence[Tick]
    y: Sequence[Tick]
    logarithmic: bool


def series(
    epochs: Iterable[Mapping[str, Any]], name: str, label: str, color: int = 0, dash: int = 0, most: int = POINTS
) -> Series:
    """One number of the records of epochs; those that are missing or not finite are left out."""
    points = [(float(record["epoch"]), float(record[name])) for record in epochs if finite(record.get(name))]
    kept = points[:: math.ceil(len(points) / most) or 1]
    return Series(label, [*kept, points[-1]] if kept and kept[-1] != points[-1] else kept, color, dash)


def chart(title: str, drawn: Iterable[Series]) -> Chart | None:
    """A chart of all series that have a point; None if none has."""
    found = [one for one in drawn if one.points]
    if not found:
        return None
    xs, ys = ([point[axis] for one in found for point in one.points] for axis in (0, 1))
    first, last, least, most = min(xs), max(xs), min(ys), max(ys)
    logarithmic = least > 0 and most / least > RATIO
    scale = math.log if logarithmic else float
    bottom, top = _ends(scale(least), scale(most))

    def across(x: float) -> float:
        share = (x - first) / (last - first) if last > first else 0.5
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def down(y: float) -> float:
        return round(TOP + (top - scale(y)) / (top - bottom) * (HEIGHT - TOP - BOTTOM), 1)

    def path(points: Sequence[tuple[float, float]]) -> str:
        steps = [f"{across(x):g} {down(y):g}" for x, y in points]
        # A single epoch is a line to itself: with round ends that is a dot.
        return "M" + "L".join(steps if len(steps) > 1 else steps * 2)

    lines = [Line(one.label, path(one.points), one.color, one.dash) for one in found]
    x_ticks = [Tick(across(at), f"{at:g}") for at in _whole(first, last)]
    y_ticks = [Tick(down(at), f"{at:,.6g}") for at in _levels(least, most, logarithmic)]
    return Chart(title, _words(title, found), lines, x_ticks, y_ticks, logarithmic)


def _words(title: str, found: Sequence[Series]) -> str:
    if len(found) > _SAID:
        lowest, highest = (end(found, key=lambda one: one.points[-1][1]) for end in (min, max))
        return (
            f"{title}: {len(found)} curves, at their ends from {_last(lowest)} ({lowest.label}) "
            f"to {_last(highest)} ({highest.label})"
        )
    told = [f"{one.label} from {one.points[0][1]:.4g} in epoch {one.points[0][0]:g} to {_last(one)}" for one in found]
    return f"{title}: {'; '.join(told)}"


_SAID = 4
"""Curves that are described one by one."""


def _last(one: Series) -> str:
    return f"{one.points[-1][1]:.4g} in epoch {one.points[-1][0]:g}"


def _ends(low: float, high: float) -> tuple[float, float]:
    """The ends of an axis, with a little room."""
    room = (high - low) * 0.06 or abs(high) * 0.1 or 1.0
    return low - room, high + room


def _whole(low: float, high: float) -> list[float]:
    """A few whole numbers from low to high, which are whole."""
    return _round(low, high, 5, 1.0)


def _levels(low: float, high: float, logarithmic: bool) -> list[float]:
    """A few round numbers from low to high."""
    if not logarithmic:
        return _round(low, high, 4)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    stride = math.ceil(len(powers) / 5)
    for digits in ((1,), (1, 3), (1, 2, 5)):
        found = [float(f"{digit}e{power}") for power in powers[::stride] for digit in digits]
        found = [at for at in found if low <= at <= high]
        if len(found) > 2:
            break
    return found


def _round(low: float, high: float, most: int, least: float = 0.0) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten, and of ``least`` at least, ``most`` + 1 at the most.

    >>> _round(0.0, 1.0, 4), _round(1.0, 60.0, 5), _round(1.0, 3.0, 5, 1.0)
    ([0.0, 0.5, 1.0], [20.0, 40.0, 60.0], [1.0, 2.0, 3.0])
    """
    if high <= low:
        return [low]
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    step = max(least, next(power * digit for digit in (1, 2, 5, 10) if (high - low) / (power * digit) <= most))
    return [step * count for count in range(math.ceil(low / step), math.floor(high / step) + 1)]
