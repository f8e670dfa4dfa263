"""A value between its floor and its ceiling, as a small drawing."""

from __future__ import annotations

from dataclasses import dataclass

from disent_plugins.contracts import Value

BEYOND = 10.0
"""Percent of the way from floor to ceiling that a bar shows on either side of them."""


@dataclass(frozen=True)
class Bar:
    """Positions in percent of the way from floor (0) to ceiling (100), cut off where the drawing ends.

    Attributes:
        at: The value.
        low, high: Its interval, ascending; None where there is none.
        words: The same, said.
    """

    at: float
    low: float | None
    high: float | None
    words: str


def bar_of(value: Value) -> Bar | None:
    """The bar of a value; None where floor or ceiling is not known.

    >>> bar_of(Value(0.5, "accuracy", floor=0.0, ceiling=1.0, low=0.4, high=0.6))
    Bar(at=50.0, low=40.0, high=60.0, words='50 % of the way from chance to ceiling, interval 40 to 60 %')
    """
    share = value.normalised
    if share is None or value.floor is None or value.ceiling is None:
        return None
    floor, width = value.floor, value.ceiling - value.floor
    words = f"{100 * share:.0f} % of the way from chance to ceiling"
    if value.low is None or value.high is None:
        return Bar(_within(share), None, None, words)
    low, high = sorted(((value.low - floor) / width, (value.high - floor) / width))
    words += f", interval {100 * low:.0f} to {100 * high:.0f} %"
    return Bar(_within(share), _within(low), _within(high), words)


def _within(share: float) -> float:
    return round(min(max(100 * share, -BEYOND), 100 + BEYOND), 1)
