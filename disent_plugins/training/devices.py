"""Where the arithmetic happens."""

from __future__ import annotations

import re

import torch

from disent_plugins.errors import UsageError


def choose_device(name: str) -> torch.device:
    """``auto``, ``cpu``, ``cuda`` or ``cuda:n`` as a device that exists; ``auto`` takes a GPU if there is one.

    Raises:
        UsageError: Not a device, or not on this machine.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if not re.fullmatch(r"cpu|cuda(:\d+)?", name):
        raise UsageError(f"There is no device '{name}'.", "It is auto, cpu, cuda or cuda:n.")
    device = torch.device(name)
    if device.type == "cuda":
        if not torch.cuda.is_available():
            raise UsageError(
                f"The device '{name}' is not available.",
                "This torch sees no NVIDIA GPU: "
                + ("it is a CPU build." if torch.version.cuda is None else "none found."),
                "Use what there is with --device auto, or see: disent doctor",
            )
        if (device.index or 0) >= torch.cuda.device_count():
            raise UsageError(f"The device '{name}' does not exist.", f"There are {torch.cuda.device_count()} GPUs.")
    return device
