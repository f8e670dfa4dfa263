"""What ``disent run`` measures when it has trained."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from disent_plugins.contracts import Report
from disent_plugins.errors import Interrupted, UsageError
from disent_plugins.measuring.not_kept import measure_not_kept
from disent_plugins.measuring.results import set_aside
from disent_plugins.measuring.suite import suite
from disent_plugins.measuring.trained import open_run
from disent_plugins.registry.host import OURS, Registry
from disent_plugins.training.session import Session

AFTER_TRAINING = ("probe", "reconstruction", "swap-grid", "interpolation", "samples")
"""The metrics, in the order of what is printed."""

ALL, NONE = "all", "none"


def after_training(registry: Registry) -> list[str]:
    """The metrics of ``AFTER_TRAINING`` as names that mean ours, without those whose plugin is disabled."""
    ours = {spec.name for spec, plugin in registry.metrics.entries if plugin.distribution == OURS}
    return [f"{OURS}:{name}" for name in AFTER_TRAINING if name in ours]


@dataclass(frozen=True)
class Wish:
    """What is to be measured.

    Attributes:
        names: The metrics.
        everything: Whether they are all there are: then one that fails is left out.
    """

    names: Sequence[str]
    everything: bool = False


def wish(registry: Registry, asked: str | None) -> Wish:
    """What ``--measure`` asks for: metrics by name, comma-separated, ``all`` or ``none``; None is ``AFTER_TRAINING``.

    Raises:
        UsageError: There is no such metric, or none is named.
    """
    if asked is None:
        return Wish(after_training(registry))
    if asked in (ALL, NONE):
        return Wish([name for _, name in suite(registry)] if asked == ALL else [], asked == ALL)
    names = list(dict.fromkeys(name.strip() for name in asked.split(",") if name.strip()))
    if not names:
        raise UsageError("--measure names no metric.", hint="Name some, comma-separated, or say all or none.")
    for name in names:
        registry.metrics.find(name)
    return Wish(names)


def measure_run(ready: Session, report: Report, wanted: Wish) -> dict[str, Any]:
    """Measure of a run that has just been trained what is not kept yet; each document is kept when it is done.

    Args:
        ready: The run.
        report: Progress.
        wanted: The metrics. What is left out, and why, is noted (``disent_run_noted``).

    Returns:
        Metric name to its document.

    Raises:
        Interrupted: What was done is kept.
    """
    registry, run = ready.parts.registry, ready.run
    try:
        trained = open_run(registry, run.folder, device=run.settings.device, report=report)
        if run.folder.place("best").is_dir() and run.folder.checkpoint("best").is_file():
            # Measured before, by a person.
            best = open_run(registry, run.folder, which="best", device=run.settings.device)
            set_aside(best.place, best.of, best.figures)
        documents = measure_not_kept(
            trained,
            {name: {} for name in wanted.names},
            report=report,
            left_out=lambda line: registry.notify("disent_run_noted", run=run, note=line),
            tolerated=(Exception,) if wanted.everything else (),
        )
    except KeyboardInterrupt as error:
        raise Interrupted(
            "Interrupted while measuring; the training is done and saved.",
            "What was being written was not put in place; nothing old is lost.",
            f"Measure it with: disent run --resume {shlex.quote(str(run.folder.path))}",
        ) from error
    registry.notify("disent_run_ended", run=run, results=documents)
    return documents
