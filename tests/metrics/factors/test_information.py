"""Binning, mutual information and chance: against scikit-learn, and on tables of known answer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mutual_info_score
from sklearn.metrics.cluster import contingency_matrix, expected_mutual_information

from disent_plugins.metrics.factors.information import (
    Bins,
    binned,
    bins_for,
    chance_information,
    entropies,
    knowledge,
    mutual_information,
)


def draws(n: int, *sizes: int, seed: int = 0) -> np.ndarray:
    """[n, K] independent uniform factors."""
    return np.stack([np.random.default_rng([seed, i]).integers(s, size=n) for i, s in enumerate(sizes)], axis=1)


def test_six_even_values_fill_three_bins() -> None:
    column = np.arange(6.0)[:, None]
    for how in ("quantile", "width"):
        assert binned(column, 3, how).ravel().tolist() == [0, 0, 1, 1, 2, 2]


def test_entropy_and_information_of_small_tables() -> None:
    assert entropies(np.array([[0], [1], [2]])).item() == pytest.approx(np.log(3))
    table = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    assert mutual_information(table, table) == pytest.approx(np.log(2) * np.eye(2))


def test_constant_code_knows_nothing() -> None:
    found = knowledge(np.zeros((50, 1)), draws(50, 4))
    assert found.share.item() == 0.0
    assert not found.significant.any()


@given(st.integers(0, 10_000), st.integers(2, 30), st.integers(2, 30))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_information_is_that_of_scikit_learn(seed: int, left: int, right: int) -> None:
    x, y = draws(300, left, seed=seed), draws(300, right, seed=seed + 1)
    assert mutual_information(x, y).item() == pytest.approx(mutual_info_score(x[:, 0], y[:, 0]), abs=1e-12)


def exact_chance(x: np.ndarray, y: np.ndarray) -> float:
    return float(expected_mutual_information(contingency_matrix(x, y, sparse=True), len(x)))


@pytest.mark.parametrize(("n", "left", "right"), [(10_000, 183, 183), (10_000, 20, 8), (300, 20, 24), (500, 2, 2)])
def test_chance_is_the_exact_expectation(n: int, left: int, right: int) -> None:
    x, y = draws(n, left), draws(n, right, seed=1)
    assert chance_information(x, y).item() == pytest.approx(exact_chance(x[:, 0], y[:, 0]), rel=1e-4)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 999), n=st.integers(2, 2000), skew=st.sampled_from([0.03, 0.3, 3.0]))
def test_chance_is_exact_for_few_rows_and_bins_of_very_unequal_size(seed: int, n: int, skew: float) -> None:
    generator = np.random.default_rng(seed)
    columns = [generator.choice(12, size=n, p=generator.dirichlet(np.full(12, skew))) for _ in range(4)]
    x, y, z, v = (np.unique(column, return_inverse=True)[1] for column in columns)
    found = chance_information(np.stack([x, y], axis=1), np.stack([z, v], axis=1))
    exact = [
        [exact_chance(code, factor) if min(code.max(), factor.max()) else 0.0 for factor in (z, v)] for code in (x, y)
    ]
    assert found == pytest.approx(np.array(exact), rel=1e-4, abs=1e-12)


@pytest.mark.parametrize("sizes", [(8,) * 6, (4, 24, 183)])
def test_noise_is_hardly_ever_significant(sizes: tuple[int, ...]) -> None:
    factors = draws(4000, *sizes)
    hits = sum(
        int(knowledge(np.random.default_rng(seed).normal(size=(4000, 10)), factors).significant.sum())
        for seed in range(20)
    )
    assert hits == 0


@pytest.mark.parametrize(("n", "sizes"), [(200, (4, 6, 183)), (500, (4, 6, 500)), (60, (4, 6, 40))])
def test_few_rows_show_what_an_invertible_continuous_code_knows(n: int, sizes: tuple[int, ...]) -> None:
    for seed in range(5):
        factors = draws(n, *sizes, seed=seed)
        found = knowledge(factors + 0.9 * np.random.default_rng(seed).random(factors.shape), factors)
        assert np.diag(found.significant)[:2].all()
        assert found.signed.argmax(axis=1).tolist() == [0, 1, 2]


def test_bins_follow_the_rows_there_are_and_few_values_stay_apart() -> None:
    factors = draws(200, 183)
    assert bins_for(factors) == Bins(40, 100)
    assert bins_for(draws(10_000, 183)) == Bins(183, 183)
    assert bins_for(factors, 7) == Bins(7, 7)
    codes = np.stack([np.arange(200) % 100, np.arange(200)], axis=1)
    cut = binned(codes, bins_for(factors))
    assert cut[:, 0].tolist() == codes[:, 0].tolist()
    assert np.bincount(cut[:, 1]).tolist() == [5] * 40


def test_shares_of_noise_are_0_on_average() -> None:
    factors = draws(300, 8, 24)
    found = [knowledge(np.random.default_rng(seed).normal(size=(300, 10)), factors).signed for seed in range(40)]
    mean, error = np.mean(found), np.std(found) / np.sqrt(np.size(found))
    assert abs(mean) < 4 * error


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_quantile_bins_see_order_only(seed: int) -> None:
    codes = np.random.default_rng(seed).normal(size=(200, 2))
    assert np.array_equal(binned(codes, 7), binned(np.exp(3 * codes), 7))


@settings(max_examples=50, deadline=None, derandomize=True)
@given(seed=st.integers(0, 999), count=st.integers(2, 60), size=st.integers(2, 60), n=st.integers(2, 200))
def test_sparse_tables_give_what_full_ones_do(seed, count, size, n):
    generator = np.random.default_rng(seed)
    code, factor = generator.integers(count, size=n), generator.integers(size, size=n)
    joint = np.zeros((count, size))
    np.add.at(joint, (code, factor), 1 / n)
    product = np.outer(joint.sum(axis=1), joint.sum(axis=0))
    wanted = (joint[joint > 0] * np.log(joint[joint > 0] / product[joint > 0])).sum()
    assert mutual_information(code[:, None], factor[:, None])[0, 0] == pytest.approx(wanted, abs=1e-12)
