"""What is known of every row: do factors and split fit the description of their data set? Asked at every door."""

from __future__ import annotations

import dataclasses

import numpy as np

from disent_plugins.content import has_value
from disent_plugins.contracts import SPLITS, DatasetInfo, Factor


def kept_type(info: DatasetInfo) -> type[np.int64 | np.float64]:
    """Type in which a table's factors are kept: float64 if one of them is continuous, otherwise int64."""
    return np.float64 if any(factor.kind == "continuous" for factor in info.factors) else np.int64


def misfit(info: DatasetInfo, factors: np.ndarray, split: np.ndarray) -> str:
    """What is wrong with factors [N, F] and split [N] of that data set, or nothing."""
    count = len(info.factors)
    if np.ndim(factors) != 2 or np.shape(factors)[1] != count or np.shape(split) != np.shape(factors)[:1]:
        return f"factors {np.shape(factors)}, split {np.shape(split)} for {count} factors"
    if factors.dtype.kind not in "iuf" or split.dtype.kind not in "iu":
        return f"factors are {factors.dtype} and split is {split.dtype}, which are no numbers"
    if not len(factors):
        return "it holds no image"
    for factor, column in zip(info.factors, factors.T, strict=True):
        if why := unfit(factor, column):
            return f"the factor '{factor.name}' {why}"
    if split.min() < 0 or split.max() >= len(SPLITS):
        return f"a split lies outside 0..{len(SPLITS) - 1}"
    for number in (0, 2):  # found now and not when a model is trained and nothing can be measured
        if not (split == number).any():
            return f"it has no {SPLITS[number]} image: models are trained on 'train', measured on 'test'"
    return ""


def unfit(factor: Factor, column: np.ndarray) -> str:
    """What is wrong with the column [N] of a factor, or nothing."""
    values = column[has_value(column, factor.kind)]
    if factor.kind == "continuous":
        if column.dtype.kind != "f":
            return f"is continuous, and its column is {column.dtype} instead of float64"
        return "" if np.isfinite(values).all() else "is infinite somewhere"
    if values.dtype.kind == "f" and (values != np.rint(values)).any():
        return "has values that are no whole numbers, and it is not continuous"
    if ((values < 0) | (values >= factor.size)).any():
        return f"has values from {values.min():g} to {values.max():g}, and its size is {factor.size}"
    return ""


def with_sizes_found(info: DatasetInfo, factors: np.ndarray) -> DatasetInfo:
    """The description with the sizes of the factors that occur, where a size means no more than that."""
    found = tuple(_found(*pair) for pair in zip(info.factors, factors.T, strict=True))
    return dataclasses.replace(info, factors=found)


def _found(factor: Factor, column: np.ndarray) -> Factor:
    if factor.kind in ("circular", "continuous") or factor.values:
        return factor
    return dataclasses.replace(factor, size=max(int(column.max()) + 1, 1))
