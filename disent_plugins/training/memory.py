"""Memory that the process keeps between the steps of a training on a CPU."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

_TRIM, _THRESHOLD, _MAPPINGS = -1, -3, -4
"""Of mallopt(3): free memory at the top that is given back; size of a block mapped by itself; how many may be."""
_NEVER = 2**31 - 1
_SETTLED = {_MAPPINGS: 65_536, _THRESHOLD: 32 * 2**20, _TRIM: 64 * 2**20}
"""What glibc's own settings come to in a process that has freed large blocks (mallopt(3), M_MMAP_THRESHOLD)."""

_inside = 0


@contextmanager
def kept_memory() -> Iterator[None]:
    """A context in which freed memory is kept for what is asked for next, and given back at its end.

    A step asks for the same large tensors as the step before. glibc gives such blocks back at once, and the system
    clears every page of them anew: a fifth of the time of a step on a CPU. No number depends on it. The process holds
    what its largest step took, and more where small objects come to lie between large ones. Nothing happens with other
    C libraries, nor where the environment sets glibc's allocation (``MALLOC_...``, ``GLIBC_TUNABLES``), and little in a
    thread that glibc has given an arena of its own: it maps large blocks whatever is set.
    """
    global _inside
    library = _glibc()
    if library is None:
        yield
        return
    _inside += 1
    for parameter, value in ((_MAPPINGS, 0), (_TRIM, _NEVER)):
        library.mallopt(parameter, value)
    try:
        yield
    finally:
        _inside -= 1
        if not _inside:
            for parameter, value in _SETTLED.items():
                library.mallopt(parameter, value)
            library.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if os.name != "posix" or any(name.startswith(("MALLOC_", "GLIBC_TUNABLES")) for name in os.environ):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") and hasattr(library, "mallopt") else None
