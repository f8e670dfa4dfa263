"""Intervals, each against theory or a slow reference."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import beta

from disent_plugins.metrics.statistics.bootstrap import mean_interval, proportion_interval, share_interval
from disent_plugins.metrics.statistics.seeds import stream


def test_proportion_interval_agrees_with_binomial_theory():
    correct = np.arange(1000) < 300
    low, high = proportion_interval(correct, 20_000, np.random.default_rng(0))
    half = 1.96 * math.sqrt(0.3 * 0.7 / 1000)
    assert low == pytest.approx(0.3 - half, abs=0.002)
    assert high == pytest.approx(0.3 + half, abs=0.002)


def test_proportion_interval_agrees_with_resampling_the_vector():
    correct = np.random.default_rng(1).random(80) < 0.8
    generator = np.random.default_rng(2)
    means = [generator.choice(correct, size=80).mean() for _ in range(20_000)]
    found = proportion_interval(correct, 20_000, np.random.default_rng(3))
    np.testing.assert_allclose(found, np.quantile(means, [0.025, 0.975]), atol=0.013)  # one row of 80


@pytest.mark.parametrize("n", [1, 10, 400])
def test_all_right_or_none_has_the_exact_bound(n: int):
    exact = [beta.ppf(0.025, n, 1), beta.isf(0.025, 1, n)]  # Clopper and Pearson
    for interval in (proportion_interval, share_interval):
        low, high = interval(np.ones(n, dtype=bool), 100, np.random.default_rng(0))
        assert (low, high) == (pytest.approx(exact[0]), 1.0)
        low, high = interval(np.zeros(n, dtype=bool), 100, np.random.default_rng(0))
        assert (low, high) == (0.0, pytest.approx(exact[1]))


def test_share_interval_is_that_of_the_mean_where_answers_tie():
    shares = np.random.default_rng(0).choice([0.0, 0.5, 1.0], size=300)
    assert share_interval(shares, 500, stream(0)) == mean_interval(shares, 500, stream(0))
    assert share_interval(np.round(shares), 500, stream(0)) == proportion_interval(shares > 0.5, 500, stream(0))


def test_mean_interval_agrees_with_the_normal_approximation():
    values = np.random.default_rng(0).gamma(2.0, size=2000)
    low, high = mean_interval(values, 4000, np.random.default_rng(1))
    half = 1.96 * values.std() / math.sqrt(2000)
    assert low == pytest.approx(values.mean() - half, abs=0.01)
    assert high == pytest.approx(values.mean() + half, abs=0.01)


def test_mean_interval_in_pieces_covers_every_resample():
    values = np.random.default_rng(0).normal(loc=5, size=3_000_000)  # a chunk holds one resample only
    low, high = mean_interval(values, 3, np.random.default_rng(1))
    assert 4.99 < low <= high < 5.01
