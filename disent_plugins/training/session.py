"""From settings to a run that is ready to train: a new one, or one that goes on."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import BaseFileLock

from disent_plugins.content import has_value
from disent_plugins.contracts import ImageTable, Report, TrainingData
from disent_plugins.data_adapters.cache import quiet
from disent_plugins.data_adapters.partners import lonely
from disent_plugins.data_adapters.samplers import Batches, make_sampler
from disent_plugins.registry.host import Registry
from disent_plugins.training.batch_norm import over_whole_batch
from disent_plugins.training.folder import RUNS, Begun, RunFolder, new_folder
from disent_plugins.training.identity import identity
from disent_plugins.training.launch import check_graph
from disent_plugins.training.parts import Parts, load_parts
from disent_plugins.training.pixels import Pixels
from disent_plugins.training.precision import Chosen, by_device, check_precision, notes_of_precision
from disent_plugins.training.processes import ALONE, Processes
from disent_plugins.training.settings import RunSettings
from disent_plugins.training.trainer import Run, Trainer
from disent_plugins.training.trial import choose
from disent_plugins.whole_batch import ProcessLost


@dataclass
class Session:
    """A run that is ready to train."""

    parts: Parts
    run: Run
    table: ImageTable
    data: TrainingData
    trainer: Trainer
    lock: BaseFileLock | None = None

    def fit(self) -> None:
        """Train to the end, with the other processes if there are any.

        Raises:
            ProcessLost: Another process has ended.
            ToldByAnother: The run was stopped or has failed, and the first process tells it.
        """
        parts, processes = self.parts, self.trainer.processes
        try:
            self.run.folder = RunFolder(Path(processes.same_text(str(self.run.folder.path))))
            processes.begin_alike(self.trainer.model)
            parts.registry.call(parts.plugin, f"Model '{parts.spec.name}' failed while training", self.trainer.fit)
        except ProcessLost as error:
            again = f"Go on from the last checkpoint with: disent run --resume {shlex.quote(str(self.run.folder.path))}"
            raise ProcessLost(error.what, error.why, f"{again} (with as many processes as you like)") from error
        finally:
            if self.lock is not None:
                self.lock.release()


MOST_LONELY = 0.5
"""Share of the images that may be without another of their group in a batch before a run says so."""

_FEW = 16
"""Images and groups that a model is told of when it is made only to be asked."""


def check(parts: Parts, settings: RunSettings) -> None:
    """Refuse what ``start`` would, as far as it is known before the data are there.

    Raises:
        UsageError: A need of the model is not met.
        PluginFailure: The model cannot be made.
    """
    info = parts.adapter.info
    # How many there will be is not known yet.
    data = TrainingData(info.image, _FEW, _FEW, info.groups_are_distinct)
    parts.check_requirements(parts.model(settings, data), settings)


def start(
    parts: Parts,
    settings: RunSettings,
    *,
    source: Path | None,
    out: Path | None,
    report: Report,
    processes: Processes = ALONE,
) -> Session:
    """Prepare the data and, in the first process, a new run folder."""
    processes.check(settings)
    device = device_of(settings, processes)
    folder = new_folder(settings, out) if processes.first else RunFolder(out or RUNS)
    table = parts.table(source, report)
    session = make(parts, settings, table, device, folder, processes=processes)
    if processes.first:
        session.lock = folder.claim()
        folder.require_new()  # once more: another process may have been faster
        folder.write_start(settings, table, session.data, device, session.run.precision, processes.count)
    return session


def resume(
    registry: Registry,
    folder: RunFolder,
    *,
    epochs: int | None = None,
    device: str | None = None,
    precision: str | None = None,
    graph: str | None = None,
    compile: str | None = None,
    source: Path | None = None,
    report: Report = quiet,
    processes: Processes = ALONE,
) -> Session:
    """Continue a run from its last checkpoint, or from its start if it was stopped before there was one.

    Only ``settings.MAY_CHANGE`` and the number of processes may be new; all of them read the folder. The precision
    stays the one that it was begun with, unless another one is asked for or the run goes on on another kind of device;
    a graph that was asked for is left out where there are none.

    Raises:
        UsageError: The run, its checkpoint or its data are not what they were, or another process is training it.
    """
    before = folder.settings()
    asked: dict[str, Any] = {
        "epochs": epochs, "device": device, "precision": precision, "graph": graph, "compile": compile,
    }  # fmt: skip
    settings = replace(before, **{name: value for name, value in asked.items() if value is not None})
    processes.check(settings)
    if graph is None and settings.graph == "on" and processes.device(settings.device).type != "cuda":
        settings = replace(settings, graph="auto")  # it was asked for on another machine
    begun, target = folder.begun_with(), device_of(settings, processes)
    parts = load_parts(registry, settings.model, settings.data, settings.data_options)
    table = parts.table(source, report)
    folder.check_same_data(table)
    same = settings.precision == before.precision and begun.kind in ("", target.type)
    kept = begun.precision if same else None
    session = make(parts, settings, table, target, folder, kept, processes)
    if processes.first:
        session.lock = folder.claim()
    if folder.checkpoint("last").exists() or folder.losses.exists():  # otherwise no epoch was ever saved
        session.trainer.resume()
    session.trainer.notes += _changes(begun, Begun(str(target), session.run.precision, processes.count))
    if processes.first:
        folder.write_start(settings, table, session.data, target, session.run.precision, processes.count)
    return session


def device_of(settings: RunSettings, processes: Processes = ALONE) -> torch.device:
    """The device that is asked for, if it can do what is asked of it."""
    device = processes.device(settings.device)
    check_precision(settings.precision, device)
    check_graph(settings.graph, device)
    return device


def _changes(begun: Begun, now: Begun) -> list[str]:
    """Notes of what a run that goes on does otherwise than before."""
    pairs: list[tuple[str, Any, Any]] = [
        ("device", begun.device, now.device), ("number of processes", begun.processes, now.processes),
    ]  # fmt: skip
    if begun.precision and now.precision:
        pairs.append(("precision", begun.precision.used, now.precision.used))
    return [f"goes on with another {name}: {old} -> {new}" for name, old, new in pairs if old and old != new]


def make(
    parts: Parts,
    settings: RunSettings,
    table: ImageTable,
    device: torch.device,
    folder: RunFolder,
    precision: Chosen | None = None,
    processes: Processes = ALONE,
) -> Session:
    """A session on a table that is at hand; writes nothing.

    Args:
        parts: Model and data set.
        settings: Of the run.
        table: Its images.
        device: Where to train.
        folder: Where checkpoints will go.
        precision: The one that a run which goes on was begun with; None to choose one where none is asked for.
        processes: Those that train it.
    """
    torch.manual_seed(settings.seed)
    rows = table.rows("train")[: settings.limit]
    labels = table.labels[rows]
    classes = np.unique(labels[has_value(labels)])
    # Asked first: a model that cannot be trained so says why better than a sampler that cannot be made.
    data = TrainingData(table.info.image, len(rows), len(classes), table.info.groups_are_distinct)
    model = parts.model(settings, data)
    parts.check_requirements(model, settings)
    sampler = make_sampler(
        settings.sampler,
        rows,
        labels,
        batch_size=settings.batch_size,
        seed=settings.seed,
        visible=settings.visible,
        leftovers=settings.leftovers,
    )
    model = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    if settings.group_statistics == "exact":
        over_whole_batch(model)
    of = identity(settings, table.digest, data)
    pixels, seen = Pixels(table, device), sampler.steps * settings.batch_size
    if settings.precision != "auto":
        precision = Chosen(settings.precision)
    elif precision is None:
        if processes.count == 1:
            precision = choose(model, pixels, lambda: sampler.epoch(1), settings.lr, settings.epochs * seen)
        else:  # trials would not come out the same in all of them
            precision = by_device(device) or Chosen("fp32", "several processes make no trial of bf16")
    check_precision(precision.used, device)  # that of a run that was begun elsewhere
    run = Run(folder, settings, sampler.steps, seen, identity=of, precision=precision)
    validation = _validation(table, settings, classes)
    notify = parts.registry.notify if processes.first else _unheard
    trainer = Trainer(run, model, pixels, sampler, validation, notify, processes)
    trainer.notes += notes_of_precision(precision, device)
    if settings.sampler == "random" and "groups" in getattr(model, "requires", parts.spec.requires):
        group = processes.share(sampler.epoch(1), settings).group
        trainer.notes += _note_of_lonely_images(lonely(group), group.shape[1])
    return Session(parts, run, table, data, trainer)


def _unheard(hook: str, **arguments: object) -> None:
    """The run hooks of a process other than the first."""


def _note_of_lonely_images(share: float, batch: int) -> list[str]:
    if share <= MOST_LONELY:
        return []
    return [
        f"warning: in batches of {batch} drawn at random, {share:.0%} of the images have no other of their group "
        "beside them and say little of groups; --sampler blocks puts groups together"
    ]


def _validation(table: ImageTable, settings: RunSettings, classes: np.ndarray) -> Batches | None:
    """Fixed batches of the validation split, drawn like random training batches; ``classes`` [G] are the training's."""
    rows = table.rows("validation")
    if len(rows) < 2:
        return None
    size = min(settings.batch_size, len(rows))
    batches = make_sampler("random", rows, table.labels[rows], batch_size=size, seed=0).epoch(0)
    label = table.labels[batches.rows]
    place = np.searchsorted(classes, label).clip(max=len(classes) - 1)
    identity = np.where(classes[place] == label, place, -1)
    return replace(batches, index=np.full_like(batches.index, -1), identity=identity)
