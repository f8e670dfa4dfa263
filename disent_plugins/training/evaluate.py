"""Metrics by name on a subject."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from disent_plugins.contracts import Result, Subject
from disent_plugins.errors import PluginFailure, UsageError, WorkFailed
from disent_plugins.options import build
from disent_plugins.registry.host import OURS, Registry

AFTER_TRAINING = ("probe", "reconstruction", "swap-grid", "interpolation", "samples")
"""What ``disent run`` measures."""


def after_training(registry: Registry) -> list[str]:
    """The metrics of ``AFTER_TRAINING`` as names that mean ours, without those whose plugin is disabled."""
    ours = {spec.name for spec, plugin in registry.metrics.entries if plugin.distribution == OURS}
    return [f"{OURS}:{name}" for name in AFTER_TRAINING if name in ours]


def measure(registry: Registry, name: str, options: Mapping[str, Any], subject: Subject) -> Result:
    """Measure one metric.

    Raises:
        UsageError: Unknown metric or option, or the subject lacks what the metric needs.
        PluginFailure: A third-party metric failed, or returned something else than a result of finite numbers.
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
    what = f"Metric '{name}' could not be measured"

    def run() -> Any:
        hint = f"See them all with: disent metrics {name} --options"
        return metric_class(build(metric_class.Config, options, owner=f"metric '{name}'", hint=hint)).measure(subject)

    result = registry.call(plugin, what, run)
    if not isinstance(result, Result):
        raise PluginFailure(what + ".", f"It returned {type(result).__name__}, not a disent_plugins.Result.")
    bad = [key for key, value in result.values.items() if not math.isfinite(value.value)]
    if bad:
        failure = WorkFailed if plugin.distribution == OURS else PluginFailure
        raise failure(what + ".", f"It gives no finite number for {', '.join(bad)}.", "Are the codes all alike?")
    return result
