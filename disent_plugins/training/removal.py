"""Removing a run: its own files and nothing else, whatever else lies in its folder."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from disent_plugins.errors import UsageError
from disent_plugins.files import clear_disk_errors, read_table
from disent_plugins.training.folder import RunFolder, refuse_links

OWN = (
    "environment.json", "data.json", "metrics.jsonl", "log.txt", "checkpoints", "codes.h5", "codes.json",
    "results.json", "results.csv", "items", "figures", "best", "superseded", "tensorboard", "wandb", "wandb.json",
    "trackio.json", "mlflow.json", ".measuring.lock", ".training.lock", "config.json",
)  # fmt: skip
"""What a run and our loggers write into its folder; what makes it a run goes last, so that a removal that was cut short
can go on."""

_SETTINGS = {"model", "data", "seed", "epochs", "options"}


def require_run(path: Path) -> None:
    """Refuse what is no run folder of ours.

    Raises:
        UsageError: It is none, or a link to one, or a process trains it.
    """
    refuse_links(path, path / "config.json")
    folder = RunFolder(path)
    if not folder.config.is_file():
        folder.settings()  # says so
    if not set(read_table(folder.config)) >= _SETTINGS:
        raise UsageError(
            f"{path} is not a run.", "Its config.json is not that of one.", "Remove it yourself if you mean it."
        )
    lock = folder.claim() if (path / ".training.lock").exists() else None
    if lock is not None:
        lock.release()


def remove_run(path: Path) -> list[str]:
    """Remove a run's files, and its folder if nothing else lies there. Links are removed, never followed.

    Returns:
        Names of what is left, because it is not the run's.

    Raises:
        UsageError: See ``require_run``; or the system refuses.
    """
    require_run(path)
    with clear_disk_errors(path):
        for name in OWN:
            part = path / name
            if part.is_dir() and not part.is_symlink():
                shutil.rmtree(part)
            else:
                part.unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # something else lies there
            path.rmdir()
    return sorted(file.name for file in path.iterdir()) if path.is_dir() else []
