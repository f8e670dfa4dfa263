"""Images by index, as float batches on a device: held there as uint8 when they fit, gathered from the map otherwise."""

from __future__ import annotations

import os

import numpy as np
import torch
from torch import Tensor

from disent_plugins.contracts import ImageTable

SHARE_OF_MEMORY = 0.5
"""Images are taken to stay in memory if they need no more than this share of it: of a GPU, what is free there."""


class Pixels:
    """The images of a table, ready for a model.

    Args:
        table: The data set.
        device: Where batches go.
        room: Bytes that the images may take in the device's memory; None for ``SHARE_OF_MEMORY`` of it.

    Attributes:
        images: [N, H, W, C] uint8, the map.
        fit: Whether they stay in memory once they have been read; if not, they are best read ahead (``feed``).
        resident: The same on the GPU, where they fit there; otherwise None.
    """

    def __init__(self, table: ImageTable, device: torch.device, room: int | None = None) -> None:
        self.device, self.images = device, table.images
        self.fit = table.images.nbytes <= (_room(device) if room is None else room)
        self.resident = self._upload(table.images) if self.fit and device.type == "cuda" else None

    def batch(self, index: Tensor) -> Tensor:
        """Positions [B] (on the device) -> images [B, C, H, W] float32 in [0, 1], channels-last without a copy."""
        if self.resident is None:
            return scaled(torch.from_numpy(np.take(self.images, index.cpu().numpy(), axis=0)).to(self.device))
        return scaled(self.resident.index_select(0, index))

    def _upload(self, images: np.ndarray, slab: int = 8192) -> Tensor:
        resident = torch.empty(images.shape, dtype=torch.uint8, device=self.device)
        for start in range(0, len(images), slab):
            resident[start : start + slab] = torch.from_numpy(np.array(images[start : start + slab]))
        return resident


def scaled(pixels: Tensor) -> Tensor:
    """[B, H, W, C] uint8 -> [B, C, H, W] float32 in [0, 1], channels-last without a copy."""
    return pixels.permute(0, 3, 1, 2).to(torch.float32).div_(255.0)


def _room(device: torch.device) -> float:
    if device.type == "cuda":
        return SHARE_OF_MEMORY * torch.cuda.mem_get_info(device)[0]
    try:
        return SHARE_OF_MEMORY * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # a system that does not say
        return float("inf")
