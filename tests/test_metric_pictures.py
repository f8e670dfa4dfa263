"""Swap grid, interpolation and samples: what every tile is, and that the files are there and whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from metric_files import SIZE, codes, decode, subject
from PIL import Image

from disent_plugins.errors import UsageError
from disent_plugins.metrics.examples import pick_rows
from disent_plugins.metrics.interpolation import Interpolation, InterpolationConfig
from disent_plugins.metrics.pictures import Sheet, enlarge
from disent_plugins.metrics.samples import Samples, SamplesConfig, draw_codes, group_means
from disent_plugins.metrics.swap_grid import SwapGrid, SwapGridConfig

IMAGE = (SIZE, SIZE, 1)


def arrays(result, name: str) -> dict[str, np.ndarray]:
    with np.load(result.artifacts[f"{name}-arrays"], allow_pickle=False) as file:
        return dict(file)


def one(given, content_row: int, style_row: int) -> np.ndarray:
    return decode(given.content[[content_row]], given.style[[style_row]])[0]


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


def test_chosen_rows_repeat_only_where_a_class_is_too_small():
    given = codes()
    rare = np.flatnonzero((given.split == 2) & (given.labels == 0))
    given.split[rare[1:]] = 1
    first, second = pick_rows(given, 4, seed=0, sets=2)
    assert np.intersect1d(first, second).tolist() == rare[:1].tolist()


def test_normal_samples_are_standard_normal():
    content, style = draw_codes(codes(), "normal", 20_000, np.random.default_rng(0))
    for block in (content, style):
        np.testing.assert_allclose(block.mean(axis=0), 0, atol=0.03)
        np.testing.assert_allclose(np.cov(block, rowvar=False), np.eye(block.shape[1]), atol=0.04)


def test_group_means_agree_with_a_loop():
    generator = np.random.default_rng(0)
    mean, logvar = generator.normal(size=(2, 50, 3))
    labels = generator.choice([2, 5, 9], size=50)
    for found, label in zip(group_means(mean, logvar, labels), (2, 5, 9), strict=True):
        for d in range(3):
            precision = [1 / np.exp(logvar[i, d]) for i in range(50) if labels[i] == label]
            weighted = [mean[i, d] / np.exp(logvar[i, d]) for i in range(50) if labels[i] == label]
            assert found[d] == pytest.approx(sum(weighted) / sum(precision))


def test_group_mixture_lies_around_the_means_of_the_training_groups():
    given = codes()
    given.content *= 20
    test = given.rows("test")
    given.content[test] += 1000  # must not matter
    train = given.rows("train")
    means = np.stack([given.content[train][given.labels[train] == label].mean(axis=0) for label in range(4)])
    content, style = draw_codes(given, "group_mixture", 4000, np.random.default_rng(0))
    distance = np.linalg.norm(content[:, None] - means, axis=2)
    nearest = distance.argmin(axis=1)
    np.testing.assert_allclose(np.bincount(nearest) / 4000, 0.25, atol=0.03)
    assert np.square(distance.min(axis=1)).mean() == pytest.approx(3, abs=0.15)  # a standard normal of 3 dimensions
    np.testing.assert_allclose(style.mean(axis=0), 0, atol=0.06)


def test_fitted_samples_have_the_moments_of_the_training_codes():
    given = codes()
    given.style[:, 1] = 7.0  # a dead mean: only the posterior's variance is left
    train = given.rows("train")
    content, style = draw_codes(given, "fitted", 50_000, np.random.default_rng(0))
    expected = np.cov(given.content[train], rowvar=False, bias=True) + np.exp(-2) * np.eye(3)
    np.testing.assert_allclose(np.cov(content, rowvar=False), expected, rtol=0.05, atol=0.1)
    np.testing.assert_allclose(content.mean(axis=0), given.content[train].mean(axis=0), atol=0.05)
    assert style[:, 1].mean() == pytest.approx(7.0, abs=0.01)
    assert style[:, 1].var() == pytest.approx(np.exp(-1), rel=0.03)


def test_samples_are_the_decoded_codes(tmp_path):
    result = Samples(SamplesConfig(prior="group_mixture", n=2)).measure(subject(tmp_path))
    found = arrays(result, "samples")
    np.testing.assert_allclose(found["samples"].reshape(4, *IMAGE), decode(found["content"], found["style"]), rtol=1e-6)
    assert result.artifacts["samples"].name == "samples-group-mixture.png"  # beside, not over, those of the other prior


def test_group_mixture_needs_log_variances(tmp_path):
    given = subject(tmp_path, replace(codes(), content_logvar=None))
    with pytest.raises(UsageError, match="no log-variances"):
        Samples(SamplesConfig(prior="group_mixture")).measure(given)


@pytest.mark.parametrize(
    "metric", [SwapGrid(SwapGridConfig()), Interpolation(InterpolationConfig()), Samples(SamplesConfig())]
)
def test_codes_alone_cannot_be_drawn(metric, tmp_path):
    with pytest.raises(UsageError, match="holds codes only"):
        metric.measure(replace(subject(tmp_path), decode=None, images=None))
    assert list(tmp_path.iterdir()) == []
