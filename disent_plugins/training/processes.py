"""The processes of a run under ``torchrun``: who they are, how they begin alike, step together and stop together."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn

from disent_plugins.data_adapters.samplers import Batches
from disent_plugins.errors import DisentError, UsageError
from disent_plugins.training.checkpoint import Progress
from disent_plugins.training.devices import choose_device
from disent_plugins.training.settings import RunSettings
from disent_plugins.training.shares import share
from disent_plugins.whole_batch import ProcessLost, add_up, answered, sharing

TIMEOUT = timedelta(minutes=10)
"""How long a process waits for the others before it takes them for lost."""

Failure = TypeVar("Failure", bound=DisentError)


class ToldByAnother(DisentError):
    """The run has ended for a reason that another process tells: nothing to say, and nothing that failed here."""

    exit_code = 0


@dataclass(frozen=True)
class Processes:
    """This process among those of the run; one alone by default, for which every method here does nothing.

    As a context it is with the others: it meets them at the beginning and parts from them at the end.

    Attributes:
        rank: From 0; that one alone writes and speaks.
        count: W, how many there are.
        local: The number of its GPU, from 0 on each machine.
    """

    rank: int = 0
    count: int = 1
    local: int = 0

    def __enter__(self) -> Processes:
        if self.count > 1:
            # Small numbers are exchanged on the CPU, where no process has to wait for its GPU.
            backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
            with answered():
                dist.init_process_group(backend, timeout=TIMEOUT)
        return self

    def __exit__(self, kind: type[BaseException] | None, *about: object) -> None:
        # NCCL could wait for a process that is gone; gloo must not be left to the end of the interpreter.
        waits = kind is not None and issubclass(kind, ProcessLost) and torch.cuda.is_available()
        if self.count > 1 and dist.is_initialized() and not waits:
            dist.destroy_process_group()

    @property
    def first(self) -> bool:
        """Whether this is the one that writes and speaks."""
        return self.rank == 0

    def check(self, settings: RunSettings) -> None:
        """Refuse a batch that cannot be shared equally, with the sampler ``pairs`` in whole pairs.

        Raises:
            UsageError: With the nearest size that can.
        """
        unit = self.count * (2 if settings.sampler == "pairs" else 1)
        least = 2 * self.count
        if self.count > 1 and (settings.batch_size % unit or settings.batch_size < least):
            what = "pairs" if settings.sampler == "pairs" else "images"
            raise UsageError(
                f"A batch of {settings.batch_size} images cannot be shared by {self.count} processes.",
                f"--batch-size counts the images of all processes together, and each takes equally many {what}.",
                f"Try: --batch-size {max(round(settings.batch_size / unit) * unit, least)}",
            )

    def device(self, name: str) -> torch.device:
        """The device of this process: of several on GPUs, each takes that of its number on its machine.

        Raises:
            UsageError: It does not exist, or one GPU was named for several processes.
        """
        device = choose_device(name)
        if self.count == 1 or device.type == "cpu":
            return device
        if device.index is not None:
            raise UsageError(
                f"{self.count} processes cannot all use '{name}'.",
                "Every process takes the GPU of its own number.",
                "Leave --device out; CUDA_VISIBLE_DEVICES says which GPUs there are.",
            )
        device = choose_device(f"cuda:{self.local}")
        torch.cuda.set_device(device)
        return device

    @contextmanager
    def together(self) -> Iterator[None]:
        """Work that fails for all if it fails for one; the lowest rank's error is told. No exchange in between.

        Raises:
            ToldByAnother: It failed elsewhere.
        """
        if self.count == 1:
            yield
            return
        failed: Exception | None = None
        try:
            yield
        except Exception as error:
            failed = error
        lowest = int(add_up(torch.tensor(self.count if failed is None else self.rank), dist.ReduceOp.MIN))
        if failed is not None and lowest == self.rank:
            raise failed
        if lowest < self.count:
            raise ToldByAnother("")

    def told(self, error: Failure) -> Failure | ToldByAnother:
        """An error that all processes have come to, as this one is to raise it: the first alone tells it."""
        return error if self.first else ToldByAnother("")

    def begin_alike(self, model: nn.Module) -> None:
        """Give every process the first one's weights and buffers."""
        if self.count > 1:
            for value in (part.detach() for part in [*model.parameters(), *model.buffers()]):
                sent = value.contiguous()
                with answered():
                    dist.broadcast(sent, src=0)
                value.copy_(sent)

    def share(self, batches: Batches, settings: RunSettings) -> Batches:
        """This process's share of an epoch's batches (``training.shares``)."""
        if self.count == 1:
            return batches
        exact = settings.group_statistics == "exact"
        return share(batches, self.rank, self.count, sampler=settings.sampler, exact=exact)

    @contextmanager
    def step(self, settings: RunSettings, progress: Progress) -> Iterator[None]:
        """A context for one step: noise of this process's own, and statistics of the whole batch if they are exact.

        The first process draws on from its generator, whose state is in the checkpoint. The others' noise is of the
        seed, their rank and the step, so that a resumed run equals one that was never stopped.
        """
        if not self.first:
            stream = np.random.SeedSequence([settings.seed, self.rank, progress.epoch, progress.step])
            torch.manual_seed(int(stream.generate_state(1, np.uint64)[0] >> 1))
        with sharing(self.count > 1 and settings.group_statistics == "exact"):
            yield

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace each gradient by its mean over the processes; one that has none counts as 0, unless none has any."""
        if self.count == 1:
            return
        parameters = list(parameters)
        parts = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        there = parts[0].new_ones(len(parts))
        for number, parameter in enumerate(parameters):
            if parameter.grad is None:
                there[number] = 0.0
        flat = add_up(torch.cat([there, *(part.reshape(-1) for part in parts)]))
        means = (flat[len(parts) :] / self.count).split([part.numel() for part in parts])
        for number, (parameter, mean) in enumerate(zip(parameters, means, strict=True)):
            if parameter.grad is not None:
                parameter.grad.copy_(mean.view(parameter.shape))
            elif flat[number] > 0:  # asked only here: on a GPU a look waits for the device
                parameter.grad = mean.view(parameter.shape).to(parameter.dtype)

    def average(self, terms: Tensor, model: nn.Module) -> Tensor:
        """The mean over the processes of [n] terms; the model's floating-point buffers are replaced by their means."""
        if self.count == 1:
            return terms
        buffers = [buffer for buffer in model.buffers() if buffer.is_floating_point()]
        # In float64 the mean of what is equal everywhere is exactly that.
        flat = torch.cat([part.detach().reshape(-1).double() for part in (terms, *buffers)])
        means = (add_up(flat) / self.count).split([part.numel() for part in (terms, *buffers)])
        for buffer, mean in zip(buffers, means[1:], strict=True):
            buffer.copy_(mean.view(buffer.shape))
        return means[0]

    def agree(self, requested: str) -> str:
        """The signal that asks any of the processes to stop, or nothing: all of them hear it at the same step."""
        if self.count == 1:
            return requested
        number = int(add_up(torch.tensor(signal.Signals[requested] if requested else 0), dist.ReduceOp.MAX))
        return signal.Signals(number).name if number else ""

    def same_text(self, text: str) -> str:
        """The first process's text, such as the name of the run folder, which holds the time."""
        found = [text]
        if self.count > 1:
            with answered():
                dist.broadcast_object_list(found, device=torch.device("cpu"))
        return found[0]


ALONE = Processes()


def launched() -> Processes:
    """This process as ``torchrun`` started it, or one alone."""
    found = [os.environ.get(name, "") for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK")]
    if not all(text.isdecimal() for text in found) or not dist.is_available():
        return ALONE
    return Processes(*map(int, found))
