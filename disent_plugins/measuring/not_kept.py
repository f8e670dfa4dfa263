"""Measures of a run what is not kept of it yet, so that a measurement that was stopped goes on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from disent_plugins.contracts import Report
from disent_plugins.errors import DisentError, Interrupted
from disent_plugins.files import read_table
from disent_plugins.measuring.documents import document, plain
from disent_plugins.measuring.items import with_items
from disent_plugins.measuring.measure import measure, unmet_needs
from disent_plugins.measuring.results import JSON, add_results, set_aside
from disent_plugins.measuring.trained import TrainedRun
from disent_plugins.options import build, describe
from disent_plugins.registry.host import OURS


def measure_not_kept(
    trained: TrainedRun,
    wanted: Mapping[str, Mapping[str, Any]],
    *,
    report: Report,
    left_out: Callable[[str], object],
    tolerated: tuple[type[Exception], ...] = (),
) -> dict[str, Any]:
    """The documents of some metrics of a run; each one that is made is kept in the run's folder at once.

    What the folder keeps of another subject, such as the same run with fewer epochs, is set aside.

    Args:
        trained: The run.
        wanted: Metric to its options.
        report: Progress.
        left_out: Told in one line of every metric that has no document, and why: the model or the data leave nothing to
            measure for it, or it failed in a way that is tolerated.
        tolerated: Errors that leave a metric out; others are raised.

    Returns:
        Document by metric, without the name of our distribution.

    Raises:
        UsageError: An unknown metric or option.
        Interrupted, KeyboardInterrupt: What was done is kept.
    """
    registry = trained.parts.registry
    set_aside(trained.place, trained.of, trained.figures)
    kept = read_table(trained.place / JSON) if (trained.place / JSON).is_file() else {}
    subject, found = None, {}
    for name, options in wanted.items():
        key, (spec, plugin) = name.removeprefix(f"{OURS}:"), registry.metrics.find(name)
        try:
            if key in kept and _answers(kept[key], registry.load(spec, plugin), spec.name, options, trained):
                found[key] = kept[key]
                continue
            subject = subject or trained.subject(report=report)
            if (unmet := unmet_needs(spec.name, spec.needs, subject)) is not None:
                left_out(f"left out: {_reason(unmet)}")
                continue
            result = measure(registry, name, options, subject)
        except Interrupted:
            raise
        except tolerated as error:
            left_out(f"left out: {key}: {_reason(error)}")
            continue
        found[key] = document(with_items(result, trained.place), subject=subject.name, group=spec.group, of=subject.of)
        add_results(trained.place, {key: found[key]})
    return found


def _reason(error: Exception) -> str:
    if isinstance(error, DisentError):
        return " ".join(part for part in (error.what, error.why) if part)
    return f"It failed: {type(error).__name__}: {error}."


def _answers(
    found: Mapping[str, Any], metric_class: Any, name: str, options: Mapping[str, Any], trained: TrainedRun
) -> bool:
    """Whether a kept document is what measuring would give: of these weights, by this metric with these options.

    Documents of schema 1 have no options of their own, which are looked for among the settings then: one that the
    metric chooses itself (None) matches whatever it chose.
    """
    if found.get("of") != trained.of or found.get("metric") != name:
        return False
    if not {"values", "reference", "settings", "artifacts"} <= set(found):
        return False
    config = build(metric_class.Config, options, owner=f"metric '{name}'")
    asked = {option.name: getattr(config, option.name) for option in describe(metric_class.Config)}
    asked["seed"] = trained.settings.seed
    known = {**found["settings"], **found.get("options", {})}
    same = all(
        plain(value) == known[key] or (value is None and "options" not in found) if key in known else key not in options
        for key, value in asked.items()
    )
    return (
        same
        and found.get("version") in (None, getattr(metric_class, "version", "1"))
        and all(trained.has_picture(file) for file in found["artifacts"].values())
    )
