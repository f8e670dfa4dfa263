"""Importances of codes from what they gained on judged rows, and what disentanglement and completeness make of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy
from scipy.stats import t as student

ACCIDENTS = 0.001
"""Share of the factors that no code tells of which some code is believed to tell them."""


@dataclass(frozen=True)
class Evidence:
    """What forests of T trees for K factors gained from D codes on N rows to judge.

    Attributes:
        gains: [N, D, K] of every row, mean over trees.
        tree_gains: [T, D, K] of every tree, mean over rows.
        tree_accuracy: [T, K] of every tree alone.
        varying: [D] bool, codes that vary.
        share: Of the rows to fit on that every tree was grown on, above 0 and below 1.
    """

    gains: np.ndarray
    tree_gains: np.ndarray
    tree_accuracy: np.ndarray
    varying: np.ndarray
    share: float

    def importance(self, rows: np.ndarray | None = None, trees: np.ndarray | None = None) -> np.ndarray:
        """[D, K] as ``importances`` has it; with [N] and [T] changes of the weights of rows and trees."""
        count = len(self.gains)
        weights = np.full(count, 1 / count) + (0 if rows is None else rows)
        gains = np.tensordot(weights, self.gains, 1)
        errors = np.sqrt(np.maximum(np.tensordot(weights, self.gains**2, 1) - gains**2, 0) / count)
        if trees is not None:
            gains = gains + np.tensordot(trees, self.tree_gains, 1)
        return importances(gains, errors, self.varying, count)

    def other_rows_to_fit_on(self, generator: np.random.Generator) -> np.ndarray:
        """[T] changes of the weights of trees that scatter a mean as other rows to fit on would.

        A tree sees a share f of them, so trees scatter by (1 - f) / f times the variance that other rows bring (the
        delete-d jackknife, Shao and Wu 1989); what trees of the same rows scatter comes on top, so this errs to wide.
        """
        count = len(self.tree_gains)
        scale = np.sqrt(count * count / (count - 1) * self.share / (1 - self.share))
        return resample(count, generator) * scale


def resample(size: int, generator: np.random.Generator) -> np.ndarray:
    """[size] changes of weights 1 / size by drawing anew with replacement; they sum to 0."""
    return np.bincount(generator.integers(size, size=size), minlength=size) / size - 1 / size


def importances(gains: np.ndarray, errors: np.ndarray, varying: np.ndarray, rows: int) -> np.ndarray:
    """[D, K] at least 0; a column sums to 1, or to 0 where no code varies.

    A code counts by what is beyond doubt of its gain g, of which e is the standard error: g - (z e)^2 / g where that is
    above 0 (the garrote: Gao 1998), so that little is taken from a gain that is many errors large. The rest of the
    gains is shared by all codes alike, and so is a factor that no code gains anything for: of that nothing is known.

    Args:
        gains: [D, K] mean gains; below 0 where splits did harm.
        errors: [D, K] their standard errors over rows.
        varying: [D] bool, codes that vary.
        rows: That were judged.

    >>> importances(np.array([[0.5, 0.0], [0.0, 0.0]]), np.full((2, 2), 1e-9), np.ones(2, dtype=bool), 100).round(6)
    array([[1. , 0.5],
           [0. , 0.5]])
    """
    codes = max(int(varying.sum()), 1)
    doubt = student.isf(ACCIDENTS / codes, max(rows - 1, 1)) * errors
    sure = np.maximum(gains - doubt**2 / np.where(gains > 0, gains, 1.0), 0.0)
    rest = np.maximum(gains.sum(axis=0) - sure.sum(axis=0), 0.0)
    found = sure + varying[:, None] * rest / codes
    found = np.where(found.any(axis=0), found, varying[:, None])
    return found / np.maximum(found.sum(axis=0), np.finfo(float).tiny)


def disentanglement(importance: np.ndarray) -> float:
    """Whether a code serves one factor, in [0, 1], from importances [D, K] at least 0 (Eastwood and Williams, Sec. 2).

    >>> disentanglement(np.eye(3)), round(disentanglement(np.ones((3, 3))), 9), disentanglement(np.zeros((3, 3)))
    (1.0, 0.0, 0.0)
    """
    mass = importance.sum(axis=1, keepdims=True)
    if not mass.any():
        return 0.0
    if importance.shape[1] == 1:
        return 1.0
    shares = importance / np.where(mass > 0, mass, 1.0)
    entropy = -xlogy(shares, shares).sum(axis=1) / np.log(importance.shape[1])
    return float(np.clip(((1 - entropy) * mass[:, 0]).sum() / mass.sum(), 0.0, 1.0))


def completeness(importance: np.ndarray) -> float:
    """Whether a factor is served by one code, in [0, 1], from importances [D, K] at least 0.

    >>> round(completeness(np.vstack([np.eye(5), np.eye(5)])), 3)
    0.699
    """
    return disentanglement(importance.T)
