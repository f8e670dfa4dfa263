"""One array of a MATLAB file, versions 5 to 7: what it claims is compared with what it holds before it is read."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator

import numpy as np

_HEADER, _COMPRESSED = 128, 15
_ORDERS = {b"IM": "<", b"MI": ">"}


def read_array(content: bytes, name: str, shape: tuple[int, ...], dtype: str, most: int) -> np.ndarray:
    """The array ``name`` of the file whose bytes are ``content``.

    Args:
        content: The file.
        name: The array.
        shape: The shape that it has to have.
        dtype: The type that it has to have, such as ``uint8``.
        most: Bytes that the file may hold, unpacked.

    Raises:
        LookupError: There is no such array, or it is of another shape or type.
        Exception: The file is damaged, which makes the reader fail in many ways.
    """
    from scipy.io import loadmat, whosmat

    wanted = f"'{name}' {dtype} {shape}"
    found = {
        f"'{name}' {kind} {size}": alone
        for alone in _variables(content, most)
        for title, size, kind in whosmat(io.BytesIO(alone))
        if title == name
    }
    if list(found) != [wanted]:
        there = " and ".join(found) or f"no '{name}'"
        raise LookupError(f"It holds {there}, expected {wanted}.")
    array = loadmat(io.BytesIO(found[wanted]))[name]
    if (array.shape, array.dtype) != (shape, np.dtype(dtype)):
        raise LookupError(f"It holds '{name}' {array.dtype} {array.shape}, expected {wanted}.")
    return array


def _variables(content: bytes, most: int) -> Iterator[bytes]:
    """A file of its own for every variable, unpacked: the reader would believe whatever a packed one claims to hold."""
    if len(content) < _HEADER or content[126:128] not in _ORDERS:
        raise ValueError("it has no header of a MATLAB file of version 5 to 7")
    tag = struct.Struct(_ORDERS[content[126:128]] + "II")
    at, room = _HEADER, most
    while at < len(content):
        kind, size = tag.unpack_from(content, at)
        end = at + tag.size + size
        if end > len(content):
            raise ValueError(f"it ends inside an element of {size} bytes")
        part = content[at:end]
        if kind == _COMPRESSED:
            unpacking = zlib.decompressobj()
            part = unpacking.decompress(part[tag.size :], room + 1)
            if not unpacking.eof and len(part) <= room:
                raise ValueError("it ends inside a compressed element")
        room -= len(part)
        if room < 0:
            raise ValueError(f"it holds more than {most} bytes")
        yield content[:_HEADER] + part
        at = end
