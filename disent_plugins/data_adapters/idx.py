"""The IDX format of MNIST's files: big-endian magic number and sizes, then bytes."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import IO, cast

import numpy as np

from disent_plugins.errors import DataMissing

LARGEST = 1 << 30
"""Bytes that a file may hold; MNIST's largest holds 47 million."""

_TIGHTEST = 1032
"""How many bytes gzip can put into one."""


def read_idx(path: Path, dimensions: int) -> np.ndarray:
    """Read unsigned bytes from an IDX file, gzip-compressed if its name ends in ``.gz``.

    Args:
        path: The file.
        dimensions: Expected number of axes: 3 for images, 1 for labels.

    Returns:
        uint8 array of the sizes that the header gives.

    Raises:
        DataMissing: The file is unreadable, has another magic number, its length contradicts its header, or it says
            that it holds more than ``LARGEST``: then nothing of that is read.
    """
    magic = 0x00000800 + dimensions
    try:
        with _opened(path) as file:
            head = file.read(4 + 4 * dimensions)
            found = int.from_bytes(head[:4], "big")
            if len(head) < 4 or found != magic:
                raise _bad(path, f"Its magic number is 0x{found:08x}, an IDX file of this kind has 0x{magic:08x}.")
            if len(head) < 4 + 4 * dimensions:
                raise _bad(path, f"It ends inside its header: {len(head)} bytes.")
            shape = tuple(int(size) for size in np.frombuffer(head, ">u4", dimensions, 4))
            size, sizes = math.prod(shape), " x ".join(map(str, shape))
            if size > LARGEST:
                raise _bad(path, f"Its header says {sizes} bytes, and more than {LARGEST} are not read.")
            if size > path.stat().st_size * _TIGHTEST:
                raise _bad(path, f"Its header says {sizes} bytes, and the file has {path.stat().st_size} in all.")
            content = file.read(size + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise _bad(path, f"It cannot be read: {error}") from error
    if len(content) != size:
        follow = f"{'at least ' * (len(content) > size)}{len(content)} follow"
        raise _bad(path, f"Its header says {sizes} bytes, but {follow}.")
    return np.frombuffer(content, np.uint8).reshape(shape)


def _opened(path: Path) -> IO[bytes]:
    return cast(IO[bytes], gzip.open(path)) if path.suffix == ".gz" else path.open("rb")


def _bad(path: Path, why: str) -> DataMissing:
    return DataMissing(
        f"{path} is not the IDX file it should be.",
        why,
        "Delete it and run: disent data prepare mnist; or name a folder with good files: --source DIR",
    )
