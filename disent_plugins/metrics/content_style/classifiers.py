"""A linear and a non-linear classifier that read labels from a block of codes, and what they read.

normalised accuracy = (accuracy - floor) / (1 - floor),    floor = share of the most frequent class among test rows
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from disent_plugins.metrics.probe.rows import Rows
from disent_plugins.metrics.statistics.cores import one_blas_thread
from disent_plugins.metrics.statistics.quiet import quiet
from disent_plugins.metrics.statistics.seeds import derived

Kind = Literal["linear", "nonlinear"]

CLIP = 5.0
"""Standardised codes are cut to +- this many deviations, so that a single outlier rules neither scale nor fit."""

SIGNIFICANT = 3.0
"""Standard errors above chance from which ``told`` counts an accuracy."""

_EPOCHS, _PATIENCE, _HIDDEN = 100, 10, (128, 64)
_TINY = 1e-6
_GAIN = 2e-3  # nats; epochs that gain less count as none

WORDS: dict[Kind, str] = {
    "linear": "scikit-learn LogisticRegression, C = 1",
    "nonlinear": f"scikit-learn MLPClassifier, {' and '.join(map(str, _HIDDEN))} units, best epoch on validation rows",
}


@dataclass(frozen=True)
class Reading:
    """What a classifier reads.

    Attributes:
        labels: [n] of the test rows.
        predicted: [n].
        log_prob: [n] log of the probability that it gives the true label, in nats.
    """

    labels: np.ndarray
    predicted: np.ndarray
    log_prob: np.ndarray

    @property
    def correct(self) -> np.ndarray:
        """[n] bool."""
        return self.predicted == self.labels

    @property
    def accuracy(self) -> float:
        """Share of correct answers."""
        return float(self.correct.mean())

    @property
    def floor(self) -> float:
        """Share of the most frequent class among the test rows."""
        return most_frequent(self.labels)

    @property
    def permuted(self) -> float:
        """Accuracy that the same answers are expected to have if the test labels are shuffled."""
        values = np.union1d(self.labels, self.predicted)
        shares = [np.bincount(np.searchsorted(values, x), minlength=len(values)) for x in (self.labels, self.predicted)]
        return float((shares[0] * shares[1]).sum() / len(self.labels) ** 2)

    @property
    def normalised(self) -> float:
        """Accuracy between floor (0) and 1, cut at 0."""
        return float(normalise(np.asarray(self.accuracy), self.floor))


def most_frequent(labels: np.ndarray) -> float:
    """Share of the most frequent of ``labels`` [n].

    >>> most_frequent(np.array([3, 3, 5, 3]))
    0.75
    """
    return float(np.unique(labels, return_counts=True)[1].max() / len(labels))


def normalise(accuracy: np.ndarray, floor: float | np.ndarray) -> np.ndarray:
    """Accuracies between ``floor`` (0) and 1, cut at 0.

    >>> normalise(np.array([0.1, 0.25, 1.0]), 0.25)
    array([0., 0., 1.])
    """
    return np.maximum((accuracy - floor) / (1 - floor), 0.0)


def told(accuracy: np.ndarray, floor: float | np.ndarray, n: int | np.ndarray) -> np.ndarray:
    """Normalised accuracies on ``n`` rows, 0 where they are not significantly above ``floor``.

    >>> told(np.array([0.56, 0.75]), 0.5, 400)
    array([0. , 0.5])
    """
    limit = floor + SIGNIFICANT * np.sqrt(floor * (1 - np.asarray(floor)) / n)
    return np.where(accuracy > limit, normalise(accuracy, floor), 0.0)


def read(x: np.ndarray, labels: np.ndarray, rows: Rows, kind: Kind, seed: int) -> Reading:
    """Train a classifier on the codes ``x`` [N, D] and test it; same arguments, same bits."""
    with one_blas_thread():
        return _read(x, labels, rows, kind, seed)


def _read(x: np.ndarray, labels: np.ndarray, rows: Rows, kind: Kind, seed: int) -> Reading:
    classes = np.unique(labels[rows.train])
    scaled = standardised(x, rows.train)
    test = scaled[rows.test]
    truth = labels[rows.test]
    if kind == "linear":
        probability, known = _linear(scaled[rows.train], labels[rows.train], test, seed), classes
    else:
        known = np.unique(labels[rows.tuned_train])
        judged = rows.validation[np.isin(labels[rows.validation], known)]
        probability = _nonlinear(
            scaled[rows.tuned_train], labels[rows.tuned_train], scaled[judged], labels[judged], test, seed
        )
    # A little of the uniform distribution keeps the logarithm finite, and the probabilities a distribution.
    probability = probability * (1 - _TINY) + _TINY / len(known)
    return Reading(truth, known[probability.argmax(axis=1)], _log_of(probability, known, truth))


def _log_of(probability: np.ndarray, classes: np.ndarray, truth: np.ndarray) -> np.ndarray:
    position = np.searchsorted(classes, truth).clip(max=len(classes) - 1)
    chosen = probability[np.arange(len(truth)), position]
    return np.log(np.where(classes[position] == truth, chosen, _TINY / len(classes)))


def standardised(x: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Codes [N, D] as float64 with median 0 and the deviation of the middle 99 % at 1 on ``rows``, cut to +- CLIP.

    The middle 99 % never hold the least and the largest of three rows or more, so that no outlier among few rows rules
    the scale. Columns whose middle 99 % are equal take their full deviation; constant ones become 0.

    >>> standardised(np.array([[1.0, 7.0], [3.0, 7.0]]), np.arange(2))
    array([[-1.,  0.],
           [ 1.,  0.]])
    """
    x = np.asarray(x, dtype=np.float64)
    seen = x[rows]
    centre = np.median(seen, axis=0)
    cut = min(max(int(0.005 * (len(seen) - 1)), 1), (len(seen) - 1) // 2)
    ordered = np.sort(seen, axis=0)
    low, high = ordered[cut], ordered[len(seen) - 1 - cut]
    inner = np.clip(seen, low, high).std(axis=0)
    inner = np.where(inner > 1e-6 * np.abs(centre), inner, seen.std(axis=0))
    dead = inner <= 1e-6 * np.abs(centre)  # no more than the rounding of float32
    return np.where(dead, 0.0, np.clip((x - centre) / np.where(dead, 1.0, inner), -CLIP, CLIP))


def _linear(x: np.ndarray, y: np.ndarray, test: np.ndarray, seed: int) -> np.ndarray:
    from sklearn.linear_model import LogisticRegression

    with quiet():  # 300 steps of a convex problem are enough; the last digits of the weights change no answer
        fitted = LogisticRegression(max_iter=300, random_state=derived(seed, "linear") % 2**32).fit(x, y)
    found: np.ndarray = fitted.predict_proba(test)
    return found


def _nonlinear(
    x: np.ndarray, y: np.ndarray, judged_x: np.ndarray, judged_y: np.ndarray, test: np.ndarray, seed: int
) -> np.ndarray:
    """Probabilities [n, classes] of the epoch with the least cross-entropy on the rows to judge by."""
    from sklearn.neural_network import MLPClassifier

    classes = np.unique(y)
    network = MLPClassifier(
        _HIDDEN, alpha=1e-4, learning_rate_init=2e-3, batch_size=int(np.clip(len(x) // 30, 16, 256).clip(max=len(x))),
        random_state=np.random.RandomState(derived(seed, "nonlinear") % 2**32),
    )  # fmt: skip
    x, judged_x, test = (part.astype(np.float32) for part in (x, judged_x, test))
    best, since, probability = np.inf, 0, np.empty(0)
    for _ in range(_EPOCHS):
        with quiet():
            network.partial_fit(x, y, classes=classes)
        loss = -_log_of(network.predict_proba(judged_x) + _TINY, classes, judged_y).mean() if len(judged_x) else 0.0
        since = 0 if loss < best - _GAIN else since + 1
        if loss < best or not len(judged_x):
            best, probability = loss, network.predict_proba(test)
        if since >= _PATIENCE:
            break
    return np.asarray(probability, dtype=np.float64)
