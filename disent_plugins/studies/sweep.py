"""A sweep: the cells of a grid in one folder, which is its state; what is missing runs, what was cut off goes on."""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from disent_plugins.contracts import Report
from disent_plugins.errors import UsageError
from disent_plugins.files import clear_disk_errors, read_table, write_json
from disent_plugins.measuring.documents import plain
from disent_plugins.measuring.kept import read_run
from disent_plugins.measuring.not_kept import outdated
from disent_plugins.measuring.results import JSON
from disent_plugins.registry.host import OURS
from disent_plugins.studies.cell import settings_hash
from disent_plugins.studies.ends import INTERRUPTED, NOTES, last_words, read_end
from disent_plugins.studies.grid import Planned
from disent_plugins.studies.job import Job, last_epoch
from disent_plugins.training.settings import SETTING_NAMES
from disent_plugins.version import __version__

SCHEMA = 1
FILE = "sweep.json"
State = Literal["done", "failed", "begun", "new"]


@dataclass(frozen=True)
class Standing:
    """How far a cell is.

    Attributes:
        state: ``done``: trained, and measured by the metrics as they are now; ``failed``: its last process ended with
            an error; ``begun``: cut off; ``new``: there is no run yet.
        epochs: Epochs that are done.
        exit_code: Of its last process; none if it did not end by itself.
        seconds: That its processes took.
        why: Of a failed one, the error in a line.
    """

    state: State
    epochs: int
    exit_code: int | None = None
    seconds: float = 0.0
    why: str = ""


@dataclass(frozen=True)
class Sweep:
    """The cells of a grid below a folder.

    Attributes:
        path: The folder.
        cells: Its cells.
        measure: What is measured in each, as ``disent run --measure`` takes it.
    """

    path: Path
    cells: Sequence[Planned]
    measure: str

    def standing(self, planned: Planned) -> Standing:
        """How far a cell is.

        Raises:
            UsageError: Its folder holds another run, or a damaged one.
        """
        cell, job = planned.cell, self.job(planned)
        end, last = read_end(job.end), last_epoch(cell.folder.losses)
        epochs = last["epoch"] if last else 0
        begun = cell.folder.config.is_file()
        if begun:
            self._require_own(planned)
        code, seconds = (end.exit_code, end.seconds) if end else (None, 0.0)
        if end and code == 0 and begun and epochs >= cell.settings.epochs:
            whole = cell.folder.checkpoint("last").is_file() and _covers(end.measure, self.measure)
            return Standing("done" if whole and self._is_kept(planned) else "begun", epochs, code, seconds)
        if code not in (None, 0, *INTERRUPTED):
            return Standing("failed", epochs, code, seconds, last_words(job.log))
        return Standing("begun" if begun else "new", epochs, code, seconds)

    def standings(self) -> dict[str, Standing]:
        """How far each cell is, by its name; see ``standing``."""
        return {one.name: self.standing(one) for one in self.cells}

    def _is_kept(self, planned: Planned) -> bool:
        """Whether what was measured of a cell is there, by the metrics as they are now."""
        if self.measure == "none":
            return True
        run, names = read_run(planned.cell.folder.path), self.measure.split(",")
        asked = {
            name: found
            for name, found in run.documents.items()
            if self.measure == "all" or name in names or f"{OURS}:{name}" in names
        }
        return (run.path / JSON).is_file() and not outdated(planned.cell.parts.registry, asked)

    def _require_own(self, planned: Planned) -> None:
        before, after = planned.cell.folder.settings(), planned.cell.settings
        if settings_hash(before) == settings_hash(after):
            return
        pairs = [(name, getattr(before, name), getattr(after, name)) for name in SETTING_NAMES if name != "device"]
        raise UsageError(
            f"{planned.cell.folder.path} holds another run than the one that its name stands for.",
            "\n".join(f"  {name}: {old} -> {new}" for name, old, new in pairs if plain(old) != plain(new)),
            "Was it trained further, or its config.json edited? Move it away, and issue the same command again.",
        )

    def job(self, planned: Planned, flags: Sequence[str] = ()) -> Job:
        """What runs a cell, or goes on with it."""
        cell = planned.cell
        settings = plain(asdict(cell.settings))
        return Job(cell.folder.path, settings, self.measure, cell.settings.epochs, tuple(flags), Path.cwd())

    def costs(self, standings: Mapping[str, Standing]) -> dict[str, float | None]:
        """Seconds that each cell that is not done would still take, by its name; None where nothing tells.

        As the finished cells of the same model and data set that differ in the fewest settings: their seconds per
        epoch, and what they took beyond their epochs.
        """
        finished = [one for one in self.cells if standings[one.name].state == "done"]
        known = {one.name: _spent(one, standings[one.name]) for one in finished}
        found: dict[str, float | None] = {}
        for one in self.cells:
            standing, settings = standings[one.name], one.cell.settings
            if standing.state == "done":
                continue
            alike = [other for other in finished if _pair(other) == _pair(one)]
            nearest = min((_apart(other, one) for other in alike), default=0)
            spent = [known[other.name] for other in alike if _apart(other, one) == nearest]
            left = settings.epochs - standing.epochs
            found[one.name] = statistics.fmean(left * each + beyond for each, beyond in spent) if spent else None
        return found

    def prepare(self, cells: Sequence[Planned], report: Report) -> None:
        """Prepare the data of cells, each data set once, so that they do not all begin with it.

        Raises:
            DataMissing: Raw files are missing.
        """
        seen: list[Any] = []
        for one in cells:
            info = one.cell.parts.adapter.info
            if (mark := (one.cell.settings.data, info.options)) not in seen:
                one.cell.parts.table(None, report)
                seen.append(mark)

    @contextlib.contextmanager
    def claimed(self) -> Iterator[int]:
        """Hold the folder, made if it is not there, and write down what it is.

        Yields:
            How many cells it was begun with that are none of this grid.

        Raises:
            UsageError: It is no sweep's or a newer version's, cannot be written to, or another sweep is at it.
        """
        left = self.others()
        with clear_disk_errors(self.path):
            (self.path / NOTES).mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.path / ".sweep.lock")
            try:
                with contextlib.suppress(NotImplementedError):  # a network file system without locks
                    lock.acquire(timeout=0)
            except Timeout as error:
                raise UsageError(
                    f"Another sweep is running in {self.path}.",
                    "Two would run the same cells.",
                    "Wait until it is done, stop it first, or choose another folder with --name.",
                ) from error
        try:
            write_json(self.path / FILE, {
                "schema": SCHEMA, "disent-plugins": __version__, "measure": self.measure,
                "cells": {one.name: plain(asdict(one.cell.settings)) for one in self.cells},
            })  # fmt: skip
            yield left
        finally:
            lock.release()

    def others(self) -> int:
        """How many cells the folder was begun with that are none of this grid.

        Raises:
            UsageError: It is no sweep's, or of another version of its format.
        """
        if not self.path.is_dir():
            return 0
        # A sweep that was killed as it began has left no more than these.
        if all(file.name == NOTES or file.name.startswith(".") for file in self.path.iterdir()):
            return 0
        other = "Choose another name with --name, or move the folder away."
        if not (self.path / FILE).is_file():
            raise UsageError(f"{self.path} is no sweep's folder.", f"It holds other files, and no {FILE}.", other)
        found = read_table(self.path / FILE)
        schema, cells = found.get("schema"), found.get("cells")
        if schema != SCHEMA:
            made = found.get("disent-plugins", "an unknown version")
            why = f"Its schema is {schema}, made by disent-plugins {made}; this is {__version__} with schema {SCHEMA}."
            raise UsageError(f"{self.path} is a sweep of another schema.", why, f"{other} Or install that version.")
        if not isinstance(cells, dict):
            raise UsageError(f"{self.path / FILE} cannot be read.", "It has no table 'cells'.", other)
        return len(set(cells) - {one.name for one in self.cells})


def _covers(measured: str, asked: str) -> bool:
    """Whether a cell that was measured so has all that is asked for."""
    if measured == "all" or asked == "none":
        return True
    return asked != "all" and set(asked.split(",")) <= set(measured.split(","))


def _pair(one: Planned) -> tuple[str, str]:
    return one.cell.settings.model, one.cell.settings.data


def _apart(one: Planned, other: Planned) -> int:
    """In how many settings they differ that cost may depend on."""
    a, b = ({**vars(x.cell.settings), **x.cell.settings.options, **x.cell.settings.data_options} for x in (one, other))
    free = ("seed", "epochs", "milestones", "options", "data_options")
    return sum(a.get(key) != b.get(key) for key in a.keys() | b.keys() if key not in free)


def _spent(one: Planned, standing: Standing) -> tuple[float, float]:
    """Seconds per epoch of a finished cell, and beyond its epochs."""
    trained = read_run(one.cell.folder.path).seconds
    return trained / max(standing.epochs, 1), max(standing.seconds - trained, 0.0)
