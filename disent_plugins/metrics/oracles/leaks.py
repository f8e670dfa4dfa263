"""Oracles of two blocks between the ends: leaks of known size, dependence of known strength, distances that tell apart.

half-leak    style holds a ring for every two labels. Linearly it tells nothing; a network reads the ring, and is
             right in half of the cases: (1/2 - 1/10) / (1 - 1/10) = 4/9, log 5 nats of log 10
correlated   one Gaussian number each of correlation r = 0.8; its squared distance correlation is (Szekely, Rizzo
             and Bakirov 2007, theorem 7)
             (r asin r + sqrt(1 - r^2) - r asin(r/2) - sqrt(4 - r^2) + 1) / (1 + pi/3 - sqrt 3) = 0.570
turned       corners of a square, upright and turned by 45 degrees: equal Euclidean distances, but in Manhattan
             the turned ones are all alike
variants     points of a class lie 0.8 apart and classes sqrt 2; in Manhattan 3.2 and 2
ladder       the next rung of a class is 1 away, the same rung of the next class 1.5; in Manhattan 2 and 1.5
"""

from __future__ import annotations

from functools import partial

import numpy as np

from disent_plugins.metrics.oracles.case import BLOCK_ROWS, CONTENT_VALUES, Blocks, Case, Parts, block_codes, near
from disent_plugins.metrics.oracles.channels import elsewhere

CORRELATION = 0.8


def _half_leak(parts: Parts) -> tuple[np.ndarray, np.ndarray]:
    radius = 1.0 + parts.factors[:, 0] // 2
    angle = parts.generator.uniform(0, 2 * np.pi, len(radius))
    ring = radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return parts.label, np.hstack([parts.style, near(ring, parts.generator)])


def _memorised(parts: Parts) -> tuple[np.ndarray, np.ndarray]:
    rows = elsewhere(len(parts.label), parts.generator)
    return parts.label[rows], np.hstack([parts.style, near(parts.label, parts.generator)])[rows]


def _correlated(parts: Parts) -> tuple[np.ndarray, np.ndarray]:
    content = parts.noise(1)
    return content, CORRELATION * content + np.sqrt(1 - CORRELATION**2) * parts.noise(1)


def _turned(parts: Parts) -> tuple[np.ndarray, np.ndarray]:
    corners = np.copysign(1.0, parts.noise(2))
    return corners, corners @ np.array([[1.0, 1.0], [-1.0, 1.0]]) / np.sqrt(2)


def _wide(parts: Parts) -> tuple[np.ndarray, np.ndarray]:
    return parts.noise(64), parts.noise(64)


def _variants(parts: Parts) -> tuple[np.ndarray, np.ndarray]:
    sides = np.copysign(0.1, parts.noise(1)) * np.ones(16)
    return np.hstack([np.eye(CONTENT_VALUES)[parts.factors[:, 0]], sides]), parts.style


def _ladder(parts: Parts) -> tuple[np.ndarray, np.ndarray]:
    label = parts.factors[:, 0]
    order = np.argsort(label, kind="stable")
    first = np.searchsorted(label[order], np.arange(CONTENT_VALUES))
    rung = np.empty(len(label), dtype=np.int64)
    rung[order] = np.arange(len(label)) - first[label[order]]
    return np.hstack([1.5 * label[:, None], np.repeat(0.5 * rung[:, None], 4, axis=1)]), parts.style


_MANY: tuple[tuple[str, Blocks, int, str, str], ...] = (
    ("half-leak", _half_leak, BLOCK_ROWS,
     "As split-apart, and the style lies on one of five rings around 0, one for every two labels.",
     "a leak of known size that no linear probe sees"),
    ("memorised-blocks", _memorised, 3_000,
     "As leaky on training rows; test rows have the codes of other test rows.",
     "what is scored on the rows that it was fitted on"),
    ("correlated", _correlated, 3_000, "One Gaussian number in content and one in style, their correlation 0.8.",
     "a dependence of known strength: Szekely, Rizzo and Bakirov 2007"),
    ("turned", _turned, 1_500, "Corners of a square in content, the same ones turned by 45 degrees in style.",
     "Manhattan distances for Euclidean ones"),
    ("wide", _wide, 300, "Both blocks are Gaussian noise of 64 codes, in few rows.",
     "distance correlations that are biased read 0.5 of independent blocks: Szekely and Rizzo 2013"),
    ("variants", _variants, 900,
     "Classes at the corners of a simplex, every point to one of two sides along a diagonal.",
     "Manhattan distances for Euclidean ones"),
    ("ladder", _ladder, 900, "Classes side by side, their points on the rungs of a ladder along a diagonal.",
     "Manhattan distances for Euclidean ones, or angles"),
)  # fmt: skip

LEAKS = tuple(
    Case(name, summary, source, partial(block_codes, name, make), rows) for name, make, rows, summary, source in _MANY
)
"""Codes in two blocks."""
