"""Reading a factor from a block of codes with a linear and a non-linear classifier: what several metrics stand on.

normalised accuracy = (accuracy - floor) / (1 - floor),    floor = share of the most frequent class among test rows
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from disent_plugins.contracts import Codes, Report, Subject
from disent_plugins.errors import UsageError
from disent_plugins.metrics.probe_rows import Rows, choose_rows
from disent_plugins.metrics.seeds import derived
from disent_plugins.options import Options, option

Kind = Literal["linear", "nonlinear"]
BLOCKS = ("content", "style")

CLIP = 5.0
"""Standardised codes are cut to +- this many deviations, so that a single outlier rules neither scale nor fit."""

_EPOCHS, _PATIENCE, _HIDDEN = 100, 10, (128, 64)
_TINY = 1e-6
_GAIN = 2e-3  # nats; epochs that gain less count as none

WORDS: dict[Kind, str] = {
    "linear": "scikit-learn LogisticRegression, C = 1",
    "nonlinear": f"scikit-learn MLPClassifier, {' and '.join(map(str, _HIDDEN))} units, best epoch on validation rows",
}


@dataclass(frozen=True)
class ReadingOptions(Options):
    """Options of all metrics that read factors."""

    train: int = option(10_000, "Most rows that a classifier trains on.", low=10)
    values: int = option(200, "Style factors with more values than this are left out.", low=2)
    bootstrap: int = option(1000, "Resamples for the 95 % intervals.", low=10)


@dataclass(frozen=True)
class Target:
    """A factor to read: its name, labels [N] of all codes, the rows, and whether content should hold it."""

    name: str
    labels: np.ndarray
    rows: Rows
    is_content: bool


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


def targets(codes: Codes, options: ReadingOptions, seed: int) -> tuple[list[Target], tuple[str, ...]]:
    """The content factor first, then the style factors that can be read; and notes.

    Raises:
        UsageError: The content factor cannot be read: see ``choose_rows``, or it has one class among the test rows.
    """
    found = [_target(codes, codes.content_factor, codes.labels, options, seed, is_content=True)]
    notes: list[str] = []
    for name in codes.style_factors:
        labels = codes.factors[:, codes.factor_names.index(name)]
        count = len(np.unique(labels))
        if count > options.values:
            notes.append(f"'{name}' was left out: it has {count} values, more than {options.values}.")
            continue
        try:
            found.append(_target(codes, name, labels, options, seed, is_content=False))
        except UsageError as error:
            notes.append(f"'{name}' was left out: {error.why}")
    if len(found) == 1:
        notes.append("No style factor could be read, so only the content factor says anything here.")
    return found, tuple(dict.fromkeys([*(note for target in found for note in target.rows.notes), *notes]))


def _target(
    codes: Codes, name: str, labels: np.ndarray, options: ReadingOptions, seed: int, *, is_content: bool
) -> Target:
    rows = choose_rows(codes, labels, name, seed, options.train)
    if len(np.unique(labels[rows.test])) < 2:
        raise UsageError(
            f"The factor '{name}' cannot be read.",
            f"It has one value in all {len(rows.test)} test rows, so guessing is always right.",
            "Give test rows of two values or more.",
        )
    return Target(name, labels, rows, is_content)


def read_all(
    subject: Subject, found: Sequence[Target], kinds: Sequence[Kind], blocks: Sequence[str] = BLOCKS
) -> dict[tuple[str, str, Kind], Reading]:
    """Every target from every block with every kind of classifier: (block, target, kind) to what was read."""
    cells = [(block, target, kind) for target in found for block in blocks for kind in kinds]
    readings = {}
    report: Report = subject.report
    for done, (block, target, kind) in enumerate(cells):
        report(done, len(cells), f"{target.name} from {block}")
        x = getattr(subject.codes, block)
        readings[block, target.name, kind] = read(x, target.labels, target.rows, kind, subject.seed)
    report(len(cells), len(cells), "reading")
    return readings


def read(x: np.ndarray, labels: np.ndarray, rows: Rows, kind: Kind, seed: int) -> Reading:
    """Train a classifier on the codes ``x`` [N, D] and test it; same arguments, same bits."""
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

    Columns whose middle 99 % are equal take their full deviation; constant ones become 0.

    >>> standardised(np.array([[1.0, 7.0], [3.0, 7.0]]), np.arange(2))
    array([[-1.,  0.],
           [ 1.,  0.]])
    """
    x = np.asarray(x, dtype=np.float64)
    seen = x[rows]
    centre = np.median(seen, axis=0)
    low, high = np.quantile(seen, 0.005, axis=0, method="lower"), np.quantile(seen, 0.995, axis=0, method="higher")
    inner = np.clip(seen, low, high).std(axis=0)
    inner = np.where(inner > 1e-6 * np.abs(centre), inner, seen.std(axis=0))
    dead = inner <= 1e-6 * np.abs(centre)  # no more than the rounding of float32
    return np.where(dead, 0.0, np.clip((x - centre) / np.where(dead, 1.0, inner), -CLIP, CLIP))


def _linear(x: np.ndarray, y: np.ndarray, test: np.ndarray, seed: int) -> np.ndarray:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    with warnings.catch_warnings():
        # 300 steps of a convex problem are enough; the last digits of the weights change no answer.
        warnings.simplefilter("ignore", ConvergenceWarning)
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
        network.partial_fit(x, y, classes=classes)
        loss = -_log_of(network.predict_proba(judged_x) + _TINY, classes, judged_y).mean() if len(judged_x) else 0.0
        since = 0 if loss < best - _GAIN else since + 1
        if loss < best or not len(judged_x):
            best, probability = loss, network.predict_proba(test)
        if since >= _PATIENCE:
            break
    return np.asarray(probability, dtype=np.float64)


def reading_settings(subject: Subject, found: Sequence[Target]) -> dict[str, Any]:
    """What every metric that reads factors records beside its own options."""
    import sklearn

    return {
        "seed": subject.seed,
        "split": subject.codes.split_source,
        "content_size": subject.codes.content.shape[1],
        "style_size": subject.codes.style.shape[1],
        "targets": {
            target.name: {
                "n_train": len(target.rows.train),
                "n_test": len(target.rows.test),
                "values": len(np.unique(target.labels)),
                "protocol": target.rows.protocol,
            }
            for target in found
        },
        "versions": {"numpy": np.__version__, "scikit-learn": sklearn.__version__},
    }
