"""95 % percentile bootstrap intervals over test samples."""

from __future__ import annotations

import numpy as np

LEVEL = (0.025, 0.975)
_CHUNK = 1 << 22


def proportion_interval(correct: np.ndarray, resamples: int, generator: np.random.Generator) -> tuple[float, float]:
    """Interval of the share of True.

    Drawing n rows of a 0/1 vector with replacement and counting is one binomial draw, so no row is ever copied.
    Where all rows are True, or none, every resample is alike: the bound is then the exact one of Clopper and Pearson
    (1934), one-sided, as the other end is certain.

    Args:
        correct: [N] bool.
        resamples: Number of bootstrap resamples.
        generator: Source of randomness.

    Returns:
        (low, high).

    >>> low, high = proportion_interval(np.ones(50, dtype=bool), 1000, np.random.default_rng(0))
    >>> round(low, 3), high
    (0.929, 1.0)
    """
    n = len(correct)
    sure = LEVEL[0] ** (1 / n)
    if correct.all():
        return sure, 1.0
    if not correct.any():
        return 0.0, 1 - sure
    share = correct.mean()
    return _around(share, generator.binomial(n, share, resamples) / n)


def share_interval(shares: np.ndarray, resamples: int, generator: np.random.Generator) -> tuple[float, float]:
    """Interval of the mean of answers that are right, wrong or, where several tie, right in part.

    Args:
        shares: [N] in [0, 1].
        resamples: Number of bootstrap resamples.
        generator: Source of randomness.

    Returns:
        (low, high).

    >>> low, high = share_interval(np.zeros(50), 1000, np.random.default_rng(0))
    >>> low, round(high, 3)
    (0.0, 0.071)
    """
    if np.isin(shares, (0.0, 1.0)).all():
        return proportion_interval(shares > 0, resamples, generator)
    return mean_interval(shares, resamples, generator)


def mean_interval(values: np.ndarray, resamples: int, generator: np.random.Generator) -> tuple[float, float]:
    """Interval of the mean.

    Args:
        values: [N] float.
        resamples: Number of bootstrap resamples.
        generator: Source of randomness.

    Returns:
        (low, high).

    >>> mean_interval(np.full(10, 2.0), 100, np.random.default_rng(0))
    (2.0, 2.0)
    """
    n = len(values)
    means = np.empty(resamples)
    step = max(1, _CHUNK // n)
    for start in range(0, resamples, step):
        rows = generator.integers(n, size=(min(step, resamples - start), n))
        means[start : start + step] = values[rows].mean(axis=1)
    return _around(values.mean(), means)


def _around(found: float, draws: np.ndarray) -> tuple[float, float]:
    """The percentiles of ``draws``, and never without ``found``: few resamples may all lie on one side of it."""
    low, high = np.quantile(draws, LEVEL)
    return min(float(low), float(found)), max(float(high), float(found))
