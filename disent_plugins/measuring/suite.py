"""Every metric on one subject."""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from disent_plugins.contracts import Result, Subject
from disent_plugins.errors import DisentError, Interrupted, UsageError, suggestion
from disent_plugins.measuring.documents import document
from disent_plugins.measuring.items import with_items
from disent_plugins.measuring.measure import measure, preset_of
from disent_plugins.measuring.results import kept_name
from disent_plugins.registry.host import OURS, Registry

GROUPS = ("leakage", "swap", "blocks", "factors", "quality")
"""Order of the groups; groups of other names follow, pictures come last."""

PICTURES = "pictures"


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
    claims = Counter(spec.name for spec, _ in entries)
    found = [
        (spec.group, spec.name if claims[spec.name] == 1 else f"{plugin.distribution}:{spec.name}")
        for spec, plugin in sorted(entries, key=lambda entry: entry[1].distribution != OURS)
        if not groups or spec.group in groups
    ]
    return sorted(found, key=lambda entry: order.get(entry[0], len(GROUPS)))


def check_groups(registry: Registry, asked: str) -> list[str]:
    """The groups named in ``asked``, comma-separated.

    Raises:
        UsageError: None is named, or there is no such group.
    """
    known = list(dict.fromkeys(group for group, _ in suite(registry)))
    wanted = [group.strip() for group in asked.split(",") if group.strip()]
    if not wanted:
        raise UsageError("No group was named.", f"There are: {', '.join(known)}.")
    for group in wanted:
        if group not in known:
            raise UsageError(f"There is no group '{group}'.", suggestion(group, known))
    return wanted


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
        check_preset(registry, chosen, preset)
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


def check_preset(registry: Registry, chosen: Sequence[tuple[str, str]], preset: str) -> None:
    """Refuse a preset that none of the metrics ``chosen`` (see ``suite``) has, which would leave everything out.

    Raises:
        UsageError: It is no metric's.
    """
    known: set[str] = set()
    for _, name in chosen:
        with contextlib.suppress(DisentError):  # a plugin that cannot be loaded is told of when it is measured
            known.update(getattr(registry.load(*registry.metrics.find(name)), "presets", {}))
    if preset not in known:
        raise UsageError(f"No metric has a preset '{preset}'.", suggestion(preset, known))


def documents(
    entries: Sequence[Entry], subject: str, of: Mapping[str, Any], place: Path | None = None
) -> dict[str, Any]:
    """The documents of what was measured, by the name that they are kept by.

    Args:
        entries: What was measured.
        subject: In words.
        of: What exactly it was.
        place: Where the documents are going to be kept, and their items are written; None for nowhere.
    """
    return {
        kept_name(entry.name, entry.result.settings): document(
            entry.result if place is None else with_items(entry.result, place),
            subject=subject,
            group=entry.group,
            of=of,
        )
        for entry in entries
        if entry.result is not None
    }


def left_out(entries: Sequence[Entry]) -> Mapping[str, str]:
    """Metric name to why it was not measured."""
    return {entry.name: entry.left_out for entry in entries if entry.result is None}
