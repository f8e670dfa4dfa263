"""Pairs of rows that swaps are made of: one gives its content, the other its style."""

from __future__ import annotations

import numpy as np

from disent_plugins.content import has_value
from disent_plugins.errors import UsageError


def numbered(pairs: np.ndarray, rows: int) -> np.ndarray:
    """One number [M] for every pair [M, 2] of positions among so many rows: the same for the same pair.

    >>> numbered(np.array([[0, 1], [2, 0]]), 3).tolist()
    [1, 6]
    """
    return pairs[:, 0].astype(np.int64) * rows + pairs[:, 1]


def donors(labels: np.ndarray, rows: np.ndarray, most: int, generator: np.random.Generator) -> np.ndarray:
    """Draw pairs of rows of different content; no row gives its content twice, and none its style.

    Args:
        labels: [N] the content of every row; those without one (-1) are not drawn.
        rows: Positions to draw from.
        most: Most pairs; fewer where the rows do not give as many.
        generator: Decides which.

    Returns:
        [M, 2] int64 positions: content donor, style donor.

    Raises:
        UsageError: The rows show fewer than two contents.

    >>> donors(np.array([0, 1]), np.array([0, 1]), 5, np.random.default_rng(0)).tolist()
    [[0, 1], [1, 0]]
    """
    rows = rows[has_value(labels[rows])]
    if len(np.unique(labels[rows])) < 2:
        raise UsageError(
            "No swap can be made.",
            f"The {len(rows)} test rows show fewer than two contents; a swap takes the content of one and the style "
            "of another.",
            "Measure test rows of at least two contents.",
        )
    while True:
        pairs = np.stack([generator.permutation(rows), generator.permutation(rows)], axis=1)
        pairs = pairs[labels[pairs[:, 0]] != labels[pairs[:, 1]]]
        if len(pairs):  # a handful of rows may be dealt so that every pair agrees: deal again
            pairs = pairs[:most]
            return pairs[np.argsort(pairs[:, 0])]
