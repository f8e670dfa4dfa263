"""A cell of a study: one run, in a folder that its settings name, trained and measured as far as it is not yet.

The folders are the state. A study that was stopped anywhere is issued again and goes on.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

from disent_plugins.contracts import Report
from disent_plugins.contracts.data import short_name
from disent_plugins.data_adapters.cache import quiet
from disent_plugins.errors import UsageError
from disent_plugins.measuring.documents import plain
from disent_plugins.measuring.kept import read_run
from disent_plugins.measuring.not_kept import measure_not_kept
from disent_plugins.measuring.trained import open_run
from disent_plugins.registry.host import Registry
from disent_plugins.training import session
from disent_plugins.training.checkpoint import load
from disent_plugins.training.folder import RunFolder
from disent_plugins.training.parts import Parts, resolve
from disent_plugins.training.settings import RunSettings, differences

State = Literal["new", "begun", "trained"]
_SHORT = 8


@dataclass(frozen=True)
class Cell:
    """One run of a study.

    Attributes:
        parts: Its plugins, loaded.
        settings: Its settings, complete.
        folder: Its folder below that of the study.
    """

    parts: Parts
    settings: RunSettings
    folder: RunFolder

    @property
    def epochs(self) -> int:
        """Epochs that are done.

        Raises:
            UsageError: The folder holds another run, or its checkpoint is damaged.
        """
        if not self.folder.config.is_file():
            return 0
        different = differences(self.folder.settings(), self.settings)
        if different:
            raise UsageError(
                f"{self.folder.path} holds another run than the one that its name stands for.",
                "\n".join(f"  {line}" for line in different),
                "Was its config.json edited? Move the folder away, and issue the same command again.",
            )
        last = self.folder.checkpoint("last")
        return load(last).progress.done if last.is_file() else 0

    @property
    def state(self) -> State:
        """How far it is."""
        epochs = self.epochs
        if epochs >= self.settings.epochs:
            return "trained"
        return "begun" if self.folder.config.is_file() else "new"


def make_cell(registry: Registry, place: Path, model: str, data: str, given: Mapping[str, Any]) -> Cell:
    """A cell below ``place``: its folder is named after model, data set, seed and a hash of all settings.

    Args:
        registry: All plugins.
        place: The study's folder of runs.
        model, data: Registry names.
        given: Settings beyond the recipe, ``options`` and ``data_options`` among them; None means not given.

    Raises:
        UsageError: An unknown name or setting, or a value out of bounds.
    """
    given = {"options": {}, "data_options": {}, **given}
    parts, settings = resolve(registry, model=model, data=data, file={}, flags=given)
    name = f"{model}-{short_name(settings.data)}-s{settings.seed}-{settings_hash(settings)}".replace(":", "-")
    return Cell(parts, settings, RunFolder(place / name))


def settings_hash(settings: RunSettings) -> str:
    """Eight letters that differ where settings do. How a machine does its steps is none: a run may go on anywhere."""
    text = json.dumps({**plain(asdict(settings)), **dict.fromkeys(("device", "graph", "compile"))}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:_SHORT]


def train(cell: Cell, *, device: str, begin: Callable[[session.Session], object]) -> None:
    """Train a cell to its end, from where it stands.

    Args:
        cell: The cell.
        device: Where.
        begin: Told of the session before it trains, if there is anything to train.

    Raises:
        Interrupted: The state was saved.
    """
    state = cell.state
    if state == "trained":
        return
    if state == "begun":
        ready = session.resume(cell.parts.registry, cell.folder, device=device)
    else:
        settings = replace(cell.settings, device=device)
        ready = session.start(cell.parts, settings, source=None, out=cell.folder.path, report=quiet)
    begin(ready)
    ready.fit()


def measured(cell: Cell, wanted: Mapping[str, Mapping[str, Any]], *, device: str, report: Report) -> dict[str, Any]:
    """The documents of some metrics of a trained cell, by metric; those that are kept already are not made again.

    A metric that the model or the data set leaves nothing to measure for has none, and is reported.

    Args:
        cell: The cell.
        wanted: Metric to its options.
        device: Where to encode and decode.
        report: Progress.
    """
    trained = open_run(cell.parts.registry, cell.folder, device=device, report=report)
    told = partial(report, 0, 0)
    return measure_not_kept(trained, wanted, report=report, left_out=told, tolerated=(UsageError,))


def record(cell: Cell) -> dict[str, Any]:
    """What a study keeps of a trained cell: settings, epochs, the day of the last one, time and machine."""
    run = read_run(cell.folder.path)
    return {
        "run": run.path.name,
        "settings": plain(asdict(cell.settings)),
        "epochs": run.done,
        "date": time.strftime("%Y-%m-%d", time.localtime(cell.folder.checkpoint("last").stat().st_mtime)),
        "seconds": round(run.seconds, 1),
        "machine": machine(run.environment),
        "precision": run.environment["precision"]["used"],
        "data": run.digest,
    }


def machine(environment: Mapping[str, Any]) -> str:
    """The hardware of a run in words, from its ``environment.json``."""
    processor = f" ({environment['processor']})" if environment.get("processor") else ""  # older runs do not say
    cores = f"{environment['threads']} of {environment['cpus']} CPU cores{processor}"
    return f"{environment.get('gpu') or cores}, torch {environment['libraries']['torch']}"
