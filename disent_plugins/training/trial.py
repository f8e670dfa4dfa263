"""A short trial of bf16 against fp32 on the CPU: the real step on real images, on a copy that is thrown away."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from disent_plugins.data_adapters.samplers import Batches
from disent_plugins.training.feed import Feed, Inputs
from disent_plugins.training.memory import kept_memory
from disent_plugins.training.pixels import Pixels
from disent_plugins.training.precision import Chosen, Precision, by_device
from disent_plugins.training.step import Step
from disent_plugins.training.updates import Updates

WIN = 1.1
"""bf16 is taken if its steps are more than so many times as fast."""

WORTH = 8192
"""A training that sees fewer images is not worth a trial."""

SECONDS = 2.0
ROUNDS = 5
FEW = 8
"""Images of the first step, which tells how many the trial can afford."""

Clock = Callable[[], float]


def choose(
    model: nn.Module, pixels: Pixels, draw: Callable[[], Batches], lr: float, images: int, clock: Clock | None = None
) -> Chosen:
    """The faster precision for a model on a device; the model and the random generators stay as they are.

    Args:
        model: On its device.
        pixels: The images.
        draw: Gives batches to try it on.
        lr: Learning rate.
        images: How many images the whole training sees.
        clock: Seconds; for tests.
    """
    if (found := by_device(pixels.device)) is not None:
        return found
    if images < WORTH:
        return Chosen("fp32", f"too short a training to try bf16: {images:,} images")
    with torch.random.fork_rng(devices=[]), kept_memory():
        try:
            gain = _gain(copy.deepcopy(model), pixels, draw(), lr, clock or time.perf_counter)
        except Exception as error:  # a model that cannot be copied or trained so: it is told when it is trained
            return Chosen("fp32", f"no trial of bf16 was possible: {type(error).__name__}")
    return Chosen("bf16" if gain > WIN else "fp32", f"bf16 took {1 / gain:.2f} of the time of fp32 in a trial")


def _gain(model: nn.Module, pixels: Pixels, batches: Batches, lr: float, clock: Clock) -> float:
    """How many times as fast a step in bf16 is: the shortest of each, taken in turns."""
    begun = clock()
    updates = Updates(model.train(), lr)
    sides: dict[Precision, Step] = {
        precision: Step(model, updates, pixels, precision) for precision in ("fp32", "bf16")
    }

    def seconds(side: Precision, inputs: Inputs) -> float:
        started = clock()
        sides[side](inputs)
        return clock() - started

    # Two rounds more: the first steps of either are slower.
    few = _first(batches, pixels, FEW)
    seconds("fp32", few)
    each = max(seconds("fp32", few), 1e-9) / FEW
    room = (SECONDS - (clock() - begun)) / (2 * (ROUNDS + 1))
    inputs = _first(batches, pixels, max(FEW, 2 * int(room / each / 2)))
    for side in sides:
        seconds(side, inputs)
    best: dict[Precision, float] = dict.fromkeys(sides, float("inf"))
    for _ in range(ROUNDS):
        started = clock()
        for side in sides:
            best[side] = min(best[side], seconds(side, inputs))
        if (clock() - begun) + (clock() - started) > SECONDS:  # with another round
            break
    return best["fp32"] / max(best["bf16"], 1e-9)


def _first(batches: Batches, pixels: Pixels, count: int) -> Inputs:
    """Up to so many images of the first batch, an even number of them, so that pairs stay together."""
    count = min(count, batches.rows.shape[1])
    names = ("rows", "group", "identity", "index", "partner")
    parts = {name: getattr(batches, name)[:1, :count] for name in names}
    # A partner that was cut off is none.
    parts["partner"] = np.where(parts["partner"] < count, parts["partner"], np.arange(count))
    return next(Feed(pixels)(replace(batches, **parts), torch.zeros(1)))
