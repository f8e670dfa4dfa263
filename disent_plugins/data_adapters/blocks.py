"""Batches for data with many groups: a group's images in blocks of ten whenever possible (paper, CelebA).

A batch of B = 10 q + r images has q slots of ten and one of r (256 = 25 x 10 + 6). Whole tens of a group fill slots of
ten. What is left of a group beyond its tens, a chunk of 1 to 9, is put together with others to exactly r or exactly
ten; only the sizes matter for that.
"""

from __future__ import annotations

from collections import Counter
from functools import cache

import numpy as np

from disent_plugins.data_adapters.left_out import Units
from disent_plugins.errors import UsageError

BLOCK = 10


class Blocks:
    """Arranges images in blocks.

    Which images an epoch leaves out is drawn (see ``left_out``), so that all have the same chance; one of the tens or
    chunks may be shortened at each end of what is left out. No ten and no chunk that was packed is split between
    batches. Where the slots cannot be filled so (few groups, or chunk sizes that do not add up) the remaining chunks,
    then packed slots, then tens are laid into the gaps one after the other and may be cut at a batch's edge.

    Args:
        key: [N] group of every image, 0..G-1.
        batch: B, at least 10.
        leftovers: ``pack``, ``loose`` (every leftover image is a chunk of its own) or ``drop`` (of the chunks only as
            many images are used as the slots of r take). Tens have the same chance under ``drop``, and so have chunks.
        alone: [N] images without a known group, each with a key of its own; ``drop`` spares them.

    Raises:
        UsageError: B is below 10, or ``drop`` leaves no batch.
    """

    def __init__(self, key: np.ndarray, batch: int, leftovers: str, alone: np.ndarray) -> None:
        if batch < BLOCK:
            why = f"A batch of {batch} has no room for a block of {BLOCK}."
            raise UsageError("The sampler 'blocks' needs a larger batch.", why, f"Try: --batch-size {BLOCK}")
        self.key, self.batch, self.loose = key, batch, leftovers == "loose"
        self.tens_per_batch, self.rest_per_batch = divmod(batch, BLOCK)
        sizes = np.bincount(key)
        self.starts = np.cumsum(sizes) - sizes
        tens, left = np.divmod(sizes, BLOCK)
        group = np.concatenate([np.repeat(np.arange(len(sizes)), tens), np.flatnonzero(left)])
        size = np.concatenate([np.full(tens.sum(), BLOCK), left[left > 0]])
        droppable, steps = np.zeros(len(size), bool), len(key) // batch
        if leftovers == "drop":
            droppable = (size < BLOCK) & ~np.isin(group, key[alone])
            steps = min(steps, int(size[~droppable].sum()) // (BLOCK * self.tens_per_batch))
            if not steps:
                why = f"There are {tens.sum()} blocks of ten, a batch takes {self.tens_per_batch}."
                raise UsageError("Dropping leftovers leaves no batch.", why, "Try: leftovers=pack")
        self.steps = steps
        dropped = max(int(size[droppable].sum()) - steps * self.rest_per_batch, 0)
        surplus = len(key) - steps * batch - dropped
        self.units = [
            Units(group[part], size[part], len(sizes), left_out)
            for part, left_out in ((~droppable, surplus), (droppable, dropped))
        ]

    def __call__(self, random: np.random.Generator) -> np.ndarray:
        order = shuffled_by_key(self.key, random)
        tens, left = np.divmod(sum(units.used(random) for units in self.units), BLOCK)
        ten_starts = ranges(self.starts, tens, step=BLOCK)
        starts, sizes = (self.starts + BLOCK * tens)[left > 0], left[left > 0]
        if self.loose:
            starts, sizes = ranges(starts, sizes), np.ones(sizes.sum(), np.int64)
        rests, packed, spare = self._deal_chunks(starts, sizes, random)
        whole = random.permutation(ten_starts)[:, None] + np.arange(BLOCK)
        return order[random.permutation(self._lay_out(np.concatenate([whole, packed]), rests, spare, random))]

    def _deal_chunks(
        self, starts: np.ndarray, sizes: np.ndarray, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Put the chunks at ``starts`` together: slots of r [., r] and of ten [., 10], spare images [.]."""
        available = np.bincount(sizes, minlength=BLOCK)
        rests = _combine(available, self.rest_per_batch, self.steps)
        packed = _combine(available, BLOCK, len(sizes))
        spare = np.repeat(np.arange(BLOCK, dtype=np.uint8), available)[::-1]
        sequence = np.concatenate([rests, packed, spare])
        shuffle = random.permutation(len(sizes))
        placed = np.empty_like(starts)  # every place in the sequence takes a random one of the chunks of its size
        placed[np.argsort(sequence, kind="stable")] = starts[shuffle][
            np.argsort(sizes[shuffle].astype(np.uint8), kind="stable")
        ]
        positions = ranges(placed, sequence.astype(np.int64))
        a, b = (int(part.sum(dtype=np.int64)) for part in (rests, packed))
        return (
            random.permutation(positions[:a].reshape(-1, max(self.rest_per_batch, 1))),
            random.permutation(positions[a : a + b].reshape(-1, BLOCK)),
            positions[a + b :],
        )

    def _lay_out(
        self, tens: np.ndarray, rests: np.ndarray, spare: np.ndarray, random: np.random.Generator
    ) -> np.ndarray:
        """[steps, B]: slots of ten, then the slot of r, then gaps that take the spare images and surplus slots."""
        row, column = np.arange(self.steps)[:, None], np.arange(self.batch)
        q, r = self.tens_per_batch, self.rest_per_batch
        surplus = tens[q * self.steps :]
        tens = random.permutation(tens[: q * self.steps])
        tens_here = BLOCK * np.clip(len(tens) - q * row, 0, q)
        rest_here = r * (row < len(rests))
        in_tens = column < tens_here
        in_rest = ~in_tens & (column < tens_here + rest_here)
        batches = np.empty((self.steps, self.batch), np.int64)
        batches[in_tens], batches[in_rest] = tens.ravel(), rests.ravel()
        batches[~(in_tens | in_rest)] = np.concatenate([spare, surplus.ravel()])
        return batches


def shuffled_by_key(key: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Positions ordered by key, in random order within a key."""
    shuffled = random.permutation(len(key))
    return shuffled[np.argsort(key[shuffled], kind="stable")]


def ranges(starts: np.ndarray, sizes: np.ndarray, step: int = 1) -> np.ndarray:
    """``start, start + step, ...``, ``size`` of them, for every start, one after the other."""
    ends = np.cumsum(sizes)
    return np.repeat(starts - step * (ends - sizes), sizes) + step * np.arange(ends[-1] if len(ends) else 0)


def _combine(available: np.ndarray, total: int, limit: int) -> np.ndarray:
    """Put chunk sizes together so that each combination adds up to ``total``; ``available`` [10] is used up.

    Large chunks first, for small ones fit anywhere.

    Returns:
        The sizes, combination after combination, uint8; at most ``limit`` combinations.
    """
    sequence = [np.empty(0, np.uint8)]
    for pattern in _partitions(total, BLOCK - 1):
        needed = Counter(pattern)
        times = min([limit, *(available[size] // count for size, count in needed.items())])
        for size, count in needed.items():
            available[size] -= times * count
        sequence.append(np.tile(np.array(pattern, np.uint8), times))
        limit -= times
    return np.concatenate(sequence)


@cache
def _partitions(total: int, largest: int) -> tuple[tuple[int, ...], ...]:
    """All ways to write ``total`` as a descending sum of parts up to ``largest``, the largest parts first.

    >>> _partitions(4, 3)
    ((3, 1), (2, 2), (2, 1, 1), (1, 1, 1, 1))
    """
    if not total:
        return ((),)
    parts = range(min(total, largest), 0, -1)
    return tuple((part, *rest) for part in parts for rest in _partitions(total - part, part))
