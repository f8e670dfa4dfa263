"""Linear classifiers of codes, which a network has to beat on validation rows before its answers count.

n rows to train on, m to judge by, t to answer, D columns, K classes. What helps one of them hurts another: weak
regularisation finds a faint direction among many and overfits few rows; a discriminant needs the least rows where
classes are alike in shape (500 classes of 20 rows), and errs where they are not.
"""

from __future__ import annotations

from collections.abc import Callable
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


class Discriminant:
    """Gaussian classes of one covariance: p(k | x) ~ p(k) exp(x' A m_k - m_k' A m_k / 2), A = (W + FLOOR I)^-1.

    W is the covariance within classes, m_k the mean of class k. scikit-learn's fails where W is 0, which perfect codes
    have, and takes three to five times as long.
    """

    FLOOR = 1e-6
    """Variance that a column of standardised codes has within classes at least."""

    def fit(self, x: np.ndarray, y: np.ndarray) -> None:
        """From ``x`` [n, D], of columns about 1 in deviation, and ``y`` [n] of K classes."""
        _, which, count = np.unique(y, return_inverse=True, return_counts=True)
        means = np.zeros((len(count), x.shape[1]))
        np.add.at(means, which, x)
        means /= count[:, None]
        apart = x - means[which]
        within = apart.T @ apart / max(len(x) - len(count), 1)
        within[np.diag_indices_from(within)] += self.FLOOR
        self._weights = np.linalg.solve(within, means.T)
        self._offset = np.log(count / len(x)) - (means.T * self._weights).sum(axis=0) / 2

    def predict_proba(self, x: np.ndarray) -> np.ndarray:
        """[n, K] probabilities of the classes for ``x`` [n, D]."""
        from scipy.special import softmax

        found: np.ndarray = softmax(x @ self._weights + self._offset, axis=1)
        return found


@dataclass(frozen=True)
class Line:
    """A linear classifier of one view of codes: its words, its view, and how it is made from a seed."""

    words: str
    view: Callable[[Views, np.ndarray], np.ndarray]
    make: Callable[[int], Any]

    def answers(
        self, views: Views, x: np.ndarray, y: np.ndarray, judged: np.ndarray, asked: np.ndarray, seed: int
    ) -> Answers:
        """Trained on codes ``x`` [n, D] and ``y`` [n]; ``judged`` [m, D] and ``asked`` [t, D] told."""
        classifier = self.make(seed % 2**32)
        with quiet():
            classifier.fit(self.view(views, x), y)
        return Answers(self.words, *(classifier.predict_proba(self.view(views, part)) for part in (judged, asked)))


def _logistic(c: float, steps: int) -> Callable[[int], Any]:
    def make(seed: int) -> Any:
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(C=c, max_iter=steps, random_state=seed)

    return make


def _flat(views: Views, x: np.ndarray) -> np.ndarray:
    return views.standardised(x).astype(np.float32)  # half the bytes are half the time where classes are many


def _white(views: Views, x: np.ndarray) -> np.ndarray:
    return views.whitened(x).astype(np.float32)


LINEAR = (
    Line("logistic regression, C = 1, standardised codes", _flat, _logistic(1, _STEPS)),
    Line("logistic regression, C = 100, whitened codes", _white, _logistic(100, _LOOSE_STEPS)),
    Line("linear discriminant", Views.whitened, lambda _: Discriminant()),
)
"""Linear in the standardised codes."""

ADDITIVE = (Line("linear discriminant of levelled codes", Views.full, lambda _: Discriminant()),)
"""A sum of functions of single columns."""


def best_line(
    views: Views, x: np.ndarray, y: np.ndarray, judged: np.ndarray, judged_y: np.ndarray, asked: np.ndarray, seed: int
) -> tuple[float, Answers]:
    """The one of all these that tells most of the rows to judge by ([m] ``judged_y``) right, and what share."""
    found = [line.answers(views, x, y, judged, asked, seed) for line in (*LINEAR, *ADDITIVE)]
    right = [one.right(judged_y) for one in found]
    best = int(np.argmax(right))
    return right[best], found[best]
