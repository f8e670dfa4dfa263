"""The numbers that a training step calculates with, and which of them a device does at speed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from disent_plugins.errors import UsageError

Precision = Literal["fp32", "bf16"]

NATIVE = ("avx512_bf16", "amx_bf16")
"""Instructions of a CPU, one of which bf16 needs to be fast."""


@dataclass(frozen=True)
class Chosen:
    """A precision, and why it is that one, in words."""

    used: Precision
    why: str = "asked for"


FP32 = Chosen("fp32")


def check_precision(precision: str, device: torch.device) -> None:
    """Refuse what a device cannot do at speed.

    Raises:
        UsageError: bf16 on a GPU without it. A CPU always can, if slowly where it lacks the instructions.
    """
    if precision == "bf16" and device.type == "cuda" and not _gpu_has_bf16():
        raise UsageError(
            f"{torch.cuda.get_device_name(device)} has no bfloat16 arithmetic.",
            "NVIDIA GPUs have it from compute capability 8.0 on.",
            "Use: --precision fp32",
        )


def by_device(device: torch.device) -> Chosen | None:
    """What a device says by itself; None for a CPU that has bf16, where it takes a trial to know what it gains."""
    if device.type == "cuda":
        return Chosen("bf16", "this GPU has it") if _gpu_has_bf16() else Chosen("fp32", "this GPU has no bf16")
    return None if _cpu_has_bf16() else Chosen("fp32", "this CPU has no bf16 instructions")


def notes_of_precision(chosen: Chosen, device: torch.device) -> list[str]:
    """A warning where a CPU lacks the instructions that a precision needs to be fast."""
    if chosen.used == "fp32" or device.type != "cpu" or _cpu_has_bf16():
        return []
    return ["warning: this CPU has no bf16 instructions and calculates with bf16 slowly; use --precision fp32"]


@contextmanager
def calculating(precision: Precision, device: torch.device) -> Iterator[None]:
    """A context in which convolutions and matrix products run in bfloat16, or one that changes nothing.

    Weights, gradients and the optimiser stay fp32. What must not lose digits says so (``networks.full_precision``); on
    a GPU its matrix products then run in TF32.
    """
    lower = precision == "bf16"
    # No cache of cast weights: a training step may update them between two forward passes.
    with (
        tf32() if lower and device.type == "cuda" else nullcontext(),
        torch.autocast(device.type, dtype=torch.bfloat16, enabled=lower, cache_enabled=False),
    ):
        yield


@contextmanager
def tf32() -> Iterator[None]:
    """A context in which a GPU's fp32 matrix products run in TF32, as its fp32 convolutions do by torch's default."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def _gpu_has_bf16() -> bool:
    return torch.cuda.is_bf16_supported(including_emulation=False)


def _cpu_has_bf16(system: Path = Path("/proc/cpuinfo")) -> bool:
    """By what the kernel says, which leaves out what it has switched off; elsewhere by newer versions of torch."""
    if system.exists():
        flags = next((line for line in system.read_text().splitlines() if line.startswith("flags")), "")
        return not set(NATIVE).isdisjoint(flags.split())
    told: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(told.get(name) for name in NATIVE)
