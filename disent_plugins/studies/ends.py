"""How the processes of a sweep's cells ended, as its folder keeps it."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path

from disent_plugins.errors import UsageError
from disent_plugins.files import read_table

NOTES = "cells"
"""Folder in a sweep's with the settings, log and exit code of every cell."""

INTERRUPTED = (130, -signal.SIGINT)
"""Exit codes of a cell that was interrupted: by its own handler, or before that was in place."""


@dataclass(frozen=True)
class End:
    """How a cell's last process ended.

    Attributes:
        exit_code: Of the process; minus the number of the signal that killed it.
        measure: What it was to measure.
        seconds: That all its processes took.
    """

    exit_code: int
    measure: str
    seconds: float


def read_end(path: Path) -> End | None:
    """The end of a job; none if no process has ended yet, or the file is damaged: then the cell is run once more."""
    try:
        found = read_table(path)
        return End(int(found["exit_code"]), str(found["measure"]), float(found["seconds"]))
    except (UsageError, KeyError, TypeError, ValueError):
        return None


def last_words(path: Path) -> str:
    """The last error in a log, in one line, or else its last line; empty if there is none."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    starts = [number for number, line in enumerate(lines) if line.startswith("--- ")]
    lines = [line for line in lines[starts[-1] + 1 if starts else 0 :] if line.strip()]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return (errors or lines or [""])[-1]


def without_run(sweep: Path) -> dict[str, str]:
    """The cells of a sweep's folder whose processes ended before there was a run, and the last words of each."""
    ends = sorted((sweep / NOTES).glob("*.end.json"))
    names = [end.name.removesuffix(".end.json") for end in ends]
    return {name: last_words(sweep / NOTES / f"{name}.log") for name in names if not (sweep / name).is_dir()}


def ended_how(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"killed by {name}" + (" (is the memory full?)" if -code == signal.SIGKILL else "")
