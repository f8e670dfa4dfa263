"""The IDX format of MNIST's files: big-endian magic number and sizes, then bytes."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from disent_plugins.errors import DataMissing


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """Read unsigned bytes from an IDX file, gzip-compressed if its name ends in ``.gz``.

    Args:
        path: The file.
        dimensions: Expected number of axes: 3 for images, 1 for labels.

    Returns:
        uint8 array of the sizes that the header gives.

    Raises:
        DataMissing: The file is unreadable, has another magic number, or its length contradicts its header.
    """
    content = _bytes(path)
    magic = 0x00000800 + dimensions
    found = int.from_bytes(content[:4], "big")
    if len(content) < 4 or found != magic:
        raise _bad(path, f"Its magic number is 0x{found:08x}, an IDX file of this kind has 0x{magic:08x}.")
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise _bad(path, f"It ends inside its header: {len(content)} bytes.")
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", dimensions, 4))
    if len(content) != start + math.prod(shape):
        sizes = " x ".join(map(str, shape))
        raise _bad(path, f"Its header says {sizes} bytes, but {len(content) - start} follow.")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _bytes(path: Path) -> bytes:
    try:
        if path.suffix == ".gz":
            with gzip.open(path) as file:
                return file.read()
        return path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise _bad(path, f"It cannot be read: {error}") from error


def _bad(path: Path, why: str) -> DataMissing:
    return DataMissing(
        f"{path} is not the IDX file it should be.",
        why,
        "Delete it and run: disent data prepare mnist; or name a folder with good files: --source DIR",
    )
