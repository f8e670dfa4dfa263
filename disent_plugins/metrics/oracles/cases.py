"""Toy representations whose quality is known without measuring it: the oracles, as documented data.

Cases of factors: K independent uniform factors, six of eight values unless said, and codes in one array of D columns,
of which the first ceil(D / 2) are given as content and the rest as style; the content factor is ``factor0``.
Cases of content and style: content factor ``label`` of ten values, style factors ``angle`` of six and ``size`` of four.
Cases with a model (see ``scenes.py``): content factor ``shape`` of ten values, style factors ``row``, ``column`` and
``light``; every combination once in 960 rows, with decoder, encoder and images.
Two rows of three are to fit on (``train``), the rest to judge (``test``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from disent_plugins.contracts import Codes
from disent_plugins.metrics.oracles.scenes import NAMES, PAINTERS, Painter, draw_scenes, paint
from disent_plugins.metrics.statistics.seeds import stream

FACTOR_ROWS, BLOCK_ROWS, SCENE_ROWS = 15_000, 6_000, 960
_NOISE = 0.05


@dataclass(frozen=True)
class Model:
    """What a case has beside codes, as in a ``Subject``; None where it has codes alone."""

    decode: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    encode: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]] | None = None
    images: Callable[[np.ndarray], np.ndarray] | None = None


@dataclass(frozen=True)
class Oracle:
    """A case that was built."""

    name: str
    codes: Codes
    model: Model


def _no_model(codes: Codes) -> Model:
    return Model()


@dataclass(frozen=True)
class Case:
    """One oracle.

    Attributes:
        name: What expectations call it.
        summary: The representation, in one line.
        source: Why it is here: the publication, or the fault that it shows.
        build: (seed, n) to the codes of n rows; same arguments, same bits.
        rows: The usual n.
        model: Codes that were built to the model that they are of.
    """

    name: str
    summary: str
    source: str
    build: Callable[[int, int], Codes] = field(repr=False)
    rows: int = FACTOR_ROWS
    model: Callable[[Codes], Model] = field(default=_no_model, repr=False)

    def oracle(self, seed: int, rows: int | None = None) -> Oracle:
        """Codes and model, of the usual number of rows unless another is given."""
        codes = self.build(seed, rows or self.rows)
        return Oracle(self.name, codes, self.model(codes))


Make = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""Factors [N, K] and a source of randomness to codes [N, D]."""


def factor_table(sizes: tuple[int, ...], n: int, generator: np.random.Generator) -> np.ndarray:
    """[n, K] int64, independent and uniform; column k is in 0..sizes[k]-1."""
    return generator.integers(np.array(sizes), size=(n, len(sizes)))


def split_of(n: int) -> np.ndarray:
    """[n] uint8: the first two thirds are train (0), the rest test (2)."""
    return np.where(np.arange(n) < 2 * n // 3, 0, 2).astype(np.uint8)


def _factors_case(name: str, make: Make, sizes: tuple[int, ...], seed: int, n: int) -> Codes:
    # The same factors for every case, so that cases differ in their codes alone.
    factors = factor_table(sizes, n, stream(seed, "oracles", "factors"))
    codes = make(factors, stream(seed, "oracles", name)).astype(np.float32)
    cut = -(-codes.shape[1] // 2)
    return Codes(
        content=codes[:, :cut],
        style=codes[:, cut:],
        factors=factors,
        factor_names=tuple(f"factor{k}" for k in range(len(sizes))),
        content_factor="factor0",
        split=split_of(n),
        split_source="made: oracle",
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


def _noisy(p: float, factors: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """The factor with probability p, else any of its values; the best accuracy for V values is p + (1 - p) / V."""
    other = generator.integers(factors.max(axis=0) + 1, size=factors.shape)
    return np.where(generator.random(factors.shape) < p, factors, other)


def _all_but_last(factors: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return factors[:, :-1]


def _first(factors: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return factors[:, :1]


@dataclass(frozen=True)
class _Parts:
    """What blocks are put together from: [N, .] arrays."""

    label: np.ndarray
    style: np.ndarray
    bits: np.ndarray
    noise: Callable[[int], np.ndarray]


Blocks = Callable[[_Parts], tuple[np.ndarray, np.ndarray]]


def _blocks_case(name: str, make: Blocks, seed: int, n: int) -> Codes:
    factors = factor_table((10, 6, 4), n, stream(seed, "oracles", "blocks"))
    generator = stream(seed, "oracles", name)
    directions = stream(seed, "oracles", "directions").normal(size=(10, 8))
    directions *= 3 / np.linalg.norm(directions, axis=1, keepdims=True)

    def noise(size: int) -> np.ndarray:
        return generator.normal(size=(n, size))

    # A bit of the label is the sign of a product: neither of the two numbers alone says anything of it.
    first = np.copysign(generator.uniform(0.5, 1.5, (n, 4)), noise(4))
    bit = 2.0 * (factors[:, :1] >> np.arange(4) & 1) - 1
    parts = _Parts(
        label=directions[factors[:, 0]] + _NOISE * noise(8),
        style=factors[:, 1:] - np.array([2.5, 1.5]) + _NOISE * noise(2),
        bits=np.hstack([first, first * bit]),
        noise=noise,
    )
    content, style = make(parts)
    return Codes(
        content=content.astype(np.float32),
        style=style.astype(np.float32),
        factors=factors,
        factor_names=("label", "angle", "size"),
        content_factor="label",
        split=split_of(n),
        split_source="made: oracle",
    )


def _split_apart(parts: _Parts) -> tuple[np.ndarray, np.ndarray]:
    return parts.label, np.hstack([parts.style, parts.noise(2)])


def _leaky(parts: _Parts) -> tuple[np.ndarray, np.ndarray]:
    return parts.label, np.hstack([parts.style, parts.noise(2), parts.label + _NOISE * parts.noise(8)])


def _swapped(parts: _Parts) -> tuple[np.ndarray, np.ndarray]:
    content, style = _split_apart(parts)
    return style, content


def _blind(parts: _Parts) -> tuple[np.ndarray, np.ndarray]:
    return parts.noise(8), parts.noise(4)


def _all_in_content(parts: _Parts) -> tuple[np.ndarray, np.ndarray]:
    return np.hstack([parts.label, parts.style]), parts.noise(4)


def _non_linear_leak(parts: _Parts) -> tuple[np.ndarray, np.ndarray]:
    return parts.label, np.hstack([parts.style, parts.bits])


def _scenes_case(painter: Painter, seed: int, n: int) -> Codes:
    factors = draw_scenes(n, stream(seed, "oracles", "scenes"))
    content, style = (block.astype(np.float32) for block in painter.codes(factors))
    logvar = 2 * np.log(painter.deviation)
    return Codes(
        content=content,
        style=style,
        factors=factors,
        factor_names=NAMES,
        content_factor=NAMES[0],
        split=split_of(n),
        content_logvar=np.full_like(content, logvar),
        style_logvar=np.full_like(style, logvar),
        split_source="made: oracle",
    )


def _scenes_model(painter: Painter, codes: Codes) -> Model:
    return Model(painter.decode, painter.encode, lambda places: paint(codes.factors[places]))


_EIGHT = (8,) * 6
_PUBLISHED = "the usual unit test of factor metrics: Locatello et al. 2019, disentanglement_lib"
_SPLITS = "grown trees split on noise, so that codes which know little, but of one factor each, seem mixed"
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
    *((f"noisy-{p}", partial(_noisy, p), _EIGHT, f"Each factor with probability {p}, else any of its values.", _SPLITS)
      for p in (0.9, 0.5)),
    ("noisy-0.3-of-20", partial(_noisy, 0.3), (20,) * 3, "Factors of 20 values with probability 0.3, else any value.",
     _SPLITS),
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

CASES: dict[str, Case] = {
    **{
        name: Case(name, summary, source, partial(_factors_case, name, make, sizes))
        for name, make, sizes, summary, source in _FACTORS
    },
    **{
        name: Case(name, summary, source, partial(_blocks_case, name, make), BLOCK_ROWS)
        for name, make, summary, source in _BLOCKS
    },
    **{
        one.name: Case(
            one.name, one.summary, one.source, partial(_scenes_case, one), SCENE_ROWS, partial(_scenes_model, one)
        )
        for one in PAINTERS
    },
}
"""Every oracle by name."""
