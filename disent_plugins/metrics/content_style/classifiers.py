"""Linear and non-linear classifiers that read labels from a block of codes, and what the best of them reads.

normalised accuracy = (accuracy - floor) / (1 - floor),    floor = share of the most frequent class among test rows
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from disent_plugins.metrics.content_style.calibration import mixed
from disent_plugins.metrics.probe.linear import ADDITIVE, LINEAR, Answers
from disent_plugins.metrics.probe.rows import Rows
from disent_plugins.metrics.probe.views import Views
from disent_plugins.metrics.statistics.cores import one_blas_thread
from disent_plugins.metrics.statistics.quiet import quiet
from disent_plugins.metrics.statistics.seeds import derived

Kind = Literal["linear", "nonlinear"]

SIGNIFICANT = 3.0
"""Standard errors above chance from which ``told`` counts an accuracy."""

_EPOCHS, _PATIENCE, _HIDDEN = 100, 10, (128, 64)
_TINY = 1e-6
_GAIN = 2e-3  # nats; epochs that gain less count as none
_NETWORK = f"network of {' and '.join(map(str, _HIDDEN))} units, levelled and whitened codes"

WORDS: dict[Kind, str] = {
    "linear": "best on validation rows of logistic regression (C = 1, 100) and a linear discriminant",
    "nonlinear": "best on validation rows of linear classifiers and a network "
    f"({' and '.join(map(str, _HIDDEN))} units) of levelled and whitened codes",
}


@dataclass(frozen=True)
class Reading:
    """What a classifier reads.

    Attributes:
        labels: [n] of the test rows.
        predicted: [n].
        log_prob: [n] log of the probability that is given to the true label, in nats.
        chosen: The classifier whose answers they are, in words.
        surest: The classifier that weighs most in the probabilities.
    """

    labels: np.ndarray
    predicted: np.ndarray
    log_prob: np.ndarray
    chosen: str = ""
    surest: str = ""

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
    """Train classifiers on the codes ``x`` [N, D], choose on validation rows and test; same arguments, same bits.

    The non-linear kind has the linear classifiers among its candidates, so that it reads no worse but by the luck of
    the validation rows. Answers are those of the most accurate candidate there, probabilities those of ``mixed``.
    """
    with one_blas_thread():
        return _read(x, labels, rows, kind, seed)


def _read(x: np.ndarray, labels: np.ndarray, rows: Rows, kind: Kind, seed: int) -> Reading:
    known, y = np.unique(labels[rows.tuned_train], return_inverse=True)
    judged = rows.validation[np.isin(labels[rows.validation], known)]
    judged_y = np.searchsorted(known, labels[judged])
    truth = labels[rows.test]
    views = Views.of(x[rows.tuned_train])
    parts = x[rows.tuned_train], y, x[judged], x[rows.test]
    lines = LINEAR if kind == "linear" else (*LINEAR, *ADDITIVE)
    found = [line.answers(views, *parts, derived(seed, "linear")) for line in lines]
    if kind == "nonlinear":
        full = [views.full(part).astype(np.float32) for part in (parts[0], *parts[2:])]
        found.append(_network(full[0], y, full[1], judged_y, full[2], seed))
    chosen = max(range(len(found)), key=lambda i: (found[i].right(judged_y), _sureness(found[i], judged_y)))
    best = found[chosen]
    if chosen < len(lines) and len(rows.train) > len(rows.tuned_train):  # chosen, it may learn from the held out rows
        every = x[rows.train], np.searchsorted(known, labels[rows.train]), *parts[2:]
        best = lines[chosen].answers(views, *every, derived(seed, "linear"))
    probability, weights = mixed(
        [one.judged for one in found],
        judged_y,
        [one.asked for one in found],
        np.searchsorted(known, truth),
        np.bincount(y) / len(y),
    )
    surest = found[int(weights.argmax())].words
    return Reading(truth, known[best.asked.argmax(axis=1)], np.log(probability), best.words, surest)


def _sureness(one: Answers, judged_y: np.ndarray) -> float:
    """Mean log-probability of the true classes on the rows to judge by, in nats."""
    return float(np.log(one.judged[np.arange(len(judged_y)), judged_y] + _TINY).mean())


def _network(
    x: np.ndarray, y: np.ndarray, judged: np.ndarray, judged_y: np.ndarray, asked: np.ndarray, seed: int
) -> Answers:
    """A network after the epoch of the least cross-entropy on the rows to judge by."""
    from sklearn.neural_network import MLPClassifier

    network = MLPClassifier(
        _HIDDEN, alpha=1e-4, learning_rate_init=2e-3, batch_size=int(np.clip(len(x) // 30, 16, 256).clip(max=len(x))),
        random_state=np.random.RandomState(derived(seed, "nonlinear") % 2**32),
    )  # fmt: skip
    best, least, since = Answers(_NETWORK, np.empty(0), np.empty(0)), np.inf, 0
    for _ in range(_EPOCHS):
        with quiet():
            network.partial_fit(x, y, classes=np.arange(y.max() + 1))
        found = Answers(_NETWORK, *(network.predict_proba(part).astype(np.float64) for part in (judged, asked)))
        loss = -_sureness(found, judged_y)
        since = 0 if loss < least - _GAIN else since + 1
        if loss < least:
            best, least = found, loss
        if since >= _PATIENCE:
            break
    return best
