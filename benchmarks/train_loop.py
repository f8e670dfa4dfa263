"""Training loop against the bare step: what batching, logging, checkpoints and signals cost.

    python benchmarks/train_loop.py [--model gmvae|cycle-vae] [--steps 24] [--rounds 5] [--device cpu]

Both sides train a model with the MNIST recipe (the paper's network, batch 256) and take turns in one process. Bare:
forward, backward and optimiser step on one resident batch; of cycle-VAE, both of its steps, with two optimisers written
out by hand. Loop: the trainer, with the time it reports (training steps)
and with everything (checkpoints, validation, records; an epoch of MNIST has 195 steps, these are shorter, so the share
of the checkpoint is overstated).
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import nn

from disent_plugins.contracts import DatasetInfo, Factor, ImageSpec, ImageTable, TrainingData
from disent_plugins.data_adapters.samplers import make_sampler
from disent_plugins.models.cycle_vae import CycleVAE
from disent_plugins.models.gmvae import GMVAE
from disent_plugins.testing import batch_of
from disent_plugins.training.folder import RunFolder
from disent_plugins.training.pixels import Pixels
from disent_plugins.training.processes import ALONE, Processes
from disent_plugins.training.settings import RunSettings
from disent_plugins.training.trainer import Run, Trainer

BATCH = 256
MODELS = {"gmvae": (GMVAE, 0.97), "cycle-vae": (CycleVAE, 0.95)}
"""Class and goal."""


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=MODELS, default="gmvae")
    parser.add_argument("--steps", type=int, default=24, help="steps of an epoch")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    device, (model, goal) = torch.device(arguments.device), MODELS[arguments.model]
    with tempfile.TemporaryDirectory() as folder:
        trainer, reported = make_trainer(model, Path(folder), device, arguments.steps)
        bare = make_bare(model, device)
        bare(2)
        trainer.run.settings = with_epochs(trainer, 1)
        trainer.fit()
        rows = []
        for round_ in range(arguments.rounds):
            step_speed = timed(lambda: bare(arguments.steps), device, arguments.steps)
            trainer.run.settings = with_epochs(trainer, round_ + 2)
            whole = timed(trainer.fit, device, arguments.steps)
            rows.append((step_speed, reported[-1], whole))
    bare_speed, loop, whole = (statistics.median(column) for column in zip(*rows, strict=True))
    ratio = statistics.median(row[1] / row[0] for row in rows)
    ratio_whole = statistics.median(row[2] / row[0] for row in rows)
    print(
        f"{arguments.model}: {arguments.rounds} rounds of {arguments.steps} steps of {BATCH}, {device}, "
        f"{torch.get_num_threads()} threads"
    )
    print(f"bare step                    {bare_speed:9,.0f} images/s")
    print(f"training loop                {loop:9,.0f} images/s   {ratio:.3f} of bare (goal {goal})")
    print(f"with checkpoint and records  {whole:9,.0f} images/s   {ratio_whole:.3f} of bare")


def make_trainer(
    kind: type, folder: Path, device: torch.device, steps: int, processes: Processes = ALONE
) -> tuple[Trainer, list[float]]:
    """A trainer on random images, and the list that collects the speed it reports."""
    count = steps * BATCH
    random = np.random.default_rng(0)
    info = DatasetInfo("noise", ImageSpec(1, 32, 32), (Factor("digit", 10),), "digit", True, "", "", "")
    images = random.integers(0, 256, (count, 32, 32, 1), dtype=np.uint8)
    table = ImageTable(info, images, random.integers(0, 10, (count, 1)), np.zeros(count, np.uint8), "")
    settings = RunSettings(data="noise", epochs=1, batch_size=BATCH)
    sampler = make_sampler("random", np.arange(count), table.labels, batch_size=BATCH, seed=0)
    reported: list[float] = []

    def notify(hook: str, **given: object) -> None:
        if hook == "disent_epoch_ended":
            losses = given["losses"]
            assert isinstance(losses, dict)
            reported.append(losses["images_per_second"])

    run = Run(RunFolder(folder), settings, sampler.steps, count)
    return Trainer(run, make_model(kind, device), Pixels(table, device), sampler, None, notify, processes), reported


def with_epochs(trainer: Trainer, epochs: int, statistics: Literal["rank", "exact"] = "rank") -> RunSettings:
    """The trainer's settings with another last epoch."""
    return replace(trainer.run.settings, epochs=epochs, group_statistics=statistics)


def make_model(kind: type, device: torch.device) -> nn.Module:
    """A model on the paper's MNIST network."""
    torch.manual_seed(0)
    data = TrainingData(ImageSpec(1, 32, 32), images=50_000, groups=10)
    return kind(kind.Config(), data).to(device, memory_format=torch.channels_last)


def make_bare(kind: type, device: torch.device):
    """A function that takes n bare steps on one resident batch."""
    model = make_model(kind, device)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    images = torch.rand(BATCH, 1, 32, 32, device=device).contiguous(memory_format=torch.channels_last)
    ids = torch.arange(BATCH, device=device)
    batch = batch_of(images, ids % 10, 10)

    if kind is CycleVAE:
        reverse = torch.optim.Adam(model.encoder.parameters(), lr=2e-4, fused=True)

    def take(steps: int) -> None:
        for _ in range(steps):
            optimizer.zero_grad(set_to_none=True)
            model.loss(batch).total.backward()
            optimizer.step()
            if kind is CycleVAE:
                reverse.zero_grad(set_to_none=True)
                (model.config.reverse * model._reverse(images)).backward()
                reverse.step()

    return take


def timed(work, device: torch.device, steps: int) -> float:
    """Images per second of some steps."""
    started = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return steps * BATCH / (time.perf_counter() - started)


if __name__ == "__main__":
    main()
