"""Arrays that codes can be made of, and the same with one fault."""

from __future__ import annotations

from pathlib import Path

import numpy as np

N = 20


def arrays(**changes):
    generator = np.random.default_rng(0)
    good = {
        "content": generator.normal(size=(N, 3)),
        "style": generator.normal(size=(N, 2)),
        "labels": np.arange(N) % 2,
    }
    return {name: value for name, value in (good | changes).items() if value is not None}


def saved(path: Path, **changes) -> Path:
    np.savez(path, **arrays(**changes))
    return path


def with_hole(value: float) -> np.ndarray:
    content = np.eye(N, 3)
    content[4, 1] = value
    return content


WHOLE = {"content": None, "style": None, "codes": np.random.default_rng(3).normal(size=(N, 6))}


def with_codes(codes: np.ndarray) -> dict:
    return {**WHOLE, "codes": codes}
