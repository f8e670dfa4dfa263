"""A run folder as plain data: its records, whatever state it is in, read without torch.

What lists, compares and reports runs reads them here; what encodes or decodes opens them (``measuring.trained``).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeGuard

from disent_plugins.errors import UsageError
from disent_plugins.files import read_bytes, read_table
from disent_plugins.measuring.results import JSON
from disent_plugins.training.folder import RUNS, RunFolder

State = Literal["begun", "trained", "measured"]


@dataclass(frozen=True)
class KeptRun:
    """What a run folder says of itself.

    Attributes:
        path: The folder.
        settings: ``config.json``, as it stands.
        data: ``data.json``; empty where there is none.
        environment: ``environment.json``; empty where there is none.
        epochs: The lines of ``metrics.jsonl``, an epoch each, ascending.
        documents: ``results.json``: the documents of what was measured, by the name they are kept by.
        faults: What could not be read, in words.
    """

    path: Path
    settings: Mapping[str, Any]
    data: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    epochs: Sequence[Mapping[str, Any]] = ()
    documents: Mapping[str, Any] = field(default_factory=dict)
    faults: Sequence[str] = ()

    @property
    def model(self) -> str:
        return str(self.settings.get("model", "?"))

    @property
    def dataset(self) -> str:
        return str(self.settings.get("data", "?"))

    @property
    def seed(self) -> int | None:
        found = self.settings.get("seed")
        return found if isinstance(found, int) else None

    @property
    def planned(self) -> int:
        """Epochs that it is to train for; 0 if it does not say."""
        found = self.settings.get("epochs")
        return found if isinstance(found, int) else 0

    @property
    def done(self) -> int:
        """Epochs that are done."""
        return int(self.epochs[-1]["epoch"]) if self.epochs else 0

    @property
    def seconds(self) -> float:
        """Seconds that its epochs took."""
        return math.fsum(epoch["seconds"] for epoch in self.epochs if finite(epoch.get("seconds")))

    @property
    def state(self) -> State:
        """How far it is."""
        if not self.planned or self.done < self.planned:
            return "begun"
        return "measured" if self.documents else "trained"

    def file(self, name: str) -> Path | None:
        """A file that a document of the run names, wherever the command ran and the folder was moved to; or none.

        Documents name files as seen from where they were measured, so the end of the path is looked for in the folder;
        what a link leads to outside is no part of the run.
        """
        parts = Path(name).parts
        if not name or ".." in parts:
            return None
        below = (self.path / Path(*parts[start:]) for start in range(len(parts)) if parts[start] != "/")
        try:
            found = next((path for path in below if path.is_file()), None)
            return found if found and found.resolve().is_relative_to(self.path.resolve()) else None
        except (OSError, ValueError):  # no name for a file at all
            return None

    @property
    def digest(self) -> str | None:
        """The content hash of its images."""
        found = self.data.get("content_hash")
        return found if isinstance(found, str) else None


def read_run(path: Path) -> KeptRun:
    """Read the records of a run folder; what is missing or damaged but its settings is noted in ``faults``.

    Raises:
        UsageError: There is no run, or its ``config.json`` is damaged.
    """
    folder = RunFolder(path)
    if not folder.config.is_file():
        folder.settings()  # says what is wrong
    settings, faults = read_table(folder.config), []
    tables: dict[str, dict[str, Any]] = {"data.json": {}, "environment.json": {}, JSON: {}}
    for name in tables:
        if not (path / name).is_file():
            if name != JSON:
                faults.append(f"It has no {name}.")
            continue
        try:
            tables[name] = read_table(path / name)
        except UsageError as error:
            faults.append(" ".join(part for part in (error.what, error.why) if part))
    epochs = list(epochs_of(folder.losses))
    damaged = [name for name, found in tables[JSON].items() if not is_document(found)]
    if damaged:
        faults.append(f"{path / JSON}: no documents of metrics: {', '.join(damaged)}.")
    documents = {name: found for name, found in tables[JSON].items() if name not in damaged}
    return KeptRun(path, settings, tables["data.json"], tables["environment.json"], epochs, documents, tuple(faults))


def is_document(found: Any) -> bool:
    """Whether it has the form of a metric's document (``measuring.documents``), with finite numbers."""
    if not isinstance(found, dict):
        return False
    values, reference = found.get("values"), found.get("reference")
    if not isinstance(values, dict) or not isinstance(reference, dict) or not isinstance(found.get("metric"), str):
        return False
    return all(
        finite(value) and isinstance(reference.get(name), dict) and isinstance(reference[name].get("unit"), str)
        for name, value in values.items()
    ) and all(
        point.get(key) is None or finite(point[key])
        for point in reference.values()
        for key in ("floor", "ceiling", "normalised", "low", "high", "n")
    )


def read_documents(path: Path) -> dict[str, Any]:
    """The documents of a ``results.json``, by the name that they are kept by; none if there is no such file.

    Raises:
        UsageError: It is damaged, or holds something else: NaN in place of a number, or the form of another version.
    """
    if not path.is_file():
        return {}
    found = read_table(path)
    damaged = [name for name, document in found.items() if not is_document(document)]
    if damaged:
        raise UsageError(
            f"{path} holds what are no documents of metrics: {', '.join(damaged)}.",
            "A value or a reference point is no finite number, or another version wrote them.",
            f"Measure again with: disent metrics {damaged[0]} RUN; what is in the file is set aside, and not lost.",
        )
    return found


def find_runs(paths: Sequence[Path] = ()) -> list[KeptRun]:
    """The runs at or directly below folders (see ``run_folders``).

    Raises:
        UsageError: No run lies there, or one's ``config.json`` is damaged.
    """
    return [read_run(folder) for folder in run_folders(paths)]


def run_folders(paths: Sequence[Path] = ()) -> list[Path]:
    """The folders of runs at or directly below folders; names that are not here are looked up below ``runs``.

    Args:
        paths: Run folders, or folders of run folders such as a sweep's; none for ``runs``.

    Returns:
        In the order of the paths, those of one folder by name; one that was named twice stands once.

    Raises:
        UsageError: No run lies there.
    """
    found: dict[Path, Path] = {}
    for path in paths or [RUNS]:
        place = RUNS / path if not path.exists() and (RUNS / path).is_dir() else path
        folders = [place] if (place / "config.json").is_file() else sorted(_below(place))
        if not folders:
            raise UsageError(
                f"There is no run in {place}.",
                "No folder there has a config.json." if place.is_dir() else "There is no such folder.",
                "Make one with: disent run",
            )
        for folder in folders:
            found.setdefault(folder.resolve(), folder)
    return list(found.values())


def _below(place: Path) -> Iterator[Path]:
    return (config.parent for config in place.glob("*/config.json")) if place.is_dir() else iter(())


def epochs_of(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a ``metrics.jsonl`` that are whole; one that a killed process left unfinished is none."""
    if not path.is_file():
        return
    for line in read_bytes(path).decode(errors="replace").splitlines():
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict) and isinstance(found.get("epoch"), int):
            yield found


def finite(value: Any) -> TypeGuard[float]:
    """Whether it is a number, no truth value, and neither NaN nor infinite."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
