from __future__ import annotations

import numpy as np
import pytest
from helpers.metric_files import codes, decode, subject
from hypothesis import given, settings
from hypothesis import strategies as st

from disent_plugins.metrics.quality.reconstruction import Reconstruction, ReconstructionConfig
from disent_plugins.metrics.quality.ssim import ssim


def slow(x, y):
    """One channel [H, W], window by window, as the paper writes it."""
    line = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    window = np.outer(line, line) / line.sum() ** 2
    found = []
    for top in range(x.shape[0] - 10):
        for left in range(x.shape[1] - 10):
            a, b = (image[top : top + 11, left : left + 11] for image in (x, y))
            ma, mb = (window * a).sum(), (window * b).sum()
            va, vb = (window * (a - ma) ** 2).sum(), (window * (b - mb) ** 2).sum()
            both = (window * (a - ma) * (b - mb)).sum()
            found.append((2 * ma * mb + 1e-4) * (2 * both + 9e-4) / ((ma**2 + mb**2 + 1e-4) * (va + vb + 9e-4)))
    return np.mean(found)


def test_it_is_the_papers_formula_window_by_window():
    x, y = np.random.default_rng(0).random((2, 2, 14, 17, 3))
    wanted = [np.mean([slow(x[b, ..., c], y[b, ..., c]) for c in range(3)]) for b in range(2)]
    np.testing.assert_allclose(ssim(x, y), wanted, atol=1e-12)


def test_golden_values():
    x = np.linspace(0, 1, 256).reshape(1, 16, 16, 1)
    np.testing.assert_allclose(ssim(x, x), 1)
    np.testing.assert_allclose(ssim(x, np.full((16, 16, 1), 0.5)), slow(x[0, ..., 0], np.full((16, 16), 0.5)))
    np.testing.assert_allclose(ssim(np.zeros((1, 12, 12, 1)), np.ones((1, 12, 12, 1))), 1e-4 / (1 + 1e-4))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 1000), side=st.integers(2, 15), channels=st.sampled_from([1, 3]))
def test_symmetric_bounded_and_blind_to_mirroring(seed, side, channels):
    x, y = np.random.default_rng(seed).random((2, 3, side, side + 1, channels))
    found = ssim(x, y)
    assert (np.abs(found) <= 1).all()
    np.testing.assert_allclose(found, ssim(y, x), atol=1e-12)
    np.testing.assert_allclose(found, ssim(x[:, :, ::-1], y[:, :, ::-1]), atol=1e-12)
    np.testing.assert_allclose(ssim(x, x), 1, atol=1e-12)


def test_the_order_of_pixels_matters():
    x = np.linspace(0, 1, 256).reshape(1, 16, 16, 1)
    generator = np.random.default_rng(0)
    y, order = x + 0.05 * generator.normal(size=x.shape), generator.permutation(256)
    shuffled = [z.reshape(1, 256)[:, order].reshape(x.shape) for z in (x, y)]
    assert abs(ssim(*shuffled) - ssim(x, y))[0] > 0.1  # noise is seen on what is smooth


def test_it_stands_in_the_reconstruction(tmp_path):
    value = Reconstruction(ReconstructionConfig()).measure(subject(tmp_path, error=0.1)).values["ssim"]
    some = codes()
    rows = some.rows("test")
    true = np.clip(decode(some.content[rows], some.style[rows]), 0, 1)
    assert value.value == pytest.approx(ssim(true + np.float32(0.1), true).mean(), abs=1e-6)
    assert value.floor < value.low <= value.value <= value.high <= value.ceiling == 1.0
