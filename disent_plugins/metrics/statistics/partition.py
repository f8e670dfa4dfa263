"""Seeded divisions of labelled rows."""

from __future__ import annotations

import numpy as np


def stratified(labels: np.ndarray, share: float, generator: np.random.Generator) -> np.ndarray:
    """Mark about ``share`` of every class's rows.

    Args:
        labels: [N] integers.
        share: In (0, 1). A class of n rows gets round(n * share) of them marked, and from two rows on at least one
            marked and one not; a class of one row is not marked.
        generator: Decides which rows.

    Returns:
        [N] bool.

    >>> marked = stratified(np.repeat([0, 1], [10, 5]), 0.2, np.random.default_rng(0))
    >>> int(marked[:10].sum()), int(marked[10:].sum())
    (2, 1)
    """
    _, inverse, counts = np.unique(labels, return_inverse=True, return_counts=True)
    wanted = np.clip(np.rint(counts * share).astype(np.int64), 1, np.maximum(counts - 1, 0))
    wanted[counts == 1] = 0
    shuffled = generator.permutation(len(labels))
    order = shuffled[np.argsort(inverse[shuffled], kind="stable")]
    starts = np.cumsum(counts) - counts
    rank = np.arange(len(labels)) - np.repeat(starts, counts)
    marked = np.zeros(len(labels), dtype=bool)
    marked[order] = rank < np.repeat(wanted, counts)
    return marked
