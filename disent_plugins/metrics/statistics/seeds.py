"""Independent random streams from one seed, by name, so that adding one never shifts another."""

from __future__ import annotations

import numpy as np


def derived(seed: int, *names: str) -> int:
    """A seed in 0..2^63-1 for the stream that ``names`` name; ``seed`` is any whole number.

    >>> derived(0, "probe") == derived(0, "probe"), derived(0, "probe") == derived(0, "bootstrap")
    (True, False)
    """
    words = np.random.SeedSequence([seed % 2**64, *"/".join(names).encode()]).generate_state(1, np.uint64)
    return int(words[0] >> np.uint64(1))


def stream(seed: int, *names: str) -> np.random.Generator:
    """A NumPy generator for the stream that ``names`` name."""
    return np.random.default_rng(derived(seed, *names))
