"""The hashes of a cache: of its images, of all that decides a result, and of its description.

``images_hash`` is the SHA-256 of the SHA-256 of every 4 MiB of the images, so that every core can check a part.
``content_hash`` covers it, the shapes, factors, split, and what of the description decides a result: caches of equal
``content_hash`` give equal results, wherever they were built. ``seal`` covers all attributes, so that none is believed
after it was changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping

import numpy as np

from disent_plugins.contracts import DatasetInfo
from disent_plugins.data_adapters.cache import identity
from disent_plugins.data_adapters.parallel import ordered_map

BLOCK = 4 << 20


class ImagesHash:
    """The hash of images that arrive in slabs of any size."""

    def __init__(self) -> None:
        self._all, self._block, self._room = hashlib.sha256(), hashlib.sha256(), BLOCK

    def update(self, data: memoryview) -> None:
        """Take the next bytes, a flat view of uint8."""
        while len(data):
            part, data = data[: self._room], data[self._room :]
            self._block.update(part)
            self._room -= len(part)
            if not self._room:
                self._close_block()

    def _close_block(self) -> None:
        self._all.update(self._block.digest())
        self._block, self._room = hashlib.sha256(), BLOCK

    def hexdigest(self) -> str:
        """The hash; nothing can be added afterwards."""
        if self._room < BLOCK:
            self._close_block()
        return self._all.hexdigest()


def images_hash(images: np.ndarray, progress: Callable[[int], None]) -> str:
    """The hash of images [N, H, W, C] uint8, contiguous, made on every core; ``progress`` is told the images done."""
    flat, found = images.reshape(-1), hashlib.sha256()
    starts = range(0, len(flat), BLOCK)
    parts = ordered_map(lambda start: hashlib.sha256(flat[start : start + BLOCK].data).digest(), starts)
    for start, part in zip(starts, parts, strict=True):
        found.update(part)
        progress(min(start + BLOCK, len(flat)) * len(images) // len(flat))
    return found.hexdigest()


def content_hash(
    info: DatasetInfo, shape: tuple[int, ...], of_images: str, factors: np.ndarray, split: np.ndarray
) -> str:
    """The content hash of images of that shape [N, H, W, C] and hash, factors [N, F] and split [N]."""
    head = [identity(info), list(shape), of_images, list(factors.shape), factors.dtype.name]
    content = hashlib.sha256(json.dumps(head).encode() + b"\n")
    content.update(np.ascontiguousarray(factors, factors.dtype.newbyteorder("<")).data)
    content.update(np.ascontiguousarray(split, np.uint8).data)
    return content.hexdigest()


def seal(attributes: Mapping[str, str | int]) -> str:
    """The hash of the attributes as they stand in the file, without ``seal`` itself."""
    rest = {name: value for name, value in attributes.items() if name != "seal"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()
