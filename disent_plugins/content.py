"""Content in a table of factors: the factor that groups share, or several of them that count as one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def content_columns(names: Sequence[str], content: str) -> list[int]:
    """Columns of the factors that ``content`` names: one, or several joined by ``+``.

    >>> content_columns(("angle", "shape", "hue"), "shape+hue")
    [1, 2]
    """
    parts = [content] if content in names else content.split("+")
    return [list(names).index(part) for part in parts]


def content_labels(factors: np.ndarray, names: Sequence[str], content: str) -> np.ndarray:
    """[N] int64 the content of every row of ``factors`` [N, F]; several content factors count as one, numbered 0.."""
    import numpy as np

    columns = factors[:, content_columns(names, content)]
    return columns[:, 0] if columns.shape[1] == 1 else np.unique(columns, axis=0, return_inverse=True)[1].reshape(-1)
