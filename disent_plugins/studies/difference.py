"""Whether two models differ in a value: the difference, its interval, its p-value, and what could have been detected.

Three ways, from what is known of both sides:

seeds      two or more trainings each: Welch's t, the units are trainings (Welch 1947)
items      one training each, the outcomes of the same single items: right or wrong by McNemar's exact test (McNemar
           1947) with the interval of Agresti and Min (2005), numbers by Student's t on their differences
intervals  one training each and intervals alone, taken as independent: a normal test, too careful where the values
           go up and down together

The first says of two *methods* that they differ; the others say it of two trained networks. Many differences at once
are held together by Holm's procedure (Holm 1979): the chance of calling any one real that is not is at most 5 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import bdtr, comb, ndtr, ndtri, stdtr, stdtrit

How = Literal["seeds", "items", "intervals"]

LEVEL = 0.05
"""Most often that a difference is called real where there is none, of all that are told together."""

POWER = 0.8
"""How often the smallest detectable difference would be detected."""


@dataclass(frozen=True)
class Difference:
    """Of a value of one model from that of another.

    Attributes:
        mean: The difference.
        low, high: Its 95 % interval.
        p: Chance of a difference as large, either way, where there is none.
        how: See the module.
        error: Standard error of ``mean``.
        freedom: Degrees of freedom of ``error``; infinity for a normal distribution.
    """

    mean: float
    low: float
    high: float
    p: float
    how: How
    error: float
    freedom: float = math.inf

    def detectable(self, level: float = LEVEL) -> float:
        """The smallest true difference that would be found at ``level`` in ``POWER`` of all cases."""
        return (_quantile(1 - level / 2, self.freedom) + _quantile(POWER, self.freedom)) * self.error


def over_seeds(first: Sequence[float], second: Sequence[float]) -> Difference:
    """Welch's t of trainings, two or more on either side.

    Where neither side varies, as counts may, t knows no error: then p is that of the permutations.

    >>> found = over_seeds([0.90, 0.92, 0.91], [0.80, 0.84, 0.82])
    >>> round(found.mean, 3), round(found.p, 4)
    (0.09, 0.0065)
    """
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    mean = float(a.mean() - b.mean())
    parts = [float(x.var(ddof=1)) / len(x) for x in (a, b)]
    total = sum(parts)
    if total <= (1e-9 * max(abs(a).max(), abs(b).max())) ** 2:  # no more than rounding
        p = min(1.0, 2 / float(comb(len(a) + len(b), len(a)))) if abs(mean) > 0 else 1.0
        return Difference(mean, mean, mean, p, "seeds", 0.0, len(a) + len(b) - 2)
    freedom = total**2 / sum(part**2 / (len(x) - 1) for part, x in zip(parts, (a, b), strict=True))
    return _student(mean, math.sqrt(total), freedom, "seeds")


def on_items(first: np.ndarray, second: np.ndarray) -> Difference:
    """Of outcomes of the same N items in the same order, bool or numbers.

    >>> a, b = np.arange(100) < 90, np.arange(100) < 75
    >>> found = on_items(a, b)
    >>> round(found.mean, 2), found.p < 0.001
    (0.15, True)
    """
    if first.dtype == second.dtype == bool:
        return _mcnemar(int((first & ~second).sum()), int((second & ~first).sum()), len(first))
    each = first.astype(np.float64) - second.astype(np.float64)
    mean, n = float(each.mean()), len(each)
    if n < 2 or not np.ptp(each):  # without variation the signs alone say something
        return Difference(mean, mean, mean, min(1.0, 2.0 ** (1 - n)) if mean else 1.0, "items", 0.0)
    return _student(mean, float(each.std(ddof=1)) / math.sqrt(n), n - 1, "items")


def _mcnemar(more: int, less: int, n: int) -> Difference:
    """From the numbers of items of which only the first, and only the second, is right."""
    mean, apart = (more - less) / n, more + less
    p = min(1.0, 2 * float(bdtr(min(more, less), apart, 0.5))) if apart else 1.0
    # Agresti and Min: half an item more in each of the four cells.
    total, up, down = n + 2, more + 0.5, less + 0.5
    error = math.sqrt((up + down) - (up - down) ** 2 / total) / total
    middle, half = (up - down) / total, _quantile(0.975, math.inf) * error
    return Difference(mean, middle - half, middle + half, p, "items", error)


def of_intervals(first: tuple[float, float, float], second: tuple[float, float, float]) -> Difference:
    """Of two values (value, low, high) with 95 % intervals, taken as independent."""
    errors = [(high - low) / (2 * _quantile(0.975, math.inf)) for _, low, high in (first, second)]
    mean, error = first[0] - second[0], math.hypot(*errors)
    if not error:
        return Difference(mean, mean, mean, 1.0, "intervals", 0.0)
    return _student(mean, error, math.inf, "intervals")


def _student(mean: float, error: float, freedom: float, how: How) -> Difference:
    t = abs(mean) / error
    p = 2 * float(ndtr(-t) if math.isinf(freedom) else stdtr(freedom, -t))
    half = _quantile(0.975, freedom) * error
    return Difference(mean, mean - half, mean + half, min(p, 1.0), how, error, freedom)


def _quantile(share: float, freedom: float) -> float:
    return float(ndtri(share) if math.isinf(freedom) else stdtrit(freedom, share))


def holm(p: Sequence[float], level: float = LEVEL) -> list[bool]:
    """Which of several differences are real: the chance that any of them is not stays below ``level``.

    >>> holm([0.04, 0.01, 0.03])
    [False, True, False]
    """
    real = [False] * len(p)
    for step, place in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        if p[place] > level / (len(p) - step):
            break
        real[place] = True
    return real
