"""Samplers: every image at most once, groups whole, ids compact, everything seeded."""

from __future__ import annotations

import numpy as np
import pytest

from disent_plugins.data_adapters.blocks import _combine, ranges
from disent_plugins.data_adapters.samplers import compact, make_sampler
from disent_plugins.errors import UsageError

NAMES = ("random", "blocks", "pairs")


def many_groups(groups: int = 900, low: int = 5, high: int = 36):
    """Rows, labels and row -> label of a CelebA-like training set: labels with gaps, rows shuffled with gaps."""
    random = np.random.default_rng(0)
    labels = np.repeat(3 * np.arange(groups) + 11, random.integers(low, high, groups))
    rows = random.permutation(2 * len(labels))[: len(labels)]
    return rows, labels, dict(zip(rows.tolist(), labels.tolist(), strict=True))


def labels_of(batches, label_of) -> np.ndarray:
    return np.vectorize(label_of.__getitem__)(batches.rows)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("leftovers", ["pack", "loose", "drop"])
def test_every_image_at_most_once(name, leftovers):
    rows, labels, _ = many_groups()
    sampler = make_sampler(name, rows, labels, batch_size=256, seed=1, leftovers=leftovers)
    batches = sampler.epoch(0)
    assert batches.rows.shape == batches.group.shape == (sampler.steps, 256)
    assert batches.rows.dtype == batches.group.dtype == np.int64
    seen, times = np.unique(batches.rows, return_counts=True)
    assert times.max() == 1
    assert np.isin(seen, rows).all()
    if name != "blocks" or leftovers != "drop":
        assert sampler.steps == len(rows) // 256  # all but the incomplete last batch


@pytest.mark.parametrize("name", NAMES)
def test_same_seed_same_batches(name):
    rows, labels, _ = many_groups()
    batches = [
        make_sampler(name, rows, labels, batch_size=64, seed=seed).epoch(epoch)
        for seed, epoch in ((1, 0), (1, 0), (1, 1), (2, 0))
    ]
    assert (batches[0].rows == batches[1].rows).all()
    assert (batches[0].group == batches[1].group).all()
    assert (batches[0].rows != batches[2].rows).mean() > 0.9
    assert (batches[0].rows != batches[3].rows).mean() > 0.9


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("visible", [1.0, 0.5])
def test_ids_are_compact_and_stand_for_labels(name, visible):
    rows, labels, label_of = many_groups()
    sampler = make_sampler(name, rows, labels, batch_size=64, seed=1, visible=visible)
    batches = sampler.epoch(3)
    assert sampler.group_count == batches.group_count == 64
    for index, group in zip(batches.rows, batches.group, strict=True):
        known = group >= 0
        wanted = np.unique([label_of[row] for row in index[known].tolist()], return_inverse=True)[1]
        assert (group[known] == wanted).all()
        assert (group[~known] == -1).all()


@pytest.mark.parametrize("name", NAMES)
def test_few_classes_keep_their_ids(name):
    labels = np.repeat([4, 2, 9], 40)
    sampler = make_sampler(name, np.arange(120), labels, batch_size=20, seed=0)
    assert sampler.group_count == 3
    batches = sampler.epoch(0)
    assert (batches.group == np.searchsorted([2, 4, 9], labels[batches.rows])).all()


def test_compact_against_unique():
    labels = np.random.default_rng(0).integers(-1, 6, (200, 8))
    ids = compact(labels)
    for row, found in zip(labels, ids, strict=True):
        known = row >= 0
        assert (found[known] == np.unique(row[known], return_inverse=True)[1]).all()
        assert (found[~known] == -1).all()


# Visible groups


@pytest.mark.parametrize("name", NAMES)
def test_the_visible_share_is_fixed(name):
    rows, labels, _ = many_groups()
    sampler = make_sampler(name, rows, labels, batch_size=64, seed=5, visible=0.1)
    shown = []
    for epoch in range(3):
        batches = sampler.epoch(epoch)
        shown.append(set(batches.rows[batches.group >= 0].tolist()))
        hidden = set(batches.rows[batches.group < 0].tolist())
        assert not any(hidden & other for other in shown)
    assert len(set.union(*shown)) <= round(0.1 * len(rows))
    assert len(set.union(*shown)) >= round(0.1 * len(rows)) - 64
    other = make_sampler(name, rows, labels, batch_size=64, seed=6, visible=0.1).epoch(0)
    assert set(other.rows[other.group >= 0].tolist()) != shown[0]


def test_no_group_visible_at_all():
    assert (
        make_sampler("random", np.arange(9), np.arange(9), batch_size=3, seed=0, visible=0).epoch(0).group == -1
    ).all()


def test_blocks_do_not_betray_hidden_groups():
    """With every group hidden the batches are the same whatever the labels are."""
    rows, labels, _ = many_groups()
    one, other = (
        make_sampler("blocks", rows, given, batch_size=64, seed=0, visible=0).epoch(0)
        for given in (labels, np.random.default_rng(1).permutation(labels))
    )
    assert (one.rows == other.rows).all()


# Pairs


@pytest.mark.parametrize("visible", [1.0, 0.5])
def test_pairs_come_first_and_share_their_label(visible):
    """After them come images that have no partner: odd ones out, groups of one and hidden images."""
    rows, labels, label_of = many_groups(low=1, high=8)
    sampler = make_sampler("pairs", rows, labels, batch_size=32, seed=0, visible=visible)
    shown = []
    for epoch in range(2):
        batches = sampler.epoch(epoch)
        label = np.where(batches.group >= 0, labels_of(batches, label_of), -1)
        two = label.reshape(-1, 16, 2)
        paired = (two[..., 0] == two[..., 1]) & (two[..., 0] >= 0)
        count = paired.sum(axis=1)
        assert (paired == (np.arange(16) < count[:, None])).all()
        assert count.min() > 0
        assert np.ptp(count) <= 1  # every batch has its share of the pairs
        assert paired.sum() == (np.unique(label[label >= 0], return_counts=True)[1] // 2).sum()
        shown.append(set(map(frozenset, batches.rows.reshape(-1, 2)[paired.ravel()].tolist())))
    assert shown[0] != shown[1]


# Blocks


def chunks_of(labels: np.ndarray) -> list[int]:
    """Sizes of a batch's groups."""
    return np.unique(labels, return_counts=True)[1].tolist()


def test_blocks_are_whole():
    """Counted over the epoch: of every group all its tens are whole, and nearly all leftovers are in one batch."""
    rows, labels, label_of = many_groups()
    batches = make_sampler("blocks", rows, labels, batch_size=256, seed=0).epoch(0)
    parts: dict[int, list[int]] = {}
    for batch in labels_of(batches, label_of):
        for label, count in zip(*np.unique(batch, return_counts=True), strict=True):
            parts.setdefault(int(label), []).append(int(count))
    sizes = dict(zip(*np.unique(labels, return_counts=True), strict=True))
    complete = [label for label in parts if sum(parts[label]) == sizes[label]]
    whole = [sum(count // 10 for count in parts[label]) >= sizes[label] // 10 for label in complete]
    assert all(whole)
    together = [len([count for count in parts[label] if count % 10]) <= 1 for label in complete]
    assert np.mean(together) > 0.97
    assert len(complete) > 0.95 * len(sizes)


def test_blocks_batches_are_alike():
    rows, labels, label_of = many_groups()
    batches = make_sampler("blocks", rows, labels, batch_size=256, seed=0).epoch(0)
    groups = [len(chunks_of(batch)) for batch in labels_of(batches, label_of)]
    singles = [chunks_of(batch).count(1) for batch in labels_of(batches, label_of)]
    assert min(groups) >= 26
    assert max(groups) < 70  # a plain shuffle has 220
    assert np.mean(singles) / 256 < 0.02  # a plain shuffle: 75 %


def test_loose_leftovers_are_scattered_and_drop_leaves_them_out():
    rows, labels, label_of = many_groups()
    groups = {}
    for leftovers in ("pack", "loose", "drop"):
        sampler = make_sampler("blocks", rows, labels, batch_size=256, seed=0, leftovers=leftovers)
        groups[leftovers] = np.mean([len(chunks_of(batch)) for batch in labels_of(sampler.epoch(0), label_of)])
    assert groups["drop"] < groups["pack"] < groups["loose"] / 2
    tens = (np.unique(labels, return_counts=True)[1] // 10).sum()
    assert sampler.steps == tens // 25
    assert groups["drop"] < 28


def test_drop_keeps_hidden_images():
    """A hidden image is no leftover: of 900 groups with a tenth visible, no ten is left and yet nearly all are used."""
    rows, labels, _ = many_groups()
    sampler = make_sampler("blocks", rows, labels, batch_size=256, seed=0, visible=0.1, leftovers="drop")
    batches = sampler.epoch(0)
    hidden = len(rows) - round(0.1 * len(rows))
    assert (batches.group < 0).sum() > hidden - 256
    assert sampler.steps >= hidden // 256


def test_blocks_of_a_few_large_groups():
    """Hardly any leftovers: tens that cannot be whole are cut, and still every image comes once."""
    labels = np.repeat(np.arange(10), 500)
    sampler = make_sampler("blocks", np.arange(5000), labels, batch_size=256, seed=0)
    batches = sampler.epoch(0)
    assert sampler.steps == 19
    assert len(np.unique(batches.rows)) == 19 * 256
    assert np.mean([sum(count // 10 for count in chunks_of(labels[batch])) for batch in batches.rows]) >= 23


@pytest.mark.parametrize("batch", [10, 20, 37, 256])
@pytest.mark.parametrize("size", [1, 2, 7, 9, 10, 19, 25])
def test_blocks_of_equal_groups(batch, size):
    labels = np.repeat(np.arange(260), size)
    batches = make_sampler("blocks", np.arange(len(labels)), labels, batch_size=batch, seed=0).epoch(1)
    assert len(np.unique(batches.rows)) == batches.rows.size == len(labels) // batch * batch


def test_combine_uses_each_chunk_once():
    available = np.array([0, 5, 4, 3, 9, 2, 8, 1, 6, 7])
    before = available.copy()
    sequence = _combine(available, 10, 100)
    assert (np.bincount(sequence, minlength=10) + available == before).all()
    assert (available >= 0).all()
    ends = np.cumsum(sequence, dtype=np.int64)
    assert np.isin(np.arange(10, ends[-1] + 1, 10), ends).all()
    assert _combine(np.array([0, 100] + [0] * 8), 6, 3).tolist() == [1] * 18


def test_ranges():
    assert ranges(np.array([5, 0, 9]), np.array([2, 0, 3])).tolist() == [5, 6, 9, 10, 11]
    assert ranges(np.array([5, 0, 9]), np.array([2, 0, 3]), step=4).tolist() == [5, 9, 9, 13, 17]


# The statistics that METHOD predicts


def test_cars3d_batches_have_the_predicted_groups():
    """160 models of 96 images, batches of 256: 128.9 groups, 20.6 % of the images alone in theirs."""
    sampler = make_sampler("random", np.arange(15360), np.repeat(np.arange(160), 96), batch_size=256, seed=0)
    groups, alone = [], []
    for epoch in range(4):
        for group in sampler.epoch(epoch).group:
            counts = np.unique(group, return_counts=True)[1]
            groups.append(len(counts))
            alone.append((counts == 1).sum() / 256)
    assert np.mean(groups) == pytest.approx(128.9, abs=0.6)
    assert np.mean(alone) == pytest.approx(0.206, abs=0.004)


def test_semi_supervised_mnist_has_the_predicted_groups():
    """50,000 images of ten digits, batches of 512, a tenth visible: 51 images in 9.95 groups."""
    sampler = make_sampler("random", np.arange(50000), np.arange(50000) % 10, batch_size=512, seed=0, visible=0.1)
    group = np.concatenate([sampler.epoch(epoch).group for epoch in range(6)])
    assert (group >= 0).sum(axis=1).mean() == pytest.approx(51.2, abs=0.5)
    assert np.mean([len(np.unique(row[row >= 0])) for row in group]) == pytest.approx(9.95, abs=0.03)


# Bad requests


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"name": "blocs"}, "Did you mean 'blocks'"),
        ({"leftovers": "dropp"}, "Did you mean 'drop'"),
        ({"visible": 1.5}, "out of bounds"),
        ({"visible": float("nan")}, "out of bounds"),
        ({"batch_size": 0}, "out of bounds"),
        ({"batch_size": 31}, "A batch of 31 images cannot be drawn from 30"),
        ({"rows": np.arange(0), "labels": np.arange(0)}, "cannot be drawn from 0"),
        ({"name": "pairs", "batch_size": 7}, "even"),
        ({"name": "pairs", "batch_size": 2, "labels": np.arange(30)}, "too few pairs"),
        ({"name": "blocks", "batch_size": 9}, "larger batch"),
        ({"name": "blocks", "batch_size": 20, "labels": np.arange(30) // 3, "leftovers": "drop"}, "leaves no batch"),
    ],
)
def test_bad_requests(change, why):
    good = {"name": "random", "rows": np.arange(30), "labels": np.arange(30) // 10, "batch_size": 10, "seed": 0}
    with pytest.raises(UsageError, match=why):
        make_sampler(**(good | change))
