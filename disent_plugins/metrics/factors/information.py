"""Codes in bins, and the mutual information of every code with every factor, all from one count of the joint index."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from scipy.special import gammaln, xlogy
from scipy.stats import chi2

BINS = 20
"""Bins of published studies, and the fewest that the automatic choice takes."""

ALPHA = 0.001
"""Chance that any one of all pairs of code and factor is called significant although none is."""

_EXACT = 60.0
"""Mean from which on the expansion in ``_poisson`` replaces the sum, with an error below 1e-4."""

Binning = Literal["quantile", "width"]


def binned(codes: np.ndarray, bins: int, how: Binning = "quantile") -> np.ndarray:
    """Codes as whole numbers.

    Args:
        codes: [N, D] finite.
        bins: Number of bins. A code with that many values or fewer keeps each value as a bin of its own (quantile).
        how: ``quantile``: bins of equal numbers of rows, equal values never apart, so that neither scale nor outliers
            matter. ``width``: bins of equal width from minimum to maximum, as published studies used.

    Returns:
        [N, D] int64, each column coded 0..count-1.

    >>> binned(np.array([[1.0], [2.0], [3.0], [4.0], [5.0], [600.0]]), 3).ravel()
    array([0, 0, 1, 1, 2, 2])
    >>> binned(np.array([[1.0], [2.0], [3.0], [4.0], [5.0], [600.0]]), 3, "width").ravel()
    array([0, 0, 0, 0, 0, 1])
    """
    cut = _quantile_bins if how == "quantile" else _width_bins
    return np.stack([cut(column, bins) for column in np.ascontiguousarray(codes.T)]).T


def _quantile_bins(column: np.ndarray, bins: int) -> np.ndarray:
    values, inverse, counts = np.unique(column, return_inverse=True, return_counts=True)
    if len(values) <= bins:
        return inverse
    # A value belongs to the bin of its middle row, so that equal values stay together.
    middle = np.cumsum(counts) - 0.5 * counts
    return _compact((middle * bins / len(column)).astype(np.int64))[inverse]


def _width_bins(column: np.ndarray, bins: int) -> np.ndarray:
    low, high = column.min(), column.max()
    if low == high:
        return np.zeros(len(column), dtype=np.int64)
    edges = np.linspace(low, high, bins + 1)
    return _compact(np.digitize(column, edges[1:-1]))


def _compact(numbers: np.ndarray) -> np.ndarray:
    present = np.bincount(numbers) > 0
    return (np.cumsum(present) - 1)[numbers]


def bins_for(factors: np.ndarray, bins: int = 0) -> int:
    """``bins``, or for 0 as many as tell every value apart: 20, or the values of the largest factor of [N, K] if more.

    >>> bins_for(np.array([[0], [182]])), bins_for(np.array([[0], [3]])), bins_for(np.array([[0], [182]]), 10)
    (183, 20, 10)
    """
    return bins or max(BINS, int(factors.max()) + 1)


def mutual_information(codes: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Plug-in mutual information in nats of every column of ``codes`` [N, D] with every one of ``factors`` [N, K].

    Args:
        codes: int64, each column coded 0..count-1.
        factors: int64, each column coded 0..size-1.

    Returns:
        [D, K], at least 0.

    >>> x = np.array([[0], [0], [1], [1]])
    >>> mutual_information(x, np.hstack([x, [[0], [1], [0], [1]]])).round(3)
    array([[0.693, 0.   ]])
    """
    columns = [(v, int(v.max()) + 1) for v in np.ascontiguousarray(factors.T)]
    return np.array([[_information(z, v, size) for v, size in columns] for z in np.ascontiguousarray(codes.T)])


def _information(code: np.ndarray, factor: np.ndarray, size: int) -> float:
    count = int(code.max()) + 1
    cells = code * size + factor
    # Where most cells are empty, those that are not are counted.
    joint = np.bincount(cells) if count * size <= len(code) else np.unique(cells, return_counts=True)[1]
    found = sum(_entropy(np.bincount(x) / len(code)) for x in (code, factor)) - _entropy(joint / len(code))
    return max(found, 0.0)


def entropies(columns: np.ndarray) -> np.ndarray:
    """Plug-in entropy in nats of every column [N, K] coded 0..size-1, [K].

    >>> entropies(np.array([[0, 0], [1, 0]])).round(3)
    array([0.693, 0.   ])
    """
    return np.array([_entropy(np.bincount(column) / len(column)) for column in columns.T])


def _entropy(shares: np.ndarray) -> float:
    present = shares[shares > 0]
    return float(-(present * np.log(present)).sum()) + 0.0


@dataclass(frozen=True)
class Knowledge:
    """What every code knows of every factor.

    Attributes:
        information: [D, K] plug-in mutual information in nats.
        share: [D, K] in [0, 1], the share of the factor's entropy; free of chance if ``adjusted``.
        significant: [D, K] bool, whether it is more than chance, all pairs tested at once.
    """

    information: np.ndarray
    share: np.ndarray
    significant: np.ndarray


def knowledge(
    codes: np.ndarray, factors: np.ndarray, *, bins: int = 0, binning: Binning = "quantile", adjust: bool = True
) -> Knowledge:
    """What every code knows of every factor, after binning.

        share = max(0, I - E) / (H(v) - E),    E the information that permuted factors would have

    Args:
        codes: [N, D] finite.
        factors: [N, K] int64, each coded 0..size-1.
        bins: As for ``bins_for``.
        binning: As for ``binned``.
        adjust: Whether chance is taken off; otherwise E is 0 in ``share``, as in published studies.

    >>> v = np.arange(64) % 8
    >>> knowledge(v[:, None].astype(float), v[:, None]).share
    array([[1.]])
    """
    cut = binned(codes, bins_for(factors, bins), binning)
    found, chance = mutual_information(cut, factors), chance_information(cut, factors)
    less = chance if adjust else np.zeros_like(chance)
    room = entropies(factors) - less
    share = np.where(room > 1e-9, np.maximum(found - less, 0.0) / np.maximum(room, 1e-9), 0.0)
    return Knowledge(found, np.minimum(share, 1.0), _significant(found, chance, cut, factors))


def chance_information(codes: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Expected plug-in mutual information in nats after a permutation of the factors, [D, K], in closed form.

    A cell of the joint table with row sum a and column sum b then holds a hypergeometric number n of rows. It is taken
    as Poisson of mean m = a b / N, corrected to second order for its smaller variance m (1 - a/N)(1 - b/N):

        E = 1/N sum_ab E[n log n] - m log m - m/2 (1 - (1 - a/N)(1 - b/N)) (d/dm)^2 E[n log n]

    For well filled tables this is the familiar (bins - 1)(values - 1) / 2N. It is within one per cent of the exact sum
    of the adjusted mutual information (Vinh et al. 2010), and much cheaper.

    Args:
        codes: [N, D] int64, each column coded 0..count-1.
        factors: [N, K] int64, each column coded 0..size-1.

    >>> table = np.stack(np.divmod(np.arange(6400) % 64, 8), axis=1)
    >>> expected, familiar = chance_information(table[:, :1], table[:, 1:]).item(), 7 * 7 / (2 * 6400)
    >>> abs(expected / familiar - 1) < 0.01
    True
    """
    n = len(codes)
    rows = [np.bincount(column) for column in codes.T]
    columns = [np.bincount(column) for column in factors.T]
    return np.array([[_chance(a, b, n) for b in columns] for a in rows])


def _chance(a: np.ndarray, b: np.ndarray, n: int) -> float:
    if len(a) == 1 or len(b) == 1:
        return 0.0
    at, excess, bend = _poisson()
    # Bins and values are of few different sizes, and cells of the same sizes are alike.
    (a, many), (b, times) = np.unique(a, return_counts=True), np.unique(b, return_counts=True)
    where = np.log(np.maximum(np.outer(a, b) / n, 1e-12))
    lost = 1.0 - np.outer(1 - a / n, 1 - b / n)
    cells = np.interp(where, at, excess) - 0.5 * lost * np.interp(where, at, bend)
    return max(float(many @ cells @ times) / n, 0.0)


@cache
def _poisson() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tables over log m: log m, E[n log n] - m log m, and m (d/dm)^2 E[n log n], n Poisson of mean m."""
    at = np.linspace(np.log(1e-12), np.log(1e9), 4000)
    mean = np.exp(at)
    small, large = mean[mean <= _EXACT], mean[mean > _EXACT]
    n = np.arange(250.0)
    likely = np.exp(xlogy(n, small[:, None]) - small[:, None] - gammaln(n + 1))
    # Derivatives of a Poisson mean are means of differences.
    second = xlogy(n + 2, n + 2) - 2 * xlogy(n + 1, n + 1) + xlogy(n, n)
    excess = np.concatenate([likely @ xlogy(n, n) - xlogy(small, small), 0.5 + 1 / (12 * large)])
    return at, excess, np.concatenate([small * (likely @ second), 1 + 1 / (6 * large**2)])


def _significant(found: np.ndarray, chance: np.ndarray, codes: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Likelihood-ratio test with the mean under chance for that of the chi-square, which sparse tables need."""
    freedom = np.maximum(np.outer(codes.max(axis=0), factors.max(axis=0)), 1)
    most = chance * chi2.isf(ALPHA / found.size, freedom) / freedom
    return found > np.maximum(most, 1e-12)
