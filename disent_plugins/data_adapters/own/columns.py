"""Columns of anybody's values as factors: texts and numbers coded 0..size-1, quantities as they are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from disent_plugins.content import KINDS, MISSING, Factor, FactorKind

_NAMES = 16_384
"""Letters that the names of a factor's values may have together: they stand in an attribute of the cache."""


class Unfit(ValueError):
    """What is wrong with a column, and the row, from 0, where that is one."""

    def __init__(self, why: str, row: int | None = None) -> None:
        super().__init__(why)
        self.row = row


def coded(name: str, column: np.ndarray, kind: FactorKind = "category") -> tuple[Factor, np.ndarray]:
    """A column [N] of texts or numbers as a factor, and its values [N]: int64 codes, or float64 if it is continuous.

    Values are coded in ascending order, of numbers if all are, otherwise of letters. An empty text, -1 and, in a
    continuous column, NaN stand for no value.

    Raises:
        Unfit: A value is no number where it has to be one, or the kind is none.

    >>> factor, codes = coded("size", np.array(["10", "", "9"]), "ordered")
    >>> factor.values, codes.tolist()
    (('9', '10'), [1, -1, 0])
    """
    if kind not in KINDS:
        raise Unfit(f"'{name}' is of kind '{kind}'; there are {', '.join(KINDS)}")
    if kind == "continuous":
        return Factor(name, 0, kind), _numbers(name, column)
    if column.dtype.kind not in "iuU":
        column = _whole(name, column)
    texts = column.dtype.kind == "U"
    known = column != ("" if texts else MISSING)
    if not texts and (column < MISSING).any():
        row = int(np.argmax(column < MISSING))
        raise Unfit(f"'{name}' is {column[row]} in row {row + 1}; whole numbers from 0 on are values, -1 is none", row)
    values, codes = np.unique(column[known], return_inverse=True)
    if not len(values):
        raise Unfit(f"'{name}' has no value in any row")
    order = np.argsort(_as_numbers(values), kind="stable") if texts else np.arange(len(values))
    place = np.empty(len(values), np.int64)
    place[order] = np.arange(len(values))
    found = np.full(len(column), MISSING, np.int64)
    found[known] = place[codes.reshape(-1)]
    names = tuple(str(value) for value in values[order])
    return Factor(name, len(names), kind, names if sum(map(len, names)) <= _NAMES else ()), found


def named(name: str, column: np.ndarray, names: Sequence[str]) -> tuple[Factor, np.ndarray]:
    """A column [N] of numbers that stand for ``names``, -1 for none.

    Raises:
        Unfit: A number has no name.
    """
    whole = column if column.dtype.kind in "iu" else _whole(name, column)
    bad = (whole < MISSING) | (whole >= len(names))
    if bad.any():
        row = int(np.argmax(bad))
        raise Unfit(f"'{name}' is {whole[row]} in row {row + 1}, and there are {len(names)} names", row)
    values = tuple(names) if sum(map(len, names)) <= _NAMES else ()
    return Factor(name, len(names), values=values), whole.astype(np.int64)


def joined(columns: Sequence[np.ndarray]) -> np.ndarray:
    """[N, F] of columns [N]: int64, or float64 if one of them is."""
    return np.stack([np.asarray(column) for column in columns], axis=1)


def _numbers(name: str, column: np.ndarray) -> np.ndarray:
    if column.dtype.kind in "iuf":
        found = column.astype(np.float64)
    elif column.dtype.kind == "U":
        found = np.array([_number(name, str(text), row) for row, text in enumerate(column)])
    else:
        raise Unfit(f"'{name}' is {column.dtype} and no numbers")
    if np.isinf(found).any():
        row = int(np.argmax(np.isinf(found)))
        raise Unfit(f"'{name}' is infinite in row {row + 1}", row)
    return found


def _number(name: str, text: str, row: int) -> float:
    try:
        return float(text) if text else float("nan")
    except ValueError:
        raise Unfit(f"'{name}' is {text!r} in row {row + 1}, which is no number", row) from None


def _whole(name: str, column: np.ndarray) -> np.ndarray:
    if column.dtype.kind != "f":
        raise Unfit(f"'{name}' is {column.dtype} and neither whole numbers nor texts")
    bad = ~np.isfinite(column) | (column != np.rint(column))
    if bad.any():
        row = int(np.argmax(bad))
        raise Unfit(f"'{name}' is {column[row]:g} in row {row + 1}; quantities are of kind 'continuous'", row)
    return column.astype(np.int64)


def _as_numbers(texts: np.ndarray) -> np.ndarray:
    """What texts are sorted by: their numbers if all are, otherwise themselves, which are sorted already."""
    try:
        return texts.astype(np.float64)
    except ValueError:
        return np.arange(len(texts))
