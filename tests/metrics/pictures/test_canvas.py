"""Sheets of tiles: every pixel where it belongs, files whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers.metric_files import subject
from PIL import Image

from disent_plugins.metrics.pictures.canvas import Sheet, enlarge
from disent_plugins.metrics.pictures.interpolation import Interpolation, InterpolationConfig
from disent_plugins.metrics.pictures.samples import Samples, SamplesConfig
from disent_plugins.metrics.pictures.swap_grid import SwapGrid, SwapGridConfig


def test_pictures_are_whole_and_show_the_tiles(tmp_path):
    given = subject(tmp_path)
    for metric, name in (
        (SwapGrid(SwapGridConfig()), "swap-grid"),
        (Interpolation(InterpolationConfig()), "interpolation"),
        (Samples(SamplesConfig()), "samples"),
    ):
        result = metric.measure(given)
        assert result.artifacts[name] == tmp_path / f"{name}.png"
        with Image.open(tmp_path / f"{name}.png") as picture:
            picture.load()
            assert min(picture.size) > 400
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".npz"] * 3 + [".png"] * 3


def test_a_sheet_puts_every_pixel_where_it_belongs(tmp_path):
    sheet, tile = Sheet(60, 50), np.zeros((10, 20, 3))
    tile[..., 0] = 1.0
    tile[3, 4] = (0.0, 1.0, 0.0)
    sheet.tile(tile, 30, 7)
    with Image.open(sheet.save(tmp_path / "sheet.png")) as picture:
        found = np.asarray(picture.convert("RGB"))
    expected = np.full((50, 60, 3), 255)
    expected[7:17, 30:50] = tile * 255
    np.testing.assert_array_equal(found, expected)


def test_a_name_with_dollar_signs_and_no_spaces_is_drawn(tmp_path):
    given = replace(subject(tmp_path), name="runs/$a_b$^{" + "x" * 200)
    SwapGrid(SwapGridConfig(n=1)).measure(given)
    assert (tmp_path / "swap-grid.png").stat().st_size > 0


@pytest.mark.parametrize(("size", "pixels"), [(8, 80), (32, 96), (64, 128), (80, 80), (200, 200)])
def test_images_are_enlarged_by_whole_numbers(size, pixels):
    image = np.random.default_rng(0).random((1, size, size, 3))
    found = enlarge(image)
    assert found.shape == (1, pixels, pixels, 3)
    scale = pixels // size
    np.testing.assert_array_equal(found[:, ::scale, ::scale], image)
    np.testing.assert_array_equal(found[:, scale - 1 :: scale, scale - 1 :: scale], image)


def test_grey_images_become_grey_and_values_are_clamped():
    found = enlarge(np.array([-0.5, 0.5, 1.5, 1.0]).reshape(1, 2, 2, 1))
    np.testing.assert_array_equal(found[0, ::40, ::40, 2].ravel(), [0, 0.5, 1, 1])
    np.testing.assert_array_equal(found[..., 0], found[..., 1])


def test_letters_that_no_font_has_are_no_warning(tmp_path):
    """Warnings are errors here."""
    sheet = Sheet(200, 60)
    sheet.text("大小 \U0001f697", 10, 10)
    assert sheet.save(tmp_path / "a.png").is_file()
