"""Arrays of an ``.npz`` file: what a header claims is compared with the bytes that are there before it is believed."""

from __future__ import annotations

import io
import math
import zipfile
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from disent_plugins.errors import UsageError
from disent_plugins.metrics.codes.arrays import KNOWN, believed

_HEADER = 1 << 16
_VERSIONS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def read_npz(path: Path) -> tuple[dict[str, np.ndarray], list[str]]:
    """The arrays that are ours, and the names of all.

    Raises:
        UsageError: An array holds Python objects.
        Exception: The file is damaged, which makes its readers fail in many ways.
    """
    with zipfile.ZipFile(path) as archive:
        members = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
        found = {name: _read(path, archive, member, name) for name, member in members.items() if name in KNOWN}
        return found, list(members)


def _read(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> np.ndarray:
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
    with archive.open(member) as file:
        return npy.read_array(file, allow_pickle=False)
