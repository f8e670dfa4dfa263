"""The epoch that has just ended, on disk from before its checkpoint is saved until every plugin has been told of it.

A process that is killed in between loses no record: the one that resumes tells of the epoch, or, if the checkpoint was
not saved, trains it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from disent_plugins.errors import UsageError
from disent_plugins.files import read_json, write_json


def keep(path: Path, epoch: int, losses: Mapping[str, float]) -> None:
    """Keep an epoch and its losses."""
    write_json(path, {"epoch": epoch, "losses": dict(losses)})


def untold(path: Path, epoch: int) -> dict[str, float] | None:
    """The losses of ``epoch``, if it is what is kept and nobody has been told of it."""
    try:
        kept = read_json(path) if path.exists() else None
        if not isinstance(kept, dict) or kept["epoch"] != epoch:
            return None
        return {str(name): float(value) for name, value in kept["losses"].items()}
    except (UsageError, KeyError, TypeError, ValueError, AttributeError):  # damaged: its line is lost, the run is not
        return None
