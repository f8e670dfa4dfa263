"""Run folders: where they are, what is in them, and how they are found again."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from filelock import BaseFileLock, FileLock, Timeout

from disent_plugins.contracts import ImageSpec, ImageTable, TrainingData
from disent_plugins.contracts.data import short_name
from disent_plugins.errors import UsageError
from disent_plugins.files import clear_disk_errors, read_table, remove_leftovers, write_json
from disent_plugins.options import build
from disent_plugins.training.machine import environment
from disent_plugins.training.settings import RunSettings

if TYPE_CHECKING:  # what only reads run folders loads no torch
    import torch

    from disent_plugins.training.precision import Chosen

RUNS = Path("runs")


@dataclass(frozen=True)
class Begun:
    """Where and how a run was trained: its device and its number of processes, and its precision if that is known."""

    device: str = ""
    precision: Chosen | None = None
    processes: int | None = None

    @property
    def kind(self) -> str:
        """``cpu`` or ``cuda``; empty if it is not known."""
        return self.device.partition(":")[0]


@dataclass(frozen=True)
class RunFolder:
    """The paths of a run."""

    path: Path

    @property
    def config(self) -> Path:
        return self.path / "config.json"

    @property
    def environment(self) -> Path:
        return self.path / "environment.json"

    @property
    def losses(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def log(self) -> Path:
        return self.path / "log.txt"

    @property
    def pending(self) -> Path:
        """The epoch that is being saved (``training.pending``)."""
        return self.path / "checkpoints" / "pending.json"

    @property
    def codes(self) -> Path:
        return self.path / "codes.h5"

    def checkpoint(self, which: str) -> Path:
        """``last`` (to resume from and, by default, to measure) or ``best``."""
        return self.path / "checkpoints" / f"{which}.pt"

    def place(self, which: str) -> Path:
        """Where results and figures of a checkpoint are kept: ``best`` has a folder of its own in the run's."""
        return self.path if which == "last" else self.path / which

    def settings(self) -> RunSettings:
        """The settings the run was started with.

        Raises:
            UsageError: This is no run folder, or its configuration is not valid here.
        """
        if not self.config.is_file():
            raise UsageError(
                f"{self.path} is not a run.",
                "It has no config.json." if self.path.is_dir() else "There is no such folder.",
                "Runs lie in ./runs unless --out said otherwise; make one with: disent run",
            )
        return build(RunSettings, read_table(self.config), owner=str(self.config))

    def write_start(
        self,
        settings: RunSettings,
        table: ImageTable,
        data: TrainingData,
        device: torch.device,
        precision: Chosen,
        processes: int = 1,
    ) -> None:
        """Write ``config.json``, ``environment.json`` and ``data.json``."""
        write_json(self.environment, {**environment(device, processes), "precision": asdict(precision)})
        write_json(self.path / "data.json", {**data_record(table), "training": asdict(data)})
        write_json(self.config, asdict(settings))

    def begun_with(self) -> Begun:
        """Where and how the run was trained last, as far as ``environment.json`` says."""
        from disent_plugins.training.precision import Chosen, Precision

        try:
            found = read_table(self.environment)
            precision = found.get("precision")
            chosen = Chosen(**precision) if precision else None
            known = chosen is not None and chosen.used in get_args(Precision)
            count = found.get("processes")
            return Begun(
                str(found.get("device") or ""), chosen if known else None, count if isinstance(count, int) else None
            )
        except (UsageError, OSError, TypeError):  # the file is for people; what it lacks is chosen anew
            return Begun()

    def training_data(self) -> TrainingData:
        """What the run's model was told of its training images.

        Raises:
            UsageError: ``data.json`` does not say.
        """
        record = read_table(self.path / "data.json")
        try:
            found = dict(record["training"])
            data = TrainingData(**{**found, "image": ImageSpec(**found["image"])})
            if not all(type(count) is int and count > 0 for count in (*data.image.shape, data.images, data.groups)):
                raise ValueError
            return data
        except (KeyError, TypeError, ValueError) as error:
            lacks = "It has no table 'training' with image, images, groups and groups_are_distinct."
            raise self._silent(lacks) from error

    def data_digest(self) -> str:
        """The content hash of the images that the run was trained on.

        Raises:
            UsageError: ``data.json`` does not say.
        """
        found = read_table(self.path / "data.json").get("content_hash")
        if not isinstance(found, str):
            raise self._silent("It has no content_hash.")
        return found

    def _silent(self, why: str) -> UsageError:
        what = f"{self.path / 'data.json'} does not say what its model was trained on."
        return UsageError(what, why, "Was the file edited? Train again with: disent run")

    def check_same_data(self, table: ImageTable) -> None:
        """Refuse to mix a run with other data than it was trained on.

        Raises:
            UsageError: The content hashes differ.
        """
        before = self.data_digest()
        if before != table.digest:
            raise UsageError(
                f"The data of {self.path} has changed.",
                f"It was trained on {table.info.name} with content hash {before}; the cache now has {table.digest}.",
                _how_to_mend(self.settings().data),
            )

    def require_new(self) -> None:
        """Refuse to train over a run.

        Raises:
            UsageError: The folder already holds one.
        """
        if self.config.exists():
            raise UsageError(
                f"{self.path} already holds a run.",
                "It would be overwritten.",
                f"Choose another --out, or go on with it: disent run --resume {self.path}",
            )

    def claim(self) -> BaseFileLock | None:
        """Keep other processes from training this run until the lock is released or this process ends.

        What killed processes left unfinished is removed.

        Raises:
            UsageError: Another one is at it, or a link leads out of the folder.
        """
        checkpoints, place = self.path / "checkpoints", self.path / ".training.lock"
        refuse_links(self.log, self.losses, checkpoints, place)
        with clear_disk_errors(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            lock = FileLock(place)
            try:
                lock.acquire(timeout=0)
                for folder in (self.path, checkpoints):
                    remove_leftovers(folder)
                return lock
            except Timeout as error:
                raise UsageError(
                    f"{self.path} is being trained by another process.",
                    "Two would overwrite each other's checkpoints.",
                    "Wait until it is done, or stop it first.",
                ) from error
            except NotImplementedError:  # a network file system without locks
                return None


def _how_to_mend(data: str) -> str:
    if "/" in data:  # a place of somebody's own files
        return f"Put back the files in {data.partition(':')[2]}, or train on these: disent run --data ..."
    return f"Rebuild the cache: disent data prepare {data} --rebuild"


def refuse_links(*paths: Path) -> None:
    """Refuse to write through symbolic links in a run folder: what they lead to is no part of it.

    Raises:
        UsageError: One of the paths is a link.
    """
    for path in paths:
        if path.is_symlink():
            raise UsageError(
                f"{path} is a link to {path.readlink()}.",
                "What a run writes stays in its folder.",
                "Replace the link by what it leads to, or remove it.",
            )


@contextlib.contextmanager
def measuring(folder: Path) -> Iterator[None]:
    """Hold codes and results in a folder together while another command measures the same.

    What killed processes left unfinished is removed.
    """
    refuse_links(folder / ".measuring.lock")
    for place in (folder, folder / "figures"):
        remove_leftovers(place)
    with contextlib.ExitStack() as held:
        # Where no lock can be had, a folder to read only for example, each is on its own.
        with contextlib.suppress(NotImplementedError, OSError):
            held.enter_context(FileLock(folder / ".measuring.lock"))
        yield


def new_folder(settings: RunSettings, out: Path | None) -> RunFolder:
    """A folder for a new run: ``out``, or ``runs/<time>_<model>_<data>_s<seed>``.

    Raises:
        UsageError: ``out`` already holds a run.
    """
    if out is not None:
        RunFolder(out).require_new()
        return RunFolder(out)
    what = f"{settings.model}_{short_name(settings.data)}_s{settings.seed}".replace(":", "-")
    stem = f"{time.strftime('%Y%m%d-%H%M%S')}_{what}"
    path, number = RUNS / stem, 1
    while path.exists():
        number += 1
        path = RUNS / f"{stem}_{number}"
    return RunFolder(path)


def find_folder(path: Path | None) -> RunFolder:
    """The folder ``path`` (also looked up below ``runs``), or the newest run.

    Raises:
        UsageError: There is none.
    """
    if path is not None:
        below = RUNS / path
        return RunFolder(below if not path.exists() and below.is_dir() else path)
    runs = [config.parent for config in RUNS.glob("*/config.json")]
    if not runs:
        raise UsageError(
            "There is no run yet.",
            f"No run folder lies in {RUNS.resolve()}.",
            "Make one with: disent run, or name a folder.",
        )
    return RunFolder(max(runs, key=lambda run: (run / "config.json").stat().st_mtime_ns))


def data_record(table: ImageTable) -> dict[str, Any]:
    """What identifies the data of a run."""
    return {
        "name": table.info.name,
        "content_hash": table.digest,
        "preprocessing": table.info.preprocessing,
        "options": dict(table.info.options),
        "images": len(table.images),
        "cache": str(table.path) if table.path else None,
    }
