"""Stratified shares."""

from __future__ import annotations

import numpy as np

from disent_plugins.metrics.statistics.partition import stratified


def test_stratified_marks_a_share_of_every_class_and_keeps_one():
    labels = np.random.default_rng(0).permutation(np.repeat([3, 5, 9, 11], [100, 7, 2, 1]))
    marked = stratified(labels, 0.5, np.random.default_rng(0))
    assert [int(marked[labels == label].sum()) for label in (3, 5, 9, 11)] == [50, 4, 1, 0]


def test_stratified_chooses_at_random_within_a_class():
    labels = np.zeros(10, dtype=int)
    times = sum(stratified(labels, 0.3, np.random.default_rng(seed)).astype(int) for seed in range(2000))
    np.testing.assert_allclose(times / 2000, 0.3, atol=0.05)
