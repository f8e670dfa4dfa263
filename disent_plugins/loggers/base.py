"""What all loggers share: the run hooks as names and numbers, each said once however often it is told."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from disent_plugins.registry.hookspecs import hookimpl

_POINTS = ("floor", "ceiling", "low", "high")
_UNFIT = re.compile(r"[^\w. -]", re.ASCII)


class Logger(ABC):
    """A logger on the run hooks. A run that goes on goes on in its log.

    What a log lacks of the epochs that are done (another process was killed before it had told of them, or the run had
    no logger then) is taken from the run's own record.
    """

    def __init__(self) -> None:
        self.known: set[tuple[str, int]] = set()

    @abstractmethod
    def begin(self, run: Any, settings: Mapping[str, Any]) -> set[tuple[str, int]]:
        """Open the log of a run, with its settings; which names it holds already, each with its epochs."""

    @abstractmethod
    def scalars(self, values: Mapping[str, float], epoch: int) -> None:
        """Write numbers of an epoch, on the disk when this returns or in another process's hands."""

    @abstractmethod
    def picture(self, name: str, path: str, epoch: int) -> None:
        """Write a PNG."""

    @abstractmethod
    def end(self) -> None:
        """Close the log of a run that is done."""

    def final(self, values: Mapping[str, float], epoch: int) -> None:
        """Write what was measured in the end, with its reference points."""
        self._once(values, epoch)

    @hookimpl
    def disent_run_started(self, run: Any) -> None:
        """Open the log, and write what it lacks of the epochs that are done."""
        self.known = self.begin(run, _settings(run))
        for epoch, losses in _recorded(run.folder.losses):
            self._once(_losses(losses), epoch)

    @hookimpl
    def disent_epoch_ended(self, run: Any, epoch: int, losses: Mapping[str, float]) -> None:
        """Write an epoch, if the log does not hold it yet."""
        self._once(_losses(losses), epoch)

    @hookimpl
    def disent_run_ended(self, run: Any, results: Mapping[str, Any]) -> None:
        """Write what was measured, and close the log."""
        self.final(measured(results), run.epochs)
        for name, document in results.items():
            for picture, path in document["artifacts"].items():
                if path.endswith(".png") and Path(path).is_file():
                    self.picture(_name(name, picture), path, run.epochs)
        self.end()

    def _once(self, values: Mapping[str, float], epoch: int) -> None:
        new = {name: value for name, value in values.items() if (name, epoch) not in self.known}
        if new:
            self.scalars(new, epoch)
            self.known.update((name, epoch) for name in new)


def measured(results: Mapping[str, Any]) -> dict[str, float]:
    """Values of documents by ``metric/value``, and their reference points: ``metric/value.floor``.

    >>> document = {"values": {"content/mean": 0.9}, "reference": {"content/mean": {"floor": 0.1, "ceiling": None}}}
    >>> measured({"probe": document})
    {'probe/content.mean': 0.9, 'probe/content.mean.floor': 0.1}
    """
    found: dict[str, Any] = {}
    for metric, document in results.items():
        for value, number in document["values"].items():
            points = {part: document["reference"][value].get(part) for part in _POINTS}
            name = _name(metric, value)
            found |= {name: number, **{f"{name}.{part}": point for part, point in points.items()}}
    return {name: float(number) for name, number in found.items() if number is not None}


def _losses(losses: Mapping[str, float]) -> dict[str, float]:
    """An epoch's numbers by ``train/NAME`` and ``validation/NAME``."""
    found = {}
    for name, value in losses.items():
        group = "validation" if name.startswith("validation/") else "train"
        found[_name(group, name.removeprefix("validation/"))] = float(value)
    return found


def _name(group: str, rest: str) -> str:
    """One slash only, since stores that keep a name as a file cannot have ``a`` beside ``a/b``; signs that all take."""
    return "/".join(_UNFIT.sub("_", part.replace("/", ".")) for part in (group, rest))


def _settings(run: Any) -> dict[str, Any]:
    """All settings by name, those of model and data set as ``options.k``."""
    found: dict[str, Any] = {}
    for name, value in vars(run.settings).items():
        parts = {f"{name}.{key}": part for key, part in value.items()} if isinstance(value, Mapping) else {name: value}
        found |= {key: list(part) if isinstance(part, tuple) else part for key, part in parts.items()}
    return found


def _recorded(path: Path) -> Iterator[tuple[int, dict[str, float]]]:
    """Epochs and their losses from ``metrics.jsonl``, which the run has set right before loggers are told."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    for line in lines:
        losses = json.loads(line)
        yield int(losses.pop("epoch")), losses
