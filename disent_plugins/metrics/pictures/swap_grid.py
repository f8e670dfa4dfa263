"""The swap grid: the content of some test images combined with the style of others (GM-VAE paper, Figure 1).

(n + 2) x (n + 2) tiles. Row 0: the images that give the content of their column; row 1: their reconstructions. Column
0: the images that give the style of their row; column 1: their reconstructions. Elsewhere
decode(content of the column, style of the row). Means are decoded, in evaluation mode.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from disent_plugins.about import About
from disent_plugins.contracts import Codes, Result, Subject
from disent_plugins.metrics.pictures.canvas import (
    CONTENT,
    EDGE,
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
class SwapGridConfig(Options):
    """Options of the swap grid."""

    n: int = option(8, "Images that give content, and as many that give style; at most one of a class.", low=1, high=32)


@dataclass(frozen=True)
class Swaps:
    """A swap grid as arrays; n images that give content, m that give style.

    Attributes:
        content_rows, style_rows: [n], [m] positions among the codes.
        content_images, style_images: [n, H, W, C], [m, H, W, C] the real images.
        content_reconstructions, style_reconstructions: The same images, encoded and decoded.
        swaps: [m, n, H, W, C]; [i, j] has the style of image i and the content of image j.
    """

    content_rows: np.ndarray
    style_rows: np.ndarray
    content_images: np.ndarray
    style_images: np.ndarray
    content_reconstructions: np.ndarray
    style_reconstructions: np.ndarray
    swaps: np.ndarray


class SwapGrid:
    """The metric ``swap-grid``: a picture ``swap-grid.png`` and its arrays ``swap-grid.npz``."""

    Config = SwapGridConfig
    about = About(
        definition="A picture, `swap-grid.png`, with its arrays, `swap-grid.npz`. Tile (i, j) of the large block is\n\n"
        "    decode(content mean of test image j, style mean of test image i)\n\nBeside it stand the test images that "
        "give the content of a column (above) and the style of a row (left) and their reconstructions. The images are "
        "drawn at random by the seed, one of a class on each side (GM-VAE paper, Figure 1).",
        range="No number. If content and style came apart, the content stays the same down a column and all else along "
        "a row.",
        floor="None: it is a picture.",
        ceiling="None; the reconstructions beside the grid show how sharp a swap could be.",
        cost="Grows with `n` squared: under a second for 8 x 8 tiles of 32 x 32 on one core, decoding not counted.",
        distrust="A few images prove nothing of the others, and a decoder that looks at the content block only draws "
        "clean columns, too: count with `swap` and `exact-swap`. Means are decoded, not samples of the posterior.",
    )

    def __init__(self, config: SwapGridConfig) -> None:
        self.config = config

    def measure(self, subject: Subject) -> Result:
        """Draw the grid for the subject.

        Raises:
            UsageError: Only codes were given.
        """
        decode, images = model_of(subject)
        content_rows, style_rows = pick_rows(subject.codes, self.config.n, subject.seed, sets=2)
        swaps = Swaps(
            content_rows,
            style_rows,
            images(content_rows),
            images(style_rows),
            decode(subject.codes.content[content_rows], subject.codes.style[content_rows]),
            decode(subject.codes.content[style_rows], subject.codes.style[style_rows]),
            swap(subject.codes, content_rows, style_rows, decode),
        )
        artifacts = {
            "swap-grid": draw(swaps, subject.name, subject.codes.content_factor).save(subject.out / "swap-grid.png"),
            "swap-grid-arrays": save_arrays(subject.out / "swap-grid.npz", **vars(swaps)),
        }
        settings = {"n": len(content_rows), "seed": subject.seed, "split": "test", "decoded": "means"}
        return Result("swap-grid", {}, settings, artifacts)


def swap(codes: Codes, content_rows: np.ndarray, style_rows: np.ndarray, decode: Decode) -> np.ndarray:
    """[m, n, H, W, C]: image [i, j] = decode(content of ``content_rows[j]``, style of ``style_rows[i]``)."""
    n, m = len(content_rows), len(style_rows)
    found = decode(np.tile(codes.content[content_rows], (m, 1)), np.repeat(codes.style[style_rows], n, axis=0))
    return found.reshape(m, n, *found.shape[1:])


def draw(swaps: Swaps, name: str, factor: str) -> Sheet:
    """Lay the grid out on a sheet that explains itself."""
    inside = enlarge(swaps.swaps)
    m, n, height, width = inside.shape[:4]
    margin, gap, wide = 48, max(8, width // 12), 36
    x = [margin + i * (width + gap) + (wide - gap if i > 1 else 0) for i in range(n + 2)]
    right = max(x[-1] + width, x[2] + LABEL)
    heading = Heading(f"Swap grid: {name}", _WORDS.format(factor=factor), right - margin)
    top = heading.height + 44
    y = [top + i * (height + gap) + (wide - gap if i > 1 else 0) for i in range(m + 2)]
    bottom = y[-1] + height
    sheet = Sheet(right + EDGE, max(bottom, y[2] + LABEL) + 44)
    sheet.head(heading, margin)

    sheet.text("Content of these test images", x[2], y[0] - 9, color=CONTENT, bold=True, at="left bottom")
    sheet.text("Style of these test images", x[0] - 9, y[2], color=STYLE, bold=True, at="right top", turned=True)
    for row, label in ((0, "test images"), (1, "reconstructed")):
        sheet.text(label, x[1] + width, y[row] + height / 2, size=SMALL, color=CONTENT, at="right center")
        sheet.text(label, x[row] + width / 2, bottom + 21, size=SMALL, color=STYLE, at="center baseline")
    for j in range(n):
        sheet.tile(enlarge(swaps.content_images[j]), x[j + 2], y[0], CONTENT)
        sheet.tile(enlarge(swaps.content_reconstructions[j]), x[j + 2], y[1])
        sheet.arrow((x[j + 2] + width / 2, y[1] + height + 9), (x[j + 2] + width / 2, y[2] - 7), CONTENT)
    for i in range(m):
        sheet.tile(enlarge(swaps.style_images[i]), x[0], y[i + 2], STYLE)
        sheet.tile(enlarge(swaps.style_reconstructions[i]), x[1], y[i + 2])
        sheet.arrow((x[1] + width + 9, y[i + 2] + height / 2), (x[2] - 7, y[i + 2] + height / 2), STYLE)
        for j in range(n):
            sheet.tile(inside[i, j], x[j + 2], y[i + 2])
    return sheet


_WORDS = (
    "Every image of the large block is decoded from two codes: the content of the test image at the top of its column "
    "and the style of the test image at the left of its row. If content and style came apart, the {factor} "
    "stays the same down a column, and all else stays the same along a row."
)
