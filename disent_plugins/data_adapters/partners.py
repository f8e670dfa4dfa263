"""Who is whose partner in a batch: another image of the same group, for losses that compare two of them."""

from __future__ import annotations

import numpy as np


def partners(group: np.ndarray) -> np.ndarray:
    """[n, B] group ids, -1 unknown -> [n, B] position in its row of the next image of the same group, in a circle.

    An image whose group is unknown, or that has nobody beside it, is its own partner.

    >>> partners(np.array([[0, 1, 0, -1, 0, -1]]))
    array([[2, 1, 4, 3, 0, 5]])
    """
    n, size = group.shape
    order = np.argsort(group, axis=1, kind="stable")
    ascending = np.take_along_axis(group, order, axis=1)
    starts = np.ones((n, size), dtype=bool)
    starts[:, 1:] = ascending[:, 1:] != ascending[:, :-1]
    starts |= ascending < 0
    place = np.arange(size)
    first = np.maximum.accumulate(np.where(starts, place, 0), axis=1)
    # The next of a group stands to the right, unless the next one begins a group: then it is the group's first.
    ends = np.ones((n, size), dtype=bool)
    ends[:, :-1] = starts[:, 1:]
    following = np.where(ends, first, np.minimum(place + 1, size - 1))
    found = np.empty_like(order)
    np.put_along_axis(found, order, np.take_along_axis(order, following, axis=1), axis=1)
    return found


def lonely(group: np.ndarray) -> float:
    """Share of the images whose group is known that have no other image of it in their batch.

    Args:
        group: [n, B] ids, -1 where the group is hidden.

    >>> lonely(np.array([[0, 0, 1, -1]]))
    0.3333333333333333
    """
    known = group >= 0
    alone = known & (partners(group) == np.arange(group.shape[1]))
    return float(alone.sum() / max(known.sum(), 1))


def couples(group: np.ndarray) -> np.ndarray:
    """[n, B] group ids of batches whose pairs stand at (0, 1), (2, 3)... -> [n, B] each one's other half.

    Two beside each other that share no known group are no pair: each is its own partner.

    >>> couples(np.array([[3, 3, 1, 1, 0, 2, -1, -1]]))
    array([[1, 0, 3, 2, 4, 5, 6, 7]])
    """
    place = np.arange(group.shape[1])
    beside = np.minimum(place ^ 1, place[-1])
    other = np.take_along_axis(group, np.broadcast_to(beside, group.shape), axis=1)
    return np.where((group == other) & (group >= 0), beside, place)
