"""The batch that the processes of a run share: sums over all of it, with their gradients, where a loss needs the whole.

Outside ``sharing`` a process has the whole batch itself, and every function here returns what it is given. The
functions are collective: inside, all processes must call them in the same order and with the same shapes.

With W processes, each of which has the loss of its share and whose gradients are averaged, a loss that is a mean over
images needs nothing of this. A sum over the batch is replaced by ``whole_sum``, whose backward pass sums the gradients
of all processes: the average over them is then the gradient of the whole batch's loss.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from disent_plugins.errors import WorkFailed
from disent_plugins.out_of_memory import memory_full

_sharing: ContextVar[bool] = ContextVar("sharing", default=False)


class ProcessLost(WorkFailed):
    """Another process of the run ended, or does not answer."""


@contextmanager
def sharing(wanted: bool = True) -> Iterator[None]:
    """A context in which this process's batch is a share of a larger one; the process group is torch's default."""
    before = _sharing.set(wanted)
    try:
        yield
    finally:
        _sharing.reset(before)


def shares() -> int:
    """W, the number of equal shares of the whole batch; 1 outside ``sharing``."""
    return dist.get_world_size() if _sharing.get() else 1


def whole_sum(values: Tensor) -> Tensor:
    """Sum over the processes, of the same shape; its gradient is summed likewise.

    Raises:
        ProcessLost: Another process has ended.
    """
    return _Sum.apply(values) if _sharing.get() else values


def whole_rows(values: Tensor) -> Tensor:
    """The rows [B, ...] of all shares, [W B, ...], in the order of the processes.

    Raises:
        ProcessLost: Another process has ended.
    """
    if not _sharing.get():
        return values
    # Gathered as a sum, so that there is one operation whose gradient has to be right.
    padded = values.new_zeros(shares(), *values.shape)
    padded[dist.get_rank()] = values
    return whole_sum(padded).flatten(0, 1)


def same_draw(noise: Tensor) -> Tensor:
    """The first process's draw, for noise that belongs to the whole batch, such as a group's; without gradient.

    Raises:
        ProcessLost: Another process has ended.
    """
    if not _sharing.get():
        return noise
    return add_up(noise if dist.get_rank() == 0 else torch.zeros_like(noise))


def add_up(values: Tensor, operation: Any = None) -> Tensor:
    """A new tensor: the sum over all processes of the group, or another of ``torch.distributed.ReduceOp``.

    Raises:
        ProcessLost: Another process has ended.
    """
    found = values.detach().clone(memory_format=torch.contiguous_format)
    with answered():
        dist.all_reduce(found, operation or dist.ReduceOp.SUM)
    return found


@contextmanager
def answered() -> Iterator[None]:
    """A context for an exchange with the other processes.

    Raises:
        ProcessLost: One of them has ended.
    """
    try:
        yield
    except RuntimeError as error:  # what backends raise has no type of its own
        if memory_full(error) is not None:
            raise
        raise ProcessLost(
            "Another process of this run has ended, or does not answer.",
            f"The system says: {str(error).strip().splitlines()[0]}",
            "Go on from the last checkpoint with: disent run --resume RUN",
        ) from error


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        return add_up(values)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return add_up(gradient)
