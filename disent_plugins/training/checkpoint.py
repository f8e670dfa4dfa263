"""Checkpoints: everything a run needs to go on as if it had never stopped, written atomically, read as weights only."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from disent_plugins.errors import UsageError
from disent_plugins.files import replacing

FORMAT_VERSION = 1


@dataclass
class Progress:
    """Where a run stands.

    Attributes:
        epoch: Epoch under way or to begin, from 1.
        step: Steps of it that are done.
        sums: Sums of the loss terms over those steps; None before the first.
        best: Lowest score so far, and its epoch.
        best_epoch: 0 while there is none.
    """

    epoch: int = 1
    step: int = 0
    sums: torch.Tensor | None = None
    best: float = float("inf")
    best_epoch: int = 0
    seconds: float = 0.0


@dataclass
class Checkpoint:
    """A checkpoint's content."""

    model: dict[str, Any]
    progress: Progress
    optimizer: dict[str, Any] | None = None
    random: dict[str, Any] = field(default_factory=dict)


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; killed at any moment, the previous one still loads.

    Raises:
        WorkFailed: The disk is full; the previous checkpoint is unchanged.
    """
    content = {
        "format_version": FORMAT_VERSION,
        "model": checkpoint.model,
        "optimizer": checkpoint.optimizer,
        "random": checkpoint.random,
        "progress": vars(checkpoint.progress),
    }
    with replacing(path) as temporary, temporary.open("wb") as file:
        # Through a file object a full disk is an OSError with its number; by path torch raises a bare RuntimeError.
        torch.save(content, file)


def load(path: Path, device: torch.device | str = "cpu") -> Checkpoint:
    """Read a checkpoint. Only tensors and plain values are accepted: nothing in the file is executed.

    Raises:
        UsageError: It is missing, damaged, not a checkpoint of ours, or holds more than weights.
    """
    try:
        content = torch.load(path, map_location=device, weights_only=True)
    except FileNotFoundError as error:
        raise UsageError(
            f"{path.parent.parent} has no checkpoint {path.name}.",
            "Training was stopped before its first epoch ended, or the file was removed.",
            "Train again with: disent run",
        ) from error
    except pickle.UnpicklingError as error:
        raise UsageError(
            f"{path} was refused.",
            "It holds more than weights, or is no checkpoint; loading it could run foreign code. Nothing was executed.",
            "Use only checkpoints that disent wrote.",
        ) from error
    except (RuntimeError, EOFError, OSError, ValueError, KeyError) as error:
        raise UsageError(f"{path} is damaged.", f"{type(error).__name__}: {str(error).splitlines()[0]}") from error
    version = content.get("format_version") if isinstance(content, dict) else None
    if version != FORMAT_VERSION:
        raise UsageError(f"{path} is not a checkpoint of this version.", f"Its format version is {version}.")
    return Checkpoint(content["model"], Progress(**content["progress"]), content["optimizer"], content["random"])


def random_state(device: torch.device) -> dict[str, Any]:
    """State of the random generators that training draws from."""
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def restore_random_state(state: dict[str, Any], device: torch.device) -> None:
    """Set the generators as they were."""
    torch.set_rng_state(state["cpu"].cpu())
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"].cpu(), device)
