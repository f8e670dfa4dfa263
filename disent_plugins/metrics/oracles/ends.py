"""Oracles at the ends: codes that tell a factor wholly or not at all, in one piece and in two blocks."""

from __future__ import annotations

from functools import partial

import numpy as np

from disent_plugins.metrics.oracles.case import (
    BLOCK_ROWS,
    Blocks,
    Case,
    Make,
    Parts,
    block_codes,
    factor_codes,
    factor_table,
    near,
)


def _identity(factors: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return factors.astype(np.float64)


def _continuous(factors: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return np.asarray(factors + 0.9 * generator.random(factors.shape))


def _duplicated(factors: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return np.hstack([factors, factors])


def _rotated(factors: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    q, r = np.linalg.qr(generator.normal(size=(factors.shape[1],) * 2))
    return np.asarray(factors @ (q * np.sign(np.diag(r))))  # uniform over rotations only with these signs


def _noise(factors: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return generator.normal(size=(len(factors), 10))


def _dead_code(factors: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return np.hstack([np.full((len(factors), 1), 0.5), factors])


def _outlier(factors: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    codes = factors.astype(np.float64)
    for column in codes.T:
        column[generator.choice(np.flatnonzero(column == column.max()))] *= 1000
    return codes


def _permuted(factors: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    size = factors.shape[1]
    scale = 10 ** generator.uniform(-2, 2, size) * generator.choice([-1.0, 1.0], size)
    return np.asarray(factors[:, generator.permutation(size)] * scale)


def _extra_noise(factors: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return np.hstack([factors, generator.normal(size=(len(factors), 6))])


def _all_but_last(factors: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return factors[:, :-1]


def _first(factors: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return factors[:, :1]


def _split_apart(parts: Parts) -> tuple[np.ndarray, np.ndarray]:
    return parts.label, np.hstack([parts.style, parts.noise(2)])


def _leaky(parts: Parts) -> tuple[np.ndarray, np.ndarray]:
    return parts.label, np.hstack([parts.style, parts.noise(2), near(parts.label, parts.generator)])


def _swapped(parts: Parts) -> tuple[np.ndarray, np.ndarray]:
    content, style = _split_apart(parts)
    return style, content


def _blind(parts: Parts) -> tuple[np.ndarray, np.ndarray]:
    return parts.noise(8), parts.noise(4)


def _all_in_content(parts: Parts) -> tuple[np.ndarray, np.ndarray]:
    return np.hstack([parts.label, parts.style]), parts.noise(4)


def _non_linear_leak(parts: Parts) -> tuple[np.ndarray, np.ndarray]:
    return parts.label, np.hstack([parts.style, parts.bits])


_EIGHT = (8,) * 6
_PUBLISHED = "the usual unit test of factor metrics: Locatello et al. 2019, disentanglement_lib"
_FACTORS: tuple[tuple[str, Make, tuple[int, ...], str, str], ...] = (
    ("identity", _identity, _EIGHT, "The factors are the codes.", _PUBLISHED),
    ("continuous", _continuous, (4, 24, 183), "The factors, every row moved at random within its value: no ties, and "
     "still invertible.", "bins that straddle the borders between values, or hold a row or two"),
    ("duplicated", _duplicated, _EIGHT, "The factors twice, side by side.", _PUBLISHED),
    ("rotated", _rotated, _EIGHT, "The factors, rotated at random: all there, on no axis.",
     "axis alignment: Locatello et al. 2019, section 3"),
    ("noise", _noise, _EIGHT, "Ten independent Gaussian codes.", "what knows nothing must score chance"),
    ("dead-code", _dead_code, _EIGHT, "A constant code, then the factors.",
     "a constant code wins every vote, or ends a loop over codes too early"),
    ("outlier", _outlier, _EIGHT, "The factors, one row of every code a thousand times as large.",
     "one row decides bins of equal width"),
    ("many-valued", _identity, (4, 24, 183), "The factors are the codes; 4, 24 and 183 values, as in Cars3D.",
     "twenty bins cap the score of a perfect code"),
    ("many-valued-5", _identity, (3, 6, 40, 32, 32), "The factors are the codes; 3, 6, 40, 32 and 32 values, as in "
     "dSprites.", "twenty bins cap the score of a perfect code"),
    ("permuted", _permuted, _EIGHT, "The factors in another order, signs flipped, scaled by 0.01 to 100.",
     "order, sign and scale of codes mean nothing"),
    ("extra-noise", _extra_noise, _EIGHT, "The factors and six Gaussian codes.", "unused codes entangle nothing"),
    ("constant-factor", _all_but_last, (*_EIGHT, 1), "The factors are the codes; a seventh factor has one value.",
     "a factor without entropy makes means NaN"),
    ("one-code", _first, _EIGHT, "One code, the first factor.", "there is no second-best code"),
)  # fmt: skip
_BLOCKS: tuple[tuple[str, Blocks, str, str], ...] = (
    ("split-apart", _split_apart, "Content tells the label alone, style the angle and the size alone.",
     "the definition of a perfect split"),
    ("leaky", _leaky, "As split-apart, and style tells the label too.", "content that leaks into style"),
    ("swapped", _swapped, "As split-apart, content and style exchanged.", "blocks under the wrong names"),
    ("blind", _blind, "Both blocks are Gaussian noise.", "what knows nothing must score chance"),
    ("all-in-content", _all_in_content, "Content tells everything, style is noise.", "style that leaks into content"),
    ("non-linear-leak", _non_linear_leak, "As split-apart, and signs of products of style codes tell the label.",
     "a linear probe sees no such leak"),
)  # fmt: skip

ENDS = (
    *(
        Case(name, summary, source, partial(factor_codes, name, make, partial(factor_table, sizes)))
        for name, make, sizes, summary, source in _FACTORS
    ),
    *(
        Case(name, summary, source, partial(block_codes, name, make), BLOCK_ROWS)
        for name, make, summary, source in _BLOCKS
    ),
)
"""Codes of factors, then blocks."""
