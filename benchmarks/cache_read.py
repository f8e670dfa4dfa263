"""Random batches of 256 images of 64x64x3 from the cache, warm, against h5py fancy indexing of the same file.

    python benchmarks/cache_read.py [--images 20000] [--batches 200]

Both readers get the same sorted index sets (h5py demands ascending indices); the page cache is warm for both.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np

from disent_plugins.contracts import DatasetInfo, Factor, ImageSpec
from disent_plugins.data_adapters.adapter import RawFile, RawTable
from disent_plugins.data_adapters.store import prepare

BATCH = 256


class Noise:
    """Random images of 64x64x3."""

    info = DatasetInfo("noise", ImageSpec(3, 64, 64), (Factor("none", 1),), "none", False, "none", "none", "")
    files: tuple[RawFile, ...] = ()

    def __init__(self, count: int) -> None:
        self.count = count

    def read(self, source: Path | None) -> RawTable:
        return RawTable(np.zeros((self.count, 1), np.int64), np.zeros(self.count, np.uint8), self._slabs())

    def _slabs(self) -> Iterator[np.ndarray]:
        random = np.random.default_rng(0)
        for start in range(0, self.count, 1000):
            yield random.integers(0, 256, (min(1000, self.count - start), 64, 64, 3), np.uint8)


def images_per_second(read: Callable[[np.ndarray], np.ndarray], index: np.ndarray) -> tuple[float, int]:
    """Speed over the batches of ``index`` [n, B], and the sum of all pixels as proof of work."""
    start = time.perf_counter()
    total = sum(int(read(batch)[:, 0, 0, 0].sum()) for batch in index)
    return index.size / (time.perf_counter() - start), total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=20_000)
    parser.add_argument("--batches", type=int, default=200, help="for the memory map; h5py gets a tenth of them")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DISENT_CACHE"] = folder
        table = prepare(Noise(given.images))
        random = np.random.default_rng(1)
        index = np.stack([np.sort(random.choice(given.images, BATCH, replace=False)) for _ in range(given.batches)])
        with h5py.File(table.path) as file:
            np.asarray(table.images).sum()  # both warm
            few = index[: max(1, given.batches // 10)]
            slow, expected = images_per_second(lambda batch: file["images"][batch], few)
            same = images_per_second(lambda batch: table.images[batch], few)[1]
            fast, _ = images_per_second(lambda batch: table.images[batch], index)
    assert same == expected
    print(f"random batches of {BATCH} of 64x64x3 from {given.images:,} images, warm")
    print(f"  h5py fancy indexing   {slow:12,.0f} images/s")
    print(f"  cache (memory map)    {fast:12,.0f} images/s")
    print(f"  ratio                 {fast / slow:12.1f}   (goal: 20)")


if __name__ == "__main__":
    main()
