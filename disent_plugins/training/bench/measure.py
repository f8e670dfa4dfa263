"""Speed of the training loop in one run, against the bare step and against a plain loop, taking turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from disent_plugins.contracts import ImageTable, Report, TrainingData
from disent_plugins.training import log
from disent_plugins.training.bench.plain import PlainLoop
from disent_plugins.training.feed import Feed
from disent_plugins.training.folder import RunFolder
from disent_plugins.training.graph import CudaRecorder
from disent_plugins.training.memory import kept_memory
from disent_plugins.training.parts import Parts
from disent_plugins.training.precision import Chosen, calculating, tf32
from disent_plugins.training.session import Session, make
from disent_plugins.training.settings import RunSettings
from disent_plugins.training.updates import Updates

ROUNDS = 5
STEPS = {"cpu": 8, "cuda": 200}
"""Steps of a round."""

OF_BARE = 0.97
OVER_PLAIN = {("cpu", "fp32"): 1.2, ("cpu", "bf16"): 1.8, ("cuda", "fp32"): 8.0, ("cuda", "bf16"): 8.0}
"""Goals: of the loop's speed to that of the bare step and of a plain loop."""

PLAINLY_WRITTEN = "gmvae"
"""The model whose loss the plain loop has written out; it takes that of others from them."""

MATRIX = 8192
"""Rows and columns of the matrices whose product tells what a GPU can do."""


@dataclass(frozen=True)
class Ratio:
    """A ratio with its goal; None if there is none."""

    value: float
    goal: float | None = None

    @property
    def reached(self) -> bool | None:
        """Whether the goal is."""
        return None if self.goal is None else self.value >= self.goal


@dataclass(frozen=True)
class Speed:
    """What was measured.

    Attributes:
        images: Which images they were.
        device: Where.
        threads: Of the CPU's arithmetic.
        precision: Of the loop and of the bare step.
        recorded: Whether their steps are replayed from a CUDA graph.
        batch_size, steps, rounds: B, steps of a round, and rounds.
        images_per_second: Side to the median of its rounds.
        ratios: Median ratios of the rounds.
        outside: Share of a step that is not the network's, its loss's or the optimiser's.
        data_wait: Share of the loop's time in which steps waited for images.
        own_loss: Whether the plain loop took the model's own loss.
        matrix_share: A GPU's arithmetic in the loop's network as a share of what it does in one large product; None
            on a CPU.
    """

    model: str
    images: str
    device: str
    threads: int
    precision: Chosen
    recorded: bool
    batch_size: int
    steps: int
    rounds: int
    images_per_second: dict[str, float]
    ratios: dict[str, Ratio]
    outside: float
    data_wait: float
    own_loss: bool
    matrix_share: float | None = None

    def milliseconds(self, side: str) -> float:
        """Of a step."""
        return 1000 * self.batch_size / self.images_per_second[side]


def measure(
    parts: Parts,
    settings: RunSettings,
    table: ImageTable,
    images: str,
    device: torch.device,
    folder: Path,
    *,
    steps: int | None = None,
    rounds: int = ROUNDS,
    report: Report,
) -> Speed:
    """Measure.

    Args:
        parts: Model and data set.
        settings: Of the run whose speed is asked for.
        table: Its images; as many are used as the steps of a round take.
        images: Which they are, in words.
        device: Where.
        folder: An empty one, for checkpoints and records.
        steps: Of a round; None for ``STEPS``.
        rounds: How often the sides take turns.
        report: Progress.
    """
    steps = steps or STEPS[device.type]
    settings = replace(settings, limit=min(steps * settings.batch_size, len(table.rows("train"))))
    loop = Loop(make(parts, settings, table, device, RunFolder(folder)), steps)
    precision = loop.session.run.precision
    loop.run()
    bare = Bare(fresh(parts, settings, loop.session.data, device, torch.channels_last), loop)
    default = fresh(parts, settings, loop.session.data, device, torch.contiguous_format)
    by_groups = settings.model == PLAINLY_WRITTEN and _defaults(default)
    plain = PlainLoop(
        default, table, table.rows("train")[: settings.limit],
        batch_size=settings.batch_size, lr=settings.lr, device=device, by_groups=by_groups,
    )  # fmt: skip
    plain.run(1)
    bare.run(1)
    found: list[dict[str, float]] = []
    for number in range(rounds):
        report(number, rounds, "measuring")
        alone = _timed(lambda: bare.run(loop.steps), device, loop.images)
        whole = _timed(loop.run, device, loop.images)
        written = _timed(lambda: plain.run(loop.steps), device, loop.images)
        found.append({"bare": alone, "loop": loop.speed, "whole": whole, "plain": written})
    report(rounds, rounds, "measuring")
    of_bare = statistics.median(round_["loop"] / round_["bare"] for round_ in found)
    ratios = {
        "loop to bare": Ratio(of_bare, OF_BARE),
        "whole to bare": Ratio(statistics.median(round_["whole"] / round_["bare"] for round_ in found)),
        "loop to plain": Ratio(
            statistics.median(round_["loop"] / round_["plain"] for round_ in found),
            OVER_PLAIN[device.type, precision.used],
        ),
    }
    speeds = {side: statistics.median(round_[side] for round_ in found) for side in found[0]}
    share = None
    if device.type == "cuda":
        done = bare.operations() * speeds["loop"] / settings.batch_size
        share = done / _matrix_rate(device, precision)
    return Speed(
        settings.model, images, str(device), torch.get_num_threads(), precision, loop.session.trainer.launch.recorded,
        settings.batch_size, loop.steps, rounds, speeds, ratios, 1 - of_bare, loop.data_wait, not by_groups, share,
    )  # fmt: skip


class Loop:
    """The trainer, as ``disent run`` uses it, without validation, some steps at a time.

    Args:
        session: Ready to train.
        steps: At least so many at a time, in whole epochs.
    """

    def __init__(self, session: Session, steps: int) -> None:
        self.session, trainer = session, session.trainer
        self.epochs = -(-steps // trainer.sampler.steps)
        self.steps = self.epochs * trainer.sampler.steps
        self.images = self.steps * session.run.settings.batch_size
        self._lines: list[dict[str, float]] = []
        trainer.validation, trainer.notify = None, self._notify

    def run(self) -> None:
        """Take the steps, with checkpoints and records."""
        trainer, self._lines = self.session.trainer, []
        trainer.run.settings = replace(trainer.run.settings, epochs=trainer.progress.done + self.epochs)
        trainer.fit()

    @property
    def speed(self) -> float:
        """Images per second of the latest steps alone."""
        return self.images / sum(line["seconds"] for line in self._lines)

    @property
    def data_wait(self) -> float:
        """Share of them in which they waited for images."""
        return statistics.mean(line["data_wait"] for line in self._lines)

    def _notify(self, hook: str, **given: Any) -> None:
        # The run's own records are part of what is measured; loggers of others hear nothing of it.
        getattr(log, hook, lambda **_: None)(**given)
        if hook == "disent_epoch_ended":
            self._lines.append(given["losses"])


def fresh(
    parts: Parts, settings: RunSettings, data: TrainingData, device: torch.device, layout: torch.memory_format
) -> nn.Module:
    """The model as it begins."""
    torch.manual_seed(settings.seed)
    model: nn.Module = parts.model(settings, data).to(device, memory_format=layout)  # type: ignore[call-overload]
    return model.train()


class Bare:
    """Forward, backward and update on one batch that is already there; recorded if the loop's steps are.

    Args:
        model: On its device, in training mode.
        loop: Its data and precision are used.
    """

    def __init__(self, model: nn.Module, loop: Loop) -> None:
        trainer = loop.session.trainer
        self._model, self._own = model, getattr(model, "training_step", None)
        self._precision, self._device = trainer.run.precision.used, trainer.device
        inputs = next(Feed(trainer.pixels)(trainer.sampler.epoch(1), torch.full((1,), 0.5, device=trainer.device)))
        self._batch = inputs.batch(trainer.pixels)
        self._updates = Updates(model, trainer.run.settings.lr)
        self._take: Callable[[], Tensor] = self.eagerly
        if trainer.launch.recorded:
            recorder = CudaRecorder(trainer.device)
            recorder.warm_up(self.eagerly)
            self._updates.set_capturable(True)
            self._take = recorder.record(self.eagerly)

    def eagerly(self) -> Tensor:
        """Take a step, operation by operation."""
        with calculating(self._precision, self._device):
            if self._own is not None:
                return self._own(self._batch, self._updates).total
            total: Tensor = self._model.loss(self._batch).total  # type: ignore[operator]
            self._updates(total)
        return total

    def run(self, steps: int) -> None:
        """Take so many steps."""
        with kept_memory():
            for _ in range(steps):
                self._take()

    def operations(self) -> float:
        """Floating-point operations of a step's convolutions and matrix products."""
        with FlopCounterMode(display=False) as counter:
            self.eagerly()
        return float(counter.get_total_flops())


def _defaults(model: nn.Module) -> bool:
    """Whether all options are the defaults but those that the plainly written loss or the network itself takes."""
    config, known = model.config, type(model.config)()
    return all(value == getattr(known, name) for name, value in vars(config).items() if name not in _TAKEN)


_TAKEN = {
    "k",
    "repulsion",
    "regularisation",
    "delta",
    "content_size",
    "style_size",
    "width",
    "variance",
    "style_variance",
}


def _timed(work: Callable[[], object], device: torch.device, images: int) -> float:
    """Images per second."""
    started = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return images / (time.perf_counter() - started)


def _matrix_rate(device: torch.device, precision: Chosen) -> float:
    """Floating-point operations per second of one large matrix product: the best of ten."""
    kind = torch.bfloat16 if precision.used == "bf16" else torch.float32
    a, b = (torch.randn(MATRIX, MATRIX, device=device, dtype=kind) for _ in range(2))
    with tf32():  # as the convolutions have it
        best = min(1 / _timed(lambda: a @ b, device, 1) for _ in range(10))
    return 2.0 * MATRIX**3 / best
