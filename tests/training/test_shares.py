"""What becomes of a batch that processes share: every image goes to one of them, and groups stay together."""

from __future__ import annotations

import numpy as np
import pytest

from disent_plugins.data_adapters.samplers import Batches, make_sampler
from disent_plugins.training.shares import share


def dealt(sampler: str, count: int, *, exact: bool, batch: int = 120, visible: float = 0.9) -> tuple[Batches, list]:
    """An epoch's batches of 900 images in 40 unequal groups, and every process's share of them."""
    labels = np.random.default_rng(0).geometric(0.08, 900).clip(max=40)
    whole = make_sampler(sampler, np.arange(900) + 7, labels, batch_size=batch, seed=1, visible=visible).epoch(1)
    return whole, [share(whole, rank, count, sampler=sampler, exact=exact) for rank in range(count)]


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("sampler", ["random", "blocks", "pairs"])
def test_every_image_goes_to_one_process_with_all_that_is_known_of_it(sampler: str, exact: bool):
    whole, shares = dealt(sampler, 3, exact=exact)
    assert all(part.rows.shape == (len(whole.rows), 40) for part in shares)
    for name in ("rows", "index", "identity"):
        together = np.concatenate([getattr(part, name) for part in shares], axis=1)
        np.testing.assert_array_equal(np.sort(together, axis=1), np.sort(getattr(whole, name), axis=1))
    for part in shares:
        np.testing.assert_array_equal(part.rows, part.index + 7)
        np.testing.assert_array_equal(part.group < 0, part.identity < 0)


@pytest.mark.parametrize("exact", [True, False])
def test_ids_are_the_whole_batchs_or_the_shares_own(exact: bool):
    whole, shares = dealt("random", 3, exact=exact)
    for part in shares:
        for row in range(len(part.rows)):
            known = part.group[row] >= 0
            pairs = set(zip(part.group[row][known].tolist(), part.identity[row][known].tolist(), strict=True))
            assert len(pairs) == len({group for group, _ in pairs}) == len({identity for _, identity in pairs})
            if exact:
                known = whole.group[row] >= 0
                assert pairs <= set(zip(whole.group[row][known], whole.identity[row][known], strict=True))
            else:
                assert {group for group, _ in pairs} == set(range(len(pairs)))
    assert shares[0].group_count == (whole.group_count if exact else 40)


def test_partners_are_of_one_share_and_one_group():
    for sampler in ("random", "blocks", "pairs"):
        for part in dealt(sampler, 2, exact=False)[1]:
            mates = np.take_along_axis(part.group, part.partner, axis=1)
            alone = part.partner == np.arange(60)
            np.testing.assert_array_equal(mates, part.group)
            assert alone[part.group < 0].all()
            assert not alone.all()


@pytest.mark.parametrize("count", [2, 3, 4])
def test_blocks_cut_no_more_groups_than_there_are_edges(count: int):
    whole, shares = dealt("blocks", count, exact=True)
    for row in range(len(whole.rows)):
        holders = [set(part.group[row]) - {-1} for part in shares]
        cut = sum(map(len, holders)) - len(set.union(*holders))
        assert cut <= count - 1


def test_every_process_sees_every_class_over_the_epochs():
    sampler = make_sampler("blocks", np.arange(960), np.arange(960) % 12, batch_size=120, seed=1)
    for rank in range(2):
        shares = [share(sampler.epoch(epoch), rank, 2, sampler="blocks", exact=False) for epoch in range(1, 6)]
        assert {int(label) for part in shares for label in part.identity.ravel()} == set(range(12))


def test_pairs_stay_pairs_and_stand_first():
    whole, shares = dealt("pairs", 2, exact=False, visible=0.6)
    couples = sum(int((part.partner != np.arange(60)).sum()) for part in shares)
    assert couples == int((whole.partner != np.arange(120)).sum())
    for part in shares:
        alone = part.partner == np.arange(60)
        assert (np.diff(alone.astype(int), axis=1) >= 0).all()
