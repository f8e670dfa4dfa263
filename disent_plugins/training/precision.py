"""The numbers that a training step calculates with."""

from __future__ import annotations

from typing import Literal

import torch

from disent_plugins.errors import UsageError

Precision = Literal["fp32", "bf16"]


def check_precision(precision: Precision, device: torch.device) -> None:
    """Refuse what a device cannot do at speed.

    Raises:
        UsageError: bf16 on a GPU without it. A CPU always can, if slowly where it lacks the instructions.
    """
    if precision == "bf16" and device.type == "cuda" and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise UsageError(
            f"{torch.cuda.get_device_name(device)} has no bfloat16 arithmetic.",
            "NVIDIA GPUs have it from compute capability 8.0 on.",
            "Use: --precision fp32",
        )


def calculating(precision: Precision, device: torch.device) -> torch.autocast:
    """A context in which convolutions and matrix products run in bfloat16, or one that changes nothing.

    Weights, gradients and the optimiser stay fp32. What must not lose digits says so (``networks.full_precision``).
    """
    # No cache of cast weights: a training step may update them between two forward passes.
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16", cache_enabled=False)
