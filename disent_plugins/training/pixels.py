"""Images by index, as float batches on a device: held there as uint8 when they fit, gathered from the map otherwise."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from disent_plugins.contracts import ImageTable

SHARE_OF_FREE_MEMORY = 0.5
"""Images move onto a GPU if they take no more than this share of what is free there."""


class Pixels:
    """The images of a table, ready for a model.

    Args:
        table: The data set.
        device: Where batches go.
    """

    def __init__(self, table: ImageTable, device: torch.device) -> None:
        self.device = device
        self._map = table.images
        self._resident: Tensor | None = None
        if device.type == "cuda" and table.images.nbytes <= SHARE_OF_FREE_MEMORY * torch.cuda.mem_get_info(device)[0]:
            self._resident = self._upload(table.images)

    def batch(self, index: Tensor) -> Tensor:
        """Positions [B] (on the device) -> images [B, C, H, W] float32 in [0, 1], channels-last without a copy."""
        if self._resident is not None:
            pixels = self._resident.index_select(0, index)
        else:
            pixels = torch.from_numpy(np.take(self._map, index.cpu().numpy(), axis=0)).to(self.device)
        return pixels.permute(0, 3, 1, 2).to(torch.float32).div_(255.0)

    def _upload(self, images: np.ndarray, slab: int = 8192) -> Tensor:
        resident = torch.empty(images.shape, dtype=torch.uint8, device=self.device)
        for start in range(0, len(images), slab):
            resident[start : start + slab] = torch.from_numpy(np.array(images[start : start + slab]))
        return resident
