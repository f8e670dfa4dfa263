"""Sprites: five flat shapes in six hues, rendered here, so that every factor is known and every swap has an answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from disent_plugins.contracts import DatasetInfo, Factor, ImageSpec
from disent_plugins.data_adapters.adapter import RawFile, RawTable

SIDE, FINE = 64, 8
"""Pixels of an image's side, and the samples along a pixel's side that are counted for its coverage."""

SPLIT_SEED = 30
TEST_PER_CONTENT, VALIDATION_PER_CONTENT = 115, 58  # of 576: 20 % and 10 %

HUES = ((238, 76, 72), (247, 190, 50), (84, 198, 92), (52, 200, 220), (98, 132, 252), (222, 96, 226))
"""Red, yellow, green, cyan, blue, magenta: about a sixth of the colour circle apart, all bright."""

BACKGROUNDS = ((20, 20, 24), (50, 50, 56), (82, 82, 88))
"""Black, dark grey and grey: darker than any sprite."""

CENTRES = (17, 27, 37, 47)  # pixels from the left (x) and from the top (y)
RADII = (9, 12, 15)  # pixels
QUARTER_TURNS = (0, 1, 2, 3)  # counterclockwise


class Sprites:
    """17,280 images, the full grid of seven factors. The content is shape and hue, the style all the rest."""

    info = DatasetInfo(
        name="sprites",
        image=ImageSpec(3, SIDE, SIDE),
        factors=(
            Factor("shape", 5, values=("heart", "arrow", "L", "moon", "F")),
            # Six named colours: a circle of hues, but neither equally far apart nor equally bright.
            Factor("hue", len(HUES), values=("red", "yellow", "green", "cyan", "blue", "magenta")),
            Factor("x", len(CENTRES), "ordered", tuple(f"{x} px" for x in CENTRES)),
            Factor("y", len(CENTRES), "ordered", tuple(f"{y} px" for y in CENTRES)),
            Factor("scale", len(RADII), "ordered", tuple(f"{radius} px" for radius in RADII)),
            Factor("orientation", len(QUARTER_TURNS), "circular", tuple(f"{90 * turn} deg" for turn in QUARTER_TURNS)),
            Factor("background", len(BACKGROUNDS), "ordered", ("black", "dark grey", "grey")),
        ),
        content="shape+hue",
        groups_are_distinct=True,
        preprocessing=(
            f"rendered, version 1: shapes heart, arrow, L, moon, F; hues {HUES}; centres {CENTRES}; radii {RADII}; "
            f"quarter turns {QUARTER_TURNS}; backgrounds {BACKGROUNDS}; coverage from {FINE}x{FINE} samples a pixel; "
            f"rows by factor, the last fastest; per shape and hue, shuffled with seed {SPLIT_SEED}: "
            f"{TEST_PER_CONTENT} test, {VALIDATION_PER_CONTENT} validation, the rest train"
        ),
        licence="that of disent-plugins, which renders it",
        reference="rendered by disent-plugins",
    )
    files: tuple[RawFile, ...] = ()

    def read(self, source: Path | None) -> RawTable:
        """Render the images; ``source`` is not needed."""
        sizes = [factor.size for factor in self.info.factors]
        factors = np.indices(sizes).reshape(len(sizes), -1).T.astype(np.int64)
        content = factors[:, 0] * len(HUES) + factors[:, 1]
        return RawTable(factors=factors, split=stratified_split(content), slabs=render())


def stratified_split(content: np.ndarray) -> np.ndarray:
    """[N] split with the same number of test and of validation images of every content ``content`` [N].

    RandomState, whose stream NumPy keeps for ever, makes the split a published one.
    """
    random = np.random.RandomState(SPLIT_SEED)
    split = np.zeros(len(content), np.uint8)
    for value in range(content.max() + 1):
        rows = random.permutation(np.flatnonzero(content == value))
        split[rows[:TEST_PER_CONTENT]] = 2
        split[rows[TEST_PER_CONTENT : TEST_PER_CONTENT + VALIDATION_PER_CONTENT]] = 1
    return split


def render() -> Iterator[np.ndarray]:
    """The full grid, one slab [576, 64, 64, 3] uint8 per shape and hue."""
    background = np.array(BACKGROUNDS, np.int32)[:, None, None, :]
    for inside in SHAPES:
        coverage = masks(inside)[:, None, :, :, None]
        for hue in np.array(HUES, np.int32):
            # In whole numbers, so that the images have the same bits on every machine.
            mixed = coverage * hue + (FINE**2 - coverage) * background
            yield ((mixed + FINE**2 // 2) // FINE**2).astype(np.uint8).reshape(-1, SIDE, SIDE, 3)


def masks(inside: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
    """[192, 64, 64] int32: how many of a pixel's 64 samples a shape covers, by x, y, scale and orientation."""
    reach = max(RADII) + 1
    found = np.zeros((len(CENTRES), len(CENTRES), len(RADII), len(QUARTER_TURNS), SIDE, SIDE), np.int32)
    for scale, radius in enumerate(RADII):
        upright = _coverage(inside, radius, reach)
        for orientation, turns in enumerate(QUARTER_TURNS):
            turned = np.rot90(upright, turns)
            for i, x in enumerate(CENTRES):
                for j, y in enumerate(CENTRES):
                    place = found[i, j, scale, orientation]
                    place[y - reach : y + reach, x - reach : x + reach] = turned
    return found.reshape(-1, SIDE, SIDE)


def _coverage(inside: Callable[[np.ndarray, np.ndarray], np.ndarray], radius: int, reach: int) -> np.ndarray:
    """[2 reach, 2 reach] the covered samples of every pixel around the centre of an upright shape."""
    samples = ((np.arange(2 * reach * FINE) + 0.5) / FINE - reach) / radius
    hit = inside(samples[None, :], -samples[:, None])
    return hit.reshape(2 * reach, FINE, 2 * reach, FINE).sum(axis=(1, 3))


# The shapes: which points (u to the right, v upwards, broadcast) they cover inside the circle of radius 1. No shape
# looks the same after a quarter, half or three-quarter turn, and none is another one turned.


def _heart(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    u, v = u * 1.25, v * 1.25 + 0.12
    return (u * u + v * v - 1) ** 3 <= u * u * v * v * v


def _arrow(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    head = (v >= 0) & (v <= 0.95 - 1.1 * np.abs(u))
    return head | _box(u, v, (-0.28, 0.28), (-0.9, 0.0))


def _letter_l(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return _box(u, v, (-0.6, -0.12), (-0.8, 0.8)) | _box(u, v, (-0.6, 0.6), (-0.8, -0.36))


def _moon(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return (u * u + v * v <= 0.92**2) & ((u - 0.5) ** 2 + v * v >= 0.78**2)


def _letter_f(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    bars = _box(u, v, (-0.55, 0.6), (0.45, 0.8)) | _box(u, v, (-0.55, 0.4), (-0.15, 0.17))
    return bars | _box(u, v, (-0.55, -0.15), (-0.8, 0.8))


def _box(u: np.ndarray, v: np.ndarray, across: tuple[float, float], up: tuple[float, float]) -> np.ndarray:
    return (across[0] <= u) & (u <= across[1]) & (up[0] <= v) & (v <= up[1])


SHAPES = (_heart, _arrow, _letter_l, _moon, _letter_f)
