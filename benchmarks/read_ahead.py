"""Training on a cache that memory cannot hold: how long steps wait for images, read ahead or read when needed.

    python benchmarks/read_ahead.py [--images 60000] [--room 64] [--steps 60] [--width 0.125] [--device cpu]

A file of generated images of 64x64x3 is written, and the trainer is told that it may keep ``--room`` megabytes. Before
every round the system is asked to drop the file from its own cache, so that reading means the disk.
"""

from __future__ import annotations

import argparse
import mmap
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from disent_plugins.contracts import ImageTable
from disent_plugins.registry.host import Registry
from disent_plugins.training.bench.images import generated
from disent_plugins.training.bench.measure import Loop
from disent_plugins.training.feed import Feed
from disent_plugins.training.folder import RunFolder
from disent_plugins.training.parts import resolve
from disent_plugins.training.pixels import Pixels
from disent_plugins.training.session import make

GOAL = 0.05
"""Share of an epoch that steps may wait."""


def main() -> None:
    """Measure and print both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=60_000)
    parser.add_argument("--room", type=int, default=64, help="megabytes of images that memory is said to hold")
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--width", default="0.125")
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    flags = {"device": arguments.device, "precision": "fp32", "options": {"width": arguments.width}}
    parts, settings = resolve(Registry(third_party=False), model="gmvae", data="celeba", file={}, flags=flags)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "images"
        table = on_disk(generated(parts.adapter.info, arguments.images), file)
        print(f"{table.images.nbytes / 1e6:,.0f} MB of images, room for {arguments.room} MB, {arguments.device}")
        session = make(parts, settings, table, torch.device(arguments.device), RunFolder(Path(folder)))
        trainer = session.trainer
        trainer.sampler.steps = arguments.steps
        loop = Loop(session, arguments.steps)
        draw = trainer.sampler.epoch
        trainer.sampler.epoch = lambda epoch: first(draw(epoch), arguments.steps)
        for name, room in (("read ahead", arguments.room * 1_000_000), ("read when needed", None)):
            trainer.pixels = trainer.launch.step.pixels = Pixels(table, trainer.device, room)
            trainer.feed = Feed(trainer.pixels)
            drop(table.images, file)
            loop.run()
            goal = f"(goal below {GOAL})" if room else ""
            print(f"{name:17} waited {loop.data_wait:.3f} of the epoch, {loop.speed:,.0f} images/s {goal}")


def on_disk(table: ImageTable, file: Path) -> ImageTable:
    """The same table with its images behind a memory map."""
    table.images.tofile(file)
    shape = table.images.shape
    return replace(table, images=np.memmap(file, np.uint8, mode="r", shape=shape))


def first(batches, steps: int):
    """The first batches of an epoch."""
    names = ("rows", "group", "identity", "index", "partner")
    return replace(batches, **{name: getattr(batches, name)[:steps] for name in names})


def drop(images: np.memmap, file: Path) -> None:
    """Ask the system to keep none of a file in memory: what is mapped would stay."""
    images._mmap.madvise(mmap.MADV_DONTNEED)
    with file.open("rb") as opened:
        os.fsync(opened.fileno())
        os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


if __name__ == "__main__":
    main()
