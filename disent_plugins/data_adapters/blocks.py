"""Batches for data with many groups: a group's images in blocks of ten whenever possible (paper, CelebA).

A batch of B = 10 q + r images has q slots of ten and one of r (256 = 25 x 10 + 6). Whole tens of a group fill slots of
ten. What is left of a group beyond its tens, a chunk of 1 to 9, is put together with others to exactly ten or exactly
r: only the sizes matter for that, and they are the same in every epoch, so it is planned once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from disent_plugins.errors import UsageError

BLOCK = 10


class Blocks:
    """Arranges images in blocks.

    No ten and no chunk that was packed is split between batches. Where the slots cannot be filled so (few groups,
    or chunk sizes that do not add up) the remaining chunks, then surplus tens, are laid into the gaps one after the
    other and may be cut at a batch's edge.

    Args:
        key: [N] group of every image, 0..G-1.
        batch: B, at least 10.
        leftovers: ``pack``, ``loose`` (every leftover image is a chunk of its own) or ``drop`` (chunks are only used
            for the slots of r).

    Raises:
        UsageError: B is below 10, or ``drop`` leaves no batch.
    """

    def __init__(self, key: np.ndarray, batch: int, leftovers: str) -> None:
        if batch < BLOCK:
            why = f"A batch of {batch} has no room for a block of {BLOCK}."
            raise UsageError("The sampler 'blocks' needs a larger batch.", why, f"Try: --batch-size {BLOCK}")
        self.key, self.batch = key, batch
        self.tens_per_batch, self.rest_per_batch = divmod(batch, BLOCK)
        sizes = np.bincount(key)
        starts = np.cumsum(sizes) - sizes
        tens, left = np.divmod(sizes, BLOCK)
        self.ten_starts = BLOCK * (ranges(np.zeros_like(tens), tens)) + np.repeat(starts, tens)
        chunk_starts, chunk_sizes = starts + BLOCK * tens, left
        if leftovers == "loose":
            chunk_starts, chunk_sizes = ranges(chunk_starts, left), np.ones(left.sum(), np.int64)
        self.steps = len(key) // batch
        if leftovers == "drop":
            self.steps = min(self.steps, len(self.ten_starts) // self.tens_per_batch)
            if not self.steps:
                why = f"There are {len(self.ten_starts)} blocks of ten, a batch takes {self.tens_per_batch}."
                raise UsageError("Dropping leftovers leaves no batch.", why, "Try: leftovers=pack")
        self._plan(chunk_starts, chunk_sizes, pack_tens=leftovers != "drop")

    def _plan(self, starts: np.ndarray, sizes: np.ndarray, *, pack_tens: bool) -> None:
        """Decide which sizes are put together. ``sequence`` lists them: slots of r, slots of ten, what fits nowhere."""
        available = np.bincount(sizes, minlength=BLOCK)
        rests = _combine(available, self.rest_per_batch, self.steps) if self.rest_per_batch else []
        packed = _combine(available, BLOCK, len(starts)) if pack_tens else []
        self.sequence = np.array([*rests, *packed, *np.repeat(np.arange(BLOCK), available)[::-1]], np.int64)
        self.in_rests, self.in_packed = len(rests), len(packed)
        self.chunks = [starts[sizes == size] for size in range(BLOCK)]

    def __call__(self, random: np.random.Generator) -> np.ndarray:
        order = shuffled_by_key(self.key, random)
        rests, packed, spare = self._deal_chunks(random)
        tens = np.concatenate([self.ten_starts[:, None] + np.arange(BLOCK), packed])
        tens = random.permutation(tens)
        return order[random.permutation(self._lay_out(tens, random.permutation(rests), spare))]

    def _deal_chunks(self, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Positions of this epoch's slots of r [., r], packed slots of ten [., 10] and spare images [.]."""
        starts = np.empty_like(self.sequence)
        for size, chunks in enumerate(self.chunks):
            starts[self.sequence == size] = random.permutation(chunks)
        a, b = self.in_rests, self.in_rests + self.in_packed
        rests, packed, spare = (
            ranges(starts[part], self.sequence[part]) for part in (slice(0, a), slice(a, b), slice(b, None))
        )
        return rests.reshape(-1, max(self.rest_per_batch, 1)), packed.reshape(-1, BLOCK), spare

    def _lay_out(self, tens: np.ndarray, rests: np.ndarray, spare: np.ndarray) -> np.ndarray:
        """[steps, B]: slots of ten, then the slot of r, then gaps that take the spare images and surplus slots."""
        row, column = np.arange(self.steps)[:, None], np.arange(self.batch)
        q, r = self.tens_per_batch, self.rest_per_batch
        tens_here = BLOCK * np.clip(len(tens) - q * row, 0, q)
        rest_here = r * (row < len(rests))
        in_tens = column < tens_here
        in_rest = ~in_tens & (column < tens_here + rest_here)
        gaps = ~(in_tens | in_rest)
        used_tens, used_rests = in_tens.sum() // BLOCK, in_rest.sum()
        spare = np.concatenate([spare, tens[used_tens:].ravel(), rests.ravel()[used_rests:]])
        batches = np.empty((self.steps, self.batch), np.int64)
        batches[in_tens], batches[in_rest] = tens[:used_tens].ravel(), rests.ravel()[:used_rests]
        batches[gaps] = spare[: gaps.sum()]
        return batches


def shuffled_by_key(key: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Positions ordered by key, in random order within a key."""
    shuffled = random.permutation(len(key))
    return shuffled[np.argsort(key[shuffled], kind="stable")]


def ranges(starts: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """``start, start + 1, ...``, ``size`` of them, for every start, one after the other."""
    ends = np.cumsum(sizes)
    return np.repeat(starts - ends + sizes, sizes) + np.arange(ends[-1] if len(ends) else 0)


def _combine(available: np.ndarray, total: int, limit: int) -> list[int]:
    """Put chunk sizes together so that each combination adds up to ``total``; ``available`` [10] is used up.

    Large chunks first, for small ones fit anywhere.

    Returns:
        The sizes, combination after combination; at most ``limit`` combinations.
    """
    sequence: list[int] = []
    for pattern in _partitions(total, BLOCK - 1):
        needed = Counter(pattern)
        times = min([limit, *(available[size] // count for size, count in needed.items())])
        for size, count in needed.items():
            available[size] -= times * count
        sequence += pattern * int(times)
        limit -= times
    return sequence


def _partitions(total: int, largest: int) -> Iterator[list[int]]:
    """All ways to write ``total`` as a descending sum of parts up to ``largest``, the largest parts first."""
    if not total:
        yield []
    for part in range(min(total, largest), 0, -1):
        for rest in _partitions(total - part, part):
            yield [part, *rest]
