"""Factors of all kinds: read from anybody's arrays, coded, kept with our own codes, cut into classes, and named."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import cast

import numpy as np

from disent_plugins.content import KINDS, MISSING, Factor, FactorKind, content_columns, has_value
from disent_plugins.contracts import Codes
from disent_plugins.errors import suggestion
from disent_plugins.metrics.codes.arrays import Door


def read_table(door: Door) -> tuple[np.ndarray, list[FactorKind]]:
    """The array ``factors`` [N, F], and the kind of every column: ``factor_kinds``, or categories.

    Returns:
        int64, or float64 where a column is continuous; and F kinds.

    Raises:
        UsageError: Kinds that are unknown or not one a column, whole numbers that are none, infinite quantities.
    """
    array = door.get("factors", 2)
    kinds = door.texts("factor_kinds") or ("category",) * array.shape[1]
    if len(kinds) != array.shape[1]:
        raise door.error(f"has {array.shape[1]} columns in 'factors' but {len(kinds)} 'factor_kinds'.")
    for kind in kinds:
        if kind not in KINDS:
            raise door.error(f"has '{kind}' in 'factor_kinds'.", suggestion(kind, KINDS), f"There are {_KNOWN}.")
    real = np.array([kind == "continuous" for kind in kinds])
    whole = Door(door.source, {"factors": array[:, ~real]}, door.first, door.holds).whole("factors", 2)
    if not real.any():
        return whole, cast(list[FactorKind], list(kinds))
    if array.dtype.kind not in "fiub":
        raise door.error(f"has 'factors' of type {array.dtype}; continuous ones need numbers.")
    table = array.astype(np.float64)
    if np.isinf(table).any():
        raise door.error("has infinity in 'factors'.", hint="Write NaN where a value is missing.")
    table[:, ~real] = whole
    return table, cast(list[FactorKind], list(kinds))


_KNOWN = ", ".join(KINDS)


def coded(door: Door, name: str, column: np.ndarray, kind: FactorKind) -> np.ndarray:
    """A column [N] of whole numbers as 0..size-1 in the order of its values, -1 where it has none; quantities stay.

    A column of -1 and one other number holds two values: one alone would be no factor.

    Raises:
        UsageError: The values of a circular factor are not equally far apart.
    """
    if kind == "continuous":
        return column
    known = has_value(column)
    if len(np.unique(column[known])) < 2:
        known[:] = True
    values = np.unique(column[known])
    steps = np.diff(values)
    if kind == "circular" and len(np.unique(steps)) > 1:
        raise door.error(
            f"has a circular factor '{name}' whose values are not equally far apart.",
            f"They lie {steps.min():g} to {steps.max():g} apart, and once round the circle every step is the same.",
            "Give every value of the circle a row, or give sine and cosine as two continuous factors.",
        )
    found = np.full(len(column), MISSING, np.int64)
    found[known] = np.searchsorted(values, column[known])
    return found


def size_of(column: np.ndarray, kind: FactorKind) -> int:
    """Number of values of a coded column [N]; 0 for a continuous one."""
    return 0 if kind == "continuous" else max(int(column.max()) + 1, 1)


def as_text(described: Sequence[Factor]) -> str:
    """What is known of factors, for a file of our own."""
    return json.dumps([asdict(factor) for factor in described])


def from_text(text: str) -> tuple[Factor, ...]:
    """What ``as_text`` wrote.

    Raises:
        ValueError, TypeError: It is damaged.
    """
    return tuple(Factor(**{**part, "values": tuple(part["values"])}) for part in json.loads(text))


def as_classes(codes: Codes, bins: int) -> np.ndarray:
    """The factors [N, F] as int64 classes, -1 where a value is missing.

    Continuous ones are cut into ``bins`` classes of about equal counts, at quantiles of all rows.

    >>> codes = Codes(np.zeros((4, 1)), np.zeros((4, 1)), np.array([[0.1], [0.7], [np.nan], [0.3]]), ("x",), "x",
    ...               np.zeros(4), described=(Factor("x", kind="continuous"),))
    >>> as_classes(codes, 3).ravel().tolist()
    [0, 2, -1, 1]
    """
    if codes.factors.dtype.kind != "f":
        return codes.factors
    found = np.full(codes.factors.shape, MISSING, np.int64)
    for column, name in enumerate(codes.factor_names):
        values, kind = codes.factors[:, column], codes.factor(name).kind
        known = has_value(values, kind)
        part = values[known]
        if kind == "continuous" and len(part):
            edges = np.unique(np.quantile(part, np.arange(1, bins) / bins))
            part = np.searchsorted(edges, part, side="right")
        found[known, column] = part
    return found


def label_names(codes: Codes, labels: np.ndarray) -> list[str]:
    """What to call the contents ``labels`` [K]: the names of their values, otherwise their numbers.

    >>> codes = Codes(np.zeros((2, 1)), np.zeros((2, 1)), np.array([[1, 0], [0, 3]]), ("shape", "hue"), "shape+hue",
    ...               np.zeros(2), described=(Factor("shape", 2, values=("heart", "moon")),))
    >>> label_names(codes, np.array([0, 1]))
    ['heart 3', 'moon 0']
    """
    columns = content_columns(codes.factor_names, codes.content_factor)
    if len(columns) == 1:
        rows = labels[:, None]
    else:
        found, first = np.unique(codes.labels, return_index=True)
        rows = codes.factors[first[np.searchsorted(found, labels)]][:, columns].astype(np.int64)
    values = [codes.factor(codes.factor_names[column]).values for column in columns]
    return [" ".join(of[x] if of else str(x) for of, x in zip(values, row, strict=True)) for row in rows.tolist()]
