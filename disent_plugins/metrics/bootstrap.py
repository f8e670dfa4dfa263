"""95 % percentile bootstrap intervals over test samples."""

from __future__ import annotations

import numpy as np

LEVEL = (0.025, 0.975)
_CHUNK = 1 << 22


def proportion_interval(correct: np.ndarray, resamples: int, generator: np.random.Generator) -> tuple[float, float]:
    """Interval of the share of True.

    Drawing n rows of a 0/1 vector with replacement and counting is one binomial draw, so no row is ever copied.

    Args:
        correct: [N] bool.
        resamples: Number of bootstrap resamples.
        generator: Source of randomness.

    Returns:
        (low, high).

    >>> proportion_interval(np.ones(50, dtype=bool), 1000, np.random.default_rng(0))
    (1.0, 1.0)
    """
    n = len(correct)
    low, high = np.quantile(generator.binomial(n, correct.mean(), resamples) / n, LEVEL)
    return float(low), float(high)


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
    low, high = np.quantile(means, LEVEL)
    return float(low), float(high)
