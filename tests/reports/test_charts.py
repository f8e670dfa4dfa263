"""Curves over epochs: where lines, axes and numbers stand, and what is said of them."""

from __future__ import annotations

import math
import re

import pytest

from disent_plugins.reports.charts import BOTTOM, HEIGHT, LEFT, POINTS, RIGHT, TOP, WIDTH, Series, chart, series


def corners(path):
    return [tuple(map(float, step.split())) for step in re.split("[ML]", path) if step]


def records(*values):
    return [{"epoch": epoch, "total": value} for epoch, value in enumerate(values, 1)]


def test_a_line_runs_from_the_first_epoch_to_the_last_and_down_as_it_falls():
    drawn = chart("total", [Series("training", [(1, 8.0), (2, 6.0), (3, 4.0)])])
    (line,) = drawn.lines
    (x0, y0), (x1, y1), (x2, y2) = corners(line.path)
    assert (x0, x2) == (LEFT, WIDTH - RIGHT)
    assert x1 == pytest.approx((x0 + x2) / 2, abs=0.1)
    assert TOP <= y0 < y1 < y2 <= HEIGHT - BOTTOM
    assert y1 == pytest.approx((y0 + y2) / 2, abs=0.1)
    assert not drawn.logarithmic


def test_the_axis_is_logarithmic_where_values_span_decades():
    drawn = chart("total", [Series("training", [(1, 1000.0), (2, 100.0), (3, 10.0)])])
    (_, y0), (_, y1), (_, y2) = corners(drawn.lines[0].path)
    assert drawn.logarithmic
    assert y1 - y0 == pytest.approx(y2 - y1, abs=0.2)
    assert {tick.label for tick in drawn.y} >= {"10", "100", "1,000"}
    assert not chart("total", [Series("training", [(1, 1000.0), (2, 0.0)])]).logarithmic


@pytest.mark.parametrize("values", [[(1, 5.0), (9, 1.0)], [(1, -3.0), (2, 2e-9)], [(3, 0.5)], [(1, 0.0), (2, 0.0)],
                                    [(1, 1e300), (2, 1e-300)], [(1, 1e-12), (500, 1.1e-12)]])  # fmt: skip
def test_all_numbers_stand_at_their_places(values):
    drawn = chart("total", [Series("training", values)])
    for tick in drawn.x:
        assert LEFT <= tick.at <= WIDTH - RIGHT
    for tick in drawn.y:
        assert TOP <= tick.at <= HEIGHT - BOTTOM
    assert drawn.x
    assert len(drawn.y) <= 8
    for x, y in corners(drawn.lines[0].path):
        assert LEFT <= x <= WIDTH - RIGHT
        assert TOP <= y <= HEIGHT - BOTTOM
    assert len(corners(drawn.lines[0].path)) >= 2  # one epoch is drawn as well


def test_what_is_no_number_is_left_out():
    line = series([*records(3.0, math.nan, math.inf), {"epoch": 4}, {"epoch": 5, "total": None}], "total", "training")
    assert line.points == [(1, 3.0)]
    assert chart("total", [series(records(math.nan), "total", "training")]) is None


def test_of_a_long_run_epochs_are_skipped_and_never_the_last():
    line = series(records(*range(5000)), "total", "training")
    assert len(line.points) <= POINTS + 1
    assert (line.points[0], line.points[-1]) == ((1, 0), (5000, 4999))


def test_what_a_chart_says():
    few = chart("total", [Series("training", [(1, 8.0), (2, 6.0)])])
    assert few.words == "total: training from 8 in epoch 1 to 6 in epoch 2"
    many = chart("total", [Series(f"m{n}", [(1, 9.0), (2, float(n))]) for n in range(6)])
    assert many.words == "total: 6 curves, at their ends from 0 in epoch 2 (m0) to 5 in epoch 2 (m5)"
