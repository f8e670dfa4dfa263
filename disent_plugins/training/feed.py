"""The batches of an epoch on their way to a device; images that its memory cannot hold are read ahead by a thread."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from disent_plugins.contracts import GroupBatch
from disent_plugins.data_adapters.samplers import Batches
from disent_plugins.training.pixels import Pixels, scaled

AHEAD = 4
"""Batches that are read before they are asked for."""


@dataclass
class Inputs:
    """All that a step takes and that changes from step to step, on the device.

    Attributes:
        ids: [5, B] int64: rows, groups, identities, partners and indices, as ``Batches`` has them.
        progress: Scalar, share of the training that is done.
        group_count: Upper bound of the group ids.
        pixels: [B, H, W, C] uint8; None where the images are resident, and gathered by their rows.
    """

    ids: Tensor
    progress: Tensor
    group_count: int
    pixels: Tensor | None = None

    def batch(self, pixels: Pixels) -> GroupBatch:
        """What a model is given."""
        rows, group, identity, partner, index = self.ids.unbind()
        images = pixels.batch(rows) if self.pixels is None else scaled(self.pixels)
        return GroupBatch(images, group, self.group_count, identity, partner, index, self.progress)


class Feed:
    """Makes inputs of batches.

    Args:
        pixels: The images.

    Attributes:
        waited: Seconds that the latest epoch's steps have waited for images.
        ahead: What is being read.
    """

    def __init__(self, pixels: Pixels) -> None:
        self.pixels, self.waited = pixels, 0.0
        self.ahead: deque[Future[_Buffer]] = deque()
        self._buffers: list[_Buffer] = []

    def __call__(self, batches: Batches, progress: Tensor, first: int = 0) -> Iterator[Inputs]:
        """The inputs from step ``first`` on; ``progress`` [n] is the share of the training done at each."""
        parts = (batches.rows, batches.group, batches.identity, batches.partner, batches.index)
        ids = torch.from_numpy(np.stack(parts, axis=1)).to(self.pixels.device)
        self.waited = 0.0
        images = self._images(batches.rows[first:])
        for step in range(first, len(ids)):
            started = time.perf_counter()
            found = next(images)
            self.waited += time.perf_counter() - started
            yield Inputs(ids[step], progress[step], batches.group_count, found)

    def _images(self, rows: np.ndarray) -> Iterator[Tensor | None]:
        """The images of each batch of ``rows`` [n, B]; None where they are resident."""
        if self.pixels.resident is not None:
            yield from (None for _ in rows)
        elif self.pixels.fit:
            yield from (torch.from_numpy(np.take(self.pixels.images, row, axis=0)) for row in rows)
        else:
            yield from self._read_ahead(rows)

    def _read_ahead(self, rows: np.ndarray) -> Iterator[Tensor]:
        shape = (rows.shape[1], *self.pixels.images.shape[1:])
        if not self._buffers or self._buffers[0].pixels.shape != shape:
            # One more than are read ahead: the one that a step is using.
            self._buffers = [_Buffer(shape, self.pixels.device) for _ in range(AHEAD + 1)]
        self.ahead.clear()
        reader = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        try:
            for step in range(len(rows) + AHEAD):
                if step < len(rows):
                    buffer = self._buffers[step % len(self._buffers)]
                    self.ahead.append(reader.submit(buffer.filled, self.pixels.images, rows[step]))
                if step >= AHEAD:
                    yield self.ahead.popleft().result().on_device()
        finally:
            reader.shutdown(cancel_futures=True)


class _Buffer:
    """Memory for one batch, pinned for a GPU, which copies from it while the host goes on."""

    def __init__(self, shape: tuple[int, ...], device: torch.device) -> None:
        self._device, self._gpu = device, device.type == "cuda"
        self.pixels = torch.empty(shape, dtype=torch.uint8, pin_memory=self._gpu)
        self._copied = torch.cuda.Event() if self._gpu else None

    def filled(self, images: np.ndarray, rows: np.ndarray) -> _Buffer:
        """This one with the rows in it, once what was there has left."""
        if self._copied is not None:
            self._copied.synchronize()
        # Rows are valid; "raise" would read into memory of its own first.
        np.take(images, rows, axis=0, out=self.pixels.numpy(), mode="clip")
        return self

    def on_device(self) -> Tensor:
        """The images there; on the CPU the buffer itself, good until the next batch is asked for."""
        if self._copied is None:
            return self.pixels
        found = self.pixels.to(self._device, non_blocking=True)
        self._copied.record()
        return found
