"""Measures of a run what is not kept of it yet, so that a measurement that was stopped goes on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from disent_plugins.contracts import Report
from disent_plugins.errors import DisentError, Interrupted
from disent_plugins.files import read_table
from disent_plugins.measuring.documents import SCHEMA, document, plain
from disent_plugins.measuring.items import with_items
from disent_plugins.measuring.measure import measure, unmet_needs
from disent_plugins.measuring.results import JSON, add_results, set_aside
from disent_plugins.measuring.trained import TrainedRun
from disent_plugins.options import build
from disent_plugins.registry.host import OURS, Registry


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


def outdated(registry: Registry, documents: Mapping[str, Any]) -> list[str]:
    """The names of documents that another version of their metric made than the one that is installed.

    A metric that cannot be asked, because its plugin is not there or does not load, names none.
    """
    found = []
    for name, kept in documents.items():
        with contextlib.suppress(DisentError):
            if kept.get("version") != _version(registry.load(*registry.metrics.find(name))):
                found.append(name)
    return found


def _version(metric_class: Any) -> Any:
    return getattr(metric_class, "version", "1")


def _reason(error: Exception) -> str:
    if isinstance(error, DisentError):
        return " ".join(part for part in (error.what, error.why) if part)
    return f"It failed: {type(error).__name__}: {error}."


def _answers(
    found: Mapping[str, Any], metric_class: Any, name: str, options: Mapping[str, Any], trained: TrainedRun
) -> bool:
    """Whether a kept document is what measuring would give: of these weights, by this metric with these options.

    Documents of an older schema do not say all that their values depend on, and are made anew.
    """
    if found.get("schema") != SCHEMA or found.get("of") != trained.of or found.get("metric") != name:
        return False
    config = build(metric_class.Config, options, owner=f"metric '{name}'")
    return (
        {"values", "reference"} <= set(found)
        and found.get("options") == plain(asdict(config))
        and (found.get("settings") or {}).get("seed") == trained.settings.seed
        and found.get("version") == _version(metric_class)
        and all(trained.has_picture(file) for file in (found.get("artifacts") or {}).values())
    )
