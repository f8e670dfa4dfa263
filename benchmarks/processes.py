"""Two processes of one thread each against one process of two threads: images/s of the same training.

    python benchmarks/processes.py [--steps 12] [--rounds 3] [--model gmvae] [--group-statistics rank|exact]

Both train a model with the MNIST recipe (the paper's network, a batch of 256 in all) on random images, on the CPU, and
take turns. The speed is the one that the training loop reports, of its last epoch of two.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

from disent_plugins.registry.host import from_environment
from disent_plugins.training.bench.images import generated
from disent_plugins.training.folder import RunFolder
from disent_plugins.training.parts import resolve
from disent_plugins.training.processes import launched
from disent_plugins.training.session import make

GOAL = 0.9
BATCH = 256


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="gmvae")
    parser.add_argument("--steps", type=int, default=12, help="steps of an epoch")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--group-statistics", choices=("rank", "exact"), default="rank")
    parser.add_argument("--train", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.train:
        train(given)
        return
    rows = []
    for _ in range(given.rounds):
        one, two = started(1, 2), started(2, 1)
        rows.append((one, two))
        print(f"one process, two threads {one:9,.0f} images/s   two processes {two:9,.0f} images/s   {two / one:.3f}")
    ratio = statistics.median(two / one for one, two in rows)
    print(f"{given.model}, {given.group_statistics}: {ratio:.3f} of one process (goal {GOAL})")


def started(processes: int, threads: int) -> float:
    """The speed of a training in processes of its own."""
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    command = [sys.executable, *launcher, *sys.argv, "--train"]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout)


def train(given: argparse.Namespace) -> None:
    """One process of a training; the first prints its speed."""
    flags = {
        "epochs": 2, "batch_size": BATCH, "precision": "fp32", "group_statistics": given.group_statistics,
        "options": {}, "data_options": {},
    }  # fmt: skip
    registry = from_environment(os.environ, third_party=False)
    parts, settings = resolve(registry, model=given.model, data="mnist", file={}, flags=flags)
    table = generated(parts.adapter.info, given.steps * BATCH)
    with launched() as processes, tempfile.TemporaryDirectory() as folder:
        run = RunFolder(Path(folder))
        make(parts, settings, table, torch.device("cpu"), run, processes=processes).fit()
        if processes.first:
            print(json.loads(run.losses.read_text().splitlines()[-1])["images_per_second"])


if __name__ == "__main__":
    main()
