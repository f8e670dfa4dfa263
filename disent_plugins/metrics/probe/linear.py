"""Linear classifiers of codes, which a network has to beat on validation rows before its answers count.

n rows to train on, m to judge by, t to answer, D columns, K classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from disent_plugins.metrics.probe.views import Views
from disent_plugins.metrics.statistics.quiet import quiet

_STEPS, _LOOSE_STEPS = 300, 30
"""Most steps of the strict and of the loose fit. The first converges; stopping the second early holds it back, too."""


@dataclass(frozen=True)
class Answers:
    """What one classifier says.

    Attributes:
        words: Which classifier.
        judged: [m, K] probabilities of the classes on the rows to judge by.
        asked: [t, K] those on the rows to answer.
    """

    words: str
    judged: np.ndarray
    asked: np.ndarray

    def right(self, judged_y: np.ndarray) -> float:
        """Share of the rows to judge by that it tells right; [m] positions of their classes, -1 for none of them."""
        return float((self.judged.argmax(axis=1) == judged_y).mean())


def linear(
    views: Views, x: np.ndarray, y: np.ndarray, judged: np.ndarray, asked: np.ndarray, seed: int
) -> list[Answers]:
    """Three that are linear in the standardised codes: what helps one of them hurts another.

    Weak regularisation finds a faint direction among many and overfits few rows; a discriminant needs the least rows
    where classes are alike in shape (500 classes of 20 rows), and errs where they are not.

    Args:
        views: Fitted on ``x``.
        x: [n, D] codes to train on.
        y: [n] labels, of K classes.
        judged, asked: [m, D] and [t, D].
        seed: Of the solvers.
    """
    from sklearn.linear_model import LogisticRegression

    parts = (x, judged, asked)
    white = [views.whitened(part) for part in parts]
    # Half the bytes are half the time where classes are many.
    flat32, white32 = (
        [views.standardised(part).astype(np.float32) for part in parts],
        [w.astype(np.float32) for w in white],
    )
    strict = LogisticRegression(C=1, max_iter=_STEPS, random_state=seed % 2**32)
    loose = LogisticRegression(C=100, max_iter=_LOOSE_STEPS, random_state=seed % 2**32)
    return [
        _answers("logistic regression, C = 1, standardised codes", strict, flat32, y),
        _answers("logistic regression, C = 100, whitened codes", loose, white32, y),
        *_discriminant("linear discriminant", white, y),
    ]


def additive(views: Views, x: np.ndarray, y: np.ndarray, judged: np.ndarray, asked: np.ndarray) -> list[Answers]:
    """A linear discriminant of levelled and whitened codes: a sum of functions of single columns, and a linear one.

    Arguments as for ``linear``. Empty where there are too few rows.
    """
    return _discriminant("linear discriminant of levelled codes", [views.full(part) for part in (x, judged, asked)], y)


def best_linear(
    views: Views, x: np.ndarray, y: np.ndarray, judged: np.ndarray, judged_y: np.ndarray, asked: np.ndarray, seed: int
) -> tuple[float, Answers]:
    """The one that is right on most of the rows to judge by, [m] ``judged_y``, and on how large a share of them."""
    found = [*linear(views, x, y, judged, asked, seed), *additive(views, x, y, judged, asked)]
    right = [one.right(judged_y) for one in found]
    best = int(np.argmax(right))
    return right[best], found[best]


def _discriminant(words: str, parts: list[np.ndarray], y: np.ndarray) -> list[Answers]:
    return [_answers(words, Discriminant(), parts, y)] if len(y) > len(np.unique(y)) else []


class Discriminant:
    """Gaussian classes of one covariance: p(k | x) ~ p(k) exp(x' A m_k - m_k' A m_k / 2), A = (W + FLOOR I)^-1.

    W is the covariance within classes, m_k the mean of class k. scikit-learn's fails where W is 0, which perfect codes
    have, and takes three to five times as long.
    """

    FLOOR = 1e-6
    """Variance that a column of standardised codes has within classes at least."""

    def fit(self, x: np.ndarray, y: np.ndarray) -> None:
        """From ``x`` [n, D], of columns about 1 in deviation, and ``y`` [n] of K < n classes."""
        _, which, count = np.unique(y, return_inverse=True, return_counts=True)
        means = np.zeros((len(count), x.shape[1]))
        np.add.at(means, which, x)
        means /= count[:, None]
        apart = x - means[which]
        within = apart.T @ apart / (len(x) - len(count))
        within[np.diag_indices_from(within)] += self.FLOOR
        self._weights = np.linalg.solve(within, means.T)
        self._offset = np.log(count / len(x)) - (means.T * self._weights).sum(axis=0) / 2

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """[n, K] probabilities of the classes for ``x`` [n, D]."""
        from scipy.special import softmax

        found: np.ndarray = softmax(x @ self._weights + self._offset, axis=1)
        return found


def _answers(words: str, classifier: Any, parts: list[np.ndarray], y: np.ndarray) -> Answers:
    x, judged, asked = parts
    with quiet():
        classifier.fit(x, y)
    return Answers(words, classifier.predict_proba(judged), classifier.predict_proba(asked))
