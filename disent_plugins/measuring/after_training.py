"""What ``disent run`` measures when it has trained."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

from disent_plugins.contracts import Report
from disent_plugins.errors import Interrupted
from disent_plugins.measuring.documents import document
from disent_plugins.measuring.items import with_items
from disent_plugins.measuring.measure import measure, unmet_needs
from disent_plugins.measuring.results import add_results, set_aside
from disent_plugins.measuring.trained import open_run
from disent_plugins.registry.host import OURS, Registry
from disent_plugins.training.session import Session

AFTER_TRAINING = ("probe", "reconstruction", "swap-grid", "interpolation", "samples")
"""The metrics, in the order of what is printed."""


def after_training(registry: Registry) -> list[str]:
    """The metrics of ``AFTER_TRAINING`` as names that mean ours, without those whose plugin is disabled."""
    ours = {spec.name for spec, plugin in registry.metrics.entries if plugin.distribution == OURS}
    return [f"{OURS}:{name}" for name in AFTER_TRAINING if name in ours]


def measure_run(ready: Session, report: Report, say: Callable[[str], object]) -> dict[str, Any]:
    """Measure a run that has just been trained; each metric's document is kept in the run's folder when it is done.

    Args:
        ready: The run.
        report: Progress.
        say: Told in one line of every metric that the model's codes leave nothing to measure for.

    Returns:
        Metric name to its document.

    Raises:
        Interrupted: What was done is kept.
    """
    registry, folder = ready.parts.registry, ready.run.folder
    documents = {}
    try:
        trained = open_run(registry, folder, device=ready.run.settings.device, report=report)
        subject = trained.subject(report=report)
        set_aside(trained.place, trained.of, trained.figures)
        if folder.place("best").is_dir() and folder.checkpoint("best").is_file():  # measured before, by a person
            best = open_run(registry, folder, which="best", device=ready.run.settings.device)
            set_aside(best.place, best.of, best.figures)
        for name in after_training(registry):
            spec, _ = registry.metrics.find(name)
            unmet = unmet_needs(spec.name, spec.needs, subject)
            if unmet is not None:
                say(f"left out: {unmet.what}")
                continue
            result = measure(registry, name, {}, subject)
            found = document(with_items(result, trained.place), subject=subject.name, group=spec.group, of=subject.of)
            documents[found["metric"]] = found
            add_results(trained.place, {found["metric"]: found})
    except KeyboardInterrupt as error:
        raise Interrupted(
            "Interrupted while measuring; the training is done and saved.",
            "What was being written was not put in place; nothing old is lost.",
            f"Measure it with: disent run --resume {shlex.quote(str(folder.path))}",
        ) from error
    registry.notify("disent_run_ended", run=ready.run, results=documents)
    return documents
