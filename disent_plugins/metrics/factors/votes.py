"""Batches of rows that agree on one factor, drawn from any table of factors, and the score of guessing that factor.

FactorVAE and BetaVAE scores fix one factor and ask whether the codes tell which one it was. No factor grid is needed:
the rows of a batch are drawn, with replacement, among those that have the same value of the factor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from disent_plugins.contracts import Report, Value
from disent_plugins.errors import UsageError
from disent_plugins.metrics.factors.references import Says, interval
from disent_plugins.metrics.factors.sample import Sample
from disent_plugins.metrics.factors.variants import halved, ideal, permuted
from disent_plugins.metrics.statistics.seeds import derived, stream

HALF_VOTES = 0.5
"""Share of the votes that a half-sample gets, which saves half of the cost and adds little to its spread."""

Guesses = Callable[[Sample, int, float], np.ndarray]
"""A sample, a seed and the share of all votes to draw, to [V] bool: which evaluation votes were guessed right."""


def agreeing_batches(factors: np.ndarray, fixed: np.ndarray, batch: int, generator: np.random.Generator) -> np.ndarray:
    """For every vote, rows that all have one value of the fixed factor.

    The value is drawn as often as rows have it; values of a single row are left out, as they vary in nothing.

    Args:
        factors: [N, K] int64, each column coded 0..size-1.
        fixed: [V] the column that is fixed.
        batch: B, rows of a vote.
        generator: Source of randomness.

    Returns:
        [V, B] int64 rows.

    Raises:
        UsageError: Every value of a factor belongs to a single row.

    >>> v = np.array([[0], [1], [0], [1]])
    >>> rows = agreeing_batches(v, np.array([0, 0, 0]), 5, np.random.default_rng(0))
    >>> rows.shape, (v[rows, 0] == v[rows[:, :1], 0]).all()
    ((3, 5), np.True_)
    """
    rows = np.empty((len(fixed), batch), dtype=np.int64)
    for votes, group in _by_factor(factors, fixed):
        position = generator.integers(len(group.order), size=len(votes))
        first, count = group.first[position, None], group.count[position, None]
        rows[votes] = group.order[first + generator.integers(count, size=(len(votes), batch))]
    return rows


def agreeing_pairs(
    factors: np.ndarray, fixed: np.ndarray, batch: int, generator: np.random.Generator, *, same: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """For every vote, pairs of rows; the two of a pair have the same value of the fixed factor.

    Args:
        factors, fixed, batch, generator: As for ``agreeing_batches``.
        same: Whether the two may be the same row; values of a single row are then left in.

    Raises:
        UsageError: As for ``agreeing_batches``, unless ``same``.

    Returns:
        [V, B] and [V, B] int64 rows.
    """
    one, other = (np.empty((len(fixed), batch), dtype=np.int64) for _ in range(2))
    for votes, group in _by_factor(factors, fixed, 1 if same else 2):
        shape = (len(votes), batch)
        position = generator.integers(len(group.order), size=shape)
        first, count = group.first[position], group.count[position]
        step = generator.integers(0 if same else 1, count, size=shape)
        one[votes] = group.order[position]
        other[votes] = group.order[first + (position - first + step) % count]
    return one, other


class _Groups:
    """Rows of values of ``least`` rows or more, by value, and for every place where its value begins and its rows."""

    def __init__(self, column: np.ndarray, least: int) -> None:
        order = np.argsort(column, kind="stable")
        counts = np.bincount(column)
        self.order = order[counts[column[order]] >= least]
        sizes = counts[counts >= least]
        self.first = np.repeat(np.cumsum(sizes) - sizes, sizes)
        self.count = np.repeat(sizes, sizes)


def _by_factor(factors: np.ndarray, fixed: np.ndarray, least: int = 2) -> Iterator[tuple[np.ndarray, _Groups]]:
    """Per factor: the votes that fix it, and its rows by value."""
    for k in np.unique(fixed):
        group = _Groups(factors[:, k], least)
        if not len(group.order):
            raise UsageError(
                f"No two rows agree on factor {k}.",
                f"Each of its values belongs to one of the {len(factors)} rows.",
                "Measure more rows, or leave that factor out.",
            )
        yield np.flatnonzero(fixed == k), group


def guessed(
    guesses: Guesses,
    sample: Sample,
    seed: int,
    says: Says,
    *,
    permutations: int = 5,
    halves: int = 30,
    report: Report = lambda done, total, what: None,
) -> Value:
    """The share of right guesses with its reference points.

    The interval is 1.96 standard deviations of the scores of half-samples of the rows, each with votes of its own: the
    same rows are behind all votes, so that the votes alone say nothing of other rows.

    Args:
        guesses: The metric. The sample and the reference points get the same seed, so that their differences are not
            its own noise.
        sample: The rows.
        seed: Of the metric, the permutations and the half-samples.
        says: What the value is.
        permutations: Permutations that the floor is the median of.
        halves: Half-samples. Those where all rows differ in some factor are left out; no interval if two are not left.
        report: Progress.
    """
    own, total = derived(seed, "score"), permutations + halves + 2

    def call(step: int, of: Sample, by: int = own, share: float = 1.0) -> float:
        right = guesses(of, by, share)
        report(step, total, "reference points")
        return float(right.mean())

    value, best = call(1, sample), call(2, ideal(sample))
    chance = [call(3 + i, permuted(sample, stream(seed, "floor", str(i)))) for i in range(permutations)]
    halved_rows = [halved(sample, stream(seed, "half", str(i))) for i in range(halves)]
    draws = [
        call(3 + permutations + i, half, derived(seed, "half votes", str(i)), HALF_VOTES)
        for i, half in enumerate(halved_rows)
        if all(np.bincount(column).max() > 1 for column in half.factors.T)
    ]
    low, high = interval(value, draws) if len(draws) > 1 else (None, None)
    n = int(sample.test.sum())
    return Value(value, says.unit, float(np.median(chance)), best, low, high, n, says.estimator, says.better)
