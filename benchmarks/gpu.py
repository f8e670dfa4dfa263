"""All that a GPU machine can say of the speed of training, in one table and under ten minutes.

    python benchmarks/gpu.py [--device cuda] [--seconds 60] [--steps 200] [--rounds 5]

Nothing has to be there but the package: images are generated, of the sizes of the data sets. First the loop against the
bare step and against plain PyTorch (``disent bench``), then the recipes: whole trainings where they take less than
``--seconds``, otherwise some epochs, the rest extrapolated, which the table says. Without validation: generated images
are all for training. ``--scale 0.01 --width 0.1 --device cpu`` shows on any machine that the script works.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from disent_plugins.cli.bench import show_speed
from disent_plugins.registry.host import Registry
from disent_plugins.training.bench.images import generated
from disent_plugins.training.bench.measure import Loop, measure
from disent_plugins.training.devices import choose_device
from disent_plugins.training.folder import RunFolder
from disent_plugins.training.parts import resolve
from disent_plugins.training.session import make

RECIPES = (("mnist", 50_000, 200), ("cars3d", 15_360, 600), ("celeba", 162_770, 1))
"""Data set, its training images, and epochs to tell the time of."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each recipe")
    parser.add_argument("--steps", type=int, default=200, help="of a round of the comparison")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the images")
    parser.add_argument("--width", help="of the networks")
    arguments = parser.parse_args()
    flags = {"device": arguments.device, "options": {"width": arguments.width} if arguments.width else {}}
    compare(flags, arguments)
    print("\nRecipes, generated images, no validation")
    print(f"{'':8}{'images':>9}{'first epoch':>13}{'an epoch':>10}{'images/s':>11}{'epochs':>8}{'seconds':>10}")
    for data, count, epochs in RECIPES:
        print(recipe(data, max(int(arguments.scale * count), 512), epochs, flags, arguments.seconds))


def compare(flags: dict, arguments: argparse.Namespace) -> None:
    """The loop, the bare step and plain PyTorch."""
    parts, settings = resolve(Registry(third_party=False), model="gmvae", data="mnist", file={}, flags=flags)
    table = generated(parts.adapter.info, arguments.steps * settings.batch_size)
    with tempfile.TemporaryDirectory() as folder:
        device = choose_device(arguments.device)
        given = (parts, settings, table, "generated images of the form of mnist", device, Path(folder))
        show_speed(
            measure(*given, steps=arguments.steps, rounds=arguments.rounds, report=lambda done, total, what: None)
        )


def recipe(data: str, count: int, epochs: int, flags: dict, seconds: float) -> str:
    """A line of the table: the time of a recipe's training, with checkpoints and records."""
    parts, settings = resolve(Registry(third_party=False), model="gmvae", data=data, file={}, flags=flags)
    table = generated(parts.adapter.info, count)
    with tempfile.TemporaryDirectory() as folder:
        loop = Loop(make(parts, settings, table, choose_device(settings.device), RunFolder(Path(folder))), steps=1)
        first = timed(loop)  # with memory, kernels and the recording of the step
        second = timed(loop)
        more = max(min(epochs - 2, int(seconds / second) - 1), 0)
        # In one piece, as a run does it: the next epoch begins while a checkpoint is written.
        loop.epochs = more
        whole = timed(loop) if more else 0.0
    each = whole / more if more else second
    total = first + second + whole + each * (epochs - 2 - more)
    how = "measured" if epochs == 2 + more else f"from {2 + more} epochs"
    if epochs == 1:
        total, how = each, "a warm one"
    speed = loop.images / each
    return f"{data:8}{count:>9,}{first:>12.2f}s{each:>9.2f}s{speed:>11,.0f}{epochs:>8}{total:>9.1f}s  {how}"


def timed(loop: Loop) -> float:
    """Seconds of an epoch."""
    started = time.perf_counter()
    loop.run()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
