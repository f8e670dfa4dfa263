"""The run's own records as a plugin on the run hooks: ``metrics.jsonl`` for programs, ``log.txt`` for people."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from disent_plugins.files import append_line, write_text
from disent_plugins.printable import printable
from disent_plugins.registry.hookspecs import hookimpl


def epoch_line(epoch: int, epochs: int, losses: Mapping[str, float]) -> str:
    """One plain line for an epoch: the total, the model's terms, the validation total and the speed."""
    terms = [f"{name} {value:.4g}" for name, value in losses.items() if name not in _APART and "/" not in name]
    if "validation/total" in losses:
        terms.append(f"validation {losses['validation/total']:.4g}")
    speed = f"{losses['images_per_second']:,.0f} images/s, {losses['seconds']:.1f} s"
    if (waited := losses.get("data_wait", 0.0)) > WAITED:
        speed += f", {waited:.0%} of it waiting for data"
    # Terms are named by plugins.
    return printable(" ".join(f"epoch {epoch}/{epochs}: {', '.join(terms)} ({speed})".split()))


_APART = {"seconds", "images_per_second", "data_wait", "learning_rate"}

WAITED = 0.05
"""Share of an epoch spent waiting for data from which on its line says so."""


@hookimpl
def disent_run_started(run: Any) -> None:
    """Drop records of epochs that a resumed run will do again."""
    path = run.folder.losses
    if path.exists():
        kept = [line for line in path.read_text(encoding="utf-8").splitlines() if _epoch_of(line) < run.first_epoch]
        write_text(path, "".join(line + "\n" for line in kept))
    settings = run.settings
    append_line(run.folder.log, f"{_now()} training {settings.model} on {settings.data} from epoch {run.first_epoch}")


@hookimpl
def disent_epoch_ended(run: Any, epoch: int, losses: Mapping[str, float]) -> None:
    """Append the epoch to both records, to that for programs once however often it is told."""
    path = run.folder.losses
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    if not lines or _epoch_of(lines[-1]) != epoch:
        append_line(path, json.dumps({"epoch": epoch, **losses}))
    append_line(run.folder.log, f"{_now()} {epoch_line(epoch, run.epochs, losses)}")


@hookimpl
def disent_run_noted(run: Any, note: str) -> None:
    """Keep the note for people."""
    append_line(run.folder.log, f"{_now()} {note}")


@hookimpl
def disent_run_ended(run: Any, results: Mapping[str, Any]) -> None:
    """Note the end."""
    append_line(run.folder.log, f"{_now()} finished; measured {', '.join(results)}")


def _epoch_of(line: str) -> float:
    """A line's epoch; a line that a killed process left unfinished counts as the future."""
    try:
        return json.loads(line)["epoch"]
    except (ValueError, KeyError, TypeError):
        return float("inf")


def _now() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S")
