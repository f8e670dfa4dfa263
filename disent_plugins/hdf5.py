"""HDF5 files of anybody, read without reaching elsewhere: whole arrays that lie in the file itself, nothing else.

HDF5 can point into other files (external and soft links, external storage, virtual data sets) and can claim arrays
whose bytes are not there (chunks never written, which read as zeros). None of it is followed or believed.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from disent_plugins.files import require_regular

LARGEST = 4 << 30
"""Bytes that an array may take in memory, once it is unpacked."""


class NotPlain(ValueError):
    """Something that is no plain array of the file itself; the message says what it is."""


@contextlib.contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """The file, open for reading.

    Raises:
        OSError: It is no regular file, or damaged, whenever that is found while it is open.
    """
    require_regular(path)
    try:
        with h5py.File(path, "r") as file:
            yield file
    except RecursionError:
        raise
    except RuntimeError as error:  # what HDF5 says of most damage
        raise OSError(str(error)) from error


def names(file: h5py.File) -> list[str]:
    """Names of all that the file holds, a group's with a slash at its end; nothing is opened that lies elsewhere."""
    return [_listed(file, name) for name in file]


def _listed(file: h5py.File, name: str | bytes) -> str:
    if isinstance(name, bytes):  # no UTF-8, so none of ours: only shown
        return name.decode("utf-8", "backslashreplace")
    return f"{name}/" if _is_own(file, name) and file.get(name, getclass=True) is h5py.Group else name


def plain(file: h5py.File, name: str, largest: float = LARGEST) -> h5py.Dataset:
    """The array ``name``, not read yet.

    Raises:
        KeyError: Nothing has that name.
        NotPlain: It does not lie in the file itself, or not all of its bytes do, or it takes more than ``largest``.
    """
    if not _is_own(file, name):
        raise NotPlain(f"'{name}' is a link to something else")
    found = file[name]
    if not isinstance(found, h5py.Dataset) or found.shape is None:
        raise NotPlain(f"'{name}' is no array")
    storage = found.id.get_create_plist()
    if found.is_virtual:
        raise NotPlain(f"'{name}' is put together from other files (a virtual data set)")
    if storage.get_external_count():
        raise NotPlain(f"the bytes of '{name}' lie in another file (external storage)")
    itemsize = found.id.get_type().get_size()
    if storage.get_layout() == h5py.h5d.CHUNKED:
        chunk = storage.get_chunk()
        expected = math.prod(math.ceil(size / part) for size, part in zip(found.shape, chunk, strict=True))
        written, claimed = found.id.get_num_chunks(), expected * math.prod(chunk) * itemsize
        if written != expected:
            raise NotPlain(f"only {written:,} of the {expected:,} chunks of '{name}' were ever written")
    else:
        claimed = math.prod(found.shape) * itemsize
        largest = min(largest, Path(file.filename).stat().st_size)
        if claimed and found.id.get_space_status() == h5py.h5d.SPACE_STATUS_NOT_ALLOCATED:
            raise NotPlain(f"'{name}' was never written")
    if claimed > largest:
        raise NotPlain(f"'{name}' claims {claimed:,} bytes, and {largest:,} are possible")
    return found


def read(file: h5py.File, name: str) -> np.ndarray:
    """What ``plain`` finds, in memory; texts as in an ``.npz``, where h5py would give Python objects.

    Raises:
        KeyError, NotPlain: As ``plain``.
        OSError, TypeError, ValueError: It is damaged.
    """
    found = plain(file, name)
    is_text = h5py.check_string_dtype(found.dtype)
    return np.asarray(found.asstr()[()], dtype=str) if is_text else np.asarray(found[()])


def _is_own(file: h5py.File, name: str) -> bool:
    if not file.id.links.exists(name.encode()):
        raise KeyError(f"there is no '{name}'")
    return bool(file.id.links.get_info(name.encode()).type == h5py.h5l.TYPE_HARD)
