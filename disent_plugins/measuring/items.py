"""Outcomes of single items on disk: one compressed ``.npz`` for each measured metric, beside its pictures.

Its arrays are ``G`` [N] int64, the items, and ``G/NAME`` [N], the outcome of every one of them for the value NAME, with
G counting the different sets of items of the metric's values.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from disent_plugins.contracts import Items, Result
from disent_plugins.errors import UsageError
from disent_plugins.files import replacing
from disent_plugins.measuring.results import kept_name

ITEMS = "items"
"""The artifact of a document that names the file."""

_LARGEST = 1 << 30


def write_items(path: Path, items: Mapping[str, Items]) -> None:
    """Write the items of a metric's values, atomically.

    Raises:
        UsageError, WorkFailed: See ``files.clear_disk_errors``.
    """
    sets: list[np.ndarray] = []
    arrays: dict[str, np.ndarray] = {}
    for name, found in items.items():
        item, outcome = np.asarray(found.item, np.int64), np.asarray(found.outcome)
        group = next((number for number, known in enumerate(sets) if np.array_equal(known, item)), len(sets))
        if group == len(sets):
            sets.append(item)
            arrays[str(group)] = item
        arrays[f"{group}/{name}"] = outcome if outcome.dtype == bool else outcome.astype(np.float32)
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # numpy takes the names for its own options


def with_items(result: Result, place: Path) -> Result:
    """The result with the file of its items, if it has any, among its artifacts: written where its document is kept.

    Args:
        result: Of a metric.
        place: The folder of its ``results.json``.

    Raises:
        UsageError, WorkFailed: See ``files.clear_disk_errors``.
    """
    if not result.items:
        return result
    path = place / ITEMS / f"{kept_name(result.metric, result.settings).replace(':', '-')}.npz"
    write_items(path, result.items)
    return replace(result, artifacts={**result.artifacts, ITEMS: path})


def read_items(path: Path) -> dict[str, Items]:
    """Value name to its items.

    Raises:
        UsageError: The file is missing or damaged, or not one of ours.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _LARGEST:
                raise ValueError("it is larger than any that is written")
        with np.load(path, allow_pickle=False) as arrays:
            return {
                key.partition("/")[2]: Items(arrays[key.partition("/")[0]], arrays[key])
                for key in arrays.files
                if "/" in key
            }
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise UsageError(f"{path} cannot be read.", f"It holds no outcomes of single items: {error}.") from error
