"""A device without memory is known by what torch says."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from disent_plugins.out_of_memory import memory_full
from disent_plugins.whole_batch import ProcessLost, answered


def test_a_cpu_that_is_full_is_known_by_its_words():
    # In a thread: glibc gives one that was refused another store, which keeps nothing of what ``test_memory`` asks for.
    with ThreadPoolExecutor(1) as thread:
        failure = thread.submit(torch.empty, 2**56, dtype=torch.uint8).exception()
    assert isinstance(failure, RuntimeError)
    assert memory_full(failure) == f"can't allocate memory: you tried to allocate {2**56} bytes"
    assert memory_full(RuntimeError("shapes do not fit")) is None


def test_an_exchange_that_finds_no_memory_is_not_told_as_a_lost_process():
    full = RuntimeError(
        "[enforce fail] . DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes. More"
    )
    with pytest.raises(RuntimeError) as failure, answered():
        raise full
    assert failure.value is full
    with pytest.raises(ProcessLost, match="Connection closed by peer"), answered():
        raise RuntimeError("Connection closed by peer")
