"""The small pure functions that metrics share, each against a slow reference or theory."""

from __future__ import annotations

import doctest
import math
from importlib import import_module

import numpy as np
import pytest
import torch
from scipy.stats import beta

from disent_plugins.metrics.bootstrap import mean_interval, proportion_interval, share_interval
from disent_plugins.metrics.kl import active_units, kl_to_standard_normal
from disent_plugins.metrics.partition import stratified
from disent_plugins.metrics.seeds import derived, stream

MODULES = ["bootstrap", "kl", "partition", "pictures", "probe_training", "reconstruction", "samples", "seeds"]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_the_documentation(name: str):
    found = doctest.testmod(import_module(f"disent_plugins.metrics.{name}"))
    assert found.attempted > 0
    assert found.failed == 0


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


def test_kl_agrees_with_torch():
    generator = np.random.default_rng(0)
    mean, logvar = generator.normal(size=(2, 50, 7)).astype(np.float32) * 2
    posterior = torch.distributions.Normal(torch.tensor(mean), torch.tensor(np.exp(0.5 * logvar)))
    expected = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0)).sum(dim=1)
    np.testing.assert_allclose(kl_to_standard_normal(mean, logvar), expected.numpy(), rtol=1e-5)


def test_active_units_do_not_depend_on_order_or_sign():
    mean = np.random.default_rng(0).normal(size=(500, 4)) * [1.0, 0.05, 0.2, 0.0]
    assert active_units(mean) == active_units(-mean[:, ::-1]) == 2


def test_stratified_marks_a_share_of_every_class_and_keeps_one():
    labels = np.random.default_rng(0).permutation(np.repeat([3, 5, 9, 11], [100, 7, 2, 1]))
    marked = stratified(labels, 0.5, np.random.default_rng(0))
    assert [int(marked[labels == label].sum()) for label in (3, 5, 9, 11)] == [50, 4, 1, 0]


def test_stratified_chooses_at_random_within_a_class():
    labels = np.zeros(10, dtype=int)
    times = sum(stratified(labels, 0.3, np.random.default_rng(seed)).astype(int) for seed in range(2000))
    np.testing.assert_allclose(times / 2000, 0.3, atol=0.05)


def test_streams_are_reproducible_and_apart():
    assert stream(1, "a").random() == stream(1, "a").random()
    assert len({derived(0, "a"), derived(0, "b"), derived(1, "a"), derived(0, "a", "b")}) == 4
    assert all(0 <= derived(seed, "a") < 2**63 for seed in (-1, 0, 2**40))
