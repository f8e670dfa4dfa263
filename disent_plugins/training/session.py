"""From names to a trained run on disk, and from a run on disk back to something that can be measured."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, is_dataclass, replace
from pathlib import Path
from typing import Any

import torch
from filelock import BaseFileLock
from torch import nn

from disent_plugins.contracts import DatasetInfo, ImageTable, Report, Subject
from disent_plugins.data_adapters.samplers import Batches, make_sampler
from disent_plugins.data_adapters.store import prepare
from disent_plugins.errors import PluginFailure, UsageError
from disent_plugins.files import read_json, write_json
from disent_plugins.metrics.codes_file import read_codes, write_codes
from disent_plugins.options import build
from disent_plugins.registry.host import Plugin, Registry
from disent_plugins.registry.specs import ModelSpec
from disent_plugins.training.checkpoint import load, load_weights
from disent_plugins.training.devices import choose_device
from disent_plugins.training.encode import decoder, encode, real_images, used_rows
from disent_plugins.training.folder import RunFolder, new_folder
from disent_plugins.training.pixels import Pixels
from disent_plugins.training.settings import RunSettings, merge
from disent_plugins.training.trainer import Run, Trainer

Quiet: Report = lambda done, total, what: None  # noqa: E731


@dataclass
class Parts:
    """The plugins of a run, loaded."""

    registry: Registry
    spec: ModelSpec
    plugin: Plugin
    model_class: Any
    adapter: Any
    data_plugin: Plugin

    def model(self, settings: RunSettings) -> nn.Module:
        """A fresh model.

        Raises:
            PluginFailure: It cannot be made, or is no ``torch.nn.Module``.
        """
        config = build(self.model_class.Config, settings.options, owner=f"model '{settings.model}'")
        image = self.adapter.info.image
        model = self.registry.call(self.plugin, "The model could not be made", lambda: self.model_class(config, image))
        if not isinstance(model, nn.Module):
            raise _no_model(self.spec, self.plugin, f"is not a torch.nn.Module but {type(model).__name__}")
        return model

    def check_requirements(self, model: nn.Module) -> None:
        """Refuse data that lacks what the model's loss needs.

        Raises:
            UsageError: Which capability is missing.
        """
        info: DatasetInfo = self.adapter.info
        provided = {"groups", "pairs", "dataset_index"} | ({"distinct_groups"} if info.groups_are_distinct else set())
        needed = getattr(model, "requires", self.spec.requires)
        missing = sorted(set(needed) - provided)
        if missing:
            raise UsageError(
                f"Model '{self.spec.name}' needs {', '.join(missing)}, which data set '{info.name}' does not promise.",
                "Its loss would be wrong where, for example, two groups may share their content.",
                f"See the options that lift the need: disent models show {self.spec.name}",
            )


def load_parts(registry: Registry, model: str, data: str) -> Parts:
    """Look up and import a model and a data set.

    Raises:
        UsageError: An unknown name.
        PluginFailure: A plugin cannot be imported or breaks its contract.
    """
    spec, plugin = registry.models.find(model)
    data_spec, data_plugin = registry.datasets.find(data)
    model_class = registry.load(spec, plugin)
    for member in ("encode", "decode", "loss"):
        if not callable(getattr(model_class, member, None)):
            raise _no_model(spec, plugin, f"has no '{member}'")
    if not is_dataclass(getattr(model_class, "Config", None)):
        raise _no_model(spec, plugin, "has no Config that is a dataclass")
    adapter_class = registry.load(data_spec, data_plugin)
    adapter = registry.call(data_plugin, f"data set '{data_spec.name}' could not be made", adapter_class)
    return Parts(registry, spec, plugin, model_class, adapter, data_plugin)


def _no_model(spec: ModelSpec, plugin: Plugin, what: str) -> PluginFailure:
    return PluginFailure(
        f"Model '{spec.name}' of {plugin.distribution} {what}.",
        "A model is a torch.nn.Module with a dataclass Config and the methods encode, decode and loss.",
        "Its author can check it with disent_plugins.testing.check_model",
    )


def resolve(
    registry: Registry, *, model: str, data: str, file: Mapping[str, Any], flags: Mapping[str, Any]
) -> tuple[Parts, RunSettings]:
    """Load the plugins and merge the settings."""
    parts = load_parts(registry, model, data)
    settings = merge(parts.spec, parts.model_class.Config, model=model, data=data, file=file, flags=flags)
    return parts, settings


@dataclass
class Session:
    """A run that is ready to train."""

    parts: Parts
    run: Run
    table: ImageTable
    trainer: Trainer
    lock: BaseFileLock | None = None

    def fit(self) -> None:
        """Train to the end."""
        parts = self.parts
        try:
            parts.registry.call(parts.plugin, f"Model '{parts.spec.name}' failed while training", self.trainer.fit)
        finally:
            if self.lock is not None:
                self.lock.release()


def start(parts: Parts, settings: RunSettings, *, source: Path | None, out: Path | None, report: Report) -> Session:
    """Prepare the data and a new run folder."""
    device = choose_device(settings.device)
    folder = new_folder(settings, out)
    table = _table(parts, settings, source, report)
    session = _session(parts, settings, table, device, folder)
    session.lock = folder.claim()
    folder.write_start(settings, table, device)
    return session


def resume(
    registry: Registry,
    folder: RunFolder,
    *,
    epochs: int | None = None,
    device: str | None = None,
    source: Path | None = None,
    report: Report = Quiet,
) -> Session:
    """Continue a run from its last checkpoint; only the number of epochs and the device may be new.

    Raises:
        UsageError: The run, its checkpoint or its data are not what they were, or another process is training it.
    """
    settings = folder.settings()
    epochs = settings.epochs if epochs is None else epochs
    settings = replace(settings, epochs=epochs, device=device or settings.device)
    parts = load_parts(registry, settings.model, settings.data)
    table = _table(parts, settings, source, report)
    check_same_data(folder, table)
    session = _session(parts, settings, table, choose_device(settings.device), folder)
    session.lock = folder.claim()
    session.trainer.resume()
    folder.write_start(settings, table, session.trainer.device)
    return session


def check_same_data(folder: RunFolder, table: ImageTable) -> None:
    """Refuse to mix a run with other data than it was trained on.

    Raises:
        UsageError: The content hashes differ.
    """
    before = read_json(folder.path / "data.json").get("content_hash")
    if before != table.digest:
        raise UsageError(
            f"The data of {folder.path} has changed.",
            f"It was trained on {table.info.name} with content hash {before}; the cache now has {table.digest}.",
            f"Rebuild the cache: disent data prepare {table.info.name} --rebuild",
        )


@dataclass
class TrainedRun:
    """A run read back from disk, with its model in evaluation mode."""

    folder: RunFolder
    parts: Parts
    settings: RunSettings
    table: ImageTable
    model: nn.Module
    pixels: Pixels
    which: str

    def subject(self, *, seed: int | None = None, report: Report = Quiet) -> Subject:
        """What metrics measure. The codes are encoded once per checkpoint and kept in ``codes.h5``."""
        rows = used_rows(self.table, self.settings.limit)
        decode = decoder(self.model, self.pixels.device)
        return Subject(
            name=f"{self.settings.model} on {self.settings.data} ({self.folder.path.name})",
            codes=self._codes(rows, report),
            seed=self.settings.seed if seed is None else seed,
            out=self.folder.figures,
            decode=lambda content, style: self._guarded("decoding", lambda: decode(content, style)),
            images=real_images(self.table, rows),
            report=report,
        )

    def _codes(self, rows: Any, report: Report) -> Any:
        """The kept codes if they are this checkpoint's, freshly encoded ones otherwise."""
        stamp = self.folder.path / "codes.json"
        state = self.folder.checkpoint(self.which).stat()
        mark = {"checkpoint": self.which, "written": state.st_mtime_ns, "size": state.st_size}
        with self.folder.measuring():
            if self.folder.codes.is_file() and stamp.is_file():
                with contextlib.suppress(UsageError):  # damaged codes are no loss: they are encoded again
                    if read_json(stamp) == mark:
                        return read_codes(self.folder.codes)
            codes = self._guarded("encoding", lambda: encode(self.model, self.pixels, self.table, rows, report))
            stamp.unlink(missing_ok=True)
            write_codes(self.folder.codes, codes)
            write_json(stamp, mark)
            return codes

    def _guarded(self, what: str, call: Callable[[], Any]) -> Any:
        parts = self.parts
        return parts.registry.call(parts.plugin, f"Model '{parts.spec.name}' failed while {what}", call)


def open_run(
    registry: Registry, folder: RunFolder, *, which: str = "last", device: str = "auto", report: Report = Quiet
) -> TrainedRun:
    """Read a trained run back.

    Args:
        registry: All plugins.
        folder: The run's folder.
        which: Checkpoint: ``last`` or ``best``.
        device: Where to encode and decode.
        report: Progress.

    Raises:
        UsageError: No run, no checkpoint, or a checkpoint of another model.
    """
    settings = folder.settings()
    target = choose_device(device)
    checkpoint = load(folder.checkpoint(which), target)
    parts = load_parts(registry, settings.model, settings.data)
    model = parts.model(settings).to(target)
    load_weights(model, checkpoint, folder.checkpoint(which))
    table = _table(parts, settings, None, report)
    check_same_data(folder, table)
    return TrainedRun(folder, parts, settings, table, model.eval(), Pixels(table, target), which)


def _table(parts: Parts, settings: RunSettings, source: Path | None, report: Report) -> ImageTable:
    what = f"Data set '{settings.data}' could not be prepared"
    return parts.registry.call(parts.data_plugin, what, lambda: prepare(parts.adapter, source, report=report))


def _session(
    parts: Parts, settings: RunSettings, table: ImageTable, device: torch.device, folder: RunFolder
) -> Session:
    torch.manual_seed(settings.seed)
    rows = table.rows("train")[: settings.limit]
    sampler = make_sampler(
        settings.sampler,
        rows,
        table.labels[rows],
        batch_size=settings.batch_size,
        seed=settings.seed,
        visible=settings.visible,
        leftovers=settings.leftovers,
    )
    model = parts.model(settings).to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    parts.check_requirements(model)
    run = Run(folder, settings, sampler.steps, sampler.steps * settings.batch_size)
    trainer = Trainer(run, model, Pixels(table, device), sampler, _validation(table, settings), parts.registry.notify)
    return Session(parts, run, table, trainer)


def _validation(table: ImageTable, settings: RunSettings) -> Batches | None:
    """Fixed batches of the validation split, drawn like random training batches."""
    rows = table.rows("validation")
    if len(rows) < 2:
        return None
    size = min(settings.batch_size, len(rows))
    return make_sampler("random", rows, table.labels[rows], batch_size=size, seed=0).epoch(0)
