"""The mixture of classifiers: what it makes of right, over-sure, lucky and knowing-nothing ones."""

from __future__ import annotations

import numpy as np
import pytest

from disent_plugins.metrics.content_style.calibration import SHARE, SHARPNESS, mixed, sharpen

K = 4
SHARES = np.array([0.4, 0.3, 0.2, 0.1])


def drawn(n: int, sharp: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """True probabilities [n, K] and classes [n] drawn from them."""
    rng = np.random.default_rng(seed)
    p = sharpen(rng.dirichlet(np.full(K, 0.7), size=n), SHARES, sharp)
    return p, (p.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(max=K - 1)


def loss(p: np.ndarray) -> float:
    return -float(np.log(p).mean())


def test_it_is_the_sum_over_all_classifiers_and_settings_weighted_by_likelihood() -> None:
    (p, y), (q, _) = drawn(30, 1.0), drawn(30, 1.0, 1)
    likelihood, told = [], []
    for one in (p, q):
        for b in SHARPNESS:
            for e in SHARE:
                row = one**b * SHARES ** (1 - b)
                row = (1 - e) * row / row.sum(axis=1, keepdims=True) + e * SHARES
                likelihood.append(row[np.arange(30), y].prod())
                told.append(row[np.arange(30), y])
    slow = np.average(told, axis=0, weights=likelihood)
    found, weights = mixed([p, q], y, [p, q], y, SHARES)
    np.testing.assert_allclose(found, slow, rtol=1e-6)
    assert weights.sum() == pytest.approx(1)
    assert weights[0] > 0.999  # y was drawn from p


@pytest.mark.parametrize("b", [0.5, 2.0])
def test_a_classifier_that_is_too_sure_or_not_sure_enough_is_set_right(b: float) -> None:
    p, y = drawn(4000, 1.0)
    skewed = sharpen(p, SHARES, b)
    found, _ = mixed([skewed[:2000]], y[:2000], [skewed[2000:]], y[2000:], SHARES)
    best = loss(p[np.arange(2000, 4000), y[2000:]])
    assert loss(found) == pytest.approx(best, abs=0.005)
    assert loss(skewed[np.arange(2000, 4000), y[2000:]]) > best + 0.04


def test_noise_that_is_sure_of_itself_ends_at_the_shares_of_the_classes() -> None:
    rng = np.random.default_rng(0)
    y = rng.choice(K, p=SHARES, size=4000)
    noise = np.eye(K)[rng.integers(K, size=4000)] * 0.99 + 0.0025
    found, _ = mixed([noise[:1000]], y[:1000], [noise[1000:]], y[1000:], SHARES)
    shares = np.bincount(y[1000:]) / 3000
    assert loss(found) == pytest.approx(-(shares * np.log(shares)).sum(), abs=0.003)


def test_rows_that_nothing_tells_among_sure_ones_cost_little() -> None:
    rng = np.random.default_rng(0)
    y = rng.choice(K, p=SHARES, size=4000)
    sure = np.eye(K)[np.where(rng.random(4000) < 0.02, rng.integers(K, size=4000), y)]
    found, _ = mixed([sure[:2000]], y[:2000], [sure[2000:]], y[2000:], SHARES)
    assert loss(found) < 0.16


def test_the_better_of_two_is_taken_where_rows_tell_and_both_where_they_do_not() -> None:
    p, y = drawn(2000, 1.0)
    worse = sharpen(p[::-1], SHARES, 0.3)
    assert mixed([worse, p], y, [worse, p], y, SHARES)[1][1] > 0.999
    few = mixed([p[:2], p[:2]], y[:2], [p, p], y, SHARES)[1]
    np.testing.assert_allclose(few, 0.5)
