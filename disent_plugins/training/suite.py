"""Every metric on one subject, the same metrics over several runs, and the table of it all as CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from scipy import stats

from disent_plugins.contracts import Result, Subject, Value
from disent_plugins.errors import DisentError, Interrupted
from disent_plugins.files import write_text
from disent_plugins.registry.host import OURS, Registry
from disent_plugins.training.evaluate import measure, preset_of

GROUPS = ("leakage", "swap", "blocks", "factors", "quality")
"""Order of the groups; groups of other names follow, pictures come last."""

PICTURES = "pictures"
_COLUMNS = (
    "group", "metric", "name", "value", "unit", "better", "floor", "ceiling", "normalised", "low", "high", "n",
    "estimator",
)  # fmt: skip


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
    """
    entries = []
    chosen = suite(registry, groups)
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


def over_runs(runs: Sequence[Sequence[Entry]]) -> list[Entry]:
    """The suite over several runs: means, with the 95 % interval of the mean over runs (Student's t).

    Only values that every run has are kept; floor and ceiling are the means of the runs' own.
    """
    if len(runs) == 1:
        return list(runs[0])
    merged = []
    for entries in zip(*runs, strict=True):
        results = [entry.result for entry in entries if entry.result is not None]
        if len(results) < len(runs):
            first = next(entry for entry in entries if entry.result is None)
            merged.append(Entry(first.group, first.name, None, f"Not in every run: {first.left_out}"))
            continue
        values = {
            name: mean_value([result.values[name] for result in results])
            for name in results[0].values
            if all(name in result.values for result in results)
        }
        notes = list(dict.fromkeys(note for result in results for note in result.notes))
        merged.append(Entry(entries[0].group, entries[0].name, replace(results[0], values=values, notes=notes)))
    return merged


def mean_value(values: Sequence[Value]) -> Value:
    """Mean of one value over runs.

    >>> mean = mean_value([Value(0.8, "accuracy"), Value(0.9, "accuracy")])
    >>> round(mean.value, 2), round(mean.low, 2), round(mean.high, 2)
    (0.85, 0.21, 1.49)
    """
    numbers = [value.value for value in values]
    mean = math.fsum(numbers) / len(numbers)
    deviation = math.sqrt(math.fsum((number - mean) ** 2 for number in numbers) / (len(numbers) - 1))
    half = float(stats.t.ppf(0.975, len(numbers) - 1)) * deviation / math.sqrt(len(numbers))

    def average(name: str) -> float | None:
        parts = [getattr(value, name) for value in values]
        return None if None in parts else math.fsum(parts) / len(parts)

    return replace(
        values[0],
        value=mean,
        floor=average("floor"),
        ceiling=average("ceiling"),
        low=mean - half,
        high=mean + half,
        estimator=f"mean of {len(values)} runs, 95 % interval of the mean over runs; {values[0].estimator}",
    )


def write_csv(path: Path, entries: Sequence[Entry]) -> Path:
    """One line per value, atomically."""
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    for entry in entries:
        for name, value in (entry.result.values if entry.result else {}).items():
            writer.writerow({"group": entry.group, "metric": entry.name, "name": name, **_row(value)})
    write_text(path, text.getvalue())
    return path


def _row(value: Value) -> Mapping[str, Any]:
    return {**vars(value), "normalised": value.normalised}
