"""A table of factors: what is known of each, which rows lack a value, and the content, which groups share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    import numpy as np

FactorKind = Literal["category", "ordered", "circular", "continuous"]
"""What the numbers of a factor mean: names only, an order, equal steps round a circle, or a quantity."""

KINDS: tuple[FactorKind, ...] = get_args(FactorKind)

MISSING = -1
"""A whole number that stands for no value; in a continuous column NaN does."""


@dataclass(frozen=True)
class Factor:
    """One factor of variation.

    Attributes:
        name: Its name.
        size: Number of its values, which are coded 0..size-1; 0 for a continuous factor.
        kind: ``category``: the values are names. ``ordered``: they have an order and are read as equal steps.
            ``circular``: value v lies at the angle 2 pi v / size, all of them once round. ``continuous``: real numbers.
        values: Names of the values, ``size`` of them, for tables and pictures; or none.

    Raises:
        ValueError: The four contradict each other.

    >>> Factor("elevation", 2, "ordered", ("0 deg", "30 deg")).size
    2
    """

    name: str
    size: int = 0
    kind: FactorKind = "category"
    values: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"factor '{self.name}' is of kind {self.kind!r}; there are {', '.join(KINDS)}")
        if self.kind == "continuous" and (self.size or self.values):
            raise ValueError(f"factor '{self.name}' is continuous: it has no number of values, and no names of them")
        if self.values and len(self.values) != self.size:
            raise ValueError(f"factor '{self.name}' has {self.size} values and {len(self.values)} names of them")


def has_value(column: np.ndarray, kind: FactorKind = "category") -> np.ndarray:
    """[N] bool: where a factor's column [N] holds a value."""
    import numpy as np

    found: np.ndarray = ~np.isnan(column) if kind == "continuous" else column != MISSING
    return found


def content_columns(names: Sequence[str], content: str) -> list[int]:
    """Columns of the factors that ``content`` names: one, or several joined by ``+``.

    >>> content_columns(("angle", "shape", "hue"), "shape+hue")
    [1, 2]
    """
    parts = [content] if content in names else content.split("+")
    return [list(names).index(part) for part in parts]


def content_labels(factors: np.ndarray, names: Sequence[str], content: str) -> np.ndarray:
    """[N] int64 the content of every row of ``factors`` [N, F]; several content factors count as one, numbered 0..

    Rows that lack the value of a content factor have ``MISSING``.
    """
    import numpy as np

    columns = factors[:, content_columns(names, content)].astype(np.int64)
    if columns.shape[1] == 1:
        return columns[:, 0]
    labels = np.full(len(columns), MISSING, np.int64)
    known = (columns != MISSING).all(axis=1)
    labels[known] = np.unique(columns[known], axis=0, return_inverse=True)[1].reshape(-1)
    return labels
