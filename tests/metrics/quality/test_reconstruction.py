from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers.metric_files import SIZE, codes, decode, subject
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from disent_plugins.errors import UsageError
from disent_plugins.metrics.quality.reconstruction import Reconstruction, ReconstructionConfig, psnr, squared_error


def measured(given, **options):
    return Reconstruction(ReconstructionConfig(**options)).measure(given)


def test_a_constant_error(tmp_path):
    values = measured(subject(tmp_path, error=0.1)).values
    assert values["sse"].value == pytest.approx(SIZE * SIZE * 0.01, rel=1e-4)
    assert values["psnr"].value == pytest.approx(20.0, abs=1e-3)
    assert values["sse"].low == pytest.approx(values["sse"].high, rel=1e-4)
    assert (values["sse"].n, values["sse"].ceiling, values["sse"].better) == (150, 0.0, "down")


def test_a_perfect_reconstruction_is_finite(tmp_path):
    values = measured(subject(tmp_path)).values
    assert values["sse"].value == 0.0
    assert values["psnr"].value == pytest.approx(100.0)


def test_the_floor_is_the_mean_training_image(tmp_path):
    given = codes()
    images = decode(given.content, given.style).astype(np.float64)
    mean = images[given.rows("train")].mean(axis=0)
    slow = [float(((images[row] - mean) ** 2).sum()) for row in given.rows("test")]
    result = measured(subject(tmp_path, given))
    assert result.values["sse"].floor == pytest.approx(np.mean(slow), rel=1e-5)
    assert result.values["psnr"].floor == pytest.approx(np.mean(-10 * np.log10(np.array(slow) / SIZE**2)), rel=1e-5)
    assert "300 training images" in result.settings["floor"]


def test_only_test_images_count(tmp_path):
    given = subject(tmp_path)
    others = np.flatnonzero(given.codes.split != 2)
    right = given.images

    def images(rows):
        return right(rows) + np.isin(rows, others)[:, None, None, None]

    assert measured(replace(given, images=images)).values["sse"].value == 0.0


def test_squared_error_sums_pixels_and_channels():
    generator = np.random.default_rng(0)
    a, b = generator.random((2, 5, 4, 3, 3))
    np.testing.assert_allclose(squared_error(a, b), [sum((x - y).ravel() ** 2) for x, y in zip(a, b, strict=True)])
    assert psnr(np.array([0.01 * 36]), 36)[0] == pytest.approx(20)


@settings(max_examples=25, deadline=None, derandomize=True)
@drawn(seed=st.integers(0, 999), side=st.integers(1, 6), scale=st.floats(0.01, 10))
def test_order_of_pixels_and_sign_of_the_error_do_not_matter_and_its_size_does(seed, side, scale):
    generator = np.random.default_rng(seed)
    a, error = generator.random((2, 3, side, side, 2))
    wanted = squared_error(a, a + error)
    np.testing.assert_allclose(squared_error(a + error, a), wanted)
    np.testing.assert_allclose(squared_error(a, a - error), wanted)
    np.testing.assert_allclose(squared_error(a, a + scale * error), scale**2 * wanted)
    order = generator.permutation(2 * side * side)
    a, b = (x.reshape(3, -1)[:, order].reshape(x.shape) for x in (a, a + error))
    np.testing.assert_allclose(squared_error(a, b), wanted)
    np.testing.assert_allclose(psnr(scale**2 * wanted, 8), psnr(wanted, 8) - 20 * np.log10(scale))


def test_golden_values(tmp_path):
    some = codes()
    noise = np.random.default_rng(3).normal(size=(600, SIZE, SIZE, 1)).astype(np.float32)
    given = replace(
        subject(tmp_path, some), images=lambda rows: decode(some.content[rows], some.style[rows]) + noise[rows] / 8
    )
    found = {name: value.value for name, value in measured(given).values.items()}
    slow = [float((noise[row].astype(float) ** 2).sum()) / 64 for row in some.rows("test")]
    assert found["sse"] == pytest.approx(np.mean(slow), rel=1e-4)
    assert found["psnr"] == pytest.approx(np.mean([-10 * np.log10(error / SIZE**2) for error in slow]), abs=1e-4)
    assert found == pytest.approx(
        {"sse": 0.55511, "psnr": 18.24983, "ssim": 0.83463}, abs=1e-4
    )  # of this code on the day it was written


def test_same_seed_same_interval_and_progress(tmp_path):
    seen = []
    given = replace(
        subject(tmp_path, codes(2000), error=0.2), report=lambda done, total, what: seen.append((done, total))
    )
    first, again = measured(given), measured(given)
    assert first == again
    assert seen[:2] == [(256, 500), (500, 500)]


def test_codes_alone_cannot_be_compared(tmp_path):
    with pytest.raises(UsageError, match="holds codes only"):
        measured(replace(subject(tmp_path), images=None))
