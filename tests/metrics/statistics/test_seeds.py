"""Streams of random numbers."""

from __future__ import annotations

from disent_plugins.metrics.statistics.seeds import derived, stream


def test_streams_are_reproducible_and_apart():
    assert stream(1, "a").random() == stream(1, "a").random()
    assert len({derived(0, "a"), derived(0, "b"), derived(1, "a"), derived(0, "a", "b")}) == 4
    assert all(0 <= derived(seed, "a") < 2**63 for seed in (-1, 0, 2**40))
