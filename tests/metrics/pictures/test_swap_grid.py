"""Swap grid: what every tile is."""

from __future__ import annotations

import numpy as np
from helpers.metric_files import IMAGE, arrays, codes, one, subject

from disent_plugins.metrics.pictures.swap_grid import SwapGrid, SwapGridConfig


def test_swap_grid_cells(tmp_path):
    given = codes()
    result = SwapGrid(SwapGridConfig(n=3)).measure(subject(tmp_path, given, error=0.25))
    found = arrays(result, "swap-grid")
    assert found["swaps"].shape == (3, 3, *IMAGE)
    for i, style_row in enumerate(found["style_rows"]):
        for j, content_row in enumerate(found["content_rows"]):
            np.testing.assert_allclose(found["swaps"][i, j], one(given, content_row, style_row), rtol=1e-6)
    for block in ("content", "style"):
        for k, row in enumerate(found[f"{block}_rows"]):
            np.testing.assert_allclose(found[f"{block}_reconstructions"][k], one(given, row, row), rtol=1e-6)
            np.testing.assert_allclose(found[f"{block}_images"][k], one(given, row, row) + 0.25, rtol=1e-6)


def test_swap_grid_shows_test_images_of_different_classes(tmp_path):
    given = codes()
    result = SwapGrid(SwapGridConfig()).measure(subject(tmp_path, given))
    found = arrays(result, "swap-grid")
    for rows in (found["content_rows"], found["style_rows"]):
        assert (given.split[rows] == 2).all()
        assert sorted(given.labels[rows]) == [0, 1, 2, 3]  # fewer than the eight asked for: there are four classes
    assert not np.isin(found["content_rows"], found["style_rows"]).any()
    assert result.settings["n"] == 4
    assert list(result.artifacts) == ["swap-grid", "swap-grid-arrays"]


def test_the_same_seed_draws_the_same_picture(tmp_path):
    draw = SwapGrid(SwapGridConfig(n=2))
    pictures = [
        draw.measure(subject(tmp_path / str(i), seed=seed)).artifacts["swap-grid"].read_bytes()
        for i, seed in enumerate((0, 0, 1))
    ]
    assert pictures[0] == pictures[1] != pictures[2]
