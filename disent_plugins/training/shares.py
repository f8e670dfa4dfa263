"""Which images of a batch go to which process: equal shares, and groups kept together where the sampler makes them."""

from __future__ import annotations

import numpy as np

from disent_plugins.data_adapters.partners import couples, partners
from disent_plugins.data_adapters.samplers import Batches, compact


def share(batches: Batches, rank: int, count: int, *, sampler: str, exact: bool) -> Batches:
    """One process's share of every batch: B / W images.

    Images are dealt like cards, one by one, with ``pairs`` pair by pair, with ``blocks`` group by group. As shares are
    equal, up to W - 1 groups of a batch are cut in two with ``blocks``; no pair is.

    Args:
        batches: [n, B], the whole ones.
        rank: From 0.
        count: W, a divisor of B; with ``pairs`` of B / 2.
        sampler: That drew them.
        exact: Group ids are the whole batch's, so that sums over groups can be added up; otherwise the share's own.

    Returns:
        [n, B / W]; partners are always of the same share.
    """
    size = batches.rows.shape[1] // count
    chosen = _order(batches.group, count, sampler)[:, rank * size : (rank + 1) * size]
    rows, index, group, identity = (
        np.take_along_axis(part, chosen, axis=1)
        for part in (batches.rows, batches.index, batches.group, batches.identity)
    )
    partner = couples(group) if sampler == "pairs" else partners(group)
    if exact:
        return Batches(rows, index, group, batches.group_count, identity, partner)
    return Batches(rows, index, compact(group), min(batches.group_count, size), identity, partner)


def _order(group: np.ndarray, count: int, sampler: str) -> np.ndarray:
    """[n, B] positions in the order of the processes that get them."""
    place = np.arange(group.shape[1])
    if sampler == "blocks":
        hands = np.stack([_appearance(row) for row in group])
    else:
        hands = np.broadcast_to(place // 2 if sampler == "pairs" else place, group.shape)
    return np.argsort(hands % count * len(place) + hands, axis=1, kind="stable")


def _appearance(group: np.ndarray) -> np.ndarray:
    """[B] number of each image's group in the order in which they appear; a hidden image is a group of one."""
    alone = np.where(group < 0, -1 - np.arange(len(group)), group)
    _, first, number = np.unique(alone, return_index=True, return_inverse=True)
    return first.argsort().argsort()[number.reshape(-1)]
