"""Metrics by name on a subject, and their results as plain documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from disent_plugins.contracts import Result, Subject
from disent_plugins.errors import PluginFailure, UsageError
from disent_plugins.options import build
from disent_plugins.registry.host import Registry

AFTER_TRAINING = ("probe", "reconstruction", "swap-grid", "interpolation", "samples")
"""What ``disent run`` measures."""


def measure(registry: Registry, name: str, options: Mapping[str, Any], subject: Subject) -> Result:
    """Measure one metric.

    Raises:
        UsageError: Unknown metric or option, or the subject lacks what the metric needs.
        PluginFailure: A third-party metric failed or returned something else than a result.
    """
    spec, plugin = registry.metrics.find(name)
    lacking = [need for need, have in (("decoder", subject.decode), ("images", subject.images))
               if need in spec.needs and have is None]  # fmt: skip
    if lacking:
        raise UsageError(
            f"Metric '{name}' needs {' and '.join(lacking)}, and only codes were given.",
            "It draws with the model's decoder.",
            f"Measure a run instead: disent metrics {name} RUN",
        )
    metric_class = registry.load(spec, plugin)
    config = build(metric_class.Config, options, owner=f"metric '{name}'")
    what = f"Metric '{name}' could not be measured"
    result = registry.call(plugin, what, lambda: metric_class(config).measure(subject))
    if not isinstance(result, Result):
        raise PluginFailure(what + ".", f"It returned {type(result).__name__}, not a disent_plugins.Result.")
    return result


def document(result: Result) -> dict[str, Any]:
    """A result with the stable keys ``metric, values, reference, settings, artifacts, notes``."""
    reference = {
        name: {key: part for key, part in vars(value).items() if key != "value"}
        for name, value in result.values.items()
    }
    return {
        "metric": result.metric,
        "values": {name: value.value for name, value in result.values.items()},
        "reference": reference,
        "settings": dict(result.settings),
        "artifacts": {name: str(path) for name, path in result.artifacts.items()},
        "notes": list(result.notes),
    }
