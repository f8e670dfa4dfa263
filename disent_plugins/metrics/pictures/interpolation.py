"""Interpolation between two test images, content and style apart (GM-VAE paper, Figure 5).

An n x n grid. Column j has the content (1 - t) * content(A) + t * content(B) with t = j / (n - 1), row i the style
likewise with t = i / (n - 1): the top left tile is the reconstruction of A, the bottom right one that of B, the two
other corners are swaps. Means are decoded, in evaluation mode.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from disent_plugins.about import About
from disent_plugins.contracts import Codes, Result, Subject
from disent_plugins.errors import UsageError
from disent_plugins.metrics.pictures.canvas import (
    CONTENT,
    EDGE,
    INK,
    LABEL,
    SMALL,
    STYLE,
    Heading,
    Sheet,
    enlarge,
    save_arrays,
)
from disent_plugins.metrics.pictures.examples import Decode, model_of, pick_rows
from disent_plugins.options import Options, option


@dataclass(frozen=True)
class InterpolationConfig(Options):
    """Options of the interpolation."""

    n: int = option(8, "Steps from one image to the other, both included.", low=2, high=32)


class Interpolation:
    """The metric ``interpolation``: a picture ``interpolation.png`` and its arrays ``interpolation.npz``."""

    Config = InterpolationConfig
    about = About(
        definition="A picture, `interpolation.png`, with its arrays, `interpolation.npz`: between test images A and B "
        "of different classes, tile (i, j) of n x n is\n\n"
        "    decode((1 - t_j) content(A) + t_j content(B), (1 - t_i) style(A) + t_i style(B)),    t_k = k / (n - 1)\n\n"
        "with posterior means. The corners are the two reconstructions and the two swaps (GM-VAE paper, Figure 5).",
        range="No number. If content and style came apart, the content alone changes from left to right and all else "
        "alone from top to bottom.",
        floor="None: it is a picture.",
        ceiling="None; the framed corners, which are reconstructions, show how sharp the rest could be.",
        cost="Grows with `n` squared: under a second for 8 x 8 tiles of 32 x 32 on one core, decoding not counted.",
        distrust="It is one pair of images: draw others with other seeds. Straight lines between codes are no paths "
        "that the model was trained on, and a smooth way says little of the division: a plain VAE has it as well.",
    )

    def __init__(self, config: InterpolationConfig) -> None:
        self.config = config

    def measure(self, subject: Subject) -> Result:
        """Draw the grid for two test images of different classes.

        Raises:
            UsageError: Only codes were given, or the test split has one class only.
        """
        decode, images = model_of(subject)
        (rows,) = pick_rows(subject.codes, 2, subject.seed)
        if len(rows) < 2:
            why = "Interpolation goes from an image of one class to an image of another."
            raise UsageError(f"The test split of {subject.name} has one class only.", why)
        ends, grid = images(rows), interpolate(subject.codes, rows[0], rows[1], self.config.n, decode)
        artifacts = {
            "interpolation": draw(ends, grid, subject.name).save(subject.out / "interpolation.png"),
            "interpolation-arrays": save_arrays(
                subject.out / "interpolation.npz", rows=rows, images=ends, interpolations=grid
            ),
        }
        settings = {"n": self.config.n, "seed": subject.seed, "split": "test", "decoded": "means"}
        return Result("interpolation", {}, settings, artifacts)


def interpolate(codes: Codes, first: int, last: int, n: int, decode: Decode) -> np.ndarray:
    """[n, n, H, W, C] between the images at positions ``first`` and ``last``: content by column, style by row."""
    t = np.linspace(0, 1, n, dtype=np.float32)[:, None]
    content = (1 - t) * codes.content[first] + t * codes.content[last]
    style = (1 - t) * codes.style[first] + t * codes.style[last]
    found = decode(np.tile(content, (n, 1)), np.repeat(style, n, axis=0))
    return found.reshape(n, n, *found.shape[1:])


def draw(ends: np.ndarray, grid: np.ndarray, name: str) -> Sheet:
    """Lay the grid out between its two test images ``ends`` [2, H, W, C]."""
    inside, (first, last) = enlarge(grid), enlarge(ends)
    n, _, height, width = inside.shape[:4]
    gap, beside, wide = max(8, width // 12), 40, 60
    left = EDGE + width + wide
    x = [left + j * (width + gap) for j in range(n)]
    right = x[-1] + width + beside + width
    heading = Heading(f"Interpolation: {name}", _WORDS, right - EDGE)
    y = [heading.height + 54 + i * (height + gap) for i in range(n)]
    below = y[0] + height + gap
    sheet = Sheet(right + EDGE, max(y[-1] + height, below + LABEL) + 40)
    sheet.head(heading, EDGE)

    for i in range(n):
        for j in range(n):
            sheet.tile(inside[i, j], x[j], y[i], INK if i == j and i in (0, n - 1) else "")
    sheet.text("Content: from A to B", x[0], y[0] - 22, color=CONTENT, bold=True, at="left bottom")
    sheet.arrow((x[0], y[0] - 14), (x[-1] + width, y[0] - 14), CONTENT)
    sheet.text("Style: from A to B", x[0] - 24, below, color=STYLE, bold=True, at="right top", turned=True)
    sheet.arrow((x[0] - 16, below), (x[0] - 16, y[-1] + height), STYLE)
    ends_at = ((first, "A", EDGE, y[0]), (last, "B", right - width, y[-1]))
    for image, letter, at, top in ends_at:
        sheet.tile(image, at, top, INK)
        sheet.text(f"test image {letter}", at + width / 2, top + height + 21, size=SMALL, at="center baseline")
    sheet.arrow((EDGE + width + 9, y[0] + height / 2), (x[0] - 9, y[0] + height / 2))
    sheet.arrow((right - width - 9, y[-1] + height / 2), (x[-1] + width + 9, y[-1] + height / 2))
    return sheet


_WORDS = (
    "The framed corners are the reconstructions of test images A and B. From left to right only the content code "
    "moves from A to B, from top to bottom only the style code; the two other corners are swaps."
)
