"""A matrix as a picture: squares with their numbers in them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import colormaps

from disent_plugins.metrics.pictures.canvas import EDGE, INK, MUTED, SMALL, TEXT, Heading, Sheet

CELL = 56
LETTER = 0.62
"""Width of a letter by its height."""


def heatmap(
    path: Path, matrix: np.ndarray, rows: Sequence[str], columns: Sequence[str], *, title: str, words: str,
    row_title: str = "", column_title: str = "", low: float = 0.0, high: float = 1.0, form: str = ".2f",
) -> Path:  # fmt: skip
    """Draw a matrix [R, C] as PNG, atomically.

    Args:
        path: The file.
        matrix: Numbers; NaN is left blank.
        rows, columns: R and C labels.
        title: Heading.
        words: What the picture shows and how to read it.
        row_title, column_title: What rows and columns are.
        low, high: Numbers of the lightest and the darkest colour.
        form: Format of the numbers.
    """
    left = EDGE + 24 + int(max(map(len, rows)) * TEXT * LETTER) + 8
    slanted = int(max(map(len, columns)) * TEXT * LETTER)
    turned = slanted > CELL - 6  # labels too long for their column are written upwards
    right = max(left + CELL * len(columns), 460)
    heading = Heading(title, words, right - EDGE)
    top = heading.height + 24 + (slanted if turned else TEXT) + 26
    sheet = Sheet(right + EDGE, top + CELL * len(rows) + EDGE)
    sheet.head(heading, EDGE)
    sheet.text(column_title, left, heading.height + 14, size=SMALL, color=MUTED)
    if row_title:
        sheet.text(row_title, EDGE, top, size=SMALL, color=MUTED, at="left top", turned=True)
    for j, label in enumerate(columns):
        x = left + CELL * j + CELL / 2
        sheet.text(label, x, top - 8, at="center bottom", turned=turned)
    paint = colormaps["Blues"]
    for i, label in enumerate(rows):
        y = top + CELL * i
        sheet.text(label, left - 8, y + CELL / 2, at="right center")
        for j in range(len(columns)):
            number = matrix[i, j]
            if not np.isfinite(number):
                continue
            share = float(np.clip((number - low) / (high - low), 0, 1)) if high > low else 0.0
            square = np.broadcast_to(np.asarray(paint(0.9 * share)[:3], dtype=np.float32), (CELL - 2, CELL - 2, 3))
            sheet.tile(square, left + CELL * j, y)
            ink = "#ffffff" if share > 0.6 else INK
            sheet.text(format(number, form), left + CELL * j + CELL / 2, y + CELL / 2, size=SMALL, color=ink,
                       at="center center")  # fmt: skip
    return sheet.save(path)
