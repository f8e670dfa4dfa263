"""Every metric on one subject, and the same metrics over several runs."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from scipy import stats

from disent_plugins.contracts import Result, Subject, Value
from disent_plugins.errors import DisentError, Interrupted, UsageError, suggestion
from disent_plugins.registry.host import OURS, Registry
from disent_plugins.training.evaluate import measure, preset_of

GROUPS = ("leakage", "swap", "blocks", "factors", "quality")
"""Order of the groups; groups of other names follow, pictures come last."""

PICTURES = "pictures"
T_RUNS = 3
"""Fewest runs whose mean gets an interval; of fewer the range is given."""


@dataclass(frozen=True)
class Entry:
    """One metric of the suite: its result, or why there is none."""

    group: str
    name: str
    result: Result | None
    left_out: str = ""


def suite(registry: Registry, groups: Sequence[str] = ()) -> list[tuple[str, str]]:
    """(group, name) of all metrics, in the order of the table; only those of ``groups`` if any are named.

    Metrics of other packages whose name is ours as well are named with their distribution.
    """
    order = {group: number for number, group in enumerate(GROUPS)} | {PICTURES: math.inf}
    entries = registry.metrics.entries
    names = [spec.name for spec, _ in entries]
    found = [
        (spec.group, spec.name if names.count(spec.name) == 1 else f"{plugin.distribution}:{spec.name}")
        for spec, plugin in sorted(entries, key=lambda entry: entry[1].distribution != OURS)
        if not groups or spec.group in groups
    ]
    return sorted(found, key=lambda entry: order.get(entry[0], len(GROUPS)))


def measure_all(
    registry: Registry,
    subject: Subject,
    *,
    groups: Sequence[str] = (),
    preset: str | None = None,
    done: Callable[[Entry], object] = lambda entry: None,
) -> list[Entry]:
    """Measure everything that can be measured; what cannot, or fails, is left out with the reason.

    Args:
        registry: All plugins.
        subject: What is measured.
        groups: Only these groups; all if empty.
        preset: A published study whose settings to use; metrics without such a preset are left out.
        done: Told of every metric when it is done, so that an interruption loses nothing that was measured.

    Raises:
        UsageError: No metric has the preset.
    """
    entries = []
    chosen = suite(registry, groups)
    if preset is not None:
        _check_preset(registry, chosen, preset)
    for number, (group, name) in enumerate(chosen):
        subject.report(number, len(chosen), "all metrics")
        try:
            if preset is not None:
                spec, plugin = registry.metrics.find(name)
                preset_of(registry.load(spec, plugin), name, preset)
            entries.append(Entry(group, name, measure(registry, name, {}, subject, preset=preset)))
        except Interrupted:
            raise
        except DisentError as error:
            entries.append(Entry(group, name, None, " ".join(part for part in (error.what, error.why) if part)))
        except Exception as error:  # a fault of our own: the other metrics' results must not be lost with it
            entries.append(Entry(group, name, None, f"It failed: {type(error).__name__}: {error}."))
        done(entries[-1])
    subject.report(len(chosen), len(chosen), "all metrics")
    return entries


def _check_preset(registry: Registry, chosen: Sequence[tuple[str, str]], preset: str) -> None:
    """Refuse a preset that no metric has, which would leave everything out."""
    known: set[str] = set()
    for _, name in chosen:
        with contextlib.suppress(DisentError):  # a plugin that cannot be loaded is told of when it is measured
            known.update(getattr(registry.load(*registry.metrics.find(name)), "presets", {}))
    if preset not in known:
        raise UsageError(f"No metric has a preset '{preset}'.", suggestion(preset, known))


def over_runs(runs: Sequence[Sequence[Entry]]) -> list[Entry]:
    """The suite over several runs: means, with the 95 % interval of the mean over runs (see ``mean_value``).

    Only values that every run has are kept. The values of the single runs stand in the settings.
    """
    if len(runs) == 1:
        return list(runs[0])
    merged = []
    for entries in zip(*runs, strict=True):
        results = [entry.result for entry in entries if entry.result is not None]
        first = entries[0]
        if len(results) < len(runs):
            lacking = next(entry for entry in entries if entry.result is None).left_out
            reason = f"Not in every run: {lacking}" if results else lacking
            merged.append(Entry(first.group, first.name, None, reason))
            continue
        names = [name for name in results[0].values if all(name in result.values for result in results)]
        values = {name: mean_value([result.values[name] for result in results]) for name in names}
        single = {name: [result.values[name].value for result in results] for name in names}
        settings = {**results[0].settings, "seed": [result.settings.get("seed") for result in results], "runs": single}
        notes = list(dict.fromkeys(note for result in results for note in result.notes))
        merged.append(
            Entry(first.group, first.name, replace(results[0], values=values, settings=settings, notes=notes))
        )
    return merged


def mean_value(values: Sequence[Value]) -> Value:
    """Mean of one value over runs; floor and ceiling are the means of the runs' own.

    From three runs on its interval is that of the mean by Student's t, cut at 0 and 1 where value, floor and ceiling of
    every run keep within them. Two runs say too little for that: ``low`` and ``high`` are their values.

    >>> mean = mean_value([Value(0.8, "accuracy"), Value(0.9, "accuracy")])
    >>> round(mean.value, 2), mean.low, mean.high
    (0.85, 0.8, 0.9)
    """
    numbers = [value.value for value in values]
    mean = math.fsum(numbers) / len(numbers)

    def average(name: str) -> float | None:
        parts = [getattr(value, name) for value in values]
        return None if None in parts else math.fsum(parts) / len(parts)

    if len(values) < T_RUNS:
        low, high, words = min(numbers), max(numbers), "interval: the range"
    else:
        deviation = math.sqrt(math.fsum((number - mean) ** 2 for number in numbers) / (len(numbers) - 1))
        half = float(stats.t.ppf(0.975, len(numbers) - 1)) * deviation / math.sqrt(len(numbers))
        bounds = [x for value in values for x in (value.value, value.floor, value.ceiling) if x is not None]
        low = max(mean - half, 0.0) if min(bounds) >= 0 else mean - half
        high = min(mean + half, 1.0) if max(bounds) <= 1 and values[0].ceiling is not None else mean + half
        words = "95 % interval of the mean over runs"
    return replace(
        values[0], value=mean, floor=average("floor"), ceiling=average("ceiling"), low=low, high=high,
        estimator=f"mean of {len(values)} runs, {words}; {values[0].estimator}",
    )  # fmt: skip
