"""The training loop: epochs of steps; checkpoints, signals and the learning rate.

It knows nothing of what a loss is made of.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from disent_plugins.data_adapters.samplers import Batches, Sampler
from disent_plugins.errors import DisentError, Interrupted, UsageError, WorkFailed
from disent_plugins.out_of_memory import memory_full
from disent_plugins.training import pending
from disent_plugins.training.checkpoint import Checkpoint, Progress, load, load_weights
from disent_plugins.training.feed import Feed
from disent_plugins.training.folder import RunFolder
from disent_plugins.training.identity import check_identity
from disent_plugins.training.launch import Launch
from disent_plugins.training.memory import kept_memory
from disent_plugins.training.pixels import Pixels
from disent_plugins.training.precision import FP32, Chosen
from disent_plugins.training.processes import ALONE, Processes
from disent_plugins.training.randomness import random_state, restore_random_state
from disent_plugins.training.saving import Writer
from disent_plugins.training.settings import RunSettings
from disent_plugins.training.signals import StopRequest
from disent_plugins.training.step import Step
from disent_plugins.training.updates import Updates
from disent_plugins.training.validation import validate

CHECK_EVERY = {"cpu": 1, "cuda": 50}
"""Steps between two looks at whether the loss is still a number: on a GPU a look waits for the device."""


@dataclass
class Run:
    """A run as plugins see it.

    Attributes:
        folder: Its folder.
        settings: Its settings.
        steps_per_epoch: Batches in an epoch.
        images_per_epoch: Images seen in an epoch.
        first_epoch: Where this process begins: 1, or later when resumed.
        identity: What its checkpoints say of it (``training.identity``).
        precision: That of its arithmetic.
    """

    folder: RunFolder
    settings: RunSettings
    steps_per_epoch: int
    images_per_epoch: int
    first_epoch: int = 1
    identity: dict[str, Any] = field(default_factory=dict)
    precision: Chosen = FP32

    @property
    def epochs(self) -> int:
        """Epochs in all."""
        return self.settings.epochs


def learning_rate(settings: RunSettings, epoch: int) -> float:
    """Learning rate of an epoch (from 1): multiplied by gamma after each milestone."""
    return settings.lr * settings.gamma ** sum(epoch > milestone for milestone in settings.milestones)


class Trainer:
    """Trains a model.

    Args:
        run: The run.
        model: On its device.
        pixels: The data set's images.
        sampler: Of the training images.
        validation: Fixed batches of the validation split, or None if the data set has none.
        notify: Called as ``notify("disent_epoch_ended", run=..., ...)``.
        processes: This one and the others that train the run; the first alone writes.
    """

    def __init__(
        self,
        run: Run,
        model: nn.Module,
        pixels: Pixels,
        sampler: Sampler,
        validation: Batches | None,
        notify: Callable[..., None],
        processes: Processes = ALONE,
    ) -> None:
        self.run, self.model, self.pixels, self.sampler, self.validation = run, model, pixels, sampler, validation
        self.device = pixels.device
        self.notify, self.processes = notify, processes
        self.updates = Updates(model, run.settings.lr, processes.average_gradients)
        step = Step(model, self.updates, pixels, run.precision.used)
        graph = run.settings.graph if processes.count == 1 else "off"
        self.launch = Launch(step, graph, run.settings.compile, self._note)
        self.feed = Feed(pixels)
        self.progress = Progress()
        unrecorded = graph != run.settings.graph and self.device.type == "cuda"
        self.notes = ["no graph: the processes exchange sums within a step"] if unrecorded else []  # said at the start
        self._saved = ""
        self._write = Writer(behind=self.device.type == "cuda")
        self._untold: tuple[int, dict[str, float]] | None = None  # an epoch whose checkpoint is being written

    def resume(self) -> None:
        """Go on from the run's last checkpoint: weights, optimiser, random state and position.

        Raises:
            UsageError: The checkpoint is missing, damaged or another model's, or it is already beyond the last epoch.
        """
        path = self.run.folder.checkpoint("last")
        checkpoint = load(path, self.device)
        load_weights(self.model, checkpoint, path)
        check_identity(path, checkpoint.run, self.run.identity)
        if checkpoint.optimizers is not None:
            self.updates.load_state_dict(checkpoint.optimizers, str(path))
        self.progress = checkpoint.progress
        begun = self.progress.epoch - (self.progress.step == 0)
        if begun > self.run.epochs:
            raise UsageError(
                f"{self.run.folder.path} has already trained {begun} epochs, not just {self.run.epochs}.",
                "Training cannot be taken back.",
                f"Go on to more with: disent run --resume {self.run.folder.path} --epochs {2 * begun}",
            )
        restore_random_state(checkpoint.random, self.device)
        self.run.first_epoch = self.progress.epoch
        self._saved = self._position()

    def fit(self) -> None:
        """Train to the last epoch.

        Raises:
            Interrupted: A signal came; the state was saved.
            WorkFailed: The loss or the weights are no longer numbers, or the device's memory is full.
        """
        self.notify("disent_run_started", run=self.run)
        if self.processes.first:
            if (losses := pending.untold(self.run.folder.pending, self.progress.done)) is not None:
                self._tell(self.progress.done, losses)
            self.run.folder.pending.unlink(missing_ok=True)
        for note in self.notes:
            self._note(note)
        try:
            with StopRequest(repeated=self.processes.count > 1) as stop, kept_memory():
                while self.progress.epoch <= self.run.epochs:
                    self._epoch(self.progress.epoch, stop)
                    self._answer(stop)
            self._tell_saved(wait=True)
        except RuntimeError as error:
            if (told := memory_full(error)) is None:
                raise
            raise WorkFailed(
                f"The memory of {self.device} is full at {self.run.settings.batch_size} images in a batch.",
                f"{told}. {self._kept()}",
                f"Try a smaller batch: disent run --batch-size {self.run.settings.batch_size // 2} ...",
            ) from error
        finally:
            self._write.close()

    def _epoch(self, epoch: int, stop: StopRequest) -> None:
        progress = self.progress
        rate = learning_rate(self.run.settings, epoch)
        self.updates.set_rate(rate)
        self.model.train()
        first, started, before = progress.step, time.perf_counter(), progress.seconds
        batches = self.processes.share(self.sampler.epoch(epoch), self.run.settings)
        drawn = time.perf_counter() - started
        for inputs in self.feed(batches, self._shares(epoch), first):
            with self.processes.step(self.run.settings, progress):
                terms = self.launch(inputs)
            progress.sums = self._add(progress.sums, self.processes.average(terms, self.model))
            progress.step += 1
            progress.seconds = before + time.perf_counter() - started
            self._tell_saved()
            looks = progress.step % CHECK_EVERY[self.device.type] == 0
            if looks:
                self._check_loss(epoch)
            self.notify("disent_batch_ended", run=self.run, epoch=epoch, step=progress.step)
            if progress.step < self.sampler.steps and (looks or self.processes.count == 1):
                self._answer(stop)
        self._check_loss(epoch)
        self._warn_of_idle_groups()
        seconds = time.perf_counter() - started
        assert progress.sums is not None
        losses = dict(zip(self.launch.names, (progress.sums / progress.step).tolist(), strict=True))
        images = (progress.step - first) * self.run.settings.batch_size
        speed = {
            "seconds": before + seconds,
            "images_per_second": images / max(seconds, 1e-9),
            "data_wait": (drawn + self.feed.waited) / max(seconds, 1e-9),
            "learning_rate": rate,
        }
        losses.update({f"validation/{name}": value for name, value in self._validate().items()})
        self._finish_epoch(epoch, losses, speed)

    def _shares(self, epoch: int) -> Tensor:
        """[n] share of the training that is done before each step of an epoch."""
        steps = self.sampler.steps
        done = (epoch - 1) * steps + torch.arange(steps, dtype=torch.float64)
        return (done / (self.run.epochs * steps)).float().to(self.device)

    def _warn_of_idle_groups(self) -> None:
        """Once, in the first epoch that this process sees."""
        if self.updates.idle:
            self._note(f"warning: no step has updated the parameters of: {', '.join(self.updates.idle)}")
            self.updates.idle = []

    def _note(self, note: str) -> None:
        self.notify("disent_run_noted", run=self.run, note=note)

    def _validate(self) -> dict[str, float]:
        """Mean loss over the validation batches."""
        if self.validation is None:
            return {}
        progress = self._shares(self.progress.epoch)[-1]
        names, means = validate(self.model, self.pixels, self.validation, progress, self.run.precision.used)
        self._require_finite(means, names, f"on the validation images after epoch {self.progress.epoch}")
        return dict(zip(names, means.tolist(), strict=True))

    def _finish_epoch(self, epoch: int, losses: dict[str, float], speed: dict[str, float]) -> None:
        progress = self.progress
        self._check_weights()
        self._tell_saved(wait=True)
        if self.processes.first:
            pending.keep(self.run.folder.pending, epoch, {**losses, **speed})
        score = losses.get("validation/total", losses["total"])
        progress.epoch, progress.step, progress.sums, progress.seconds = epoch + 1, 0, None, 0.0
        if score < progress.best:
            progress.best, progress.best_epoch = score, epoch
            self._put("best", Checkpoint(self.model.state_dict(), progress, run=self.run.identity))
        self._save()
        self._untold = epoch, {**losses, **speed}
        self._tell_saved()

    def _tell_saved(self, wait: bool = False) -> None:
        """Tell the plugins of the last epoch once its checkpoint is on the disk."""
        if wait or self._write.done:
            self._write.wait()
            untold, self._untold = self._untold, None
            if untold is not None:
                self._tell(*untold)

    def _tell(self, epoch: int, losses: dict[str, float]) -> None:
        """Tell the plugins of an epoch; they hear of it again if this process is killed before all have."""
        self.notify("disent_epoch_ended", run=self.run, epoch=epoch, losses=losses)
        if self.processes.first:
            self.run.folder.pending.unlink(missing_ok=True)

    def _save(self) -> None:
        state, run = random_state(self.device), self.run.identity
        self._put("last", Checkpoint(self.model.state_dict(), self.progress, self.updates.state_dict(), state, run))
        self._saved = self._position()

    def _put(self, which: str, checkpoint: Checkpoint) -> None:
        if self.processes.first:
            self._write(self.run.folder.checkpoint(which), checkpoint)

    def _answer(self, stop: StopRequest) -> None:
        """Save and leave if a signal asked for it."""
        requested = self.processes.agree(stop.requested)
        if not requested:
            return
        self._tell_saved(wait=True)
        if self.progress.step:  # otherwise the end of the epoch has just been saved
            self._check_loss(self.progress.epoch)
            self._check_weights()
            self._save()
            self._write.wait()
        error = Interrupted(
            f"Stopped by {requested} at {self._position()} ({self.run.epochs} epochs in all).",
            f"Everything up to there is saved in {self.run.folder.checkpoint('last')}.",
            f"Go on with: disent run --resume {shlex.quote(str(self.run.folder.path))}",
        )
        raise self.processes.told(error)

    def _position(self) -> str:
        progress = self.progress
        if not progress.step:
            return f"the end of epoch {progress.epoch - 1}"
        return f"epoch {progress.epoch}, batch {progress.step} of {self.sampler.steps}"

    def _check_loss(self, epoch: int) -> None:
        if self.progress.sums is not None:
            self._require_finite(self.progress.sums, self.launch.names, f"in epoch {epoch}, batch {self.progress.step}")

    def _require_finite(self, values: Tensor, names: list[str], where: str) -> None:
        if bool(values.isfinite().all()):
            return
        bad = ", ".join(name for name, good in zip(names, values.isfinite().tolist(), strict=True) if not good)
        raise self._diverged(f"The loss is no longer a finite number {where} ({bad}).")

    def _check_weights(self) -> None:
        """The last step of an epoch may spoil the weights without any loss having shown it yet."""
        for name, parameter in self.model.named_parameters():
            if not bool(parameter.isfinite().all()):
                raise self._diverged(
                    f"The weights are no longer finite numbers in epoch {self.progress.epoch} ({name})."
                )

    def _diverged(self, what: str) -> DisentError:
        rate = learning_rate(self.run.settings, self.progress.epoch)
        hint = f"Try a smaller learning rate: disent run --lr {rate / 5:g} ..."
        return self.processes.told(WorkFailed(what, self._kept(), hint))

    def _kept(self) -> str:
        self._tell_saved(wait=True)
        if not self._saved:
            return "No epoch was finished, so there is no checkpoint."
        return f"The last good checkpoint is kept: {self.run.folder.checkpoint('last')} ({self._saved})."

    def _add(self, sums: Tensor | None, terms: Tensor) -> Tensor:
        return terms.double() if sums is None else sums + terms
