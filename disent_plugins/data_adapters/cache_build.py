"""Writes a cache: in slabs, beside its final name, into reserved space, then moved into place."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from disent_plugins.contracts import DatasetInfo, Report
from disent_plugins.data_adapters.cache import FORMAT_VERSION, cache_path, quiet
from disent_plugins.data_adapters.cache_hash import ImagesHash, content_hash, seal
from disent_plugins.data_adapters.code import code_hash
from disent_plugins.data_adapters.rows import kept_type, misfit
from disent_plugins.errors import PluginFailure
from disent_plugins.files import replacing, require_space
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
        if why := misfit(info, raw.factors, raw.split):
            raise _broken(info, why)
        factors, split = raw.factors.astype(kept_type(info)), raw.split.astype(np.uint8)
        with replacing(path, locked=False) as temporary:  # the builder's lock is enough
            shape = _allocate(temporary, info, factors, split)
            of_images = _write_images(temporary, info, raw, report)
            of_content = content_hash(info, shape, of_images, factors, split)
            _describe(temporary, adapter, raw, {"images_hash": of_images, "content_hash": of_content})
    return path


def _broken(info: DatasetInfo, why: str) -> PluginFailure:
    return PluginFailure(f"The adapter of data set '{info.name}' broke its contract.", f"{why}.", "Tell its author.")


def _allocate(path: Path, info: DatasetInfo, factors: np.ndarray, split: np.ndarray) -> tuple[int, ...]:
    """Lay out the file, reserve its space, and return the shape of the images."""
    import h5py

    shape = (len(factors), info.image.height, info.image.width, info.image.channels)
    require_space(path, math.prod(shape) + factors.nbytes + split.nbytes + _DESCRIPTION)
    with _as_os_error(), h5py.File(path, "w", alignment_threshold=_PAGE, alignment_interval=_PAGE) as file:
        file.create_dataset("factors", data=factors)
        file.create_dataset("split", data=split)
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
    return shape


def _write_images(path: Path, info: DatasetInfo, raw: RawTable, report: Report) -> str:
    """Fill ``images`` slab by slab and return their hash.

    Written through the file descriptor: a memory map would die of SIGBUS on a full disk where this raises an error.
    """
    n, shape = len(raw.factors), (info.image.height, info.image.width, info.image.channels)
    what = f"building {info.name}"
    content, done = ImagesHash(), 0
    report(0, n, what)
    with path.open("r+b") as file:
        file.seek(_image_offset(path))
        for slab in raw.slabs:
            if slab.dtype != np.uint8 or slab.shape[1:] != shape:
                raise _broken(info, f"a slab is {slab.dtype} {slab.shape}, expected uint8 of [n, *{shape}]")
            done += len(slab)
            if done > n:
                raise _broken(info, f"there are {n} rows of factors but more images")
            data = np.ascontiguousarray(slab).reshape(-1).data
            content.update(data)
            file.write(data)
            report(done, n, what)
    if done < n:
        raise _broken(info, f"there are {n} rows of factors but {done} images")
    return content.hexdigest()


def _image_offset(path: Path) -> int:
    import h5py

    with h5py.File(path, "r") as file:
        return int(file["images"].id.get_offset())


def _describe(path: Path, adapter: DataAdapter, raw: RawTable, hashes: Mapping[str, str]) -> None:
    """Write the attributes: last, because adapters complete ``sources`` while they read."""
    import h5py

    info = adapter.info
    attributes: dict[str, str | int] = {
        "format_version": FORMAT_VERSION,
        "dataset": info.name,
        "info": json.dumps(dataclasses.asdict(info), default=str),
        "sources": json.dumps(raw.sources),
        "preprocessing": info.preprocessing,
        "code": code_hash(adapter),
        **hashes,
        "maker": f"disent-plugins {__version__}",
    }
    with _as_os_error(), h5py.File(path, "r+") as file:
        file.attrs.update(attributes | {"seal": seal(attributes)})


@contextlib.contextmanager
def _as_os_error() -> Iterator[None]:
    """HDF5 reports a full disk as a RuntimeError when it closes a file."""
    try:
        yield
    except RuntimeError as error:
        raise OSError(str(error)) from error
