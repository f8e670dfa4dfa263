"""Small data sets in the true raw formats, for the tests of the adapters."""

from __future__ import annotations

import dataclasses
import gzip
import io
import struct
from pathlib import Path

import numpy as np

from disent_plugins.contracts import DatasetInfo, Factor, ImageSpec
from disent_plugins.data_adapters.adapter import RawFile, RawTable
from disent_plugins.data_adapters.cars3d import Cars3d

REAL = Path(__file__).parents[3] / "shared" / "data"
"""The real raw files, where they are at hand."""


def pixels(adapter, source):
    """The table that an adapter reads, and its images in one array."""
    table = adapter.read(source)
    return table, np.concatenate(list(table.slabs))


def idx(array: np.ndarray) -> bytes:
    """An IDX file of unsigned bytes."""
    return struct.pack(f">{array.ndim + 1}I", 0x0800 + array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


def write_mnist(folder: Path, train: int = 12, test: int = 4) -> np.ndarray:
    """The four files; the images [train + test, 28, 28] are returned, the label is the row modulo 10."""
    images = np.random.default_rng(0).integers(0, 256, (train + test, 28, 28), dtype=np.uint8)
    digit = np.arange(train + test) % 10
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in (("train", slice(train)), ("t10k", slice(train, None))):
        (folder / f"{name}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images[part])))
        (folder / f"{name}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(digit[part])))
    return images


class FewCars(Cars3d):
    """Cars3D as if only three cars had been published."""

    names = ("car_001_mesh.mat", "car_002_mesh.mat", "car_010_mesh.mat")
    held_out = frozenset({"car_002_mesh.mat"})
    im_digest = ""


def car(number: int) -> np.ndarray:
    """``im`` of a car: every view is plain, its colour (number, azimuth, elevation)."""
    im = np.empty((128, 128, 3, 24, 4), np.uint8)
    im[:, :, 0] = number
    im[:, :, 1] = np.arange(24)[:, None]
    im[:, :, 2] = np.arange(4)
    return im


def car_file(**content: np.ndarray) -> bytes:
    """A MATLAB file."""
    from scipy.io import savemat

    file = io.BytesIO()
    savemat(file, content, do_compression=True)
    return file.getvalue()


def face(seed: int, size: tuple[int, int] = (178, 218)) -> bytes:
    """A JPEG whose left half is dark and right half bright."""
    from PIL import Image

    array = np.full((size[1], size[0], 3), 40 + seed, np.uint8)
    array[:, size[0] // 2 :] = 200
    file = io.BytesIO()
    Image.fromarray(array).save(file, "JPEG", quality=95)
    return file.getvalue()


IDENTITIES = (7, 7, 7, 2880, 2880, 15, 9000, 9000)
PARTITIONS = (0, 0, 0, 0, 0, 1, 2, 2)


def write_celeba(folder: Path) -> list[str]:
    """Eight faces of four people in the official layout; their names are returned."""
    names = [f"{number:06d}.jpg" for number in range(1, len(IDENTITIES) + 1)]
    (folder / "img_align_celeba").mkdir(parents=True)
    for number, name in enumerate(names):
        (folder / "img_align_celeba" / name).write_bytes(face(number))
    write_lists(folder, names)
    return names


def write_lists(folder: Path, names: list[str], identities=IDENTITIES, partitions=PARTITIONS) -> None:
    """The identity list and the partition list; the latter has CR LF line ends, as the official one."""
    people = "".join(f"{name} {person}\n" for name, person in zip(names, identities, strict=True))
    parts = "".join(f"{name} {part}\r\n" for name, part in zip(names, partitions, strict=True))
    (folder / "identity_CelebA.txt").write_bytes(people.encode())
    (folder / "list_eval_partition.txt").write_bytes(parts.encode())


class Tiny:
    """An embedded data set of six 2x3 images in two slabs."""

    info = DatasetInfo(
        name="tiny",
        image=ImageSpec(3, 2, 3),
        factors=(Factor("kind", 4), Factor("pose", 2)),
        content="kind",
        groups_are_distinct=True,
        preprocessing="none",
        licence="none",
        reference="",
    )
    files: tuple[RawFile, ...] = ()
    images = np.arange(6 * 2 * 3 * 3, dtype=np.uint8).reshape(6, 2, 3, 3)

    def read(self, source: Path | None) -> RawTable:
        factors = np.array([[0, 0], [0, 1], [1, 0], [1, 1], [2, 0], [2, 1]])
        split = np.array([0, 0, 0, 0, 1, 2], np.uint8)
        return RawTable(factors, split, iter([self.images[:4], self.images[4:]]), {"made": "here"})


class Large(Tiny):
    """Images that fill a small disk; only as many as asked for are made."""

    info = dataclasses.replace(Tiny.info, name="large", image=ImageSpec(1, 64, 64))

    def __init__(self, count: int) -> None:
        self.count, self.made = count, 0

    def read(self, source):
        factors = np.stack([np.arange(self.count) % 4, np.arange(self.count) % 2], axis=1)
        return RawTable(factors, (2 * (np.arange(self.count) % 2)).astype(np.uint8), self._slabs())

    def _slabs(self):
        for _ in range(self.count):
            self.made += 1
            yield np.zeros((1, 64, 64, 1), np.uint8)
