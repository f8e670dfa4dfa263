"""Metrics by name on a subject."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from disent_plugins.contracts import Result, Subject
from disent_plugins.errors import PluginFailure, UsageError, WorkFailed
from disent_plugins.metrics.code_blocks import example
from disent_plugins.metrics.cores import one_blas_thread
from disent_plugins.options import build
from disent_plugins.registry.host import OURS, Registry

AFTER_TRAINING = ("probe", "reconstruction", "swap-grid", "interpolation", "samples")
"""What ``disent run`` measures."""


def after_training(registry: Registry) -> list[str]:
    """The metrics of ``AFTER_TRAINING`` as names that mean ours, without those whose plugin is disabled."""
    ours = {spec.name for spec, plugin in registry.metrics.entries if plugin.distribution == OURS}
    return [f"{OURS}:{name}" for name in AFTER_TRAINING if name in ours]


def measure(
    registry: Registry, name: str, options: Mapping[str, Any], subject: Subject, *, preset: str | None = None
) -> Result:
    """Measure one metric.

    Args:
        registry: All plugins.
        name: The metric.
        options: Its options; those that are not named keep their defaults, or the preset's values.
        subject: What is measured.
        preset: A published study whose settings to use, one of the metric's ``presets``.

    Raises:
        UsageError: Unknown metric, option or preset, or the subject lacks what the metric needs.
        PluginFailure: A third-party metric failed, or returned something else than a result of finite numbers.
    """
    spec, plugin = registry.metrics.find(name)
    _check_needs(name, spec.needs, subject)
    metric_class = registry.load(spec, plugin)
    what = f"Metric '{name}' could not be measured"
    chosen = {**preset_of(metric_class, name, preset), **options}

    def run() -> Any:
        hint = f"See them all with: disent metrics {name} --options"
        return metric_class(build(metric_class.Config, chosen, owner=f"metric '{name}'", hint=hint)).measure(subject)

    with one_blas_thread():
        result = registry.call(plugin, what, run)
    if not isinstance(result, Result):
        raise PluginFailure(what + ".", f"It returned {type(result).__name__}, not a disent_plugins.Result.")
    bad = [key for key, value in result.values.items() if not math.isfinite(value.value)]
    if bad:
        failure = WorkFailed if plugin.distribution == OURS else PluginFailure
        raise failure(what + ".", f"It gives no finite number for {', '.join(bad)}.", "Are the codes all alike?")
    if preset is None:
        return result
    return replace(result, settings={**result.settings, "preset": preset})


def preset_of(metric_class: type, name: str, preset: str | None) -> Mapping[str, Any]:
    """The options of a metric's preset; none of them for no preset.

    Raises:
        UsageError: The metric has no such preset.
    """
    if preset is None:
        return {}
    presets = getattr(metric_class, "presets", {})
    if preset not in presets:
        known = f"It has: {', '.join(presets)}." if presets else "It has none."
        raise UsageError(f"Metric '{name}' has no preset '{preset}'.", known, "Leave --as out to use our defaults.")
    return presets[preset]


def _check_needs(name: str, needs: Sequence[str], subject: Subject) -> None:
    have = {"decoder": subject.decode, "encoder": subject.encode, "images": subject.images}
    lacking = [need for need, found in have.items() if need in needs and found is None]
    if lacking:
        raise UsageError(
            f"Metric '{name}' needs {' and '.join(lacking)}, and only codes were given.",
            "It works with the model that made the codes.",
            f"Measure a run instead: disent metrics {name} RUN",
        )
    if "factors" not in needs and not subject.codes.style.shape[1]:
        raise UsageError(
            f"Metric '{name}' compares content and style, and the codes of {subject.name} are in one piece.",
            f"They have {subject.codes.content.shape[1]} columns and no blocks.",
            example(subject.codes.content.shape[1]),
        )
