"""Arrays of an ``.npz`` file: what a header claims is compared with the bytes that are there before it is believed."""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Container
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from disent_plugins.errors import UsageError

_HEADER = 1 << 16
_CERTAIN, _TIGHTEST = 1 << 30, 20
_VERSIONS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def believed(name: str, claimed: int, stored: int) -> None:
    """Refuse an array of a file that claims far more than is stored of it; up to 1 GiB, and 20 times that, it may.

    Raises:
        ValueError: It claims more bytes.
    """
    if claimed > max(_CERTAIN, _TIGHTEST * stored):
        raise ValueError(f"'{name}' says that it has {claimed} bytes, and {stored} are there")


def read_npz(path: Path, wanted: Container[str]) -> tuple[dict[str, np.ndarray], list[str]]:
    """The arrays that are wanted, and the names of all.

    Raises:
        UsageError: An array holds Python objects.
        Exception: The file is damaged, which makes its readers fail in many ways.
    """
    with zipfile.ZipFile(path) as archive:
        members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
        found = {name: _read(path, archive, member, name) for name, member in members.items() if name in wanted}
        return found, list(members)


def shape_in(path: Path, name: str) -> tuple[tuple[int, ...], np.dtype]:
    """Shape and type of an array that is not read.

    Raises:
        KeyError: Nothing has that name.
        Exception: As ``read_npz``.
    """
    with zipfile.ZipFile(path) as archive:
        return _claimed(path, archive, archive.getinfo(f"{name}.npy"), name)


def _read(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> np.ndarray:
    _claimed(path, archive, member, name)
    with archive.open(member) as file:
        return npy.read_array(file, allow_pickle=False)


def _claimed(
    path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str
) -> tuple[tuple[int, ...], np.dtype]:
    """What the header says, after it was compared with the file."""
    believed(name, member.file_size, min(member.compress_size, path.stat().st_size))
    with archive.open(member) as file:
        start = io.BytesIO(file.read(_HEADER))
    version = npy.read_magic(start)
    if version not in _VERSIONS:
        raise ValueError(f"'{name}' is an array of format {version[0]}.{version[1]}, and 1.0 and 2.0 are read")
    shape, _, dtype = _VERSIONS[version](start)
    if dtype.hasobject:
        raise UsageError(
            f"{path} holds Python objects in '{name}'.",
            "Only plain numbers and texts are read: loading objects could run code.",
            f"Save it as numbers, for example with {name}.astype(float), or as text with {name}.astype(str).",
        )
    claimed, there = math.prod(shape) * dtype.itemsize, member.file_size - start.tell()
    if claimed != there or not dtype.itemsize:
        raise ValueError(f"'{name}' says that it has {claimed} bytes, {shape} of {dtype}, and {there} are there")
    return shape, dtype
