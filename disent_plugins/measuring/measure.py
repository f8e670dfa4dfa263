"""Metrics by name on a subject."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from disent_plugins.content import has_value
from disent_plugins.contracts import Codes, Result, Subject, Value
from disent_plugins.contracts.broken import demand
from disent_plugins.contracts.classes import name_of
from disent_plugins.contracts.findings import check_result
from disent_plugins.errors import UsageError, shown
from disent_plugins.measuring.documents import document
from disent_plugins.metrics.codes.blocks import example
from disent_plugins.metrics.statistics.cores import one_blas_thread
from disent_plugins.options import build
from disent_plugins.registry.host import OURS, Plugin, Registry

FEW = 50
"""With fewer test samples than this behind a value, the result says that it says little."""


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
        PluginFailure: A third-party metric failed, or returned something else than a result of its own name whose
            values, reference points and intervals are finite numbers that do not contradict each other.
        WorkFailed: One of ours did.
    """
    spec, plugin = registry.metrics.find(name)
    unmet = unmet_needs(name, spec.needs, subject)
    if unmet is not None:
        raise unmet
    metric_class = registry.load(spec, plugin)
    what = f"Metric '{name}' could not be measured"

    def run() -> Any:
        config = _config(metric_class, name, options, preset)
        result = metric_class(config).measure(_lent(subject, plugin))
        check_result(name_of(metric_class), result, spec.name)
        if plugin.distribution != OURS:  # ours may score below chance, by chance
            _check_order(name_of(metric_class), result)
        json.dumps(document(result))  # what cannot be kept fails here, where it is still known whose it is
        made = replace(
            result,
            artifacts={key: Path(path) for key, path in result.artifacts.items()},
            settings={**result.settings, **({} if preset is None else {"preset": preset})},
            options=asdict(config),
            version=_version(metric_class),
            maker={"name": plugin.distribution, "version": plugin.version},
        )
        return _with_notes(made, subject.codes)

    with one_blas_thread():
        result: Result = registry.call(plugin, what, run)
        return result


def _version(metric_class: Any) -> str:
    found = getattr(metric_class, "version", "1")
    demand(
        isinstance(found, str) and bool(found),
        f"{name_of(metric_class)}.version is {shown(found)}.",
        'It is a text, such as "2".',
    )
    return found


def _lent(subject: Subject, plugin: Plugin) -> Subject:
    """The subject as a metric gets it: nothing that it does to it changes what the next one reads.

    The arrays are views of memory that cannot be made writable again. What is worked out once and shared is so among
    the metrics of one distribution.
    """
    codes, shared = subject.codes, subject.shared
    views: dict[str, Any] = {
        name: np.asarray(memoryview(array).toreadonly())  # type: ignore[arg-type]  # numpy's types say it less well
        for name, array in vars(codes).items()
        if isinstance(array, np.ndarray)
    }
    if plugin.distribution != OURS:
        shared = shared.setdefault(("of", plugin.distribution), {})
    return replace(subject, codes=replace(codes, **views), shared=shared, of=copy.deepcopy(subject.of))


def check_request(registry: Registry, name: str, options: Mapping[str, Any], preset: str | None) -> None:
    """Refuse a metric, an option or a preset that there is not, before codes are made for it.

    Raises:
        UsageError: Unknown metric, option or preset, or a value out of bounds.
        PluginFailure: A third-party metric cannot be loaded, or its options cannot be made.
    """
    spec, plugin = registry.metrics.find(name)
    metric_class = registry.load(spec, plugin)
    registry.call(plugin, f"Metric '{name}' could not be made", lambda: _config(metric_class, name, options, preset))


def _config(metric_class: Any, name: str, options: Mapping[str, Any], preset: str | None) -> Any:
    hint = f"See them all with: disent metrics {name} --options"
    chosen = {**preset_of(metric_class, name, preset), **options}
    return build(metric_class.Config, chosen, owner=f"metric '{name}'", hint=hint)


def _check_order(owner: str, result: Result) -> None:
    for key, value in result.values.items():
        demand(
            not _contradicts_itself(value),
            f"{owner}: value '{key}' is better up, yet its floor, {value.floor}, lies above its ceiling, "
            f"{value.ceiling}.",
            "The floor is what a code without information scores, the ceiling what a perfect one does.",
        )


def _with_notes(result: Result, codes: Codes) -> Result:
    """With what there is to say of its codes, of missing values and of few test samples."""
    notes = list(codes.notes)
    for name, column in zip(codes.factor_names, codes.factors.T, strict=True):
        lacking = int((~has_value(column, codes.factor(name).kind)).sum())
        if lacking:
            notes.append(f"'{name}' has no value in {lacking} of {len(column)} rows: left out of what needs it.")
    few = [value.n for value in result.values.values() if value.n and value.n < FEW]
    if few:
        notes.append(f"N = {min(few)}: values and intervals of so few test samples say little.")
    return replace(result, notes=[*result.notes, *notes]) if notes else result


def _contradicts_itself(value: Value) -> bool:
    """Whether more is better and yet chance scores more than a perfect code.

    Less may be better either way: a leak rises from its floor, chance, to its ceiling, everything; an error falls from
    its floor to its ceiling. And of few samples chance may score more, by chance.
    """
    if value.better != "up" or value.floor is None or value.ceiling is None:
        return False
    return value.floor > value.ceiling and not (value.n and value.n < FEW)


def preset_of(metric_class: Any, name: str, preset: str | None) -> Mapping[str, Any]:
    """The options of a metric's preset; none of them for no preset.

    Raises:
        UsageError: The metric has no such preset.
    """
    if preset is None:
        return {}
    presets: Mapping[str, Mapping[str, Any]] = getattr(metric_class, "presets", {})
    if preset not in presets:
        known = f"It has: {', '.join(presets)}." if presets else "It has none."
        raise UsageError(
            f"Metric '{name}' has no preset '{preset}'.", known, "Leave --as (in Python: preset) out for our defaults."
        )
    return presets[preset]


def unmet_needs(name: str, needs: Sequence[str], subject: Subject) -> UsageError | None:
    """Why a metric with these ``needs`` (``MetricSpec.needs``) cannot measure the subject; None if it can."""
    given = {"decoder": subject.decode, "encoder": subject.encode, "images": subject.images}
    lacking = [need for need, found in given.items() if need in needs and found is None]
    if lacking:
        arguments = ", ".join(f"{_ARGUMENTS[need]}=" for need in lacking)
        return UsageError(
            f"Metric '{name}' needs {' and '.join(lacking)}, and only codes were given.",
            "It works with the model that made the codes.",
            f"Measure a run instead: disent metrics {name} RUN; or in Python, pass {arguments} to measure.",
        )
    if "codes" in needs and not subject.codes.style.shape[1]:
        columns = subject.codes.content.shape[1]
        found = f"They have {columns} column{'s' * (columns != 1)} and no blocks."
        # Of a metric that is left out of a suite, what and why are told. A model's own codes cannot be cut.
        return UsageError(
            f"Metric '{name}' compares content and style, and the codes of {subject.name} are in one piece.",
            found if subject.encode is not None else f"{found} {example(columns)}.",
            "Or choose a metric that does not need 'codes': disent metrics list",
        )
    return None


_ARGUMENTS = {"decoder": "decode", "encoder": "encode", "images": "images"}
