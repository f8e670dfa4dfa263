"""Decoding in parallel, in order."""

from __future__ import annotations

import pytest

from disent_plugins.data_adapters.parallel import ordered_map


def test_results_come_in_order_and_few_wait():
    started = []

    def work(item):
        started.append(item)
        return item * item

    results = ordered_map(work, iter(range(1000)))
    assert [next(results) for _ in range(3)] == [0, 1, 4]
    assert len(started) < 300
    results.close()
    assert list(ordered_map(lambda item: item, range(50))) == list(range(50))


def test_an_error_comes_in_its_place():
    results = ordered_map(lambda item: 1 // item, [1, 1, 0, 1])
    assert [next(results), next(results)] == [1, 1]
    with pytest.raises(ZeroDivisionError):
        next(results)
