"""One immutable HDF5 file per data set and preprocessing: written once, opened in no time, read by memory map.

``images`` uint8 [N, H, W, C] (contiguous, uncompressed, page-aligned), ``factors`` [N, F] int64, or float64 if one is
continuous, ``split`` uint8 [N];
attributes: ``format_version``, ``dataset``, ``info``, ``sources``, ``preprocessing``, ``content_hash``, ``maker``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from disent_plugins.contracts import DatasetInfo, Factor, ImageSpec, ImageTable, Report
from disent_plugins.errors import DataMissing

if TYPE_CHECKING:
    import h5py

FORMAT_VERSION = 2
"""2: factors have kinds and named values, and an adapter's options stand in ``info``."""

SHORT = 10
"""Digits of the digest in a cache's name."""

_ATTRIBUTES = ("format_version", "dataset", "info", "sources", "preprocessing", "content_hash", "maker")


def quiet(done: int, total: int, what: str) -> None:
    """A ``Report`` that says nothing."""


def cache_folder() -> Path:
    """``$DISENT_CACHE``, otherwise ``disent-plugins`` in the user's cache folder. Nothing is created."""
    if chosen := os.environ.get("DISENT_CACHE"):
        return Path(chosen).expanduser()
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser() / "disent-plugins"


def cache_path(info: DatasetInfo) -> Path:
    """Where the cache of a data set belongs.

    Its name changes with the preprocessing, the factors, what was chosen of the adapter's options, and the format.
    """
    factors = [asdict(factor) for factor in info.factors]
    identity = [FORMAT_VERSION, info.name, info.image.shape, factors, info.preprocessing, dict(info.options)]
    short = hashlib.sha256(json.dumps(identity, default=str).encode()).hexdigest()[:SHORT]
    return cache_folder() / f"{info.name}-{short}.h5"


def others_of(path: Path, info: DatasetInfo) -> list[Path]:
    """Caches of the same data set by another description, or by another release, beside ``path``."""
    found = path.parent.glob(f"{info.name}-{'[0-9a-f]' * SHORT}.h5")
    return sorted(other for other in found if other != path)


def derived_folder(table: ImageTable) -> Path:
    """Folder for what is made of a data set's content alone and worth keeping. Nothing is created."""
    return cache_folder() / "derived" / f"{table.info.name}-{table.digest[:10]}"


def open_table(path: Path, info: DatasetInfo) -> ImageTable:
    """Open a cache; the images stay on the disk, behind a read-only memory map.

    Args:
        path: The cache file.
        info: The data set that is expected in it.

    Returns:
        The table. Its ``info`` carries the factor sizes that were found when the cache was built.

    Raises:
        DataMissing: There is no such file, it is damaged, or it is of another format or data set.
    """
    table = _open(path, info.name)
    if (table.info.name, table.info.image) != (info.name, info.image):
        raise _damaged(path, info.name, f"it holds '{table.info.name}' {table.info.image.shape}")
    return table


def verify(path: Path, report: Report = quiet) -> None:
    """Hash the whole content again and compare it with the hash taken when the cache was built.

    Raises:
        DataMissing: The content has changed, or the file cannot be opened.
    """
    table = _open(path, _name_in(path))
    content, n = hashlib.sha256(), len(table.images)
    step = max(1, (16 << 20) // table.images[0].nbytes)
    for start in range(0, n, step):
        content.update(table.images[start : start + step].data)
        report(min(start + step, n), n, f"verifying {table.info.name}")
    found = finish_hash(content, table.factors, table.split)
    if found != table.digest:
        raise _damaged(path, table.info.name, f"its content hashes to {found}, but {table.digest} was written")


def read_attributes(path: Path) -> dict[str, Any]:
    """The attributes of a cache, ``info`` and ``sources`` decoded, for listings.

    Raises:
        DataMissing: As ``open_table``.
    """
    with _opened(path, _name_in(path)) as file:
        return _attributes(file, path, _name_in(path))


def finish_hash(content: Any, factors: np.ndarray, split: np.ndarray) -> str:
    """The content hash: SHA-256 of images (already in ``content``), factors (little-endian, 64 bits each) and split."""
    content.update(np.ascontiguousarray(factors, "<f8" if factors.dtype.kind == "f" else "<i8").data)
    content.update(np.ascontiguousarray(split, np.uint8).data)
    return str(content.hexdigest())


def _open(path: Path, name: str) -> ImageTable:
    with _opened(path, name) as file:
        attributes = _attributes(file, path, name)
        try:
            images, factors, split = file["images"], file["factors"][:], file["split"][:]
            offset, shape, dtype = images.id.get_offset(), images.shape, images.dtype
            info = _info_from(attributes["info"])
        except (KeyError, TypeError, ValueError, AttributeError, OSError) as error:
            raise _damaged(path, name, f"it lacks something: {error}") from error
    image = info.image
    whole = (
        dtype == np.uint8
        and offset is not None
        and shape == (len(split), image.height, image.width, image.channels)
        and factors.shape == (len(split), len(info.factors))
        and offset + math.prod(shape) <= path.stat().st_size
    )
    if not whole:
        raise _damaged(path, name, "its arrays do not fit its description")
    pixels = np.memmap(path, np.uint8, mode="r", offset=offset, shape=shape)
    factors = factors.astype(np.float64 if factors.dtype.kind == "f" else np.int64)
    return ImageTable(info, pixels, factors, split, attributes["content_hash"], path)


@contextlib.contextmanager
def _opened(path: Path, name: str) -> Iterator[h5py.File]:
    import h5py

    if not path.is_file():
        why, hint = f"There is no {path}.", f"Prepare it: disent data prepare {name}"
        raise DataMissing(f"Data set '{name}' is not prepared.", why, hint)
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise _damaged(path, name, f"HDF5 cannot open it: {error}") from error
    with file:
        yield file


def _attributes(file: h5py.File, path: Path, name: str) -> dict[str, Any]:
    version = file.attrs.get("format_version", FORMAT_VERSION)
    if version != FORMAT_VERSION:
        raise _damaged(path, name, f"it has format version {version}, this release reads {FORMAT_VERSION}")
    missing = [key for key in _ATTRIBUTES if key not in file.attrs]
    if missing:
        raise _damaged(path, name, f"it has no {', '.join(missing)}")
    found = {key: file.attrs[key] for key in _ATTRIBUTES} | {"format_version": FORMAT_VERSION}
    try:
        return found | {key: json.loads(found[key]) for key in ("info", "sources")}
    except (TypeError, ValueError) as error:
        raise _damaged(path, name, f"its description is not JSON: {error}") from error


def _info_from(value: dict[str, Any]) -> DatasetInfo:
    factors = tuple(Factor(**factor | {"values": tuple(factor["values"])}) for factor in value["factors"])
    return DatasetInfo(**(value | {"image": ImageSpec(**value["image"]), "factors": factors}))


def _name_in(path: Path) -> str:
    """The data set's name as ``cache_path`` put it into the file name."""
    return path.stem.rpartition("-")[0] or path.stem


def _damaged(path: Path, name: str, why: str) -> DataMissing:
    return DataMissing(
        f"The cache {path} cannot be used.",
        f"It is damaged or foreign: {why}.",
        f"Build it again: disent data prepare {name} --rebuild",
    )
