"""Factors that are given twice: columns that divide the rows alike are one factor, whatever their values are called.

Counted twice, a factor halves every gap between the best code and the second best, its ceiling too, so that a perfect
code scores above it; and a copy of the content among the style factors reads as a style that leaks.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

LABELS = "labels"
"""The factor that comes as an array of its own, without a name."""


def counted_once(columns: Mapping[str, np.ndarray], content: str) -> tuple[list[str], str, tuple[str, ...]]:
    """Which factors are left, the content in their names, and a sentence for each that was given twice.

    ``labels`` give way to the factor, or to several together, that divide the rows as they do, for those have a name;
    otherwise the first of several like factors is left.

    Args:
        columns: Name to [N] values.
        content: The content factor, several joined by ``+``.

    >>> shape = np.array([0, 0, 1, 1, 2, 2])
    >>> left, content, said = counted_once({"labels": 9 - shape, "shape": shape, "pose": shape % 2}, "labels")
    >>> left, content, said[0]
    (['shape', 'pose'], 'shape', "'labels' divides the rows as 'shape' does: counted once, as 'shape'.")
    """
    factors = {name: column for name, column in columns.items() if name != LABELS}
    stands = _first_alike(factors)
    left = {name: columns[name] for name in factors if stands[name] == name}
    if LABELS in columns:
        stands[LABELS] = held_by(columns[LABELS], left) or LABELS
    names = [name for name in columns if stands[name] == name]
    named = dict.fromkeys(name for part in _parts(content, columns) for name in _parts(stands[part], columns))
    notes = tuple(
        f"'{name}' divides the rows as '{other}' does: counted once, as '{other}'."
        for name, other in stands.items()
        if name != other
    )
    return names, "+".join(named), notes


def _parts(name: str, columns: Mapping[str, np.ndarray]) -> list[str]:
    return [name] if name in columns else name.split("+")


def _first_alike(columns: Mapping[str, np.ndarray]) -> dict[str, str]:
    """Name of every factor to the name of the first one that divides the rows alike, often its own.

    Columns with one value only, or with another one in every row, divide nothing and stand for themselves.
    """
    seen: dict[bytes, str] = {}
    stands = {}
    for name, column in columns.items():
        first, values = _first_rows(column)
        divides = 1 < values < len(column)
        stands[name] = seen.setdefault(first.tobytes(), name) if divides else name
    return stands


def held_by(labels: np.ndarray, columns: Mapping[str, np.ndarray]) -> str | None:
    """The factor, or the factors joined by ``+``, that divide the rows exactly as ``labels`` [N] do; None without any.

    >>> factors = {"shape": np.array([0, 0, 1, 1]), "hue": np.array([0, 1, 0, 1]), "pose": np.array([0, 0, 0, 1])}
    >>> held_by(np.array([5, 5, 2, 2]), factors), held_by(np.array([4, 3, 2, 1]), {**factors, "pose": np.zeros(4)})
    ('shape', 'shape+hue')
    >>> held_by(np.array([1, 0, 0, 1]), factors)
    """
    first, classes = _first_rows(labels)
    values = {name: len(np.unique(column)) for name, column in columns.items()}
    told = [name for name, column in columns.items() if values[name] > 1 and (column == column[first]).all()]
    for name in told:
        if values[name] == classes:
            return name
    if not told or any("+" in name for name in told):
        return None
    joined = np.unique(np.stack([columns[name] for name in told], axis=1), axis=0)
    return "+".join(told) if len(joined) == classes else None


def _first_rows(column: np.ndarray) -> tuple[np.ndarray, int]:
    """The first row with the value of every row, [N], which is the same for columns that divide alike; how many."""
    _, first, inverse = np.unique(column, return_index=True, return_inverse=True)
    return first[inverse.reshape(-1)], len(first)
