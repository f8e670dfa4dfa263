"""Forests judged on rows they were not grown on: against a walk row by row, and on noise."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import factor_codes as made
from sklearn.tree import DecisionTreeClassifier

from disent_plugins.metrics.factors.forest import SHRINKAGES, TREE_ROWS, Judged, halves, judged
from disent_plugins.metrics.statistics.seeds import derived


def walked(tree: DecisionTreeClassifier, row: np.ndarray, shrinkage: float, size: int) -> list[tuple[int, np.ndarray]]:
    """The believed steps of one row, root first, each with the code it was split off by (-1: the root)."""

    def proportions(node: int) -> np.ndarray:
        found = np.zeros(size)
        found[tree.classes_] = inner.value[node, 0]
        return found

    inner, node = tree.tree_, 0
    steps = [(-1, proportions(0))]
    while inner.children_left[node] >= 0:
        code = int(inner.feature[node])
        side = inner.children_left if np.float32(row[code]) <= inner.threshold[node] else inner.children_right
        child = int(side[node])
        steps.append((code, (proportions(child) - proportions(node)) / (1 + shrinkage / inner.n_node_samples[node])))
        node = child
    return steps


def slow(x: np.ndarray, v: np.ndarray, tx: np.ndarray, tv: np.ndarray, grown_on: np.ndarray, seed: int) -> Judged:
    """What ``judged`` says, one row at a time."""
    size = max(v.max(), tv.max()) + 1
    trees = [
        DecisionTreeClassifier(criterion="entropy", random_state=derived(seed, str(i)) % 2**32).fit(x[own], v[own])
        for i, own in enumerate(grown_on)
    ]

    def told(tree: DecisionTreeClassifier, row: np.ndarray, shrinkage: float) -> np.ndarray:
        return np.sum([step for _, step in walked(tree, row, shrinkage, size)], axis=0)

    def quadratic(shrinkage: float) -> float:
        losses = []
        for i, value in enumerate(v):
            out = [told(tree, x[i], shrinkage) for tree, own in zip(trees, grown_on, strict=True) if not own[i]]
            if out:
                losses.append(((np.mean(out, axis=0) - np.eye(size)[value]) ** 2).sum())
        return float(np.mean(losses))

    best = min(SHRINKAGES, key=quadratic)
    shares = np.bincount(tv, minlength=size) / len(tv)
    gains = np.zeros((len(trees), len(tx), x.shape[1]))
    for t, tree in enumerate(trees):
        for i, value in enumerate(tv):
            for code, step in walked(tree, tx[i], best, size)[1:]:
                gains[t, i, code] += step[value] - step @ shares
    each = np.array([[told(tree, row, best) for row in tx] for tree in trees])
    accuracy = (each.argmax(axis=2) == tv).mean(axis=1)
    return Judged(each.sum(axis=0).argmax(axis=1) == tv, accuracy, gains.mean(axis=0), gains.mean(axis=1))


@pytest.mark.parametrize("k", [0, 2])
def test_a_forest_is_judged_as_a_walk_row_by_row_judges_it(k: int) -> None:
    codes, factors, test = made.fixed()
    rows = codes[~test], factors[~test, k], codes[test], factors[test, k]
    grown_on = halves(200, 3, 0)
    found, expected = judged(*rows, grown_on, 5), slow(*rows, grown_on, 5)
    assert np.array_equal(found.correct, expected.correct)
    for one, other in (
        (found.tree_accuracy, expected.tree_accuracy),
        (found.gains, expected.gains),
        (found.tree_gains, expected.tree_gains),
    ):
        assert one == pytest.approx(other, abs=1e-12)


def test_trees_are_grown_on_half_of_the_rows_at_most() -> None:
    assert (halves(11, 4, 0).sum(axis=1) == 5).all()
    assert len(np.unique(halves(100, 4, 0), axis=0)) == 4
    assert halves(10 * TREE_ROWS, 1, 0).sum() == TREE_ROWS
    assert np.array_equal(halves(50, 2, 3), halves(50, 2, 3))


def test_splits_on_noise_are_worth_nothing_beside_a_code_that_knows_half() -> None:
    generator = np.random.default_rng(0)
    v, other = generator.integers(8, size=(2, 3000))
    known = np.where(generator.random(3000) < 0.5, v, other)
    x = np.hstack([known[:, None], generator.normal(size=(3000, 5))])
    found = judged(x[:2000], v[:2000], x[2000:], v[2000:], halves(2000, 10, 0), 0)
    gains = found.gains.mean(axis=0)
    errors = found.gains.std(axis=0) / np.sqrt(1000)
    assert gains[0] / errors[0] > 20
    assert np.abs(gains[1:] / errors[1:]).max() < 3
    assert found.correct.mean() == pytest.approx(0.5625, abs=0.03)  # the Bayes accuracy


def test_one_value_and_a_value_that_only_the_rows_to_judge_have() -> None:
    x = np.arange(40.0)[:, None]
    assert not judged(x, np.zeros(40, int), x, np.zeros(40, int), halves(40, 2, 0), 0).gains.any()
    v = np.arange(40) // 20
    later = np.where(np.arange(40) == 39, 5, v)
    found = judged(x, v, x, later, halves(40, 4, 0), 0)
    assert not found.correct[39]
    assert found.correct[:39].mean() > 0.9


def test_codes_near_the_largest_float_are_no_warning() -> None:
    """Warnings are errors here; their sum is more than a 32-bit float holds."""
    values = np.arange(40) % 2
    x = (values[:, None] + np.zeros((40, 3))) * 3e38
    assert judged(x, values, x, values, halves(40, 2, 0), 0).correct.all()
