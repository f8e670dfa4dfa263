"""What classifiers are given of codes, so that neither scale, outliers nor correlated columns hide a factor from them.

standardised    a column at a time: median at 0, deviation of the middle 99 % at 1, cut to +- CLIP
whitened        S V L^(-1/2) V', standardised again: differences of columns stand out however small they are
levelled        (normal score + asinh(distance from the median in units of the middle half's deviation)) / 2: any
                increasing map of a column looks much alike, and what outliers squeeze together is spread out

S is the standardised matrix before it is cut, V L V' the covariance of the cut one (ZCA: Bell and Sejnowski 1997).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CLIP = 5.0
"""Standardised codes are cut to +- this many deviations, so that a single outlier rules neither scale nor fit."""

_ROUNDING = 1e-6
"""Deviations below this share of a column's centre, or of the largest deviation, are no more than float32 rounding."""
_KNOTS = 1000
_OUTER, _QUARTER = 0.005, 0.25  # shares of the rows that lie outside the middle 99 % and the middle half, on each side


@dataclass(frozen=True)
class Scale:
    """Centre [D] and scale [D] of columns; scale 0 for a constant one."""

    centre: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, seen: np.ndarray) -> Scale:
        """From rows ``seen`` [N, D].

        The middle 99 % never hold the least and the largest of three rows or more, so that no outlier among few rows
        rules the scale. Columns whose middle 99 % are equal take their full deviation.
        """
        centre = np.median(seen, axis=0)
        inner = _deviation(seen, _OUTER)
        inner = np.where(inner > _ROUNDING * np.abs(centre), inner, seen.std(axis=0))
        return cls(centre, np.where(inner > _ROUNDING * np.abs(centre), inner, 0.0))

    def apply(self, x: np.ndarray, clip: float = CLIP) -> np.ndarray:
        """Standardised columns of ``x`` [N, D], cut to +- ``clip``; constant ones are 0."""
        dead = self.scale == 0
        return np.where(dead, 0.0, np.clip((x - self.centre) / np.where(dead, 1.0, self.scale), -clip, clip))


def standardised(x: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Codes [N, D] as float64 with median 0 and the deviation of the middle 99 % at 1 on ``rows``, cut to +- CLIP.

    >>> standardised(np.array([[1.0, 7.0], [3.0, 7.0]]), np.arange(2))
    array([[-1.,  0.],
           [ 1.,  0.]])
    """
    x = np.asarray(x, dtype=np.float64)
    return Scale.of(x[rows]).apply(x)


@dataclass(frozen=True)
class Views:
    """The three views of codes, fitted on training rows."""

    scale: Scale
    turn: np.ndarray  # [D, D]
    turned: Scale
    half: np.ndarray  # [D] deviation of the middle half
    bent: Scale
    knots: tuple[tuple[np.ndarray, np.ndarray], ...]  # D pairs of increasing values and their normal scores

    @classmethod
    def of(cls, seen: np.ndarray) -> Views:
        """From rows ``seen`` [N, D] of codes."""
        seen = np.asarray(seen, dtype=np.float64)
        scale = Scale.of(seen)
        turn = _whitening(scale.apply(seen))
        half = _deviation(seen, _QUARTER)
        half = np.where(half > _ROUNDING * scale.scale, half, scale.scale)
        return cls(
            scale,
            turn,
            Scale.of(scale.apply(seen, np.inf) @ turn),
            half,
            Scale.of(_bent(seen, scale.centre, half)),
            tuple(_knots(column) for column in seen.T),
        )

    def standardised(self, x: np.ndarray) -> np.ndarray:
        """[N, D] of ``x`` [N, D]."""
        return self.scale.apply(np.asarray(x, dtype=np.float64))

    def whitened(self, x: np.ndarray) -> np.ndarray:
        """[N, D] of ``x`` [N, D]; directions without variance are left out."""
        return self.turned.apply(self.scale.apply(np.asarray(x, dtype=np.float64), np.inf) @ self.turn)

    def levelled(self, x: np.ndarray) -> np.ndarray:
        """[N, D] of ``x`` [N, D]; constant columns are 0."""
        x = np.asarray(x, dtype=np.float64)
        bent = self.bent.apply(_bent(x, self.scale.centre, self.half))
        scores = [np.interp(column, *knots) for column, knots in zip(x.T, self.knots, strict=True)]
        return np.where(self.scale.scale == 0, 0.0, (bent + np.stack(scores, axis=1)) / 2)

    def full(self, x: np.ndarray) -> np.ndarray:
        """[N, 2 D] of ``x`` [N, D]: levelled beside whitened."""
        return np.hstack([self.levelled(x), self.whitened(x)])


def _deviation(seen: np.ndarray, tail: float) -> np.ndarray:
    """[D] standard deviation of columns [N, D], ``tail`` of the values on each side moved to where the tail ends."""
    cut = min(max(int(tail * (len(seen) - 1)), 1), (len(seen) - 1) // 2)
    ordered = np.sort(seen, axis=0)
    found: np.ndarray = np.clip(seen, ordered[cut], ordered[len(seen) - 1 - cut]).std(axis=0)
    return found


def _whitening(standard: np.ndarray) -> np.ndarray:
    """The symmetric inverse root [D, D] of the covariance of ``standard`` [N, D], 0 where it has no variance."""
    values, vectors = np.linalg.eigh(np.cov(standard, rowvar=False, bias=True).reshape(standard.shape[1], -1))
    kept = values > _ROUNDING**2 * values[-1]
    found: np.ndarray = (vectors[:, kept] / np.sqrt(values[kept])) @ vectors[:, kept].T
    return found


def _bent(x: np.ndarray, centre: np.ndarray, half: np.ndarray) -> np.ndarray:
    return np.arcsinh((x - centre) / np.where(half > 0, half, 1.0))


def _knots(column: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Values of ``column`` [N] at evenly spaced shares, and their normal scores; equal values share the mean score."""
    from scipy.special import ndtri

    count = min(len(column), _KNOTS)
    shares = (np.arange(count) + 0.5) / count
    values, which, times = np.unique(
        np.quantile(column, shares, method="hazen"), return_inverse=True, return_counts=True
    )
    return values, np.bincount(which, weights=ndtri(shares)) / times
