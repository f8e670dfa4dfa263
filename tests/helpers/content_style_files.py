"""Codes in two blocks whose quality is known, for the tests of the content/style metrics."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from disent_plugins.contracts import Codes, Subject

LABELS, ANGLES, SIZES = 10, 6, 4


def codes(kind: str, n: int = 1800, *, seed: int = 0) -> Codes:
    """Content factor ``label``, style factors ``angle`` and ``size``; two thirds to train on, the rest to test."""
    rng = np.random.default_rng(seed)
    label, angle, size = (rng.integers(k, size=n) for k in (LABELS, ANGLES, SIZES))
    embedding = np.random.default_rng(1).normal(size=(LABELS, 8))[label]
    pose = np.stack([angle, size], axis=1) - [2.5, 1.5]
    noise = rng.normal(size=(n, 10))
    content = embedding + 0.05 * noise[:, :8]
    style = np.hstack([pose + 0.05 * noise[:, :2], noise[:, 8:]])
    if kind == "leaky":
        style = np.hstack([style, embedding + 0.05 * rng.normal(size=(n, 8))])
    elif kind == "swapped":
        content, style = style, content
    elif kind == "blind":
        content, style = rng.normal(size=(n, 8)), rng.normal(size=(n, 4))
    elif kind == "all-in-content":
        content, style = np.hstack([content, style]), rng.normal(size=(n, 4))
    elif kind == "non-linear-leak":
        signs = rng.choice([-1.0, 1.0], size=(n, 2))
        signs[:, 1] = signs[:, 0] * np.where(label < LABELS // 2, 1, -1)
        style = np.hstack([style, signs * rng.uniform(0.5, 1.5, size=(n, 2))])
    elif kind != "split-apart":
        raise ValueError(kind)
    factors = np.stack([label, angle, size], axis=1)
    split = np.where(np.arange(n) < 2 * n // 3, 0, 2).astype(np.uint8)
    return Codes(
        content.astype(np.float32), style.astype(np.float32), factors, ("label", "angle", "size"), "label", split
    )


def fixed() -> Codes:
    """The 300 rows of golden values: content that tells most labels, style that tells the angle and some of the label.

    Codes are multiples of 1/8, so that equal distances are equal anywhere.
    """
    given = codes("split-apart", 300)
    noise = np.random.default_rng(5).normal(size=(300, 9))
    given.content[:] = np.rint(8 * (given.content + noise[:, :8])) / 8
    given.style[:, 2] = 2 * given.factors[:, 0] + noise[:, 8]
    given.style[:] = np.rint(8 * given.style) / 8
    return given


def without_style_factors(given: Codes) -> Codes:
    """The same codes of a data set with labels alone."""
    return dataclasses.replace(given, factors=given.factors[:, :1], factor_names=("label",))


def subject(out: Path, given: Codes, *, seed: int = 0) -> Subject:
    """Codes alone, as a metric sees them."""
    return Subject(name="codes.npz", codes=given, seed=seed, out=out)
