"""Writes a cache: in slabs, beside its final name, into reserved space, then moved into place."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from disent_plugins.content import has_value
from disent_plugins.contracts import SPLITS, DatasetInfo, Factor, Report
from disent_plugins.data_adapters.cache import FORMAT_VERSION, cache_path, finish_hash, quiet
from disent_plugins.errors import PluginFailure
from disent_plugins.files import replacing
from disent_plugins.version import __version__

if TYPE_CHECKING:
    from disent_plugins.data_adapters.adapter import DataAdapter, RawTable

_PAGE = 4096
_DESCRIPTION = 1 << 18  # bytes reserved for the attributes; HDF5 gives back what it does not use
_NO_FALLOCATE = {errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS}


def build(adapter: DataAdapter, source: Path | None, report: Report = quiet) -> Path:
    """Write the cache of ``adapter`` from the raw files in ``source``. The caller holds the lock (see ``store``).

    Slabs are written as they arrive, so memory stays bounded; the disk space is reserved first, so a full disk
    shows before the work and not after it.

    Raises:
        DataMissing: The raw files are not what they should be.
        WorkFailed: The disk is full. Nothing is left behind.
        PluginFailure: The adapter's arrays do not fit its own description.
    """
    info, path = adapter.info, cache_path(adapter.info)
    raw = adapter.read(source)
    with contextlib.ExitStack() as stack:
        # A reader may hold threads and an open archive: they end here, whatever happens.
        stack.callback(getattr(raw.slabs, "close", lambda: None))
        _check(info, raw)
        with replacing(path) as temporary:
            _allocate(temporary, info, raw)
            content_hash = _write_images(temporary, info, raw, report)
            _describe(temporary, info, raw, content_hash)
    return path


def _check(info: DatasetInfo, raw: RawTable) -> None:
    sizes = [factor.size for factor in info.factors]
    if raw.factors.ndim != 2 or raw.factors.shape[1] != len(sizes) or raw.split.shape != raw.factors.shape[:1]:
        raise _broken(info, f"factors {raw.factors.shape}, split {raw.split.shape} for {len(sizes)} factors")
    if not len(raw.factors):
        raise _broken(info, "it holds no image")
    for factor, column in zip(info.factors, raw.factors.T, strict=True):
        if why := unfit(factor, column):
            raise _broken(info, f"the factor '{factor.name}' {why}")
    if raw.split.max() >= len(SPLITS):
        raise _broken(info, f"a split lies outside 0..{len(SPLITS) - 1}")
    for number in (0, 2):  # found now and not when a model is trained and nothing can be measured
        if not (raw.split == number).any():
            raise _broken(info, f"it has no {SPLITS[number]} image: models are trained on 'train', measured on 'test'")


def unfit(factor: Factor, column: np.ndarray) -> str:
    """What is wrong with the column [N] of a factor, or nothing."""
    values = column[has_value(column, factor.kind)]
    if factor.kind == "continuous":
        if column.dtype.kind != "f":
            return f"is continuous, and its column is {column.dtype} instead of float64"
        return "" if np.isfinite(values).all() else "is infinite somewhere"
    if (values != np.rint(values)).any():
        return "has values that are no whole numbers, and it is not continuous"
    if ((values < 0) | (values >= factor.size)).any():
        return f"has values from {values.min():g} to {values.max():g}, and its size is {factor.size}"
    return ""


def _broken(info: DatasetInfo, why: str) -> PluginFailure:
    return PluginFailure(f"The adapter of data set '{info.name}' broke its contract.", f"{why}.", "Tell its author.")


def _allocate(path: Path, info: DatasetInfo, raw: RawTable) -> None:
    """Lay out the file and reserve its space."""
    import h5py

    shape = (len(raw.factors), info.image.height, info.image.width, info.image.channels)
    with _as_os_error(), h5py.File(path, "w", alignment_threshold=_PAGE, alignment_interval=_PAGE) as file:
        file.create_dataset("factors", data=raw.factors, dtype=_kept(raw.factors))
        file.create_dataset("split", data=raw.split, dtype=np.uint8)
        layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        layout.set_layout(h5py.h5d.CONTIGUOUS)
        layout.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        layout.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        h5py.h5d.create(file.id, b"images", h5py.h5t.NATIVE_UINT8, h5py.h5s.create_simple(shape), dcpl=layout)
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            try:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size + _DESCRIPTION)
            except OSError as error:
                if error.errno not in _NO_FALLOCATE:
                    raise


def _write_images(path: Path, info: DatasetInfo, raw: RawTable, report: Report) -> str:
    """Fill ``images`` slab by slab and return the content hash.

    Written through the file descriptor: a memory map would die of SIGBUS on a full disk where this raises an error.
    """
    n, shape = len(raw.factors), (info.image.height, info.image.width, info.image.channels)
    what = f"building {info.name}"
    content, done = hashlib.sha256(), 0
    report(0, n, what)
    with path.open("r+b") as file:
        file.seek(_image_offset(path))
        for slab in raw.slabs:
            if slab.dtype != np.uint8 or slab.shape[1:] != shape:
                raise _broken(info, f"a slab is {slab.dtype} {slab.shape}, expected uint8 of [n, *{shape}]")
            done += len(slab)
            if done > n:
                raise _broken(info, f"there are {n} rows of factors but more images")
            data = np.ascontiguousarray(slab).data
            content.update(data)
            file.write(data)
            report(done, n, what)
    if done < n:
        raise _broken(info, f"there are {n} rows of factors but {done} images")
    return finish_hash(content, raw.factors.astype(_kept(raw.factors)), raw.split)


def _kept(factors: np.ndarray) -> type:
    return np.float64 if factors.dtype.kind == "f" else np.int64


def _image_offset(path: Path) -> int:
    import h5py

    with h5py.File(path, "r") as file:
        return int(file["images"].id.get_offset())


def _describe(path: Path, info: DatasetInfo, raw: RawTable, content_hash: str) -> None:
    """Write the attributes: last, because adapters complete ``sources`` while they read."""
    import h5py

    actual = tuple(_found(*pair) for pair in zip(info.factors, raw.factors.T, strict=True))
    with _as_os_error(), h5py.File(path, "r+") as file:
        file.attrs["format_version"] = FORMAT_VERSION
        file.attrs["dataset"] = info.name
        file.attrs["info"] = json.dumps(dataclasses.asdict(dataclasses.replace(info, factors=actual)))
        file.attrs["sources"] = json.dumps(raw.sources)
        file.attrs["preprocessing"] = info.preprocessing
        file.attrs["content_hash"] = content_hash
        file.attrs["maker"] = f"disent-plugins {__version__}"


def _found(factor: Factor, column: np.ndarray) -> Factor:
    """The factor with the size that occurs, where its size means no more than that."""
    if factor.kind in ("circular", "continuous") or factor.values:
        return factor
    return dataclasses.replace(factor, size=max(int(column.max()) + 1, 1))


@contextlib.contextmanager
def _as_os_error() -> Iterator[None]:
    """HDF5 reports a full disk as a RuntimeError when it closes a file."""
    try:
        yield
    except RuntimeError as error:
        raise OSError(str(error)) from error
