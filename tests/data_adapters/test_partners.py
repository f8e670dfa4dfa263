"""Partners: another image of the same group, or oneself."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from disent_plugins.data_adapters.partners import partners
from disent_plugins.data_adapters.samplers import SAMPLERS, make_sampler


@given(arrays(np.int64, (3, 9), elements=st.integers(-1, 4)))
def test_partners_are_others_of_the_group_and_everybody_is_one(group):
    found = partners(group)
    for row, mates in zip(group, found, strict=True):
        assert sorted(mates) == list(range(9))  # a circle for every group: nobody is left out or taken twice
        for place, mate in enumerate(mates):
            has_mates = row[place] >= 0 and (row == row[place]).sum() > 1
            assert (mate != place) == has_mates
            assert row[mate] == row[place]


def test_every_sampler_gives_partners_identities_and_numbers():
    labels = np.repeat([7, 3, 11, 5], [30, 31, 32, 27])
    rows = 1000 + 2 * np.arange(120)
    for name in SAMPLERS:
        sampler = make_sampler(name, rows, labels, batch_size=20, seed=1, visible=0.8)
        numbers: dict[int, int] = {}
        for epoch in (1, 2):
            batches = sampler.epoch(epoch)
            assert (rows[batches.index] == batches.rows).all()
            known = batches.identity >= 0
            assert (known == (batches.group >= 0)).all()
            for label, identity in zip(labels[batches.index][known], batches.identity[known], strict=True):
                assert numbers.setdefault(int(label), int(identity)) == identity
            mate = np.take_along_axis(batches.identity, batches.partner, axis=1)
            assert (mate == batches.identity).all()
        assert sorted(numbers.values()) == [0, 1, 2, 3]


def test_pairs_are_each_others_partners():
    labels = np.arange(64) % 4
    batches = make_sampler("pairs", np.arange(64), labels, batch_size=16, seed=0).epoch(1)
    place = np.arange(16)
    assert (np.take_along_axis(batches.partner, batches.partner, axis=1) == place).all()
    assert (batches.partner != place).all()


def test_images_without_a_pair_are_their_own_partners():
    labels = np.repeat(np.arange(8), [1, 1, 3, 5, 2, 7, 1, 4])
    batches = make_sampler("pairs", np.arange(24), labels, batch_size=12, seed=0, visible=0.7).epoch(1)
    place = np.arange(12)
    for group, partner in zip(batches.group, batches.partner, strict=True):
        assert (partner[partner] == place).all()
        apart = partner != place
        assert (group[partner] == group)[apart].all()
        assert (group[apart] >= 0).all()
        assert apart.any()
        assert not apart.all()
