"""What the ideal code scores: content is the content factor, style the style factors, as they are in the data.

    told_k = normalised test accuracy of a look-up table from the factors of the wrong block to factor k, or its R^2

In a data set whose factors depend on each other, one block tells of the other's factors by necessity: no code that
holds its own factors could avoid it, and what it gives away so is the reference point of any other code.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from disent_plugins.contracts import Codes
from disent_plugins.metrics.codes.kinds import as_classes
from disent_plugins.metrics.content_style.classifiers import most_frequent, told
from disent_plugins.metrics.content_style.reading import Target
from disent_plugins.metrics.content_style.regression import Regression, significant
from disent_plugins.metrics.probe.rows import Rows

BINS = 10
"""Classes of about equal counts that tables cut a continuous factor into."""

NAMED = 5
"""Most parts of a dependence that a note names."""

SAYS = (
    "Where they depend on each other, the content factor tells of a style factor what a look-up table tells on test "
    "rows (the most frequent value that it has with each content in training; the mean, where it is no category), and "
    "the style factors tell of the content factor what the best of such tables tells, of each alone or of those that "
    "are read together. Below 3 standard errors above chance a table counts as 0; what the others tell stands in a "
    "note."
)
"""For the metrics' own words, after what holds for independent factors."""


def ideal_accuracies(codes: Codes, found: Sequence[Target]) -> np.ndarray:
    """[2, K] normalised accuracies of the ideal blocks, content and style, for the K targets, the content factor first.

    The content block tells the content factor (1), and of a style factor what a table of the content factor tells. The
    style block tells the style factors (1), and of the content factor what the best of several tables tells: one of all
    style factors that are read, and one of each style factor alone, as few rows share a combination of many.

    Tables with less than 3 standard errors above chance tell 0, so that independent factors tell exactly nothing.

    Args:
        codes: Have the factors.
        found: From ``reading.targets``.
    """
    accuracy = np.ones((2, len(found)))
    factors = as_classes(codes, BINS)
    style = {name: factors[:, [codes.factor_names.index(name)]] for name in codes.style_factors}
    tables = [*style.values()]
    if len(found) > 2:
        tables.append(np.hstack([style[target.name] for target in found[1:]]))
    accuracy[1, 0] = max((_told(keys, found[0]) for keys in tables), default=0.0)
    accuracy[0, 1:] = [_told(codes.labels[:, None], target) for target in found[1:]]
    return accuracy


def dependence_notes(accuracy: np.ndarray, found: Sequence[Target], what: str) -> list[str]:
    """Which factors depend on each other and by how much; none where they are independent.

    Args:
        accuracy: [2, K] from ``ideal_accuracies``.
        found: The K targets.
        what: The reference point that follows from it.
    """
    content = found[0].name
    tells = sorted(zip(accuracy[0, 1:], (target.name for target in found[1:]), strict=True), reverse=True)
    parts = [f"'{content}' tells '{name}' ({share:.2f})" for share, name in tells if share > 0]
    if accuracy[1, 0] > 0:
        parts = [f"the style factors tell '{content}' ({accuracy[1, 0]:.2f})", *parts]
    if not parts:
        return []
    more = f", and {len(parts) - NAMED} more" if len(parts) > NAMED else ""
    return [
        f"Factors depend on each other in these rows: {', '.join(parts[:NAMED])}{more}; 0 is chance, 1 all test rows. "
        f"No code that holds its own factors could hide that, so {what} of the ideal code."
    ]


def _told(keys: np.ndarray, target: Target) -> float:
    truth = target.labels[target.rows.test]
    if target.by_regression:
        return significant(Regression(truth, averaged(keys, target.labels, target.rows)).r2, len(truth))
    accuracy = (looked_up(keys, target.labels, target.rows) == truth).mean()
    return float(told(np.asarray(accuracy), most_frequent(truth), len(truth)))


def looked_up(keys: np.ndarray, labels: np.ndarray, rows: Rows) -> np.ndarray:
    """Answers [n] on the test rows: the most frequent label of the training rows with the same keys.

    Where no training row has the same keys it is the most frequent label of all of them; of equally frequent ones the
    least.

    Args:
        keys: [N, F] integers.
        labels: [N] integers.
        rows: Where to train and test; n test rows.

    >>> rows = Rows(np.arange(4), np.arange(4), np.arange(0), np.arange(4, 7), "")
    >>> looked_up(np.array([[0], [0], [0], [1], [0], [1], [2]]), np.array([5, 5, 7, 7, 0, 0, 0]), rows)
    array([5, 7, 5])
    """
    classes, label = np.unique(labels[rows.train], return_inverse=True)
    _, key = np.unique(keys[np.concatenate([rows.train, rows.test])], axis=0, return_inverse=True)
    key = key.reshape(-1)  # NumPy 2.0 gives it a second axis
    train, test = key[: len(rows.train)], key[len(rows.train) :]
    pairs, counts = np.unique(train * len(classes) + label, return_counts=True)
    of, answer = np.divmod(pairs, len(classes))
    order = np.lexsort((-answer, counts, of))  # the best answer of every key comes last, and so is the one that stays
    table = np.full(key.max() + 1, np.bincount(label).argmax())
    table[of[order]] = answer[order]
    found: np.ndarray = classes[table[test]]
    return found


def averaged(keys: np.ndarray, goal: np.ndarray, rows: Rows) -> np.ndarray:
    """Answers [n, T] on the test rows: the mean of ``goal`` [N, T] over the training rows with the same keys.

    Where no training row has the same keys it is the mean of all of them.

    >>> rows = Rows(np.arange(3), np.arange(3), np.arange(0), np.arange(3, 5), "")
    >>> averaged(np.array([[0], [0], [1], [0], [2]]), np.array([[1.0], [2.0], [6.0], [0.0], [0.0]]), rows).ravel()
    array([1.5, 3. ])
    """
    _, key = np.unique(keys[np.concatenate([rows.train, rows.test])], axis=0, return_inverse=True)
    key = key.reshape(-1)
    train, test = key[: len(rows.train)], key[len(rows.train) :]
    count = np.bincount(train, minlength=key.max() + 1)[:, None]
    total = np.stack([np.bincount(train, y, minlength=len(count)) for y in goal[rows.train].T], axis=1)
    table = np.where(count > 0, total / np.maximum(count, 1), goal[rows.train].mean(axis=0))
    found: np.ndarray = table[test]
    return found
