"""``--data folder:PATH``: pictures in a folder for each class, or named with their factors in a CSV file."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from disent_plugins.contracts import ImageSpec
from disent_plugins.contracts.data import short_name
from disent_plugins.data_adapters.adapter import RawFile, RawTable
from disent_plugins.data_adapters.own.description import OwnConfig, describe, lasting
from disent_plugins.data_adapters.own.listing import bad, listing
from disent_plugins.data_adapters.own.looking import look_at, reading
from disent_plugins.data_adapters.own.pictures import MADE, Seen, pixels
from disent_plugins.data_adapters.parallel import ordered_map

_SLAB = 64


class Folder:
    """Pictures of anybody. The cache is known by the files' content: changed files are another data set."""

    Config = OwnConfig
    files: tuple[RawFile, ...] = ()

    def __init__(self, config: OwnConfig, place: str) -> None:
        self.size = config.size
        path = lasting(place)
        self.place = str(path)
        self.listing = listing(path)
        self.seen = look_at(path, self.listing.paths)
        image = self._image(path)
        rows = self.listing.rows
        how = f"{MADE}{f', cut square and resized to {self.size} (LANCZOS)' if self.size else ''}"
        self.info, self.split = describe(
            short_name(f"folder:{self.place}"), image, rows, config, how, _digest(self.seen, rows.values)
        )

    def read(self, source: Path | None) -> RawTable:
        """Decode all pictures; ``source`` is not needed.

        Raises:
            DataMissing: One cannot be read, or has changed since it was looked at.
        """
        return RawTable(self.listing.rows.values, self.split, self._slabs(), {"folder": self.place})

    def _slabs(self) -> Iterator[np.ndarray]:
        work = list(zip(self.listing.paths, self.seen, strict=True))
        image, size = self.info.image, self.size

        def decoded(part: list[tuple[Path, Seen]]) -> np.ndarray:
            return np.stack([reading(path, partial(pixels, path, seen, image, size)) for path, seen in part])

        yield from ordered_map(decoded, [work[first : first + _SLAB] for first in range(0, len(work), _SLAB)])

    def _image(self, place: Path) -> ImageSpec:
        first, channels = self.seen[0], 1 if all(seen.grey for seen in self.seen) else 3
        if self.size:
            return ImageSpec(channels, self.size, self.size)
        for path, seen in zip(self.listing.paths, self.seen, strict=True):
            if (seen.width, seen.height) != (first.width, first.height):
                sizes = [f"{one.width} x {one.height}" for one in (seen, first)]
                why = f"{str(path)!r} has {sizes[0]} pixels, and those before it have {sizes[1]}."
                raise bad(place, why, "Make them of one size with: --set-data size=64")
        return ImageSpec(channels, first.height, first.width)


def _digest(seen: list[Seen], values: np.ndarray) -> str:
    found = hashlib.sha256("".join(one.sha256 for one in seen).encode())
    found.update(np.ascontiguousarray(values).tobytes())
    return found.hexdigest()
