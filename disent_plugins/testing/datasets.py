"""``check_dataset``: does a class keep the data contract (``disent_plugins.data_adapters.adapter.DataAdapter``)?"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from disent_plugins.content import content_labels, has_value
from disent_plugins.contracts import SPLITS, DatasetInfo
from disent_plugins.contracts.broken import demand
from disent_plugins.contracts.classes import check_class
from disent_plugins.contracts.descriptions import check_adapter
from disent_plugins.data_adapters.adapter import RawFile, RawTable, make_adapter
from disent_plugins.data_adapters.rows import unfit


def check_dataset(adapter_class: type, source: Path | None = None, options: Mapping[str, Any] | None = None) -> None:
    """Check a data adapter: description, files, factors, splits, slabs, groups, and that it reads the same twice.

    Args:
        adapter_class: Called without arguments, or with its ``Config``.
        source: Folder with the raw files, whole or made small by the test; None for embedded data.
        options: Of its ``Config``; its defaults if None.

    Raises:
        ContractError: What is broken, and how to mend it.
        DataMissing: The adapter's own word that the raw files are not usable.
    """
    name = adapter_class.__name__
    check_class("data set", adapter_class)
    adapter: Any = make_adapter(adapter_class, options or {}, name)
    info: DatasetInfo = check_adapter(adapter).info
    _check_info(info, name)
    _check_files(adapter, name)
    first = _read(adapter, name, source)
    _check_rows(info, name, *first[:2])
    second = _read(adapter, name, source)
    demand(
        all(np.array_equal(one, other) for one, other in zip(first[:2], second[:2], strict=True))
        and first[2] == second[2],
        f"{name}.read gives other rows or images the second time.",
        "Sort what a folder lists, and seed what is random.",
    )


def _check_info(info: DatasetInfo, name: str) -> None:
    shared = [factor for factor in info.factors if factor.name in {info.content, *info.content.split("+")}]
    demand(
        all(factor.kind != "continuous" for factor in shared),
        f"{name}.info.content is '{info.content}', and a continuous factor is part of it.",
        "Groups share one value of a category: name another factor, or cut this one into classes.",
    )
    demand(
        all(factor.size >= 2 for factor in info.factors if factor.kind != "continuous"),
        f"{name}.info has a factor with fewer than two values.",
        "A factor that does not vary is none: leave it out.",
    )
    for field in ("name", "preprocessing", "licence", "reference"):
        demand(
            getattr(info, field).strip(),
            f"{name}.info.{field} is empty.",
            "It is stored with every cache and shown by 'disent data show'.",
        )


def _check_files(adapter: Any, name: str) -> None:
    files = getattr(adapter, "files", None)
    demand(
        isinstance(files, tuple) and all(isinstance(file, RawFile) for file in files),
        f"{name}.files is not a tuple of RawFile.",
        "Give (RawFile(...), ...), or () for embedded data.",
    )
    for file in files or ():
        demand(
            file.urls or file.obtain,
            f"{name}: raw file {file.name} has neither a URL nor words on how to obtain it.",
            "Give urls=(...), or obtain='...' where a licence forbids a download.",
        )
        demand(
            not file.hash or file.hash.partition(":")[0] in hashlib.algorithms_available,
            f"{name}: the hash of {file.name} is '{file.hash}'.",
            "Write it as 'sha256:...' or 'md5:...'.",
        )


def _read(adapter: Any, name: str, source: Path | None) -> tuple[np.ndarray, np.ndarray, str]:
    """Factors, split and a hash of the images."""
    table = adapter.read(source)
    demand(isinstance(table, RawTable), f"{name}.read returns {type(table).__name__}.", "Return a RawTable.")
    expected = (adapter.info.image.height, adapter.info.image.width, adapter.info.image.channels)
    total, digest = 0, hashlib.sha256()
    for slab in table.slabs:
        demand(
            isinstance(slab, np.ndarray) and slab.dtype == np.uint8 and slab.ndim == 4 and slab.shape[1:] == expected,
            f"{name}.read yields a slab {getattr(slab, 'dtype', '')} {np.shape(slab)}.",
            f"Slabs are uint8 [n, H, W, C], here [n, {', '.join(map(str, expected))}].",
        )
        total += len(slab)
        digest.update(np.ascontiguousarray(slab).data)
    demand(
        total == len(table.factors) == len(table.split),
        f"{name}.read gives {total} images, {len(table.factors)} rows of factors and {len(table.split)} of split.",
        "All three have one row per image.",
    )
    return table.factors, table.split, digest.hexdigest()


def _check_rows(info: DatasetInfo, name: str, factors: np.ndarray, split: np.ndarray) -> None:
    kept = np.float64 if any(factor.kind == "continuous" for factor in info.factors) else np.int64
    demand(
        factors.dtype == kept and factors.ndim == 2 and factors.shape[1] == len(info.factors),
        f"{name}.read: factors are {factors.dtype} {factors.shape}.",
        f"They are {kept.__name__} [N, {len(info.factors)}], a column for each factor of info.",
    )
    for column, factor in zip(factors.T, info.factors, strict=True):
        why = unfit(factor, column)
        demand(
            not why,
            f"{name}.read: factor '{factor.name}' {why}.",
            "Code every factor as 0..size-1, and a missing value as -1, in a continuous factor NaN.",
        )
    demand(
        split.dtype == np.uint8 and split.ndim == 1 and split.max() < len(SPLITS),
        f"{name}.read: split is {split.dtype} with values up to {split.max()}.",
        "It is uint8 [N]: 0 train, 1 validation, 2 test.",
    )
    for number in (0, 2):
        demand(
            (split == number).any(),
            f"{name}.read gives no {SPLITS[number]} image.",
            "Models are trained on 'train' and measured on 'test': both must exist.",
        )
    labels = content_labels(factors, info.factor_names, info.content)[split == 0]
    sizes = np.bincount(labels[has_value(labels)], minlength=1)
    demand(
        sizes.max() >= 2,
        f"{name}: no two training images share a '{info.content}'.",
        "Groups are what a model learns from: content must be a factor that several images share.",
    )
