"""Samplers: which images make up which batch of an epoch, and who shares a group. Knows no images and no models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from disent_plugins.content import has_value
from disent_plugins.data_adapters.blocks import Blocks, ranges, shuffled_by_key
from disent_plugins.data_adapters.left_out import Units
from disent_plugins.data_adapters.partners import couples, partners
from disent_plugins.errors import UsageError, suggestion

SAMPLERS = ("random", "blocks", "pairs")
LEFTOVERS = ("pack", "loose", "drop")
_VISIBLE_STREAM = 1 << 32  # no epoch has this number, so the choice of visible images has a stream of its own


@dataclass(frozen=True)
class Batches:
    """An epoch of n batches of B images.

    Attributes:
        rows: [n, B] int64, positions in the data set.
        index: [n, B] int64, positions among the N images that the sampler draws from.
        group: [n, B] int64, compact ids 0..group_count-1: same id, same label; -1 where the group is hidden.
        group_count: Upper bound of the ids, the same in every epoch.
        identity: [n, B] int64, number of the label among all labels, the same in every batch; -1 where it is hidden.
        partner: [n, B] int64, position in the batch of another image of the same group; its own where there is none.
    """

    rows: np.ndarray
    index: np.ndarray
    group: np.ndarray
    group_count: int
    identity: np.ndarray
    partner: np.ndarray


class Sampler(Protocol):
    """Yields the batches of any epoch; the same seed and epoch give the same batches.

    Attributes:
        group_count: Upper bound of the group ids.
        steps: Batches per epoch.
    """

    group_count: int
    steps: int

    def epoch(self, epoch: int) -> Batches:
        """The batches of an epoch."""


def make_sampler(
    name: str,
    rows: np.ndarray,
    labels: np.ndarray,
    *,
    batch_size: int,
    seed: int,
    visible: float = 1.0,
    leftovers: str = "pack",
) -> Sampler:
    """Make a sampler.

    Args:
        name: ``random``: shuffled without replacement. ``blocks``: a group's images in tens whenever possible, for
            data with many groups. ``pairs``: two images of one group whenever possible; in every batch the pairs come
            first, at (0, 1), (2, 3)..., then images that have no partner in this epoch.
        rows: [N] positions of the training images in the data set.
        labels: [N] their content factor; -1 where it is not known, which hides the group.
        batch_size: B. Every batch has exactly B images; what does not fill a batch is left out of that epoch. Over the
            epochs all images have the same chance; under ``leftovers="drop"``, all tens and all leftovers have.
        seed: Batches derive from (seed, epoch).
        visible: Share in [0, 1] of the images whose group is known, drawn once per seed; the others have group -1.
            A hidden image is placed without a look at its label: a group of one, which ``drop`` does not leave out.
        leftovers: What ``blocks`` does with a group's images beyond its last ten: ``pack`` keeps them together,
            ``loose`` scatters them, ``drop`` uses only as many as fill up the batches beside tens and hidden images.

    Raises:
        UsageError: An unknown name, a share outside [0, 1], or too few images for one batch.
    """
    if name not in SAMPLERS:
        raise UsageError(f"There is no sampler '{name}'.", suggestion(name, SAMPLERS))
    if leftovers not in LEFTOVERS:
        raise UsageError(f"There is no leftover policy '{leftovers}'.", suggestion(leftovers, LEFTOVERS))
    if not 0 <= visible <= 1:
        raise UsageError(f"A visible share of {visible} is out of bounds.", "It takes a number >= 0 and <= 1.")
    if batch_size < 1:
        raise UsageError(f"A batch size of {batch_size} is out of bounds.", "It takes a whole number >= 1.")
    if batch_size > len(rows):
        raise UsageError(
            f"A batch of {batch_size} images cannot be drawn from {len(rows)}.",
            "An epoch uses every training image at most once.",
            f"Choose a smaller batch: --batch-size {max(len(rows), 1)}",
        )
    known = has_value(labels)
    hidden = _hidden(len(rows), seed, visible) | ~known
    label = np.zeros(len(rows), np.int64)
    label[known] = np.unique(labels[known], return_inverse=True)[1].reshape(-1)
    # A hidden image is a group of its own, so that no arrangement can depend on its label.
    key = np.where(hidden, label.max() + 1 + np.arange(len(rows)), label)
    key = np.unique(key, return_inverse=True)[1].reshape(-1)
    arrangement: _Arrangement
    if name == "random":
        arrangement = Random(len(rows), batch_size)
    elif name == "blocks":
        arrangement = Blocks(key, batch_size, leftovers, hidden)
    else:
        arrangement = Pairs(key, batch_size)
    return _Sampler(np.asarray(rows, np.int64), label, hidden, batch_size, seed, arrangement)


class _Arrangement(Protocol):
    steps: int

    def __call__(self, random: np.random.Generator) -> np.ndarray:
        """[steps, B] positions among the training images."""


class _Sampler:
    """An arrangement with its seeds and groups."""

    def __init__(
        self, rows: np.ndarray, label: np.ndarray, hidden: np.ndarray, batch: int, seed: int, arrange: _Arrangement
    ) -> None:
        classes = int(label.max()) + 1
        self.rows, self.seed, self.arrange, self.steps = rows, seed, arrange, arrange.steps
        self.label = np.where(hidden, -1, label)
        self.group_count = min(classes, batch)
        self._ids: Callable[[np.ndarray], np.ndarray] = (lambda label: label) if classes <= batch else compact

    def epoch(self, epoch: int) -> Batches:
        """The batches of an epoch, from the stream (seed, epoch)."""
        chosen = self.arrange(np.random.default_rng([self.seed, epoch]))
        identity = self.label[chosen]
        group = self._ids(identity)
        # Two that were drawn as a pair are each other's partner; elsewhere a group stands in a circle.
        partner = couples(group) if isinstance(self.arrange, Pairs) else partners(group)
        return Batches(self.rows[chosen], chosen, group, self.group_count, identity, partner)


class Random:
    """All images shuffled, cut into batches."""

    def __init__(self, count: int, batch: int) -> None:
        self.count, self.batch, self.steps = count, batch, count // batch

    def __call__(self, random: np.random.Generator) -> np.ndarray:
        return random.permutation(self.count)[: self.steps * self.batch].reshape(self.steps, self.batch)


class Pairs:
    """Every group's images shuffled and paired; each batch has its share of the pairs and of the images without one.

    In a batch the pairs come first, at (0, 1), (2, 3) and so on, and their number differs by at most one from batch to
    batch. After them come the images that have no partner in this epoch: the odd one out of a group, groups of one and
    hidden images. Which images an epoch leaves out is drawn (see ``left_out``), so that all have the same chance.

    Raises:
        UsageError: B is odd, or there are too few pairs for one in every batch.
    """

    def __init__(self, key: np.ndarray, batch: int) -> None:
        if batch % 2:
            why = f"{batch} is odd."
            raise UsageError("The sampler 'pairs' needs an even batch size.", why, f"Try: --batch-size {batch + 1}")
        sizes = np.bincount(key)
        pairs, odd = np.divmod(sizes, 2)
        self.key, self.batch, self.steps = key, batch, len(key) // batch
        self.starts = np.cumsum(sizes) - sizes
        left_out = len(key) - self.steps * batch
        # A window of L places touches L/2 + 1 pairs at most, so that many may be missing in an epoch.
        if pairs.sum() - min(left_out, left_out // 2 + 1) < self.steps:
            why = f"The training images give {pairs.sum()} pairs of one known group for {self.steps} batches."
            raise UsageError("There are too few pairs for one in every batch.", why, "Try: --sampler random")
        group = np.concatenate([np.repeat(np.arange(len(sizes)), pairs), np.flatnonzero(odd)])
        size = np.repeat([2, 1], [pairs.sum(), odd.sum()])
        self.units = Units(group, size, len(sizes), left_out)

    def __call__(self, random: np.random.Generator) -> np.ndarray:
        order = shuffled_by_key(self.key, random)
        used = self.units.used(random)
        first = random.permutation(ranges(self.starts, used // 2, step=2))
        alone = random.permutation((self.starts + used - 1)[used % 2 == 1])
        pairs = np.concatenate([np.stack([first, first + 1], axis=1), alone.reshape(-1, 2)])
        # Dealt out like cards, a pair to every batch and again from the first one.
        dealt = pairs.reshape(self.batch // 2, self.steps, 2).swapaxes(0, 1)
        return order[random.permutation(dealt.reshape(self.steps, self.batch))]


def compact(label: np.ndarray) -> np.ndarray:
    """[n, B] labels, -1 hidden -> ids that count the distinct labels of each row from 0, -1 kept."""
    order = np.argsort(label, axis=1, kind="stable")
    ascending = np.take_along_axis(label, order, axis=1)
    rank = np.zeros_like(ascending)
    np.cumsum(ascending[:, 1:] != ascending[:, :-1], axis=1, out=rank[:, 1:])
    rank -= ascending[:, :1] < 0  # hidden ones sort first: they become -1
    ids = np.empty_like(label)
    np.put_along_axis(ids, order, rank, axis=1)
    return ids


def _hidden(count: int, seed: int, visible: float) -> np.ndarray:
    hidden = np.ones(count, bool)
    order = np.random.default_rng([seed, _VISIBLE_STREAM]).permutation(count)
    hidden[order[: round(visible * count)]] = False
    return hidden
