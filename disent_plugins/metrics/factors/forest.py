"""A forest that is told from rows it was not grown on how much every code helps.

A fully grown tree splits on noise as gladly as on a code that knows. So each tree here is grown on some of the rows,
the rows it left out decide how far its splits are believed, and what a split is worth is measured on the rows to judge.

    believed    P(v | leaf) = P(v | root) + sum over the nodes c below it of step[c, v]
                step[c, v] = (P(v | c) - P(v | parent of c)) / (1 + shrinkage / rows in the parent)
                (hierarchical shrinkage: Agarwal et al. 2022)
    worth       gain[j] = mean over rows (x, v) of sum over the nodes c that x passes, split off by code j,
                of step[c, v] - E_v' step[c, v'],   v' drawn from the values of the rows to judge
                (the importance MDI-oob of Li et al. 2019, on believed steps, less what chance gives)

Gains of all codes sum to the probability that the forest gives the true values, less what it gives values drawn at
random. A split that does not generalise has a gain of 0 on average, whatever it gained where it was chosen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.tree import DecisionTreeClassifier

from disent_plugins.metrics.statistics.seeds import derived, stream

TREE_ROWS = 3000
"""Rows that every tree is grown on, at most. Cost grows with them; a tree of these costs about what a bootstrap draw of
4,000 rows of 10,000 does, of which 3,300 differ."""

SHRINKAGES = (0.0, 1.0, 10.0, 100.0, 1000.0, 10_000.0)
"""Rows that a node's parent must have for its step to be believed by half; 0: every step is believed."""


@dataclass(frozen=True)
class Judged:
    """What a forest did on N rows to judge, of V values and D codes.

    Attributes:
        correct: [N] bool, whether the forest told the row's value.
        tree_accuracy: [T] of every tree alone.
        gains: [N, D] of every row, mean over trees; the mean over rows is the gain of every code.
        tree_gains: [T, D] of every tree, mean over rows.
    """

    correct: np.ndarray
    tree_accuracy: np.ndarray
    gains: np.ndarray
    tree_gains: np.ndarray


@dataclass(frozen=True)
class _Tree:
    """One tree of M nodes; the root is node 0.

    Attributes:
        tree: As scikit-learn keeps it.
        parent: [M] node above; 0 for the root.
        proportions: [M, V] of the values among the rows of a node that the tree was grown on.
    """

    tree: Any
    parent: np.ndarray
    proportions: np.ndarray

    def steps(self, shrinkage: float) -> np.ndarray:
        """[M, V] what every node adds to its parent's probabilities; the root: the probabilities themselves."""
        believed = 1 / (1 + shrinkage / self.tree.n_node_samples[self.parent])
        steps = (self.proportions - self.proportions[self.parent]) * believed[:, None]
        steps[0] = self.proportions[0]
        return np.asarray(steps)

    def probabilities(self, steps: np.ndarray) -> np.ndarray:
        """[M, V] sums of ``steps`` from the root down to every node."""
        sums, level = steps.copy(), np.zeros(1, dtype=np.int64)
        while len(level := level[self.tree.children_left[level] >= 0]):
            children = np.concatenate([self.tree.children_left[level], self.tree.children_right[level]])
            sums[children] += sums[self.parent[children]]
            level = children
        return sums


def halves(rows: int, trees: int, seed: int) -> np.ndarray:
    """[T, N] bool, the rows that every tree is grown on: half of them, drawn without replacement, or ``TREE_ROWS``."""
    size = min(TREE_ROWS, max(rows // 2, 1))
    drawn = np.zeros((trees, rows), dtype=bool)
    for tree, row in enumerate(drawn):
        row[stream(seed, "rows", str(tree)).permutation(rows)[:size]] = True
    return drawn


def judged(
    x: np.ndarray, values: np.ndarray, test_x: np.ndarray, test_values: np.ndarray, grown_on: np.ndarray, seed: int
) -> Judged:
    """Grow a forest on some rows and judge it on others.

    Args:
        x, values: [N, D] codes and [N] values, from 0 up, to grow on.
        test_x, test_values: Rows to judge; values that no tree has seen have probability 0.
        grown_on: [T, N] bool, the rows of every tree, as ``halves`` draws them.
        seed: Of the trees' choices between splits that are equally good.
    """
    x, test_x = x.astype(np.float32), test_x.astype(np.float32)  # as scikit-learn splits them
    size = int(max(values.max(), test_values.max())) + 1
    trees = [_grown(x[own], values[own], size, derived(seed, str(i)) % 2**32) for i, own in enumerate(grown_on)]
    shrinkage = _believed(trees, x, values, grown_on)
    rows, wide = test_x.shape
    shares = np.bincount(test_values, minlength=size) / rows
    votes, gains, accuracy, tree_gains = np.zeros((rows, size)), np.zeros((rows, wide)), [], []
    for tree in trees:
        steps = tree.steps(shrinkage)
        told = tree.probabilities(steps)[tree.tree.apply(test_x)]
        votes += told
        accuracy.append((told.argmax(axis=1) == test_values).mean())
        passed = tree.tree.decision_path(test_x)
        row, node = np.repeat(np.arange(rows), np.diff(passed.indptr)), passed.indices
        row, node = row[node > 0], node[node > 0]
        worth = steps[node, test_values[row]] - (steps @ shares)[node]
        place = row * wide + tree.tree.feature[tree.parent[node]]
        own = np.bincount(place, weights=worth, minlength=rows * wide).reshape(rows, wide)
        gains += own / len(trees)
        tree_gains.append(own.mean(axis=0))
    return Judged(votes.argmax(axis=1) == test_values, np.array(accuracy), gains, np.array(tree_gains))


def _grown(x: np.ndarray, values: np.ndarray, size: int, seed: int) -> _Tree:
    # Its look for missing values sums the whole array, which may be more than a 32-bit float holds.
    with np.errstate(over="ignore", invalid="ignore"):
        fitted = DecisionTreeClassifier(criterion="entropy", random_state=seed).fit(x, values)
    tree = fitted.tree_
    proportions = np.zeros((tree.node_count, size))
    proportions[:, fitted.classes_] = tree.value[:, 0]
    parent = np.zeros(tree.node_count, dtype=np.int64)
    inner = np.flatnonzero(tree.children_left >= 0)
    parent[tree.children_left[inner]] = parent[tree.children_right[inner]] = inner
    return _Tree(tree, parent, proportions)


def _believed(trees: list[_Tree], x: np.ndarray, values: np.ndarray, grown_on: np.ndarray) -> float:
    """The shrinkage with the best quadratic (Brier) score, each row told by the trees that were not grown on it."""
    leaves = [tree.tree.apply(x[~own]) for tree, own in zip(trees, grown_on, strict=True)]
    count = (~grown_on).sum(axis=0)
    out = np.flatnonzero(count)
    scores = []
    for shrinkage in SHRINKAGES:
        told = np.zeros((len(x), trees[0].proportions.shape[1]))
        for tree, own, leaf in zip(trees, grown_on, leaves, strict=True):
            told[~own] += tree.probabilities(tree.steps(shrinkage))[leaf]
        told = told[out] / count[out, None]
        scores.append((2 * told[np.arange(len(out)), values[out]] - (told**2).sum(axis=1)).mean())
    return SHRINKAGES[int(np.argmax(scores))]
