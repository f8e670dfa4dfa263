"""Probabilities of several classifiers made one whose cross-entropy is as small as validation rows can tell.

q(k) = (1 - e) p(k)^b r(k)^(1 - b) / sum_j p(j)^b r(j)^(1 - b) + e r(k)

p are a classifier's probabilities, r the shares of the classes in training. b = 0 knows nothing, b > 1 is surer than
the classifier was; e bears rows on which it is sure and wrong, as outliers are. Every classifier with every (b, e) of a
grid counts in the mixture by its likelihood on the validation rows: many rows leave the best one alone, few rows leave
several, where the best of them would be the luckiest.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SHARPNESS = np.array([0.0, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0])
SHARE = 10.0 ** np.arange(-6, 0)
_TINY = 1e-30
_LIGHT = 1e-9  # weights below are left out


def mixed(
    judged: Sequence[np.ndarray], judged_y: np.ndarray, asked: Sequence[np.ndarray], y: np.ndarray, shares: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities [n] that the mixture gives to the true classes ``y`` [n], and the weights [S] of S classifiers.

    Args:
        judged: S probabilities [m, K] on validation rows.
        judged_y: [m] positions of their classes.
        asked: S probabilities [n, K].
        y: [n] positions of the classes whose probability is wanted; nothing else depends on them.
        shares: [K] of the classes in training, above 0.
    """
    likelihood = np.stack([np.log(_all(p, judged_y, shares)).sum(axis=2) for p in judged])
    weights = np.exp(likelihood - likelihood.max())
    weights /= weights.sum()
    found = np.zeros(len(y))
    for p, weight in zip(asked, weights, strict=True):
        used = weight.sum(axis=1) > _LIGHT
        found += np.tensordot(weight[used], _all(p, y, shares, SHARPNESS[used]), axes=2)
    return found, weights.sum(axis=(1, 2))


def _all(p: np.ndarray, y: np.ndarray, shares: np.ndarray, sharpness: np.ndarray = SHARPNESS) -> np.ndarray:
    """[sharpness, SHARE, n] probabilities of ``y`` [n] under every b and e, from ``p`` [n, K]."""
    right = np.array([sharpen(p, shares, b)[np.arange(len(y)), y] for b in sharpness]).reshape(
        len(sharpness), 1, len(y)
    )
    found: np.ndarray = (1 - SHARE[:, None]) * right + SHARE[:, None] * shares[y]
    return found


def sharpen(p: np.ndarray, shares: np.ndarray, b: float) -> np.ndarray:
    """p^b r^(1 - b), normalised, of probabilities [n, K] and shares [K].

    >>> sharpen(np.array([[0.5, 0.5]]), np.array([0.9, 0.1]), 0.0)
    array([[0.9, 0.1]])
    """
    from scipy.special import softmax

    found: np.ndarray = softmax(b * np.log(p + _TINY) + (1 - b) * np.log(shares), axis=1)
    return found
