"""Probabilities that mean what they say: sharpened or blunted, and mixed with the shares of the classes.

q(k) = (1 - e) p(k)^b r(k)^(1 - b) / sum_j p(j)^b r(j)^(1 - b) + e r(k)

p are a classifier's probabilities, r the shares of the classes in training, b and e those of least cross-entropy on
validation rows. b = 0 is a classifier that knows nothing; e bears rows that are sure and wrong, as outliers are.
"""

from __future__ import annotations

from itertools import product

import numpy as np

SHARPNESS = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 4.0)
SHARE = (1e-6, 1e-4, 1e-3, 0.01, 0.03, 0.1)
_TINY = 1e-30


def calibrate(judged: np.ndarray, y: np.ndarray, shares: np.ndarray) -> tuple[float, tuple[float, float]]:
    """The least cross-entropy in nats on validation rows, and the (b, e) that give it.

    Args:
        judged: [m, K] probabilities on the validation rows, m >= 1.
        y: [m] positions of their classes.
        shares: [K] of the classes in training, above 0.
    """
    rows = np.arange(len(y))
    sharpened = [sharpen(judged, shares, b)[rows, y] for b in SHARPNESS]
    losses = {
        (b, e): -float(np.log((1 - e) * p + e * shares[y]).mean())
        for (b, p), e in product(zip(SHARPNESS, sharpened, strict=True), SHARE)
    }
    best = min(losses, key=lambda pair: losses[pair])
    return losses[best], best


def sharpen(p: np.ndarray, shares: np.ndarray, b: float) -> np.ndarray:
    """p^b r^(1 - b), normalised, of probabilities [m, K] and shares [K].

    >>> sharpen(np.array([[0.5, 0.5]]), np.array([0.9, 0.1]), 0.0)
    array([[0.9, 0.1]])
    """
    from scipy.special import softmax

    found: np.ndarray = softmax(b * np.log(p + _TINY) + (1 - b) * np.log(shares), axis=1)
    return found


def calibrated(p: np.ndarray, shares: np.ndarray, setting: tuple[float, float]) -> np.ndarray:
    """Probabilities [n, K] of ``p`` [n, K] under a setting (b, e) that ``calibrate`` found."""
    b, e = setting
    found: np.ndarray = (1 - e) * sharpen(p, shares, b) + e * shares
    return found
