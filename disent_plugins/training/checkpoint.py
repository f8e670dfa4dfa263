"""Checkpoints: everything a run needs to go on as if it had never stopped, written atomically, read as weights only."""

from __future__ import annotations

import hashlib
import pickle
import shlex
import warnings
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from disent_plugins.errors import UsageError
from disent_plugins.files import replacing, require_regular
from disent_plugins.version import __version__

FORMAT_VERSION = 2


@dataclass
class Progress:
    """Where a run stands.

    Attributes:
        epoch: Epoch under way or to begin, from 1.
        step: Steps of it that are done.
        sums: Sums of the loss terms over those steps; None before the first.
        best: Lowest score so far, and its epoch.
        best_epoch: 0 while there is none.
        seconds: Of those steps, before and after a stop.
    """

    epoch: int = 1
    step: int = 0
    sums: torch.Tensor | None = None
    best: float = float("inf")
    best_epoch: int = 0
    seconds: float = 0.0

    @property
    def done(self) -> int:
        """Epochs that are done."""
        return self.epoch - 1


@dataclass
class Checkpoint:
    """A checkpoint's content.

    Attributes:
        model: State of the model.
        progress: Where the run stands.
        optimizers: Parameter group to the state of its optimiser; None where it is not for going on.
        random: State of the random generators.
        run: Which run it is of (``identity``).
    """

    model: dict[str, Any]
    progress: Progress
    optimizers: dict[str, Any] | None = None
    random: dict[str, Any] = field(default_factory=dict)
    run: dict[str, Any] = field(default_factory=dict)

    def weights_digest(self) -> str:
        """SHA-256 of the weights: names, types, shapes and bytes, on whatever device and in whatever file they are."""
        content = hashlib.sha256()
        for name, value in sorted(self.model.items()):
            if isinstance(value, torch.Tensor):
                content.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
                content.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
            else:  # what a module's get_extra_state returned
                content.update(f"{name} {value!r}\n".encode())
        return content.hexdigest()


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; killed at any moment, the previous one still loads.

    Raises:
        WorkFailed: The disk is full; the previous checkpoint is unchanged.
    """
    content = {
        "format_version": FORMAT_VERSION,
        "model": checkpoint.model,
        "optimizers": checkpoint.optimizers,
        "random": checkpoint.random,
        "progress": vars(checkpoint.progress),
        "run": checkpoint.run,
    }
    with replacing(path) as temporary, temporary.open("wb") as file:
        try:
            torch.save(content, file)
        except RuntimeError as error:
            # Closing its archive after a failed write, torch hides the system's error behind one of its own.
            if isinstance(error.__context__, OSError):
                raise error.__context__ from None
            raise


def load(path: Path, device: torch.device | str = "cpu") -> Checkpoint:
    """Read a checkpoint. Only tensors and plain values are accepted: nothing in the file is executed.

    Raises:
        UsageError: It is missing, damaged, not a checkpoint of ours, or holds more than weights.
    """
    try:
        require_regular(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch comments on foreign pickles before it refuses them
            content = torch.load(path, map_location=device, weights_only=True)
        _check_sums(path)
    except FileNotFoundError as error:
        raise UsageError(
            f"{path.parent.parent} has no checkpoint {path.name}.",
            "Training was stopped before its first epoch ended, or the file was removed.",
            f"Train again with: disent run --resume {shlex.quote(str(path.parent.parent))}; if it is lost: disent run",
        ) from error
    except pickle.UnpicklingError as error:
        raise UsageError(
            f"{path} was refused.",
            "It holds more than weights, or is no checkpoint; loading it could run foreign code. Nothing was executed.",
            "Use only checkpoints that disent wrote.",
        ) from error
    except OSError as error:
        raise UsageError(f"{path} cannot be read.", f"The system says: {error.strerror or error}.") from error
    except Exception as error:  # torch raises nearly anything on damaged bytes
        raise _damaged(path, error) from error
    version = content.get("format_version") if isinstance(content, dict) else None
    if version != FORMAT_VERSION:
        raise UsageError(
            f"{path} is not a checkpoint of this version.",
            f"Its format version is {version}, this is disent-plugins {__version__}, which reads {FORMAT_VERSION}.",
            "Use the version that wrote it (environment.json of its run names it), or train again with: disent run",
        )
    try:
        progress, run = Progress(**content["progress"]), content.get("run", {})
        return Checkpoint(content["model"], progress, content["optimizers"], content["random"], run)
    except (KeyError, TypeError) as error:
        raise _damaged(path, error) from error


def load_weights(model: nn.Module, checkpoint: Checkpoint, path: Path) -> None:
    """Put a checkpoint's weights into a model.

    Raises:
        UsageError: They are another model's: a name or a shape differs.
    """
    try:
        model.load_state_dict(checkpoint.model)
    except Exception as error:  # a model may load itself in its own way
        raise UsageError(
            f"{path} does not fit the model of its run.",
            (str(error).splitlines() or [type(error).__name__])[-1].strip(),
            "Was the model's code changed, or config.json edited, since it was trained?",
        ) from error


def _check_sums(path: Path) -> None:
    """Torch writes a checksum of every part of the file, and does not look at it again."""
    with zipfile.ZipFile(path) as file:
        if part := file.testzip():
            raise ValueError(f"the checksum of its part {part} is wrong")


def _damaged(path: Path, error: Exception) -> UsageError:
    return UsageError(
        f"{path} is damaged.",
        f"{type(error).__name__}: {str(error).partition(chr(10))[0]}",
        "The other checkpoint of the run may be intact: disent metrics NAME RUN --checkpoint best (or last).",
    )
