"""Opens a cache and believes nothing in it: what every row says at once, the images once per file.

Reading factors and split and hashing them takes milliseconds, so it is done at every opening. The images are hashed
when the file is not the one that was last found intact, which is kept beside it: path, size, times and inode.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from disent_plugins.contracts import DatasetInfo, Factor, ImageSpec, ImageTable, Report
from disent_plugins.data_adapters.cache import ATTRIBUTES, FORMAT_VERSION, checked_path, identity, quiet, read_checked
from disent_plugins.data_adapters.cache_hash import content_hash, images_hash, seal
from disent_plugins.data_adapters.rows import kept_type, misfit, with_sizes_found
from disent_plugins.errors import DataMissing, DisentError
from disent_plugins.files import write_json

if TYPE_CHECKING:
    import h5py


def open_table(path: Path, info: DatasetInfo, report: Report = quiet) -> ImageTable:
    """Open a cache; the images stay on the disk, behind a read-only memory map.

    Args:
        path: The cache file.
        info: The data set that is expected in it.
        report: Progress of checking the images, where that is needed.

    Returns:
        The table. Its ``info`` carries the factor sizes that were found.

    Raises:
        DataMissing: There is no such file, it is damaged, or it is of another format or data set.
    """
    table, of_images = _open(path, info.name)
    if identity(table.info) != identity(info):
        _damaged(path, info.name, f"it holds '{table.info.name}' {table.info.image.shape} of another description")
    if read_checked(path) != _checked(table):
        _check_images(table, of_images, f"checking {info.name}", report)
    return _finished(table)


def verify(path: Path, report: Report = quiet) -> ImageTable:
    """Hash the whole content again, whenever it was last done, and compare it with what was written.

    Raises:
        DataMissing: The content has changed, or the file cannot be opened.
    """
    table, of_images = _open(path, _name_in(path))
    _check_images(table, of_images, f"verifying {table.info.name}", report)
    return _finished(table)


def read_attributes(path: Path) -> dict[str, Any]:
    """The attributes of a cache, ``info`` and ``sources`` decoded.

    Raises:
        DataMissing: As ``open_table``.
    """
    with _opened(path, _name_in(path)) as file:
        return _decoded(_attributes(file, path, _name_in(path)), path)


def _finished(table: ImageTable) -> ImageTable:
    table.info = with_sizes_found(table.info, table.factors)
    return table


def _open(path: Path, name: str) -> tuple[ImageTable, str]:
    """The table, all of it checked but the images, and their hash."""
    with _opened(path, name) as file:
        kept = _attributes(file, path, name)
        attributes = _decoded(kept, path)
        info = _info_from(attributes["info"], path, name)
        arrays = _arrays(file, info, path, name)
    shape, offset, factors, split = arrays
    if why := misfit(info, factors, split):
        _damaged(path, name, why)
    if seal(kept) != kept["seal"] or (kept["dataset"], kept["preprocessing"]) != (info.name, info.preprocessing):
        _damaged(path, name, "its attributes are not those that were written")
    found = content_hash(info, shape, kept["images_hash"], factors, split)
    if found != kept["content_hash"]:
        why = f"its factors, split and description hash to {found}, but {kept['content_hash']} was written"
        _damaged(path, name, why)
    pixels = np.memmap(path, np.uint8, mode="r", offset=offset, shape=shape)
    return ImageTable(info, pixels, factors, split, found, path), kept["images_hash"]


def _check_images(table: ImageTable, expected: str, what: str, report: Report) -> None:
    assert table.path is not None
    before, n = _checked(table), len(table.images)
    found = images_hash(table.images, lambda done: report(done, n, what))
    if found != expected:
        why = f"its images hash to {found}, but {expected} was written"
        _damaged(table.path, table.info.name, why)
    # Not noted of a file that was changed meanwhile; where nothing can be written, the next opening checks again.
    if before == _checked(table):
        with contextlib.suppress(DisentError, OSError):
            write_json(checked_path(table.path), before)


def _checked(table: ImageTable) -> dict[str, Any]:
    """The note that this very file was found intact: what changes if its bytes or its place do."""
    assert table.path is not None
    status = table.path.stat()
    file = {
        "path": str(table.path.resolve()), "size": status.st_size, "inode": status.st_ino,
        "modified_ns": status.st_mtime_ns, "changed_ns": status.st_ctime_ns,
    }  # fmt: skip
    return {"file": file, "content_hash": table.digest, "images": len(table.images)}


@contextlib.contextmanager
def _opened(path: Path, name: str) -> Iterator[h5py.File]:
    from disent_plugins.hdf5 import opened

    if not path.is_file():
        why, hint = f"There is no {path}.", f"Prepare it: disent data prepare {name}"
        raise DataMissing(f"Data set '{name}' is not prepared.", why, hint)
    try:
        with opened(path) as file:
            yield file
    except OSError as error:
        _damaged(path, name, f"HDF5 cannot read it: {error}")


def _attributes(file: h5py.File, path: Path, name: str) -> dict[str, Any]:
    """The attributes as they stand in the file, of the types they should have."""
    try:
        kept = {key: file.attrs[key] for key in ("format_version", *ATTRIBUTES) if key in file.attrs}
    except (KeyError, TypeError, ValueError) as error:
        _damaged(path, name, f"its attributes cannot be read: {error}")
    version = kept.get("format_version", FORMAT_VERSION)
    if not isinstance(version, np.integer | int):
        _damaged(path, name, f"its 'format_version' is {type(version).__name__} and no number")
    if version != FORMAT_VERSION:
        _damaged(path, name, f"it has format version {version}, this release reads {FORMAT_VERSION}")
    if missing := [key for key in ATTRIBUTES if key not in kept]:
        _damaged(path, name, f"it has no {', '.join(missing)}")
    for key in ATTRIBUTES[1:]:
        if not isinstance(kept[key], str):
            _damaged(path, name, f"its '{key}' is {type(kept[key]).__name__} and no text")
    return kept | {"format_version": FORMAT_VERSION}


def _decoded(kept: dict[str, Any], path: Path) -> dict[str, Any]:
    try:
        return kept | {key: json.loads(kept[key]) for key in ("info", "sources")}
    except (ValueError, RecursionError) as error:
        _damaged(path, _name_in(path), f"its description is not JSON: {error}")


def _info_from(value: Any, path: Path, name: str) -> DatasetInfo:
    try:
        factors = tuple(Factor(**factor | {"values": tuple(factor["values"])}) for factor in value["factors"])
        info = DatasetInfo(**(value | {"image": ImageSpec(**value["image"]), "factors": factors}))
        good = all(type(size) is int for size in (*info.image.shape, *(factor.size for factor in factors)))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        _damaged(path, name, f"its description lacks or holds something: {error}")
    if not good:
        _damaged(path, name, "its description has a size that is no whole number")
    return info


def _arrays(
    file: h5py.File, info: DatasetInfo, path: Path, name: str
) -> tuple[tuple[int, ...], int, np.ndarray, np.ndarray]:
    """Shape of the images and their place in the file, factors and split; of the types and shapes they should have."""
    from disent_plugins.hdf5 import NotPlain, plain

    try:
        found = {"images": plain(file, "images", math.inf), **{key: plain(file, key) for key in ("factors", "split")}}
        kinds = {key: (array.dtype, array.shape) for key, array in found.items()}
        offset, n = found["images"].id.get_offset(), len(found["split"])
    except (KeyError, TypeError, ValueError) as error:
        _damaged(path, name, str(error) if isinstance(error, NotPlain) else f"it lacks something: {error}")
    image = info.image
    expected = {
        "images": (np.dtype(np.uint8), (n, image.height, image.width, image.channels)),
        "factors": (np.dtype(kept_type(info)), (n, len(info.factors))),
        "split": (np.dtype(np.uint8), (n,)),
    }
    unfit = "its arrays do not fit its description"
    for key, (dtype, shape) in expected.items():
        if kinds[key] != (dtype, shape):
            _damaged(path, name, f"{unfit}: '{key}' is {kinds[key][0]} {kinds[key][1]}, not {dtype} {shape}")
    if offset is None:
        _damaged(path, name, f"{unfit}: 'images' are not in one piece")
    return expected["images"][1], offset, found["factors"][:], found["split"][:]


def _name_in(path: Path) -> str:
    """The data set's name as ``cache_path`` put it into the file name."""
    return path.stem.rpartition("-")[0] or path.stem


def _damaged(path: Path, name: str, why: str) -> NoReturn:
    raise DataMissing(
        f"The cache {path} cannot be used.",
        f"It is damaged or foreign: {why}.",
        f"Build it again: disent data prepare {name} --rebuild",
    )
