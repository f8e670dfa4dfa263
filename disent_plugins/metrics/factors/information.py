"""Codes in bins, and the mutual information of every code with every factor, all from one count of the joint index."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import gammaln, xlogy
from scipy.stats import chi2

BINS = 20
"""Bins of published studies, and the fewest that the automatic choice takes."""

ALPHA = 0.001
"""Chance that any one of all pairs of code and factor is called significant although none is."""

ROWS_A_BIN = 5
"""Fewest rows of a bin of the automatic choice: with fewer, even what a perfect code knows is hardly significant."""

_EXACT = 50.0
"""Mean of a cell from which on the expansion in ``_excess`` replaces the sum, with an error below 1e-4."""

_AT_ONCE = 512
"""Cells that are summed at a time."""

Binning = Literal["quantile", "width"]


@dataclass(frozen=True)
class Bins:
    """How codes are cut.

    Attributes:
        count: Bins of a code.
        keep: Most values that a code keeps, each as a bin of its own (quantile).
    """

    count: int
    keep: int


def binned(codes: np.ndarray, bins: int | Bins, how: Binning = "quantile") -> np.ndarray:
    """Codes as whole numbers.

    Args:
        codes: [N, D] finite.
        bins: Number of bins; a number keeps as many values.
        how: ``quantile``: bins of equal numbers of rows, equal values never apart, so that neither scale nor outliers
            matter. ``width``: bins of equal width from minimum to maximum, as published studies used.

    Returns:
        [N, D] int64, each column coded 0..count-1.

    >>> binned(np.array([[1.0], [2.0], [3.0], [4.0], [5.0], [600.0]]), 3).ravel()
    array([0, 0, 1, 1, 2, 2])
    >>> binned(np.array([[1.0], [2.0], [3.0], [4.0], [5.0], [600.0]]), 3, "width").ravel()
    array([0, 0, 0, 0, 0, 1])
    """
    bins = bins if isinstance(bins, Bins) else Bins(bins, bins)
    cut = _quantile_bins if how == "quantile" else _width_bins
    return np.stack([cut(column, bins) for column in np.ascontiguousarray(codes.T)]).T


def _quantile_bins(column: np.ndarray, bins: Bins) -> np.ndarray:
    values, inverse, counts = np.unique(column, return_inverse=True, return_counts=True)
    if len(values) <= bins.keep:
        return inverse
    # A value belongs to the bin of its middle row, so that equal values stay together.
    middle = np.cumsum(counts) - 0.5 * counts
    return _compact((middle * bins.count / len(column)).astype(np.int64))[inverse]


def _width_bins(column: np.ndarray, bins: Bins) -> np.ndarray:
    low, high = column.min(), column.max()
    if low == high:
        return np.zeros(len(column), dtype=np.int64)
    edges = np.linspace(low, high, bins.count + 1)
    return _compact(np.digitize(column, edges[1:-1]))


def _compact(numbers: np.ndarray) -> np.ndarray:
    present = np.bincount(numbers) > 0
    return (np.cumsum(present) - 1)[numbers]


def bins_for(factors: np.ndarray, bins: int | Bins = 0) -> Bins:
    """``bins``, or for 0 those that the factors [N, K] ask for and the rows allow.

    Asked for are as many as tell every value apart: 20, or the values of the largest factor if more. Codes of that many
    values keep them, if they have two rows or more each; others are cut into as many bins, five rows or more in each.

    >>> large, small = np.arange(1000)[:, None] % 183, np.arange(1000)[:, None] % 4
    >>> bins_for(large), bins_for(small), bins_for(large[:200]), bins_for(large, 10)
    (Bins(count=183, keep=183), Bins(count=20, keep=20), Bins(count=40, keep=100), Bins(count=10, keep=10))
    """
    if bins:
        return bins if isinstance(bins, Bins) else Bins(bins, bins)
    wanted, n = max(BINS, int(factors.max()) + 1), len(factors)
    return Bins(min(wanted, max(n // ROWS_A_BIN, 2)), min(wanted, n // 2))


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
        signed: [D, K] at most 1, the share of the factor's entropy. If ``adjust``, chance is taken off: what knows
            nothing has 0 on average, less as often as more.
        significant: [D, K] bool, whether it is more than chance, all pairs tested at once.
    """

    information: np.ndarray
    signed: np.ndarray
    significant: np.ndarray

    @property
    def share(self) -> np.ndarray:
        """[D, K] in [0, 1], the share of the factor's entropy, at least 0."""
        return np.maximum(self.signed, 0.0)


def knowledge(
    codes: np.ndarray, factors: np.ndarray, *, bins: int | Bins = 0, binning: Binning = "quantile", adjust: bool = True
) -> Knowledge:
    """What every code knows of every factor, after binning.

        signed share = (I - E) / (H(v) - E),    E the information that permuted factors would have

    Args:
        codes: [N, D] finite.
        factors: [N, K] int64, each coded 0..size-1.
        bins: As for ``bins_for``.
        binning: As for ``binned``.
        adjust: Whether chance is taken off; otherwise E is 0 in the shares, as in published studies.

    >>> v = np.arange(64) % 8
    >>> knowledge(v[:, None].astype(float), v[:, None]).share
    array([[1.]])
    """
    cut = binned(codes, bins_for(factors, bins), binning)
    found, chance = mutual_information(cut, factors), chance_information(cut, factors)
    less = chance if adjust else np.zeros_like(chance)
    room = entropies(factors) - less
    share = np.where(room > 1e-9, (found - less) / np.maximum(room, 1e-9), 0.0)
    return Knowledge(found, np.minimum(share, 1.0), _significant(found, chance, cut, factors))


def chance_information(codes: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Expected plug-in mutual information in nats after a permutation of the factors, [D, K].

    A cell of the joint table with row sum a and column sum b then holds a hypergeometric number n of rows, of mean
    m = a b / N, and (Vinh et al. 2010, Eq. 24)

        E = 1/N sum_ab E[n log n] - m log m

    Cells with m <= 50 are summed exactly. For the others E[n log n] is expanded about m to third order, which leaves an
    error of less than 1e-4 a cell, each of which counts about 1/2; for tables of such cells alone the first term is the
    familiar (bins - 1)(values - 1) / 2N.

    Args:
        codes: [N, D] int64, each column coded 0..count-1.
        factors: [N, K] int64, each column coded 0..size-1.

    >>> table = np.stack(np.divmod(np.arange(6400) % 64, 8), axis=1)
    >>> expected, familiar = chance_information(table[:, :1], table[:, 1:]).item(), 7 * 7 / (2 * 6400)
    >>> abs(expected / familiar - 1) < 0.01
    True
    """
    n = len(codes)
    # Cells of the same sums are alike, and bins and values are of few different sizes.
    (a, many), (b, times) = _sizes(codes), _sizes(factors)
    return np.asarray(np.maximum(many @ _excess(a[:, None], b, n) @ times.T, 0.0) / n)


def _sizes(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The sizes [S] that values of any column [N, C] have, in rows, and how many values of each column have them."""
    counts = [np.bincount(column) for column in columns.T]
    sizes = np.unique(np.concatenate(counts))
    return sizes, np.array([np.bincount(np.searchsorted(sizes, c), minlength=len(sizes)) for c in counts], dtype=float)


def _excess(a: np.ndarray, b: np.ndarray, n: int) -> np.ndarray:
    """E[x log x] - m log m of hypergeometric x of mean m = a b / n, for sums a [A, 1] and b [B] of cells, [A, B]."""
    mean = a * b / n
    # Central moments over m: the variance is m spread, the third m spread skew, the fourth about 3 (m spread)^2.
    spread = (1 - a / n) * (1 - b / n) * n / max(n - 1, 1)
    skew = (1 - 2 * a / n) * (1 - 2 * b / n)
    excess = spread / 2 + (spread**2 / 4 - spread * skew / 6) / np.maximum(mean, 1.0)
    i, j = np.nonzero(mean <= _EXACT)
    log = gammaln(np.arange(n + 1) + 1.0)
    # Cells of like means need like numbers of terms.
    order = np.argsort(mean[i, j])
    for some in np.split(order, range(_AT_ONCE, len(order), _AT_ONCE)):
        excess[i[some], j[some]] = _summed(a[i[some], 0], b[j[some]], n, log)
    return np.asarray(excess)


def _summed(a: np.ndarray, b: np.ndarray, n: int, log: np.ndarray) -> np.ndarray:
    """What ``_excess`` gives, for sums a and b [C], by the sum over what cells may hold; log is log 0!, ..., log n!."""
    mean = a * b / n
    most = mean.max(initial=0.0)
    # More than these have a chance of less than 1e-10.
    x = np.arange(min(int(most + 8 * np.sqrt(most) + 15), int(np.minimum(a, b).max(initial=0))) + 1)
    left = n - a - b
    a, b = a[:, None], b[:, None]
    possible = (x <= a) & (x <= b) & (x >= -left[:, None])
    rest = sum(log[np.clip(y, 0, n)] for y in (a - x, b - x, left[:, None] + x))
    chance = log[a] + log[n - a] + log[b] + log[n - b] - log[n] - log[x] - rest
    return np.asarray(np.exp(np.where(possible, chance, -np.inf)) @ xlogy(x, x) - xlogy(mean, mean))


def _significant(found: np.ndarray, chance: np.ndarray, codes: np.ndarray, factors: np.ndarray) -> np.ndarray:
    """Likelihood-ratio test with the mean under chance for that of the chi-square, which sparse tables need."""
    freedom = np.maximum(np.outer(codes.max(axis=0), factors.max(axis=0)), 1)
    most = chance * chi2.isf(ALPHA / found.size, freedom) / freedom
    return found > np.maximum(most, 1e-12)
