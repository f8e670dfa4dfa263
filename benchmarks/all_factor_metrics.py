"""All factor metrics by one Python call each, with floors, ceilings and intervals, one thread.

Factors of (4, 24, 183) values, as Cars3D has; 10 codes that mix them linearly; 10,000 rows to fit on, of 15,000.

    python benchmarks/all_factor_metrics.py
"""

from __future__ import annotations

import os

os.environ.update(
    dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LOKY_MAX_CPU_COUNT"), "1")
)

import tempfile
import time

import numpy as np

GOAL = 60.0
"""Seconds in all."""

SIZES = (4, 24, 183)
NAMES = ("dci", "mig", "sap", "explicitness", "modularity", "factor-vae", "beta-vae", "irs", "info-mec")
ALL_ROWS = ("mig", "modularity", "factor-vae", "beta-vae", "irs")
"""Metrics that fit nothing: they measure all rows here instead of the test split alone."""


def main() -> None:
    import disent_plugins

    generator = np.random.default_rng(0)
    factors = np.stack([generator.integers(size, size=15_000) for size in SIZES], axis=1)
    codes = factors / np.array(SIZES) @ generator.normal(size=(3, 10)) + 0.02 * generator.normal(size=(15_000, 10))
    split = np.where(np.arange(15_000) < 10_000, 0, 2)
    total = 0.0
    for name in NAMES:
        options = {"rows": "all"} if name in ALL_ROWS else {}
        with tempfile.TemporaryDirectory() as out:
            started = time.perf_counter()
            result = disent_plugins.measure(name, codes=codes, factors=factors, split=split, options=options, out=out)
            seconds = time.perf_counter() - started
        total += seconds
        print(f"{name:14} {seconds:6.1f} s  ", {key: round(value.value, 3) for key, value in result.values.items()})
    print(f"{'all':14} {total:6.1f} s   goal {GOAL:.0f} s")


if __name__ == "__main__":
    main()
