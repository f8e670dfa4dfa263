"""Importances, disentanglement and completeness: exact matrices, and what doubt takes away."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from disent_plugins.metrics.factors.importances import (
    ACCIDENTS,
    Evidence,
    completeness,
    disentanglement,
    importances,
    resample,
)

DOUBLE = 1 - np.log(2) / np.log(10)


@pytest.mark.parametrize(
    ("importance", "d", "c"),
    [
        (np.eye(5), 1, 1),
        (np.vstack([np.zeros((1, 5)), np.eye(5)]), 1, 1),
        (np.zeros((10, 10)), 0, 0),
        (np.vstack([np.eye(5), np.eye(5)]), 1, DOUBLE),
        (np.hstack([np.eye(5), np.eye(5)]), DOUBLE, 1),
        (np.eye(5)[:2], 1, 1),
        (np.ones((1, 5)), 0, 1),
    ],
)
def test_exact_importances(importance: np.ndarray, d: float, c: float) -> None:
    assert disentanglement(importance) == pytest.approx(d, abs=1e-12)
    assert completeness(importance) == pytest.approx(c, abs=1e-12)


def slow(importance: np.ndarray) -> float:
    """Disentanglement, row by row."""
    total = 0.0
    for row in importance:
        entropy = -sum(r / row.sum() * np.log(r / row.sum()) for r in row if r > 0)
        total += row.sum() / importance.sum() * (1 - entropy / np.log(len(row)))
    return float(total)


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None, derandomize=True)
def test_scores_of_importances(seed: int) -> None:
    generator = np.random.default_rng(seed)
    importance = generator.random((4, 3)) ** 3
    assert disentanglement(importance) == pytest.approx(slow(importance), abs=1e-12)
    assert completeness(importance) == pytest.approx(slow(importance.T), abs=1e-12)
    shuffled = importance[generator.permutation(4)][:, generator.permutation(3)] * 7
    assert disentanglement(shuffled) == pytest.approx(disentanglement(importance), abs=1e-12)


def test_what_is_beyond_doubt_counts_and_the_rest_is_shared() -> None:
    gains = np.array([[0.5, 0.01, -0.2], [0.02, 0.02, -0.1], [-0.01, 0.03, 0.1], [0.0, 0.0, 0.0]])
    errors = np.full((4, 3), 0.02)
    varying = np.array([True, True, True, False])
    found = importances(gains, errors, varying, 1000)
    doubt = 0.02 * student.isf(ACCIDENTS / 3, 999)
    sure = 0.5 - doubt**2 / 0.5
    rest = (0.51 - sure) / 3  # of gains that sum to .51
    assert found[:, 0] == pytest.approx(np.array([sure + rest, rest, rest, 0]) / 0.51)
    assert found[:, 1] == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])  # none is beyond doubt
    sure = 0.1 - doubt**2 / 0.1
    assert found[:, 2] == pytest.approx([0, 0, 1, 0])  # the others did harm: there is no rest
    assert found.sum(axis=0) == pytest.approx(1)
    assert (found >= 0).all()
    assert not importances(np.zeros((2, 2)), np.zeros((2, 2)), np.zeros(2, bool), 9).any()


def test_importance_of_equal_gains_does_not_depend_on_their_size() -> None:
    gains = np.array([[0.2, 0.0], [0.1, 0.1]])
    errors = gains / 50 + 1e-4
    once, tenfold = (importances(s * gains, s * errors, np.ones(2, bool), 500) for s in (1, 10))
    assert once == pytest.approx(tenfold)


def test_resamples_keep_the_sum_and_trees_scatter_as_other_rows_to_fit_on() -> None:
    generator = np.random.default_rng(0)
    drawn = np.array([resample(50, generator) for _ in range(2000)])
    values = generator.normal(size=50)
    assert np.abs(drawn.sum(axis=1)).max() < 1e-12
    assert (drawn @ values).std() == pytest.approx(values.std() / np.sqrt(50), rel=0.05)
    # Trees that are means of draws of 40 of 100 rows: their scatter is to become the standard error of the mean of all.
    rows = generator.normal(size=100)
    trees = np.array([rows[generator.permutation(100)[:40]].mean() for _ in range(2000)])
    nothing = np.zeros((1, 1, 1))
    evidence = Evidence(nothing, trees[:, None, None], trees[:, None], np.ones(1, bool), 0.4)
    other = [evidence.other_rows_to_fit_on(generator) @ trees for _ in range(2000)]
    assert np.std(other) == pytest.approx(rows.std() / np.sqrt(100), rel=0.07)
