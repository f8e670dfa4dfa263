"""Whether an error says that a device has no memory left: for a CPU torch has no type of its own."""

from __future__ import annotations

import torch


def memory_full(error: RuntimeError) -> str | None:
    """What an error says of a device whose memory is full; None of any other error."""
    text = str(error)
    if isinstance(error, torch.OutOfMemoryError):
        return text.partition(".")[0]
    _, found, told = text.partition("DefaultCPUAllocator: ")
    return told.partition(".")[0] if found else None
