"""Tiny images whose factors are known, and painters of them: models that are right, or wrong in a known way.

A scene is one of ten bright shapes of 10 x 10 pixels on a black image of 16 x 16, at one of four rows and four columns,
in one of six lights. The shape is the content; row, column and light are the style. Every combination exists.
A painter's decoder is exact but for its one fault, and its encoder reads the scene off the image, so that
``encode(image)`` gives the very codes of that image.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache

import numpy as np

SIZE, DOT = 16, 2
_DRAWN = (
    "##### #...# #...# #...# #####", "..#.. ..#.. ##### ..#.. ..#..", "#...# .#.#. ..#.. .#.#. #...#",
    "##### ..#.. ..#.. ..#.. ..#..", "#.... #.... #.... #.... #####", "##### ...#. ..#.. .#... #####",
    "#...# #...# ##### #...# #...#", "##### ..... ##### ..... #####", "#.#.# #.#.# #.#.# #.#.# #.#.#",
    "##### ##### ##### ##### #####",
)  # fmt: skip
SHAPES = np.array([[[dot == "#" for dot in line] for line in drawn.split()] for drawn in _DRAWN])
"""[10, 5, 5] bool: frame, +, X, T, L, Z, H, lines across, lines down, block. Each is as wide and as high as any other:
no shape in one place is another in another place."""

LIGHTS = np.linspace(0.4, 0.9, 6)
"""Brightness of a shape; the brightest leaves room for ``TOO_BRIGHT``."""

TOO_BRIGHT = 0.1
NAMES, VALUES = ("shape", "row", "column", "light"), (10, 4, 4, 6)


def draw_scenes(n: int, generator: np.random.Generator) -> np.ndarray:
    """Factors [n, 4] int64, in random order: no scene a second time before all 960 have come."""
    order = generator.permutation(int(np.prod(VALUES)))
    return np.stack(np.unravel_index(np.resize(order, n), VALUES), axis=1)


def paint(factors: np.ndarray) -> np.ndarray:
    """The images [B, 16, 16, 1] float32 in [0, 1] of factors [B, 4]."""
    bright = SHAPES.repeat(DOT, axis=1).repeat(DOT, axis=2)[factors[:, 0]] * LIGHTS[factors[:, 3], None, None]
    images = np.zeros((len(factors), SIZE, SIZE, 1), np.float32)
    every, across = np.arange(len(factors))[:, None, None], np.arange(bright.shape[1])
    row, column = (DOT * factors[:, place, None] + across for place in (1, 2))
    images[every, row[:, :, None], column[:, None, :], 0] = bright
    return images


def see(images: np.ndarray) -> np.ndarray:
    """The factors [B, 4] of the scenes that are nearest to images [B, 16, 16, 1]: the inverse of ``paint``."""
    factors, flat, square = _gallery()
    distance = square - 2 * images.reshape(len(images), -1).astype(np.float64) @ flat.T
    return factors[distance.argmin(axis=1)]


@cache
def mean_scene() -> np.ndarray:
    """[16, 16, 1] float32: the mean of all scenes."""
    return paint(_gallery()[0]).mean(axis=0)


@cache
def _gallery() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All scenes: factors [960, 4], pixels [960, 256] and their squared lengths [960]."""
    factors = np.stack(np.unravel_index(np.arange(np.prod(VALUES)), VALUES), axis=1)
    flat = paint(factors).reshape(len(factors), -1).astype(np.float64)
    return factors, flat, np.square(flat).sum(axis=1)


def shape_code(factors: np.ndarray) -> np.ndarray:
    """[B, 10]: 1 for the shape, 0 for the others."""
    return np.eye(VALUES[0])[factors[:, 0]]


def pose_code(factors: np.ndarray) -> np.ndarray:
    """[B, 3]: row, column and light, centred."""
    return factors[:, 1:] - (np.array(VALUES[1:]) - 1) / 2


def decoded(shape: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """The factors [B, 4] that codes [B, 10] and [B, 3] are nearest to."""
    sizes = np.array(VALUES[1:])
    rest = np.rint(pose + (sizes - 1) / 2).clip(0, sizes - 1)
    return np.column_stack([shape.argmax(axis=1), rest]).astype(np.int64)


@dataclass(frozen=True)
class Painter:
    """A model of scenes.

    Attributes:
        name, summary, source: As those of an oracle.
        codes: Factors [B, 4] to content [B, Dc] and style [B, Ds]: what the encoder says of a scene.
        decode: Content and style to images [B, 16, 16, 1].
        deviation: Standard deviation of every code's posterior.
    """

    name: str
    summary: str
    source: str
    codes: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]] = field(repr=False)
    decode: Callable[[np.ndarray, np.ndarray], np.ndarray] = field(repr=False)
    deviation: float = 0.1

    def encode(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Images [B, 16, 16, 1] -> means content [B, Dc], style [B, Ds] float32."""
        content, style = self.codes(see(images))
        return content.astype(np.float32), style.astype(np.float32)


def _apart(factors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return shape_code(factors), pose_code(factors)


def _shape_in_style(factors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return shape_code(factors), np.hstack([pose_code(factors), shape_code(factors)])


def _pose_in_content(factors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.hstack([shape_code(factors), pose_code(factors)]), pose_code(factors)


def _nothing(factors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((len(factors), 10)), np.zeros((len(factors), 3))


def _exact(content: np.ndarray, style: np.ndarray) -> np.ndarray:
    return paint(decoded(content, style))


def _from_style(content: np.ndarray, style: np.ndarray) -> np.ndarray:
    return paint(decoded(style[:, 3:], style[:, :3]))


def _from_content(content: np.ndarray, style: np.ndarray) -> np.ndarray:
    return paint(decoded(content[:, :10], content[:, 10:]))


def _too_bright(content: np.ndarray, style: np.ndarray) -> np.ndarray:
    return _exact(content, style) + np.float32(TOO_BRIGHT)


def _mean(content: np.ndarray, style: np.ndarray) -> np.ndarray:
    return np.tile(mean_scene(), (len(content), 1, 1, 1))


PAINTERS = (
    Painter("painter", "A perfect model of scenes: content is the shape, style the pose, the decoder exact.",
            "the definition of a perfect swap", _apart, _exact),
    Painter("style-painter", "As painter, but style tells the shape too, and the decoder looks at the style alone.",
            "content that leaks into style, as the decoder sees it: a swap gives the style donor back",
            _shape_in_style, _from_style),
    Painter("content-painter", "As painter, but content tells the pose too, and the decoder looks at the content "
            "alone.", "a swap gives the content donor back: its content is right, and its style is not",
            _pose_in_content, _from_content),
    Painter("bright-painter", "As painter, but every pixel comes out a tenth of the range too bright.",
            "an error of known size: 20 dB", _apart, _too_bright),
    Painter("collapsed", "Every code is the prior, every decoded image the mean of all scenes.",
            "posterior collapse: a model that learnt nothing must score chance", _nothing, _mean, deviation=1.0),
)  # fmt: skip
"""Models of scenes, each with one fault or none."""
