"""Memory that is kept between steps: by what the system has to hand out again."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
import torch

from disent_plugins.training import memory
from disent_plugins.training.memory import kept_memory

LARGE = 16 * 2**20
"""Numbers of four bytes: more than glibc takes from its own store by default."""


@pytest.fixture(autouse=True)
def glibc(monkeypatch):
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    for name in [name for name in memory.os.environ if name.startswith("MALLOC_")]:
        monkeypatch.delenv(name)
    if memory._glibc() is None:
        pytest.skip("another C library than glibc")


TIMES = 20
NEW = TIMES * 4 * LARGE / resource.getpagesize()
"""Pages of so many tensors, where none lies in the place of another."""


def pages() -> int:
    """That the system hands out while a large tensor is made ``TIMES`` times.

    Small objects come to lie between large ones, so it takes a few until every one of them finds room.
    """
    for _ in range(TIMES):
        torch.ones(LARGE)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(TIMES):
        torch.ones(LARGE)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def held() -> int:
    """Bytes of the process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def test_freed_memory_is_used_again_and_given_back_at_the_end():
    before = held()
    with kept_memory():
        assert pages() < NEW / 4
        assert held() > before + 3 * LARGE
    assert held() < before + LARGE


def test_a_context_within_a_context_does_not_end_it():
    with kept_memory():
        with kept_memory():
            pass
        assert pages() < NEW / 4


def test_memory_is_given_back_after_an_error():
    before = held()
    with pytest.raises(RuntimeError, match="size"), kept_memory():
        torch.ones(LARGE) @ torch.ones(3)
    assert held() < before + LARGE
    assert not memory._inside


@pytest.mark.parametrize("name", ["MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"])
def test_settings_of_the_environment_stand(monkeypatch, name):
    monkeypatch.setenv(name, "65536")
    with kept_memory():
        assert not memory._inside


def test_another_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: object())
    with kept_memory():
        assert not memory._inside
