"""Checkpoints written beside the training of a GPU: copied to host memory at once, put on the disk by a thread.

On the CPU they are written where they are made: a thread would take the cores that train, to save a hundredth of an
epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from disent_plugins.training.checkpoint import Checkpoint, Progress, save


class Writer:
    """Writes checkpoints in the order in which they are given.

    Args:
        behind: Whether to go on before they are on the disk.
    """

    def __init__(self, behind: bool) -> None:
        self.behind = behind
        self._thread: ThreadPoolExecutor | None = None
        self._writing: list[Future[None]] = []

    def __call__(self, path: Path, checkpoint: Checkpoint) -> None:
        """Write, or begin to.

        Raises:
            WorkFailed: The disk is full; ``wait`` raises it where the write goes on behind.
        """
        if not self.behind:
            save(path, checkpoint)
            return
        self._thread = self._thread or ThreadPoolExecutor(1, thread_name_prefix="checkpoints")
        self._writing.append(self._thread.submit(save, path, on_host(checkpoint)))

    @property
    def done(self) -> bool:
        """Whether everything is on the disk, or has failed to get there."""
        return all(writing.done() for writing in self._writing)

    def wait(self) -> None:
        """Wait until everything is on the disk.

        Raises:
            WorkFailed: The disk is full.
        """
        writing, self._writing = self._writing, []
        for one in writing:
            one.result()

    def close(self) -> None:
        """Let what is being written come to its end, whatever that is."""
        if self._thread is not None:
            self._thread.shutdown()
            self._thread = None


def on_host(checkpoint: Checkpoint) -> Checkpoint:
    """A copy in host memory that nothing changes any more."""
    found = replace(
        checkpoint,
        model=_copied(checkpoint.model),
        optimizers=_copied(checkpoint.optimizers),
        random=_copied(checkpoint.random),
        progress=Progress(**_copied(vars(checkpoint.progress))),
    )
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return found


def _copied(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        # Pinned, a GPU fills it while the host starts the next copy. Of the same strides: an optimiser needs its state
        # laid out as its parameters are.
        gpu = value.device.type == "cuda"
        made = torch.empty_like(value, device="cpu", pin_memory=gpu, requires_grad=False)
        return made.copy_(value.detach(), non_blocking=gpu)
    if isinstance(value, Mapping):
        return {key: _copied(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_copied(part) for part in value)
    return value
