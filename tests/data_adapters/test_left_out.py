"""Which images an epoch leaves out: over many epochs none more often than another, whatever its group."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from disent_plugins.data_adapters.left_out import Units
from disent_plugins.data_adapters.samplers import _hidden, make_sampler

EPOCHS = 200
RARE = 1e-4
"""Probability that a right sampler fails a test, all its comparisons together; the seeds are fixed."""

SIZES = {
    "small class": np.repeat([100, 3], [25, 1]),
    "many sizes": np.random.default_rng(1).integers(1, 36, 60),
    "few large": np.array([400, 371, 5]),
    "odd": np.repeat([3, 1, 7, 9], [90, 90, 40, 40]),
}


def labels_of(sizes: np.ndarray) -> np.ndarray:
    return np.random.default_rng(2).permutation(np.repeat(np.arange(len(sizes)), sizes))


def uses(sampler, count: int) -> np.ndarray:
    """[N] in how many of ``EPOCHS`` epochs an image occurs."""
    found = np.zeros(count, np.int64)
    for epoch in range(EPOCHS):
        index = sampler.epoch(epoch).index
        assert index.shape[0] == sampler.steps
        once = np.bincount(index.ravel(), minlength=count)
        assert once.max() == 1
        found += once
    return found


def assert_chance(found: np.ndarray, chance: np.ndarray, kind: np.ndarray) -> None:
    """No image's count is out of the ordinary, nor that of all images of a kind (their group's size, seen or hidden).

    An image's count is binomial. The images of a unit, at most ten, are left out together, and units next to each other
    as well, so the variance of a sum is at most about ten times that of independent counts where units are alike.
    """
    likely = np.minimum(binom.cdf(found, EPOCHS, chance), binom.sf(found - 1, EPOCHS, chance))
    assert likely.min() > RARE / 2 / len(found)
    for number in np.unique(kind):
        mine = kind == number
        deviation = np.sqrt(10 * EPOCHS * (chance * (1 - chance))[mine].sum())
        assert abs((found - EPOCHS * chance)[mine].sum()) <= 4 * deviation + 1e-6


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("batch", [32, 250])
@pytest.mark.parametrize("visible", [1.0, 0.5])
@pytest.mark.parametrize(
    ("name", "leftovers"), [("random", "pack"), ("blocks", "pack"), ("blocks", "loose"), ("pairs", "pack")]
)
def test_every_image_has_the_same_chance(name, leftovers, visible, batch, sizes):
    labels = labels_of(SIZES[sizes])
    sampler = make_sampler(
        name, np.arange(len(labels)), labels, batch_size=batch, seed=3, visible=visible, leftovers=leftovers
    )
    assert sampler.steps == len(labels) // batch
    shown = np.zeros(len(labels), np.int64)
    batches = sampler.epoch(0)
    shown[batches.index] = batches.group >= 0
    chance = np.full(len(labels), sampler.steps * batch / len(labels))
    assert_chance(uses(sampler, len(labels)), chance, SIZES[sizes][labels] * 2 + shown)


@pytest.mark.parametrize("visible", [1.0, 0.5])
@pytest.mark.parametrize(("sizes", "batch"), [("many sizes", 37), ("many sizes", 250), ("few large", 64), ("odd", 36)])
def test_drop_gives_all_tens_the_same_chance_and_all_leftovers(sizes, batch, visible):
    labels = labels_of(np.concatenate([SIZES[sizes], [40, 30]]))
    rows = np.arange(len(labels))
    sampler = make_sampler("blocks", rows, labels, batch_size=batch, seed=3, visible=visible, leftovers="drop")
    hidden = _hidden(len(labels), 3, visible)
    size = np.bincount(labels[~hidden], minlength=labels.max() + 1)[labels]
    in_tens = np.where(hidden, 1.0, size // 10 * 10 / np.maximum(size, 1))  # share of its epochs in whole tens
    tens, left = in_tens.sum(), (1 - in_tens).sum()
    assert sampler.steps == min(len(labels) // batch, round(tens) // (batch // 10 * 10))
    used_left = min(left, sampler.steps * (batch % 10))
    used_tens = sampler.steps * batch - used_left
    chance = in_tens * used_tens / tens + (1 - in_tens) * used_left / max(left, 1)
    assert_chance(uses(sampler, len(labels)), chance, np.where(hidden, -1, size))


def test_a_class_of_three_is_in_whole_blocks():
    """25 classes of 100 and one of 3 in batches of 250: the three take the place of others, and all else is whole."""
    labels = np.repeat(np.arange(26), [100] * 25 + [3])
    sampler = make_sampler("blocks", np.arange(len(labels)), labels, batch_size=250, seed=0)
    for epoch in range(20):
        counts = [np.bincount(labels[batch], minlength=26) for batch in sampler.epoch(epoch).index]
        assert sum((count % 10 > 0).sum() for count in counts) <= 3
        assert np.sum(counts, axis=0)[25] in (0, 1, 2, 3)


def test_packed_slots_are_cut_before_tens():
    """Fives add up to tens and not to the slot of 6, so slots of ten must be cut for it: those made of two fives."""
    labels = np.repeat(np.arange(80), [10, 5] * 40)
    sampler = make_sampler("blocks", np.arange(len(labels)), labels, batch_size=36, seed=0)
    for epoch in range(20):
        counts = np.array([np.bincount(labels[batch], minlength=80)[::2] for batch in sampler.epoch(epoch).index])
        complete = counts.sum(axis=0) == 10
        assert complete.sum() >= 36
        assert (counts.max(axis=0) == 10)[complete].all()


def test_a_window_cuts_no_unit_but_at_its_ends():
    group = np.repeat(np.arange(50), 4)
    units = Units(group, np.full(200, 10), 50, 173)
    random = np.random.default_rng(0)
    for _ in range(100):
        used = units.used(random)
        assert used.sum() == 2000 - 173
        assert (used % 10 > 0).sum() <= 2
    assert (Units(group, np.full(200, 10), 50, 0).used(random) == 40).all()
