"""Reading factors that are no categories: a linear and a non-linear regression on a block of codes, and what they read.

    R^2 = 1 - sum_i |y_i - p_i|^2 / sum_i |y_i - mean y|^2        over the test rows

y is the number of the value (ordered), the quantity (continuous) or the sine and cosine of the angle (circular). No
test value needs to occur in training: a view that no classifier could have learnt is read off its neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from disent_plugins.content import Factor, has_value
from disent_plugins.contracts import Codes
from disent_plugins.errors import UsageError
from disent_plugins.metrics.content_style.classifiers import SIGNIFICANT, Kind
from disent_plugins.metrics.probe.rows import Rows
from disent_plugins.metrics.probe.views import standardised
from disent_plugins.metrics.statistics.cores import one_blas_thread
from disent_plugins.metrics.statistics.quiet import quiet
from disent_plugins.metrics.statistics.seeds import derived, stream

UNIT = "R^2"

LEAST = 10
"""Rows below which nothing is regressed."""

_RIDGES = 10.0 ** np.arange(-6, 3)  # of the standardised codes' variance
_HELD = 0.1  # of the training rows, to choose by where there is no validation split
_CHUNK = 1 << 20
_EPOCHS, _PATIENCE, _HIDDEN, _GAIN = 100, 10, (128, 64), 2e-3

WORDS: dict[Kind, str] = {
    "linear": "ridge regression, its penalty chosen on validation rows",
    "nonlinear": "ridge regression and, on what it leaves, scikit-learn MLPRegressor, "
    f"{' and '.join(map(str, _HIDDEN))} units, its epoch and weight chosen on validation rows",
}


@dataclass(frozen=True)
class Regression:
    """What a regression reads.

    Attributes:
        labels: [n, T] the true targets of the test rows.
        predicted: [n, T].
    """

    labels: np.ndarray
    predicted: np.ndarray

    @property
    def r2(self) -> float:
        """Share of the test targets' variance that is read: 1 for all, 0 for the best constant, below 0 for worse."""
        return float(_r2(self._parts.mean(axis=0)))

    @property
    def floor(self) -> float:
        """What the best constant scores."""
        return 0.0

    @property
    def permuted(self) -> float:
        """R^2 that the same answers are expected to have if the test labels are shuffled."""
        centred, answers = (part - self.labels.mean(axis=0) for part in (self.labels, self.predicted))
        return float(-np.square(answers).sum() / np.square(centred).sum())

    @property
    def normalised(self) -> float:
        """R^2 cut at 0."""
        return max(self.r2, 0.0)

    def resampled(self, resamples: int, generator: np.random.Generator) -> np.ndarray:
        """[resamples] R^2 of bootstrap resamples of the test rows."""
        parts, n, found = self._parts, len(self.labels), np.empty(resamples)
        step = max(1, _CHUNK // n)
        for start in range(0, resamples, step):
            rows = generator.integers(n, size=(min(step, resamples - start), n))
            found[start : start + step] = _r2(parts[rows].mean(axis=1))
        return found

    @property
    def _parts(self) -> np.ndarray:
        """[n, 2 + T] whose means give R^2: squared errors, squared deviations and deviations from the mean."""
        deviation = self.labels - self.labels.mean(axis=0)
        squares = [np.square(part).sum(axis=1) for part in (self.labels - self.predicted, deviation)]
        return np.column_stack([*squares, deviation])


def _r2(means: np.ndarray) -> np.ndarray:
    """R^2 [...] from means [..., 2 + T] of ``Regression._parts``; 0 where the rows have one value."""
    wrong, squares = means[..., 0], means[..., 1]
    variance = squares - np.square(means[..., 2:]).sum(axis=-1)
    varied = variance > 1e-12 * squares
    found: np.ndarray = np.where(varied, 1 - wrong / np.where(varied, variance, 1.0), 0.0)
    return found


def significant(r2: float, n: int) -> float:
    """``r2`` of ``n`` test rows, 0 where it is not significantly above the best constant.

    Answers that know nothing correlate with the truth by 1 / sqrt(n) or so, and the R^2 of answers with a correlation
    r is r^2 at most.

    >>> significant(0.02, 400), significant(0.5, 400)
    (0.0, 0.5)
    """
    return r2 if r2 > SIGNIFICANT**2 / n else 0.0


def quantity(codes: Codes, name: str) -> tuple[np.ndarray, np.ndarray]:
    """What is predicted of the factor ``name``, [N, T] float64, and which rows [N] have a value.

    >>> codes = Codes(np.zeros((2, 1)), np.zeros((2, 1)), np.array([[0], [1]]), ("view",), "view", np.zeros(2),
    ...               described=(Factor("view", 4, "circular"),))
    >>> quantity(codes, "view")[0].round(3).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    factor: Factor = codes.factor(name)
    column = codes.factors[:, codes.factor_names.index(name)]
    known = has_value(column, factor.kind)
    values = np.where(known, column, 0).astype(np.float64)
    if factor.kind != "circular":
        return values[:, None], known
    angle = 2 * np.pi * values / factor.size
    return np.stack([np.sin(angle), np.cos(angle)], axis=1), known


def regression_rows(codes: Codes, goal: np.ndarray, known: np.ndarray, name: str, seed: int, most: int) -> Rows:
    """The rows for reading ``goal`` [N, T], which is known of the rows ``known`` [N]: the splits as they are.

    Raises:
        UsageError: Too few rows to train or to test on, or one value among them.
    """
    train, validation, test = (rows[known[rows]] for rows in map(codes.rows, ("train", "validation", "test")))
    if len(train) > most:
        train = np.sort(stream(seed, "probe", "subset").permutation(train)[:most])
    for rows, what in ((train, "train"), (test, "test")):
        if len(rows) < LEAST or not (goal[rows] != goal[rows[0]]).any():
            few = f"there are {len(rows)} rows to {what} on, and it needs {LEAST}"
            one = f"it has one value in all {len(rows)} rows to {what} on"
            raise UsageError(
                f"The factor '{name}' cannot be read.",
                f"{few if len(rows) < LEAST else one}.".capitalize(),
                "Give more rows in which it varies.",
            )
    tuned = train
    if len(validation) < LEAST:
        held = _held_out(codes.labels, train, test, seed)
        tuned, validation = train[~held], train[held]
    return Rows(train, tuned, validation, test, "training split to test split")


def _held_out(labels: np.ndarray, train: np.ndarray, test: np.ndarray, seed: int) -> np.ndarray:
    """Marks about a tenth of ``train`` to choose by.

    Where the test rows show contents that training lacks altogether, whole contents: rows of the same contents would
    choose what has learnt these by heart.
    """
    generator = stream(seed, "regression", "validation")
    seen = generator.permutation(np.unique(labels[train]))
    if len(seen) >= LEAST and not np.isin(labels[test], seen).any():
        return np.isin(labels[train], seen[: round(_HELD * len(seen))])
    held = np.zeros(len(train), dtype=bool)
    held[generator.permutation(len(train))[: max(round(_HELD * len(train)), 1)]] = True
    return held


def regress(x: np.ndarray, goal: np.ndarray, rows: Rows, kind: Kind, seed: int) -> Regression:
    """Train a regression of ``goal`` [N, T] on the codes ``x`` [N, D] and test it; same arguments, same bits.

    Codes are standardised as for the classifiers. Answers are cut to the range of the training targets, which no truth
    is far outside of, while one far-off code may take a linear answer anywhere.
    """
    with one_blas_thread():
        scaled, middle = standardised(x, rows.train), goal[rows.tuned_train].mean(axis=0)
        spread = float(np.sqrt(np.square(goal[rows.tuned_train] - middle).mean())) or 1.0
        y = (goal - middle) / spread
        judged = rows.validation
        slopes = _ridge(scaled[rows.tuned_train], y[rows.tuned_train], scaled[judged], y[judged])
        found = scaled[rows.test] @ slopes
        if kind == "nonlinear":
            left = y - scaled @ slopes
            found = found + _network(
                scaled[rows.tuned_train], left[rows.tuned_train], scaled[judged], left[judged], scaled[rows.test], seed
            )
        low, high = goal[rows.train].min(axis=0), goal[rows.train].max(axis=0)
        return Regression(goal[rows.test], np.clip(middle + spread * found, low, high))


def _ridge(x: np.ndarray, y: np.ndarray, judged_x: np.ndarray, judged_y: np.ndarray) -> np.ndarray:
    """Slopes [D, T] of the penalty with the least error on the rows to judge by; 0 where a constant is no worse."""
    size, axes = np.linalg.eigh(x.T @ x / len(x))
    along = axes.T @ (x.T @ y) / len(x)
    slopes = [np.zeros_like(along), *(axes @ (along / (np.maximum(size, 0)[:, None] + r)) for r in _RIDGES[::-1])]
    errors = [np.square(judged_y - judged_x @ slope).sum() for slope in slopes]
    return slopes[int(np.argmin(errors))]


def _surely(gain: np.ndarray) -> bool:
    """Whether the mean of ``gain`` [n] lies 2 standard errors or more above 0."""
    return bool(gain.mean() >= 2 * gain.std() / len(gain) ** 0.5)


def _network(
    x: np.ndarray, y: np.ndarray, judged_x: np.ndarray, judged_y: np.ndarray, test: np.ndarray, seed: int
) -> np.ndarray:
    """Answers [n, T] of the epoch and weight in 0..1 with the least error on the rows to judge by.

    0 where that is less by fewer than 2 standard errors: the best of many epochs is a little better by luck alone.
    """
    from sklearn.neural_network import MLPRegressor

    network: Any = MLPRegressor(
        hidden_layer_sizes=_HIDDEN, alpha=1e-4, learning_rate_init=2e-3,
        batch_size=int(np.clip(len(x) // 30, 16, 256).clip(max=len(x))),
        random_state=np.random.RandomState(derived(seed, "regression") % 2**32),
    )  # fmt: skip
    x, judged_x, test = (part.astype(np.float32) for part in (x, judged_x, test))
    y = (y[:, 0] if y.shape[1] == 1 else y).astype(np.float32)
    without = np.square(judged_y).sum(axis=1)
    start = best = float(without.sum())
    since, found = 0, np.zeros((len(test), judged_y.shape[1]))
    for _ in range(_EPOCHS):
        with quiet():
            network.partial_fit(x, y)
        answer = network.predict(judged_x).reshape(judged_y.shape).astype(np.float64)
        weight = np.clip((answer * judged_y).sum() / max(float(np.square(answer).sum()), 1e-12), 0.0, 1.0)
        errors = np.square(judged_y - weight * answer).sum(axis=1)
        error = float(errors.sum())
        since = 0 if error < best - _GAIN * start else since + 1
        if error < best and _surely(without - errors):
            best, found = error, weight * network.predict(test).reshape(found.shape).astype(np.float64)
        if since >= _PATIENCE:
            break
    return found
