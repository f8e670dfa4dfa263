"""Interpolation: what every tile is."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.metric_files import arrays, codes, decode, one, subject

from disent_plugins.errors import UsageError
from disent_plugins.metrics.pictures.interpolation import Interpolation, InterpolationConfig


def test_interpolation_corners_and_centre(tmp_path):
    given = codes()
    found = arrays(Interpolation(InterpolationConfig(n=3)).measure(subject(tmp_path, given)), "interpolation")
    (a, b), grid = found["rows"], found["interpolations"]
    assert given.labels[a] != given.labels[b]
    assert (given.split[found["rows"]] == 2).all()
    corners = {
        (0, 0): one(given, a, a),
        (-1, -1): one(given, b, b),
        (0, -1): one(given, b, a),
        (-1, 0): one(given, a, b),
    }
    for (i, j), expected in corners.items():
        np.testing.assert_allclose(grid[i, j], expected, rtol=1e-5)
    halfway = decode((given.content[[a]] + given.content[[b]]) / 2, given.style[[a]])[0]
    np.testing.assert_allclose(grid[0, 1], halfway, rtol=1e-5)
    np.testing.assert_allclose(found["images"][0], one(given, a, a), rtol=1e-6)


def test_interpolation_needs_two_classes(tmp_path):
    given = codes()
    given.split[(given.split == 2) & (given.labels > 0)] = 1
    with pytest.raises(UsageError, match="one class only"):
        Interpolation(InterpolationConfig()).measure(subject(tmp_path, given))
