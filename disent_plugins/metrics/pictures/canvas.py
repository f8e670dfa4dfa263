"""Sheets of small images with words beside them, laid out in pixels, and the arrays behind them."""

from __future__ import annotations

import math
import textwrap
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from disent_plugins.files import replacing
from disent_plugins.version import __version__

CONTENT, STYLE, INK, MUTED = "#1f5fa8", "#c2570c", "#222222", "#666666"
TITLE, TEXT, SMALL = 19, 14, 12
"""Heights of letters in pixels."""

TILE = 80
"""Images are enlarged by a whole number to at least this many pixels."""

EDGE = 18
"""Pixels left free at the edges."""

LABEL = 220
"""Pixels that the longest label along a side takes."""

_DPI = 100


def enlarge(images: np.ndarray) -> np.ndarray:
    """Images [..., H, W, C] with C = 1 or 3, in [0, 1], as colour images of whole-numbered, blocky enlargement.

    >>> enlarge(np.zeros((2, 32, 32, 1))).shape
    (2, 96, 96, 3)
    """
    scale = max(1, math.ceil(TILE / max(images.shape[-3:-1])))
    images = np.clip(images, 0, 1).repeat(scale, axis=-3).repeat(scale, axis=-2)
    return images if images.shape[-1] == 3 else images[..., :1].repeat(3, axis=-1)


class Heading:
    """A title and an explanation, broken into lines that fit ``width`` pixels; ``height`` is what they take."""

    def __init__(self, title: str, words: str, width: int) -> None:
        self.title, title_height = wrapped(title, width, TITLE, 0.68)
        self.words, words_height = wrapped(words, width, TEXT, 0.56)
        self.words_top = EDGE + title_height
        self.height = self.words_top + words_height


class Sheet:
    """A white sheet of ``width`` x ``height`` pixels; x grows to the right, y downwards."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self._paper = np.ones((height, width, 3), dtype=np.float32)
        self._figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI)
        FigureCanvasAgg(self._figure)
        self._axes = self._figure.add_axes((0, 0, 1, 1))
        self._axes.set(xlim=(0, width), ylim=(height, 0))
        self._axes.set_axis_off()

    def head(self, heading: Heading, x: int) -> None:
        """Write a heading at the top."""
        self.text(heading.title, x, EDGE, size=TITLE, bold=True)
        self.text(heading.words, x, heading.words_top, color=MUTED)

    def tile(self, image: np.ndarray, x: int, y: int, frame: str = "") -> None:
        """Put an enlarged image [h, w, 3] with its top left corner at (x, y), with a frame of a colour around it."""
        h, w = image.shape[:2]
        self._paper[y : y + h, x : x + w] = image
        if frame:
            patch = Rectangle((x - 1.5, y - 1.5), w + 3, h + 3, fill=False, edgecolor=frame, linewidth=2.2)
            self._axes.add_patch(patch)

    def text(
        self, words: str, x: float, y: float, *, size: int = TEXT, color: str = INK, at: str = "left top",
        bold: bool = False, turned: bool = False,
    ) -> None:  # fmt: skip
        """Write words; ``at`` says which point of them (x, y) is; ``turned`` writes upwards."""
        horizontal, vertical = at.split()
        # Names may hold a dollar sign, which must not start a formula.
        self._axes.text(
            x, y, words, fontsize=size * 72 / _DPI, color=color, ha=horizontal, va=vertical, linespacing=1.35,
            weight="bold" if bold else "normal", rotation=90 if turned else 0, family="DejaVu Sans", parse_math=False,
        )  # fmt: skip

    def arrow(self, start: tuple[float, float], end: tuple[float, float], color: str = INK) -> None:
        """Draw an arrow."""
        style = {"arrowstyle": "-|>,head_width=0.28,head_length=0.5", "color": color, "lw": 1.6, "shrinkA": 0}
        self._axes.annotate("", xy=end, xytext=start, arrowprops=style | {"shrinkB": 0})

    def save(self, path: Path) -> Path:
        """Write the sheet as PNG, atomically."""
        self._axes.imshow(self._paper, extent=(0, self.width, self.height, 0), interpolation="nearest", aspect="auto")
        with replacing(path) as temporary, warnings.catch_warnings():
            # Names of values may be in any script; a letter that the font lacks is drawn as an empty box.
            warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
            self._figure.savefig(
                temporary, format="png", dpi=_DPI, metadata={"Software": f"disent-plugins {__version__}"}
            )
        return path


def wrapped(words: str, width: int, size: int, letter: float) -> tuple[str, int]:
    """Words broken into lines that fit ``width`` pixels, and their height; ``letter`` is a letter's width by height."""
    lines = textwrap.wrap(words, max(20, int(width / (size * letter))))
    return "\n".join(lines), math.ceil(len(lines) * size * 1.5)


def save_arrays(path: Path, **arrays: Any) -> Path:
    """Write arrays as a compressed ``.npz``, atomically."""
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)
    return path
