"""The front door: a data set's table, from its cache if there is one, otherwise fetched and built once."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from disent_plugins.contracts import DatasetInfo, ImageTable, Report
from disent_plugins.data_adapters.adapter import DataAdapter, RawFile
from disent_plugins.data_adapters.cache import cache_folder, cache_path, caches_of, checked_path, quiet
from disent_plugins.data_adapters.cache_read import open_table, read_attributes
from disent_plugins.data_adapters.code import code_hash
from disent_plugins.errors import DataMissing, PluginFailure
from disent_plugins.files import clear_disk_errors


def prepare(
    adapter: DataAdapter, source: Path | None = None, *, rebuild: bool = False, report: Report = quiet
) -> ImageTable:
    """Open a data set, downloading and building what is missing.

    Args:
        adapter: The data set.
        source: Folder that already holds the raw files; then the network is not used. Not looked at if the cache
            exists, unless ``rebuild``.
        rebuild: Build the cache again even if it exists.
        report: Progress.

    Returns:
        The table; its images are a memory map of the cache.

    Raises:
        DataMissing: Raw files are missing, unreachable or wrong, or the cache is damaged.
        WorkFailed: The disk is full; nothing is left behind.
        UsageError: The cache folder cannot be written to.
        PluginFailure: The adapter's description or raw files are of no type of ours, or its arrays do not fit it.
    """
    # Their names become paths, so only types that refuse names leading elsewhere are taken.
    if not isinstance(adapter.info, DatasetInfo) or not all(isinstance(file, RawFile) for file in adapter.files):
        raise PluginFailure(
            f"The adapter {type(adapter).__name__} broke its contract.",
            "Its 'info' is no DatasetInfo, or something in its 'files' is no RawFile.",
            "Its author can check it with disent_plugins.testing.check_dataset",
        )
    path, name = cache_path(adapter.info), adapter.info.name
    if rebuild or not _is_current(path, adapter):
        with _only_builder(path, name, report):
            if rebuild or not _is_current(path, adapter):
                if path.is_file() and not rebuild:
                    report(0, 0, f"{path.name} was built by other code than {name} has now: building anew")
                for old in (other for other in caches_of(name) if other != path):
                    report(0, 0, f"{old.name} is of another description or release of {name}: building anew")
                _build(adapter, source, report)
    return open_table(path, adapter.info, report)


def remove(path: Path, name: str, report: Report = quiet) -> None:
    """Remove a cache of the data set ``name`` and the note beside it, once nobody is building it any more."""
    with _only_builder(path, name, report):
        path.unlink(missing_ok=True)
        checked_path(path).unlink(missing_ok=True)


def _is_current(path: Path, adapter: DataAdapter) -> bool:
    """Whether there is a cache, built by the code that the adapter has now."""
    return path.is_file() and read_attributes(path)["code"] == code_hash(adapter)


def _build(adapter: DataAdapter, source: Path | None, report: Report) -> None:
    from disent_plugins.data_adapters.cache_build import build
    from disent_plugins.data_adapters.fetch import fetch, pin, require_published, without_downloads

    name, files = adapter.info.name, adapter.files
    if source is not None and not source.is_dir():
        raise DataMissing(f"There is no folder {source}.", "--source names the folder that holds the raw files.")
    if source is None and adapter.info.subset:
        why = f"The subset '{adapter.info.subset}' is of files of your own, and no folder with them is named."
        raise DataMissing(f"There are no raw files of data set '{name}'.", why, "Name their folder: --source DIR")
    if source is not None or not files:
        if source is not None and not adapter.info.subset:
            require_published(name, files, source, report)
        build(adapter, source, report)
        return
    folder = cache_folder() / "raw" / name
    new = [file for file in files if not (folder / file.name).exists()]
    fetch(name, files, folder, report)
    try:
        build(adapter, folder, report)
    except DataMissing as error:
        raise without_downloads(error, new, folder) from error
    pin(files, folder)


@contextlib.contextmanager
def _only_builder(path: Path, name: str, report: Report) -> Iterator[None]:
    """Hold the lock file beside ``path``; wait, and say so, while another process holds it."""
    from filelock import FileLock, Timeout

    with clear_disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{path}.lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            report(0, 0, f"waiting for another process that is building {name}")
            lock.acquire()
    try:
        # Nobody else builds now, so these are what killed builds left behind.
        for leftover in path.parent.glob(f".{path.name}.*.partial"):
            leftover.unlink(missing_ok=True)
        yield
    finally:
        lock.release()
