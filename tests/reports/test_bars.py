"""Where a value is drawn between its floor and its ceiling."""

from __future__ import annotations

import pytest

from disent_plugins.contracts import Value
from disent_plugins.reports.bars import bar_of


def places(*numbers):
    value, floor, ceiling, low, high = numbers
    bar = bar_of(Value(value, "", floor, ceiling, low, high))
    return bar and (bar.at, bar.low, bar.high)


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        ((0.5, 0.0, 1.0, 0.4, 0.6), (50, 40, 60)),
        ((0.1, 0.1, 1.0, 0.1, 0.1), (0, 0, 0)),
        ((15.0, 60.0, 0.0, 12.0, 18.0), (75, 70, 80)),  # an error: the ceiling is the lower number
        ((0.5, 0.0, 1.0, None, None), (50, None, None)),
        ((0.5, 0.0, 1.0, 0.4, None), (50, None, None)),
        ((-5.0, 0.0, 1.0, -6.0, 0.5), (-10, -10, 50)),  # cut off at the ends of the drawing
        ((9.0, 0.0, 1.0, 0.5, 99.0), (110, 50, 110)),
        ((0.5, None, 1.0, 0.4, 0.6), None),
        ((0.5, 0.0, None, 0.4, 0.6), None),
        ((1.0, 1.0, 1.0, 1.0, 1.0), None),
    ],
)
def test_places(numbers, expected):
    assert places(*numbers) == expected


def test_the_words_are_not_cut_off():
    bar = bar_of(Value(-5.0, "", 0.0, 1.0, -6.0, 0.5))
    assert bar.words == "-500 % of the way from chance to ceiling, interval -600 to 50 %"
