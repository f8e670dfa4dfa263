"""Leaks that one kind of classifier misses: in one of many codes, in a small difference, beside outliers, ...

Every case has its Bayes accuracy; what is read must be nine tenths of it, counted from chance.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest

from disent_plugins.metrics.content_style.classifiers import Kind, Reading, read
from disent_plugins.metrics.content_style.dependence import entropy, information_bound
from disent_plugins.metrics.probe.rows import Rows
from disent_plugins.metrics.probe.training import ProbeFit, hold_out, probe

TEST = 3000


def one_of_64(n: int) -> tuple[np.ndarray, np.ndarray, float]:
    rng = np.random.default_rng(0)
    y = rng.integers(10, size=n)
    x = rng.normal(size=(n, 64))
    x[:, 0] = y + 0.15 * x[:, 0]
    return x, y, 0.998


def difference(n: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Of two codes of deviation 100, among 16; it has deviation 1."""
    rng = np.random.default_rng(0)
    y = rng.integers(10, size=n)
    x = 100 * rng.normal(size=(n, 16))
    x[:, 1] = x[:, 0] + (y - 4.5) / 2.87 + 0.03 * rng.normal(size=n)
    return x, y, 1.0


def many_classes(n: int) -> tuple[np.ndarray, np.ndarray, float]:
    """150 classes of 20 rows; the Bayes accuracy is that of the nearest true mean."""
    rng = np.random.default_rng(0)
    y = rng.integers(150, size=n)
    means = rng.normal(size=(150, 8))
    x = means[y] + 0.7 * rng.normal(size=(n, 8))
    nearest = (-2 * x[-TEST:] @ means.T + (means**2).sum(axis=1)).argmin(axis=1)
    return x, y, float((nearest == y[-TEST:]).mean())


def beside_outliers(n: int) -> tuple[np.ndarray, np.ndarray, float]:
    """At scale 1e-3; one row in fifty has an outlier of scale 1 in its place."""
    rng = np.random.default_rng(0)
    y = rng.integers(10, size=n)
    x = rng.normal(size=(n, 8))
    outlier = rng.random(n) < 0.02
    x[:, 0] = np.where(outlier, x[:, 0], 1e-3 * (y + 0.1 * x[:, 0]))
    return x, y, 0.98 + 0.02 / 10


def ten_scales(n: int) -> tuple[np.ndarray, np.ndarray, float]:
    """One for each class."""
    rng = np.random.default_rng(0)
    y = rng.integers(10, size=n)
    x = 10.0**-y * (1 + 0.1 * rng.normal(size=n))
    return x[:, None], y, 1.0


Make = Callable[[int], tuple[np.ndarray, np.ndarray, float]]
CASES: dict[str, tuple[Make, int]] = {
    "one of 64": (one_of_64, 10_000),
    "one of 64, few rows": (one_of_64, 2000),
    "difference": (difference, 2000),
    "many classes": (many_classes, 3000),
    "outliers": (beside_outliers, 6000),
    "ten scales": (ten_scales, 6000),
}


@cache
def case(name: str) -> tuple[np.ndarray, np.ndarray, Rows, float]:
    make, n = CASES[name]
    x, y, bayes = make(n + TEST)
    kept, held = hold_out(y[:n], 1)
    return x.astype(np.float32), y, Rows(np.arange(n), kept, held, np.arange(n, n + TEST), ""), bayes


@cache
def reading(name: str, kind: Kind) -> Reading:
    x, y, rows, _ = case(name)
    return read(x, y, rows, kind, 0)


@cache
def strong(name: str) -> ProbeFit:
    x, y, rows, _ = case(name)
    judged = x[rows.validation], y[rows.validation]
    return probe(x[rows.tuned_train], y[rows.tuned_train], x[rows.test], y[rows.test], validation=judged)


def share(name: str, accuracy: float) -> float:
    """Of the way from chance to the Bayes accuracy."""
    _, y, _, bayes = case(name)
    chance = 1 / (y.max() + 1)
    return (accuracy - chance) / (bayes - chance)


@pytest.mark.parametrize("name", CASES)
def test_the_non_linear_reading_finds_it(name: str) -> None:
    assert share(name, reading(name, "nonlinear").accuracy) > 0.9


@pytest.mark.parametrize("name", CASES)
def test_the_strong_probe_finds_it(name: str) -> None:
    assert share(name, strong(name).accuracy) > 0.9


@pytest.mark.parametrize("name", ["one of 64", "one of 64, few rows", "difference", "outliers", "ten scales"])
def test_the_information_bound_finds_it(name: str) -> None:
    found = reading(name, "nonlinear")
    assert information_bound(found.log_prob, found.labels) > 0.9 * entropy(found.labels)


@pytest.mark.parametrize("name", CASES)
def test_nothing_reads_worse_than_a_line(name: str) -> None:
    line = reading(name, "linear")
    error = 2 * (line.accuracy * (1 - line.accuracy) / TEST) ** 0.5 + 1e-3
    assert reading(name, "nonlinear").accuracy > line.accuracy - error
    assert strong(name).accuracy > line.accuracy - error
    assert reading(name, "nonlinear").log_prob.mean() > line.log_prob.mean() - 0.02


def test_it_is_said_which_classifier_answered() -> None:
    assert "discriminant" in reading("one of 64", "linear").chosen
    assert "network" in reading("ten scales", "nonlinear").chosen
    assert strong("ten scales").rival is None
    assert "discriminant" in (strong("one of 64, few rows").rival or "")


def test_codes_that_tell_nothing_read_chance_and_no_information() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(4000, 16)), rng.integers(4, size=4000)
    kept, held = hold_out(y[:2000], 0)
    rows = Rows(np.arange(2000), kept, held, np.arange(2000, 4000), "")
    for kind in ("linear", "nonlinear"):
        found = read(x, y, rows, kind, 0)
        assert abs(found.accuracy - 0.25) < 0.03
        assert abs(entropy(found.labels) + found.log_prob.mean()) < 0.005
    assert abs(probe(x[:2000], y[:2000], x[2000:], y[2000:]).accuracy - 0.25) < 0.03


def test_choices_never_look_at_test_rows() -> None:
    x, y, rows, _ = case("one of 64, few rows")
    other = y.copy()
    other[rows.test] = np.roll(y[rows.test], 1)
    first, second = (read(x, labels, rows, "nonlinear", 0) for labels in (y, other))
    np.testing.assert_array_equal(first.predicted, second.predicted)
    assert (first.chosen, first.surest) == (second.chosen, second.surest)


def test_what_is_said_to_stay_invisible_does() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(5000, 64))
    rows = Rows(np.arange(4000), np.arange(3600), np.arange(3600, 4000), np.arange(4000, 5000), "")
    for y in ((x[:, :3] > 0).sum(axis=1) % 2, np.floor(50 * x[:, 0]).astype(np.int64) % 2):
        assert read(x, y, rows, "nonlinear", 0).accuracy < 0.56
