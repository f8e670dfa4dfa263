"""Codes and a decoder of known behaviour for the tests of the metrics."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from disent_plugins.contracts import Codes, Subject

SIZE = 6
IMAGE = (SIZE, SIZE, 1)


def codes(n: int = 600, classes: int = 4, *, spread: float = 0.3, seed: int = 0, splits: bool = True) -> Codes:
    """Content that tells the class exactly as far as ``spread`` allows, style that is noise.

    Two factors: ``shape`` (the content factor) and ``angle`` with three values, which the first style dimension tells.
    """
    generator = np.random.default_rng(seed)
    shape, angle = generator.integers(classes, size=n), generator.integers(3, size=n)
    centres = np.random.default_rng(1).normal(size=(classes, 3)) * 4
    content = centres[shape] + spread * generator.normal(size=(n, 3))
    style = generator.normal(size=(n, 2))
    style[:, 0] = angle + 0.1 * style[:, 0]
    split = np.repeat([0, 1, 2], [n - 2 * (n // 4), n // 4, n // 4]) if splits else np.where(np.arange(n) % 3, 0, 2)
    return Codes(
        content=content.astype(np.float32),
        style=style.astype(np.float32),
        factors=np.stack([shape, angle], axis=1),
        factor_names=("shape", "angle"),
        content_factor="shape",
        split=split.astype(np.uint8),
        content_logvar=np.full((n, 3), -2.0, dtype=np.float32),
        style_logvar=np.full((n, 2), -1.0, dtype=np.float32),
    )


def decode(content: np.ndarray, style: np.ndarray) -> np.ndarray:
    """A decoder that is different for every pair of codes: [B, SIZE, SIZE, 1] in [0, 1]."""
    both = np.concatenate([content, style], axis=1).astype(np.float64)
    weights = np.random.default_rng(2).normal(size=(both.shape[1], SIZE * SIZE))
    return (1 / (1 + np.exp(-both @ weights / 4))).reshape(-1, SIZE, SIZE, 1).astype(np.float32)


def subject(out: Path, given: Codes | None = None, *, seed: int = 0, error: float = 0.0) -> Subject:
    """A subject whose real images are its reconstructions, brighter by ``error``."""
    given = codes() if given is None else given
    return Subject(
        name="runs/example",
        codes=given,
        seed=seed,
        out=out,
        decode=decode,
        images=lambda rows: decode(given.content[rows], given.style[rows]) + np.float32(error),
    )


def arrays(result, name: str) -> dict[str, np.ndarray]:
    """The arrays behind a picture."""
    with np.load(result.artifacts[f"{name}-arrays"], allow_pickle=False) as file:
        return dict(file)


def one(given: Codes, content_row: int, style_row: int) -> np.ndarray:
    """The image of one row's content and another's style."""
    return decode(given.content[[content_row]], given.style[[style_row]])[0]
