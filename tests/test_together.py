"""What threads share is put back by the last of them, in whatever order they leave."""

from __future__ import annotations

import contextlib
import sys

import pytest
from threadpoolctl import threadpool_info

from disent_plugins.metrics.statistics.cores import one_blas_thread
from disent_plugins.registry.host import OURS, Plugin, Registry
from disent_plugins.together import Together


@pytest.mark.parametrize("order", ["abab", "abba", "aabb"])
def test_the_first_sets_and_the_last_puts_back(order):
    state = {"value": "before"}

    @contextlib.contextmanager
    def setting():
        kept, state["value"] = state["value"], "set"
        yield
        state["value"] = kept

    shared, inside = Together(setting), set()
    for who in order:
        if who in inside:
            inside.remove(who)
            shared.__exit__(None, None, None)
        else:
            inside.add(who)
            shared.__enter__()
        assert state["value"] == ("set" if inside else "before")


def test_measuring_in_several_threads_leaves_the_process_as_it_was():
    def threads() -> list[int]:
        return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]

    before, out = threads(), sys.stdout
    registry, plugin = Registry(points=[]), Plugin("own", OURS, "1")
    first, second = one_blas_thread(), one_blas_thread()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert set(threads()) <= {1}
    second.__exit__(None, None, None)
    assert threads() == before
    registry.call(plugin, "it failed", lambda: registry.call(plugin, "it failed", lambda: None))
    assert sys.stdout is out
