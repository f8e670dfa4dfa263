"""MIG, FactorVAE and DCI against the suite `disent` (package index, tested with 0.8.0), on the same arrays.

The suite lives in an environment of its own, whose Python is given; without it only our times are printed. One thread.
Six factors of eight values; 10,000 codes to fit on and 5,000 to test; 10 codes that mix the factors linearly.

    python benchmarks/factor_metrics.py --peer PEER/bin/python
"""

from __future__ import annotations

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

GOALS = {"MIG": 0.02, "FactorVAE": 1.0, "DCI": 10.0, "DCI-dlib": None}
"""Seconds, ours; parity with the published setting has a goal for its value (within 0.02), none for its time."""
ROUNDS = {"DCI": 1, "DCI-dlib": 0}
"""Timed calls of what is slow."""

PEER = '''
import json, sys, time
import numpy as np
import disent.metrics._factor_vae as factor_vae
from disent.metrics._dci import _compute_dci
from disent.metrics._mig import _compute_mig

arrays = np.load(sys.argv[1])
codes, factors, fit = arrays["codes"], arrays["factors"], int(arrays["fit"])
z, v = codes[:fit].T, factors[:fit].T


class Grid:
    """What the FactorVAE function asks of a data set; "images" are factors, of which the encoder knows the codes."""

    num_factors = factors.shape[1]

    @property
    def gt_data(self):
        return self

    def sample_factors(self, size):
        return np.random.randint(factors.max() + 1, size=(size, self.num_factors))

    def dataset_batch_from_factors(self, chosen, mode):
        return chosen

    def dataset_sample_batch(self, size, mode):
        return self.sample_factors(size)


def encode(chosen):
    return chosen @ arrays["mixing"]


def variances(grid, encoder, size, eval_batch_size=64):
    return np.var(encoder(grid.sample_factors(size)), axis=0, ddof=1)


# Theirs encodes image batches into tensors; a table of codes needs neither.
factor_vae._compute_variances, factor_vae.to_numpy = variances, np.asarray


def mig():
    return _compute_mig(z, v)["mig.discrete_score"]


def vote():
    np.random.seed(0)
    return factor_vae.metric_factor_vae.unwrap(Grid(), encode)["factor_vae.eval_accuracy"]


def dci():
    np.random.seed(0)
    return _compute_dci(z, v, codes[fit:].T, factors[fit:].T)["dci.disentanglement"]


for name, score in (("MIG", mig), ("FactorVAE", vote), ("DCI", dci)):
    if any(asked.startswith(name) for asked in sys.argv[2:]):
        started = time.perf_counter()
        value = float(score())
        print(json.dumps([name, time.perf_counter() - started, value]), flush=True)
'''


def arrays() -> dict[str, np.ndarray]:
    """Codes [15,000, 10], factors [15,000, 6], their mixing [6, 10], the number of rows to fit on."""
    generator = np.random.default_rng(0)
    factors = generator.integers(8, size=(15_000, 6))
    mixing = generator.normal(size=(6, 10))
    return {"codes": factors @ mixing, "factors": factors, "mixing": mixing, "fit": np.array(10_000)}


def ours(given: dict[str, np.ndarray]) -> dict[str, Callable[[], float]]:
    """Name to our score: the study's settings for MIG, its sizes for FactorVAE; DCI by default and as published."""
    from disent_plugins.metrics.factors.dci import Dci, dci
    from disent_plugins.metrics.factors.factor_vae import factor_vae
    from disent_plugins.metrics.factors.mig import mig

    codes, factors, fit = given["codes"], given["factors"], int(given["fit"])

    def dci_of(**settings: object) -> float:
        return dci(codes[:fit], factors[:fit], codes[fit:], factors[fit:], **settings)["disentanglement"]

    return {
        "MIG": lambda: mig(codes[:fit], factors[:fit], bins=20, binning="width", adjust=False),
        "FactorVAE": lambda: factor_vae(codes[:fit], factors[:fit]),
        "DCI": dci_of,
        "DCI-dlib": lambda: dci_of(**Dci.presets["dlib"]),
    }


def measured(score: Callable[[], float], rounds: int) -> tuple[float, float]:
    """Median seconds after a first call that loads what is loaded once, and the value; 0 rounds: of the first call."""
    started = time.perf_counter()
    value = score()
    times = [time.perf_counter() - started] if not rounds else []
    for _ in range(rounds):
        started = time.perf_counter()
        score()
        times.append(time.perf_counter() - started)
    return float(np.median(times)), value


def peer(python: str, given: dict[str, np.ndarray], names: list[str]) -> dict[str, tuple[float, float]]:
    """Name to seconds and value of the suite."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "arrays.npz"
        np.savez(path, **given)
        # In the temporary folder, so that no package of the current one is imported instead of the suite.
        done = subprocess.run(
            [python, "-W", "ignore", "-c", PEER, str(path), *names], cwd=folder, check=True, stdout=subprocess.PIPE
        )
    lines = [json.loads(line) for line in done.stdout.decode().splitlines() if line.startswith("[")]
    return {name: (seconds, value) for name, seconds, value in lines}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer", metavar="PYTHON", help="the Python of the environment that has the suite")
    parser.add_argument("--only", nargs="+", choices=list(GOALS), default=list(GOALS))
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    given = arrays()
    scores = {name: score for name, score in ours(given).items() if name in options.only}
    mine = {name: measured(score, ROUNDS.get(name, options.rounds)) for name, score in scores.items()}
    theirs = peer(options.peer, given, list(mine)) if options.peer else {}
    print(f"{'':10} {'ours':>10} {'goal':>8} {'peer':>10} {'ratio':>8} {'our value':>10} {'peer value':>10}")
    for name, (seconds, value) in mine.items():
        goal = GOALS[name]
        line = f"{name:10} {seconds:8.4f} s " + ("       -" if goal is None else f"{goal:6.2f} s")
        if name.removesuffix("-dlib") in theirs:
            other, its_value = theirs[name.removesuffix("-dlib")]
            line += f" {other:8.3f} s {other / seconds:6.0f} x {value:10.4f} {its_value:10.4f}"
        else:
            line += f" {'':>10} {'':>8} {value:10.4f}"
        print(line)


if __name__ == "__main__":
    main()
