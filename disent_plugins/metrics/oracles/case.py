"""What an oracle is: codes whose quality is known, with the model that they are of, if any."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from disent_plugins.contracts import Codes
from disent_plugins.metrics.statistics.seeds import stream

FACTOR_ROWS, BLOCK_ROWS = 15_000, 6_000
CONTENT_VALUES, STYLE_VALUES = 10, (6, 4)


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


def factor_table(sizes: tuple[int, ...], n: int, generator: np.random.Generator) -> np.ndarray:
    """[n, K] int64, independent and uniform; column k is in 0..sizes[k]-1."""
    return generator.integers(np.array(sizes), size=(n, len(sizes)))


def split_of(n: int) -> np.ndarray:
    """[n] uint8: the first two thirds are train (0), the rest test (2)."""
    return np.where(np.arange(n) < 2 * n // 3, 0, 2).astype(np.uint8)


Make = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""Factors [N, K] and a source of randomness to codes [N, D]."""

Draw = Callable[[int, np.random.Generator], np.ndarray]
"""Number of rows and a source of randomness to factors [N, K] int64."""


def factor_codes(name: str, make: Make, draw: Draw, seed: int, n: int) -> Codes:
    """Codes in one array of D columns, of which the first ceil(D / 2) are given as content."""
    # The same factors for every case, so that cases differ in their codes alone.
    factors = draw(n, stream(seed, "oracles", "factors"))
    codes = make(factors, stream(seed, "oracles", name)).astype(np.float32)
    cut = -(-codes.shape[1] // 2)
    return Codes(
        content=codes[:, :cut],
        style=codes[:, cut:],
        factors=factors,
        factor_names=tuple(f"factor{k}" for k in range(factors.shape[1])),
        content_factor="factor0",
        split=split_of(n),
        split_source="made: oracle",
    )


@dataclass(frozen=True)
class Parts:
    """What blocks are put together from.

    Attributes:
        factors: [N, 3] label, angle and size.
        generator: Source of randomness.
        label: [N, 8] a point for every label, with a little noise.
        style: [N, 2] angle and size, centred, with a little noise.
        bits: [N, 8] the bits of the label, as signs of products.
    """

    factors: np.ndarray
    generator: np.random.Generator
    label: np.ndarray
    style: np.ndarray
    bits: np.ndarray

    def noise(self, size: int) -> np.ndarray:
        """[N, size] standard normal."""
        return self.generator.normal(size=(len(self.factors), size))


Blocks = Callable[[Parts], tuple[np.ndarray, np.ndarray]]
"""Parts to content [N, Dc] and style [N, Ds]."""

_NOISE = 0.05


def near(points: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Points [N, D] with the little noise that codes of blocks have."""
    return points + _NOISE * generator.normal(size=points.shape)


def block_codes(name: str, make: Blocks, seed: int, n: int) -> Codes:
    """Codes in two blocks: content factor ``label`` of ten values, style factors ``angle`` of six, ``size`` of four."""
    factors = factor_table((CONTENT_VALUES, *STYLE_VALUES), n, stream(seed, "oracles", "blocks"))
    generator = stream(seed, "oracles", name)
    directions = stream(seed, "oracles", "directions").normal(size=(CONTENT_VALUES, 8))
    directions *= 3 / np.linalg.norm(directions, axis=1, keepdims=True)
    # A bit of the label is the sign of a product: neither of the two numbers alone says anything of it.
    first = np.copysign(generator.uniform(0.5, 1.5, (n, 4)), generator.normal(size=(n, 4)))
    bit = 2.0 * (factors[:, :1] >> np.arange(4) & 1) - 1
    parts = Parts(
        factors=factors,
        generator=generator,
        label=near(directions[factors[:, 0]], generator),
        style=near(factors[:, 1:] - (np.array(STYLE_VALUES) - 1) / 2, generator),
        bits=np.hstack([first, first * bit]),
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
