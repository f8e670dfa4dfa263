"""Codes of known quality on random factors, for the tests of metrics that fix one factor."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from disent_plugins.contracts import Codes, Subject

SHAPES = {"six": (8,) * 6, "cars": (4, 24, 183), "five": (3, 6, 40, 32, 32)}


def factors(sizes: tuple[int, ...] = SHAPES["six"], n: int = 4000, seed: int = 0) -> np.ndarray:
    """[n, K] independent uniform factors."""
    generator = np.random.default_rng(seed)
    return np.stack([generator.integers(size, size=n) for size in sizes], axis=1)


def perfect(case: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Codes that hold every factor in a code of its own, disguised, and their factors."""
    table = factors(SHAPES.get(case, SHAPES["six"]), seed=seed)
    codes = table.astype(float)
    if case == "permuted":
        codes = codes[:, [3, 1, 5, 0, 2, 4]] * [0.01, -0.1, 1, -10, 50, 100]
    if case == "dead-code":
        codes = np.hstack([np.full((len(codes), 1), 0.1), codes])
    if case == "nearly-dead":
        codes = np.hstack([(np.arange(len(codes)) == 7)[:, None], codes])
    if case == "duplicated":
        codes = np.hstack([codes, codes])
    if case == "outlier":
        codes[table.min(axis=1).argmax()] *= 1000
    return codes, table


PERFECT = ("six", "cars", "five", "permuted", "dead-code", "nearly-dead", "duplicated", "outlier")


def noise(shape: str, n: int = 5000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Ten Gaussian codes that know nothing of their factors."""
    return np.random.default_rng(seed + 1000).normal(size=(n, 10)), factors(SHAPES[shape], n, seed)


def rotated() -> tuple[np.ndarray, np.ndarray]:
    """Perfect codes behind a random orthogonal matrix."""
    table = factors()
    return table @ np.linalg.qr(np.random.default_rng(3).normal(size=(6, 6)))[0], table


def fixed() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The matrix of golden values: codes [300, 4] that mix three factors, the factors, and the last 100 rows to test.

    Three codes hold a factor mostly, the fourth is noise. The sums are exact in binary, so that ties are ties anywhere.
    """
    table = factors((3, 4, 5), 300)
    mixed = table @ np.array([[8, 2, 0], [1, 8, 3], [0, 2, 8]]) + np.random.default_rng(1).integers(-6, 7, (300, 3))
    noise = np.random.default_rng(2).integers(-50, 51, (300, 1))
    return np.hstack([mixed, noise]) / 8, table, np.arange(300) >= 200


def subject(out: Path, codes: np.ndarray, table: np.ndarray, seed: int = 0) -> Subject:
    """All rows in the test split."""
    half = (codes.shape[1] + 1) // 2
    names = tuple(f"factor{i}" for i in range(table.shape[1]))
    split = np.full(len(codes), 2, dtype=np.uint8)
    content, style = codes[:, :half].astype(np.float32), codes[:, half:].astype(np.float32)
    return Subject("codes.npz", Codes(content, style, table, names, "factor0", split), seed, out)
